// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's algorithm in steps, see steps.h.
 *
 * A charge is committed first, and then added to the page counters, level by level. If one of these
 * exceeds its limit, all is taken back. So true_own includes charges between these two steps, and
 * in_flight() returns the part that is not in the page counters. An uncharge works the same way. If
 * there are commits, a charge holds the lock until it is in the page counters: no reader of both
 * can see their order, so it does not matter that the kernel begins with the counters.
 */
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "reserve_model.h"
#include "steps.h"

const char *step_wrong;

const struct flaw interleave_flaws[] = {
	{ "no-wait", "tracking starts again without waiting for charges of the last time" },
	{ "early-gp", "the grace period is noted before the flags are cleared" },
	{ "asked-twice", "what is asked for may become more after the wait for it" },
	{ "plain-flag", "the charges are read, and then the flag is set" },
	{ "no-lock", "a charge compares and commits without the lock" },
	{ "no-look-again", "whoever saw the flag commits, even if tracking has stopped" },
	{ "counters-outside", "a charge is added to the usage after the lock is dropped" },
	{ "no-undo", "a refused charge stays in local" },
	{ "no-return", "what is refused by a limit stays committed" },
	{ "no-cancel", "what is refused by a limit stays in the usage below it" },
	{ "check-then-add", "a limit is looked at before the usage is raised" },
	{ "new-pool", "a new pool does not know of the tracking" },
	{ "stale-commit", "commits are not reset when tracking stops" },
	{ "from-local", "a configuration takes own charges from local" },
	{ "sum", "a pool claims its commit and its reservation, not the larger" },
	{ "unscaled", "reservations beyond what the parent has are not scaled" },
	{ "no-unaccounted", "the root's bound is the capacity" },
	{ "root-only", "only the root's bound is looked at" },
	{ "stops-early", "an uncharge ends at the first parent" },
	{ "goes-on", "an uncharge goes on where a reservation takes it" },
	{ "orphans", "those below a cgroup that asks for nothing more keep their part" },
	{ "removed-keeps", "a removed cgroup keeps what it asked for" },
	{ "dying-late", "the charges are read before a cgroup is marked as dying" },
	{ "max-is-not-min", "a new dmem.max does not change what is asked for" },
	{ }
};

/* The position of a thread in its operation. */
enum pc {
	PC_START,
	/* charge */
	PC_FIND_POOL, PC_NEW_POOL, PC_NEW_POOL_UNLOCK,
	PC_LOCAL_ADD, PC_CHARGE_LOCK, PC_CHARGE_CHECK, PC_COMMIT, PC_CHARGE_UNLOCK,
	PC_LOCAL_UNDO,
	PC_USAGE_ADD, PC_USAGE_CHECK, PC_USAGE_SUB, PC_USAGE_CANCEL,
	/* uncharge, and the way back of a charge that a limit refused */
	PC_REFUSED, PC_LOCAL_SUB, PC_UNCHARGE_LOCK, PC_UNCOMMIT, PC_UNCHARGE_UNLOCK, PC_UNCHARGE_USAGE,
	/* min, max */
	PC_STORE, PC_CONFIG_LOCK, PC_CONFIG_POLL, PC_CONFIG_WAIT, PC_CONFIG_ASK,
	/* remove */
	PC_KILL_LOCK, PC_KILL_FLAG,
	/* all three */
	PC_RESERVE_LOCK, PC_TRACK_READ, PC_TRACK, PC_DISTRIBUTE, PC_UNTRACK, PC_STOPPED,
	PC_RESERVE_UNLOCK, PC_CONFIG_UNLOCK,
	/* unaccounted */
	PC_UNACCOUNTED,
	PC_NEXT,
};

static const char * const pc_names[] = {
	[PC_START] = "begins",
	[PC_FIND_POOL] = "looks for its pool",
	[PC_NEW_POOL] = "makes its pool",
	[PC_NEW_POOL_UNLOCK] = "drops the global lock",
	[PC_USAGE_ADD] = "adds to the usage",
	[PC_USAGE_CHECK] = "compares with the limit",
	[PC_USAGE_SUB] = "is above it, takes it from the usage",
	[PC_USAGE_CANCEL] = "takes it from the usage",
	[PC_LOCAL_ADD] = "adds to local, in RCU",
	[PC_CHARGE_LOCK] = "takes the reserve lock",
	[PC_CHARGE_CHECK] = "compares the commits with the bounds",
	[PC_COMMIT] = "commits",
	[PC_CHARGE_UNLOCK] = "drops the reserve lock",
	[PC_LOCAL_UNDO] = "takes it from local",
	[PC_REFUSED] = "is refused by a limit",
	[PC_LOCAL_SUB] = "takes it from local, in RCU",
	[PC_UNCHARGE_LOCK] = "takes the reserve lock",
	[PC_UNCOMMIT] = "takes it from the commit",
	[PC_UNCHARGE_UNLOCK] = "drops the reserve lock",
	[PC_UNCHARGE_USAGE] = "takes it from the usage",
	[PC_STORE] = "stores the value",
	[PC_CONFIG_LOCK] = "takes the global lock",
	[PC_CONFIG_POLL] = "looks whether a grace period is over",
	[PC_CONFIG_WAIT] = "waits for the grace period",
	[PC_CONFIG_ASK] = "reads what is asked for",
	[PC_KILL_LOCK] = "takes the global lock",
	[PC_KILL_FLAG] = "marks the pool as dying",
	[PC_RESERVE_LOCK] = "takes the reserve lock",
	[PC_TRACK_READ] = "reads local",
	[PC_TRACK] = "sets the flag and commits the charges",
	[PC_DISTRIBUTE] = "computes the reservations",
	[PC_UNTRACK] = "clears the flag",
	[PC_STOPPED] = "stops tracking",
	[PC_RESERVE_UNLOCK] = "drops the reserve lock",
	[PC_CONFIG_UNLOCK] = "drops the global lock",
	[PC_UNACCOUNTED] = "takes or returns pages",
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

/* The kernel's own arithmetic */

static int claim(const struct pool *pool)
{
	if (has_flaw("sum"))
		return pool->commit + pool->reserved;
	return larger(pool->commit, pool->reserved);
}

static int available(const struct world *w, const struct scenario *s)
{
	return has_flaw("no-unaccounted") ? s->capacity : s->capacity - w->unaccounted;
}

static int asked(const struct world *w, const struct scenario *s, int p)
{
	const struct pool *pool = &w->pool[p];
	int max = has_flaw("max-is-not-min") ? s->max[p] : pool->max;

	if (pool->flags & CSS_DYING)
		return 0;
	return smaller(smaller(pool->min, max), s->capacity);
}

static void commit(struct world *w, const struct scenario *s, int p, int units)
{
	for (; p >= 0 && units; p = s->parent[p]) {
		struct pool *pool = &w->pool[p];
		int before = claim(pool);

		pool->commit += units;
		units = claim(pool) - before;
	}
}

static int full(const struct world *w, const struct scenario *s, int p, int units)
{
	for (; p >= 0 && units; p = s->parent[p]) {
		struct pool after = w->pool[p];
		int bound = p ? after.max : available(w, s);

		after.commit += units;
		if (after.commit > bound && !(p && has_flaw("root-only")))
			return p;
		units = claim(&after) - claim(&w->pool[p]);
	}
	return -1;
}

static void set_reserved(struct world *w, const struct scenario *s, int p, int units)
{
	int before = claim(&w->pool[p]);

	w->pool[p].reserved = units;
	commit(w, s, s->parent[p], claim(&w->pool[p]) - before);
}

/*
 * Gives the nodes below top their wishes, or a fair share if there is not enough. Parents have
 * lower numbers than their children.
 */
static void distribute(struct world *w, const struct scenario *s, int top)
{
	bool visit[POOLS] = {};
	int p, q;

	visit[top] = true;
	for (q = top; q < s->pools; q++) {
		int total = q ? w->pool[q].reserved : available(w, s), sum = 0;

		if (!visit[q])
			continue;
		for (p = 1; p < s->pools; p++)
			sum += s->parent[p] == q ? w->pool[p].asked : 0;
		for (p = 1; p < s->pools; p++) {
			int units = w->pool[p].asked;

			if (s->parent[p] != q || !units)
				continue;
			if (sum > total && !has_flaw("unscaled"))
				units = units * total / sum;
			set_reserved(w, s, p, units);
			visit[p] = true;
		}
	}
}

static bool anybody_asks(const struct world *w, const struct scenario *s)
{
	int p;

	for (p = 1; p < s->pools; p++) {
		if (!s->parent[p] && w->pool[p].asked)
			return true;
	}
	return false;
}

/* A flaw: includes charges that other threads are about to take back. */
static void recommit(struct world *w, const struct scenario *s)
{
	int p;

	for (p = 0; p < s->pools; p++)
		w->pool[p].commit = 0;
	for (p = 0; p < s->pools; p++)
		w->pool[p].reserved = 0;
	for (p = 0; p < s->pools; p++)
		commit(w, s, p, w->pool[p].local);
}

static void add_dying(struct world *w, const struct scenario *s, int p, int units)
{
	for (p = s->parent[p]; p >= 0; p = s->parent[p])
		w->pool[p].dying += units;
}

/* Adds to the word and returns its former value. */
static void add_local(struct world *w, const struct scenario *s, struct thread *t,
		      int p, int units)
{
	struct pool *pool = &w->pool[p];

	pool->local += units;
	t->tracked = !!(pool->flags & LOCAL_TRACKED);
	if (pool->flags & LOCAL_DYING)
		add_dying(w, s, p, units);
}

/* The specification */

static void to_model(const struct world *w, const struct scenario *s,
		     struct reserve_model *m)
{
	int p;

	rm_init(m, s->capacity, w->unaccounted);
	for (p = 1; p < s->pools; p++)
		rm_create(m, s->parent[p]);
	for (p = 0; p < s->pools; p++) {
		const struct pool *pool = &w->pool[p];
		struct rm_node *node = &m->node[p];

		node->own = pool->true_own;
		node->min = pool->true_wish;
		node->max = p ? pool->max : RM_UNLIMITED;
		if (p)
			node->reserved = pool->true_reserved;
	}
}

/* The effective reservations below q, at the time of a configuration */
static void true_configure(struct world *w, const struct scenario *s, int q)
{
	struct reserve_model m;
	int p;

	to_model(w, s, &m);
	/* The wishes include the limits already. */
	for (p = 1; p < s->pools; p++)
		m.node[p].max = RM_UNLIMITED;
	rm_configure(&m, q);
	for (p = 1; p < s->pools; p++)
		w->pool[p].true_reserved = m.node[p].reserved;
}

static bool is_on_way(const struct scenario *s, int p, int q)
{
	for (; p >= 0 && p != q; p = s->parent[p])
		;
	return p == q;
}

static int true_usage(const struct world *w, const struct scenario *s, int q)
{
	int p, sum = 0;

	for (p = 0; p < s->pools; p++)
		sum += is_on_way(s, p, q) ? w->pool[p].true_own : 0;
	return sum;
}

/* True if the charge holds the lock while it is added to the usage. */
static bool has_lock(const struct thread *t)
{
	return t->committed && !has_flaw("counters-outside");
}

/* The thread's part of the usage of q beyond true_own; negative: missing in the usage. */
static int in_flight(const struct scenario *s, const struct thread *t,
		     const struct operation *op, int q)
{
	int value = op->value, p;
	bool below = false;	/* q is below the current level of the walk */

	if (op->code == OP_NONE || !is_on_way(s, op->pool, q))
		return 0;
	for (p = op->pool; p >= 0 && p != t->pool; p = s->parent[p])
		below |= p == q;
	switch (t->pc) {
	case PC_CHARGE_LOCK:
	case PC_CHARGE_CHECK:
	case PC_COMMIT:
		return t->counted ? -value : 0;
	case PC_CHARGE_UNLOCK:
		return t->counted && !has_lock(t) ? -value : 0;
	case PC_USAGE_ADD:
		return below ? 0 : -value;
	case PC_USAGE_CHECK:
	case PC_USAGE_SUB:
		return below || (q == t->pool && !has_flaw("check-then-add")) ? 0 : -value;
	case PC_USAGE_CANCEL:
		/* Still charged from here up to the level that refused it. */
		return !below && q != t->full && is_on_way(s, q, t->full) ? 0 : -value;
	case PC_REFUSED:
	case PC_LOCAL_SUB:
		return t->refused ? -value : 0;
	case PC_UNCHARGE_LOCK:
	case PC_UNCOMMIT:
	case PC_UNCHARGE_UNLOCK:
		return !!t->counted * value - t->refused * value;
	case PC_UNCHARGE_USAGE:
		return below ? 0 : value;
	}
	return 0;
}

static const struct operation *operation_of(const struct scenario *s,
					    const struct thread *t, int thread)
{
	static const struct operation none;

	return t->op < PROGRAM ? &s->program[thread][t->op] : &none;
}

/* Committed charges that a limit may still refuse. */
static int undecided(const struct world *w, const struct scenario *s, int p, bool below,
		     int but)
{
	int sum = 0, t;

	for (t = 0; t < THREADS; t++) {
		const struct operation *op = operation_of(s, &w->thread[t], t);

		if (t == but || op->code != OP_CHARGE || w->thread[t].pc == PC_START ||
		    !(w->thread[t].refused ? !w->thread[t].counted : w->thread[t].counted))
			continue;
		if (op->pool == p || (below && is_on_way(s, op->pool, p)))
			sum += op->value;
	}
	return sum;
}

/* The kernel's reason for a request that does not fit in "full", from the usage */
static enum rm_verdict reason(const struct world *w, const struct scenario *s, int p, int n,
			      int full)
{
	int q;

	for (q = p; q > 0; q = s->parent[q]) {
		if (w->pool[q].usage + n > w->pool[q].max)
			return RM_LIMIT;
	}
	return !full && w->pool[0].usage + n > available(w, s) ? RM_FULL : RM_RESERVED;
}

/*
 * The reason must not be a reservation if a limit, or a full region, would have refused the
 * request, too. Memory that is being returned stays in the usage longer than necessary, and makes
 * it look like one of these. Charges from the time before the first reservation may be missing:
 * then only the granted requests are certain.
 */
static bool true_reason(const struct world *w, const struct scenario *s, int thread,
			const struct reserve_model *m, int p, int n, int full)
{
	enum rm_verdict want = rm_ask_limits(m, p, n).verdict, is = reason(w, s, p, n, full);
	int t;

	for (t = 0; t < THREADS; t++) {
		const struct operation *op = operation_of(s, &w->thread[t], t);

		if (t != thread && op->code == OP_CHARGE && w->thread[t].pc != PC_START &&
		    !w->thread[t].committed)
			return true;
	}
	if (want == RM_GRANTED)
		want = rm_ask_commits(m, p, n).verdict;
	return is == want || is == RM_LIMIT || (is == RM_FULL && want == RM_RESERVED);
}

/* True if the kernel's answer to the charge is that of the specification. */
static bool true_answer(struct world *w, const struct scenario *s, int thread, int p, int n,
			int said)
{
	enum rm_verdict want = said < 0 ? RM_GRANTED : RM_RESERVED;
	struct rm_answer answer;
	struct reserve_model m;
	int q;

	to_model(w, s, &m);
	if (said >= 0 && !true_reason(w, s, thread, &m, p, n, said))
		return false;
	answer = rm_ask_commits(&m, p, n);
	if (answer.verdict == RM_FULL)
		answer.verdict = RM_RESERVED;
	if (answer.verdict != want || (said >= 0 && answer.at != said))
		return false;
	/*
	 * This was with all committed charges. Without the undecided ones the request must be
	 * granted as well; otherwise it was refused only temporarily.
	 */
	for (q = 0; q < s->pools; q++)
		m.node[q].own -= undecided(w, s, q, false, thread);
	answer = rm_ask_commits(&m, p, n);
	if (answer.verdict == RM_GRANTED && said >= 0)
		w->transient = 1;
	return answer.verdict == RM_GRANTED || said >= 0;
}

bool world_holds(const struct world *w, const struct scenario *s)
{
	struct reserve_model m;
	int p, t;

	for (p = 0; p < s->pools; p++) {
		int sum = true_usage(w, s, p);

		for (t = 0; t < THREADS; t++)
			sum += in_flight(s, &w->thread[t],
					 operation_of(s, &w->thread[t], t), p);
		if (w->pool[p].usage != sum) {
			step_wrong = "the usage is not what is charged and what is in flight";
			return false;
		}
	}
	if (!w->tracking || w->reserve_lock)
		return true;
	/* With the flaw "no-lock", no thread may be on its way up. */
	for (t = 0; t < THREADS; t++) {
		if (w->thread[t].pc == PC_COMMIT || w->thread[t].pc == PC_UNCOMMIT)
			return true;
	}
	to_model(w, s, &m);
	for (p = 0; p < s->pools; p++) {
		if (w->pool[p].commit != rm_commit(&m, p)) {
			step_wrong = "a commit is not own charges and the children's claims";
			return false;
		}
		if (p && w->pool[p].reserved != w->pool[p].true_reserved) {
			step_wrong = "an effective reservation is not what it should be";
			return false;
		}
	}
	return true;
}

bool world_is_at_rest(const struct world *w, const struct scenario *s)
{
	int p, up, dying[POOLS] = {};
	struct world again = *w;

	step_wrong = NULL;
	for (p = 0; p < s->pools; p++) {
		const struct pool *pool = &w->pool[p];

		if (pool->local != pool->true_own)
			step_wrong = "local is not what is charged";
		if (pool->usage != true_usage(w, s, p))
			step_wrong = "usage is not what is charged";
		if (pool->flags & POOL_EXISTS &&
		    !(pool->flags & LOCAL_TRACKED) != !w->tracking)
			step_wrong = "a flag is wrong";
		if (!w->tracking && (pool->commit || pool->reserved))
			step_wrong = "something is left when tracking has stopped";
		if (pool->asked != asked(w, s, p) && p)
			step_wrong = "what was written is not what is asked for";
		again.pool[p].true_wish = !p || pool->flags & CSS_DYING ? 0 :
			smaller(smaller(pool->min, pool->max), s->capacity);
		if (again.pool[p].true_wish != pool->true_wish)
			step_wrong = "a write was not put in force";
		for (up = s->parent[p]; up >= 0; up = s->parent[up])
			dying[up] += pool->flags & CSS_DYING ? pool->true_own : 0;
	}
	for (p = 0; p < s->pools; p++) {
		if (w->pool[p].dying != dying[p])
			step_wrong = "dying is not what removed cgroups have";
	}
	if (!w->tracking != !anybody_asks(w, s))
		step_wrong = "tracking does not go with the reservations";
	if (w->global_lock || w->reserve_lock || w->readers)
		step_wrong = "a lock is held";
	/* No page changed meanwhile: then the order does not matter. */
	true_configure(&again, s, 0);
	for (p = 1; w->unaccounted == s->unaccounted && p < s->pools; p++) {
		if (again.pool[p].true_reserved != w->pool[p].reserved)
			step_wrong = "the reservations are not those of what was written";
	}
	return !step_wrong;
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
		pool->true_own = s->own[p];
		pool->asked = p ? smaller(smaller(s->min[p], s->max[p]), s->capacity) : 0;
		pool->true_wish = pool->asked;
		pool->flags = s->absent[p] ? 0 : POOL_EXISTS;
		for (up = p; up >= 0; up = s->parent[up])
			w->pool[up].usage += s->own[p];
	}
	w->tracking = anybody_asks(w, s);
	true_configure(w, s, 0);
	if (!w->tracking)
		return;
	for (p = 0; p < s->pools; p++) {
		if (w->pool[p].flags & POOL_EXISTS)
			w->pool[p].flags |= LOCAL_TRACKED;
		commit(w, s, p, w->pool[p].local);
	}
	distribute(w, s, 0);
}

/* The steps */

static bool lock(uint8_t *lock, int thread)
{
	if (*lock)
		return false;
	*lock = thread + 1;
	return true;
}

static void leave_rcu(struct world *w, int thread)
{
	int t;

	w->readers &= ~(1 << thread);
	w->idle_gp &= ~(1 << thread);
	for (t = 0; t < THREADS; t++)
		w->thread[t].waits_for &= ~(1 << thread);
}

/* It is committed, but not in the usage any more. */
static void refused_by_limit(struct thread *t, const struct operation *op)
{
	t->pool = op->pool;
	t->refused = 1;
	t->counted = 0;
	if (has_flaw("no-return"))
		t->pc = has_lock(t) ? PC_UNCHARGE_UNLOCK : PC_NEXT;
	else
		t->pc = has_lock(t) ? PC_REFUSED : PC_LOCAL_SUB;
}

static void undo_local(struct world *w, const struct scenario *s, int thread,
		       const struct operation *op)
{
	struct thread *t = &w->thread[thread];

	if (!has_flaw("no-undo"))
		add_local(w, s, t, op->pool, -op->value);
	leave_rcu(w, thread);
	t->pc = PC_NEXT;
}

static enum outcome step_charge(struct world *w, const struct scenario *s, int thread,
				const struct operation *op)
{
	struct thread *t = &w->thread[thread];
	struct pool *pool = &w->pool[t->pool];

	switch (t->pc) {
	case PC_FIND_POOL:
		if (pool->flags & POOL_EXISTS) {
			t->pc = PC_LOCAL_ADD;
			break;
		}
		if (!lock(&w->global_lock, thread))
			return STEP_BLOCKED;
		t->pc = PC_NEW_POOL;
		break;
	case PC_NEW_POOL:
		if (!(pool->flags & POOL_EXISTS)) {
			pool->flags |= POOL_EXISTS;
			if (w->tracking && !has_flaw("new-pool"))
				pool->flags |= LOCAL_TRACKED;
		}
		t->pc = PC_NEW_POOL_UNLOCK;
		break;
	case PC_NEW_POOL_UNLOCK:
		w->global_lock = 0;
		t->pc = PC_LOCAL_ADD;
		break;
	case PC_LOCAL_ADD:
		w->readers |= 1 << thread;
		add_local(w, s, t, op->pool, op->value);
		t->pc = PC_CHARGE_LOCK;
		if (t->tracked)
			break;
		pool->true_own += op->value;
		t->counted = 1;
		t->pc = PC_USAGE_ADD;
		leave_rcu(w, thread);
		break;
	case PC_CHARGE_LOCK:
		if (!has_flaw("no-lock") && !lock(&w->reserve_lock, thread))
			return STEP_BLOCKED;
		t->pc = PC_CHARGE_CHECK;
		if (w->tracking || has_flaw("no-look-again"))
			break;
		pool->true_own += op->value;
		t->counted = 1;
		t->pc = PC_CHARGE_UNLOCK;
		break;
	case PC_CHARGE_CHECK:
		t->full = full(w, s, op->pool, op->value);
		if (w->tracking &&
		    !true_answer(w, s, thread, op->pool, op->value, t->full))
			return wrong(t->full < 0 ? "granted what others have reserved" :
				     "refused what nobody has reserved, or for another reason");
		t->pc = PC_CHARGE_UNLOCK;
		if (t->full >= 0)
			break;
		t->committed = 1;
		pool->true_own += op->value;
		t->counted = 1;
		t->units = op->value;
		t->pc = PC_COMMIT;
		break;
	case PC_COMMIT:
		t->seen = claim(pool);
		pool->commit += t->units;
		t->units = claim(pool) - t->seen;
		t->pool = s->parent[t->pool];
		if (t->pool >= 0 && t->units)
			break;
		t->pool = op->pool;
		t->pc = has_lock(t) ? PC_USAGE_ADD : PC_CHARGE_UNLOCK;
		break;
	case PC_CHARGE_UNLOCK:
		if (!has_flaw("no-lock"))
			w->reserve_lock = 0;
		t->pc = PC_LOCAL_UNDO;
		if (t->full >= 0)
			break;
		t->pc = has_lock(t) ? PC_NEXT : PC_USAGE_ADD;
		leave_rcu(w, thread);
		break;
	case PC_LOCAL_UNDO:
		undo_local(w, s, thread, op);
		break;
	case PC_USAGE_ADD:
		t->seen = pool->usage + op->value;
		/* The usage without charges that may be refused */
		t->units = true_usage(w, s, t->pool) -
			   undecided(w, s, t->pool, true, -1);
		if (!has_flaw("check-then-add"))
			pool->usage = t->seen;
		t->pc = PC_USAGE_CHECK;
		break;
	case PC_USAGE_CHECK:
		if (t->pool && t->seen > pool->max) {
			t->pc = PC_USAGE_SUB;
			if (t->units + op->value > pool->max)
				break;
			/* Charges that other threads were about to take back were in the way. */
			w->transient = 1;
			if (t->seen <= t->units + op->value)
				return wrong("refused by a limit that it does not reach");
			break;
		}
		/* Unless the limit has changed. */
		if (t->pool && pool->max == s->max[t->pool] &&
		    true_usage(w, s, t->pool) -
		    undecided(w, s, t->pool, true, thread) > pool->max)
			return wrong("granted above a limit");
		if (has_flaw("check-then-add"))
			pool->usage += op->value;
		t->pool = s->parent[t->pool];
		t->pc = PC_USAGE_ADD;
		if (t->pool >= 0)
			break;
		t->held = op->value;
		t->pool = op->pool;
		t->pc = has_lock(t) ? PC_CHARGE_UNLOCK : PC_NEXT;
		break;
	case PC_USAGE_SUB:
		if (!has_flaw("check-then-add"))
			pool->usage -= op->value;
		t->full = t->pool;
		t->pool = op->pool;
		t->pc = PC_USAGE_CANCEL;
		if (t->pool != t->full && !has_flaw("no-cancel"))
			break;
		refused_by_limit(t, op);
		break;
	case PC_USAGE_CANCEL:
		pool->usage -= op->value;
		t->pool = s->parent[t->pool];
		if (t->pool != t->full)
			break;
		refused_by_limit(t, op);
		break;
	}
	return STEP_DONE;
}

static enum outcome step_uncharge(struct world *w, const struct scenario *s, int thread,
				  const struct operation *op, int value)
{
	struct thread *t = &w->thread[thread];
	struct pool *pool = &w->pool[t->pool];

	switch (t->pc) {
	case PC_LOCAL_SUB:
		w->readers |= 1 << thread;
		add_local(w, s, t, op->pool, -value);
		t->pc = PC_UNCHARGE_LOCK;
		if (t->tracked)
			break;
		t->counted = 1;
		pool->true_own -= value;
		leave_rcu(w, thread);
		t->pc = t->refused ? PC_NEXT : PC_UNCHARGE_USAGE;
		break;
	case PC_UNCHARGE_LOCK:
		if (!has_flaw("no-lock") && !lock(&w->reserve_lock, thread))
			return STEP_BLOCKED;
		/* fall through */
	case PC_REFUSED:
		pool->true_own -= value;
		t->counted = 1;
		t->units = -value;
		t->pc = w->tracking || has_flaw("no-look-again") ? PC_UNCOMMIT :
								   PC_UNCHARGE_UNLOCK;
		break;
	case PC_UNCOMMIT:
		t->seen = claim(pool);
		pool->commit += t->units;
		if (!has_flaw("goes-on"))
			t->units = claim(pool) - t->seen;
		t->pool = s->parent[t->pool];
		if (t->pool >= 0 && t->units && !has_flaw("stops-early"))
			break;
		t->pool = op->pool;
		t->pc = PC_UNCHARGE_UNLOCK;
		break;
	case PC_UNCHARGE_UNLOCK:
		if (!has_flaw("no-lock"))
			w->reserve_lock = 0;
		t->pc = PC_LOCAL_UNDO;
		if (t->refused && has_lock(t))
			break;
		leave_rcu(w, thread);
		t->pc = t->refused ? PC_NEXT : PC_UNCHARGE_USAGE;
		break;
	case PC_LOCAL_UNDO:
		undo_local(w, s, thread, op);
		break;
	case PC_UNCHARGE_USAGE:
		pool->usage -= value;
		t->pool = s->parent[t->pool];
		if (t->pool < 0)
			t->pc = PC_NEXT;
		break;
	}
	return STEP_DONE;
}

/* A written limit, or the removal of the cgroup */
static enum outcome step_config(struct world *w, const struct scenario *s, int thread,
				const struct operation *op)
{
	struct thread *t = &w->thread[thread];
	struct pool *pool = &w->pool[op->pool];
	bool gone;

	switch (t->pc) {
	case PC_STORE:
		if (op->code == OP_MIN)
			pool->min = op->value;
		else
			pool->max = op->value;
		t->pc = PC_CONFIG_LOCK;
		break;
	case PC_CONFIG_LOCK:
		if (!lock(&w->global_lock, thread))
			return STEP_BLOCKED;
		/* Makes the pool state if it does not exist, as for a charge. */
		if (!(pool->flags & POOL_EXISTS))
			pool->flags |= POOL_EXISTS | (w->tracking ? LOCAL_TRACKED : 0);
		t->pc = PC_CONFIG_POLL;
		break;
	case PC_CONFIG_POLL:
		t->asked = asked(w, s, op->pool);
		t->pc = has_flaw("asked-twice") ? PC_CONFIG_ASK : PC_RESERVE_LOCK;
		if (w->tracking || !t->asked || !w->idle_gp || has_flaw("no-wait"))
			break;
		t->waits_for = w->idle_gp;
		t->turns++;
		w->global_lock = 0;
		t->pc = PC_CONFIG_WAIT;
		break;
	case PC_CONFIG_WAIT:
		if (t->waits_for)
			return STEP_BLOCKED;
		t->pc = PC_CONFIG_LOCK;
		break;
	case PC_CONFIG_ASK:
		t->asked = asked(w, s, op->pool);
		t->pc = PC_RESERVE_LOCK;
		break;
	case PC_KILL_LOCK:
		if (!lock(&w->global_lock, thread))
			return STEP_BLOCKED;
		pool->flags |= CSS_DYING;
		t->seen = pool->local;
		t->pc = PC_KILL_FLAG;
		break;
	case PC_KILL_FLAG:
		if (!has_flaw("dying-late"))
			t->seen = pool->local;
		pool->flags |= LOCAL_DYING;
		add_dying(w, s, op->pool, t->seen);
		t->asked = 0;
		t->pc = pool->asked && !has_flaw("removed-keeps") ? PC_RESERVE_LOCK :
								    PC_CONFIG_UNLOCK;
		break;
	case PC_RESERVE_LOCK:
		if (!lock(&w->reserve_lock, thread))
			return STEP_BLOCKED;
		t->pool = 0;
		t->pc = PC_DISTRIBUTE;
		if (t->asked && !s->parent[op->pool] && !w->tracking)
			t->pc = has_flaw("plain-flag") ? PC_TRACK_READ : PC_TRACK;
		break;
	case PC_TRACK_READ:
		t->seen = w->pool[t->pool].local;
		t->pc = PC_TRACK;
		break;
	case PC_TRACK:
		if (!has_flaw("plain-flag"))
			t->seen = w->pool[t->pool].local;
		if (w->pool[t->pool].flags & POOL_EXISTS) {
			w->pool[t->pool].flags |= LOCAL_TRACKED;
			commit(w, s, t->pool, t->seen);
		}
		t->pc = has_flaw("plain-flag") ? PC_TRACK_READ : PC_TRACK;
		if (++t->pool < s->pools)
			break;
		w->tracking = 1;
		t->pc = PC_DISTRIBUTE;
		break;
	case PC_DISTRIBUTE:
		gone = pool->asked && !t->asked;
		pool->asked = t->asked;
		pool->true_wish = t->asked;
		if (op->code == OP_MAX && has_flaw("max-is-not-min"))
			pool->true_wish = smaller(smaller(pool->min, pool->max),
						  s->capacity);
		if (has_flaw("from-local"))
			recommit(w, s);
		if (gone) {
			set_reserved(w, s, op->pool, 0);
			if (!has_flaw("orphans"))
				distribute(w, s, op->pool);
		}
		t->pc = PC_RESERVE_UNLOCK;
		if (!w->tracking)
			break;
		distribute(w, s, s->parent[op->pool]);
		true_configure(w, s, s->parent[op->pool]);
		t->pool = 0;
		if (anybody_asks(w, s))
			break;
		t->pc = PC_UNTRACK;
		if (has_flaw("early-gp"))
			w->idle_gp = w->readers;
		break;
	case PC_UNTRACK:
		w->pool[t->pool].flags &= ~LOCAL_TRACKED;
		if (!has_flaw("stale-commit"))
			w->pool[t->pool].commit = 0;
		if (++t->pool == s->pools)
			t->pc = PC_STOPPED;
		break;
	case PC_STOPPED:
		w->tracking = 0;
		if (!has_flaw("early-gp"))
			w->idle_gp = w->readers;
		t->pc = PC_RESERVE_UNLOCK;
		break;
	case PC_RESERVE_UNLOCK:
		w->reserve_lock = 0;
		t->pc = PC_CONFIG_UNLOCK;
		break;
	case PC_CONFIG_UNLOCK:
		w->global_lock = 0;
		/* A removed cgroup has no wishes, whatever the result was. */
		if (op->code == OP_REMOVE)
			pool->true_wish = 0;
		t->pc = PC_NEXT;
		break;
	}
	return STEP_DONE;
}

static int first_pc(const struct operation *op)
{
	switch (op->code) {
	case OP_CHARGE:
		return PC_FIND_POOL;
	case OP_UNCHARGE:
	case OP_RETURN:
		return PC_LOCAL_SUB;
	case OP_MIN:
	case OP_MAX:
		return PC_STORE;
	case OP_REMOVE:
		return PC_KILL_LOCK;
	case OP_UNACCOUNTED:
		return PC_UNACCOUNTED;
	case OP_NONE:
		break;
	}
	return PC_NEXT;
}

/* Starts the next operation; of the last one, only @held is kept. */
static void next_operation(struct thread *t)
{
	struct thread fresh = { .op = t->op + 1, .held = t->held };

	*t = fresh;
}

enum outcome world_step(struct world *w, const struct scenario *s, int thread)
{
	struct thread *t = &w->thread[thread];
	const struct operation *op = operation_of(s, t, thread);
	enum outcome outcome = STEP_DONE;

	if (op->code == OP_NONE)
		return STEP_ENDED;
	if (t->pc == PC_START) {
		t->pool = op->pool;
		t->full = -1;
		t->pc = first_pc(op);
		if (op->code == OP_RETURN && !t->held)
			t->pc = PC_NEXT;
	}
	switch (op->code) {
	case OP_CHARGE:
		if (t->refused)
			outcome = step_uncharge(w, s, thread, op, op->value);
		else
			outcome = step_charge(w, s, thread, op);
		break;
	case OP_UNCHARGE:
	case OP_RETURN:
		outcome = step_uncharge(w, s, thread, op, op->value);
		break;
	case OP_MIN:
	case OP_MAX:
	case OP_REMOVE:
		outcome = step_config(w, s, thread, op);
		break;
	case OP_UNACCOUNTED:
		w->unaccounted += op->value;
		t->pc = PC_NEXT;
		break;
	case OP_NONE:
		break;
	}
	if (outcome == STEP_DONE && t->pc == PC_NEXT)
		next_operation(t);
	return outcome;
}

void world_say(const struct world *w, const struct scenario *s, int thread,
	       char *buf, int size)
{
	static const char * const ops[] = {
		"nothing", "charge", "uncharge", "return", "min", "max", "remove",
		"unaccounted",
	};
	static const bool walks[PC_NEXT + 1] = {
		[PC_USAGE_ADD] = true, [PC_USAGE_CHECK] = true, [PC_USAGE_SUB] = true,
		[PC_USAGE_CANCEL] = true, [PC_COMMIT] = true, [PC_UNCOMMIT] = true,
		[PC_UNCHARGE_USAGE] = true,
		[PC_TRACK_READ] = true, [PC_TRACK] = true, [PC_UNTRACK] = true,
	};
	const struct thread *t = &w->thread[thread];
	const struct operation *op = operation_of(s, t, thread);
	int pc = t->pc == PC_START ? first_pc(op) : t->pc, len;

	len = snprintf(buf, size, "%d: %s %d of pool %d: %s", thread, ops[op->code],
		       op->value, op->pool, pc_names[pc]);
	if (walks[pc] && len < size)
		snprintf(buf + len, size - len, " of pool %d",
			 t->pc == PC_START ? op->pool : t->pool);
}
