// SPDX-License-Identifier: GPL-2.0-or-later
/* Docker and its containerd as services, with a device of the CDI file of dmemctl cdi. */
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

#define SERVICES	CGROUPS "/system.slice"
#define CDI		"/srv/docker/cdi.sh"
#define IMAGE		"localhost/camera"
#define SHIM		"containerd-shim\n"
#define TELLS		"cgroup /\nmax " CAMERA " 8388608\n"
/* A hook that fails, and one that is not installed. */
#define BROKEN		"/etc/cdi/dmem-tests.json"
#define BROKEN_DEVICE	"{ \"name\": \"%s\", \"containerEdits\": { \"hooks\": [ { \"hookName\": \"createRuntime\", " \
			"\"path\": \"%s\", \"args\": [ \"dmem-hook\", \"--max=cma/none=8M\", \"--strict\" ] } ] } }"
#define NO_HOOK		"/usr/libexec/dmem-tests/no-hook"

FIXTURE(docker) {
	pid_t client;
};

/* Docker starts once for all tests: the last one stops it. */
static int start_docker(void)
{
	/* Docker reads it at its start. */
	int ret = unit_write(BROKEN, "{ \"cdiVersion\": \"0.5.0\", \"kind\": \"dmem.pool/tests\", "
			     "\"devices\": [ " BROKEN_DEVICE ", " BROKEN_DEVICE " ] }\n",
			     "strict", "/usr/libexec/dmem-hook", "missing", NO_HOOK);

	if (ret)
		return ret;
	return run("systemctl", "start", "docker.service", NULL);
}

FIXTURE_SETUP(docker)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, start_docker()) TH_LOG("%s", output());
	if (run("docker", "image", "inspect", IMAGE, NULL))
		ASSERT_EQ(0, shell_out("(tar -C " ROOTFS " -c . | docker import - " IMAGE ")")) TH_LOG("%s", out());
	out_clear();
}

FIXTURE_TEARDOWN(docker)
{
	run("docker", "rm", "--force", "camera", NULL);
	kill_hard(self->client);
	run("systemctl", "reset-failed", NULL);
	EXPECT_EQ(0, containers_end());
}

static pid_t pid_of_container(void)
{
	run("docker", "inspect", "--format", "{{.State.Pid}}", "camera", NULL);
	return atoi(output());
}

/* The container's cgroup, "" if it does not run. */
static const char *cgroup_of_container(void)
{
	static char cg[PATH_MAX];
	pid_t pid = pid_of_container();

	snprintf(cg, sizeof(cg), "%s", pid > 0 ? cgroup_of_pid(pid) : "");
	return cg;
}

/* The container is limited in its own cgroup. */
static void expect_limited(struct __test_metadata *_metadata)
{
	const char *cg = cgroup_of_container();

	ASSERT_EQ(cg, strstr(cg, SERVICES "/docker-")) TH_LOG("%s", cg);
	EXPECT_EQ(8 * MIB, dmem_wait_current(cg, CAMERA, 8 * MIB, SOON * 1000));
	EXPECT_EQ(8 * MIB, dmem_read(cg, "dmem.max", CAMERA));
	EXPECT_EQ(1, refused(cg, CAMERA));
	EXPECT_EQ(0, refused(SERVICES, CAMERA));
}

/* The container that ran in the cgroup has ended: nothing is charged. */
static void expect_ended(struct __test_metadata *_metadata, const char *cg)
{
	EXPECT_TRUE(wait_gone(cg, SOON)) TH_LOG("%s", cg);
	EXPECT_EQ(0, dmem_wait_current(SERVICES, CAMERA, 0, 10000));
}

/* The parent of a process with this name, or 0. */
static pid_t parent_of(pid_t pid, const char *name)
{
	char path[40];
	const char *line;
	pid_t parent;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	line = strstr(text_of(path), "\nPPid:");
	parent = line ? atoi(line + 6) : 0;
	snprintf(path, sizeof(path), "/proc/%d/comm", parent);
	return !strncmp(text_of(path), name, strlen(name) - 1) ? parent : 0;
}

/*
 * One word gives the container the heap and its limit, which a program inside reads. It gets its
 * amount to the byte and then ENOMEM, also after a restart, and so does a program of docker exec.
 */
TEST_F_TIMEOUT(docker, cdi, 290)
{
	char cg[PATH_MAX];

	self->client = spawn_out("sh " CDI " " GREEDY);
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	EXPECT_STREQ(TELLS SAYS_LIMITED, out());
	expect_limited(_metadata);
	snprintf(cg, sizeof(cg), "%s", cgroup_of_container());
	EXPECT_EQ(0, run("docker", "exec", "camera", "/probe", CAMERA_HEAP "=1", NULL)) TH_LOG("%s", output());
	EXPECT_STREQ(CAMERA_HEAP "=1 12\n", output());
	EXPECT_EQ(2, refused(cg, CAMERA));

	EXPECT_EQ(0, run("docker", "restart", "--time=0", "camera", NULL)) TH_LOG("%s", output());
	expect_limited(_metadata);
	EXPECT_EQ(0, run("docker", "rm", "--force", "camera", NULL)) TH_LOG("%s", output());
	expect_ended(_metadata, cg);
}

/* kill -9 of the program and of the shim, which is its monitor. The container can start again. */
TEST_F_TIMEOUT(docker, killed, 290)
{
	char cg[PATH_MAX];
	pid_t pid;

	self->client = spawn_out("sh " CDI " " GREEDY);
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	snprintf(cg, sizeof(cg), "%s", cgroup_of_container());
	ASSERT_LT(0, pid_of_container());
	ASSERT_EQ(0, kill(pid_of_container(), SIGKILL));
	expect_ended(_metadata, cg);

	ASSERT_EQ(0, run("docker", "start", "camera", NULL)) TH_LOG("%s", output());
	expect_limited(_metadata);
	snprintf(cg, sizeof(cg), "%s", cgroup_of_container());
	pid = parent_of(pid_of_container(), SHIM);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	expect_ended(_metadata, cg);
}

/* A hook that fails in a strict start, or does not exist: an error that names it, and no container. */
TEST_F_TIMEOUT(docker, refused, 290)
{
	static const struct {
		const char *device;
		int exit_code;
		const char *message;
	} broken[] = {
		{ "strict", 125, "cma/none=8M: no such region" },
		{ "missing", 127, NO_HOOK ": no such file or directory" },
	};

	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(broken[i].exit_code, shell_out("docker run --name=camera "
			  "--device=dmem.pool/tests=%s --network=none " IMAGE " " GREEDY, broken[i].device))
			TH_LOG("%s", out());
		EXPECT_NE(NULL, strstr(out(), broken[i].message)) TH_LOG("%s", out());
		EXPECT_EQ(NULL, strstr(out(), CAMERA_HEAP "=")) TH_LOG("%s", out());
		EXPECT_EQ(0, pid_of_container());
		EXPECT_EQ(0, run("docker", "rm", "camera", NULL)) TH_LOG("%s", output());
		out_clear();
	}
}

/* Docker's end is the end of its containers, too. */
TEST_F_TIMEOUT(docker, stop, 290)
{
	char cg[PATH_MAX];

	self->client = spawn_out("sh " CDI " " GREEDY);
	ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
	snprintf(cg, sizeof(cg), "%s", cgroup_of_container());
	ASSERT_NE(0, *cg);
	/* The socket would start the service again. */
	EXPECT_EQ(0, run("systemctl", "stop", "docker.socket", "docker.service", "containerd.service", NULL))
		TH_LOG("%s", output());
	expect_ended(_metadata, cg);
}

TEST_HARNESS_MAIN
