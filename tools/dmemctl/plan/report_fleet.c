// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints the needs of machines as text and as JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "fleet.h"

struct fleet_out {
	FILE *out;
	const struct fleet *f;
	const struct model *m;
	fleet_file_fn name;
	const void *data;
};

/* The name of a machine for readers. */
static const char *machine_name(const struct fleet_out *o, const struct fleet_need *n)
{
	const struct machine *m = &o->f->machines.machine[n->machine];

	if (m->host)
		return m->host;
	return m->machine ? m->machine : "(unknown machine)";
}

/* ---- text ---- */

static int region_width(const struct fleet *f)
{
	int width = (int)strlen("REGION");

	for (size_t i = 0; i < f->n; i++) {
		int len = (int)strlen(f->group[i].region);

		width = len > width ? len : width;
	}
	return width;
}

static void put_sizes(FILE *f, const struct fleet_group *g)
{
	const uint64_t sizes[] = { g->min, g->p50, g->p95, g->max };
	char least[CLI_SIZE], most[CLI_SIZE], both[2 * CLI_SIZE + 2];

	fprintf(f, " %8zu", g->n);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		fprintf(f, " %8s", cli_size(least, sizes[i], false));
	cli_size(least, g->least, false);
	cli_size(most, g->most, false);
	snprintf(both, sizeof(both), g->least == g->most ? "%s" : "%s-%s", least, most);
	fprintf(f, " %9s\n", both);
}

static void put_place(const struct fleet_out *o, const struct fleet_need *n)
{
	const struct model_boot *b = &o->m->boot[n->boot];
	char when[CLI_DATE];

	fprintf(o->out, "%s, %s UTC\n      boot %s\n      in %s\n", machine_name(o, n),
		cli_date(when, n->when), b->id, o->name(o->data, b->file));
}

static void put_group(const struct fleet_out *o, const struct fleet_group *g, int width)
{
	char need[CLI_SIZE], median[CLI_SIZE];

	fprintf(o->out, "%-*s", width, g->region);
	put_sizes(o->out, g);
	if (o->f->by == FLEET_MODEL)
		fprintf(o->out, "    model: %s\n", g->model ? g->model : "(unknown)");
	fprintf(o->out, "    decided by ");
	put_place(o, &g->need[g->n - 1]);
	for (size_t i = 0; i < g->n; i++) {
		if (!g->need[i].outlier)
			continue;
		fprintf(o->out, "    outlier, %s (median %s): ",
			cli_size(need, g->need[i].need, false), cli_size(median, g->p50, false));
		put_place(o, &g->need[i]);
	}
	if (g->least != g->most)
		fprintf(o->out, "    warning: the capacities differ: a plan of all machines has "
			"only one of them\n");
}

void fleet_text(FILE *out, const struct fleet *f, const struct model *m, fleet_file_fn name,
		const void *data)
{
	const struct fleet_out o = { out, f, m, name, data };
	int width = region_width(f);

	fprintf(out, "%zu machine%s, %zu boot%s, %" PRIu64 " samples. Needs are without headroom.\n\n",
		f->machines.n, f->machines.n == 1 ? "" : "s", m->n_boots,
		m->n_boots == 1 ? "" : "s", m->samples);
	fprintf(out, "%-*s %8s %8s %8s %8s %8s %9s\n", width, "REGION", "MACHINES", "MIN", "P50",
		"P95", "MAX", "CAPACITY");
	for (size_t i = 0; i < f->n; i++)
		put_group(&o, &f->group[i], width);
}

/* ---- JSON ---- */

static void put_text(FILE *f, const char *key, const char *s)
{
	char *array = s ? json_array(&s, 1) : NULL;

	/* Only the word itself, without the brackets around it. */
	if (array)
		fprintf(f, "\"%s\":%.*s,", key, (int)strlen(array) - 2, array + 1);
	else
		fprintf(f, "\"%s\":null,", key);
	free(array);
}

static void put_number(FILE *f, const char *key, uint64_t v)
{
	if (v == DMEM_UNKNOWN)
		fprintf(f, "\"%s\":null,", key);
	else
		fprintf(f, "\"%s\":%" PRIu64 ",", key, v);
}

static void put_need(const struct fleet_out *o, const struct fleet_need *n)
{
	const struct machine *m = &o->f->machines.machine[n->machine];
	const struct model_boot *b = &o->m->boot[n->boot];

	fprintf(o->out, "{");
	put_text(o->out, "machine", m->machine);
	put_text(o->out, "host", m->host);
	put_text(o->out, "model", m->model);
	put_number(o->out, "need", n->need);
	put_number(o->out, "boots", n->boots);
	put_text(o->out, "boot", b->id);
	put_text(o->out, "file", o->name(o->data, b->file));
	put_number(o->out, "time", n->when);
	put_number(o->out, "capacity_min", n->least);
	put_number(o->out, "capacity_max", n->most);
	fprintf(o->out, "\"outlier\":%s}", n->outlier ? "true" : "false");
}

void fleet_json(FILE *out, const struct fleet *f, const struct model *m, fleet_file_fn name,
		const void *data)
{
	const struct fleet_out o = { out, f, m, name, data };

	fprintf(out, "{\"by\":\"%s\",\"machines\":%zu,\"boots\":%zu,\"samples\":%" PRIu64
		",\"damaged_lines\":%zu,\"groups\":[", f->by == FLEET_MODEL ? "model" : "machine",
		f->machines.n, m->n_boots, m->samples, m->bad);
	for (size_t i = 0; i < f->n; i++) {
		const struct fleet_group *g = &f->group[i];

		fprintf(out, "%s\n{", i ? "," : "");
		put_text(out, "region", g->region);
		if (f->by == FLEET_MODEL)
			put_text(out, "model", g->model);
		put_number(out, "machines", g->n);
		put_number(out, "min", g->min);
		put_number(out, "p50", g->p50);
		put_number(out, "p95", g->p95);
		put_number(out, "max", g->max);
		put_number(out, "capacity_min", g->least);
		put_number(out, "capacity_max", g->most);
		put_number(out, "outliers", g->outliers);
		fprintf(out, "\"needs\":[");
		for (size_t k = 0; k < g->n; k++) {
			fprintf(out, "%s", k ? "," : "");
			put_need(&o, &g->need[k]);
		}
		fprintf(out, "]}");
	}
	fprintf(out, "]}\n");
}
