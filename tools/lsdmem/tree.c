// SPDX-License-Identifier: GPL-2.0-or-later
/* The tree view: for each region, the cgroups with charges or limits in it. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lsdmem.h"

enum {
	COL_NAME, COL_CHARGED, COL_PEAK, COL_MIN, COL_LOW, COL_MAX, COL_LIMIT, COL_REFUSED,
		COL_UNIT,
	COL_REGION, COL_PATH, COL_ID, COL_LOCAL, COL_DYING, COL_RESERVED, COL_COMMITTED,
	COL_EV_MAX, COL_EV_ALLOC_FAIL, COL_EV_EXHAUSTED, COL_EV_RESERVED, COL_LIMIT_PARTIAL,
	COLUMNS
};

static const struct table_column columns[COLUMNS] = {
	[COL_NAME] = { "NAME", "region, or name of the cgroup", TABLE_TEXT, TABLE_TREE },
	[COL_CHARGED] = { "CHARGED", "bytes charged to the cgroup and those below it",
			  TABLE_SIZE, 0 },
	[COL_PEAK] = { "PEAK", "highest charge", TABLE_SIZE, 0 },
	[COL_MIN] = { "MIN", "dmem.min", TABLE_SIZE, 0 },
	[COL_LOW] = { "LOW", "dmem.low", TABLE_SIZE, 0 },
	[COL_MAX] = { "MAX", "dmem.max", TABLE_SIZE, 0 },
	[COL_LIMIT] = { "LIMIT", "effective limit: smallest MAX up to the root, or capacity",
			TABLE_SIZE, 0 },
	[COL_REFUSED] = { "REFUSED", "refused requests of the cgroup and those below it",
			  TABLE_COUNT, 0 },
	[COL_UNIT] = { "UNIT", "systemd unit", TABLE_TEXT, TABLE_CUT },
	[COL_REGION] = { "REGION", "region", TABLE_TEXT, 0 },
	[COL_PATH] = { "PATH", "path of the cgroup", TABLE_TEXT, 0 },
	[COL_ID] = { "ID", "id of the cgroup", TABLE_COUNT, 0 },
	[COL_LOCAL] = { "LOCAL", "part of CHARGED that is the cgroup's own", TABLE_SIZE, 0 },
	[COL_DYING] = { "DYING", "part of CHARGED that belongs to removed cgroups", TABLE_SIZE, 0 },
	[COL_RESERVED] = { "RESERVED", "effective reservation by dmem.min", TABLE_SIZE, 0 },
	[COL_COMMITTED] = { "COMMITTED", "bytes charged, or reserved and not used", TABLE_SIZE, 0 },
	[COL_EV_MAX] = { "EV_MAX", "requests refused by the cgroup's dmem.max, or one below",
			 TABLE_COUNT, 0 },
	[COL_EV_ALLOC_FAIL] = { "EV_ALLOC_FAIL", "requests refused by any dmem.max, also above",
				TABLE_COUNT, 0 },
	[COL_EV_EXHAUSTED] = { "EV_EXHAUSTED", "requests refused because the region had no room",
			       TABLE_COUNT, 0 },
	[COL_EV_RESERVED] = { "EV_RESERVED", "requests refused because others reserved the memory",
			      TABLE_COUNT, 0 },
	[COL_LIMIT_PARTIAL] = { "LIMIT_PARTIAL", "whether cgroups that cannot be seen may have a lower limit",
				TABLE_BOOL, 0 },
};

static const int defaults[] = {
	COL_NAME, COL_CHARGED, COL_PEAK, COL_MIN, COL_LOW, COL_MAX, COL_LIMIT, COL_REFUSED,
	COL_UNIT,
};

/* Columns that show a figure of the kernel. */
static const struct {
	int column;
	enum dmem_figure figure;
} simple[] = {
	{ COL_CHARGED, DMEM_F_CURRENT }, { COL_PEAK, DMEM_F_PEAK }, { COL_MIN, DMEM_F_MIN },
	{ COL_LOW, DMEM_F_LOW }, { COL_MAX, DMEM_F_MAX }, { COL_LOCAL, DMEM_F_LOCAL },
	{ COL_DYING, DMEM_F_DYING }, { COL_RESERVED, DMEM_F_RESERVED },
	{ COL_COMMITTED, DMEM_F_COMMITTED }, { COL_EV_MAX, DMEM_F_EV_MAX },
	{ COL_EV_ALLOC_FAIL, DMEM_F_EV_ALLOC_FAIL }, { COL_EV_EXHAUSTED, DMEM_F_EV_EXHAUSTED },
	{ COL_EV_RESERVED, DMEM_F_EV_RESERVED },
};

#define N_SIMPLE	(sizeof(simple) / sizeof(*simple))

/* The tree of one region. */
struct branch {
	struct table *t;
	const struct dmem_tree *tree;
	const struct dmem_region *g;
	size_t region;			/* index of the region */
	bool all, inner;
	/* Whether each cgroup is shown, in the order of the tree. */
	unsigned char *shown;
	size_t at;
};

static bool has(const struct branch *b, const struct dmem_node *n, enum dmem_figure f,
		uint64_t none)
{
	uint64_t v = dmem_tree_figure(b->tree, n, b->region, f);

	return v != DMEM_UNKNOWN && v != none;
}

/* A cgroup is shown if it has a charge or limit, or one of its descendants has. */
static bool mark(struct branch *b, const struct dmem_node *n)
{
	size_t i = b->at++;
	bool shown = b->all || has(b, n, DMEM_F_CURRENT, 0) || has(b, n, DMEM_F_MIN, 0) ||
		     has(b, n, DMEM_F_LOW, 0) || has(b, n, DMEM_F_MAX, DMEM_NO_LIMIT);

	for (const struct dmem_node *c = n->child; c; c = c->next)
		shown |= mark(b, c);
	b->shown[i] = shown;
	return shown;
}

static struct table_line *add_line(struct branch *b, struct table_line *parent,
				   const struct dmem_node *n)
{
	struct table_line *line = table_line(b->t, parent);

	table_text(b->t, line, COL_NAME, n->parent ? n->name : b->g->name);
	table_text(b->t, line, COL_REGION, b->g->name);
	add_cgroup(b->t, line, COL_PATH, COL_UNIT, n);
	for (size_t i = 0; i < N_SIMPLE; i++)
		table_number(b->t, line, simple[i].column,
			     dmem_tree_figure(b->tree, n, b->region, simple[i].figure));
	table_number(b->t, line, COL_ID, n->id);
	table_bool(b->t, line, COL_LIMIT_PARTIAL, b->inner);
	if (table_wants(b->t, COL_LIMIT) && (n->figure || !n->parent))
		table_number(b->t, line, COL_LIMIT, dmem_tree_limit(b->tree, n, b->region));
	if (table_wants(b->t, COL_REFUSED))
		table_number(b->t, line, COL_REFUSED,
			     n->parent ? dmem_tree_refused(b->tree, n, b->region) :
					 dmem_region_refused(b->tree, b->region));
	return line;
}

static void add(struct branch *b, struct table_line *parent, const struct dmem_node *n)
{
	struct table_line *line = NULL;

	/* The region's own line stands for the root. */
	if (b->shown[b->at++] || !n->parent)
		line = add_line(b, parent, n);
	for (const struct dmem_node *c = n->child; c; c = c->next)
		add(b, line, c);
}

static unsigned int figures_for(const struct lsdmem *l, const struct table *t)
{
	unsigned int figures = 0;

	/* These figures decide which cgroups are shown. */
	if (!l->all)
		figures |= DMEM_BIT(DMEM_F_CURRENT) | DMEM_BIT(DMEM_F_MIN) | DMEM_BIT(DMEM_F_LOW) |
			   DMEM_BIT(DMEM_F_MAX);
	for (size_t i = 0; i < N_SIMPLE; i++) {
		if (table_wants(t, simple[i].column))
			figures |= DMEM_BIT(simple[i].figure);
	}
	if (table_wants(t, COL_LIMIT))
		figures |= DMEM_BIT(DMEM_F_MAX);
	if (table_wants(t, COL_REFUSED))
		figures |= DMEM_REFUSALS;
	return figures;
}

static int fill(struct lsdmem *l, struct table *t)
{
	unsigned int what = table_wants(t, COL_LIMIT) ? DMEM_READ_CAPACITY : 0;
	struct dmem_regions r;
	struct dmem_tree tree;
	struct branch b = { .t = t, .tree = &tree, .all = l->all, .inner = l->inner };
	int ret = find_regions(l, &view_tree, l->n_wanted ? what | DMEM_READ_HEAPS : what, &r);

	if (ret)
		return ret;
	l->limits = table_wants(t, COL_LIMIT);
	ret = dmem_tree_read(&l->sys, &l->arena, &r, "", figures_for(l, t), UINT_MAX, unread_note,
			     l, &tree);
	b.shown = ret ? NULL : calloc(tree.n + 1, 1);
	if (!b.shown) {
		cli_error(&l->cli, "cannot read the cgroups: %s", strerror(ret ? -ret : ENOMEM));
		return CLI_FAILED;
	}
	for (b.region = 0; b.region < r.n; b.region++) {
		b.g = &r.region[b.region];
		if (!region_wanted(l, b.g))
			continue;
		b.at = 0;
		mark(&b, tree.root);
		b.at = 0;
		add(&b, NULL, tree.root);
	}
	free(b.shown);
	return CLI_OK;
}

const struct view view_tree = {
	.name = "regions",
	.columns = columns,
	.n_columns = COLUMNS,
	.defaults = defaults,
	.n_defaults = sizeof(defaults) / sizeof(*defaults),
	.inner = defaults,
	.n_inner = sizeof(defaults) / sizeof(*defaults),
	.partial = COL_LIMIT_PARTIAL,
	.fill = fill,
};
