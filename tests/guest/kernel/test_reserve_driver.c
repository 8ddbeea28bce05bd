// SPDX-License-Identifier: GPL-2.0
/*
 * Reservations for buffers that do not come from a CMA heap: the system heap has
 * none, and a driver's request that only a reservation refuses is served from other
 * memory, if the allocator has any.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_dma_driver.h"
#include "dmem_util.h"
#include "dmem_unaccounted.h"

/* The system heap has no memory of its own that could be kept free. */
FIXTURE(reserve_system) {
	struct dmem_test t;
};

FIXTURE_SETUP(reserve_system)
{
	int ret = dmem_begin(&self->t, DMEM_SYSTEM);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
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
#define MAX_FDS	4096

FIXTURE(reserve_driver) {
	struct dmem_test t;
	char region[DMEM_NAME_LEN];	/* of the default area */
	char *top, *owner, *a;
	int dev;
	bool loaded;
};

FIXTURE_VARIANT(reserve_driver) {
	int method;
};

FIXTURE_VARIANT_ADD(reserve_driver, coherent) {
	.method = DMEM_DMA_COHERENT,
};

FIXTURE_VARIANT_ADD(reserve_driver, no_mapping) {
	.method = DMEM_DMA_NO_MAPPING,
};

FIXTURE_VARIANT_ADD(reserve_driver, pages) {
	.method = DMEM_DMA_PAGES,
};

FIXTURE_VARIANT_ADD(reserve_driver, noncontiguous) {
	.method = DMEM_DMA_NONCONTIGUOUS,
};

FIXTURE_SETUP(reserve_driver)
{
	struct dmem_test *t = &self->t;
	int ret = dmem_begin(t, DMEM_NO_HEAP);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", t->reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", t->reason);
	if (!dma_driver_region(self->region) ||
	    dmem_nested(t->root, "dmem.stat", self->region, "reserved") < 0) {
		dmem_end(t);
		SKIP(return, "no reservations in the default CMA area");
	}
	self->dev = dma_driver_open(&self->loaded);
	if (self->dev < 0) {
		dmem_end(t);
		SKIP(return, "cannot load dmem_dma_test.ko");
	}
	self->top = strdup(t->cg);
	*strrchr(self->top, '/') = '\0';
	self->owner = cg_name(t->cg, "owner");
	self->a = cg_name(t->cg, "a");
	EXPECT_EQ(0, cg_create(self->owner));
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(reserve_driver)
{
	dma_driver_close(self->dev, self->loaded);
	dmem_set(self->top, "dmem.min", self->region, 0);
	dmem_end(&self->t);
}

/* 32-bit ARM's allocator of coherent memory has no other memory. */
static bool has_fallback(int method)
{
	return kernel_is_64bit() || method != DMEM_DMA_COHERENT;
}

#define EXPECT_COUNTED(cg, key, n) \
	EXPECT_EQ(n, dmem_nested(cg, "dmem.events", self->region, key))

/*
 * A reservation protects the area, and not other memory: as if the area were full, the
 * request is served from elsewhere, is not charged and counts nowhere.
 */
TEST_F(reserve_driver, fallback)
{
	struct dmem_test *t = &self->t;
	bool served = has_fallback(variant->method);
	int refused = served ? 0 : 8, i, id;
	long long len = PAGES * t->page;

	ASSERT_EQ(0, dmem_set(self->top, "dmem.min", self->region, DMEM_MAX));
	ASSERT_EQ(0, dmem_set(t->cg, "dmem.min", self->region, DMEM_MAX));
	ASSERT_EQ(0, dmem_set(self->owner, "dmem.min", self->region, DMEM_MAX));
	for (i = 0; i < 8; i++) {
		id = dma_alloc(self->dev, variant->method, len, DMEM_DMA_ACCOUNT);
		if (!served) {
			EXPECT_EQ(-ENOMEM, id);
			continue;
		}
		EXPECT_LT(0, id);
		EXPECT_EQ((i + 1) * PAGES, dma_pages(self->dev));
	}
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	EXPECT_EQ(0, dmem_peak(self->a, self->region));
	EXPECT_EQ(0, dmem_nested(self->a, "dmem.stat", self->region, "local"));
	EXPECT_COUNTED(self->a, "reserved", refused);
	EXPECT_COUNTED(self->a, "max", 0);
	EXPECT_COUNTED(self->a, "alloc_fail", 0);
	EXPECT_COUNTED(self->a, "exhausted", 0);
	for (id = 1; served && id <= 8; id++)
		EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_EQ(0, dma_pages(self->dev));

	/* The driver's own memory is not checked. */
	id = dma_alloc(self->dev, variant->method, len, 0);
	EXPECT_LT(0, id);
	EXPECT_EQ(0, dma_free(self->dev, id));

	/* A limit ends the request. */
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, len - t->page));
	EXPECT_EQ(-ENOMEM, dma_alloc(self->dev, variant->method, len, DMEM_DMA_ACCOUNT));
	EXPECT_COUNTED(self->a, "max", 1);
	EXPECT_COUNTED(self->a, "alloc_fail", 1);
	EXPECT_COUNTED(self->a, "reserved", refused);
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, DMEM_MAX));

	/* The owner gets its part, and so do others when it is not reserved. */
	ASSERT_EQ(0, cg_enter_current(self->owner));
	id = dma_alloc(self->dev, variant->method, len, DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	EXPECT_EQ(len, dmem_current(self->owner, self->region));
	EXPECT_EQ(0, dma_free(self->dev, id));
	ASSERT_EQ(0, cg_enter_current(self->a));
	ASSERT_EQ(0, dmem_set(self->owner, "dmem.min", self->region, len));
	id = dma_alloc(self->dev, variant->method, len, DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	EXPECT_EQ(len, dmem_current(self->a, self->region));
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_COUNTED(self->a, "reserved", refused);
}

/* A full area behaves as it does without any reservation. */
TEST_F_TIMEOUT(reserve_driver, full_area, 60)
{
	struct dmem_test *t = &self->t;
	const char *area = region_area(self->region);
	long long len = PAGES * t->page, left;
	int heap_fd = heap_open("default_cma_region"), n, id;
	static int fds[MAX_FDS];

	ASSERT_LE(0, heap_fd);
	ASSERT_EQ(0, dmem_set(self->top, "dmem.min", self->region, DMEM_MAX));
	ASSERT_EQ(0, dmem_set(t->cg, "dmem.min", self->region, DMEM_MAX));
	ASSERT_EQ(0, dmem_set(self->owner, "dmem.min", self->region, DMEM_MAX));
	ASSERT_EQ(0, cg_enter_current(self->owner));
	n = heap_fill(heap_fd, cma_read(area, "available_pages") / 4 * t->page,
		      fds, MAX_FDS);
	left = cma_read(area, "available_pages");
	if (left >= PAGES)
		SKIP(goto out, "cannot fill the area: %lld pages are left", left);
	ASSERT_EQ(0, cg_enter_current(self->a));
	id = dma_alloc(self->dev, variant->method, len, DMEM_DMA_ACCOUNT);
	EXPECT_EQ(has_fallback(variant->method) ? 0 : -ENOMEM, id > 0 ? 0 : id);
	EXPECT_COUNTED(self->a, "reserved", 0);
	EXPECT_COUNTED(self->a, "exhausted", !has_fallback(variant->method));
	EXPECT_EQ(0, dmem_peak(self->a, self->region));
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	if (id > 0)
		EXPECT_EQ(0, dma_free(self->dev, id));
out:
	while (n)
		close(fds[--n]);
	close(heap_fd);
	EXPECT_EQ(0, dmem_current(t->cg, self->region));
}

TEST_HARNESS_MAIN
