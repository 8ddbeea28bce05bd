// SPDX-License-Identifier: GPL-2.0
/*
 * fdinfo of a buffer shows the buffer's region and the charged cgroup, to every
 * reader, after the buffer was passed on, and after the cgroup was removed. So
 * does bufinfo in debugfs. test_drm and test_v4l2 test the buffers of devices.
 *
 * The third reader, bpf_dmabuf_read_dmem_owner() for BPF programs on dmabuf
 * iterators, is not tested here: a program that calls it needs the kernel's BTF
 * and a BPF compiler.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect_owner.h"

#define BUFINFO		"/sys/kernel/debug/dma_buf/bufinfo"
#define THREADS		4
#define READ_FDS	32
#define KEEP		4	/* buffers of each thread */

FIXTURE(fdinfo) {
	struct dmem_test t;
	char *a, *b;
	unsigned long long id_a, id_b;
};

FIXTURE_VARIANT(fdinfo) {
	enum dmem_kind kind;
};

FIXTURE_VARIANT_ADD(fdinfo, cma) {
	.kind = DMEM_CMA,
};

FIXTURE_VARIANT_ADD(fdinfo, system) {
	.kind = DMEM_SYSTEM,
};

FIXTURE_SETUP(fdinfo)
{
	int ret = dmem_begin(&self->t, variant->kind);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	self->a = cg_name(self->t.cg, "a");
	self->b = cg_name(self->t.cg, "b");
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_create(self->b));
	EXPECT_EQ(0, cg_enter_current(self->a));
	self->id_a = cg_id(self->a);
	self->id_b = cg_id(self->b);
	if (!self->id_a || !self->id_b) {
		dmem_end(&self->t);
		SKIP(return, "cannot tell a cgroup's id (CONFIG_FHANDLE)");
	}
	EXPECT_NE(self->id_a, self->id_b);
}

FIXTURE_TEARDOWN(fdinfo)
{
	dmem_end(&self->t);
}

#define EXPECT_PAYER(...) \
	expect_owner(_metadata, self->t.heap.region, __VA_ARGS__)

/* The fdinfo that a process in b reads, of its own fd or of another process's */
struct report {
	int ret;
	struct dmem_owner owner;
};

static void expect_report(struct __test_metadata *_metadata,
			  const char *region, const struct report *r,
			  unsigned long long id)
{
	EXPECT_EQ(0, r->ret);
	EXPECT_STREQ(region, r->owner.region);
	EXPECT_EQ(id, r->owner.cgroup);
}

/*
 * The charge of a buffer, from debugfs. Returns -ENOENT if the buffer is not
 * listed, -ENODATA if it has neither line, and -EBADMSG if it does not have each
 * line once.
 */
static int bufinfo_owner(int fd, struct dmem_owner *owner)
{
	int regions = 0, cgroups = 0, rows = 0;
	unsigned long long ino;
	char *line = NULL;
	bool mine = false;
	size_t size = 0;
	struct stat st;
	FILE *f;

	f = fstat(fd, &st) ? NULL : fopen(BUFINFO, "re");
	if (!f)
		return -errno;
	memset(owner, 0, sizeof(*owner));
	while (getline(&line, &size, f) > 0) {
		/* size, flags, mode, count, exp_name, ino, name */
		if (sscanf(line, "%*u\t%*x\t%*x\t%*d\t%*[^\t]\t%llu\t", &ino) == 1) {
			mine = ino == st.st_ino;
			rows += mine;
		} else if (!strncmp(line, "\tAttached Devices:", 18)) {
			mine = false;
		} else if (mine && sscanf(line, "dmem_region:\t%255s", owner->region) == 1) {
			regions++;
		} else if (mine && sscanf(line, "dmem_cgroup:\t%llu", &owner->cgroup) == 1) {
			cgroups++;
		}
	}
	free(line);
	fclose(f);
	if (rows != 1)
		return rows ? -EBADMSG : -ENOENT;
	if (!regions && !cgroups)
		return -ENODATA;
	return regions == 1 && cgroups == 1 ? 0 : -EBADMSG;
}

#define EXPECT_REPORT(...) \
	expect_report(_metadata, self->t.heap.region, __VA_ARGS__)

/* The id equals the one that user space finds by the path, in both ways. */
TEST_F(fdinfo, allocated)
{
	struct dmem_test *t = &self->t;
	int fd, other, more;
	struct stat st;

	ASSERT_EQ(0, stat(self->a, &st));
	/* The id has 64 bits; inode numbers of 32-bit kernels are its low ones. */
	EXPECT_EQ((uint32_t)st.st_ino, (uint32_t)self->id_a);
	if (kernel_is_64bit())
		EXPECT_EQ(st.st_ino, self->id_a);
	fd = heap_alloc(t->heap_fd, 3 * t->page);
	ASSERT_LE(0, fd);
	EXPECT_PAYER(0, fd, self->id_a);
	other = dup(fd);
	ASSERT_LE(0, other);
	close(fd);
	EXPECT_PAYER(0, other, self->id_a);

	ASSERT_EQ(0, cg_enter_current(self->b));
	more = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, more);
	EXPECT_PAYER(0, more, self->id_b);
	/* The process that allocated it has moved, and reads its fdinfo. */
	EXPECT_PAYER(0, other, self->id_a);
}

/* A name with a line that looks like the kernel's */
TEST_F(fdinfo, named)
{
	struct dmem_test *t = &self->t;
	int fd = heap_alloc(t->heap_fd, t->page);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ioctl(fd, DMA_BUF_SET_NAME, "x\ndmem_region:\tcma/other"));
	EXPECT_PAYER(0, fd, self->id_a);
}

/* A child in another cgroup inherits the fd; its parent reads its fdinfo. */
TEST_F(fdinfo, forked)
{
	struct report *r = shared_alloc(sizeof(*r));
	struct dmem_test *t = &self->t;
	int fd, sv[2];
	pid_t pid;
	char byte;

	fd = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	pid = cg_fork(self->b);
	ASSERT_LE(0, pid);
	if (!pid) {
		close(sv[0]);
		r->ret = fd_owner(0, fd, &r->owner);
		if (write(sv[1], "x", 1) != 1 || read(sv[1], &byte, 1) < 0)
			_exit(1);
		_exit(0);
	}
	close(sv[1]);
	EXPECT_EQ(1, read(sv[0], &byte, 1));
	EXPECT_REPORT(r, self->id_a);
	close(fd);
	EXPECT_PAYER(pid, fd, self->id_a);
	close(sv[0]);
	EXPECT_EQ(0, wait_exit(pid));
}

/*
 * The receiver of a buffer reads the charge, also after the allocating process
 * died.
 */
TEST_F(fdinfo, sent)
{
	struct report *r = shared_alloc(2 * sizeof(*r));
	struct dmem_test *t = &self->t;
	int fd, sv[2], i;
	pid_t pid[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	pid[0] = cg_fork(self->b);
	ASSERT_LE(0, pid[0]);
	if (!pid[0]) {
		close(sv[0]);
		fd = recv_fd(sv[1]);
		r[0].ret = fd_owner(0, fd, &r[0].owner);
		/* At the end of file the other process has exited. */
		if (read(sv[1], &i, 1))
			_exit(1);
		r[1].ret = fd_owner(0, fd, &r[1].owner);
		_exit(0);
	}
	close(sv[1]);
	pid[1] = cg_fork(self->a);
	ASSERT_LE(0, pid[1]);
	if (!pid[1]) {
		fd = heap_alloc(t->heap_fd, t->page);
		if (fd < 0 || send_fd(sv[0], fd))
			_exit(1);
		sleep_ms(100);
		kill(getpid(), SIGKILL);
	}
	EXPECT_EQ(128 + SIGKILL, wait_exit(pid[1]));
	close(sv[0]);
	EXPECT_EQ(0, wait_exit(pid[0]));
	EXPECT_REPORT(&r[0], self->id_a);
	EXPECT_REPORT(&r[1], self->id_a);
}

/* The id stays, and the next cgroup of the same name has another one. */
TEST_F(fdinfo, removed)
{
	struct dmem_test *t = &self->t;
	int fd, more, i;
	unsigned long long id;

	fd = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_enter_current(self->b));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, cg_destroy(self->a));
		EXPECT_PAYER(0, fd, self->id_a);
		ASSERT_EQ(0, cg_create(self->a));
		id = cg_id(self->a);
		EXPECT_NE(self->id_a, id);
		more = cg_alloc(self->a, t->heap_fd, t->page);
		ASSERT_LE(0, more);
		EXPECT_PAYER(0, more, id);
		EXPECT_PAYER(0, fd, self->id_a);
		close(more);
	}
	/* The cgroup is removed, and this is the last reference. */
	ASSERT_EQ(0, cg_destroy(self->a));
	sleep_ms(200);
	EXPECT_PAYER(0, fd, self->id_a);
	EXPECT_EQ(t->page, dmem_current(t->cg, t->heap.region));
	close(fd);
	EXPECT_EQ(0, dmem_current(t->cg, t->heap.region));
	/* Reading fdinfo has not pinned the cgroup. */
	EXPECT_EQ(0, cg_wait_dying(t->cg, 0));
}

/* fdinfo shows the charged cgroup, not the one that the process is in. */
TEST_F(fdinfo, not_delegated)
{
	struct dmem_test *t = &self->t;
	char *leaf = cg_name(self->a, "leaf");
	int fd, old;

	ASSERT_EQ(0, cg_create(leaf));
	fd = cg_alloc(leaf, t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	EXPECT_PAYER(0, fd, self->id_a);
	ASSERT_EQ(0, cg_enter_current(self->b));
	ASSERT_EQ(0, cg_write(self->a, "cgroup.subtree_control", "+dmem"));
	old = fd;
	fd = cg_alloc(leaf, t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	EXPECT_PAYER(0, fd, cg_id(leaf));
	EXPECT_PAYER(0, old, self->id_a);
	/* A state without a file is not a cgroup without an id. */
	ASSERT_EQ(0, cg_write(self->a, "cgroup.subtree_control", "-dmem"));
	EXPECT_PAYER(0, fd, cg_id(leaf));
	free(leaf);
}

TEST_F(fdinfo, root)
{
	struct dmem_test *t = &self->t;
	int fd;

	fd = cg_alloc(t->root, t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	EXPECT_PAYER(0, fd, cg_id(t->root));
}

/* debugfs shows the same, also after the cgroup was removed. */
TEST_F(fdinfo, bufinfo)
{
	struct dmem_test *t = &self->t;
	struct dmem_owner owner;
	int fd, other;

	if (access(BUFINFO, R_OK))
		SKIP(return, "cannot read " BUFINFO " (CONFIG_DEBUG_FS)");
	fd = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_enter_current(self->b));
	other = heap_alloc(t->heap_fd, 2 * t->page);
	ASSERT_LE(0, other);

	ASSERT_EQ(0, bufinfo_owner(fd, &owner));
	EXPECT_STREQ(t->heap.region, owner.region);
	EXPECT_EQ(self->id_a, owner.cgroup);
	ASSERT_EQ(0, bufinfo_owner(other, &owner));
	EXPECT_STREQ(t->heap.region, owner.region);
	EXPECT_EQ(self->id_b, owner.cgroup);

	ASSERT_EQ(0, cg_destroy(self->a));
	ASSERT_EQ(0, bufinfo_owner(fd, &owner));
	EXPECT_EQ(self->id_a, owner.cgroup);
	close(fd);
	EXPECT_EQ(0, cg_wait_dying(t->cg, 0));
}

struct race {
	atomic_int stop;
	atomic_llong bad, read, allocs;
	int heap_fd;
	unsigned long long id;
	const char *region;
	long long page;
};

static void *churn(void *arg)
{
	struct race *race = *(struct race **)arg;
	int fd[KEEP], i;

	for (i = 0; i < KEEP; i++)
		fd[i] = -1;
	for (i = 0; !race->stop; i = (i + 1) % KEEP) {
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = heap_alloc(race->heap_fd, race->page);
		race->bad += fd[i] < 0;
		race->allocs++;
	}
	for (i = 0; i < KEEP; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
	}
	return NULL;
}

/* Its own fds change all the time: each is a buffer of a, closed, or no buffer. */
static void *look(void *arg)
{
	struct race *race = *(struct race **)arg;
	struct dmem_owner owner;
	long long end = now_ms() + 2000;
	int fd;

	while (now_ms() < end) {
		for (fd = 0; fd < READ_FDS; fd++) {
			switch (fd_owner(0, fd, &owner)) {
			case 0:
				race->read++;
				race->bad += owner.cgroup != race->id ||
					     strcmp(owner.region, race->region);
				break;
			case -EBADMSG:
				race->bad++;
			}
		}
	}
	race->stop = 1;
	return NULL;
}

static void *look_or_churn(void *arg)
{
	struct race **race = arg;

	/* The first thread reads. */
	return race[1] ? look(arg) : churn(arg);
}

TEST_F(fdinfo, race)
{
	struct dmem_test *t = &self->t;
	struct race race = {
		.heap_fd = t->heap_fd,
		.id = self->id_a,
		.region = t->heap.region,
		.page = t->page,
	};
	struct race *args[THREADS][2] = { { &race, &race } };
	int i;

	for (i = 1; i < THREADS; i++)
		args[i][0] = &race;
	run_threads(THREADS, look_or_churn, args, sizeof(args[0]));
	EXPECT_EQ(0, race.bad);
	EXPECT_LT(0, race.read);
	EXPECT_EQ(0, dmem_current(self->a, t->heap.region));
	TH_LOG("%lld buffers, %lld seen", (long long)race.allocs,
	       (long long)race.read);
}

/* fdinfo shows the region of each heap: the same for two heaps on one area. */
TEST(heaps)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	struct dmem_owner owner;
	struct dmem_test t;
	int i, n, ret, seen = 0;

	ret = dmem_begin(&t, DMEM_NO_HEAP);
	if (ret == KSFT_SKIP)
		SKIP(return, "%s", t.reason);
	ASSERT_EQ(0, ret);
	n = heap_list(heaps, DMEM_HEAPS);
	for (i = 0; i < n; i++) {
		int heap_fd, fd;

		if (!heaps[i].usable)
			continue;
		heap_fd = heap_open(heaps[i].name);
		ASSERT_LE(0, heap_fd);
		fd = heap_alloc(heap_fd, t.page);
		ASSERT_LE(0, fd);
		ret = fd_owner(0, fd, &owner);
		EXPECT_EQ(heaps[i].region[0] ? 0 : -ENODATA, ret);
		if (!ret)
			EXPECT_STREQ(heaps[i].region, owner.region);
		seen += !ret;
		close(fd);
		close(heap_fd);
	}
	dmem_end(&t);
	if (!seen)
		SKIP(return, "no usable heap with a dmem region");
}

/* The fdinfo of unaccounted buffers and of other files has no such lines. */
TEST(uncharged)
{
	struct udmabuf_create req = {};
	struct dmem_owner owner;
	char reason[DMEM_NAME_LEN];
	int dev, fd;

	if (!dmem_is_on(reason))
		SKIP(return, "%s", reason);
	dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		SKIP(return, "no udmabuf (CONFIG_UDMABUF)");
	req.memfd = memfd_create("dmem", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ASSERT_LE(0, (int)req.memfd);
	req.size = sysconf(_SC_PAGESIZE);
	ASSERT_EQ(0, ftruncate(req.memfd, req.size));
	ASSERT_EQ(0, fcntl(req.memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	EXPECT_EQ(-ENODATA, fd_owner(0, req.memfd, &owner));
	fd = ioctl(dev, UDMABUF_CREATE, &req);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENODATA, fd_owner(0, fd, &owner));
	if (!access(BUFINFO, R_OK))
		EXPECT_EQ(-ENODATA, bufinfo_owner(fd, &owner));
	ASSERT_EQ(0, ioctl(fd, DMA_BUF_SET_NAME, "x\ndmem_region:\tcma/other"));
	EXPECT_EQ(-ENODATA, fd_owner(0, fd, &owner));
}

TEST_HARNESS_MAIN
