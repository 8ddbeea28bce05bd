// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists the files that make up a unit, in systemd's order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

/* Stands for all instances of a template without files of their own. */
#define ANY_INSTANCE	":dmem:any:"

static int add(struct dmem_units *u, struct dmem_list *l, const char *s)
{
	const char **more = dmem_grow(&u->arena, l->s, l->n, sizeof(*more));

	if (!more || !s)
		return -ENOMEM;
	l->s = more;
	l->s[l->n++] = s;
	return 0;
}

/* The length of the prefix "a-b-" of "a-b-c", or 0. One dash at the end of the name is ignored. */
static size_t prefix_len(const char *p, size_t len)
{
	bool chopped = false;

	for (;;) {
		size_t n = len;

		while (n && p[n - 1] != '-')
			n--;
		/* There is no dash, or only one at the very start. */
		if (n <= 1)
			return 0;
		if (n < len || chopped)
			return n;
		len = n - 1;
		chopped = true;
	}
}

/* The levels of one name. */
static int levels_of(struct dmem_units *u, const char *name, struct dmem_list *l)
{
	const char *instance = dmem_unit_instance(name), *dot = strrchr(name, '.');
	bool is_instance = dmem_unit_is_instance(name);
	const char *end = instance ? instance - 1 : dot;
	const char *up;
	size_t n;

	if (add(u, l, name))
		return -ENOMEM;
	if (is_instance) {
		up = dmem_unit_with_instance(&u->arena, name, "", 0);
		if (!up || levels_of(u, up, l))
			return -ENOMEM;
	}
	if (!dot)
		return 0;
	n = prefix_len(name, (size_t)(end - name));
	if (!n)
		return 0;
	if (is_instance)
		up = dmem_printf(&u->arena, "%.*s@%s", (int)n, name, instance);
	else
		up = dmem_printf(&u->arena, "%.*s%s", (int)n, name, dot);
	return up ? levels_of(u, up, l) : -ENOMEM;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char * const *)a, *(const char * const *)b);
}

static int add_aliases(struct dmem_units *u, const char *name, const char *of,
		       struct dmem_list *names)
{
	struct dmem_unit *unit = dmem_units_find(u, of);
	const char *instance = dmem_unit_instance(name);

	for (size_t i = 0; unit && i < unit->n_alias; i++) {
		const char *alias = unit->alias[i]->name;

		if (of != name && dmem_unit_is_template(alias))
			alias = dmem_unit_with_instance(&u->arena, alias, instance,
				(size_t)(strrchr(instance, '.') - instance));
		if (!alias)
			return -ENOMEM;
		if (strcmp(alias, name) && add(u, names, alias))
			return -ENOMEM;
	}
	return 0;
}

/* If an instance has a unit file, and its template an alias, the alias of the instance is another
 * unit for systemd: made from the template, but with both names. */
static int add_real_instance(struct dmem_units *u, const char *name, const char *template,
			     struct dmem_list *names)
{
	struct dmem_unit *unit = dmem_units_find(u, template);
	const char *instance = dmem_unit_instance(name);

	if (!unit || !unit->alias_of)
		return 0;
	if (add(u, names, dmem_unit_with_instance(&u->arena, unit->alias_of, instance,
						  (size_t)(strrchr(instance, '.') - instance))))
		return -ENOMEM;
	return add_aliases(u, name, unit->alias_of, names);
}

/* The unit's own name, then its aliases. */
static int names_of(struct dmem_units *u, const char *name, struct dmem_list *names)
{
	struct dmem_unit *unit = dmem_units_find(u, name);
	const char *template;

	if (add(u, names, name) || add_aliases(u, name, name, names))
		return -ENOMEM;
	/* A template's aliases apply only to instances without a unit file. */
	if (dmem_unit_is_instance(name) && !(unit && (unit->fragment || unit->masked))) {
		template = dmem_unit_with_instance(&u->arena, name, "", 0);
		if (!template || add_aliases(u, name, template, names) ||
		    add_real_instance(u, name, template, names))
			return -ENOMEM;
	}
	/* systemd sorts aliases by a hash. This order is the same each time. */
	qsort(names->s + 1, names->n - 1, sizeof(*names->s), compare_names);
	return 0;
}

/* A template stands for any of its instances. */
static const char *effective_name(struct dmem_units *u, const char *name)
{
	if (!dmem_unit_is_template(name))
		return name;
	return dmem_unit_with_instance(&u->arena, name, ANY_INSTANCE, strlen(ANY_INSTANCE));
}

static const char *type_level(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : NULL;
}

int dmem_units_levels(struct dmem_units *u, const char *name, struct dmem_list *l)
{
	struct dmem_list names = { 0 };

	*l = (struct dmem_list){ 0 };
	name = effective_name(u, name);
	if (!name)
		return -ENOMEM;
	if (!type_level(name))
		return add(u, l, name);
	if (names_of(u, name, &names))
		return -ENOMEM;
	for (size_t i = 0; i < names.n; i++) {
		if (levels_of(u, names.s[i], l))
			return -ENOMEM;
	}
	return add(u, l, type_level(name));
}

static int compare_files(const void *a, const void *b)
{
	return strcmp((*(struct dmem_unit_file * const *)a)->name,
		      (*(struct dmem_unit_file * const *)b)->name);
}

struct files {
	struct dmem_unit_file **f;
	size_t n, first_dropin;
};

static int add_file(struct dmem_units *u, struct files *l, struct dmem_unit_file *f)
{
	struct dmem_unit_file **more = dmem_grow(&u->arena, l->f, l->n, sizeof(*more));

	if (!more)
		return -ENOMEM;
	l->f = more;
	l->f[l->n++] = f;
	return 0;
}

/* The first file of a name hides later ones. */
static int add_dropins(struct dmem_units *u, struct files *l, const struct dmem_dropin_dir *dir)
{
	size_t i, j;

	for (i = 0; i < dir->n; i++) {
		for (j = l->first_dropin; j < l->n; j++) {
			if (!strcmp(l->f[j]->name, dir->file[i].name))
				break;
		}
		if (j == l->n && add_file(u, l, &dir->file[i]))
			return -ENOMEM;
	}
	return 0;
}

/* The search path is the outer loop: for each name, all levels in the first directory come
 * first. */
static int add_level(struct dmem_units *u, struct files *l, const struct dmem_list *levels)
{
	for (int d = 0; d < u->n_dirs; d++) {
		for (size_t i = 0; i < levels->n; i++) {
			struct dmem_unit *unit = dmem_units_find(u, levels->s[i]);

			if (unit && unit->dir[d] && add_dropins(u, l, unit->dir[d]))
				return -ENOMEM;
		}
	}
	return 0;
}

struct dmem_unit *dmem_units_holder(struct dmem_units *u, const char *name)
{
	struct dmem_unit *unit = dmem_units_find(u, name);
	const char *template;

	if (unit && (unit->fragment || unit->masked))
		return unit;
	if (!dmem_unit_is_instance(name))
		return NULL;
	template = dmem_unit_with_instance(&u->arena, name, "", 0);
	unit = template ? dmem_units_find(u, template) : NULL;
	for (int hop = 0; unit && unit->alias_of && hop < 8; hop++)
		unit = dmem_units_find(u, unit->alias_of);
	return unit && (unit->fragment || unit->masked) ? unit : NULL;
}

int dmem_units_masked(struct dmem_units *u, const char *name, bool *masked)
{
	const struct dmem_unit *holder = dmem_units_holder(u, name);

	*masked = holder && holder->masked;
	if (!holder || !holder->fragment)
		return 0;
	if (dmem_units_parse(u, holder->fragment, false))
		return -ENOMEM;
	*masked = holder->fragment->masks;
	return 0;
}

static struct dmem_unit_file *fragment_of(struct dmem_units *u, const char *name)
{
	const struct dmem_unit *holder = dmem_units_holder(u, name);

	return holder ? holder->fragment : NULL;
}

int dmem_units_files(struct dmem_units *u, const char *name, struct dmem_unit_file ***files,
		     size_t *n)
{
	struct dmem_list names = { 0 }, one = { 0 };
	struct dmem_unit_file *fragment;
	struct files l = { 0 };

	name = effective_name(u, name);
	if (!name)
		return -ENOMEM;
	if (!type_level(name)) {
		if (add(u, &one, name) || add_level(u, &l, &one))
			return -ENOMEM;
		goto sort;
	}
	fragment = fragment_of(u, name);
	if (fragment && add_file(u, &l, fragment))
		return -ENOMEM;
	l.first_dropin = l.n;
	if (names_of(u, name, &names))
		return -ENOMEM;
	for (size_t i = 0; i < names.n; i++) {
		struct dmem_list levels = { 0 };

		if (levels_of(u, names.s[i], &levels) || add_level(u, &l, &levels))
			return -ENOMEM;
	}
	if (add(u, &one, type_level(name)) || add_level(u, &l, &one))
		return -ENOMEM;
sort:
	if (l.n)
		qsort(l.f + l.first_dropin, l.n - l.first_dropin, sizeof(*l.f), compare_files);
	*files = l.f;
	*n = l.n;
	return 0;
}
