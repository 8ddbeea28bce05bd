/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workloads, made from a seed: services allocate and free buffers in regions. Tests of plans use
 * them on the host and in the guest.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_OPS		120
#define LOAD_SERVICES		3	/* of load_make() */
#define LOAD_MOST_SERVICES	12
#define LOAD_REGIONS		3
#define LOADS			40	/* shapes */

struct load_op {
	unsigned int service;
	bool free;
	size_t buffer;		/* number of the buffer, by its first op */
	uint64_t pages;		/* 0: the op is left out */
	unsigned int region;
};

struct load {
	struct load_op op[LOAD_OPS];
	size_t n;
};

/* Uses at most @budget pages at once. Each op allocates or frees one buffer. */
void load_make(struct load *l, uint64_t seed, uint64_t budget);

enum load_sizes {
	LOAD_FRAMES,		/* of cameras and displays */
	LOAD_ODD,		/* any, up to 600 pages */
	LOAD_SMALL,		/* up to 24 pages */
	LOAD_LARGE,		/* 256 to 1791 pages */
	LOAD_MIXED,		/* all of these */
	LOAD_SIZES
};

struct load_shape {
	unsigned int services, regions;
	enum load_sizes sizes;
	uint64_t budget;	/* pages at once in each region */
	uint64_t per_page;	/* how many of the pages that sizes count: 16 with pages of 64K */
	unsigned int burst;	/* the most allocations, or frees, in succession */
};

/* The shape of load @n, below LOADS, with this number of bytes in a page. */
void load_shape(struct load_shape *s, size_t n, uint64_t page);

/* Each op allocates or frees one buffer in one region. */
void load_make_shape(struct load *l, uint64_t seed, const struct load_shape *s);

/* The op after the last one of those from @i on that are of the same kind, of ops that are not left
 * out. */
size_t load_same_kind(const struct load *l, size_t i);

/* The most pages at once in a region, of one service or of all with LOAD_ALL. */
#define LOAD_ALL	UINT32_MAX
uint64_t load_peak(const struct load *l, unsigned int region, uint32_t service);

/* Changes of a load. A service has buffers of @by halves of their size, in whole pages; it is left
 * out; only this region remains; region @from becomes @to, for all buffers or those of a service. */
void load_scale(struct load *l, unsigned int service, uint64_t by);
void load_leave_out(struct load *l, unsigned int service);
void load_keep_region(struct load *l, unsigned int region);
void load_move(struct load *l, unsigned int from, unsigned int to, uint32_t service);

#endif
