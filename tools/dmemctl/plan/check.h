/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks whether recorded loads fit the sizes and limits of a product. */
#ifndef CHECK_H
#define CHECK_H

#include "dmemctl/dmemctl.h"
#include "board.h"
#include "needs.h"

/* Exit codes. CLI_FAILED of other verbs would not distinguish the last two. */
enum { CHECK_FITS = 0, CHECK_TOO_SMALL = 1, CHECK_ERROR = 3 };

struct check_options {
	const char *units;		/* directory with unit files and drop-ins, or NULL */
	struct board_options board;	/* the content of a tree, or none: that of the histories */
	bool json;
};

/* Prints a table on stdout. The sizes of regions are @o->size, or those of the device tree. Returns
 * an exit code, and has printed a message if it is CHECK_ERROR. */
int check_plan(struct ctl *c, const struct model *m, const struct needs *n,
	       const struct needs_options *o, const struct check_options *k);

#endif
