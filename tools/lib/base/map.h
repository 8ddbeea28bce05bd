/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table from two numbers to one. hsearch_r(3) has strings as keys only, a fixed size and no
 * removal; tsearch(3) allocates each node and compares through a function, which is ten times
 * slower for the buffers and runs of a long history.
 */
#ifndef DMEM_MAP_H
#define DMEM_MAP_H

#include <stddef.h>
#include <stdint.h>

struct dmem_map_slot {
	uint64_t a, b;		/* the key */
	uint64_t v;		/* 0: the slot is empty */
};

/* All zero is an empty map. The elements are the entries of slot[0] to slot[room - 1] with @v != 0,
 * in no defined order. */
struct dmem_map {
	struct dmem_map_slot *slot;
	size_t n, room;
};

/* Returns the value, or 0. */
uint64_t dmem_map_get(const struct dmem_map *m, uint64_t a, uint64_t b);

/* Adds or replaces an element; @v must not be 0. 0 or -ENOMEM. */
int dmem_map_put(struct dmem_map *m, uint64_t a, uint64_t b, uint64_t v);

/* Removes an element. Returns its value, or 0. */
uint64_t dmem_map_take(struct dmem_map *m, uint64_t a, uint64_t b);

/* Returns a hash of the text for use as a key. Two texts may have the same hash. */
uint64_t dmem_map_text(const char *s, size_t len);

/* Frees the memory: the map is empty afterwards. */
void dmem_map_free(struct dmem_map *m);

#endif
