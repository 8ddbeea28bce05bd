// SPDX-License-Identifier: GPL-2.0-or-later
/* Caps in the cgroup tree. Every file is opened below one directory, and no link
 * is followed and no mount entered on the way. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "dmem.h"

#define PATH_LEN	4096
/* Some hundred regions, each with a long name. */
#define FILE_LEN	65536

static const char * const texts[DMEM_STATUSES] = {
	[DMEM_OK] = "done",
	[DMEM_USAGE] = "wrong command line",
	[DMEM_NO_CGROUP2] = "no cgroup v2 tree: boot with systemd.unified_cgroup_hierarchy=1",
	[DMEM_NO_OWN_CGROUP] = "this process is not in the cgroup of a unit: start it by systemd",
	[DMEM_NO_CONTROLLER] = "the kernel has no dmem controller: build it with CONFIG_CGROUP_DMEM, and do not boot with cgroup_disable=dmem",
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
		"memory, see dmem.current",
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
		"see the kernel's log and dmemctl doctor",
};

const char *dmem_status_text(enum dmem_status s)
{
	return (unsigned int)s < DMEM_STATUSES && texts[s] ? texts[s] : "unknown failure";
}

static int open_below(int root, const char *path, int flags)
{
	/* With O_PATH, openat2() takes no flag that would mean nothing. A file of the kernel
	 * does not wait, and what is in its place, in another tree, must not. */
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY | O_NONBLOCK)),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
}

/* A path below the root, without a slash before or after it and without "..". */
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

static enum dmem_status from_errno(int err, enum dmem_status otherwise)
{
	if (err == EROFS)
		return DMEM_READ_ONLY;
	if (err == EACCES || err == EPERM)
		return DMEM_PERMISSION;
	if (err == ELOOP)
		return DMEM_BAD_NAME;
	if (err == EXDEV)
		return DMEM_FOREIGN_MOUNT;
	return otherwise;
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

/* @buf has FILE_LEN bytes. Returns 0 or an errno. */
static int read_file(int root, const char *path, const char *file, char *buf)
{
	char full[PATH_LEN];
	ssize_t n, used = 0;
	int fd, err;

	snprintf(full, sizeof(full), "%s%s%s", path, *path ? "/" : "", file);
	fd = open_below(root, full, O_RDONLY);
	if (fd < 0)
		return errno;
	while ((n = read(fd, buf + used, (size_t)(FILE_LEN - 1 - used))) > 0)
		used += n;
	err = n < 0 ? errno : 0;
	close(fd);
	buf[used] = 0;
	return err;
}

static int write_file(int root, const char *path, const char *file, const char *text)
{
	char full[PATH_LEN];
	int fd, err = 0;

	snprintf(full, sizeof(full), "%s%s%s", path, *path ? "/" : "", file);
	fd = open_below(root, full, O_WRONLY);
	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

/* Is @word one of the words in the file? Negative: an errno. */
static int file_has(int root, const char *path, const char *file, const char *word)
{
	char *buf = malloc(FILE_LEN), *save, *w;
	int ret;

	if (!buf)
		return -ENOMEM;
	ret = -read_file(root, path, file, buf);
	if (!ret) {
		for (w = strtok_r(buf, " \n", &save); w && strcmp(w, word);)
			w = strtok_r(NULL, " \n", &save);
		ret = !!w;
	}
	free(buf);
	return ret;
}

static enum dmem_status enable_in(int root, const char *path, bool delegated, bool again)
{
	int has = file_has(root, path, "cgroup.subtree_control", "dmem"), err;

	if (has == 1 && (!again || delegated))
		return DMEM_OK;
	if (has < 0)
		return from_errno(-has, DMEM_NO_CGROUP);
	if (delegated)
		return DMEM_DELEGATED;
	has = file_has(root, path, "cgroup.controllers", "dmem");
	if (has != 1)
		return DMEM_NO_CONTROLLER;
	err = write_file(root, path, "cgroup.subtree_control", "+dmem\n");
	if (err)
		return from_errno(err, DMEM_CANNOT_ENABLE);
	if (file_has(root, path, "cgroup.subtree_control", "dmem") != 1)
		return DMEM_CANNOT_ENABLE;
	return DMEM_OK;
}

static bool ends_in(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && !strncmp(s + len - n, end, n);
}

/* @base is at the start of @path, or "". */
static enum dmem_status enable_above(int root, const char *base, const char *path, bool again)
{
	const char *rest = path + strlen(base) + (*base ? 1 : 0);
	char above[PATH_LEN];
	enum dmem_status s;
	bool delegated = false;

	s = enable_in(root, base, false, again);
	for (const char *p = strchr(rest, '/'); p && s == DMEM_OK; p = strchr(p + 1, '/')) {
		size_t len = (size_t)(p - path);

		/* A service or scope that has cgroups below it manages them itself. */
		delegated = delegated || ends_in(path, len, ".service") ||
			    ends_in(path, len, ".scope");
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

enum dmem_status dmem_cgroup_enable_below(int root, const char *base, const char *path)
{
	size_t len = strlen(base);
	enum dmem_status s;

	if (!path_ok(path) || strlen(path) >= PATH_LEN || strncmp(path, base, len) ||
	    (len && path[len] != '/'))
		return DMEM_BAD_NAME;
	if (!*path)
		return DMEM_OK;
	s = enable_above(root, base, path, false);
	/*
	 * While somebody else enables it, the kernel lists the controller before
	 * its files are there. A write of our own waits until they are.
	 */
	if (s == DMEM_OK && !has_files(root, path))
		s = enable_above(root, base, path, true);
	return s;
}

enum dmem_status dmem_cgroup_make(int root, const char *path)
{
	char part[PATH_LEN];
	int dir, ret;

	if (!path_ok(path) || strlen(path) >= sizeof(part))
		return DMEM_BAD_NAME;
	dir = open_below(root, "", O_RDONLY | O_DIRECTORY);
	while (*path && dir >= 0) {
		size_t len = strcspn(path, "/");
		int next;

		memcpy(part, path, len);
		part[len] = 0;
		ret = mkdirat(dir, part, 0755);
		if (ret && errno != EEXIST) {
			ret = errno;
			close(dir);
			return from_errno(ret, DMEM_NO_CGROUP);
		}
		next = open_below(dir, part, O_RDONLY | O_DIRECTORY);
		ret = errno;
		close(dir);
		errno = ret;
		dir = next;
		path += len + (path[len] == '/');
	}
	if (dir < 0)
		return from_errno(errno, DMEM_NO_CGROUP);
	close(dir);
	return DMEM_OK;
}

enum dmem_status dmem_cgroup_get(int root, const char *path, const char *file,
				 const char *region, uint64_t *value)
{
	char *buf, *save, *line, *number, *end;
	enum dmem_status s = DMEM_NO_REGION;
	size_t len = strlen(region);
	int err;

	if (!path_ok(path))
		return DMEM_BAD_NAME;
	buf = malloc(FILE_LEN);
	if (!buf)
		return DMEM_NO_MEMORY;
	err = read_file(root, path, file, buf);
	if (err)
		s = from_errno(err, DMEM_NO_CGROUP);
	line = err ? NULL : strtok_r(buf, "\n", &save);
	for (; line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, region, len) || line[len] != ' ')
			continue;
		number = line + len + 1;
		*value = DMEM_NO_LIMIT;
		s = DMEM_OK;
		if (!strncmp(number, "max", 3))
			break;
		*value = strtoull(number, &end, 10);
		if (end == number)
			s = DMEM_NO_REGION;
		break;
	}
	free(buf);
	return s;
}

/* The kernel counts some regions in pages: it rounds a limit down. */
static bool same_limit(uint64_t wanted, uint64_t got)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return got == wanted || (wanted != DMEM_NO_LIMIT && got == wanted - wanted % page);
}

size_t dmem_cgroup_lines(int root, const char *file, const char *region)
{
	size_t n = 0, len = strlen(region);
	char *buf = malloc(FILE_LEN);

	if (buf && !read_file(root, "", file, buf)) {
		for (const char *line = buf; line && *line; line = strchr(line, '\n')) {
			line += *line == '\n';
			n += !strncmp(line, region, len) && line[len] == ' ';
		}
	}
	free(buf);
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
	/* No line at all is the kernel's way to say that nothing is set. */
	if (s != DMEM_OK && s != DMEM_NO_REGION)
		return s;
	return same_limit(value, now) ? DMEM_OK : DMEM_NO_EFFECT;
}

enum dmem_status dmem_cgroup_set(int root, const char *path, enum dmem_kind kind,
				 const char *region, uint64_t value)
{
	char file[16], line[DMEM_REGION_LEN + 32];
	uint64_t now, used = 0;
	enum dmem_status s;
	int err;

	if (!path_ok(path) || dmem_region_problem(region) || dmem_region_heap(region))
		return DMEM_BAD_NAME;
	snprintf(file, sizeof(file), "dmem.%s", dmem_kind_names[kind]);
	if (value == DMEM_NO_LIMIT)
		snprintf(line, sizeof(line), "%s max\n", region);
	else
		snprintf(line, sizeof(line), "%s %llu\n", region, (unsigned long long)value);
	err = write_file(root, path, file, line);
	/* Without the file, the controller is not enabled for this cgroup, if that is
	 * still there. */
	if (err == ENOENT)
		return is_there(root, path) ? DMEM_NO_CONTROLLER : DMEM_NO_CGROUP;
	if (err && err != EBUSY && err != EINVAL)
		return from_errno(err, DMEM_WRITE_FAILED);
	s = dmem_cgroup_get(root, path, file, region, &now);
	if (kind == DMEM_MAX && value != DMEM_NO_LIMIT &&
	    dmem_cgroup_get(root, path, "dmem.current", region, &used) == DMEM_OK && used > value)
		return DMEM_BELOW_USAGE;
	/* The kernel's word for a region that it does not know. */
	if (err == EINVAL && s == DMEM_NO_REGION)
		return DMEM_NO_REGION;
	if (err)
		return DMEM_WRITE_FAILED;
	/* No line at all is the kernel's way to say that nothing is set. */
	if (s == DMEM_OK)
		return same_limit(value, now) ? DMEM_OK : DMEM_NO_EFFECT;
	return s == DMEM_NO_REGION ? DMEM_NO_EFFECT : s;
}
