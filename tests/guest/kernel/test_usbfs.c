// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that a process maps from a USB device for transfers: the process is charged, in the
 * region of the default area, until nothing uses the memory any more. This process is in a.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_dma_driver.h"
#include "dmem_expect.h"
#include "dmem_expect_events.h"
#include "guest_util.h"
#include "usbfs.h"

#define PAGES		16
#define REFUSALS	50
#define USBFS_MB	1	/* of all users */

FIXTURE(usbfs) {
	struct dmem_test t;
	char region[DMEM_NAME_LEN];
	char *a, *b;
	long long len;
	int dev;
};

#define USBFS	FIXTURE_DATA(usbfs)

FIXTURE_SETUP(usbfs)
{
	struct dmem_test *t = &self->t;

	begin_or_skip(_metadata, t, DMEM_NO_HEAP);
	if (!default_area_region(self->region))
		SKIP(return, "no default area that tests may use");
	self->dev = usbfs_open();
	if (self->dev == -ENOENT)
		SKIP(return, "no USB controller with a device");
	ASSERT_LE(0, self->dev);
	self->len = PAGES * t->page;
	self->a = new_cgroup(_metadata, cg_create, t->cg, "a");
	self->b = new_cgroup(_metadata, cg_create, t->cg, "b");
	ASSERT_EQ(0, cg_enter_current(self->a));
}

FIXTURE_TEARDOWN(usbfs)
{
	close(self->dev);
	dmem_end(&self->t);
}

static void expect_charges(struct __test_metadata *_metadata, USBFS *self, long long in_a,
			   long long in_b)
{
	EXPECT_EQ(in_a, dmem_current(self->a, self->region));
	EXPECT_EQ(in_b, dmem_current(self->b, self->region));
	EXPECT_EQ(in_a + in_b, dmem_current(self->t.cg, self->region));
}

#define EXPECT_CHARGES(...)	expect_charges(_metadata, self, __VA_ARGS__)

static void expect_refused(struct __test_metadata *_metadata, USBFS *self, long long len)
{
	EXPECT_TRUE(!usbfs_map(self->dev, len));
	EXPECT_EQ(ENOMEM, errno);
}

#define EXPECT_REFUSED(len)	expect_refused(_metadata, self, len)

/* A mapping outlives the file. A single page is not from the area. */
TEST_F(usbfs, charged)
{
	long long page = self->t.page;
	void *p, *q, *one;

	p = usbfs_map(self->dev, self->len);
	ASSERT_TRUE(!!p);
	EXPECT_CHARGES(self->len, 0);
	memset(p, 'x', self->len);
	q = usbfs_map(self->dev, 3 * page);
	ASSERT_TRUE(!!q);
	EXPECT_CHARGES(self->len + 3 * page, 0);
	one = usbfs_map(self->dev, page);
	ASSERT_TRUE(!!one);
	EXPECT_CHARGES(self->len + 3 * page, 0);
	EXPECT_EQ(0, munmap(p, self->len));
	EXPECT_CHARGES(3 * page, 0);
	close(self->dev);
	self->dev = -1;
	EXPECT_CHARGES(3 * page, 0);
	EXPECT_EQ(0, munmap(q, 3 * page));
	EXPECT_EQ(0, munmap(one, page));
	EXPECT_CHARGES(0, 0);
}

/* A neighbour has another limit, also for the same file. */
TEST_F(usbfs, limit)
{
	void *p, *q;

	ASSERT_EQ(0, dmem_set_max(self->a, self->region, self->len - self->t.page));
	EXPECT_REFUSED(self->len);
	EXPECT_CHARGES(0, 0);
	EXPECT_EQ(0, dmem_peak(self->a, self->region));
	expect_events(_metadata, self->region, self->a, 1, 1, 0);
	p = usbfs_map(self->dev, self->len / 2);
	ASSERT_TRUE(!!p);
	EXPECT_REFUSED(self->len / 2);
	EXPECT_CHARGES(self->len / 2, 0);

	ASSERT_EQ(0, cg_enter_current(self->b));
	q = usbfs_map(self->dev, self->len);
	ASSERT_TRUE(!!q);
	EXPECT_CHARGES(self->len / 2, self->len);
	expect_no_events(_metadata, self->region, self->b);
	munmap(p, self->len / 2);
	munmap(q, self->len);
	EXPECT_CHARGES(0, 0);
}

/* As long as a part of the memory is mapped, all of it is there. */
TEST_F(usbfs, part)
{
	char *p = usbfs_map(self->dev, self->len);

	ASSERT_TRUE(!!p);
	EXPECT_EQ(0, munmap(p + self->len / 2, self->len / 2));
	EXPECT_CHARGES(self->len, 0);
	EXPECT_EQ(0, munmap(p, self->len / 2 - self->t.page));
	EXPECT_CHARGES(self->len, 0);
	EXPECT_EQ(0, munmap(p + self->len / 2 - self->t.page, self->t.page));
	EXPECT_CHARGES(0, 0);
}

/* A child inherits the mapping. Wherever it is, the process that mapped the memory is charged. */
TEST_F(usbfs, forked)
{
	void *p = usbfs_map(self->dev, self->len);
	int ends[2];
	pid_t pid;
	char c;

	ASSERT_TRUE(!!p);
	ASSERT_EQ(0, pipe(ends));
	pid = cg_fork(self->b);
	ASSERT_LE(0, pid);
	if (!pid) {
		close(ends[1]);
		_exit(read(ends[0], &c, 1));
	}
	EXPECT_CHARGES(self->len, 0);
	EXPECT_EQ(0, munmap(p, self->len));
	EXPECT_CHARGES(self->len, 0);
	close(ends[1]);
	EXPECT_EQ(0, wait_exit(pid));
	EXPECT_EQ(0, dmem_wait_current(self->a, self->region, 0, 5000));
	EXPECT_CHARGES(0, 0);
}

TEST_F(usbfs, moved)
{
	void *p = usbfs_map(self->dev, self->len), *q;

	ASSERT_TRUE(!!p);
	ASSERT_EQ(0, cg_enter_current(self->b));
	EXPECT_CHARGES(self->len, 0);
	q = usbfs_map(self->dev, self->len);
	ASSERT_TRUE(!!q);
	EXPECT_CHARGES(self->len, self->len);
	munmap(p, self->len);
	EXPECT_CHARGES(0, self->len);
	munmap(q, self->len);
	EXPECT_CHARGES(0, 0);
}

/* The device may write to the memory until the transfer ends, also if nobody maps it. */
TEST_F(usbfs, transfer)
{
	void *p = usbfs_map(self->dev, self->len);

	ASSERT_TRUE(!!p);
	ASSERT_EQ(0, usbfs_begin(self->dev, p, self->len));
	EXPECT_EQ(0, munmap(p, self->len));
	EXPECT_CHARGES(self->len, 0);
	EXPECT_EQ(0, usbfs_cancel(self->dev));
	EXPECT_CHARGES(0, 0);
}

/*
 * Refused memory does not count for usbfs_memory_mb, the limit of all users together. That
 * one is no event of the cgroup.
 */
TEST_F(usbfs, memory_mb)
{
	const long long len = USBFS_MB << 19;	/* half of it */
	char text[16];
	void *p;
	int i;

	snprintf(text, sizeof(text), "%d", USBFS_MB);
	ASSERT_EQ(0, file_set("/sys/module/usbcore/parameters", "usbfs_memory_mb", text));
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, len - self->t.page));
	for (i = 0; i < REFUSALS; i++)
		EXPECT_REFUSED(len);
	expect_events(_metadata, self->region, self->a, REFUSALS, REFUSALS, 0);
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, 4 * len));
	p = usbfs_map(self->dev, len);
	ASSERT_TRUE(!!p);
	EXPECT_REFUSED(len);
	EXPECT_CHARGES(len, 0);
	expect_events(_metadata, self->region, self->a, REFUSALS, REFUSALS, 0);
	munmap(p, len);
	EXPECT_CHARGES(0, 0);
}

/* Repeated requests do not fill the log. */
TEST_F(usbfs, refusals_are_quiet)
{
	int cma = kmsg_open(), pages = kmsg_open(), i;

	ASSERT_LE(0, cma);
	ASSERT_LE(0, pages);
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, 0));
	for (i = 0; i < REFUSALS; i++)
		EXPECT_REFUSED(self->len);
	EXPECT_EQ(0, kmsg_count(cma, "cma"));
	EXPECT_EQ(0, kmsg_count(pages, "allocation failure"));
	close(cma);
	close(pages);
}

TEST_HARNESS_MAIN
