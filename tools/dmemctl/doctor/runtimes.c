// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finds the running containers in the directories of OCI runtimes, which runc and crun use below
 * every engine. Both write their files after the hooks have run.
 *
 * root's runtimes own the files in /run. Those below /run/user belong to users, and may be anything:
 * no link and no mount is followed, and regular files only are read, up to a limit. A runtime that
 * root runs in a session has its directory there, too: root is the owner of that directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "hook/container.h"
#include "containers.h"

/* More than a machine can run. */
#define MAX_OF_DIR	4096
/* A user must not keep root busy, or hide the findings about others. */
#define MAX_OF_USER	256
#define MAX_NAMES	1024	/* in all directories of a user */
#define MAX_FINDINGS	100
#define MAX_STEPS	16384	/* threads and cgroups, the latter for each region */
#define MAX_BYTES	(16u << 20)

#define REMOVE_OLD	"remove what is left of old containers"

#define BELOW		(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

/* A directory with directories of containers, or with more such directories. */
struct place {
	int dir;
	const char *path;	/* absolute, for messages */
	bool of_user;
	int said;		/* the errno of the last message about a name in it */
};

/* A file of a container that cannot be used. All zero: there is none. */
struct unusable {
	const char *path, *problem;
	bool no_right;		/* of this user */
};

struct search {
	struct doctor *d;
	void (*check)(void *data, const struct doctor_container *c);
	void *data;
	uid_t owner;		/* of the cgroup tree */
	/* Bytes of this user's files that may still be read, findings that may be printed, names that may be
	 * examined, and steps that their checks may take. */
	size_t left, findings, names, steps;
	/* Processes that this user's files have named, and whether a second directory named one. */
	struct named {
		int pid;
		uint64_t started;
	} *named;
	size_t n_named;
	bool named_again;
	size_t files;		/* containers with files, also of those that have ended */
	struct seen {
		dev_t dev;
		ino_t ino;
		const char *path;
	} *seen;		/* directories with containers that were searched */
	size_t n_seen;
};

static const struct {
	const char *path;
	int depth;		/* of the directories with containers below it */
	const char *prefix;	/* of the names in it, or "" */
} places[] = {
	{ "/run/runc", 0, "" },
	{ "/run/crun", 0, "" },
	/* By namespaces of containerd. */
	{ "/run/containerd/runc", 1, "" },
	{ "/run/docker", 2, "runtime-" },
	/* By users. */
	{ "/run/user", 1, "" },
};

/* The same below the directory of a user. */
static const struct {
	const char *path;
	int depth;
	const char *prefix;
} user_places[] = {
	{ "runc", 0, "" },
	{ "crun", 0, "" },
	/* Rootless containerd and Docker. */
	{ "containerd/runc", 1, "" },
	{ "docker", 2, "runtime-" },
};

bool doctor_take_one(size_t *left)
{
	if (left && !*left)
		return false;
	if (left)
		--*left;
	return true;
}

static size_t *findings_of(struct search *s, bool of_user)
{
	return of_user ? &s->findings : NULL;
}

static size_t *steps_of(struct search *s, bool of_user)
{
	return of_user ? &s->steps : NULL;
}

/* True if nothing more of this user is examined. */
static bool is_spent(const struct search *s, bool of_user)
{
	return of_user && (!s->findings || !s->steps);
}

static void unread(struct search *s, bool of_user, const struct unusable *u)
{
	const char *remedy = "see the log of the engine, and start the container again";

	if (!doctor_take_one(findings_of(s, of_user)))
		return;
	doctor_say(s->d, of_user || u->no_right ? NOTE : PROBLEM, u->path, u->no_right ? "run as root" : remedy,
		   "cannot be read, so the limits of its containers are not checked: %s", u->problem);
}

/* Something in @p cannot be opened: one message for all names there with this errno. */
static void unopened(struct search *s, struct place *p, const char *path, int err)
{
	const struct unusable u = { path, strerror(err), err == EACCES };

	/* No directory, or it was removed. */
	if (err == ENOENT || err == ENOTDIR || err == p->said)
		return;
	p->said = err;
	unread(s, p->of_user, &u);
}

static const char *join(struct search *s, const char *dir, const char *name)
{
	const char *path = dmem_printf(s->d->arena, "%s/%s", dir, name);

	if (!path)
		s->d->err = -ENOMEM;
	return path;
}

/* Opens a file or directory below @p. Returns a descriptor or a negative errno. */
static int open_in(const struct place *p, const char *name, int flags)
{
	return dmem_openat2(p->dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | flags,
			    BELOW | (p->of_user ? RESOLVE_NO_XDEV : 0));
}

typedef const char *(*parse_fn)(struct dmem_arena *a, const char *text, size_t len,
				struct hook_runtime *r);

enum taken { TAKEN, ABSENT, NOT_TAKEN };

/* The problem with an open file, or NULL. */
static const char *file_problem(struct search *s, const struct place *p, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "is no regular file";
	if (st.st_size > HOOK_STATE_MAX)
		return "is too long";
	if (p->of_user && (size_t)st.st_size > s->left)
		return "this user's files are too long";
	return NULL;
}

/* A file may grow after its length was asked for. */
static void count_bytes(struct search *s, const struct place *p, size_t n)
{
	if (p->of_user)
		s->left -= n < s->left ? n : s->left;
}

static const char *read_open(struct search *s, const struct place *p, int fd, parse_fn parse,
			     struct hook_runtime *r)
{
	const char *problem = file_problem(s, p, fd);
	struct dmem_text t = { 0 };
	int ret;

	if (problem) {
		close(fd);
		return problem;
	}
	ret = dmem_read_fd(fd, &t);
	count_bytes(s, p, t.len);
	problem = ret ? strerror(-ret) : parse(s->d->arena, t.s, t.len, r);
	dmem_text_free(&t);
	return problem;
}

static enum taken take_file(struct search *s, const struct place *p, const char *name, parse_fn parse,
			    struct hook_runtime *r, struct unusable *u)
{
	int fd = open_in(p, name, 0);

	if (fd == -ENOENT)
		return ABSENT;
	u->no_right = fd == -EACCES;
	u->problem = fd < 0 ? strerror(-fd) : read_open(s, p, fd, parse, r);
	if (!u->problem)
		return TAKEN;
	u->path = join(s, p->path, name);
	return NOT_TAKEN;
}

/* A container may be made or removed meanwhile. */
static bool take_files(struct search *s, const struct place *p, struct hook_runtime *r, struct unusable *u)
{
	enum taken t = take_file(s, p, "state.json", hook_runtime_runc, r, u);

	if (t != ABSENT)
		return t == TAKEN;
	if (take_file(s, p, "status", hook_runtime_crun_status, r, u) != TAKEN)
		return false;
	t = take_file(s, p, "config.json", hook_runtime_crun_config, r, u);
	if (t == ABSENT && !faccessat(p->dir, "status", F_OK, AT_SYMLINK_NOFOLLOW))
		*u = (struct unusable){ join(s, p->path, "config.json"), strerror(ENOENT), false };
	return t == TAKEN;
}

/* With the pid from an unusable file, of a container that may have ended. Without one, it counts as
 * one that lives: its user can have caused that. */
static bool may_live(struct search *s, const struct hook_runtime *r, size_t *steps, const char **cgroup)
{
	struct dmem_arena scratch = { 0 };
	const char *found = NULL;
	bool lives = !r->state.pid || doctor_process_lives(s->d, &scratch, r, steps, &found);

	*cgroup = found ? dmem_strdup(s->d->arena, found) : NULL;
	if (found && !*cgroup)
		s->d->err = -ENOMEM;
	dmem_arena_free(&scratch);
	return lives;
}

/* Engines show 12 of the 64 digits of an id, and accept these. The id of a user's container can be that
 * of another one. */
static const char *name_of(struct doctor *d, const struct doctor_container *c, const char *id)
{
	bool long_id = strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64;

	if (c->of_user)
		return c->dir;
	return dmem_printf(d->arena, "container %.*s", long_id ? 12 : 255, id);
}

/* The container's cgroup, of which its processes may use others below. */
static const char *own_cgroup(const struct hook_runtime *r, const char *cgroup)
{
	return r->cgroup && hook_cgroup_holds(r->cgroup, cgroup) ? r->cgroup : cgroup;
}

/* A process that lives is never passed over: its user could hide it. */
static void examine(struct search *s, struct doctor_container *c)
{
	s->d->containers++;
	if (c->cgroup) {
		c->own = own_cgroup(&c->files, c->cgroup);
		s->check(s->data, c);
	} else if (doctor_take_one(c->left)) {
		doctor_say(s->d, c->of_user ? NOTE : PROBLEM, c->name, DOCTOR_OUTSIDE,
			   "the cgroup of its process %d cannot be determined, so its limits are not checked",
			   c->files.state.pid);
	}
}

/* Remembers the process of a user's container. True if another directory of the user has named it. */
static bool is_named_again(struct search *s, const struct hook_runtime *r)
{
	struct named *all;

	for (size_t i = 0; i < s->n_named; i++) {
		if (s->named[i].pid == r->state.pid && s->named[i].started == r->started)
			return true;
	}
	all = dmem_grow(s->d->arena, s->named, s->n_named, sizeof(*all));
	if (!all) {
		s->d->err = -ENOMEM;
		return true;
	}
	s->named = all;
	all[s->n_named++] = (struct named){ r->state.pid, r->started };
	return false;
}

/* A process belongs to one container. A user could make root examine the same one 1000 times. */
static bool is_again(struct search *s, const struct doctor_container *c)
{
	if (!c->of_user || !c->files.state.pid || !is_named_again(s, &c->files))
		return false;
	if (!s->d->err && !s->named_again && doctor_take_one(c->left))
		doctor_say(s->d, NOTE, c->dir, REMOVE_OLD,
			   "another directory names the same process %d, so this one is not checked",
			   c->files.state.pid);
	s->named_again = true;
	return true;
}

static void one_container(struct search *s, struct place *p, const char *id)
{
	struct doctor_container c = {
		.of_user = p->of_user, .left = findings_of(s, p->of_user), .steps = steps_of(s, p->of_user),
	};
	struct place files = { .of_user = p->of_user };
	struct unusable u = { 0 };
	bool taken;

	files.path = c.dir = join(s, p->path, id);
	c.name = name_of(s->d, &c, id);
	if (!c.dir || !c.name) {
		s->d->err = -ENOMEM;
		return;
	}
	files.dir = open_in(p, id, O_DIRECTORY);
	if (files.dir < 0) {
		unopened(s, p, c.dir, -files.dir);
		return;
	}
	taken = take_files(s, &files, &c.files, &u);
	close(files.dir);
	s->files += taken || u.path;
	if ((!taken && !u.path) || is_again(s, &c) || !may_live(s, &c.files, c.steps, &c.cgroup) || s->d->err)
		return;
	if (taken)
		examine(s, &c);
	else
		unread(s, p->of_user, &u);
}

static void search_in(struct search *s, struct place p, int depth, const char *prefix);

static void search_below(struct search *s, struct place *p, const char *name, int depth)
{
	struct place below = { .of_user = p->of_user, .path = join(s, p->path, name) };

	below.dir = below.path ? open_in(p, name, O_DIRECTORY) : -ENOMEM;
	if (below.dir >= 0)
		search_in(s, below, depth, "");
	else if (below.path)
		unopened(s, p, below.path, -below.dir);
}

/* True if the line of mountinfo is that of the mount with this number, which has memory for files. */
static bool is_tmpfs_line(const char *line, unsigned long mount)
{
	const char *type = strstr(line, " - ");

	return strtoul(line, NULL, 10) == mount && type && !strncmp(type, " - tmpfs ", 9);
}

/* A user can mount a file system over it that never answers: it must be systemd's own mount. Asks the
 * kernel, and not the file system. */
static bool is_on_tmpfs(int dir)
{
	struct dmem_text info = { 0 }, mounts = { 0 };
	const char *id;
	char name[40], *line, *save;
	bool found = false;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", dir);
	id = dmem_read_at(AT_FDCWD, name, &info) ? NULL : strstr(info.s, "mnt_id:");
	if (id && !dmem_read_at(AT_FDCWD, "/proc/self/mountinfo", &mounts)) {
		unsigned long mount = strtoul(id + strlen("mnt_id:"), NULL, 10);

		for (line = strtok_r(mounts.s, "\n", &save); line && !found; line = strtok_r(NULL, "\n", &save))
			found = is_tmpfs_line(line, mount);
	}
	dmem_text_free(&info);
	dmem_text_free(&mounts);
	return found;
}

/* Opens the directory of a user, which is a mount of its own, or one in the copy of another tree.
 * O_PATH does not open it yet. */
static int open_user(const struct place *p, const char *user)
{
	int dir = dmem_openat2(p->dir, user, O_PATH | O_DIRECTORY, BELOW | RESOLVE_NO_XDEV);

	if (dir != -EXDEV)
		return dir;
	dir = dmem_openat2(p->dir, user, O_PATH | O_DIRECTORY, BELOW);
	if (dir < 0 || is_on_tmpfs(dir))
		return dir;
	close(dir);
	return -EXDEV;
}

/* A user cannot make such a directory, or change what is in it. Whoever can write to the directory above
 * can rename it. */
static bool is_of_root(const struct search *s, int dir)
{
	struct stat st;

	return !fstat(dir, &st) && st.st_uid == s->owner && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* Below a user's directory, root's containers are found until the user hides them. */
static void say_hidable(struct search *s, const struct place *p, const struct place *of)
{
	if (!doctor_keeps_names(of->dir, s->owner))
		doctor_say(s->d, NOTE, p->path, "start them in a login session of root, or from a service",
			   "the containers are root's, but %s is not: its owner can rename this directory, and so "
			   "hide them", of->path);
}

static void search_runtime(struct search *s, struct place *of, size_t i)
{
	size_t files = s->files;
	struct place p = { .path = join(s, of->path, user_places[i].path), .of_user = true };

	p.dir = p.path ? open_in(of, user_places[i].path, O_DIRECTORY) : -ENOMEM;
	if (p.dir < 0) {
		if (p.path)
			unopened(s, of, p.path, -p.dir);
		return;
	}
	p.of_user = !is_of_root(s, p.dir);
	search_in(s, p, user_places[i].depth, user_places[i].prefix);
	if (!p.of_user && s->files != files)
		say_hidable(s, &p, of);
}

static void new_user(struct search *s)
{
	s->left = MAX_BYTES;
	s->findings = MAX_FINDINGS;
	s->names = MAX_NAMES;
	s->steps = MAX_STEPS;
	s->named = NULL;
	s->n_named = 0;
	s->named_again = false;
}

/* The limits that a user's files have reached. */
static void say_spent(struct search *s, const struct place *of)
{
	if (!of->of_user)
		return;
	if (!s->findings)
		doctor_say(s->d, NOTE, of->path, "see to these first",
			   "only the first %d findings about the containers of this user are shown", MAX_FINDINGS);
	if (!s->names)
		doctor_say(s->d, NOTE, of->path, REMOVE_OLD, "has %d names or more: not all of them are checked",
			   MAX_NAMES);
	if (!s->steps)
		doctor_say(s->d, NOTE, of->path, "use fewer levels of cgroups, or fewer containers",
			   "the containers of this user have too many threads, or cgroups above them: not all of them are "
			   "checked");
}

static void search_user(struct search *s, struct place *p, const char *user)
{
	struct place of = { .path = join(s, p->path, user), .of_user = true };

	new_user(s);
	of.dir = of.path ? open_user(p, user) : -ENOMEM;
	if (of.dir < 0) {
		if (of.path)
			unopened(s, &of, of.path, -of.dir);
		return;
	}
	for (size_t i = 0; i < sizeof(user_places) / sizeof(*user_places); i++)
		search_runtime(s, &of, i);
	close(of.dir);
	say_spent(s, &of);
}

static void one_name(struct search *s, struct place *p, const char *name, int depth)
{
	if (!depth)
		one_container(s, p, name);
	else if (!strcmp(p->path, "/run/user"))
		search_user(s, p, name);
	else
		search_below(s, p, name, depth - 1);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char * const *)a, *(const char * const *)b);
}

/* Returns the names in the directory that start with @prefix. */
static const char **list(struct search *s, DIR *dir, const char *prefix, size_t most, size_t *n)
{
	const char **names = NULL;
	struct dirent *de;

	*n = 0;
	while (!s->d->err && *n < most && (de = readdir(dir))) {
		const char **more;

		/* A container's name may begin with a dot. */
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..") ||
		    strncmp(de->d_name, prefix, strlen(prefix)))
			continue;
		more = dmem_grow(s->d->arena, names, *n, sizeof(*more));
		if (more) {
			names = more;
			more[*n] = dmem_strdup(s->d->arena, de->d_name);
		}
		if (!more || !more[*n])
			s->d->err = -ENOMEM;
		else
			++*n;
	}
	if (*n)
		qsort(names, *n, sizeof(*names), by_name);
	return names;
}

/* The path under which the directory was searched, or NULL. */
static const char *searched_as(const struct search *s, int dir)
{
	struct stat st;

	if (fstat(dir, &st))
		return NULL;
	for (size_t i = 0; i < s->n_seen; i++) {
		if (s->seen[i].dev == st.st_dev && s->seen[i].ino == st.st_ino)
			return s->seen[i].path;
	}
	return NULL;
}

/* True if the directory was searched under any path. Otherwise remembers it. */
static bool was_searched(struct search *s, const struct place *p)
{
	struct seen *all;
	struct stat st;

	if (fstat(p->dir, &st))
		return false;
	if (searched_as(s, p->dir))
		return true;
	all = dmem_grow(s->d->arena, s->seen, s->n_seen, sizeof(*all));
	if (!all) {
		s->d->err = -ENOMEM;
		return true;
	}
	s->seen = all;
	all[s->n_seen++] = (struct seen){ st.st_dev, st.st_ino, p->path };
	return false;
}

/* Closes the directory. */
static void search_in(struct search *s, struct place p, int depth, const char *prefix)
{
	size_t most = p.of_user ? MAX_OF_USER : MAX_OF_DIR, limit = p.of_user && s->names < most ? s->names : most;
	DIR *dir = was_searched(s, &p) ? NULL : fdopendir(p.dir);
	const char **names;
	size_t n;

	if (!dir) {
		close(p.dir);
		return;
	}
	names = list(s, dir, prefix, limit, &n);
	if (p.of_user)
		s->names -= n;
	for (size_t i = 0; i < n && !s->d->err && !is_spent(s, p.of_user); i++)
		one_name(s, &p, names[i], depth);
	if (n == most)
		doctor_say(s->d, p.of_user ? NOTE : PROBLEM, p.path, REMOVE_OLD,
			   "has %zu names or more: not all of them are checked", most);
	closedir(dir);
}

/* A directory that root has named, which may belong to a user. One of another level would look like one
 * without containers. */
static void search_named(struct search *s, const char *path)
{
	struct place p = { .path = path };
	size_t files = s->files;
	const char *before;

	p.dir = doctor_open_trusted(s->d->arena, path, s->owner, &p.of_user);
	if (p.dir < 0) {
		doctor_say(s->d, p.of_user ? NOTE : PROBLEM, path, "name the directory that the runtime has as --root",
			   "cannot be read, so the limits of its containers are not checked: %s", strerror(-p.dir));
		return;
	}
	before = searched_as(s, p.dir);
	if (before) {
		close(p.dir);
		doctor_say(s->d, NOTE, path, "name another directory, or leave out the option",
			   "is %s, which was searched already", before);
		return;
	}
	p.of_user = p.of_user || !is_of_root(s, p.dir);
	new_user(s);
	search_in(s, p, 0, "");
	say_spent(s, &p);
	if (s->files == files)
		doctor_say(s->d, NOTE, path, "name the directory with one directory for each container",
			   "has no files of runc or crun");
}

void doctor_each_container(struct doctor *d, uid_t owner,
			   void (*check)(void *data, const struct doctor_container *c), void *data)
{
	struct search s = { .d = d, .owner = owner, .check = check, .data = data };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !d->err; i++) {
		struct place p = { .path = places[i].path };

		p.dir = dmem_sys_openat(&d->sys, p.path + 1, O_RDONLY | O_DIRECTORY);
		if (p.dir >= 0)
			search_in(&s, p, places[i].depth, places[i].prefix);
		else
			unopened(&s, &p, p.path, -p.dir);
	}
	for (size_t i = 0; i < d->n_roots && !d->err; i++)
		search_named(&s, d->root[i]);
}
