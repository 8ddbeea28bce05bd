// SPDX-License-Identifier: GPL-2.0
/*
 * Gives the first device of dmem_dma_test a map of its bus, as "dma-ranges" of a bus in the
 * device tree does. Load it after dmem_dma_test, when the device has no memory; unload it
 * likewise.
 */
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#define RANGES	8

static unsigned long long range[3 * RANGES];
static unsigned int words;
module_param_array(range, ullong, &words, 0444);
MODULE_PARM_DESC(range, "physical address, DMA address and size of each range");

static unsigned long long limit;
module_param(limit, ullong, 0444);
MODULE_PARM_DESC(limit, "highest DMA address of the bus");

/* The last one, of size 0, ends the map. */
static struct bus_dma_region map[RANGES + 1];
static struct device *dev;

static int __init dmem_dma_map_init(void)
{
	unsigned int i;

	if (!words || words % 3)
		return -EINVAL;
	dev = bus_find_device_by_name(&platform_bus_type, NULL, "dmem_dma_test.0");
	if (!dev)
		return -ENXIO;
	for (i = 0; i < words / 3; i++) {
		map[i].cpu_start = range[3 * i];
		map[i].dma_start = range[3 * i + 1];
		map[i].size = range[3 * i + 2];
	}
	dev->dma_range_map = map;
	dev->bus_dma_limit = limit;
	return 0;
}
module_init(dmem_dma_map_init);

static void __exit dmem_dma_map_exit(void)
{
	/* The last reference on the device would free the map. */
	dev->dma_range_map = NULL;
	dev->bus_dma_limit = 0;
	put_device(dev);
}
module_exit(dmem_dma_map_exit);

MODULE_DESCRIPTION("A map of DMA addresses for dmem_dma_test, for the dmem cgroup selftests");
MODULE_LICENSE("GPL");
