// SPDX-License-Identifier: GPL-2.0
/*
 * dmem.max: the exact boundary of one cgroup's limit, that a refusal changes nothing,
 * and the limits and counters of a tree of cgroups. Counters are read while the
 * buffers are held: a usage of zero at the end proves nothing if nothing was charged.
 */
#include <errno.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"

#define PAGES	8
#define LIMIT	FIXTURE_DATA(limit)

/*
 * slice
 *   box
 *     a		the test begins here
 *     b
 *   c
 */
FIXTURE(limit) {
	struct dmem_test t;
	const char *region;
	char *slice, *box, *a, *b, *c;
};

FIXTURE_VARIANT(limit) { enum dmem_kind kind; };
FIXTURE_VARIANT_ADD(limit, cma) { .kind = DMEM_CMA };
FIXTURE_VARIANT_ADD(limit, system) { .kind = DMEM_SYSTEM };

FIXTURE_SETUP(limit)
{
	begin_or_skip(_metadata, &self->t, variant->kind);
	self->region = self->t.heap.region;
	self->slice = new_cgroup(_metadata, cg_create_parent, self->t.cg, "slice");
	self->box = new_cgroup(_metadata, cg_create_parent, self->slice, "box");
	self->a = new_cgroup(_metadata, cg_create, self->box, "a");
	self->b = new_cgroup(_metadata, cg_create, self->box, "b");
	self->c = new_cgroup(_metadata, cg_create, self->slice, "c");
	EXPECT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(limit)
{
	dmem_end(&self->t);
}

static int set_pages(LIMIT *self, const char *cg, long long pages)
{
	return dmem_set_max(cg, self->region, pages * self->t.page);
}

static int alloc(LIMIT *self, long long pages)
{
	return heap_alloc(self->t.heap_fd, pages * self->t.page);
}

static int alloc_in(LIMIT *self, const char *cg, long long pages)
{
	int ret = cg_enter_current(cg);

	return ret ? ret : alloc(self, pages);
}

static void expect_pages(struct __test_metadata *_metadata, LIMIT *self,
			 const char *cg, long long pages)
{
	EXPECT_EQ(pages * self->t.page, dmem_current(cg, self->region))
		TH_LOG("in %s", cg);
}

/* The charge is that of a; no other cgroup of the test has any. */
static void expect_in_a(struct __test_metadata *_metadata, LIMIT *self,
			long long pages)
{
	expect_pages(_metadata, self, self->a, pages);
	expect_pages(_metadata, self, self->t.cg, pages);
}

/* n pages, one at a time: n requests are granted, not n + 1. */
TEST_F(limit, exact_boundary)
{
	int fd[PAGES], i;

	ASSERT_EQ(0, set_pages(self, self->a, PAGES));
	for (i = 0; i < PAGES; i++) {
		fd[i] = alloc(self, 1);
		ASSERT_LE(0, fd[i]);
		expect_in_a(_metadata, self, i + 1);
	}
	EXPECT_EQ(-ENOMEM, alloc(self, 1));
	expect_in_a(_metadata, self, PAGES);

	/* One is freed, one more is granted. */
	close(fd[0]);
	expect_in_a(_metadata, self, PAGES - 1);
	EXPECT_EQ(-ENOMEM, alloc(self, 2));
	fd[0] = alloc(self, 1);
	EXPECT_LE(0, fd[0]);
	expect_in_a(_metadata, self, PAGES);

	for (i = 0; i < PAGES; i++) {
		close(fd[i]);
		expect_in_a(_metadata, self, PAGES - 1 - i);
	}
	EXPECT_EQ(PAGES * self->t.page, dmem_peak(self->a, self->region));
}

/* The same with one buffer. */
TEST_F(limit, exact_buffer)
{
	int fd;

	ASSERT_EQ(0, set_pages(self, self->a, PAGES));
	EXPECT_EQ(-ENOMEM, alloc(self, PAGES + 1));
	expect_in_a(_metadata, self, 0);
	fd = alloc(self, PAGES);
	ASSERT_LE(0, fd);
	expect_in_a(_metadata, self, PAGES);
	EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, 1));
	close(fd);
	expect_in_a(_metadata, self, 0);
}

TEST_F(limit, one_page_short)
{
	int fd;

	ASSERT_EQ(0, set_pages(self, self->a, PAGES - 1));
	EXPECT_EQ(-ENOMEM, alloc(self, PAGES));
	expect_in_a(_metadata, self, 0);
	EXPECT_EQ(0, dmem_peak(self->a, self->region));
	fd = alloc(self, PAGES - 1);
	ASSERT_LE(0, fd);
	expect_in_a(_metadata, self, PAGES - 1);
	close(fd);
	expect_in_a(_metadata, self, 0);
}

TEST_F(limit, zero)
{
	int fd;

	ASSERT_EQ(0, set_pages(self, self->a, 0));
	EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, 1));
	EXPECT_EQ(-ENOMEM, alloc(self, 1));
	EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, 1 << 20));
	expect_in_a(_metadata, self, 0);
	EXPECT_EQ(0, dmem_peak(self->a, self->region));

	/* The limit was the only reason. */
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, DMEM_MAX));
	fd = alloc(self, 1);
	ASSERT_LE(0, fd);
	expect_in_a(_metadata, self, 1);
	close(fd);
	expect_in_a(_metadata, self, 0);
}

/* A size that is no multiple of a page is charged as the pages it takes. */
TEST_F(limit, odd_sizes)
{
	long long page = self->t.page;
	struct {
		long long len;
		int pages;
	} cases[] = {
		{ 1, 1 },
		{ page - 1, 1 },
		{ page, 1 },
		{ page + 1, 2 },
		{ 5 * page + 123, 6 },
		{ PAGES * page - 1, PAGES },
	};
	unsigned int i;
	int fd;

	ASSERT_EQ(0, set_pages(self, self->a, PAGES));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fd = heap_alloc(self->t.heap_fd, cases[i].len);
		ASSERT_LE(0, fd);
		expect_in_a(_metadata, self, cases[i].pages);
		EXPECT_EQ(cases[i].pages * page, lseek(fd, 0, SEEK_END));
		close(fd);
		expect_in_a(_metadata, self, 0);
	}
	EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, PAGES * page + 1));
	expect_in_a(_metadata, self, 0);
}

/* A limit inside a page does not give that page. */
TEST_F(limit, odd_limit)
{
	long long page = self->t.page;
	int fd;

	EXPECT_EQ(-EBADMSG, dmem_set_max(self->a, self->region, 2 * page - 1));
	EXPECT_EQ(page, dmem_read(self->a, "dmem.max", self->region));
	EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, page + 1));
	expect_in_a(_metadata, self, 0);
	fd = alloc(self, 1);
	ASSERT_LE(0, fd);
	expect_in_a(_metadata, self, 1);
	close(fd);

	EXPECT_EQ(-EBADMSG, dmem_set_max(self->a, self->region, page - 1));
	EXPECT_EQ(0, dmem_read(self->a, "dmem.max", self->region));
	EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, 1));
	expect_in_a(_metadata, self, 0);
}

/*
 * A buffer far beyond the limit is refused before the first page is taken: had
 * the charge been made piece by piece, the peak would show it.
 */
TEST_F(limit, buffer_beyond_limit)
{
	long long size = 1 << 20;
	int fd;

	ASSERT_EQ(0, dmem_set_max(self->a, self->region, size));
	EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, 2 * size));
	EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, 512LL << 20));
	expect_in_a(_metadata, self, 0);
	EXPECT_EQ(0, dmem_peak(self->a, self->region));

	fd = heap_alloc(self->t.heap_fd, size);
	ASSERT_LE(0, fd);
	expect_in_a(_metadata, self, size / self->t.page);
	EXPECT_EQ(size, dmem_peak(self->a, self->region));
	close(fd);
	expect_in_a(_metadata, self, 0);
}

/*
 * Larger than the region: refused before anything is charged, with a limit or not. By
 * one page only for CMA: RAM that the kernel frees after the boot is in no capacity.
 */
TEST_F(limit, buffer_beyond_region)
{
	long long page = self->t.page, size;

	size = dmem_read(self->t.root, "dmem.capacity", self->region);
	ASSERT_LT(0, size);
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, size));
	EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, size + page));
	expect_in_a(_metadata, self, 0);
	EXPECT_EQ(0, dmem_peak(self->a, self->region));

	/* No limit refuses it now. */
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, DMEM_MAX));
	EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, 3 * size));
	if (variant->kind == DMEM_CMA)
		EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, size + page));
	expect_in_a(_metadata, self, 0);
	EXPECT_EQ(0, dmem_peak(self->a, self->region));
	EXPECT_EQ(0, dmem_peak(self->t.cg, self->region));
}

/* Lengths that no counter can hold; see also test_dmem_failure for bad arguments. */
TEST_F(limit, absurd_lengths)
{
	static const int shifts[] = { 32, 40, 43, 44, 50, 52, 62, 63 };
	unsigned int i;

	ASSERT_EQ(0, dmem_set_max(self->a, self->region, 1 << 20));
	for (i = 0; i < ARRAY_SIZE(shifts); i++) {
		EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd,
					      (1ULL << shifts[i]) + self->t.page))
			TH_LOG("length 1 << %d and a page", shifts[i]);
		expect_in_a(_metadata, self, 0);
	}
	EXPECT_EQ(0, dmem_peak(self->a, self->region));
}

/* A limit of 4 GiB and more is one, on 32-bit as well, and not 0. */
TEST_F(limit, beyond_32_bits)
{
	int fd, gib;

	for (gib = 4; gib <= 6; gib += 2) {
		ASSERT_EQ(0, dmem_set_max(self->a, self->region, (long long)gib << 30));
		fd = alloc(self, 1);
		ASSERT_LE(0, fd);
		expect_in_a(_metadata, self, 1);
		close(fd);
		expect_in_a(_metadata, self, 0);
	}
}

/*
 * Pages that were allocated since the boot, freed or not: of the CMA area, with those
 * that it could not give, or of all other memory.
 */
static long long pages_allocated(const struct dmem_test *t)
{
	long long sum = 0, pages;
	char key[64];
	FILE *f;

	if (t->area)
		return cma_read(t->area, "alloc_pages_success") +
		       cma_read(t->area, "alloc_pages_fail");
	f = fopen("/proc/vmstat", "re");
	while (f && fscanf(f, "%63s %lld", key, &pages) == 2) {
		if (!strncmp(key, "pgalloc_", 8))
			sum += pages;
	}
	if (f)
		fclose(f);
	return sum ?: -ENOENT;
}

/* A refused request does not take memory, not even for a moment. */
TEST_F(limit, refusal_takes_nothing)
{
	long long all = (100 << 20) / self->t.page, took = all;
	int i, tries;

	if (pages_allocated(&self->t) < 0)
		SKIP(return, "the kernel does not count the pages that it allocates");
	ASSERT_EQ(0, set_pages(self, self->a, 0));
	/* Other processes may allocate as well, but hardly half of it each time. */
	for (tries = 0; tries < 5 && took >= all / 2; tries++) {
		took = -pages_allocated(&self->t);
		for (i = 0; i < 100; i++)
			EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, 1 << 20));
		took += pages_allocated(&self->t);
	}
	EXPECT_GT(all / 2, took)
		TH_LOG("%lld pages were allocated for requests of %lld", took, all);
	if (region_is_private(self->region))
		EXPECT_EQ(0, took);
}

/*
 * Every level includes the usage of the levels below, and so does the root of
 * all, if no other program uses the region.
 */
TEST_F(limit, counters)
{
	struct dmem_test *t = &self->t;
	long long root = dmem_current(t->root, self->region);
	int a, b, c;

	ASSERT_LE(0, root);
	a = alloc_in(self, self->a, 1);
	b = alloc_in(self, self->b, 2);
	c = alloc_in(self, self->c, 4);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	ASSERT_LE(0, c);
	expect_pages(_metadata, self, self->a, 1);
	expect_pages(_metadata, self, self->b, 2);
	expect_pages(_metadata, self, self->box, 3);
	expect_pages(_metadata, self, self->c, 4);
	expect_pages(_metadata, self, self->slice, 7);
	expect_pages(_metadata, self, t->cg, 7);
	expect_root(_metadata, t, self->region, root, 7 * t->page);

	/* Closed by a process in c: the uncharge happens in the charged cgroup. */
	close(a);
	expect_pages(_metadata, self, self->a, 0);
	expect_pages(_metadata, self, self->box, 2);
	expect_pages(_metadata, self, self->c, 4);
	expect_pages(_metadata, self, self->slice, 6);
	close(b);
	close(c);
	expect_pages(_metadata, self, self->b, 0);
	expect_pages(_metadata, self, self->box, 0);
	expect_pages(_metadata, self, self->c, 0);
	expect_pages(_metadata, self, self->slice, 0);
	expect_pages(_metadata, self, t->cg, 0);
	expect_root(_metadata, t, self->region, root, 0);
}

/* The parent's limit covers all its children together. */
TEST_F(limit, parent_limit)
{
	int a, b;

	ASSERT_EQ(0, set_pages(self, self->box, 8));
	a = alloc_in(self, self->a, 5);
	ASSERT_LE(0, a);
	EXPECT_EQ(-ENOMEM, alloc_in(self, self->b, 4));
	/* The charges below the level that refused are undone. */
	expect_pages(_metadata, self, self->b, 0);
	expect_pages(_metadata, self, self->box, 5);
	b = alloc_in(self, self->b, 3);
	ASSERT_LE(0, b);
	EXPECT_EQ(-ENOMEM, alloc_in(self, self->a, 1));
	EXPECT_EQ(-ENOMEM, alloc_in(self, self->b, 1));
	expect_pages(_metadata, self, self->a, 5);
	expect_pages(_metadata, self, self->b, 3);
	expect_pages(_metadata, self, self->box, 8);
	close(a);
	close(b);
	expect_pages(_metadata, self, self->box, 0);
}

/* A sibling at its limit does not affect the other. */
TEST_F(limit, siblings)
{
	int a, b;

	ASSERT_EQ(0, set_pages(self, self->a, 2));
	a = alloc_in(self, self->a, 2);
	ASSERT_LE(0, a);
	EXPECT_EQ(-ENOMEM, alloc_in(self, self->a, 1));
	b = alloc_in(self, self->b, 6);
	ASSERT_LE(0, b);
	expect_pages(_metadata, self, self->a, 2);
	expect_pages(_metadata, self, self->b, 6);
	EXPECT_EQ(DMEM_MAX, dmem_read(self->b, "dmem.max", self->region));
	close(a);
	close(b);
	expect_pages(_metadata, self, self->a, 0);
	expect_pages(_metadata, self, self->b, 0);
}

/* Of several limits on the way up the tightest one applies, wherever it is. */
TEST_F(limit, three_levels)
{
	const char *const level[] = { self->a, self->box, self->slice };
	unsigned int i, j;
	int fd;

	for (i = 0; i < ARRAY_SIZE(level); i++) {
		for (j = 0; j < ARRAY_SIZE(level); j++)
			ASSERT_EQ(0, set_pages(self, level[j], j == i ? 3 : 5));
		EXPECT_EQ(-ENOMEM, alloc(self, 4));
		for (j = 0; j < ARRAY_SIZE(level); j++)
			expect_pages(_metadata, self, level[j], 0);
		fd = alloc(self, 3);
		ASSERT_LE(0, fd);
		EXPECT_EQ(-ENOMEM, alloc(self, 1));
		for (j = 0; j < ARRAY_SIZE(level); j++)
			expect_pages(_metadata, self, level[j], 3);
		close(fd);
		for (j = 0; j < ARRAY_SIZE(level); j++)
			expect_pages(_metadata, self, level[j], 0);
	}
}

/* Only the slice is limited, and it binds its grandchild. */
TEST_F(limit, grandparent_limit)
{
	int a, c;

	ASSERT_EQ(0, set_pages(self, self->slice, 4));
	c = alloc_in(self, self->c, 3);
	ASSERT_LE(0, c);
	EXPECT_EQ(-ENOMEM, alloc_in(self, self->a, 2));
	expect_pages(_metadata, self, self->a, 0);
	expect_pages(_metadata, self, self->box, 0);
	a = alloc_in(self, self->a, 1);
	ASSERT_LE(0, a);
	expect_pages(_metadata, self, self->slice, 4);
	close(c);
	close(a);
	expect_pages(_metadata, self, self->slice, 0);
}

/*
 * A limit is lowered below the usage: existing buffers stay usable, and
 * requests are refused until the usage has fallen.
 */
TEST_F(limit, lowered_and_raised)
{
	size_t len = 4 * self->t.page;
	int fd[2], more;
	char *map;

	ASSERT_EQ(0, set_pages(self, self->a, 8));
	fd[0] = alloc(self, 4);
	fd[1] = alloc(self, 4);
	ASSERT_LE(0, fd[0]);
	ASSERT_LE(0, fd[1]);

	ASSERT_EQ(0, set_pages(self, self->a, 5));
	expect_in_a(_metadata, self, 8);
	EXPECT_EQ(-ENOMEM, alloc(self, 1));
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd[0], 0);
	ASSERT_TRUE(map != MAP_FAILED);
	memset(map, 0x5a, len);
	EXPECT_EQ(0x5a, map[len - 1]);
	EXPECT_EQ(0, munmap(map, len));

	close(fd[0]);
	expect_in_a(_metadata, self, 4);
	EXPECT_EQ(-ENOMEM, alloc(self, 2));
	more = alloc(self, 1);
	ASSERT_LE(0, more);
	expect_in_a(_metadata, self, 5);

	/* To zero, and all the way up again. */
	ASSERT_EQ(0, set_pages(self, self->a, 0));
	EXPECT_EQ(-ENOMEM, alloc(self, 1));
	expect_in_a(_metadata, self, 5);
	ASSERT_EQ(0, set_pages(self, self->a, 9));
	EXPECT_EQ(-ENOMEM, alloc(self, 5));
	fd[0] = alloc(self, 4);
	ASSERT_LE(0, fd[0]);
	expect_in_a(_metadata, self, 9);
	close(fd[0]);
	close(fd[1]);
	close(more);
	expect_in_a(_metadata, self, 0);
	expect_pages(_metadata, self, self->slice, 0);
}

/* The parent's limit is lowered below its children's usage. */
TEST_F(limit, parent_lowered)
{
	int a, b;

	a = alloc_in(self, self->a, 4);
	b = alloc_in(self, self->b, 4);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	ASSERT_EQ(0, set_pages(self, self->box, 6));
	EXPECT_EQ(-ENOMEM, alloc_in(self, self->a, 1));
	EXPECT_EQ(-ENOMEM, alloc_in(self, self->b, 1));
	expect_pages(_metadata, self, self->box, 8);
	close(a);
	a = alloc_in(self, self->b, 2);
	ASSERT_LE(0, a);
	expect_pages(_metadata, self, self->a, 0);
	expect_pages(_metadata, self, self->b, 6);
	close(a);
	close(b);
	expect_pages(_metadata, self, self->box, 0);
}

/* A child without dmem is charged to the nearest ancestor with dmem. */
TEST_F(limit, not_delegated)
{
	char *leaf = new_cgroup(_metadata, cg_create, self->c, "leaf");
	int fd;

	ASSERT_EQ(0, set_pages(self, self->c, 3));
	fd = alloc_in(self, leaf, 3);
	ASSERT_LE(0, fd);
	expect_pages(_metadata, self, self->c, 3);
	EXPECT_EQ(-ENOENT, dmem_current(leaf, self->region));
	EXPECT_EQ(-ENOMEM, alloc_in(self, leaf, 1));
	close(fd);
	expect_pages(_metadata, self, self->c, 0);
	free(leaf);
}

TEST_HARNESS_MAIN
