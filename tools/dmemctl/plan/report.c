// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints a plan as text and as JSON. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "report.h"

static void duration(char *buf, size_t size, uint64_t ms)
{
	unsigned long long s = ms / 1000;

	if (s >= 2 * 86400)
		snprintf(buf, size, "%llud %lluh", s / 86400, s % 86400 / 3600);
	else if (s >= 2 * 3600)
		snprintf(buf, size, "%lluh %llumin", s / 3600, s % 3600 / 60);
	else if (s >= 120)
		snprintf(buf, size, "%llumin %llus", s / 60, s % 60);
	else if (ms < 1000)
		snprintf(buf, size, "%u ms", (unsigned int)ms);
	else
		snprintf(buf, size, "%.3gs", (double)ms / 1000);
}

const char *report_duration(char buf[REPORT_DURATION], uint64_t ms)
{
	duration(buf, REPORT_DURATION, ms);
	return buf;
}

/* "1 boot", "2 boots". */
static void count(char *buf, size_t size, uint64_t n, const char *what)
{
	snprintf(buf, size, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
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

void report_more(FILE *f, const char *text)
{
	fprintf(f, "            %s\n", text);
}

static void print_placed(FILE *f, const struct model *m, const struct needs_region *g)
{
	char size[CLI_SIZE], line[80];

	item(f, g->placed, "as CMA places buffers: first fit, at multiples of up to %s;",
	     cli_size(size, g->unit, false));
	if (g->sizes_known)
		report_more(f, "with the recorded sizes of the buffers");
	else
		report_estimate(f, m);
	if (g->sufficed) {
		snprintf(line, sizeof(line),
			 "%s were enough: nothing was refused; the estimate is too high",
			 cli_size(size, g->sufficed, false));
		report_more(f, line);
	}
	if (g->placed_least != g->placed)
		item(f, g->placed_least,
		     "if buffers freed between two samples made room for others");
	if (g->run_smaller >= g->unit) {
		item(f, g->run_smaller, "less was free in one run than that leaves, as measured:");
		report_more(f, "some pages were busy, so more headroom is needed");
	}
	if (g->run_larger >= g->unit && !g->sizes_known) {
		item(f, g->run_larger, "more was free in one run than that leaves, as measured:");
		report_more(f, "the estimate is too high");
	}
}

static void print_recorded(FILE *f, const struct needs_region *g)
{
	char boots[32], samples[48], time[64];

	count(boots, sizeof(boots), g->boots, "boot");
	count(samples, sizeof(samples), g->samples, "sample");
	duration(time, sizeof(time), g->time);
	fprintf(f, "            recorded: %s, %s, %s%s\n", boots, time, samples,
		needs_is_enough(g) ? "" : ": too little to shrink it");
}

/* Prints the reason for a size that is not the need. */
static void print_reason(FILE *f, const struct needs_region *g, const struct needs_options *o)
{
	struct needs_proposal p = needs_propose(g, o);
	uint64_t capacity = g->region->capacity;

	if (p.reason == NEEDS_KEPT)
		item(f, g->size < needs_floor(g) ? needs_floor(g) : g->size,
		     "with --shrink; without it, no region becomes smaller");
	if (p.reason == NEEDS_FLOOR)
		item(f, p.size, "minimum for %s", g->is_default ?
		     "the area that drivers share" : "a region with unaccounted memory");
	if (p.reason == NEEDS_KEPT || (capacity != DMEM_UNKNOWN && p.size < capacity))
		print_recorded(f, g);
}

static void print_proposal(FILE *f, const struct needs_region *g, const struct needs_options *o)
{
	struct needs_proposal p = needs_propose(g, o);
	uint64_t capacity = g->region->capacity;
	char size[CLI_SIZE];

	if (p.reason == NEEDS_NOT_SIZED)
		fprintf(f, "\n%s: no size is planned", g->region->name);
	else
		fprintf(f, "\n%s: %s %s", g->region->name, cli_size(size, p.size, false),
			p.reason == NEEDS_KEPT ? "kept" : "planned");
	if (capacity != DMEM_UNKNOWN)
		fprintf(f, ", capacity %s", cli_size(size, capacity, false));
	fprintf(f, "\n");
}

static void print_together(FILE *f, const struct needs_region *g, const struct needs_options *o)
{
	char when[CLI_DATE];

	cli_date(when, g->worst_time);
	if (o->quantile < 1) {
		item(f, g->together, "in use at once, in %.4g%% of the boots at most",
		     o->quantile * 100);
		item(f, g->together_most, "in use at once, in all boots (%s UTC)", when);
	} else {
		item(f, g->together, "in use at once, highest of all samples (%s UTC)", when);
	}
	report_peak(f, g);
}

static void print_region(FILE *f, const struct model *m, const struct needs_region *g,
			 const struct needs_options *o)
{
	char block[CLI_SIZE], size[CLI_SIZE];

	print_proposal(f, g, o);
	if (g->together)
		print_together(f, g, o);
	if (g->cma && g->together)
		print_placed(f, m, g);
	if (g->unseen)
		item(f, g->unseen, "at peaks between samples, if all came at once");
	if (needs_propose(g, o).reason == NEEDS_NOT_SIZED)
		item(f, g->need, "needed");
	else
		item(f, g->need, "needed; %s with %.4g%% headroom, in blocks of %s%s",
		     cli_size(size, g->size, false), o->headroom * 100,
		     cli_size(block, g->block, false), g->block_assumed ? " (assumed)" : "");
	print_reason(f, g, o);
	item(f, g->all_peaks, "if all had been at their peaks at once");
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
	fprintf(f, "\n  %-*s %8s %8s %8s %8s %5s %8s\n", width, "SERVICE", "PEAK", "USUAL", "MAX",
		"MIN",
		"RUNS", "REFUSED");
	for (size_t i = 0; i < g->n; i++) {
		const struct needs_service *s = &g->service[i];
		char peak[CLI_SIZE], usual[CLI_SIZE], limit[CLI_SIZE], min[CLI_SIZE];

		fprintf(f, "  %-*s %8s %8s %8s %8s %5zu %8" PRIu64 "\n", width,
			model_name(m, s->service),
			cli_size(peak, s->peak, false), cli_size(usual, s->usual, false),
			cli_size(limit, s->limit, false), cli_size(min, s->reservation, false),
			s->runs,
			s->refused);
	}
}

#define MAX_NAMES	4

static const char *service_name(const struct model *m, const struct needs_region *g, size_t i)
{
	return model_name(m, g->service[i].service);
}

#define WIDTH		80
#define INDENT		14

/* Words of a line; a word that does not fit starts a new line. */
struct wrapped {
	FILE *f;
	size_t at;
};

static void put_word(struct wrapped *w, const char *before, const char *word, const char *behind)
{
	size_t len = strlen(word) + strlen(behind);

	if (w->at + strlen(before) + len > WIDTH && w->at > INDENT) {
		/* No blank, but a "+". */
		before += strspn(before, " ");
		fprintf(w->f, "\n%*s%s%s%s", INDENT, "", before, word, behind);
		w->at = INDENT + strlen(before) + len;
		return;
	}
	fprintf(w->f, "%s%s%s", before, word, behind);
	w->at += strlen(before) + len;
}

/* "a + b", "any 3 of a, b, c, d and 4 more". */
static void put_part(struct wrapped *w, const struct model *m, const struct needs_region *g,
		     const struct needs_part *p, const char *before)
{
	bool all = p->count == p->n, plus = all && p->n <= MAX_NAMES;
	size_t shown = p->n <= MAX_NAMES + 1 ? p->n : MAX_NAMES;
	char word[64];

	if (!plus) {
		snprintf(word, sizeof(word), all ? "all of" : "any %zu of", p->count);
		put_word(w, before, word, "");
		before = " ";
	}
	for (size_t i = 0; i < shown; i++) {
		put_word(w, before, service_name(m, g, p->first + i),
			 i + 1 < shown ? plus ? " +" : "," : "");
		before = " ";
	}
	if (shown == p->n)
		return;
	snprintf(word, sizeof(word), "and %zu more", p->n - shown);
	put_word(w, " ", word, "");
}

void report_conflict(FILE *f, const struct model *m, const struct needs_region *g,
		     const struct needs_conflict *c, const char *behind)
{
	size_t shown = c->n <= MAX_NAMES + 1 ? c->n : MAX_NAMES;
	struct wrapped w = { f, INDENT };
	char size[CLI_SIZE], word[64];

	fprintf(f, "    %8s  ", cli_size(size, c->sum, false));
	for (size_t i = 0; i < shown; i++)
		put_part(&w, m, g, &c->part[i], i ? " + " : "");
	if (shown < c->n) {
		snprintf(word, sizeof(word), "+ %zu more", c->n - shown);
		put_word(&w, " ", word, "");
	}
	if (c->n == 1 && c->part->count == 1)
		put_word(&w, " ", "alone", "");
	if (behind)
		put_word(&w, " ", behind, "");
	fprintf(f, "\n");
}

static void print_conflicts(FILE *f, const struct model *m, const struct needs_region *g,
			    const struct needs_conflicts *c, const char *what)
{
	char size[CLI_SIZE];

	if (c->size == DMEM_UNKNOWN || !c->n)
		return;
	fprintf(f, "\n  Not at their peaks at once in %s (%s):\n", cli_size(size, c->size, false),
		what);
	for (size_t i = 0; i < c->n; i++)
		report_conflict(f, m, g, &c->conflict[i], NULL);
	if (c->more)
		fprintf(f, "    and others\n");
	if (g->n > 2)
		fprintf(f, "    Any %zu of the %zu services fit, and no more than %zu.\n", c->any,
			g->n,
			c->most);
}

static void print_warnings(FILE *f, const struct model *m, const struct needs_region *g,
			   const struct needs_options *o)
{
	bool sized = needs_propose(g, o).reason != NEEDS_NOT_SIZED;
	uint64_t refused = 0;

	for (size_t i = 0; i < g->n; i++)
		refused += g->service[i].refused;
	print_conflicts(f, m, g, &g->conflicts, sized ? "needed" : "capacity");
	print_conflicts(f, m, g, &g->existing, "capacity");
	report_reserve(f, m, g);
	if (refused)
		fprintf(f, "\n"
		"  %" PRIu64 " %s refused. The figures do not include refused requests:\n"
		"  record again with higher limits, or with a larger region.\n", refused,
			refused == 1 ? "request was" : "requests were");
}

/* Trials in regions that no plan is printed for. */
static void print_unused_trials(FILE *f, const struct model *m, const struct needs *n,
				const struct needs_options *o)
{
	for (size_t i = 0; i < m->n_regions && o->size; i++) {
		bool used = o->size[i] == DMEM_UNKNOWN;

		for (size_t k = 0; k < n->n; k++)
			used |= n->region[k].region == &m->region[i];
		if (!used)
			fprintf(f, "\n%s: no cgroup was charged, so nothing would be refused\n",
				m->region[i].name);
	}
}

static void print_method(FILE *f, const struct needs_options *o, bool cma)
{
	const char *which = o->quantile < 1 ? "quantile" : "largest";

	fprintf(f, "\nHow these figures are calculated\n"
		"  Regions: the %s of the boots' needs.\n"
		"  MAX: the %s of the peaks of the service's runs, with headroom (in whole\n"
		"  buffers, if there were several of one size).\n"
		"  MIN: the median charge of the service while it had any (USUAL), or the part of\n"
		"  it that leaves room for all recorded requests.\n", which, which);
	if (o->quantile < 1)
		fprintf(f, "  The quantile is %.4g: the boots and runs above it do not fit.\n",
			o->quantile);
	fprintf(f, "  A plan covers only events that occurred while it was recorded.\n");
	if (o->confidence)
		report_confidence_method(f);
	if (o->sets)
		report_reserve_method(f);
	if (o->size)
		report_trial_method(f);
	if (!cma)
		return;
	fprintf(f, "  CMA moves a buffer to its next multiple if a page there cannot be moved at\n"
		"  once (it is busy). Each such page costs up to the largest multiple above.\n"
		"  Histories do not show how many there will be: headroom must cover them.\n");
}

void report_head(FILE *f, const struct model *m, const struct needs *n)
{
	char files[64], boots[32], samples[48], buf[64];
	uint64_t longest = 0, time = 0;

	for (size_t i = 0; i < m->n_boots; i++)
		longest = m->boot[i].interval > longest ? m->boot[i].interval : longest;
	for (size_t i = 0; i < n->n; i++)
		time = n->region[i].time > time ? n->region[i].time : time;
	if (m->prometheus)
		report_answers(files, sizeof(files), m);
	else if (m->files == 1)
		snprintf(files, sizeof(files), "1 history");
	else
		snprintf(files, sizeof(files), "%zu histories", m->files);
	count(boots, sizeof(boots), m->n_boots, "boot");
	count(samples, sizeof(samples), m->samples, "sample");
	duration(buf, sizeof(buf), time);
	fprintf(f, "%s%s %s: %s, %s", files, m->prometheus ? "," : " of", boots, buf, samples);
	duration(buf, sizeof(buf), longest);
	fprintf(f, ", one every %s.\n", buf);
	report_changes(f, m, "The load was changed, these are not the recorded figures: ", "\n");
}

void report_text(FILE *f, const struct model *m, const struct needs *n,
		 const struct needs_options *o)
{
	bool cma = false;

	report_head(f, m, n);
	for (size_t i = 0; i < n->n; i++) {
		cma |= n->region[i].cma && n->region[i].together;
		print_region(f, m, &n->region[i], o);
		print_services(f, m, &n->region[i]);
		print_warnings(f, m, &n->region[i], o);
		if (o->confidence)
			report_confidence(f, m, &n->region[i]);
		report_kernel_use(f, m, &n->region[i]);
		report_trial(f, m, &n->region[i]);
	}
	print_unused_trials(f, m, n, o);
	report_unknown(f, m);
	print_method(f, o, cma);
}

/* ---- JSON ---- */

void report_json_text(FILE *f, const char *s)
{
	char *array = json_array(&s, 1);

	/* Only the word itself, without the object around it. */
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

/* Each number follows a comma. */
static void json_numbers(FILE *f, const struct number *n, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (n[i].v == DMEM_UNKNOWN)
			fprintf(f, ",\"%s\":null", n[i].key);
		else if (n[i].v == DMEM_NO_LIMIT)
			fprintf(f, ",\"%s\":\"max\"", n[i].key);
		else
			fprintf(f, ",\"%s\":%" PRIu64, n[i].key, n[i].v);
	}
}

static void json_service(FILE *f, const struct model *m, const struct needs_service *s)
{
	const struct number numbers[] = {
		{ "runs", s->runs }, { "peak", s->peak }, { "usual", s->usual },
		{ "refused", s->refused }, { "current_max", s->max }, { "current_min", s->min },
		{ "max", s->limit },
		{ "min", s->reservation }, { "buffer", s->buffer ? s->buffer : DMEM_UNKNOWN },
	};

	fprintf(f, "{\"service\":");
	report_json_text(f, model_name(m, s->service));
	fprintf(f, ",\"cgroup\":");
	report_json_text(f, m->service[s->service].path);
	json_numbers(f, numbers, sizeof(numbers) / sizeof(*numbers));
	report_confidence_service(f, s);
	report_set_json(f, m, s);
	fprintf(f, "}");
}

static void json_services(FILE *f, const struct model *m, const struct needs_region *g,
			  const struct needs_part *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "%s", i ? "," : "");
		report_json_text(f, service_name(m, g, p->first + i));
	}
}

void report_conflict_json(FILE *f, const struct model *m, const struct needs_region *g,
			  const struct needs_conflict *c, const char *more)
{
	fprintf(f, "{\"services\":[");
	for (size_t i = 0; i < c->n; i++) {
		fprintf(f, "%s", i ? "," : "");
		json_services(f, m, g, &c->part[i], c->part[i].count);
	}
	fprintf(f, "],\"peaks\":%" PRIu64 ",\"any\":[", c->sum);
	for (size_t i = 0; i < c->n; i++) {
		fprintf(f, "%s{\"count\":%zu,\"of\":[", i ? "," : "", c->part[i].count);
		json_services(f, m, g, &c->part[i], c->part[i].n);
		fprintf(f, "]}");
	}
	fprintf(f, "]%s}", more);
}

static void json_conflicts(FILE *f, const struct model *m, const struct needs_region *g,
			   const struct needs_conflicts *c)
{
	fprintf(f, "[");
	for (size_t i = 0; i < c->n; i++) {
		fprintf(f, "%s", i ? "," : "");
		report_conflict_json(f, m, g, &c->conflict[i], "");
	}
	fprintf(f, "]");
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
		{ "size", p.reason == NEEDS_NOT_SIZED ? DMEM_UNKNOWN : g->size },
		{ "need", g->need },
		{ "together", g->together }, { "together_most", g->together_most },
		{ "placed", g->placed },
		{ "placed_least", g->placed_least }, { "never_seen", g->unseen },
		{ "all_peaks", g->all_peaks }, { "unaccounted", g->unaccounted },
		{ "alignment", g->unit }, { "block", g->block }, { "worst_time", g->worst_time },
		{ "observed_ms", g->time }, { "boots", g->boots },
		{ "samples", g->samples }, { "page", g->page },
		{ "run_smaller", g->measured ? g->run_smaller : DMEM_UNKNOWN },
		{ "run_larger", g->measured ? g->run_larger : DMEM_UNKNOWN },
		{ "sufficed", g->sufficed ? g->sufficed : DMEM_UNKNOWN },
	};

	fprintf(f, "{\"region\":");
	report_json_text(f, g->region->name);
	json_numbers(f, numbers, sizeof(numbers) / sizeof(*numbers));
	fprintf(f, ",\"reason\":\"%s\"", reasons[p.reason]);
	fprintf(f, ",\"enough_to_shrink\":%s,\"sizes_known\":%s,\"block_assumed\":%s,"
		"\"reserved_part\":%.4f,\"services\":[", needs_is_enough(g) ? "true" : "false",
		g->sizes_known ? "true" : "false", g->block_assumed ? "true" : "false",
		g->reserved);
	for (size_t i = 0; i < g->n; i++) {
		fprintf(f, "%s", i ? "," : "");
		json_service(f, m, &g->service[i]);
	}
	fprintf(f, "],\"conflicts\":");
	json_conflicts(f, m, g, &g->conflicts);
	fprintf(f, ",\"more_conflicts\":%s,\"conflicts_in_capacity\":",
		g->conflicts.more ? "true" : "false");
	json_conflicts(f, m, g, g->existing.size == DMEM_UNKNOWN ? &g->conflicts : &g->existing);
	fprintf(f, ",\"fits_any\":%zu,\"fits_most\":%zu,\"trial\":", g->conflicts.any,
		g->conflicts.most);
	report_trial_json(f, m, g);
	if (g->pairs)
		report_pairs_json(f, m, g);
	fprintf(f, ",\"confidence\":");
	report_confidence_json(f, m, g);
	report_reserve_json(f, m, g);
	report_kernel_use_json(f, m, g);
	fprintf(f, "}");
}

void report_json(FILE *f, const struct model *m, const struct needs *n,
		 const struct needs_options *o)
{
	fprintf(f, "{\"histories\":%zu,\"boots\":%zu,\"samples\":%" PRIu64 ",\"damaged_lines\":%zu,\"headroom\":%.6g,"
		"\"quantile\":%.6g,\"changes\":", m->files, m->n_boots, m->samples, m->bad,
		o->headroom, o->quantile);
	report_changes_json(f, m);
	report_prometheus_json(f, m);
	fprintf(f, ",\"regions\":[");
	for (size_t i = 0; i < n->n; i++) {
		fprintf(f, "%s\n", i ? "," : "");
		json_region(f, m, &n->region[i], o);
	}
	fprintf(f, "]}\n");
}
