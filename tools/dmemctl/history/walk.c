// SPDX-License-Identifier: GPL-2.0-or-later
/* Walks through histories, record by record. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "walk.h"

static const char slash[] = "/sys/fs/cgroup/";

/* True if the text is the word, or "word.service". */
static bool is_unit(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	if (len < n || strncmp(text, word, n))
		return false;
	return len == n || (!strchr(word, '.') && len == n + 8 && !strncmp(text + n, ".service", 8));
}

bool walk_is_in(const char *path, const char *word)
{
	size_t len = strlen(word);

	if (!strncmp(word, slash, strlen(slash)))
		word += strlen(slash), len -= strlen(slash);
	if (strchr(word, '/')) {
		word += *word == '/';
		len = strlen(word);
		return !strncmp(path, word, len) && (!path[len] || path[len] == '/');
	}
	for (const char *at = path; *at; ) {
		size_t part = strcspn(at, "/");

		if (is_unit(at, part, word))
			return true;
		at += part;
		at += *at == '/';
	}
	return false;
}

static bool keeps_cgroup(const struct walk_filter *f, const char *path)
{
	for (size_t i = 0; i < f->n_units; i++) {
		if (walk_is_in(path, f->unit[i]))
			return true;
	}
	return !f->n_units;
}

/* A region is named in full, or without its kind: "camera" is "cma/camera". */
static bool keeps_region(const struct walk_filter *f, const char *name)
{
	const char *tail = strchr(name, '/');

	for (size_t i = 0; i < f->n_regions; i++) {
		if (!strcmp(name, f->region[i]) || (tail && !strcmp(tail + 1, f->region[i])))
			return true;
	}
	return !f->n_regions;
}

static struct walk_change *add_change(struct walk *w, enum walk_kind kind, size_t at, size_t n)
{
	struct walk_change *more = dmem_room(w->change, w->n_changes, &w->change_room,
					     sizeof(*more));

	if (!more)
		return NULL;
	w->change = more;
	more += w->n_changes++;
	*more = (struct walk_change){ .kind = kind, .at = at, .n = n };
	return more;
}

/* ---- samples ---- */

/* Passes the sample on, after all of its items. */
static int finish_sample(struct walk *w)
{
	const struct walk_filter *f = w->filter;
	int ret = 0;

	if (!w->pending)
		return 0;
	w->pending = false;
	w->chosen = w->time >= f->since && w->time < f->until;
	if (w->chosen) {
		w->selected++;
		ret = w->sample(w->data, w);
	} else {
		w->stretch++;
	}
	w->first = false;
	w->n_changes = 0;
	return ret;
}

static int on_head(void *data, const struct hist_head *h)
{
	struct walk *w = data;
	int ret = finish_sample(w);

	w->in_notes = false;
	w->head = *h;
	w->boot = NULL;
	for (size_t i = 0; i < w->m->n_boots && !w->boot; i++) {
		if (!strcmp(w->m->boot[i].id, h->boot))
			w->boot = &w->m->boot[i];
	}
	w->id = strcmp(w->last_id.boot, h->boot) ? NULL : &w->last_id;
	w->stretch++;
	w->segment++;
	w->first = true;
	w->chosen = false;
	w->n_regions = w->n_cgroups = w->n_figures = w->n_buffers = 0;
	w->region = NULL;
	w->cgroup = NULL;
	w->figures = NULL;
	dmem_arena_free(&w->arena);
	dmem_map_free(&w->by_name);
	dmem_map_free(&w->by_ino);
	if (ret)
		return ret;
	return w->boot ? 0 : -ESTALE;
}

static int on_region(void *data, unsigned int region, const char *name)
{
	struct walk *w = data;
	struct walk_region *more;
	/* It belongs to the sample that follows. */
	int ret = finish_sample(w);

	if (ret)
		return ret;
	more = dmem_grow(&w->arena, w->region, region, sizeof(*more));
	if (!more)
		return -ENOMEM;
	w->region = more;
	more += region;
	*more = (struct walk_region){
		.name = dmem_strdup(&w->arena, name), .kept = keeps_region(w->filter, name), .out = -1,
	};
	for (size_t i = 0; i < HIST_R_FIGURES; i++)
		more->v[i] = DMEM_UNKNOWN;
	w->any_region |= more->kept;
	w->n_regions = region + 1;
	return more->name ? 0 : -ENOMEM;
}

static int on_cgroup(void *data, unsigned int cgroup, uint64_t life, const char *path)
{
	struct walk *w = data;
	struct walk_cgroup *more;
	/* It belongs to the sample that follows. */
	int ret = finish_sample(w);

	if (ret)
		return ret;
	more = dmem_grow(&w->arena, w->cgroup, cgroup, sizeof(*more));
	if (!more)
		return -ENOMEM;
	w->cgroup = more;
	more += cgroup;
	*more = (struct walk_cgroup){
		.path = dmem_strdup(&w->arena, path), .life = life,
		.kept = keeps_cgroup(w->filter, path), .out = -1,
	};
	w->any_cgroup |= more->kept;
	w->n_cgroups = cgroup + 1;
	return more->path ? 0 : -ENOMEM;
}

static int on_sample(void *data, uint64_t mono, uint64_t wall)
{
	struct walk *w = data;
	int ret = finish_sample(w);

	w->mono = mono;
	w->wall = wall;
	w->time = model_wall(w->boot, mono);
	w->pending = true;
	return ret;
}

static int on_region_figures(void *data, unsigned int region, const uint64_t *v, size_t n)
{
	struct walk *w = data;
	struct walk_region *r = &w->region[region];

	memcpy(r->v, v, n * sizeof(*v));
	r->n = n > r->n ? n : r->n;
	return !r->kept || add_change(w, WALK_REGION, region, n) ? 0 : -ENOMEM;
}

static int on_figures(void *data, unsigned int cgroup, unsigned int region, const uint64_t *v,
		      size_t n)
{
	struct walk *w = data;
	struct walk_figures *more;
	uint64_t at;

	if (!w->cgroup[cgroup].kept || !w->region[region].kept)
		return 0;
	at = dmem_map_get(&w->by_name, cgroup, region);
	if (!at) {
		more = dmem_grow(&w->arena, w->figures, w->n_figures, sizeof(*more));
		if (!more || dmem_map_put(&w->by_name, cgroup, region, w->n_figures + 1))
			return -ENOMEM;
		w->figures = more;
		more += w->n_figures++;
		*more = (struct walk_figures){ .cgroup = cgroup, .region = region };
		for (size_t i = 0; i < HIST_FIGURES; i++)
			more->v[i] = DMEM_UNKNOWN;
		at = w->n_figures;
	}
	more = &w->figures[at - 1];
	memcpy(more->v, v, n * sizeof(*v));
	more->n = n > more->n ? n : more->n;
	return add_change(w, WALK_CGROUP, at - 1, n) ? 0 : -ENOMEM;
}

static int on_gone(void *data, unsigned int cgroup)
{
	struct walk *w = data;

	w->cgroup[cgroup].gone = true;
	return !w->cgroup[cgroup].kept || add_change(w, WALK_GONE, cgroup, 0) ? 0 : -ENOMEM;
}

static int on_buffer(void *data, uint64_t ino, int cgroup, unsigned int region, uint64_t size)
{
	struct walk *w = data;
	struct walk_buffer *more, new = { ino, size, cgroup, region };
	struct walk_change *c;
	uint64_t at = dmem_map_get(&w->by_ino, ino, 0);

	if (!w->region[region].kept)
		return 0;
	if (cgroup >= 0 && !w->cgroup[cgroup].kept)
		new.cgroup = -1;
	if (!at) {
		more = dmem_room(w->buffer, w->n_buffers, &w->buffer_room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		w->buffer = more;
		if (dmem_map_put(&w->by_ino, ino, 0, w->n_buffers + 1))
			return -ENOMEM;
		at = ++w->n_buffers;
	} else if (new.cgroup < 0) {
		/* A known owner is kept. */
		new.cgroup = w->buffer[at - 1].cgroup;
	}
	w->buffer[at - 1] = new;
	c = add_change(w, WALK_BUFFER, 0, 0);
	if (!c)
		return -ENOMEM;
	c->buffer = new;
	return 0;
}

static int on_freed(void *data, uint64_t ino)
{
	struct walk *w = data;
	uint64_t at = dmem_map_take(&w->by_ino, ino, 0);
	struct walk_buffer was = { .ino = ino, .size = DMEM_UNKNOWN, .cgroup = -1 };
	struct walk_change *c;

	if (at) {
		was = w->buffer[at - 1];
		w->buffer[at - 1] = w->buffer[--w->n_buffers];
		if (at - 1 < w->n_buffers &&
		    dmem_map_put(&w->by_ino, w->buffer[at - 1].ino, 0, at))
			return -ENOMEM;
	}
	/* It was in a region that is left out, or is unknown: then this has no effect. */
	if (!at && w->filter->n_regions)
		return 0;
	c = add_change(w, WALK_FREED, 0, 0);
	if (!c)
		return -ENOMEM;
	c->buffer = was;
	return 0;
}

static int on_end(void *data, uint64_t mono)
{
	struct walk *w = data;
	int ret = finish_sample(w);

	if (ret || !w->chosen)
		return ret;
	w->chosen = false;
	return w->end(w->data, w, mono);
}

/* ---- notes and identity ---- */

static int on_notes(void *data, uint64_t wall)
{
	struct walk *w = data;

	(void)wall;
	w->in_notes = true;
	w->making.len = 0;
	return finish_sample(w);
}

static int append(struct dmem_text *t, const char *s, size_t len)
{
	char *more;

	if (t->size - t->len < len) {
		more = realloc(t->s, 2 * (t->size + len) + 1024);
		if (!more)
			return -ENOMEM;
		t->s = more;
		t->size = 2 * (t->size + len) + 1024;
	}
	memcpy(t->s + t->len, s, len);
	t->len += len;
	return 0;
}

/* The segment goes on: its end may be repeated, with more lines before it. */
static int on_noted(void *data)
{
	struct walk *w = data;

	w->noted++;
	w->notes.len = 0;
	return append(&w->notes, w->making.s, w->making.len);
}

static int on_identity(void *data, uint64_t wall, const struct hist_identity *id)
{
	struct walk *w = data;
	int ret = finish_sample(w);

	w->in_notes = false;
	w->id_wall = wall;
	dmem_arena_free(&w->identity);
	w->identified++;
	return ret ? ret : hist_identity_copy(&w->last_id, &w->identity, id);
}

static const struct hist_ops walk_ops = {
	.head = on_head, .region = on_region, .cgroup = on_cgroup, .sample = on_sample,
	.region_figures = on_region_figures, .figures = on_figures, .gone = on_gone,
	.buffer = on_buffer, .freed = on_freed, .end = on_end, .notes = on_notes,
	.noted = on_noted, .identity = on_identity,
};

/* Appends a line of notes, as it is in the file. */
static int keep_line(struct walk *w, const char *line, size_t len)
{
	int ret = append(&w->making, line, len);

	return ret ? ret : append(&w->making, "\n", 1);
}

static int walk_line(struct walk *w, char *line, size_t len)
{
	size_t noted = w->noted, bad = w->found.bad;
	int ret;

	/* The line that ends the notes belongs to them. */
	if (w->in_notes && len > 9 && line[9] != 'H')
		ret = keep_line(w, line, len);
	else
		ret = 0;
	if (!ret)
		ret = hist_reader_line(w->reader, line, len, &w->found);
	/* The rest of them cannot become valid. */
	if (w->found.bad != bad)
		w->in_notes = false;
	if (!ret && w->in_notes && len > 9 && line[9] == 'H' && noted == w->noted)
		ret = keep_line(w, line, len);
	return ret;
}

/* An incomplete last line is not continued in the next file. */
static int walk_file(struct walk *w, size_t file, uint64_t size)
{
	const struct lines_range all = { file, file, 0, size };
	struct lines lines;
	char *line;
	size_t len;
	int ret;

	lines_start(&lines, &w->m->in, NULL, &all);
	while ((ret = lines_next(&lines, &line, &len)) > 0) {
		ret = walk_line(w, line, len);
		if (ret)
			break;
	}
	lines_end(&lines);
	return ret;
}

int walk_history(struct walk *w, size_t first, size_t last, const uint64_t *size)
{
	int ret = 0;

	w->reader = hist_reader_new(&walk_ops, w);
	if (!w->reader)
		return -ENOMEM;
	w->history++;
	w->notes.len = 0;
	w->last_id = (struct hist_identity){ 0 };
	w->in_notes = false;
	for (size_t i = first; i <= last && !ret; i++)
		ret = walk_file(w, i, size[i - first]);
	if (!ret)
		ret = finish_sample(w);
	w->pending = false;
	free(w->reader);
	return ret;
}

void walk_free(struct walk *w)
{
	dmem_arena_free(&w->arena);
	dmem_arena_free(&w->identity);
	dmem_map_free(&w->by_name);
	dmem_map_free(&w->by_ino);
	dmem_text_free(&w->notes);
	dmem_text_free(&w->making);
	free(w->change);
	free(w->buffer);
}
