// SPDX-License-Identifier: GPL-2.0-or-later
/* runc: linux.resources.unified of config.json is all that it takes. */
#include <stdio.h>
#include <string.h>

#include "kselftest_harness.h"

#include "container.h"
#include "dmem_util.h"
#include "unit.h"

#define PARENT		CGROUPS "/containers"
#define FITS		CAMERA_HEAP "=8 0\n"
#define REFUSED		CAMERA_HEAP "=9 12\n"
#define TELLS		"cgroup /\nmax " CAMERA " 8388608\n"
#define GREEDY		"\"caps\", \"" CAMERA_HEAP "=9\", \"" CAMERA_HEAP "=8\", \"hold\""
#define MODEST		"\"" CAMERA_HEAP "=4\", \"hold\""

FIXTURE(runc) {
	int unused;
};

FIXTURE_SETUP(runc)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(runc)
{
	shell_out("runc delete --force camera; runc delete --force player");
	EXPECT_EQ(0, containers_end());
	EXPECT_TRUE(wait_gone(PARENT "/camera", 10));
	EXPECT_TRUE(wait_gone(PARENT "/player", 10));
	rmdir(PARENT);
}

static int run_detached(const char *id)
{
	return shell_out("runc run --detach --bundle %s %s", bundle_path(id), id);
}

/* Each container has its own cap, and only the one that reaches it is refused. */
TEST_F_TIMEOUT(runc, one_cap, 120)
{
	char cg[200];

	ASSERT_EQ(0, bundle_write("camera", WORDS, GREEDY, NULL));
	ASSERT_EQ(0, bundle_write("player", WORDS, MODEST, "/containers/camera",
				  "/containers/player", NULL));
	ASSERT_EQ(0, run_detached("camera")) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(FITS, 20)) TH_LOG("%s", out());
	EXPECT_STREQ(TELLS REFUSED FITS, out());
	out_clear();
	ASSERT_EQ(0, run_detached("player")) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(CAMERA_HEAP "=4 0\n", 20)) TH_LOG("%s", out());

	snprintf(cg, sizeof(cg), "%s", cgroup_of_pid(first_pid(PARENT "/camera")));
	ASSERT_STREQ(PARENT "/camera", cg);
	EXPECT_EQ(8 * MIB, dmem_read(cg, "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, dmem_current(cg, CAMERA));
	EXPECT_EQ(1, refused(cg, CAMERA));
	EXPECT_EQ(0, refused(PARENT, CAMERA));
	snprintf(cg, sizeof(cg), "%s", cgroup_of_pid(first_pid(PARENT "/player")));
	ASSERT_STREQ(PARENT "/player", cg);
	EXPECT_EQ(8 * MIB, dmem_read(cg, "dmem.max", CAMERA));
	EXPECT_EQ(4 * MIB, dmem_current(cg, CAMERA));
	EXPECT_EQ(0, refused(cg, CAMERA));
}

TEST_HARNESS_MAIN
