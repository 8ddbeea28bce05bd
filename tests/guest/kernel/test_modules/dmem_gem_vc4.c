// SPDX-License-Identifier: GPL-2.0
/*
 * BOs of vc4 without its GPU and display. "job" allocates and frees memory of the driver, which
 * goes to its cache. So does SUBMIT_CL, for the process.
 */
#include "vc4_bo.c"

#include <drm/drm_gem_dma_helper.h>
#include <drm/drm_managed.h>

#include "dmem_gem.h"

/* Parts of other files of the driver */
int vc4_v3d_bin_bo_get(struct vc4_dev *vc4, bool *used)
{
	return 0;
}

struct vc4_validated_shader_info *vc4_validate_shader(struct drm_gem_dma_object *shader_obj)
{
	return kzalloc_obj(struct vc4_validated_shader_info);
}

int vc4_dumb_fixup_args(struct drm_mode_create_dumb *args)
{
	args->pitch = max(args->pitch, DIV_ROUND_UP(args->width * args->bpp, 8));
	args->size = max_t(u64, args->size, args->pitch * args->height);
	return 0;
}

/* VC4_MADV_DONTNEED of a BO that is in use */
static int madvise(struct drm_device *dev, void *data, struct drm_file *file)
{
	struct drm_vc4_gem_madvise *args = data;
	struct drm_gem_object *obj = drm_gem_object_lookup(file, args->handle);
	struct vc4_bo *bo;

	if (!obj)
		return -ENOENT;
	bo = to_vc4_bo(obj);
	mutex_lock(&bo->madv_lock);
	args->retained = bo->madv != __VC4_MADV_PURGED;
	if (bo->madv == VC4_MADV_WILLNEED && args->madv == VC4_MADV_DONTNEED) {
		vc4_bo_add_to_purgeable_pool(bo);
		bo->madv = VC4_MADV_DONTNEED;
	}
	mutex_unlock(&bo->madv_lock);
	drm_gem_object_put(obj);
	return 0;
}

/* The memory of a job of the process, which is over at once: its command lists go to the cache. */
static int submit(struct drm_device *dev, void *data, struct drm_file *file)
{
	struct drm_vc4_submit_cl *args = data;
	struct vc4_bo *bo = vc4_bo_create(file, dev, args->bin_cl_size, true, VC4_BO_TYPE_BCL);

	if (IS_ERR(bo))
		return PTR_ERR(bo);
	drm_gem_object_put(&bo->base.base);
	return 0;
}

static int test_open(struct drm_device *dev, struct drm_file *file)
{
	file->driver_priv = kzalloc_obj(struct vc4_file);
	return file->driver_priv ? 0 : -ENOMEM;
}

static void test_close(struct drm_device *dev, struct drm_file *file)
{
	kfree(file->driver_priv);
}

static const struct drm_ioctl_desc test_ioctls[] = {
	DRM_IOCTL_DEF_DRV(VC4_CREATE_BO, vc4_create_bo_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VC4_CREATE_SHADER_BO, vc4_create_shader_bo_ioctl, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VC4_SUBMIT_CL, submit, DRM_RENDER_ALLOW),
	DRM_IOCTL_DEF_DRV(VC4_GEM_MADVISE, madvise, DRM_RENDER_ALLOW),
};

static const struct drm_driver test_driver = {
	GEM_DRIVER("dmem_gem_vc4"),
	.open = test_open,
	.postclose = test_close,
	.gem_create_object = vc4_create_object,
	DRM_GEM_DMA_DRIVER_OPS_WITH_DUMB_CREATE(vc4_bo_dumb_create),
	.ioctls = test_ioctls,
	.num_ioctls = ARRAY_SIZE(test_ioctls),
};

static struct drm_gem_object *gem_fbdev_create(struct drm_device *drm, size_t size)
{
	return NULL;
}

static int job_set(const char *val, const struct kernel_param *kp)
{
	struct vc4_bo *bo;
	unsigned int size;
	int ret;

	if (!gem_drm)
		return -ENODEV;
	ret = kstrtouint(val, 0, &size);
	if (ret)
		return ret;
	bo = vc4_bo_create(NULL, gem_drm, size, true, VC4_BO_TYPE_BCL);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	drm_gem_object_put(&bo->base.base);
	return 0;
}

static const struct kernel_param_ops job_ops = { .set = job_set };
module_param_cb(job, &job_ops, NULL, 0200);
MODULE_PARM_DESC(job, "size of the memory of a job that comes and goes");

static struct vc4_v3d test_v3d;

static int __init dmem_gem_init(void)
{
	struct vc4_dev *vc4 = gem_alloc(&test_driver, sizeof(*vc4), offsetof(struct vc4_dev, base));
	int ret;

	if (IS_ERR(vc4))
		return PTR_ERR(vc4);
	vc4->dev = &gem_pdev->dev;
	vc4->gen = VC4_GEN_4;
	vc4->v3d = &test_v3d;
	INIT_LIST_HEAD(&vc4->purgeable.list);
	ret = drmm_mutex_init(&vc4->base, &vc4->purgeable.lock);
	if (!ret)
		ret = vc4_bo_cache_init(&vc4->base);
	if (!ret)
		return gem_register(&vc4->base);
	drm_dev_put(&vc4->base);
	platform_device_unregister(gem_pdev);
	return ret;
}
module_init(dmem_gem_init);
