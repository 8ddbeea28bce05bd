/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the views have in common. One view, one file. */
#ifndef LSDMEM_H
#define LSDMEM_H

#include "cli/table.h"
#include "dmem/look.h"
#include "units/word.h"

/* What could not be read: for one line at the end. All zero is nothing. */
struct unread {
	char path[512];			/* the first file */
	int err;
	unsigned int more;		/* files */
	const char *debug;		/* what needs debugfs, and was not to be had */
	bool processes;			/* some were out of bounds */
};

struct lsdmem {
	struct cli cli;
	struct dmem_sys sys;
	struct dmem_arena arena;
	struct table_options options;
	bool all;
	/* The regions to show, or none: all. */
	char **wanted;
	size_t n_wanted;
	struct unread unread;
};

struct view {
	const char *name;		/* the array's in JSON */
	const struct table_column *columns;
	size_t n_columns;
	const int *defaults;
	size_t n_defaults;
	/* Adds the lines. Returns an exit code; has said what is wrong. */
	int (*fill)(struct lsdmem *l, struct table *t);
};

extern const struct view view_regions, view_tree, view_buffers;

/* ---- unread.c ---- */

/* For dmem_note_fn: @data is a struct lsdmem. */
void unread_note(void *data, const char *path, int err);

/* One line on stderr, if there is anything to say. */
void unread_say(const struct lsdmem *l);

/* ---- regions.c ---- */

/* Reads the regions, and whether there is anything to read. Returns an exit code; has
 * said what is wrong. @what: as of dmem_regions_read_some(). */
int find_regions(struct lsdmem *l, const struct view *view, unsigned int what, struct dmem_regions *r);

/* Is it one that was asked for? After check_wanted(). */
bool region_wanted(const struct lsdmem *l, const struct dmem_region *g);

/* Puts the names of regions in the place of the words on the command line, and says which of
 * them names none. Returns an exit code. */
int check_wanted(struct lsdmem *l, const struct dmem_regions *r);

/* Refused requests of the whole region: of the cgroups that are there. */
uint64_t region_refused(const struct dmem_tree *t, size_t region);

/* ---- tree.c ---- */

/* The path of a cgroup, with a slash before it, and the unit that it belongs to. */
void add_cgroup(struct table *t, struct table_line *line, int path_column, int unit_column,
		const struct dmem_node *n);

#endif
