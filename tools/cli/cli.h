/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages, sizes, dates and exit codes of lsdmem and dmemctl. */
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
	CLI_USAGE	= 2,	/* invalid command line */
};

struct cli {
	const char *program;	/* "lsdmem", "dmemctl set" */
};

/* Prints one line to stderr: "program: ...". Control characters are escaped like in text_put(),
 * since names may come from other users. */
void cli_error(const struct cli *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same, and a line that points to --help. Returns CLI_USAGE. */
int cli_usage(const struct cli *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Reports a wrong option. @opt: the result of getopt_long(), ':' or '?'; @letters: its option
 * string. Returns CLI_USAGE. */
int cli_bad_option(const struct cli *c, int opt, const char *letters, char **argv);

#define CLI_SIZE	32

/* "24M", "1.5G"; "4096" with @bytes; "max" for no limit; "-" for DMEM_UNKNOWN. Returns @buf. */
const char *cli_size(char buf[CLI_SIZE], uint64_t size, bool bytes);

#define CLI_DATE	32

/* "2026-11-29 14:30:05", in UTC, of a time in ms since 1970. Returns @buf. */
const char *cli_date(char buf[CLI_DATE], uint64_t ms);

/* True for a terminal that shows colours, unless NO_COLOR is set. */
bool cli_colours(FILE *f);

/* Flushes and closes stdout. Returns @status. After a write error, prints a message, and returns
 * CLI_FAILED in place of CLI_OK. A closed pipe is no error. */
int cli_close_stdout(const struct cli *c, int status);

#endif
