// SPDX-License-Identifier: GPL-2.0-or-later
/* What a word on the command line means: a unit, or a cgroup by its path. */
#include <errno.h>
#include <string.h>

#include "target.h"

#define CGROUP	"/sys/fs/cgroup"

static bool is_path(const char *word)
{
	return strchr(word, '/');
}

bool target_any_unit(char **words, int n)
{
	for (int i = 0; i < n; i++) {
		if (!is_path(words[i]))
			return true;
	}
	return false;
}

/* Without the mount point and without slashes around it. */
static const char *cgroup_path(struct dmem_arena *a, const char *word)
{
	size_t len;

	if (!strncmp(word, CGROUP, strlen(CGROUP)) &&
	    (word[strlen(CGROUP)] == '/' || !word[strlen(CGROUP)]))
		word += strlen(CGROUP);
	word += strspn(word, "/");
	len = strlen(word);
	while (len && word[len - 1] == '/')
		len--;
	return dmem_strndup(a, word, len);
}

/* The cgroup of that name, wherever it is. */
static int search(struct ctl *c, struct dmem_arena *a, const char *unit, const char **cgroup)
{
	struct dmem_regions none = { 0 };
	struct dmem_tree tree;
	struct dmem_sys sys;
	char path[4096];
	const char *found;
	size_t len;
	int ret = dmem_sys_open(&sys, c->sysroot);

	if (ret)
		return ret;
	ret = dmem_tree_read(&sys, a, &none, "", 0, UINT32_MAX, NULL, NULL, &tree);
	dmem_sys_close(&sys);
	for (struct dmem_node *n = ret ? NULL : tree.root; n; n = dmem_tree_next(n)) {
		if (dmem_node_path(n, path, sizeof(path)) >= sizeof(path))
			continue;
		found = dmem_cgroup_unit(path, &len);
		if (found && !found[len] && strlen(unit) == len && !strncmp(found, unit, len)) {
			*cgroup = dmem_strdup(a, path);
			return *cgroup ? 0 : -ENOMEM;
		}
	}
	return ret == -ENOENT ? 0 : ret;
}

/* A template has no cgroup, its instances have. */
static int find_unit(struct ctl *c, struct manager *m, struct dmem_arena *a, struct target *t)
{
	struct unit_state s;
	int ret;

	if (dmem_unit_is_template(t->unit))
		return 0;
	if (!m->bus)
		return search(c, a, t->unit, &t->cgroup);
	ret = manager_unit(c, m, a, t->unit, &s);
	if (ret)
		return ret;
	if (!strcmp(s.load, "not-found") || !strcmp(s.load, "masked")) {
		cli_error(&c->cli, "%s: the unit is %s: see systemctl status %s", t->unit,
			  *s.load == 'm' ? "masked" : "not there", t->unit);
		return -ENOENT;
	}
	t->unit = s.id;
	t->cgroup = s.cgroup;
	return 0;
}

int target_find(struct ctl *c, struct manager *m, struct dmem_arena *a, const char *word,
		struct target *t)
{
	*t = (struct target){ .type = -1 };
	if (is_path(word)) {
		t->cgroup = cgroup_path(a, word);
		return t->cgroup ? 0 : -ENOMEM;
	}
	t->unit = dmem_strdup(a, word);
	if (t->unit && dmem_unit_type(word) < 0)
		t->unit = dmem_printf(a, "%s.service", word);
	if (!t->unit)
		return -ENOMEM;
	t->type = dmem_unit_type(t->unit);
	if (t->type < 0) {
		cli_error(&c->cli, "'%s' is not the name of a unit: a cgroup is given by its path, /sys/fs/cgroup/...",
			  word);
		return -EINVAL;
	}
	return find_unit(c, m, a, t);
}
