// SPDX-License-Identifier: GPL-2.0-or-later
/* runc needs only linux.resources.unified in config.json. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "container.h"
#include "dmem_util.h"
#include "unit.h"

#define ABOVE		CGROUPS "/containers"
#define MINE		ABOVE "/camera"
#define OTHER		ABOVE "/player"
#define SLICE		CGROUPS "/machine.slice"
#define TELLS		"cgroup /\nmax " CAMERA " 8388608\n"
/* JSON's escape for a line end. */
#define TWO_LINES	CAMERA " 8M\\n" DISPLAY " 4M"
#define NEWER		"/opt/runc/run"

FIXTURE(runc) {
	pid_t engine;
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
	kill_hard(self->engine);
	run("systemctl", "stop", "machine.slice", NULL);
	EXPECT_TRUE(wait_gone(MINE, 10));
	EXPECT_TRUE(wait_gone(OTHER, 10));
	EXPECT_FALSE(exists("/run/runc/camera"));
	/* The parent cgroup remains, as after each container. */
	EXPECT_TRUE(!rmdir(ABOVE) || errno == ENOENT);
	EXPECT_EQ(0, containers_end());
}

static int run_detached(const char *id)
{
	return shell_out("runc run --detach --bundle %s %s", bundle(id), id);
}

/* Each container has its own limit, and only requests of the one at its limit are refused. */
TEST_F_TIMEOUT(runc, two_containers, 120)
{
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY, NULL));
	ASSERT_EQ(0, file_from(bundle_config("player"), OCI_CONFIG, OCI_WORDS, OCI_MODEST,
			       "/containers/camera", "/containers/player", NULL));
	ASSERT_EQ(0, run_detached("camera")) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(TELLS SAYS_LIMITED, out());
	out_clear();
	ASSERT_EQ(0, run_detached("player")) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(MODEST " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(TELLS SAYS_MODEST, out());

	ASSERT_STREQ(MINE, cgroup_of_pid(first_pid(MINE)));
	EXPECT_EQ(8 * MIB, dmem_read(MINE, "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, dmem_current(MINE, CAMERA));
	EXPECT_EQ(1, refused(MINE, CAMERA));
	EXPECT_EQ(0, refused(ABOVE, CAMERA));
	ASSERT_STREQ(OTHER, cgroup_of_pid(first_pid(OTHER)));
	EXPECT_EQ(8 * MIB, dmem_read(OTHER, "dmem.max", CAMERA));
	EXPECT_EQ(4 * MIB, dmem_current(OTHER, CAMERA));
	EXPECT_EQ(0, refused(OTHER, CAMERA));
}

/* With systemd's manager, the payload is in the scope itself. */
TEST_F_TIMEOUT(runc, scope, 120)
{
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY,
			       "/containers/camera", "machine.slice:runc:camera", NULL));
	ASSERT_EQ(0, shell_out("runc --systemd-cgroup run --detach --bundle %s camera",
			       bundle("camera"))) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(TELLS SAYS_LIMITED, out());
	ASSERT_STREQ(SLICE "/runc-camera.scope",
		     cgroup_of_pid(first_pid(SLICE "/runc-camera.scope")));
	EXPECT_EQ(8 * MIB, dmem_read(SLICE "/runc-camera.scope", "dmem.max", CAMERA));
	EXPECT_EQ(1, refused(SLICE "/runc-camera.scope", CAMERA));
	EXPECT_EQ(0, refused(SLICE, CAMERA));
	shell_out("runc delete --force camera");
	EXPECT_TRUE(wait_gone(SLICE "/runc-camera.scope", 10));
	/* runc leaves the controller enabled. */
	EXPECT_NE(NULL, strstr(text_of(SLICE "/cgroup.subtree_control"), "dmem"));
}

/* The running container has a limit for each region, in its own cgroup. */
static void expect_both_limits(struct __test_metadata *_metadata)
{
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(TELLS "max " DISPLAY " 4194304\n" SAYS_LIMITED, out());
	EXPECT_EQ(8 * MIB, dmem_read(MINE, "dmem.max", CAMERA));
	EXPECT_EQ(4 * MIB, dmem_read(MINE, "dmem.max", DISPLAY));
	EXPECT_EQ(1, refused(MINE, CAMERA));
}

/* runc 1.1 writes the value unchanged, and the kernel accepts one region at a time. */
TEST_F_TIMEOUT(runc, two_regions_at_once, 120)
{
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY,
			       CAMERA " 8M", TWO_LINES, NULL));
	EXPECT_NE(0, run_detached("camera"));
	EXPECT_NE(NULL, strstr(out(), "dmem.max: invalid argument")) TH_LOG("%s", out());
	EXPECT_EQ(NULL, strstr(out(), CAMERA_HEAP "=")) TH_LOG("%s", out());
	EXPECT_FALSE(exists(MINE));
}

/* Remedy: write the second one before the container is started. */
TEST_F_TIMEOUT(runc, two_regions, 120)
{
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY, NULL));
	ASSERT_EQ(0, shell_out("cd %s && sh /srv/oci/two-regions.sh", bundle("camera")))
		TH_LOG("%s", out());
	expect_both_limits(_metadata);
}

/* runc 1.2 and newer write the value line by line. */
TEST_F_TIMEOUT(runc, two_regions_at_once_in_newer_ones, 120)
{
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY,
			       CAMERA " 8M", TWO_LINES, NULL));
	ASSERT_EQ(0, shell_out(NEWER " run --detach --bundle %s camera", bundle("camera")))
		TH_LOG("%s", out());
	expect_both_limits(_metadata);
	EXPECT_EQ(0, shell_out(NEWER " delete --force camera")) TH_LOG("%s", out());
}

/*
 * A program inside reads its own limit and usage. It can neither change the limit, nor see other
 * containers or the regions' figures, nor open another heap.
 */
TEST_F_TIMEOUT(runc, from_inside, 120)
{
	static const char * const option[] = { "[ \"ro\" ]", "[ \"rw\" ]" };
	static const char * const lifted[] = { LIFT " 30\n", LIFT " 1\n" };

	ASSERT_EQ(0, file_from(bundle_config("player"), OCI_CONFIG, OCI_WORDS, OCI_MODEST,
			       "/containers/camera", "/containers/player", NULL));
	ASSERT_EQ(0, run_detached("player")) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(MODEST " ", SOON)) TH_LOG("%s", out());
	for (int i = 0; i < 2; i++) {
		out_clear();
		ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS,
				       "\"" OTHER_HEAP "\", \"" LIFT "\", \"caps\", "
				       "\"" TOO_MUCH "\", \"" FITS "\", \"" USAGE "\", "
				       "\"" SEE_CAPACITY "\", \"" FIND_USAGE "\", "
				       "\"" FIND_CAPACITY "\", \"hold\"",
				       "[ \"ro\" ]", option[i], NULL));
		ASSERT_EQ(0, run_detached("camera")) TH_LOG("%s", out());
		ASSERT_TRUE(wait_out(FIND_CAPACITY " ", SOON)) TH_LOG("%s", out());
		EXPECT_EQ(out(), strstr(out(), OTHER_HEAP " 2\n")) TH_LOG("%s", out());
		EXPECT_NE(NULL, strstr(out(), lifted[i])) TH_LOG("%s", out());
		/* Without the other container's 4 MiB: the only file of that name is its own. */
		EXPECT_NE(NULL, strstr(out(), TELLS SAYS_LIMITED USAGE " 8388608\n"
				       SEE_CAPACITY " 2\n" FIND_USAGE " 1\n" FIND_CAPACITY " 0\n"))
			TH_LOG("%s", out());
		EXPECT_EQ(8 * MIB, dmem_read(MINE, "dmem.max", CAMERA));
		ASSERT_EQ(0, shell_out("runc delete --force camera"));
	}
	EXPECT_EQ(4 * MIB, dmem_current(OTHER, CAMERA));

	/* Outside, the same words show more. */
	out_clear();
	ASSERT_EQ(0, shell_out(ROOTFS "/probe " USAGE " " SEE_CAPACITY " " FIND_CAPACITY " read:"
			       OTHER "/dmem.current " FIND_USAGE));
	EXPECT_EQ(out(), strstr(out(), USAGE " 4194304\n" SEE_CAPACITY " 0\n" FIND_CAPACITY " 1\n"
				"read:" OTHER "/dmem.current 0\n")) TH_LOG("%s", out());
	EXPECT_EQ(NULL, strstr(out(), FIND_USAGE " 1\n")) TH_LOG("%s", out());
}

/* Access depends on the device rule, not on the mounts. */
TEST_F_TIMEOUT(runc, one_heap, 120)
{
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS,
			       "\"" OTHER_HEAP "\", " OCI_GREEDY, OCI_ALL_HEAPS, NULL));
	ASSERT_EQ(0, run_detached("camera")) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(OTHER_HEAP " 1\n" TELLS SAYS_LIMITED, out());
}

/* root of a user namespace does not own the heap. */
TEST_F_TIMEOUT(runc, user_namespace, 120)
{
	static const char * const says[] = { TELLS SAYS_DENIED, TELLS SAYS_LIMITED };

	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY,
			       OCI_USERS, NULL));
	for (int i = 0; i < 2; i++) {
		int ret, bad;

		out_clear();
		bad = chown(HEAP_FILE, i ? MAPPED_USER : 0, 0);
		ret = run_detached("camera");
		EXPECT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
		bad |= chown(HEAP_FILE, 0, 0);
		EXPECT_EQ(0, bad);
		EXPECT_EQ(0, ret);
		EXPECT_STREQ(says[i], out());
		EXPECT_EQ(MAPPED_USER, user_of_pid(first_pid(MINE)));
		EXPECT_EQ(i, refused(MINE, CAMERA));
		ASSERT_EQ(0, shell_out("runc delete --force camera"));
	}
}

/* The container goes on, in its cgroup and with its limit. */
TEST_F_TIMEOUT(runc, killed_engine, 120)
{
	pid_t payload;

	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY, NULL));
	self->engine = spawn_out("runc run --bundle %s camera", bundle("camera"));
	ASSERT_LT(0, self->engine);
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	payload = first_pid(MINE);
	ASSERT_LT(0, payload);
	kill_hard(self->engine);
	self->engine = 0;
	EXPECT_EQ(0, kill(payload, 0));
	EXPECT_STREQ(MINE, cgroup_of_pid(payload));
	EXPECT_EQ(8 * MIB, dmem_read(MINE, "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, dmem_current(MINE, CAMERA));
	ASSERT_EQ(0, shell_out("runc delete --force camera")) TH_LOG("%s", out());
	EXPECT_TRUE(wait_gone(MINE, 10));
}

TEST_HARNESS_MAIN
