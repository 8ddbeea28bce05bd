// SPDX-License-Identifier: GPL-2.0
/*
 * dmem.min of memory that cannot be reclaimed: the unused part of a reservation
 * is kept free, to the page, and no other request is refused for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dmem_reserve_fixture.h"

/* The unused part of the reservation is kept free, and not a page more. */
TEST_F(reserve, to_the_page)
{
	ASSERT_EQ(0, set_min(&self->t, self->owner, 12));
	EXPECT_STAT(self->owner, "reserved", 12);
	EXPECT_STAT(self->owner, "committed", 12);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 12);
	/* Neither one page of it is granted, nor more, nor to another cgroup. */
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->greedy, 4));
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->b, 1));
	EXPECT_EQ(WINDOW - 12, current_pages(&self->t, self->greedy));
	EXPECT_EQ(12, cma_read(self->t.area, "available_pages"));

	/* The owner can use all of it at any time. */
	EXPECT_GETS(self->owner, &self->own, 12);
	EXPECT_EQ(0, cma_read(self->t.area, "available_pages"));
	give_back(&self->own, 5);
	EXPECT_TAKES(self->greedy, &self->taken, 0);
	EXPECT_GETS(self->owner, &self->own, 5);
	EXPECT_EQ(0, event(&self->t, self->owner, "reserved"));
	EXPECT_EQ(0, event(&self->t, self->owner, "exhausted"));

	/* Pages that others return are free for all. */
	give_back(&self->taken, 6);
	EXPECT_GETS(self->owner, &self->own, 4);
	EXPECT_STAT(self->owner, "committed", 16);
	EXPECT_GETS(self->greedy, &self->taken, 2);

	/* And the owner's pages beyond its reservation are free for all again. */
	give_back(&self->own, 10);
	EXPECT_STAT(self->owner, "committed", 12);
	EXPECT_TAKES(self->greedy, &self->taken, 4);
}

/* The whole of a reservation in one buffer */
TEST_F(reserve, one_buffer)
{
	int fd;

	ASSERT_EQ(0, set_min(&self->t, self->owner, 16));
	ASSERT_EQ(0, set_min(&self->t, self->slice, 8));
	/* A place for the buffer, which the others leave free when it is freed */
	fd = alloc_in(&self->t, self->owner, 16);
	if (fd == NO_ROOM)
		SKIP(return, "the free pages are in pieces");
	ASSERT_LE(0, fd);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 16 - 8);
	close(fd);
	EXPECT_TAKES(self->greedy, &self->taken, 0);
	fd = alloc_in(&self->t, self->owner, 16);
	EXPECT_LE(0, fd);
	EXPECT_EQ(16, current_pages(&self->t, self->owner));
	EXPECT_EQ(0, event(&self->t, self->owner, "reserved"));
	close(fd);
	/* A request partly beyond the reservation is refused as a whole. */
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->owner, 17));
	EXPECT_EQ(1, event(&self->t, self->owner, "reserved"));
	EXPECT_EQ(0, current_pages(&self->t, self->owner));
}

/* No request is refused for a reservation that its owner uses. */
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

/* A request for more than the region is refused for no reservation. */
TEST_F(reserve, beyond_the_region)
{
	int capacity = dmem_read(self->t.root, "dmem.capacity", self->region) / self->t.page;

	ASSERT_EQ(0, set_min(&self->t, self->owner, 1));
	EXPECT_EQ(NO_ROOM, alloc_in(&self->t, self->b, capacity + 1));
	EXPECT_EQ(NO_ROOM, alloc_in(&self->t, self->b, WINDOW + 1));
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->b, WINDOW));
	EXPECT_EQ(2, event(&self->t, self->b, "exhausted"));
	EXPECT_EQ(1, event(&self->t, self->b, "reserved"));
	/* Nor is one of the owner, for more than it has reserved. */
	ASSERT_EQ(0, set_min(&self->t, self->owner, WINDOW));
	EXPECT_EQ(NO_ROOM, alloc_in(&self->t, self->owner, WINDOW + 1));
	EXPECT_EQ(0, event(&self->t, self->owner, "reserved"));
	EXPECT_EQ(0, dmem_peak(self->b, self->region));
	EXPECT_EQ(0, dmem_peak(self->t.cg, self->region));
}

/* A refusal counts only in the requesting cgroup and its ancestors. */
TEST_F(reserve, events)
{
	static const char * const others[] = { "max", "alloc_fail", "exhausted" };
	const char *cg[3] = { self->b, self->slice, self->t.cg };
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
	/* The owner's files do not count it. */
	EXPECT_EQ(0, event(&self->t, self->owner, "reserved"));
	EXPECT_EQ(0, event(&self->t, self->a, "reserved"));

	/* Limits are checked first; their refusals do not count as "reserved". */
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

	/* b may take pages that greedy returns, beyond the slice's reservation. */
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

/* The reservations exceed the region: each cgroup gets its share. */
TEST_F(reserve, overcommit)
{
	long long capacity = dmem_read(self->t.root, "dmem.capacity", self->region);

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

	/* A reservation larger than the region gets no larger share. */
	ASSERT_EQ(0, set_min(&self->t, self->slice, 0));
	ASSERT_EQ(0, dmem_set(self->owner, "dmem.min", self->region, DMEM_MAX));
	ASSERT_EQ(0, dmem_set(self->greedy, "dmem.min", self->region, capacity));
	EXPECT_STAT(self->owner, "reserved", WINDOW / 2);
	EXPECT_STAT(self->greedy, "reserved", WINDOW / 2);
}

/* dmem.max takes precedence over any reservation. */
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

	/* Lowered below the usage, and raised again */
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

	/* A limit of 0 leaves no reservation */
	ASSERT_EQ(0, set_max(&self->t, self->owner, 0));
	EXPECT_STAT(self->owner, "reserved", 0);
	EXPECT_GETS(self->greedy, &self->taken, WINDOW);
}

TEST_F(reserve, low_has_no_effect)
{
	ASSERT_EQ(0, dmem_reserve_above(&self->t, self->top, 0));
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
 * Reservations can use up a limit as well as the region: in a slice with a
 * limit of 24, of which the camera has reserved 16, its neighbour gets 8.
 */
TEST_F(reserve, inner_limit)
{
	ASSERT_EQ(0, set_min(&self->t, self->slice, 16));
	ASSERT_EQ(0, set_max(&self->t, self->slice, 24));
	ASSERT_EQ(0, set_min(&self->t, self->a, 16));
	EXPECT_TAKES(self->b, &self->taken, 8);
	EXPECT_EQ(8, current_pages(&self->t, self->slice));
	/* The reason is no limit. */
	EXPECT_EQ(0, event(&self->t, self->b, "alloc_fail"));
	EXPECT_EQ(0, event(&self->t, self->slice, "max"));
	/* Outside the slice there is more than enough. */
	EXPECT_GETS(self->greedy, &self->own, 4);
	give_all(&self->own);
	EXPECT_GETS(self->a, &self->own, 16);
	EXPECT_EQ(-ENOMEM, alloc_in(&self->t, self->a, 1));
	EXPECT_EQ(0, event(&self->t, self->a, "reserved"));
	EXPECT_EQ(1, event(&self->t, self->slice, "max"));
}

/* Unaccounted pages count as used, like any others. */
TEST_F(reserve, unaccounted)
{
	ASSERT_EQ(0, dmem_reserve_above(&self->t, self->top, 12 * self->t.page));
	ASSERT_EQ(0, set_min(&self->t, self->owner, 12));
	ASSERT_EQ(0, unaccounted_take(self->t.area, 6));
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 12 - 6);
	ASSERT_EQ(0, unaccounted_return(2));
	EXPECT_TAKES(self->greedy, &self->taken, 2);
	EXPECT_GETS(self->owner, &self->own, 12);
	give_all(&self->own);

	/* The kernel's own pages are unchecked, and may use up a reservation. */
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

/* A late reservation: the other cgroups keep their pages, and get no more. */
TEST_F(reserve, too_late)
{
	EXPECT_GETS(self->greedy, &self->taken, WINDOW - 4);
	ASSERT_EQ(0, set_min(&self->t, self->owner, 16));
	EXPECT_EQ(WINDOW - 4, current_pages(&self->t, self->greedy));
	EXPECT_STAT(self->owner, "reserved", 16);
	/* The commitments exceed the WINDOW pages, which shows the shortage. */
	EXPECT_STAT(self->t.root, "committed", WINDOW - 4 + 16);
	EXPECT_TAKES(self->greedy, &self->taken, 0);
	EXPECT_TAKES(self->b, &self->taken, 0);

	/* The owner is not refused, and gets the pages that are free. */
	EXPECT_GETS(self->owner, &self->own, 4);
	EXPECT_EQ(NO_ROOM, alloc_in(&self->t, self->owner, 1));
	EXPECT_EQ(0, event(&self->t, self->owner, "reserved"));
	EXPECT_STAT(self->t.root, "committed", WINDOW - 4 + 16);

	/* All returned pages are the owner's, until its reservation is used up. */
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

/* A write takes effect at once, in both directions. */
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

/* A reservation ends with its cgroup. Remaining buffers count as used. */
TEST_F(reserve, removed)
{
	ASSERT_EQ(0, set_min(&self->t, self->owner, 16));
	EXPECT_GETS(self->owner, &self->own, 4);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 16);
	ASSERT_EQ(0, cg_destroy(self->owner));
	EXPECT_STAT(self->t.cg, "dying", 4);
	EXPECT_TAKES(self->greedy, &self->taken, 12);

	/* A new cgroup of the same name has no reservation. */
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

	/* The slice goes last, and with it its share of the test's cgroup. */
	ASSERT_EQ(0, cg_destroy(self->a));
	ASSERT_EQ(0, cg_destroy(self->b));
	ASSERT_EQ(0, cg_destroy(self->slice));
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW);
}

/* Requests are checked at every place in the tree. */
TEST_F(reserve, outside)
{
	ASSERT_EQ(0, dmem_reserve_above(&self->t, self->top, 16 * self->t.page));
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

/* Without any reservation the commitments equal the charges. */
TEST_F(reserve, none)
{
	ASSERT_EQ(0, set_min(&self->t, self->owner, 8));
	EXPECT_GETS(self->greedy, &self->taken, 3);
	EXPECT_GETS(self->owner, &self->own, 2);
	ASSERT_EQ(0, dmem_reserve_above(&self->t, self->top, 0));
	ASSERT_EQ(0, set_min(&self->t, self->owner, 0));
	EXPECT_STAT(self->t.root, "committed", 5);
	EXPECT_STAT(self->t.cg, "committed", 5);
	EXPECT_STAT(self->owner, "committed", 2);
	EXPECT_STAT(self->greedy, "committed", 3);
	EXPECT_STAT(self->slice, "committed", 0);
	EXPECT_GETS(self->greedy, &self->taken, WINDOW - 5);
	EXPECT_EQ(NO_ROOM, alloc_in(&self->t, self->greedy, 1));
	EXPECT_EQ(0, event(&self->t, self->greedy, "reserved"));

	/* The first reservation counts all existing charges. */
	give_back(&self->taken, 10);
	ASSERT_EQ(0, dmem_reserve_above(&self->t, self->top, DMEM_MAX));
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

	if (!cg_id(self->b))
		SKIP(goto out, "cannot tell a cgroup's id (CONFIG_FHANDLE)");
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
	EXPECT_EQ(1, found[0])
		TH_LOG("no %s", want[0]);
	EXPECT_EQ(1, found[1])
		TH_LOG("no %s", want[1]);
out:
	free(path);
	free(event_dir);
	free(dir);
}

TEST_HARNESS_MAIN
