/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lsdmem and dmemctl have in common as programs. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CLI_VERSION	"0.1"

/* Exit codes of both. */
enum {
	CLI_OK		= 0,
	CLI_FAILED	= 1,
	CLI_USAGE	= 2,	/* not a command line of ours */
};

struct cli {
	const char *program;	/* "lsdmem", "dmemctl set" */
};

/* One line on stderr, "program: ...". A name in it may come from
 * anybody: it is printed as of text_put(). */
void cli_error(const struct cli *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same, and the line that points to --help. Returns CLI_USAGE. */
int cli_usage(const struct cli *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A wrong option: @opt is what getopt_long() gave, ':' or '?', and @letters what it was
 * given. Returns CLI_USAGE. */
int cli_bad_option(const struct cli *c, int opt, const char *letters, char **argv);

#define CLI_SIZE	32

/* "24M", "1.5G", "4096" with @bytes; "max", and "-" for an unknown one. Returns @buf. */
const char *cli_size(char buf[CLI_SIZE], uint64_t size, bool bytes);

/* A terminal that nobody has asked to leave plain (NO_COLOR, TERM=dumb). */
bool cli_colours(FILE *f);

/* Flushes and closes stdout. Returns @status, or CLI_FAILED with a message if what was
 * printed did not get there. A reader that went away is no failure. */
int cli_close_stdout(const struct cli *c, int status);

#endif
