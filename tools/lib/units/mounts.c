// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finds the places at which the mounts of a unit land. systemd follows links in a destination at
 * each start. If another user than root can make such a link, it may lead to dmem-apply, which root
 * runs there: such a destination counts as the worst case.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "units.h"

#define MAX_LINKS	40
#define FUSE_MAGIC	0x65735546

struct walk {
	struct dmem_arena *arena;
	int root;		/* of the tree */
	uid_t owner;		/* owner of the tree, trusted like root */
	const char *done;	/* "" or "/a/b": without links, and all owned by root */
	const char *rest;	/* not followed yet */
	int links;
};

static bool is_trusted(const struct walk *w, const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == w->owner;
}

/*
 * Opens w->done, one directory at a time: a lookup must not go through an autofs mount point, since
 * systemd, which would have to mount the file system, may be waiting for this process. Returns a
 * descriptor that the caller closes, or a negative errno.
 */
static int open_done(const struct walk *w)
{
	const char *p = w->done;
	int dir = dup(w->root);

	if (dir < 0)
		return -errno;
	while (dir >= 0 && *p) {
		size_t len = strcspn(++p, "/");
		char *name = dmem_strndup(w->arena, p, len);
		int next = name ? openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -ENOMEM;

		if (name && next < 0)
			next = -errno;
		close(dir);
		dir = next;
		p += len;
	}
	return dir;
}

/* True if only root can change the directory. In a directory like /tmp, root's own files are safe
 * from other users, but old ones are removed, and another user may then make them. */
static bool is_roots(const struct walk *w, int dir)
{
	struct statfs fs;
	struct stat st;

	if (fstat(dir, &st) || fstatfs(dir, &fs))
		return false;
	/* On FUSE, files shown as root's may belong to another user. */
	return fs.f_type != AUTOFS_SUPER_MAGIC && fs.f_type != FUSE_MAGIC && is_trusted(w, &st) &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static bool is_below(const char *path, const char *top)
{
	size_t len = strcmp(top, "/") ? strlen(top) : 0;

	return !strncmp(path, top, len) && (!path[len] || path[len] == '/');
}

static bool is_below_one_of(const char *path, const char * const *dirs)
{
	while (*dirs && !is_below(path, *dirs))
		dirs++;
	return *dirs;
}

/* Only the system makes files there, even in a file system that is mounted later. */
static bool is_systems(const char *path)
{
	static const char * const dirs[] = { "/usr", "/etc", "/dev", "/proc", "/sys", NULL };

	return is_below_one_of(path, dirs) || !strcmp(path, "/run");
}

/* systemd gives these directories to the users of services. */
static bool may_be_given_away(const char *path)
{
	static const char * const given[] = { "/run", "/var/lib", "/var/cache", "/var/log", NULL };
	static const char * const kept[] = { "/run/systemd", "/run/dbus", "/run/udev", "/run/user", NULL };

	for (size_t i = 0; given[i]; i++) {
		if (is_below(path, given[i]) && strcmp(path, given[i]))
			return !is_below_one_of(path, kept);
	}
	return false;
}

static int follow(struct walk *w, int dir, const char *name, const char *more)
{
	char to[4096];
	ssize_t n = readlinkat(dir, name, to, sizeof(to) - 1);

	if (n < 0)
		return -errno;
	if (!n || ++w->links > MAX_LINKS)
		return -ELOOP;
	to[n] = 0;
	if (*to == '/')
		w->done = "";
	w->rest = dmem_printf(w->arena, "%s/%s", to, more);
	return w->rest ? 0 : -ENOMEM;
}

/* Follows one name of w->rest. 0, -ENOMEM, or another negative errno: another user may decide where
 * it leads. */
static int step(struct walk *w)
{
	size_t len;
	struct stat st;
	char *name;
	int dir, err, ret;
	bool ok;

	w->rest += strspn(w->rest, "/");
	len = strcspn(w->rest, "/");
	name = dmem_strndup(w->arena, w->rest, len);
	if (!name)
		return -ENOMEM;
	w->rest += len;
	if (!len || !strcmp(name, "."))
		return 0;
	if (!strcmp(name, "..")) {
		const char *slash = strrchr(w->done, '/');

		w->done = dmem_strndup(w->arena, w->done, slash ? (size_t)(slash - w->done) : 0);
		return w->done ? 0 : -ENOMEM;
	}
	dir = open_done(w);
	if (dir < 0)
		return dir;
	err = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) ? errno : 0;
	ok = !may_be_given_away(w->done) && is_roots(w, dir);
	if (ok && !err && S_ISLNK(st.st_mode)) {
		ret = follow(w, dir, name, w->rest);
		close(dir);
		return ret;
	}
	close(dir);
	/* A directory that is made or mounted later may have another owner. */
	if (!ok || (err && (err != ENOENT || *w->rest || !is_systems(w->done))))
		return -EPERM;
	w->done = dmem_printf(w->arena, "%s/%s", w->done, name);
	return w->done ? 0 : -ENOMEM;
}

/* Sets *@to to the path after following all links, or to NULL: unknown. 0 or -ENOMEM. */
static int landing(struct dmem_arena *a, int root, const char *path, const char **to)
{
	struct walk w = { .arena = a, .root = root, .done = "", .rest = path };
	struct stat st;
	int ret = 0;

	*to = NULL;
	if (fstat(root, &st))
		return 0;
	w.owner = st.st_uid;
	while (*w.rest && !ret)
		ret = step(&w);
	if (!ret)
		*to = *w.done ? w.done : "/";
	return ret == -ENOMEM ? ret : 0;
}

/* Sets *@to to the place of a mount without the links of other mounts, or to NULL: unknown. A new
 * file system contains no links. 0 or -ENOMEM. */
static int alone(struct dmem_arena *a, int root, const struct dmem_unit_limits *limits, size_t i,
		 const char **to)
{
	const char *path = limits->mount[i].path;
	int ret;

	for (size_t k = 0; k < limits->n_mounts; k++) {
		if (k == i || !limits->mount[k].empty)
			continue;
		ret = landing(a, root, limits->mount[k].path, to);
		if (ret)
			return ret;
		if (*to && is_below(path, *to)) {
			*to = path;
			return 0;
		}
	}
	return landing(a, root, path, to);
}

/* The same with them: mounts above it in the list are not there yet. */
static int place(struct dmem_arena *a, int root, const struct dmem_unit_limits *limits, size_t i,
		 const char **to)
{
	int ret = alone(a, root, limits, i, to);

	for (size_t k = 0; !ret && *to && k < limits->n_mounts; k++) {
		const char *top;

		if (k == i || limits->mount[k].empty || limits->mount[k].same)
			continue;
		ret = alone(a, root, limits, k, &top);
		if (!ret && top && strcmp(*to, top) && is_below(*to, top))
			*to = NULL;
	}
	return ret;
}

/* 1: only root can change the file, or mount something over it. 0: other users may. -ENOMEM. */
static int is_roots_path(struct dmem_arena *a, int root, const char *path)
{
	struct walk w = { .arena = a, .root = root };
	struct stat st;
	bool ok;
	int fd = landing(a, root, path, &w.done);

	if (fd)
		return fd;
	if (!w.done || may_be_given_away(w.done) || fstat(root, &st))
		return 0;
	if (!strcmp(w.done, "/"))
		w.done = "";
	w.owner = st.st_uid;
	fd = open_done(&w);
	/* landing() has found that only root can make it. */
	if (fd < 0)
		return fd == -ENOMEM ? fd : 1;
	ok = is_roots(&w, fd);
	/* In a directory like /tmp, which belongs to root, other users cannot mount. */
	if (!ok && !fstat(fd, &st))
		ok = S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX) && is_trusted(&w, &st);
	close(fd);
	return ok;
}

/* The same for a path that systemd uses before it runs dmem-apply. */
static int is_roots_start_path(struct dmem_arena *a, int root, const struct dmem_start_path *p)
{
	const char *slash, *dir;

	if (p->home)
		return 0;
	if (!p->open)
		return is_roots_path(a, root, p->path);
	/* The rest of the path is below that directory. */
	slash = strrchr(p->path, '/');
	if (!slash)
		return 0;
	dir = dmem_strndup(a, p->path, (size_t)(slash - p->path));
	if (!dir)
		return -ENOMEM;
	return is_systems(dir) ? is_roots_path(a, root, dir) : 0;
}

/* Finds the first path with which another user can keep dmem-apply from running. */
static int check_start_paths(struct dmem_arena *a, int root, struct dmem_unit_limits *limits)
{
	const struct dmem_start_path *p = &limits->working_directory;
	int ret = p->o.key ? is_roots_start_path(a, root, p) : 1;

	limits->shaped = (struct dmem_obstacle){ 0 };
	for (size_t i = 0; ret > 0 && i < limits->n_start_paths; i++) {
		p = &limits->start_path[i];
		ret = is_roots_start_path(a, root, p);
	}
	if (!ret)
		limits->shaped = p->o;
	return ret < 0 ? ret : 0;
}

static int check_mounts(struct dmem_arena *a, int root, struct dmem_unit_limits *limits,
			const char *program)
{
	const char **to = dmem_alloc(a, (limits->n_mounts + 1) * sizeof(*to)), *real;
	int ret = to ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < limits->n_mounts; i++) {
		if (!limits->mount[i].open)
			ret = place(a, root, limits, i, &to[i]);
	}
	if (!ret)
		ret = landing(a, root, program, &real);
	if (ret)
		return ret;
	if (real)
		limits->program = real;
	for (size_t i = 0; i < limits->n_mounts; i++) {
		limits->mount[i].anywhere = !to[i];
		if (to[i])
			limits->mount[i].path = strcmp(to[i], "/") ? to[i] : "";
	}
	return 0;
}

int dmem_unit_limits_check_mounts(struct dmem_arena *a, int root, struct dmem_unit_limits *limits,
				  const char *program)
{
	int own = -1, ret = 0;

	if (!limits->n_mounts && !limits->n_start_paths && !limits->working_directory.o.key)
		return 0;
	/* Without access to the tree, the settings cannot be judged. */
	if (root < 0)
		root = own = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (limits->n_mounts)
		ret = check_mounts(a, root, limits, program);
	if (!ret)
		ret = check_start_paths(a, root, limits);
	if (own >= 0)
		close(own);
	return ret;
}
