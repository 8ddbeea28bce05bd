// SPDX-License-Identifier: GPL-2.0
/*
 * dmem.stat: a cgroup's own charge, and the charges of removed cgroups below
 * it, at every moment from rmdir on and at every level. With them,
 *
 *   current = local + current of the children + dying - dying of the children
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect_events.h"

#define DYING		"nr_dying_subsys_dmem "
#define CONTROL		"cgroup.subtree_control"

/*
 * slice
 *   box		may have processes until a test enables dmem in it
 *   other
 */
FIXTURE(stat) {
	struct dmem_test t;
	char *slice, *box, *other;
};

FIXTURE_VARIANT(stat) {
	enum dmem_kind kind;
};

FIXTURE_VARIANT_ADD(stat, cma) {
	.kind = DMEM_CMA,
};

FIXTURE_VARIANT_ADD(stat, system) {
	.kind = DMEM_SYSTEM,
};

FIXTURE_SETUP(stat)
{
	int ret = dmem_begin(&self->t, variant->kind);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	self->slice = cg_name(self->t.cg, "slice");
	self->box = cg_name(self->slice, "box");
	self->other = cg_name(self->slice, "other");
	EXPECT_EQ(0, cg_create_parent(self->slice));
	EXPECT_EQ(0, cg_create(self->box));
	EXPECT_EQ(0, cg_create(self->other));
}

FIXTURE_TEARDOWN(stat)
{
	dmem_end(&self->t);
}

#define EXPECT_STAT(cg, ...) expect_stat(_metadata, &self->t, cg, __VA_ARGS__)
#define EXPECT_IDENTITY() expect_identity(_metadata, &self->t, self->t.cg)

/* n pages that are charged to cg, where no process remains. */
#define TAKE(cg, n) ({							\
	int _fd = cg_alloc(cg, self->t.heap_fd, (n) * self->t.page);	\
									\
	ASSERT_LE(0, _fd);						\
	_fd;								\
})

TEST_F(stat, file)
{
	expect_format(_metadata, &self->t, self->box, "dmem.stat",
		      " local=0 dying=0");
	expect_format(_metadata, &self->t, self->slice, "dmem.stat",
		      " local=0 dying=0");
	/* The root has charges. */
	EXPECT_LE(0, stat_of(&self->t, self->t.root, "local"));
	EXPECT_LE(0, stat_of(&self->t, self->t.root, "dying"));
	EXPECT_GT(0, cg_write(self->t.root, "dmem.stat", "0"));
}

/* Local excludes children, but includes those without the controller. */
TEST_F(stat, local)
{
	char *child = cg_name(self->box, "child");
	char *leaf = cg_name(child, "leaf");
	int own, below, more;

	own = TAKE(self->box, 1);
	EXPECT_STAT(self->box, 1, 1, 0);
	EXPECT_STAT(self->slice, 1, 0, 0);
	ASSERT_EQ(0, cg_create(child));
	/* No controller in it yet: box is charged. */
	more = TAKE(child, 2);
	EXPECT_STAT(self->box, 3, 3, 0);
	ASSERT_EQ(0, cg_write(self->box, CONTROL, "+dmem"));
	EXPECT_STAT(self->box, 3, 3, 0);
	EXPECT_STAT(child, 0, 0, 0);
	ASSERT_EQ(0, cg_create(leaf));
	below = TAKE(leaf, 4);
	EXPECT_STAT(child, 4, 4, 0);
	EXPECT_STAT(self->box, 7, 3, 0);
	EXPECT_STAT(self->slice, 7, 0, 0);
	EXPECT_STAT(self->t.cg, 7, 0, 0);
	EXPECT_STAT(self->other, 0, 0, 0);
	EXPECT_IDENTITY();
	/* leaf had no controller: its charge is child's, and stays there. */
	ASSERT_EQ(0, cg_destroy(leaf));
	EXPECT_STAT(child, 4, 4, 0);
	EXPECT_STAT(self->box, 7, 3, 0);
	close(own);
	EXPECT_STAT(self->box, 6, 2, 0);
	close(below);
	EXPECT_STAT(child, 0, 0, 0);
	EXPECT_STAT(self->box, 2, 2, 0);
	close(more);
	EXPECT_STAT(self->box, 0, 0, 0);
	free(child);
	free(leaf);
}

/* A refusal leaves no charge in it, nor does a failed allocation. */
TEST_F(stat, refused)
{
	ASSERT_EQ(0, dmem_set_max(self->slice, self->t.heap.region,
				  2 * self->t.page));
	EXPECT_EQ(-ENOMEM, cg_alloc(self->box, self->t.heap_fd,
				    3 * self->t.page));
	EXPECT_STAT(self->box, 0, 0, 0);
	EXPECT_STAT(self->slice, 0, 0, 0);
	ASSERT_EQ(0, dmem_set_max(self->slice, self->t.heap.region, DMEM_MAX));
	EXPECT_EQ(-ENOMEM, cg_alloc(self->box, self->t.heap_fd,
				    3 * dmem_read(self->t.root, "dmem.capacity",
						  self->t.heap.region)));
	EXPECT_STAT(self->box, 0, 0, 0);
	EXPECT_EQ(0, dmem_peak(self->slice, self->t.heap.region));
	EXPECT_IDENTITY();
}

/* Changes show at once in all ancestors, buffer by buffer, and nowhere else. */
TEST_F(stat, removed)
{
	long long root = stat_of(&self->t, self->t.root, "dying");
	char *a = cg_name(self->box, "a");
	int fd[4], i, left;

	ASSERT_EQ(0, cg_write(self->box, CONTROL, "+dmem"));
	ASSERT_EQ(0, cg_create(a));
	for (i = 0; i < 4; i++)
		fd[i] = TAKE(a, i + 1);
	EXPECT_STAT(a, 10, 10, 0);
	EXPECT_STAT(self->box, 10, 0, 0);
	ASSERT_EQ(0, cg_destroy(a));
	for (i = 0, left = 10; i < 4; i++) {
		EXPECT_STAT(self->box, left, 0, left);
		EXPECT_STAT(self->slice, left, 0, left);
		EXPECT_STAT(self->t.cg, left, 0, left);
		EXPECT_STAT(self->other, 0, 0, 0);
		EXPECT_EQ(root + left * self->t.page,
			  stat_of(&self->t, self->t.root, "dying"));
		EXPECT_EQ(1, cg_read_key_long(self->box, "cgroup.stat", DYING));
		EXPECT_EQ(1, cg_read_key_long(self->slice, "cgroup.stat", DYING));
		EXPECT_IDENTITY();
		/* A new cgroup of the same name is another one. */
		ASSERT_EQ(0, cg_create(a));
		EXPECT_STAT(a, 0, 0, 0);
		ASSERT_EQ(0, cg_destroy(a));
		EXPECT_EQ(1, cg_wait_dying(self->box, 1));
		close(fd[i]);
		left -= i + 1;
	}
	EXPECT_STAT(self->box, 0, 0, 0);
	EXPECT_STAT(self->slice, 0, 0, 0);
	EXPECT_STAT(self->t.cg, 0, 0, 0);
	EXPECT_EQ(root, stat_of(&self->t, self->t.root, "dying"));
	EXPECT_EQ(0, cg_wait_dying(self->slice, 0));
	free(a);
}

/*
 * Cgroups are removed at several levels, children first, as the kernel
 * requires. The difference of current and the children's current is none of
 * these figures.
 */
TEST_F(stat, tree)
{
	const char *region = self->t.heap.region;
	char *a = cg_name(self->box, "a"), *b = cg_name(self->box, "b");
	char *e = cg_name(self->other, "e");
	int own, in_a, in_b, in_other, in_e;

	own = TAKE(self->box, 2);
	in_other = TAKE(self->other, 16);
	ASSERT_EQ(0, cg_write(self->box, CONTROL, "+dmem"));
	ASSERT_EQ(0, cg_write(self->other, CONTROL, "+dmem"));
	ASSERT_EQ(0, cg_create(a));
	ASSERT_EQ(0, cg_create(b));
	ASSERT_EQ(0, cg_create(e));
	in_a = TAKE(a, 4);
	in_b = TAKE(b, 8);
	in_e = TAKE(e, 32);
	EXPECT_IDENTITY();

	ASSERT_EQ(0, cg_destroy(a));
	EXPECT_STAT(b, 8, 8, 0);
	EXPECT_STAT(self->box, 14, 2, 4);
	EXPECT_STAT(self->slice, 62, 0, 4);
	EXPECT_IDENTITY();
	/* Too much: it includes box's own charge. */
	EXPECT_EQ(6 * self->t.page, dmem_current(self->box, region) -
				    dmem_current(b, region));
	/* Zero: the children of slice are still charged. */
	EXPECT_EQ(0, dmem_current(self->slice, region) -
		     dmem_current(self->box, region) -
		     dmem_current(self->other, region));

	ASSERT_EQ(0, cg_destroy(e));
	EXPECT_STAT(self->other, 48, 16, 32);
	EXPECT_STAT(self->slice, 62, 0, 36);
	ASSERT_EQ(0, cg_destroy(self->other));
	EXPECT_STAT(self->slice, 62, 0, 52);
	EXPECT_STAT(self->t.cg, 62, 0, 52);
	EXPECT_EQ(3, cg_read_key_long(self->slice, "cgroup.stat", DYING));
	EXPECT_IDENTITY();
	/*
	 * Less than slice's dying: charges of box's removed children are not in
	 * it.
	 */
	EXPECT_EQ(48 * self->t.page, dmem_current(self->slice, region) -
				     dmem_current(self->box, region));

	/* In the parent of one that is dying itself */
	close(in_e);
	EXPECT_STAT(self->slice, 30, 0, 20);
	EXPECT_STAT(self->t.cg, 30, 0, 20);
	EXPECT_IDENTITY();
	ASSERT_EQ(0, cg_destroy(b));
	EXPECT_STAT(self->box, 14, 2, 12);
	EXPECT_STAT(self->slice, 30, 0, 28);
	ASSERT_EQ(0, cg_destroy(self->box));
	EXPECT_STAT(self->slice, 30, 0, 30);
	EXPECT_STAT(self->t.cg, 30, 0, 30);
	close(own);
	EXPECT_STAT(self->slice, 28, 0, 28);
	close(in_a);
	EXPECT_STAT(self->slice, 24, 0, 24);
	close(in_other);
	EXPECT_STAT(self->slice, 8, 0, 8);
	ASSERT_EQ(0, cg_destroy(self->slice));
	EXPECT_STAT(self->t.cg, 8, 0, 8);
	close(in_b);
	EXPECT_STAT(self->t.cg, 0, 0, 0);
	EXPECT_EQ(0, cg_wait_dying(self->t.cg, 0));
	free(a);
	free(b);
	free(e);
}

/* Disabling the controller ends the file of the charges as well. */
TEST_F(stat, disabled)
{
	char *a = cg_name(self->box, "a");
	int old, own, new;

	ASSERT_EQ(0, cg_write(self->box, CONTROL, "+dmem"));
	ASSERT_EQ(0, cg_create(a));
	old = TAKE(a, 3);
	ASSERT_EQ(0, cg_write(self->box, CONTROL, "-dmem"));
	EXPECT_EQ(-ENOENT, dmem_current(a, self->t.heap.region));
	EXPECT_STAT(self->box, 3, 0, 3);
	EXPECT_STAT(self->slice, 3, 0, 3);
	EXPECT_EQ(1, cg_read_key_long(self->box, "cgroup.stat", DYING));
	own = TAKE(a, 4);
	EXPECT_STAT(self->box, 7, 4, 3);

	ASSERT_EQ(0, cg_write(self->box, CONTROL, "+dmem"));
	EXPECT_STAT(a, 0, 0, 0);
	EXPECT_STAT(self->box, 7, 4, 3);
	new = TAKE(a, 8);
	EXPECT_STAT(a, 8, 8, 0);
	EXPECT_STAT(self->box, 15, 4, 3);
	EXPECT_STAT(self->slice, 15, 0, 3);
	EXPECT_IDENTITY();

	/* The parent loses the controller too, and both get new pool states. */
	ASSERT_EQ(0, cg_write(self->box, CONTROL, "-dmem"));
	EXPECT_STAT(self->box, 15, 4, 11);
	ASSERT_EQ(0, cg_write(self->slice, CONTROL, "-dmem"));
	EXPECT_STAT(self->slice, 15, 0, 15);
	ASSERT_EQ(0, cg_write(self->slice, CONTROL, "+dmem"));
	ASSERT_EQ(0, cg_write(self->box, CONTROL, "+dmem"));
	EXPECT_STAT(a, 0, 0, 0);
	EXPECT_STAT(self->box, 0, 0, 0);
	EXPECT_STAT(self->slice, 15, 0, 15);
	EXPECT_IDENTITY();
	close(own);
	EXPECT_STAT(self->slice, 11, 0, 11);
	close(old);
	EXPECT_STAT(self->slice, 8, 0, 8);
	close(new);
	EXPECT_STAT(self->slice, 0, 0, 0);
	EXPECT_STAT(self->t.cg, 0, 0, 0);
	EXPECT_EQ(0, cg_wait_dying(self->t.cg, 0));
	free(a);
}

TEST_HARNESS_MAIN
