/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The context that systemd gives to a command of a unit. "+" lifts User= and the
 * sandbox, but leaves the unit's environment, mounts, resource limits and working
 * directory, and the unit's user may shape each of them.
 */
#ifndef CONTEXT_H
#define CONTEXT_H

#include <stdbool.h>

/*
 * Replaces the inherited context with that of the first process: no environment,
 * usual resource limits, signals and umask, no file but stdin, stdout and stderr,
 * and the mounts that systemd itself sees. Call it before anything is opened.
 *
 * Returns false if the mounts are still those that were inherited. Files of the
 * kernel must then be opened with context_open().
 */
bool context_leave(void);

/*
 * Opens @path for reading, below the file system of type @magic (PROC_SUPER_MAGIC,
 * ...) that must be mounted at @top: -EMEDIUMTYPE if it is another one. Nothing may be
 * mounted over it on the way: -EXDEV otherwise. Returns a file descriptor that the
 * caller closes, or a negative errno.
 */
int context_open(const char *top, long magic, const char *path);

#endif
