// SPDX-License-Identifier: GPL-2.0
/*
 * A region without memory, which comes with the module and goes with it. A number that is
 * written to the parameter charge is charged to the writer, in pages.
 */
#include <linux/cgroup_dmem.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>

#define CHARGES	16

static struct dmem_cgroup_region *region;

/* Under the lock of the parameters */
static struct {
	struct dmem_cgroup_pool_state *pool;
	u64 size;
} charges[CHARGES];
static unsigned int nr_charges;

static int charge_set(const char *val, const struct kernel_param *kp)
{
	unsigned int pages;
	int ret = kstrtouint(val, 0, &pages);

	if (ret)
		return ret;
	if (nr_charges == CHARGES)
		return -ENOSPC;
	charges[nr_charges].size = (u64)pages << PAGE_SHIFT;
	ret = dmem_cgroup_try_charge(region, charges[nr_charges].size, &charges[nr_charges].pool,
				     NULL);
	if (!ret)
		nr_charges++;
	return ret;
}

static const struct kernel_param_ops charge_ops = {
	.set = charge_set,
};
module_param_cb(charge, &charge_ops, NULL, 0200);
MODULE_PARM_DESC(charge, "pages to charge");

static int __init dmem_test_region_init(void)
{
	const struct dmem_cgroup_init init = {
		.size = SZ_1G,
		.unit_shift = PAGE_SHIFT,
		.pinned = true,
		.reservable = true,
	};

	region = dmem_cgroup_register_region(&init, "test/region");
	return PTR_ERR_OR_ZERO(region);
}
module_init(dmem_test_region_init);

static void __exit dmem_test_region_exit(void)
{
	while (nr_charges--)
		dmem_cgroup_uncharge(charges[nr_charges].pool, charges[nr_charges].size);
	dmem_cgroup_unregister_region(region);
}
module_exit(dmem_test_region_exit);

MODULE_DESCRIPTION("A region for the dmem cgroup selftests");
MODULE_LICENSE("GPL");
