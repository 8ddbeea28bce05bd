/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers of the tests in this directory. */
#ifndef DMEM_GUEST_UTIL_H
#define DMEM_GUEST_UTIL_H

#include "dmem_util.h"

/* Kills all processes in the test's cgroup, removes it and creates it anew. */
int dmem_renew(struct dmem_test *t);
/*
 * Enables the memory controller in the test's cgroup and the two above it. Returns 0 or
 * a negative errno.
 */
int dmem_enable_memory(const struct dmem_test *t);
/*
 * Mounts cgroup2 with memory_dma_accounting and no other option, or with none. Returns 0 or
 * a negative errno.
 */
int dma_accounting(bool on);
/* Kernel memory that memcg charges to the cgroup, with changes of some pages left out */
long long kernel_memory(const char *cg);
bool dmem_is_on(void);
/* dmem.min of the test's cgroup and of top, the one above it: a child has a part. */
int dmem_reserve_above(const struct dmem_test *t, const char *top, long long bytes);
/*
 * Creates a cgroup beside top, the one above the test's, or returns NULL. The next test
 * that needs it, or the end of the program, kills its processes and removes it.
 */
char *cg_outside(const char *top);

/* Writes a file, which gets its present content back when the program ends. */
int file_set(const char *dir, const char *file, const char *text);

/* the kernel log */
int kmsg_open(void);
int kmsg_count(int fd, const char *needle);

/*
 * Returns a private tracing instance in tracefs. The caller frees the string; the
 * instance is removed when the program ends, however it ends.
 */
char *trace_dir(void);

int cpu_count(void);
/* Gives the calling thread one CPU of those that it may use. */
void cpu_pin(int n);
/* Runs fn(args + i * size) for i < n in as many threads, until all are done. */
void run_threads(int n, void *(*fn)(void *), void *args, size_t size);
int lowest_fd(void);		/* that is free */

#endif /* DMEM_GUEST_UTIL_H */
