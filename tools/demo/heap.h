/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers of the demo programs for heaps and cgroups. */
#ifndef DEMO_HEAP_H
#define DEMO_HEAP_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/dma-heap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MIB (1024UL * 1024)

static inline int heap_open(const char *heap)
{
	char path[300];

	snprintf(path, sizeof(path), "/dev/dma_heap/%s", heap);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Returns a buffer's file descriptor, or -1 with errno set. */
static inline int heap_alloc(int heap, unsigned long size)
{
	struct dma_heap_allocation_data data = {
		.len = size,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	if (ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data))
		return -1;
	return data.fd;
}

static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -1;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	errno = err;
	return err ? -1 : 0;
}

/* Moves the calling process. Do this before the first buffer: buffers are charged to the cgroup of
 * the process that allocates them, and stay there. */
static inline int enter_cgroup(const char *dir)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/cgroup.procs", dir) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return write_file(path, "0");
}

#endif
