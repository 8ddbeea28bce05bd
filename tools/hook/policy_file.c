// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads root's policy file. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmem/look.h"
#include "policy_file.h"

#define MAX_BYTES	(1u << 20)

static const char irregular[] = "is no regular file";

static const char *owner_problem(const struct stat *st, hook_owner_fn may_own, void *data)
{
	if (!may_own(data, st->st_uid))
		return "does not belong to root";
	return st->st_mode & 022 ? "can be written by others: chmod go-w" : NULL;
}

static const char *directory_problem(struct dmem_arena *a, int dir, hook_owner_fn may_own, void *data)
{
	struct stat st;
	const char *problem = fstat(dir, &st) ? strerror(errno) : owner_problem(&st, may_own, data), *text;

	if (!problem)
		return NULL;
	text = dmem_printf(a, "the directory %s", problem);
	/* NULL would mean that there is no problem. */
	return text ? text : problem;
}

static const char *file_problem(int fd, hook_owner_fn may_own, void *data)
{
	struct stat st;

	if (fstat(fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return irregular;
	return st.st_size > MAX_BYTES ? "is too long" : owner_problem(&st, may_own, data);
}

/* A device must not be opened: that could have an effect. */
static bool is_device(int dir, const char *name)
{
	struct stat st;

	return !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode);
}

const char *hook_policy_read(struct dmem_arena *a, int dir, const char *name, hook_owner_fn may_own,
			     void *data, struct hook_policy *p, int *err)
{
	const char *problem;
	struct dmem_text t = { 0 };
	int fd;

	*p = (struct hook_policy){ 0 };
	*err = 0;
	if (is_device(dir, name))
		return irregular;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		*err = errno;
		return strerror(*err);
	}
	problem = directory_problem(a, dir, may_own, data);
	if (!problem)
		problem = file_problem(fd, may_own, data);
	if (problem)
		close(fd);
	else if (dmem_read_fd(fd, &t))
		problem = "cannot be read";
	else
		problem = hook_policy_parse(a, t.s, t.len, p);
	dmem_text_free(&t);
	if (problem)
		*p = (struct hook_policy){ 0 };
	return problem;
}
