// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-bench - measure the cost of accounting memory
 *
 * Prints one figure per line: its table, its place in the table, the measured thing, and the time
 * of one repetition in nanoseconds of the guest's clock, the smallest of several rounds. On one CPU
 * under QEMU's -icount shift=0 these are instructions, and the same in every run. On more CPUs,
 * processes allocate at the same time, and the figure is real time.
 *
 * It runs on any kernel with heaps, and leaves out figures that the kernel does not support.
 */
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "heap.h"

#define CGROUP		"/sys/fs/cgroup"
#define CAMERA		"camera@64000000"
#define CAMERA_REGION	"cma/" CAMERA
#define MODULE		"dmem_charge_time"
#define PARAMETERS	"/sys/module/" MODULE "/parameters/"
#define TRACING		"/sys/kernel/tracing/"

#define MAX_DEPTH	16
#define DEPTH		4	/* where the depth does not matter */
#define ROUNDS		500
#define ROUNDS_LARGE	40
#define CPU_ROUNDS	10

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

static __attribute__((noreturn)) void die(const char *what)
{
	fprintf(stderr, "dmem-bench: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void figure(const char *table, long x, const char *what, long value)
{
	printf("%s\t%ld\t%s\t%ld\n", table, x, what, value);
	fflush(stdout);
}

__attribute__((format(printf, 2, 3)))
static void put(const char *path, const char *format, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (write_file(path, text))
		die(path);
}

static bool has_file(const char *path)
{
	return !access(path, F_OK);
}

/* False with cgroup_disable=dmem. */
static bool has_dmem(void)
{
	return has_file(CGROUP "/dmem.capacity");
}

/*
 * The number after @key and a blank, in the line that begins with @line and a blank, or if that is
 * NULL, in any line; -1 if there is none.
 */
static long number_in(const char *path, const char *line, const char *key)
{
	size_t len = line ? strlen(line) : 0;
	char text[256], *at;
	long value = -1;
	FILE *f = fopen(path, "r");

	while (f && value < 0 && fgets(text, sizeof(text), f)) {
		if (line && (strncmp(text, line, len) || text[len] != ' '))
			continue;
		at = strstr(text + len, key);
		if (at)
			value = atol(at + strlen(key));
	}
	if (f)
		fclose(f);
	return value;
}

/* True on a kernel with the series. */
static bool has_series(void)
{
	return has_dmem() && has_file(CGROUP "/dmem.stat");
}

/*
 * A cgroup @depth levels below the root, which is 0. Only leaves can have processes, so each level
 * has one beside the next level.
 */
static const char *place(int depth, const char *name)
{
	static char path[sizeof(CGROUP) + 2 * MAX_DEPTH];
	int len = sprintf(path, CGROUP);

	for (int i = 1; i < depth; i++)
		len += sprintf(path + len, "/b");
	if (depth)
		sprintf(path + len, "/%s", name);
	return path;
}

static const char *leaf(int depth)
{
	return place(depth, "l");
}

static const char *inner(int depth)
{
	return place(depth, "b");
}

static void make_chain(void)
{
	char path[128];

	for (int i = 1; i <= MAX_DEPTH; i++) {
		if (mkdir(leaf(i), 0755))
			die(leaf(i));
		if (mkdir(inner(i), 0755))
			die(inner(i));
		sprintf(path, "%s/cgroup.subtree_control", inner(i));
		put(path, has_dmem() ? "+dmem +memory" : "+memory");
	}
}

static void enter(int depth)
{
	if (enter_cgroup(leaf(depth)))
		die(leaf(depth));
}

static long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

/* Prints a figure that the module has measured in this cgroup. */
static void charge(const char *table, long x, const char *parameter)
{
	char path[64];
	long time;
	FILE *f;

	snprintf(path, sizeof(path), PARAMETERS "%s", parameter);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%ld", &time) != 1)
		die(path);
	fclose(f);
	figure(table, x, parameter, time);
}

static void each_kind(const char *table, long x)
{
	charge(table, x, "plain");
	if (!has_series())
		return;
	charge(table, x, "heap");
	charge(table, x, "reservable");
}

static void load_module(int regions)
{
	char command[80];

	snprintf(command, sizeof(command), "modprobe " MODULE " regions=%d", regions);
	if (system(command))
		die(command);
}

static void unload_module(void)
{
	if (system("rmmod " MODULE))
		die("cannot unload the module " MODULE);
}

static void by_depth(void)
{
	static const int depths[] = { 0, 1, 2, 4, 8, 16 };
	char path[128];

	load_module(1);
	for (unsigned int i = 0; i < ARRAY_SIZE(depths); i++) {
		enter(depths[i]);
		each_kind("depth", depths[i]);
	}
	if (has_series()) {
		enter(0);
		put(CGROUP "/other/dmem.min", "test/reservable0 4096");
		for (unsigned int i = 0; i < ARRAY_SIZE(depths); i++) {
			enter(depths[i]);
			charge("depth of another's reservation", depths[i], "reservable");
		}
		for (int i = 1; i <= DEPTH; i++) {
			sprintf(path, "%s/dmem.min", i < DEPTH ? inner(i) : leaf(i));
			put(path, "test/reservable0 65536");
		}
		enter(DEPTH);
		charge("depth of its own reservation", DEPTH, "reservable");
	}
	enter(0);
	unload_module();
}

/* The number of refused requests of this process's cgroup. */
static long refused(const char *region)
{
	char path[128];
	long value;

	sprintf(path, "%s/dmem.events.local", leaf(DEPTH));
	value = number_in(path, region, " alloc_fail=");
	if (value < 0)
		die(path);
	return value;
}

/* Writes the first region of each kind in @path, a file of limits. */
static void limit(const char *path, const char *bytes)
{
	static const char *const kinds[] = { "plain", "heap", "reservable" };

	for (unsigned int i = 0; i < (has_series() ? ARRAY_SIZE(kinds) : 1); i++)
		put(path, "test/%s0 %s", kinds[i], bytes);
}

static void refusals(void)
{
	static const int levels[] = { DEPTH, 1 };
	char path[128];

	if (!has_dmem())
		return;
	load_module(1);
	for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++) {
		sprintf(path, "%s/dmem.max", levels[i] < DEPTH ? inner(levels[i]) : leaf(levels[i]));
		limit(path, "0");
		enter(DEPTH);
		charge("refused by the limit at", levels[i], "plain_refused");
		if (has_series()) {
			long before = refused("test/reservable0");

			charge("refused by the limit at", levels[i], "heap_refused");
			charge("refused by the limit at", levels[i], "reservable_refused");
			figure("refused by the limit at", levels[i], "counted",
			       refused("test/reservable0") - before);
		}
		enter(0);
		limit(path, "max");
	}
	unload_module();
}

static void by_regions(void)
{
	static const int regions[] = { 1, 2, 4, 16, 64 };

	for (unsigned int i = 0; i < ARRAY_SIZE(regions); i++) {
		load_module(regions[i]);
		enter(DEPTH);
		each_kind("regions", regions[i]);
		enter(0);
		unload_module();
	}
}

/* Each of the other cgroups has a pool state in each region. */
static void by_cgroups(void)
{
	static const int cgroups[] = { 1, 10, 100, 1000, 10000 };
	char path[128];
	int made = 1;

	load_module(1);
	if (mkdir(CGROUP "/many", 0755))
		die(CGROUP "/many");
	if (has_dmem())
		put(CGROUP "/many/cgroup.subtree_control", "+dmem");
	for (unsigned int i = 0; i < ARRAY_SIZE(cgroups); i++) {
		for (; made < cgroups[i]; made++) {
			sprintf(path, CGROUP "/many/%d", made);
			if (mkdir(path, 0755))
				die(path);
			if (!has_dmem())
				continue;
			strcat(path, "/dmem.low");
			limit(path, "0");
		}
		enter(DEPTH);
		each_kind("cgroups", cgroups[i]);
		enter(0);
	}
	for (; made > 1; made--) {
		sprintf(path, CGROUP "/many/%d", made - 1);
		if (rmdir(path))
			die(path);
	}
	if (rmdir(CGROUP "/many"))
		die(CGROUP "/many");
	unload_module();
}

/* The value of @region in a file of the cgroup at @depth; -1 without such a line. */
static long usage_of(int depth, const char *file, const char *region)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", leaf(depth), file);
	return number_in(path, region, " ");
}

/* The number of times that CMA has found pages busy, and tried other ones. */
static long busy_retries(void)
{
	const char *stats = TRACING "per_cpu/cpu0/stats";
	long kept = number_in(stats, NULL, "entries: "), lost = number_in(stats, NULL, "overrun: ");

	if (kept < 0 || lost < 0)
		die(stats);
	return kept + lost;
}

static int take(int heap, unsigned long size)
{
	int fd = heap_alloc(heap, size);

	if (fd < 0)
		die("cannot allocate a buffer");
	return fd;
}

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

/*
 * The median time of many buffers: interruptions, such as by the timer, affect few of them and do
 * not count.
 */
static long buffer_time(int heap, unsigned long size)
{
	int n = size > MIB ? ROUNDS_LARGE : ROUNDS;
	long time[ROUNDS];

	for (int i = 0; i < n; i++) {
		long start = now();

		close(take(heap, size));
		time[i] = now() - start;
	}
	qsort(time, n, sizeof(*time), compare);
	return time[n / 2];
}

/*
 * Checks that a buffer is charged, or that it is not: otherwise the figure would not measure the
 * intended thing.
 */
static void check_charge(int heap, const char *region, unsigned long size)
{
	long before = usage_of(DEPTH, "dmem.current", region);
	int fd = take(heap, size);

	/* Without the series there is no region that could be charged. */
	if (has_series() && (before < 0 ||
	    usage_of(DEPTH, "dmem.current", region) != before + (long)size)) {
		errno = EINVAL;
		die("a buffer is not charged");
	}
	close(fd);
	figure(region, size, "charged", before < 0 ? 0 : size);
}

static void buffers(const char *name, const char *region)
{
	static const unsigned long sizes[] = { 4096, 65536, MIB, 16 * MIB };
	int heap = heap_open(name);
	long busy;

	if (heap < 0)
		die(name);
	/* The tracepoint costs time only when pages are busy. */
	put(TRACING "events/cma/cma_alloc_busy_retry/enable", "1");
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		enter(0);
		figure(region, sizes[i], "root", buffer_time(heap, sizes[i]));
		enter(DEPTH);
		busy = busy_retries();
		figure(region, sizes[i], "depth 4", buffer_time(heap, sizes[i]));
		figure(region, sizes[i], "busy", busy_retries() - busy);
		check_charge(heap, region, sizes[i]);
	}
	put(TRACING "events/cma/cma_alloc_busy_retry/enable", "0");
	enter(0);
	close(heap);
}

/* Runs @cpus processes, each on a CPU and in a cgroup of its own. */
static long on_cpus(int heap, int cpus, unsigned long size, int repeat)
{
	int start[2], status;
	char path[128];
	long begin;
	char c;

	if (pipe(start))
		die("pipe");
	for (int i = 0; i < cpus; i++) {
		cpu_set_t set;

		if (fork())
			continue;
		sprintf(path, CGROUP "/other/%d", i);
		if (enter_cgroup(path))
			die(path);
		CPU_ZERO(&set);
		CPU_SET(i, &set);
		if (sched_setaffinity(0, sizeof(set), &set))
			die("sched_setaffinity");
		close(start[1]);
		if (read(start[0], &c, 1))
			die("pipe");
		for (int j = 0; j < repeat; j++)
			close(take(heap, size));
		exit(EXIT_SUCCESS);
	}
	/* Wait until all processes are ready. */
	usleep(200000);
	begin = now();
	close(start[1]);
	for (int i = 0; i < cpus; i++)
		if (wait(&status) < 0 || status)
			die("a process has failed");
	close(start[0]);
	return (now() - begin) / repeat / cpus;
}

/* The smallest of several times: disturbances of the host only make a time longer. */
static void cpu_figure(const char *name, const char *region, int cpus, int repeat)
{
	int heap = heap_open(name);
	char table[64];
	long best = -1;

	if (heap < 0)
		die(name);
	for (int i = 0; i < CPU_ROUNDS; i++) {
		long t = on_cpus(heap, cpus, 4096, repeat);

		if (best < 0 || t < best)
			best = t;
	}
	snprintf(table, sizeof(table), "CPUs, 4 KiB of %s", region);
	figure(table, cpus, "time", best);
	close(heap);
}

static void by_cpus(int online)
{
	char path[128];

	put(CGROUP "/other/cgroup.subtree_control", has_dmem() ? "+dmem" : "+memory");
	for (int i = 0; i < online; i++) {
		sprintf(path, CGROUP "/other/%d", i);
		if (mkdir(path, 0755))
			die(path);
	}
	for (int cpus = 1; cpus <= online; cpus *= 2) {
		cpu_figure("system", "heap/system", cpus, 5000);
		cpu_figure(CAMERA, CAMERA_REGION, cpus, 200);
	}
}

int main(void)
{
	int online = sysconf(_SC_NPROCESSORS_ONLN);

	if (mkdir(CGROUP "/other", 0755))
		die(CGROUP "/other");
	if (online > 1) {
		by_cpus(online);
		return EXIT_SUCCESS;
	}
	make_chain();
	if (system("depmod"))
		die("depmod");
	by_depth();
	by_regions();
	by_cgroups();
	refusals();
	buffers(CAMERA, CAMERA_REGION);
	buffers("system", "heap/system");
	return EXIT_SUCCESS;
}
