// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes that allocate buffers in their cgroups. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dmem_util.h"
#include "services.h"

struct request {
	int heap;
	long long bytes;
};

/* Sends the result, then the buffer, and at last a byte when the buffer is open here no more. */
static void serve(int sock)
{
	struct request r;
	char done = 0;

	while (read(sock, &r, sizeof(r)) == sizeof(r)) {
		int fd = heap_alloc(r.heap, r.bytes), ret = fd < 0 ? fd : 0;

		if (write(sock, &ret, sizeof(ret)) != sizeof(ret))
			_exit(1);
		if (ret)
			continue;
		if (send_fd(sock, fd))
			_exit(1);
		close(fd);
		if (write(sock, &done, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

int services_alloc(struct services *s, unsigned int i, int heap, long long bytes, int at_least)
{
	struct request r = { heap, bytes };
	int ret, fd, high;
	char done;

	if (write(s->sock[i], &r, sizeof(r)) != sizeof(r) || read(s->sock[i], &ret, sizeof(ret)) != sizeof(ret))
		return -EIO;
	if (ret)
		return ret;
	fd = recv_fd(s->sock[i]);
	if (fd < 0)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, at_least);
	ret = high < 0 ? -errno : high;
	close(fd);
	return read(s->sock[i], &done, 1) == 1 ? ret : -EIO;
}

static int start_one(struct services *s, const char *parent)
{
	int i = s->n, pair[2], ret;

	s->cgroup[i] = cg_name_indexed(parent, "service", i);
	if (!s->cgroup[i])
		return -ENOMEM;
	s->n++;
	s->pid[i] = 0;
	s->sock[i] = -1;
	ret = cg_create(s->cgroup[i]);
	if (ret)
		return ret;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	s->sock[i] = pair[1];
	s->pid[i] = cg_fork(s->cgroup[i]);
	if (!s->pid[i]) {
		for (int k = 0; k <= i; k++)
			close(s->sock[k]);
		serve(pair[0]);
	}
	close(pair[0]);
	return s->pid[i] < 0 ? -EIO : 0;
}

int services_start(struct services *s, const char *parent, int n)
{
	int ret = 0;

	*s = (struct services){ 0 };
	while (s->n < n && !ret)
		ret = start_one(s, parent);
	return ret;
}

int services_end(struct services *s)
{
	int ret = 0, err;

	while (s->n) {
		int i = --s->n;

		if (s->sock[i] >= 0)
			close(s->sock[i]);
		if (s->pid[i] > 0)
			waitpid(s->pid[i], NULL, 0);
		err = cg_destroy(s->cgroup[i]);
		ret = ret ? ret : err;
		free(s->cgroup[i]);
	}
	return ret;
}
