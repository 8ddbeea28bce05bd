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

/* ---- select.c ---- */

/*
 * Reads the regions into @r, and replaces each word of @l->wanted by the name of the region
 * that it means. @fields: DMEM_READ_ bits, see dmem_regions_read_some(). Returns an exit code;
 * after a failure (no region to show, a word that names none) the message has been printed.
 */
int find_regions(struct lsdmem *l, const struct view *view, unsigned int fields,
		 struct dmem_regions *r);

/* Is the region one of @l->wanted, or is that list empty? Call find_regions() before. */
bool region_wanted(const struct lsdmem *l, const struct dmem_region *g);

/* Sets the cells of a cgroup's path, which starts with a slash, and of its systemd unit. */
void add_cgroup(struct table *t, struct table_line *line, int path_column, int unit_column,
		const struct dmem_node *n);

/* Prints the message. Returns CLI_FAILED. */
int out_of_memory(const struct lsdmem *l);

#endif
