// SPDX-License-Identifier: GPL-2.0-or-later
/* Sections that dmem-generator does not read, or that have no effect in their unit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "units/placement.h"
#include "doctor.h"

static void say_place(struct doctor *d, const char *path, const struct dmem_place *p)
{
	const char *where = dmem_printf(d->arena, "%s:%u", path, p->line);

	if (where)
		doctor_say(d, PROBLEM, where, p->remedy, "[" DMEM_SECTION "] %s", p->what);
	else
		d->err = -ENOMEM;
}

static int check_place(void *data, const char *path, const char *text, size_t len,
		       const struct dmem_place *p)
{
	struct doctor *d = data;

	(void)text;
	(void)len;
	if (p->what)
		say_place(d, path, p);
	return d->err;
}

static void cannot_read(void *data, const char *path, int err)
{
	if (err == E2BIG)
		doctor_say(data, NOTE, path, "check its unit files by dmemctl verify FILE",
			   "the file or directory is too large to be read");
	else
		doctor_say(data, NOTE, path, "run as root", "cannot be read: %s", strerror(err));
}

/* Reports sections of a unit whose type has no limits. */
static void check_type(struct doctor *d, const struct dmem_unit *u, struct dmem_unit_file *f)
{
	struct dmem_place p = { 0 };
	size_t len;
	char *text;
	int ret = dmem_units_parse(&d->units, f, false);

	if (ret)
		d->err = ret;
	if (ret || f->state != PARSED || !f->section.present)
		return;
	ret = dmem_units_read(&d->units, f, &text, &len);
	if (!ret)
		ret = dmem_place_type(d->arena, u->name, text ? text : "", len, &p);
	free(text);
	if (ret) {
		d->err = ret;
	} else if (p.what) {
		p.line = f->section.line;
		say_place(d, f->path, &p);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct dmem_unit * const *)a)->name,
		      (*(struct dmem_unit * const *)b)->name);
}

static void check_types(struct doctor *d)
{
	size_t n = d->units.n_units;

	if (n)
		qsort(d->units.unit, n, sizeof(*d->units.unit), by_name);
	for (size_t i = 0; i < n && !d->err; i++) {
		struct dmem_unit *u = d->units.unit[i];

		if (u->type == DMEM_SERVICE || u->type == DMEM_SLICE)
			continue;
		if (u->fragment)
			check_type(d, u, u->fragment);
		for (int k = 0; k < d->units.n_dirs && !d->err; k++) {
			for (size_t f = 0; u->dir[k] && f < u->dir[k]->n && !d->err; f++)
				check_type(d, u, &u->dir[k]->file[f]);
		}
	}
}

void doctor_places(struct doctor *d)
{
	int ret;

	check_types(d);
	ret = dmem_places_scan(&d->units, check_place, cannot_read, d);
	if (ret)
		d->err = ret;
}
