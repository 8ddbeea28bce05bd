// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-generator on trees of units: its drop-ins and its messages.
 *
 * test_generator DMEM-GENERATOR DIRECTORY FAST-DMEM-GENERATOR VALGRIND OPENAT2 [DMEMCTL]
 *
 * The fast one is built without sanitizers, to count its system calls and instructions. With dmemctl, its verb verify must
 * report the same problems of each tree.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "complaints.h"
#include "cost.h"
#include "tap.h"
#include "traced.h"

#define ETC	"root/etc/systemd/system/"
#define RUN_DIR	"root/run/systemd/system/"
#define LIB	"root/usr/lib/systemd/system/"
#define HEAD	"# Written by dmem-generator at each daemon-reload. See dmem-generator(8).\n"
#define ZZ	".d/zz-dmem.conf:\n" HEAD
#define ZZ_FILE	".d/zz-dmem.conf"
#define COND(args)	"[Service]\nExecCondition=-+/h" args "\n"
#define STRICT(args)	"[Service]\nExecCondition=+/h --strict" args "\n"
#define NONE	"# No limit.\n"
#define LIMIT(what)	"[X-Dmem]\nDeviceMemoryMax=" what "\n"
#define EXEC	"[Service]\nExecStart=/bin/true\n"

/* To see whether the cost of sums grows with the square of their number. */
#define FEW_SUMS	500

/* To count the cost. */
struct programs {
	const char *fast, *valgrind, *openat2;
};

static const char *generator, *dir, *dmemctl;

static void start(void)
{
	tap_dir(dir);
	mkdir(tap_path("root"), 0755);
	mkdir(tap_path("out"), 0755);
}

static void run_it(void)
{
	char root[4200], out[4200];
	const char *argv[] = { generator, root, "--helper=/h", out, NULL };
	int rc;

	remove(tap_path("out"));
	mkdir(tap_path("gen"), 0755);
	snprintf(root, sizeof(root), "--root=%s", tap_path("root"));
	snprintf(out, sizeof(out), "%s", tap_path("gen"));
	rc = run(argv);
	if (rc)
		check(false, "the generator ends well", "exit code %d: %s", rc, get("err"));
}

/* dmemctl verify has the same complaints of this tree, and more. */
static void agree(const char *said, const char *name)
{
	char root[4200], text[200];
	const char *argv[] = { dmemctl, "verify", root, NULL };
	const char *why;

	if (!dmemctl)
		return;
	snprintf(root, sizeof(root), "--root=%s", tap_path("root"));
	run(argv);
	why = complaints_differ(said, get("out"));
	snprintf(text, sizeof(text), "%s: dmemctl verify says so, too", name);
	check(!why && !*get("err"), text, "%s%s", why ? why : "", get("err"));
}

/* All files written, and all complaints without the program's name. */
static void expect(const char *files, const char *complaints, const char *name)
{
	static const char prefix[] = "dmem-generator: ";
	char text[200], said[8192] = "", *save, *l;

	run_it();
	check_text(get_tree("gen"), files, name);
	for (l = strtok_r(get("err"), "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		l += strncmp(l, prefix, sizeof(prefix) - 1) ? 0 : sizeof(prefix) - 1;
		sprintf(said + strlen(said), "%s\n", l);
	}
	snprintf(text, sizeof(text), "%s: complaints", name);
	check_text(said, complaints, text);
	agree(said, name);
	start();
}

static void examples(void)
{
	put(ETC "camera.service.d/50-dmem.conf", "[X-Dmem]\n"
	    "DeviceMemoryMax=cma/camera@64000000 24M\nDeviceMemoryMin=cma/camera@64000000 16M\n");
	put(ETC "media.slice", "[X-Dmem]\nDeviceMemoryMax=cma/linux,cma 50%%\n"
	    "DeviceMemoryMax=heap/system 256M\n");
	expect("camera.service" ZZ
	       COND(" \"--max=cma/camera@64000000=24M\" \"--min=cma/camera@64000000=16M\"")
	       "dmem-slice@media.service" ZZ "[Service]\nSlice=-.slice\nExecStart=\nExecStart=+/h --slice=%i.slice"
	       " \"--max=cma/linux,cma=50%%\" \"--max=heap/system=256M\"\n"
	       "media.slice" ZZ "[Unit]\nWants=dmem-slice@media.service\nAfter=dmem-slice@media.service\nPropagatesStopTo=dmem-slice@media.service\n",
	       "", "the examples");
	put(LIB "a.service", EXEC);
	expect("", "", "no section");
	expect("", "", "no unit");
}

static void levels(void)
{
	put(LIB "service.d/10-a.conf", LIMIT("s 1"));
	put(RUN_DIR "foo-.service.d/20-b.conf", LIMIT("f 2"));
	put(ETC "foo@.service.d/30-c.conf", LIMIT("cma/%%i 3"));
	put(LIB "foo-bar.service", EXEC LIMIT("b 4"));
	put(LIB "foo-plain.service", EXEC);
	put(LIB "foo@.service", EXEC);
	put(ETC "foo@x.service.d/40-d.conf", LIMIT("x 5"));
	expect("dmem-controller.service" ZZ NONE
	       "dmem-slice-@.service" ZZ NONE
	       "dmem-slice@.service" ZZ NONE
	       "foo-.service" ZZ COND(" \"--max=s=1\" \"--max=f=2\"")
	       "foo-bar.service" ZZ COND(" \"--max=b=4\" \"--max=s=1\" \"--max=f=2\"")
	       "foo@.service" ZZ COND(" \"--max=s=1\" \"--max=cma/%i=3\"")
	       "foo@x.service" ZZ COND(" \"--max=s=1\" \"--max=cma/%i=3\" \"--max=x=5\"")
	       "service" ZZ COND(" \"--max=s=1\""), "", "each level has all above it");

	/* Nobody has heard of foo-a@x.service, and yet it differs from foo-a@. */
	put(LIB "foo-a@.service", EXEC LIMIT("t 1"));
	put(ETC "foo-@x.service.d/x.conf", LIMIT("x 2"));
	expect("foo-@x.service" ZZ COND(" \"--max=x=2\"")
	       "foo-a@.service" ZZ COND(" \"--max=t=1\"")
	       "foo-a@x.service" ZZ COND(" \"--max=t=1\" \"--max=x=2\""), "", "an instance by prefix");

	/* A name in an earlier directory hides the same name in later ones. */
	put(ETC "foo-.service.d/50-dmem.conf", LIMIT("etc 1"));
	put(LIB "foo-a.service.d/50-dmem.conf", LIMIT("lib 1"));
	put(LIB "foo-b.service.d/50-dmem.conf", "%s", "");
	link_to(ETC "foo-c.service.d/50-dmem.conf", "/dev/null");
	expect("foo-.service" ZZ COND(" \"--max=etc=1\"")
	       "foo-c.service" ZZ NONE, "", "hidden and masked drop-ins");

	put(LIB "a.service", EXEC LIMIT("a 1"));
	link_to(ETC "a.service", "/dev/null");
	put(LIB "b.service", EXEC LIMIT("b 1"));
	put(ETC "b.service", "%s", "");
	put(ETC "b.service.d/x.conf", LIMIT("c 1"));
	expect("", "", "masked units");

	put(LIB "real.service", EXEC);
	link_to(ETC "alias.service", "/usr/lib/systemd/system/real.service");
	link_to(ETC "alias2.service", "alias.service");
	put(ETC "alias.service.d/a.conf", LIMIT("a 1"));
	put(ETC "alias2.service.d/b.conf", LIMIT("b 2"));
	link_to("root/lib", "usr/lib");
	put(LIB "real3.service", EXEC);
	link_to(ETC "alias3.service", "/lib/systemd/system/real3.service");
	put(ETC "alias3.service.d/a.conf", LIMIT("c 3"));
	put("root/opt/linked.service", EXEC LIMIT("l 3"));
	link_to(ETC "linked.service", "/opt/linked.service");
	expect("linked.service" ZZ COND(" \"--max=l=3\"")
	       "real.service" ZZ COND(" \"--max=a=1\" \"--max=b=2\"")
	       "real3.service" ZZ COND(" \"--max=c=3\""), "", "aliases and linked units");

	/* Drop-ins of an instance, by an alias of its template. */
	put(LIB "t@.service", EXEC LIMIT("t 1"));
	link_to(ETC "u@.service", "/usr/lib/systemd/system/t@.service");
	put(ETC "u@x.service.d/a.conf", LIMIT("x 2"));
	expect("t@.service" ZZ COND(" \"--max=t=1\"")
	       "t@x.service" ZZ COND(" \"--max=t=1\" \"--max=x=2\""), "",
	       "an instance by an alias of its template");

	/* With a unit file, it is another unit than the one made by the alias. */
	put(LIB "t@.service", EXEC LIMIT("t 1"));
	put(LIB "t@x.service", EXEC LIMIT("x 2"));
	put(LIB "t@x.service.d/a.conf", LIMIT("d 3"));
	link_to(ETC "u@.service", "/usr/lib/systemd/system/t@.service");
	expect("t@.service" ZZ COND(" \"--max=t=1\"")
	       "t@x.service" ZZ COND(" \"--max=x=2\" \"--max=d=3\"")
	       "u@x.service" ZZ COND(" \"--max=t=1\" \"--max=d=3\""), "",
	       "an instance with a file, by an alias of its template");

	put("root/etc/systemd/system.control/a.service.d/x.conf", LIMIT("a 1"));
	put("root/run/systemd/system.control/b.service.d/x.conf", LIMIT("b 1"));
	put("root/run/systemd/transient/c.service", EXEC LIMIT("c 1"));
	put("root/etc/systemd/system.attached/d.service", EXEC LIMIT("d 1"));
	put("root/run/systemd/system.attached/e.service", EXEC LIMIT("e 1"));
	put("root/usr/local/lib/systemd/system/f.service", EXEC LIMIT("f 1"));
	put("root/run/systemd/generator/g.service", EXEC LIMIT("g 1"));
	put("root/run/systemd/generator.early/h.service", EXEC LIMIT("h 1"));
	put("root/run/systemd/generator.late/i.service", EXEC LIMIT("i 1"));
	expect("a.service" ZZ COND(" \"--max=a=1\"") "b.service" ZZ COND(" \"--max=b=1\"")
	       "c.service" ZZ COND(" \"--max=c=1\"") "d.service" ZZ COND(" \"--max=d=1\"")
	       "e.service" ZZ COND(" \"--max=e=1\"") "f.service" ZZ COND(" \"--max=f=1\""), "",
	       "the search path");
}

static void mistakes(void)
{
	put(ETC "a.service", EXEC LIMIT("a 1") "DeviceMemoryMax=b x\n");
	put(ETC "b.service", EXEC LIMIT("b 1"));
	put(ETC "c.service", EXEC LIMIT("c") "DeviceMemoryStrict=yes\n");
	put(ETC "d.service.d/a b%$\".conf", LIMIT("d"));
	put(ETC "e.service", EXEC "[X-Dmen]\nDeviceMemoryMax=e 1\n");
	expect("a.service" ZZ COND(" \"--mistake=/etc/systemd/system/a.service:5\" \"--max=a=1\"")
	       "b.service" ZZ COND(" \"--max=b=1\"")
	       "c.service" ZZ STRICT(" \"--mistake=/etc/systemd/system/c.service:4\"")
	       "d.service" ZZ COND(" \"--mistake=/etc/systemd/system/d.service.d/a b%%$$\\\".conf:2\"")
	       "e.service" ZZ COND(" \"--mistake=/etc/systemd/system/e.service:3\""),
	       "/etc/systemd/system/a.service:5: 'x' is not a size: write bytes, a number with K, M, G or T (1K, 1KB and 1KiB are 1024 bytes), a percentage of the region, or max\n"
	       "/etc/systemd/system/c.service:4: 'c' has no size: write REGION SIZE, such as cma/camera@64000000 24M\n"
	       "/etc/systemd/system/d.service.d/a b%$\".conf:2: 'd' has no size: write REGION SIZE, such as cma/camera@64000000 24M\n"
	       "/etc/systemd/system/e.service:3: 'X-Dmen' is an unknown section: write [X-Dmem]\n",
	       "mistakes cost no other unit its caps");

	put(ETC "q.service", EXEC LIMIT("a;$b%%%%\\x22c 1"));
	expect("q.service" ZZ COND(" \"--max=a;$$b%%\\\"c=1\""), "", "quoting");

	put(ETC "a.service", EXEC LIMIT("a 1"));
	put(ETC "a.service.d/zzz.conf", "[Service]\nExecCondition=\n");
	put(ETC "b.service", EXEC LIMIT("b 1"));
	put(ETC "b.service.d/aaa.conf", "[Service]\nExecCondition=\n");
	put(ETC "c.service", EXEC LIMIT("c 1"));
	put(ETC "c.service.d/zz-dmem.conf", "# mine\n");
	expect("a.service" ZZ COND(" \"--max=a=1\"") "b.service" ZZ COND(" \"--max=b=1\"")
	       "c.service" ZZ COND(" \"--max=c=1\""),
	       "/etc/systemd/system/a.service.d/zzz.conf:2: 'ExecCondition=' removes the limits of this unit: "
	       "give the file a name that sorts before zz-dmem.conf\n"
	       "/etc/systemd/system/c.service.d/zz-dmem.conf: 'zz-dmem.conf' hides the limits that "
	       "dmem-generator writes: give it another name\n",
	       "drop-ins that undo ours");
}

/* One line that is safe for a terminal and the kernel's log, whatever the file has. */
static void odd_words(void)
{
	char key[3001], want[700];

	memset(key, 'k', 3000);
	key[3000] = 0;
	put(ETC "a.service", EXEC "[X-Dmem]\n%s=1\nDevice\x1b[2J=1\nDevice\xc2\x9b=1\n", key);
	snprintf(want, sizeof(want), "/etc/systemd/system/a.service:4: '%.80s...' is not a key of [X-Dmem]: "
		 "write DeviceMemoryMax=, DeviceMemoryMin=, DeviceMemoryLow=, DeviceMemoryMinPropagate= or DeviceMemoryStrict=\n"
		 "/etc/systemd/system/a.service:5: 'Device?[2J' is not a key of [X-Dmem]: "
		 "write DeviceMemoryMax=, DeviceMemoryMin=, DeviceMemoryLow=, DeviceMemoryMinPropagate= or DeviceMemoryStrict=\n"
		 "/etc/systemd/system/a.service:6: 'Device?\?' is not a key of [X-Dmem]: "
		 "write DeviceMemoryMax=, DeviceMemoryMin=, DeviceMemoryLow=, DeviceMemoryMinPropagate= or DeviceMemoryStrict=\n", key);
	expect("a.service" ZZ COND(" \"--mistake=/etc/systemd/system/a.service:4\""), want, "odd words");

	/* No line of a file's name becomes one of ours. */
	put(ETC "a.service.d/x\nExecStart=-+evil\n.conf", LIMIT("a"));
	expect("a.service" ZZ COND(" \"--mistake=/etc/systemd/system/a.service.d/x?ExecStart=-+evil?.conf:2\""),
	       "/etc/systemd/system/a.service.d/x?ExecStart=-+evil?.conf:2: 'a' has no size: "
	       "write REGION SIZE, such as cma/camera@64000000 24M\n", "a file's name of several lines");
}

static void unsupported(void)
{
	put(LIB "service.d/a.conf", LIMIT("s 1"));
	put(LIB "a.service", EXEC "RootImage=/x.raw\n");
	put(LIB "b.service", EXEC LIMIT("b 1") "DeviceMemoryStrict=yes\n");
	put(ETC "b.service.d/x.conf", "[Service]\nTemporaryFileSystem=/:ro\n");
	put(LIB "c.service", EXEC "RootDirectory=/srv\n");
	put(ETC "c.service.d/x.conf", "[Service]\nRootDirectory=\n");
	expect("a.service" ZZ NONE
	       "b.service" ZZ "[Unit]\nAssertPathExists=!/\n"
	       "dmem-controller.service" ZZ NONE
	       "dmem-slice-@.service" ZZ NONE
	       "dmem-slice@.service" ZZ NONE
	       "service" ZZ COND(" \"--max=s=1\""),
	       "/usr/lib/systemd/system/a.service:3: 'RootImage=' keeps the limits from being set inside "
	       "a.service: limit its slice\n"
	       "/etc/systemd/system/b.service.d/x.conf:2: 'TemporaryFileSystem=' keeps the limits from being "
	       "set inside b.service: limit its slice\n",
	       "units that hide dmem-apply");

	put(ETC "a.socket", LIMIT("a 1"));
	put(ETC "b.mount.d/x.conf", LIMIT("a 1"));
	put(ETC "c.swap", LIMIT("a 1"));
	put(ETC "d.scope.d/x.conf", LIMIT("a 1"));
	put(ETC "e.target", LIMIT("a 1"));
	expect("", "/etc/systemd/system/a.socket:1: '[X-Dmem]' has no effect in a socket unit: put it into "
	       "/etc/systemd/system/a.service.d/50-dmem.conf, or limit the slice of the socket\n"
	       "/etc/systemd/system/b.mount.d/x.conf:1: '[X-Dmem]' has no effect in a mount unit: limit its "
	       "slice, in /etc/systemd/system/system.slice.d/50-dmem.conf\n"
	       "/etc/systemd/system/c.swap:1: '[X-Dmem]' has no effect in a swap unit: limit its slice, in "
	       "/etc/systemd/system/system.slice.d/50-dmem.conf\n"
	       "/etc/systemd/system/d.scope.d/x.conf:1: '[X-Dmem]' has no effect in a scope unit: limit its "
	       "slice, in /etc/systemd/system/SLICE.d/50-dmem.conf\n"
	       "/etc/systemd/system/e.target:1: '[X-Dmem]' has no effect in a target unit: put it into a "
	       "drop-in of a service or slice, /etc/systemd/system/NAME.service.d/50-dmem.conf\n",
	       "units of other types");
}

/* A machine on which links lead to the program, or may: "app" belongs to somebody else. */
static void places(void)
{
	put("root/usr/libexec/dmem-apply", "%s", "");
	link_to("root/h", "usr/libexec/dmem-apply");
	put("root/srv/data/file", "%s", "");
	put("root/opt/app/file", "%s", "");
	put("root/tmp/ours/file", "%s", "");
	put("root/run/ours/x", "%s", "");
	put("root/run/systemd/journal/socket", "%s", "");
	put("root/var/lib/ours/x", "%s", "");
	put("root/etc/fstab", "%s", "");
	link_to("root/srv/link", "data/../../usr");
	link_to("root/srv/link2", "/srv/link/libexec");
	link_to("root/srv/harmless", "data");
	link_to("root/srv/loop", "loop");
	chmod(tap_path("root/opt/app"), 0777);
	chmod(tap_path("root/tmp"), 01777);
}

/* The place where a mount lands counts, and the users that can change it. */
static void mounts(void)
{
	static const struct {
		const char *name, *lines;
		bool obstacle;
	} t[] = {
		{ "a directory", "BindPaths=/a:/srv/data\n", false },
		{ "a link", "BindPaths=/a:/srv/harmless\n", false },
		{ "a link to the program", "BindPaths=/a:/srv/link\n", true },
		{ "two links to the program", "BindReadOnlyPaths=/a:/srv/link2\n", true },
		{ "beside the program, by a link", "BindPaths=/a:/srv/link/share\n", false },
		{ "a link to itself", "BindPaths=/a:/srv/loop\n", true },
		{ "the program's own directory", "BindPaths=/usr/libexec\n", false },
		{ "another one's directory", "BindPaths=/a:/opt/app\n", false },
		{ "in another one's directory", "BindPaths=/a:/opt/app/file\n", true },
		{ "what may be exchanged while it is mounted", "BindPaths=/opt/app/file\n", true },
		{ "in another one's directory, not there", "TemporaryFileSystem=/opt/app/x\n", true },
		{ "in /tmp", "TemporaryFileSystem=/tmp/ours\n", true },
		{ "of /tmp", "TemporaryFileSystem=/tmp\n", false },
		{ "in /tmp, not there", "TemporaryFileSystem=/tmp/x\n", true },
		{ "not there", "MountImages=/a.img:/mnt/x\n", true },
		{ "not there, but where nobody else writes", "BindPaths=/a:/etc/x\n", false },
		{ "in a directory that is made later", "BindPaths=/a:/etc/x/y\n", true },
		{ "in /run, not there", "BindPaths=/a:/run/app\n", false },
		{ "in a service's runtime directory", "BindPaths=/a:/run/ours/x\n", true },
		{ "in a service's state directory", "BindPaths=/a:/var/lib/ours/x\n", true },
		{ "a service's state directory", "BindPaths=/a:/var/lib/ours\n", false },
		{ "in systemd's runtime directory", "BindPaths=/a:/run/systemd/journal\n", false },
		{ "in what is mounted before it", "BindPaths=/a:/srv/data /b:/srv/data/file\n", true },
		{ "in a file system without links", "TemporaryFileSystem=/opt\nBindPaths=/opt/app/file\n", false },
		{ "in a mount in a file system without links",
		  "BindPaths=/a:/opt/app/x /b:/opt/app/x/y\nTemporaryFileSystem=/opt\n", true },
		{ "with an option of newer releases", "BindPaths=/a:/:idmap\n", true },
		{ "no longer", "BindPaths=/a:/srv/link\nBindPaths=\nBindPaths=/a:/srv/data\n", false },
	};
	char name[200], errors[500];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		places();
		put(ETC "m.service", EXEC "%s" LIMIT("m 1"), t[i].lines);
		snprintf(name, sizeof(name), "a mount on %s: %s", t[i].name, t[i].obstacle ? "an obstacle" : "none");
		snprintf(errors, sizeof(errors), "/etc/systemd/system/m.service:3: '%.*s=' keeps the limits "
			 "from being set inside m.service: limit its slice\n", (int)strcspn(t[i].lines, "="),
			 t[i].lines);
		expect(t[i].obstacle ? "" : "m.service" ZZ COND(" \"--max=m=1\""), t[i].obstacle ? errors : "", name);
	}
}

/* Other users that can keep systemd from running the program count. */
static void start_paths(void)
{
	static const char user[] = "User=app\n";
	static const struct {
		const char *name, *user, *lines, *key;
		bool strict;
	} t[] = {
		{ "root's environment", user, "EnvironmentFile=/etc/fstab\n", NULL, false },
		{ "an environment in a directory that is made later", user, "EnvironmentFile=-/etc/default/x\n", "EnvironmentFile", false },
		{ "root's, not there", user, "EnvironmentFile=-/etc/x\n", NULL, false },
		{ "the user's environment", user, "EnvironmentFile=-/opt/app/file\n", "EnvironmentFile", false },
		{ "a file that the user's group writes", user, "EnvironmentFile=/srv/data/shared\n", "EnvironmentFile", false },
		{ "one of two environments", user, "EnvironmentFile=/opt/app/file\nEnvironmentFile=/etc/fstab\n",
		  "EnvironmentFile", false },
		{ "an environment no more", user, "EnvironmentFile=/opt/app/file\nEnvironmentFile=\n", NULL, false },
		{ "the user's environment, by a link", user, "EnvironmentFile=/srv/env\n", "EnvironmentFile", false },
		{ "an environment of each instance, in /etc", user, "EnvironmentFile=/etc/x-%i\n", NULL, false },
		{ "an environment of each instance", user, "EnvironmentFile=/opt/%i\n", "EnvironmentFile", false },
		{ "root's directory", user, "WorkingDirectory=/srv/data\n", NULL, false },
		{ "the root", user, "WorkingDirectory=/\n", NULL, false },
		{ "/tmp", user, "WorkingDirectory=/tmp\n", NULL, false },
		{ "the user's directory", user, "WorkingDirectory=-/opt/app\n", "WorkingDirectory", false },
		{ "a directory below it", user, "WorkingDirectory=/opt/app/file\n", "WorkingDirectory", false },
		{ "a state directory", user, "WorkingDirectory=/var/lib/ours\n", "WorkingDirectory", false },
		{ "a runtime directory, not there", user, "WorkingDirectory=/run/app\n", "WorkingDirectory", false },
		{ "the home directory", user, "WorkingDirectory=~\n", "WorkingDirectory", false },
		{ "a directory no more", user, "WorkingDirectory=~\nWorkingDirectory=/\n", NULL, false },
		{ "no path", user, "WorkingDirectory=opt/app\n", NULL, false },
		{ "a strict unit", user, "WorkingDirectory=/opt/app\n", NULL, true },
		{ "a user that systemd makes", "DynamicUser=yes\n", "WorkingDirectory=/opt/app\n", "WorkingDirectory", false },
		{ "root's unit", "User=root\n", "WorkingDirectory=/opt/app\n", NULL, false },
		{ "no user", "", "EnvironmentFile=/opt/app/file\n", NULL, false },
	};
	char name[200], errors[500];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		places();
		put("root/srv/data/shared", "%s", "");
		chmod(tap_path("root/srv/data/shared"), 0664);
		link_to("root/srv/env", "/opt/app/file");
		put(ETC "m.service", EXEC "%s", t[i].user);
		put(ETC "m.service.d/a.conf", "[Service]\n%s" LIMIT("m 1") "%s", t[i].lines,
		    t[i].strict ? "DeviceMemoryStrict=yes\n" : "");
		snprintf(name, sizeof(name), "the start of a unit with %s", t[i].name);
		snprintf(errors, sizeof(errors), "/etc/systemd/system/m.service.d/a.conf:2: warning: '%s=' "
			 "depends on a path that not only root controls: the user of m.service can keep its "
			 "limit from being set: add DeviceMemoryStrict=yes, or limit the "
			 "slice\n", t[i].key ? t[i].key : "");
		expect(t[i].strict ? "m.service" ZZ STRICT(" \"--max=m=1\"") : "m.service" ZZ COND(" \"--max=m=1\""),
		       t[i].key ? errors : "", name);
	}
}

/* A path that is no unit file has no effect on other units. */
static void odd_files(void)
{
	mkdir(tap_path("root/etc"), 0755);
	put(ETC "good.service", EXEC LIMIT("a 1"));
	mkdir(tap_path(ETC "dir.service"), 0755);
	mkdir(tap_path(ETC "dir.service.d"), 0755);
	mkdir(tap_path(ETC "dir.service.d/x.conf"), 0755);
	mkfifo(tap_path(ETC "fifo.service"), 0644);
	link_to(ETC "loop.service", "loop.service");
	link_to(ETC "one.service", "two.service");
	link_to(ETC "two.service", "one.service");
	link_to(ETC "dangling.service", "nowhere.service");
	link_to(ETC "outside.service", "../../../../../../etc/passwd");
	link_to(ETC "x.service.d", "/nowhere");
	put(ETC "file.service.d", LIMIT("a 1"));
	put(ETC "a.conf", LIMIT("a 1"));
	put(ETC "no name.service", LIMIT("a 1"));
	put(ETC "good.service.d/.hidden.conf", LIMIT("a 2"));
	put(ETC "good.service.d/x.conf~", LIMIT("a 3"));
	put(ETC "binary.service", "%c%c[X-Dmem]%c", 1, 255, 0);
	expect("binary.service" ZZ COND(" \"--mistake=/etc/systemd/system/binary.service:1\"")
	       "good.service" ZZ COND(" \"--max=a=1\""),
	       "/etc/systemd/system/dir.service: 'dir.service' is a directory, so systemd ignores it: rename "
	       "it to dir.service.d if it contains drop-ins\n"
	       "/etc/systemd/system/fifo.service: 'fifo.service' is a FIFO, so systemd ignores it: replace it "
	       "by a file\n"
	       "/etc/systemd/system/file.service.d: 'file.service.d' is not a directory, so systemd ignores "
	       "it: create a directory, and move the file into it\n"
	       "/etc/systemd/system/binary.service:1: '??[X-Dmem]' is not UTF-8, so systemd ignores the rest "
	       "of the file: correct this line\n"
	       "/etc/systemd/system/dir.service.d/x.conf: 'x.conf' is a directory, which systemd cannot read: "
	       "replace it by a file\n", "odd files");
}

/* A path before a unit that is no unit hides none of its limits. */
static void in_front(void)
{
	static const char * const names[] = { "a", "b", "c", "d", "e", "f", "g" };
	char path[200];

	mkdir(tap_path("root/etc"), 0755);
	mkdir(tap_path("root/dev"), 0755);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), LIB "%s.service", names[i]);
		put(path, EXEC LIMIT("r 1"));
	}
	put(ETC "x.service", EXEC);
	mkdir(tap_path(ETC "a.service"), 0755);
	mkfifo(tap_path(ETC "b.service"), 0644);
	/* It counts, and systemd cannot load it. */
	put("root/opt/dir/file", "%s", "");
	link_to(ETC "c.service", "/opt/dir");
	/* A mask, by an empty file elsewhere or by any device. */
	put("root/opt/empty", "%s", "");
	link_to(ETC "d.service", "/opt/empty");
	/* A link to itself is none, and one into a directory below is an alias. */
	put(ETC "vendor/e.service", EXEC LIMIT("v 1"));
	link_to(ETC "e.service", "vendor/e.service");
	put(ETC "vendor/g2.service", EXEC LIMIT("v 2"));
	link_to(ETC "f.service", "/etc/systemd/system/vendor/x.service");
	put(ETC "f.service.d/a.conf", LIMIT("x 1"));
	/* ".." is that of the directory, not of the name. */
	put("root/opt/real/sub/file", "%s", "");
	link_to(ETC "dirlink", "/opt/real/sub");
	put("root/opt/real/g.service", EXEC LIMIT("g 1"));
	link_to(ETC "g.service", "dirlink/../g.service");
	expect("a.service" ZZ COND(" \"--max=r=1\"") "b.service" ZZ COND(" \"--max=r=1\"")
	       "e.service" ZZ COND(" \"--max=r=1\"") "g.service" ZZ COND(" \"--max=g=1\"")
	       "x.service" ZZ COND(" \"--max=x=1\""),
	       "/etc/systemd/system/a.service: 'a.service' is a directory, so systemd ignores it: rename it to "
	       "a.service.d if it contains drop-ins\n"
	       "/etc/systemd/system/b.service: 'b.service' is a FIFO, so systemd ignores it: replace it by a "
	       "file\n"
	       "/etc/systemd/system/c.service: 'c.service' is a directory, which systemd cannot read: replace "
	       "it by a file\n",
	       "in front of a unit");
}

/* One level that cannot be written costs no other its limits, nor do those below rely on it. */
static void unwritten(void)
{
	char root[4200], out[4200];
	const char *argv[] = { generator, root, "--helper=/h", out, NULL };

	put(LIB "a.service", EXEC LIMIT("a 1"));
	put(LIB "m.service", EXEC LIMIT("m 1"));
	put(LIB "z.service", EXEC LIMIT("z 1"));
	put(LIB "foo-.service.d/a.conf", LIMIT("f 1"));
	put(LIB "foo-bar.service", EXEC);
	put(LIB "foo-bar.service.d/b.conf", "[X-Dmem]\n");
	remove(tap_path("out"));
	put("gen/m.service.d", "%s", "");
	put("gen/foo-.service.d", "%s", "");
	snprintf(root, sizeof(root), "--root=%s", tap_path("root"));
	snprintf(out, sizeof(out), "%s", tap_path("gen"));
	check(run(argv) == 1 && strstr(get("err"), "cannot write the limits of m.service: ") &&
	      strstr(get("err"), "cannot write the limits of foo-.service: "),
		      "what cannot be written is a failure",
	      "%s", get("err"));
	check_text(get_tree("gen"), "a.service" ZZ COND(" \"--max=a=1\"") "foo-.service.d:\n"
		   "foo-bar.service" ZZ COND(" \"--max=f=1\"") "m.service.d:\n"
		   "z.service" ZZ COND(" \"--max=z=1\""), "and the others are written, for themselves");
	start();
}

/* All directories count, however many there are. */
static void many_dirs(void)
{
	char paths[1000] = "--unit-path=", path[200], out[4200], root[4200];
	const char *argv[] = { generator, root, paths, "--helper=/h", out, NULL };

	for (int i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "root/u%d/u%d.service", i, i);
		put(path, EXEC LIMIT("u 1"));
		sprintf(paths + strlen(paths), "%s/u%d", i ? ":" : "", i);
	}
	remove(tap_path("out"));
	mkdir(tap_path("gen"), 0755);
	snprintf(root, sizeof(root), "--root=%s", tap_path("root"));
	snprintf(out, sizeof(out), "%s", tap_path("gen"));
	check(!run(argv) && strstr(get_tree("gen"), "u0.service.d/") && strstr(get_tree("gen"), "u39.service.d/"),
	      "a search path of 40 directories", "%s: %s%s", paths, get("err"), get_tree("gen"));
	start();
}

#define TEMPLATE(after) "[Unit]\nDescription=Device memory limits of %i.slice\nDefaultDependencies=no\n" \
	"StartLimitIntervalSec=0\nIgnoreOnIsolate=yes\nRefuseManualStop=yes\n" after "\n[Service]\nType=oneshot\nSlice=-.slice\nExecStart=+/h --slice=%i.slice"

static void slices(void)
{
	put(ETC "user-.slice.d/a.conf", LIMIT("u 1"));
	put(ETC "user-7.slice.d/b.conf", LIMIT("v 2") "DeviceMemoryStrict=yes\n");
	put(ETC "user-8.slice.d/b.conf", "[X-Dmem]\nDeviceMemoryMax=\n");
	expect("dmem-slice-user-@.service:\n" HEAD TEMPLATE("After=user.slice\n") " \"--max=u=1\"\n"
	       "dmem-slice@user-7.service" ZZ "[Unit]\nAfter=user.slice\n[Service]\nSlice=-.slice\nExecStart=\nExecStart=+/h --slice=%i.slice --strict"
	       " \"--max=u=1\" \"--max=v=2\"\n"
	       "user-.slice" ZZ "[Unit]\nWants=dmem-slice-user-@%N.service\nAfter=dmem-slice-user-@%N.service\nPropagatesStopTo=dmem-slice-user-@%N.service\n"
	       "user-7.slice" ZZ "[Unit]\nRequires=dmem-slice@user-7.service\nAfter=dmem-slice@user-7.service\nPropagatesStopTo=dmem-slice@user-7.service\n"
	       "user-8.slice" ZZ NONE, "", "a prefix of slices");

	put(ETC "slice.d/a.conf", LIMIT("s 1"));
	put(ETC "system.slice.d/b.conf", LIMIT("t 2"));
	expect("-.slice" ZZ NONE
	       "dmem-slice-@.service:\n" HEAD TEMPLATE("") " \"--max=s=1\"\n"
	       "dmem-slice@system.service" ZZ "[Unit]\nBefore=sysinit.target\n[Service]\nSlice=-.slice\nExecStart=\nExecStart=+/h --slice=%i.slice"
	       " \"--max=s=1\" \"--max=t=2\"\n"
	       "slice" ZZ "[Unit]\nWants=dmem-slice-@%N.service\nAfter=dmem-slice-@%N.service\nPropagatesStopTo=dmem-slice-@%N.service\n"
	       "sysinit.target.wants/dmem-slice@system.service -> ../dmem-slice@.service\n"
	       "system.slice" ZZ NONE, "", "all slices, and system.slice");

	/* Slices have no aliases: a link is no unit file, but its drop-ins count. */
	put(LIB "a.slice", LIMIT("a 1"));
	link_to(ETC "b.slice", "/usr/lib/systemd/system/a.slice");
	put(ETC "b.slice.d/x.conf", LIMIT("b 2"));
	expect("a.slice" ZZ "[Unit]\nWants=dmem-slice@a.service\nAfter=dmem-slice@a.service\nPropagatesStopTo=dmem-slice@a.service\n"
	       "b.slice" ZZ "[Unit]\nWants=dmem-slice@b.service\nAfter=dmem-slice@b.service\nPropagatesStopTo=dmem-slice@b.service\n"
	       "dmem-slice@a.service" ZZ "[Service]\nSlice=-.slice\nExecStart=\nExecStart=+/h --slice=%i.slice \"--max=a=1\"\n"
	       "dmem-slice@b.service" ZZ "[Service]\nSlice=-.slice\nExecStart=\nExecStart=+/h --slice=%i.slice \"--max=b=2\"\n",
	       "", "a link that is no alias");

	put(LIB "a.service", EXEC LIMIT("a 1") "#%2000000d\n", 0);
	expect("", "/usr/lib/systemd/system/a.service: 'a.service' is too large, so its section is ignored: "
	       "put the section into a drop-in\n", "a file that is too large");

	put(ETC "-.slice.d/a.conf", LIMIT("s 1"));
	put(ETC "a.slice", LIMIT("cma/%%i 1") "DeviceMemoryMax=x 2\nDeviceMemoryStrict=yes\n");
	expect("a.slice" ZZ "[Unit]\nRequires=dmem-slice@a.service\nAfter=dmem-slice@a.service\n"
	       "PropagatesStopTo=dmem-slice@a.service\n"
	       "dmem-slice@a.service" ZZ "[Service]\nSlice=-.slice\nExecStart=\n"
	       "ExecStart=+/h --slice=%i.slice --strict \"--mistake=/etc/systemd/system/a.slice:2\""
	       " \"--max=x=2\"\n",
	       "/etc/systemd/system/-.slice.d/a.conf:1: '-.slice' is the root slice, which cannot have limits: "
	       "limit the slices below it\n"
	       "/etc/systemd/system/a.slice:2: 'cma/%i' has a specifier in the section of a slice: write the "
	       "full name of the region\n",
	       "slices that cannot be capped");
}

#define PROPAGATE	"DeviceMemoryMinPropagate=yes\n"
#define OWN_SLICES	"' has a reservation, and its instances have slices of their own, which do not count it, " \
	"since the instances are not known: reserve for them in these slices\n"
#define MIN(what)	"[X-Dmem]\nDeviceMemoryMin=" what "\n"
#define SETTER(name, args) "dmem-slice@" name ".service" ZZ "[Service]\nSlice=-.slice\nExecStart=\n" \
	"ExecStart=+/h --slice=%i.slice" args "\n"
#define SETTER_IN(name, parent, args) "dmem-slice@" name ".service" ZZ "[Unit]\nAfter=" parent ".slice\n[Service]\n" \
	"Slice=-.slice\nExecStart=\nExecStart=+/h --slice=%i.slice" args "\n"
#define WANTS(name)	name ".slice" ZZ "[Unit]\nWants=dmem-slice@" name ".service\nAfter=dmem-slice@" name \
	".service\nPropagatesStopTo=dmem-slice@" name ".service\n"

/* Three services in one slice: by the unit file, by a drop-in without a section, and by specifiers. */
static void propagates(void)
{
	put(ETC "media.slice", MIN("r 1M") PROPAGATE);
	put(LIB "a.service", EXEC "Slice=media.slice\n" MIN("r 2M"));
	put(LIB "b.service", EXEC "Slice=other.slice\n" MIN("r 3M") "DeviceMemoryMin=q 25%%\n");
	put(ETC "b.service.d/slice.conf", "[Service]\nSlice=media.slice\nSlice=not a slice\nSlice=x.service\n");
	put(LIB "media.service", EXEC "Slice=%%p.slice\n" MIN("r 8M") "DeviceMemoryMax=r 4M\nDeviceMemoryMin=q 25.5%%\n");
	put(LIB "else.service", EXEC MIN("r 64M"));
	expect("a.service" ZZ COND(" \"--min=r=2M\"") "b.service" ZZ COND(" \"--min=r=3M\" \"--min=q=25%%\"")
	       SETTER("media", " --clear-min \"--min=r=9M\" \"--sum-min=q=50.50%%\"")
	       "else.service" ZZ COND(" \"--min=r=64M\"")
	       "media.service" ZZ COND(" \"--min=r=8M\" \"--max=r=4M\" \"--min=q=25.5%%\"") WANTS("media"), "",
	       "services of one slice");

	/* The same names again, without anything that counts. */
	put(ETC "media.slice", MIN("r 1M") PROPAGATE);
	put(LIB "a.service", EXEC "Slice=media.slice\n" LIMIT("r 2M"));
	put(LIB "b.service", EXEC "RootDirectory=/b\nSlice=media.slice\n" MIN("r 2M"));
	put(LIB "c.service", "Slice=media.slice\n" MIN("r 2M") EXEC);
	put(LIB "d.service", "RootDirectory=a\nSlice=media.slice\n" MIN("r 2M") EXEC);
	put(LIB "e.service", EXEC "Slice=media.slice\n" MIN("r 2M"));
	put(ETC "e.service", "%s", "");
	link_to(ETC "f.service", "/dev/null");
	put(LIB "f.service.d/f.conf", "[Service]\nSlice=media.slice\n" MIN("r 2M"));
	expect("a.service" ZZ COND(" \"--max=r=2M\"") "c.service" ZZ COND(" \"--min=r=2M\"")
	       "d.service" ZZ COND(" \"--min=r=2M\"") SETTER("media", " --clear-min \"--min=r=1M\"") WANTS("media"),
	       "/usr/lib/systemd/system/b.service:3: 'RootDirectory=' keeps the limits from being set inside b.service: "
	       "limit its slice\n", "nothing that counts");

	/* No reservation is left: the setter lowers the present one. */
	put(ETC "media.slice", "[X-Dmem]\n" PROPAGATE);
	expect(SETTER("media", " --clear-min") WANTS("media"), "", "none is left");
	put(ETC "media.slice", MIN("r 1M") PROPAGATE "DeviceMemoryMinPropagate=\n");
	put(LIB "a.service", EXEC "Slice=media.slice\n" MIN("r 2M"));
	expect("a.service" ZZ COND(" \"--min=r=2M\"") SETTER("media", " \"--min=r=1M\"") WANTS("media"), "", "turned off");

	/* A slice in a slice counts with its own value, or with its sum if it has the setting. */
	put(ETC "m.slice", "[X-Dmem]\n" PROPAGATE);
	put(ETC "m-a.slice", MIN("r 2M") PROPAGATE);
	put(ETC "m-b.slice", MIN("r 1M"));
	put(ETC "m-a.slice.d/no.conf", "[X-Dmem]\nDeviceMemoryMax=r 3M\n");
	put(ETC "m-b.slice.d/no.conf", MIN("r 2M") "DeviceMemoryMax=r 1M\n");
	put(LIB "a.service", EXEC "Slice=m-a.slice\n" MIN("r 4M"));
	put(LIB "b.service", EXEC "Slice=m-b.slice\n" MIN("r 32M"));
	put(LIB "c.service", EXEC "Slice=m-c-d.slice\n" MIN("r 64M"));
	put(LIB "d.service", EXEC "Slice=m.slice\n" MIN("r 128M"));
	expect("a.service" ZZ COND(" \"--min=r=4M\"") "b.service" ZZ COND(" \"--min=r=32M\"")
	       "c.service" ZZ COND(" \"--min=r=64M\"") "d.service" ZZ COND(" \"--min=r=128M\"")
	       SETTER_IN("m-a", "m", " --clear-min \"--min=r=4M\" \"--max=r=3M\"")
	       SETTER_IN("m-b", "m", " \"--min=r=2M\" \"--max=r=1M\"") SETTER("m", " --clear-min \"--sum-min=r=132M\"")
	       WANTS("m-a") WANTS("m-b") WANTS("m"), "", "slices in a slice");
}

/* Names of instances, prefixes, and slices that have no file. */
static void propagates_by_name(void)
{
	put(ETC "system.slice.d/x.conf", "[X-Dmem]\n" PROPAGATE);
	put(LIB "foo-bar@.service", EXEC MIN("r%%i 1M"));
	put(ETC "foo-bar@x.service.d/x.conf", MIN("r%%i 2M"));
	put(ETC "quadlet.service.d/x.conf", MIN("r 4M"));
	put(ETC "odd@a\\x20\\x0ab.service.d/x.conf", MIN("r%%I 4M"));
	put(LIB "real.service", EXEC);
	link_to(LIB "alias.service", "real.service");
	put(ETC "alias.service.d/x.conf", MIN("r 8M"));
	put(ETC "system-foo\\x2dbar.slice.d/x.conf", "[X-Dmem]\n" PROPAGATE);
	put(ETC "q-.service.d/x.conf", MIN("r 1G"));
	expect("dmem-slice@system-foo\\x2dbar.service" ZZ
	       "[Unit]\nAfter=system.slice\n[Service]\nSlice=-.slice\nExecStart=\nExecStart=+/h --slice=%i.slice --clear-min"
	       " \"--sum-min=rx=2M\"\ndmem-slice@system.service" ZZ "[Unit]\nBefore=sysinit.target\n[Service]\n"
	       "Slice=-.slice\nExecStart=\nExecStart=+/h --slice=%i.slice --clear-min \"--sum-min=r=12M\" \"--sum-min=rx=2M\"\n"
	       "foo-bar@.service" ZZ COND(" \"--min=r%i=1M\"")
	       "foo-bar@x.service" ZZ COND(" \"--min=r%i=2M\"")
	       "odd@a\\x20\\x0ab.service" ZZ COND(" \"--min=r%I=4M\"") "q-.service" ZZ COND(" \"--min=r=1G\"")
	       "quadlet.service" ZZ COND(" \"--min=r=4M\"") "real.service" ZZ COND(" \"--min=r=8M\"")
	       "sysinit.target.wants/dmem-slice@system.service -> ../dmem-slice@.service\n" WANTS("system-foo\\x2dbar"),
	       "/etc/systemd/system/system-foo\\x2dbar.slice.d/x.conf:2: warning: 'foo-bar@.service' has a reservation that "
	       "system-foo\\x2dbar.slice does not count, since the number of its instances is not known: reserve for them in "
	       "system-foo\\x2dbar.slice\n", "names");

	/* Each slice of a prefix has its own sum. */
	put(ETC "u-.slice.d/x.conf", "[X-Dmem]\n" PROPAGATE);
	put(LIB "a.service", EXEC "Slice=u-a.slice\n" MIN("r 1M"));
	put(LIB "b.service", EXEC "Slice=u-b-c.slice\n" MIN("r 2M"));
	expect("a.service" ZZ COND(" \"--min=r=1M\"") "b.service" ZZ COND(" \"--min=r=2M\"")
	       SETTER_IN("u-a", "u", " --clear-min \"--sum-min=r=1M\"")
	       SETTER_IN("u-b-c", "u-b", " --clear-min \"--sum-min=r=2M\"")
	       SETTER_IN("u-b", "u", " --clear-min \"--sum-min=r=2M\"") WANTS("u-a") WANTS("u-b-c") WANTS("u-b"), "",
	       "a prefix");
}

static void propagates_not(void)
{
	/* Neither a missing region nor the lines of another unit keep a strict slice from starting. */
	put(ETC "m.slice", MIN("r 50%%") PROPAGATE "DeviceMemoryStrict=yes\n");
	put(LIB "a.service", EXEC "Slice=m.slice\n" MIN("r 1M") "DeviceMemoryMin=dma_heap/x 2M\nDeviceMemoryMin=q 1M\n");
	put(LIB "b@.service", EXEC "Slice=m.slice\n" MIN("r 1M"));
	expect("a.service" ZZ COND(" \"--min=r=1M\" \"--min=dma_heap/x=2M\" \"--min=q=1M\"")
	       "b@.service" ZZ COND(" \"--min=r=1M\"")
	       SETTER("m", " --strict --clear-min \"--min=r=50%%\" \"--sum-min=q=1M\"")
	       "m.slice" ZZ "[Unit]\nRequires=dmem-slice@m.service\nAfter=dmem-slice@m.service\n"
	       "PropagatesStopTo=dmem-slice@m.service\n",
	       "/usr/lib/systemd/system/a.service:6: warning: 'dma_heap/x' is the name of a heap, which m.slice cannot add to its "
	       "reservation: write the name of the region, see lsdmem\n"
	       "/etc/systemd/system/m.slice:3: warning: 'r' has sizes and percentages in m.slice and the units in it, which cannot be "
	       "added: write sizes only, or percentages only\n"
	       "/etc/systemd/system/m.slice:3: warning: 'b@.service' has a reservation that m.slice does not count, since the "
	       "number of its instances is not known: reserve for them in m.slice\n", "sizes that cannot be added");

	put(ETC "m.slice", MIN("r 50%%") PROPAGATE);
	put(LIB "a.service", EXEC "Slice=m.slice\n" MIN("r 99%%") "DeviceMemoryMin=q 18446744073709551614\n");
	put(LIB "b.service", EXEC "Slice=m.slice\n" MIN("r 99%%") "DeviceMemoryMin=q 1M\nDeviceMemoryMin=p max\n");
	expect("a.service" ZZ COND(" \"--min=r=99%%\" \"--min=q=18446744073709551614\"")
	       "b.service" ZZ COND(" \"--min=r=99%%\" \"--min=q=1M\" \"--min=p=max\"")
	       SETTER("m", " --clear-min \"--min=r=max\" \"--sum-min=p=max\" \"--sum-min=q=max\"") WANTS("m"), "",
	       "more than there can be");

	put(LIB "a.service", EXEC MIN("r 1M") PROPAGATE);
	put(LIB "b.service", EXEC "[X-Dmem]\nDeviceMemoryMinPropagate=perhaps\n");
	put(LIB "b.service.d/x.conf", "[X-Dmem]\n" PROPAGATE);
	expect("a.service" ZZ COND(" \"--min=r=1M\"") "b.service" ZZ COND(" \"--mistake=/usr/lib/systemd/system/b.service:4\""),
	       "/usr/lib/systemd/system/a.service:5: 'DeviceMemoryMinPropagate=' has no effect in a service: write it in the "
	       "slice that contains the service\n"
	       "/usr/lib/systemd/system/b.service:4: 'perhaps' is neither yes nor no: write DeviceMemoryMinPropagate=yes or no\n"
	       "/usr/lib/systemd/system/b.service.d/x.conf:2: 'DeviceMemoryMinPropagate=' has no effect in a service: write it "
	       "in the slice that contains the service\n", "in a service");
}

/* Units as they are on real systems. One of 20 has a section. */
static void more_units(int from, int to)
{
	char path[200];

	for (int i = from; i < to; i++) {
		snprintf(path, sizeof(path), LIB "unit-%02d-of%04d.service", i % 50, i);
		put(path, "[Unit]\nDescription=Unit %04d\nDocumentation=man:unit(8)\nAfter=network.target\n\n"
		    "[Service]\nType=notify\nExecStart=/usr/bin/unit --number=%04d\nRestart=on-failure\n"
		    "ProtectSystem=strict\nPrivateTmp=yes\nNoNewPrivileges=yes\nMemoryMax=1G\n\n"
		    "[Install]\nWantedBy=multi-user.target\n%s", i, i,
		    i % 20 ? "" : LIMIT("cma/a 1M"));
	}
}

/* What the time in the kernel, and the time outside of it, depend on. */
struct counts {
	int calls;
	double instructions;
};

static struct counts count(const struct programs *p)
{
	char root[4200], out[4200];
	const char *argv[] = { p->fast, root, "--helper=/h", out, NULL };
	struct counts c;

	snprintf(root, sizeof(root), "--root=%s", tap_path("root"));
	snprintf(out, sizeof(out), "%s", tap_path("gen"));
	remove(tap_path("out"));
	put("gen/.new", "%s", "");
	c.calls = run_calls(argv, NULL);
	rename(out, tap_path("old"));
	put("gen/.new", "%s", "");
	c.instructions = cost_instructions(p->valgrind, p->openat2, argv);
	return c;
}

/*
 * A file is opened, read and closed, after a call for its size. Without a section, that is all. A
 * drop-in takes a few more.
 */
static void growth(const struct programs *p)
{
	enum { FEW = 400, CALLS = 4 * FEW + 10 * FEW / 20 };
	struct counts few, twice;

	more_units(0, FEW);
	few = count(p);
	start();
	more_units(0, 2 * FEW);
	twice = count(p);
	printf("# %d units: %d system calls, %.1f million instructions; %d units: %d and %.1f\n", FEW, few.calls,
	       few.instructions / 1e6, 2 * FEW, twice.calls, twice.instructions / 1e6);
	check(few.instructions > 0 && few.calls > 0 && strstr(get_tree("gen"), "unit-00-of0000.service"),
	      "all units are read", "%s", get("err"));
	check(twice.calls > few.calls && twice.calls - few.calls <= CALLS,
	      "four system calls for each unit, and ten for each drop-in", "%d more for %d units",
	      twice.calls - few.calls, FEW);
	check(twice.instructions < COST_TWICE * few.instructions, "twice as many units cost twice as much",
	      "%.2f times as much", twice.instructions / few.instructions);
	check(twice.instructions - few.instructions < 50e3 * FEW, "less than 50,000 instructions for each unit",
	      "%.0f", (twice.instructions - few.instructions) / FEW);
	start();
}

/* Two lines with different texts for one region: dmem-apply sets both, so the last one counts. */
static void propagates_once(void)
{
	put(ETC "m.slice", "[X-Dmem]\n" PROPAGATE);
	put(LIB "cam.service", EXEC "Slice=m.slice\n" MIN("cma/%%p 8M") "DeviceMemoryMax=cma/%%p 1M\n");
	put(ETC "cam.service.d/x.conf", MIN("cma/cam 10M") "DeviceMemoryMax=cma/cam 9M\n");
	expect("cam.service" ZZ COND(" \"--min=cma/%p=8M\" \"--max=cma/%p=1M\" \"--min=cma/cam=10M\" \"--max=cma/cam=9M\"")
	       SETTER("m", " --clear-min \"--sum-min=cma/cam=9M\"") WANTS("m"), "", "the last line of a region");

	/* The slice's own heap, and that of a slice in it. */
	put(ETC "m.slice", MIN("dma_heap/x 1M") PROPAGATE);
	put(ETC "m-a.slice", MIN("dma_heap/y 1M"));
	expect(SETTER_IN("m-a", "m", " \"--min=dma_heap/y=1M\"")
	       SETTER("m", " --clear-min \"--mistake=/etc/systemd/system/m.slice:2\" \"--min=dma_heap/x=1M\"")
	       WANTS("m-a") WANTS("m"),
	       "/etc/systemd/system/m.slice:2: 'dma_heap/x' is the name of a heap, which m.slice cannot add to its "
	       "reservation: write the name of the region, see lsdmem\n"
	       "/etc/systemd/system/m-a.slice:2: warning: 'dma_heap/y' is the name of a heap, which m.slice cannot add to "
	       "its reservation: write the name of the region, see lsdmem\n", "heaps");

	/* What cannot be added in a slice does not count in the one above. */
	put(ETC "m.slice", MIN("q 0") PROPAGATE);
	put(ETC "m-a.slice", MIN("r 1M") PROPAGATE);
	put(LIB "a.service", EXEC "Slice=m-a.slice\n" MIN("r 50%%"));
	put(LIB "b.service", EXEC "Slice=m.slice\n" MIN("r 2M") "DeviceMemoryMin=q 4M\n");
	expect("a.service" ZZ COND(" \"--min=r=50%%\"") "b.service" ZZ COND(" \"--min=r=2M\" \"--min=q=4M\"")
	       SETTER_IN("m-a", "m", " --clear-min \"--min=r=1M\"") SETTER("m", " --clear-min \"--min=q=4M\" \"--sum-min=r=3M\"")
	       WANTS("m-a") WANTS("m"),
	       "/etc/systemd/system/m-a.slice:3: warning: 'r' has sizes and percentages in m-a.slice and the units in it, "
	       "which cannot be added: write sizes only, or percentages only\n", "one level of two");
}

/* Units that never start, or that only a running manager knows. */
static void propagates_for_no_unit(void)
{
	put(ETC "m.slice", "[X-Dmem]\n" PROPAGATE);
	put(LIB "a.service", EXEC "Slice=m.slice\n" MIN("r 1M"));
	link_to(ETC "foo@.service", "/dev/null");
	put(ETC "foo@x.service.d/x.conf", "[Service]\nSlice=m.slice\n" MIN("r 2M"));
	put(ETC "bar@.service", "%s", "");
	put(ETC "bar@x.service.d/x.conf", "[Service]\nSlice=m.slice\n" MIN("r 4M"));
	put(ETC "m-a.slice", "%s", "");
	put(ETC "m-a.slice.d/x.conf", MIN("r 8M"));
	link_to(ETC "m-b.slice", "/dev/null");
	put(ETC "m-b.slice.d/x.conf", "[X-Dmem]\n" PROPAGATE);
	put(LIB "b.service", EXEC "Slice=m-b.slice\n" MIN("r 16M"));
	put("root/run/systemd/transient/run-u1.service", EXEC "Slice=m.slice\n");
	put("root/run/systemd/system.control/run-u1.service.d/x.conf", MIN("r 32M"));
	expect("a.service" ZZ COND(" \"--min=r=1M\"") "b.service" ZZ COND(" \"--min=r=16M\"")
	       SETTER("m", " --clear-min \"--sum-min=r=1M\"") WANTS("m")
	       "run-u1.service" ZZ COND(" \"--min=r=32M\""), "", "masked and transient units");
}

/* Each reservation that cannot be in a sum is reported, and others are found. */
static void propagates_with_warnings(void)
{
	put(ETC "m.slice", "[X-Dmem]\n" PROPAGATE);
	put(ETC "m-a.slice", "[X-Dmem]\n" PROPAGATE);
	put(ETC "u-.slice.d/x.conf", "[X-Dmem]\n" PROPAGATE);
	put(ETC "u-a.slice", LIMIT("r 1M"));
	put(LIB "foo@.service", EXEC "Slice=m-%%i.slice\n" MIN("r 1M"));
	put(LIB "bar@.service", EXEC "Slice=%%p-%%i-x.slice\n" MIN("r 1M"));
	put(LIB "u-b@.service", EXEC "Slice=%%p-%%i.slice\n" MIN("r 1M"));
	put(LIB "u@.service", EXEC "Slice=%%N.slice\nSlice=%%p-%%i.slice\n" MIN("r 1M"));
	put(LIB "h.service", EXEC "Slice=m-%%H.slice\n" MIN("r 1M"));
	expect("bar@.service" ZZ COND(" \"--min=r=1M\"")
	       SETTER_IN("m-a", "m", " --clear-min") SETTER("m", " --clear-min")
	       SETTER_IN("u-a", "u", " --clear-min \"--max=r=1M\"")
	       "foo@.service" ZZ COND(" \"--min=r=1M\"") "h.service" ZZ COND(" \"--min=r=1M\"")
	       WANTS("m-a") WANTS("m") WANTS("u-a")
	       "u-b@.service" ZZ COND(" \"--min=r=1M\"") "u@.service" ZZ COND(" \"--min=r=1M\""),
	       "/usr/lib/systemd/system/h.service:3: warning: 'm-%H.slice' is the name of no slice that dmem-generator can "
	       "know, so no slice counts the reservation of h.service: write the name of the slice, with specifiers of "
	       "the unit's name only\n"
	       "/etc/systemd/system/m-a.slice:2: warning: 'foo@.service" OWN_SLICES
	       "/etc/systemd/system/u-.slice.d/x.conf:2: warning: 'u@.service" OWN_SLICES
	       "/etc/systemd/system/u-.slice.d/x.conf:2: warning: 'u-b@.service" OWN_SLICES, "templates and other hosts");

	/* An instance that only a drop-in for a prefix makes, and one of a template with such a name. */
	put(ETC "m.slice", "[X-Dmem]\n" PROPAGATE);
	put(LIB "foo-bar@.service", EXEC "Slice=m.slice\n");
	put(ETC "foo-@x.service.d/x.conf", MIN("r 1M"));
	put(LIB "baz-@.service", EXEC "Slice=m.slice\n");
	put(ETC "baz-@x.service.d/x.conf", MIN("r 2M"));
	expect("baz-@x.service" ZZ COND(" \"--min=r=2M\"")
	       SETTER("m", " --clear-min \"--sum-min=r=3M\"") "foo-@x.service" ZZ COND(" \"--min=r=1M\"") WANTS("m"), "",
	       "instances with a prefix");

	/* Slices of a prefix without a unit with a reservation keep those of other programs. */
	put(ETC "u-.slice.d/x.conf", LIMIT("r 1M") PROPAGATE);
	expect("dmem-slice-u-@.service:\n" HEAD TEMPLATE("After=u.slice\n") " \"--max=r=1M\"\n"
	       "u-.slice" ZZ "[Unit]\nWants=dmem-slice-u-@%N.service\nAfter=dmem-slice-u-@%N.service\n"
	       "PropagatesStopTo=dmem-slice-u-@%N.service\n", "", "reservations of others");
}

/* Services and slices of which each level has many. */
static void wide(int n)
{
	char path[100];

	put(ETC "slice.d/x.conf", "[X-Dmem]\n" PROPAGATE);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), LIB "s%04d.service", i);
		put(path, EXEC "Slice=a-b%d-c%d.slice\n" MIN("r 1M"), i % 10, i);
	}
}

/* A region for each service: the sum of the slice has as many lines. */
static void many_regions(int n)
{
	char path[100];

	put(ETC "system.slice.d/x.conf", "[X-Dmem]\n" PROPAGATE);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), LIB "s%04d.service", i);
		put(path, EXEC MIN("cma/%%N 1M"));
	}
}

/* Chains of a hundred slices. */
static void deep(int n)
{
	char path[100], slice[250];
	int len;

	put(ETC "slice.d/x.conf", "[X-Dmem]\n" PROPAGATE);
	for (int i = 0; i < n; i++) {
		len = snprintf(slice, sizeof(slice), "a%d", i);
		for (int k = 0; k < 100; k++)
			len += snprintf(slice + len, sizeof(slice) - (size_t)len, "-b");
		snprintf(path, sizeof(path), LIB "s%d.service", i);
		put(path, EXEC "Slice=%s.slice\n" MIN("r 1M"), slice);
	}
}

static void in_64_mib(const struct programs *p, const char *setter)
{
	char root[4200], out[4200], path[300];
	const char *argv[] = { "/bin/sh", "-c", "ulimit -v 65536; exec \"$@\"", "sh", p->fast, root, "--helper=/h", out, NULL };
	int rc;

	remove(tap_path("out"));
	put("gen/.new", "%s", "");
	snprintf(root, sizeof(root), "--root=%s", tap_path("root"));
	snprintf(out, sizeof(out), "%s", tap_path("gen"));
	snprintf(path, sizeof(path), "gen/dmem-slice@%s.service" ZZ_FILE, setter);
	rc = run(argv);
	check(!rc && strstr(get(path), " --clear-min \"--sum-min="), "64 MiB are enough", "exit code %d: %s", rc, get("err"));
	start();
}

/* systemd runs the generator at each reload, and kills one that takes too long. */
static void growth_of_sums(const struct programs *p)
{
	static const struct {
		const char *name;
		void (*tree)(int n);
	} t[] = { { "slices", wide }, { "regions", many_regions } };

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct counts few, twice;

		tap_case("%s", t[i].name);
		t[i].tree(FEW_SUMS);
		few = count(p);
		start();
		t[i].tree(2 * FEW_SUMS);
		twice = count(p);
		start();
		printf("# %s: %.1f million instructions for %d services, %.1f for twice as many\n", t[i].name,
		       few.instructions / 1e6, FEW_SUMS, twice.instructions / 1e6);
		check(few.instructions > 0 && twice.instructions < COST_TWICE * few.instructions, "twice as many cost twice as much",
		      "%.2f times as much", twice.instructions / few.instructions);
	}
	tap_case("%d regions", 4 * FEW_SUMS);
	many_regions(4 * FEW_SUMS);
	in_64_mib(p, "system");
	tap_case("%s", "a thousand slices in each other");
	deep(10);
	in_64_mib(p, "a0");
	tap_case("%s", "");
}

int main(int argc, char **argv)
{
	struct programs p;

	if (argc < 6)
		return 2;
	p = (struct programs){ .fast = argv[3], .valgrind = argv[4], .openat2 = argv[5] };
	dmemctl = argv[6];
	generator = argv[1];
	dir = argv[2];
	tap_start();
	start();
	RUN(examples);
	RUN(levels);
	RUN(mistakes);
	RUN(odd_words);
	RUN(unsupported);
	RUN(mounts);
	RUN(start_paths);
	RUN(odd_files);
	RUN(in_front);
	RUN(many_dirs);
	RUN(unwritten);
	RUN(slices);
	RUN(propagates);
	RUN(propagates_by_name);
	RUN(propagates_not);
	RUN(propagates_once);
	RUN(propagates_for_no_unit);
	RUN(propagates_with_warnings);
	RUN(growth, &p);
	RUN(growth_of_sums, &p);
	return tap_end();
}
