/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs of the distribution that a test runs and listens to. Functions that
 * return int give a negative errno on failure.
 */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A program that runs, and what it has written so far. */
struct program {
	pid_t pid;
	int tty;
	long long deadline;
	bool late;		/* it was still there at the deadline */
	char buf[4096];
	size_t len;
};

/* cg is where it runs, NULL for where the caller is. */
int program_start(struct program *p, const char *cg, char *const argv[],
		  int seconds);
/* Its next line, or NULL when it wrote its last or had no more time. */
char *program_line(struct program *p);
/* Its exit code, 128 and more for a signal. */
int program_end(struct program *p);

#endif /* TESTS_PROGRAM_H */
