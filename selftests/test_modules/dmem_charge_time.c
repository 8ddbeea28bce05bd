// SPDX-License-Identifier: GPL-2.0
/*
 * What a charge and its return cost, without the allocation around them: reading
 * a parameter makes the reader's cgroup pay many times for one page of a region
 * of the module's own, and tells the least nanoseconds that one time took. With a
 * guest time that counts instructions these are instructions.
 */
#include <linux/cgroup_dmem.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/sysfs.h>

#define ROUNDS	20
#define REPEAT	100

/* A region like a GPU's, and one like a CMA area's. */
static struct dmem_cgroup_region *plain_region, *pinned_region;

static int charge_time(char *buf, struct dmem_cgroup_region *region)
{
	struct dmem_cgroup_pool_state *pool;
	u64 start, best = U64_MAX;
	int i, j;

	for (i = 0; i < ROUNDS; i++) {
		start = ktime_get_ns();
		for (j = 0; j < REPEAT; j++) {
			if (dmem_cgroup_try_charge(region, PAGE_SIZE, &pool, NULL))
				return -ENOMEM;
			dmem_cgroup_uncharge(pool, PAGE_SIZE);
		}
		best = min(best, ktime_get_ns() - start);
	}

	return sysfs_emit(buf, "%llu\n", div_u64(best, REPEAT));
}

static int plain_get(char *buf, const struct kernel_param *kp)
{
	return charge_time(buf, plain_region);
}

static int pinned_get(char *buf, const struct kernel_param *kp)
{
	return charge_time(buf, pinned_region);
}

static const struct kernel_param_ops plain_ops = { .get = plain_get };
static const struct kernel_param_ops pinned_ops = { .get = pinned_get };

module_param_cb(plain, &plain_ops, NULL, 0444);
MODULE_PARM_DESC(plain, "nanoseconds in the region test/plain");
module_param_cb(pinned, &pinned_ops, NULL, 0444);
MODULE_PARM_DESC(pinned, "nanoseconds in the region test/pinned");

static int __init dmem_charge_time_init(void)
{
	struct dmem_cgroup_init init = {
		.size = SZ_1M,
		.unit_shift = PAGE_SHIFT,
		.unique = true,
	};

	plain_region = dmem_cgroup_register_region(&init, "test/plain");
	if (IS_ERR(plain_region))
		return PTR_ERR(plain_region);

	init.pinned = true;
	pinned_region = dmem_cgroup_register_region(&init, "test/pinned");
	if (IS_ERR(pinned_region)) {
		dmem_cgroup_unregister_region(plain_region);
		return PTR_ERR(pinned_region);
	}

	return 0;
}
module_init(dmem_charge_time_init);

static void __exit dmem_charge_time_exit(void)
{
	dmem_cgroup_unregister_region(pinned_region);
	dmem_cgroup_unregister_region(plain_region);
}
module_exit(dmem_charge_time_exit);

MODULE_DESCRIPTION("Times charges to the dmem cgroup controller");
MODULE_LICENSE("GPL");
