/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACED_H
#define TRACED_H

/*
 * Returns the number of a program's system calls. Negative: it failed. If @polls is not NULL, it
 * is called each time the program begins to poll(), and the program goes on afterwards. Use a
 * program without sanitizers: these make system calls of their own, and cannot be traced. Its
 * output is discarded.
 */
int run_calls(const char * const *argv, void (*polls)(void));

#endif
