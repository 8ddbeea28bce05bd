/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests in this directory share. */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * One test: its name and why it failed. The name that is printed begins with the test
 * function and the case, if there are any: "FUNCTION: CASE: NAME". A name that is used twice
 * in one program fails the test. Returns @ok.
 */
bool check(bool ok, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool check_text(const char *got, const char *want, const char *name);
void tap_start(void);
int tap_end(void);

/*
 * RUN(FUNCTION, ARGUMENT...) calls a test function, if the environment variable TAP_ONLY
 * does not name another one. A "test_" at the beginning of a function's name does not count.
 */
#define RUN(fn, ...) do {			\
	if (tap_function(#fn)) {		\
		fn(__VA_ARGS__);		\
		tap_function(NULL);		\
	}					\
} while (0)

/* Begins a test function; NULL ends it. Returns whether it is to be run. */
bool tap_function(const char *name);

/* Begins a case of the test function; "" ends it. */
void tap_case(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Everything below is relative to a directory that tap_dir() empties. */
void tap_dir(const char *path);
const char *tap_path(const char *rel);	/* good until eight calls later */
void put(const char *rel, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void link_to(const char *rel, const char *target);
char *get(const char *rel);		/* "" if it is not there; good until the next call */
/* All files below, each with its text. Good until the next call. */
char *get_tree(const char *rel);

/* Runs a program with stdin, stdout and stderr in "in", "out" and "err". Returns
 * its exit code, or -signal. */
int run(const char * const *argv);

#endif
