/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boards for "dmemctl plan --dts": QEMU's, with the nodes of NAME.dtso. Each is planned from a
 * history of its areas, and boots with the overlay merged into its tree.
 */
#ifndef BOARDS_H
#define BOARDS_H

#include <stdbool.h>
#include <stddef.h>

#define BOARD_AREAS	8

struct board_area {
	const char *name;
	unsigned long has, needs;	/* MiB */
	/* The kernel must place it at @low, or with @high at a multiple of @align in [low,
	 * high). */
	unsigned long low, high, align;
};

struct board {
	const char *name;
	bool move;			/* plan --move */
	const char *words;		/* for the command line, as printed by plan, or NULL */
	struct board_area area[BOARD_AREAS];	/* the last one has no name */
};

extern const struct board boards[];	/* the last one has no name */

/* NULL: there is no such board. */
const struct board *board_find(const char *name);

#endif
