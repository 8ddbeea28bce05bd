// SPDX-License-Identifier: GPL-2.0-or-later
/* Plans from all parts of a recording but one, for each part. */
#include <errno.h>
#include <stdlib.h>

#include "holdout.h"
#include "needs.h"
#include "num.h"

/* Keys of parts: which one it is, and of which kind. */
static uint64_t part_key(uint64_t which, enum holdout_by by)
{
	return which * HOLDOUT_KINDS + by;
}

static struct holdout_parts *parts_of(const struct holdouts *h, uint32_t region, enum holdout_by by)
{
	return &h->parts[(size_t)region * HOLDOUT_KINDS + by];
}

/* ---- parts ---- */

/* A day may be in several boots. */
static int add_part(struct holdouts *h, uint32_t region, enum holdout_by by, uint64_t which,
		    uint64_t placed)
{
	struct holdout_parts *all = parts_of(h, region, by);
	uint64_t at = dmem_map_get(&h->part_of, region, part_key(which, by));
	struct holdout_part *more;

	if (at) {
		all->part[at - 1].placed = max_u64(all->part[at - 1].placed, placed);
		return 0;
	}
	more = dmem_grow(&h->arena, all->part, all->n, sizeof(*more));
	if (!more)
		return -ENOMEM;
	all->part = more;
	more[all->n++] = (struct holdout_part){ .placed = placed };
	return dmem_map_put(&h->part_of, region, part_key(which, by), all->n);
}

/* NULL: out of memory. */
static struct holdout_unseen *unseen_of(struct holdouts *h, uint32_t service, uint32_t region,
					enum holdout_by by)
{
	uint64_t at = dmem_map_get(&h->unseen_of, service, part_key(region, by));
	struct holdout_unseen *more;

	if (at)
		return &h->unseen[at - 1];
	more = dmem_grow(&h->arena, h->unseen, h->n_unseen, sizeof(*more));
	if (!more || dmem_map_put(&h->unseen_of, service, part_key(region, by), h->n_unseen + 1))
		return NULL;
	h->unseen = more;
	more += h->n_unseen++;
	*more = (struct holdout_unseen){ .region = region, .by = by, .part = SIZE_MAX };
	return more;
}

/* Keeps the largest value, and the largest one of another part. */
static void raise(struct holdout_unseen *u, size_t part, uint64_t v)
{
	if (part == u->part) {
		u->most = max_u64(u->most, v);
	} else if (v > u->most) {
		u->second = u->most;
		u->most = v;
		u->part = part;
	} else {
		u->second = max_u64(u->second, v);
	}
}

/* Adds a peak between samples to the part's sum: of each service, the largest one counts. */
static int add_to_part(struct holdouts *h, struct holdout_part *p, uint64_t unseen, uint64_t part,
		       uint64_t v)
{
	uint64_t before = dmem_map_get(&h->both, unseen, part);

	if (v <= before)
		return 0;
	p->unseen += v - before;
	return dmem_map_put(&h->both, unseen, part, v);
}

static int add_unseen(struct holdouts *h, const struct model_run *run, enum holdout_by by,
		      uint64_t which)
{
	size_t part = (size_t)dmem_map_get(&h->part_of, run->region, part_key(which, by)) - 1;
	struct holdout_unseen *u = unseen_of(h, run->service, run->region, by);
	uint64_t v = run->peak - run->seen;

	if (!u)
		return -ENOMEM;
	/* Without a use in samples, it is no part, but belongs to all plans. */
	raise(u, part, v);
	if (part == SIZE_MAX)
		return 0;
	return add_to_part(h, &parts_of(h, run->region, by)->part[part],
			   (uint64_t)(u - h->unseen), part, v);
}

int holdouts_add(struct holdouts *h, const struct model *m, size_t boot, const struct place *p)
{
	int ret = 0;

	if (!h->parts)
		h->parts = dmem_alloc(&h->arena, (h->n_regions + 1) * HOLDOUT_KINDS *
				      sizeof(*h->parts));
	if (!h->parts)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_regions && !ret; i++) {
		if (p->region[i].together)
			ret = add_part(h, p->region[i].region, HOLDOUT_BOOTS, boot,
				       p->region[i].placed);
	}
	for (size_t i = 0; i < p->n_days && !ret; i++)
		ret = add_part(h, p->day[i].region, HOLDOUT_DAYS, p->day[i].day, p->day[i].placed);
	for (size_t i = 0; i < p->n_runs && !ret; i++) {
		const struct model_run *run = &p->run[i];

		/* Peaks of slices are those of their services. */
		if (run->peak <= run->seen || m->service[run->service].has_children)
			continue;
		ret = add_unseen(h, run, HOLDOUT_BOOTS, boot);
		if (!ret)
			ret = add_unseen(h, run, HOLDOUT_DAYS,
					 model_wall(&m->boot[boot], run->peaked) / PLACE_DAY_MS);
	}
	return ret;
}

void holdouts_sum_up(struct holdouts *h)
{
	for (size_t i = 0; i < h->n_unseen; i++) {
		const struct holdout_unseen *u = &h->unseen[i];

		struct holdout_parts *all = parts_of(h, u->region, u->by);

		all->unseen = needs_sum(all->unseen, u->most);
		if (u->part != SIZE_MAX)
			all->part[u->part].less += u->most - u->second;
	}
}

/* ---- tests ---- */

static int by_placed(const void *a, const void *b)
{
	const struct holdout_part *x = a, *y = b;

	return (x->placed > y->placed) - (x->placed < y->placed);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The quantile of all parts but @out, as in a plan of these. */
static uint64_t placed_without(const struct holdout_parts *all, size_t out, double quantile)
{
	size_t at = needs_quantile_at(all->n - 1, quantile);

	return all->part[at < out ? at : at + 1].placed;
}

/* @over: room for all parts. */
static void test_parts(const struct holdout_parts *all, const struct holdout_options *o,
		       struct holdout *result, uint64_t *over)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct holdout_part *p = &all->part[i];
		uint64_t need = needs_sum(p->placed, p->unseen);
		uint64_t placed = placed_without(all, i, o->quantile);
		uint64_t size = needs_size(needs_sum(placed, all->unseen - p->less), o->headroom,
					   o->block);

		if (size < need) {
			result->too_small++;
			result->short_most = max_u64(result->short_most, need - size);
		} else {
			over[n++] = size - need;
		}
	}
	qsort(over, n, sizeof(*over), by_value);
	result->over_median = n ? over[needs_quantile_at(n, 0.5)] : 0;
}

int holdouts_find(const struct holdouts *h, uint32_t region, const struct holdout_options *o,
		  struct holdout *result)
{
	enum holdout_by by = HOLDOUT_BOOTS;
	struct holdout_parts *all;
	uint64_t *over;

	*result = (struct holdout){ 0 };
	if (!h->parts)
		return 0;
	if (parts_of(h, region, HOLDOUT_BOOTS)->n < CONFIDENCE_PARTS)
		by = HOLDOUT_DAYS;
	all = parts_of(h, region, by);
	result->by = by;
	result->parts = all->n;
	result->tested = all->n >= CONFIDENCE_PARTS;
	if (!result->tested)
		return 0;
	over = malloc(all->n * sizeof(*over));
	if (!over)
		return -ENOMEM;
	qsort(all->part, all->n, sizeof(*all->part), by_placed);
	test_parts(all, o, result, over);
	free(over);
	return 0;
}

void holdouts_free(struct holdouts *h)
{
	dmem_map_free(&h->part_of);
	dmem_map_free(&h->unseen_of);
	dmem_map_free(&h->both);
	dmem_arena_free(&h->arena);
}
