// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the service that requests a sample over a connection. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "peer.h"

static bool is_open(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) >= 0 && !(p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* Only the system manager makes services there: a user cannot make a cgroup of such a name. */
static const char *service_in(struct dmem_arena *a, const char *cgroup)
{
	static const char type[] = ".service";
	size_t len;
	const char *unit = dmem_cgroup_unit(cgroup, &len);

	if (!unit || len < sizeof(type) || strncmp(unit + len - strlen(type), type, strlen(type)) ||
	    !strncmp(unit, "user@", 5))
		return NULL;
	return dmem_strndup(a, cgroup, (size_t)(unit - cgroup) + len);
}

int peer_service(const struct dmem_sys *sys, struct dmem_arena *a, int fd, const char **path)
{
	struct dmem_text t = { 0 };
	struct ucred peer;
	socklen_t size = sizeof(peer);
	char *file, *line;
	int ret;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) || peer.pid <= 0)
		return -ENOTSOCK;
	file = dmem_printf(a, "proc/%d/cgroup", (int)peer.pid);
	if (!file)
		return -ENOMEM;
	ret = dmem_sys_read(sys, file, &t);
	/*
	 * While the connection is open, the pid most likely still belongs to the peer. If it was
	 * reused, a sample of another service is taken: its figures are true, and the peer receives
	 * none of them.
	 */
	if (!ret && !is_open(fd))
		ret = -ECONNRESET;
	line = ret ? NULL : strstr(t.s, "0::/");
	if (line) {
		line += 4;
		line[strcspn(line, "\n")] = 0;
		*path = service_in(a, line);
	}
	if (!ret && (!line || !*path))
		ret = -EPERM;
	dmem_text_free(&t);
	return ret;
}

void peer_done(int fd)
{
	send(fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}
