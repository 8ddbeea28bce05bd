/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls that musl and older versions of glibc have no function for. All return a
 * negative errno on failure.
 */
#ifndef DMEM_SYSCALLS_H
#define DMEM_SYSCALLS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE	(1 << 0)
#endif

#define DMEM_OPEN_TRIES		1000

/* Opens a path ("" is @dir itself) with O_CLOEXEC. @resolve: RESOLVE_ flags. Returns a descriptor
 * that the caller closes. */
static inline int dmem_openat2(int dir, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC), .resolve = resolve };
	int fd = -EAGAIN;

	/* In a tree, a path with ".." fails with EAGAIN while any file of the machine is renamed. */
	for (int tries = 0; tries < DMEM_OPEN_TRIES && fd == -EAGAIN; tries++) {
		fd = (int)syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof(how));
		fd = fd < 0 ? -errno : fd;
	}
	return fd;
}

/* @flags: 0 or RENAME_NOREPLACE. */
static inline int dmem_renameat2(int from_dir, const char *from, int to_dir, const char *to,
				 unsigned int flags)
{
	return syscall(SYS_renameat2, from_dir, from, to_dir, to, flags) ? -errno : 0;
}

/* Returns a descriptor that the caller closes. */
static inline int dmem_pidfd_open(int pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

/* Closes all descriptors from @first on. */
static inline int dmem_close_from(unsigned int first)
{
#ifdef SYS_close_range
	return syscall(SYS_close_range, first, ~0U, 0) ? -errno : 0;
#else
	(void)first;
	return -ENOSYS;
#endif
}

#endif
