// SPDX-License-Identifier: GPL-2.0-or-later
/* The view of regions: one line for each. */
#include <errno.h>

#include "lsdmem.h"

enum {
	COL_NAME, COL_CAPACITY, COL_CHARGED, COL_UNACCOUNTED, COL_FREE, COL_LARGEST, COL_PEAK,
	COL_REFUSED, COL_HEAPS, COL_COMMITTED, COL_DYING, COL_LIMIT, COL_LIMIT_PARTIAL,
	COLUMNS
};

static const struct table_column columns[COLUMNS] = {
	[COL_NAME] = { "NAME", "name of the region", TABLE_TEXT, 0 },
	[COL_CAPACITY] = { "CAPACITY", "size of the region", TABLE_SIZE, 0 },
	[COL_CHARGED] = { "CHARGED", "bytes charged to all cgroups", TABLE_SIZE, 0 },
	[COL_UNACCOUNTED] = { "UNACCOUNTED", "bytes in use without a charge to any cgroup",
			      TABLE_SIZE, 0 },
	[COL_FREE] = { "FREE", "free bytes", TABLE_SIZE, 0 },
	[COL_LARGEST] = { "LARGEST", "largest contiguous run of free bytes", TABLE_SIZE, 0 },
	[COL_PEAK] = { "PEAK", "highest charge of all cgroups together", TABLE_SIZE, 0 },
	[COL_REFUSED] = { "REFUSED", "refused requests of existing cgroups", TABLE_COUNT, 0 },
	[COL_HEAPS] = { "HEAPS", "DMA heaps that allocate from the region", TABLE_LIST, TABLE_CUT },
	[COL_COMMITTED] = { "COMMITTED", "bytes charged, or reserved by dmem.min and not used",
			    TABLE_SIZE, 0 },
	[COL_DYING] = { "DYING", "bytes charged to removed cgroups", TABLE_SIZE, 0 },
	[COL_LIMIT] = { "LIMIT", "limit of all cgroups seen here together", TABLE_SIZE, 0 },
	[COL_LIMIT_PARTIAL] = { "LIMIT_PARTIAL", "whether cgroups that cannot be seen may have a lower limit",
				TABLE_BOOL, 0 },
};

static const int defaults[] = {
	COL_NAME, COL_CAPACITY, COL_CHARGED, COL_UNACCOUNTED, COL_FREE, COL_LARGEST, COL_PEAK,
	COL_REFUSED, COL_HEAPS,
};

/* In a container, the limit is the figure of interest. */
static const int inner[] = {
	COL_NAME, COL_CAPACITY, COL_LIMIT, COL_CHARGED, COL_UNACCOUNTED, COL_FREE, COL_LARGEST, COL_PEAK,
	COL_REFUSED, COL_HEAPS,
};

/* The figures that the columns need from the files of cgroups. */
static unsigned int figures_for(const struct table *t)
{
	unsigned int figures = 0;

	if (table_wants(t, COL_REFUSED))
		figures |= DMEM_REFUSALS;
	if (table_wants(t, COL_COMMITTED))
		figures |= DMEM_BIT(DMEM_F_COMMITTED);
	if (table_wants(t, COL_DYING))
		figures |= DMEM_BIT(DMEM_F_DYING);
	if (table_wants(t, COL_LIMIT))
		figures |= DMEM_BIT(DMEM_F_MAX);
	return figures;
}

static unsigned int read_for(const struct lsdmem *l, const struct table *t)
{
	static const struct {
		int column;
		unsigned int what;
	} needs[] = {
		{ COL_CAPACITY, DMEM_READ_CAPACITY }, { COL_CHARGED, DMEM_READ_CURRENT },
		{ COL_LIMIT, DMEM_READ_CAPACITY },
		{ COL_UNACCOUNTED, DMEM_READ_UNACCOUNTED }, { COL_FREE, DMEM_READ_AVAILABLE },
		{ COL_LARGEST, DMEM_READ_LARGEST }, { COL_HEAPS, DMEM_READ_HEAPS },
		/* CHARGED is needed to keep PEAK above it. */
		{ COL_PEAK, DMEM_READ_PEAK | DMEM_READ_CURRENT },
	};
	/* A word of the command line may be the name of a heap. */
	unsigned int what = l->n_wanted ? DMEM_READ_HEAPS : 0;

	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
		what |= table_wants(t, needs[i].column) ? needs[i].what : 0;
	return what;
}

/* @tree: without a root if it was not read. @i: the region's index in it. */
static void add(struct table *t, const struct dmem_region *g, const struct dmem_tree *tree,
		size_t i, bool partial)
{
	struct table_line *line = table_line(t, NULL);

	table_text(t, line, COL_NAME, g->name);
	table_number(t, line, COL_CAPACITY, g->capacity);
	table_number(t, line, COL_CHARGED, g->current);
	table_number(t, line, COL_UNACCOUNTED, g->unaccounted);
	table_number(t, line, COL_FREE, g->available);
	table_number(t, line, COL_LARGEST, g->largest);
	table_number(t, line, COL_PEAK, g->peak);
	table_list(t, line, COL_HEAPS, g->heap, g->n_heaps);
	table_bool(t, line, COL_LIMIT_PARTIAL, partial);
	if (!tree->root)
		return;
	table_number(t, line, COL_REFUSED, dmem_region_refused(tree, i));
	table_number(t, line, COL_COMMITTED,
		     dmem_tree_figure(tree, tree->root, i, DMEM_F_COMMITTED));
	table_number(t, line, COL_DYING, dmem_tree_figure(tree, tree->root, i, DMEM_F_DYING));
	if (table_wants(t, COL_LIMIT))
		table_number(t, line, COL_LIMIT, dmem_tree_limit(tree, tree->root, i));
}

static int fill(struct lsdmem *l, struct table *t)
{
	unsigned int figures = figures_for(t), depth;
	struct dmem_tree tree = { 0 };
	struct dmem_regions r;
	int ret = find_regions(l, &view_regions, read_for(l, t), &r);

	if (ret)
		return ret;
	l->limits = table_wants(t, COL_LIMIT);
	/* Shorter, so that a line with a typical name has 80 characters. */
	table_heading(t, COL_UNACCOUNTED, "UNACCT");
	/* Refused requests are the sum of the cgroups directly below the root. */
	depth = figures & DMEM_REFUSALS ? 1 : 0;
	if (figures && dmem_tree_read(&l->sys, &l->arena, &r, "", figures, depth, unread_note, l,
				      &tree) == -ENOMEM)
		return out_of_memory(l);
	for (size_t i = 0; i < r.n; i++) {
		if (region_wanted(l, &r.region[i]))
			add(t, &r.region[i], &tree, i, l->inner);
	}
	return CLI_OK;
}

const struct view view_regions = {
	.name = "regions",
	.columns = columns,
	.n_columns = COLUMNS,
	.defaults = defaults,
	.n_defaults = sizeof(defaults) / sizeof(*defaults),
	.inner = inner,
	.n_inner = sizeof(inner) / sizeof(*inner),
	.partial = COL_LIMIT_PARTIAL,
	.fill = fill,
};
