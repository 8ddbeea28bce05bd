/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A unit or cgroup of the command line, with what systemd knows of it. */
#ifndef TARGET_H
#define TARGET_H

#include "units/word.h"
#include "manager.h"

struct target {
	const char *unit;	/* NULL: a cgroup that was given by its path */
	int type;		/* of the unit: enum dmem_type */
	const char *cgroup;	/* its path without a slash before it; NULL: it has none now */
};

/* As dmem_word_find() reads the word, but systemd is asked for units where there is one.
 * Returns 0, or a negative errno when it has said what is wrong. */
int target_find(struct ctl *c, struct manager *m, struct dmem_arena *a, const char *word,
		struct target *t);

/* Does any of the words name a unit, so that systemd must be asked? */
bool target_any_unit(char **words, int n);

#endif
