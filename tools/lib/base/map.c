// SPDX-License-Identifier: GPL-2.0-or-later
/* Open addressing with linear probing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"

/* The finalizer of splitmix64: each input bit changes half of the output bits. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static size_t map_home(const struct dmem_map *m, uint64_t a, uint64_t b)
{
	return (size_t)mix(a + mix(b + UINT64_C(0x9e3779b97f4a7c15))) & (m->room - 1);
}

/* The slot of the key, or the empty slot for it. */
static struct dmem_map_slot *map_slot(const struct dmem_map *m, uint64_t a, uint64_t b)
{
	size_t at = map_home(m, a, b);

	while (m->slot[at].v && (m->slot[at].a != a || m->slot[at].b != b))
		at = (at + 1) & (m->room - 1);
	return &m->slot[at];
}

uint64_t dmem_map_get(const struct dmem_map *m, uint64_t a, uint64_t b)
{
	return m->n ? map_slot(m, a, b)->v : 0;
}

static int map_grow(struct dmem_map *m)
{
	struct dmem_map more = { .n = m->n, .room = m->room ? 2 * m->room : 16 };

	more.slot = calloc(more.room, sizeof(*more.slot));
	if (!more.slot)
		return -ENOMEM;
	for (size_t i = 0; i < m->room; i++) {
		if (m->slot[i].v)
			*map_slot(&more, m->slot[i].a, m->slot[i].b) = m->slot[i];
	}
	free(m->slot);
	*m = more;
	return 0;
}

int dmem_map_put(struct dmem_map *m, uint64_t a, uint64_t b, uint64_t v)
{
	struct dmem_map_slot *s;

	if (4 * (m->n + 1) > 3 * m->room && map_grow(m))
		return -ENOMEM;
	s = map_slot(m, a, b);
	m->n += !s->v;
	*s = (struct dmem_map_slot){ a, b, v };
	return 0;
}

uint64_t dmem_map_take(struct dmem_map *m, uint64_t a, uint64_t b)
{
	struct dmem_map_slot *s;
	size_t hole, at;
	uint64_t v;

	if (!m->n)
		return 0;
	s = map_slot(m, a, b);
	v = s->v;
	if (!v)
		return 0;
	m->n--;
	/* Moves later elements of the chain closer to their home slots. */
	hole = at = (size_t)(s - m->slot);
	for (;;) {
		size_t home;

		m->slot[hole].v = 0;
		do {
			at = (at + 1) & (m->room - 1);
			if (!m->slot[at].v)
				return v;
			home = map_home(m, m->slot[at].a, m->slot[at].b);
		} while (((at - home) & (m->room - 1)) < ((at - hole) & (m->room - 1)));
		m->slot[hole] = m->slot[at];
		hole = at;
	}
}

uint64_t dmem_map_text(const char *s, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * UINT64_C(0x100000001b3);
	return mix(h);
}

void dmem_map_free(struct dmem_map *m)
{
	free(m->slot);
	*m = (struct dmem_map){ 0 };
}
