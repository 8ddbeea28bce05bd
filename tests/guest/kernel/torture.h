/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random operations of several processes on a random tree of cgroups, and the expected
 * values of all counters after them.
 *
 *   torture_ops	the operations: from a seed, as text and from text
 *   torture_world	the expected state, in memory that all processes share
 *   torture_worker	does an operation on the kernel, and records it in the world
 *   torture_devices	operations on cameras and a display
 *   torture_check	compares the kernel with the world
 *
 * An operation is a few random numbers, which have a meaning in any state: every part
 * of a list of operations is a list as well. This makes it possible to reduce a failing
 * list.
 *
 * Amounts are in pages.
 */
#ifndef SELFTESTS_TORTURE_H
#define SELFTESTS_TORTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kselftest.h"

#include "dmem_util.h"
#include "reserve_model.h"

#define TT_WORKERS	8	/* at most */
#define TT_SLICES	2	/* a worker's is that of its number, modulo this */
#define TT_SLOTS	6	/* cgroups of a worker, the first is there for ever */
#define TT_REGIONS	8
#define TT_HEAPS	12
#define TT_HANDLES	48	/* of a worker */
#define TT_BUFS		1024
#define TT_INBOX	16

#define TT_LIMIT	384	/* of all together, in each region */
#define TT_SLICE_LIMIT	256	/* at most, of each slice */
#define TT_LARGEST	32	/* buffer */

enum tt_kind {
	TT_ALLOC,		/* by the worker */
	TT_ALLOC_CHILD,		/* by a child in another cgroup */
	TT_ALLOC_COMMON,	/* by a child in a cgroup that all workers use */
	TT_ALLOC_DMA,		/* by a driver */
	TT_CLOSE,
	TT_DUP,
	TT_MAP,
	TT_SEND,		/* to another worker, or itself */
	TT_RECEIVE,
	TT_FORK,		/* a child that holds all there is */
	TT_KILL,
	TT_MOVE,
	TT_CREATE,
	TT_REMOVE,
	TT_ENABLE,
	TT_DISABLE,
	TT_MIN,
	TT_LOW,
	TT_MAX,
	TT_SLICE_MIN,		/* only by the first worker of the slice */
	TT_SLICE_MAX,
	TT_CAMERA,		/* one buffer more */
	TT_QUEUE,		/* replaces, or drops, all buffers of the camera */
	TT_DUMB,		/* by the display */
	TT_EXPORT,		/* of a camera or the display, as an fd */
	TT_IMPORT,		/* an fd, to another DRM driver */
	TT_KINDS,
};

struct tt_op {
	unsigned char kind, worker;
	unsigned short round;	/* between two rounds all counters are compared */
	unsigned int a, b;
};

/* The effect of an operation; in shared memory, for the script of a failure */
struct tt_note {
	char text[100];
};

/*
 * Figures outside the model of reservations: all refusals, for any reason, the bounds
 * of the peak, and dmem.low.
 */
struct tt_extra {
	int refused, refused_local;
	int most;		/* granted and not returned, at any time */
	int bound;		/* of the peak: the largest limit at any request */
	int low;
};

struct tt_region {
	char name[DMEM_NAME_LEN];
	const char *area;	/* NULL if it is not one of CMA */
	bool pinned;		/* has reservations */
	struct reserve_model m;
	struct tt_extra x[RM_NODES];
	int top, test;		/* nodes of the ancestors of all cgroups */
	int slice[TT_SLICES], common[TT_SLICES];
	int now[TT_SLICES + 1];	/* bounds of the usage: see tt_raise_now() */
	long long current, dying;	/* bytes of the root, before */
	long long gap;		/* see tt_gap(): 0, but for earlier leaks */
};

struct tt_buf {
	int region, node, pages;
	int refs;		/* 0: there is none */
};

struct tt_slot {
	char path[DMEM_NAME_LEN];
	bool exists, enabled;
	int parent;		/* a slot, or -1 for the slice */
	int processes;		/* of the worker, in it */
	int node[TT_REGIONS];	/* RM_NONE if dmem is not enabled for it */
};

struct tt_inbox {
	int sock[2];		/* to send, to receive */
	int buf[TT_INBOX], n;
};

/* The devices present. Operations on other devices have no effect. */
struct tt_devices {
	int cameras;		/* the first workers have one each */
	char camera[TT_WORKERS][32], display[32];
	char camera_region[DMEM_NAME_LEN], display_region[DMEM_NAME_LEN];
	bool has_display, vivid;	/* vivid: it was loaded for the test */
};

struct tt_world {
	pthread_mutex_t lock;
	struct dmem_test *t;
	const struct tt_devices *devices;
	int workers, regions, heaps;
	int late_ms;		/* how long a difference has to last */
	int heap_fd[TT_HEAPS], heap_region[TT_HEAPS];
	char heap_name[TT_HEAPS][DMEM_NAME_LEN];
	int dma_region;		/* of the driver, -1 if there is none */
	int camera_region, display_region;
	struct tt_region region[TT_REGIONS];
	char *slice[TT_SLICES], *common[TT_SLICES];
	struct tt_slot slot[TT_WORKERS][TT_SLOTS];
	struct tt_inbox inbox[TT_WORKERS];
	struct tt_buf buf[TT_BUFS];
	atomic_uint samples;
	atomic_int failed;
	char text[512];		/* the fault found */
	atomic_long did[TT_KINDS], granted, refused;
	atomic_long gave[TT_KINDS];	/* buffers, of cameras and the display */
};

/* torture_ops.c */
void tt_generate(unsigned int seed, int epoch, int workers, int rounds, int per_round,
		 struct tt_op *ops);
void tt_say(const struct tt_op *op, const struct tt_note *note, char *buf, size_t size);
/* The number of operations, or -1 at a line that is none. */
int tt_parse(FILE *f, struct tt_op *ops, int max);

/* torture_world.c: the caller has the lock, but for tt_fail() */
void __printf(2, 3) tt_fail(struct tt_world *w, const char *format, ...);
int tt_payer(const struct tt_world *w, int worker, int slot, int region);
void tt_begin_request(struct tt_world *w, int region, int node);
int tt_granted(struct tt_world *w, int region, int node, int pages);
void tt_was_refused(struct tt_world *w, int region, int node);
void tt_get(struct tt_world *w, int buf);
void tt_put(struct tt_world *w, int buf);
void tt_add_node(struct tt_world *w, struct tt_slot *slot, const struct tt_slot *parent,
		 int slice);
void tt_remove_node(struct tt_world *w, struct tt_slot *slot);
bool tt_nodes_left(const struct tt_world *w, int n);
void tt_raise_now(struct tt_world *w, int region, int slice, int max);
void tt_tighten(struct tt_world *w);
bool tt_sample(struct tt_world *w);
bool tt_has_fallback(const struct tt_world *w, int region);

/* torture_worker.c: a process that does its operations, round by round */
struct tt_pace {
	atomic_int go, arrived;	/* rounds that may begin, workers that are done */
};

void tt_work(struct tt_world *w, struct tt_pace *pace, int worker, const struct tt_op *ops,
	     int n, struct tt_note *notes);

/* torture_devices.c: before there are workers, and after them */
void tt_find_devices(struct tt_devices *d, int workers);
/* Returns false if vivid, which was loaded for the test, stays. */
bool tt_unload_devices(const struct tt_devices *d);

/* Bytes that CMA has handed out and that are neither charged nor unaccounted. */
long long tt_gap(const struct tt_world *w, const struct tt_region *r);

/*
 * torture_check.c: does every file agree with the world? The last reference may be
 * dropped a moment after its process has exited, so only a lasting difference is a
 * fault; text then describes it. If all is set, the events and the limits are compared
 * as well; limits were also read back when they were written.
 */
bool tt_compare(struct tt_world *w, bool all);

/* Compares the kernel's figures with their bounds while workers run. With the lock. */
bool tt_sample_files(struct tt_world *w);

#endif /* SELFTESTS_TORTURE_H */
