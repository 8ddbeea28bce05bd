// SPDX-License-Identifier: GPL-2.0
/*
 * Gives vivid, which has no device-tree node, the reserved-memory region that the
 * parameter area names. Load it after vivid and when vivid has no buffers; unload
 * it likewise.
 */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_reserved_mem.h>
#include <linux/platform_device.h>

static char *area = "";
module_param(area, charp, 0444);
MODULE_PARM_DESC(area, "name of a node in /reserved-memory");

static struct device *vivid;
static struct module *owner;
static struct reserved_mem *rmem;

/* The device is in vivid's data, so vivid must stay. */
static int find_vivid(void)
{
	vivid = bus_find_device_by_name(&platform_bus_type, NULL, "vivid.0");
	if (!vivid)
		return -ENXIO;
	scoped_guard(device, vivid) {
		owner = vivid->driver ? vivid->driver->owner : NULL;
		if (vivid->driver && try_module_get(owner))
			return 0;
	}
	put_device(vivid);
	return -ENXIO;
}

static void put_vivid(void)
{
	put_device(vivid);
	module_put(owner);
}

/* Of a node without "reusable" the region is no CMA area. */
static int find_area(void)
{
	struct device_node *parent = of_find_node_by_path("/reserved-memory");
	struct device_node *np;

	for_each_child_of_node(parent, np) {
		if (!strcmp(kbasename(np->full_name), area) &&
		    of_property_read_bool(np, "reusable"))
			break;
	}
	of_node_put(parent);
	rmem = np ? of_reserved_mem_lookup(np) : NULL;
	of_node_put(np);
	return rmem && rmem->ops && rmem->ops->device_init ? 0 : -ENODEV;
}

static int __init dmem_vivid_area_init(void)
{
	int ret = find_area();

	if (!ret)
		ret = find_vivid();
	if (ret)
		return ret;
	ret = rmem->ops->device_init(rmem, vivid);
	if (ret)
		put_vivid();
	return ret;
}
module_init(dmem_vivid_area_init);

static void __exit dmem_vivid_area_exit(void)
{
	rmem->ops->device_release(rmem, vivid);
	put_vivid();
}
module_exit(dmem_vivid_area_exit);

MODULE_DESCRIPTION("A reserved region for vivid, for the dmem cgroup selftests");
MODULE_LICENSE("GPL");
