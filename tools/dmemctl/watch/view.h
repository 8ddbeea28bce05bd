/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What "dmemctl watch" shows, as lines of text. No I/O. */
#ifndef VIEW_H
#define VIEW_H

#include "../../lib/look.h"

/* The figures of a cgroup that are shown. */
#define VIEW_FIGURES	(DMEM_BIT(DMEM_F_CURRENT) | DMEM_BIT(DMEM_F_PEAK) | DMEM_BIT(DMEM_F_MIN) | \
			 DMEM_BIT(DMEM_F_LOW) | DMEM_BIT(DMEM_F_MAX) | DMEM_REFUSALS)

enum view_sort { VIEW_BY_NAME, VIEW_BY_USE, VIEW_BY_REFUSALS, VIEW_SORTS };

extern const char * const view_sort_names[VIEW_SORTS];

/* Which regions and cgroups are shown. All zero is all of them. */
struct view_filter {
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

enum view_kind { VIEW_REGION, VIEW_CGROUP, VIEW_REFUSED };

struct view_line {
	const char *text;
	enum view_kind kind;	/* VIEW_REFUSED: a cgroup with refusals since the start */
};

struct view {
	const char *heading;
	struct view_line *line;
	size_t n, regions, cgroups;
	uint64_t since;		/* refusals since the start, in these regions */
};

/* Notes what is refused by now. Strings and entries are from @a. */
int view_begin(struct view_start *s, struct dmem_arena *a, const struct dmem_tree *t);

/* Makes the lines, from @a. @columns: as long as they may be, or 0. Names are plain
 * ASCII there, and those too long lose their beginning. */
int view_make(struct view *v, struct dmem_arena *a, const struct dmem_tree *t,
	      const struct view_start *s, const struct view_filter *f, enum view_sort sort,
	      unsigned int columns);

#endif
