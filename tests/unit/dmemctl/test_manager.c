// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl set, show, apply and run with a simulated systemd.
 *
 * test_manager DMEMCTL FAKE-MANAGER DBUS-DAEMON JQ DIRECTORY
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board.h"
#include "bus.h"

#define DROPIN		CONTROL "camera.service.d/90-dmemctl.conf"
#define SERVICE		CG "system.slice/camera.service/"

static struct tool t;
static struct bus bus;

/* The machine of board(), and systemd on it. */
static void begin(const char *how)
{
	board(&t);
	setenv("FAKE_BUS", "1", 1);
	if (!bus_start(&bus, how)) {
		printf("Bail out! there is no bus\n");
		exit(2);
	}
}

static void end(void)
{
	bus_stop(&bus);
	unsetenv("FAKE_BUS");
}

static void called(const char *want, const char *name)
{
	check(strstr(get("calls"), want) != NULL, name, "%s", get("calls"));
}

static void fails(const char *args, const char *err)
{
	expect_refused(&t, args, err);
}

static void set_and_show(void)
{
	begin("");
	expect(&t, "set cam --max=" CAMERA "=20M", 0, NULL, NULL);
	check(strstr(get(DROPIN), CAMERA " 20M\n") != NULL, "the unit's own name", "%s",
	      get(DROPIN));
	check(strstr(get(SERVICE "dmem.max"), CAMERA " 20971520\n") != NULL, "its cgroup", "%s",
	      get(SERVICE "dmem.max"));
	called("LoadUnit cam.service\n", "systemd was asked");
	called("Reload \n", "systemd has read it");
	put("calls", "ready\n");
	expect(&t, "set -n camera --max=" CAMERA "=21M", 0, "nothing was changed", NULL);
	check(!strstr(get("calls"), "Reload"), "--dry-run reloads nothing", "%s", get("calls"));
	expect(&t, "set stopped --max=" CAMERA "=20M", 0, "stopped.service: not running", NULL);
	expect(&t, "set eye@ --max=" CAMERA "=20M", 0, "eye@.service: not running", NULL);
	expect(&t, "set lone.scope --runtime --max=" CAMERA "=20M", 0, NULL, NULL);
	fails("set nothing --max=" CAMERA "=20M", "nothing: no unit nothing.service");
	fails("set masked --max=" CAMERA "=20M", "masked.service: the unit is masked");
	fails("set lone.timer --max=" CAMERA "=20M", "only services and slices");
	fails("set --max=" CAMERA "=20M -- -.slice", "-.slice: the root slice");
	expect(&t, "show -rn -o UNIT,MAX cam", 0, "camera.service 20M\n", NULL);
	expect(&t, "show masked", 1, NULL, "masked.service: the unit is masked");
	expect(&t, "apply stopped", 1, NULL, "stopped.service: not running");
	expect(&t, "set camera --revert", 0, NULL, NULL);
	check(!is_there(DROPIN), "reverted", "it is there");
	expect(&t, "apply cam media.slice", 0, NULL, NULL);
	/* A service that never started names a region that is not there. */
	put(LIB "media.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 25M\nDeviceMemoryMinPropagate=yes\n");
	put(LIB "late.service", "[Service]\nSlice=media.slice\n[X-Dmem]\nDeviceMemoryMin=cma/none 4M\n");
	expect(&t, "apply media.slice", 0, NULL, "media.slice: the sum of the units in it, cma/none=4M: ");
	check(strstr(get(CG "media.slice/dmem.max"), CAMERA " 26214400\n"), "the slice's own limit is set", "%s",
	      get(CG "media.slice/dmem.max"));
	end();
}

static void reload_fails(void)
{
	begin("reload");
	fails("set camera --max=" CAMERA "=20M --min=" CAMERA "=1M",
	      "systemd: daemon-reload: Interactive authentication required.");
	check(!is_there("root/etc/systemd/system.control"), "no drop-in, no directory",
	      "there is one");
	put(DROPIN, "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 30M\n");
	put(SERVICE "dmem.max", CAMERA " 31457280\n");
	fails("set camera --max=" CAMERA "=20M", "daemon-reload");
	fails("set camera --revert", "daemon-reload");
	end();
}

/* Whatever happens to the unit meanwhile: the running unit has the new limit, or there is an error
 * and all files are as before. */
static void meanwhile(void)
{
	begin("restart");
	tap_case("a restart before the reload");
	expect(&t, "set camera --max=" CAMERA "=32M", 0, NULL, NULL);
	check(strstr(get(SERVICE "dmem.max"), CAMERA " 33554432\n") != NULL,
	      "the limit is set", "%s", get(SERVICE "dmem.max"));
	end();
	begin("condition");
	tap_case("a start before the reload sets its limit after dmemctl");
	expect(&t, "set camera --max=" CAMERA "=32M", 0, NULL, NULL);
	check(strstr(get(SERVICE "dmem.max"), CAMERA " 33554432\n") != NULL,
	      "the limit is set", "%s", get(SERVICE "dmem.max"));
	end();
	begin("start");
	tap_case("%s", "");
	fake_bare_cgroup("system.slice/stopped.service");
	put(CG "system.slice/stopped.service/dmem.max", CAMERA " max\n");
	put(CG "system.slice/stopped.service/dmem.min", CAMERA " 0\n");
	put(CG "system.slice/stopped.service/dmem.low", CAMERA " 0\n");
	put(CG "system.slice/stopped.service/dmem.current", CAMERA " 0\n");
	expect(&t, "set stopped --max=" CAMERA "=32M", 0, NULL, NULL);
	check_text(get(CG "system.slice/stopped.service/dmem.max"), CAMERA " 33554432\n",
		   "a unit that was started meanwhile");
	end();
	begin("stop");
	expect(&t, "set camera --max=" CAMERA "=32M", 0, "camera.service: not running", NULL);
	check(strstr(get(DROPIN), CAMERA " 32M\n") != NULL, "a unit that was stopped meanwhile", "%s",
	      get(DROPIN));
	end();
	begin("writer");
	expect(&t, "set camera --max=" CAMERA "=32M", 1, NULL,
	       "camera.service: " CAMERA "=32M: another program sets this limit at the same time");
	check(!is_there(DROPIN) && strstr(get(SERVICE "dmem.max"), CAMERA " 25165824\n") != NULL,
	      "and all is as before", "%s", get(SERVICE "dmem.max"));
	end();
}

static int count(const char *what)
{
	int n = 0;

	for (const char *p = get("calls"); (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* systemd may have read the file that is removed again. */
static void slow_reload(void)
{
	begin("timeout");
	fails("set camera --max=" CAMERA "=32M", "systemd: daemon-reload: ");
	check(count("Reload \n") == 2, "a reload that was not seen to end: another one follows", "%s",
	      get("calls"));
	check(!strstr(get("err"), "systemctl daemon-reload"), "which ends", "%s", get("err"));
	end();
	begin("timeouts");
	fails("set camera --max=" CAMERA "=32M", "systemd could not reload them: run systemctl daemon-reload");
	end();
	begin("");
	setenv("FAKE_CG", "dmem.max:5", 1);
	fails("set camera --max=" CAMERA "=32M", "the limit cannot be written");
	unsetenv("FAKE_CG");
	check(count("Reload \n") == 2, "after a failed write, systemd reads the file of before", "%s",
	      get("calls"));
	end();
	begin("reload");
	fails("set camera --max=" CAMERA "=32M", "Interactive authentication required.");
	check(count("Reload \n") == 1, "one that is refused is not repeated", "%s", get("calls"));
	end();
}

static void nobody_there(void)
{
	char *before;

	begin("none");
	fails("set camera --max=" CAMERA "=20M", "systemd: camera.service: The name "
						 "org.freedesktop.systemd1");
	expect(&t, "set /system.slice/other.service --max=" CAMERA "=20M", 0, NULL, NULL);
	bus_stop(&bus);
	before = snapshot();
	fails("set camera --max=" CAMERA "=20M", "cannot connect to systemd: ");
	expect(&t, "show camera", 1, NULL, "cannot connect to systemd: ");
	expect(&t, "apply camera", 1, NULL, "cannot connect to systemd: ");
	same_tree(before, "nothing has changed without a bus");
	expect(&t, "set /system.slice/other.service --max=" CAMERA "=21M", 0, NULL, NULL);
	expect(&t, "show -rn -o UNIT,MAX /system.slice/other.service", 0,
	       "system.slice/other.service 21M\n", NULL);
	expect(&t, "show -rn -o UNIT,MAX", 0, "camera.service 24M\n", NULL);
	end();
}

/* "run" is for this machine only: it is given a tree all the same. */
static int dmemctl_run(const char * const *more)
{
	const char *argv[24] = { t.program, "run" };
	int n = 2;

	while (*more)
		argv[n++] = *more++;
	return run(argv);
}

#define DMEMCTL_RUN(...)	dmemctl_run((const char * const []){ __VA_ARGS__, NULL })

static void begin_run(const char *how)
{
	begin(how);
	setenv("FAKE_ROOT", tap_path("root"), 1);
	setenv("FAKE_OWN", "0::/system.slice/lone.scope", 1);
}

static void runs(void)
{
	char max[4200], *before;
	int code;

	begin_run("");
	snprintf(max, sizeof(max), "cat '%s'; exit 7",
		 tap_path(CG "system.slice/lone.scope/dmem.max"));
	code = DMEMCTL_RUN("--max=" CAMERA "=9M", "--min=dma_heap/camera@64000000=1M",
		   "--low=" DISPLAY "=50%", "--unit=x", "--slice=media.slice", "--", "/bin/sh",
		   "-c", max);
	check(code == 7, "the command's exit code", "%d: %s", code, get("err"));
	check(strstr(get("out"), CAMERA " 9437184\n") != NULL, "it has its limits when it starts",
	      "%s", get("out"));
	check(strstr(get(CG "system.slice/lone.scope/dmem.min"), CAMERA " 1048576\n") &&
		      strstr(get(CG "system.slice/lone.scope/dmem.low"), DISPLAY " 25165824\n"),
	      "all of them", "no");
	called("StartTransientUnit x.scope\n", "the scope's name");
	called("Slice=media.slice\n", "its slice");
	called("PIDs au\n", "its process");
	called("Description=dmemctl run /bin/sh\n", "its description");
	called("CollectMode=inactive-or-failed\n", "it does not stay");
	code = DMEMCTL_RUN("--max=" CAMERA "=9M", "sh", "-c", "kill -9 $$");
	check(code == -9, "killed by a signal", "%d: %s", code, get("err"));
	called("StartTransientUnit dmem-run-", "a name of its own");
	code = DMEMCTL_RUN("--max=" CAMERA "=9M", "echo", "--max", "--help");
	check(!code, "what follows the command is its own", "%d", code);
	check_text(get("out"), "--max --help\n", "all of it");
	code = DMEMCTL_RUN("--max=" CAMERA "=9M", "/no/such\xff");
	check(code == 127 && strstr(get("err"), "No such file"), "a missing command has status 127",
	      "%d: %s", code,
	      get("err"));
	called("Description=dmemctl run /no/such\\xff\n", "a name that is no UTF-8");
	code = DMEMCTL_RUN("--max=" CAMERA "=9M", "/etc");
	check(code == 126 && strstr(get("err"), "Permission denied"),
	      "a command that cannot be executed has status 126", "%d: %s", code,
	      get("err"));

	put("calls", "ready\n");
	before = snapshot();
	check(DMEMCTL_RUN("true") == 125 && strstr(get("err"), "no limits: add"),
	      "a run without a limit is refused", "%s",
	      get("err"));
	check(DMEMCTL_RUN("--max=" CAMERA "=9M") == 125 && strstr(get("err"), "missing command"),
	      "a run without a command is refused", "%s", get("err"));
	check(DMEMCTL_RUN("--max", CAMERA, "true") == 125, "no size", "%s", get("err"));
	check(DMEMCTL_RUN("--bogus", "true") == 125 && strstr(get("err"), "unknown option: --bogus"), "no option", "%s",
	      get("err"));
	check(DMEMCTL_RUN("--runtime", "true") == 125, "an option of another verb", "%s",
	      get("err"));
	check(DMEMCTL_RUN("--max=cma/none=9M", "true") == 125 && strstr(get("err"), "no such region"),
	      "no region", "%s", get("err"));
	check(DMEMCTL_RUN("--max=" CAMERA "=9M", "--unit=a,b", "true") == 125 &&
		      strstr(get("err"), "--unit=a,b"),
	      "a wrong name", "%s", get("err"));
	check(DMEMCTL_RUN("--max=" CAMERA "=9M", "--unit=a.service", "true") == 125 &&
		      strstr(get("err"), "--unit=a.service"),
	      "a name of another type", "%s", get("err"));
	check(DMEMCTL_RUN("--max=" CAMERA "=9M", "--slice=media", "true") == 125 &&
		      strstr(get("err"), "--slice=media"),
	      "a wrong slice", "%s", get("err"));
	expect(&t, "run --max=x=1M true", 125, NULL, "--sysroot cannot be combined with run");
	check(!strstr(get("calls"), "Start"), "then, there is no scope", "%s", get("calls"));
	same_tree(before, "and nothing has changed");
	check(!DMEMCTL_RUN("--help") && strstr(get("out"), "Usage: dmemctl run") == get("out"),
	      "--help",
	      "%s", get("out"));

	setenv("FAKE_CG", "dmem.max:13", 1);
	code = DMEMCTL_RUN("--max=" CAMERA "=9M", "echo", "x");
	check(code == 125 && !*get("out") && strstr(get("err"), "no permission"),
	      "without its limits it does not start", "%d: %s", code, get("err"));
	unsetenv("FAKE_CG");
	setenv("FAKE_OWN", "1:name=x:/", 1);
	code = DMEMCTL_RUN("--max=" CAMERA "=9M", "echo", "x");
	check(code == 125 && !*get("out") && strstr(get("err"), "no cgroup v2 tree"),
	      "nor without a cgroup", "%d: %s", code, get("err"));
	end();
}

static void no_scope(const char *how, const char *err, const char *name)
{
	char *before, title[100];
	int code;

	begin_run(how);
	before = snapshot();
	code = run((const char *[]){ "/usr/bin/timeout", "20", t.program, "run",
				     "--max=" CAMERA "=9M", "--unit=y", "echo", "x", NULL });
	check(code == 125 && !*get("out") && strstr(get("err"), err), name, "%d: %s", code,
	      get("err"));
	snprintf(title, sizeof(title), "%s: no file is changed", name);
	same_tree(before, title);
	end();
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	t = (struct tool){ .program = argv[1], .jq = argv[4], .dir = argv[5] };
	bus = (struct bus){ .manager = argv[2], .daemon = argv[3] };
	tap_start();
	RUN(set_and_show);
	RUN(reload_fails);
	RUN(meanwhile);
	RUN(slow_reload);
	RUN(nobody_there);
	RUN(runs);
	RUN(no_scope, "scope", "systemd: y.scope: Unit is already loaded.", "the scope is refused");
	RUN(no_scope, "job", "systemd: y.scope: the scope could not be started: failed",
	    "the job fails");
	RUN(no_scope, "none", "systemd: ", "no systemd");
	setenv("FAKE_HURRY", "1", 1);
	RUN(no_scope, "hang", "systemd: y.scope: Connection timed out", "the job hangs");
	unsetenv("FAKE_HURRY");
	RUN(no_scope, "vanish", "systemd disconnected", "it goes away meanwhile");
	unsetenv("FAKE_ROOT");
	unsetenv("FAKE_OWN");
	return tap_end();
}
