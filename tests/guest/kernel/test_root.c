// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The exact usage of the root in the region of the system heap. On other machines any
 * program may allocate from that heap; in the guest only the test does.
 */
#include <errno.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect.h"

#define ROOT	FIXTURE_DATA(root)

FIXTURE(root) {
	struct dmem_test t;
	long long before;
	char *parent, *a, *b;
};

FIXTURE_SETUP(root)
{
	struct dmem_test *t = &self->t;

	begin_or_skip(_metadata, t, DMEM_SYSTEM);
	self->parent = cg_name(t->cg, "parent");
	self->a = cg_name(self->parent, "a");
	self->b = cg_name(t->cg, "b");
	EXPECT_EQ(0, cg_create_parent(self->parent));
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_create(self->b));
	self->before = dmem_current(t->root, t->heap.region);
	EXPECT_LE(0, self->before);
}

FIXTURE_TEARDOWN(root)
{
	dmem_end(&self->t);
}

static void expect_pages(struct __test_metadata *_metadata, ROOT *self,
			 long long pages)
{
	struct dmem_test *t = &self->t;

	EXPECT_EQ(self->before + pages * t->page, dmem_current(t->root, t->heap.region));
}

/* The root includes the usage of all levels below, and no request that was refused. */
TEST_F(root, all_levels)
{
	struct dmem_test *t = &self->t;
	int a, b;

	a = cg_alloc(self->a, t->heap_fd, 3 * t->page);
	ASSERT_LE(0, a);
	expect_pages(_metadata, self, 3);
	b = cg_alloc(self->b, t->heap_fd, 4 * t->page);
	ASSERT_LE(0, b);
	expect_pages(_metadata, self, 7);
	EXPECT_EQ(0, dmem_set_max(self->b, t->heap.region, 4 * t->page));
	EXPECT_EQ(-ENOMEM, cg_alloc(self->b, t->heap_fd, t->page));
	expect_pages(_metadata, self, 7);
	close(a);
	expect_pages(_metadata, self, 4);
	close(b);
	expect_pages(_metadata, self, 0);
}

/* A charge stays in the root when its cgroup and the parent are removed. */
TEST_F(root, removed_branch)
{
	struct dmem_test *t = &self->t;
	int fd = cg_alloc(self->a, t->heap_fd, 4 * t->page);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_destroy(self->a));
	ASSERT_EQ(0, cg_destroy(self->parent));
	expect_pages(_metadata, self, 4);
	EXPECT_EQ(2, cg_wait_dying(t->cg, 2));
	close(fd);
	expect_pages(_metadata, self, 0);
	EXPECT_EQ(0, cg_wait_dying(t->cg, 0));
}

TEST_HARNESS_MAIN
