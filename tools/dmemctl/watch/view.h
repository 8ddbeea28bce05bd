/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which regions and cgroups "dmemctl watch" shows, in which order. No I/O. */
#ifndef VIEW_H
#define VIEW_H

#include "dmem/look.h"

/* The figures of a cgroup that are shown. */
#define VIEW_FIGURES	(DMEM_BIT(DMEM_F_CURRENT) | DMEM_BIT(DMEM_F_PEAK) | DMEM_BIT(DMEM_F_MIN) | \
			 DMEM_BIT(DMEM_F_LOW) | DMEM_BIT(DMEM_F_MAX) | DMEM_REFUSALS)

enum view_sort {
	VIEW_BY_NAME, VIEW_BY_CHARGED, VIEW_BY_PEAK, VIEW_BY_FREE, VIEW_BY_REFUSED, VIEW_BY_NEW,
	VIEW_SORTS
};

extern const char * const view_sort_names[VIEW_SORTS];

struct view_options {
	enum view_sort sort;		/* of the cgroups of a region */
	bool reverse;
	bool list;			/* each cgroup for itself, or a tree */
	unsigned int depth;		/* levels of cgroups below the root */
	/* Regions, units and paths that are shown. None: all of them. */
	const char **region, **unit, **path;
	size_t n_regions, n_units, n_paths;
};

/* How many requests had been refused at the start, by cgroup and region. */
struct view_start {
	struct view_refused {
		uint64_t cgroup, refused;
		const char *region;
	} *entry;
	size_t n;
};

/* A region, or one of its cgroups behind it. */
struct view_row {
	const struct dmem_node *node;	/* NULL: the region as a whole */
	/* The place of the row that this one lies in; of a region, its own. */
	size_t parent;
	size_t region;			/* its index */
	uint64_t since;			/* requests refused since the start */
	bool last;			/* nothing of the same parent comes after it */
};

/* All zero is empty. Rows are valid as long as the tree that they were made of. */
struct view {
	const struct dmem_tree *tree;
	struct view_row *row;
	size_t n, room;
	size_t regions, cgroups;	/* rows of each */
	uint64_t since;			/* refusals since the start, in these regions */
};

/* Notes how much is refused by now. Strings and entries are from @a. 0 or -ENOMEM. */
int view_begin(struct view_start *s, struct dmem_arena *a, const struct dmem_tree *t);

/* Makes the rows anew. 0 or -ENOMEM. */
int view_make(struct view *v, const struct dmem_tree *t, const struct view_start *s,
	      const struct view_options *o);
void view_free(struct view *v);

/* ---- figures of one row, in bytes or requests, or DMEM_UNKNOWN ---- */

uint64_t view_charged(const struct view *v, const struct view_row *r);
uint64_t view_peak(const struct view *v, const struct view_row *r);
/* The smallest dmem.max of the cgroup and those above it, at most the capacity. */
uint64_t view_limit(const struct view *v, const struct view_row *r);
/* That could be charged before a limit is reached or the region is full. */
uint64_t view_free_bytes(const struct view *v, const struct view_row *r);
uint64_t view_refused(const struct view *v, const struct view_row *r);

enum view_state {
	VIEW_NORMAL,
	VIEW_LIMIT,		/* its limit or one above leaves less than a page */
	VIEW_REFUSED,		/* requests were refused since the start */
	VIEW_NO_ROOM,		/* the region has less than a page that is free */
};

/* The most important one. */
enum view_state view_state(const struct view *v, const struct view_row *r);
/* Whether the row is at its limit, or a region has no room: NULL, "limit", or "no room". */
const char *view_state_text(const struct view *v, const struct view_row *r);

#endif
