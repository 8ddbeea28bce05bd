// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads files of the kernel, on this machine or in a copy of its tree. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmem/look.h"
#include "syscalls.h"

/* Enough for most files; the kernel returns up to a page at a time. */
#define FIRST_SIZE	4096
#define MAX_SIZE	(32 << 20)	/* bufinfo has 100 bytes per buffer */

int dmem_sys_open(struct dmem_sys *s, const char *sysroot)
{
	s->other = sysroot;
	s->path = sysroot;
	s->root = open(sysroot ? sysroot : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return s->root < 0 ? -errno : 0;
}

void dmem_sys_close(struct dmem_sys *s)
{
	if (s->root >= 0)
		close(s->root);
	s->root = -1;
}

/* Opens a path with O_PATH. Returns a descriptor or a negative errno. */
static int open_path(const struct dmem_sys *s, const char *path, int flags, uint64_t more)
{
	return dmem_openat2(s->root, path, O_PATH | (flags & (O_DIRECTORY | O_NOFOLLOW)),
			    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | more);
}

/* In another tree, links must not leave it. FIFOs and devices are not opened: an open could block,
 * or start a watchdog. */
static int open_inside(const struct dmem_sys *s, const char *path, int flags)
{
	int fd = open_path(s, path, flags, 0), again;
	char link[32];
	struct stat st;

	if (fd < 0 || flags & O_PATH)
		return fd;
	if (fstat(fd, &st) || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
		close(fd);
		return -EPERM;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	again = open(link, (flags & ~O_NOFOLLOW) | O_CLOEXEC);
	if (again < 0)
		again = -errno;
	close(fd);
	return again;
}

int dmem_sys_openat(const struct dmem_sys *s, const char *path, int flags)
{
	int fd;

	/* Without another tree, links are safe, and openat() works in sandboxes without
	 * openat2(). */
	if (s->other)
		return open_inside(s, path, flags);
	fd = openat(s->root, *path ? path : ".", flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int dmem_sys_open_any(const struct dmem_sys *s, const char *path, int flags)
{
	int fd;

	if (s->other)
		return dmem_openat2(s->root, path, flags, RESOLVE_IN_ROOT);
	fd = openat(s->root, path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int dmem_sys_make_dirs(const struct dmem_sys *s, const char *path)
{
	char part[PATH_MAX];
	int dir = dmem_sys_openat(s, "", O_PATH | O_DIRECTORY), ret = 0;

	if (dir < 0 || strlen(path) >= sizeof(part))
		return dir < 0 ? dir : -ENAMETOOLONG;
	for (size_t len = strcspn(path, "/"); !ret; len += 1 + strcspn(path + len + 1, "/")) {
		const char *name;
		int next;

		memcpy(part, path, len);
		part[len] = 0;
		name = strrchr(part, '/');
		/* Makes one directory at a time, since mkdirat() cannot be confined to a tree. */
		if (mkdirat(dir, name ? name + 1 : part, 0755) && errno != EEXIST)
			ret = -errno;
		next = ret ? ret : dmem_sys_openat(s, part, O_PATH | O_DIRECTORY);
		close(dir);
		dir = next;
		if (next < 0 || !path[len])
			break;
	}
	return dir;
}

int dmem_sys_cgroup(const struct dmem_sys *s)
{
	static const char path[] = "sys/fs/cgroup";
	int fd;

	if (s->other)
		return open_path(s, path, O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	fd = openat(s->root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int make_room(struct dmem_text *t)
{
	size_t size = t->size ? 4 * t->size : FIRST_SIZE;
	char *s;

	if (t->size - t->len > 1)
		return 0;
	s = realloc(t->s, size);
	if (!s)
		return -ENOMEM;
	t->s = s;
	t->size = size;
	return 0;
}

/* The kernel fills the buffer if it has enough text: a shorter read is the last one. -EFBIG: larger
 * than any file of the kernel. */
static int read_all(int fd, struct dmem_text *t)
{
	t->len = 0;
	for (;;) {
		size_t room;
		ssize_t n;
		int ret = t->len < MAX_SIZE ? make_room(t) : -EFBIG;

		if (ret)
			return ret;
		room = t->size - t->len - 1;
		n = read(fd, t->s + t->len, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		t->len += (size_t)n;
		t->s[t->len] = 0;
		if ((size_t)n < room)
			return 0;
	}
}

int dmem_read_fd(int fd, struct dmem_text *t)
{
	int ret;

	if (fd < 0)
		return fd;
	ret = read_all(fd, t);
	close(fd);
	return ret;
}

int dmem_read_at(int dir, const char *name, struct dmem_text *t)
{
	struct stat st;
	int fd;

	/* In another tree, a device may have this name, and opening it may have effects. */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISLNK(st.st_mode) ? -ELOOP : S_ISDIR(st.st_mode) ? -EISDIR : -EPERM;
	/* O_NONBLOCK: files of the kernel do not block, but another file could. */
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	return dmem_read_fd(fd < 0 ? -errno : fd, t);
}

int dmem_sys_read(const struct dmem_sys *s, const char *path, struct dmem_text *t)
{
	return dmem_read_fd(dmem_sys_openat(s, path, O_RDONLY | O_NOCTTY), t);
}

void dmem_text_free(struct dmem_text *t)
{
	free(t->s);
	*t = (struct dmem_text){ 0 };
}

char *dmem_first_line(struct dmem_arena *a, int dir, const char *name)
{
	struct dmem_text t = { 0 };
	char *line = NULL;

	if (!dmem_read_at(dir, name, &t))
		line = dmem_strndup(a, t.s, strcspn(t.s, "\n"));
	dmem_text_free(&t);
	return line;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char * const *)a, *(const char * const *)b);
}

int dmem_sys_list(const struct dmem_sys *s, const char *path, struct dmem_arena *a,
		  const char ***names, size_t *n)
{
	int fd = dmem_sys_openat(s, path, O_RDONLY | O_DIRECTORY), ret = 0;
	struct dirent *de;
	DIR *d;

	*names = NULL;
	*n = 0;
	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		ret = -errno;
		close(fd);
		return ret;
	}
	while (!ret && (de = readdir(d))) {
		const char **more;

		/* A cgroup can have a name such as ".x". */
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		more = dmem_grow(a, *names, *n, sizeof(*more));
		if (more) {
			*names = more;
			more[*n] = dmem_strdup(a, de->d_name);
		}
		ret = more && more[*n] ? 0 : -ENOMEM;
		*n += !ret;
	}
	closedir(d);
	if (*n)
		qsort(*names, *n, sizeof(**names), compare);
	return ret;
}
