/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests a plan with its own histories: plans each region from all parts of the recording but one,
 * and compares the size with the need of that part. Parts are boots or, if a region was used in
 * fewer than CONFIDENCE_PARTS of them, days of the wall clock. No I/O.
 */
#ifndef HOLDOUT_H
#define HOLDOUT_H

#include "place.h"

enum holdout_by { HOLDOUT_BOOTS, HOLDOUT_DAYS, HOLDOUT_KINDS };

/* One region, in bytes. */
struct holdout {
	enum holdout_by by;
	size_t parts;			/* parts in which the region was in use */
	bool tested;			/* false: there are too few parts for the rest */
	size_t too_small;		/* parts that need more than the size from the others */
	uint64_t short_most;		/* the largest lack of these */
	uint64_t over_median;		/* median excess of the other parts; 0 if there are none */
};

/* A part of the recording in which a region was in use. */
struct holdout_part {
	uint64_t placed;
	uint64_t unseen;		/* sum of all services' peaks between samples */
	uint64_t less;			/* by which that sum of all parts is less without this one */
};

/* The parts of one region. */
struct holdout_parts {
	struct holdout_part *part;
	size_t n;
	uint64_t unseen;		/* sum of all services' peaks between samples, of all parts */
};

/* Largest difference between the peak of a service and its samples, in all parts. */
struct holdout_unseen {
	uint32_t region;
	enum holdout_by by;
	size_t part;			/* index of the part with @most, or SIZE_MAX: not in use */
	uint64_t most, second;		/* @second: without that part */
};

/* All boots so far. All zero except @n_regions is empty. */
struct holdouts {
	size_t n_regions;
	struct dmem_arena arena;
	struct holdout_parts *parts;	/* by region and enum holdout_by */
	struct holdout_unseen *unseen;
	size_t n_unseen;
	/* By region and boot or day, by service and region, and by the indices of both. */
	struct dmem_map part_of, unseen_of, both;
};

struct holdout_options {
	double headroom, quantile;	/* as in struct needs_options */
	uint64_t block;			/* bytes */
};

/* 0 or -ENOMEM. */
int holdouts_add(struct holdouts *h, const struct model *m, size_t boot, const struct place *p);

/* Call it after the last holdouts_add(). */
void holdouts_sum_up(struct holdouts *h);

/* Tests one region. 0 or -ENOMEM. */
int holdouts_find(const struct holdouts *h, uint32_t region, const struct holdout_options *o,
		  struct holdout *result);

void holdouts_free(struct holdouts *h);

#endif
