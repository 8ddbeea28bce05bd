// SPDX-License-Identifier: GPL-2.0-or-later
/* Replaces a file atomically. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "replace.h"

#define DIGITS		16
/* So many existing names mean that the random numbers are not random. */
#define MAX_TRIES	100

struct new_file {
	int fd;
	bool named;
	char name[NAME_MAX + 1];	/* if it has a name */
};

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

/* A name beside @name that other users cannot predict. */
static int random_name(const char *name, char new[NAME_MAX + 1])
{
	uint64_t r;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		return -EIO;
	if (snprintf(new, NAME_MAX + 1, ".%s.%0*llx", name, DIGITS, (unsigned long long)r) > NAME_MAX)
		return -ENAMETOOLONG;
	return 0;
}

static int open_named(int dir, const char *name, struct new_file *f)
{
	for (int tries = 0; tries < MAX_TRIES; tries++) {
		int ret = random_name(name, f->name);

		if (ret)
			return ret;
		f->fd = openat(dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		f->named = f->fd >= 0;
		if (f->named || errno != EEXIST)
			return f->named ? 0 : -errno;
	}
	return -EEXIST;
}

/* Opens a file without a name, if the file system supports that. */
static int open_new(int dir, const char *name, struct new_file *f)
{
	f->named = false;
	f->fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	return f->fd >= 0 ? 0 : open_named(dir, name, f);
}

static int fill(int fd, mode_t mode, const char *text, size_t len)
{
	int ret = write_all(fd, text, len);

	if (ret)
		return ret;
	/* Set the mode explicitly: the umask may have removed bits. */
	if (fchmod(fd, mode) || fsync(fd))
		return -errno;
	return 0;
}

static int link_as(int fd, int dir, const char *name)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

/* Gives the new file a name in the directory. */
static int give_name(int dir, const char *name, struct new_file *f)
{
	int ret = -EEXIST;

	for (int tries = 0; tries < MAX_TRIES && ret == -EEXIST; tries++) {
		ret = random_name(name, f->name);
		if (!ret)
			ret = link_as(f->fd, dir, f->name);
	}
	f->named = !ret;
	return ret;
}

static int publish(int dir, const char *name, struct new_file *f, bool create)
{
	int ret = 0;

	if (create && !f->named)
		return link_as(f->fd, dir, name);
	if (!f->named)
		ret = give_name(dir, name, f);
	if (ret)
		return ret;
	ret = dmem_renameat2(dir, f->name, dir, name, create ? RENAME_NOREPLACE : 0);
	if (ret)
		unlinkat(dir, f->name, 0);
	return ret;
}

/* One attempt. -ENOTSUP: the file cannot be given a name. */
static int write_new(int dir, const char *name, mode_t mode, const char *text, size_t len, bool create,
		     int (*open_fn)(int dir, const char *name, struct new_file *f))
{
	struct new_file f;
	int ret = open_fn(dir, name, &f);
	bool unnamed;

	if (ret)
		return ret;
	unnamed = !f.named;
	ret = fill(f.fd, mode, text, len);
	if (ret && f.named)
		unlinkat(dir, f.name, 0);
	if (!ret) {
		ret = publish(dir, name, &f, create);
		/* linkat() needs /proc, which may not be mounted. */
		if (ret == -ENOENT && unnamed && !f.named)
			ret = -ENOTSUP;
	}
	close(f.fd);
	return ret;
}

static int replace_in(int dir, const char *name, mode_t mode, const char *text, size_t len, bool create)
{
	struct stat st;
	int ret;

	/* Replacing a device or a fifo would remove it for all users. */
	if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && !S_ISREG(st.st_mode) &&
	    !S_ISLNK(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EEXIST;
	ret = write_new(dir, name, mode, text, len, create, open_new);
	if (ret == -ENOTSUP)
		ret = write_new(dir, name, mode, text, len, create, open_named);
	/* Some file systems cannot sync a directory; the rename is done anyway. */
	if (!ret)
		fsync(dir);
	return ret;
}

/* /dev/stdout is a link, and must not be replaced. */
static bool leads_to_device(int dir, const char *name)
{
	char to[PATH_MAX];
	struct stat st;
	ssize_t n = readlinkat(dir, name, to, sizeof(to) - 1);

	if (n < 0)
		return false;
	to[n] = 0;
	return !strncmp(to, "/proc/", 6) || !strncmp(to, "/dev/", 5) ||
	       (!fstatat(dir, name, &st, 0) && !S_ISREG(st.st_mode));
}

static int replace(const char *path, mode_t mode, const char *text, size_t len, bool create)
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
	if (leads_to_device(dir, name))
		ret = -EEXIST;
	else
		ret = *name ? replace_in(dir, name, mode, text, len, create) : -EISDIR;
	close(dir);
	return ret;
}

int cli_replace(const char *path, mode_t mode, const char *text, size_t len)
{
	return replace(path, mode, text, len, false);
}

int cli_create(const char *path, mode_t mode, const char *text, size_t len)
{
	return replace(path, mode, text, len, true);
}

int cli_replace_at(int dir, const char *name, mode_t mode, const char *text, size_t len)
{
	return replace_in(dir, name, mode, text, len, false);
}

void cli_replace_clean(int dir, const char *name)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t len = strlen(name);
	struct dirent *de;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((de = readdir(d))) {
		const char *rest = de->d_name + 1 + len;

		if (*de->d_name != '.' || strncmp(de->d_name + 1, name, len) || *rest != '.')
			continue;
		/* Earlier versions left ".NAME.new". */
		if (strspn(rest + 1, "0123456789abcdef") == DIGITS || !strcmp(rest, ".new"))
			unlinkat(dir, de->d_name, 0);
	}
	closedir(d);
}

const char *cli_replace_error(int err)
{
	if (err == -EEXIST)
		return "not a regular file: write to standard output and redirect it";
	return strerror(-err);
}
