// SPDX-License-Identifier: GPL-2.0
/*
 * Gives vivid, which has no device-tree node, a reserved region that the node
 * /dmem-test names in its memory-region, the first or that of the parameter
 * index. Load it after vivid and when vivid has no buffers; unload it likewise.
 */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_reserved_mem.h>
#include <linux/platform_device.h>

static int index;
module_param(index, int, 0444);
MODULE_PARM_DESC(index, "which region of the memory-region to use");

static struct device *vivid;
static struct module *owner;

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

static int __init dmem_vivid_area_init(void)
{
	struct device_node *np;
	int ret;

	np = of_find_node_by_path("/dmem-test");
	if (!np)
		return -ENODEV;
	ret = find_vivid();
	if (!ret) {
		ret = of_reserved_mem_device_init_by_idx(vivid, np, index);
		if (ret)
			put_vivid();
	}
	of_node_put(np);
	return ret;
}
module_init(dmem_vivid_area_init);

static void __exit dmem_vivid_area_exit(void)
{
	of_reserved_mem_device_release(vivid);
	put_vivid();
}
module_exit(dmem_vivid_area_exit);

MODULE_DESCRIPTION("A reserved region for vivid, for the dmem cgroup selftests");
MODULE_LICENSE("GPL");
