// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Wrappers to link with dmemctl for tests on a tree of plain files, besides tests/lib/fakecg.c and
 * with --wrap:
 *
 * FAKE_BUS: asks systemd also for units of the tree.
 * FAKE_ROOT: sets limits in this tree, without --sysroot.
 * FAKE_OWN: the content of /proc/self/cgroup.
 * FAKE_HURRY: the clock runs a hundred times as fast.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dmemctl/change.h"
#include "dmemctl/manager.h"

int __real_manager_open(struct ctl *c, struct manager *m);
int __wrap_manager_open(struct ctl *c, struct manager *m);
int __real_change_open(struct ctl *c, struct dmem_arena *a, struct change *ch);
int __wrap_change_open(struct ctl *c, struct dmem_arena *a, struct change *ch);
char *__real_dmem_first_line(struct dmem_arena *a, int dir, const char *name);
char *__wrap_dmem_first_line(struct dmem_arena *a, int dir, const char *name);

int __wrap_manager_open(struct ctl *c, struct manager *m)
{
	struct ctl here = *c;

	if (getenv("FAKE_BUS"))
		here.sysroot = NULL;
	return __real_manager_open(&here, m);
}

int __wrap_change_open(struct ctl *c, struct dmem_arena *a, struct change *ch)
{
	struct ctl there = *c;

	if (getenv("FAKE_ROOT"))
		there.sysroot = getenv("FAKE_ROOT");
	return __real_change_open(&there, a, ch);
}

char *__wrap_dmem_first_line(struct dmem_arena *a, int dir, const char *name)
{
	if (getenv("FAKE_OWN") && !strcmp(name, "/proc/self/cgroup"))
		return dmem_strdup(a, getenv("FAKE_OWN"));
	return __real_dmem_first_line(a, dir, name);
}

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int ret = __real_clock_gettime(id, ts);

	if (!ret && getenv("FAKE_HURRY")) {
		ts->tv_sec = ts->tv_sec * 100 + ts->tv_nsec / 10000000;
		ts->tv_nsec = 0;
	}
	return ret;
}
