/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits on the command line of more than one verb. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "dmemctl.h"

struct options {
	struct dmem_limit *limit;
	size_t n;
	bool runtime, revert, dry_run, help;
	const char *unit, *slice;
};

enum options_verb { OPTIONS_SET, OPTIONS_RUN };

/* Reads the options of a verb; optind is at what follows. Returns an exit code, and has
 * said what is wrong. */
int options_limits(struct ctl *c, struct dmem_arena *a, int argc, char **argv,
		   enum options_verb verb, struct options *o);

#endif
