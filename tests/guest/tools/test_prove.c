// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl doctor --prove, and dmemctl set --propagate, on heaps and reservations of the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unit.h"

#define DMEMCTL		"/usr/sbin/dmemctl"

#define SCRATCH		"/sys/fs/cgroup/dmem-prove-"
#define PROVED		"/run/dmem-tests/proved"
#define NOBODY		65534
#define HOLDS(heap)	": the limit holds: /dev/dma_heap/" heap " allocated "

#define dmemctl(...)	run(DMEMCTL, __VA_ARGS__, NULL)

FIXTURE(prove) {
	int unused;
};

/* Needs the controller, and no units. */
FIXTURE_SETUP(prove)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
}

FIXTURE_TEARDOWN(prove)
{
	unlink(PROVED);
	EXPECT_EQ(0, units_end());
}

/* How many scratch cgroups there are, here or in a cgroup below. */
static int scratch_cgroups(void)
{
	glob_t g = { 0 };
	int n = 0;

	if (!glob("/sys/fs/cgroup/{,*/}dmem-prove-*", GLOB_BRACE, NULL, &g))
		n = (int)g.gl_pathc;
	globfree(&g);
	return n;
}

/* Limits are proved, and the region has as much memory afterwards as before. */
TEST_F_TIMEOUT(prove, holds, 120)
{
	long long used = dmem_read("/sys/fs/cgroup", "dmem.current", CAMERA);
	long long cgroups = cg_read_key_long("/sys/fs/cgroup", "cgroup.stat", "nr_descendants ");

	ASSERT_EQ(0, dmemctl("doctor", "--prove=" CAMERA, "--prove=dma_heap/linux,cma", "--prove=" SYSTEM))
		TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), CAMERA HOLDS(CAMERA_HEAP))) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), DEFAULT ": the limit holds: ")) TH_LOG("%s", output());
	EXPECT_NE(NULL, strstr(output(), SYSTEM HOLDS("system"))) TH_LOG("%s", output());
	EXPECT_EQ(NULL, strstr(output(), "problem")) TH_LOG("%s", output());
	EXPECT_EQ(used, dmem_read("/sys/fs/cgroup", "dmem.current", CAMERA));
	EXPECT_EQ(cgroups, cg_read_key_long("/sys/fs/cgroup", "cgroup.stat", "nr_descendants "));
	EXPECT_EQ(0, scratch_cgroups());
	EXPECT_EQ(1, dmemctl("doctor", "--prove=cma/nowhere"));
}

/* Starts dmemctl as this user, with its output in a file. */
static pid_t prove_start(uid_t user)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	fd = open(PROVED, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(90);
	if (user && (setgroups(0, NULL) || setgid(user) || setuid(user)))
		_exit(91);
	execl(DMEMCTL, DMEMCTL, "doctor", "--prove=" CAMERA, NULL);
	_exit(92);
}

/* Waits for the process in the scratch cgroup of dmemctl. 0: there was none before its end. */
static pid_t prove_child(pid_t pid)
{
	char path[100];
	siginfo_t end = { 0 };
	int child;

	snprintf(path, sizeof(path), SCRATCH "%d/cgroup.procs", pid);
	do {
		child = atoi(text_of(path));
		if (waitid(P_PID, pid, &end, WEXITED | WNOHANG | WNOWAIT))
			return 0;
	} while (!child && !end.si_pid);
	return child;
}

#define TRIES	200

/* Sends a signal to the process in the scratch cgroup, or to dmemctl. Returns the status of dmemctl
 * after a proof that the signal has ended, or -1. */
static int prove_and_kill(int sig, bool whole)
{
	for (int i = 0; i < TRIES; i++) {
		pid_t pid = prove_start(0), child = prove_child(pid);
		bool hit = child && !kill(whole ? pid : child, sig);
		int status;

		if (waitpid(pid, &status, 0) != pid)
			return -1;
		if (!hit)
			continue;
		if (whole ? WIFSIGNALED(status) : strstr(text_of(PROVED), "was killed by signal") != NULL)
			return status;
	}
	return -1;
}

/* A proof that a signal ends leaves neither memory nor a cgroup. */
TEST_F_TIMEOUT(prove, killed, 200)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGKILL };
	long long used = dmem_read("/sys/fs/cgroup", "dmem.current", CAMERA);

	for (size_t i = 0; i < 3; i++) {
		int status = prove_and_kill(signals[i], false);

		ASSERT_TRUE(WIFEXITED(status)) TH_LOG("signal %d: %x", signals[i], status);
		EXPECT_EQ(1, WEXITSTATUS(status));
		EXPECT_EQ(0, scratch_cgroups());
		EXPECT_EQ(used, dmem_wait_current("/sys/fs/cgroup", CAMERA, used, 5000));
	}
	for (size_t i = 0; i < 3; i++) {
		int status = prove_and_kill(signals[i], true);

		ASSERT_TRUE(WIFSIGNALED(status)) TH_LOG("signal %d: %x", signals[i], status);
		EXPECT_EQ(signals[i], WTERMSIG(status));
		/* SIGKILL leaves the cgroup, without memory, to the next proof. */
		EXPECT_EQ(signals[i] == SIGKILL ? 1 : 0, scratch_cgroups());
		EXPECT_EQ(used, dmem_wait_current("/sys/fs/cgroup", CAMERA, used, 5000));
	}
	EXPECT_EQ(0, dmemctl("doctor", "--prove=" CAMERA)) TH_LOG("%s", output());
	EXPECT_EQ(0, scratch_cgroups());
}

/* The region is full, or reserved for another cgroup: the limit is not to blame. */
TEST_F_TIMEOUT(prove, no_room, 120)
{
	long long capacity = dmem_read("/sys/fs/cgroup", "dmem.capacity", CAMERA);
	char *cg = cg_name("/sys/fs/cgroup", "t-tool-rest");
	int heap = heap_open(CAMERA_HEAP), n;
	static int fds[1000];

	ASSERT_GE(heap, 0);
	n = heap_fill(heap, MIB, fds, 1000);
	EXPECT_EQ(1, dmemctl("doctor", "--prove=" CAMERA));
	EXPECT_NE(NULL, strstr(output(), "no room for a page after 0B of ")) TH_LOG("%s", output());
	while (n--)
		close(fds[n]);
	close(heap);
	ASSERT_EQ(0, cg_create(cg));
	EXPECT_EQ(0, dmem_set(cg, "dmem.min", CAMERA, capacity));
	EXPECT_EQ(1, dmemctl("doctor", "--prove=" CAMERA));
	EXPECT_NE(NULL, strstr(output(), "reservations of other cgroups refused")) TH_LOG("%s", output());
	EXPECT_EQ(0, cg_destroy(cg));
	EXPECT_EQ(0, dmemctl("doctor", "--prove=" CAMERA)) TH_LOG("%s", output());
	EXPECT_EQ(0, scratch_cgroups());
}

static int give(const char *cg, const char *file)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", cg, file);
	return chown(path, NOBODY, -1);
}

/* Another user proves it in a delegated cgroup, whose limit counts, too. */
TEST_F_TIMEOUT(prove, delegated, 120)
{
	char *cg = cg_name("/sys/fs/cgroup", "t-prove"), *leaf = cg_name(cg, "leaf");
	long page = sysconf(_SC_PAGESIZE);
	struct stat st;
	int status;

	ASSERT_EQ(0, stat("/dev/dma_heap/" CAMERA_HEAP, &st));
	ASSERT_EQ(0, cg_create_parent(cg));
	ASSERT_EQ(0, cg_create(leaf));
	EXPECT_EQ(0, give(cg, ""));
	EXPECT_EQ(0, give(cg, "cgroup.procs"));
	EXPECT_EQ(0, give(cg, "cgroup.subtree_control"));
	EXPECT_EQ(0, dmem_set_max(cg, CAMERA, 2 * page));
	EXPECT_EQ(0, cg_enter_current(leaf));
	EXPECT_EQ(0, chmod("/dev/dma_heap/" CAMERA_HEAP, 0600));
	waitpid(prove_start(NOBODY), &status, 0);
	EXPECT_NE(NULL, strstr(text_of(PROVED), "cannot be opened: Permission denied"))
		TH_LOG("%x %s", status, text_of(PROVED));
	EXPECT_EQ(0, chmod("/dev/dma_heap/" CAMERA_HEAP, 0666));
	waitpid(prove_start(NOBODY), &status, 0);
	EXPECT_NE(NULL, strstr(text_of(PROVED), "the limit of /t-prove refused, which is "))
		TH_LOG("%x %s", status, text_of(PROVED));
	EXPECT_EQ(1, WEXITSTATUS(status));
	EXPECT_EQ(0, dmem_set_max(cg, CAMERA, 4 * page));
	waitpid(prove_start(NOBODY), &status, 0);
	EXPECT_NE(NULL, strstr(text_of(PROVED), CAMERA HOLDS(CAMERA_HEAP)))
		TH_LOG("%x %s", status, text_of(PROVED));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_EQ(0, scratch_cgroups());
	EXPECT_EQ(0, chmod("/dev/dma_heap/" CAMERA_HEAP, st.st_mode & 07777));
	EXPECT_EQ(0, cg_enter_current("/sys/fs/cgroup"));
	EXPECT_EQ(0, cg_destroy(leaf));
	EXPECT_EQ(0, cg_destroy(cg));
}

/* The cgroups above get the sum of the reservations in them: the kernel grants each in full. */
TEST_F_TIMEOUT(prove, propagate, 120)
{
	char *top = cg_name("/sys/fs/cgroup", "t-top"), *mid = cg_name(top, "mid"), *a = cg_name(mid, "a"),
		*b = cg_name(mid, "b");

	ASSERT_EQ(0, cg_create_parent(top));
	ASSERT_EQ(0, cg_create_parent(mid));
	ASSERT_EQ(0, cg_create(a));
	ASSERT_EQ(0, cg_create(b));
	/* Without it, nothing is reserved. */
	EXPECT_EQ(0, dmemctl("set", a, "--min=" CAMERA "=2M")) TH_LOG("%s", output());
	EXPECT_EQ(0, dmem_nested(a, "dmem.stat", CAMERA, "reserved"));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, dmemctl("set", a, "--min=" CAMERA "=2M", "--propagate")) TH_LOG("%s", output());
		EXPECT_EQ(i == 0, strstr(output(), "/t-top: reservation of " CAMERA " raised from 0 to 2M\n")
			  != NULL) TH_LOG("%s", output());
		EXPECT_EQ(2 * MIB, dmem_read(top, "dmem.min", CAMERA));
		EXPECT_EQ(2 * MIB, dmem_read(mid, "dmem.min", CAMERA));
		EXPECT_EQ(2 * MIB, dmem_nested(a, "dmem.stat", CAMERA, "reserved"));
	}
	EXPECT_EQ(0, dmemctl("set", b, "--min=" CAMERA "=1M", "--propagate")) TH_LOG("%s", output());
	EXPECT_EQ(3 * MIB, dmem_read(top, "dmem.min", CAMERA));
	EXPECT_EQ(3 * MIB, dmem_read(mid, "dmem.min", CAMERA));
	EXPECT_EQ(2 * MIB, dmem_nested(a, "dmem.stat", CAMERA, "reserved"));
	EXPECT_EQ(1 * MIB, dmem_nested(b, "dmem.stat", CAMERA, "reserved"));
	/* A dry run changes nothing. */
	EXPECT_EQ(0, dmemctl("set", "-n", b, "--min=" CAMERA "=9M", "--propagate")) TH_LOG("%s", output());
	EXPECT_EQ(3 * MIB, dmem_read(top, "dmem.min", CAMERA));
	EXPECT_EQ(0, cg_destroy(b));
	EXPECT_EQ(0, cg_destroy(a));
	EXPECT_EQ(0, cg_destroy(mid));
	EXPECT_EQ(0, cg_destroy(top));
}

TEST_HARNESS_MAIN
