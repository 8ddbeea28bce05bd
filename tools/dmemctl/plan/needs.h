/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what happened to what is needed. Does no I/O of its own. */
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
	uint64_t unseen;		/* how far its peak was above all samples */
	uint64_t refused;		/* requests */
	uint64_t max;			/* the last limit, or DMEM_UNKNOWN */
	uint64_t buffer, buffers;	/* the size that most of its memory had, in so many, or 0 */
	uint64_t cap, reservation;	/* the limit (or DMEM_UNKNOWN) and the reservation to give it */
};

/* So many of services with equal peaks, which stand together in the region's array. */
struct needs_part {
	size_t first, n;
	size_t count;			/* any of these @n */
};

/* Services that do not fit at their peaks, while any of them less would. */
struct needs_conflict {
	struct needs_part *part;
	size_t n;
	uint64_t sum;			/* bytes, of all peaks */
};

#define NEEDS_CONFLICTS	8

/* In a region of some size. */
struct needs_conflicts {
	uint64_t size;			/* bytes, or DMEM_UNKNOWN: not searched */
	struct needs_conflict conflict[NEEDS_CONFLICTS];
	size_t n;
	bool more;
	size_t any, most;		/* services that fit: the largest ones, and the smallest */
};

/* Of one region, in bytes. */
struct needs_region {
	const struct model_region *region;
	bool cma;
	/* The area of every driver that has none of its own. */
	bool is_default;
	uint64_t time;			/* ms that were recorded */
	uint64_t samples;
	size_t boots;
	size_t worst;			/* the boot that needed most */
	/* That one, or the first one in which a cgroup was charged or refused, or SIZE_MAX. */
	size_t charged;
	uint64_t worst_time;		/* ms since 1970, of the most in a sample */
	uint64_t decided;		/* ms since that boot: with what was placed then, it needed most */
	/* The most that was in use in one sample: of the quantile of boots, and of all. */
	uint64_t together, together_most;
	/* Up to the end of the highest buffer; if those that came and went between two
	 * samples came first, and if they went first. Without CMA: @together. */
	uint64_t placed, placed_least;
	uint64_t unit;			/* the largest alignment */
	bool sizes_known;		/* buffer by buffer, for all boots */
	/* By how much the largest free run was smaller, or larger, than the placing says, at
	 * most, whenever it was measured. */
	uint64_t run_smaller, run_larger;
	bool measured;
	uint64_t sufficed;		/* a capacity below @placed in which nothing was refused, or 0 */
	uint64_t unseen;		/* by all services, if at once */
	uint64_t all_peaks;		/* if all came at once, with slices' own and others */
	uint64_t unaccounted;		/* the most, in all of the above */
	uint64_t need;			/* placed and unseen */
	uint64_t size;			/* with headroom, in whole blocks */
	uint64_t block, page;		/* the largest of all boots */
	bool block_assumed;
	double reserved;		/* 1: reservations are what is usual */
	struct needs_service *service;	/* by peak, the largest first */
	size_t n;
	/* In the size that is planned, or in the capacity, if there is no size to choose. */
	struct needs_conflicts conflicts;
	struct needs_conflicts existing;	/* in the capacity, if that is another one */
};

/* Why a plan gives a region the size that it gives, or none. */
enum needs_reason {
	NEEDS_PLANNED,		/* what is needed, with headroom */
	NEEDS_KEPT,		/* less is needed, without --shrink: the capacity */
	NEEDS_FLOOR,		/* less is needed, but use that is not recorded may need it */
	NEEDS_NOT_SIZED,	/* all of the RAM, or of a device: there is no choice */
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

/* Was enough recorded to make the region smaller? */
bool needs_is_enough(const struct needs_region *g);

/* Finds which services do not fit in c->size bytes. 0 or -ENOMEM. */
int needs_find_conflicts(struct dmem_arena *a, const struct needs_region *g,
			 struct needs_conflicts *c);

/* The reservations of all regions' services. 0 or a negative errno. */
int needs_reserve(struct needs *n, const struct model *m);

/* 0 or a negative errno. To be freed in both cases. */
int needs_find(struct needs *n, const struct model *m, const struct needs_options *o);
void needs_free(struct needs *n);

#endif
