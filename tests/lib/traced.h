/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACED_H
#define TRACED_H

#include <sys/types.h>

/*
 * Starts a program with these options of ptrace(), without its output. It has stopped after
 * execve(), or before @prepare, which it calls before that. Returns a negative errno on failure.
 */
pid_t traced_start(const char * const *argv, int options, int (*prepare)(void));

/*
 * Returns the number of a program's system calls. Negative: it failed. If @polls is not NULL, it
 * is called each time the program begins to poll(), and the program goes on afterwards. Use a
 * program without sanitizers: these make system calls of their own, and cannot be traced. Its
 * output is discarded.
 */
int run_calls(const char * const *argv, void (*polls)(void));

#endif
