// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a charge and its return cost, without the allocation around them. Reading
 * a parameter makes the reader's cgroup pay many times for one page of the last
 * of the module's regions, and tells the least nanoseconds that one time took.
 * With a guest time that counts instructions these are instructions.
 *
 * It is built for a kernel without the series too, which has no pinned regions.
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

#define MAX_REGIONS 64

static unsigned int regions = 1;
module_param(regions, uint, 0444);
MODULE_PARM_DESC(regions, "how many of each kind there are");

/* Regions like a GPU's, and like CMA areas'. */
static struct dmem_cgroup_region *plain_region[MAX_REGIONS];
static struct dmem_cgroup_region *pinned_region[MAX_REGIONS];

static int charge_once(struct dmem_cgroup_region *region)
{
	struct dmem_cgroup_pool_state *pool;
	int ret;

	ret = dmem_cgroup_try_charge(region, PAGE_SIZE, &pool, NULL);
	if (!ret)
		dmem_cgroup_uncharge(pool, PAGE_SIZE);
	return ret;
}

/* Of a charge that is granted, or one that is refused. */
static int charge_time(char *buf, struct dmem_cgroup_region **region, bool refused)
{
	u64 start, best = U64_MAX;
	int i, j;

	/* Where there is a list of them, the one that is measured is the last. */
	for (i = 0; i < regions; i++)
		if (!charge_once(region[i]) == refused)
			return -EINVAL;

	for (i = 0; i < ROUNDS; i++) {
		start = ktime_get_ns();
		for (j = 0; j < REPEAT; j++)
			if (!charge_once(region[regions - 1]) == refused)
				return -EINVAL;
		best = min(best, ktime_get_ns() - start);
	}

	return sysfs_emit(buf, "%llu\n", div_u64(best, REPEAT));
}

static int plain_get(char *buf, const struct kernel_param *kp)
{
	return charge_time(buf, plain_region, false);
}

static int pinned_get(char *buf, const struct kernel_param *kp)
{
	return charge_time(buf, pinned_region, false);
}

static int plain_refused_get(char *buf, const struct kernel_param *kp)
{
	return charge_time(buf, plain_region, true);
}

static int pinned_refused_get(char *buf, const struct kernel_param *kp)
{
	return charge_time(buf, pinned_region, true);
}

static const struct kernel_param_ops plain_ops = { .get = plain_get };
static const struct kernel_param_ops pinned_ops = { .get = pinned_get };
static const struct kernel_param_ops plain_refused_ops = { .get = plain_refused_get };
static const struct kernel_param_ops pinned_refused_ops = { .get = pinned_refused_get };

module_param_cb(plain, &plain_ops, NULL, 0444);
MODULE_PARM_DESC(plain, "nanoseconds in the last of test/plain0, ...");
module_param_cb(pinned, &pinned_ops, NULL, 0444);
MODULE_PARM_DESC(pinned, "nanoseconds in the last of test/pinned0, ...");
module_param_cb(plain_refused, &plain_refused_ops, NULL, 0444);
MODULE_PARM_DESC(plain_refused, "the same for a charge that a limit refuses");
module_param_cb(pinned_refused, &pinned_refused_ops, NULL, 0444);
MODULE_PARM_DESC(pinned_refused, "the same for a charge that a limit refuses");

static void unregister_all(void)
{
	for (unsigned int i = 0; i < MAX_REGIONS; i++) {
		dmem_cgroup_unregister_region(plain_region[i]);
		dmem_cgroup_unregister_region(pinned_region[i]);
	}
}

static int __init register_kind(struct dmem_cgroup_region **region, const char *name,
				const struct dmem_cgroup_init *init)
{
	struct dmem_cgroup_region *new;

	for (unsigned int i = 0; i < regions; i++) {
		new = dmem_cgroup_register_region(init, "test/%s%u", name, i);
		if (IS_ERR(new))
			return PTR_ERR(new);
		region[i] = new;
	}
	return 0;
}

static int __init dmem_charge_time_init(void)
{
	struct dmem_cgroup_init init = { .size = SZ_1M };
	int ret;

	if (!regions || regions > MAX_REGIONS)
		return -EINVAL;

#ifndef WITHOUT_SERIES
	init.unit_shift = PAGE_SHIFT;
	init.unique = true;
#endif
	ret = register_kind(plain_region, "plain", &init);
#ifndef WITHOUT_SERIES
	init.unevictable = true;
	init.pinned = true;
	if (!ret)
		ret = register_kind(pinned_region, "pinned", &init);
#endif
	if (ret)
		unregister_all();
	return ret;
}
module_init(dmem_charge_time_init);

static void __exit dmem_charge_time_exit(void)
{
	unregister_all();
}
module_exit(dmem_charge_time_exit);

MODULE_DESCRIPTION("Times charges to the dmem cgroup controller");
MODULE_LICENSE("GPL");
