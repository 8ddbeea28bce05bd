// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compares predictions of "dmemctl plan" with the kernel: a workload is recorded, its need is
 * predicted, and then it runs in an area of exactly that size, and in a smaller one.
 *
 * To make an area smaller, the test occupies its end, since CMA takes the first free place.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "area.h"
#include "load.h"
#include "unit.h"

#define DMEMCTL		"/usr/sbin/dmemctl"
#define HISTORY		"/run/dmem-tests/plan.history"
#define OVERLAY		"/run/dmem-tests/plan.dtso"
#define ROOT		"/sys/fs/cgroup"
#define PAGE		4096LL
#define BUDGET		6000		/* pages at one time */
#define WAIT_MS		20000
#define AREA_PAGES	10240

FIXTURE(plan) {
	struct area area, others[2];
	char *cg, *service[LOAD_SERVICES];
	int buffer[LOAD_OPS];
	pid_t recorder;
	struct hog hog;
};

FIXTURE_SETUP(plan)
{
	const char *why = units_begin();

	if (why)
		SKIP(return, "%s", why);
	ASSERT_EQ(0, area_open(&self->area, CAMERA_HEAP));
	ASSERT_EQ(AREA_PAGES, self->area.total);
	/* Memory of other users would change the placement. */
	ASSERT_EQ(0, self->area.used);
	self->cg = cg_name(ROOT, "t-plan");
	ASSERT_EQ(0, cg_create_parent(self->cg));
	for (int i = 0; i < LOAD_SERVICES; i++) {
		self->service[i] = cg_name_indexed(self->cg, "service", i);
		ASSERT_NE(NULL, self->service[i]);
		ASSERT_EQ(0, cg_create(self->service[i]));
	}
	for (int i = 0; i < LOAD_OPS; i++)
		self->buffer[i] = -1;
}

static void drop_buffers(FIXTURE_DATA(plan) *self)
{
	for (int i = 0; i < LOAD_OPS; i++) {
		if (self->buffer[i] >= 0)
			close(self->buffer[i]);
		self->buffer[i] = -1;
	}
}

FIXTURE_TEARDOWN(plan)
{
	drop_buffers(self);
	area_close(&self->area);
	for (int i = 0; i < 2; i++)
		area_close(&self->others[i]);
	EXPECT_EQ(0, hog_end(&self->hog));
	if (self->recorder > 0) {
		kill(self->recorder, SIGKILL);
		waitpid(self->recorder, NULL, 0);
	}
	unlink(HISTORY);
	unlink(HISTORY ".lock");
	EXPECT_EQ(0, cg_enter_current(cgroup2_mount()));
	for (int i = 0; i < LOAD_SERVICES; i++)
		EXPECT_EQ(0, cg_destroy(self->service[i]));
	EXPECT_EQ(0, cg_destroy(self->cg));
	EXPECT_EQ(0, units_end());
}

/* ---- the load ---- */

/* Executes one op in its service. 0 or a negative errno. */
static int step(FIXTURE_DATA(plan) *self, const struct load *l, size_t i)
{
	const struct load_op *op = &l->op[i];
	int ret;

	if (op->free) {
		close(self->buffer[op->buffer]);
		self->buffer[op->buffer] = -1;
		return 0;
	}
	ret = cg_enter_current(self->service[op->service]);
	if (ret)
		return ret;
	ret = heap_alloc(self->area.heap, (long long)op->pages * PAGE);
	if (ret >= 0)
		self->buffer[i] = ret;
	return ret < 0 ? ret : 0;
}

/* Returns the number of executed ops: all, or those before a refused one. */
static size_t run_load(FIXTURE_DATA(plan) *self, const struct load *l)
{
	size_t i = 0;

	while (i < l->n && !step(self, l, i))
		i++;
	drop_buffers(self);
	return i;
}

/* ---- the record ---- */

static pid_t start_recorder(FIXTURE_DATA(plan) *self)
{
	pid_t pid = fork();

	if (!pid) {
		execl(DMEMCTL, "dmemctl", "record", "--buffers", "--interval=20ms", "--output=" HISTORY,
		      self->service[0], self->service[1], self->service[2], NULL);
		_exit(127);
	}
	return pid;
}

/* Waits until the history contains a text, from @from on. */
static bool wait_history(off_t from, const char *what)
{
	static char text[65536];
	long long end = now_ms() + WAIT_MS;

	while (now_ms() < end) {
		int fd = open(HISTORY, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, from);

		if (fd >= 0)
			close(fd);
		text[n > 0 ? n : 0] = 0;
		if (strstr(text, what))
			return true;
		sleep_ms(5);
	}
	return false;
}

static off_t history_size(void)
{
	struct stat st;

	return stat(HISTORY, &st) ? 0 : st.st_size;
}

/* Restarts the services, so that their peaks are those of this load. */
static int start_again(FIXTURE_DATA(plan) *self)
{
	int ret = cg_enter_current(cgroup2_mount());

	for (int i = 0; i < LOAD_SERVICES && !ret; i++) {
		ret = cg_destroy(self->service[i]);
		if (!ret)
			ret = cg_create(self->service[i]);
	}
	return ret;
}

/* Executes each op after the one before was recorded, so that their order is known. */
static bool record_load(FIXTURE_DATA(plan) *self, const struct load *l)
{
	unsigned long inode[LOAD_OPS];

	self->recorder = start_recorder(self);
	if (!wait_history(0, " S "))
		return false;
	for (size_t i = 0; i < l->n; i++) {
		const struct load_op *op = &l->op[i];
		off_t from = history_size();
		char what[64];
		struct stat st;

		if (step(self, l, i))
			return false;
		if (!op->free) {
			if (fstat(self->buffer[i], &st))
				return false;
			inode[i] = st.st_ino;
		}
		snprintf(what, sizeof(what), op->free ? " f%lu" : " b%lu=", inode[op->buffer]);
		if (!wait_history(from, what))
			return false;
	}
	kill(self->recorder, SIGTERM);
	if (wait_exit(self->recorder))
		return false;
	self->recorder = 0;
	drop_buffers(self);
	return true;
}

/* A number in the plan's JSON, or -1. */
static long long planned(const char *key)
{
	const char *at = strstr(output(), "\"region\":\"" CAMERA "\"");
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = at ? strstr(at, quoted) : NULL;
	return at ? strtoll(at + strlen(quoted), NULL, 10) : -1;
}

/* Leaves only the first @pages free. The test's process is in no service. */
static int make_area(FIXTURE_DATA(plan) *self, long long pages)
{
	int ret = cg_enter_current(cgroup2_mount());

	return ret ? ret : area_window(&self->area, 0, pages);
}

/* Occupies all other areas, and then enough that at most half of @pages are free in this one.
 * Returns the least number of its pages that must be migrated, or -1. */
static long long start_hog(FIXTURE_DATA(plan) *self, long long pages)
{
	static const char * const others[] = { "linux,cma", "display@60000000" };

	for (size_t i = 0; i < 2; i++) {
		struct area *a = &self->others[i];

		if ((!a->heap && area_open(a, others[i])) || area_window(a, 0, a->used))
			return -1;
	}
	return hog_start(&self->hog, pages, PAGE);
}

/* ---- the tests ---- */

/* Records the load in the whole area, and predicts its need in pages. */
#define PREDICT(l, seed) ({						\
	long long _need;						\
									\
	load_make(l, seed, BUDGET);					\
	ASSERT_EQ(0, start_again(self));				\
	ASSERT_TRUE(record_load(self, l))				\
		TH_LOG("seed %llu is not recorded", (unsigned long long)(seed)); \
	ASSERT_EQ(0, run(DMEMCTL, "plan", "--headroom=0", "--json", HISTORY, NULL)) \
		TH_LOG("%s", output());					\
	_need = planned("need");					\
	TH_LOG("prediction for seed %llu: %lld pages, in use at once %lld, region %lldM", \
	       (unsigned long long)(seed), _need / PAGE, planned("together") / PAGE, \
	       planned("size") / MIB);					\
	EXPECT_EQ(0, _need % PAGE);					\
	EXPECT_EQ(_need, planned("placed_least"));			\
	EXPECT_EQ(0, unlink(HISTORY));					\
	_need / PAGE;							\
})

/* These seeds were not used to tune the plan. */
TEST_F_TIMEOUT(plan, fits_and_fails, 280)
{
	const uint64_t seeds[] = { 20260101, 20260102 };
	struct load l;

	for (size_t i = 0; i < sizeof(seeds) / sizeof(*seeds); i++) {
		long long need = PREDICT(&l, seeds[i]);

		ASSERT_LT(0, need);
		ASSERT_GT(self->area.total, need);
		ASSERT_EQ(0, make_area(self, need));
		EXPECT_EQ(l.n, run_load(self, &l));
		/* One page less, and the largest alignment of a buffer less. */
		ASSERT_EQ(0, make_area(self, need - 1));
		EXPECT_GT(l.n, run_load(self, &l));
		ASSERT_EQ(0, make_area(self, need - MIB / PAGE));
		EXPECT_GT(l.n, run_load(self, &l));
		area_drop(&self->area);
	}
}

/* Pages that must be migrated first make it slower, and need no more room. */
TEST_F_TIMEOUT(plan, movable, 280)
{
	uint64_t seed = 20260103;
	struct load l;
	long long need = PREDICT(&l, seed), n;

	for (int i = 0; i < 4; i++) {
		long long size = i < 3 ? need : need - 1;

		ASSERT_EQ(0, make_area(self, size));
		n = start_hog(self, size);
		TH_LOG("pages in the area that must move: %lld of %lld", n, size);
		ASSERT_LT(size / 3, n);
		if (i < 3) {
			EXPECT_EQ(l.n, run_load(self, &l));
		} else {
			EXPECT_GT(l.n, run_load(self, &l));
		}
		EXPECT_EQ(0, hog_end(&self->hog));
	}
}

/* The size in whole blocks is enough, and the next smaller one is not. */
TEST_F_TIMEOUT(plan, blocks, 280)
{
	uint64_t seed = 20260104;
	struct load l;
	long long need = PREDICT(&l, seed), size = planned("size") / PAGE, block = planned("block") / PAGE;

	EXPECT_EQ(1024, block);
	EXPECT_EQ(0, size % block);
	EXPECT_LE(need, size);
	ASSERT_GE(self->area.total, size);
	if (size < self->area.total) {
		ASSERT_EQ(0, make_area(self, size));
	}
	EXPECT_EQ(l.n, run_load(self, &l));
	ASSERT_EQ(0, make_area(self, size - block));
	EXPECT_GT(l.n, run_load(self, &l));
}


/* The notes about this machine's tree are enough for an overlay. */
TEST_F(plan, device_tree)
{
	static char text[16384];
	FILE *f;

	ASSERT_EQ(0, cg_enter_current(self->service[0]));
	self->buffer[0] = heap_alloc(self->area.heap, self->area.total * PAGE);
	ASSERT_GE(self->buffer[0], 0);
	ASSERT_EQ(0, cg_enter_current(cgroup2_mount()));
	ASSERT_EQ(0, run(DMEMCTL, "record", "--count=1", "--output=" HISTORY, self->service[0], NULL))
		TH_LOG("%s", output());
	ASSERT_EQ(0, run(DMEMCTL, "plan", "--headroom=25", "--force", "--dts=" OVERLAY, HISTORY, NULL))
		TH_LOG("%s", output());
	f = fopen(OVERLAY, "r");
	ASSERT_NE(NULL, f);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	EXPECT_EQ(0, unlink(OVERLAY));
	EXPECT_NE(NULL, strstr(text, "#size-cells = <2>;\n\n\t\t\t" CAMERA_HEAP " {\n"
			       "\t\t\t\treg = <0x0 0x64000000 0x0 0x3400000>;\n"))
		TH_LOG("%s", text);
}

TEST_HARNESS_MAIN
