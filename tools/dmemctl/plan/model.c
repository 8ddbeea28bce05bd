// SPDX-License-Identifier: GPL-2.0-or-later
/* From the records of histories to what happened when. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

struct cgroup {
	uint32_t service;
	uint64_t life;
	uint32_t *run;		/* by region of the segment, or MODEL_NONE */
};

struct live {
	uint64_t ino;
	uint32_t service;	/* that pays, or MODEL_NONE */
	uint16_t region;
	bool told;
};

struct reader {
	struct model *m;
	uint32_t boot;
	bool once;		/* one look at one service, and no more */
	bool first;		/* of a segment: what it does not name is not there */
	uint64_t t, start;
	uint16_t *region;	/* of the segment's */
	size_t n_regions;
	struct cgroup *cgroup;
	size_t n_cgroups;
	/* What is there, before the segment names it again. */
	struct live *live;
	size_t n_live, live_room;
	bool *used;		/* by service and region */
	size_t used_services, used_regions;
	size_t room;		/* of the boot's events */
	struct dmem_arena arena;
};

static void *resize(void *p, size_t n, size_t *room, size_t size)
{
	void *more;

	if (n < *room)
		return p;
	more = realloc(p, (2 * *room + 64) * size);
	if (more)
		*room = 2 * *room + 64;
	return more;
}

static int push(struct reader *r, uint16_t kind, uint64_t t, uint32_t service, uint16_t region,
		uint64_t v, uint64_t ino)
{
	struct model_boot *b = &r->m->boot[r->boot];
	struct model_event *e = resize(b->event, b->n, &r->room, sizeof(*e));

	if (!e)
		return -ENOMEM;
	b->event = e;
	e[b->n] = (struct model_event){ t, v, ino, service, region, kind, b->n };
	b->n++;
	return 0;
}

/* ---- names ---- */

/* A copy that can be printed: a history may come from anybody. */
static const char *printable(struct dmem_arena *a, const char *s)
{
	char *copy = dmem_strdup(a, s);

	for (char *p = copy; p && *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 127)
			*p = '?';
	}
	return copy;
}

static int find_region(struct model *m, const char *name, uint16_t *at)
{
	struct model_region *more;
	size_t i = 0;

	name = printable(&m->arena, name);
	if (!name)
		return -ENOMEM;
	while (i < m->n_regions && strcmp(m->region[i].name, name))
		i++;
	*at = (uint16_t)i;
	if (i < m->n_regions)
		return 0;
	more = i < UINT16_MAX ? dmem_grow(&m->arena, m->region, i, sizeof(*more)) : NULL;
	if (!more)
		return -ENOMEM;
	m->region = more;
	more[i] = (struct model_region){ name, DMEM_UNKNOWN };
	m->n_regions++;
	return 0;
}

static int find_service(struct model *m, const char *path, uint32_t *at)
{
	struct model_service *more;
	const char *unit;
	size_t len;
	uint32_t i = 0;

	while (i < m->n_services && strcmp(m->service[i].path, path))
		i++;
	*at = i;
	if (i < m->n_services)
		return 0;
	more = dmem_grow(&m->arena, m->service, i, sizeof(*more));
	if (!more)
		return -ENOMEM;
	m->service = more;
	more[i] = (struct model_service){
		.path = dmem_strdup(&m->arena, path), .parent = MODEL_NONE,
	};
	more[i].shown = printable(&m->arena, path);
	if (!more[i].path || !more[i].shown)
		return -ENOMEM;
	unit = dmem_cgroup_unit(more[i].path, &len);
	if (unit && !unit[len])
		more[i].unit = unit;
	m->n_services++;
	return 0;
}

const char *model_name(const struct model *m, uint32_t service)
{
	if (service == MODEL_OTHERS(m))
		return "(others)";
	if (service == MODEL_KERNEL(m))
		return "(not accounted)";
	return m->service[service].unit ? m->service[service].unit : m->service[service].shown;
}

static int find_run(struct model *m, uint32_t service, uint32_t boot, uint64_t life,
		    uint16_t region, uint32_t *at)
{
	struct model_run *more;
	size_t i = 0;

	for (; i < m->n_runs; i++) {
		const struct model_run *run = &m->run[i];

		if (run->service == service && run->boot == boot && run->life == life &&
		    run->region == region)
			break;
	}
	*at = (uint32_t)i;
	if (i < m->n_runs)
		return 0;
	more = dmem_grow(&m->arena, m->run, i, sizeof(*more));
	if (!more)
		return -ENOMEM;
	m->run = more;
	more[i] = (struct model_run){
		.service = service, .boot = boot, .region = region, .life = life, .max = DMEM_UNKNOWN,
	};
	m->n_runs++;
	return 0;
}

/* ---- what was there before a segment, and is not named in it ---- */

/* Where it is noted that the service uses something. NULL: no memory. */
static bool *used(struct reader *r, uint32_t service, uint16_t region)
{
	size_t services = r->m->n_services, regions = r->m->n_regions;

	if (services > r->used_services || regions > r->used_regions) {
		bool *more = calloc(2 * services * (regions + 8), sizeof(*more));

		if (!more)
			return NULL;
		for (size_t s = 0; s < r->used_services; s++)
			memcpy(more + s * (regions + 8), r->used + s * r->used_regions,
			       r->used_regions);
		free(r->used);
		r->used = more;
		r->used_services = 2 * services;
		r->used_regions = regions + 8;
	}
	return &r->used[service * r->used_regions + region];
}

static bool is_named(const struct reader *r, uint32_t service)
{
	for (size_t i = 0; i < r->n_cgroups; i++) {
		if (r->cgroup[i].service == service)
			return true;
	}
	return false;
}

static int end_first_look(struct reader *r)
{
	int ret = 0;

	if (!r->first || r->once)
		return 0;
	r->first = false;
	for (uint32_t s = 0; s < r->used_services && s < r->m->n_services && !ret; s++) {
		if (is_named(r, s))
			continue;
		for (uint16_t i = 0; i < r->m->n_regions && i < r->used_regions && !ret; i++) {
			bool *u = &r->used[s * r->used_regions + i];

			if (*u)
				ret = push(r, MODEL_USE, r->start, s, i, 0, 0);
			*u = false;
		}
	}
	for (size_t i = r->n_live; i-- && !ret; ) {
		if (r->live[i].told)
			continue;
		ret = push(r, MODEL_FREED, r->start, 0, r->live[i].region, 0, r->live[i].ino);
		r->live[i] = r->live[--r->n_live];
	}
	return ret;
}

/* ---- records ---- */

static int on_head(void *data, const struct hist_head *h)
{
	struct reader *r = data;
	struct model *m = r->m;
	struct model_boot *b;
	size_t i = 0;
	int ret = end_first_look(r);

	if (ret)
		return ret;
	while (i < m->n_boots && strcmp(m->boot[i].id, h->boot))
		i++;
	if (i == m->n_boots) {
		b = dmem_grow(&m->arena, m->boot, i, sizeof(*b));
		if (!b)
			return -ENOMEM;
		m->boot = b;
		b[i] = (struct model_boot){ .page = h->page, .block = h->block };
		memcpy(b[i].id, h->boot, sizeof(h->boot));
		m->n_boots++;
	}
	if (r->boot != i || !m->boot[i].n) {
		r->room = m->boot[i].n;
		r->n_live = 0;
		free(r->used);
		r->used = NULL;
		r->used_services = r->used_regions = 0;
	}
	b = &m->boot[i];
	if (h->interval > b->interval)
		b->interval = h->interval;
	b->epoch = (int64_t)(h->wall - h->mono);
	b->buffers |= h->buffers;
	r->boot = (uint32_t)i;
	r->once = !h->interval;
	r->first = true;
	r->t = r->start = h->mono;
	r->n_regions = r->n_cgroups = 0;
	for (size_t k = 0; k < r->n_live; k++)
		r->live[k].told = false;
	return 0;
}

static int on_region(void *data, unsigned int region, const char *name)
{
	struct reader *r = data;
	uint16_t *more = dmem_grow(&r->arena, r->region, r->n_regions, sizeof(*more));

	if (!more)
		return -ENOMEM;
	r->region = more;
	r->n_regions = region + 1;
	return find_region(r->m, name, &more[region]);
}

static int on_cgroup(void *data, unsigned int cgroup, uint64_t life, const char *path)
{
	struct reader *r = data;
	struct cgroup *more = dmem_grow(&r->arena, r->cgroup, r->n_cgroups, sizeof(*more));

	if (!more)
		return -ENOMEM;
	r->cgroup = more;
	more[cgroup].life = life;
	more[cgroup].run = dmem_alloc(&r->arena, (r->n_regions + 1) * sizeof(*more->run));
	if (!more[cgroup].run)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_regions; i++)
		more[cgroup].run[i] = MODEL_NONE;
	r->n_cgroups = cgroup + 1;
	return find_service(r->m, path, &more[cgroup].service);
}

static int on_sample(void *data, uint64_t mono, uint64_t wall)
{
	struct reader *r = data;
	int ret = 0;

	/* The first one has the time of the head. */
	if (mono != r->start)
		ret = end_first_look(r);
	r->t = mono;
	return ret || r->once ? ret : push(r, MODEL_LOOK, mono, 0, 0, wall, 0);
}

static int on_region_figures(void *data, unsigned int region, const uint64_t *v, size_t n)
{
	struct reader *r = data;
	uint16_t at = r->region[region];
	int ret = 0;

	if (r->once)
		return 0;
	if (n > HIST_R_CAPACITY && v[HIST_R_CAPACITY] != DMEM_UNKNOWN)
		r->m->region[at].capacity = v[HIST_R_CAPACITY];
	if (v[HIST_R_CURRENT] != DMEM_UNKNOWN)
		ret = push(r, MODEL_ROOT, r->t, 0, at, v[HIST_R_CURRENT], 0);
	if (!ret && n > HIST_R_UNACCOUNTED && v[HIST_R_UNACCOUNTED] != DMEM_UNKNOWN)
		ret = push(r, MODEL_UNACCOUNTED, r->t, 0, at, v[HIST_R_UNACCOUNTED], 0);
	return ret;
}

static bool is_number(uint64_t v)
{
	return v != DMEM_UNKNOWN && v != DMEM_NO_LIMIT;
}

static void raise(uint64_t *v, uint64_t to)
{
	if (is_number(to) && to > *v)
		*v = to;
}

static int on_figures(void *data, unsigned int cgroup, unsigned int region, const uint64_t *v,
		      size_t n)
{
	struct reader *r = data;
	struct cgroup *c = &r->cgroup[cgroup];
	uint16_t at = r->region[region];
	struct model_run *run;
	uint64_t refused = 0, before;
	size_t known = r->m->n_runs;
	bool *u;
	int ret;

	if (c->run[region] == MODEL_NONE) {
		ret = find_run(r->m, c->service, r->boot, c->life, at, &c->run[region]);
		if (ret)
			return ret;
	}
	run = &r->m->run[c->run[region]];
	raise(&run->peak, v[HIST_CURRENT]);
	if (n > HIST_PEAK)
		raise(&run->peak, v[HIST_PEAK]);
	for (size_t i = HIST_EV_ALLOC_FAIL; i <= HIST_EV_RESERVED && i < n; i++)
		refused += is_number(v[i]) ? v[i] : 0;
	before = run->refused;
	raise(&run->refused, refused);
	if (n > HIST_MAX)
		run->max = v[HIST_MAX];
	/* The recorder found a cgroup with these: nobody knows when they were refused. */
	if (r->first && r->m->n_runs > known)
		before = run->refused;
	ret = r->once || run->refused == before ? 0 :
	      push(r, MODEL_REFUSED, r->t, c->service, at, run->refused - before, 0);
	if (ret)
		return ret;
	if (r->once || !is_number(v[HIST_CURRENT]))
		return 0;
	raise(&run->seen, v[HIST_CURRENT]);
	u = used(r, c->service, at);
	if (!u)
		return -ENOMEM;
	*u = v[HIST_CURRENT];
	return push(r, MODEL_USE, r->t, c->service, at, v[HIST_CURRENT], 0);
}

static int on_gone(void *data, unsigned int cgroup)
{
	struct reader *r = data;
	int ret = 0;

	for (size_t i = 0; i < r->n_regions && !ret && !r->once; i++) {
		/* It may have come again already. */
		if (r->cgroup[cgroup].run[i] != MODEL_NONE)
			ret = push(r, MODEL_USE, r->t, r->cgroup[cgroup].service, r->region[i], 0,
				   0);
	}
	return ret;
}

static int on_buffer(void *data, uint64_t ino, int cgroup, unsigned int region, uint64_t size)
{
	struct reader *r = data;
	uint32_t service;
	struct live *more;

	if (r->once)
		return 0;
	service = cgroup < 0 ? MODEL_NONE : r->cgroup[cgroup].service;
	for (size_t i = 0; i < r->n_live; i++) {
		struct live *l = &r->live[i];

		if (l->ino != ino)
			continue;
		l->told = true;
		/* Once it is known who pays, nobody else does. */
		if (service == MODEL_NONE || service == l->service)
			return 0;
		l->service = service;
		return push(r, MODEL_BUFFER, r->t, service, l->region, size, ino);
	}
	more = resize(r->live, r->n_live, &r->live_room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->live = more;
	more[r->n_live++] = (struct live){ ino, service, r->region[region], true };
	return push(r, MODEL_BUFFER, r->t, service, r->region[region], size, ino);
}

static int on_freed(void *data, uint64_t ino)
{
	struct reader *r = data;

	for (size_t i = 0; i < r->n_live; i++) {
		uint16_t region = r->live[i].region;

		if (r->live[i].ino != ino)
			continue;
		r->live[i] = r->live[--r->n_live];
		return push(r, MODEL_FREED, r->t, 0, region, 0, ino);
	}
	return 0;
}

static int on_end(void *data, uint64_t mono)
{
	struct reader *r = data;
	int ret = end_first_look(r);

	return ret || r->once ? ret : push(r, MODEL_GAP, mono, 0, 0, 0, 0);
}

static int on_notes(void *data, uint64_t wall)
{
	return notes_begin(&((struct reader *)data)->m->notes, wall);
}

static int on_node(void *data, const char *path)
{
	return notes_node(&((struct reader *)data)->m->notes, path);
}

static int on_property(void *data, const char *name, const void *value, size_t len)
{
	return notes_property(&((struct reader *)data)->m->notes, name, value, len);
}

static int on_word(void *data, const char *word)
{
	return notes_word(&((struct reader *)data)->m->notes, word);
}

static int on_noted(void *data)
{
	return notes_end(&((struct reader *)data)->m->notes);
}

static const struct hist_ops ops = {
	.head = on_head, .region = on_region, .cgroup = on_cgroup, .sample = on_sample,
	.region_figures = on_region_figures, .figures = on_figures, .gone = on_gone,
	.buffer = on_buffer, .freed = on_freed, .end = on_end,
	.notes = on_notes, .node = on_node, .property = on_property, .word = on_word,
	.noted = on_noted,
};

int model_add(struct model *m, const char *text, size_t len)
{
	struct reader r = { .m = m, .boot = MODEL_NONE };
	struct hist_found found;
	int ret = hist_read(text, len, &ops, &r, &found);

	if (!ret && r.boot != MODEL_NONE)
		ret = end_first_look(&r);
	m->files++;
	m->bad += found.bad;
	m->newer += found.newer;
	free(r.live);
	free(r.used);
	dmem_arena_free(&r.arena);
	return ret;
}

static int by_time(const void *a, const void *b)
{
	const struct model_event *x = a, *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static void find_parent(struct model *m, uint32_t service)
{
	struct model_service *s = &m->service[service];
	size_t best = 0;

	s->parent = MODEL_NONE;
	s->depth = 0;
	for (uint32_t p = 0; p < m->n_services; p++) {
		size_t len = strlen(m->service[p].path);

		if (strncmp(m->service[p].path, s->path, len) || s->path[len] != '/')
			continue;
		m->service[p].has_children = true;
		s->depth++;
		if (len < best)
			continue;
		s->parent = p;
		best = len;
	}
}

int model_sort(struct model *m)
{
	for (size_t i = 0; i < m->n_boots; i++) {
		if (m->boot[i].n)
			qsort(m->boot[i].event, m->boot[i].n, sizeof(*m->boot[i].event), by_time);
	}
	for (uint32_t s = 0; s < m->n_services; s++)
		find_parent(m, s);
	m->deepest = dmem_alloc(&m->arena, (m->n_services + 1) * sizeof(*m->deepest));
	if (!m->deepest)
		return -ENOMEM;
	for (size_t depth = 0, left = m->n_services; left; depth++) {
		for (uint32_t s = 0; s < m->n_services; s++) {
			if (m->service[s].depth == depth)
				m->deepest[--left] = s;
		}
	}
	return 0;
}

void model_free(struct model *m)
{
	for (size_t i = 0; i < m->n_boots; i++)
		free(m->boot[i].event);
	notes_free(&m->notes);
	dmem_arena_free(&m->arena);
}
