// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-bench - what it costs to allocate a buffer from a heap and close it
 *
 * For each heap and size: at the root and three cgroups below it, with few and
 * with many other buffers in the pool. Prints nanoseconds of the guest's clock
 * per allocate and close, the least of some rounds. With QEMU's -icount shift=0
 * these are instructions, and the same in every run.
 *
 * Then the same for a charge and its return alone, in regions of a test module:
 * one that has no reservations, and one that can have them.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "heap.h"

#define CGROUP	"/sys/fs/cgroup"
#define BENCH	CGROUP "/bench"
#define LEAF	BENCH "/b/c"
#define OTHER	CGROUP "/other"

#define MODULE		"dmem_charge_time"
#define PARAMETERS	"/sys/module/" MODULE "/parameters/"

#define ROUNDS	20
#define REPEAT	16

static void die(const char *what)
{
	fprintf(stderr, "dmem-bench: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static int take(int heap, unsigned long size)
{
	int fd = heap_alloc(heap, size);

	if (fd < 0)
		die("cannot allocate a buffer");
	return fd;
}

static void enter(const char *dir)
{
	if (enter_cgroup(dir))
		die(dir);
}

static long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

static long measure(int heap, unsigned long size)
{
	long best = -1;

	for (int i = 0; i < ROUNDS; i++) {
		long start = now(), t;

		for (int j = 0; j < REPEAT; j++)
			close(take(heap, size));
		t = (now() - start) / REPEAT;
		if (best < 0 || t < best)
			best = t;
	}
	return best;
}

static void bench(const char *name, unsigned long size, int others)
{
	int heap = heap_open(name), *fds;

	if (heap < 0)
		die(name);

	fds = calloc(others + 1, sizeof(*fds));
	if (!fds)
		die("no memory");
	for (int i = 0; i < others; i++)
		fds[i] = take(heap, sysconf(_SC_PAGESIZE));

	enter(CGROUP);
	printf("%-22s %8lu %6d %8ld", name, size, others, measure(heap, size));
	enter(LEAF);
	printf(" %8ld\n", measure(heap, size));
	enter(CGROUP);

	for (int i = 0; i < others; i++)
		close(fds[i]);
	free(fds);
	close(heap);
}

/* What the module measured for us, in this cgroup. */
static long charge_time(const char *parameter)
{
	char path[64];
	long time;
	FILE *f;

	snprintf(path, sizeof(path), PARAMETERS "%s", parameter);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%ld", &time) != 1)
		die(path);
	fclose(f);
	return time;
}

static void bench_charge(const char *what, const char *parameter)
{
	enter(CGROUP);
	printf("%-38s %8ld", what, charge_time(parameter));
	enter(LEAF);
	printf(" %8ld\n", charge_time(parameter));
	enter(CGROUP);
}

static void reserve(const char *dir, const char *bytes)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "%s/dmem.min", dir);
	snprintf(text, sizeof(text), "test/pinned %s", bytes);
	if (write_file(path, text))
		die(path);
}

static void bench_charges(void)
{
	if (system("depmod && modprobe " MODULE))
		die("cannot load the module " MODULE);

	printf("\n%-38s %8s %8s\n", "one charge and its return", "root", "3 below");
	bench_charge("no reservations", "plain");
	bench_charge("reservations, none set", "pinned");
	/* With cgroup_disable=dmem there is nothing to write to. */
	if (!access(OTHER "/dmem.min", F_OK)) {
		reserve(OTHER, "4096");
		bench_charge("another cgroup's reservation", "pinned");
		reserve(BENCH, "64K");
		reserve(BENCH "/b", "64K");
		reserve(LEAF, "64K");
		bench_charge("and the leaf's own", "pinned");
	}

	if (system("rmmod " MODULE))
		die("cannot unload the module " MODULE);
}

int main(int argc, char **argv)
{
	static char *some[] = { "camera@64000000", "system", NULL };
	char **heaps = argc > 1 ? argv + 1 : some;
	static const int others[] = { 0, 100, 900 };
	static const char * const below[] = { CGROUP, BENCH, BENCH "/b" };

	if (argc > 1 && argv[1][0] == '-') {
		printf("usage: dmem-bench [HEAP...]\n");
		return strcmp(argv[1], "--help") ? EXIT_FAILURE : EXIT_SUCCESS;
	}

	if (mkdir(BENCH, 0755) || mkdir(BENCH "/b", 0755) || mkdir(LEAF, 0755) ||
	    mkdir(OTHER, 0755))
		die(BENCH);
	for (unsigned int i = 1; i < sizeof(below) / sizeof(*below); i++) {
		char path[64];

		/* There is no dmem with cgroup_disable=dmem, which is measured too. */
		snprintf(path, sizeof(path), "%s/cgroup.subtree_control", below[i]);
		if (write_file(path, "+dmem") && errno != EINVAL && errno != ENOENT)
			die(path);
	}

	printf("%-22s %8s %6s %8s %8s\n", "heap", "bytes", "others", "root", "3 below");
	for (; *heaps; heaps++) {
		for (unsigned int j = 0; j < 3; j++)
			bench(*heaps, 4096, others[j]);
		bench(*heaps, 1 << 20, 0);
	}

	bench_charges();

	if (rmdir(OTHER) || rmdir(LEAF) || rmdir(BENCH "/b") || rmdir(BENCH))
		die(BENCH);
	return EXIT_SUCCESS;
}
