// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits in files that the limited user can write to. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"

#define CGROUP	"sys/fs/cgroup"

/* The owner of the tree: root, or the user that made a copy. 0 or a negative errno. */
static int stat_file(const struct doctor *d, const char *path, struct stat *st)
{
	int fd = dmem_sys_openat(&d->sys, path, O_PATH), ret;

	if (fd < 0)
		return fd;
	ret = fstat(fd, st) ? -errno : 0;
	close(fd);
	return ret;
}

bool doctor_tree_owner(const struct doctor *d, struct stat *st)
{
	return !stat_file(d, CGROUP "/cgroup.procs", st);
}

const char *doctor_writer(struct doctor *d, const char *cgroup, const struct stat *root)
{
	const char *file = dmem_printf(d->arena, CGROUP "/%s/dmem.max", cgroup), *who = NULL;
	struct stat st;

	if (!file) {
		d->err = -ENOMEM;
		return NULL;
	}
	if (stat_file(d, file, &st))
		return NULL;
	if (st.st_mode & S_IWOTH)
		who = "every user";
	else if (st.st_uid != root->st_uid)
		who = dmem_printf(d->arena, "user %u, the owner of the file,",
				  (unsigned int)st.st_uid);
	else if (st.st_mode & S_IWGRP && st.st_gid != root->st_gid)
		who = dmem_printf(d->arena, "group %u", (unsigned int)st.st_gid);
	else
		return NULL;
	if (!who)
		d->err = -ENOMEM;
	return who;
}

static const char *writer(struct doctor *d, const struct dmem_node *n, const struct stat *root)
{
	char path[4096];

	dmem_node_path(n, path, sizeof(path));
	return doctor_writer(d, path, root);
}

static bool is_limit(uint64_t max)
{
	return max != DMEM_UNKNOWN && max != DMEM_NO_LIMIT;
}

/* The nearest ancestor with a limit that the user cannot write to, or NULL. */
static const struct dmem_node *holder(struct doctor *d, const struct dmem_node *n, size_t r,
				      const struct stat *root)
{
	for (n = n->parent; n && n->parent; n = n->parent) {
		if (is_limit(dmem_tree_figure(&d->tree, n, r, DMEM_F_MAX)) && !writer(d, n, root))
			return n;
	}
	return NULL;
}

/* True for a cgroup that a unit has made itself, such as the units of a user's manager. Only the
 * unit is responsible for its limits. */
static bool is_below_unit(const char *path)
{
	size_t len;
	const char *unit = dmem_cgroup_unit(path, &len);

	return unit && unit[len];
}

/* The command that limits the nearest ancestor that the user does not control. */
static const char *limit_above(struct doctor *d, const struct dmem_node *n, size_t r)
{
	const char *command;
	char path[4096];

	for (n = n->parent; n && n->parent; n = n->parent) {
		dmem_node_path(n, path, sizeof(path));
		if (!is_below_unit(path))
			break;
	}
	if (!n || !n->parent)
		return "make root the owner of the file, and put the cgroup into a slice with a "
			"limit";
	command = doctor_limit(d, n, r);
	return command ? dmem_printf(d->arena, "make root the owner of the file, or %s",
				     command) : NULL;
}

static void check_region(struct doctor *d, const struct dmem_node *n, size_t r, const char *who,
			 const struct stat *root)
{
	const struct dmem_node *above = holder(d, n, r, root);
	const char *region = d->regions.region[r].name, *remedy;
	char path[4096], holds[4096];

	dmem_node_path(n, path, sizeof(path));
	if (above) {
		dmem_node_path(above, holds, sizeof(holds));
		doctor_say(d, NOTE, path, "change nothing if that limit is low enough",
			   "%s can write to its dmem.max and remove its limit of %s; the limit of "
			   "%s, %s, still holds", who,
			   region, holds,
			   doctor_size(dmem_tree_figure(&d->tree, above, r, DMEM_F_MAX)));
		return;
	}
	remedy = limit_above(d, n, r);
	if (!remedy) {
		d->err = -ENOMEM;
		return;
	}
	doctor_say(d, is_below_unit(path) ? NOTE : PROBLEM, path, remedy,
		   "%s can write to its dmem.max and remove its limit of %s; no cgroup above has a "
		   "limit that holds", who,
		   region);
}

void doctor_owners(struct doctor *d)
{
	struct stat root;

	if (!doctor_tree_owner(d, &root))
		return;
	for (const struct dmem_node *n = d->tree.root; n && !d->err; n = dmem_tree_next(n)) {
		const char *who = NULL;
		bool asked = false;

		for (size_t r = 0; n->parent && n->figure && r < d->regions.n && !d->err; r++) {
			if (!is_limit(dmem_tree_figure(&d->tree, n, r, DMEM_F_MAX)))
				continue;
			if (!asked)
				who = writer(d, n, &root);
			asked = true;
			if (who)
				check_region(d, n, r, who, &root);
		}
	}
}
