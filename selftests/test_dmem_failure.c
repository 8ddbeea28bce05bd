// SPDX-License-Identifier: GPL-2.0
/*
 * An allocation that fails leaves the usage as it was, whether it fails before
 * the charge or after. dmem.peak shows that there was a charge at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"

#define PAGES	4
#define ROUNDS	20

FIXTURE(failure) {
	struct dmem_test t;
	char *cg;
	long long len;
	const char *area;	/* NULL where its figures depend on others, too */
};

FIXTURE_VARIANT(failure) { enum dmem_kind kind; };
FIXTURE_VARIANT_ADD(failure, cma) { .kind = DMEM_CMA };
FIXTURE_VARIANT_ADD(failure, system) { .kind = DMEM_SYSTEM };

FIXTURE_SETUP(failure)
{
	begin_or_skip(_metadata, &self->t, variant->kind);
	self->len = PAGES * self->t.page;
	if (region_is_private(self->t.heap.region) &&
	    cma_read(self->t.area, "available_pages") >= 0)
		self->area = self->t.area;
	self->cg = new_cgroup(_metadata, cg_create, self->t.cg, "a");
	EXPECT_EQ(0, cg_enter_current(self->cg));
}

FIXTURE_TEARDOWN(failure)
{
	dmem_end(&self->t);
}

static int lowest_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

/* The lowest free fd is above RLIMIT_NOFILE, so the new buffer gets none. */
static int alloc_without_fd(int heap_fd, long long len)
{
	struct rlimit old, tight;
	int ret;

	getrlimit(RLIMIT_NOFILE, &old);
	tight = old;
	tight.rlim_cur = lowest_fd();
	setrlimit(RLIMIT_NOFILE, &tight);
	ret = heap_alloc(heap_fd, len);
	setrlimit(RLIMIT_NOFILE, &old);
	return ret;
}

/* The argument is readable, but not writable. */
static int alloc_readonly(int heap_fd, long long len)
{
	struct dma_heap_allocation_data *data;
	size_t page = sysconf(_SC_PAGESIZE);
	int ret;

	data = shared_alloc(page);
	data->len = len;
	data->fd_flags = O_RDWR | O_CLOEXEC;
	mprotect(data, page, PROT_READ);
	ret = ioctl(heap_fd, DMA_HEAP_IOCTL_ALLOC, data) ? -errno : 0;
	if (!ret)
		close(data->fd);
	munmap(data, page);
	return ret;
}

static long long area_read(const char *area, const char *file)
{
	return area ? cma_read(area, file) : 0;
}

/*
 * The limit is two buffers, of which the process has one. If any failure kept its
 * charge, the next one would be ENOMEM and not the expected errno; if it returned
 * the charge twice, that of the other buffer would be missing.
 */
static void fail_after_charge(struct __test_metadata *_metadata, struct dmem_test *t,
			      const char *cg, const char *area,
			      int (*alloc)(int, long long), int err)
{
	const char *region = t->heap.region;
	long long avail, unaccounted, len = PAGES * t->page;
	int i, fd, held, low;

	ASSERT_EQ(0, dmem_set_max(cg, region, 2 * len));
	held = heap_alloc(t->heap_fd, len);
	ASSERT_LE(0, held);
	avail = area_read(area, "available_pages");
	unaccounted = area_read(area, "unaccounted_pages");

	low = lowest_fd();
	for (i = 0; i < ROUNDS; i++) {
		EXPECT_EQ(-err, alloc(t->heap_fd, len));
		EXPECT_EQ(len, dmem_current(cg, region));
		EXPECT_EQ(len, dmem_current(t->cg, region));
	}
	EXPECT_EQ(2 * len, dmem_peak(cg, region))
		TH_LOG("there was no charge to return");
	EXPECT_EQ(low, lowest_fd());

	fd = heap_alloc(t->heap_fd, len);
	ASSERT_LE(0, fd);
	EXPECT_EQ(2 * len, dmem_current(cg, region));
	EXPECT_EQ(unaccounted, area_read(area, "unaccounted_pages"));
	close(fd);
	EXPECT_EQ(len, dmem_current(cg, region));
	EXPECT_EQ(avail, area_read(area, "available_pages"));
	close(held);
	EXPECT_EQ(0, dmem_current(cg, region));
}

TEST_F(failure, no_free_fd)
{
	fail_after_charge(_metadata, &self->t, self->cg, self->area, alloc_without_fd, EMFILE);
}

TEST_F(failure, cannot_copy_back)
{
	fail_after_charge(_metadata, &self->t, self->cg, self->area, alloc_readonly, EFAULT);
}

/* A refusal is ENOMEM; EAGAIN would make libdrm retry for ever. */
TEST_F(failure, refusal_installs_nothing)
{
	struct dmem_test *t = &self->t;
	struct dma_heap_allocation_data data = {
		.len = self->len + t->page,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	int low = lowest_fd(), i;

	ASSERT_EQ(0, dmem_set_max(self->cg, t->heap.region, self->len));
	for (i = 0; i < ROUNDS; i++) {
		EXPECT_EQ(-1, ioctl(t->heap_fd, DMA_HEAP_IOCTL_ALLOC, &data));
		EXPECT_EQ(ENOMEM, errno);
		EXPECT_EQ(0, (int)data.fd);
	}
	EXPECT_EQ(low, lowest_fd());
	EXPECT_EQ(0, dmem_current(self->cg, t->heap.region));
}

TEST_HARNESS_MAIN
