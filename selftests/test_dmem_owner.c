// SPDX-License-Identifier: GPL-2.0
/*
 * A buffer is charged to the cgroup in which it was allocated, until the last
 * reference is gone, wherever that is held and even if the allocating process
 * has moved or died. It is charged once. A charge may outlive its cgroup: it stays
 * in all ancestors, a new cgroup of the same name starts at zero, and nothing else
 * pins the old one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"

#define MANY	100	/* cgroups: each move to another one takes milliseconds */
#define HOLDER	"holder"	/* name of this program when a test executes it */
#define OWNER	FIXTURE_DATA(owner)

/*
 * parent
 *   a		the test begins here
 * b
 */
FIXTURE(owner) {
	struct dmem_test t;
	const char *region;
	char *parent, *a, *b;
	long long page, len;
};

FIXTURE_VARIANT(owner) { enum dmem_kind kind; };
FIXTURE_VARIANT_ADD(owner, cma) { .kind = DMEM_CMA };
FIXTURE_VARIANT_ADD(owner, system) { .kind = DMEM_SYSTEM };

FIXTURE_SETUP(owner)
{
	begin_or_skip(_metadata, &self->t, variant->kind);
	self->region = self->t.heap.region;
	self->page = self->t.page;
	self->len = 4 * self->page;
	self->parent = new_cgroup(_metadata, cg_create_parent, self->t.cg, "parent");
	self->a = new_cgroup(_metadata, cg_create, self->parent, "a");
	self->b = new_cgroup(_metadata, cg_create, self->t.cg, "b");
	EXPECT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(owner)
{
	dmem_end(&self->t);
}

static int alloc(OWNER *self, long long len)
{
	return heap_alloc(self->t.heap_fd, len);
}

/* All charges of the test are those of a. */
static void expect_in_a(struct __test_metadata *_metadata, OWNER *self,
			long long bytes)
{
	EXPECT_EQ(bytes, dmem_current(self->a, self->region));
	EXPECT_EQ(0, dmem_current(self->b, self->region));
	EXPECT_EQ(bytes, dmem_current(self->t.cg, self->region));
}

/* Not charged any more, after another process dropped its reference, maybe late. */
static void expect_gone(struct __test_metadata *_metadata, OWNER *self)
{
	dmem_wait_current(self->a, self->region, 0, 5000);
	expect_in_a(_metadata, self, 0);
}

static void *map_buffer(int fd, long long len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
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

/* Starts a child in cg. Both processes get one end of a socket. */
static pid_t fork_into(struct __test_metadata *_metadata, const char *cg, int *sock)
{
	int sv[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	pid = cg_fork(cg);
	if (pid)
		ASSERT_LT(0, pid);
	*sock = sv[pid ? 0 : 1];
	close(sv[pid ? 1 : 0]);
	return pid;
}

TEST_F(owner, dup)
{
	int fd, other;

	fd = alloc(self, self->len);
	ASSERT_LE(0, fd);
	other = dup(fd);
	ASSERT_LE(0, other);
	expect_in_a(_metadata, self, self->len);
	close(fd);
	expect_in_a(_metadata, self, self->len);
	close(other);
	expect_in_a(_metadata, self, 0);
}

/* A mapping is a reference as well. */
TEST_F(owner, mapping_outlives_fd)
{
	char *map;
	int fd;

	fd = alloc(self, self->len);
	ASSERT_LE(0, fd);
	map = map_buffer(fd, self->len);
	ASSERT_TRUE(map != MAP_FAILED);
	memset(map, 0xa5, self->len);
	expect_in_a(_metadata, self, self->len);
	close(fd);
	expect_in_a(_metadata, self, self->len);
	map[self->len - 1] = 1;
	EXPECT_EQ(0, munmap(map, self->page));
	expect_in_a(_metadata, self, self->len);
	EXPECT_EQ(0, munmap(map + self->page, self->len - self->page));
	expect_in_a(_metadata, self, 0);
}

/* A child inherits the reference, not the charge. */
TEST_F(owner, fork)
{
	int fd, sock;
	pid_t pid;

	fd = alloc(self, self->len);
	ASSERT_LE(0, fd);
	pid = fork_into(_metadata, self->b, &sock);
	if (!pid) {
		get_byte(sock);
		_exit(0);
	}
	expect_in_a(_metadata, self, self->len);
	close(fd);
	expect_in_a(_metadata, self, self->len);
	close(sock);
	EXPECT_EQ(0, wait_exit(pid));
	expect_gone(_metadata, self);
}

/* An fd without O_CLOEXEC goes through exec, one with it does not. */
TEST_F(owner, exec)
{
	int fd, sock, cloexec;
	pid_t pid;

	for (cloexec = 0; cloexec < 2; cloexec++) {
		fd = heap_alloc_flags(self->t.heap_fd, self->len,
				      O_RDWR | (cloexec ? O_CLOEXEC : 0), 0);
		ASSERT_LE(0, fd);
		pid = fork_into(_metadata, self->b, &sock);
		if (!pid) {
			if (dup2(sock, STDIN_FILENO) == STDIN_FILENO)
				execl("/proc/self/exe", HOLDER, NULL);
			_exit(1);
		}
		close(fd);
		/* From here on only the new program may hold it. */
		ASSERT_EQ('x', get_byte(sock));
		if (cloexec)
			expect_gone(_metadata, self);
		else
			expect_in_a(_metadata, self, self->len);
		close(sock);
		EXPECT_EQ(0, wait_exit(pid));
		expect_gone(_metadata, self);
	}
}

/* The charged process moves to another cgroup; the charge stays. */
TEST_F(owner, charger_moved)
{
	int fd, more;

	fd = alloc(self, self->len);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_enter_current(self->b));
	expect_in_a(_metadata, self, self->len);

	/* Its further allocations are charged to b. */
	more = alloc(self, self->page);
	ASSERT_LE(0, more);
	EXPECT_EQ(self->len, dmem_current(self->a, self->region));
	EXPECT_EQ(self->page, dmem_current(self->b, self->region));
	close(more);
	expect_in_a(_metadata, self, self->len);
	close(fd);
	expect_in_a(_metadata, self, 0);
}

/* The charge goes to the calling process, not to the one that opened the heap. */
TEST_F(owner, heap_fd_from_elsewhere)
{
	int fd, heap_fd;

	ASSERT_EQ(0, cg_enter_current(self->b));
	heap_fd = heap_open(self->t.heap.name);
	ASSERT_LE(0, heap_fd);
	ASSERT_EQ(0, cg_enter_current(self->a));
	fd = heap_alloc(heap_fd, self->len);
	ASSERT_LE(0, fd);
	expect_in_a(_metadata, self, self->len);
	close(heap_fd);
	expect_in_a(_metadata, self, self->len);
	close(fd);
	expect_in_a(_metadata, self, 0);
}

/*
 * This process enters b. A child in a allocates and sends it the buffer; then the
 * child lives on without a reference of its own, or exits, or is killed.
 */
static int charge_by_child(struct __test_metadata *_metadata, OWNER *self,
			   pid_t *child, int *sock)
{
	int fd;

	ASSERT_EQ(0, cg_enter_current(self->b));
	*child = fork_into(_metadata, self->a, sock);
	if (!*child) {
		fd = alloc(self, self->len);
		if (fd < 0 || send_fd(*sock, fd))
			_exit(1);
		close(fd);
		put_byte(*sock);
		get_byte(*sock);
		_exit(0);
	}
	fd = recv_fd(*sock);
	ASSERT_LE(0, fd);
	ASSERT_EQ('x', get_byte(*sock));
	return fd;
}

TEST_F(owner, sent_to_another_cgroup)
{
	int fd, sock;
	pid_t pid;

	fd = charge_by_child(_metadata, self, &pid, &sock);
	/* The sender has closed its own, and lives. */
	expect_in_a(_metadata, self, self->len);
	close(fd);
	expect_in_a(_metadata, self, 0);
	close(sock);
	EXPECT_EQ(0, wait_exit(pid));
	expect_in_a(_metadata, self, 0);
}

/* b's limit is not checked when b receives a buffer, and a's stays in use. */
TEST_F(owner, importer_is_not_charged)
{
	int fd, sock;
	char *map;
	pid_t pid;

	ASSERT_EQ(0, dmem_set_max(self->b, self->region, 0));
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, self->len));
	fd = charge_by_child(_metadata, self, &pid, &sock);
	map = map_buffer(fd, self->len);
	ASSERT_TRUE(map != MAP_FAILED);
	memset(map, 1, self->len);
	expect_in_a(_metadata, self, self->len);
	EXPECT_EQ(-ENOMEM, alloc(self, self->page));
	ASSERT_EQ(0, cg_enter_current(self->a));
	EXPECT_EQ(-ENOMEM, alloc(self, self->page));
	ASSERT_EQ(0, cg_enter_current(self->b));
	close(fd);
	expect_in_a(_metadata, self, self->len);
	EXPECT_EQ(0, munmap(map, self->len));
	expect_in_a(_metadata, self, 0);
	close(sock);
	EXPECT_EQ(0, wait_exit(pid));
}

TEST_F(owner, charger_dead)
{
	int fd, sock, killed;
	pid_t pid;

	for (killed = 0; killed < 2; killed++) {
		fd = charge_by_child(_metadata, self, &pid, &sock);
		if (killed)
			kill(pid, SIGKILL);
		else
			shutdown(sock, SHUT_WR);
		EXPECT_EQ(killed ? 128 + SIGKILL : 0, wait_exit(pid));
		close(sock);
		expect_in_a(_metadata, self, self->len);
		sleep_ms(100);	/* It may be dropped late. */
		expect_in_a(_metadata, self, self->len);
		close(fd);
		expect_in_a(_metadata, self, 0);
	}
}

/* No process has an fd: the only reference waits in a socket's queue. */
TEST_F(owner, in_flight)
{
	int sv[2], fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	fd = alloc(self, self->len);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, send_fd(sv[0], fd));
	close(fd);
	ASSERT_EQ(0, cg_enter_current(self->b));
	expect_in_a(_metadata, self, self->len);
	fd = recv_fd(sv[1]);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, send_fd(sv[0], fd));
	close(fd);
	expect_in_a(_metadata, self, self->len);
	close(sv[0]);
	close(sv[1]);
	expect_gone(_metadata, self);
}

/* The death of a process frees its buffers and ends every charge. */
TEST_F(owner, killed_with_buffers)
{
	int fd, sock, i;
	pid_t pid;

	ASSERT_EQ(0, cg_enter_current(self->b));
	pid = fork_into(_metadata, self->a, &sock);
	if (!pid) {
		for (i = 0; i < 16; i++) {
			fd = alloc(self, self->page);
			if (fd < 0 || map_buffer(fd, self->page) == MAP_FAILED)
				_exit(1);
			if (i & 1)
				close(fd);
		}
		put_byte(sock);
		for (;;)
			pause();
	}
	ASSERT_EQ('x', get_byte(sock));
	expect_in_a(_metadata, self, 16 * self->page);
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, wait_exit(pid));
	expect_gone(_metadata, self);
}

TEST_F(owner, rmdir_with_buffers)
{
	const char *region = self->region;
	long long page = self->page;
	int old, new;

	ASSERT_EQ(0, dmem_set_max(self->parent, region, 8 * page));
	ASSERT_EQ(0, dmem_set_max(self->a, region, 6 * page));
	old = alloc(self, 5 * page);
	ASSERT_LE(0, old);
	ASSERT_EQ(0, cg_enter_current(self->b));
	ASSERT_EQ(0, cg_destroy(self->a));
	EXPECT_EQ(5 * page, dmem_current(self->parent, region));
	EXPECT_EQ(5 * page, dmem_current(self->t.cg, region));

	/* The same path: the usage and the limit are new, the parent's are not. */
	ASSERT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, dmem_current(self->a, region));
	EXPECT_EQ(0, dmem_peak(self->a, region));
	EXPECT_EQ(DMEM_MAX, dmem_read(self->a, "dmem.max", region));
	ASSERT_EQ(0, cg_enter_current(self->a));
	EXPECT_EQ(-ENOMEM, alloc(self, 4 * page));
	new = alloc(self, 3 * page);
	ASSERT_LE(0, new);
	EXPECT_EQ(3 * page, dmem_current(self->a, region));
	EXPECT_EQ(8 * page, dmem_current(self->parent, region));

	close(old);
	EXPECT_EQ(3 * page, dmem_current(self->a, region));
	EXPECT_EQ(3 * page, dmem_current(self->parent, region));
	close(new);
	EXPECT_EQ(0, dmem_current(self->parent, region));
	expect_in_a(_metadata, self, 0);
}

/* The whole branch is removed; the ancestors are still charged. */
TEST_F(owner, rmdir_of_a_branch)
{
	struct dmem_test *t = &self->t;
	long long root = dmem_current(t->root, self->region);
	char *map;
	int fd;

	fd = alloc(self, self->len);
	ASSERT_LE(0, fd);
	map = map_buffer(fd, self->len);
	ASSERT_TRUE(map != MAP_FAILED);
	close(fd);
	ASSERT_EQ(0, cg_enter_current(self->b));
	ASSERT_EQ(0, cg_destroy(self->a));
	ASSERT_EQ(0, cg_destroy(self->parent));
	EXPECT_EQ(self->len, dmem_current(t->cg, self->region));
	expect_root(_metadata, t, self->region, root, self->len);
	EXPECT_EQ(2, cg_read_key_long(t->cg, "cgroup.stat", DYING));
	memset(map, 1, self->len);
	EXPECT_EQ(0, munmap(map, self->len));
	EXPECT_EQ(0, dmem_current(t->cg, self->region));
	expect_root(_metadata, t, self->region, root, 0);
	EXPECT_EQ(0, cg_wait_dying(t->cg, 0));
}

/* A removed cgroup stays as long as its buffers do, and no longer. */
TEST_F(owner, dying_as_long_as_charged)
{
	int fd[8], i;
	char *cg;

	ASSERT_EQ(0, cg_enter_current(self->b));
	for (i = 0; i < 8; i++) {
		cg = cg_name_indexed(self->parent, "dying", i);
		ASSERT_EQ(0, cg_create(cg));
		fd[i] = cg_alloc(cg, self->t.heap_fd, self->page);
		ASSERT_LE(0, fd[i]);
		ASSERT_EQ(0, cg_destroy(cg));
		free(cg);
	}
	EXPECT_EQ(8, cg_wait_dying(self->parent, 8));
	sleep_ms(500);
	EXPECT_EQ(8, cg_wait_dying(self->parent, 8));
	EXPECT_EQ(8 * self->page, dmem_current(self->parent, self->region));
	for (i = 0; i < 8; i++) {
		close(fd[i]);
		EXPECT_EQ((7 - i) * self->page, dmem_current(self->parent, self->region));
	}
	EXPECT_EQ(0, cg_wait_dying(self->parent, 0));
}

/* Many cgroups are created, every other one is removed while its buffer lives. */
TEST_F(owner, come_and_go)
{
	long long page = self->page;
	char *cg, *old = NULL;
	int old_fd = -1, i;

	ASSERT_EQ(0, cg_read_key_long(self->parent, "cgroup.stat", DYING));
	for (i = 0; i <= MANY; i++) {
		cg = i < MANY ? cg_name_indexed(self->parent, "many", i) : self->b;
		if (i < MANY)
			ASSERT_EQ(0, cg_create(cg));
		ASSERT_EQ(0, cg_enter_current(cg));
		if (old) {
			ASSERT_EQ(page, dmem_current(old, self->region));
			if (i & 1)
				close(old_fd);
			ASSERT_EQ(0, cg_destroy(old));
			free(old);
			if (!(i & 1)) {
				ASSERT_EQ(page, dmem_current(self->parent, self->region));
				close(old_fd);
			}
		}
		ASSERT_EQ(0, dmem_current(self->parent, self->region));
		if (i == MANY)
			break;
		old = cg;
		old_fd = alloc(self, page);
		ASSERT_LE(0, old_fd);
	}
	EXPECT_EQ(0, cg_wait_dying(self->parent, 0));
	EXPECT_EQ(0, dmem_current(self->parent, self->region));
	EXPECT_EQ(page, dmem_peak(self->parent, self->region));
}

int main(int argc, char **argv)
{
	if (strcmp(argv[0], HOLDER))
		return test_harness_run(argc, argv);
	/* Executed by a test: keeps the fds that it inherited until the test goes on. */
	put_byte(STDIN_FILENO);
	return get_byte(STDIN_FILENO) != -1;
}
