// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cost of lsdmem with more cgroups: the installed program, without sanitizers. System calls,
 * instructions and memory are counted, so that other load does not matter.
 *
 * test_lsdmem_scale LSDMEM VALGRIND OPENAT2 DIR
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "cost.h"
#include "machine.h"
#include "tool.h"
#include "traced.h"

#define SLICES		20
/* Numbers of cgroups: these, and twice as many. */
#define TRACED		100
#define COUNTED		500
/* For each cgroup. */
#define MAX_CALLS	35
#define MAX_BYTES	3200

static const struct kind {
	const char *args;
	int instructions;		/* most for each cgroup, about twice the cost */
} kinds[] = {
	{ "--tree --all", 150000 }, { "--tree --all -J", 100000 }, { "--tree --all -r", 80000 },
	{ "--tree", 150000 }, { "--tree --all -O", 350000 },
};

#define KINDS	(sizeof(kinds) / sizeof(*kinds))

static const char *lsdmem, *valgrind, *openat2_library;

static void more_cgroups(const struct fake *f, int from, int to)
{
	const struct fake_use use[] = {
		{ f->region[0].name, .current = 4096, .peak = 8192, .max = 1 * MIB },
	};
	char path[128];

	for (int i = from; i < to; i++) {
		if (i < SLICES)
			snprintf(path, sizeof(path), "s%02d.slice", i);
		else
			snprintf(path, sizeof(path), "s%02d.slice/u%04d.service", i % SLICES, i);
		fake_cgroup(f, path, use, 1);
	}
}

static int lines(const char *rel)
{
	FILE *f = fopen(tap_path(rel), "r");
	int n = 0, c;

	while (f && (c = getc(f)) != EOF)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

/* A command and the memory of its words. */
struct command {
	char root[4096], copy[64];
	const char *argv[16];
};

static void command(struct command *c, const char *args)
{
	size_t n = 3;
	char *save;

	snprintf(c->root, sizeof(c->root), "%s", tap_path("root"));
	snprintf(c->copy, sizeof(c->copy), "%s", args);
	c->argv[0] = lsdmem;
	c->argv[1] = "--sysroot";
	c->argv[2] = c->root;
	for (char *w = strtok_r(c->copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		c->argv[n++] = w;
	c->argv[n] = NULL;
}

static int calls_of(const char *args)
{
	struct command c;

	command(&c, args);
	return run_calls(c.argv, NULL);
}

/* Checks that all @cgroups are in the output. */
static void count(const struct kind *k, int cgroups, double *instructions, long *kib)
{
	struct command c;
	char name[128];

	command(&c, k->args);
	*kib = cost_memory(c.argv);
	snprintf(name, sizeof(name), "%d cgroups: each has a line: %s", cgroups, k->args);
	check(*kib > 0 && lines("out") > cgroups, name, "%d lines, %s", lines("out"), get("err"));
	*instructions = cost_instructions(valgrind, openat2_library, c.argv);
	printf("# %d cgroups: %s: %.1f million instructions, %ld KiB\n", cgroups, k->args,
	       *instructions / 1e6, *kib);
}

static void judge(const struct kind *k, const double *instructions, const long *kib)
{
	double more = (instructions[1] - instructions[0]) / COUNTED;
	long bytes = (kib[1] - kib[0]) * 1024 / COUNTED;
	char name[128];

	snprintf(name, sizeof(name), "twice as many cgroups cost twice as much: %s", k->args);
	check(instructions[0] > 0 && instructions[1] > instructions[0] &&
	      instructions[1] < COST_TWICE * instructions[0], name, "%.2f times as much",
	      instructions[1] / instructions[0]);
	snprintf(name, sizeof(name), "less than %d instructions for each cgroup: %s",
		 k->instructions, k->args);
	check(more < k->instructions, name, "%.0f", more);
	snprintf(name, sizeof(name), "less than %d bytes for each cgroup: %s", MAX_BYTES, k->args);
	check(bytes < MAX_BYTES, name, "%ld", bytes);
}

int main(int argc, char **argv)
{
	double instructions[KINDS][2];
	int calls[2], size = 0;
	long kib[KINDS][2];
	struct fake f;

	if (argc != 5)
		return 2;
	lsdmem = argv[1];
	valgrind = argv[2];
	openat2_library = argv[3];
	setenv("LC_ALL", "C.UTF-8", 1);
	tap_start();
	tap_dir(argv[4]);
	fake_start(&f, FAKE_OURS);
	fake_region(&f, "cma/camera@64000000", 40 * MIB);
	fake_cgroup(&f, "", NULL, 0);
	for (int i = 0; i < 2; i++) {
		more_cgroups(&f, size, TRACED << i);
		size = TRACED << i;
		calls[i] = calls_of(kinds[0].args);
	}
	printf("# %d cgroups: %d system calls, %d cgroups: %d\n", TRACED, calls[0], 2 * TRACED,
	       calls[1]);
	check(calls[0] > 0 && calls[1] > calls[0] && calls[1] - calls[0] <= MAX_CALLS * TRACED,
	      "the system calls for each cgroup are those for its files", "%d for %d cgroups",
	      calls[1] - calls[0], TRACED);
	for (int i = 0; i < 2; i++) {
		more_cgroups(&f, size, COUNTED << i);
		size = COUNTED << i;
		for (size_t k = 0; k < KINDS; k++)
			count(&kinds[k], size, &instructions[k][i], &kib[k][i]);
	}
	for (size_t k = 0; k < KINDS; k++)
		judge(&kinds[k], instructions[k], kib[k]);
	tap_dir(argv[4]);
	return tap_end();
}
