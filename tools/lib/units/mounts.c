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
 * descriptor or -1.
 */
static int open_done(const struct walk *w)
{
	const char *p = w->done;
	int dir = dup(w->root);

	while (dir >= 0 && *p) {
		size_t len = strcspn(++p, "/");
		char *name = dmem_strndup(w->arena, p, len);
		int next = name ? openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;

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

static bool follow(struct walk *w, int dir, const char *name, const char *more)
{
	char to[4096];
	ssize_t n = readlinkat(dir, name, to, sizeof(to) - 1);

	if (n <= 0 || ++w->links > MAX_LINKS)
		return false;
	to[n] = 0;
	if (*to == '/')
		w->done = "";
	w->rest = dmem_printf(w->arena, "%s/%s", to, more);
	return w->rest != NULL;
}

/* Follows one name of w->rest. False: another user decides where it leads. */
static bool step(struct walk *w)
{
	size_t len;
	struct stat st;
	char *name;
	int dir, err;
	bool ok;

	w->rest += strspn(w->rest, "/");
	len = strcspn(w->rest, "/");
	name = dmem_strndup(w->arena, w->rest, len);
	if (!name)
		return false;
	w->rest += len;
	if (!len || !strcmp(name, "."))
		return true;
	if (!strcmp(name, "..")) {
		const char *slash = strrchr(w->done, '/');

		w->done = dmem_strndup(w->arena, w->done, slash ? (size_t)(slash - w->done) : 0);
		return w->done != NULL;
	}
	dir = open_done(w);
	if (dir < 0)
		return false;
	err = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) ? errno : 0;
	ok = !may_be_given_away(w->done) && is_roots(w, dir);
	if (ok && !err && S_ISLNK(st.st_mode)) {
		ok = follow(w, dir, name, w->rest);
		close(dir);
		return ok;
	}
	close(dir);
	/* A directory that is made or mounted later may have another owner. */
	if (!ok || (err && (err != ENOENT || *w->rest || !is_systems(w->done))))
		return false;
	w->done = dmem_printf(w->arena, "%s/%s", w->done, name);
	return w->done != NULL;
}

/* The path after following all links, or NULL. */
static const char *landing(struct dmem_arena *a, int root, const char *path)
{
	struct walk w = { .arena = a, .root = root, .done = "", .rest = path };
	struct stat st;

	if (fstat(root, &st))
		return NULL;
	w.owner = st.st_uid;
	while (*w.rest) {
		if (!step(&w))
			return NULL;
	}
	return *w.done ? w.done : "/";
}

/* A new file system contains no links. */
static bool is_in_empty(struct dmem_arena *a, int root, const struct dmem_unit_limits *limits,
			size_t i)
{
	for (size_t k = 0; k < limits->n_mounts; k++) {
		const struct dmem_mount *above = &limits->mount[k];
		const char *top = above->empty && k != i ? landing(a, root, above->path) : NULL;

		if (top && is_below(limits->mount[i].path, top))
			return true;
	}
	return false;
}

/* The place of a mount without the links of other mounts. NULL: unknown. */
static const char *alone(struct dmem_arena *a, int root, const struct dmem_unit_limits *limits,
			 size_t i)
{
	const char *path = limits->mount[i].path;

	return is_in_empty(a, root, limits, i) ? path : landing(a, root, path);
}

/* The place with them: mounts above it in the list are not there yet. */
static const char *place(struct dmem_arena *a, int root, const struct dmem_unit_limits *limits,
			 size_t i)
{
	const char *to = alone(a, root, limits, i);

	for (size_t k = 0; to && k < limits->n_mounts; k++) {
		const struct dmem_mount *above = &limits->mount[k];
		const char *top = above->empty || above->same ? NULL : alone(a, root, limits, k);

		if (k != i && top && strcmp(to, top) && is_below(to, top))
			return NULL;
	}
	return to;
}

/* True if only root can change the file, or mount something over it. */
static bool is_roots_path(struct dmem_arena *a, int root, const char *path)
{
	const char *to = landing(a, root, path);
	struct walk w = { .arena = a, .root = root, .done = to };
	struct stat st;
	bool ok;
	int fd;

	if (!to || may_be_given_away(to) || fstat(root, &st))
		return false;
	if (!strcmp(to, "/"))
		w.done = "";
	w.owner = st.st_uid;
	fd = open_done(&w);
	/* landing() has found that only root can make it. */
	if (fd < 0)
		return true;
	ok = is_roots(&w, fd);
	/* In a directory like /tmp, which belongs to root, other users cannot mount. */
	if (!ok && !fstat(fd, &st))
		ok = S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX) && is_trusted(&w, &st);
	close(fd);
	return ok;
}

static bool is_roots_start_path(struct dmem_arena *a, int root, const struct dmem_start_path *p)
{
	const char *slash, *dir;

	if (p->home)
		return false;
	if (!p->open)
		return is_roots_path(a, root, p->path);
	/* The rest of the path is below that directory. */
	slash = strrchr(p->path, '/');
	dir = slash ? dmem_strndup(a, p->path, (size_t)(slash - p->path)) : NULL;
	return dir && is_systems(dir) && is_roots_path(a, root, dir);
}

/* Finds the first path with which another user can keep dmem-apply from running. */
static void check_start_paths(struct dmem_arena *a, int root, struct dmem_unit_limits *limits)
{
	const struct dmem_start_path *p = &limits->working_directory;

	limits->shaped = (struct dmem_obstacle){ 0 };
	if (p->o.key && !is_roots_start_path(a, root, p))
		limits->shaped = p->o;
	for (size_t i = 0; i < limits->n_start_paths && !limits->shaped.key; i++) {
		p = &limits->start_path[i];
		if (!is_roots_start_path(a, root, p))
			limits->shaped = p->o;
	}
}

static void check_mounts(struct dmem_arena *a, int root, struct dmem_unit_limits *limits,
			 const char *program)
{
	const char **to = dmem_alloc(a, (limits->n_mounts + 1) * sizeof(*to)), *real;

	for (size_t i = 0; to && i < limits->n_mounts; i++)
		to[i] = limits->mount[i].open ? NULL : place(a, root, limits, i);
	real = landing(a, root, program);
	if (real)
		limits->program = real;
	for (size_t i = 0; i < limits->n_mounts; i++) {
		limits->mount[i].anywhere = !to || !to[i];
		if (to && to[i])
			limits->mount[i].path = strcmp(to[i], "/") ? to[i] : "";
	}
}

void dmem_unit_limits_check_mounts(struct dmem_arena *a, int root, struct dmem_unit_limits *limits,
				   const char *program)
{
	int own = -1;

	if (!limits->n_mounts && !limits->n_start_paths && !limits->working_directory.o.key)
		return;
	/* Without access to the tree, the settings cannot be judged. */
	if (root < 0)
		root = own = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (limits->n_mounts)
		check_mounts(a, root, limits, program);
	check_start_paths(a, root, limits);
	if (own >= 0)
		close(own);
}
