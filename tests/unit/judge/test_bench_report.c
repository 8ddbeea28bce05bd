// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_bench_report BENCH_REPORT DIRECTORY - tests that bench_report prints each figure
 * at its place and no table with a missing one
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge_test.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

/* Figures of one table of dmem-bench. Each boot has those of all tables. */
static const struct figures {
	const char *table;
	long x[6];
	int nr_x;
	const char *figure[4];
} figures[] = {
	{ "depth", { 0, 1, 2, 4, 8, 16 }, 6, { "plain", "heap", "reservable" } },
	{ "depth of another's reservation", { 0, 1, 2, 4, 8, 16 }, 6, { "reservable" } },
	{ "regions", { 1, 2, 4, 16, 64 }, 5, { "plain", "heap", "reservable" } },
	{ "cgroups", { 1, 10, 100, 1000, 10000 }, 5, { "plain", "heap", "reservable" } },
	{ "refused by the limit at", { 4, 1 }, 2, { "plain_refused", "heap_refused", "reservable_refused",
	  "counted" } },
	{ "cma/camera@64000000", { 4096, 65536, 1048576, 16777216 }, 4, { "depth 4", "charged", "busy" } },
	{ "heap/system", { 4096, 65536, 1048576, 16777216 }, 4, { "depth 4", "charged" } },
	{ "CPUs, 4 KiB of heap/system", { 1, 2, 4 }, 3, { "time" } },
	{ "CPUs, 4 KiB of cma/camera@64000000", { 1, 2, 4 }, 3, { "time" } },
};

/* A boot adds so much to each figure. The ratios of the five turns are 1.1 to 1.5. */
static const struct boot {
	const char *name;
	int more;
} boots[] = {
	{ "unpatched", 0 }, { "series", 200 }, { "disabled", 10 }, { "memcg", 500 },
	{ "unpatched-1", 0 }, { "unpatched-2", 0 }, { "unpatched-3", 0 }, { "unpatched-4", 0 }, { "unpatched-5",
	  0 },
	{ "series-1", 400 }, { "series-2", 100 }, { "series-3", 500 }, { "series-4", 200 }, { "series-5", 300 },
};

static const struct test {
	const char *name;
	const char *missing;	/* "BOOT FIGURE", or "" */
	int status;
	const char *prints;	/* with "=" in front, the chart of the depths has it */
} tests[] = {
	{ "a row of figures", "", 0, "\n| 4 | 1003 | 1203 | 1213 | 1223 |\n" },
	{ "the first and the last row", "", 0, "| 0 | 1000 | 1200 | 1210 | 1220 |\n| 1 | 1001 |" },
	{ "the head of a table", "", 0, "\nCharge and uncharge, in instructions\n\n"
	  "| cgroups from the root down | unpatched | series | series, pinned | series, CMA area |\n"
	  "|---|---|---|---|---|\n" },
	{ "differences from another boot", "", 0,
	  "| 4096 | 1000 | 1200 | 200 | 20.0 % | 10 | 1210 | 1220 |\n" },
	{ "two other boots", "", 0, "| 65536 | 1001 | 200 | 20.0 % | 10 | 500 | 1211 |\n" },
	{ "least, median and largest ratio of the turns", "", 0, "| 1 | 1.10 | 1.30 | 1.50 |\n" },
	{ "a missing figure", "memcg depth 4", 2,
	  "error: boot memcg has no figure 'depth 4' at 4096 of 'heap/system'\n" },
	{ "a missing figure of a turn", "series-5 time", 2, "error: boot series-5 has no figure 'time' at 1" },
	{ "a missing boot", "unpatched-3", 2, "error: ./unpatched-3.results: No such file" },
	{ "a chart has the line of the first column", "", 0,
	  "=stroke=\"#777777\" points=\"60.0,155.0 138.0,154.9 216.0,154.8 294.0,154.6 "
	  "372.0,154.5 450.0,154.4\"" },
	{ "names at the same height are apart", "", 0,
	  "=<text x=\"456\" y=\"148.2\" fill=\"#d55e00\">series, pinned<" },
	{ "axes up to a round number", "", 0, "=y=\"38.0\" text-anchor=\"end\">2000</text>" },
};

static bool is_missing(const struct test *t, const char *boot, const char *figure)
{
	char both[64];

	snprintf(both, sizeof(both), "%s %s", boot, figure);
	return !strcmp(t->missing, both);
}

static void add_table(char *text, size_t size, const struct figures *f, const struct boot *b,
const struct test *t)
{
	size_t n = strlen(text);

	for (int x = 0; x < f->nr_x; x++) {
		for (int i = 0; i < 4 && f->figure[i]; i++) {
			if (!is_missing(t, b->name, f->figure[i]))
				n += snprintf(text + n, size - n, "%s\t%ld\t%s\t%d\n", f->table, f->x[x],
					      f->figure[i], 1000 + b->more + x + 10 * i);
		}
	}
}

static void write_boot(const struct place *place, const struct boot *b, const struct test *t)
{
	char name[64], text[8192] = "# not a figure\n";

	for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
		add_table(text, sizeof(text), &figures[i], b, t);
	snprintf(name, sizeof(name), "%s.results", b->name);
	put_file(place->dir, name, strcmp(t->missing, b->name) ? text : NULL);
}

static bool one(const struct place *place, size_t i, const char **name)
{
	const struct test *t = &tests[i];
	bool chart = *t->prints == '=';
	char cmd[4096];

	*name = t->name;
	for (size_t b = 0; b < ARRAY_SIZE(boots); b++)
		write_boot(place, &boots[b], t);
	snprintf(cmd, sizeof(cmd), "cd '%s' && '%s' . . 2>&1 %s", place->dir, place->program,
		 chart ? ">/dev/null && cat cost-depth.svg" : "");
	return prints(cmd, t->status, t->prints + chart, false);
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, ARRAY_SIZE(tests), NULL, one);
}
