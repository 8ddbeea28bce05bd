/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the rows of "dmemctl watch" as columns of text, or as JSON. */
#ifndef COLUMNS_H
#define COLUMNS_H

#include "cli/table.h"
#include "view.h"

struct columns {
	int id[TABLE_MAX];
	size_t n;
	bool chosen;			/* by the user: narrow terminals show them, too */
	bool json, bytes;
	bool utf8;			/* draw trees with box characters */
	bool list;			/* names are paths */
};

/* Sets the default columns. */
void columns_begin(struct columns *c);

/* Sets the columns from a list like that of table_columns(). False: *@wrong is an unknown word,
 * which the caller frees, or NULL: there are too many columns. */
bool columns_choose(struct columns *c, const char *list, char **wrong);

void columns_help(FILE *f);

/* Prints a heading and @n rows from @from on, one per line. @width: columns of the terminal, or 0:
 * unlimited. 0 or -ENOMEM. */
int columns_print(const struct columns *c, FILE *f, const struct view *v, size_t from, size_t n,
		  unsigned int width);

/* Prints all rows as one JSON array, without a line end. 0 or -ENOMEM. */
int columns_print_json(const struct columns *c, FILE *f, const struct view *v);

#endif
