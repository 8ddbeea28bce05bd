/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACED_H
#define TRACED_H

/*
 * Runs a program and kills it before its @n-th system call. Returns the number of calls that it
 * began: less than @n if it ended by itself. Negative: it failed, or ended in another way. Use a
 * program without sanitizers: these make system calls of their own, and cannot be traced.
 */
int run_until(const char * const *argv, int n);

#endif
