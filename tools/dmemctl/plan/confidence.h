/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How certain the figures of a plan are: use over time, the duration of peaks, and the difference
 * between the model and the measured free memory. No I/O.
 */
#ifndef CONFIDENCE_H
#define CONFIDENCE_H

#include "tally.h"

/* Fewer boots or days cannot be compared with each other. */
#define CONFIDENCE_PARTS	3

/* A charge lasts for seconds to minutes, so samples of one minute are not independent: recorded
 * time counts as parts of this length, in ms. */
#define CONFIDENCE_PART_MS	60000

/* The number of independent observations that a percentile needs. If something was never seen in n
 * of them, it is with a certainty of 95 % rarer than 3/n ("rule of three"). So the part above the
 * percentile must be at least 3/n: n is 6 for 500 permille, 60 for 950, 300 for 990. */
uint64_t confidence_needed(unsigned int permille);

/* With a certainty of 95 %, the part of the time that has more than the largest use that was seen in
 * @time ms is smaller than this. 1: the time is too short. */
double confidence_rarer_than(uint64_t time);

/* The use of memory in one region over time. All zero is empty. */
struct confidence_use {
	struct tally ms;	/* ms by bytes */
	/* By bytes: number of rises from there, less those to there. */
	struct tally rises;
};

/* Notes that the use rises, or does nothing if it does not. 0 or -ENOMEM. */
int confidence_rise(struct confidence_use *u, uint64_t from, uint64_t to);
/* Adds all of @from, which is not changed. 0 or -ENOMEM. */
int confidence_merge(struct confidence_use *u, const struct confidence_use *from);
void confidence_free(struct confidence_use *u);

/* The least use that belongs to a peak: at most 1 % below it. */
uint64_t confidence_near(uint64_t peak);

/* The result, in bytes and ms. Percentiles are DMEM_UNKNOWN if the time is too short. */
struct confidence_time {
	uint64_t time;			/* all of it */
	uint64_t charged;		/* with any use */
	uint64_t p50, p95, p99;		/* of @time */
	uint64_t peak_ms;		/* near the peak */
	uint64_t peak_times;		/* how often the use rose to there */
};

struct confidence_time confidence_time(const struct confidence_use *u, uint64_t peak);

/* Differences in one direction between a measured free run and the calculated one, in bytes. */
struct confidence_side {
	struct tally by;		/* number by difference; @by.most is the largest one */
	uint64_t time;			/* of the largest one: ms since boot, or since 1970 */
};

/* All zero is empty. */
struct confidence_runs {
	uint64_t n, equal;		/* comparisons, and those without a difference */
	struct confidence_side less, more;	/* less (more) was free than calculated */
};

/* Notes a comparison of the @measured run with the calculated ones, from @low to @high. 0 or
 * -ENOMEM. */
int confidence_compare(struct confidence_runs *r, uint64_t time, uint64_t measured, uint64_t low,
		       uint64_t high);

/* Adds @from: the times of its largest differences are @less and @more. 0 or -ENOMEM. */
int confidence_merge_runs(struct confidence_runs *r, const struct confidence_runs *from,
			  uint64_t less, uint64_t more);
void confidence_free_runs(struct confidence_runs *r);

/* One direction, in bytes. Percentiles of all @n differences; DMEM_UNKNOWN: these are too few. */
struct confidence_error {
	uint64_t n, p50, p95, max;
	uint64_t time;			/* ms since 1970, of the largest one */
};

struct confidence_error confidence_error(const struct confidence_side *s);

#endif
