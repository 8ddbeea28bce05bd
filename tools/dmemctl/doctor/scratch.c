// SPDX-License-Identifier: GPL-2.0-or-later
/* The scratch cgroup of a proof. It is made and removed, and no other cgroup is changed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "prove.h"

#define CGROUPS		"sys/fs/cgroup"
#define PREFIX		"dmem-prove-"
#define MAX_NAMES	10
/* A cgroup counts as busy for a moment after its last process. */
#define NAP_MS		10
#define MAX_NAPS	200

static const char *file_of(const struct scratch *s, const char *cgroup, const char *file)
{
	return dmem_printf(s->arena, CGROUPS "%s%s/%s", *cgroup ? "/" : "", cgroup, file);
}

static const char *below(const struct scratch *s, const char *parent, const char *name)
{
	return dmem_printf(s->arena, "%s%s%s", parent, *parent ? "/" : "", name);
}

char *scratch_line(const struct scratch *s, const char *cgroup, const char *file,
		   const char *region, struct dmem_text *t)
{
	const char *path = file_of(s, cgroup, file);
	char *text, *name, *rest;

	if (!path || dmem_sys_read(s->sys, path, t))
		return NULL;
	text = t->s;
	while (dmem_next_line(&text, &name, &rest)) {
		if (!strcmp(name, region))
			return rest;
	}
	return NULL;
}

const char *scratch_above(const struct scratch *s, const char *path)
{
	const char *slash = strrchr(path, '/');

	return *path ? dmem_strndup(s->arena, path, slash ? (size_t)(slash - path) : 0) : NULL;
}

/* Is the controller enabled for the children of this cgroup? 0 or a negative errno. */
static int check_enabled(const struct scratch *s, const char *cgroup)
{
	const char *path = file_of(s, cgroup, "cgroup.subtree_control");
	struct dmem_text t = { 0 };
	int ret = path ? dmem_sys_read(s->sys, path, &t) : -ENOMEM;
	char *save = NULL, *w = ret ? NULL : strtok_r(t.s, " \n", &save);

	while (w && strcmp(w, "dmem"))
		w = strtok_r(NULL, " \n", &save);
	dmem_text_free(&t);
	return ret ? ret : w ? 0 : -EOPNOTSUPP;
}

/* True for a name that make_below() gives. */
static bool is_scratch(const char *name)
{
	unsigned int pid, again;
	char all[32];

	if (sscanf(name, PREFIX "%u-%u", &pid, &again) == 2)
		snprintf(all, sizeof(all), PREFIX "%u-%u", pid, again);
	else if (sscanf(name, PREFIX "%u", &pid) == 1)
		snprintf(all, sizeof(all), PREFIX "%u", pid);
	else
		return false;
	return !strcmp(name, all);
}

/* A lock shows that a proof runs, in any namespace of process ids, and ends with the last process that
 * has it, whatever ends that one. Returns the descriptor with the lock, or a negative errno; -EEXIST:
 * the cgroup has one already, or was removed. */
static int lock_cgroup(const struct scratch *s, const char *path)
{
	int fd = dmem_cgroup_try_lock(s->root, path);

	return fd == -EWOULDBLOCK || fd == -ENOENT ? -EEXIST : fd;
}

/* Removes the cgroups of proofs that were killed before they could do it. */
static void remove_old(const struct scratch *s, const char *parent)
{
	const char *path = file_of(s, parent, "."), **names = NULL;
	size_t n = 0;

	if (!path || dmem_sys_list(s->sys, path, s->arena, &names, &n))
		return;
	for (size_t i = 0; i < n; i++) {
		const char *old = is_scratch(names[i]) ? below(s, parent, names[i]) : NULL;
		int fd = old ? lock_cgroup(s, old) : -ENOMEM;

		if (fd < 0)
			continue;
		dmem_cgroup_remove(s->root, parent, names[i]);
		close(fd);
	}
}

/* Makes the cgroup, and locks it. -EEXIST: the name is that of another proof, as the process ids of two
 * containers can be the same, or another proof has removed the cgroup before it was locked. */
static int make_locked(struct scratch *s, const char *parent)
{
	int ret;

	s->path = s->name ? below(s, parent, s->name) : NULL;
	ret = s->path ? dmem_cgroup_new(s->root, parent, s->name) : -ENOMEM;
	if (ret)
		return ret;
	s->lock = lock_cgroup(s, s->path);
	if (s->lock >= 0)
		return 0;
	if (s->lock != -EEXIST)
		dmem_cgroup_remove(s->root, parent, s->name);
	return s->lock;
}

static int make_below(struct scratch *s, const char *parent)
{
	int ret = check_enabled(s, parent);

	if (ret)
		return ret;
	remove_old(s, parent);
	ret = -EEXIST;
	for (int i = 0; i < MAX_NAMES && ret == -EEXIST; i++) {
		s->name = dmem_printf(s->arena, i ? PREFIX "%d-%d" : PREFIX "%d", (int)getpid(), i);
		ret = make_locked(s, parent);
	}
	s->parent = parent;
	if (ret)
		s->path = NULL;
	return ret;
}

int scratch_make(struct scratch *s)
{
	const char *own = dmem_first_line(s->arena, AT_FDCWD, "/proc/self/cgroup");
	int ret = make_below(s, ""), first = ret;

	if (!ret || !own || strncmp(own, "0::/", 4))
		return ret;
	own += 4;
	for (const char *p = own; ret && *p;) {
		const char *parent;

		p += strcspn(p, "/");
		parent = dmem_strndup(s->arena, own, (size_t)(p - own));
		ret = parent ? make_below(s, parent) : -ENOMEM;
		p += *p == '/';
	}
	/* Usually root is missing: the cgroup of the user has no children, so it says less. */
	return ret ? first : 0;
}

int scratch_remove(struct scratch *s)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000L };
	int ret = -EBUSY;

	for (int i = 0; i < MAX_NAPS && ret == -EBUSY; i++) {
		if (i)
			nanosleep(&nap, NULL);
		ret = dmem_cgroup_remove(s->root, s->parent, s->name);
	}
	close(s->lock);
	/* Another program was faster. */
	return ret == -ENOENT ? 0 : ret;
}
