// SPDX-License-Identifier: GPL-2.0
/* GEM buffers of rockchip without its display and without an IOMMU */
#include "rockchip_drm_gem.c"

#include "dmem_gem.h"

static const struct drm_driver test_driver = {
	GEM_DRIVER("dmem_gem_rockchip"),
	.dumb_create = rockchip_gem_dumb_create,
	.gem_prime_import_sg_table = rockchip_gem_prime_import_sg_table,
};

static struct drm_gem_object *gem_fbdev_create(struct drm_device *drm, size_t size)
{
	return NULL;
}

static struct rockchip_drm_private test_private;

static int __init dmem_gem_init(void)
{
	struct drm_device *drm = gem_alloc(&test_driver, sizeof(*drm), 0);

	if (IS_ERR(drm))
		return PTR_ERR(drm);
	drm->dev_private = &test_private;
	return gem_register(drm);
}
module_init(dmem_gem_init);
