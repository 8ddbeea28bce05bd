// SPDX-License-Identifier: GPL-2.0-or-later
/* Replays a boot: places its buffers in an area without an end, and sums up charges. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dmemctl/prometheus/convert.h"
#include "firstfit.h"
#include "num.h"
#include "place.h"

/* Owners in struct firstfit. Known buffers have inode numbers; each consumer also has loose pages,
 * which belong to no known buffer. */
#define KNOWN		UINT64_C(1)
#define LOOSE		UINT64_C(2)

/* Ways to place the buffers of an area, as bits. The order of events between two samples is
 * unknown: new buffers came before others were freed, or after that. And the area has no end, or
 * it has the size of a trial. */
#define WAY_AFTER	1
#define WAY_ENDS	2
#define WAYS		4

/* A consumer of memory in one region. */
struct consumer {
	struct place_service s;
	uint64_t own;
	/* @known: bytes of its buffers. @before and @now: charges beyond these, in the last two
	 * samples, since counters and buffers are not read at the same moment. */
	uint64_t known, before, now;
	uint64_t arrived;		/* bytes of its buffers that are new in this sample */
	bool late;			/* the last sample had charges of these buffers, or others */
	/* @lack and @lacked: bytes of its buffers that it is not charged for, in the last two
	 * samples. @rest: such bytes of its descendants, which its own charge includes. @passed:
	 * the part handed on to its parent. */
	uint64_t lack, lacked, rest, passed;
	uint64_t loose[WAYS];		/* pages placed without a buffer, for each way */
	struct place_refused *refused[2];	/* for each order, or NULL */
	uint64_t counted;		/* charge since @since */
	uint64_t since;
	uint64_t step;			/* the step in whose list @touched it is */
	bool tallied;
};

struct area {
	struct place_region g;
	bool cma;
	int ways;			/* 2, or with a trial WAYS */
	struct firstfit fit[WAYS];	/* their ends are those of the current day */
	uint64_t before[2];		/* the highest ends of earlier days, in pages */
	uint64_t id, high, step;
	uint64_t total;			/* bytes, in the last sample */
	uint64_t charged;		/* of these, those of cgroups */
	uint64_t since;			/* recorded time from which on it was @total */
	uint64_t day_most;		/* largest @total of the current day */
	/* Consumers to place in this sample, and again in the next one. */
	struct consumer **touched, **again;
	size_t n_touched, n_again, touched_room, again_room;
};

struct placing {
	const struct model *m;
	const struct place_options *o;
	struct model_replay r;
	struct dmem_arena arena;
	struct dmem_map consumers, areas, sizes;
	struct consumer **consumer;
	struct area **area;
	/* Areas with consumers to place again, and those of the current sample. */
	struct area **busy, **next;
	size_t n_consumers, n_areas, n_busy, n_next;
	struct place_day *day;
	size_t n_days, days_room;
	uint64_t today;			/* days since 1970 */
	uint64_t step;
};

bool place_is_cma(const char *region)
{
	return !strncmp(region, "cma/", 4);
}

static uint64_t pages_of(const struct placing *p, uint64_t bytes)
{
	uint64_t page = p->r.boot->page;

	return bytes / page + (bytes % page != 0);
}

static void set_ways(const struct placing *p, struct area *a)
{
	uint64_t size = p->o->size ? p->o->size[a->g.region] : DMEM_UNKNOWN;

	a->ways = size == DMEM_UNKNOWN ? WAY_ENDS : WAYS;
	for (int way = 0; way < a->ways; way++) {
		struct firstfit *f = &a->fit[way];

		f->align_order = p->o->align_order;
		f->ends = way & WAY_ENDS;
		f->scattered = f->ends && !a->cma;
		f->size = f->scattered ? size : size / p->r.boot->page;
	}
}

/* NULL: out of memory. */
static struct area *find_area(struct placing *p, uint32_t region)
{
	uint64_t v = dmem_map_get(&p->areas, region, 0);
	struct area *a, **more;

	if (v)
		return p->area[v - 1];
	more = dmem_grow(&p->arena, p->area, p->n_areas, sizeof(*more));
	a = dmem_alloc(&p->arena, sizeof(*a));
	if (!more || !a)
		return NULL;
	p->area = more;
	*a = (struct area){
		.g = { .region = region, .capacity = DMEM_UNKNOWN }, .id = 1,
		.cma = place_is_cma(p->m->region[region].name),
	};
	set_ways(p, a);
	more[p->n_areas++] = a;
	return dmem_map_put(&p->areas, region, 0, p->n_areas) ? NULL : a;
}

/* NULL: out of memory. */
static struct consumer *find_consumer(struct placing *p, uint32_t service, uint32_t region)
{
	uint64_t v = dmem_map_get(&p->consumers, service, region);
	struct consumer *t, **more;

	if (v)
		return p->consumer[v - 1];
	more = dmem_grow(&p->arena, p->consumer, p->n_consumers, sizeof(*more));
	t = dmem_alloc(&p->arena, sizeof(*t));
	if (!more || !t)
		return NULL;
	p->consumer = more;
	t->s.service = service;
	t->s.region = region;
	t->tallied = service < p->m->n_services && !p->m->service[service].has_children;
	more[p->n_consumers++] = t;
	return dmem_map_put(&p->consumers, service, region, p->n_consumers) ? NULL : t;
}

static struct consumer *consumer_of(struct placing *p, uint32_t service, uint32_t region)
{
	return find_consumer(p, service == MODEL_NONE ? MODEL_OTHERS(p->m) : service, region);
}

static int put_consumer(struct consumer ***list, size_t *n, size_t *room, struct consumer *t)
{
	struct consumer **more = dmem_room(*list, *n, room, sizeof(*more));

	if (!more)
		return -ENOMEM;
	*list = more;
	more[(*n)++] = t;
	return 0;
}

static int touch(struct placing *p, struct area *a, struct consumer *t)
{
	if (t->step == p->step)
		return 0;
	t->step = p->step;
	return put_consumer(&a->touched, &a->n_touched, &a->touched_room, t);
}

/* ---- duration of charges ---- */

static int count_time(struct placing *p, struct consumer *t)
{
	uint64_t length = p->r.clock - t->since;

	t->since = p->r.clock;
	if (!t->tallied || !t->counted)
		return 0;
	return tally_add(&t->s.use.ms, t->counted, length);
}

static int set_own(struct placing *p, struct consumer *t, uint64_t own)
{
	int ret = own == t->counted ? 0 : count_time(p, t);

	if (t->tallied && !ret)
		ret = confidence_rise(&t->s.use, t->counted, own);
	t->own = t->counted = own;
	t->s.most = max_u64(t->s.most, own);
	return ret;
}

static int count_area_time(struct placing *p, struct area *a)
{
	uint64_t length = p->r.clock - a->since;

	a->since = p->r.clock;
	return tally_add(&a->g.use.ms, a->total, length);
}

static int set_total(struct placing *p, struct area *a, uint64_t total)
{
	int ret = total == a->total ? 0 : count_area_time(p, a);

	if (!ret)
		ret = confidence_rise(&a->g.use, a->total, total);
	a->total = total;
	a->day_most = max_u64(a->day_most, total);
	return ret;
}

/* ---- days ---- */

static int add_day(struct placing *p, struct area *a)
{
	struct place_day *more = dmem_room(p->day, p->n_days, &p->days_room, sizeof(*more));

	if (!more)
		return -ENOMEM;
	p->day = more;
	more[p->n_days++] = (struct place_day){
		.region = a->g.region, .day = p->today,
		.placed = a->cma ? max_u64(a->fit[0].high, a->fit[1].high) * p->r.boot->page :
			  a->day_most,
	};
	return 0;
}

static int end_day(struct placing *p)
{
	int ret = 0;

	for (size_t i = 0; i < p->n_areas && !ret; i++) {
		struct area *a = p->area[i];

		if (a->day_most)
			ret = add_day(p, a);
		a->day_most = a->total;
		for (int way = 0; way < 2; way++) {
			a->before[way] = max_u64(a->before[way], a->fit[way].high);
			firstfit_restart(&a->fit[way]);
		}
	}
	return ret;
}

static int choose_day(struct placing *p)
{
	uint64_t day = model_wall(p->r.boot, p->r.t) / PLACE_DAY_MS;
	int ret = day == p->today ? 0 : end_day(p);

	p->today = day;
	return ret;
}

/* ---- refused requests ---- */

/* Notes a request for @pages that found no place. */
static int note_refused(struct placing *p, const struct area *a, struct consumer *t, int way,
			uint64_t pages)
{
	struct place_refused **r = &t->refused[way & WAY_AFTER];
	const struct firstfit *f = &a->fit[way];
	uint64_t unit = f->scattered ? 1 : p->r.boot->page;

	if (!*r) {
		*r = dmem_alloc(&p->arena, sizeof(**r));
		if (!*r)
			return -ENOMEM;
		**r = (struct place_refused){
			.service = t->s.service, .region = t->s.region,
			.order = way & WAY_AFTER, .t = p->r.t, .asked = pages * unit,
			.free = (f->size - f->pages) * unit,
		};
		(*r)->run = f->scattered ? (*r)->free : firstfit_largest(f, f->size) * unit;
	}
	(*r)->n++;
	return 0;
}

static int alloc(struct placing *p, struct area *a, struct consumer *t, int way, uint64_t owner,
		 uint64_t id, uint64_t pages)
{
	int ret = firstfit_alloc(&a->fit[way], owner, id, pages);

	a->g.largest_buffer = max_u64(a->g.largest_buffer, pages * p->r.boot->page);
	return ret > 0 ? note_refused(p, a, t, way, pages) : ret;
}

/* ---- buffers ---- */

/* Counts one buffer of that size more or less. */
static int count_size(struct placing *p, struct consumer *t, uint64_t size, bool more)
{
	uint64_t key = (uintptr_t)t, n = dmem_map_take(&p->sizes, key, size);

	if (t->tallied && holdings_change(&t->s.held, size, more, p->r.clock))
		return -ENOMEM;
	n = more ? n + 1 : n ? n - 1 : 0;
	if (more && (double)n * (double)size >= (double)t->s.buffers * (double)t->s.buffer) {
		t->s.buffers = n;
		t->s.buffer = size;
	}
	return n ? dmem_map_put(&p->sizes, key, size, n) : 0;
}

static int add_known(struct placing *p, struct area *a, uint32_t service, uint64_t size, bool more)
{
	struct consumer *t = consumer_of(p, service, a->g.region);
	int ret = t ? touch(p, a, t) : -ENOMEM;

	if (ret)
		return ret;
	t->known = more ? t->known + size : t->known - min_u64(size, t->known);
	t->arrived += more ? size : 0;
	return count_size(p, t, size, more);
}

/* True if buffers have no owners: together, they explain the charges of all cgroups. */
static bool is_pooled(const struct placing *p)
{
	return p->m->prometheus && p->m->prometheus->sizes;
}

/* Charge of the consumer beyond its own buffers. */
static uint64_t unexplained(const struct placing *p, const struct area *a, const struct consumer *t)
{
	uint64_t own = t->own;

	if (is_pooled(p) && t->s.service != MODEL_KERNEL(p->m))
		own = t->s.service == MODEL_OTHERS(p->m) ? a->charged : 0;
	return own > t->known ? own - t->known : 0;
}

/* Finds buffers whose owner is not charged for them any more: the nearest ancestor with such a
 * charge, or MODEL_OTHERS, pays for them. */
static int pass_on(struct placing *p, struct area *a, struct consumer *t)
{
	uint64_t passed, room;

	while (t->s.service < p->m->n_services) {
		room = unexplained(p, a, t);
		passed = min_u64(t->lack, t->lacked) + (t->rest > room ? t->rest - room : 0);
		if (passed == t->passed)
			return 0;
		room = passed - t->passed;
		t->passed = passed;
		t = consumer_of(p, p->m->service[t->s.service].parent, a->g.region);
		if (!t || touch(p, a, t))
			return -ENOMEM;
		t->rest += room;
	}
	return 0;
}

/* The charge of the last sample that no buffer had explained then, and that the new buffers do not
 * explain now: while a service allocates one buffer after the other, each sample can have the charge
 * of one that is seen in the next. What two samples had remains. */
static uint64_t still_unexplained(const struct consumer *t)
{
	return max_u64(min_u64(t->before, t->now), t->now - min_u64(t->arrived, t->now));
}

static int explain(struct placing *p, struct area *a)
{
	int ret = 0;

	for (const struct model_event *e = p->r.from; e < p->r.to && !ret; e++) {
		if (e->region != a->g.region)
			continue;
		a->g.charged |= e->kind == MODEL_REFUSED;
		if (e->kind == MODEL_REFUSED)
			continue;
		if (e->kind != MODEL_BUFFER)
			ret = add_known(p, a, e->was, e->v, false);
		if (!ret && e->kind != MODEL_FREED)
			ret = add_known(p, a, e->service, e->v, true);
	}
	for (size_t i = 0; i < a->n_touched; i++) {
		struct consumer *t = a->touched[i];

		t->lacked = t->lack;
		t->lack = t->known > t->own ? t->known - t->own : 0;
	}
	/* May add ancestors to @touched. */
	for (size_t i = 0; i < a->n_touched && !ret; i++)
		ret = pass_on(p, a, a->touched[i]);
	for (size_t i = 0; i < a->n_touched; i++) {
		struct consumer *t = a->touched[i];

		t->before = still_unexplained(t);
		t->late = t->arrived && t->now;
		t->arrived = 0;
		t->now = unexplained(p, a, t);
		t->now -= min_u64(t->rest, t->now);
		/* Without a record of buffers, all charges are placed at once. */
		if (!p->r.boot->buffers || t->s.service == MODEL_KERNEL(p->m))
			t->before = t->now;
	}
	return ret;
}

static uint64_t loose_now(const struct placing *p, const struct consumer *t)
{
	return pages_of(p, min_u64(t->now, t->before));
}

/* The kernel charges a buffer before the buffer exists: loose pages of an earlier sample become the
 * buffer. */
static int place_charged(struct placing *p, struct area *a, int way)
{
	int ret = 0;

	for (const struct model_event *e = p->r.from; e < p->r.to && !ret; e++) {
		uint64_t pages = pages_of(p, e->v);
		struct consumer *t;

		if (e->region != a->g.region || e->kind != MODEL_BUFFER || !pages ||
		    firstfit_has(&a->fit[way], KNOWN, e->ino))
			continue;
		t = consumer_of(p, e->service, e->region);
		if (!t)
			return -ENOMEM;
		if (t->loose[way] < loose_now(p, t) + pages)
			continue;
		ret = firstfit_rename(&a->fit[way], LOOSE + t->s.service, pages, KNOWN, e->ino);
		if (!ret)
			t->loose[way] -= pages;
		ret = ret == -ENOENT ? 0 : ret;
	}
	return ret;
}

static int place_new(struct placing *p, struct area *a, int way, const struct model_event *e)
{
	struct consumer *t = consumer_of(p, e->service, e->region);

	if (!t)
		return -ENOMEM;
	return alloc(p, a, t, way, KNOWN, e->ino, pages_of(p, e->v));
}

static int place_known(struct placing *p, struct area *a, int way, bool come)
{
	struct firstfit *f = &a->fit[way];
	int ret = 0;

	for (const struct model_event *e = p->r.from; e < p->r.to && !ret; e++) {
		if (e->region != a->g.region)
			continue;
		if (!come && e->kind == MODEL_FREED)
			ret = firstfit_free(f, KNOWN, e->ino);
		else if (come && e->kind == MODEL_BUFFER && !firstfit_has(f, KNOWN, e->ino))
			ret = place_new(p, a, way, e);
		ret = ret == -ENOENT ? 0 : ret;
	}
	return ret;
}

static int place_loose(struct placing *p, struct area *a, int way, bool come, bool late)
{
	int ret = 0;

	for (size_t i = 0; i < a->n_touched && !ret; i++) {
		struct consumer *t = a->touched[i];
		uint64_t pages = loose_now(p, t), owner = LOOSE + t->s.service;

		if (t->late != late)
			continue;
		if (come && pages > t->loose[way])
			ret = alloc(p, a, t, way, owner, a->id++, pages - t->loose[way]);
		else if (!come && pages < t->loose[way])
			ret = firstfit_give_back(&a->fit[way], owner, t->loose[way] - pages);
		else
			continue;
		t->loose[way] = pages;
	}
	return ret;
}

static int place_sample(struct placing *p, struct area *a, int way)
{
	int ret = place_charged(p, a, way);

	for (int i = 0; i < 2 && !ret; i++) {
		bool come = !(way & WAY_AFTER) == !i;

		/* Loose pages, such as the kernel's, came first. If they were charged with
		 * buffers that are seen now, they are buffers that will be seen later. */
		ret = place_loose(p, a, way, come, false);
		if (!ret)
			ret = place_known(p, a, way, come);
		if (!ret)
			ret = place_loose(p, a, way, come, true);
	}
	return ret;
}

/* Compares the charges with the end of a region that needs no contiguous memory: each rise is one
 * request. */
static int place_sums(struct placing *p, struct area *a)
{
	const int way = WAY_AFTER | WAY_ENDS;
	int ret = 0;

	for (int come = 0; come < 2; come++) {
		for (size_t i = 0; i < a->n_touched && !ret; i++) {
			struct consumer *t = a->touched[i];
			uint64_t owner = LOOSE + t->s.service, had = t->loose[way];

			if (come ? t->own <= had : t->own >= had)
				continue;
			t->loose[way] = t->own;
			if (come)
				ret = alloc(p, a, t, way, owner, a->id++, t->own - had);
			else
				ret = firstfit_give_back(&a->fit[way], owner, had - t->own);
		}
	}
	return ret;
}

static int place_all(struct placing *p, struct area *a)
{
	int ret = 0;

	if (!a->cma)
		return a->ways == WAYS ? place_sums(p, a) : 0;
	for (int way = 0; way < a->ways && !ret; way++)
		ret = place_sample(p, a, way);
	return ret;
}

/* ---- a sample ---- */

static int by_service(const void *a, const void *b)
{
	const struct consumer *x = *(struct consumer * const *)a;
	const struct consumer *y = *(struct consumer * const *)b;

	return (x->s.service > y->s.service) - (x->s.service < y->s.service);
}

static int touch_changed(struct placing *p, struct area *a, const struct model_area *now)
{
	int ret = 0;

	for (size_t i = 0; now && i < now->n_changed && !ret; i++) {
		struct model_consumer *c = now->changed[i];

		if (!c->data)
			c->data = find_consumer(p, c->service, c->region);
		if (!c->data)
			return -ENOMEM;
		ret = set_own(p, c->data, c->own);
		if (!ret)
			ret = touch(p, a, c->data);
	}
	for (size_t i = 0; i < a->n_again && !ret; i++)
		ret = touch(p, a, a->again[i]);
	a->n_again = 0;
	return ret;
}

static void note_figures(struct placing *p, struct area *a, const struct model_area *now)
{
	struct place_region *g = &a->g;

	g->capacity = now->capacity;
	if (now->kernel_known)
		kernel_use_add(&g->kernel, now->kernel.own, p->r.t);
	g->unaccounted = max_u64(g->unaccounted, now->kernel.own);
	g->others = max_u64(g->others, now->others.own);
	g->charged |= now->total > now->kernel.own;
	if (now->total <= g->together)
		return;
	g->together = now->total;
	g->time = p->r.t;
}

/* True if the region has the same buffers as in the last sample. */
static bool is_quiet(const struct placing *p, const struct area *a, const struct model_area *now)
{
	for (const struct model_event *e = p->r.from; e < p->r.to; e++) {
		if (e->region == a->g.region && (e->kind == MODEL_BUFFER || e->kind == MODEL_FREED))
			return false;
	}
	return now->total == a->total;
}

/* Compares the largest free run, the only measured fact about the real places of buffers. It is not
 * read at the same moment as the counters and buffers, so it is ignored while these change, or
 * while charges have no place yet. */
static int compare_run(struct placing *p, struct area *a, const struct model_area *now)
{
	uint64_t page = p->r.boot->page, most = 0, least = UINT64_MAX;

	if (now->capacity == DMEM_UNKNOWN || now->largest == DMEM_UNKNOWN || !a->cma ||
	    !is_quiet(p, a, now))
		return 0;
	for (int way = 0; way < 2; way++) {
		uint64_t placed = a->fit[way].pages * page;
		uint64_t run = firstfit_largest(&a->fit[way], now->capacity / page) * page;

		if (placed < now->total || placed - now->total > p->n_consumers * page)
			return 0;
		most = max_u64(most, run);
		least = min_u64(least, run);
	}
	return confidence_compare(&a->g.runs, p->r.t, now->largest, least, most);
}

static int pool_charges(struct placing *p, struct area *a, const struct model_area *now)
{
	struct consumer *others = find_consumer(p, MODEL_OTHERS(p->m), a->g.region);

	a->charged = now->total - now->kernel.own;
	return others ? touch(p, a, others) : -ENOMEM;
}

/* @now: the area's changes, or NULL: only consumers left from the last sample. */
static int add_to_area(struct placing *p, struct area *a, const struct model_area *now)
{
	int ret = touch_changed(p, a, now);

	a->step = p->step;
	if (now)
		note_figures(p, a, now);
	if (now && is_pooled(p) && !ret)
		ret = pool_charges(p, a, now);
	if (!ret)
		ret = explain(p, a);
	if (a->n_touched > 1)
		qsort(a->touched, a->n_touched, sizeof(*a->touched), by_service);
	if (!ret)
		ret = place_all(p, a);
	if (now && !ret)
		ret = compare_run(p, a, now);
	if (now && !ret)
		ret = set_total(p, a, now->total);
	if (max_u64(a->fit[0].high, a->fit[1].high) > a->high) {
		a->high = max_u64(a->fit[0].high, a->fit[1].high);
		a->g.decided = p->r.t;
	}
	for (size_t i = 0; i < a->n_touched && !ret; i++) {
		struct consumer *t = a->touched[i];

		if (t->before != t->now || t->lack != t->lacked)
			ret = put_consumer(&a->again, &a->n_again, &a->again_room, t);
	}
	a->n_touched = 0;
	if (a->n_again)
		p->next[p->n_next++] = a;
	return ret;
}

static int add_sample(struct placing *p)
{
	struct area **busy = p->busy;
	int ret = choose_day(p);

	p->step++;
	p->n_next = 0;
	for (size_t i = 0; i < p->r.n_active && !ret; i++) {
		const struct model_area *now = p->r.active[i];
		struct area *a = find_area(p, now->region);

		ret = a ? add_to_area(p, a, now) : -ENOMEM;
	}
	/* Areas with consumers left from the last sample, without changes in this one. */
	for (size_t i = 0; i < p->n_busy && !ret; i++) {
		if (busy[i]->step != p->step)
			ret = add_to_area(p, busy[i], NULL);
	}
	p->busy = p->next;
	p->n_busy = p->n_next;
	p->next = busy;
	return ret;
}

/* ---- a boot ---- */

static int take_areas(struct placing *p, struct place *out)
{
	uint64_t page = p->r.boot->page;

	out->region = calloc(p->n_areas + 1, sizeof(*out->region));
	if (!out->region)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_areas; i++) {
		struct area *a = p->area[i];

		if (count_area_time(p, a))
			return -ENOMEM;
		a->g.placed = max_u64(a->before[0], a->before[1]) * page;
		a->g.placed_least = min_u64(a->before[0], a->before[1]) * page;
		a->g.unit = max_u64(a->fit[0].unit, a->fit[1].unit) * page;
		if (!a->cma) {
			a->g.placed = a->g.placed_least = a->g.together;
			a->g.decided = a->g.time;
		}
		out->region[out->n_regions++] = a->g;
		a->g.runs = (struct confidence_runs){ 0 };
		a->g.use = (struct confidence_use){ 0 };
	}
	for (size_t i = 0; i < out->n_runs; i++) {
		uint64_t v = dmem_map_get(&p->areas, out->run[i].region, 0);

		if (!v)
			continue;
		out->region[v - 1].refused += out->run[i].refused;
		out->region[v - 1].counted |= out->run[i].counted;
	}
	return 0;
}

static int take_services(struct placing *p, struct place *out)
{
	out->service = calloc(p->n_consumers + 1, sizeof(*out->service));
	if (!out->service)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_consumers; i++) {
		struct consumer *t = p->consumer[i];

		if (count_time(p, t) || holdings_count(&t->s.held, p->r.clock))
			return -ENOMEM;
		if (t->s.service >= p->m->n_services)
			continue;
		out->service[out->n_services++] = t->s;
		t->s.use = (struct confidence_use){ 0 };
		t->s.held = (struct holdings){ 0 };
	}
	return 0;
}

static void take_days(struct placing *p, struct place *out)
{
	out->day = p->day;
	out->n_days = p->n_days;
	p->day = NULL;
}

static int take_refused(struct placing *p, struct place *out)
{
	out->refused = calloc(2 * p->n_consumers + 1, sizeof(*out->refused));
	if (!out->refused)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_consumers; i++) {
		for (int order = 0; order < 2; order++) {
			if (p->consumer[i]->refused[order])
				out->refused[out->n_refused++] = *p->consumer[i]->refused[order];
		}
	}
	return 0;
}

static void end_placing(struct placing *p)
{
	for (size_t i = 0; i < p->n_areas; i++) {
		for (int way = 0; way < WAYS; way++)
			firstfit_end(&p->area[i]->fit[way]);
		free(p->area[i]->touched);
		free(p->area[i]->again);
		confidence_free(&p->area[i]->g.use);
		confidence_free_runs(&p->area[i]->g.runs);
	}
	for (size_t i = 0; i < p->n_consumers; i++) {
		confidence_free(&p->consumer[i]->s.use);
		holdings_free(&p->consumer[i]->s.held);
	}
	free(p->day);
	free(p->busy);
	free(p->next);
	dmem_map_free(&p->consumers);
	dmem_map_free(&p->areas);
	dmem_map_free(&p->sizes);
	dmem_arena_free(&p->arena);
}

int place_boot(struct place *out, const struct model *m, size_t boot, const struct place_options *o)
{
	struct placing p = { .m = m, .o = o };
	int ret = model_replay_start(&p.r, m, boot, MODEL_NONE), end;

	*out = (struct place){ 0 };
	p.busy = calloc(m->n_regions + 1, sizeof(*p.busy));
	p.next = calloc(m->n_regions + 1, sizeof(*p.next));
	if (!p.busy || !p.next)
		ret = -ENOMEM;
	while (!ret && model_replay_next(&p.r))
		ret = add_sample(&p);
	out->time = p.r.clock;
	if (!ret)
		ret = end_day(&p);
	if (!ret)
		ret = model_replay_runs(&p.r, &out->run, &out->n_runs);
	if (!ret)
		model_replay_uptimes(&p.r, &out->uptime, &out->n_uptimes);
	if (!ret)
		take_days(&p, out);
	if (!ret)
		ret = take_areas(&p, out);
	if (!ret)
		ret = take_services(&p, out);
	if (!ret && o->size)
		ret = take_refused(&p, out);
	end = model_replay_end(&p.r);
	end_placing(&p);
	return ret ? ret : end;
}

void place_free(struct place *p)
{
	for (size_t i = 0; i < p->n_services; i++) {
		confidence_free(&p->service[i].use);
		holdings_free(&p->service[i].held);
	}
	for (size_t i = 0; i < p->n_regions; i++) {
		confidence_free(&p->region[i].use);
		confidence_free_runs(&p->region[i].runs);
	}
	free(p->service);
	free(p->day);
	free(p->uptime);
	free(p->region);
	free(p->run);
	free(p->refused);
}
