// SPDX-License-Identifier: GPL-2.0
/*
 * A TEE device with the pools of three DMA heaps, whose memory is protected from nobody. Two
 * are of the kind that the kernel has for carve-outs. The third is the module's own: it has a
 * size only if "size" is set, and no memory when "error" is. Unloading the module removes the
 * device, and waits until the buffers are gone.
 */
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/tee_core.h>

#define NAME	"dmem_tee_test"

static bool size;
module_param(size, bool, 0444);
MODULE_PARM_DESC(size, "the third pool has a size, which is that of the second one");

static int error;
module_param(error, int, 0644);
MODULE_PARM_DESC(error, "errno of allocations from the third pool");

static struct {
	enum tee_dma_heap_id id;
	size_t pages;
	void *mem;
} carveouts[] = {
	{ .id = TEE_DMA_HEAP_SECURE_VIDEO_PLAY, .pages = 64 },
	{ .id = TEE_DMA_HEAP_TRUSTED_UI, .pages = 32 },
};

static struct tee_device *teedev;

static int own_alloc(struct tee_protmem_pool *pool, struct sg_table *sgt, size_t len, size_t *offs)
{
	void *mem;
	int ret;

	if (READ_ONCE(error))
		return -READ_ONCE(error);
	mem = alloc_pages_exact(len, GFP_KERNEL);
	if (!mem)
		return -ENOMEM;
	ret = sg_alloc_table(sgt, 1, GFP_KERNEL);
	if (ret) {
		free_pages_exact(mem, len);
		return ret;
	}
	sg_set_page(sgt->sgl, virt_to_page(mem), len, 0);
	*offs = 0;
	return 0;
}

static void own_free(struct tee_protmem_pool *pool, struct sg_table *sgt)
{
	free_pages_exact(sg_virt(sgt->sgl), sgt->sgl->length);
	sg_free_table(sgt);
}

static void own_destroy(struct tee_protmem_pool *pool)
{
}

static const struct tee_protmem_pool_ops own_ops = {
	.alloc		= own_alloc,
	.free		= own_free,
	.destroy_pool	= own_destroy,
};

static struct tee_protmem_pool own_pool = { .ops = &own_ops };

static void get_version(struct tee_device *dev, struct tee_ioctl_version_data *version)
{
	*version = (struct tee_ioctl_version_data){ };
}

static int open_context(struct tee_context *ctx)
{
	return 0;
}

static void release_context(struct tee_context *ctx)
{
}

static const struct tee_driver_ops driver_ops = {
	.get_version	= get_version,
	.open		= open_context,
	.release	= release_context,
};

static const struct tee_desc desc = {
	.name	= NAME,
	.ops	= &driver_ops,
	.owner	= THIS_MODULE,
};

/* The heap has the pool from then on, and destroys it. */
static int add_heap(enum tee_dma_heap_id id, struct tee_protmem_pool *pool)
{
	int ret;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	ret = tee_device_register_dma_heap(teedev, id, pool);
	if (ret)
		pool->ops->destroy_pool(pool);
	return ret;
}

static int add_carveout(int i)
{
	size_t len = carveouts[i].pages * PAGE_SIZE;
	void *mem = alloc_pages_exact(len, GFP_KERNEL);

	if (!mem)
		return -ENOMEM;
	carveouts[i].mem = mem;
	return add_heap(carveouts[i].id, tee_protmem_static_pool_alloc(virt_to_phys(mem), len));
}

static void remove_all(void)
{
	int i;

	tee_device_unregister(teedev);
	for (i = 0; i < ARRAY_SIZE(carveouts); i++) {
		if (carveouts[i].mem)
			free_pages_exact(carveouts[i].mem, carveouts[i].pages * PAGE_SIZE);
	}
}

static int __init dmem_tee_test_init(void)
{
	int i, ret;

	teedev = tee_device_alloc(&desc, NULL, NULL, NULL);
	if (IS_ERR(teedev))
		return PTR_ERR(teedev);
	ret = tee_device_register(teedev);
	for (i = 0; !ret && i < ARRAY_SIZE(carveouts); i++)
		ret = add_carveout(i);
	if (size)
		own_pool.size = carveouts[1].pages * PAGE_SIZE;
	if (!ret)
		ret = add_heap(TEE_DMA_HEAP_SECURE_VIDEO_RECORD, &own_pool);
	if (ret)
		remove_all();
	return ret;
}
module_init(dmem_tee_test_init);

static void __exit dmem_tee_test_exit(void)
{
	remove_all();
}
module_exit(dmem_tee_test_exit);

MODULE_DESCRIPTION("A TEE device with protected memory, for the dmem tests");
MODULE_LICENSE("GPL");
