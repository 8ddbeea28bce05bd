// SPDX-License-Identifier: GPL-2.0-or-later
/* spank_dmem.so with Slurm. */
#include <stdio.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

TEST(plugin)
{
	EXPECT_EQ(0, run("slurmd", "-V", NULL)) TH_LOG("%s", output());
	EXPECT_STREQ("slurm-wlm 24.11.5\n", output());
}

TEST_HARNESS_MAIN
