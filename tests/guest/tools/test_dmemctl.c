// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl set, apply, show, run and doctor, under a systemd that is the first process. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define DMEMCTL		"/usr/sbin/dmemctl"
#define DROPIN		"/etc/systemd/system.control/t-tool.service.d/90-dmemctl.conf"
#define RUNTIME		"/run/systemd/system.control/t-tool.service.d/91-dmemctl-runtime.conf"

#define dmemctl(...)	run(DMEMCTL, __VA_ARGS__, NULL)

FIXTURE(dmemctl) {
	int unused;
};

/* A service with some memory. It has a section, so that the controller is enabled for it, and it is
 * charged. */
FIXTURE_SETUP(dmemctl)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, unit_write("t-tool.service", SERVICE "Type=notify\nSlice=t-tool.slice\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=4 ready hold\n"
				"[X-Dmem]\nDeviceMemoryMax=" SYSTEM " 99%%\n"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-tool.service"));
	ASSERT_EQ(DMEM_MAX, limit_of("t-tool.service", "dmem.max", CAMERA));
}

FIXTURE_TEARDOWN(dmemctl)
{
	dmemctl("set", "--revert", "t-tool.service");
	dmemctl("set", "--revert", "--runtime", "t-tool.service");
	dmemctl("set", "--revert", "t-tool.slice");
	EXPECT_EQ(0, units_end());
	EXPECT_NE(0, access(DROPIN, F_OK));
	EXPECT_NE(0, access(RUNTIME, F_OK));
	EXPECT_EQ(0, reload());
}

/* The limit applies now, and after the next start. */
TEST_F_TIMEOUT(dmemctl, set, 60)
{
	ASSERT_EQ(0, dmemctl("set", "t-tool.service", "--max=" CAMERA "=8M", "--min=" CAMERA "=2M"))
		TH_LOG("%s", output());
	EXPECT_EQ(8 * MIB, limit_of("t-tool.service", "dmem.max", CAMERA));
	EXPECT_EQ(2 * MIB, limit_of("t-tool.service", "dmem.min", CAMERA));
	EXPECT_STREQ("# Written by dmemctl set, which overwrites this file.\n[X-Dmem]\n"
		     "DeviceMemoryMax=" CAMERA " 8M\nDeviceMemoryMin=" CAMERA " 2M\n", text_of(DROPIN));
	ASSERT_EQ(0, restart("t-tool.service"));
	EXPECT_EQ(8 * MIB, limit_of("t-tool.service", "dmem.max", CAMERA));
	EXPECT_EQ(2 * MIB, limit_of("t-tool.service", "dmem.min", CAMERA));
	/* Another region, named by its heap, and another limit of the first one. */
	ASSERT_EQ(0, dmemctl("set", "t-tool", "--max=dma_heap/linux,cma=25%", "--max=" CAMERA "=6M"))
		TH_LOG("%s", output());
	EXPECT_EQ(16 * MIB, limit_of("t-tool.service", "dmem.max", DEFAULT));
	EXPECT_EQ(6 * MIB, limit_of("t-tool.service", "dmem.max", CAMERA));
	ASSERT_EQ(0, restart("t-tool.service"));
	EXPECT_EQ(16 * MIB, limit_of("t-tool.service", "dmem.max", DEFAULT));
	EXPECT_EQ(6 * MIB, limit_of("t-tool.service", "dmem.max", CAMERA));
	EXPECT_EQ(2 * MIB, limit_of("t-tool.service", "dmem.min", CAMERA));
	/* Takes all back. */
	ASSERT_EQ(0, dmemctl("set", "--revert", "t-tool.service")) TH_LOG("%s", output());
	EXPECT_EQ(DMEM_MAX, limit_of("t-tool.service", "dmem.max", CAMERA));
	EXPECT_EQ(DMEM_MAX, limit_of("t-tool.service", "dmem.max", DEFAULT));
	EXPECT_EQ(0, limit_of("t-tool.service", "dmem.min", CAMERA));
	EXPECT_NE(0, access(DROPIN, F_OK));
}

TEST_F_TIMEOUT(dmemctl, set_runtime, 60)
{
	ASSERT_EQ(0, dmemctl("set", "t-tool.service", "--max=" CAMERA "=8M"));
	ASSERT_EQ(0, dmemctl("set", "--runtime", "t-tool.service", "--max=" CAMERA "=5M"))
		TH_LOG("%s", output());
	EXPECT_EQ(0, access(RUNTIME, F_OK));
	ASSERT_EQ(0, restart("t-tool.service"));
	EXPECT_EQ(5 * MIB, limit_of("t-tool.service", "dmem.max", CAMERA));
	/* Removes the runtime limit, and keeps the permanent one. */
	ASSERT_EQ(0, dmemctl("set", "--revert", "--runtime", "t-tool.service"));
	EXPECT_EQ(8 * MIB, limit_of("t-tool.service", "dmem.max", CAMERA));
	ASSERT_EQ(0, restart("t-tool.service"));
	EXPECT_EQ(8 * MIB, limit_of("t-tool.service", "dmem.max", CAMERA));
}

/* A limit below the present use is refused, and nothing is changed. */
TEST_F_TIMEOUT(dmemctl, set_below_usage, 60)
{
	EXPECT_EQ(1, dmemctl("set", "t-tool.service", "--max=" DEFAULT "=8M", "--max=" CAMERA "=1M"));
	EXPECT_NE(NULL, strstr(output(), CAMERA "=1M")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "more than the limit is in use")) TH_LOG("%s", output());
	EXPECT_EQ(DMEM_MAX, limit_of("t-tool.service", "dmem.max", DEFAULT));
	EXPECT_EQ(DMEM_MAX, limit_of("t-tool.service", "dmem.max", CAMERA));
	EXPECT_NE(0, access(DROPIN, F_OK));
	EXPECT_EQ(1, dmemctl("set", "t-tool.service", "--max=cma/nowhere=1M"));
	EXPECT_NE(NULL, strstr(output(), "no such region")) TH_LOG("%s", output());
	EXPECT_NE(0, access("/etc/systemd/system.control/t-tool.service.d", F_OK));
	EXPECT_EQ(1, dmemctl("set", "t-nobody.service", "--max=" CAMERA "=1M"));
	EXPECT_NE(NULL, strstr(output(), "no unit t-nobody.service")) TH_LOG("%s", output());
}

TEST_F_TIMEOUT(dmemctl, set_slice, 60)
{
	ASSERT_EQ(0, dmemctl("set", "t-tool.slice", "--max=" CAMERA "=10M")) TH_LOG("%s", output());
	EXPECT_EQ(10 * MIB, limit_of("t-tool.slice", "dmem.max", CAMERA));
	ASSERT_EQ(0, stop("t-tool.service"));
	ASSERT_EQ(0, stop("t-tool.slice"));
	ASSERT_EQ(0, start("t-tool.service"));
	EXPECT_EQ(10 * MIB, limit_of("t-tool.slice", "dmem.max", CAMERA));
	/* The smallest limit of all ancestors. */
	ASSERT_EQ(0, dmemctl("show", "-rnb", "-o", "UNIT,REGION,CHARGED,MAX,LIMIT", "t-tool.service"));
	EXPECT_NE(NULL, strstr(output(), "t-tool.service " CAMERA " 4194304 max 10485760\n"))
		TH_LOG("%s", output());
}

/* A cgroup without a unit, by its path. */
TEST_F_TIMEOUT(dmemctl, set_cgroup, 60)
{
	static const char cg[] = "/sys/fs/cgroup/t-tool-plain";

	ASSERT_EQ(0, mkdir(cg, 0755));
	EXPECT_EQ(0, dmemctl("set", cg, "--max=" CAMERA "=3M")) TH_LOG("%s", output());
	EXPECT_EQ(3 * MIB, dmem_read(cg, "dmem.max", CAMERA));
	EXPECT_EQ(0, dmemctl("show", "-rnb", "-o", "MAX", cg));
	EXPECT_EQ(0, rmdir(cg));
	EXPECT_EQ(1, dmemctl("set", cg, "--max=" CAMERA "=3M"));
}

TEST_F_TIMEOUT(dmemctl, apply, 60)
{
	ASSERT_EQ(0, unit_write("t-tool.service.d/50-dmem.conf",
				"[X-Dmem]\nDeviceMemoryMax=dma_heap/%%p 1M\nDeviceMemoryMax=\n"
				"DeviceMemoryMax=" CAMERA " 7M\n"));
	/* The section came after the start, and there was no reload. */
	EXPECT_EQ(DMEM_MAX, limit_of("t-tool.service", "dmem.max", CAMERA));
	ASSERT_EQ(0, dmemctl("apply", "t-tool.service")) TH_LOG("%s", output());
	EXPECT_EQ(7 * MIB, limit_of("t-tool.service", "dmem.max", CAMERA));
	ASSERT_EQ(0, unit_write("t-tool.service.d/60-dmem.conf",
				"[X-Dmem]\nDeviceMemoryMax=" DEFAULT " 7M\nDeviceMemoryMax=" CAMERA " 1M\n"));
	/* One limit is refused: the other one is unchanged. */
	EXPECT_EQ(1, dmemctl("apply", "t-tool.service"));
	EXPECT_EQ(7 * MIB, limit_of("t-tool.service", "dmem.max", CAMERA));
	EXPECT_EQ(DMEM_MAX, limit_of("t-tool.service", "dmem.max", DEFAULT));
}

/* A command in a scope of its own: the limit is set before it starts. */
TEST_F_TIMEOUT(dmemctl, run, 60)
{
	ASSERT_EQ(0, dmemctl("run", "--unit=t-run", "--max=" CAMERA "=2M", "--", PROBE,
			     CAMERA_HEAP "=3", CAMERA_HEAP "=2", "caps")) TH_LOG("%s", output());
	EXPECT_STREQ(CAMERA_HEAP "=3 12\n" CAMERA_HEAP "=2 0\n"
		     "cgroup /system.slice/t-run.scope\nmax " CAMERA " 2097152\n", output());
	/* The command's exit code, and that of dmemctl. */
	EXPECT_EQ(1, dmemctl("run", "--max=" CAMERA "=2M", PROBE, "fail"));
	EXPECT_EQ(127, dmemctl("run", "--max=" CAMERA "=2M", "/no/such/program"));
	EXPECT_EQ(126, dmemctl("run", "--max=" CAMERA "=2M", "/tests"));
	EXPECT_EQ(125, dmemctl("run", "--max=cma/nowhere=2M", PROBE, "fail"));
	EXPECT_EQ(125, dmemctl("run", "--max=" CAMERA "=2M"));
	/* In a given slice, which stops with it. */
	ASSERT_EQ(0, dmemctl("run", "--slice=t-tool.slice", "--max=" CAMERA "=2M", PROBE, "caps"));
	EXPECT_NE(NULL, strstr(output(), "cgroup /t.slice/t-tool.slice/dmem-run-")) TH_LOG("%s", output());
}

/* The doctor finds a mistake, and its remedy works. */
TEST_F_TIMEOUT(dmemctl, doctor, 90)
{
	EXPECT_EQ(0, dmemctl("doctor")) TH_LOG("%s", output());
	ASSERT_EQ(0, dmemctl("set", "t-tool.service", "--max=" CAMERA "=8M"));
	EXPECT_EQ(0, dmemctl("doctor")) TH_LOG("%s", output());
	ASSERT_EQ(0, dmem_set_max(cgroup_of("t-tool.service"), CAMERA, 9 * MIB));
	EXPECT_EQ(1, dmemctl("doctor"));
	EXPECT_NE(NULL, strstr(output(), "problem: t-tool.service: its section sets max=" CAMERA
			       "=8M, but dmem.max of " CAMERA " is 9M: dmemctl apply t-tool.service\n"))
		TH_LOG("%s", output());
	ASSERT_EQ(0, dmemctl("apply", "t-tool.service"));
	EXPECT_EQ(0, dmemctl("doctor")) TH_LOG("%s", output());
}

/* A buffer that outlives its cgroup, and its holder. */
TEST_F_TIMEOUT(dmemctl, doctor_dead, 90)
{
	char *cg = cg_name("/sys/fs/cgroup", "t-tool-dead");
	int heap = heap_open(CAMERA_HEAP), fd;

	ASSERT_GE(heap, 0);
	ASSERT_EQ(0, cg_create(cg));
	fd = cg_alloc(cg, heap, 3 * MIB);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, cg_destroy(cg));
	EXPECT_EQ(1, dmemctl("doctor"));
	EXPECT_NE(NULL, strstr(output(), "problem: " CAMERA ": 3M are charged to removed cgroups"))
		TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "held by test_dmemctl (pid ")) TH_LOG("%s", output());
	close(fd);
	close(heap);
	EXPECT_EQ(0, dmemctl("doctor")) TH_LOG("%s", output());
}

/* Refused requests are notes; a limit that its user can change is a problem. */
TEST_F_TIMEOUT(dmemctl, doctor_refused, 90)
{
	char *cg = cg_name("/sys/fs/cgroup", "t-tool-refused"), path[4096];
	int heap = heap_open(CAMERA_HEAP);

	ASSERT_GE(heap, 0);
	ASSERT_EQ(0, cg_create(cg));
	ASSERT_EQ(0, dmem_set_max(cg, CAMERA, 2 * MIB));
	ASSERT_EQ(-ENOMEM, cg_alloc(cg, heap, 3 * MIB));
	EXPECT_EQ(0, dmemctl("doctor")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), "note: t-tool-refused: its own limit refused 1 request for " CAMERA
			       " since the cgroup was created; now 0B of 2M are charged: "))
		TH_LOG("%s", output());
	snprintf(path, sizeof(path), "%s/dmem.max", cg);
	ASSERT_EQ(0, chown(path, 65534, -1));
	EXPECT_EQ(1, dmemctl("doctor"));
	EXPECT_NE(NULL, strstr(output(), "problem: t-tool-refused: user 65534, the owner of the file, can "
			       "write to its dmem.max and remove its limit of " CAMERA "; no cgroup above has "
			       "a limit that holds: "))
		TH_LOG("%s", output());
	EXPECT_EQ(0, cg_destroy(cg));
	close(heap);
}

TEST_HARNESS_MAIN
