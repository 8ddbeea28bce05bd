/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a plan as a device tree overlay for one board. The overlay is merged with the board's tree
 * and checked by the kernel's rules. Does no I/O.
 */
#ifndef OVERLAY_H
#define OVERLAY_H

#include <stdio.h>

#include "devtree.h"
#include "needs.h"

struct overlay_options {
	const char *from;	/* origin of the tree, for messages: "board.dtb" */
	bool shrink;		/* allow sizes below the present one */
	bool move;		/* an area with an address may get another address */
};

struct overlay_area {
	const struct needs_region *g;
	size_t node;		/* index in the tree, or DEVTREE_NONE: not a node */
	uint64_t before, size;	/* bytes */
	const char *words;	/* for the command line, if it is not a node: "cma=64M" */
	const char *remark;	/* to check by hand, or NULL */
};

struct overlay {
	struct dmem_arena arena;
	struct overlay_options o;
	const struct needs *needs;
	uint64_t block;			/* alignment of CMA in bytes */
	struct devtree tree, planned;	/* without and with the overlay */
	struct overlay_area *area;
	size_t n;
	bool roomy, tight;		/* alloc-ranges leave the kernel's image room; must not */
	void *fdt;			/* the overlay, flattened */
	const char *why;		/* the reason after -EINVAL */
};

/* Makes and checks the overlay. @fdt: the board's tree, which fdt_check_full() has accepted, and
 * which must live as long as @o. 0, -ENOMEM, or -EINVAL with the reason in @o->why. Release @o in
 * all cases. */
int overlay_make(struct overlay *o, const void *fdt, const struct needs *n,
		 const struct needs_options *no, const struct overlay_options *oo);

/* Checks the overlay on another tree of the same board, such as one with more memory. Returns like
 * overlay_make(). */
int overlay_check(struct overlay *o, const void *fdt);

/* True if the overlay changes a node; otherwise it is not needed. */
bool overlay_changes(const struct overlay *o);

/* Writes the overlay's source text. */
void overlay_print(FILE *f, const struct overlay *o);

void overlay_free(struct overlay *o);

#endif
