/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running lsdmem on a fake machine. */
#ifndef TOOL_H
#define TOOL_H

struct tool {
	const char *program;
	const char *jq;
	const char *dir;		/* to work in */
	/* Words before the program, up to NULL: what takes rights away. */
	const char *before[8];
};

/* Runs the program on "root", with @args, words with blanks between them. stdout and
 * stderr go to "out" and "err". Returns its exit code, or -signal. */
int tool(const struct tool *t, const char *args);

/* Does the filter give true for what is in "out"? stderr goes to "err". */
int jq(const struct tool *t, const char *filter);

#endif
