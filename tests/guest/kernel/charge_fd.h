/* SPDX-License-Identifier: GPL-2.0 */
/* Charges to the cgroup of a file descriptor: of a new buffer, or of one that exists. */
#ifndef DMEM_CHARGE_FD_H
#define DMEM_CHARGE_FD_H

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns the buffer's fd, or a negative errno. */
static inline int charge_alloc(int heap_fd, long long len, int charge_fd)
{
	struct dma_heap_allocation_data data = {
		.len = len,
		.fd_flags = O_RDWR | O_CLOEXEC,
		.heap_flags = DMA_HEAP_FLAG_CHARGE_FD,
		.charge_fd = charge_fd,
	};

	return ioctl(heap_fd, DMA_HEAP_IOCTL_ALLOC, &data) ? -errno : (int)data.fd;
}

/* Returns 0 or a negative errno. */
static inline int charge_transfer(int buf, int charge_fd)
{
	struct dma_buf_xfer_charge xfer = { .fd = charge_fd };

	return ioctl(buf, DMA_BUF_IOCTL_XFER_CHARGE, &xfer) ? -errno : 0;
}

/* An fd of the cgroup, or a negative errno */
static inline int charge_cgroup(const char *cg)
{
	int fd = open(cg, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static inline int charge_pidfd(pid_t pid)
{
	int fd = syscall(__NR_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

#endif /* DMEM_CHARGE_FD_H */
