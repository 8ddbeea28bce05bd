// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cost of "dmemctl plan" with larger histories: the installed program, without sanitizers.
 * Cachegrind counts its instructions, so that neither another load nor the machine's caches matter,
 * and only the ratio of two counts is judged.
 *
 * test_plan_scale DMEMCTL HISTORIES VALGRIND DIR
 */
#include <stdio.h>
#include <string.h>

#include "cost.h"
#include "tap.h"

#define DOUBLINGS	2
/* Of a count that is linear it is 2, with n log n 2.2, and of a square 4. */
#define MOST		2.6

struct kind {
	const char *name;
	unsigned int n;			/* the first size */
	const char *m;			/* a further argument, or NULL */
	const char *option;
	bool flat;			/* memory does not grow with it */
};

static const struct kind kinds[] = {
	{ "services", 500, NULL, "--json", false },
	{ "equal", 500, NULL, "--json", false },
	{ "samples", 4000, NULL, "--json", true },
	{ "starts", 1, "1", "--json", false },
	{ "wide", 40, "32", "--json", false },
	{ "buffers", 500, "24", "--json", false },
	{ "buffers", 12, "500", "--json", false },
	{ "late", 1000, NULL, "--json", false },
	{ "boots", 500, NULL, "--json", false },
	{ "regions", 500, NULL, "--json", false },
	{ "starts", 1, "1", "--confidence", false },
	{ "boots", 500, NULL, "--confidence", false },
	{ "peaks", 200, NULL, "--confidence", false },
	{ "starts", 1, "1", "--size=cma/camera@64000000=4M", false },
	{ "buffers", 500, "24", "--size=cma/gpu=16M", false },
	{ "samples", 4000, NULL, "--scale=svc00001=2", true },
	{ "starts", 1, "1", "--add=npu:cma/camera@64000000=4x2M:with=svc00003", false },
	{ "buffers", 500, "24", "--scale=svc00000=2", false },
	{ "regions", 500, NULL, "--merge=cma/area1,cma/area2", false },
	{ "wide", 40, "32", "--split=cma/area1:pods.slice/svc00001.service", false },
	{ "turns", 1000, "100", "--pairs", true },
	{ "crowd", 50, "2000", "--pairs", false },
	{ "services", 600, NULL, "--pairs", false },
	{ "starts", 1, "1", "--pairs", false },
	{ "buffers", 500, "24", "--pairs", false },
	{ "services", 400, NULL, "--units=%s/units", false },
	{ "samples", 4000, NULL, "--svg=%s/chart.svg", true },
	{ "services", 500, NULL, "--svg=%s/chart.svg", false },
};

static const char *dmemctl, *histories, *valgrind, *dir;

static int make_history(const struct kind *k, unsigned int n)
{
	char count[16];
	const char *argv[] = { histories, k->name, count, k->m, NULL };

	snprintf(count, sizeof(count), "%u", n);
	return run(argv) || rename(tap_path("out"), tap_path("history"));
}

/* Sets 0 or a negative number if it fails. */
static void measure_one(const struct kind *k, double *instructions, long *kib)
{
	char option[256], history[256];
	const char *argv[] = { dmemctl, "plan", option, "--force", history, NULL };

	snprintf(option, sizeof(option), k->option, dir);
	snprintf(history, sizeof(history), "%s", tap_path("history"));
	*instructions = cost_instructions(valgrind, NULL, argv);
	if (*instructions > 0)
		*kib = cost_memory(argv);
}

static void measure(const struct kind *k)
{
	double before = 0, cost;
	long kib = 0, first = 0;
	char name[256];

	for (unsigned int i = 0; i <= DOUBLINGS; i++) {
		unsigned int n = k->n << i;

		cost = 0;
		snprintf(name, sizeof(name), "%s %u %s: there is a plan", k->name, n, k->option);
		if (!make_history(k, n))
			measure_one(k, &cost, &kib);
		if (!check(cost > 0, name, "%s", get("err")))
			return;
		printf("# %s %u %s: %.1f million instructions, %ld KiB\n", k->name, n, k->option, cost / 1e6,
		       kib);
		snprintf(name, sizeof(name), "%s %u %s: twice as much costs twice as much", k->name, n, k->option);
		if (i)
			check(cost / before < MOST, name, "%.2f times as much", cost / before);
		before = cost;
		first = i ? first : kib;
	}
	snprintf(name, sizeof(name), "%s %s: memory does not grow with it", k->name, k->option);
	if (k->flat)
		check(kib > 0 && kib < first + first / 4, name, "%ld KiB after %ld", kib, first);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: test_plan_scale DMEMCTL HISTORIES VALGRIND DIR\n");
		return 2;
	}
	dmemctl = argv[1];
	histories = argv[2];
	valgrind = argv[3];
	dir = argv[4];
	tap_start();
	tap_dir(dir);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		RUN(measure, &kinds[i]);
	tap_dir(dir);
	return tap_end();
}
