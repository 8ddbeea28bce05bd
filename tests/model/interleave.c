// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Explores all orders of the steps of two or three operations in many small situations. Each state
 * is explored once, however many ways lead to it, and the first way to a state is a shortest one.
 */
#include <stdio.h>
#include <string.h>

#include "explore.h"
#include "model.h"
#include "steps.h"

#define ARRAY_SIZE(a)	((int)(sizeof(a) / sizeof(*(a))))

#define ROOT	0

/* The start: a slice with two cgroups, and two cgroups without a slice. */
enum { SLICE = 1, A = 2, B = 3 };

#define TREE	.pools = 4, .parent = { -1, ROOT, SLICE, SLICE }, .capacity = 4
#define NO_MAX	{ MODEL_MAX, MODEL_MAX, MODEL_MAX, MODEL_MAX }

static const struct scenario slices[] = {
	{ TREE, .name = "nothing is reserved", .max = NO_MAX, .own = { 0, 0, 1, 1 } },
	{ TREE, .name = "the slice reserves", .max = NO_MAX, .own = { 0, 0, 1, 1 },
	  .min = { 0, 3, 0, 0 } },
	{ TREE, .name = "a reserves in the slice", .max = NO_MAX, .own = { 0, 0, 0, 1 },
	  .min = { 0, 3, 2, 0 } },
	{ TREE, .name = "a reserves in a limited slice", .own = { 0, 0, 1, 1 },
	  .min = { 0, 3, 2, 0 }, .max = { MODEL_MAX, 3, MODEL_MAX, MODEL_MAX } },
	{ TREE, .name = "the slice has a limit", .own = { 0, 0, 1, 1 },
	  .max = { MODEL_MAX, 3, MODEL_MAX, MODEL_MAX } },
	{ TREE, .name = "too much is reserved", .max = NO_MAX, .own = { 0, 0, 1, 0 },
	  .min = { 0, 4, 3, 3 }, .unaccounted = 1 },
	{ TREE, .name = "b has too much", .max = NO_MAX, .own = { 0, 0, 0, 3 },
	  .min = { 0, 2, 2, 0 } },
	{ TREE, .name = "a reserves, the slice does not", .max = NO_MAX, .own = { 0, 0, 1, 1 },
	  .min = { 0, 0, 2, 0 } },
	{ TREE, .name = "b is new", .max = NO_MAX, .own = { 0, 0, 1, 0 },
	  .min = { 0, 3, 0, 0 }, .absent = { [B] = true } },
	{ TREE, .name = "b is new, and nothing is reserved", .max = NO_MAX,
	  .own = { 0, 0, 1, 0 }, .absent = { [B] = true } },
#undef TREE
#define TREE	.pools = 4, .parent = { -1, ROOT, SLICE, A }, .capacity = 4
	{ TREE, .name = "b is in a, and each reserves", .max = NO_MAX, .own = { 0, 0, 0, 1 },
	  .min = { 0, 4, 3, 2 } },
	{ TREE, .name = "b is in a with a limit", .own = { 0, 0, 1, 1 }, .min = { 0, 4, 3, 1 },
	  .max = { MODEL_MAX, MODEL_MAX, 3, 2 } },
	{ TREE, .name = "b is in a, and too much is reserved", .max = NO_MAX,
	  .own = { 0, 1, 0, 0 }, .min = { 0, 3, 4, 4 }, .unaccounted = 1 },
};

static const struct operation slice_ops[] = {
	{ OP_CHARGE, A, 1 }, { OP_CHARGE, A, 2 }, { OP_CHARGE, B, 1 }, { OP_CHARGE, B, 2 },
	{ OP_CHARGE, SLICE, 1 }, { OP_CHARGE, A, 4 }, { OP_UNCHARGE, A, 1 }, { OP_UNCHARGE, B, 1 },
	{ OP_MIN, SLICE, 0 }, { OP_MIN, SLICE, 3 }, { OP_MIN, A, 0 }, { OP_MIN, A, 2 },
	{ OP_MIN, B, 2 }, { OP_MAX, SLICE, 2 }, { OP_MAX, SLICE, MODEL_MAX },
	{ OP_MAX, A, 0 }, { OP_REMOVE, A, 0 }, { OP_UNACCOUNTED, 0, 1 }, { OP_UNACCOUNTED, 0, -1 },
	{ OP_REMOVE, B, 0 }, { OP_UNREGISTER, 0, 0 },
};

static const struct operation slice_rows[][PROGRAM] = {
	{ { OP_CHARGE, A, 1 }, { OP_CANCEL, A, 1 } },
	{ { OP_CHARGE, B, 2 }, { OP_RETURN, B, 2 } },
	{ { OP_MIN, SLICE, 0 }, { OP_MIN, SLICE, 3 } },
	{ { OP_MIN, A, 1 }, { OP_MIN, A, 3 } },
	{ { OP_MAX, SLICE, 1 }, { OP_MAX, SLICE, MODEL_MAX } },
	{ { OP_REMOVE, A, 0 }, { OP_MIN, B, 3 } },
};

#undef TREE
#define TREE	.pools = 3, .parent = { -1, ROOT, ROOT }, .capacity = 3
#define X	1
#define Y	2

static const struct scenario pairs[] = {
	{ TREE, .name = "two, nothing is reserved", .max = NO_MAX, .own = { 0, 1, 1 } },
	{ TREE, .name = "two, one reserves", .max = NO_MAX, .own = { 0, 0, 1 },
	  .min = { 0, 2, 0 } },
	{ TREE, .name = "two, one has what it reserved", .max = NO_MAX, .own = { 0, 1, 1 },
	  .min = { 0, 1, 0 } },
};

static const struct operation pair_ops[] = {
	{ OP_CHARGE, X, 1 }, { OP_CHARGE, Y, 2 }, { OP_UNCHARGE, X, 1 }, { OP_UNCHARGE, Y, 1 },
	{ OP_MIN, X, 0 }, { OP_MIN, X, 2 }, { OP_MIN, Y, 2 }, { OP_MAX, Y, 1 },
	{ OP_REMOVE, X, 0 }, { OP_UNREGISTER, 0, 0 },
};

/* Two operations in a row, while other threads run. */
static const struct operation rows[][PROGRAM] = {
	{ { OP_MIN, X, 0 }, { OP_MIN, X, 2 } },
	{ { OP_MIN, X, 2 }, { OP_MIN, X, 0 } },
	{ { OP_MIN, X, 0 }, { OP_MIN, X, 0 } },
	{ { OP_MAX, X, 0 }, { OP_MAX, X, MODEL_MAX } },
	{ { OP_REMOVE, X, 0 }, { OP_MIN, Y, 2 } },
	{ { OP_CHARGE, X, 1 }, { OP_RETURN, X, 1 } },
	{ { OP_CHARGE, Y, 2 }, { OP_RETURN, Y, 2 } },
	{ { OP_CHARGE, X, 1 }, { OP_CANCEL, X, 1 } },
	{ { OP_CHARGE, Y, 1 }, { OP_CANCEL, Y, 1 } },
};

static struct {
	unsigned int scenarios;
	unsigned long long states, steps, odd;
	double ways;
} seen;

static const struct scenario *current;

static void say(const void *before, uint32_t by, const void *after)
{
	const struct world *w = after;
	char text[128];
	int p;

	world_say(before, current, by, text, sizeof(text));
	printf("  %s\t->", text);
	for (p = 0; p < current->pools; p++)
		printf(" %d:%d,%d,%d,%d", p, w->pool[p].usage, w->pool[p].held,
		       w->pool[p].reserved, w->pool[p].watermark);
	printf("\n");
}

static bool report(const struct explore *e, uint32_t i, int last)
{
	char text[128];
	int p;

	printf("%s: %s\n", current->name, step_wrong);
	printf("  after each step: pool:usage,held,reserved,watermark\n");
	for (p = 1; p < current->pools; p++)
		printf("  pool %d in %d: own %d, min %d, max %d\n", p, current->parent[p],
		       current->own[p], current->min[p], current->max[p]);
	explore_print_way(e, i, say);
	if (last >= 0) {
		world_say(explore_state(e, i), current, last, text, sizeof(text));
		printf("  %s\n", text);
	}
	return false;
}

static bool explore_scenario(struct explore *e, const struct scenario *s)
{
	struct world w, next;
	uint32_t i;
	int t;

	current = s;
	explore_clear(e);
	world_begin(&w, s);
	if (!world_holds(&w, s)) {
		printf("%s: at the beginning: %s\n", s->name, step_wrong);
		return false;
	}
	explore_add(e, &w, EXPLORE_START, 0);
	for (i = 0; i < e->n; i++) {
		int blocked = 0, ended = 0;

		memcpy(&w, explore_state(e, i), sizeof(w));
		for (t = 0; t < THREADS; t++) {
			next = w;
			switch (world_step(&next, s, t)) {
			case STEP_WRONG:
				return report(e, i, t);
			case STEP_BLOCKED:
				blocked++;
				break;
			case STEP_ENDED:
				ended++;
				break;
			case STEP_DONE:
				seen.steps++;
				if (!world_holds(&next, s))
					return report(e, explore_add(e, &next, i, t), -1);
				explore_add(e, &next, i, t);
				break;
			}
		}
		if (ended == THREADS) {
			seen.ways += e->ways[i];
			seen.odd += w.odd;
			if (!world_is_at_rest(&w, s))
				return report(e, i, -1);
		} else if (blocked + ended == THREADS) {
			step_wrong = "everybody waits for another";
			return report(e, i, -1);
		}
	}
	seen.scenarios++;
	seen.states += e->n;
	return true;
}

/* True if the operations can run at the same time, and each return has a charge before it. */
static bool makes_sense(const struct scenario *s)
{
	int uncharged[POOLS] = {}, removed[POOLS] = {}, returned = 0, t, i;

	for (t = 0; t < THREADS; t++) {
		for (i = 0; i < PROGRAM; i++) {
			const struct operation *op = &s->program[t][i];

			if (op->code == OP_UNCHARGE)
				uncharged[op->pool] += op->value;
			if (op->code == OP_REMOVE && removed[op->pool]++)
				return false;
			if (op->code == OP_UNACCOUNTED && op->value < 0)
				returned -= op->value;
			if (uncharged[op->pool] > s->own[op->pool] ||
			    returned > s->unaccounted)
				return false;
		}
	}
	return true;
}

static bool explore_if(struct explore *e, const struct scenario *s)
{
	return !makes_sense(s) || explore_scenario(e, s);
}

/* Any two operations. */
static bool two_at_a_time(struct explore *e)
{
	struct scenario s;
	int i, j, k;

	for (i = 0; i < ARRAY_SIZE(slices); i++) {
		for (j = 0; j < ARRAY_SIZE(slice_ops); j++) {
			for (k = j; k < ARRAY_SIZE(slice_ops); k++) {
				s = slices[i];
				s.program[0][0] = slice_ops[j];
				s.program[1][0] = slice_ops[k];
				if (!explore_if(e, &s))
					return false;
			}
		}
	}
	return true;
}

/* One after another one, and a third at the same time. */
static bool two_and_one(struct explore *e)
{
	struct scenario s;
	int i, j, k;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		for (j = 0; j < ARRAY_SIZE(rows); j++) {
			for (k = 0; k < ARRAY_SIZE(pair_ops); k++) {
				s = pairs[i];
				memcpy(s.program[0], rows[j], sizeof(rows[j]));
				s.program[1][0] = pair_ops[k];
				if (!explore_if(e, &s))
					return false;
			}
		}
	}
	return true;
}

/* Any three operations, and two in a row beside any two. */
static bool three_at_a_time(struct explore *e)
{
	int n = ARRAY_SIZE(pair_ops), i, j, k, l;
	struct scenario s;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		for (j = -ARRAY_SIZE(rows); j < n; j++) {
			for (k = j < 0 ? 0 : j; k < n; k++) {
				for (l = k; l < n; l++) {
					s = pairs[i];
					if (j < 0)
						memcpy(s.program[0], rows[-1 - j],
						       sizeof(rows[0]));
					else
						s.program[0][0] = pair_ops[j];
					s.program[1][0] = pair_ops[k];
					s.program[2][0] = pair_ops[l];
					if (!explore_if(e, &s))
						return false;
				}
			}
		}
	}
	return true;
}

static bool three_in_slices(struct explore *e)
{
	int n = ARRAY_SIZE(slice_ops), i, j, k, l;
	struct scenario s;

	for (i = 0; i < ARRAY_SIZE(slices); i++) {
		for (j = -ARRAY_SIZE(slice_rows); j < n; j++) {
			for (k = j < 0 ? 0 : j; k < n; k++) {
				for (l = k; l < n; l++) {
					s = slices[i];
					if (j < 0)
						memcpy(s.program[0], slice_rows[-1 - j],
						       sizeof(slice_rows[0]));
					else
						s.program[0][0] = slice_ops[j];
					s.program[1][0] = slice_ops[k];
					s.program[2][0] = slice_ops[l];
					if (!explore_if(e, &s))
						return false;
				}
			}
		}
	}
	return true;
}

static const struct part {
	const char *name;
	bool (*run)(struct explore *e);
	bool slow;
	unsigned long long states;	/* at least */
	double ways;
} parts[] = {
	{ "two at a time", two_at_a_time, false, 50000, 50000 },
	{ "two in a row and one", two_and_one, false, 10000, 15000 },
	{ "three at a time", three_at_a_time, true, 250000, 8e6 },
	{ "three at a time, in slices", three_in_slices, true, 4000000, 1e8 },
};

bool run_interleave(void)
{
	struct explore e;
	bool ok = true;
	int i;

	explore_begin(&e, sizeof(struct world));
	for (i = 0; ok && i < ARRAY_SIZE(parts); i++) {
		if (quick && parts[i].slow)
			continue;
		memset(&seen, 0, sizeof(seen));
		ok = parts[i].run(&e);
		printf("%s: %u situations, %llu states, %llu steps, %.4g interleavings; %llu ends with a refusal as reserved because of pages that came back\n",
		       parts[i].name, seen.scenarios, seen.states, seen.steps, seen.ways,
		       seen.odd);
		if (ok && !*flaw &&
		    (seen.states < parts[i].states || seen.ways < parts[i].ways)) {
			printf("too few\n");
			ok = false;
		}
	}
	explore_end(&e);
	return ok;
}
