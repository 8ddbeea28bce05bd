// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of V4L2 devices that are refused: above the limit, where no other memory
 * may serve the request, and in an area without room, where other memory does.
 */
#include <errno.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect_events.h"
#include "dmem_fd_owner.h"
#include "v4l2_fixture.h"

#define MAX_FDS		4096
#define REFUSALS	50

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
		ASSERT_EQ(3, camera_reqbufs(cam, 8));
		expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
		ASSERT_EQ(0, camera_stream(cam, cam->fd, 3, NULL, 2));
		ASSERT_EQ(0, vivid_stream(cam->fd, false));
		ASSERT_EQ(0, dmem_set_max(level, cam->pool.region,
					  4 * cam->len));
		ASSERT_EQ(4, camera_reqbufs(cam, 8));
		expect_held(_metadata, &cam->pool, 4 * cam->len, 0);
		EXPECT_EQ(0, camera_reqbufs(cam, 0));
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
	EXPECT_EQ(-ENOMEM, camera_reqbufs(cam, 4));
	expect_held(_metadata, &cam->pool, 0, 0);
	EXPECT_EQ((MIN_BUFS - 1) * cam->len,
		  dmem_peak(cam->pool.a, cam->pool.region));
	/* A failed REQBUFS has freed the old buffers, as V4L2 documents. */
	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region, 4 * cam->len));
	ASSERT_EQ(3, camera_reqbufs(cam, 3));
	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region, cam->len));
	EXPECT_EQ(-ENOMEM, camera_reqbufs(cam, 3));
	expect_held(_metadata, &cam->pool, 0, 0);
	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region, 4 * cam->len));
	EXPECT_EQ(4, camera_reqbufs(cam, 4));
	expect_held(_metadata, &cam->pool, 4 * cam->len, 0);
}

TEST_F(v4l2, limit_zero)
{
	struct camera *cam = &self->cam;

	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region, 0));
	EXPECT_EQ(-ENOMEM, camera_reqbufs(cam, 1));
	EXPECT_EQ(-ENOMEM, camera_reqbufs(cam, 8));
	EXPECT_EQ(-ENOMEM, camera_create_bufs(cam, 1, 0, NULL));
	expect_held(_metadata, &cam->pool, 0, 0);
	EXPECT_EQ(0, dmem_peak(cam->pool.a, cam->pool.region));
	EXPECT_EQ(0, camera_reqbufs(cam, 0));

	/* A neighbour is served all the same. */
	ASSERT_EQ(0, cg_enter_current(cam->pool.b));
	EXPECT_EQ(2, camera_reqbufs(cam, 2));
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
	EXPECT_EQ(MIN_BUFS, camera_reqbufs(cam, n));
	expect_held(_metadata, &cam->pool, MIN_BUFS * big, 0);
	EXPECT_EQ(-ENOMEM, camera_create_bufs(cam, n - MIN_BUFS, 0, NULL));
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
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
		ASSERT_EQ(-ENOMEM, camera_reqbufs(cam, 4));
		ASSERT_EQ(-ENOMEM, camera_create_bufs(cam, 1, 0, NULL));
		ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region,
					  2 * cam->len));
		ASSERT_EQ(2, camera_reqbufs(cam, 4));
		ASSERT_EQ(-ENOMEM, camera_create_bufs(cam, 1, 0, NULL));
	}
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	got = kmsg_count(reports, "dma alloc of size ");
	EXPECT_GE(10 * ((now_ms() - begin) / 5000 + 2), got);

	/* One is in the log at last, so that an area too small is found. */
	for (n = 0; n < 70 && !got; n++) {
		EXPECT_EQ(-ENOMEM, camera_create_bufs(cam, 1, 0, NULL));
		sleep_ms(100);
		got = kmsg_count(reports, "dma alloc of size ");
	}
	EXPECT_LT(0, got);
	EXPECT_EQ(0, kmsg_count(cma, cam->pool.area));
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
	close(reports);
	close(cma);
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
	ASSERT_EQ(3, camera_reqbufs(cam, 8));
	expect_held(_metadata, &cam->pool, len, 3 * len);

	/* Neither gets more, until the other gives. */
	EXPECT_EQ(-ENOMEM, camera_create_bufs(cam, 1, 0, NULL));
	ASSERT_EQ(0, cg_enter_current(cam->pool.a));
	EXPECT_EQ(-ENOMEM, heap_alloc(cam->pool.heap_fd, cam->pool.t.page));
	expect_held(_metadata, &cam->pool, len, 3 * len);
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, len, 0);
	for (i = 1; i < 4; i++) {
		fds[i] = heap_alloc(cam->pool.heap_fd, len);
		ASSERT_LE(0, fds[i]);
	}
	expect_held(_metadata, &cam->pool, 4 * len, 0);
	EXPECT_EQ(-ENOMEM, camera_reqbufs(cam, MIN_BUFS));
	close(fds[0]);
	close(fds[1]);
	EXPECT_EQ(2, camera_reqbufs(cam, 4));
	expect_held(_metadata, &cam->pool, 4 * len, 0);
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
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

/* 32-bit ARM's allocator of coherent memory has nothing else to try. */
static bool other_memory_serves(const struct camera *cam)
{
	return kernel_is_64bit() || cam->flags;
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
	/* CMA searches the area in vain, and logs nothing. Other memory serves as below. */
	EXPECT_EQ(other_memory_serves(cam) ? 2 : -ENOMEM, camera_reqbufs(cam, 2));
	EXPECT_EQ(0, dmem_current(cam->pool.a, cam->pool.region));
	EXPECT_EQ(free, cma_read(cam->pool.area, "available_pages") * page);
	snprintf(words, sizeof(words), "%s: alloc failed", cam->pool.area);
	EXPECT_EQ(0, kmsg_count(kmsg, words));
	close(kmsg);
	camera_reqbufs(cam, 0);
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
	n_bufs = camera_reqbufs(cam, bufs);
	snprintf(words, sizeof(words), "%s: alloc failed", cam->pool.area);
	EXPECT_EQ(0, kmsg_count(kmsg, words));
	expect_held(_metadata, &cam->pool, 0, used);
	EXPECT_EQ(other_memory_serves(cam) ? bufs : -ENOMEM, n_bufs);
	if (!other_memory_serves(cam)) {
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
	ASSERT_EQ(0, camera_stream(cam, cam->fd, 3, NULL, 1));
	ASSERT_EQ(0, vivid_stream(cam->fd, false));
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, used);

	/* A limit of 0 refuses the request even if the area is full. */
	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region, 0));
	EXPECT_EQ(-ENOMEM, camera_reqbufs(cam, bufs));
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
	int n;

	if (!cam->pool.private)
		SKIP(return, "the area has other users");
	if (!other_memory_serves(cam))
		SKIP(return, "no other memory serves this device's requests");
	if (dmem_enable_memory(&cam->pool.t))
		SKIP(return, "no memory controller in cgroup2");
	n = fill_area(cam, fds, &left);
	if (left >= cam->len)
		SKIP(return, "cannot fill the area: %lld bytes are left", left);
	memcg = cg_read_long(cam->pool.a, "memory.current");
	ASSERT_LE(0, memcg);
	ASSERT_EQ(bufs, camera_reqbufs(cam, bufs));
	memcg = cg_read_long(cam->pool.a, "memory.current") - memcg;
	EXPECT_GT(bufs * cam->len / 2, memcg);
	while (n)
		close(fds[--n]);
}

int main(int argc, char **argv)
{
	return v4l2_run(argc, argv);
}
