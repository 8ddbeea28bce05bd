/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Units that a test writes, starts and takes away again, under the systemd that
 * is the guest's first process. Text that is returned is good until the next
 * call of the same function.
 */
#ifndef UNIT_H
#define UNIT_H

#include <stdbool.h>

#define MIB		(1024 * 1024LL)
#define CAMERA_HEAP	"camera@64000000"
#define CAMERA		"cma/camera@64000000"
#define DISPLAY		"cma/display@60000000"
#define DEFAULT		"cma/linux,cma"
#define SYSTEM		"heap/system"
#define PROBE		"/tests/systemd/probe"
/* Where services of the tests write to, by StandardOutput=append:. */
#define OUT		"/run/dmem-tests/out"
/* How each of them begins. */
#define SERVICE		"[Service]\nStandardOutput=append:" OUT "\n"

/* Is this a machine on which such tests can run? If not, why. */
const char *units_begin(void);

/* Stops what was started and removes what was written. Returns 0, or -EBUSY if
 * something of it is still active. systemd forgets it at the next reload. */
int units_end(void);

/* Writes a file; relative paths are below /etc/systemd/system. It is removed at
 * the end, and so are the directories that were made for it. 0 or -errno. */
int unit_write(const char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int unit_remove(const char *path);

/* The text of a small file, "" if it cannot be read. */
const char *text_of(const char *path);

/* Runs a program, up to a NULL. Returns its exit code, or -1; what it wrote,
 * with stderr, is in output(). */
int run(const char *program, ...) __attribute__((sentinel));
const char *output(void);

/* run("systemctl", ...) that remembers what was started. */
int start(const char *unit);
int stop(const char *unit);
int restart(const char *unit);
int reload(void);

/* One property, without its name. */
const char *property(const char *unit, const char *name);
bool is_active(const char *unit);
/* Waits until the property is as wanted, at most so many seconds. */
bool wait_property(const char *unit, const char *name, const char *want, int seconds);

/* The path of a unit's cgroup in the file system, or "". */
const char *cgroup_of(const char *unit);
/* A limit of a unit's cgroup in bytes, DMEM_MAX or a negative errno. */
long long cap_of(const char *unit, const char *file, const char *region);
/* Does it run without this cap? Where the controller is off, no file says so. */
bool is_uncapped(const char *unit, const char *region);

/* What services have written since the last call of out_clear(). */
const char *out(void);
void out_clear(void);
bool wait_out(const char *line, int seconds);

/* Has the journal, or the kernel's log, a line of one of our programs with this? */
bool logged(const char *identifier, const char *text);

#endif
