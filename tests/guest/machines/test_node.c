// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The second machine of suite machines, the node n2, whose device tree has no display. test_jobs runs
 * on the first one, and does all that happens here by commands to remote.socket.
 */
#include <stdio.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "slurm.h"
#include "unit.h"

/* test_jobs makes it at its end. */
#define END		"/run/dmem-tests/end"
#define CURRENT		CGROUPS "/dmem.current"
/* More than test_jobs may take. */
#define SECONDS		2900

FIXTURE(node) {
	char before[4000];	/* the counters of all regions */
};

FIXTURE_SETUP(node)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	snprintf(self->before, sizeof(self->before), "%s", text_of(CURRENT));
	ASSERT_EQ(0, start("remote.socket")) TH_LOG("%s", output());
}

FIXTURE_TEARDOWN(node)
{
	EXPECT_EQ(0, units_end());
}

/* The region has no byte in use before the first job, and each counter is the same after the last one. */
TEST_F_TIMEOUT(node, serves, SECONDS)
{
	ASSERT_EQ(0, dmem_current(CGROUPS, CAMERA));
	while (access(END, F_OK))
		sleep_ms(POLL_MS);
	EXPECT_TRUE(is_active("slurmd.service"));
	EXPECT_STREQ(self->before, text_of(CURRENT));
}

TEST_HARNESS_MAIN
