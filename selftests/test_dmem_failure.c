// SPDX-License-Identifier: GPL-2.0
/*
 * An allocation that fails leaves the usage as it was, whether it fails before
 * the charge or after. dmem.peak shows that there was a charge at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"

#define PAGES	4
#define ROUNDS	20

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
	int ret = dmem_begin(&self->t, variant->kind);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	self->len = PAGES * self->t.page;
	self->cg = cg_name(self->t.cg, "a");
	EXPECT_EQ(0, cg_create(self->cg));
	EXPECT_EQ(0, cg_enter_current(self->cg));
}

FIXTURE_TEARDOWN(failure)
{
	dmem_end(&self->t);
}

/* The lowest free fd is above RLIMIT_NOFILE, so the new buffer gets none. */
static int alloc_without_fd(int heap_fd, long long len)
{
	struct rlimit old, tight;
	int ret;

	getrlimit(RLIMIT_NOFILE, &old);
	tight = old;
	tight.rlim_cur = lowest_fd();
	setrlimit(RLIMIT_NOFILE, &tight);
	ret = heap_alloc(heap_fd, len);
	setrlimit(RLIMIT_NOFILE, &old);
	return ret;
}

/* The argument is readable, but not writable. */
static int alloc_readonly(int heap_fd, long long len)
{
	struct dma_heap_allocation_data *data;
	size_t page = sysconf(_SC_PAGESIZE);
	int ret;

	data = mmap(NULL, page, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED)
		return -errno;
	data->len = len;
	data->fd_flags = O_RDWR | O_CLOEXEC;
	mprotect(data, page, PROT_READ);
	ret = ioctl(heap_fd, DMA_HEAP_IOCTL_ALLOC, data) ? -errno : 0;
	if (!ret)
		close(data->fd);
	munmap(data, page);
	return ret;
}

static long long area_read(struct dmem_test *t, const char *file)
{
	return t->area ? cma_read(t->area, file) : 0;
}

/*
 * The limit is two buffers, of which the process has one. If any failure kept its
 * charge, the next one would be ENOMEM and not the expected errno; if it returned
 * the charge twice, that of the other buffer would be missing.
 */
static void fail_after_charge(struct __test_metadata *_metadata,
			      struct dmem_test *t, const char *cg,
			      long long len, int (*alloc)(int, long long),
			      int err)
{
	const char *region = t->heap.region;
	long long avail, unaccounted;
	int i, fd, held, low;

	ASSERT_EQ(0, dmem_set_max(cg, region, 2 * len));
	held = heap_alloc(t->heap_fd, len);
	ASSERT_LE(0, held);
	avail = area_read(t, "available_pages");
	unaccounted = area_read(t, "unaccounted_pages");

	low = lowest_fd();
	for (i = 0; i < ROUNDS; i++) {
		EXPECT_EQ(-err, alloc(t->heap_fd, len));
		EXPECT_EQ(len, dmem_current(cg, region));
		EXPECT_EQ(len, dmem_current(t->cg, region));
	}
	EXPECT_EQ(2 * len, dmem_peak(cg, region))
		TH_LOG("there was no charge to return");
	EXPECT_EQ(low, lowest_fd());

	fd = heap_alloc(t->heap_fd, len);
	ASSERT_LE(0, fd);
	EXPECT_EQ(2 * len, dmem_current(cg, region));
	EXPECT_EQ(unaccounted, area_read(t, "unaccounted_pages"));
	close(fd);
	EXPECT_EQ(len, dmem_current(cg, region));
	EXPECT_EQ(avail, area_read(t, "available_pages"));
	close(held);
	EXPECT_EQ(0, dmem_current(cg, region));
}

TEST_F(failure, no_free_fd)
{
	fail_after_charge(_metadata, &self->t, self->cg, self->len,
			  alloc_without_fd, EMFILE);
}

TEST_F(failure, cannot_copy_back)
{
	fail_after_charge(_metadata, &self->t, self->cg, self->len,
			  alloc_readonly, EFAULT);
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
	bad[6].heap_flags = 1;
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

/* A refusal is ENOMEM; EAGAIN would make libdrm retry for ever. */
TEST_F(failure, refusal_installs_nothing)
{
	struct dmem_test *t = &self->t;
	struct dma_heap_allocation_data data = {
		.len = self->len + t->page,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	int low = lowest_fd(), i;

	ASSERT_EQ(0, dmem_set_max(self->cg, t->heap.region, self->len));
	for (i = 0; i < ROUNDS; i++) {
		EXPECT_EQ(-1, ioctl(t->heap_fd, DMA_HEAP_IOCTL_ALLOC, &data));
		EXPECT_EQ(ENOMEM, errno);
		EXPECT_EQ(0, (int)data.fd);
	}
	EXPECT_EQ(low, lowest_fd());
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
	int ret = dmem_begin(&self->t, DMEM_SYSTEM);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	self->cg = cg_name(self->t.cg, "a");
	EXPECT_EQ(0, cg_create(self->cg));
}

FIXTURE_TEARDOWN(killed)
{
	dmem_end(&self->t);
}

TEST_F_TIMEOUT(killed, in_the_middle, 60)
{
	struct dmem_test *t = &self->t;
	const char *region = t->heap.region;
	long long len = 256LL << 20, avail, window, end;
	int rounds = 0, hits = 0, done = 0, fd;
	int *state;

	avail = cg_read_key_long("/proc", "meminfo", "MemAvailable:") * 1024LL;
	if (len > avail / 3)
		len = avail / 3 / t->page * t->page;
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE((void *)state != MAP_FAILED);

	window = now_ms();
	fd = heap_alloc(t->heap_fd, len);
	window = (now_ms() - window + 1) * 1000;
	ASSERT_LE(0, fd);
	close(fd);

	end = now_ms() + 10000;
	while (rounds < 100 && now_ms() < end) {
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
		/* Every other kill surely comes after the charge. */
		while (rounds & 1 && dmem_current(self->cg, region) != len &&
		       __atomic_load_n(state, __ATOMIC_SEQ_CST) == 1)
			;
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
	if (!hits)
		SKIP(return, "no kill hit in the middle of an allocation");

	/* The memory was freed as well: there is room for one more. */
	ASSERT_EQ(0, cg_enter_current(self->cg));
	fd = heap_alloc(t->heap_fd, len);
	ASSERT_LE(0, fd);
	EXPECT_EQ(len, dmem_current(self->cg, region));
	close(fd);
	EXPECT_EQ(0, dmem_current(self->cg, region));
}

TEST_HARNESS_MAIN
