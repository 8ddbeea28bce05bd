// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints pairs and sets of services that were up together, and whether they fit. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "num.h"
#include "pairs.h"
#include "report.h"

#define MAX_LINES	8
#define NAME_WIDTH	58

/* What the peaks of two services are, as marks in the matrix. */
enum mark {
	MARK_FIT,		/* in a CMA area: in places for all buffers */
	MARK_UNPLACED,		/* in sum; their buffers are not known */
	MARK_SUM,		/* in sum, but not as CMA places them */
	MARK_NOT,
	MARKS,
};

static enum mark mark_of(const struct needs_region *g, size_t a, size_t b)
{
	const struct pairs_pair *pair = pairs_of(g->pairs, a, b);

	if (!pairs_fit(g, pairs_peaks(g, a, b)))
		return MARK_NOT;
	if (pair->placed == DMEM_UNKNOWN)
		return g->cma ? MARK_UNPLACED : MARK_FIT;
	return pair->placed > g->pairs->size ? MARK_SUM : MARK_FIT;
}

/* ---- text ---- */

/* "34%"; ">99%" and "<1%" are not all and not nothing. */
static const char *percent(char buf[8], uint64_t part, uint64_t all)
{
	double v = all ? 100 * (double)part / (double)all : 0;

	if (part && part >= all)
		snprintf(buf, 8, "100%%");
	else if (v >= 99.5)
		snprintf(buf, 8, ">99%%");
	else if (v < 0.5)
		snprintf(buf, 8, "<1%%");
	else
		snprintf(buf, 8, "%.0f%%", v);
	return buf;
}

/* The name, with dots in the middle if it is too long. Keeps whole characters. */
static void put_name(FILE *f, const char *name)
{
	size_t len = strlen(name), head = NAME_WIDTH / 2 - 1, tail = len - (NAME_WIDTH - head - 2);

	if (len <= NAME_WIDTH) {
		fprintf(f, "%s", name);
		return;
	}
	while (head && (name[head] & 0xc0) == 0x80)
		head--;
	while ((name[tail] & 0xc0) == 0x80)
		tail++;
	fprintf(f, "%.*s..%s", (int)head, name, name + tail);
}

static void print_services(FILE *f, const struct model *m, const struct needs_region *g, size_t n)
{
	char size[CLI_SIZE], up[8];

	fprintf(f, "\n  %4s %8s %5s  %s\n", "", "PEAK", "UP", "SERVICE");
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "  %4zu %8s %5s  ", i + 1, cli_size(size, g->service[i].peak, false),
			percent(up, g->pairs->service[i].time, g->time));
		put_name(f, model_name(m, g->service[i].service));
		fprintf(f, "\n");
	}
	n = g->pairs->n + g->pairs->left_out - n;
	if (n)
		fprintf(f, "       and %zu more: see --json\n", n);
}

/* A cell of the row @a. Blanks follow it only if there is another one. */
static void print_cell(FILE *f, const struct needs_region *g, size_t a, size_t b, bool last)
{
	static const char * const marks[MARKS] = { "", "?", "~", "!" };
	const struct pairs_pair *pair = pairs_of(g->pairs, a, b);
	const char *mark = marks[mark_of(g, a, b)];
	char part[8];

	fprintf(f, " %4s%s", pair->most ? percent(part, pair->time, g->time) : "-",
		*mark || last ? mark : " ");
}

static void print_legend(FILE *f, const struct needs_region *g, size_t n)
{
	size_t marks[MARKS] = { 0 }, never = 0;

	for (size_t b = 1; b < n; b++) {
		for (size_t a = 0; a < b; a++) {
			marks[mark_of(g, a, b)]++;
			never += !pairs_of(g->pairs, a, b)->most;
		}
	}
	if (marks[MARK_FIT])
		fprintf(f, "       without a mark: their peaks fit together%s\n",
			g->cma ? ", also as CMA places the buffers" : "");
	if (never)
		fprintf(f, "       -  never up together in a sample\n");
	if (marks[MARK_NOT])
		fprintf(f, "       !  their peaks do not fit together\n");
	if (marks[MARK_SUM])
		fprintf(f, "       ~  their peaks fit in sum, but not as CMA places the buffers\n");
	if (marks[MARK_UNPLACED])
		fprintf(f, "       ?  their peaks fit in sum; buffers are not recorded\n");
}

static void print_matrix(FILE *f, const struct needs_region *g, size_t n)
{
	char time[REPORT_DURATION];

	fprintf(f, "\n  Up together, of %s:\n      ", report_duration(time, g->time));
	for (size_t b = 1; b < n; b++)
		fprintf(f, b + 1 < n ? " %4zu " : " %4zu", b + 1);
	for (size_t a = 0; a + 1 < n; a++) {
		fprintf(f, "\n  %4zu%*s", a + 1, (int)(6 * a), "");
		for (size_t b = a + 1; b < n; b++)
			print_cell(f, g, a, b, b + 1 == n);
	}
	fprintf(f, "\n");
	print_legend(f, g, n);
}

struct pair_line {
	size_t a, b;
	uint64_t peaks;
};

static int by_peaks(const void *x, const void *y)
{
	const struct pair_line *a = x, *b = y;

	if (a->peaks != b->peaks)
		return a->peaks > b->peaks ? -1 : 1;
	return a->a != b->a ? (a->a > b->a) - (a->a < b->a) : (a->b > b->b) - (a->b < b->b);
}

static void print_pair(FILE *f, const struct model *m, const struct needs_region *g,
		       const struct pair_line *l)
{
	const struct pairs_pair *pair = pairs_of(g->pairs, l->a, l->b);
	char numbers[48], peaks[CLI_SIZE], placed[CLI_SIZE], most[CLI_SIZE];
	char time[REPORT_DURATION], when[CLI_DATE];

	snprintf(numbers, sizeof(numbers), "%zu + %zu", l->a + 1, l->b + 1);
	fprintf(f, "  %9s %8s %8s", numbers, cli_size(peaks, l->peaks, false),
		cli_size(placed, pair->placed, false));
	if (!pair->most) {
		fprintf(f, " %8s %11s\n", "-", "never");
		return;
	}
	fprintf(f, " %8s %11s  %s\n", cli_size(most, pair->most, false),
		report_duration(time, pair->time),
		cli_date(when, model_wall(&m->boot[pair->boot], pair->when)));
}

/* The pairs that do not fit, or not as CMA places them. */
static void print_pairs(FILE *f, const struct model *m, const struct needs_region *g, size_t n)
{
	struct pair_line line[REPORT_PAIRS * REPORT_PAIRS / 2];
	char size[REPORT_EXACT];
	size_t lines = 0;

	for (size_t b = 1; b < n; b++) {
		for (size_t a = 0; a < b; a++) {
			if (mark_of(g, a, b) == MARK_NOT || mark_of(g, a, b) == MARK_SUM)
				line[lines++] = (struct pair_line){ a, b, pairs_peaks(g, a, b) };
		}
	}
	if (!lines)
		return;
	qsort(line, lines, sizeof(*line), by_peaks);
	fprintf(f, "\n  Pairs that cannot both be at their peaks in %s:\n"
		"  %9s %8s %8s %8s %11s  %s\n", report_exact(size, g->pairs->size), "PAIR", "PEAKS",
		"PLACED", "MOST", "TOGETHER", "MOST AT (UTC)");
	for (size_t i = 0; i < lines && i < MAX_LINES; i++)
		print_pair(f, m, g, &line[i]);
	if (lines > MAX_LINES)
		fprintf(f, "    and %zu more\n", lines - MAX_LINES);
}

/* All peaks fit in sum. */
static void print_all(FILE *f, const struct needs_region *g, const char *size)
{
	const struct pairs_region *p = g->pairs;
	char placed[CLI_SIZE];

	fprintf(f, "\n  All %zu can be at their peaks at once in %s", p->n + p->left_out, size);
	if (!g->cma)
		fprintf(f, ".\n");
	else if (p->placed == DMEM_UNKNOWN)
		fprintf(f, " by sum; buffers are not recorded.\n");
	else if (p->placed > p->size)
		fprintf(f, " by sum,\n  but not as CMA places the buffers: these would end at %s.\n",
			cli_size(placed, p->placed, false));
	else
		fprintf(f, ", also as CMA places the buffers.\n");
}

static void print_sets(FILE *f, const struct model *m, const struct needs_region *g)
{
	const struct pairs_region *p = g->pairs;
	char size[REPORT_EXACT], time[REPORT_DURATION], text[REPORT_DURATION + 16];

	report_exact(size, p->size);
	if (!p->sets.n) {
		print_all(f, g, size);
		return;
	}
	fprintf(f, "\n  Not at their peaks at once in %s, and the time all of a set were up:\n", size);
	for (size_t i = 0; i < p->sets.n; i++) {
		snprintf(text, sizeof(text), p->set[i].seen ? "(up: %s)" : "(never up)",
			 report_duration(time, p->set[i].time));
		report_conflict(f, m, g, &p->sets.conflict[i], text);
	}
	if (p->sets.more)
		fprintf(f, "    and others\n");
	if (g->n > 2)
		fprintf(f, "    In sum, any %zu of the %zu services fit, and no more than %zu.\n", p->sets.any, g->n,
			p->sets.most);
}

/* "24M  any 2 of a.service, b.service, c.service (up: at most 1)" */
static void print_group(FILE *f, const struct model *m, const struct needs_region *g,
			const struct pairs_group *k)
{
	struct needs_part part = { k->first, k->n, k->fit };
	const struct needs_conflict all = { &part, 1, k->fit * g->service[k->first].peak };
	char text[120];

	if (k->placed < k->fit)
		snprintf(text, sizeof(text), "(as CMA places them: %zu; up: at most %zu)", k->placed, k->most);
	else
		snprintf(text, sizeof(text), "(up: at most %zu)", k->most);
	report_conflict(f, m, g, &all, text);
}

/* A group whose services fit not even alone is in the sets. */
static void print_groups(FILE *f, const struct model *m, const struct needs_region *g)
{
	const struct pairs_region *p = g->pairs;
	size_t shown = 0;

	for (size_t i = 0; i < p->n_groups; i++) {
		if (!p->group[i].fit)
			continue;
		if (!shown++)
			fprintf(f, "\n  Of services with equal peaks, these fit at once:\n");
		if (shown <= MAX_LINES)
			print_group(f, m, g, &p->group[i]);
	}
	if (shown > MAX_LINES)
		fprintf(f, "    and %zu more groups\n", shown - MAX_LINES);
}

static bool has_pairs(const struct needs_region *g)
{
	return g->pairs->size != DMEM_UNKNOWN && g->pairs->n > 1;
}

static void print_region(FILE *f, const struct model *m, const struct needs_region *g)
{
	const struct pairs_region *p = g->pairs;
	size_t n = p->n < REPORT_PAIRS ? p->n : REPORT_PAIRS;
	char size[REPORT_EXACT], unaccounted[CLI_SIZE];

	fprintf(f, "\n%s: ", g->region->name);
	if (!has_pairs(g)) {
		if (p->size != DMEM_UNKNOWN)
			fprintf(f, "no pairs: fewer than two services were charged\n");
		else
			fprintf(f, "no pairs: its capacity is not known, use --size\n");
		return;
	}
	fprintf(f, "%zu services in %s%s\n", p->n + p->left_out, report_exact(size, p->size),
		p->tried ? " (--size)" : "");
	if (g->unaccounted)
		fprintf(f, "  %8s  of it must stay free: the most that was used without a charge\n",
			cli_size(unaccounted, g->unaccounted, false));
	print_services(f, m, g, n);
	print_matrix(f, g, n);
	print_pairs(f, m, g, n);
	print_sets(f, m, g);
	print_groups(f, m, g);
}

void report_pairs(FILE *f, const struct model *m, const struct needs *n)
{
	bool any = false, cma = false;

	report_head(f, m, n);
	for (size_t i = 0; i < n->n; i++) {
		print_region(f, m, &n->region[i]);
		any |= has_pairs(&n->region[i]);
		cma |= has_pairs(&n->region[i]) && n->region[i].cma;
	}
	if (!any)
		return;
	fprintf(f, "\nHow these figures are calculated\n"
		"  PEAK: measured by the kernel, for each service alone. A sum of peaks is a\n"
		"  bound: the services may never reach them at once.\n"
		"  UP, TOGETHER: measured: the time with a charge in the samples, and its part of\n"
		"  the recorded time. Services that were never up together can be so later,\n"
		"  unless something prevents it, such as Conflicts= in their units.\n"
		"  MOST: measured: the highest charge of both in one sample.\n");
	if (cma)
		fprintf(f, "  PLACED: calculated: the end of the buffers that each had when its charge was\n"
			"  highest, first fit in an empty area, one service after the other, in the less\n"
			"  favourable order. The part of a peak without recorded buffers is one buffer.\n"
			"  Gaps that other services and freed buffers leave are not included.\n");
	fprintf(f, "  Regions that are no CMA areas are compared by sum only.\n");
}

/* ---- JSON ---- */

static void json_number(FILE *f, const char *key, uint64_t v)
{
	if (v == DMEM_UNKNOWN)
		fprintf(f, ",\"%s\":null", key);
	else
		fprintf(f, ",\"%s\":%" PRIu64, key, v);
}

static const char *truth(bool yes)
{
	return yes ? "true" : "false";
}

static void json_two(FILE *f, const char *key, const char *a, const char *b)
{
	fprintf(f, "\"%s\":[", key);
	report_json_text(f, a);
	fprintf(f, ",");
	report_json_text(f, b);
	fprintf(f, "]");
}

static void json_pair(FILE *f, const struct model *m, const struct needs_region *g, size_t a, size_t b)
{
	const struct pairs_pair *pair = pairs_of(g->pairs, a, b);
	const struct model_boot *boot = pair->most ? &m->boot[pair->boot] : NULL;
	uint32_t x = g->service[a].service, y = g->service[b].service;
	uint64_t peaks = pairs_peaks(g, a, b);
	bool placed = pair->placed != DMEM_UNKNOWN;

	fprintf(f, "{");
	json_two(f, "services", model_name(m, x), model_name(m, y));
	fprintf(f, ",");
	json_two(f, "cgroups", m->service[x].path, m->service[y].path);
	json_number(f, "peaks", peaks);
	fprintf(f, ",\"fits_sum\":%s", truth(pairs_fit(g, peaks)));
	json_number(f, "placed", pair->placed);
	fprintf(f, ",\"fits_placed\":%s", placed ? truth(pair->placed <= g->pairs->size) : "null");
	json_number(f, "estimated", placed ? pairs_rest(g, a) + pairs_rest(g, b) : DMEM_UNKNOWN);
	json_number(f, "together_ms", pair->time);
	fprintf(f, ",\"together_part\":%.6f", g->time ? (double)pair->time / (double)g->time : 0);
	json_number(f, "most", boot ? pair->most : DMEM_UNKNOWN);
	json_number(f, "most_time", boot ? model_wall(boot, pair->when) : DMEM_UNKNOWN);
	fprintf(f, ",\"boot\":");
	if (boot)
		report_json_text(f, boot->id);
	else
		fprintf(f, "null");
	fprintf(f, "}");
}

static void json_sets(FILE *f, const struct model *m, const struct needs_region *g)
{
	char more[80];

	for (size_t i = 0; i < g->pairs->sets.n; i++) {
		const struct pairs_set *s = &g->pairs->set[i];

		snprintf(more, sizeof(more), ",\"together_ms\":%" PRIu64 ",\"together\":%s", s->time,
			 truth(s->seen));
		fprintf(f, "%s", i ? "," : "");
		report_conflict_json(f, m, g, &g->pairs->sets.conflict[i], more);
	}
}

static void json_group(FILE *f, const struct model *m, const struct needs_region *g,
		       const struct pairs_group *k)
{
	fprintf(f, "{\"services\":[");
	for (size_t i = 0; i < k->n; i++) {
		fprintf(f, "%s", i ? "," : "");
		report_json_text(f, model_name(m, g->service[k->first + i].service));
	}
	fprintf(f, "],\"peak\":%" PRIu64 ",\"fits_sum\":%zu", g->service[k->first].peak, k->fit);
	json_number(f, "fits_placed", k->placed == SIZE_MAX ? DMEM_UNKNOWN : k->placed);
	fprintf(f, ",\"together\":%zu}", k->most);
}

void report_pairs_json(FILE *f, const struct model *m, const struct needs_region *g)
{
	const struct pairs_region *p = g->pairs;

	if (p->size == DMEM_UNKNOWN) {
		fprintf(f, ",\"pairs\":null");
		return;
	}
	fprintf(f, ",\"pairs_in\":%" PRIu64 ",\"pairs_left_out\":%zu,\"up_ms\":[", p->size, p->left_out);
	for (size_t i = 0; i < p->n; i++)
		fprintf(f, "%s%" PRIu64, i ? "," : "", p->service[i].time);
	fprintf(f, "]");
	json_number(f, "all_placed", p->placed);
	fprintf(f, ",\"pairs\":[");
	for (size_t b = 1; b < p->n; b++) {
		for (size_t a = 0; a < b; a++) {
			fprintf(f, "%s\n", b > 1 ? "," : "");
			json_pair(f, m, g, a, b);
		}
	}
	fprintf(f, "],\"pair_sets\":[");
	json_sets(f, m, g);
	fprintf(f, "],\"pair_groups\":[");
	for (size_t i = 0; i < p->n_groups; i++) {
		fprintf(f, "%s", i ? "," : "");
		json_group(f, m, g, &p->group[i]);
	}
	fprintf(f, "]");
}
