// SPDX-License-Identifier: GPL-2.0
/*
 * dmem.events counts every refusal also if requests on all CPUs reach one limit at
 * once. cgroup/test_dmem_events tests the counters one by one.
 */
#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect.h"
#include "dmem_expect_events.h"

#define MAX_CPUS	8
#define LEAVES		2
#define RACE_MS		2000
#define PATIENCE_MS	40000	/* a slow machine takes longer to produce a race */
#define OVERLAPS	20

/*
 * box		has a limit
 *   a
 *   b
 */
FIXTURE(events) {
	struct dmem_test t;
	char *box, *leaf[LEAVES];
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
	begin_or_skip(_metadata, &self->t, variant->kind);
	self->box = cg_name(self->t.cg, "box");
	self->leaf[0] = cg_name(self->box, "a");
	self->leaf[1] = cg_name(self->box, "b");
	EXPECT_EQ(0, cg_create_parent(self->box));
	EXPECT_EQ(0, cg_create(self->leaf[0]));
	EXPECT_EQ(0, cg_create(self->leaf[1]));
}

FIXTURE_TEARDOWN(events)
{
	dmem_end(&self->t);
}

/* Shared by all workers of a race */
struct race {
	atomic_int stop;
	atomic_int inside[LEAVES];		/* requests at present */
	atomic_llong granted, other;
	atomic_llong refused[LEAVES];
	/* Of these, the ones that began while a request of the other leaf was under way */
	atomic_llong overlapped[LEAVES];
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
		bool overlap;
		int fd;

		race->inside[w->leaf]++;
		overlap = race->inside[!w->leaf] > 0;
		fd = heap_alloc(w->t->heap_fd, w->t->page);
		race->inside[w->leaf]--;
		if (fd == -ENOMEM) {
			race->refused[w->leaf]++;
			race->overlapped[w->leaf] += overlap;
		} else if (fd < 0) {
			race->other++;
		} else {
			race->granted++;
			close(fd);
		}
	}
	return NULL;
}

static bool was_met(const struct race *race)
{
	return race->granted && race->overlapped[0] >= OVERLAPS &&
	       race->overlapped[1] >= OVERLAPS;
}

/*
 * All workers exhaust their parent's limit: every ENOMEM is counted. A worker returns
 * its page at once, so each refusal is a race with another worker that has it; and the
 * refusals of both leaves increment the parent's counters at the same time.
 */
TEST_F_TIMEOUT(events, race, 60)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	struct race *race = shared_alloc(sizeof(*race));
	int n = cpu_count() < MAX_CPUS ? cpu_count() : MAX_CPUS, i, j;
	long long begin = now_ms(), sum = 0;
	pid_t pid[LEAVES];

	ASSERT_EQ(0, dmem_set_max(self->box, region, t->page));
	for (i = 0; i < LEAVES; i++) {
		struct worker w[MAX_CPUS];

		pid[i] = cg_fork(self->leaf[i]);
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
	while (now_ms() < begin + RACE_MS ||
	       (!was_met(race) && now_ms() < begin + PATIENCE_MS))
		sleep_ms(10);
	race->stop = 1;
	for (i = 0; i < LEAVES; i++) {
		EXPECT_EQ(0, wait_exit(pid[i]));
		expect_local(_metadata, region, self->leaf[i], 0, race->refused[i], 0);
		expect_events(_metadata, region, self->leaf[i], 0, race->refused[i], 0);
		sum += race->refused[i];
		EXPECT_LE(OVERLAPS, race->overlapped[i])
			TH_LOG("no race: of %lld refusals in %s", (long long)race->refused[i],
			       self->leaf[i]);
	}
	EXPECT_EQ(0, race->other);
	EXPECT_LT(0, race->granted);
	expect_local(_metadata, region, self->box, sum, 0, 0);
	expect_events(_metadata, region, self->box, sum, sum, 0);
	expect_local(_metadata, region, t->cg, 0, 0, 0);
	expect_events(_metadata, region, t->cg, sum, sum, 0);
	TH_LOG("%lld granted, %lld refused, of these %lld during a request of the other leaf",
	       (long long)race->granted, sum,
	       (long long)(race->overlapped[0] + race->overlapped[1]));
}

TEST_HARNESS_MAIN
