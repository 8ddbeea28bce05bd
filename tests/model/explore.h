/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of states in the order in which they were found, with the way to each:
 * what a breadth-first search needs. So the first way to a state is a shortest.
 */
#ifndef MODEL_EXPLORE_H
#define MODEL_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPLORE_START	UINT32_MAX	/* "from" of a first state */

struct explore {
	size_t size;			/* of a state */
	uint32_t n;			/* states found */
	unsigned char *states;
	uint32_t *from;			/* the state that it was reached from */
	uint32_t *by;			/* and by what */
	double *ways;			/* in how many ways it can be reached */
	uint32_t room, slots, *slot;	/* hash table, open addressing */
};

void explore_begin(struct explore *e, size_t size);
void explore_end(struct explore *e);

/* For another search, with the same memory. */
void explore_clear(struct explore *e);

const void *explore_state(const struct explore *e, uint32_t i);

/* The number of the state; it has ways[from] more ways than it had. */
uint32_t explore_add(struct explore *e, const void *state, uint32_t from,
		     uint32_t by);

/* Prints the way to a state, one call of say() for each "by". */
void explore_print_way(const struct explore *e, uint32_t i,
		       void (*say)(const void *before, uint32_t by,
				   const void *after));

#endif
