// SPDX-License-Identifier: GPL-2.0
/*
 * A daemon in cgroup a has the buffers of its clients charged to them: when it allocates
 * them (DMA_HEAP_FLAG_CHARGE_FD), or later (DMA_BUF_IOCTL_XFER_CHARGE). b is the cgroup of
 * a client. The daemon has CAP_SYS_RESOURCE, except in the tests of rights.
 */
#include <linux/capability.h>
#include <linux/udmabuf.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "charge_fd.h"
#include "guest_util.h"
#include "dmem_expect_events.h"
#include "dmem_expect_owner.h"
#include "dmem_reserve_fixture.h"

#define PAGES		8
#define THREADS		4
#define RACE_MS		2000
#define NO_CAP		0ULL
#define RESOURCE	(1ULL << CAP_SYS_RESOURCE)

FIXTURE(chargefd) {
	struct dmem_test t;
	const char *region;
	long long len;
	char *a, *b;
	int a_fd, b_fd;			/* of the cgroups */
	pid_t client;			/* in b */
	int pidfd;
};

#define CHARGEFD	FIXTURE_DATA(chargefd)

FIXTURE_VARIANT(chargefd) { enum dmem_kind kind; };
FIXTURE_VARIANT_ADD(chargefd, cma) { .kind = DMEM_CMA };
FIXTURE_VARIANT_ADD(chargefd, system) { .kind = DMEM_SYSTEM };

static pid_t sleeper(const char *cg)
{
	pid_t pid = cg_fork(cg);

	if (!pid) {
		for (;;)
			pause();
	}
	return pid;
}

static void end(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		wait_exit(*pid);
	}
	*pid = 0;
}

/* Nothing keeps b when its processes and charges are gone. */
static void expect_freed(struct __test_metadata *_metadata, CHARGEFD *self)
{
	end(&self->client);
	EXPECT_EQ(0, cg_destroy(self->b));
	EXPECT_EQ(0, cg_wait_dying(self->t.cg, 0));
	EXPECT_EQ(0, cg_read_key_long_poll(self->t.cg, "cgroup.stat", "nr_dying_descendants ", 0,
					   100, 20000));
}

FIXTURE_SETUP(chargefd)
{
	struct dmem_test *t = &self->t;

	begin_or_skip(_metadata, t, variant->kind);
	self->region = t->heap.region;
	self->len = PAGES * t->page;
	self->a = new_cgroup(_metadata, cg_create, t->cg, "a");
	self->b = new_cgroup(_metadata, cg_create, t->cg, "b");
	self->a_fd = charge_cgroup(self->a);
	self->b_fd = charge_cgroup(self->b);
	ASSERT_LE(0, self->a_fd);
	ASSERT_LE(0, self->b_fd);
	self->client = sleeper(self->b);
	ASSERT_LT(0, self->client);
	self->pidfd = charge_pidfd(self->client);
	ASSERT_LE(0, self->pidfd);
	ASSERT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(chargefd)
{
	end(&self->client);
	close(self->pidfd);
	close(self->a_fd);
	close(self->b_fd);
	dmem_end(&self->t);
}

/* In bytes */
static void expect_charges(struct __test_metadata *_metadata, CHARGEFD *self, long long a,
			   long long b)
{
	EXPECT_EQ(a, dmem_current(self->a, self->region));
	EXPECT_EQ(b, dmem_current(self->b, self->region));
	EXPECT_EQ(a + b, dmem_current(self->t.cg, self->region));
	expect_identity(_metadata, &self->t, self->t.cg);
}

#define EXPECT_CHARGES(a, b)	expect_charges(_metadata, self, a, b)
#define ALLOC_FOR(fd)		charge_alloc(self->t.heap_fd, self->len, fd)
#define ALLOC()			heap_alloc(self->t.heap_fd, self->len)

/* A buffer for the client, by its pidfd: the charge outlives it. */
TEST_F(chargefd, alloc_pidfd)
{
	int fd = ALLOC_FOR(self->pidfd), own;

	ASSERT_LE(0, fd);
	EXPECT_CHARGES(0, self->len);
	EXPECT_EQ(0, dmem_peak(self->a, self->region));
	expect_owner(_metadata, self->region, 0, fd, cg_id(self->b));
	/* The next one is the daemon's own. */
	own = ALLOC();
	ASSERT_LE(0, own);
	EXPECT_CHARGES(self->len, self->len);
	close(own);
	end(&self->client);
	EXPECT_CHARGES(0, self->len);
	close(fd);
	EXPECT_CHARGES(0, 0);
}

TEST_F(chargefd, alloc_cgroup)
{
	int fd = ALLOC_FOR(self->b_fd);

	ASSERT_LE(0, fd);
	EXPECT_CHARGES(0, self->len);
	close(fd);
	EXPECT_CHARGES(0, 0);

	/* Not that of a, in which the fd was opened and is used. */
	fd = open(self->b, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	close(ALLOC_FOR(fd));
	EXPECT_EQ(0, dmem_peak(self->a, self->region));
	close(fd);
	expect_freed(_metadata, self);
}

/* The client has moved before the request. */
TEST_F(chargefd, alloc_moved)
{
	char *c = new_cgroup(_metadata, cg_create, self->t.cg, "c"), pid[16];
	int fd;

	snprintf(pid, sizeof(pid), "%d", (int)self->client);
	ASSERT_EQ(0, cg_write(c, "cgroup.procs", pid));
	fd = ALLOC_FOR(self->pidfd);
	ASSERT_LE(0, fd);
	EXPECT_EQ(self->len, dmem_current(c, self->region));
	EXPECT_EQ(0, dmem_peak(self->b, self->region));
	close(fd);
}

/* The client's limit refuses the buffer. That of the daemon has no part in it. */
TEST_F(chargefd, alloc_limit)
{
	int fd;

	ASSERT_EQ(0, dmem_set_max(self->a, self->region, 0));
	ASSERT_EQ(0, dmem_set_max(self->b, self->region, self->len - self->t.page));
	EXPECT_EQ(-ENOMEM, ALLOC_FOR(self->pidfd));
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(0, dmem_peak(self->b, self->region));
	expect_local(_metadata, self->region, self->b, 1, 1, 0);
	expect_no_events(_metadata, self->region, self->a);

	ASSERT_EQ(0, dmem_set_max(self->b, self->region, self->len));
	fd = ALLOC_FOR(self->pidfd);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOMEM, ALLOC_FOR(self->b_fd));
	expect_local(_metadata, self->region, self->b, 2, 2, 0);
	expect_no_events(_metadata, self->region, self->a);
	close(fd);
}

/* More than any heap has, and than size_t on 32-bit: the failure is the client's, too. */
TEST_F(chargefd, alloc_too_large)
{
	EXPECT_EQ(-ENOMEM, charge_alloc(self->t.heap_fd, 1LL << 44, self->pidfd));
	expect_local(_metadata, self->region, self->b, 0, 0, 1);
	expect_no_events(_metadata, self->region, self->a);
	EXPECT_CHARGES(0, 0);
}

struct old_data {
	__u64 len;
	__u32 fd, fd_flags;
	__u64 heap_flags;
};

/* Programs that were built before the flag, and after a next one. */
TEST_F(chargefd, abi)
{
	struct old_data old = { .len = self->len, .fd_flags = O_RDWR | O_CLOEXEC };
	struct {
		struct dma_heap_allocation_data data;
		__u64 more;
	} next = {
		.data = {
			.len = self->len, .fd_flags = O_RDWR | O_CLOEXEC,
			.charge_fd = self->b_fd, .reserved = 1,
		},
		.more = 1,
	};
	unsigned int old_cmd = _IOWR(DMA_HEAP_IOC_MAGIC, 0, struct old_data);
	unsigned int next_cmd = _IOC(_IOC_READ | _IOC_WRITE, DMA_HEAP_IOC_MAGIC, 0, sizeof(next));

	EXPECT_EQ((size_t)24, sizeof(old));
	EXPECT_EQ((size_t)32, sizeof(next.data));
	ASSERT_EQ(0, ioctl(self->t.heap_fd, old_cmd, &old));
	EXPECT_CHARGES(self->len, 0);
	close(old.fd);

	/* The old struct has no fd to charge. */
	old.fd = 0;
	old.heap_flags = DMA_HEAP_FLAG_CHARGE_FD;
	EXPECT_EQ(-1, ioctl(self->t.heap_fd, old_cmd, &old));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_CHARGES(0, 0);

	/* Without the flag, the fields are not looked at. */
	ASSERT_EQ(0, ioctl(self->t.heap_fd, next_cmd, &next));
	EXPECT_CHARGES(self->len, 0);
	close(next.data.fd);
	next.data.fd = 0;
	next.data.heap_flags = DMA_HEAP_FLAG_CHARGE_FD;
	EXPECT_EQ(-1, ioctl(self->t.heap_fd, next_cmd, &next));
	EXPECT_EQ(EINVAL, errno);
	next.data.reserved = 0;
	ASSERT_EQ(0, ioctl(self->t.heap_fd, next_cmd, &next));
	EXPECT_CHARGES(0, self->len);
	close(next.data.fd);
	next.data.fd = 0;
	next.data.heap_flags |= DMA_HEAP_FLAG_CHARGE_FD << 1;
	EXPECT_EQ(-1, ioctl(self->t.heap_fd, next_cmd, &next));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_CHARGES(0, 0);
}

/* Both calls refuse the fd, and the buffer remains charged to a. */
static void expect_bad_fd(struct __test_metadata *_metadata, CHARGEFD *self, int buf, int fd,
			  int err)
{
	EXPECT_EQ(-err, ALLOC_FOR(fd));
	EXPECT_EQ(-err, charge_transfer(buf, fd));
	EXPECT_CHARGES(self->len, 0);
}

#define EXPECT_BAD_FD(fd, err)	expect_bad_fd(_metadata, self, buf, fd, err)

TEST_F(chargefd, bad_fds)
{
	struct dma_buf_xfer_charge xfer = { .flags = 1, .fd = self->b_fd };
	char *c = new_cgroup(_metadata, cg_create, self->t.cg, "c");
	int buf = ALLOC(), pidfd, fd;
	siginfo_t info;
	pid_t pid;

	ASSERT_LE(0, buf);
	EXPECT_BAD_FD(-1, EBADF);
	EXPECT_BAD_FD(lowest_fd(), EBADF);
	EXPECT_BAD_FD(self->t.heap_fd, EBADF);
	EXPECT_BAD_FD(buf, EBADF);
	fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	EXPECT_BAD_FD(fd, EBADF);
	close(fd);
	/* A file in the directory is no cgroup. */
	fd = open(self->b, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	pidfd = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	close(fd);
	ASSERT_LE(0, pidfd);
	EXPECT_BAD_FD(pidfd, EBADF);
	close(pidfd);
	EXPECT_EQ(-1, ioctl(buf, DMA_BUF_IOCTL_XFER_CHARGE, &xfer));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(buf, DMA_BUF_IOCTL_XFER_CHARGE, NULL));
	EXPECT_EQ(EFAULT, errno);

	/* A zombie, in b and after that nowhere */
	pid = cg_fork(self->b);
	if (!pid)
		_exit(0);
	pidfd = charge_pidfd(pid);
	ASSERT_LE(0, pidfd);
	ASSERT_EQ(0, waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	EXPECT_BAD_FD(pidfd, ESRCH);
	EXPECT_EQ(0, wait_exit(pid));
	EXPECT_BAD_FD(pidfd, ESRCH);
	close(pidfd);

	fd = charge_cgroup(c);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_destroy(c));
	EXPECT_BAD_FD(fd, ENOENT);
	close(fd);
	close(buf);
	expect_freed(_metadata, self);
}

/* The leader of the process has exited, and another thread runs on. */
static void *stay(void *arg)
{
	for (;;)
		pause();
	return arg;
}

TEST_F(chargefd, leader_exited)
{
	char *c = new_cgroup(_metadata, cg_create, self->t.cg, "c");
	char path[64], state = 0;
	int pidfd, fd, i;
	pthread_t thread;
	FILE *f;
	pid_t pid;

	pid = cg_fork(self->b);
	if (!pid) {
		pthread_create(&thread, NULL, stay, NULL);
		syscall(__NR_exit, 0);
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (i = 0; i < 1000 && state != 'Z'; i++) {
		f = fopen(path, "re");
		ASSERT_TRUE(!!f);
		if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		fclose(f);
		sleep_ms(10);
	}
	ASSERT_EQ('Z', state);
	pidfd = charge_pidfd(pid);
	ASSERT_LE(0, pidfd);
	fd = ALLOC_FOR(pidfd);
	EXPECT_LE(0, fd);
	EXPECT_CHARGES(0, self->len);
	close(fd);

	/* A move leaves the leader behind. */
	snprintf(path, sizeof(path), "%d", (int)pid);
	ASSERT_EQ(0, cg_write(c, "cgroup.procs", path));
	fd = ALLOC_FOR(pidfd);
	EXPECT_LE(0, fd);
	EXPECT_EQ(self->len, dmem_current(c, self->region));
	close(fd);
	/* Its cgroup can be removed. */
	end(&self->client);
	ASSERT_EQ(0, cg_destroy(self->b));
	fd = ALLOC_FOR(pidfd);
	EXPECT_LE(0, fd);
	EXPECT_EQ(self->len, dmem_current(c, self->region));
	expect_stat(_metadata, &self->t, self->t.cg, PAGES, 0, 0);
	close(fd);
	close(pidfd);
	end(&pid);
}

/* root's files need no capability. */
static int set_caps(unsigned long long caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = caps, .permitted = caps },
		{ .effective = caps >> 32, .permitted = caps >> 32 },
	};

	return syscall(__NR_capset, &head, data);
}

struct result {
	int alloc, transfer;
	long long used;		/* by the cgroup to charge, after the allocation */
};

/*
 * A root process in cg, with these capabilities only, allocates for the cgroup of the fd,
 * whose usage it reads, and then transfers buf to it.
 */
static struct result as(CHARGEFD *self, const char *cg, unsigned long long caps, int fd,
			const char *charged, int buf)
{
	struct result *r = shared_alloc(sizeof(*r)), result;
	pid_t pid;
	int own;

	memset(r, 0xff, sizeof(*r));
	pid = cg_fork(cg);
	if (!pid) {
		if (set_caps(caps))
			_exit(3);
		own = ALLOC_FOR(fd);
		r->used = dmem_current(charged, self->region);
		r->alloc = own < 0 ? own : 0;
		close(own);
		r->transfer = charge_transfer(buf, fd);
		_exit(0);
	}
	if (pid < 0 || wait_exit(pid))
		r->alloc = r->transfer = -ECHILD;
	result = *r;
	munmap(r, sizeof(*r));
	return result;
}

/* buf is charged to another cgroup before. */
#define EXPECT_RIGHTS(cg, caps, fd, charged, ret, moved) do { \
		struct result _r = as(self, cg, caps, fd, charged, buf); \
		EXPECT_EQ(ret, _r.alloc); \
		EXPECT_EQ(moved, _r.transfer); \
		EXPECT_EQ((ret) ? 0 : self->len, _r.used); \
		EXPECT_EQ((moved) ? 0 : self->len, dmem_current(charged, self->region)); \
	} while (0)
#define EXPECT_RIGHT(cg, caps, fd, charged, ret) EXPECT_RIGHTS(cg, caps, fd, charged, ret, ret)

/*
 * Without the capability only the own cgroup can be charged, and those below, and a charge
 * moves between these only. The buffer is charged to a at first, where the test is.
 */
TEST_F(chargefd, rights)
{
	char *x = new_cgroup(_metadata, cg_create, self->b, "x");
	int x_fd = charge_cgroup(x), top_fd = charge_cgroup(self->t.cg);
	int root_fd = charge_cgroup(self->t.root);
	struct result r;
	int buf = ALLOC();

	ASSERT_LE(0, buf);
	EXPECT_RIGHT(self->a, ~RESOURCE, self->b_fd, self->b, -EPERM);
	EXPECT_RIGHT(self->a, ~RESOURCE, self->pidfd, self->b, -EPERM);
	EXPECT_RIGHT(x, ~RESOURCE, self->b_fd, self->b, -EPERM);
	EXPECT_EQ(-EPERM, as(self, self->a, ~RESOURCE, top_fd, self->t.cg, buf).transfer);
	/* Everything is below the root, which has no limit: it can charge itself only. */
	EXPECT_RIGHT(self->t.root, ~RESOURCE, self->pidfd, self->b, -EPERM);
	EXPECT_RIGHT(self->t.root, ~RESOURCE, self->b_fd, self->b, -EPERM);
	r = as(self, self->t.root, NO_CAP, root_fd, self->t.root, buf);
	EXPECT_EQ(0, r.alloc);
	EXPECT_EQ(-EPERM, r.transfer);
	EXPECT_CHARGES(self->len, 0);
	EXPECT_EQ(0, dmem_peak(self->b, self->region));
	expect_no_events(_metadata, self->region, self->b);

	EXPECT_RIGHT(self->a, RESOURCE, self->pidfd, self->b, 0);
	/* The charge is b's already, also where the controller is not enabled. */
	EXPECT_EQ(0, as(self, self->b, NO_CAP, self->b_fd, self->b, buf).transfer);
	EXPECT_EQ(0, as(self, x, NO_CAP, x_fd, self->b, buf).transfer);
	EXPECT_CHARGES(0, self->len);
	/* One's own, without any right, but not what another one is charged for */
	EXPECT_RIGHTS(self->a, NO_CAP, self->a_fd, self->a, 0, -EPERM);
	EXPECT_CHARGES(0, self->len);
	EXPECT_RIGHT(self->a, RESOURCE, self->a_fd, self->a, 0);
	/* Below, where the controller is not enabled */
	EXPECT_RIGHTS(self->b, NO_CAP, x_fd, self->b, 0, -EPERM);
	EXPECT_CHARGES(self->len, 0);
	close(x_fd);
	close(top_fd);
	close(root_fd);
	close(buf);
	EXPECT_EQ(0, cg_destroy(x));
	expect_freed(_metadata, self);
}

/* What remains charged to a removed cgroup can be moved to the one that was above it. */
TEST_F(chargefd, rights_below)
{
	char *slice = new_cgroup(_metadata, cg_create_parent, self->t.cg, "slice");
	char *x = new_cgroup(_metadata, cg_create, slice, "x");
	int slice_fd = charge_cgroup(slice), buf;
	struct result r;

	buf = cg_alloc(x, self->t.heap_fd, self->len);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, cg_destroy(x));
	ASSERT_EQ(0, cg_write(slice, SUBTREE_CONTROL, "-dmem"));
	expect_stat(_metadata, &self->t, slice, PAGES, 0, PAGES);
	r = as(self, slice, NO_CAP, slice_fd, slice, buf);
	EXPECT_EQ(0, r.alloc);
	EXPECT_EQ(0, r.transfer);
	EXPECT_EQ(2 * self->len, r.used);
	expect_stat(_metadata, &self->t, slice, PAGES, PAGES, 0);
	close(slice_fd);
	close(buf);
}

/* A thread in a part of the process's cgroup charges the whole of it. */
struct part {
	CHARGEFD *self;
	char *cg;
	int ret;
};

static void *in_part(void *arg)
{
	struct part *part = arg;
	char tid[16];

	snprintf(tid, sizeof(tid), "%d", (int)syscall(__NR_gettid));
	part->ret = cg_write(part->cg, "cgroup.threads", tid);
	if (!part->ret)
		part->ret = charge_alloc(part->self->t.heap_fd, part->self->len,
					 part->self->a_fd);
	return NULL;
}

TEST_F(chargefd, threaded)
{
	struct part part = { .self = self };
	pid_t pid;

	part.cg = new_cgroup(_metadata, cg_create, self->a, "part");
	ASSERT_EQ(0, cg_write(part.cg, "cgroup.type", "threaded"));
	pid = cg_fork(self->a);
	if (!pid) {
		if (set_caps(NO_CAP))
			_exit(125);
		run_threads(1, in_part, &part, sizeof(part));
		if (part.ret < 0)
			_exit(-part.ret);
		_exit(dmem_current(self->a, self->region) == self->len ? 0 : 126);
	}
	EXPECT_EQ(0, wait_exit(pid));
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(self->len, dmem_peak(self->a, self->region));
}

/* The charge moves, and with it the owner in fdinfo. Any holder of the buffer may do it. */
TEST_F(chargefd, transfer)
{
	int buf = ALLOC();
	pid_t pid;

	ASSERT_LE(0, buf);
	EXPECT_EQ(0, charge_transfer(buf, self->pidfd));
	EXPECT_CHARGES(0, self->len);
	expect_owner(_metadata, self->region, 0, buf, cg_id(self->b));
	EXPECT_EQ(self->len, dmem_peak(self->a, self->region));
	EXPECT_EQ(self->len, dmem_peak(self->b, self->region));
	EXPECT_EQ(self->len, dmem_peak(self->t.cg, self->region));
	/* Again, which changes nothing */
	EXPECT_EQ(0, charge_transfer(buf, self->b_fd));
	EXPECT_CHARGES(0, self->len);

	/* A child has the buffer as well. */
	pid = fork();
	if (!pid)
		_exit(-charge_transfer(buf, self->a_fd));
	EXPECT_EQ(0, wait_exit(pid));
	EXPECT_CHARGES(self->len, 0);
	expect_owner(_metadata, self->region, 0, buf, cg_id(self->a));
	EXPECT_EQ(0, charge_transfer(buf, self->b_fd));
	close(buf);
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(self->len, dmem_peak(self->t.cg, self->region));
	expect_no_events(_metadata, self->region, self->t.cg);
}

/* The new cgroup's limit refuses it, and the old one remains charged. */
TEST_F(chargefd, transfer_limit)
{
	int buf = ALLOC();

	ASSERT_LE(0, buf);
	ASSERT_EQ(0, dmem_set_max(self->b, self->region, self->len - self->t.page));
	EXPECT_EQ(-ENOMEM, charge_transfer(buf, self->pidfd));
	EXPECT_CHARGES(self->len, 0);
	expect_owner(_metadata, self->region, 0, buf, cg_id(self->a));
	expect_local(_metadata, self->region, self->b, 1, 1, 0);
	expect_no_events(_metadata, self->region, self->a);
	EXPECT_EQ(0, dmem_peak(self->b, self->region));

	ASSERT_EQ(0, dmem_set_max(self->b, self->region, self->len));
	EXPECT_EQ(0, charge_transfer(buf, self->pidfd));
	EXPECT_CHARGES(0, self->len);
	expect_local(_metadata, self->region, self->b, 1, 1, 0);
	close(buf);
	EXPECT_CHARGES(0, 0);
	expect_freed(_metadata, self);
}

/*
 * slice is above x. A transfer into it counts there; one from x to y does not, and the
 * limit of slice does not refuse it, nor when it is below the usage.
 */
TEST_F(chargefd, transfer_common)
{
	char *slice = new_cgroup(_metadata, cg_create_parent, self->t.cg, "slice");
	char *x = new_cgroup(_metadata, cg_create, slice, "x");
	char *y = new_cgroup(_metadata, cg_create, slice, "y");
	int buf = ALLOC(), x_fd = charge_cgroup(x), y_fd = charge_cgroup(y);
	struct dmem_test *t = &self->t;

	ASSERT_LE(0, buf);
	ASSERT_EQ(0, dmem_set_max(slice, self->region, self->len - t->page));
	EXPECT_EQ(-ENOMEM, charge_transfer(buf, x_fd));
	expect_local(_metadata, self->region, slice, 1, 0, 0);
	expect_local(_metadata, self->region, x, 0, 1, 0);
	expect_stat(_metadata, t, slice, 0, 0, 0);

	ASSERT_EQ(0, dmem_set_max(slice, self->region, self->len));
	ASSERT_EQ(0, dmem_set_max(t->cg, self->region, self->len));
	EXPECT_EQ(0, charge_transfer(buf, x_fd));
	expect_stat(_metadata, t, x, PAGES, PAGES, 0);
	expect_stat(_metadata, t, slice, PAGES, 0, 0);
	expect_stat(_metadata, t, t->cg, PAGES, 0, 0);
	EXPECT_EQ(0, charge_transfer(buf, y_fd));
	expect_stat(_metadata, t, y, PAGES, PAGES, 0);
	ASSERT_EQ(0, dmem_set_max(slice, self->region, 0));
	EXPECT_EQ(0, charge_transfer(buf, x_fd));
	expect_stat(_metadata, t, x, PAGES, PAGES, 0);
	expect_stat(_metadata, t, y, 0, 0, 0);
	expect_stat(_metadata, t, slice, PAGES, 0, 0);
	ASSERT_EQ(0, dmem_set_max(t->cg, self->region, 0));
	EXPECT_EQ(0, charge_transfer(buf, self->b_fd));
	expect_stat(_metadata, t, slice, 0, 0, 0);
	EXPECT_CHARGES(0, self->len);
	EXPECT_EQ(self->len, dmem_peak(slice, self->region));
	EXPECT_EQ(self->len, dmem_peak(t->cg, self->region));
	expect_local(_metadata, self->region, slice, 1, 0, 0);
	expect_no_events(_metadata, self->region, self->b);
	close(buf);
	close(x_fd);
	close(y_fd);
}

/* Up and down: to a cgroup above, and from it to one below. */
TEST_F(chargefd, transfer_up)
{
	int buf = ALLOC(), top = charge_cgroup(self->t.cg), root = charge_cgroup(self->t.root);
	long long before = dmem_current(self->t.root, self->region);
	struct dmem_test *t = &self->t;

	ASSERT_LE(0, buf);
	ASSERT_EQ(0, dmem_set_max(t->cg, self->region, self->len));
	EXPECT_EQ(0, charge_transfer(buf, top));
	expect_stat(_metadata, t, t->cg, PAGES, PAGES, 0);
	expect_stat(_metadata, t, self->a, 0, 0, 0);
	expect_identity(_metadata, t, t->cg);
	expect_owner(_metadata, self->region, 0, buf, cg_id(t->cg));
	EXPECT_EQ(0, charge_transfer(buf, root));
	expect_stat(_metadata, t, t->cg, 0, 0, 0);
	EXPECT_EQ(0, charge_transfer(buf, top));
	EXPECT_EQ(0, charge_transfer(buf, self->pidfd));
	expect_stat(_metadata, t, t->cg, PAGES, 0, 0);
	EXPECT_CHARGES(0, self->len);
	if (region_is_private(self->region))
		EXPECT_EQ(before, dmem_current(t->root, self->region));
	close(buf);
	EXPECT_CHARGES(0, 0);
	close(top);
	close(root);
}

/* Out of a removed cgroup, which is freed then. */
TEST_F(chargefd, transfer_removed)
{
	char *c = new_cgroup(_metadata, cg_create, self->t.cg, "c");
	int buf = cg_alloc(c, self->t.heap_fd, self->len);

	ASSERT_LE(0, buf);
	ASSERT_EQ(0, cg_destroy(c));
	expect_stat(_metadata, &self->t, self->t.cg, PAGES, 0, PAGES);
	EXPECT_EQ(1, cg_wait_dying(self->t.cg, 1));
	EXPECT_EQ(0, charge_transfer(buf, self->pidfd));
	expect_stat(_metadata, &self->t, self->t.cg, PAGES, 0, 0);
	EXPECT_CHARGES(0, self->len);
	EXPECT_EQ(0, cg_wait_dying(self->t.cg, 0));
	close(buf);
	EXPECT_CHARGES(0, 0);
}

/*
 * The controller is disabled for the cgroup that is charged: its parent is charged now.
 * Enabled again, the cgroup has a new pool state, and the charge moves there.
 */
TEST_F(chargefd, transfer_enabled)
{
	char *slice = new_cgroup(_metadata, cg_create_parent, self->t.cg, "slice");
	char *x = new_cgroup(_metadata, cg_create, slice, "x");
	int buf, x_fd = charge_cgroup(x);
	struct dmem_test *t = &self->t;

	buf = cg_alloc(x, t->heap_fd, self->len);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, cg_write(slice, SUBTREE_CONTROL, "-dmem"));
	expect_stat(_metadata, t, slice, PAGES, 0, PAGES);
	ASSERT_EQ(0, cg_write(slice, SUBTREE_CONTROL, "+dmem"));
	EXPECT_EQ(0, charge_transfer(buf, x_fd));
	expect_stat(_metadata, t, slice, PAGES, 0, 0);
	expect_stat(_metadata, t, x, PAGES, PAGES, 0);
	ASSERT_EQ(0, cg_write(slice, SUBTREE_CONTROL, "-dmem"));
	EXPECT_EQ(0, charge_transfer(buf, x_fd));
	expect_stat(_metadata, t, slice, PAGES, PAGES, 0);
	EXPECT_EQ(0, cg_wait_dying(t->cg, 0));
	close(buf);
	expect_stat(_metadata, t, slice, 0, 0, 0);
	close(x_fd);
}

struct race {
	CHARGEFD *self;
	atomic_int stop, bad;
	atomic_llong moves, allocs;
	int bufs[THREADS];
	atomic_int own[THREADS];	/* of the threads */
	char *c;
};

struct racer {
	struct race *race;
	int n;
};

/*
 * Moves an own buffer, which it then frees, one that all have, and the next thread's, which
 * may be freed meanwhile.
 */
static void *move_and_free(void *arg)
{
	struct race *race = ((struct racer *)arg)->race;
	int n = ((struct racer *)arg)->n, fd, ret, i;
	CHARGEFD *self = race->self;
	struct dmem_owner owner;

	for (i = n; !race->stop; i++) {
		fd = ALLOC_FOR(i % 2 ? self->a_fd : self->b_fd);
		if (fd < 0) {
			race->bad++;
			continue;
		}
		race->own[n] = fd;
		race->allocs++;
		race->bad += fd_owner(0, fd, &owner) != 0;
		race->bad += charge_transfer(fd, i % 3 ? self->a_fd : self->b_fd) != 0;
		race->bad += charge_transfer(race->bufs[0], i % 2 ? self->a_fd : self->b_fd) != 0;
		race->bad += fd_owner(0, race->bufs[0], &owner) != 0;
		ret = charge_transfer(race->own[(n + 1) % THREADS], self->b_fd);
		/* The number may be that of another file by now. */
		race->bad += ret && ret != -EBADF && ret != -ENOTTY;
		race->moves += 2;
		close(fd);
	}
	return NULL;
}

/*
 * The common parent has room for a buffer of each thread, one that it holds while it moves it
 * and that the next thread has closed, and the shared one, but no more: a transfer that counted
 * twice would make an allocation fail.
 */
TEST_F_TIMEOUT(chargefd, race, 120)
{
	struct race race = { .self = self };
	struct racer racers[THREADS];
	pthread_t threads[THREADS];
	int i;

	race.bufs[0] = ALLOC();
	ASSERT_LE(0, race.bufs[0]);
	ASSERT_EQ(0, dmem_set_max(self->t.cg, self->region, (2 * THREADS + 1) * self->len));
	for (i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){ &race, i };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, move_and_free, &racers[i]));
	}
	sleep_ms(RACE_MS);
	race.stop = 1;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, (int)race.bad);
	EXPECT_LT(0, (long long)race.moves);
	EXPECT_EQ(self->len, dmem_current(self->t.cg, self->region));
	expect_no_events(_metadata, self->region, self->t.cg);
	expect_identity(_metadata, &self->t, self->t.cg);
	EXPECT_GE((2 * THREADS + 1) * self->len, dmem_peak(self->t.cg, self->region));
	close(race.bufs[0]);
	EXPECT_CHARGES(0, 0);
	TH_LOG("%lld buffers, %lld transfers", (long long)race.allocs, (long long)race.moves);
}

/* The cgroup is removed and made anew all the time. */
static void *move_into(void *arg)
{
	struct race *race = ((struct racer *)arg)->race;
	int *buf = &race->bufs[((struct racer *)arg)->n], fd, ret;
	CHARGEFD *self = race->self;

	while (!race->stop) {
		fd = charge_cgroup(race->c);
		if (fd < 0)
			continue;
		ret = charge_transfer(*buf, fd);
		race->bad += ret && ret != -ENOENT;
		race->moves += !ret;
		close(fd);
		race->bad += charge_transfer(*buf, self->a_fd) != 0;
	}
	return NULL;
}

TEST_F_TIMEOUT(chargefd, rmdir, 120)
{
	long long end_ms = now_ms() + RACE_MS;
	struct race race = { .self = self };
	struct racer racers[THREADS];
	pthread_t threads[THREADS];
	int i;

	race.c = cg_name(self->t.cg, "c");
	for (i = 0; i < THREADS; i++) {
		race.bufs[i] = ALLOC();
		ASSERT_LE(0, race.bufs[i]);
		racers[i] = (struct racer){ &race, i };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, move_into, &racers[i]));
	}
	/* That takes longer on a slow machine. */
	while (now_ms() < end_ms || (race.moves < 10 && now_ms() < end_ms + 20000)) {
		race.bad += cg_create(race.c) != 0;
		sleep_ms(1);
		race.bad += cg_destroy(race.c) != 0;
	}
	race.stop = 1;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, (int)race.bad);
	EXPECT_LT(0, (long long)race.moves);
	EXPECT_CHARGES(THREADS * self->len, 0);
	expect_stat(_metadata, &self->t, self->t.cg, THREADS * PAGES, 0, 0);
	EXPECT_EQ(0, cg_wait_dying(self->t.cg, 0));
	for (i = 0; i < THREADS; i++)
		close(race.bufs[i]);
	EXPECT_CHARGES(0, 0);
	TH_LOG("%lld transfers", (long long)race.moves);
}

static int transfer_to(int buf, const char *cg)
{
	int fd = charge_cgroup(cg), ret = charge_transfer(buf, fd);

	close(fd);
	return ret;
}

static int transfer_last(struct pile *from, struct pile *to, const char *cg)
{
	int ret = transfer_to(from->fd[from->n - 1], cg);

	if (!ret)
		to->fd[to->n++] = from->fd[--from->n];
	return ret;
}

/*
 * owner has reserved 8 pages. A page that another cgroup takes over from it is reserved
 * again, so this cgroup needs a page that is not reserved.
 */
TEST_F_TIMEOUT(reserve, transfer, 120)
{
	SET_MIN(self->owner, 8);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 8);
	/* A page for the reservation: one less is committed to others. */
	EXPECT_EQ(0, transfer_last(&self->taken, &self->own, self->owner));
	EXPECT_STAT(self->owner, "committed", 8);
	EXPECT_TAKES(self->greedy, &self->taken, 1);
	EXPECT_STAT(self->t.cg, "committed", WINDOW);

	/* Back, where nothing is left that is not reserved */
	EXPECT_EQ(1, self->own.n);
	ASSERT_EQ(2, EVENT(self->greedy, "reserved"));
	EXPECT_EQ(-ENOMEM, transfer_last(&self->own, &self->taken, self->greedy));
	EXPECT_EQ(3, EVENT(self->greedy, "reserved"));
	EXPECT_EQ(0, EVENT(self->greedy, "alloc_fail"));
	EXPECT_STAT(self->t.cg, "committed", WINDOW);
	EXPECT_EQ(1, current_pages(&self->t, self->owner));
	give_back(&self->taken, 1);
	EXPECT_EQ(0, transfer_last(&self->own, &self->taken, self->greedy));
	EXPECT_STAT(self->owner, "committed", 8);
	EXPECT_STAT(self->t.cg, "committed", WINDOW);
	EXPECT_EQ(0, current_pages(&self->t, self->owner));
	EXPECT_GETS(self->owner, &self->own, 8);
	give_all(&self->own);
	give_all(&self->taken);
	EXPECT_STAT(self->t.cg, "committed", WINDOW);
}

/* The same within the limit of a slice, and between cgroups with reservations. */
TEST_F_TIMEOUT(reserve, transfer_in_slice, 120)
{
	SET_MIN(self->slice, 12);
	SET_MAX(self->slice, 12);
	SET_MIN(self->a, 4);
	EXPECT_GETS(self->a, &self->own, 2);
	EXPECT_TAKES(self->b, &self->taken, 8);
	EXPECT_EQ(-ENOMEM, transfer_last(&self->own, &self->taken, self->b));
	EXPECT_EQ(2, EVENT(self->b, "reserved"));
	EXPECT_EQ(0, EVENT(self->b, "alloc_fail"));
	/* From outside: a has room for it, and b has not. */
	EXPECT_GETS(self->greedy, &self->own, 1);
	EXPECT_EQ(-ENOMEM, transfer_to(self->own.fd[2], self->b));
	EXPECT_EQ(0, EVENT(self->b, "alloc_fail"));
	EXPECT_EQ(3, EVENT(self->b, "reserved"));
	EXPECT_EQ(0, transfer_to(self->own.fd[2], self->a));
	EXPECT_STAT(self->slice, "committed", 12);
	EXPECT_STAT(self->a, "committed", 4);
	EXPECT_EQ(3, current_pages(&self->t, self->a));
	EXPECT_EQ(11, current_pages(&self->t, self->slice));
	EXPECT_EQ(0, current_pages(&self->t, self->greedy));

	/* Beyond its reservation, a keeps nothing of a page that moves. */
	SET_MIN(self->a, 2);
	EXPECT_GETS(self->a, &self->own, 1);
	EXPECT_STAT(self->slice, "committed", 12);
	EXPECT_EQ(0, transfer_last(&self->own, &self->taken, self->b));
	EXPECT_EQ(0, transfer_last(&self->own, &self->taken, self->b));
	EXPECT_EQ(-ENOMEM, transfer_last(&self->own, &self->taken, self->b));
	EXPECT_STAT(self->slice, "committed", 12);
	EXPECT_STAT(self->a, "committed", 2);
	EXPECT_STAT(self->b, "committed", 10);

	/* Out of the slice, whose reservation the page remains in */
	SET_MIN(self->owner, WINDOW - 12);
	EXPECT_EQ(-ENOMEM, transfer_to(self->own.fd[0], self->greedy));
	EXPECT_EQ(1, EVENT(self->greedy, "reserved"));
	EXPECT_EQ(0, transfer_to(self->own.fd[0], self->owner));
	EXPECT_STAT(self->owner, "committed", WINDOW - 12);
	EXPECT_STAT(self->t.cg, "committed", WINDOW);
}

/* A buffer of another exporter, and one without a charge */
TEST(other_exporters)
{
	struct udmabuf_create req = { .size = sysconf(_SC_PAGESIZE) };
	int dev, fd, dir;

	if (!dmem_is_on())
		SKIP(return, "no dmem controller in cgroup2");
	dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		SKIP(return, "no udmabuf (CONFIG_UDMABUF)");
	req.memfd = memfd_create("dmem", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ASSERT_LE(0, (int)req.memfd);
	ASSERT_EQ(0, ftruncate(req.memfd, req.size));
	ASSERT_EQ(0, fcntl(req.memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	fd = ioctl(dev, UDMABUF_CREATE, &req);
	ASSERT_LE(0, fd);
	dir = charge_cgroup(cgroup2_mount());
	EXPECT_EQ(-EOPNOTSUPP, charge_transfer(fd, dir));
}

TEST_HARNESS_MAIN
