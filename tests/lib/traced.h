/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACED_H
#define TRACED_H

/*
 * Use a program without sanitizers for both: these make system calls of their own, and cannot be
 * traced. Its output is discarded.
 */

/*
 * Runs a program and kills it before its @n-th system call. Returns the number of calls that it
 * began: less than @n if it ended by itself. Negative: it failed, or ended in another way.
 */
int run_until(const char * const *argv, int n);

/*
 * Returns the number of a program's system calls. Negative: it failed. If @polls is not NULL, it
 * is called each time the program begins to poll(), and the program goes on afterwards.
 */
int run_calls(const char * const *argv, void (*polls)(void));

#endif
