// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel modifies dmem.events for each refused request in the cgroup or below, so it is enough
 * to watch the few cgroups directly below the root.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "notify.h"

#define EVENTS	"dmem.events"

void notify_begin(struct notify *n)
{
	*n = (struct notify){ .fd = -1 };
}

void notify_end(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	free(n->id);
	notify_begin(n);
}

/* Adds a watch by way of a descriptor, since the path may belong to another tree (--sysroot). A
 * kernel without the series has no dmem.events. */
static void watch(int fd, const struct dmem_sys *s, const char *name)
{
	char path[400];
	int file;

	snprintf(path, sizeof(path), "sys/fs/cgroup/%s%s" EVENTS, name, *name ? "/" : "");
	file = dmem_sys_openat(s, path, O_PATH);
	if (file < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	inotify_add_watch(fd, path, IN_MODIFY);
	close(file);
}

static int remember(struct notify *n, const struct dmem_tree *t)
{
	uint64_t *id = realloc(n->id, (t->n + 1) * sizeof(*id));

	if (!id)
		return -ENOMEM;
	n->id = id;
	n->n = 0;
	for (const struct dmem_node *c = t->root; c; c = dmem_tree_next(c))
		id[n->n++] = c->id;
	return 0;
}

static bool is_known(const struct notify *n, const struct dmem_tree *t)
{
	size_t i = 0;

	for (const struct dmem_node *c = t->root; c; c = dmem_tree_next(c), i++) {
		if (i >= n->n || n->id[i] != c->id)
			return false;
	}
	return i == n->n;
}

int notify_update(struct notify *n, const struct dmem_sys *s)
{
	struct dmem_regions none = { 0 };
	struct dmem_arena a = { 0 };
	struct dmem_tree t;
	int ret = dmem_tree_read(s, &a, &none, "", 0, 1, NULL, NULL, &t);

	if (!ret && (n->fd < 0 || !is_known(n, &t))) {
		/* A new descriptor: the old one would keep watches of removed cgroups. */
		int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

		for (const struct dmem_node *c = t.root; c && fd >= 0; c = dmem_tree_next(c))
			watch(fd, s, c->name);
		if (n->fd >= 0)
			close(n->fd);
		n->fd = fd;
		ret = remember(n, &t);
	}
	dmem_arena_free(&a);
	return ret == -ENOMEM ? ret : 0;
}

void notify_clear(struct notify *n)
{
	char buf[4096];

	while (n->fd >= 0 && read(n->fd, buf, sizeof(buf)) > 0)
		;
}
