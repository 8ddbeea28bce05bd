// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Explores all states of some small regions that single operations can reach, one after the other.
 * The rule in reserve_model.c adds up commits and claims. The checks here use another method: they
 * try whether all cgroups could use all their reservations at the same time, and whether the rule
 * refuses exactly the requests that would prevent this.
 *
 * - Guarantee: if all reservations can be met, a request of a cgroup within its own
 *   reservation is granted, and there is room for it.
 * - Necessity: a request is refused as "reserved" only if all reservations could be met
 *   before it, and not after it. If they could not be met before, the request must need
 *   something beyond the cgroup's own share.
 * - Room: no request is granted that the region has no room for, and none is refused
 *   as "full" that it has room for.
 * - If all reservations can be met, no charge, uncharge or returned page changes that.
 * - They can be met when nothing is charged.
 * - Effective reservations of children add up to no more than the parent's.
 * - A refusal changes nothing, neither usage nor peak, and an uncharge reverses a
 *   charge.
 */
#include <stdio.h>
#include <string.h>

#include "explore.h"
#include "model.h"
#include "reserve_model.h"

#define MAX_NODES	8
#define PACKED_MAX	15	/* RM_UNLIMITED in a packed state */
#define NO_LIMIT	(1 << PACKED_MAX)

#define VALUES(a)	(1 << (a))
#define UP_TO(a)	((2 << (a)) - 1)

/* A small region, and the operations to explore in it. */
struct scene {
	const char *name;
	int capacity, nodes;
	int parent[MAX_NODES];
	/* Bit n: the value n may be written. By node; the root's is not used. */
	int min[MAX_NODES], max[MAX_NODES];
	int unaccounted;	/* largest value */
	bool root_charges;
	int removable;		/* this leaf is removed and made again; 0: none */
	bool slow;		/* skipped with --quick */
	uint32_t floor;		/* least number of states */
};

static const struct scene scenes[] = {
	{
		.name = "a slice with a limit, and a neighbour",
		.capacity = 3, .nodes = 4,
		.parent = { RM_NONE, 0, 1, 0 },
		.min = { 0, UP_TO(3), UP_TO(3), VALUES(0) | VALUES(2) },
		.max = { 0, VALUES(2) | NO_LIMIT, NO_LIMIT, NO_LIMIT },
		.unaccounted = 1,
		.floor = 3000,
	},
	{
		.name = "two services, one comes and goes",
		.capacity = 3, .nodes = 3,
		.parent = { RM_NONE, 0, 0 },
		.min = { 0, UP_TO(3), UP_TO(4) },
		.max = { 0, NO_LIMIT | VALUES(1), NO_LIMIT },
		.unaccounted = 1,
		.root_charges = true,
		.removable = 2,
		.floor = 2000,
	},
	{
		.name = "two services",
		.slow = true,
		.capacity = 5, .nodes = 3,
		.parent = { RM_NONE, 0, 0 },
		.min = { 0, UP_TO(5), UP_TO(5) },
		.max = { 0, UP_TO(5) | NO_LIMIT, VALUES(3) | NO_LIMIT },
		.unaccounted = 1,
		.root_charges = true,
		.floor = 20000,
	},
	{
		.name = "three services, one comes and goes",
		.slow = true,
		.capacity = 4, .nodes = 4,
		.parent = { RM_NONE, 0, 0, 0 },
		.min = { 0, UP_TO(4), VALUES(0) | VALUES(1) | VALUES(4), VALUES(0) | VALUES(3) },
		.max = { 0, NO_LIMIT | VALUES(2), NO_LIMIT, NO_LIMIT },
		.unaccounted = 1,
		.removable = 2,
		.floor = 20000,
	},
	{
		.name = "a slice of two, and a neighbour",
		.slow = true,
		.capacity = 4, .nodes = 5,
		.parent = { RM_NONE, 0, 1, 1, 0 },
		.min = { 0, UP_TO(4), UP_TO(4), VALUES(0) | VALUES(2), VALUES(0) | VALUES(1) | VALUES(4) },
		.max = { 0, UP_TO(4) | NO_LIMIT, NO_LIMIT, NO_LIMIT, NO_LIMIT },
		.floor = 20000,
	},
	{
		.name = "a slice of two with limits, one comes and goes",
		.capacity = 4, .nodes = 5,
		.parent = { RM_NONE, 0, 1, 1, 0 },
		.min = { 0, VALUES(0) | VALUES(3), VALUES(0) | VALUES(2), VALUES(0) | VALUES(1) | VALUES(2),
			 VALUES(0) | VALUES(2) },
		.max = { 0, VALUES(3) | NO_LIMIT, VALUES(1) | NO_LIMIT, NO_LIMIT, NO_LIMIT },
		.unaccounted = 1,
		.removable = 2,
		.slow = true,
		.floor = 20000,
	},
	{
		.name = "three levels deep",
		.capacity = 5, .nodes = 5,
		.parent = { RM_NONE, 0, 1, 2, 0 },
		.min = { 0, UP_TO(4), VALUES(0) | VALUES(2) | VALUES(3), VALUES(0) | VALUES(1) | VALUES(3),
			 VALUES(0) | VALUES(2) },
		.max = { 0, VALUES(4) | NO_LIMIT, VALUES(3) | NO_LIMIT, NO_LIMIT, NO_LIMIT },
		.slow = true,
		.floor = 20000,
	},
};

enum op { CHARGE, UNCHARGE, SET_MIN, SET_MAX, REMOVE, CREATE, UNACCOUNTED };

#define BY(op, node, value)	((op) << 16 | (node) << 8 | (uint8_t)(value))
#define BY_OP(by)		((enum op)((by) >> 16))
#define BY_NODE(by)		((by) >> 8 & 0xff)
#define BY_VALUE(by)		((int8_t)((by) & 0xff))

static struct {
	unsigned long long steps, granted, limit, reserved, full, within, exempt;
} seen;

static const struct scene *scene;

/* A state in the set. */
struct packed {
	uint8_t unaccounted;
	struct packed_node {
		uint8_t used, parent, own_min, max_reserved;
	} node[MAX_NODES];
};

static void pack(const struct reserve_model *m, struct packed *p)
{
	int i;

	memset(p, 0, sizeof(*p));
	p->unaccounted = m->unaccounted;
	for (i = 0; i < m->nodes; i++) {
		const struct rm_node *node = &m->node[i];
		int max = node->max == RM_UNLIMITED ? PACKED_MAX : node->max;

		if (!node->used)
			continue;
		p->node[i].used = 1 + node->alive;
		p->node[i].parent = node->parent + 1;
		p->node[i].own_min = node->own << 4 | node->min;
		p->node[i].max_reserved = max << 4 | node->reserved;
	}
}

static void unpack(const struct packed *p, struct reserve_model *m)
{
	int i;

	memset(m, 0, sizeof(*m));
	m->capacity = scene->capacity;
	m->unaccounted = p->unaccounted;
	for (i = 0; i < MAX_NODES; i++) {
		struct rm_node *node = &m->node[i];
		int max = p->node[i].max_reserved >> 4;

		if (!p->node[i].used)
			continue;
		node->used = true;
		node->alive = p->node[i].used == 2;
		node->parent = p->node[i].parent - 1;
		node->own = p->node[i].own_min >> 4;
		node->min = p->node[i].own_min & 15;
		node->max = max == PACKED_MAX ? RM_UNLIMITED : max;
		node->reserved = p->node[i].max_reserved & 15;
		m->nodes = i + 1;
	}
}

/*
 * Answers of the rules in reserve_model.c. A flaw calls them with a different state.
 */
const struct flaw sequential_flaws[] = {
	{ "rule-sum", "a cgroup claims its commit and its reservation, not the larger" },
	{ "rule-unscaled", "the rule does not scale reservations beyond those of the parent" },
	{ "rule-orphan", "a reservation counts without the parent's" },
	{ "rule-round-up", "a scaled reservation is rounded up" },
	{ "rule-unaccounted", "unaccounted pages do not count as used" },
	{ "rule-inner", "the rule compares with the bound of the root only" },
	{ "rule-root", "the root's bound is not looked at" },
	{ "rule-own", "the reservation of who asks is not his" },
	{ "rule-removed", "a removed cgroup keeps its reservation" },
	{ "rule-covered", "a request that a reservation covers is granted in a full region" },
	{ "rule-full", "without reservations, the room in the region is not looked at" },
	{ "rule-peak", "a refused request is in the peak" },
	{ }
};

static void spoil(struct reserve_model *m)
{
	int p;

	for (p = 1; p < m->nodes; p++) {
		struct rm_node *node = &m->node[p];
		int parent = node->used ? m->node[node->parent].reserved : 0;

		if (!node->used)
			continue;
		if (has_flaw("rule-unscaled") ||
		    (has_flaw("rule-orphan") && !parent))
			node->reserved = rm_wish(m, p);
		if (has_flaw("rule-round-up") &&
		    node->reserved && node->reserved < rm_wish(m, p))
			node->reserved++;
		if (has_flaw("rule-removed") && !node->alive)
			node->reserved = node->min < scene->capacity ?
					 node->min : scene->capacity;
	}
}

/* The root has no reservation of its own. */
static bool within(const struct reserve_model *m, int p, int n)
{
	return p != RM_ROOT && rm_commit(m, p) + n <= m->node[p].reserved;
}

static struct rm_answer ask(const struct reserve_model *m, int p, int n)
{
	struct rm_answer answer = rm_ask(m, p, n);
	struct reserve_model other = *m;
	bool reserved = false;
	int i;

	if (!*flaw || answer.verdict == RM_LIMIT)
		return answer;
	for (i = 0; i < m->nodes; i++) {
		struct rm_node *node = &other.node[i];

		reserved |= i != RM_ROOT && node->reserved;
		if (has_flaw("rule-inner"))
			node->max = RM_UNLIMITED;
		if (has_flaw("rule-sum") && node->reserved)
			node->reserved += rm_commit(m, i);
		if (has_flaw("rule-own") && i == p)
			node->reserved = 0;
	}
	if (has_flaw("rule-unaccounted"))
		other.unaccounted = 0;
	if (has_flaw("rule-root"))
		other.unaccounted = -1000;
	if (answer.verdict == RM_FULL &&
	    (has_flaw("rule-covered") ? within(m, p, n) : has_flaw("rule-full") && !reserved))
		other.capacity += n;
	return rm_ask(&other, p, n);
}

/*
 * Tries whether the existing cgroups can use more, node by node from i on, and @most in all, such
 * that each has its reservation and none exceeds its limit. With @only, tries the nodes below it,
 * and ignores its own limit and reservation.
 */
static bool below(const struct reserve_model *m, int p, int only)
{
	while (p != RM_NONE && p != only)
		p = m->node[p].parent;
	return p == only;
}

static bool all_have_theirs(const struct reserve_model *m, int only)
{
	int p;

	for (p = 1; p < m->nodes; p++) {
		int usage;

		if (!m->node[p].used || p == only ||
		    (only != RM_NONE && !below(m, p, only)))
			continue;
		usage = rm_usage(m, p);
		if (usage < m->node[p].reserved ||
		    (only == RM_NONE && usage > m->node[p].max))
			return false;
	}
	return true;
}

static bool try_more(struct reserve_model *m, int i, int more, int only)
{
	int n;

	if (all_have_theirs(m, only))
		return true;
	if (i == m->nodes)
		return false;
	if (!m->node[i].used || !m->node[i].alive ||
	    (only != RM_NONE && !below(m, i, only)))
		return try_more(m, i + 1, more, only);
	for (n = 0; n <= more; n++) {
		bool possible;

		m->node[i].own += n;
		possible = try_more(m, i + 1, more - n, only);
		m->node[i].own -= n;
		if (possible)
			return true;
	}
	return false;
}

/* True if all cgroups could use their reservations at the same time. */
static bool possible(const struct reserve_model *m)
{
	struct reserve_model try = *m;
	int more = m->capacity - m->unaccounted - rm_usage(m, RM_ROOT);

	return more >= 0 && try_more(&try, RM_ROOT, more, RM_NONE);
}

/* The smallest usage of q with which all nodes below it have their reservations. */
static int need(const struct reserve_model *m, int q)
{
	struct reserve_model try = *m;
	int more = 0;

	while (!try_more(&try, RM_ROOT, more, q))
		more++;
	return rm_usage(m, q) + more;
}

/* For a state in which not all reservations can be met: true if the request makes it worse for no
 * other cgroup. */
static bool needs_nothing_of_others(const struct reserve_model *before,
				    const struct reserve_model *after, int p)
{
	int q;

	for (q = p; q != RM_NONE; q = before->node[q].parent) {
		int least = need(after, q);

		if (least > rm_bound(after, q) && least != need(before, q))
			return false;
	}
	return true;
}

static bool wrong(const char *what, int p, int n)
{
	printf("%s: %s", scene->name, what);
	if (p != RM_NONE)
		printf(" (node %d asks for %d)", p, n);
	printf("\n");
	return false;
}

static bool check_sums(const struct reserve_model *m)
{
	int p, q;

	for (q = 0; q < m->nodes; q++) {
		int sum = 0;

		if (!m->node[q].used)
			continue;
		for (p = 1; p < m->nodes; p++) {
			if (!m->node[p].used || m->node[p].parent != q)
				continue;
			sum += m->node[p].reserved;
			if (m->node[p].reserved > m->node[p].max ||
			    m->node[p].reserved > m->node[p].min)
				return wrong("more is reserved than may be", p, 0);
			if (!m->node[p].alive && m->node[p].reserved)
				return wrong("a removed cgroup reserves", p, 0);
		}
		if (sum > m->node[q].reserved)
			return wrong("the children reserve more than the parent", q, 0);
		if (need(m, q) != rm_commit(m, q))
			return wrong("the commit is not what is needed", q, 0);
	}
	return true;
}

static bool check_request(const struct reserve_model *m, bool can, int p, int n)
{
	struct rm_answer answer = ask(m, p, n);
	bool room = rm_usage(m, RM_ROOT) + n + m->unaccounted <= m->capacity;
	struct reserve_model after = *m;
	bool harmless;

	if (can && within(m, p, n)) {
		seen.within++;
		if (answer.verdict != RM_GRANTED)
			return wrong("refused within its own reservation", p, n);
		if (!room)
			return wrong("no room for a reservation", p, n);
	}
	if (answer.verdict == RM_LIMIT) {
		seen.limit++;
		return true;
	}
	if (answer.verdict == RM_FULL) {
		seen.full++;
		return !room || wrong("full, and there is room", p, n);
	}
	if (answer.verdict == RM_RESERVED && within(m, p, n))
		return wrong("refused as reserved within its own reservation", p, n);

	after.node[p].own += n;
	if (can)
		harmless = possible(&after);
	else
		harmless = needs_nothing_of_others(m, &after, p);
	if (answer.verdict == RM_GRANTED) {
		seen.granted++;
		if (!room)
			return wrong("granted without room", p, n);
		return harmless || wrong("granted what others have reserved", p, n);
	}
	seen.reserved++;
	if (!room)
		return wrong("refused for a reservation where nothing is left", p, n);
	return !harmless || wrong("refused what nobody has reserved", p, n);
}

static bool same(const struct reserve_model *a, const struct reserve_model *b)
{
	struct packed x, y;

	pack(a, &x);
	pack(b, &y);
	return !memcmp(&x, &y, sizeof(x));
}

static bool same_peaks(const struct reserve_model *a, const struct reserve_model *b)
{
	int p;

	for (p = 0; p < a->nodes && a->node[p].peak == b->node[p].peak; p++)
		;
	return p == a->nodes;
}

static bool check_opposite(const struct reserve_model *m, int p, int n)
{
	struct reserve_model other = *m;

	if (rm_charge(&other, p, n).verdict != RM_GRANTED) {
		if (has_flaw("rule-peak"))
			other.node[p].peak = rm_usage(m, p) + n;
		return (same(m, &other) && same_peaks(m, &other)) ||
		       wrong("a refusal changes something", p, n);
	}
	if (other.node[p].peak != rm_usage(&other, p))
		return wrong("the peak is not the usage", p, n);
	rm_uncharge(&other, p, n);
	return same(m, &other) || wrong("an uncharge leaves something", p, n);
}

static bool check_state(const struct reserve_model *m, bool can)
{
	bool fits = true;
	int p, n;

	if (!check_sums(m))
		return false;
	for (p = 0; p < m->nodes; p++) {
		if (m->node[p].used)
			fits &= rm_commit(m, p) <= rm_bound(m, p);
	}
	if (can != fits)
		return wrong("the commits do not tell what is possible", RM_NONE, 0);
	seen.exempt += !can;
	/* E of the root shows the value of U at the time of the calculation. */
	if (!can && !rm_usage(m, RM_ROOT) &&
	    m->node[RM_ROOT].reserved <= m->capacity - m->unaccounted)
		return wrong("cannot be met, with nothing in use", RM_NONE, 0);
	for (p = 0; p < m->nodes; p++) {
		if (!m->node[p].used || !m->node[p].alive)
			continue;
		for (n = 1; n <= m->capacity + 1; n++) {
			if (!check_request(m, can, p, n) || !check_opposite(m, p, n))
				return false;
		}
	}
	return true;
}

/* A cgroup that was made again returns to its own place when that is free. */
static void settle(struct reserve_model *m)
{
	int spare = scene->nodes, home = scene->removable;

	if (!home || m->node[home].used || !m->node[spare].used)
		return;
	m->node[home] = m->node[spare];
	memset(&m->node[spare], 0, sizeof(m->node[spare]));
}

static bool apply(struct reserve_model *m, uint32_t by)
{
	int p = BY_NODE(by), n = BY_VALUE(by);

	switch (BY_OP(by)) {
	case CHARGE:
		if (ask(m, p, n).verdict != RM_GRANTED)
			return false;
		m->node[p].own += n;
		break;
	case UNCHARGE:
		rm_uncharge(m, p, n);
		break;
	case SET_MIN:
		rm_set_min(m, p, n);
		break;
	case SET_MAX:
		rm_set_max(m, p, n == PACKED_MAX ? RM_UNLIMITED : n);
		break;
	case REMOVE:
		rm_remove(m, p);
		break;
	case CREATE:
		rm_create(m, p);
		break;
	case UNACCOUNTED:
		rm_unaccounted(m, n);
		break;
	}
	spoil(m);
	settle(m);
	return true;
}

static void say(const void *before, uint32_t by, const void *after)
{
	static const char * const names[] = {
		"charge", "uncharge", "min", "max", "remove", "create", "unaccounted",
	};
	struct reserve_model m;
	int p;

	(void)before;
	unpack(after, &m);
	printf("  %s node %d: %d\t->", names[BY_OP(by)], BY_NODE(by), BY_VALUE(by));
	for (p = 0; p < m.nodes; p++) {
		if (m.node[p].used)
			printf(" %d:own=%d,reserved=%d,committed=%d", p, m.node[p].own,
			       m.node[p].reserved, rm_claim(&m, p));
	}
	printf("\n");
}

static bool is_there(const struct reserve_model *m, int p)
{
	return m->node[p].used && m->node[p].alive;
}

/* The possible operations in a state, at most this many. */
#define MAX_OPS	256

static int list_ops(const struct reserve_model *m, uint32_t *ops)
{
	int room = m->capacity - m->unaccounted - rm_usage(m, RM_ROOT);
	int spare = scene->nodes, home = scene->removable, n = 0, p, v;

	for (p = scene->root_charges ? 0 : 1; p < m->nodes; p++) {
		const struct rm_node *node = &m->node[p];
		int at = p == spare ? home : p;

		if (!node->used)
			continue;
		for (v = 1; v <= node->own; v++)
			ops[n++] = BY(UNCHARGE, p, v);
		if (!node->alive)
			continue;
		for (v = 1; v <= room; v++)
			ops[n++] = BY(CHARGE, p, v);
		for (v = 0; p && v <= PACKED_MAX; v++) {
			if (scene->min[at] & VALUES(v) && v != node->min)
				ops[n++] = BY(SET_MIN, p, v);
			if (scene->max[at] & VALUES(v))
				ops[n++] = BY(SET_MAX, p, v);
		}
	}
	if (home && (is_there(m, home) || is_there(m, spare))) {
		p = is_there(m, home) ? home : spare;
		/* One removed cgroup is enough. */
		if (!m->node[p == home ? spare : home].used)
			ops[n++] = BY(REMOVE, p, 0);
	} else if (home) {
		ops[n++] = BY(CREATE, scene->parent[home], 0);
	}
	if (m->unaccounted < scene->unaccounted && room)
		ops[n++] = BY(UNACCOUNTED, 0, 1);
	if (m->unaccounted)
		ops[n++] = BY(UNACCOUNTED, 0, -1);
	return n;
}

/* True for operations that must keep all reservations possible. */
static bool keeps(uint32_t by)
{
	return BY_OP(by) == CHARGE || BY_OP(by) == UNCHARGE || BY_OP(by) == CREATE ||
	       (BY_OP(by) == UNACCOUNTED && BY_VALUE(by) < 0);
}

static bool explore_scene(struct explore *e)
{
	struct reserve_model m, next;
	uint32_t ops[MAX_OPS], i, j;
	struct packed state;
	int p, n;

	rm_init(&m, scene->capacity, 0);
	for (p = 1; p < scene->nodes; p++)
		rm_create(&m, scene->parent[p]);
	pack(&m, &state);
	explore_add(e, &state, EXPLORE_START, 0);
	for (i = 0; i < e->n; i++) {
		bool can;

		memcpy(&state, explore_state(e, i), sizeof(state));
		unpack(&state, &m);
		can = possible(&m);
		if (!check_state(&m, can)) {
			explore_print_way(e, i, say);
			return false;
		}
		n = list_ops(&m, ops);
		for (j = 0; j < (uint32_t)n; j++) {
			next = m;
			if (!apply(&next, ops[j]))
				continue;
			seen.steps++;
			pack(&next, &state);
			explore_add(e, &state, i, ops[j]);
			if (can && keeps(ops[j]) && !possible(&next)) {
				wrong("reservations can no longer be met", RM_NONE, 0);
				explore_print_way(e, i, say);
				printf("  and then operation %#x\n", ops[j]);
				return false;
			}
		}
	}
	return true;
}

bool run_sequential(void)
{
	struct explore e;
	unsigned int i;
	bool ok = true;

	for (i = 0; ok && i < sizeof(scenes) / sizeof(*scenes); i++) {
		scene = &scenes[i];
		if (quick && scene->slow)
			continue;
		memset(&seen, 0, sizeof(seen));
		explore_begin(&e, sizeof(struct packed));
		ok = explore_scene(&e);
		printf("%s: %u states, %llu steps; asked: %llu granted, %llu above a limit, %llu reserved, %llu full, %llu within a reservation; %llu states where not all can be met\n",
		       scene->name, e.n, seen.steps, seen.granted, seen.limit,
		       seen.reserved, seen.full, seen.within, seen.exempt);
		if (ok && !*flaw && e.n < scene->floor)
			ok = wrong("too few states", RM_NONE, 0);
		explore_end(&e);
	}
	return ok;
}
