// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DeviceMemoryMinPropagate=: the reservation of a slice is the larger one of its own and the sum of
 * those in it.
 *
 * The sum is that of the files, not that of the running units. So it is the same at each start,
 * nothing can be added twice, and a service that starts late finds its memory reserved.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reserving.h"

bool dmem_unit_is_level(struct dmem_units *u, const struct dmem_unit *unit)
{
	const char *at = strchr(unit->name, '@'), *end = at ? at : strrchr(unit->name, '.');

	if (unit->type_level || !end)
		return true;
	if (unit->fragment || end == unit->name || end[-1] != '-')
		return false;
	/* A unit file may have such a name, and an instance of it is a unit. */
	return !dmem_units_holder(u, unit->name);
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

/* The reservations of one region, in any order. */
struct total {
	uint64_t size;
	unsigned long long percent;	/* in 1/100 */
	bool max;
};

static void add(struct total *t, const struct dmem_value *v)
{
	if (is_max(v))
		t->max = true;
	else if (v->percent)
		t->percent += v->n;
	else
		t->max = __builtin_add_overflow(t->size, v->n, &t->size) || t->max;
	/* More than all of the region, and no sum of so many can overflow. */
	t->max = t->max || t->percent > 10000;
}

static void total_to_sum(const struct total *t, struct dmem_sum *sum)
{
	sum->mixed = !t->max && t->percent && t->size;
	sum->value = (struct dmem_value){ .n = DMEM_NO_LIMIT };
	if (!t->max)
		sum->value = (struct dmem_value){ .percent = t->percent, .n = t->percent ? t->percent : t->size };
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

/* ---- sums ---- */

/* A reservation counts up to the unit's own limit, if both are sizes or both are percentages. */
static const struct dmem_value *bounded(const struct dmem_value *v, const struct dmem_reserved *own)
{
	return own && comparable(v, &own->max) && larger(v, &own->max) ? &own->max : v;
}

static int add_part(struct dmem_units *u, struct dmem_sums *s, const char *region, const struct dmem_value *v)
{
	struct dmem_sum *more = dmem_grow(&u->arena, s->of, s->n, sizeof(*more));

	if (!more)
		return -ENOMEM;
	s->of = more;
	more[s->n++] = (struct dmem_sum){ .region = region, .value = *v };
	return 0;
}

static int compare_sums(const void *a, const void *b)
{
	return strcmp(((const struct dmem_sum *)a)->region, ((const struct dmem_sum *)b)->region);
}

/* Leaves each region once. */
static void add_up(struct dmem_sums *s)
{
	struct total t = { 0 };
	size_t n = 0;

	if (s->n)
		qsort(s->of, s->n, sizeof(*s->of), compare_sums);
	for (size_t i = 0; i < s->n; i++) {
		if (!i || compare_sums(&s->of[n - 1], &s->of[i])) {
			t = (struct total){ 0 };
			s->of[n++].region = s->of[i].region;
		}
		add(&t, &s->of[i].value);
		total_to_sum(&t, &s->of[n - 1]);
	}
	s->n = n;
}

/* One region of a slice. */
struct both {
	const struct dmem_reserved *own;	/* NULL: not in its files */
	const struct dmem_sum *sum;		/* NULL: not in those of the units in it */
};

/* Goes through two sorted lists at once. False at the end. */
static bool next_region(const struct dmem_reserved_list *own, const struct dmem_sums *s, size_t *i, size_t *k,
			struct both *b)
{
	const struct dmem_reserved *o = *i < own->n ? &own->of[*i] : NULL;
	const struct dmem_sum *sum = *k < s->n ? &s->of[*k] : NULL;
	int order = o && sum ? strcmp(o->region, sum->region) : 0;

	*b = (struct both){ order > 0 ? NULL : o, order < 0 ? NULL : sum };
	*i += !!b->own;
	*k += !!b->sum;
	return o || sum;
}

/* True if the region has sizes and percentages. */
static bool is_mixed(const struct both *b)
{
	return b->sum && (b->sum->mixed || (b->own && b->own->has_min && !comparable(&b->sum->value, &b->own->min)));
}

/* The reservation of the slice: its own, or the sum if that is larger. NULL: it has none. */
static const struct dmem_value *larger_one(const struct both *b)
{
	const struct dmem_value *own = b->own && b->own->has_min ? &b->own->min : NULL;

	if (!b->sum || is_mixed(b))
		return own;
	return own && !larger(&b->sum->value, own) ? own : &b->sum->value;
}

static int add_below(struct dmem_units *u, struct dmem_slice *slice, const char *program);

/* Calculates the reservations with which a slice counts in the one above: its own, or the sums if
 * these are larger and it has the setting. */
static int add_counts(struct dmem_units *u, struct dmem_slice *slice, const char *program)
{
	const struct dmem_sums none = { 0 };
	struct dmem_unit_limits limits;
	size_t i = 0, k = 0;
	struct both b;
	int ret;

	if (slice->counts_known)
		return 0;
	slice->counts_known = true;
	ret = dmem_reserving_merge(u, slice->name, program, &limits);
	if (!ret)
		ret = dmem_reserving_own(u, slice->name, &limits, &slice->own);
	if (!ret && limits.propagate)
		ret = add_below(u, slice, program);
	while (!ret && next_region(&slice->own, limits.propagate ? &slice->below : &none, &i, &k, &b)) {
		const struct dmem_value *v = larger_one(&b);

		if (v)
			ret = add_part(u, &slice->counts, b.own ? b.own->region : b.sum->region, bounded(v, b.own));
	}
	return ret;
}

/* Calculates the sums of all units directly in a slice. */
static int add_below(struct dmem_units *u, struct dmem_slice *slice, const char *program)
{
	int ret = 0;

	if (slice->below_known)
		return 0;
	slice->below_known = true;
	for (const struct dmem_reserving *r = slice->service; r && !ret; r = r->next) {
		for (size_t i = 0; !r->template && i < r->own.n && !ret; i++) {
			const struct dmem_reserved *own = &r->own.of[i];

			if (own->has_min)
				ret = add_part(u, &slice->below, own->region, bounded(&own->min, own));
		}
	}
	for (struct dmem_slice *child = slice->child; child && !ret; child = child->next) {
		if (child->left_out)
			continue;
		ret = add_counts(u, child, program);
		for (size_t i = 0; i < child->counts.n && !ret; i++)
			ret = add_part(u, &slice->below, child->counts.of[i].region, &child->counts.of[i].value);
	}
	add_up(&slice->below);
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

static int check_templates(const struct result *r, const struct dmem_slice *slice)
{
	struct dmem_arena *a = &r->u->arena;
	int ret = 0;

	for (const struct dmem_reserving *t = slice->service; t && !ret; t = t->next) {
		if (t->template)
			ret = complain(r, r->limits->propagate_file, r->limits->propagate_line, t->unit,
				       dmem_printf(a, "has a reservation that %s does not count, since the number "
						   "of its instances is not known", r->name),
				       dmem_printf(a, "reserve for them in %s", r->name), true);
	}
	return ret;
}

/* The same for templates whose instances have slices of their own. */
static int check_patterns(const struct result *r, bool level)
{
	struct dmem_unit_limits *limits = r->limits;
	struct dmem_slice_pattern *p;
	size_t at = 0, len = 0;
	int ret = 0;

	while (!ret && (p = dmem_reserving_pattern(r->u, r->name, level, &at, &len))) {
		if (p->told_file == limits->propagate_file && p->told_line == limits->propagate_line)
			continue;
		if (r->report) {
			p->told_file = limits->propagate_file;
			p->told_line = limits->propagate_line;
		}
		ret = complain(r, limits->propagate_file, limits->propagate_line, p->unit,
			       "has a reservation, and its instances have slices of their own, which do not count "
			       "it, since the instances are not known", "reserve for them in these slices", true);
	}
	return ret;
}

/* A heap in the files of another unit is no mistake of the slice. */
static int check_heaps(const struct result *r, const struct dmem_reserved_list *of, bool own)
{
	int ret = 0;

	for (size_t i = 0; i < of->n_heaps && !ret; i++)
		ret = complain(r, of->heap[i]->file, of->heap[i]->line, of->heap[i]->region,
			       dmem_printf(&r->u->arena, "is the name of a heap, which %s cannot add to its "
					   "reservation", r->name),
			       "write the name of the region, see lsdmem", !own);
	return ret;
}

static int check_heaps_below(const struct result *r, const struct dmem_slice *slice)
{
	int ret = 0;

	for (const struct dmem_reserving *s = slice->service; s && !ret; s = s->next)
		ret = s->template ? 0 : check_heaps(r, &s->own, false);
	for (const struct dmem_slice *child = slice->child; child && !ret; child = child->next)
		ret = child->left_out ? 0 : check_heaps(r, &child->own, false);
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

/* Replaces the slice's own value, or adds a line to the array, which has room. */
static int set_one(const struct result *r, const struct both *b)
{
	struct dmem_unit_limits *limits = r->limits;
	bool own = b->own && b->own->has_min;
	struct dmem_section_limit one = {
		DMEM_MIN, escaped(&r->u->arena, b->sum->region), text_of(&r->u->arena, &b->sum->value),
		limits->propagate_file, limits->propagate_line, !own,
	};

	if (!one.region || !one.value)
		return -ENOMEM;
	limits->limit[own ? b->own->at : limits->n++] = one;
	return 0;
}

static int take_sums(const struct result *r, const struct dmem_reserved_list *own, const struct dmem_sums *s)
{
	struct dmem_unit_limits *limits = r->limits;
	struct dmem_section_limit *all = dmem_alloc(&r->u->arena, (limits->n + s->n + 1) * sizeof(*all));
	size_t i = 0, k = 0;
	struct both b;
	int ret = 0;

	if (!all)
		return -ENOMEM;
	if (limits->n)
		memcpy(all, limits->limit, limits->n * sizeof(*all));
	limits->limit = all;
	while (!ret && next_region(own, s, &i, &k, &b)) {
		if (is_mixed(&b))
			ret = complain(r, limits->propagate_file, limits->propagate_line, b.sum->region,
				       dmem_printf(&r->u->arena, "has sizes and percentages in %s and the units in it, "
						   "which cannot be added", r->name),
				       "write sizes only, or percentages only", true);
		else if (b.sum && larger_one(&b) == &b.sum->value && b.sum->value.n)
			ret = set_one(r, &b);
	}
	return ret;
}

int dmem_units_propagate(struct dmem_units *u, const char *name, const char *program, bool report,
			 struct dmem_unit_limits *limits)
{
	struct dmem_unit *unit = dmem_units_find(u, name);
	struct result r = { u, name, limits, report };
	struct dmem_reserved_list own;
	int ret;

	if (!limits->propagate || !unit || unit->type != DMEM_SLICE || !strcmp(name, "-.slice"))
		return 0;
	ret = dmem_reserving_find(u, program, report);
	/* Each slice of a prefix has its own sum. */
	if (!ret && dmem_unit_is_level(u, unit))
		return check_patterns(&r, true);
	if (!ret)
		ret = dmem_reserving_own(u, name, limits, &own);
	if (!ret && unit->slice)
		ret = add_below(u, unit->slice, program);
	if (!ret)
		ret = check_heaps(&r, &own, true);
	if (!ret && unit->slice)
		ret = check_heaps_below(&r, unit->slice);
	if (!ret && unit->slice)
		ret = take_sums(&r, &own, &unit->slice->below);
	if (!ret && unit->slice)
		ret = check_templates(&r, unit->slice);
	return ret ? ret : check_patterns(&r, false);
}

int dmem_units_add_slices(struct dmem_units *u, const char *program)
{
	bool any = false;

	for (size_t i = 0; i < u->n_units && !any; i++) {
		struct dmem_unit_limits limits;

		if (u->unit[i]->type != DMEM_SLICE || u->unit[i]->alias_of || u->unit[i]->masked)
			continue;
		if (dmem_reserving_merge(u, u->unit[i]->name, program, &limits))
			return -ENOMEM;
		any = limits.propagate;
	}
	return any ? dmem_reserving_find(u, program, true) : 0;
}
