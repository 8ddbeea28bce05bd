// SPDX-License-Identifier: GPL-2.0-or-later
/* What a word on the command line means: a unit, or a cgroup by its path. */
#include <errno.h>
#include <string.h>

#include "section.h"
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

/* What the files know of the unit: its own name, if this one is an alias. @t->unit stays in
 * the arena. 1: there is no file of it. */
static int find_file(struct ctl *c, struct dmem_arena *a, struct target *t)
{
	const char *instance = dmem_unit_instance(t->unit), *template = NULL;
	struct dmem_units u;
	struct dmem_unit *unit;
	int ret = section_load(c, &u, true);

	if (ret)
		goto out;
	unit = dmem_units_find(&u, t->unit);
	for (int hop = 0; unit && unit->alias_of && hop < 8; hop++) {
		t->unit = dmem_strdup(a, unit->alias_of);
		unit = t->unit ? dmem_units_find(&u, t->unit) : NULL;
	}
	ret = t->unit ? 0 : -ENOMEM;
	if (!ret && unit && unit->masked) {
		cli_error(&c->cli, "%s: the unit is masked: see systemctl status %s", t->unit, t->unit);
		ret = -ENOENT;
	}
	if (ret || (unit && unit->fragment))
		goto out;
	if (dmem_unit_is_instance(t->unit))
		template = dmem_unit_with_instance(&u.arena, t->unit, "", 0);
	unit = template ? dmem_units_find(&u, template) : NULL;
	for (int hop = 0; unit && unit->alias_of && hop < 8; hop++) {
		t->unit = dmem_unit_with_instance(a, unit->alias_of, instance,
						  (size_t)(strrchr(instance, '.') - instance));
		if (!t->unit) {
			ret = -ENOMEM;
			goto out;
		}
		unit = dmem_units_find(&u, unit->alias_of);
	}
	ret = unit && unit->fragment ? 0 : 1;
out:
	dmem_units_free(&u);
	return ret;
}

static int not_there(struct ctl *c, const char *unit)
{
	cli_error(&c->cli, "%s: the unit is not there: see systemctl status %s", unit, unit);
	return -ENOENT;
}

/* Without a manager to ask. */
static int find_by_files(struct ctl *c, struct dmem_arena *a, struct target *t)
{
	int ret = find_file(c, a, t), err = 0;

	if (ret < 0)
		return ret;
	/* A template has no cgroup, its instances have. */
	if (!dmem_unit_is_template(t->unit))
		err = search(c, a, t->unit, &t->cgroup);
	if (err)
		return err;
	/* A slice or scope needs no file, and a unit that runs may have had one. */
	if (ret && !t->cgroup && t->type != DMEM_SLICE && t->type != DMEM_SCOPE)
		return not_there(c, t->unit);
	return 0;
}

static int find_unit(struct ctl *c, struct manager *m, struct dmem_arena *a, struct target *t)
{
	struct unit_state s;
	int ret;

	/* systemd knows nothing of templates, only of what is made from them. */
	if (!m->bus || dmem_unit_is_template(t->unit))
		return find_by_files(c, a, t);
	ret = manager_unit(c, m, a, t->unit, &s);
	if (ret)
		return ret;
	if (!strcmp(s.load, "not-found"))
		return not_there(c, t->unit);
	if (!strcmp(s.load, "masked")) {
		cli_error(&c->cli, "%s: the unit is masked: see systemctl status %s", t->unit, t->unit);
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
