// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes the changes of a sample as records of a history. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sampling.h"

/* The number of figures to write: up to the last one that differs. */
static size_t changed(const uint64_t *now, const uint64_t *told, size_t n)
{
	while (n && now[n - 1] == told[n - 1])
		n--;
	return n;
}

static bool known(const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i] != DMEM_UNKNOWN)
			return true;
	}
	return false;
}

static int tell_names(struct sampler *s, bool all, struct dmem_text *t)
{
	struct hist_line l;
	int ret = 0;

	if (all) {
		s->head.wall = s->wall;
		s->head.mono = s->mono;
		s->pending_numbers = 0;
		ret = hist_put_head(t, &s->head);
	} else {
		s->pending_numbers = s->numbers;
	}
	for (size_t i = 0; all && i < s->regions.n && !ret; i++) {
		hist_begin(&l, t, 'R');
		hist_add(&l, " %zu", i);
		hist_add_name(&l, s->regions.region[i].name);
		ret = hist_end(&l);
	}
	for (struct watched *w = s->watched; w && !ret; w = w->next) {
		w->pending = all ? -1 : w->number;
		if (w->gone || w->pending >= 0)
			continue;
		w->pending = s->pending_numbers++;
		hist_begin(&l, t, 'C');
		hist_add(&l, " %d %" PRIu64, w->pending, w->life);
		hist_add_name(&l, w->path);
		ret = hist_end(&l);
	}
	return ret;
}

static void tell_regions(struct sampler *s, bool all, struct hist_line *l)
{
	for (size_t i = 0; i < s->regions.n; i++) {
		size_t n = all ? HIST_R_FIGURES :
			   changed(s->r_now[i], s->r_told[i], HIST_R_FIGURES);

		if (!n)
			continue;
		hist_add(l, " r%zu", i);
		hist_add_figures(l, s->r_now[i], n);
	}
}

static void tell_watched(struct sampler *s, const struct watched *w, bool all, struct hist_line *l)
{
	/* A cgroup that was made and removed between two records is not written. */
	if (w->gone) {
		if (!all && w->number >= 0)
			hist_add(l, " x%d", w->number);
		return;
	}
	for (size_t i = 0; i < s->regions.n; i++) {
		const uint64_t *now = w->now + i * HIST_FIGURES, *told = w->told + i * HIST_FIGURES;
		size_t n;

		if (all)
			n = known(now, HIST_FIGURES) ? HIST_FIGURES : 0;
		else
			n = changed(now, told, HIST_FIGURES);
		if (!n)
			continue;
		hist_add(l, " c%d.%zu", w->pending, i);
		hist_add_figures(l, now, n);
	}
}

static void tell_buffer(const struct held *h, struct hist_line *l)
{
	hist_add(l, " b%" PRIu64 "=", h->ino);
	if (h->w)
		hist_add(l, "%d", h->w->pending);
	else
		hist_add(l, "-");
	hist_add(l, ".%u,%" PRIu64, h->region, h->size);
}

static void tell_buffers(struct sampler *s, bool all, struct hist_line *l)
{
	const struct held_list none = { 0 }, *told = all ? &none : &s->told;
	size_t i = 0, k = 0;

	/* Freed buffers come first, so that readers have room for new ones. */
	for (; i < told->n; i++) {
		while (k < s->now.n && s->now.held[k].ino < told->held[i].ino)
			k++;
		if (k == s->now.n || s->now.held[k].ino != told->held[i].ino)
			hist_add(l, " f%" PRIu64, told->held[i].ino);
	}
	for (i = k = 0; k < s->now.n; k++) {
		while (i < told->n && told->held[i].ino < s->now.held[k].ino)
			i++;
		/* The buffer's owner may have been found later than the buffer. */
		if (i == told->n || told->held[i].ino != s->now.held[k].ino ||
		    (s->now.held[k].w && told->held[i].w != s->now.held[k].w))
			tell_buffer(&s->now.held[k], l);
	}
}

int sampler_tell(struct sampler *s, enum sampler_how how, struct dmem_text *t)
{
	bool all = how == TELL_ALL;
	struct hist_line l;
	size_t empty;
	int ret = tell_names(s, all, t);

	if (ret)
		return ret;
	hist_begin(&l, t, 'S');
	hist_add(&l, " %" PRIu64 " %" PRIu64, s->mono, s->wall);
	empty = t->len;
	tell_regions(s, all, &l);
	for (const struct watched *w = s->watched; w; w = w->next)
		tell_watched(s, w, all, &l);
	tell_buffers(s, all, &l);
	if (!l.err && t->len == empty && how == TELL_CHANGES) {
		t->len = l.start;
		return 0;
	}
	return hist_end(&l);
}

/* Stores the buffers of this sample as recorded. Buffers refer to their cgroups, so the entry of a
 * removed cgroup can only be freed after this. */
static int keep_buffers(struct sampler *s)
{
	struct held *h = realloc(s->told.held, (s->now.n + 1) * sizeof(*h));

	if (!h)
		return -ENOMEM;
	s->told.held = h;
	s->told.n = s->now.n;
	if (s->now.n)
		memcpy(h, s->now.held, s->now.n * sizeof(*h));
	return 0;
}

void sampler_told(struct sampler *s)
{
	/* After a failure, the next record must be a segment, which has all buffers. */
	s->segment = keep_buffers(s) != 0;
	s->numbers = s->pending_numbers;
	memcpy(s->r_told, s->r_now, s->regions.n * sizeof(*s->r_told));
	s->end = &s->watched;
	while (*s->end) {
		struct watched *w = *s->end;

		if (w->gone) {
			*s->end = w->next;
			watched_free(w);
			continue;
		}
		w->number = w->pending;
		memcpy(w->told, w->now, s->regions.n * HIST_FIGURES * sizeof(*w->told));
		s->end = &w->next;
	}
}
