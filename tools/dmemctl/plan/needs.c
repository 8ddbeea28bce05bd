// SPDX-License-Identifier: GPL-2.0-or-later
/* Calculates the sizes of regions, and the limits and reservations of services. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "machines.h"
#include "needs.h"
#include "num.h"
#include "place.h"

/* The shortest recording that is enough to make a region smaller, in ms. */
#define ENOUGH_MS	UINT64_C(86400000)
#define ENOUGH_BOOTS	CONFIDENCE_PARTS

uint64_t needs_sum(uint64_t a, uint64_t b)
{
	return a > DMEM_UNKNOWN - 1 - b || b > DMEM_UNKNOWN - 1 ? DMEM_UNKNOWN - 1 : a + b;
}

static uint64_t round_up(uint64_t v, uint64_t unit)
{
	uint64_t rest = unit ? v % unit : 0;

	return rest ? needs_sum(v, unit - rest) : v;
}

/* The part @part of @v, rounded up. */
static uint64_t part_of(uint64_t v, double part)
{
	double x = ceil((double)v * part);

	return x < 1e18 ? (uint64_t)x : (uint64_t)1e18;
}

uint64_t needs_size(uint64_t need, double headroom, uint64_t block)
{
	return round_up(needs_sum(need, part_of(need, headroom)), block);
}

size_t needs_quantile_at(size_t n, double q)
{
	size_t at = (size_t)ceil(q * (double)n);

	return at ? (at > n ? n : at) - 1 : 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The smallest value that is not less than a part @q of all values. Sorts them. */
static uint64_t quantile(uint64_t *v, size_t n, double q)
{
	if (!n)
		return 0;
	qsort(v, n, sizeof(*v), by_value);
	return v[needs_quantile_at(n, q)];
}

/* ---- sums over all boots ---- */

/* One service in one region. */
struct usage {
	struct needs_service s;
	struct tally peaks;
	struct confidence_use use;
	struct holdings held;
	uint64_t most;			/* bytes without its descendants, at most */
	uint64_t told;			/* end of the boot with the last limits, ms since 1970 */
};

/* One region: figures of each boot in which it was used. */
struct sums {
	uint64_t *together, *early, *late;
	size_t n;
	uint64_t others, most;
	struct confidence_use use;
	struct confidence_runs runs;	/* times are ms since 1970 */
};

struct finder {
	const struct model *m;
	const struct needs_options *o;
	struct dmem_arena arena;
	struct dmem_map usages;
	struct usage **usage;
	size_t n_usages;
	struct needs_region *region;	/* all regions of the model */
	struct sums *sums;
	struct trials trials;
	struct holdouts holdouts;
	struct machines machines;
	size_t machine;			/* that of the current boot */
	/* By region and machine: 1; by service: ms with a cgroup, plus 1. */
	struct dmem_map used, up;
};

/* NULL: out of memory. */
static struct usage *find_usage(struct finder *f, uint32_t service, uint32_t region)
{
	uint64_t v = dmem_map_get(&f->usages, service, region);
	struct usage *u, **more;

	if (v)
		return f->usage[v - 1];
	more = dmem_grow(&f->arena, f->usage, f->n_usages, sizeof(*more));
	u = dmem_alloc(&f->arena, sizeof(*u));
	if (!more || !u)
		return NULL;
	f->usage = more;
	u->s.service = service;
	u->s.max = u->s.min = DMEM_UNKNOWN;
	u->peaks.up = true;
	more[f->n_usages++] = u;
	return dmem_map_put(&f->usages, service, region, f->n_usages) ? NULL : u;
}

/* @end: of the boot, in ms since 1970. Its limits count if it is the last one. */
static int add_runs(struct finder *f, const struct place *p, uint64_t end)
{
	int ret = 0;

	for (size_t i = 0; i < p->n_runs && !ret; i++) {
		const struct model_run *run = &p->run[i];
		struct usage *u;

		if (!run->peak && !run->refused)
			continue;
		u = find_usage(f, run->service, run->region);
		if (!u)
			return -ENOMEM;
		u->s.runs++;
		u->s.peak = max_u64(u->s.peak, run->peak);
		u->s.unseen = max_u64(u->s.unseen, run->peak - run->seen);
		u->s.refused = needs_sum(u->s.refused, run->refused);
		if (end >= u->told) {
			u->told = end;
			u->s.max = run->max;
			u->s.min = run->min;
		}
		ret = tally_add(&u->peaks, run->peak, 1);
	}
	return ret;
}

static int add_services(struct finder *f, const struct place *p)
{
	int ret = 0;

	for (size_t i = 0; i < p->n_services && !ret; i++) {
		const struct place_service *s = &p->service[i];
		struct usage *u = find_usage(f, s->service, s->region);

		if (!u)
			return -ENOMEM;
		u->most = max_u64(u->most, s->most);
		if ((double)s->buffers * (double)s->buffer >
		    (double)u->s.buffers * (double)u->s.buffer) {
			u->s.buffers = s->buffers;
			u->s.buffer = s->buffer;
		}
		ret = confidence_merge(&u->use, &s->use);
		if (!ret)
			ret = holdings_merge(&u->held, &s->held);
	}
	return ret;
}

static uint64_t *grow_sums(struct finder *f, uint64_t *v, size_t n, uint64_t new)
{
	uint64_t *more = dmem_grow(&f->arena, v, n, sizeof(*more));

	if (more)
		more[n] = new;
	return more;
}

static int add_machine(struct finder *f, uint32_t region)
{
	if (dmem_map_get(&f->used, region, f->machine))
		return 0;
	f->region[region].confidence.machines++;
	return dmem_map_put(&f->used, region, f->machine, 1);
}

/* Adds the use over time, and the comparisons of free runs. */
static int add_confidence(struct finder *f, const struct model_boot *b, const struct place_region *r)
{
	struct sums *s = &f->sums[r->region];
	int ret = add_machine(f, r->region);

	if (!ret)
		ret = confidence_merge(&s->use, &r->use);
	if (!ret)
		ret = confidence_merge_runs(&s->runs, &r->runs, model_wall(b, r->runs.less.time),
					    model_wall(b, r->runs.more.time));
	return ret;
}

static int add_uptimes(struct finder *f, const struct place *p)
{
	int ret = 0;

	for (size_t i = 0; i < p->n_uptimes && !ret; i++) {
		const struct model_uptime *u = &p->uptime[i];
		uint64_t before = dmem_map_get(&f->up, u->service, 0);

		ret = dmem_map_put(&f->up, u->service, 0, (before ? before : 1) + u->ms);
	}
	return ret;
}

static int add_place(struct finder *f, size_t boot, const struct place *p,
		     const struct place_region *r)
{
	const struct model_boot *b = &f->m->boot[boot];
	struct needs_region *g = &f->region[r->region];
	struct sums *s = &f->sums[r->region];

	s->others = max_u64(s->others, r->others);
	if (r->charged && g->charged == SIZE_MAX)
		g->charged = boot;
	if (!r->together)
		return 0;
	s->together = grow_sums(f, s->together, s->n, r->together);
	s->early = grow_sums(f, s->early, s->n, r->placed);
	s->late = grow_sums(f, s->late, s->n, r->placed_least);
	if (!s->together || !s->early || !s->late)
		return -ENOMEM;
	if (add_confidence(f, b, r))
		return -ENOMEM;
	s->n++;
	g->boots++;
	g->time += p->time;
	g->samples += b->samples;
	g->sizes_known &= b->buffers;
	g->unit = max_u64(g->unit, r->unit);
	g->unaccounted = max_u64(g->unaccounted, r->unaccounted);
	g->largest_buffer = max_u64(g->largest_buffer, r->largest_buffer);
	kernel_use_merge(&g->kernel, &r->kernel, boot);
	/* Nothing of a changed load was ever refused. */
	if (g->cma && !b->buffers && !f->m->whatif && r->counted && !r->refused && r->placed > r->capacity)
		g->sufficed = max_u64(g->sufficed, r->capacity);
	if (r->together > g->together_most) {
		g->together_most = r->together;
		g->worst_time = model_wall(b, r->time);
	}
	if (r->placed <= s->most)
		return 0;
	s->most = r->placed;
	g->worst = boot;
	g->decided = r->decided;
	if (r->charged)
		g->charged = boot;
	return 0;
}

/* Machines may have different page sizes: the largest one suits all. */
static void add_pages(struct finder *f, size_t boot, uint32_t region)
{
	const struct model_boot *b = &f->m->boot[boot];
	struct needs_region *g = &f->region[region];

	g->page = max_u64(g->page, b->page);
	if (b->block != DMEM_UNKNOWN)
		g->block = max_u64(g->block, b->block);
}

static int add_boot(struct finder *f, size_t boot)
{
	const struct place_options o = { f->o->align_order, f->o->size };
	struct place p;
	int ret = place_boot(&p, f->m, boot, &o);
	int64_t machine = machines_find(&f->machines, f->m, &f->m->boot[boot]);

	ret = machine < 0 ? (int)machine : ret;
	f->machine = (size_t)machine;
	for (size_t i = 0; i < p.n_regions && !ret; i++) {
		add_pages(f, boot, p.region[i].region);
		ret = add_place(f, boot, &p, &p.region[i]);
	}
	for (size_t i = 0; i < p.n_runs && !ret; i++)
		add_pages(f, boot, p.run[i].region);
	if (!ret)
		ret = add_runs(f, &p, model_wall(&f->m->boot[boot], f->m->boot[boot].to));
	if (!ret)
		ret = add_services(f, &p);
	if (!ret)
		ret = trials_add(&f->trials, &f->m->boot[boot], &p);
	if (!ret)
		ret = holdouts_add(&f->holdouts, f->m, boot, &p);
	if (!ret)
		ret = add_uptimes(f, &p);
	place_free(&p);
	return ret;
}

/* ---- services ---- */

static int by_peak(const void *a, const void *b)
{
	const struct needs_service *x = a, *y = b;

	if (x->peak != y->peak)
		return x->peak > y->peak ? -1 : 1;
	return (x->service > y->service) - (x->service < y->service);
}

/* Rounds the headroom up to whole buffers, if the service had several of one size: a part of a
 * buffer is of no use. One buffer is the least headroom. */
static uint64_t find_limit(const struct finder *f, const struct needs_service *s, uint64_t page)
{
	uint64_t more = part_of(s->peak_quantile, f->o->headroom);

	more = round_up(more, s->buffers > 1 ? s->buffer : 0);
	return round_up(needs_sum(s->peak_quantile, more), page);
}

static int add_service(struct needs *n, struct finder *f, struct needs_region *g, struct usage *u)
{
	struct needs_service *more;
	int ret;

	/* For a slice, only its charge without its services counts. */
	if (f->m->service[u->s.service].has_children) {
		g->all_peaks = needs_sum(g->all_peaks, u->most);
		more = dmem_grow(&n->arena, g->above, g->n_above, sizeof(*more));
		if (!more)
			return -ENOMEM;
		g->above = more;
		more[g->n_above++] = u->s;
		return 0;
	}
	if (!u->s.runs)
		return 0;
	more = dmem_grow(&n->arena, g->service, g->n, sizeof(*more));
	if (!more)
		return -ENOMEM;
	g->service = more;
	u->s.peak_quantile = min_u64(tally_quantile(&u->peaks, f->o->quantile), u->s.peak);
	u->s.usual = tally_percentile(&u->use.ms, 500);
	u->s.use = confidence_time(&u->use, u->s.peak);
	u->s.up = dmem_map_get(&f->up, u->s.service, 0) - 1;
	if (u->s.up == UINT64_MAX)
		u->s.up = DMEM_UNKNOWN;
	/* All of its requests were refused, so its need is unknown. */
	u->s.limit = u->s.peak ? find_limit(f, &u->s, g->page) : DMEM_UNKNOWN;
	set_derive(&u->s.set, holdings_usual(&u->held), u->s.buffer, u->s.usual);
	ret = g->cma ? sets_apply(f->o->sets, f->m, u->s.service, (uint32_t)(g->region - f->m->region),
				  u->s.buffer, g->page, &u->s.set) : 0;
	/* A limit below the set would refuse it. */
	if (u->s.set.from == SET_GIVEN && u->s.limit != DMEM_UNKNOWN)
		u->s.limit = max_u64(u->s.limit, round_up(u->s.set.bytes, g->page));
	g->unseen = needs_sum(g->unseen, u->s.unseen);
	g->all_peaks = needs_sum(g->all_peaks, u->s.peak);
	more[g->n++] = u->s;
	return ret;
}

static int find_services(struct needs *n, struct finder *f)
{
	int ret = 0;

	for (size_t i = 0; i < f->usages.room && !ret; i++) {
		const struct dmem_map_slot *s = &f->usages.slot[i];

		if (s->v)
			ret = add_service(n, f, &f->region[s->b], f->usage[s->v - 1]);
	}
	for (size_t i = 0; i < f->m->n_regions && !ret; i++) {
		if (f->region[i].n)
			qsort(f->region[i].service, f->region[i].n, sizeof(struct needs_service),
			      by_peak);
		if (f->region[i].n_above)
			qsort(f->region[i].above, f->region[i].n_above,
			      sizeof(struct needs_service), by_peak);
	}
	return ret;
}

/* ---- the size to propose ---- */

/* The default of CONFIG_CMA_SIZE_MBYTES. */
#define DEFAULT_AREA	(UINT64_C(16) << 20)

/* True for the area of "linux,cma-default", or of "cma=" on the command line. */
static bool is_default_area(const char *region)
{
	return !strcmp(region, "cma/linux,cma") || !strncmp(region, "cma/linux,cma@", 14) ||
	       !strcmp(region, "cma/reserved");
}

/* True if the builder of the board can choose the region's size. */
static bool has_size(const struct needs_region *g)
{
	return g->cma || !strncmp(g->region->name, "dma/coherent/", 13) ||
	       !strncmp(g->region->name, "tee/", 4);
}

uint64_t needs_floor(const struct needs_region *g)
{
	uint64_t capacity = g->region->capacity, floor = 0;

	if (g->is_default)
		floor = DEFAULT_AREA;
	/* Reserve the recorded unaccounted use a second time, beyond the need. */
	if (g->unaccounted)
		floor = max_u64(floor, needs_sum(g->need, g->unaccounted));
	return min_u64(round_up(floor, g->block), capacity);
}

struct needs_proposal needs_propose(const struct needs_region *g, const struct needs_options *o)
{
	uint64_t capacity = g->region->capacity, floor = needs_floor(g);
	bool known = capacity != DMEM_UNKNOWN;

	if (!has_size(g))
		return (struct needs_proposal){ NEEDS_NOT_SIZED, DMEM_UNKNOWN };
	if (known && g->size < capacity && !o->shrink)
		return (struct needs_proposal){ NEEDS_KEPT, capacity };
	if (g->size < floor)
		return (struct needs_proposal){ NEEDS_FLOOR, floor };
	return (struct needs_proposal){ NEEDS_PLANNED, g->size };
}

bool needs_is_enough(const struct needs_region *g)
{
	return g->time >= ENOUGH_MS && g->boots >= ENOUGH_BOOTS;
}

/* ---- a region ---- */

/* Usual alignment of CMA: the size of a huge page, or 4M without huge pages. */
static uint64_t usual_block(uint64_t page)
{
	if (page > UINT64_C(1) << 20)
		return page;
	return max_u64(page << 10, page * page / 8);
}

static void find_size(const struct finder *f, struct needs_region *g, struct sums *s)
{
	const struct needs_options *o = f->o;

	g->together = quantile(s->together, s->n, o->quantile);
	g->placed = quantile(s->early, s->n, o->quantile);
	g->placed_least = quantile(s->late, s->n, o->quantile);
	/* The need may be that of a quantile: then a smaller capacity is possible. */
	if (g->sufficed >= g->placed)
		g->sufficed = 0;
	g->all_peaks = needs_sum(g->all_peaks, needs_sum(g->unaccounted, s->others));
	g->need = needs_sum(g->placed, g->unseen);
	if (o->block != DMEM_UNKNOWN)
		g->block = o->block;
	g->block_assumed = g->cma && !g->block;
	if (!g->block)
		g->block = usual_block(g->page);
	if (!g->cma)
		g->block = g->page;
	g->size = needs_size(g->need, o->headroom, g->block);
}

static int find_confidence(const struct finder *f, struct needs_region *g, struct sums *s)
{
	const struct holdout_options o = { f->o->headroom, f->o->quantile, g->block };
	struct needs_confidence *c = &g->confidence;

	g->measured = s->runs.n;
	g->run_smaller = s->runs.less.by.most;
	g->run_larger = s->runs.more.by.most;
	c->use = confidence_time(&s->use, g->together_most);
	for (size_t i = 0; i < s->n; i++)
		c->peak_boots += s->together[i] >= confidence_near(g->together_most);
	c->runs = s->runs.n;
	c->runs_equal = s->runs.equal;
	c->less = confidence_error(&s->runs.less);
	c->more = confidence_error(&s->runs.more);
	return holdouts_find(&f->holdouts, (uint32_t)(g->region - f->m->region), &o, &c->holdout);
}

static int find_all_conflicts(struct needs *n, struct needs_region *g)
{
	uint64_t capacity = g->region->capacity;
	int ret;

	/* Conflicts depend on a size that can exist. */
	g->conflicts.size = has_size(g) ? g->size : capacity;
	g->existing.size = capacity == g->conflicts.size ? DMEM_UNKNOWN : capacity;
	ret = needs_find_conflicts(&n->arena, g, &g->conflicts);
	if (!ret && g->existing.size != DMEM_UNKNOWN)
		ret = needs_find_conflicts(&n->arena, g, &g->existing);
	return ret;
}

static int find_trial(struct needs *n, const struct finder *f, size_t region)
{
	struct trial *t = &f->region[region].trial;
	int ret;

	t->size = f->o->size ? f->o->size[region] : DMEM_UNKNOWN;
	if (t->size == DMEM_UNKNOWN)
		return 0;
	t->smallest = round_up(f->sums[region].most, f->region[region].block);
	ret = trials_find(&f->trials, &n->arena, (uint32_t)region, t);
	/* Sums are compared in one order only. */
	if (!f->region[region].cma)
		t->refused_least = t->refused;
	return ret;
}

static int find_regions(struct needs *n, struct finder *f)
{
	int ret = 0;

	n->region = dmem_alloc(&n->arena, (f->m->n_regions + 1) * sizeof(*n->region));
	if (!n->region)
		return -ENOMEM;
	for (size_t i = 0; i < f->m->n_regions && !ret; i++) {
		struct needs_region *g = &f->region[i];

		/* An unused region needs no plan. */
		if (!g->boots && !g->n)
			continue;
		find_size(f, g, &f->sums[i]);
		ret = find_trial(n, f, i);
		if (!ret)
			ret = find_confidence(f, g, &f->sums[i]);
		n->region[n->n++] = *g;
	}
	return ret;
}

static int find_start(struct finder *f)
{
	f->region = dmem_alloc(&f->arena, (f->m->n_regions + 1) * sizeof(*f->region));
	f->sums = dmem_alloc(&f->arena, (f->m->n_regions + 1) * sizeof(*f->sums));
	if (!f->region || !f->sums)
		return -ENOMEM;
	for (size_t i = 0; i < f->m->n_regions; i++) {
		struct needs_region *g = &f->region[i];

		g->region = &f->m->region[i];
		g->cma = place_is_cma(g->region->name);
		g->is_default = is_default_area(g->region->name);
		g->sizes_known = true;
		g->charged = SIZE_MAX;
	}
	return 0;
}

static void find_end(struct finder *f)
{
	for (size_t i = 0; f->sums && i < f->m->n_regions; i++) {
		confidence_free(&f->sums[i].use);
		confidence_free_runs(&f->sums[i].runs);
	}
	trials_free(&f->trials);
	holdouts_free(&f->holdouts);
	machines_free(&f->machines);
	dmem_map_free(&f->usages);
	dmem_map_free(&f->used);
	dmem_map_free(&f->up);
	dmem_arena_free(&f->arena);
}

int needs_find(struct needs *n, const struct model *m, const struct needs_options *o)
{
	struct finder f = { .m = m, .o = o, .holdouts = { .n_regions = m->n_regions } };
	int ret = find_start(&f);

	*n = (struct needs){ 0 };
	for (size_t b = 0; b < m->n_boots && !ret; b++)
		ret = add_boot(&f, b);
	holdouts_sum_up(&f.holdouts);
	if (!ret)
		ret = find_services(n, &f);
	if (!ret)
		ret = find_regions(n, &f);
	if (!ret)
		ret = needs_reserve(n, m, o);
	for (size_t i = 0; i < n->n && !ret; i++)
		ret = find_all_conflicts(n, &n->region[i]);
	for (size_t i = 0; i < f.n_usages; i++) {
		tally_free(&f.usage[i]->peaks);
		confidence_free(&f.usage[i]->use);
		holdings_free(&f.usage[i]->held);
	}
	find_end(&f);
	return ret;
}

void needs_free(struct needs *n)
{
	dmem_arena_free(&n->arena);
}
