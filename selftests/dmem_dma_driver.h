/* SPDX-License-Identifier: GPL-2.0 */
/* The test module as a driver that allocates DMA memory for its callers. */
#ifndef SELFTESTS_DMA_DRIVER_H
#define SELFTESTS_DMA_DRIVER_H

#include <stdbool.h>

#include "test_modules/dmem_dma_test.h"

/*
 * The region of the default CMA area, which the driver has (DMEM_NAME_LEN). Returns
 * false if tests may not use that area, see DMEM_TEST_HEAP.
 */
bool dma_driver_region(char *region);

/*
 * The driver's fd, or -1. Loads the module if it is not loaded; then *loaded is
 * set, for dma_driver_close(). Closing the fd frees all memory that was allocated
 * through it.
 */
int dma_driver_open(bool *loaded);
void dma_driver_close(int dev, bool loaded);

/* Returns the id of the allocation, or a negative errno. */
int dma_alloc(int dev, int method, long long len, int flags);
int dma_free(int dev, int id);

/* Returns the number of pages allocated through the fd. */
long long dma_pages(int dev);

#endif /* SELFTESTS_DMA_DRIVER_H */
