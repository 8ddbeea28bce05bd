// SPDX-License-Identifier: GPL-2.0
/*
 * dmem.events of requests through the DMA API. A request fails for lack of room only
 * if no other allocator serves it. A request larger than the area is beyond the buddy
 * allocator as well.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dma_fixture.h"
#include "dmem_expect_events.h"

#define PAGES		16
#define MAX_FDS		4096
#define NARROW_BITS	24	/* of the device's addresses with DMEM_DMA_NARROW */

/* This process is in a. */
FIXTURE(dma_events) {
	struct dmem_test t;
	char *a, *b;
	int dev, method;
	long long len, big;		/* of PAGES; larger than the area */
	int fds[MAX_FDS], n;		/* of b */
};

#define EVENTS	FIXTURE_DATA(dma_events)

DMA_METHOD_VARIANTS(dma_events);

FIXTURE_SETUP(dma_events)
{
	struct dmem_test *t = &self->t;

	self->method = variant->method;
	dma_begin_or_skip(_metadata, t, self->method, &self->dev);
	self->len = PAGES * t->page;
	self->big = dmem_read(t->root, "dmem.capacity", t->heap.region) + t->page;
	EXPECT_LT(self->len, self->big);
	EXPECT_GE(1 << 30, self->big);
	self->a = cg_name(t->cg, "a");
	self->b = cg_name(t->cg, "b");
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_create(self->b));
	EXPECT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(dma_events)
{
	while (self->n)
		close(self->fds[--self->n]);
	EXPECT_EQ(0, dma_driver_close(self->dev));
	EXPECT_EQ(0, dmem_current(self->t.cg, self->t.heap.region));
	dmem_end(&self->t);
}

static int request(EVENTS *self, long long len, int flags)
{
	return dma_alloc(self->dev, self->method, len, flags);
}

#define EXPECT_EVENTS(cg, ...) \
	expect_events(_metadata, self->t.heap.region, cg, __VA_ARGS__)
#define EXPECT_LOCAL(cg, ...) \
	expect_local(_metadata, self->t.heap.region, cg, __VA_ARGS__)

/*
 * A request of a that the full area has no room for. 32-bit ARM's allocator of coherent
 * memory has nothing else to try. Returns how many requests failed.
 */
static int expect_served(struct __test_metadata *_metadata, EVENTS *self, long long len)
{
	int id = request(self, len, DMEM_DMA_ACCOUNT);

	if (!dma_has_fallback(self->method)) {
		EXPECT_EQ(-ENOMEM, id);
		return 1;
	}
	EXPECT_LT(0, id);
	EXPECT_EQ(0, dma_free(self->dev, id));
	return 0;
}

/* b takes the whole area. */
static void fill(struct __test_metadata *_metadata, EVENTS *self)
{
	ASSERT_EQ(0, cg_enter_current(self->b));
	ASSERT_EQ(0, area_fill(&self->t, 1, self->fds, &self->n, MAX_FDS));
	ASSERT_EQ(0, cg_enter_current(self->a));
}

TEST_F_TIMEOUT(dma_events, exhausted, 60)
{
	const char *region = self->t.heap.region;
	long long misses;
	int seen;

	fill(_metadata, self);
	misses = dmem_nested(self->b, "dmem.events", region, "exhausted");
	ASSERT_LT(0, misses);

	seen = expect_served(_metadata, self, self->len);
	EXPECT_EVENTS(self->a, 0, 0, seen);
	seen += expect_served(_metadata, self, self->t.page);
	EXPECT_EVENTS(self->a, 0, 0, seen);

	EXPECT_EQ(-ENOMEM, request(self, self->big, 0));
	EXPECT_EVENTS(self->a, 0, 0, seen);
	EXPECT_EQ(-ENOMEM, request(self, self->big, DMEM_DMA_ACCOUNT));
	seen++;
	EXPECT_EVENTS(self->a, 0, 0, seen);
	EXPECT_LOCAL(self->a, 0, 0, seen);
	EXPECT_EVENTS(self->t.cg, 0, 0, misses + seen);
	EXPECT_LOCAL(self->t.cg, 0, 0, 0);
	EXPECT_EVENTS(self->b, 0, 0, misses);

	/* There is no room either, but the limit is the reason of the refusal. */
	ASSERT_EQ(0, dmem_set_max(self->a, region, 0));
	EXPECT_EQ(-ENOMEM, request(self, self->len, DMEM_DMA_ACCOUNT));
	EXPECT_EQ(-ENOMEM, request(self, self->big, DMEM_DMA_ACCOUNT));
	EXPECT_EVENTS(self->a, 2, 2, seen);
	EXPECT_LOCAL(self->a, 2, 2, seen);
	EXPECT_EVENTS(self->t.cg, 2, 2, misses + seen);
	ASSERT_EQ(0, dmem_set_max(self->a, region, DMEM_MAX));

	/* The area is free, but too small. */
	while (self->n)
		close(self->fds[--self->n]);
	EXPECT_EQ(-ENOMEM, request(self, self->big, DMEM_DMA_ACCOUNT));
	EXPECT_EVENTS(self->a, 2, 2, seen + 1);
}

/* Others may use the default area, but no request larger than it can be served. */
TEST_F(dma_events, default_area)
{
	int flags = DMEM_DMA_DEFAULT | DMEM_DMA_ACCOUNT;
	char region[DMEM_NAME_LEN];
	long long big;

	if (!default_area_region(region))
		SKIP(return, DMEM_TEST_HEAP " does not name the default area");
	big = dmem_read(self->t.root, "dmem.capacity", region) + self->t.page;
	ASSERT_LT(self->t.page, big);
	EXPECT_EQ(-ENOMEM, request(self, big, DMEM_DMA_DEFAULT));
	expect_no_events(_metadata, region, self->a);
	EXPECT_EQ(-ENOMEM, request(self, big, flags));
	expect_events(_metadata, region, self->a, 0, 0, 1);
	expect_local(_metadata, region, self->a, 0, 0, 1);
	ASSERT_EQ(0, dmem_set_max(self->a, region, big - self->t.page));
	EXPECT_EQ(-ENOMEM, request(self, big, flags));
	expect_events(_metadata, region, self->a, 1, 1, 1);
	expect_no_events(_metadata, self->t.heap.region, self->a);
}

/* Neither a limit on an area that the device cannot address is the reason, nor its room. */
TEST_F(dma_events, out_of_reach)
{
	char *dir = cg_name(CMA_DEBUGFS, self->t.area);
	long base_pfn = cg_read_long(dir, "base_pfn");
	int id;

	free(dir);
	ASSERT_LE(1LL << NARROW_BITS, base_pfn * (long long)self->t.page);
	if (dma_has_fallback(self->method))
		ASSERT_EQ(0, dmem_set_max(self->a, self->t.heap.region, 0));
	id = request(self, self->len, DMEM_DMA_ACCOUNT | DMEM_DMA_NARROW);
	if (dma_has_fallback(self->method)) {
		/* The guests have no other memory below that either. */
		EXPECT_EQ(-ENOMEM, id);
	} else {
		/* 32-bit ARM's allocator of coherent memory does not compare addresses. */
		EXPECT_EQ(0, dma_free(self->dev, id));
	}
	expect_no_events(_metadata, self->t.heap.region, self->a);
}

TEST_HARNESS_MAIN
