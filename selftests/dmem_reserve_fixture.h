/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of the tests of reservations: a small area with a tree of cgroups. The
 * setup takes all but WINDOW pages of the area, and buffers are single pages, so that
 * fragmentation cannot make a request fail.
 */
#ifndef SELFTESTS_DMEM_RESERVE_FIXTURE_H
#define SELFTESTS_DMEM_RESERVE_FIXTURE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"
#include "dmem_unaccounted.h"

#define WINDOW		32	/* pages */
#define BUSY_MS		2000
#define NO_ROOM		(-ENOSPC)	/* of alloc_in(): not refused */

/* Buffers of one page each */
struct pile {
	int fd[WINDOW + 8];
	int n;
};

/*
 * The test's own cgroup and its ancestors reserve the whole region, so that the
 * reservations below do not depend on other cgroups.
 */
FIXTURE(reserve) {
	struct dmem_test t;
	const char *region;
	char *top;
	char *owner, *greedy, *slice, *a, *b;
	struct pile own, taken;
};

static inline long long stat_pages(const struct dmem_test *t, const char *cg, const char *key)
{
	long long bytes = dmem_nested(cg, "dmem.stat", t->heap.region, key);

	return bytes < 0 ? bytes : bytes / t->page;
}

static inline long long current_pages(const struct dmem_test *t, const char *cg)
{
	long long bytes = dmem_current(cg, t->heap.region);

	return bytes < 0 ? bytes : bytes / t->page;
}

static inline long long event(const struct dmem_test *t, const char *cg, const char *key)
{
	return dmem_nested(cg, "dmem.events.local", t->heap.region, key);
}

static inline int set_min(const struct dmem_test *t, const char *cg, int pages)
{
	return dmem_set(cg, "dmem.min", t->heap.region, pages * t->page);
}

static inline int set_max(const struct dmem_test *t, const char *cg, int pages)
{
	return dmem_set_max(cg, t->heap.region, pages * t->page);
}

/* dmem.min of the test's cgroup and of top, the one above it: a child has a part. */
static inline int reserve_above(const struct dmem_test *t, const char *top, long long bytes)
{
	int ret = dmem_set(top, "dmem.min", t->heap.region, bytes);

	return ret ? ret : dmem_set(t->cg, "dmem.min", t->heap.region, bytes);
}

/* Requests that alloc_in() repeated, as a page was busy: they count as "exhausted" as well. */
static int busy_repeats;

/* A buffer's fd, -ENOMEM if it was refused, or NO_ROOM. Waits for a busy page. */
static inline int alloc_in(const struct dmem_test *t, const char *cg, int pages)
{
	long long end = now_ms() + BUSY_MS, before;
	int fd;

	do {
		before = event(t, cg, "exhausted");
		fd = cg_alloc(cg, t->heap_fd, pages * t->page);
		if (fd != -ENOMEM || event(t, cg, "exhausted") == before)
			return fd;
		busy_repeats++;
	} while (cma_read(t->area, "available_pages") >= pages && now_ms() < end);
	busy_repeats--;
	return NO_ROOM;
}

/* Takes up to max single pages, until a request fails: see *ret. */
static inline int take(const struct dmem_test *t, const char *cg, struct pile *pile, int max,
		       int *ret)
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

static inline void give_back(struct pile *pile, int n)
{
	while (n-- && pile->n)
		close(pile->fd[--pile->n]);
}

static inline void give_all(struct pile *pile)
{
	give_back(pile, pile->n);
}

/*
 * cg gets exactly this number of further pages, and is then refused for a
 * reservation. If no page is left, a reservation is not the reason.
 */
static inline void expect_takes(struct __test_metadata *_metadata, const struct dmem_test *t,
				const char *cg, struct pile *pile, int pages)
{
	long long before = event(t, cg, "reserved");
	long long exhausted = event(t, cg, "exhausted") - busy_repeats;
	int ret, refused;

	EXPECT_EQ(pages, take(t, cg, pile, WINDOW + 1, &ret))
		TH_LOG("by %s", cg);
	refused = cma_read(t->area, "available_pages") > 0;
	EXPECT_EQ(refused ? -ENOMEM : NO_ROOM, ret)
		TH_LOG("by %s, after %d pages", cg, pages);
	EXPECT_EQ(before + refused, event(t, cg, "reserved"))
		TH_LOG("by %s, after %d pages", cg, pages);
	EXPECT_EQ(exhausted + !refused, event(t, cg, "exhausted") - busy_repeats)
		TH_LOG("by %s, after %d pages", cg, pages);
}

/* cg gets this number of pages; no further request is made. */
static inline void expect_gets(struct __test_metadata *_metadata, const struct dmem_test *t,
			       const char *cg, struct pile *pile, int pages)
{
	long long exhausted = event(t, cg, "exhausted") - busy_repeats;
	int ret;

	EXPECT_EQ(pages, take(t, cg, pile, pages, &ret))
		TH_LOG("by %s", cg);
	EXPECT_EQ(exhausted, event(t, cg, "exhausted") - busy_repeats)
		TH_LOG("by %s", cg);
}

static inline void expect_stat_key(struct __test_metadata *_metadata, const struct dmem_test *t,
				   const char *cg, const char *key, long long pages)
{
	EXPECT_EQ(pages, stat_pages(t, cg, key))
		TH_LOG("%s of %s", key, cg);
}

#define EXPECT_TAKES(cg, pile, pages) expect_takes(_metadata, &self->t, cg, pile, pages)
#define EXPECT_GETS(cg, pile, pages) expect_gets(_metadata, &self->t, cg, pile, pages)
#define EXPECT_STAT(cg, key, pages) expect_stat_key(_metadata, &self->t, cg, key, pages)
#define SET_MIN(cg, pages) ASSERT_EQ(0, set_min(&self->t, cg, pages))
#define SET_MAX(cg, pages) ASSERT_EQ(0, set_max(&self->t, cg, pages))
#define ALLOC_IN(cg, pages) alloc_in(&self->t, cg, pages)
#define EVENT(cg, key) event(&self->t, cg, key)

FIXTURE_SETUP(reserve)
{
	struct dmem_test *t = &self->t;
	const char *reason = NULL;

	begin_or_skip(_metadata, t, DMEM_CMA);
	if (stat_pages(t, t->root, "reserved") < 0)
		reason = "no reservations in dmem.stat";
	else if (dmem_current(t->root, t->heap.region))
		reason = "others have buffers of the heap";
	else if (!region_is_private(t->heap.region) || unaccounted_leave(t->area, WINDOW))
		reason = "cannot have the area alone, by " CMA_DEBUGFS;
	if (reason) {
		unaccounted_return_all();
		dmem_end(t);
		SKIP(return, "%s", reason);
	}
	self->region = t->heap.region;
	self->top = strdup(t->cg);
	*strrchr(self->top, '/') = '\0';
	self->owner = new_cgroup(_metadata, cg_create, t->cg, "owner");
	self->greedy = new_cgroup(_metadata, cg_create, t->cg, "greedy");
	self->slice = new_cgroup(_metadata, cg_create_parent, t->cg, "slice");
	self->a = new_cgroup(_metadata, cg_create, self->slice, "a");
	self->b = new_cgroup(_metadata, cg_create, self->slice, "b");
	EXPECT_EQ(0, reserve_above(t, self->top, DMEM_MAX));
}

FIXTURE_TEARDOWN(reserve)
{
	give_all(&self->own);
	give_all(&self->taken);
	/* No charge of the tests remains. */
	EXPECT_EQ(0, dmem_current(self->t.root, self->region));
	EXPECT_EQ(0, reserve_above(&self->t, self->top, 0));
	unaccounted_return_all();
	dmem_end(&self->t);
}

#endif /* SELFTESTS_DMEM_RESERVE_FIXTURE_H */
