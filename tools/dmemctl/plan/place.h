/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The needs of one boot: the places of its buffers, and the duration of charges. No I/O. */
#ifndef PLACE_H
#define PLACE_H

#include "holding.h"
#include "kernel_use.h"
#include "model.h"
#include "confidence.h"

/* One region, in bytes. */
struct place_region {
	uint32_t region;
	uint64_t together, time;	/* largest sum in a sample, and its time in ms since boot */
	/* End of the highest buffer, see struct needs_region. CMA areas only. */
	uint64_t placed, placed_least;
	uint64_t decided;		/* ms since boot: when the last byte was first needed */
	uint64_t unit;			/* largest alignment of a buffer */
	uint64_t largest_buffer;
	uint64_t unaccounted;		/* largest value */
	uint64_t capacity;		/* last capacity, or DMEM_UNKNOWN */
	struct confidence_runs runs;	/* times are ms since boot */
	struct confidence_use use;	/* of all consumers, in the whole boot */
	uint64_t others;		/* largest charge of cgroups that are not recorded */
	uint64_t refused;		/* requests */
	bool counted;			/* the kernel counts refused requests */
	struct kernel_use kernel;	/* memory without a charge, of this boot */
	bool charged;			/* a cgroup had a charge or a refused request */
};

/* One service in one region, in bytes. */
struct place_service {
	uint32_t service, region;
	struct confidence_use use;	/* while it had a charge */
	uint64_t most;			/* largest charge without its descendants */
	/* The size that most of its bytes had at one time, and the number of such buffers, or 0. */
	uint64_t buffer, buffers;
	struct holdings held;
};

#define PLACE_DAY_MS	86400000

/* One region in a part of the boot: a day of the wall clock. Buffers that exist when it starts keep
 * their places. In bytes. */
struct place_day {
	uint32_t region;
	uint64_t day;			/* days since 1970 */
	uint64_t placed;		/* as in struct place_region */
};

/* Requests of one service that found no place in an area with an end. */
struct place_refused {
	uint32_t service, region;	/* the service may be MODEL_OTHERS or MODEL_KERNEL */
	unsigned int order;		/* 0: new buffers came before others were freed; 1: after */
	uint64_t n;			/* requests */
	/* The first one: its time in ms since boot, its bytes, the bytes in the largest free run,
	 * and all free bytes. */
	uint64_t t, asked, run, free;
};

struct place_options {
	unsigned int align_order;	/* CONFIG_CMA_ALIGNMENT */
	/* By region: also place its buffers in an area of that many bytes, unless DMEM_UNKNOWN.
	 * NULL: in none. */
	const uint64_t *size;
};

struct place {
	struct place_region *region;
	size_t n_regions;
	struct place_service *service;
	size_t n_services;
	struct model_run *run;
	size_t n_runs;
	struct place_refused *refused;
	size_t n_refused;
	/* Days in which the region was in use. */
	struct place_day *day;
	size_t n_days;
	struct model_uptime *uptime;
	size_t n_uptimes;
	uint64_t time;			/* recorded ms */
};

/* 0 or a negative errno. Call place_free() in both cases. */
int place_boot(struct place *p, const struct model *m, size_t boot, const struct place_options *o);
void place_free(struct place *p);

/* True if the region is a CMA area. */
bool place_is_cma(const char *region);

#endif
