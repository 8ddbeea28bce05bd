// SPDX-License-Identifier: GPL-2.0-or-later
/* The time at which a changed section takes effect, and a limit that cannot be set. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "program.h"
#include "unit.h"

#define HOLD		SERVICE "ExecStart=" PROBE " hold\n"
#define EDITOR		"/run/dmem-tests/editor"
#define EDITED		"edited.service.d/override.conf"

FIXTURE(change) {
	int unused;
};

FIXTURE_SETUP(change)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(change)
{
	/* systemctl wrote this file, so units_end() does not remove it. */
	unit_remove(EDITED);
	EXPECT_EQ(0, units_end());
}

TEST_F_TIMEOUT(change, next_start, 120)
{
	static const char section[] = "[X-Dmem]\nDeviceMemoryMax=" CAMERA " %dM\n";

	ASSERT_EQ(0, unit_write("changing.service", HOLD "Slice=changing.slice\n"));
	ASSERT_EQ(0, unit_write("changing.service.d/cap.conf", section, 8));
	ASSERT_EQ(0, unit_write("changing.slice", section, 16));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("changing.slice"));
	ASSERT_EQ(0, start("changing.service"));
	EXPECT_EQ(8 * MIB, limit_of("changing.service", "dmem.max", CAMERA));
	EXPECT_EQ(16 * MIB, limit_of("changing.slice", "dmem.max", CAMERA));

	ASSERT_EQ(0, unit_write("changing.service.d/cap.conf", section, 12));
	ASSERT_EQ(0, unit_write("changing.slice", section, 20));
	ASSERT_EQ(0, reload());
	EXPECT_EQ(8 * MIB, limit_of("changing.service", "dmem.max", CAMERA));
	EXPECT_EQ(16 * MIB, limit_of("changing.slice", "dmem.max", CAMERA));
	/* The slice does not stop, so it keeps its old limit. */
	ASSERT_EQ(0, restart("changing.service"));
	EXPECT_EQ(12 * MIB, limit_of("changing.service", "dmem.max", CAMERA));
	EXPECT_EQ(16 * MIB, limit_of("changing.slice", "dmem.max", CAMERA));
	ASSERT_EQ(0, start("dmem-slice@changing.service"));
	EXPECT_EQ(20 * MIB, limit_of("changing.slice", "dmem.max", CAMERA));

	/* Without a section, the service has no limit at once, the slice after its stop. */
	ASSERT_EQ(0, unit_remove("changing.service.d/cap.conf"));
	ASSERT_EQ(0, unit_remove("changing.slice"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, restart("changing.service"));
	EXPECT_EQ(20 * MIB, limit_of("changing.slice", "dmem.max", CAMERA));
	ASSERT_EQ(0, stop("changing.slice"));
	ASSERT_EQ(0, start("changing.service"));
	EXPECT_TRUE(has_no_limit("changing.slice", CAMERA));
	EXPECT_EQ(0, stop("changing.slice"));
}

#define RESERVES(size)	"[X-Dmem]\nDeviceMemoryMin=" CAMERA " " size "\n"
#define PROPAGATES	"[X-Dmem]\nDeviceMemoryMinPropagate=yes\n"

/* A slice reserves the sum of those in it, also for services that do not run yet. Neither a killed
 * service nor a second run of its setter adds to it, and the setter lowers it. */
TEST_F_TIMEOUT(change, propagate, 120)
{
	ASSERT_EQ(0, unit_write("tprop.slice", PROPAGATES));
	ASSERT_EQ(0, unit_write("tprop-in.slice", PROPAGATES));
	ASSERT_EQ(0, unit_write("t-one.service", "[Unit]\nStartLimitBurst=0\n" SERVICE "Slice=tprop.slice\nType=notify\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=8 ready hold\n" RESERVES("8M")));
	ASSERT_EQ(0, unit_write("t-two.service", SERVICE "ExecStart=" PROBE " hold\n" RESERVES("4M")));
	ASSERT_EQ(0, unit_write("t-two.service.d/slice.conf", "[Service]\nSlice=tprop.slice\n"));
	ASSERT_EQ(0, unit_write("t-three.service", SERVICE "Slice=tprop-in.slice\nType=notify\n"
				"ExecStart=" PROBE " ready hold\n" RESERVES("2M")));
	ASSERT_EQ(0, unit_write("t-greedy.service", SERVICE "Type=notify\nExecStart=" PROBE " %s=26 %s=1 ready hold\n",
				CAMERA_HEAP, CAMERA_HEAP));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("tprop.slice"));
	EXPECT_EQ(14 * MIB, limit_of("tprop.slice", "dmem.min", CAMERA));
	/* 26 of the 40 MiB are left for all others. */
	ASSERT_EQ(0, start("t-greedy.service"));
	EXPECT_STREQ(CAMERA_HEAP "=26 0\n" CAMERA_HEAP "=1 12\n", out());
	for (int i = 0; i < 2; i++) {
		out_clear();
		ASSERT_EQ(0, start("t-one.service")) TH_LOG("%s", output());
		EXPECT_STREQ(CAMERA_HEAP "=8 0\n", out());
		EXPECT_EQ(8 * MIB, dmem_nested(cgroup_of("t-one.service"), "dmem.stat", CAMERA, "reserved"));
		EXPECT_EQ(14 * MIB, limit_of("tprop.slice", "dmem.min", CAMERA));
		ASSERT_EQ(0, run("systemctl", "kill", "--signal=KILL", "t-one.service", NULL));
		ASSERT_TRUE(wait_property("t-one.service", "ActiveState", "failed", 20));
		ASSERT_EQ(0, reload());
		ASSERT_EQ(0, start("dmem-slice@tprop.service"));
		EXPECT_EQ(14 * MIB, limit_of("tprop.slice", "dmem.min", CAMERA));
	}
	ASSERT_EQ(0, start("t-three.service")) TH_LOG("%s", output());
	EXPECT_EQ(2 * MIB, limit_of("tprop-in.slice", "dmem.min", CAMERA));
	EXPECT_EQ(2 * MIB, dmem_nested(cgroup_of("t-three.service"), "dmem.stat", CAMERA, "reserved"));

	/* The files change, then the setter runs. */
	ASSERT_EQ(0, unit_remove("t-two.service"));
	ASSERT_EQ(0, unit_write("t-three.service", SERVICE "Slice=tprop-in.slice\nExecStart=" PROBE " hold\n" RESERVES("3M")));
	ASSERT_EQ(0, reload());
	EXPECT_EQ(14 * MIB, limit_of("tprop.slice", "dmem.min", CAMERA));
	ASSERT_EQ(0, start("dmem-slice@tprop.service"));
	EXPECT_EQ(11 * MIB, limit_of("tprop.slice", "dmem.min", CAMERA));
	ASSERT_EQ(0, unit_remove("t-one.service"));
	ASSERT_EQ(0, stop("t-three.service"));
	ASSERT_EQ(0, unit_remove("t-three.service"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("dmem-slice@tprop.service"));
	EXPECT_EQ(0, limit_of("tprop.slice", "dmem.min", CAMERA));
	run("systemctl", "reset-failed", NULL);
	ASSERT_EQ(0, stop("tprop.slice"));
}

/* systemctl edit needs a terminal and an editor. */
TEST_F_TIMEOUT(change, edit, 120)
{
	char *argv[] = { "systemctl", "edit", "edited.service", NULL };
	struct program p;

	ASSERT_EQ(0, unit_write("edited.service", HOLD));
	ASSERT_EQ(0, unit_write(EDITOR, "#!/bin/sh\n"
				"for f; do :; done\n"
				"printf '[X-Dmem]\\nDeviceMemoryMax=%%s 8M\\n' " CAMERA " >\"$f\"\n"));
	ASSERT_EQ(0, chmod(EDITOR, 0755));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("edited.service"));
	EXPECT_TRUE(has_no_limit("edited.service", CAMERA));
	setenv("SYSTEMD_EDITOR", EDITOR, 1);
	ASSERT_EQ(0, program_start(&p, NULL, argv, 30));
	ASSERT_EQ(0, program_end(&p));
	EXPECT_STREQ("[X-Dmem]\nDeviceMemoryMax=" CAMERA " 8M\n",
		     text_of("/etc/systemd/system/" EDITED));
	ASSERT_EQ(0, restart("edited.service"));
	EXPECT_EQ(8 * MIB, limit_of("edited.service", "dmem.max", CAMERA));
}

/* A region that never appears. */
TEST_F_TIMEOUT(change, no_region, 120)
{
	static const char unit[] = SERVICE "ExecStart=" PROBE " caps hold\n"
		"[X-Dmem]\nDeviceMemoryMax=cma/none 8M\nDeviceMemoryMax=" CAMERA " 8M\n"
		"DeviceMemoryStrict=%s\n";
	long long begin;

	ASSERT_EQ(0, unit_write("strict.service", unit, "yes"));
	ASSERT_EQ(0, unit_write("lax.service", unit, "no"));
	ASSERT_EQ(0, reload());
	begin = now_ms();
	EXPECT_EQ(1, start("strict.service"));
	EXPECT_LE(5000, now_ms() - begin);
	EXPECT_EQ(0, run("systemctl", "is-failed", "strict.service", NULL));
	EXPECT_STREQ("exit-code", property("strict.service", "Result"));
	run("systemctl", "status", "strict.service", NULL);
	EXPECT_NE(NULL, strstr(output(), "dmem-apply")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "(code=exited, status=255")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "cma/none=8M: no such region"))
		TH_LOG("%s", output());
	EXPECT_STREQ("", out());

	EXPECT_EQ(0, start("lax.service")) TH_LOG("%s", output());
	EXPECT_TRUE(logged("dmem-apply", "system.slice/lax.service: cma/none=8M: no such "
			   "region")) TH_LOG("%s", output());
	EXPECT_TRUE(wait_out("max ", 10));
	EXPECT_STREQ("cgroup /system.slice/lax.service\nmax " CAMERA " 8388608\n", out());
}

TEST_HARNESS_MAIN
