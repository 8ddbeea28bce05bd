// SPDX-License-Identifier: GPL-2.0-or-later
/* One boot and region again, from look to look. */
#include <errno.h>
#include <stdlib.h>

#include "model.h"

/* A recorder says that nothing has changed at least once a minute: nobody has looked
 * where there is nothing for longer. */
#define SILENCE_MS	60000

int model_replay_start(struct model_replay *r, const struct model *m, size_t boot, size_t region)
{
	*r = (struct model_replay){
		.m = m, .boot = &m->boot[boot], .region = (uint16_t)region, .root = DMEM_UNKNOWN,
		.to = m->boot[boot].event,
	};
	r->own = calloc(MODEL_TAKERS(m), sizeof(*r->own));
	r->current = calloc(MODEL_TAKERS(m), sizeof(*r->current));
	r->below = calloc(MODEL_TAKERS(m), sizeof(*r->below));
	return r->own && r->current && r->below ? 0 : -ENOMEM;
}

void model_replay_end(struct model_replay *r)
{
	free(r->own);
	free(r->current);
	free(r->below);
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void sum_up(struct model_replay *r)
{
	const struct model *m = r->m;
	uint64_t top = 0;

	for (size_t i = 0; i < m->n_services; i++)
		r->below[i] = 0;
	for (size_t i = 0; i < m->n_services; i++) {
		uint32_t s = m->deepest[i], p = m->service[s].parent;
		uint64_t all = r->current[s];

		/* Figures are not all of one moment, and of one above perhaps not recorded. */
		if (all < r->below[s])
			all = r->below[s];
		r->own[s] = all - r->below[s];
		*(p == MODEL_NONE ? &top : &r->below[p]) += all;
	}
	r->own[MODEL_OTHERS(m)] = r->root == DMEM_UNKNOWN ? 0 : less(r->root, top);
	r->own[MODEL_KERNEL(m)] = r->unaccounted;
	r->total = 0;
	for (size_t i = 0; i < MODEL_TAKERS(m); i++)
		r->total += r->own[i];
}

bool model_replay_next(struct model_replay *r)
{
	const struct model_event *end = r->boot->event + r->boot->n;
	bool gap = false;

	r->from = r->to;
	if (r->from == end)
		return false;
	r->t = r->from->t;
	for (; r->to < end && r->to->t == r->t; r->to++) {
		const struct model_event *e = r->to;

		gap |= e->kind == MODEL_GAP;
		if (e->kind == MODEL_LOOK)
			gap = false;
		if (e->region != r->region)
			continue;
		if (e->kind == MODEL_USE)
			r->current[e->service] = e->v;
		else if (e->kind == MODEL_ROOT)
			r->root = e->v;
		else if (e->kind == MODEL_UNACCOUNTED)
			r->unaccounted = e->v;
	}
	r->dt = 0;
	if (!gap && r->to < end) {
		uint64_t most = SILENCE_MS + 2 * r->boot->interval;

		r->dt = r->to->t - r->t;
		if (r->dt > most)
			r->dt = r->boot->interval;
	}
	sum_up(r);
	return true;
}
