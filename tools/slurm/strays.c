// SPDX-License-Identifier: GPL-2.0-or-later
/* Kills what a dead slurmstepd has left behind. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "dmem/look.h"
#include "strays.h"

static int open_below(int dir, const char *path, int flags)
{
	return dmem_openat2(dir, path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			    RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* 1: the file has this text, 0: it has not, or a negative errno. "": any text. */
static int has_text(int dir, const char *file, const char *text)
{
	struct dmem_text t = { 0 };
	int fd = open_below(dir, file, O_RDONLY), ret = dmem_read_fd(fd, &t);

	if (!ret)
		ret = *text ? !!strstr(t.s, text) : !!*t.s;
	dmem_text_free(&t);
	return ret;
}

/* A step that is just being made or removed lacks files. */
static int is_populated(int step)
{
	int ret = has_text(step, "cgroup.events", "populated 1");

	return ret == -ENOENT || ret == -ENODEV ? 0 : ret;
}

static int has_slurmstepd(int step)
{
	int ret = has_text(step, "slurm/cgroup.procs", "");

	return ret == -ENOENT || ret == -ENODEV ? 0 : ret;
}

static int kill_all(int step)
{
	int fd = open_below(step, "cgroup.kill", O_WRONLY), ret = 0;

	/* Kernels before 5.14 have no such file. */
	if (fd < 0)
		return fd == -ENOENT ? -EOPNOTSUPP : fd;
	if (write(fd, "1", 1) != 1)
		ret = -errno;
	close(fd);
	return ret;
}

/* The kernel reports each change of cgroup.events as POLLPRI, if the file was read before. */
static int wait_empty(int step, long long end)
{
	struct pollfd p = { .fd = open_below(step, "cgroup.events", O_RDONLY), .events = POLLPRI };
	char text[200];
	int ret = p.fd < 0 ? p.fd : -ETIMEDOUT;

	while (ret == -ETIMEDOUT) {
		ssize_t n = pread(p.fd, text, sizeof(text) - 1, 0);
		long long left = end - now_ms();

		/* -ENODEV: the cgroup was removed. */
		text[n > 0 ? n : 0] = 0;
		if (!strstr(text, "populated 1"))
			ret = 0;
		else if (left <= 0)
			break;
		else
			poll(&p, 1, (int)left);
	}
	if (p.fd >= 0)
		close(p.fd);
	return ret;
}

/* 1: processes were killed, 0: there is nothing to do, or a negative errno. */
static int kill_step(int step, long long end)
{
	int ret = has_slurmstepd(step);

	if (ret)
		return ret < 0 ? ret : 0;
	ret = is_populated(step);
	if (ret <= 0)
		return ret;
	ret = kill_all(step);
	if (!ret)
		ret = wait_empty(step, end);
	return ret ? ret : 1;
}

int slurm_kill_strays(int root, const char *job, int seconds)
{
	int fd = open_below(root, job, O_RDONLY | O_DIRECTORY), killed = 0, ret = 0;
	long long end = now_ms() + seconds * 1000LL;
	struct dirent *de;
	DIR *d;

	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		ret = -errno;
		close(fd);
		return ret;
	}
	while ((de = readdir(d))) {
		int step = strncmp(de->d_name, "step_", 5) ? -1 :
			   open_below(fd, de->d_name, O_RDONLY | O_DIRECTORY);
		int one;

		if (step < 0)
			continue;
		one = kill_step(step, end);
		close(step);
		if (one > 0)
			killed++;
		else if (one < 0)
			ret = one;
	}
	closedir(d);
	return ret ? ret : killed;
}
