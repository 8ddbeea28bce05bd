/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files with a section [X-Dmem] that dmem-generator does not read, and the drop-in that should have
 * it instead.
 */
#ifndef DMEM_PLACEMENT_H
#define DMEM_PLACEMENT_H

#include "units.h"

/* The owner of the file is not known. */
#define DMEM_NO_UID	(-1ll)

struct dmem_place {
	/* To be printed after "[X-Dmem]", or NULL: there is no section, or no objection to its
	 * place. */
	const char *what;
	const char *remedy;	/* with the exact path of a drop-in */
	unsigned int line;	/* where the section starts */
	/* The service of a quadlet, or NULL. Set even without a section. */
	const char *service;
};

/* Judges a file by its path, which is absolute and may start anywhere, such as in an image; a
 * quadlet also by its text. @uid: the user whose home contains the file, or DMEM_NO_UID. No I/O. 0
 * or -ENOMEM. */
int dmem_place(struct dmem_arena *a, const char *path, const char *text, size_t len,
	       long long uid, struct dmem_place *p);

/* The same for a file below a user's own directory, whatever its path looks like. @quadlets: true
 * for a directory of quadlets, false for units. Leaves @service NULL. */
int dmem_place_of_user(struct dmem_arena *a, const char *path, bool quadlets, const char *text,
		       size_t len, long long uid, struct dmem_place *p);

/* The same for a file of the unit search path, by its path below a directory of it, such as
 * "camera.service.d/50-dmem". Leaves @what NULL if dmem-generator reads it. */
int dmem_place_unit(struct dmem_arena *a, const char *rest, const char *text, size_t len,
		    struct dmem_place *p);

/* The same for a section that is read, in a unit without limits: sets @what and @remedy, or leaves
 * them NULL for a service or slice. @unit: a unit name, or a type ("socket"). */
int dmem_place_type(struct dmem_arena *a, const char *unit, const char *text, size_t len,
		    struct dmem_place *p);

/* Called for each file, with its whole text. A result other than 0 ends the scan, which returns
 * it. */
typedef int (*dmem_place_fn)(void *data, const char *path, const char *text, size_t len,
			     const struct dmem_place *p);

/* Calls @fn for each file of the tree that may have limits in a place where dmem-generator does not
 * read them, and for each quadlet: files of quadlets, generators, users and systemd itself, and
 * files of the unit search path that are no units. Files that cannot be read are passed to @unread,
 * except in users' homes. With E2BIG, @unread gets a user's directory with too many files, the file
 * at which a user's files are too large together, and quadlets whose files are. Only regular files
 * are opened, and a user's only below that user's own directory. 0, -ENOMEM, or the value that @fn
 * returned. */
int dmem_places_scan(struct dmem_units *u, dmem_place_fn fn,
		     void (*unread)(void *data, const char *path, int err), void *data);

#endif
