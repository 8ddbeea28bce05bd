// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Applies changes to the samples of a replay.
 *
 * The charge of a consumer has two parts: the sizes of its recorded buffers, and the rest. Each
 * buffer is changed once, when it is found, and keeps its new size and region, whoever is charged
 * for it later. The rest of a charge changes with the service.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "num.h"
#include "whatif.h"

/* Above any real size, and sums do not overflow. */
#define MAX_BYTES	(UINT64_C(1) << 60)
/* Above the relative error of a product of factors. */
#define FACTOR_ERROR	0x1p-46
/* Inode numbers of added buffers: real ones are far below. */
#define FIRST_INO	(UINT64_C(1) << 63)

/* A consumer in the changed load. */
struct changed {
	struct model_consumer c;	/* first */
	struct model_area *area;
	uint64_t buffers;		/* bytes of its buffers */
	uint64_t rest;			/* sum of recorded.rest, modulo 2^64 */
	bool touched;
};

/* A consumer in the recorded load. */
struct recorded {
	uint32_t service, region;
	uint64_t own, life;
	uint64_t buffers;		/* bytes of its buffers */
	uint64_t rest;			/* changed charge beyond these, modulo 2^64 */
	struct changed *to;
	bool touched, gone;
};

/* A list of pointers or events, which keeps its memory. */
struct list {
	void *at;
	size_t n, room;
};

/* State of one added service. */
struct added {
	uint64_t with;			/* charged consumers of the services that it runs with */
	bool here, ever;
};

struct whatif_replay {
	const struct whatif *w;
	struct dmem_arena arena;
	struct dmem_map recorded, changed;
	/* By inode number: 0: new size plus 1, 1: new region plus 1. */
	struct dmem_map buffers;
	struct dmem_map most;		/* largest charge plus 1, by life, and service and region */
	struct list touched_recorded, touched_changed;
	struct list active, event;
	struct model_area **area;	/* by region */
	struct list *list;		/* by region: its changed consumers in this sample */
	bool *present;			/* by region: the boot has it */
	struct added *added;		/* by option */
};

/* NULL: out of memory. */
static void *add_to(struct list *l, size_t size)
{
	void *more = dmem_room(l->at, l->n, &l->room, size);

	if (!more)
		return NULL;
	l->at = more;
	return (char *)more + l->n++ * size;
}

static int add_pointer(struct list *l, void *p)
{
	void **more = add_to(l, sizeof(*more));

	if (!more)
		return -ENOMEM;
	*more = p;
	return 0;
}

/* ---- sizes ---- */

/* Histories are not trusted: their pages may have any size. */
static uint64_t whole_pages(uint64_t v, uint64_t page)
{
	uint64_t rest = v % page, more = rest ? page - rest : 0;

	return more < MAX_BYTES - v ? v + more : MAX_BYTES;
}

static uint64_t added_size(const struct whatif_option *o, uint64_t page)
{
	return min_u64(whole_pages(o->bytes, page), MAX_BYTES / o->count);
}

/* In whole pages. 1.1 times 900 pages are 990, although 1.1 is no exact number: less than a byte
 * too much is no further page. */
static uint64_t scale(const struct whatif *w, uint32_t service, uint64_t v, uint64_t page)
{
	double factor = whatif_factor(w, service), x;

	if (factor == 1)
		return v;
	x = (double)v * factor;
	x = ceil(x - x * FACTOR_ERROR);
	v = x < (double)MAX_BYTES ? (uint64_t)x : MAX_BYTES;
	return whole_pages(v, page);
}

/* ---- consumers and areas ---- */

/* NULL: out of memory. */
static struct model_area *area_of(struct whatif_replay *w, struct model_replay *r, uint32_t region)
{
	struct model_area *a = w->area[region];

	if (!a) {
		a = w->area[region] = dmem_alloc(&w->arena, sizeof(*a));
		if (!a)
			return NULL;
		*a = (struct model_area){
			.region = region, .capacity = DMEM_UNKNOWN, .largest = DMEM_UNKNOWN,
			.others = { .service = MODEL_OTHERS(r->m), .region = region },
			.kernel = { .service = MODEL_KERNEL(r->m), .region = region },
		};
	}
	if (a->active)
		return a;
	a->active = true;
	return add_pointer(&w->active, a) ? NULL : a;
}

/* NULL: out of memory. */
static struct changed *changed_of(struct whatif_replay *w, struct model_replay *r, uint32_t service,
				  uint32_t region)
{
	uint64_t v = dmem_map_get(&w->changed, service, region);
	struct changed *c = (struct changed *)(uintptr_t)v;

	if (!c) {
		c = dmem_alloc(&w->arena, sizeof(*c));
		if (!c || dmem_map_put(&w->changed, service, region, (uintptr_t)c))
			return NULL;
		c->c.service = service;
		c->c.region = region;
	}
	c->area = area_of(w, r, region);
	if (!c->area)
		return NULL;
	if (c->touched)
		return c;
	c->touched = true;
	return add_pointer(&w->touched_changed, c) ? NULL : c;
}

/* NULL: out of memory. */
static struct recorded *recorded_of(struct whatif_replay *w, struct model_replay *r,
				    uint32_t service, uint32_t region)
{
	uint64_t v = dmem_map_get(&w->recorded, service, region);
	struct recorded *c = (struct recorded *)(uintptr_t)v;

	if (!c) {
		c = dmem_alloc(&w->arena, sizeof(*c));
		if (!c || dmem_map_put(&w->recorded, service, region, (uintptr_t)c))
			return NULL;
		c->service = service;
		c->region = region;
	}
	if (c->touched)
		return c;
	c->to = changed_of(w, r, service, whatif_region(w->w, service, region));
	c->touched = true;
	return c->to && !add_pointer(&w->touched_recorded, c) ? c : NULL;
}

static uint32_t consumer_of(const struct model_replay *r, uint32_t service)
{
	return service == MODEL_NONE ? MODEL_OTHERS(r->m) : service;
}

/* ---- events ---- */

static int push(struct whatif_replay *w, struct model_event e)
{
	struct model_event *more = add_to(&w->event, sizeof(*more));

	if (!more)
		return -ENOMEM;
	*more = e;
	return 0;
}

/* Adds the bytes to the buffers of the recorded consumer, or removes them: with @sign -1. */
static int note_recorded(struct whatif_replay *w, struct model_replay *r, uint32_t service,
			 const struct model_event *e, int sign)
{
	struct recorded *c = recorded_of(w, r, consumer_of(r, service), e->region);

	if (!c)
		return -ENOMEM;
	c->buffers += sign < 0 ? -e->v : e->v;
	return 0;
}

static int note_changed(struct whatif_replay *w, struct model_replay *r, uint32_t service,
			const struct model_event *e, int sign)
{
	struct changed *c = changed_of(w, r, consumer_of(r, service), e->region);

	if (!c)
		return -ENOMEM;
	c->buffers += sign < 0 ? -e->v : e->v;
	return 0;
}

/* Notes the buffers of an event, in the recorded or the changed load. */
static int note(struct whatif_replay *w, struct model_replay *r, const struct model_event *e,
		int (*note_one)(struct whatif_replay *w, struct model_replay *r, uint32_t service,
				const struct model_event *e, int sign))
{
	int ret = e->kind == MODEL_BUFFER ? 0 : note_one(w, r, e->was, e, -1);

	return ret || e->kind == MODEL_FREED ? ret : note_one(w, r, e->service, e, 1);
}

static int add_event(struct whatif_replay *w, struct model_replay *r, struct model_event e)
{
	int ret = note(w, r, &e, note_changed);

	return ret ? ret : push(w, e);
}

/* A request that was refused stays refused, unless its service is left out. */
static int change_refused(struct whatif_replay *w, struct model_replay *r, struct model_event e)
{
	e.region = whatif_region(w->w, e.service, e.region);
	if (!whatif_factor(w->w, e.service))
		return 0;
	return area_of(w, r, e.region) ? push(w, e) : -ENOMEM;
}

static int change_event(struct whatif_replay *w, struct model_replay *r, struct model_event e)
{
	uint64_t size;
	int ret;

	if (e.kind == MODEL_REFUSED)
		return change_refused(w, r, e);
	ret = note(w, r, &e, note_recorded);
	if (ret)
		return ret;
	if (e.kind == MODEL_BUFFER) {
		uint32_t region = whatif_region(w->w, consumer_of(r, e.service), e.region);

		e.v = scale(w->w, consumer_of(r, e.service), e.v, r->boot->page);
		if (!e.v)
			return 0;
		if (dmem_map_put(&w->buffers, e.ino, 0, e.v + 1) ||
		    dmem_map_put(&w->buffers, e.ino, 1, (uint64_t)region + 1))
			return -ENOMEM;
	}
	size = dmem_map_get(&w->buffers, e.ino, 0);
	/* A buffer of a service that is left out. */
	if (!size)
		return 0;
	e.v = size - 1;
	e.region = (uint32_t)dmem_map_get(&w->buffers, e.ino, 1) - 1;
	if (e.kind == MODEL_FREED) {
		dmem_map_take(&w->buffers, e.ino, 0);
		dmem_map_take(&w->buffers, e.ino, 1);
	}
	return add_event(w, r, e);
}

/* ---- added services ---- */

static bool runs_with(const struct whatif *w, const struct whatif_option *o, uint32_t service)
{
	return o->with && service < w->n_services && o->with[service];
}

/* Counts the charged consumers that added services run with. */
static void note_charge(struct whatif_replay *w, const struct recorded *c, uint64_t own)
{
	if (!own == !c->own)
		return;
	for (size_t i = 0; i < w->w->n; i++) {
		if (w->w->option[i].kind == WHATIF_ADD &&
		    runs_with(w->w, &w->w->option[i], c->service))
			w->added[i].with += own ? 1 : UINT64_MAX;
	}
}

/* Allocates or frees all buffers of an added service. */
static int switch_added(struct whatif_replay *w, struct model_replay *r, size_t option)
{
	const struct whatif_option *o = &w->w->option[option];
	struct added *d = &w->added[option];
	struct model_event e = {
		added_size(o, r->boot->page), FIRST_INO + ((uint64_t)option << 32), o->service, o->service,
		o->at, d->here ? MODEL_FREED : MODEL_BUFFER,
	};
	int ret = 0;

	d->here = !d->here;
	d->ever = true;
	for (uint64_t i = 0; i < o->count && !ret; i++, e.ino++)
		ret = add_event(w, r, e);
	return ret;
}

static int step_added(struct whatif_replay *w, struct model_replay *r)
{
	int ret = 0;

	for (size_t i = 0; i < w->w->n && !ret; i++) {
		const struct whatif_option *o = &w->w->option[i];
		bool wanted;

		if (o->kind != WHATIF_ADD)
			continue;
		wanted = w->present[o->at] && (!o->with || w->added[i].with);
		if (wanted != w->added[i].here)
			ret = switch_added(w, r, i);
	}
	return ret;
}

/* ---- a sample ---- */

static uint64_t add_capacity(uint64_t a, uint64_t b)
{
	if (a == DMEM_UNKNOWN || b == DMEM_UNKNOWN)
		return DMEM_UNKNOWN;
	return min_u64(min_u64(a, MAX_BYTES) + min_u64(b, MAX_BYTES), MAX_BYTES);
}

/* The capacity of a merged region is the sum of both. */
static void set_capacity(const struct whatif *w, const struct model_replay *r,
			 struct model_area *to, const struct model_area *from)
{
	to->largest = w->touched[to->region] ? DMEM_UNKNOWN : from->largest;
	to->capacity = from->capacity;
	to->kernel_known = from->kernel_known;
	for (uint32_t i = 0; w->merged[to->region] && i < w->n_regions; i++) {
		if (w->into[i] == to->region && r->area[i] && r->area[i] != from)
			to->capacity = add_capacity(to->capacity, r->area[i]->capacity);
	}
}

static int read_area(struct whatif_replay *w, struct model_replay *r, const struct model_area *a)
{
	uint32_t region = w->w->into[a->region];
	struct model_area *to = area_of(w, r, region);

	if (!to)
		return -ENOMEM;
	set_capacity(w->w, r, to, a);
	w->present[region] = true;
	for (size_t i = 0; i < w->w->n; i++) {
		const struct whatif_option *o = &w->w->option[i];

		/* In the order in which regions were split. */
		if (o->kind == WHATIF_SPLIT && w->present[o->from])
			w->present[o->at] = true;
	}
	for (size_t i = 0; i < a->n_changed; i++) {
		const struct model_consumer *c = a->changed[i];
		struct recorded *mine = recorded_of(w, r, c->service, c->region);

		if (!mine)
			return -ENOMEM;
		note_charge(w, mine, c->own);
		mine->own = c->own;
		mine->life = c->life;
		mine->gone = c->gone;
	}
	return 0;
}

/* The charge beyond the buffers, or what is missing for them, changes with the service. */
static int set_rest(struct whatif_replay *w, struct model_replay *r, struct recorded *c)
{
	uint64_t page = r->boot->page, rest;
	struct changed *to = c->to;

	if (c->own >= c->buffers)
		rest = scale(w->w, c->service, c->own - c->buffers, page);
	else
		rest = -scale(w->w, c->service, c->buffers - c->own, page);
	to = changed_of(w, r, to->c.service, to->c.region);
	if (!to)
		return -ENOMEM;
	to->rest += rest - c->rest;
	to->c.life = c->life;
	to->c.gone = c->gone;
	c->rest = rest;
	return 0;
}

/* Keeps the largest charge of a cgroup. */
static int note_most(struct whatif_replay *w, const struct model_replay *r,
		     const struct model_consumer *c)
{
	uint64_t key = (uint64_t)c->service << 32 | c->region;

	if (c->service >= r->m->n_services || !c->own ||
	    dmem_map_get(&w->most, c->life, key) > c->own)
		return 0;
	return dmem_map_put(&w->most, c->life, key, c->own + 1);
}

static int set_own(struct whatif_replay *w, const struct model_replay *r, struct changed *c)
{
	struct model_area *a = c->area;
	uint64_t own = c->buffers + c->rest;

	/* Negative, if counters and buffers are not of the same moment. */
	if (own > UINT64_MAX / 2)
		own = 0;
	a->total += own - c->c.own;
	c->c.own = own;
	if (c->c.service == MODEL_OTHERS(r->m))
		a->others.own = own;
	if (c->c.service == MODEL_KERNEL(r->m))
		a->kernel.own = own;
	if (add_pointer(&w->list[a->region], c))
		return -ENOMEM;
	return note_most(w, r, &c->c);
}

static void forget(struct whatif_replay *w)
{
	struct model_area **active = w->active.at;

	for (size_t i = 0; i < w->active.n; i++) {
		active[i]->active = false;
		w->list[active[i]->region].n = 0;
	}
	w->active.n = w->event.n = w->touched_recorded.n = w->touched_changed.n = 0;
}

/* Hands the changed sample to the reader of the replay. */
static void hand_over(struct whatif_replay *w, struct model_replay *r)
{
	struct model_area **active = w->active.at;

	for (size_t i = 0; i < w->active.n; i++) {
		active[i]->changed = w->list[active[i]->region].at;
		active[i]->n_changed = w->list[active[i]->region].n;
	}
	r->active = w->active.at;
	r->n_active = w->active.n;
	r->from = w->event.at;
	r->to = r->from + w->event.n;
}

int whatif_step(struct whatif_replay *w, struct model_replay *r)
{
	int ret = 0;

	forget(w);
	for (size_t i = 0; i < r->n_active && !ret; i++)
		ret = read_area(w, r, r->active[i]);
	for (const struct model_event *e = r->from; e < r->to && !ret; e++)
		ret = change_event(w, r, *e);
	if (!ret)
		ret = step_added(w, r);
	for (size_t i = 0; i < w->touched_recorded.n; i++) {
		struct recorded *c = ((struct recorded **)w->touched_recorded.at)[i];

		c->touched = false;
		ret = ret ? ret : set_rest(w, r, c);
	}
	for (size_t i = 0; i < w->touched_changed.n; i++) {
		struct changed *c = ((struct changed **)w->touched_changed.at)[i];

		c->touched = false;
		ret = ret ? ret : set_own(w, r, c);
	}
	hand_over(w, r);
	return ret;
}

/* ---- a boot ---- */

struct whatif_replay *whatif_start(const struct whatif *w)
{
	struct whatif_replay *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->w = w;
	r->area = calloc(w->n_regions + 1, sizeof(*r->area));
	r->list = calloc(w->n_regions + 1, sizeof(*r->list));
	r->present = calloc(w->n_regions + 1, sizeof(*r->present));
	r->added = calloc(w->n + 1, sizeof(*r->added));
	if (r->area && r->list && r->present && r->added)
		return r;
	whatif_end(r);
	return NULL;
}

struct runs {
	struct dmem_map at;
	struct model_run *run;
	size_t n, room;
};

/* Adds a run, or the same cgroup's use of another region that is merged with the first one. */
static int add_run(struct runs *all, const struct whatif_replay *w, const struct model_run *old,
		   uint64_t page)
{
	uint32_t region = whatif_region(w->w, old->service, old->region);
	uint64_t key = (uint64_t)old->service << 32 | region;
	uint64_t at = dmem_map_get(&all->at, old->life, key);
	uint64_t most = dmem_map_get(&w->most, old->life, key);
	struct model_run *run;

	if (!at) {
		run = &all->run[all->n++];
		*run = *old;
		run->region = region;
		run->refused = 0;
		run->peak = run->seen = most ? most - 1 : 0;
		if (region != old->region)
			run->max = run->min = DMEM_UNKNOWN;
		if (dmem_map_put(&all->at, old->life, key, all->n))
			return -ENOMEM;
	} else {
		run = &all->run[at - 1];
		run->max = run->min = DMEM_UNKNOWN;
	}
	run->peak += scale(w->w, old->service, old->peak - min_u64(old->seen, old->peak), page);
	run->refused += old->refused;
	run->counted |= old->counted;
	return 0;
}

/* An added service has one run, even if several options add buffers of it. */
static int add_added(struct runs *all, const struct whatif_replay *w)
{
	for (size_t i = 0; i < w->w->n; i++) {
		const struct whatif_option *o = &w->w->option[i];
		uint64_t key = (uint64_t)o->service << 32 | o->at, most;

		if (o->kind != WHATIF_ADD || !w->added[i].ever || dmem_map_get(&all->at, 0, key))
			continue;
		most = dmem_map_get(&w->most, 0, key);
		all->run[all->n++] = (struct model_run){
			.service = o->service, .region = o->at, .peak = most ? most - 1 : 0,
			.seen = most ? most - 1 : 0, .max = DMEM_UNKNOWN, .min = DMEM_UNKNOWN,
		};
		if (dmem_map_put(&all->at, 0, key, all->n))
			return -ENOMEM;
	}
	return 0;
}

int whatif_runs(const struct whatif_replay *w, const struct model_replay *r,
		struct model_run **run, size_t *n)
{
	struct runs all = { .run = calloc(r->n_runs + w->w->n + 1, sizeof(*all.run)) };
	int ret = all.run ? 0 : -ENOMEM;

	for (size_t i = 0; i < r->n_runs && !ret; i++) {
		if (whatif_factor(w->w, r->run[i].service))
			ret = add_run(&all, w, &r->run[i], r->boot->page);
	}
	if (!ret)
		ret = add_added(&all, w);
	dmem_map_free(&all.at);
	*run = all.run;
	*n = all.n;
	return ret;
}

void whatif_end(struct whatif_replay *w)
{
	if (!w)
		return;
	for (size_t i = 0; w->list && i < w->w->n_regions; i++)
		free(w->list[i].at);
	free(w->list);
	free(w->area);
	free(w->present);
	free(w->added);
	free(w->touched_recorded.at);
	free(w->touched_changed.at);
	free(w->active.at);
	free(w->event.at);
	dmem_map_free(&w->recorded);
	dmem_map_free(&w->changed);
	dmem_map_free(&w->buffers);
	dmem_map_free(&w->most);
	dmem_arena_free(&w->arena);
	free(w);
}
