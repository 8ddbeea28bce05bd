/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of states in the order of their discovery, for a breadth-first search. Each state has the
 * way by which it was found, so the first way to a state is a shortest one.
 */
#ifndef MODEL_EXPLORE_H
#define MODEL_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPLORE_START	UINT32_MAX	/* @from of a first state */

struct explore {
	size_t size;			/* of a state */
	uint32_t n;			/* states found */
	unsigned char *states;
	uint32_t *from;			/* the state before it */
	uint32_t *by;			/* the operation between them */
	double *ways;			/* number of ways to reach it */
	uint32_t room, slots, *slot;	/* hash table, open addressing */
};

void explore_begin(struct explore *e, size_t size);
void explore_end(struct explore *e);

/* Empties the set for another search, and keeps the memory. */
void explore_clear(struct explore *e);

const void *explore_state(const struct explore *e, uint32_t i);

/* Adds a state and returns its number. Adds ways[from] to its number of ways. */
uint32_t explore_add(struct explore *e, const void *state, uint32_t from,
		     uint32_t by);

/* Prints the way to a state: calls say() for each @by. */
void explore_print_way(const struct explore *e, uint32_t i,
		       void (*say)(const void *before, uint32_t by,
				   const void *after));

#endif
