// SPDX-License-Identifier: GPL-2.0
/*
 * Further tests of dmem.min as a reservation, beside those of cgroup/test_dmem_reserve:
 * the figures after a refusal, values that reserve nothing or no whole number of pages,
 * small steps, and the tracepoint.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest_util.h"
#include "dmem_reserve_fixture.h"

/* A refusal leaves no trace: not in the usage, and not in the peak. */
TEST_F_TIMEOUT(reserve, peak, 120)
{
	SET_MIN(self->owner, WINDOW - 2);
	EXPECT_TAKES(self->b, &self->taken, 2);
	EXPECT_EQ(-ENOMEM, ALLOC_IN(self->b, 8));
	EXPECT_EQ(2 * self->t.page, dmem_peak(self->b, self->region));
	EXPECT_EQ(2 * self->t.page, dmem_peak(self->slice, self->region));
	EXPECT_EQ(2 * self->t.page, dmem_peak(self->t.cg, self->region));
	EXPECT_EQ(2, current_pages(&self->t, self->b));
	EXPECT_STAT(self->b, "committed", 2);
	EXPECT_STAT(self->b, "local", 2);
}

/* Half a page is no page: a reservation is rounded down, like a limit. */
TEST_F_TIMEOUT(reserve, parts_of_a_page, 120)
{
	EXPECT_EQ(-EBADMSG, dmem_set(self->owner, "dmem.min", self->region,
				     8 * self->t.page - 1));
	EXPECT_STAT(self->owner, "reserved", 7);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 7);
}

TEST_F_TIMEOUT(reserve, low_has_no_effect, 120)
{
	ASSERT_EQ(0, reserve_above(&self->t, self->top, 0));
	ASSERT_EQ(0, dmem_set(self->owner, "dmem.low", self->region, DMEM_MAX));
	EXPECT_STAT(self->owner, "reserved", 0);
	EXPECT_STAT(self->owner, "committed", 0);
	EXPECT_GETS(self->greedy, &self->taken, WINDOW);
	EXPECT_EQ(0, EVENT(self->greedy, "reserved"));
}

/* A write takes effect at once, in both directions. */
TEST_F_TIMEOUT(reserve, changed, 120)
{
	int min;

	for (min = WINDOW; min >= 0; min -= 4) {
		SET_MIN(self->owner, min);
		if (min)
			EXPECT_TAKES(self->greedy, &self->taken,
				     min == WINDOW ? 0 : 4);
	}
	EXPECT_GETS(self->greedy, &self->taken, 4);
	for (min = 0; min <= WINDOW; min += 4) {
		SET_MIN(self->owner, min);
		EXPECT_STAT(self->owner, "reserved", min);
		EXPECT_STAT(self->t.cg, "committed", WINDOW);
		EXPECT_TAKES(self->greedy, &self->taken, 0);
		give_back(&self->taken, 4);
	}
}

/* A request for more than the region is refused for no reservation. */
TEST_F_TIMEOUT(reserve, beyond_the_region, 120)
{
	int capacity = dmem_read(self->t.root, "dmem.capacity", self->region) / self->t.page;

	SET_MIN(self->owner, 1);
	EXPECT_EQ(NO_ROOM, ALLOC_IN(self->b, capacity + 1));
	EXPECT_EQ(NO_ROOM, ALLOC_IN(self->b, WINDOW + 1));
	EXPECT_EQ(-ENOMEM, ALLOC_IN(self->b, WINDOW));
	EXPECT_EQ(2, EVENT(self->b, "exhausted"));
	EXPECT_EQ(1, EVENT(self->b, "reserved"));
	/* Nor is one of the owner, for more than it has reserved. */
	SET_MIN(self->owner, WINDOW);
	EXPECT_EQ(NO_ROOM, ALLOC_IN(self->owner, WINDOW + 1));
	EXPECT_EQ(0, EVENT(self->owner, "reserved"));
	EXPECT_EQ(0, dmem_peak(self->b, self->region));
	EXPECT_EQ(0, dmem_peak(self->t.cg, self->region));
}

/* Without the controller a cgroup has no reservation, nor have those below. */
TEST_F_TIMEOUT(reserve, disabled, 120)
{
	SET_MIN(self->slice, 16);
	SET_MIN(self->a, 12);
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

/* Without any reservation the commitments equal the charges. */
TEST_F_TIMEOUT(reserve, none, 120)
{
	SET_MIN(self->owner, 8);
	EXPECT_GETS(self->greedy, &self->taken, 3);
	EXPECT_GETS(self->owner, &self->own, 2);
	ASSERT_EQ(0, reserve_above(&self->t, self->top, 0));
	SET_MIN(self->owner, 0);
	EXPECT_STAT(self->t.root, "committed", 5);
	EXPECT_STAT(self->t.cg, "committed", 5);
	EXPECT_STAT(self->owner, "committed", 2);
	EXPECT_STAT(self->greedy, "committed", 3);
	EXPECT_STAT(self->slice, "committed", 0);
	EXPECT_GETS(self->greedy, &self->taken, WINDOW - 5);
	EXPECT_EQ(NO_ROOM, ALLOC_IN(self->greedy, 1));
	EXPECT_EQ(0, EVENT(self->greedy, "reserved"));

	/* The first reservation counts all existing charges. */
	give_back(&self->taken, 10);
	ASSERT_EQ(0, reserve_above(&self->t, self->top, DMEM_MAX));
	EXPECT_STAT(self->t.cg, "committed", WINDOW);
	EXPECT_STAT(self->greedy, "committed", WINDOW - 12);
	EXPECT_STAT(self->owner, "committed", 2);
	SET_MIN(self->owner, 8);
	EXPECT_TAKES(self->greedy, &self->taken, 4);
	EXPECT_GETS(self->owner, &self->own, 6);
}

/* dmem:dmem_refuse names the cgroup whose bound it was. */
TEST_F_TIMEOUT(reserve, tracepoint, 120)
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
	SET_MIN(self->slice, 16);
	SET_MAX(self->slice, 24);
	SET_MIN(self->a, 16);
	EXPECT_TAKES(self->b, &self->taken, 8);
	SET_MIN(self->owner, 8);
	EXPECT_EQ(-ENOMEM, ALLOC_IN(self->greedy, 3));
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

/* A late reservation: the other cgroups keep their pages, and get no more. */
TEST_F_TIMEOUT(reserve, too_late, 120)
{
	EXPECT_GETS(self->greedy, &self->taken, WINDOW - 4);
	SET_MIN(self->owner, 16);
	EXPECT_EQ(WINDOW - 4, current_pages(&self->t, self->greedy));
	EXPECT_STAT(self->owner, "reserved", 16);
	/* The commitments exceed the WINDOW pages, which shows the shortage. */
	EXPECT_STAT(self->t.root, "committed", WINDOW - 4 + 16);
	EXPECT_TAKES(self->greedy, &self->taken, 0);
	EXPECT_TAKES(self->b, &self->taken, 0);

	/* The owner is not refused, and gets the pages that are free. */
	EXPECT_GETS(self->owner, &self->own, 4);
	EXPECT_EQ(NO_ROOM, ALLOC_IN(self->owner, 1));
	EXPECT_EQ(0, EVENT(self->owner, "reserved"));
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

/* Requests are checked at every place in the tree. */
TEST_F_TIMEOUT(reserve, outside, 120)
{
	char *cg = cg_outside(self->top);
	int fd;

	ASSERT_TRUE(!!cg);
	ASSERT_EQ(0, reserve_above(&self->t, self->top, 16 * self->t.page));
	SET_MIN(self->owner, 8);
	EXPECT_TAKES(cg, &self->taken, WINDOW - 16);
	/* In the root itself, which has no events */
	EXPECT_EQ(-ENOMEM, cg_alloc(self->t.root, self->t.heap_fd, self->t.page));
	give_back(&self->taken, 1);
	fd = cg_alloc(self->t.root, self->t.heap_fd, self->t.page);
	ASSERT_LE(0, fd);
	self->taken.fd[self->taken.n++] = fd;
	EXPECT_STAT(self->t.root, "committed", WINDOW);
	EXPECT_TAKES(self->greedy, &self->own, 8);
	EXPECT_GETS(self->owner, &self->own, 8);
	EXPECT_EQ(0, cma_read(self->t.area, "available_pages"));
}

TEST_HARNESS_MAIN
