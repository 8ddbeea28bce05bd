/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts a system bus for a test, and a minimal systemd on it. */
#ifndef BUS_H
#define BUS_H

#include <stdbool.h>
#include <sys/types.h>

struct bus {
	const char *daemon;		/* dbus-daemon */
	const char *manager;		/* fake_manager */
	pid_t daemon_pid, manager_pid;
};

/* Starts both. @how: the failure to simulate, see fake_manager.c, or "none": no manager. Each call
 * becomes a line in "calls". False: the start failed. */
bool bus_start(struct bus *b, const char *how);
void bus_stop(struct bus *b);

#endif
