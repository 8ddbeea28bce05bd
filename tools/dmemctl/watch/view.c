// SPDX-License-Identifier: GPL-2.0-or-later
/* Selects and sorts the regions and cgroups that "dmemctl watch" shows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "view.h"

const char * const view_sort_names[VIEW_SORTS] = {
	"name", "charged", "peak", "free", "refused", "new",
};

/* ---- refusals since the start ---- */

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
		for (size_t i = 0; n->figure && i < t->regions->n; i++) {
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

/* A cgroup that did not exist at the start began with 0 refusals. */
static uint64_t since_start(const struct dmem_tree *t, const struct view_start *s,
			    const struct dmem_node *n, size_t region)
{
	uint64_t refused = dmem_tree_refused(t, n, region);
	struct view_refused key = { n->id, 0, t->regions->region[region].name };
	const struct view_refused *e = NULL;

	if (!refused || refused == DMEM_UNKNOWN)
		return 0;
	if (s->n)
		e = bsearch(&key, s->entry, s->n, sizeof(key), compare_start);
	/* A smaller count belongs to another cgroup, with the number of a removed one. */
	return !e || e->refused > refused ? refused : refused - e->refused;
}

/* ---- figures ---- */

static const struct dmem_region *region_of(const struct view *v, const struct view_row *r)
{
	return &v->tree->regions->region[r->region];
}

static bool is_known(uint64_t n)
{
	return n < DMEM_UNKNOWN;
}

uint64_t view_charged(const struct view *v, const struct view_row *r)
{
	return r->node ? dmem_tree_figure(v->tree, r->node, r->region, DMEM_F_CURRENT) :
			 region_of(v, r)->current;
}

uint64_t view_peak(const struct view *v, const struct view_row *r)
{
	return r->node ? dmem_tree_figure(v->tree, r->node, r->region, DMEM_F_PEAK) :
			 region_of(v, r)->peak;
}

uint64_t view_limit(const struct view *v, const struct view_row *r)
{
	return r->node ? dmem_tree_limit(v->tree, r->node, r->region) : region_of(v, r)->capacity;
}

/* The rest of the limits of the cgroup and its ancestors, or DMEM_UNKNOWN: no limit. */
static uint64_t free_of_limits(const struct dmem_tree *t, const struct dmem_node *n, size_t region)
{
	uint64_t least = DMEM_UNKNOWN;

	for (; n; n = n->parent) {
		uint64_t max = dmem_tree_figure(t, n, region, DMEM_F_MAX);
		uint64_t current = dmem_tree_figure(t, n, region, DMEM_F_CURRENT);

		if (!is_known(max) || !is_known(current))
			continue;
		max = current < max ? max - current : 0;
		least = max < least ? max : least;
	}
	return least;
}

/* The kernel's figure of free memory, or the capacity without charges. */
static uint64_t free_of_region(const struct dmem_tree *t, const struct dmem_node *n, size_t region)
{
	const struct dmem_region *g = &t->regions->region[region];
	uint64_t charged = g->current;

	if (is_known(g->available) || !is_known(g->capacity))
		return g->available;
	if (!is_known(charged) && n)
		charged = dmem_tree_figure(t, n, region, DMEM_F_CURRENT);
	if (!is_known(charged))
		return DMEM_UNKNOWN;
	return charged < g->capacity ? g->capacity - charged : 0;
}

static uint64_t free_of_node(const struct dmem_tree *t, const struct dmem_node *n, size_t region)
{
	uint64_t available = free_of_region(t, n, region);
	bool systems = !strncmp(t->regions->region[region].name, "heap/", strlen("heap/"));
	uint64_t least = n ? free_of_limits(t, n, region) : DMEM_UNKNOWN;

	/* The system heap uses ordinary memory: memory without charges may be in use by
	 * anything. */
	if (systems && !is_known(least) && !is_known(t->regions->region[region].available))
		return least;
	return is_known(available) && available < least ? available : least;
}

uint64_t view_free_bytes(const struct view *v, const struct view_row *r)
{
	return free_of_node(v->tree, r->node, r->region);
}

/* Sums the requests of the cgroups directly below the root, each of which includes its descendants:
 * so none is counted twice. */
static uint64_t refused_in(const struct dmem_tree *t, size_t region)
{
	uint64_t sum = t->root ? dmem_tree_refused(t, t->root, region) : DMEM_UNKNOWN;

	if (!t->root || sum != DMEM_UNKNOWN)
		return sum;
	for (const struct dmem_node *n = t->root->child; n; n = n->next) {
		uint64_t refused = dmem_tree_refused(t, n, region);

		if (refused != DMEM_UNKNOWN)
			sum = sum == DMEM_UNKNOWN ? refused : sum + refused;
	}
	return sum;
}

static uint64_t since_in(const struct dmem_tree *t, const struct view_start *s, size_t region)
{
	const struct dmem_node *n = t->root;
	uint64_t sum = 0;

	if (!n || dmem_tree_refused(t, n, region) != DMEM_UNKNOWN)
		return n ? since_start(t, s, n, region) : 0;
	for (n = n->child; n; n = n->next)
		sum += since_start(t, s, n, region);
	return sum;
}

uint64_t view_refused(const struct view *v, const struct view_row *r)
{
	return r->node ?
		dmem_tree_refused(v->tree, r->node, r->region) : refused_in(v->tree, r->region);
}

const char *view_state_text(const struct view *v, const struct view_row *r)
{
	const struct dmem_region *g = region_of(v, r);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (r->node)
		return free_of_limits(v->tree, r->node, r->region) < page ? "limit" : NULL;
	if (is_known(g->available))
		return g->available < page ? "no room" : NULL;
	return is_known(g->capacity) && is_known(g->current) && g->capacity &&
		g->current >= g->capacity ?
	       "no room" : NULL;
}

enum view_state view_state(const struct view *v, const struct view_row *r)
{
	bool full = view_state_text(v, r) != NULL;

	if (full && !r->node)
		return VIEW_NO_ROOM;
	if (r->since)
		return VIEW_REFUSED;
	return full ? VIEW_LIMIT : VIEW_NORMAL;
}

/* ---- rows ---- */

struct making {
	struct view *v;
	const struct dmem_tree *t;
	const struct view_start *start;
	const struct view_options *o;
	unsigned char *wanted;		/* by the index of a cgroup */
	size_t region, region_row;
	struct key *key;		/* for sorting cgroups */
	size_t n_keys, key_room;
};

/* A cgroup with its value for sorting. */
struct key {
	const struct dmem_node *node;
	uint64_t value;
	size_t order;
};

static bool is_one_of(const char *s, size_t len, const char **words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strncmp(words[i], s, len) && !words[i][len])
			return true;
	}
	return false;
}

/* True if a word names the cgroup, its unit, or one of its ancestors. */
static bool is_wanted(const struct view_options *o, const struct dmem_node *n)
{
	char path[4096];
	const char *unit;
	size_t len = dmem_node_path(n, path, sizeof(path)), unit_len;

	if (len >= sizeof(path))
		return false;
	if (is_one_of(path, len, o->path, o->n_paths))
		return true;
	unit = o->n_units ? dmem_cgroup_unit(path, &unit_len) : NULL;
	return unit && is_one_of(unit, unit_len, o->unit, o->n_units);
}

static int find_wanted(struct making *m)
{
	bool all = !m->o->n_units && !m->o->n_paths;

	m->wanted = calloc(m->t->n + 1, 1);
	if (!m->wanted)
		return -ENOMEM;
	for (const struct dmem_node *n = m->t->root; n; n = dmem_tree_next(n))
		m->wanted[n->at] = all || (n->parent && m->wanted[n->parent->at]) ||
			is_wanted(m->o, n);
	return 0;
}

static int add_row(struct making *m, const struct dmem_node *node, size_t parent, size_t *at)
{
	struct view *v = m->v;

	if (v->n == v->room) {
		struct view_row *more = realloc(v->row, (2 * v->room + 64) * sizeof(*more));

		if (!more)
			return -ENOMEM;
		v->row = more;
		v->room = 2 * v->room + 64;
	}
	*at = v->n++;
	v->row[*at] = (struct view_row){
		.node = node, .parent = parent, .region = m->region,
		.since = node ? since_start(m->t, m->start, node, m->region) : 0,
	};
	return 0;
}

static uint64_t value_of(const struct making *m, const struct dmem_node *n)
{
	uint64_t v;

	switch (m->o->sort) {
	case VIEW_BY_CHARGED:
		v = dmem_tree_figure(m->t, n, m->region, DMEM_F_CURRENT);
		break;
	case VIEW_BY_PEAK:
		v = dmem_tree_figure(m->t, n, m->region, DMEM_F_PEAK);
		break;
	case VIEW_BY_FREE:
		/* Sorted in ascending order; cgroups without a limit come last. */
		v = free_of_node(m->t, n, m->region);
		return v == DMEM_UNKNOWN ? 0 : DMEM_UNKNOWN - v;
	case VIEW_BY_REFUSED:
		v = dmem_tree_refused(m->t, n, m->region);
		break;
	case VIEW_BY_NEW:
		return since_start(m->t, m->start, n, m->region);
	default:
		return 0;
	}
	return v == DMEM_UNKNOWN ? 0 : v;
}

static int by_value(const void *x, const void *y)
{
	const struct key *a = x, *b = y;

	if (a->value != b->value)
		return a->value > b->value ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static int by_value_reversed(const void *x, const void *y)
{
	return by_value(y, x);
}

static int add_key(struct making *m, const struct dmem_node *n)
{
	if (m->n_keys == m->key_room) {
		struct key *more = realloc(m->key, (2 * m->key_room + 64) * sizeof(*more));

		if (!more)
			return -ENOMEM;
		m->key = more;
		m->key_room = 2 * m->key_room + 64;
	}
	m->key[m->n_keys] = (struct key){ n, value_of(m, n), m->n_keys };
	m->n_keys++;
	return 0;
}

/* Sorts the keys from @from on. They are sorted by name already. */
static void sort_keys(struct making *m, size_t from)
{
	if (m->n_keys - from < 2 || (m->o->sort == VIEW_BY_NAME && !m->o->reverse))
		return;
	qsort(m->key + from, m->n_keys - from, sizeof(*m->key),
	      m->o->reverse ? by_value_reversed : by_value);
}

/* The row of the region stands for the root, except in a cgroup namespace, where the root is an
 * ordinary cgroup. */
static bool is_shown(const struct making *m, const struct dmem_node *n)
{
	return (n->parent || !m->t->regions->complete) && n->figure && m->wanted[n->at] &&
		dmem_tree_matters(m->t, n, m->region);
}

static int add_tree(struct making *m, const struct dmem_node *n, size_t parent, unsigned int depth);

/* Adds the cgroups below @n, in the row @parent. */
static int add_children(struct making *m, const struct dmem_node *n, size_t parent,
			unsigned int depth)
{
	size_t from = m->n_keys, end;
	int ret = 0;

	if (depth >= m->o->depth)
		return 0;
	for (const struct dmem_node *c = n->child; c && !ret; c = c->next)
		ret = add_key(m, c);
	end = m->n_keys;
	sort_keys(m, from);
	for (size_t i = from; i < end && !ret; i++)
		ret = add_tree(m, m->key[i].node, parent, depth + 1);
	m->n_keys = from;
	return ret;
}

/* Leaves out a cgroup without charges and limits. If some below it have any, their row shows its
 * name as a part of the path. */
static int add_tree(struct making *m, const struct dmem_node *n, size_t parent, unsigned int depth)
{
	int ret = 0;

	if (is_shown(m, n))
		ret = add_row(m, n, parent, &parent);
	return ret ? ret : add_children(m, n, parent, depth);
}

static int add_list(struct making *m, size_t parent)
{
	size_t at;
	int ret = 0;

	m->n_keys = 0;
	/* The tree has at least one level, even with --depth=0. */
	if (!m->o->depth)
		return 0;
	for (const struct dmem_node *n = m->t->root; n && !ret; n = dmem_tree_next(n)) {
		if (is_shown(m, n))
			ret = add_key(m, n);
	}
	sort_keys(m, 0);
	for (size_t i = 0; i < m->n_keys && !ret; i++)
		ret = add_row(m, m->key[i].node, parent, &at);
	return ret;
}

/* From the end, the first row of each parent is its last child. */
static int mark_last(struct view *v)
{
	unsigned char *has = calloc(v->n + 1, 1);

	if (!has)
		return -ENOMEM;
	for (size_t i = v->n; i--; ) {
		struct view_row *r = &v->row[i];

		r->last = !has[r->parent];
		if (r->node)
			has[r->parent] = 1;
	}
	free(has);
	return 0;
}

static int add_region(struct making *m)
{
	size_t at;
	int ret = add_row(m, NULL, m->v->n, &at);

	if (ret)
		return ret;
	m->v->row[at].since = since_in(m->t, m->start, m->region);
	m->v->since += m->v->row[at].since;
	m->v->regions++;
	if (!m->t->root)
		return 0;
	return m->o->list ? add_list(m, at) : add_tree(m, m->t->root, at, 0);
}

int view_make(struct view *v, const struct dmem_tree *t, const struct view_start *s,
	      const struct view_options *o)
{
	struct making m = { .v = v, .t = t, .start = s, .o = o };
	int ret = find_wanted(&m);

	v->tree = t;
	v->n = v->regions = v->cgroups = 0;
	v->since = 0;
	for (m.region = 0; m.region < t->regions->n && !ret; m.region++) {
		const char *name = t->regions->region[m.region].name;

		if (!o->n_regions || is_one_of(name, strlen(name), o->region, o->n_regions))
			ret = add_region(&m);
	}
	if (!ret)
		ret = mark_last(v);
	v->cgroups = v->n - v->regions;
	free(m.wanted);
	free(m.key);
	return ret;
}

void view_free(struct view *v)
{
	free(v->row);
	*v = (struct view){ 0 };
}
