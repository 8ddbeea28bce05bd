// SPDX-License-Identifier: GPL-2.0-or-later
/* Compares the limits in the units' files with those in force. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "units/payload.h"
#include "units/word.h"
#include "doctor.h"

static const enum dmem_figure figures[DMEM_KINDS] = { DMEM_F_MAX, DMEM_F_MIN, DMEM_F_LOW };

/* The index of the region that a section names, or the number of regions if there is none. */
static size_t meant(const struct doctor *d, const char *name)
{
	size_t i = 0;

	name = dmem_regions_meant(&d->regions, name);
	while (i < d->regions.n && strcmp(d->regions.region[i].name, name))
		i++;
	return i;
}

/* The kernel rounds down to whole pages. */
static bool same(uint64_t wanted, uint64_t is)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return is == wanted || (wanted != DMEM_NO_LIMIT && is == wanted - wanted % page);
}

/* The command that sets the limits of the section now. */
static const char *apply(struct doctor *d, const char *unit)
{
	const char *word = doctor_word(d, unit);

	return word ? dmem_printf(d->arena, "dmemctl apply %s", word) : NULL;
}

static void say_no_region(struct doctor *d, const char *unit, const struct dmem_limit *l)
{
	struct dmem_text t = { 0 };
	const char *cmdline = dmem_sys_read(&d->sys, "proc/cmdline", &t) ? NULL : t.s, *why;

	if (dmem_region_renamed(d->arena, &d->regions, cmdline, l->region, &why))
		d->err = -ENOMEM;
	else
		doctor_say(d, l->sum ? NOTE : PROBLEM, unit,
			   why ? why : doctor_is_never(d, l->region) ? DMEM_PLAIN_REMEDY :
			   "see lsdmem for the names, and load the driver of the region",
			   "%s %s, which is not a region", l->sum ? "units in it reserve" : "its section limits",
			   l->region);
	dmem_text_free(&t);
}

static void check_limit(struct doctor *d, const char *unit, const struct dmem_node *n,
			const struct dmem_limit *l)
{
	const char *remedy = apply(d, unit);
	size_t region = meant(d, l->region);
	uint64_t wanted, is;

	if (!remedy) {
		d->err = -ENOMEM;
		return;
	}
	if (region == d->regions.n) {
		say_no_region(d, unit, l);
		return;
	}
	wanted = dmem_resolve_value(&l->value, d->regions.region[region].capacity);
	is = dmem_tree_figure(&d->tree, n, region, figures[l->kind]);
	if (is == DMEM_UNKNOWN || same(wanted, is))
		return;
	doctor_say(d, PROBLEM, unit, remedy, "its section sets %s=%s, but dmem.%s of %s is %s",
		   dmem_kind_names[l->kind], l->text, dmem_kind_names[l->kind],
		   d->regions.region[region].name, doctor_size_beside(is, wanted));
}

static const char *start_setter(struct doctor *d, const char *slice)
{
	const char *setter = dmem_printf(d->arena, "dmem-slice@%.*s.service", (int)(strrchr(slice, '.') - slice), slice);

	setter = setter ? doctor_word(d, setter) : NULL;
	return setter ? dmem_printf(d->arena, "systemctl start %s", setter) : NULL;
}

static const char *clear_min(struct doctor *d, const struct dmem_node *n, const char *region)
{
	char path[4096] = "/";
	const char *option = dmem_printf(d->arena, "--min=%s=0", region), *word;

	if (!option || dmem_node_path(n, path + 1, sizeof(path) - 1) >= sizeof(path) - 1)
		return NULL;
	option = doctor_word(d, option);
	word = doctor_word(d, path);
	return option && word ? dmem_printf(d->arena, "dmemctl set %s %s", word, option) : NULL;
}

/* Reports a reservation of a slice that no unit in it needs any more. The service that sets the
 * slice's limits removes it, if it is not one for a prefix of slices. */
static void check_left(struct doctor *d, const char *unit, const struct dmem_node *n, const struct section *s,
		       size_t region)
{
	uint64_t is = dmem_tree_figure(&d->tree, n, region, DMEM_F_MIN);
	const char *remedy;

	for (size_t i = 0; i < s->n; i++) {
		if (s->limit[i].kind == DMEM_MIN && meant(d, s->limit[i].region) == region)
			return;
	}
	if (!is || is == DMEM_UNKNOWN)
		return;
	remedy = strstr(s->merged.propagate_file, unit) ? start_setter(d, unit) :
		 clear_min(d, n, d->regions.region[region].name);
	if (!remedy)
		d->err = -ENOMEM;
	else
		doctor_say(d, NOTE, unit, remedy, "reserves %s of %s, which no unit in it reserves any more",
			   doctor_size(is), d->regions.region[region].name);
}

static void check_running(struct doctor *d, const char *unit, const struct dmem_node *n,
			  const struct section *s)
{
	const char *remedy = apply(d, unit);

	if (!remedy)
		d->err = -ENOMEM;
	else if (!n->figure && s->n)
		doctor_say(d, PROBLEM, unit, remedy,
			   "has a section, but the controller is not enabled for its cgroup");
	for (size_t i = 0; n->figure && i < s->n; i++) {
		if (section_counts(s, i, &d->regions))
			check_limit(d, unit, n, &s->limit[i]);
	}
	for (size_t r = 0; n->figure && s->merged.propagate && dmem_unit_type(unit) == DMEM_SLICE &&
	     r < d->regions.n; r++)
		check_left(d, unit, n, s, r);
}

/* Checks the files, whether the unit runs or not. */
static void check_files(struct doctor *d, const char *unit, const struct section *s)
{
	const struct dmem_obstacle *o = dmem_unit_limits_obstacle(&s->merged);
	const char *where;

	if (s->merged.mistake_file) {
		where = dmem_printf(d->arena, "%s:%u", s->merged.mistake_file, s->merged.mistake_line);
		if (where)
			doctor_say(d, PROBLEM, unit, "see dmemctl verify",
				   "its section has a mistake in %s", where);
	}
	if (s->unusable)
		doctor_say(d, PROBLEM, unit, "write the full name of the region",
			   "%zu limit%s of its section cannot be used: names in a slice's section "
			   "have no specifiers", s->unusable, s->unusable == 1 ? "" : "s");
	if (o && dmem_unit_type(unit) == DMEM_SERVICE)
		doctor_say(d, PROBLEM, unit, "limit its slice",
			   "%s= in %s:%u keeps limits from being set inside it", o->key, o->file,
			   o->line);
}

/* Reports a limit of a container engine: it applies to the daemon, but not to the containers. */
static void check_payload(struct doctor *d, const char *unit, const struct section *s)
{
	struct dmem_payload p = { 0 };
	size_t i = 0;
	int ret = 0;

	/* A limit for all services is meant for the daemon, too. */
	while (i < s->merged.n && strstr(s->merged.limit[i].file, "/service.d/"))
		i++;
	if (i < s->merged.n)
		ret = dmem_units_payload(&d->units, unit, &p);
	if (ret)
		d->err = ret;
	else if (p.what)
		doctor_say(d, NOTE, unit, p.remedy, "its limit does not apply to its %s", p.what);
}

static void check_unit(struct doctor *d, const char *unit, const struct dmem_node *n)
{
	struct section s;
	int ret = section_read(d->c, &d->units, unit, &s);

	if (ret) {
		d->err = ret;
		return;
	}
	if (!s.n && !s.unusable && !s.merged.mistake_file && !s.merged.propagate)
		return;
	d->sections = true;
	check_files(d, unit, &s);
	if (dmem_unit_type(unit) == DMEM_SERVICE)
		check_payload(d, unit, &s);
	if (n)
		check_running(d, unit, n, &s);
}

/* The unit whose cgroup @n is, or NULL for a cgroup inside a unit. */
static const char *unit_of(struct doctor *d, const struct dmem_node *n)
{
	char path[4096];
	const char *unit;
	size_t len;

	if (!n->parent || dmem_node_path(n, path, sizeof(path)) >= sizeof(path))
		return NULL;
	unit = dmem_cgroup_unit(path, &len);
	if (!unit || unit[len])
		return NULL;
	unit = dmem_strdup(d->arena, unit);
	if (!unit)
		d->err = -ENOMEM;
	return unit;
}

bool doctor_is_later(const struct doctor *d, size_t region)
{
	const struct dmem_region *g = &d->regions.region[region];

	return g->listed && strcmp(g->listed, g->name);
}

/* The argument of dmemctl set for a cgroup: its unit, if set accepts the type, or its path. */
static const char *target(struct doctor *d, const struct dmem_node *n)
{
	const char *unit = unit_of(d, n), *whole;
	int type = unit ? dmem_unit_type(unit) : -1;
	char path[4096];

	if (type == DMEM_SERVICE || type == DMEM_SLICE)
		return doctor_word(d, unit);
	if (type == DMEM_SCOPE) {
		whole = doctor_word(d, unit);
		return whole ? dmem_printf(d->arena, "--runtime %s", whole) : NULL;
	}
	dmem_node_path(n, path, sizeof(path));
	whole = d->err ? NULL : dmem_printf(d->arena, "/%s", path);
	return whole ? doctor_word(d, whole) : NULL;
}

const char *doctor_limit(struct doctor *d, const struct dmem_node *n, size_t region)
{
	const char *whom;

	if (doctor_is_later(d, region))
		return DOCTOR_OLD_DEVICE;
	whom = target(d, n);
	return whom ? dmem_printf(d->arena, "dmemctl set %s --max=%s=SIZE", whom,
				  d->regions.region[region].name) : NULL;
}

void doctor_units(struct doctor *d)
{
	struct dmem_unit **unit;
	size_t n_units;

	/* Running units, with the instances of templates. */
	for (const struct dmem_node *n = d->tree.root; n && !d->err; n = dmem_tree_next(n)) {
		const char *name = unit_of(d, n);
		struct dmem_unit *u = name ? dmem_units_find(&d->units, name) : NULL;

		if (u)
			u->user = u;
		if (name &&
		    (dmem_unit_type(name) == DMEM_SERVICE || dmem_unit_type(name) == DMEM_SLICE))
			check_unit(d, name, n);
	}
	unit = section_units(&d->units, &n_units);
	if (!unit)
		d->err = -ENOMEM;
	for (size_t i = 0; i < n_units && !d->err; i++)
		check_unit(d, unit[i]->name, NULL);
}
