// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmemctl doctor of a build without json-c: it cannot read the files of containers, and must not say that there
 * are no problems where containers can be.
 *
 * test_doctor_without_json DMEMCTL DIRECTORY
 */
#include <string.h>

#include "board.h"

static struct tool t;

static void base(const char *name)
{
	tap_case("%s", name);
	board(&t);
	put(CG "media.slice/dmem.max", CAMERA " 10485760\n");
	put(LIB "media.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 10M\n");
}

static void has_note(const char *args)
{
	int code = tool(&t, args);

	check(!code && !strcmp(get("out"), "note: containers: not checked, because this dmemctl was built without json-c: build "
			       "dmemctl with json-c\n"), "a note says so", "exit code %d: %s", code, get("out"));
}

static void places(void)
{
	int code;

	base("no runtime");
	code = tool(&t, "doctor");
	check(!code && strstr(get("out"), "no problems: ") == get("out"), "nothing is said", "exit code %d: %s", code,
	      get("out"));
	base("a runtime of root");
	put("root/run/crun/c1/status", "{}");
	has_note("doctor");
	base("a user");
	put("root/run/user/1000/x", "x");
	has_note("doctor");
	base("a named directory");
	has_note("doctor --runtime-root=/nowhere");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	t = (struct tool){ .program = argv[1], .dir = argv[2] };
	tap_start();
	RUN(places);
	return tap_end();
}
