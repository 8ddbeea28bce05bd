/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables and trees like those of util-linux: selectable columns, JSON, raw output. A thin layer
 * over libsmartcols (2.38 and later).
 */
#ifndef TABLE_H
#define TABLE_H

#include "cli.h"

enum table_type {
	TABLE_TEXT,
	TABLE_SIZE,	/* bytes, or "max", or unknown; in JSON a number, "max" or null */
	TABLE_COUNT,	/* a number or unknown */
	TABLE_BOOL,
	TABLE_LIST,	/* several words; in JSON an array, which may be empty, or null */
	TABLE_VALUE,	/* a text; in JSON any value, set by table_json() */
};

enum {
	TABLE_TREE	= 1 << 0,	/* has the branches of the tree */
	TABLE_CUT	= 1 << 1,	/* may be cut on a narrow terminal */
};

struct table_column {
	const char *name, *help;
	enum table_type type;
	unsigned int flags;
};

struct table_options {
	bool json, raw, bytes, no_headings, tree;
	/* 0: the width of the terminal, or unlimited without one */
	unsigned int width;
	FILE *stream;		/* NULL: stdout */
};

struct table;
struct table_line;

/* Parses a list of columns such as "NAME,size" into numbers of columns, each once. With "+" in
 * front, the columns follow @defaults. CURRENT is accepted for CHARGED. @ids has room for
 * TABLE_MAX. Returns the number of columns, or -1: *@wrong is the unknown word, which the caller
 * frees, or NULL: there are too many. */
#define TABLE_MAX	64
int table_columns(const struct table_column *all, size_t n, const char *list,
		  const int *defaults, size_t n_defaults, int ids[TABLE_MAX], char **wrong);

/* Prints each column with its description, for --help. */
void table_help(FILE *f, const struct table_column *all, size_t n);

/* @name: name of the array in JSON. NULL: out of memory. */
struct table *table_new(const char *name, const struct table_column *all, const int *ids,
			size_t n_ids, const struct table_options *o);

/* Adds a line, below @parent (or NULL) in a tree. NULL: out of memory; all setters accept NULL, so
 * that only table_print() needs a check. */
struct table_line *table_line(struct table *t, struct table_line *parent);

/* Set a cell, by the column's index in @all. Columns that are not shown are ignored. An unknown
 * number and a cell that was never set are "-", or null in JSON. Names from other users are escaped
 * here, see text.h. */
void table_text(struct table *t, struct table_line *l, int id, const char *s);
void table_number(struct table *t, struct table_line *l, int id, uint64_t n);
void table_bool(struct table *t, struct table_line *l, int id, bool b);
void table_list(struct table *t, struct table_line *l, int id, const char * const *words, size_t n);

/* Sets the JSON value of a TABLE_VALUE, which must be valid JSON. Has no effect on other formats;
 * table_text() has none on such a column in JSON. */
void table_json(struct table *t, struct table_line *l, int id, const char *json);

/* Sets a heading that is shorter than the column's name, for text output. */
void table_heading(struct table *t, int id, const char *heading);

/* Sets the width of the column, whatever its cells contain. */
void table_fix_width(struct table *t, int id, unsigned int width);

/* True if the column is shown. Expensive figures need not be read otherwise. */
bool table_wants(const struct table *t, int id);

/* Prints all lines. Raw output: one blank between cells and none inside; an empty cell is "-", and
 * a blank is "\x20". 0 or a negative errno, also after an earlier lack of memory. */
int table_print(struct table *t);
void table_free(struct table *t);

#endif
