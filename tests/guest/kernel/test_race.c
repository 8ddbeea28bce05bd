// SPDX-License-Identifier: GPL-2.0
/*
 * Concurrent requests: the first charges ever in a new branch of cgroups, and
 * one limit that requests on all CPUs reach.
 *
 * A refused request is in no counter, not even for a moment, so neither a sample
 * nor the peak may be above the limit. The workers sum up their granted requests
 * as well.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect.h"

#define GROUPS		2	/* processes */
#define MAX_THREADS	8	/* in each */
#define MAX_WORKERS	(GROUPS * MAX_THREADS)

/* Shared by all processes of a test. */
struct shared {
	pthread_barrier_t barrier;
	atomic_int stop;
	atomic_int failures;
	atomic_int inside, together;	/* in the first charge */
	int heap[DMEM_HEAPS], heaps;	/* of the first charges */
	atomic_llong accepted;		/* pages that workers have now */
	atomic_llong over;		/* worst excess of accepted */
	long long held[MAX_WORKERS];	/* at the end, in pages */
	long long allocs[MAX_WORKERS];
	long long refused[MAX_WORKERS];
};

FIXTURE(race) {
	struct dmem_test t;
	struct shared *s;
	int threads;
};

FIXTURE_VARIANT(race) {
	enum dmem_kind kind;
};

FIXTURE_VARIANT_ADD(race, cma) {
	.kind = DMEM_CMA,
};

FIXTURE_VARIANT_ADD(race, system) {
	.kind = DMEM_SYSTEM,
};

static int count_threads(void)
{
	if (cpu_count() < 2)
		return 2;
	return cpu_count() < MAX_THREADS ? cpu_count() : MAX_THREADS;
}

FIXTURE_SETUP(race)
{
	begin_or_skip(_metadata, &self->t, variant->kind);
	self->threads = count_threads();
	self->s = shared_alloc(sizeof(struct shared));
}

FIXTURE_TEARDOWN(race)
{
	dmem_end(&self->t);
}

static void share_barrier(pthread_barrier_t *b, int n)
{
	pthread_barrierattr_t attr;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(b, &attr, n);
}

struct worker {
	struct shared *s;
	struct dmem_test *t;
	int index;
	long long limit;	/* in pages */
};

/*
 * First charge. Each round has a new branch of many levels, with a leaf at its
 * end for each of the processes. All threads of all processes make their first
 * charge at once, region by region, so the pool states of all levels are
 * created and linked while other threads charge them.
 */
#define DEPTH	6
#define OVERLAPS 20	/* charges that begin during another one, at least */

struct branch {
	char *level[DEPTH];
	char *leaf[GROUPS];
};

static void *first_charge(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->s;
	int i, fd;

	cpu_pin(w->index);
	for (i = 0; i < s->heaps; i++) {
		pthread_barrier_wait(&s->barrier);	/* all are ready */
		s->together += s->inside++ > 0;
		fd = heap_alloc(s->heap[i], w->t->page);
		s->inside--;
		if (fd < 0)
			s->failures++;
		pthread_barrier_wait(&s->barrier);	/* all have theirs */
		pthread_barrier_wait(&s->barrier);	/* it was counted */
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

static void expect_charged(struct __test_metadata *_metadata,
			   const struct branch *b, const char *region,
			   long long each)
{
	int i;

	for (i = 0; i < GROUPS; i++)
		EXPECT_EQ(each, dmem_current(b->leaf[i], region));
	for (i = 0; i < DEPTH; i++) {
		EXPECT_EQ(GROUPS * each, dmem_current(b->level[i], region))
			TH_LOG("in %s", b->level[i]);
	}
}

FIXTURE(first_charge) {
	struct dmem_test t;
};

FIXTURE_SETUP(first_charge)
{
	begin_or_skip(_metadata, &self->t, DMEM_NO_HEAP);
}

FIXTURE_TEARDOWN(first_charge)
{
	dmem_end(&self->t);
}

TEST_F_TIMEOUT(first_charge, at_once, 60)
{
	struct dmem_test *t = &self->t;
	struct shared *s = shared_alloc(sizeof(struct shared));
	int threads = count_threads();
	struct dmem_heap heaps[DMEM_HEAPS];
	long long root[DMEM_HEAPS], begin, each = threads * t->page;
	const char *parent;
	struct branch b;
	int i, j, rounds;

	/* One heap of each region */
	s->heaps = heap_list(heaps, DMEM_HEAPS);
	for (i = 0; i < s->heaps; i++) {
		for (j = 0; j < i; j++) {
			if (!strcmp(heaps[j].region, heaps[i].region))
				break;
		}
		if (j < i || !heaps[i].region[0] || !heaps[i].usable) {
			heaps[i--] = heaps[--s->heaps];
			continue;
		}
		s->heap[i] = heap_open(heaps[i].name);
		ASSERT_LE(0, s->heap[i]);
		root[i] = dmem_current(t->root, heaps[i].region);
	}
	if (s->heaps <= 0)
		SKIP(return, "no usable heap with a dmem region");
	parent = t->cg;
	for (i = 0; i < DEPTH; i++) {
		b.level[i] = cg_name_indexed(parent, "level", i);
		parent = b.level[i];
	}
	for (i = 0; i < GROUPS; i++)
		b.leaf[i] = cg_name_indexed(parent, "leaf", i);

	/* A slow machine takes longer until first charges have met. */
	begin = now_ms();
	for (rounds = 0; s->together < OVERLAPS ? now_ms() < begin + 40000 :
			 rounds < 500 && now_ms() < begin + 8000; rounds++) {
		pid_t pid[GROUPS];

		share_barrier(&s->barrier, GROUPS * threads + 1);
		for (i = 0; i < DEPTH; i++)
			ASSERT_EQ(0, cg_create_parent(b.level[i]));
		for (i = 0; i < GROUPS; i++) {
			ASSERT_EQ(0, cg_create(b.leaf[i]));
			pid[i] = cg_fork(b.leaf[i]);
			ASSERT_LE(0, pid[i]);
			if (!pid[i]) {
				struct worker w[MAX_THREADS] = {};

				for (j = 0; j < threads; j++) {
					w[j].s = s;
					w[j].t = t;
					w[j].index = i + j * GROUPS;
				}
				run_threads(threads, first_charge, w, sizeof(w[0]));
				_exit(0);
			}
		}
		for (i = 0; i < s->heaps; i++) {
			pthread_barrier_wait(&s->barrier);
			pthread_barrier_wait(&s->barrier);
			EXPECT_EQ(0, s->failures);
			expect_charged(_metadata, &b, heaps[i].region, each);
			expect_root(_metadata, t, heaps[i].region, root[i],
				    GROUPS * each);
			pthread_barrier_wait(&s->barrier);
		}
		for (i = 0; i < GROUPS; i++)
			EXPECT_EQ(0, wait_exit(pid[i]));
		for (i = 0; i < s->heaps; i++) {
			expect_charged(_metadata, &b, heaps[i].region, 0);
			expect_root(_metadata, t, heaps[i].region, root[i], 0);
		}
		for (i = 0; i < GROUPS; i++)
			EXPECT_EQ(0, cg_destroy(b.leaf[i]));
		for (i = 1; i <= DEPTH; i++)
			EXPECT_EQ(0, cg_destroy(b.level[DEPTH - i]));
		if (_metadata->exit_code)
			break;
	}
	EXPECT_LT(0, rounds);
	EXPECT_LE(OVERLAPS, s->together)
		TH_LOG("no race");
	TH_LOG("%d rounds of %d first charges in %d regions, %d began during another", rounds,
	       GROUPS * threads, s->heaps, s->together);
}

/*
 * Hammer: every worker allocates and frees buffers of one to MAX_LEN pages, all
 * below one limit that is too low for all of them.
 */
#define SLOTS	4
#define MAX_LEN	4

static void note_accepted(struct worker *w, long long pages)
{
	struct shared *s = w->s;
	long long over, seen;

	over = atomic_fetch_add(&s->accepted, pages) + pages - w->limit;
	seen = s->over;
	while (over > seen &&
	       !atomic_compare_exchange_weak(&s->over, &seen, over))
		;
}

static void *hammer(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->s;
	unsigned int seed = 1 + w->index, slot, i;
	int fd[SLOTS], pages[SLOTS] = {};

	cpu_pin(w->index);
	pthread_barrier_wait(&s->barrier);
	while (!s->stop) {
		slot = rand_r(&seed) % SLOTS;
		if (pages[slot]) {
			/* It counts until it is really freed. */
			atomic_fetch_sub(&s->accepted, pages[slot]);
			close(fd[slot]);
			pages[slot] = 0;
		}
		pages[slot] = 1 + rand_r(&seed) % MAX_LEN;
		fd[slot] = heap_alloc(w->t->heap_fd,
				      pages[slot] * w->t->page);
		if (fd[slot] < 0) {
			if (fd[slot] != -ENOMEM)
				s->failures++;
			pages[slot] = 0;
			s->refused[w->index]++;
			continue;
		}
		note_accepted(w, pages[slot]);
		s->allocs[w->index]++;
	}
	for (i = 0; i < SLOTS; i++)
		s->held[w->index] += pages[i];
	pthread_barrier_wait(&s->barrier);	/* all stand still */
	pthread_barrier_wait(&s->barrier);	/* it was counted */
	for (i = 0; i < SLOTS; i++) {
		if (pages[i])
			close(fd[i]);
	}
	return NULL;
}

/* Each process in a leaf of its own, below one limited parent. */
static void run_hammer(struct __test_metadata *_metadata, struct dmem_test *t,
		       struct shared *s, int groups, int threads)
{
	const char *region = t->heap.region;
	int workers = groups * threads, i, j, samples = 0, above = 0;
	long long limit = workers * MAX_LEN * SLOTS / 4;
	long long root = dmem_current(t->root, region);
	long long end, held = 0, allocs = 0, refused = 0;
	char *parent = cg_name(t->cg, "parent");
	char *leaf[MAX_WORKERS];
	pid_t pid[MAX_WORKERS];

	ASSERT_EQ(0, cg_create_parent(parent));
	ASSERT_EQ(0, dmem_set_max(parent, region, limit * t->page));
	share_barrier(&s->barrier, workers + 1);
	for (i = 0; i < groups; i++) {
		leaf[i] = cg_name_indexed(parent, "leaf", i);
		ASSERT_EQ(0, cg_create(leaf[i]));
		pid[i] = cg_fork(leaf[i]);
		ASSERT_LE(0, pid[i]);
		if (!pid[i]) {
			struct worker w[MAX_WORKERS] = {};

			for (j = 0; j < threads; j++) {
				w[j].s = s;
				w[j].t = t;
				w[j].index = i * threads + j;
				w[j].limit = limit;
			}
			run_threads(threads, hammer, w, sizeof(w[0]));
			_exit(0);
		}
	}
	pthread_barrier_wait(&s->barrier);

	end = now_ms() + 3000;
	while (now_ms() < end) {
		long long now = dmem_current(parent, region);

		EXPECT_LE(0, now);
		above += now > limit * t->page;
		samples++;
	}
	s->stop = 1;
	pthread_barrier_wait(&s->barrier);

	EXPECT_EQ(0, above)
		TH_LOG("of %d samples, %d are above the limit", samples, above);
	EXPECT_EQ(0, s->failures);
	EXPECT_GE(0, s->over)
		TH_LOG("more was accepted than the limit allows");
	EXPECT_GE(limit * t->page, dmem_peak(parent, region));
	for (i = 0; i < groups; i++) {
		long long own = 0;

		for (j = 0; j < threads; j++) {
			own += s->held[i * threads + j];
			allocs += s->allocs[i * threads + j];
			refused += s->refused[i * threads + j];
		}
		EXPECT_EQ(own * t->page, dmem_current(leaf[i], region));
		held += own;
	}
	EXPECT_EQ(held, s->accepted);
	EXPECT_EQ(held * t->page, dmem_current(parent, region));
	EXPECT_EQ(held * t->page, dmem_current(t->cg, region));
	expect_root(_metadata, t, region, root, held * t->page);
	EXPECT_GE(limit, held);
	/* There was a race, and the limit was reached. */
	EXPECT_LT(0, allocs);
	EXPECT_LT(0, refused);

	pthread_barrier_wait(&s->barrier);
	for (i = 0; i < groups; i++) {
		EXPECT_EQ(0, wait_exit(pid[i]));
		EXPECT_EQ(0, dmem_wait_current(leaf[i], region, 0, 5000));
	}
	EXPECT_EQ(0, dmem_current(parent, region));
	EXPECT_EQ(0, dmem_current(t->cg, region));
	expect_root(_metadata, t, region, root, 0);
	TH_LOG("%lld buffers, %lld refused, %d samples", allocs, refused, samples);
}

TEST_F_TIMEOUT(race, threads, 60)
{
	run_hammer(_metadata, &self->t, self->s, 1, self->threads);
}

TEST_F_TIMEOUT(race, processes, 60)
{
	run_hammer(_metadata, &self->t, self->s, self->threads, 1);
}

TEST_F_TIMEOUT(race, threads_and_processes, 60)
{
	run_hammer(_metadata, &self->t, self->s, GROUPS, self->threads);
}

TEST_HARNESS_MAIN
