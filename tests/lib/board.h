/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine of plain files where units run, and where nothing is wrong. */
#ifndef BOARD_H
#define BOARD_H

#include "tap.h"
#include "fake.h"
#include "tool.h"

#define CAMERA		"cma/camera@64000000"
#define DISPLAY		"cma/display@60000000"
#define SYSTEM		"heap/system"

#define CG		"root/sys/fs/cgroup/"
#define ETC		"root/etc/systemd/system/"
#define LIB		"root/usr/lib/systemd/system/"
#define CONTROL		"root/etc/systemd/system.control/"
#define RUN_CONTROL	"root/run/systemd/system.control/"
#define EXEC		"[Service]\nExecStart=/bin/true\n"

/*
 * Regions of 40, 48 and 1000 MiB; heaps camera, display and system.
 *
 * camera.service	runs, uses 8 MiB of the camera's region, and has a limit of 24M
 * cam.service		an alias of it
 * other.service	runs
 * box.service		runs, and is delegated: the cgroup payload is in it
 * stopped.service	does not run
 * masked.service
 * eye@.service		eye@left.service runs
 * media.slice		has a limit of 30M
 * lone.scope		runs
 */
void board(const struct tool *t);

/* Names, modes and contents of all files below "root". The caller frees it. */
char *snapshot(void);

/* Checks that the tree has not changed. Frees @before. */
void same_tree(char *before, const char *name);

/* True if the path exists, whatever its type. */
bool is_there(const char *rel);

/* Runs @args and checks its exit code and texts that must occur in stdout and stderr. NULL or "":
 * no output at all. */
void expect(const struct tool *t, const char *args, int code, const char *out, const char *err);

/* Two tests: the run fails with @err on stderr, and changes no file. */
void expect_refused(const struct tool *t, const char *args, const char *err);

#endif
