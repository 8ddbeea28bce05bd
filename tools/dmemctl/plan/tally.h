/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often, or how long, which values were seen. Needs no more memory, however many are
 * added: with more than TALLY_VALUES different ones, they are counted in coarser steps.
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
	struct tally_value *value;	/* by @v, the least first */
	size_t n, room;
	unsigned int shift;		/* values are multiples of 2^shift */
	bool up;			/* rounded up to them; not set: down */
	uint64_t weight;		/* of all */
	uint64_t most;			/* the largest value, even one without a weight */
};

/* 0 or -ENOMEM. */
int tally_add(struct tally *t, uint64_t v, uint64_t weight);

/* Adds all of @from, which stays. 0 or -ENOMEM. */
int tally_merge(struct tally *t, const struct tally *from);

/* The least value that is not less than the part @q of all. 0: there is none. */
uint64_t tally_quantile(const struct tally *t, double q);

/* The largest value for which half of all has as much or more. The largest value, where none
 * has a weight; 0: there is none. */
uint64_t tally_median(const struct tally *t);

void tally_free(struct tally *t);

#endif
