/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy that does not exist means "no limit". So a file that only seems not to exist, in the
 * engine's mount namespace or behind a link, must not count as none.
 */
#ifndef HOOK_ABSENT_H
#define HOOK_ABSENT_H

#include "dmem/dmem.h"

/* For an absolute path that open() found no file at. Returns NULL if process 1 has no such file
 * either and no directory above is a link that leads nowhere; otherwise the problem. @proc: a mount
 * of procfs; @rootless: that this program has no right to look at process 1 is no problem. */
const char *hook_absent_problem(struct dmem_arena *a, const char *path, const char *proc, bool rootless);

/* The part of it that needs no other process: a directory above that is a link that leads nowhere.
 * @root: the directory that is "/". */
const char *hook_absent_here(struct dmem_arena *a, int root, const char *path);

#endif
