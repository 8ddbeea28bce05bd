// SPDX-License-Identifier: GPL-2.0
/*
 * Allocates DMA memory on request of a process, with DMA_ATTR_ACCOUNT or without,
 * with every function of the DMA API. The device has no CMA area of its own: it
 * uses the default one. Closing an open file frees all of its allocations.
 */
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

static struct platform_device *wide_dev, *narrow_dev;

struct test_file {
	struct mutex lock;	/* protects the members below */
	struct list_head allocs;
	u64 pages;
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

static u64 alloc_pages_of(const struct test_alloc *a)
{
	return PAGE_ALIGN(a->len) >> PAGE_SHIFT;
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

static void poison_pages(struct page *page, u64 n)
{
	while (n--)
		set_page_private(page++, PRIVATE_POISON);
}

/* As drivers do that keep something of theirs in the pages. */
static void poison(struct test_alloc *a)
{
	struct sg_page_iter iter;
	struct sg_table sgt;

	switch (a->method) {
	case DMEM_DMA_COHERENT:
	case DMEM_DMA_NO_MAPPING:
		/* The one way to the pages that fits every mapping. */
		if (dma_get_sgtable_attrs(a->dev, &sgt, a->cpu, a->dma, a->len,
					  alloc_attrs(a)))
			return;
		for_each_sgtable_page(&sgt, &iter, 0)
			poison_pages(sg_page_iter_page(&iter), 1);
		sg_free_table(&sgt);
		break;
	case DMEM_DMA_PAGES:
		poison_pages(a->page, alloc_pages_of(a));
		break;
	case DMEM_DMA_NONCONTIGUOUS:
		for_each_sgtable_page(a->sgt, &iter, 0)
			poison_pages(sg_page_iter_page(&iter), 1);
		break;
	}
}

static void do_free(struct test_file *tf, struct test_alloc *a)
{
	list_del(&a->node);
	tf->pages -= alloc_pages_of(a);

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

static long test_alloc(struct test_file *tf, struct dmem_dma_alloc __user *arg)
{
	struct dmem_dma_alloc req;
	struct test_alloc *a;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (!req.len || req.len > SZ_1G || req.method >= DMEM_DMA_METHODS ||
	    req.flags & ~(DMEM_DMA_ACCOUNT | DMEM_DMA_POISON | DMEM_DMA_NARROW))
		return -EINVAL;

	a = kzalloc_obj(*a);
	if (!a)
		return -ENOMEM;
	a->len = req.len;
	a->method = req.method;
	a->flags = req.flags;
	a->dev = req.flags & DMEM_DMA_NARROW ? &narrow_dev->dev : &wide_dev->dev;
	if (!do_alloc(a)) {
		kfree(a);
		return -ENOMEM;
	}

	guard(mutex)(&tf->lock);
	a->id = ++tf->last_id;
	tf->pages += alloc_pages_of(a);
	list_add(&a->node, &tf->allocs);
	return put_user(a->id, &arg->id);
}

static long test_free(struct test_file *tf, u32 __user *arg)
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

static long test_stat(struct test_file *tf, struct dmem_dma_stat __user *arg)
{
	struct dmem_dma_stat stat;

	scoped_guard(mutex, &tf->lock)
		stat.pages = tf->pages;
	return copy_to_user(arg, &stat, sizeof(stat)) ? -EFAULT : 0;
}

static long test_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct test_file *tf = file->private_data;
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case DMEM_DMA_ALLOC:
		return test_alloc(tf, uarg);
	case DMEM_DMA_FREE:
		return test_free(tf, uarg);
	case DMEM_DMA_STAT:
		return test_stat(tf, uarg);
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

static struct platform_device *make_device(int id, u64 mask)
{
	struct platform_device_info info = {
		.name = DMEM_DMA_TEST_DEV,
		.id = id,
		.dma_mask = mask,
	};

	return platform_device_register_full(&info);
}

static int __init dmem_dma_test_init(void)
{
	int ret;

	wide_dev = make_device(0, DMA_BIT_MASK(64));
	if (IS_ERR(wide_dev))
		return PTR_ERR(wide_dev);
	narrow_dev = make_device(1, DMA_BIT_MASK(24));
	if (IS_ERR(narrow_dev)) {
		ret = PTR_ERR(narrow_dev);
		goto err_wide;
	}
	ret = misc_register(&test_misc);
	if (ret)
		goto err_narrow;
	return 0;

err_narrow:
	platform_device_unregister(narrow_dev);
err_wide:
	platform_device_unregister(wide_dev);
	return ret;
}
module_init(dmem_dma_test_init);

static void __exit dmem_dma_test_exit(void)
{
	misc_deregister(&test_misc);
	platform_device_unregister(narrow_dev);
	platform_device_unregister(wide_dev);
}
module_exit(dmem_dma_test_exit);

MODULE_DESCRIPTION("Accounted DMA allocations for the dmem cgroup selftests");
MODULE_LICENSE("GPL");
