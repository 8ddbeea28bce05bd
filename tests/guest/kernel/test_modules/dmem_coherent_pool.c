// SPDX-License-Identifier: GPL-2.0
/*
 * Gives devices the coherent pool of a node in /reserved-memory, until the module is
 * unloaded:
 *
 * - device=: platform devices that have no device-tree node. They may have buffers when the
 *   module is unloaded, as one whose driver is unbound.
 * - node=: the path of a device-tree node, whose property memory-region then names the pool.
 *   The driver finds it when it is bound next.
 *
 * A number of bytes that is written to request= is requested for the first device, with a
 * charge and without, and freed at once. dmem_dma_test does not pass on a request for 0.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_reserved_mem.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

static char *pool = "";
module_param(pool, charp, 0444);
MODULE_PARM_DESC(pool, "name of a node in /reserved-memory");

static char *device[2];
static int devices;
module_param_array(device, charp, &devices, 0444);
MODULE_PARM_DESC(device, "names of platform devices");

static char *node = "";
module_param(node, charp, 0444);
MODULE_PARM_DESC(node, "path of a device-tree node");

static struct reserved_mem *rmem;
static struct device *devs[ARRAY_SIZE(device)];
static struct module *owners[ARRAY_SIZE(device)];
static struct device_node *np;
static struct property *old;
static __be32 pool_handle;

/* Never freed: the node keeps a list of properties that were removed. */
static struct {
	struct property prop;
	__be32 value;
} *region;

static int request_set(const char *val, const struct kernel_param *kp)
{
	static const unsigned long attrs[] = { DMA_ATTR_ACCOUNT, 0 };
	int i, ret, served = 0;
	unsigned int len;

	ret = kstrtouint(val, 0, &len);
	if (ret)
		return ret;
	if (!devs[0])
		return -ENXIO;
	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		dma_addr_t dma = 0;
		void *mem = dma_alloc_attrs(devs[0], len, &dma, GFP_KERNEL, attrs[i]);

		if (mem) {
			dma_free_attrs(devs[0], len, mem, dma, 0);
			served++;
		}
	}
	return served ? 0 : -ENOMEM;
}

static const struct kernel_param_ops request_ops = { .set = request_set };
module_param_cb(request, &request_ops, NULL, 0200);
MODULE_PARM_DESC(request, "bytes that the first device requests");

/* A node with "reusable" is a CMA area. */
static int find_pool(void)
{
	struct device_node *parent = of_find_node_by_path("/reserved-memory");
	struct device_node *child;

	for_each_child_of_node(parent, child) {
		if (!strcmp(kbasename(child->full_name), pool) &&
		    !of_property_read_bool(child, "reusable"))
			break;
	}
	of_node_put(parent);
	rmem = child ? of_reserved_mem_lookup(child) : NULL;
	pool_handle = cpu_to_be32(child ? child->phandle : 0);
	of_node_put(child);
	return rmem && rmem->ops && rmem->ops->device_init ? 0 : -ENODEV;
}

/* A driver may have the device in its data, so it must stay. */
static int assign(int i)
{
	struct device *dev = bus_find_device_by_name(&platform_bus_type, NULL, device[i]);
	struct module *owner = NULL;
	int ret = 0;

	if (!dev)
		return -ENXIO;
	scoped_guard(device, dev) {
		if (dev->driver) {
			owner = dev->driver->owner;
			ret = try_module_get(owner) ? 0 : -ENXIO;
		}
	}
	if (ret)
		goto out_put;
	ret = rmem->ops->device_init(rmem, dev);
	if (!ret) {
		devs[i] = dev;
		owners[i] = owner;
		return 0;
	}
	module_put(owner);
out_put:
	put_device(dev);
	return ret;
}

static void release(int i)
{
	rmem->ops->device_release(rmem, devs[i]);
	put_device(devs[i]);
	module_put(owners[i]);
}

static int assign_all(void)
{
	int i, ret;

	for (i = 0; i < devices; i++) {
		ret = assign(i);
		if (ret) {
			while (i--)
				release(i);
			return ret;
		}
	}
	return 0;
}

static int replace(void)
{
	int ret;

	np = of_find_node_by_path(node);
	old = np && pool_handle ? of_find_property(np, "memory-region", NULL) : NULL;
	region = old ? kzalloc_obj(*region) : NULL;
	if (!region) {
		of_node_put(np);
		return old ? -ENOMEM : -ENOENT;
	}
	region->value = pool_handle;
	region->prop.name = old->name;
	region->prop.length = sizeof(region->value);
	region->prop.value = &region->value;
	ret = of_remove_property(np, old);
	if (!ret)
		ret = of_add_property(np, &region->prop);
	if (ret)
		of_node_put(np);
	return ret;
}

static int __init dmem_coherent_pool_init(void)
{
	int ret = find_pool();

	if (ret)
		return ret;
	return devices ? assign_all() : replace();
}
module_init(dmem_coherent_pool_init);

static void __exit dmem_coherent_pool_exit(void)
{
	int i;

	for (i = 0; i < devices; i++)
		release(i);
	if (devices)
		return;
	of_remove_property(np, &region->prop);
	of_add_property(np, old);
	of_node_put(np);
}
module_exit(dmem_coherent_pool_exit);

MODULE_DESCRIPTION("A coherent pool for a device, for the tests of the dmem controller");
MODULE_LICENSE("GPL");
