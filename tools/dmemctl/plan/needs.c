// SPDX-License-Identifier: GPL-2.0-or-later
/* How large a region must be, and what to give to whom. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "firstfit.h"
#include "needs.h"

#define MAX_CONFLICTS	8
/* Owners of buffers: these have inode numbers, and each taker has some that have not */
#define KNOWN		UINT64_C(1)
#define LOOSE		UINT64_C(2)

static uint64_t round_up(uint64_t v, uint64_t unit)
{
	return unit ? (v + unit - 1) / unit * unit : v;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The least of them that is not less than that part of all. Sorts them. */
static uint64_t quantile(uint64_t *v, size_t n, double q)
{
	size_t at;

	if (!n)
		return 0;
	qsort(v, n, sizeof(*v), by_value);
	at = (size_t)ceil(q * (double)n);
	return v[at ? (at > n ? n : at) - 1 : 0];
}

/* ---- where the buffers of one boot go ---- */

struct placing {
	struct firstfit fit;
	uint64_t *loose;	/* pages of each taker that are in no buffer that is known */
	uint64_t id;
};

struct place {
	uint64_t together, time;	/* bytes, ms since boot */
	uint64_t highest;		/* ms since boot: when the last page was first needed */
	uint64_t early, late;		/* pages */
	uint64_t unit;			/* pages */
	uint64_t looked, unaccounted;
};

/* Bytes of the taker that none of its buffers explains, for two looks: counters and
 * buffers are not read at the same moment. */
struct unexplained {
	uint64_t *known, *before, *now;
};

static uint32_t payer(const struct model *m, const struct model_event *e)
{
	return e->service == MODEL_NONE ? MODEL_OTHERS(m) : e->service;
}

static uint64_t pages_of(const struct model_replay *r, uint64_t bytes)
{
	return round_up(bytes, r->boot->page) / r->boot->page;
}

static uint64_t loose_now(const struct model_replay *r, const struct unexplained *u, uint32_t taker)
{
	return pages_of(r, min_u64(u->now[taker], u->before[taker]));
}

/* A buffer is charged before it is there: what was loose then is the buffer. */
static void place_charged(struct placing *p, const struct model_replay *r,
			  const struct unexplained *u)
{
	for (const struct model_event *e = r->from; e < r->to; e++) {
		uint32_t taker = payer(r->m, e);
		uint64_t pages = pages_of(r, e->v);

		if (e->region != r->region || e->kind != MODEL_BUFFER ||
		    firstfit_has(&p->fit, KNOWN, e->ino) ||
		    p->loose[taker] < loose_now(r, u, taker) + pages)
			continue;
		if (firstfit_rename(&p->fit, LOOSE + taker, pages, KNOWN, e->ino))
			p->loose[taker] -= pages;
	}
}

static int place_known(struct placing *p, const struct model_replay *r, bool come)
{
	int ret = 0;

	for (const struct model_event *e = r->from; e < r->to && !ret; e++) {
		if (e->region != r->region)
			continue;
		if (!come && e->kind == MODEL_FREED)
			firstfit_free(&p->fit, KNOWN, e->ino);
		else if (come && e->kind == MODEL_BUFFER && !firstfit_has(&p->fit, KNOWN, e->ino))
			ret = firstfit_alloc(&p->fit, KNOWN, e->ino, pages_of(r, e->v));
	}
	return ret;
}

static int place_loose(struct placing *p, const struct model_replay *r, const struct unexplained *u,
		       bool come)
{
	int ret = 0;

	for (uint32_t i = 0; i < MODEL_TAKERS(r->m) && !ret; i++) {
		uint64_t pages = loose_now(r, u, i), owner = LOOSE + i;

		if (come && pages > p->loose[i])
			ret = firstfit_alloc(&p->fit, owner, p->id++, pages - p->loose[i]);
		else if (!come && pages < p->loose[i])
			firstfit_give_back(&p->fit, owner, p->loose[i] - pages);
		else
			continue;
		p->loose[i] = pages;
	}
	return ret;
}

static int place_look(struct placing *p, const struct model_replay *r, const struct unexplained *u,
		      bool come_first)
{
	int ret = 0;

	place_charged(p, r, u);
	for (int i = 0; i < 2 && !ret; i++) {
		bool come = come_first == !i;

		/* What the kernel has taken was there first. */
		ret = place_loose(p, r, u, come);
		if (!ret)
			ret = place_known(p, r, come);
	}
	return ret;
}

/* Its place in the list of buffers, or the end. */
static size_t find_ino(uint64_t (*ino)[3], size_t n, uint64_t wanted)
{
	size_t i = 0;

	while (i < n && ino[i][0] != wanted)
		i++;
	return i;
}

static void explain(struct unexplained *u, const struct model_replay *r, uint64_t (*ino)[3],
		    size_t *n_ino)
{
	for (const struct model_event *e = r->from; e < r->to; e++) {
		size_t at;

		if (e->region != r->region)
			continue;
		if (e->kind != MODEL_BUFFER && e->kind != MODEL_FREED)
			continue;
		at = find_ino(ino, *n_ino, e->ino);
		/* Freed, or told of once more: somebody else pays than was thought. */
		if (at < *n_ino) {
			u->known[ino[at][1]] -= ino[at][2];
			(*n_ino)--;
			memcpy(ino[at], ino[*n_ino], sizeof(*ino));
		}
		if (e->kind == MODEL_FREED)
			continue;
		u->known[payer(r->m, e)] += e->v;
		ino[*n_ino][0] = e->ino;
		ino[*n_ino][1] = payer(r->m, e);
		ino[(*n_ino)++][2] = e->v;
	}
	for (size_t i = 0; i < MODEL_TAKERS(r->m); i++) {
		u->before[i] = u->now[i];
		u->now[i] = r->own[i] > u->known[i] ? r->own[i] - u->known[i] : 0;
		/* Where there is nothing but counters, they are what there is. */
		if (!r->boot->buffers || i == MODEL_KERNEL(r->m))
			u->before[i] = u->now[i];
	}
}

static size_t count_buffers(const struct model_boot *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->event[i].kind == MODEL_BUFFER;
	return n;
}

static int place_all(struct model_replay *r, struct placing p[2], struct unexplained *u,
		     uint64_t (*ino)[3], struct place *out)
{
	uint64_t high = 0;
	size_t n_ino = 0;
	int ret = 0;

	while (!ret && model_replay_next(r)) {
		explain(u, r, ino, &n_ino);
		for (int i = 0; i < 2 && !ret; i++)
			ret = place_look(&p[i], r, u, !i);
		if (max_u64(p[0].fit.high, p[1].fit.high) > high) {
			high = max_u64(p[0].fit.high, p[1].fit.high);
			out->highest = r->t;
		}
		out->looked += r->dt;
		out->unaccounted = max_u64(out->unaccounted, r->own[MODEL_KERNEL(r->m)]);
		if (r->total <= out->together)
			continue;
		out->together = r->total;
		out->time = r->t;
	}
	out->early = p[0].fit.high;
	out->late = p[1].fit.high;
	out->unit = max_u64(p[0].fit.unit, p[1].fit.unit);
	return ret;
}

static int place_boot(const struct model *m, size_t boot, size_t region, unsigned int align_order,
		      struct place *out)
{
	struct placing p[2] = { { .fit.align_order = align_order, .id = 1 },
				{ .fit.align_order = align_order, .id = 1 } };
	size_t n = MODEL_TAKERS(m);
	struct dmem_arena a = { 0 };
	struct model_replay r;
	struct unexplained u = {
		dmem_alloc(&a, n * sizeof(uint64_t)), dmem_alloc(&a, n * sizeof(uint64_t)),
		dmem_alloc(&a, n * sizeof(uint64_t)),
	};
	uint64_t (*ino)[3] = dmem_alloc(&a, (count_buffers(&m->boot[boot]) + 1) * sizeof(*ino));
	int ret = model_replay_start(&r, m, boot, region);

	*out = (struct place){ 0 };
	for (int i = 0; i < 2; i++) {
		p[i].loose = dmem_alloc(&a, n * sizeof(uint64_t));
		if (!p[i].loose)
			ret = -ENOMEM;
	}
	if (!u.known || !u.before || !u.now || !ino)
		ret = -ENOMEM;
	if (!ret)
		ret = place_all(&r, p, &u, ino, out);
	for (int i = 0; i < 2; i++)
		firstfit_end(&p[i].fit);
	model_replay_end(&r);
	dmem_arena_free(&a);
	return ret;
}

/* ---- services ---- */

/* A part of the time in which a service had so much. */
struct part {
	uint64_t v, dt;
};

static int by_part(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return (x->v > y->v) - (x->v < y->v);
}

/* Half of the time in which it had anything, it had as much or more. */
static uint64_t usual(struct part *p, size_t n)
{
	uint64_t all = 0, below = 0;

	for (size_t i = 0; i < n; i++)
		all += p[i].dt;
	if (n)
		qsort(p, n, sizeof(*p), by_part);
	for (size_t i = 0; i < n; i++) {
		below += p[i].dt;
		if (2 * below > all)
			return p[i].v;
	}
	return 0;
}

static int find_usual(const struct model *m, size_t region, struct needs_service *s)
{
	struct part *part = NULL, *more;
	size_t n = 0, room = 0;
	struct model_replay r;
	int ret = 0;

	for (size_t b = 0; b < m->n_boots && !ret; b++) {
		ret = model_replay_start(&r, m, b, region);
		while (!ret && model_replay_next(&r)) {
			uint64_t v = r.own[s->service];

			if (!v || !r.dt)
				continue;
			if (n && part[n - 1].v == v) {
				part[n - 1].dt += r.dt;
				continue;
			}
			if (n == room) {
				room = 2 * room + 64;
				more = realloc(part, room * sizeof(*part));
				if (!more) {
					ret = -ENOMEM;
					break;
				}
				part = more;
			}
			part[n++] = (struct part){ v, r.dt };
		}
		model_replay_end(&r);
	}
	s->usual = usual(part, n);
	free(part);
	return ret;
}

static int find_peaks(const struct model *m, size_t region, const struct needs_options *o,
		      struct needs_service *s)
{
	uint64_t *peak = calloc(m->n_runs + 1, sizeof(*peak));

	if (!peak)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_runs; i++) {
		const struct model_run *run = &m->run[i];

		if (run->service != s->service || run->region != region || !run->peak)
			continue;
		peak[s->runs++] = run->peak;
		s->peak = max_u64(s->peak, run->peak);
		s->unseen = max_u64(s->unseen, run->peak - run->seen);
		s->refused += run->refused;
		s->max = run->max;
	}
	s->peak_quantile = quantile(peak, s->runs, o->quantile);
	free(peak);
	return 0;
}

static int by_peak(const void *a, const void *b)
{
	const struct needs_service *x = a, *y = b;

	if (x->peak != y->peak)
		return x->peak > y->peak ? -1 : 1;
	return (x->service > y->service) - (x->service < y->service);
}

static int find_services(struct needs *n, const struct model *m, size_t region,
			 const struct needs_options *o, struct needs_region *g)
{
	int ret = 0;

	g->service = dmem_alloc(&n->arena, (m->n_services + 1) * sizeof(*g->service));
	if (!g->service)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->n_services && !ret; i++) {
		struct needs_service *s = &g->service[g->n];

		*s = (struct needs_service){ .service = i, .max = DMEM_UNKNOWN };
		/* A slice has what is in it. */
		if (m->service[i].has_children)
			continue;
		ret = find_peaks(m, region, o, s);
		if (!ret && s->runs)
			ret = find_usual(m, region, s);
		if (!s->runs)
			continue;
		s->cap = round_up((uint64_t)ceil((double)s->peak_quantile * (1 + o->headroom)),
				  m->boot[0].page);
		g->unseen += s->unseen;
		g->all_peaks += s->peak;
		g->n++;
	}
	if (g->n)
		qsort(g->service, g->n, sizeof(*g->service), by_peak);
	return ret;
}

/* ---- reservations ---- */

/* With a part of what is usual reserved, how much is in use or kept free at most? */
static int kept_with(const struct model *m, size_t region, const struct needs_region *g,
		     double part, uint64_t *most)
{
	struct model_replay r;
	int ret = 0;

	*most = 0;
	for (size_t b = 0; b < m->n_boots && !ret; b++) {
		ret = model_replay_start(&r, m, b, region);
		while (!ret && model_replay_next(&r)) {
			uint64_t sum = r.total;

			for (size_t i = 0; i < g->n; i++) {
				uint64_t keep = (uint64_t)((double)g->service[i].usual * part);
				uint64_t has = r.own[g->service[i].service];

				sum += keep > has ? keep - has : 0;
			}
			*most = max_u64(*most, sum);
		}
		model_replay_end(&r);
	}
	return ret;
}

/* As much of what is usual as leaves room for all that has happened. */
static int find_reservations(const struct model *m, size_t region, struct needs_region *g)
{
	uint64_t page = m->boot[0].page, most;
	double low = 0, high = 1;
	int ret = kept_with(m, region, g, 1, &most);

	if (!ret && most <= g->size)
		low = 1;
	for (int i = 0; i < 10 && !ret && low < 1; i++) {
		double mid = (low + high) / 2;

		ret = kept_with(m, region, g, mid, &most);
		if (most <= g->size)
			low = mid;
		else
			high = mid;
	}
	g->reserved = low;
	for (size_t i = 0; i < g->n; i++) {
		struct needs_service *s = &g->service[i];

		s->reservation = min_u64((uint64_t)((double)s->usual * low) / page * page, s->cap);
	}
	return ret;
}

/* ---- conflicts ---- */

static int add_conflict(struct needs *n, struct needs_region *g, const struct needs_conflict *c)
{
	struct needs_conflict *more;

	if (g->n_conflicts == MAX_CONFLICTS) {
		g->more_conflicts = true;
		return 0;
	}
	more = dmem_grow(&n->arena, g->conflict, g->n_conflicts, sizeof(*more));
	if (!more)
		return -ENOMEM;
	g->conflict = more;
	more[g->n_conflicts++] = *c;
	return 0;
}

/* Services from @from on join those that are in @c. The array has the largest peak first,
 * so that the last one that joins is the smallest: as all fits without it, all fits without
 * any other one. */
static int find_conflicts(struct needs *n, struct needs_region *g, struct needs_conflict *c,
			  size_t from)
{
	uint64_t room = g->size - min_u64(g->unaccounted, g->size);
	int ret = 0;

	for (size_t i = from; i < g->n && !ret && !g->more_conflicts; i++) {
		c->service[c->n++] = (uint32_t)i;
		c->sum += g->service[i].peak;
		if (c->sum > room)
			ret = add_conflict(n, g, c);
		else if (c->n < NEEDS_SET)
			ret = find_conflicts(n, g, c, i + 1);
		c->sum -= g->service[i].peak;
		c->n--;
	}
	return ret;
}

/* ---- the size to propose ---- */

/* CONFIG_CMA_SIZE_MBYTES, where nobody has chosen another. */
#define DEFAULT_AREA	(UINT64_C(16) << 20)

/* The area of "linux,cma-default", or of "cma=" on the command line. */
static bool is_default_area(const char *region)
{
	return !strcmp(region, "cma/linux,cma") || !strncmp(region, "cma/linux,cma@", 14) ||
	       !strcmp(region, "cma/reserved");
}

/* Is its size a choice of whoever builds the board? */
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
	/* As much again as was seen of it, beside all that is needed. */
	if (g->unaccounted)
		floor = max_u64(floor, g->need + g->unaccounted);
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

/* ---- a region ---- */

struct sums {
	uint64_t *together, *early, *late;
	size_t n;
};

static int place_region(const struct model *m, size_t region, const struct needs_options *o,
			struct needs_region *g, struct sums *s)
{
	uint64_t most = 0;
	int ret = 0;

	g->sizes_known = true;
	for (size_t b = 0; b < m->n_boots && !ret; b++) {
		const struct model_boot *boot = &m->boot[b];
		struct place p;
		uint64_t bytes;

		if (boot->block != DMEM_UNKNOWN)
			g->block = max_u64(g->block, boot->block);
		ret = place_boot(m, b, region, o->align_order, &p);
		if (ret || !p.together)
			continue;
		bytes = g->cma ? max_u64(p.early, p.late) * boot->page : p.together;
		s->together[s->n] = p.together;
		s->early[s->n] = bytes;
		s->late[s->n++] = g->cma ? min_u64(p.early, p.late) * boot->page : p.together;
		g->boots++;
		g->time += p.looked;
		g->sizes_known &= boot->buffers;
		g->unit = max_u64(g->unit, p.unit * boot->page);
		g->unaccounted = max_u64(g->unaccounted, p.unaccounted);
		g->together_most = max_u64(g->together_most, p.together);
		if (bytes <= most)
			continue;
		most = bytes;
		g->worst = b;
		g->worst_time = (uint64_t)boot->epoch + p.time;
		g->decided = g->cma ? p.highest : p.time;
	}
	return ret;
}

static int find_region(struct needs *n, const struct model *m, size_t region,
		       const struct needs_options *o, struct needs_region *g)
{
	struct needs_conflict none = { 0 };
	struct sums s = {
		dmem_alloc(&n->arena, m->n_boots * sizeof(uint64_t)),
		dmem_alloc(&n->arena, m->n_boots * sizeof(uint64_t)),
		dmem_alloc(&n->arena, m->n_boots * sizeof(uint64_t)), 0,
	};
	int ret;

	*g = (struct needs_region){ .region = &m->region[region] };
	g->cma = !strncmp(g->region->name, "cma/", 4);
	g->is_default = is_default_area(g->region->name);
	if (!s.together || !s.early || !s.late)
		return -ENOMEM;
	ret = place_region(m, region, o, g, &s);
	if (!ret)
		ret = find_services(n, m, region, o, g);
	if (ret)
		return ret;
	g->together = quantile(s.together, s.n, o->quantile);
	g->placed = quantile(s.early, s.n, o->quantile);
	g->placed_least = quantile(s.late, s.n, o->quantile);
	g->all_peaks += g->unaccounted;
	g->need = g->placed + g->unseen;
	if (o->block != DMEM_UNKNOWN)
		g->block = o->block;
	g->block_assumed = g->cma && !g->block;
	/* As most kernels have it, of pages of 4 KiB. */
	if (!g->block)
		g->block = m->boot[0].page << (g->cma ? 10 : 0);
	if (!g->cma)
		g->block = m->boot[0].page;
	g->size = round_up((uint64_t)ceil((double)g->need * (1 + o->headroom)), g->block);
	ret = find_reservations(m, region, g);
	return ret ? ret : find_conflicts(n, g, &none, 0);
}

int needs_find(struct needs *n, const struct model *m, const struct needs_options *o)
{
	int ret = 0;

	*n = (struct needs){ 0 };
	n->region = dmem_alloc(&n->arena, (m->n_regions + 1) * sizeof(*n->region));
	if (!n->region)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_regions && m->n_boots && !ret; i++) {
		ret = find_region(n, m, i, o, &n->region[n->n]);
		/* A region that nobody has ever used needs no plan. */
		n->n += !ret && (n->region[n->n].boots || n->region[n->n].n);
	}
	return ret;
}

void needs_free(struct needs *n)
{
	dmem_arena_free(&n->arena);
}
