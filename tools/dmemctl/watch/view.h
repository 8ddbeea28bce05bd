/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Selects and sorts the regions and cgroups that "dmemctl watch" shows. Does no I/O. */
#ifndef VIEW_H
#define VIEW_H

#include "dmem/look.h"

/* Figures of a cgroup to read for the rows. */
#define VIEW_FIGURES	(DMEM_BIT(DMEM_F_CURRENT) | DMEM_BIT(DMEM_F_PEAK) | DMEM_BIT(DMEM_F_MIN) | \
			 DMEM_BIT(DMEM_F_LOW) | DMEM_BIT(DMEM_F_MAX) | DMEM_REFUSALS)

enum view_sort {
	VIEW_BY_NAME, VIEW_BY_CHARGED, VIEW_BY_PEAK, VIEW_BY_FREE, VIEW_BY_REFUSED, VIEW_BY_NEW,
	VIEW_SORTS
};

extern const char * const view_sort_names[VIEW_SORTS];

struct view_options {
	enum view_sort sort;		/* of cgroups in a region */
	bool reverse;
	bool list;			/* a flat list of cgroups instead of a tree */
	unsigned int depth;		/* levels of cgroups below the root */
	/* Regions, units and paths to show. None: show all. */
	const char **region, **unit, **path;
	size_t n_regions, n_units, n_paths;
};

/* The number of refused requests at the start, by cgroup and region. */
struct view_start {
	struct view_refused {
		uint64_t cgroup, refused;
		const char *region;
	} *entry;
	size_t n;
};

/* A region; the rows of its cgroups follow. */
struct view_row {
	const struct dmem_node *node;	/* NULL: the row of the region */
	/* Index of the parent's row; a region is its own parent. */
	size_t parent;
	size_t region;			/* its index */
	uint64_t since;			/* requests refused since the start */
	bool last;			/* last child of its parent */
};

/* All zero is empty. The rows are valid as long as their tree. */
struct view {
	const struct dmem_tree *tree;
	struct view_row *row;
	size_t n, room;
	size_t regions, cgroups;	/* number of rows of each kind */
	uint64_t since;			/* refusals since the start, in all these regions */
};

/* Remembers the present numbers of refusals. Allocates from @a. 0 or -ENOMEM. */
int view_begin(struct view_start *s, struct dmem_arena *a, const struct dmem_tree *t);

/* Replaces the rows by those of @t. 0 or -ENOMEM. */
int view_make(struct view *v, const struct dmem_tree *t, const struct view_start *s,
	      const struct view_options *o);
void view_free(struct view *v);

/* ---- figures of one row, in bytes or requests, or DMEM_UNKNOWN ---- */

uint64_t view_charged(const struct view *v, const struct view_row *r);
uint64_t view_peak(const struct view *v, const struct view_row *r);
/* The smallest dmem.max of the cgroup and its ancestors, at most the capacity. */
uint64_t view_limit(const struct view *v, const struct view_row *r);
/* Bytes that can be charged until a limit is reached or the region is full. */
uint64_t view_free_bytes(const struct view *v, const struct view_row *r);
uint64_t view_refused(const struct view *v, const struct view_row *r);

enum view_state {
	VIEW_NORMAL,
	VIEW_LIMIT,		/* its limit, or one above, leaves less than a page */
	VIEW_REFUSED,		/* requests were refused since the start */
	VIEW_NO_ROOM,		/* the region has less than a page of free memory */
};

/* The most important state of the row. */
enum view_state view_state(const struct view *v, const struct view_row *r);
/* NULL, "limit": the row is at its limit, or "no room": the region is full. */
const char *view_state_text(const struct view *v, const struct view_row *r);

#endif
