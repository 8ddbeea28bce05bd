/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that are killed at a moment that is chosen. */
#ifndef UNTIL_H
#define UNTIL_H

/*
 * Runs a program and kills it before its @n-th system call. Returns how many calls it
 * began: less than @n if it ended well by itself before that. A negative number if
 * something else became of it. It must be one without sanitizers.
 */
int until(const char * const *argv, int n);

#endif
