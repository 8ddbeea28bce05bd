// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cost of lsdmem with many cgroups: the installed program, without sanitizers.
 *
 * test_lsdmem_scale LSDMEM DIR
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"
#include "machine.h"
#include "tool.h"

#define CGROUPS		10000
#define SLICES		100

static void make(struct fake *f)
{
	static const char region[] = "cma/camera@64000000";
	const struct fake_use use[] = { { region, .current = 4096, .peak = 8192, .max = 1 * MIB } };
	char path[128];

	fake_start(f, FAKE_OURS);
	fake_region(f, region, 40 * MIB);
	fake_cgroup(f, "", use, 1);
	for (int i = 0; i < SLICES; i++) {
		snprintf(path, sizeof(path), "s%d.slice", i);
		fake_cgroup(f, path, use, 1);
	}
	for (int i = SLICES; i < CGROUPS; i++) {
		snprintf(path, sizeof(path), "s%d.slice/u%d.service", i % SLICES, i);
		fake_cgroup(f, path, use, 1);
	}
}

/* CPU time of the children, in milliseconds. */
static long cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return u.ru_utime.tv_sec * 1000 + u.ru_utime.tv_usec / 1000 + u.ru_stime.tv_sec * 1000 +
	       u.ru_stime.tv_usec / 1000;
}

static size_t lines(const char *rel)
{
	FILE *f = fopen(tap_path(rel), "r");
	size_t n = 0;
	int c;

	while (f && (c = getc(f)) != EOF)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

int main(int argc, char **argv)
{
	static const char * const args[] = {
		"--tree --all", "--tree --all -J", "--tree --all -r", "--tree", "--tree --all -O",
	};
	struct tool t = { .program = argc > 2 ? argv[1] : "" };
	struct rusage u;
	struct fake f;
	char name[256];

	if (argc < 3)
		return 2;
	setenv("LC_ALL", "C.UTF-8", 1);
	tap_start();
	tap_dir(argv[2]);
	make(&f);
	/* Once, so that it is not the disk that is measured. */
	tool(&t, args[0]);
	check(lines("out") == CGROUPS + 2, "each cgroup has a line", "%zu lines", lines("out"));
	for (size_t i = 0; i < sizeof(args) / sizeof(*args); i++) {
		long before = cpu(), ms;
		int rc = tool(&t, args[i]);

		ms = cpu() - before;
		getrusage(RUSAGE_CHILDREN, &u);
		printf("# %s: %ld ms of CPU; the largest so far had %ld KiB\n", args[i], ms, u.ru_maxrss);
		snprintf(name, sizeof(name), "%d cgroups: less than a second and 32 MiB: %s", CGROUPS,
			 args[i]);
		check(!rc && ms < 1000 && u.ru_maxrss < 32 * 1024 && lines("out") > CGROUPS, name,
		      "status %d, %ld ms, %ld KiB, %zu lines", rc, ms, u.ru_maxrss, lines("out"));
	}
	/* 80,000 files. */
	tap_dir(argv[2]);
	return tap_end();
}
