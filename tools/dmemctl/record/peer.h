/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections on which an unprivileged process of a service requests a sample. Only the credentials
 * of the peer count: nothing is read from the connection.
 */
#ifndef PEER_H
#define PEER_H

#include "dmem/look.h"

/*
 * Finds the cgroup of the system service that the peer belongs to, without the cgroups below the
 * service. Sets *@path, which lives in @a, and returns 0; -ENOTSOCK: no AF_UNIX connection;
 * -ECONNRESET: the peer has closed it; -EPERM: the peer is in no service of the system manager; or
 * another negative errno.
 */
int peer_service(const struct dmem_sys *sys, struct dmem_arena *a, int fd, const char **path);

/* Reports to the peer that the sample was taken. Never waits. */
void peer_done(int fd);

#endif
