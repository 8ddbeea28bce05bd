// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The DMA API where each memory node has an area of its own (numa_cma=): a device of a node gets
 * memory of the node's area, else of the default area, else of the page allocator. A request that
 * all of them fail counts once in dmem.events, in the region of the area that is the reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dma_fixture.h"
#include "dmem_expect_events.h"
#include "dmem_unaccounted.h"

#define NODE	"1"
#define AREA	"numa" NODE
#define REGION	"cma/" AREA
#define MODULE	"dmem_dma_node"
#define MAX_FDS	4096

#define SMALL	(64LL << 10)
#define LARGE	(6LL << 20)	/* more than the page allocator has in one piece */

/* The process is in a, and b uses the memory up, or reserves it. */
FIXTURE(numa) {
	struct dmem_test t;
	char region[DMEM_NAME_LEN];	/* of the default area, or "" */
	char *top, *a, *b;
	int dev, heap_fd;
	int fds[MAX_FDS], n;
};

DMA_METHOD_VARIANTS(numa);

static int load_node(void)
{
	char *dir = exe_dir(), *path = cg_name(dir, MODULE ".ko");
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;

	if (fd < 0 || syscall(__NR_finit_module, fd, "node=" NODE, 0))
		ret = -errno;
	close(fd);
	free(path);
	free(dir);
	return ret;
}

FIXTURE_SETUP(numa)
{
	begin_or_skip(_metadata, &self->t, DMEM_NO_HEAP);
	if (dmem_read(self->t.root, "dmem.capacity", REGION) < 0) {
		dmem_end(&self->t);
		SKIP(return, "no area of node " NODE);
	}
	self->heap_fd = -1;
	if (default_area_region(self->region)) {
		self->heap_fd = heap_open("default_cma_region");
		ASSERT_LE(0, self->heap_fd);
	}
	self->dev = dma_driver_open_area("");
	ASSERT_LE(0, self->dev);
	ASSERT_EQ(0, load_node());
	self->top = strdup(self->t.cg);
	*strrchr(self->top, '/') = '\0';
	self->a = cg_name(self->t.cg, "a");
	self->b = cg_name(self->t.cg, "b");
	ASSERT_EQ(0, cg_create(self->a));
	ASSERT_EQ(0, cg_create(self->b));
	ASSERT_EQ(0, cg_enter_current(self->a));
}

#define NUMA	FIXTURE_DATA(numa)

/* b reserves all of a region, or nothing any more. */
static int reserve(NUMA *self, const char *region, bool all)
{
	long long bytes = all ? dmem_read(self->t.root, "dmem.capacity", region) : 0;
	int ret = dmem_set(self->top, "dmem.min", region, bytes);

	if (!ret)
		ret = dmem_set(self->t.cg, "dmem.min", region, bytes);
	return ret ? ret : dmem_set(self->b, "dmem.min", region, bytes);
}

FIXTURE_TEARDOWN(numa)
{
	while (self->n)
		close(self->fds[--self->n]);
	unaccounted_return_all();
	EXPECT_EQ(0, reserve(self, REGION, false));
	if (self->region[0])
		EXPECT_EQ(0, reserve(self, self->region, false));
	syscall(__NR_delete_module, MODULE, O_NONBLOCK);
	EXPECT_EQ(0, dma_driver_close(self->dev));
	if (self->heap_fd >= 0)
		close(self->heap_fd);
	dmem_end(&self->t);
}

/* Nothing is left of the node's area. */
static void fill_node(struct __test_metadata *_metadata)
{
	ASSERT_EQ(0, unaccounted_leave(AREA, 0));
	ASSERT_EQ(0, cma_read(AREA, "available_pages"));
}

/* What is left of the default area is less than a small request. */
static void fill_default(struct __test_metadata *_metadata, NUMA *self)
{
	const char *area = region_area(self->region);

	ASSERT_EQ(0, cg_enter_current(self->b));
	self->n = heap_fill(self->heap_fd, cma_read(area, "available_pages") / 4 * self->t.page,
			    self->fds, MAX_FDS);
	ASSERT_GT(SMALL / self->t.page, cma_read(area, "available_pages"));
	ASSERT_EQ(0, cg_enter_current(self->a));
}

static int alloc_dma(NUMA *self, int method, long long len)
{
	return dma_alloc(self->dev, method, len, DMEM_DMA_ACCOUNT);
}

/* The failures of a, which count above it as well, with those of b that used the memory up. */
static void expect_failures(struct __test_metadata *_metadata, NUMA *self, const char *region,
			    long long exhausted, long long reserved)
{
	expect_local(_metadata, region, self->a, 0, 0, exhausted);
	expect_events(_metadata, region, self->a, 0, 0, exhausted);
	EXPECT_EQ(reserved, dmem_nested(self->a, "dmem.events", region, "reserved"))
		TH_LOG("reserved of %s", region);
	exhausted += dmem_nested(self->b, "dmem.events", region, "exhausted");
	expect_events(_metadata, region, self->t.cg, 0, 0, exhausted);
	EXPECT_EQ(reserved, dmem_nested(self->t.cg, "dmem.events", region, "reserved"))
		TH_LOG("reserved of %s", region);
	EXPECT_EQ(0, dmem_current(self->a, region));
}

#define EXPECT_FAILURES(region, exhausted, reserved) \
	expect_failures(_metadata, self, region, exhausted, reserved)

/* The node's area serves the request, and is charged. */
TEST_F(numa, served_by_node)
{
	int id = alloc_dma(self, variant->method, LARGE);

	ASSERT_LT(0, id);
	EXPECT_EQ(LARGE, dmem_current(self->a, REGION));
	if (self->region[0])
		EXPECT_EQ(0, dmem_current(self->a, self->region));
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_FAILURES(REGION, 0, 0);
}

/* Without an area besides that of the node: it is the one that is exhausted. */
TEST_F(numa, node_only)
{
	int id;

	if (self->region[0])
		SKIP(return, "there is a default CMA area");
	fill_node(_metadata);
	EXPECT_EQ(-ENOMEM, alloc_dma(self, variant->method, LARGE));
	EXPECT_FAILURES(REGION, 1, 0);
	/* The page allocator serves it. */
	id = alloc_dma(self, variant->method, SMALL);
	EXPECT_LT(0, id);
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_FAILURES(REGION, 1, 0);
	EXPECT_EQ(-ENOMEM, alloc_dma(self, variant->method, LARGE));
	EXPECT_FAILURES(REGION, 2, 0);
}

/* Where the default area serves the request that the node's cannot, there is no failure. */
TEST_F(numa, served_by_default)
{
	int id;

	if (!self->region[0])
		SKIP(return, "no accounted default CMA area");
	fill_node(_metadata);
	id = alloc_dma(self, variant->method, LARGE);
	ASSERT_LT(0, id);
	EXPECT_EQ(0, dmem_current(self->a, REGION));
	EXPECT_EQ(LARGE, dmem_current(self->a, self->region));
	EXPECT_EQ(0, dma_free(self->dev, id));
	EXPECT_FAILURES(REGION, 0, 0);
	EXPECT_FAILURES(self->region, 0, 0);
}

/* Both are full: the request counts once, for the area that was asked first. */
TEST_F_TIMEOUT(numa, both_full, 120)
{
	int id;

	if (!self->region[0])
		SKIP(return, "no accounted default CMA area");
	fill_node(_metadata);
	fill_default(_metadata, self);
	EXPECT_EQ(-ENOMEM, alloc_dma(self, variant->method, LARGE));
	EXPECT_FAILURES(REGION, 1, 0);
	EXPECT_FAILURES(self->region, 0, 0);
	/* The page allocator serves it. */
	id = alloc_dma(self, variant->method, SMALL);
	EXPECT_LT(0, id);
	EXPECT_EQ(0, dma_free(self->dev, id));
	/* No cgroup is charged for it, and none sees its failure. */
	EXPECT_EQ(-ENOMEM, dma_alloc(self->dev, variant->method, LARGE, 0));
	EXPECT_FAILURES(REGION, 1, 0);
	EXPECT_FAILURES(self->region, 0, 0);
}

/* A limit in the region of the node's area ends the request. */
TEST_F(numa, limit_of_node)
{
	if (!self->region[0])
		SKIP(return, "no accounted default CMA area");
	ASSERT_EQ(0, dmem_set_max(self->a, REGION, LARGE - self->t.page));
	EXPECT_EQ(-ENOMEM, alloc_dma(self, variant->method, LARGE));
	expect_events(_metadata, REGION, self->a, 1, 1, 0);
	EXPECT_FAILURES(self->region, 0, 0);
	EXPECT_EQ(0, dmem_current(self->a, REGION));
}

/* So does one in the region of the default area, once the node's is full. */
TEST_F(numa, limit_of_default)
{
	if (!self->region[0])
		SKIP(return, "no accounted default CMA area");
	fill_node(_metadata);
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, LARGE - self->t.page));
	EXPECT_EQ(-ENOMEM, alloc_dma(self, variant->method, LARGE));
	EXPECT_FAILURES(REGION, 0, 0);
	expect_events(_metadata, self->region, self->a, 1, 1, 0);
	EXPECT_EQ(0, dmem_current(self->a, self->region));
}

/*
 * The node's area is full, and the default one only reserved: without the reservation, the
 * request would have been served.
 */
TEST_F(numa, default_reserved)
{
	if (!self->region[0])
		SKIP(return, "no accounted default CMA area");
	fill_node(_metadata);
	ASSERT_EQ(0, reserve(self, self->region, true));
	EXPECT_EQ(-ENOMEM, alloc_dma(self, variant->method, LARGE));
	EXPECT_FAILURES(REGION, 0, 0);
	EXPECT_FAILURES(self->region, 0, 1);
}

/* The other way round. */
TEST_F_TIMEOUT(numa, node_reserved, 120)
{
	if (!self->region[0])
		SKIP(return, "no accounted default CMA area");
	ASSERT_EQ(0, reserve(self, REGION, true));
	fill_default(_metadata, self);
	EXPECT_EQ(-ENOMEM, alloc_dma(self, variant->method, LARGE));
	EXPECT_FAILURES(REGION, 0, 1);
	EXPECT_FAILURES(self->region, 0, 0);
}

/* Either would have served the request: it counts for the area that was asked first. */
TEST_F(numa, both_reserved)
{
	if (!self->region[0])
		SKIP(return, "no accounted default CMA area");
	ASSERT_EQ(0, reserve(self, REGION, true));
	ASSERT_EQ(0, reserve(self, self->region, true));
	EXPECT_EQ(-ENOMEM, alloc_dma(self, variant->method, LARGE));
	EXPECT_FAILURES(REGION, 0, 1);
	EXPECT_FAILURES(self->region, 0, 0);
}

TEST_HARNESS_MAIN
