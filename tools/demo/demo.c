// SPDX-License-Identifier: GPL-2.0-or-later
/* Helpers of the acts of dmem-demo. */
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "demo.h"

#define REFUSALS	3
#define MAX_ROWS	8

struct row {
	const char *group, *region;
	unsigned long refused;
};

static struct row rows[MAX_ROWS];
static int n_rows;

void wrong(const char *fmt, ...)
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

char *heap_region(const char *heap)
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
		wrong("heap %s has no dmem region: its memory is not accounted and cannot be limited (see the boot log, and whether dmem is disabled)",
		      heap);
	return strdup(name);
}

unsigned long long value(const char *group, const char *file, const char *region)
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

unsigned long event(const char *group, const char *region, const char *key)
{
	char path[300], line[600], *found;
	size_t len = strlen(region);
	FILE *f;

	snprintf(path, sizeof(path), ROOT "/%s/dmem.events.local", group);
	f = fopen(path, "r");
	if (!f)
		wrong("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, region, len) || line[len] != ' ')
			continue;
		fclose(f);
		found = strstr(line + len, key);
		if (!found || found[strlen(key)] != '=')
			wrong("%s does not count '%s'", path, key);
		return strtoul(found + strlen(key) + 1, NULL, 10);
	}
	fclose(f);
	wrong("%s has no line for region %s", path, region);
}

void make_group(const char *group)
{
	char path[300];

	snprintf(path, sizeof(path), ROOT "/%s", group);
	if (mkdir(path, 0755) && errno != EEXIST)
		wrong("mkdir %s: %s", path, strerror(errno));
}

void remove_group(const char *group)
{
	char path[300];

	snprintf(path, sizeof(path), ROOT "/%s", group);
	if (rmdir(path))
		wrong("rmdir %s: %s", path, strerror(errno));
}

static void set(const char *group, const char *file, const char *region, unsigned long mib)
{
	char path[300], text[300];

	snprintf(path, sizeof(path), ROOT "/%s/dmem.%s", group, file);
	snprintf(text, sizeof(text), "%s %lu\n", region, mib * MIB);
	if (write_file(path, text))
		wrong("%s: cannot write '%s %lu': %s", path, region, mib * MIB, strerror(errno));
	if (value(group, file, region) != mib * MIB)
		wrong("%s: wrote %lu for %s, read %llu back", path, mib * MIB, region,
		      value(group, file, region));
}

void set_max(const char *group, const char *region, unsigned long mib)
{
	set(group, "max", region, mib);
	printf("  %s may use %lu MiB of %s (capacity %llu MiB).\n", group, mib, region,
	       value("", "capacity", region) / MIB);
}

void set_min(const char *group, const char *region, unsigned long mib)
{
	set(group, "min", region, mib);
	printf("  %s has a reservation of %lu MiB in %s (capacity %llu MiB).\n", group, mib, region,
	       value("", "capacity", region) / MIB);
}

void expect_current(const char *group, const char *region, unsigned long mib)
{
	unsigned long long now = value(group, "current", region);

	if (now != mib * MIB)
		wrong("%s: dmem.current of %s is %llu instead of %lu", group, region, now,
		      mib * MIB);
}

struct worker start_worker(const char *group, work_t work, void *arg)
{
	int to[2], from[2];
	struct worker w;
	char path[300];

	snprintf(path, sizeof(path), ROOT "/%s", group);
	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		wrong("pipe: %s", strerror(errno));
	fflush(stdout);
	w.pid = fork();
	if (w.pid < 0)
		wrong("fork: %s", strerror(errno));
	if (!w.pid) {
		close(to[1]);
		close(from[0]);
		if (!enter_cgroup(path))
			work(to[0], from[1], arg);
		_exit(1);
	}
	close(to[0]);
	close(from[1]);
	w.ask = to[1];
	w.answer = from[0];
	return w;
}

struct taken tell(struct worker *w, const char *order)
{
	struct taken got;

	if (write(w->ask, order, strlen(order)) < 0 ||
	    read(w->answer, &got, sizeof(got)) != sizeof(got))
		wrong("a process died while it worked on '%s'", order);
	return got;
}

void stop_worker(struct worker *w)
{
	kill(w->pid, SIGKILL);
	waitpid(w->pid, NULL, 0);
	close(w->ask);
	close(w->answer);
}

static void take_buffers(int ask, int answer, void *arg)
{
	char order[300];
	ssize_t n;

	(void)arg;
	while ((n = read(ask, order, sizeof(order) - 1)) > 0) {
		struct taken t = { 0 };
		unsigned long want;
		char heap[200];
		int fd;

		order[n] = 0;
		if (sscanf(order, "%lu %199s", &want, heap) != 2)
			return;
		fd = heap_open(heap);
		while (t.buffers < want && t.refused < REFUSALS) {
			if (heap_alloc(fd, MIB) >= 0) {
				t.buffers++;
				continue;
			}
			t.err = errno;
			t.refused++;
		}
		if (write(answer, &t, sizeof(t)) != sizeof(t))
			return;
	}
}

struct worker start_taker(const char *group)
{
	return start_worker(group, take_buffers, NULL);
}

struct taken take(struct worker *w, const char *heap, unsigned long want)
{
	char order[300];

	snprintf(order, sizeof(order), "%lu %s", want, heap);
	return tell(w, order);
}

void expect_taken(const char *group, const char *heap, struct taken *got,
		  unsigned long buffers, int refused)
{
	if (got->buffers != buffers)
		wrong("%s got %lu MiB from heap %s instead of %lu", group,
		      got->buffers, heap, buffers);
	if (refused && !got->refused)
		wrong("%s: no request to heap %s failed", group, heap);
	if (!refused && got->refused)
		wrong("%s: a request to heap %s failed: %s", group, heap, strerror(got->err));
	if (refused && got->err != ENOMEM)
		wrong("%s: a request to heap %s failed with '%s' instead of ENOMEM", group, heap,
		      strerror(got->err));
}

void add_row(const char *group, const char *region, unsigned long refused)
{
	unsigned long counted = event(group, region, "alloc_fail") +
				event(group, region, "reserved") +
				event(group, region, "exhausted");

	if (counted != refused)
		wrong("%s: %lu requests for %s failed, but dmem.events.local counts %lu", group,
		      refused, region, counted);
	rows[n_rows++] = (struct row){ group, region, refused };
}

/* The text of a limit in MiB. */
static const char *mib_text(unsigned long long bytes, char *buf, size_t size)
{
	if (bytes == ~0ULL)
		return "max";
	snprintf(buf, size, "%llu MiB", bytes / MIB);
	return buf;
}

void print_table(void)
{
	char max[32];
	int i;

	printf("\n  %-16s %-20s %8s %8s %8s %8s %8s\n", "cgroup", "region", "capacity",
	       "max", "charged", "peak", "refused");
	for (i = 0; i < n_rows; i++) {
		struct row *r = &rows[i];

		printf("  %-16s %-20s %4llu MiB %8s %4llu MiB %4llu MiB %8lu\n",
		       r->group, r->region, value("", "capacity", r->region) / MIB,
		       mib_text(value(r->group, "max", r->region), max, sizeof(max)),
		       value(r->group, "current", r->region) / MIB,
		       value(r->group, "peak", r->region) / MIB, r->refused);
	}
	printf("\n");
}

/* Prints the end of the table, too. */
void expect_nothing_left(void)
{
	int i, tries;

	for (i = 0; i < n_rows; i++) {
		/* The kernel frees the buffers of a killed process a moment later. */
		for (tries = 0; tries < 200 && value(rows[i].group, "current", rows[i].region);
		     tries++)
			usleep(10000);
		expect_current(rows[i].group, rows[i].region, 0);
		expect_current("", rows[i].region, 0);
	}
	n_rows = 0;
}
