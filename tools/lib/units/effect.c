// SPDX-License-Identifier: GPL-2.0-or-later
/* Combines the sections of a unit's files, and finds mistakes in their combination. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "placement.h"
#include "units.h"

static void complain(struct dmem_units *u, const char *file, unsigned int line, const char *word,
		     const char *what, const char *remedy)
{
	struct dmem_report r = { file, line, word, what, remedy, false };

	if (u->report && word && what)
		u->report(u->report_data, &r);
}

/* Warns of a unit whose own user can keep the limit from being set. */
static void warn_of_user(struct dmem_units *u, const struct dmem_unit *unit, const struct dmem_obstacle *o)
{
	struct dmem_report r = {
		.file = o->file, .line = o->line, .word = dmem_printf(&u->arena, "%s=", o->key),
		.what = dmem_printf(&u->arena, "depends on a path that not only root controls: the "
				    "user of %s can keep its limit from being set", unit->name),
		.remedy = "add " DMEM_STRICT_KEY "=yes, or limit the slice", .warning = true,
	};

	if (u->report && r.word && r.what)
		u->report(u->report_data, &r);
}

bool dmem_unit_is_ours(const char *name)
{
	if (dmem_unit_type(name) != DMEM_SERVICE)
		return false;
	return !strncmp(name, "dmem-slice@", 11) || !strcmp(name, "dmem-controller.service") ||
	       (!strncmp(name, "dmem-slice-", 11) && strchr(name, '@'));
}

/* Reports files that hide or undo the drop-in of dmem-generator. */
static void check_dropins(struct dmem_units *u, struct dmem_unit_file **f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct dmem_section *s = &f[i]->section;
		int order = strcmp(f[i]->name, DMEM_DROPIN);

		if (f[i]->told)
			continue;
		f[i]->told = true;
		if (!order)
			complain(u, f[i]->path, 0, DMEM_DROPIN,
				 "hides the limits that dmem-generator writes",
				 "give it another name");
		else if (order > 0 && f[i]->state == PARSED && s->clears_line)
			complain(u, f[i]->path, s->clears_line, "ExecCondition=",
				 "removes the limits of this unit",
				 "give the file a name that sorts before " DMEM_DROPIN);
	}
}

/* Reports a section in a unit that cannot have limits. */
static int check_place(struct dmem_units *u, const struct dmem_unit *unit, struct dmem_unit_file *f)
{
	struct dmem_place p = { 0 };
	const struct dmem_section *s = &f->section;
	size_t len;
	char *text;
	int ret;

	if (f->told || f->state != PARSED || !s->present)
		return 0;
	f->told = true;
	if (unit->type == DMEM_SLICE) {
		complain(u, f->path, s->line, unit->name,
			 "is the root slice, which cannot have limits",
			 "limit the slices below it");
		return 0;
	}
	ret = dmem_units_read(u, f, &text, &len);
	if (!ret)
		ret = dmem_place_type(&u->arena, unit->name, text ? text : "", len, &p);
	free(text);
	if (p.what)
		complain(u, f->path, s->line, "[" DMEM_SECTION "]", p.what, p.remedy);
	return ret;
}

static int check_places(struct dmem_units *u, const struct dmem_unit *unit, struct dmem_unit_file **f,
			size_t n)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++) {
		/* slice.d/ also applies to the root slice, which is no mistake. */
		if (unit->type != DMEM_SLICE || !strstr(f[i]->path, "/slice.d/"))
			ret = check_place(u, unit, f[i]);
	}
	return ret;
}

bool dmem_has_specifier(const char *region)
{
	const char *p = strchr(region, '%');

	while (p && p[1] == '%')
		p = strchr(p + 2, '%');
	return p;
}

/* Takes out names that depend on the unit: an instance of dmem-slice@.service sets the limits of a
 * slice, and would replace the specifiers by its own names. */
static void drop_specifiers(struct dmem_units *u, struct dmem_unit_limits *limits)
{
	size_t kept = 0;

	for (size_t i = 0; i < limits->n; i++) {
		const struct dmem_section_limit *c = &limits->limit[i];

		if (!dmem_has_specifier(c->region)) {
			limits->limit[kept++] = *c;
			continue;
		}
		complain(u, c->file, c->line, c->region,
			 "has a specifier in the section of a slice",
			 "write the full name of the region");
		if (!limits->mistake_file) {
			limits->mistake_file = c->file;
			limits->mistake_line = c->line;
		}
	}
	limits->n = kept;
}

static enum dmem_effect service_effect(struct dmem_units *u, const struct dmem_unit *unit,
				       const struct dmem_unit_limits *limits)
{
	const struct dmem_obstacle *o = dmem_unit_limits_obstacle(limits);

	if (!o) {
		o = dmem_unit_limits_shaped(limits);
		if (o)
			warn_of_user(u, unit, o);
		return DMEM_LIMITS;
	}
	complain(u, o->file, o->line, dmem_printf(&u->arena, "%s=", o->key),
		 dmem_printf(&u->arena, "keeps the limits from being set inside %s", unit->name),
		 "limit its slice");
	return limits->strict ? DMEM_REFUSAL : DMEM_NOTHING;
}

/* A file that cannot be read counts as a mistake: its settings are unknown. */
static void check_unreadable(struct dmem_unit_limits *limits, struct dmem_unit_file **f, size_t n)
{
	for (size_t i = 0; i < n && !limits->mistake_file; i++) {
		if (f[i]->unreadable)
			limits->mistake_file = f[i]->path;
	}
}

/* Reports the setting of slices in a service, once for each file. */
static void check_propagate(struct dmem_units *u, struct dmem_unit_file **f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct dmem_section *s = &f[i]->section;

		if (f[i]->told_propagate || f[i]->state != PARSED || !s->propagate_line)
			continue;
		f[i]->told_propagate = true;
		complain(u, f[i]->path, s->propagate_line, DMEM_PROPAGATE_KEY "=",
			 "has no effect in a service", "write it in the slice that contains the service");
	}
}

/* The sum for a prefix or a type is not one number: each slice has its own. */
static bool propagates(struct dmem_units *u, const struct dmem_unit *unit, const struct dmem_unit_limits *limits)
{
	return unit->type == DMEM_SLICE && limits->propagate && !dmem_unit_is_level(u, unit);
}

int dmem_units_effect(struct dmem_units *u, struct dmem_unit *unit, const char *program,
		      struct dmem_unit_limits *limits, enum dmem_effect *effect)
{
	struct dmem_unit_file **f;
	bool masked;
	size_t n;

	*effect = DMEM_NOTHING;
	*limits = (struct dmem_unit_limits){ 0 };
	if (dmem_unit_is_ours(unit->name))
		return 0;
	if (dmem_units_files(u, unit->name, &f, &n) ||
	    dmem_units_merge(u, f, n, false, program, limits))
		return -ENOMEM;
	if (unit->type == DMEM_SERVICE)
		check_propagate(u, f, n);
	if ((unit->type != DMEM_SERVICE && unit->type != DMEM_SLICE) || !strcmp(unit->name, "-.slice"))
		return check_places(u, unit, f, n);
	if (!dmem_unit_limits_any(limits) && !propagates(u, unit, limits))
		return dmem_units_propagate(u, unit->name, program, true, limits);
	/* There are limits, so the other settings of these files matter. */
	if (dmem_units_merge(u, f, n, true, program, limits) || dmem_units_masked(u, unit->name, &masked))
		return -ENOMEM;
	if (masked)
		return 0;
	check_dropins(u, f, n);
	check_unreadable(limits, f, n);
	if (unit->type == DMEM_SERVICE) {
		limits->propagate = false;
		*effect = service_effect(u, unit, limits);
		return 0;
	}
	drop_specifiers(u, limits);
	*effect = DMEM_LIMITS;
	return dmem_units_propagate(u, unit->name, program, true, limits);
}

/* Drop-ins in foo-@x.service.d/ apply to the instance x of all templates with that prefix, so these
 * instances differ from their templates. */
static int add_instances(struct dmem_units *u, const struct dmem_unit *of)
{
	const char *instance = dmem_unit_instance(of->name);
	size_t n = u->n_units, prefix, len;
	struct dmem_unit *added;
	int ret;

	if (!dmem_unit_is_instance(of->name) || instance - of->name < 2 || instance[-2] != '-')
		return 0;
	prefix = (size_t)(instance - 1 - of->name);
	len = (size_t)(strrchr(instance, '.') - instance);
	for (size_t i = 0; i < n; i++) {
		const char *t = u->unit[i]->name, *name;

		if (strncmp(t, of->name, prefix) || !dmem_unit_is_template(t))
			continue;
		if (u->unit[i]->alias_of)
			t = u->unit[i]->alias_of;
		name = dmem_unit_with_instance(&u->arena, t, instance, len);
		ret = name ? dmem_units_add(u, name, &added) : -ENOMEM;
		if (ret)
			return ret;
	}
	return 0;
}

/* An instance with a unit file: by an alias of its template, systemd makes another unit from the
 * template. */
static int add_by_alias(struct dmem_units *u, const struct dmem_unit *of)
{
	const char *instance = dmem_unit_instance(of->name), *name;
	const struct dmem_unit *template;
	struct dmem_unit *added;
	int ret;

	if (!dmem_unit_is_instance(of->name) || (!of->fragment && !of->masked))
		return 0;
	name = dmem_unit_with_instance(&u->arena, of->name, "", 0);
	if (!name)
		return -ENOMEM;
	template = dmem_units_find(u, name);
	for (size_t i = 0; template && i < template->n_alias; i++) {
		if (!dmem_unit_is_template(template->alias[i]->name))
			continue;
		name = dmem_unit_with_instance(&u->arena, template->alias[i]->name, instance,
					       (size_t)(strrchr(instance, '.') - instance));
		ret = name ? dmem_units_add(u, name, &added) : -ENOMEM;
		if (ret)
			return ret;
	}
	return 0;
}

int dmem_units_add_unnamed(struct dmem_units *u, const char *program)
{
	/* Units that exist without a file, or that general settings must not reach. */
	static const char * const always[] = {
		"-.slice", "system.slice", "dmem-slice@.service", "dmem-slice-@.service",
		"dmem-controller.service",
	};
	struct dmem_unit *added;
	size_t n = u->n_units;
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++) {
		ret = add_instances(u, u->unit[i]);
		if (!ret)
			ret = add_by_alias(u, u->unit[i]);
	}
	/* Services that have just been added count, too. */
	if (!ret)
		ret = dmem_units_add_slices(u, program);
	for (size_t i = 0; i < sizeof(always) / sizeof(*always) && !ret; i++)
		ret = dmem_units_add(u, always[i], &added);
	return ret;
}
