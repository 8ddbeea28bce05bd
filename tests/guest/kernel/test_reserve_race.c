// SPDX-License-Identifier: GPL-2.0
/*
 * Concurrent requests. Cgroups without a reservation take all they can, on all
 * CPUs: beside the owner, in a slice, and outside. The owner allocates and frees
 * repeatedly.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest_util.h"
#include "dmem_reserve_fixture.h"

#define GROUPS		3
#define MAX_THREADS	8
#define HELD		12	/* pages of a thread */
#define OWNED		10
#define HAMMER_MS	5000
#define RACE_MS		40000	/* at most, until each kind of refusal has been met */
#define REFUSALS	500

struct shared {
	atomic_int stop, ready;
	atomic_int failures;
	atomic_llong granted, refused;
};

struct hammer {
	struct shared *s;
	const struct dmem_test *t;
	int index;
};

static void *hammer(void *arg)
{
	struct hammer *h = arg;
	unsigned int seed = 1 + h->index;
	int fd[HELD], n = 0;

	cpu_pin(h->index);
	h->s->ready++;
	while (!h->s->stop) {
		int i = rand_r(&seed) % HELD;

		if (i < n) {
			close(fd[i]);
			fd[i] = fd[--n];
			continue;
		}
		fd[n] = heap_alloc(h->t->heap_fd, h->t->page);
		if (fd[n] >= 0) {
			n++;
			h->s->granted++;
		} else {
			h->s->refused++;
			if (fd[n] != -ENOMEM)
				h->s->failures++;
		}
	}
	while (n)
		close(fd[--n]);
	return NULL;
}

static pid_t start_hammer(struct shared *s, const struct dmem_test *t,
			  const char *cg, int index)
{
	int threads = cpu_count() < 2 ? 2 : cpu_count() > MAX_THREADS ? MAX_THREADS : cpu_count();
	struct hammer h[MAX_THREADS];
	pid_t pid = cg_fork(cg);
	int i;

	if (pid)
		return pid;
	for (i = 0; i < threads; i++) {
		h[i].s = s;
		h[i].t = t;
		h[i].index = index * MAX_THREADS + i;
	}
	run_threads(threads, hammer, h, sizeof(h[0]));
	_exit(0);
}

/* Runs in the owner's cgroup. The only error to wait for is a busy page. */
static void take_own(struct __test_metadata *_metadata,
		     const struct dmem_test *t, const char *owner,
		     struct pile *pile, int *busy)
{
	long long before = event(t, owner, "exhausted"), end = now_ms() + BUSY_MS;
	int fd;

	for (;;) {
		fd = heap_alloc(t->heap_fd, t->page);
		if (fd >= 0) {
			pile->fd[pile->n++] = fd;
			return;
		}
		EXPECT_EQ(-ENOMEM, fd);
		EXPECT_EQ(before + 1, event(t, owner, "exhausted"))
			TH_LOG("refused, with %d pages of its own", pile->n);
		EXPECT_GT(end, now_ms())
			TH_LOG("no page is free, with %d of its own", pile->n);
		if (_metadata->exit_code)
			return;
		before++;
		(*busy)++;
	}
}

static bool all_have(const struct dmem_test *t, const char *const *cg, int n,
		     const char *refusals)
{
	while (n && event(t, cg[n - 1], refusals) > 0)
		n--;
	return !n;
}

TEST_F_TIMEOUT(reserve, among_the_greedy, 120)
{
	struct dmem_test *t = &self->t;
	struct shared *s = shared_alloc(sizeof(*s));
	const char *cg[GROUPS] = { self->greedy, self->b, cg_outside(self->top) };
	int rounds = 0, above = 0, full = 0, busy = 0, i;
	long long end, last;
	pid_t pid[GROUPS];

	ASSERT_TRUE(!!cg[2]);
	/* Part of the window is for the processes outside. */
	ASSERT_EQ(0, reserve_above(t, self->top, (WINDOW - 8) * t->page));
	ASSERT_EQ(0, set_min(t, self->owner, OWNED));
	for (i = 0; i < GROUPS; i++) {
		pid[i] = start_hammer(s, t, cg[i], i);
		ASSERT_LE(0, pid[i]);
	}
	while (s->ready < GROUPS)
		sleep_ms(1);

	ASSERT_EQ(0, cg_enter_current(self->owner));
	end = now_ms() + HAMMER_MS;
	last = now_ms() + RACE_MS;
	/* A slow machine takes longer for enough of them. */
	while (!_metadata->exit_code && now_ms() < last) {
		if (now_ms() >= end && rounds >= 2 && full &&
		    all_have(t, cg, GROUPS, "reserved"))
			break;
		while (self->own.n < OWNED && !_metadata->exit_code)
			take_own(_metadata, t, self->owner, &self->own, &busy);
		EXPECT_EQ(0, event(t, self->owner, "reserved"));
		EXPECT_EQ(OWNED, current_pages(t, self->owner));
		full += cma_read(t->area, "available_pages") < 2;
		give_all(&self->own);
		/* Every commitment can be met: the sum never exceeds the window. */
		above += stat_pages(t, t->root, "committed") > WINDOW;
		rounds++;
	}
	EXPECT_EQ(0, above);
	s->stop = 1;
	for (i = 0; i < GROUPS; i++)
		EXPECT_EQ(0, wait_exit(pid[i]));
	EXPECT_EQ(0, s->failures);
	EXPECT_EQ(0, event(t, self->owner, "alloc_fail"));
	for (i = 0; i < GROUPS; i++) {
		EXPECT_EQ(0, current_pages(t, cg[i]));
		EXPECT_LT(0, event(t, cg[i], "reserved"))
			TH_LOG("%s was never refused", cg[i]);
	}
	/* There was a race. How often the area was full depends on the machine. */
	EXPECT_LT(1, rounds);
	EXPECT_LT(0, full);
	EXPECT_STAT(t->root, "committed", WINDOW - 8);
	EXPECT_STAT(self->owner, "committed", OWNED);
	TH_LOG("%d rounds, %d of them in a full area, %d busy pages", rounds,
	       full, busy);
	TH_LOG("others: %lld pages granted, %lld refused",
	       (long long)s->granted, (long long)s->refused);
}

/*
 * While all reservations are in use, the reason of every refusal is lack of
 * memory, even with concurrent requests of others.
 */
TEST_F_TIMEOUT(reserve, used_up_among_the_greedy, 120)
{
	struct dmem_test *t = &self->t;
	struct shared *s = shared_alloc(sizeof(*s));
	const char *cg[2] = { self->greedy, self->b };
	pid_t pid[ARRAY_SIZE(cg)];
	unsigned int i;
	long long last;

	ASSERT_EQ(0, set_min(t, self->owner, OWNED));
	EXPECT_GETS(self->owner, &self->own, OWNED);
	for (i = 0; i < ARRAY_SIZE(cg); i++) {
		pid[i] = start_hammer(s, t, cg[i], i);
		ASSERT_LE(0, pid[i]);
	}
	last = now_ms() + RACE_MS;
	while (now_ms() < last &&
	       (s->refused < REFUSALS || !all_have(t, cg, ARRAY_SIZE(cg), "exhausted")))
		sleep_ms(1);
	EXPECT_LE(REFUSALS, s->refused);
	s->stop = 1;
	for (i = 0; i < ARRAY_SIZE(cg); i++)
		EXPECT_EQ(0, wait_exit(pid[i]));
	EXPECT_EQ(0, s->failures);
	for (i = 0; i < ARRAY_SIZE(cg); i++) {
		EXPECT_EQ(0, event(t, cg[i], "reserved"))
			TH_LOG("by %s", cg[i]);
		EXPECT_LT(0, event(t, cg[i], "exhausted"))
			TH_LOG("%s has found room each time", cg[i]);
	}
	TH_LOG("%lld pages granted, %lld refused", (long long)s->granted,
	       (long long)s->refused);
}

/*
 * Reservations are set and cleared while all others charge and uncharge: also
 * the first and the last of them, and those of cgroups that are removed.
 */
TEST_F_TIMEOUT(reserve, changed_among_the_greedy, 60)
{
	struct dmem_test *t = &self->t;
	struct shared *s = shared_alloc(sizeof(*s));
	const char *cg[GROUPS] = { self->greedy, self->b, cg_outside(self->top) };
	char *brief = cg_name(t->cg, "brief");
	unsigned int seed = 1;
	pid_t pid[GROUPS];
	int rounds = 0, i;
	long long end;

	ASSERT_TRUE(!!cg[2]);
	for (i = 0; i < GROUPS; i++) {
		pid[i] = start_hammer(s, t, cg[i], i);
		ASSERT_LE(0, pid[i]);
	}
	while (s->ready < GROUPS)
		sleep_ms(1);

	end = now_ms() + HAMMER_MS;
	while ((now_ms() < end || rounds < 4) && !_metadata->exit_code) {
		int some = 1 + rand_r(&seed) % WINDOW;

		ASSERT_EQ(0, reserve_above(t, self->top, DMEM_MAX));
		ASSERT_EQ(0, set_min(t, self->owner, some));
		ASSERT_EQ(0, set_min(t, self->slice, some));
		ASSERT_EQ(0, set_min(t, self->b, some / 2));
		ASSERT_EQ(0, cg_create(brief));
		ASSERT_EQ(0, set_min(t, brief, some));
		if (rounds & 1)
			ASSERT_EQ(0, cg_destroy(brief));
		ASSERT_EQ(0, set_max(t, self->greedy, some));
		ASSERT_EQ(0, dmem_set_max(self->greedy, self->region, DMEM_MAX));
		/* Down to none at all, in every other round by rmdir. */
		ASSERT_EQ(0, set_min(t, self->owner, 0));
		ASSERT_EQ(0, set_min(t, self->b, 0));
		ASSERT_EQ(0, set_min(t, self->slice, 0));
		ASSERT_EQ(0, reserve_above(t, self->top, 0));
		if (!(rounds & 1))
			ASSERT_EQ(0, cg_destroy(brief));
		rounds++;
	}
	/* With all processes stopped, the commitments equal the charges. */
	for (i = 0; i < GROUPS; i++)
		EXPECT_EQ(0, kill(pid[i], SIGSTOP));
	for (i = 0; i < GROUPS; i++)
		EXPECT_EQ(pid[i], waitpid(pid[i], NULL, WUNTRACED));
	EXPECT_EQ(current_pages(t, t->root), stat_pages(t, t->root, "committed"));
	ASSERT_EQ(0, reserve_above(t, self->top, t->page));
	for (i = 0; i < GROUPS; i++) {
		EXPECT_EQ(current_pages(t, cg[i]), stat_pages(t, cg[i], "local"));
		EXPECT_EQ(current_pages(t, cg[i]), stat_pages(t, cg[i], "committed"));
	}
	for (i = 0; i < GROUPS; i++)
		EXPECT_EQ(0, kill(pid[i], SIGCONT));
	s->stop = 1;
	for (i = 0; i < GROUPS; i++)
		EXPECT_EQ(0, wait_exit(pid[i]));
	EXPECT_EQ(0, s->failures);
	EXPECT_STAT(t->root, "committed", 1);
	ASSERT_EQ(0, set_min(t, self->owner, 4));
	EXPECT_STAT(self->owner, "committed", 1);
	EXPECT_STAT(t->cg, "committed", 1);
	ASSERT_EQ(0, reserve_above(t, self->top, DMEM_MAX));
	EXPECT_STAT(t->root, "committed", WINDOW);
	EXPECT_STAT(self->owner, "committed", 4);
	EXPECT_TAKES(self->greedy, &self->taken, WINDOW - 4);
	EXPECT_LT(3, rounds);
	TH_LOG("%d rounds, %lld pages granted, %lld refused", rounds,
	       (long long)s->granted, (long long)s->refused);
	free(brief);
}

TEST_HARNESS_MAIN
