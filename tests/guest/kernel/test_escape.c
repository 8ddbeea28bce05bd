// SPDX-License-Identifier: GPL-2.0
/*
 * Attempts to exceed the limit, or to have another cgroup charged, by a change of
 * identity: another thread, child, user, namespace or cgroup. Each checks the charged
 * cgroup. Ways around the limit by other memory are in test_escape_memory.c.
 *
 * A process in cgroup a, whose limit is LIMIT pages, makes the attempt, allocates until
 * it is refused and stops; b is another cgroup.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/dma-heap.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "charge_fd.h"
#include "guest_util.h"
#include "dmem_expect.h"

#define LIMIT		4	/* pages */
#define MORE		(3 * LIMIT)
#define NOBODY		65534
#define MOVING_MS	20000	/* at most */

/* Results of the process that stopped */
struct seen {
	int got;		/* pages */
	int ret[6];		/* of the steps before */
};

FIXTURE(escape) {
	struct dmem_test t;
	char *a, *b;
	struct seen *seen;
	pid_t pid;		/* of the attempt */
	struct dma_heap_allocation_data wanted;	/* by the traced process */
};

FIXTURE_VARIANT(escape) {
	enum dmem_kind kind;
};

FIXTURE_VARIANT_ADD(escape, cma) {
	.kind = DMEM_CMA,
};

FIXTURE_VARIANT_ADD(escape, system) {
	.kind = DMEM_SYSTEM,
};

FIXTURE_SETUP(escape)
{
	begin_or_skip(_metadata, &self->t, variant->kind);
	self->seen = shared_alloc(sizeof(*self->seen));
	self->a = cg_name(self->t.cg, "a");
	self->b = cg_name(self->t.cg, "b");
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_create(self->b));
	EXPECT_EQ(0, dmem_set_max(self->a, self->t.heap.region, LIMIT * self->t.page));
}

FIXTURE_TEARDOWN(escape)
{
	dmem_end(&self->t);
}

#define ESCAPE	FIXTURE_DATA(escape)

/* Allocates single pages until refused; they stay with this process. */
static int take(const struct dmem_test *t)
{
	int fds[MORE];

	return heap_fill(t->heap_fd, t->page, fds, MORE);
}

/* Runs fn in cg, as root, until it has allocated all it can. */
static void attempt(struct __test_metadata *_metadata, ESCAPE *self, const char *cg,
		    void (*fn)(ESCAPE *self))
{
	int status = 0;

	self->seen->got = -1;
	self->pid = cg_fork(cg);
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		fn(self);
		raise(SIGSTOP);
		_exit(0);
	}
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status))
		TH_LOG("status %#x", status);
}

/* In pages, the usage and its peak */
static void expect_paid(struct __test_metadata *_metadata, ESCAPE *self, int a, int b)
{
	const char *region = self->t.heap.region;
	long long page = self->t.page;

	EXPECT_EQ(a * page, dmem_current(self->a, region));
	EXPECT_EQ(b * page, dmem_current(self->b, region));
	EXPECT_EQ((a + b) * page, dmem_current(self->t.cg, region));
	EXPECT_GE(LIMIT * page, dmem_peak(self->a, region));
}

/* Ends the process, which frees its buffers. */
static void end(struct __test_metadata *_metadata, ESCAPE *self)
{
	kill(self->pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, wait_exit(self->pid));
	dmem_wait_current(self->t.cg, self->t.heap.region, 0, 5000);
	expect_paid(_metadata, self, 0, 0);
}

#define ATTEMPT(cg, fn)	attempt(_metadata, self, cg, fn)
#define EXPECT_PAID(a, b) expect_paid(_metadata, self, a, b)
#define END() end(_metadata, self)

/* A process without root's rights may still trace itself and write its own maps. */
static void become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY) || prctl(PR_SET_DUMPABLE, 1))
		_exit(3);
}

/* A child is in its parent's cgroup, also before it has memory of its own. */
static void by_vfork(ESCAPE *self)
{
	pid_t pid = vfork();

	if (!pid) {
		self->seen->got = take(&self->t);
		_exit(0);
	}
	wait_exit(pid);
}

TEST_F(escape, vfork)
{
	ATTEMPT(self->a, by_vfork);
	EXPECT_EQ(LIMIT, self->seen->got);
	EXPECT_EQ(LIMIT * self->t.page, dmem_peak(self->a, self->t.heap.region));
	EXPECT_EQ(0, dmem_peak(self->b, self->t.heap.region));
	END();
}

/* The child lacks the rights to enter another cgroup, by clone3() or by a move. */
static void into_cgroup(ESCAPE *self)
{
	pid_t pid;

	become_nobody();
	pid = cg_fork(self->b);
	if (!pid)
		_exit(take(&self->t));
	self->seen->ret[0] = wait_exit(pid);
	self->seen->ret[1] = cg_enter_current(self->b);
	self->seen->ret[2] = cg_enter_current(self->t.cg);
	self->seen->ret[3] = dmem_set_max(self->a, self->t.heap.region, DMEM_MAX);
	self->seen->got = take(&self->t);
}

TEST_F(escape, clone_into_cgroup)
{
	ATTEMPT(self->a, into_cgroup);
	EXPECT_EQ(127, self->seen->ret[0]);
	EXPECT_EQ(-EACCES, self->seen->ret[1]);
	EXPECT_EQ(-EACCES, self->seen->ret[2]);
	EXPECT_EQ(-EACCES, self->seen->ret[3]);
	EXPECT_EQ(LIMIT, self->seen->got);
	EXPECT_PAID(LIMIT, 0);
	EXPECT_EQ(0, dmem_peak(self->b, self->t.heap.region));
	END();
}

/*
 * A thread can be in a threaded cgroup of its own, which is a part of the process's
 * cgroup: dmem is no threaded controller.
 */
static void *thread_elsewhere(void *arg)
{
	ESCAPE *self = arg;
	char *part = cg_name(self->a, "part"), tid[32];

	snprintf(tid, sizeof(tid), "%d", (int)syscall(__NR_gettid));
	self->seen->ret[2] = cg_write(self->b, "cgroup.threads", tid);
	self->seen->ret[3] = cg_write(part, "cgroup.threads", tid);
	self->seen->got = take(&self->t);
	free(part);
	return NULL;
}

static void by_thread(ESCAPE *self)
{
	char *part = cg_name(self->a, "part");

	self->seen->ret[0] = cg_create(part);
	self->seen->ret[1] = cg_write(part, "cgroup.type", "threaded");
	free(part);
	run_threads(1, thread_elsewhere, self, sizeof(*self));
}

TEST_F(escape, thread)
{
	char *part = cg_name(self->a, "part");

	ATTEMPT(self->a, by_thread);
	EXPECT_EQ(0, self->seen->ret[0]);
	EXPECT_EQ(0, self->seen->ret[1]);
	EXPECT_EQ(-EOPNOTSUPP, self->seen->ret[2]);
	EXPECT_EQ(0, self->seen->ret[3]);
	EXPECT_EQ(LIMIT, self->seen->got);
	EXPECT_PAID(LIMIT, 0);
	EXPECT_EQ(-ENOENT, dmem_current(part, self->t.heap.region));
	END();
	EXPECT_EQ(0, cg_destroy(part));
	free(part);
}

/*
 * A buffer that is taken out of another process stays charged to that process's cgroup,
 * even after its death. This is intended: an importer is never charged, and a process
 * that may do this may do worse. Buffers from a heap fd taken the same way are charged
 * to their allocator.
 */
static void by_pidfd(ESCAPE *self)
{
	struct dmem_test *t = &self->t;
	int ends[2], fds[2], pidfd, heap_fd;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		_exit(4);
	pid = cg_fork(self->b);
	if (!pid) {
		fds[0] = heap_alloc(t->heap_fd, 2 * t->page);
		fds[1] = heap_open(t->heap.name);
		if (write(ends[1], fds, sizeof(fds)) == sizeof(fds))
			raise(SIGSTOP);
		_exit(0);
	}
	if (read(ends[0], fds, sizeof(fds)) != sizeof(fds))
		_exit(4);
	pidfd = syscall(__NR_pidfd_open, pid, 0);
	self->seen->ret[0] = syscall(__NR_pidfd_getfd, pidfd, fds[0], 0);
	heap_fd = syscall(__NR_pidfd_getfd, pidfd, fds[1], 0);
	kill(pid, SIGKILL);
	wait_exit(pid);
	close(t->heap_fd);
	t->heap_fd = heap_fd;
	self->seen->got = take(t);
}

TEST_F(escape, pidfd_getfd)
{
	ATTEMPT(self->a, by_pidfd);
	EXPECT_LE(0, self->seen->ret[0]);
	EXPECT_EQ(LIMIT, self->seen->got);
	EXPECT_PAID(LIMIT, 2);
	END();
}

/*
 * A tracer makes a process request more than it wanted. The traced process is charged,
 * within its own limit. This is intended, as it makes the call.
 */
static void by_ptrace(ESCAPE *self)
{
	struct dma_heap_allocation_data *data = &self->wanted;
	struct dmem_test *t = &self->t;
	int i, status;
	pid_t pid;

	pid = cg_fork(self->b);
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		for (i = 0; i < 2; i++) {
			data->len = t->page;
			data->fd = 0;
			data->fd_flags = O_RDWR | O_CLOEXEC;
			raise(SIGSTOP);
			self->seen->ret[i] = ioctl(t->heap_fd, DMA_HEAP_IOCTL_ALLOC, data) ?
					     -errno : 0;
		}
		for (;;)
			pause();
	}
	for (i = 0; i < 2; i++) {
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			_exit(4);
		self->seen->ret[2 + i] = ptrace(PTRACE_POKEDATA, pid, &data->len,
						(void *)(long)((3 - i) * LIMIT * t->page));
		ptrace(PTRACE_CONT, pid, NULL, NULL);
	}
	dmem_wait_current(self->b, t->heap.region, 2 * LIMIT * t->page, 5000);
	self->seen->got = take(t);
}

TEST_F(escape, ptrace)
{
	ASSERT_EQ(0, dmem_set_max(self->b, self->t.heap.region, 2 * LIMIT * self->t.page));
	ATTEMPT(self->a, by_ptrace);
	EXPECT_EQ(0, self->seen->ret[2]);
	EXPECT_EQ(0, self->seen->ret[3]);
	EXPECT_EQ(-ENOMEM, self->seen->ret[0]);
	EXPECT_EQ(0, self->seen->ret[1]);
	EXPECT_EQ(LIMIT, self->seen->got);
	EXPECT_PAID(LIMIT, 2 * LIMIT);
	EXPECT_EQ(0, cg_write(self->b, "cgroup.kill", "1"));
	END();
}

/*
 * A process that gives up root's rights and takes them back, as one that executes a
 * setuid program does, stays in its cgroup.
 */
static void by_setuid(ESCAPE *self)
{
	struct seen *seen = self->seen;

	if (setresuid(NOBODY, NOBODY, 0))
		_exit(4);
	seen->ret[0] = cg_enter_current(self->b);
	seen->ret[1] = heap_alloc(self->t.heap_fd, self->t.page);
	if (setresuid(0, 0, 0))
		_exit(4);
	seen->got = take(&self->t);
}

TEST_F(escape, setuid)
{
	ATTEMPT(self->a, by_setuid);
	EXPECT_EQ(-EACCES, self->seen->ret[0]);
	EXPECT_LE(0, self->seen->ret[1]);
	EXPECT_EQ(LIMIT - 1, self->seen->got);
	EXPECT_PAID(LIMIT, 0);
	END();
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* root of a namespace, in which a is the root's cgroup and has no file but its own */
static void by_namespace(ESCAPE *self)
{
	struct dmem_test *t = &self->t;
	struct seen *seen = self->seen;
	static const char root[] = "/tmp";
	char *x = cg_name(root, "x");

	become_nobody();
	seen->ret[0] = unshare(CLONE_NEWUSER | CLONE_NEWCGROUP | CLONE_NEWNS) ? -errno : 0;
	if (seen->ret[0])
		return;
	if (!write_file("/proc/self/setgroups", "deny") ||
	    !write_file("/proc/self/uid_map", "0 65534 1") ||
	    !write_file("/proc/self/gid_map", "0 65534 1") || getuid())
		_exit(4);
	seen->ret[1] = mount("cgroup2", root, "cgroup2", 0, NULL) ? -errno : 0;
	seen->ret[2] = dmem_set_max(root, t->heap.region, DMEM_MAX);
	seen->ret[3] = cg_create(x) ? -errno : 0;
	seen->ret[4] = mount("cgroup", root, "cgroup", 0, "dmem") ? -errno : 0;
	seen->got = take(t);
}

TEST_F(escape, namespaces)
{
	ATTEMPT(self->a, by_namespace);
	if (self->seen->ret[0])
		SKIP(return, "nobody may make a user namespace: %s",
		     strerror(-self->seen->ret[0]));
	EXPECT_EQ(0, self->seen->ret[1]);
	EXPECT_EQ(-EACCES, self->seen->ret[2]);
	EXPECT_EQ(-EACCES, self->seen->ret[3]);
	EXPECT_EQ(-EPERM, self->seen->ret[4]);
	EXPECT_EQ(LIMIT, self->seen->got);
	EXPECT_PAID(LIMIT, 0);
	EXPECT_EQ(LIMIT * self->t.page, dmem_read(self->a, "dmem.max", self->t.heap.region));
	END();
}

/*
 * A buffer is charged to another cgroup, by the fd of its directory or of a process in it,
 * when it is allocated or later. The own charge can be moved to the own cgroup only.
 */
static void by_charge_fd(ESCAPE *self)
{
	struct dmem_test *t = &self->t;
	struct seen *seen = self->seen;
	int b = charge_cgroup(self->b), top = charge_cgroup(t->cg), init = charge_pidfd(1), buf;

	become_nobody();
	buf = heap_alloc(t->heap_fd, t->page);
	seen->ret[0] = charge_alloc(t->heap_fd, t->page, b);
	seen->ret[1] = charge_transfer(buf, b);
	seen->ret[2] = charge_transfer(buf, top);
	seen->ret[3] = charge_transfer(buf, init);
	/* root's rights in a namespace are none here. */
	if (!unshare(CLONE_NEWUSER | CLONE_NEWCGROUP)) {
		seen->ret[4] = charge_alloc(t->heap_fd, t->page, b);
		seen->ret[5] = charge_transfer(buf, b);
	} else {
		seen->ret[4] = seen->ret[5] = -EPERM;
	}
	seen->got = take(t);
}

TEST_F(escape, charge_fd)
{
	unsigned int i;

	ATTEMPT(self->a, by_charge_fd);
	for (i = 0; i < ARRAY_SIZE(self->seen->ret); i++)
		EXPECT_EQ(-EPERM, self->seen->ret[i])
			TH_LOG("door %u", i);
	EXPECT_EQ(LIMIT - 1, self->seen->got);
	EXPECT_PAID(LIMIT, 0);
	EXPECT_EQ(0, dmem_peak(self->b, self->t.heap.region));
	END();
}

/*
 * A buffer of another cgroup is taken over, so that this one has room again: it could
 * exceed its limit by the help of others.
 */
static void by_taking_over(ESCAPE *self)
{
	struct dmem_test *t = &self->t;
	struct seen *seen = self->seen;
	int a = charge_cgroup(self->a), buf[LIMIT + 1], i;

	for (i = 0; i <= LIMIT; i++)
		buf[i] = cg_alloc(self->b, t->heap_fd, t->page);
	become_nobody();
	for (i = 0; i <= LIMIT; i++)
		seen->ret[i] = charge_transfer(buf[i], a);
	seen->got = take(t);
}

TEST_F(escape, take_over)
{
	int i;

	ASSERT_EQ(0, dmem_set_max(self->b, self->t.heap.region, (LIMIT + 1) * self->t.page));
	ATTEMPT(self->a, by_taking_over);
	for (i = 0; i <= LIMIT; i++)
		EXPECT_EQ(-EPERM, self->seen->ret[i])
			TH_LOG("buffer %d", i);
	EXPECT_EQ(LIMIT, self->seen->got);
	EXPECT_PAID(LIMIT, LIMIT + 1);
	END();
}

/*
 * The owner of a's subtree sets limits and reservations there, and disables the
 * controller. The sum of the subtree is still charged to a, and the file of a's limit
 * is not in the subtree.
 */
static void by_subtree(ESCAPE *self)
{
	char *x = cg_name(self->a, "x"), *y = cg_name(self->a, "y");
	const char *region = self->t.heap.region;
	struct seen *seen = self->seen;
	pid_t pid;

	become_nobody();
	if (cg_create(x) || cg_create(y) || cg_enter_current(x) ||
	    cg_write(self->a, "cgroup.subtree_control", "+dmem") ||
	    dmem_set_max(x, region, MORE * self->t.page) ||
	    dmem_set(x, "dmem.min", region, MORE * self->t.page))
		_exit(4);
	seen->ret[0] = dmem_set_max(self->a, region, DMEM_MAX);
	seen->ret[1] = cg_enter_current(self->b);
	seen->got = take(&self->t);
	pid = cg_fork(y);
	if (!pid)
		_exit(take(&self->t));
	seen->ret[2] = wait_exit(pid);
	seen->ret[3] = cg_write(self->a, "cgroup.subtree_control", "-dmem");
	seen->ret[4] = take(&self->t);
}

TEST_F(escape, delegated)
{
	static const char * const files[] = {
		"", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		char *path = cg_name(self->a, files[i]);

		ASSERT_EQ(0, chown(path, NOBODY, NOBODY));
		free(path);
	}
	ATTEMPT(self->a, by_subtree);
	EXPECT_EQ(-EACCES, self->seen->ret[0]);
	EXPECT_EQ(-EACCES, self->seen->ret[1]);
	EXPECT_EQ(LIMIT, self->seen->got);
	EXPECT_EQ(0, self->seen->ret[2]);
	EXPECT_EQ(0, self->seen->ret[3]);
	EXPECT_EQ(0, self->seen->ret[4]);
	EXPECT_PAID(LIMIT, 0);
	END();
}

static int reopen(int fd, int flags)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = open(path, flags | O_CLOEXEC);
	return ret < 0 ? -errno : ret;
}

/*
 * An O_PATH fd of a heap is no heap. Opened again it is one, and its allocations are
 * charged to the process that makes them. An O_PATH fd of a buffer keeps the buffer and
 * its charge.
 */
static void by_path(ESCAPE *self)
{
	struct dmem_test *t = &self->t;
	struct seen *seen = self->seen;
	int path, buf;

	path = reopen(t->heap_fd, O_PATH);
	seen->ret[0] = heap_alloc(path, t->page);
	close(t->heap_fd);
	t->heap_fd = reopen(path, O_RDWR);
	close(path);
	buf = heap_alloc(t->heap_fd, t->page);
	seen->ret[1] = reopen(buf, O_RDWR);
	path = reopen(buf, O_PATH);
	close(buf);
	seen->ret[2] = path;
	seen->got = take(t);
}

TEST_F(escape, o_path)
{
	ATTEMPT(self->a, by_path);
	EXPECT_EQ(-EBADF, self->seen->ret[0]);
	EXPECT_GT(0, self->seen->ret[1]);
	EXPECT_LE(0, self->seen->ret[2]);
	EXPECT_EQ(LIMIT - 1, self->seen->got);
	EXPECT_PAID(LIMIT, 0);
	END();
}

/*
 * The process is moved back and forth while it allocates. Each buffer is charged once,
 * to the cgroup of the process at the time of the request, within the limit there.
 */
struct moved {
	ESCAPE *self;
	atomic_int stop;
	int fds[2 * MORE], n;
	atomic_int most;
};

static void *take_and_return(void *arg)
{
	struct moved *m = arg;
	const struct dmem_test *t = &m->self->t;
	int fd;

	while (!m->stop) {
		fd = heap_alloc(t->heap_fd, t->page);
		if (fd >= 0)
			m->fds[m->n++] = fd;
		if (m->n > m->most)
			m->most = m->n;
		/* Full, or refused: half of the buffers are freed. */
		while (m->n && (fd < 0 || m->n == (int)ARRAY_SIZE(m->fds))) {
			close(m->fds[--m->n]);
			if (m->n % LIMIT == 0)
				break;
		}
	}
	return NULL;
}

/* Has it had buffers of both cgroups at once, and each up to its limit? */
static bool had_both(const struct moved *m)
{
	const struct dmem_test *t = &m->self->t;
	long long limit = LIMIT * t->page;

	return m->most > LIMIT && dmem_peak(m->self->a, t->heap.region) == limit &&
	       dmem_peak(m->self->b, t->heap.region) == limit;
}

static void moved_around(ESCAPE *self)
{
	long long end = now_ms() + MOVING_MS;
	struct moved m = { .self = self };
	pthread_t thread;
	int i;

	pthread_create(&thread, NULL, take_and_return, &m);
	/* That takes longer on a slow machine. */
	for (i = 0; (i < 100 || (!had_both(&m) && now_ms() < end)) && !self->seen->ret[0]; i++)
		self->seen->ret[0] = cg_enter_current(i % 2 ? self->a : self->b);
	m.stop = 1;
	pthread_join(thread, NULL);
	self->seen->got = m.n;
	self->seen->ret[1] = m.most;
}

TEST_F_TIMEOUT(escape, migration, 60)
{
	const char *region = self->t.heap.region;
	long long page = self->t.page, a, b;

	ASSERT_EQ(0, dmem_set_max(self->b, region, LIMIT * page));
	ATTEMPT(self->a, moved_around);
	EXPECT_EQ(0, self->seen->ret[0]);
	EXPECT_GE(2 * LIMIT, self->seen->ret[1]);
	a = dmem_current(self->a, region);
	b = dmem_current(self->b, region);
	EXPECT_EQ(self->seen->got * page, a + b);
	EXPECT_EQ(a + b, dmem_current(self->t.cg, region));
	END();
	/* A skip would hide a failed expectation. */
	if (self->seen->ret[1] <= LIMIT && __test_passed(_metadata))
		SKIP(return, "never had buffers of both cgroups at the same time");
	/* The sum is beyond one limit, and neither is exceeded. */
	EXPECT_EQ(LIMIT * page, dmem_peak(self->a, region));
	EXPECT_EQ(LIMIT * page, dmem_peak(self->b, region));
}

TEST_HARNESS_MAIN
