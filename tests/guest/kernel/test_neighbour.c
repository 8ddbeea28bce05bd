// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that must fail, next to requests that must not: below one limit, a
 * cgroup repeats a request that the limit refuses, on all CPUs and at the lowest
 * priority, while another one allocates single pages at a real-time priority. The
 * refused requests must not use up the limit, not even for the moment in which
 * they are refused.
 *
 * DMEM_ROUNDS in the environment is the number of pages.
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect.h"

#define MAX_CPUS	64
#define LEVELS		24	/* between the two limits of a deep tree */

/* Shared with the children. */
struct shared {
	atomic_int stop;
	atomic_llong refused, granted, other;	/* oversized requests */
	atomic_llong done, failed;		/* single pages */
};

FIXTURE(neighbour) {
	struct dmem_test t;
	struct shared *s;
	char *top, *parent, *big, *small;	/* top has the limit that refuses */
	long long limit, ask;
	int cpus;
};

FIXTURE_VARIANT(neighbour) {
	enum dmem_kind kind;
	long long rounds;
	int levels;
};

/* CMA flushes the lists of all CPUs for each allocation. */
FIXTURE_VARIANT_ADD(neighbour, cma) {
	.kind = DMEM_CMA,
	.rounds = 200,
};

FIXTURE_VARIANT_ADD(neighbour, system) {
	.kind = DMEM_SYSTEM,
	.rounds = 5000,
};

/*
 * The limit of the parent allows the request, and one far above it does not: a charge
 * that goes up level by level would be in the parent's counter all that time.
 */
FIXTURE_VARIANT_ADD(neighbour, deep) {
	.kind = DMEM_SYSTEM,
	.rounds = 2000,
	.levels = LEVELS,
};

FIXTURE_SETUP(neighbour)
{
	int i;

	begin_or_skip(_metadata, &self->t, variant->kind);
	self->s = shared_alloc(sizeof(struct shared));
	self->cpus = cpu_count() < MAX_CPUS ? cpu_count() : MAX_CPUS;
	self->limit = 256 * self->t.page;
	self->ask = self->limit + (variant->levels ? 0 : self->t.page);
	self->parent = self->t.cg;
	for (i = 0; i < variant->levels; i++) {
		self->parent = cg_name(self->parent, "l");
		ASSERT_EQ(0, cg_create_parent(self->parent));
		if (!i)
			self->top = self->parent;
	}
	self->parent = cg_name(self->parent, "parent");
	self->big = cg_name(self->parent, "big");
	self->small = cg_name(self->parent, "small");
	ASSERT_EQ(0, cg_create_parent(self->parent));
	ASSERT_EQ(0, cg_create(self->big));
	ASSERT_EQ(0, cg_create(self->small));
	ASSERT_EQ(0, dmem_set_max(self->parent, self->t.heap.region, self->limit));
	if (!self->top)
		self->top = self->parent;
	else
		ASSERT_EQ(0, dmem_set_max(self->top, self->t.heap.region, self->limit / 2));
}

FIXTURE_TEARDOWN(neighbour)
{
	dmem_end(&self->t);
}

static void ask_for_too_much(struct shared *s, int heap, long long len, int cpu)
{
	const struct sched_param none = {};
	int fd;

	cpu_pin(cpu);
	if (sched_setscheduler(0, SCHED_IDLE, &none))
		_exit(1);
	while (!s->stop) {
		fd = heap_alloc(heap, len);
		if (fd == -ENOMEM)
			s->refused++;
		else if (fd < 0)
			s->other++;
		else
			s->granted++;
		if (fd >= 0)
			close(fd);
	}
	_exit(0);
}

static void take_single_pages(struct shared *s, int heap, long long page, long long rounds)
{
	const struct sched_param fifo = { .sched_priority = 1 };
	int fd;

	cpu_pin(0);
	if (sched_setscheduler(0, SCHED_FIFO, &fifo))
		_exit(1);
	for (; rounds; rounds--) {
		fd = heap_alloc(heap, page);
		if (fd < 0) {
			s->failed++;
			continue;
		}
		s->done++;
		close(fd);
	}
	_exit(0);
}

TEST_F_TIMEOUT(neighbour, oversized_requests, 3600)
{
	const char *text = getenv("DMEM_ROUNDS"), *region = self->t.heap.region;
	long long rounds = text ? atoll(text) : variant->rounds;
	struct shared *s = self->s;
	pid_t big[MAX_CPUS], small;
	int i;

	for (i = 0; i < self->cpus; i++) {
		big[i] = cg_fork(self->big);
		ASSERT_LE(0, big[i]);
		if (!big[i])
			ask_for_too_much(s, self->t.heap_fd, self->ask, i);
	}
	while (s->refused < 10 * self->cpus)
		sleep_ms(10);

	small = cg_fork(self->small);
	ASSERT_LE(0, small);
	if (!small)
		take_single_pages(s, self->t.heap_fd, self->t.page, rounds);
	EXPECT_EQ(0, wait_exit(small));
	s->stop = 1;
	for (i = 0; i < self->cpus; i++)
		EXPECT_EQ(0, wait_exit(big[i]));

	EXPECT_EQ(0, s->failed)
		TH_LOG("%lld of %lld pages were refused", (long long)s->failed, rounds);
	EXPECT_EQ(rounds, s->done + s->failed);
	EXPECT_EQ(0, s->granted);
	EXPECT_EQ(0, s->other);
	/* The refusals, by either limit, are those of the oversized requests. */
	EXPECT_EQ(s->refused, dmem_nested(self->top, "dmem.events", region, "max"));
	EXPECT_EQ(s->refused, dmem_nested(self->big, "dmem.events", region, "alloc_fail"));
	EXPECT_EQ(0, dmem_nested(self->small, "dmem.events", region, "alloc_fail"));
	/* Nor did they ever count. */
	EXPECT_GE(8 * self->t.page, dmem_peak(self->parent, region));
	EXPECT_EQ(0, dmem_peak(self->big, region));
	TH_LOG("%lld pages, %lld oversized requests", rounds, (long long)s->refused);
}

TEST_HARNESS_MAIN
