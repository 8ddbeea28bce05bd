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

/* May nobody but root decide what @name is in this directory? */
static bool is_roots(const struct walk *w, int dir, const struct stat *child)
{
	struct statfs fs;
	struct stat st;

	if (fstat(dir, &st) || fstatfs(dir, &fs))
		return false;
	/* What FUSE shows as root's need not be. */
	if (fs.f_type == AUTOFS_SUPER_MAGIC || fs.f_type == FUSE_MAGIC || !is_trusted(w, &st))
		return false;
	if (!(st.st_mode & (S_IWGRP | S_IWOTH)))
		return true;
	/* In /tmp, nobody can replace what is root's. */
	return st.st_mode & S_ISVTX && child && is_trusted(w, child);
}

/* Nothing but the system itself makes files there, whatever is mounted later. */
static bool is_systems(const char *path)
{
	static const char * const dirs[] = { "/usr", "/etc", "/dev", "/proc", "/sys" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		size_t len = strlen(dirs[i]);

		if (!strncmp(path, dirs[i], len) && (!path[len] || path[len] == '/'))
			return true;
	}
	return !strcmp(path, "/run");
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
	ok = is_roots(w, dir, err ? NULL : &st);
	if (ok && !err && S_ISLNK(st.st_mode)) {
		ok = follow(w, dir, name, w->rest);
		close(dir);
		return ok;
	}
	close(dir);
	/* A file system that is mounted later may have another owner. */
	if (!ok || (err && (err != ENOENT || !is_systems(w->done))))
		return false;
	w->done = dmem_printf(w->arena, "%s/%s%s", w->done, name, err ? w->rest : "");
	if (err) {
		ok = !strstr(w->rest, "/..");
		w->rest = "";
	}
	return ok && w->done;
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

static bool is_below(const char *path, const char *top)
{
	size_t len = strcmp(top, "/") ? strlen(top) : 0;

	return !strncmp(path, top, len) && (!path[len] || path[len] == '/');
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

/* Where it will be. NULL: nobody knows. */
static const char *place(struct dmem_arena *a, int root, const struct dmem_caps *caps, size_t i)
{
	const struct dmem_mount *m = &caps->mount[i];
	const char *to = is_in_empty(a, root, caps, i) ? m->path : landing(a, root, m->path);

	/* The links are those of the mount above it, which is not there yet. */
	for (size_t k = 0; to && k < caps->n_mounts; k++) {
		const struct dmem_mount *above = &caps->mount[k];
		const char *top = above->empty || above->same ? NULL : landing(a, root, above->path);

		if (k != i && top && strcmp(to, top) && is_below(to, top))
			return NULL;
	}
	return to;
}

void dmem_caps_check_mounts(struct dmem_arena *a, int root, struct dmem_caps *caps,
			    const char *program)
{
	const char **to = dmem_alloc(a, (caps->n_mounts + 1) * sizeof(*to)), *real;
	int own = -1;

	if (!caps->n_mounts)
		return;
	/* Where it cannot be opened, nothing can be found out. */
	if (root < 0)
		root = own = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
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
	if (own >= 0)
		close(own);
}
