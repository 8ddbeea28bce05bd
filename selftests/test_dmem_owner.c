// SPDX-License-Identifier: GPL-2.0
/*
 * A buffer is charged to the cgroup in which it was allocated, until the last
 * reference is gone, wherever that is held and even if the allocating process
 * has moved or died. It is charged once.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"

#define PAGES	4

FIXTURE(owner) {
	struct dmem_test t;
	char *a, *b;
	long long len;
};

FIXTURE_VARIANT(owner) {
	enum dmem_kind kind;
};

FIXTURE_VARIANT_ADD(owner, cma) {
	.kind = DMEM_CMA,
};

FIXTURE_VARIANT_ADD(owner, system) {
	.kind = DMEM_SYSTEM,
};

FIXTURE_SETUP(owner)
{
	int ret = dmem_begin(&self->t, variant->kind);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	self->len = PAGES * self->t.page;
	self->a = cg_name(self->t.cg, "a");
	self->b = cg_name(self->t.cg, "b");
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_create(self->b));
	EXPECT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(owner)
{
	dmem_end(&self->t);
}

/* Checks that a has one buffer or none, and b has none. */
static void expect_in_a(struct __test_metadata *_metadata, struct dmem_test *t,
			const char *a, const char *b, long long bytes)
{
	const char *region = t->heap.region;

	EXPECT_EQ(bytes, dmem_current(a, region));
	EXPECT_EQ(0, dmem_current(b, region));
	EXPECT_EQ(bytes, dmem_current(t->cg, region));
}

/* The same after another process dropped its reference, which may be delayed. */
static void expect_gone(struct __test_metadata *_metadata, struct dmem_test *t,
			const char *a, const char *b)
{
	dmem_wait_current(a, t->heap.region, 0, 5000);
	expect_in_a(_metadata, t, a, b, 0);
}

/* Reads one byte, or returns at the end of file. */
static int get_byte(int fd)
{
	char c;

	return read(fd, &c, 1) == 1 ? c : -1;
}

static void put_byte(int fd)
{
	if (write(fd, "x", 1) != 1)
		_exit(2);
}

TEST_F(owner, dup)
{
	struct dmem_test *t = &self->t;
	int fd, other;

	fd = heap_alloc(t->heap_fd, self->len);
	ASSERT_LE(0, fd);
	other = dup(fd);
	ASSERT_LE(0, other);
	expect_in_a(_metadata, t, self->a, self->b, self->len);
	close(fd);
	expect_in_a(_metadata, t, self->a, self->b, self->len);
	close(other);
	expect_in_a(_metadata, t, self->a, self->b, 0);
}

/* A mapping is a reference as well. */
TEST_F(owner, mapping_outlives_fd)
{
	struct dmem_test *t = &self->t;
	char *map;
	int fd;

	fd = heap_alloc(t->heap_fd, self->len);
	ASSERT_LE(0, fd);
	map = mmap(NULL, self->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_TRUE(map != MAP_FAILED);
	memset(map, 0xa5, self->len);
	expect_in_a(_metadata, t, self->a, self->b, self->len);
	close(fd);
	expect_in_a(_metadata, t, self->a, self->b, self->len);
	map[self->len - 1] = 1;
	EXPECT_EQ(0, munmap(map, t->page));
	expect_in_a(_metadata, t, self->a, self->b, self->len);
	EXPECT_EQ(0, munmap(map + t->page, self->len - t->page));
	expect_in_a(_metadata, t, self->a, self->b, 0);
}

/* A child inherits the reference, not the charge. */
TEST_F(owner, fork)
{
	struct dmem_test *t = &self->t;
	int fd, go[2];
	pid_t pid;

	fd = heap_alloc(t->heap_fd, self->len);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	pid = cg_fork(self->b);
	ASSERT_LE(0, pid);
	if (!pid) {
		close(go[1]);
		get_byte(go[0]);
		_exit(0);
	}
	close(go[0]);
	expect_in_a(_metadata, t, self->a, self->b, self->len);
	close(fd);
	expect_in_a(_metadata, t, self->a, self->b, self->len);
	close(go[1]);
	EXPECT_EQ(0, wait_exit(pid));
	expect_gone(_metadata, t, self->a, self->b);
}

/* An fd without O_CLOEXEC goes through exec, one with it does not. */
TEST_F(owner, exec)
{
	struct dmem_test *t = &self->t;
	int fd, ready[2], end[2], flags;
	char env[64];
	pid_t pid;

	for (flags = O_RDWR; ; flags |= O_CLOEXEC) {
		fd = heap_alloc_flags(t->heap_fd, self->len, flags, 0);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, pipe(ready));
		ASSERT_EQ(0, pipe(end));
		pid = cg_fork(self->b);
		ASSERT_LE(0, pid);
		if (!pid) {
			close(end[1]);
			snprintf(env, sizeof(env), "%d %d", ready[1], end[0]);
			setenv(DMEM_EXEC_HOLD, env, 1);
			execl("/proc/self/exe", "hold", NULL);
			_exit(1);
		}
		close(ready[1]);
		close(end[0]);
		close(fd);
		/* From here on only the new program may hold it. */
		ASSERT_EQ('r', get_byte(ready[0]));
		if (flags & O_CLOEXEC)
			expect_gone(_metadata, t, self->a, self->b);
		else
			expect_in_a(_metadata, t, self->a, self->b, self->len);
		close(end[1]);
		EXPECT_EQ(0, wait_exit(pid));
		close(ready[0]);
		expect_gone(_metadata, t, self->a, self->b);
		if (flags & O_CLOEXEC)
			break;
	}
}

/* The charged process moves to another cgroup; the charge stays. */
TEST_F(owner, charger_moved)
{
	struct dmem_test *t = &self->t;
	int fd, more;

	fd = heap_alloc(t->heap_fd, self->len);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_enter_current(self->b));
	expect_in_a(_metadata, t, self->a, self->b, self->len);

	/* Its further allocations are charged to b. */
	more = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, more);
	EXPECT_EQ(self->len, dmem_current(self->a, t->heap.region));
	EXPECT_EQ(t->page, dmem_current(self->b, t->heap.region));
	close(more);
	expect_in_a(_metadata, t, self->a, self->b, self->len);
	close(fd);
	expect_in_a(_metadata, t, self->a, self->b, 0);
}

/* The charge goes to the calling process, not to the one that opened the heap. */
TEST_F(owner, heap_fd_from_elsewhere)
{
	struct dmem_test *t = &self->t;
	int fd, heap_fd;

	heap_fd = heap_open(t->heap.name);	/* opened in a */
	ASSERT_LE(0, heap_fd);
	ASSERT_EQ(0, cg_enter_current(self->b));
	fd = heap_alloc(heap_fd, self->len);
	ASSERT_LE(0, fd);
	expect_in_a(_metadata, t, self->b, self->a, self->len);
	close(heap_fd);
	expect_in_a(_metadata, t, self->b, self->a, self->len);
	close(fd);
	expect_in_a(_metadata, t, self->b, self->a, 0);
}

/*
 * A child in a allocates and sends the buffer to this process, in b; then it
 * lives on without its own reference, or exits, or is killed.
 */
static int charge_by_child(struct __test_metadata *_metadata,
			   struct dmem_test *t, const char *a, long long len,
			   pid_t *child, int *sock)
{
	int sv[2], fd;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	pid = cg_fork(a);
	ASSERT_LE(0, pid);
	if (!pid) {
		close(sv[0]);
		fd = heap_alloc(t->heap_fd, len);
		if (fd < 0 || send_fd(sv[1], fd))
			_exit(1);
		close(fd);
		put_byte(sv[1]);
		get_byte(sv[1]);
		_exit(0);
	}
	close(sv[1]);
	*child = pid;
	*sock = sv[0];
	fd = recv_fd(sv[0]);
	ASSERT_LE(0, fd);
	ASSERT_EQ('x', get_byte(sv[0]));
	return fd;
}

TEST_F(owner, sent_to_another_cgroup)
{
	struct dmem_test *t = &self->t;
	int fd, sock;
	pid_t pid;

	ASSERT_EQ(0, cg_enter_current(self->b));
	fd = charge_by_child(_metadata, t, self->a, self->len, &pid, &sock);
	/* The sender has closed its own, and lives. */
	expect_in_a(_metadata, t, self->a, self->b, self->len);
	close(fd);
	expect_in_a(_metadata, t, self->a, self->b, 0);
	close(sock);
	EXPECT_EQ(0, wait_exit(pid));
	expect_in_a(_metadata, t, self->a, self->b, 0);
}

/* b's limit is not checked when b receives a buffer, and a's stays in use. */
TEST_F(owner, importer_is_not_charged)
{
	struct dmem_test *t = &self->t;
	int fd, sock;
	char *map;
	pid_t pid;

	ASSERT_EQ(0, cg_enter_current(self->b));
	ASSERT_EQ(0, dmem_set_max(self->b, t->heap.region, 0));
	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, self->len));
	fd = charge_by_child(_metadata, t, self->a, self->len, &pid, &sock);
	map = mmap(NULL, self->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_TRUE(map != MAP_FAILED);
	memset(map, 1, self->len);
	expect_in_a(_metadata, t, self->a, self->b, self->len);
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, t->page));
	ASSERT_EQ(0, cg_enter_current(self->a));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, t->page));
	ASSERT_EQ(0, cg_enter_current(self->b));
	close(fd);
	expect_in_a(_metadata, t, self->a, self->b, self->len);
	EXPECT_EQ(0, munmap(map, self->len));
	expect_in_a(_metadata, t, self->a, self->b, 0);
	close(sock);
	EXPECT_EQ(0, wait_exit(pid));
}

TEST_F(owner, charger_dead)
{
	struct dmem_test *t = &self->t;
	int fd, sock, killed;
	pid_t pid;

	ASSERT_EQ(0, cg_enter_current(self->b));
	for (killed = 0; killed < 2; killed++) {
		fd = charge_by_child(_metadata, t, self->a, self->len, &pid,
				     &sock);
		if (killed)
			kill(pid, SIGKILL);
		else
			close(sock);
		EXPECT_EQ(killed ? 128 + SIGKILL : 0, wait_exit(pid));
		if (killed)
			close(sock);
		expect_in_a(_metadata, t, self->a, self->b, self->len);
		/* Dropped late. */
		sleep_ms(100);
		expect_in_a(_metadata, t, self->a, self->b, self->len);
		close(fd);
		expect_in_a(_metadata, t, self->a, self->b, 0);
	}
}

/* No process has an fd: the only reference waits in a socket's queue. */
TEST_F(owner, in_flight)
{
	struct dmem_test *t = &self->t;
	int sv[2], fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	fd = heap_alloc(t->heap_fd, self->len);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, send_fd(sv[0], fd));
	close(fd);
	ASSERT_EQ(0, cg_enter_current(self->b));
	expect_in_a(_metadata, t, self->a, self->b, self->len);
	fd = recv_fd(sv[1]);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, send_fd(sv[0], fd));
	close(fd);
	expect_in_a(_metadata, t, self->a, self->b, self->len);
	close(sv[0]);
	close(sv[1]);
	expect_gone(_metadata, t, self->a, self->b);
}

/* The death of a process frees its buffers and ends every charge. */
TEST_F(owner, killed_with_buffers)
{
	struct dmem_test *t = &self->t;
	int ready[2], i;
	pid_t pid;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, cg_enter_current(self->b));
	pid = cg_fork(self->a);
	ASSERT_LE(0, pid);
	if (!pid) {
		for (i = 0; i < 16; i++) {
			int fd = heap_alloc(t->heap_fd, t->page);

			if (fd < 0 || mmap(NULL, t->page, PROT_READ, MAP_SHARED,
					   fd, 0) == MAP_FAILED)
				_exit(1);
			if (i & 1)
				close(fd);
		}
		put_byte(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	ASSERT_EQ('x', get_byte(ready[0]));
	expect_in_a(_metadata, t, self->a, self->b, 16 * t->page);
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, wait_exit(pid));
	expect_gone(_metadata, t, self->a, self->b);
}

TEST_HARNESS_MAIN
