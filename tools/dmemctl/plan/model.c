// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the boots, services and regions of histories, and the places of their samples. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"
#include "model.h"

/* An earlier wall clock was not set. */
#define CLOCK_SET_MS	INT64_C(946684800000)

/* ---- names ---- */

/* Histories are not trusted: a name must not send control sequences to a terminal. */
static const char *printable(struct dmem_arena *a, const char *s)
{
	size_t len = strlen(s);
	char *copy = dmem_alloc(a, TEXT_ROOM(len));

	if (copy)
		text_put(copy, s, len, TEXT_UTF8);
	return copy;
}

static const char *service_path(const struct model *m, size_t i)
{
	return m->service[i].path;
}

static const char *region_name(const struct model *m, size_t i)
{
	return m->region[i].name;
}

static const char *boot_id(const struct model *m, size_t i)
{
	return m->boot[i].id;
}

/* The index of a name, or -1. *@key is its key in the map, or the one to use: two names may have
 * the same hash. */
static int64_t find_name(const struct model *m, const struct dmem_map *map, const char *name,
			 size_t len, const char *(*text)(const struct model *m, size_t i),
			 uint64_t key[2])
{
	uint64_t v;

	key[0] = dmem_map_text(name, len);
	for (key[1] = 0; (v = dmem_map_get(map, key[0], key[1])); key[1]++) {
		const char *s = text(m, v - 1);

		if (!strncmp(s, name, len) && !s[len])
			return (int64_t)v - 1;
	}
	return -1;
}

int64_t model_find_region(struct model *m, const char *name, bool add)
{
	struct model_region *more;
	char shown[TEXT_ROOM(HIST_NAME)];
	uint64_t key[2];
	int64_t at;

	text_put(shown, name, strnlen(name, HIST_NAME), TEXT_UTF8);
	at = find_name(m, &m->regions, shown, strlen(shown), region_name, key);
	if (at >= 0 || !add)
		return at >= 0 ? at : -ENOENT;
	more = dmem_grow(&m->arena, m->region, m->n_regions, sizeof(*more));
	if (!more || dmem_map_put(&m->regions, key[0], key[1], m->n_regions + 1))
		return -ENOMEM;
	m->region = more;
	more[m->n_regions] = (struct model_region){ dmem_strdup(&m->arena, shown), DMEM_UNKNOWN };
	if (!more[m->n_regions].name)
		return -ENOMEM;
	return (int64_t)m->n_regions++;
}

int64_t model_find_service(struct model *m, const char *path, bool add)
{
	struct model_service *more;
	const char *unit;
	uint64_t key[2];
	size_t len;
	int64_t at = find_name(m, &m->services, path, strlen(path), service_path, key);

	if (at >= 0 || !add)
		return at >= 0 ? at : -ENOENT;
	more = dmem_grow(&m->arena, m->service, m->n_services, sizeof(*more));
	if (!more || m->n_services == MODEL_NONE - 2)
		return -ENOMEM;
	m->service = more;
	more += m->n_services;
	*more = (struct model_service){
		.path = dmem_strdup(&m->arena, path), .shown = printable(&m->arena, path),
		.parent = MODEL_NONE,
	};
	if (!more->path || !more->shown ||
	    dmem_map_put(&m->services, key[0], key[1], m->n_services + 1))
		return -ENOMEM;
	unit = dmem_cgroup_unit(more->path, &len);
	if (unit && !unit[len])
		more->unit = unit;
	return (int64_t)m->n_services++;
}

bool model_is_unit(const struct model_service *s, const char *word)
{
	size_t len = strlen(word);

	if (!strcmp(s->path, *word == '/' ? word + 1 : word))
		return true;
	return s->unit && !strncmp(s->unit, word, len) &&
	       (!s->unit[len] || !strcmp(s->unit + len, ".service"));
}

const char *model_name(const struct model *m, uint32_t service)
{
	if (service == MODEL_OTHERS(m))
		return "(others)";
	if (service == MODEL_KERNEL(m))
		return "(not accounted)";
	return m->service[service].unit ? m->service[service].unit : m->service[service].shown;
}

/* Finds the nearest recorded ancestor. */
static void find_parent(struct model *m, uint32_t service)
{
	struct model_service *s = &m->service[service];
	uint64_t key[2];

	for (size_t len = strlen(s->path); len; ) {
		int64_t at;

		while (len && s->path[--len] != '/')
			;
		at = len ? find_name(m, &m->services, s->path, len, service_path, key) : -1;
		if (at < 0)
			continue;
		s->parent = (uint32_t)at;
		m->service[at].has_children = true;
		return;
	}
}

int64_t model_add_service(struct model *m, const char *path)
{
	int64_t at = model_find_service(m, path, true);

	if (at >= 0)
		find_parent(m, (uint32_t)at);
	return at;
}

uint64_t model_wall(const struct model_boot *b, uint64_t t)
{
	size_t i = b->n_clocks;

	if (!i)
		return t;
	while (i > 1 && b->clock[i - 1].t > t)
		i--;
	if ((int64_t)t + b->clock[i - 1].offset < CLOCK_SET_MS)
		i = b->n_clocks;
	return t + (uint64_t)b->clock[i - 1].offset;
}

/* ---- places of samples ---- */

struct scan {
	struct model *m;
	struct model_boot *boot;	/* NULL before the first segment */
	struct model_extent *extent;
	struct hist_reader *reader;
	struct hist_found found;
	struct lines lines;
	struct lines_range here;	/* of the current line */
	uint64_t last;			/* start of the last segment in the extent */
	const struct hist_identity *id;	/* the last one */
};

static int find_boot(struct scan *s, const struct hist_head *h)
{
	struct model *m = s->m;
	struct model_boot *more;
	uint64_t key[2];
	int64_t at = find_name(m, &m->boots, h->boot, HIST_BOOT, boot_id, key);

	if (at < 0) {
		at = (int64_t)m->n_boots;
		more = dmem_grow(&m->arena, m->boot, m->n_boots, sizeof(*more));
		if (!more || dmem_map_put(&m->boots, key[0], key[1], m->n_boots + 1))
			return -ENOMEM;
		m->boot = more;
		more[m->n_boots] = (struct model_boot){
			.page = h->page, .block = h->block, .history = m->files,
			.file = s->here.file,
		};
		memcpy(more[m->n_boots++].id, h->boot, sizeof(h->boot));
	}
	if (s->boot != &m->boot[at])
		s->extent = NULL;
	s->boot = &m->boot[at];
	if (s->id && !strcmp(s->id->boot, h->boot))
		s->boot->machine = s->id;
	return 0;
}

static int on_identity(void *data, uint64_t wall, const struct hist_identity *id)
{
	struct scan *s = data;
	struct dmem_arena *a = &s->m->arena;
	struct hist_identity *more;

	(void)wall;
	/* Each start of a recorder writes it again. */
	if (s->id && hist_identity_same(s->id, id))
		return 0;
	more = dmem_alloc(a, sizeof(*more));
	if (!more || hist_identity_copy(more, a, id))
		return -ENOMEM;
	s->id = more;
	return 0;
}

static int on_head(void *data, const struct hist_head *h)
{
	struct scan *s = data;
	struct model_extent *more;
	bool once = !h->interval;
	struct model_boot *b;
	int ret = find_boot(s, h);

	if (ret)
		return ret;
	b = s->boot;
	if (h->interval > b->interval)
		b->interval = h->interval;
	b->buffers |= h->buffers;
	/* A single sample, or a segment out of order, needs an extent and cursor of its own. */
	if (s->extent && (once || h->mono >= s->last)) {
		if (!once && s->extent->start == UINT64_MAX)
			s->extent->start = h->mono;
		if (!once)
			s->last = h->mono;
		return 0;
	}
	more = dmem_grow(&s->m->arena, b->extent, b->n_extents, sizeof(*more));
	if (!more)
		return -ENOMEM;
	b->extent = more;
	s->extent = &more[b->n_extents++];
	s->last = once ? 0 : h->mono;
	*s->extent = (struct model_extent){ .start = once ? UINT64_MAX : h->mono, .range = s->here };
	return 0;
}

static int on_region(void *data, unsigned int region, const char *name)
{
	int64_t at = model_find_region(((struct scan *)data)->m, name, true);

	(void)region;
	return at < 0 ? (int)at : 0;
}

static int on_cgroup(void *data, unsigned int cgroup, uint64_t life, const char *path)
{
	int64_t at = model_find_service(((struct scan *)data)->m, path, true);

	(void)cgroup;
	(void)life;
	return at < 0 ? (int)at : 0;
}

static int on_notes(void *data, uint64_t wall)
{
	return notes_begin(&((struct scan *)data)->m->notes, wall);
}

static int on_node(void *data, const char *path)
{
	return notes_node(&((struct scan *)data)->m->notes, path);
}

static int on_property(void *data, const char *name, const void *value, size_t len)
{
	return notes_property(&((struct scan *)data)->m->notes, name, value, len);
}

static int on_word(void *data, const char *word)
{
	return notes_word(&((struct scan *)data)->m->notes, word);
}

static int on_noted(void *data)
{
	return notes_end(&((struct scan *)data)->m->notes);
}

static const struct hist_ops scan_ops = {
	.head = on_head, .region = on_region, .cgroup = on_cgroup,
	.notes = on_notes, .node = on_node, .property = on_property, .word = on_word,
	.noted = on_noted, .identity = on_identity,
};

static int scan_line(struct scan *s, const char *line, size_t len)
{
	struct hist_found found = { 0 };
	bool sample = len > 9 && (line[9] == 'S' || line[9] == 'E');
	int ret;

	/* Samples are read later, boot by boot. */
	if (s->boot && sample)
		return 0;
	if (s->extent && len > 9 && line[9] == 'H') {
		s->extent->range.last = s->here.file;
		s->extent->range.to = s->here.from;
	}
	ret = hist_reader_line(s->reader, line, len, &found);
	if (!s->boot) {
		s->m->bad += found.bad;
		s->m->newer += found.newer;
	}
	return ret;
}

static int scan_file(struct scan *s, size_t file)
{
	struct model *m = s->m;
	char *line;
	size_t len;
	int ret;

	s->here = (struct lines_range){ file, file, 0, m->size[file] };
	lines_start(&s->lines, &m->in, m->size, &s->here);
	while ((ret = lines_next(&s->lines, &line, &len)) > 0) {
		ret = scan_line(s, line, len);
		if (ret)
			break;
		s->here.from += len + 1;
	}
	lines_end(&s->lines);
	m->size[file] = s->here.from;
	return ret;
}

int model_add(struct model *m, size_t first, size_t last, const uint64_t *size)
{
	struct scan s = { .m = m };
	uint64_t *more;
	int ret = 0;

	m->files++;
	if (last >= m->n_sizes) {
		more = realloc(m->size, (2 * last + 16) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		m->size = more;
		m->n_sizes = 2 * last + 16;
	}
	s.reader = hist_reader_new(&scan_ops, &s);
	if (!s.reader)
		return -ENOMEM;
	for (size_t i = first; i <= last && !ret; i++) {
		m->size[i] = size[i - first];
		ret = scan_file(&s, i);
	}
	if (s.extent) {
		s.extent->range.last = last;
		s.extent->range.to = m->size[last];
	}
	free(s.reader);
	return ret;
}

static int by_start(const void *a, const void *b)
{
	const struct model_extent *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->range.file != y->range.file)
		return x->range.file < y->range.file ? -1 : 1;
	return (x->range.from > y->range.from) - (x->range.from < y->range.from);
}

/* Reads all samples of a boot once, to learn facts that replays need from their start. */
static int learn_boot(struct model *m, size_t boot)
{
	struct model_replay r;
	int ret = model_replay_start(&r, m, boot, MODEL_NONE), end;

	r.learn = m;
	while (!ret && model_replay_next(&r))
		;
	m->bad += r.found.bad;
	m->newer += r.found.newer;
	end = model_replay_end(&r);
	m->samples += m->boot[boot].samples;
	return ret ? ret : end;
}

int model_sort(struct model *m)
{
	int ret = 0;

	for (uint32_t s = 0; s < m->n_services; s++)
		find_parent(m, s);
	for (size_t i = 0; i < m->n_boots && !ret; i++) {
		struct model_boot *b = &m->boot[i];

		qsort(b->extent, b->n_extents, sizeof(*b->extent), by_start);
		ret = learn_boot(m, i);
	}
	return ret;
}

void model_free(struct model *m)
{
	for (size_t i = 0; i < m->n_boots; i++) {
		free(m->boot[i].late);
		free(m->boot[i].clock);
	}
	free(m->size);
	dmem_map_free(&m->services);
	dmem_map_free(&m->regions);
	dmem_map_free(&m->boots);
	notes_free(&m->notes);
	dmem_arena_free(&m->arena);
}
