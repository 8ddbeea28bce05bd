// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A history has times since boot, lives of cgroups, and buffers; the metrics have none of these. A
 * boot ends when its time, a metric of node_exporter, changes, or when a region's peak falls. If the
 * time of boot is unknown, times since boot are those since 1970. A cgroup is a new one when one of
 * its counters falls.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert.h"

#define PAGE		4096
/* Clocks of machines are corrected: a smaller change of the time of boot is none, in s. */
#define BOOT_DRIFT_S	30

struct bucket {
	struct answer_series *series;
	uint64_t end;
	uint64_t *ino;			/* of its buffers, the oldest first */
	size_t n, room;
	size_t told;			/* buffers that the segment names */
};

struct region {
	const char *name;
	struct answer_series *figure[HIST_R_FIGURES], *peak;
	uint64_t told[HIST_R_FIGURES], highest, capacity;
	bool any;			/* figures were written in this segment */
	struct bucket *bucket;		/* by end */
	size_t n_buckets;
};

struct cgroup {
	const char *path;
	uint64_t life;
	unsigned int number;		/* in the segment, if @known */
	bool known, here, anew;
};

/* A cgroup in a region. */
struct cell {
	size_t cgroup, region;
	struct answer_series *figure[HIST_FIGURES];
	uint64_t now[HIST_FIGURES], told[HIST_FIGURES];
	uint64_t highest[HIST_FIGURES];	/* of its life */
	bool here, any;
};

struct maker {
	struct convert *c;
	struct convert_machine *m;
	bool sizes, limits;		/* @limits: without one, a cgroup has no limit */
	struct dmem_arena arena;
	struct region *region;
	struct cgroup *cgroup;
	struct cell *cell;
	size_t n_regions, n_cgroups, n_cells;
	struct answer_series *boot_time, *success, *complete;
	struct dmem_map regions, cgroups, cells;
	uint64_t *time;
	size_t n_times, times_room;
	uint64_t interval, last;	/* ms; @last: time of the last sample */
	/* State */
	uint64_t started;		/* time of boot, in s, or 0 */
	uint64_t base;			/* the same in ms, as it was when the boot was found */
	size_t boots, machine;
	bool open;			/* in a segment */
	unsigned int numbers;
	uint64_t ino, life;
};

/* ---- names ---- */

static const char *region_name(const struct maker *k, size_t i)
{
	return k->region[i].name;
}

static const char *cgroup_path(const struct maker *k, size_t i)
{
	return k->cgroup[i].path;
}

/* The index, or @n: there is none. @key: of the entry, or for a new one. */
static size_t find(const struct maker *k, const struct dmem_map *map, const char *name, size_t n,
		   const char *(*text)(const struct maker *k, size_t i), uint64_t key[2])
{
	uint64_t v;

	key[0] = dmem_map_text(name, strlen(name));
	for (key[1] = 0; (v = dmem_map_get(map, key[0], key[1])); key[1]++) {
		if (!strcmp(text(k, v - 1), name))
			return v - 1;
	}
	return n;
}

static int find_region(struct maker *k, const char *name, size_t *at)
{
	struct region *more;
	uint64_t key[2];

	*at = find(k, &k->regions, name, k->n_regions, region_name, key);
	if (*at < k->n_regions)
		return 0;
	more = dmem_grow(&k->arena, k->region, k->n_regions, sizeof(*more));
	if (!more || dmem_map_put(&k->regions, key[0], key[1], k->n_regions + 1))
		return -ENOMEM;
	k->region = more;
	more[k->n_regions++] = (struct region){ .name = name, .capacity = DMEM_UNKNOWN };
	return 0;
}

static int find_cgroup(struct maker *k, const char *path, size_t *at)
{
	struct cgroup *more;
	uint64_t key[2];

	*at = find(k, &k->cgroups, path, k->n_cgroups, cgroup_path, key);
	if (*at < k->n_cgroups)
		return 0;
	more = dmem_grow(&k->arena, k->cgroup, k->n_cgroups, sizeof(*more));
	if (!more || dmem_map_put(&k->cgroups, key[0], key[1], k->n_cgroups + 1))
		return -ENOMEM;
	k->cgroup = more;
	more[k->n_cgroups++] = (struct cgroup){ .path = path };
	return 0;
}

/* NULL: out of memory. */
static struct cell *find_cell(struct maker *k, size_t cgroup, size_t region)
{
	uint64_t at = dmem_map_get(&k->cells, cgroup, region);
	struct cell *more;

	if (at)
		return &k->cell[at - 1];
	more = dmem_grow(&k->arena, k->cell, k->n_cells, sizeof(*more));
	if (!more || dmem_map_put(&k->cells, cgroup, region, k->n_cells + 1))
		return NULL;
	k->cell = more;
	more += k->n_cells++;
	*more = (struct cell){ .cgroup = cgroup, .region = region };
	return more;
}

/* ---- series of a machine ---- */

static int add_times(struct maker *k, const struct answer_series *s)
{
	for (size_t i = 0; i < s->n; i++) {
		uint64_t *more = dmem_room(k->time, k->n_times, &k->times_room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		k->time = more;
		more[k->n_times++] = s->value[i].t;
	}
	if (s->n && s->interval > k->interval)
		k->interval = s->interval;
	return 0;
}

static int add_bucket(struct maker *k, struct region *g, struct answer_series *s)
{
	struct bucket *more = dmem_grow(&k->arena, g->bucket, g->n_buckets, sizeof(*more));

	if (!more)
		return -ENOMEM;
	g->bucket = more;
	more[g->n_buckets++] = (struct bucket){ .series = s, .end = s->end };
	return 0;
}

/* The root cgroup's figures are those of the region, and a recorder leaves out cgroups inside a
 * service. */
static bool is_recorded(const char *path)
{
	const char *unit;
	size_t len;

	if (!*path)
		return false;
	unit = dmem_cgroup_unit(path, &len);
	return !unit || !unit[len] || (len >= 6 && !strncmp(unit + len - 6, ".slice", 6));
}

static int add_of_cgroup(struct maker *k, size_t region, struct answer_series *s)
{
	int figure = (int)s->metric - ANSWER_CGROUP;
	struct cell *cell;
	size_t cgroup;

	if (!is_recorded(s->cgroup))
		return 0;
	if (find_cgroup(k, s->cgroup, &cgroup))
		return -ENOMEM;
	cell = find_cell(k, cgroup, region);
	if (!cell)
		return -ENOMEM;
	cell->figure[figure] = s;
	k->limits |= figure == HIST_MAX;
	k->c->facts.peaks |= figure == HIST_PEAK;
	return 0;
}

static int add_series(struct maker *k, struct answer_series *s)
{
	size_t region;
	int ret;

	if (s->metric == ANSWER_BOOT)
		k->boot_time = s;
	if (s->metric == ANSWER_SUCCESS)
		k->success = s;
	if (s->metric == ANSWER_COMPLETE)
		k->complete = s;
	if (s->metric >= ANSWER_COMPLETE)
		return 0;
	ret = add_times(k, s);
	if (!ret)
		ret = find_region(k, s->region, &region);
	if (ret)
		return ret;
	if (s->metric == ANSWER_BUCKET)
		return add_bucket(k, &k->region[region], s);
	if (s->metric == ANSWER_REGION_PEAK)
		k->region[region].peak = s;
	else if (s->metric < ANSWER_CGROUP)
		k->region[region].figure[s->metric - ANSWER_REGION] = s;
	else
		return add_of_cgroup(k, region, s);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int by_end(const void *a, const void *b)
{
	return by_number(&((const struct bucket *)a)->end, &((const struct bucket *)b)->end);
}

static int by_cgroup(const void *a, const void *b)
{
	const struct cell *x = a, *y = b;

	if (x->cgroup != y->cgroup)
		return x->cgroup < y->cgroup ? -1 : 1;
	return (x->region > y->region) - (x->region < y->region);
}

static void sort_series(struct maker *k)
{
	size_t n = 0;

	if (k->n_times)
		qsort(k->time, k->n_times, sizeof(*k->time), by_number);
	for (size_t i = 0; i < k->n_times; i++) {
		if (!n || k->time[n - 1] != k->time[i])
			k->time[n++] = k->time[i];
	}
	k->n_times = n;
	for (size_t i = 0; i < k->n_regions; i++) {
		if (k->region[i].n_buckets)
			qsort(k->region[i].bucket, k->region[i].n_buckets, sizeof(struct bucket), by_end);
	}
	if (k->n_cells)
		qsort(k->cell, k->n_cells, sizeof(*k->cell), by_cgroup);
}

/* ---- the values of a sample ---- */

/* Series may have values at different times: each is valid until the next one is due. @t never
 * falls. */
static uint64_t value_at(struct answer_series *s, uint64_t t)
{
	const struct answer_value *v;

	if (!s)
		return DMEM_UNKNOWN;
	while (s->at < s->n && s->value[s->at].t <= t)
		s->at++;
	v = s->at ? &s->value[s->at - 1] : NULL;
	return v && t - v->t < s->interval ? v->v : DMEM_UNKNOWN;
}

static bool falls(uint64_t *highest, uint64_t v)
{
	bool falls = v != DMEM_UNKNOWN && v < *highest;

	if (v != DMEM_UNKNOWN)
		*highest = v;
	return falls;
}

/* True if the machine has started again. */
static bool has_booted(struct maker *k, uint64_t t)
{
	uint64_t started = value_at(k->boot_time, t);
	bool booted = false;

	for (size_t i = 0; i < k->n_regions; i++)
		booted |= falls(&k->region[i].highest, value_at(k->region[i].peak, t));
	if (started == DMEM_UNKNOWN)
		return booted;
	booted |= k->started && started > k->started + BOOT_DRIFT_S;
	k->started = started;
	return booted;
}

static void read_cell(struct maker *k, struct cell *cell, uint64_t t)
{
	struct cgroup *g = &k->cgroup[cell->cgroup];

	cell->here = false;
	for (int i = 0; i < HIST_FIGURES; i++) {
		cell->now[i] = value_at(cell->figure[i], t);
		cell->here |= cell->now[i] != DMEM_UNKNOWN;
	}
	for (int i = HIST_PEAK; i <= HIST_EV_RESERVED; i++)
		g->anew |= falls(&cell->highest[i], cell->now[i]);
	if (k->limits && cell->here && cell->now[HIST_MAX] == DMEM_UNKNOWN)
		cell->now[HIST_MAX] = DMEM_NO_LIMIT;
	g->here |= cell->here;
}

static void read_cells(struct maker *k, uint64_t t)
{
	for (size_t i = 0; i < k->n_cgroups; i++)
		k->cgroup[i].here = k->cgroup[i].anew = false;
	for (size_t i = 0; i < k->n_cells; i++)
		read_cell(k, &k->cell[i], t);
}

/* ---- records ---- */

static int put_record(struct maker *k, char record, unsigned int number, uint64_t life,
		      const char *name)
{
	struct hist_line l;

	hist_begin(&l, &k->m->text, record);
	hist_add(&l, " %u", number);
	if (record == 'C')
		hist_add(&l, " %" PRIu64, life);
	hist_add_name(&l, name);
	return hist_end(&l);
}

static int end_segment(struct maker *k)
{
	struct hist_line l;

	if (!k->open)
		return 0;
	k->open = false;
	hist_begin(&l, &k->m->text, 'E');
	hist_add(&l, " %" PRIu64, k->last - k->base);
	return hist_end(&l);
}

/* Buffers and cgroups of the last boot are gone. */
static void start_boot(struct maker *k, uint64_t t)
{
	k->base = k->started < t / 1000 ? k->started * 1000 : 0;
	k->c->facts.boot_times &= k->started != 0;
	for (size_t i = 0; i < k->n_regions; i++) {
		for (size_t b = 0; b < k->region[i].n_buckets; b++)
			k->region[i].bucket[b].n = k->region[i].bucket[b].told = 0;
	}
	for (size_t i = 0; i < k->n_cgroups; i++)
		k->cgroup[i].life = 0;
	k->boots++;
}

static int start_segment(struct maker *k, uint64_t t)
{
	struct hist_head h = {
		.wall = t, .mono = t - k->base, .interval = k->interval, .page = PAGE, .block = DMEM_UNKNOWN,
	};
	struct hist_identity id = { .host = k->m->name };
	int ret;

	snprintf(h.boot, sizeof(h.boot), "%08x-0000-0000-0000-%012x", (unsigned int)k->machine,
		 (unsigned int)k->boots);
	memcpy(id.boot, h.boot, sizeof(id.boot));
	ret = hist_put_identity(&k->m->text, t, &id);
	if (!ret)
		ret = hist_put_head(&k->m->text, &h);
	for (size_t i = 0; i < k->n_regions && !ret; i++) {
		k->region[i].any = false;
		ret = put_record(k, 'R', (unsigned int)i, 0, k->region[i].name);
	}
	for (size_t i = 0; i < k->n_cgroups; i++)
		k->cgroup[i].known = false;
	for (size_t i = 0; i < k->n_cells; i++)
		k->cell[i].any = false;
	/* All buffers are named again in its first sample. */
	for (size_t i = 0; i < k->n_regions; i++) {
		for (size_t b = 0; b < k->region[i].n_buckets; b++)
			k->region[i].bucket[b].told = 0;
	}
	k->numbers = 0;
	k->open = true;
	return ret;
}

/* Names the new cgroups. The numbers of those that are gone are in @gone. */
static int put_cgroups(struct maker *k, unsigned int *gone, size_t *n_gone)
{
	int ret = 0;

	for (size_t i = 0; i < k->n_cgroups && !ret; i++) {
		struct cgroup *g = &k->cgroup[i];

		if (g->known && (!g->here || g->anew))
			gone[(*n_gone)++] = g->number;
		g->known &= g->here && !g->anew;
		if (!g->here || g->anew)
			g->life = 0;
		if (!g->here || g->known)
			continue;
		g->life = g->life ? g->life : ++k->life;
		g->number = k->numbers++;
		g->known = true;
		ret = put_record(k, 'C', g->number, g->life, g->path);
	}
	/* Figures of the former cgroup. */
	for (size_t i = 0; i < k->n_cells; i++)
		k->cell[i].any &= k->cgroup[k->cell[i].cgroup].here && !k->cgroup[k->cell[i].cgroup].anew;
	return ret;
}

/* The number of figures up to the last one that has changed. */
static size_t changes(const uint64_t *now, uint64_t *told, size_t n, bool any)
{
	while (n && any && now[n - 1] == told[n - 1])
		n--;
	memcpy(told, now, n * sizeof(*now));
	return n;
}

static void put_region(struct maker *k, struct hist_line *l, size_t i, uint64_t t)
{
	struct region *g = &k->region[i];
	uint64_t now[HIST_R_FIGURES];
	size_t n;

	for (size_t f = 0; f < HIST_R_FIGURES; f++)
		now[f] = value_at(g->figure[f], t);
	if (now[HIST_R_CAPACITY] != DMEM_UNKNOWN)
		g->capacity = now[HIST_R_CAPACITY];
	n = changes(now, g->told, HIST_R_FIGURES, g->any);
	g->any = true;
	if (!n)
		return;
	hist_add(l, " r%zu", i);
	hist_add_figures(l, now, n);
}

static void put_cell(struct maker *k, struct hist_line *l, struct cell *cell)
{
	const struct cgroup *g = &k->cgroup[cell->cgroup];
	size_t n;

	if (!g->here || (!cell->here && !cell->any))
		return;
	/* The region is gone, or the cgroup has nothing in it any more. */
	if (!cell->here)
		cell->now[HIST_CURRENT] = 0;
	n = changes(cell->now, cell->told, cell->here ? HIST_FIGURES : 1, cell->any);
	cell->any = cell->here;
	if (!n)
		return;
	hist_add(l, " c%u.%zu", g->number, cell->region);
	hist_add_figures(l, cell->now, n);
}

/* ---- buffers ---- */

/* The number of buffers in a bucket: those up to its end, without those up to the end below it. */
static size_t count_of(struct region *g, size_t b, uint64_t t, uint64_t *below)
{
	uint64_t upto = value_at(g->bucket[b].series, t), n;

	if (upto == DMEM_UNKNOWN)
		return 0;
	n = upto > *below ? upto - *below : 0;
	*below = upto > *below ? upto : *below;
	/* The size of a buffer that exceeds all ends is unknown. */
	return g->bucket[b].end == DMEM_UNKNOWN && g->capacity == DMEM_UNKNOWN ? 0 : (size_t)n;
}

/* Names the next buffer of the bucket, which is a new one, or known from the last segment. */
static int put_buffer(struct maker *k, struct hist_line *l, size_t region, struct bucket *b)
{
	uint64_t size = b->end == DMEM_UNKNOWN ? k->region[region].capacity : b->end;

	if (b->told == b->n) {
		uint64_t *more = dmem_room(b->ino, b->n, &b->room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		b->ino = more;
		more[b->n++] = ++k->ino;
	}
	hist_add(l, " b%" PRIu64 "=-.%zu,%" PRIu64, b->ino[b->told++], region, size);
	return 0;
}

/* Freed buffers come first, and the newest ones are freed: the order is not known. */
static int put_bucket(struct maker *k, struct hist_line *l, size_t region, struct bucket *b, size_t n,
		      bool come)
{
	int ret = 0;

	while (!come && b->n > n)
		hist_add(l, " f%" PRIu64, b->ino[--b->n]);
	b->told = b->told < b->n ? b->told : b->n;
	while (come && b->told < n && !ret)
		ret = put_buffer(k, l, region, b);
	return ret;
}

static int put_buffers(struct maker *k, struct hist_line *l, uint64_t t, bool come)
{
	int ret = 0;

	for (size_t i = 0; i < k->n_regions; i++) {
		struct region *g = &k->region[i];
		uint64_t below = 0;

		for (size_t b = 0; b < g->n_buckets && !ret; b++)
			ret = put_bucket(k, l, i, &g->bucket[b], count_of(g, b, t, &below), come);
	}
	return ret;
}

/* ---- samples ---- */

static int put_sample(struct maker *k, uint64_t t)
{
	unsigned int *gone = calloc(k->n_cgroups + 1, sizeof(*gone));
	struct hist_line l;
	size_t n_gone = 0;
	int ret = gone ? put_cgroups(k, gone, &n_gone) : -ENOMEM, end;

	hist_begin(&l, &k->m->text, 'S');
	hist_add(&l, " %" PRIu64 " %" PRIu64, t - k->base, t);
	for (size_t i = 0; i < k->n_regions; i++)
		put_region(k, &l, i, t);
	for (size_t i = 0; i < n_gone; i++)
		hist_add(&l, " x%u", gone[i]);
	for (size_t i = 0; i < k->n_cells; i++)
		put_cell(k, &l, &k->cell[i]);
	for (int come = 0; come < 2 && k->sizes && !ret; come++)
		ret = put_buffers(k, &l, t, come);
	free(gone);
	end = hist_end(&l);
	return ret ? ret : end;
}

static int add_sample(struct maker *k, uint64_t t)
{
	bool gap = k->open && t - k->last > k->interval + k->interval / 2, booted;
	int ret = 0;

	/* An incomplete text: cgroups that it does not name can exist. */
	if (!value_at(k->success, t)) {
		k->c->facts.gaps += k->open;
		return end_segment(k);
	}
	booted = has_booted(k, t);
	k->c->facts.gaps += gap;
	k->c->facts.reboots += booted;
	if (!value_at(k->complete, t))
		k->c->facts.incomplete = true;
	if (gap || booted)
		ret = end_segment(k);
	if (booted || !k->boots)
		start_boot(k, t);
	read_cells(k, t);
	if (!ret && !k->open)
		ret = start_segment(k, t);
	k->last = t;
	return ret ? ret : put_sample(k, t);
}

static int write_history(struct maker *k)
{
	uint64_t rest = CONVERT_TEXT - k->c->bytes;
	int ret = 0;

	for (size_t i = 0; i < k->n_times && !ret; i++) {
		ret = add_sample(k, k->time[i]);
		if (!ret && k->m->text.len > rest)
			ret = -EFBIG;
	}
	if (!ret)
		ret = end_segment(k);
	k->c->bytes += k->m->text.len;
	if (k->interval > k->c->facts.interval && k->n_times)
		k->c->facts.interval = k->interval;
	return ret;
}

static void end_maker(struct maker *k)
{
	for (size_t i = 0; i < k->n_regions; i++) {
		for (size_t b = 0; b < k->region[i].n_buckets; b++)
			free(k->region[i].bucket[b].ino);
	}
	free(k->time);
	dmem_map_free(&k->regions);
	dmem_map_free(&k->cgroups);
	dmem_map_free(&k->cells);
	dmem_arena_free(&k->arena);
}

static int make_history(struct convert *c, struct answer_series **s, size_t n, bool sizes)
{
	struct maker k = { .c = c, .m = &c->machine[c->n - 1], .sizes = sizes, .machine = c->n };
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = add_series(&k, s[i]);
	sort_series(&k);
	if (!ret)
		ret = write_history(&k);
	end_maker(&k);
	return ret;
}

/* ---- machines ---- */

/* By machine, region and metric. */
static int by_target(const void *a, const void *b)
{
	const struct answer_series *x = *(struct answer_series * const *)a;
	const struct answer_series *y = *(struct answer_series * const *)b;
	int order = strcmp(x->target, y->target);

	order = order ? order : strcmp(x->region, y->region);
	return order ? order : x->metric != y->metric ? (int)x->metric - (int)y->metric : (x > y) - (x < y);
}

static bool is_of_dmem(const struct answer_series *s)
{
	return s->n && s->metric < ANSWER_COMPLETE;
}

/* The number of series of the first machine. */
static size_t of_one(struct answer_series **s, size_t n)
{
	size_t i = 1;

	while (i < n && !strcmp(s[i]->target, s[0]->target))
		i++;
	return i;
}

/* True if another machine has the same instance: it has another job, for example. */
static bool is_ambiguous(const struct answers *a, const struct answer_series *s)
{
	for (size_t i = 0; i < a->n; i++) {
		if (!strcmp(a->series[i].instance, s->instance) && strcmp(a->series[i].target, s->target) &&
		    is_of_dmem(&a->series[i]))
			return true;
	}
	return false;
}

static int add_machine(struct convert *c, const struct answers *a, struct answer_series **s, size_t n)
{
	const struct answer_series *first = s[0];
	struct convert_machine *more;
	const char *name;
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= is_of_dmem(s[i]);
	if (!any)
		return 0;
	name = *first->instance && !is_ambiguous(a, first) ? first->instance : first->target;
	more = dmem_grow(&c->arena, c->machine, c->n, sizeof(*more));
	if (!more)
		return -ENOMEM;
	c->machine = more;
	more += c->n++;
	*more = (struct convert_machine){ .file = first->file };
	more->name = dmem_printf(&c->arena, "%.*s", HIST_FACT - 1, *name ? name : "-");
	return more->name ? 1 : -ENOMEM;
}

static bool is_charged(const struct answer_series *s)
{
	bool charged = false;

	for (size_t i = 0; i < s->n; i++)
		charged |= s->value[i].v != 0;
	return charged && (s->metric == ANSWER_REGION + HIST_R_CURRENT ||
			   s->metric == ANSWER_CGROUP + HIST_CURRENT);
}

/* With sizes, buffers explain all charges, so each region with charges must have a histogram. @s: all
 * series, sorted. */
static int find_sizeless(struct convert *c, struct answer_series **s, size_t n)
{
	bool charged = false, sized = false;

	for (size_t i = 0; i < n; i++) {
		charged |= is_charged(s[i]);
		sized |= s[i]->metric == ANSWER_BUCKET && s[i]->n;
		if (i + 1 < n && !strcmp(s[i]->region, s[i + 1]->region) && !strcmp(s[i]->target, s[i + 1]->target))
			continue;
		if (charged && !sized) {
			c->facts.sizeless = dmem_printf(&c->arena, "%s of %s", s[i]->region, s[i]->target);
			return c->facts.sizeless ? 0 : -ENOMEM;
		}
		charged = sized = false;
	}
	return 0;
}

int convert_answers(struct convert *c, struct answers *a, bool sizes)
{
	struct answer_series **s = calloc(a->n + 1, sizeof(*s));
	int ret = s ? 0 : -ENOMEM;

	c->facts.answers = a->answers;
	c->facts.boot_times = true;
	for (size_t i = 0; i < a->n && !ret; i++) {
		s[i] = &a->series[i];
		c->facts.any_sizes |= a->series[i].metric == ANSWER_BUCKET && a->series[i].n;
	}
	if (!ret && a->n)
		qsort(s, a->n, sizeof(*s), by_target);
	if (!ret)
		ret = find_sizeless(c, s, a->n);
	c->facts.sizes = sizes && c->facts.any_sizes && !c->facts.sizeless;
	for (size_t i = 0; i < a->n && !ret; i += of_one(s + i, a->n - i)) {
		size_t n = of_one(s + i, a->n - i);

		ret = add_machine(c, a, s + i, n);
		if (ret == 1)
			ret = make_history(c, s + i, n, c->facts.sizes);
	}
	c->facts.machines = c->n;
	free(s);
	return ret;
}

ssize_t convert_read(void *data, size_t file, uint64_t offset, void *buf, size_t len)
{
	const struct dmem_text *t = &((const struct convert *)data)->machine[file].text;
	size_t n = offset < t->len ? t->len - (size_t)offset : 0;

	n = n < len ? n : len;
	if (n)
		memcpy(buf, t->s + offset, n);
	return (ssize_t)n;
}

void convert_free(struct convert *c)
{
	for (size_t i = 0; i < c->n; i++)
		dmem_text_free(&c->machine[i].text);
	dmem_arena_free(&c->arena);
}
