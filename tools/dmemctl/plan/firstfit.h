/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where CMA puts buffers: at the first place that is free, and a multiple of
 * 2^min(order of the buffer's size, CONFIG_CMA_ALIGNMENT) pages.
 *
 * Whether a buffer finds room in an area does not change where it goes. So a load fits
 * in an area if and only if it stays below the area's end in one that has none.
 */
#ifndef FIRSTFIT_H
#define FIRSTFIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct firstfit_buffer {
	uint64_t start, pages;
	uint64_t owner, id;
};

/* All zero but @align_order is an empty area without an end. */
struct firstfit {
	unsigned int align_order;	/* CONFIG_CMA_ALIGNMENT */
	struct firstfit_buffer *buffer;	/* by start */
	size_t n, room;
	uint64_t high;			/* pages up to the end of the highest one so far */
	uint64_t unit;			/* the largest alignment of a buffer so far, in pages */
};

/* What a buffer's start is a multiple of. */
uint64_t firstfit_alignment(uint64_t pages, unsigned int align_order);

/* 0 or -ENOMEM. */
int firstfit_alloc(struct firstfit *f, uint64_t owner, uint64_t id, uint64_t pages);

bool firstfit_has(const struct firstfit *f, uint64_t owner, uint64_t id);

/* False: there is no such buffer. */
bool firstfit_free(struct firstfit *f, uint64_t owner, uint64_t id);

/* The last buffer of @owner that has so many pages is another one's from now on. False:
 * there is none. */
bool firstfit_rename(struct firstfit *f, uint64_t owner, uint64_t pages, uint64_t new_owner,
		     uint64_t new_id);

/* Frees @pages of an owner whose buffers are not known one by one: a buffer of that size
 * if there is one, or else the last ones, the last of them perhaps in part. */
void firstfit_give_back(struct firstfit *f, uint64_t owner, uint64_t pages);

void firstfit_end(struct firstfit *f);

#endif
