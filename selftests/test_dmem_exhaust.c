// SPDX-License-Identifier: GPL-2.0
/*
 * The region itself runs out, in a cgroup without a limit: the errno is the
 * same as for the limit, the charge equals the memory handed out, nothing is
 * lost, and requests that the region cannot serve are in no peak.
 *
 * There is no variant for the system heap: its region is all of RAM.
 */
#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"

#define MAX_FDS	4096

struct pile {
	int fds[MAX_FDS];
	int n;
};

FIXTURE(exhaust) {
	struct dmem_test t;
	char *a, *b;
	long long capacity;
	bool private;	/* The figures of the area depend on the test only. */
	struct pile pile;
};

FIXTURE_SETUP(exhaust)
{
	struct rlimit lim = { MAX_FDS + 64, MAX_FDS + 64 };

	begin_or_skip(_metadata, &self->t, DMEM_CMA);
	setrlimit(RLIMIT_NOFILE, &lim);
	self->capacity = dmem_read(self->t.root, "dmem.capacity", self->t.heap.region);
	self->private = region_is_private(self->t.heap.region) &&
			cma_read(self->t.area, "available_pages") >= 0;
	self->a = new_cgroup(_metadata, cg_create, self->t.cg, "a");
	self->b = new_cgroup(_metadata, cg_create, self->t.cg, "b");
	EXPECT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(exhaust)
{
	dmem_end(&self->t);
}

/* Takes buffers of this size until it is refused; returns the errno. */
static int take_all(int heap_fd, long long size, struct pile *pile)
{
	int fd;

	while (pile->n < MAX_FDS) {
		fd = heap_alloc(heap_fd, size);
		if (fd < 0)
			return fd;
		pile->fds[pile->n++] = fd;
	}
	return -EMFILE;
}

static long long held(struct pile *pile)
{
	long long sum = 0;

	for (int i = 0; i < pile->n; i++)
		sum += lseek(pile->fds[i], 0, SEEK_END);
	return sum;
}

static void close_all(struct pile *pile)
{
	while (pile->n)
		close(pile->fds[--pile->n]);
}

/* A quarter of the region is in use; requests for more than the rest are in no peak. */
TEST_F(exhaust, peak)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long piece = self->capacity / 32 / t->page * t->page, used = 8 * piece;
	int i;

	for (i = 0; i < 8; i++) {
		self->pile.fds[i] = heap_alloc(t->heap_fd, piece);
		if (self->pile.fds[i] < 0 && !region_is_private(region))
			SKIP(return, "the area has other users");
		ASSERT_LE(0, self->pile.fds[i]);
		self->pile.n++;
	}
	EXPECT_EQ(used, dmem_peak(self->a, region));
	ASSERT_EQ(0, cg_enter_current(self->b));
	/* All of it, one page too much, and far too much */
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, self->capacity));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, self->capacity - used + t->page));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 3 * self->capacity));
	EXPECT_EQ(0, dmem_peak(self->b, region));
	EXPECT_EQ(used, dmem_peak(t->cg, region));
	ASSERT_EQ(0, cg_enter_current(self->a));
	close_all(&self->pile);
	EXPECT_EQ(used, dmem_peak(t->cg, region));
}

/* Twice: pages lost in the first pass are missing in the second. */
TEST_F_TIMEOUT(exhaust, pool, 60)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long avail = cma_read(t->area, "available_pages"), left, size;
	long long unaccounted = cma_read(t->area, "unaccounted_pages");
	int i, pass;

	for (pass = 0; pass < 2; pass++) {
		/* Neither alignment nor a page that is busy for a moment leaves much. */
		for (size = self->capacity / 16; size >= t->page; size /= 4) {
			EXPECT_EQ(-ENOMEM, take_all(t->heap_fd, size / t->page * t->page,
						    &self->pile));
			EXPECT_EQ(held(&self->pile), dmem_current(self->a, region));
			EXPECT_EQ(held(&self->pile), dmem_current(t->cg, region));
		}
		left = cma_read(t->area, "available_pages");
		size = self->capacity / 16;
		if (self->private) {
			EXPECT_EQ(avail - left, held(&self->pile) / t->page);
			EXPECT_EQ(unaccounted, cma_read(t->area, "unaccounted_pages"));
			EXPECT_GT(size / t->page, left);
			size = (left + 1) * t->page;
		}

		/* Other cgroups find no room either, and are not charged. */
		ASSERT_EQ(0, cg_enter_current(self->b));
		for (i = 0; i < 100; i++)
			EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, size));
		EXPECT_EQ(0, dmem_current(self->b, region));
		EXPECT_EQ(held(&self->pile), dmem_current(self->a, region));
		ASSERT_EQ(0, cg_enter_current(self->a));

		close_all(&self->pile);
		EXPECT_EQ(0, dmem_current(self->a, region));
		EXPECT_EQ(0, dmem_current(t->cg, region));
		if (self->private)
			EXPECT_EQ(avail, cma_read(t->area, "available_pages"));
	}
}

/* The region is full and the limit is reached: the errno is the same. */
TEST_F_TIMEOUT(exhaust, pool_and_limit, 60)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long half = self->capacity / 2 / t->page * t->page, used;

	ASSERT_EQ(0, dmem_set_max(self->a, region, half));
	EXPECT_EQ(-ENOMEM, take_all(t->heap_fd, half / 8, &self->pile));
	used = dmem_current(self->a, region);
	EXPECT_EQ(held(&self->pile), used);
	EXPECT_LE(used, half);

	/* b still gets the memory that a is refused; then the region is exhausted. */
	ASSERT_EQ(0, cg_enter_current(self->b));
	EXPECT_EQ(-ENOMEM, take_all(t->heap_fd, half / 8, &self->pile));
	EXPECT_LT(0, dmem_current(self->b, region));
	EXPECT_EQ(held(&self->pile), used + dmem_current(self->b, region));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, half));
	ASSERT_EQ(0, cg_enter_current(self->a));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, half));
	EXPECT_EQ(used, dmem_current(self->a, region));
	close_all(&self->pile);
	EXPECT_EQ(0, dmem_current(t->cg, region));
}

TEST_HARNESS_MAIN
