// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measures a charge and its return, without the allocation around them. When a process reads a
 * parameter, its cgroup is charged many times for one page of the last of the module's regions, and
 * the smallest time of one repetition is returned in nanoseconds. If the guest's clock counts
 * instructions, these are instructions. Also builds for a kernel without the series, which has
 * plain regions only.
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

/* Regions like those of a GPU, of the system heap, and of CMA areas. */
struct kind {
	struct dmem_cgroup_region *region[MAX_REGIONS];
};

static struct kind plain, heap, reservable;

static int charge_once(struct dmem_cgroup_region *region)
{
	struct dmem_cgroup_pool_state *pool;
	int ret;

	ret = dmem_cgroup_try_charge(region, PAGE_SIZE, &pool, NULL);
	if (!ret)
		dmem_cgroup_uncharge(pool, PAGE_SIZE);
	return ret;
}

/* Measures a successful charge, or one that is refused. */
static int charge_time(char *buf, const struct kind *kind, bool refused)
{
	struct dmem_cgroup_region *last = kind->region[regions - 1];
	u64 start, best = U64_MAX;
	int i, j;

	/* In a list of regions, the one to measure is the last. */
	for (i = 0; i < regions; i++)
		if (!charge_once(kind->region[i]) == refused)
			return -EINVAL;

	for (i = 0; i < ROUNDS; i++) {
		start = ktime_get_ns();
		for (j = 0; j < REPEAT; j++)
			if (!charge_once(last) == refused)
				return -EINVAL;
		best = min(best, ktime_get_ns() - start);
	}

	return sysfs_emit(buf, "%llu\n", div_u64(best, REPEAT));
}

static int granted_get(char *buf, const struct kernel_param *kp)
{
	return charge_time(buf, kp->arg, false);
}

static int refused_get(char *buf, const struct kernel_param *kp)
{
	return charge_time(buf, kp->arg, true);
}

static const struct kernel_param_ops granted_ops = { .get = granted_get };
static const struct kernel_param_ops refused_ops = { .get = refused_get };

module_param_cb(plain, &granted_ops, &plain, 0444);
MODULE_PARM_DESC(plain, "nanoseconds in the last of test/plain0, ...");
module_param_cb(heap, &granted_ops, &heap, 0444);
MODULE_PARM_DESC(heap, "nanoseconds in the last of test/heap0, ...");
module_param_cb(reservable, &granted_ops, &reservable, 0444);
MODULE_PARM_DESC(reservable, "nanoseconds in the last of test/reservable0, ...");
module_param_cb(plain_refused, &refused_ops, &plain, 0444);
MODULE_PARM_DESC(plain_refused, "the same for a charge that a limit refuses");
module_param_cb(heap_refused, &refused_ops, &heap, 0444);
MODULE_PARM_DESC(heap_refused, "the same for a charge that a limit refuses");
module_param_cb(reservable_refused, &refused_ops, &reservable, 0444);
MODULE_PARM_DESC(reservable_refused, "the same for a charge that a limit refuses");

static void unregister_all(void)
{
	for (unsigned int i = 0; i < MAX_REGIONS; i++) {
		dmem_cgroup_unregister_region(plain.region[i]);
		dmem_cgroup_unregister_region(heap.region[i]);
		dmem_cgroup_unregister_region(reservable.region[i]);
	}
}

static int __init register_kind(struct kind *kind, const char *name,
				const struct dmem_cgroup_init *init)
{
	struct dmem_cgroup_region *new;

	for (unsigned int i = 0; i < regions; i++) {
		new = dmem_cgroup_register_region(init, "test/%s%u", name, i);
		if (IS_ERR(new))
			return PTR_ERR(new);
		kind->region[i] = new;
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
	ret = register_kind(&plain, "plain", &init);
#ifndef WITHOUT_SERIES
	init.pinned = true;
	if (!ret)
		ret = register_kind(&heap, "heap", &init);
	init.reservable = true;
	if (!ret)
		ret = register_kind(&reservable, "reservable", &init);
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
