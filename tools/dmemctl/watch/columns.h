/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of "dmemctl watch" as columns of text, or as JSON. */
#ifndef COLUMNS_H
#define COLUMNS_H

#include "cli/table.h"
#include "view.h"

struct columns {
	int id[TABLE_MAX];
	size_t n;
	bool chosen;			/* by the user, and kept where there is little room */
	bool json, bytes;
	bool utf8;			/* branches of trees can be drawn */
	bool list;			/* names are paths */
};

/* The default ones. */
void columns_begin(struct columns *c);

/* From a list as of table_columns(). False: *@wrong is the word that is no column, to be
 * freed, or NULL: there are too many. */
bool columns_choose(struct columns *c, const char *list, char **wrong);

void columns_help(FILE *f);

/* Prints a heading and @n rows from @from on, each in a line. @width: so wide at most, or 0.
 * 0 or -ENOMEM. */
int columns_print(const struct columns *c, FILE *f, const struct view *v, size_t from, size_t n,
		  unsigned int width);

/* Prints all rows as one array, without a line end. 0 or -ENOMEM. */
int columns_print_json(const struct columns *c, FILE *f, const struct view *v);

#endif
