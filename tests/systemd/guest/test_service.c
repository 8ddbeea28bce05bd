// SPDX-License-Identifier: GPL-2.0-or-later
/* Caps of services, from the first instruction on, however they start. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define SERVICE	"[Service]\nStandardOutput=append:" OUT "\n"

FIXTURE(service) {
	int unused;
};

FIXTURE_SETUP(service)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(service)
{
	EXPECT_EQ(0, units_end());
}

/* What the documentation begins with, to the letter. */
TEST_F(service, example)
{
	ASSERT_EQ(0, unit_write("camera.service", SERVICE "Type=notify\nNotifyAccess=all\n"
				"Slice=media.slice\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=24 " CAMERA_HEAP "=1 caps ready hold\n"));
	ASSERT_EQ(0, unit_write("camera.service.d/50-dmem.conf",
				"[X-Dmem]\n"
				"DeviceMemoryMax=cma/camera@64000000 24M\n"
				"DeviceMemoryMin=cma/camera@64000000 16M\n"));
	ASSERT_EQ(0, unit_write("media.slice",
				"[X-Dmem]\n"
				"DeviceMemoryMax=cma/linux,cma 50%%\n"
				"DeviceMemoryMax=heap/system 256M\n"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("camera.service")) TH_LOG("%s", output());
	EXPECT_EQ(24 * MIB, cap_of("camera.service", "dmem.max", CAMERA));
	EXPECT_EQ(16 * MIB, cap_of("camera.service", "dmem.min", CAMERA));
	EXPECT_EQ(32 * MIB, cap_of("media.slice", "dmem.max", DEFAULT));
	EXPECT_EQ(256 * MIB, cap_of("media.slice", "dmem.max", SYSTEM));
	EXPECT_STREQ(CAMERA_HEAP "=24 0\n" CAMERA_HEAP "=1 12\n"
		     "cgroup /media.slice/camera.service\nmax " CAMERA " 25165824\n", out());
}

TEST_HARNESS_MAIN
