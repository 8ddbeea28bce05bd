/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A worker of the torture test, see torture.h: torture_worker.c has the operations on
 * heaps, cgroups and the test's driver, torture_devices.c those on a camera and a
 * display.
 */
#ifndef SELFTESTS_TORTURE_WORKER_H
#define SELFTESTS_TORTURE_WORKER_H

#include "torture.h"

/* An entry of the worker: one reference to a buffer, or a child process with many. */
struct tt_handle {
	enum {
		FREE,
		FD,
		MAP,
		DMA,		/* the driver's memory */
		CHILD,
		CAMERA,		/* in the queue of the camera */
		DUMB,		/* the display's */
		IMPORT,		/* of any worker's buffer, in the importer's file */
	} type;
	int buf;
	int fd;			/* or the driver's id, place in the queue, handle of GEM */
	void *map;
	size_t len;
	pid_t pid;
	int slot;		/* where the child is */
	int held[TT_HANDLES], n;
};

struct tt_worker {
	struct tt_world *w;
	int number, at;		/* which, and the slot that it is in */
	int dev, camera, display, importer;	/* -1 where it has none */
	int flags;		/* of all buffers in the queue of the camera */
	int frame;		/* bytes, for which each of them has room */
	struct tt_handle handle[TT_HANDLES];
	char *note;
	size_t note_size;
};

/* torture_worker.c */

/* Records the effect of an operation. One without a remark had no effect. */
void __printf(2, 3) tt_remark(struct tt_worker *k, const char *format, ...);
/* For calls that must not fail and whose failure is no fault of a counter. */
void tt_must(struct tt_worker *k, const char *what, const char *where, int ret);
struct tt_handle *tt_free_handle(struct tt_worker *k);
/* One of these types, which are bits; or NULL. */
struct tt_handle *tt_some_handle(struct tt_worker *k, unsigned int number, int types);
/*
 * Allocates in the slot's cgroup. fn returns the value for the handle's fd, or a
 * negative errno. Returns whether the request was granted.
 */
bool tt_allocate(struct tt_worker *k, int slot, int region, int pages, int type,
		 int (*fn)(struct tt_worker *k, int slot, int number, long long len),
		 int number);

static inline void tt_lock(struct tt_worker *k)
{
	pthread_mutex_lock(&k->w->lock);
}

static inline void tt_unlock(struct tt_worker *k)
{
	pthread_mutex_unlock(&k->w->lock);
}

/* Few are large. */
static inline int tt_pages(unsigned int number)
{
	return number % 8 ? 1 + number / 8 % 4 : 1 + number / 8 % TT_LARGEST;
}

/* torture_devices.c */
void tt_open_devices(struct tt_worker *k);
void tt_close_devices(struct tt_worker *k);
void tt_do_device(struct tt_worker *k, const struct tt_op *op);
void *tt_map(struct tt_worker *k, const struct tt_handle *h);
/* Of the types CAMERA, DUMB and IMPORT */
void tt_release(struct tt_worker *k, const struct tt_handle *h);

#endif /* SELFTESTS_TORTURE_WORKER_H */
