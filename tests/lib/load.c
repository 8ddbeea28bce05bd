// SPDX-License-Identifier: GPL-2.0-or-later
/* Makes workloads from a seed. */
#include "load.h"

struct state {
	uint64_t random;
	size_t live[LOAD_OPS], n_live;	/* ops that made the existing buffers */
	uint64_t pages, in_region[LOAD_REGIONS];
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
		*op = (struct load_op){
			.service = (unsigned int)pick(&s, LOAD_SERVICES), .buffer = l->n, .pages = pages,
		};
		s.live[s.n_live++] = l->n;
		s.pages += pages;
	}
}

/* ---- shapes ---- */

void load_shape(struct load_shape *s, size_t n, uint64_t page)
{
	unsigned int regions = 1 + (unsigned int)n % LOAD_REGIONS;

	*s = (struct load_shape){
		.services = 1 + (unsigned int)n * 5 % LOAD_MOST_SERVICES, .regions = regions,
		.sizes = (enum load_sizes)(n % LOAD_SIZES),
		.budget = regions == 1 ? 5500 : 4200, .per_page = page / 4096,
		.burst = 8 + (unsigned int)n % 7,
	};
	s->budget /= s->per_page;
}

static uint64_t pick_size(struct state *s, enum load_sizes sizes)
{
	switch (sizes) {
	case LOAD_FRAMES:
		return pick_pages(s);
	case LOAD_ODD:
		return 1 + pick(s, 600);
	case LOAD_SMALL:
		return 1 + pick(s, 24);
	case LOAD_LARGE:
		return 256 * (1 + pick(s, 6)) + (pick(s, 2) ? pick(s, 256) : 0);
	default:
		return pick_size(s, (enum load_sizes)pick(s, LOAD_MIXED));
	}
}

static void add_free(struct load *l, struct state *s, size_t at)
{
	struct load_op *op = &l->op[l->n++];

	*op = l->op[s->live[at]];
	op->free = true;
	s->in_region[op->region] -= op->pages;
	s->live[at] = s->live[--s->n_live];
}

/* A service often allocates buffers of one size together, and frees them together. */
static void add_frees(struct load *l, struct state *s, uint64_t n)
{
	uint32_t service = l->op[s->live[pick(s, s->n_live)]].service;
	bool any = pick(s, 2);

	for (size_t at = (size_t)pick(s, s->n_live); n && s->n_live && l->n < LOAD_OPS; n--) {
		size_t tries = s->n_live;

		while (!any && tries-- && l->op[s->live[at % s->n_live]].service != service)
			at++;
		add_free(l, s, at % s->n_live);
	}
}

static void add_allocs(struct load *l, struct state *s, const struct load_shape *shape, uint64_t n)
{
	unsigned int service = (unsigned int)pick(s, shape->services);
	uint64_t pages = pick_size(s, shape->sizes);
	bool alike = pick(s, 2);

	for (; n && l->n < LOAD_OPS; n--) {
		struct load_op op = {
			.service = service, .buffer = l->n,
			.region = (unsigned int)pick(s, shape->regions),
		};

		op.pages = (pages + shape->per_page - 1) / shape->per_page;
		if (s->in_region[op.region] + op.pages > shape->budget)
			return;
		s->in_region[op.region] += op.pages;
		s->live[s->n_live++] = l->n;
		l->op[l->n++] = op;
		if (alike)
			continue;
		service = (unsigned int)pick(s, shape->services);
		pages = pick_size(s, shape->sizes);
	}
}

void load_make_shape(struct load *l, uint64_t seed, const struct load_shape *shape)
{
	struct state s = { .random = seed };

	pick(&s, 1);
	l->n = 0;
	while (l->n < LOAD_OPS) {
		size_t had = l->n;

		/* Nothing is freed in the first third, so that the regions become full. */
		if (l->n < LOAD_OPS / 3 || pick(&s, 5) < 3)
			add_allocs(l, &s, shape, 1 + pick(&s, shape->burst));
		if (l->n == had && s.n_live)
			add_frees(l, &s, 1 + pick(&s, shape->burst));
	}
}

/* ---- figures of a load ---- */

size_t load_same_kind(const struct load *l, size_t i)
{
	size_t first = i;

	while (first < l->n && !l->op[first].pages)
		first++;
	for (i = first; i < l->n; i++) {
		if (l->op[i].pages && l->op[i].free != l->op[first].free)
			break;
	}
	return i;
}

uint64_t load_peak(const struct load *l, unsigned int region, uint32_t service)
{
	uint64_t now = 0, most = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct load_op *op = &l->op[i];

		if (op->region != region || (service != LOAD_ALL && op->service != service))
			continue;
		now = op->free ? now - op->pages : now + op->pages;
		most = now > most ? now : most;
	}
	return most;
}

/* ---- changes ---- */

void load_scale(struct load *l, unsigned int service, uint64_t by)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->op[i].service == service)
			l->op[i].pages = (l->op[i].pages * by + 1) / 2;
	}
}

void load_leave_out(struct load *l, unsigned int service)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->op[i].service == service)
			l->op[i].pages = 0;
	}
}

void load_keep_region(struct load *l, unsigned int region)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->op[i].region != region)
			l->op[i].pages = 0;
	}
}

void load_move(struct load *l, unsigned int from, unsigned int to, uint32_t service)
{
	for (size_t i = 0; i < l->n; i++) {
		struct load_op *op = &l->op[i];

		if (op->region == from && (service == LOAD_ALL || op->service == service))
			op->region = to;
	}
}
