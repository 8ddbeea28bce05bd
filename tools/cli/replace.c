// SPDX-License-Identifier: GPL-2.0-or-later
/* Replacing a file by a new one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "replace.h"

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* The new file, which is nobody else's until it has its name. */
static int open_new(int dir, const char *name)
{
	for (;;) {
		int fd = openat(dir, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
				0600);
		struct stat mine, there;

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX) || fstat(fd, &mine)) {
			int err = errno;

			close(fd);
			if (err != EINTR)
				return -err;
			continue;
		}
		/* Who had the lock before may have renamed or removed it. */
		if (!fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) &&
		    there.st_ino == mine.st_ino && there.st_dev == mine.st_dev)
			return fd;
		close(fd);
	}
}

static int fill(int fd, mode_t mode, const char *text, size_t len)
{
	int ret;

	if (ftruncate(fd, 0) || fchmod(fd, mode))
		return -errno;
	ret = write_all(fd, text, len);
	if (ret)
		return ret;
	return fsync(fd) ? -errno : 0;
}

/* @flags: of renameat2(), which musl does not have before 1.2.4 */
static int replace_in(int dir, const char *name, mode_t mode, const char *text, size_t len,
		      unsigned int flags)
{
	char new[NAME_MAX + 1];
	struct stat st;
	int fd, ret;

	/* A device or a fifo would be gone for everybody. */
	if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && !S_ISREG(st.st_mode) &&
	    !S_ISLNK(st.st_mode))
		return -EEXIST;
	if ((size_t)snprintf(new, sizeof(new), ".%s.new", name) >= sizeof(new))
		return -ENAMETOOLONG;
	fd = open_new(dir, new);
	if (fd < 0)
		return fd;
	ret = fill(fd, mode, text, len);
	if (!ret && syscall(SYS_renameat2, dir, new, dir, name, flags))
		ret = -errno;
	if (ret)
		unlinkat(dir, new, 0);
	close(fd);
	/* Not every file system can; the name is right in any case. */
	if (!ret)
		fsync(dir);
	return ret;
}

static int replace(const char *path, mode_t mode, const char *text, size_t len,
		   unsigned int flags)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char *parent = slash ? strndup(path, (size_t)(name - path)) : strdup(".");
	int dir, ret;

	if (!parent)
		return -ENOMEM;
	dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ret = dir < 0 ? -errno : 0;
	free(parent);
	if (ret)
		return ret;
	ret = *name ? replace_in(dir, name, mode, text, len, flags) : -EISDIR;
	close(dir);
	return ret;
}

int cli_replace(const char *path, mode_t mode, const char *text, size_t len)
{
	return replace(path, mode, text, len, 0);
}

int cli_create(const char *path, mode_t mode, const char *text, size_t len)
{
	return replace(path, mode, text, len, RENAME_NOREPLACE);
}

int cli_replace_at(int dir, const char *name, mode_t mode, const char *text, size_t len)
{
	return replace_in(dir, name, mode, text, len, 0);
}
