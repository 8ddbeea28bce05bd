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
/* The root file system of the containers, with /probe in it. */
#define ROOTFS		"/srv/camera"
/* The configurations that the documentation shows. */
#define OCI_CONFIG	"/srv/oci/config.json"
#define LXC_CONFIG	"/srv/lxc/config"
#define BUNDLES		"/run/dmem-tests/bundle"

/* Seconds. An engine needs one or two, and more where the host has other things to do. */
#define SOON		60

/* What probe does in a container that wants too much, and what it says of it. */
#define TOO_MUCH	CAMERA_HEAP "=9"
#define FITS		CAMERA_HEAP "=8"
#define MODEST		CAMERA_HEAP "=4"
#define SAYS_CAPPED	CAMERA_HEAP "=9 12\n" CAMERA_HEAP "=8 0\n"
#define SAYS_FREE	CAMERA_HEAP "=9 0\n" CAMERA_HEAP "=8 0\n"
#define SAYS_MODEST	CAMERA_HEAP "=4 0\n"

/* The same, in the configurations. */
#define OCI_WORDS	"\"hold\""
#define OCI_GREEDY	"\"caps\", \"" TOO_MUCH "\", \"" FITS "\", \"hold\""
#define OCI_MODEST	"\"caps\", \"" MODEST "\", \"hold\""
#define GREEDY		"/probe caps " TOO_MUCH " " FITS " hold"
#define WORDS		"/probe hold"

/* Of what a program sees inside. */
#define OTHER_HEAP	"display@60000000=1"
#define LIFT		"lift:" CAMERA
#define SEE_CGROUP	"read:" CGROUPS "/cgroup.procs"
#define SEE_MINE	"read:" CGROUPS "/dmem.current"
#define SEE_CAPACITY	"read:" CGROUPS "/dmem.capacity"
#define FIND_USAGE	"find:" CGROUPS "/dmem.current"
#define FIND_CAPACITY	"find:" CGROUPS "/dmem.capacity"
#define USAGE		"usage:" CAMERA

/* Changes of config.json: the directory of all heaps is there, and the one heap elsewhere. */
#define HEAP_FILE	"/dev/dma_heap/" CAMERA_HEAP
#define OCI_CGROUP	"\t\t{ \"destination\": \"/sys/fs/cgroup\""
#define OCI_ALL_HEAPS	"\"path\": \"" HEAP_FILE "\"", "\"path\": \"/dev/camera\"", OCI_CGROUP, \
			"\t\t{ \"destination\": \"/dev/dma_heap\", \"type\": \"none\", " \
			"\"source\": \"/dev/dma_heap\", \"options\": [ \"bind\" ] },\n" OCI_CGROUP
/* And: users of the container are others outside, from this one on. */
#define MAPPED_USER	100000
#define OCI_MAPPED	"[ { \"containerID\": 0, \"hostID\": 100000, \"size\": 65536 } ]"
#define OCI_USERS	"{ \"type\": \"pid\" },", "{ \"type\": \"pid\" }, { \"type\": \"user\" },", \
			"\"namespaces\"", "\"uidMappings\": " OCI_MAPPED ", " \
			"\"gidMappings\": " OCI_MAPPED ", \"namespaces\""
#define SAYS_DENIED	CAMERA_HEAP "=9 13\n" CAMERA_HEAP "=8 13\n"

/*
 * As units_begin(), and notes what the pools have in use, and which cgroups and
 * mounts there are.
 */
const char *containers_begin(void);
/*
 * As units_end(); -EBUSY also if something is in use that was not before, if there
 * are other cgroups or mounts, or if the container's program still runs. What it is
 * is on stdout then.
 */
int containers_end(void);

/*
 * Makes a file from one that is shipped, with the numbers of the heap's device
 * where that one has zeros. Then come pairs of texts, up to a NULL: the first one
 * must be there once, and becomes the second. 0 or -errno, -ENOENT for a text
 * that is not there.
 */
int file_from(const char *path, const char *shipped, ...) __attribute__((sentinel));

/* Where the bundle of an OCI engine is, or its config.json. */
const char *bundle(const char *id);
const char *bundle_config(const char *id);

/* Runs a line of the shell, whose output goes where out() reads it. */
int shell_out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Starts one that is not waited for, by exec: what is returned is the engine. */
pid_t spawn_out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* kill -9, and waits for the end. */
void kill_hard(pid_t pid);

/* The first process of a cgroup, or 0. */
pid_t first_pid(const char *cg);
/* The path of a process's cgroup in the file system, or "". */
const char *cgroup_of_pid(pid_t pid);

/* To whom a process belongs, as it is seen from here; -1 if there is none. */
long long user_of_pid(pid_t pid);

/* How often a cgroup refused by its own limit; negative if that is not told. */
long long refused(const char *cg, const char *region);
bool exists(const char *path);
/* Waits until there is no such file or directory. */
bool wait_gone(const char *path, int seconds);

#endif
