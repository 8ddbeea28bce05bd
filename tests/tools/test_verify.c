// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl verify on trees of units and on single files.
 *
 * test_verify DMEMCTL DIRECTORY [ROUNDS]
 *
 * ROUNDS: how many random files to check.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/dmemctl/verify/lint.h"
#include "../systemd/tap.h"
#include "fake.h"

#define ETC	"root/etc/systemd/system/"
#define LIB	"root/usr/lib/systemd/system/"
#define EXEC	"[Service]\nExecStart=/bin/true\n"
#define CAP(what)	"[X-Dmem]\nDeviceMemoryMax=" what "\n"
#define ETC_PATH	"/etc/systemd/system/"

static const char *dmemctl, *dir;

/* With the tree below "root", and up to three words more. */
static int go(const char *a, const char *b, const char *c)
{
	char root[4200];
	const char *argv[] = { dmemctl, "verify", root, a, b, c, NULL };

	snprintf(root, sizeof(root), "--root=%s", tap_path("root"));
	return run(argv);
}

/* All that is said of the tree, and whether it is a failure. */
static void expect(const char *said, int code, const char *name)
{
	int rc;

	mkdir(tap_path("root"), 0755);
	rc = go(NULL, NULL, NULL);
	check_text(get("out"), said, name);
	if (rc != code || *get("err"))
		check(false, name, "exit code %d, not %d: %s", rc, code, get("err"));
	tap_dir(dir);
}

/* One file of this text. */
static void expect_file(const char *text, const char *said, const char *name)
{
	put(ETC "a.service", "%s", text);
	expect(said, *said != 'n', name);
}

#define AT(line)	ETC_PATH "a.service:" #line ": "
#define NOT_READ(line, key, section)	\
	AT(line) "'" key "' is in [" section "], where it is not read: "
#define UNSECTIONED(line)	\
	AT(line) "'DeviceMemoryMax' comes before any section: write [X-Dmem] above it\n"

static void words(void)
{
	expect_file(EXEC CAP("a 1") "DeviceMemoryMin=b 1\nDeviceMemoryLow=c 1\nDeviceMemoryStrict=yes\n",
		    "nothing is wrong: 1 files\n", "all that is right");
	expect_file("[Service]\nDeviceMemoryMax=a 1\nMemoryMax=1\nDeviceAllow=/dev/null\n",
		    NOT_READ(2, "DeviceMemoryMax", "Service") "put it in [X-Dmem]\n", "under [Service]");
	expect_file("[Service]\nDevicememoryMax=a 1\nDeviceMemoryMaximum=a 1\nDviceMemoryStrict=1\n"
		    "DeviceMemroyLow=a 1\nDeviceMemoryHigh=a 1\nDmemMax=a 1\nDeviceMem=a\n"
		    "DeviceMemroyLwo=a 1\nDEVICEMEMORYMX=a 1\n",
		    NOT_READ(2, "DevicememoryMax", "Service") "write DeviceMemoryMax= in [X-Dmem]\n"
		    NOT_READ(3, "DeviceMemoryMaximum", "Service") "write DeviceMemoryMax= in [X-Dmem]\n"
		    NOT_READ(4, "DviceMemoryStrict", "Service") "write DeviceMemoryStrict= in [X-Dmem]\n"
		    NOT_READ(5, "DeviceMemroyLow", "Service") "write DeviceMemoryLow= in [X-Dmem]\n"
		    NOT_READ(6, "DeviceMemoryHigh", "Service") "[X-Dmem] has DeviceMemoryMax=, DeviceMemoryMin=, "
		    "DeviceMemoryLow= and DeviceMemoryStrict=\n"
		    NOT_READ(7, "DmemMax", "Service") "[X-Dmem] has DeviceMemoryMax=, DeviceMemoryMin=, "
		    "DeviceMemoryLow= and DeviceMemoryStrict=\n"
		    NOT_READ(8, "DeviceMem", "Service") "[X-Dmem] has DeviceMemoryMax=, DeviceMemoryMin=, "
		    "DeviceMemoryLow= and DeviceMemoryStrict=\n"
		    NOT_READ(9, "DeviceMemroyLwo", "Service") "write DeviceMemoryLow= in [X-Dmem]\n"
		    NOT_READ(10, "DEVICEMEMORYMX", "Service") "write DeviceMemoryMax= in [X-Dmem]\n",
		    "keys that are nearly right");
	expect_file("[Dmem]\nDeviceMemoryMax=a 1\n[X-dmem ]\n[DMem]\n[X-Dmen]\n[X-Demo]\n",
		    AT(1) "'Dmem' is not a section that is read: write [X-Dmem]\n"
		    AT(3) "'X-dmem ' is not a section that is read: write [X-Dmem]\n"
		    AT(4) "'DMem' is not a section that is read: write [X-Dmem]\n"
		    AT(5) "'X-Dmen' is not a section that is read: write [X-Dmem]\n",
		    "sections that are nearly right");
	expect_file("[DeviceMemory]\nDeviceMemoryMax=a 1\n[X-Other]\nDeviceMemoryMax=a 1\nDevicememoryMax=a 1\n",
		    NOT_READ(2, "DeviceMemoryMax", "DeviceMemory") "put it in [X-Dmem]\n"
		    AT(4) "'DeviceMemoryMax' is in a section that is not read: put it in [X-Dmem]\n"
		    NOT_READ(5, "DevicememoryMax", "X-Other") "write DeviceMemoryMax= in [X-Dmem]\n",
		    "sections of others");
	expect_file("DeviceMemoryMax=a 1\nDevicememorymax=a 1\n" EXEC,
		    UNSECTIONED(1) AT(2) "'Devicememorymax' comes before any section: "
		    "write DeviceMemoryMax= in [X-Dmem]\n", "no section above");
	expect_file(EXEC "[X-Dmem]\nDeviceMemoryMax a 1\nDeviceMemoryMax=a\nDeviceMemoryMaxx=a 1\n"
		    "DeviceMemoryMax=a 1k\nDeviceMemoryStrict=maybe\n",
		    AT(4) "'DeviceMemoryMax a 1' has no '=': write KEY=VALUE\n"
		    AT(5) "'a' has no size: write REGION SIZE, such as cma/camera@64000000 24M\n"
		    AT(6) "'DeviceMemoryMaxx' is not a key of [X-Dmem]: write DeviceMemoryMax=, "
		    "DeviceMemoryMin=, DeviceMemoryLow= or DeviceMemoryStrict=\n"
		    AT(7) "'1k' is not a size: write bytes with K, M, G or T, a percentage of the region, or max\n"
		    AT(8) "'maybe' is neither yes nor no: write DeviceMemoryStrict=yes or no\n",
		    "in the section");
	expect_file("[X-Dmem\nDeviceMemoryMax=a 1\n", AT(1) "'[X-Dmem' is not closed: write [X-Dmem]\n",
		    "an open bracket");
	expect_file("[Serv\x1b[2J]\nDevicememoryMax=a 1\n",
		    AT(2) "'DevicememoryMax' is in [Serv?[2J], where it is not read: "
		    "write DeviceMemoryMax= in [X-Dmem]\n", "what a terminal would obey");
}

static void units(void)
{
	put(LIB "b.socket", "[Socket]\n" CAP("a 1"));
	put(LIB "c.timer", CAP("a 1"));
	put(ETC "x.scope.d/a.conf", CAP("a 1"));
	put(ETC "-.slice.d/a.conf", CAP("a 1"));
	put(LIB "mount.d/a.conf", CAP("a 1"));
	put(ETC "user-.slice.d/a.conf", CAP("cma/%%i 1") "DeviceMemoryMin=a%%%%b 1\n");
	expect(ETC_PATH "-.slice.d/a.conf:1: '-.slice' is the root, which has no caps: cap the slices below it\n"
	       ETC_PATH "user-.slice.d/a.conf:2: 'cma/%i' has a specifier, in a slice's section: "
	       "write the region's name as it is\n"
	       ETC_PATH "x.scope.d/a.conf:1: '[X-Dmem]' does nothing for a scope unit: cap its slice\n"
	       "/usr/lib/systemd/system/b.socket:2: '[X-Dmem]' does nothing for a socket unit: cap its slice\n"
	       "/usr/lib/systemd/system/c.timer:1: '[X-Dmem]' does nothing for a timer unit: "
	       "put it in a service or a slice\n"
	       "/usr/lib/systemd/system/mount.d/a.conf:1: '[X-Dmem]' does nothing for a mount unit: cap its slice\n",
	       1, "where a section does nothing");

	put(LIB "here.service", EXEC);
	put(LIB "t@.service", EXEC);
	link_to(ETC "also.service", "/usr/lib/systemd/system/here.service");
	link_to(ETC "masked.service", "/dev/null");
	put("root/run/systemd/generator/made.service", EXEC);
	for (const char * const *n = (const char * const []){ "here", "t@x", "t@", "also", "masked",
							       "made", "pre-", "pre-@", NULL }; *n; n++) {
		char path[200];

		snprintf(path, sizeof(path), ETC "%s.service.d/a.conf", *n);
		put(path, CAP("a 1"));
	}
	put(ETC "service.d/a.conf", CAP("a 1"));
	put(ETC "any.slice.d/a.conf", CAP("a 1"));
	put(ETC "gone.service.d/nothing.conf", EXEC);
	put(ETC "gone.service.d/a.conf", CAP("a 1"));
	put(ETC "u@x.service.d/a.conf", CAP("a 1"));
	expect(ETC_PATH "gone.service.d/a.conf: warning: 'gone.service' has no unit file: "
	       "if nobody makes such a unit at run time, rename the directory\n"
	       ETC_PATH "u@x.service.d/a.conf: warning: 'u@x.service' has no unit file: "
	       "if nobody makes such a unit at run time, rename the directory\n", 0,
	       "drop-ins of a unit that is not there");

	put(LIB "a.service", EXEC "RootImage=/x.raw\n");
	put(ETC "a.service.d/cap.conf", CAP("a 1"));
	put(LIB "b.service", EXEC "RootDirectory=/x\n");
	expect("/usr/lib/systemd/system/a.service:3: 'RootImage=' keeps the caps from being set inside "
	       "a.service: cap its slice\n", 1, "what hides our program");

	put(LIB "big.service", EXEC);
	truncate(tap_path(LIB "big.service"), 2 << 20);
	link_to(ETC "nowhere.service", "/opt/nowhere.service");
	expect("/usr/lib/systemd/system/big.service: 'big.service' is too large: its section does not "
	       "count: put the section into a drop-in\n", 1, "a file that is too large");
	put(LIB "a.service", EXEC);
	expect("nothing is wrong: 1 files\n", 0, "nothing wrong");
	expect("nothing is wrong: 0 files\n", 0, "no unit");
}

static void put_machine(void)
{
	struct fake f;

	fake_start(&f, FAKE_OURS);
	fake_region(&f, "cma/camera@64000000", 40 * MIB);
	fake_region(&f, "heap/system", 1024 * MIB);
	fake_heap(&f, "camera@64000000", "cma/camera@64000000");
	fake_heap(&f, "vendor", NULL);
	fake_cgroup(&f, "", NULL, 0);
}

static void machines(void)
{
	put_machine();
	put(ETC "a.service", EXEC CAP("cma/camera@64000000 40M") "DeviceMemoryMax=heap/system max\n"
	    "DeviceMemoryMin=dma_heap/camera@64000000 100%%\n");
	put(LIB "t@.service", EXEC CAP("cma/%%i 1"));
	put(ETC "t@camera@64000000.service.d/a.conf", CAP("cma/%%i 1M"));
	expect("nothing is wrong: 3 files\n", 0, "regions that are there");
	put_machine();
	put(ETC "a.service", EXEC CAP("cma/camera@64000000 41M")
	    "DeviceMemoryLow=dma_heap/camera@64000000 1T\nDeviceMemoryMax=cma/none 1\n"
	    "DeviceMemoryMax=dma_heap/none 1\nDeviceMemoryMax=dma_heap/vendor 1\n");
	put(LIB "t@.service", EXEC);
	put(ETC "t@x.service.d/a.conf", CAP("cma/%%i 1M"));
	expect(AT(4) "warning: '41M' is more than cma/camera@64000000 has, which is 40M: write less, or a percentage\n"
	       AT(5) "warning: '1T' is more than cma/camera@64000000 has, which is 40M: write less, or a percentage\n"
	       AT(6) "warning: 'cma/none' is no region of this machine: see lsdmem\n"
	       AT(7) "warning: 'dma_heap/none' is no heap of this machine: see /dev/dma_heap\n"
	       AT(8) "warning: 'dma_heap/vendor' is a heap that no region is charged for: see the kernel's log\n"
	       ETC_PATH "t@x.service.d/a.conf:2: warning: 'cma/x' is no region of this machine: see lsdmem\n",
	       0, "regions that are not there, and too small ones");
}

static void given(void)
{
	char good[4200], bad[4200], both[9000], out[9000];

	put("root/etc/hostname", "none\n");
	/* The tree is not looked at. */
	put(ETC "z.service", "[Dmem]\n");
	put("f/good.service", EXEC CAP("a 1"));
	put("f/bad.socket.d/x.conf", CAP("a 1x"));
	put("f/any.txt", CAP("a 1"));
	strcpy(good, tap_path("f/good.service"));
	strcpy(bad, tap_path("f/bad.socket.d/x.conf"));
	check(!go(good, tap_path("f/any.txt"), NULL) && !*get("err"), "files without a mistake", "%s",
	      get("err"));
	check_text(get("out"), "nothing is wrong: 2 files\n", "it says so");
	check(go(good, bad, NULL) == 1 && !*get("err"), "one with a mistake", "%s", get("err"));
	snprintf(both, sizeof(both), "%s:1: '[X-Dmem]' does nothing for a socket unit: cap its slice\n"
		 "%s:2: '1x' is not a size: write bytes with K, M, G or T, a percentage of the region, or max\n",
		 bad, bad);
	check_text(get("out"), both, "its mistakes, by its path and name");
	check(go(tap_path("f/none.service"), good, NULL) == 1 &&
	      strstr(get("err"), "No such file"), "one that is not there", "%s", get("err"));
	check(go(tap_path("f"), NULL, NULL) == 1 && strstr(get("err"), "Is a directory"),
	      "a directory", "%s", get("err"));
	snprintf(out, sizeof(out), "--root=%s", tap_path("root"));
	check(run((const char * const []){ dmemctl, "verify", out, "--json", bad, NULL }) == 1,
	      "as JSON", "%s", get("err"));
	put("json", "%s", get("out"));
	check(!run((const char * const []){ "/usr/bin/jq", "-r",
		   ".findings[] | \"\\(.line)|\\(.severity)|\\(.word)|\\(.what)|\\(.remedy)\"",
		   tap_path("json"), NULL }), "it is JSON", "%s", get("err"));
	check_text(get("out"), "1|mistake|[X-Dmem]|does nothing for a socket unit|cap its slice\n"
		   "2|mistake|1x|is not a size|write bytes with K, M, G or T, a percentage of the region, or max\n",
		   "with all parts");
	check(!run((const char * const []){ dmemctl, "verify", out, "-J", good, NULL }),
	      "nothing as JSON", "%s", get("err"));
	put("json", "%s", get("out"));
	check(!run((const char * const []){ "/usr/bin/jq", "-e", ".findings == []", tap_path("json"),
					    NULL }), "is an empty list", "%s%s", get("out"), get("json"));
	check(go("--no-such", NULL, NULL) == 2, "a wrong option", "not 2");
	check(go("--help", NULL, NULL) == 0 && strstr(get("out"), "Usage: dmemctl verify"), "--help", "no");
	tap_dir(dir);
}

/* Keys that others have are not mistaken for ours. */
static void others(void)
{
	static const char * const known[] = {
		"MemoryMax", "MemoryMin", "MemoryLow", "StartupMemoryMax", "DeviceAllow",
		"DevicePolicy", "DefaultMemoryLow", "ManagedOOMMemoryPressure", "MemoryDenyWriteExecute",
		"IODeviceWeight", "IODeviceLatencyTargetSec", "BindsTo", "",
	};
	static const char systemd[] = "/usr/lib/systemd/systemd";
	const char *wrong = NULL;
	char *save, *l;
	int n = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		wrong = lint_meant(known[i]) ? known[i] : wrong;
	check(!wrong, "keys that are systemd's", "%s", wrong);
	/* All of them, and all of its units, where it is. */
	if (access(systemd, X_OK) ||
	    run((const char * const []){ systemd, "--dump-configuration-items", NULL }))
		return;
	for (l = strtok_r(get("out"), "\n", &save); l; l = strtok_r(NULL, "\n", &save), n++) {
		l[strcspn(l, "=")] = 0;
		wrong = lint_meant(l) ? l : wrong;
	}
	check(n > 300 && !wrong, "all keys of this systemd", "%d, %s", n, wrong);
	check(!run((const char * const []){ dmemctl, "verify", NULL }) &&
	      !strncmp(get("out"), "nothing is wrong: ", 18), "the units of this machine", "%s%s",
	      get("out"), get("err"));
}

/* ---- any file ---- */

static unsigned long long state = 1;

static size_t pick(size_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (size_t)(state >> 33) % n;
}

struct count {
	size_t n;
	bool bad;
};

static void count(void *data, const struct dmem_report *r)
{
	struct count *c = data;

	c->n++;
	c->bad |= !r->file || !r->word || !r->what || !r->remedy;
}

/* It must not crash, and say all parts; the sanitizers see the rest. */
static void any_file(long rounds)
{
	static const char * const parts[] = {
		"[X-Dmem]\n", "[Service]\n", "[Dmem]\n", "[", "]", "\n", "=", "\\\n", "#", "%", "%i", "%%",
		"DeviceMemoryMax", "DevicememoryMin=", "DeviceMemoryStrict=yes\n", "dmem", "X-", " ",
		"cma/camera@64000000", " 41M\n", "99999999999T", "dma_heap/", "vendor 1\n", "\"", "\x1b",
		"\xff", "12.5%", "RootImage=/x\n", "DeviceMemoryDeviceMemoryDeviceMemoryDeviceMemory",
	};
	static const char * const names[] = {
		"a.service", "a@.service", "a@b.service", "a.slice", "-.slice", "a.socket", "service",
		"nothing", NULL,
	};
	struct dmem_region region = { .name = "cma/camera@64000000", .capacity = 40 * MIB };
	struct dmem_heap heap = { .name = "vendor", .told = true };
	struct dmem_regions machine = { &region, 1, &heap, 1, true };
	struct count c = { 0 };

	for (long i = 0; i < rounds && !c.bad; i++) {
		struct dmem_arena a = { 0 };
		struct lint l = { &a, pick(2) ? &machine : NULL, count, count, &c };
		char buf[2000], *exact;
		size_t n = 0;
		bool present;

		for (size_t k = pick(20); k; k--) {
			const char *p = parts[pick(sizeof(parts) / sizeof(*parts))];

			memcpy(buf + n, p, strlen(p));
			n += strlen(p);
			if (!pick(20))
				buf[n++] = (char)pick(256);
		}
		/* Of the right size, so that each byte too far is seen. */
		exact = malloc(n ? n : 1);
		memcpy(exact, buf, n);
		c.bad |= lint_file(&l, "f", names[pick(sizeof(names) / sizeof(*names))], exact, n,
				   &present) != 0;
		free(exact);
		dmem_arena_free(&a);
	}
	check(!c.bad && c.n > (size_t)rounds / 10, "anything in a file", "%zu reports", c.n);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	dmemctl = argv[1];
	dir = argv[2];
	unsetenv("SYSTEMD_UNIT_PATH");
	tap_start();
	tap_dir(dir);
	words();
	units();
	machines();
	given();
	others();
	any_file(argc > 3 ? atol(argv[3]) : 20000);
	return tap_end();
}
