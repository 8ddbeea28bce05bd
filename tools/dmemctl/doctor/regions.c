// SPDX-License-Identifier: GPL-2.0-or-later
/* Fragmented regions, and memory charged to removed cgroups. */
#include <errno.h>
#include <string.h>

#include "doctor.h"

/* Requests of devices are larger than this: a smaller free block is useless to them. */
#define SMALL	(1 << 20)

static void check_pieces(struct doctor *d, const struct dmem_region *g)
{
	if (g->available == DMEM_UNKNOWN || g->largest == DMEM_UNKNOWN || g->available < SMALL)
		return;
	if (g->largest < g->available / 2)
		doctor_say(d, NOTE, g->name, "restart the processes that hold small buffers in between, see lsdmem --buffers",
			   "%s are free, in pieces of %s at most", doctor_size(g->available),
			   doctor_size(g->largest));
}

static bool has_limit(const struct doctor *d, size_t r)
{
	for (const struct dmem_node *n = d->tree.root; n; n = dmem_tree_next(n)) {
		uint64_t max = dmem_tree_figure(&d->tree, n, r, DMEM_F_MAX);

		if (max != DMEM_UNKNOWN && max != DMEM_NO_LIMIT)
			return true;
	}
	return false;
}

/* Reports two regions of one name: the kernel applies limits to the first one. */
static void check_twice(struct doctor *d, const struct dmem_region *g)
{
	char second[DMEM_REGION_LEN + 16];
	const struct dmem_region *twin;

	twin = dmem_regions_find(&d->regions,
				 dmem_region_numbered(second, sizeof(second), g->name, 2));
	if (!twin)
		return;
	doctor_say(d, has_limit(d, (size_t)(g - d->regions.region)) ? PROBLEM : NOTE, g->name,
		   DOCTOR_OLD_DEVICE,
		   "dmem.capacity has two regions of this name: limits apply to one of them only, "
		   "and %s is charged without a limit in the other", doctor_size(twin->current));
}

static bool is_there(const struct doctor *d, uint64_t id)
{
	for (const struct dmem_node *n = d->tree.root; n; n = dmem_tree_next(n)) {
		if (n->id == id)
			return true;
	}
	return false;
}

static const char *holders(struct doctor *d, const struct dmem_buffer *b)
{
	const char *text = "";

	for (size_t i = 0; i < b->n_holders && text; i++)
		text = dmem_printf(d->arena, "%s%s%s (pid %d)", text, *text ? ", " : "",
				   b->holder[i].comm, b->holder[i].pid);
	return text;
}

/* Reports the buffers of removed cgroups. */
static void name_buffers(struct doctor *d)
{
	struct dmem_buffers b;

	if (dmem_buffers_read(&d->sys, d->arena, NULL, NULL, &b)) {
		d->err = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < b.n; i++) {
		const char *who;

		if (b.buffer[i].cgroup == DMEM_UNKNOWN || is_there(d, b.buffer[i].cgroup))
			continue;
		who = holders(d, &b.buffer[i]);
		if (!who) {
			d->err = -ENOMEM;
			return;
		}
		doctor_say(d, NOTE, b.buffer[i].region ? b.buffer[i].region : "?",
			   *who ? "end or restart these processes" :
			   "a driver holds it: see the attached devices in "
			   "/sys/kernel/debug/dma_buf/bufinfo",
			   "a buffer of %s, whose cgroup was removed, is held by %s",
			   doctor_size(b.buffer[i].size), *who ? who : "the kernel only");
	}
}

/* True if the root is charged more than all existing cgroups together. The figures are not read at
 * the same moment, so this is only a reason to search the buffers. */
static bool is_unexplained(const struct doctor *d, size_t r)
{
	const struct dmem_node *root = d->tree.root;
	uint64_t all = dmem_tree_figure(&d->tree, root, r, DMEM_F_CURRENT);
	uint64_t local = dmem_tree_figure(&d->tree, root, r, DMEM_F_LOCAL), below = 0;

	for (const struct dmem_node *c = root->child; c; c = c->next) {
		uint64_t v = dmem_tree_figure(&d->tree, c, r, DMEM_F_CURRENT);

		below += v == DMEM_UNKNOWN ? 0 : v;
	}
	return all != DMEM_UNKNOWN && local != DMEM_UNKNOWN && all > local && all - local > below;
}

void doctor_regions(struct doctor *d)
{
	bool any = false;

	for (size_t r = 0; r < d->regions.n; r++) {
		uint64_t dying = dmem_tree_figure(&d->tree, d->tree.root, r, DMEM_F_DYING);

		check_pieces(d, &d->regions.region[r]);
		check_twice(d, &d->regions.region[r]);
		any = any || is_unexplained(d, r);
		if (!dying || dying == DMEM_UNKNOWN)
			continue;
		any = true;
		doctor_say(d, PROBLEM, d->regions.region[r].name,
			   "end the processes that hold the memory, see lsdmem --buffers",
			   "%s are charged to removed cgroups", doctor_size(dying));
	}
	if (any)
		name_buffers(d);
}
