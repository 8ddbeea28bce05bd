/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a word on the command line means: a unit, or a cgroup by its path. */
#ifndef TARGET_H
#define TARGET_H

#include "manager.h"

struct target {
	const char *unit;	/* NULL: a cgroup that was given by its path */
	int type;		/* of the unit: enum dmem_type */
	const char *cgroup;	/* its path without a slash before it; NULL: it has none now */
};

/* "camera" is camera.service, "/camera" a cgroup. Where there is no manager to ask, a
 * unit's cgroup is the one with its name. Returns 0, or a negative errno when it has
 * said what is wrong. */
int target_find(struct ctl *c, struct manager *m, struct dmem_arena *a, const char *word,
		struct target *t);

/* Does any of the words name a unit, so that systemd must be asked? */
bool target_any_unit(char **words, int n);

#endif
