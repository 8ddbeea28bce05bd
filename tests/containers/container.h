/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Containers of the tests, whichever engine starts them. Text that is returned
 * is good until the next call of the same function.
 */
#ifndef CONTAINER_H
#define CONTAINER_H

#include <stdbool.h>
#include <sys/types.h>

#define CGROUPS		"/sys/fs/cgroup"
/* The one root file system of all containers, with /probe in it. */
#define ROOTFS		"/srv/camera"
#define CONFIG		"/srv/oci/config.json"
#define BUNDLES		"/run/dmem-tests/bundle"
/* The numbers of the heap's device, as the shipped config.json has them. */
#define NUMBERS		"\"major\": 0, \"minor\": 0"
#define WORDS		"\"hold\""

/* As units_begin(), and notes what the pools have in use. */
const char *containers_begin(void);
/* As units_end(); -EBUSY also if something is still in use that was not before. */
int containers_end(void);

/*
 * Makes a bundle of an OCI engine from the shipped config.json, with the heap's
 * numbers in it. Then come pairs of texts, up to a NULL: the first one must be
 * there once and is replaced by the second. 0 or -errno; -ENOENT is for a text
 * that is not there.
 */
int bundle_write(const char *id, ...) __attribute__((sentinel));
const char *bundle_path(const char *id);

/* Runs a line of the shell, whose output goes where out() reads it. */
int shell_out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The first process of a cgroup, or 0. */
pid_t first_pid(const char *cg);
/* The path of a process's cgroup in the file system, or "". */
const char *cgroup_of_pid(pid_t pid);

/* How often a cgroup refused by its own limit; negative if that is not told. */
long long refused(const char *cg, const char *region);

/* Waits until there is no such file or directory. */
bool wait_gone(const char *path, int seconds);

#endif
