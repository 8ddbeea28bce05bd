/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services without systemd: cgroups, each with a process that allocates buffers for the test. Its
 * buffers are charged to its cgroup, without a move of the test's process, which would take an RCU
 * grace period.
 */
#ifndef SERVICES_H
#define SERVICES_H

#include <sys/types.h>

#define SERVICES	16

/* All zero has none. */
struct services {
	int n;
	char *cgroup[SERVICES];		/* path in the file system */
	pid_t pid[SERVICES];
	int sock[SERVICES];
};

/* Makes the cgroups PARENT/service_0 to N-1, and starts their processes, which have the heaps that
 * are open now. Call it without other open buffers. 0 or a negative errno; call services_end() in
 * both cases. */
int services_start(struct services *s, const char *parent, int n);

/* Ends the processes and removes the cgroups. 0 or a negative errno. */
int services_end(struct services *s);

/* The service allocates a buffer. The caller gets its descriptor, which is @at_least or higher, or
 * a negative errno. */
int services_alloc(struct services *s, unsigned int i, int heap, long long bytes, int at_least);

#endif
