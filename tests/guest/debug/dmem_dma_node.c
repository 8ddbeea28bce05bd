// SPDX-License-Identifier: GPL-2.0
/*
 * Moves the device of dmem_dma_test, which belongs to no memory node, to the node that
 * the parameter names. Load it after dmem_dma_test.
 */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/platform_device.h>

#include "dmem_dma_test.h"

static int node = NUMA_NO_NODE;
module_param(node, int, 0444);
MODULE_PARM_DESC(node, "memory node of the device");

static struct device *dev;

static int __init dmem_dma_node_init(void)
{
	if (node < 0 || node >= MAX_NUMNODES || !node_online(node))
		return -EINVAL;
	dev = bus_find_device_by_name(&platform_bus_type, NULL, DMEM_DMA_TEST_DEV ".0");
	if (!dev)
		return -ENXIO;
	set_dev_node(dev, node);
	return 0;
}
module_init(dmem_dma_node_init);

static void __exit dmem_dma_node_exit(void)
{
	set_dev_node(dev, NUMA_NO_NODE);
	put_device(dev);
}
module_exit(dmem_dma_node_exit);

MODULE_DESCRIPTION("A memory node for dmem_dma_test, for the dmem cgroup selftests");
MODULE_LICENSE("GPL");
