// SPDX-License-Identifier: GPL-2.0-or-later
/* Sums up histories: machines, times, regions, and damage. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "summary.h"

/* As in a plan: a longer time without a record is a time without a recorder. */
#define SILENCE_MS	60000

static bool same_fact(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Machines with copies of one image may have one id: the host name belongs to it. */
static bool is_machine(const struct summary_machine *m, const struct hist_identity *id)
{
	return same_fact(m->machine, id ? id->machine : NULL) &&
	       same_fact(m->host, id ? id->host : NULL);
}

static int keep_fact(struct summary *s, const char **fact, const char *now)
{
	if (!now || same_fact(*fact, now))
		return 0;
	*fact = dmem_strdup(&s->arena, now);
	return *fact ? 0 : -ENOMEM;
}

/* The machine of the current segment. NULL: out of memory. */
static struct summary_machine *find_machine(struct summary *s, const struct walk *w)
{
	struct summary_machine *m;
	size_t i = 0;

	while (i < s->n_machines && !is_machine(&s->machine[i], w->id))
		i++;
	if (i == s->n_machines) {
		m = dmem_grow(&s->arena, s->machine, s->n_machines, sizeof(*m));
		if (!m)
			return NULL;
		s->machine = m;
		m[s->n_machines++] = (struct summary_machine){ .from = UINT64_MAX };
	}
	m = &s->machine[i];
	s->at = i;
	if (w->id && (keep_fact(s, &m->machine, w->id->machine) ||
		      keep_fact(s, &m->host, w->id->host) ||
		      keep_fact(s, &m->model, w->id->model) ||
		      keep_fact(s, &m->release, w->id->release)))
		return NULL;
	return m;
}

static int start_segment(struct summary *s, const struct walk *w)
{
	struct summary_machine *m = find_machine(s, w);
	uint64_t boot = dmem_map_text(w->head.boot, HIST_BOOT);

	if (!m)
		return -ENOMEM;
	if (!dmem_map_get(&s->boots, boot, s->at + 1)) {
		if (dmem_map_put(&s->boots, boot, s->at + 1, 1))
			return -ENOMEM;
		m->boots++;
	}
	s->ended |= s->history != w->history;
	s->segment = w->segment;
	s->history = w->history;
	s->interval = w->head.interval > s->interval ? w->head.interval : s->interval;
	s->buffers |= w->head.buffers;
	s->sizes_unknown |= !w->head.buffers;
	return 0;
}

static struct summary_region *find_region(struct summary *s, const char *name)
{
	struct summary_region *more;

	for (size_t i = 0; i < s->n_regions; i++) {
		if (!strcmp(s->region[i].name, name))
			return &s->region[i];
	}
	more = dmem_grow(&s->arena, s->region, s->n_regions, sizeof(*more));
	if (!more)
		return NULL;
	s->region = more;
	more += s->n_regions;
	*more = (struct summary_region){
		.name = dmem_strdup(&s->arena, name), .least = DMEM_UNKNOWN,
		.most = DMEM_UNKNOWN,
	};
	if (!more->name)
		return NULL;
	return &s->region[s->n_regions++];
}

static void raise(uint64_t *most, uint64_t v)
{
	if (v != DMEM_UNKNOWN && v != DMEM_NO_LIMIT && v > *most)
		*most = v;
}

static int add_region(struct summary *s, const struct walk_region *r)
{
	struct summary_region *g = find_region(s, r->name);
	uint64_t capacity = r->v[HIST_R_CAPACITY];

	if (!g)
		return -ENOMEM;
	raise(&g->charged, r->v[HIST_R_CURRENT]);
	raise(&g->unaccounted, r->v[HIST_R_UNACCOUNTED]);
	if (capacity == DMEM_UNKNOWN)
		return 0;
	if (g->least == DMEM_UNKNOWN || capacity < g->least)
		g->least = capacity;
	if (g->most == DMEM_UNKNOWN || capacity > g->most)
		g->most = capacity;
	return 0;
}

static int add_cgroup(struct summary *s, const char *path)
{
	return dmem_map_put(&s->cgroups, dmem_map_text(path, strlen(path)), 0, 1);
}

static void add_time(struct summary *s, const struct walk *w)
{
	struct summary_machine *m = &s->machine[s->at];
	uint64_t most = SILENCE_MS + 2 * w->head.interval;

	if (!s->ended && w->mono > s->last && w->mono - s->last <= most)
		m->time += w->mono - s->last;
	s->last = w->mono;
	s->ended = false;
}

int summary_sample(void *data, struct walk *w)
{
	struct summary *s = data;
	struct summary_machine *m;
	int ret = s->segment == w->segment ? 0 : start_segment(s, w);

	if (ret)
		return ret;
	m = &s->machine[s->at];
	m->samples++;
	m->from = w->time < m->from ? w->time : m->from;
	m->to = w->time > m->to ? w->time : m->to;
	/* A single sample has no duration. */
	if (w->head.interval)
		add_time(s, w);
	for (size_t i = 0; i < w->n_changes && !ret; i++) {
		const struct walk_change *c = &w->change[i];

		if (c->kind == WALK_REGION)
			ret = add_region(s, &w->region[c->at]);
		if (c->kind == WALK_CGROUP)
			ret = add_cgroup(s, w->cgroup[w->figures[c->at].cgroup].path);
	}
	return ret;
}

int summary_end(void *data, struct walk *w, uint64_t mono)
{
	(void)w;
	(void)mono;
	((struct summary *)data)->ended = true;
	return 0;
}

/* ---- output ---- */

static void put_duration(FILE *f, uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s >= 3600)
		fprintf(f, "%" PRIu64 "h %" PRIu64 "min", s / 3600, s % 3600 / 60);
	else
		fprintf(f, "%" PRIu64 "min %" PRIu64 "s", s / 60, s % 60);
}

static int put_fact(FILE *f, const char *before, const char *fact, const char *otherwise)
{
	char *safe = text_harmless(fact ? fact : otherwise, TEXT_LOCALE);

	if (!safe)
		return -ENOMEM;
	if (*safe)
		fprintf(f, "%s%s", before, safe);
	free(safe);
	return 0;
}

static int put_machine(FILE *f, const struct summary_machine *m)
{
	char from[CLI_DATE], to[CLI_DATE];
	int ret = put_fact(f, "\n", m->host, m->machine ? "(no host name)" : "(unknown machine)");

	if (!ret)
		ret = put_fact(f, ": ", m->model, "");
	if (!ret)
		ret = put_fact(f, m->model ? ", Linux " : ": Linux ", m->release, "");
	if (!ret)
		ret = put_fact(f, "\n  machine   ", m->machine, "");
	fprintf(f, "\n  time      %s to %s UTC\n  recorded  ", cli_date(from, m->from), cli_date(to, m->to));
	put_duration(f, m->time);
	fprintf(f, ", %zu boot%s, %" PRIu64 " sample%s\n", m->boots, m->boots == 1 ? "" : "s",
		m->samples, m->samples == 1 ? "" : "s");
	return ret;
}

static int put_regions(FILE *f, const struct summary *s)
{
	int width = 6, ret = 0;

	for (size_t i = 0; i < s->n_regions; i++) {
		int len = (int)strlen(s->region[i].name);

		width = len > width ? len : width;
	}
	if (s->n_regions)
		fprintf(f, "\n%-*s %13s %8s %11s\n", width, "REGION", "CAPACITY", "CHARGED",
			"UNACCOUNTED");
	for (size_t i = 0; i < s->n_regions && !ret; i++) {
		const struct summary_region *g = &s->region[i];
		char least[CLI_SIZE], most[CLI_SIZE], both[2 * CLI_SIZE + 2];
		char *safe = text_harmless(g->name, TEXT_LOCALE);

		if (!safe)
			return -ENOMEM;
		cli_size(least, g->least, false);
		cli_size(most, g->most, false);
		snprintf(both, sizeof(both), g->least == g->most ? "%s" : "%s-%s", least, most);
		fprintf(f, "%-*s %13s", width, safe, both);
		fprintf(f, " %8s", cli_size(least, g->charged, false));
		fprintf(f, " %11s\n", cli_size(least, g->unaccounted, false));
		free(safe);
	}
	return ret;
}

int summary_print(FILE *f, const struct summary *s, const struct walk *w, size_t histories,
		  uint64_t bytes)
{
	char size[CLI_SIZE];
	int ret = 0;

	fprintf(f, "%zu histor%s, %s of text, %zu cgroup%s with figures, ", histories,
		histories == 1 ? "y" : "ies", cli_size(size, bytes, false), s->cgroups.n,
		s->cgroups.n == 1 ? "" : "s");
	fprintf(f, "%s\n", !s->buffers ? "no buffers" :
		s->sizes_unknown ? "buffers in some segments" : "buffers recorded");
	fprintf(f, "damage: %zu line%s", w->found.bad, w->found.bad == 1 ? "" : "s");
	if (w->found.newer)
		fprintf(f, ", and %zu record%s of a later version", w->found.newer,
			w->found.newer == 1 ? "" : "s");
	fprintf(f, "\n");
	for (size_t i = 0; i < s->n_machines && !ret; i++)
		ret = put_machine(f, &s->machine[i]);
	return ret ? ret : put_regions(f, s);
}

void summary_free(struct summary *s)
{
	dmem_map_free(&s->cgroups);
	dmem_map_free(&s->boots);
	dmem_arena_free(&s->arena);
}
