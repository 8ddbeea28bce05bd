// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the services with a reservation, and the tree of their slices. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reserving.h"

/* ---- one unit ---- */

/* The region that the line of a unit means. NULL: it has no value there, and the unit gets no such
 * limit. */
static const char *region_of(struct dmem_units *u, const char *unit,
			     const struct dmem_section_limit *l)
{
	const char *region = dmem_expand(&u->arena, unit, l->region);

	/* In a slice, a specifier is a mistake that is reported elsewhere. */
	if (!region || (dmem_unit_type(unit) == DMEM_SLICE && dmem_has_specifier(l->region)))
		return NULL;
	/* %I may have any character. */
	return dmem_region_problem(region) ? NULL : region;
}

static int compare_reserved(const void *a, const void *b)
{
	const struct dmem_reserved *x = a, *y = b;
	int order = strcmp(x->region, y->region);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* Two lines with different texts may mean one region. dmem-apply sets both, so the last one of each
 * kind counts. */
static void unite(struct dmem_reserved_list *own)
{
	size_t n = 0;

	if (own->n)
		qsort(own->of, own->n, sizeof(*own->of), compare_reserved);
	for (size_t i = 0; i < own->n; i++) {
		struct dmem_reserved *line = &own->of[i], *to = n ? &own->of[n - 1] : NULL;

		if (!to || strcmp(to->region, line->region)) {
			own->of[n++] = *line;
		} else if (line->has_min) {
			line->max = to->max;
			*to = *line;
		} else {
			to->max = line->max;
		}
	}
	own->n = n;
}

int dmem_reserving_own(struct dmem_units *u, const char *unit, const struct dmem_unit_limits *limits,
		       struct dmem_reserved_list *own)
{
	size_t room = limits->n + 1;

	*own = (struct dmem_reserved_list){
		.of = dmem_alloc(&u->arena, room * sizeof(*own->of)),
		.heap = dmem_alloc(&u->arena, room * sizeof(*own->heap)),
	};
	if (!own->of || !own->heap)
		return -ENOMEM;
	for (size_t i = 0; i < limits->n; i++) {
		const struct dmem_section_limit *l = &limits->limit[i];
		struct dmem_reserved *r = &own->of[own->n];
		struct dmem_value v;

		if ((l->kind != DMEM_MIN && l->kind != DMEM_MAX) || dmem_parse_value(l->value, &v))
			continue;
		*r = (struct dmem_reserved){
			.region = region_of(u, unit, l), .has_min = l->kind == DMEM_MIN, .at = i,
			.max.n = DMEM_NO_LIMIT,
		};
		if (!r->region)
			continue;
		if (r->has_min && dmem_region_heap(r->region)) {
			own->heap[own->n_heaps++] = l;
			continue;
		}
		*(r->has_min ? &r->min : &r->max) = v;
		own->n++;
	}
	unite(own);
	return 0;
}

int dmem_reserving_merge(struct dmem_units *u, const char *slice, const char *program,
			 struct dmem_unit_limits *limits)
{
	struct dmem_unit_file **f;
	size_t n;

	if (dmem_units_files(u, slice, &f, &n))
		return -ENOMEM;
	return dmem_units_merge(u, f, n, false, program, limits);
}

/* ---- services ---- */

/* The name's specifiers that differ between the instances of a template. */
static size_t to_instance(const char *text)
{
	const char *p = text;

	while ((p = strchr(p, '%')) && !(p[1] && strchr("iInN", p[1])))
		p += p[1] ? 2 : 1;
	return p ? (size_t)(p - text) : strlen(text);
}

/* The slice of a service as in systemd. NULL: out of memory, or Slice= has another specifier than
 * those of the unit's name. */
static const char *slice_of(struct dmem_units *u, const char *service, const struct dmem_unit_limits *limits)
{
	const char *at = strchr(service, '@'), *slice, *prefix;

	if (limits->slice) {
		slice = dmem_expand(&u->arena, service, limits->slice);
		return slice && dmem_unit_type(slice) == DMEM_SLICE ? slice : NULL;
	}
	if (!at)
		return "system.slice";
	prefix = dmem_strndup(&u->arena, service, (size_t)(at - service));
	prefix = prefix ? dmem_escape(&u->arena, prefix) : NULL;
	return prefix ? dmem_printf(&u->arena, "system-%s.slice", prefix) : NULL;
}

static int no_slice(struct dmem_units *u, const char *unit, const struct dmem_unit_limits *limits, bool report)
{
	struct dmem_report r = {
		limits->slice_file, limits->slice_line, limits->slice,
		dmem_printf(&u->arena, "is the name of no slice that dmem-generator can know, so no slice counts the "
			    "reservation of %s", unit),
		"write the name of the slice, with specifiers of the unit's name only", true,
	};

	/* Without Slice=, the memory was not enough. */
	if (!limits->slice || !r.what)
		return -ENOMEM;
	if (report && u->report)
		u->report(u->report_data, &r);
	return 0;
}

static int add_pattern(struct dmem_units *u, const char *unit, const char *slice)
{
	struct dmem_slice_pattern *more = dmem_grow(&u->arena, u->pattern, u->n_patterns, sizeof(*more)), p = { 0 };
	size_t begin = to_instance(slice);
	const char *end = slice + begin;

	while (end[to_instance(end)])
		end += to_instance(end) + 2;
	p.unit = unit;
	p.prefix = dmem_strndup(&u->arena, slice, begin);
	p.prefix = p.prefix ? dmem_expand(&u->arena, unit, p.prefix) : NULL;
	p.suffix = dmem_expand(&u->arena, unit, end);
	if (!more || !p.prefix || !p.suffix)
		return -ENOMEM;
	u->pattern = more;
	more[u->n_patterns++] = p;
	return 0;
}

static bool reserves(const struct dmem_unit_limits *limits)
{
	size_t i = 0;

	while (i < limits->n && limits->limit[i].kind != DMEM_MIN)
		i++;
	return i < limits->n;
}

static bool is_service(struct dmem_units *u, const struct dmem_unit *unit)
{
	return unit->type == DMEM_SERVICE && !unit->alias_of && !unit->masked && !dmem_unit_is_level(u, unit) &&
	       !dmem_unit_is_ours(unit->name) && !dmem_unit_is_transient(unit);
}

/* Adds the service if it has a reservation that can be set. */
static int add_service(struct dmem_units *u, const struct dmem_unit *unit, const char *program, bool report)
{
	struct dmem_reserving *more, r = {
		.unit = unit->name, .template = dmem_unit_is_template(unit->name),
	};
	struct dmem_unit_limits limits;
	struct dmem_unit_file **f;
	bool masked = false;
	size_t n;

	if (dmem_units_files(u, unit->name, &f, &n) ||
	    dmem_units_merge(u, f, n, false, program, &limits))
		return -ENOMEM;
	if (!reserves(&limits))
		return 0;
	/* Its slice may be in a file without a section. */
	if (dmem_units_masked(u, unit->name, &masked) || dmem_units_merge(u, f, n, true, program, &limits))
		return -ENOMEM;
	if (masked || dmem_unit_limits_obstacle(&limits))
		return 0;
	r.slice = slice_of(u, unit->name, &limits);
	if (!r.slice)
		return no_slice(u, unit->name, &limits, report);
	if (r.template && limits.slice && limits.slice[to_instance(limits.slice)])
		return add_pattern(u, unit->name, limits.slice);
	more = dmem_grow(&u->arena, u->reserving, u->n_reserving, sizeof(*more));
	if (!more || dmem_reserving_own(u, unit->name, &limits, &r.own))
		return -ENOMEM;
	u->reserving = more;
	more[u->n_reserving++] = r;
	return 0;
}

/* ---- slices ---- */

/* Adds the slice and those above it, which get the settings of slice.d/ and of prefixes. *@slice is
 * NULL for a name that is not that of a slice after all: systemd ignores it, too. */
static int add_slice(struct dmem_units *u, const char *name, struct dmem_slice **slice)
{
	const char *dash = memrchr(name, '-', (size_t)(strrchr(name, '.') - name));
	struct dmem_slice *new, *parent = NULL;
	struct dmem_unit *unit;
	bool masked;
	int ret = dmem_units_add(u, name, &unit);

	*slice = ret ? NULL : unit->slice;
	if (ret || *slice)
		return ret == -EINVAL ? 0 : ret;
	new = dmem_alloc(&u->arena, sizeof(*new));
	if (!new || dmem_units_masked(u, name, &masked))
		return -ENOMEM;
	new->name = unit->name;
	new->left_out = masked || unit->alias_of || dmem_unit_is_level(u, unit) || dmem_unit_is_transient(unit);
	*slice = unit->slice = new;
	if (!dash || dash == name)
		return 0;
	name = dmem_printf(&u->arena, "%.*s.slice", (int)(dash - name), name);
	ret = name ? add_slice(u, name, &parent) : -ENOMEM;
	if (!ret && parent) {
		new->next = parent->child;
		parent->child = new;
	}
	return ret;
}

static int add_slices(struct dmem_units *u)
{
	struct dmem_slice *slice;
	size_t n = u->n_units;

	for (size_t i = 0; i < n; i++) {
		struct dmem_unit *unit = u->unit[i];

		if (unit->type == DMEM_SLICE && !unit->type_level && !unit->alias_of && add_slice(u, unit->name, &slice))
			return -ENOMEM;
	}
	/* Each is put in front of those that are there: the first one comes first in the end. */
	for (size_t i = u->n_reserving; i--;) {
		struct dmem_reserving *r = &u->reserving[i];

		if (add_slice(u, r->slice, &slice))
			return -ENOMEM;
		if (!slice)
			continue;
		r->next = slice->service;
		slice->service = r;
	}
	return 0;
}

static int compare_patterns(const void *a, const void *b)
{
	const struct dmem_slice_pattern *x = a, *y = b;
	int order = strcmp(x->prefix, y->prefix);

	return order ? order : strcmp(x->unit, y->unit);
}

int dmem_reserving_find(struct dmem_units *u, const char *program, bool report)
{
	size_t n = u->n_units;
	int ret = 0;

	if (u->reserving_known)
		return 0;
	for (size_t i = 0; i < n && !ret; i++) {
		if (is_service(u, u->unit[i]))
			ret = add_service(u, u->unit[i], program, report);
	}
	if (!ret)
		ret = add_slices(u);
	if (u->n_patterns)
		qsort(u->pattern, u->n_patterns, sizeof(*u->pattern), compare_patterns);
	u->reserving_known = !ret;
	return ret;
}

/* ---- templates ---- */

/* The first pattern whose prefix is not before the first @len bytes of @name. */
static size_t first_pattern(const struct dmem_units *u, const char *name, size_t len)
{
	size_t low = 0, high = u->n_patterns;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strncmp(u->pattern[mid].prefix, name, len) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len > n && !strcmp(name + len - n, end);
}

/* Sorted by prefix, the patterns with one prefix are neighbours. So each prefix of the name is looked
 * up, and then, for a level, all longer ones. */
struct dmem_slice_pattern *dmem_reserving_pattern(struct dmem_units *u, const char *slice, bool level,
						  size_t *at, size_t *len)
{
	const char *dot = strrchr(slice, '.');
	size_t stem = dot ? (size_t)(dot - slice) : 0;

	for (; u->n_patterns && *len <= stem; (*len)++, *at = 0) {
		struct dmem_slice_pattern *p;

		if (!*at)
			*at = first_pattern(u, slice, *len) + 1;
		while (*at <= u->n_patterns) {
			p = &u->pattern[*at - 1];
			if (strncmp(p->prefix, slice, *len) || (p->prefix[*len] && !(level && *len == stem)))
				break;
			(*at)++;
			if (level || ends_with(slice + *len, p->suffix))
				return p;
		}
	}
	return NULL;
}
