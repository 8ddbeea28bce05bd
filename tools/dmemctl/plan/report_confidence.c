// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints how certain the figures of a region are, as text and as JSON. */
#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "report.h"

/* ---- text ---- */

#define SHORT	16

/* A duration for a table, such as "10.3s", "59.0min", "23.9h" or "365d". */
static const char *short_time(char buf[SHORT], uint64_t ms)
{
	static const struct { double ms; const char *unit; } units[] = {
		{ 86400000, "d" }, { 3600000, "h" }, { 60000, "min" }, { 1000, "s" },
	};
	size_t i = 0;

	if (ms == DMEM_UNKNOWN)
		return "-";
	while (i < 3 && (double)ms < 2 * units[i].ms)
		i++;
	if (ms && ms < 1000)
		snprintf(buf, SHORT, "%ums", (unsigned int)ms);
	else
		snprintf(buf, SHORT, (double)ms < 999.5 * units[i].ms ? "%.3g%s" : "%.0f%s",
			 (double)ms / units[i].ms, units[i].unit);
	return buf;
}

static const char *needed_time(char buf[SHORT], unsigned int permille)
{
	return short_time(buf, confidence_needed(permille) * CONFIDENCE_PART_MS);
}

static void put_row(FILE *f, int width, const char *name, uint64_t up,
		    const struct confidence_time *t)
{
	char time[SHORT], charged[SHORT], peak[SHORT];
	char p50[CLI_SIZE], p95[CLI_SIZE], p99[CLI_SIZE];

	fprintf(f, "    %-*s %7s %7s %7s %7s %7s %7s %5" PRIu64 "\n", width, name,
		short_time(time, up), short_time(charged, t->charged),
		cli_size(p50, t->p50, false), cli_size(p95, t->p95, false),
		cli_size(p99, t->p99, false), short_time(peak, t->peak_ms), t->peak_times);
}

static int width_of(const struct model *m, const struct needs_region *g)
{
	size_t width = strlen("SERVICE");

	for (size_t i = 0; i < g->n; i++) {
		size_t len = strlen(model_name(m, g->service[i].service));

		width = len > width ? len : width;
	}
	return (int)width;
}

static bool is_too_short(const struct confidence_time *t)
{
	return t->p99 == DMEM_UNKNOWN;
}

static void print_times(FILE *f, const struct model *m, const struct needs_region *g)
{
	int width = width_of(m, g);
	bool lacks = is_too_short(&g->confidence.use);
	char p50[SHORT], p95[SHORT], p99[SHORT];

	fprintf(f, "    %-*s %7s %7s %7s %7s %7s %7s %5s\n", width, "SERVICE", "UP", "CHARGED", "P50",
		"P95", "P99", "AT PEAK", "TIMES");
	put_row(f, width, "(all)", g->time, &g->confidence.use);
	for (size_t i = 0; i < g->n; i++) {
		const struct needs_service *s = &g->service[i];

		put_row(f, width, model_name(m, s->service), s->up, &s->use);
		lacks |= is_too_short(&s->use);
	}
	if (lacks)
		fprintf(f, "    -: too short: P50 needs %s, P95 %s, P99 %s.\n",
			needed_time(p50, 500), needed_time(p95, 950), needed_time(p99, 990));
}

static void print_recorded(FILE *f, const struct needs_region *g)
{
	double rarer = confidence_rarer_than(g->time);
	char time[SHORT];

	fprintf(f, "    Recorded: %s in %zu boot%s of %zu machine%s.", short_time(time, g->time),
		g->boots, g->boots == 1 ? "" : "s", g->confidence.machines,
		g->confidence.machines == 1 ? "" : "s");
	if (rarer < 1)
		fprintf(f, " With a certainty of 95%%,\n    more than the peak is in use in less "
			"than %.2g%% of the time.", rarer * 100);
	fprintf(f, "\n");
}

static void print_side(FILE *f, const char *name, const struct confidence_error *e)
{
	char p50[CLI_SIZE], p95[CLI_SIZE], most[CLI_SIZE], when[CLI_DATE];

	if (!e->n)
		return;
	fprintf(f, "    %-14s %7" PRIu64 " %7s %7s %7s  %s\n", name, e->n,
		cli_size(p50, e->p50, false), cli_size(p95, e->p95, false),
		cli_size(most, e->max, false), cli_date(when, e->time));
}

static void print_runs(FILE *f, const struct model *m, const struct needs_region *g)
{
	const struct needs_confidence *c = &g->confidence;

	if (!g->cma || m->whatif)
		return;
	if (!c->runs) {
		fprintf(f, "    Largest free run: not measured while nothing changed.\n");
		return;
	}
	fprintf(f, "    Largest free run: measured %" PRIu64 " times, as calculated %" PRIu64
		" times.\n", c->runs, c->runs_equal);
	if (c->runs == c->runs_equal)
		return;
	fprintf(f, "    %-14s %7s %7s %7s %7s  %s\n", "DIFFERENCE", "TIMES", "P50", "P95", "MAX",
		"LARGEST (UTC)");
	print_side(f, "less was free", &c->less);
	print_side(f, "more was free", &c->more);
}

static void print_holdout(FILE *f, const struct holdout *h)
{
	const char *by = h->by == HOLDOUT_BOOTS ? "boot" : "day";
	char size[CLI_SIZE], over[CLI_SIZE];

	if (!h->tested) {
		fprintf(f, "    Held out: not possible with fewer than %d boots or %d days.\n",
			CONFIDENCE_PARTS, CONFIDENCE_PARTS);
		return;
	}
	if (h->too_small)
		fprintf(f, "    Held out: planned from the others, %zu of %zu %ss would lack up to "
			"%s.\n", h->too_small, h->parts, by, cli_size(size, h->short_most, false));
	else
		fprintf(f, "    Held out: planned from the others, each of %zu %ss fits.\n",
			h->parts, by);
	if (h->too_small < h->parts)
		fprintf(f, "    A %s that fits leaves %s free (median).\n", by,
			cli_size(over, h->over_median, false));
}

void report_peak(FILE *f, const struct needs_region *g)
{
	const struct confidence_time *t = &g->confidence.use;
	char near[SHORT], all[SHORT], times[32] = "once";

	if (!t->time)
		return;
	if (t->peak_times != 1)
		snprintf(times, sizeof(times), "%" PRIu64 " times", t->peak_times);
	fprintf(f, "            99%% of it or more for %s of %s, %s, in %zu of %zu boot%s\n",
		short_time(near, t->peak_ms), short_time(all, t->time), times,
		g->confidence.peak_boots, g->boots, g->boots == 1 ? "" : "s");
}

void report_confidence(FILE *f, const struct model *m, const struct needs_region *g)
{
	fprintf(f, "\n  Confidence\n");
	print_recorded(f, g);
	print_times(f, m, g);
	print_runs(f, m, g);
	print_holdout(f, &g->confidence.holdout);
}

void report_confidence_method(FILE *f)
{
	fprintf(f, "  Confidence: percentiles of the recorded time, for services of the time with a\n"
		"  charge. AT PEAK: the time at the peak or at most 1%% below it. With a certainty\n"
		"  of 95%%, anything that was not seen in n minutes is rarer than 3 / n (rule of\n"
		"  three). So a percentile needs at least 3 minutes above it.\n");
}

/* ---- JSON ---- */

static void put_number(FILE *f, const char *key, uint64_t v)
{
	if (v == DMEM_UNKNOWN)
		fprintf(f, ",\"%s\":null", key);
	else
		fprintf(f, ",\"%s\":%" PRIu64, key, v);
}

/* The percentiles that are null, with the ms that they need. */
static void put_too_short(FILE *f, const struct confidence_time *t)
{
	const struct { const char *name; uint64_t v; unsigned int permille; } p[] = {
		{ "p50", t->p50, 500 }, { "p95", t->p95, 950 }, { "p99", t->p99, 990 },
	};
	const char *before = "";

	fprintf(f, ",\"too_short\":");
	if (!is_too_short(t)) {
		fprintf(f, "null");
		return;
	}
	fprintf(f, "\"");
	for (size_t i = 0; i < sizeof(p) / sizeof(*p); i++) {
		if (p[i].v != DMEM_UNKNOWN)
			continue;
		fprintf(f, "%s%s needs %" PRIu64 " ms", before, p[i].name,
			confidence_needed(p[i].permille) * CONFIDENCE_PART_MS);
		before = ", ";
	}
	fprintf(f, "\"");
}

static void put_time(FILE *f, const struct confidence_time *t)
{
	put_number(f, "charged_ms", t->charged);
	put_number(f, "p50", t->p50);
	put_number(f, "p95", t->p95);
	put_number(f, "p99", t->p99);
	put_too_short(f, t);
	put_number(f, "peak_ms", t->peak_ms);
	put_number(f, "peak_times", t->peak_times);
}

void report_confidence_service(FILE *f, const struct needs_service *s)
{
	put_number(f, "up_ms", s->up);
	put_time(f, &s->use);
}

static void put_side(FILE *f, const char *key, const struct confidence_error *e)
{
	fprintf(f, ",\"%s\":{\"n\":%" PRIu64, key, e->n);
	put_number(f, "p50", e->p50);
	put_number(f, "p95", e->p95);
	put_number(f, "max", e->n ? e->max : DMEM_UNKNOWN);
	put_number(f, "time", e->n ? e->time : DMEM_UNKNOWN);
	fprintf(f, "}");
}

static void put_holdout(FILE *f, const struct holdout *h)
{
	bool fits = h->tested && h->too_small < h->parts;

	fprintf(f, ",\"held_out\":{\"by\":\"%s\",\"parts\":%zu",
		h->by == HOLDOUT_BOOTS ? "boot" : "day", h->parts);
	put_number(f, "too_small", h->tested ? h->too_small : DMEM_UNKNOWN);
	put_number(f, "short_most", h->tested ? h->short_most : DMEM_UNKNOWN);
	put_number(f, "over_median", fits ? h->over_median : DMEM_UNKNOWN);
	fprintf(f, h->tested ? ",\"too_short\":null}" : ",\"too_short\":\"needs %d boots or %d days\"}",
		CONFIDENCE_PARTS, CONFIDENCE_PARTS);
}

void report_confidence_json(FILE *f, const struct model *m, const struct needs_region *g)
{
	const struct needs_confidence *c = &g->confidence;
	double rarer = confidence_rarer_than(g->time);

	fprintf(f, "{\"machines\":%zu,\"boots\":%zu,\"recorded_ms\":%" PRIu64, c->machines, g->boots,
		g->time);
	if (rarer < 1)
		fprintf(f, ",\"above_peak_part\":%.6f", rarer);
	else
		fprintf(f, ",\"above_peak_part\":null");
	put_time(f, &c->use);
	put_number(f, "max", g->together_most);
	put_number(f, "peak_boots", c->peak_boots);
	if (m->whatif || !c->runs) {
		fprintf(f, ",\"free_runs\":null");
	} else {
		fprintf(f, ",\"free_runs\":{\"n\":%" PRIu64 ",\"equal\":%" PRIu64, c->runs,
			c->runs_equal);
		put_side(f, "less", &c->less);
		put_side(f, "more", &c->more);
		fprintf(f, "}");
	}
	put_holdout(f, &c->holdout);
	fprintf(f, "}");
}
