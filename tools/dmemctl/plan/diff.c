// SPDX-License-Identifier: GPL-2.0-or-later
/* Compares a plan with the present sizes and limits. */
#include <errno.h>
#include <string.h>

#include "cli/table.h"
#include "diff.h"

/* ---- rows ---- */

static int add_row(struct diff *d, struct diff_row row)
{
	struct diff_row *more = dmem_grow(&d->arena, d->row, d->n_rows, sizeof(*more));

	if (!more)
		return -ENOMEM;
	d->row = more;
	more[d->n_rows++] = row;
	return 0;
}

/* Only services and slices have permanent limits. Histories are not trusted: names of regions and
 * units must be valid in a unit file. */
static const char *problem_of(const struct diff *d, const struct diff_row *r)
{
	const char *unit = d->m->service[r->service].unit;
	int type = unit ? dmem_unit_type(unit) : -1;

	if (r->proposed == DMEM_UNKNOWN)
		return NULL;
	if (dmem_region_problem(d->n->region[r->region].region->name))
		return "invalid region name";
	if (!unit || type < 0)
		return "not a unit";
	if (type == DMEM_SCOPE)
		return "a scope: limit its slice";
	return type == DMEM_SERVICE || type == DMEM_SLICE ? NULL : "no service or slice";
}

static int add_limits(struct diff *d, const struct report_units *u, size_t region, uint32_t service,
		      const struct needs_service *s)
{
	uint64_t max = dmem_map_get(&u->limit, service, region);
	uint64_t min = d->n->region[region].cma ? dmem_map_get(&u->min, service, region) : 0;
	struct diff_row r = {
		.key = DIFF_MAX, .region = region, .service = service,
		.now = s ? s->max : DMEM_UNKNOWN, .proposed = max ? max - 1 : DMEM_UNKNOWN,
	};
	int ret = 0;

	r.note = problem_of(d, &r);
	if (max || (r.now != DMEM_UNKNOWN && r.now != DMEM_NO_LIMIT))
		ret = add_row(d, r);
	r.key = DIFF_MIN;
	r.now = s ? s->min : DMEM_UNKNOWN;
	r.proposed = min ? min : DMEM_UNKNOWN;
	r.note = problem_of(d, &r);
	if (!ret && (min || (r.now != DMEM_UNKNOWN && r.now)))
		ret = add_row(d, r);
	return ret;
}

static const struct needs_service *find(const struct needs_service *s, size_t n, uint32_t service)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i].service == service)
			return &s[i];
	}
	return NULL;
}

static int add_region(struct diff *d, const struct report_units *u, size_t region,
		      const struct needs_options *o)
{
	const struct needs_region *g = &d->n->region[region];
	struct diff_row r = {
		.key = DIFF_SIZE, .region = region, .service = MODEL_NONE,
		.now = g->region->capacity, .proposed = needs_propose(g, o).size,
	};
	int ret = add_row(d, r);

	for (size_t i = 0; i < g->n && !ret; i++)
		ret = add_limits(d, u, region, g->service[i].service, &g->service[i]);
	for (uint32_t s = 0; s < d->m->n_services && !ret; s++) {
		if (!find(g->service, g->n, s))
			ret = add_limits(d, u, region, s, find(g->above, g->n_above, s));
	}
	return ret;
}

int diff_find(struct diff *d, const struct model *m, const struct needs *n,
	      const struct needs_options *o)
{
	struct report_units u;
	int ret;

	*d = (struct diff){ .m = m, .n = n };
	ret = report_units_find(&u, m, n);
	for (size_t i = 0; i < n->n && !ret; i++)
		ret = add_region(d, &u, i, o);
	report_units_free(&u);
	return ret;
}

void diff_free(struct diff *d)
{
	dmem_arena_free(&d->arena);
	*d = (struct diff){ 0 };
}

enum diff_change diff_change(const struct diff_row *r)
{
	if (r->proposed == DMEM_UNKNOWN)
		return DIFF_KEPT;
	if (r->now == DMEM_UNKNOWN)
		return DIFF_UNKNOWN;
	if (r->now == r->proposed)
		return DIFF_SAME;
	if (r->now == (r->key == DIFF_MAX ? DMEM_NO_LIMIT : 0))
		return DIFF_NEW;
	return r->proposed > r->now ? DIFF_GROWS : DIFF_SHRINKS;
}

bool diff_is_limit(const struct diff_row *r)
{
	return r->key != DIFF_SIZE && r->proposed != DMEM_UNKNOWN && !r->note;
}

/* ---- output ---- */

enum { REGION, UNIT, KEY, NOW, PROPOSED, CHANGE, NOTE, COLUMNS };

static const struct table_column columns[COLUMNS] = {
	[REGION] = { "REGION", "name of the region", TABLE_TEXT, 0 },
	[UNIT] = { "UNIT", "unit or cgroup; none: the region", TABLE_TEXT, TABLE_CUT },
	[KEY] = { "KEY", "size, max or min", TABLE_TEXT, 0 },
	[NOW] = { "NOW", "present value", TABLE_SIZE, 0 },
	[PROPOSED] = { "PROPOSED", "value of the plan", TABLE_SIZE, 0 },
	[CHANGE] = { "CHANGE", "difference", TABLE_TEXT, 0 },
	[NOTE] = { "NOTE", "why the value cannot be set", TABLE_TEXT, 0 },
};

static const char *change_text(const struct diff_row *r, bool json, char buf[CLI_SIZE + 1])
{
	static const char * const words[] = {
		[DIFF_SAME] = "same", [DIFF_NEW] = "new", [DIFF_GROWS] = "+", [DIFF_SHRINKS] = "-",
		[DIFF_KEPT] = "kept", [DIFF_UNKNOWN] = "unknown",
	};
	enum diff_change change = diff_change(r);
	char size[CLI_SIZE];

	if (json || (change != DIFF_GROWS && change != DIFF_SHRINKS))
		return words[change];
	cli_size(size, change == DIFF_GROWS ? r->proposed - r->now : r->now - r->proposed, false);
	snprintf(buf, CLI_SIZE + 1, "%s%s", words[change], size);
	return buf;
}

static void print_row(const struct diff *d, struct table *t, const struct diff_row *r, bool json)
{
	static const char * const keys[] = { "size", "max", "min" };
	struct table_line *l = table_line(t, NULL);
	char change[CLI_SIZE + 1];

	table_text(t, l, REGION, d->n->region[r->region].region->name);
	if (r->service != MODEL_NONE)
		table_text(t, l, UNIT, model_name(d->m, r->service));
	table_text(t, l, KEY, keys[r->key]);
	table_number(t, l, NOW, r->now);
	table_number(t, l, PROPOSED, r->proposed);
	table_text(t, l, CHANGE, change_text(r, json, change));
	if (r->note)
		table_text(t, l, NOTE, r->note);
}

int diff_print(const struct diff *d, bool json)
{
	static const int ids[COLUMNS] = { REGION, UNIT, KEY, NOW, PROPOSED, CHANGE, NOTE };
	const struct table_options o = { .json = json };
	bool notes = json;
	struct table *t;
	int ret;

	for (size_t i = 0; i < d->n_rows; i++)
		notes |= d->row[i].note != NULL;
	t = table_new("diff", columns, ids, notes ? COLUMNS : COLUMNS - 1, &o);
	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i < d->n_rows; i++)
		print_row(d, t, &d->row[i], json);
	ret = table_print(t);
	table_free(t);
	return ret;
}
