/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drop-in that "dmemctl set" writes for a unit. Like systemctl set-property, it uses the
 * directories system.control, one for permanent files and one for those until the next boot.
 */
#ifndef DROPIN_H
#define DROPIN_H

#include "units/units.h"
#include "dmemctl.h"

struct dropin {
	struct dmem_arena *arena;
	struct dmem_sys sys;
	const char *name, *dir, *path;	/* without --sysroot */
	const char *old;		/* former content; NULL: there was no file */
	size_t old_len;
	struct dmem_unit_limits limits;	/* the new content */
	unsigned int made;		/* number of new directories at the end of the path */
	bool written;
	int lock;			/* descriptor of the locked directory, or -1 */
};

/* Reads the unit's drop-in. With @change, makes its directory and locks it until dropin_close();
 * without, only checks whether it could be changed. All functions return 0 or a negative errno, and
 * have printed a message then. */
int dropin_open(struct ctl *c, struct dmem_arena *a, const char *unit, bool runtime, bool change,
		struct dropin *d);

/* Adds a limit, which replaces the former one of its kind and region. */
int dropin_add(struct dropin *d, const struct dmem_limit *l);

/* The parsed content of the new file, for section_plan(). */
int dropin_plan(struct ctl *c, struct dropin *d, struct dmem_unit_file *f);

/* Writes the new content. The file is replaced atomically; without any limit, it is removed. */
int dropin_write(struct ctl *c, struct dropin *d);

/* Restores the former file. */
void dropin_undo(struct ctl *c, struct dropin *d);

/* Removes the directories that were made for the drop-in, if they are empty, and ends the lock. */
void dropin_close(struct dropin *d);

#endif
