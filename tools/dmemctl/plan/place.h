/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The needs of one boot: the places of its buffers, and the duration of charges. No I/O. */
#ifndef PLACE_H
#define PLACE_H

#include "model.h"
#include "tally.h"

/* One region, in bytes. */
struct place_region {
	uint32_t region;
	uint64_t together, time;	/* largest sum in a sample, and its time in ms since boot */
	/* End of the highest buffer, see struct needs_region. CMA areas only. */
	uint64_t placed, placed_least;
	uint64_t decided;		/* ms since boot: when the last byte was first needed */
	uint64_t unit;			/* largest alignment of a buffer */
	uint64_t unaccounted;		/* largest value */
	uint64_t capacity;		/* last capacity, or DMEM_UNKNOWN */
	/* Largest difference between a measured free run and the calculated one, in both
	 * directions. */
	uint64_t run_smaller, run_larger;
	bool measured;
	uint64_t others;		/* largest charge of cgroups that are not recorded */
	uint64_t refused;		/* requests */
	bool counted;			/* the kernel counts refused requests */
	bool charged;			/* a cgroup had a charge or a refused request */
};

/* One service in one region, in bytes. */
struct place_service {
	uint32_t service, region;
	struct tally usual;		/* ms by charge */
	uint64_t most;			/* largest charge without its descendants */
	/* The size that most of its bytes had at one time, and the number of such buffers, or 0. */
	uint64_t buffer, buffers;
};

struct place {
	struct place_region *region;
	size_t n_regions;
	struct place_service *service;
	size_t n_services;
	struct model_run *run;
	size_t n_runs;
	uint64_t time;			/* recorded ms */
};

/* @align_order: CONFIG_CMA_ALIGNMENT. 0 or a negative errno. Call place_end() in both cases. */
int place_boot(struct place *p, const struct model *m, size_t boot, unsigned int align_order);
void place_free(struct place *p);

/* True if the region is a CMA area. */
bool place_is_cma(const char *region);

#endif
