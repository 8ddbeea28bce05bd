/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boots the host's own systemd as the first process of new namespaces, with the units of a
 * directory. Needs root and a few seconds, and removes everything afterwards.
 */
#ifndef BOOT_H
#define BOOT_H

#include <stdbool.h>
#include <stddef.h>

/* The owner of the units' directories. */
#define BOOT_USER	65534

struct boot {
	const char *systemd;	/* the program */
	/* Contains units/, gen/ (generators) and optionally var/, which becomes /var/lib. Receives
	 * the console's output and the journal's socket. */
	const char *dir;
	const char *target;	/* the unit to start */
	const char *done;	/* boot_run() ends when this file in @dir exists */
	int seconds;		/* timeout */
	bool host_cgroups;	/* like a container without a cgroup namespace */
	/* Datagrams received by the journal's socket, one per line, zero-terminated. */
	char *journal;
	size_t size, used;
};

/* The reason why systemd cannot boot on this machine, or NULL. */
const char *boot_problem(const char *systemd);

/* Makes an executable copy. */
bool boot_copy(const char *from, const char *to);

/* Gives a directory with its content to the user nobody. */
bool boot_give_away(const char *dir);

/* Returns true if @done existed in time. */
bool boot_run(struct boot *b);

#endif
