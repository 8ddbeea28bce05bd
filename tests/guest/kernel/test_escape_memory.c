// SPDX-License-Identifier: GPL-2.0
/*
 * Attempts to exceed the limit with memory from elsewhere: an alias, another heap,
 * another process's device or service, pages that outlive their buffer, another
 * hierarchy. Each checks the charged cgroup. Attempts with a change of identity are
 * in test_escape.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_dma_driver.h"
#include "dmem_expect.h"
#include "sound.h"
#include "usbfs.h"

#define LIMIT	4	/* pages */
#define MORE	(3 * LIMIT)

/* This process is in a, whose limit is LIMIT pages of each region in use. */
FIXTURE(memory) {
	struct dmem_test t;
	char *a, *b;
	int fds[MORE], n;
};

FIXTURE_SETUP(memory)
{
	begin_or_skip(_metadata, &self->t, DMEM_CMA);
	self->a = cg_name(self->t.cg, "a");
	self->b = cg_name(self->t.cg, "b");
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_create(self->b));
	EXPECT_EQ(0, dmem_set_max(self->a, self->t.heap.region, LIMIT * self->t.page));
	EXPECT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(memory)
{
	while (self->n)
		close(self->fds[--self->n]);
	EXPECT_EQ(0, dmem_wait_current(self->t.cg, self->t.heap.region, 0, 5000));
	dmem_end(&self->t);
}

#define MEMORY	FIXTURE_DATA(memory)

/* Allocates single pages of a heap until refused; returns how many. */
static int take(MEMORY *self, int heap_fd)
{
	int n = heap_fill(heap_fd, self->t.page, self->fds + self->n, MORE - self->n);

	self->n += n;
	return n;
}

static void expect_paid(struct __test_metadata *_metadata, MEMORY *self,
			const char *region, int a, int b)
{
	long long page = self->t.page;

	EXPECT_EQ(a * page, dmem_current(self->a, region));
	EXPECT_EQ(b * page, dmem_current(self->b, region));
	EXPECT_EQ((a + b) * page, dmem_current(self->t.cg, region));
}

#define EXPECT_PAID(region, a, b) expect_paid(_metadata, self, region, a, b)

/* Several heaps on one area are one region: the limit covers all of them together. */
TEST_F(memory, alias)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	int n = heap_list(heaps, DMEM_HEAPS), one = -1, two = -1, i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < i && heaps[i].usable && heaps[i].region[0]; j++) {
			if (strcmp(heaps[i].region, heaps[j].region))
				continue;
			one = i;
			two = j;
		}
	}
	if (one < 0)
		SKIP(return, "no two usable heaps on one area");
	ASSERT_EQ(0, dmem_set_max(self->a, heaps[one].region, LIMIT * self->t.page));
	one = heap_open(heaps[one].name);
	i = heap_open(heaps[two].name);
	ASSERT_LE(0, one);
	ASSERT_LE(0, i);
	self->fds[self->n++] = heap_alloc(one, self->t.page);
	ASSERT_LE(0, self->fds[0]);
	EXPECT_EQ(LIMIT - 1, take(self, i));
	EXPECT_EQ(0, take(self, one));
	EXPECT_PAID(heaps[two].region, LIMIT, 0);
}

/* Another heap may serve a refused request: it is another region, with its own limit. */
TEST_F(memory, another_heap)
{
	int heap_fd = heap_open("system");

	if (heap_fd < 0 || dmem_current(self->a, "heap/system") < 0)
		SKIP(return, "no system heap with a region");
	EXPECT_EQ(LIMIT, take(self, self->t.heap_fd));
	ASSERT_EQ(0, dmem_set_max(self->a, "heap/system", 2 * self->t.page));
	EXPECT_EQ(2, take(self, heap_fd));
	EXPECT_PAID(self->t.heap.region, LIMIT, 0);
	EXPECT_PAID("heap/system", 2, 0);
}

/* A driver's request that CMA refuses is not served by another allocator. */
TEST_F(memory, fallback)
{
	struct dmem_test *t = &self->t;
	long long unaccounted, avail;
	int dev, i, j;

	for (i = 0; i < DMEM_DMA_METHODS; i++) {
		dev = dma_driver_open(t, i);
		if (dev < 0)
			SKIP(return, "%s", t->reason);
		ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, LIMIT * t->page));
		unaccounted = cma_read(t->area, "unaccounted_pages");
		avail = cma_read(t->area, "available_pages");
		for (j = 0; j < LIMIT / 2; j++)
			EXPECT_LT(0, dma_alloc(dev, i, 2 * t->page, DMEM_DMA_ACCOUNT));
		EXPECT_PAID(t->heap.region, LIMIT, 0);
		EXPECT_EQ(-ENOMEM, dma_alloc(dev, i, 2 * t->page, DMEM_DMA_ACCOUNT));
		EXPECT_EQ(avail - LIMIT, cma_read(t->area, "available_pages"));
		EXPECT_EQ(unaccounted, cma_read(t->area, "unaccounted_pages"));
		EXPECT_EQ(0, dma_driver_close(dev));
		EXPECT_PAID(t->heap.region, 0, 0);
		EXPECT_EQ(avail, cma_read(t->area, "available_pages"));
	}
}

/*
 * Drivers that take memory of the same area for a process: a sound card, as a PCM device and
 * in the OSS emulation, and usbfs. The limit covers all of them together.
 */
TEST_F(memory, other_drivers)
{
	long long page = self->t.page, limit = PCM_BYTES + LIMIT * page;
	char region[DMEM_NAME_LEN];
	int pcm, usb;
	void *p;

	if (!default_area_region(region) || pcm_preallocate(0))
		SKIP(return, "no default area, or no sound card");
	ASSERT_EQ(0, dmem_set_max(self->a, region, limit));
	pcm = pcm_open(0);
	usb = usbfs_open();
	ASSERT_LE(0, pcm);
	ASSERT_LE(0, usb);
	p = usbfs_map(usb, 2 * LIMIT * page);
	ASSERT_TRUE(!!p);
	EXPECT_EQ(-ENOMEM, pcm_buffer(pcm, PCM_BYTES));
	close(pcm);
	EXPECT_EQ(-ENOMEM, dsp_open(PCM_BYTES));
	EXPECT_PAID(region, 2 * LIMIT, 0);
	munmap(p, 2 * LIMIT * page);
	pcm = pcm_open(0);
	ASSERT_LE(0, pcm);
	EXPECT_EQ(0, pcm_buffer(pcm, PCM_BYTES));
	EXPECT_TRUE(!usbfs_map(usb, 2 * LIMIT * page));
	EXPECT_PAID(region, PCM_BYTES / page, 0);
	close(pcm);
	close(usb);
	EXPECT_PAID(region, 0, 0);
}

/* A service in b that receives a heap's fd and sends back a buffer */
static void serve(int sock, long long len)
{
	int heap_fd = recv_fd(sock), fd = -1;

	if (heap_fd >= 0)
		fd = heap_alloc(heap_fd, len);
	_exit(fd < 0 || send_fd(sock, fd) ? 1 : 0);
}

/* The process that uses a device is charged, not the one that opened it. */
TEST_F(memory, device_over_socket)
{
	struct dmem_test *t = &self->t;
	int sv[2], heap_fd;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	/* b opens it, a uses it */
	pid = cg_fork(self->b);
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(send_fd(sv[1], heap_open(t->heap.name)) ? 1 : 0);
	heap_fd = recv_fd(sv[0]);
	ASSERT_LE(0, heap_fd);
	EXPECT_EQ(0, wait_exit(pid));
	EXPECT_EQ(LIMIT, take(self, heap_fd));
	EXPECT_PAID(t->heap.region, LIMIT, 0);

	/* a opened the device, b uses it: the charge goes to b, as intended */
	pid = cg_fork(self->b);
	ASSERT_LE(0, pid);
	if (!pid)
		serve(sv[1], 2 * t->page);
	ASSERT_EQ(0, send_fd(sv[0], t->heap_fd));
	self->fds[self->n] = recv_fd(sv[0]);
	ASSERT_LE(0, self->fds[self->n]);
	self->n++;
	EXPECT_EQ(0, wait_exit(pid));
	EXPECT_PAID(t->heap.region, LIMIT, 2);
}

/*
 * A restarted service has a fresh limit, while buffers that it passed on before still
 * exist. Their charge stays with the ancestors, so the limit there holds.
 */
TEST_F(memory, fresh_cgroup)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	char *x = cg_name(self->b, "x");
	int i, n = 0, fd = 0;

	ASSERT_EQ(0, cg_write(self->b, "cgroup.subtree_control", "+dmem"));
	ASSERT_EQ(0, dmem_set_max(self->b, region, (LIMIT + 1) * t->page));
	for (i = 0; i < MORE && fd >= 0; i++) {
		ASSERT_EQ(0, cg_create(x));
		ASSERT_EQ(0, dmem_set_max(x, region, t->page));
		fd = cg_alloc(x, t->heap_fd, t->page);
		if (fd >= 0)
			self->fds[n++] = fd;
		EXPECT_EQ(-ENOMEM, cg_alloc(x, t->heap_fd, t->page));
		ASSERT_EQ(0, cg_destroy(x));
	}
	self->n = n;
	EXPECT_EQ(-ENOMEM, fd);
	EXPECT_EQ(LIMIT + 1, n);
	EXPECT_PAID(region, 0, LIMIT + 1);
	free(x);
}

/*
 * Pages that outlive their buffer would escape the charge: no interface takes pages
 * out of a buffer.
 */
TEST_F(memory, pages_without_buffer)
{
	struct dmem_test *t = &self->t;
	long long avail = cma_read(t->area, "available_pages");
	struct iovec iov = { .iov_len = t->page };
	int fd, ends[2];
	char c;

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	fd = heap_alloc(t->heap_fd, LIMIT * t->page);
	ASSERT_LE(0, fd);
	iov.iov_base = mmap(NULL, LIMIT * t->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_TRUE(iov.iov_base != MAP_FAILED);
	memset(iov.iov_base, 'x', LIMIT * t->page);
	EXPECT_EQ(-1, splice(fd, NULL, ends[1], NULL, t->page, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, vmsplice(ends[1], &iov, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, read(ends[0], &c, 1));
	EXPECT_EQ(EAGAIN, errno);
	/* A private mapping would be a copy, or another reference: there is none. */
	EXPECT_TRUE(mmap(NULL, t->page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) == MAP_FAILED);
	EXPECT_PAID(t->heap.region, LIMIT, 0);
	/* A mapping of one page still holds the whole buffer. */
	EXPECT_TRUE(mremap(iov.iov_base, LIMIT * t->page, t->page, 0) == iov.iov_base);
	close(fd);
	EXPECT_PAID(t->heap.region, LIMIT, 0);
	EXPECT_EQ(0, munmap(iov.iov_base, t->page));
	EXPECT_PAID(t->heap.region, 0, 0);
	EXPECT_EQ(avail, cma_read(t->area, "available_pages"));
}

/*
 * A dma-buf of other memory belongs to no region. udmabuf rejects a buffer of a region
 * as its backing memory.
 */
TEST_F(memory, udmabuf)
{
	struct dmem_test *t = &self->t;
	long long len = 4LL << 20, avail;
	struct udmabuf_create create = { .size = len };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd;

	if (dev < 0)
		SKIP(return, "no /dev/udmabuf");
	ASSERT_EQ(LIMIT, take(self, t->heap_fd));
	avail = cma_read(t->area, "available_pages");
	create.memfd = memfd_create("escape", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ASSERT_LE(0, (int)create.memfd);
	ASSERT_EQ(0, ftruncate(create.memfd, len));
	ASSERT_EQ(0, fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	fd = ioctl(dev, UDMABUF_CREATE, &create);
	ASSERT_LE(0, fd);
	EXPECT_PAID(t->heap.region, LIMIT, 0);
	EXPECT_EQ(avail, cma_read(t->area, "available_pages"));
	EXPECT_GE(0, dmem_current(self->a, "heap/system"));
	close(fd);
	close(create.memfd);

	create.memfd = self->fds[0];
	create.size = t->page;
	EXPECT_EQ(-1, ioctl(dev, UDMABUF_CREATE, &create));
	EXPECT_PAID(t->heap.region, LIMIT, 0);
	close(dev);
}

/* memcg is charged for the pages of a udmabuf, as intended. */
TEST_F(memory, udmabuf_memcg)
{
	struct dmem_test *t = &self->t;
	struct udmabuf_create create = { .size = 4LL << 20 };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd, tries;
	long long before, now = 0;

	if (dev < 0)
		SKIP(return, "no /dev/udmabuf");
	if (dmem_enable_memory(t))
		SKIP(return, "no memory controller in cgroup2");
	create.memfd = memfd_create("escape", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ASSERT_LE(0, (int)create.memfd);
	ASSERT_EQ(0, ftruncate(create.memfd, create.size));
	ASSERT_EQ(0, fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	before = cg_read_key_long(self->a, "memory.stat", "shmem ");
	ASSERT_LE(0, before);
	fd = ioctl(dev, UDMABUF_CREATE, &create);
	ASSERT_LE(0, fd);
	/* memcg sums up its statistics every two seconds, or after many changes. */
	for (tries = 0; tries < 100 && now != before + (long long)create.size; tries++) {
		now = cg_read_key_long(self->a, "memory.stat", "shmem ");
		sleep_ms(100);
	}
	EXPECT_EQ(before + (long long)create.size, now);
	close(fd);
	close(create.memfd);
	close(dev);
}

/*
 * The kernel's records of limits are charged to memcg: whoever may make cgroups could
 * otherwise use up memory with them.
 */
#define RECORDS		256
#define RECORD_MIN	256	/* bytes, half of one: the last ones are in no statistics yet */

TEST_F_TIMEOUT(memory, records, 120)
{
	struct dmem_test *t = &self->t;
	long long before, now = 0;
	char *cg[RECORDS];
	int i, tries;

	if (dmem_enable_memory(t))
		SKIP(return, "no memory controller in cgroup2");
	for (i = 0; i < RECORDS; i++) {
		cg[i] = cg_name_indexed(t->cg, "record", i);
		ASSERT_EQ(0, cg_create(cg[i]));
		/* The first access to the file takes memory for its inode. */
		ASSERT_EQ(DMEM_MAX, dmem_read(cg[i], "dmem.max", t->heap.region));
	}
	/* Above the memory that all this takes, once that is in the statistics */
	sleep_ms(3000);
	before = cg_read_key_long(self->a, "memory.stat", "slab ");
	ASSERT_LE(0, before);
	for (i = 0; i < RECORDS; i++)
		ASSERT_EQ(0, dmem_set_max(cg[i], t->heap.region, t->page));
	for (tries = 0; tries < 50 && now < before + RECORDS * RECORD_MIN; tries++) {
		sleep_ms(100);
		now = cg_read_key_long(self->a, "memory.stat", "slab ");
	}
	EXPECT_LE(before + RECORDS * RECORD_MIN, now)
		TH_LOG("%lld bytes for each", (now - before) / RECORDS);
	for (i = 0; i < RECORDS; i++)
		EXPECT_EQ(0, cg_destroy(cg[i]));
}

/* As long as the controller is used here, no hierarchy of cgroup v1 has it. */
TEST_F(memory, cgroup_v1)
{
	char dir[] = "/tmp/dmem_escape.XXXXXX";
	int ret;

	ASSERT_TRUE(!!mkdtemp(dir));
	ret = mount("cgroup", dir, "cgroup", 0, "dmem") ? errno : 0;
	if (!ret)
		umount(dir);
	rmdir(dir);
	if (ret == ENODEV)
		SKIP(return, "no cgroup v1");
	EXPECT_EQ(EBUSY, ret);
	EXPECT_EQ(LIMIT, take(self, self->t.heap_fd));
	EXPECT_PAID(self->t.heap.region, LIMIT, 0);
}

TEST_HARNESS_MAIN
