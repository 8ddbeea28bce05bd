// SPDX-License-Identifier: GPL-2.0-or-later
/* What "dmemctl watch" shows. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../cli/cli.h"
#include "view.h"

/* Used, peak, max, left, refused, and those since the start. */
#define FIGURES		" %7s %7s %7s %7s %8s %5s"
#define FIGURES_WIDTH	47
#define MIN_NAME	10
#define MAX_BAR		60
#define INDENT		2

const char * const view_sort_names[VIEW_SORTS] = { "name", "use", "refusals" };

struct row {
	const struct dmem_node *node;
	const char *path;
	uint64_t used, since;
	size_t order;
};

struct making {
	struct view *v;
	struct dmem_arena *a;
	const struct dmem_tree *t;
	const struct view_start *start;
	const struct view_filter *filter;
	unsigned int name_width, bar_width;
	size_t region;
	struct row *row;
	size_t n;
};

static int compare_start(const void *x, const void *y)
{
	const struct view_refused *a = x, *b = y;

	if (a->cgroup != b->cgroup)
		return a->cgroup < b->cgroup ? -1 : 1;
	return strcmp(a->region, b->region);
}

int view_begin(struct view_start *s, struct dmem_arena *a, const struct dmem_tree *t)
{
	*s = (struct view_start){ 0 };
	for (const struct dmem_node *n = t->root; n; n = dmem_tree_next(n)) {
		for (size_t i = 0; i < t->regions->n; i++) {
			uint64_t refused = dmem_tree_refused(t, n, i);
			struct view_refused *e;

			if (!refused || refused == DMEM_UNKNOWN)
				continue;
			e = dmem_grow(a, s->entry, s->n, sizeof(*e));
			if (!e)
				return -ENOMEM;
			s->entry = e;
			e += s->n++;
			*e = (struct view_refused){ n->id, refused,
						    dmem_strdup(a, t->regions->region[i].name) };
			if (!e->region)
				return -ENOMEM;
		}
	}
	if (s->n)
		qsort(s->entry, s->n, sizeof(*s->entry), compare_start);
	return 0;
}

/* A cgroup that was not there at the start began with none. */
static uint64_t since_start(const struct making *m, const struct dmem_node *n)
{
	uint64_t refused = dmem_tree_refused(m->t, n, m->region);
	struct view_refused key = { n->id, 0, m->t->regions->region[m->region].name };
	const struct view_refused *e = NULL;

	if (refused == DMEM_UNKNOWN)
		return 0;
	if (m->start->n)
		e = bsearch(&key, m->start->entry, m->start->n, sizeof(key), compare_start);
	/* Less than before: another cgroup, which has the number of a dead one. */
	return !e || e->refused > refused ? refused : refused - e->refused;
}

static char *plain(char *s)
{
	for (char *p = s; p && *p; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
	return s;
}

/* The end of a name, if there is no room for all of it. */
static const char *fit(const struct making *m, const char *name, unsigned int indent)
{
	size_t len = strlen(name), room = m->name_width - indent;

	if (len <= room)
		return name;
	return dmem_printf(m->a, "..%s", name + len - (room - 2));
}

static const char *size_or_dash(char buf[CLI_SIZE], uint64_t size)
{
	return size == DMEM_UNKNOWN ? "-" : cli_size(buf, size, false);
}

/* Without the blanks at its end. */
static int add_line(struct making *m, enum view_kind kind, char *text)
{
	struct view_line *l = dmem_grow(m->a, m->v->line, m->v->n, sizeof(*l));

	if (!l || !text)
		return -ENOMEM;
	for (size_t len = strlen(text); len && text[len - 1] == ' '; len--)
		text[len - 1] = 0;
	m->v->line = l;
	l[m->v->n++] = (struct view_line){ text, kind };
	return 0;
}

/* What could still be charged to it: nobody above has more left. */
static uint64_t left(const struct making *m, const struct dmem_node *n)
{
	uint64_t least = m->t->regions->region[m->region].available;

	for (; n; n = n->parent) {
		uint64_t max = dmem_tree_figure(m->t, n, m->region, DMEM_F_MAX);
		uint64_t current = dmem_tree_figure(m->t, n, m->region, DMEM_F_CURRENT);

		if (max >= DMEM_UNKNOWN || current >= DMEM_UNKNOWN)
			continue;
		max = current < max ? max - current : 0;
		if (least == DMEM_UNKNOWN || max < least)
			least = max;
	}
	return least;
}

static int add_cgroup(struct making *m, const struct row *r)
{
	char used[CLI_SIZE], peak[CLI_SIZE], max[CLI_SIZE], rest[CLI_SIZE];
	char refused[CLI_SIZE], since[CLI_SIZE] = "";
	uint64_t n = dmem_tree_refused(m->t, r->node, m->region);
	const char *name = fit(m, r->path, INDENT);

	if (!name)
		return -ENOMEM;
	snprintf(refused, sizeof(refused), "%" PRIu64, n);
	if (r->since)
		snprintf(since, sizeof(since), "+%" PRIu64, r->since);
	m->v->cgroups++;
	return add_line(m, r->since ? VIEW_REFUSED : VIEW_CGROUP,
			dmem_printf(m->a, "%*s%-*s" FIGURES, INDENT, "",
				    (int)m->name_width - INDENT, name,
				    size_or_dash(used, r->used),
				    size_or_dash(peak, dmem_tree_figure(m->t, r->node, m->region,
									DMEM_F_PEAK)),
				    size_or_dash(max, dmem_tree_figure(m->t, r->node, m->region,
								       DMEM_F_MAX)),
				    size_or_dash(rest, left(m, r->node)),
				    n == DMEM_UNKNOWN ? "-" : refused, since));
}

static unsigned int share(uint64_t part, uint64_t whole, unsigned int cells)
{
	double n = (double)part / (double)whole * cells + 0.5;

	return n < cells ? (unsigned int)n : cells;
}

/* "#" is charged, "+" used without a charge, "." free. */
static const char *bar(const struct making *m, const struct dmem_region *g, uint64_t charged,
		       uint64_t used)
{
	unsigned int cells = m->bar_width - 2, full, more;
	char *text = dmem_alloc(m->a, m->bar_width + 1);

	if (!text || !g->capacity || g->capacity >= DMEM_UNKNOWN || used == DMEM_UNKNOWN)
		return text;
	full = charged == DMEM_UNKNOWN ? 0 : share(charged, g->capacity, cells);
	more = share(used, g->capacity, cells);
	more = more > full ? more : full;
	*text = '[';
	memset(text + 1, '#', full);
	memset(text + 1 + full, '+', more - full);
	memset(text + 1 + more, '.', cells - more);
	text[1 + cells] = ']';
	return text;
}

/* What is not free, or what is known to be used. */
static uint64_t used_of(const struct dmem_region *g)
{
	uint64_t sum;

	if (g->capacity < DMEM_UNKNOWN && g->available <= g->capacity)
		return g->capacity - g->available;
	if (g->current == DMEM_UNKNOWN || g->unaccounted == DMEM_UNKNOWN)
		return g->current;
	return __builtin_add_overflow(g->current, g->unaccounted, &sum) ? DMEM_UNKNOWN : sum;
}

static int add_region(struct making *m)
{
	const struct dmem_region *g = &m->t->regions->region[m->region];
	char used[CLI_SIZE], peak[CLI_SIZE], capacity[CLI_SIZE], rest[CLI_SIZE];
	char *name = plain(dmem_strdup(m->a, g->name));
	const char *shown = name ? fit(m, name, 0) : NULL;
	const char *b = bar(m, g, g->current, used_of(g));

	if (!shown || !b)
		return -ENOMEM;
	m->v->regions++;
	return add_line(m, VIEW_REGION,
			dmem_printf(m->a, "%-*s %7s %7s %7s %7s %s", (int)m->name_width, shown,
				    size_or_dash(used, used_of(g)), size_or_dash(peak, g->peak),
				    size_or_dash(capacity, g->capacity),
				    size_or_dash(rest, g->available), b));
}

static bool is_one_of(const char *s, size_t len, const char **words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(words[i]) == len && !strncmp(words[i], s, len))
			return true;
	}
	return false;
}

/* Is this cgroup one that was asked for? What lies below it is, too. */
static bool is_wanted(const struct view_filter *f, const char *path)
{
	const char *unit;
	size_t len;

	if (!f->n_units && !f->n_paths)
		return true;
	if (is_one_of(path, strlen(path), f->path, f->n_paths))
		return true;
	unit = dmem_cgroup_unit(path, &len);
	return unit && !unit[len] && is_one_of(unit, len, f->unit, f->n_units);
}

/* Of the root there is the region's own line, unless it is but a namespace's. */
static bool is_shown(const struct making *m, const struct dmem_node *n)
{
	return (n->parent || !m->t->regions->complete) && dmem_tree_matters(m->t, n, m->region);
}

static int add_rows(struct making *m, const struct dmem_node *n, bool wanted)
{
	char path[4096];
	struct row *row;
	int ret = 0;

	if (dmem_node_path(n, path, sizeof(path)) >= sizeof(path))
		return 0;
	wanted = wanted || is_wanted(m->filter, path);
	if (wanted && is_shown(m, n)) {
		row = dmem_grow(m->a, m->row, m->n, sizeof(*row));
		if (!row)
			return -ENOMEM;
		m->row = row;
		row += m->n;
		*row = (struct row){
			.node = n, .order = m->n++, .path = dmem_strdup(m->a, *path ? path : "/"),
			.used = dmem_tree_figure(m->t, n, m->region, DMEM_F_CURRENT),
			.since = since_start(m, n),
		};
		if (!row->path)
			return -ENOMEM;
		plain((char *)row->path);
	}
	for (n = n->child; n && !ret; n = n->next)
		ret = add_rows(m, n, wanted);
	return ret;
}

static int by_order(const struct row *a, const struct row *b)
{
	return a->order < b->order ? -1 : 1;
}

/* What is unknown comes last. */
static int by_use(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	uint64_t m = a->used == DMEM_UNKNOWN ? 0 : a->used, n = b->used == DMEM_UNKNOWN ? 0 : b->used;

	return m == n ? by_order(a, b) : m > n ? -1 : 1;
}

static int by_refusals(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	return a->since == b->since ? by_order(a, b) : a->since > b->since ? -1 : 1;
}

static int one_region(struct making *m, enum view_sort sort)
{
	int ret;

	m->row = NULL;
	m->n = 0;
	ret = add_rows(m, m->t->root, false);
	if (!ret)
		ret = add_region(m);
	if (m->n && sort != VIEW_BY_NAME)
		qsort(m->row, m->n, sizeof(*m->row), sort == VIEW_BY_USE ? by_use : by_refusals);
	for (size_t i = 0; i < m->n && !ret; i++)
		ret = add_cgroup(m, &m->row[i]);
	return ret;
}

/* As wide as the longest name, if there is room. */
static unsigned int longest_name(const struct dmem_tree *t)
{
	size_t longest = strlen("REGION, CGROUP");
	char path[4096];

	for (size_t i = 0; i < t->regions->n; i++) {
		size_t len = strlen(t->regions->region[i].name);

		longest = len > longest ? len : longest;
	}
	for (const struct dmem_node *n = t->root; n; n = dmem_tree_next(n)) {
		size_t len = n->figure ? dmem_node_path(n, path, sizeof(path)) + INDENT : 0;

		longest = len > longest && len < sizeof(path) ? len : longest;
	}
	return (unsigned int)longest;
}

static void set_widths(struct making *m, unsigned int columns)
{
	unsigned int name = longest_name(m->t);

	/* In the place of the last two figures. */
	m->bar_width = FIGURES_WIDTH - 4 * 8 - 1;
	m->name_width = name;
	if (!columns)
		return;
	if (columns < FIGURES_WIDTH + MIN_NAME)
		m->name_width = MIN_NAME;
	else if (name > columns - FIGURES_WIDTH)
		m->name_width = columns - FIGURES_WIDTH;
	else
		m->bar_width += columns - FIGURES_WIDTH - name;
	m->bar_width = m->bar_width < MAX_BAR ? m->bar_width : MAX_BAR;
}

/* What could be refused twice is counted once: by those right below the root, which
 * have all that lies below them. */
static void count_since(struct making *m)
{
	const struct dmem_node *n = m->t->root;

	if (n->figure && dmem_tree_refused(m->t, n, m->region) != DMEM_UNKNOWN) {
		m->v->since += since_start(m, n);
		return;
	}
	for (n = n->child; n; n = n->next)
		m->v->since += since_start(m, n);
}

int view_make(struct view *v, struct dmem_arena *a, const struct dmem_tree *t,
	      const struct view_start *s, const struct view_filter *f, enum view_sort sort,
	      unsigned int columns)
{
	struct making m = { .v = v, .a = a, .t = t, .start = s, .filter = f };
	int ret = 0;

	*v = (struct view){ 0 };
	set_widths(&m, columns);
	v->heading = dmem_printf(a, "%-*.*s" FIGURES, (int)m.name_width, (int)m.name_width,
				 "REGION, CGROUP", "USED", "PEAK", "MAX", "LEFT", "REFUSED", "NEW");
	if (!v->heading)
		return -ENOMEM;
	if (!t->regions->n)
		ret = add_line(&m, VIEW_CGROUP,
			       dmem_strdup(a, "There is no region: is the kernel's dmem controller in use?"));
	for (size_t i = 0; i < t->regions->n && !ret; i++) {
		const char *name = t->regions->region[i].name;

		if (f->n_regions && !is_one_of(name, strlen(name), f->region, f->n_regions))
			continue;
		m.region = i;
		count_since(&m);
		ret = one_region(&m, sort);
	}
	return ret;
}
