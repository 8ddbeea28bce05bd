// SPDX-License-Identifier: GPL-2.0
/*
 * The DMA API with DMA_ATTR_ACCOUNT and without, through a test module: memory of
 * the area is charged, a refused request is not served by another allocator,
 * and requests without the attribute and memory from elsewhere are not charged.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_dma_driver.h"
#include "dmem_expect_events.h"

#define PAGES	16
#define MUCH	(4LL << 20)

#define MEMCG_STAT	"../memory.stat"
#define MAX_FDS	4096

#define CMA_DEBUGFS	"/sys/kernel/debug/cma"
#define NARROW_BITS	24	/* of the device's addresses with DMEM_DMA_NARROW */

FIXTURE(dma) {
	struct dmem_test t;
	char region[DMEM_NAME_LEN];	/* of the default area */
	const char *area;
	char *a, *b;
	int dev, heap_fd;
	bool loaded;
	long long len;
};

FIXTURE_VARIANT(dma) {
	int method;
};

FIXTURE_VARIANT_ADD(dma, coherent) {
	.method = DMEM_DMA_COHERENT,
};

FIXTURE_VARIANT_ADD(dma, no_mapping) {
	.method = DMEM_DMA_NO_MAPPING,
};

FIXTURE_VARIANT_ADD(dma, pages) {
	.method = DMEM_DMA_PAGES,
};

FIXTURE_VARIANT_ADD(dma, noncontiguous) {
	.method = DMEM_DMA_NONCONTIGUOUS,
};

FIXTURE_SETUP(dma)
{
	int ret = dmem_begin(&self->t, DMEM_NO_HEAP);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	if (!dma_driver_region(self->region)) {
		dmem_end(&self->t);
		SKIP(return, "no accounted default CMA area");
	}
	self->area = region_area(self->region);
	if (cma_read(self->area, "unaccounted_pages") < 0) {
		dmem_end(&self->t);
		SKIP(return, "no count of unaccounted pages");
	}
	self->dev = dma_driver_open(&self->loaded);
	if (self->dev < 0) {
		dmem_end(&self->t);
		SKIP(return, "cannot load dmem_dma_test.ko");
	}
	self->heap_fd = heap_open("default_cma_region");
	EXPECT_LE(0, self->heap_fd);
	self->len = PAGES * self->t.page;
	self->a = cg_name(self->t.cg, "a");
	self->b = cg_name(self->t.cg, "b");
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_create(self->b));
	EXPECT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(dma)
{
	dma_driver_close(self->dev, self->loaded);
	close(self->heap_fd);
	dmem_end(&self->t);
}

/* The counters of the area. */
struct area {
	long long available, unaccounted;
};

static struct area area_now(const char *name)
{
	struct area a = {
		.available = cma_read(name, "available_pages"),
		.unaccounted = cma_read(name, "unaccounted_pages"),
	};

	return a;
}

static void expect_area(struct __test_metadata *_metadata, const char *name,
			struct area before, int taken, int unaccounted)
{
	struct area now = area_now(name);

	EXPECT_EQ(before.available - taken, now.available);
	EXPECT_EQ(before.unaccounted + unaccounted, now.unaccounted);
}

/* The charge is exact, and lasts as long as the buffer. */
TEST_F(dma, accounted)
{
	struct area before = area_now(self->area);
	int id;

	id = dma_alloc(self->dev, variant->method, self->len,
		       DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	EXPECT_EQ(self->len, dmem_current(self->a, self->region));
	EXPECT_EQ(self->len, dmem_current(self->t.cg, self->region));
	EXPECT_EQ(PAGES, dma_pages(self->dev));
	expect_area(_metadata, self->area, before, PAGES, 0);

	/* Freed by a process in b. */
	ASSERT_EQ(0, cg_enter_current(self->b));
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	EXPECT_EQ(0, dmem_current(self->b, self->region));
	EXPECT_EQ(0, dmem_current(self->t.cg, self->region));
	expect_area(_metadata, self->area, before, 0, 0);
}

/* A length that is no multiple of a page. */
TEST_F(dma, accounted_odd_length)
{
	struct area before = area_now(self->area);
	int id;

	id = dma_alloc(self->dev, variant->method, self->len - 100,
		       DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	EXPECT_EQ(self->len, dmem_current(self->a, self->region));
	expect_area(_metadata, self->area, before, PAGES, 0);
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	expect_area(_metadata, self->area, before, 0, 0);
}

/* The last close of the device frees all buffers and ends all charges. */
TEST_F(dma, closed)
{
	struct area before = area_now(self->area);
	bool loaded;
	int dev, i;

	dev = dma_driver_open(&loaded);
	ASSERT_LE(0, dev);
	for (i = 0; i < 4; i++) {
		ASSERT_LT(0, dma_alloc(dev, variant->method, self->len,
				       DMEM_DMA_ACCOUNT));
	}
	EXPECT_EQ(4 * self->len, dmem_current(self->a, self->region));
	close(dev);
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	expect_area(_metadata, self->area, before, 0, 0);
}

TEST_F(dma, limit)
{
	int id, more;

	ASSERT_EQ(0, dmem_set_max(self->a, self->region,
				  2 * self->len - self->t.page));
	more = dma_alloc(self->dev, variant->method, self->len,
			 DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, more);
	EXPECT_EQ(-ENOMEM, dma_alloc(self->dev, variant->method, self->len,
				     DMEM_DMA_ACCOUNT));
	EXPECT_EQ(self->len, dmem_current(self->a, self->region));
	EXPECT_EQ(PAGES, dma_pages(self->dev));
	id = dma_alloc(self->dev, variant->method, self->len - self->t.page,
		       DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	EXPECT_EQ(2 * self->len - self->t.page,
		  dmem_current(self->a, self->region));
	EXPECT_EQ(0, dma_free(self->dev, more));
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_EQ(0, dmem_current(self->a, self->region));
}

/*
 * A refusal ends the request. If the caller mistook it for a full area, the
 * buddy allocator would serve the request without a charge.
 */
TEST_F(dma, refusal_is_final)
{
	struct area before = area_now(self->area);
	long long big = 2LL << 20;
	int i;

	ASSERT_EQ(0, dmem_set_max(self->a, self->region, 0));
	for (i = 0; i < 16; i++)
		EXPECT_EQ(-ENOMEM, dma_alloc(self->dev, variant->method, big,
					     DMEM_DMA_ACCOUNT));
	EXPECT_EQ(0, dma_pages(self->dev));
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	EXPECT_EQ(0, dmem_peak(self->a, self->region));
	expect_area(_metadata, self->area, before, 0, 0);
}

/* Without the attribute a request is neither checked nor charged. */
TEST_F(dma, unaccounted)
{
	struct area before = area_now(self->area);
	long long root = dmem_current(self->t.root, self->region);
	int id;

	ASSERT_EQ(0, dmem_set_max(self->a, self->region, 0));
	id = dma_alloc(self->dev, variant->method, self->len, 0);
	ASSERT_LT(0, id);
	expect_area(_metadata, self->area, before, PAGES, PAGES);
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	EXPECT_EQ(root, dmem_current(self->t.root, self->region));
	EXPECT_EQ(0, dma_free(self->dev, id));
	expect_area(_metadata, self->area, before, 0, 0);
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	EXPECT_EQ(root, dmem_current(self->t.root, self->region));
}

/*
 * page->private belongs to the user of the pages: its value has no meaning for
 * CMA.
 */
TEST_F(dma, private_is_the_users)
{
	struct area before = area_now(self->area);
	long long root = dmem_current(self->t.root, self->region);
	int i, id, acc;

	for (i = 0; i < 8; i++) {
		id = dma_alloc(self->dev, variant->method, self->len,
			       DMEM_DMA_POISON);
		ASSERT_LT(0, id);
		acc = dma_alloc(self->dev, variant->method, self->len,
				DMEM_DMA_POISON | DMEM_DMA_ACCOUNT);
		ASSERT_LT(0, acc);
		EXPECT_EQ(self->len, dmem_current(self->a, self->region));
		expect_area(_metadata, self->area, before, 2 * PAGES, PAGES);
		EXPECT_EQ(0, dma_free(self->dev, id));
		EXPECT_EQ(self->len, dmem_current(self->a, self->region));
		expect_area(_metadata, self->area, before, PAGES, 0);
		EXPECT_EQ(0, dma_free(self->dev, acc));
		EXPECT_EQ(0, dmem_current(self->a, self->region));
		EXPECT_EQ(root, dmem_current(self->t.root, self->region));
		expect_area(_metadata, self->area, before, 0, 0);
	}
}

/* One page does not come from the default area, so it is not charged there. */
TEST_F(dma, one_page)
{
	struct area before = area_now(self->area);
	int id;

	id = dma_alloc(self->dev, variant->method, self->t.page,
		       DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	if (variant->method == DMEM_DMA_COHERENT && !kernel_is_64bit() &&
	    cma_read(self->area, "available_pages") != before.available) {
		/* 32-bit ARM's own allocator does take it from there. */
		EXPECT_EQ(self->t.page, dmem_current(self->a, self->region));
		expect_area(_metadata, self->area, before, 1, 0);
	} else {
		EXPECT_EQ(0, dmem_current(self->a, self->region));
		expect_area(_metadata, self->area, before, 0, 0);
	}
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	expect_area(_metadata, self->area, before, 0, 0);
}

/*
 * The device cannot address the memory of the area, so the request is neither
 * charged nor checked against the limit, whether or not it succeeds elsewhere.
 */
TEST_F(dma, out_of_reach)
{
	struct area before = area_now(self->area);
	char *dir = cg_name(CMA_DEBUGFS, self->area);
	long base_pfn = cg_read_long(dir, "base_pfn");
	int id;

	free(dir);
	if (base_pfn < 0)
		SKIP(return, "no CONFIG_CMA_DEBUGFS");
	if (base_pfn * (long long)self->t.page < 1LL << NARROW_BITS)
		SKIP(return, "the device can address the area");
	id = dma_alloc(self->dev, variant->method, self->len,
		       DMEM_DMA_ACCOUNT | DMEM_DMA_NARROW);
	/* 32-bit ARM's allocator of coherent memory does not compare the addresses. */
	if (!kernel_is_64bit() && variant->method == DMEM_DMA_COHERENT) {
		EXPECT_LT(0, id);
		EXPECT_EQ(self->len, dmem_current(self->a, self->region));
		expect_area(_metadata, self->area, before, PAGES, 0);
	} else {
		EXPECT_EQ(0, dmem_current(self->a, self->region));
		EXPECT_EQ(0, dmem_peak(self->a, self->region));
		expect_area(_metadata, self->area, before, 0, 0);
		if (id > 0)
			EXPECT_EQ(0, dma_free(self->dev, id));
		ASSERT_EQ(0, dmem_set_max(self->a, self->region, 0));
		id = dma_alloc(self->dev, variant->method, self->len,
			       DMEM_DMA_ACCOUNT | DMEM_DMA_NARROW);
	}
	if (id > 0)
		EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_EQ(0, dma_pages(self->dev));
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	expect_area(_metadata, self->area, before, 0, 0);
	/* Neither the limit nor lack of room in the area was a reason. */
	expect_no_events(_metadata, self->region, self->a);
}

/* Only a full area makes the buddy allocator serve; dmem counts nothing. */
TEST_F_TIMEOUT(dma, full_area, 60)
{
	struct area before = area_now(self->area), full;
	long long used, memcg;
	static int fds[MAX_FDS];
	int n, id;

	ASSERT_EQ(0, cg_enter_current(self->b));
	n = heap_fill(self->heap_fd, before.available / 4 * self->t.page, fds,
		      MAX_FDS);
	full = area_now(self->area);
	if (full.available >= PAGES)
		SKIP(return, "cannot fill the area: %lld pages are left",
		     full.available);
	used = dmem_current(self->b, self->region);
	EXPECT_EQ((before.available - full.available) * self->t.page, used);

	ASSERT_EQ(0, cg_enter_current(self->a));
	id = dma_alloc(self->dev, variant->method, self->len,
		       DMEM_DMA_ACCOUNT);
	/* 32-bit ARM's allocator of coherent memory has nothing else to try. */
	if (id == -ENOMEM && variant->method == DMEM_DMA_COHERENT &&
	    !kernel_is_64bit()) {
		EXPECT_EQ(used, dmem_current(self->t.cg, self->region));
		goto out;
	}
	EXPECT_LT(0, id);
	EXPECT_EQ(PAGES, dma_pages(self->dev));
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	EXPECT_EQ(used, dmem_current(self->t.cg, self->region));
	expect_area(_metadata, self->area, full, 0, 0);
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_EQ(0, dmem_current(self->a, self->region));

	/*
	 * memcg is not charged either, if it is enabled below the root: that is in
	 * the parent of the test's cgroup. The amount is large, so that it can be
	 * seen at once.
	 */
	memcg = cg_read_key_long(self->t.cg, MEMCG_STAT, "kernel ");
	id = dma_alloc(self->dev, variant->method, MUCH, DMEM_DMA_ACCOUNT);
	EXPECT_LT(0, id);
	if (memcg >= 0) {
		memcg = cg_read_key_long(self->t.cg, MEMCG_STAT, "kernel ") - memcg;
		EXPECT_GT(MUCH / 2, memcg);
	}
	EXPECT_EQ(0, dma_free(self->dev, id));

	/* A limit of 0 refuses the request even if the area is full. */
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, 0));
	EXPECT_EQ(-ENOMEM, dma_alloc(self->dev, variant->method, self->len,
				     DMEM_DMA_ACCOUNT));
	EXPECT_EQ(0, dma_pages(self->dev));
out:
	while (n)
		close(fds[--n]);
	EXPECT_EQ(0, dmem_current(self->t.cg, self->region));
	expect_area(_metadata, self->area, before, 0, 0);
}

/*
 * A request fails for lack of room only if no other allocator serves it. A
 * request larger than the area is beyond the buddy allocator as well.
 */
TEST_F_TIMEOUT(dma, exhausted, 60)
{
	long long big = dmem_read(self->t.root, "dmem.capacity", self->region);
	bool only_area = variant->method == DMEM_DMA_COHERENT &&
			 !kernel_is_64bit();
	struct area before = area_now(self->area);
	const char *region = self->region;
	static int fds[MAX_FDS];
	long long misses;
	int n, id, seen;

	ASSERT_LT(0, big);
	big += self->t.page;
	ASSERT_GE(1 << 30, big);
	ASSERT_EQ(0, cg_enter_current(self->b));
	n = heap_fill(self->heap_fd, before.available / 4 * self->t.page, fds,
		      MAX_FDS);
	if (area_now(self->area).available >= PAGES)
		SKIP(return, "cannot fill the area");
	misses = dmem_nested(self->b, "dmem.events", region, "exhausted");
	ASSERT_LT(0, misses);
	ASSERT_EQ(0, cg_enter_current(self->a));

	id = dma_alloc(self->dev, variant->method, self->len,
		       DMEM_DMA_ACCOUNT);
	/* 32-bit ARM's allocator of coherent memory has nothing else to try. */
	seen = id == -ENOMEM && only_area;
	if (!seen)
		EXPECT_EQ(0, dma_free(self->dev, id));
	expect_events(_metadata, region, self->a, 0, 0, seen);

	EXPECT_EQ(-ENOMEM, dma_alloc(self->dev, variant->method, big, 0));
	expect_events(_metadata, region, self->a, 0, 0, seen);
	EXPECT_EQ(-ENOMEM, dma_alloc(self->dev, variant->method, big,
				     DMEM_DMA_ACCOUNT));
	seen++;
	expect_events(_metadata, region, self->a, 0, 0, seen);
	expect_local(_metadata, region, self->a, 0, 0, seen);
	expect_events(_metadata, region, self->t.cg, 0, 0, misses + seen);
	expect_local(_metadata, region, self->t.cg, 0, 0, 0);
	expect_events(_metadata, region, self->b, 0, 0, misses);

	/* A single page is not requested from the default area. */
	id = dma_alloc(self->dev, variant->method, 1, DMEM_DMA_ACCOUNT);
	if (id == -ENOMEM && only_area)
		seen++;
	else
		EXPECT_EQ(0, dma_free(self->dev, id));
	expect_events(_metadata, region, self->a, 0, 0, seen);

	/* There is no room either, but the limit is the reason of the refusal. */
	ASSERT_EQ(0, dmem_set_max(self->a, region, 0));
	EXPECT_EQ(-ENOMEM, dma_alloc(self->dev, variant->method, self->len,
				     DMEM_DMA_ACCOUNT));
	EXPECT_EQ(-ENOMEM, dma_alloc(self->dev, variant->method, big,
				     DMEM_DMA_ACCOUNT));
	expect_events(_metadata, region, self->a, 2, 2, seen);
	expect_local(_metadata, region, self->a, 2, 2, seen);
	expect_events(_metadata, region, self->t.cg, 2, 2, misses + seen);
	ASSERT_EQ(0, dmem_set_max(self->a, region, DMEM_MAX));

	/* The area is free, but too small. */
	while (n)
		close(fds[--n]);
	EXPECT_EQ(-ENOMEM, dma_alloc(self->dev, variant->method, big,
				     DMEM_DMA_ACCOUNT));
	seen++;
	expect_events(_metadata, region, self->a, 2, 2, seen);
	EXPECT_EQ(0, dmem_current(self->t.cg, region));
	expect_area(_metadata, self->area, before, 0, 0);
}

TEST_HARNESS_MAIN
