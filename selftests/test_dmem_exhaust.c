// SPDX-License-Identifier: GPL-2.0
/*
 * The region itself runs out, in a cgroup without a limit: the errno is the
 * same as for the limit, the charge equals the memory handed out, nothing is
 * lost, and no user can fill the kernel log with it.
 *
 * There is no variant for the system heap: its region is all of RAM.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"

#define MAX_FDS	4096

FIXTURE(exhaust) {
	struct dmem_test t;
	char *a, *b;
	long long capacity;
	int fds[MAX_FDS];
	int n;
};

FIXTURE_SETUP(exhaust)
{
	struct rlimit lim = { MAX_FDS + 64, MAX_FDS + 64 };
	int ret = dmem_begin(&self->t, DMEM_CMA);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	if (cma_read(self->t.area, "available_pages") < 0) {
		dmem_end(&self->t);
		SKIP(return, "no CONFIG_CMA_SYSFS");
	}
	setrlimit(RLIMIT_NOFILE, &lim);
	self->capacity = dmem_read(self->t.root, "dmem.capacity",
				   self->t.heap.region);
	self->a = cg_name(self->t.cg, "a");
	self->b = cg_name(self->t.cg, "b");
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_create(self->b));
	EXPECT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(exhaust)
{
	dmem_end(&self->t);
}

/* Takes buffers of this size until it is refused; returns the errno. */
static int take_all(struct dmem_test *t, long long size, int *fds, int *n)
{
	int fd;

	while (*n < MAX_FDS) {
		fd = heap_alloc(t->heap_fd, size);
		if (fd < 0)
			return fd;
		fds[(*n)++] = fd;
	}
	return -EMFILE;
}

static long long next_smaller(long long size, long long page)
{
	if (size <= page)
		return 0;
	size = size / 8 / page * page;
	return size ? size : page;
}

static long long held(int *fds, int n)
{
	long long sum = 0;

	while (n--)
		sum += lseek(fds[n], 0, SEEK_END);
	return sum;
}

TEST_F_TIMEOUT(exhaust, pool, 60)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long avail, unaccounted, left, chunk, size;
	char words[DMEM_NAME_LEN + 16];
	int kmsg, i, twice;

	avail = cma_read(t->area, "available_pages");
	unaccounted = cma_read(t->area, "unaccounted_pages");
	chunk = self->capacity / 16 / t->page * t->page;
	kmsg = kmsg_open();

	/* Twice: pages lost in the first pass are missing in the second. */
	for (twice = 0; twice < 2; twice++) {
		/*
		 * Ever smaller sizes, so that neither alignment nor a page that
		 * is busy for a moment leaves much.
		 */
		for (size = chunk; size; size = next_smaller(size, t->page)) {
			EXPECT_EQ(-ENOMEM, take_all(t, size, self->fds,
						    &self->n));
			EXPECT_EQ(held(self->fds, self->n),
				  dmem_current(self->a, region));
			EXPECT_EQ(held(self->fds, self->n),
				  dmem_current(t->cg, region));
		}
		left = cma_read(t->area, "available_pages");
		EXPECT_GT(chunk / t->page, left);
		EXPECT_EQ(avail - left, held(self->fds, self->n) / t->page);
		EXPECT_EQ(unaccounted, cma_read(t->area, "unaccounted_pages"));

		/* Other cgroups find no room either, and are not charged. */
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd,
					      (left + 1) * t->page));
		ASSERT_EQ(0, cg_enter_current(self->b));
		for (i = 0; i < 100; i++)
			EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, chunk));
		EXPECT_EQ(0, dmem_current(self->b, region));
		EXPECT_EQ(held(self->fds, self->n),
			  dmem_current(self->a, region));
		ASSERT_EQ(0, cg_enter_current(self->a));

		while (self->n)
			close(self->fds[--self->n]);
		EXPECT_EQ(0, dmem_current(self->a, region));
		EXPECT_EQ(0, dmem_current(t->cg, region));
		EXPECT_EQ(avail, cma_read(t->area, "available_pages"));
		EXPECT_EQ(unaccounted, cma_read(t->area, "unaccounted_pages"));
	}
	snprintf(words, sizeof(words), "%s: alloc failed", t->area);
	if (kmsg >= 0)
		EXPECT_EQ(0, kmsg_count(kmsg, words));
	EXPECT_LE(0, kmsg)
		TH_LOG("cannot read /dev/kmsg");
}

/* The region is full and the limit is reached: the errno is the same. */
TEST_F_TIMEOUT(exhaust, pool_and_limit, 60)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long half = self->capacity / 2 / t->page * t->page;
	long long used;

	ASSERT_EQ(0, dmem_set_max(self->a, region, half));
	EXPECT_EQ(-ENOMEM, take_all(t, half / 8, self->fds, &self->n));
	used = dmem_current(self->a, region);
	EXPECT_EQ(held(self->fds, self->n), used);
	EXPECT_LE(used, half);

	/*
	 * b still gets the memory that a is refused; then the region is
	 * exhausted.
	 */
	ASSERT_EQ(0, cg_enter_current(self->b));
	EXPECT_EQ(-ENOMEM, take_all(t, half / 8, self->fds, &self->n));
	EXPECT_LT(0, dmem_current(self->b, region));
	EXPECT_EQ(held(self->fds, self->n),
		  used + dmem_current(self->b, region));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, half));
	ASSERT_EQ(0, cg_enter_current(self->a));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, half));
	EXPECT_EQ(used, dmem_current(self->a, region));
	while (self->n)
		close(self->fds[--self->n]);
	EXPECT_EQ(0, dmem_current(t->cg, region));
}

/*
 * A quarter of the region is in use, and all of it is requested: no limit and no
 * reservation is the reason, and the request is not in a peak. The root's peak, which
 * is the size that the region needs, never exceeds the capacity.
 */
TEST_F(exhaust, peak)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long quarter = self->capacity / 4 / t->page * t->page, peak, used;
	int i;

	EXPECT_GE(self->capacity, dmem_peak(t->root, region));
	for (used = 0; used < quarter; used += quarter / 8 / t->page * t->page) {
		self->fds[self->n] = heap_alloc(t->heap_fd, quarter / 8 / t->page * t->page);
		ASSERT_LE(0, self->fds[self->n]);
		self->n++;
	}
	EXPECT_EQ(used, dmem_peak(self->a, region));
	peak = dmem_peak(t->root, region);
	EXPECT_LE(used, peak);
	ASSERT_EQ(0, cg_enter_current(self->b));
	for (i = 0; i < 3; i++) {
		/* All of it, just too much, and far too much */
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, i == 0 ? self->capacity : i == 1 ?
					      self->capacity - used + t->page :
					      3 * self->capacity));
		EXPECT_EQ(i + 1, dmem_nested(self->b, "dmem.events", region, "exhausted"));
		EXPECT_EQ(0, dmem_peak(self->b, region));
		EXPECT_EQ(used, dmem_peak(t->cg, region));
		EXPECT_GE(self->capacity, dmem_peak(t->root, region));
		if (region_is_private(region))
			EXPECT_EQ(peak, dmem_peak(t->root, region));
	}
	EXPECT_EQ(0, dmem_nested(self->b, "dmem.events", region, "max"));
	ASSERT_EQ(0, cg_enter_current(self->a));
	while (self->n)
		close(self->fds[--self->n]);
	EXPECT_EQ(used, dmem_peak(t->cg, region));
}

/*
 * The region is unused, one page of it is reserved for b, and a requests a page more
 * than there is: without the reservation the answer would be the same.
 */
TEST_F(exhaust, beyond_the_region)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	char *top = strdup(t->cg);

	if (dmem_nested(t->root, "dmem.stat", region, "reserved") < 0)
		SKIP(goto out, "no reservations in dmem.stat");
	*strrchr(top, '/') = '\0';
	ASSERT_EQ(0, dmem_reserve_above(t, top, t->page));
	ASSERT_EQ(0, dmem_set(self->b, "dmem.min", region, t->page));
	EXPECT_EQ(t->page, dmem_nested(self->b, "dmem.stat", region, "reserved"));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, self->capacity + t->page));
	EXPECT_EQ(1, dmem_nested(self->a, "dmem.events", region, "exhausted"));
	EXPECT_EQ(0, dmem_nested(self->a, "dmem.events", region, "reserved"));
	EXPECT_EQ(0, dmem_nested(self->a, "dmem.events", region, "max"));
	EXPECT_EQ(0, dmem_peak(self->a, region));
	EXPECT_EQ(0, dmem_reserve_above(t, top, 0));
out:
	free(top);
}

TEST_HARNESS_MAIN
