// SPDX-License-Identifier: GPL-2.0-or-later
/* A plan as text and as JSON. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../cli/cli.h"
#include "../../cli/json.h"
#include "report.h"

static void date(char *buf, size_t size, uint64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(buf, size, "?");
}

static void duration(char *buf, size_t size, uint64_t ms)
{
	unsigned long long s = ms / 1000;

	if (s >= 2 * 86400)
		snprintf(buf, size, "%llud %lluh", s / 86400, s % 86400 / 3600);
	else if (s >= 2 * 3600)
		snprintf(buf, size, "%lluh %llumin", s / 3600, s % 3600 / 60);
	else if (s >= 120)
		snprintf(buf, size, "%llumin %llus", s / 60, s % 60);
	else
		snprintf(buf, size, "%llu.%us", s, (unsigned int)(ms % 1000 / 100));
}

/* ---- text ---- */

static void item(FILE *f, uint64_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void item(FILE *f, uint64_t size, const char *fmt, ...)
{
	char buf[CLI_SIZE];
	va_list ap;

	fprintf(f, "  %8s  ", cli_size(buf, size, false));
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fprintf(f, "\n");
}

static void print_placed(FILE *f, const struct needs_region *g)
{
	char unit[CLI_SIZE];

	item(f, g->placed, "as CMA places them: first fit, at multiples of up to %s, with sizes",
	     cli_size(unit, g->unit, false));
	fprintf(f, "            %s\n", g->sizes_known ? "of the buffers that were there" :
		"guessed from counters, so that it may be more (see record --buffers)");
	if (g->placed_least != g->placed)
		item(f, g->placed_least, "if what went between two looks made room for what came");
}

/* The size, and why it is not that of the figures below it. */
static void print_proposal(FILE *f, const struct needs_region *g, const struct needs_options *o)
{
	struct needs_proposal p = needs_propose(g, o);
	char size[CLI_SIZE];

	if (p.reason == NEEDS_NOT_SIZED)
		fprintf(f, "\n%s: no size is planned", g->region->name);
	else
		fprintf(f, "\n%s: %s %s", g->region->name, cli_size(size, p.size, false),
			p.reason == NEEDS_KEPT ? "kept" : "planned");
	if (g->region->capacity != DMEM_UNKNOWN)
		fprintf(f, ", capacity %s", cli_size(size, g->region->capacity, false));
	fprintf(f, "\n");
	if (p.reason == NEEDS_KEPT)
		item(f, g->size < needs_floor(g) ? needs_floor(g) : g->size,
		     "planned with --shrink; nothing is made smaller without it");
	if (p.reason == NEEDS_FLOOR)
		item(f, p.size, "is the least for %s", g->is_default ?
		     "the area that drivers share" : "a region with unaccounted use");
}

static void print_region(FILE *f, const struct needs_region *g, const struct needs_options *o)
{
	char block[CLI_SIZE], when[32];

	date(when, sizeof(when), g->worst_time);
	print_proposal(f, g, o);
	if (g->together)
		item(f, g->together, "in use at once, the most that a look has seen (%s UTC)", when);
	if (g->cma && g->together)
		print_placed(f, g);
	if (g->unseen)
		item(f, g->unseen, "more at peaks that no look has seen, if all came at once");
	item(f, g->need, "needed, and the above is that with %.4g%% headroom, in whole blocks of %s%s",
	     o->headroom * 100, cli_size(block, g->block, false), g->block_assumed ? " (assumed)" : "");
	item(f, g->all_peaks, "if all services had been at their peaks at once");
}

static size_t name_width(const struct model *m, const struct needs_region *g)
{
	size_t width = strlen("SERVICE");

	for (size_t i = 0; i < g->n; i++) {
		size_t len = strlen(model_name(m, g->service[i].service));

		width = len > width ? len : width;
	}
	return width;
}

static void print_services(FILE *f, const struct model *m, const struct needs_region *g)
{
	int width = (int)name_width(m, g);

	if (!g->n)
		return;
	fprintf(f, "\n  %-*s %8s %8s %8s %8s %5s %8s\n", width, "SERVICE", "PEAK", "USUAL", "MAX", "MIN",
		"RUNS", "REFUSED");
	for (size_t i = 0; i < g->n; i++) {
		const struct needs_service *s = &g->service[i];
		char peak[CLI_SIZE], usual[CLI_SIZE], cap[CLI_SIZE], min[CLI_SIZE];

		fprintf(f, "  %-*s %8s %8s %8s %8s %5zu %8" PRIu64 "\n", width, model_name(m, s->service),
			cli_size(peak, s->peak, false), cli_size(usual, s->usual, false),
			cli_size(cap, s->cap, false), cli_size(min, s->reservation, false), s->runs,
			s->refused);
	}
}

static void print_warnings(FILE *f, const struct model *m, const struct needs_region *g)
{
	uint64_t refused = 0;
	char size[CLI_SIZE];

	for (size_t i = 0; i < g->n; i++)
		refused += g->service[i].refused;
	if (g->n_conflicts)
		fprintf(f, "\n  Not at their peaks at once, in %s:\n", cli_size(size, g->size, false));
	for (size_t i = 0; i < g->n_conflicts; i++) {
		const struct needs_conflict *c = &g->conflict[i];

		fprintf(f, "    %8s ", cli_size(size, c->sum, false));
		for (size_t k = 0; k < c->n; k++)
			fprintf(f, "%s %s", k ? " +" : "",
				model_name(m, g->service[c->service[k]].service));
		fprintf(f, "\n");
	}
	if (g->more_conflicts)
		fprintf(f, "    and others\n");
	if (g->reserved < 1 && g->n)
		fprintf(f, "\n  Only %.0f%% of what is usual can be reserved: they take turns, and what is\n"
			"  kept free for one is missing to another.\n", g->reserved * 100);
	if (refused)
		fprintf(f, "\n  %" PRIu64 " requests were refused. What they would have used is in none of these\n"
			"  figures: record again with higher limits, or a larger region.\n", refused);
}

static void print_method(FILE *f, const struct needs_options *o)
{
	fprintf(f, "\nHow sure is this?\n"
		"  Regions: the %s of the boots' needs. MAX: the %s of the peaks of a\n"
		"  service's runs, with headroom. MIN: what it had for half of the time in which it\n"
		"  had anything, or that part which leaves room for all that has happened.\n",
		o->quantile < 1 ? "quantile" : "largest", o->quantile < 1 ? "quantile" : "largest");
	if (o->quantile < 1)
		fprintf(f, "  The quantile is %.4g: what is above it does not fit.\n", o->quantile);
	fprintf(f, "  What has not happened while it was recorded is not in it.\n"
		"  Of CMA: a page in the area that cannot be moved at once (it is \"busy\") sends a buffer\n"
		"  to its next multiple. Each costs up to the largest multiple above; how many there\n"
		"  will be, no history tells, and headroom must cover them.\n");
}

void report_text(FILE *f, const struct model *m, const struct needs *n,
		 const struct needs_options *o)
{
	uint64_t longest = 0, time = 0;
	char buf[64];

	for (size_t i = 0; i < m->n_boots; i++)
		longest = m->boot[i].interval > longest ? m->boot[i].interval : longest;
	for (size_t i = 0; i < n->n; i++)
		time = n->region[i].time > time ? n->region[i].time : time;
	duration(buf, sizeof(buf), time);
	fprintf(f, "%zu histor%s of %zu boot%s, %s", m->files, m->files == 1 ? "y" : "ies", m->n_boots,
		m->n_boots == 1 ? "" : "s", buf);
	duration(buf, sizeof(buf), longest);
	fprintf(f, ", a look each %s.\n", buf);
	for (size_t i = 0; i < n->n; i++) {
		print_region(f, &n->region[i], o);
		print_services(f, m, &n->region[i]);
		print_warnings(f, m, &n->region[i]);
	}
	print_method(f, o);
}

/* ---- JSON ---- */

static void json_text(FILE *f, const char *s)
{
	char *array = json_array(&s, 1);

	/* Without what is around the one word. */
	if (array)
		fprintf(f, "%.*s", (int)strlen(array) - 2, array + 1);
	else
		fprintf(f, "null");
	free(array);
}

struct number {
	const char *key;
	uint64_t v;
};

/* Each with a comma before it. */
static void json_numbers(FILE *f, const struct number *n, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (n[i].v == DMEM_UNKNOWN || n[i].v == DMEM_NO_LIMIT)
			fprintf(f, ",\"%s\":null", n[i].key);
		else
			fprintf(f, ",\"%s\":%" PRIu64, n[i].key, n[i].v);
	}
}

static void json_service(FILE *f, const struct model *m, const struct needs_service *s)
{
	const struct number numbers[] = {
		{ "runs", s->runs }, { "peak", s->peak }, { "usual", s->usual },
		{ "refused", s->refused }, { "current-max", s->max }, { "max", s->cap },
		{ "min", s->reservation },
	};

	fprintf(f, "{\"service\":");
	json_text(f, model_name(m, s->service));
	fprintf(f, ",\"cgroup\":");
	json_text(f, m->service[s->service].path);
	json_numbers(f, numbers, sizeof(numbers) / sizeof(*numbers));
	fprintf(f, "}");
}

static void json_conflict(FILE *f, const struct model *m, const struct needs_region *g,
			  const struct needs_conflict *c)
{
	fprintf(f, "{\"services\":[");
	for (size_t k = 0; k < c->n; k++) {
		fprintf(f, "%s", k ? "," : "");
		json_text(f, model_name(m, g->service[c->service[k]].service));
	}
	fprintf(f, "],\"peaks\":%" PRIu64 "}", c->sum);
}

static void json_region(FILE *f, const struct model *m, const struct needs_region *g,
			const struct needs_options *o)
{
	static const char * const reasons[] = {
		[NEEDS_PLANNED] = "planned", [NEEDS_KEPT] = "kept", [NEEDS_FLOOR] = "floor",
		[NEEDS_NOT_SIZED] = "none",
	};
	struct needs_proposal p = needs_propose(g, o);
	const struct number numbers[] = {
		{ "capacity", g->region->capacity }, { "proposed", p.size },
		{ "size", p.reason == NEEDS_NOT_SIZED ? DMEM_UNKNOWN : g->size }, { "need", g->need },
		{ "together", g->together }, { "placed", g->placed },
		{ "placed-least", g->placed_least }, { "never-seen", g->unseen },
		{ "all-peaks", g->all_peaks }, { "unaccounted", g->unaccounted },
		{ "alignment", g->unit }, { "block", g->block }, { "worst-time", g->worst_time },
		{ "observed-ms", g->time }, { "boots", g->boots },
	};

	fprintf(f, "{\"region\":");
	json_text(f, g->region->name);
	json_numbers(f, numbers, sizeof(numbers) / sizeof(*numbers));
	fprintf(f, ",\"reason\":\"%s\"", reasons[p.reason]);
	fprintf(f, ",\"sizes-known\":%s,\"block-assumed\":%s,\"reserved-part\":%.4f,\"services\":[",
		g->sizes_known ? "true" : "false", g->block_assumed ? "true" : "false", g->reserved);
	for (size_t i = 0; i < g->n; i++) {
		fprintf(f, "%s", i ? "," : "");
		json_service(f, m, &g->service[i]);
	}
	fprintf(f, "],\"conflicts\":[");
	for (size_t i = 0; i < g->n_conflicts; i++) {
		fprintf(f, "%s", i ? "," : "");
		json_conflict(f, m, g, &g->conflict[i]);
	}
	fprintf(f, "],\"more-conflicts\":%s}", g->more_conflicts ? "true" : "false");
}

void report_json(FILE *f, const struct model *m, const struct needs *n,
		 const struct needs_options *o)
{
	fprintf(f, "{\"histories\":%zu,\"boots\":%zu,\"damaged-lines\":%zu,\"headroom\":%.6g,"
		"\"quantile\":%.6g,\"regions\":[", m->files, m->n_boots, m->bad, o->headroom, o->quantile);
	for (size_t i = 0; i < n->n; i++) {
		fprintf(f, "%s\n", i ? "," : "");
		json_region(f, m, &n->region[i], o);
	}
	fprintf(f, "]}\n");
}
