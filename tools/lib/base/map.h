/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table from two numbers to one. hsearch_r(3) has strings as keys only, a size that
 * is fixed and no removal; tsearch(3) allocates each node and compares through a function,
 * which is ten times slower for the buffers and runs of a long history.
 */
#ifndef DMEM_MAP_H
#define DMEM_MAP_H

#include <stddef.h>
#include <stdint.h>

struct dmem_map_slot {
	uint64_t a, b;		/* the key */
	uint64_t v;		/* 0: there is none */
};

/* All zero is empty. Each @v that is not 0 in slot[0] to slot[room - 1] is an element, in
 * no order. */
struct dmem_map {
	struct dmem_map_slot *slot;
	size_t n, room;
};

/* The value, or 0. */
uint64_t dmem_map_get(const struct dmem_map *m, uint64_t a, uint64_t b);

/* Adds or replaces; @v is not 0. 0 or -ENOMEM. */
int dmem_map_put(struct dmem_map *m, uint64_t a, uint64_t b, uint64_t v);

/* Removes it. Returns what it was, or 0. */
uint64_t dmem_map_take(struct dmem_map *m, uint64_t a, uint64_t b);

/* A number for the text, for a key. Texts that differ may have the same one. */
uint64_t dmem_map_text(const char *s, size_t len);

/* Empty again. */
void dmem_map_free(struct dmem_map *m);

#endif
