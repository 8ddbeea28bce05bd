// SPDX-License-Identifier: GPL-2.0
/*
 * Limits and counters of a tree of cgroups: the parent's limit, siblings, three
 * levels, a limit that is lowered below the usage and raised again.
 */
#include <errno.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"

/*
 * slice
 *   box
 *     a
 *     b
 *   c
 */
FIXTURE(hierarchy) {
	struct dmem_test t;
	char *slice, *box, *a, *b, *c;
};

FIXTURE_VARIANT(hierarchy) {
	enum dmem_kind kind;
};

FIXTURE_VARIANT_ADD(hierarchy, cma) {
	.kind = DMEM_CMA,
};

FIXTURE_VARIANT_ADD(hierarchy, system) {
	.kind = DMEM_SYSTEM,
};

FIXTURE_SETUP(hierarchy)
{
	int ret = dmem_begin(&self->t, variant->kind);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	self->slice = cg_name(self->t.cg, "slice");
	self->box = cg_name(self->slice, "box");
	self->a = cg_name(self->box, "a");
	self->b = cg_name(self->box, "b");
	self->c = cg_name(self->slice, "c");
	EXPECT_EQ(0, cg_create_parent(self->slice));
	EXPECT_EQ(0, cg_create_parent(self->box));
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_create(self->b));
	EXPECT_EQ(0, cg_create(self->c));
}

FIXTURE_TEARDOWN(hierarchy)
{
	dmem_end(&self->t);
}

static int alloc_in(struct dmem_test *t, const char *cg, int pages)
{
	int ret = cg_enter_current(cg);

	return ret ? ret : heap_alloc(t->heap_fd, pages * t->page);
}

static void expect_pages(struct __test_metadata *_metadata,
			 struct dmem_test *t, const char *cg, long long pages)
{
	EXPECT_EQ(pages * t->page, dmem_current(cg, t->heap.region))
		TH_LOG("in %s", cg);
}

/*
 * Every level includes the usage of the levels below, and so does the root of
 * all, if no other program uses the region.
 */
TEST_F(hierarchy, counters)
{
	struct dmem_test *t = &self->t;
	long long root = dmem_current(t->root, t->heap.region);
	int a, b, c;

	ASSERT_LE(0, root);
	a = alloc_in(t, self->a, 1);
	b = alloc_in(t, self->b, 2);
	c = alloc_in(t, self->c, 4);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	ASSERT_LE(0, c);
	expect_pages(_metadata, t, self->a, 1);
	expect_pages(_metadata, t, self->b, 2);
	expect_pages(_metadata, t, self->box, 3);
	expect_pages(_metadata, t, self->c, 4);
	expect_pages(_metadata, t, self->slice, 7);
	expect_pages(_metadata, t, t->cg, 7);
	expect_root(_metadata, t, t->heap.region, root, 7 * t->page);

	/* Closed by a process in c: the uncharge happens in the charged cgroup. */
	close(a);
	expect_pages(_metadata, t, self->a, 0);
	expect_pages(_metadata, t, self->box, 2);
	expect_pages(_metadata, t, self->c, 4);
	expect_pages(_metadata, t, self->slice, 6);
	close(b);
	close(c);
	expect_pages(_metadata, t, self->b, 0);
	expect_pages(_metadata, t, self->box, 0);
	expect_pages(_metadata, t, self->c, 0);
	expect_pages(_metadata, t, self->slice, 0);
	expect_pages(_metadata, t, t->cg, 0);
	expect_root(_metadata, t, t->heap.region, root, 0);
}

/* The parent's limit covers all its children together. */
TEST_F(hierarchy, parent_limit)
{
	struct dmem_test *t = &self->t;
	int a, b;

	ASSERT_EQ(0, dmem_set_max(self->box, t->heap.region, 8 * t->page));
	a = alloc_in(t, self->a, 5);
	ASSERT_LE(0, a);
	EXPECT_EQ(-ENOMEM, alloc_in(t, self->b, 4));
	/* The charges below the level that refused are undone. */
	expect_pages(_metadata, t, self->b, 0);
	expect_pages(_metadata, t, self->box, 5);
	b = alloc_in(t, self->b, 3);
	ASSERT_LE(0, b);
	EXPECT_EQ(-ENOMEM, alloc_in(t, self->a, 1));
	EXPECT_EQ(-ENOMEM, alloc_in(t, self->b, 1));
	expect_pages(_metadata, t, self->a, 5);
	expect_pages(_metadata, t, self->b, 3);
	expect_pages(_metadata, t, self->box, 8);
	close(a);
	close(b);
	expect_pages(_metadata, t, self->box, 0);
}

/* A sibling at its limit does not affect the other. */
TEST_F(hierarchy, siblings)
{
	struct dmem_test *t = &self->t;
	int a, b;

	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, 2 * t->page));
	a = alloc_in(t, self->a, 2);
	ASSERT_LE(0, a);
	EXPECT_EQ(-ENOMEM, alloc_in(t, self->a, 1));
	b = alloc_in(t, self->b, 6);
	ASSERT_LE(0, b);
	expect_pages(_metadata, t, self->a, 2);
	expect_pages(_metadata, t, self->b, 6);
	EXPECT_EQ(DMEM_MAX, dmem_read(self->b, "dmem.max", t->heap.region));
	close(a);
	close(b);
	expect_pages(_metadata, t, self->a, 0);
	expect_pages(_metadata, t, self->b, 0);
}

/* Of several limits on the way up the tightest one applies, wherever it is. */
TEST_F(hierarchy, three_levels)
{
	struct dmem_test *t = &self->t;
	const char *const level[] = { self->a, self->box, self->slice };
	unsigned int i, j;
	int fd;

	for (i = 0; i < ARRAY_SIZE(level); i++) {
		for (j = 0; j < ARRAY_SIZE(level); j++) {
			ASSERT_EQ(0, dmem_set_max(level[j], t->heap.region,
						  (j == i ? 3 : 5) * t->page));
		}
		EXPECT_EQ(-ENOMEM, alloc_in(t, self->a, 4));
		for (j = 0; j < ARRAY_SIZE(level); j++)
			expect_pages(_metadata, t, level[j], 0);
		fd = alloc_in(t, self->a, 3);
		ASSERT_LE(0, fd);
		EXPECT_EQ(-ENOMEM, alloc_in(t, self->a, 1));
		for (j = 0; j < ARRAY_SIZE(level); j++)
			expect_pages(_metadata, t, level[j], 3);
		close(fd);
		for (j = 0; j < ARRAY_SIZE(level); j++)
			expect_pages(_metadata, t, level[j], 0);
	}
}

/* Only the slice is limited, and it binds its grandchild. */
TEST_F(hierarchy, grandparent_limit)
{
	struct dmem_test *t = &self->t;
	int a, c;

	ASSERT_EQ(0, dmem_set_max(self->slice, t->heap.region, 4 * t->page));
	c = alloc_in(t, self->c, 3);
	ASSERT_LE(0, c);
	EXPECT_EQ(-ENOMEM, alloc_in(t, self->a, 2));
	expect_pages(_metadata, t, self->a, 0);
	expect_pages(_metadata, t, self->box, 0);
	a = alloc_in(t, self->a, 1);
	ASSERT_LE(0, a);
	expect_pages(_metadata, t, self->slice, 4);
	close(c);
	close(a);
	expect_pages(_metadata, t, self->slice, 0);
}

/*
 * A limit is lowered below the usage: existing buffers stay usable, and
 * requests are refused until the usage has fallen.
 */
TEST_F(hierarchy, lowered_and_raised)
{
	struct dmem_test *t = &self->t;
	size_t len = 4 * t->page;
	int fd[2], more;
	char *map;

	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, 8 * t->page));
	fd[0] = alloc_in(t, self->a, 4);
	fd[1] = alloc_in(t, self->a, 4);
	ASSERT_LE(0, fd[0]);
	ASSERT_LE(0, fd[1]);

	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, 5 * t->page));
	expect_pages(_metadata, t, self->a, 8);
	EXPECT_EQ(-ENOMEM, alloc_in(t, self->a, 1));
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd[0], 0);
	ASSERT_TRUE(map != MAP_FAILED);
	memset(map, 0x5a, len);
	EXPECT_EQ(0x5a, map[len - 1]);
	EXPECT_EQ(0, munmap(map, len));

	close(fd[0]);
	expect_pages(_metadata, t, self->a, 4);
	EXPECT_EQ(-ENOMEM, alloc_in(t, self->a, 2));
	more = alloc_in(t, self->a, 1);
	ASSERT_LE(0, more);
	expect_pages(_metadata, t, self->a, 5);

	/* To zero, and all the way up again. */
	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, 0));
	EXPECT_EQ(-ENOMEM, alloc_in(t, self->a, 1));
	expect_pages(_metadata, t, self->a, 5);
	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, 9 * t->page));
	EXPECT_EQ(-ENOMEM, alloc_in(t, self->a, 5));
	fd[0] = alloc_in(t, self->a, 4);
	ASSERT_LE(0, fd[0]);
	expect_pages(_metadata, t, self->a, 9);
	close(fd[0]);
	close(fd[1]);
	close(more);
	expect_pages(_metadata, t, self->a, 0);
	expect_pages(_metadata, t, self->slice, 0);
}

/* The parent's limit is lowered below its children's usage. */
TEST_F(hierarchy, parent_lowered)
{
	struct dmem_test *t = &self->t;
	int a, b;

	a = alloc_in(t, self->a, 4);
	b = alloc_in(t, self->b, 4);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	ASSERT_EQ(0, dmem_set_max(self->box, t->heap.region, 6 * t->page));
	EXPECT_EQ(-ENOMEM, alloc_in(t, self->a, 1));
	EXPECT_EQ(-ENOMEM, alloc_in(t, self->b, 1));
	expect_pages(_metadata, t, self->box, 8);
	close(a);
	a = alloc_in(t, self->b, 2);
	ASSERT_LE(0, a);
	expect_pages(_metadata, t, self->a, 0);
	expect_pages(_metadata, t, self->b, 6);
	close(a);
	close(b);
	expect_pages(_metadata, t, self->box, 0);
}

/* A child without dmem is charged to the nearest ancestor with dmem. */
TEST_F(hierarchy, not_delegated)
{
	struct dmem_test *t = &self->t;
	char *leaf = cg_name(self->c, "leaf");
	int fd;

	ASSERT_EQ(0, cg_create(leaf));
	ASSERT_EQ(0, dmem_set_max(self->c, t->heap.region, 3 * t->page));
	fd = alloc_in(t, leaf, 3);
	ASSERT_LE(0, fd);
	expect_pages(_metadata, t, self->c, 3);
	EXPECT_EQ(-ENOENT, dmem_current(leaf, t->heap.region));
	EXPECT_EQ(-ENOMEM, alloc_in(t, leaf, 1));
	close(fd);
	expect_pages(_metadata, t, self->c, 0);
	free(leaf);
}

TEST_HARNESS_MAIN
