// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A library for LD_PRELOAD: openat2() with openat(). Older versions of valgrind do not know
 * openat2(), and fail it. Only for trees without links, in which each path is below the directory.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <dlfcn.h>

long syscall(long number, ...)
{
	long (*real)(long number, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	const struct open_how *how;
	const char *path;
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number != SYS_openat2)
		return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	path = (const char *)a[1];
	how = (const struct open_how *)a[2];
	while (*path == '/')
		path++;
	return openat((int)a[0], *path ? path : ".", (int)how->flags, (mode_t)how->mode);
}
