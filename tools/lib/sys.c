// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of the kernel, on this machine or in a tree that looks like it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "look.h"

/* What most files need; the kernel makes a page's worth at a time. */
#define FIRST_SIZE	4096

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

int dmem_sys_openat(const struct dmem_sys *s, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	/* Where links can lead nowhere else, without a system call that a sandbox may
	 * not know. */
	if (s->other)
		fd = (int)syscall(SYS_openat2, s->root, *path ? path : ".", &how, sizeof(how));
	else
		fd = openat(s->root, *path ? path : ".", flags | O_CLOEXEC);
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

/* The kernel gives all that there is, or what there is room for: with room left,
 * nothing more is to come. */
static int read_all(int fd, struct dmem_text *t)
{
	t->len = 0;
	for (;;) {
		size_t room;
		ssize_t n;
		int ret = make_room(t);

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

static int read_and_close(int fd, struct dmem_text *t)
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
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);

	return read_and_close(fd < 0 ? -errno : fd, t);
}

int dmem_sys_read(const struct dmem_sys *s, const char *path, struct dmem_text *t)
{
	return read_and_close(dmem_sys_openat(s, path, O_RDONLY | O_NOCTTY), t);
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

		if (*de->d_name == '.')
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
