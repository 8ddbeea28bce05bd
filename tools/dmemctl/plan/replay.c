// SPDX-License-Identifier: GPL-2.0-or-later
/* Replays one boot, sample by sample. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "num.h"
#include "whatif.h"

/* A recorder writes at least once a minute: a longer time without a record is a gap. */
#define SILENCE_MS	60000
/* Records with the same time that make one step, at most. */
#define MAX_STEP	4096
#define MAX_CURSORS	(sizeof(((struct model_replay *)0)->cursor) / sizeof(void *))
/* A smaller change of the wall clock is drift, in ms. */
#define DRIFT_MS	1000
#define MAX_CLOCKS	4096
/* Above any real size, and sums do not overflow. */
#define MAX_BYTES	(UINT64_C(1) << 60)

struct cursor_cgroup {
	uint32_t service;
	uint64_t life;
	uint32_t uptime;		/* index plus 1, while the service is up with it */
	bool gone;			/* buffers of it belong to the parent */
};

/* A read position in one extent. */
struct model_cursor {
	struct model_replay *r;
	struct hist_reader *reader;
	struct lines lines;
	struct hist_found found;
	struct dmem_arena arena;	/* strings of the segment */
	uint32_t *region;
	size_t n_regions;
	struct cursor_cgroup *cgroup;
	size_t n_cgroups;
	struct dmem_map named;		/* services named in the segment */
	char *line;			/* the next line with a time, or NULL: at the end */
	size_t len;
	uint64_t t;			/* time of @line */
	uint64_t segment;
	uint32_t teller;
	size_t extent;
	bool once;			/* a single sample of one service */
	bool first;			/* of a segment: all that it does not name is gone */
	bool sampled;			/* a part of it was read */
};

struct model_live {
	uint64_t ino, size, since, segment;
	uint64_t life;			/* inode number of the owner's cgroup */
	uint32_t service;		/* owner, or MODEL_NONE */
	uint32_t region, teller;
};

static bool is_number(uint64_t v)
{
	return v != DMEM_UNKNOWN && v != DMEM_NO_LIMIT;
}

static void raise(uint64_t *v, uint64_t to)
{
	if (is_number(to) && to > *v)
		*v = to;
}

static uint64_t bytes(uint64_t v)
{
	return v < MAX_BYTES ? v : MAX_BYTES;
}

/* ---- areas and consumers ---- */

static int make_active(struct model_replay *r, struct model_area *a)
{
	struct model_area **more;

	if (a->active)
		return 0;
	more = dmem_room(r->busy, r->n_busy, &r->busy_room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->busy = more;
	more[r->n_busy++] = a;
	a->active = true;
	return 0;
}

/* NULL: out of memory. */
static struct model_area *area_of(struct model_replay *r, uint32_t region)
{
	struct model_area *a = r->area[region];

	if (a)
		return a;
	a = dmem_alloc(&r->arena, sizeof(*a));
	if (!a)
		return NULL;
	*a = (struct model_area){
		.region = region, .root = DMEM_UNKNOWN, .capacity = DMEM_UNKNOWN,
		.largest = DMEM_UNKNOWN,
		.others = { .service = MODEL_OTHERS(r->m), .region = region },
		.kernel = { .service = MODEL_KERNEL(r->m), .region = region },
	};
	r->area[region] = a;
	return a;
}

static int note_change(struct model_replay *r, struct model_consumer *t)
{
	struct model_area *a = area_of(r, t->region);
	struct model_consumer **more;

	if (!a || make_active(r, a))
		return -ENOMEM;
	if (t->changed)
		return 0;
	more = dmem_room(a->changed, a->n_changed, &a->room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	a->changed = more;
	more[a->n_changed++] = t;
	t->changed = true;
	return 0;
}

/* Figures are not read at the same moment, and an ancestor's may be missing. */
static uint64_t all_of(const struct model_consumer *t)
{
	return max_u64(t->current, t->below);
}

static int set_current(struct model_replay *r, struct model_consumer *t, uint64_t current)
{
	struct model_area *a = r->area[t->region];
	uint64_t before = all_of(t), delta;

	t->current = current;
	for (;;) {
		t->own = all_of(t) - t->below;
		if (note_change(r, t))
			return -ENOMEM;
		delta = all_of(t) - before;
		if (!t->up)
			break;
		t = t->up;
		before = all_of(t);
		t->below += delta;
	}
	a->top += delta;
	return 0;
}

/* NULL: out of memory. */
static struct model_consumer *consumer_of(struct model_replay *r, uint32_t service, uint32_t region)
{
	struct model_consumer *first = NULL, *below = NULL;

	/* With all ancestors. */
	while (service != MODEL_NONE) {
		uint64_t v = dmem_map_get(&r->consumers, service, region);
		struct model_consumer *t = (struct model_consumer *)(uintptr_t)v;

		if (!t) {
			t = dmem_alloc(&r->arena, sizeof(*t));
			if (!t || !area_of(r, region) ||
			    dmem_map_put(&r->consumers, service, region, (uintptr_t)t))
				return NULL;
			t->service = service;
			t->region = region;
		}
		if (below)
			below->up = t;
		if (!first)
			first = t;
		if (v)
			break;
		below = t;
		service = r->m->service[service].parent;
	}
	return first;
}

static void take_from_present(struct model_replay *r, struct model_consumer *t)
{
	*(t->prev ? &t->prev->next : &r->present) = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->next = t->prev = NULL;
	t->told = false;
	t->implied = 0;
}

static void put_into_present(struct model_replay *r, struct model_consumer *t)
{
	t->gone = false;
	if (t->told)
		return;
	t->told = true;
	t->prev = NULL;
	t->next = r->present;
	if (t->next)
		t->next->prev = t;
	r->present = t;
}

/* ---- time of services ---- */

/* The service has this cgroup from now on. */
static int come_up(struct model_replay *r, struct cursor_cgroup *c)
{
	uint64_t at = dmem_map_get(&r->uptimes, c->service, 0);
	struct model_uptime *more;

	if (!at) {
		more = dmem_room(r->uptime, r->n_uptimes, &r->uptimes_room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		r->uptime = more;
		at = r->n_uptimes + 1;
		if (dmem_map_put(&r->uptimes, c->service, 0, at))
			return -ENOMEM;
		more[r->n_uptimes++] = (struct model_uptime){ .service = c->service };
	}
	if (!r->uptime[at - 1].cgroups++)
		r->uptime[at - 1].since = r->clock;
	c->uptime = (uint32_t)at;
	return 0;
}

static void go_down(struct model_replay *r, uint32_t uptime, size_t cgroups)
{
	struct model_uptime *u = &r->uptime[uptime - 1];

	u->cgroups -= cgroups;
	if (!u->cgroups)
		u->ms += r->clock - u->since;
}

/* A segment ends: its cgroups exist until the next sample, which usually names them again. */
static void leave_cgroups(struct model_cursor *c)
{
	struct model_replay *r = c->r;

	for (size_t i = 0; i < c->n_cgroups && r->uptime; i++) {
		uint32_t at = c->cgroup[i].uptime;

		if (!at || r->uptime[at - 1].leaving++)
			continue;
		r->uptime[at - 1].next = r->leaving;
		r->leaving = at;
	}
	c->n_cgroups = 0;
}

static void let_leave(struct model_replay *r)
{
	while (r->leaving) {
		struct model_uptime *u = &r->uptime[r->leaving - 1];

		go_down(r, r->leaving, u->leaving);
		u->leaving = 0;
		r->leaving = u->next;
	}
}

static int end_consumer(struct model_replay *r, struct model_consumer *t)
{
	if (t->told)
		take_from_present(r, t);
	t->gone = true;
	return set_current(r, t, 0);
}

/* ---- events ---- */

static int push(struct model_replay *r, struct model_event e)
{
	struct model_event *more;
	struct model_area *a = area_of(r, e.region);

	if (!a || make_active(r, a))
		return -ENOMEM;
	more = dmem_room(r->event, r->n_events, &r->event_room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->event = more;
	more[r->n_events++] = e;
	return 0;
}

static bool has_ended(const struct model_replay *r, uint32_t teller)
{
	for (size_t i = 0; i < MAX_CURSORS; i++) {
		if (r->cursor[i] && r->cursor[i]->teller == teller)
			return false;
	}
	return true;
}

/* True if this cursor decides that an entry of @teller is gone. */
static bool is_heir(const struct model_cursor *c, uint32_t teller)
{
	return teller == c->teller || has_ended(c->r, teller);
}

static int drop_buffer(struct model_replay *r, size_t at)
{
	struct model_live l = r->live[at];

	dmem_map_take(&r->buffers, l.ino, 0);
	r->live[at] = r->live[--r->n_live];
	if (at < r->n_live && dmem_map_put(&r->buffers, r->live[at].ino, 0, at + 1))
		return -ENOMEM;
	return push(r, (struct model_event){ l.size, l.ino, l.service, l.service, l.region,
					     MODEL_FREED });
}

/* Buffers outlive their cgroup: their charge moves to the parent, or to MODEL_OTHERS. The learning
 * pass only wants the first owner, and keeps it. */
static int leave_buffers(struct model_replay *r, uint32_t service, uint64_t life)
{
	uint32_t heir = r->m->service[service].parent;
	int ret = 0;

	for (size_t i = 0; i < r->n_live && !r->learn && !ret; i++) {
		struct model_live *l = &r->live[i];

		if (l->service != service || l->life != life)
			continue;
		l->service = heir;
		ret = push(r, (struct model_event){ l->size, l->ino, heir, service, l->region,
						    MODEL_OWNER });
	}
	return ret;
}

/* The first sample of a segment names all existing cgroups and buffers. */
static int end_first_sample(struct model_cursor *c)
{
	struct model_replay *r = c->r;
	struct model_consumer *t, *next;
	int ret = 0;

	if (!c->first || !c->sampled)
		return 0;
	c->first = false;
	for (t = r->present; t && !ret; t = next) {
		next = t->next;
		if (t->segment == c->segment || !is_heir(c, t->teller) ||
		    dmem_map_get(&c->named, t->service, 0))
			continue;
		ret = leave_buffers(r, t->service, t->life);
		if (!ret)
			ret = end_consumer(r, t);
	}
	for (size_t i = r->n_live; i-- && !ret; ) {
		if (r->live[i].segment != c->segment && is_heir(c, r->live[i].teller))
			ret = drop_buffer(r, i);
	}
	return ret;
}

/* ---- facts learnt when a boot is first read ---- */

static struct model_boot *learnt_boot(const struct model_replay *r)
{
	return &r->learn->boot[r->boot - r->m->boot];
}

static int learn_clock(struct model_replay *r, uint64_t t, uint64_t wall)
{
	struct model_boot *b = learnt_boot(r);
	struct model_clock *more, new = { t, (int64_t)(wall - t) };
	struct model_clock *last = b->n_clocks ? &b->clock[b->n_clocks - 1] : NULL;
	int64_t change = last ? (int64_t)((uint64_t)new.offset - (uint64_t)last->offset) : 0;

	if (last && change <= DRIFT_MS && change >= -DRIFT_MS)
		return 0;
	if (b->n_clocks == MAX_CLOCKS) {
		*last = new;
		return 0;
	}
	if (!(b->n_clocks & (b->n_clocks - 1))) {
		more = realloc(b->clock, (2 * b->n_clocks + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		b->clock = more;
	}
	b->clock[b->n_clocks++] = new;
	return 0;
}

static int learn_sample(struct model_replay *r, bool once, uint64_t mono, uint64_t wall)
{
	struct model_boot *b = r->learn ? learnt_boot(r) : NULL;

	if (!b || (once && b->n_clocks))
		return 0;
	if (!once && !b->samples++)
		b->from = r->t;
	if (!once)
		b->to = r->t;
	return learn_clock(r, once ? mono : r->t, wall);
}

/* The buffer has belonged to the service since it was made. */
static int learn_late(struct model_replay *r, const struct model_live *l)
{
	struct model_late *more, new = { l->since, l->size, l->ino, l->service, l->region };
	struct model_boot *b = r->learn ? learnt_boot(r) : NULL;

	if (!b || new.t == r->t)
		return 0;
	if (!(b->n_late & (b->n_late - 1))) {
		more = realloc(b->late, (2 * b->n_late + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		b->late = more;
	}
	b->late[b->n_late++] = new;
	return 0;
}

static int by_late(const void *a, const void *b)
{
	const struct model_late *x = a, *y = b;

	return (x->t > y->t) - (x->t < y->t);
}

/* Changes may depend on other regions than the one that is asked for. */
static bool is_read(const struct model_replay *r, uint32_t region)
{
	return r->region == MODEL_NONE || r->region == region || r->m->whatif;
}

static int apply_late(struct model_replay *r)
{
	const struct model_boot *b = r->boot;
	int ret = 0;

	for (; !r->learn && r->next_late < b->n_late && !ret; r->next_late++) {
		const struct model_late *l = &b->late[r->next_late];
		struct model_consumer *t;

		if (l->t > r->t)
			break;
		if (!is_read(r, l->region))
			continue;
		t = consumer_of(r, l->service, l->region);
		if (!t || dmem_map_put(&r->owners, l->ino, l->region, (uint64_t)l->service + 1))
			return -ENOMEM;
		if (t->told)
			continue;
		t->implied += l->v;
		ret = set_current(r, t, t->implied);
	}
	return ret;
}

/* ---- records ---- */

static bool is_wanted(const struct model_cursor *c, unsigned int region)
{
	return is_read(c->r, c->region[region]);
}

static int on_head(void *data, const struct hist_head *h)
{
	struct model_cursor *c = data;
	int ret = end_first_sample(c);

	leave_cgroups(c);
	c->once = !h->interval;
	c->first = !c->once;
	c->sampled = false;
	c->segment = ++c->r->segment;
	c->n_regions = 0;
	dmem_arena_free(&c->arena);
	dmem_map_free(&c->named);
	return ret;
}

static int on_region(void *data, unsigned int region, const char *name)
{
	struct model_cursor *c = data;
	uint32_t *more = dmem_grow(&c->arena, c->region, region, sizeof(*more));
	int64_t at;

	if (!more)
		return -ENOMEM;
	c->region = more;
	c->n_regions = region + 1;
	/* All names are known, unless the file has changed in between. */
	at = model_find_region((struct model *)c->r->m, name, false);
	more[region] = (uint32_t)at;
	return at == -ENOENT ? -ESTALE : at < 0 ? (int)at : 0;
}

static int on_cgroup(void *data, unsigned int cgroup, uint64_t life, const char *path)
{
	struct model_cursor *c = data;
	struct cursor_cgroup *more = dmem_grow(&c->arena, c->cgroup, cgroup, sizeof(*more));
	int64_t at;

	if (!more)
		return -ENOMEM;
	c->cgroup = more;
	c->n_cgroups = cgroup + 1;
	at = model_find_service((struct model *)c->r->m, path, false);
	if (at < 0)
		return at == -ENOENT ? -ESTALE : (int)at;
	more[cgroup] = (struct cursor_cgroup){ .service = (uint32_t)at, .life = life };
	return c->once ? 0 : dmem_map_put(&c->named, (uint64_t)at, 0, 1);
}

static int on_sample(void *data, uint64_t mono, uint64_t wall)
{
	struct model_cursor *c = data;

	c->sampled = true;
	if (!c->once)
		c->r->gap = false;
	return learn_sample(c->r, c->once, mono, wall);
}

static int on_region_figures(void *data, unsigned int region, const uint64_t *v, size_t n)
{
	struct model_cursor *c = data;
	struct model_replay *r = c->r;
	struct model_area *a;
	int ret = 0;

	if (c->once || !is_wanted(c, region))
		return 0;
	a = area_of(r, c->region[region]);
	if (!a)
		return -ENOMEM;
	if (n > HIST_R_CAPACITY && v[HIST_R_CAPACITY] != DMEM_UNKNOWN) {
		a->capacity = v[HIST_R_CAPACITY];
		if (r->learn)
			r->learn->region[a->region].capacity = a->capacity;
	}
	if (n > HIST_R_LARGEST)
		a->largest = v[HIST_R_LARGEST];
	if (is_number(v[HIST_R_CURRENT])) {
		a->root = bytes(v[HIST_R_CURRENT]);
		ret = note_change(r, &a->others);
	}
	if (!ret && n > HIST_R_UNACCOUNTED && is_number(v[HIST_R_UNACCOUNTED])) {
		a->kernel.own = bytes(v[HIST_R_UNACCOUNTED]);
		a->kernel_known = true;
		ret = note_change(r, &a->kernel);
	}
	return ret ? ret : make_active(r, a);
}

/* NULL: out of memory. */
static struct model_run *run_of(struct model_replay *r, const struct cursor_cgroup *c,
				uint32_t region, bool *new)
{
	uint64_t b = (uint64_t)c->service << 32 | region;
	uint64_t at = dmem_map_get(&r->runs, c->life, b);
	struct model_run *more;

	*new = !at;
	if (at)
		return &r->run[at - 1];
	more = dmem_room(r->run, r->n_runs, &r->runs_room, sizeof(*more));
	if (!more)
		return NULL;
	r->run = more;
	if (dmem_map_put(&r->runs, c->life, b, r->n_runs + 1))
		return NULL;
	more += r->n_runs++;
	*more = (struct model_run){
		.service = c->service, .region = region, .life = c->life, .max = DMEM_UNKNOWN,
		.min = DMEM_UNKNOWN,
	};
	return more;
}

/* Returns the number of new refused requests. */
static uint64_t add_to_run(struct model_run *run, uint64_t t, const uint64_t *v, size_t n)
{
	uint64_t refused = 0, before = run->refused, peak = run->peak;

	raise(&run->peak, bytes(v[HIST_CURRENT]));
	if (n > HIST_PEAK && is_number(v[HIST_PEAK]))
		raise(&run->peak, bytes(v[HIST_PEAK]));
	if (run->peak > peak)
		run->peaked = t;
	/* Counters that have not changed can be left out. */
	for (size_t i = HIST_EV_ALLOC_FAIL; i <= HIST_EV_RESERVED; i++) {
		uint64_t *last = &run->refusals[i - HIST_EV_ALLOC_FAIL];

		run->counted |= i < n && is_number(v[i]);
		if (i < n && is_number(v[i]))
			*last = v[i];
		refused += *last;
	}
	raise(&run->refused, refused);
	if (n > HIST_MAX)
		run->max = v[HIST_MAX];
	if (n > HIST_MIN)
		run->min = v[HIST_MIN];
	return run->refused - before;
}

static int use_figures(struct model_cursor *c, const struct cursor_cgroup *g, uint32_t region,
		       uint64_t current)
{
	struct model_replay *r = c->r;
	struct model_consumer *t = (struct model_consumer *)(uintptr_t)
				dmem_map_get(&r->consumers, g->service, region);
	bool same;

	/* Most cgroups have no charge in most regions. */
	if (!t && !current)
		return 0;
	t = t ? t : consumer_of(r, g->service, region);
	if (!t)
		return -ENOMEM;
	/* Another cgroup may have the same charge. */
	same = t->current == current && t->life == g->life;
	put_into_present(r, t);
	t->teller = c->teller;
	t->segment = c->segment;
	t->life = g->life;
	t->implied = 0;
	return same ? 0 : set_current(r, t, current);
}

static int on_figures(void *data, unsigned int cgroup, unsigned int region, const uint64_t *v,
		      size_t n)
{
	struct model_cursor *c = data;
	struct model_replay *r = c->r;
	struct cursor_cgroup *g = &c->cgroup[cgroup];
	uint32_t at = c->region[region];
	uint64_t figures[HIST_FIGURES], refused;
	struct model_run *run;
	bool new;
	int ret;

	if (r->learn || !is_wanted(c, region))
		return 0;
	run = run_of(r, g, at, &new);
	if (!run || (!c->once && !g->uptime && come_up(r, g)))
		return -ENOMEM;
	memcpy(figures, v, n * sizeof(*v));
	if (!is_number(figures[HIST_CURRENT]))
		figures[HIST_CURRENT] = 0;
	refused = add_to_run(run, r->t, figures, n);
	/* The recorder found the cgroup with these counts: the time of the refusals is unknown. */
	if (refused && !c->once && !(c->first && new)) {
		ret = push(r, (struct model_event){ refused, 0, g->service, g->service, at,
						    MODEL_REFUSED });
		if (ret)
			return ret;
	}
	if (c->once || !is_number(v[HIST_CURRENT]))
		return 0;
	raise(&run->seen, figures[HIST_CURRENT]);
	return use_figures(c, g, at, bytes(v[HIST_CURRENT]));
}

static int on_gone(void *data, unsigned int cgroup)
{
	struct model_cursor *c = data;
	int ret = 0;

	if (c->cgroup[cgroup].uptime)
		go_down(c->r, c->cgroup[cgroup].uptime, 1);
	c->cgroup[cgroup].uptime = 0;
	c->cgroup[cgroup].gone = true;
	for (size_t i = 0; i < c->n_regions && !ret && !c->once; i++) {
		struct model_consumer *t = (struct model_consumer *)(uintptr_t)
			dmem_map_get(&c->r->consumers, c->cgroup[cgroup].service, c->region[i]);

		/* A new cgroup may have the same path already. */
		if (t && t->told && t->life == c->cgroup[cgroup].life)
			ret = end_consumer(c->r, t);
	}
	if (ret || c->once)
		return ret;
	return leave_buffers(c->r, c->cgroup[cgroup].service, c->cgroup[cgroup].life);
}

/* A record of a buffer that is known already. */
static int tell_again(struct model_cursor *c, struct model_live *l, uint32_t service,
		      uint64_t life)
{
	struct model_replay *r = c->r;
	uint32_t was = l->service;
	int ret;

	if (is_heir(c, l->teller)) {
		l->teller = c->teller;
		l->segment = c->segment;
	}
	/* A known owner is kept. */
	if (service == MODEL_NONE)
		return 0;
	if (service == was) {
		l->life = l->life ? l->life : life;
		return 0;
	}
	l->service = service;
	l->life = life;
	ret = was == MODEL_NONE ? learn_late(r, l) : 0;
	return ret ? ret : push(r, (struct model_event){ l->size, l->ino, service, was, l->region,
							 MODEL_OWNER });
}

static int on_buffer(void *data, uint64_t ino, int cgroup, unsigned int region, uint64_t size)
{
	struct model_cursor *c = data;
	struct model_replay *r = c->r;
	uint32_t service;
	struct model_live *more;
	uint64_t at, life;

	if (c->once || !is_wanted(c, region))
		return 0;
	service = cgroup < 0 ? MODEL_NONE : c->cgroup[cgroup].service;
	life = cgroup < 0 ? 0 : c->cgroup[cgroup].life;
	/* A segment can name a cgroup, its buffers and its end in one sample. */
	if (cgroup >= 0 && c->cgroup[cgroup].gone && !r->learn) {
		service = r->m->service[service].parent;
		life = 0;
	}
	at = dmem_map_get(&r->buffers, ino, 0);
	if (at)
		return tell_again(c, &r->live[at - 1], service, life);
	/* Its owner may be recorded later. */
	if (service == MODEL_NONE)
		service = (uint32_t)dmem_map_take(&r->owners, ino, c->region[region]) - 1;
	more = dmem_room(r->live, r->n_live, &r->live_room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->live = more;
	if (dmem_map_put(&r->buffers, ino, 0, r->n_live + 1))
		return -ENOMEM;
	more[r->n_live++] = (struct model_live){
		.ino = ino, .size = bytes(size), .since = r->t, .segment = c->segment,
		.life = life, .service = service, .region = c->region[region],
		.teller = c->teller,
	};
	return push(r, (struct model_event){ bytes(size), ino, service, service, c->region[region],
					     MODEL_BUFFER });
}

static int on_freed(void *data, uint64_t ino)
{
	struct model_cursor *c = data;
	uint64_t at = c->once ? 0 : dmem_map_get(&c->r->buffers, ino, 0);

	return at ? drop_buffer(c->r, at - 1) : 0;
}

static int on_end(void *data, uint64_t mono)
{
	struct model_cursor *c = data;

	(void)mono;
	if (c->once)
		return 0;
	c->r->gap = true;
	if (c->r->learn)
		learnt_boot(c->r)->to = c->r->t;
	return 0;
}

static const struct hist_ops replay_ops = {
	.head = on_head, .region = on_region, .cgroup = on_cgroup, .sample = on_sample,
	.region_figures = on_region_figures, .figures = on_figures, .gone = on_gone,
	.buffer = on_buffer, .freed = on_freed, .end = on_end,
};

/* ---- cursors ---- */

/* Reads up to the next line with a time. */
static int next_line(struct model_cursor *c)
{
	uint64_t t;
	int ret;

	for (;;) {
		ret = lines_next(&c->lines, &c->line, &c->len);
		if (ret <= 0) {
			c->line = NULL;
			return ret;
		}
		if (!c->once && hist_reader_time(c->reader, c->line, c->len, &t)) {
			c->t = max_u64(c->t, t);
			return 0;
		}
		ret = hist_reader_line(c->reader, c->line, c->len, &c->found);
		if (ret)
			return ret;
	}
}

static void close_cursor(struct model_replay *r, size_t i)
{
	struct model_cursor *c = r->cursor[i];

	leave_cgroups(c);
	r->found.records += c->found.records;
	r->found.bad += c->found.bad;
	r->found.newer += c->found.newer;
	if (r->learn)
		learnt_boot(r)->extent[c->extent].whole = !c->found.bad && !c->found.newer;
	lines_end(&c->lines);
	dmem_map_free(&c->named);
	dmem_arena_free(&c->arena);
	free(c->reader);
	free(c);
	r->cursor[i] = NULL;
}

static int open_cursor(struct model_replay *r)
{
	const struct model_extent *e = &r->boot->extent[r->next_extent++];
	struct model_cursor *c;
	size_t i = 0;

	while (i < MAX_CURSORS && r->cursor[i])
		i++;
	if (i == MAX_CURSORS)
		return -EMLINK;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->r = r;
	c->teller = ++r->tellers;
	c->extent = (size_t)(e - r->boot->extent);
	c->reader = hist_reader_new(&replay_ops, c);
	lines_start(&c->lines, &r->m->in, r->m->size, &e->range);
	r->cursor[i] = c;
	if (!c->reader)
		return -ENOMEM;
	hist_reader_trust(c->reader, e->whole);
	return next_line(c);
}

/* Time of the next record of any cursor, or UINT64_MAX. */
static uint64_t next_time(const struct model_replay *r)
{
	uint64_t t = UINT64_MAX;

	for (size_t i = 0; i < MAX_CURSORS; i++) {
		if (r->cursor[i] && r->cursor[i]->line && r->cursor[i]->t < t)
			t = r->cursor[i]->t;
	}
	return t;
}

/* Opens the extents that come next in time, and closes finished ones. */
static int choose_cursors(struct model_replay *r)
{
	int ret = 0;

	for (size_t i = 0; i < MAX_CURSORS; i++) {
		if (r->cursor[i] && !r->cursor[i]->line)
			close_cursor(r, i);
	}
	while (r->next_extent < r->boot->n_extents && !ret &&
	       r->boot->extent[r->next_extent].start <= next_time(r)) {
		ret = open_cursor(r);
		for (size_t i = 0; i < MAX_CURSORS && !ret; i++) {
			if (r->cursor[i] && !r->cursor[i]->line)
				close_cursor(r, i);
		}
	}
	return ret;
}

/* Reads all records of the cursor with this time. */
static int read_step(struct model_cursor *c)
{
	int ret = 0;

	for (unsigned int i = 0; i < MAX_STEP && c->line && c->t <= c->r->t && !ret; i++) {
		ret = hist_reader_line(c->reader, c->line, c->len, &c->found);
		if (!ret)
			ret = next_line(c);
	}
	return ret ? ret : end_first_sample(c);
}

/* ---- sums ---- */

static void sum_up(struct model_replay *r)
{
	for (size_t i = 0; i < r->n_busy; i++) {
		struct model_area *a = r->busy[i];
		uint64_t others = a->root == DMEM_UNKNOWN || a->root < a->top ?
			0 : a->root - a->top;

		a->total = a->top + others + a->kernel.own;
		if (others == a->others.own)
			continue;
		a->others.own = others;
		r->err = note_change(r, &a->others);
	}
}

/* For callers that want one region as a whole. */
static void fill_own(struct model_replay *r)
{
	for (size_t i = 0; i < r->n_active; i++) {
		const struct model_area *a = r->active[i];

		if (a->region != r->region)
			continue;
		r->total = a->total;
		for (size_t k = 0; k < a->n_changed; k++)
			r->own[a->changed[k]->service] = a->changed[k]->own;
	}
}

static void forget_step(struct model_replay *r)
{
	for (size_t i = 0; i < r->n_busy; i++) {
		struct model_area *a = r->busy[i];

		for (size_t k = 0; k < a->n_changed; k++)
			a->changed[k]->changed = false;
		a->n_changed = 0;
		a->active = false;
		a->largest = DMEM_UNKNOWN;
	}
	r->n_busy = r->n_events = 0;
}

/* ---- the replay ---- */

int model_replay_start(struct model_replay *r, const struct model *m, size_t boot, size_t region)
{
	*r = (struct model_replay){
		.m = m, .boot = &m->boot[boot], .region = (uint32_t)region,
	};
	r->area = calloc(m->n_regions + 1, sizeof(*r->area));
	if (r->region != MODEL_NONE)
		r->own = calloc(MODEL_TAKERS(m), sizeof(*r->own));
	if (m->whatif)
		r->whatif = whatif_start(m->whatif);
	if (!r->area || (!r->own && r->region != MODEL_NONE) || (!r->whatif && m->whatif))
		return -ENOMEM;
	return 0;
}

static bool read_samples(struct model_replay *r)
{
	uint64_t next;

	r->err = choose_cursors(r);
	next = next_time(r);
	if (r->err || next == UINT64_MAX)
		return false;
	r->t = max_u64(r->t, next);
	let_leave(r);
	r->err = apply_late(r);
	for (size_t i = 0; i < MAX_CURSORS && !r->err; i++) {
		if (r->cursor[i])
			r->err = read_step(r->cursor[i]);
	}
	if (!r->err)
		r->err = choose_cursors(r);
	return !r->err;
}

/* Duration of the sample in ms. */
static uint64_t find_length(const struct model_replay *r)
{
	uint64_t most = SILENCE_MS + 2 * r->boot->interval, next = next_time(r);

	if (r->gap || next == UINT64_MAX || next <= r->t)
		return 0;
	return next - r->t > most ? r->boot->interval : next - r->t;
}

bool model_replay_next(struct model_replay *r)
{
	forget_step(r);
	r->clock += r->dt;
	r->dt = 0;
	if (r->err || !read_samples(r))
		return false;
	sum_up(r);
	r->active = r->busy;
	r->n_active = r->n_busy;
	r->from = r->event;
	r->to = r->event + r->n_events;
	if (r->whatif && !r->err)
		r->err = whatif_step(r->whatif, r);
	if (r->own)
		fill_own(r);
	r->dt = find_length(r);
	return !r->err;
}

int model_replay_runs(struct model_replay *r, struct model_run **run, size_t *n)
{
	if (r->whatif)
		return whatif_runs(r->whatif, r, run, n);
	*run = r->run;
	*n = r->n_runs;
	r->run = NULL;
	return 0;
}

void model_replay_uptimes(struct model_replay *r, struct model_uptime **uptime, size_t *n)
{
	for (size_t i = 0; i < r->n_uptimes; i++) {
		if (r->uptime[i].cgroups)
			r->uptime[i].ms += r->clock - r->uptime[i].since;
	}
	*uptime = r->uptime;
	*n = r->n_uptimes;
	r->uptime = NULL;
}

int model_replay_end(struct model_replay *r)
{
	for (size_t i = 0; i < MAX_CURSORS; i++) {
		if (r->cursor[i])
			close_cursor(r, i);
	}
	/* They were learnt in the order of their discovery. */
	if (r->learn && learnt_boot(r)->n_late)
		qsort(learnt_boot(r)->late, learnt_boot(r)->n_late, sizeof(struct model_late),
		      by_late);
	for (size_t i = 0; r->area && i < r->m->n_regions; i++) {
		if (r->area[i])
			free(r->area[i]->changed);
	}
	whatif_end(r->whatif);
	free(r->area);
	free(r->busy);
	free(r->own);
	free(r->run);
	free(r->uptime);
	free(r->live);
	free(r->event);
	dmem_map_free(&r->consumers);
	dmem_map_free(&r->runs);
	dmem_map_free(&r->uptimes);
	dmem_map_free(&r->buffers);
	dmem_map_free(&r->owners);
	dmem_arena_free(&r->arena);
	return r->err;
}
