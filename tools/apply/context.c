// SPDX-License-Identifier: GPL-2.0-or-later
/* Replaces the context of a unit, for a program that runs as root in it. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "context.h"

/* Enough files for this program, if the unit's own limit is lower. */
#define MIN_FILES	64
#define FIRST_FD	3

static void raise_limit(int which, rlim_t least)
{
	struct rlimit r;

	if (getrlimit(which, &r) || r.rlim_cur >= least)
		return;
	r.rlim_cur = least;
	if (r.rlim_max < least)
		r.rlim_max = least;
	setrlimit(which, &r);
}

static void reset_limits(void)
{
	static const int unlimited[] = { RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_DATA, RLIMIT_CPU };
	const struct rlimit none = { 0, 0 };

	for (size_t i = 0; i < sizeof(unlimited) / sizeof(*unlimited); i++)
		raise_limit(unlimited[i], RLIM_INFINITY);
	raise_limit(RLIMIT_NOFILE, MIN_FILES);
	setrlimit(RLIMIT_CORE, &none);
}

static void reset_signals(void)
{
	static const int lethal[] = { SIGPIPE, SIGXFSZ, SIGALRM };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t none;

	/* A write that fails has an error; nothing here needs the signal. */
	for (size_t i = 0; i < sizeof(lethal) / sizeof(*lethal); i++)
		sigaction(lethal[i], &ignore, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* By a file descriptor, not by /proc/1/ns/mnt: a bind mount can hide /proc. */
static bool enter_mounts_of_systemd(void)
{
	bool entered;
	int fd;

	/* In a PID namespace of the unit's own, PID 1 is not systemd. It is either
	 * this process, or systemd's child came in from outside. */
	if (getpid() == 1 || getppid() == 0)
		return false;
	fd = dmem_pidfd_open(1);
	if (fd < 0)
		return false;
	entered = !setns(fd, CLONE_NEWNS);
	close(fd);
	return entered;
}

bool context_leave(void)
{
	bool entered;

	clearenv();
	umask(022);
	reset_signals();
	reset_limits();
	dmem_close_from(FIRST_FD);
	entered = enter_mounts_of_systemd();
	/* All paths are absolute, and an inherited directory should not stay busy. */
	if (chdir("/"))
		return false;
	return entered;
}

int context_open(const char *top, long magic, const char *path)
{
	struct statfs fs;
	int dir, fd;

	dir = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	if (fstatfs(dir, &fs)) {
		fd = -errno;
	} else if ((long)fs.f_type != magic) {
		fd = -EMEDIUMTYPE;
	} else {
		fd = dmem_openat2(dir, path, O_RDONLY | O_NOCTTY,
				  RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
	}
	close(dir);
	return fd;
}
