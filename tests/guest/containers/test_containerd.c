// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * containerd 2, of a newer release, whose ctr takes devices of CDI files: with both drivers of cgroups
 * and two releases of runc. Its service is in tests/guest/containers/root.
 */
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

#define UNIT		"containerd-2.service"
#define CTR		"/opt/containerd/ctr --address=/run/containerd-2/containerd.sock "
#define ABOVE		CGROUPS "/containers"
#define SLICE		CGROUPS "/machine.slice"
/* ctr makes no cgroup namespace, and mounts no cgroup2. */
#define TELLS		"cgroup %s\nmax No such file or directory\n" SAYS_LIMITED

/* ctr's default is 1024, and the guest's kernel has no file for it. */
#define NO_SHARES	"--cpu-shares=0 "

static const struct way {
	const char *options, *cgroup;
} ways[] = {
	{ NO_SHARES "--cgroup=/containers/camera", ABOVE "/camera" },
	{ NO_SHARES "--runc-systemd-cgroup --cgroup=machine.slice:ctr:camera", SLICE "/ctr-camera.scope" },
	{ NO_SHARES "--runc-binary=/opt/runc/run --cgroup=/containers/camera", ABOVE "/camera" },
};

#define N_WAYS		(sizeof(ways) / sizeof(*ways))

FIXTURE(containerd) {
	pid_t client;
};

FIXTURE_SETUP(containerd)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, start(UNIT)) TH_LOG("%s", output());
}

FIXTURE_TEARDOWN(containerd)
{
	shell_out(CTR "task delete --force camera; " CTR "container delete camera");
	kill_hard(self->client);
	run("systemctl", "stop", UNIT, "machine.slice", NULL);
	run("systemctl", "reset-failed", NULL);
	EXPECT_TRUE(wait_gone(SLICE, 10));
	/* runc leaves the parent cgroup. */
	EXPECT_TRUE(wait_gone(ABOVE "/camera", 10));
	EXPECT_TRUE(!rmdir(ABOVE) || errno == ENOENT);
	EXPECT_EQ(0, containers_end());
}

static void expect_limited(struct __test_metadata *_metadata, const struct way *w)
{
	char text[300];

	snprintf(text, sizeof(text), TELLS, w->cgroup + strlen(CGROUPS));
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(text, out());
	ASSERT_STREQ(w->cgroup, cgroup_of_pid(first_pid(w->cgroup)));
	EXPECT_EQ(8 * MIB, dmem_read(w->cgroup, "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, dmem_current(w->cgroup, CAMERA));
	EXPECT_EQ(1, refused(w->cgroup, CAMERA));
}

/* One word gives the container the heap and its limit. kill -9 of its program frees the memory. */
TEST_F_TIMEOUT(containerd, cdi, 290)
{
	for (size_t i = 0; i < N_WAYS; i++) {
		TH_LOG("%s", ways[i].options);
		self->client = spawn_out("sh /srv/containerd/cdi.sh %s " GREEDY, ways[i].options);
		expect_limited(_metadata, &ways[i]);
		ASSERT_EQ(0, kill(first_pid(ways[i].cgroup), SIGKILL));
		EXPECT_TRUE(wait_gone(ways[i].cgroup, SOON));
		EXPECT_EQ(0, dmem_wait_current(CGROUPS, CAMERA, 0, 10000));
		EXPECT_EQ(self->client, waitpid(self->client, NULL, 0));
		self->client = 0;
		out_clear();
	}
}

/* A container goes on with its limit after kill -9 of containerd, and ends with the next one. */
TEST_F_TIMEOUT(containerd, restart, 290)
{
	const struct way *w = &ways[1];
	pid_t payload;

	self->client = spawn_out("sh /srv/containerd/cdi.sh %s " GREEDY, w->options);
	expect_limited(_metadata, w);
	payload = first_pid(w->cgroup);
	ASSERT_EQ(0, run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", UNIT, NULL));
	ASSERT_TRUE(wait_property(UNIT, "ActiveState", "failed", SOON));
	EXPECT_EQ(payload, first_pid(w->cgroup));
	EXPECT_EQ(8 * MIB, dmem_read(w->cgroup, "dmem.max", CAMERA));
	EXPECT_EQ(8 * MIB, dmem_current(w->cgroup, CAMERA));

	ASSERT_EQ(0, start(UNIT)) TH_LOG("%s", output());
	EXPECT_EQ(0, shell_out(CTR "task delete --force camera")) TH_LOG("%s", out());
	EXPECT_TRUE(wait_gone(w->cgroup, SOON));
	EXPECT_EQ(0, dmem_wait_current(CGROUPS, CAMERA, 0, 10000));
}

TEST_HARNESS_MAIN
