// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of V4L2 devices: charged to the process that requests them, in the
 * region of their CMA area, as the buffers of that area's heap are; refused
 * above the limit; and not charged again when imported.
 *
 * The device is vivid with allocators=1. The test finds its area by the
 * decrease of free pages, not by the charged region.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect_events.h"
#include "dmem_expect_owner.h"
#include "media_pool.h"

#define CAPTURE		V4L2_BUF_TYPE_VIDEO_CAPTURE
#define AREA_MODULE	"dmem_vivid_area"
#define DRIVER		"/sys/bus/platform/drivers/vivid"
#define DEVICE		"vivid.0"
#define MAX_FDS		4096
#define MIN_BUFS	2	/* fewer vivid does not take */
#define REFUSALS	50

struct camera {
	struct media_pool pool;
	char path[32];
	int fd, flags;
	bool has_area;
	char area[DMEM_NAME_LEN];	/* of the first heap in DMEM_TEST_HEAP */
	long long len;			/* of a buffer, in whole pages */
	int frame;			/* bytes of the buffer that a frame fills */
};

FIXTURE(v4l2) {
	struct camera cam;
};

FIXTURE_VARIANT(v4l2) {
	int flags;
	bool default_area;
};

/* In the area that DMEM_TEST_HEAP names first */
FIXTURE_VARIANT_ADD(v4l2, coherent) {
};

FIXTURE_VARIANT_ADD(v4l2, non_coherent) {
	.flags = V4L2_MEMORY_FLAG_NON_COHERENT,
};

/* The device has no area of its own. */
FIXTURE_VARIANT_ADD(v4l2, default_area) {
	.default_area = true,
};

/* As many buffers as it got, or a negative errno. */
static int reqbufs(struct camera *cam, int n)
{
	return vivid_reqbufs(cam->fd, V4L2_MEMORY_MMAP, cam->flags, n, NULL);
}

/* Also returns the index of the first; sizeimage 0 is that of the format. */
static int create_bufs(struct camera *cam, int n, __u32 sizeimage,
		       int *first)
{
	return vivid_create_bufs(cam->fd, cam->flags, n, sizeimage, first);
}

/* The heap on the area that two buffers of the device make smaller. */
static bool find_heap(struct camera *cam, struct dmem_heap *heap)
{
	long long pages = MIN_BUFS * cam->len / cam->pool.t.page;
	static struct areas areas;
	bool found = false;
	int tries;

	for (tries = 0; tries < FIND_TRIES && !found; tries++) {
		areas_now(&areas);
		if (reqbufs(cam, MIN_BUFS) != MIN_BUFS)
			return false;
		found = areas_find_heap(&areas, pages, heap);
		reqbufs(cam, 0);
		found = found && areas_returned(&areas, heap);
	}
	return found;
}

static int load_area(const struct camera *cam)
{
	char params[DMEM_NAME_LEN + 8];

	snprintf(params, sizeof(params), "area=%s", cam->area);
	return module_load(AREA_MODULE, params);
}

static void leave(struct camera *cam)
{
	if (cam->fd >= 0)
		close(cam->fd);
	if (cam->has_area)
		module_unload(AREA_MODULE);
	pool_end(&cam->pool);
}

FIXTURE_SETUP(v4l2)
{
	struct camera *cam = &self->cam;
	int ret = dmem_begin(&cam->pool.t, DMEM_CMA);
	struct dmem_heap heap = {};
	__u32 caps = 0;

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", cam->pool.t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", cam->pool.t.reason);
	cam->pool.heap_fd = -1;
	snprintf(cam->area, sizeof(cam->area), "%s", cam->pool.t.area);
	cam->fd = vivid_open(cam->path, sizeof(cam->path));
	if (cam->fd < 0) {
		leave(cam);
		SKIP(return, "no vivid with allocators=1, and cannot load it");
	}
	vivid_reqbufs(cam->fd, V4L2_MEMORY_MMAP, 0, 0, &caps);
	if (variant->flags && !(caps & V4L2_BUF_CAP_SUPPORTS_MMAP_CACHE_HINTS)) {
		leave(cam);
		SKIP(return, "vivid has no cache_hints=1");
	}
	if (!variant->default_area) {
		ret = load_area(cam);
		if (ret) {
			leave(cam);
			SKIP(return, "cannot give vivid the area %s: %s", cam->area,
			     strerror(-ret));
		}
		cam->has_area = true;
	}
	cam->flags = variant->flags;
	cam->frame = vivid_set_format(cam->fd, 320, 180);
	ASSERT_LT(0, cam->frame);
	cam->len = (cam->frame + cam->pool.t.page - 1) & -cam->pool.t.page;
	/* Or the page's rest would not be seen. */
	ASSERT_NE(cam->frame, cam->len);

	if (!find_heap(cam, &heap)) {
		leave(cam);
		SKIP(return, "the buffers are from no area that " DMEM_TEST_HEAP " names");
	}
	pool_begin(_metadata, &cam->pool, &heap);
	if (cam->has_area)
		EXPECT_STREQ(cam->area, cam->pool.area);
}

FIXTURE_TEARDOWN(v4l2)
{
	leave(&self->cam);
}

/*
 * Buffers 0 to n-1 go in, and some frames through them; STREAMON is left on. Returns 0
 * or a negative errno, as processes of their own call it.
 */
static int stream_frames(struct camera *cam, int fd, int n, const int *dmabufs,
			 int frames)
{
	int memory = dmabufs ? V4L2_MEMORY_DMABUF : V4L2_MEMORY_MMAP;
	int i, ret = 0;

	for (i = 0; i < n && !ret; i++)
		ret = vivid_queue(fd, i, dmabufs ? dmabufs[i] : -1);
	if (!ret)
		ret = vivid_stream(fd, true);
	while (!ret && frames--) {
		i = vivid_dequeue(fd, memory, cam->frame);
		ret = i < 0 ? i : vivid_queue(fd, i, dmabufs ? dmabufs[i] : -1);
	}
	return ret;
}

TEST_F(v4l2, reqbufs)
{
	struct camera *cam = &self->cam;
	static const int counts[] = { 4, 2, 6, 0, 3, 0 };
	unsigned int i;

	expect_held(_metadata, &cam->pool, 0, 0);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		/* REQBUFS frees the old buffers first. */
		ASSERT_EQ(counts[i], reqbufs(cam, counts[i]));
		expect_held(_metadata, &cam->pool, counts[i] * cam->len, 0);
	}
	EXPECT_EQ(6 * cam->len, dmem_peak(cam->pool.a, cam->pool.region));
	EXPECT_EQ(6 * cam->len, dmem_peak(cam->pool.t.cg, cam->pool.region));
}

/* The charge goes to the caller, not to the process that opened the device. */
TEST_F(v4l2, asked_in_another_cgroup)
{
	struct camera *cam = &self->cam;

	ASSERT_EQ(0, cg_enter_current(cam->pool.b));
	ASSERT_EQ(2, reqbufs(cam, 2));
	expect_held(_metadata, &cam->pool, 0, 2 * cam->len);
	ASSERT_EQ(0, cg_enter_current(cam->pool.a));
	ASSERT_EQ(1, create_bufs(cam, 1, 0, NULL));
	expect_held(_metadata, &cam->pool, cam->len, 2 * cam->len);
	EXPECT_EQ(0, reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
}

TEST_F(v4l2, create_and_remove)
{
	struct camera *cam = &self->cam;
	long long len = cam->len, odd = 2 * len - cam->pool.t.page + 1;
	int first, bufs;

	ASSERT_EQ(2, reqbufs(cam, 2));
	ASSERT_EQ(3, create_bufs(cam, 3, 0, &first));
	ASSERT_EQ(2, first);
	expect_held(_metadata, &cam->pool, 5 * len, 0);

	ASSERT_EQ(0, vivid_remove_bufs(cam->fd, 1, 2));
	expect_held(_metadata, &cam->pool, 3 * len, 0);
	/* Larger buffers, which use one byte of their last page. */
	ASSERT_EQ(2, create_bufs(cam, 2, odd, &first));
	ASSERT_EQ(1, first);
	expect_held(_metadata, &cam->pool, 3 * len + 2 * 2 * len, 0);
	ASSERT_EQ(0, vivid_remove_bufs(cam->fd, 0, 2));
	expect_held(_metadata, &cam->pool, 2 * len + 2 * len, 0);
	EXPECT_EQ(-EINVAL, vivid_remove_bufs(cam->fd, 0, 2));
	expect_held(_metadata, &cam->pool, 4 * len, 0);

	/* There is room for two more, and then for none. */
	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region,
				  7 * len - cam->pool.t.page));
	bufs = create_bufs(cam, 8, 0, &first);
	EXPECT_EQ(2, bufs);
	expect_held(_metadata, &cam->pool, 6 * len, 0);
	EXPECT_EQ(-ENOMEM, create_bufs(cam, 1, 0, NULL));
	expect_held(_metadata, &cam->pool, 6 * len, 0);
	EXPECT_EQ(0, vivid_remove_bufs(cam->fd, 2, 1));
	expect_held(_metadata, &cam->pool, 4 * len, 0);
	EXPECT_EQ(0, reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
}

TEST_F(v4l2, streaming)
{
	struct camera *cam = &self->cam;
	int i;

	ASSERT_EQ(4, reqbufs(cam, 4));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, stream_frames(cam, cam->fd, 4, NULL, 5));
		expect_held(_metadata, &cam->pool, 4 * cam->len, 0);
		EXPECT_EQ(-EBUSY, reqbufs(cam, 0));
		EXPECT_EQ(-EBUSY, reqbufs(cam, 2));
		expect_held(_metadata, &cam->pool, 4 * cam->len, 0);
		ASSERT_EQ(0, vivid_stream(cam->fd, false));
		expect_held(_metadata, &cam->pool, 4 * cam->len, 0);
	}
	EXPECT_EQ(0, reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
}

/* Buffers are added and removed while others are in use by the stream. */
TEST_F(v4l2, create_while_streaming)
{
	struct camera *cam = &self->cam;
	int first;

	ASSERT_EQ(3, reqbufs(cam, 3));
	ASSERT_EQ(0, stream_frames(cam, cam->fd, 3, NULL, 1));
	ASSERT_EQ(2, create_bufs(cam, 2, 0, &first));
	expect_held(_metadata, &cam->pool, 5 * cam->len, 0);
	EXPECT_EQ(-EBUSY, vivid_remove_bufs(cam->fd, 0, 1));
	EXPECT_EQ(0, vivid_remove_bufs(cam->fd, first, 2));
	expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
	ASSERT_EQ(0, vivid_stream(cam->fd, false));
	EXPECT_EQ(0, reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
}

/* The last close frees all, streaming or not. */
TEST_F(v4l2, closed)
{
	struct camera *cam = &self->cam;
	int fd, other, streams;

	for (streams = 0; streams < 2; streams++) {
		fd = open(cam->path, O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, fd);
		other = dup(fd);
		ASSERT_LE(0, other);
		ASSERT_EQ(3, vivid_reqbufs(fd, V4L2_MEMORY_MMAP, cam->flags, 3,
					   NULL));
		if (streams)
			ASSERT_EQ(0, stream_frames(cam, fd, 3, NULL, 1));
		close(fd);
		expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
		close(other);
		expect_held(_metadata, &cam->pool, 0, 0);
	}
}

TEST_F(v4l2, killed_while_streaming)
{
	struct camera *cam = &self->cam;
	int ready[2], fd;
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	pid = cg_fork(cam->pool.a);
	ASSERT_LE(0, pid);
	if (!pid) {
		fd = open(cam->path, O_RDWR | O_CLOEXEC);
		if (vivid_reqbufs(fd, V4L2_MEMORY_MMAP, cam->flags, 3,
				  NULL) != 3)
			_exit(1);
		if (stream_frames(cam, fd, 3, NULL, 2))
			_exit(2);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		ASSERT_EQ(0, wait_exit(pid));
	expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
	/* V4L2 refuses the request of another file, without a charge. */
	ASSERT_EQ(0, cg_enter_current(cam->pool.b));
	EXPECT_EQ(-EBUSY, reqbufs(cam, 2));
	expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, wait_exit(pid));
	dmem_wait_current(cam->pool.a, cam->pool.region, 0, 5000);
	expect_held(_metadata, &cam->pool, 0, 0);
	EXPECT_EQ(2, reqbufs(cam, 2));
	expect_held(_metadata, &cam->pool, 0, 2 * cam->len);
}

/* A mapped buffer outlives REQBUFS(0), as does its charge. */
TEST_F(v4l2, mapped)
{
	struct camera *cam = &self->cam;
	char *map;

	ASSERT_EQ(3, reqbufs(cam, 3));
	map = vivid_map(cam->fd, 1, cam->len);
	ASSERT_TRUE(map != MAP_FAILED);
	memset(map, 0x5a, cam->len);
	EXPECT_EQ(0, reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, cam->len, 0);
	ASSERT_EQ(2, reqbufs(cam, 2));
	expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
	EXPECT_EQ(0x5a, map[cam->len - 1]);
	EXPECT_EQ(0, munmap(map, cam->len));
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	EXPECT_EQ(0, reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
}

/*
 * When memory is short, V4L2 grants fewer buffers; the same holds for the
 * limit.
 */
TEST_F(v4l2, limit_grants_fewer)
{
	struct camera *cam = &self->cam;
	int i;

	/* On this level and on one above. */
	for (i = 0; i < 2; i++) {
		const char *level = i ? cam->pool.t.cg : cam->pool.a;

		ASSERT_EQ(0, dmem_set_max(level, cam->pool.region,
					  4 * cam->len - cam->pool.t.page));
		ASSERT_EQ(3, reqbufs(cam, 8));
		expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
		ASSERT_EQ(0, stream_frames(cam, cam->fd, 3, NULL, 2));
		ASSERT_EQ(0, vivid_stream(cam->fd, false));
		ASSERT_EQ(0, dmem_set_max(level, cam->pool.region,
					  4 * cam->len));
		ASSERT_EQ(4, reqbufs(cam, 8));
		expect_held(_metadata, &cam->pool, 4 * cam->len, 0);
		EXPECT_EQ(0, reqbufs(cam, 0));
		expect_held(_metadata, &cam->pool, 0, 0);
		ASSERT_EQ(0, dmem_set_max(level, cam->pool.region, DMEM_MAX));
	}
}

/* Fewer than the driver needs: none is left, and it may be tried again. */
TEST_F(v4l2, limit_below_minimum)
{
	struct camera *cam = &self->cam;

	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region,
				  MIN_BUFS * cam->len - cam->pool.t.page));
	EXPECT_EQ(-ENOMEM, reqbufs(cam, 4));
	expect_held(_metadata, &cam->pool, 0, 0);
	EXPECT_EQ((MIN_BUFS - 1) * cam->len,
		  dmem_peak(cam->pool.a, cam->pool.region));
	/* A failed REQBUFS has freed the old buffers, as V4L2 documents. */
	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region, 4 * cam->len));
	ASSERT_EQ(3, reqbufs(cam, 3));
	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region, cam->len));
	EXPECT_EQ(-ENOMEM, reqbufs(cam, 3));
	expect_held(_metadata, &cam->pool, 0, 0);
	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region, 4 * cam->len));
	EXPECT_EQ(4, reqbufs(cam, 4));
	expect_held(_metadata, &cam->pool, 4 * cam->len, 0);
}

TEST_F(v4l2, limit_zero)
{
	struct camera *cam = &self->cam;

	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region, 0));
	EXPECT_EQ(-ENOMEM, reqbufs(cam, 1));
	EXPECT_EQ(-ENOMEM, reqbufs(cam, 8));
	EXPECT_EQ(-ENOMEM, create_bufs(cam, 1, 0, NULL));
	expect_held(_metadata, &cam->pool, 0, 0);
	EXPECT_EQ(0, dmem_peak(cam->pool.a, cam->pool.region));
	EXPECT_EQ(0, reqbufs(cam, 0));

	/* A neighbour is served all the same. */
	ASSERT_EQ(0, cg_enter_current(cam->pool.b));
	EXPECT_EQ(2, reqbufs(cam, 2));
	expect_held(_metadata, &cam->pool, 0, 2 * cam->len);
}

/*
 * A refusal ends the request. Were it taken for "the area is full", system
 * memory would serve all that is over the limit.
 */
TEST_F(v4l2, refusal_is_final)
{
	struct camera *cam = &self->cam;
	const int n = 8;
	long long big;

	big = vivid_set_format(cam->fd, 1280, 720);
	ASSERT_LT(0, big);
	big = (big + cam->pool.t.page - 1) & -cam->pool.t.page;
	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region,
				  MIN_BUFS * big));
	/* Were any buffer not the area's, there would be more of them than charges. */
	EXPECT_EQ(MIN_BUFS, reqbufs(cam, n));
	expect_held(_metadata, &cam->pool, MIN_BUFS * big, 0);
	EXPECT_EQ(-ENOMEM, create_bufs(cam, n - MIN_BUFS, 0, NULL));
	EXPECT_EQ(0, reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
}

/*
 * Repeated requests do not fill the log: CMA says nothing, and a rate limit holds for
 * videobuf2's report. It lets 10 through in 5 seconds.
 */
TEST_F(v4l2, refusals_are_quiet)
{
	struct camera *cam = &self->cam;
	long long begin = now_ms();
	int cma, reports, got, n;

	cma = kmsg_open();
	reports = kmsg_open();
	ASSERT_LE(0, cma)
		TH_LOG("cannot read /dev/kmsg");
	ASSERT_LE(0, reports);
	for (n = 0; n < REFUSALS; n++) {
		ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region, 0));
		ASSERT_EQ(-ENOMEM, reqbufs(cam, 4));
		ASSERT_EQ(-ENOMEM, create_bufs(cam, 1, 0, NULL));
		ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region,
					  2 * cam->len));
		ASSERT_EQ(2, reqbufs(cam, 4));
		ASSERT_EQ(-ENOMEM, create_bufs(cam, 1, 0, NULL));
	}
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	got = kmsg_count(reports, "dma alloc of size ");
	EXPECT_GE(10 * ((now_ms() - begin) / 5000 + 2), got);

	/* One is in the log at last, so that an area too small is found. */
	for (n = 0; n < 70 && !got; n++) {
		EXPECT_EQ(-ENOMEM, create_bufs(cam, 1, 0, NULL));
		sleep_ms(100);
		got = kmsg_count(reports, "dma alloc of size ");
	}
	EXPECT_LT(0, got);
	EXPECT_EQ(0, kmsg_count(cma, "cma"));
	EXPECT_EQ(0, reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
	close(reports);
	close(cma);
}

/* An exported buffer is charged until its last reference is gone. */
TEST_F(v4l2, exported)
{
	struct camera *cam = &self->cam;
	int fd, other, closes;
	char *map;

	for (closes = 0; closes < 2; closes++) {
		ASSERT_EQ(3, reqbufs(cam, 3));
		fd = vivid_export(cam->fd, 2);
		ASSERT_LE(0, fd);
		other = dup(fd);
		ASSERT_LE(0, other);
		/* An export is not another buffer. */
		expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
		if (closes) {
			close(cam->fd);
			cam->fd = open(cam->path, O_RDWR | O_CLOEXEC);
			ASSERT_LE(0, cam->fd);
		} else {
			ASSERT_EQ(0, reqbufs(cam, 0));
		}
		expect_held(_metadata, &cam->pool, cam->len, 0);
		close(fd);
		expect_held(_metadata, &cam->pool, cam->len, 0);
		map = mmap(NULL, cam->len, PROT_READ | PROT_WRITE, MAP_SHARED,
			   other, 0);
		ASSERT_TRUE(map != MAP_FAILED);
		close(other);
		expect_held(_metadata, &cam->pool, cam->len, 0);
		EXPECT_EQ(0, munmap(map, cam->len));
		expect_held(_metadata, &cam->pool, 0, 0);
	}
}

/* fdinfo of an exported buffer shows its charge, as long as the buffer exists. */
TEST_F(v4l2, fdinfo)
{
	struct camera *cam = &self->cam;
	const char *region = cam->pool.region;
	unsigned long long id = cg_id(cam->pool.a);
	int fd, other, first;

	if (!id)
		SKIP(return, "cannot tell a cgroup's id (CONFIG_FHANDLE)");
	ASSERT_EQ(2, reqbufs(cam, 2));
	fd = vivid_export(cam->fd, 1);
	ASSERT_LE(0, fd);
	expect_owner(_metadata, region, 0, fd, id);

	/* A queue may have buffers of several cgroups. */
	ASSERT_EQ(0, cg_enter_current(cam->pool.b));
	ASSERT_EQ(1, create_bufs(cam, 1, 0, &first));
	other = vivid_export(cam->fd, first);
	ASSERT_LE(0, other);
	expect_owner(_metadata, region, 0, other, cg_id(cam->pool.b));
	expect_owner(_metadata, region, 0, fd, id);
	close(other);
	EXPECT_EQ(0, reqbufs(cam, 0));
	expect_owner(_metadata, region, 0, fd, id);
	expect_held(_metadata, &cam->pool, cam->len, 0);

	ASSERT_EQ(0, cg_destroy(cam->pool.a));
	expect_owner(_metadata, region, 0, fd, id);
	EXPECT_EQ(cam->len, dmem_nested(cam->pool.t.cg, "dmem.stat", region,
					"dying"));
	close(fd);
	EXPECT_EQ(0, dmem_nested(cam->pool.t.cg, "dmem.stat", region,
				 "dying"));
	EXPECT_EQ(0, dmem_current(cam->pool.t.cg, region));
}

/*
 * The driver is unbound while its buffers are in use. Buffers without other
 * references are freed with it, the others with their last reference.
 */
TEST_F(v4l2, unbound)
{
	struct camera *cam = &self->cam;
	char *map;
	int fd;

	if (access(DRIVER "/" DEVICE, F_OK))
		SKIP(return, "no " DEVICE " in " DRIVER);
	ASSERT_EQ(4, reqbufs(cam, 4));
	map = vivid_map(cam->fd, 1, cam->len);
	ASSERT_TRUE(map != MAP_FAILED);
	fd = vivid_export(cam->fd, 2);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, stream_frames(cam, cam->fd, 4, NULL, 2));
	expect_held(_metadata, &cam->pool, 4 * cam->len, 0);

	ASSERT_EQ(0, cg_write(DRIVER, "unbind", DEVICE));
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	close(cam->fd);
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	close(fd);
	expect_held(_metadata, &cam->pool, cam->len, 0);
	memset(map, 1, cam->len);
	EXPECT_EQ(0, munmap(map, cam->len));
	expect_held(_metadata, &cam->pool, 0, 0);

	ASSERT_EQ(0, cg_write(DRIVER, "bind", DEVICE));
	cam->fd = vivid_open(cam->path, sizeof(cam->path));
	ASSERT_LE(0, cam->fd);
	EXPECT_EQ(4, reqbufs(cam, 4));
	EXPECT_EQ(0, reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
}

/*
 * The device has another area when the buffers come back: it has lost its own,
 * as happens to drivers that release it in their remove(), or has been given
 * one.
 */
TEST_F(v4l2, another_area)
{
	struct camera *cam = &self->cam;
	int fds[2], ret;

	ASSERT_EQ(2, reqbufs(cam, 2));
	fds[0] = vivid_export(cam->fd, 0);
	ASSERT_LE(0, fds[0]);
	fds[1] = vivid_export(cam->fd, 1);
	ASSERT_LE(0, fds[1]);
	EXPECT_EQ(0, reqbufs(cam, 0));
	ret = cam->has_area ? module_unload(AREA_MODULE) : load_area(cam);
	if (ret && !cam->has_area)
		SKIP(return, "cannot give vivid the area %s: %s", cam->area,
		     strerror(-ret));
	ASSERT_EQ(0, ret);
	cam->has_area = !cam->has_area;
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	close(fds[0]);
	expect_held(_metadata, &cam->pool, cam->len, 0);
	close(fds[1]);
	expect_held(_metadata, &cam->pool, 0, 0);
}

/* The receiver of an exported buffer keeps it, even with a limit of 0. */
TEST_F(v4l2, export_receiver)
{
	struct camera *cam = &self->cam;
	int sv[2], fd;
	pid_t pid;
	char byte;

	ASSERT_EQ(0, dmem_set_max(cam->pool.b, cam->pool.region, 0));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	pid = cg_fork(cam->pool.b);
	ASSERT_LE(0, pid);
	if (!pid) {
		close(cam->fd);
		close(sv[0]);
		fd = recv_fd(sv[1]);
		if (fd < 0 || mmap(NULL, cam->len, PROT_READ, MAP_SHARED, fd,
				   0) == MAP_FAILED)
			_exit(1);
		if (write(sv[1], "x", 1) != 1 || read(sv[1], &byte, 1) < 0)
			_exit(1);
		_exit(0);
	}
	close(sv[1]);
	ASSERT_EQ(2, reqbufs(cam, 2));
	fd = vivid_export(cam->fd, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, send_fd(sv[0], fd));
	close(fd);
	ASSERT_EQ(1, read(sv[0], &byte, 1));
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	EXPECT_EQ(0, reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, cam->len, 0);
	close(sv[0]);
	EXPECT_EQ(0, wait_exit(pid));
	dmem_wait_current(cam->pool.a, cam->pool.region, 0, 5000);
	expect_held(_metadata, &cam->pool, 0, 0);
}

/*
 * Buffers of a's heap in the device's queue: b, which runs the device, may have
 * nothing, and a no more than it has.
 */
TEST_F(v4l2, imported)
{
	struct camera *cam = &self->cam;
	int fds[2], i;

	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region, 2 * cam->len));
	ASSERT_EQ(0, dmem_set_max(cam->pool.b, cam->pool.region, 0));
	for (i = 0; i < 2; i++) {
		fds[i] = heap_alloc(cam->pool.heap_fd, cam->len);
		ASSERT_LE(0, fds[i]);
	}
	ASSERT_EQ(0, cg_enter_current(cam->pool.b));
	ASSERT_EQ(2, vivid_reqbufs(cam->fd, V4L2_MEMORY_DMABUF, 0, 2, NULL));
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	ASSERT_EQ(0, stream_frames(cam, cam->fd, 2, fds, 4));
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	ASSERT_EQ(0, vivid_stream(cam->fd, false));
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);

	/* The queue holds references to both. */
	close(fds[0]);
	close(fds[1]);
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	EXPECT_EQ(0, vivid_reqbufs(cam->fd, V4L2_MEMORY_DMABUF, 0, 0, NULL));
	expect_held(_metadata, &cam->pool, 0, 0);
}

/* One limit for a service, with a heap in one cgroup and a camera in another. */
TEST_F(v4l2, one_limit_for_all)
{
	struct camera *cam = &self->cam;
	long long len = cam->len;
	int fds[4], i;

	ASSERT_EQ(0, dmem_set_max(cam->pool.t.cg, cam->pool.region, 4 * len));
	fds[0] = heap_alloc(cam->pool.heap_fd, len);
	ASSERT_LE(0, fds[0]);
	ASSERT_EQ(0, cg_enter_current(cam->pool.b));
	ASSERT_EQ(3, reqbufs(cam, 8));
	expect_held(_metadata, &cam->pool, len, 3 * len);

	/* Neither gets more, until the other gives. */
	EXPECT_EQ(-ENOMEM, create_bufs(cam, 1, 0, NULL));
	ASSERT_EQ(0, cg_enter_current(cam->pool.a));
	EXPECT_EQ(-ENOMEM, heap_alloc(cam->pool.heap_fd, cam->pool.t.page));
	expect_held(_metadata, &cam->pool, len, 3 * len);
	EXPECT_EQ(0, reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, len, 0);
	for (i = 1; i < 4; i++) {
		fds[i] = heap_alloc(cam->pool.heap_fd, len);
		ASSERT_LE(0, fds[i]);
	}
	expect_held(_metadata, &cam->pool, 4 * len, 0);
	EXPECT_EQ(-ENOMEM, reqbufs(cam, MIN_BUFS));
	close(fds[0]);
	close(fds[1]);
	EXPECT_EQ(2, reqbufs(cam, 4));
	expect_held(_metadata, &cam->pool, 4 * len, 0);
	EXPECT_EQ(0, reqbufs(cam, 0));
	close(fds[2]);
	close(fds[3]);
	expect_held(_metadata, &cam->pool, 0, 0);
}

/* Takes the area, for b, and leaves less than a buffer of the device. */
static int fill_area(struct camera *cam, int *fds, long long *left)
{
	int n;

	cg_enter_current(cam->pool.b);
	n = heap_fill(cam->pool.heap_fd,
		      cam->pool.available / 4 * cam->pool.t.page, fds, MAX_FDS);
	*left = cma_read(cam->pool.area, "available_pages") * cam->pool.t.page;
	cg_enter_current(cam->pool.a);
	return n;
}

/* The area has room enough, but not in one piece. */
TEST_F_TIMEOUT(v4l2, fragmented_area, 60)
{
	struct camera *cam = &self->cam;
	long long page = cam->pool.t.page, piece, free;
	char words[DMEM_NAME_LEN + 16];
	static int fds[MAX_FDS];
	int n, i, kmsg;

	/* Drivers need the default area. */
	if (!cam->pool.private)
		SKIP(return, "the area has other users");
	/* A power of two, so that the pieces lie side by side */
	for (piece = page; 4 * piece <= cam->len; piece *= 2)
		;
	ASSERT_EQ(0, cg_enter_current(cam->pool.b));
	n = heap_fill(cam->pool.heap_fd, piece, fds, MAX_FDS);
	for (i = 0; i < n; i += 2) {
		close(fds[i]);
		fds[i] = -1;
	}
	free = cma_read(cam->pool.area, "available_pages") * page;
	ASSERT_EQ(0, cg_enter_current(cam->pool.a));
	if (free < 4 * cam->len)
		SKIP(goto out, "cannot fill the area: it has %d pieces", n);

	kmsg = kmsg_open();
	ASSERT_LE(0, kmsg)
		TH_LOG("cannot read /dev/kmsg");
	/* CMA searches the area in vain, and says nothing. */
	reqbufs(cam, 2);
	EXPECT_EQ(0, dmem_current(cam->pool.a, cam->pool.region));
	EXPECT_EQ(free, cma_read(cam->pool.area, "available_pages") * page);
	snprintf(words, sizeof(words), "%s: alloc failed", cam->pool.area);
	EXPECT_EQ(0, kmsg_count(kmsg, words));
	close(kmsg);
	reqbufs(cam, 0);
out:
	while (n--)
		if (fds[n] >= 0)
			close(fds[n]);
	expect_held(_metadata, &cam->pool, 0, 0);
}

/*
 * The area has no room: only then does system memory serve the request. dmem
 * counts no refusal, and the kernel logs nothing, as any user could fill the
 * log.
 */
TEST_F_TIMEOUT(v4l2, full_area, 60)
{
	struct camera *cam = &self->cam;
	static int fds[MAX_FDS];
	struct dmem_owner owner;
	char words[DMEM_NAME_LEN + 16];
	long long used, left;
	const int bufs = 16;
	int n, n_bufs, kmsg, i;

	/* Drivers need the default area. */
	if (!cam->pool.private)
		SKIP(return, "the area has other users");
	n = fill_area(cam, fds, &left);
	if (left >= cam->len)
		SKIP(return, "cannot fill the area: %lld bytes are left", left);
	used = cam->pool.available * cam->pool.t.page - left;
	expect_held(_metadata, &cam->pool, 0, used);

	kmsg = kmsg_open();
	ASSERT_LE(0, kmsg)
		TH_LOG("cannot read /dev/kmsg");
	n_bufs = reqbufs(cam, bufs);
	snprintf(words, sizeof(words), "%s: alloc failed", cam->pool.area);
	EXPECT_EQ(0, kmsg_count(kmsg, words));
	expect_held(_metadata, &cam->pool, 0, used);
	/* 32-bit ARM's allocator of coherent memory has nothing else to try. */
	if (kernel_is_64bit() || cam->flags)
		EXPECT_EQ(bufs, n_bufs);
	if (n_bufs != bufs) {
		EXPECT_EQ(-ENOMEM, n_bufs);
		EXPECT_LT(0, dmem_nested(cam->pool.a, "dmem.events",
					 cam->pool.region, "exhausted"));
		goto out;
	}
	/* Served is served, and this memory is not dmem's. */
	expect_no_events(_metadata, cam->pool.region, cam->pool.a);
	i = vivid_export(cam->fd, 0);
	ASSERT_LE(0, i);
	EXPECT_EQ(-ENODATA, fd_owner(0, i, &owner));
	close(i);
	ASSERT_EQ(0, stream_frames(cam, cam->fd, 3, NULL, 1));
	ASSERT_EQ(0, vivid_stream(cam->fd, false));
	EXPECT_EQ(0, reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, used);

	/* A limit of 0 refuses the request even if the area is full. */
	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region, 0));
	EXPECT_EQ(-ENOMEM, reqbufs(cam, bufs));
	expect_held(_metadata, &cam->pool, 0, used);
out:
	while (n)
		close(fds[--n]);
	expect_held(_metadata, &cam->pool, 0, 0);
}

/* Memory that serves the request instead is not charged to memcg either. */
TEST_F_TIMEOUT(v4l2, full_area_memcg, 60)
{
	struct camera *cam = &self->cam;
	long long memcg, left;
	static int fds[MAX_FDS];
	const int bufs = 16;
	int n, n_bufs;

	if (!cam->pool.private)
		SKIP(return, "the area has other users");
	if (cg_enable(cam->pool.t.root, "memory") || cg_enable(cam->pool.top, "memory") ||
	    cg_enable(cam->pool.t.cg, "memory"))
		SKIP(return, "no memory controller in cgroup2");
	n = fill_area(cam, fds, &left);
	if (left >= cam->len)
		SKIP(return, "cannot fill the area: %lld bytes are left", left);
	memcg = cg_read_long(cam->pool.a, "memory.current");
	ASSERT_LE(0, memcg);
	n_bufs = reqbufs(cam, bufs);
	memcg = cg_read_long(cam->pool.a, "memory.current") - memcg;
	if (n_bufs != bufs)
		SKIP(goto out, "no other memory serves this device's requests");
	EXPECT_GT(bufs * cam->len / 2, memcg);
out:
	while (n)
		close(fds[--n]);
}

static void unload_vivid(void)
{
	modules_unload(&vivid_modules);
}

int main(int argc, char **argv)
{
	char reason[DMEM_NAME_LEN];

	/* For all tests: it takes a while. */
	if (dmem_is_on(reason) && !geteuid()) {
		atexit(unload_vivid);
		modules_load(&vivid_modules);
	}
	return test_harness_run(argc, argv);
}
