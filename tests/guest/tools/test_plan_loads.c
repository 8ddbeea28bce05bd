// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compares "dmemctl plan" with the kernel on many loads. Each load is recorded once; then each
 * answer about it is tried: the load, or the changed load, runs in an area of exactly the predicted
 * size, and in smaller ones.
 *
 * dmem.loads=FROM-TO on the kernel's command line selects loads by their numbers, below LOADS.
 *
 * dmem.board=fits or less: the areas of the device tree have the size that was planned for the load,
 * or one block less. Then only that is tried.
 *
 * Lines of the results that begin with "load:" and "predictions:" become tables.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "answer.h"
#include "area.h"
#include "load.h"
#include "services.h"
#include "unit.h"

#define DMEMCTL		"/usr/sbin/dmemctl"
#define HISTORY		"/run/dmem-tests/loads.history"
#define ROOT		"/sys/fs/cgroup"
#define PARENT		"t-loads"
#define SEED		20261100	/* plus the number of the load */
#define SOME_LOADS	5		/* without dmem.loads= */
#define WAIT_MS		20000
#define OF_BOARD	8		/* the load for which the suite makes device trees */
#define INTERVAL	"--interval=200ms"	/* several times what a sample needs on a slow machine */
#define FIRST_FD	400		/* above all others while a load is recorded */
#define LEFT_OF_MOST	12000		/* pages of 4K: larger loads are not scaled up */
#define FIRST_GUESS	(16 * MIB)	/* the kernel's default for the area of drivers */
#define ADDED		3		/* buffers, and their size in KiB */
#define ADDED_KIB	1300
#define NEIGHBOUR_BUFFERS 9		/* for each alignment up to 256 pages, and the rest */

static const char * const area_name[LOAD_REGIONS] = { CAMERA_HEAP, "display@60000000", "linux,cma" };
static const char * const region_name[LOAD_REGIONS] = { CAMERA, DISPLAY, DEFAULT };
static const char * const sizes_name[LOAD_SIZES] = { "frames", "odd", "small", "large", "mixed" };

/* Answers that are compared, by kind. */
enum kind {
	NEED, LESS, FIRST, REFUSED, SCALE, WITHOUT, ADD, ADD_WITH, MERGE, SPLIT, KEPT, NEIGHBOUR, OTHER,
	MOVABLE, BOARD, KINDS
};

static const char * const kind_name[KINDS] = {
	[NEED] = "the needed size admits the load",
	[LESS] = "a smaller size refuses it, in this region",
	[FIRST] = "--size: the first refusal, with its size, the largest run and free memory",
	[REFUSED] = "--size: the number of refused requests of a service",
	[SCALE] = "--scale: the needed size and a page less",
	[WITHOUT] = "--without: the needed size and a page less",
	[ADD] = "--add: the needed size and a page less",
	[ADD_WITH] = "--add with a service: the needed size and a page less",
	[MERGE] = "--merge: the needed size and a page less",
	[SPLIT] = "--split: the needed size of both regions and a page less",
	[KEPT] = "MAX and MIN of all services refuse nothing that was recorded",
	[NEIGHBOUR] = "a neighbour gets all memory that is not reserved, and not a page more",
	[OTHER] = "another size admits or refuses the load",
	[MOVABLE] = "the needed size and a page less while pages must move",
	[BOARD] = "a device tree with the planned areas, and one with areas that are a block smaller",
};

/* Makes the program the first process of a namespace: each sample of the recorder reads the files of
 * all processes that it can see, which would be most of its time. */
static void __attribute__((constructor)) start_alone(void)
{
	int status = 0;
	pid_t pid;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS))
		_exit(126);
	pid = fork();
	if (pid) {
		if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
			_exit(126);
		_exit(WEXITSTATUS(status));
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("proc", "/proc", "proc", 0, NULL))
		_exit(126);
}

FIXTURE(loads) {
	struct area area[LOAD_REGIONS];
	struct services services;
	char *cg;
	int buffer[LOAD_OPS], added[ADDED];
	pid_t recorder;
	struct hog hog;
	size_t n;			/* the number of the load */
	struct load_shape shape;
	struct load load;
	long long page, need[LOAD_REGIONS];	/* pages */
	char *answer;			/* the plan without headroom */
	size_t made[KINDS], missed[KINDS];
};

FIXTURE_SETUP(loads)
{
	mkdir("/run/dmem-tests", 0755);
	self->page = sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < LOAD_REGIONS; i++) {
		/* Memory of other users would change the placement. */
		ASSERT_EQ(0, area_open(&self->area[i], area_name[i]));
		ASSERT_EQ(0, i < 2 ? self->area[i].used : 0);
	}
	self->cg = cg_name(ROOT, PARENT);
	ASSERT_EQ(0, cg_create_parent(self->cg));
	memset(self->buffer, -1, sizeof(self->buffer));
	memset(self->added, -1, sizeof(self->added));
}

static void close_all(int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = -1;
	}
}

static void drop_buffers(FIXTURE_DATA(loads) *self)
{
	close_all(self->buffer, LOAD_OPS);
	close_all(self->added, ADDED);
}

FIXTURE_TEARDOWN(loads)
{
	drop_buffers(self);
	for (size_t i = 0; i < LOAD_REGIONS; i++)
		area_close(&self->area[i]);
	EXPECT_EQ(0, hog_end(&self->hog));
	if (self->recorder > 0) {
		kill(self->recorder, SIGKILL);
		waitpid(self->recorder, NULL, 0);
	}
	unlink(HISTORY);
	unlink(HISTORY ".lock");
	EXPECT_EQ(0, services_end(&self->services));
	EXPECT_EQ(0, cg_destroy(self->cg));
	free(self->cg);
	free(self->answer);
}

/* ---- a load on the kernel ---- */

/* One run of a load. */
struct attempt {
	const struct load *load;
	struct area *area[LOAD_REGIONS];
	bool go_on;			/* after refused requests */
	const struct load *whole;	/* with the ops of other regions, or NULL: adds no buffers */
	unsigned int with;		/* the service in it that they come and go with */
	int heap;			/* of the added buffers */
	long long added;		/* pages of each */
	/* Results */
	size_t refused_op;		/* the first one, or load->n */
	unsigned int refused[LOAD_REGIONS][LOAD_MOST_SERVICES];
	struct first {
		bool any;
		unsigned int service;
		long long asked, run, free;	/* pages */
	} first[LOAD_REGIONS];
};

static void note_refused(struct attempt *t, size_t i)
{
	const struct load_op *op = &t->load->op[i];
	struct first *f = &t->first[op->region];

	t->refused[op->region][op->service]++;
	if (t->refused_op > i)
		t->refused_op = i;
	if (f->any)
		return;
	*f = (struct first){
		true, op->service, (long long)op->pages, area_largest_run(t->area[op->region]),
		area_free(t->area[op->region]),
	};
}

/* Executes one op. 0, -ENOMEM: it was refused, or another negative errno. */
static int step(FIXTURE_DATA(loads) *self, const struct load *l, size_t i, int heap)
{
	const struct load_op *op = &l->op[i];
	int fd;

	if (!op->pages)
		return 0;
	if (op->free) {
		close_all(&self->buffer[op->buffer], 1);
		return 0;
	}
	fd = services_alloc(&self->services, op->service, heap, (long long)op->pages * self->page,
			    FIRST_FD + (int)i);
	if (fd >= 0)
		self->buffer[i] = fd;
	return fd < 0 ? fd : 0;
}

/* Has the service a buffer after these ops? */
static bool has_buffer(const struct load *l, unsigned int service, size_t ops)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < ops; i++) {
		const struct load_op *op = &l->op[i];

		if (op->service == service)
			pages += op->free ? -op->pages : op->pages;
	}
	return pages;
}

/* The neighbour, which is the service behind the others, allocates. 0 or a negative errno. */
static int alloc_added(FIXTURE_DATA(loads) *self, int heap, long long pages)
{
	int ret = 0;

	for (int i = 0; i < ADDED && !ret; i++) {
		self->added[i] = services_alloc(&self->services, self->shape.services, heap,
						pages * self->page, FIRST_FD);
		ret = self->added[i] < 0 ? self->added[i] : 0;
	}
	return ret;
}

/* A history has the time of a sample, and each sample is one step of the load: the added buffers
 * come after the others of this step. */
static int switch_added(FIXTURE_DATA(loads) *self, const struct attempt *t, size_t ops)
{
	bool wanted = has_buffer(t->whole, t->with, ops);

	if (wanted == (self->added[0] >= 0))
		return 0;
	if (wanted)
		return alloc_added(self, t->heap, t->added);
	close_all(self->added, ADDED);
	return 0;
}

/* Runs a load in windows of its areas. 0 or a negative errno. */
static int attempt(FIXTURE_DATA(loads) *self, struct attempt *t)
{
	size_t end = t->whole ? load_same_kind(t->whole, 0) : 0;
	int ret = 0;

	t->refused_op = t->load->n;
	for (size_t i = 0; i < t->load->n; i++) {
		ret = step(self, t->load, i, t->area[t->load->op[i].region]->heap);
		if (!ret && i + 1 == end) {
			ret = switch_added(self, t, end);
			end = load_same_kind(t->whole, end);
		}
		if (ret && ret != -ENOMEM)
			break;
		if (ret)
			note_refused(t, i);
		if (ret && !t->go_on)
			break;
	}
	drop_buffers(self);
	return ret == -ENOMEM ? 0 : ret;
}

/* An area that is large enough: that of the region, or the largest one. *@from: the first page of
 * the window. NULL: all areas are smaller. */
static struct area *find_area(FIXTURE_DATA(loads) *self, unsigned int region, long long pages,
			      long long *from)
{
	struct area *own = &self->area[region], *large = &self->area[LOAD_REGIONS - 1];

	*from = own->used ? 0 : own->aligned;
	if (*from + pages <= own->total)
		return own;
	*from = large->aligned;
	return own != large && *from + pages <= large->total ? large : NULL;
}

/* Does this region's part of the load run in @pages? @added: pages of each added buffer, or 0; they
 * are there while service @with has memory, or at all times with LOAD_ALL. 1, 0, or a negative errno:
 * -E2BIG if no area is as large. */
static int admits(FIXTURE_DATA(loads) *self, const struct load *l, unsigned int region,
		  long long pages, long long added, unsigned int with)
{
	struct load part = *l;
	struct attempt t = { .load = &part };
	long long from;
	int ret;

	t.area[region] = find_area(self, region, pages, &from);
	if (!t.area[region])
		return -E2BIG;
	load_keep_region(&part, region);
	for (size_t i = 0; i < LOAD_REGIONS; i++)
		t.area[i] = t.area[region];
	ret = area_window(t.area[region], from, from + pages);
	if (added && with == LOAD_ALL && !ret)
		ret = alloc_added(self, t.area[region]->heap, added);
	if (added && with != LOAD_ALL) {
		t.whole = l;
		t.with = with;
		t.heap = t.area[region]->heap;
		t.added = added;
	}
	if (ret == -ENOMEM && added) {
		drop_buffers(self);
		area_drop(t.area[region]);
		return 0;
	}
	ret = ret ? ret : attempt(self, &t);
	area_drop(t.area[region]);
	return ret ? ret : t.refused_op == part.n;
}

/* ---- predictions ---- */

#define PREDICTED(kind, ok, fmt, ...) do {				\
	bool _ok = ok;							\
									\
	self->made[kind]++;						\
	self->missed[kind] += !_ok;					\
	EXPECT_TRUE(_ok)						\
		TH_LOG("load %zu: " fmt, self->n, ##__VA_ARGS__);	\
} while (0)

/* The predicted size admits the load, and a page less does not. */
static void check_need(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self, enum kind kind,
		       const struct load *l, unsigned int region, long long need, long long added,
		       unsigned int with)
{
	int whole, less;

	whole = admits(self, l, region, need, added, with);
	if (whole == -E2BIG) {
		TH_LOG("load %zu: no area is large enough for %s: %lld pages", self->n,
		       kind_name[kind], need);
		return;
	}
	less = admits(self, l, region, need - 1, added, with);
	PREDICTED(kind, whole == 1, "%s: in %lld pages of %s it is refused: %d", kind_name[kind],
		  need, region_name[region], whole);
	PREDICTED(kind, !less, "%s: less than %lld pages of %s admit it: %d", kind_name[kind],
		  need, region_name[region], less);
}

/* The plan with up to three more options. The answer is valid until the next command. */
static const char *plan(struct __test_metadata *_metadata, const char *headroom, const char *o1,
			const char *o2, const char *o3)
{
	ASSERT_EQ(0, run(DMEMCTL, "plan", HISTORY, "--json", headroom, o1, o2, o3, NULL))
		TH_LOG("%s", output());
	return output();
}

static long long need_in(FIXTURE_DATA(loads) *self, const char *answer, const char *region)
{
	long long need = answer_number(answer_region(answer, region), "need");

	return need < 0 || need % self->page ? -1 : need / self->page;
}

/* ---- the recording ---- */

static int on_first_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static pid_t start_recorder(FIXTURE_DATA(loads) *self)
{
	const char *argv[SERVICES + 8] = {
		"dmemctl", "record", "--buffers", INTERVAL, "--output=" HISTORY,
	};
	size_t n = 5;
	pid_t pid;

	/* Not the neighbour. */
	for (unsigned int i = 0; i < self->shape.services; i++)
		argv[n++] = self->services.cgroup[i];
	pid = fork();
	if (!pid) {
		if (on_first_cpu())
			_exit(126);
		execv(DMEMCTL, (char *const *)argv);
		_exit(127);
	}
	return pid;
}

/* The history from @from on, for free(), or NULL. */
static char *read_history(off_t from)
{
	int fd = open(HISTORY, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && st.st_size >= from)
		text = malloc((size_t)(st.st_size - from) + 1);
	n = text ? pread(fd, text, (size_t)(st.st_size - from), from) : 0;
	if (text)
		text[n > 0 ? n : 0] = 0;
	close(fd);
	return text;
}

/* Waits until the history contains a text, from @from on. */
static bool wait_history(off_t from, const char *text)
{
	long long end = now_ms() + WAIT_MS;
	bool found = false;

	while (!found && now_ms() < end) {
		char *all = read_history(from);

		found = all && strstr(all, text);
		free(all);
		if (!found)
			sleep_ms(10);
	}
	return found;
}

/* Does the process wait in poll()? The kernel shows another text while it runs. */
static bool waits_in_poll(pid_t pid)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	return atoi(text_of(path)) == SYS_ppoll;
}

/*
 * Stops the recorder between two samples. A sample that is read while buffers are allocated can have
 * a later one without an earlier one: the history then has another order than the load. While this
 * process has a real-time priority, the recorder, on the same processor, cannot begin a sample
 * between the look and the signal.
 */
static bool stop_between_samples(pid_t recorder)
{
	const struct sched_param first = { .sched_priority = 1 }, none = { 0 };
	long long end = now_ms() + WAIT_MS;
	bool stopped = false;
	cpu_set_t all;

	if (sched_getaffinity(0, sizeof(all), &all) || on_first_cpu())
		return false;
	while (!stopped && now_ms() < end) {
		if (sched_setscheduler(0, SCHED_FIFO, &first))
			break;
		stopped = waits_in_poll(recorder) && !kill(recorder, SIGSTOP);
		if (sched_setscheduler(0, SCHED_OTHER, &none))
			return false;
		if (!stopped)
			sleep_ms(1);
	}
	return !sched_setaffinity(0, sizeof(all), &all) && stopped;
}

/* Executes allocations, or frees, in succession, and waits until one sample has recorded all. */
static bool record_ops(FIXTURE_DATA(loads) *self, unsigned long *inode, size_t from, size_t to)
{
	const struct load *l = &self->load;
	struct stat st;
	char text[64];
	off_t old;

	if (!stop_between_samples(self->recorder))
		return false;
	old = stat(HISTORY, &st) ? 0 : st.st_size;
	for (size_t i = from; i < to; i++) {
		if (step(self, l, i, self->area[l->op[i].region].heap))
			return false;
		if (l->op[i].free)
			continue;
		if (fstat(self->buffer[i], &st))
			return false;
		inode[i] = st.st_ino;
	}
	if (kill(self->recorder, SIGCONT))
		return false;
	for (size_t i = from; i < to; i++) {
		snprintf(text, sizeof(text), l->op[i].free ? " f%lu" : " b%lu=", inode[l->op[i].buffer]);
		if (!wait_history(old, text))
			return false;
	}
	return true;
}

/* The order of the buffers is that of their inode numbers. */
static bool is_in_order(void)
{
	char *text = read_history(0), *at = text;
	unsigned long last = 0, inode;
	bool ok = text;

	while (ok && (at = strstr(at, " b"))) {
		at += 2;
		inode = strtoul(at, &at, 10);
		/* A buffer is named again if its cgroup is found later. */
		ok = *at != '=' || inode >= last;
		last = *at == '=' ? inode : last;
	}
	free(text);
	return ok;
}

static bool record_load(FIXTURE_DATA(loads) *self)
{
	unsigned long inode[LOAD_OPS] = { 0 };
	const struct load *l = &self->load;
	bool ok;

	self->recorder = start_recorder(self);
	ok = wait_history(0, " S ");
	for (size_t i = 0, next; i < l->n && ok; i = next) {
		next = load_same_kind(l, i);
		ok = record_ops(self, inode, i, next);
	}
	kill(self->recorder, SIGTERM);
	ok &= !wait_exit(self->recorder);
	self->recorder = 0;
	drop_buffers(self);
	return ok;
}

/* ---- the answers ---- */

/* All regions at once, in windows of the needed sizes, less @less pages in one of them. */
static int attempt_all(FIXTURE_DATA(loads) *self, struct attempt *t, const long long *pages)
{
	int ret = 0;

	t->load = &self->load;
	for (unsigned int i = 0; i < self->shape.regions && !ret; i++) {
		t->area[i] = &self->area[i];
		ret = area_window(t->area[i], 0, pages[i]);
	}
	if (!ret)
		ret = attempt(self, t);
	for (unsigned int i = 0; i < self->shape.regions; i++)
		area_drop(&self->area[i]);
	return ret;
}

static void check_less(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self,
		       unsigned int region, long long less)
{
	long long pages[LOAD_REGIONS];
	struct attempt t = { 0 };

	memcpy(pages, self->need, sizeof(pages));
	pages[region] -= less;
	if (pages[region] < self->area[region].used)
		return;
	ASSERT_EQ(0, attempt_all(self, &t, pages));
	PREDICTED(LESS, t.refused_op < self->load.n && self->load.op[t.refused_op].region == region,
		  "%lld pages less than %lld of %s are enough", less, self->need[region],
		  region_name[region]);
}

static void check_sizes(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self)
{
	struct attempt t = { 0 };

	ASSERT_EQ(0, attempt_all(self, &t, self->need));
	PREDICTED(NEED, t.refused_op == self->load.n, "request %zu of %zu is refused", t.refused_op,
		  self->load.n);
	for (unsigned int i = 0; i < self->shape.regions; i++) {
		long long unit = answer_number(answer_region(self->answer, region_name[i]), "alignment");

		check_less(_metadata, self, i, 1);
		if (unit > self->page)
			check_less(_metadata, self, i, unit / self->page);
	}
}

/* The path of a cgroup in histories. */
static const char *cgroup_path(const struct services *s, unsigned int i)
{
	return s->cgroup[i] + strlen(ROOT "/");
}

/* Compares the refusals of one region with those of the kernel. */
static void check_refusals(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self,
			   const struct attempt *t, const char *answer, unsigned int region,
			   long long pages)
{
	const char *at = answer_region(answer, region_name[region]);
	const struct first *f = &t->first[region];
	long long earliest = LLONG_MAX;

	EXPECT_EQ(answer_trial_number(at, "refused"), answer_trial_number(at, "refused_least"));
	for (unsigned int s = 0; s < self->shape.services; s++) {
		const char *path = cgroup_path(&self->services, s);
		long long n = answer_trial(at, path, "refused");
		long long time = answer_trial(at, path, "first_time");

		if (!load_peak(&self->load, region, s))
			continue;
		PREDICTED(REFUSED, (n > 0 ? n : 0) == t->refused[region][s],
			  "in %lld pages of %s, %lld requests of service %u are refused, not %u",
			  pages, region_name[region], n, s, t->refused[region][s]);
		if (n > 0 && time < earliest)
			earliest = time;
	}
	if (f->any) {
		const char *path = cgroup_path(&self->services, f->service);

		/* Several services can have the same time, that of a sample. */
		PREDICTED(FIRST, answer_trial(at, path, "first_time") == earliest &&
			  answer_trial(at, path, "asked") == f->asked * self->page &&
			  answer_trial(at, path, "largest_run") == f->run * self->page &&
			  answer_trial(at, path, "free") == f->free * self->page,
			  "in %lld pages of %s, service %u is first: %lld pages, run %lld, free %lld; plan: %lld, %lld, %lld",
			  pages, region_name[region], f->service, f->asked, f->run, f->free,
			  answer_trial(at, path, "asked") / self->page,
			  answer_trial(at, path, "largest_run") / self->page,
			  answer_trial(at, path, "free") / self->page);
	} else {
		PREDICTED(FIRST, earliest == LLONG_MAX, "in %lld pages of %s, nothing is refused",
			  pages, region_name[region]);
	}
}

static void check_trial(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self, int percent)
{
	struct attempt t = { .go_on = true };
	char option[LOAD_REGIONS][128];
	long long pages[LOAD_REGIONS];
	const char *answer;

	for (unsigned int i = 0; i < self->shape.regions; i++) {
		pages[i] = self->need[i] * percent / 100;
		/* What others use is not part of the window. */
		if (pages[i] <= self->area[i].used)
			pages[i] = self->area[i].used + 1;
		snprintf(option[i], sizeof(option[i]), "--size=%s=%lld", region_name[i],
			 pages[i] * self->page);
	}
	ASSERT_EQ(0, attempt_all(self, &t, pages));
	answer = plan(_metadata, "--headroom=0", option[0], self->shape.regions > 1 ? option[1] : NULL,
		      self->shape.regions > 2 ? option[2] : NULL);
	for (unsigned int i = 0; i < self->shape.regions; i++)
		check_refusals(_metadata, self, &t, answer, i, pages[i]);
}

/* Compares the need of a changed load, in all regions that it uses. */
static void check_changed(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self,
			  enum kind kind, const struct load *l, const char *option)
{
	const char *answer = plan(_metadata, "--headroom=0", option, NULL, NULL);
	long long need[LOAD_REGIONS];

	for (unsigned int i = 0; i < self->shape.regions; i++)
		need[i] = load_peak(l, i, LOAD_ALL) ? need_in(self, answer, region_name[i]) : 0;
	for (unsigned int i = 0; i < self->shape.regions; i++) {
		if (need[i])
			check_need(_metadata, self, kind, l, i, need[i], 0, LOAD_ALL);
	}
}

/* The service with the highest peak in the first region. */
static unsigned int largest_service(FIXTURE_DATA(loads) *self)
{
	unsigned int best = 0;

	for (unsigned int i = 1; i < self->shape.services; i++) {
		if (load_peak(&self->load, 0, i) > load_peak(&self->load, 0, best))
			best = i;
	}
	return best;
}

static void check_changes(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self)
{
	unsigned int s = largest_service(self), at = (unsigned int)self->n % self->shape.regions;
	long long added = (ADDED_KIB * 1024 + self->page - 1) / self->page;
	const char *path = cgroup_path(&self->services, s), *answer;
	struct load l = self->load;
	char option[256];

	load_scale(&l, s, 4);
	if (load_peak(&l, 0, LOAD_ALL) * (uint64_t)self->page > LEFT_OF_MOST * 4096) {
		l = self->load;
		load_scale(&l, s, 1);
		snprintf(option, sizeof(option), "--scale=%s=0.5", path);
	} else {
		snprintf(option, sizeof(option), "--scale=%s=2", path);
	}
	check_changed(_metadata, self, SCALE, &l, option);

	if (self->shape.services > 1) {
		l = self->load;
		load_leave_out(&l, s);
		snprintf(option, sizeof(option), "--without=%s", path);
		check_changed(_metadata, self, WITHOUT, &l, option);
	}

	snprintf(option, sizeof(option), "--add=npu:%s=%dx%dK", region_name[at], ADDED, ADDED_KIB);
	answer = plan(_metadata, "--headroom=0", option, NULL, NULL);
	check_need(_metadata, self, ADD, &self->load, at, need_in(self, answer, region_name[at]), added,
		   LOAD_ALL);
	snprintf(option + strlen(option), sizeof(option) - strlen(option), ":with=%s", path);
	answer = plan(_metadata, "--headroom=0", option, NULL, NULL);
	check_need(_metadata, self, ADD_WITH, &self->load, at, need_in(self, answer, region_name[at]),
		   added, s);
}

static void check_merge(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self)
{
	struct load l = self->load;
	const char *answer;

	if (self->shape.regions < 2)
		return;
	load_move(&l, 1, 0, LOAD_ALL);
	answer = plan(_metadata, "--headroom=0", "--merge=" CAMERA "," DISPLAY, NULL, NULL);
	check_need(_metadata, self, MERGE, &l, 0, need_in(self, answer, CAMERA), 0, LOAD_ALL);
}

/* The new region and the rest of the old one. */
static void check_split(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self)
{
	unsigned int s = largest_service(self);
	const char *path = cgroup_path(&self->services, s), *answer;
	struct load rest = self->load, l = self->load;
	char option[160];
	long long of_new, of_old;

	if (self->shape.services < 2)
		return;
	load_leave_out(&rest, s);
	for (unsigned int i = 0; i < self->shape.services; i++) {
		if (i != s)
			load_leave_out(&l, i);
	}
	snprintf(option, sizeof(option), "--split=%s:%s", CAMERA, path);
	answer = plan(_metadata, "--headroom=0", option, NULL, NULL);
	of_new = need_in(self, answer, option + strlen("--split="));
	of_old = load_peak(&rest, 0, LOAD_ALL) ? need_in(self, answer, CAMERA) : 0;
	check_need(_metadata, self, SPLIT, &l, 0, of_new, 0, LOAD_ALL);
	if (of_old)
		check_need(_metadata, self, SPLIT, &rest, 0, of_old, 0, LOAD_ALL);
}

/* ---- limits and reservations ---- */

/* Sets those of the plan. Returns the sum of the reservations in bytes, or a negative errno. */
static long long set_limits(FIXTURE_DATA(loads) *self, unsigned int region)
{
	const char *at = answer_region(self->answer, region_name[region]);
	long long sum = 0;
	int ret = 0;

	for (unsigned int s = 0; s < self->shape.services && !ret; s++) {
		const char *path = cgroup_path(&self->services, s), *cg = self->services.cgroup[s];
		long long max = answer_service(at, path, "max"), min = answer_service(at, path, "min");

		if (max < 0)
			continue;
		ret = dmem_set(cg, "dmem.max", region_name[region], max);
		if (!ret && min > 0)
			ret = dmem_set(cg, "dmem.min", region_name[region], min);
		sum += min > 0 ? min : 0;
	}
	if (!ret)
		ret = dmem_set(self->cg, "dmem.min", region_name[region], sum);
	return ret ? ret : sum;
}

static int drop_limits(FIXTURE_DATA(loads) *self, unsigned int region)
{
	int ret = dmem_set(self->cg, "dmem.min", region_name[region], 0);

	for (unsigned int s = 0; s < self->shape.services && !ret; s++) {
		ret = dmem_set(self->services.cgroup[s], "dmem.min", region_name[region], 0);
		if (!ret)
			ret = dmem_set(self->services.cgroup[s], "dmem.max", region_name[region], DMEM_MAX);
	}
	return ret;
}

/* The neighbour, which is the service behind the others, allocates the first free pages of an area
 * whose other pages are free, too. A single buffer would begin at a multiple of its alignment, and
 * so not have the pages between those in use and that place. 0 or a negative errno. */
static int fill_as_neighbour(FIXTURE_DATA(loads) *self, const struct area *a, long long pages, int *fd)
{
	long long from = a->used, to = from + pages, n;

	for (int i = 0; from < to; from += n, i++) {
		n = area_next(a, from, to);
		fd[i] = i < NEIGHBOUR_BUFFERS ?
			services_alloc(&self->services, self->shape.services, a->heap, n * self->page, FIRST_FD) :
			-ENOSPC;
		if (fd[i] < 0)
			return fd[i];
	}
	return 0;
}

/* A neighbour can have all memory for which there is no reservation. */
static void check_neighbour(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self,
			    unsigned int region, long long left)
{
	struct area *a = &self->area[region];
	int fd[NEIGHBOUR_BUFFERS + 1], more, ret;

	memset(fd, -1, sizeof(fd));
	if (left > 0) {
		ret = fill_as_neighbour(self, a, left, fd);
		PREDICTED(NEIGHBOUR, !ret, "a neighbour does not get %lld pages of %s: %d", left,
			  region_name[region], ret);
	}
	more = services_alloc(&self->services, self->shape.services, a->heap, self->page, FIRST_FD);
	PREDICTED(NEIGHBOUR, more == -ENOMEM, "a neighbour gets more than %lld pages of %s: %d", left,
		  region_name[region], more);
	close_all(&more, 1);
	close_all(fd, NEIGHBOUR_BUFFERS + 1);
}

/* The proposed size, in whole blocks, with the planned limits and reservations. */
static void check_limits(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self)
{
	struct attempt t = { .load = &self->load };
	long long size[LOAD_REGIONS], sum[LOAD_REGIONS];

	for (unsigned int i = 0; i < self->shape.regions; i++) {
		const char *at = answer_region(self->answer, region_name[i]);

		size[i] = answer_of_reservations(at, "reserved_in") / self->page;
		ASSERT_LE(self->need[i], size[i]);
		if (size[i] > self->area[i].total) {
			TH_LOG("load %zu: %s is too small for the planned size", self->n, region_name[i]);
			return;
		}
	}
	for (unsigned int i = 0; i < self->shape.regions; i++) {
		t.area[i] = &self->area[i];
		ASSERT_EQ(0, area_window(t.area[i], 0, size[i]));
		sum[i] = set_limits(self, i);
		ASSERT_LE(0, sum[i]);
	}
	ASSERT_EQ(0, attempt(self, &t));
	PREDICTED(KEPT, t.refused_op == self->load.n, "request %zu of %zu is refused", t.refused_op,
		  self->load.n);
	for (unsigned int i = 0; i < self->shape.regions; i++) {
		check_neighbour(_metadata, self, i,
				size[i] - self->area[i].used - sum[i] / self->page);
		ASSERT_EQ(0, drop_limits(self, i));
		area_drop(t.area[i]);
	}
}

/* ---- other ways to choose a size ---- */

/* Does a size admit the load? Sizes above the need do: larger areas place buffers as smaller ones
 * do, see firstfit.h. They are only tried with @always. */
static bool size_admits(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self,
			unsigned int region, long long bytes, bool always)
{
	long long pages = bytes / self->page;
	bool expected = pages >= self->need[region];
	int ret = expected && !always ? -E2BIG : admits(self, &self->load, region, pages, 0, LOAD_ALL);

	if (ret == -E2BIG)
		return expected;
	PREDICTED(OTHER, ret == expected, "%lld pages of %s: %d, the plan needs %lld", pages,
		  region_name[region], ret, self->need[region]);
	return ret == 1;
}

static long long up_to(long long v, long long block)
{
	return (v + block - 1) / block * block;
}

/* Prints a row: sizes in bytes, 1 if the load runs, and the number of guesses. */
static void compare_ways(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self,
			 unsigned int region, long long planned)
{
	const char *at = answer_region(self->answer, region_name[region]);
	long long used = self->area[region].used * self->page, block = answer_number(at, "block");
	long long peak = (long long)load_peak(&self->load, region, LOAD_ALL) * self->page + used;
	long long half_more = up_to(peak * 3 / 2, block), sum = used, guess = FIRST_GUESS;
	bool planned_runs, half_more_runs, sum_runs;
	int guesses = 1;

	for (unsigned int s = 0; s < self->shape.services; s++)
		sum += (long long)load_peak(&self->load, region, s) * self->page;
	sum = up_to(sum, block);
	planned_runs = size_admits(_metadata, self, region, planned, true);
	half_more_runs = size_admits(_metadata, self, region, half_more, false);
	sum_runs = size_admits(_metadata, self, region, sum, false);
	for (; !size_admits(_metadata, self, region, guess, false); guess *= 2)
		guesses++;
	TH_LOG("load: %zu %s %u %s %lld %lld %lld %lld %d %lld %d %lld %d %lld %d", self->n,
	       region_name[region], self->shape.services, sizes_name[self->shape.sizes],
	       self->page, peak, self->need[region] * self->page, planned, planned_runs, half_more,
	       half_more_runs, sum, sum_runs, guess, guesses);
}

static void check_ways(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self)
{
	long long planned[LOAD_REGIONS];
	const char *answer = plan(_metadata, "--headroom=10", NULL, NULL, NULL);

	for (unsigned int i = 0; i < self->shape.regions; i++)
		planned[i] = answer_number(answer_region(answer, region_name[i]), "size");
	for (unsigned int i = 0; i < self->shape.regions; i++)
		compare_ways(_metadata, self, i, planned[i]);
}

/* ---- movable pages ---- */

/* Pages that must be migrated first need no more room. The other areas are full. */
static void check_movable(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self)
{
	struct load l = self->load;
	struct attempt t = { .load = &l };

	load_keep_region(&l, 0);
	for (size_t i = 0; i < LOAD_REGIONS; i++)
		t.area[i] = &self->area[0];
	for (int less = 0; less < 2; less++) {
		long long pages = self->need[0] - less, move;

		for (size_t i = 0; i < LOAD_REGIONS; i++) {
			ASSERT_EQ(0, area_window(&self->area[i], 0, i ? self->area[i].used : pages));
		}
		move = hog_start(&self->hog, pages, self->page);
		TH_LOG("load %zu: %lld of %lld pages must move", self->n, move, pages);
		EXPECT_LT(pages / 3, move);
		ASSERT_EQ(0, attempt(self, &t));
		PREDICTED(MOVABLE, (t.refused_op == l.n) == !less, "with movable pages, %lld pages: %zu of %zu",
			  pages, t.refused_op, l.n);
		EXPECT_EQ(0, hog_end(&self->hog));
	}
	for (size_t i = 0; i < LOAD_REGIONS; i++)
		area_drop(&self->area[i]);
}

/* ---- the test ---- */

/* False: the range is empty, or too large. */
static bool select_loads(size_t *from, size_t *to)
{
	const char *at = strstr(text_of("/proc/cmdline"), "dmem.loads=");

	*from = 0;
	*to = SOME_LOADS - 1;
	if (at && sscanf(at, "dmem.loads=%zu-%zu", from, to) != 2)
		return false;
	return *from <= *to && *to < LOADS;
}

/* Records the load with an order of buffers that is known, and finds its needs. */
static void prepare(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self)
{
	load_shape(&self->shape, self->n, (uint64_t)self->page);
	/* The plan assumes it. With pages of 64K, the default area can be elsewhere. */
	while (self->shape.regions > 1 && !self->area[self->shape.regions - 1].begins_aligned)
		self->shape.regions--;
	load_make_shape(&self->load, SEED + self->n, &self->shape);
	/* New cgroups have new peaks. */
	ASSERT_EQ(0, services_end(&self->services));
	ASSERT_EQ(0, services_start(&self->services, self->cg, (int)self->shape.services + 1));
	unlink(HISTORY);
	ASSERT_TRUE(record_load(self))
		TH_LOG("load %zu is not recorded", self->n);
	ASSERT_TRUE(is_in_order())
		TH_LOG("load %zu is recorded in another order", self->n);
	free(self->answer);
	self->answer = strdup(plan(_metadata, "--headroom=0", "--shrink", NULL, NULL));
	for (unsigned int i = 0; i < self->shape.regions; i++) {
		const char *at = answer_region(self->answer, region_name[i]);

		self->need[i] = need_in(self, self->answer, region_name[i]);
		ASSERT_LT(0, self->need[i])
			TH_LOG("load %zu: no need of %s", self->n, region_name[i]);
		ASSERT_GE(self->area[i].total, self->need[i]);
		EXPECT_EQ(answer_number(at, "placed_least"), self->need[i] * self->page);
	}
}

/* Prints the numbers of predictions and of misses, and begins anew. Returns the number of misses. */
static size_t print_predictions(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self)
{
	size_t n = 0;

	for (int i = 0; i < KINDS; i++) {
		if (self->made[i])
			TH_LOG("predictions: %lld %zu %zu %s", self->page, self->made[i], self->missed[i],
			       kind_name[i]);
		n += self->missed[i];
		self->made[i] = self->missed[i] = 0;
	}
	return n;
}

/* The history of the load that the board is planned for, or that has misses. */
static void print_history(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self)
{
	char *text = read_history(0), *line, *rest;

	for (line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest))
		TH_LOG("history %zu: %s", self->n, line);
	free(text);
}

/* Each region's part of the load in a whole area of the device tree. */
static void check_board(struct __test_metadata *_metadata, FIXTURE_DATA(loads) *self, bool fits)
{
	load_shape(&self->shape, self->n, (uint64_t)self->page);
	ASSERT_EQ(0, services_start(&self->services, self->cg, (int)self->shape.services));
	for (unsigned int i = 0; i < self->shape.regions; i++) {
		struct load l;
		struct attempt t = { .load = &l };

		load_make_shape(&l, SEED + self->n, &self->shape);
		load_keep_region(&l, i);
		for (size_t k = 0; k < LOAD_REGIONS; k++)
			t.area[k] = &self->area[i];
		ASSERT_EQ(0, attempt(self, &t));
		PREDICTED(BOARD, (t.refused_op == l.n) == fits, "%s of %lld pages: %zu of %zu", region_name[i],
			  self->area[i].total, t.refused_op, l.n);
	}
	print_predictions(_metadata, self);
}

/* These seeds were not used to tune the plan. */
TEST_F_TIMEOUT(loads, predicted, 3600)
{
	const char *board = strstr(text_of("/proc/cmdline"), "dmem.board=");
	bool fits = board && !strncmp(board, "dmem.board=fits", 15);
	size_t from, to;

	ASSERT_TRUE(select_loads(&from, &to));
	self->n = from;
	if (board) {
		check_board(_metadata, self, fits);
		return;
	}
	for (self->n = from; self->n <= to; self->n++) {
		long long start = now_ms(), recorded;

		prepare(_metadata, self);
		recorded = now_ms();
		check_sizes(_metadata, self);
		check_trial(_metadata, self, 90);
		check_trial(_metadata, self, 60);
		check_changes(_metadata, self);
		check_merge(_metadata, self);
		check_split(_metadata, self);
		check_limits(_metadata, self);
		check_ways(_metadata, self);
		if (self->n % 4 == 3 && self->need[0] * self->page > 12 * MIB)
			check_movable(_metadata, self);
		if (print_predictions(_metadata, self) || self->n == OF_BOARD)
			print_history(_metadata, self);
		TH_LOG("load %zu: recorded in %lld ms, compared in %lld ms", self->n,
		       recorded - start, now_ms() - recorded);
	}
}

TEST_HARNESS_MAIN
