/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's algorithm (kernel/cgroup/dmem.c), cut into the steps between which
 * another CPU can do something. Memory is sequentially consistent: all that is
 * touched without a lock is one atomic word, or a limit.
 *
 * Names are the kernel's, where there is one. What begins with "true_" is what
 * the specification says at that moment, which the kernel does not know.
 */
#ifndef MODEL_STEPS_H
#define MODEL_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#define POOLS		4
#define THREADS		3
#define PROGRAM		2		/* operations of a thread */
#define MODEL_MAX	100		/* no limit */

enum opcode {
	OP_NONE,
	OP_CHARGE,
	OP_UNCHARGE,
	OP_RETURN,		/* what the charge before it was granted */
	OP_MIN,
	OP_MAX,
	OP_REMOVE,
	OP_UNACCOUNTED,
};

struct operation {
	enum opcode code;
	int pool, value;
};

/* What is there at the beginning, and what happens to it at the same time. */
struct scenario {
	const char *name;
	int capacity, unaccounted, pools;
	int parent[POOLS];
	int own[POOLS], min[POOLS], max[POOLS];
	bool absent[POOLS];	/* nobody has asked for the pool yet */
	struct operation program[THREADS][PROGRAM];
};

#define LOCAL_DYING	1
#define LOCAL_TRACKED	2
#define POOL_EXISTS	4
#define CSS_DYING	8

struct pool {
	int8_t usage;		/* page_counter */
	int8_t local;		/* above the flags in the kernel's word */
	uint8_t flags;		/* in the same word: LOCAL_DYING, LOCAL_TRACKED */
	int8_t min, max;
	int8_t dying;
	int8_t asked, reserved, commit;
	int8_t true_own;	/* committed and not returned: see steps.c */
	int8_t true_wish;	/* as of the last configuration */
	int8_t true_reserved;
};

struct thread {
	uint8_t op;		/* index in its program */
	uint8_t pc;
	int8_t pool;		/* where a walk is */
	int8_t seen;		/* what the last atomic operation returned */
	int8_t asked;
	int8_t full;		/* the pool that refused it, or -1 */
	int8_t units;		/* of a walk */
	int8_t held;		/* charged, for OP_RETURN */
	uint8_t tracked;	/* the flag was there */
	uint8_t counted;	/* true_own knows */
	uint8_t committed;	/* which is done under the lock, with the usage */
	uint8_t refused;	/* by a limit, and is to return what it committed */
	uint8_t waits_for;	/* readers of a grace period */
	uint8_t turns;		/* how often it waited */
};

struct world {
	struct pool pool[POOLS];
	struct thread thread[THREADS];
	int8_t unaccounted;
	uint8_t tracking;
	uint8_t global_lock, reserve_lock;	/* who has it, from 1 */
	uint8_t readers;	/* who is in an RCU read section */
	uint8_t idle_gp;	/* readers that idle_gp waits for */
	uint8_t transient;	/* somebody was refused for what was in flight */
};

enum outcome {
	STEP_DONE,
	STEP_BLOCKED,		/* another has to go first */
	STEP_ENDED,		/* the thread has nothing more to do */
	STEP_WRONG,		/* see step_wrong */
};

extern const char *step_wrong;

void world_begin(struct world *w, const struct scenario *s);
enum outcome world_step(struct world *w, const struct scenario *s, int thread);

/* What must hold between any two steps, and when all is over. */
bool world_holds(const struct world *w, const struct scenario *s);
bool world_is_at_rest(const struct world *w, const struct scenario *s);

/* What the thread is about to do. */
void world_say(const struct world *w, const struct scenario *s, int thread,
	       char *buf, int size);

#endif
