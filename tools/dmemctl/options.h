/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the limits on the command lines of set and run. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "dmemctl.h"

struct options {
	struct dmem_limit *limit;
	size_t n;
	bool runtime, revert, propagate, dry_run, help;
	const char *unit, *slice;
};

enum options_verb { OPTIONS_SET, OPTIONS_RUN };

/* Reads the options of a verb; optind is then the first argument that is no option. Returns an exit
 * code, and has printed a message if it is not CLI_OK. */
int options_limits(struct ctl *c, struct dmem_arena *a, int argc, char **argv,
		   enum options_verb verb, struct options *o);

#endif
