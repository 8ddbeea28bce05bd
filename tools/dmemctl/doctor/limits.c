// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits that contradict each other or the region. */
#include <errno.h>
#include <string.h>

#include "dmemctl/change.h"
#include "doctor.h"

static uint64_t figure(const struct doctor *d, const struct dmem_node *n, size_t r,
		       enum dmem_figure f)
{
	return dmem_tree_figure(&d->tree, n, r, f);
}

static bool known(uint64_t v)
{
	return v != DMEM_UNKNOWN && v != DMEM_NO_LIMIT;
}

/* Reports a limit that never refuses, is not in force yet, or is below the peak. */
static void check_max(struct doctor *d, const struct dmem_node *n, size_t r, const char *path)
{
	const struct dmem_region *g = &d->regions.region[r];
	uint64_t max = figure(d, n, r, DMEM_F_MAX), peak = figure(d, n, r, DMEM_F_PEAK);
	uint64_t used = figure(d, n, r, DMEM_F_CURRENT);

	if (!known(max))
		return;
	if (known(g->capacity) && max > g->capacity)
		doctor_say(d, PROBLEM, path, "lower it, or set max",
			   "dmem.max of %s is %s, but the region has only %s", g->name,
			   doctor_size_beside(max, g->capacity),
			   doctor_size_beside(g->capacity, max));
	if (known(used) && max < used)
		doctor_say(d, PROBLEM, path,
			   "restart the processes that hold the memory, see lsdmem --buffers",
			   "dmem.max of %s is %s, but %s are charged", g->name,
			   doctor_size_beside(max, used), doctor_size_beside(used, max));
	else if (known(peak) && max < peak)
		doctor_say(d, NOTE, path, "raise it, unless the cgroup needs less now",
			   "dmem.max of %s is %s, but its peak was %s", g->name,
			   doctor_size_beside(max, peak), doctor_size_beside(peak, max));
}

/* The ancestor with the smallest reservation, if that is below @min, or NULL. If the kernel does
 * not show effective reservations, this is the upper bound of one. */
static const struct dmem_node *least_above(const struct doctor *d, const struct dmem_node *n,
					   size_t r, uint64_t min)
{
	const struct dmem_node *least = NULL;

	for (n = n->parent; n && n->parent; n = n->parent) {
		uint64_t above = figure(d, n, r, DMEM_F_MIN);

		if (above == DMEM_UNKNOWN || above >= min)
			continue;
		min = above;
		least = n;
	}
	return least;
}

/* Checks a region whose effective reservations the kernel does not show. */
static void check_unshown(struct doctor *d, const struct dmem_node *n, size_t r, const char *path,
			  uint64_t min)
{
	const char *region = d->regions.region[r].name;
	const struct dmem_node *least = least_above(d, n, r, min);
	char above[4096];

	/* A cgroup between the two with the same problem gets its own finding. */
	if (!least || (n->parent != least && known(figure(d, n->parent, r, DMEM_F_MIN)) &&
		       figure(d, n->parent, r, DMEM_F_MIN) >= min))
		return;
	dmem_node_path(least, above, sizeof(above));
	doctor_say(d, PROBLEM, path,
		   "reserve as much for each cgroup above, and not more than the region has",
		   "dmem.min of %s is %s, and %s above reserves only %s, which bounds it", region,
		   doctor_size_beside(min, figure(d, least, r, DMEM_F_MIN)), above,
		   doctor_size_beside(figure(d, least, r, DMEM_F_MIN), min));
}

/* The kernel gives a child at most a share of its parent's reservation. */
static void check_min(struct doctor *d, const struct dmem_node *n, size_t r, const char *path)
{
	const struct dmem_region *g = &d->regions.region[r];
	uint64_t min = figure(d, n, r, DMEM_F_MIN), max = figure(d, n, r, DMEM_F_MAX);
	uint64_t real = figure(d, n, r, DMEM_F_RESERVED);

	if (!known(min) || !min)
		return;
	if (real == DMEM_UNKNOWN && region_is_unreserved(g->name))
		doctor_say(d, PROBLEM, path, UNRESERVED_REMEDY,
			   "dmem.min of %s is %s, but " UNRESERVED,
			   g->name, doctor_size(min));
	else if (known(g->capacity) && min > g->capacity)
		doctor_say(d, PROBLEM, path, "lower it",
			   "dmem.min of %s is %s, but the region has only %s",
			   g->name, doctor_size_beside(min, g->capacity),
			   doctor_size_beside(g->capacity, min));
	else if (known(max) && max < min)
		doctor_say(d, PROBLEM, path, "raise dmem.max, or lower dmem.min",
			   "dmem.min of %s is %s, but dmem.max is only %s", g->name,
			   doctor_size_beside(min, max), doctor_size_beside(max, min));
	else if (known(real) && real < min)
		doctor_say(d, PROBLEM, path, "reserve as much for each cgroup above, and not more than the region has",
			   "dmem.min of %s is %s, but only %s of it are effective", g->name,
			   doctor_size_beside(min, real), doctor_size_beside(real, min));
	else if (real == DMEM_UNKNOWN)
		check_unshown(d, n, r, path, min);
}

/* The largest possible charge of the cgroup and its descendants, as far as it is known: a cgroup
 * without a limit counts with its present charge. */
static uint64_t promised(const struct doctor *d, const struct dmem_node *n, size_t r)
{
	uint64_t max = figure(d, n, r, DMEM_F_MAX), below = 0,
		own = figure(d, n, r, DMEM_F_CURRENT);
	uint64_t all = d->regions.region[r].capacity;

	/* The larger limit above is reported as a finding of its own. */
	if (known(max) && known(all) && max > all)
		max = all;
	for (const struct dmem_node *child = n->child; child; child = child->next)
		below += promised(d, child, r);
	if (!n->child || !below)
		return known(max) ? max : n->parent && known(own) ? own : 0;
	return known(max) && max < below ? max : below;
}

static void check_sum(struct doctor *d, size_t r)
{
	const struct dmem_region *g = &d->regions.region[r];
	uint64_t sum = promised(d, d->tree.root, r);

	if (known(g->capacity) && sum > g->capacity)
		doctor_say(d, NOTE, g->name, "lower some limits, or set dmem.min for the memory "
			   "that must be available",
			   "the limits add up to %s, but the region has only %s: not all of them "
			   "can be used at once",
			   doctor_size_beside(sum, g->capacity),
			   doctor_size_beside(g->capacity, sum));
}

/* Checks the sum of the reservations of the cgroups directly below the root. Each one counts with
 * the region's capacity at most: a larger one has its own finding. */
static void check_min_sum(struct doctor *d, size_t r)
{
	const struct dmem_region *g = &d->regions.region[r];
	size_t reserving = 0;
	uint64_t sum = 0;

	if (!known(g->capacity) || region_is_unreserved(g->name))
		return;
	for (const struct dmem_node *n = d->tree.root->child; n; n = n->next) {
		uint64_t min = figure(d, n, r, DMEM_F_MIN);

		if (!min || min == DMEM_UNKNOWN)
			continue;
		sum += min < g->capacity ? min : g->capacity;
		reserving++;
	}
	if (reserving > 1 && sum > g->capacity)
		doctor_say(d, PROBLEM, g->name,
			   "lower dmem.min of some cgroups directly below the root",
			   "the reservations add up to %s, but the region has only %s: not all of "
			   "them can be met",
			   doctor_size_beside(sum, g->capacity),
			   doctor_size_beside(g->capacity, sum));
}

void doctor_limits(struct doctor *d)
{
	char path[4096];

	for (const struct dmem_node *n = d->tree.root; n; n = dmem_tree_next(n)) {
		if (!n->figure || !n->parent)
			continue;
		dmem_node_path(n, path, sizeof(path));
		for (size_t r = 0; r < d->regions.n; r++) {
			check_max(d, n, r, path);
			check_min(d, n, r, path);
		}
	}
	for (size_t r = 0; r < d->regions.n; r++) {
		check_sum(d, r);
		check_min_sum(d, r);
	}
}
