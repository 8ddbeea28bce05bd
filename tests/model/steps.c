// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's algorithm in steps, see steps.h.
 *
 * true_peak is the peak that dmem.peak has to show at least, and exactly when nothing is under
 * way: the largest usage without charges that are cancelled later. A charge that is returned
 * records the usage of that moment, in which another thread's charge that is cancelled later
 * counts.
 */
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "reserve_model.h"
#include "steps.h"

const char *step_wrong;

const struct flaw interleave_flaws[] = {
	{ "grow-first", "reservations are raised before others are lowered" },
	{ "no-held", "a charge leaves held what a reservation covers" },
	{ "held-stays", "an uncharge does not hold again what a reservation covers" },
	{ "stops-early", "a change of a claim ends at the first parent" },
	{ "sum", "a pool claims its usage and its reservation, not the larger" },
	{ "unscaled", "reservations beyond what the parent has are not scaled" },
	{ "no-unaccounted", "the root's bound is the capacity" },
	{ "root-only", "only the root's bound is looked at" },
	{ "no-room", "the root's room is not checked when a reservation covers the charge" },
	{ "no-full", "the root's room is not checked when nothing is reserved" },
	{ "charge-first", "the limits are checked after the counters are raised" },
	{ "two-locks", "the lock is dropped between the check and the charge" },
	{ "reserved-first", "a reservation is the reason also where a limit refuses" },
	{ "reserved-only", "a reservation is the reason also where the region is full" },
	{ "full-first", "a full region is the reason also where a limit refuses" },
	{ "peak-cancelled", "a cancelled charge stays in the peak" },
	{ "peak-late", "the peak is recorded after the usage has fallen" },
	{ "peak-own", "only the charged pool's peak is recorded" },
	{ "not-again", "a removal does not divide the parent's reservation again" },
	{ "orphans", "those below a pool that asks for nothing more keep their part" },
	{ "removed-keeps", "a removed cgroup keeps what it asked for" },
	{ "asked-early", "what is asked for is computed before the mutex is held" },
	{ "dying-early", "whether the cgroup is dying is read before the mutex is held" },
	{ "no-mutex", "two changes of reservations run at the same time" },
	{ "max-unlocked", "a limit is written while another thread has the lock" },
	{ "max-is-not-min", "a new dmem.max does not change what is asked for" },
	{ "unregister", "the requests of an unregistered region are still used" },
	{ "nr-stays", "the number of reservations does not fall" },
	{ "new-pool", "a new pool of a dying cgroup is not marked as dying" },
	{ "dying-local", "a charge of a dying cgroup is not told to its ancestors" },
	{ }
};

/* The position of a thread in its operation. */
enum pc {
	PC_START,
	PC_FIND_POOL, PC_CHARGE_CHECK, PC_CHARGE_REASON, PC_CHARGE,
	PC_UNCHARGE,
	PC_STORE, PC_KILL, PC_RESERVE, PC_ASK, PC_SHARE, PC_FIRST, PC_SECOND, PC_RESERVED,
	PC_UNACCOUNTED, PC_UNREGISTER,
	PC_NEXT,
};

static const char * const pc_names[] = {
	[PC_START] = "begins",
	[PC_FIND_POOL] = "finds or makes its pool",
	[PC_CHARGE_CHECK] = "takes the lock and checks",
	[PC_CHARGE_REASON] = "looks for the reason",
	[PC_CHARGE] = "charges",
	[PC_UNCHARGE] = "uncharges",
	[PC_STORE] = "stores the value",
	[PC_KILL] = "marks the pool as dying",
	[PC_RESERVE] = "takes the mutex",
	[PC_ASK] = "reads what is asked for",
	[PC_SHARE] = "computes the targets",
	[PC_FIRST] = "lowers one reservation",
	[PC_SECOND] = "raises one reservation",
	[PC_RESERVED] = "drops the mutex",
	[PC_UNACCOUNTED] = "takes or returns pages",
	[PC_UNREGISTER] = "unregisters",
	[PC_NEXT] = "ends",
};

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static enum outcome wrong(const char *what)
{
	step_wrong = what;
	return STEP_WRONG;
}

static bool must(bool holds, const char *what)
{
	if (!holds)
		step_wrong = what;
	return holds;
}

/* The kernel's arithmetic */

static int claim(const struct pool *pool)
{
	if (has_flaw("sum"))
		return pool->usage + pool->held + pool->reserved;
	return larger(pool->usage + pool->held, pool->reserved);
}

static int available(const struct world *w, const struct scenario *s)
{
	return has_flaw("no-unaccounted") ? s->capacity : s->capacity - w->unaccounted;
}

static int asked(const struct world *w, const struct scenario *s, int p)
{
	const struct pool *pool = &w->pool[p];
	int max = has_flaw("max-is-not-min") ? s->max[p] : pool->max;

	if (!p || (pool->flags & CSS_DYING && !has_flaw("removed-keeps")))
		return 0;
	return smaller(smaller(pool->min, max), s->capacity);
}

static int over_limit(const struct world *w, const struct scenario *s, int p, int units)
{
	for (; p && w->pool[p].usage + units <= w->pool[p].max; p = s->parent[p])
		;
	return p;
}

/* The pool that refuses the charge, or -1 */
static int refusing(const struct world *w, const struct scenario *s, int p, int units)
{
	int grown = units, commit, bound = available(w, s);

	if (!w->nr_reserved) {
		p = over_limit(w, s, p, units);
		return p || (w->pool[0].usage + units > bound && !has_flaw("no-full")) ? p : -1;
	}
	for (; p >= 0; p = s->parent[p]) {
		const struct pool *pool = &w->pool[p];

		bound = p ? pool->max : available(w, s);
		if (pool->usage + (grown ? pool->held + grown : units) > bound &&
		    !(p && has_flaw("root-only")) && !(!p && !grown && has_flaw("no-room")))
			break;
		commit = pool->usage + pool->held;
		grown = larger(commit + grown, pool->reserved) - larger(commit, pool->reserved);
	}
	return p;
}

static void add_usage(struct world *w, const struct scenario *s, int p, int units)
{
	int grown = units, before;

	for (; p >= 0; p = s->parent[p]) {
		struct pool *pool = &w->pool[p];

		before = claim(pool);
		if (!has_flaw(units > 0 ? "no-held" : "held-stays"))
			pool->held += grown - units;
		pool->usage += units;
		grown = claim(pool) - before;
		if (has_flaw("stops-early") && grown < units)
			grown = units;
	}
}

static void add_dying(struct world *w, const struct scenario *s, int p, int units)
{
	for (p = s->parent[p]; p >= 0; p = s->parent[p])
		w->pool[p].dying_usage += units;
}

static void add_local(struct world *w, const struct scenario *s, int p, int units)
{
	w->pool[p].local += units;
	if (w->pool[p].flags & POOL_DYING && !has_flaw("dying-local"))
		add_dying(w, s, p, units);
}

static void set_reserved(struct world *w, const struct scenario *s, int p, int units)
{
	int before = claim(&w->pool[p]), held;

	if (!has_flaw("nr-stays") || units)
		w->nr_reserved += !!units - !!w->pool[p].reserved;
	w->pool[p].reserved = units;
	held = claim(&w->pool[p]) - before;
	while (held && (p = s->parent[p]) >= 0) {
		before = claim(&w->pool[p]);
		w->pool[p].held += held;
		held = has_flaw("stops-early") ? 0 : claim(&w->pool[p]) - before;
	}
}

/* True if p is visited when top is divided: all between them ask for something. */
static bool is_asking(const struct world *w, const struct scenario *s, int p, int top)
{
	while (p > top && w->pool[p].asked)
		p = s->parent[p];
	return p == top;
}

static void share(struct world *w, const struct scenario *s, int top)
{
	int p, q;

	if (!top)
		w->total = available(w, s);
	for (q = top; q < s->pools; q++) {
		int total = q ? w->pool[q].target : w->total, sum = 0;

		if (!is_asking(w, s, q, top))
			continue;
		for (p = q + 1; p < s->pools; p++)
			sum += s->parent[p] == q ? w->pool[p].asked : 0;
		for (p = q + 1; p < s->pools; p++) {
			struct pool *pool = &w->pool[p];

			if (s->parent[p] == q && pool->asked)
				pool->target = sum <= total || has_flaw("unscaled") ? pool->asked :
					       pool->asked * total / sum;
		}
	}
}

/* The next pool from p on whose reservation one pass of a division changes, or POOLS */
static int next_changed(const struct world *w, const struct scenario *s, int p, int top, bool up)
{
	for (; p < s->pools; p++) {
		const struct pool *pool = &w->pool[p];

		if (is_asking(w, s, p, top) && pool->target != pool->reserved &&
		    (pool->target > pool->reserved) == up)
			return p;
	}
	return POOLS;
}

/* The specification */

static void to_model(const struct world *w, const struct scenario *s,
		     struct reserve_model *m)
{
	int p;

	rm_init(m, s->capacity, w->unaccounted);
	for (p = 1; p < s->pools; p++) {
		struct rm_node *node = &m->node[rm_create(m, s->parent[p])];

		node->min = w->pool[p].min;
		node->max = w->pool[p].max;
		node->alive = !(w->pool[p].flags & CSS_DYING);
		node->reserved = w->pool[p].reserved;
	}
	for (p = 0; p < s->pools; p++)
		m->node[p].own = w->pool[p].local;
}

static const struct operation *operation_of(const struct scenario *s,
					    const struct thread *t, int thread, int next)
{
	static const struct operation none;

	return t->op + next < PROGRAM ? &s->program[thread][t->op + next] : &none;
}

static bool is_below(const struct scenario *s, int p, int q)
{
	while (p > q)
		p = s->parent[p];
	return p == q;
}

/* The usage without charges that are to be cancelled */
static int kept(const struct world *w, const struct scenario *s, int q)
{
	int usage = w->pool[q].usage, t;

	for (t = 0; t < THREADS; t++) {
		const struct operation *op = operation_of(s, &w->thread[t], t, 0);

		if (op->code == OP_CANCEL && is_below(s, op->pool, q))
			usage -= w->thread[t].held;
	}
	return usage;
}

bool world_holds(const struct world *w, const struct scenario *s)
{
	int p, q, t, nr = 0;
	bool lowering = false;

	if (w->lock)
		return true;
	for (t = 0; t < THREADS; t++)
		lowering |= w->thread[t].pc == PC_FIRST;
	for (q = 0; q < s->pools; q++) {
		const struct pool *pool = &w->pool[q];
		int usage = 0, held = 0, reserved = 0, dying = 0;

		for (p = q; p < s->pools; p++) {
			const struct pool *below = &w->pool[p];

			if (!is_below(s, p, q))
				continue;
			usage += below->local;
			if (p != q && below->flags & CSS_DYING)
				dying += below->local;
			if (s->parent[p] != q)
				continue;
			held += larger(below->usage + below->held, below->reserved) - below->usage;
			reserved += below->reserved;
		}
		nr += pool->reserved > 0;
		if (!must(pool->usage == usage, "the usage is not what is charged") ||
		    !must(pool->held == held, "held is not what the children do not use") ||
		    !must(pool->dying_usage == dying, "dying is not what removed cgroups have") ||
		    !must(usage >= 0 && held >= 0 && pool->reserved >= 0 && pool->local >= 0,
			  "something is negative") ||
		    !must(q || usage <= s->capacity, "more is used than there is") ||
		    /*
		     * While reservations are lowered, a parent may have less than its children
		     * for a while. Its claim covers them, and no claim grows: see divide().
		     */
		    !must(lowering || reserved <= (q ? pool->reserved : w->total),
			  "the children have reserved more than the parent") ||
		    !must(pool->watermark <= s->capacity, "the peak is above the capacity") ||
		    !must(larger(pool->usage, pool->watermark) >= pool->true_peak,
			  "the peak is lower than the usage was"))
			return false;
	}
	return must(w->nr_reserved == nr, "the number of reservations is wrong") &&
	       must(nr || !w->pool[0].held, "something is held for nobody");
}

bool world_is_at_rest(const struct world *w, const struct scenario *s)
{
	struct reserve_model m;
	int p;

	to_model(w, s, &m);
	/* The root is not divided each time when U changes. */
	m.unaccounted = s->capacity - w->total;
	rm_configure(&m, RM_ROOT);
	for (p = 0; p < s->pools; p++) {
		const struct pool *pool = &w->pool[p];

		if (!must(larger(pool->usage, pool->watermark) == pool->true_peak,
			  "the peak is not that of the granted requests"))
			return false;
		if (!p || w->unregistered)
			continue;
		if (!must(pool->asked == rm_wish(&m, p), "a write was not put in force") ||
		    !must(pool->reserved == pool->target, "a reservation is not the one aimed at") ||
		    !must(pool->reserved == m.node[p].reserved,
			  "the reservations are not those of what was written"))
			return false;
	}
	return must(!w->lock && !w->reserve_mutex, "a lock is held");
}

void world_begin(struct world *w, const struct scenario *s)
{
	int p, up;

	memset(w, 0, sizeof(*w));
	w->unaccounted = s->unaccounted;
	for (p = 0; p < s->pools; p++) {
		struct pool *pool = &w->pool[p];

		pool->min = s->min[p];
		pool->max = s->max[p];
		pool->local = s->own[p];
		pool->asked = asked(w, s, p);
		pool->flags = s->absent[p] ? 0 : POOL_EXISTS;
		for (up = p; up >= 0; up = s->parent[up])
			w->pool[up].usage += s->own[p];
	}
	share(w, s, 0);
	for (p = 0; p < s->pools; p++) {
		w->pool[p].true_peak = w->pool[p].usage;
		if (p)
			set_reserved(w, s, p, w->pool[p].target);
	}
}

/* The steps. Those under the region's lock do not begin while another thread holds it. */

static enum outcome answer(struct world *w, const struct scenario *s, struct thread *t,
			   const struct operation *op, int verdict, int at)
{
	struct rm_answer now;
	struct reserve_model m;

	t->pc = PC_NEXT;
	w->lock = 0;
	if (verdict == t->verdict && (verdict == RM_GRANTED || at == t->at))
		return STEP_DONE;
	/* U has changed while the request had the lock. */
	to_model(w, s, &m);
	now = rm_ask(&m, op->pool, op->value);
	if (t->changed && (verdict == (int)now.verdict || verdict == t->verdict))
		return STEP_DONE;
	/* There was no room for the check, and there was when the reason was looked for. */
	if (t->changed && verdict == RM_RESERVED) {
		w->odd = 1;
		return STEP_DONE;
	}
	return wrong(verdict == RM_GRANTED ? "granted what the rule refuses" :
		     t->verdict == RM_GRANTED ? "refused what the rule grants" :
		     "refused for another reason than that of the rule");
}

static enum outcome step_charge(struct world *w, const struct scenario *s, int thread,
				const struct operation *op)
{
	struct thread *t = &w->thread[thread];
	struct pool *pool = &w->pool[op->pool];
	struct reserve_model m;
	struct rm_answer want;
	int p, by;

	switch (t->pc) {
	case PC_FIND_POOL:
		t->pc = w->unregistered ? PC_NEXT : PC_CHARGE_CHECK;
		if (!(pool->flags & POOL_EXISTS)) {
			pool->flags |= POOL_EXISTS;
			if (pool->flags & CSS_DYING && !has_flaw("new-pool"))
				pool->flags |= POOL_DYING;
		}
		return STEP_DONE;
	case PC_CHARGE_CHECK:
		to_model(w, s, &m);
		want = rm_ask(&m, op->pool, op->value);
		t->verdict = want.verdict;
		t->at = want.at;
		t->changed = 0;
		by = refusing(w, s, op->pool, op->value);
		t->pc = PC_CHARGE;
		w->lock = has_flaw("two-locks") ? 0 : thread + 1;
		if (has_flaw("charge-first"))
			add_usage(w, s, op->pool, op->value);
		if (by < 0)
			return STEP_DONE;
		if (has_flaw("charge-first"))
			w->lock = 0;
		t->pool = by;
		t->pc = PC_CHARGE_REASON;
		if (w->nr_reserved)
			return STEP_DONE;
		if (has_flaw("full-first") && w->pool[0].usage + op->value > available(w, s))
			by = 0;
		return answer(w, s, t, op, by ? RM_LIMIT : RM_FULL, by);
	case PC_CHARGE_REASON:
		if (has_flaw("charge-first"))
			add_usage(w, s, op->pool, -op->value);
		by = over_limit(w, s, op->pool, op->value);
		if (has_flaw("reserved-first"))
			by = 0;
		if (by)
			return answer(w, s, t, op, RM_LIMIT, by);
		if (w->pool[0].usage + op->value > available(w, s) && !has_flaw("reserved-only"))
			return answer(w, s, t, op, RM_FULL, 0);
		return answer(w, s, t, op, RM_RESERVED, t->pool);
	case PC_CHARGE:
		if (!has_flaw("charge-first"))
			add_usage(w, s, op->pool, op->value);
		add_local(w, s, op->pool, op->value);
		t->held = op->value;
		if (operation_of(s, t, thread, 1)->code == OP_CANCEL)
			return answer(w, s, t, op, RM_GRANTED, 0);
		for (p = op->pool; p >= 0; p = s->parent[p])
			w->pool[p].true_peak = larger(w->pool[p].true_peak, kept(w, s, p));
		return answer(w, s, t, op, RM_GRANTED, 0);
	}
	return STEP_DONE;
}

static void uncharge(struct world *w, const struct scenario *s, struct thread *t,
		     const struct operation *op)
{
	int units = op->code == OP_UNCHARGE ? op->value : t->held, p;
	bool cancel = op->code == OP_CANCEL;

	t->held = 0;
	t->pc = PC_NEXT;
	add_local(w, s, op->pool, -units);
	for (p = op->pool; p >= 0 && !cancel; p = s->parent[p])
		w->pool[p].true_peak = larger(w->pool[p].true_peak, w->pool[p].usage);
	if (has_flaw("peak-late"))
		add_usage(w, s, op->pool, -units);
	for (p = op->pool; p >= 0 && (!cancel || has_flaw("peak-cancelled")); p = s->parent[p]) {
		w->pool[p].watermark = larger(w->pool[p].watermark, w->pool[p].usage);
		if (has_flaw("peak-own"))
			break;
	}
	if (!has_flaw("peak-late"))
		add_usage(w, s, op->pool, -units);
}

/* Changes one reservation; a division of another top follows, or the end. */
static enum outcome divide(struct world *w, const struct scenario *s, struct thread *t)
{
	bool up = (t->pc == PC_SECOND) != has_flaw("grow-first");
	int p = next_changed(w, s, t->pool, t->top, up), before = claim(&w->pool[0]);

	if (p < POOLS) {
		set_reserved(w, s, p, w->pool[p].target);
		if (!up && claim(&w->pool[0]) > before)
			return wrong("a claim has grown while reservations are lowered");
		t->pool = p + 1;
		p = next_changed(w, s, t->pool, t->top, up);
	}
	if (p < POOLS)
		return STEP_DONE;
	t->pool = t->top;
	if (t->pc == PC_FIRST) {
		t->pc = PC_SECOND;
		if (next_changed(w, s, t->top, t->top, !up) < POOLS)
			return STEP_DONE;
	}
	if (t->asked || t->top == s->parent[t->at] || has_flaw("not-again")) {
		t->pc = PC_RESERVED;
	} else {
		t->top = s->parent[t->at];
		t->pc = PC_SHARE;
	}
	return STEP_DONE;
}

/* A written limit, or the removal of the cgroup */
static enum outcome step_config(struct world *w, const struct scenario *s, int thread,
				const struct operation *op)
{
	struct thread *t = &w->thread[thread];
	struct pool *pool = &w->pool[op->pool];
	int parent = s->parent[op->pool];

	switch (t->pc) {
	case PC_STORE:
		t->pc = w->unregistered ? PC_NEXT : PC_RESERVE;
		if (op->code == OP_MIN)
			pool->min = op->value;
		else
			pool->max = op->value;
		pool->flags |= POOL_EXISTS | (pool->flags & CSS_DYING ? POOL_DYING : 0);
		t->asked = has_flaw("dying-early") ? !!(pool->flags & CSS_DYING) : asked(w, s, op->pool);
		break;
	case PC_KILL:
		pool->flags |= CSS_DYING;
		t->pc = PC_NEXT;
		t->asked = has_flaw("dying-early");
		if (!(pool->flags & POOL_EXISTS))
			break;
		pool->flags |= POOL_DYING;
		add_dying(w, s, op->pool, pool->local);
		t->pc = PC_RESERVE;
		break;
	case PC_RESERVE:
		if (w->reserve_mutex && !has_flaw("no-mutex"))
			return STEP_BLOCKED;
		w->reserve_mutex = thread + 1;
		t->pc = PC_ASK;
		break;
	case PC_ASK:
		t->pc = PC_RESERVED;
		if (w->unregistered) {
			if (has_flaw("unregister"))
				return wrong("a list is used whose pools are freed");
			break;
		}
		if (has_flaw("dying-early"))
			t->asked = t->asked ? 0 : smaller(smaller(pool->min, pool->max), s->capacity);
		else if (!has_flaw("asked-early") || op->code == OP_REMOVE)
			t->asked = asked(w, s, op->pool);
		/* The top level is divided again for another U. */
		if (t->asked == pool->asked && (!t->asked || parent))
			break;
		pool->asked = t->asked;
		t->at = op->pool;
		t->top = parent;
		if (!t->asked)
			pool->target = 0;
		if (!t->asked && !has_flaw("orphans"))
			t->top = op->pool;
		else if (!t->asked)
			set_reserved(w, s, op->pool, 0);
		t->pc = PC_SHARE;
		break;
	case PC_SHARE:
		share(w, s, t->top);
		t->pool = t->top;
		t->pc = PC_FIRST;
		if (next_changed(w, s, t->top, t->top, has_flaw("grow-first")) == POOLS)
			return divide(w, s, t);
		break;
	case PC_FIRST:
	case PC_SECOND:
		return divide(w, s, t);
	case PC_RESERVED:
		w->reserve_mutex = 0;
		t->pc = PC_NEXT;
		break;
	}
	return STEP_DONE;
}

static enum outcome step_world(struct world *w, const struct scenario *s, int thread,
			       const struct operation *op)
{
	if (op->code == OP_UNREGISTER) {
		if (w->reserve_mutex)
			return STEP_BLOCKED;
		w->unregistered = 1;
	} else {
		w->unaccounted += op->value;
		if (w->lock)
			w->thread[w->lock - 1].changed = 1;
	}
	w->thread[thread].pc = PC_NEXT;
	(void)s;
	return STEP_DONE;
}

static const struct {
	const char *name;
	enum pc first;
} codes[] = {
	[OP_NONE] = { "nothing", PC_NEXT },
	[OP_CHARGE] = { "charge", PC_FIND_POOL },
	[OP_UNCHARGE] = { "uncharge", PC_UNCHARGE },
	[OP_RETURN] = { "return", PC_UNCHARGE },
	[OP_CANCEL] = { "cancel", PC_UNCHARGE },
	[OP_MIN] = { "min", PC_STORE },
	[OP_MAX] = { "max", PC_STORE },
	[OP_REMOVE] = { "remove", PC_KILL },
	[OP_UNACCOUNTED] = { "unaccounted", PC_UNACCOUNTED },
	[OP_UNREGISTER] = { "unregister", PC_UNREGISTER },
};

static bool takes_lock(enum opcode code, int pc)
{
	if (pc == PC_STORE)
		return code == OP_MAX && !has_flaw("max-unlocked");
	return pc == PC_CHARGE_CHECK || pc == PC_CHARGE_REASON || pc == PC_CHARGE ||
	       pc == PC_UNCHARGE || pc == PC_KILL || pc == PC_FIRST || pc == PC_SECOND;
}

enum outcome world_step(struct world *w, const struct scenario *s, int thread)
{
	struct thread *t = &w->thread[thread];
	const struct operation *op = operation_of(s, t, thread, 0);
	enum outcome outcome = STEP_DONE;

	if (op->code == OP_NONE)
		return STEP_ENDED;
	if (t->pc == PC_START)
		t->pc = codes[op->code].first;
	/* The charge before it was refused. */
	if ((op->code == OP_RETURN || op->code == OP_CANCEL) && !t->held)
		t->pc = PC_NEXT;
	if (w->lock && w->lock != thread + 1 && takes_lock(op->code, t->pc))
		return STEP_BLOCKED;
	switch (t->pc == PC_NEXT ? OP_NONE : op->code) {
	case OP_CHARGE:
		outcome = step_charge(w, s, thread, op);
		break;
	case OP_UNCHARGE:
	case OP_RETURN:
	case OP_CANCEL:
		uncharge(w, s, t, op);
		break;
	case OP_MIN:
	case OP_MAX:
	case OP_REMOVE:
		outcome = step_config(w, s, thread, op);
		break;
	case OP_UNACCOUNTED:
	case OP_UNREGISTER:
		outcome = step_world(w, s, thread, op);
		break;
	case OP_NONE:
		break;
	}
	/* Of the last operation, only @held is kept. */
	if (outcome == STEP_DONE && t->pc == PC_NEXT)
		*t = (struct thread) { .op = t->op + 1, .held = t->held };
	return outcome;
}

void world_say(const struct world *w, const struct scenario *s, int thread,
	       char *buf, int size)
{
	const struct thread *t = &w->thread[thread];
	const struct operation *op = operation_of(s, t, thread, 0);

	snprintf(buf, size, "%d: %s %d of pool %d: %s", thread, codes[op->code].name, op->value,
		 op->pool, pc_names[t->pc == PC_START ? codes[op->code].first : t->pc]);
}
