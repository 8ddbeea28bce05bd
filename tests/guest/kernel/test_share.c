// SPDX-License-Identifier: GPL-2.0
/*
 * Three services in three cgroups share one buffer: the first allocates it from
 * the display, a camera fills it, the display's server shows it. The first cgroup
 * is charged, once, until the last reference is gone. A further test has one
 * service with buffers of a camera, a display and a heap.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/videodev2.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect.h"
#include "media_pool.h"

#define AREA_MODULE	"dmem_vivid_area"
#define FRAMES		3
#define WIDTH		320		/* of a frame */
#define HEIGHT		180
#define BUFS		2	/* vivid's minimum */

struct service {
	pid_t pid;
	int sock;
};

FIXTURE(share) {
	struct media_pool pool;
	char *c;
	struct screen screen;
	long long len;			/* of a buffer for it, in whole pages */
	int frame;			/* bytes that the camera writes to it */
};

/* For the display's server, which may not allocate a buffer to find out. */
static __u32 screen_pitch;

FIXTURE_SETUP(share)
{
	struct media_pool *pool = &self->pool;
	int camera, display;
	struct dmem_heap heap = {};
	bool found = false;
	struct dumb dumb;
	char path[32];

	begin_or_skip(_metadata, &pool->t, DMEM_NO_HEAP);
	pool->heap_fd = -1;
	camera = vivid_open(path, sizeof(path));
	display = display_open(path, sizeof(path));
	if (camera >= 0) {
		self->frame = vivid_set_format(camera, WIDTH, HEIGHT);
		close(camera);
	}
	if (display >= 0) {
		found = !display_find(display, &self->screen) &&
			dumb_find_heap(display, self->screen.width,
				       self->screen.height, &heap, &dumb);
		close(display);
	}
	if (camera < 0 || !found) {
		pool_end(pool);
		SKIP(return, "needs vivid, a display and a heap on its CMA area");
	}
	if (self->frame >= (long long)dumb.size) {
		pool_end(pool);
		SKIP(return, "a buffer of the screen is smaller than a frame of %d bytes",
		     self->frame);
	}
	pool_begin(_metadata, pool, &heap);
	self->c = cg_name(pool->t.cg, "c");
	ASSERT_EQ(0, cg_create(self->c));
	self->len = (dumb.size + pool->t.page - 1) & -pool->t.page;
	screen_pitch = dumb.pitch;
	ASSERT_LT(0, self->frame);
}

FIXTURE_TEARDOWN(share)
{
	pool_end(&self->pool);
}

/* Passes the buffer on to report success, and holds its own references. */
static void pass_and_hold(int sock, int fd)
{
	char byte;

	if (fd < 0 || send_fd(sock, fd))
		_exit(1);
	_exit(read(sock, &byte, 1) == 1 ? 0 : 1);
}

/* Closes the display, as only the first that opens it may set a mode. */
static void producer(int sock, const struct screen *screen)
{
	char path[32];
	struct dumb dumb;
	int dev = display_open(path, sizeof(path)), fd;

	if (dev < 0 || dumb_create(dev, screen->width, screen->height, &dumb))
		_exit(2);
	fd = prime_export(dev, dumb.handle);
	close(dev);
	pass_and_hold(sock, fd);
}

static void camera(int sock)
{
	int fd = recv_fd(sock), frame, i;
	char path[32];
	int dev = vivid_open(path, sizeof(path));

	if (fd < 0 || dev < 0)
		_exit(2);
	frame = vivid_set_format(dev, WIDTH, HEIGHT);
	if (vivid_reqbufs(dev, V4L2_MEMORY_DMABUF, 0, BUFS, NULL) != BUFS)
		_exit(3);
	for (i = 0; i < BUFS; i++) {
		if (vivid_queue(dev, i, fd))
			_exit(4);
	}
	if (vivid_stream(dev, true))
		_exit(5);
	for (i = 0; i < FRAMES; i++) {
		int index = vivid_dequeue(dev, V4L2_MEMORY_DMABUF, frame);

		if (index < 0 || vivid_queue(dev, index, fd))
			_exit(6);
	}
	pass_and_hold(sock, fd);
}

/* Imports the buffer into the display, and passes on the display's export. */
static void display(int sock)
{
	int fd = recv_fd(sock);
	struct screen screen;
	__u32 handle, fb;
	char path[32];
	int dev = display_open(path, sizeof(path));

	if (fd < 0 || dev < 0 || display_find(dev, &screen))
		_exit(2);
	if (prime_import(dev, fd, &handle))
		_exit(3);
	if (display_add_fb(dev, screen.width, screen.height, screen_pitch,
			   handle, &fb) || display_show(dev, &screen, fb))
		_exit(4);
	close(fd);
	pass_and_hold(sock, prime_export(dev, handle));
}

static struct service start(struct __test_metadata *_metadata, const char *cg,
			    void (*run)(int sock))
{
	struct service s;
	int sv[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	s.sock = sv[0];
	s.pid = cg_fork(cg);
	ASSERT_LE(0, s.pid);
	if (!s.pid) {
		close(sv[0]);
		run(sv[1]);
		_exit(127);
	}
	close(sv[1]);
	return s;
}

static int stop(struct service *s)
{
	/* Closing the socket would not stop it: the other services hold it too. */
	if (write(s->sock, "x", 1) != 1)
		return -EIO;
	close(s->sock);
	return wait_exit(s->pid);
}

static void expect_paid(struct __test_metadata *_metadata,
			struct media_pool *pool, const char *c, long long len)
{
	expect_held(_metadata, pool, len, 0);
	EXPECT_EQ(0, dmem_current(c, pool->region));
	EXPECT_EQ(0, dmem_peak(pool->b, pool->region));
	EXPECT_EQ(0, dmem_peak(c, pool->region));
}

static bool same_buffer(int a, int b)
{
	struct stat x, y;

	return !fstat(a, &x) && !fstat(b, &y) && x.st_ino == y.st_ino;
}

TEST_F(share, three_services)
{
	struct media_pool *pool = &self->pool;
	struct service cam, disp;
	int fd, filled, shown, i, same = 0;
	unsigned char *map;
	pid_t pid;
	int sv[2];

	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, self->len));
	ASSERT_EQ(0, dmem_set_max(pool->b, pool->region, 0));
	ASSERT_EQ(0, dmem_set_max(self->c, pool->region, 0));
	/* Started before any buffer exists that they could inherit. */
	cam = start(_metadata, pool->b, camera);
	disp = start(_metadata, self->c, display);

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	pid = cg_fork(pool->a);
	ASSERT_LE(0, pid);
	if (!pid) {
		close(sv[0]);
		producer(sv[1], &self->screen);
	}
	close(sv[1]);
	ASSERT_EQ(0, cg_enter_current(pool->t.root));
	fd = recv_fd(sv[0]);
	ASSERT_LE(0, fd);
	expect_paid(_metadata, pool, self->c, self->len);

	map = mmap(NULL, self->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_TRUE(map != MAP_FAILED);
	memset(map, 0xa5, self->len);
	ASSERT_EQ(0, send_fd(cam.sock, fd));
	filled = recv_fd(cam.sock);
	ASSERT_LE(0, filled);
	/* The buffer contains a picture, and nothing beyond. */
	for (i = 0; i < self->frame; i++)
		same += map[i] == 0xa5;
	EXPECT_GT(self->frame / 2, same);
	EXPECT_EQ(0xa5, map[self->frame]);
	EXPECT_EQ(0, munmap(map, self->len));
	EXPECT_TRUE(same_buffer(fd, filled));
	expect_paid(_metadata, pool, self->c, self->len);

	ASSERT_EQ(0, send_fd(disp.sock, filled));
	shown = recv_fd(disp.sock);
	ASSERT_LE(0, shown);
	/* The returned fd is of the same buffer, not of a new one. */
	EXPECT_TRUE(same_buffer(fd, shown));
	expect_paid(_metadata, pool, self->c, self->len);

	/* The processes exit one by one, the charged one first. */
	close(fd);
	close(filled);
	close(shown);
	expect_paid(_metadata, pool, self->c, self->len);
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, wait_exit(pid));
	expect_paid(_metadata, pool, self->c, self->len);
	EXPECT_EQ(0, stop(&cam));
	expect_paid(_metadata, pool, self->c, self->len);
	EXPECT_EQ(0, stop(&disp));
	expect_paid(_metadata, pool, self->c, 0);
	close(sv[0]);
}

/* A service that gets its buffers in all three ways, from one area. */
FIXTURE(mix) {
	struct media_pool pool;
	int camera, display;
	bool has_area;
	long long len;			/* of a frame, in whole pages */
	struct dumb dumb;
};

static void leave_mix(struct media_pool *pool, int camera, int display,
		      bool has_area)
{
	if (camera >= 0)
		close(camera);
	if (display >= 0)
		close(display);
	if (has_area)
		module_unload(AREA_MODULE);
	pool_end(pool);
}

FIXTURE_SETUP(mix)
{
	struct media_pool *pool = &self->pool;
	int frame;
	char path[32], params[DMEM_NAME_LEN + 8];
	struct dmem_heap heap = {};

	begin_or_skip(_metadata, &pool->t, DMEM_NO_HEAP);
	pool->heap_fd = -1;
	self->camera = vivid_open(path, sizeof(path));
	self->display = display_open(path, sizeof(path));
	if (self->camera >= 0 && self->display >= 0 &&
	    dumb_find_heap(self->display, WIDTH, HEIGHT, &heap, &self->dumb)) {
		snprintf(params, sizeof(params), "area=%s", region_area(heap.region));
		self->has_area = !module_load(AREA_MODULE, params);
	}
	if (!self->has_area) {
		leave_mix(pool, self->camera, self->display, false);
		SKIP(return, "needs vivid, a display, and its area for both");
	}
	frame = vivid_set_format(self->camera, WIDTH, HEIGHT);
	ASSERT_LT(0, frame);
	self->len = (frame + pool->t.page - 1) & -pool->t.page;
	pool_begin(_metadata, pool, &heap);
}

FIXTURE_TEARDOWN(mix)
{
	leave_mix(&self->pool, self->camera, self->display, self->has_area);
}

static int request(int fd, int n)
{
	return vivid_reqbufs(fd, V4L2_MEMORY_MMAP, 0, n, NULL);
}

TEST_F(mix, one_limit)
{
	struct media_pool *pool = &self->pool;
	long long frames = 3 * self->len, heap_len = 64 * pool->t.page;
	long long picture = (self->dumb.size + pool->t.page - 1) & -pool->t.page;
	struct dumb more;
	int fd;

	ASSERT_EQ(0, dmem_set_max(pool->t.cg, pool->region,
				  frames + heap_len + picture));
	ASSERT_EQ(3, request(self->camera, 3));
	ASSERT_EQ(0, cg_enter_current(pool->b));
	fd = heap_alloc(pool->heap_fd, heap_len);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, dumb_create(self->display, WIDTH, HEIGHT, &self->dumb));
	expect_held(_metadata, pool, frames, heap_len + picture);

	/* None of the three ways gets a page more, */
	EXPECT_EQ(-ENOMEM, heap_alloc(pool->heap_fd, pool->t.page));
	EXPECT_EQ(-ENOMEM, dumb_create(self->display, 16, 16, &more));
	EXPECT_EQ(3, request(self->camera, 4));
	expect_held(_metadata, pool, 0, frames + heap_len + picture);

	/* until another gives something back. */
	EXPECT_EQ(0, dumb_destroy(self->display, self->dumb.handle));
	EXPECT_EQ(4, request(self->camera, 4));
	expect_held(_metadata, pool, 0, frames + self->len + heap_len);
	EXPECT_EQ(-ENOMEM, dumb_create(self->display, WIDTH, HEIGHT, &more));
	close(fd);
	EXPECT_EQ(0, dumb_create(self->display, WIDTH, HEIGHT, &more));
	expect_held(_metadata, pool, 0, frames + self->len + picture);
	EXPECT_EQ(0, request(self->camera, 0));
	EXPECT_EQ(0, dumb_destroy(self->display, more.handle));
	expect_held(_metadata, pool, 0, 0);
}

static void unload_all(void)
{
	modules_unload(&display_modules);
	modules_unload(&vivid_modules);
}

int main(int argc, char **argv)
{
	/* Loading is slow. */
	if (dmem_is_on() && !geteuid()) {
		atexit(unload_all);
		if (access("/sys/module/vivid", F_OK))
			modules_load(&vivid_modules);
		if (access("/dev/dri/card0", F_OK))
			modules_load(&display_modules);
	}
	return test_harness_run(argc, argv);
}
