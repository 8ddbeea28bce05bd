// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The text that node_exporter's textfile collector reads: version 0.0.4 of the
 * format, where "# UNIT" and "# EOF" are comments. OpenMetrics differs from it in
 * one thing, whether a counter's family has the "_total" of its samples.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

struct family {
	const char *name, *help, *unit;
	bool counter;
};

/* Of a region: where in it the number is. */
static const struct {
	struct family family;
	size_t at;
} of_region[] = {
	{ { "dmem_region_capacity_bytes", "Size of the region.", "bytes", false },
	  offsetof(struct dmem_region, capacity) },
	{ { "dmem_region_charged_bytes", "What all cgroups are charged for.", "bytes", false },
	  offsetof(struct dmem_region, current) },
	{ { "dmem_region_peak_bytes", "The most that all cgroups were charged for, since boot.",
	    "bytes", false }, offsetof(struct dmem_region, peak) },
	{ { "dmem_region_unaccounted_bytes", "In use, and no cgroup is charged for it.", "bytes",
	    false }, offsetof(struct dmem_region, unaccounted) },
	{ { "dmem_region_free_bytes", "Free, in one piece or many.", "bytes", false },
	  offsetof(struct dmem_region, available) },
	{ { "dmem_region_largest_free_bytes", "The largest free piece.", "bytes", false },
	  offsetof(struct dmem_region, largest) },
};

#define REFUSED	{ "dmem_cgroup_refused", "Requests made in it that were refused.", NULL, true }

/* Of a cgroup, with all below it. Samples of one family come together. */
static const struct {
	struct family family;
	enum dmem_figure figure;
	const char *reason;
} of_cgroup[] = {
	{ { "dmem_cgroup_current_bytes", "What the cgroup is charged for.", "bytes", false },
	  DMEM_F_CURRENT, NULL },
	{ { "dmem_cgroup_peak_bytes", "The most that it was charged for.", "bytes", false },
	  DMEM_F_PEAK, NULL },
	{ { "dmem_cgroup_min_bytes", "dmem.min, its reservation.", "bytes", false },
	  DMEM_F_MIN, NULL },
	{ { "dmem_cgroup_low_bytes", "dmem.low.", "bytes", false }, DMEM_F_LOW, NULL },
	{ { "dmem_cgroup_max_bytes", "dmem.max, where there is one.", "bytes", false },
	  DMEM_F_MAX, NULL },
	{ { "dmem_cgroup_limit_hits", "Requests that its own dmem.max, or one below it, refused.",
	    NULL, true }, DMEM_F_EV_MAX, NULL },
	{ REFUSED, DMEM_F_EV_ALLOC_FAIL, "limit" },
	{ REFUSED, DMEM_F_EV_EXHAUSTED, "exhausted" },
	{ REFUSED, DMEM_F_EV_RESERVED, "reserved" },
};

/* One cgroup and region. */
struct row {
	char *labels;
	const struct dmem_node *node;
	size_t region;
};

struct rows {
	struct row *row;
	size_t n;
};

#define COUNT(array)	(sizeof(array) / sizeof(*(array)))

/* How many bytes at @s are a character that can stay as it is, or 0. */
static size_t character(const unsigned char *s, size_t len)
{
	uint32_t c = s[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (n == 1)
		return c >= ' ' && c != 0x7f;
	if (c < 0xc2 || c > 0xf4 || n > len)
		return 0;
	c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	/* A longer form than needed, half of a pair, beyond the last, a control
	 * character, and what stands for all of these. */
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || (c >= 0xd800 && c <= 0xdfff) ||
	    c > 0x10ffff || c < 0xa0 || c == 0xfffd)
		return 0;
	return n;
}

void metrics_label(FILE *f, const char *s, size_t len)
{
	while (len) {
		size_t n = character((const unsigned char *)s, len);

		if (!n) {
			fprintf(f, "\xef\xbf\xbd%02x", (unsigned char)*s);
			n = 1;
		} else {
			if (*s == '\\' || *s == '"')
				fputc('\\', f);
			fwrite(s, 1, n, f);
		}
		s += n;
		len -= n;
	}
}

static void head(FILE *f, const struct family *m, bool open)
{
	const char *total = m->counter && !open ? "_total" : "";

	fprintf(f, "# HELP %s%s %s\n", m->name, total, m->help);
	fprintf(f, "# TYPE %s%s %s\n", m->name, total, m->counter ? "counter" : "gauge");
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

			/* An unlimited capacity would be no number. */
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

/* A heap that is not accounted is a pool without limits. */
static void print_heaps(FILE *f, const struct dmem_regions *r, bool open)
{
	static const struct family m = {
		"dmem_heap_accounted", "Is what the heap hands out charged to a region?", NULL, false,
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
		if (labels(row, t->regions->region[i].name, path))
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
			uint64_t v = dmem_tree_figure(t, row->node, row->region,
						      of_cgroup[m].figure);

			/* No limit is no number. */
			if (v >= DMEM_UNKNOWN)
				continue;
			if (!last || strcmp(last, family->name))
				head(f, family, open);
			last = family->name;
			fprintf(f, "%s%s{%s", family->name, family->counter ? "_total" : "",
				row->labels);
			if (of_cgroup[m].reason)
				fprintf(f, ",reason=\"%s\"", of_cgroup[m].reason);
			fprintf(f, "} %" PRIu64 "\n", v);
		}
	}
}

int metrics_print(FILE *f, const struct dmem_regions *r, const struct dmem_tree *t,
		  struct dmem_arena *a, bool all, bool open)
{
	struct rows rows = { 0 };
	int ret = 0;

	for (const struct dmem_node *n = t->root; n && !ret; n = dmem_tree_next(n))
		ret = add_rows(&rows, a, t, n, all);
	if (!ret) {
		print_regions(f, r, open);
		print_heaps(f, r, open);
		print_cgroups(f, t, &rows, open);
		fputs("# EOF\n", f);
	}
	for (size_t i = 0; i < rows.n; i++)
		free(rows.row[i].labels);
	return ret;
}
