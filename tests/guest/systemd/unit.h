/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes, starts and removes units for tests, under the systemd that is the guest's first process.
 * Returned text is valid until the next call of the same function.
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
/* The output file of services, by StandardOutput=append:. */
#define OUT		"/run/dmem-tests/out"
/* The start of each service file. */
#define SERVICE		"[Service]\nStandardOutput=append:" OUT "\n"

/* NULL, or the reason why such tests cannot run on this machine. */
const char *units_begin(void);

/* Stops all started units and removes all written files. Returns 0, or -EBUSY if one of the units
 * is still active. systemd forgets them at the next reload. */
int units_end(void);

/* Writes a file; relative paths are below /etc/systemd/system. units_end() removes it, and the
 * directories made for it. 0 or -errno. */
int unit_write(const char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int unit_remove(const char *path);

/* The text of a small file, "" if it cannot be read. */
const char *text_of(const char *path);

/* Runs a program with arguments, up to a NULL. Returns its exit code, or -1; output() returns its
 * stdout and stderr. */
int run(const char *program, ...) __attribute__((sentinel));
const char *output(void);

/* Like run("systemctl", ...), but units_end() stops the units. */
int start(const char *unit);
int stop(const char *unit);
int restart(const char *unit);
int reload(void);

/* One property, without its name. */
const char *property(const char *unit, const char *name);
bool is_active(const char *unit);
/* Waits a number of seconds until the property has the value. */
bool wait_property(const char *unit, const char *name, const char *want, int seconds);

/* The path of a unit's cgroup in the file system, or "". */
const char *cgroup_of(const char *unit);
/* A limit of a unit's cgroup in bytes, DMEM_MAX or a negative errno. */
long long limit_of(const char *unit, const char *file, const char *region);
/* True if the unit runs without this limit; also without files of the controller. */
bool has_no_limit(const char *unit, const char *region);

/* Output of services since the last call of out_clear(). */
const char *out(void);
void out_clear(void);
bool wait_out(const char *line, int seconds);

/* True if the journal, or the kernel's log, has a line of this program with the text. */
bool logged(const char *identifier, const char *text);

#endif
