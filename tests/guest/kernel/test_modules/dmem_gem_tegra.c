// SPDX-License-Identifier: GPL-2.0
/* GEM buffers of tegra without its display and without an IOMMU */
#include "gem.c"

#include "dmem_gem.h"

/* Part of host1x */
void host1x_bo_clear_cached_mappings(struct host1x_bo *bo)
{
}

static const struct drm_driver test_driver = {
	GEM_DRIVER("dmem_gem_tegra"),
	.dumb_create = tegra_bo_dumb_create,
	.gem_prime_import = tegra_gem_prime_import,
};

static struct drm_gem_object *gem_fbdev_create(struct drm_device *drm, size_t size)
{
	struct tegra_bo *bo = tegra_bo_create(NULL, drm, size, 0);

	return IS_ERR(bo) ? NULL : &bo->gem;
}

static struct tegra_drm test_private = { .pitch_align = 64 };

static int __init dmem_gem_init(void)
{
	struct drm_device *drm = gem_alloc(&test_driver, sizeof(*drm), 0);

	if (IS_ERR(drm))
		return PTR_ERR(drm);
	drm->dev_private = &test_private;
	return gem_register(drm);
}
module_init(dmem_gem_init);
