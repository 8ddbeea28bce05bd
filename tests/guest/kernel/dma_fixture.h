/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For fixtures of tests that allocate through the DMA API. Include this header after
 * kselftest_harness.h.
 */
#ifndef DMEM_DMA_FIXTURE_H
#define DMEM_DMA_FIXTURE_H

#include "dmem_dma_driver.h"
#include "dmem_expect.h"

/* Each method is a variant of the fixture. */
#define DMA_METHOD_VARIANTS(fixture)						\
	FIXTURE_VARIANT(fixture) { int method; };				\
	FIXTURE_VARIANT_ADD(fixture, coherent) { .method = DMEM_DMA_COHERENT };	\
	FIXTURE_VARIANT_ADD(fixture, no_mapping) { .method = DMEM_DMA_NO_MAPPING };	\
	FIXTURE_VARIANT_ADD(fixture, pages) { .method = DMEM_DMA_PAGES };	\
	FIXTURE_VARIANT_ADD(fixture, noncontiguous) { .method = DMEM_DMA_NONCONTIGUOUS }

/* begin_or_skip() with the test module, whose fd is *dev. */
static inline void dma_begin_or_skip(struct __test_metadata *_metadata, struct dmem_test *t,
				     int method, int *dev)
{
	begin_or_skip(_metadata, t, DMEM_CMA);
	*dev = dma_driver_open(t, method);
	if (*dev < 0) {
		dmem_end(t);
		SKIP(_exit(KSFT_SKIP), "%s", t->reason);
	}
}

#endif /* DMEM_DMA_FIXTURE_H */
