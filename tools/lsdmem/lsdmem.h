/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces between the views. Each view has its own file. */
#ifndef LSDMEM_H
#define LSDMEM_H

#include "cli/table.h"
#include "dmem/look.h"
#include "units/word.h"

/* Files that could not be read, for one message at the end. All zero is none. */
struct unread {
	char path[512];			/* the first file */
	int err;
	unsigned int more;		/* files */
	const char *debug;		/* the columns that need debugfs, if it cannot be read */
	bool processes;			/* access to some processes was denied */
};

struct lsdmem {
	struct cli cli;
	struct dmem_sys sys;
	struct dmem_arena arena;
	struct table_options options;
	bool all;
	bool inner;			/* limits of cgroups above cannot be seen here */
	bool limits;			/* the table shows effective limits */
	/* The regions to show, or none: all. */
	char **wanted;
	size_t n_wanted;
	struct unread unread;
};

struct view {
	const char *name;		/* name of the array in JSON */
	const struct table_column *columns;
	size_t n_columns;
	const int *defaults;
	size_t n_defaults;
	/* The columns in an inner tree, or NULL: the same; and the last one, in JSON only. */
	const int *inner;
	size_t n_inner;
	int partial;
	/* Adds the lines to @t. Returns an exit code, and has printed a message if it is not
	 * CLI_OK. */
	int (*fill)(struct lsdmem *l, struct table *t);
};

extern const struct view view_regions, view_tree, view_buffers;

/* ---- unread.c ---- */

/* For dmem_note_fn: @data is a struct lsdmem. */
void unread_note(void *data, const char *path, int err);

/* Prints one line to stderr, if some file could not be read. */
void unread_say(const struct lsdmem *l);

/* Prints one line to stderr, if the table has limits and cgroups above could have lower ones. */
void unseen_say(const struct lsdmem *l);

/* ---- select.c ---- */

/*
 * Reads the regions into @r, and replaces each word of @l->wanted by the name of the region
 * that it means. @fields: DMEM_READ_ bits, see dmem_regions_read_some(). Returns an exit code;
 * after a failure (no region to show, a word that names none) the message has been printed.
 */
int find_regions(struct lsdmem *l, const struct view *view, unsigned int fields,
		 struct dmem_regions *r);

/* True if the region is in @l->wanted, or that list is empty. Call find_regions() first. */
bool region_wanted(const struct lsdmem *l, const struct dmem_region *g);

/* Sets the cells of a cgroup's path, which starts with a slash, and of its systemd unit. */
void add_cgroup(struct table *t, struct table_line *line, int path_column, int unit_column,
		const struct dmem_node *n);

/* Prints the message. Returns CLI_FAILED. */
int out_of_memory(const struct lsdmem *l);

#endif
