// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints rules of Prometheus. Names from histories occur in label matchers only: Prometheus expands
 * templates in labels and annotations, so that a name there could contain one. A matcher has two
 * layers of escapes: those of PromQL, as in the metrics themselves, and those of YAML around them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dmemctl/metrics/metrics.h"
#include "alerts.h"
#include "num.h"

/* A rule in the making: its terms are alternatives, "A or B". */
struct rule {
	FILE *f;
	size_t terms;
};

/* The code point at *@s, which is valid UTF-8. Moves to the next one. */
static uint32_t next_character(const char **s)
{
	unsigned char first = (unsigned char)*(*s)++;
	uint32_t c = first < 0x80 ? first : first < 0xe0 ? first & 0x1f : first < 0xf0 ?
		     first & 0x0f : first & 0x07;

	while ((**s & 0xc0) == 0x80)
		c = c << 6 | (uint32_t)(*(*s)++ & 0x3f);
	return c;
}

/* Inside of double quotes. YAML treats some characters beyond ASCII as ends of lines. */
static void put_yaml(FILE *f, const char *s)
{
	while (*s) {
		uint32_t c = next_character(&s);

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", (char)c);
		else if (c < 0x7f)
			fputc((int)c, f);
		else if (c <= 0xffff)
			fprintf(f, "\\u%04" PRIX32, c);
		else
			fprintf(f, "\\U%08" PRIX32, c);
	}
}

/* Each term begins a line; YAML makes one blank of the end of a line in quotes. */
static void put_term(struct rule *r, const char *promql)
{
	fprintf(r->f, r->terms++ ? " or\n      " : "    expr: \"");
	put_yaml(r->f, promql);
}

static void begin(struct rule *r, const char *name)
{
	r->terms = 0;
	fprintf(r->f, "  - alert: %s\n", name);
}

static void end(struct rule *r, const char *wait, const char *severity, const char *summary)
{
	fprintf(r->f, "\"\n    for: %s\n    labels:\n      severity: %s\n    annotations:\n"
		"      summary: \"%s\"\n", wait, severity, summary);
}

/* Prints {region="...",cgroup="/..."}. */
static void put_labels(FILE *f, const char *region, const char *path)
{
	fprintf(f, "{region=\"");
	metrics_label(f, region, strlen(region));
	fprintf(f, "\"");
	if (path) {
		fprintf(f, ",cgroup=\"/");
		metrics_label(f, path, strlen(path));
		fprintf(f, "\"");
	}
	fprintf(f, "}");
}

/* A value between the highest one seen and one that must not be reached. */
static uint64_t between(uint64_t seen, uint64_t end)
{
	return seen < end ? seen + (end - seen) / 2 : end - 1;
}

static uint64_t size_of(const struct needs_region *g, const struct needs_options *o)
{
	uint64_t size = needs_propose(g, o).size;

	return size == DMEM_UNKNOWN ? g->region->capacity : size;
}

/* The need includes gaps between buffers, which no metric has; without room for it, the highest sum
 * counts. */
static uint64_t full_at(const struct needs_region *g, uint64_t size)
{
	return between(g->need < size ? g->need : max_u64(g->together, g->together_most), size);
}

static bool has_full(const struct needs_region *g, const struct needs_options *o)
{
	uint64_t size = size_of(g, o);

	return size && size != DMEM_UNKNOWN && size != DMEM_NO_LIMIT;
}

/* Machines without the counter of unaccounted memory have no such metric. */
static void put_full(FILE *f, const struct needs_region *g, const struct needs_options *o)
{
	const char *region = g->region->name;

	fprintf(f, "dmem_region_charged_bytes");
	put_labels(f, region, NULL);
	fprintf(f, " + (dmem_region_unaccounted_bytes");
	put_labels(f, region, NULL);
	fprintf(f, " or dmem_region_charged_bytes");
	put_labels(f, region, NULL);
	fprintf(f, " * 0) > %" PRIu64, full_at(g, size_of(g, o)));
}

/* If less than a buffer is free, the region is full, and not fragmented. */
static void put_fragments(FILE *f, const struct needs_region *g)
{
	fprintf(f, "dmem_region_largest_free_bytes");
	put_labels(f, g->region->name, NULL);
	fprintf(f, " < %" PRIu64 " and dmem_region_free_bytes", g->largest_buffer);
	put_labels(f, g->region->name, NULL);
	fprintf(f, " >= %" PRIu64, g->largest_buffer);
}

static void put_near(FILE *f, const struct model *m, const struct needs_region *g,
		     const struct needs_service *s)
{
	fprintf(f, "dmem_cgroup_charged_bytes");
	put_labels(f, g->region->name, m->service[s->service].path);
	fprintf(f, " > %" PRIu64, between(s->peak, s->limit));
}

enum term { FULL, NEAR, FRAGMENTS };

/* Adds one term, with memory as its stream. 0 or -ENOMEM. */
static int add_term(struct rule *r, enum term term, const struct model *m,
		    const struct needs_region *g, const struct needs_service *s,
		    const struct needs_options *o)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return -ENOMEM;
	if (term == FULL)
		put_full(f, g, o);
	else if (term == NEAR)
		put_near(f, m, g, s);
	else
		put_fragments(f, g);
	if (fclose(f)) {
		free(text);
		return -ENOMEM;
	}
	put_term(r, text);
	free(text);
	return 0;
}

/* A rule without a term would be no YAML. */
static int put_region_rules(struct rule *r, enum term term, const struct model *m,
			    const struct needs *n, const struct needs_options *o)
{
	bool any = false;
	int ret = 0;

	for (size_t i = 0; i < n->n && !ret; i++) {
		const struct needs_region *g = &n->region[i];

		if (term == FULL ? !has_full(g, o) :
		    !g->cma || !g->sizes_known || !g->largest_buffer)
			continue;
		if (!any)
			begin(r, term == FULL ? "DmemRegionNearlyFull" : "DmemRegionFragmented");
		any = true;
		ret = add_term(r, term, m, g, NULL, o);
	}
	if (!any || ret)
		return ret;
	if (term == FULL)
		end(r, "5m", "warning", "Region {{ $labels.region }} is nearly full: "
		    "{{ $value | humanize1024 }}B in use");
	else
		end(r, "10m", "warning", "Region {{ $labels.region }}: the largest free run, "
		    "{{ $value | humanize1024 }}B, is smaller than its largest buffer");
	return 0;
}

static int put_service_rules(struct rule *r, const struct model *m, const struct needs *n,
			     const struct needs_options *o)
{
	bool any = false;
	int ret = 0;

	for (size_t i = 0; i < n->n; i++) {
		const struct needs_region *g = &n->region[i];

		for (size_t k = 0; k < g->n && !ret; k++) {
			const struct needs_service *s = &g->service[k];

			if (s->limit == DMEM_UNKNOWN || !s->limit)
				continue;
			if (!any)
				begin(r, "DmemNearLimit");
			any = true;
			ret = add_term(r, NEAR, m, g, s, o);
		}
	}
	if (any && !ret)
		end(r, "5m", "warning", "{{ $labels.cgroup }} is near its limit of region "
		    "{{ $labels.region }}: {{ $value | humanize1024 }}B charged");
	return ret;
}

/* A cgroup and the slices above it count the same request. A counter that is new with a value has
 * no increase yet. */
static void put_refused(struct rule *r)
{
#define REFUSED	"dmem_cgroup_refused_total"
#define BY	"max by (job, instance, region, reason) "
	begin(r, "DmemRequestsRefused");
	put_term(r, BY "(increase(" REFUSED "[10m])) > 0");
	put_term(r, BY "(" REFUSED " unless " REFUSED " offset 10m) > 0");
	end(r, "0m", "critical", "Requests for memory of region {{ $labels.region }} were refused: "
	    "{{ $labels.reason }}");
}

int alerts_print(FILE *f, const struct model *m, const struct needs *n,
		 const struct needs_options *o)
{
	struct rule r = { .f = f };
	int ret;

	fprintf(f, "# Written by dmemctl plan from recorded histories: see dmemctl-plan(8). The\n"
		"# thresholds are for the sizes and limits of the plan.\n");
	if (m->whatif)
		fprintf(f, "# The load of the plan is not the recorded one.\n");
	fprintf(f, "groups:\n- name: dmem\n  rules:\n");
	ret = put_region_rules(&r, FULL, m, n, o);
	if (!ret)
		ret = put_service_rules(&r, m, n, o);
	if (!ret)
		ret = put_region_rules(&r, FRAGMENTS, m, n, o);
	if (!ret)
		put_refused(&r);
	return ret;
}
