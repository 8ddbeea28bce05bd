// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the needs of each machine, and the machines that differ from the others. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fleet.h"
#include "num.h"
#include "place.h"

/* With fewer machines, none is an outlier. */
#define ENOUGH	5

/* NULL: out of memory. */
static struct fleet_group *find_group(struct fleet *f, const char *region, const char *model)
{
	struct fleet_group *more;

	if (f->by != FLEET_MODEL)
		model = NULL;
	for (size_t i = 0; i < f->n; i++) {
		if (f->group[i].region == region && same_fact(f->group[i].model, model))
			return &f->group[i];
	}
	more = dmem_grow(&f->arena, f->group, f->n, sizeof(*more));
	if (!more)
		return NULL;
	f->group = more;
	more += f->n++;
	*more = (struct fleet_group){
		.region = region, .model = model, .least = DMEM_UNKNOWN, .most = DMEM_UNKNOWN,
	};
	return more;
}

static void add_capacity(uint64_t *least, uint64_t *most, uint64_t capacity)
{
	if (capacity == DMEM_UNKNOWN)
		return;
	*least = *least == DMEM_UNKNOWN ? capacity : min_u64(*least, capacity);
	*most = *most == DMEM_UNKNOWN ? capacity : max_u64(*most, capacity);
}

/* Sums the peaks of services between samples, as in the plan of that boot alone. 0 or -ENOMEM. */
static int find_unseen(const struct place *p, const struct model *m, uint32_t region, uint64_t *sum)
{
	struct dmem_map most = { 0 };
	int ret = 0;

	*sum = 0;
	for (size_t i = 0; i < p->n_runs && !ret; i++) {
		const struct model_run *run = &p->run[i];
		uint64_t unseen = run->peak - run->seen, before;

		if (run->region != region || m->service[run->service].has_children)
			continue;
		before = dmem_map_get(&most, run->service, 0);
		if (unseen <= before)
			continue;
		*sum += unseen - before;
		ret = dmem_map_put(&most, run->service, 0, unseen);
	}
	dmem_map_free(&most);
	return ret;
}

static int add_region(struct fleet *f, const struct model *m, size_t boot, size_t machine,
		      const struct place *p, const struct place_region *r)
{
	const struct model_boot *b = &m->boot[boot];
	const char *region = m->region[r->region].name;
	struct fleet_group *g;
	struct fleet_need *n;
	uint64_t need, unseen;
	size_t i = 0;

	if (!r->together)
		return 0;
	g = find_group(f, region, f->machines.machine[machine].model);
	if (!g || find_unseen(p, m, r->region, &unseen))
		return -ENOMEM;
	need = r->placed + unseen;
	while (i < g->n && g->need[i].machine != machine)
		i++;
	if (i == g->n) {
		n = dmem_grow(&f->arena, g->need, g->n, sizeof(*n));
		if (!n)
			return -ENOMEM;
		g->need = n;
		n[g->n++] = (struct fleet_need){
			.machine = machine, .least = DMEM_UNKNOWN, .most = DMEM_UNKNOWN,
		};
	}
	n = &g->need[i];
	n->boots++;
	add_capacity(&n->least, &n->most, r->capacity);
	add_capacity(&g->least, &g->most, r->capacity);
	if (need <= n->need)
		return 0;
	n->need = need;
	n->boot = boot;
	n->when = model_wall(b, place_is_cma(region) ? r->decided : r->time);
	return 0;
}

static int add_boot(struct fleet *f, const struct model *m, size_t boot,
		    const struct needs_options *o)
{
	int64_t machine = machines_find(&f->machines, m, &m->boot[boot]);
	struct place p;
	int ret;

	if (machine < 0)
		return (int)machine;
	ret = place_boot(&p, m, boot, &(struct place_options){ .align_order = o->align_order });
	for (size_t i = 0; i < p.n_regions && !ret; i++)
		ret = add_region(f, m, boot, (size_t)machine, &p, &p.region[i]);
	place_free(&p);
	return ret;
}

static int by_need(const void *a, const void *b)
{
	const struct fleet_need *x = a, *y = b;

	if (x->need != y->need)
		return x->need < y->need ? -1 : 1;
	return (x->machine > y->machine) - (x->machine < y->machine);
}

static int by_region(const void *a, const void *b)
{
	const struct fleet_group *x = a, *y = b;
	int order = strcmp(x->region, y->region);

	return order ? order : strcmp(x->model ? x->model : "", y->model ? y->model : "");
}

/* The smallest need that is not less than the part @q of all. */
static uint64_t need_at(const struct fleet_group *g, double q)
{
	size_t at = (size_t)ceil(q * (double)g->n);

	return g->need[at ? at - 1 : 0].need;
}

/* Outside of Tukey's fences, and by more than a tenth from the median: machines that are nearly
 * alike have fences close to each other. */
static void find_outliers(struct fleet_group *g)
{
	double low = (double)need_at(g, 0.25), high = (double)need_at(g, 0.75);
	double more = 1.5 * (high - low);

	for (size_t i = 0; i < g->n && g->n >= ENOUGH; i++) {
		double need = (double)g->need[i].need, median = (double)g->p50;

		g->need[i].outlier = (need > high + more && need > 1.1 * median) ||
				     (need < low - more && need < 0.9 * median);
		g->outliers += g->need[i].outlier;
	}
}

int fleet_find(struct fleet *f, const struct model *m, const struct needs_options *o,
	       enum fleet_by by)
{
	int ret = 0;

	*f = (struct fleet){ .by = by };
	for (size_t i = 0; i < m->n_boots && !ret; i++)
		ret = add_boot(f, m, i, o);
	for (size_t i = 0; i < f->n && !ret; i++) {
		struct fleet_group *g = &f->group[i];

		qsort(g->need, g->n, sizeof(*g->need), by_need);
		g->min = g->need[0].need;
		g->p50 = need_at(g, 0.5);
		g->p95 = need_at(g, 0.95);
		g->max = g->need[g->n - 1].need;
		find_outliers(g);
	}
	if (f->n)
		qsort(f->group, f->n, sizeof(*f->group), by_region);
	return ret;
}

void fleet_free(struct fleet *f)
{
	machines_free(&f->machines);
	dmem_arena_free(&f->arena);
}
