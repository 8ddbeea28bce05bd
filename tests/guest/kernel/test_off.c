// SPDX-License-Identifier: GPL-2.0
/*
 * Without the controller, not built in or cgroup_disable=dmem, the heaps work as
 * they did before accounting, and report no region. So does a device's coherent pool,
 * also for requests that a driver wants to have charged.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "charge_fd.h"
#include "coherent_pool.h"
#include "dmem_dma_driver.h"
#include "guest_util.h"
#include "dmem_fd_owner.h"

#define PAGES	16

FIXTURE(off) {
	struct dmem_heap heaps[DMEM_HEAPS];	/* the usable ones */
	long long page;
	int n;
};

FIXTURE_SETUP(off)
{
	int i, n;

	if (dmem_is_on())
		SKIP(return, "the dmem controller is on");
	if (!cgroup2_mount())
		SKIP(return, "cgroup2 is not mounted");
	if (geteuid())
		SKIP(return, "needs root");
	self->page = sysconf(_SC_PAGESIZE);
	n = heap_list(self->heaps, DMEM_HEAPS);
	for (i = 0; i < n; i++) {
		if (self->heaps[i].usable)
			self->heaps[self->n++] = self->heaps[i];
	}
	if (!self->n)
		SKIP(return, "no usable heap in /dev/dma_heap (" DMEM_TEST_HEAP ")");
}

FIXTURE_TEARDOWN(off)
{
}

/* Free pages of the CMA area with the heap's name, or a negative errno. */
static long long area_free(const struct dmem_heap *h)
{
	return cma_read(h->name, "available_pages");
}

TEST_F(off, no_files)
{
	char *child = cg_name_indexed(cgroup2_mount(), "dmem_off.", getpid());
	const char * const cg[] = { cgroup2_mount(), child };
	struct dirent *ent;
	unsigned int i;
	DIR *dir;

	ASSERT_EQ(0, cg_create(child));
	for (i = 0; i < ARRAY_SIZE(cg); i++) {
		dir = opendir(cg[i]);
		EXPECT_TRUE(!!dir);
		while (dir && (ent = readdir(dir))) {
			EXPECT_NE(0, strncmp(ent->d_name, "dmem.", 5))
				TH_LOG("%s/%s", cg[i], ent->d_name);
		}
		if (dir)
			closedir(dir);
	}
	EXPECT_EQ(0, cg_destroy(child));
	free(child);
}

TEST_F(off, no_region)
{
	char path[512], buf[DMEM_NAME_LEN] = "";
	ssize_t len;
	int fd, i;

	for (i = 0; i < self->n; i++) {
		if (!self->heaps[i].has_region_file)
			SKIP(return, "this kernel's heaps have no dmem_region");
		snprintf(path, sizeof(path),
			 "/sys/class/dma_heap/%s/dmem_region",
			 self->heaps[i].name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		len = read(fd, buf, sizeof(buf) - 1);
		close(fd);
		ASSERT_LE(0, len);
		EXPECT_STREQ(len ? "\n" : "", buf);
	}
}

TEST_F(off, heaps_work)
{
	int i, root = charge_cgroup(cgroup2_mount());
	size_t len = PAGES * self->page, j;

	for (i = 0; i < self->n; i++) {
		struct dmem_heap *h = &self->heaps[i];
		long long before = area_free(h);
		struct dmem_owner owner;
		int heap_fd, fd;
		char *map;

		heap_fd = heap_open(h->name);
		ASSERT_LE(0, heap_fd);
		fd = heap_alloc(heap_fd, len - 1);
		ASSERT_LE(0, fd)
			TH_LOG("heap %s", h->name);
		EXPECT_EQ((off_t)len, lseek(fd, 0, SEEK_END));
		EXPECT_EQ(-ENODATA, fd_owner(0, fd, &owner));
		if (h->has_region_file)
			EXPECT_EQ(-EOPNOTSUPP, charge_transfer(fd, root));
		if (before >= 0)
			EXPECT_EQ(before - PAGES, area_free(h));
		map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   0);
		ASSERT_TRUE(map != MAP_FAILED);
		for (j = 0; j < len; j += self->page)
			EXPECT_EQ(0, map[j]);
		memset(map, 0x5a, len);
		EXPECT_EQ(0x5a, map[len - 1]);
		EXPECT_EQ(0, munmap(map, len));
		close(fd);
		if (before >= 0)
			EXPECT_EQ(before, area_free(h));

		EXPECT_EQ(-EINVAL, heap_alloc(heap_fd, 0));
		if (h->has_region_file)
			EXPECT_EQ(-EOPNOTSUPP, charge_alloc(heap_fd, len, root));
		close(heap_fd);
	}
}

/* A full area fails with ENOMEM, and all of its pages return afterwards. */
TEST_F(off, full)
{
	int i, n, seen = 0;

	for (i = 0; i < self->n; i++) {
		struct dmem_heap *h = &self->heaps[i];
		long long before = area_free(h);
		long long chunk = before / 8 * self->page;
		int heap_fd, fd[32];

		if (before < 1024)
			continue;
		seen++;
		heap_fd = heap_open(h->name);
		ASSERT_LE(0, heap_fd);
		for (n = 0; n < 32; n++) {
			fd[n] = heap_alloc(heap_fd, chunk);
			if (fd[n] < 0)
				break;
		}
		ASSERT_GT(32, n);
		EXPECT_LT(0, n);
		EXPECT_EQ(-ENOMEM, fd[n]);
		EXPECT_EQ(-ENOMEM, heap_alloc(heap_fd, before * self->page));
		while (n--)
			close(fd[n]);
		EXPECT_EQ(before, area_free(h));
		close(heap_fd);
	}
	if (!seen)
		SKIP(return, "no CMA heap, or no CONFIG_CMA_SYSFS");
}

/* No page is charged, so all allocated pages are unaccounted. */
TEST_F(off, all_is_unaccounted)
{
	int i, seen = 0;

	for (i = 0; i < self->n; i++) {
		struct dmem_heap *h = &self->heaps[i];
		long long unaccounted = cma_read(h->name, "unaccounted_pages");
		int heap_fd, fd;

		if (unaccounted < 0)
			continue;
		seen++;
		heap_fd = heap_open(h->name);
		ASSERT_LE(0, heap_fd);
		EXPECT_EQ(cma_read(h->name, "total_pages") - area_free(h),
			  unaccounted);
		fd = heap_alloc(heap_fd, PAGES * self->page);
		ASSERT_LE(0, fd);
		EXPECT_EQ(unaccounted + PAGES,
			  cma_read(h->name, "unaccounted_pages"));
		close(fd);
		EXPECT_EQ(unaccounted, cma_read(h->name, "unaccounted_pages"));
		close(heap_fd);
	}
	if (!seen)
		SKIP(return, "this kernel does not count unaccounted pages");
}

TEST_F(off, coherent_pool)
{
	struct coherent_pool pool;
	int dev, id, i;

	if (!coherent_pool_find(&pool))
		SKIP(return, "no coherent pool in the device tree");
	dev = dma_driver_open_area("");
	if (dev < 0)
		SKIP(return, "cannot load dmem_dma_test.ko");
	ASSERT_EQ(0, coherent_pool_give(&pool, "device", DMEM_DMA_TEST_DEV ".0"));
	for (i = 0; i < 3; i++) {
		id = dma_alloc(dev, DMEM_DMA_COHERENT, pool.size, DMEM_DMA_ACCOUNT);
		EXPECT_LT(0, id);
		EXPECT_EQ(-ENOMEM, dma_alloc(dev, DMEM_DMA_COHERENT, 1, DMEM_DMA_ACCOUNT));
		EXPECT_EQ(0, dma_free(dev, id));
	}
	EXPECT_EQ(0, coherent_pool_take(&pool));
	EXPECT_EQ(0, dma_driver_close(dev));
}

TEST_HARNESS_MAIN
