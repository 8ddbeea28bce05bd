/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the selected samples of histories as lines of JSON or as CSV. */
#ifndef EXPORT_H
#define EXPORT_H

#include <stdio.h>

#include "walk.h"

struct export {
	FILE *f;
	bool csv;
	/* Private */
	bool headed;		/* CSV: the line with the names of the columns is printed */
	size_t stretch;
};

/* Functions of a walk. */
int export_sample(void *data, struct walk *w);
int export_end(void *data, struct walk *w, uint64_t mono);

/* CSV: prints the names of the columns, if there was no sample. */
void export_finish(struct export *e);

#endif
