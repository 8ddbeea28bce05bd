/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Containers for tests of all engines. Returned text is valid until the next call of the same
 * function.
 */
#ifndef CONTAINER_H
#define CONTAINER_H

#include <stdbool.h>
#include <sys/types.h>

#define CGROUPS		"/sys/fs/cgroup"
/* The root file system of the containers, with /probe in it. */
#define ROOTFS		"/srv/camera"
/* The configurations in the documentation. */
#define OCI_CONFIG	"/srv/oci/config.json"
#define LXC_CONFIG	"/srv/lxc/config"
#define BUNDLES		"/run/dmem-tests/bundle"

/* Seconds. An engine needs one or two, and more if the host is busy. */
#define SOON		60

/* The word for probe that exceeds the limit, and its output. */
#define TOO_MUCH	CAMERA_HEAP "=9"
#define FITS		CAMERA_HEAP "=8"
#define MODEST		CAMERA_HEAP "=4"
#define SAYS_LIMITED	CAMERA_HEAP "=9 12\n" CAMERA_HEAP "=8 0\n"
#define SAYS_FREE	CAMERA_HEAP "=9 0\n" CAMERA_HEAP "=8 0\n"
#define SAYS_MODEST	CAMERA_HEAP "=4 0\n"

/* The same, in the configurations. */
#define OCI_WORDS	"\"hold\""
#define OCI_GREEDY	"\"caps\", \"" TOO_MUCH "\", \"" FITS "\", \"hold\""
#define OCI_MODEST	"\"caps\", \"" MODEST "\", \"hold\""
#define GREEDY		"/probe caps " TOO_MUCH " " FITS " hold"
#define WORDS		"/probe hold"

/* Output of a program inside. */
#define OTHER_HEAP	"display@60000000=1"
#define LIFT		"lift:" CAMERA
#define SEE_CGROUP	"read:" CGROUPS "/cgroup.procs"
#define SEE_MINE	"read:" CGROUPS "/dmem.current"
#define SEE_CAPACITY	"read:" CGROUPS "/dmem.capacity"
#define FIND_USAGE	"find:" CGROUPS "/dmem.current"
#define FIND_CAPACITY	"find:" CGROUPS "/dmem.capacity"
#define USAGE		"usage:" CAMERA

/* Changes of config.json: the directory of all heaps is mounted, and the one heap at another
 * path. */
#define HEAP_FILE	"/dev/dma_heap/" CAMERA_HEAP
#define OCI_CGROUP	"\t\t{ \"destination\": \"/sys/fs/cgroup\""
#define OCI_ALL_HEAPS	"\"path\": \"" HEAP_FILE "\"", "\"path\": \"/dev/camera\"", OCI_CGROUP, \
			"\t\t{ \"destination\": \"/dev/dma_heap\", \"type\": \"none\", " \
			"\"source\": \"/dev/dma_heap\", \"options\": [ \"bind\" ] },\n" OCI_CGROUP
/* A further change: users of the container have numbers from this one on outside. */
#define MAPPED_USER	100000
#define OCI_MAPPED	"[ { \"containerID\": 0, \"hostID\": 100000, \"size\": 65536 } ]"
#define OCI_USERS	"{ \"type\": \"pid\" },", "{ \"type\": \"pid\" }, { \"type\": \"user\" },", \
			"\"namespaces\"", "\"uidMappings\": " OCI_MAPPED ", " \
			"\"gidMappings\": " OCI_MAPPED ", \"namespaces\""
#define SAYS_DENIED	CAMERA_HEAP "=9 13\n" CAMERA_HEAP "=8 13\n"

/*
 * Like units_begin(), and stores the charges of the regions, the cgroups and the mounts.
 */
const char *containers_begin(void);
/*
 * Like units_end(); also -EBUSY if a region has more charges than before, if the cgroups or mounts
 * differ, or if a program of the container still runs. Prints the difference on stdout.
 */
int containers_end(void);

/*
 * Makes a file from a shipped one, with the numbers of the heap's device in place of zeros. Pairs
 * of texts follow, up to a NULL: the first one must occur once, and is replaced by the second. 0 or
 * -errno, -ENOENT for a missing text.
 */
int file_from(const char *path, const char *shipped, ...) __attribute__((sentinel));

/* The path of the bundle of an OCI engine, or of its config.json. */
const char *bundle(const char *id);
const char *bundle_config(const char *id);

/* Runs a line of the shell; out() returns its output. */
int shell_out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Starts a line with exec and does not wait: returns the pid of the engine. */
pid_t spawn_out(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Kills the process with SIGKILL, and waits for its end. */
void kill_hard(pid_t pid);

/* The first process of a cgroup, or 0. */
pid_t first_pid(const char *cg);
/* The path of a process's cgroup in the file system, or "". */
const char *cgroup_of_pid(pid_t pid);

/* The owner of a process, as seen from here; -1: there is no such process. */
long long user_of_pid(pid_t pid);

/* The number of requests that a cgroup's own limit refused; negative if unknown. */
long long refused(const char *cg, const char *region);
bool exists(const char *path);
/* Wait until the file or directory exists, or until it does not. */
bool wait_exists(const char *path, int seconds);
bool wait_gone(const char *path, int seconds);

#endif
