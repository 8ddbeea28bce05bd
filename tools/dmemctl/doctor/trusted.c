// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opens a directory that root has named, and finds out whether somebody else can put another one in its
 * place: whoever owns a directory on the way to it, or a link, or can write to one.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "containers.h"

/* As the kernel. */
#define MAX_LINKS	40

struct walk {
	struct dmem_arena *arena;
	uid_t owner;
	int dir;
	const char *rest;	/* of the path, below @dir */
	int links;
	bool of_user;
};

static bool is_of_root(const struct stat *st, uid_t owner)
{
	return !st->st_uid || st->st_uid == owner;
}

bool doctor_keeps_names(int dir, uid_t owner)
{
	struct stat st;

	if (fstat(dir, &st) || !is_of_root(&st, owner))
		return false;
	return !(st.st_mode & (S_IWGRP | S_IWOTH)) || st.st_mode & S_ISVTX;
}

/* Goes on in this directory. Closes the one before. */
static void enter(struct walk *w, int dir)
{
	if (w->dir >= 0)
		close(w->dir);
	w->dir = dir;
	if (!doctor_keeps_names(dir, w->owner))
		w->of_user = true;
}

static int enter_root(struct walk *w)
{
	int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	enter(w, dir);
	return 0;
}

/* Puts the target of a link in front of the rest. Closes the link. */
static int follow(struct walk *w, int link, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(link, "", target, sizeof(target) - 1);
	int err = errno;

	close(link);
	if (!is_of_root(st, w->owner))
		w->of_user = true;
	if (len < 0)
		return -err;
	if (++w->links > MAX_LINKS)
		return -ELOOP;
	target[len] = 0;
	w->rest = dmem_printf(w->arena, "%s/%s", target, w->rest);
	if (!w->rest)
		return -ENOMEM;
	return *target == '/' ? enter_root(w) : 0;
}

/* Passes the slashes, and takes the next name of the rest. "" at the end. NULL: out of memory. */
static const char *next_name(struct walk *w)
{
	const char *name = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(name, "/");

	w->rest = name + len;
	return dmem_strndup(w->arena, name, len);
}

static int step(struct walk *w)
{
	const char *name = next_name(w);
	struct stat st;
	int fd;

	if (!name || !*name)
		return name ? 0 : -ENOMEM;
	fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISLNK(st.st_mode))
		return follow(w, fd, &st);
	enter(w, fd);
	return 0;
}

/* The path from the root. NULL: see errno. */
static const char *whole_path(struct dmem_arena *a, const char *path)
{
	char here[PATH_MAX];

	if (*path != '/' && !getcwd(here, sizeof(here)))
		return NULL;
	errno = ENOMEM;
	return *path == '/' ? path : dmem_printf(a, "%s/%s", here, path);
}

int doctor_open_trusted(struct dmem_arena *a, const char *path, uid_t owner, bool *of_user)
{
	struct walk w = { .arena = a, .owner = owner, .dir = -1, .rest = whole_path(a, path) };
	int ret = w.rest ? enter_root(&w) : -errno;

	while (!ret && *w.rest)
		ret = step(&w);
	*of_user = w.of_user;
	if (!ret) {
		ret = openat(w.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ret = ret < 0 ? -errno : ret;
	}
	if (w.dir >= 0)
		close(w.dir);
	return ret;
}
