/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A system bus of the test's own, and a systemd on it that does little. */
#ifndef BUS_H
#define BUS_H

#include <stdbool.h>
#include <sys/types.h>

struct bus {
	const char *daemon;		/* dbus-daemon */
	const char *manager;		/* fake_manager */
	pid_t daemon_pid, manager_pid;
};

/* Starts both. @how: what goes wrong, see fake_manager.c, or "none": there is no manager.
 * What is called is a line each in "calls". False: it did not come up. */
bool bus_start(struct bus *b, const char *how);
void bus_stop(struct bus *b);

#endif
