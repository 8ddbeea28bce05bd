// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl set on a machine of plain files.
 *
 * test_set DMEMCTL DMEMCTL-WITHOUT-SANITIZERS JQ DIRECTORY
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "units/units.h"
#include "killed.h"
#include "board.h"

#define DROPIN		CONTROL "camera.service.d/90-dmemctl.conf"
#define SLICE_DROPIN	CONTROL "media.slice.d/90-dmemctl.conf"
#define HEAD		"# Written by dmemctl set, which overwrites this file.\n[X-Dmem]\n"
#define SERVICE		CG "system.slice/camera.service/"

static struct tool t;

static void fails(const char *args, const char *err)
{
	expect_refused(&t, args, err);
}

/* The value of a region in a file of the camera's cgroup, zero-terminated. */
static char *line_of(const char *file, const char *region)
{
	static char line[300];
	char path[300], *p;

	snprintf(path, sizeof(path), SERVICE "%s", file);
	p = strstr(get(path), region);
	snprintf(line, sizeof(line), "%.*s", p ? (int)strcspn(p, "\n") : 0, p ? p : "");
	return line;
}

/* How many files there are in a directory of drop-ins. */
static int files_in(const char *dir)
{
	char path[300];
	struct dirent *de;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), CONTROL "%s", dir);
	d = opendir(tap_path(path));
	while (d && (de = readdir(d)))
		n += strcmp(de->d_name, ".") && strcmp(de->d_name, "..");
	if (d)
		closedir(d);
	return n;
}

static void good(void)
{
	char *shot;

	board(&t);
	expect(&t, "set camera --max=" CAMERA "=20M --min=" CAMERA "=16M --max " DISPLAY "=50%", 0,
	       NULL, "/system.slice above reserves only 0B");
	check_text(get(DROPIN),
		   HEAD "DeviceMemoryMax=" CAMERA " 20M\nDeviceMemoryMin=" CAMERA " 16M\n"
			"DeviceMemoryMax=" DISPLAY " 50%\n",
		   "the drop-in");
	check_text(line_of("dmem.max", CAMERA), CAMERA " 20971520", "max is in force");
	check_text(line_of("dmem.min", CAMERA), CAMERA " 16777216", "min is in force");
	check_text(line_of("dmem.max", DISPLAY), DISPLAY " 25165824", "a percentage is in force");
	check(files_in("camera.service.d") == 1, "no other file is left", "there is one");

	expect(&t, "set camera.service --max=" CAMERA "=21M --low=" CAMERA "=1M", 0, NULL, NULL);
	check_text(get(DROPIN),
		   HEAD "DeviceMemoryMin=" CAMERA " 16M\nDeviceMemoryMax=" DISPLAY " 50%\n"
			"DeviceMemoryMax=" CAMERA " 21M\nDeviceMemoryLow=" CAMERA " 1M\n",
		   "what was set before is kept, but for the same region");
	expect(&t, "set camera --max=dma_heap/display@60000000=max", 0, NULL, NULL);
	check_text(line_of("dmem.max", DISPLAY), DISPLAY " max", "by the heap's name");
	expect(&t, "set camera --max=" CAMERA "=10M --max=" CAMERA "=11M", 0, NULL, "the reservation (dmem.min) is 16M");
	check_text(line_of("dmem.max", CAMERA), CAMERA " 11534336", "the last of two counts");

	board(&t);
	umask(077);
	expect(&t, "set camera --runtime --max=" CAMERA "=20M", 0, NULL, NULL);
	umask(022);
	check_text(get(RUN_CONTROL "camera.service.d/91-dmemctl-runtime.conf"),
		   HEAD "DeviceMemoryMax=" CAMERA " 20M\n", "until the next boot");
	check(!is_there("root/etc/systemd/system.control"), "nothing lasts", "there is something");
	shot = snapshot();
	check(strstr(shot, "runtime.conf 100644") && strstr(shot, "system.control 40755") &&
	      strstr(shot, "camera.service.d 40755"), "everybody may read it", "umask 077 counts");
	free(shot);
	expect(&t, "set camera --max=" CAMERA "=19M", 1, NULL, "is read later");
	expect(&t, "set camera --runtime --revert", 0, NULL, NULL);
	check_text(line_of("dmem.max", CAMERA), CAMERA " 25165824", "its own section holds again");
}

static void units(void)
{
	board(&t);
	expect(&t, "set stopped --max=" CAMERA "=20M", 0, "stopped.service: not running", NULL);
	check_text(get(CONTROL "stopped.service.d/90-dmemctl.conf"),
		   HEAD "DeviceMemoryMax=" CAMERA " 20M\n", "it will have it");
	expect(&t, "set eye@left --max=" CAMERA "=20M", 0, NULL, NULL);
	check(is_there(CONTROL "eye@left.service.d/90-dmemctl.conf"), "an instance", "no drop-in");
	check(strstr(get(CG "system.slice/eye@left.service/dmem.max"), CAMERA " 20971520") != NULL,
	      "its cgroup", "%s", get(CG "system.slice/eye@left.service/dmem.max"));
	expect(&t, "set eye@ --max=" CAMERA "=21M", 0, "eye@.service: not running", NULL);
	check(is_there(CONTROL "eye@.service.d/90-dmemctl.conf"), "a template", "no drop-in");
	expect(&t, "set ear@.service --max=" CAMERA "=22M", 0, "eye@.service", NULL);
	check(!is_there(CONTROL "ear@.service.d"), "a template by its alias",
	      "drop-in of the alias");
	expect(&t, "set ear@left --max=" CAMERA "=23M", 0, NULL, NULL);
	check(strstr(get(CG "system.slice/eye@left.service/dmem.max"), CAMERA " 24117248") != NULL,
	      "an instance by its template's alias", "%s",
	      get(CG "system.slice/eye@left.service/dmem.max"));
	expect(&t, "set media.slice --max=" CAMERA "=31M", 0, NULL, NULL);
	check_text(get(CONTROL "media.slice.d/90-dmemctl.conf"),
		   HEAD "DeviceMemoryMax=" CAMERA " 31M\n", "a slice");
	expect(&t, "set new.slice --max=" CAMERA "=31M", 0, "new.slice: not running", NULL);
	expect(&t, "set cam --max=" CAMERA "=18M", 0, NULL, NULL);
	check_text(get(DROPIN), HEAD "DeviceMemoryMax=" CAMERA " 18M\n", "an alias");
	check(!is_there(CONTROL "cam.service.d"), "it has no drop-in of its own", "it has");

	board(&t);
	expect(&t, "set lone.scope --runtime --max=" CAMERA "=1M", 0, NULL, NULL);
	check(strstr(get(CG "system.slice/lone.scope/dmem.max"), CAMERA " 1048576") != NULL,
	      "a scope", "%s", get(CG "system.slice/lone.scope/dmem.max"));
	expect(&t, "set /sys/fs/cgroup/system.slice/other.service/ --max=" CAMERA "=2M", 0, NULL,
	       NULL);
	expect(&t, "set system.slice/box.service --max=" CAMERA "=3M", 0, NULL, NULL);
	check(!is_there("root/etc/systemd/system.control") && !is_there("root/run"),
	      "of a scope or cgroup, nothing is kept", "there is something");
	check(strstr(get(CG "system.slice/other.service/dmem.max"), CAMERA " 2097152") != NULL,
	      "a cgroup by its path", "%s", get(CG "system.slice/other.service/dmem.max"));

	/* Nothing used the controller. */
	put(CG "cgroup.subtree_control", "cpu\n");
	put(CG ".regions", "%s", get(CG "dmem.capacity"));
	unlink(tap_path(CG "dmem.capacity"));
	expect(&t, "set other --max=" CAMERA "=2M", 0, NULL, NULL);
	check_text(get(CG "cgroup.subtree_control"), "cpu dmem\n", "the controller is enabled");
}

/* After any error, the whole tree is as before. */
static void wrong(void)
{
	board(&t);
	fails("set camera --max=cma/none=1M", "cma/none: no such region: see lsdmem");
	fails("set camera --max=camera@64000000=20M", "camera@64000000: no such region: did you mean "
						      CAMERA "?");
	fails("set camera --max=" CAMERA "=1M --max=cma/none=1M", "no such region");
	fails("set camera --max=dma_heap/none=1M", "dma_heap/none: no such heap: see ls /dev/dma_heap");
	put("root/sys/class/dma_heap/odd/dmem_region", "\n");
	fails("set camera --max=dma_heap/odd=1M", "the heap has no region");
	fails("set nothing --max=" CAMERA "=1M", "nothing: no unit nothing.service");
	fails("set nothing@x --max=" CAMERA "=1M", "nothing@x: no unit nothing@x.service");
	fails("set nothing@ --max=" CAMERA "=1M", "nothing@: no unit nothing@.service");
	fails("set masked --max=" CAMERA "=1M", "masked.service: the unit is masked");
	fails("set a,b --max=" CAMERA "=1M", "a,b: no such cgroup");
	fails("set lone.scope --max=" CAMERA "=1M", "use --runtime");
	fails("set no.scope --runtime --max=" CAMERA "=1M", "no.scope: no cgroup: start the unit first");
	fails("set x.socket --max=" CAMERA "=1M", "x.socket: ");
	fails("set --max=" CAMERA "=1M -- -.slice", "-.slice: the root slice");
	fails("set / --max=" CAMERA "=1M", "the root cgroup cannot have limits");
	fails("set -n / --max=" CAMERA "=1M", "the root cgroup cannot have limits");
	fails("set /no --max=" CAMERA "=1M", "/no: no such cgroup");
	fails("set -n /no --max=" CAMERA "=1M", "/no: no such cgroup");
	fails("set ../../../etc/x --max=" CAMERA "=1M", "not the name of a cgroup");
	fails("set /system.slice/box.service/payload --max=" CAMERA "=1M", "delegated");
	fails("set /system.slice/other.service --revert", "no drop-in to revert");
	fails("set lone.scope --runtime --revert", "no drop-in to revert");
	fails("set camera --max=" CAMERA "=1M",
	      "more than the limit is in use: 8M is charged, the limit would be 1M: end the processes that "
	      "hold the memory, or set at least 8388608");
	fails("set -n camera --max=" CAMERA "=1M", "more than the limit is in use");
	put(LIB "camera.service", EXEC "RootImage=/x.raw\n");
	fails("set camera --max=" CAMERA "=20M", "camera.service:3: RootImage=");
	board(&t);
	put("root/usr/lib/systemd/system/camera.service.d/95-last.conf",
	    "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 10M\n");
	fails("set camera --max=" CAMERA "=20M",
	      CAMERA "=20M: another file of camera.service is read later and sets " CAMERA "=10M");
	fails("set -n camera --max=" CAMERA "=20M", "is read later");
	expect(&t, "set camera --max=" CAMERA "=10M", 0, NULL, NULL);
	put("root/usr/lib/systemd/system/camera.service.d/95-last.conf",
	    "[X-Dmem]\nDeviceMemoryMax=dma_heap/camera@64000000 12M\n");
	fails("set camera --max=" CAMERA "=20M", "and sets dma_heap/camera@64000000=12M");
	put("root/usr/lib/systemd/system/camera.service.d/95-last.conf", "[X-Dmem]"
									 "\nDeviceMemoryMax=\n");
	fails("set camera --max=" CAMERA "=20M", "and sets nothing");
}

static void failing(const char *what, const char *args, const char *err)
{
	setenv("FAKE_CG", what, 1);
	fails(args, err);
	unsetenv("FAKE_CG");
}

static void system_says_no(void)
{
	const char three[] =
		"set camera --max=" CAMERA "=20M --min=" CAMERA "=16M --low=" CAMERA "=1M";

	board(&t);
	failing("dmem.max:30", three, "the cgroup tree is read-only");
	failing("dmem.max:13", three, "no permission to write");
	failing("dmem.max:5", three, "the limit cannot be written");
	failing("dmem.max:0", three, "not applied: kernel older");
	failing("new:28", three,
		"/etc/systemd/system.control/camera.service.d/90-dmemctl.conf: "
		"No space left on device");
	/* The second of three: the lines of dmem.max change places, no more. */
	setenv("FAKE_CG", "dmem.min:5", 1);
	expect(&t, three, 1, NULL, CAMERA "=16M: the limit cannot be written");
	unsetenv("FAKE_CG");
	check_text(line_of("dmem.max", CAMERA), CAMERA " 25165824",
		   "if the second of three limits fails, the first is restored");
	check_text(line_of("dmem.low", CAMERA), CAMERA " 0",
		   "if the second of three limits fails, the third is not written");
	check(!is_there("root/etc/systemd/system.control"), "no drop-in, no directory",
	      "there is one");
	/* No line is the kernel's way to say that there was no limit. */
	tap_case("without a limit before");
	put(SERVICE "dmem.max", DISPLAY " max\n");
	setenv("FAKE_CG", "dmem.min:5", 1);
	expect(&t, three, 1, NULL, CAMERA "=16M: the limit cannot be written");
	unsetenv("FAKE_CG");
	check_text(line_of("dmem.max", CAMERA), CAMERA " max",
		   "a limit that was not there is removed again");
	/* And that nothing was reserved. */
	tap_case("%s", "");
	put(SERVICE "dmem.min", DISPLAY " 0\n");
	setenv("FAKE_CG", "dmem.low:5", 1);
	expect(&t, "set camera --min=" CAMERA "=16M --low=" CAMERA "=1M", 1, NULL, CAMERA "=1M: the limit cannot be written");
	unsetenv("FAKE_CG");
	check_text(line_of("dmem.min", CAMERA), CAMERA " 0",
		   "a reservation that was not there is removed again");
	put(SERVICE "dmem.low", DISPLAY " 0\n");
	setenv("FAKE_CG", "dmem.min:5", 1);
	expect(&t, "set camera --low=" CAMERA "=1M --min=" CAMERA "=16M", 1, NULL, CAMERA "=16M: the limit cannot be written");
	unsetenv("FAKE_CG");
	check_text(line_of("dmem.low", CAMERA), CAMERA " 0",
		   "a low limit that was not there is removed again");
	expect(&t, "set camera --max=" CAMERA "=22M", 0, NULL, NULL);
	setenv("FAKE_CG", "dmem.low:13", 1);
	expect(&t, three, 1, NULL, CAMERA "=1M: no permission");
	unsetenv("FAKE_CG");
	check_text(get(DROPIN), HEAD "DeviceMemoryMax=" CAMERA " 22M\n",
		   "the drop-in is the old one");
	check_text(line_of("dmem.max", CAMERA), CAMERA " 23068672", "the limit is the old one");
	check_text(line_of("dmem.min", CAMERA), CAMERA " 0", "the reservation is the old one");

	board(&t);
	put("root/etc/systemd/system.control", "a file");
	fails("set camera --max=" CAMERA "=20M", "/etc/systemd/system.control/camera.service.d: "
						 "Not a directory");
	fails("set -n camera --max=" CAMERA "=20M", "Not a directory");
	board(&t);
	tap_case("system.control is a link");
	link_to("root/etc/systemd/system.control", "/elsewhere");
	mkdir(tap_path("elsewhere"), 0755);
	fails("set camera --max=" CAMERA "=20M", "No such file or directory");
	mkdir(tap_path("root/elsewhere"), 0755);
	expect(&t, "set camera --max=" CAMERA "=20M", 0, NULL, NULL);
	check(is_there("root/elsewhere/camera.service.d/90-dmemctl.conf"),
	      "a link stays in the tree", "no");
	tap_case("%s", "");
	board(&t);
	link_to(DROPIN, "/etc/passwd");
	fails("set camera --max=" CAMERA "=20M", "90-dmemctl.conf: Too many levels of symbolic "
						 "links");
	board(&t);
	unlink(tap_path(CG "dmem.capacity"));
	unlink(tap_path(CG "dmem.current"));
	put(CG "cgroup.subtree_control", "cpu\n");
	put(CG "cgroup.controllers", "cpu\n");
	fails("set camera --max=" CAMERA "=20M", "the kernel has no dmem controller");
	put(CG "cgroup.controllers", "cpu dmem\n");
	fails("set -n camera --max=" CAMERA "=20M", "the dmem controller is not enabled in any cgroup");
	failing("cgroup.subtree_control:13", "set camera --max=" CAMERA "=20M", "no permission");
	put(CG "cgroup.subtree_control", "dmem\n");
	fails("set camera --max=" CAMERA "=20M", "neither dmem.capacity nor dmem.current exists");
	/* In a container. */
	put(CG "dmem.current", CAMERA " 0\n");
	fails("set camera --max=" CAMERA "=50%", "write the size in bytes");
	fails("set camera --max=" DISPLAY "=20M", "no such region");
	expect(&t, "set camera --max=" CAMERA "=20M", 0, NULL, NULL);
	check_text(line_of("dmem.max", CAMERA), CAMERA " 20971520", "bytes need no capacity");
}

static void edited(const char *text, const char *err)
{
	put(DROPIN, "%s", text);
	fails("set camera --max=" CAMERA "=20M", err);
	fails("set camera --revert", err);
}

static void by_hand(void)
{
	board(&t);
	edited("[X-Dmem]\nDeviceMemoryMax=" CAMERA " lots\n", "90-dmemctl.conf:2: 'lots' is not a "
							      "size");
	edited("[X-Dmem\nDeviceMemoryMax=" CAMERA " 1M\n", "the file has mistakes: correct or remove it first");
	edited("[X-Dmem]\nDeviceMemoryMax=" CAMERA " 9M\n[Service]\nNice=5\n",
	       "90-dmemctl.conf:4: line not written by dmemctl set");
	edited("[X-Dmem]\nDeviceMemoryMax=\n", "90-dmemctl.conf:2: line not written by dmemctl set");
	put(DROPIN, "# mine\n[X-Dmem]\nDeviceMemoryStrict=on\nDeviceMemoryMax='" DISPLAY "'  40M "
											 "\n");
	expect(&t, "set camera --max=" CAMERA "=20M", 0, NULL, NULL);
	check_text(get(DROPIN), HEAD "DeviceMemoryStrict=yes\nDeviceMemoryMax=" DISPLAY " 40M\n"
		   "DeviceMemoryMax=" CAMERA " 20M\n", "what somebody has added is kept");
	put(SLICE_DROPIN, "[X-Dmem]\nDeviceMemoryMinPropagate=on\nDeviceMemoryLow=" CAMERA " 1M\n");
	expect(&t, "set media.slice --max=" CAMERA "=20M", 0, NULL, NULL);
	check_text(get(SLICE_DROPIN), HEAD "DeviceMemoryMinPropagate=yes\nDeviceMemoryLow=" CAMERA " 1M\n"
		   "DeviceMemoryMax=" CAMERA " 20M\n", "the setting of a slice is kept");
	put(LIB "in.service", EXEC "Slice=media.slice\n[X-Dmem]\nDeviceMemoryMin=" CAMERA " 4M\n");
	fails("set media.slice --min=" CAMERA "=3M", CAMERA "=3M: the units in media.slice reserve " CAMERA "=4M, which "
	      "DeviceMemoryMinPropagate=yes makes its smallest reservation: set more, or lower theirs");
	expect(&t, "set media.slice --min=" CAMERA "=5M", 0, NULL, NULL);
	check_text(get(SLICE_DROPIN), HEAD "DeviceMemoryMinPropagate=yes\nDeviceMemoryLow=" CAMERA " 1M\n"
		   "DeviceMemoryMax=" CAMERA " 20M\nDeviceMemoryMin=" CAMERA " 5M\n", "more than the units in it");
}

/* A limit that has another effect than intended: it is set, with a warning that has both
 * numbers. */
static void warnings(void)
{
	board(&t);
	expect(&t, "set camera --max=" CAMERA "=500M", 0, NULL,
	       "warning: " CAMERA "=500M: the limit is 500M but the region has only 40M, so nothing is "
	       "refused");
	check_text(line_of("dmem.max", CAMERA), CAMERA " 524288000", "it is set all the same");
	expect(&t, "set stopped --max=" DISPLAY "=50331649", 0, "not running",
	       "the limit is 50331649 but the region has only 50331648");
	expect(&t, "set camera --max=" CAMERA "=30M --min=" CAMERA "=31M", 0, NULL,
	       "the reservation is 31M but the limit (dmem.max) is only 30M: lower it, or raise the limit");
	expect(&t, "set camera --min=" CAMERA "=41M", 0, NULL,
	       "the reservation is 41M but the region has only 40M");
	expect(&t, "set camera --max=" CAMERA "=20M", 0, NULL, "the reservation (dmem.min) is 41M");
	expect(&t, "set other --max=" CAMERA "=20M", 0, NULL, NULL);
	expect(&t, "set other --min=" CAMERA "=21M", 0, NULL, "the limit (dmem.max) is only 20M");
	expect(&t, "set other --min=" CAMERA "=4M", 0, NULL, "/system.slice above reserves only 0B");
	put(CG "system.slice/dmem.min", CAMERA " 16777216\n");
	expect(&t, "set other --min=dma_heap/camera@64000000=4M", 0, NULL, NULL);
	expect(&t, "set stopped --max=" CAMERA "=10M --min=" CAMERA "=9M", 0, "not running", NULL);
	expect(&t, "set stopped --min=" CAMERA "=11M", 0, "not running", "the limit (dmem.max) is only 10M");
	expect(&t, "set /system.slice/box.service --max=" CAMERA "=1G", 0, NULL, "warning: ");
	expect(&t, "set -n box --max=" CAMERA "=1G", 0, "nothing was changed", "warning: ");
	expect(&t, "set camera --min=" SYSTEM "=8M", 0, NULL, "dmemctl set: warning: " SYSTEM "=8M: the "
	       "reservation is 8M, but the kernel has no reservations for this region: set it to 0, and limit "
	       "the other cgroups\n");
	expect(&t, "set /media.slice --min=" SYSTEM "=8M", 0, NULL,
	       "the kernel has no reservations for this region");
	put(CG "dmem.capacity", CAMERA " 41943040\n" DISPLAY " 50331648\n" CAMERA " 41943040\n");
	expect(&t, "set camera --max=" CAMERA "=20M", 0, NULL, "the kernel has 2 regions of this name");
}

/* set accepts the cgroup in each remedy of doctor. */
static void proposed(void)
{
	board(&t);
	expect(&t, "set --runtime lone.scope --max=" CAMERA "=20M", 0, NULL, NULL);
	fake_bare_cgroup("system.slice/far.mount");
	put(CG "system.slice/far.mount/dmem.max", CAMERA " max\n");
	put(CG "system.slice/far.mount/cgroup.controllers", "dmem\n");
	expect(&t, "set /system.slice/far.mount --max=" CAMERA "=20M", 0, NULL, NULL);
}

static void reverting(void)
{
	char *before;

	board(&t);
	before = snapshot();
	expect(&t, "set camera --revert", 0, "camera.service: no limits were set", NULL);
	expect(&t, "set stopped --revert", 0, "stopped.service: no limits were set", NULL);
	same_tree(before, "where nothing was set, nothing changes");
	expect(&t,
	       "set camera --max=dma_heap/camera@64000000=30M --max=" DISPLAY "=1M --min=" CAMERA
	       "=4M",
	       0, NULL, "/system.slice above reserves only 0B");
	put(SERVICE "dmem.low", CAMERA " 4096\n");
	before = snapshot();
	expect(&t, "set camera --revert -n", 0, "nothing was changed", NULL);
	same_tree(before, "--dry-run changes nothing");
	expect(&t, "set camera --revert", 0, NULL, NULL);
	check_text(line_of("dmem.max", CAMERA), CAMERA " 25165824",
		   "the section's own limit, by its other name");
	check_text(line_of("dmem.max", DISPLAY), DISPLAY " max", "no limit");
	check_text(line_of("dmem.min", CAMERA), CAMERA " 0", "no reservation");
	check_text(line_of("dmem.low", CAMERA), CAMERA " 4096",
		   "what was not of the drop-in stays");
	check(!is_there(CONTROL "camera.service.d"), "its directory is gone", "it is there");
	expect(&t, "set stopped --max=" CAMERA "=1M", 0, "not running", NULL);
	put(CONTROL "stopped.service.d/.90-dmemctl.conf.new", "left by an earlier version");
	put(CONTROL "stopped.service.d/.90-dmemctl.conf.0123456789abcdef", "left by one that was killed");
	expect(&t, "set stopped --revert", 0, "the limits are removed", NULL);
	check(!is_there(CONTROL "stopped.service.d"), "with what was left there", "it is there");
	/* A region that is gone keeps nobody from reverting. */
	expect(&t, "set camera --max=" DISPLAY "=1M", 0, NULL, NULL);
	put(CG "dmem.capacity", CAMERA " 41943040\n");
	tap_case("the region is gone");
	expect(&t, "set camera --revert", 0, NULL, NULL);
	check(!is_there(DROPIN), "the drop-in is removed", "it is there");
	tap_case("%s", "");

	board(&t);
	expect(&t, "set camera --max=" CAMERA "=30M", 0, NULL, NULL);
	setenv("FAKE_CG", "dmem.max:5", 1);
	expect(&t, "set camera --revert", 1, NULL, "the limit cannot be written");
	unsetenv("FAKE_CG");
	check_text(get(DROPIN), HEAD "DeviceMemoryMax=" CAMERA " 30M\n",
		   "if it fails, all is as before");
}

static void dry(void)
{
	char *before;

	board(&t);
	before = snapshot();
	expect(&t, "set -n camera --max=" CAMERA "=20M", 0, "nothing was changed", NULL);
	expect(&t, "set stopped --max=" CAMERA "=20M --dry-run --runtime", 0, "nothing was changed",
	       NULL);
	expect(&t, "set --dry-run /system.slice/other.service --max=" CAMERA "=20M", 0,
	       "nothing was changed", NULL);
	same_tree(before, "--dry-run changes nothing");
	if (!geteuid())
		return;
	chmod(tap_path("root/etc/systemd"), 0555);
	fails("set -n camera --max=" CAMERA "=20M", "system.control/camera.service.d: Permission "
						    "denied");
	chmod(tap_path("root/etc/systemd"), 0755);
}

/* The result of the library's own parser for the drop-in. */
static void round_trip(const char *region)
{
	struct dmem_units u;
	struct dmem_unit_limits limits;
	char args[600];
	char *name;
	struct fake f;

	tap_case("%s", region);
	board(&t);
	fake_start(&f, FAKE_OURS);
	fake_region(&f, region, 40 * MIB);
	fake_cgroup(&f, "", NULL, 0);
	snprintf(args, sizeof(args), "set stopped --max=%s=20M", region);
	expect(&t, args, 0, "not running", NULL);
	if (dmem_units_load(&u, tap_path("root"), NULL, NULL, NULL) ||
	    dmem_units_limits_of(&u, "stopped.service", "/", &limits) || limits.n != 1) {
		check(false, "the region's name is read back", "%zu caps in %s", limits.n,
		      get(CONTROL "stopped.service.d/90-dmemctl.conf"));
	} else {
		name = dmem_expand(&u.arena, "stopped.service", limits.limit[0].region);
		check_text(name ? name : "(null)", region, "the region's name is read back");
	}
	dmem_units_free(&u);
}

static pid_t start(const char *args)
{
	pid_t pid = fork();

	if (!pid)
		_exit(tool(&t, args));
	return pid;
}

static int end(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Waits for another process at work there, and is not disturbed by its remains. */
static void one_after_the_other(void)
{
	char dir[4200];
	int lock, status;
	pid_t pid, other;

	board(&t);
	snprintf(dir, sizeof(dir), "%s", tap_path(CONTROL "camera.service.d"));
	put(DROPIN, HEAD "DeviceMemoryMax=" CAMERA " 20M\n");
	lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX)) {
		check(false, "the directory can be locked", "%s", strerror(errno));
		return;
	}
	pid = start("set camera --max=" DISPLAY "=1M");
	usleep(500000);
	check(!waitpid(pid, &status, WNOHANG), "it waits for the lock", "it did not");
	put(DROPIN, HEAD "DeviceMemoryMax=" CAMERA " 30M\n");
	flock(lock, LOCK_UN);
	close(lock);
	check(!end(pid), "the program continues when the lock is released", "%s", get("err"));
	check_text(get(DROPIN),
		   HEAD "DeviceMemoryMax=" CAMERA " 30M\nDeviceMemoryMax=" DISPLAY " 1M\n",
		   "limits that were written during the wait are kept");

	lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	flock(lock, LOCK_EX);
	pid = start("set camera --max=" DISPLAY "=2M");
	usleep(500000);
	unlink(tap_path(DROPIN));
	rmdir(dir);
	rmdir(tap_path("root/etc/systemd/system.control"));
	flock(lock, LOCK_UN);
	close(lock);
	check(!end(pid), "the program succeeds if the directory is removed during the wait", "%s",
	      get("err"));
	check_text(get(DROPIN), HEAD "DeviceMemoryMax=" DISPLAY " 2M\n",
		   "the directory is created again");

	for (int i = 0; i < 10; i++) {
		unlink(tap_path(DROPIN));
		rmdir(dir);
		pid = start("set camera --max=" CAMERA "=20M");
		other = start("set camera --max=" DISPLAY "=1M");
		status = end(pid) + end(other);
		if (status || !strstr(get(DROPIN), CAMERA " 20M\n") ||
		    !strstr(get(DROPIN), DISPLAY " 1M\n"))
			break;
		status = -1;
	}
	check(status == -1, "the limits of two simultaneous runs are both written", "%s: %s",
	      get("err"), get(DROPIN));
}

/* No file, or the former one. */
static void put_back(const char *old)
{
	const char *rm[] = { "/bin/rm", "-rf", tap_path(CONTROL "camera.service.d"), NULL };

	run(rm);
	rmdir(tap_path("root/etc/systemd/system.control"));
	if (*old)
		put(DROPIN, "%s", old);
}

/* Killed at any system call: the old text or the new one, and the next one goes well. */
static void killed(const char *plain, const char *old, const char *args, const char *new)
{
	char root[4200], copy[300], text[300], *save, why[700] = "";
	const char *argv[10] = { plain, "--sysroot", root };
	int calls, n, olds = 0, news = 0, argc = 3;

	snprintf(copy, sizeof(copy), "%s", args);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	tap_case("%s, %s", args, *old ? "over a drop-in" : "without a drop-in");
	board(&t);
	snprintf(root, sizeof(root), "%s", tap_path("root"));
	put_back(old);
	calls = run_until(argv, 100000);
	check_text(get(DROPIN), new, "the drop-in is written");
	for (n = 1; n <= calls && !*why; n++) {
		put_back(old);
		if (run_until(argv, n) != n) {
			snprintf(why, sizeof(why), "it was not killed");
			break;
		}
		snprintf(text, sizeof(text), "%s", get(DROPIN));
		if (strcmp(text, old) && strcmp(text, new))
			snprintf(why, sizeof(why), "there is: %s", text);
		olds += !strcmp(text, old);
		news += !strcmp(text, new);
		/* With something half written left there, or a directory. */
		if (run(argv) || strcmp(get(DROPIN), new) || files_in("camera.service.d") != !!*new)
			snprintf(why, sizeof(why), "the next one fails: %.500s", get(DROPIN));
	}
	check(!*why && olds && news,
	      "killed at any system call, it leaves the old or the new drop-in",
	      "call %d of %d: %s (%d old, %d new)", n, calls, why, olds, news);
	printf("# killed at %d system calls: %d times the old text, %d times the new\n",
	       olds + news, olds, news);
}

static void usage(void)
{
	static const struct { const char *args, *err; } wrong[] = {
		{ "set", "wrong number of arguments: name one unit or cgroup" },
		{ "set camera other --max=x=1M", "wrong number of arguments: name one unit or cgroup" },
		{ "set camera", "no limits: add" },
		{ "set camera --revert --max=x=1M", "--revert cannot be combined" },
		{ "set camera --max", "option needs a value: --max" },
		{ "set camera --max=x", "--max=x: write REGION=SIZE" },
		{ "set camera --max=x=", "invalid size" },
		{ "set camera --min==1M", "not the name of a cgroup or region" },
		{ "set camera --low=x=1X", "--low=x=1X: invalid size" },
		{ "set camera --max=x=101%", "invalid size" },
		{ "set camera --max=x=99999999999999999999", "invalid size" },
		{ "set camera --max=dma_heap/../x=1", "not the name of a cgroup or region" },
		{ "set camera --bogus", "unknown option: --bogus" },
		{ "set camera -xn", "unknown option: -x" },
		{ "set camera --m=x=1", "unknown option: --m=x=1" },
		{ "set camera --dry-run=x", "unknown option: --dry-run=x" },
		{ "set camera --unit=x", "unknown option: --unit=x" },
		{ "bogus", "unknown verb: bogus" },
		{ "", "missing verb" },
		{ "--bogus", "unknown option: --bogus" },
		{ "--sysroot", "option needs a value: --sysroot" },
	};
	char *before;

	board(&t);
	before = snapshot();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		expect(&t, wrong[i].args, 2, NULL, wrong[i].err);
	expect(&t, "set --help --bogus", 0, "Usage: dmemctl set", NULL);
	expect(&t, "--help", 0, "Usage: dmemctl", NULL);
	expect(&t, "--version", 0, "dmemctl 0.1\n", NULL);
	same_tree(before, "none of them changes anything");
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	t = (struct tool){ .program = argv[1], .jq = argv[3], .dir = argv[4] };
	tap_start();
	RUN(good);
	RUN(units);
	RUN(wrong);
	RUN(system_says_no);
	RUN(by_hand);
	RUN(reverting);
	RUN(dry);
	RUN(warnings);
	RUN(proposed);
	RUN(round_trip, "a%b%%n%");
	RUN(round_trip, "it's");
	RUN(round_trip, "\"quoted\"");
	RUN(round_trip, "back\\slash\\");
	RUN(round_trip, "\\x41'\"%i$x;#=y");
	RUN(round_trip, "#[X]");
	RUN(one_after_the_other);
	RUN(usage);
	RUN(killed, argv[2], "", "set camera --max=" CAMERA "=20M",
	       HEAD "DeviceMemoryMax=" CAMERA " 20M\n");
	RUN(killed, argv[2], HEAD "DeviceMemoryMax=" CAMERA " 30M\n",
	    "set camera --max=" CAMERA "=20M",
	       HEAD "DeviceMemoryMax=" CAMERA " 20M\n");
	RUN(killed, argv[2], HEAD "DeviceMemoryMax=" CAMERA " 30M\n", "set camera --revert", "");
	return tap_end();
}
