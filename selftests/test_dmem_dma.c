// SPDX-License-Identifier: GPL-2.0
/*
 * The DMA API with DMA_ATTR_ACCOUNT and without, through a test module: memory of
 * the area is charged, a refused request is not served by another allocator,
 * and requests without the attribute and memory from elsewhere are not charged.
 *
 * The module's device has the area of the first heap in DMEM_TEST_HEAP for its own, so
 * the figures of the area are exact. Another device uses the default area.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_dma_driver.h"
#include "dmem_expect.h"

#define PAGES		16
#define MAX_FDS		4096
#define NARROW_BITS	24	/* of the device's addresses with DMEM_DMA_NARROW */

/* This process is in a. */
FIXTURE(dma) {
	struct dmem_test t;
	char *a, *b;
	int dev, method;
	long long len;				/* of PAGES */
	long long root;				/* before the test, as these: */
	long long available, unaccounted;	/* in pages */
	long long filled;			/* pages of b */
	int fds[MAX_FDS], n;			/* of b */
};

#define DMA	FIXTURE_DATA(dma)

FIXTURE_VARIANT(dma) { int method; };
FIXTURE_VARIANT_ADD(dma, coherent) { .method = DMEM_DMA_COHERENT };
FIXTURE_VARIANT_ADD(dma, no_mapping) { .method = DMEM_DMA_NO_MAPPING };
FIXTURE_VARIANT_ADD(dma, pages) { .method = DMEM_DMA_PAGES };
FIXTURE_VARIANT_ADD(dma, noncontiguous) { .method = DMEM_DMA_NONCONTIGUOUS };

FIXTURE_SETUP(dma)
{
	begin_or_skip(_metadata, &self->t, DMEM_CMA);
	if (cma_read(self->t.area, "unaccounted_pages") < 0) {
		dmem_end(&self->t);
		SKIP(return, "no CONFIG_CMA_SYSFS");
	}
	self->method = variant->method;
	self->dev = dma_driver_open(&self->t, self->method);
	if (self->dev < 0) {
		dmem_end(&self->t);
		SKIP(return, "%s", self->t.reason);
	}
	self->len = PAGES * self->t.page;
	self->a = new_cgroup(_metadata, cg_create, self->t.cg, "a");
	self->b = new_cgroup(_metadata, cg_create, self->t.cg, "b");
	EXPECT_EQ(0, cg_enter_current(self->a));
	self->root = dmem_current(self->t.root, self->t.heap.region);
	self->available = cma_read(self->t.area, "available_pages");
	self->unaccounted = cma_read(self->t.area, "unaccounted_pages");
}

FIXTURE_TEARDOWN(dma)
{
	while (self->n)
		close(self->fds[--self->n]);
	EXPECT_EQ(0, dma_driver_close(self->dev));
	dmem_end(&self->t);
}

static int request(DMA *self, long long len, int flags)
{
	return dma_alloc(self->dev, self->method, len, flags);
}

/* Pages of the area that a is charged for, and that no cgroup is charged for. */
static void expect_pages(struct __test_metadata *_metadata, DMA *self, int charged,
			 int unaccounted)
{
	long long sum = self->filled + charged;
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;

	EXPECT_EQ(charged * t->page, dmem_current(self->a, region));
	EXPECT_EQ(self->filled * t->page, dmem_current(self->b, region));
	EXPECT_EQ(sum * t->page, dmem_current(t->cg, region));
	expect_root(_metadata, t, region, self->root, sum * t->page);
	EXPECT_EQ(self->available - sum - unaccounted, cma_read(t->area, "available_pages"));
	EXPECT_EQ(self->unaccounted + unaccounted, cma_read(t->area, "unaccounted_pages"));
}

#define EXPECT_PAGES(...)	expect_pages(_metadata, self, __VA_ARGS__)

/* The charge is exact, and lasts as long as the buffer. */
TEST_F(dma, accounted)
{
	int id = request(self, self->len, DMEM_DMA_ACCOUNT);

	ASSERT_LT(0, id);
	EXPECT_PAGES(PAGES, 0);

	/* Freed by a process in b. */
	ASSERT_EQ(0, cg_enter_current(self->b));
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_PAGES(0, 0);
}

/* A length that is no multiple of a page. */
TEST_F(dma, accounted_odd_length)
{
	int id = request(self, self->len - 100, DMEM_DMA_ACCOUNT);

	ASSERT_LT(0, id);
	EXPECT_PAGES(PAGES, 0);
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_PAGES(0, 0);
}

/* The last close of the device frees all buffers and ends all charges. */
TEST_F(dma, closed)
{
	int dev, i;

	dev = dma_driver_open_area(self->t.area);
	ASSERT_LE(0, dev);
	for (i = 0; i < 4; i++)
		ASSERT_LT(0, dma_alloc(dev, self->method, self->len, DMEM_DMA_ACCOUNT));
	EXPECT_PAGES(4 * PAGES, 0);
	close(dev);
	EXPECT_PAGES(0, 0);
}

TEST_F(dma, limit)
{
	struct dmem_test *t = &self->t;
	int id, more;

	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, 2 * self->len - t->page));
	more = request(self, self->len, DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, more);
	EXPECT_EQ(-ENOMEM, request(self, self->len, DMEM_DMA_ACCOUNT));
	EXPECT_PAGES(PAGES, 0);
	id = request(self, self->len - t->page, DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	EXPECT_PAGES(2 * PAGES - 1, 0);
	EXPECT_EQ(0, dma_free(self->dev, more));
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_PAGES(0, 0);
}

/*
 * A refusal ends the request. If the caller mistook it for a full area, the
 * buddy allocator would serve the request without a charge.
 */
TEST_F(dma, refusal_is_final)
{
	const char *region = self->t.heap.region;
	int i;

	ASSERT_EQ(0, dmem_set_max(self->a, region, 0));
	for (i = 0; i < 16; i++)
		EXPECT_EQ(-ENOMEM, request(self, 2LL << 20, DMEM_DMA_ACCOUNT));
	EXPECT_EQ(0, dmem_peak(self->a, region));
	EXPECT_PAGES(0, 0);
}

/* Without the attribute a request is neither checked nor charged. */
TEST_F(dma, unaccounted)
{
	int id;

	ASSERT_EQ(0, dmem_set_max(self->a, self->t.heap.region, 0));
	id = request(self, self->len, 0);
	ASSERT_LT(0, id);
	EXPECT_PAGES(0, PAGES);
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_PAGES(0, 0);
}

/*
 * page->private belongs to the user of the pages: its value has no meaning for
 * CMA.
 */
TEST_F(dma, private_is_the_users)
{
	int i, id, acc;

	for (i = 0; i < 8; i++) {
		id = request(self, self->len, DMEM_DMA_POISON);
		ASSERT_LT(0, id);
		acc = request(self, self->len, DMEM_DMA_POISON | DMEM_DMA_ACCOUNT);
		ASSERT_LT(0, acc);
		EXPECT_PAGES(PAGES, PAGES);
		EXPECT_EQ(0, dma_free(self->dev, id));
		EXPECT_PAGES(PAGES, 0);
		EXPECT_EQ(0, dma_free(self->dev, acc));
		EXPECT_PAGES(0, 0);
	}
}

/* From an area of its own, a device gets single pages as well. */
TEST_F(dma, one_page)
{
	int id = request(self, self->t.page, DMEM_DMA_ACCOUNT);

	ASSERT_LT(0, id);
	EXPECT_PAGES(1, 0);
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_PAGES(0, 0);
}

/*
 * The device cannot address the memory of the area, so the request is not charged
 * for a moment either, whether or not it succeeds elsewhere.
 */
TEST_F(dma, out_of_reach)
{
	char *dir = cg_name(CMA_DEBUGFS, self->t.area);
	long base_pfn = cg_read_long(dir, "base_pfn");
	int id;

	free(dir);
	if (base_pfn < 0)
		SKIP(return, "no CONFIG_CMA_DEBUGFS");
	if (base_pfn * (long long)self->t.page < 1LL << NARROW_BITS)
		SKIP(return, "the device can address the area");
	id = request(self, self->len, DMEM_DMA_ACCOUNT | DMEM_DMA_NARROW);
	/* 32-bit ARM's allocator of coherent memory does not compare the addresses. */
	if (!kernel_is_64bit() && self->method == DMEM_DMA_COHERENT) {
		EXPECT_LT(0, id);
		EXPECT_PAGES(PAGES, 0);
	} else {
		EXPECT_PAGES(0, 0);
		EXPECT_EQ(0, dmem_peak(self->a, self->t.heap.region));
	}
	if (id > 0)
		EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_PAGES(0, 0);
}

/* b takes the whole area. */
static void fill(struct __test_metadata *_metadata, DMA *self)
{
	struct dmem_test *t = &self->t;

	ASSERT_EQ(0, cg_enter_current(self->b));
	ASSERT_GT(PAGES, area_fill(t, PAGES, self->fds, &self->n, MAX_FDS));
	self->filled = dmem_current(self->b, t->heap.region) / t->page;
	ASSERT_EQ(0, cg_enter_current(self->a));
	EXPECT_PAGES(0, 0);
}

/* Only a full area makes the buddy allocator serve. */
TEST_F_TIMEOUT(dma, full_area, 60)
{
	int id;

	fill(_metadata, self);
	id = request(self, self->len, DMEM_DMA_ACCOUNT);
	if (dma_has_fallback(self->method)) {
		ASSERT_LT(0, id);
		EXPECT_PAGES(0, 0);
		EXPECT_EQ(0, dma_free(self->dev, id));
	} else {
		EXPECT_EQ(-ENOMEM, id);
	}
	EXPECT_PAGES(0, 0);

	/* A limit of 0 refuses the request even if the area is full. */
	ASSERT_EQ(0, dmem_set_max(self->a, self->t.heap.region, 0));
	EXPECT_EQ(-ENOMEM, request(self, self->len, DMEM_DMA_ACCOUNT));

	while (self->n)
		close(self->fds[--self->n]);
	self->filled = 0;
	EXPECT_PAGES(0, 0);
}

/* A device that has no area of its own. This process is in a. */
FIXTURE(dma_default) {
	struct dmem_test t;
	char region[DMEM_NAME_LEN], *a;
	bool own;	/* Other devices have the area of the test's heap. */
	int dev;
};

FIXTURE_VARIANT(dma_default) { int method; };
FIXTURE_VARIANT_ADD(dma_default, coherent) { .method = DMEM_DMA_COHERENT };
FIXTURE_VARIANT_ADD(dma_default, no_mapping) { .method = DMEM_DMA_NO_MAPPING };
FIXTURE_VARIANT_ADD(dma_default, pages) { .method = DMEM_DMA_PAGES };
FIXTURE_VARIANT_ADD(dma_default, noncontiguous) { .method = DMEM_DMA_NONCONTIGUOUS };

FIXTURE_SETUP(dma_default)
{
	struct dmem_test *t = &self->t;
	const char *reason = NULL;

	begin_or_skip(_metadata, t, DMEM_CMA);
	self->own = region_is_private(t->heap.region);
	self->dev = dma_driver_open_area(self->own ? t->area : "");
	if (self->dev < 0)
		reason = "no dmem_dma_test.ko for this area";
	else if (!default_area_region(self->region))
		reason = DMEM_TEST_HEAP " does not name the default area";
	else if (cma_read(region_area(self->region), "available_pages") < 64 * PAGES)
		reason = "others use the default area, or no CONFIG_CMA_SYSFS";
	if (reason) {
		dma_driver_close(self->dev);
		dmem_end(t);
		SKIP(return, "%s", reason);
	}
	self->a = new_cgroup(_metadata, cg_create, t->cg, "a");
	EXPECT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(dma_default)
{
	EXPECT_EQ(0, dma_driver_close(self->dev));
	dmem_end(&self->t);
}

/*
 * Any driver may allocate from the default area: only the charge of the test's cgroup is
 * exact. The area has no single pages for the DMA API.
 */
TEST_F(dma_default, default_area)
{
	int flags = DMEM_DMA_DEFAULT | DMEM_DMA_ACCOUNT, method = variant->method, id;
	struct dmem_test *t = &self->t;
	const char *own = t->heap.region;
	long long len = PAGES * t->page, root, available, unaccounted;

	root = dmem_current(t->root, own);
	available = cma_read(t->area, "available_pages");
	unaccounted = cma_read(t->area, "unaccounted_pages");
	id = dma_alloc(self->dev, method, len, flags);
	ASSERT_LT(0, id);
	EXPECT_EQ(len, dmem_current(self->a, self->region));
	if (self->own) {
		EXPECT_EQ(0, dmem_current(t->cg, own));
		EXPECT_EQ(root, dmem_current(t->root, own));
		EXPECT_EQ(available, cma_read(t->area, "available_pages"));
		EXPECT_EQ(unaccounted, cma_read(t->area, "unaccounted_pages"));
	}
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_EQ(0, dmem_current(self->a, self->region));

	id = dma_alloc(self->dev, method, t->page, flags);
	ASSERT_LT(0, id);
	/* 32-bit ARM's allocator of coherent memory does take them from there. */
	EXPECT_EQ(dma_has_fallback(method) ? 0 : t->page, dmem_current(self->a, self->region));
	EXPECT_EQ(0, dma_free(self->dev, id));

	ASSERT_EQ(0, dmem_set_max(self->a, self->region, len - t->page));
	EXPECT_EQ(-ENOMEM, dma_alloc(self->dev, method, len, flags));
	id = dma_alloc(self->dev, method, len, DMEM_DMA_DEFAULT);
	ASSERT_LT(0, id);
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	EXPECT_EQ(0, dma_free(self->dev, id));
}

TEST_HARNESS_MAIN
