// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds and holds the cgroup of a container's first process. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "dmem/look.h"
#include "container.h"

#define BELOW	(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)

static const char has_ended[] = "the container's process has ended";

/* "/.." is outside of this program's cgroup namespace; "/..a" is a name. */
static bool is_outside(const char *path)
{
	return !strncmp(path, "..", 2) && (!path[2] || path[2] == '/');
}

char *hook_cgroup_path(struct dmem_arena *a, const char *text)
{
	const char *line = strncmp(text, "0::/", 4) ? strstr(text, "\n0::/") : text;
	char *path = NULL;

	if (line) {
		line += *line == '\n' ? 5 : 4;
		path = dmem_strndup(a, line, strcspn(line, "\n"));
	}
	return path && is_outside(path) ? NULL : path;
}

uint64_t hook_start_time(const char *stat)
{
	/* The name of the program, in parentheses, may have any character. */
	const char *p = strrchr(stat, ')');

	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p, NULL, 10) : DMEM_UNKNOWN;
}

bool hook_has_ended(const char *stat)
{
	const char *name_end = strrchr(stat, ')');

	return !name_end || strchr("ZX", name_end[1] ? name_end[2] : 0);
}

static char *v2_path(struct dmem_arena *a, int dir)
{
	struct dmem_text t = { 0 };
	char *path = dmem_read_at(dir, "cgroup", &t) ? NULL : hook_cgroup_path(a, t.s);

	dmem_text_free(&t);
	return path;
}

static uint64_t started(int dir)
{
	struct dmem_text t = { 0 };
	uint64_t time = dmem_read_at(dir, "stat", &t) ? DMEM_UNKNOWN : hook_start_time(t.s);

	dmem_text_free(&t);
	return time;
}

/* True if the file of the cgroup lists the process. */
static bool lists(int dir, int pid)
{
	struct dmem_text t = { 0 };
	bool found = false;
	char *p, *save;

	if (!dmem_read_at(dir, "cgroup.procs", &t)) {
		for (p = strtok_r(t.s, "\n", &save); p && !found; p = strtok_r(NULL, "\n", &save))
			found = atoi(p) == pid;
	}
	dmem_text_free(&t);
	return found;
}

bool hook_cgroup_holds(const char *path, const char *below)
{
	size_t len = strlen(path);

	return !len || (!strncmp(path, below, len) && (!below[len] || below[len] == '/'));
}

static bool ended(const struct hook_container *c)
{
	struct pollfd p = { .fd = c->process, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

static const char *open_process(const char *proc, struct hook_container *c, int *self)
{
	char name[16];
	int top = open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);

	*self = -1;
	if (top < 0)
		return "/proc is not mounted";
	snprintf(name, sizeof(name), "%d", c->pid);
	/* The pidfd comes first: as long as its process lives, no other one has the pid. */
	c->process = dmem_pidfd_open(c->pid);
	c->proc = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*self = openat(top, "self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(top);
	if (c->process < 0 || c->proc < 0)
		return has_ended;
	return *self < 0 ? "/proc is not mounted" : NULL;
}

static const char *find_cgroup(struct dmem_arena *a, int root, int self, struct hook_container *c)
{
	const char *own = v2_path(a, self);

	c->path = v2_path(a, c->proc);
	if (ended(c))
		return has_ended;
	/* The runtime starts the container first, and then this program. */
	if (started(c->proc) > started(self))
		return "another process has got the container's pid";
	if (!c->path)
		return "the container is in no cgroup of this tree: the hook needs cgroup v2";
	if (!own)
		return "this program is in no cgroup of this tree";
	/* A limit there would be one of the engine, and of other containers. */
	if (hook_cgroup_holds(c->path, own))
		return "the container has no cgroup of its own: do not start it with --cgroups=disabled";
	c->dir = dmem_openat2(root, c->path, O_RDONLY | O_DIRECTORY, BELOW);
	if (c->dir < 0)
		return "the container's cgroup is not in the mounted tree";
	return lists(c->dir, c->pid) ? NULL : "the container's process is not in the cgroup of that path";
}

static bool others_write(const struct stat *st, uid_t uid, gid_t gid)
{
	if (st->st_uid && st->st_uid != uid)
		return true;
	return st->st_mode & S_IWOTH || (st->st_mode & S_IWGRP && st->st_gid && st->st_gid != gid);
}

bool hook_cgroup_foreign(int root, const char *path, uid_t uid, gid_t gid)
{
	/* To turn the controller off, and to move a process from one cgroup below to another one. */
	static const char * const files[] = { "cgroup.subtree_control", "cgroup.procs" };
	int dir = dmem_openat2(root, path, O_PATH | O_DIRECTORY, BELOW);
	struct stat st;
	bool foreign = dir < 0 || fstat(dir, &st) || others_write(&st, uid, gid);

	for (size_t i = 0; i < sizeof(files) / sizeof(*files) && !foreign; i++)
		foreign = !fstatat(dir, files[i], &st, AT_SYMLINK_NOFOLLOW) && others_write(&st, uid, gid);
	if (dir >= 0)
		close(dir);
	return foreign;
}

const char *hook_container_foreign(struct dmem_arena *a, int root, const struct hook_container *c, uid_t uid,
				   gid_t gid)
{
	for (const char *slash = strchr(c->path, '/'); slash; slash = strchr(slash + 1, '/')) {
		char *path = dmem_strndup(a, c->path, (size_t)(slash - c->path));

		if (!path || hook_cgroup_foreign(root, path, uid, gid))
			return path ? path : c->path;
	}
	return NULL;
}

const char *hook_container_open(struct dmem_arena *a, int root, const char *proc, int pid,
				struct hook_container *c)
{
	const char *problem;
	int self;

	*c = HOOK_NO_CONTAINER;
	c->pid = pid;
	problem = open_process(proc, c, &self);
	if (!problem)
		problem = find_cgroup(a, root, self, c);
	if (self >= 0)
		close(self);
	return problem;
}

const char *hook_container_check(const struct hook_container *c)
{
	struct dmem_arena a = { 0 };
	char *now = v2_path(&a, c->proc);
	const char *problem = NULL;

	if (ended(c))
		problem = has_ended;
	else if (!now || strcmp(now, c->path) || !lists(c->dir, c->pid))
		problem = "the container's process was moved to another cgroup meanwhile";
	dmem_arena_free(&a);
	return problem;
}

void hook_container_close(struct hook_container *c)
{
	const int fd[] = { c->process, c->proc, c->dir };

	for (size_t i = 0; i < sizeof(fd) / sizeof(*fd); i++) {
		if (fd[i] >= 0)
			close(fd[i]);
	}
	*c = HOOK_NO_CONTAINER;
}
