// SPDX-License-Identifier: GPL-2.0-or-later
/* crun: the limit is set outside of the container, since crun does not enable controllers that it
 * does not know. */
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

#define SLICE		CGROUPS "/machine.slice/machine-camera.slice"
#define SCOPE		SLICE "/crun-camera.scope"
#define OTHER_SLICE	CGROUPS "/machine.slice/machine-player.slice"
#define OTHER_SCOPE	OTHER_SLICE "/crun-player.scope"
#define TOP		CGROUPS "/camera"
#define NO_FILES	"cgroup /\nmax No such file or directory\n"
#define TELLS		"cgroup /\nmax " CAMERA " 8388608\n"
#define UNIFIED		",\n\t\t\t\"unified\": {\n\t\t\t\t\"dmem.max\": \"" CAMERA " 8M\"\n\t\t\t}"
#define NO_SUBGROUP	"\"annotations\": { \"run.oci.systemd.subgroup\": \"\","
#define BY_SLICE	"/containers/camera", "machine-camera.slice:crun:camera", UNIFIED, ""
/* crun writes it after the container has started. Until then, "crun delete" does not know it. */
#define STATUS		"/run/crun/camera/status"
#define NOT_AVAILABLE	"controller `dmem` is not available under "

FIXTURE(crun) {
	pid_t engine;
};

FIXTURE_SETUP(crun)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(crun)
{
	shell_out("crun delete --force camera; crun delete --force player");
	kill_hard(self->engine);
	run("systemctl", "stop", "machine.slice", NULL);
	EXPECT_TRUE(wait_gone(CGROUPS "/machine.slice", 10));
	EXPECT_FALSE(exists("/run/crun/camera"));
	EXPECT_EQ(0, containers_end());
	/* Left by a failed test. */
	rmdir(TOP "/one");
	rmdir(TOP);
}

static int run_scope(const char *id)
{
	return shell_out("crun --systemd-cgroup run --detach --bundle %s %s", bundle(id), id);
}

/* With systemd's manager, which Podman uses, and the key that runc accepts. */
TEST_F_TIMEOUT(crun, unified_in_a_scope, 120)
{
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY,
			       "/containers/camera", "machine-camera.slice:crun:camera", NULL));
	EXPECT_NE(0, run_scope("camera"));
	EXPECT_NE(NULL, strstr(out(), NOT_AVAILABLE SCOPE "/container/")) TH_LOG("%s", out());
	EXPECT_EQ(NULL, strstr(out(), CAMERA_HEAP "=")) TH_LOG("%s", out());
	EXPECT_TRUE(wait_gone(SCOPE, 10));
}

/* The recipe: a slice for all containers that share a limit, or for one container. */
TEST_F_TIMEOUT(crun, slice, 120)
{
	ASSERT_EQ(0, file_from("machine-player.slice",
			       "/etc/systemd/system/machine-camera.slice", NULL));
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS,
			       "\"" SEE_CGROUP "\", \"" FIND_USAGE "\", \"" FIND_CAPACITY "\", "
			       "\"" LIFT "\", " OCI_GREEDY, BY_SLICE, NULL));
	ASSERT_EQ(0, file_from(bundle_config("player"), OCI_CONFIG, OCI_WORDS, OCI_MODEST,
			       "/containers/camera", "machine-player.slice:crun:player",
			       UNIFIED, "", NULL));
	ASSERT_EQ(0, run_scope("camera")) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(SEE_CGROUP " 0\n" FIND_USAGE " 0\n" FIND_CAPACITY " 0\n" LIFT " 2\n"
		     NO_FILES SAYS_LIMITED, out());
	out_clear();
	ASSERT_EQ(0, run_scope("player")) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(MODEST " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(NO_FILES SAYS_MODEST, out());

	ASSERT_STREQ(SCOPE "/container", cgroup_of_pid(first_pid(SCOPE "/container")));
	EXPECT_EQ(8 * MIB, dmem_read(SLICE, "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, dmem_current(SLICE, CAMERA));
	EXPECT_EQ(1, refused(SLICE, CAMERA));
	EXPECT_EQ(0, refused(CGROUPS "/machine.slice", CAMERA));
	ASSERT_STREQ(OTHER_SCOPE "/container", cgroup_of_pid(first_pid(OTHER_SCOPE "/container")));
	EXPECT_EQ(8 * MIB, dmem_read(OTHER_SLICE, "dmem.max", CAMERA));
	EXPECT_EQ(4 * MIB, dmem_current(OTHER_SLICE, CAMERA));
	EXPECT_EQ(0, refused(OTHER_SLICE, CAMERA));
}

/* The limit holds after the engine is killed. */
TEST_F_TIMEOUT(crun, killed_engine, 120)
{
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY, BY_SLICE,
			       NULL));
	self->engine = spawn_out("crun --systemd-cgroup run --bundle %s camera", bundle("camera"));
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	ASSERT_TRUE(wait_exists(STATUS, SOON));
	kill_hard(self->engine);
	self->engine = 0;
	ASSERT_STREQ(SCOPE "/container", cgroup_of_pid(first_pid(SCOPE "/container")));
	EXPECT_EQ(8 * MIB, dmem_read(SLICE, "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, dmem_current(SLICE, CAMERA));
	ASSERT_EQ(0, shell_out("crun delete --force camera")) TH_LOG("%s", out());
	EXPECT_TRUE(wait_gone(SCOPE, 10));
	EXPECT_EQ(0, dmem_wait_current(SLICE, CAMERA, 0, 10000));
}

/* All heaps are in the container, but only the allowed one can be opened. */
TEST_F_TIMEOUT(crun, one_heap, 120)
{
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS,
			       "\"" OTHER_HEAP "\", " OCI_GREEDY, BY_SLICE, OCI_ALL_HEAPS, NULL));
	ASSERT_EQ(0, run_scope("camera")) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(OTHER_HEAP " 1\n" NO_FILES SAYS_LIMITED, out());
}

/*
 * With a user namespace: crun makes a node for the root inside, and leaves that of the host
 * unchanged. The limit holds.
 */
TEST_F_TIMEOUT(crun, user_namespace, 120)
{
	struct stat st;

	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY, BY_SLICE,
			       OCI_USERS, NULL));
	ASSERT_EQ(0, run_scope("camera")) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(NO_FILES SAYS_LIMITED, out());
	EXPECT_EQ(1, refused(SLICE, CAMERA));
	EXPECT_EQ(MAPPED_USER, user_of_pid(first_pid(SCOPE "/container")));
	ASSERT_EQ(0, stat(HEAP_FILE, &st));
	EXPECT_EQ(0u, st.st_uid);
}

/*
 * With an empty subgroup the payload is in the scope itself, and the key works if the controller
 * was enabled in the slice before.
 */
TEST_F_TIMEOUT(crun, without_subgroup, 120)
{
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY,
			       "/containers/camera", "machine-camera.slice:crun:camera",
			       "\"annotations\": {", NO_SUBGROUP, NULL));
	ASSERT_EQ(0, start("machine-camera.slice"));
	EXPECT_NE(0, run_scope("camera"));
	EXPECT_NE(NULL, strstr(out(), NOT_AVAILABLE SCOPE "/cgroup")) TH_LOG("%s", out());
	out_clear();
	EXPECT_TRUE(wait_gone(SCOPE, 10));
	ASSERT_EQ(0, cg_write(SLICE, "cgroup.subtree_control", "+dmem"));
	ASSERT_EQ(0, run_scope("camera")) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(TELLS SAYS_LIMITED, out());
	ASSERT_STREQ(SCOPE, cgroup_of_pid(first_pid(SCOPE)));
	EXPECT_EQ(8 * MIB, dmem_read(SCOPE, "dmem.max", CAMERA));
}

/* Without systemd, the key works directly below a cgroup that has the controller enabled... */
TEST_F_TIMEOUT(crun, unified_below_the_root, 120)
{
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS,
			       "\"" SEE_MINE "\", \"" SEE_CAPACITY "\", \"" FIND_USAGE "\", "
			       "\"" LIFT "\", " OCI_GREEDY,
			       "/containers/camera", "/camera", "[ \"ro\" ]", "[ \"rw\" ]",
			       NULL));
	self->engine = spawn_out("crun run --bundle %s camera", bundle("camera"));
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(SEE_MINE " 0\n" SEE_CAPACITY " 2\n" FIND_USAGE " 1\n" LIFT " 1\n"
		     TELLS SAYS_LIMITED, out());
	ASSERT_STREQ(TOP, cgroup_of_pid(first_pid(TOP)));
	EXPECT_EQ(8 * MIB, dmem_read(TOP, "dmem.max", CAMERA));
	EXPECT_EQ(1, refused(TOP, CAMERA));
	/* The container does not need its engine. */
	ASSERT_TRUE(wait_exists(STATUS, SOON));
	kill_hard(self->engine);
	self->engine = 0;
	EXPECT_EQ(8 * MIB, dmem_current(TOP, CAMERA));
	ASSERT_EQ(0, shell_out("crun delete --force camera")) TH_LOG("%s", out());
	EXPECT_TRUE(wait_gone(TOP, 10));
}

/* ... and not below one that crun makes itself. That cgroup then remains. */
TEST_F_TIMEOUT(crun, unified_below_a_new_one, 120)
{
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY,
			       "/containers/camera", "/camera/one", NULL));
	EXPECT_NE(0, shell_out("crun run --detach --bundle %s camera", bundle("camera")));
	EXPECT_NE(NULL, strstr(out(), NOT_AVAILABLE TOP "/one/")) TH_LOG("%s", out());
	EXPECT_EQ(NULL, strstr(out(), CAMERA_HEAP "=")) TH_LOG("%s", out());
	EXPECT_EQ(0, rmdir(TOP "/one"));
	EXPECT_EQ(0, rmdir(TOP));
}

/*
 * For a container in the host's cgroup namespace, crun mounts cgroup2 again, which removes
 * systemd's mount options on the whole machine.
 */
TEST_F_TIMEOUT(crun, without_cgroup_namespace, 120)
{
	ASSERT_NE(NULL, strstr(text_of("/proc/self/mounts"), ",nsdelegate"));
	ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_MODEST, BY_SLICE,
			       "{ \"type\": \"mount\" },", "{ \"type\": \"mount\" }",
			       "{ \"type\": \"cgroup\" }", "", NULL));
	EXPECT_EQ(0, run_scope("camera")) TH_LOG("%s", out());
	EXPECT_TRUE(wait_out("cgroup /machine.slice/", SOON)) TH_LOG("%s", out());
	EXPECT_EQ(NULL, strstr(text_of("/proc/self/mounts"), ",nsdelegate"));
	EXPECT_EQ(0, run("mount", "-o", "remount,nsdelegate,memory_recursiveprot", CGROUPS, NULL))
		TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(text_of("/proc/self/mounts"), ",nsdelegate"));
}

TEST_HARNESS_MAIN
