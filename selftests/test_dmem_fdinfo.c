// SPDX-License-Identifier: GPL-2.0
/*
 * fdinfo of a buffer shows the buffer's region and the charged cgroup, to every
 * reader, after the buffer was passed on, and after the cgroup was removed.
 *
 * bpf_dmabuf_read_dmem_owner() for BPF programs on dmabuf iterators is not tested
 * here: a program that calls it needs the kernel's BTF and a BPF compiler.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect_owner.h"
#include "dmem_fdinfo_fixture.h"

/* Not only this heap's: it is a failure if its buffers alone have no such lines. */
static bool any_heap_shows_owner(void)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	int i, n = heap_list(heaps, DMEM_HEAPS), heap_fd, fd, ret = -ENODATA;
	struct dmem_owner owner;

	for (i = 0; i < n && ret == -ENODATA; i++) {
		heap_fd = heaps[i].usable ? heap_open(heaps[i].name) : -1;
		fd = heap_alloc(heap_fd, sysconf(_SC_PAGESIZE));
		if (fd >= 0)
			ret = fd_owner(0, fd, &owner);
		close(fd);
		close(heap_fd);
	}
	return ret != -ENODATA;
}

FIXTURE_SETUP(fdinfo)
{
	fdinfo_begin(_metadata, self, variant->kind);
	if (!any_heap_shows_owner()) {
		dmem_end(&self->t);
		SKIP(return, "fdinfo has no owner of buffers");
	}
}

#define EXPECT_OWNER(...) \
	expect_owner(_metadata, self->t.heap.region, __VA_ARGS__)

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
	EXPECT_OWNER(0, fd, self->id_a);
	other = dup(fd);
	ASSERT_LE(0, other);
	close(fd);
	EXPECT_OWNER(0, other, self->id_a);

	ASSERT_EQ(0, cg_enter_current(self->b));
	more = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, more);
	EXPECT_OWNER(0, more, self->id_b);
	/* The process that allocated it has moved, and reads its fdinfo. */
	EXPECT_OWNER(0, other, self->id_a);
}

/* A name with a line that looks like the kernel's */
TEST_F(fdinfo, named)
{
	struct dmem_test *t = &self->t;
	int fd = heap_alloc(t->heap_fd, t->page);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ioctl(fd, DMA_BUF_SET_NAME, "x\ndmem_region:\tcma/other"));
	EXPECT_OWNER(0, fd, self->id_a);
}

/* A child in another cgroup inherits the fd; its parent reads its fdinfo. */
TEST_F(fdinfo, forked)
{
	struct dmem_owner *owner = shared_alloc(sizeof(*owner));
	int fd, status;
	pid_t pid;

	fd = heap_alloc(self->t.heap_fd, self->t.page);
	ASSERT_LE(0, fd);
	pid = cg_fork(self->b);
	ASSERT_LE(0, pid);
	if (!pid) {
		if (fd_owner(0, fd, owner))
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	close(fd);
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	EXPECT_STREQ(self->t.heap.region, owner->region);
	EXPECT_EQ(self->id_a, owner->cgroup);
	EXPECT_OWNER(pid, fd, self->id_a);
	kill(pid, SIGCONT);
	EXPECT_EQ(0, wait_exit(pid));
}

/* The receiver of a buffer reads the charge, after the process that allocated it died. */
TEST_F(fdinfo, sent)
{
	int fd;

	ASSERT_EQ(0, cg_enter_current(self->b));
	fd = cg_alloc(self->a, self->t.heap_fd, self->t.page);
	ASSERT_LE(0, fd);
	EXPECT_OWNER(0, fd, self->id_a);
}

/* The id stays, and the next cgroup of the same name has another one. */
TEST_F(fdinfo, removed)
{
	struct dmem_test *t = &self->t;
	unsigned long long id;
	int fd, more, i;

	fd = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_enter_current(self->b));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, cg_destroy(self->a));
		EXPECT_OWNER(0, fd, self->id_a);
		ASSERT_EQ(0, cg_create(self->a));
		id = cg_id(self->a);
		EXPECT_NE(self->id_a, id);
		more = cg_alloc(self->a, t->heap_fd, t->page);
		ASSERT_LE(0, more);
		EXPECT_OWNER(0, more, id);
		EXPECT_OWNER(0, fd, self->id_a);
		close(more);
	}
	/* The cgroup is removed, and this is the last reference. */
	ASSERT_EQ(0, cg_destroy(self->a));
	sleep_ms(200);
	EXPECT_OWNER(0, fd, self->id_a);
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
	char *leaf = new_cgroup(_metadata, cg_create, self->a, "leaf");
	int fd, old;

	old = cg_alloc(leaf, t->heap_fd, t->page);
	ASSERT_LE(0, old);
	EXPECT_OWNER(0, old, self->id_a);
	ASSERT_EQ(0, cg_enter_current(self->b));
	ASSERT_EQ(0, cg_write(self->a, SUBTREE_CONTROL, "+dmem"));
	fd = cg_alloc(leaf, t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	EXPECT_OWNER(0, fd, cg_id(leaf));
	EXPECT_OWNER(0, old, self->id_a);
	/* A state without a file is not a cgroup without an id. */
	ASSERT_EQ(0, cg_write(self->a, SUBTREE_CONTROL, "-dmem"));
	EXPECT_OWNER(0, fd, cg_id(leaf));
	free(leaf);
}

TEST_F(fdinfo, root)
{
	struct dmem_test *t = &self->t;
	int fd;

	fd = cg_alloc(t->root, t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	EXPECT_OWNER(0, fd, cg_id(t->root));
}

/* The fdinfo of unaccounted buffers and of other files has no such lines. */
TEST(uncharged)
{
	struct udmabuf_create req = { .size = sysconf(_SC_PAGESIZE) };
	struct dmem_owner owner;
	struct dmem_test t;
	int dev, fd;

	begin_or_skip(_metadata, &t, DMEM_NO_HEAP);
	dmem_end(&t);
	dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		SKIP(return, "no udmabuf (CONFIG_UDMABUF)");
	req.memfd = memfd_create("dmem", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ASSERT_LE(0, (int)req.memfd);
	ASSERT_EQ(0, ftruncate(req.memfd, req.size));
	ASSERT_EQ(0, fcntl(req.memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	EXPECT_EQ(-ENODATA, fd_owner(0, req.memfd, &owner));
	fd = ioctl(dev, UDMABUF_CREATE, &req);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENODATA, fd_owner(0, fd, &owner));
	ASSERT_EQ(0, ioctl(fd, DMA_BUF_SET_NAME, "x\ndmem_region:\tcma/other"));
	EXPECT_EQ(-ENODATA, fd_owner(0, fd, &owner));
}

TEST_HARNESS_MAIN
