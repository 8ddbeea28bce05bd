// SPDX-License-Identifier: GPL-2.0-or-later
/* The sections of a unit as limits that can be set. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "section.h"

#define HELPER	"/usr/libexec/dmem-apply"

static void report(void *data, const struct dmem_report *r)
{
	struct ctl *c = data;

	cli_error(&c->cli, "%s:%u: '%s' %s: %s", r->file, r->line, r->word, r->what, r->remedy);
}

static void ignore(void *data, const struct dmem_report *r)
{
	(void)data;
	(void)r;
}

int section_load(struct ctl *c, struct dmem_units *u, bool quiet)
{
	const char *path = c->sysroot ? NULL : getenv("SYSTEMD_UNIT_PATH");
	int ret = dmem_units_load(u, c->sysroot ? c->sysroot : "", path, quiet ? ignore : report,
				  c);

	if (ret)
		cli_error(&c->cli, "%s: cannot read the unit files: %s",
			  c->sysroot ? c->sysroot : "/",
			  strerror(-ret));
	return ret;
}

/* An instance of dmem-slice@.service sets the limits of a slice, so that specifiers in their names
 * would be those of the service. */
const char *section_region(struct dmem_arena *a, const char *unit, const char *region)
{
	for (const char *p = strchr(region, '%'); p; p = strchr(p + 2, '%')) {
		if (p[1] != '%' && dmem_unit_type(unit) == DMEM_SLICE)
			return NULL;
	}
	return dmem_expand(a, unit, region);
}

/* Converts the texts of the files to limits. */
static int take(struct ctl *c, struct dmem_units *u, const char *unit, struct section *s)
{
	s->limit = dmem_alloc(&u->arena, (s->merged.n + 1) * sizeof(*s->limit));
	if (!s->limit)
		return -ENOMEM;
	for (size_t i = 0; i < s->merged.n; i++) {
		const struct dmem_section_limit *limit = &s->merged.limit[i];
		const char *region = section_region(&u->arena, unit, limit->region);
		const char *text = region ?
			dmem_printf(&u->arena, "%s=%s", region, limit->value) : NULL;

		if (text &&
		    dmem_limit_parse(&u->arena, limit->kind, text, &s->limit[s->n]) == DMEM_OK) {
			s->limit[s->n++].sum = limit->sum;
			continue;
		}
		s->unusable++;
		cli_error(&c->cli,
			  "%s: invalid region name '%s': write the full name, without a specifier",
			  unit, limit->region);
	}
	return 0;
}

int section_read(struct ctl *c, struct dmem_units *u, const char *unit, struct section *s)
{
	int ret;

	*s = (struct section){ 0 };
	ret = dmem_units_limits_of(u, unit, HELPER, &s->merged);
	return ret ? ret : take(c, u, unit, s);
}

static bool is_dropin(const struct dmem_unit_file *f)
{
	size_t len = strlen(f->name);

	return len > 5 && !strcmp(f->name + len - 5, ".conf");
}

int section_plan(struct ctl *c, struct dmem_units *u, const char *unit,
		 struct dmem_unit_file *dropin, struct section *s)
{
	struct dmem_unit_file **f, **all;
	size_t n, at = 0, after;
	int ret = dmem_units_files(u, unit, &f, &n);

	*s = (struct section){ 0 };
	if (ret)
		return ret;
	all = dmem_alloc(&u->arena, (n + 1) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	/* Drop-ins come sorted by name, behind the unit file. */
	while (at < n && (!is_dropin(f[at]) || strcmp(f[at]->name, dropin->name) < 0))
		at++;
	/* A file of this name is the former drop-in, or another one that the new one hides. */
	after = at < n && !strcmp(f[at]->name, dropin->name) ? at + 1 : at;
	for (size_t i = 0; i < at; i++)
		all[i] = f[i];
	all[at] = dropin;
	for (size_t i = after; i < n; i++)
		all[at + 1 + i - after] = f[i];
	ret = dmem_units_merge(u, all, n + 1 - (after - at), true, HELPER, &s->merged);
	if (!ret)
		ret = dmem_units_propagate(u, unit, HELPER, false, &s->merged);
	return ret ? ret : take(c, u, unit, s);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct dmem_unit * const *)a)->name,
		      (*(struct dmem_unit * const *)b)->name);
}

struct dmem_unit **section_units(struct dmem_units *u, size_t *n)
{
	struct dmem_unit **list = dmem_alloc(&u->arena, (u->n_units + 1) * sizeof(*list));

	*n = 0;
	for (size_t i = 0; list && i < u->n_units; i++) {
		struct dmem_unit *unit = u->unit[i];

		if (!unit->alias_of && !unit->masked && !unit->type_level && !unit->user &&
		    (unit->type == DMEM_SERVICE || unit->type == DMEM_SLICE))
			list[(*n)++] = unit;
	}
	if (*n)
		qsort(list, *n, sizeof(*list), by_name);
	return list;
}

bool section_counts(const struct section *s, size_t i, const struct dmem_regions *r)
{
	const char *region = dmem_regions_meant(r, s->limit[i].region);

	for (size_t k = i + 1; k < s->n; k++) {
		if (s->limit[k].kind == s->limit[i].kind &&
		    !strcmp(dmem_regions_meant(r, s->limit[k].region), region))
			return false;
	}
	return true;
}
