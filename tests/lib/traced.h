/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACED_H
#define TRACED_H

/*
 * Runs a program and kills it before its @n-th system call. Returns how many calls it
 * began: less than @n if it ended by itself before that. A negative number if
 * something else became of it, and if it failed. It must be one without sanitizers,
 * which have system calls of their own, and cannot be traced.
 */
int run_until(const char * const *argv, int n);

#endif
