// SPDX-License-Identifier: GPL-2.0-or-later
/* The library's parsers: values, names, quoting, sections. */
#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmem/dmem.h"
#include "tap.h"

#define KIB	1024ULL
#define PROGRAM	"/usr/libexec/dmem-apply"

static struct dmem_arena arena;

static void values(void)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t of_1000;
	} t[] = {
		{ "0", 0, 0 }, { "4096", 0, 4096 }, { "24M", 0, 24 * KIB * KIB },
		{ "1K", 0, KIB }, { "1KB", 0, KIB }, { "7B", 0, 7 }, { "1KiB", 0, KIB },
		{ "24MiB", 0, 24 * KIB * KIB }, { "24MB", 0, 24 * KIB * KIB },
		{ "2GiB", 0, 2 * KIB * KIB * KIB }, { "1TiB", 0, KIB * KIB * KIB * KIB },
		{ "1iB", -EINVAL, 0 }, { "1Ki", -EINVAL, 0 }, { "1MiBB", -EINVAL, 0 }, { "1MBi", -EINVAL, 0 },
		{ "2G", 0, 2 * KIB * KIB * KIB },
		{ "1T", 0, KIB * KIB * KIB * KIB }, { "max", 0, DMEM_NO_LIMIT },
		{ "infinity", 0, DMEM_NO_LIMIT }, { "50%", 0, 500 }, { "0%", 0, 0 },
		{ "100%", 0, 1000 }, { "12.5%", 0, 125 }, { "0.05%", 0, 0 }, { "99.99%", 0, 999 },
		{ "16777215T", 0, 16777215 * KIB * KIB * KIB * KIB },
		{ "18446744073709551614", 0, DMEM_NO_LIMIT - 1 },
		{ "18446744073709551615", -ERANGE, 0 }, { "18446744073709551616", -ERANGE, 0 },
		{ "16777216T", -ERANGE, 0 }, { "101%", -ERANGE, 0 }, { "100.01%", -ERANGE, 0 },
		{ "184467440737095517%", -ERANGE, 0 },
		{ "", -EINVAL, 0 }, { "-1", -EINVAL, 0 }, { "+1", -EINVAL, 0 }, { " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 }, { "1k", -EINVAL, 0 }, { "1MM", -EINVAL, 0 },
		/* As lsdmem prints sizes, rounded down to a byte. */
		{ "1.5M", 0, 3 * KIB * KIB / 2 }, { "63.9M", 0, 67004006 }, { "0.5GiB", 0, KIB * KIB * KIB / 2 },
		{ "1.000001T", 0, KIB * KIB * KIB * KIB + 1099511 }, { "0.000001K", 0, 0 },
		{ "16777215.999999T", 0, 16777215 * KIB * KIB * KIB * KIB + 1099510528264 },
		{ "1.5", -EINVAL, 0 }, { "1.5B", -EINVAL, 0 }, { "1.M", -EINVAL, 0 }, { ".5M", -EINVAL, 0 },
		{ "1.0000001M", -EINVAL, 0 }, { "1.5.5M", -EINVAL, 0 }, { "16777216.5T", -ERANGE, 0 },
		{ "0x10", -EINVAL, 0 }, { "%", -EINVAL, 0 }, { "5.%", -EINVAL, 0 },
		{ "5.123%", -EINVAL, 0 }, { "5%%", -EINVAL, 0 }, { "Max", -EINVAL, 0 }, { "M", -EINVAL, 0 },
	};
	char name[100];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct dmem_value v;
		int ret = dmem_parse_value(t[i].text, &v);
		uint64_t n = ret ? 0 : dmem_resolve_value(&v, 1000);

		snprintf(name, sizeof(name), "value '%s'", t[i].text);
		check(ret == t[i].ret && n == t[i].of_1000, name, "%d, %" PRIu64, ret, n);
	}
	/* No overflow on the way. */
	check(dmem_resolve_value(&(struct dmem_value){ true, 10000 }, UINT64_MAX - 1) == UINT64_MAX - 1,
	      "100% of the largest capacity does not overflow", "it is not");
}

static void regions(void)
{
	static const char * const good[] = {
		"cma/camera@64000000", "heap/system", "drm/0000:03:00.0/vram0", "a=b", "..", "x;$%\"",
		"dma_heap/linux,cma", "/dev/dma_heap/linux,cma",
	};
	static const char * const bad[] = {
		"", "a b", "a\tb", "a\nb", "a\x7f", "caf\xc3\xa9", "dma_heap/", "dma_heap/..",
		"dma_heap/.", "dma_heap/a/b", "dma_heap/../x", "/dev/dma_heap/",
		"/dev/dma_heap/../x", "/dev/dma_heap/a/b",
	};
	char name[300];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(name, sizeof(name), "region name %s is accepted", good[i]);
		check(!dmem_region_problem(good[i]), name, "%s", dmem_region_problem(good[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(name, sizeof(name), "region name %zu of the invalid ones is refused", i);
		check(dmem_region_problem(bad[i]) != NULL, name, "taken: %s", bad[i]);
	}
	memset(name, 'x', 256);
	name[256] = 0;
	check(dmem_region_problem(name) != NULL, "a region name of 256 letters is refused",
	      "taken");
	name[255] = 0;
	check(!dmem_region_problem(name), "a region name of 255 letters is accepted", "refused");
}

static void names(void)
{
	static const char * const slices[][3] = {
		{ "-.slice", "" }, { "a.slice", "a.slice" }, { "a-b.slice", "a.slice/a-b.slice" },
		{ "a-b-c.slice", "a.slice/a-b.slice/a-b-c.slice" },
		{ "a\\x2db.slice", "a\\x2db.slice" },
		{ "memory.slice", "_memory.slice" }, { "memory-a.slice", "_memory.slice/memory-a.slice" },
		{ "memory.x-a.slice", "_memory.x.slice/_memory.x-a.slice", "memory.x.slice/memory.x-a.slice" }, { "memoryx.slice", "memoryx.slice" },
		{ "_x.slice", "__x.slice" }, { "_x-y.slice", "__x.slice/__x-y.slice" }, { ".x.slice", "_.x.slice" },
		{ "cgroup.slice", "_cgroup.slice" }, { "bpf-devices.slice", "bpf.slice/_bpf-devices.slice" },
		{ "devices.slice", "_devices.slice", "devices.slice" },
		{ "devices-cam.slice", "_devices.slice/devices-cam.slice", "devices.slice/devices-cam.slice" },
		{ "tasks.slice", "tasks.slice" }, { "user.slice", "user.slice" },
	};
	static const char * const no_slices[] = {
		"a", "a.service", ".slice", "-a.slice", "a-.slice", "a--b.slice", "a@b.slice",
		"../a.slice", "a/b.slice",
	};
	static const char * const escaped[][2] = {
		{ "camera", "camera" }, { "a-b", "a\\x2db" }, { "a/b", "a-b" }, { ".a.b", "\\x2ea.b" },
		{ "linux,cma", "linux\\x2ccma" }, { "camera@64", "camera\\x4064" },
		{ "\xc3\xa9 ", "\\xc3\\xa9\\x20" }, { "a:_", "a:_" },
	};
	static const struct { const char *name; int type; } types[] = {
		{ "a.service", DMEM_SERVICE }, { "a@.service", DMEM_SERVICE },
		{ "a@b@c.service", DMEM_SERVICE }, { "a.slice", DMEM_SLICE },
		{ "-.slice", DMEM_SLICE }, { "a.b.socket", DMEM_SOCKET }, { "@a.service", -EINVAL },
		{ "service", -EINVAL }, { ".service", -EINVAL }, { "a b.service", -EINVAL },
		{ "a/b.service", -EINVAL }, { "a.conf", -EINVAL }, { "a.service.d", -EINVAL },
	};
	char name[100], *other;

	for (size_t i = 0; i < sizeof(slices) / sizeof(*slices); i++) {
		snprintf(name, sizeof(name), "path of %s", slices[i][0]);
		check_text(dmem_slice_path(&arena, slices[i][0], &other), slices[i][1], name);
		snprintf(name, sizeof(name), "%s has %s path", slices[i][0],
			 slices[i][2] ? "a second" : "no second");
		check(!other == !slices[i][2] && (!other || !strcmp(other, slices[i][2])), name, "the other one: %s",
		      other ? other : "none");
	}
	for (size_t i = 0; i < sizeof(no_slices) / sizeof(*no_slices); i++) {
		snprintf(name, sizeof(name), "%s is no slice", no_slices[i]);
		check(!dmem_slice_path(&arena, no_slices[i], &other), name, "taken");
	}
	for (size_t i = 0; i < sizeof(escaped) / sizeof(*escaped); i++) {
		snprintf(name, sizeof(name), "'%s' is escaped as '%s'", escaped[i][0],
			 escaped[i][1]);
		check_text(dmem_escape(&arena, escaped[i][0]), escaped[i][1], name);
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		snprintf(name, sizeof(name), "type of '%s'", types[i].name);
		check(dmem_unit_type(types[i].name) == types[i].type, name, "%d",
		      dmem_unit_type(types[i].name));
	}
}

/* As systemd's own function does, which its private library has. */
static void systemds_slices(void)
{
	static const char * const parts[] = {
		"memory", "devices", "cpu", "cpuacct", "cpuset", "io", "blkio", "pids", "bpf", "firewall", "foreign",
		"socket", "bind", "restrict", "network", "interfaces", "interface", "cgroup", "tasks", "a", "_", ".", "-", "--",
		"notify_on_release", "release_agent", "dmem", "\\x2d", ":", "@", "x.slice", "hugetlb", "misc", "rdma",
	};
	int (*to_path)(const char *slice, char **path) = NULL;
	const char *wrong = NULL;
	void *lib = NULL;
	glob_t g = { 0 };
	int names = 0;

	if (!glob("/usr/lib/*/systemd/libsystemd-shared-*.so", 0, NULL, &g) ||
	    !glob("/usr/lib*/systemd/libsystemd-shared-*.so", 0, NULL, &g))
		lib = dlopen(g.gl_pathv[0], RTLD_NOW);
	globfree(&g);
	if (lib)
		*(void **)&to_path = dlsym(lib, "cg_slice_to_path");
	if (!to_path) {
		printf("# systemd has no library with cg_slice_to_path()\n");
		return;
	}
	srand(1);
	for (int i = 0; i < 50000 && !wrong; i++) {
		char slice[300] = "", *theirs = NULL, *ours, *other;

		for (int k = 1 + rand() % 4; k; k--) {
			strcat(slice, parts[(size_t)rand() % (sizeof(parts) / sizeof(*parts))]);
			if (rand() % 3)
				strcat(slice, k == 1 ? "" : rand() % 2 ? "-" : ".");
		}
		strcat(slice, ".slice");
		ours = dmem_slice_path(&arena, slice, &other);
		if (to_path(slice, &theirs) < 0)
			theirs = NULL;
		names += !!theirs;
		if (!ours != !theirs || (ours && strcmp(ours, theirs) && (!other || strcmp(other, theirs))))
			wrong = dmem_printf(&arena, "%s: systemd: %s, we: %s, or %s", slice, theirs, ours, other);
		free(theirs);
	}
	check(!wrong && names > 5000, "the path of any slice is that of systemd", "%d names, %s", names, wrong);
}

static void quoting(void)
{
	static const char * const t[][3] = {
		{ "a b;c", "a b;c", "a b;c" }, { "50%", "50%%", "50%" }, { "$HOME", "$$HOME", "$$HOME" },
		{ "a\"b\\", "a\\\"b\\\\", "a\\\"b\\\\" }, { "%i'", "%%i'", "%i'" },
	};
	char buf[100], name[100];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		snprintf(name, sizeof(name), "%s is quoted with its specifiers escaped", t[i][0]);
		dmem_quote(buf, sizeof(buf), t[i][0], false);
		check_text(buf, t[i][1], name);
		snprintf(name, sizeof(name), "%s is quoted without escaped specifiers", t[i][0]);
		dmem_quote(buf, sizeof(buf), t[i][0], true);
		check_text(buf, t[i][2], name);
	}
	check(dmem_quote(buf, 3, "%%%", false) == 6 && !strcmp(buf, "%%"),
	      "text that is too long to quote is cut, and its length returned", "%s", buf);
}

struct text {
	char s[4000];
};

static void add_report(void *data, const struct dmem_report *r)
{
	struct text *t = data;

	snprintf(t->s + strlen(t->s), sizeof(t->s) - strlen(t->s), "%s:%u: '%s' %s\n", r->file, r->line,
		 r->word, r->what);
}

/* All that the parser makes of a file, as text. */
static const char *parsed(const char *text)
{
	static struct text out;
	struct dmem_section s;
	struct dmem_unit_limits limits = { 0 };
	const struct dmem_obstacle *o;

	out.s[0] = 0;
	if (dmem_section_parse(&arena, "f", text, strlen(text), add_report, &out, &s) ||
	    dmem_unit_limits_add(&arena, &limits, &s, PROGRAM))
		return "no memory";
	for (size_t i = 0; i < limits.n; i++)
		snprintf(out.s + strlen(out.s), sizeof(out.s) - strlen(out.s), "%s %s=%s\n",
			 dmem_kind_names[limits.limit[i].kind], limits.limit[i].region,
			 limits.limit[i].value);
	if (limits.strict)
		strcat(out.s, "strict\n");
	o = dmem_unit_limits_obstacle(&limits);
	if (o)
		sprintf(out.s + strlen(out.s), "hidden by %s\n", o->key);
	if (s.clears_line)
		sprintf(out.s + strlen(out.s), "clears at %u\n", s.clears_line);
	return out.s;
}

static void sections(void)
{
	static const char * const t[][3] = {
		{ "the example", "[X-Dmem]\nDeviceMemoryMax=cma/camera@64000000 24M\n"
		  "DeviceMemoryMin=cma/camera@64000000 16M\n",
		  "max cma/camera@64000000=24M\nmin cma/camera@64000000=16M\n" },
		{ "the last one counts", "[X-Dmem]\nDeviceMemoryMax=a 1\nDeviceMemoryMax=b 2\n"
		  "DeviceMemoryMax=a 3\n", "max b=2\nmax a=3\n" },
		{ "empty resets its list only", "[X-Dmem]\nDeviceMemoryMax=a 1\nDeviceMemoryLow=a 1\n"
		  "DeviceMemoryMax=\nDeviceMemoryMax=b 2\n", "low a=1\nmax b=2\n" },
		{ "blanks, comments, no newline", "  [X-Dmem]  \n ; x\n# y\n\n DeviceMemoryMax =  a \t 1  ",
		  "max a=1\n" },
		{ "CRLF", "[X-Dmem]\r\nDeviceMemoryMax=a 1\r\n", "max a=1\n" },
		{ "continued lines", "[X-Dmem]\nDeviceMemoryMax=a\\\n# no\n;no\n  1\nDeviceMemoryMax=b \\\n2",
		  "max a=1\nmax b=2\n" },
		{ "line numbers", "[X-Dmem]\n\nDeviceMemoryMax=a \\\n1 \\\n2\nDeviceMemoryMax=c\n",
		  "f:3: '2' is an unexpected word\nf:6: 'c' has no size\n" },
		{ "quotes", "[X-Dmem]\nDeviceMemoryMax=\"a\" '1'\nDeviceMemoryMax=b\\x21 2\n",
		  "max a=1\nmax b!=2\n" },
		{ "open quote", "[X-Dmem]\nDeviceMemoryMax=\"a 1\n",
		  "f:2: '\"a 1' has a quote that is not closed, or an unknown escape\n" },
		{ "unknown key", "[X-Dmem]\nDeviceMemoyMax=a 1\nDeviceMemoryMax=b 1\n",
		  "f:2: 'DeviceMemoyMax' is not a key of [X-Dmem]\nmax b=1\n" },
		{ "mistyped section", "[X-dmem]\nDeviceMemoryMax=a 1\n[x-DMEM]\n[XDmem]\n[X-Dmen]\n[Dmem]\n",
		  "f:1: 'X-dmem' is an unknown section\nf:3: 'x-DMEM' is an unknown section\n"
		  "f:4: 'XDmem' is an unknown section\nf:5: 'X-Dmen' is an unknown section\n"
		  "f:6: 'Dmem' is an unknown section\n" },
		{ "section of others", "[X-Demo]\nA=b\n[X-Foo]\nDeviceMemoryMax=a 1\n",
		  "f:4: 'DeviceMemoryMax' is in an unknown section\n" },
		{ "open bracket", "[X-Dmem\nDeviceMemoryMax=a 1\n[X-Dmem]\nDeviceMemoryMax=a 1\n",
		  "f:1: '[X-Dmem' is not closed\n" },
		{ "bad values", "[X-Dmem]\nDeviceMemoryMax=a 1X\nDeviceMemoryMax=a 99999999T\n"
		  "DeviceMemoryMax=a 101%\nDeviceMemoryMax=dma_heap/.. 1\nDeviceMemoryStrict=perhaps\n",
		  "f:2: '1X' is not a size\nf:3: '99999999T' is too large\nf:4: '101%' is too large\n"
		  "f:5: 'dma_heap/..' is not the name of a heap\nf:6: 'perhaps' is neither yes nor no\n" },
		{ "specifiers", "[X-Dmem]\nDeviceMemoryMax=cma/%i 1\nDeviceMemoryMax=a%% 1\n"
		  "DeviceMemoryMax=%z 1\nDeviceMemoryMax=a% 1\n",
		  "f:4: '%z' has an unknown specifier\nf:5: 'a%' has an unknown specifier\n"
		  "max cma/%i=1\nmax a%%=1\n" },
		{ "strict", "[X-Dmem]\nDeviceMemoryStrict=yes\n", "strict\n" },
		{ "not strict after all", "[X-Dmem]\nDeviceMemoryStrict=on\nDeviceMemoryStrict=\n", "" },
		{ "other root", "[Service]\nRootDirectory=/srv\n", "hidden by RootDirectory\n" },
		{ "no other root", "[Service]\nRootDirectory=/srv\nRootDirectory=/\nRootImage=\n", "" },
		{ "hidden", "[Service]\nTemporaryFileSystem=/var /usr:ro\n", "hidden by TemporaryFileSystem\n" },
		{ "not hidden", "[Service]\nTemporaryFileSystem=/var /usrx:ro /usr/share\nBindPaths=/a:/b /usr\n", "" },
		{ "hidden by a mount", "[Service]\nBindReadOnlyPaths=-/a:/usr/libexec/:rbind\n",
		  "hidden by BindReadOnlyPaths\n" },
		{ "what the program does not need", "[Service]\nTemporaryFileSystem=/sys/fs /proc /usr/lib /lib64\n"
		  "BindPaths=/a:/etc /a:/usr/lib/x86_64-linux-gnu\n", "" },
		{ "a mount with a quote", "[Service]\nBindPaths=\"/a:/x\":/usr/libexec\n", "hidden by BindPaths\n" },
		{ "a mount that is escaped", "[Service]\nBindPaths=/a\\x3a/x:/usr/libexec\n", "hidden by BindPaths\n" },
		{ "a mount with slashes", "[Service]\nBindPaths=/a://usr/libexec\n", "hidden by BindPaths\n" },
		{ "a mount with a specifier", "[Service]\nMountImages=/%i:/mnt/%i\n", "hidden by MountImages\n" },
		{ "a specifier in what is mounted", "[Service]\nBindPaths=/%i:/mnt:rbind\n", "" },
		{ "a mount of an image", "[Service]\nMountImages=-/a.img:/usr/libexec:root:ro\n", "hidden by MountImages\n" },
		{ "a root of layers", "[Service]\nRootMStack=/a.mstack\n", "hidden by RootMStack\n" },
		{ "extensions", "[Service]\nExtensionDirectories=/srv/x\n", "hidden by ExtensionDirectories\n" },
		{ "images of extensions", "[Service]\nExtensionImages=-/x.raw:ro\n", "hidden by ExtensionImages\n" },
		{ "extensions no more", "[Service]\nExtensionImages=/x.raw\nExtensionImages=\n", "" },
		{ "not hidden by an empty root", "[Service]\nRootDirectory=//\nRootDirectory=/./\nRootImage=\n", "" },
		{ "a root for ExecStart= only", "[Service]\nRootDirectory=/srv\nRootDirectoryStartOnly=yes\n", "" },
		{ "not only", "[Service]\nRootDirectory=/srv\nRootDirectoryStartOnly=yes\nRootDirectoryStartOnly=no\n",
		  "hidden by RootDirectory\n" },
		{ "a mount is over a root for ExecStart= only", "[Service]\nRootDirectory=/srv\nRootDirectoryStartOnly=1\n"
		  "TemporaryFileSystem=/usr\n", "hidden by TemporaryFileSystem\n" },
		{ "RootImage", "[Service]\nRootImage=/x.raw\n", "hidden by RootImage\n" },
		{ "an image somewhere else", "[Service]\nMountImages=/x.raw:/usr/lib /usr/libexec\n", "" },
		{ "an image, with a colon and a blank in its name",
		  "[Service]\nMountImages=\"/a\\:/b c:/usr\"\n", "hidden by MountImages\n" },
		{ "double slashes", "[Service]\nTemporaryFileSystem=//usr//libexec//\n", "hidden by TemporaryFileSystem\n" },
		{ "dots", "[Service]\nBindPaths=/a:/./usr/.\n", "hidden by BindPaths\n" },
		{ "double dots are ignored", "[Service]\nBindPaths=/a:/x/../usr\nRootDirectory=\n", "" },
		{ "the root itself", "[Service]\nBindPaths=/a:/\n", "hidden by BindPaths\n" },
		{ "an unknown part of the path", "[Service]\nBindPaths=/a:/usr/%i\n", "hidden by BindPaths\n" },
		{ "any path", "[Service]\nTemporaryFileSystem=%i\n", "hidden by TemporaryFileSystem\n" },
		{ "any root", "[Service]\nRootDirectory=%i\n", "hidden by RootDirectory\n" },
		{ "known specifiers", "[Service]\nBindPaths=/data/%i:/srv/i %t/x:%S/i /a%%:/usr%%\n", "" },
		{ "as it was, by two spellings", "[Service]\nBindPaths=//usr/:/./usr -/usr/libexec\n", "" },
		{ "mounted back", "[Service]\nTemporaryFileSystem=/:ro\nBindReadOnlyPaths=/usr /lib\n", "" },
		{ "not mounted back", "[Service]\nTemporaryFileSystem=/:ro\nBindReadOnlyPaths=/usr/bin /usr/lib\n",
		  "hidden by TemporaryFileSystem\n" },
		{ "hidden below what is mounted back", "[Service]\nBindPaths=/usr\nTemporaryFileSystem=/usr/libexec\n",
		  "hidden by TemporaryFileSystem\n" },
		{ "one directory twice", "[Service]\nBindPaths=/usr\nTemporaryFileSystem=/usr\n", "" },
		{ "a quoted colon", "[Service]\nBindPaths=\"/a:b\":/usr\n", "hidden by BindPaths\n" },
		{ "an escaped colon", "[Service]\nBindPaths=/a\\:b:/usr:norbind\n", "hidden by BindPaths\n" },
		{ "both keys are one list", "[Service]\nBindReadOnlyPaths=/a:/usr\nBindPaths=\n", "" },
		{ "each other list is its own", "[Service]\nMountImages=/a:/usr\nBindPaths=\nTemporaryFileSystem=\n",
		  "hidden by MountImages\n" },
		{ "a fatal path ends the file", "[Service]\nRootDirectory=/srv\nRootImage=x\nRootDirectory=\n",
		  "hidden by RootDirectory\n" },
		{ "hidden no more", "[Service]\nTemporaryFileSystem=/usr\nTemporaryFileSystem=\n", "" },
		{ "cleared condition", "[Service]\nExecCondition=/x\nExecCondition=\n", "clears at 3\n" },
		{ "outside", "DeviceMemoryMax=a 1\n[Unit]\nDeviceMemoryMax=a 1\nRootImage=/x\n",
		  "f:1: 'DeviceMemoryMax' comes before any section\n" },
		{ "no equals sign", "x\n[X-Dmem]\nDeviceMemoryMax a 1\nDeviceMemoryMax=b 1\n[Service]\nRootImage\n",
		  "f:3: 'DeviceMemoryMax a 1' has no '='\nmax b=1\n" },
		{ "byte order mark", "\xef\xbb\xbf[X-Dmem]\nDeviceMemoryMax=a 1\n", "max a=1\n" },
		{ "trailing backslash", "[X-Dmem]\nDeviceMemoryMax=a 1\\", "max a=1\n" },
		{ "CRLF, continued", "[X-Dmem]\r\nDeviceMemoryMax=a \\\r\n  1\r\n", "max a=1\n" },
		{ "CR, continued", "[X-Dmem]\r# x\rDeviceMemoryMax=a \\\r1\r", "max a=1\n" },
		{ "LF and CR are one line's end", "[X-Dmem]\n\r\n\rDeviceMemoryMax=a\n\r", "f:3: 'a' has no size\n" },
		{ "an escaped backslash ends no line", "[X-Dmem]\nDeviceMemoryMax=a\\\\ 1\nDeviceMemoryMax=b\\\\\nDeviceMemoryMin=c 1\n",
		  "f:3: 'b\\' has no size\nmax a\\=1\nmin c=1\n" },
		{ "a byte order mark later", "# x\n\xef\xbb\xbf[X-Dmem]\nDeviceMemoryMax=a 1\n", "max a=1\n" },
		{ "the second one is none", "\xef\xbb\xbf[X-Dmem]\n\xef\xbb\xbf" "DeviceMemoryMax=a 1\nDeviceMemoryMax=b 1\n",
		  "f:2: '\xef\xbb\xbf" "DeviceMemoryMax' is not a key of [X-Dmem]\nmax b=1\n" },
		{ "not UTF-8", "[X-Dmem]\nDeviceMemoryMax=a 1\n[Service]\nX=\xe9\n[X-Dmem]\nDeviceMemoryMax=b 1\n",
		  "f:4: 'X=\xe9' is not UTF-8, so systemd ignores the rest of the file\nmax a=1\n" },
		{ "not UTF-8, below ours", "[X-Dmem]\nDeviceMemoryMax=a 1\n[Service]\nX=\xe9\nRootDirectory=/x\n", "max a=1\n" },
		{ "a bad header", "[X-\"a\"]\n[X-Dmem]\nDeviceMemoryMax=b 1\n",
		  "f:1: '[X-\"a\"]' has characters that are invalid in a section name, so systemd ignores the "
		  "rest of the file\n" },
		{ "an open header", "[Servic\n[X-Dmem]\nDeviceMemoryMax=b 1\n",
		  "f:1: '[Servic' is not closed, so systemd ignores the rest of the file\n" },
		{ "blanks in the header", "[ X-Dmem ]\nDeviceMemoryMax=b 1\n",
		  "f:1: ' X-Dmem ' is an unknown section\n" },
		{ "nothing", "", "" }, { "brackets", "[\n[]\n]\n=\n", "" },
	};

	char name[200];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		snprintf(name, sizeof(name), "%s: the section is read", t[i][0]);
		check_text(parsed(t[i][1]), t[i][2], name);
		/* The fast search must not miss a section that the parser reads or complains about. */
		snprintf(name, sizeof(name), "%s: the fast search finds the section", t[i][0]);
		if (*t[i][2] && !strstr(t[i][1], "[Service]"))
			check(dmem_section_hint(t[i][1], strlen(t[i][1])), name, "no hint");
	}
}

/* The end of a line that is a zero, and lines that are too long: not as a string. */
static void bytes(void)
{
	static const char zero[] = "[X-Dmem]\0DeviceMemoryMax=a 1\n\0\0DeviceMemoryMax=b\r\0";
	const size_t line = 1 << 20;
	struct text out = { 0 };
	struct dmem_section s;
	char *big = malloc(line + 100);
	size_t n;

	check(big && !dmem_section_parse(&arena, "f", zero, sizeof(zero) - 1, add_report, &out, &s) &&
	      s.present && s.n == 1, "a zero ends a line", "%s", out.s);
	check_text(out.s, "f:4: 'b' has no size\n", "a zero may belong to another end of line");
	for (int more = -1; more <= 0; more++) {
		n = (size_t)sprintf(big, "[X-Dmem]\n");
		memset(big + n, '#', line + (size_t)more);
		n += line + (size_t)more;
		n += (size_t)sprintf(big + n, "\nDeviceMemoryMax=a 1\n");
		*out.s = 0;
		check(!dmem_section_parse(&arena, "f", big, n, add_report, &out, &s) && s.n == (more ? 1 : 0) &&
		      !strcmp(out.s, more ? "" : "f:2: 'the line' is too long, so systemd ignores the rest of "
			      "the file\n"),
		      more ? "the longest line is read" : "a line that is too long ends the file", "%zu entries, %s", s.n, out.s);
	}
	free(big);
}

static void printable(void)
{
	static const char * const t[][2] = {
		{ "a b~", "a b~" }, { "caf\xc3\xa9", "caf\xc3\xa9" }, { "a\nb\x1b[2J\x7f", "a?b?[2J?" },
		{ "\xc2\x9b" "1m \xc2\xa0", "??1m \xc2\xa0" }, { "\x9b\xff\xc3", "???" },
		{ "\xed\xa0\x80\xc0\xaf", "?????" }, { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	};
	char buf[32], name[40];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		snprintf(name, sizeof(name), "text %zu is made printable", i);
		strcpy(buf, t[i][0]);
		dmem_make_printable(buf);
		check_text(buf, t[i][1], name);
	}
}

int main(void)
{
	tap_start();
	RUN(values);
	RUN(regions);
	RUN(names);
	RUN(systemds_slices);
	RUN(quoting);
	RUN(sections);
	RUN(bytes);
	RUN(printable);
	dmem_arena_free(&arena);
	return tap_end();
}
