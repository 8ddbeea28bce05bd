// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl watch on a tree of plain files: in tmux, typed at, resized, stopped and
 * killed; and as tables, where there is no terminal.
 *
 * test_watch DMEMCTL DIRECTORY
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "dmemctl/watch/keys.h"
#include "dmem/dmem.h"
#include "tap.h"
#include "fake.h"
#include "past.h"

#define CAMERA	"cma/camera@64000000"
#define SYSTEM	"heap/system"
#define SECONDS	10	/* timeout for expected output */
#define HEADING	"NAME                CHARGED PEAK LIMIT FREE REFUSED NEW STATE USE"

/* On a screen */
#define WIDE		HEADING

static const char *dmemctl, *dir;
static struct fake machine;

/* The figures of camera.service and its ancestors. */
static void put_camera(uint64_t current, uint64_t refused)
{
	const struct fake_use service[] = {
		{ .region = CAMERA, .current = current, .peak = 10 * MIB, .max = 12 * MIB,
		  .ev_max = refused, .alloc_fail = refused },
	};
	const struct fake_use slice[] = {
		{ .region = CAMERA, .current = current + 2 * MIB, .peak = 14 * MIB, .max = 20 * MIB,
		  .ev_max = refused, .alloc_fail = refused + 1 },
		{ .region = SYSTEM, .current = 5 * MIB, .peak = 5 * MIB },
	};

	fake_cgroup(&machine, "system.slice/camera.service", service, 1);
	/* The kernel tells of a refusal above when it can be read below. */
	fake_cgroup(&machine, "system.slice", slice, 2);
}

static void start(void)
{
	const struct fake_use root[] = {
		{ .region = CAMERA, .current = 10 * MIB, .peak = 20 * MIB },
		{ .region = SYSTEM, .current = 5 * MIB },
	};
	const struct fake_use display[] = {
		{ .region = CAMERA, .current = 2 * MIB, .peak = 3 * MIB, .alloc_fail = 1 },
		{ .region = SYSTEM, .current = 5 * MIB, .peak = 5 * MIB },
	};

	tap_dir(dir);
	fake_start(&machine, FAKE_OURS);
	fake_region(&machine, CAMERA, 40 * MIB);
	fake_region(&machine, SYSTEM, 1024 * MIB);
	fake_area(&machine, "camera@64000000", 40 * MIB, 20 * MIB, 10 * MIB, 16 * MIB);
	fake_heap(&machine, "camera@64000000", CAMERA);
	fake_cgroup(&machine, "", root, 2);
	fake_cgroup(&machine, "system.slice/display.service", display, 2);
	fake_cgroup(&machine, "idle.slice", NULL, 0);
	put_camera(8 * MIB, 0);
}

/* ---- without a terminal ---- */

/* Runs a shell's command, in which $W is the program with its verb. */
static int shell(const char *fmt, ...)
{
	char script[2000];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	va_list ap;
	int n;

	n = snprintf(script, sizeof(script), "W='%s --sysroot=%s watch'; ", dmemctl, tap_path("root"));
	va_start(ap, fmt);
	vsnprintf(script + n, sizeof(script) - (size_t)n, fmt, ap);
	va_end(ap);
	return run(argv);
}

/* Without the first line, which has the time in it. */
static const char *table(void)
{
	const char *end = strchr(get("out"), '\n');

	return end ? end + 1 : "";
}

static void tables(void)
{
	int rc;

	start();
	check(!shell("$W -n 1") && !*get("err"), "one table", "%s", get("err"));
	check_text(table(),
		   HEADING "\n"
		   "cma/camera@64000000     10M  20M   40M  20M       1           [###+++......]\n"
		   "`-system.slice          10M  14M   20M  10M       1           [######......]\n"
		   "  |-camera.service       8M  10M   12M   4M       0           [########....]\n"
		   "  `-display.service      2M   3M   20M  10M       1           [#...........]\n"
		   "heap/system              5M   5M    1G    -       0           [............]\n"
		   "`-system.slice           5M   5M    1G    -       0           [............]\n"
		   "  `-display.service      5M   5M    1G    -       0           [............]\n\n",
		   "its figures");
	check(strstr(get("out"), "  2 regions, 5 cgroups, 0 refused since ") != NULL, "its title", "%s",
	      get("out"));
	check(!shell("$W -n 1 camera " SYSTEM), "a region and a unit", "%s", get("err"));
	check_text(table(),
		   "NAME        CHARGED PEAK LIMIT FREE REFUSED NEW STATE USE\n"
		   "heap/system      5M   5M    1G    -       0           [............]\n\n",
		   "only what both allow");
	check(!shell("$W -n 1 --list --sort=charged dma_heap/camera@64000000 /sys/fs/cgroup/system.slice/"),
	      "a heap and a cgroup", "%s", get("err"));
	check_text(table(),
		   "NAME                            CHARGED PEAK LIMIT FREE REFUSED NEW STATE USE\n"
		   "cma/camera@64000000                 10M  20M   40M  20M       1           [###+++......]\n"
		   "  /system.slice                     10M  14M   20M  10M       1           [######......]\n"
		   "  /system.slice/camera.service       8M  10M   12M   4M       0           [########....]\n"
		   "  /system.slice/display.service      2M   3M   20M  10M       1           [#...........]\n\n",
		   "the cgroup and all below it, as paths");
	check(!shell("$W -n 1 camera " CAMERA) && strstr(table(), "\n`-system.slice/camera.service "),
	      "without the slice, its name is in that of the unit", "%s", get("out"));
	rc = shell("$W -n 3 -i 0.1 | grep -c 'camera.service'");
	check(!rc && !strcmp(get("out"), "3\n"), "three tables", "exit code %d, %s", rc, get("out"));
	rc = shell("$W -n 2 -i 0.1 | tr -cd '\\033\\015' | wc -c");
	check(!rc && atoi(get("out")) == 0, "no escapes in a pipe", "%s", get("out"));
	rc = shell("$W -i 0.1 | head -n 3 | wc -l");
	check(!rc && atoi(get("out")) == 3 && !*get("err"), "a reader that goes away ends it", "%s%s",
	      get("out"), get("err"));
	check(shell("timeout 20 $W -i 0.1 >/dev/full") == 1 && strstr(get("err"), "cannot write"),
	      "/dev/full is a failure", "%s", get("err"));
	check(shell("timeout 20 $W -i 0.1 -J >/dev/full") == 1 && strstr(get("err"), "cannot write"),
	      "of JSON, too", "%s", get("err"));
}

/* The names of the first column, with a blank after each. */
static const char *order(void)
{
	static char names[1000];
	const char *line = table();

	*names = 0;
	while ((line = strchr(line, '\n')) && line[1] > '\n')
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%.*s ",
			 (int)strcspn(line + 1 + strspn(line + 1, " /"), " \n"), line + 1 + strspn(line + 1, " /")), line++;
	return names;
}

static void choices(void)
{
	static const char small[] = "a.slice b.slice c.slice";
	struct fake_use use[3] = {
		{ .region = CAMERA, .current = 2 * MIB, .peak = 9 * MIB, .max = 9 * MIB, .alloc_fail = 5 },
		{ .region = CAMERA, .current = 3 * MIB, .peak = 4 * MIB, .max = 4 * MIB },
		{ .region = CAMERA, .current = 1 * MIB, .peak = 6 * MIB, .max = 3 * MIB, .exhausted = 7 },
	};

	start();
	for (int i = 0; i < 3; i++) {
		char name[] = "?.slice";

		name[0] = (char)('a' + i);
		fake_cgroup(&machine, name, &use[i], 1);
	}
	shell("$W -n 1 -l -o NAME %s " CAMERA, small);
	check_text(order(), "cma/camera@64000000 a.slice b.slice c.slice ", "by name");
	shell("$W -n 1 -l -o NAME -r %s " CAMERA, small);
	check_text(order(), "cma/camera@64000000 c.slice b.slice a.slice ", "in reverse");
	shell("$W -n 1 -l -o NAME -s charged %s " CAMERA, small);
	check_text(order(), "cma/camera@64000000 b.slice a.slice c.slice ", "by charge");
	shell("$W -n 1 -l -o NAME -s peak %s " CAMERA, small);
	check_text(order(), "cma/camera@64000000 a.slice c.slice b.slice ", "by peak");
	shell("$W -n 1 -l -o NAME -s free %s " CAMERA, small);
	check_text(order(), "cma/camera@64000000 b.slice c.slice a.slice ", "the least free first");
	shell("$W -n 1 -l -o NAME --sort=refused --reverse %s " CAMERA, small);
	check_text(order(), "cma/camera@64000000 b.slice a.slice c.slice ", "by refusals, in reverse");
	shell("$W -n 1 -d 0");
	check(strstr(get("out"), "  2 regions, 0 cgroups,") && strstr(table(), CAMERA " "), "no cgroups",
	      "%s", get("out"));
	/* All that was refused anywhere. */
	check(strstr(table(), "cma/camera@64000000     10M  20M   40M  20M      13 ") != NULL, "but their refusals",
	      "%s", get("out"));
	shell("$W -n 1 -l --depth=1");
	check(strstr(table(), "/system.slice ") && !strstr(table(), "camera.service"), "one level", "%s", get("out"));
	shell("$W -n 1 --bytes -o NAME,charged,MAX,MIN,UNIT a.slice");
	check_text(table(),
		   "NAME                 CHARGED     MAX MIN UNIT\n"
		   "cma/camera@64000000 10485760             \n"
		   "`-a.slice            2097152 9437184   0 a.slice\n"
		   "heap/system          5242880             \n\n", "columns, and sizes in bytes");
	shell("$W -n 1 -o +UNACCOUNTED,CAPACITY -d 0 " CAMERA);
	check(strstr(table(), "USE            UNACCOUNTED CAPACITY\n") && strstr(table(), "         10M      40M\n"),
	      "more columns", "%s", get("out"));
}

/* At a limit, and where nothing is free. */
static void states(void)
{
	static const char hungry[] = "hungry.slice";
	struct fake_use full = { .region = CAMERA, .current = 3 * MIB, .peak = 3 * MIB, .max = 3 * MIB };

	start();
	fake_cgroup(&machine, hungry, &full, 1);
	full.max = 0;
	full.current = MIB;
	fake_cgroup(&machine, "hungry.slice/child.service", &full, 1);
	shell("$W -n 1 hungry.slice " CAMERA);
	check(strstr(table(), "\n`-hungry.slice           3M   3M    3M   0B       0     limit [############]\n") != NULL,
	      "at its limit", "%s", get("out"));
	check(strstr(table(), "\n  `-child.service        1M   3M    3M   0B       0     limit [####........]\n") != NULL,
	      "so are those below", "%s", get("out"));
	check(!shell("$W -n 1 --color=always hungry.slice " CAMERA) &&
	      strstr(get("out"), "\033[33m`-hungry.slice ") && strstr(get("out"), "\033[1mcma/"), "colours on request",
	      "%s", get("out"));
	check(!shell("TERM=dumb NO_COLOR=1 $W -n 1 --color=always") && strchr(get("out"), 27), "whatever the terminal is",
	      "%s", get("out"));
	check(!shell("$W -n 1 --color=never") && !strchr(get("out"), 27), "or never", "%s", get("out"));
	fake_area(&machine, "camera@64000000", 40 * MIB, 0, 10 * MIB, 0);
	shell("$W -n 1 -d 0 " CAMERA);
	check(strstr(table(), "  0B       2     no room [###+++++++++]\n") != NULL || strstr(table(), "no room"),
	      "no room in a region", "%s", get("out"));
	shell("$W -n 1 -d 0 --color=always " CAMERA);
	check(strstr(get("out"), "\033[1;31mcma/camera") != NULL, "it is red", "%s", get("out"));
}

/* FREE is at most the region's capacity, if the kernel does not show free memory. */
static void free_of_capacity(void)
{
	const uint64_t gib = 1024 * MIB;
	struct fake_use root = { .region = "drm/0/vram0", .current = gib };
	struct fake_use big = { .region = "drm/0/vram0", .current = gib / 2, .max = 9 * gib };
	struct fake f;

	tap_dir(dir);
	fake_start(&f, FAKE_7_3);
	fake_region(&f, "drm/0/vram0", 8 * gib);
	fake_cgroup(&f, "", &root, 1);
	fake_cgroup(&f, "big.slice", &big, 1);
	big.max = gib;
	fake_cgroup(&f, "small.slice", &big, 1);
	big.max = 0;
	fake_cgroup(&f, "any.slice", &big, 1);
	shell("$W -n 1 -l -o NAME,LIMIT,FREE");
	check_text(strchr(table(), '\n') + 1, "drm/0/vram0       8G   7G\n"
		   "  /any.slice      8G   7G\n"
		   "  /big.slice      8G   7G\n"
		   "  /small.slice    1G 512M\n\n", "FREE without a figure of the kernel's");
}

/* $J is jq, with the last sample in $S. */
static bool json_is(const char *filter)
{
	const char *argv[] = { "/usr/bin/jq", "-e", filter, tap_path("json"), NULL };

	return check(!run(argv), filter, "%s%s", get("out"), get("json"));
}

static void json(void)
{
	struct fake_use one = { .region = CAMERA, .current = MIB };

	start();
	fake_cgroup(&machine, "\x1b[2J\xc3\xbc\xff.slice", &one, 1);
	check(!shell("$W -n 3 -i 0.1 --json") && !*get("err"), "JSON", "%s", get("err"));
	rename(tap_path("out"), tap_path("json"));
	check(!shell("wc -l <%s", tap_path("json")) && atoi(get("out")) == 3, "a line for each sample", "%s", get("out"));
	json_is(".rows | length == 8");
	json_is(".time | test(\"^20[0-9-]+T[0-9:]+[.][0-9]{3}Z$\")");
	json_is(".refused == 0 and .unread == 0");
	json_is(".rows[0] | .region == \"cma/camera@64000000\" and .cgroup == null and .capacity == 41943040 and "
		".unaccounted == 10485760 and .charged == 10485760 and .limit == 41943040 and .max == null");
	json_is("[.rows[] | select(.cgroup == \"/system.slice/camera.service\")] | length == 1 and "
		"(.[0] | .charged == 8388608 and .max == 12582912 and .limit == 12582912 and .free == 4194304 and "
		".refused == 0 and .new == 0)");
	json_is("[.rows[] | select(.cgroup == \"/system.slice/display.service\" and .region == \"heap/system\")][0] | "
		".max == \"max\" and .free == null");
	json_is("[.rows[].cgroup | strings | select(startswith(\"/\\u001b[2J\\u00fc\"))] | length == 1");
	shell("$W -n 1 -J -o NAME,STATE /system.slice");
	rename(tap_path("out"), tap_path("json"));
	json_is(".rows[1] == { \"name\": \"/system.slice\", \"state\": null }");
}

static void usage(void)
{
	start();
	check(shell("$W --no-such") == 2, "a wrong option", "not 2");
	check(shell("$W -i 0") == 2 && shell("$W -i nan") == 2 && shell("$W -i 1x") == 2 &&
	      shell("$W -i 1e9") == 2, "a wrong interval", "not 2");
	check(shell("$W -n 0") == 2 && shell("$W -n -1") == 2 && shell("$W -n x") == 2,
	      "a wrong count", "not 2");
	check(shell("$W -d x") == 2 && shell("$W -d -1") == 2 && shell("$W -d 99999999999") == 2, "a wrong depth",
	      "not 2");
	check(shell("$W -s size") == 2, "a wrong order", "not 2");
	check(shell("$W --color=blue") == 2, "a wrong colour", "not 2");
	check(shell("$W -o NAME,nope") == 2 && strstr(get("err"), "unknown column: nope"), "a wrong column", "%s",
	      get("err"));
	check(shell("$W -i") == 2 && strstr(get("err"), "needs a value"), "no value", "%s", get("err"));
	check(shell("$W -n 1 cma/none") == 1 && strstr(get("err"), "cma/none"), "no such region", "%s", get("err"));
	check(shell("$W -n 1 nope") == 1 && strstr(get("err"), "nope") && !*get("out"), "no such unit", "%s", get("err"));
	check(!shell("$W --help") && strstr(get("out"), "Usage: dmemctl watch"), "--help", "no");
}

/* Other machines: names that a terminal would obey, and little to read. */
static void others(void)
{
	struct fake_use one = { .region = CAMERA, .current = MIB };

	start();
	fake_cgroup(&machine, "\x1b[2J\xc3\xbc", &one, 1);
	fake_cgroup(&machine, "app-a\\x2db.scope", &one, 1);
	shell("$W -n 1 " CAMERA);
	check(strstr(table(), "\n|-\\x1b[2J\\xc3\\xbc ") != NULL, "names are harmless", "%s", get("out"));
	check(strstr(table(), "-app-a\\x2db.scope ") != NULL, "and as systemd spells them", "%s", get("out"));
	check(!shell("$W -n 1 'app-a\\x2db.scope' " CAMERA) && strstr(table(), "\n`-app-a\\x2db.scope "),
	      "they can be given back", "%s%s", get("out"), get("err"));
	shell("LC_ALL=C.UTF-8 $W -n 1 " CAMERA);
	check(strstr(table(), "\n├─\\x1b[2Jü ") != NULL && strstr(table(), "\n└─system.slice "),
	      "a locale that can print them", "%s", get("out"));
	tap_dir(dir);
	fake_start(&machine, FAKE_6_14);
	fake_region(&machine, "drm/0000:03:00.0/vram0", 8192 * MIB);
	one.region = "drm/0000:03:00.0/vram0";
	fake_cgroup(&machine, "", &one, 1);
	fake_cgroup(&machine, "user.slice", &one, 1);
	shell("$W -n 1");
	check_text(table(),
		   "NAME                   CHARGED PEAK LIMIT FREE REFUSED NEW STATE USE\n"
		   "drm/0000:03:00.0/vram0      1M    -    8G   8G       -           [............]\n"
		   "`-user.slice                1M    -    8G   8G       -           [............]\n\n",
		   "a kernel without peaks and refusals");
	tap_dir(dir);
	put("root/etc/hostname", "none\n");
	check(shell("$W -n 1") == 1 && strstr(get("err"), dmem_status_text(DMEM_NO_CGROUP2)) && !*get("out"),
	      "no cgroups", "%s%s", get("out"), get("err"));
	put("root/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
	put("root/sys/fs/cgroup/cgroup.subtree_control", "memory\n");
	check(shell("$W -J") == 1 && strstr(get("err"), dmem_status_text(DMEM_NO_CONTROLLER)) && !*get("out"),
	      "no controller", "%s%s", get("out"), get("err"));
	check(shell("$W -n 1 camera") == 1 && strstr(get("err"), dmem_status_text(DMEM_NO_CONTROLLER)),
	      "whatever is asked for", "%s", get("err"));
	put("root/sys/fs/cgroup/cgroup.controllers", "cpu dmem memory\n");
	check(shell("$W -n 1") == 1 && strstr(get("err"), dmem_status_text(DMEM_NOT_ENABLED)), "not enabled", "%s",
	      get("err"));
	put("root/sys/fs/cgroup/cgroup.subtree_control", "memory dmem\n");
	put("root/sys/fs/cgroup/dmem.capacity", "%s", "");
	check(shell("$W -n 1") == 1 && strstr(get("err"), dmem_status_text(DMEM_NO_REGIONS)), "no region", "%s",
	      get("err"));
	/* A namespace's root is a cgroup. */
	tap_dir(dir);
	fake_start(&machine, FAKE_OURS);
	machine.namespaced = true;
	fake_region(&machine, CAMERA, 40 * MIB);
	one = (struct fake_use){ .region = CAMERA, .current = MIB, .peak = MIB, .max = 3 * MIB };
	fake_cgroup(&machine, "", &one, 1);
	/* There is less than it may take. */
	fake_area(&machine, "camera@64000000", 40 * MIB, MIB, 0, MIB);
	shell("$W -n 1");
	check(strstr(table(), "\n`-/                      1M   1M    3M   1M       0           [####........]\n") != NULL,
	      "inside a namespace", "%s", get("out"));
}

/* More rows than one table of the library is made of. */
static void many(void)
{
	struct fake_use one = { .region = CAMERA, .current = MIB, .peak = MIB };
	char name[64];
	int rc;

	start();
	for (int i = 0; i < 2100; i++) {
		snprintf(name, sizeof(name), "pod%04d.slice", i);
		fake_cgroup(&machine, name, &one, 1);
	}
	rc = shell("$W -n 1 -b " CAMERA " | awk '/pod/ { n++; if (!w) w = length; bad += length != w } "
		   "/NAME/ { h++ } END { print n, bad, h }'");
	check(!rc && !strcmp(get("out"), "2100 0 1\n"), "lines are alike, under one heading", "%s", get("out"));
	rc = shell("$W -n 1 -J " CAMERA " | jq '[.rows[] | select(.charged == 1048576)] | length'");
	check(!rc && !strcmp(get("out"), "2100\n"), "all are in one object", "%s%s", get("out"), get("err"));
}

/* A minute of a machine, of which another recorder took a single sample. */
static void put_history(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 0, 1000, false);
	past_region(&t, 0, CAMERA);
	past_cgroup(&t, 0, 7, "system.slice");
	past_cgroup(&t, 1, 8, "system.slice/camera.service");
	past_cgroup(&t, 2, 9, "system.slice-x/b.service");
	past_look(&t, 0, "r0=0,1048576,-,41943040 c0.0=0,0,0,2,0,0,20971520,0 c1.0=0,0,0,2,0,0,12582912,0 c2.0=0,0");
	past_look(&t, 30000, "r0=12582912,1048576 c0.0=12582912,12582912,5,7 c1.0=12582912,12582912,5,7");
	past_cgroup(&t, 3, 10, "media.slice/c.service/inner");
	past_look(&t, 60000, "r0=4194304 c0.0=0 c1.0=0 x1 c3.0=4194304,4194304");
	past_end(&t, 60500);
	past_head(&t, "aaaaaaaa", 45000, 0, false);
	past_region(&t, 0, CAMERA);
	past_cgroup(&t, 0, 8, "system.slice/camera.service");
	past_look(&t, 45000, "c0.0=0,12582912");
	past_write(&t, "history");
}

/* The samples of a history are shown as those of a machine. */
static void replayed(void)
{
	char *text;

	char before[4096];

	start();
	put_history();
	/* The program reads files relative to its directory. */
	if (!getcwd(before, sizeof(before)) || chdir(tap_path("")))
		*before = 0;
	setenv("TZ", "UTC", 1);
	check(!shell("$W --replay=history") && !*get("err"), "a history is shown", "%s", get("err"));
	check_text(get("out"),
		   "2025-11-24 16:00:00  1 region, 2 cgroups, 0 refused since 2025-11-24 16:00:00\n"
		   "NAME                CHARGED PEAK LIMIT FREE REFUSED NEW STATE USE\n"
		   "cma/camera@64000000      0B    -   40M  39M       2           [............]\n"
		   "`-system.slice           0B   0B   20M  20M       2           [............]\n"
		   "  `-camera.service       0B   0B   12M  12M       2           [............]\n"
		   "\n"
		   "2025-11-24 16:00:30  1 region, 2 cgroups, 5 refused since 2025-11-24 16:00:00\n"
		   "NAME                CHARGED PEAK LIMIT FREE REFUSED NEW STATE USE\n"
		   "cma/camera@64000000     12M    -   40M  27M       7  +5       [####........]\n"
		   "`-system.slice          12M  12M   20M   8M       7  +5       [#######.....]\n"
		   "  `-camera.service      12M  12M   12M   0B       7  +5 limit [############]\n"
		   "\n"
		   "2025-11-24 16:01:00  1 region, 2 cgroups, 5 refused since 2025-11-24 16:00:00\n"
		   "NAME                          CHARGED PEAK LIMIT FREE REFUSED NEW STATE USE\n"
		   "cma/camera@64000000                4M    -   40M  35M       7  +5       [#+..........]\n"
		   "|-media.slice/c.service/inner      4M   4M   40M  35M       -           [#...........]\n"
		   "`-system.slice                     0B  12M   20M  20M       7  +5       [............]\n"
		   "\n", "its samples, without the single one");
	check(!shell("$W --replay=history -J -n 2 camera") && strstr(get("out"), "16:00:30"), "two samples as JSON", "%s", get("out"));
	text = strdup(get("out"));
	check(strstr(text, "{\"time\":\"2025-11-24T16:00:00.000Z\",") == text && strstr(text, "\n{\"time\":\"2025-11-24T16:00:30.000Z\","),
	      "with their times", "%s", text);
	free(text);
	check(!shell("$W --replay=history -n 1 --list /sys/fs/cgroup/system.slice " CAMERA) && strstr(get("out"), "system.slice/camera.service") &&
	      !shell("$W --replay=history -n 1 camera.service") && !strstr(get("out"), "slice-x"), "words select units and cgroups", "%s",
	      get("out"));
	check(shell("$W --replay=history nothing") == 1 && strstr(get("err"), "nothing: no such unit, cgroup or region in this history"),
	      "a word that is not in it", "%s", get("err"));
	check(shell("$W --replay=nothing") == 1 && strstr(get("err"), "nothing: No such file"), "a history that is not there", "%s",
	      get("err"));
	check(shell("$W --replay=") == 2 && strstr(get("err"), "--replay= needs a history"), "no history", "%s", get("err"));
	check(!shell("gzip history && $W --replay=history.gz -b -n 1"), "a compressed one", "%s", get("err"));
	check(*before && !chdir(before), "the directory", "no");
}

/* ---- tmux ---- */

#define TMUX	"/usr/bin/tmux"

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
}

/* One command, of up to six words. */
static const char *tmux(const char *a, ...)
{
	const char *argv[16] = { TMUX, "-S", tap_path("tmux"), "-f", "/dev/null", a };
	va_list ap;
	int n = 6;

	va_start(ap, a);
	while (n < 15 && (argv[n] = va_arg(ap, const char *)))
		n++;
	va_end(ap);
	if (run(argv))
		printf("# tmux %s: %s\n", a, get("err"));
	return get("out");
}

static const char *screen(void)
{
	return tmux("capture-pane", "-p", NULL);
}

/* Waits until the screen has this text, or has it no more. */
static bool seen(const char *text, bool wanted)
{
	for (int i = 0; i < 20 * SECONDS; i++) {
		if ((strstr(screen(), text) != NULL) == wanted)
			return true;
		nap();
	}
	return false;
}

static bool see(const char *text, const char *name)
{
	return check(seen(text, true), name, "'%s' is not there:\n%s", text, screen());
}

static void type(const char *key)
{
	tmux("send-keys", key, NULL);
}

/* The state of the terminal in tmux. */
static bool is_normal(void)
{
	char got[100];

	for (int i = 0; i < 20 * SECONDS; i++) {
		snprintf(got, sizeof(got), "%s",
			 tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}", NULL));
		if (!strcmp(got, "0 1\n"))
			return true;
		nap();
	}
	return false;
}

static void line(const char *text)
{
	tmux("send-keys", "-l", text, NULL);
	type("Enter");
}

/* Starts the program with these words by the shell in the terminal, its number in
 * file "pid". Waits until it is there. */
static void begin(const char *environment, const char *words)
{
	char text[2000];

	snprintf(text, sizeof(text), "clear; %s sh -c 'echo $$ >pid; exec $W %s'",
		 environment, words);
	line(text);
	if (!seen("q quit", true))
		check(false, "it starts", "%s", screen());
}

static pid_t pid(void)
{
	return (pid_t)atoi(get("pid"));
}

/* It has ended with this code, and the terminal is as it was before. */
static void ended(int code, const char *name)
{
	char text[100], before[1000], title[200];

	snprintf(before, sizeof(before), "%s", get("before"));
	check(is_normal(), name, "the terminal is not as it was:\n%s", screen());
	line("echo ended=$?; stty -g >after; echo code=$?");
	snprintf(text, sizeof(text), "ended=%d", code);
	snprintf(title, sizeof(title), "%s: the exit code is %d", name, code);
	see(text, title);
	snprintf(title, sizeof(title), "%s: the terminal has its former settings", name);
	check(seen("code=0", true) && *before && !strcmp(before, get("after")),
	      title, "%s%s", before, get("after"));
}

static void session(void)
{
	char program[9000];

	snprintf(program, sizeof(program), "%s --sysroot=%s watch", dmemctl, tap_path("root"));
	setenv("W", program, 1);
	setenv("TERM", "screen", 1);
	unsetenv("NO_COLOR");
	unsetenv("TMUX");
	tmux("new-session", "-d", "-x", "80", "-y", "14", "-c", dir, "/bin/sh", NULL);
	line("stty -g >before");
	for (int i = 0; i < 20 * SECONDS && !*get("before"); i++)
		nap();
}

static void whole_screen(void)
{
	const char *body;

	begin("", "-i 60");
	body = strchr(screen(), '\n');
	check_text(body ? body : "", "\n" WIDE "\n"
		   "cma/camera@64000000     10M  20M   40M  20M       1           [####++++........]\n"
		   "`-system.slice          10M  14M   20M  10M       1           [########........]\n"
		   "  |-camera.service       8M  10M   12M   4M       0           [###########.....]\n"
		   "  `-display.service      2M   3M   20M  10M       1           [##..............]\n"
		   "heap/system              5M   5M    1G    -       0           [................]\n"
		   "`-system.slice           5M   5M    1G    -       0           [................]\n"
		   "  `-display.service      5M   5M    1G    -       0           [................]\n"
		   "\n\n\n\nq quit  ? help  s sort: name  every 60s\n", "a screen of 80 columns");
}

static void keys(void)
{
	static const char * const orders[] = { "charged", "peak", "free", "refused", "new", "name" };
	char want[100], name[40];

	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		type("s");
		snprintf(want, sizeof(want), "s sort: %s  ", orders[i]);
		snprintf(name, sizeof(name), "s sorts by %s", orders[i]);
		see(want, name);
	}
	type("r");
	see("s sort: name, reversed", "r reverses");
	see("`-system.slice          10M  14M   20M  10M       1           [########........]\n"
	    "  |-display.service ", "the order");
	type("r");
	type("t");
	see("\n  /system.slice/camera.service ", "t shows paths");
	type("t");
	see("\n  |-camera.service ", "and a tree again");
	type("-");
	see("every 30s", "- shortens the interval");
	type("+");
	type("+");
	see("every 300s", "+ makes it longer");
	type("-");
	see("every 60s", "and back");
	type("?");
	see("press any key to return", "? shows the keys");
	check(strstr(screen(), "reverse the order") && !strstr(screen(), "camera.service"), "all of them", "%s", screen());
	type("q");
	see("\n  |-camera.service ", "q leaves the help, and not the program");
	tmux("resize-window", "-x", "80", "-y", "6", NULL);
	see("lines 1-3 of 7", "a lower window");
	type("Down");
	see("lines 2-4 of 7", "down");
	type("NPage");
	see("lines 5-7 of 7", "page down, and not beyond the end");
	type("Up");
	see("lines 4-6 of 7", "up");
	type("Home");
	see("lines 1-3 of 7", "home");
	type("End");
	see("lines 5-7 of 7", "end");
	type("PPage");
	see("lines 2-4 of 7", "page up");
	check(strstr(screen(), "\n`-system.slice ") && !strstr(screen(), "cma/camera@64000000"),
	      "the lines are those", "%s", screen());
	type("PPage");
	see("lines 1-3 of 7", "and not before the start");
}

static void sizes(void)
{
	tmux("resize-window", "-x", "120", "-y", "14", NULL);
	see("[##############++++++++++++++............................]", "a wide window has a longer bar");
	tmux("resize-window", "-x", "64", "-y", "14", NULL);
	see("REFUSED NEW STATE\n", "a narrow one has none");
	check(strstr(screen(), "\n  |-camera.service       8M  10M   12M   4M       0\n") != NULL, "but all else", "%s",
	      screen());
	tmux("resize-window", "-x", "40", "-y", "14", NULL);
	see("NAME              CHARGED FREE NEW STATE\n", "a narrower one leaves out columns");
	tmux("resize-window", "-x", "20", "-y", "5", NULL);
	seen("lines", false);
	check(seen("q quit  ? help  s so", true) && !strstr(screen(), "REFUSED"),
	      "a tiny one cuts the lines", "%s", screen());
	tmux("resize-window", "-x", "30", "-y", "1", NULL);
	check(seen("2 regions, 5 cgroups", true), "a window of one line", "%s", screen());
	tmux("resize-window", "-x", "80", "-y", "14", NULL);
	see(WIDE, "back to 80 columns");
}

static void remove_camera(void)
{
	const char *argv[] = {
		"/bin/rm", "-r", tap_path("root/sys/fs/cgroup/system.slice/camera.service"), NULL,
	};

	if (run(argv))
		check(false, "a cgroup can be removed", "%s", get("err"));
}

static void news(void)
{
	struct fake_use one = { .region = SYSTEM, .current = MIB };
	struct fake_use most = { .region = SYSTEM, .current = 6 * MIB };

	/* A charge causes no event, and the next sample is not due. */
	put("root/sys/fs/cgroup/system.slice/camera.service/dmem.current", CAMERA " %llu\n", 9 * MIB);
	nap();
	check(strstr(screen(), "camera.service       8M") != NULL, "nothing before that", "%s", screen());
	type("Space");
	see("  |-camera.service       9M", "space takes a sample at once");
	put_camera(9 * MIB, 3);
	see("  |-camera.service       9M  10M   12M   3M       3  +3 ", "a refusal is seen at once");
	see("\ncma/camera@64000000     10M  20M   40M  20M       4  +3 ", "and in its region");
	see("cgroups, 3 refused since", "and counted");
	/* A unit that starts again is another cgroup. */
	remove_camera();
	fake_cgroup(&machine, "new.slice", &one, 1);
	fake_cgroup(&machine, "most.slice", &most, 1);
	type("Space");
	see("|-new.slice ", "a new cgroup");
	check(!strstr(screen(), "camera.service"), "and one that is gone", "%s", screen());
	/* It is listened to from now on. */
	one.alloc_fail = 7;
	fake_cgroup(&machine, "new.slice", &one, 1);
	see("|-new.slice              1M   1M    1G    -       7  +7 ", "its refusals are seen at once");
	see("]\n|-most.slice             6M   6M    1G    -       0           [................]\n|-new.slice ",
	    "by name");
	type("s");
	see("]\n|-most.slice             6M   6M    1G    -       0           [................]\n|-system.slice ",
	    "by charge");
	for (int i = 0; i < 4; i++)
		type("s");
	see("s sort: new", "by new refusals");
	see("]\n|-new.slice ", "the refused one is first");
	type("s");
}

static void ends(void)
{
	type("q");
	ended(0, "q gives the terminal back");
	begin("", "-i 60");
	kill(pid(), SIGTERM);
	ended(128 + SIGTERM, "SIGTERM gives it back");
	begin("", "-i 60");
	type("C-c");
	ended(128 + SIGINT, "Ctrl-C gives it back");
	begin("", "-i 60");
	type("C-z");
	check(is_normal(), "Ctrl-Z gives it back", "it does not");
	line("echo between");
	see("\nbetween", "there is a shell between");
	line("fg");
	see(WIDE, "and a screen again");
	kill(pid(), SIGSTOP);
	seen("Stopped", true);
	line("clear; fg");
	see(WIDE, "after a SIGSTOP too");
	type("q");
	ended(0, "q after that gives it back");
	begin("", "-i 0.2 -n 3");
	ended(0, "the end of --count gives it back");
	line("clear; $W -n 1; stty -g >after");
	see("\n" WIDE, "one sample stays on the terminal");
	check(is_normal(), "which is not taken", "%s", screen());
	line("clear; $W -n 2 -i 0.1; echo code=$?");
	check(seen("code=0", true) && strstr(screen(), "\n" WIDE), "so does the last one of several", "%s", screen());
	line("clear; $W -b -n 2 -i 0.1 -d 0; echo code=$?");
	check(seen("code=0", true) && is_normal() && strstr(strstr(screen(), WIDE) + 1, WIDE),
	      "in batch mode all of them", "%s", screen());
}

static void by_time(void)
{
	put_camera(8 * MIB, 0);
	begin("", "-i 0.2");
	put_camera(3 * MIB, 0);
	see("  |-camera.service       3M", "by time");
	type("q");
	ended(0, "q");
}

static void colours(void)
{
	begin("", "-i 60");
	put_camera(3 * MIB, 1);
	/* The slice's, which is written last. */
	seen("       2  +1", true);
	/* tmux prints attributes when they change from one line to the next. */
	check(strstr(tmux("capture-pane", "-p", "-e", NULL), "\033[31m") != NULL, "a refusal is red", "%s", get("out"));
	type("q");
	is_normal();
	put_camera(3 * MIB, 0);
	begin("NO_COLOR=1", "-i 60");
	put_camera(3 * MIB, 1);
	seen("       2  +1", true);
	check(!strstr(tmux("capture-pane", "-p", "-e", NULL), "\033["), "NO_COLOR", "%s", get("out"));
	type("q");
	ended(0, "q without colours");
	line("clear; TERM=dumb $W -i 60 -n 1");
	seen("camera.service", true);
	check(!strcmp(tmux("display-message", "-p", "#{alternate_on}", NULL), "0\n"),
	      "a terminal that can do nothing gets a table", "%s", screen());
}

/* Keys come from where the screen is; and if that goes, so do we. */
/* On a terminal, samples are shown one after the other, and the last one stays. */
static void replayed_on_screen(void)
{
	put_history();
	begin("TZ=UTC", "-i 60 --replay=history");
	see("2025-11-24 16:00:00  1 region", "the first sample is shown");
	type("Space");
	see("2025-11-24 16:00:30  1 region", "a key shows the next sample at once");
	type("Space");
	see("2025-11-24 16:01:00  1 region", "the last sample is shown");
	type("Space");
	type("-");
	see("every 30s", "and stays, and keys work");
	type("q");
	ended(0, "a key ends it");
	begin("TZ=UTC", "-i 0.1 --replay=history");
	see("2025-11-24 16:01:00  1 region", "samples are at most the interval apart");
	type("q");
	ended(0, "it ends again");
}

static void without_keys(void)
{
	pid_t p;

	line("clear");
	begin("", "-i 0.3 -n 4 </dev/null");
	ended(0, "without keys, --count ends it");
	/* Not by a SIGHUP. */
	line("trap '' HUP");
	begin("", "-i 60");
	p = pid();
	tmux("kill-server", NULL);
	for (int i = 0; i < 20 * SECONDS && !kill(p, 0); i++)
		nap();
	check(p > 1 && kill(p, 0), "it ends with its terminal", "%d is still there", p);
}

/* ---- the parser of keys ---- */

static enum key key_of(const char *s)
{
	struct keys k = { 0 };
	enum key key = KEY_NONE;

	for (; *s; s++)
		key = keys_next(&k, (unsigned char)*s);
	return key;
}

static void sequences(void)
{
	static const struct {
		const char *bytes;
		enum key key;
	} t[] = {
		{ "q", KEY_QUIT }, { "Q", KEY_QUIT }, { " ", KEY_REFRESH }, { "\f", KEY_REFRESH },
		{ "s", KEY_SORT }, { "r", KEY_REVERSE }, { "t", KEY_TREE }, { "+", KEY_SLOWER },
		{ "-", KEY_FASTER }, { "?", KEY_HELP }, { "j", KEY_DOWN }, { "k", KEY_UP }, { "x", KEY_NONE },
		{ "\033[A", KEY_UP }, { "\033OA", KEY_UP }, { "\033[B", KEY_DOWN },
		{ "\033[1;5A", KEY_UP }, { "\033[5~", KEY_PAGE_UP }, { "\033[6~", KEY_PAGE_DOWN },
		{ "\033[H", KEY_HOME }, { "\033OF", KEY_END }, { "\033[1~", KEY_HOME },
		{ "\033[4~", KEY_END }, { "\033[7~", KEY_HOME }, { "\033[8~", KEY_END },
		{ "\033[6;5~", KEY_NONE }, { "\033[3~", KEY_NONE }, { "\033[4294967301~", KEY_NONE },
		{ "\033q", KEY_NONE }, { "\033[q", KEY_NONE }, { "\033[\033[A", KEY_UP },
		{ "\033[5\033[B", KEY_DOWN }, { "\033[Aq", KEY_QUIT }, { "\xff", KEY_NONE },
	};
	struct keys k = { 0 };
	unsigned long long state = 1;
	int bad = 0, known = 0;
	char name[100];

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		snprintf(name, sizeof(name), "key %zu, ", i);
		for (const char *b = t[i].bytes; *b; b++)
			snprintf(name + strlen(name), sizeof(name) - strlen(name),
				 *b > ' ' ? "%c" : "0x%02x",
				 (unsigned char)*b);
		check(key_of(t[i].bytes) == t[i].key, name, "%d", key_of(t[i].bytes));
	}
	keys_next(&k, '\033');
	keys_idle(&k);
	check(keys_next(&k, 'q') == KEY_QUIT, "Esc, and later q", "not a q");
	/* Anything: no number is too large, and q is always heard in the end. */
	for (int i = 0; i < 200000; i++) {
		enum key key;

		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		key = keys_next(&k, state >> 40 & 1 ? (unsigned char)(state >> 33) :
				(unsigned char)"\033[O0123456789;~ABHFq"[(state >> 33) % 20]);
		bad += (unsigned int)key > KEY_END || k.number > 999;
		known += key != KEY_NONE;
	}
	keys_next(&k, 'x');
	keys_idle(&k);
	keys_next(&k, 'x');
	check(!bad && known > 1000 && keys_next(&k, 'q') == KEY_QUIT, "anything that is typed",
	      "%d wrong, %d known", bad, known);
}

int main(int argc, char **argv)
{
	struct rlimit no_core = { 0, 0 };

	if (argc != 3)
		return 2;
	dmemctl = argv[1];
	dir = argv[2];
	setrlimit(RLIMIT_CORE, &no_core);
	tap_start();
	RUN(sequences);
	setenv("LC_ALL", "C", 1);
	RUN(tables);
	RUN(choices);
	RUN(states);
	RUN(free_of_capacity);
	RUN(json);
	RUN(usage);
	RUN(others);
	RUN(many);
	RUN(replayed);
	RUN(start);
	RUN(session);
	RUN(whole_screen);
	RUN(keys);
	RUN(sizes);
	RUN(news);
	RUN(ends);
	RUN(by_time);
	RUN(colours);
	RUN(replayed_on_screen);
	RUN(without_keys);
	return tap_end();
}
