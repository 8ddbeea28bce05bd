// SPDX-License-Identifier: GPL-2.0
/*
 * dmem.events and dmem.events.local: every refusal is counted once, for its one
 * reason, in its cgroup and in all ancestors, and nothing else is counted.
 * test_notify tests the notifications.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect_events.h"

#define MAX_CPUS	8
#define LEAVES		2

/*
 * slice
 *   box
 *     a
 *     b
 *   c
 */
FIXTURE(events) {
	struct dmem_test t;
	char *slice, *box, *a, *b, *c;
};

FIXTURE_VARIANT(events) {
	enum dmem_kind kind;
};

FIXTURE_VARIANT_ADD(events, cma) {
	.kind = DMEM_CMA,
};

FIXTURE_VARIANT_ADD(events, system) {
	.kind = DMEM_SYSTEM,
};

FIXTURE_SETUP(events)
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
	EXPECT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(events)
{
	dmem_end(&self->t);
}

#define EXPECT_EVENTS(cg, ...) \
	expect_events(_metadata, self->t.heap.region, cg, __VA_ARGS__)
#define EXPECT_LOCAL(cg, ...) \
	expect_local(_metadata, self->t.heap.region, cg, __VA_ARGS__)
#define EXPECT_NONE(cg) \
	expect_no_events(_metadata, self->t.heap.region, cg)

/* Events of a, counted at each level above it, but not beside it */
#define EXPECT_ABOVE(...) do {						\
	EXPECT_EVENTS(self->box, __VA_ARGS__);				\
	EXPECT_EVENTS(self->slice, __VA_ARGS__);			\
	EXPECT_EVENTS(self->t.cg, __VA_ARGS__);				\
	EXPECT_NONE(self->b);						\
	EXPECT_NONE(self->c);						\
} while (0)

/* The root has no limit, and so none of the files. */
TEST_F(events, files)
{
	static const char * const files[] = {
		"dmem.events", "dmem.events.local"
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		char *path = cg_name(self->t.root, files[i]);

		EXPECT_EQ(-1, access(path, F_OK));
		free(path);
		expect_format(_metadata, &self->t, self->a, files[i],
			      " max=0 alloc_fail=0 exhausted=0");
		expect_format(_metadata, &self->t, self->box, files[i],
			      " max=0 alloc_fail=0 exhausted=0");
	}
}

TEST_F(events, own_limit)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	int fd, i;

	ASSERT_EQ(0, dmem_set_max(self->a, region, 4 * t->page));
	fd = heap_alloc(t->heap_fd, 3 * t->page);
	ASSERT_LE(0, fd);
	EXPECT_NONE(self->a);
	for (i = 1; i <= 3; i++) {
		/* By one page or by far: one request counts one. */
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, i == 1 ? 2 * t->page :
					      2 << 20));
		EXPECT_EVENTS(self->a, i, i, 0);
		EXPECT_LOCAL(self->a, i, i, 0);
		EXPECT_ABOVE(i, i, 0);
		EXPECT_LOCAL(self->box, 0, 0, 0);
		EXPECT_LOCAL(self->slice, 0, 0, 0);
		EXPECT_LOCAL(t->cg, 0, 0, 0);
		/* No other file shows the refusal, so the counter is necessary. */
		EXPECT_EQ(3 * t->page, dmem_current(self->a, region));
		EXPECT_EQ(3 * t->page, dmem_peak(self->a, region));
		EXPECT_EQ(3 * t->page, dmem_peak(t->cg, region));
	}
	close(fd);
	EXPECT_EVENTS(self->a, 3, 3, 0);

	/* Events are never undone, by a limit, a usage or a move. */
	ASSERT_EQ(0, dmem_set_max(self->a, region, DMEM_MAX));
	ASSERT_EQ(0, cg_enter_current(self->b));
	EXPECT_EVENTS(self->a, 3, 3, 0);
	EXPECT_LOCAL(self->a, 3, 3, 0);
	EXPECT_ABOVE(3, 3, 0);
}

/* "max" counts in the cgroup of the limit, "alloc_fail" in that of the caller. */
TEST_F(events, ancestors_limit)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;

	ASSERT_EQ(0, dmem_set_max(self->slice, region, t->page));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 2 * t->page));
	EXPECT_LOCAL(self->slice, 1, 0, 0);
	EXPECT_EVENTS(self->slice, 1, 1, 0);
	EXPECT_LOCAL(self->a, 0, 1, 0);
	EXPECT_EVENTS(self->a, 0, 1, 0);
	EXPECT_LOCAL(self->box, 0, 0, 0);
	EXPECT_EVENTS(self->box, 0, 1, 0);
	EXPECT_LOCAL(t->cg, 0, 0, 0);
	EXPECT_EVENTS(t->cg, 1, 1, 0);
	EXPECT_NONE(self->b);
	EXPECT_NONE(self->c);

	/* Another one below the same limit. */
	ASSERT_EQ(0, cg_enter_current(self->c));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 2 * t->page));
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
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;

	ASSERT_EQ(0, dmem_set_max(self->box, region, t->page));
	ASSERT_EQ(0, dmem_set_max(self->slice, region, 0));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 2 * t->page));
	EXPECT_LOCAL(self->box, 1, 0, 0);
	EXPECT_LOCAL(self->slice, 0, 0, 0);
	EXPECT_LOCAL(self->a, 0, 1, 0);
	EXPECT_EVENTS(self->a, 0, 1, 0);
	EXPECT_ABOVE(1, 1, 0);

	/* Box grants this, and slice does not. */
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, t->page));
	EXPECT_LOCAL(self->box, 1, 0, 0);
	EXPECT_EVENTS(self->box, 1, 2, 0);
	EXPECT_LOCAL(self->slice, 1, 0, 0);
	EXPECT_EVENTS(self->slice, 2, 2, 0);
	EXPECT_LOCAL(self->a, 0, 2, 0);
	EXPECT_EQ(0, dmem_current(t->cg, region));
}

/* Only requests are counted: neither writes of a limit nor a usage above it. */
TEST_F(events, granted_and_lowered)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	int fd, more;

	ASSERT_EQ(0, dmem_set_max(self->a, region, 4 * t->page));
	fd = heap_alloc(t->heap_fd, 4 * t->page);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, dmem_set_max(self->a, region, t->page));
	EXPECT_EQ(4 * t->page, dmem_current(self->a, region));
	EXPECT_NONE(self->a);
	EXPECT_ABOVE(0, 0, 0);
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 1));
	EXPECT_EVENTS(self->a, 1, 1, 0);
	ASSERT_EQ(0, dmem_set_max(self->a, region, 0));
	EXPECT_EVENTS(self->a, 1, 1, 0);
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 1));
	EXPECT_LOCAL(self->a, 2, 2, 0);
	ASSERT_EQ(0, dmem_set_max(self->a, region, 5 * t->page));
	more = heap_alloc(t->heap_fd, t->page);
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
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long size = dmem_read(t->root, "dmem.capacity", region);
	long long half = size / 2 / t->page * t->page;
	int max = 0, exhausted = 0, i;

	ASSERT_LT(0, size);
	/* An ancestor's limit, and then none; three times a size that is. */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, dmem_set_max(self->box, region, half));
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 3 * size));
		max++;
		EXPECT_LOCAL(self->box, max, 0, 0);
		EXPECT_LOCAL(self->a, 0, max, exhausted);
		EXPECT_EVENTS(self->a, 0, max, exhausted);
		EXPECT_ABOVE(max, max, exhausted);
		ASSERT_EQ(0, dmem_set_max(self->box, region, DMEM_MAX));
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 3 * size));
		exhausted++;
		EXPECT_LOCAL(self->box, max, 0, 0);
		EXPECT_LOCAL(self->a, 0, max, exhausted);
		EXPECT_EVENTS(self->a, 0, max, exhausted);
		EXPECT_ABOVE(max, max, exhausted);
	}
	EXPECT_EQ(0, dmem_current(t->cg, region));
	EXPECT_EQ(0, dmem_peak(t->cg, region));
}

/* Errors that are not due to a lack of memory in a region */
TEST_F(events, other_errors)
{
	struct dmem_test *t = &self->t;
	struct rlimit old, none;

	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, 4 * t->page));
	EXPECT_EQ(-EINVAL, heap_alloc(t->heap_fd, 0));
	EXPECT_EQ(-EINVAL, heap_alloc_flags(t->heap_fd, 64LL << 20,
					    O_RDWR | O_APPEND, 0));
	EXPECT_EQ(-EINVAL, heap_alloc_flags(t->heap_fd, 64LL << 20, O_RDWR,
					    1ULL << 63));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = 0;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, heap_alloc(t->heap_fd, t->page));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(t->page, dmem_peak(self->a, t->heap.region));
	EXPECT_NONE(self->a);
	EXPECT_ABOVE(0, 0, 0);
}

/* A new cgroup of the same name has no events; its ancestors keep theirs. */
TEST_F(events, created_again)
{
	struct dmem_test *t = &self->t;

	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, 0));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, t->page));
	EXPECT_EVENTS(self->a, 1, 1, 0);
	ASSERT_EQ(0, cg_enter_current(self->b));
	ASSERT_EQ(0, cg_destroy(self->a));
	EXPECT_ABOVE(1, 1, 0);
	EXPECT_EQ(0, cg_wait_dying(t->cg, 0));
	ASSERT_EQ(0, cg_create(self->a));
	EXPECT_NONE(self->a);
	ASSERT_EQ(0, cg_enter_current(self->a));
	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, 0));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, t->page));
	EXPECT_EVENTS(self->a, 1, 1, 0);
	EXPECT_ABOVE(2, 2, 0);
}

/* Without the controller, requests count in the nearest ancestor with it. */
TEST_F(events, not_delegated)
{
	struct dmem_test *t = &self->t;
	char *leaf = cg_name(self->a, "leaf");

	ASSERT_EQ(0, cg_create(leaf));
	ASSERT_EQ(0, cg_enter_current(leaf));
	ASSERT_EQ(0, dmem_set_max(self->box, t->heap.region, 0));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, t->page));
	EXPECT_LOCAL(self->a, 0, 1, 0);
	EXPECT_ABOVE(1, 1, 0);
	free(leaf);
}

/* Shared by all workers of a race */
struct race {
	atomic_int stop;
	atomic_llong granted, other;
	atomic_llong refused[LEAVES];
};

struct worker {
	struct dmem_test *t;
	struct race *race;
	int index, leaf;
};

static void *ask(void *arg)
{
	struct worker *w = arg;
	struct race *race = w->race;

	cpu_pin(w->index);
	while (!race->stop) {
		int fd = heap_alloc(w->t->heap_fd, w->t->page);

		if (fd == -ENOMEM)
			race->refused[w->leaf]++;
		else if (fd < 0)
			race->other++;
		else
			race->granted++;
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

/*
 * All workers exhaust their parent's limit: every ENOMEM is counted. A worker returns its
 * page at once, so each refusal is a race with another worker that has it.
 */
TEST_F_TIMEOUT(events, race, 60)
{
	struct dmem_test *t = &self->t;
	char *leaf[LEAVES] = { self->a, self->b };
	struct race *race = shared_alloc(sizeof(*race));
	int n = t->cpus < MAX_CPUS ? t->cpus : MAX_CPUS, i, j;
	long long end = now_ms() + 40000, sum = 0;
	pid_t pid[LEAVES];

	ASSERT_EQ(0, dmem_set_max(self->box, t->heap.region, t->page));
	for (i = 0; i < LEAVES; i++) {
		struct worker w[MAX_CPUS];

		pid[i] = cg_fork(leaf[i]);
		ASSERT_LE(0, pid[i]);
		if (pid[i])
			continue;
		for (j = 0; j < n; j++) {
			w[j] = (struct worker) {
				.t = t, .race = race, .index = j, .leaf = i,
			};
		}
		run_threads(n, ask, w, sizeof(w[0]));
		_exit(0);
	}
	sleep_ms(2000);
	/* A slow machine takes longer to produce a race. */
	while (now_ms() < end && (!race->granted || !race->refused[0] || !race->refused[1]))
		sleep_ms(10);
	race->stop = 1;
	for (i = 0; i < LEAVES; i++) {
		EXPECT_EQ(0, wait_exit(pid[i]));
		EXPECT_LT(0, race->refused[i]);
		EXPECT_LOCAL(leaf[i], 0, race->refused[i], 0);
		EXPECT_EVENTS(leaf[i], 0, race->refused[i], 0);
		sum += race->refused[i];
	}
	EXPECT_EQ(0, race->other);
	EXPECT_LT(0, race->granted);
	EXPECT_LOCAL(self->box, sum, 0, 0);
	EXPECT_EVENTS(self->box, sum, sum, 0);
	EXPECT_LOCAL(self->slice, 0, 0, 0);
	EXPECT_EVENTS(self->slice, sum, sum, 0);
	EXPECT_EVENTS(t->cg, sum, sum, 0);
	EXPECT_NONE(self->c);
	TH_LOG("%lld granted, %lld refused", (long long)race->granted, sum);
}

TEST_HARNESS_MAIN
