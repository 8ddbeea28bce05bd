// SPDX-License-Identifier: GPL-2.0
/*
 * Heaps of protected memory, whose pools come with the driver of a trusted execution
 * environment and go with it: a region per pool, which exists as long as the pool. The driver
 * is a module; the part of OP-TEE's driver is not tested.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"
#include "dmem_expect_events.h"
#include "dmem_expect_owner.h"
#include "guest_util.h"
#include "media.h"

#define MODULE	"dmem_tee_test"
#define SYSFS	"/sys/module/" MODULE

/* As in the module */
#define PAGES	64
#define OTHER_PAGES 32

enum { VIDEO, UI, OWN, HEAPS };

static const char * const heap_names[HEAPS] = {
	[VIDEO]	= "protected,secure-video",
	[UI]	= "protected,trusted-ui",
	[OWN]	= "protected,secure-video-record",
};

static const char * const regions[HEAPS] = {
	[VIDEO]	= "tee/protected,secure-video",
	[UI]	= "tee/protected,trusted-ui",
	[OWN]	= "tee/protected,secure-video-record",
};

/* This process is in a. */
FIXTURE(tee) {
	struct dmem_test t;
	char *top, *a, *b;
	int heaps[HEAPS];
	int fds[PAGES], n;
	long long page;
};

#define TEE	FIXTURE_DATA(tee)

static int load(const char *params)
{
	int ret = module_unload_unused(MODULE);

	if (ret)
		return ret;
	undo_add(SYSFS, "unload");
	return module_load(MODULE, params);
}

FIXTURE_SETUP(tee)
{
	struct dmem_test *t = &self->t;
	int i, ret;

	begin_or_skip(_metadata, t, DMEM_NO_HEAP);
	ret = load("");
	if (ret == -ENOENT) {
		dmem_end(t);
		SKIP(_exit(KSFT_SKIP), "cannot load " MODULE ".ko");
	}
	ASSERT_EQ(0, ret);
	for (i = 0; i < HEAPS; i++) {
		self->heaps[i] = heap_open(heap_names[i]);
		ASSERT_LE(0, self->heaps[i]);
	}
	snprintf(t->heap.region, sizeof(t->heap.region), "%s", regions[VIDEO]);
	self->page = t->page;
	self->top = strdup(t->cg);
	*strrchr(self->top, '/') = '\0';
	self->a = new_cgroup(_metadata, cg_create, t->cg, "a");
	self->b = new_cgroup(_metadata, cg_create, t->cg, "b");
	ASSERT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(tee)
{
	int i;

	while (self->n)
		close(self->fds[--self->n]);
	for (i = 0; i < HEAPS; i++)
		close(self->heaps[i]);
	EXPECT_EQ(0, module_unload_unused(MODULE));
	dmem_end(&self->t);
}

static int request(TEE *self, int heap, long long pages)
{
	int fd = heap_alloc(self->heaps[heap], pages * self->page);

	if (fd >= 0)
		self->fds[self->n++] = fd;
	return fd;
}

static void give_back(TEE *self)
{
	close(self->fds[--self->n]);
}

static int fill(TEE *self, int heap)
{
	int n = heap_fill(self->heaps[heap], self->page, self->fds + self->n, PAGES - self->n);

	self->n += n;
	return n;
}

static long long capacity(TEE *self, int heap)
{
	return dmem_read(self->t.root, "dmem.capacity", regions[heap]);
}

/* In pages */
static void expect_held(struct __test_metadata *_metadata, TEE *self, int heap, int in_a, int in_b)
{
	const char *region = regions[heap];

	EXPECT_EQ(in_a * self->page, dmem_current(self->a, region));
	EXPECT_EQ(in_b * self->page, dmem_current(self->b, region));
	EXPECT_EQ((in_a + in_b) * self->page, dmem_current(self->t.cg, region));
	EXPECT_EQ((in_a + in_b) * self->page, dmem_current(self->t.root, region));
}

#define EXPECT_HELD(heap, ...)		expect_held(_metadata, self, heap, __VA_ARGS__)
#define EXPECT_EVENTS(heap, cg, ...)	expect_events(_metadata, regions[heap], cg, __VA_ARGS__)
#define SET_MAX(heap, cg, pages)	ASSERT_EQ(0, dmem_set_max(cg, regions[heap], (pages) * self->page))

/* The region that the heap names in sysfs, "" for none */
static void expect_region(struct __test_metadata *_metadata, int heap, const char *want)
{
	struct dmem_heap list[DMEM_HEAPS];
	int i, n = heap_list(list, DMEM_HEAPS);

	for (i = 0; i < n && strcmp(list[i].name, heap_names[heap]); i++)
		;
	ASSERT_GT(n, i);
	EXPECT_TRUE(list[i].has_region_file);
	EXPECT_STREQ(want, list[i].region);
}

#define EXPECT_REGION(...)	expect_region(_metadata, __VA_ARGS__)

/* A region for each pool, as large as the pool. */
TEST_F(tee, region)
{
	EXPECT_REGION(VIDEO, regions[VIDEO]);
	EXPECT_REGION(UI, regions[UI]);
	EXPECT_EQ(PAGES * self->page, capacity(self, VIDEO));
	EXPECT_EQ(OTHER_PAGES * self->page, capacity(self, UI));
}

/* Without a size of the pool there is no region, and the heap works. */
TEST_F(tee, no_size)
{
	EXPECT_REGION(OWN, "");
	EXPECT_EQ(-ENODATA, capacity(self, OWN));
	EXPECT_LE(0, request(self, OWN, 2));
	EXPECT_HELD(VIDEO, 0, 0);
	EXPECT_HELD(UI, 0, 0);
}

/* Charged to the cgroup of the process that allocates, until the last reference is gone. */
TEST_F(tee, charged)
{
	int fd;

	ASSERT_LE(0, request(self, VIDEO, 3));
	EXPECT_HELD(VIDEO, 3, 0);
	fd = dup(self->fds[0]);
	give_back(self);
	EXPECT_HELD(VIDEO, 3, 0);
	close(fd);
	EXPECT_HELD(VIDEO, 0, 0);

	fd = cg_alloc(self->b, self->heaps[VIDEO], 5 * self->page);
	ASSERT_LE(0, fd);
	self->fds[self->n++] = fd;
	EXPECT_HELD(VIDEO, 0, 5);
	give_back(self);
	EXPECT_HELD(VIDEO, 0, 0);
	EXPECT_EQ(3 * self->page, dmem_peak(self->a, regions[VIDEO]));
	EXPECT_EQ(5 * self->page, dmem_peak(self->b, regions[VIDEO]));
	EXPECT_EVENTS(VIDEO, self->t.cg, 0, 0, 0);
}

/* A refusal takes no memory: b gets all of it. */
TEST_F(tee, limit)
{
	int i, fd;

	SET_MAX(VIDEO, self->a, 4);
	EXPECT_EQ(-ENOMEM, request(self, VIDEO, 5));
	EXPECT_HELD(VIDEO, 0, 0);
	ASSERT_LE(0, request(self, VIDEO, 4));
	for (i = 0; i < 100; i++)
		EXPECT_EQ(-ENOMEM, request(self, VIDEO, 1));
	EXPECT_HELD(VIDEO, 4, 0);
	EXPECT_EVENTS(VIDEO, self->a, 101, 101, 0);
	EXPECT_EQ(4 * self->page, dmem_peak(self->a, regions[VIDEO]));

	SET_MAX(VIDEO, self->a, 0);
	give_back(self);
	EXPECT_EQ(-ENOMEM, request(self, VIDEO, 1));
	fd = cg_alloc(self->b, self->heaps[VIDEO], PAGES * self->page);
	ASSERT_LE(0, fd);
	self->fds[self->n++] = fd;
	EXPECT_HELD(VIDEO, 0, PAGES);
}

/* The cgroups get the whole pool, and no more. */
TEST_F(tee, full)
{
	ASSERT_EQ(PAGES, fill(self, VIDEO));
	EXPECT_HELD(VIDEO, PAGES, 0);
	EXPECT_EVENTS(VIDEO, self->t.cg, 0, 0, 0);
	EXPECT_EQ(-ENOMEM, cg_alloc(self->b, self->heaps[VIDEO], self->page));
	EXPECT_EVENTS(VIDEO, self->b, 0, 0, 1);
	EXPECT_EQ(-ENOMEM, cg_alloc(self->b, self->heaps[VIDEO], 2 * PAGES * self->page));
	EXPECT_EVENTS(VIDEO, self->b, 0, 0, 2);
	EXPECT_EVENTS(VIDEO, self->a, 0, 0, 0);
	while (self->n)
		give_back(self);
	EXPECT_HELD(VIDEO, 0, 0);
	ASSERT_LE(0, request(self, VIDEO, PAGES));
	EXPECT_HELD(VIDEO, PAGES, 0);
}

/* Half of the pages are free, and no two of them in one piece. */
TEST_F(tee, fragmented)
{
	int i, fd;

	ASSERT_EQ(PAGES, fill(self, VIDEO));
	for (i = 0; i < PAGES; i += 2)
		close(self->fds[i]);
	for (i = 0; i < PAGES / 2; i++)
		self->fds[i] = self->fds[2 * i + 1];
	self->n = PAGES / 2;
	EXPECT_EQ(-ENOMEM, cg_alloc(self->b, self->heaps[VIDEO], 2 * self->page));
	EXPECT_EVENTS(VIDEO, self->b, 0, 0, 1);
	EXPECT_HELD(VIDEO, PAGES / 2, 0);
	EXPECT_EQ(0, dmem_peak(self->b, regions[VIDEO]));
	fd = cg_alloc(self->b, self->heaps[VIDEO], self->page);
	ASSERT_LE(0, fd);
	self->fds[self->n++] = fd;
	EXPECT_HELD(VIDEO, PAGES / 2, 1);
}

/* The heaps have memory and limits of their own. */
TEST_F(tee, two_heaps)
{
	SET_MAX(VIDEO, self->a, 0);
	EXPECT_EQ(-ENOMEM, request(self, VIDEO, 1));
	ASSERT_LE(0, request(self, UI, OTHER_PAGES));
	EXPECT_HELD(UI, OTHER_PAGES, 0);
	EXPECT_HELD(VIDEO, 0, 0);
	EXPECT_EQ(-ENOMEM, request(self, UI, 1));
	EXPECT_EVENTS(UI, self->a, 0, 0, 1);
	EXPECT_EVENTS(VIDEO, self->a, 1, 1, 0);
}

/* dmem.min keeps memory of a carve-out free. */
TEST_F(tee, reserved)
{
	const char *region = regions[VIDEO];

	ASSERT_EQ(0, dmem_reserve_above(&self->t, self->top, PAGES / 2 * self->page));
	ASSERT_EQ(0, dmem_set(self->b, "dmem.min", region, PAGES / 2 * self->page));
	EXPECT_EQ(PAGES / 2 * self->page, dmem_nested(self->b, "dmem.stat", region, "reserved"));
	EXPECT_EQ(-ENOMEM, request(self, VIDEO, PAGES / 2 + 1));
	EXPECT_EQ(1, dmem_nested(self->a, "dmem.events", region, "reserved"));
	EXPECT_EVENTS(VIDEO, self->a, 0, 0, 0);
	ASSERT_LE(0, request(self, VIDEO, PAGES / 2));
	EXPECT_EQ(-ENOMEM, request(self, VIDEO, 1));
	EXPECT_HELD(VIDEO, PAGES / 2, 0);
}

TEST_F(tee, owner)
{
	unsigned long long id = cg_id(self->b);
	int fd;

	if (!id)
		SKIP(return, "no id of a cgroup");
	fd = cg_alloc(self->b, self->heaps[VIDEO], self->page);
	ASSERT_LE(0, fd);
	self->fds[self->n++] = fd;
	expect_owner(_metadata, regions[VIDEO], 0, fd, id);
	ASSERT_EQ(0, cg_destroy(self->b));
	expect_owner(_metadata, regions[VIDEO], 0, fd, id);
	EXPECT_EQ(self->page, dmem_nested(self->t.cg, "dmem.stat", regions[VIDEO], "dying"));
	give_back(self);
	EXPECT_EQ(0, dmem_current(self->t.cg, regions[VIDEO]));
	EXPECT_EQ(0, cg_wait_dying(self->t.cg, 0));
}

/* Protected memory is not for the CPU. */
TEST_F(tee, mapping)
{
	int fd = request(self, VIDEO, 1);

	ASSERT_LE(0, fd);
	EXPECT_TRUE(mmap(NULL, self->page, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	EXPECT_EQ(EINVAL, errno);
	EXPECT_HELD(VIDEO, 1, 0);
}

static int set_error(int error)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", error);
	return cg_write(SYSFS "/parameters", "error", text);
}

/* A pool of another kind: its errors, of which only one is that it has no room */
TEST_F(tee, own_pool)
{
	ASSERT_EQ(0, load("size=1"));
	EXPECT_REGION(OWN, regions[OWN]);
	EXPECT_EQ(OTHER_PAGES * self->page, capacity(self, OWN));
	/* Not a carve-out */
	EXPECT_EQ(0, dmem_nested(self->a, "dmem.stat", regions[OWN], "local"));
	EXPECT_GT(0, dmem_nested(self->a, "dmem.stat", regions[OWN], "reserved"));
	ASSERT_LE(0, request(self, OWN, 2));
	EXPECT_HELD(OWN, 2, 0);
	ASSERT_EQ(0, set_error(EBUSY));
	EXPECT_EQ(-EBUSY, request(self, OWN, 3));
	ASSERT_EQ(0, set_error(ENOMEM));
	EXPECT_EQ(-ENOMEM, request(self, OWN, 3));
	EXPECT_EVENTS(OWN, self->a, 0, 0, 0);
	ASSERT_EQ(0, set_error(ENOSPC));
	EXPECT_EQ(-ENOMEM, request(self, OWN, 3));
	EXPECT_EVENTS(OWN, self->a, 0, 0, 1);
	EXPECT_HELD(OWN, 2, 0);
	EXPECT_EQ(2 * self->page, dmem_peak(self->a, regions[OWN]));
}

static bool is_going(void)
{
	return !cg_read_strcmp(SYSFS, "initstate", "going\n");
}

/*
 * The driver removes its device while there is a buffer: this waits, and memory, charge and
 * region stay. They go with the buffer. The heap remains without memory, and has a new region
 * when the driver is back.
 */
TEST_F(tee, device_gone)
{
	const char *region = regions[VIDEO];
	int i, tries;
	pid_t pid;

	for (i = 0; i < 2; i++) {
		ASSERT_LE(0, request(self, VIDEO, 8));
		SET_MAX(VIDEO, self->a, 8);
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			/* Only the parent keeps the buffer. */
			give_back(self);
			_exit(module_unload(MODULE) ? 1 : 0);
		}
		for (tries = 0; tries < 100 && !is_going(); tries++)
			sleep_ms(10);
		EXPECT_TRUE(is_going());
		/* The heap without a buffer gives up its memory, the other one does not. */
		for (tries = 0; tries < 100 && capacity(self, UI) >= 0; tries++)
			sleep_ms(10);
		EXPECT_EQ(-ENODATA, capacity(self, UI));
		EXPECT_REGION(UI, "");
		EXPECT_EQ(-EINVAL, request(self, UI, 1));
		EXPECT_EQ(PAGES * self->page, capacity(self, VIDEO));
		EXPECT_REGION(VIDEO, region);
		EXPECT_HELD(VIDEO, 8, 0);
		EXPECT_EQ(-ENOMEM, request(self, VIDEO, 1));
		EXPECT_EVENTS(VIDEO, self->a, 1, 1, 0);

		give_back(self);
		EXPECT_EQ(0, wait_exit(pid));
		EXPECT_EQ(-ENODATA, capacity(self, VIDEO));
		EXPECT_EQ(-ENODATA, dmem_current(self->a, region));
		EXPECT_REGION(VIDEO, "");
		EXPECT_EQ(-EINVAL, request(self, VIDEO, 1));

		ASSERT_EQ(0, module_load(MODULE, ""));
		EXPECT_EQ(PAGES * self->page, capacity(self, VIDEO));
		EXPECT_REGION(VIDEO, region);
		EXPECT_REGION(UI, regions[UI]);
		EXPECT_HELD(VIDEO, 0, 0);
		EXPECT_EQ(DMEM_MAX, dmem_read(self->a, "dmem.max", region));
		EXPECT_EVENTS(VIDEO, self->a, 0, 0, 0);
		/* No page was lost. */
		ASSERT_LE(0, request(self, VIDEO, PAGES));
		EXPECT_HELD(VIDEO, PAGES, 0);
		give_back(self);
	}
}

TEST_HARNESS_MAIN
