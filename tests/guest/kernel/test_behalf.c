// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that a driver allocates for a job of a memory-to-memory device. Jobs of all open
 * files are in one queue, so that the job of a process in b runs in a system call of a process
 * in a, or in a kernel thread: b is charged, and its limit holds.
 *
 * This process is in a, and its own job is under way when the other one is queued.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_dma_driver.h"
#include "dmem_expect.h"
#include "dmem_expect_events.h"
#include "guest_util.h"
#include "hold.h"
#include "m2m.h"

#define OWN_PAGES	4
#define PAGES		16
#define MAX_FDS		4096

#define DYING_CGROUPS	"nr_dying_descendants "

enum place {
	QBUF,		/* of the process in a */
	JOB_WORK,	/* of v4l2-mem2mem */
	WORKER,		/* of the driver */
};

FIXTURE(behalf) {
	struct dmem_test t;
	const char *region;
	char *a, *b;
	enum place place;
	long long own_len, len;
	int own;		/* context of this process */
	int fds[MAX_FDS], n;
	pid_t held;		/* in its exit */
};

#define BEHALF	FIXTURE_DATA(behalf)

FIXTURE_VARIANT(behalf) { enum place place; };
FIXTURE_VARIANT_ADD(behalf, qbuf) { .place = QBUF };
FIXTURE_VARIANT_ADD(behalf, job_work) { .place = JOB_WORK };
FIXTURE_VARIANT_ADD(behalf, worker) { .place = WORKER };

FIXTURE_SETUP(behalf)
{
	struct dmem_test *t = &self->t;

	begin_or_skip(_metadata, t, DMEM_CMA);
	ASSERT_EQ(0, m2m_load(t))
		TH_LOG("%s", t->reason);
	ASSERT_EQ(0, hold_load());
	ASSERT_EQ(0, m2m_use_worker(variant->place == WORKER));
	self->region = t->heap.region;
	self->place = variant->place;
	self->own_len = OWN_PAGES * t->page;
	self->len = PAGES * t->page;
	self->a = new_cgroup(_metadata, cg_create, t->cg, "a");
	self->b = new_cgroup(_metadata, cg_create, t->cg, "b");
	ASSERT_EQ(0, cg_enter_current(self->a));
	self->own = m2m_open();
	ASSERT_LE(0, self->own);
	ASSERT_EQ(0, m2m_begin(self->own, self->own_len));
	ASSERT_EQ(0, m2m_queue(self->own, 0));
	ASSERT_LT(0, m2m_ran());
	ASSERT_EQ(self->own_len, dmem_current(self->a, self->region));
}

FIXTURE_TEARDOWN(behalf)
{
	dma_accounting(false);
	if (self->held)
		hold_end(self->held);
	while (self->n)
		close(self->fds[--self->n]);
	close(self->own);
	dmem_end(&self->t);
}

static void expect_charges(struct __test_metadata *_metadata, BEHALF *self, long long in_a,
			   long long in_b)
{
	EXPECT_EQ(in_a, dmem_current(self->a, self->region));
	EXPECT_EQ(in_b, dmem_current(self->b, self->region));
	EXPECT_EQ(in_a + in_b, dmem_current(self->t.cg, self->region));
}

#define EXPECT_CHARGES(...)	expect_charges(_metadata, self, __VA_ARGS__)

/* The task goes before any worker on this CPU. */
static void go_first(bool on)
{
	struct sched_param param = { .sched_priority = on };

	cpu_pin(0);
	sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &param);
}

/* The job of this process ends, and the next one runs in the place that the test is about. */
static void next_job(struct __test_metadata *_metadata, BEHALF *self)
{
	pid_t ran;
	int ret;

	if (self->place == QBUF) {
		/* v4l2-mem2mem wakes job_work when a job ends. This QBUF comes before. */
		go_first(true);
		ret = m2m_finish();
		if (!ret)
			ret = m2m_queue_one(self->own, M2M_CAPTURE, 1);
		go_first(false);
	} else {
		ret = m2m_finish();
	}
	ASSERT_EQ(0, ret);
	ran = m2m_ran();
	ASSERT_LT(0, ran);
	ASSERT_EQ(self->place == QBUF, ran == getpid());
	ASSERT_EQ(0, m2m_dequeue(self->own));
}

/* Ends the job of the context, which has had its memory or not, and frees the memory. */
static void end_job(struct __test_metadata *_metadata, int fd, int want)
{
	ASSERT_EQ(0, m2m_finish());
	ASSERT_EQ(want, m2m_dequeue(fd));
	ASSERT_EQ(0, m2m_stream(fd, false));
}

/* Another job of the context, which runs in a system call of this process. */
static void job_again(struct __test_metadata *_metadata, int fd)
{
	ASSERT_EQ(0, m2m_stream(fd, true));
	ASSERT_EQ(0, m2m_queue(fd, 0));
	ASSERT_LT(0, m2m_ran());
}

/* The process that is held in its exit is gone. */
static void end_held(struct __test_metadata *_metadata, BEHALF *self)
{
	pid_t pid = self->held;

	self->held = 0;
	ASSERT_EQ(0, hold_end(pid));
}

#define NEXT_JOB()	next_job(_metadata, self)
#define END_JOB(...)	end_job(_metadata, __VA_ARGS__)
#define JOB_AGAIN(fd)	job_again(_metadata, fd)
#define END_HELD()	end_held(_metadata, self)

/* b is charged for its job, and a for what this process allocates afterwards. */
TEST_F(behalf, charged)
{
	long long one = self->t.page;
	int fd = m2m_job_of(self->b, -1, self->len), buf;

	ASSERT_LE(0, fd);
	EXPECT_CHARGES(self->own_len, 0);
	NEXT_JOB();
	EXPECT_CHARGES(self->own_len, self->len);
	buf = heap_alloc(self->t.heap_fd, one);
	ASSERT_LE(0, buf);
	EXPECT_CHARGES(self->own_len + one, self->len);
	close(buf);

	END_JOB(fd, 0);
	EXPECT_CHARGES(self->own_len, 0);
	close(fd);
}

/* The limit of b refuses the memory, and b counts this. a is not concerned. */
TEST_F(behalf, limit)
{
	int fd = m2m_job_of(self->b, -1, self->len);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, dmem_set_max(self->b, self->region, self->len - self->t.page));
	NEXT_JOB();
	EXPECT_CHARGES(self->own_len, 0);
	END_JOB(fd, -EIO);
	expect_events(_metadata, self->region, self->b, 1, 1, 0);
	expect_local(_metadata, self->region, self->b, 1, 1, 0);
	expect_no_events(_metadata, self->region, self->a);

	ASSERT_EQ(0, dmem_set_max(self->b, self->region, self->len));
	JOB_AGAIN(fd);
	EXPECT_CHARGES(self->own_len, self->len);
	END_JOB(fd, 0);
	expect_events(_metadata, self->region, self->b, 1, 1, 0);
	close(fd);
}

/* a is at its limit, which refuses nothing to b. */
TEST_F(behalf, neighbours_limit)
{
	int fd = m2m_job_of(self->b, -1, self->len);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, 0));
	NEXT_JOB();
	EXPECT_CHARGES(self->own_len, self->len);
	END_JOB(fd, 0);
	expect_no_events(_metadata, self->region, self->a);
	expect_no_events(_metadata, self->region, self->b);
	close(fd);
}

/* A job of this size of b is the next one, and the area has no room for it. */
static int job_beyond_area(struct __test_metadata *_metadata, BEHALF *self, long long len)
{
	int fd = m2m_job_of(self->b, -1, len);

	ASSERT_LE(0, fd);
	ASSERT_GT(len / self->t.page,
		  area_fill(&self->t, len / self->t.page, self->fds, &self->n, MAX_FDS));
	return fd;
}

#define JOB_BEYOND_AREA(len)	job_beyond_area(_metadata, self, len)

/* A full area: the failure is b's, which needs more than the page allocator has in one piece. */
TEST_F(behalf, exhausted)
{
	long long len = 8LL << 20, before;
	int fd;

	if (self->t.page > 4096)
		SKIP(return, "the page allocator may have %lld bytes", len);
	fd = JOB_BEYOND_AREA(len);
	before = dmem_nested(self->a, "dmem.events", self->region, "exhausted");
	NEXT_JOB();
	END_JOB(fd, -EIO);
	expect_events(_metadata, self->region, self->b, 0, 0, 1);
	EXPECT_EQ(before, dmem_nested(self->a, "dmem.events", self->region, "exhausted"));
	EXPECT_EQ(0, dmem_current(self->b, self->region));
	close(fd);
}

/* Kernel memory of this process, in pipes that it does not close */
static int fill_pipe(long long len)
{
	static char buf[1 << 20];
	int ends[2];

	for (; len > 0; len -= sizeof(buf)) {
		if (pipe(ends) || fcntl(ends[1], F_SETPIPE_SZ, sizeof(buf)) < 0 ||
		    write(ends[1], buf, sizeof(buf)) != sizeof(buf))
			return -errno;
	}
	return 0;
}

/*
 * The area is full, and the page allocator serves the job. If it is chosen, memcg is charged for
 * that: b, whose memory.max holds, or the nearest cgroup that is left.
 */
TEST_F(behalf, pages)
{
	/* Other kernel memory of the cgroup can become less meanwhile. */
	const long long len = 2LL << 20, slack = len / 8;
	long long in_a, in_b, in_top;
	int fd;

	if (!dma_has_fallback(DMEM_DMA_COHERENT))
		SKIP(return, "no other memory serves");
	if (dmem_enable_memory(&self->t))
		SKIP(return, "no memory controller in cgroup2");
	ASSERT_EQ(0, dma_accounting(true));
	fd = JOB_BEYOND_AREA(len);
	in_a = kernel_memory(self->a);
	in_b = kernel_memory(self->b);
	NEXT_JOB();
	EXPECT_LT(in_b + len - slack, kernel_memory(self->b));
	EXPECT_GT(in_a + len / 2, kernel_memory(self->a));
	EXPECT_EQ(0, dmem_current(self->b, self->region));
	/* The scope has ended. */
	ASSERT_EQ(0, fill_pipe(len));
	EXPECT_LT(in_a + len - slack, kernel_memory(self->a));
	EXPECT_GT(in_b + len + len / 2, kernel_memory(self->b));
	END_JOB(fd, 0);
	EXPECT_GT(in_b + len / 2, kernel_memory(self->b));

	ASSERT_EQ(0, cg_write(self->b, "memory.max", "1M"));
	JOB_AGAIN(fd);
	EXPECT_GT(in_b + len / 2, kernel_memory(self->b));
	END_JOB(fd, -EIO);
	EXPECT_LT(0, cg_read_key_long(self->b, "memory.events", "max "));
	EXPECT_EQ(0, cg_read_key_long(self->b, "memory.events", "oom "));
	EXPECT_EQ(0, cg_read_key_long(self->a, "memory.events", "max "));

	ASSERT_EQ(0, cg_destroy(self->b));
	in_top = kernel_memory(self->t.cg);
	in_a = kernel_memory(self->a);
	JOB_AGAIN(fd);
	EXPECT_LT(in_top + len - slack, kernel_memory(self->t.cg));
	EXPECT_GT(in_a + len / 2, kernel_memory(self->a));
	END_JOB(fd, 0);
	EXPECT_GT(in_top + len / 2, kernel_memory(self->t.cg));
	EXPECT_EQ(0, dma_accounting(false));
	close(fd);
}

/*
 * b is removed before the job runs: its parent is charged, whose limit holds. A removed cgroup
 * gets no charges, and nothing of its controller is kept.
 */
TEST_F(behalf, removed)
{
	struct dmem_test *t = &self->t;
	int fd = m2m_job_of(self->b, -1, self->len);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_destroy(self->b));
	NEXT_JOB();
	expect_stat(_metadata, t, t->cg, OWN_PAGES + PAGES, PAGES, 0);
	expect_stat(_metadata, t, self->a, OWN_PAGES, OWN_PAGES, 0);
	EXPECT_EQ(0, cg_wait_dying(t->cg, 0));
	END_JOB(fd, 0);
	expect_stat(_metadata, t, t->cg, OWN_PAGES, 0, 0);

	ASSERT_EQ(0, dmem_set_max(t->cg, self->region, self->own_len + self->len - t->page));
	JOB_AGAIN(fd);
	expect_stat(_metadata, t, t->cg, OWN_PAGES, 0, 0);
	END_JOB(fd, -EIO);
	expect_local(_metadata, self->region, t->cg, 1, 1, 0);
	expect_no_events(_metadata, self->region, self->a);
	close(fd);
}

/*
 * The process that requested the job still exits when its cgroup is removed, and the one above:
 * the css of both stay online. Nobody can read or set anything there, so the nearest cgroup that
 * is left is charged, whose limit holds.
 */
TEST_F(behalf, removed_in_exit)
{
	struct dmem_test *t = &self->t;
	const char *region = self->region;
	char *c;
	int fd;

	ASSERT_EQ(0, cg_write(self->b, SUBTREE_CONTROL, "+dmem"));
	c = new_cgroup(_metadata, cg_create, self->b, "c");
	fd = m2m_job_of_held(c, self->len, &self->held);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_destroy(c));
	ASSERT_EQ(0, dmem_set_max(self->b, region, self->len - t->page));
	NEXT_JOB();
	EXPECT_CHARGES(self->own_len, 0);
	END_JOB(fd, -EIO);
	expect_local(_metadata, region, self->b, 1, 1, 0);
	expect_no_events(_metadata, region, self->a);
	ASSERT_EQ(0, dmem_set_max(self->b, region, self->len));
	JOB_AGAIN(fd);
	EXPECT_CHARGES(self->own_len, self->len);
	expect_stat(_metadata, t, self->b, PAGES, PAGES, 0);
	END_JOB(fd, 0);

	ASSERT_EQ(0, cg_destroy(self->b));
	EXPECT_EQ(2, cg_read_key_long(t->cg, "cgroup.stat", DYING));
	JOB_AGAIN(fd);
	expect_stat(_metadata, t, t->cg, OWN_PAGES + PAGES, PAGES, 0);
	expect_stat(_metadata, t, self->a, OWN_PAGES, OWN_PAGES, 0);
	END_JOB(fd, 0);
	ASSERT_EQ(0, dmem_set_max(t->cg, region, self->own_len + self->len - t->page));
	JOB_AGAIN(fd);
	expect_stat(_metadata, t, t->cg, OWN_PAGES, 0, 0);
	END_JOB(fd, -EIO);
	expect_local(_metadata, region, t->cg, 1, 1, 0);
	expect_no_events(_metadata, region, self->a);
	EXPECT_EQ(2, cg_read_key_long(t->cg, "cgroup.stat", DYING));

	END_HELD();
	EXPECT_EQ(0, cg_wait_dying(t->cg, 0));
	close(fd);
	EXPECT_EQ(0, cg_read_key_long_poll(t->cg, "cgroup.stat", DYING_CGROUPS, 0, 500, 20000));
}

/* The same while the controller is disabled for b, and b is charged again afterwards. */
TEST_F(behalf, disabled)
{
	struct dmem_test *t = &self->t;
	int fd = m2m_job_of(self->b, -1, self->len);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_write(t->cg, SUBTREE_CONTROL, "-dmem"));
	NEXT_JOB();
	expect_stat(_metadata, t, t->cg, OWN_PAGES + PAGES, PAGES, OWN_PAGES);
	END_JOB(fd, 0);
	expect_stat(_metadata, t, t->cg, OWN_PAGES, 0, OWN_PAGES);

	ASSERT_EQ(0, cg_write(t->cg, SUBTREE_CONTROL, "+dmem"));
	JOB_AGAIN(fd);
	EXPECT_EQ(self->len, dmem_current(self->b, self->region));
	END_JOB(fd, 0);
	close(fd);
}

/* The same while the process that requested the job still exits. */
TEST_F(behalf, disabled_in_exit)
{
	struct dmem_test *t = &self->t;
	int fd = m2m_job_of_held(self->b, self->len, &self->held);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_write(t->cg, SUBTREE_CONTROL, "-dmem"));
	NEXT_JOB();
	expect_stat(_metadata, t, t->cg, OWN_PAGES + PAGES, PAGES, OWN_PAGES);
	END_JOB(fd, 0);
	expect_stat(_metadata, t, t->cg, OWN_PAGES, 0, OWN_PAGES);

	/* It cannot be enabled before the process is gone: the write would wait. */
	END_HELD();
	ASSERT_EQ(0, cg_write(t->cg, SUBTREE_CONTROL, "+dmem"));
	JOB_AGAIN(fd);
	EXPECT_EQ(self->len, dmem_current(self->b, self->region));
	END_JOB(fd, 0);
	close(fd);
}

/* The controller is enabled after the request, as when somebody sets the first limit. */
TEST_F(behalf, enabled)
{
	const char *top = self->t.cg;
	int fd;

	ASSERT_EQ(0, cg_write(top, SUBTREE_CONTROL, "-dmem"));
	fd = m2m_job_of(self->b, -1, self->len);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_write(top, SUBTREE_CONTROL, "+dmem"));
	NEXT_JOB();
	EXPECT_EQ(self->len, dmem_current(self->b, self->region));
	END_JOB(fd, 0);
	close(fd);
}

/* The process that requested buffers in b is in a when its job runs: until the next REQBUFS. */
TEST_F(behalf, moved)
{
	int fd;

	ASSERT_EQ(0, cg_enter_current(self->b));
	fd = m2m_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, m2m_begin(fd, self->len));
	ASSERT_EQ(0, m2m_queue(fd, 0));
	ASSERT_EQ(0, cg_enter_current(self->a));
	NEXT_JOB();
	EXPECT_CHARGES(self->own_len, self->len);
	END_JOB(fd, 0);
	JOB_AGAIN(fd);
	EXPECT_CHARGES(self->own_len, self->len);
	END_JOB(fd, 0);

	ASSERT_EQ(M2M_BUFS, m2m_reqbufs(fd, M2M_CAPTURE, M2M_BUFS));
	JOB_AGAIN(fd);
	EXPECT_CHARGES(self->own_len + self->len, 0);
	END_JOB(fd, 0);
	close(fd);
}

/* Opened in a, and used in b: as a file from a broker, or from a manager that keeps it. */
TEST_F(behalf, passed_on)
{
	int opened = m2m_open(), fd;

	ASSERT_LE(0, opened);
	fd = m2m_job_of(self->b, opened, self->len);
	ASSERT_LE(0, fd);
	NEXT_JOB();
	EXPECT_CHARGES(self->own_len, self->len);
	END_JOB(fd, 0);
	close(fd);
	close(opened);
}

/* Two processes use a context: the one that allocated buffers last is charged. */
TEST_F(behalf, last_one)
{
	int fd = m2m_job_of(self->b, -1, self->len);

	ASSERT_LE(0, fd);
	/* This allocates nothing. */
	ASSERT_EQ(0, m2m_create_bufs(fd, M2M_CAPTURE, 0));
	NEXT_JOB();
	EXPECT_CHARGES(self->own_len, self->len);
	END_JOB(fd, 0);

	ASSERT_EQ(1, m2m_create_bufs(fd, M2M_CAPTURE, 1));
	JOB_AGAIN(fd);
	EXPECT_CHARGES(self->own_len + self->len, 0);
	END_JOB(fd, 0);
	close(fd);
}

/* A context with buffers keeps the removed cgroup, one without any does not. */
TEST_F(behalf, freed)
{
	const char *top = self->t.cg;
	int fd = m2m_job_of(self->b, -1, self->len);

	ASSERT_LE(0, fd);
	NEXT_JOB();
	END_JOB(fd, 0);
	ASSERT_EQ(0, cg_destroy(self->b));
	EXPECT_EQ(0, cg_wait_dying(top, 0));
	EXPECT_EQ(0, m2m_reqbufs(fd, M2M_OUTPUT, 0));
	sleep_ms(200);
	EXPECT_EQ(1, cg_read_key_long(top, "cgroup.stat", DYING_CGROUPS));
	EXPECT_EQ(0, m2m_reqbufs(fd, M2M_CAPTURE, 0));
	EXPECT_EQ(0, cg_read_key_long_poll(top, "cgroup.stat", DYING_CGROUPS, 0, 500, 20000));
	close(fd);
}

/* The last file is closed while the job is under way. The cgroup is gone as well. */
TEST_F(behalf, closed)
{
	const char *top = self->t.cg;
	int fd = m2m_job_of(self->b, -1, self->len);

	ASSERT_LE(0, fd);
	NEXT_JOB();
	ASSERT_EQ(0, cg_destroy(self->b));
	expect_stat(_metadata, &self->t, top, OWN_PAGES + PAGES, 0, PAGES);
	close(fd);
	expect_stat(_metadata, &self->t, top, OWN_PAGES, 0, 0);
	EXPECT_EQ(0, cg_read_key_long_poll(top, "cgroup.stat", DYING_CGROUPS, 0, 500, 20000));
}

static void unload(void)
{
	m2m_unload();
	hold_unload();
	modules_unload(&m2m_modules);
}

/* The modules are loaded once for all tests, because that takes a while. */
int main(int argc, char **argv)
{
	if (dmem_is_on() && !geteuid()) {
		atexit(unload);
		modules_load(&m2m_modules);
	}
	return test_harness_run(argc, argv);
}
