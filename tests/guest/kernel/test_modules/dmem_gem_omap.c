// SPDX-License-Identifier: GPL-2.0
/* GEM buffers of omapdrm without its display and without a DMM */
#include "omap_gem.c"
#include "omap_gem_dmabuf.c"

#include "dmem_gem.h"

/* The DMM, which is not there */
int tiler_pin(struct tiler_block *block, struct page **pages, u32 npages, u32 roll, bool wait)
{
	return -ENODEV;
}

int tiler_unpin(struct tiler_block *block)
{
	return -ENODEV;
}

struct tiler_block *tiler_reserve_2d(enum tiler_fmt fmt, u16 w, u16 h, u16 align)
{
	return ERR_PTR(-ENODEV);
}

struct tiler_block *tiler_reserve_1d(size_t size)
{
	return ERR_PTR(-ENODEV);
}

int tiler_release(struct tiler_block *block)
{
	return -ENODEV;
}

dma_addr_t tiler_ssptr(struct tiler_block *block)
{
	return 0;
}

dma_addr_t tiler_tsptr(struct tiler_block *block, u32 orient, u32 x, u32 y)
{
	return 0;
}

u32 tiler_stride(enum tiler_fmt fmt, u32 orient)
{
	return 0;
}

size_t tiler_size(enum tiler_fmt fmt, u16 w, u16 h)
{
	return 0;
}

size_t tiler_vsize(enum tiler_fmt fmt, u16 w, u16 h)
{
	return 0;
}

void tiler_align(enum tiler_fmt fmt, u16 *w, u16 *h)
{
}

u32 tiler_get_cpu_cache_flags(void)
{
	return 0;
}

bool dmm_is_available(void)
{
	return false;
}

static const struct drm_driver test_driver = {
	GEM_DRIVER("dmem_gem_omap"),
	.dumb_create = omap_gem_dumb_create,
	.gem_prime_import = omap_gem_prime_import,
};

static struct drm_gem_object *gem_fbdev_create(struct drm_device *drm, size_t size)
{
	union omap_gem_size gsize = { .bytes = size };

	return omap_gem_new(NULL, drm, gsize, OMAP_BO_SCANOUT | OMAP_BO_WC);
}

static struct omap_drm_private test_private;

static int __init dmem_gem_init(void)
{
	struct drm_device *drm = gem_alloc(&test_driver, sizeof(*drm), 0);

	if (IS_ERR(drm))
		return PTR_ERR(drm);
	mutex_init(&test_private.list_lock);
	INIT_LIST_HEAD(&test_private.obj_list);
	drm->dev_private = &test_private;
	return gem_register(drm);
}
module_init(dmem_gem_init);
