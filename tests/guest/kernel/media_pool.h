/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of tests of media devices: two cgroups, and the heap on the area
 * that the device's buffers come from. To be included after
 * kselftest_harness.h.
 */
#ifndef SELFTESTS_DMEM_MEDIA_POOL_H
#define SELFTESTS_DMEM_MEDIA_POOL_H

#include "media.h"

/* Memory in use now does not count as held. */
static inline void pool_rebase(struct media_pool *pool)
{
	pool->root = dmem_current(pool->t.root, pool->region);
	pool->available = cma_read(pool->area, "available_pages");
	pool->unaccounted = cma_read(pool->area, "unaccounted_pages");
}

/* After dmem_begin(). The process is in a then. */
static inline void pool_begin(struct __test_metadata *_metadata,
			      struct media_pool *pool,
			      const struct dmem_heap *heap)
{
	memcpy(pool->region, heap->region, sizeof(heap->region));
	pool->area = region_area(pool->region);
	pool->private = region_is_private(pool->region);
	pool->heap_fd = heap_open(heap->name);
	ASSERT_LE(0, pool->heap_fd);
	pool->top = strdup(pool->t.cg);
	*strrchr(pool->top, '/') = '\0';
	pool->a = cg_name(pool->t.cg, "a");
	pool->b = cg_name(pool->t.cg, "b");
	ASSERT_EQ(0, cg_create(pool->a));
	ASSERT_EQ(0, cg_create(pool->b));
	ASSERT_EQ(0, cg_enter_current(pool->a));
	pool_rebase(pool);
}

/* Checks that each level, and an area of the test's own, holds exactly these amounts. */
static inline void expect_held(struct __test_metadata *_metadata,
			       struct media_pool *pool, long long in_a,
			       long long in_b)
{
	const char *region = pool->region;
	long long sum = in_a + in_b;

	EXPECT_EQ(in_a, dmem_current(pool->a, region));
	EXPECT_EQ(in_b, dmem_current(pool->b, region));
	EXPECT_EQ(sum, dmem_current(pool->t.cg, region));
	EXPECT_EQ(sum, dmem_current(pool->top, region));
	if (!pool->private)
		return;
	EXPECT_EQ(pool->root + sum, dmem_current(pool->t.root, region));
	EXPECT_EQ(pool->available - sum / pool->t.page,
		  cma_read(pool->area, "available_pages"));
	EXPECT_EQ(pool->unaccounted,
		  cma_read(pool->area, "unaccounted_pages"));
}

#endif /* SELFTESTS_DMEM_MEDIA_POOL_H */
