// SPDX-License-Identifier: GPL-2.0
/* The model of dmem.min for memory that cannot be reclaimed: see the header. */
#include <string.h>

#include "reserve_model.h"

static int next_child(const struct reserve_model *m, int parent, int c)
{
	while (++c < m->nodes) {
		if (m->node[c].used && m->node[c].parent == parent)
			return c;
	}
	return RM_NONE;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

void rm_init(struct reserve_model *m, int capacity, int unaccounted)
{
	memset(m, 0, sizeof(*m));
	m->capacity = capacity;
	m->unaccounted = unaccounted;
	rm_create(m, RM_NONE);
}

/* The charges of p and of all cgroups below it, removed ones included. */
int rm_usage(const struct reserve_model *m, int p)
{
	int sum = m->node[p].own, c;

	for (c = next_child(m, p, -1); c != RM_NONE; c = next_child(m, p, c))
		sum += rm_usage(m, c);
	return sum;
}

/* The part of the usage that belongs to cgroups that were removed. */
int rm_dying(const struct reserve_model *m, int p)
{
	int sum = 0, c;

	for (c = next_child(m, p, -1); c != RM_NONE; c = next_child(m, p, c))
		sum += rm_dying(m, c) + (m->node[c].alive ? 0 : m->node[c].own);
	return sum;
}

/*
 * r(p) = min(min(p), max(p), C): the reservation that p requests. One above the
 * cgroup's own limit could never be used. The root requests nothing, nor does a
 * removed cgroup.
 */
int rm_wish(const struct reserve_model *m, int p)
{
	const struct rm_node *node = &m->node[p];

	if (p == RM_ROOT || !node->alive)
		return 0;
	return smaller(smaller(node->min, node->max), m->capacity);
}

/*
 * E of all below q. With S = sum of r over the children: E(p) = r(p) if
 * S <= E(q), else r(p) * E(q) / S, rounded down.
 */
static void share_out(struct reserve_model *m, int q)
{
	int whole = m->node[q].reserved, sum = 0, c;

	for (c = next_child(m, q, -1); c != RM_NONE; c = next_child(m, q, c))
		sum += rm_wish(m, c);
	for (c = next_child(m, q, -1); c != RM_NONE; c = next_child(m, q, c)) {
		int wish = rm_wish(m, c);

		m->node[c].reserved = sum <= whole ? wish :
			(int)((long long)wish * whole / sum);
		share_out(m, c);
	}
}

/* For the root, E is the rest of the region at the time of the division: C - U. */
void rm_configure(struct reserve_model *m, int q)
{
	if (q == RM_ROOT)
		m->node[q].reserved = m->capacity - m->unaccounted;
	share_out(m, q);
}

/* commit(p) = own(p) + sum of claim(c) over the children */
int rm_commit(const struct reserve_model *m, int p)
{
	int sum = m->node[p].own, c;

	for (c = next_child(m, p, -1); c != RM_NONE; c = next_child(m, p, c))
		sum += rm_claim(m, c);
	return sum;
}

/*
 * claim(p) = max(commit(p), E(p)): the amount that p takes from its parent,
 * whether p uses it or not. The root's claim is its commit.
 */
int rm_claim(const struct reserve_model *m, int p)
{
	int commit = rm_commit(m, p);

	return p == RM_ROOT ? commit : larger(commit, m->node[p].reserved);
}

int rm_bound(const struct reserve_model *m, int p)
{
	return p == RM_ROOT ? m->capacity - m->unaccounted : m->node[p].max;
}

/* Every limit on the way up; the lowest one that is passed is named. */
struct rm_answer rm_ask_limits(const struct reserve_model *m, int p, int n)
{
	struct rm_answer answer = { RM_GRANTED, RM_NONE };
	int q;

	for (q = p; q != RM_NONE; q = m->node[q].parent) {
		if (rm_usage(m, q) + n <= m->node[q].max)
			continue;
		answer.verdict = RM_LIMIT;
		answer.at = q;
		break;
	}
	return answer;
}

/* The usage must leave room for n, also if a reservation covers n. */
struct rm_answer rm_ask_room(const struct reserve_model *m, int n)
{
	struct rm_answer answer = { RM_GRANTED, RM_NONE };

	if (rm_usage(m, RM_ROOT) + n > rm_bound(m, RM_ROOT)) {
		answer.verdict = RM_FULL;
		answer.at = RM_ROOT;
	}
	return answer;
}

/*
 * From p upwards, with d = n: if commit(q) + d is more than the bound of q, the
 * request is refused. Else d becomes the increase of claim(q), and at d = 0 the
 * request is granted.
 */
struct rm_answer rm_ask_commits(const struct reserve_model *m, int p, int n)
{
	struct rm_answer answer = { RM_GRANTED, RM_NONE };
	int d = n, q;

	for (q = p; q != RM_NONE && d; q = m->node[q].parent) {
		int commit = rm_commit(m, q);

		if (commit + d > rm_bound(m, q)) {
			answer.verdict = RM_RESERVED;
			answer.at = q;
			break;
		}
		d = larger(commit + d, m->node[q].reserved) - larger(commit, m->node[q].reserved);
	}
	return answer;
}

struct rm_answer rm_ask(const struct reserve_model *m, int p, int n)
{
	struct rm_answer answer = rm_ask_limits(m, p, n);

	if (answer.verdict == RM_GRANTED)
		answer = rm_ask_room(m, n);
	if (answer.verdict == RM_GRANTED)
		answer = rm_ask_commits(m, p, n);
	return answer;
}

static void count(struct reserve_model *m, int p, enum rm_event event)
{
	int q;

	m->node[p].events_local[event]++;
	for (q = p; q != RM_NONE; q = m->node[q].parent)
		m->node[q].events[event]++;
}

static void note_peaks(struct reserve_model *m, int p)
{
	int q;

	for (q = p; q != RM_NONE; q = m->node[q].parent)
		m->node[q].peak = larger(m->node[q].peak, rm_usage(m, q));
}

struct rm_answer rm_charge(struct reserve_model *m, int p, int n)
{
	struct rm_answer answer = rm_ask(m, p, n);

	switch (answer.verdict) {
	case RM_GRANTED:
		m->node[p].own += n;
		note_peaks(m, p);
		break;
	case RM_LIMIT:
		count(m, answer.at, RM_EVENT_MAX);
		count(m, p, RM_EVENT_ALLOC_FAIL);
		break;
	case RM_RESERVED:
		count(m, p, RM_EVENT_RESERVED);
		break;
	case RM_FULL:
		break;
	}
	return answer;
}

static bool has_children(const struct reserve_model *m, int p, bool alive)
{
	int c;

	for (c = next_child(m, p, -1); c != RM_NONE; c = next_child(m, p, c)) {
		if (m->node[c].alive || !alive)
			return true;
	}
	return false;
}

/* A removed cgroup is freed with its last charge, after all cgroups below it. */
static void forget(struct reserve_model *m, int p)
{
	int parent;

	for (; p != RM_NONE; p = parent) {
		struct rm_node *node = &m->node[p];

		parent = node->parent;
		if (node->alive || node->own || has_children(m, p, false))
			break;
		memset(node, 0, sizeof(*node));
	}
}

void rm_uncharge(struct reserve_model *m, int p, int n)
{
	m->node[p].own -= n;
	forget(m, p);
}

void rm_unaccounted(struct reserve_model *m, int n)
{
	m->unaccounted += n;
}

/*
 * Another wish divides the parent's reservation anew. At the top level, so does the
 * same one, since U may have changed.
 */
static void wish_again(struct reserve_model *m, int p, int before)
{
	int parent = m->node[p].parent, now = rm_wish(m, p);

	if (now != before || (now && parent == RM_ROOT))
		rm_configure(m, parent);
}

void rm_set_min(struct reserve_model *m, int p, int min)
{
	int before = rm_wish(m, p);

	m->node[p].min = min;
	wish_again(m, p, before);
}

void rm_set_max(struct reserve_model *m, int p, int max)
{
	int before = rm_wish(m, p);

	m->node[p].max = max;
	wish_again(m, p, before);
}

int rm_create(struct reserve_model *m, int parent)
{
	int p;

	for (p = 0; p < RM_NODES; p++) {
		struct rm_node *node = &m->node[p];

		if (node->used)
			continue;
		node->used = true;
		node->alive = true;
		node->parent = parent;
		node->max = RM_UNLIMITED;
		if (parent == RM_NONE)
			node->reserved = m->capacity - m->unaccounted;
		m->nodes = larger(m->nodes, p + 1);
		return p;
	}
	return RM_NONE;
}

bool rm_removable(const struct reserve_model *m, int p)
{
	return p != RM_ROOT && m->node[p].used && m->node[p].alive &&
	       !has_children(m, p, true);
}

void rm_remove(struct reserve_model *m, int p)
{
	int before = rm_wish(m, p);

	m->node[p].alive = false;
	wish_again(m, p, before);
	forget(m, p);
}
