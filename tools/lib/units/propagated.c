// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DeviceMemoryMinPropagate=: the reservation of a slice is the larger one of its own and the sum of
 * those in it.
 *
 * The sum is that of the files, not that of the running units. So it is the same at each start,
 * nothing can be added twice, and a service that starts late finds its memory reserved.
 */
#include <errno.h>
#include <string.h>

#include "units.h"

struct dmem_reserving {
	const char *unit, *slice;
	bool template;
	struct dmem_unit_limits limits;
};

/* The reservations of all units in one slice for one region. */
struct sum {
	const char *region;	/* without specifiers */
	struct dmem_value value;
	bool mixed;		/* of sizes and percentages */
};

struct sums {
	struct sum *sum;
	size_t n;
	const struct dmem_section_limit *heap;	/* one that cannot be added, or NULL */
};

bool dmem_unit_is_level(const struct dmem_unit *unit)
{
	const char *at = strchr(unit->name, '@'), *end = at ? at : strrchr(unit->name, '.');

	/* A unit file may have such a name, but no unit has only drop-ins of it. */
	return unit->type_level || !end || (!unit->fragment && end > unit->name && end[-1] == '-');
}

/* ---- arithmetic ---- */

static bool is_max(const struct dmem_value *v)
{
	return !v->percent && v->n == DMEM_NO_LIMIT;
}

/* True if one of them is larger in every region. */
static bool comparable(const struct dmem_value *x, const struct dmem_value *y)
{
	return x->percent == y->percent || is_max(x) || is_max(y) || !x->n || !y->n;
}

static bool larger(const struct dmem_value *x, const struct dmem_value *y)
{
	if (is_max(x) || is_max(y))
		return !is_max(y);
	return x->n > y->n;
}

static struct dmem_value plus(const struct dmem_value *x, const struct dmem_value *y)
{
	struct dmem_value v = { .percent = x->n ? x->percent : y->percent };

	if (is_max(x) || is_max(y) || __builtin_add_overflow(x->n, y->n, &v.n) ||
	    (v.percent && v.n > 10000))
		return (struct dmem_value){ .n = DMEM_NO_LIMIT };
	return v;
}

static const char *text_of(struct dmem_arena *a, const struct dmem_value *v)
{
	static const char * const units[] = { "", "K", "M", "G" };
	unsigned long long n = v->n;
	size_t unit = 0;

	if (is_max(v))
		return "max";
	if (v->percent)
		return dmem_printf(a, "%llu.%02llu%%", n / 100, n % 100);
	for (; n && !(n % 1024) && unit < 3; unit++)
		n /= 1024;
	return dmem_printf(a, "%llu%s", n, units[unit]);
}

/* ---- units ---- */

static bool above(const char *slice, size_t *len)
{
	const char *dash = memrchr(slice, '-', (size_t)(strrchr(slice, '.') - slice));

	*len = dash && dash != slice ? (size_t)(dash - slice) : 0;
	return *len;
}

static bool is_in(const char *slice, const char *parent)
{
	size_t len;

	return above(slice, &len) && !strncmp(slice, parent, len) && !strcmp(parent + len, ".slice");
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

static bool reserves(const struct dmem_unit_limits *limits)
{
	size_t i = 0;

	while (i < limits->n && limits->limit[i].kind != DMEM_MIN)
		i++;
	return i < limits->n;
}

static bool is_service(const struct dmem_unit *unit)
{
	return unit->type == DMEM_SERVICE && !unit->alias_of && !unit->masked && !dmem_unit_is_level(unit) &&
	       !dmem_unit_is_ours(unit->name);
}

/* Adds the service if it has a reservation that can be set. */
static int add_service(struct dmem_units *u, const struct dmem_unit *unit, const char *program)
{
	struct dmem_reserving *more, r = {
		.unit = unit->name, .template = dmem_unit_is_template(unit->name),
	};
	struct dmem_unit_file **f;
	size_t n;

	if (dmem_units_files(u, unit->name, &f, &n) ||
	    dmem_units_merge(u, f, n, false, program, &r.limits))
		return -ENOMEM;
	if (!reserves(&r.limits) || (n && f[0] == unit->fragment && f[0]->masks))
		return 0;
	/* Its slice may be in a file without a section. */
	if (dmem_units_merge(u, f, n, true, program, &r.limits))
		return -ENOMEM;
	r.slice = slice_of(u, unit->name, &r.limits);
	if (!r.slice || dmem_unit_limits_obstacle(&r.limits))
		return 0;
	more = dmem_grow(&u->arena, u->reserving, u->n_reserving, sizeof(*more));
	if (!more)
		return -ENOMEM;
	u->reserving = more;
	more[u->n_reserving++] = r;
	return 0;
}

/* Adds the slice and those above it, which get the settings of slice.d/ and of prefixes. */
static int add_slice(struct dmem_units *u, const char *slice)
{
	struct dmem_unit *added;
	size_t len;
	int ret = dmem_units_add(u, slice, &added);

	/* Not the name of a slice after all: systemd ignores it, too. */
	if (ret)
		return ret == -EINVAL ? 0 : ret;
	if (!above(slice, &len))
		return 0;
	slice = dmem_printf(&u->arena, "%.*s.slice", (int)len, slice);
	return slice ? add_slice(u, slice) : -ENOMEM;
}

static int find_services(struct dmem_units *u, const char *program)
{
	size_t n = u->n_units;
	int ret = 0;

	if (u->reserving_known)
		return 0;
	for (size_t i = 0; i < n && !ret; i++) {
		if (is_service(u->unit[i]))
			ret = add_service(u, u->unit[i], program);
	}
	for (size_t i = 0; i < u->n_reserving && !ret; i++)
		ret = add_slice(u, u->reserving[i].slice);
	u->reserving_known = !ret;
	return ret;
}

static int merge_slice(struct dmem_units *u, const char *name, const char *program,
		       struct dmem_unit_limits *limits)
{
	struct dmem_unit_file **f;
	size_t n;

	if (dmem_units_files(u, name, &f, &n))
		return -ENOMEM;
	return dmem_units_merge(u, f, n, false, program, limits);
}

/* ---- sums ---- */

static struct sum *sum_for(struct dmem_units *u, struct sums *s, const char *region)
{
	struct sum *more;
	size_t i = 0;

	while (i < s->n && strcmp(s->sum[i].region, region))
		i++;
	if (i < s->n)
		return &s->sum[i];
	more = dmem_grow(&u->arena, s->sum, s->n, sizeof(*more));
	if (!more)
		return NULL;
	s->sum = more;
	more[s->n] = (struct sum){ .region = region };
	return &more[s->n++];
}

static int add_value(struct dmem_units *u, struct sums *s, const char *region,
		     const struct dmem_value *v, bool mixed)
{
	struct sum *sum = sum_for(u, s, region);

	if (!sum)
		return -ENOMEM;
	sum->mixed = sum->mixed || mixed || !comparable(&sum->value, v);
	sum->value = plus(&sum->value, v);
	return 0;
}

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

/* A reservation counts up to the unit's own limit, if both are sizes or both are percentages. */
static void bound(struct dmem_units *u, const char *unit, const struct dmem_unit_limits *limits,
		  const char *region, struct dmem_value *v)
{
	for (size_t i = 0; i < limits->n; i++) {
		const struct dmem_section_limit *l = &limits->limit[i];
		const char *of = l->kind == DMEM_MAX ? region_of(u, unit, l) : NULL;
		struct dmem_value max;

		if (!of || strcmp(of, region) || dmem_parse_value(l->value, &max))
			continue;
		if (comparable(v, &max) && larger(v, &max))
			*v = max;
	}
}

/* Adds the reservations in the files of one unit. A heap's name may be another one of a region that
 * counts already: they cannot be told apart before the driver is loaded. */
static int add_unit(struct dmem_units *u, struct sums *s, const char *unit,
		    const struct dmem_unit_limits *limits)
{
	for (size_t i = 0; i < limits->n; i++) {
		const struct dmem_section_limit *l = &limits->limit[i];
		struct dmem_value v;
		const char *region;

		if (l->kind != DMEM_MIN || dmem_parse_value(l->value, &v))
			continue;
		region = region_of(u, unit, l);
		if (!region)
			continue;
		if (dmem_region_heap(region)) {
			s->heap = s->heap ? s->heap : l;
			continue;
		}
		/* A slice has its limit compared with the sum, not with its own line. */
		if (dmem_unit_type(unit) == DMEM_SERVICE)
			bound(u, unit, limits, region, &v);
		if (add_value(u, s, region, &v, false))
			return -ENOMEM;
	}
	return 0;
}

/* The reservations of a slice: its own, or the sums if these are larger and it has the setting. */
static int sums_of(struct dmem_units *u, const char *name, const char *program,
		   const struct dmem_unit_limits *limits, struct sums *s);

static int add_children(struct dmem_units *u, const char *name, const char *program, struct sums *s)
{
	int ret = 0;

	for (size_t i = 0; i < u->n_reserving && !ret; i++) {
		const struct dmem_reserving *r = &u->reserving[i];

		if (!r->template && !strcmp(r->slice, name))
			ret = add_unit(u, s, r->unit, &r->limits);
	}
	for (size_t i = 0; i < u->n_units && !ret; i++) {
		const struct dmem_unit *unit = u->unit[i];
		struct dmem_unit_limits limits;
		struct sums below = { 0 };

		if (unit->type != DMEM_SLICE || unit->alias_of || unit->masked || dmem_unit_is_level(unit) ||
		    !is_in(unit->name, name))
			continue;
		ret = merge_slice(u, unit->name, program, &limits);
		if (!ret)
			ret = sums_of(u, unit->name, program, &limits, &below);
		for (size_t k = 0; k < below.n && !ret; k++) {
			bound(u, unit->name, &limits, below.sum[k].region, &below.sum[k].value);
			ret = add_value(u, s, below.sum[k].region, &below.sum[k].value, below.sum[k].mixed);
		}
		s->heap = s->heap ? s->heap : below.heap;
	}
	return ret;
}

static int sums_of(struct dmem_units *u, const char *name, const char *program,
		   const struct dmem_unit_limits *limits, struct sums *s)
{
	struct sums own = { 0 };
	int ret = add_unit(u, &own, name, limits);

	if (!ret && limits->propagate)
		ret = add_children(u, name, program, s);
	for (size_t i = 0; i < own.n && !ret; i++) {
		struct sum *sum = sum_for(u, s, own.sum[i].region);

		if (!sum)
			return -ENOMEM;
		sum->mixed = sum->mixed || !comparable(&sum->value, &own.sum[i].value);
		if (!sum->mixed && !larger(&sum->value, &own.sum[i].value))
			sum->value = own.sum[i].value;
	}
	s->heap = s->heap ? s->heap : own.heap;
	return ret;
}

/* ---- results ---- */

struct result {
	struct dmem_units *u;
	const char *name;
	struct dmem_unit_limits *limits;
	bool report;
};

static int complain(const struct result *r, const char *file, unsigned int line, const char *word,
		    const char *what, const char *remedy, bool warning)
{
	struct dmem_report one = { file, line, word, what, remedy, warning };

	if (!what || !remedy)
		return -ENOMEM;
	if (!warning && !r->limits->mistake_file) {
		r->limits->mistake_file = file;
		r->limits->mistake_line = line;
	}
	if (r->report && r->u->report)
		r->u->report(r->u->report_data, &one);
	return 0;
}

static int check_templates(const struct result *r)
{
	struct dmem_arena *a = &r->u->arena;
	int ret = 0;

	for (size_t i = 0; i < r->u->n_reserving && !ret; i++) {
		const struct dmem_reserving *t = &r->u->reserving[i];

		if (t->template && !strcmp(t->slice, r->name))
			ret = complain(r, r->limits->propagate_file, r->limits->propagate_line, t->unit,
				       dmem_printf(a, "has a reservation that %s does not count, since the number "
						   "of its instances is not known", r->name),
				       dmem_printf(a, "reserve for them in %s", r->name), true);
	}
	return ret;
}

/* Doubles each per cent sign, as in a unit file. */
static const char *escaped(struct dmem_arena *a, const char *s)
{
	char *buf = dmem_alloc(a, 2 * strlen(s) + 1);

	for (char *to = buf; to && *s; s++) {
		if (*s == '%')
			*to++ = '%';
		*to++ = *s;
	}
	return buf;
}

/* Replaces the slice's own value, or adds a line. */
static int set_one(const struct result *r, const struct sum *sum)
{
	struct dmem_unit_limits *limits = r->limits;
	struct dmem_section_limit one = {
		DMEM_MIN, escaped(&r->u->arena, sum->region), text_of(&r->u->arena, &sum->value),
		limits->propagate_file, limits->propagate_line,
	}, *more;
	size_t i = 0;

	if (!one.region || !one.value)
		return -ENOMEM;
	while (i < limits->n && (limits->limit[i].kind != DMEM_MIN ||
				 strcmp(limits->limit[i].region, one.region)))
		i++;
	if (i < limits->n) {
		limits->limit[i] = one;
		return 0;
	}
	more = dmem_alloc(&r->u->arena, (limits->n + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	if (limits->n)
		memcpy(more, limits->limit, limits->n * sizeof(*more));
	more[limits->n++] = one;
	limits->limit = more;
	return 0;
}

/* True if the slice's own line has this value already. */
static bool is_own(const struct result *r, const struct sum *sum)
{
	for (size_t i = 0; i < r->limits->n; i++) {
		const struct dmem_section_limit *l = &r->limits->limit[i];
		const char *region = l->kind == DMEM_MIN ? region_of(r->u, r->name, l) : NULL;
		struct dmem_value v;

		if (region && !strcmp(region, sum->region) && !dmem_parse_value(l->value, &v))
			return v.percent == sum->value.percent && v.n == sum->value.n;
	}
	return !sum->value.n;
}

static int take_sums(const struct result *r, const struct sums *s)
{
	struct dmem_arena *a = &r->u->arena;
	int ret = 0;

	if (s->heap)
		ret = complain(r, s->heap->file, s->heap->line, s->heap->region,
			       dmem_printf(a, "is the name of a heap, which %s cannot add to its reservation",
					   r->name),
			       "write the name of the region, see lsdmem", false);
	for (size_t i = 0; i < s->n && !ret; i++) {
		if (s->sum[i].mixed)
			ret = complain(r, r->limits->propagate_file, r->limits->propagate_line, s->sum[i].region,
				       dmem_printf(a, "has sizes and percentages in %s and the units in it, "
						   "which cannot be added", r->name),
				       "write sizes only, or percentages only", false);
		else if (!is_own(r, &s->sum[i]))
			ret = set_one(r, &s->sum[i]);
	}
	return ret;
}

int dmem_units_propagate(struct dmem_units *u, const char *name, const char *program, bool report,
			 struct dmem_unit_limits *limits)
{
	struct result r = { u, name, limits, report };
	struct sums s = { 0 };
	int ret;

	if (!limits->propagate || dmem_unit_type(name) != DMEM_SLICE || !strcmp(name, "-.slice"))
		return 0;
	ret = find_services(u, program);
	if (!ret)
		ret = sums_of(u, name, program, limits, &s);
	if (!ret)
		ret = take_sums(&r, &s);
	return ret ? ret : check_templates(&r);
}

int dmem_units_add_slices(struct dmem_units *u, const char *program)
{
	bool any = false;

	for (size_t i = 0; i < u->n_units && !any; i++) {
		struct dmem_unit_limits limits;

		if (u->unit[i]->type != DMEM_SLICE || u->unit[i]->alias_of || u->unit[i]->masked)
			continue;
		if (merge_slice(u, u->unit[i]->name, program, &limits))
			return -ENOMEM;
		any = limits.propagate;
	}
	return any ? find_services(u, program) : 0;
}
