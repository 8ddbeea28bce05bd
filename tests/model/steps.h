/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's algorithm (kernel/cgroup/dmem.c) for one pinned region, cut into steps between which
 * another CPU can run. Memory is sequentially consistent. A section under the region's lock is one
 * step, or two where something in it can be seen, or changed, without the lock.
 *
 * Names are the kernel's, if it has one.
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
	OP_RETURN,		/* returns the charge before it */
	OP_CANCEL,		/* the same, for an allocation that failed */
	OP_MIN,
	OP_MAX,
	OP_REMOVE,
	OP_UNACCOUNTED,
	OP_UNREGISTER,
};

struct operation {
	enum opcode code;
	int pool, value;
};

/* A start situation, and the operations that run in it at the same time. */
struct scenario {
	const char *name;
	int capacity, unaccounted, pools;
	int parent[POOLS];	/* parents have lower numbers than their children */
	int own[POOLS], min[POOLS], max[POOLS];
	bool absent[POOLS];	/* the pool state does not exist yet */
	struct operation program[THREADS][PROGRAM];
};

#define POOL_EXISTS	1
#define POOL_DYING	2
#define CSS_DYING	4

struct pool {
	int8_t usage, held, reserved, watermark;
	int8_t local, dying_usage;
	int8_t min, max;
	int8_t asked, target;
	int8_t true_peak;	/* see steps.c */
	uint8_t flags;
};

struct thread {
	uint8_t op;		/* index in its program */
	uint8_t pc;
	uint8_t top;		/* pool whose reservation is divided */
	uint8_t pool;		/* position in the division, or the pool that refused */
	int8_t asked;
	int8_t held;		/* charged, for OP_RETURN and OP_CANCEL */
	int8_t verdict, at;	/* of the specification, when the request got the lock */
	uint8_t changed;	/* U has changed since */
};

struct world {
	struct pool pool[POOLS];
	struct thread thread[THREADS];
	int8_t unaccounted;
	int8_t total;		/* C - U when the root was divided */
	int8_t nr_reserved;
	uint8_t lock, reserve_mutex;	/* the thread that holds it, from 1 */
	uint8_t unregistered;
	uint8_t odd;		/* the reason of a refusal is that of no moment, see steps.c */
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
