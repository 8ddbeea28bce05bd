/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where CMA puts buffers: at the first place that is free, and a multiple of
 * 2^min(order of the buffer's size, CONFIG_CMA_ALIGNMENT) pages.
 *
 * Whether a buffer finds room in an area does not change where it goes. So a load fits
 * in an area if and only if it stays below the area's end in one that has none.
 *
 * Each call takes a time that grows with the logarithm of the number of buffers, but for
 * gaps that are large enough and lie across the alignment, which are tried one by one.
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

/* All zero but @align_order is an empty area without an end. */
struct firstfit {
	unsigned int align_order;	/* CONFIG_CMA_ALIGNMENT */
	size_t n;			/* buffers */
	uint64_t pages;			/* of all */
	uint64_t high;			/* pages up to the end of the highest one so far */
	uint64_t unit;			/* the largest alignment of a buffer so far, in pages */
	/* Its own. Of nodes, their number and 1, or 0. */
	struct firstfit_node *node;	/* a treap by start */
	uint32_t used, room, root, free, random;
	struct dmem_map by_id, by_owner, by_size;
};

/* What a buffer's start is a multiple of. */
uint64_t firstfit_alignment(uint64_t pages, unsigned int align_order);

/* 0 or -ENOMEM. */
int firstfit_alloc(struct firstfit *f, uint64_t owner, uint64_t id, uint64_t pages);

bool firstfit_has(const struct firstfit *f, uint64_t owner, uint64_t id);

/* The buffer that starts at or behind that page, or NULL. Good until the next change. */
const struct firstfit_buffer *firstfit_from(const struct firstfit *f, uint64_t page);

/* Pages of the largest free run in an area of @size pages. */
uint64_t firstfit_largest(const struct firstfit *f, uint64_t size);

/* 0, -ENOENT: there is no such buffer, or -ENOMEM. */
int firstfit_free(struct firstfit *f, uint64_t owner, uint64_t id);

/* The last buffer of @owner that has so many pages is another one's from now on. 0,
 * -ENOENT: there is none, or -ENOMEM. */
int firstfit_rename(struct firstfit *f, uint64_t owner, uint64_t pages, uint64_t new_owner,
		    uint64_t new_id);

/* Frees @pages of an owner whose buffers are not known one by one: a buffer of that size
 * if there is one, or else the last ones, the last of them perhaps in part. 0 or -ENOMEM. */
int firstfit_give_back(struct firstfit *f, uint64_t owner, uint64_t pages);

void firstfit_end(struct firstfit *f);

#endif
