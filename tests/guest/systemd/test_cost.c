// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cost of a limit at a service's start. Measured only if guest time counts instructions: real
 * time depends on the load of the host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define STARTS	15
#define BUDGET	5000	/* microseconds */

enum { PLAIN, CONDITION, LIMITED, KINDS };

static const char * const units[KINDS] = {
	"t-plain.service", "t-condition.service", "t-capped.service",
};

FIXTURE(cost) {
	long long us[KINDS][STARTS];
};

FIXTURE_SETUP(cost)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	if (!strstr(text_of("/proc/cmdline"), "dmem.icount"))
		SKIP(return, "time is not a count of instructions here");
}

FIXTURE_TEARDOWN(cost)
{
	EXPECT_EQ(0, units_end());
}

/* Microseconds from leaving "inactive" until the unit is active. */
static long long one_start(const char *unit)
{
	long long begin, end;

	if (start(unit))
		return -1;
	begin = atoll(property(unit, "InactiveExitTimestampMonotonic"));
	end = atoll(property(unit, "ActiveEnterTimestampMonotonic"));
	return stop(unit) ? -1 : end - begin;
}

static int compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

static long long median(long long *us)
{
	qsort(us, STARTS, sizeof(*us), compare);
	return us[STARTS / 2];
}

TEST_F_TIMEOUT(cost, of_a_start, 250)
{
	long long m[KINDS];

	ASSERT_EQ(0, unit_write(units[PLAIN], SERVICE "Type=oneshot\nRemainAfterExit=yes\nExecStart=" PROBE "\n"));
	ASSERT_EQ(0, unit_write(units[CONDITION], SERVICE "Type=oneshot\nRemainAfterExit=yes\nExecStart=" PROBE "\n"
				"ExecCondition=+" PROBE "\n"));
	ASSERT_EQ(0, unit_write(units[LIMITED], SERVICE "Type=oneshot\nRemainAfterExit=yes\n"
				"ExecStart=" PROBE "\n"
				"[X-Dmem]\nDeviceMemoryMax=" CAMERA " 24M\n"
				"DeviceMemoryMin=" CAMERA " 16M\n"));
	ASSERT_EQ(0, reload());
	for (int k = 0; k < KINDS; k++)
		ASSERT_LT(0, one_start(units[k]));
	/* In turn, so that other activity affects all of them equally. */
	for (int i = 0; i < STARTS; i++) {
		for (int k = 0; k < KINDS; k++)
			self->us[k][i] = one_start(units[k]);
	}
	for (int k = 0; k < KINDS; k++)
		m[k] = median(self->us[k]);
	TH_LOG("a start takes %lld us; %lld us with a condition that does nothing; %lld us with two caps",
	       m[PLAIN], m[CONDITION], m[LIMITED]);
	ASSERT_LT(0, m[PLAIN]);
	EXPECT_LE(m[LIMITED] - m[CONDITION], BUDGET);
	/* Since 254, systemd executes commands with a program of its own, so that one more command
	 * costs more than that. */
	if (access("/usr/lib/systemd/systemd-executor", F_OK))
		EXPECT_LE(m[LIMITED] - m[PLAIN], BUDGET);
}

TEST_HARNESS_MAIN
