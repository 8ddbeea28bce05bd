// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a mount of a unit lands. systemd follows links in its destination, at each
 * start. A link that somebody else than root can make could lead to our program,
 * which is root there: such a destination must be taken for the worst.
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
	uid_t owner;		/* of that, who is trusted as root is */
	const char *done;	/* "" or "/a/b": no link in it, and all of it is root's */
	const char *rest;	/* what is still to be followed */
	int links;
};

static bool is_trusted(const struct walk *w, const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == w->owner;
}

/*
 * Opens w->done, one directory after the other: no lookup may go through a mount
 * point that autofs has yet to fill, as systemd, which would have to do it, may be
 * waiting for this process. Returns a file descriptor or -1.
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

/* May nobody but root decide what is in this directory? In /tmp, root's own files stay,
 * but those that are old are removed, and may be made by somebody else then. */
static bool is_roots(const struct walk *w, int dir)
{
	struct statfs fs;
	struct stat st;

	if (fstat(dir, &st) || fstatfs(dir, &fs))
		return false;
	/* What FUSE shows as root's need not be. */
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

/* Nothing but the system itself makes files there, whatever is mounted later. */
static bool is_systems(const char *path)
{
	static const char * const dirs[] = { "/usr", "/etc", "/dev", "/proc", "/sys", NULL };

	return is_below_one_of(path, dirs) || !strcmp(path, "/run");
}

/* systemd gives what is there to the users of services, when these start. */
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

/* One name of w->rest. False: somebody else decides where it leads. */
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

/* The path with all links followed, or NULL. */
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

/* In a new file system there is no link. */
static bool is_in_empty(struct dmem_arena *a, int root, const struct dmem_caps *caps, size_t i)
{
	for (size_t k = 0; k < caps->n_mounts; k++) {
		const struct dmem_mount *above = &caps->mount[k];
		const char *top = above->empty && k != i ? landing(a, root, above->path) : NULL;

		if (top && is_below(caps->mount[i].path, top))
			return true;
	}
	return false;
}

/* Where it will be, but for the links of other mounts. NULL: nobody knows. */
static const char *alone(struct dmem_arena *a, int root, const struct dmem_caps *caps, size_t i)
{
	const char *path = caps->mount[i].path;

	return is_in_empty(a, root, caps, i) ? path : landing(a, root, path);
}

/* The same with them: those that are mounted above it are not there yet. */
static const char *place(struct dmem_arena *a, int root, const struct dmem_caps *caps, size_t i)
{
	const char *to = alone(a, root, caps, i);

	for (size_t k = 0; to && k < caps->n_mounts; k++) {
		const struct dmem_mount *above = &caps->mount[k];
		const char *top = above->empty || above->same ? NULL : alone(a, root, caps, k);

		if (k != i && top && strcmp(to, top) && is_below(to, top))
			return NULL;
	}
	return to;
}

/* Can nobody but root change what is there, or mount something over it? */
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
	/* landing() has found that nobody else makes it. */
	if (fd < 0)
		return true;
	ok = is_roots(&w, fd);
	/* A directory such as /tmp, which is root's: nobody else can mount over it. */
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
	/* However it goes on, it stays there. */
	slash = strrchr(p->path, '/');
	dir = slash ? dmem_strndup(a, p->path, (size_t)(slash - p->path)) : NULL;
	return dir && is_systems(dir) && is_roots_path(a, root, dir);
}

/* Finds the first path by which somebody else may keep our program from being run. */
static void check_start_paths(struct dmem_arena *a, int root, struct dmem_caps *caps)
{
	const struct dmem_start_path *p = &caps->working_directory;

	caps->shaped = (struct dmem_obstacle){ 0 };
	if (p->o.key && !is_roots_start_path(a, root, p))
		caps->shaped = p->o;
	for (size_t i = 0; i < caps->n_start_paths && !caps->shaped.key; i++) {
		p = &caps->start_path[i];
		if (!is_roots_start_path(a, root, p))
			caps->shaped = p->o;
	}
}

static void check_mounts(struct dmem_arena *a, int root, struct dmem_caps *caps,
			 const char *program)
{
	const char **to = dmem_alloc(a, (caps->n_mounts + 1) * sizeof(*to)), *real;

	for (size_t i = 0; to && i < caps->n_mounts; i++)
		to[i] = caps->mount[i].open ? NULL : place(a, root, caps, i);
	real = landing(a, root, program);
	if (real)
		caps->program = real;
	for (size_t i = 0; i < caps->n_mounts; i++) {
		caps->mount[i].anywhere = !to || !to[i];
		if (to && to[i])
			caps->mount[i].path = strcmp(to[i], "/") ? to[i] : "";
	}
}

void dmem_caps_check_mounts(struct dmem_arena *a, int root, struct dmem_caps *caps,
			    const char *program)
{
	int own = -1;

	if (!caps->n_mounts && !caps->n_start_paths && !caps->working_directory.o.key)
		return;
	/* Where it cannot be opened, nothing can be found out. */
	if (root < 0)
		root = own = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (caps->n_mounts)
		check_mounts(a, root, caps, program);
	check_start_paths(a, root, caps);
	if (own >= 0)
		close(own);
}
