// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits of services hold from the first instruction on, for all kinds of start. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define APPLY		"/usr/libexec/dmem-apply"
#define APPLY_ASIDE	APPLY ".aside"
#define DELAY		2

/* With a limit of 8M: one buffer fits, and one page more is refused. */
#define FITS		CAMERA_HEAP "=8 0\n"
#define REFUSED		CAMERA_HEAP "=9 12\n"
#define LIMIT_8M	"[X-Dmem]\nDeviceMemoryMax=" CAMERA " 8M\n"

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
	if (!access(APPLY_ASIDE, F_OK))
		rename(APPLY_ASIDE, APPLY);
}

/* The first example of the documentation, verbatim. */
TEST_F(service, example)
{
	ASSERT_EQ(0, unit_write("camera.service", SERVICE "Type=notify\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=24 " CAMERA_HEAP "=1 caps ready hold\n"));
	ASSERT_EQ(0, unit_write("camera.service.d/50-dmem.conf",
				"[Service]\n"
				"Slice=media.slice\n"
				"\n"
				"[X-Dmem]\n"
				"DeviceMemoryMax=cma/camera@64000000 24M\n"
				"DeviceMemoryMin=cma/camera@64000000 16M\n"));
	ASSERT_EQ(0, unit_write("media.slice",
				"[X-Dmem]\n"
				"DeviceMemoryMin=cma/camera@64000000 16M\n"
				"DeviceMemoryMax=cma/linux,cma 50%%\n"
				"DeviceMemoryMax=heap/system 256M\n"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("camera.service")) TH_LOG("%s", output());
	EXPECT_EQ(24 * MIB, limit_of("camera.service", "dmem.max", CAMERA));
	EXPECT_EQ(16 * MIB, limit_of("camera.service", "dmem.min", CAMERA));
	EXPECT_EQ(16 * MIB, limit_of("media.slice", "dmem.min", CAMERA));
	EXPECT_EQ(32 * MIB, limit_of("media.slice", "dmem.max", DEFAULT));
	EXPECT_EQ(256 * MIB, limit_of("media.slice", "dmem.max", SYSTEM));
	EXPECT_STREQ(CAMERA_HEAP "=24 0\n" CAMERA_HEAP "=1 12\n"
		     "cgroup /media.slice/camera.service\nmax " CAMERA " 25165824\n", out());
	/* An active slice would keep its reservation, and the next tests need the memory. */
	EXPECT_EQ(0, stop("media.slice"));
}

/* Both allocate more than allowed at once; our program is slow. */
TEST_F_TIMEOUT(service, nothing_runs_before_the_cap, 60)
{
	struct stat st;
	long long begin;

	ASSERT_EQ(0, unit_write("t-slow.service", SERVICE "Type=oneshot\n"
				"ExecStartPre=" PROBE " " CAMERA_HEAP "=9 " CAMERA_HEAP "=8\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=9 " CAMERA_HEAP "=8\n"
				LIMIT_8M));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, rename(APPLY, APPLY_ASIDE));
	ASSERT_EQ(0, unit_write(APPLY, "#!/bin/sh\nsleep %d\nexec " APPLY_ASIDE " \"$@\"\n", DELAY));
	ASSERT_EQ(0, chmod(APPLY, 0755));
	begin = now_ms();
	ASSERT_EQ(0, start("t-slow.service")) TH_LOG("%s", output());
	EXPECT_LE(DELAY * 1000, now_ms() - begin);
	EXPECT_STREQ(REFUSED FITS REFUSED FITS, out());
	ASSERT_EQ(0, stat(APPLY_ASIDE, &st));
}

/* systemd removes the cgroup and its limit at each stop. */
TEST_F_TIMEOUT(service, restarts, 60)
{
	ASSERT_EQ(0, unit_write("t-again.service", "[Unit]\nStartLimitIntervalSec=0\n"
				SERVICE "Type=notify\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=9 ready hold\n" LIMIT_8M));
	ASSERT_EQ(0, reload());
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, start("t-again.service"));
		EXPECT_EQ(8 * MIB, limit_of("t-again.service", "dmem.max", CAMERA));
		ASSERT_EQ(0, restart("t-again.service"));
		EXPECT_EQ(8 * MIB, limit_of("t-again.service", "dmem.max", CAMERA));
		ASSERT_EQ(0, stop("t-again.service"));
		EXPECT_STREQ("", cgroup_of("t-again.service"));
	}
	EXPECT_STREQ(REFUSED REFUSED REFUSED REFUSED REFUSED REFUSED, out());
}

FIXTURE(failure) {
	int unused;
};

FIXTURE_VARIANT(failure) {
	const char *how;
};

FIXTURE_VARIANT_ADD(failure, exits) { .how = "fail" };
FIXTURE_VARIANT_ADD(failure, crashes) { .how = "crash" };

FIXTURE_SETUP(failure)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(failure)
{
	EXPECT_EQ(0, units_end());
}

/* systemd restarts the service until its start limit is reached. */
TEST_F_TIMEOUT(failure, restarts_by_itself, 60)
{
	ASSERT_EQ(0, unit_write("t-fails.service",
				"[Unit]\nStartLimitBurst=5\nStartLimitIntervalSec=1h\n"
				SERVICE "Restart=on-failure\nRestartSec=1ms\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=9 " CAMERA_HEAP "=8 %s\n"
				LIMIT_8M, variant->how));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-fails.service"));
	ASSERT_TRUE(wait_property("t-fails.service", "ActiveState", "failed", 30));
	EXPECT_STREQ(REFUSED FITS REFUSED FITS REFUSED FITS REFUSED FITS REFUSED FITS, out());
}

/* The unit stays active without a process, and has its limit again after a restart. */
TEST_F(service, oneshot_that_remains)
{
	ASSERT_EQ(0, unit_write("t-once.service", SERVICE "Type=oneshot\nRemainAfterExit=yes\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=9\n" LIMIT_8M));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-once.service"));
	EXPECT_TRUE(is_active("t-once.service"));
	ASSERT_EQ(0, restart("t-once.service"));
	EXPECT_STREQ(REFUSED REFUSED, out());
}

/* All commands of a oneshot, and those of its stop. */
TEST_F(service, every_command)
{
	ASSERT_EQ(0, unit_write("t-all.service", SERVICE "Type=oneshot\nRemainAfterExit=yes\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=9\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=9\n"
				"ExecStartPost=" PROBE " " CAMERA_HEAP "=9\n" LIMIT_8M));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-all.service"));
	EXPECT_STREQ(REFUSED REFUSED REFUSED, out());
}

#define DEFAULT_UNIT	"t-inst@linux\\x2ccma.service"

/* A template's section with a specifier, and an instance with its own section. */
TEST_F(service, instances)
{
	ASSERT_EQ(0, unit_write("t-inst@.service", SERVICE "Type=notify\n"
				"ExecStart=" PROBE " caps ready hold\n"
				"[X-Dmem]\nDeviceMemoryMax=cma/%%I 8M\n"));
	ASSERT_EQ(0, unit_write(DEFAULT_UNIT ".d/more.conf",
				"[X-Dmem]\nDeviceMemoryMax=" CAMERA " 4M\n"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-inst@camera@64000000.service")) TH_LOG("%s", output());
	ASSERT_EQ(0, start("t-inst@display@60000000.service"));
	ASSERT_EQ(0, start(DEFAULT_UNIT));
	EXPECT_EQ(8 * MIB, limit_of("t-inst@camera@64000000.service", "dmem.max", CAMERA));
	EXPECT_EQ(DMEM_MAX, limit_of("t-inst@camera@64000000.service", "dmem.max", DISPLAY));
	EXPECT_EQ(8 * MIB, limit_of("t-inst@display@60000000.service", "dmem.max", DISPLAY));
	EXPECT_EQ(8 * MIB, limit_of(DEFAULT_UNIT, "dmem.max", DEFAULT));
	EXPECT_EQ(4 * MIB, limit_of(DEFAULT_UNIT, "dmem.max", CAMERA));
}

/* Prefix, unit, drop-ins in two directories: settings add up, and can be reset. */
TEST_F(service, levels)
{
	ASSERT_EQ(0, unit_write("t-.service.d/10-all.conf", "[X-Dmem]\n"
				"DeviceMemoryMax=" CAMERA " 8M\nDeviceMemoryMax=" DISPLAY " 25%%\n"
				"DeviceMemoryLow=dma_heap/linux,cma 2M\n"));
	ASSERT_EQ(0, unit_write("t-adds.service", SERVICE "Type=notify\n"
				"ExecStart=" PROBE " ready hold\n"));
	ASSERT_EQ(0, unit_write("/run/systemd/system/t-adds.service.d/50-dmem.conf",
				"[X-Dmem]\nDeviceMemoryMax=" CAMERA " 4M\n"));
	ASSERT_EQ(0, unit_write("t-resets.service", SERVICE "Type=notify\n"
				"ExecStart=" PROBE " ready hold\n"));
	ASSERT_EQ(0, unit_write("t-resets.service.d/50-dmem.conf",
				"[X-Dmem]\nDeviceMemoryMax=\nDeviceMemoryMax=" SYSTEM " 1G\n"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-adds.service"));
	ASSERT_EQ(0, start("t-resets.service"));
	EXPECT_EQ(4 * MIB, limit_of("t-adds.service", "dmem.max", CAMERA));
	EXPECT_EQ(12 * MIB, limit_of("t-adds.service", "dmem.max", DISPLAY));
	EXPECT_EQ(2 * MIB, limit_of("t-adds.service", "dmem.low", DEFAULT));
	EXPECT_EQ(DMEM_MAX, limit_of("t-resets.service", "dmem.max", CAMERA));
	EXPECT_EQ(DMEM_MAX, limit_of("t-resets.service", "dmem.max", DISPLAY));
	EXPECT_EQ(1024 * MIB, limit_of("t-resets.service", "dmem.max", SYSTEM));
	EXPECT_EQ(2 * MIB, limit_of("t-resets.service", "dmem.low", DEFAULT));
}

/* The controller is enabled for the unit and its ancestors, and not below. */
TEST_F(service, controller_only_above)
{
	char path[600];

	ASSERT_EQ(0, unit_write("t-leaf.service", SERVICE "Type=notify\n"
				"ExecStart=" PROBE " ready hold\n" LIMIT_8M));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-leaf.service"));
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", cgroup_of("t-leaf.service"));
	EXPECT_STREQ("", text_of(path));
	EXPECT_NE(NULL, strstr(text_of("/sys/fs/cgroup/system.slice/cgroup.subtree_control"), "dmem"));
}

TEST_HARNESS_MAIN
