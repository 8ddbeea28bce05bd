/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of Debian's V4L2 programs share. Functions that return int
 * give a negative errno on failure.
 */
#ifndef TESTS_MEDIA_UTIL_H
#define TESTS_MEDIA_UTIL_H

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

/* vivid with these parameters, as after a boot. */
int load_vivid(const char *params);
void unload_vivid(void);

/* The region of the default CMA area, where vivid gets its buffers. */
bool default_region(char *region, size_t size);

/* cg is where it runs, NULL for where the caller is. */
int program_start(struct program *p, const char *cg, char *const argv[],
		  int seconds);
/* Its next line, or NULL when it wrote its last or had no more time. */
char *program_line(struct program *p);
/* Its exit code, 128 and more for a signal. */
int program_end(struct program *p);

#endif
