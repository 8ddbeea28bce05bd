// SPDX-License-Identifier: GPL-2.0
/* The expected state, see torture.h */
#include <stdarg.h>
#include <string.h>

#include "torture.h"

/* Only the first failure is recorded. */
void tt_fail(struct tt_world *w, const char *format, ...)
{
	va_list ap;

	if (atomic_exchange(&w->failed, 1))
		return;
	va_start(ap, format);
	vsnprintf(w->text, sizeof(w->text), format, ap);
	va_end(ap);
}

/* The cgroup that is charged for a process in the slot: the first with dmem. */
int tt_payer(const struct tt_world *w, int worker, int slot, int region)
{
	const struct tt_slot *s = &w->slot[worker][slot];

	while (s->node[region] == RM_NONE)
		s = &w->slot[worker][s->parent];
	return s->node[region];
}

/* The limits at any request bound the peaks. */
void tt_begin_request(struct tt_world *w, int region, int node)
{
	struct tt_region *r = &w->region[region];
	int q;

	for (q = node; q != RM_NONE; q = r->m.node[q].parent) {
		if (r->x[q].bound < r->m.node[q].max)
			r->x[q].bound = r->m.node[q].max;
	}
}

/* Returns the buffer, which has one reference. */
int tt_granted(struct tt_world *w, int region, int node, int pages)
{
	struct tt_region *r = &w->region[region];
	int i, q;

	for (i = 0; i < TT_BUFS - 1 && w->buf[i].refs; i++)
		;
	if (w->buf[i].refs)
		tt_fail(w, "the test has no place for another buffer");
	w->buf[i] = (struct tt_buf) { region, node, pages, 1 };
	r->m.node[node].own += pages;
	/* All of this is in use at this moment. */
	for (q = node; q != RM_NONE; q = r->m.node[q].parent) {
		int usage = rm_usage(&r->m, q);

		if (r->x[q].most < usage)
			r->x[q].most = usage;
	}
	w->granted++;
	return i;
}

void tt_was_refused(struct tt_world *w, int region, int node)
{
	struct tt_region *r = &w->region[region];
	int q;

	r->x[node].refused_local++;
	for (q = node; q != RM_NONE; q = r->m.node[q].parent)
		r->x[q].refused++;
	w->refused++;
}

void tt_get(struct tt_world *w, int buf)
{
	w->buf[buf].refs++;
}

/* Before the reference really goes, so that there is never more here than there. */
void tt_put(struct tt_world *w, int buf)
{
	struct tt_buf *b = &w->buf[buf];

	if (!--b->refs)
		rm_uncharge(&w->region[b->region].m, b->node, b->pages);
}

/* dmem is enabled for the slot, whose parent has it. */
void tt_add_node(struct tt_world *w, struct tt_slot *slot, const struct tt_slot *parent,
		 int slice)
{
	int i;

	for (i = 0; i < w->regions; i++) {
		struct tt_region *r = &w->region[i];
		int node = rm_create(&r->m, parent ? parent->node[i] : r->slice[slice]);

		slot->node[i] = node;
		memset(&r->x[node], 0, sizeof(r->x[node]));
	}
}

/* Its files are gone, its charges are not. */
void tt_remove_node(struct tt_world *w, struct tt_slot *slot)
{
	int i;

	for (i = 0; i < w->regions; i++) {
		if (slot->node[i] != RM_NONE)
			rm_remove(&w->region[i].m, slot->node[i]);
		slot->node[i] = RM_NONE;
	}
}

bool tt_nodes_left(const struct tt_world *w, int n)
{
	int i, j, left;

	for (i = 0; i < w->regions; i++) {
		for (j = 0, left = 0; j < RM_NODES; j++)
			left += !w->region[i].m.node[j].used;
		if (left < n)
			return false;
	}
	return true;
}

/* Of a slice, or of all in the last place */
static int node_of(const struct tt_region *r, int slice)
{
	return slice < TT_SLICES ? r->slice[slice] : r->test;
}

/*
 * The usage never exceeds the limit, or the usage at the time when the limit was lowered.
 * A higher limit counts before its write, a lower one only when no worker is running.
 */
void tt_raise_now(struct tt_world *w, int region, int slice, int max)
{
	struct tt_region *r = &w->region[region];

	if (r->now[slice] < max)
		r->now[slice] = max;
}

void tt_tighten(struct tt_world *w)
{
	int i, s;

	for (i = 0; i < w->regions; i++) {
		struct tt_region *r = &w->region[i];

		for (s = 0; s <= TT_SLICES; s++) {
			int usage = rm_usage(&r->m, node_of(r, s));
			int max = r->m.node[node_of(r, s)].max;

			r->now[s] = usage > max ? usage : max;
		}
	}
}

/* True if drivers have other memory than the region's for requests it has no room for. */
bool tt_has_fallback(const struct tt_world *w, int region)
{
	return region == w->dma_region || region == w->camera_region ||
	       region == w->display_region;
}

/* Samples the sum of the workers' granted requests. */
bool tt_sample(struct tt_world *w)
{
	int i, s;

	for (i = 0; i < w->regions; i++) {
		struct tt_region *r = &w->region[i];

		for (s = 0; s <= TT_SLICES; s++) {
			int usage = rm_usage(&r->m, node_of(r, s));

			if (usage <= r->now[s])
				continue;
			tt_fail(w, "%d pages of %s in %s, where %d are allowed", usage, r->name,
				s < TT_SLICES ? w->slice[s] : w->t->cg, r->now[s]);
			return false;
		}
	}
	w->samples++;
	return true;
}
