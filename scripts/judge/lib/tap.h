/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stream of results that the runner of tests writes:
 *
 *	# run PROGRAM
 *	TAP version 13
 *	...
 *	# exit PROGRAM CODE
 *	...
 *	# end
 *
 * Between "# run" and "# exit" there is TAP or KTAP. Results that are indented belong to
 * the next result that is indented less, its subtests come first.
 */
#ifndef JUDGE_TAP_H
#define JUDGE_TAP_H

#include <stdbool.h>

enum tap_directive { TAP_NONE, TAP_SKIP, TAP_XFAIL, TAP_XPASS };

/* Strings are valid during the callback. */
struct tap_result {
	const char *parents;	/* "a: b: ": names of the subtests around it, without the suite */
	const char *name;	/* "" if there is none */
	enum tap_directive directive;
	const char *reason;	/* text after the directive, or "" */
	bool ok;
	int indent;
	long number;		/* -1 if there is none */
	long due;		/* number that continues the sequence */
	bool has_subtests;
	long failed_subtests;
	bool repeated;		/* an earlier result beside it has the same name */
};

struct tap_plan {
	const char *line;
	int indent;
	long n;
	bool second;		/* its level has a plan already, which stays */
	const char *skip;	/* reason of "1..0 # SKIP reason", or NULL */
};

struct tap_exit {
	bool ended;		/* there is an exit line with a status */
	int status;
	bool planned;		/* there is a plan that is not indented */
	long results;		/* that are not indented */
};

/* All callbacks but begin may be NULL. */
struct tap_reader {
	void *ctx;
	/* Returns whether the output of the program is TAP; if not, it is ignored. */
	bool (*begin)(void *ctx, const char *program);
	void (*result)(void *ctx, const struct tap_result *r);
	void (*plan)(void *ctx, const struct tap_plan *p);
	/* A level ends, and the number of its results is not that of its plan. */
	void (*plan_missed)(void *ctx, long planned, long ran);
	/* Any other line of a program. */
	void (*text)(void *ctx, const char *line);
	void (*end)(void *ctx, const struct tap_exit *e);
	/* A line that belongs to no program. */
	void (*outside)(void *ctx, const char *line);
};

/* Returns whether the stream has its end mark. */
bool tap_read(const char *path, const struct tap_reader *reader);

#endif
