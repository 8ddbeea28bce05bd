/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds a unit or cgroup of the command line, and its state in systemd. */
#ifndef TARGET_H
#define TARGET_H

#include "units/word.h"
#include "manager.h"

struct target {
	const char *unit;	/* NULL: the user named a cgroup by its path */
	int type;		/* of the unit: enum dmem_type */
	const char *cgroup;	/* its path without a leading slash; NULL: not running */
};

/* Reads the word like dmem_word_find(), but asks systemd for units if there is a bus. Returns 0 or
 * a negative errno, and has printed a message then. */
int target_find(struct ctl *c, struct manager *m, struct dmem_arena *a, const char *word,
		struct target *t);

/* True if one of the words names a unit, so that a connection to systemd is needed. */
bool target_any_unit(char **words, int n);

#endif
