/* SPDX-License-Identifier: GPL-2.0 */
/* The test module as a driver that allocates DMA memory for its callers. */
#ifndef SELFTESTS_DMEM_DMA_DRIVER_H
#define SELFTESTS_DMEM_DMA_DRIVER_H

#include "dmem_util.h"
#include "test_modules/dmem_dma_test.h"

/*
 * Loads the module with the area of t->heap, unless another program uses it with this
 * area, and returns its fd. On 32-bit, the kernel does not map all memory, and some
 * methods use only memory that it maps: then t->heap and what belongs to it change to
 * another heap that DMEM_TEST_HEAP names. Returns a negative number and sets t->reason
 * on failure. Closing the fd frees all memory that was allocated through it.
 */
int dma_driver_open(struct dmem_test *t, int method);
/* "": no device has an area of its own. */
int dma_driver_open_area(const char *area);
/* Unloads the module, too, unless another program uses it. Returns 0 or a negative errno. */
int dma_driver_close(int dev);

/*
 * The region of the default area (DMEM_NAME_LEN), which a request with
 * DMEM_DMA_DEFAULT uses. Returns false if DMEM_TEST_HEAP does not name its heap.
 */
bool default_area_region(char *region);

/* Returns the id of the allocation, or a negative errno. */
int dma_alloc(int dev, int method, long long len, int flags);
int dma_free(int dev, int id);

/*
 * Fills the area with buffers of t->heap until it has less than this number of pages, or for
 * ten seconds, as a page may be busy for a moment. Returns the number of pages that are left.
 */
long long area_fill(const struct dmem_test *t, long long room, int *fds, int *n, int max);

/* 32-bit ARM's allocator of coherent memory has no other memory than the area. */
static inline bool dma_has_fallback(int method)
{
	return kernel_is_64bit() || method != DMEM_DMA_COHERENT;
}

#endif /* SELFTESTS_DMEM_DMA_DRIVER_H */
