// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dmem-demo - two services, three pools, and a cap that holds
 *
 * Every figure printed was read from the kernel or counted here, and every
 * sentence is checked: the first that is not true ends the program.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "heap.h"

#define ROOT		"/sys/fs/cgroup"
#define CAMERA_HEAP	"camera@64000000"
#define DISPLAY_HEAP	"display@60000000"
#define DEFAULT_HEAP	"linux,cma"
#define DEFAULT_ALIAS	"default_cma_region"
#define BUFFER		MIB
#define REFUSALS	3
#define MAX_ROWS	8

struct row {
	const char *group, *region;
	unsigned long refused;
};

struct taker {
	pid_t pid;
	int ask, answer;
};

struct taken {
	unsigned long buffers, refused;
	int err;
};

static struct row rows[MAX_ROWS];
static int n_rows;

static void __attribute__((format(printf, 1, 2), noreturn)) wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("\nWRONG: ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	exit(1);
}

/* The region that a heap's buffers are charged to. */
static char *heap_region(const char *heap)
{
	char path[300], name[300] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/dma_heap/%s/dmem_region", heap);
	f = fopen(path, "r");
	if (!f)
		wrong("%s: %s: this kernel lacks the series, or the guest lacks the heap",
		      path, strerror(errno));
	if (!fgets(name, sizeof(name), f))
		name[0] = 0;
	fclose(f);
	name[strcspn(name, "\n")] = 0;
	if (!*name)
		wrong("heap %s has no dmem region: its memory is not accounted, so nobody can cap it (see the boot log, and whether dmem is disabled)",
		      heap);
	return strdup(name);
}

/* The value of a region in a cgroup's file, or "max" as ~0. */
static unsigned long long value(const char *group, const char *file, const char *region)
{
	char path[300], line[300];
	size_t len = strlen(region);
	FILE *f;

	snprintf(path, sizeof(path), ROOT "/%s%sdmem.%s", group, *group ? "/" : "", file);
	f = fopen(path, "r");
	if (!f)
		wrong("%s: %s: dmem is not enabled in " ROOT "/cgroup.subtree_control",
		      path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, region, len) || line[len] != ' ')
			continue;
		fclose(f);
		if (!strncmp(line + len + 1, "max", 3))
			return ~0ULL;
		return strtoull(line + len + 1, NULL, 10);
	}
	fclose(f);
	/* A region without a charge may have no line yet. */
	if (!strcmp(file, "current") || !strcmp(file, "peak"))
		return 0;
	wrong("%s has no line for region %s", path, region);
}

static void make_group(const char *group)
{
	char path[300];

	snprintf(path, sizeof(path), ROOT "/%s", group);
	if (mkdir(path, 0755) && errno != EEXIST)
		wrong("mkdir %s: %s", path, strerror(errno));
}

static void set_max(const char *group, const char *region, unsigned long mib)
{
	char path[300], text[300];

	snprintf(path, sizeof(path), ROOT "/%s/dmem.max", group);
	snprintf(text, sizeof(text), "%s %lu\n", region, mib * MIB);
	if (write_file(path, text))
		wrong("%s: cannot write '%s %lu': %s", path, region, mib * MIB, strerror(errno));
	if (value(group, "max", region) != mib * MIB)
		wrong("%s: wrote %lu for %s, read %llu back", path, mib * MIB, region,
		      value(group, "max", region));
	printf("  %s may take %lu MiB of %s (which has %llu MiB).\n", group, mib, region,
	       value("", "capacity", region) / MIB);
}

static void taker_main(const char *group, int ask, int answer)
{
	char path[300], order[300];
	ssize_t n;

	snprintf(path, sizeof(path), ROOT "/%s", group);
	if (enter_cgroup(path))
		_exit(1);
	while ((n = read(ask, order, sizeof(order) - 1)) > 0) {
		struct taken t = { 0 };
		unsigned long want;
		char heap[200];
		int fd;

		order[n] = 0;
		if (sscanf(order, "%lu %199s", &want, heap) != 2)
			_exit(1);
		fd = heap_open(heap);
		while (t.buffers < want && t.refused < REFUSALS) {
			if (heap_alloc(fd, BUFFER) >= 0) {
				t.buffers++;
				continue;
			}
			t.err = errno;
			t.refused++;
		}
		if (write(answer, &t, sizeof(t)) != sizeof(t))
			_exit(1);
	}
	_exit(0);
}

static struct taker start_taker(const char *group)
{
	int to[2], from[2];
	struct taker t;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		wrong("pipe: %s", strerror(errno));
	fflush(stdout);
	t.pid = fork();
	if (t.pid < 0)
		wrong("fork: %s", strerror(errno));
	if (!t.pid) {
		close(to[1]);
		close(from[0]);
		taker_main(group, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	t.ask = to[1];
	t.answer = from[0];
	return t;
}

/* Let the process take at most @want buffers of 1 MiB. */
static struct taken take(struct taker *t, const char *heap, unsigned long want)
{
	struct taken got;
	char order[300];

	snprintf(order, sizeof(order), "%lu %s", want, heap);
	if (write(t->ask, order, strlen(order)) < 0 ||
	    read(t->answer, &got, sizeof(got)) != sizeof(got))
		wrong("the process that takes buffers of %s died", heap);
	return got;
}

static void stop_taker(struct taker *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
	close(t->ask);
	close(t->answer);
}

static void expect_taken(const char *group, const char *heap, struct taken *got,
			 unsigned long buffers, int refused)
{
	if (got->buffers != buffers)
		wrong("%s got %lu MiB from heap %s, and %lu were right", group,
		      got->buffers, heap, buffers);
	if (refused && !got->refused)
		wrong("%s was not refused on heap %s", group, heap);
	if (!refused && got->refused)
		wrong("%s was refused on heap %s: %s", group, heap, strerror(got->err));
	if (refused && got->err != ENOMEM)
		wrong("%s was refused on heap %s with '%s', not ENOMEM", group, heap,
		      strerror(got->err));
}

static void expect_current(const char *group, const char *region, unsigned long mib)
{
	unsigned long long now = value(group, "current", region);

	if (now != mib * MIB)
		wrong("%s: dmem.current of %s is %llu, and %lu was right", group, region,
		      now, mib * MIB);
}

static void add_row(const char *group, const char *region, unsigned long refused)
{
	rows[n_rows++] = (struct row){ group, region, refused };
}

static void print_table(void)
{
	int i;

	printf("\n  %-16s %-20s %8s %8s %8s %8s %8s\n", "cgroup", "region", "capacity",
	       "max", "current", "peak", "refused");
	for (i = 0; i < n_rows; i++) {
		struct row *r = &rows[i];

		printf("  %-16s %-20s %4llu MiB %4llu MiB %4llu MiB %4llu MiB %8lu\n",
		       r->group, r->region, value("", "capacity", r->region) / MIB,
		       value(r->group, "max", r->region) / MIB,
		       value(r->group, "current", r->region) / MIB,
		       value(r->group, "peak", r->region) / MIB, r->refused);
	}
	printf("\n");
}

int main(void)
{
	static const char camera[] = "camera.service", display[] = "display.service";
	char *cam, *dis, *def, *alias;
	struct taker greedy, neighbour, escaper;
	struct taken got, got2;
	int i, tries;

	cam = heap_region(CAMERA_HEAP);
	dis = heap_region(DISPLAY_HEAP);
	def = heap_region(DEFAULT_HEAP);
	alias = heap_region(DEFAULT_ALIAS);

	printf("Two services share a board. Each gets a plan:\n");
	make_group(camera);
	make_group(display);
	set_max(camera, cam, 8);
	set_max(display, cam, 4);
	set_max(display, dis, 24);
	set_max(camera, def, 6);

	printf("\nA greedy program in %s takes 1 MiB buffers of heap %s until refused.\n",
	       camera, CAMERA_HEAP);
	greedy = start_taker(camera);
	got = take(&greedy, CAMERA_HEAP, 1000);
	expect_taken(camera, CAMERA_HEAP, &got, 8, 1);
	expect_current(camera, cam, 8);
	printf("  It got %lu, then %lu times: %s. It keeps them all.\n", got.buffers,
	       got.refused, strerror(got.err));
	add_row(camera, cam, got.refused);

	printf("\nIts neighbour %s wants 4 MiB of the same pool, and 30 MiB of its own.\n", display);
	neighbour = start_taker(display);
	got = take(&neighbour, CAMERA_HEAP, 4);
	expect_taken(display, CAMERA_HEAP, &got, 4, 0);
	expect_current(display, cam, 4);
	add_row(display, cam, got.refused);
	got2 = take(&neighbour, DISPLAY_HEAP, 30);
	expect_taken(display, DISPLAY_HEAP, &got2, 24, 1);
	expect_current(display, dis, 24);
	printf("  It got its %lu MiB of %s, and %lu MiB of %s up to its own cap.\n", got.buffers,
	       cam, got2.buffers, dis);
	add_row(display, dis, got2.refused);

	printf("\nHeaps %s and %s are two names of one pool. Can one be used when the other is refused?\n",
	       DEFAULT_HEAP, DEFAULT_ALIAS);
	if (strcmp(def, alias))
		wrong("they are charged to two regions, %s and %s", def, alias);
	escaper = start_taker(camera);
	got = take(&escaper, DEFAULT_HEAP, 4);
	expect_taken(camera, DEFAULT_HEAP, &got, 4, 0);
	got = take(&escaper, DEFAULT_ALIAS, 1000);
	expect_taken(camera, DEFAULT_ALIAS, &got, 2, 1);
	got2 = take(&escaper, DEFAULT_HEAP, 1000);
	expect_taken(camera, DEFAULT_HEAP, &got2, 0, 1);
	expect_current(camera, def, 6);
	printf("  No: 4 MiB by the first name leave %lu MiB by the second, then both refuse.\n",
	       got.buffers);
	add_row(camera, def, got.refused + got2.refused);

	print_table();

	stop_taker(&greedy);
	stop_taker(&neighbour);
	stop_taker(&escaper);
	for (i = 0; i < n_rows; i++) {
		/* The last reference of a killed process goes a moment later. */
		for (tries = 0; tries < 200 && value(rows[i].group, "current", rows[i].region); tries++)
			usleep(10000);
		expect_current(rows[i].group, rows[i].region, 0);
		expect_current("", rows[i].region, 0);
	}
	printf("All three programs were killed, and every counter is back to zero, the root's too.\n");
	if (rmdir(ROOT "/camera.service") || rmdir(ROOT "/display.service"))
		wrong("rmdir of the services' cgroups: %s", strerror(errno));
	return 0;
}
