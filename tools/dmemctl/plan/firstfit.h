/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places buffers like CMA: each at the first free place that is a multiple of 2^min(order of its
 * size, CONFIG_CMA_ALIGNMENT) pages.
 *
 * A buffer gets the same place in a smaller area, if it fits there. So a workload fits in an area
 * if and only if, in an area without an end, it stays below that area's end.
 *
 * In an area with an end, a buffer that finds no place is refused. It is kept in the lists, so that
 * its later removal has no effect on the buffers that exist.
 *
 * The time of a call is proportional to the logarithm of the number of buffers, except for gaps
 * that are large enough but not aligned, which are tried one by one.
 */
#ifndef FIRSTFIT_H
#define FIRSTFIT_H

#include <stdbool.h>

#include "base/map.h"

struct firstfit_buffer {
	uint64_t start, pages;
	uint64_t owner, id;
};

struct firstfit_node;

/* The start of a buffer that has no place. */
#define FIRSTFIT_NOWHERE	UINT64_MAX

/* All zero except @align_order is an empty area without an end. */
struct firstfit {
	unsigned int align_order;	/* CONFIG_CMA_ALIGNMENT */
	bool ends;			/* after @size pages */
	/* The area is not contiguous: only the sum counts. Any unit, not only pages. With @ends. */
	bool scattered;
	uint64_t size;
	size_t n;			/* buffers without refused ones */
	uint64_t pages;			/* of all these */
	uint64_t high;			/* end of the highest buffer so far, in pages */
	uint64_t unit;			/* the largest alignment of a buffer so far, in pages */
	/* Private. Numbers of nodes start from 1; 0 is none. */
	struct firstfit_node *node;	/* a treap by start */
	uint32_t used, room, root, free, random;
	struct dmem_map by_id, by_owner, by_size;
};

/* The alignment of a buffer, in pages. */
uint64_t firstfit_alignment(uint64_t pages, unsigned int align_order);

/* Adds a buffer. 0; 1: it is refused, since there is no place for it; or -ENOMEM. */
int firstfit_alloc(struct firstfit *f, uint64_t owner, uint64_t id, uint64_t pages);

bool firstfit_has(const struct firstfit *f, uint64_t owner, uint64_t id);

/* The first buffer that starts at page @at or later, or NULL. Valid until the next change. */
const struct firstfit_buffer *firstfit_from(const struct firstfit *f, uint64_t page);

/* Restarts @high from the buffers that exist. */
void firstfit_restart(struct firstfit *f);

/* Pages in the largest free run of an area of @size pages. */
uint64_t firstfit_largest(const struct firstfit *f, uint64_t size);

/* Removes a buffer. 0, -ENOENT: there is no such buffer, or -ENOMEM. */
int firstfit_free(struct firstfit *f, uint64_t owner, uint64_t id);

/* Gives the newest buffer of @owner with this size to another owner. 0, -ENOENT: there is none, or
 * -ENOMEM. */
int firstfit_rename(struct firstfit *f, uint64_t owner, uint64_t pages, uint64_t new_owner,
		    uint64_t new_id);

/* Frees @pages of an owner whose buffers are not known individually: a buffer of that size, or else
 * the newest ones, the last of them partly if needed. 0 or -ENOMEM. */
int firstfit_give_back(struct firstfit *f, uint64_t owner, uint64_t pages);

void firstfit_end(struct firstfit *f);

#endif
