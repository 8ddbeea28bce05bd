// SPDX-License-Identifier: GPL-2.0
/*
 * The owner of a buffer in fdinfo while buffers come and go, and of all heaps; and in
 * bufinfo in debugfs. test_dmem_fdinfo tests the owner of one buffer, test_drm and
 * test_v4l2 those of devices' buffers.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_fd_owner.h"
#include "dmem_fdinfo_fixture.h"

#define BUFINFO		"/sys/kernel/debug/dma_buf/bufinfo"
#define THREADS		4
#define READ_FDS	32
#define KEEP		4	/* buffers of each thread */

FIXTURE_SETUP(fdinfo)
{
	fdinfo_begin(_metadata, self, variant->kind);
}

/*
 * The charge of a buffer, from debugfs. Returns -ENOENT if the buffer is not
 * listed, -ENODATA if it has neither line, and -EBADMSG if it does not have each
 * line once.
 */
static int bufinfo_owner(int fd, struct dmem_owner *owner)
{
	int regions = 0, cgroups = 0, rows = 0;
	unsigned long long ino;
	char *line = NULL;
	bool mine = false;
	size_t size = 0;
	struct stat st;
	FILE *f;

	f = fstat(fd, &st) ? NULL : fopen(BUFINFO, "re");
	if (!f)
		return -errno;
	memset(owner, 0, sizeof(*owner));
	while (getline(&line, &size, f) > 0) {
		/* size, flags, mode, count, exp_name, ino, name */
		if (sscanf(line, "%*u\t%*x\t%*x\t%*d\t%*[^\t]\t%llu\t", &ino) == 1) {
			mine = ino == st.st_ino;
			rows += mine;
		} else if (!strncmp(line, "\tAttached Devices:", 18)) {
			mine = false;
		} else if (mine && sscanf(line, "dmem_region:\t%255s", owner->region) == 1) {
			regions++;
		} else if (mine && sscanf(line, "dmem_cgroup:\t%llu", &owner->cgroup) == 1) {
			cgroups++;
		}
	}
	free(line);
	fclose(f);
	if (rows != 1)
		return rows ? -EBADMSG : -ENOENT;
	if (!regions && !cgroups)
		return -ENODATA;
	return regions == 1 && cgroups == 1 ? 0 : -EBADMSG;
}

/* bufinfo shows the owner, also after the cgroup was removed. */
TEST_F(fdinfo, bufinfo)
{
	struct dmem_test *t = &self->t;
	struct dmem_owner owner;
	int fd, other;

	if (access(BUFINFO, R_OK))
		SKIP(return, "cannot read " BUFINFO " (CONFIG_DEBUG_FS)");
	fd = heap_alloc(t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_enter_current(self->b));
	other = heap_alloc(t->heap_fd, 2 * t->page);
	ASSERT_LE(0, other);

	ASSERT_EQ(0, bufinfo_owner(fd, &owner));
	EXPECT_STREQ(t->heap.region, owner.region);
	EXPECT_EQ(self->id_a, owner.cgroup);
	ASSERT_EQ(0, bufinfo_owner(other, &owner));
	EXPECT_STREQ(t->heap.region, owner.region);
	EXPECT_EQ(self->id_b, owner.cgroup);

	ASSERT_EQ(0, cg_destroy(self->a));
	ASSERT_EQ(0, bufinfo_owner(fd, &owner));
	EXPECT_EQ(self->id_a, owner.cgroup);
	close(fd);
	EXPECT_EQ(0, cg_wait_dying(t->cg, 0));
}

struct race {
	atomic_int stop;
	atomic_llong bad, read, allocs;
	int heap_fd;
	unsigned long long id;
	const char *region;
	long long page;
};

static void *churn(void *arg)
{
	struct race *race = *(struct race **)arg;
	int fd[KEEP], i;

	for (i = 0; i < KEEP; i++)
		fd[i] = -1;
	for (i = 0; !race->stop; i = (i + 1) % KEEP) {
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = heap_alloc(race->heap_fd, race->page);
		race->bad += fd[i] < 0;
		race->allocs++;
	}
	for (i = 0; i < KEEP; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
	}
	return NULL;
}

/* Its own fds change all the time: each is a buffer of a, closed, or no buffer. */
static void *look(void *arg)
{
	struct race *race = *(struct race **)arg;
	struct dmem_owner owner;
	long long end = now_ms() + 2000;
	int fd;

	while (now_ms() < end) {
		for (fd = 0; fd < READ_FDS; fd++) {
			switch (fd_owner(0, fd, &owner)) {
			case 0:
				race->read++;
				race->bad += owner.cgroup != race->id ||
					     strcmp(owner.region, race->region);
				break;
			case -EBADMSG:
				race->bad++;
			}
		}
	}
	race->stop = 1;
	return NULL;
}

static void *look_or_churn(void *arg)
{
	struct race **race = arg;

	/* The first thread reads. */
	return race[1] ? look(arg) : churn(arg);
}

TEST_F(fdinfo, race)
{
	struct dmem_test *t = &self->t;
	struct race race = {
		.heap_fd = t->heap_fd,
		.id = self->id_a,
		.region = t->heap.region,
		.page = t->page,
	};
	struct race *args[THREADS][2] = { { &race, &race } };
	int i;

	for (i = 1; i < THREADS; i++)
		args[i][0] = &race;
	run_threads(THREADS, look_or_churn, args, sizeof(args[0]));
	EXPECT_EQ(0, race.bad);
	EXPECT_LT(0, race.read);
	EXPECT_EQ(0, dmem_current(self->a, t->heap.region));
	TH_LOG("%lld buffers, %lld seen", (long long)race.allocs,
	       (long long)race.read);
}

/* Nor has a buffer without a charge such lines. */
TEST(bufinfo_uncharged)
{
	struct udmabuf_create req = { .size = sysconf(_SC_PAGESIZE) };
	struct dmem_owner owner;
	int dev, fd;

	if (!dmem_is_on())
		SKIP(return, "no dmem controller in cgroup2");
	if (access(BUFINFO, R_OK))
		SKIP(return, "cannot read " BUFINFO " (CONFIG_DEBUG_FS)");
	dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		SKIP(return, "no udmabuf (CONFIG_UDMABUF)");
	req.memfd = memfd_create("dmem", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ASSERT_LE(0, (int)req.memfd);
	ASSERT_EQ(0, ftruncate(req.memfd, req.size));
	ASSERT_EQ(0, fcntl(req.memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	fd = ioctl(dev, UDMABUF_CREATE, &req);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENODATA, bufinfo_owner(fd, &owner));
}

/* fdinfo shows the region of each heap: the same for two heaps on one area. */
TEST(heaps)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	struct dmem_owner owner;
	struct dmem_test t;
	int i, n, ret, accounted = 0;

	begin_or_skip(_metadata, &t, DMEM_NO_HEAP);
	n = heap_list(heaps, DMEM_HEAPS);
	for (i = 0; i < n; i++) {
		int heap_fd, fd;

		if (!heaps[i].usable)
			continue;
		heap_fd = heap_open(heaps[i].name);
		ASSERT_LE(0, heap_fd);
		fd = heap_alloc(heap_fd, t.page);
		ASSERT_LE(0, fd);
		ret = fd_owner(0, fd, &owner);
		EXPECT_EQ(heaps[i].region[0] ? 0 : -ENODATA, ret);
		if (!ret)
			EXPECT_STREQ(heaps[i].region, owner.region);
		accounted += !!heaps[i].region[0];
		close(fd);
		close(heap_fd);
	}
	dmem_end(&t);
	/* Not by the result: a skip hides failed expectations. */
	if (!accounted)
		SKIP(return, "no usable heap with a dmem region");
}

TEST_HARNESS_MAIN
