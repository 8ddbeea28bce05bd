/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one boot needed: where its buffers were, and how long who had how much. No I/O. */
#ifndef PLACE_H
#define PLACE_H

#include "model.h"
#include "tally.h"

/* Of one region, in bytes. */
struct place_region {
	uint32_t region;
	uint64_t together, time;	/* the most in a sample, and its ms since boot */
	/* Up to the end of the highest buffer, as in struct needs_region. Of a CMA area. */
	uint64_t placed, placed_least;
	uint64_t decided;		/* ms since boot: when the last byte was first needed */
	uint64_t unit;			/* the largest alignment */
	uint64_t unaccounted;		/* the most */
	uint64_t capacity;		/* the last one, or DMEM_UNKNOWN */
	/* By how much the largest free run was smaller, or larger, than that of the buffers as
	 * they are placed here, at most, whenever it was measured. */
	uint64_t run_smaller, run_larger;
	bool measured;
	uint64_t others;		/* the most of cgroups that are not recorded */
	uint64_t refused;		/* requests */
	bool counted;			/* the kernel counts these */
	bool charged;			/* any cgroup was charged, or refused */
};

/* Of one service in one region, in bytes. */
struct place_service {
	uint32_t service, region;
	struct tally usual;		/* ms that it had so much */
	uint64_t most;			/* without those below it */
	/* The size of which it had most bytes at once, and in how many buffers; or 0. */
	uint64_t buffer, buffers;
};

struct place {
	struct place_region *region;
	size_t n_regions;
	struct place_service *service;
	size_t n_services;
	struct model_run *run;
	size_t n_runs;
	uint64_t time;			/* ms that were recorded */
};

/* @align_order: CONFIG_CMA_ALIGNMENT. 0 or a negative errno. To be freed in both cases. */
int place_boot(struct place *p, const struct model *m, size_t boot, unsigned int align_order);
void place_free(struct place *p);

/* Is the region an area of CMA? */
bool place_is_cma(const char *region);

#endif
