// SPDX-License-Identifier: GPL-2.0
/*
 * Allocates DMA memory on request of a process, with DMA_ATTR_ACCOUNT or without,
 * with four methods of the DMA API, for devices that have a CMA area of their
 * own or none. Closing an open file frees all of its allocations.
 */
#include <linux/cma.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "dmem_dma_test.h"

/* Dereferencing this value as a pointer faults. */
#define PRIVATE_POISON	(~0UL / 0xff * 0x6b)

/* Any driver allocates from the default area. Exact figures need an area without users. */
static char *area = "";
module_param(area, charp, 0444);
MODULE_PARM_DESC(area, "name of the CMA area of the devices that have one");

static struct platform_device *own_dev, *narrow_dev, *default_dev;

struct test_file {
	struct mutex lock;	/* protects the members below */
	struct list_head allocs;
	u32 last_id;
};

struct test_alloc {
	struct list_head node;
	struct device *dev;
	size_t len;
	u32 id, method, flags;
	dma_addr_t dma;
	void *cpu;		/* COHERENT, NO_MAPPING */
	struct page *page;	/* PAGES */
	struct sg_table *sgt;	/* NONCONTIGUOUS */
};

/* To free memory, as well as to allocate it: DMA_ATTR_ACCOUNT is for the latter only. */
static unsigned long alloc_attrs(const struct test_alloc *a)
{
	return a->method == DMEM_DMA_NO_MAPPING ? DMA_ATTR_NO_KERNEL_MAPPING : 0;
}

static bool do_alloc(struct test_alloc *a)
{
	unsigned long account = a->flags & DMEM_DMA_ACCOUNT ? DMA_ATTR_ACCOUNT : 0;
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;

	switch (a->method) {
	case DMEM_DMA_COHERENT:
	case DMEM_DMA_NO_MAPPING:
		a->cpu = dma_alloc_attrs(a->dev, a->len, &a->dma, gfp,
					 alloc_attrs(a) | account);
		return a->cpu;
	case DMEM_DMA_PAGES:
		a->page = dma_alloc_pages_attrs(a->dev, a->len, &a->dma,
						DMA_BIDIRECTIONAL, gfp, account);
		return a->page;
	case DMEM_DMA_NONCONTIGUOUS:
		a->sgt = dma_alloc_noncontiguous(a->dev, a->len,
						 DMA_BIDIRECTIONAL, gfp, account);
		return a->sgt;
	}
	return false;
}

static void poison_table(struct sg_table *sgt)
{
	struct sg_page_iter iter;

	for_each_sgtable_page(sgt, &iter, 0)
		set_page_private(sg_page_iter_page(&iter), PRIVATE_POISON);
}

/* As drivers do that keep something of theirs in the pages. */
static void poison(struct test_alloc *a)
{
	struct sg_table sgt;
	size_t i;

	switch (a->method) {
	case DMEM_DMA_COHERENT:
	case DMEM_DMA_NO_MAPPING:
		/* The one way to the pages that fits every mapping. */
		if (dma_get_sgtable_attrs(a->dev, &sgt, a->cpu, a->dma, a->len,
					  alloc_attrs(a)))
			return;
		poison_table(&sgt);
		sg_free_table(&sgt);
		break;
	case DMEM_DMA_PAGES:
		for (i = 0; i < a->len; i += PAGE_SIZE)
			set_page_private(a->page + i / PAGE_SIZE, PRIVATE_POISON);
		break;
	case DMEM_DMA_NONCONTIGUOUS:
		poison_table(a->sgt);
		break;
	}
}

static void do_free(struct test_file *tf, struct test_alloc *a)
{
	list_del(&a->node);
	if (a->flags & DMEM_DMA_POISON)
		poison(a);

	switch (a->method) {
	case DMEM_DMA_COHERENT:
	case DMEM_DMA_NO_MAPPING:
		dma_free_attrs(a->dev, a->len, a->cpu, a->dma, alloc_attrs(a));
		break;
	case DMEM_DMA_PAGES:
		dma_free_pages(a->dev, a->len, a->page, a->dma,
			       DMA_BIDIRECTIONAL);
		break;
	case DMEM_DMA_NONCONTIGUOUS:
		dma_free_noncontiguous(a->dev, a->len, a->sgt,
				       DMA_BIDIRECTIONAL);
		break;
	}
	kfree(a);
}

static int test_open(struct inode *inode, struct file *file)
{
	struct test_file *tf;

	tf = kzalloc_obj(*tf);
	if (!tf)
		return -ENOMEM;
	mutex_init(&tf->lock);
	INIT_LIST_HEAD(&tf->allocs);
	file->private_data = tf;
	return 0;
}

static int test_release(struct inode *inode, struct file *file)
{
	struct test_file *tf = file->private_data;
	struct test_alloc *a, *next;

	list_for_each_entry_safe(a, next, &tf->allocs, node)
		do_free(tf, a);
	mutex_destroy(&tf->lock);
	kfree(tf);
	return 0;
}

static long alloc_ioctl(struct test_file *tf, struct dmem_dma_alloc __user *arg)
{
	struct dmem_dma_alloc req;
	struct test_alloc *a;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (!req.len || req.len > SZ_1G || req.method >= DMEM_DMA_METHODS ||
	    req.flags & ~DMEM_DMA_FLAGS)
		return -EINVAL;

	a = kzalloc_obj(*a);
	if (!a)
		return -ENOMEM;
	a->len = req.len;
	a->method = req.method;
	a->flags = req.flags;
	a->dev = req.flags & DMEM_DMA_NARROW ? &narrow_dev->dev :
		 req.flags & DMEM_DMA_DEFAULT ? &default_dev->dev : &own_dev->dev;
	if (!do_alloc(a)) {
		kfree(a);
		return -ENOMEM;
	}

	guard(mutex)(&tf->lock);
	a->id = ++tf->last_id;
	list_add(&a->node, &tf->allocs);
	return put_user(a->id, &arg->id);
}

static long free_ioctl(struct test_file *tf, u32 __user *arg)
{
	struct test_alloc *a;
	u32 id;

	if (get_user(id, arg))
		return -EFAULT;
	guard(mutex)(&tf->lock);
	list_for_each_entry(a, &tf->allocs, node) {
		if (a->id != id)
			continue;
		do_free(tf, a);
		return 0;
	}
	return -ENOENT;
}

static long test_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct test_file *tf = file->private_data;
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case DMEM_DMA_ALLOC:
		return alloc_ioctl(tf, uarg);
	case DMEM_DMA_FREE:
		return free_ioctl(tf, uarg);
	}
	return -ENOTTY;
}

static const struct file_operations test_fops = {
	.owner		= THIS_MODULE,
	.open		= test_open,
	.release	= test_release,
	.unlocked_ioctl	= test_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static struct miscdevice test_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= DMEM_DMA_TEST_DEV,
	.fops	= &test_fops,
	.mode	= 0600,
};

static int make_device(struct platform_device **pdev, int id, u64 mask, struct cma *cma)
{
	struct platform_device_info info = {
		.name = DMEM_DMA_TEST_DEV,
		.id = id,
		.dma_mask = mask,
	};

	*pdev = platform_device_register_full(&info);
	if (IS_ERR(*pdev))
		return PTR_ERR(*pdev);
	(*pdev)->dev.cma_area = cma;
	return 0;
}

static void remove_devices(void)
{
	platform_device_unregister(default_dev);
	platform_device_unregister(narrow_dev);
	platform_device_unregister(own_dev);
}

/*
 * A driver's device gets its area by of_reserved_mem_device_init(), from a property of
 * its device-tree node. These devices are no hardware and have no node.
 */
static struct cma *find_area(void)
{
	struct cma *cma;
	unsigned int i;

	for (i = 0; (cma = dma_contiguous_get_area_by_idx(i)); i++) {
		if (!strcmp(area, cma_get_name(cma)))
			return cma;
	}
	return NULL;
}

static int __init dmem_dma_test_init(void)
{
	struct cma *cma = find_area();
	int ret;

	if (*area && !cma)
		return -ENODEV;
	ret = make_device(&own_dev, 0, DMA_BIT_MASK(64), cma);
	if (!ret)
		ret = make_device(&narrow_dev, 1, DMA_BIT_MASK(24), cma);
	if (!ret)
		ret = make_device(&default_dev, 2, DMA_BIT_MASK(64), NULL);
	if (!ret)
		ret = misc_register(&test_misc);
	if (ret)
		remove_devices();
	return ret;
}
module_init(dmem_dma_test_init);

static void __exit dmem_dma_test_exit(void)
{
	misc_deregister(&test_misc);
	remove_devices();
}
module_exit(dmem_dma_test_exit);

MODULE_DESCRIPTION("Accounted DMA allocations for the dmem cgroup selftests");
MODULE_LICENSE("GPL");
