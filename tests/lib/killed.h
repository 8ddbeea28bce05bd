/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KILLED_H
#define KILLED_H

/*
 * Runs a program and kills it before its @n-th system call that may change a file: to be killed
 * at any other call is to be killed before the next one of these. Returns the number of such
 * calls that it began, the one that ends it among them: less than @n if it ended by itself.
 * Negative: it failed, or ended in another way. Use a program without sanitizers: these make
 * system calls of their own, and cannot be traced. Its output is discarded.
 */
int run_until(const char * const *argv, int n);

#endif
