// SPDX-License-Identifier: GPL-2.0-or-later
/* Buffers of a heap. In a file of its own, so that tests can replace it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/dma-heap.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "prove.h"

int prove_heap_open(const char *heap)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "/dev/dma_heap/%s", heap) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int prove_heap_alloc(int heap, size_t bytes)
{
	struct dma_heap_allocation_data data = { .len = bytes, .fd_flags = O_RDWR | O_CLOEXEC };

	return ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) ? -errno : (int)data.fd;
}
