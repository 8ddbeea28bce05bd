// SPDX-License-Identifier: GPL-2.0
/*
 * Regions and heaps: the test's heaps are accounted, in the region that the sysfs file
 * names and in no other; heaps on one area share one counter; the usage of a
 * region equals the memory allocated from its area.
 */
#include <errno.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"

#define PAGES	4

FIXTURE(region) {
	struct dmem_test t;
	char *cg;
	/* Those that tests may use; heaps of firmware and vendors may have no region. */
	struct dmem_heap heaps[DMEM_HEAPS];
	int n, areas;
};

FIXTURE_SETUP(region)
{
	int i, n;

	begin_or_skip(_metadata, &self->t, DMEM_NO_HEAP);
	n = heap_list(self->heaps, DMEM_HEAPS);
	for (i = 0; i < n; i++) {
		struct dmem_heap *h = &self->heaps[i];

		/* Not in every kernel is the system heap accounted. */
		if (h->usable && h->has_region_file && (h->region[0] || strcmp(h->name, "system")))
			self->heaps[self->n++] = *h;
		self->areas += h->usable && region_area(h->region);
	}
	if (access("/sys/kernel/mm/cma", F_OK))
		self->areas = 0;
	if (!self->n) {
		dmem_end(&self->t);
		SKIP(return, "no heap that tests may use has dmem_region in sysfs");
	}
	self->cg = new_cgroup(_metadata, cg_create, self->t.cg, "a");
	EXPECT_EQ(0, cg_enter_current(self->cg));
}

FIXTURE_TEARDOWN(region)
{
	dmem_end(&self->t);
}

/* The region exists, and starts without usage and limit. */
TEST_F(region, every_heap_is_accounted)
{
	int i;

	for (i = 0; i < self->n; i++) {
		struct dmem_heap *h = &self->heaps[i];

		EXPECT_NE(0, h->region[0])
			TH_LOG("heap %s is not accounted", h->name);
		EXPECT_LT(0, dmem_read(self->t.root, "dmem.capacity", h->region))
			TH_LOG("heap %s: no region \"%s\"", h->name, h->region);
		EXPECT_EQ(0, dmem_current(self->cg, h->region));
		EXPECT_EQ(DMEM_MAX, dmem_read(self->cg, "dmem.max", h->region));
	}
}

TEST_F(region, capacity)
{
	int i;

	if (!self->areas)
		SKIP(return, "no CMA heap, or no CONFIG_CMA_SYSFS");
	for (i = 0; i < self->n; i++) {
		const char *region = self->heaps[i].region, *area = region_area(region);

		if (area)
			EXPECT_EQ(cma_read(area, "total_pages") * self->t.page,
				  dmem_read(self->t.root, "dmem.capacity", region));
	}
}

/* Each heap in turn: its region is charged, and no other. */
TEST_F(region, charged_is_what_is_named)
{
	struct dmem_test *t = &self->t;
	int i, j, heap_fd, fd;

	for (i = 0; i < self->n; i++) {
		struct dmem_heap *h = &self->heaps[i];

		heap_fd = heap_open(h->name);
		ASSERT_LE(0, heap_fd);
		fd = heap_alloc(heap_fd, PAGES * t->page);
		ASSERT_LE(0, fd);
		for (j = 0; j < self->n; j++) {
			const char *region = self->heaps[j].region;

			EXPECT_EQ(strcmp(region, h->region) ? 0 : PAGES * t->page,
				  dmem_current(self->cg, region))
				TH_LOG("heap %s, region %s", h->name, region);
		}
		close(fd);
		close(heap_fd);
		EXPECT_EQ(0, dmem_current(self->cg, h->region));
	}
}

/* Opens two heaps with the same region, if same, or with different ones. */
static bool open_pair(struct dmem_heap *heaps, int n, bool same, const char **region,
		      int *heap_fd)
{
	struct dmem_heap *a, *b, *end = heaps + n;

	for (a = heaps; a < end; a++) {
		for (b = a + 1; b < end; b++) {
			if (!a->region[0] || !b->region[0] || !strcmp(a->region, b->region) != same)
				continue;
			region[0] = a->region;
			region[1] = b->region;
			heap_fd[0] = heap_open(a->name);
			heap_fd[1] = heap_open(b->name);
			return heap_fd[0] >= 0 && heap_fd[1] >= 0;
		}
	}
	return false;
}

/* Another heap on the same area does not evade the limit. */
TEST_F(region, aliases)
{
	long long page = self->t.page;
	const char *region[2];
	int heap[2], fd[2];

	if (!open_pair(self->heaps, self->n, true, region, heap))
		SKIP(return, "no two usable heaps on one area");
	fd[0] = heap_alloc(heap[0], PAGES * page);
	ASSERT_LE(0, fd[0]);
	fd[1] = heap_alloc(heap[1], 2 * PAGES * page);
	ASSERT_LE(0, fd[1]);
	EXPECT_EQ(3 * PAGES * page, dmem_current(self->cg, *region));

	ASSERT_EQ(0, dmem_set_max(self->cg, *region, 3 * PAGES * page));
	EXPECT_EQ(-ENOMEM, heap_alloc(heap[0], page));
	EXPECT_EQ(-ENOMEM, heap_alloc(heap[1], page));
	close(fd[0]);
	EXPECT_EQ(2 * PAGES * page, dmem_current(self->cg, *region));
	EXPECT_EQ(-ENOMEM, heap_alloc(heap[1], (PAGES + 1) * page));
	fd[0] = heap_alloc(heap[1], PAGES * page);
	EXPECT_LE(0, fd[0]);
	EXPECT_EQ(-ENOMEM, heap_alloc(heap[0], page));
	close(fd[0]);
	close(fd[1]);
	EXPECT_EQ(0, dmem_current(self->cg, *region));
}

/* A region at its limit does not affect another region. */
TEST_F(region, independent)
{
	long long page = self->t.page;
	const char *region[2];
	int heap[2], fd, full, other;

	if (!open_pair(self->heaps, self->n, false, region, heap))
		SKIP(return, "only one usable region");
	for (full = 0, other = 1; full < 2; full++, other--) {
		ASSERT_EQ(0, dmem_set_max(self->cg, region[full], 0));
		ASSERT_EQ(0, dmem_set_max(self->cg, region[other], DMEM_MAX));
		EXPECT_EQ(-ENOMEM, heap_alloc(heap[full], page));
		fd = heap_alloc(heap[other], PAGES * page);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, dmem_current(self->cg, region[full]));
		EXPECT_EQ(PAGES * page, dmem_current(self->cg, region[other]));
		close(fd);
		EXPECT_EQ(0, dmem_current(self->cg, region[other]));
	}
}

/*
 * All allocated pages of an area are either charged or counted as unaccounted.
 * The files cannot be read at one moment, so this retries.
 */
static void expect_adds_up(struct __test_metadata *_metadata, struct dmem_test *t,
			   const char *region, const char *when)
{
	long long allocated, unaccounted, charged, end = now_ms() + 500;
	const char *area = region_area(region);

	do {
		allocated = cma_read(area, "total_pages") - cma_read(area, "available_pages");
		unaccounted = cma_read(area, "unaccounted_pages");
		charged = dmem_current(t->root, region) / t->page;
	} while (allocated != unaccounted + charged && now_ms() < end);
	EXPECT_LE(0, unaccounted);
	EXPECT_EQ(allocated, unaccounted + charged)
		TH_LOG("area %s, %s", area, when);
}

TEST_F(region, area_adds_up)
{
	struct dmem_test *t = &self->t;
	int i, heap_fd, fd;

	if (!self->areas)
		SKIP(return, "no CMA heap, or no CONFIG_CMA_SYSFS");
	for (i = 0; i < self->n; i++) {
		const char *region = self->heaps[i].region, *area = region_area(region);
		bool private = region_is_private(region);
		long long unaccounted, avail;

		if (!area)
			continue;
		heap_fd = heap_open(self->heaps[i].name);
		ASSERT_LE(0, heap_fd);
		unaccounted = cma_read(area, "unaccounted_pages");
		avail = cma_read(area, "available_pages");
		fd = heap_alloc(heap_fd, PAGES * t->page);
		ASSERT_LE(0, fd);
		expect_adds_up(_metadata, t, region, "with a buffer");
		if (private) {
			/* A heap's buffer is never among the unaccounted. */
			EXPECT_EQ(unaccounted, cma_read(area, "unaccounted_pages"));
			EXPECT_EQ(avail - PAGES, cma_read(area, "available_pages"));
		}
		close(fd);
		close(heap_fd);
		expect_adds_up(_metadata, t, region, "at rest again");
		if (private)
			EXPECT_EQ(avail, cma_read(area, "available_pages"));
	}
}

TEST_HARNESS_MAIN
