/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* The interface of the module dmem_dma_test */
#ifndef DMEM_DMA_TEST_H
#define DMEM_DMA_TEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define DMEM_DMA_TEST_DEV	"dmem_dma_test"

/* how to allocate */
#define DMEM_DMA_COHERENT	0	/* dma_alloc_attrs() */
#define DMEM_DMA_NO_MAPPING	1	/* with DMA_ATTR_NO_KERNEL_MAPPING */
#define DMEM_DMA_PAGES		2	/* dma_alloc_pages_attrs() */
#define DMEM_DMA_NONCONTIGUOUS	3	/* dma_alloc_noncontiguous() */
#define DMEM_DMA_METHODS	4

/* flags of an allocation */
#define DMEM_DMA_ACCOUNT	1	/* DMA_ATTR_ACCOUNT */
#define DMEM_DMA_POISON		2	/* write page->private before freeing */
#define DMEM_DMA_NARROW		4	/* for a device that reaches 16 MiB */
#define DMEM_DMA_DEFAULT	8	/* for a device that has no area of its own */
#define DMEM_DMA_FLAGS		15

struct dmem_dma_alloc {
	__u64 len;
	__u32 method;
	__u32 flags;
	__u32 id;		/* returned, never 0 */
	__u32 pad;
};

#define DMEM_DMA_ALLOC	_IOWR('d', 1, struct dmem_dma_alloc)
#define DMEM_DMA_FREE	_IOW('d', 2, __u32)

#endif /* DMEM_DMA_TEST_H */
