// SPDX-License-Identifier: GPL-2.0
/*
 * A region without room, and requests beyond it: the reason is in dmem.events, the
 * root's peak is at most the capacity, and no user can fill the kernel log.
 * test_dmem_exhaust tests the errno and the charge.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect.h"

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
	begin_or_skip(_metadata, &self->t, DMEM_CMA);
	if (cma_read(self->t.area, "available_pages") < 0) {
		dmem_end(&self->t);
		SKIP(return, "no CONFIG_CMA_SYSFS");
	}
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

static void close_all(FIXTURE_DATA(exhaust) *self)
{
	while (self->n)
		close(self->fds[--self->n]);
}

/*
 * A quarter of the region is in use, and more than the rest is requested: no limit and
 * no reservation is the reason. The root's peak is the size that the region needs.
 */
TEST_F(exhaust, root_peak)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long piece = self->capacity / 32 / t->page * t->page, used = 8 * piece, peak;
	int i;

	EXPECT_GE(self->capacity, dmem_peak(t->root, region));
	for (self->n = 0; self->n < 8; self->n++) {
		self->fds[self->n] = heap_alloc(t->heap_fd, piece);
		ASSERT_LE(0, self->fds[self->n]);
	}
	peak = dmem_peak(t->root, region);
	EXPECT_LE(used, peak);
	ASSERT_EQ(0, cg_enter_current(self->b));
	for (i = 0; i < 3; i++) {
		/* All of it, one page too much, and far too much */
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, i == 0 ? self->capacity : i == 1 ?
					      self->capacity - used + t->page :
					      3 * self->capacity));
		EXPECT_EQ(i + 1, dmem_nested(self->b, "dmem.events", region, "exhausted"));
		EXPECT_GE(self->capacity, dmem_peak(t->root, region));
		if (region_is_private(region))
			EXPECT_EQ(peak, dmem_peak(t->root, region));
	}
	EXPECT_EQ(0, dmem_nested(self->b, "dmem.events", region, "max"));
	EXPECT_EQ(0, dmem_nested(self->b, "dmem.events", region, "alloc_fail"));
	close_all(self);
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

/* No refusal writes to the kernel log: any user can cause thousands. */
TEST_F_TIMEOUT(exhaust, log, 60)
{
	struct dmem_test *t = &self->t;
	char words[DMEM_NAME_LEN + 16];
	int kmsg = kmsg_open(), i;
	long long left;

	ASSERT_LE(0, kmsg)
		TH_LOG("cannot read /dev/kmsg");
	self->n = heap_fill(t->heap_fd, self->capacity / 16, self->fds, MAX_FDS);
	ASSERT_LT(4, self->n);
	left = cma_read(t->area, "available_pages");
	for (i = 0; i < 100; i++)
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, (left + 1) * t->page));
	/* There is room, but not in one piece: the area is searched. */
	for (i = 0; i < 4; i += 2) {
		close(self->fds[i]);
		self->fds[i] = -1;
	}
	for (i = 0; i < 100; i++)
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, self->capacity / 8));
	close_all(self);
	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, 0));
	for (i = 0; i < 100; i++)
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, t->page));
	snprintf(words, sizeof(words), "%s: alloc failed", t->area);
	EXPECT_EQ(0, kmsg_count(kmsg, words));
	close(kmsg);
}

TEST_HARNESS_MAIN
