// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench_report - tables and charts of the figures of dmem-bench
 *
 *   bench_report RESULTS OUT
 *
 * Reads RESULTS/BOOT.results of each boot, prints tables in Markdown, and writes the
 * charts to OUT. A missing figure is an error, as a reader cannot tell a table with holes
 * from a complete one.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/die.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

#define MAX_COLUMNS	7
#define MAX_ROWS	8

struct figure {
	char boot[24], table[40], what[24];
	long x, value;
};

struct figures {
	struct figure *figure;
	size_t nr, room;
};

/* A column shows a figure of a boot, less that of another boot if one is named. */
struct column {
	const char *title;
	const char *boot, *table, *what;
	const char *less_boot, *less_what;
	bool percent;		/* of the other boot's, instead of the difference */
};

struct table {
	const char *title, *x;
	const char *chart;	/* the name of its file, or NULL */
	struct column column[MAX_COLUMNS];
	long row[MAX_ROWS];
	int nr_columns, nr_rows;
};

static void add_figure(struct figures *all, const struct figure *figure)
{
	if (all->nr == all->room) {
		all->room = all->room ? 2 * all->room : 256;
		all->figure = check(realloc(all->figure, all->room * sizeof(*figure)));
	}
	all->figure[all->nr++] = *figure;
}

static void read_boot(struct figures *all, const char *dir, const char *boot)
{
	char path[4096], line[256];
	struct figure figure = { 0 };
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.results", dir, boot);
	f = open_or_die(path);
	snprintf(figure.boot, sizeof(figure.boot), "%s", boot);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%39[^\t\n]\t%ld\t%23[^\t\n]\t%ld", figure.table, &figure.x,
			   figure.what, &figure.value) == 4)
			add_figure(all, &figure);
	}
	fclose(f);
}

static const struct figure *find(const struct figures *all, const char *boot,
				 const char *table, long x, const char *what)
{
	for (size_t i = 0; i < all->nr; i++) {
		const struct figure *f = &all->figure[i];

		if (f->x == x && !strcmp(f->boot, boot) && !strcmp(f->table, table) &&
		    !strcmp(f->what, what))
			return f;
	}
	return NULL;
}

static long value_of(const struct figures *all, const char *boot, const char *table, long x,
		     const char *what)
{
	const struct figure *f = find(all, boot, table, x, what);

	if (!f)
		die("boot %s has no figure '%s' at %ld of '%s'", boot, what, x, table);
	return f->value;
}

static double cell(const struct figures *all, const struct column *c, long x)
{
	long value = value_of(all, c->boot, c->table, x, c->what), less;

	if (!c->less_boot)
		return value;
	less = value_of(all, c->less_boot, c->table, x, c->less_what ? c->less_what : c->what);
	return c->percent ? 100.0 * (value - less) / less : value - less;
}

static void print_row(const struct figures *all, const struct table *t, long x)
{
	printf("| %ld |", x);
	for (int i = 0; i < t->nr_columns; i++)
		printf(t->column[i].percent ? " %.1f %% |" : " %.0f |",
		       cell(all, &t->column[i], x));
	putchar('\n');
}

static void print_table(const struct figures *all, const struct table *t)
{
	printf("\n%s\n\n| %s |", t->title, t->x);
	for (int i = 0; i < t->nr_columns; i++)
		printf(" %s |", t->column[i].title);
	printf("\n|---|");
	for (int i = 0; i < t->nr_columns; i++)
		printf("---|");
	putchar('\n');
	for (int i = 0; i < t->nr_rows; i++)
		print_row(all, t, t->row[i]);
}

#define WIDTH	640
#define HEIGHT	320
#define LEFT	60
#define RIGHT	190
#define TOP	34
#define BOTTOM	44

static double x_of(const struct table *t, int row)
{
	return LEFT + (double)row * (WIDTH - LEFT - RIGHT) / (t->nr_rows - 1);
}

static double y_of(double value, double top)
{
	return HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM) / top;
}

static double round_up(double value)
{
	double step = pow(10, floor(log10(value)));

	return ceil(value / step) * step;
}

/* The value at the top of a chart. */
static double largest(const struct figures *all, const struct table *t)
{
	double top = 0;

	for (int i = 0; i < t->nr_columns; i++) {
		for (int r = 0; r < t->nr_rows; r++)
			top = fmax(top, cell(all, &t->column[i], t->row[r]));
	}
	return round_up(top);
}

static void draw_frame(FILE *f, const struct table *t)
{
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
		"<text x=\"%d\" y=\"18\" font-weight=\"bold\">%s</text>\n",
		WIDTH, HEIGHT, LEFT, t->title);
}

/* The rows are at the same distance, independent of their value. */
static void draw_axes(FILE *f, const struct table *t, double top)
{
	for (int i = 0; i <= 4; i++) {
		double y = y_of(top * i / 4, top);

		fprintf(f, "<path d=\"M%d %.1fH%d\" stroke=\"#dddddd\"/>\n"
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.0f</text>\n",
			LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4, top * i / 4);
	}
	for (int r = 0; r < t->nr_rows; r++)
		fprintf(f, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%ld</text>\n",
			x_of(t, r), HEIGHT - BOTTOM + 18, t->row[r]);
	fprintf(f, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
		(LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8, t->x);
}

static void draw_lines(FILE *f, const struct figures *all, const struct table *t, double top)
{
	static const char *const colours[] = {
		"#777777", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
	};
	double last = -1e9;

	for (int i = 0; i < t->nr_columns; i++) {
		const struct column *c = &t->column[i];
		double y = y_of(cell(all, c, t->row[t->nr_rows - 1]), top);

		fprintf(f, "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"%s\" points=\"",
			colours[i]);
		for (int r = 0; r < t->nr_rows; r++)
			fprintf(f, "%s%.1f,%.1f", r ? " " : "", x_of(t, r),
				y_of(cell(all, c, t->row[r]), top));
		/* Lines that end at the same height have their names below each other. */
		if (fabs(y - last) < 14)
			y = last + 14;
		last = y;
		fprintf(f, "\"/>\n<text x=\"%d\" y=\"%.1f\" fill=\"%s\">%s</text>\n",
			WIDTH - RIGHT + 6, y + 4, colours[i], c->title);
	}
}

static void draw(FILE *f, const struct figures *all, const struct table *t)
{
	double top = largest(all, t);

	draw_frame(f, t);
	draw_axes(f, t, top);
	draw_lines(f, all, t, top);
	fputs("</svg>\n", f);
}

static void write_chart(const struct figures *all, const struct table *t, const char *dir)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, t->chart);
	f = fopen(path, "w");
	if (!f)
		die("%s: %s", path, strerror(errno));
	draw(f, all, t);
	if (fclose(f))
		die("%s: %s", path, strerror(errno));
}

#define CHARGE(_title, _x, _chart, _table, ...) {				\
	.title = _title, .x = _x, .chart = _chart,				\
	.column = {								\
		{ .title = "unpatched", .boot = "unpatched", .table = _table, .what = "plain" }, \
		{ .title = "series", .boot = "series", .table = _table, .what = "plain" },	\
		{ .title = "series, pinned", .boot = "series", .table = _table, .what = "heap" }, \
		{ .title = "series, CMA area", .boot = "series", .table = _table, .what = "reservable" }, \
	},									\
	.nr_columns = 4, .row = { __VA_ARGS__ },				\
	.nr_rows = ARRAY_SIZE(((long[]){ __VA_ARGS__ })),			\
}

#define COLUMN(_title, _boot, _table, _what, ...) \
	{ .title = _title, .boot = _boot, .table = _table, .what = _what, __VA_ARGS__ }

#define SIZES 4096, 65536, 1048576, 16777216

static const struct table tables[] = {
	CHARGE("Charge and uncharge, in instructions", "cgroups from the root down", "cost-depth.svg",
	       "depth", 0, 1, 2, 4, 8, 16),
	CHARGE("Charge and uncharge four below the root, by regions", "regions", "cost-regions.svg",
	       "regions", 1, 2, 4, 16, 64),
	CHARGE("Charge and uncharge four below the root, by cgroups", "cgroups with charges", NULL,
	       "cgroups", 1, 10, 100, 1000, 10000),
	{
		.title = "Charge and uncharge while there is a reservation", .x = "cgroups from the root down",
		.column = {
			COLUMN("no reservation", "series", "depth", "reservable"),
			COLUMN("reservation of another cgroup", "series", "depth of another's reservation", "reservable"),
			COLUMN("controller disabled", "disabled", "depth", "plain"),
		},
		.nr_columns = 3, .row = { 0, 1, 2, 4, 8, 16 }, .nr_rows = 6,
	},
	{
		.title = "A refused charge four below the root, by the level of the limit", .x = "limit at level",
		.column = {
			COLUMN("unpatched", "unpatched", "refused by the limit at", "plain_refused"),
			COLUMN("series", "series", "refused by the limit at", "plain_refused"),
			COLUMN("series, pinned", "series", "refused by the limit at", "heap_refused"),
			COLUMN("series, CMA area", "series", "refused by the limit at", "reservable_refused"),
			COLUMN("refusals counted", "series", "refused by the limit at", "counted"),
		},
		.nr_columns = 5, .row = { 4, 1 }, .nr_rows = 2,
	},
	{
		.title = "Allocation and close of a buffer of the CMA heap, four below the root", .x = "bytes",
		.column = {
			COLUMN("unpatched", "unpatched", "cma/camera@64000000", "depth 4"),
			COLUMN("series", "series", "cma/camera@64000000", "depth 4"),
			COLUMN("cost", "series", "cma/camera@64000000", "depth 4", .less_boot = "unpatched"),
			COLUMN("relative", "series", "cma/camera@64000000", "depth 4", .less_boot = "unpatched", .percent = true),
			COLUMN("disabled: cost", "disabled", "cma/camera@64000000", "depth 4", .less_boot = "unpatched"),
			COLUMN("bytes charged", "series", "cma/camera@64000000", "charged"),
			COLUMN("busy retries", "series", "cma/camera@64000000", "busy"),
		},
		.nr_columns = 7, .row = { SIZES }, .nr_rows = 4,
	},
	{
		.title = "Allocation and close of a buffer of the system heap, four below the root", .x = "bytes",
		.column = {
			COLUMN("unpatched", "unpatched", "heap/system", "depth 4"),
			COLUMN("series: cost", "series", "heap/system", "depth 4", .less_boot = "unpatched"),
			COLUMN("relative", "series", "heap/system", "depth 4", .less_boot = "unpatched", .percent = true),
			COLUMN("disabled: cost", "disabled", "heap/system", "depth 4", .less_boot = "unpatched"),
			COLUMN("memcg: cost", "memcg", "heap/system", "depth 4", .less_boot = "unpatched"),
			COLUMN("bytes charged", "series", "heap/system", "charged"),
		},
		.nr_columns = 6, .row = { SIZES }, .nr_rows = 4,
	},
};

#define TURNS 5

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Each turn has its own ratio: a disturbance of one boot often lasts to the next. */
static void print_cpus(const struct figures *all, const char *heap)
{
	char table[64], with[32], without[32];

	snprintf(table, sizeof(table), "CPUs, 4 KiB of %s", heap);
	printf("\nTime of a 4 KiB buffer of %s, with / without the series\n\n"
	       "| processes, each on a CPU | minimum | median | maximum |\n|---|---|---|---|\n", heap);
	for (long cpus = 1; cpus <= 4; cpus *= 2) {
		double ratio[TURNS];

		for (int i = 0; i < TURNS; i++) {
			snprintf(with, sizeof(with), "series-%d", i + 1);
			snprintf(without, sizeof(without), "unpatched-%d", i + 1);
			ratio[i] = (double)value_of(all, with, table, cpus, "time") /
				   value_of(all, without, table, cpus, "time");
		}
		qsort(ratio, TURNS, sizeof(*ratio), compare);
		printf("| %ld | %.2f | %.2f | %.2f |\n", cpus, ratio[0], ratio[TURNS / 2],
		       ratio[TURNS - 1]);
	}
}

static void read_turns(struct figures *all, const char *dir)
{
	char boot[32];

	for (int i = 1; i <= TURNS; i++) {
		snprintf(boot, sizeof(boot), "unpatched-%d", i);
		read_boot(all, dir, boot);
		snprintf(boot, sizeof(boot), "series-%d", i);
		read_boot(all, dir, boot);
	}
}

int main(int argc, char **argv)
{
	static const char *const boots[] = { "unpatched", "series", "disabled", "memcg" };
	struct figures all = { 0 };

	if (argc != 3)
		die("usage: bench_report RESULTS OUT");
	for (size_t i = 0; i < ARRAY_SIZE(boots); i++)
		read_boot(&all, argv[1], boots[i]);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		print_table(&all, &tables[i]);
		if (tables[i].chart)
			write_chart(&all, &tables[i], argv[2]);
	}
	read_turns(&all, argv[1]);
	print_cpus(&all, "heap/system");
	print_cpus(&all, "cma/camera@64000000");
	free(all.figure);
	return EXIT_SUCCESS;
}
