/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables and trees as util-linux prints them: columns to choose, JSON, raw. A thin
 * layer over libsmartcols (2.38 and later).
 */
#ifndef TABLE_H
#define TABLE_H

#include "cli.h"

enum table_type {
	TABLE_TEXT,
	TABLE_SIZE,	/* bytes, "max" or unknown: in JSON a number, the string "max", or null */
	TABLE_COUNT,	/* a number or unknown */
	TABLE_BOOL,
	TABLE_LIST,	/* several words: in JSON an array, which may be empty, or null */
	TABLE_VALUE,	/* a text, and in JSON any value, of table_json() */
};

enum {
	TABLE_TREE	= 1 << 0,	/* has the branches */
	TABLE_CUT	= 1 << 1,	/* may be cut where the terminal is narrow */
};

struct table_column {
	const char *name, *help;
	enum table_type type;
	unsigned int flags;
};

struct table_options {
	bool json, raw, bytes, no_headings, tree;
	/* 0: that of the terminal; what is none has no width. */
	unsigned int width;
	FILE *stream;		/* NULL: stdout */
};

struct table;
struct table_line;

/* The columns' numbers for a list such as "NAME,size", each once. With a "+" before it,
 * they come after @defaults. CURRENT is taken for CHARGED. @ids has room for TABLE_MAX. Returns how many, or -1, and
 * *@wrong is the word that is no column, which the caller frees, or NULL: too many. */
#define TABLE_MAX	64
int table_columns(const struct table_column *all, size_t n, const char *list,
		  const int *defaults, size_t n_defaults, int ids[TABLE_MAX], char **wrong);

/* For --help: each column with what it means. */
void table_help(FILE *f, const struct table_column *all, size_t n);

/* @name: of the array in JSON. NULL: no memory. */
struct table *table_new(const char *name, const struct table_column *all, const int *ids,
			size_t n_ids, const struct table_options *o);

/* A new line, below @parent (or NULL) in a tree. NULL: no memory, and then all of the
 * setters do nothing, so that only table_print() needs to be checked. */
struct table_line *table_line(struct table *t, struct table_line *parent);

/* By the number in @all. A column that is not shown is left out. An unknown number is "-",
 * and null in JSON; so is a cell that was never set. Text of others becomes harmless here,
 * see text.h. */
void table_text(struct table *t, struct table_line *l, int id, const char *s);
void table_number(struct table *t, struct table_line *l, int id, uint64_t n);
void table_bool(struct table *t, struct table_line *l, int id, bool b);
void table_list(struct table *t, struct table_line *l, int id, const char * const *words, size_t n);

/* The value of a TABLE_VALUE in JSON, which must be valid. Does nothing in other formats,
 * as table_text() does nothing for such a column in JSON. */
void table_json(struct table *t, struct table_line *l, int id, const char *json);

/* A shorter heading than the name, in text that is for people. */
void table_heading(struct table *t, int id, const char *heading);

/* The column is as wide as that, whatever is in it. */
void table_fix_width(struct table *t, int id, unsigned int width);

/* Is the column shown? What is expensive need not be found out otherwise. */
bool table_wants(const struct table *t, int id);

/* Prints all lines. Raw: one blank between two cells, and none in a cell; an empty cell is
 * "-", and a blank "\x20". 0 or a negative errno: no memory at any time before, too. */
int table_print(struct table *t);
void table_free(struct table *t);

#endif
