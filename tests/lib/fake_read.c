// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Another program that acts right after dmemctl has read a file: linked in with --wrap=read. FAKE_READ is
 * the end of the file's path, and FAKE_READ_THEN a command of the shell.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t __real_read(int fd, void *buf, size_t n);
ssize_t __wrap_read(int fd, void *buf, size_t n);

static bool is_meant(int fd, const char *end)
{
	char link[64], path[4200];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path));
	return len >= (ssize_t)strlen(end) && !memcmp(path + len - strlen(end), end, strlen(end));
}

ssize_t __wrap_read(int fd, void *buf, size_t n)
{
	ssize_t ret = __real_read(fd, buf, n);
	const char *end = getenv("FAKE_READ"), *command = getenv("FAKE_READ_THEN");

	if (end && command && is_meant(fd, end) && system(command))
		abort();
	return ret;
}
