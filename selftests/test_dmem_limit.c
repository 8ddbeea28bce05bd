// SPDX-License-Identifier: GPL-2.0
/*
 * dmem.max of one cgroup: the exact boundary, and that a refusal changes
 * nothing. Counters are read while the buffers are held: a usage of zero at the
 * end proves nothing if nothing was charged.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"

#define PAGES	8

FIXTURE(limit) {
	struct dmem_test t;
	char *cg;
};

FIXTURE_VARIANT(limit) {
	enum dmem_kind kind;
};

FIXTURE_VARIANT_ADD(limit, cma) {
	.kind = DMEM_CMA,
};

FIXTURE_VARIANT_ADD(limit, system) {
	.kind = DMEM_SYSTEM,
};

FIXTURE_SETUP(limit)
{
	int ret = dmem_begin(&self->t, variant->kind);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	self->cg = cg_name(self->t.cg, "a");
	EXPECT_EQ(0, cg_create(self->cg));
	EXPECT_EQ(0, cg_enter_current(self->cg));
}

FIXTURE_TEARDOWN(limit)
{
	dmem_end(&self->t);
}

/* Asserts the cgroup's charge, in pages; its parent has no other child. */
static void expect_pages(struct __test_metadata *_metadata,
			 struct dmem_test *t, const char *cg, long long pages)
{
	EXPECT_EQ(pages * t->page, dmem_current(cg, t->heap.region));
	EXPECT_EQ(pages * t->page, dmem_current(t->cg, t->heap.region));
}

/* n pages, one at a time: n requests are granted, not n + 1. */
TEST_F(limit, exact_boundary)
{
	struct dmem_test *t = &self->t;
	int fd[PAGES], i;

	ASSERT_EQ(0, dmem_set_max(self->cg, t->heap.region, PAGES * t->page));
	for (i = 0; i < PAGES; i++) {
		fd[i] = heap_alloc(t->heap_fd, t->page);
		ASSERT_LE(0, fd[i]);
		expect_pages(_metadata, t, self->cg, i + 1);
	}
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, t->page));
	expect_pages(_metadata, t, self->cg, PAGES);

	/* One is freed, one more is granted. */
	close(fd[0]);
	expect_pages(_metadata, t, self->cg, PAGES - 1);
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 2 * t->page));
	fd[0] = heap_alloc(t->heap_fd, t->page);
	EXPECT_LE(0, fd[0]);
	expect_pages(_metadata, t, self->cg, PAGES);

	for (i = 0; i < PAGES; i++) {
		close(fd[i]);
		expect_pages(_metadata, t, self->cg, PAGES - 1 - i);
	}
	EXPECT_EQ(PAGES * t->page, dmem_peak(self->cg, t->heap.region));
}

/* The same with one buffer. */
TEST_F(limit, exact_buffer)
{
	struct dmem_test *t = &self->t;
	int fd;

	ASSERT_EQ(0, dmem_set_max(self->cg, t->heap.region, PAGES * t->page));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, (PAGES + 1) * t->page));
	expect_pages(_metadata, t, self->cg, 0);
	fd = heap_alloc(t->heap_fd, PAGES * t->page);
	ASSERT_LE(0, fd);
	expect_pages(_metadata, t, self->cg, PAGES);
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 1));
	close(fd);
	expect_pages(_metadata, t, self->cg, 0);
}

TEST_F(limit, one_page_short)
{
	struct dmem_test *t = &self->t;
	int fd;

	ASSERT_EQ(0, dmem_set_max(self->cg, t->heap.region,
				  (PAGES - 1) * t->page));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, PAGES * t->page));
	expect_pages(_metadata, t, self->cg, 0);
	EXPECT_EQ(0, dmem_peak(self->cg, t->heap.region));
	fd = heap_alloc(t->heap_fd, (PAGES - 1) * t->page);
	ASSERT_LE(0, fd);
	expect_pages(_metadata, t, self->cg, PAGES - 1);
	close(fd);
	expect_pages(_metadata, t, self->cg, 0);
}

TEST_F(limit, zero)
{
	struct dmem_test *t = &self->t;
	int fd;

	ASSERT_EQ(0, dmem_set_max(self->cg, t->heap.region, 0));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 1));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, t->page));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 1 << 20));
	expect_pages(_metadata, t, self->cg, 0);
	EXPECT_EQ(0, dmem_peak(self->cg, t->heap.region));

	/* The limit was the only reason. */
	ASSERT_EQ(0, dmem_set_max(self->cg, t->heap.region, DMEM_MAX));
	fd = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	expect_pages(_metadata, t, self->cg, 1);
	close(fd);
	expect_pages(_metadata, t, self->cg, 0);
}

/* A size that is no multiple of a page is charged as the pages it takes. */
TEST_F(limit, odd_sizes)
{
	struct dmem_test *t = &self->t;
	struct {
		long long len;
		int pages;
	} cases[] = {
		{ 1, 1 },
		{ t->page - 1, 1 },
		{ t->page, 1 },
		{ t->page + 1, 2 },
		{ 5 * t->page + 123, 6 },
		{ PAGES * t->page - 1, PAGES },
	};
	unsigned int i;
	int fd;

	ASSERT_EQ(0, dmem_set_max(self->cg, t->heap.region, PAGES * t->page));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fd = heap_alloc(t->heap_fd, cases[i].len);
		ASSERT_LE(0, fd);
		expect_pages(_metadata, t, self->cg, cases[i].pages);
		EXPECT_EQ(cases[i].pages * t->page, lseek(fd, 0, SEEK_END));
		close(fd);
		expect_pages(_metadata, t, self->cg, 0);
	}
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, PAGES * t->page + 1));
	expect_pages(_metadata, t, self->cg, 0);
}

/* A limit inside a page does not give that page. */
TEST_F(limit, odd_limit)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	int fd;

	EXPECT_EQ(-EBADMSG, dmem_set_max(self->cg, region, 2 * t->page - 1));
	EXPECT_EQ(t->page, dmem_read(self->cg, "dmem.max", region));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, t->page + 1));
	expect_pages(_metadata, t, self->cg, 0);
	fd = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	expect_pages(_metadata, t, self->cg, 1);
	close(fd);

	EXPECT_EQ(-EBADMSG, dmem_set_max(self->cg, region, t->page - 1));
	EXPECT_EQ(0, dmem_read(self->cg, "dmem.max", region));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 1));
	expect_pages(_metadata, t, self->cg, 0);
}

/*
 * A buffer far beyond the limit is refused before the first page is taken: had
 * the charge been made piece by piece, the peak would show it.
 */
TEST_F(limit, buffer_beyond_limit)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long size = 1 << 20;
	int fd;

	ASSERT_EQ(0, dmem_set_max(self->cg, region, size));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 2 * size));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 512LL << 20));
	expect_pages(_metadata, t, self->cg, 0);
	EXPECT_EQ(0, dmem_peak(self->cg, region));

	fd = heap_alloc(t->heap_fd, size);
	ASSERT_LE(0, fd);
	expect_pages(_metadata, t, self->cg, size / t->page);
	EXPECT_EQ(size, dmem_peak(self->cg, region));
	close(fd);
	expect_pages(_metadata, t, self->cg, 0);
}

/*
 * Larger than the region: refused before anything is charged, with a limit or not. By
 * one page only for CMA: RAM that the kernel frees after the boot is in no capacity.
 */
TEST_F(limit, buffer_beyond_region)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long size;

	size = dmem_read(t->root, "dmem.capacity", region);
	ASSERT_LT(0, size);
	ASSERT_EQ(0, dmem_set_max(self->cg, region, size));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, size + t->page));
	expect_pages(_metadata, t, self->cg, 0);
	EXPECT_EQ(0, dmem_peak(self->cg, region));

	/* No limit refuses it now. */
	ASSERT_EQ(0, dmem_set_max(self->cg, region, DMEM_MAX));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 3 * size));
	if (variant->kind == DMEM_CMA)
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, size + t->page));
	expect_pages(_metadata, t, self->cg, 0);
	EXPECT_EQ(0, dmem_peak(self->cg, region));
	EXPECT_EQ(0, dmem_peak(t->cg, region));
}

/* Lengths that no counter can hold; see also test_failure for bad arguments. */
TEST_F(limit, absurd_lengths)
{
	struct dmem_test *t = &self->t;
	static const int shifts[] = { 32, 40, 43, 44, 50, 52, 62, 63 };
	unsigned int i;
	int ret;

	ASSERT_EQ(0, dmem_set_max(self->cg, t->heap.region, 1 << 20));
	for (i = 0; i < ARRAY_SIZE(shifts); i++) {
		ret = heap_alloc_flags(t->heap_fd,
				       (1ULL << shifts[i]) + t->page,
				       O_RDWR | O_CLOEXEC, 0);
		EXPECT_EQ(-ENOMEM, ret)
			TH_LOG("length 1 << %d and a page", shifts[i]);
		expect_pages(_metadata, t, self->cg, 0);
	}
	EXPECT_EQ(0, dmem_peak(self->cg, t->heap.region));
}

/* A limit of 4 GiB and more is one, on 32-bit as well, and not 0. */
TEST_F(limit, beyond_32_bits)
{
	struct dmem_test *t = &self->t;
	int fd;

	ASSERT_EQ(0, dmem_set_max(self->cg, t->heap.region, 4LL << 30));
	fd = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	expect_pages(_metadata, t, self->cg, 1);
	close(fd);

	ASSERT_EQ(0, dmem_set_max(self->cg, t->heap.region, 6LL << 30));
	fd = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	expect_pages(_metadata, t, self->cg, 1);
	close(fd);
	expect_pages(_metadata, t, self->cg, 0);
}

/* Pages that any allocator but CMA has handed out since the boot, freed or not */
static long long pages_allocated(void)
{
	long long sum = 0, pages;
	char key[64];
	FILE *f;

	f = fopen("/proc/vmstat", "re");
	while (f && fscanf(f, "%63s %lld", key, &pages) == 2) {
		if (!strncmp(key, "pgalloc_", 8))
			sum += pages;
	}
	if (f)
		fclose(f);
	return sum;
}

/* A refused request does not take memory, not even for a moment. */
TEST_F(limit, refusal_takes_nothing)
{
	struct dmem_test *t = &self->t;
	long long ok = 0, fail = 0, all = (100 << 20) / t->page, took = all;
	int i, tries;

	if (t->area && cma_read(t->area, "available_pages") < 0)
		SKIP(return, "no CONFIG_CMA_SYSFS");
	ASSERT_EQ(0, dmem_set_max(self->cg, t->heap.region, 0));
	if (t->area) {
		ok = cma_read(t->area, "alloc_pages_success");
		fail = cma_read(t->area, "alloc_pages_fail");
	}
	/* Other processes allocate as well, but hardly half of it each time. */
	for (tries = 0; tries < 5 && took >= all / 2; tries++) {
		long long before = pages_allocated();

		for (i = 0; i < 100; i++)
			EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 1 << 20));
		took = pages_allocated() - before;
	}
	EXPECT_GT(all / 2, took)
		TH_LOG("%lld pages were allocated for requests of %lld", took, all);
	if (!t->area)
		return;
	EXPECT_EQ(ok, cma_read(t->area, "alloc_pages_success"));
	EXPECT_EQ(fail, cma_read(t->area, "alloc_pages_fail"));
}

TEST_HARNESS_MAIN
