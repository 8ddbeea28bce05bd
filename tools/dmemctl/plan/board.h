/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The board that an overlay is for: --dtb=FILE, or the one that the histories note. */
#ifndef BOARD_H
#define BOARD_H

#include "cli/cli.h"
#include "needs.h"
#include "overlay.h"

struct board_options {
	const char *dtb;		/* the name of its file, or NULL */
	const void *blob;		/* its content */
	size_t len;			/* bytes */
	bool move;			/* see overlay.h */
};

/* The text of an overlay, to be freed, and remarks about it on stderr. 0, -ENOMEM, or
 * -EINVAL: there is none, and stderr has the reason. */
int board_overlay(const struct cli *c, const struct notes *notes, const struct needs *n,
		  const struct needs_options *no, const struct board_options *bo, char **text,
		  size_t *len);

#endif
