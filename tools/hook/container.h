/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cgroup of a container's first process. A pid is only a number: the process may end and
 * another one get its pid, or may be moved. So the process is held by a pidfd, its cgroup by a
 * descriptor, and both are compared again after the limits are written.
 */
#ifndef HOOK_CONTAINER_H
#define HOOK_CONTAINER_H

#include <sys/types.h>

#include "dmem/dmem.h"

struct hook_container {
	int pid;
	int process;		/* pidfd */
	int proc;		/* /proc/PID */
	int dir;		/* the cgroup */
	const char *path;	/* of the cgroup, below the root of the tree */
};

/* Nothing is open. */
#define HOOK_NO_CONTAINER	((struct hook_container){ .process = -1, .proc = -1, .dir = -1 })

/* A copy of the path in the line of cgroup v2 of /proc/PID/cgroup, without the first slash. NULL:
 * there is none, or it is not below our root. A removed cgroup has " (deleted)" after its name, but
 * no process lives in one: for a process that lives, the word is a part of the name. */
char *hook_cgroup_path(struct dmem_arena *a, const char *text);

/* True if @path is @below, or a cgroup above it. */
bool hook_cgroup_holds(const char *path, const char *below);

/* The time at which a process was started, in ticks since boot, from /proc/PID/stat; or
 * DMEM_UNKNOWN. */
uint64_t hook_start_time(const char *stat);

/* True if the process or thread with this stat has ended: only its parent has not asked for it yet.
 * Other threads of the process may live. */
bool hook_has_ended(const char *stat);

/* @root: of the cgroup tree; @proc: a mount of procfs. Returns NULL, or the problem. Call
 * hook_container_close() in either case. */
const char *hook_container_open(struct dmem_arena *a, int root, const char *proc, int pid,
				struct hook_container *c);

/* NULL: the process is alive, and in the same cgroup as when it was opened. */
const char *hook_container_check(const struct hook_container *c);

/* True if others than root, @uid and @gid can remove limits below the cgroup: they own it, or can
 * write to its cgroup.subtree_control or cgroup.procs. */
bool hook_cgroup_foreign(int root, const char *path, uid_t uid, gid_t gid);

/* The path of such a cgroup above the container's, or NULL. */
const char *hook_container_foreign(struct dmem_arena *a, int root, const struct hook_container *c, uid_t uid,
				   gid_t gid);

void hook_container_close(struct hook_container *c);

#endif
