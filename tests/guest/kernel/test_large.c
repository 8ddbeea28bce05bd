// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of several GiB that are really reached. A 32-bit kernel that counts
 * bytes in a long would take 4 GiB for 0, and 6 GiB for 2.
 */
#include <errno.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"

#define GIB	(1024LL << 20)
#define BUFFER	(256LL << 20)
#define LARGEST	(6 * GIB)
#define ROOM	(512LL << 20)	/* left for all other processes */
#define MAX_FDS	(LARGEST / BUFFER)

FIXTURE(large) {
	struct dmem_test t;
	char *cg;
	int fds[MAX_FDS];
	int n;
};

FIXTURE_SETUP(large)
{
	struct dmem_test *t = &self->t;

	begin_or_skip(_metadata, t, DMEM_SYSTEM);
	/* The test must not invoke the OOM killer. */
	if (cg_read_key_long("/proc", "meminfo", "MemAvailable:") * 1024LL <
	    LARGEST + ROOM) {
		dmem_end(t);
		SKIP(return, "needs %lld MiB of available memory",
		     (LARGEST + ROOM) >> 20);
	}
	self->cg = cg_name(t->cg, "a");
	EXPECT_EQ(0, cg_create(self->cg));
	EXPECT_EQ(0, cg_enter_current(self->cg));
}

FIXTURE_TEARDOWN(large)
{
	dmem_end(&self->t);
}

/* Takes buffers until it is refused; returns the errno. */
static int fill(struct dmem_test *t, int *fds, int *n)
{
	int fd;

	while (*n < MAX_FDS) {
		fd = heap_alloc(t->heap_fd, BUFFER);
		if (fd < 0)
			return fd;
		fds[(*n)++] = fd;
	}
	return heap_alloc(t->heap_fd, BUFFER);
}

static void expect_bytes(struct __test_metadata *_metadata,
			 struct dmem_test *t, const char *cg, long long bytes)
{
	const char *region = t->heap.region;

	EXPECT_EQ(bytes, dmem_current(cg, region));
	EXPECT_EQ(bytes, dmem_current(t->cg, region));
}

TEST_F_TIMEOUT(large, filled, 200)
{
	static const long long limits[] = { 2 * GIB, 4 * GIB, LARGEST };
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long held;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		ASSERT_EQ(0, dmem_set_max(self->cg, region, limits[i]));
		EXPECT_EQ(-ENOMEM, fill(t, self->fds, &self->n));
		EXPECT_EQ(limits[i], self->n * BUFFER);
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 1));
		expect_bytes(_metadata, t, self->cg, limits[i]);
		EXPECT_EQ(limits[i], dmem_peak(self->cg, region));
	}

	/* Lowered below the usage, which still exceeds 32 bits. */
	ASSERT_EQ(0, dmem_set_max(self->cg, region, 5 * GIB));
	EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 1));
	expect_bytes(_metadata, t, self->cg, LARGEST);
	for (held = LARGEST; held >= 5 * GIB; held -= BUFFER) {
		EXPECT_EQ(-ENOMEM, heap_alloc(t->heap_fd, 1));
		close(self->fds[--self->n]);
	}
	EXPECT_EQ(-ENOMEM, fill(t, self->fds, &self->n));
	expect_bytes(_metadata, t, self->cg, 5 * GIB);

	while (self->n)
		close(self->fds[--self->n]);
	expect_bytes(_metadata, t, self->cg, 0);
	EXPECT_EQ(LARGEST, dmem_peak(self->cg, region));
}

TEST_HARNESS_MAIN
