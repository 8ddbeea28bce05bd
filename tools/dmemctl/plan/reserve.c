// SPDX-License-Identifier: GPL-2.0-or-later
/* Calculates the largest reservations with which all recorded use still fits. */
#include <errno.h>
#include <stdlib.h>

#include "needs.h"

/* Reservations are a multiple of this part of the usual use. */
#define PARTS		1024

struct keeper {
	struct needs_region *g;
	uint64_t *has, *lacks;		/* by service, in bytes: in use, and reserved but unused */
	uint64_t sum;			/* sum of @lacks */
	unsigned int parts;
};

struct reserver {
	const struct model *m;
	struct keeper *keeper;		/* by region; @g is NULL if there is no need to try */
	struct dmem_map services;	/* by service and region: its index plus 1 */
};

static uint64_t lack(const struct keeper *k, size_t i, unsigned int parts)
{
	uint64_t keep = (uint64_t)((double)k->g->service[i].usual * parts / PARTS);

	return keep > k->has[i] ? keep - k->has[i] : 0;
}

static uint64_t sum_lacks(struct keeper *k, unsigned int parts, bool set)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < k->g->n; i++) {
		uint64_t v = lack(k, i, parts);

		sum += v;
		if (set)
			k->lacks[i] = v;
	}
	return sum;
}

/* Shrinks the reservations until they fit beside @total bytes in use. */
static void keep_less(struct keeper *k, uint64_t total)
{
	unsigned int low = 0, high = k->parts;

	if (total + k->sum <= k->g->size || !k->parts)
		return;
	while (high - low > 1) {
		unsigned int mid = (low + high) / 2;

		if (total + sum_lacks(k, mid, false) <= k->g->size)
			low = mid;
		else
			high = mid;
	}
	k->parts = low;
	k->sum = sum_lacks(k, low, true);
}

static void set_has(struct keeper *k, size_t i, uint64_t has)
{
	uint64_t v;

	k->has[i] = has;
	v = lack(k, i, k->parts);
	k->sum += v - k->lacks[i];
	k->lacks[i] = v;
}

static void add_area(struct reserver *r, const struct model_area *a)
{
	struct keeper *k = &r->keeper[a->region];

	if (!k->g)
		return;
	for (size_t i = 0; i < a->n_changed; i++) {
		uint64_t at = dmem_map_get(&r->services, a->changed[i]->service, a->region);

		if (at)
			set_has(k, at - 1, a->changed[i]->own);
	}
	keep_less(k, a->total);
}

static int add_boot(struct reserver *r, size_t boot)
{
	struct model_replay replay;
	int ret = model_replay_start(&replay, r->m, boot, MODEL_NONE), end;

	/* At the start of a boot, no service has memory. */
	for (size_t i = 0; i < r->m->n_regions; i++) {
		struct keeper *k = &r->keeper[i];

		for (size_t s = 0; k->g && s < k->g->n; s++)
			k->has[s] = 0;
		if (k->g)
			k->sum = sum_lacks(k, k->parts, true);
	}
	while (!ret && model_replay_next(&replay)) {
		for (size_t i = 0; i < replay.n_active; i++)
			add_area(r, replay.active[i]);
	}
	end = model_replay_end(&replay);
	return ret ? ret : end;
}

/* True if all reservations fit in any case. */
static bool is_easy(const struct needs_region *g)
{
	uint64_t left = g->size - (g->together_most < g->size ? g->together_most : g->size);

	for (size_t i = 0; i < g->n; i++) {
		if (g->service[i].usual > left)
			return false;
		left -= g->service[i].usual;
	}
	return g->together_most <= g->size;
}

static int add_region(struct reserver *r, struct needs_region *g)
{
	struct keeper *k = &r->keeper[g->region - r->m->region];
	int ret = 0;

	k->parts = PARTS;
	if (is_easy(g))
		return 0;
	k->has = calloc(g->n + 1, sizeof(*k->has));
	k->lacks = calloc(g->n + 1, sizeof(*k->lacks));
	if (!k->has || !k->lacks)
		return -ENOMEM;
	k->g = g;
	for (size_t i = 0; i < g->n && !ret; i++)
		ret = dmem_map_put(&r->services, g->service[i].service,
				   (uint64_t)(g->region - r->m->region), i + 1);
	return ret;
}

/* Rounds down to whole buffers: a part of a buffer is of no use. */
static uint64_t whole_buffers(const struct needs_service *s, uint64_t v, uint64_t page)
{
	if (v == s->usual)
		return v;
	return v / (s->buffer ? s->buffer : page) * (s->buffer ? s->buffer : page);
}

static void set_reservations(const struct reserver *r, struct needs_region *g)
{
	const struct keeper *k = &r->keeper[g->region - r->m->region];

	g->reserved = (double)k->parts / PARTS;
	for (size_t i = 0; i < g->n; i++) {
		struct needs_service *s = &g->service[i];
		uint64_t v = (uint64_t)((double)s->usual * k->parts / PARTS);

		v = k->parts == PARTS ? s->usual : whole_buffers(s, v, g->page);
		s->reservation = v < s->limit ? v : s->limit;
	}
}

int needs_reserve(struct needs *n, const struct model *m)
{
	struct reserver r = { .m = m };
	bool any = false;
	int ret = 0;

	r.keeper = calloc(m->n_regions + 1, sizeof(*r.keeper));
	if (!r.keeper)
		return -ENOMEM;
	for (size_t i = 0; i < n->n && !ret; i++) {
		ret = add_region(&r, &n->region[i]);
		any |= r.keeper[n->region[i].region - m->region].g != NULL;
	}
	for (size_t b = 0; any && b < m->n_boots && !ret; b++)
		ret = add_boot(&r, b);
	for (size_t i = 0; i < n->n && !ret; i++)
		set_reservations(&r, &n->region[i]);
	for (size_t i = 0; i < m->n_regions; i++) {
		free(r.keeper[i].has);
		free(r.keeper[i].lacks);
	}
	free(r.keeper);
	dmem_map_free(&r.services);
	return ret;
}
