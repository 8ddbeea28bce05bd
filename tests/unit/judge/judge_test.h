/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the programs that judge share: a directory of files, a command
 * that reads them, and a result in TAP.
 */
#ifndef JUDGE_TEST_H
#define JUDGE_TEST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Writes @text to a file. */
static void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f)) {
		perror(path);
		exit(2);
	}
}

/* What a command of the shell writes, as text; returns its status, or -1. */
static int output_of(const char *cmd, char *out, size_t size)
{
	FILE *p = popen(cmd, "r");
	size_t len;
	int status;

	*out = 0;
	if (!p)
		return -1;
	len = fread(out, 1, size - 1, p);
	out[len] = 0;
	status = pclose(p);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Below what was wanted; @out is used up. */
static void show_output(int status, char *out)
{
	printf("# status %d, output:\n", status);
	for (char *s = strtok(out, "\n"); s; s = strtok(NULL, "\n"))
		printf("#   %s\n", s);
}

/* Whether a command ends with @want and writes @says: as a part, or as @all. */
__attribute__((unused))
static bool as_wanted(const char *cmd, int want, const char *says, bool all)
{
	char out[16384];
	int status = output_of(cmd, out, sizeof(out));

	if (status == want && (all ? !strcmp(out, says) : !!strstr(out, says)))
		return true;
	printf("# wanted: status %d, %s\n", want, says);
	show_output(status, out);
	return false;
}

/* The words of the command line, and the plan of so many tests. */
static void begin_tests(int argc, char **argv, size_t n)
{
	if (argc != 3) {
		fprintf(stderr, "usage: %s program directory\n", argv[0]);
		exit(2);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%zu\n", n);
}

/* Returns 1 if it was wrong. */
static int end_test(bool ok, size_t number, const char *name)
{
	printf("%sok %zu %s\n", ok ? "" : "not ", number, name);
	return !ok;
}

#endif
