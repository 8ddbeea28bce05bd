// SPDX-License-Identifier: GPL-2.0
/*
 * Which areas a DMA request with DMA_ATTR_ACCOUNT is charged in: those that have room of its
 * size within reach of the device, in memory that the method can use. A limit does not refuse
 * the request if its area has none, and the page allocator serves it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"

#include "dmem_dma_driver.h"
#include "dmem_expect.h"
#include "dmem_expect_events.h"
#include "media.h"

#define MODULE	"dmem_dma_map"

#define PAGES	16	/* of a request */
#define PART	2048	/* pages of the area, less than it has */

/* DMA addresses: the bus ends at LIMIT. The guests have no memory from RAM_END on. */
#define RAM_END	(1ULL << 34)
#define NEAR	(1ULL << 35)
#define LIMIT	((1ULL << 36) - 1)
#define FAR	(1ULL << 36)
#define SECOND	(1ULL << 32)	/* added to those of a second range */

/* A device and a cgroup without other charges, in which this process is. */
struct requester {
	const struct dmem_test *t;
	const char *cg, *area, *region;
	int dev, method;
	long long len;
};

static int request(const struct requester *r, long long len)
{
	return dma_alloc(r->dev, r->method, len, DMEM_DMA_ACCOUNT);
}

/* A limit of 0 refuses the request if the area is tried, and else plays no part. */
static void expect_refused(struct __test_metadata *_metadata, const struct requester *r,
			   bool refused)
{
	int id;

	ASSERT_EQ(0, dmem_set_max(r->cg, r->region, 0));
	id = request(r, r->len);
	if (refused) {
		EXPECT_EQ(-ENOMEM, id);
		expect_events(_metadata, r->region, r->cg, 1, 1, 0);
	} else {
		EXPECT_LT(0, id);
		expect_no_events(_metadata, r->region, r->cg);
	}
	EXPECT_EQ(0, dmem_current(r->cg, r->region));
	EXPECT_EQ(0, dmem_peak(r->cg, r->region));
	if (id > 0)
		EXPECT_EQ(0, dma_free(r->dev, id));
	ASSERT_EQ(0, dmem_set_max(r->cg, r->region, DMEM_MAX));
}

/*
 * Without a limit, the request is served in any case. A page of the area may be busy for a
 * moment, and then the page allocator serves.
 */
static void expect_charged(struct __test_metadata *_metadata, const struct requester *r,
			   bool charged)
{
	long long before = cma_read(r->area, "available_pages"), end = now_ms() + 10000;
	long long bytes = charged ? r->len : 0;
	int id = request(r, r->len);

	while (id > 0 && dmem_current(r->cg, r->region) < bytes && now_ms() < end) {
		ASSERT_EQ(0, dma_free(r->dev, id));
		id = request(r, r->len);
	}
	ASSERT_LT(0, id);
	EXPECT_EQ(bytes, dmem_current(r->cg, r->region));
	EXPECT_EQ(bytes, dmem_peak(r->cg, r->region));
	EXPECT_EQ(before - bytes / r->t->page, cma_read(r->area, "available_pages"));
	EXPECT_EQ(0, dma_free(r->dev, id));
	EXPECT_EQ(0, dmem_current(r->cg, r->region));
	EXPECT_EQ(before, cma_read(r->area, "available_pages"));
}

/* Pages of the area, counted from its end if negative; a range to 0 has all the rest. */
struct range {
	long from, to;
	unsigned long long dma;		/* of page "from" */
};

/* a makes the requests, b has buffers of the area. */
FIXTURE(reach) {
	struct dmem_test t;
	struct requester r;
	char *a, *b;
	long long base, size;
};

#define REACH	FIXTURE_DATA(reach)

/*
 * The bus reaches all memory beside the area, so that the page allocator can serve each
 * request, and these ranges of the area. Where they overlap, the first one counts.
 */
FIXTURE_VARIANT(reach) {
	struct range ranges[2];
	bool in_reach;
	long first;	/* page in reach */
};

FIXTURE_VARIANT_ADD(reach, whole) {
	.ranges = { { 0, 0, NEAR } },
	.in_reach = true,
};

FIXTURE_VARIANT_ADD(reach, none) {
};

FIXTURE_VARIANT_ADD(reach, far) {
	.ranges = { { 0, 0, FAR } },
};

FIXTURE_VARIANT_ADD(reach, first_part) {
	.ranges = { { 0, PART, NEAR } },
	.in_reach = true,
};

FIXTURE_VARIANT_ADD(reach, last_part) {
	.ranges = { { PART, 0, NEAR } },
	.in_reach = true,
	.first = PART,
};

/* Room for exactly one request, and a page less than that */
FIXTURE_VARIANT_ADD(reach, last_pages) {
	.ranges = { { -PAGES, 0, NEAR } },
	.in_reach = true,
	.first = -PAGES,
};

FIXTURE_VARIANT_ADD(reach, too_few_pages) {
	.ranges = { { -PAGES + 1, 0, NEAR } },
};

FIXTURE_VARIANT_ADD(reach, near_and_far) {
	.ranges = { { 0, PART, NEAR }, { PART, 0, FAR } },
	.in_reach = true,
};

FIXTURE_VARIANT_ADD(reach, far_and_near) {
	.ranges = { { 0, PART, FAR }, { PART, 0, NEAR } },
	.in_reach = true,
	.first = PART,
};

FIXTURE_VARIANT_ADD(reach, both_far) {
	.ranges = { { 0, PART, FAR }, { PART, 0, FAR + SECOND } },
};

/* The second range begins at the base as well, but counts where the first one ends. */
FIXTURE_VARIANT_ADD(reach, overlap) {
	.ranges = { { 0, PART, FAR }, { 0, 0, NEAR } },
	.in_reach = true,
	.first = PART,
};

FIXTURE_VARIANT_ADD(reach, overlap_last_pages) {
	.ranges = { { 0, -PAGES, FAR }, { 0, 0, NEAR } },
	.in_reach = true,
	.first = -PAGES,
};

FIXTURE_VARIANT_ADD(reach, overlap_too_few_pages) {
	.ranges = { { 0, -PAGES + 1, FAR }, { 0, 0, NEAR } },
};

FIXTURE_VARIANT_ADD(reach, overlap_far) {
	.ranges = { { 0, PART, FAR }, { 0, 0, FAR + SECOND } },
};

/* The device reaches the first pages of the area only, whose DMA addresses are below LIMIT. */
FIXTURE_VARIANT_ADD(reach, up_to_limit) {
	.ranges = { { 0, 0, LIMIT + 1 - PAGES * 4096 } },
	.in_reach = true,
};

FIXTURE_VARIANT_ADD(reach, beyond_limit) {
	.ranges = { { 0, 0, LIMIT + 1 - (PAGES - 1) * 4096 } },
};

/* Bytes from the base of the area */
static long long offset(REACH *self, long pages)
{
	return pages * self->t.page + (pages < 0 ? self->size : 0);
}

static int map_load(REACH *self, const struct range *ranges)
{
	const long long base = self->base, end = base + self->size;
	char params[512];
	int len, i;

	len = snprintf(params, sizeof(params),
		       "limit=%llu range=0,0,%lld,%lld,%lld,%lld,%lld,%lld,%lld", LIMIT,
		       base / 2, base / 2, base / 2, base - base / 2,
		       end, end, (long long)RAM_END - end);
	for (i = 0; i < 2 && ranges[i].dma; i++) {
		long long from = offset(self, ranges[i].from);
		long long to = ranges[i].to ? offset(self, ranges[i].to) : self->size;

		len += snprintf(params + len, sizeof(params) - len, ",%lld,%llu,%lld",
				base + from, ranges[i].dma, to - from);
	}
	undo_add("/sys/module/" MODULE, "unload");
	return module_load(MODULE, params);
}

FIXTURE_SETUP(reach)
{
	struct dmem_test *t = &self->t;
	char *dir;

	begin_or_skip(_metadata, t, DMEM_CMA);
	ASSERT_EQ(4096, t->page);
	/* It uses all areas, also in the 32-bit guest. */
	self->r.method = DMEM_DMA_NO_MAPPING;
	self->r.dev = dma_driver_open(t, self->r.method);
	ASSERT_LE(0, self->r.dev)
		TH_LOG("%s", t->reason);
	dir = cg_name(CMA_DEBUGFS, t->area);
	self->base = cg_read_long(dir, "base_pfn") * (long long)t->page;
	free(dir);
	self->size = dmem_read(t->root, "dmem.capacity", t->heap.region);
	ASSERT_LT(0, self->base);
	ASSERT_LT((PART + PAGES) * t->page, self->size);
	ASSERT_LT(self->base + self->size, (long long)RAM_END);
	ASSERT_EQ(0, map_load(self, variant->ranges));
	self->a = new_cgroup(_metadata, cg_create, t->cg, "a");
	self->b = new_cgroup(_metadata, cg_create, t->cg, "b");
	ASSERT_EQ(0, cg_enter_current(self->a));
	self->r.t = t;
	self->r.cg = self->a;
	self->r.area = t->area;
	self->r.region = t->heap.region;
	self->r.len = PAGES * t->page;
}

FIXTURE_TEARDOWN(reach)
{
	EXPECT_EQ(0, dma_driver_close(self->r.dev));
	EXPECT_EQ(0, module_unload(MODULE));
	EXPECT_EQ(0, dmem_current(self->t.cg, self->t.heap.region));
	dmem_end(&self->t);
}

/* No part of the area has room for it, so only its base counts. No other memory serves it. */
static void expect_too_large(struct __test_metadata *_metadata, REACH *self, int refused,
			     bool tried)
{
	EXPECT_EQ(-ENOMEM, request(&self->r, self->size + self->t.page));
	expect_events(_metadata, self->r.region, self->a, refused, refused, tried);
	EXPECT_EQ(0, dmem_peak(self->a, self->r.region));
}

/*
 * The last request gets the pages in reach: CMA takes the first free ones, and a buffer of b
 * has those before.
 */
TEST_F(reach, requests)
{
	long long before = offset(self, variant->first);
	int buf = -1;

	expect_refused(_metadata, &self->r, variant->in_reach);
	expect_too_large(_metadata, self, variant->in_reach, variant->in_reach && !before &&
			 variant->ranges[0].dma + self->size + self->t.page - 1 <= LIMIT);
	if (before) {
		buf = cg_alloc(self->b, self->t.heap_fd, before);
		ASSERT_LE(0, buf);
		EXPECT_EQ(before, dmem_current(self->b, self->r.region));
	}
	expect_charged(_metadata, &self->r, variant->in_reach);
	if (buf >= 0)
		close(buf);
}

/*
 * High memory, on 32-bit: the kernel does not map it. Methods whose memory it must map do not
 * use areas there. On 64-bit, all methods use all areas.
 */
FIXTURE(high_memory) {
	struct dmem_test t;
	struct dmem_heap heaps[DMEM_HEAPS];
	int n;
	long long first;	/* page of high memory, or LLONG_MAX */
	char *a;
};

FIXTURE_VARIANT(high_memory) {
	int method;
	bool uses_high;
};

FIXTURE_VARIANT_ADD(high_memory, coherent) {
	.method = DMEM_DMA_COHERENT,
	.uses_high = true,
};

FIXTURE_VARIANT_ADD(high_memory, no_mapping) {
	.method = DMEM_DMA_NO_MAPPING,
	.uses_high = true,
};

FIXTURE_VARIANT_ADD(high_memory, pages) {
	.method = DMEM_DMA_PAGES,
};

FIXTURE_VARIANT_ADD(high_memory, noncontiguous) {
	.method = DMEM_DMA_NONCONTIGUOUS,
};

static long long first_high_page(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	long long pfn = LLONG_MAX, value;
	bool high = false;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "Node ", 5))
			high = strstr(line, " HighMem");
		if (high && sscanf(line, " start_pfn: %lld", &value) == 1)
			pfn = value;
	}
	if (f)
		fclose(f);
	return pfn;
}

FIXTURE_SETUP(high_memory)
{
	struct dmem_test *t = &self->t;

	begin_or_skip(_metadata, t, DMEM_CMA);
	self->n = heap_list(self->heaps, DMEM_HEAPS);
	self->first = first_high_page();
	ASSERT_EQ(kernel_is_64bit(), self->first == LLONG_MAX);
	self->a = new_cgroup(_metadata, cg_create, t->cg, "a");
	ASSERT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(high_memory)
{
	dmem_end(&self->t);
}

TEST_F(high_memory, areas)
{
	struct requester r = {
		.t = &self->t,
		.cg = self->a,
		.method = variant->method,
		.len = PAGES * self->t.page,
	};
	int i, low = 0, high = 0;

	for (i = 0; i < self->n; i++) {
		struct dmem_heap *heap = &self->heaps[i];
		bool is_high;
		char *dir;
		long pfn;

		if (!heap->usable || !region_is_private(heap->region))
			continue;
		r.region = heap->region;
		r.area = region_area(r.region);
		dir = cg_name(CMA_DEBUGFS, r.area);
		pfn = cg_read_long(dir, "base_pfn");
		free(dir);
		ASSERT_LT(0, pfn);
		is_high = pfn >= self->first;
		low += !is_high;
		high += is_high;
		r.dev = dma_driver_open_area(r.area);
		ASSERT_LE(0, r.dev);
		expect_refused(_metadata, &r, variant->uses_high || !is_high);
		expect_charged(_metadata, &r, variant->uses_high || !is_high);
		EXPECT_EQ(0, dma_driver_close(r.dev));
	}
	EXPECT_LT(0, low);
	EXPECT_EQ(!kernel_is_64bit(), high > 0);
}

TEST_HARNESS_MAIN
