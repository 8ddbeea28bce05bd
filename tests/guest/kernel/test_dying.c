// SPDX-License-Identifier: GPL-2.0
/*
 * dmem.stat when many cgroups die while others allocate and free: charge,
 * uncharge and removal of a cgroup race on all CPUs, and whenever all processes
 * pause, every figure is right. A buffer that was passed on counts until its
 * holder closes it. The root's dmem.peak is the largest sum that all cgroups held
 * at once.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect.h"
#include "dmem_expect_events.h"

#define MAX_CPUS	8
#define PHASES		3
#define PHASE_MS	1000
#define SLOTS		4	/* buffers of a process that lives for a moment */
#define WORK		32	/* buffers of a thread that lives on */
#define HELD		64	/* buffers that the holder has */
#define MAX_LEN		3	/* pages */
#define MAX_FDS		512

struct shared {
	atomic_int stop, done;
	atomic_llong held;	/* pages, of all when they stand still */
	atomic_llong allocs, failures, rounds;
};

/*
 * slice
 *   box
 *     leaf0, leaf1...
 */
FIXTURE(dying) {
	struct dmem_test t;
	struct shared *s;
	char *slice, *box, *leaf[MAX_CPUS];
	int leaves;
};

FIXTURE_VARIANT(dying) {
	enum dmem_kind kind;
};

FIXTURE_VARIANT_ADD(dying, cma) {
	.kind = DMEM_CMA,
};

FIXTURE_VARIANT_ADD(dying, system) {
	.kind = DMEM_SYSTEM,
};

FIXTURE_SETUP(dying)
{
	int i;

	begin_or_skip(_metadata, &self->t, variant->kind);
	self->s = shared_alloc(sizeof(*self->s));
	self->slice = cg_name(self->t.cg, "slice");
	self->box = cg_name(self->slice, "box");
	EXPECT_EQ(0, cg_create_parent(self->slice));
	EXPECT_EQ(0, cg_create_parent(self->box));
	self->leaves = cpu_count() < 2 ? 2 : cpu_count();
	if (self->leaves > MAX_CPUS)
		self->leaves = MAX_CPUS;
	for (i = 0; i < self->leaves; i++)
		self->leaf[i] = cg_name_indexed(self->box, "leaf", i);
}

FIXTURE_TEARDOWN(dying)
{
	dmem_end(&self->t);
}

static long long pages_of(const struct dmem_test *t, int fd)
{
	return lseek(fd, 0, SEEK_END) / t->page;
}

/* All buffers are freed, and no removed cgroup holds a charge. */
static void expect_nothing(struct __test_metadata *_metadata,
			   struct dmem_test *t, const char *slice,
			   const char *box)
{
	dmem_wait_current(t->cg, t->heap.region, 0, 5000);
	expect_stat(_metadata, t, box, 0, 0, 0);
	expect_stat(_metadata, t, slice, 0, 0, 0);
	expect_stat(_metadata, t, t->cg, 0, 0, 0);
	expect_identity(_metadata, t, t->cg);
}

/* A short-lived process in a leaf: half of the buffers are passed on. */
static void live(struct dmem_test *t, struct shared *s, int sock,
		 unsigned int seed)
{
	int fd[SLOTS], i;

	for (i = 0; i < SLOTS; i++) {
		fd[i] = heap_alloc(t->heap_fd, t->page *
				   (1 + rand_r(&seed) % MAX_LEN));
		if (fd[i] < 0 || (i & 1 && send_fd(sock, fd[i])))
			s->failures += fd[i] != -ENOMEM;
		else
			s->allocs++;
	}
	/* The exit of the process frees the others. */
}

/* Creates a leaf, runs a process in it and removes it, until the test stops. */
static void rule(struct dmem_test *t, struct shared *s, const char *leaf,
		 int sock, int index)
{
	unsigned int round;
	bool last = false;
	pid_t pid;

	cpu_pin(index);
	for (round = 0; !last; round++) {
		int ret = cg_create(leaf);

		/* The last leaf of the previous phase may still exist. */
		if (ret && errno != EEXIST)
			_exit(1);
		pid = cg_fork(leaf);
		if (!pid) {
			live(t, s, sock, round * MAX_CPUS + index);
			_exit(0);
		}
		if (pid < 0 || wait_exit(pid))
			_exit(2);
		s->rounds++;
		/* Every other one of the last leaves stays. */
		last = s->stop;
		if (!(last && index & 1) && cg_destroy(leaf))
			_exit(3);
	}
	_exit(0);
}

struct holder {
	struct dmem_test *t;
	struct shared *s;
	int sock, index;
};

/* Holds some of the buffers that are passed on until all senders have exited. */
static void *hold(void *arg)
{
	struct holder *h = arg;
	unsigned int seed = h->index;
	int fd[HELD], n = 0, i;

	cpu_pin(h->index);
	while ((fd[n] = recv_fd(h->sock)) >= 0) {
		if (++n < HELD / 2 + (int)(rand_r(&seed) % (HELD / 2)))
			continue;
		while (n > HELD / 4)
			close(fd[--n]);
	}
	for (i = 0; i < n; i++)
		h->s->held += pages_of(h->t, fd[i]);
	h->s->done++;
	while (h->s->stop)
		sleep_ms(2);
	while (n)
		close(fd[--n]);
	return NULL;
}

/* Cgroups are created and removed around their buffers, which two threads close. */
TEST_F_TIMEOUT(dying, removed, 60)
{
	struct dmem_test *t = &self->t;
	struct shared *s = self->s;
	long long alive;
	int phase, i;

	for (phase = 0; phase < PHASES; phase++) {
		pid_t ruler[MAX_CPUS], holder;
		int sv[2];

		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC,
					0, sv));
		s->stop = 0;
		s->done = 0;
		s->held = 0;
		holder = fork();
		ASSERT_LE(0, holder);
		if (!holder) {
			struct holder h[2];

			close(sv[0]);
			for (i = 0; i < 2; i++) {
				h[i] = (struct holder) {
					.t = t, .s = s, .sock = sv[1],
					.index = i,
				};
			}
			run_threads(2, hold, h, sizeof(h[0]));
			_exit(0);
		}
		close(sv[1]);
		for (i = 0; i < self->leaves; i++) {
			ruler[i] = fork();
			ASSERT_LE(0, ruler[i]);
			if (!ruler[i])
				rule(t, s, self->leaf[i], sv[0], i);
		}
		close(sv[0]);
		sleep_ms(PHASE_MS);
		s->stop = 1;
		for (i = 0; i < self->leaves; i++)
			EXPECT_EQ(0, wait_exit(ruler[i]));
		while (s->done < 2 && waitpid(holder, NULL, WNOHANG) != holder)
			sleep_ms(2);

		/* All processes pause. */
		EXPECT_EQ(0, s->failures);
		EXPECT_LT(0, s->held);
		for (i = 1, alive = 0; i < self->leaves; i += 2) {
			long long now = dmem_current(self->leaf[i],
						     t->heap.region) / t->page;

			expect_stat(_metadata, t, self->leaf[i], now, now, 0);
			alive += now;
		}
		expect_stat(_metadata, t, self->box, s->held, 0,
			    s->held - alive);
		expect_stat(_metadata, t, self->slice, s->held, 0,
			    s->held - alive);
		expect_stat(_metadata, t, t->cg, s->held, 0, s->held - alive);
		expect_identity(_metadata, t, t->cg);

		s->stop = 0;
		EXPECT_EQ(0, wait_exit(holder));
		expect_nothing(_metadata, t, self->slice, self->box);
	}
	EXPECT_LT(self->leaves * PHASES, s->rounds);
	TH_LOG("%lld cgroups, %lld buffers", (long long)s->rounds,
	       (long long)s->allocs);
}

struct worker {
	struct dmem_test *t;
	struct shared *s;
	int index;
};

/* Allocates and frees, and holds the last buffers until all of them are counted. */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->s;
	unsigned int seed = w->index, i;
	int fd[WORK];

	cpu_pin(w->index);
	for (i = 0; i < WORK; i++)
		fd[i] = -1;
	while (!s->stop) {
		i = rand_r(&seed) % WORK;
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = heap_alloc(w->t->heap_fd, w->t->page);
		if (fd[i] < 0)
			s->failures += fd[i] != -ENOMEM;
		else
			s->allocs++;
	}
	for (i = 0; i < WORK; i++)
		s->held += fd[i] < 0 ? 0 : pages_of(w->t, fd[i]);
	s->done++;
	while (s->stop)
		sleep_ms(2);
	for (i = 0; i < WORK; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
	}
	return NULL;
}

/*
 * The controller is disabled for cgroups with running processes, and enabled
 * again. A process about to charge the old pool state still does so after that
 * state began to die, whether or not that is the state's first charge.
 */
TEST_F_TIMEOUT(dying, disabled, 60)
{
	struct dmem_test *t = &self->t;
	struct shared *s = self->s;
	long long end, sum, now;
	int i, j, toggles = 0;
	pid_t pid[2];

	for (i = 0; i < 2; i++) {
		struct worker w[MAX_CPUS];

		ASSERT_EQ(0, cg_create(self->leaf[i]));
		pid[i] = cg_fork(self->leaf[i]);
		ASSERT_LE(0, pid[i]);
		if (pid[i])
			continue;
		for (j = 0; j < self->leaves; j++) {
			w[j] = (struct worker) {
				.t = t, .s = s, .index = j,
			};
		}
		run_threads(self->leaves, work, w, sizeof(w[0]));
		_exit(0);
	}
	end = now_ms() + PHASES * PHASE_MS;
	while (now_ms() < end) {
		ASSERT_EQ(0, cg_write(self->box, "cgroup.subtree_control",
				      toggles++ & 1 ? "+dmem" : "-dmem"));
	}
	s->stop = 1;
	while (s->done < 2 * self->leaves)
		sleep_ms(2);

	EXPECT_EQ(0, s->failures);
	sum = stat_of(t, self->box, "local") + stat_of(t, self->box, "dying");
	for (i = 0; i < 2; i++) {
		now = dmem_current(self->leaf[i], t->heap.region);
		if (now == -ENOENT)
			continue;
		EXPECT_EQ(now, stat_of(t, self->leaf[i], "local"));
		sum += now;
	}
	EXPECT_EQ(s->held * t->page, sum);
	EXPECT_EQ(s->held * t->page, dmem_current(self->box, t->heap.region));
	EXPECT_EQ(stat_of(t, self->box, "dying"),
		  stat_of(t, self->slice, "dying"));
	EXPECT_EQ(stat_of(t, self->box, "dying"), stat_of(t, t->cg, "dying"));
	expect_identity(_metadata, t, t->cg);
	TH_LOG("%d times, %lld buffers, %lld of %lld bytes were the dead's",
	       toggles, (long long)s->allocs, stat_of(t, self->box, "dying"),
	       s->held * t->page);

	s->stop = 0;
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, wait_exit(pid[i]));
	expect_nothing(_metadata, t, self->slice, self->box);
}

/* The root's peak */
FIXTURE(root) {
	struct dmem_test t;
	struct dmem_heap heap;
	const char *area;
	char *a, *b;
	int heap_fd;
	long long peak, used;
};

/*
 * Of the regions that only the tests use, takes the one whose peak is farthest below the
 * memory that it has: where another test has filled an area, its peak grows no more.
 */
static long long find_low_peak(struct dmem_test *t, struct dmem_heap *found)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	int i, n = heap_list(heaps, DMEM_HEAPS);
	long long best = 0;

	for (i = 0; i < n; i++) {
		const char *region = heaps[i].region;
		long long room;

		if (!heaps[i].usable || !region_is_private(region))
			continue;
		room = dmem_current(t->root, region) - dmem_peak(t->root, region) +
		       cma_read(region_area(region), "available_pages") * t->page;
		if (room <= best)
			continue;
		best = room;
		*found = heaps[i];
	}
	return best;
}

FIXTURE_SETUP(root)
{
	struct dmem_test *t = &self->t;

	begin_or_skip(_metadata, &self->t, DMEM_NO_HEAP);
	if (find_low_peak(t, &self->heap) < (4LL << 20)) {
		dmem_end(t);
		SKIP(return, "no region of the tests' own with a peak below its size");
	}
	self->area = region_area(self->heap.region);
	self->heap_fd = heap_open(self->heap.name);
	ASSERT_LE(0, self->heap_fd);
	self->a = cg_name(t->cg, "a");
	self->b = cg_name(t->cg, "b");
	ASSERT_EQ(0, cg_create(self->a));
	ASSERT_EQ(0, cg_create(self->b));
	self->peak = dmem_peak(t->root, self->heap.region);
	self->used = dmem_current(t->root, self->heap.region);
}

FIXTURE_TEARDOWN(root)
{
	close(self->heap_fd);
	dmem_end(&self->t);
}

#define ROOT	FIXTURE_DATA(root)

/* Allocates so much in a that one page more is a new peak; returns the bytes. */
static long long fill_to_peak(const ROOT *self, int *fds, int *n)
{
	long long want = self->peak - self->used, page = self->t.page, len = want, sum = 0;

	*n = 0;
	while (sum < want && *n < MAX_FDS) {
		if (len > want - sum)
			len = want - sum;
		fds[*n] = cg_alloc(self->a, self->heap_fd, len);
		if (fds[*n] >= 0) {
			(*n)++;
			sum += len;
			continue;
		}
		if (len == page)
			break;
		/* There is no room for it in one piece. */
		len = len > 2 * page ? len / 2 / page * page : page;
	}
	return sum;
}

/*
 * It is that of all cgroups together and stays when they are removed. It grows by the
 * part of a later usage that exceeds it, and not by a request that is refused.
 */
TEST_F_TIMEOUT(root, root_peak, 60)
{
	struct dmem_test *t = &self->t;
	const char *region = self->heap.region;
	long long peak = self->peak, used = self->used, page = t->page;
	long long capacity = dmem_read(t->root, "dmem.capacity", region);
	int fds[MAX_FDS], n, one, two;

	ASSERT_LE(used, peak);
	EXPECT_GE(capacity, peak);
	ASSERT_EQ(peak - used, fill_to_peak(self, fds, &n));
	EXPECT_EQ(peak, dmem_current(t->root, region));
	EXPECT_EQ(peak, dmem_peak(t->root, region));
	/* The usage of both cgroups exceeds it, that of neither does. */
	one = cg_alloc(self->b, self->heap_fd, page);
	two = cg_alloc(self->b, self->heap_fd, page);
	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	peak += 2 * page;
	EXPECT_EQ(peak, dmem_current(t->root, region));
	EXPECT_EQ(peak, dmem_peak(t->root, region));
	EXPECT_EQ(2 * page, dmem_peak(self->b, region));
	EXPECT_EQ(self->peak - used, dmem_peak(self->a, region));
	EXPECT_EQ(-ENOMEM, cg_alloc(self->b, self->heap_fd, 3 * capacity));
	EXPECT_EQ(peak, dmem_peak(t->root, region));
	/* Less than the sum of the peaks of all cgroups */
	close(one);
	one = cg_alloc(self->a, self->heap_fd, page);
	ASSERT_LE(0, one);
	EXPECT_EQ(peak, dmem_peak(t->root, region));
	while (n)
		close(fds[--n]);
	close(one);
	close(two);
	ASSERT_EQ(0, cg_destroy(self->a));
	ASSERT_EQ(0, cg_destroy(self->b));
	EXPECT_EQ(0, cg_wait_dying(t->cg, 0));
	EXPECT_EQ(used, dmem_current(t->root, region));
	EXPECT_EQ(peak, dmem_peak(t->root, region));
	EXPECT_GT(0, cg_write(t->root, "dmem.peak", "0"));
}

TEST_HARNESS_MAIN
