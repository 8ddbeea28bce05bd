// SPDX-License-Identifier: GPL-2.0
/*
 * dmem.events and dmem.events.local: every refusal is counted once, for its one
 * reason, in its cgroup and in all ancestors, and nothing else is counted.
 *
 * dmem.stat: a cgroup's own charge, and the charges of removed cgroups below it,
 * at every moment from rmdir on and at every level.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"
#include "dmem_expect_events.h"

/*
 * slice
 *   box	may have processes until a test enables dmem in it
 *     a	use_box() enables it, creates these, and
 *     b	enters a
 *   c
 */
FIXTURE(events) {
	struct dmem_test t;
	const char *region;
	long long page;
	char *slice, *box, *a, *b, *c;
};

FIXTURE_VARIANT(events) { enum dmem_kind kind; };
FIXTURE_VARIANT_ADD(events, cma) { .kind = DMEM_CMA };
FIXTURE_VARIANT_ADD(events, system) { .kind = DMEM_SYSTEM };

FIXTURE_SETUP(events)
{
	begin_or_skip(_metadata, &self->t, variant->kind);
	self->region = self->t.heap.region;
	self->page = self->t.page;
	self->slice = new_cgroup(_metadata, cg_create_parent, self->t.cg, "slice");
	self->box = new_cgroup(_metadata, cg_create, self->slice, "box");
	self->a = cg_name(self->box, "a");
	self->b = cg_name(self->box, "b");
	self->c = new_cgroup(_metadata, cg_create, self->slice, "c");
	if (cg_read_strstr(self->slice, "dmem.events", "") ||
	    cg_read_strstr(self->slice, "dmem.stat", "")) {
		dmem_end(&self->t);
		SKIP(return, "the kernel has no dmem.events or no dmem.stat");
	}
}

FIXTURE_TEARDOWN(events)
{
	dmem_end(&self->t);
}

#define EVENTS	FIXTURE_DATA(events)

static void use_box(struct __test_metadata *_metadata, EVENTS *self)
{
	ASSERT_EQ(0, cg_write(self->box, SUBTREE_CONTROL, "+dmem"));
	ASSERT_EQ(0, cg_create(self->a));
	ASSERT_EQ(0, cg_create(self->b));
	ASSERT_EQ(0, cg_enter_current(self->a));
}

#define SET_MAX(cg, bytes) ASSERT_EQ(0, dmem_set_max(cg, self->region, bytes))
#define ALLOC(pages) heap_alloc(self->t.heap_fd, (pages) * self->page)
#define EXPECT_EVENTS(cg, ...) expect_events(_metadata, self->region, cg, __VA_ARGS__)
#define EXPECT_LOCAL(cg, ...) expect_local(_metadata, self->region, cg, __VA_ARGS__)
#define EXPECT_NONE(cg) expect_no_events(_metadata, self->region, cg)
#define EXPECT_STAT(cg, ...) expect_stat(_metadata, &self->t, cg, __VA_ARGS__)
/* current = local + current of the children + dying - dying of the children */
#define EXPECT_IDENTITY() expect_identity(_metadata, &self->t, self->t.cg)

/* Events of a, counted at each level above it, but not beside it */
#define EXPECT_ABOVE(...) do {						\
	EXPECT_EVENTS(self->box, __VA_ARGS__);				\
	EXPECT_EVENTS(self->slice, __VA_ARGS__);			\
	EXPECT_EVENTS(self->t.cg, __VA_ARGS__);				\
	EXPECT_NONE(self->b);						\
	EXPECT_NONE(self->c);						\
} while (0)

/* A buffer that is charged to cg, where no process remains */
static int take(struct __test_metadata *_metadata, const EVENTS *self, const char *cg, int pages)
{
	int fd = cg_alloc(cg, self->t.heap_fd, pages * self->page);

	ASSERT_LE(0, fd);
	return fd;
}

#define TAKE(cg, pages) take(_metadata, self, cg, pages)

TEST_F(events, files)
{
	static const struct {
		const char *name, *keys;
	} files[] = {
		{ "dmem.events", " max=0 alloc_fail=0 exhausted=0" },
		{ "dmem.events.local", " max=0 alloc_fail=0 exhausted=0" },
		{ "dmem.stat", " local=0 dying=0" },
	};
	unsigned int i;

	use_box(_metadata, self);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		char *path = cg_name(self->t.root, files[i].name);

		expect_format(_metadata, &self->t, self->a, files[i].name, files[i].keys);
		expect_format(_metadata, &self->t, self->box, files[i].name, files[i].keys);
		/* The root has charges, but no limit. */
		EXPECT_EQ(i == 2 ? 0 : -1, access(path, F_OK));
		free(path);
	}
	EXPECT_LE(0, stat_of(&self->t, self->t.root, "local"));
	EXPECT_LE(0, stat_of(&self->t, self->t.root, "dying"));
	EXPECT_GT(0, cg_write(self->t.root, "dmem.stat", "0"));
}

TEST_F(events, own_limit)
{
	int fd, i;

	use_box(_metadata, self);
	SET_MAX(self->a, 4 * self->page);
	fd = ALLOC(3);
	ASSERT_LE(0, fd);
	EXPECT_NONE(self->a);
	for (i = 1; i <= 3; i++) {
		/* By one page or by far: one request counts one. */
		EXPECT_EQ(-ENOMEM, ALLOC(i == 1 ? 2 : 512));
		EXPECT_EVENTS(self->a, i, i, 0);
		EXPECT_LOCAL(self->a, i, i, 0);
		EXPECT_ABOVE(i, i, 0);
		EXPECT_LOCAL(self->box, 0, 0, 0);
		EXPECT_LOCAL(self->slice, 0, 0, 0);
		EXPECT_LOCAL(self->t.cg, 0, 0, 0);
		/* No other file shows the refusal, so the counter is necessary. */
		EXPECT_EQ(3 * self->page, dmem_current(self->a, self->region));
		EXPECT_EQ(3 * self->page, dmem_peak(self->a, self->region));
		EXPECT_EQ(3 * self->page, dmem_peak(self->t.cg, self->region));
	}
	close(fd);
	EXPECT_EVENTS(self->a, 3, 3, 0);

	/* Events are never undone, by a limit, a usage or a move. */
	SET_MAX(self->a, DMEM_MAX);
	ASSERT_EQ(0, cg_enter_current(self->b));
	EXPECT_EVENTS(self->a, 3, 3, 0);
	EXPECT_LOCAL(self->a, 3, 3, 0);
	EXPECT_ABOVE(3, 3, 0);
}

/* "max" counts in the cgroup of the limit, "alloc_fail" in that of the caller. */
TEST_F(events, ancestors_limit)
{
	use_box(_metadata, self);
	SET_MAX(self->slice, self->page);
	EXPECT_EQ(-ENOMEM, ALLOC(2));
	EXPECT_LOCAL(self->slice, 1, 0, 0);
	EXPECT_EVENTS(self->slice, 1, 1, 0);
	EXPECT_LOCAL(self->a, 0, 1, 0);
	EXPECT_EVENTS(self->a, 0, 1, 0);
	EXPECT_LOCAL(self->box, 0, 0, 0);
	EXPECT_EVENTS(self->box, 0, 1, 0);
	EXPECT_LOCAL(self->t.cg, 0, 0, 0);
	EXPECT_EVENTS(self->t.cg, 1, 1, 0);
	EXPECT_NONE(self->b);
	EXPECT_NONE(self->c);

	/* Another one below the same limit. */
	ASSERT_EQ(0, cg_enter_current(self->c));
	EXPECT_EQ(-ENOMEM, ALLOC(2));
	EXPECT_LOCAL(self->c, 0, 1, 0);
	EXPECT_EVENTS(self->c, 0, 1, 0);
	EXPECT_LOCAL(self->slice, 2, 0, 0);
	EXPECT_EVENTS(self->slice, 2, 2, 0);
	EXPECT_LOCAL(self->a, 0, 1, 0);
	EXPECT_EVENTS(self->box, 0, 1, 0);
}

/* Of limits at several levels only the lowest refuses, as it is checked first. */
TEST_F(events, lowest_limit_counts)
{
	use_box(_metadata, self);
	SET_MAX(self->box, self->page);
	SET_MAX(self->slice, 0);
	EXPECT_EQ(-ENOMEM, ALLOC(2));
	EXPECT_LOCAL(self->box, 1, 0, 0);
	EXPECT_LOCAL(self->slice, 0, 0, 0);
	EXPECT_LOCAL(self->a, 0, 1, 0);
	EXPECT_EVENTS(self->a, 0, 1, 0);
	EXPECT_ABOVE(1, 1, 0);

	/* Box grants this, and slice does not. */
	EXPECT_EQ(-ENOMEM, ALLOC(1));
	EXPECT_LOCAL(self->box, 1, 0, 0);
	EXPECT_EVENTS(self->box, 1, 2, 0);
	EXPECT_LOCAL(self->slice, 1, 0, 0);
	EXPECT_EVENTS(self->slice, 2, 2, 0);
	EXPECT_LOCAL(self->a, 0, 2, 0);
	EXPECT_EQ(0, dmem_current(self->t.cg, self->region));
}

/* Only requests are counted: neither writes of a limit nor a usage above it. */
TEST_F(events, granted_and_lowered)
{
	int fd, more;

	use_box(_metadata, self);
	SET_MAX(self->a, 4 * self->page);
	fd = ALLOC(4);
	ASSERT_LE(0, fd);
	SET_MAX(self->a, self->page);
	EXPECT_EQ(4 * self->page, dmem_current(self->a, self->region));
	EXPECT_NONE(self->a);
	EXPECT_ABOVE(0, 0, 0);
	EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, 1));
	EXPECT_EVENTS(self->a, 1, 1, 0);
	SET_MAX(self->a, 0);
	EXPECT_EVENTS(self->a, 1, 1, 0);
	EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, 1));
	EXPECT_LOCAL(self->a, 2, 2, 0);
	SET_MAX(self->a, 5 * self->page);
	more = ALLOC(1);
	ASSERT_LE(0, more);
	EXPECT_EVENTS(self->a, 2, 2, 0);
	EXPECT_ABOVE(2, 2, 0);
	close(more);
	close(fd);
	EXPECT_EVENTS(self->a, 2, 2, 0);
}

/* Larger than the region. A limit that refuses the request is the reason. */
TEST_F(events, beyond_region)
{
	long long size = dmem_read(self->t.root, "dmem.capacity", self->region);
	long long half = size / 2 / self->page * self->page;
	int max = 0, exhausted = 0, i;

	use_box(_metadata, self);
	ASSERT_LT(0, size);
	/* An ancestor's limit, and then none; three times a size that is. */
	for (i = 0; i < 2; i++) {
		SET_MAX(self->box, half);
		EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, 3 * size));
		max++;
		EXPECT_LOCAL(self->box, max, 0, 0);
		EXPECT_LOCAL(self->a, 0, max, exhausted);
		EXPECT_EVENTS(self->a, 0, max, exhausted);
		EXPECT_ABOVE(max, max, exhausted);
		SET_MAX(self->box, DMEM_MAX);
		EXPECT_EQ(-ENOMEM, heap_alloc(self->t.heap_fd, 3 * size));
		exhausted++;
		EXPECT_LOCAL(self->box, max, 0, 0);
		EXPECT_LOCAL(self->a, 0, max, exhausted);
		EXPECT_EVENTS(self->a, 0, max, exhausted);
		EXPECT_ABOVE(max, max, exhausted);
	}
	EXPECT_EQ(0, dmem_current(self->t.cg, self->region));
	EXPECT_EQ(0, dmem_peak(self->t.cg, self->region));
}

/* Errors that are not due to a lack of memory in a region */
TEST_F(events, other_errors)
{
	struct rlimit old, none;

	use_box(_metadata, self);
	SET_MAX(self->a, 4 * self->page);
	EXPECT_EQ(-EINVAL, heap_alloc(self->t.heap_fd, 0));
	EXPECT_EQ(-EINVAL, heap_alloc_flags(self->t.heap_fd, 64LL << 20, O_RDWR | O_APPEND, 0));
	EXPECT_EQ(-EINVAL, heap_alloc_flags(self->t.heap_fd, 64LL << 20, O_RDWR, 1ULL << 63));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = 0;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, ALLOC(1));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(self->page, dmem_peak(self->a, self->region));
	EXPECT_EQ(0, dmem_current(self->a, self->region));
	EXPECT_NONE(self->a);
	EXPECT_ABOVE(0, 0, 0);
}

/* A new cgroup of the same name has no events; its ancestors keep theirs. */
TEST_F(events, created_again)
{
	use_box(_metadata, self);
	SET_MAX(self->a, 0);
	EXPECT_EQ(-ENOMEM, ALLOC(1));
	EXPECT_EVENTS(self->a, 1, 1, 0);
	ASSERT_EQ(0, cg_enter_current(self->b));
	ASSERT_EQ(0, cg_destroy(self->a));
	EXPECT_ABOVE(1, 1, 0);
	EXPECT_EQ(0, cg_wait_dying(self->t.cg, 0));
	ASSERT_EQ(0, cg_create(self->a));
	EXPECT_NONE(self->a);
	ASSERT_EQ(0, cg_enter_current(self->a));
	SET_MAX(self->a, 0);
	EXPECT_EQ(-ENOMEM, ALLOC(1));
	EXPECT_EVENTS(self->a, 1, 1, 0);
	EXPECT_ABOVE(2, 2, 0);
}

/* Without the controller, requests count in the nearest ancestor with it. */
TEST_F(events, not_delegated)
{
	char *leaf = cg_name(self->a, "leaf");

	use_box(_metadata, self);
	ASSERT_EQ(0, cg_create(leaf));
	ASSERT_EQ(0, cg_enter_current(leaf));
	SET_MAX(self->box, 0);
	EXPECT_EQ(-ENOMEM, ALLOC(1));
	EXPECT_LOCAL(self->a, 0, 1, 0);
	EXPECT_ABOVE(1, 1, 0);
	free(leaf);
}

/* Local excludes children, but includes those without the controller. */
TEST_F(events, local)
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
	ASSERT_EQ(0, cg_write(self->box, SUBTREE_CONTROL, "+dmem"));
	EXPECT_STAT(self->box, 3, 3, 0);
	EXPECT_STAT(child, 0, 0, 0);
	ASSERT_EQ(0, cg_create(leaf));
	below = TAKE(leaf, 4);
	EXPECT_STAT(child, 4, 4, 0);
	EXPECT_STAT(self->box, 7, 3, 0);
	EXPECT_STAT(self->slice, 7, 0, 0);
	EXPECT_STAT(self->t.cg, 7, 0, 0);
	EXPECT_STAT(self->c, 0, 0, 0);
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
TEST_F(events, refused)
{
	long long capacity = dmem_read(self->t.root, "dmem.capacity", self->region);

	SET_MAX(self->slice, 2 * self->page);
	EXPECT_EQ(-ENOMEM, cg_alloc(self->box, self->t.heap_fd, 3 * self->page));
	EXPECT_STAT(self->box, 0, 0, 0);
	EXPECT_STAT(self->slice, 0, 0, 0);
	SET_MAX(self->slice, DMEM_MAX);
	EXPECT_EQ(-ENOMEM, cg_alloc(self->box, self->t.heap_fd, 3 * capacity));
	EXPECT_STAT(self->box, 0, 0, 0);
	EXPECT_EQ(0, dmem_peak(self->slice, self->region));
	EXPECT_IDENTITY();
}

/* Other cgroups may have charges in a region that is not the tests' own. */
static void expect_root_dying(struct __test_metadata *_metadata, const EVENTS *self,
			      long long before, int pages)
{
	long long dying = stat_of(&self->t, self->t.root, "dying");

	EXPECT_LE(pages * self->page, dying);
	if (region_is_private(self->region))
		EXPECT_EQ(before + pages * self->page, dying);
}

/* Changes show at once in all ancestors, buffer by buffer, and nowhere else. */
TEST_F(events, removed)
{
	long long root = stat_of(&self->t, self->t.root, "dying");
	int fd[4], i, left;

	ASSERT_EQ(0, cg_write(self->box, SUBTREE_CONTROL, "+dmem"));
	ASSERT_EQ(0, cg_create(self->a));
	for (i = 0; i < 4; i++)
		fd[i] = TAKE(self->a, i + 1);
	EXPECT_STAT(self->a, 10, 10, 0);
	EXPECT_STAT(self->box, 10, 0, 0);
	ASSERT_EQ(0, cg_destroy(self->a));
	for (i = 0, left = 10; i < 4; i++) {
		EXPECT_STAT(self->box, left, 0, left);
		EXPECT_STAT(self->slice, left, 0, left);
		EXPECT_STAT(self->t.cg, left, 0, left);
		EXPECT_STAT(self->c, 0, 0, 0);
		expect_root_dying(_metadata, self, root, left);
		EXPECT_EQ(1, cg_read_key_long(self->box, "cgroup.stat", DYING));
		EXPECT_EQ(1, cg_read_key_long(self->slice, "cgroup.stat", DYING));
		EXPECT_IDENTITY();
		/* A new cgroup of the same name is another one. */
		ASSERT_EQ(0, cg_create(self->a));
		EXPECT_STAT(self->a, 0, 0, 0);
		ASSERT_EQ(0, cg_destroy(self->a));
		EXPECT_EQ(1, cg_wait_dying(self->box, 1));
		close(fd[i]);
		left -= i + 1;
	}
	EXPECT_STAT(self->box, 0, 0, 0);
	EXPECT_STAT(self->slice, 0, 0, 0);
	EXPECT_STAT(self->t.cg, 0, 0, 0);
	expect_root_dying(_metadata, self, root, 0);
	EXPECT_EQ(0, cg_wait_dying(self->slice, 0));
}

/*
 * Cgroups are removed at several levels, children first, as the kernel
 * requires. The difference of current and the children's current is none of
 * these figures.
 */
TEST_F(events, tree)
{
	char *e = cg_name(self->c, "e");
	int own, in_a, in_b, in_other, in_e;

	own = TAKE(self->box, 2);
	in_other = TAKE(self->c, 16);
	ASSERT_EQ(0, cg_write(self->box, SUBTREE_CONTROL, "+dmem"));
	ASSERT_EQ(0, cg_write(self->c, SUBTREE_CONTROL, "+dmem"));
	ASSERT_EQ(0, cg_create(self->a));
	ASSERT_EQ(0, cg_create(self->b));
	ASSERT_EQ(0, cg_create(e));
	in_a = TAKE(self->a, 4);
	in_b = TAKE(self->b, 8);
	in_e = TAKE(e, 32);
	EXPECT_IDENTITY();

	ASSERT_EQ(0, cg_destroy(self->a));
	EXPECT_STAT(self->b, 8, 8, 0);
	EXPECT_STAT(self->box, 14, 2, 4);
	EXPECT_STAT(self->slice, 62, 0, 4);
	EXPECT_IDENTITY();
	/* Too much: it includes box's own charge. */
	EXPECT_EQ(6 * self->page, dmem_current(self->box, self->region) -
				    dmem_current(self->b, self->region));
	/* Zero: the children of slice are still charged. */
	EXPECT_EQ(dmem_current(self->slice, self->region),
		  dmem_current(self->box, self->region) + dmem_current(self->c, self->region));

	ASSERT_EQ(0, cg_destroy(e));
	EXPECT_STAT(self->c, 48, 16, 32);
	EXPECT_STAT(self->slice, 62, 0, 36);
	ASSERT_EQ(0, cg_destroy(self->c));
	EXPECT_STAT(self->slice, 62, 0, 52);
	EXPECT_STAT(self->t.cg, 62, 0, 52);
	EXPECT_EQ(3, cg_read_key_long(self->slice, "cgroup.stat", DYING));
	EXPECT_IDENTITY();
	/* Less than slice's dying: charges of box's removed children are not in it. */
	EXPECT_EQ(48 * self->page, dmem_current(self->slice, self->region) -
				     dmem_current(self->box, self->region));

	/* In the parent of one that is dying itself */
	close(in_e);
	EXPECT_STAT(self->slice, 30, 0, 20);
	EXPECT_STAT(self->t.cg, 30, 0, 20);
	EXPECT_IDENTITY();
	ASSERT_EQ(0, cg_destroy(self->b));
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
	free(e);
}

/* Disabling the controller ends the file of the charges as well. */
TEST_F(events, disabled)
{
	int old, own, new;

	ASSERT_EQ(0, cg_write(self->box, SUBTREE_CONTROL, "+dmem"));
	ASSERT_EQ(0, cg_create(self->a));
	old = TAKE(self->a, 3);
	ASSERT_EQ(0, cg_write(self->box, SUBTREE_CONTROL, "-dmem"));
	EXPECT_EQ(-ENOENT, dmem_current(self->a, self->region));
	EXPECT_STAT(self->box, 3, 0, 3);
	EXPECT_STAT(self->slice, 3, 0, 3);
	EXPECT_EQ(1, cg_read_key_long(self->box, "cgroup.stat", DYING));
	own = TAKE(self->a, 4);
	EXPECT_STAT(self->box, 7, 4, 3);

	ASSERT_EQ(0, cg_write(self->box, SUBTREE_CONTROL, "+dmem"));
	EXPECT_STAT(self->a, 0, 0, 0);
	EXPECT_STAT(self->box, 7, 4, 3);
	new = TAKE(self->a, 8);
	EXPECT_STAT(self->a, 8, 8, 0);
	EXPECT_STAT(self->box, 15, 4, 3);
	EXPECT_STAT(self->slice, 15, 0, 3);
	EXPECT_IDENTITY();

	/* The parent loses the controller too, and both get new pool states. */
	ASSERT_EQ(0, cg_write(self->box, SUBTREE_CONTROL, "-dmem"));
	EXPECT_STAT(self->box, 15, 4, 11);
	ASSERT_EQ(0, cg_write(self->slice, SUBTREE_CONTROL, "-dmem"));
	EXPECT_STAT(self->slice, 15, 0, 15);
	ASSERT_EQ(0, cg_write(self->slice, SUBTREE_CONTROL, "+dmem"));
	ASSERT_EQ(0, cg_write(self->box, SUBTREE_CONTROL, "+dmem"));
	EXPECT_STAT(self->a, 0, 0, 0);
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
}

TEST_HARNESS_MAIN
