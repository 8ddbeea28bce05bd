// SPDX-License-Identifier: GPL-2.0-or-later
/* Sums up the time for which a service had exactly the same buffers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "holding.h"
#include "num.h"

static bool same(const struct holding *a, const struct holding *b)
{
	return a->n == b->n && !memcmp(a->of, b->of, a->n * sizeof(*a->of));
}

uint64_t holding_buffers(const struct holding *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		n += h->of[i].count;
	return n;
}

uint64_t holding_bytes(const struct holding *h)
{
	double sum = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < h->n; i++) {
		sum += (double)h->of[i].size * (double)h->of[i].count;
		bytes += h->of[i].size * h->of[i].count;
	}
	return sum < 1e18 ? bytes : (uint64_t)1e18;
}

static int add_time(struct holdings *h, const struct holding *of, uint64_t time)
{
	struct holding_time *more;

	for (size_t i = 0; i < h->n; i++) {
		if (!same(&h->set[i].h, of))
			continue;
		h->set[i].time += time;
		return 0;
	}
	if (h->n == HOLDING_SETS)
		return 0;
	if (!(h->n & (h->n - 1))) {
		more = realloc(h->set, (2 * h->n + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		h->set = more;
	}
	h->set[h->n++] = (struct holding_time){ *of, time };
	return 0;
}

int holdings_count(struct holdings *h, uint64_t clock)
{
	uint64_t time = clock - h->since;

	h->since = clock;
	if (!h->now.n && !h->lost)
		return 0;
	h->time += time;
	return h->lost ? 0 : add_time(h, &h->now, time);
}

static void take_size(struct holding *h, size_t at)
{
	if (--h->of[at].count)
		return;
	memmove(h->of + at, h->of + at + 1, (--h->n - at) * sizeof(*h->of));
}

static bool put_size(struct holding *h, size_t at, uint64_t size)
{
	if (at < h->n && h->of[at].size == size) {
		h->of[at].count++;
		return true;
	}
	if (h->n == HOLDING_SIZES)
		return false;
	memmove(h->of + at + 1, h->of + at, (h->n++ - at) * sizeof(*h->of));
	h->of[at] = (struct holding_size){ size, 1 };
	return true;
}

int holdings_change(struct holdings *h, uint64_t size, bool more, uint64_t clock)
{
	size_t at = 0;
	int ret = 0;

	/* Changes at the same time make one set. */
	if (clock != h->since)
		ret = holdings_count(h, clock);
	if (ret || !size)
		return ret;
	while (at < h->now.n && h->now.of[at].size > size)
		at++;
	if (more)
		h->lost += !put_size(&h->now, at, size);
	else if (at < h->now.n && h->now.of[at].size == size)
		take_size(&h->now, at);
	else
		h->lost -= h->lost > 0;
	return 0;
}

int holdings_merge(struct holdings *h, const struct holdings *from)
{
	int ret = 0;

	h->time += from->time;
	for (size_t i = 0; i < from->n && !ret; i++)
		ret = add_time(h, &from->set[i].h, from->set[i].time);
	return ret;
}

const struct holding *holdings_usual(const struct holdings *h)
{
	const struct holding_time *best = NULL;

	/* Of those without a time, the largest one. */
	for (size_t i = 0; i < h->n; i++) {
		const struct holding_time *s = &h->set[i];

		if (!best || s->time > best->time ||
		    (s->time == best->time && holding_bytes(&s->h) > holding_bytes(&best->h)))
			best = s;
	}
	return best && best->time >= h->time - best->time ? &best->h : NULL;
}

void holdings_free(struct holdings *h)
{
	free(h->set);
	*h = (struct holdings){ 0 };
}
