// SPDX-License-Identifier: GPL-2.0-or-later
/* A set of states, see explore.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"

#define FREE_SLOT	UINT32_MAX
#define FIRST_ROOM	1024

static void *resize(void *p, size_t n, size_t size)
{
	p = realloc(p, n * size);
	if (!p) {
		perror("model");
		exit(2);
	}
	return p;
}

static uint64_t hash(const unsigned char *state, size_t size)
{
	uint64_t h = 0xcbf29ce484222325ULL, word;

	for (; size >= sizeof(word); size -= sizeof(word), state += sizeof(word)) {
		memcpy(&word, state, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
	}
	for (; size; size--, state++)
		h = (h ^ *state) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

/* The slot of the state, or the free one for it. */
static uint32_t find_slot(const struct explore *e, const void *state)
{
	uint32_t i = hash(state, e->size) & (e->slots - 1);

	while (e->slot[i] != FREE_SLOT &&
	       memcmp(explore_state(e, e->slot[i]), state, e->size))
		i = (i + 1) & (e->slots - 1);
	return i;
}

static void grow(struct explore *e, uint32_t room)
{
	uint32_t i;

	e->room = room;
	e->slots = 2 * room;
	e->states = resize(e->states, room, e->size);
	e->from = resize(e->from, room, sizeof(*e->from));
	e->by = resize(e->by, room, sizeof(*e->by));
	e->ways = resize(e->ways, room, sizeof(*e->ways));
	e->slot = resize(e->slot, e->slots, sizeof(*e->slot));
	memset(e->slot, 0xff, e->slots * sizeof(*e->slot));
	for (i = 0; i < e->n; i++)
		e->slot[find_slot(e, explore_state(e, i))] = i;
}

void explore_begin(struct explore *e, size_t size)
{
	memset(e, 0, sizeof(*e));
	e->size = size;
	grow(e, FIRST_ROOM);
}

void explore_end(struct explore *e)
{
	free(e->states);
	free(e->from);
	free(e->by);
	free(e->ways);
	free(e->slot);
}

void explore_clear(struct explore *e)
{
	uint32_t i;

	/* Clears the table as a whole, or slot by slot if that is less work. */
	if (e->n > e->slots / 8) {
		memset(e->slot, 0xff, e->slots * sizeof(*e->slot));
	} else {
		for (i = e->n; i--;)
			e->slot[find_slot(e, explore_state(e, i))] = FREE_SLOT;
	}
	e->n = 0;
}

const void *explore_state(const struct explore *e, uint32_t i)
{
	return e->states + i * e->size;
}

uint32_t explore_add(struct explore *e, const void *state, uint32_t from,
		     uint32_t by)
{
	double ways = from == EXPLORE_START ? 1 : e->ways[from];
	uint32_t i = find_slot(e, state);

	if (e->slot[i] != FREE_SLOT) {
		e->ways[e->slot[i]] += ways;
		return e->slot[i];
	}
	if (e->n == e->room) {
		grow(e, 2 * e->room);
		i = find_slot(e, state);
	}
	e->slot[i] = e->n;
	memcpy(e->states + e->n * e->size, state, e->size);
	e->from[e->n] = from;
	e->by[e->n] = by;
	e->ways[e->n] = ways;
	return e->n++;
}

void explore_print_way(const struct explore *e, uint32_t i,
		       void (*say)(const void *before, uint32_t by,
				   const void *after))
{
	if (e->from[i] == EXPLORE_START)
		return;
	explore_print_way(e, e->from[i], say);
	say(explore_state(e, e->from[i]), e->by[i], explore_state(e, i));
}
