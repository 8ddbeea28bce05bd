/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A DRM device without hardware, whose buffers are those of a real driver: each module that
 * includes this file compiles the file with the driver's GEM objects. Its memory is from the
 * CMA area that "area" names.
 *
 * "client" and "fbdev" create a buffer of so many bytes in the kernel, and free the one before;
 * 0 only frees.
 */
#ifndef DMEM_GEM_H
#define DMEM_GEM_H

#include <drm/drm_client.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_mode_config.h>
#include <drm/drm_prime.h>
#include <linux/cma.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/platform_device.h>

static char *area = "";
module_param(area, charp, 0444);
MODULE_PARM_DESC(area, "name of the CMA area of the device");

static struct platform_device *gem_pdev;
static struct drm_device *gem_drm;
static struct drm_client_dev gem_client;
static u32 gem_handle;
static struct drm_gem_object *gem_fbdev;

/* As the driver's fbdev emulation creates its buffer, or NULL if it has a dumb one */
static struct drm_gem_object *gem_fbdev_create(struct drm_device *drm, size_t size);

/* A dumb buffer of a client in the kernel */
static int client_set(const char *val, const struct kernel_param *kp)
{
	struct drm_mode_create_dumb args = { .height = 1, .bpp = 8 };
	int ret;

	if (!gem_drm)
		return -ENODEV;
	ret = kstrtou32(val, 0, &args.width);
	if (ret)
		return ret;
	if (gem_handle)
		drm_gem_handle_delete(gem_client.file, gem_handle);
	gem_handle = 0;
	if (!args.width)
		return 0;
	ret = gem_drm->driver->dumb_create(gem_client.file, gem_drm, &args);
	if (!ret)
		gem_handle = args.handle;
	return ret;
}

static const struct kernel_param_ops client_ops = { .set = client_set };
module_param_cb(client, &client_ops, NULL, 0200);
MODULE_PARM_DESC(client, "size of a dumb buffer of a client in the kernel");

static int fbdev_set(const char *val, const struct kernel_param *kp)
{
	unsigned int size;
	int ret;

	if (!gem_drm)
		return -ENODEV;
	ret = kstrtouint(val, 0, &size);
	if (ret)
		return ret;
	if (gem_fbdev)
		drm_gem_object_put(gem_fbdev);
	gem_fbdev = NULL;
	if (!size)
		return 0;
	gem_fbdev = gem_fbdev_create(gem_drm, size);
	return gem_fbdev ? 0 : -ENOMEM;
}

static const struct kernel_param_ops fbdev_ops = { .set = fbdev_set };
module_param_cb(fbdev, &fbdev_ops, NULL, 0200);
MODULE_PARM_DESC(fbdev, "size of a buffer of fbdev emulation");

static struct cma *gem_area(void)
{
	struct cma *cma;
	unsigned int i;

	for (i = 0; (cma = dma_contiguous_get_area_by_idx(i)); i++) {
		if (!strcmp(area, cma_get_name(cma)))
			return cma;
	}
	return NULL;
}

/* The device, not registered yet; size and offset of the driver's structure around it */
static void *gem_alloc(const struct drm_driver *driver, size_t size, size_t offset)
{
	struct platform_device_info info = { .name = driver->name, .dma_mask = DMA_BIT_MASK(32) };
	struct cma *cma = gem_area();
	void *dev;

	if (!cma)
		return ERR_PTR(-ENODEV);
	gem_pdev = platform_device_register_full(&info);
	if (IS_ERR(gem_pdev))
		return gem_pdev;
	gem_pdev->dev.cma_area = cma;
	dev = __drm_dev_alloc(&gem_pdev->dev, driver, size, offset);
	if (IS_ERR(dev))
		platform_device_unregister(gem_pdev);
	return dev;
}

static int gem_register(struct drm_device *drm)
{
	int ret = drmm_mode_config_init(drm);

	if (!ret)
		ret = drm_dev_register(drm, 0);
	if (ret)
		goto err_put;
	ret = drm_client_init(drm, &gem_client, "dmem", NULL);
	if (ret)
		goto err_unregister;
	gem_drm = drm;
	return 0;

err_unregister:
	drm_dev_unregister(drm);
err_put:
	drm_dev_put(drm);
	platform_device_unregister(gem_pdev);
	return ret;
}

static void __exit gem_exit(void)
{
	struct drm_device *drm = gem_drm;

	client_set("0", NULL);
	fbdev_set("0", NULL);
	gem_drm = NULL;
	drm_client_release(&gem_client);
	drm_dev_unregister(drm);
	drm_dev_put(drm);
	platform_device_unregister(gem_pdev);
}
module_exit(gem_exit);

DEFINE_DRM_GEM_FOPS(gem_fops);

#define GEM_DRIVER(_name)						\
	.driver_features = DRIVER_GEM | DRIVER_MODESET | DRIVER_RENDER,	\
	.name = _name,							\
	.desc = "buffers of a driver without its hardware",		\
	.major = 1,							\
	.fops = &gem_fops

MODULE_DESCRIPTION("DRM device without hardware for tests of buffers");
MODULE_LICENSE("GPL");

#endif /* DMEM_GEM_H */
