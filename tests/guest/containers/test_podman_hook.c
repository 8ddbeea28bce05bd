// SPDX-License-Identifier: GPL-2.0-or-later
/* Podman with dmem-hook, by an annotation and by a CDI file, with both of its runtimes. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "container.h"
#include "dmem_util.h"
#include "unit.h"

#define SLICE		CGROUPS "/machine.slice"
#define TELLS		"cgroup /\nmax " CAMERA " 8388608\n"

FIXTURE(podman_hook) {
	pid_t engine;
};

FIXTURE_SETUP(podman_hook)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(podman_hook)
{
	shell_out("podman rm --force --all --time=0");
	kill_hard(self->engine);
	run("systemctl", "stop", "machine.slice", NULL);
	run("systemctl", "reset-failed", NULL);
	EXPECT_TRUE(wait_gone(SLICE, 10));
	EXPECT_EQ(0, containers_end());
}

static const char *cgroup_of_container(const char *id)
{
	static char cg[PATH_MAX];

	run("podman", "inspect", "--format", "{{.State.Pid}}", id, NULL);
	snprintf(cg, sizeof(cg), "%s", cgroup_of_pid(atoi(output())));
	return cg;
}

/* The container of Podman is limited in its own cgroup, which a program inside sees. */
static void expect_limited(struct __test_metadata *_metadata)
{
	const char *cg;

	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(TELLS SAYS_LIMITED, out());
	cg = cgroup_of_container("camera");
	EXPECT_EQ(cg, strstr(cg, SLICE "/libpod-")) TH_LOG("%s", cg);
	EXPECT_EQ(8 * MIB, dmem_read(cg, "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, dmem_current(cg, CAMERA));
	EXPECT_EQ(1, refused(cg, CAMERA));
}

/* The installed file of hooks.d turns the hook on for an annotation, with both runtimes. */
TEST_F_TIMEOUT(podman_hook, annotation, 250)
{
	static const char * const runtime[] = { "crun", "runc" };

	for (int i = 0; i < 2; i++) {
		self->engine = spawn_out("sh /srv/podman/hook.sh --runtime=%s " GREEDY, runtime[i]);
		expect_limited(_metadata);
		EXPECT_EQ(0, run("podman", "rm", "--force", "--time=0", "camera", NULL));
		kill_hard(self->engine);
		self->engine = 0;
		out_clear();
	}
}

/* The file of dmemctl cdi: a device and its limit in one word, with both runtimes. */
TEST_F_TIMEOUT(podman_hook, cdi, 250)
{
	static const char * const runtime[] = { "crun", "runc" };

	for (int i = 0; i < 2; i++) {
		self->engine = spawn_out("sh /srv/podman/cdi.sh --runtime=%s " GREEDY, runtime[i]);
		expect_limited(_metadata);
		EXPECT_EQ(0, run("podman", "rm", "--force", "--time=0", "camera", NULL));
		kill_hard(self->engine);
		self->engine = 0;
		out_clear();
	}
}

TEST_HARNESS_MAIN
