/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drop-in that "dmemctl set" keeps for a unit, as systemctl set-property keeps its
 * own: in the directories for this purpose, one for good and one until the next boot.
 */
#ifndef DROPIN_H
#define DROPIN_H

#include "dmemctl.h"

struct dropin {
	struct dmem_arena *arena;
	bool runtime;
	const char *path, *dir;		/* as on this machine, without --sysroot */
	const char *real, *real_dir;	/* with it */
	const char *old;		/* what was in it; NULL: it was not there */
	struct dmem_caps caps;		/* what is to be in it */
	bool made_dir, written;
	int lock;			/* on the directory */
};

/* Opens the unit's drop-in for changes, reads it, and keeps others out until
 * dropin_close(). Functions return 0 or a negative errno, and have said what is wrong. */
int dropin_open(struct ctl *c, struct dmem_arena *a, const char *unit, bool runtime,
		struct dropin *d);

/* Puts one limit in, in the place of what was there for this region. */
int dropin_add(struct dropin *d, const struct dmem_limit *l);

/* What is in it now is the file's new content: the old one or the new one is there at
 * any time. Without any limit, there is no file. */
int dropin_write(struct ctl *c, struct dropin *d);

/* Takes that back. */
void dropin_undo(struct ctl *c, struct dropin *d);

/* The text that dropin_write() writes, or NULL. */
const char *dropin_text(struct dropin *d);

void dropin_close(struct dropin *d);

#endif
