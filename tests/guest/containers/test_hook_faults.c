// SPDX-License-Identifier: GPL-2.0-or-later
/* dmem-hook with runc and crun: a hook that is killed or missing, a late region, and kill -9. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"
#include "hook.h"

/* A region that comes with its module, and the time that the hook has for it, in seconds. */
#define LATE		"test/region"
#define LATE_MODULE	"/tests/containers/dmem_test_region.ko"
#define LATE_TIME	", \"--timeout=100\""
#define NAPS		20
#define NO_HOOK		"/usr/libexec/dmem-tests/no-hook"

/* Each engine and each driver of cgroups. */
static const struct way ways[] = {
	{ "runc", "/containers/camera", ABOVE "/camera" },
	{ "runc --systemd-cgroup", "machine.slice:runc:camera", SLICE "/runc-camera.scope" },
	{ "crun", "/containers/camera", ABOVE "/camera" },
	{ "crun --systemd-cgroup", "machine.slice:crun:camera", SLICE "/crun-camera.scope/container" },
};

#define N_WAYS		(sizeof(ways) / sizeof(*ways))

FIXTURE(hook_faults) {
	pid_t engine;
};

FIXTURE_SETUP(hook_faults)
{
	const char *why = containers_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(hook_faults)
{
	kill_hard(self->engine);
	hook_clean();
	EXPECT_TRUE(wait_gone(SLICE, 10));
	/* The parent cgroup remains, as after each container. */
	EXPECT_TRUE(wait_gone(ABOVE "/camera", 10));
	EXPECT_TRUE(!rmdir(ABOVE) || errno == ENOENT);
	EXPECT_TRUE(!syscall(SYS_delete_module, "dmem_test_region", 0) || errno == ENOENT);
	EXPECT_EQ(0, containers_end());
}

/* The pid of the hook that runs, or 0. */
static pid_t hook_pid(void)
{
	DIR *d = opendir("/proc");
	struct dirent *de;
	char path[40];
	pid_t pid = 0;

	while (d && !pid && (de = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%.20s/comm", de->d_name);
		if (atoi(de->d_name) > 0 && !strcmp(text_of(path), "dmem-hook\n"))
			pid = atoi(de->d_name);
	}
	if (d)
		closedir(d);
	return pid;
}

/* The number of times that the process has slept, or -1. */
static long long sleeps(pid_t pid)
{
	static const char key[] = "\nvoluntary_ctxt_switches:";
	char path[40];
	const char *line;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	line = strstr(text_of(path), key);
	return line ? atoll(line + strlen(key)) : -1;
}

/* Waits until the hook has looked for the late region several times, and returns its pid, or 0. */
static pid_t wait_hook(void)
{
	long long end = now_ms() + SOON * 1000LL;
	pid_t pid;

	for (;;) {
		pid = hook_pid();
		if (pid && sleeps(pid) >= NAPS)
			return pid;
		if (now_ms() > end)
			return 0;
		sleep_ms(50);
	}
}

/* Starts a container that asks for the late region, and does not wait. */
static pid_t spawn_late(const struct way *w)
{
	if (file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY, WITH_HOOK(LATE_TIME),
		      ASKS(CAMERA " 8M; " LATE " 1M"), CONTAINER_PATH, w->path, NULL))
		return -1;
	return spawn_out("%s run --detach --bundle %s camera", w->engine, bundle("camera"));
}

/* Waits for the end of a program, and returns its status. */
static int end_of(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid ? status : -1;
}

/* The hook is killed while it waits: the container does not start, and leaves no cgroup. */
TEST_F_TIMEOUT(hook_faults, killed, 200)
{
	for (size_t i = 0; i < N_WAYS; i++) {
		const struct way *w = &ways[i];
		pid_t pid;

		TH_LOG("%s", w->engine);
		self->engine = spawn_late(w);
		ASSERT_LT(0, self->engine);
		pid = wait_hook();
		ASSERT_LT(0, pid) TH_LOG("%s", out());
		ASSERT_EQ(0, kill(pid, SIGKILL));
		EXPECT_LT(0, end_of(self->engine)) TH_LOG("%s", out());
		self->engine = 0;
		EXPECT_EQ(NULL, strstr(out(), CAMERA_HEAP "=")) TH_LOG("%s", out());
		EXPECT_TRUE(wait_gone(w->cgroup, 10)) TH_LOG("%s", w->cgroup);
		shell_out("%s delete --force camera", w->engine);
		out_clear();
	}
}

static int load_module(void)
{
	int fd = open(LATE_MODULE, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

/* A region appears while the hook waits for it, and gets its limit. */
TEST_F_TIMEOUT(hook_faults, late_region, 120)
{
	for (size_t i = 0; i < N_WAYS; i += 2) {
		const struct way *w = &ways[i];

		TH_LOG("%s", w->engine);
		self->engine = spawn_late(w);
		ASSERT_LT(0, self->engine);
		ASSERT_LT(0, wait_hook()) TH_LOG("%s", out());
		ASSERT_EQ(0, load_module());
		EXPECT_EQ(0, end_of(self->engine)) TH_LOG("%s", out());
		self->engine = 0;
		ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
		EXPECT_STREQ(TELLS "max " LATE " 1048576\n" SAYS_LIMITED, out());
		EXPECT_EQ(8 * MIB, dmem_read(w->cgroup, "dmem.max", CAMERA));
		EXPECT_EQ(1 * MIB, dmem_read(w->cgroup, "dmem.max", LATE));
		ASSERT_EQ(0, hook_end(w)) TH_LOG("%s", out());
		ASSERT_EQ(0, syscall(SYS_delete_module, "dmem_test_region", 0));
	}
}

/* The hook of the configuration is not installed: the engine's error names it, and nothing starts. */
TEST_F_TIMEOUT(hook_faults, missing, 200)
{
	for (size_t i = 0; i < N_WAYS; i++) {
		const struct way *w = &ways[i];

		TH_LOG("%s", w->engine);
		ASSERT_EQ(0, file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY,
				       WITH_HOOK(""), ASKS(CAMERA " 8M"), "\"path\": \"" HOOK "\"",
				       "\"path\": \"" NO_HOOK "\"", CONTAINER_PATH, w->path, NULL));
		EXPECT_NE(0, hook_run(w)) TH_LOG("%s", out());
		EXPECT_NE(NULL, strstr(out(), NO_HOOK)) TH_LOG("%s", out());
		EXPECT_EQ(NULL, strstr(out(), CAMERA_HEAP "=")) TH_LOG("%s", out());
		EXPECT_TRUE(wait_gone(w->cgroup, 10)) TH_LOG("%s", w->cgroup);
		shell_out("%s delete --force camera", w->engine);
		out_clear();
	}
}

/* After kill -9 of its program, the container starts again under its name, with its limit. */
TEST_F_TIMEOUT(hook_faults, restart, 200)
{
	for (size_t i = 1; i < N_WAYS; i += 2) {
		const struct way *w = &ways[i];

		TH_LOG("%s", w->engine);
		for (int time = 0; time < 2; time++) {
			ASSERT_EQ(0, hook_run_asking(w, "", "8M")) TH_LOG("%s", out());
			ASSERT_TRUE(wait_out(FITS " ", SOON)) TH_LOG("%s", out());
			EXPECT_STREQ(TELLS SAYS_LIMITED, out());
			EXPECT_EQ(8 * MIB, dmem_current(w->cgroup, CAMERA));
			ASSERT_LT(0, first_pid(w->cgroup));
			ASSERT_EQ(0, kill(first_pid(w->cgroup), SIGKILL));
			EXPECT_EQ(0, dmem_wait_current(CGROUPS, CAMERA, 0, 10000));
			ASSERT_EQ(0, hook_end(w)) TH_LOG("%s", out());
		}
	}
}

TEST_HARNESS_MAIN
