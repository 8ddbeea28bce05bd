/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers of the dmem selftests: regions, DMA-BUF heaps, and the state of CMA
 * areas.
 *
 * Functions that return int or long long return a negative errno on failure.
 * Sizes are long long throughout: a limit of 6G must fit on 32-bit as well.
 */
#ifndef SELFTESTS_DMEM_UTIL_H
#define SELFTESTS_DMEM_UTIL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "dmem_cgroup.h"

/* The value of a limit file that reads "max". */
#define DMEM_MAX	LLONG_MAX

#define DMEM_NAME_LEN	256
#define DMEM_HEAPS	64
#define DMEM_FILE_BUF	8192	/* for the text of a file */
#define CMA_DEBUGFS	"/sys/kernel/debug/cma"	/* has a directory for each area */

/*
 * The heaps that tests may allocate from, separated by colons. The first is a heap
 * on a CMA area, for the tests that need one. On some boards other areas belong to
 * a DSP or to firmware, and a write to their memory crashes the machine: no test
 * uses an area that is not named here. A name of no heap is an error.
 */
#define DMEM_TEST_HEAP	"DMEM_TEST_HEAP"

/*
 * Those of them whose areas drivers or other programs use as well, in the same form. The
 * kernel does not show that: the person who runs the tests does.
 */
#define DMEM_TEST_SHARED	"DMEM_TEST_SHARED"

struct dmem_heap {
	char name[DMEM_NAME_LEN];	/* below /dev/dma_heap */
	char region[DMEM_NAME_LEN];	/* "" where the heap has none */
	bool has_region_file;
	/* Is it in DMEM_TEST_HEAP, on the same area as one of these, or "system"? */
	bool usable;
};

enum dmem_kind {
	DMEM_NO_HEAP,	/* the test opens its heaps itself */
	DMEM_CMA,	/* the first one in DMEM_TEST_HEAP */
	DMEM_SYSTEM,
};

/* One running test: its own cgroup, and the heap that it uses. */
struct dmem_test {
	char reason[DMEM_NAME_LEN];	/* why dmem_begin() did not return 0 */
	const char *root;		/* where cgroup2 is mounted */
	char *cg;			/* has +dmem, so it takes no process */
	long long page;
	struct dmem_heap heap;
	const char *area;		/* CMA area of the heap, or NULL */
	int heap_fd;
};

/*
 * Creates the test's cgroup and opens a heap. Returns 0, KSFT_SKIP if the
 * running kernel lacks a feature, or a negative errno; the latter two set reason
 * and leave nothing behind.
 */
int dmem_begin(struct dmem_test *t, enum dmem_kind kind);

/* Leaves the test's cgroup, kills its remaining processes and removes it. */
void dmem_end(struct dmem_test *t);

/* region files: value in bytes, DMEM_MAX, or a negative errno */
long long dmem_read(const char *cg, const char *file, const char *region);
long long dmem_current(const char *cg, const char *region);
long long dmem_peak(const char *cg, const char *region);
long long dmem_wait_current(const char *cg, const char *region,
			    long long want, int timeout_ms);
/* Of files with several keys for a region: "region key=value key=value" */
long long dmem_nested(const char *cg, const char *file, const char *region, const char *key);
/* Writes the limit and reads it back; -EBADMSG if it reads back differently. */
int dmem_set(const char *cg, const char *file, const char *region, long long bytes);
int dmem_set_max(const char *cg, const char *region, long long bytes);

/* /sys/kernel/mm/cma/<area>/<file> */
long long cma_read(const char *area, const char *file);

/* All heaps in the order of their names. Tests allocate only from usable ones. */
int heap_list(struct dmem_heap *heaps, int max);
int heap_open(const char *name);
int heap_alloc(int heap_fd, long long len);
int heap_alloc_flags(int heap_fd, uint64_t len, uint32_t fd_flags, uint64_t heap_flags);
/*
 * Allocates until the heap has no more memory: first buffers of the given size,
 * then ever smaller ones down to single pages, so that fragmentation of the area
 * leaves no page free. Allocates max buffers at most; returns their number.
 */
int heap_fill(int heap_fd, long long size, int *fds, int max);
/* Allocates in cg through a child that has exited on return; this process gets the fd. */
int cg_alloc(const char *cg, int heap_fd, long long len);
const char *region_area(const char *region);
/*
 * Is it a CMA area that only the tests use? Any driver may allocate from the default
 * area, and any program from the system heap, see also DMEM_TEST_SHARED: there the figures
 * of the area and of the root cgroup depend on others.
 */
bool region_is_private(const char *region);

#endif /* SELFTESTS_DMEM_UTIL_H */
