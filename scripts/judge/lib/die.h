/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors that end a program: one line on stderr and status 2. */
#ifndef JUDGE_DIE_H
#define JUDGE_DIE_H

#include <stdio.h>

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Return their argument or a new copy; a failed allocation ends the program. */
void *check(void *p);
char *copy(const char *s);

FILE *open_or_die(const char *path);

#endif
