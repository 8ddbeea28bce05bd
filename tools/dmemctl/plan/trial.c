// SPDX-License-Identifier: GPL-2.0-or-later
/* Sums up the refused requests of all boots. */
#include <errno.h>
#include <stdlib.h>

#include "num.h"
#include "trial.h"

/* NULL: out of memory. */
static struct trial_entry *find_entry(struct trials *t, const struct place_refused *r)
{
	uint64_t key = (uint64_t)r->region << 1 | r->order;
	uint64_t v = dmem_map_get(&t->entries, r->service, key);
	struct trial_entry *more;

	if (v)
		return &t->entry[v - 1];
	more = dmem_grow(&t->arena, t->entry, t->n, sizeof(*more));
	if (!more || dmem_map_put(&t->entries, r->service, key, t->n + 1))
		return NULL;
	t->entry = more;
	more += t->n++;
	*more = (struct trial_entry){
		.s = { .service = r->service, .time = UINT64_MAX }, .region = r->region,
		.order = r->order,
	};
	return more;
}

int trials_add(struct trials *t, const struct model_boot *boot, const struct place *p)
{
	for (size_t i = 0; i < p->n_refused; i++) {
		const struct place_refused *r = &p->refused[i];
		struct trial_entry *e = find_entry(t, r);
		uint64_t time = model_wall(boot, r->t);

		if (!e)
			return -ENOMEM;
		e->s.refused += r->n;
		if (time >= e->s.time)
			continue;
		e->s.time = time;
		e->s.asked = r->asked;
		e->s.run = r->run;
		e->s.free = r->free;
	}
	return 0;
}

static int by_refused(const void *a, const void *b)
{
	const struct trial_service *x = a, *y = b;

	if (x->refused != y->refused)
		return x->refused > y->refused ? -1 : 1;
	return (x->service > y->service) - (x->service < y->service);
}

int trials_find(const struct trials *t, struct dmem_arena *a, uint32_t region, struct trial *trial)
{
	uint64_t sum[2] = { 0 };
	unsigned int order;

	for (size_t i = 0; i < t->n; i++) {
		if (t->entry[i].region == region)
			sum[t->entry[i].order] += t->entry[i].s.refused;
	}
	order = sum[1] > sum[0];
	trial->refused = sum[order];
	trial->refused_least = min_u64(sum[0], sum[1]);
	for (size_t i = 0; i < t->n; i++) {
		struct trial_service *more;

		if (t->entry[i].region != region || t->entry[i].order != order)
			continue;
		more = dmem_grow(a, trial->service, trial->n, sizeof(*more));
		if (!more)
			return -ENOMEM;
		trial->service = more;
		more[trial->n++] = t->entry[i].s;
	}
	if (trial->n)
		qsort(trial->service, trial->n, sizeof(*trial->service), by_refused);
	return 0;
}

void trials_free(struct trials *t)
{
	dmem_map_free(&t->entries);
	dmem_arena_free(&t->arena);
}
