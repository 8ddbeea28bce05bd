/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reserved memory of a board's device tree, read like the kernel does
 * (drivers/of/of_reserved_mem.c, kernel/dma/contiguous.c). Does no I/O.
 */
#ifndef DEVTREE_H
#define DEVTREE_H

#include "dmem/dmem.h"

#define DEVTREE_NONE	SIZE_MAX

/* In bytes. A range that exceeds the address space is cut at its end. */
struct devtree_range {
	uint64_t base, size;
};

/* A child of /reserved-memory. */
struct devtree_node {
	const char *name;		/* with its unit address; may contain any character */
	bool available;			/* "status" does not disable it */
	bool pool;			/* compatible with "shared-dma-pool" */
	bool reusable, no_map, is_default;
	/* "reg", if the kernel accepts it. The first entry is the area. */
	struct devtree_range *reg;
	size_t n_reg;
	bool has_size;			/* "size" exists, even if it is not used */
	uint64_t size;			/* bytes */
	bool has_alignment;
	uint64_t alignment;		/* bytes, or 0: none */
	struct devtree_range *range;	/* "alloc-ranges" */
	size_t n_ranges;
	const char *mistake;		/* why the kernel ignores the node, or NULL */
	bool placed;			/* devtree_place() has found room at @base */
	uint64_t base;
};

struct devtree {
	const char *compatible;		/* first string, or "" */
	const char *model;
	uint32_t address_cells, size_cells;	/* of the root */
	bool has_reserved_memory;
	const char *mistake;		/* why the kernel ignores /reserved-memory, or NULL */
	/* Sorted, without empty ranges. Empty if the boot loader adds the memory. */
	struct devtree_range *memory;
	size_t n_memory;
	uint64_t memory_from;		/* lowest address of an empty range, if all are empty */
	struct devtree_range *reserve;	/* /memreserve/ entries outside of nodes */
	size_t n_reserve;
	struct devtree_node *node;	/* in the order of the tree */
	size_t n;
	const char *cma;		/* "128M@0-1G" of cma= on the command line, or NULL */
};

/* Reads a flattened tree that fdt_check_full() has accepted. Strings point into the tree or are
 * allocated from @a. 0, -ENOMEM, or -EBADMSG: no root, or a string is not terminated. */
int devtree_read(struct devtree *t, struct dmem_arena *a, const void *fdt);

/* The end of a range: the first byte behind it, at most UINT64_MAX. */
uint64_t devtree_end(const struct devtree_range *r);

/* True if the kernel makes a CMA area of the node. */
bool devtree_is_area(const struct devtree_node *n);

/* The index of the node with this name, of which the kernel keeps 63 characters. Prefers a CMA area
 * to another node. DEVTREE_NONE: there is none. */
size_t devtree_find(const struct devtree *t, const char *area);

/* Older kernels reserve /memreserve/ and every entry of "reg" before they place nodes. Newer ones
 * (7.3) reserve the first entries, and /memreserve/ after the placement. */
enum devtree_kernel { DEVTREE_OLDER, DEVTREE_NEWER, DEVTREE_KERNELS };

/* Places all dynamic nodes (without "reg") like such a kernel: in the order of the tree, from the
 * top of memory. @block: alignment of CMA in bytes. Other users of memory, such as the kernel's
 * image, are not known. */
void devtree_place(struct devtree *t, uint64_t block, enum devtree_kernel kernel);

/* The node with memory in @r, or DEVTREE_NONE. Ignores @but, disabled nodes and dynamic ones. */
size_t devtree_in_the_way(const struct devtree *t, const struct devtree_range *r, size_t but);

/* True if the whole range is memory. All addresses from @memory_from on count as memory. */
bool devtree_is_memory(const struct devtree *t, const struct devtree_range *r);

struct devtree_search {
	uint64_t size, align;		/* bytes; @align is a power of two */
	uint64_t low, high;		/* within [low, high) */
	bool top_down;			/* find the highest place like the kernel, not ... */
	struct devtree_range near;	/* ... the one that exceeds this range least */
	size_t but;			/* the first entry of this node counts as free */
	size_t nodes;			/* placed dynamic nodes before this one count */
	enum devtree_kernel kernel;	/* the kernel whose rules apply */
};

/* Searches for free memory that does not cross 4 GiB. False: there is none. */
bool devtree_search(const struct devtree *t, const struct devtree_search *s, uint64_t *base);

/* The kernel's objection to a node as a part of a message ("overlaps with b@1000"), or NULL. Call
 * devtree_place() first. *@err: 0 or -ENOMEM. */
const char *devtree_objection(const struct devtree *t, size_t node, uint64_t block,
			      struct dmem_arena *a, int *err);

#endif
