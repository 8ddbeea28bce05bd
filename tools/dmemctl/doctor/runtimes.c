// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finds the running containers in the directories of OCI runtimes, which runc and crun use below
 * every engine. Both write their files after the hooks have run.
 *
 * root's runtimes own the files in /run. Those below /run/user belong to users, and may be anything:
 * no link and no mount is followed, and regular files only are read, up to a limit.
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
/* A user must not keep root busy. */
#define MAX_OF_USER	256
#define MAX_BYTES	(16u << 20)

#define BELOW		(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

/* A directory with directories of containers, or with more such directories. */
struct place {
	int dir;
	const char *path;	/* absolute, for messages */
	bool of_user;
};

struct search {
	struct doctor *d;
	void (*check)(void *data, const struct doctor_container *c);
	void *data;
	size_t left;		/* bytes of this user's files that may still be read */
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

static const char * const runtimes[] = { "runc", "crun" };

static void unread(struct search *s, const char *path, const char *problem)
{
	doctor_say(s->d, NOTE, path, "run as root, and see the log of the engine",
		   "cannot be read, so the limits of its containers are not checked: %s", problem);
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
	if (!p->of_user)
		return NULL;
	if ((size_t)st.st_size > s->left)
		return "this user's files are too long";
	s->left -= (size_t)st.st_size;
	return NULL;
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
	problem = ret ? strerror(-ret) : parse(s->d->arena, t.s, t.len, r);
	dmem_text_free(&t);
	return problem;
}

static enum taken take_file(struct search *s, const struct place *p, const char *name, parse_fn parse,
			    struct hook_runtime *r)
{
	int fd = open_in(p, name, 0);
	const char *problem, *path;

	if (fd == -ENOENT)
		return ABSENT;
	problem = fd < 0 ? strerror(-fd) : read_open(s, p, fd, parse, r);
	if (!problem)
		return TAKEN;
	path = join(s, p->path, name);
	if (path)
		unread(s, path, problem);
	return NOT_TAKEN;
}

/* A container may be made or removed meanwhile. */
static bool take_files(struct search *s, const struct place *p, struct hook_runtime *r)
{
	enum taken t = take_file(s, p, "state.json", hook_runtime_runc, r);
	const char *path;

	if (t != ABSENT)
		return t == TAKEN;
	if (take_file(s, p, "status", hook_runtime_crun_status, r) != TAKEN)
		return false;
	t = take_file(s, p, "config.json", hook_runtime_crun_config, r);
	if (t == ABSENT && !faccessat(p->dir, "status", F_OK, AT_SYMLINK_NOFOLLOW)) {
		path = join(s, p->path, "config.json");
		if (path)
			unread(s, path, strerror(ENOENT));
	}
	return t == TAKEN;
}

static char *read_process(struct doctor *d, int pid, const char *file)
{
	const char *path = dmem_printf(d->arena, "proc/%d/%s", pid, file);
	struct dmem_text t = { 0 };
	char *text = NULL;

	if (path && !dmem_sys_read(&d->sys, path, &t))
		text = dmem_strdup(d->arena, t.s);
	dmem_text_free(&t);
	return text;
}

/* The cgroup of a container's process; NULL: it has ended, or another process has its pid. */
static const char *find_cgroup(struct doctor *d, const struct hook_runtime *r)
{
	const char *stat = read_process(d, r->state.pid, "stat"), *name_end, *cgroup;

	name_end = stat ? strrchr(stat, ')') : NULL;
	if (!name_end || (r->started && hook_start_time(stat) != r->started))
		return NULL;
	/* A process that has ended, but whose parent has not asked for its status. */
	if (strchr("ZX", name_end[1] ? name_end[2] : 0))
		return NULL;
	cgroup = read_process(d, r->state.pid, "cgroup");
	return cgroup ? hook_cgroup_path(d->arena, cgroup) : NULL;
}

bool doctor_container_runs(struct doctor *d, const struct doctor_container *c)
{
	const char *now = find_cgroup(d, &c->files);

	return now && !strcmp(now, c->cgroup);
}

/* Engines show 12 of the 64 digits of an id, and accept these. */
static const char *name_of(struct doctor *d, const char *id)
{
	bool long_id = strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64;

	return dmem_printf(d->arena, "container %.*s", long_id ? 12 : 255, id);
}

static void one_container(struct search *s, const struct place *p, const char *id)
{
	struct doctor_container c = { .of_user = p->of_user };
	struct place files = { .of_user = p->of_user };
	bool taken;

	files.dir = open_in(p, id, O_DIRECTORY);
	if (files.dir < 0)
		return;
	c.dir = files.path = join(s, p->path, id);
	c.name = name_of(s->d, id);
	if (!c.dir || !c.name) {
		s->d->err = -ENOMEM;
		close(files.dir);
		return;
	}
	taken = take_files(s, &files, &c.files);
	close(files.dir);
	c.cgroup = taken ? find_cgroup(s->d, &c.files) : NULL;
	if (!c.cgroup)
		return;
	s->d->containers++;
	s->check(s->data, &c);
}

static void search_in(struct search *s, struct place p, int depth, const char *prefix);

static void search_below(struct search *s, const struct place *p, const char *name, int depth)
{
	struct place below = { .of_user = p->of_user, .path = join(s, p->path, name) };

	below.dir = below.path ? open_in(p, name, O_DIRECTORY) : -ENOMEM;
	if (below.dir >= 0)
		search_in(s, below, depth, "");
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

static void search_user(struct search *s, const struct place *p, const char *user)
{
	struct place of = { .path = join(s, p->path, user), .of_user = true };

	of.dir = of.path ? open_user(p, user) : -ENOMEM;
	if (of.dir < 0)
		return;
	s->left = MAX_BYTES;
	for (size_t i = 0; i < sizeof(runtimes) / sizeof(*runtimes); i++)
		search_below(s, &of, runtimes[i], 0);
	close(of.dir);
}

static void one_name(struct search *s, const struct place *p, const char *name, int depth)
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

		if (*de->d_name == '.' || strncmp(de->d_name, prefix, strlen(prefix)))
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

/* Closes the directory. */
static void search_in(struct search *s, struct place p, int depth, const char *prefix)
{
	size_t most = p.of_user ? MAX_OF_USER : MAX_OF_DIR;
	DIR *dir = fdopendir(p.dir);
	const char **names;
	size_t n;

	if (!dir) {
		close(p.dir);
		return;
	}
	names = list(s, dir, prefix, most, &n);
	for (size_t i = 0; i < n && !s->d->err; i++)
		one_name(s, &p, names[i], depth);
	if (n == most)
		doctor_say(s->d, NOTE, p.path, "remove what is left of old containers",
			   "has %zu names or more: not all of them are checked", most);
	closedir(dir);
}

void doctor_each_container(struct doctor *d,
			   void (*check)(void *data, const struct doctor_container *c), void *data)
{
	struct search s = { .d = d, .check = check, .data = data };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !d->err; i++) {
		struct place p = { .path = places[i].path };

		p.dir = dmem_sys_openat(&d->sys, p.path + 1, O_RDONLY | O_DIRECTORY);
		if (p.dir >= 0)
			search_in(&s, p, places[i].depth, places[i].prefix);
		else if (p.dir != -ENOENT)
			unread(&s, p.path, strerror(-p.dir));
	}
}
