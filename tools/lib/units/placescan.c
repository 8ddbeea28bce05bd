// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the files that dmem-generator does not read, but that may have a section [X-Dmem]. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "placement.h"

#define MAX_FILE	(1 << 20)
#define MAX_DEPTH	8
/* Bounds on the names in a user's directories and the bytes of their files: a user must not keep
 * root busy for hours. */
#define MAX_OF_USER	10000
#define MAX_BYTES	(16 << 20)
/* Bound on a quadlet with its drop-ins, which are in memory at the same time. */
#define MAX_QUADLET	(8 << 20)
#define TRANSIENT	"/run/systemd/transient"

/* Decides by the path below the start of a walk whether to skip the file, because dmem-generator
 * reads it, or it is of no interest. */
typedef bool (*skip_fn)(const char *rest);

struct walk {
	struct dmem_units *u;
	dmem_place_fn fn;
	void (*unread)(void *data, const char *path, int err);
	void *data;
	/* Directories visited so far, by any path. */
	struct { dev_t dev; ino_t ino; } *seen;
	size_t n_seen;
	/* Quadlets with a section: the services generated from them have it, too. */
	struct dmem_list quadlets;
	/* Judgements of whole quadlets, by their paths. */
	struct named { const char *path; struct dmem_place whole; } *named;
	size_t n_named;
	/* State of the current walk. */
	const char *start;		/* its path in the tree */
	skip_fn skip;
	bool users;			/* a user can make and change these files */
	size_t left;			/* rest of MAX_OF_USER */
	size_t bytes;			/* rest of MAX_BYTES */
	bool full;			/* a file of the user exceeded the rest */
	bool search_path;
	long long uid;
};

static bool has_suffix(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && !strcmp(s + n - m, end);
}

static int open_tree(const struct walk *w, const char *path, int flags)
{
	return dmem_sys_open_any(&w->u->sys, path, flags);
}

/* Below a user's directory, root must not follow links, nor enter a file system that the user
 * serves. */
static int open_below(int dir, const char *name, int flags)
{
	return dmem_openat2(dir, name, flags, RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH | RESOLVE_NO_XDEV);
}

static int open_entry(const struct walk *w, int dir, const char *name, const char *path, int flags)
{
	return w->users ? open_below(dir, name, flags) : open_tree(w, path, flags);
}

static void cannot_read(struct walk *w, const char *path, int err)
{
	/* Most homes are closed to other users, and their files concern only their owners. */
	if (!w->users && w->unread && err != ENOENT && err != ENOTDIR && err != ELOOP)
		w->unread(w->data, path, err);
}

static void too_large(struct walk *w, const char *path)
{
	if (w->unread)
		w->unread(w->data, path, E2BIG);
}

/* True if the user's files may have so many more bytes. */
static bool may_read(struct walk *w, const char *path, size_t len)
{
	if (!w->users)
		return true;
	if (w->full)
		return false;
	w->full = len > w->bytes;
	if (w->full)
		too_large(w, path);
	else
		w->bytes -= len;
	return !w->full;
}

/* Reads a regular file, by a descriptor opened with O_PATH: opening a device may have effects. Sets
 * *@text, which the caller frees; NULL: not a regular file. */
static int read_regular(struct walk *w, int fd, const char *path, char **text, size_t *len)
{
	char link[40];
	struct stat st;
	ssize_t n;
	int file;

	*text = NULL;
	*len = 0;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size || st.st_size > MAX_FILE ||
	    !may_read(w, path, (size_t)st.st_size))
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	file = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file < 0) {
		cannot_read(w, path, errno);
		return 0;
	}
	*text = malloc((size_t)st.st_size);
	n = *text ? read(file, *text, (size_t)st.st_size) : -1;
	*len = n > 0 ? (size_t)n : 0;
	close(file);
	return *text ? 0 : -ENOMEM;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char * const *)a, *(const char * const *)b);
}

/* Lists the names that are not hidden, sorted, and of a user's at most the rest. Closes @fd. */
static int list(struct walk *w, int fd, struct dmem_list *l)
{
	DIR *dir = fdopendir(fd);
	struct dirent *de;
	int ret = 0;

	*l = (struct dmem_list){ 0 };
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (!ret && !(w->users && !w->left) && (de = readdir(dir))) {
		const char **more;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		/* Hidden names count as well, since they are read. */
		w->left -= w->users;
		if (*de->d_name == '.')
			continue;
		more = dmem_grow(&w->u->arena, l->s, l->n, sizeof(*more));
		if (more) {
			l->s = more;
			more[l->n] = dmem_strdup(&w->u->arena, de->d_name);
		}
		ret = more && more[l->n] ? 0 : -ENOMEM;
		l->n += !ret;
	}
	closedir(dir);
	if (l->n)
		qsort(l->s, l->n, sizeof(*l->s), compare);
	return ret;
}

static int look_for_source(void *data, unsigned int line, const char *section, const char *key,
			   const char *value)
{
	struct walk *w = data;

	(void)line;
	if (!section || !key || !value || strcmp(key, "SourcePath"))
		return 0;
	for (size_t i = 0; i < w->quadlets.n; i++) {
		if (!strcmp(w->quadlets.s[i], value))
			return 1;
	}
	return 0;
}

static int note_quadlet(struct walk *w, const char *path)
{
	const char **more = dmem_grow(&w->u->arena, w->quadlets.s, w->quadlets.n, sizeof(*more));

	if (!more)
		return -ENOMEM;
	w->quadlets.s = more;
	more[w->quadlets.n] = dmem_strdup(&w->u->arena, path);
	return more[w->quadlets.n++] ? 0 : -ENOMEM;
}

/* ---- the files of a quadlet of the system ---- */

struct whole {
	char *text;
	size_t len;
};

static int add_text(struct walk *w, const char *path, struct whole *all)
{
	int fd = open_tree(w, path, O_PATH), ret;
	size_t len;
	char *text, *more;

	if (fd < 0)
		return 0;
	ret = read_regular(w, fd, path, &text, &len);
	close(fd);
	if (ret || !text)
		return ret;
	more = realloc(all->text, all->len + len + 1);
	if (more) {
		memcpy(more + all->len, text, len);
		all->len += len;
		more[all->len++] = '\n';
		all->text = more;
	}
	free(text);
	return more ? 0 : -ENOMEM;
}

/* Adds the quadlet and its drop-ins: any of them may have ServiceName=. */
static int add_texts(struct walk *w, const char *quadlet, struct whole *all)
{
	const char *dir = dmem_printf(&w->u->arena, "%s.d", quadlet);
	int ret = dir ? add_text(w, quadlet, all) : -ENOMEM, fd;
	struct dmem_list names = { 0 };

	fd = ret ? -1 : open_tree(w, dir, O_RDONLY | O_DIRECTORY);
	if (fd >= 0)
		ret = list(w, fd, &names);
	for (size_t i = 0; i < names.n && !ret; i++) {
		const char *path = dmem_printf(&w->u->arena, "%s/%s", dir, names.s[i]);

		if (!has_suffix(names.s[i], ".conf"))
			continue;
		ret = path ? add_text(w, path, all) : -ENOMEM;
		if (!ret && all->len > MAX_QUADLET) {
			too_large(w, path);
			break;
		}
	}
	return ret;
}

/* Reads the files of a quadlet once, not again for each of them. The result is valid until the next
 * call. */
static int whole_quadlet(struct walk *w, const char *quadlet, const struct dmem_place **whole)
{
	struct whole all = { 0 };
	struct named *more;
	int ret;

	for (size_t i = w->n_named; i--; ) {
		*whole = &w->named[i].whole;
		if (!strcmp(w->named[i].path, quadlet))
			return 0;
	}
	more = dmem_grow(&w->u->arena, w->named, w->n_named, sizeof(*more));
	if (!more)
		return -ENOMEM;
	w->named = more;
	more += w->n_named;
	*more = (struct named){ .path = quadlet };
	ret = add_texts(w, quadlet, &all);
	if (!ret)
		ret = dmem_place(&w->u->arena, quadlet, all.text, all.len, w->uid, &more->whole);
	free(all.text);
	w->n_named += !ret;
	*whole = &more->whole;
	return ret;
}

/* Adds the service of the whole quadlet to the judgement of one file. */
static int name_service(struct walk *w, const char *path, struct dmem_place *p)
{
	const char *slash = strrchr(path, '/');
	const struct dmem_place *whole;
	char *quadlet;
	int ret;

	/* "camera.container.d/50-dmem.conf" */
	if (slash - path > 2 && !strncmp(slash - 2, ".d", 2))
		quadlet = dmem_strndup(&w->u->arena, path, (size_t)(slash - path) - 2);
	else
		quadlet = dmem_strdup(&w->u->arena, path);
	ret = quadlet ? whole_quadlet(w, quadlet, &whole) : -ENOMEM;
	if (ret)
		return ret;
	if (whole->service)
		p->service = whole->service;
	if (p->what && whole->remedy)
		p->remedy = whole->remedy;
	return 0;
}

static int one_text(struct walk *w, const char *path, const char *rest, const char *text, size_t len)
{
	struct dmem_place p;
	int ret;

	/* The walk decides about the owner, since a user can choose any path. */
	if (w->users)
		ret = dmem_place_of_user(&w->u->arena, path, has_suffix(w->start, "/containers/systemd"),
					 text, len, w->uid, &p);
	else if (w->search_path && strcmp(w->start, TRANSIENT))
		ret = dmem_place_unit(&w->u->arena, rest, text, len, &p);
	else
		ret = dmem_place(&w->u->arena, path, text, len, w->uid, &p);
	if (!ret && p.service)
		ret = name_service(w, path, &p);
	if (ret)
		return ret;
	if (p.what && p.service)
		ret = note_quadlet(w, path);
	else if (p.what && !w->users && w->quadlets.n && strstr(w->start, "/generator"))
		ret = dmem_conf_parse(text, len, look_for_source, w);
	if (ret)
		return ret < 0 ? ret : 0;
	return p.service || dmem_section_hint(text, len) ? w->fn(w->data, path, text, len, &p) : 0;
}

static int one_file(struct walk *w, int fd, const char *path, const char *rest)
{
	size_t len;
	char *text;
	int ret = read_regular(w, fd, path, &text, &len);

	if (!ret && text)
		ret = one_text(w, path, rest, text, len);
	free(text);
	return ret;
}

/* Notes the directory, and sets *@again if it was visited before, by another path or a link. */
static int enter(struct walk *w, const struct stat *st, bool *again)
{
	void *more;

	*again = false;
	for (size_t i = 0; i < w->n_seen && !*again; i++)
		*again = w->seen[i].dev == st->st_dev && w->seen[i].ino == st->st_ino;
	if (*again)
		return 0;
	more = dmem_grow(&w->u->arena, w->seen, w->n_seen, sizeof(*w->seen));
	if (!more)
		return -ENOMEM;
	w->seen = more;
	w->seen[w->n_seen].dev = st->st_dev;
	w->seen[w->n_seen++].ino = st->st_ino;
	return 0;
}

/* True for a link by which systemd enables a unit: it leads to a file that is read. */
static bool is_enabling(int dir, const char *path, const char *name)
{
	static const char * const ends[] = { ".wants/", ".requires/", ".upholds/" };
	size_t len = strlen(path) - strlen(name);
	struct stat st;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		size_t n = strlen(ends[i]);

		if (len > n && !strncmp(path + len - n, ends[i], n))
			return !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode);
	}
	return false;
}

static int walk_dir(struct walk *w, int fd, const char *path, const char *rest, unsigned int depth);

/* Handles a file or directory; @fd is an O_PATH descriptor of it. */
static int walk_entry(struct walk *w, int fd, int dir, const char *name, const char *path,
		      const char *rest, unsigned int depth)
{
	struct stat st;
	bool again;
	int sub, ret;

	if (fstat(fd, &st))
		return 0;
	if (!S_ISDIR(st.st_mode))
		return w->skip && w->skip(rest) ? 0 : one_file(w, fd, path, rest);
	if (depth == MAX_DEPTH)
		return 0;
	ret = enter(w, &st, &again);
	if (ret || again)
		return ret;
	sub = open_entry(w, dir, name, path, O_RDONLY | O_DIRECTORY);
	if (sub < 0) {
		cannot_read(w, path, -sub);
		return 0;
	}
	ret = walk_dir(w, sub, path, rest, depth + 1);
	close(sub);
	return ret;
}

/* @rest: the path below the start, without slashes at its ends. */
static int walk_dir(struct walk *w, int dir, const char *path, const char *rest, unsigned int depth)
{
	int copy = fcntl(dir, F_DUPFD_CLOEXEC, 0), ret;
	struct dmem_list names;
	size_t left = w->left;

	if (copy < 0)
		return 0;
	ret = list(w, copy, &names);
	if (w->users && left && !w->left)
		too_large(w, path);
	for (size_t i = 0; i < names.n && !ret && !(w->users && w->full); i++) {
		const char *p = dmem_printf(&w->u->arena, "%s/%s", path, names.s[i]);
		const char *r = dmem_printf(&w->u->arena, "%s%s%s", rest, *rest ? "/" : "", names.s[i]);
		int fd;

		if (!p || !r)
			return -ENOMEM;
		if (is_enabling(dir, p, names.s[i]))
			continue;
		fd = open_entry(w, dir, names.s[i], p, O_PATH);
		if (fd < 0) {
			cannot_read(w, p, -fd);
			continue;
		}
		ret = walk_entry(w, fd, dir, names.s[i], p, r, depth);
		close(fd);
	}
	return ret;
}

/* Starts a walk at a path of the tree, or below a user's own directory. */
static int walk(struct walk *w, const char *home, const char *path)
{
	struct stat st;
	bool again = false;
	int top = home ? open_tree(w, home, O_RDONLY | O_DIRECTORY) : -1, fd, ret = 0;

	w->start = home ? dmem_printf(&w->u->arena, "%s/%s", home, path) : path;
	if (!w->start)
		ret = -ENOMEM;
	w->users = home;
	fd = ret ? -1 : home ? open_below(top, path, O_RDONLY | O_DIRECTORY) :
			       open_tree(w, path, O_RDONLY | O_DIRECTORY);
	if (top >= 0)
		close(top);
	if (fd < 0) {
		if (!ret)
			cannot_read(w, path, -fd);
		return ret;
	}
	if (!fstat(fd, &st))
		ret = enter(w, &st, &again);
	if (!ret && !again)
		ret = walk_dir(w, fd, w->start, "", 0);
	close(fd);
	return ret;
}

/* ---- the places ---- */

static bool is_level(const char *name, size_t len)
{
	char base[300];

	if (len >= sizeof(base))
		return false;
	memcpy(base, name, len);
	base[len] = 0;
	for (int t = 0; t < DMEM_TYPES; t++) {
		if (!strcmp(base, dmem_type_names[t]))
			return true;
	}
	return dmem_unit_type(base) >= 0;
}

/* True for unit files and drop-ins that the library reads itself. */
static bool is_read(const char *rest)
{
	const char *slash = strchr(rest, '/');
	size_t n = slash ? (size_t)(slash - rest) : 0;

	if (!slash)
		return dmem_unit_type(rest) >= 0;
	return n > 2 && !strncmp(rest + n - 2, ".d", 2) && is_level(rest, n - 2) &&
	       !strchr(slash + 1, '/') && has_suffix(slash + 1, ".conf");
}

static bool is_no_conf(const char *name)
{
	return !has_suffix(name, ".conf") && dmem_unit_type(name) < 0;
}

static bool is_no_nspawn(const char *name)
{
	return !has_suffix(name, ".nspawn");
}

static bool is_nothing(const char *name)
{
	(void)name;
	return false;
}

/* Directories below "systemd" with files that may be mistaken for units. */
static bool is_place_of_systemd(const char *name)
{
	static const char * const names[] = {
		"user", "user.control", "generator", "generator.early", "generator.late", "nspawn",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return has_suffix(name, ".conf.d") ||
	       (has_suffix(name, ".d") && is_level(name, strlen(name) - 2) &&
		dmem_unit_type(name) < 0);
}

static int scan_search_path(struct walk *w)
{
	int ret = 0;

	w->search_path = true;
	for (int d = 0; d < w->u->n_dirs && !ret; d++) {
		w->skip = strcmp(w->u->dir[d], TRANSIENT) ? is_read : NULL;
		ret = walk(w, NULL, w->u->dir[d]);
	}
	w->search_path = false;
	w->skip = NULL;
	return ret;
}

/* Handles the files of a directory, but walks only into selected directories. */
static int scan_flat(struct walk *w, const char *path, bool (*walks)(const char *name),
		     skip_fn skip)
{
	int fd = open_tree(w, path, O_RDONLY | O_DIRECTORY), ret;
	struct dmem_list names;
	struct stat st;
	bool again;

	if (fd < 0)
		return 0;
	again = true;
	ret = fstat(fd, &st) ? 0 : enter(w, &st, &again);
	if (ret || again) {
		close(fd);
		return ret;
	}
	ret = list(w, fd, &names);
	for (size_t i = 0; i < names.n && !ret; i++) {
		const char *p = dmem_printf(&w->u->arena, "%s/%s", path, names.s[i]);
		int file;

		if (!p)
			return -ENOMEM;
		if (walks(names.s[i])) {
			ret = walk(w, NULL, p);
			continue;
		}
		file = skip(names.s[i]) ? -1 : open_tree(w, p, O_PATH);
		if (file < 0)
			continue;
		w->start = path;
		ret = one_file(w, file, p, names.s[i]);
		close(file);
	}
	return ret;
}

static int scan_user(struct walk *w, const char *home, long long uid, const char * const *paths)
{
	int ret = 0;

	w->uid = uid;
	w->left = MAX_OF_USER;
	w->bytes = MAX_BYTES;
	w->full = false;
	for (; *paths && !ret; paths++)
		ret = walk(w, home, *paths);
	w->uid = DMEM_NO_UID;
	w->users = false;
	return ret;
}

static const char * const below_home[] = {
	".config/containers/systemd", ".config/systemd/user", ".config/systemd/user.control",
	".local/share/systemd/user", NULL,
};

/* Searches the homes of users in the tree's passwd file. A directory service may have thousands of
 * others, which are not in the tree. */
static int scan_listed_homes(struct walk *w)
{
	int fd = open_tree(w, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY), ret = 0;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char line[4096], *home;

	if (!f) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while (!ret && fgets(line, sizeof(line), f)) {
		char *field[7] = { 0 }, *p = line;

		line[strcspn(line, "\n")] = 0;
		for (size_t i = 0; i < 7 && p; i++)
			field[i] = strsep(&p, ":");
		if (!field[5] || *field[5] != '/' || !field[5][1])
			continue;
		home = dmem_strdup(&w->u->arena, field[5]);
		ret = home ? scan_user(w, home, atoll(field[2]), below_home) : -ENOMEM;
	}
	fclose(f);
	return ret;
}

/* Searches homes that are not listed: those of an image without a passwd file, and those of a
 * directory service. */
static int scan_homes(struct walk *w)
{
	int ret = scan_listed_homes(w), fd;
	struct dmem_list names;

	if (!ret)
		ret = scan_user(w, "/root", 0, below_home);
	fd = ret ? -1 : open_tree(w, "/home", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return ret;
	ret = list(w, fd, &names);
	for (size_t i = 0; i < names.n && !ret; i++) {
		const char *home = dmem_printf(&w->u->arena, "/home/%s", names.s[i]);

		ret = home ? scan_user(w, home, DMEM_NO_UID, below_home) : -ENOMEM;
	}
	return ret;
}

static int scan_runtime_dirs(struct walk *w)
{
	static const char * const below[] = {
		"containers/systemd", "systemd/user", "systemd/user.control", "systemd/transient",
		"systemd/generator.early", "systemd/generator", "systemd/generator.late", NULL,
	};
	int fd = open_tree(w, "/run/user", O_RDONLY | O_DIRECTORY), ret;
	struct dmem_list names;

	if (fd < 0)
		return 0;
	ret = list(w, fd, &names);
	for (size_t i = 0; i < names.n && !ret; i++) {
		const char *home = dmem_printf(&w->u->arena, "/run/user/%s", names.s[i]);

		if (strspn(names.s[i], "0123456789") != strlen(names.s[i]))
			continue;
		ret = home ? scan_user(w, home, atoll(names.s[i]), below) : -ENOMEM;
	}
	return ret;
}

int dmem_places_scan(struct dmem_units *u, dmem_place_fn fn,
		     void (*unread)(void *data, const char *path, int err), void *data)
{
	/* Quadlets come before the units generated from them. */
	static const char * const trees[] = {
		"/etc/containers/systemd", "/run/containers/systemd", "/usr/share/containers/systemd",
		"/etc/xdg/systemd/user", "/usr/local/share/systemd/user", "/usr/share/systemd/user",
	};
	static const char * const systemd[] = {
		"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd",
		"/lib/systemd",
	};
	struct walk w = { .u = u, .fn = fn, .unread = unread, .data = data, .uid = DMEM_NO_UID };
	int ret = scan_search_path(&w);

	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees) && !ret; i++)
		ret = walk(&w, NULL, trees[i]);
	for (size_t i = 0; i < sizeof(systemd) / sizeof(*systemd) && !ret; i++)
		ret = scan_flat(&w, systemd[i], is_place_of_systemd, is_no_conf);
	if (!ret)
		ret = scan_flat(&w, "/var/lib/machines", is_nothing, is_no_nspawn);
	if (!ret)
		ret = scan_homes(&w);
	return ret ? ret : scan_runtime_dirs(&w);
}
