// SPDX-License-Identifier: GPL-2.0-or-later
/* Makes workloads from a seed. */
#include "load.h"

struct state {
	uint64_t random;
	size_t live[LOAD_OPS], n_live;	/* ops that made the existing buffers */
	uint64_t pages;
};

static uint64_t pick(struct state *s, uint64_t n)
{
	s->random = s->random * 6364136223846793005u + 1442695040888963407u;
	return (s->random >> 33) % n;
}

/* Typical sizes of cameras and displays: whole frames, and some odd sizes. */
static uint64_t pick_pages(struct state *s)
{
	static const uint64_t frames[] = { 1, 16, 75, 225, 256, 300, 507, 512, 760, 1013 };

	if (pick(s, 3))
		return frames[pick(s, sizeof(frames) / sizeof(*frames))];
	return 1 + pick(s, 600);
}

void load_make(struct load *l, uint64_t seed, uint64_t budget)
{
	struct state s = { .random = seed };

	pick(&s, 1);
	for (l->n = 0; l->n < LOAD_OPS; l->n++) {
		struct load_op *op = &l->op[l->n];
		uint64_t pages = pick_pages(&s);
		size_t at;

		if (s.n_live && (s.pages + pages > budget || pick(&s, 5) < 2)) {
			at = (size_t)pick(&s, s.n_live);
			*op = l->op[s.live[at]];
			op->free = true;
			s.pages -= op->pages;
			s.live[at] = s.live[--s.n_live];
			continue;
		}
		if (s.pages + pages > budget)
			pages = 1;
		*op = (struct load_op){ (unsigned int)pick(&s, LOAD_SERVICES), false, l->n, pages };
		s.live[s.n_live++] = l->n;
		s.pages += pages;
	}
}
