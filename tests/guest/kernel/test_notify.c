// SPDX-License-Identifier: GPL-2.0
/*
 * Notification of refusals: by poll() and inotify, on exactly the dmem.events
 * and dmem.events.local files that count them, not for each of many refusals,
 * but after the last; and by the controller's tracepoints. And a file that is removed
 * meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "hold.h"
#include "dmem_expect.h"

#define BURST	1000
#define QUIET	200	/* ms, after which nothing more is expected */
#define PATIENCE 20000	/* ms, for expected events */
#define REPEATS	3

/*
 * slice
 *   a
 *   b
 */
FIXTURE(notify) {
	struct dmem_test t;
	char *slice, *a, *b;
};

FIXTURE_VARIANT(notify) {
	enum dmem_kind kind;
};

FIXTURE_VARIANT_ADD(notify, cma) {
	.kind = DMEM_CMA,
};

FIXTURE_VARIANT_ADD(notify, system) {
	.kind = DMEM_SYSTEM,
};

FIXTURE_SETUP(notify)
{
	begin_or_skip(_metadata, &self->t, variant->kind);
	self->slice = cg_name(self->t.cg, "slice");
	self->a = cg_name(self->slice, "a");
	self->b = cg_name(self->slice, "b");
	EXPECT_EQ(0, cg_create_parent(self->slice));
	EXPECT_EQ(0, cg_create(self->a));
	EXPECT_EQ(0, cg_create(self->b));
	EXPECT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(notify)
{
	dmem_end(&self->t);
}

/* The files of the tree: those of each cgroup in this order, bit by bit */
enum {
	A = 1, A_LOCAL = 2, B = 4, B_LOCAL = 8, SLICE = 0x10,
	SLICE_LOCAL = 0x20, TOP = 0x40, TOP_LOCAL = 0x80,
};

#define FILES	8

struct watch {
	struct pollfd poll[FILES];
	int inotify, wd[FILES];
};

/* Reads a file, as a watcher does after each notification. */
static void read_events(int fd)
{
	char buf[8192];

	while (pread(fd, buf, sizeof(buf), 0) < 0 && errno == EINTR)
		;
}

static void watch_begin(struct __test_metadata *_metadata, struct watch *w,
			const char *a, const char *b, const char *slice,
			const char *top)
{
	const char * const cg[] = { a, b, slice, top };
	int i;

	w->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	ASSERT_LE(0, w->inotify);
	for (i = 0; i < FILES; i++) {
		char *path = cg_name(cg[i / 2], i & 1 ? "dmem.events.local" :
							"dmem.events");

		w->poll[i].fd = open(path, O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, w->poll[i].fd);
		w->poll[i].events = POLLPRI;
		read_events(w->poll[i].fd);
		w->wd[i] = inotify_add_watch(w->inotify, path, IN_MODIFY);
		ASSERT_LE(0, w->wd[i]);
		free(path);
	}
}

static unsigned int inotify_seen(struct watch *w)
{
	union {
		char buf[4096];
		struct inotify_event align;
	} u;
	unsigned int seen = 0;
	ssize_t len, at;
	int i;

	while ((len = read(w->inotify, u.buf, sizeof(u.buf))) > 0) {
		for (at = 0; at < len; at += sizeof(u.align)) {
			struct inotify_event *ev = (void *)(u.buf + at);

			for (i = 0; i < FILES; i++) {
				if (ev->wd == w->wd[i] && ev->mask & IN_MODIFY)
					seen |= 1 << i;
			}
		}
	}
	return seen;
}

static unsigned int poll_seen(struct watch *w)
{
	unsigned int seen = 0;
	int i;

	poll(w->poll, FILES, 0);
	for (i = 0; i < FILES; i++) {
		if (!(w->poll[i].revents & POLLPRI))
			continue;
		seen |= 1 << i;
		read_events(w->poll[i].fd);
	}
	return seen;
}

/* Adds the files that are notified, each in both ways, until none is any more. */
static void until_quiet(struct watch *w, unsigned int *by_poll, unsigned int *by_inotify)
{
	long long end = now_ms() + QUIET;

	while (now_ms() < end) {
		unsigned int more = poll_seen(w), also = inotify_seen(w);

		if (more | also)
			end = now_ms() + QUIET;
		*by_poll |= more;
		*by_inotify |= also;
		sleep_ms(2);
	}
}

/*
 * None of the files is notified of a limit that changes. On a busy machine an event of an earlier
 * request may come so late that it is seen here, but not every time.
 */
static void expect_silent_max(struct __test_metadata *_metadata, struct watch *w,
			      const char *cg, const char *region, long long from, long long to)
{
	unsigned int by_poll, by_inotify;
	int i;

	for (i = 0; i < REPEATS; i++) {
		by_poll = 0;
		by_inotify = 0;
		ASSERT_EQ(0, dmem_set_max(cg, region, from));
		ASSERT_EQ(0, dmem_set_max(cg, region, to));
		until_quiet(w, &by_poll, &by_inotify);
		if (!(by_poll | by_inotify))
			break;
	}
	EXPECT_EQ(0U, by_poll);
	EXPECT_EQ(0U, by_inotify);
}

/* Exactly these files are notified, each in both ways. */
static void expect_notified(struct __test_metadata *_metadata, struct watch *w,
			    unsigned int want)
{
	long long end = now_ms() + PATIENCE;
	unsigned int by_poll = 0, by_inotify = 0;

	do {
		by_poll |= poll_seen(w);
		by_inotify |= inotify_seen(w);
		if ((by_poll & by_inotify & want) == want)
			break;
		sleep_ms(2);
	} while (now_ms() < end);
	/* Events that are not wanted, and the second of two that belong together */
	until_quiet(w, &by_poll, &by_inotify);
	EXPECT_EQ(want, by_poll);
	EXPECT_EQ(want, by_inotify);
}

TEST_F_TIMEOUT(notify, own_limit, 120)
{
	struct dmem_test *t = &self->t;
	unsigned int by_poll = 0, by_inotify = 0;
	struct watch w;
	int fd, i;

	ASSERT_EQ(0, dmem_set_max(self->a, t->heap.region, t->page));
	watch_begin(_metadata, &w, self->a, self->b, self->slice, t->cg);
	fd = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	until_quiet(&w, &by_poll, &by_inotify);
	EXPECT_EQ(0U, by_poll | by_inotify);
	/*
	 * Each further refusal, which repeats the first, notifies again. A late event of
	 * one refusal could stand for the next, but not for each of several.
	 */
	for (i = 0; i <= REPEATS; i++) {
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, t->page));
		expect_notified(_metadata, &w, A | A_LOCAL | SLICE | TOP);
	}
	close(fd);
	expect_silent_max(_metadata, &w, self->a, t->heap.region, t->page, DMEM_MAX);
}

/* Only the caller's cgroup and that of the limit have local events. */
TEST_F_TIMEOUT(notify, ancestors_limit, 120)
{
	struct dmem_test *t = &self->t;
	struct watch w;

	watch_begin(_metadata, &w, self->a, self->b, self->slice, t->cg);
	expect_silent_max(_metadata, &w, t->cg, t->heap.region, DMEM_MAX, 0);
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, t->page));
	expect_notified(_metadata, &w, A | A_LOCAL | SLICE | TOP | TOP_LOCAL);
}

TEST_F_TIMEOUT(notify, exhausted, 120)
{
	struct dmem_test *t = &self->t;
	struct watch w;

	watch_begin(_metadata, &w, self->a, self->b, self->slice, t->cg);
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd,
				      3 * dmem_read(t->root, "dmem.capacity",
						    t->heap.region)));
	expect_notified(_metadata, &w, A | A_LOCAL | SLICE | TOP);
}

/*
 * An endless loop of requests does not keep its watcher busy; a watcher that
 * reads the file after each notification misses no refusal.
 */
TEST_F_TIMEOUT(notify, burst, 120)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long begin, took, quiet_since, seen[2] = {}, i;
	int wakes[2] = {}, ready, status = -1, j;
	struct watch w;
	pid_t pid;

	ASSERT_EQ(0, dmem_set_max(self->slice, region, 0));
	watch_begin(_metadata, &w, self->a, self->b, self->slice, t->cg);
	/* The hierarchical file of one, the local of the other */
	w.poll[0] = w.poll[5];
	w.poll[1] = w.poll[6];
	begin = now_ms();
	pid = cg_fork(self->a);
	ASSERT_LE(0, pid);
	if (!pid) {
		for (i = 0; i < BURST; i++) {
			if (heap_alloc(t->heap_fd, t->page) != -ENOMEM)
				_exit(1);
		}
		_exit(0);
	}
	quiet_since = begin;
	took = 0;
	/* The last notification may be late; after it, nothing more comes. */
	while (!took || now_ms() - quiet_since <
	       (seen[0] == BURST && seen[1] == BURST ? QUIET : PATIENCE)) {
		ready = poll(w.poll, 2, 10);
		ASSERT_LE(0, ready);
		if (!took && waitpid(pid, &status, WNOHANG) == pid) {
			took = now_ms() - begin + 1;
			quiet_since = now_ms();
		}
		for (j = 0; j < 2; j++) {
			if (!(w.poll[j].revents & POLLPRI))
				continue;
			read_events(w.poll[j].fd);
			seen[j] = j ? dmem_nested(t->cg, "dmem.events", region,
						  "alloc_fail") :
				      dmem_nested(self->slice,
						  "dmem.events.local", region,
						  "max");
			wakes[j]++;
			quiet_since = now_ms();
		}
	}
	EXPECT_EQ(0, status);
	/*
	 * There may be a notification in 10 ms: here, one for each refusal could be right.
	 * A skip would hide a failed expectation.
	 */
	if (took / 5 + 10 >= BURST && __test_passed(_metadata))
		SKIP(return, "%d refusals took %lld ms", BURST, took);
	for (j = 0; j < 2; j++) {
		EXPECT_EQ(BURST, seen[j]);
		EXPECT_LT(0, wakes[j]);
		/* At most one in 10 ms, and those at both ends, also if the timer is late */
		EXPECT_GE(took / 5 + 10, wakes[j]);
	}
	TH_LOG("%d refusals in %lld ms, %d and %d notifications", BURST, took,
	       wakes[0], wakes[1]);
}

/* Lines of the trace that contain all of this. */
static int traced(const char *dir, const char *event, const char *text)
{
	char *path = cg_name(dir, "trace"), line[1024];
	size_t len = strlen(text);
	int n = 0;
	FILE *f;

	f = fopen(path, "r");
	free(path);
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		char *p = strstr(line, event);

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || !p)
			continue;
		p = strstr(p, text);
		/* An id must not match the beginning of another one. */
		n += p && (!p[len] || p[len] == ' ');
	}
	fclose(f);
	return n;
}

TEST_F(notify, tracepoints)
{
	struct dmem_test *t = &self->t;
	char charge[512], refuse[512], id[64], *dir;
	long long len = 3 * t->page;
	int fd;

	dir = trace_dir();
	if (cg_write(dir, "events/dmem/enable", "1"))
		SKIP(return, "no tracepoints (CONFIG_EVENT_TRACING)");
	if (!cg_id(self->a))
		SKIP(return, "cannot tell a cgroup's id (CONFIG_FHANDLE)");
	snprintf(id, sizeof(id), "cgroup=%llu", cg_id(self->a));
	snprintf(charge, sizeof(charge), "region=%s bytes=%lld %s",
		 t->heap.region, len, id);
	snprintf(refuse, sizeof(refuse),
		 "region=%s bytes=%lld %s limit=%llu", t->heap.region,
		 2 * len, id, cg_id(self->slice));

	ASSERT_EQ(0, dmem_set_max(self->slice, t->heap.region, len));
	fd = heap_alloc(t->heap_fd, len);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, traced(dir, "dmem_charge:", charge));
	EXPECT_EQ(0, traced(dir, "dmem_uncharge:", id));
	EXPECT_EQ(0, traced(dir, "dmem_refuse:", id));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 2 * len));
	EXPECT_EQ(1, traced(dir, "dmem_refuse:", refuse));
	EXPECT_EQ(1, traced(dir, "dmem_refuse:", id));
	EXPECT_EQ(0, traced(dir, "dmem_uncharge:", id));
	/* Freed in another cgroup: the event still names the charged one. */
	ASSERT_EQ(0, cg_enter_current(self->b));
	close(fd);
	EXPECT_EQ(1, traced(dir, "dmem_uncharge:", charge));
	EXPECT_EQ(1, traced(dir, "dmem_charge:", id));
	EXPECT_EQ(1, traced(dir, "dmem_refuse:", id));

	/*
	 * A removed cgroup keeps its id in the event, although its path is
	 * gone.
	 */
	fd = cg_alloc(self->a, t->heap_fd, len);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_destroy(self->a));
	close(fd);
	EXPECT_EQ(2, traced(dir, "dmem_charge:", charge));
	EXPECT_EQ(2, traced(dir, "dmem_uncharge:", charge));

	EXPECT_EQ(0, cg_write(dir, "events/dmem/enable", "0"));
	snprintf(id, sizeof(id), "cgroup=%llu", cg_id(self->b));
	fd = heap_alloc(t->heap_fd, len);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, len));
	close(fd);
	EXPECT_EQ(0, traced(dir, "dmem_", id));
	rmdir(dir);
	free(dir);
}

/*
 * A cgroup is removed after a task has seen its file, and before the task arms the timer of the
 * next notification: nothing deletes the timer later, so it must not be armed.
 */
TEST(removed_at_event)
{
	struct dmem_test t;
	pid_t pid, held;
	int i, ret;
	char *cg;

	begin_or_skip(_metadata, &t, DMEM_NO_HEAP);
	ASSERT_EQ(0, hold_load());
	cg = new_cgroup(_metadata, cg_create, t.cg, "removed");
	for (i = 0; i < 2; i++) {
		pid = hold_notify(cg);
		held = hold_wait();
		/* The first time it is not removed. */
		if (held && i)
			EXPECT_EQ(0, cg_destroy(cg));
		ret = hold_end(pid);
		if (ret == HOLD_LOCKED)
			SKIP(break, "the timer is armed under a lock");
		EXPECT_EQ(pid, held);
		EXPECT_EQ(i ? HOLD_NOT_ARMED : HOLD_ARMED, ret);
	}
	EXPECT_EQ(0, hold_unload());
	dmem_end(&t);
}

TEST_HARNESS_MAIN
