// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets limits in the cgroup tree. Each file is opened below one directory, without following links
 * or crossing mounts. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "look.h"

#define PATH_LEN	4096

static const char * const texts[DMEM_STATUSES] = {
	[DMEM_OK] = "done",
	[DMEM_USAGE] = "wrong command line",
	[DMEM_NO_CGROUP2] = "no cgroup v2 tree: boot with systemd.unified_cgroup_hierarchy=1",
	[DMEM_NO_OWN_CGROUP] = "this process is not in the cgroup of a unit: start it by systemd",
	[DMEM_NO_CONTROLLER] = "the kernel has no dmem controller: build it with "
		"CONFIG_CGROUP_DMEM, which Linux has since 6.14, and do not boot with cgroup_disable=dmem",
	[DMEM_CANNOT_ENABLE] = "the dmem controller cannot be enabled above this cgroup: move the "
		"processes out of the cgroups there",
	[DMEM_NO_REGION] = "no such region: see dmem.capacity in /sys/fs/cgroup, and load the "
		"driver of the region",
	[DMEM_NO_HEAP_REGION] = "the heap has no region and cannot be limited: see ls "
		"/sys/class/dma_heap, and the boot log",
	[DMEM_READ_ONLY] = "the cgroup tree is read-only: set the limit outside of this container",
	[DMEM_PERMISSION] = "no permission to write: run as root, or as the user that the cgroup "
		"is delegated to",
	[DMEM_BELOW_USAGE] = "more than the limit is in use: end the processes that hold the "
		"memory, see dmem.current, and set the limit again: kernels before 7.3 keep the "
		"former one",
	[DMEM_NO_EFFECT] = "written, but not applied: kernel older than 7.3",
	[DMEM_DELEGATED] = "the cgroup is below a delegated unit: its manager must enable the "
		"controller",
	[DMEM_MISTAKE] = "the section has a mistake: correct it, then run systemctl daemon-reload",
	[DMEM_WRITE_FAILED] = "the limit cannot be written",
	[DMEM_BAD_VALUE] = "invalid size: write bytes, a number with K, M, G or T (1K, 1KB and "
		"1KiB are 1024 bytes), a percentage of the region, or max",
	[DMEM_BAD_NAME] = "not the name of a cgroup or region",
	[DMEM_NO_CGROUP] = "no such cgroup: see systemd-cgls",
	[DMEM_NO_MEMORY] = "out of memory",
	[DMEM_FOREIGN_MOUNT] = "a mount of the unit hides the kernel's files: remove it, or limit the unit's slice",
	[DMEM_NO_CAPACITY] = "no dmem.capacity, as in a container: write the size in bytes instead "
		"of a percentage",
	[DMEM_NOT_ENABLED] = "the dmem controller is not enabled in any cgroup: run systemctl "
		"enable --now dmem-controller.service, or write +dmem to "
		"/sys/fs/cgroup/cgroup.subtree_control",
	[DMEM_NO_REGIONS] = "the dmem controller has no region: no driver has registered memory, "
		"or the kernel has no regions for CMA areas and heaps: see dmemctl doctor",
};

const char *dmem_status_text(enum dmem_status s)
{
	return (unsigned int)s < DMEM_STATUSES && texts[s] ? texts[s] : "unknown failure";
}

const char *dmem_region_status_text(int root, const char *region, enum dmem_status s)
{
	if ((s == DMEM_NO_REGION || s == DMEM_NO_HEAP_REGION) && dmem_region_never(root, region))
		return s == DMEM_NO_REGION ? "no such region: " DMEM_PLAIN_KERNEL ": " DMEM_PLAIN_REMEDY :
		       "the heap has no region and cannot be limited: " DMEM_PLAIN_KERNEL ": " DMEM_PLAIN_REMEDY;
	return dmem_status_text(s);
}

static int open_below(int root, const char *path, int flags)
{
	/* With O_PATH, openat2() rejects flags without a meaning. O_NONBLOCK: in another tree, a
	 * FIFO may have the name of a file, and must not block. */
	int more = flags & O_PATH ? 0 : O_NOCTTY | O_NONBLOCK;

	return dmem_openat2(root, path, flags | more, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			    RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

/* True for a path below the root, without slashes at its ends and without "..". */
static bool path_ok(const char *path)
{
	if (!*path)
		return true;
	while (path) {
		size_t len = strcspn(path, "/");

		if (!len || len > 255 || (len == 1 && *path == '.') ||
		    (len == 2 && !strncmp(path, "..", 2)))
			return false;
		path = path[len] ? path + len + 1 : NULL;
	}
	return true;
}

/* The only place that makes a status of a negative errno. */
static enum dmem_status status_of(int ret, enum dmem_status otherwise)
{
	switch (ret) {
	case -EROFS:
		return DMEM_READ_ONLY;
	case -EACCES:
	case -EPERM:
		return DMEM_PERMISSION;
	case -ELOOP:
		return DMEM_BAD_NAME;
	case -EXDEV:
		return DMEM_FOREIGN_MOUNT;
	case -ENOMEM:
		return DMEM_NO_MEMORY;
	default:
		return otherwise;
	}
}

enum dmem_status dmem_cgroup_check(int fd, bool any)
{
	struct statfs fs;

	return any || (!fstatfs(fd, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC) ? DMEM_OK :
										DMEM_NO_CGROUP2;
}

enum dmem_status dmem_cgroup_open(const char *root, bool any, int *fd)
{
	*fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return DMEM_NO_CGROUP2;
	if (dmem_cgroup_check(*fd, any) == DMEM_OK)
		return DMEM_OK;
	close(*fd);
	*fd = -1;
	return DMEM_NO_CGROUP2;
}

static int open_file(int root, const char *path, const char *file, int flags)
{
	char full[PATH_LEN];

	snprintf(full, sizeof(full), "%s%s%s", path, *path ? "/" : "", file);
	return open_below(root, full, flags);
}

/* @st: of the file that was read, or NULL. */
static int read_with_owner(int root, const char *path, const char *file, struct dmem_text *t, struct stat *st)
{
	int fd = open_file(root, path, file, O_RDONLY);

	if (fd >= 0 && st && fstat(fd, st)) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return dmem_read_fd(fd, t);
}

static int read_file(int root, const char *path, const char *file, struct dmem_text *t)
{
	return read_with_owner(root, path, file, t, NULL);
}

static int write_file(int root, const char *path, const char *file, const char *text)
{
	int fd = open_file(root, path, file, O_WRONLY), ret = 0;

	if (fd < 0)
		return fd;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* 1 if @word is in the file, 0 if not, or a negative errno. */
static int file_has(int root, const char *path, const char *file, const char *word)
{
	struct dmem_text t = { 0 };
	int ret = read_file(root, path, file, &t);
	char *save, *w;

	if (!ret) {
		for (w = strtok_r(t.s, " \n", &save); w && strcmp(w, word);)
			w = strtok_r(NULL, " \n", &save);
		ret = !!w;
	}
	dmem_text_free(&t);
	return ret;
}

static enum dmem_status enable_in(int root, const char *path, bool delegated, bool again)
{
	int has = file_has(root, path, "cgroup.subtree_control", "dmem"), ret;

	if (has == 1 && (!again || delegated))
		return DMEM_OK;
	if (has < 0)
		return status_of(has, DMEM_NO_CGROUP);
	if (delegated)
		return DMEM_DELEGATED;
	has = file_has(root, path, "cgroup.controllers", "dmem");
	if (has != 1)
		return DMEM_NO_CONTROLLER;
	ret = write_file(root, path, "cgroup.subtree_control", "+dmem\n");
	if (ret)
		return status_of(ret, DMEM_CANNOT_ENABLE);
	if (file_has(root, path, "cgroup.subtree_control", "dmem") != 1)
		return DMEM_CANNOT_ENABLE;
	return DMEM_OK;
}

static bool ends_in(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && !strncmp(s + len - n, end, n);
}

/* @base is the start of @path, or "". @manager: this program acts for the manager of delegated
 * units. */
static enum dmem_status enable_above(int root, const char *base, const char *path, bool manager,
				     bool again)
{
	const char *rest = path + strlen(base) + (*base ? 1 : 0);
	char above[PATH_LEN];
	enum dmem_status s;
	bool delegated = false;

	s = enable_in(root, base, false, again);
	for (const char *p = strchr(rest, '/'); p && s == DMEM_OK; p = strchr(p + 1, '/')) {
		size_t len = (size_t)(p - path);

		/* A service or scope with cgroups below it manages these itself. */
		delegated = !manager && (delegated || ends_in(path, len, ".service") ||
					 ends_in(path, len, ".scope"));
		memcpy(above, path, len);
		above[len] = 0;
		s = enable_in(root, above, delegated, again);
	}
	return s;
}

static bool is_there(int root, const char *path)
{
	int fd = open_below(root, path, O_PATH);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* True for a region that the series adds. */
static bool is_added(const char *region)
{
	static const char * const prefix[] = { "cma/", "heap/", "dma/", "tee/" };

	for (size_t i = 0; i < sizeof(prefix) / sizeof(*prefix); i++) {
		if (!strncmp(region, prefix[i], strlen(prefix[i])))
			return true;
	}
	return false;
}

bool dmem_region_never(int root, const char *region)
{
	char *text, *name, *rest;
	struct dmem_text t = { 0 };
	bool any = false;
	int ret;

	/* The series adds this file, too: a machine may lack each of the regions. */
	if ((!is_added(region) && !dmem_region_heap(region)) || is_there(root, "dmem.stat"))
		return false;
	/* In a cgroup namespace there is no dmem.capacity. */
	ret = read_file(root, "", "dmem.capacity", &t);
	if (ret == -ENOENT)
		ret = read_file(root, "", "dmem.current", &t);
	text = t.s;
	while (!ret && !any && dmem_next_line(&text, &name, &rest))
		any = is_added(name);
	dmem_text_free(&t);
	return !ret && !any;
}

static bool has_files(int root, const char *path)
{
	char full[PATH_LEN];

	for (int kind = 0; kind < DMEM_KINDS; kind++) {
		snprintf(full, sizeof(full), "%s/dmem.%s", path, dmem_kind_names[kind]);
		if (!is_there(root, full))
			return false;
	}
	return true;
}

enum dmem_status dmem_cgroup_use(int root)
{
	return enable_in(root, "", false, false);
}

enum dmem_status dmem_cgroup_enable(int root, const char *path)
{
	return dmem_cgroup_enable_below(root, "", path);
}

static enum dmem_status enable_for(int root, const char *base, const char *path, bool manager)
{
	size_t len = strlen(base);
	enum dmem_status s;

	if (!path_ok(path) || strlen(path) >= PATH_LEN || strncmp(path, base, len) ||
	    (len && path[len] != '/'))
		return DMEM_BAD_NAME;
	if (!*path)
		return DMEM_OK;
	s = enable_above(root, base, path, manager, false);
	/*
	 * While another program enables the controller, the kernel lists it before its files exist.
	 * Our own write waits until they do.
	 */
	if (s == DMEM_OK && !has_files(root, path))
		s = enable_above(root, base, path, manager, true);
	return s;
}

enum dmem_status dmem_cgroup_enable_below(int root, const char *base, const char *path)
{
	return enable_for(root, base, path, false);
}

enum dmem_status dmem_cgroup_enable_delegated(int root, const char *path)
{
	return enable_for(root, "", path, true);
}

enum dmem_status dmem_cgroup_make(int root, const char *path)
{
	char part[PATH_LEN];
	int dir;

	if (!path_ok(path) || strlen(path) >= sizeof(part))
		return DMEM_BAD_NAME;
	dir = open_below(root, "", O_RDONLY | O_DIRECTORY);
	while (*path && dir >= 0) {
		size_t len = strcspn(path, "/");
		int next;

		memcpy(part, path, len);
		part[len] = 0;
		next = mkdirat(dir, part, 0755) && errno != EEXIST ? -errno :
		       open_below(dir, part, O_RDONLY | O_DIRECTORY);
		close(dir);
		dir = next;
		path += len + (path[len] == '/');
	}
	if (dir < 0)
		return status_of(dir, DMEM_NO_CGROUP);
	close(dir);
	return DMEM_OK;
}

static int open_parent(int root, const char *parent, const char *name)
{
	if (!path_ok(parent) || !path_ok(name) || strchr(name, '/') || !*name)
		return -EINVAL;
	return open_below(root, parent, O_RDONLY | O_DIRECTORY);
}

int dmem_cgroup_new(int root, const char *parent, const char *name)
{
	int dir = open_parent(root, parent, name), ret;

	if (dir < 0)
		return dir;
	ret = mkdirat(dir, name, 0755) ? -errno : 0;
	close(dir);
	return ret;
}

int dmem_cgroup_remove(int root, const char *parent, const char *name)
{
	int dir = open_parent(root, parent, name), ret;

	if (dir < 0)
		return dir;
	ret = unlinkat(dir, name, AT_REMOVEDIR) ? -errno : 0;
	close(dir);
	return ret;
}

int dmem_cgroup_enter(int root, const char *path)
{
	return path_ok(path) ? write_file(root, path, "cgroup.procs", "0\n") : -EINVAL;
}

/* -ESTALE: the cgroup was removed meanwhile, and another one may have its path. */
static int lock_once(int root, const char *path, int operation)
{
	int fd = path_ok(path) ? open_file(root, path, "cgroup.kill", O_WRONLY) : -EINVAL, again, ret;
	struct stat mine, there;

	if (fd < 0)
		return fd;
	ret = flock(fd, operation) || fstat(fd, &mine) ? -errno : 0;
	again = ret ? ret : open_file(root, path, "cgroup.kill", O_PATH);
	if (again >= 0) {
		ret = fstat(again, &there) ? -errno : 0;
		close(again);
		if (!ret && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev)
			return fd;
	}
	close(fd);
	return ret && ret != -ENOENT ? ret : -ESTALE;
}

int dmem_cgroup_lock(int root, const char *path)
{
	/* Another program may have removed the cgroup while this one waited, and have made it again. */
	for (int tries = 0; tries < 100; tries++) {
		int ret = lock_once(root, path, LOCK_EX);

		if (ret != -ESTALE)
			return ret;
	}
	return -EAGAIN;
}

int dmem_cgroup_try_lock(int root, const char *path)
{
	int ret = lock_once(root, path, LOCK_EX | LOCK_NB);

	return ret == -ESTALE ? -ENOENT : ret;
}

enum dmem_status dmem_cgroup_get(int root, const char *path, const char *file,
				 const char *region, uint64_t *value)
{
	return dmem_cgroup_get_owned(root, path, file, region, value, NULL);
}

enum dmem_status dmem_cgroup_get_owned(int root, const char *path, const char *file, const char *region,
				       uint64_t *value, struct stat *st)
{
	enum dmem_status s = DMEM_NO_REGION;
	char *text, *name, *rest = NULL;
	struct dmem_text t = { 0 };
	uint64_t n;
	int ret;

	if (!path_ok(path))
		return DMEM_BAD_NAME;
	ret = read_with_owner(root, path, file, &t, st);
	text = t.s;
	while (!ret && dmem_next_line(&text, &name, &rest) && strcmp(name, region))
		rest = NULL;
	n = !ret && rest ? dmem_number(rest) : DMEM_UNKNOWN;
	if (ret) {
		s = status_of(ret, DMEM_NO_CGROUP);
	} else if (n != DMEM_UNKNOWN) {
		*value = n;
		s = DMEM_OK;
	}
	dmem_text_free(&t);
	return s;
}

/* The kernel counts some regions in pages, and rounds limits down. */
static bool same_limit(uint64_t wanted, uint64_t got)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return got == wanted || (wanted != DMEM_NO_LIMIT && got == wanted - wanted % page);
}

size_t dmem_cgroup_lines(int root, const char *file, const char *region)
{
	struct dmem_text t = { 0 };
	char *text, *name, *rest;
	size_t n = 0;
	int ret = read_file(root, "", file, &t);

	text = t.s;
	while (!ret && dmem_next_line(&text, &name, &rest))
		n += !strcmp(name, region);
	dmem_text_free(&t);
	return n;
}

enum dmem_status dmem_cgroup_is(int root, const char *path, enum dmem_kind kind, const char *region,
				uint64_t value)
{
	uint64_t now = kind == DMEM_MAX ? DMEM_NO_LIMIT : 0;
	enum dmem_status s;
	char file[16];

	snprintf(file, sizeof(file), "dmem.%s", dmem_kind_names[kind]);
	s = dmem_cgroup_get(root, path, file, region, &now);
	/* A missing line means that no value is set. */
	if (s != DMEM_OK && s != DMEM_NO_REGION)
		return s;
	return same_limit(value, now) ? DMEM_OK : DMEM_NO_EFFECT;
}

static bool is_one_of(const char *s, const char * const *list, size_t n)
{
	size_t i = 0;

	while (i < n && strcmp(list[i], s))
		i++;
	return i < n;
}

enum dmem_status dmem_cgroup_clear(int root, const char *path, enum dmem_kind kind,
				   const char * const *keep, size_t n)
{
	enum dmem_status s = DMEM_OK;
	struct dmem_text t = { 0 };
	char file[16], *text, *name, *rest;
	int ret;

	if (!path_ok(path))
		return DMEM_BAD_NAME;
	snprintf(file, sizeof(file), "dmem.%s", dmem_kind_names[kind]);
	ret = read_file(root, path, file, &t);
	text = t.s;
	while (!ret && s == DMEM_OK && dmem_next_line(&text, &name, &rest)) {
		if (dmem_number(rest) && !is_one_of(name, keep, n))
			s = dmem_cgroup_set(root, path, kind, name, 0);
		/* The region was removed meanwhile, with its reservation. */
		if (s == DMEM_NO_REGION)
			s = DMEM_OK;
	}
	dmem_text_free(&t);
	return ret ? status_of(ret, DMEM_NO_CGROUP) : s;
}

enum dmem_status dmem_cgroup_set(int root, const char *path, enum dmem_kind kind,
				 const char *region, uint64_t value)
{
	char file[16], line[DMEM_REGION_LEN + 32];
	uint64_t now, used = 0;
	enum dmem_status s;
	int ret;

	if (!path_ok(path) || dmem_region_problem(region) || dmem_region_heap(region))
		return DMEM_BAD_NAME;
	snprintf(file, sizeof(file), "dmem.%s", dmem_kind_names[kind]);
	if (value == DMEM_NO_LIMIT)
		snprintf(line, sizeof(line), "%s max\n", region);
	else
		snprintf(line, sizeof(line), "%s %llu\n", region, (unsigned long long)value);
	ret = write_file(root, path, file, line);
	/* Without the file, the controller is not enabled for this cgroup, or the cgroup is
	 * gone. */
	if (ret == -ENOENT)
		return is_there(root, path) ? DMEM_NO_CONTROLLER : DMEM_NO_CGROUP;
	if (ret && ret != -EBUSY && ret != -EINVAL)
		return status_of(ret, DMEM_WRITE_FAILED);
	s = dmem_cgroup_get(root, path, file, region, &now);
	if (kind == DMEM_MAX && value != DMEM_NO_LIMIT &&
	    dmem_cgroup_get(root, path, "dmem.current", region, &used) == DMEM_OK && used > value)
		return DMEM_BELOW_USAGE;
	/* EINVAL is the kernel's error for an unknown region. */
	if (ret == -EINVAL && s == DMEM_NO_REGION)
		return DMEM_NO_REGION;
	if (ret)
		return DMEM_WRITE_FAILED;
	/* A missing line means that no value is set. */
	if (s == DMEM_OK)
		return same_limit(value, now) ? DMEM_OK : DMEM_NO_EFFECT;
	return s == DMEM_NO_REGION ? DMEM_NO_EFFECT : s;
}
