// SPDX-License-Identifier: GPL-2.0-or-later
/* Turns the samples of a history into regions and trees. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

/* ---- words ---- */

static bool is_region(const struct replay *r, const char *word)
{
	for (size_t i = 0; i < r->in.m.n_regions; i++) {
		if (!strcmp(r->in.m.region[i].name, word))
			return true;
	}
	return false;
}

static bool is_recorded(const struct replay *r, const char *word)
{
	for (size_t i = 0; i < r->in.m.n_services; i++) {
		if (walk_is_in(r->in.m.service[i].path, word))
			return true;
	}
	return false;
}

static int keep_word(struct dmem_arena *a, const char ***words, size_t *n, const char *word)
{
	const char **more = dmem_grow(a, *words, *n, sizeof(*more));

	if (!more || !word)
		return -ENOMEM;
	*words = more;
	more[(*n)++] = word;
	return 0;
}

/* A region, a cgroup if it has a slash, or a unit. */
static int take_word(struct replay *r, struct dmem_arena *a, const char *word,
		     struct view_options *o)
{
	static const char root[] = "/sys/fs/cgroup/";

	if (is_region(r, word))
		return keep_word(a, &o->region, &o->n_regions, word);
	if (!is_recorded(r, word)) {
		cli_error(r->in.cli, "%s: no such unit, cgroup or region in this history", word);
		return -ENOENT;
	}
	if (!strchr(word, '/'))
		return keep_word(a, &o->unit, &o->n_units,
				 strchr(word, '.') ? word : dmem_printf(a, "%s.service", word));
	word += strncmp(word, root, strlen(root)) ? 0 : strlen(root);
	return keep_word(a, &o->path, &o->n_paths, word + (*word == '/'));
}

/* ---- regions ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct dmem_region *)a)->name, ((const struct dmem_region *)b)->name);
}

/* What is neither charged nor in use without a charge. */
static uint64_t available_of(const struct walk_region *w)
{
	uint64_t capacity = w->v[HIST_R_CAPACITY], used = w->v[HIST_R_CURRENT];

	if (capacity == DMEM_UNKNOWN || used == DMEM_UNKNOWN ||
	    w->v[HIST_R_UNACCOUNTED] == DMEM_UNKNOWN)
		return DMEM_UNKNOWN;
	used += w->v[HIST_R_UNACCOUNTED];
	return used < capacity ? capacity - used : 0;
}

static int make_regions(struct replay *r, const struct walk *w)
{
	struct dmem_regions *g = &r->regions;

	*g = (struct dmem_regions){ .n = w->n_regions, .complete = true };
	g->region = dmem_alloc(&r->arena, (g->n + 1) * sizeof(*g->region));
	if (!g->region)
		return -ENOMEM;
	for (size_t i = 0; i < g->n; i++) {
		const struct walk_region *from = &w->region[i];

		g->region[i] = (struct dmem_region){
			/* The next segment starts before the next sample is shown. */
			.name = dmem_strdup(&r->arena, from->name),
			.capacity = from->v[HIST_R_CAPACITY],
			.current = from->v[HIST_R_CURRENT], .peak = DMEM_UNKNOWN,
			.unaccounted = from->v[HIST_R_UNACCOUNTED],
			.available = available_of(from), .largest = from->v[HIST_R_LARGEST],
			.line = SIZE_MAX,
		};
		if (!g->region[i].name)
			return -ENOMEM;
	}
	qsort(g->region, g->n, sizeof(*g->region), by_name);
	return 0;
}

/* ---- cgroups ---- */

/* The end of a component sorts before all other characters, so that a cgroup is followed by those
 * below it, and siblings are sorted by name. */
static int compare_paths(const void *a, const void *b)
{
	const struct walk_cgroup *x = *(struct walk_cgroup * const *)a;
	const struct walk_cgroup *y = *(struct walk_cgroup * const *)b;
	const unsigned char *s = (const unsigned char *)x->path;
	const unsigned char *t = (const unsigned char *)y->path;

	while (*s && *s == *t)
		s++, t++;
	return (*s == '/' ? 1 : *s ? *s + 1 : 0) - (*t == '/' ? 1 : *t ? *t + 1 : 0);
}

static struct dmem_node *new_node(struct replay *r, struct dmem_node *parent, const char *name,
				  size_t len)
{
	struct dmem_node *n = dmem_alloc(&r->arena, sizeof(*n)), *last;

	if (!n)
		return NULL;
	n->parent = parent;
	n->name = dmem_strndup(&r->arena, name, len);
	n->at = r->tree.n++;
	if (!n->name || !parent)
		return n->name ? n : NULL;
	/* The new one is the last child: paths are sorted. */
	last = (struct dmem_node *)parent->figure;
	if (last)
		last->next = n;
	else
		parent->child = n;
	/* While the tree is made, @figure is the last child. */
	parent->figure = (uint64_t *)n;
	return n;
}

/* The node of a path: its ancestors are the last nodes that were made. NULL: out of memory. */
static struct dmem_node *node_of(struct replay *r, const char *path)
{
	struct dmem_node *n = r->tree.root;

	for (unsigned int depth = 0; *path && depth < r->depth; depth++) {
		size_t len = strcspn(path, "/");
		struct dmem_node *last = (struct dmem_node *)n->figure;

		if (last && !strncmp(last->name, path, len) && !last->name[len])
			n = last;
		else
			n = new_node(r, n, path, len);
		if (!n)
			return NULL;
		path += len;
		path += *path == '/';
	}
	/* It is below the depth. */
	return *path ? r->tree.root : n;
}

static uint64_t *new_figures(struct replay *r)
{
	size_t n = r->regions.n * r->tree.slots;
	uint64_t *v = dmem_alloc(&r->arena, (n + 1) * sizeof(*v));

	for (size_t i = 0; v && i < n; i++)
		v[i] = DMEM_UNKNOWN;
	return v;
}

static void set_figure(struct replay *r, struct dmem_node *n, size_t region, enum dmem_figure f,
		       uint64_t v)
{
	if (r->tree.slot[f] >= 0)
		n->figure[region * r->tree.slots + (size_t)r->tree.slot[f]] = v;
}

static size_t index_of(const struct replay *r, const char *name)
{
	struct dmem_region key = { .name = name };
	const struct dmem_region *found = bsearch(&key, r->regions.region, r->regions.n,
						  sizeof(key), by_name);

	return found ? (size_t)(found - r->regions.region) : 0;
}

static int fill_figures(struct replay *r, const struct walk *w, struct dmem_node **node)
{
	static const enum dmem_figure figures[HIST_FIGURES] = {
		[HIST_CURRENT] = DMEM_F_CURRENT, [HIST_PEAK] = DMEM_F_PEAK,
		[HIST_EV_MAX] = DMEM_F_EV_MAX, [HIST_EV_ALLOC_FAIL] = DMEM_F_EV_ALLOC_FAIL,
		[HIST_EV_EXHAUSTED] = DMEM_F_EV_EXHAUSTED,
		[HIST_EV_RESERVED] = DMEM_F_EV_RESERVED, [HIST_MAX] = DMEM_F_MAX,
		[HIST_MIN] = DMEM_F_MIN,
	};

	for (size_t i = 0; i < w->n_figures; i++) {
		const struct walk_figures *g = &w->figures[i];
		struct dmem_node *n = node[g->cgroup];
		size_t region = index_of(r, w->region[g->region].name);

		if (!n)
			continue;
		if (!n->figure)
			n->figure = new_figures(r);
		if (!n->figure)
			return -ENOMEM;
		for (int f = 0; f < HIST_FIGURES; f++)
			set_figure(r, n, region, figures[f], g->v[f]);
	}
	r->tree.root->figure = new_figures(r);
	if (!r->tree.root->figure)
		return -ENOMEM;
	for (size_t i = 0; i < r->regions.n; i++)
		set_figure(r, r->tree.root, i, DMEM_F_CURRENT, r->regions.region[i].current);
	return 0;
}

static int make_tree(struct replay *r, struct walk *w)
{
	struct dmem_node **node = dmem_alloc(&r->arena, (w->n_cgroups + 1) * sizeof(*node));
	struct walk_cgroup **by_path = dmem_alloc(&r->arena, (w->n_cgroups + 1) * sizeof(*by_path));
	size_t n = 0;

	dmem_tree_begin(&r->tree, &r->regions, VIEW_FIGURES | DMEM_BIT(DMEM_F_EV_MAX));
	r->tree.root = new_node(r, NULL, "", 0);
	if (!node || !by_path || !r->tree.root)
		return -ENOMEM;
	for (size_t i = 0; i < w->n_cgroups; i++) {
		if (!w->cgroup[i].gone)
			by_path[n++] = &w->cgroup[i];
	}
	qsort(by_path, n, sizeof(*by_path), compare_paths);
	for (size_t i = 0; i < n; i++) {
		struct dmem_node *at = node_of(r, by_path[i]->path);

		if (!at)
			return -ENOMEM;
		if (at == r->tree.root)
			continue;
		at->id = by_path[i]->life;
		node[by_path[i] - w->cgroup] = at;
	}
	for (struct dmem_node *at = r->tree.root; at; at = dmem_tree_next(at))
		at->figure = NULL;
	return fill_figures(r, w, node);
}

/* ---- samples ---- */

static int on_sample(void *data, struct walk *w)
{
	struct replay *r = data;
	uint64_t before = r->last;

	/* A single sample has one cgroup only, unless there are no others. */
	if (!w->head.interval && r->in.m.samples)
		return 0;
	r->last = w->time;
	r->err = r->wait(r->data, before && w->time > before ? w->time - before : 0);
	dmem_arena_free(&r->arena);
	if (!r->err)
		r->err = make_regions(r, w);
	if (!r->err)
		r->err = make_tree(r, w);
	if (!r->err)
		r->err = r->show(r->data, w->time);
	/* Errors are kept beside: the walk reports its own ones. */
	return r->err ? REPLAY_END : 0;
}

static int on_end(void *data, struct walk *w, uint64_t mono)
{
	(void)data;
	(void)w;
	(void)mono;
	return 0;
}

int replay_open(struct replay *r, const struct cli *cli, char *path, struct dmem_arena *a,
		char **words, size_t n, struct view_options *o)
{
	char *paths[] = { path, NULL };
	int ret = inputs_read(&r->in, cli, paths), err = 0;

	r->all.until = UINT64_MAX;
	/* The refusals of a region are the sum of its first level. */
	r->depth = o->depth ? o->depth : 1;
	for (size_t i = 0; i < n && !ret && !err; i++)
		err = take_word(r, a, words[i], o);
	if (err == -ENOMEM)
		cli_error(cli, "%s", strerror(ENOMEM));
	return err ? CLI_FAILED : ret;
}

int replay_run(struct replay *r)
{
	int ret;

	r->w.filter = &r->all;
	r->w.sample = on_sample;
	r->w.end = on_end;
	r->w.data = r;
	ret = inputs_walk(&r->in, &r->w);
	if (r->err < 0 && r->err != -EIO)
		cli_error(r->in.cli, "%s", strerror(-r->err));
	return r->err ? (r->err < 0 ? CLI_FAILED : CLI_OK) : ret;
}

void replay_close(struct replay *r)
{
	walk_free(&r->w);
	inputs_free(&r->in);
	dmem_arena_free(&r->arena);
}
