// SPDX-License-Identifier: GPL-2.0
/*
 * A charge may outlive its cgroup: it stays in all ancestors until the buffer
 * is freed, a new cgroup of the same name starts at zero, and nothing else pins
 * the old one.
 */
#include <errno.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"

#define DYING	"nr_dying_subsys_dmem "
#define MANY	100	/* cgroups: each move to another one takes milliseconds */

FIXTURE(lifetime) {
	struct dmem_test t;
	char *parent, *a, *park;
};

FIXTURE_VARIANT(lifetime) {
	enum dmem_kind kind;
};

FIXTURE_VARIANT_ADD(lifetime, cma) {
	.kind = DMEM_CMA,
};

FIXTURE_VARIANT_ADD(lifetime, system) {
	.kind = DMEM_SYSTEM,
};

FIXTURE_SETUP(lifetime)
{
	int ret = dmem_begin(&self->t, variant->kind);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	self->parent = cg_name(self->t.cg, "parent");
	self->a = cg_name(self->parent, "a");
	self->park = cg_name(self->t.cg, "park");
	EXPECT_EQ(0, cg_create_parent(self->parent));
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_create(self->park));
	EXPECT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(lifetime)
{
	dmem_end(&self->t);
}

TEST_F(lifetime, rmdir_with_buffers)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	int old, new;

	ASSERT_EQ(0, dmem_set_max(self->parent, region, 8 * t->page));
	ASSERT_EQ(0, dmem_set_max(self->a, region, 6 * t->page));
	old = heap_alloc(t->heap_fd, 5 * t->page);
	ASSERT_LE(0, old);
	ASSERT_EQ(0, cg_enter_current(self->park));
	ASSERT_EQ(0, cg_destroy(self->a));
	EXPECT_EQ(5 * t->page, dmem_current(self->parent, region));
	EXPECT_EQ(5 * t->page, dmem_current(t->cg, region));

	/* The same path: the usage and the limit are new, the parent's are not. */
	ASSERT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, dmem_current(self->a, region));
	EXPECT_EQ(0, dmem_peak(self->a, region));
	EXPECT_EQ(DMEM_MAX, dmem_read(self->a, "dmem.max", region));
	ASSERT_EQ(0, cg_enter_current(self->a));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 4 * t->page));
	new = heap_alloc(t->heap_fd, 3 * t->page);
	ASSERT_LE(0, new);
	EXPECT_EQ(3 * t->page, dmem_current(self->a, region));
	EXPECT_EQ(8 * t->page, dmem_current(self->parent, region));

	close(old);
	EXPECT_EQ(3 * t->page, dmem_current(self->a, region));
	EXPECT_EQ(3 * t->page, dmem_current(self->parent, region));
	close(new);
	EXPECT_EQ(0, dmem_current(self->a, region));
	EXPECT_EQ(0, dmem_current(self->parent, region));
	EXPECT_EQ(0, dmem_current(t->cg, region));
}

/* The whole branch is removed; the ancestors are still charged. */
TEST_F(lifetime, rmdir_of_a_branch)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long root = dmem_current(t->root, region);
	char *map;
	int fd;

	fd = heap_alloc(t->heap_fd, 4 * t->page);
	ASSERT_LE(0, fd);
	map = mmap(NULL, 4 * t->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   0);
	ASSERT_TRUE(map != MAP_FAILED);
	close(fd);
	ASSERT_EQ(0, cg_enter_current(self->park));
	ASSERT_EQ(0, cg_destroy(self->a));
	ASSERT_EQ(0, cg_destroy(self->parent));
	EXPECT_EQ(4 * t->page, dmem_current(t->cg, region));
	expect_root(_metadata, t, region, root, 4 * t->page);
	EXPECT_EQ(2, cg_read_key_long(t->cg, "cgroup.stat", DYING));
	memset(map, 1, 4 * t->page);
	EXPECT_EQ(0, munmap(map, 4 * t->page));
	EXPECT_EQ(0, dmem_current(t->cg, region));
	expect_root(_metadata, t, region, root, 0);
	EXPECT_EQ(0, cg_wait_dying(t->cg, 0));
}

/* A removed cgroup stays as long as its buffers do, and no longer. */
TEST_F(lifetime, dying_as_long_as_charged)
{
	struct dmem_test *t = &self->t;
	int fd[8], i;

	ASSERT_EQ(0, cg_enter_current(self->park));
	for (i = 0; i < 8; i++) {
		char *cg = cg_name_indexed(self->parent, "dying", i);

		ASSERT_EQ(0, cg_create(cg));
		fd[i] = cg_alloc(cg, t->heap_fd, t->page);
		ASSERT_LE(0, fd[i]);
		ASSERT_EQ(0, cg_destroy(cg));
		free(cg);
	}
	EXPECT_EQ(8, cg_wait_dying(self->parent, 8));
	sleep_ms(500);
	EXPECT_EQ(8, cg_wait_dying(self->parent, 8));
	EXPECT_EQ(8 * t->page, dmem_current(self->parent, t->heap.region));
	for (i = 0; i < 8; i++) {
		close(fd[i]);
		EXPECT_EQ((7 - i) * t->page,
			  dmem_current(self->parent, t->heap.region));
	}
	EXPECT_EQ(0, cg_wait_dying(self->parent, 0));
}

/* Many cgroups are created, every other one is removed while its buffer lives. */
TEST_F_TIMEOUT(lifetime, come_and_go, 60)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	char *cg, *old = NULL;
	int old_fd = -1, i;

	ASSERT_EQ(0, cg_read_key_long(self->parent, "cgroup.stat", DYING));
	for (i = 0; i <= MANY; i++) {
		/*
		 * One move serves two cgroups, as the moves take most of the
		 * time.
		 */
		cg = i < MANY ? cg_name_indexed(self->parent, "many", i) :
					 self->park;
		if (i < MANY)
			ASSERT_EQ(0, cg_create(cg));
		ASSERT_EQ(0, cg_enter_current(cg));
		if (old) {
			ASSERT_EQ(t->page, dmem_current(old, region));
			if (i & 1)
				close(old_fd);
			ASSERT_EQ(0, cg_destroy(old));
			free(old);
			if (!(i & 1)) {
				ASSERT_EQ(t->page,
					  dmem_current(self->parent, region));
				close(old_fd);
			}
		}
		ASSERT_EQ(0, dmem_current(self->parent, region));
		if (i == MANY)
			break;
		old = cg;
		old_fd = heap_alloc(t->heap_fd, t->page);
		ASSERT_LE(0, old_fd);
	}
	EXPECT_EQ(0, cg_wait_dying(self->parent, 0));
	EXPECT_EQ(0, dmem_current(self->parent, region));
	EXPECT_EQ(t->page, dmem_peak(self->parent, region));
}

TEST_HARNESS_MAIN
