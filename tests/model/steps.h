/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's algorithm (kernel/cgroup/dmem.c), cut into steps between which another CPU can run.
 * Memory is sequentially consistent: each step without a lock touches one atomic word, or a limit.
 *
 * Names are the kernel's, if it has one. Values with "true_" are those of the specification at that
 * moment, which the kernel does not have.
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
	OP_RETURN,		/* returns the amount of the charge before it */
	OP_MIN,
	OP_MAX,
	OP_REMOVE,
	OP_UNACCOUNTED,
};

struct operation {
	enum opcode code;
	int pool, value;
};

/* A start situation, and the operations that run in it at the same time. */
struct scenario {
	const char *name;
	int capacity, unaccounted, pools;
	int parent[POOLS];
	int own[POOLS], min[POOLS], max[POOLS];
	bool absent[POOLS];	/* the pool state does not exist yet */
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
	int8_t pool;		/* current level of a walk */
	int8_t seen;		/* result of the last atomic operation */
	int8_t asked;
	int8_t full;		/* the pool that refused the request, or -1 */
	int8_t units;		/* amount of a walk */
	int8_t held;		/* charged, for OP_RETURN */
	uint8_t tracked;	/* the flag was set */
	uint8_t counted;	/* included in true_own */
	uint8_t committed;	/* under the lock, together with the usage */
	uint8_t refused;	/* by a limit; its commit must be returned */
	uint8_t waits_for;	/* readers of a grace period */
	uint8_t turns;		/* number of waits */
};

struct world {
	struct pool pool[POOLS];
	struct thread thread[THREADS];
	int8_t unaccounted;
	uint8_t tracking;
	uint8_t global_lock, reserve_lock;	/* the thread that holds it, from 1 */
	uint8_t readers;	/* threads in an RCU read section */
	uint8_t idle_gp;	/* readers that idle_gp waits for */
	uint8_t transient;	/* a request was refused because of one in flight */
};

enum outcome {
	STEP_DONE,
	STEP_BLOCKED,		/* another thread has to run first */
	STEP_ENDED,		/* the thread has finished */
	STEP_WRONG,		/* see step_wrong */
};

extern const char *step_wrong;

void world_begin(struct world *w, const struct scenario *s);
enum outcome world_step(struct world *w, const struct scenario *s, int thread);

/* Properties that must hold between any two steps, and at the end. */
bool world_holds(const struct world *w, const struct scenario *s);
bool world_is_at_rest(const struct world *w, const struct scenario *s);

/* Prints the next step of the thread. */
void world_say(const struct world *w, const struct scenario *s, int thread,
	       char *buf, int size);

#endif
