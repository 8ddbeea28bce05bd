// SPDX-License-Identifier: GPL-2.0-or-later
/* Answers requests as the kernel does. */
#include <errno.h>
#include <stdlib.h>

#include "admit.h"
#include "num.h"

int admit_start(struct admit *a, uint64_t capacity)
{
	int64_t root;

	*a = (struct admit){ .capacity = capacity };
	root = admit_add(a, ADMIT_NONE);
	return root < 0 ? (int)root : 0;
}

void admit_end(struct admit *a)
{
	free(a->node);
	*a = (struct admit){ 0 };
}

int64_t admit_add(struct admit *a, uint32_t parent)
{
	struct admit_node *more = a->node;

	if (a->n == a->room) {
		more = realloc(more, (2 * a->room + 8) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		a->node = more;
		a->room = 2 * a->room + 8;
	}
	more[a->n] = (struct admit_node){ .parent = parent, .max = ADMIT_UNLIMITED };
	return (int64_t)a->n++;
}

uint64_t admit_room(const struct admit *a)
{
	return a->capacity - min_u64(a->unaccounted, a->capacity);
}

/* r: the reservation that the cgroup asks for. One above its own limit could never be used. */
static uint64_t wish(const struct admit *a, size_t node)
{
	return node == ADMIT_ROOT ? 0 : min_u64(min_u64(a->node[node].min, a->node[node].max), a->capacity);
}

/* r * whole / sum, rounded down. */
static uint64_t share_of(uint64_t r, uint64_t whole, uint64_t sum)
{
	if (sum <= whole)
		return r;
	if (whole && r > UINT64_MAX / whole)
		return (uint64_t)((long double)r * (long double)whole / (long double)sum);
	return r * whole / sum;
}

static uint64_t claim(const struct admit *a, size_t node)
{
	const struct admit_node *n = &a->node[node];

	return node == ADMIT_ROOT ? n->commit : max_u64(n->commit, n->reserved);
}

void admit_configure(struct admit *a)
{
	struct admit_node *n = a->node;

	/* At first, @commit is the sum of what the children ask for. */
	for (size_t i = 0; i < a->n; i++)
		n[i].commit = 0;
	for (size_t i = a->n; i-- > 1; )
		n[n[i].parent].commit += wish(a, i);
	n[ADMIT_ROOT].reserved = admit_room(a);
	for (size_t i = 1; i < a->n; i++)
		n[i].reserved = share_of(wish(a, i), n[n[i].parent].reserved, n[n[i].parent].commit);
	/* Then it is the usage, in which claims take the place of the children's usage. */
	for (size_t i = 0; i < a->n; i++)
		n[i].commit = n[i].usage;
	for (size_t i = a->n; i-- > 1; )
		n[n[i].parent].commit += claim(a, i) - n[i].usage;
}

enum admit_verdict admit_ask(const struct admit *a, uint32_t node, uint64_t n)
{
	uint64_t room = admit_room(a), usage = a->node[ADMIT_ROOT].usage, more = n;

	for (uint32_t q = node; q != ADMIT_NONE; q = a->node[q].parent) {
		uint64_t max = a->node[q].max, used = a->node[q].usage;

		if (max != ADMIT_UNLIMITED && (used > max || n > max - used))
			return ADMIT_LIMIT;
	}
	if (usage > room || n > room - usage)
		return ADMIT_FULL;
	for (uint32_t q = node; q != ADMIT_NONE && more; q = a->node[q].parent) {
		uint64_t bound = q == ADMIT_ROOT ? room : a->node[q].max, commit = a->node[q].commit;

		if (bound != ADMIT_UNLIMITED && (commit > bound || more > bound - commit))
			return ADMIT_RESERVED;
		more = max_u64(commit + more, a->node[q].reserved) - max_u64(commit, a->node[q].reserved);
	}
	return ADMIT_GRANTED;
}

void admit_charge(struct admit *a, uint32_t node, uint64_t n)
{
	uint64_t more = n;

	for (uint32_t q = node; q != ADMIT_NONE; q = a->node[q].parent) {
		uint64_t before = claim(a, q);

		a->node[q].usage += n;
		a->node[q].commit += more;
		more = claim(a, q) - before;
	}
}

void admit_uncharge(struct admit *a, uint32_t node, uint64_t n)
{
	uint64_t less = n;

	for (uint32_t q = node; q != ADMIT_NONE; q = a->node[q].parent) {
		uint64_t before = claim(a, q);

		a->node[q].usage -= n;
		a->node[q].commit -= less;
		less = before - claim(a, q);
	}
}

void admit_clear(struct admit *a)
{
	a->unaccounted = 0;
	for (size_t i = 0; i < a->n; i++)
		a->node[i].usage = 0;
	admit_configure(a);
}
