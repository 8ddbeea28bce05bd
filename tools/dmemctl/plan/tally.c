// SPDX-License-Identifier: GPL-2.0-or-later
/* Keeps values in a sorted array, which becomes coarser when it is full. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tally.h"

static uint64_t tally_round(const struct tally *t, uint64_t v)
{
	uint64_t rest = v & ((UINT64_C(1) << t->shift) - 1);

	if (!rest || !t->up)
		return v - rest;
	/* The largest multiple, if the next one would overflow. */
	return v - rest > UINT64_MAX - (UINT64_C(1) << t->shift) ? UINT64_MAX :
	       v - rest + (UINT64_C(1) << t->shift);
}

/* The index of the value, or the one to insert it at. */
static size_t tally_place(const struct tally *t, uint64_t v)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (t->value[mid].v < v)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void tally_coarser(struct tally *t)
{
	size_t n = 0;

	t->shift++;
	for (size_t i = 0; i < t->n; i++) {
		uint64_t v = tally_round(t, t->value[i].v);

		if (n && t->value[n - 1].v == v)
			t->value[n - 1].weight += t->value[i].weight;
		else
			t->value[n++] = (struct tally_value){ v, t->value[i].weight };
	}
	t->n = n;
}

int tally_add(struct tally *t, uint64_t v, uint64_t weight)
{
	struct tally_value *more;
	size_t at;

	t->most = v > t->most ? v : t->most;
	if (!weight)
		return 0;
	t->weight += weight;
	v = tally_round(t, v);
	at = tally_place(t, v);
	if (at < t->n && t->value[at].v == v) {
		t->value[at].weight += weight;
		return 0;
	}
	while (t->n == TALLY_VALUES && t->shift < 63)
		tally_coarser(t);
	v = tally_round(t, v);
	at = tally_place(t, v);
	if (at < t->n && t->value[at].v == v) {
		t->value[at].weight += weight;
		return 0;
	}
	if (t->n == t->room) {
		more = realloc(t->value, (t->room ? 4 * t->room : 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		t->value = more;
		t->room = t->room ? 4 * t->room : 1;
	}
	memmove(t->value + at + 1, t->value + at, (t->n - at) * sizeof(*t->value));
	t->value[at] = (struct tally_value){ v, weight };
	t->n++;
	return 0;
}

int tally_merge(struct tally *t, const struct tally *from)
{
	int ret = 0;

	t->most = from->most > t->most ? from->most : t->most;
	for (size_t i = 0; i < from->n && !ret; i++)
		ret = tally_add(t, from->value[i].v, from->value[i].weight);
	return ret;
}

uint64_t tally_quantile(const struct tally *t, double q)
{
	uint64_t wanted = (uint64_t)ceil(q * (double)t->weight), below = 0;

	for (size_t i = 0; i < t->n; i++) {
		below += t->value[i].weight;
		if (below >= wanted)
			return t->value[i].v;
	}
	return t->n ? t->value[t->n - 1].v : 0;
}

uint64_t tally_percentile(const struct tally *t, unsigned int permille)
{
	uint64_t wanted = t->weight / 1000 * permille + t->weight % 1000 * permille / 1000;
	uint64_t below = 0;

	for (size_t i = 0; i < t->n; i++) {
		below += t->value[i].weight;
		if (below > wanted)
			return t->value[i].v;
	}
	return t->most;
}

uint64_t tally_up_to(const struct tally *t, uint64_t v)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->n && t->value[i].v <= v; i++)
		sum += t->value[i].weight;
	return sum;
}

void tally_free(struct tally *t)
{
	free(t->value);
	*t = (struct tally){ .up = t->up };
}
