/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what happened to what is needed. Does no I/O. */
#ifndef NEEDS_H
#define NEEDS_H

#include "model.h"

struct needs_options {
	double headroom;		/* 0.1: a tenth more */
	double quantile;		/* 1: the largest */
	uint64_t block;			/* bytes, or DMEM_UNKNOWN: what the histories say */
	unsigned int align_order;	/* CONFIG_CMA_ALIGNMENT */
	bool shrink;			/* a region may become smaller than it is */
};

/* Of one service in one region, in bytes. */
struct needs_service {
	uint32_t service;
	size_t runs;
	uint64_t peak;			/* the largest one */
	uint64_t peak_quantile;		/* of the runs' */
	uint64_t usual;			/* it had as much or more for half of the time */
	uint64_t unseen;		/* what its peak was above all that was seen */
	uint64_t refused;		/* requests */
	uint64_t max;			/* the last limit, or DMEM_UNKNOWN */
	uint64_t cap, reservation;	/* what to give it */
};

#define NEEDS_SET	4

/* Services that do not fit at their peaks, while any of them less would. */
struct needs_conflict {
	uint32_t service[NEEDS_SET];	/* of the region's array */
	size_t n;
	uint64_t sum;
};

/* Of one region, in bytes. */
struct needs_region {
	const struct model_region *region;
	bool cma;
	/* The area of every driver that has none of its own. */
	bool is_default;
	uint64_t time;			/* ms that somebody looked */
	size_t boots;
	size_t worst;			/* the boot that needed most */
	uint64_t worst_time;		/* ms since 1970 */
	uint64_t decided;		/* ms since that boot: with what was placed then, it needed most */
	/* The most that was in use in one look, of the quantile of boots and of all. */
	uint64_t together, together_most;
	/* Up to the end of the highest buffer; if those that came and went between two
	 * looks came first, and if they went first. Without CMA: @together. */
	uint64_t placed, placed_least;
	uint64_t unit;			/* the largest alignment */
	bool sizes_known;		/* buffer by buffer, for all boots */
	uint64_t unseen;		/* by all services, if at once */
	uint64_t all_peaks;		/* if all came at once */
	uint64_t unaccounted;		/* the most, in all of the above */
	uint64_t need;			/* placed and unseen */
	uint64_t size;			/* with headroom, in whole blocks */
	uint64_t block;			/* bytes */
	bool block_assumed;
	double reserved;		/* 1: reservations are what is usual */
	struct needs_service *service;	/* by peak, the largest first */
	size_t n;
	struct needs_conflict *conflict;
	size_t n_conflicts;
	bool more_conflicts;
};

/* Why a plan gives a region the size that it gives, or none. */
enum needs_reason {
	NEEDS_PLANNED,		/* what is needed, with headroom */
	NEEDS_KEPT,		/* less is needed, and nobody has asked for less: the capacity */
	NEEDS_FLOOR,		/* less is needed, but what is not recorded needs that much */
	NEEDS_NOT_SIZED,	/* all of the RAM, or of a device: nobody chooses its size */
};

struct needs_proposal {
	enum needs_reason reason;
	uint64_t size;		/* bytes to write into a device tree, or DMEM_UNKNOWN: none */
};

struct needs {
	struct dmem_arena arena;
	struct needs_region *region;
	size_t n;
};

/* The size that may be proposed for a region, and why. Every output that names a size to
 * configure takes it from here. The size is never below the region's capacity unless
 * @o->shrink is set, and never below needs_floor(). */
struct needs_proposal needs_propose(const struct needs_region *g, const struct needs_options *o);

/* Bytes, in whole blocks, below which the region must not be made, whatever was recorded:
 * the default area serves drivers that allocate seldom, and the kernel keeps no peak of
 * unaccounted memory. 0: there is no floor. Never above the capacity, where it is known. */
uint64_t needs_floor(const struct needs_region *g);

/* 0 or -ENOMEM. To be freed in both cases. */
int needs_find(struct needs *n, const struct model *m, const struct needs_options *o);
void needs_free(struct needs *n);

#endif
