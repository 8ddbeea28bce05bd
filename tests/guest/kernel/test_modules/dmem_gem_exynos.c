// SPDX-License-Identifier: GPL-2.0
/* GEM buffers of exynos without its display */
#include "exynos_drm_gem.c"

#include "dmem_gem.h"

static const struct drm_ioctl_desc test_ioctls[] = {
	DRM_IOCTL_DEF_DRV(EXYNOS_GEM_CREATE, exynos_drm_gem_create_ioctl, DRM_RENDER_ALLOW),
};

static const struct drm_driver test_driver = {
	GEM_DRIVER("dmem_gem_exynos"),
	.dumb_create = exynos_drm_gem_dumb_create,
	.gem_prime_import_sg_table = exynos_drm_gem_prime_import_sg_table,
	.ioctls = test_ioctls,
	.num_ioctls = ARRAY_SIZE(test_ioctls),
};

static struct drm_gem_object *gem_fbdev_create(struct drm_device *drm, size_t size)
{
	struct exynos_drm_gem *gem = exynos_drm_gem_create(NULL, drm, EXYNOS_BO_WC, size, true);

	return IS_ERR(gem) ? NULL : &gem->base;
}

static struct exynos_drm_private test_private;

static int __init dmem_gem_init(void)
{
	struct drm_device *drm = gem_alloc(&test_driver, sizeof(*drm), 0);

	if (IS_ERR(drm))
		return PTR_ERR(drm);
	drm->dev_private = &test_private;
	return gem_register(drm);
}
module_init(dmem_gem_init);
