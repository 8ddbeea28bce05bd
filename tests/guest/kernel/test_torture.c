// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations of several concurrent processes, on a random tree of cgroups, on
 * every heap, a driver's memory, cameras and a display. After each round every counter of
 * every cgroup must match the processes' own records. Meanwhile another process checks
 * that no usage exceeds a limit. See torture.h.
 *
 * The test runs for DMEM_TORTURE_SECONDS, in epochs that begin and end without buffers.
 * An epoch follows from DMEM_TORTURE_SEED and its number; DMEM_TORTURE_EPOCH is the
 * number of the first. A failing epoch is reduced, for a minute at most, to a script of
 * the necessary operations; DMEM_TORTURE_SCRIPT names a file with such lines, to repeat
 * them.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_dma_driver.h"
#include "dmem_expect.h"
#include "torture.h"

#define SEED		20261126
#define SECONDS		60
#define ROUNDS		12
#define PER_ROUND	80	/* of each worker */
#define ALL		4	/* rounds from one full comparison to the next */
#define OPS		(ROUNDS * PER_ROUND * TT_WORKERS)
#define STUCK_MS	60000
#define SHRINK_MS	60000
#define LATE_MS		3000
#define LATE_AGAIN_MS	300

FIXTURE(torture) {
	struct dmem_test t;
	struct tt_world *w;
	struct tt_pace *pace;
	struct tt_op *ops, *part;	/* part: the operations to do, shared with the workers */
	struct tt_note *notes;
	struct tt_devices devices;
	int dev;
	char driver_region[DMEM_NAME_LEN];
	bool again;			/* it has failed, and is done again */
	long epochs, granted, refused, samples;
	long long comparing;	/* ms */
	long did[TT_KINDS], gave[TT_KINDS];
};

#define TORTURE	FIXTURE_DATA(torture)

static unsigned int number_from_env(const char *name, unsigned int otherwise)
{
	const char *s = getenv(name);

	return s && *s ? strtoul(s, NULL, 0) : otherwise;
}

/* One for each CPU. */
static int count_workers(void)
{
	return cpu_count() < 2 ? 2 : cpu_count() < TT_WORKERS ? cpu_count() : TT_WORKERS;
}

/*
 * Its area is the last one that only tests use: where a driver has other memory, nothing is
 * reserved, see may_reserve(). The kernel maps this area on 32-bit, too.
 */
static void open_driver(TORTURE *self)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	int n = heap_list(heaps, DMEM_HEAPS);

	self->dev = -1;
	while (n && !(heaps[n - 1].usable && region_is_private(heaps[n - 1].region)))
		n--;
	if (!n)
		return;
	memcpy(self->driver_region, heaps[n - 1].region, DMEM_NAME_LEN);
	self->dev = dma_driver_open_area(region_area(self->driver_region));
}

FIXTURE_SETUP(torture)
{
	begin_or_skip(_metadata, &self->t, DMEM_CMA);
	if (dmem_nested(self->t.root, "dmem.stat", self->t.heap.region, "reserved") < 0) {
		dmem_end(&self->t);
		SKIP(return, "no reservations in dmem.stat");
	}
	self->w = shared_alloc(sizeof(*self->w));
	self->pace = shared_alloc(sizeof(*self->pace));
	self->ops = shared_alloc(OPS * sizeof(*self->ops));
	self->part = shared_alloc(OPS * sizeof(*self->part));
	self->notes = shared_alloc(OPS * sizeof(*self->notes));
	open_driver(self);
	/* A script may be of another machine. */
	tt_find_devices(&self->devices, getenv("DMEM_TORTURE_SCRIPT") ? TT_WORKERS :
			count_workers());
}

FIXTURE_TEARDOWN(torture)
{
	if (self->dev >= 0)
		EXPECT_EQ(0, dma_driver_close(self->dev));
	EXPECT_TRUE(tt_unload_devices(&self->devices))
		TH_LOG("vivid stays loaded, with parameters that are not for other tests");
	dmem_end(&self->t);
}

/* The regions, and their usage before the test */
static int find_region(struct tt_world *w, const char *name)
{
	int i;

	for (i = 0; i < w->regions && strcmp(w->region[i].name, name); i++)
		;
	if (i == w->regions)
		snprintf(w->region[w->regions++].name, DMEM_NAME_LEN, "%s", name);
	return i;
}

static void find_heaps(TORTURE *self)
{
	const struct tt_devices *d = &self->devices;
	struct dmem_heap heaps[DMEM_HEAPS];
	struct tt_world *w = self->w;
	int n = heap_list(heaps, DMEM_HEAPS), i;

	for (i = 0; i < n && w->heaps < TT_HEAPS && w->regions < TT_REGIONS; i++) {
		if (!heaps[i].region[0] || !heaps[i].usable)
			continue;
		w->heap_region[w->heaps] = find_region(w, heaps[i].region);
		w->heap_fd[w->heaps++] = heap_open(heaps[i].name);
	}
	w->dma_region = self->dev >= 0 ? find_region(w, self->driver_region) : -1;
	w->camera_region = d->cameras ? find_region(w, d->camera_region) : -1;
	w->display_region = d->has_display ? find_region(w, d->display_region) : -1;
}

static void begin_region(TORTURE *self, struct tt_region *r)
{
	const char *root = self->t.root;
	long long page = self->t.page;

	r->area = region_area(r->name);
	r->pinned = dmem_nested(root, "dmem.stat", r->name, "reserved") >= 0;
	r->current = dmem_current(root, r->name);
	r->dying = dmem_nested(root, "dmem.stat", r->name, "dying");
	/* A failed run may have leaked memory for good. */
	r->gap = self->again ? tt_gap(self->w, r) : 0;
	rm_init(&r->m, dmem_read(root, "dmem.capacity", r->name) / page,
		r->area ? cma_read(r->area, "unaccounted_pages") : 0);
	r->top = rm_create(&r->m, RM_ROOT);
	r->test = rm_create(&r->m, r->top);
}

/* All get their limits while nothing is charged. */
static int limit_region(TORTURE *self, struct tt_region *r)
{
	struct dmem_test *t = &self->t;
	char *top = strdup(t->cg);
	int ret, s;

	*strrchr(top, '/') = '\0';
	ret = dmem_set_max(t->cg, r->name, TT_LIMIT * t->page);
	rm_set_max(&r->m, r->test, TT_LIMIT);
	/* Else nothing below has a reservation. */
	if (!ret)
		ret = dmem_set(top, "dmem.min", r->name, DMEM_MAX);
	rm_set_min(&r->m, r->top, RM_UNLIMITED);
	if (!ret)
		ret = dmem_set(t->cg, "dmem.min", r->name, DMEM_MAX);
	rm_set_min(&r->m, r->test, RM_UNLIMITED);
	for (s = 0; s < TT_SLICES && !ret; s++) {
		r->slice[s] = rm_create(&r->m, r->test);
		ret = dmem_set_max(self->w->slice[s], r->name, TT_SLICE_LIMIT * t->page);
		rm_set_max(&r->m, r->slice[s], TT_SLICE_LIMIT);
		r->common[s] = rm_create(&r->m, r->slice[s]);
	}
	free(top);
	return ret;
}

static void share_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(lock, &attr);
}

static int begin_worker(TORTURE *self, int worker)
{
	struct tt_slot *slot = self->w->slot[worker];
	int slice = worker % TT_SLICES, i, j;

	for (i = 0; i < TT_SLOTS; i++) {
		for (j = 0; j < TT_REGIONS; j++)
			slot[i].node[j] = RM_NONE;
	}
	snprintf(slot->path, sizeof(slot->path), "%s/worker%d", self->w->slice[slice], worker);
	slot->exists = true;
	slot->parent = -1;
	slot->processes = 1;
	tt_add_node(self->w, slot, NULL, slice);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, self->w->inbox[worker].sock))
		return -errno;
	return cg_create(slot->path);
}

/* A world without a buffer, in new cgroups. Returns 0 or an errno. */
static int begin(TORTURE *self, int workers)
{
	struct tt_world *w = self->w;
	int i, ret = 0;

	memset(w, 0, sizeof(*w));
	memset(self->pace, 0, sizeof(*self->pace));
	memset(self->notes, 0, OPS * sizeof(*self->notes));
	share_lock(&w->lock);
	w->t = &self->t;
	w->devices = &self->devices;
	w->workers = workers;
	w->late_ms = self->again ? LATE_AGAIN_MS : LATE_MS;
	find_heaps(self);
	for (i = 0; i < w->regions; i++)
		begin_region(self, &w->region[i]);
	for (i = 0; i < TT_SLICES && !ret; i++) {
		w->slice[i] = cg_name_indexed(self->t.cg, "slice", i);
		w->common[i] = cg_name(w->slice[i], "common");
		ret = cg_create_parent(w->slice[i]);
		if (!ret)
			ret = cg_create(w->common[i]);
	}
	for (i = 0; i < w->regions && !ret; i++)
		ret = limit_region(self, &w->region[i]);
	tt_tighten(w);
	for (i = 0; i < workers && !ret; i++)
		ret = begin_worker(self, i);
	return ret;
}

static void finish(TORTURE *self)
{
	struct tt_world *w = self->w;
	int i;

	for (i = 0; i < w->heaps; i++)
		close(w->heap_fd[i]);
	for (i = 0; i < w->workers; i++) {
		close(w->inbox[i].sock[0]);
		close(w->inbox[i].sock[1]);
	}
	for (i = 0; i < TT_SLICES; i++) {
		free(w->common[i]);
		free(w->slice[i]);
	}
	/* With all that is in it: the next world gets another. */
	if (dmem_renew(&self->t))
		tt_fail(w, "cannot remove %s", self->t.cg);
}

/*
 * A process that takes samples while the workers run. No request is ever in a counter
 * that has no room for it, so each sample is within all bounds.
 */
static void sample(struct tt_world *w)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!w->failed) {
		pthread_mutex_lock(&w->lock);
		if (tt_sample(w))
			tt_sample_files(w);
		pthread_mutex_unlock(&w->lock);
		sleep_ms(4);
	}
	_exit(0);
}

static pid_t start_worker(TORTURE *self, int worker, int n)
{
	pid_t pid = cg_fork(self->w->slot[worker][0].path);

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	cpu_pin(worker);
	tt_work(self->w, self->pace, worker, self->part, n, self->notes);
	_exit(0);
}

/* All have done the round, or it is an error. */
static bool wait_for_all(TORTURE *self, int round)
{
	long long end = now_ms() + STUCK_MS;

	while (self->pace->arrived < (round + 1) * self->w->workers) {
		if (self->w->failed)
			return false;
		if (now_ms() > end) {
			tt_fail(self->w, "round %d does not come to its end", round);
			return false;
		}
		sleep_ms(1);
	}
	return true;
}

/* Does n operations of self->part. Returns whether all was right; why not is in the world. */
static bool run(TORTURE *self, int n)
{
	int rounds = n ? self->part[n - 1].round + 1 : 0, workers = 0, round, i, ret;
	pid_t pid[TT_WORKERS + 1] = {};
	struct tt_world *w = self->w;

	for (i = 0; i < n; i++) {
		if (self->part[i].worker >= workers)
			workers = self->part[i].worker + 1;
	}
	ret = begin(self, workers);
	if (ret)
		tt_fail(w, "cannot begin: %s", strerror(-ret));
	for (i = 0; i < workers && !w->failed; i++)
		pid[i] = start_worker(self, i, n);
	pid[workers] = fork();
	if (!pid[workers])
		sample(w);
	/* One more, in which all is given back. */
	for (round = 0; round <= rounds && !w->failed; round++) {
		self->pace->go = round + 1;
		if (!wait_for_all(self, round))
			break;
		self->comparing -= now_ms();
		tt_compare(w, round % ALL == ALL - 1 || round == rounds);
		self->comparing += now_ms();
		pthread_mutex_lock(&w->lock);
		tt_tighten(w);
		pthread_mutex_unlock(&w->lock);
	}
	for (i = 0; i <= workers; i++) {
		if (pid[i] > 0 && (w->failed || i == workers))
			kill(pid[i], SIGKILL);
		if (pid[i] > 0 && wait_exit(pid[i]) && i < workers && !w->failed)
			tt_fail(w, "worker %d died", i);
	}
	self->granted += w->granted;
	self->refused += w->refused;
	self->samples += w->samples;
	for (i = 0; i < TT_KINDS; i++) {
		self->did[i] += w->did[i];
		self->gave[i] += w->gave[i];
	}
	finish(self);
	return !w->failed;
}

/* Rounds without an operation go. */
static void renumber(struct tt_op *ops, int n)
{
	int i, round = -1, old = -1;

	for (i = 0; i < n; i++) {
		round += ops[i].round != old;
		old = ops[i].round;
		ops[i].round = round;
	}
}

/* Does the first n of self->part; if they fail too, they replace self->ops. */
static bool still_fails(TORTURE *self, int n)
{
	renumber(self->part, n);
	if (!n || run(self, n))
		return false;
	memcpy(self->ops, self->part, n * sizeof(*self->ops));
	return true;
}

/* Those that have done anything, which the first run has noted. */
static int without_idle(TORTURE *self, int n)
{
	int i, left = 0;

	for (i = 0; i < n; i++) {
		if (self->notes[i].text[0])
			self->part[left++] = self->ops[i];
	}
	return still_fails(self, left) ? left : n;
}

/*
 * Delta debugging: leaves out ever smaller parts of a failing list, as long as the rest
 * fails. Returns how many operations are left in self->ops.
 */
static int shrink(TORTURE *self, int n)
{
	long long end = now_ms() + SHRINK_MS;
	int size, from, i, left;

	n = without_idle(self, n);
	for (size = (n + 1) / 2; size && now_ms() < end;) {
		bool smaller = false;

		for (from = 0; from < n && now_ms() < end;) {
			for (i = 0, left = 0; i < n; i++) {
				if (i < from || i >= from + size)
					self->part[left++] = self->ops[i];
			}
			if (still_fails(self, left)) {
				n = left;
				smaller = true;
			} else {
				from += size;
			}
		}
		if (!smaller)
			size /= 2;
		else if (size > n)
			size = n;
	}
	return n;
}

static void tell(struct __test_metadata *_metadata, TORTURE *self, int n)
{
	char line[256];
	int i;

	for (i = 0; i < n; i++) {
		tt_say(&self->part[i], &self->notes[i], line, sizeof(line));
		TH_LOG("script: %s", line);
	}
}

/* The first n of self->ops were wrong. */
static void tell_failure(struct __test_metadata *_metadata, TORTURE *self, int n)
{
	int all = n, runs;

	TH_LOG("%s", self->w->text);
	self->again = true;
	n = shrink(self, n);
	memcpy(self->part, self->ops, n * sizeof(*self->ops));
	for (runs = 1; runs <= 2 && run(self, n); runs++)
		;
	if (runs > 2)
		TH_LOG("it did not fail again in %d runs: it depends on time", runs - 1);
	else
		TH_LOG("%d of %d operations are enough: %s", n, all, self->w->text);
	if (runs <= 2 || n < all)
		tell(_metadata, self, n);
}

static void count(struct __test_metadata *_metadata, TORTURE *self, long long begin)
{
	long sum = 0;
	int i;

	for (i = 0; i < TT_KINDS; i++)
		sum += self->did[i];
	TH_LOG("%ld operations in %ld epochs and %lld ms, %d regions; %ld granted, %ld refused",
	       sum, self->epochs, now_ms() - begin, self->w->regions, self->granted,
	       self->refused);
	TH_LOG("%lld ms to compare all counters, %ld times; %ld samples, none above a limit",
	       self->comparing, self->epochs * (ROUNDS + 1), self->samples);
	TH_LOG("%ld operations on %d cameras gave %ld buffers, %ld on %d displays %ld",
	       self->did[TT_CAMERA] + self->did[TT_QUEUE], self->devices.cameras,
	       self->gave[TT_CAMERA] + self->gave[TT_QUEUE], self->did[TT_DUMB],
	       self->devices.has_display, self->gave[TT_DUMB]);
	TH_LOG("of all these were %ld exported, and %ld fds imported", self->did[TT_EXPORT],
	       self->did[TT_IMPORT]);
}

/* Runs a script: the log of a failure, or a file written by hand */
static void do_script(struct __test_metadata *_metadata, TORTURE *self, const char *path)
{
	FILE *f = fopen(path, "r");
	int n;

	ASSERT_TRUE(!!f);
	n = tt_parse(f, self->part, OPS);
	fclose(f);
	ASSERT_LT(0, n);
	EXPECT_TRUE(run(self, n))
		TH_LOG("%s", self->w->text);
	tell(_metadata, self, n);
}

TEST_F_TIMEOUT(torture, random, 100000)
{
	unsigned int seed = number_from_env("DMEM_TORTURE_SEED", SEED);
	long long begin = now_ms(), seconds = number_from_env("DMEM_TORTURE_SECONDS", SECONDS);
	int workers = count_workers(), n = workers * ROUNDS * PER_ROUND;
	int epoch = number_from_env("DMEM_TORTURE_EPOCH", 0);
	bool ok = true;

	if (getenv("DMEM_TORTURE_SCRIPT")) {
		do_script(_metadata, self, getenv("DMEM_TORTURE_SCRIPT"));
		return;
	}
	TH_LOG("seed %u, from epoch %d, %d workers", seed, epoch, workers);
	while (ok && now_ms() < begin + seconds * 1000) {
		tt_generate(seed, epoch, workers, ROUNDS, PER_ROUND, self->ops);
		memcpy(self->part, self->ops, n * sizeof(*self->ops));
		ok = run(self, n);
		if (!ok)
			break;
		self->epochs++;
		epoch++;
	}
	EXPECT_TRUE(ok)
		TH_LOG("seed %u, epoch %d", seed, epoch);
	if (!ok) {
		tell_failure(_metadata, self, n);
		return;
	}
	count(_metadata, self, begin);
	EXPECT_LT(0, self->refused);
	EXPECT_LT(self->refused, self->granted);
	EXPECT_LT(0, self->samples);
	/* A device that allocates nothing would leave its driver untested. */
	if (self->devices.vivid)
		EXPECT_EQ(workers, self->devices.cameras);
	if (self->devices.cameras)
		EXPECT_LT(0, self->gave[TT_CAMERA]);
	if (self->devices.cameras)
		EXPECT_LT(0, self->gave[TT_QUEUE]);
	if (self->devices.has_display)
		EXPECT_LT(0, self->gave[TT_DUMB]);
	EXPECT_EQ(0, cg_wait_dying(self->t.cg, 0));
}

TEST_HARNESS_MAIN
