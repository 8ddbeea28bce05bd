// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes histories. A segment is written as it was read. If its first samples are left out, a new
 * segment starts with the state of the first sample that is selected, as if a recorder had started
 * a segment there.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "copy.h"

static int flush(struct copy *c)
{
	size_t len = c->text.len;

	c->text.len = 0;
	return !len || fwrite(c->text.s, 1, len, c->f) == len ? 0 : -EIO;
}

static int put_region(struct copy *c, struct walk_region *r)
{
	struct hist_line l;

	r->out = -1;
	if (!r->kept)
		return 0;
	r->out = c->n_regions++;
	hist_begin(&l, &c->text, 'R');
	hist_add(&l, " %d", r->out);
	hist_add_name(&l, r->name);
	return hist_end(&l);
}

/* Names the regions that were added since the last sample: all, in a new segment. */
static int put_regions(struct copy *c, struct walk *w, bool all)
{
	int ret = 0;

	for (size_t i = all ? 0 : c->told; i < w->n_regions && !ret; i++)
		ret = put_region(c, &w->region[i]);
	c->told = w->n_regions;
	return ret;
}

static int put_cgroup(struct copy *c, struct walk_cgroup *g)
{
	struct hist_line l;

	if (!g->kept)
		return 0;
	g->out = c->n_cgroups++;
	hist_begin(&l, &c->text, 'C');
	hist_add(&l, " %d %" PRIu64, g->out, g->life);
	hist_add_name(&l, g->path);
	return hist_end(&l);
}

static bool goes_now(const struct walk *w, size_t cgroup)
{
	for (size_t i = 0; i < w->n_changes; i++) {
		if (w->change[i].kind == WALK_GONE && w->change[i].at == cgroup)
			return true;
	}
	return false;
}

/* Names the cgroups that were added since the last sample. In a new segment, those that have gone
 * earlier have no name. */
static int put_cgroups(struct copy *c, struct walk *w, bool all)
{
	int ret = 0;

	for (size_t i = all ? 0 : c->named; i < w->n_cgroups && !ret; i++) {
		w->cgroup[i].out = -1;
		if (all && w->cgroup[i].gone && !w->first && !goes_now(w, i))
			continue;
		ret = put_cgroup(c, &w->cgroup[i]);
	}
	c->named = w->n_cgroups;
	return ret;
}

/* ---- items ---- */

static void put_region_figures(struct hist_line *l, const struct walk_region *r, size_t n)
{
	hist_add(l, " r%d", r->out);
	hist_add_figures(l, r->v, n);
}

static void put_figures(struct hist_line *l, const struct walk *w, const struct walk_figures *g,
			size_t n)
{
	if (w->cgroup[g->cgroup].out < 0)
		return;
	hist_add(l, " c%d.%d", w->cgroup[g->cgroup].out, w->region[g->region].out);
	hist_add_figures(l, g->v, n);
}

static void put_buffer(struct hist_line *l, const struct walk *w, const struct walk_buffer *b)
{
	int owner = b->cgroup < 0 ? -1 : w->cgroup[b->cgroup].out;

	hist_add(l, " b%" PRIu64 "=", b->ino);
	if (owner < 0)
		hist_add(l, "-");
	else
		hist_add(l, "%d", owner);
	hist_add(l, ".%d,%" PRIu64, w->region[b->region].out, b->size);
}

static void put_change(struct hist_line *l, const struct walk *w, const struct walk_change *e)
{
	switch (e->kind) {
	case WALK_REGION:
		put_region_figures(l, &w->region[e->at], e->n);
		break;
	case WALK_CGROUP:
		put_figures(l, w, &w->figures[e->at], e->n);
		break;
	case WALK_GONE:
		/* It had gone before the segment started. */
		if (w->cgroup[e->at].out >= 0)
			hist_add(l, " x%d", w->cgroup[e->at].out);
		break;
	case WALK_BUFFER:
		put_buffer(l, w, &e->buffer);
		break;
	case WALK_FREED:
		hist_add(l, " f%" PRIu64, e->buffer.ino);
		break;
	}
}

static bool is_told(const struct walk *w, size_t region, size_t figure)
{
	for (size_t i = 0; i < w->n_changes; i++) {
		const struct walk_change *e = &w->change[i];

		if (e->kind == WALK_REGION && e->at == region && e->n > figure)
			return true;
	}
	return false;
}

/* A plan compares each largest run in a sample with its own figures. One of an earlier sample would
 * be a measurement that nobody made. */
static void put_whole_region(struct hist_line *l, const struct walk *w, size_t region)
{
	struct walk_region r = w->region[region];

	if (!r.kept || !r.n)
		return;
	if (!is_told(w, region, HIST_R_LARGEST))
		r.v[HIST_R_LARGEST] = DMEM_UNKNOWN;
	put_region_figures(l, &r, r.n);
}

/* All figures and buffers, and the cgroups and buffers that go with this sample. */
static void put_state(struct hist_line *l, const struct walk *w)
{
	for (size_t i = 0; i < w->n_regions; i++)
		put_whole_region(l, w, i);
	for (size_t i = 0; i < w->n_figures; i++)
		put_figures(l, w, &w->figures[i], w->figures[i].n);
	for (size_t i = 0; i < w->n_changes; i++) {
		if (w->change[i].kind == WALK_GONE || w->change[i].kind == WALK_FREED)
			put_change(l, w, &w->change[i]);
	}
	for (size_t i = 0; i < w->n_buffers; i++)
		put_buffer(l, w, &w->buffer[i]);
}

/* ---- segments ---- */

/* A plan takes two recordings at the same time for two only if the second one starts earlier, or
 * another boot is in between. */
static bool overlaps(const struct copy *c, const struct walk *w)
{
	return c->history && c->history != w->history && w->head.interval &&
	       !strcmp(c->boot, w->head.boot) && w->mono >= c->last && w->mono < c->to;
}

static int put_head(struct copy *c, struct walk *w)
{
	struct hist_head h = w->head;
	int ret = 0;

	/* It may be of a later segment, which needs it then. */
	if (w->id && c->identified != w->identified) {
		ret = hist_put_identity(&c->text, w->id_wall, w->id);
		c->identified = w->identified;
	}
	if (!ret)
		ret = flush(c);
	if (!ret && w->notes.len && c->noted != w->noted)
		ret = fwrite(w->notes.s, 1, w->notes.len, c->f) == w->notes.len ? 0 : -EIO;
	c->noted = w->noted;
	if (!w->first) {
		h.mono = w->mono;
		h.wall = w->wall;
	}
	c->n_regions = c->n_cgroups = 0;
	c->stretch = w->stretch;
	c->history = w->history;
	if (strcmp(c->boot, h.boot))
		c->last = c->to = 0;
	memcpy(c->boot, h.boot, sizeof(c->boot));
	if (h.interval)
		c->last = h.mono;
	if (!ret)
		ret = hist_put_head(&c->text, &h);
	return ret;
}

int copy_sample(void *data, struct walk *w)
{
	struct copy *c = data;
	bool anew = c->stretch != w->stretch;
	struct hist_line l;
	int ret = 0;

	if (anew && overlaps(c, w))
		return -EDOM;
	if (anew)
		ret = put_head(c, w);
	if (!ret)
		ret = put_regions(c, w, anew);
	if (!ret)
		ret = put_cgroups(c, w, anew);
	if (ret)
		return ret;
	if (w->head.interval && w->mono > c->to)
		c->to = w->mono;
	hist_begin(&l, &c->text, 'S');
	hist_add(&l, " %" PRIu64 " %" PRIu64, w->mono, w->wall);
	if (anew && !w->first) {
		put_state(&l, w);
	} else {
		for (size_t i = 0; i < w->n_changes; i++)
			put_change(&l, w, &w->change[i]);
	}
	ret = hist_end(&l);
	return ret ? ret : flush(c);
}

int copy_end(void *data, struct walk *w, uint64_t mono)
{
	struct copy *c = data;
	struct hist_line l;
	int ret;

	(void)w;
	hist_begin(&l, &c->text, 'E');
	hist_add(&l, " %" PRIu64, mono);
	ret = hist_end(&l);
	return ret ? ret : flush(c);
}

void copy_free(struct copy *c)
{
	dmem_text_free(&c->text);
}
