// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The message of each verb on a machine without cgroup v2, without the controller, with a
 * controller that is not in use, and without a region: one message, and exit status 1.
 *
 * test_states DMEMCTL LSDMEM DIRECTORY
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmem/dmem.h"
#include "board.h"

static struct tool ctl, lsdmem;

static void no_cgroup2(void)
{
	tap_dir(ctl.dir);
	mkdir(tap_path("root"), 0755);
	put(LIB "camera.service", EXEC);
}

static void no_controller(void)
{
	board(&ctl);
	put(CG "cgroup.controllers", "cpu memory\n");
	put(CG "cgroup.subtree_control", "cpu memory\n");
	unlink(tap_path(CG "dmem.capacity"));
	unlink(tap_path(CG "dmem.current"));
}

/* The heaps have names of regions all the same. */
static void not_enabled(void)
{
	board(&ctl);
	put(CG "cgroup.subtree_control", "cpu memory\n");
	unlink(tap_path(CG "dmem.capacity"));
	unlink(tap_path(CG "dmem.current"));
}

static void no_region(void)
{
	struct fake f;

	tap_dir(ctl.dir);
	fake_start(&f, FAKE_OURS);
	fake_cgroup(&f, "", NULL, 0);
	fake_cgroup(&f, "system.slice", NULL, 0);
	fake_cgroup(&f, "system.slice/camera.service", NULL, 0);
	put(LIB "camera.service", EXEC);
	put("root/proc/cmdline", "quiet\n");
}

static const struct state {
	const char *name;
	void (*make)(void);
	enum dmem_status status;
	const char *doctor;
} states[] = {
	{ "no cgroup v2", no_cgroup2, DMEM_NO_CGROUP2, "no cgroup v2" },
	{ "no controller", no_controller, DMEM_NO_CONTROLLER, "no dmem controller" },
	{ "not enabled", not_enabled, DMEM_NOT_ENABLED, "not enabled" },
	{ "no region", no_region, DMEM_NO_REGIONS, "the dmem controller has no region" },
};

static const struct {
	struct tool *tool;
	const char *args;
} verbs[] = {
	{ &lsdmem, "" }, { &lsdmem, "--tree" }, { &lsdmem, "-J" },
	{ &ctl, "show" }, { &ctl, "show camera" },
	{ &ctl, "watch --count=1" }, { &ctl, "watch --count=1 camera" },
	{ &ctl, "metrics" }, { &ctl, "record --count=1" }, { &ctl, "record --once --unit=camera.service" },
	{ &ctl, "set -n camera --max=" CAMERA "=1M" },
};

static void check_verb(const struct state *s, struct tool *tool_, const char *args)
{
	const char *text = dmem_status_text(s->status), *at;
	char name[200];
	int code = tool(tool_, args);

	snprintf(name, sizeof(name), "%s %s fails with one message",
		 tool_ == &ctl ? "dmemctl" : "lsdmem", args);
	at = strstr(get("err"), text);
	check(code == 1 && at && !strstr(at + 1, text), name, "exit code %d: %s", code, get("err"));
}

static void every_verb(const struct state *s)
{
	char *before;

	tap_case("%s", s->name);
	s->make();
	before = snapshot();
	for (size_t v = 0; v < sizeof(verbs) / sizeof(*verbs); v++)
		check_verb(s, verbs[v].tool, verbs[v].args);
	expect(&ctl, "doctor", 1, s->doctor, NULL);
	same_tree(before, "no file is changed");
}

/* set makes use of the controller. */
static void set_enables(void)
{
	not_enabled();
	put(CG ".regions", CAMERA " 41943040\n");
	expect(&ctl, "set camera --max=" CAMERA "=20M", 0, NULL, NULL);
	check_text(get(CG "cgroup.subtree_control"), "cpu memory dmem\n",
		   "set enables the controller");
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	ctl = (struct tool){ .program = argv[1], .dir = argv[3] };
	lsdmem = (struct tool){ .program = argv[2], .dir = argv[3] };
	tap_start();
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		RUN(every_verb, &states[i]);
	RUN(set_enables);
	return tap_end();
}
