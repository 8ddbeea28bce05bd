// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to heaps that fail for their arguments are never charged, and those of
 * killed processes leave no charge. test_dmem_failure tests failures after a charge.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect.h"

#define PAGES	4

FIXTURE(failure) {
	struct dmem_test t;
	char *cg;
	long long len;
};

FIXTURE_VARIANT(failure) {
	enum dmem_kind kind;
};

FIXTURE_VARIANT_ADD(failure, cma) {
	.kind = DMEM_CMA,
};

FIXTURE_VARIANT_ADD(failure, system) {
	.kind = DMEM_SYSTEM,
};

FIXTURE_SETUP(failure)
{
	begin_or_skip(_metadata, &self->t, variant->kind);
	self->len = PAGES * self->t.page;
	self->cg = cg_name(self->t.cg, "a");
	EXPECT_EQ(0, cg_create(self->cg));
	EXPECT_EQ(0, cg_enter_current(self->cg));
}

FIXTURE_TEARDOWN(failure)
{
	dmem_end(&self->t);
}

/* A request that is refused for its arguments is never charged. */
TEST_F(failure, bad_arguments)
{
	struct dmem_test *t = &self->t;
	const struct dma_heap_allocation_data good = {
		.len = self->len,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	struct dma_heap_allocation_data bad[8];
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].len = 0;
	bad[1].len = UINT64_MAX;
	bad[2].fd = 1;
	bad[3].fd = UINT32_MAX;
	bad[4].fd_flags |= O_NONBLOCK;
	bad[5].fd_flags = UINT32_MAX;
	bad[6].heap_flags = 2;
	bad[7].heap_flags = 1ULL << 63;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		errno = 0;
		EXPECT_EQ(-1, ioctl(t->heap_fd, DMA_HEAP_IOCTL_ALLOC, &bad[i]))
			TH_LOG("bad argument %u", i);
		EXPECT_EQ(EINVAL, errno)
			TH_LOG("bad argument %u", i);
	}
	EXPECT_EQ(-1, ioctl(t->heap_fd, DMA_HEAP_IOCTL_ALLOC, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(t->heap_fd, _IOWR('H', 0x7f, long), &bad[0]));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, dmem_current(self->cg, t->heap.region));
	EXPECT_EQ(0, dmem_peak(self->cg, t->heap.region));

	fd = heap_alloc_flags(t->heap_fd, self->len, good.fd_flags, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(self->len, dmem_current(self->cg, t->heap.region));
	close(fd);
	EXPECT_EQ(0, dmem_current(self->cg, t->heap.region));
}

/*
 * SIGKILL during the allocation of a big buffer. Only the system heap checks
 * for signals in between (CMA does with highmem).
 */
FIXTURE(killed) {
	struct dmem_test t;
	char *cg;
};

FIXTURE_SETUP(killed)
{
	begin_or_skip(_metadata, &self->t, DMEM_SYSTEM);
	self->cg = cg_name(self->t.cg, "a");
	EXPECT_EQ(0, cg_create(self->cg));
}

FIXTURE_TEARDOWN(killed)
{
	dmem_end(&self->t);
}

TEST_F_TIMEOUT(killed, in_the_middle, 120)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long len = 256LL << 20, avail, window, end;
	int rounds = 0, hits = 0, done = 0, fd;
	int *state = shared_alloc(sizeof(*state));

	avail = cg_read_key_long("/proc", "meminfo", "MemAvailable:") * 1024LL;
	if (len > avail / 3)
		len = avail / 3 / t->page * t->page;

	window = now_ms();
	fd = heap_alloc(t->heap_fd, len);
	window = (now_ms() - window + 1) * 1000;
	ASSERT_LE(0, fd);
	close(fd);

	end = now_ms() + 10000;
	/* A slow machine takes longer to hit. */
	while ((rounds < 100 && now_ms() < end) || (!hits && now_ms() < end + 40000)) {
		bool charged, inside;
		pid_t pid;

		*state = 0;
		pid = cg_fork(self->cg);
		ASSERT_LE(0, pid);
		if (!pid) {
			__atomic_store_n(state, 1, __ATOMIC_SEQ_CST);
			fd = heap_alloc(t->heap_fd, len);
			__atomic_store_n(state, 2, __ATOMIC_SEQ_CST);
			for (;;)
				pause();
		}
		while (!__atomic_load_n(state, __ATOMIC_SEQ_CST))
			sched_yield();
		/*
		 * Every other kill comes after the charge, and every fourth as soon as
		 * possible after it: the pages are cleared meanwhile.
		 */
		while (rounds & 1 && dmem_current(self->cg, region) != len &&
		       __atomic_load_n(state, __ATOMIC_SEQ_CST) == 1)
			;
		if (rounds % 4 != 3)
			usleep(random() % (window + 1));
		charged = dmem_current(self->cg, region) == len;
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, wait_exit(pid));
		inside = __atomic_load_n(state, __ATOMIC_SEQ_CST) == 1;
		EXPECT_EQ(0, dmem_wait_current(self->cg, region, 0, 5000));
		EXPECT_EQ(0, dmem_current(t->cg, region));
		hits += charged && inside;
		done += !inside;
		/* Keeps the time of the kill within the allocation. */
		if (!inside)
			window -= window / 4;
		else if (charged)
			window += window / 8;
		rounds++;
	}
	TH_LOG("%d of %d kills hit inside the ioctl, after the charge", hits,
	       rounds);
	/* A charge that is cancelled inside may not be in the peak. */
	EXPECT_GE(len, dmem_peak(self->cg, region));
	if (done)
		EXPECT_EQ(len, dmem_peak(self->cg, region));
	EXPECT_LT(0, hits)
		TH_LOG("no kill hit in the middle of an allocation");

	/* The memory was freed as well: there is room for one more. */
	ASSERT_EQ(0, cg_enter_current(self->cg));
	fd = heap_alloc(t->heap_fd, len);
	ASSERT_LE(0, fd);
	EXPECT_EQ(len, dmem_current(self->cg, region));
	close(fd);
	EXPECT_EQ(0, dmem_current(self->cg, region));
}

TEST_HARNESS_MAIN
