/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of Slurm, for tests in the guest of its controller. Returned text is valid until the next
 * call of the same function, that of output() until the next call of any function.
 */
#ifndef SLURM_H
#define SLURM_H

#include <stdbool.h>

#define CGROUPS		"/sys/fs/cgroup"
/* Has the output of each job, on its node. */
#define JOBS		"/run/dmem-tests/jobs"
/* A user without rights, whose jobs may open the heaps. */
#define AS_USER		"setpriv --reuid=operator --regid=operator --init-groups "
/* Runs probe, with the node's heap in place of HEAP. */
#define JOB		"/srv/slurm/job"

/* Seconds. A job starts within two or three, and more if the host is busy. */
#define SOON		90
#define POLL_MS		100

/* Runs a line of the shell; output() has its output. Returns its exit code. */
int line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Submits a job as a user, with words for probe. Returns its number, or 0. */
int submit(const char *options, const char *words);

/* One field of squeue, such as %T for the state. "" when the job is forgotten. */
const char *field(int job, const char *format);
bool wait_field(int job, const char *format, const char *want);

/* Such as "idle\n". */
const char *node_state(const char *name);
bool wait_node(const char *name, const char *want);
/* Waits a number of seconds until all nodes are idle. */
bool wait_idle(int seconds);

#endif
