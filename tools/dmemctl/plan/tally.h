/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts values, or sums their durations. Memory is bounded: with more than TALLY_VALUES different
 * values, they are rounded to coarser steps.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TALLY_VALUES	1024

struct tally_value {
	uint64_t v, weight;
};

/* All zero is empty. */
struct tally {
	struct tally_value *value;	/* sorted by @v, the smallest first */
	size_t n, room;
	unsigned int shift;		/* values are multiples of 2^shift */
	bool up;			/* rounded up; false: rounded down */
	uint64_t weight;		/* sum of all weights */
	uint64_t most;			/* the largest value, also one without a weight */
};

/* 0 or -ENOMEM. */
int tally_add(struct tally *t, uint64_t v, uint64_t weight);

/* Adds all values of @from, which is not changed. 0 or -ENOMEM. */
int tally_merge(struct tally *t, const struct tally *from);

/* The smallest value that is not less than the part @q of all. 0: there is no value. */
uint64_t tally_quantile(const struct tally *t, double q);

/* The largest value such that 1000 - @permille of a thousand are as large or larger; with 500, the
 * median. If no value has a weight, the largest one. 0: there is no value. */
uint64_t tally_percentile(const struct tally *t, unsigned int permille);

/* Sum of the weights of all values up to @v. */
uint64_t tally_up_to(const struct tally *t, uint64_t v);

void tally_free(struct tally *t);

#endif
