/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plan as a device tree overlay, for one board. It is merged and checked by the
 * kernel's rules before it is printed. Does no I/O.
 */
#ifndef OVERLAY_H
#define OVERLAY_H

#include <stdio.h>

#include "devtree.h"
#include "needs.h"

struct overlay_options {
	const char *from;	/* where the tree is from, for messages: "board.dtb" */
	bool shrink;		/* an area may become smaller than it is */
	bool move;		/* an area with an address may get another one */
};

struct overlay_area {
	const struct needs_region *g;
	size_t node;		/* of the tree, or DEVTREE_NONE: it is no node */
	uint64_t before, size;	/* bytes */
	const char *words;	/* for the command line, where it is no node: "cma=64M" */
	const char *remark;	/* to check by hand, or NULL */
};

struct overlay {
	struct dmem_arena arena;
	struct overlay_options o;
	const struct needs *needs;
	uint64_t block;			/* bytes, of the kernel's CMA */
	struct devtree tree, planned;	/* as it is, and as it shall be */
	struct overlay_area *area;
	size_t n;
	bool roomy, tight;		/* alloc-ranges leave room for the kernel's image; may not */
	void *fdt;			/* the overlay, flattened */
	const char *why;		/* after -EINVAL: why there is none */
};

/* Makes and checks the overlay. @fdt: the board's tree, which fdt_check_full() has accepted
 * and which stays. 0, -ENOMEM, or -EINVAL with @o->why. To be freed in all cases. */
int overlay_make(struct overlay *o, const void *fdt, const struct needs *n,
		 const struct needs_options *no, const struct overlay_options *oo);

/* Checks it on another tree of the same board, such as one with more memory. As above. */
int overlay_check(struct overlay *o, const void *fdt);

/* Is a node other than it was? Without a change, there is no need to merge the overlay. */
bool overlay_changes(const struct overlay *o);

/* The source text. */
void overlay_print(FILE *f, const struct overlay *o);

void overlay_free(struct overlay *o);

#endif
