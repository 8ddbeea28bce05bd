/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets the limits of a plan on this machine, like "dmemctl set": all of them, or none. */
#ifndef APPLY_PLAN_H
#define APPLY_PLAN_H

#include "dmemctl/dmemctl.h"
#include "diff.h"

/* Reasons to refuse a plan that the user accepts. */
enum apply_accept {
	APPLY_MACHINE	= 1 << 0,	/* histories of another machine, or of an unknown one */
	APPLY_QUANTILE	= 1 << 1,	/* limits below recorded peaks */
	APPLY_CHANGES	= 1 << 2,	/* a load that was not recorded */
};

struct apply_options {
	bool runtime, dry_run, json;
	unsigned int accept;		/* set of enum apply_accept */
};

/* Adds words such as "machine,quantile" to the set. False: one of them is unknown. */
bool apply_parse_accept(const char *words, unsigned int *accept);

/* Replaces the recorded values in @d by those of this machine, prints them, and sets the limits.
 * Returns an exit code, and has printed a message after a failure. */
int apply_plan(struct ctl *c, struct diff *d, const struct needs_options *o,
	       const struct apply_options *a);

#endif
