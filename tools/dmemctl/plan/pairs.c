// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds pairs and sets of services that were up together, and whether they fit into the region. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "firstfit.h"
#include "num.h"
#include "pairs.h"

/* The largest charge of a service in a boot with records of buffers: no other from step @first to
 * step @last. */
struct peak {
	uint64_t own;
	size_t boot;
	uint64_t first, last;
	bool open;			/* the charge has not changed since @first */
};

/* A set of services in the current boot. */
struct together {
	const struct needs_conflict *c;
	uint32_t *part;			/* of each service: its part plus 1, or 0 */
	size_t *up;			/* for each part: services that are up */
	size_t missing;			/* parts with too few of them */
	uint64_t since;
};

/* One region. Arrays have an element for each service. */
struct area {
	struct needs_region *g;
	struct pairs_region *p;
	uint64_t *own, *since;
	size_t *at;			/* place in @up plus 1, or 0 */
	size_t *up;			/* services with pairs that are up */
	size_t *risen;			/* services with larger charges than in the last sample */
	size_t n_up, n_risen;
	uint32_t *group;		/* number of its group plus 1, or 0 */
	size_t *group_up;		/* for each group: services that are up */
	struct peak *peak;
	uint64_t *known;		/* bytes of its buffers, in the boot with its peak */
	struct together set[NEEDS_CONFLICTS];
};

/* A buffer of a service whose peak is in the current boot. */
struct live {
	uint64_t ino, size, order;
	uint32_t region;
	size_t service;
};

struct finder {
	const struct model *m;
	const struct needs_options *o;
	struct dmem_arena arena;
	struct dmem_map index;		/* by service and region: index of the service plus 1 */
	struct area **area;		/* by region of the model */
	struct model_replay r;
	size_t boot;
	uint64_t clock;			/* ms recorded so far */
	uint64_t step;			/* samples of this boot so far */
	struct dmem_map lives;		/* by inode number and region: index plus 1 */
	struct live *live;
	size_t n_live, live_room;
	uint64_t order;
};

struct pairs_pair *pairs_of(const struct pairs_region *p, size_t a, size_t b)
{
	size_t low = a < b ? a : b, high = a < b ? b : a;

	return &p->pair[high * (high - 1) / 2 + low];
}

uint64_t pairs_peaks(const struct needs_region *g, size_t a, size_t b)
{
	return needs_sum(g->service[a].peak, g->service[b].peak);
}

bool pairs_fit(const struct needs_region *g, uint64_t bytes)
{
	return needs_sum(bytes, g->unaccounted) <= g->pairs->size;
}

uint64_t pairs_rest(const struct needs_region *g, size_t service)
{
	uint64_t known = g->pairs->service[service].known;

	return g->service[service].peak - min_u64(known, g->service[service].peak);
}

/* ---- time ---- */

/* A service of a set starts (@more) or stops. */
static void count_set(const struct finder *f, struct together *t, struct pairs_set *s, size_t i,
		      bool more)
{
	size_t part = t->part[i], count;

	if (!part--)
		return;
	count = t->c->part[part].count;
	if (more && ++t->up[part] == count && !--t->missing)
		t->since = f->clock;
	if (!more && t->up[part]-- == count && !t->missing++)
		s->time += f->clock - t->since;
}

static void count_sets(const struct finder *f, struct area *a, size_t i, bool more)
{
	uint32_t group = a->group[i];

	if (group)
		a->group_up[group - 1] += more ? 1 : SIZE_MAX;
	for (size_t k = 0; k < a->p->sets.n; k++)
		count_set(f, &a->set[k], &a->p->set[k], i, more);
}

static void start_service(const struct finder *f, struct area *a, size_t i)
{
	a->since[i] = f->clock;
	count_sets(f, a, i, true);
	if (i >= a->p->n)
		return;
	a->up[a->n_up++] = i;
	a->at[i] = a->n_up;
}

/* Each pair with another service that is up ends. */
static void stop_service(const struct finder *f, struct area *a, size_t i)
{
	size_t last;

	count_sets(f, a, i, false);
	if (i >= a->p->n)
		return;
	last = a->up[--a->n_up];
	a->up[a->at[i] - 1] = last;
	a->at[last] = a->at[i];
	a->at[i] = 0;
	a->p->service[i].time += f->clock - a->since[i];
	for (size_t k = 0; k < a->n_up; k++) {
		uint64_t since = max_u64(a->since[i], a->since[a->up[k]]);

		pairs_of(a->p, i, a->up[k])->time += f->clock - since;
	}
}

/* The service's charge has risen: only pairs with it can have more than before. */
static void note_most(const struct finder *f, struct area *a, size_t i)
{
	for (size_t k = 0; k < a->n_up; k++) {
		struct pairs_pair *pair;
		uint64_t sum;

		if (a->up[k] == i)
			continue;
		pair = pairs_of(a->p, i, a->up[k]);
		sum = a->own[i] + a->own[a->up[k]];
		if (sum <= pair->most)
			continue;
		pair->most = sum;
		pair->when = f->r.t;
		pair->boot = f->boot;
	}
}

static void note_peak(const struct finder *f, struct area *a, size_t i, uint64_t own)
{
	struct peak *p = &a->peak[i];

	if (p->open)
		p->last = f->step - 1;
	p->open = f->r.boot->buffers && own > p->own;
	if (p->open)
		*p = (struct peak){ own, f->boot, f->step, f->step, true };
}

static void set_own(const struct finder *f, struct area *a, size_t i, uint64_t own)
{
	uint64_t before = a->own[i];

	if (own == before)
		return;
	note_peak(f, a, i, own);
	a->own[i] = own;
	if (!before)
		start_service(f, a, i);
	if (!own)
		stop_service(f, a, i);
	if (own > before)
		a->risen[a->n_risen++] = i;
}

/* Sums, sets and groups are those of the whole sample: a service that stops is not up together with
 * one that starts. */
static void add_to_area(struct finder *f, struct area *a, const struct model_area *now)
{
	a->n_risen = 0;
	for (size_t k = 0; k < now->n_changed; k++) {
		const struct model_consumer *c = now->changed[k];
		uint64_t v = dmem_map_get(&f->index, c->service, c->region);

		if (v)
			set_own(f, a, v - 1, c->own);
	}
	for (size_t k = 0; k < a->n_risen; k++) {
		if (a->risen[k] < a->p->n)
			note_most(f, a, a->risen[k]);
	}
	for (size_t k = 0; k < a->p->sets.n && a->n_risen; k++)
		a->p->set[k].seen |= !a->set[k].missing;
	for (size_t k = 0; k < a->p->n_groups && a->n_risen; k++)
		a->p->group[k].most = max_u64(a->p->group[k].most, a->group_up[k]);
}

static void end_boot(struct finder *f, struct area *a)
{
	for (size_t i = 0; i < a->g->n; i++) {
		if (a->own[i])
			stop_service(f, a, i);
		if (a->peak[i].open)
			a->peak[i].last = f->step;
		a->peak[i].open = false;
		a->own[i] = 0;
	}
}

static int add_boot(struct finder *f)
{
	int ret = model_replay_start(&f->r, f->m, f->boot, MODEL_NONE), end;

	f->step = 0;
	while (!ret && model_replay_next(&f->r)) {
		f->step++;
		for (size_t i = 0; i < f->r.n_active; i++) {
			struct area *a = f->area[f->r.active[i]->region];

			if (a)
				add_to_area(f, a, f->r.active[i]);
		}
		f->clock += f->r.dt;
	}
	end = model_replay_end(&f->r);
	for (size_t i = 0; i < f->m->n_regions; i++) {
		if (f->area[i])
			end_boot(f, f->area[i]);
	}
	return ret ? ret : end;
}

/* ---- buffers at the peaks ---- */

/* The service's peak, if it is in the current boot; else NULL. */
static struct peak *peak_now(const struct finder *f, uint32_t service, uint32_t region, size_t *i)
{
	uint64_t v = dmem_map_get(&f->index, service, region);
	struct area *a = v ? f->area[region] : NULL;

	if (!a || !a->g->cma || v > a->p->n || !a->peak[v - 1].own || a->peak[v - 1].boot != f->boot)
		return NULL;
	*i = v - 1;
	return &a->peak[v - 1];
}

static int by_order(const void *a, const void *b)
{
	const struct live *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

/* Takes the buffers that the service has now. */
static int take_buffers(struct finder *f, uint32_t region, size_t i)
{
	struct pairs_service *s = &f->area[region]->p->service[i];
	struct live *mine = malloc((f->n_live + 1) * sizeof(*mine));
	uint64_t *buffer = malloc((f->n_live + 1) * sizeof(*buffer));
	size_t n = 0;

	if (!mine || !buffer) {
		free(mine);
		free(buffer);
		return -ENOMEM;
	}
	for (size_t k = 0; k < f->n_live; k++) {
		if (f->live[k].region == region && f->live[k].service == i)
			mine[n++] = f->live[k];
	}
	qsort(mine, n, sizeof(*mine), by_order);
	s->known = 0;
	for (size_t k = 0; k < n; k++) {
		buffer[k] = mine[k].size;
		s->known += mine[k].size;
	}
	free(mine);
	free(s->buffer);
	s->buffer = buffer;
	s->n_buffers = n;
	return 0;
}

static int drop_live(struct finder *f, uint64_t ino, uint32_t region)
{
	uint64_t v = dmem_map_take(&f->lives, ino, region);
	struct live *last;

	if (!v)
		return 0;
	last = &f->live[--f->n_live];
	f->area[region]->known[f->live[v - 1].service] -= f->live[v - 1].size;
	if (v - 1 == f->n_live)
		return 0;
	f->live[v - 1] = *last;
	return dmem_map_put(&f->lives, last->ino, last->region, v);
}

static int add_live(struct finder *f, const struct model_event *e, size_t i, uint64_t order)
{
	struct live *more = dmem_room(f->live, f->n_live, &f->live_room, sizeof(*more));

	if (!more)
		return -ENOMEM;
	f->live = more;
	more[f->n_live++] = (struct live){ e->ino, e->v, order, e->region, i };
	f->area[e->region]->known[i] += e->v;
	return dmem_map_put(&f->lives, e->ino, e->region, f->n_live);
}

static int follow(struct finder *f, const struct model_event *e)
{
	uint64_t v = dmem_map_get(&f->lives, e->ino, e->region);
	uint64_t order = v ? f->live[v - 1].order : f->order++;
	size_t i;
	int ret;

	if (e->kind == MODEL_REFUSED || !e->v || (v && e->kind == MODEL_BUFFER))
		return 0;
	ret = drop_live(f, e->ino, e->region);
	if (ret || e->kind == MODEL_FREED || !peak_now(f, e->service, e->region, &i))
		return ret;
	return add_live(f, e, i, order);
}

/* Counters and buffers are not read at the same moment: of the samples with the peak, the one with
 * most of its buffers counts, and none with more than the charge. */
static int look_at(struct finder *f, uint32_t service, uint32_t region)
{
	const struct peak *p;
	struct area *a;
	size_t i;

	p = peak_now(f, service, region, &i);
	if (!p || f->step < p->first || f->step > p->last)
		return 0;
	a = f->area[region];
	if (a->known[i] <= a->p->service[i].known || a->known[i] > p->own)
		return 0;
	return take_buffers(f, region, i);
}

static int follow_sample(struct finder *f)
{
	int ret = 0;

	f->step++;
	for (const struct model_event *e = f->r.from; e < f->r.to && !ret; e++)
		ret = follow(f, e);
	for (const struct model_event *e = f->r.from; e < f->r.to && !ret; e++) {
		ret = look_at(f, e->service, e->region);
		if (!ret)
			ret = look_at(f, e->was, e->region);
	}
	for (size_t i = 0; i < f->r.n_active && !ret; i++) {
		const struct model_area *now = f->r.active[i];

		for (size_t k = 0; k < now->n_changed && !ret; k++)
			ret = look_at(f, now->changed[k]->service, now->region);
	}
	return ret;
}

/* True if a service of an area had its peak in the current boot. */
static bool has_peak(const struct finder *f)
{
	bool any = false;

	for (size_t r = 0; r < f->m->n_regions && !any; r++) {
		const struct area *a = f->area[r];

		for (size_t i = 0; a && a->g->cma && i < a->p->n && !any; i++)
			any = a->peak[i].own && a->peak[i].boot == f->boot;
	}
	return any;
}

/* Reads the boot again: the moments of the peaks are known only at its end. */
static int find_buffers(struct finder *f)
{
	int ret, end;

	if (!f->m->boot[f->boot].buffers || !has_peak(f))
		return 0;
	f->step = f->n_live = 0;
	dmem_map_free(&f->lives);
	ret = model_replay_start(&f->r, f->m, f->boot, MODEL_NONE);
	while (!ret && model_replay_next(&f->r))
		ret = follow_sample(f);
	end = model_replay_end(&f->r);
	return ret ? ret : end;
}

/* ---- places ---- */

static int put_bytes(struct firstfit *f, const struct needs_region *g, uint64_t bytes)
{
	uint64_t pages = bytes / g->page + (bytes % g->page != 0);

	return pages ? firstfit_alloc(f, 0, f->n + 1, pages) : 0;
}

static int put_service(struct firstfit *f, const struct needs_region *g, size_t i)
{
	const struct pairs_service *s = &g->pairs->service[i];
	int ret = 0;

	for (size_t k = 0; k < s->n_buffers && !ret; k++)
		ret = put_bytes(f, g, s->buffer[k]);
	return ret ? ret : put_bytes(f, g, pairs_rest(g, i));
}

/* The end of the highest buffer, in bytes. */
static uint64_t end_of(const struct firstfit *f, const struct needs_region *g)
{
	return f->high > (DMEM_UNKNOWN - 1) / g->page ? DMEM_UNKNOWN - 1 : f->high * g->page;
}

/* Places the services number @from, @from + @by, and so on, up to @to. Raises *@end. */
static int place_in_order(const struct finder *f, const struct needs_region *g, size_t from,
			  size_t to, size_t by, uint64_t *end)
{
	struct firstfit fit = { .align_order = f->o->align_order };
	int ret = put_bytes(&fit, g, g->unaccounted);

	for (size_t i = from; !ret; i += by) {
		ret = put_service(&fit, g, i);
		if (i == to)
			break;
	}
	*end = max_u64(*end, end_of(&fit, g));
	firstfit_end(&fit);
	return ret;
}

/* The two, or with @step 1 all between them, in both orders. */
static int place_both_ways(const struct finder *f, const struct needs_region *g, size_t a, size_t b,
			   size_t step, uint64_t *end)
{
	int ret;

	*end = 0;
	ret = place_in_order(f, g, a, b, step, end);
	return ret ? ret : place_in_order(f, g, b, a, 0 - step, end);
}

static int place_pair(const struct finder *f, const struct needs_region *g, size_t a, size_t b)
{
	const struct pairs_service *s = g->pairs->service;
	struct pairs_pair *pair = pairs_of(g->pairs, a, b);
	size_t like_a = s[a].alike, like_b = s[b].alike;

	/* The first pair of such services has its place already. Two of one kind: the first two. */
	if (like_a == like_b)
		like_b++;
	if (like_a != a || like_b != b) {
		pair->placed = pairs_of(g->pairs, like_a, like_b)->placed;
		return 0;
	}
	if (!s[a].n_buffers || !s[b].n_buffers)
		return 0;
	return place_both_ways(f, g, a, b, b - a, &pair->placed);
}

/* All services: the largest first, and the smallest first. */
static int place_all(const struct finder *f, const struct needs_region *g)
{
	struct pairs_region *p = g->pairs;

	for (size_t i = 0; i < p->n; i++) {
		if (!p->service[i].n_buffers)
			return 0;
	}
	return p->left_out || !g->cma ? 0 : place_both_ways(f, g, 0, p->n - 1, 1, &p->placed);
}

/* Places services of a group, all with the same buffers, until one ends behind the region. */
static int place_group(const struct finder *f, const struct needs_region *g, struct pairs_group *k)
{
	struct firstfit fit = { .align_order = f->o->align_order };
	const struct pairs_service *s = g->pairs->service;
	int ret;

	if (!g->cma || k->first + k->n > g->pairs->n || !s[k->first].n_buffers ||
	    s[k->first + k->n - 1].alike != k->first)
		return 0;
	ret = put_bytes(&fit, g, g->unaccounted);
	for (k->placed = 0; k->placed < k->n && !ret; k->placed++) {
		ret = put_service(&fit, g, k->first + k->placed);
		if (end_of(&fit, g) > g->pairs->size)
			break;
	}
	firstfit_end(&fit);
	return ret;
}

static bool same_buffers(const struct needs_region *g, size_t a, size_t b)
{
	const struct pairs_service *x = &g->pairs->service[a], *y = &g->pairs->service[b];

	return g->service[a].peak == g->service[b].peak && x->n_buffers == y->n_buffers &&
	       (!x->n_buffers || !memcmp(x->buffer, y->buffer, x->n_buffers * sizeof(*x->buffer)));
}

static int place_region(const struct finder *f, const struct needs_region *g, size_t placed)
{
	struct pairs_region *p = g->pairs;
	int ret;

	for (size_t i = 0; i < p->n; i++)
		p->service[i].alike = i && same_buffers(g, i - 1, i) ? p->service[i - 1].alike : i;
	p->placed = DMEM_UNKNOWN;
	ret = place_all(f, g);
	for (size_t i = 0; i < p->n_groups && !ret; i++)
		ret = place_group(f, g, &p->group[i]);
	for (size_t b = 1; b < p->n && b < placed && g->cma && !ret; b++) {
		for (size_t a = 0; a < b && !ret; a++)
			ret = place_pair(f, g, a, b);
	}
	return ret;
}

/* ---- regions ---- */

static int make_groups(struct finder *f, struct area *a, size_t n)
{
	struct pairs_region *p = a->p;
	const struct needs_service *s = a->g->service;
	uint64_t room = p->size - min_u64(p->size, a->g->unaccounted);

	for (size_t i = 0, end; i < n; i = end) {
		struct pairs_group *more;

		for (end = i + 1; end < n && s[end].peak == s[i].peak; end++)
			;
		if (end == i + 1)
			continue;
		more = dmem_grow(&f->arena, p->group, p->n_groups, sizeof(*more));
		if (!more)
			return -ENOMEM;
		p->group = more;
		more[p->n_groups++] = (struct pairs_group){
			i, end - i, (size_t)min_u64(room / s[i].peak, end - i), SIZE_MAX, 0,
		};
		for (size_t k = i; k < end; k++)
			a->group[k] = (uint32_t)p->n_groups;
	}
	a->group_up = dmem_alloc(&f->arena, (p->n_groups + 1) * sizeof(*a->group_up));
	return a->group_up ? 0 : -ENOMEM;
}

static int make_sets(struct finder *f, struct area *a)
{
	int ret = needs_find_conflicts(&f->arena, a->g, &a->p->sets);

	for (size_t k = 0; k < a->p->sets.n && !ret; k++) {
		struct together *t = &a->set[k];

		t->c = &a->p->sets.conflict[k];
		t->missing = t->c->n;
		t->part = dmem_alloc(&f->arena, (a->g->n + 1) * sizeof(*t->part));
		t->up = dmem_alloc(&f->arena, (t->c->n + 1) * sizeof(*t->up));
		if (!t->part || !t->up)
			return -ENOMEM;
		for (size_t i = 0; i < t->c->n; i++) {
			for (size_t s = 0; s < t->c->part[i].n; s++)
				t->part[t->c->part[i].first + s] = (uint32_t)i + 1;
		}
	}
	return ret;
}

static int make_arrays(struct finder *f, struct area *a)
{
	struct pairs_region *p = a->p;
	size_t n = a->g->n + 1;

	a->own = dmem_alloc(&f->arena, n * sizeof(*a->own));
	a->since = dmem_alloc(&f->arena, n * sizeof(*a->since));
	a->at = dmem_alloc(&f->arena, n * sizeof(*a->at));
	a->up = dmem_alloc(&f->arena, n * sizeof(*a->up));
	a->risen = dmem_alloc(&f->arena, n * sizeof(*a->risen));
	a->group = dmem_alloc(&f->arena, n * sizeof(*a->group));
	a->peak = dmem_alloc(&f->arena, n * sizeof(*a->peak));
	a->known = dmem_alloc(&f->arena, n * sizeof(*a->known));
	p->service = dmem_alloc(&f->arena, (p->n + 1) * sizeof(*p->service));
	p->pair = dmem_alloc(&f->arena, (p->n * p->n / 2 + 1) * sizeof(*p->pair));
	if (!a->own || !a->since || !a->at || !a->up || !a->risen ||
	    !a->group || !a->peak || !a->known || !p->service || !p->pair)
		return -ENOMEM;
	for (size_t i = 0; i < p->n * p->n / 2; i++)
		p->pair[i].placed = DMEM_UNKNOWN;
	return 0;
}

/* Of a region with a size. */
static int make_area(struct finder *f, struct needs_region *g, struct pairs_region *p)
{
	uint32_t region = (uint32_t)(g->region - f->m->region);
	struct area *a = dmem_alloc(&f->arena, sizeof(*a));
	size_t n = 0;
	int ret;

	if (!a)
		return -ENOMEM;
	while (n < g->n && g->service[n].peak)
		n++;
	p->n = n < PAIRS_SERVICES ? n : PAIRS_SERVICES;
	p->left_out = n - p->n;
	a->g = g;
	a->p = p;
	f->area[region] = a;
	for (size_t i = 0; i < n; i++) {
		if (dmem_map_put(&f->index, g->service[i].service, region, i + 1))
			return -ENOMEM;
	}
	ret = make_arrays(f, a);
	if (!ret)
		ret = make_groups(f, a, n);
	return ret ? ret : make_sets(f, a);
}

static int make_areas(struct finder *f, struct pairs *p, struct needs *n)
{
	int ret = 0;

	f->area = dmem_alloc(&f->arena, (f->m->n_regions + 1) * sizeof(struct area *));
	p->region = dmem_alloc(&f->arena, (n->n + 1) * sizeof(*p->region));
	if (!f->area || !p->region)
		return -ENOMEM;
	p->n = n->n;
	for (size_t i = 0; i < n->n && !ret; i++) {
		struct needs_region *g = &n->region[i];
		struct pairs_region *r = &p->region[i];

		g->pairs = r;
		r->tried = g->trial.size != DMEM_UNKNOWN;
		r->size = r->sets.size = r->tried ? g->trial.size : g->region->capacity;
		if (r->size != DMEM_UNKNOWN)
			ret = make_area(f, g, r);
	}
	return ret;
}

int pairs_find(struct pairs *p, const struct model *m, struct needs *n,
	       const struct needs_options *o, size_t placed)
{
	struct finder f = { .m = m, .o = o };
	int ret;

	*p = (struct pairs){ 0 };
	ret = make_areas(&f, p, n);
	for (f.boot = 0; f.boot < m->n_boots && !ret; f.boot++)
		ret = add_boot(&f);
	for (f.boot = 0; f.boot < m->n_boots && !ret; f.boot++)
		ret = find_buffers(&f);
	for (size_t i = 0; i < n->n && !ret; i++) {
		if (n->region[i].pairs->n)
			ret = place_region(&f, &n->region[i], placed);
	}
	free(f.live);
	dmem_map_free(&f.lives);
	dmem_map_free(&f.index);
	/* The results are in it. */
	p->arena = f.arena;
	return ret;
}

void pairs_free(struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		for (size_t k = 0; p->region[i].service && k < p->region[i].n; k++)
			free(p->region[i].service[k].buffer);
	}
	dmem_arena_free(&p->arena);
}
