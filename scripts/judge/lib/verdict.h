/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counts of one run, and the failures that are printed with their context. */
#ifndef JUDGE_VERDICT_H
#define JUDGE_VERDICT_H

#include "text.h"

struct verdict {
	const char *run;
	char *program;		/* that failures belong to, or NULL; owned */
	long passed, failed, skipped;
	long program_failed;	/* failures since verdict_begin() */
	struct strings context;	/* lines before the result */
};

void verdict_begin(struct verdict *v, const char *program);
void verdict_end(struct verdict *v);

/* The last lines kept are printed below the next failure; each result drops them. */
void verdict_keep(struct verdict *v, const char *line);
void verdict_drop(struct verdict *v);

void verdict_fail(struct verdict *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
