// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long interrupts are off while limits and reservations change. A delegated user chooses how
 * many cgroups there are, and how often their files are written: so nothing that walks all cgroups
 * may do it with interrupts off. The irqsoff tracer keeps the longest section, of any code, which
 * must be as short with 10000 cgroups as with 100. Each operation changes the reservations of all
 * of them, and takes longer: otherwise the test would measure nothing.
 *
 * The guest has one CPU, whose clock counts instructions (-icount): 5 us of it are 5000. There is
 * too much noise on other machines.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect.h"

#define FEW	100
#define MANY	10000
#define CHARGED	4	/* children with a charge */
/* The longest section need not be the same one twice, but no longer than this. */
#define GROWTH	3
#define WALK	2	/* the whole operation grows at least so much */

#define MODULE	"dmem_test_region"
#define REGION	"test/region"

struct parent {
	struct dmem_test *t;
	char *cg;
	int n;			/* children */
};

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static char *child(const struct parent *p, int i)
{
	return cg_name_indexed(p->cg, "c", i);
}

/* Writes a limit without reading it back. */
static int put_limit(const char *cg, const char *file, long long bytes)
{
	char text[64];

	if (bytes == DMEM_MAX)
		snprintf(text, sizeof(text), REGION " max");
	else
		snprintf(text, sizeof(text), REGION " %lld", bytes);
	return cg_write(cg, file, text);
}

static int put_child(const struct parent *p, int i, const char *file, long long pages)
{
	char *cg = child(p, i);
	int ret = put_limit(cg, file, pages * p->t->page);

	free(cg);
	return ret;
}

/* The operations: each changes the reservations of all children. */

static int raise_min(struct parent *p)
{
	return put_limit(p->cg, "dmem.min", p->n * p->t->page);
}

static int lower_max(struct parent *p)
{
	return put_limit(p->cg, "dmem.max", p->n / 2 * p->t->page);
}

static int raise_max(struct parent *p)
{
	return put_limit(p->cg, "dmem.max", DMEM_MAX);
}

static int raise_child_min(struct parent *p)
{
	return put_child(p, p->n - 1, "dmem.min", 2);
}

static int lower_child_max(struct parent *p)
{
	return put_child(p, p->n - 1, "dmem.max", 1);
}

static int remove_child(struct parent *p)
{
	char *cg = child(p, p->n - 1);
	int ret = rmdir(cg) ? -errno : 0;

	free(cg);
	return ret;
}

static int add_child(struct parent *p)
{
	char *cg = child(p, p->n - 1);
	int ret = cg_create(cg);

	free(cg);
	return ret ? ret : put_child(p, p->n - 1, "dmem.min", 1);
}

static int lower_min(struct parent *p)
{
	return put_limit(p->cg, "dmem.min", 0);
}

static int remove_region(struct parent *p)
{
	(void)p;
	return syscall(__NR_delete_module, MODULE, O_NONBLOCK) ? -errno : 0;
}

static int add_region(struct parent *p)
{
	char *dir = exe_dir(), *path = cg_name(dir, MODULE ".ko");
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;

	(void)p;
	if (fd < 0 || syscall(__NR_finit_module, fd, "", 0))
		ret = -errno;
	close(fd);
	free(path);
	free(dir);
	return ret;
}

static const struct operation {
	const char *what;
	int (*run)(struct parent *p);
	bool walks;
} operations[] = {
	{ "dmem.min of the parent is raised", raise_min, true },
	{ "dmem.max of the parent is lowered", lower_max, true },
	{ "dmem.max of the parent is raised", raise_max, true },
	{ "dmem.min of a child is raised", raise_child_min, true },
	{ "dmem.max of a child is lowered", lower_child_max, true },
	{ "a child is removed", remove_child, true },
	{ "a child is added", add_child, true },
	{ "dmem.min of the parent is lowered", lower_min, true },
	{ "the region is removed", remove_region, true },
	{ "the region is added", add_region, false },
};

#define OPERATIONS	((int)ARRAY_SIZE(operations))

struct result {
	long long irqsoff_us, took_us;
};

FIXTURE(irqsoff) {
	struct dmem_test t;
	struct parent p;
	char *top, *trace;
};

FIXTURE_SETUP(irqsoff)
{
	begin_or_skip(_metadata, &self->t, DMEM_NO_HEAP);
	self->top = strdup(self->t.cg);
	*strrchr(self->top, '/') = '\0';
	self->trace = trace_dir();
	self->p.t = &self->t;
	self->p.cg = cg_name(self->t.cg, "parent");
	ASSERT_EQ(0, cg_create_parent(self->p.cg));
	ASSERT_EQ(0, cg_write(self->trace, "tracing_on", "0"));
	ASSERT_EQ(0, cg_write(self->trace, "options/function-trace", "0"));
	ASSERT_EQ(0, cg_write(self->trace, "current_tracer", "irqsoff"));
}

#define IRQSOFF	FIXTURE_DATA(irqsoff)

FIXTURE_TEARDOWN(irqsoff)
{
	cg_write(self->trace, "current_tracer", "nop");
	/* The reservations go with it: to remove each alone would take long. */
	remove_region(NULL);
	dmem_end(&self->t);
}

/* Charges a page to this cgroup, until the region is removed. */
static int charge(const char *cg)
{
	pid_t pid = cg_fork(cg);

	if (!pid)
		_exit(-cg_write("/sys/module/" MODULE "/parameters", "charge", "1"));
	return pid < 0 ? pid : -wait_exit(pid);
}

/* The region is new: each of n children has a limit and a request for a reservation. */
static void prepare(struct __test_metadata *_metadata, IRQSOFF *self, int n)
{
	struct parent *p = &self->p;
	char *cg;
	int i;

	for (; p->n < n; p->n++) {
		cg = child(p, p->n);
		ASSERT_EQ(0, cg_create(cg));
		free(cg);
	}
	ASSERT_EQ(0, add_region(p));
	ASSERT_EQ(0, put_limit(self->top, "dmem.min", n * self->t.page));
	ASSERT_EQ(0, put_limit(self->t.cg, "dmem.min", n * self->t.page));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, put_child(p, i, "dmem.max", 2));
		ASSERT_EQ(0, put_child(p, i, "dmem.min", 1));
	}
	for (i = 0; i < CHARGED; i++) {
		cg = child(p, i);
		ASSERT_EQ(0, charge(cg));
		EXPECT_EQ(self->t.page, dmem_current(cg, REGION));
		free(cg);
	}
	/* The request of each is met. */
	ASSERT_EQ(0, raise_min(p));
	cg = child(p, n / 2);
	EXPECT_EQ(self->t.page, dmem_nested(cg, "dmem.stat", REGION, "reserved"));
	ASSERT_EQ(0, lower_min(p));
	EXPECT_EQ(0, dmem_nested(cg, "dmem.stat", REGION, "reserved"));
	free(cg);
}

static struct result measure(struct __test_metadata *_metadata, const char *trace,
			     const struct operation *op, struct parent *p)
{
	struct result r;
	long long begin;

	ASSERT_EQ(0, cg_write(trace, "tracing_max_latency", "0"));
	ASSERT_EQ(0, cg_write(trace, "tracing_on", "1"));
	begin = now_ns();
	ASSERT_EQ(0, op->run(p))
		TH_LOG("%s", op->what);
	r.took_us = (now_ns() - begin) / 1000;
	ASSERT_EQ(0, cg_write(trace, "tracing_on", "0"));
	r.irqsoff_us = cg_read_long(trace, "tracing_max_latency");
	return r;
}

/* Prints where the longest section began and ended. */
static void print_section(const char *trace)
{
	char line[256], *path = cg_name(trace, "trace");
	FILE *f = fopen(path, "r");

	free(path);
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "=> "))
			printf("# %s", line);
	if (f)
		fclose(f);
}

static void run_all(struct __test_metadata *_metadata, IRQSOFF *self, int n,
		    struct result *results, const struct result *before)
{
	int i;

	prepare(_metadata, self, n);
	for (i = 0; i < OPERATIONS; i++) {
		results[i] = measure(_metadata, self->trace, &operations[i], &self->p);
		EXPECT_LT(0, results[i].irqsoff_us);
		printf("# %d children: %s: interrupts off %lld us, of %lld us\n", n,
		       operations[i].what, results[i].irqsoff_us, results[i].took_us);
		if (before && results[i].irqsoff_us > GROWTH * before[i].irqsoff_us)
			print_section(self->trace);
	}
	EXPECT_EQ(0, remove_region(&self->p));
}

TEST_F_TIMEOUT(irqsoff, growth, 1400)
{
	struct result few[OPERATIONS], many[OPERATIONS];
	int i;

	run_all(_metadata, self, FEW, few, NULL);
	run_all(_metadata, self, MANY, many, few);
	for (i = 0; i < OPERATIONS; i++) {
		EXPECT_GE(GROWTH * few[i].irqsoff_us, many[i].irqsoff_us)
			TH_LOG("%s", operations[i].what);
		if (operations[i].walks)
			EXPECT_LT(WALK * few[i].took_us, many[i].took_us)
				TH_LOG("%s", operations[i].what);
	}
}

TEST_HARNESS_MAIN
