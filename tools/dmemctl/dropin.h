/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drop-in that "dmemctl set" keeps for a unit, as systemctl set-property keeps its
 * own: in the directories for this purpose, one for good and one until the next boot.
 */
#ifndef DROPIN_H
#define DROPIN_H

#include "units/units.h"
#include "dmemctl.h"

struct dropin {
	struct dmem_arena *arena;
	struct dmem_sys sys;
	const char *name, *dir, *path;	/* as on this machine, without --sysroot */
	const char *old;		/* what was in it; NULL: it was not there */
	size_t old_len;
	struct dmem_caps caps;		/* what is to be in it */
	unsigned int made;		/* of the directories: how many of the last are new */
	bool written;
	int lock;			/* on the directory, and how it is reached; or -1 */
};

/* Reads the unit's drop-in. With @change, its directory is made, and others are kept out
 * until dropin_close(); without, it is only looked at, and whether it could be changed.
 * Functions return 0 or a negative errno, and have said what is wrong. */
int dropin_open(struct ctl *c, struct dmem_arena *a, const char *unit, bool runtime, bool change,
		struct dropin *d);

/* Puts one limit in, in the place of what was there for this region. */
int dropin_add(struct dropin *d, const struct dmem_limit *l);

/* What it will be, for section_plan(). */
int dropin_plan(struct ctl *c, struct dropin *d, struct dmem_unit_file *f);

/* What is in it now is the file's new content: the old one or the new one is there at
 * any time. Without any limit, there is no file. */
int dropin_write(struct ctl *c, struct dropin *d);

/* Takes that back. */
void dropin_undo(struct ctl *c, struct dropin *d);

/* Directories that are empty, and were made for it, go. */
void dropin_close(struct dropin *d);

#endif
