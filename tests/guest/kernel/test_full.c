// SPDX-License-Identifier: GPL-2.0
/*
 * "exhausted" in dmem.events counts requests that every limit allows, but for
 * which a CMA area has no room, or none in one piece. It counts neither a
 * request that a limit refuses, full area or not, nor one that is served.
 *
 * There is no variant for the system heap: its region is all of RAM. Requests
 * beyond that are in cgroup/test_dmem_events.
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect.h"
#include "dmem_expect_events.h"

#define MAX_FDS		4096
#define MAX_CPUS	8
#define LEAVES		2
#define MISSES		20	/* of a thread, at least */

/*
 * box
 *   a	has no limit
 *   b	nor has this one, and its process has taken all
 */
FIXTURE(full) {
	struct dmem_test t;
	char *box, *a, *b;
	long long available;		/* in pages, as all that follows */
	long long left;
	int fds[MAX_FDS];
	int n;
};

FIXTURE_SETUP(full)
{
	begin_or_skip(_metadata, &self->t, DMEM_CMA);
	self->available = cma_read(self->t.area, "available_pages");
	if (self->available < 0) {
		dmem_end(&self->t);
		SKIP(return, "no CONFIG_CMA_SYSFS");
	}
	self->box = cg_name(self->t.cg, "box");
	self->a = cg_name(self->box, "a");
	self->b = cg_name(self->box, "b");
	EXPECT_EQ(0, cg_create_parent(self->box));
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_create(self->b));
	EXPECT_EQ(0, cg_enter_current(self->b));
}

FIXTURE_TEARDOWN(full)
{
	while (self->n)
		close(self->fds[--self->n]);
	dmem_end(&self->t);
}

#define EXPECT_EVENTS(cg, ...) \
	expect_events(_metadata, self->t.heap.region, cg, __VA_ARGS__)
#define EXPECT_LOCAL(cg, ...) \
	expect_local(_metadata, self->t.heap.region, cg, __VA_ARGS__)

#define FULL	FIXTURE_DATA(full)

/* b takes the whole area, then the process enters a. Returns the refusals of b. */
static long long fill(struct __test_metadata *_metadata, FULL *self)
{
	long long size = self->available / 8 * self->t.page, misses;

	self->n = heap_fill(self->t.heap_fd, size, self->fds, MAX_FDS);
	self->left = cma_read(self->t.area, "available_pages");
	misses = dmem_nested(self->b, "dmem.events", self->t.heap.region, "exhausted");
	EXPECT_LT(0, misses);
	EXPECT_EQ((self->available - self->left) * self->t.page,
		  dmem_current(self->b, self->t.heap.region));
	ASSERT_EQ(0, cg_enter_current(self->a));
	return misses;
}

TEST_F_TIMEOUT(full, no_limit, 60)
{
	struct dmem_test *t = &self->t;
	long long misses = fill(_metadata, self), size = (self->left + 1) * t->page;
	long long fail = cma_read(t->area, "alloc_pages_fail");
	int i;

	EXPECT_EVENTS(self->b, 0, 0, misses);
	EXPECT_LOCAL(self->b, 0, 0, misses);
	EXPECT_EVENTS(self->a, 0, 0, 0);
	for (i = 1; i <= 3; i++) {
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, size));
		EXPECT_EVENTS(self->a, 0, 0, i);
		EXPECT_LOCAL(self->a, 0, 0, i);
		EXPECT_EVENTS(self->b, 0, 0, misses);
		EXPECT_EVENTS(self->box, 0, 0, misses + i);
		EXPECT_LOCAL(self->box, 0, 0, 0);
		EXPECT_EVENTS(t->cg, 0, 0, misses + i);
		EXPECT_LOCAL(t->cg, 0, 0, 0);
		EXPECT_EQ(0, dmem_current(self->a, t->heap.region));
	}
	/* No trace of them is in the peaks. */
	EXPECT_EQ(0, dmem_peak(self->a, t->heap.region));
	EXPECT_EQ(dmem_current(self->b, t->heap.region),
		  dmem_peak(self->box, t->heap.region));
	/* CMA counts them too, although the controller has known it. */
	EXPECT_EQ(fail + 3 * (self->left + 1), cma_read(t->area, "alloc_pages_fail"));
	/* A request that is served is not counted. */
	close(self->fds[0]);
	i = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, i);
	EXPECT_EVENTS(self->a, 0, 0, 3);
	close(i);
	self->fds[0] = -1;

	/* The counted cgroup is not pinned. */
	ASSERT_EQ(0, cg_enter_current(self->b));
	ASSERT_EQ(0, cg_destroy(self->a));
	EXPECT_EQ(0, cg_wait_dying(t->cg, 0));
	EXPECT_EVENTS(self->box, 0, 0, misses + 3);
}

/* There is no room either, but a limit, own or inherited, is the reason. */
TEST_F_TIMEOUT(full, limit, 60)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long misses = fill(_metadata, self), size = (self->left + 1) * t->page;

	ASSERT_EQ(0, dmem_set_max(self->a, region, size - t->page));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, size));
	EXPECT_EVENTS(self->a, 1, 1, 0);
	EXPECT_LOCAL(self->a, 1, 1, 0);
	EXPECT_EVENTS(self->box, 1, 1, misses);

	ASSERT_EQ(0, dmem_set_max(self->a, region, DMEM_MAX));
	ASSERT_EQ(0, dmem_set_max(self->box, region, size));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, size));
	EXPECT_EVENTS(self->a, 1, 2, 0);
	EXPECT_LOCAL(self->box, 1, 0, 0);
	EXPECT_EVENTS(self->box, 2, 2, misses);

	/* A limit that allows it is not the reason. */
	ASSERT_EQ(0, dmem_set_max(self->box, region, DMEM_MAX));
	ASSERT_EQ(0, dmem_set_max(self->a, region, size));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, size));
	EXPECT_EVENTS(self->a, 1, 2, 1);
	EXPECT_LOCAL(self->a, 1, 2, 1);
	EXPECT_EVENTS(self->box, 2, 2, misses + 1);
	EXPECT_EVENTS(t->cg, 2, 2, misses + 1);
	EXPECT_EQ(0, dmem_current(self->a, region));
	EXPECT_EQ(0, dmem_peak(self->a, region));
}

/* Half of the area is free, but no two neighbouring pieces are. */
TEST_F_TIMEOUT(full, fragmented, 60)
{
	struct dmem_test *t = &self->t;
	long long piece = self->available / 64 * t->page, misses, free, peak;
	char words[DMEM_NAME_LEN + 16];
	int i, fd, kmsg;

	/* All pieces have one size, so that they lie side by side. */
	while (self->n < MAX_FDS) {
		fd = heap_alloc(t->heap_fd, piece);
		if (fd < 0)
			break;
		self->fds[self->n++] = fd;
	}
	misses = dmem_nested(self->b, "dmem.events", t->heap.region,
			     "exhausted");
	EXPECT_EQ(1, misses);
	ASSERT_LT(16, self->n);
	for (i = 0; i < self->n; i += 2) {
		close(self->fds[i]);
		self->fds[i] = -1;
	}
	free = cma_read(t->area, "available_pages") * t->page;
	ASSERT_LT(8 * piece, free);

	ASSERT_EQ(0, cg_enter_current(self->a));
	kmsg = kmsg_open();
	ASSERT_LE(0, kmsg)
		TH_LOG("cannot read /dev/kmsg");
	peak = dmem_peak(self->box, t->heap.region);
	/* Its charge stands while the area is searched, and is not in the peak. */
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 4 * piece));
	EXPECT_EQ(0, dmem_peak(self->a, t->heap.region));
	EXPECT_EQ(peak, dmem_peak(self->box, t->heap.region));
	EXPECT_EVENTS(self->a, 0, 0, 1);
	EXPECT_LOCAL(self->a, 0, 0, 1);
	EXPECT_EQ(0, dmem_current(self->a, t->heap.region));
	/* Any user can cause this, and must not fill the log. */
	snprintf(words, sizeof(words), "%s: alloc failed", t->area);
	EXPECT_EQ(0, kmsg_count(kmsg, words));
	close(kmsg);
	EXPECT_EVENTS(self->box, 0, 0, misses + 1);
	EXPECT_LOCAL(self->box, 0, 0, 0);
	/* Small requests are still served. */
	for (i = 0; i < 8; i++) {
		self->fds[2 * i] = heap_alloc(t->heap_fd, piece);
		EXPECT_LE(0, self->fds[2 * i]);
	}
	EXPECT_EVENTS(self->a, 0, 0, 1);
}

/* The root has no such files; its requests count in no other cgroup. */
TEST_F_TIMEOUT(full, root, 60)
{
	struct dmem_test *t = &self->t;
	long long misses = fill(_metadata, self);

	ASSERT_EQ(0, cg_enter_current(t->root));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd,
				      (self->left + 1) * t->page));
	EXPECT_EVENTS(self->a, 0, 0, 0);
	EXPECT_EVENTS(t->cg, 0, 0, misses);
}

/* Shared by all workers */
struct race {
	atomic_int refused[LEAVES], granted[LEAVES], other;
	atomic_int inside[LEAVES];	/* requests at present */
	/* Refusals that began while a request of the other leaf was under way */
	atomic_int overlapped[LEAVES];
	atomic_int begun, stop, done;
};

struct worker {
	struct race *race;
	int heap_fd, index, leaf, workers;
	long long size;
};

/*
 * Allocates until the area is full, and then retries, until the requests of the leaves
 * have met. The first request of each worker comes before the area is full. Keeps the
 * buffers.
 */
static void *drain(void *arg)
{
	struct worker *w = arg;
	struct race *race = w->race;
	bool first = true, overlap;
	int fd, misses = 0;

	cpu_pin(w->index);
	while (misses < MISSES || !race->stop) {
		race->inside[w->leaf]++;
		overlap = race->inside[!w->leaf] > 0;
		fd = heap_alloc(w->heap_fd, w->size);
		race->inside[w->leaf]--;
		if (first) {
			race->begun++;
			while (race->begun < w->workers && !race->stop)
				sched_yield();
			first = false;
		}
		if (fd >= 0) {
			race->granted[w->leaf]++;
			continue;
		}
		misses++;
		if (fd == -ENOMEM) {
			race->refused[w->leaf]++;
			race->overlapped[w->leaf] += overlap;
		} else {
			race->other++;
		}
	}
	return NULL;
}

/* All CPUs drain the area at once: each ENOMEM is counted, and for its leaf. */
TEST_F_TIMEOUT(full, race, 60)
{
	struct dmem_test *t = &self->t;
	const char *leaf[LEAVES] = { self->a, self->b };
	int n = cpu_count() < MAX_CPUS ? cpu_count() : MAX_CPUS, i, j;
	struct race *race = shared_alloc(sizeof(*race));
	/* A slow machine takes longer to produce a race. */
	long long end = now_ms() + 40000, sum = 0;
	pid_t pid[LEAVES];

	for (i = 0; i < LEAVES; i++) {
		struct worker w[MAX_CPUS];

		pid[i] = cg_fork(leaf[i]);
		ASSERT_LE(0, pid[i]);
		if (pid[i])
			continue;
		for (j = 0; j < n; j++) {
			w[j] = (struct worker) {
				.race = race,
				.heap_fd = t->heap_fd,
				.index = j,
				.leaf = i,
				.workers = LEAVES * n,
				.size = self->available / 32 * t->page,
			};
		}
		run_threads(n, drain, w, sizeof(w[0]));
		/* The buffers of this process stay until the other one has its refusals. */
		race->done++;
		while (race->done < LEAVES && now_ms() < end + 10000)
			sleep_ms(2);
		_exit(0);
	}
	while (now_ms() < end &&
	       (race->overlapped[0] < MISSES || race->overlapped[1] < MISSES))
		sleep_ms(2);
	race->stop = 1;
	for (i = 0; i < LEAVES; i++) {
		EXPECT_EQ(0, wait_exit(pid[i]));
		EXPECT_LE(MISSES * n, race->refused[i]);
		/* The refusals of both were counted at the same time. */
		EXPECT_LE(MISSES, race->overlapped[i])
			TH_LOG("no race: of %d refusals in %s", race->refused[i], leaf[i]);
		EXPECT_LE(n, race->granted[i]);
		EXPECT_EVENTS(leaf[i], 0, 0, race->refused[i]);
		EXPECT_LOCAL(leaf[i], 0, 0, race->refused[i]);
		sum += race->refused[i];
	}
	EXPECT_EQ(LEAVES, race->done);
	EXPECT_EQ(0, race->other);
	EXPECT_EVENTS(self->box, 0, 0, sum);
	EXPECT_LOCAL(self->box, 0, 0, 0);
	EXPECT_EVENTS(t->cg, 0, 0, sum);
	TH_LOG("%d and %d granted, %lld refused, of these %d during a request of the other leaf",
	       race->granted[0], race->granted[1], sum,
	       race->overlapped[0] + race->overlapped[1]);
}

TEST_HARNESS_MAIN
