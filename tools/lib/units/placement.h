/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that hold a section [X-Dmem] and that dmem-generator does not read, and the
 * drop-in that the limits belong into.
 */
#ifndef DMEM_PLACEMENT_H
#define DMEM_PLACEMENT_H

#include "units.h"

/* Not known whose file it is. */
#define DMEM_NO_UID	(-1ll)

struct dmem_place {
	/* To be read after "[X-Dmem]", or NULL: there is no section, or nothing is known
	 * against its place. */
	const char *what;
	const char *remedy;	/* has the exact path of a drop-in */
	unsigned int line;	/* where the section starts */
	/* The service that a quadlet becomes, or NULL. Set without a section, too. */
	const char *service;
};

/* Judges a file by its path, which is absolute and may start anywhere, such as in an
 * image; a quadlet also by its text. @uid: the user whose home the file is in, or
 * DMEM_NO_UID. No I/O. 0 or -ENOMEM. */
int dmem_place(struct dmem_arena *a, const char *path, const char *text, size_t len,
	       long long uid, struct dmem_place *p);

/* The same for a file that is found below a directory of a user's own, whatever its path
 * looks like. @quadlets: one for quadlets, not for units. Leaves @service NULL. */
int dmem_place_of_user(struct dmem_arena *a, const char *path, bool quadlets, const char *text,
		       size_t len, long long uid, struct dmem_place *p);

/* The same for a file of the unit search path, by its path below a directory of it, such as
 * "camera.service.d/50-dmem". Leaves @what NULL where dmem-generator reads it. */
int dmem_place_unit(struct dmem_arena *a, const char *rest, const char *text, size_t len,
		    struct dmem_place *p);

/* The same for a section that is read, in a unit that has no limits: sets @what and
 * @remedy, or leaves them NULL for a service or slice. @unit: its name, or that of a type
 * ("socket"). */
int dmem_place_type(struct dmem_arena *a, const char *unit, const char *text, size_t len,
		    struct dmem_place *p);

/* A file that was found; the text is that of the whole file. Not 0 ends the scan, which
 * returns it. */
typedef int (*dmem_place_fn)(void *data, const char *path, const char *text, size_t len,
			     const struct dmem_place *p);

/* Calls @fn for each file of the tree that may hold limits in a place where
 * dmem-generator does not read them, and for each quadlet: files of quadlets, generators,
 * users and systemd itself, and files of the unit search path that are no units. A file that
 * cannot be read is passed to @unread, but for those in a user's home; so is the
 * directory where a user has too many files, the file where a user's are too large together,
 * and a quadlet whose files are (E2BIG). Only regular files are opened, and a user's only
 * below that user's own directory. 0, -ENOMEM, or the value that @fn returned. */
int dmem_places_scan(struct dmem_units *u, dmem_place_fn fn,
		     void (*unread)(void *data, const char *path, int err), void *data);

#endif
