/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reserved memory of a board's device tree, read as the kernel reads it
 * (drivers/of/of_reserved_mem.c, kernel/dma/contiguous.c). Does no I/O.
 */
#ifndef DEVTREE_H
#define DEVTREE_H

#include "dmem/dmem.h"

#define DEVTREE_NONE	SIZE_MAX

/* Bytes. A range that would leave the address space ends with it. */
struct devtree_range {
	uint64_t base, size;
};

/* A child of /reserved-memory. */
struct devtree_node {
	const char *name;		/* with its unit address; may hold any character */
	bool available;			/* "status" does not disable it */
	bool pool;			/* compatible with "shared-dma-pool" */
	bool reusable, no_map, is_default;
	/* "reg", if it is one for the kernel. The area is the first entry. */
	struct devtree_range *reg;
	size_t n_reg;
	bool has_size;			/* the property, whether it is used or not */
	uint64_t size;			/* bytes */
	bool has_alignment;
	uint64_t alignment;		/* bytes, or 0: none */
	struct devtree_range *range;	/* "alloc-ranges" */
	size_t n_ranges;
	const char *mistake;		/* why the kernel makes nothing of it, or NULL */
	bool placed;			/* by devtree_place(): there is room, at @base */
	uint64_t base;
};

struct devtree {
	const char *compatible;		/* the first word, "" if there is none */
	const char *model;
	uint32_t address_cells, size_cells;	/* of the root */
	bool has_reserved_memory;
	const char *mistake;		/* why the kernel ignores all of /reserved-memory, or NULL */
	/* Sorted, without empty ranges. None: the boot loader adds memory. */
	struct devtree_range *memory;
	size_t n_memory;
	uint64_t memory_from;		/* the lowest address of an empty range, if there are no others */
	struct devtree_range *reserve;	/* /memreserve/ that no node of the tree covers */
	size_t n_reserve;
	struct devtree_node *node;	/* in the tree's order */
	size_t n;
	const char *cma;		/* "128M@0-1G" of cma= on the command line, or NULL */
};

/* Reads a flattened tree that fdt_check_full() has accepted. Strings that are not in it
 * come from @a. 0, -ENOMEM, or -EBADMSG: it has no root, or a word is not terminated. */
int devtree_read(struct devtree *t, struct dmem_arena *a, const void *fdt);

/* The end of a range, at most UINT64_MAX. */
uint64_t devtree_end(const struct devtree_range *r);

/* Does the kernel make a CMA area of this node? */
bool devtree_is_area(const struct devtree_node *n);

/* The node of that name as the kernel names areas, which keeps 63 characters of it; an area
 * before one that is none. DEVTREE_NONE: there is none. */
size_t devtree_find(const struct devtree *t, const char *area);

/* Older kernels reserve /memreserve/ and every entry of "reg" before they place nodes, newer
 * ones (7.3) the first entries, and /memreserve/ afterwards. */
enum devtree_kernel { DEVTREE_OLDER, DEVTREE_NEWER, DEVTREE_KERNELS };

/* Places all dynamic nodes (without "reg") as such a kernel does: in their order, from the
 * top. @block: bytes, CMA's alignment. Other users of memory, such as the kernel's image, are
 * unknown. */
void devtree_place(struct devtree *t, uint64_t block, enum devtree_kernel kernel);

/* The node that has memory in @r, or DEVTREE_NONE; @but is left out. Disabled nodes and
 * dynamic ones have none. */
size_t devtree_in_the_way(const struct devtree *t, const struct devtree_range *r, size_t but);

/* Is all of the range memory? True from @memory_from on, if the tree has no more of it. */
bool devtree_is_memory(const struct devtree *t, const struct devtree_range *r);

struct devtree_search {
	uint64_t size, align;		/* bytes; @align is a power of two */
	uint64_t low, high;		/* within [low, high) */
	bool top_down;			/* the highest place, as the kernel takes it; or else */
	struct devtree_range near;	/* the one that reaches least beyond this range */
	size_t but;			/* this node's first entry is free */
	size_t nodes;			/* the dynamic ones before it that are placed are not */
	enum devtree_kernel kernel;	/* whose reservations count */
};

/* Looks for free memory, all of it on one side of 4 GiB. False: there is none. */
bool devtree_search(const struct devtree *t, const struct devtree_search *s, uint64_t *base);

/* The kernel's objection to a node, in the words of a message ("overlaps with b@1000"), or
 * NULL. devtree_place() must have run. *@err: 0 or -ENOMEM. */
const char *devtree_objection(const struct devtree *t, size_t node, uint64_t block,
			      struct dmem_arena *a, int *err);

#endif
