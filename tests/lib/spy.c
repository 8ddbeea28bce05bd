// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records and changes the system calls of lsdmem: linked in with --wrap=openat, openat64, fstatat,
 * fstatat64, read and syscall. With SPY_LOG=FILE, writes each "open PATH" and "read PATH" of a file
 * that is no directory there, and each "stat DIR NAME".
 * With SPY_CGROUP=PATH, SPY_GONE=PATH and SPY_AT=N, the cgroup, or the process, is removed before
 * the N-th of these calls: it moves away, and its files return the kernel's errors. With
 * SPY_REPLACE, another file takes its place, and all calls return their real results.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int __real_openat(int dir, const char *path, int flags, ...);
ssize_t __real_read(int fd, void *buf, size_t n);
long __real_syscall(long number, ...);
int __real_fstatat(int dir, const char *name, struct stat *st, int flags);

int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
ssize_t __wrap_read(int fd, void *buf, size_t n);
long __wrap_syscall(long number, ...);
int __wrap_fstatat(int dir, const char *name, struct stat *st, int flags);
int __wrap_fstatat64(int dir, const char *name, struct stat *st, int flags);

static void path_of(int fd, char path[4096])
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, 4095);
	path[len > 0 ? len : 0] = 0;
}

static void record(const char *what, int fd)
{
	const char *log = getenv("SPY_LOG");
	char path[4096];
	struct stat st;
	int out;

	if (!log || fd < 0 || fstat(fd, &st) || S_ISDIR(st.st_mode))
		return;
	path_of(fd, path);
	out = __real_openat(AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	dprintf(out, "%s %s\n", what, path);
	close(out);
}

/* Removes the cgroup or process before the N-th call. */
static void maybe_remove(void)
{
	static int calls;
	const char *at = getenv("SPY_AT"), *cgroup = getenv("SPY_CGROUP"), *gone = getenv("SPY_GONE");

	if (at && cgroup && gone && ++calls == atoi(at) && rename(cgroup, gone))
		_exit(99);
}

static int is_gone(int fd)
{
	const char *gone = getenv("SPY_GONE");
	char path[4096];

	if (!gone || fd < 0 || getenv("SPY_REPLACE"))
		return 0;
	path_of(fd, path);
	return !strncmp(path, gone, strlen(gone));
}

int __wrap_openat(int dir, const char *path, int flags, ...)
{
	int fd;

	maybe_remove();
	if (is_gone(dir)) {
		errno = ENOENT;
		return -1;
	}
	fd = __real_openat(dir, path, flags);
	record("open", fd);
	return fd;
}

/* The same function by another name on 64-bit machines. */
int __wrap_openat64(int dir, const char *path, int flags, ...)
{
	return __wrap_openat(dir, path, flags);
}

ssize_t __wrap_read(int fd, void *buf, size_t n)
{
	maybe_remove();
	if (is_gone(fd)) {
		errno = strstr(getenv("SPY_CGROUP"), "/proc/") ? ESRCH : ENODEV;
		return -1;
	}
	record("read", fd);
	return __real_read(fd, buf, n);
}

int __wrap_fstatat(int dir, const char *name, struct stat *st, int flags)
{
	const char *log = getenv("SPY_LOG");
	char path[4096];
	int out;

	if (log) {
		path_of(dir, path);
		out = __real_openat(AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		dprintf(out, "stat %s %s\n", path, name);
		close(out);
	}
	return __real_fstatat(dir, name, st, flags);
}

int __wrap_fstatat64(int dir, const char *name, struct stat *st, int flags)
{
	return __wrap_fstatat(dir, name, st, flags);
}

/* openat2() has no wrapper in the C library. */
long __wrap_syscall(long number, ...)
{
	long a, b, c, d, ret;
	va_list ap;

	va_start(ap, number);
	a = va_arg(ap, long);
	b = va_arg(ap, long);
	c = va_arg(ap, long);
	d = va_arg(ap, long);
	va_end(ap);
	maybe_remove();
	ret = __real_syscall(number, a, b, c, d);
	if (number == SYS_openat2)
		record("open", (int)ret);
	return ret;
}
