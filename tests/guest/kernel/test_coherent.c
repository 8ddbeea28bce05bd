// SPDX-License-Identifier: GPL-2.0
/*
 * The coherent pool of a device, which is memory of the device tree without "reusable":
 * a region of its own, where the charge is the memory that the pool takes, a power of
 * two of pages. The device gets its coherent memory from nowhere else.
 *
 * Memory outlives the device's pool: a driver that is unbound gives the pool up, while
 * user space has buffers.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "coherent_pool.h"
#include "dmem_dma_driver.h"
#include "dmem_expect.h"
#include "dmem_expect_events.h"
#include "guest_util.h"

#define DEVICE	DMEM_DMA_TEST_DEV ".0"
#define OTHER	DMEM_DMA_TEST_DEV ".2"	/* for requests with DMEM_DMA_DEFAULT */
#define FEW	(4 * self->t.page)

/* This process is in a. */
FIXTURE(coherent) {
	struct dmem_test t;
	struct coherent_pool pool;
	char *top, *a, *b;
	int dev;
	long long root;			/* before the test */
};

#define COHERENT	FIXTURE_DATA(coherent)

FIXTURE_SETUP(coherent)
{
	struct dmem_test *t = &self->t;

	begin_or_skip(_metadata, t, DMEM_NO_HEAP);
	if (!coherent_pool_find(&self->pool)) {
		dmem_end(t);
		SKIP(_exit(KSFT_SKIP), "no coherent pool in the device tree");
	}
	self->dev = dma_driver_open_area("");
	if (self->dev < 0) {
		dmem_end(t);
		SKIP(_exit(KSFT_SKIP), "cannot load dmem_dma_test.ko");
	}
	ASSERT_EQ(0, coherent_pool_give(&self->pool, "device", DEVICE));
	self->top = strdup(t->cg);
	*strrchr(self->top, '/') = '\0';
	self->a = new_cgroup(_metadata, cg_create, t->cg, "a");
	self->b = new_cgroup(_metadata, cg_create, t->cg, "b");
	ASSERT_EQ(0, cg_enter_current(self->a));
	snprintf(t->heap.region, sizeof(t->heap.region), "%s", self->pool.region);
	self->root = dmem_current(t->root, t->heap.region);
}

FIXTURE_TEARDOWN(coherent)
{
	close(self->dev);
	EXPECT_EQ(0, coherent_pool_take(&self->pool));
	EXPECT_EQ(0, module_unload_unused("dmem_dma_test"));
	EXPECT_EQ(0, dmem_current(self->t.cg, self->pool.region));
	EXPECT_EQ(self->root, dmem_current(self->t.root, self->pool.region));
	dmem_end(&self->t);
}

static int request_from(COHERENT *self, int method, long long len, int flags)
{
	return dma_alloc(self->dev, method, len, flags);
}

static int request(COHERENT *self, long long len)
{
	return request_from(self, DMEM_DMA_COHERENT, len, DMEM_DMA_ACCOUNT);
}

/* Without a charge */
static int take(COHERENT *self, long long len)
{
	return request_from(self, DMEM_DMA_COHERENT, len, 0);
}

static void expect_held(struct __test_metadata *_metadata, COHERENT *self, long long in_a,
			long long in_b)
{
	const char *region = self->pool.region;

	EXPECT_EQ(in_a, dmem_current(self->a, region));
	EXPECT_EQ(in_b, dmem_current(self->b, region));
	EXPECT_EQ(in_a + in_b, dmem_current(self->t.cg, region));
	EXPECT_EQ(self->root + in_a + in_b, dmem_current(self->t.root, region));
}

#define EXPECT_HELD(...)	expect_held(_metadata, self, __VA_ARGS__)
#define EXPECT_EVENTS(cg, ...)	expect_events(_metadata, self->pool.region, cg, __VA_ARGS__)
#define EXPECT_PEAK(cg, bytes)	EXPECT_EQ(bytes, dmem_peak(cg, self->pool.region))
#define SET_MAX(cg, bytes)	ASSERT_EQ(0, dmem_set_max(cg, self->pool.region, bytes))
#define FREE(id)		EXPECT_EQ(0, dma_free(self->dev, id))

/* One region for the pool, as large as it is, which stays when no device has the pool. */
TEST_F(coherent, region)
{
	const char *root = self->t.root, *region = self->pool.region;
	char second[DMEM_NAME_LEN + 2];
	int i;

	snprintf(second, sizeof(second), "%s-2", region);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(self->pool.size, dmem_read(root, "dmem.capacity", region));
		EXPECT_EQ(-ENODATA, dmem_read(root, "dmem.capacity", second));
		ASSERT_EQ(0, coherent_pool_take(&self->pool));
		EXPECT_EQ(self->pool.size, dmem_read(root, "dmem.capacity", region));
		ASSERT_EQ(0, coherent_pool_give(&self->pool, "device", DEVICE));
	}
}

TEST_F(coherent, charged)
{
	long long page = self->t.page, lens[] = { 1, page, page + 1, 3 * page, 5 * page - 1 };
	long long charges[] = { page, page, 2 * page, 4 * page, 8 * page };
	unsigned int i;
	int id;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		id = request(self, lens[i]);
		ASSERT_LT(0, id);
		EXPECT_HELD(charges[i], 0);
		/* Freed by a process in b. */
		ASSERT_EQ(0, cg_enter_current(self->b));
		FREE(id);
		EXPECT_HELD(0, 0);
		ASSERT_EQ(0, cg_enter_current(self->a));
		EXPECT_PEAK(self->a, charges[i]);
		EXPECT_PEAK(self->t.cg, charges[i]);
	}
	EXPECT_PEAK(self->b, 0);
	EXPECT_EVENTS(self->a, 0, 0, 0);
}

/* 3 pages are charged as 4: the limit holds for these, in the cgroup and above it. */
TEST_F(coherent, limit)
{
	long long page = self->t.page;
	const char *levels[] = { self->a, self->t.cg };
	int i, n, id, more;

	for (i = 0; i < 2; i++) {
		SET_MAX(levels[i], 8 * page - page);
		id = request(self, 3 * page);
		ASSERT_LT(0, id);
		EXPECT_EQ(-ENOMEM, request(self, 3 * page));
		EXPECT_HELD(4 * page, 0);
		SET_MAX(levels[i], 8 * page);
		more = request(self, 3 * page);
		ASSERT_LT(0, more);
		EXPECT_EQ(-ENOMEM, request(self, 1));
		EXPECT_HELD(8 * page, 0);
		/* Requests without a charge are served. */
		n = take(self, page);
		ASSERT_LT(0, n);
		EXPECT_HELD(8 * page, 0);
		FREE(n);
		FREE(id);
		FREE(more);
		EXPECT_HELD(0, 0);
		SET_MAX(levels[i], DMEM_MAX);
		EXPECT_EVENTS(self->t.cg, 2 * (i + 1), 2 * (i + 1), 0);
		expect_local(_metadata, self->pool.region, self->a, 2, 2 * (i + 1), 0);
	}
	EXPECT_PEAK(self->a, 8 * page);
}

/* A refusal takes no memory, and no other memory serves the request. */
TEST_F(coherent, zero)
{
	int i;

	SET_MAX(self->a, 0);
	for (i = 0; i < 100; i++)
		EXPECT_EQ(-ENOMEM, request(self, self->pool.size / 64));
	EXPECT_EVENTS(self->a, 100, 100, 0);
	EXPECT_PEAK(self->a, 0);
	EXPECT_HELD(0, 0);
	/* b is served. */
	ASSERT_EQ(0, cg_enter_current(self->b));
	i = request(self, self->pool.size / 2);
	ASSERT_LT(0, i);
	EXPECT_HELD(0, self->pool.size / 2);
	FREE(i);
}

/* The cgroups get the whole pool, and no more: the rest of the requests are counted. */
TEST_F_TIMEOUT(coherent, full, 60)
{
	long long page = self->t.page, size = self->pool.size;
	int n = 0;

	while (request(self, FEW) > 0)
		n++;
	EXPECT_EQ(size / FEW, n);
	EXPECT_HELD(size, 0);
	EXPECT_EVENTS(self->a, 0, 0, 1);
	EXPECT_EQ(-ENOMEM, request(self, page));
	EXPECT_EVENTS(self->a, 0, 0, 2);
	/* Without a charge there is no room either, but nobody's request is counted. */
	EXPECT_EQ(-ENOMEM, take(self, page));
	EXPECT_EVENTS(self->a, 0, 0, 2);
	/* The limit is the reason if both refuse. */
	SET_MAX(self->a, size);
	EXPECT_EQ(-ENOMEM, request(self, page));
	EXPECT_EVENTS(self->a, 1, 1, 2);
	EXPECT_PEAK(self->a, size);
	EXPECT_PEAK(self->t.cg, size);
	EXPECT_HELD(size, 0);
	/* The last close frees all. */
	close(self->dev);
	self->dev = -1;
	EXPECT_HELD(0, 0);
}

/* Half of the pages are free, and no two of them in one piece. */
TEST_F_TIMEOUT(coherent, fragmented, 120)
{
	long long page = self->t.page, pages = self->pool.size / page, i;
	int *ids = calloc(pages, sizeof(*ids));

	ASSERT_TRUE(!!ids);
	for (i = 0; i < pages; i++) {
		ids[i] = request(self, page);
		ASSERT_LT(0, ids[i]);
	}
	for (i = 0; i < pages; i += 2)
		FREE(ids[i]);
	EXPECT_HELD(self->pool.size / 2, 0);
	ASSERT_EQ(0, cg_enter_current(self->b));
	EXPECT_EQ(-ENOMEM, request(self, 2 * page));
	EXPECT_HELD(self->pool.size / 2, 0);
	EXPECT_PEAK(self->b, 0);
	EXPECT_EVENTS(self->b, 0, 0, 1);
	ids[0] = request(self, page);
	ASSERT_LT(0, ids[0]);
	EXPECT_HELD(self->pool.size / 2, page);
	free(ids);
}

/* Memory that is in use without a charge is none that cgroups can have. */
TEST_F(coherent, unaccounted)
{
	long long size = self->pool.size;
	int id, quarter, half;

	half = take(self, size / 2);
	ASSERT_LT(0, half);
	quarter = take(self, size / 4);
	ASSERT_LT(0, quarter);
	EXPECT_HELD(0, 0);
	EXPECT_EQ(-ENOMEM, request(self, size / 2));
	EXPECT_EVENTS(self->a, 0, 0, 1);
	EXPECT_PEAK(self->a, 0);
	id = request(self, size / 4);
	ASSERT_LT(0, id);
	EXPECT_HELD(size / 4, 0);
	EXPECT_EQ(-ENOMEM, request(self, 1));
	EXPECT_EVENTS(self->a, 0, 0, 2);
	FREE(half);
	half = request(self, size / 2);
	ASSERT_LT(0, half);
	EXPECT_HELD(size / 4 * 3, 0);
	FREE(half);
	FREE(quarter);
	FREE(id);
	EXPECT_HELD(0, 0);
	id = request(self, size);
	ASSERT_LT(0, id);
	EXPECT_HELD(size, 0);
}

/* More than the pool has, at once: the size, and the size that is rounded up */
TEST_F(coherent, too_large)
{
	long long size = self->pool.size;
	int id;

	EXPECT_EQ(-ENOMEM, request(self, size + 1));
	EXPECT_EQ(-ENOMEM, request(self, 1 << 30));
	EXPECT_EVENTS(self->a, 0, 0, 2);
	SET_MAX(self->a, size / 2);
	EXPECT_EQ(-ENOMEM, request(self, size / 2 + 1));
	EXPECT_EQ(-ENOMEM, request(self, 1 << 30));
	EXPECT_EVENTS(self->a, 2, 2, 2);
	id = request(self, size / 2 - 1);
	ASSERT_LT(0, id);
	EXPECT_HELD(size / 2, 0);
}

/* A request for no bytes fails. It is no failure of the pool, which loses nothing by it. */
TEST_F(coherent, nothing)
{
	long long size = self->pool.size;
	int i, id;

	EXPECT_EQ(0, coherent_pool_request(1));
	EXPECT_PEAK(self->a, self->t.page);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-ENOMEM, coherent_pool_request(0));
		EXPECT_HELD(0, 0);
		EXPECT_EVENTS(self->a, 0, 0, 0);
		SET_MAX(self->a, 0);
	}
	EXPECT_PEAK(self->a, self->t.page);

	SET_MAX(self->a, DMEM_MAX);
	id = request(self, size);
	ASSERT_LT(0, id);
	EXPECT_HELD(size, 0);
	EXPECT_EQ(-ENOMEM, coherent_pool_request(0));
	EXPECT_HELD(size, 0);
	EXPECT_EVENTS(self->a, 0, 0, 0);
	FREE(id);
	EXPECT_HELD(0, 0);
}

/* The other functions of the DMA API do not use the pool. */
TEST_F(coherent, other_methods)
{
	static const int methods[] = { DMEM_DMA_PAGES, DMEM_DMA_NONCONTIGUOUS };
	unsigned int i;
	int id;

	SET_MAX(self->a, 0);
	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		id = request_from(self, methods[i], self->t.page, DMEM_DMA_ACCOUNT);
		ASSERT_LT(0, id);
		EXPECT_HELD(0, 0);
		FREE(id);
	}
	EXPECT_EVENTS(self->a, 0, 0, 0);
}

TEST_F(coherent, owner)
{
	const char *region = self->pool.region;
	int first, second;

	first = request(self, FEW);
	ASSERT_LT(0, first);
	ASSERT_EQ(0, cg_enter_current(self->b));
	EXPECT_HELD(FEW, 0);
	second = request(self, 2 * FEW);
	ASSERT_LT(0, second);
	EXPECT_HELD(FEW, 2 * FEW);
	ASSERT_EQ(0, cg_destroy(self->a));
	EXPECT_EQ(3 * FEW, dmem_current(self->t.cg, region));
	EXPECT_EQ(FEW, dmem_nested(self->t.cg, "dmem.stat", region, "dying"));
	FREE(first);
	EXPECT_EQ(2 * FEW, dmem_current(self->t.cg, region));
	EXPECT_EQ(0, dmem_nested(self->t.cg, "dmem.stat", region, "dying"));
	EXPECT_EQ(0, cg_wait_dying(self->t.cg, 0));
	FREE(second);
	EXPECT_EQ(0, dmem_current(self->t.cg, region));
}

TEST_F(coherent, killed)
{
	int ready[2], dev;
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	pid = cg_fork(self->b);
	ASSERT_LE(0, pid);
	if (!pid) {
		dev = open("/dev/" DMEM_DMA_TEST_DEV, O_RDWR);
		if (dma_alloc(dev, DMEM_DMA_COHERENT, FEW, DMEM_DMA_ACCOUNT) <= 0 ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_HELD(0, FEW);
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, wait_exit(pid));
	dmem_wait_current(self->b, self->pool.region, 0, 5000);
	EXPECT_HELD(0, 0);
}

/*
 * The device loses its pool while it has memory of it: the memory and the charge return to
 * the pool, of which no page is lost.
 */
TEST_F(coherent, pool_is_gone)
{
	long long size = self->pool.size;
	int i, first, second, plain, other;

	for (i = 0; i < 3; i++) {
		first = request(self, 3 * self->t.page);
		ASSERT_LT(0, first);
		plain = take(self, size / 4);
		ASSERT_LT(0, plain);
		second = request(self, size / 4);
		ASSERT_LT(0, second);
		ASSERT_EQ(0, coherent_pool_take(&self->pool));
		EXPECT_HELD(FEW + size / 4, 0);

		/* From now on the device uses other memory, which is no part of the region. */
		other = request(self, self->t.page);
		ASSERT_LT(0, other);
		EXPECT_HELD(FEW + size / 4, 0);
		FREE(first);
		EXPECT_HELD(size / 4, 0);
		FREE(plain);
		FREE(other);
		/* Once, the last memory is freed when the device has the pool again. */
		if (i != 1)
			FREE(second);
		ASSERT_EQ(0, coherent_pool_give(&self->pool, "device", DEVICE));
		if (i == 1)
			FREE(second);
		EXPECT_HELD(0, 0);

		first = request(self, size);
		ASSERT_LT(0, first);
		EXPECT_HELD(size, 0);
		FREE(first);
		EXPECT_HELD(0, 0);
	}
}

/* Two devices have the pool: it is one, with one limit, and each memory goes back to it. */
TEST_F(coherent, shared)
{
	const int other = DMEM_DMA_ACCOUNT | DMEM_DMA_DEFAULT;
	long long size = self->pool.size;
	int first, second;

	ASSERT_EQ(0, coherent_pool_take(&self->pool));
	ASSERT_EQ(0, coherent_pool_give(&self->pool, "device", DEVICE "," OTHER));
	first = request(self, size / 2);
	ASSERT_LT(0, first);
	second = request_from(self, DMEM_DMA_COHERENT, size / 2, other);
	ASSERT_LT(0, second);
	EXPECT_HELD(size, 0);
	EXPECT_EQ(-ENOMEM, request(self, 1));
	EXPECT_EQ(-ENOMEM, request_from(self, DMEM_DMA_COHERENT, 1, other));
	EXPECT_EVENTS(self->a, 0, 0, 2);
	FREE(first);
	EXPECT_HELD(size / 2, 0);
	SET_MAX(self->a, size / 2);
	EXPECT_EQ(-ENOMEM, request(self, 1));
	EXPECT_EQ(-ENOMEM, request_from(self, DMEM_DMA_COHERENT, 1, other));
	EXPECT_EVENTS(self->a, 2, 2, 2);

	/* One of them loses it. */
	ASSERT_EQ(0, coherent_pool_take(&self->pool));
	ASSERT_EQ(0, coherent_pool_give(&self->pool, "device", DEVICE));
	EXPECT_EQ(-ENOMEM, request(self, 1));
	FREE(second);
	EXPECT_HELD(0, 0);
	first = request(self, size / 2);
	ASSERT_LT(0, first);
	EXPECT_HELD(size / 2, 0);
}

/* A reservation: others do not get this part of the pool. */
TEST_F(coherent, reserved)
{
	const char *region = self->pool.region;
	long long size = self->pool.size;
	int id;

	ASSERT_EQ(0, dmem_reserve_above(&self->t, self->top, size / 2));
	ASSERT_EQ(0, dmem_set(self->b, "dmem.min", region, size / 2));
	EXPECT_EQ(size / 2, dmem_nested(self->b, "dmem.stat", region, "reserved"));
	id = request(self, size / 2);
	ASSERT_LT(0, id);
	EXPECT_EQ(-ENOMEM, request(self, self->t.page));
	EXPECT_EQ(1, dmem_nested(self->a, "dmem.events", region, "reserved"));
	EXPECT_EVENTS(self->a, 0, 0, 0);
	ASSERT_EQ(0, cg_enter_current(self->b));
	EXPECT_LT(0, request(self, size / 2));
	EXPECT_HELD(size / 2, size / 2);
	EXPECT_EQ(0, dmem_nested(self->b, "dmem.events", region, "reserved"));
	EXPECT_EQ(0, dmem_set(self->b, "dmem.min", region, 0));
	EXPECT_EQ(0, dmem_reserve_above(&self->t, self->top, 0));

	/* Memory in use without a charge cannot be reserved. */
	close(self->dev);
	self->dev = open("/dev/" DMEM_DMA_TEST_DEV, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->dev);
	ASSERT_LT(0, take(self, size / 4));
	ASSERT_EQ(0, dmem_reserve_above(&self->t, self->top, DMEM_MAX));
	ASSERT_EQ(0, dmem_set(self->b, "dmem.min", region, DMEM_MAX));
	EXPECT_EQ(size / 4 * 3, dmem_nested(self->b, "dmem.stat", region, "reserved"));
	EXPECT_EQ(0, dmem_set(self->b, "dmem.min", region, 0));
	EXPECT_EQ(0, dmem_reserve_above(&self->t, self->top, 0));
}

TEST_HARNESS_MAIN
