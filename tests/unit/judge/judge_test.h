/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of the programs in scripts/judge: each case is a set of files, a command
 * that reads them, and the expected status and output. Results are TAP.
 */
#ifndef JUDGE_TEST_H
#define JUDGE_TEST_H

#include <stdbool.h>
#include <stddef.h>

/* From the command line: the program to be tested, and a directory for files. */
struct place {
	const char *program, *dir;
};

/* Writes @text to a file in @dir; removes the file if @text is NULL. */
void put_file(const char *dir, const char *name, const char *text);

/* Runs a shell command; returns its status, or -1. */
int output_of(const char *cmd, char *out, size_t size);

/* Prints the status and the output of a failed case. Changes @out. */
void show_output(int status, char *out);

/* Whether a command ends with @status and prints @text, as a part or as @all. */
bool prints(const char *cmd, int status, const char *text, bool all);

/* Runs case number @i. Sets @name. */
typedef bool one_case(const struct place *place, size_t i, const char **name);

/*
 * The main function of a test of @n cases. @prepare makes directories; it may be NULL.
 * Returns the exit status.
 */
int run_cases(int argc, char **argv, size_t n, void (*prepare)(const struct place *), one_case *one);

#endif
