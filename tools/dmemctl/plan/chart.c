// SPDX-License-Identifier: GPL-2.0-or-later
/* Turns one boot of a region into the columns of a chart. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "whatif.h"

/* Later styles repeat the colours of the first ones, with a pattern. */
#define PLAIN_STYLES	8
#define MAX_TICKS	8
#define DAY_MS		UINT64_C(86400000)

/* The area of a service in a chart, as a part of all services in the region. */
struct weight {
	double part;
	uint32_t service;
	const char *name;
};

/* ---- time ---- */

double chart_place(const struct chart_panel *p, uint64_t t)
{
	uint64_t length = p->to - p->from;

	if (!length || t <= p->from)
		return 0;
	return t >= p->to ? CHART_COLUMNS : (double)(t - p->from) / (double)length * CHART_COLUMNS;
}

static size_t column_of(const struct chart_panel *p, uint64_t t)
{
	size_t at = (size_t)chart_place(p, t);

	return at < CHART_COLUMNS ? at : CHART_COLUMNS - 1;
}

int64_t chart_wall(const struct chart_panel *p, uint64_t t)
{
	size_t i = p->n_clocks;

	while (i > 1 && p->clock[i - 1].t > t)
		i--;
	return (int64_t)t + (i ? p->clock[i - 1].offset : 0);
}

static uint64_t find_step(uint64_t length)
{
	static const uint64_t steps[] = {
		10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000,
		300000, 600000, 900000, 1800000, 3600000, 7200000, 10800000, 21600000, 43200000,
		DAY_MS, 2 * DAY_MS, 5 * DAY_MS, 10 * DAY_MS, 30 * DAY_MS, 100 * DAY_MS,
		400 * DAY_MS,
		4000 * DAY_MS, 40000 * DAY_MS,
	};
	size_t i = 0;

	while (i < sizeof(steps) / sizeof(*steps) - 1 && length / steps[i] >= MAX_TICKS)
		i++;
	return steps[i];
}

static int add_tick(struct chart *c, struct chart_panel *p, uint64_t t, int64_t wall)
{
	struct chart_tick *more = dmem_grow(&c->arena, p->tick, p->n_ticks, sizeof(*more));

	if (!more)
		return -ENOMEM;
	p->tick = more;
	more[p->n_ticks++] = (struct chart_tick){ chart_place(p, t), wall };
	return 0;
}

/* Puts ticks at round times of the wall clock, while the clock is set. */
static int find_ticks_of(struct chart *c, struct chart_panel *p, size_t clock)
{
	const struct model_clock *k = &p->clock[clock];
	uint64_t from = clock ? k->t : p->from;
	uint64_t end = clock + 1 < p->n_clocks ? k[1].t : p->to + 1;
	int64_t step = (int64_t)p->step, wall = (int64_t)from + k->offset, rest = wall % step;
	int ret = 0;

	wall += rest > 0 ? step - rest : -rest;
	for (; !ret && wall - k->offset < (int64_t)end; wall += step) {
		if (wall - k->offset >= (int64_t)from && p->n_ticks < CHART_COLUMNS)
			ret = add_tick(c, p, (uint64_t)(wall - k->offset), wall);
	}
	return ret;
}

static int find_ticks(struct chart *c, struct chart_panel *p)
{
	int ret = 0;

	p->step = p->to > p->from ? find_step(p->to - p->from) : 1000;
	for (size_t i = 0; i < p->n_clocks && !ret; i++)
		ret = find_ticks_of(c, p, i);
	if (!ret && !p->n_ticks)
		ret = add_tick(c, p, p->from, chart_wall(p, p->from));
	return ret;
}

static void find_time(const struct model *m, struct chart_panel *p)
{
	const struct model_boot *b = &m->boot[p->boot];

	p->from = b->from;
	p->to = b->to;
	p->clock = b->clock;
	p->n_clocks = b->n_clocks;
}

/* ---- styles ---- */

static const char *path_of(const struct chart *c, uint32_t service)
{
	return c->m->service[service].path;
}

static int by_part(const void *a, const void *b)
{
	const struct weight *x = a, *y = b;

	if (x->part != y->part)
		return x->part > y->part ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct weight *)a)->name, ((const struct weight *)b)->name);
}

/* The style to try first for a service, from a hash (FNV-1a) of its name, so that it usually has
 * the same style in charts of other days and machines. */
static size_t usual_style(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return (h ^ h >> 16) % PLAIN_STYLES;
}

static size_t free_style(const bool taken[CHART_STYLES], const char *name)
{
	size_t first = usual_style(name);

	for (size_t i = 0; i < CHART_STYLES; i++) {
		size_t s = i / PLAIN_STYLES * PLAIN_STYLES + (first + i) % PLAIN_STYLES;

		if (!taken[s])
			return s;
	}
	return CHART_MORE;
}

/* The services with the largest areas get styles. */
static void give_styles(struct chart *c, struct weight *w)
{
	bool taken[CHART_STYLES] = { 0 };
	size_t n = 0;

	qsort(w, c->m->n_services, sizeof(*w), by_part);
	while (n < c->m->n_services && n < CHART_STYLES && w[n].part > 0)
		n++;
	qsort(w, n, sizeof(*w), by_name);
	for (size_t i = 0; i < n; i++) {
		size_t s = free_style(taken, model_name(c->m, w[i].service));

		taken[s] = true;
		c->style[w[i].service] = s;
	}
}

/* Duration of a sample in ms. The last sample of a boot has none. */
static uint64_t weight_of(const struct chart_panel *p, const struct model_replay *r)
{
	return r->dt ? r->dt : r->t == p->to;
}

static int add_areas(struct chart *c, const struct chart_panel *p, double *area, struct weight *w)
{
	const struct model *m = c->m;
	struct model_replay r;
	double all = 0;
	int end, ret = model_replay_start(&r, m, p->boot, (size_t)(p->g->region - m->region));

	while (!ret && model_replay_next(&r)) {
		for (size_t s = 0; s < m->n_services; s++) {
			/* The charge of a slice without its services belongs to others. */
			if (r.own[s] && !m->service[s].has_children)
				area[s] += (double)r.own[s] * (double)weight_of(p, &r);
		}
	}
	end = model_replay_end(&r);
	for (size_t s = 0; s < m->n_services; s++)
		all += area[s];
	for (size_t s = 0; s < m->n_services && all > 0; s++) {
		if (area[s] / all > w[s].part)
			w[s].part = area[s] / all;
		area[s] = 0;
	}
	return ret ? ret : end;
}

static int find_styles(struct chart *c)
{
	size_t n = c->m->n_services;
	struct weight *w = calloc(n + 1, sizeof(*w));
	double *area = calloc(n + 1, sizeof(*area));
	int ret = w && area ? 0 : -ENOMEM;

	c->style = dmem_alloc(&c->arena, (n + 1) * sizeof(*c->style));
	if (!c->style)
		ret = -ENOMEM;
	for (size_t s = 0; s < n && !ret; s++) {
		w[s] = (struct weight){ 0, (uint32_t)s, path_of(c, (uint32_t)s) };
		c->style[s] = CHART_MORE;
	}
	for (size_t i = 0; i < c->n && !ret; i++)
		ret = add_areas(c, &c->panel[i], area, w);
	if (!ret && n)
		give_styles(c, w);
	free(w);
	free(area);
	return ret;
}

/* ---- columns ---- */

static size_t layer_of(const struct chart *c, const struct chart_panel *p, uint32_t consumer)
{
	size_t style;

	if (consumer == MODEL_OTHERS(c->m))
		return CHART_OTHERS;
	if (consumer == MODEL_KERNEL(c->m))
		return CHART_UNACCOUNTED;
	if (c->m->service[consumer].has_children)
		return CHART_OTHERS;
	style = c->style[consumer];
	/* A service without a part in this plan has no row in the legend either. */
	return style == CHART_MORE || p->service[style] ? style : CHART_MORE;
}

/* A cgroup's figure includes those of its descendants, but they are not read at the same moment:
 * the larger of the two sums is closer to the real number. */
struct refused_sums {
	uint64_t top, leaves, known;
};

static int add_refusals(struct chart *c, struct chart_panel *p, const struct model_replay *r,
			struct refused_sums *sums)
{
	struct chart_refusal new = { column_of(p, r->t), r->t, 0, MODEL_NONE, true }, *more;
	uint64_t sum;

	for (const struct model_event *e = r->from; e < r->to; e++) {
		if (e->kind != MODEL_REFUSED || e->region != r->region)
			continue;
		if (c->m->service[e->service].parent == MODEL_NONE)
			sums->top += e->v;
		if (c->m->service[e->service].has_children)
			continue;
		sums->leaves += e->v;
		new.alone &= new.service == MODEL_NONE;
		new.service = e->service;
	}
	sum = sums->top > sums->leaves ? sums->top : sums->leaves;
	if (sum <= sums->known)
		return 0;
	new.n = sum - sums->known;
	sums->known = p->refused = sum;
	more = dmem_grow(&c->arena, p->refusal, p->n_refusals, sizeof(*more));
	if (!more)
		return -ENOMEM;
	p->refusal = more;
	more[p->n_refusals++] = new;
	return 0;
}

/* The columns of a sample, from *@first to *@last. False: it has no duration. */
static bool columns_of(const struct chart_panel *p, const struct model_replay *r, size_t *first,
		       size_t *last)
{
	*first = column_of(p, r->t);
	*last = column_of(p, r->t + r->dt);
	/* The boot has a single sample. */
	if (p->from == p->to)
		*last = CHART_COLUMNS - 1;
	return r->dt || r->t == p->to;
}

static void add_sample(struct chart *c, struct chart_panel *p, const struct model_replay *r,
		       double *area)
{
	struct chart_column col = { .known = true, .total = r->total };
	size_t first, last;
	bool lasts = columns_of(p, r, &first, &last);

	if (p->boot == p->g->worst && r->t == p->g->decided) {
		p->decided = first;
		p->decided_total = r->total;
	}
	/* No sample was taken there. */
	if (!lasts)
		return;
	for (uint32_t i = 0; i < MODEL_TAKERS(c->m); i++) {
		if (r->own[i])
			col.v[layer_of(c, p, i)] += r->own[i];
	}
	for (size_t i = 0; i < CHART_LAYERS; i++)
		area[i] += (double)col.v[i] * (double)weight_of(p, r);
	for (size_t x = first; x <= last; x++) {
		if (!p->column[x].known || p->column[x].total < col.total)
			p->column[x] = col;
	}
}

/* Unaccounted memory is at the bottom, and above it the services, the largest one first. */
static void find_layers(struct chart_panel *p, const double *area)
{
	if (area[CHART_UNACCOUNTED] > 0)
		p->layer[p->n_layers++] = CHART_UNACCOUNTED;
	for (size_t from = p->n_layers, i = 0; i < CHART_STYLES; i++) {
		size_t at = p->n_layers;

		if (!(area[i] > 0))
			continue;
		for (; at > from && area[p->layer[at - 1]] < area[i]; at--)
			p->layer[at] = p->layer[at - 1];
		p->layer[at] = i;
		p->n_layers++;
	}
	for (size_t i = CHART_MORE; i <= CHART_OTHERS; i++) {
		if (area[i] > 0)
			p->layer[p->n_layers++] = i;
	}
}

static int find_columns(struct chart *c, struct chart_panel *p)
{
	struct refused_sums sums = { 0 };
	double area[CHART_LAYERS] = { 0 };
	struct model_replay r;
	int end, ret = model_replay_start(&r, c->m, p->boot, (size_t)(p->g->region - c->m->region));

	while (!ret && model_replay_next(&r)) {
		add_sample(c, p, &r, area);
		ret = add_refusals(c, p, &r, &sums);
	}
	end = model_replay_end(&r);
	find_layers(p, area);
	return ret ? ret : end;
}

static void add_recorded(struct chart_panel *p, const struct model_replay *r, uint64_t sum)
{
	size_t first, last;

	if (!columns_of(p, r, &first, &last))
		return;
	p->recorded_most = sum > p->recorded_most ? sum : p->recorded_most;
	for (size_t x = first; x <= last; x++)
		p->recorded[x] = sum > p->recorded[x] ? sum : p->recorded[x];
}

/* Replays the boot of a changed load as it was recorded. */
static int find_recorded(struct chart *c, struct chart_panel *p)
{
	uint32_t region = (uint32_t)(p->g->region - c->m->region);
	struct model recorded = *c->m;
	struct model_replay r;
	uint64_t *total, sum = 0;
	int ret, end;

	if (!c->m->whatif)
		return 0;
	recorded.whatif = NULL;
	total = calloc(recorded.n_regions + 1, sizeof(*total));
	if (!total)
		return -ENOMEM;
	ret = model_replay_start(&r, &recorded, p->boot, MODEL_NONE);
	while (!ret && model_replay_next(&r)) {
		/* The sum of all regions of which the panel's region is made. */
		for (size_t i = 0; i < r.n_active; i++) {
			const struct model_area *a = r.active[i];

			if (c->m->whatif->into[a->region] != region)
				continue;
			sum += a->total - total[a->region];
			total[a->region] = a->total;
		}
		add_recorded(p, &r, sum);
	}
	end = model_replay_end(&r);
	free(total);
	p->changed = true;
	return ret ? ret : end;
}

static void find_services(struct chart *c, struct chart_panel *p)
{
	for (size_t i = 0; i < p->g->n; i++) {
		const struct needs_service *s = &p->g->service[i];
		size_t style = c->style[s->service];

		p->limits += s->limit == DMEM_UNKNOWN ? 0 : s->limit;
		if (style == CHART_MORE)
			p->more++;
		else
			p->service[style] = s;
	}
}

/* The scale shows the need, and the capacity if it is not much larger. */
static void find_scale(struct chart_panel *p)
{
	uint64_t capacity = p->g->region->capacity;

	/* The size as drawn; the size of a heap cannot be chosen, but shows the scale. */
	p->high = p->g->size;
	for (size_t x = 0; x < CHART_COLUMNS; x++)
		p->high = p->column[x].total > p->high ? p->column[x].total : p->high;
	p->high = p->recorded_most > p->high ? p->recorded_most : p->high;
	if (capacity != DMEM_UNKNOWN && capacity > p->high && capacity / 4 <= p->high)
		p->high = capacity;
	p->high += p->high / 20 + 1;
}

/* ---- the whole chart ---- */

/* Adds a panel for a region, if any boot has charges in it. */
static void add_panel(struct chart *c, const struct needs_region *g)
{
	struct chart_panel *p = &c->panel[c->n];

	if (g->charged == SIZE_MAX)
		return;
	p->g = g;
	p->boot = g->charged;
	p->decided = CHART_COLUMNS;
	find_time(c->m, p);
	c->n++;
}

int chart_make(struct chart *c, const struct model *m, const struct needs *n)
{
	int ret;

	*c = (struct chart){ .m = m };
	c->panel = dmem_alloc(&c->arena, (n->n + 1) * sizeof(*c->panel));
	if (!c->panel)
		return -ENOMEM;
	for (size_t i = 0; i < n->n; i++)
		add_panel(c, &n->region[i]);
	ret = find_styles(c);
	for (size_t i = 0; i < c->n && !ret; i++) {
		find_services(c, &c->panel[i]);
		ret = find_columns(c, &c->panel[i]);
		if (!ret)
			ret = find_recorded(c, &c->panel[i]);
		if (!ret)
			ret = find_ticks(c, &c->panel[i]);
		find_scale(&c->panel[i]);
	}
	return ret;
}

void chart_free(struct chart *c)
{
	dmem_arena_free(&c->arena);
}
