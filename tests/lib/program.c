// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs programs of the distribution and reads their output. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dmem_util.h"
#include "program.h"

#define SEARCH_PATH	"/bin:/usr/bin"

/*
 * The program gets a terminal, so that it writes each line at once. With a pipe, lines would be
 * late, and those of a fork() doubled.
 */
int program_start(struct program *p, const char *cg, char *const argv[],
		  int seconds)
{
	char slave[64];
	int tty;

	memset(p, 0, sizeof(*p));
	p->tty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p->tty < 0)
		return -errno;
	if (grantpt(p->tty) || unlockpt(p->tty) ||
	    ptsname_r(p->tty, slave, sizeof(slave)))
		goto fail;
	p->pid = cg ? cg_fork(cg) : fork();
	if (p->pid < 0)
		goto fail;
	if (!p->pid) {
		setsid();
		tty = open(slave, O_RDWR);
		if (tty < 0)
			_exit(127);
		dup2(tty, 0);
		dup2(tty, 1);
		dup2(tty, 2);
		setenv("PATH", SEARCH_PATH, 1);
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	p->deadline = now_ms() + seconds * 1000LL;
	return 0;
fail:
	close(p->tty);
	return -errno;
}

static bool more(struct program *p)
{
	struct pollfd fd = { .fd = p->tty, .events = POLLIN };
	long long left = p->deadline - now_ms();
	ssize_t n;

	if (left < 0)
		left = 0;
	if (poll(&fd, 1, left) != 1) {
		p->late = true;
		return false;
	}
	/* EIO: all writers have closed the terminal. */
	n = read(p->tty, p->buf + p->len, sizeof(p->buf) - 1 - p->len);
	if (n <= 0)
		return false;
	p->len += n;
	return true;
}

char *program_line(struct program *p)
{
	static char line[sizeof(p->buf)];
	size_t len;
	char *end;

	while (!(end = memchr(p->buf, '\n', p->len))) {
		if (p->len == sizeof(p->buf) - 1 || !more(p))
			return NULL;
	}
	len = end - p->buf;
	memcpy(line, p->buf, len);
	line[len] = '\0';
	line[strcspn(line, "\r")] = '\0';
	p->len -= len + 1;
	memmove(p->buf, end + 1, p->len);
	return line;
}

int program_end(struct program *p)
{
	while (program_line(p))
		;
	if (p->late)
		kill(-p->pid, SIGKILL);
	close(p->tty);
	return wait_exit(p->pid);
}
