// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes version 0.0.4 of the text format, for node_exporter's textfile collector. "# UNIT" and "#
 * EOF" are comments in it. OpenMetrics differs in two points: the family of a counter has no
 * "_total", only its samples have; and a histogram of things that exist, which can also become
 * fewer, has a type of its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"
#include "metrics.h"

enum type { GAUGE, COUNTER, HISTOGRAM };

struct family {
	const char *name, *help, *unit;
	enum type type;
};

/* Figures of a region, with the place of the number in struct dmem_region. */
static const struct {
	struct family family;
	size_t at;
} of_region[] = {
	{ { "dmem_region_capacity_bytes", "Size of the region.", "bytes", GAUGE },
	  offsetof(struct dmem_region, capacity) },
	{ { "dmem_region_charged_bytes", "Memory charged to all cgroups.", "bytes", GAUGE },
	  offsetof(struct dmem_region, current) },
	{ { "dmem_region_peak_bytes", "Highest value of dmem_region_charged_bytes since boot.",
	    "bytes", GAUGE }, offsetof(struct dmem_region, peak) },
	{ { "dmem_region_unaccounted_bytes", "Memory in use without a charge to any cgroup.",
	    "bytes", GAUGE }, offsetof(struct dmem_region, unaccounted) },
	{ { "dmem_region_free_bytes", "Free memory, contiguous or not.", "bytes", GAUGE },
	  offsetof(struct dmem_region, available) },
	{ { "dmem_region_largest_free_bytes", "Largest contiguous piece of free memory.", "bytes",
	    GAUGE }, offsetof(struct dmem_region, largest) },
};

#define REFUSED	{ "dmem_cgroup_refused", "Refused requests of the cgroup and those below it.", \
			  NULL, COUNTER }

/* Figures of a cgroup with its descendants. All samples of a family follow each other. DMEM_FIGURES
 * is the effective limit, which no file contains. */
static const struct {
	struct family family;
	enum dmem_figure figure;
	const char *reason;
} of_cgroup[] = {
	{ { "dmem_cgroup_charged_bytes", "Memory charged to the cgroup.", "bytes", GAUGE },
	  DMEM_F_CURRENT, NULL },
	{ { "dmem_cgroup_peak_bytes", "Highest value of dmem_cgroup_charged_bytes.", "bytes",
	    GAUGE },
	  DMEM_F_PEAK, NULL },
	{ { "dmem_cgroup_min_bytes", "Reservation of the cgroup, dmem.min.", "bytes", GAUGE },
	  DMEM_F_MIN, NULL },
	{ { "dmem_cgroup_low_bytes", "Protection of the cgroup from eviction, dmem.low.", "bytes",
	    GAUGE }, DMEM_F_LOW, NULL },
	{ { "dmem_cgroup_max_bytes", "Limit of the cgroup itself, dmem.max, if it has one.",
	    "bytes", GAUGE },
	  DMEM_F_MAX, NULL },
	{ { "dmem_cgroup_limit_bytes", "Effective limit: the smallest dmem.max of the cgroup and "
	    "its parents, or the capacity.", "bytes", GAUGE }, DMEM_FIGURES, NULL },
	{ { "dmem_cgroup_limit_hits",
	    "Requests refused by the cgroup's own dmem.max, or one below it.",
	    NULL, COUNTER }, DMEM_F_EV_MAX, NULL },
	{ REFUSED, DMEM_F_EV_ALLOC_FAIL, "limit" },
	{ REFUSED, DMEM_F_EV_EXHAUSTED, "exhausted" },
	{ REFUSED, DMEM_F_EV_RESERVED, "reserved" },
};

/* One cgroup in one region. */
struct row {
	char *labels;
	const struct dmem_node *node;
	size_t region;
};

struct rows {
	struct row *row;
	size_t n;
	void *seen;	/* all label sets, of tsearch() */
};

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))

void metrics_label(FILE *f, const char *s, size_t len)
{
	char harmless[TEXT_ROOM(1)];

	for (size_t n; len; s += n, len -= n) {
		n = text_character(s, len, TEXT_UTF8);
		if (n) {
			if (*s == '\\' || *s == '"')
				fputc('\\', f);
			fwrite(s, 1, n, f);
			continue;
		}
		n = 1;
		text_put(harmless, s, n, TEXT_UTF8);
		/* Its backslash needs an escape like any other. */
		fprintf(f, "\\%s", harmless);
	}
}

static void head(FILE *f, const struct family *m, bool open)
{
	static const char * const types[] = { "gauge", "counter", "histogram" };
	const char *total = m->type == COUNTER && !open ? "_total" : "";

	fprintf(f, "# HELP %s%s %s\n", m->name, total, m->help);
	fprintf(f, "# TYPE %s%s %s%s\n", m->name, total, m->type == HISTOGRAM && open ? "gauge" : "",
		types[m->type]);
	if (m->unit)
		fprintf(f, "# UNIT %s %s\n", m->name, m->unit);
}

static void pair(FILE *f, const char *name, const char *value, size_t len)
{
	fprintf(f, "%s=\"", name);
	metrics_label(f, value, len);
	fputc('"', f);
}

static void print_regions(FILE *f, const struct dmem_regions *r, bool open)
{
	for (size_t m = 0; m < COUNT(of_region); m++) {
		bool any = false;

		for (size_t i = 0; i < r->n; i++) {
			uint64_t v = *(const uint64_t *)((const char *)&r->region[i] +
							 of_region[m].at);

			/* An unlimited capacity cannot be written as a number. */
			if (v >= DMEM_UNKNOWN)
				continue;
			if (!any)
				head(f, &of_region[m].family, open);
			any = true;
			fprintf(f, "%s{", of_region[m].family.name);
			pair(f, "region", r->region[i].name, strlen(r->region[i].name));
			fprintf(f, "} %" PRIu64 "\n", v);
		}
	}
}

/* A heap that is not accounted is memory without limits. */
static void print_heaps(FILE *f, const struct dmem_regions *r, bool open)
{
	static const struct family m = {
		"dmem_heap_accounted", "Whether buffers of the heap are charged to a region.",
		NULL, GAUGE,
	};
	bool any = false;

	for (size_t i = 0; i < r->n_heaps; i++) {
		const struct dmem_heap *h = &r->heap[i];

		if (!h->told)
			continue;
		if (!any)
			head(f, &m, open);
		any = true;
		fprintf(f, "%s{", m.name);
		pair(f, "heap", h->name, strlen(h->name));
		if (h->region) {
			fputc(',', f);
			pair(f, "region", h->region, strlen(h->region));
		}
		fprintf(f, "} %d\n", h->region != NULL);
	}
}

static void print_size(FILE *f, const char *suffix, const char *region, uint64_t v)
{
	fprintf(f, "dmem_region_buffer_size_bytes%s{", suffix);
	pair(f, "region", region, strlen(region));
	fprintf(f, "} %" PRIu64 "\n", v);
}

/* @power: beyond SIZES_LAST is the bucket without an end. */
static void print_bucket(FILE *f, const char *region, unsigned int power, uint64_t v, bool open)
{
	fprintf(f, "dmem_region_buffer_size_bytes_bucket{");
	pair(f, "region", region, strlen(region));
	fprintf(f, ",le=\"");
	if (power <= SIZES_LAST)
		sizes_print_end(f, power, open);
	else
		fprintf(f, "+Inf");
	fprintf(f, "\"} %" PRIu64 "\n", v);
}

/* A region without buffers has zeros, unlike one that does not exist. */
static void print_buffers(FILE *f, const struct dmem_regions *r, const struct dmem_buffers *b,
			  bool open)
{
	static const struct family complete = {
		"dmem_buffers_complete", "Whether the buffers of all processes and of the kernel "
		"could be listed.", NULL, GAUGE,
	}, sizes = {
		"dmem_region_buffer_size_bytes", "Sizes of the buffers that exist.", "bytes",
		HISTOGRAM,
	};

	head(f, &complete, open);
	fprintf(f, "%s %d\n", complete.name, b->all_processes && b->all_buffers);
	for (size_t i = 0; i < r->n; i++) {
		const char *region = r->region[i].name;
		struct sizes s;

		if (!i)
			head(f, &sizes, open);
		sizes_count(r, b, i, &s);
		for (unsigned int p = SIZES_FIRST; p <= SIZES_LAST; p++)
			print_bucket(f, region, p, s.upto[p - SIZES_FIRST], open);
		print_bucket(f, region, SIZES_LAST + 1, s.n, open);
		print_size(f, open ? "_gcount" : "_count", region, s.n);
		print_size(f, open ? "_gsum" : "_sum", region, s.sum);
	}
}

static int labels(struct row *row, const char *region, const char *path)
{
	size_t unit_len, size;
	const char *unit = dmem_cgroup_unit(path, &unit_len);
	FILE *f = open_memstream(&row->labels, &size);

	if (!f)
		return -ENOMEM;
	fputs("cgroup=\"/", f);
	metrics_label(f, path, strlen(path));
	fputs("\",", f);
	pair(f, "region", region, strlen(region));
	if (unit) {
		fputc(',', f);
		pair(f, "unit", unit, unit_len);
	}
	return fclose(f) ? -ENOMEM : 0;
}

static int compare_labels(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Two cgroups may get the same labels: one has a byte in its name that is printed as "\xNN", and
 * the other has these four characters. Prometheus would reject the whole text, so the second one
 * gets an additional label. */
static int tell_apart(struct rows *rows, struct dmem_arena *a, struct row *row)
{
	char *text = dmem_strdup(a, row->labels), *plain = text;
	void *found;

	for (unsigned int nth = 2; text; nth++) {
		found = tsearch(text, &rows->seen, compare_labels);
		if (!found || *(char **)found == text)
			break;
		text = dmem_printf(a, "%s,duplicate=\"%u\"", plain, nth);
	}
	if (!text || !found)
		return -ENOMEM;
	if (text != plain) {
		free(row->labels);
		row->labels = strdup(text);
	}
	return row->labels ? 0 : -ENOMEM;
}

static int add_rows(struct rows *rows, struct dmem_arena *a, const struct dmem_tree *t,
		    const struct dmem_node *n, bool all)
{
	char path[4096];

	if (!n->figure || dmem_node_path(n, path, sizeof(path)) >= sizeof(path))
		return 0;
	for (size_t i = 0; i < t->regions->n; i++) {
		struct row *row;

		if (!all && !dmem_tree_matters(t, n, i))
			continue;
		row = dmem_grow(a, rows->row, rows->n, sizeof(*row));
		if (!row)
			return -ENOMEM;
		rows->row = row;
		row += rows->n++;
		*row = (struct row){ NULL, n, i };
		if (labels(row, t->regions->region[i].name, path) || tell_apart(rows, a, row))
			return -ENOMEM;
	}
	return 0;
}

static void print_cgroups(FILE *f, const struct dmem_tree *t, const struct rows *rows, bool open)
{
	const char *last = NULL;

	for (size_t m = 0; m < COUNT(of_cgroup); m++) {
		const struct family *family = &of_cgroup[m].family;

		for (size_t i = 0; i < rows->n; i++) {
			const struct row *row = &rows->row[i];
			uint64_t v = of_cgroup[m].figure == DMEM_FIGURES ?
				     dmem_tree_limit(t, row->node, row->region) :
				     dmem_tree_figure(t, row->node, row->region,
						      of_cgroup[m].figure);

			/* "No limit" cannot be written as a number. */
			if (v >= DMEM_UNKNOWN)
				continue;
			if (!last || strcmp(last, family->name))
				head(f, family, open);
			last = family->name;
			fprintf(f, "%s%s{%s", family->name, family->type == COUNTER ? "_total" : "",
				row->labels);
			if (of_cgroup[m].reason)
				fprintf(f, ",reason=\"%s\"", of_cgroup[m].reason);
			fprintf(f, "} %" PRIu64 "\n", v);
		}
	}
}

/* The labels belong to the arena. */
static void leave(void *labels)
{
	(void)labels;
}

static void print_success(FILE *f, bool success, bool open)
{
	static const struct family m = {
		"dmem_scrape_success", "Whether the regions and the cgroups could be read.", NULL,
		GAUGE,
	};

	head(f, &m, open);
	fprintf(f, "%s %d\n", m.name, success);
}

int metrics_print(FILE *f, const struct metrics *m, struct dmem_arena *a)
{
	struct rows rows = { 0 };
	int ret = 0;

	for (const struct dmem_node *n = m->tree->root; n && !ret; n = dmem_tree_next(n))
		ret = add_rows(&rows, a, m->tree, n, m->all);
	if (!ret) {
		print_success(f, m->success, m->open);
		print_regions(f, m->regions, m->open);
		print_heaps(f, m->regions, m->open);
		if (m->buffers)
			print_buffers(f, m->regions, m->buffers, m->open);
		print_cgroups(f, m->tree, &rows, m->open);
		fputs("# EOF\n", f);
	}
	for (size_t i = 0; i < rows.n; i++)
		free(rows.row[i].labels);
	tdestroy(rows.seen, leave);
	return ret;
}
