/* SPDX-License-Identifier: GPL-2.0 */
/* The test module as a driver that allocates DMA memory for who asks. */
#ifndef SELFTESTS_DMA_DRIVER_H
#define SELFTESTS_DMA_DRIVER_H

#include <stdbool.h>

#include "test_modules/dmem_dma_test.h"

/* The region of the default CMA area, which the driver has (DMEM_NAME_LEN). */
bool dma_driver_region(char *region);

/*
 * The driver's fd, or -1. Loads it where it is not there; then *loaded is set, for
 * dma_driver_close(). What was allocated by the fd goes with it.
 */
int dma_driver_open(bool *loaded);
void dma_driver_close(int dev, bool loaded);

/* An id, or a negative errno. */
int dma_alloc(int dev, int method, long long len, int flags);
int dma_free(int dev, int id);

/* Pages that the fd has. */
long long dma_pages(int dev);

#endif /* SELFTESTS_DMA_DRIVER_H */
