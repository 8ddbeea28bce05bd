// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl show and apply on a machine of plain files.
 *
 * test_show DMEMCTL JQ DIRECTORY
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board.h"

#define SERVICE		CG "system.slice/camera.service/"

static struct tool t;

/* All of stdout, and nothing on stderr. */
static void prints(const char *args, const char *want)
{
	int code = tool(&t, args);
	char text[8192], name[300];

	snprintf(name, sizeof(name), "'%s' prints: %.*s", args, (int)strcspn(want, "\n"), want);
	snprintf(text, sizeof(text), "%s", get("out"));
	if (code || *get("err"))
		check(false, name, "exit code %d: %s", code, get("err"));
	else
		check_text(text, want, name);
}

static void json(const char *args, const char *filter, const char *name)
{
	int code = tool(&t, args);

	check(!code && !jq(&t, filter), name, "exit code %d: %s%s", code, get("json"), get("err"));
}

static void named(void)
{
	board(&t);
	put(LIB "camera.service",
	    EXEC "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 24M\nDeviceMemoryMin=" DISPLAY " 50%%\n"
		 "DeviceMemoryLow=cma/none 1M\n");
	prints("show camera",
	       "UNIT           REGION               CHARGED PEAK MIN MAX LIMIT REFUSED SECTION\n"
	       "camera.service " CAMERA "       8M   9M  0B 24M   24M       0 max=24M\n"
	       "camera.service " DISPLAY "      0B   0B  0B max   48M       0 min=50%\n"
	       "camera.service cma/none                   -    -   -   -     -       - low=1M\n");
	prints("show --raw --noheadings --output unit,region,max cam.service",
	       "camera.service " CAMERA " 24M\n"
	       "camera.service " DISPLAY " max\ncamera.service cma/none -\n");
	prints("show -rn -o +cgroup -b /sys/fs/cgroup/media.slice/",
	       "/media.slice " CAMERA " 0 0 0 31457280 "
	       "31457280 0 - /media.slice\n");
	prints("show -rn -a -o REGION,LIMIT system.slice/other.service",
	       CAMERA " 40M\n" DISPLAY " 48M\n" SYSTEM " 1000M\n");
	prints("show -rn -o UNIT,REGION /", "/ " CAMERA "\n");
	prints("show -rn -o UNIT,CHARGED,SECTION stopped", "stopped.service - -\nstopped.service - -"
							   "\nstopped.service - -\n");
	prints("show -rn -o UNIT,MAX eye@left eye@",
	       "eye@left.service max\neye@left.service max\neye@left.service max\n"
	       "eye@.service -\neye@.service -\neye@.service -\n");
	put(CG "system.slice/dmem.max", CAMERA " 1048576\n" DISPLAY " max\n");
	prints("show -rn -o MAX,LIMIT camera", "24M 1M\nmax 48M\n- -\n");

	board(&t);
	put(LIB "camera.service", EXEC "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 24M\n"
	    "DeviceMemoryMax=dma_heap/camera@64000000 20M\nDeviceMemoryMax=dma_heap/odd 1M\n");
	prints("show -rn -o REGION,SECTION camera", CAMERA " max=20M\ndma_heap/odd max=1M\n");

	put(LIB "camera.service",
	    EXEC "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 24M\nDeviceMemoryMin=" CAMERA " 16M\n"
		 "DeviceMemoryMax=cma/none 2M\nDeviceMemoryLow=cma/none 1M\n");
	prints("show -rn -o REGION,SECTION camera", CAMERA " max=24M\\x20min=16M\ncma/none "
							   "max=2M\\x20low=1M\n");

	expect(&t, "show nothing", 1, NULL, "nothing: no unit nothing.service");
	expect(&t, "show masked", 1, NULL, "masked.service: the unit is masked");
	expect(&t, "show /nothing", 1, NULL, "/nothing: no such cgroup");
	expect(&t, "show a,b", 1, NULL, "a,b: no such cgroup");
	expect(&t, "show -o NONE", 2, NULL, "unknown column: NONE");
	expect(&t, "show -o", 2, NULL, "option needs a value: -o");
	expect(&t, "show -bx", 2, NULL, "unknown option: -x");
	expect(&t, "show --help -x", 0, "Usage: dmemctl show", NULL);
}

static void without_name(void)
{
	board(&t);
	put(LIB "stopped.service", EXEC "[X-Dmem]\nDeviceMemoryMax=" DISPLAY " 1M\n");
	put(LIB "eye@.service", EXEC "[X-Dmem]\nDeviceMemoryLow=cma/%%j 1M\n");
	put(LIB "cam.service", EXEC);
	put(ETC "service.d/a.conf", "[X-Dmem]\n");
	/* In no order of their own. */
	put(LIB "z2.service", EXEC "[X-Dmem]\nDeviceMemoryMax=cma/z 1M\n");
	put(LIB "z1.service", EXEC "[X-Dmem]\nDeviceMemoryMax=cma/z 1M\n");
	put(LIB "z3.service", EXEC "[X-Dmem]\nDeviceMemoryMax=cma/z 1M\n");
	/* Cgroups below a unit belong to the unit. */
	put(CG "system.slice/box.service/payload/dmem.current", CAMERA " 0\n");
	put(CG "system.slice/box.service/payload/dmem.max", CAMERA " 1048576\n");
	prints("show -rn -o UNIT,REGION,MAX,SECTION",
	       "media.slice " CAMERA " 30M max=30M\n"
	       "system.slice " CAMERA " max -\n/system.slice/box.service/payload " CAMERA
	       " 1M -\ncamera.service " CAMERA " 24M max=24M\n"
	       "eye@left.service cma/eye - low=1M\neye@.service cma/eye - low=1M\n"
	       "stopped.service " DISPLAY
	       " - max=1M\nz1.service cma/z - max=1M\nz2.service cma/z - max=1M\n"
	       "z3.service cma/z - max=1M\n");
	json("show -J", ".units | length == 10", "in JSON");
}

static void in_json(void)
{
	board(&t);
	put(LIB "stopped.service", EXEC "[X-Dmem]\nDeviceMemoryMax=" DISPLAY " 1M\n");
	json("show -J -o UNIT,CGROUP,REGION,CHARGED,PEAK,MIN,LOW,MAX,LIMIT,REFUSED,SECTION camera",
	     ".units == [{unit: \"camera.service\", cgroup: \"/system.slice/camera.service\", "
	     "region: \"" CAMERA "\", "
	     "charged: 8388608, peak: 9437184, min: 0, low: 0, max: 25165824, limit: 25165824, "
	     "refused: 0, "
	     "section: {max: 25165824}}]",
	     "all columns");
	json("show -J -o CGROUP,MAX,LIMIT,CHARGED stopped",
	     ".units == [{cgroup: null, max: null, limit: null, "
	     "charged: null}]",
	     "what is unknown is null");
	json("show -Jb -o MAX,LIMIT other", "[.units[] | .max, .limit] == [\"max\", 41943040, \"max\", 50331648, \"max\", 1048576000]",
	     "no limit is a word, and not unknown");
	unlink(tap_path(SERVICE "dmem.peak"));
	json("show -J camera", ".units[0].peak == null", "an older kernel");
	put(SERVICE "dmem.current", CAMERA " 0\n");
	json("show -J camera", ".units[0].charged == 0", "zero");
	put(LIB "camera.service", EXEC "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 24M\nDeviceMemoryMin=" CAMERA " 12.5%%\n"
	    "DeviceMemoryMax=" DISPLAY " max\n");
	json("show -J -o SECTION camera other", "[.units[].section] == [{max: 25165824, min: \"12.5%\"}, "
	     "{max: \"max\"}, null, null, null]", "a section is an object of bytes, percentages and \"max\"");
	/* Nothing uses or limits anything. */
	board(&t);
	put(LIB "camera.service", EXEC);
	put(LIB "media.slice", "%s", "");
	unlink(tap_path(CG "system.slice/camera.service/dmem.current"));
	for (int i = 0; i < 3; i++) {
		static const char *const dirs[] = { "system.slice/camera.service", "system.slice",
						    "media.slice" };
		static const char *const files[] = { "current", "peak",	  "max", "min",
						     "low",	"events", "stat" };
		char path[300];

		for (size_t k = 0; k < sizeof(files) / sizeof(*files); k++) {
			snprintf(path, sizeof(path), CG "%s/dmem.%s", dirs[i], files[k]);
			unlink(tap_path(path));
		}
	}
	json("show -J", ".units == []", "no line at all");
	json("show -J -o UNIT,MAX,LIMIT camera",
	     "all(.units[]; .max == null and .unit == \"camera.service\")",
	     "not enabled for the unit");
}

static void half_a_machine(void)
{
	struct fake f;

	tap_dir(t.dir);
	expect(&t, "show", 1, NULL, "root: No such file or directory");
	mkdir(tap_path("root"), 0755);
	expect(&t, "show", 1, NULL, "no cgroup v2 tree");
	fake_start(&f, FAKE_OURS);
	expect(&t, "show", 1, NULL, "the dmem controller has no region");
	for (int k = FAKE_6_14; k <= FAKE_OURS; k++) {
		static const struct fake_use use = { "drm/0/vram", .current = 1 * MIB,
						     .max = 2 * MIB };

		tap_case("kernel %d", k);
		tap_dir(t.dir);
		fake_start(&f, (enum fake_kernel)k);
		fake_region(&f, "drm/0/vram", 512 * MIB);
		fake_cgroup(&f, "", NULL, 0);
		fake_cgroup(&f, "user.slice", &use, 1);
		prints("show -rn -o UNIT,CHARGED,PEAK,MAX",
		       k < FAKE_7_3 ? "user.slice 1M - 2M\n" : "user.slice 1M 1M 2M\n");
	}
}

static void apply_wrong(const char *args, const char *err)
{
	expect_refused(&t, args, err);
}

static void applied(void)
{
	board(&t);
	put(LIB "camera.service", EXEC "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 1M\n"
	    "DeviceMemoryMax=dma_heap/camera@64000000 20M\nDeviceMemoryMin=" CAMERA " 25%%\n");
	put(SERVICE "dmem.low", CAMERA " 4096\n");
	put(SERVICE "dmem.current", "%s", "");
	expect(&t, "apply cam media.slice", 0, NULL, NULL);
	check(strstr(get(SERVICE "dmem.max"), CAMERA " 20971520\n") != NULL, "the last one counts",
	      "%s", get(SERVICE "dmem.max"));
	check(strstr(get(SERVICE "dmem.min"), CAMERA " 10485760\n") != NULL, "a percentage", "%s",
	      get(SERVICE "dmem.min"));
	check_text(get(SERVICE "dmem.low"), CAMERA " 4096\n", "what no file has stays");
	put(CG "media.slice/dmem.max", CAMERA " max\n");
	expect(&t, "apply nothing media.slice", 1, NULL, "nothing: no unit nothing.service");
	check_text(get(CG "media.slice/dmem.max"), CAMERA " 31457280\n", "the others are applied");

	board(&t);
	apply_wrong("apply /system.slice/camera.service", "a cgroup has no unit files");
	apply_wrong("apply stopped", "stopped.service: not running");
	apply_wrong("apply eye@", "eye@.service: not running");
	apply_wrong("apply masked", "masked.service: the unit is masked");
	apply_wrong("apply other", "other.service: no file of it has a section");
	put(LIB "camera.service", EXEC "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 20M\nDeviceMemoryMax="
									   "x lots\n");
	apply_wrong("apply camera",
		    "camera.service: /usr/lib/systemd/system/camera.service:5: mistake in the section");
	put(LIB "media.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 20M\nDeviceMemoryMax=%%n "
								   "1M\n");
	apply_wrong("apply media.slice", "media.slice: invalid region name '%n'");
	put(LIB "camera.service", EXEC "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 20M\nDeviceMemoryMax="
									   "cma/none 1M\n");
	apply_wrong("apply camera", "cma/none: no such region");
	put(LIB "camera.service", EXEC "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 20M\nDeviceMemoryMin"
									   "=" CAMERA " 1M\n");
	setenv("FAKE_CG", "dmem.min:5", 1);
	apply_wrong("apply camera", CAMERA "=1M: the limit cannot be written");
	setenv("FAKE_CG", "dmem.max:30", 1);
	apply_wrong("apply camera", "the cgroup tree is read-only");
	unsetenv("FAKE_CG");
	expect(&t, "apply", 2, NULL, "missing unit: name one or more");
	expect(&t, "apply -x", 2, NULL, "unknown option: -x");
	expect(&t, "apply --help", 0, "Usage: dmemctl apply", NULL);
}

/* A full device is an error for all outputs. */
static void full(const char *args)
{
	static const char *const before[] = { "/bin/sh", "-c", "exec \"$@\" >/dev/full", "sh",
					      NULL };

	memcpy(t.before, before, sizeof(before));
	expect(&t, args, 1, NULL, "cannot write: No space left on device");
	memset(t.before, 0, sizeof(t.before));
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	t = (struct tool){ .program = argv[1], .jq = argv[2], .dir = argv[3] };
	tap_start();
	RUN(named);
	RUN(without_name);
	RUN(in_json);
	RUN(half_a_machine);
	RUN(applied);
	board(&t);
	RUN(full, "show");
	RUN(full, "show --help");
	RUN(full, "set stopped --max=" CAMERA "=1M");
	RUN(full, "doctor");
	RUN(full, "doctor -J");
	RUN(full, "--help");
	return tap_end();
}
