// SPDX-License-Identifier: GPL-2.0
/*
 * dmem.min of memory that cannot be reclaimed: what is reserved and not used is
 * kept free, to the page, and nothing else is refused for it.
 *
 * For that all but WINDOW pages of the area are taken away first, and buffers
 * are single pages, so that nothing is ever in too many pieces.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "unaccounted.h"
#include "test_modules/dmem_dma_test.h"

#define WINDOW		32	/* pages */
#define BUSY_MS		2000
#define NO_ROOM		(-ENOSPC)	/* of alloc_in(): not refused */

/* Buffers of one page each */
struct pile {
	int fd[WINDOW + 8];
	int n;
};

/*
 * The test's own cgroup and what is above it reserve all there is, so that what
 * is below depends on nobody else.
 */
FIXTURE(reserve) {
	struct dmem_test t;
	const char *region;
	char *top, *outside;
	char *owner, *greedy, *slice, *a, *b;
	struct pile own, taken;
};

static long long stat_pages(const struct dmem_test *t, const char *cg,
			    const char *key)
{
	long long bytes = dmem_nested(cg, "dmem.stat", t->heap.region, key);

	return bytes < 0 ? bytes : bytes / t->page;
}

static long long current_pages(const struct dmem_test *t, const char *cg)
{
	long long bytes = dmem_current(cg, t->heap.region);

	return bytes < 0 ? bytes : bytes / t->page;
}

static long long event(const struct dmem_test *t, const char *cg,
		       const char *key)
{
	return dmem_nested(cg, "dmem.events.local", t->heap.region, key);
}

static int set_min(const struct dmem_test *t, const char *cg, int pages)
{
	return dmem_set(cg, "dmem.min", t->heap.region, pages * t->page);
}

static int set_max(const struct dmem_test *t, const char *cg, int pages)
{
	return dmem_set_max(cg, t->heap.region, pages * t->page);
}

/* For each level above the test's cgroups */
static int reserve_above(const struct dmem_test *t, const char *top,
			 long long bytes)
{
	int ret = dmem_set(top, "dmem.min", t->heap.region, bytes);

	return ret ? ret : dmem_set(t->cg, "dmem.min", t->heap.region, bytes);
}

/*
 * A buffer's fd; -ENOMEM if it was refused; NO_ROOM if it was not, but there is
 * no room. A page that is busy for a moment is waited for.
 */
static int alloc_in(const struct dmem_test *t, const char *cg, int pages)
{
	long long end = now_ms() + BUSY_MS, before;
	int fd;

	do {
		before = event(t, cg, "exhausted");
		fd = cg_alloc(cg, t->heap_fd, pages * t->page);
		if (fd != -ENOMEM || event(t, cg, "exhausted") == before)
			return fd;
	} while (cma_read(t->area, "available_pages") >= pages && now_ms() < end);
	return NO_ROOM;
}

/* Takes single pages, at most so many, until one is not given: see *ret. */
static int take(const struct dmem_test *t, const char *cg, struct pile *pile,
		int max, int *ret)
{
	int fd, n;

	for (n = 0; n < max && pile->n < (int)ARRAY_SIZE(pile->fd); n++) {
		fd = alloc_in(t, cg, 1);
		if (fd < 0) {
			*ret = fd;
			return n;
		}
		pile->fd[pile->n++] = fd;
	}
	*ret = 0;
	return n;
}

static void give_back(struct pile *pile, int n)
{
	while (n-- && pile->n)
		close(pile->fd[--pile->n]);
}

static void give_all(struct pile *pile)
{
	give_back(pile, pile->n);
}

/*
 * cg gets exactly so many pages more, and is then refused for a reservation.
 * Where no page is left, no reservation is the reason.
 */
#define EXPECT_TAKES(cg, pile, pages) do {				\
	long long _before = event(&self->t, cg, "reserved");		\
	int _ret, _refused;						\
									\
	EXPECT_EQ(pages, take(&self->t, cg, pile, WINDOW + 1, &_ret))	\
		TH_LOG("by %s", cg);					\
	_refused = cma_read(self->t.area, "available_pages") > 0;	\
	EXPECT_EQ(_refused ? -ENOMEM : NO_ROOM, _ret);			\
	EXPECT_EQ(_before + _refused, event(&self->t, cg, "reserved"))	\
		TH_LOG("by %s", cg);					\
} while (0)

/* cg gets so many pages and is not asked for more. */
#define EXPECT_GETS(cg, pile, pages) do {				\
	int _ret;							\
									\
	EXPECT_EQ(pages, take(&self->t, cg, pile, pages, &_ret))	\
		TH_LOG("by %s", cg);					\
} while (0)

#define EXPECT_STAT(cg, key, pages)					\
	EXPECT_EQ(pages, stat_pages(&self->t, cg, key))			\
		TH_LOG("%s of %s", key, cg)

FIXTURE_SETUP(reserve)
{
	struct dmem_test *t = &self->t;
	int ret = dmem_begin(t, DMEM_CMA);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", t->reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", t->reason);
	ret = 0;
	if (stat_pages(t, t->root, "reserved") < 0)
		ret = snprintf(t->reason, DMEM_NAME_LEN,
			       "no reservations in dmem.stat");
	else if (dmem_current(t->root, t->heap.region))
		ret = snprintf(t->reason, DMEM_NAME_LEN,
			       "others have buffers of the heap");
	else if (unaccounted_leave(t->area, WINDOW))
		ret = snprintf(t->reason, DMEM_NAME_LEN,
			       "cannot take the area's pages by /sys/kernel/debug/cma");
	if (ret) {
		unaccounted_return_all();
		dmem_end(t);
		SKIP(return, "%s", t->reason);
	}
	self->region = t->heap.region;
	self->top = strdup(t->cg);
	*strrchr(self->top, '/') = '\0';
	self->outside = cg_namef(t->root, "dmem_selftest_outside.", getpid());
	self->owner = cg_name(t->cg, "owner");
	self->greedy = cg_name(t->cg, "greedy");
	self->slice = cg_name(t->cg, "slice");
	self->a = cg_name(self->slice, "a");
	self->b = cg_name(self->slice, "b");
	EXPECT_EQ(0, cg_create(self->owner));
	EXPECT_EQ(0, cg_create(self->greedy));
	EXPECT_EQ(0, cg_create_parent(self->slice));
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_create(self->b));
	EXPECT_EQ(0, reserve_above(t, self->top, DMEM_MAX));
}

FIXTURE_TEARDOWN(reserve)
{
	give_all(&self->own);
	give_all(&self->taken);
	/* What the tests have used is nobody's any more. */
	EXPECT_EQ(0, dmem_current(self->t.root, self->region));
	EXPECT_EQ(0, reserve_above(&self->t, self->top, 0));
	if (!access(self->outside, F_OK))
		EXPECT_EQ(0, cg_destroy(self->outside));
	unaccounted_return_all();
	dmem_end(&self->t);
}

/* What the owner does not use is kept, and not a page more. */
TEST_F(reserve, to_the_page)
{
	ASSERT_EQ(0, set_min(&self->t, self->owner, 12));
	EXPECT_STAT(self->owner, "reserved", 12);
	EXPECT_STAT(self->owner, "committed", 12);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 12);
	/* Not even one of them, nor more, nor by another. */
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->greedy, 4));
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->b, 1));
	EXPECT_EQ(WINDOW - 12, current_pages(&self->t, self->greedy));
	EXPECT_EQ(12, cma_read(self->t.area, "available_pages"));

	/* All of it is there for the owner, at any time. */
	EXPECT_GETS(self->owner, &self->own, 12);
	EXPECT_EQ(0, cma_read(self->t.area, "available_pages"));
	give_back(&self->own, 5);
	EXPECT_TAKES(self->greedy, &self->taken, 0);
	EXPECT_GETS(self->owner, &self->own, 5);
	EXPECT_EQ(0, event(&self->t, self->owner, "reserved"));
	EXPECT_EQ(0, event(&self->t, self->owner, "exhausted"));

	/* What others return is for all. */
	give_back(&self->taken, 6);
	EXPECT_GETS(self->owner, &self->own, 4);
	EXPECT_STAT(self->owner, "committed", 16);
	EXPECT_GETS(self->greedy, &self->taken, 2);

	/* And what the owner had beyond his reservation goes back to all. */
	give_back(&self->own, 10);
	EXPECT_STAT(self->owner, "committed", 12);
	EXPECT_TAKES(self->greedy, &self->taken, 4);
}

/* The whole of a reservation in one buffer, where it fits */
TEST_F(reserve, one_buffer)
{
	int fd;

	ASSERT_EQ(0, set_min(&self->t, self->owner, 16));
	ASSERT_EQ(0, set_min(&self->t, self->slice, 8));
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 16 - 8);
	fd = alloc_in(&self->t, self->owner, 16);
	/* The pages may be in pieces. Refused it must not be. */
	EXPECT_TRUE(fd >= 0 || fd == NO_ROOM);
	EXPECT_EQ(0, event(&self->t, self->owner, "reserved"));
	if (fd >= 0)
		close(fd);
	/* One that is in part beyond the reservation is refused as a whole. */
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->owner, 17));
	EXPECT_EQ(1, event(&self->t, self->owner, "reserved"));
	EXPECT_EQ(0, current_pages(&self->t, self->owner));
}

/* Nobody is refused for a reservation that its owner uses. */
TEST_F(reserve, used_up)
{
	ASSERT_EQ(0, set_min(&self->t, self->owner, 12));
	EXPECT_GETS(self->owner, &self->own, 12);
	EXPECT_GETS(self->greedy, &self->taken, WINDOW - 12);
	EXPECT_EQ(NO_ROOM, alloc_in(&self->t, self->greedy, 1));
	EXPECT_EQ(NO_ROOM, alloc_in(&self->t, self->owner, 1));
	/* More than is left, of which some is reserved */
	give_back(&self->own, 2);
	EXPECT_EQ(NO_ROOM, alloc_in(&self->t, self->greedy, 3));
	EXPECT_EQ(0, event(&self->t, self->greedy, "reserved"));
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->greedy, 2));
	EXPECT_EQ(1, event(&self->t, self->greedy, "reserved"));
	EXPECT_EQ(2, event(&self->t, self->greedy, "exhausted"));
}

/* A refusal leaves no trace: not in the usage, and not in the peak. */
TEST_F(reserve, peak)
{
	ASSERT_EQ(0, set_min(&self->t, self->owner, WINDOW - 2));
	EXPECT_TAKES(self->b, &self->taken, 2);
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->b, 8));
	EXPECT_EQ(2 * self->t.page, dmem_peak(self->b, self->region));
	EXPECT_EQ(2 * self->t.page, dmem_peak(self->slice, self->region));
	EXPECT_EQ(2 * self->t.page, dmem_peak(self->t.cg, self->region));
	EXPECT_EQ(2, current_pages(&self->t, self->b));
	EXPECT_STAT(self->b, "committed", 2);
	EXPECT_STAT(self->b, "local", 2);
}

/* Counted where it was asked for, and above; nothing else is. */
TEST_F(reserve, events)
{
	static const char * const others[] = { "max", "alloc_fail", "exhausted" };
	char *cg[] = { self->b, self->slice, self->t.cg };
	long long before[ARRAY_SIZE(cg)];
	unsigned int i, j;

	ASSERT_EQ(0, set_min(&self->t, self->owner, WINDOW));
	for (i = 0; i < ARRAY_SIZE(cg); i++)
		before[i] = dmem_nested(cg[i], "dmem.events", self->region,
					"reserved");
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->b, 1 + i));
	for (i = 0; i < ARRAY_SIZE(cg); i++) {
		EXPECT_EQ(before[i] + 3, dmem_nested(cg[i], "dmem.events",
						     self->region, "reserved"))
			TH_LOG("in %s", cg[i]);
		EXPECT_EQ(i ? 0 : 3, event(&self->t, cg[i], "reserved"))
			TH_LOG("in %s", cg[i]);
		for (j = 0; j < ARRAY_SIZE(others); j++) {
			EXPECT_EQ(0, dmem_nested(cg[i], "dmem.events",
						 self->region, others[j]))
				TH_LOG("%s in %s", others[j], cg[i]);
		}
	}
	/* The owner has nothing to do with it. */
	EXPECT_EQ(0, event(&self->t, self->owner, "reserved"));
	EXPECT_EQ(0, event(&self->t, self->a, "reserved"));

	/* A limit is looked at first, and is no reservation. */
	ASSERT_EQ(0, set_max(&self->t, self->b, 2));
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->b, 3));
	EXPECT_EQ(3, event(&self->t, self->b, "reserved"));
	EXPECT_EQ(1, event(&self->t, self->b, "max"));
	EXPECT_EQ(1, event(&self->t, self->b, "alloc_fail"));
}

/* In a slice that reserved 16, a child has 8 of them, the rest is the slice's. */
TEST_F(reserve, nested)
{
	ASSERT_EQ(0, set_min(&self->t, self->slice, 16));
	ASSERT_EQ(0, set_min(&self->t, self->a, 8));
	EXPECT_STAT(self->slice, "reserved", 16);
	EXPECT_STAT(self->a, "reserved", 8);
	EXPECT_STAT(self->b, "reserved", 0);
	EXPECT_STAT(self->slice, "committed", 16);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 16);

	EXPECT_TAKES(self->b, &self->own, 8);
	EXPECT_STAT(self->slice, "committed", 16);
	EXPECT_GETS(self->a, &self->own, 8);
	EXPECT_STAT(self->slice, "committed", 16);
	EXPECT_EQ(0, cma_read(self->t.area, "available_pages"));
	EXPECT_EQ(0, event(&self->t, self->a, "reserved"));

	/* What the greedy one returns, b may have beyond the slice's part. */
	give_back(&self->taken, 3);
	EXPECT_GETS(self->b, &self->own, 3);
	EXPECT_STAT(self->slice, "committed", 19);
}

/* A child has no more than its parent has, and its parent nothing by itself. */
TEST_F(reserve, within_the_parent)
{
	ASSERT_EQ(0, set_min(&self->t, self->a, 16));
	EXPECT_STAT(self->a, "reserved", 0);
	EXPECT_GETS(self->greedy, &self->taken, WINDOW);
	give_all(&self->taken);

	ASSERT_EQ(0, set_min(&self->t, self->slice, 9));
	EXPECT_STAT(self->a, "reserved", 9);
	ASSERT_EQ(0, set_min(&self->t, self->b, 8));
	/* 16 * 9 / 24, 8 * 9 / 24 */
	EXPECT_STAT(self->a, "reserved", 6);
	EXPECT_STAT(self->b, "reserved", 3);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 9);
	EXPECT_TAKES(self->a, &self->own, 6);
	EXPECT_GETS(self->b, &self->own, 3);
	give_all(&self->own);

	ASSERT_EQ(0, set_min(&self->t, self->slice, 0));
	EXPECT_STAT(self->a, "reserved", 0);
	EXPECT_STAT(self->b, "reserved", 0);
	EXPECT_GETS(self->greedy, &self->taken, 9);
}

/* More is asked for than there is: each gets a part of his own. */
TEST_F(reserve, overcommit)
{
	ASSERT_EQ(0, set_min(&self->t, self->owner, WINDOW));
	ASSERT_EQ(0, set_min(&self->t, self->slice, WINDOW));
	EXPECT_STAT(self->owner, "reserved", WINDOW / 2);
	EXPECT_STAT(self->slice, "reserved", WINDOW / 2);
	EXPECT_TAKES(self->greedy, &self->taken, 0);
	EXPECT_TAKES(self->owner, &self->own, WINDOW / 2);
	EXPECT_TAKES(self->b, &self->own, WINDOW / 2);
	give_all(&self->own);

	/* Rounded down: of 7, 20 and 30 remain 3, 11 and 16; 2 are for all. */
	ASSERT_EQ(0, set_min(&self->t, self->owner, 7));
	ASSERT_EQ(0, set_min(&self->t, self->slice, 20));
	ASSERT_EQ(0, set_min(&self->t, self->greedy, 30));
	EXPECT_STAT(self->owner, "reserved", 3);
	EXPECT_STAT(self->slice, "reserved", 11);
	EXPECT_STAT(self->greedy, "reserved", 16);
	EXPECT_TAKES(self->owner, &self->own, 5);
	EXPECT_TAKES(self->b, &self->own, 11);
	EXPECT_GETS(self->greedy, &self->taken, 16);
	EXPECT_EQ(0, cma_read(self->t.area, "available_pages"));
	EXPECT_EQ(0, event(&self->t, self->greedy, "exhausted"));
}

/* dmem.max has the last word, whatever was reserved. */
TEST_F(reserve, min_and_max)
{
	long long capacity = dmem_read(self->t.root, "dmem.capacity", self->region);

	ASSERT_EQ(0, set_min(&self->t, self->owner, 20));
	ASSERT_EQ(0, set_max(&self->t, self->owner, 8));
	EXPECT_STAT(self->owner, "reserved", 8);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 8);
	EXPECT_GETS(self->owner, &self->own, 8);
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->owner, 1));
	EXPECT_EQ(1, event(&self->t, self->owner, "max"));
	EXPECT_EQ(0, event(&self->t, self->owner, "reserved"));
	give_back(&self->own, 2);

	/* Lowered below what is used, and raised again */
	ASSERT_EQ(0, set_max(&self->t, self->owner, 4));
	EXPECT_STAT(self->owner, "reserved", 4);
	EXPECT_STAT(self->owner, "committed", 6);
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->owner, 1));
	EXPECT_EQ(2, event(&self->t, self->owner, "max"));
	give_all(&self->own);
	ASSERT_EQ(0, dmem_set_max(self->owner, self->region, DMEM_MAX));
	EXPECT_STAT(self->owner, "reserved", 20);
	give_all(&self->taken);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 20);
	give_all(&self->taken);

	/* More than the region has, in words and in numbers */
	ASSERT_EQ(0, dmem_set(self->owner, "dmem.min", self->region, DMEM_MAX));
	EXPECT_STAT(self->owner, "reserved", WINDOW);
	ASSERT_EQ(0, dmem_set(self->owner, "dmem.min", self->region, 3 * capacity));
	EXPECT_STAT(self->owner, "reserved", WINDOW);
	EXPECT_TAKES(self->greedy, &self->taken, 0);
	EXPECT_GETS(self->owner, &self->own, WINDOW);
	give_all(&self->own);

	/* No reservation with a limit of nothing */
	ASSERT_EQ(0, set_max(&self->t, self->owner, 0));
	EXPECT_STAT(self->owner, "reserved", 0);
	EXPECT_GETS(self->greedy, &self->taken, WINDOW);
}

TEST_F(reserve, low_has_no_effect)
{
	ASSERT_EQ(0, reserve_above(&self->t, self->top, 0));
	ASSERT_EQ(0, dmem_set(self->owner, "dmem.low", self->region, DMEM_MAX));
	EXPECT_STAT(self->owner, "reserved", 0);
	EXPECT_STAT(self->owner, "committed", 0);
	EXPECT_GETS(self->greedy, &self->taken, WINDOW);
	EXPECT_EQ(0, event(&self->t, self->greedy, "reserved"));
}

/* Half a page is no page: a reservation is rounded down, like a limit. */
TEST_F(reserve, parts_of_a_page)
{
	EXPECT_EQ(-EBADMSG, dmem_set(self->owner, "dmem.min", self->region,
				     8 * self->t.page - 1));
	EXPECT_STAT(self->owner, "reserved", 7);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 7);
}

/*
 * A limit can be eaten up like the region: of a slice that may have 24, and in
 * which the camera has reserved 16, its neighbour gets 8.
 */
TEST_F(reserve, inner_limit)
{
	ASSERT_EQ(0, set_min(&self->t, self->slice, 16));
	ASSERT_EQ(0, set_max(&self->t, self->slice, 24));
	ASSERT_EQ(0, set_min(&self->t, self->a, 16));
	EXPECT_TAKES(self->b, &self->taken, 8);
	EXPECT_EQ(8, current_pages(&self->t, self->slice));
	/* It is no limit that was hit. */
	EXPECT_EQ(0, event(&self->t, self->b, "alloc_fail"));
	EXPECT_EQ(0, event(&self->t, self->slice, "max"));
	/* Elsewhere there is more than enough. */
	EXPECT_GETS(self->greedy, &self->own, 4);
	give_all(&self->own);
	EXPECT_GETS(self->a, &self->own, 16);
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->a, 1));
	EXPECT_EQ(0, event(&self->t, self->a, "reserved"));
	EXPECT_EQ(1, event(&self->t, self->slice, "max"));
}

/* Pages that nobody is charged for are used as any others. */
TEST_F(reserve, unaccounted)
{
	ASSERT_EQ(0, reserve_above(&self->t, self->top, 12 * self->t.page));
	ASSERT_EQ(0, set_min(&self->t, self->owner, 12));
	ASSERT_EQ(0, unaccounted_take(self->t.area, 6));
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 12 - 6);
	ASSERT_EQ(0, unaccounted_return(2));
	EXPECT_TAKES(self->greedy, &self->taken, 2);
	EXPECT_GETS(self->owner, &self->own, 12);
	give_all(&self->own);

	/* The kernel is not asked, and may break into what is reserved. */
	ASSERT_EQ(0, unaccounted_take(self->t.area, 8));
	EXPECT_STAT(self->owner, "reserved", 12);
	EXPECT_GETS(self->owner, &self->own, 4);
	EXPECT_EQ(NO_ROOM, alloc_in(&self->t, self->owner, 1));
	EXPECT_EQ(0, event(&self->t, self->owner, "reserved"));
	ASSERT_EQ(0, unaccounted_return(8));
	EXPECT_GETS(self->owner, &self->own, 8);
	EXPECT_TAKES(self->greedy, &self->taken, 0);
	ASSERT_EQ(0, unaccounted_return(4));
	EXPECT_TAKES(self->greedy, &self->taken, 4);
}

/* Reserved when others have too much already: they keep it, and get no more. */
TEST_F(reserve, too_late)
{
	EXPECT_GETS(self->greedy, &self->taken, WINDOW - 4);
	ASSERT_EQ(0, set_min(&self->t, self->owner, 16));
	EXPECT_EQ(WINDOW - 4, current_pages(&self->t, self->greedy));
	EXPECT_STAT(self->owner, "reserved", 16);
	/* That is how it is noticed: more than the WINDOW that is there. */
	EXPECT_STAT(self->t.root, "committed", WINDOW - 4 + 16);
	EXPECT_TAKES(self->greedy, &self->taken, 0);
	EXPECT_TAKES(self->b, &self->taken, 0);

	/* The owner is not refused, and gets what is there. */
	EXPECT_GETS(self->owner, &self->own, 4);
	EXPECT_EQ(NO_ROOM, alloc_in(&self->t, self->owner, 1));
	EXPECT_EQ(0, event(&self->t, self->owner, "reserved"));
	EXPECT_STAT(self->t.root, "committed", WINDOW - 4 + 16);

	/* Whatever comes back is his, until he has it all. */
	while (self->own.n < 16) {
		give_back(&self->taken, 1);
		EXPECT_TAKES(self->greedy, &self->taken, 0);
		EXPECT_TAKES(self->b, &self->taken, 0);
		EXPECT_GETS(self->owner, &self->own, 1);
		if (_metadata->exit_code)
			break;
	}
	EXPECT_STAT(self->t.root, "committed", WINDOW);
	give_back(&self->taken, 1);
	EXPECT_TAKES(self->greedy, &self->taken, 1);
}

/* A write holds at once, in both directions. */
TEST_F(reserve, changed)
{
	int min;

	for (min = WINDOW; min >= 0; min -= 4) {
		ASSERT_EQ(0, set_min(&self->t, self->owner, min));
		if (min)
			EXPECT_TAKES(self->greedy, &self->taken,
				     min == WINDOW ? 0 : 4);
	}
	EXPECT_GETS(self->greedy, &self->taken, 4);
	for (min = 0; min <= WINDOW; min += 4) {
		ASSERT_EQ(0, set_min(&self->t, self->owner, min));
		EXPECT_STAT(self->owner, "reserved", min);
		EXPECT_STAT(self->t.cg, "committed", WINDOW);
		EXPECT_TAKES(self->greedy, &self->taken, 0);
		give_back(&self->taken, 4);
	}
}

/* It ends when the cgroup is gone. Buffers that are not count as used. */
TEST_F(reserve, removed)
{
	ASSERT_EQ(0, set_min(&self->t, self->owner, 16));
	EXPECT_GETS(self->owner, &self->own, 4);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 16);
	ASSERT_EQ(0, cg_destroy(self->owner));
	EXPECT_STAT(self->t.cg, "dying", 4);
	EXPECT_TAKES(self->greedy, &self->taken, 12);

	/* One of the same name has reserved nothing. */
	ASSERT_EQ(0, cg_create(self->owner));
	EXPECT_STAT(self->owner, "reserved", 0);
	give_all(&self->own);
	EXPECT_TAKES(self->greedy, &self->taken, 4);
	give_back(&self->taken, 2);
	EXPECT_GETS(self->owner, &self->own, 2);
}

/* Without the controller a cgroup has no reservation, nor have those below. */
TEST_F(reserve, disabled)
{
	ASSERT_EQ(0, set_min(&self->t, self->slice, 16));
	ASSERT_EQ(0, set_min(&self->t, self->a, 12));
	EXPECT_GETS(self->a, &self->own, 2);
	EXPECT_TAKES(self->b, &self->taken, WINDOW - 12);
	give_all(&self->taken);

	ASSERT_EQ(0, cg_write(self->slice, "cgroup.subtree_control", "-dmem"));
	EXPECT_STAT(self->slice, "committed", 16);
	EXPECT_STAT(self->slice, "dying", 2);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 16);
	ASSERT_EQ(0, cg_write(self->slice, "cgroup.subtree_control", "+dmem"));
	EXPECT_STAT(self->a, "reserved", 0);
	EXPECT_TAKES(self->b, &self->taken, 14);
	give_all(&self->taken);
	give_all(&self->own);

	/* Last of all the slice itself, and what it had from the test's cgroup */
	ASSERT_EQ(0, cg_destroy(self->a));
	ASSERT_EQ(0, cg_destroy(self->b));
	ASSERT_EQ(0, cg_destroy(self->slice));
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW);
}

/* Everybody's request is asked for, at any place in the tree. */
TEST_F(reserve, outside)
{
	ASSERT_EQ(0, reserve_above(&self->t, self->top, 16 * self->t.page));
	ASSERT_EQ(0, set_min(&self->t, self->owner, 8));
	ASSERT_EQ(0, cg_create(self->outside));
	EXPECT_TAKES(self->outside, &self->taken, WINDOW - 16);
	/* In the root itself, which has no events */
	EXPECT_EQ(-ENOMEM, cg_alloc(self->t.root, self->t.heap_fd, self->t.page));
	give_back(&self->taken, 1);
	self->taken.fd[self->taken.n] = cg_alloc(self->t.root, self->t.heap_fd,
						 self->t.page);
	EXPECT_LE(0, self->taken.fd[self->taken.n]);
	if (self->taken.fd[self->taken.n] >= 0)
		self->taken.n++;
	EXPECT_STAT(self->t.root, "committed", WINDOW);
	EXPECT_TAKES(self->greedy, &self->own, 8);
	EXPECT_GETS(self->owner, &self->own, 8);
	EXPECT_EQ(0, cma_read(self->t.area, "available_pages"));
}

/* Without any reservation there is nothing to see. */
TEST_F(reserve, none)
{
	ASSERT_EQ(0, set_min(&self->t, self->owner, 8));
	EXPECT_GETS(self->greedy, &self->taken, 3);
	EXPECT_GETS(self->owner, &self->own, 2);
	ASSERT_EQ(0, reserve_above(&self->t, self->top, 0));
	ASSERT_EQ(0, set_min(&self->t, self->owner, 0));
	EXPECT_STAT(self->t.root, "committed", 5);
	EXPECT_STAT(self->t.cg, "committed", 5);
	EXPECT_STAT(self->owner, "committed", 2);
	EXPECT_STAT(self->greedy, "committed", 3);
	EXPECT_STAT(self->slice, "committed", 0);
	EXPECT_GETS(self->greedy, &self->taken, WINDOW - 5);
	EXPECT_EQ(NO_ROOM, alloc_in(&self->t, self->greedy, 1));
	EXPECT_EQ(0, event(&self->t, self->greedy, "reserved"));

	/* The first one counts what all have by then. */
	give_back(&self->taken, 10);
	ASSERT_EQ(0, reserve_above(&self->t, self->top, DMEM_MAX));
	EXPECT_STAT(self->t.cg, "committed", WINDOW);
	EXPECT_STAT(self->greedy, "committed", WINDOW - 12);
	EXPECT_STAT(self->owner, "committed", 2);
	ASSERT_EQ(0, set_min(&self->t, self->owner, 8));
	EXPECT_TAKES(self->greedy, &self->taken, 4);
	EXPECT_GETS(self->owner, &self->own, 6);
}

/* dmem:dmem_refuse names the cgroup whose bound it was. */
TEST_F(reserve, tracepoint)
{
	char *dir = trace_dir(), *event_dir = cg_name(dir, "events/dmem/dmem_refuse");
	char *path = cg_name(dir, "trace"), line[512], want[2][256];
	int found[2] = {};
	FILE *f;

	if (cg_write(event_dir, "enable", "1"))
		SKIP(goto out, "cannot trace dmem:dmem_refuse");
	cg_write(dir, "trace", "\n");
	ASSERT_EQ(0, set_min(&self->t, self->slice, 16));
	ASSERT_EQ(0, set_max(&self->t, self->slice, 24));
	ASSERT_EQ(0, set_min(&self->t, self->a, 16));
	EXPECT_TAKES(self->b, &self->taken, 8);
	ASSERT_EQ(0, set_min(&self->t, self->owner, 8));
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->greedy, 3));
	cg_write(event_dir, "enable", "0");

	snprintf(want[0], sizeof(want[0]),
		 "dmem_refuse: region=%s bytes=%lld cgroup=%llu limit=%llu\n",
		 self->region, self->t.page, (unsigned long long)cg_id(self->b),
		 (unsigned long long)cg_id(self->slice));
	snprintf(want[1], sizeof(want[1]),
		 "dmem_refuse: region=%s bytes=%lld cgroup=%llu limit=%llu\n",
		 self->region, 3 * self->t.page,
		 (unsigned long long)cg_id(self->greedy),
		 (unsigned long long)cg_id(self->t.root));
	f = fopen(path, "r");
	ASSERT_TRUE(!!f);
	while (fgets(line, sizeof(line), f)) {
		unsigned int i;

		for (i = 0; i < ARRAY_SIZE(want); i++)
			found[i] += !!strstr(line, want[i]);
	}
	fclose(f);
	if (cg_id(self->b)) {
		EXPECT_EQ(1, found[0])
			TH_LOG("no %s", want[0]);
		EXPECT_EQ(1, found[1])
			TH_LOG("no %s", want[1]);
	}
out:
	free(path);
	free(event_dir);
	free(dir);
}

/*
 * Many at once. Whoever has no reservation takes what he can, on all CPUs: in a
 * cgroup beside the owner, in a slice, and outside. The owner comes and goes.
 */
#define GROUPS		3
#define MAX_THREADS	8
#define HELD		12	/* pages of a thread */
#define OWNED		10
#define HAMMER_MS	5000

struct shared {
	atomic_int stop, ready;
	atomic_int failures;
	atomic_llong granted, refused;
};

struct hammer {
	struct shared *s;
	const struct dmem_test *t;
	int index;
};

static void *hammer(void *arg)
{
	struct hammer *h = arg;
	unsigned int seed = 1 + h->index;
	int fd[HELD], n = 0;

	cpu_pin(h->index);
	h->s->ready++;
	while (!h->s->stop) {
		int i = rand_r(&seed) % HELD;

		if (i < n) {
			close(fd[i]);
			fd[i] = fd[--n];
			continue;
		}
		fd[n] = heap_alloc(h->t->heap_fd, h->t->page);
		if (fd[n] >= 0) {
			n++;
			h->s->granted++;
		} else {
			h->s->refused++;
			if (fd[n] != -ENOMEM)
				h->s->failures++;
		}
	}
	while (n)
		close(fd[--n]);
	return NULL;
}

static pid_t start_hammer(struct shared *s, const struct dmem_test *t,
			  const char *cg, int index)
{
	int threads = t->cpus < 2 ? 2 : t->cpus > MAX_THREADS ? MAX_THREADS : t->cpus;
	struct hammer h[MAX_THREADS];
	pid_t pid = cg_fork(cg);
	int i;

	if (pid)
		return pid;
	for (i = 0; i < threads; i++) {
		h[i].s = s;
		h[i].t = t;
		h[i].index = index * MAX_THREADS + i;
	}
	run_threads(threads, hammer, h, sizeof(h[0]));
	_exit(0);
}

/* By the owner, who runs here. All he waits for is a page that is busy. */
static void take_own(struct __test_metadata *_metadata,
		     const struct dmem_test *t, const char *owner,
		     struct pile *pile, int *busy)
{
	long long before = event(t, owner, "exhausted"), end = now_ms() + BUSY_MS;
	int fd;

	for (;;) {
		fd = heap_alloc(t->heap_fd, t->page);
		if (fd >= 0) {
			pile->fd[pile->n++] = fd;
			return;
		}
		EXPECT_EQ(-ENOMEM, fd);
		EXPECT_EQ(before + 1, event(t, owner, "exhausted"))
			TH_LOG("refused, with %d pages of its own", pile->n);
		EXPECT_GT(end, now_ms())
			TH_LOG("no page is free, with %d of its own", pile->n);
		if (_metadata->exit_code)
			return;
		before++;
		(*busy)++;
	}
}

TEST_F_TIMEOUT(reserve, among_the_greedy, 60)
{
	struct dmem_test *t = &self->t;
	struct shared *s = shared_alloc(sizeof(*s));
	const char *cg[GROUPS] = { self->greedy, self->b, self->outside };
	int rounds = 0, above = 0, full = 0, busy = 0, i;
	long long end;
	pid_t pid[GROUPS];

	ASSERT_EQ(0, cg_create(self->outside));
	/* Part of the window is for those outside. */
	ASSERT_EQ(0, reserve_above(t, self->top, (WINDOW - 8) * t->page));
	ASSERT_EQ(0, set_min(t, self->owner, OWNED));
	for (i = 0; i < GROUPS; i++) {
		pid[i] = start_hammer(s, t, cg[i], i);
		ASSERT_LE(0, pid[i]);
	}
	while (s->ready < GROUPS)
		sleep_ms(1);

	ASSERT_EQ(0, cg_enter(self->owner));
	end = now_ms() + HAMMER_MS;
	while (now_ms() < end && !_metadata->exit_code) {
		while (self->own.n < OWNED && !_metadata->exit_code)
			take_own(_metadata, t, self->owner, &self->own, &busy);
		EXPECT_EQ(0, event(t, self->owner, "reserved"));
		EXPECT_EQ(OWNED, current_pages(t, self->owner));
		full += cma_read(t->area, "available_pages") < 2;
		give_all(&self->own);
		/* What is promised is there: never more than the window. */
		above += stat_pages(t, t->root, "committed") > WINDOW;
		rounds++;
	}
	EXPECT_EQ(0, above);
	s->stop = 1;
	for (i = 0; i < GROUPS; i++)
		EXPECT_EQ(0, wait_exit(pid[i]));
	EXPECT_EQ(0, s->failures);
	EXPECT_EQ(0, event(t, self->owner, "alloc_fail"));
	for (i = 0; i < GROUPS; i++) {
		EXPECT_EQ(0, current_pages(t, cg[i]));
		EXPECT_LT(0, event(t, cg[i], "reserved"))
			TH_LOG("%s was never refused", cg[i]);
	}
	/* It was a race, and the area was full most of the time. */
	EXPECT_LT(1, rounds);
	EXPECT_LE(rounds / 4, full);
	EXPECT_STAT(t->root, "committed", WINDOW - 8);
	EXPECT_STAT(self->owner, "committed", OWNED);
	TH_LOG("%d rounds, %d of them in a full area, %lld pages granted to others, %lld refused, %d busy",
	       rounds, full, (long long)s->granted, (long long)s->refused, busy);
}

/*
 * Reservations come and go while all others charge and uncharge: also the first
 * and the last of them, and those of cgroups that go.
 */
TEST_F_TIMEOUT(reserve, changed_among_the_greedy, 60)
{
	struct dmem_test *t = &self->t;
	struct shared *s = shared_alloc(sizeof(*s));
	const char *cg[GROUPS] = { self->greedy, self->b, self->outside };
	char *brief = cg_name(t->cg, "brief");
	unsigned int seed = 1;
	pid_t pid[GROUPS];
	int rounds = 0, i;
	long long end;

	ASSERT_EQ(0, cg_create(self->outside));
	for (i = 0; i < GROUPS; i++) {
		pid[i] = start_hammer(s, t, cg[i], i);
		ASSERT_LE(0, pid[i]);
	}
	while (s->ready < GROUPS)
		sleep_ms(1);

	end = now_ms() + HAMMER_MS;
	while (now_ms() < end && !_metadata->exit_code) {
		int some = 1 + rand_r(&seed) % WINDOW;

		ASSERT_EQ(0, reserve_above(t, self->top, DMEM_MAX));
		ASSERT_EQ(0, set_min(t, self->owner, some));
		ASSERT_EQ(0, set_min(t, self->slice, some));
		ASSERT_EQ(0, set_min(t, self->b, some / 2));
		ASSERT_EQ(0, cg_create(brief));
		ASSERT_EQ(0, set_min(t, brief, some));
		if (rounds & 1)
			ASSERT_EQ(0, cg_destroy(brief));
		ASSERT_EQ(0, set_max(t, self->greedy, some));
		ASSERT_EQ(0, dmem_set_max(self->greedy, self->region, DMEM_MAX));
		/* Down to none at all, and in every other round by rmdir. */
		ASSERT_EQ(0, set_min(t, self->owner, 0));
		ASSERT_EQ(0, set_min(t, self->b, 0));
		ASSERT_EQ(0, set_min(t, self->slice, 0));
		ASSERT_EQ(0, reserve_above(t, self->top, 0));
		if (!(rounds & 1))
			ASSERT_EQ(0, cg_destroy(brief));
		rounds++;
	}
	/* They stand still, and what they have is what is committed. */
	for (i = 0; i < GROUPS; i++)
		EXPECT_EQ(0, kill(pid[i], SIGSTOP));
	for (i = 0; i < GROUPS; i++)
		EXPECT_EQ(pid[i], waitpid(pid[i], NULL, WUNTRACED));
	EXPECT_EQ(current_pages(t, t->root), stat_pages(t, t->root, "committed"));
	ASSERT_EQ(0, reserve_above(t, self->top, t->page));
	for (i = 0; i < GROUPS; i++) {
		EXPECT_EQ(current_pages(t, cg[i]), stat_pages(t, cg[i], "local"));
		EXPECT_EQ(current_pages(t, cg[i]), stat_pages(t, cg[i], "committed"));
	}
	for (i = 0; i < GROUPS; i++)
		EXPECT_EQ(0, kill(pid[i], SIGCONT));
	s->stop = 1;
	for (i = 0; i < GROUPS; i++)
		EXPECT_EQ(0, wait_exit(pid[i]));
	EXPECT_EQ(0, s->failures);
	EXPECT_STAT(t->root, "committed", 1);
	ASSERT_EQ(0, set_min(t, self->owner, 4));
	EXPECT_STAT(self->owner, "committed", 1);
	EXPECT_STAT(t->cg, "committed", 1);
	ASSERT_EQ(0, reserve_above(t, self->top, DMEM_MAX));
	EXPECT_STAT(t->root, "committed", WINDOW);
	EXPECT_STAT(self->owner, "committed", 4);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 4);
	EXPECT_LT(3, rounds);
	TH_LOG("%d rounds, %lld pages granted, %lld refused", rounds,
	       (long long)s->granted, (long long)s->refused);
	free(brief);
}

/* The system heap has nothing set aside that could be kept free. */
FIXTURE(reserve_system) {
	struct dmem_test t;
};

FIXTURE_SETUP(reserve_system)
{
	int ret = dmem_begin(&self->t, DMEM_SYSTEM);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
}

FIXTURE_TEARDOWN(reserve_system)
{
	dmem_end(&self->t);
}

TEST_F(reserve_system, no_effect)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	char *owner = cg_name(t->cg, "owner"), *other = cg_name(t->cg, "other");
	char *top = strdup(t->cg);
	int fd;

	*strrchr(top, '/') = '\0';
	ASSERT_EQ(0, cg_create(owner));
	ASSERT_EQ(0, cg_create(other));
	ASSERT_EQ(0, reserve_above(t, top, DMEM_MAX));
	ASSERT_EQ(0, dmem_set(owner, "dmem.min", region, DMEM_MAX));
	fd = cg_alloc(other, t->heap_fd, 16 * t->page);
	EXPECT_LE(0, fd);
	EXPECT_EQ(16 * t->page, dmem_current(other, region));
	EXPECT_LE(0, dmem_nested(owner, "dmem.stat", region, "local"));
	EXPECT_EQ(-ENODATA, dmem_nested(owner, "dmem.stat", region, "reserved"));
	EXPECT_EQ(-ENODATA, dmem_nested(owner, "dmem.stat", region, "committed"));
	EXPECT_GE(0, dmem_nested(other, "dmem.events", region, "reserved"));
	close(fd);
	EXPECT_EQ(0, dmem_current(other, region));
	reserve_above(t, top, 0);
	free(owner);
	free(other);
	free(top);
}

/*
 * A driver's buffer: what is refused for a reservation is not taken from the
 * page allocator either.
 */
#define MODULE	"dmem_dma_test"
#define DEV	"/dev/" DMEM_DMA_TEST_DEV
#define PAGES	16
#define MAX_FDS	4096

FIXTURE(reserve_driver) {
	struct dmem_test t;
	char region[DMEM_NAME_LEN];	/* of the default area */
	char *top, *owner, *a;
	int dev;
	bool loaded;
};

FIXTURE_VARIANT(reserve_driver) {
	int method;
};

FIXTURE_VARIANT_ADD(reserve_driver, coherent) {
	.method = DMEM_DMA_COHERENT,
};

FIXTURE_VARIANT_ADD(reserve_driver, no_mapping) {
	.method = DMEM_DMA_NO_MAPPING,
};

FIXTURE_VARIANT_ADD(reserve_driver, pages) {
	.method = DMEM_DMA_PAGES,
};

FIXTURE_VARIANT_ADD(reserve_driver, noncontiguous) {
	.method = DMEM_DMA_NONCONTIGUOUS,
};

static bool load_module(void)
{
	static const char * const subdirs[] = { "test_modules/", "" };
	char *dir = exe_dir();
	int fd, ret = -1, wait;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(subdirs) && ret; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s" MODULE ".ko", dir,
			 subdirs[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		ret = syscall(__NR_finit_module, fd, "", 0);
		close(fd);
	}
	free(dir);
	/* udev may take its time */
	for (wait = 0; !ret && wait < 100 && access(DEV, F_OK); wait++)
		sleep_ms(20);
	return !ret;
}

static bool find_default(char *region)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	int i, n = heap_list(heaps, DMEM_HEAPS);

	for (i = 0; i < n; i++) {
		if (strcmp(heaps[i].name, "default_cma_region") ||
		    !region_area(heaps[i].region))
			continue;
		memcpy(region, heaps[i].region, DMEM_NAME_LEN);
		return true;
	}
	return false;
}

FIXTURE_SETUP(reserve_driver)
{
	struct dmem_test *t = &self->t;
	int ret = dmem_begin(t, DMEM_NO_HEAP);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", t->reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", t->reason);
	if (!find_default(self->region) ||
	    dmem_nested(t->root, "dmem.stat", self->region, "reserved") < 0) {
		dmem_end(t);
		SKIP(return, "no reservations in the default CMA area");
	}
	if (access(DEV, F_OK))
		self->loaded = load_module();
	self->dev = open(DEV, O_RDWR | O_CLOEXEC);
	if (self->dev < 0) {
		dmem_end(t);
		SKIP(return, "cannot load " MODULE ".ko");
	}
	self->top = strdup(t->cg);
	*strrchr(self->top, '/') = '\0';
	self->owner = cg_name(t->cg, "owner");
	self->a = cg_name(t->cg, "a");
	EXPECT_EQ(0, cg_create(self->owner));
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_enter(self->a));
}

FIXTURE_TEARDOWN(reserve_driver)
{
	close(self->dev);
	if (self->loaded)
		syscall(__NR_delete_module, MODULE, O_NONBLOCK);
	dmem_set(self->top, "dmem.min", self->region, 0);
	dmem_end(&self->t);
}

static int driver_alloc(int dev, int method, long long len, int flags)
{
	struct dmem_dma_alloc req = {
		.len = len,
		.method = method,
		.flags = flags,
	};

	return ioctl(dev, DMEM_DMA_ALLOC, &req) ? -errno : (int)req.id;
}

static int driver_free(int dev, int id)
{
	__u32 arg = id;

	return ioctl(dev, DMEM_DMA_FREE, &arg) ? -errno : 0;
}

static long long driver_pages(int dev)
{
	struct dmem_dma_stat stat;

	return ioctl(dev, DMEM_DMA_STAT, &stat) ? -errno : (long long)stat.pages;
}

TEST_F(reserve_driver, no_fallback)
{
	struct dmem_test *t = &self->t;
	long long len = PAGES * t->page;
	int i, id;

	ASSERT_EQ(0, dmem_set(self->top, "dmem.min", self->region, DMEM_MAX));
	ASSERT_EQ(0, dmem_set(t->cg, "dmem.min", self->region, DMEM_MAX));
	ASSERT_EQ(0, dmem_set(self->owner, "dmem.min", self->region, DMEM_MAX));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(-ENOMEM, driver_alloc(self->dev, variant->method, len,
						DMEM_DMA_ACCOUNT));
	EXPECT_EQ(0, driver_pages(self->dev));
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	EXPECT_EQ(8, dmem_nested(self->a, "dmem.events", self->region, "reserved"));
	EXPECT_EQ(0, dmem_nested(self->a, "dmem.events", self->region, "max"));
	EXPECT_EQ(0, dmem_nested(self->a, "dmem.events", self->region, "exhausted"));

	/* What the driver takes for itself is not asked for. */
	id = driver_alloc(self->dev, variant->method, len, 0);
	EXPECT_LT(0, id);
	EXPECT_EQ(0, driver_free(self->dev, id));

	/* The owner gets his, and others too when it is not reserved. */
	ASSERT_EQ(0, cg_enter(self->owner));
	id = driver_alloc(self->dev, variant->method, len, DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	EXPECT_EQ(len, dmem_current(self->owner, self->region));
	EXPECT_EQ(0, driver_free(self->dev, id));
	ASSERT_EQ(0, cg_enter(self->a));
	ASSERT_EQ(0, dmem_set(self->owner, "dmem.min", self->region, len));
	id = driver_alloc(self->dev, variant->method, len, DMEM_DMA_ACCOUNT);
	ASSERT_LT(0, id);
	EXPECT_EQ(len, dmem_current(self->a, self->region));
	EXPECT_EQ(0, driver_free(self->dev, id));
	EXPECT_EQ(8, dmem_nested(self->a, "dmem.events", self->region, "reserved"));
}

/* An area that is just full is as full as without any reservation. */
TEST_F_TIMEOUT(reserve_driver, full_area, 60)
{
	struct dmem_test *t = &self->t;
	const char *area = region_area(self->region);
	long long len = PAGES * t->page, left;
	int heap_fd = heap_open("default_cma_region"), n, id;
	static int fds[MAX_FDS];

	ASSERT_LE(0, heap_fd);
	ASSERT_EQ(0, dmem_set(self->top, "dmem.min", self->region, DMEM_MAX));
	ASSERT_EQ(0, dmem_set(t->cg, "dmem.min", self->region, DMEM_MAX));
	ASSERT_EQ(0, dmem_set(self->owner, "dmem.min", self->region, DMEM_MAX));
	ASSERT_EQ(0, cg_enter(self->owner));
	n = heap_fill(heap_fd, cma_read(area, "available_pages") / 4 * t->page,
		      fds, MAX_FDS);
	left = cma_read(area, "available_pages");
	ASSERT_EQ(0, cg_enter(self->a));
	id = driver_alloc(self->dev, variant->method, len, DMEM_DMA_ACCOUNT);
	if (left >= PAGES) {
		EXPECT_EQ(-ENOMEM, id);
		EXPECT_EQ(1, dmem_nested(self->a, "dmem.events", self->region,
					 "reserved"));
	} else {
		/* 32-bit ARM's allocator of coherent memory has nothing else. */
		if (kernel_is_64bit() || variant->method != DMEM_DMA_COHERENT)
			EXPECT_LT(0, id);
		EXPECT_EQ(0, dmem_nested(self->a, "dmem.events", self->region,
					 "reserved"));
	}
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	if (id > 0)
		EXPECT_EQ(0, driver_free(self->dev, id));
	while (n)
		close(fds[--n]);
	close(heap_fd);
	EXPECT_EQ(0, dmem_current(t->cg, self->region));
}

TEST_HARNESS_MAIN
