/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers of the acts of dmem-demo. */
#ifndef DEMO_DEMO_H
#define DEMO_DEMO_H

#include <stdlib.h>

#include "heap.h"

#define ROOT		"/sys/fs/cgroup"
#define CAMERA_HEAP	"camera@64000000"
#define CAMERA		"camera.service"
#define DISPLAY		"display.service"

/* A process in a cgroup that carries out orders. */
struct worker {
	pid_t pid;
	int ask, answer;
};

struct taken {
	unsigned long buffers, refused;
	int err;
};

/* A worker's function: reads orders from @ask, and writes a struct taken for each to @answer. */
typedef void (*work_t)(int ask, int answer, void *arg);

/* Prints a check that failed, and exits. */
void __attribute__((format(printf, 1, 2), noreturn)) wrong(const char *fmt, ...);

/* The region that a heap's buffers are charged to. */
char *heap_region(const char *heap);

/* The value of a region in a cgroup's file; ULLONG_MAX for "max". */
unsigned long long value(const char *group, const char *file, const char *region);

/* The number of the cgroup's own requests with this result, from its dmem.events.local. */
unsigned long event(const char *group, const char *region, const char *key);

void make_group(const char *group);
void remove_group(const char *group);
void set_max(const char *group, const char *region, unsigned long mib);
void set_min(const char *group, const char *region, unsigned long mib);
void expect_current(const char *group, const char *region, unsigned long mib);

struct worker start_worker(const char *group, work_t work, void *arg);
struct taken tell(struct worker *w, const char *order);
void stop_worker(struct worker *w);

/* Starts a worker that allocates buffers of 1 MiB from heaps: @want at most, until refused. */
struct worker start_taker(const char *group);
struct taken take(struct worker *w, const char *heap, unsigned long want);
void expect_taken(const char *group, const char *heap, struct taken *got,
		  unsigned long buffers, int refused);

/*
 * Collects the rows of a table, and prints it after a check that no charge is left. The kernel must
 * have counted as many refused requests as the programs have seen.
 */
void add_row(const char *group, const char *region, unsigned long refused);
void print_table(void);
void expect_nothing_left(void);

void camera_act(void);
void reserve_act(void);

#endif
