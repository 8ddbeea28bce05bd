// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds sets of services that do not fit in a region at their peaks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "needs.h"

/* Services with equal peaks. @sum: the peaks of these and of all services with smaller ones. */
struct group {
	struct needs_part all;
	uint64_t peak, rest;
};

struct search {
	const struct needs_region *g;
	struct dmem_arena *arena;
	struct needs_conflicts *c;
	struct group *group;
	size_t n;
	uint64_t room, sum;
	struct needs_part *part;	/* number chosen of each group, from the first one on */
	size_t depth;
};

static uint64_t sum_of(uint64_t a, uint64_t b)
{
	return a > DMEM_UNKNOWN - 1 - b ? DMEM_UNKNOWN - 1 : a + b;
}

static int make_groups(struct search *s)
{
	const struct needs_region *g = s->g;

	s->group = calloc(g->n + 1, sizeof(*s->group));
	s->part = calloc(g->n + 1, sizeof(*s->part));
	if (!s->group || !s->part)
		return -ENOMEM;
	for (size_t i = 0; i < g->n && g->service[i].peak; i++) {
		if (!i || g->service[i].peak != g->service[i - 1].peak)
			s->group[s->n++] = (struct group){ { i, 0, 0 }, g->service[i].peak, 0 };
		s->group[s->n - 1].all.n++;
	}
	for (size_t i = s->n; i--; ) {
		s->group[i].rest = s->group[i + 1].rest;
		for (size_t k = 0; k < s->group[i].all.n; k++)
			s->group[i].rest = sum_of(s->group[i].rest, s->group[i].peak);
	}
	return 0;
}

/* Adds the conflict that needs a number of services of this group as well. */
static int add_conflict(struct search *s, const struct group *g, size_t count)
{
	struct needs_conflict *c = &s->c->conflict[s->c->n];

	if (s->c->n == NEEDS_CONFLICTS) {
		s->c->more = true;
		return 0;
	}
	*c = (struct needs_conflict){
		.part = dmem_alloc(s->arena, (s->depth + 1) * sizeof(*c->part)),
		.sum = sum_of(s->sum, count * g->peak),
	};
	if (!c->part)
		return -ENOMEM;
	for (size_t i = 0; i < s->depth; i++) {
		if (s->part[i].count)
			c->part[c->n++] = s->part[i];
	}
	c->part[c->n++] = (struct needs_part){ g->all.first, g->all.n, count };
	s->c->n++;
	return 0;
}

/* Goes back to the last group with a chosen service, and chooses one less of it. False: there is
 * none left. */
static bool choose_less(struct search *s)
{
	while (s->depth) {
		struct needs_part *p = &s->part[s->depth - 1];

		if (p->count) {
			p->count--;
			s->sum -= s->group[s->depth - 1].peak;
			return true;
		}
		s->depth--;
	}
	return false;
}

/* Chooses as many services of each group as fit, from the largest peak on, then one less, and so
 * on. The service that completes a conflict has the smallest peak: the others fit without it, and
 * so does any set without a larger one. A branch in which all remaining services fit has no
 * conflict and is skipped. So each forward step leads to a conflict, and the search ends at the
 * ninth. */
static int search(struct search *s)
{
	int ret = 0;

	while (!ret && !s->c->more) {
		const struct group *g = &s->group[s->depth];
		uint64_t fit;

		if (s->depth == s->n || sum_of(s->sum, g->rest) <= s->room) {
			if (!choose_less(s))
				break;
			continue;
		}
		fit = (s->room - s->sum) / g->peak;
		if (fit < g->all.n)
			ret = add_conflict(s, g, (size_t)fit + 1);
		else
			fit = g->all.n;
		s->part[s->depth] = (struct needs_part){ g->all.first, g->all.n, (size_t)fit };
		s->sum += fit * g->peak;
		s->depth++;
	}
	return ret;
}

static void count_fits(struct search *s)
{
	uint64_t left = s->room;
	size_t n = s->g->n, i = 0;

	for (; i < n && s->g->service[i].peak <= left; i++)
		left -= s->g->service[i].peak;
	s->c->any = i;
	left = s->room;
	for (i = n; i && s->g->service[i - 1].peak <= left; i--)
		left -= s->g->service[i - 1].peak;
	s->c->most = n - i;
}

int needs_find_conflicts(struct dmem_arena *a, const struct needs_region *g,
			 struct needs_conflicts *c)
{
	struct search s = { .g = g, .arena = a, .c = c };
	int ret = make_groups(&s);

	s.room = c->size > g->unaccounted ? c->size - g->unaccounted : 0;
	if (!ret)
		ret = search(&s);
	count_fits(&s);
	free(s.group);
	free(s.part);
	return ret;
}
