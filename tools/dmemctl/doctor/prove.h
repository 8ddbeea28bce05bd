/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor --prove: a process in a scratch cgroup with a small limit allocates one page more than the
 * limit allows. Functions return 0 or a negative errno and print nothing, unless a comment says
 * otherwise. Sizes are in bytes.
 */
#ifndef PROVE_H
#define PROVE_H

#include <signal.h>
#include <sys/types.h>

#include "dmemctl/change.h"

/* The limit of the scratch cgroup, and the number of its buffers: each has one page. */
#define PROVE_PAGES	4

struct doctor;

/* ---- prove.c ---- */

/* Proves the limits of these regions, one after the other. Returns an exit code, and has printed
 * the results. */
int doctor_prove(struct doctor *d, const char * const *words, size_t n);

/* ---- scratch.c ---- */

/* The parent is the highest cgroup above this process that it may use: the fewer limits are above,
 * the less can disturb the proof. */
struct scratch {
	const struct dmem_sys *sys;
	int root;			/* of the cgroup tree */
	struct dmem_arena *arena;
	const char *parent, *name, *path;	/* NULL: it was not made */
	int lock;			/* descriptor with the lock of the cgroup, set if it was made */
};

/* -EOPNOTSUPP: no cgroup that may be used has the controller enabled for its children. Also removes
 * those of earlier runs that were killed. */
int scratch_make(struct scratch *s);

/* Waits until the last process in it has gone. 0 also if there is no such cgroup. */
int scratch_remove(struct scratch *s);

/* One line of a file of the cgroup: the text after the region, or NULL. Lives as long as @t. */
char *scratch_line(const struct scratch *s, const char *cgroup, const char *file,
		   const char *region, struct dmem_text *t);

/* The cgroup above @path, in the arena: "" is the root. NULL: @path is the root. */
const char *scratch_above(const struct scratch *s, const char *path);

/* ---- taker.c: the process in the scratch cgroup ---- */

struct taken {
	int enter_err, open_err;	/* negative errno, or 0 */
	unsigned int heap;		/* index of the heap that was opened */
	unsigned int got;		/* buffers */
	int err;			/* of the request after them, as above; 0: granted, too */
	int signal;			/* the process was killed; 0: it was not */
	bool ended;			/* it ended without an answer */
	bool late;			/* it did not answer */
};

struct taker {
	pid_t pid;
	int answer, hold;
};

/* Starts the process, and waits until it has all buffers that it can get, which it then holds. @mask:
 * the signals that it does not receive. */
int taker_start(struct taker *t, const struct scratch *s, const char * const *heap, size_t n_heaps,
		const sigset_t *mask, struct taken *taken);

/* Ends the process. All its buffers are free afterwards, except if it is late. */
void taker_end(struct taker *t, struct taken *taken);

/* ---- prove_heap.c ---- */

/* Opens a heap, and allocates a buffer: return a descriptor that the caller closes. */
int prove_heap_open(const char *heap);
int prove_heap_alloc(int heap, size_t bytes);

/* ---- verdict.c ---- */

enum prove_result {
	PROVE_HOLDS, PROVE_NO_REGION, PROVE_NO_HEAP, PROVE_NO_NODE, PROVE_NO_CGROUP, PROVE_KILLED,
	PROVE_NOT_CHARGED, PROVE_ADMITS, PROVE_WRONG, PROVE_EARLY, PROVE_ABOVE, PROVE_RESERVED,
	PROVE_FULL, PROVE_NO_MEMORY, PROVE_FAILED, PROVE_KEPT, PROVE_LEFT, PROVE_RESULTS
};

/* Words for JSON, such as "holds". */
extern const char * const prove_names[PROVE_RESULTS];

struct proof {
	const char *word, *region, *heap;	/* NULL: not known */
	const char *cgroup;			/* the scratch cgroup; NULL: was not made */
	uint64_t page, limit, charged;		/* @charged: while the buffers were held */
	struct taken taken;
	/* Refused requests of the scratch cgroup, or DMEM_UNKNOWN: by its own limit, by any limit,
	 * for no room, and for reservations of others. */
	uint64_t own, any, full, reserved;
	const char *above;			/* the cgroup above whose limit refused, or NULL */
	uint64_t above_max;
	uint64_t kept;				/* charged after the buffers were freed */
	int remove_err;				/* negative errno, or 0 */
	enum prove_result result;
	const char *finding, *remedy;		/* @remedy: NULL for PROVE_HOLDS */
};

/* Sets the result, the finding and the remedy from the other fields, and adds the cgroup that could
 * not be removed. 0 or -ENOMEM. */
int verdict(struct dmem_arena *a, struct proof *p);

/* Sets a result with given texts. 0 or -ENOMEM. */
int verdict_of(struct proof *p, enum prove_result result, const char *finding, const char *remedy);

#endif
