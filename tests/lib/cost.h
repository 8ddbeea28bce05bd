/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cost of a program without sanitizers in counts, which other load does not change. stdout goes
 * to "out" and stderr to "err".
 */
#ifndef COST_H
#define COST_H

#include <stddef.h>

/* The most that a cost may grow when the size is doubled. A linear one doubles at most. */
#define COST_TWICE	2.1

/*
 * The instructions outside the kernel, counted by cachegrind. 0: valgrind or the program failed.
 * @open: the library of openat2.c, or NULL for a program that does not need it.
 */
double cost_instructions(const char *valgrind, const char *open, const char *const *argv);

/*
 * The largest memory in KiB; -1: the program failed. It is at least that of the caller, which must
 * be small: without sanitizers.
 */
long cost_memory(const char *const *argv);

#endif
