// SPDX-License-Identifier: GPL-2.0
/*
 * Reservations for buffers that do not come from a CMA heap: the system heap has
 * none, and a driver's request that only a reservation refuses is served from other
 * memory, if the allocator has any.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dma_fixture.h"

/* The system heap has no memory of its own that could be kept free. */
FIXTURE(reserve_system) {
	struct dmem_test t;
};

FIXTURE_SETUP(reserve_system)
{
	begin_or_skip(_metadata, &self->t, DMEM_SYSTEM);
}

FIXTURE_TEARDOWN(reserve_system)
{
	dmem_end(&self->t);
}

TEST_F(reserve_system, no_effect)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	char *owner = cg_name(t->cg, "owner"), *other = cg_name(t->cg, "other");
	char *top = strdup(t->cg);
	int fd;

	*strrchr(top, '/') = '\0';
	ASSERT_EQ(0, cg_create(owner));
	ASSERT_EQ(0, cg_create(other));
	ASSERT_EQ(0, dmem_reserve_above(t, top, DMEM_MAX));
	ASSERT_EQ(0, dmem_set(owner, "dmem.min", region, DMEM_MAX));
	fd = cg_alloc(other, t->heap_fd, 16 * t->page);
	EXPECT_LE(0, fd);
	EXPECT_EQ(16 * t->page, dmem_current(other, region));
	EXPECT_EQ(0, dmem_nested(owner, "dmem.stat", region, "local"));
	EXPECT_EQ(-ENODATA, dmem_nested(owner, "dmem.stat", region, "reserved"));
	EXPECT_EQ(-ENODATA, dmem_nested(owner, "dmem.stat", region, "committed"));
	EXPECT_EQ(-ENODATA, dmem_nested(other, "dmem.events", region, "reserved"));
	close(fd);
	EXPECT_EQ(0, dmem_current(other, region));
	dmem_reserve_above(t, top, 0);
	free(owner);
	free(other);
	free(top);
}

#define PAGES	16
#define MUCH	(4LL << 20)
#define SINGLE	1024			/* pages, each one allocated alone */
#define MAX_FDS	4096

/* This process is in a; the whole region is reserved for owner. */
FIXTURE(reserve_driver) {
	struct dmem_test t;
	char *top, *owner, *a;
	int dev, method;
	long long len;			/* of PAGES */
	int fds[MAX_FDS], n;		/* of the owner */
};

DMA_METHOD_VARIANTS(reserve_driver);

FIXTURE_SETUP(reserve_driver)
{
	struct dmem_test *t = &self->t;

	self->method = variant->method;
	dma_begin_or_skip(_metadata, t, self->method, &self->dev);
	self->len = PAGES * t->page;
	self->top = strdup(t->cg);
	*strrchr(self->top, '/') = '\0';
	self->owner = cg_name(t->cg, "owner");
	self->a = cg_name(t->cg, "a");
	EXPECT_EQ(0, cg_create(self->owner));
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_enter_current(self->a));
	EXPECT_EQ(0, dmem_reserve_above(t, self->top, DMEM_MAX));
	EXPECT_EQ(0, dmem_set(self->owner, "dmem.min", t->heap.region, DMEM_MAX));
}

FIXTURE_TEARDOWN(reserve_driver)
{
	dma_accounting(false);
	while (self->n)
		close(self->fds[--self->n]);
	EXPECT_EQ(0, dma_driver_close(self->dev));
	EXPECT_EQ(0, dmem_current(self->t.cg, self->t.heap.region));
	dmem_reserve_above(&self->t, self->top, 0);
	dmem_end(&self->t);
}

static int request(FIXTURE_DATA(reserve_driver) *self, long long len, int flags)
{
	return dma_alloc(self->dev, self->method, len, flags);
}

#define EXPECT_CURRENT(cg, bytes) \
	EXPECT_EQ(bytes, dmem_current(cg, self->t.heap.region))
#define EXPECT_COUNTED(cg, key, n) \
	EXPECT_EQ(n, dmem_nested(cg, "dmem.events", self->t.heap.region, key))

/*
 * A reservation protects the area, and not other memory: as if the area were full, the
 * request is served from elsewhere, is not charged and counts nowhere.
 */
TEST_F(reserve_driver, fallback)
{
	struct dmem_test *t = &self->t;
	long long avail = cma_read(t->area, "available_pages");
	bool served = dma_has_fallback(self->method);
	int refused = served ? 0 : 8, ids[8], i, id;

	for (i = 0; i < 8; i++) {
		ids[i] = request(self, self->len, DMEM_DMA_ACCOUNT);
		EXPECT_EQ(served ? 0 : -ENOMEM, ids[i] > 0 ? 0 : ids[i]);
	}
	EXPECT_CURRENT(self->a, 0);
	EXPECT_EQ(0, dmem_peak(self->a, t->heap.region));
	EXPECT_EQ(0, dmem_nested(self->a, "dmem.stat", t->heap.region, "local"));
	EXPECT_EQ(avail, cma_read(t->area, "available_pages"));
	EXPECT_COUNTED(self->a, "reserved", refused);
	EXPECT_COUNTED(self->a, "max", 0);
	EXPECT_COUNTED(self->a, "alloc_fail", 0);
	EXPECT_COUNTED(self->a, "exhausted", 0);
	for (i = 0; served && i < 8; i++)
		EXPECT_EQ(0, dma_free(self->dev, ids[i]));

	/* The driver's own memory is not checked. */
	id = request(self, self->len, 0);
	EXPECT_LT(0, id);
	EXPECT_EQ(avail - PAGES, cma_read(t->area, "available_pages"));
	EXPECT_EQ(0, dma_free(self->dev, id));

	/* A limit ends the request. */
	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, self->len - t->page));
	EXPECT_EQ(-ENOMEM, request(self, self->len, DMEM_DMA_ACCOUNT));
	EXPECT_COUNTED(self->a, "max", 1);
	EXPECT_COUNTED(self->a, "alloc_fail", 1);
	EXPECT_COUNTED(self->a, "reserved", refused);
	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, DMEM_MAX));

	/* The owner gets its part, and so do others when it is not reserved. */
	ASSERT_EQ(0, cg_enter_current(self->owner));
	id = request(self, self->len, DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	EXPECT_CURRENT(self->owner, self->len);
	EXPECT_EQ(0, dma_free(self->dev, id));
	ASSERT_EQ(0, cg_enter_current(self->a));
	ASSERT_EQ(0, dmem_set(self->owner, "dmem.min", t->heap.region, self->len));
	id = request(self, self->len, DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	EXPECT_CURRENT(self->a, self->len);
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_COUNTED(self->a, "reserved", refused);
}

/* Other memory is no way around a limit, within which all is reserved. */
TEST_F(reserve_driver, inner_limit)
{
	struct dmem_test *t = &self->t;
	int id;

	ASSERT_EQ(0, dmem_set_max(t->cg, t->heap.region, 2 * self->len));
	EXPECT_EQ(-ENOMEM, request(self, self->len, DMEM_DMA_ACCOUNT));
	EXPECT_COUNTED(self->a, "reserved", 1);
	EXPECT_COUNTED(self->a, "max", 0);
	EXPECT_COUNTED(self->a, "exhausted", 0);
	EXPECT_CURRENT(self->a, 0);
	ASSERT_EQ(0, cg_enter_current(self->owner));
	id = request(self, 2 * self->len, DMEM_DMA_ACCOUNT);
	EXPECT_CURRENT(self->owner, 2 * self->len);
	EXPECT_EQ(0, dma_free(self->dev, id));
}

/* memcg is not charged for memory from elsewhere either. */
TEST_F(reserve_driver, fallback_memcg)
{
	long long before;
	int id;

	if (!dma_has_fallback(self->method))
		SKIP(return, "no other memory serves");
	if (dmem_enable_memory(&self->t))
		SKIP(return, "no memory controller in cgroup2");
	/* Unlike memory.stat, it is exact but for some pages of each CPU. */
	before = cg_read_long(self->a, "memory.current");
	ASSERT_LE(0, before);
	id = request(self, MUCH, DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	EXPECT_CURRENT(self->a, 0);
	EXPECT_GT(before + MUCH / 2, cg_read_long(self->a, "memory.current"));
	EXPECT_EQ(0, dma_free(self->dev, id));
}

/* If it is chosen, memcg is charged for memory from elsewhere, and not for that of the area. */
TEST_F(reserve_driver, fallback_accounted)
{
	long long before;
	int id, i;

	if (!dma_has_fallback(self->method))
		SKIP(return, "no other memory serves");
	if (dmem_enable_memory(&self->t))
		SKIP(return, "no memory controller in cgroup2");
	ASSERT_EQ(0, dma_accounting(true));
	before = kernel_memory(self->a);
	ASSERT_LE(0, before);
	id = request(self, MUCH, DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	EXPECT_CURRENT(self->a, 0);
	/* Other kernel memory of the cgroup can become less meanwhile. */
	EXPECT_LT(before + MUCH - MUCH / 8, kernel_memory(self->a));
	EXPECT_GT(before + 2 * MUCH, kernel_memory(self->a));
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_GT(before + MUCH / 2, kernel_memory(self->a));
	/* The driver's own memory: single pages are not from an area. */
	for (i = 0; i < SINGLE; i++)
		ASSERT_LT(0, request(self, self->t.page, DMEM_DMA_DEFAULT));
	EXPECT_GT(before + SINGLE * self->t.page / 2, kernel_memory(self->a));

	ASSERT_EQ(0, cg_enter_current(self->owner));
	before = kernel_memory(self->owner);
	id = request(self, MUCH, DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	EXPECT_CURRENT(self->owner, MUCH);
	EXPECT_GT(before + MUCH / 2, kernel_memory(self->owner));
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_EQ(0, dma_accounting(false));
}

/* A full area behaves as it does without any reservation. */
TEST_F_TIMEOUT(reserve_driver, full_area, 60)
{
	struct dmem_test *t = &self->t;
	long long left;
	int id;

	ASSERT_EQ(0, cg_enter_current(self->owner));
	left = area_fill(t, PAGES, self->fds, &self->n, MAX_FDS);
	ASSERT_GT(PAGES, left);
	ASSERT_EQ(0, cg_enter_current(self->a));
	id = request(self, self->len, DMEM_DMA_ACCOUNT);
	EXPECT_COUNTED(self->a, "reserved", 0);
	EXPECT_COUNTED(self->a, "exhausted", !dma_has_fallback(self->method));
	EXPECT_EQ(0, dmem_peak(self->a, t->heap.region));
	EXPECT_CURRENT(self->a, 0);
	EXPECT_EQ(left, cma_read(t->area, "available_pages"));
	if (dma_has_fallback(self->method)) {
		EXPECT_EQ(0, dma_free(self->dev, id));
	} else {
		EXPECT_EQ(-ENOMEM, id);
	}
}

TEST_HARNESS_MAIN
