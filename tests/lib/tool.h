/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs lsdmem on a fake machine. */
#ifndef TOOL_H
#define TOOL_H

struct tool {
	const char *program;
	const char *jq;
	const char *dir;		/* working directory */
	/* Words before the program, up to NULL, such as a program that drops privileges. */
	const char *before[8];
};

/* Runs the program on "root" with @args, which are separated by blanks. stdout and stderr go to
 * "out" and "err". Returns its exit code, or -signal. */
int tool(const struct tool *t, const char *args);

/* True if the filter returns true for the content of "out". stderr goes to "err". */
int jq(const struct tool *t, const char *filter);

#endif
