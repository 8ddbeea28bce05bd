// SPDX-License-Identifier: GPL-2.0-or-later
/* The limit of a slice is in force before its first process runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define SOCKET		"/run/dmem-tests/socket"
#define ROUNDS		50
#define CROWD		500
#define ENABLE_ROUNDS	6
#define LEAKS		10
#define LEAKED		4	/* MiB per start */
#define FITS		CAMERA_HEAP "=8 0\n"
#define REFUSED		CAMERA_HEAP "=9 12\n"
#define BOTH		REFUSED FITS
#define LIMIT_8M	"[X-Dmem]\nDeviceMemoryMax=" CAMERA " 8M\n"
#define TAKE		PROBE " " CAMERA_HEAP "=9 " CAMERA_HEAP "=8"
#define TELL		PROBE " caps " CAMERA_HEAP "=9 " CAMERA_HEAP "=8"
/* The slice has a limit. The cgroup itself has none, and no files of the controller. */
#define NO_FILES	"max No such file or directory\n"

FIXTURE(slice) {
	char path[300];
};

FIXTURE_SETUP(slice)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(slice)
{
	EXPECT_EQ(0, units_end());
}

static int poke(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	strcpy(to.sun_path, path);
	ret = connect(s, (struct sockaddr *)&to, sizeof(to));
	close(s);
	return ret;
}

static int come(const char *how)
{
	if (!strcmp(how, "socket"))
		return poke(SOCKET);
	if (!strcmp(how, "timer"))
		return restart("t-by.timer");
	if (!strcmp(how, "scope"))
		return run("sh", "-c", "systemd-run --quiet --scope --slice=tslice.slice " TELL
			   " >>" OUT, NULL);
	if (!strcmp(how, "service"))
		return start("t-by.service");
	return run("systemd-run", "--quiet", "--wait", "--slice=tslice.slice",
		   "--property=StandardOutput=append:" OUT, PROBE, "caps", CAMERA_HEAP "=9",
		   CAMERA_HEAP "=8", NULL);
}

/* The slice was just stopped, or is still stopping: its cgroup is new for the next process, however
 * that is started. */
TEST_F_TIMEOUT(slice, first_one_after_a_stop, 280)
{
	static const char * const how[] = { "socket", "timer", "scope", "service", "transient" };

	ASSERT_EQ(0, unit_write("tslice.slice", LIMIT_8M));
	ASSERT_EQ(0, unit_write("t-by.socket", "[Socket]\nListenStream=" SOCKET "\nAccept=yes\n"
				"MaxConnections=64\nTriggerLimitBurst=0\n"));
	ASSERT_EQ(0, unit_write("t-by@.service", SERVICE "Slice=tslice.slice\nExecStart=" TELL "\n"));
	ASSERT_EQ(0, unit_write("t-by.timer", "[Timer]\nOnActiveSec=1ms\nAccuracySec=1ms\n"));
	ASSERT_EQ(0, unit_write("t-by.service", "[Unit]\nStartLimitBurst=0\n" SERVICE
				"Slice=tslice.slice\nExecStart=" TELL "\n"));
	ASSERT_EQ(0, unit_write("t-holds.service", "[Unit]\nStartLimitBurst=0\n[Service]\n"
				"Slice=tslice.slice\nExecStart=" PROBE " hold\n"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("tslice.slice"));
	ASSERT_EQ(0, start("t-by.socket"));
	for (int i = 0; i < ROUNDS; i++) {
		const char *h = how[i % 5];

		out_clear();
		/* Every second time with a process in it, which must be stopped first. */
		ASSERT_EQ(0, i % 2 ? start("t-holds.service") : 0);
		ASSERT_EQ(0, run("systemctl", "stop", "--no-block", "tslice.slice", NULL));
		ASSERT_EQ(0, come(h)) TH_LOG("round %d, %s: %s", i, h, output());
		/* Wait for its last output, so that the next output is that of the next one. */
		ASSERT_TRUE(wait_out(FITS, 20)) TH_LOG("round %d, %s: %s", i, h, out());
		EXPECT_NE(NULL, strstr(out(), BOTH)) TH_LOG("round %d, %s: %s", i, h, out());
		ASSERT_EQ(out(), strstr(out(), "cgroup /tslice.slice/"));
	}
	run("systemctl", "stop", "t-by.timer", "t-holds.service", NULL);
}

/* Makes or removes so many cgroups in @cg that enabling a controller takes a while. */
static int crowd(const char *cg, bool come)
{
	char name[16];
	int bad = 0;

	for (int i = 0; i < CROWD; i++) {
		char *sub;

		snprintf(name, sizeof(name), "t%d", i);
		sub = cg_name(cg, name);
		bad |= come ? cg_create(sub) : cg_destroy(sub);
		free(sub);
	}
	return bad;
}

/* Several limits are set at once, the first in a slice: while one process enables the controller,
 * the kernel already lists it for the others, but its files do not exist yet. */
TEST_F_TIMEOUT(slice, another_enables_it, 120)
{
	char *top = cg_name(cgroup2_mount(), "tother.slice"), *leaf = cg_name(top, "tother-a.slice");
	int waited = 0;

	for (int i = 0; i < ENABLE_ROUNDS; i++) {
		pid_t pid;

		ASSERT_EQ(0, cg_create(top));
		ASSERT_EQ(0, crowd(top, true));
		ASSERT_EQ(0, cg_create(leaf));
		pid = fork();
		if (!pid)
			_exit(cg_write(top, "cgroup.subtree_control", "+dmem") ? 1 : 0);
		do {
			snprintf(self->path, sizeof(self->path), "%s/cgroup.subtree_control", top);
		} while (!strstr(text_of(self->path), "dmem"));
		snprintf(self->path, sizeof(self->path), "%s/dmem.max", leaf);
		waited += !!access(self->path, F_OK);
		EXPECT_EQ(0, run("/usr/libexec/dmem-apply", "--slice=tother-a.slice",
				 "--max=" CAMERA "=8M", NULL));
		EXPECT_EQ(8 * MIB, dmem_read(leaf, "dmem.max", CAMERA));
		EXPECT_EQ(0, wait_exit(pid));
		ASSERT_EQ(0, cg_destroy(leaf));
		ASSERT_EQ(0, crowd(top, false));
		ASSERT_EQ(0, cg_destroy(top));
	}
	/* The race is random, but so many rounds hit it. */
	EXPECT_LT(0, waited);
	free(leaf);
	free(top);
}

/* Each level has its own limit, also with a level without a section in between. */
TEST_F_TIMEOUT(slice, nested, 60)
{
	ASSERT_EQ(0, unit_write("tnest.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 16M\n"));
	ASSERT_EQ(0, unit_write("tnest-a-b.slice", LIMIT_8M));
	ASSERT_EQ(0, unit_write("t-deep.service", SERVICE "Slice=tnest-a-b.slice\nType=notify\n"
				"ExecStart=" TAKE " caps ready hold\n"));
	ASSERT_EQ(0, unit_write("t-high.service", SERVICE "Slice=tnest-a.slice\nType=oneshot\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=9 " CAMERA_HEAP "=8\n"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-deep.service")) TH_LOG("%s", output());
	EXPECT_STREQ(BOTH "cgroup /tnest.slice/tnest-a.slice/tnest-a-b.slice/t-deep.service\n"
		     NO_FILES, out());
	EXPECT_EQ(16 * MIB, limit_of("tnest.slice", "dmem.max", CAMERA));
	EXPECT_EQ(DMEM_MAX, limit_of("tnest-a.slice", "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, limit_of("tnest-a-b.slice", "dmem.max", CAMERA));
	/* 8 of the 16 MiB are left for all others. */
	out_clear();
	ASSERT_EQ(0, start("t-high.service"));
	EXPECT_STREQ(BOTH, out());
	ASSERT_EQ(0, stop("tnest.slice"));
	EXPECT_STREQ("", cgroup_of("tnest-a-b.slice"));
}

/* A service that gives its buffers away starts with a charge of 0. The slice keeps the charge until
 * the buffers are closed. */
TEST_F_TIMEOUT(slice, leaking_service, 120)
{
	ASSERT_EQ(0, unit_write("tleak.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 24M\n"));
	ASSERT_EQ(0, unit_write("t-leaks.service", "[Unit]\nStartLimitBurst=0\n" SERVICE
				"Slice=tleak.slice\nType=notify\nFileDescriptorStoreMax=100\n"
				"ExecStart=" PROBE " %s=%d leak ready hold\n"
				"[X-Dmem]\nDeviceMemoryMax=" CAMERA " 8M\n", CAMERA_HEAP, LEAKED));
	ASSERT_EQ(0, reload());
	for (int i = 1; i <= LEAKS; i++) {
		long long sum = i * LEAKED * MIB < 24 * MIB ? i * LEAKED * MIB : 24 * MIB;

		out_clear();
		ASSERT_EQ(0, restart("t-leaks.service"));
		EXPECT_STREQ(i <= 6 ? CAMERA_HEAP "=4 0\n" : CAMERA_HEAP "=4 12\n", out());
		EXPECT_EQ(i <= 6 ? LEAKED * MIB : 0,
			  limit_of("t-leaks.service", "dmem.current", CAMERA));
		EXPECT_EQ(sum, limit_of("tleak.slice", "dmem.current", CAMERA));
		EXPECT_EQ(8 * MIB, limit_of("t-leaks.service", "dmem.max", CAMERA));
	}
	/* Stopping the service releases the stored buffers. */
	ASSERT_EQ(0, start("tleak.slice"));
	ASSERT_EQ(0, stop("t-leaks.service"));
	EXPECT_EQ(0, dmem_wait_current(cgroup_of("tleak.slice"), CAMERA, 0, 5000));
}

/* systemctl stop does not free buffers held by other processes. The slice starts again without a
 * charge, and its ancestors keep the charge. */
TEST_F_TIMEOUT(slice, buffers_outlive_a_slice, 60)
{
	int sock[2];
	long long above;
	pid_t pid;
	int fd;

	ASSERT_EQ(0, unit_write("tout.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 16M\n"));
	ASSERT_EQ(0, unit_write("tout-in.slice", LIMIT_8M));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("tout-in.slice"));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock));
	above = dmem_current(cgroup_of("tout.slice"), CAMERA);
	pid = cg_fork(cgroup_of("tout-in.slice"));
	ASSERT_LE(0, pid);
	if (!pid) {
		int heap = heap_open(CAMERA_HEAP);

		_exit(send_fd(sock[1], heap_alloc(heap, 8 * MIB)) ? 1 : 0);
	}
	fd = recv_fd(sock[0]);
	ASSERT_EQ(0, wait_exit(pid));
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, stop("tout-in.slice"));
	ASSERT_EQ(0, start("tout-in.slice"));
	EXPECT_EQ(0, limit_of("tout-in.slice", "dmem.current", CAMERA));
	EXPECT_EQ(8 * MIB, limit_of("tout-in.slice", "dmem.max", CAMERA));
	EXPECT_EQ(above + 8 * MIB, limit_of("tout.slice", "dmem.current", CAMERA));
	close(fd);
	EXPECT_EQ(0, dmem_wait_current(cgroup_of("tout.slice"), CAMERA, above, 5000) - above);
}

/* A limit below the present use: further requests are refused, and setting the limit reports an
 * error. */
TEST_F_TIMEOUT(slice, below_usage, 60)
{
	ASSERT_EQ(0, unit_write("tlow.slice", LIMIT_8M));
	ASSERT_EQ(0, unit_write("t-low.service", SERVICE "Slice=tlow.slice\nType=notify\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=8 ready hold\n"));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start("t-low.service"));
	ASSERT_EQ(0, unit_write("tlow.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 4M\n"));
	ASSERT_EQ(0, reload());
	EXPECT_EQ(8 * MIB, limit_of("tlow.slice", "dmem.max", CAMERA));
	EXPECT_NE(0, start("dmem-slice@tlow.service"));
	EXPECT_STREQ("11", property("dmem-slice@tlow.service", "ExecMainStatus"));
	EXPECT_TRUE(logged("dmem-apply", CAMERA "=4M: more than the limit is in use"));
	EXPECT_TRUE(is_active("t-low.service"));
	/* With less in use, the same command succeeds. */
	ASSERT_EQ(0, stop("t-low.service"));
	ASSERT_EQ(0, start("tlow.slice"));
	EXPECT_EQ(0, start("dmem-slice@tlow.service")) TH_LOG("%s", output());
	EXPECT_EQ(4 * MIB, limit_of("tlow.slice", "dmem.max", CAMERA));
}

/* A slice is stopped while its second limit waits for a region: it loses its cgroup and the first
 * limit. The next start must not reuse the waiting job. */
TEST_F_TIMEOUT(slice, stopped_while_it_waits, 60)
{
	ASSERT_EQ(0, unit_write("twait.slice", LIMIT_8M "DeviceMemoryMax=cma/not-there 8M\n"));
	ASSERT_EQ(0, unit_write("t-waits.service", SERVICE "Slice=twait.slice\nType=oneshot\n"
				"ExecStart=" TAKE "\n"));
	ASSERT_EQ(0, reload());
	/* It is active, so it can be stopped, and its limits are set again. */
	ASSERT_EQ(0, start("twait.slice"));
	ASSERT_EQ(0, run("systemctl", "start", "--no-block", "dmem-slice@twait.service", NULL));
	ASSERT_TRUE(wait_property("dmem-slice@twait.service", "ActiveState", "activating", 5));
	ASSERT_EQ(0, stop("twait.slice"));
	ASSERT_NE(0, access("/sys/fs/cgroup/twait.slice", F_OK));
	ASSERT_EQ(0, start("t-waits.service")) TH_LOG("%s", output());
	EXPECT_STREQ(BOTH, out());
	run("systemctl", "reset-failed", NULL);
}

/* The service that sets a slice's limits is not in that slice, wherever service.d/ puts
 * services. */
TEST_F(slice, caps_come_from_outside)
{
	ASSERT_EQ(0, unit_write("service.d/tall.conf", "[Service]\nSlice=tall.slice\n"));
	ASSERT_EQ(0, unit_write("tall.slice", LIMIT_8M));
	ASSERT_EQ(0, unit_write("t-all.service", SERVICE "Type=oneshot\nExecStart=" TAKE "\n"));
	ASSERT_EQ(0, reload());
	EXPECT_STREQ("-.slice", property("dmem-slice@tall.service", "Slice"));
	ASSERT_EQ(0, start("t-all.service")) TH_LOG("%s", output());
	EXPECT_STREQ(BOTH, out());
	/* Reload now: otherwise all services would be in that slice. */
	ASSERT_EQ(0, unit_remove("service.d/tall.conf"));
	ASSERT_EQ(0, reload());
	EXPECT_EQ(0, stop("tall.slice"));
}

/* Memory reserved by a service and its slice is available to it, whatever others allocate. */
TEST_F_TIMEOUT(slice, reservation, 60)
{
	long long size = dmem_read("/sys/fs/cgroup", "dmem.capacity", CAMERA) / MIB;

	ASSERT_EQ(40, size);
	ASSERT_EQ(0, unit_write("tres.slice", "[X-Dmem]\nDeviceMemoryMin=" CAMERA " 16M\n"));
	ASSERT_EQ(0, unit_write("t-res.service", SERVICE "Slice=tres.slice\nType=notify\n"
				"ExecStart=" PROBE " " CAMERA_HEAP "=16 ready hold\n"
				"[X-Dmem]\nDeviceMemoryMin=" CAMERA " 16M\n"));
	ASSERT_EQ(0, unit_write("t-greedy.service", SERVICE "Type=notify\n"
				"ExecStart=" PROBE " %s=20 %s=20 %s=1 ready hold\n",
				CAMERA_HEAP, CAMERA_HEAP, CAMERA_HEAP));
	ASSERT_EQ(0, reload());
	/* The slice starts before the service, and reserves for all its members. */
	ASSERT_EQ(0, start("tres.slice"));
	ASSERT_EQ(0, start("t-greedy.service"));
	EXPECT_STREQ(CAMERA_HEAP "=20 0\n" CAMERA_HEAP "=20 12\n" CAMERA_HEAP "=1 0\n", out());
	out_clear();
	ASSERT_EQ(0, start("t-res.service"));
	EXPECT_STREQ(CAMERA_HEAP "=16 0\n", out());
}

/* Two slices below a prefix, which did not exist when the generator ran. */
TEST_F_TIMEOUT(slice, prefix, 60)
{
	ASSERT_EQ(0, unit_write("tpre-.slice.d/50-dmem.conf", LIMIT_8M));
	ASSERT_EQ(0, reload());
	for (int i = 0; i < 2; i++) {
		out_clear();
		ASSERT_EQ(0, run("systemd-run", "--quiet", "--wait",
				 i ? "--slice=tpre-two.slice" : "--slice=tpre-one.slice",
				 "--property=StandardOutput=append:" OUT, PROBE,
				 CAMERA_HEAP "=9", CAMERA_HEAP "=8", NULL)) TH_LOG("%s", output());
		EXPECT_STREQ(BOTH, out());
	}
	run("systemctl", "stop", "tpre.slice", NULL);
}

/* system.slice exists before other units start: its limit is set at boot, by a section in the
 * test's root file system. */
TEST_F(slice, system_slice_at_boot)
{
	EXPECT_EQ(40 * MIB, limit_of("system.slice", "dmem.max", DISPLAY));
	EXPECT_STREQ("success", property("dmem-slice@system.service", "Result"));
	EXPECT_NE(NULL, strstr(property("dmem-slice@system.service", "Before"), "sysinit.target"));
}

/* A strict section keeps all units out of the slice. */
TEST_F_TIMEOUT(slice, strict, 60)
{
	ASSERT_EQ(0, unit_write("tstrict.slice", "[X-Dmem]\nDeviceMemoryMax=cma/not-there 8M\n"
				"DeviceMemoryStrict=yes\n"));
	ASSERT_EQ(0, unit_write("t-in.service", SERVICE "Slice=tstrict.slice\nType=oneshot\n"
				"ExecStart=" TAKE "\n"));
	ASSERT_EQ(0, reload());
	EXPECT_NE(0, start("t-in.service"));
	EXPECT_STREQ("", out());
	EXPECT_TRUE(logged("dmem-apply", "cma/not-there=8M"));

	ASSERT_EQ(0, unit_write("tstrict.slice", "[X-Dmem]\nDeviceMemoryMax=cma/not-there 8M\n"));
	ASSERT_EQ(0, reload());
	EXPECT_EQ(0, start("t-in.service")) TH_LOG("%s", output());
	EXPECT_STREQ(CAMERA_HEAP "=9 0\n" FITS, out());
	run("systemctl", "reset-failed", NULL);
}

TEST_HARNESS_MAIN
