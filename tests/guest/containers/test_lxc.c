// SPDX-License-Identifier: GPL-2.0-or-later
/* LXC: lxc.cgroup2.dmem.max, one line for each region. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "container.h"
#include "dmem_util.h"
#include "unit.h"

#define CONFIG		"/var/lib/lxc/camera/config"
#define OTHER_CONFIG	"/var/lib/lxc/player/config"
#define MINE		CGROUPS "/lxc.payload.camera"
#define MONITOR		CGROUPS "/lxc.monitor.camera"
#define OTHER		CGROUPS "/lxc.payload.player"
#define TELLS		"cgroup /\nmax " CAMERA " 8388608\nmax " DISPLAY " 4194304\n"
#define HEAP		"dma_heap/" CAMERA_HEAP
#define ONE_HEAP	"/dev/" HEAP " dev/" HEAP " none bind,create=file"
#define ALL_HEAPS	"/dev/dma_heap dev/dma_heap none bind,create=dir"
#define SEE		SEE_MINE " " SEE_CAPACITY " " FIND_USAGE " "
#define SAYS_SEE	SEE_MINE " 0\n" SEE_CAPACITY " 2\n" FIND_USAGE " 1\n"
/* A program inside may mount: the new mount shows its own cgroup and no other. */
#define MOUNT		"mount:/tmp find:/tmp/dmem.current find:/tmp/dmem.capacity "
#define SAYS_MOUNT	"mount:/tmp 0\nfind:/tmp/dmem.current 1\nfind:/tmp/dmem.capacity 0\n"
/* Only root of the host can make the mount read-only, or write there. */
#define READ_ONLY	"lxc.rootfs.options = ro"
#define USERS		"lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536"

FIXTURE(lxc) {
	pid_t engine[2];
};

FIXTURE_SETUP(lxc)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(lxc)
{
	static const char * const id[] = { "camera", "player" };

	for (int i = 0; i < 2; i++) {
		run("lxc-stop", "-k", "-n", id[i], NULL);
		kill_hard(self->engine[i]);
	}
	EXPECT_TRUE(wait_gone(MINE, 10));
	EXPECT_TRUE(wait_gone(OTHER, 10));
	EXPECT_TRUE(wait_gone(MONITOR, 10));
	/* LXC's own cgroup, to which it moves a monitor before its end; it stays. */
	rmdir(CGROUPS "/lxc.pivot");
	EXPECT_EQ(0, containers_end());
}

static pid_t lxc_start(const char *id)
{
	return spawn_out("lxc-start -F -n %s", id);
}

TEST_F_TIMEOUT(lxc, two_containers, 120)
{
	ASSERT_EQ(0, file_from(CONFIG, LXC_CONFIG, WORDS, GREEDY, NULL));
	ASSERT_EQ(0, file_from(OTHER_CONFIG, LXC_CONFIG, WORDS, "/probe caps " MODEST " hold",
			       "lxc.uts.name = camera", "lxc.uts.name = player", NULL));
	self->engine[0] = lxc_start("camera");
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(TELLS SAYS_LIMITED, out());
	out_clear();
	self->engine[1] = lxc_start("player");
	ASSERT_TRUE(wait_out(MODEST " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(TELLS SAYS_MODEST, out());

	ASSERT_STREQ(MINE, cgroup_of_pid(first_pid(MINE)));
	EXPECT_EQ(8 * MIB, dmem_read(MINE, "dmem.max", CAMERA));
	EXPECT_EQ(4 * MIB, dmem_read(MINE, "dmem.max", DISPLAY));
	EXPECT_EQ(8 * MIB, dmem_current(MINE, CAMERA));
	EXPECT_EQ(1, refused(MINE, CAMERA));
	ASSERT_STREQ(OTHER, cgroup_of_pid(first_pid(OTHER)));
	EXPECT_EQ(8 * MIB, dmem_read(OTHER, "dmem.max", CAMERA));
	EXPECT_EQ(4 * MIB, dmem_current(OTHER, CAMERA));
	EXPECT_EQ(0, refused(OTHER, CAMERA));
}

/*
 * The limit of a running container can be changed from outside, and not from inside. Heaps without
 * a device rule cannot be opened.
 */
TEST_F_TIMEOUT(lxc, change, 120)
{
	ASSERT_EQ(0, file_from(CONFIG, LXC_CONFIG, WORDS,
			       "/probe " OTHER_HEAP " " LIFT " " SEE MOUNT TOO_MUCH " " FITS " hold",
			       "cgroup:ro", "cgroup:rw:force", ONE_HEAP, ALL_HEAPS, NULL));
	self->engine[0] = lxc_start("camera");
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(OTHER_HEAP " 1\n" LIFT " 1\n" SAYS_SEE SAYS_MOUNT SAYS_LIMITED, out());
	EXPECT_EQ(0, run("lxc-cgroup", "-n", "camera", "dmem.max", CAMERA " 12M", NULL))
		TH_LOG("%s", output());
	EXPECT_EQ(12 * MIB, dmem_read(MINE, "dmem.max", CAMERA));
	EXPECT_EQ(0, run("lxc-cgroup", "-n", "camera", "dmem.current", NULL));
	EXPECT_NE(NULL, strstr(output(), CAMERA " 8388608\n")) TH_LOG("%s", output());
}

/* With a user namespace, the node must belong to the user that is root inside. */
TEST_F_TIMEOUT(lxc, user_namespace, 120)
{
	static const char * const says[] = { TELLS SAYS_DENIED, TELLS SAYS_LIMITED };

	ASSERT_EQ(0, file_from(CONFIG, LXC_CONFIG, WORDS, GREEDY, READ_ONLY, USERS, NULL));
	for (int i = 0; i < 2; i++) {
		out_clear();
		ASSERT_EQ(0, chown(HEAP_FILE, i ? MAPPED_USER : 0, 0));
		self->engine[0] = lxc_start("camera");
		EXPECT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
		ASSERT_EQ(0, chown(HEAP_FILE, 0, 0));
		EXPECT_STREQ(says[i], out());
		EXPECT_EQ(MAPPED_USER, user_of_pid(first_pid(MINE)));
		EXPECT_EQ(i, refused(MINE, CAMERA));
		EXPECT_EQ(0, run("lxc-stop", "-k", "-n", "camera", NULL)) TH_LOG("%s", output());
		kill_hard(self->engine[0]);
		self->engine[0] = 0;
		EXPECT_TRUE(wait_gone(MINE, 10));
	}
}

/* With an unknown region, the container does not start. */
TEST_F_TIMEOUT(lxc, no_such_region, 120)
{
	ASSERT_EQ(0, file_from(CONFIG, LXC_CONFIG, WORDS, GREEDY,
			       "dmem.max = " CAMERA, "dmem.max = cma/not-there", NULL));
	EXPECT_NE(0, shell_out("lxc-start -F -n camera"));
	EXPECT_EQ(NULL, strstr(out(), CAMERA_HEAP "=")) TH_LOG("%s", out());
}

/*
 * The container ends with its monitor, and its empty cgroup remains. The next container has a
 * cgroup of another name, with the limit.
 */
TEST_F_TIMEOUT(lxc, killed_engine, 120)
{
	pid_t payload;

	ASSERT_EQ(0, file_from(CONFIG, LXC_CONFIG, WORDS, GREEDY, NULL));
	self->engine[0] = lxc_start("camera");
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	payload = first_pid(MINE);
	ASSERT_LT(0, payload);
	EXPECT_EQ(first_pid(MONITOR), self->engine[0]);
	kill_hard(self->engine[0]);
	EXPECT_EQ(0, dmem_wait_current(MINE, CAMERA, 0, 10000));
	EXPECT_EQ(0, first_pid(MINE));

	out_clear();
	self->engine[0] = lxc_start("camera");
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(TELLS SAYS_LIMITED, out());
	ASSERT_STREQ(MINE "-1", cgroup_of_pid(first_pid(MINE "-1")));
	EXPECT_EQ(8 * MIB, dmem_read(MINE "-1", "dmem.max", CAMERA));
	EXPECT_EQ(1, refused(MINE "-1", CAMERA));
	EXPECT_EQ(0, run("lxc-stop", "-k", "-n", "camera", NULL));
	EXPECT_TRUE(wait_gone(MINE "-1", 10));
	EXPECT_TRUE(wait_gone(MONITOR "-1", 10));
	EXPECT_EQ(0, rmdir(MINE));
	EXPECT_EQ(0, rmdir(MONITOR));
}

TEST_HARNESS_MAIN
