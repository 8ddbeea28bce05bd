// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system heap with dma_heap.mem_accounting: memcg is charged for its pages, too, and its
 * limit can be why the page allocator fails. That does not count as "exhausted" in dmem.events: a
 * larger region would not help.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"
#include "dmem_expect_events.h"
#include "guest_util.h"

#define PARAMETERS	"/sys/module/dma_heap/parameters"
#define PRINTK		"/sys/module/printk/parameters"
#define LIMIT		(8LL << 20)
#define MUCH		(32LL << 20)

FIXTURE(memcg) {
	struct dmem_test t;
	char *a;
};

FIXTURE_SETUP(memcg)
{
	begin_or_skip(_metadata, &self->t, DMEM_SYSTEM);
	if (cg_read_strstr(PARAMETERS, "mem_accounting", "Y")) {
		dmem_end(&self->t);
		SKIP(return, "no dma_heap.mem_accounting=1");
	}
	ASSERT_EQ(0, dmem_enable_memory(&self->t));
	self->a = cg_name(self->t.cg, "a");
	ASSERT_EQ(0, cg_create(self->a));
}

#define MEMCG	FIXTURE_DATA(memcg)

FIXTURE_TEARDOWN(memcg)
{
	dmem_end(&self->t);
}

/* Runs in a, as a process that the OOM killer does not kill. Returns 0 or a negative errno. */
static int alloc_in_a(MEMCG *self, long long len)
{
	pid_t pid = cg_fork(self->a);
	int fd;

	if (!pid) {
		if (cg_write("/proc/self", "oom_score_adj", "-1000"))
			_exit(EPERM);
		fd = heap_alloc(self->t.heap_fd, len);
		_exit(fd < 0 ? -fd : 0);
	}
	return pid < 0 ? pid : -wait_exit(pid);
}

/* memory.max refuses pages within the region and all limits of dmem. */
TEST_F(memcg, no_exhaustion)
{
	const char *region = self->t.heap.region;
	char limit[32];

	EXPECT_EQ(0, alloc_in_a(self, MUCH));
	snprintf(limit, sizeof(limit), "%lld", LIMIT);
	ASSERT_EQ(0, cg_write(self->a, "memory.max", limit));
	/* The OOM killer's report has a call trace, which would be a failure on the console. */
	ASSERT_EQ(0, file_set(PRINTK, "ignore_loglevel", "N"));
	ASSERT_EQ(0, file_set("/proc/sys/kernel", "printk", "1"));
	EXPECT_EQ(-ENOMEM, alloc_in_a(self, MUCH));
	/* A thread of the kernel writes to the console. */
	sleep_ms(2000);
	undo_run("/proc/sys/kernel/printk");
	undo_run(PRINTK);
	EXPECT_LT(0, cg_read_key_long(self->a, "memory.events", "oom "));
	EXPECT_EQ(0, cg_read_key_long(self->a, "memory.events", "oom_kill "));
	expect_no_events(_metadata, region, self->a);
	EXPECT_EQ(0, dmem_current(self->a, region));
	/* Within memory.max */
	EXPECT_EQ(0, alloc_in_a(self, LIMIT / 2));
}

/* The machine does not have so much, whatever memcg says. */
TEST_F(memcg, beyond_the_region)
{
	const char *region = self->t.heap.region;
	long long capacity = dmem_read(self->t.root, "dmem.capacity", region);

	ASSERT_LT(0, capacity);
	EXPECT_EQ(-ENOMEM, alloc_in_a(self, 2 * capacity));
	expect_events(_metadata, region, self->a, 0, 0, 1);
	EXPECT_EQ(0, cg_read_key_long(self->a, "memory.events", "oom "));
}

TEST_HARNESS_MAIN
