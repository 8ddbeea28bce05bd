// SPDX-License-Identifier: GPL-2.0-or-later
/* Podman with crun, limited by a slice or by a service around the container, and with runc. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "container.h"
#include "dmem_util.h"
#include "unit.h"

#define MACHINES	CGROUPS "/machine.slice"
#define SLICE		MACHINES "/machine-camera.slice"
#define OTHER_SLICE	MACHINES "/machine-player.slice"
#define RUN		"/srv/podman/run.sh"
#define RUN_RUNC	"/srv/podman/unified.sh"
#define RUN_COMMA	"/srv/podman/comma.sh"
#define DEFAULT_HEAP	"default_cma_region"
#define QUADLET		"/srv/podman/camera.container"
#define DROP_IN		"/srv/podman/50-dmem.conf"
#define QUADLETS	"/etc/containers/systemd"
/* Masked in the guest, where only this test needs it. */
#define GENERATOR	"/etc/systemd/system-generators/podman-system-generator"
#define UNIT		"camera.service"
#define NO_FILES	"cgroup /\nmax No such file or directory\n"
#define TELLS		"cgroup /\nmax " CAMERA " 8388608\n"
#define INSIDE		"/probe " SEE_CGROUP " " FIND_USAGE " " LIFT " " OTHER_HEAP " caps " TOO_MUCH \
			" " FITS " hold"
#define SAYS_INSIDE	SEE_CGROUP " 0\n" FIND_USAGE " 0\n" LIFT " 2\n" OTHER_HEAP " 2\n" NO_FILES \
			SAYS_LIMITED

/* The first process of the container, as reported by Podman. */
static pid_t pid_of(const char *id)
{
	run("podman", "inspect", "--format", "{{.State.Pid}}", id, NULL);
	return atoi(output());
}

static const char *cgroup_of_container(const char *id)
{
	static char cg[PATH_MAX];

	snprintf(cg, sizeof(cg), "%s", cgroup_of_pid(pid_of(id)));
	return cg;
}

FIXTURE(podman) {
	pid_t engine[2];
	bool unmasked;
};

FIXTURE_SETUP(podman)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(podman)
{
	run("systemctl", "stop", UNIT, NULL);
	shell_out("podman rm --force --all --time=0");
	for (int i = 0; i < 2; i++)
		kill_hard(self->engine[i]);
	EXPECT_EQ(0, run("podman", "ps", "--all", "--quiet", NULL));
	EXPECT_STREQ("", output());
	if (self->unmasked)
		EXPECT_EQ(0, symlink("/dev/null", GENERATOR));
	run("systemctl", "stop", "machine.slice", NULL);
	run("systemctl", "reset-failed", NULL);
	EXPECT_TRUE(wait_gone(MACHINES, 10));
	EXPECT_EQ(0, containers_end());
}

/* The recipe: a slice around each container. Only requests of the one at its limit are refused. */
TEST_F_TIMEOUT(podman, slice, 200)
{
	const char *cg;

	ASSERT_EQ(0, file_from("machine-player.slice",
			       "/etc/systemd/system/machine-camera.slice", NULL));
	ASSERT_EQ(0, file_from("/run/dmem-tests/player.sh", RUN, "=camera ", "=player ",
			       "machine-camera", "machine-player", NULL));
	ASSERT_EQ(0, reload());
	self->engine[0] = spawn_out("sh " RUN " " INSIDE);
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(SAYS_INSIDE, out());
	out_clear();
	self->engine[1] = spawn_out("sh /run/dmem-tests/player.sh /probe caps " MODEST " hold");
	ASSERT_TRUE(wait_out(MODEST " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(NO_FILES SAYS_MODEST, out());

	cg = cgroup_of_container("camera");
	EXPECT_EQ(cg, strstr(cg, SLICE "/libpod-")) TH_LOG("%s", cg);
	EXPECT_NE(NULL, strstr(cg, ".scope/container")) TH_LOG("%s", cg);
	EXPECT_EQ(8 * MIB, dmem_read(SLICE, "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, dmem_current(SLICE, CAMERA));
	EXPECT_EQ(1, refused(SLICE, CAMERA));
	EXPECT_EQ(0, refused(MACHINES, CAMERA));
	EXPECT_EQ(8 * MIB, dmem_read(OTHER_SLICE, "dmem.max", CAMERA));
	EXPECT_EQ(4 * MIB, dmem_current(OTHER_SLICE, CAMERA));
	EXPECT_EQ(0, refused(OTHER_SLICE, CAMERA));

	/* The container goes on in its slice after the engine is killed. */
	kill_hard(self->engine[0]);
	self->engine[0] = 0;
	sleep_ms(500);
	EXPECT_STREQ(cg, cgroup_of_pid(first_pid(cg)));
	EXPECT_EQ(8 * MIB, dmem_current(SLICE, CAMERA));
	EXPECT_EQ(0, run("podman", "rm", "--force", "--time=0", "camera", NULL)) TH_LOG("%s", output());
	EXPECT_TRUE(wait_gone(cg, 10));
	EXPECT_EQ(0, dmem_wait_current(SLICE, CAMERA, 0, 10000));
}

/* With runc, the container's own cgroup has the limit. */
TEST_F_TIMEOUT(podman, runc, 200)
{
	const char *cg;

	self->engine[0] = spawn_out("sh " RUN_RUNC " /probe " LIFT " caps " TOO_MUCH " " FITS " hold");
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(LIFT " 30\n" TELLS SAYS_LIMITED, out());
	cg = cgroup_of_container("camera");
	EXPECT_EQ(cg, strstr(cg, MACHINES "/libpod-")) TH_LOG("%s", cg);
	EXPECT_EQ(8 * MIB, dmem_read(cg, "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, dmem_current(cg, CAMERA));
	EXPECT_EQ(1, refused(cg, CAMERA));
	EXPECT_EQ(0, refused(MACHINES, CAMERA));
}

/* The area has a comma in its name, which separates list items in two of Podman's options. */
TEST_F_TIMEOUT(podman, comma, 200)
{
	const char *cg;

	self->engine[0] = spawn_out("sh " RUN_COMMA " /probe caps " DEFAULT_HEAP "=9 " DEFAULT_HEAP
				    "=8 hold");
	ASSERT_TRUE(wait_out(DEFAULT_HEAP "=8 ", SOON)) TH_LOG("%s", out());
	EXPECT_NE(NULL, strstr(out(), DEFAULT_HEAP "=9 12\n" DEFAULT_HEAP "=8 0\n"))
		TH_LOG("%s", out());
	cg = cgroup_of_container("camera");
	EXPECT_EQ(8 * MIB, dmem_read(cg, "dmem.max", DEFAULT)) TH_LOG("%s", cg);
	EXPECT_EQ(8 * MIB, dmem_current(cg, DEFAULT));
	EXPECT_EQ(1, refused(cg, DEFAULT));
	/* From 5.0 on, --device= is no list. */
	EXPECT_EQ(0, run("podman", "create", "--network=none", "--device=/dev/dma_heap/linux,cma",
			 "--rootfs", ROOTFS, "/probe", NULL)) TH_LOG("%s", output());
}

/*
 * A .container file becomes a service, whose drop-in has the section. If the container's monitor is
 * killed, systemd ends the rest of the service.
 */
TEST_F_TIMEOUT(podman, quadlet, 200)
{
	const char *cg;
	char unit[300];
	pid_t payload;

	ASSERT_EQ(0, file_from(QUADLETS "/camera.container", QUADLET, "/probe hold", INSIDE, NULL));
	ASSERT_EQ(0, file_from(UNIT ".d/50-dmem.conf", DROP_IN, NULL));
	ASSERT_EQ(0, unit_write(UNIT ".d/60-out.conf", "[Service]\nStandardOutput=append:" OUT "\n"
				"StandardError=append:" OUT "\n"));
	self->unmasked = !unlink(GENERATOR);
	ASSERT_TRUE(self->unmasked);
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, start(UNIT)) TH_LOG("%s", out());
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_NE(NULL, strstr(out(), SAYS_INSIDE)) TH_LOG("%s", out());
	snprintf(unit, sizeof(unit), "%s", cgroup_of(UNIT));
	EXPECT_EQ(8 * MIB, dmem_read(unit, "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, dmem_current(unit, CAMERA));
	EXPECT_EQ(1, refused(unit, CAMERA));
	payload = pid_of("systemd-camera");
	ASSERT_LT(0, payload);
	cg = cgroup_of_pid(payload);
	EXPECT_EQ(cg, strstr(cg, unit)) TH_LOG("%s", cg);
	EXPECT_NE(NULL, strstr(cg, "/libpod-payload-")) TH_LOG("%s", cg);

	ASSERT_EQ(0, kill(atoi(property(UNIT, "MainPID")), SIGKILL));
	EXPECT_TRUE(wait_property(UNIT, "ActiveState", "failed", 60));
	EXPECT_TRUE(wait_gone(unit, 10));
	EXPECT_NE(0, kill(payload, 0));
}

TEST_HARNESS_MAIN
