/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's own systemd as the first process of namespaces of its own, with units
 * of a directory. Needs root and a few seconds, and leaves nothing behind.
 */
#ifndef BOOT_H
#define BOOT_H

#include <stdbool.h>
#include <stddef.h>

/* The user that owns the units' directories. */
#define BOOT_USER	65534

struct boot {
	const char *systemd;	/* the program */
	/* Has units/, gen/ (generators) and perhaps var/, which is /var/lib then. Gets the
	 * console's output and the journal's socket. */
	const char *dir;
	const char *target;	/* the unit to start */
	const char *done;	/* a file in @dir that ends it */
	int seconds;		/* at most */
	bool host_cgroups;	/* as in a container without a cgroup namespace */
	/* Datagrams that reached the journal's socket, a line each, zero-terminated. */
	char *journal;
	size_t size, used;
};

/* Why it cannot be done on this machine, or NULL. */
const char *boot_problem(const char *systemd);

/* Makes an executable copy. */
bool boot_copy(const char *from, const char *to);

/* Gives a directory and all below to nobody. */
bool boot_give_away(const char *dir);

/* Returns true if @done was there in time. */
bool boot_run(struct boot *b);

#endif
