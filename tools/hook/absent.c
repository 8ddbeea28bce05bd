// SPDX-License-Identifier: GPL-2.0-or-later
/* Tells a file that does not exist from one that is not seen here. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "absent.h"
#include "base/syscalls.h"
#include "dmem/look.h"

static const char no_memory[] = "out of memory";

/* Never NULL, which would mean that there is no problem. */
static const char *say(struct dmem_arena *a, const char *what, const char *path, int err)
{
	const char *text = dmem_printf(a, "%s%s: %s", what, path, strerror(err));

	return text ? text : no_memory;
}

/* 0 or -errno. Absolute links lead to files below @root, as for the process that has it. */
static int look(int root, const char *path, int flags)
{
	int fd = dmem_openat2(root, path, O_PATH | flags, RESOLVE_IN_ROOT);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* NULL: each directory above exists, up to one that is not there at all. */
const char *hook_absent_here(struct dmem_arena *a, int root, const char *path)
{
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		char *dir = dmem_strndup(a, path, (size_t)(slash - path));
		int ret;

		if (!dir)
			return no_memory;
		if (look(root, dir, O_NOFOLLOW) == -ENOENT)
			return NULL;
		ret = look(root, dir, O_DIRECTORY);
		if (ret)
			return say(a, "no file is seen below ", dir, -ret);
	}
	return NULL;
}

static const char *below_first(struct dmem_arena *a, int root, const char *path)
{
	int ret = look(root, path, O_NOFOLLOW);

	if (!ret)
		return "process 1 sees this file, and the container engine does not: show it in the engine's "
			"mount namespace";
	if (ret == -ENOENT)
		return hook_absent_here(a, root, path);
	return say(a, "for process 1: ", path, -ret);
}

/* The line of mountinfo for the mount at the root of a process, or NULL. */
static char *root_mount(struct dmem_arena *a, const char *proc, const char *process)
{
	const char *path = dmem_printf(a, "%s/%s/mountinfo", proc, process);
	struct dmem_text t = { 0 };
	char *found = NULL, *line, *save, *p;

	if (path && !dmem_read_at(AT_FDCWD, path, &t)) {
		for (line = strtok_r(t.s, "\n", &save); line && !found; line = strtok_r(NULL, "\n", &save)) {
			p = line;
			for (int field = 0; p && field < 4; field++)
				p = strchr(p + 1, ' ');
			if (p && !strncmp(p, " / ", 3))
				found = dmem_strdup(a, line);
		}
	}
	dmem_text_free(&t);
	return found;
}

/* True if both processes have one root in one mount namespace: the line begins with the number of
 * the mount. Any process may read it. */
static bool has_root_of_first(struct dmem_arena *a, const char *proc)
{
	const char *own = root_mount(a, proc, "self"), *first = root_mount(a, proc, "1");

	return own && first && !strcmp(own, first);
}

/* The mount namespace and the root of the engine may be others than those of the host. */
static const char *first_problem(struct dmem_arena *a, const char *path, const char *proc, bool rootless)
{
	char *link = dmem_printf(a, "%s/1/root", proc);
	const char *problem;
	int root;

	if (!link)
		return no_memory;
	root = open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		int err = errno;

		if ((rootless && err == EACCES) || has_root_of_first(a, proc))
			return NULL;
		return say(a, "not here, and for process 1 not known (write the line [Hook] if there is no "
			   "policy): ", link, err);
	}
	problem = below_first(a, root, path);
	close(root);
	return problem;
}

static const char *own_problem(struct dmem_arena *a, const char *path)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *problem;

	if (root < 0)
		return say(a, "", "/", errno);
	problem = hook_absent_here(a, root, path);
	close(root);
	return problem;
}

const char *hook_absent_problem(struct dmem_arena *a, const char *path, const char *proc, bool rootless)
{
	const char *problem = own_problem(a, path);

	return problem ? problem : first_problem(a, path, proc, rootless);
}
