/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The board that an overlay is made for: from --dtb=FILE, or from the notes in the histories. */
#ifndef BOARD_H
#define BOARD_H

#include "cli/cli.h"
#include "needs.h"
#include "overlay.h"

struct board_options {
	const char *dtb;		/* file name, or NULL */
	const void *blob;		/* its content */
	size_t len;			/* bytes */
	bool move;			/* see overlay.h */
};

/* Makes the text of an overlay, which the caller frees, and prints remarks about it on stderr. 0,
 * -ENOMEM, or -EINVAL: no overlay is possible, and the reason was printed on stderr. */
int board_overlay(const struct cli *c, const struct notes *notes, const struct needs *n,
		  const struct needs_options *no, const struct board_options *bo, char **text,
		  size_t *len);

/* Finds the size in bytes of each region of @n in the tree: @size has room for all. DMEM_UNKNOWN: the
 * region is no area of the tree. 0, -ENOMEM, or -EINVAL: no tree can be read, and the reason was
 * printed. */
int board_sizes(const struct cli *c, const struct notes *notes, const struct needs *n,
		const struct board_options *bo, uint64_t *size);

#endif
