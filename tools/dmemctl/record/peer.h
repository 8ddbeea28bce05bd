/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection on which an unprivileged process of a service asks for a sample. It
 * says nothing: its credentials are all that counts, and nothing is read from it.
 */
#ifndef PEER_H
#define PEER_H

#include "dmem/look.h"

/*
 * The cgroup of the system service that the process at the other end of the socket is
 * in, without what is below the service. Sets *@path, which lives in @a, or returns
 * -ENOTSOCK: no AF_UNIX connection; -ECONNRESET: it has been closed; -EPERM: in no
 * service of the system manager; or another negative errno.
 */
int peer_service(const struct dmem_sys *sys, struct dmem_arena *a, int fd, const char **path);

/* The sample has been taken. Never waits. */
void peer_done(int fd);

#endif
