// SPDX-License-Identifier: GPL-2.0
/*
 * dmem.min of memory that cannot be reclaimed: the unused part of a reservation
 * is kept free, to the page, and no other request is refused for it.
 */

#include "dmem_reserve_fixture.h"

/* The unused part of the reservation is kept free, and not a page more. */
TEST_F_TIMEOUT(reserve, to_the_page, 120)
{
	SET_MIN(self->owner, 12);
	EXPECT_STAT(self->owner, "reserved", 12);
	EXPECT_STAT(self->owner, "committed", 12);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 12);
	/* Neither one page of it is granted, nor more, nor to another cgroup. */
	EXPECT_EQ(-ENOMEM, ALLOC_IN(self->greedy, 4));
	EXPECT_EQ(-ENOMEM, ALLOC_IN(self->b, 1));
	EXPECT_EQ(WINDOW - 12, current_pages(&self->t, self->greedy));
	EXPECT_EQ(12, cma_read(self->t.area, "available_pages"));

	/* The owner can use all of it at any time. */
	EXPECT_GETS(self->owner, &self->own, 12);
	EXPECT_EQ(0, cma_read(self->t.area, "available_pages"));
	give_back(&self->own, 5);
	EXPECT_TAKES(self->greedy, &self->taken, 0);
	EXPECT_GETS(self->owner, &self->own, 5);
	EXPECT_EQ(0, EVENT(self->owner, "reserved"));

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
TEST_F_TIMEOUT(reserve, one_buffer, 120)
{
	int fd;

	SET_MIN(self->owner, 16);
	SET_MIN(self->slice, 8);
	/* A place for the buffer, which the others leave free when it is freed */
	fd = ALLOC_IN(self->owner, 16);
	if (fd == NO_ROOM)
		SKIP(return, "the free pages are in pieces");
	ASSERT_LE(0, fd);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 16 - 8);
	close(fd);
	EXPECT_TAKES(self->greedy, &self->taken, 0);
	fd = ALLOC_IN(self->owner, 16);
	EXPECT_LE(0, fd);
	EXPECT_EQ(16, current_pages(&self->t, self->owner));
	EXPECT_EQ(0, EVENT(self->owner, "reserved"));
	close(fd);
	/* A request partly beyond the reservation is refused as a whole. */
	EXPECT_EQ(-ENOMEM, ALLOC_IN(self->owner, 17));
	EXPECT_EQ(1, EVENT(self->owner, "reserved"));
	EXPECT_EQ(0, current_pages(&self->t, self->owner));
}

/* No request is refused for a reservation that its owner uses. */
TEST_F_TIMEOUT(reserve, used_up, 120)
{
	long long busy;

	SET_MIN(self->owner, 12);
	EXPECT_GETS(self->owner, &self->own, 12);
	EXPECT_GETS(self->greedy, &self->taken, WINDOW - 12);
	busy = EVENT(self->greedy, "exhausted");
	EXPECT_EQ(NO_ROOM, ALLOC_IN(self->greedy, 1));
	EXPECT_EQ(NO_ROOM, ALLOC_IN(self->owner, 1));
	/* More than is left, of which some is reserved */
	give_back(&self->own, 2);
	EXPECT_EQ(NO_ROOM, ALLOC_IN(self->greedy, 3));
	EXPECT_EQ(0, EVENT(self->greedy, "reserved"));
	EXPECT_EQ(-ENOMEM, ALLOC_IN(self->greedy, 2));
	EXPECT_EQ(1, EVENT(self->greedy, "reserved"));
	EXPECT_EQ(busy + 2, EVENT(self->greedy, "exhausted"));
}

/* A refusal counts only in the requesting cgroup and its ancestors. */
TEST_F_TIMEOUT(reserve, events, 120)
{
	static const char * const others[] = { "max", "alloc_fail", "exhausted" };
	const char *cg[3] = { self->b, self->slice, self->t.cg };
	unsigned int i, j;

	SET_MIN(self->owner, WINDOW);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-ENOMEM, ALLOC_IN(self->b, 1 + i));
	for (i = 0; i < ARRAY_SIZE(cg); i++) {
		EXPECT_EQ(3, dmem_nested(cg[i], "dmem.events", self->region, "reserved"))
			TH_LOG("in %s", cg[i]);
		EXPECT_EQ(i ? 0 : 3, EVENT(cg[i], "reserved"))
			TH_LOG("in %s", cg[i]);
		for (j = 0; j < ARRAY_SIZE(others); j++) {
			EXPECT_EQ(0, dmem_nested(cg[i], "dmem.events", self->region, others[j]))
				TH_LOG("%s in %s", others[j], cg[i]);
		}
	}
	/* The owner's files do not count it. */
	EXPECT_EQ(0, EVENT(self->owner, "reserved"));
	EXPECT_EQ(0, EVENT(self->a, "reserved"));

	/* Limits are checked first; their refusals do not count as "reserved". */
	SET_MAX(self->b, 2);
	EXPECT_EQ(-ENOMEM, ALLOC_IN(self->b, 3));
	EXPECT_EQ(3, EVENT(self->b, "reserved"));
	EXPECT_EQ(1, EVENT(self->b, "max"));
	EXPECT_EQ(1, EVENT(self->b, "alloc_fail"));
}

/* In a slice that reserved 16, a child has 8 of them, the rest is the slice's. */
TEST_F_TIMEOUT(reserve, nested, 120)
{
	SET_MIN(self->slice, 16);
	SET_MIN(self->a, 8);
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
	EXPECT_EQ(0, EVENT(self->a, "reserved"));

	/* b may take pages that greedy returns, beyond the slice's reservation. */
	give_back(&self->taken, 3);
	EXPECT_GETS(self->b, &self->own, 3);
	EXPECT_STAT(self->slice, "committed", 19);
}

/* A child has no more than its parent has, and its parent nothing by itself. */
TEST_F_TIMEOUT(reserve, within_the_parent, 120)
{
	SET_MIN(self->a, 16);
	EXPECT_STAT(self->a, "reserved", 0);
	EXPECT_GETS(self->greedy, &self->taken, WINDOW);
	give_all(&self->taken);

	SET_MIN(self->slice, 9);
	EXPECT_STAT(self->a, "reserved", 9);
	SET_MIN(self->b, 8);
	/* 16 * 9 / 24, 8 * 9 / 24 */
	EXPECT_STAT(self->a, "reserved", 6);
	EXPECT_STAT(self->b, "reserved", 3);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 9);
	EXPECT_TAKES(self->a, &self->own, 6);
	EXPECT_GETS(self->b, &self->own, 3);
	give_all(&self->own);

	SET_MIN(self->slice, 0);
	EXPECT_STAT(self->a, "reserved", 0);
	EXPECT_STAT(self->b, "reserved", 0);
	EXPECT_GETS(self->greedy, &self->taken, 9);
}

/* The reservations exceed the region: each cgroup gets its share. */
TEST_F_TIMEOUT(reserve, overcommit, 120)
{
	long long capacity = dmem_read(self->t.root, "dmem.capacity", self->region);

	SET_MIN(self->owner, WINDOW);
	SET_MIN(self->slice, WINDOW);
	EXPECT_STAT(self->owner, "reserved", WINDOW / 2);
	EXPECT_STAT(self->slice, "reserved", WINDOW / 2);
	EXPECT_TAKES(self->greedy, &self->taken, 0);
	EXPECT_TAKES(self->owner, &self->own, WINDOW / 2);
	EXPECT_TAKES(self->b, &self->own, WINDOW / 2);
	give_all(&self->own);

	/* Rounded down: of 7, 20 and 30 remain 3, 11 and 16; 2 are for all. */
	SET_MIN(self->owner, 7);
	SET_MIN(self->slice, 20);
	SET_MIN(self->greedy, 30);
	EXPECT_STAT(self->owner, "reserved", 3);
	EXPECT_STAT(self->slice, "reserved", 11);
	EXPECT_STAT(self->greedy, "reserved", 16);
	EXPECT_TAKES(self->owner, &self->own, 5);
	EXPECT_TAKES(self->b, &self->own, 11);
	EXPECT_GETS(self->greedy, &self->taken, 16);
	EXPECT_EQ(0, cma_read(self->t.area, "available_pages"));

	/* A reservation larger than the region gets no larger share. */
	SET_MIN(self->slice, 0);
	ASSERT_EQ(0, dmem_set(self->owner, "dmem.min", self->region, DMEM_MAX));
	ASSERT_EQ(0, dmem_set(self->greedy, "dmem.min", self->region, capacity));
	EXPECT_STAT(self->owner, "reserved", WINDOW / 2);
	EXPECT_STAT(self->greedy, "reserved", WINDOW / 2);
}

/* dmem.max takes precedence over any reservation. */
TEST_F_TIMEOUT(reserve, min_and_max, 120)
{
	long long capacity = dmem_read(self->t.root, "dmem.capacity", self->region);

	SET_MIN(self->owner, 20);
	SET_MAX(self->owner, 8);
	EXPECT_STAT(self->owner, "reserved", 8);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 8);
	EXPECT_GETS(self->owner, &self->own, 8);
	EXPECT_EQ(-ENOMEM, ALLOC_IN(self->owner, 1));
	EXPECT_EQ(1, EVENT(self->owner, "max"));
	EXPECT_EQ(0, EVENT(self->owner, "reserved"));
	give_back(&self->own, 2);

	/* Lowered below the usage, and raised again */
	SET_MAX(self->owner, 4);
	EXPECT_STAT(self->owner, "reserved", 4);
	EXPECT_STAT(self->owner, "committed", 6);
	EXPECT_EQ(-ENOMEM, ALLOC_IN(self->owner, 1));
	EXPECT_EQ(2, EVENT(self->owner, "max"));
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
	SET_MAX(self->owner, 0);
	EXPECT_STAT(self->owner, "reserved", 0);
	EXPECT_GETS(self->greedy, &self->taken, WINDOW);
}

/*
 * Reservations can use up a limit as well as the region: in a slice with a
 * limit of 24, of which the camera has reserved 16, its neighbour gets 8.
 */
TEST_F_TIMEOUT(reserve, inner_limit, 120)
{
	SET_MIN(self->slice, 16);
	SET_MAX(self->slice, 24);
	SET_MIN(self->a, 16);
	EXPECT_TAKES(self->b, &self->taken, 8);
	EXPECT_EQ(8, current_pages(&self->t, self->slice));
	/* The reason is no limit. */
	EXPECT_EQ(0, EVENT(self->b, "alloc_fail"));
	EXPECT_EQ(0, EVENT(self->slice, "max"));
	/* Outside the slice there is more than enough. */
	EXPECT_GETS(self->greedy, &self->own, 4);
	give_all(&self->own);
	EXPECT_GETS(self->a, &self->own, 16);
	EXPECT_EQ(-ENOMEM, ALLOC_IN(self->a, 1));
	EXPECT_EQ(0, EVENT(self->a, "reserved"));
	EXPECT_EQ(1, EVENT(self->slice, "max"));
}

/* Unaccounted pages count as used, like any others. */
TEST_F_TIMEOUT(reserve, unaccounted, 120)
{
	ASSERT_EQ(0, reserve_above(&self->t, self->top, 12 * self->t.page));
	SET_MIN(self->owner, 12);
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
	EXPECT_EQ(NO_ROOM, ALLOC_IN(self->owner, 1));
	EXPECT_EQ(0, EVENT(self->owner, "reserved"));
	ASSERT_EQ(0, unaccounted_return(8));
	EXPECT_GETS(self->owner, &self->own, 8);
	EXPECT_TAKES(self->greedy, &self->taken, 0);
	ASSERT_EQ(0, unaccounted_return(4));
	EXPECT_TAKES(self->greedy, &self->taken, 4);
}

/* A reservation ends with its cgroup. Remaining buffers count as used. */
TEST_F_TIMEOUT(reserve, removed, 120)
{
	SET_MIN(self->owner, 16);
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

TEST_HARNESS_MAIN
