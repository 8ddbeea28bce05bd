/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calculates the need for memory from recorded samples. Does no I/O of its own. */
#ifndef NEEDS_H
#define NEEDS_H

#include "holdout.h"
#include "model.h"
#include "sets.h"
#include "trial.h"

struct needs_options {
	double headroom;		/* 0.1: ten per cent */
	double quantile;		/* 1: the largest value */
	uint64_t block;			/* bytes, or DMEM_UNKNOWN: as in the histories */
	unsigned int align_order;	/* CONFIG_CMA_ALIGNMENT */
	bool shrink;			/* allow sizes below the present one */
	const uint64_t *size;		/* of trials, see struct place_options */
	bool confidence;		/* print how certain the figures are */
	struct sets *sets;		/* reservations in whole sets, or NULL */
};

/* A recorded request that decided a reservation: the kernel would have refused it with a larger
 * one. */
struct reserve_cut {
	bool any;
	uint32_t service;		/* of the request, or MODEL_OTHERS, MODEL_KERNEL */
	uint64_t asked;			/* bytes. 0: no request, but a change without one */
	uint64_t time;			/* ms since 1970 */
	size_t boot;
};

/* Recorded requests that the plan would refuse, whatever is reserved. */
struct reserve_refused {
	uint64_t n;
	struct reserve_cut first;
};

/* The reservations of a region, as the kernel would apply them. */
struct reserve_plan {
	uint64_t size;			/* bytes for which they are calculated */
	bool in_sets;			/* whole sets in an order; else the same part of each */
	struct reserve_cut cut;		/* the request that decided the part, if less than all */
	struct reserve_refused limit, full;
};

/* One service in one region, in bytes. */
struct needs_service {
	uint32_t service;
	size_t runs;
	uint64_t peak;			/* of all its cgroups */
	uint64_t peak_quantile;		/* quantile of the peaks of its cgroups */
	uint64_t usual;			/* median over time */
	uint64_t unseen;		/* largest difference between a peak and its samples */
	uint64_t refused;		/* requests */
	uint64_t max, min;		/* the last limit and reservation, or DMEM_UNKNOWN */
	uint64_t buffer, buffers;	/* size and number of its most equal buffers, or 0 */
	uint64_t limit, reservation;	/* to set; @limit may be DMEM_UNKNOWN */
	uint64_t up;			/* ms with a cgroup in all boots, or DMEM_UNKNOWN */
	struct confidence_time use;	/* while it had a charge; near @peak */
	struct buffer_set set;			/* the buffers that it needs at the same time */
	uint32_t rank;			/* see sets_rank() */
	struct reserve_cut cut;		/* the reason for less than a whole set */
};

/* How certain the figures of a region are. */
struct needs_confidence {
	struct confidence_time use;	/* of all; near @together_most */
	size_t peak_boots;		/* boots that came near it */
	size_t machines;		/* that used the region */
	uint64_t runs, runs_equal;	/* compared free runs, and those without a difference */
	struct confidence_error less, more;	/* @run_smaller, @run_larger */
	struct holdout holdout;
};

/* Some of the services with equal peaks, which follow each other in the region's array. */
struct needs_part {
	size_t first, n;
	size_t count;			/* any @count of these @n services */
};

/* Services that do not fit at their peaks, but fit if any one of them is left out. */
struct needs_conflict {
	struct needs_part *part;
	size_t n;
	uint64_t sum;			/* sum of all peaks, in bytes */
};

#define NEEDS_CONFLICTS	8

/* All conflicts in a region of a given size. */
struct needs_conflicts {
	uint64_t size;			/* bytes, or DMEM_UNKNOWN: not calculated */
	struct needs_conflict conflict[NEEDS_CONFLICTS];
	size_t n;
	bool more;
	size_t any, most;		/* number that fits: any @any, or the @most smallest */
};

struct pairs_region;

/* One region, in bytes. */
struct needs_region {
	const struct model_region *region;
	bool cma;
	/* The default area, used by all drivers without an area of their own. */
	bool is_default;
	uint64_t time;			/* recorded time in ms */
	uint64_t samples;
	size_t boots;
	size_t worst;			/* boot with the largest need */
	/* @worst, or the first boot with charges or refusals in a cgroup, or SIZE_MAX */
	size_t charged;
	uint64_t worst_time;		/* ms since 1970, of the sample with the most charges */
	uint64_t decided;		/* ms since that boot, of the last buffer that counts */
	/* Most bytes in use in one sample: quantile of the boots, and maximum. */
	uint64_t together, together_most;
	/* End of the highest buffer: if new buffers came before others were freed between two
	 * samples, and if they came after. Without CMA: @together. */
	uint64_t placed, placed_least;
	uint64_t unit;			/* largest alignment of a buffer */
	bool sizes_known;		/* all buffers were recorded in all boots */
	/* Largest difference between a measured free run and the calculated one, in both
	 * directions. */
	uint64_t run_smaller, run_larger;
	bool measured;
	uint64_t sufficed;		/* a capacity < @placed without refusals, or 0 */
	uint64_t unseen;		/* sum of all services' unseen peaks */
	uint64_t all_peaks;		/* sum of all peaks, with slices' own and others' charges */
	uint64_t unaccounted;		/* largest value; included in the figures above */
	uint64_t need;			/* @placed and @unseen */
	uint64_t size;			/* need with headroom, in whole blocks */
	uint64_t block, page;		/* the largest of all boots */
	bool block_assumed;
	double reserved;		/* part of the usual use that is reserved; 1: all */
	struct needs_service *service;	/* sorted by peak, the largest first */
	size_t n;
	/* Slices, and other cgroups with recorded cgroups in them. Their figures include these, and
	 * @limit and @reservation are not set. */
	struct needs_service *above;
	size_t n_above;
	uint64_t largest_buffer;	/* bytes; an estimate unless @sizes_known */
	/* For the planned size, or for the capacity if the size cannot be chosen. */
	struct needs_conflicts conflicts;
	struct needs_conflicts existing;	/* for the capacity, if that is different */
	struct trial trial;
	struct pairs_region *pairs;	/* or NULL: not asked for */
	struct needs_confidence confidence;
	struct reserve_plan reserve;
	struct kernel_use kernel;	/* memory without a charge, of all boots */
};

/* The reason for a proposed size. */
enum needs_reason {
	NEEDS_PLANNED,		/* the need with headroom */
	NEEDS_KEPT,		/* the capacity: the need is smaller, and --shrink was not given */
	NEEDS_FLOOR,		/* larger than the need, since unrecorded use is possible */
	NEEDS_NOT_SIZED,	/* no size to choose: system memory, or memory of a device */
};

struct needs_proposal {
	enum needs_reason reason;
	uint64_t size;		/* bytes for the device tree, or DMEM_UNKNOWN: none */
};

struct needs {
	struct dmem_arena arena;
	struct needs_region *region;
	size_t n;
};

/* The size to propose for a region, and the reason. All outputs take their sizes from here. The
 * size is below the region's capacity only with @o->shrink, and never below needs_floor(). */
struct needs_proposal needs_propose(const struct needs_region *g, const struct needs_options *o);

/* The smallest size of a region, in bytes and whole blocks, whatever was recorded: rarely used
 * drivers allocate from the default area, and the kernel has no peak of unaccounted memory. 0: no
 * floor. Never above a known capacity. */
uint64_t needs_floor(const struct needs_region *g);

/* True if the recording is long enough to make the region smaller. */
bool needs_is_enough(const struct needs_region *g);

/* Saturates: figures of a history may have any value. */
uint64_t needs_sum(uint64_t a, uint64_t b);

/* The size for a need, with a headroom, in whole blocks. In bytes. */
uint64_t needs_size(uint64_t need, double headroom, uint64_t block);

/* Of @n sorted values, the index of the smallest one that is not less than a part @q of all. */
size_t needs_quantile_at(size_t n, double q);

/* Finds the sets of services that do not fit in c->size bytes. 0 or -ENOMEM. */
int needs_find_conflicts(struct dmem_arena *a, const struct needs_region *g,
			 struct needs_conflicts *c);

/* Calculates the reservations of services in all regions. 0 or a negative errno. */
int needs_reserve(struct needs *n, const struct model *m, const struct needs_options *o);

/* 0 or a negative errno. Release the needs in both cases. */
int needs_find(struct needs *n, const struct model *m, const struct needs_options *o);
void needs_free(struct needs *n);

#endif
