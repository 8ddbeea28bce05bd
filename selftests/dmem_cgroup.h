/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cgroups of the dmem selftests, and the processes in them.
 *
 * Functions that return int or long long return a negative errno on failure.
 */
#ifndef SELFTESTS_DMEM_CGROUP_H
#define SELFTESTS_DMEM_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "cgroup_util.h"

#define SUBTREE_CONTROL	"cgroup.subtree_control"

/*
 * Creates the cgroup of a test, with dmem for its children; the caller passes the
 * name to cg_test_remove(), which leaves it, kills the processes in it, removes it
 * and frees the name.
 */
int cg_test_create(char **cg);
void cg_test_remove(char *cg);

const char *cgroup2_mount(void);

/* cgroups, by path; most functions are in cgroup_util.h */
int cg_create_parent(const char *cg);
/* Key of cgroup.stat: dead cgroups below that are not freed, as they have charges */
#define DYING	"nr_dying_subsys_dmem "
/* Waits for this number of them; returns the last. */
long long cg_wait_dying(const char *cg, long long want);
pid_t cg_fork(const char *cg);
/*
 * The cgroup's id as in the kernel's traces and in fdinfo: the handle that
 * name_to_handle_at() returns, or else the inode number; 0 if the inode number
 * is only a part of the id, on 32-bit without CONFIG_FHANDLE.
 */
unsigned long long cg_id(const char *cg);

/*
 * When the program ends, however it ends, text is written to this file, or the module
 * of this directory of /sys/module is unloaded, or UNDO_REMOVE removes this directory,
 * such as a cgroup with its processes. This is done in the reverse order. The first text
 * for a file counts.
 */
#define UNDO_REMOVE	"remove"
void undo_add(const char *path, const char *text);
/* Returns whether there was a text for this file. */
bool undo_forget(const char *path);
/* Does it now, for the paths that begin with the prefix. */
void undo_run(const char *prefix);

/* Returns 0, also if it is not loaded or in use, or a negative errno. */
int module_unload_unused(const char *name);

/* Memory that is shared with children */
void *shared_alloc(size_t size);

/* processes and time */
int wait_exit(pid_t pid);
int send_fd(int sock, int fd);
int recv_fd(int sock);
long long now_ms(void);
void sleep_ms(int ms);
bool kernel_is_64bit(void);
/* The directory of this program; the caller frees it. */
char *exe_dir(void);

#endif /* SELFTESTS_DMEM_CGROUP_H */
