/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs programs of the distribution and reads their output. Functions that return int give a
 * negative errno on failure.
 */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A running program, and its output so far. */
struct program {
	pid_t pid;
	int tty;
	long long deadline;
	bool late;		/* it still ran at the deadline */
	char buf[4096];
	size_t len;
};

/* @cg: the cgroup to run it in; NULL: that of the caller. */
int program_start(struct program *p, const char *cg, char *const argv[],
		  int seconds);
/* The next line; NULL: the output has ended, or the time is over. */
char *program_line(struct program *p);
/* Its exit code, or 128 and more for a signal. */
int program_end(struct program *p);

#endif /* TESTS_PROGRAM_H */
