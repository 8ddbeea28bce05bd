// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of drivers in a coherent pool, which is memory of the device tree without
 * "reusable": a camera, vivid, and a display, pl111. On QEMU's "vexpress-a15" the pool is the
 * video RAM of the board, as its device tree has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "coherent_pool.h"
#include "dmem_expect.h"
#include "dmem_expect_events.h"
#include "dmem_expect_owner.h"
#include "guest_util.h"
#include "media.h"

#define WIDTH		320
#define HEIGHT		180
#define MIN_BUFS	2	/* fewer vivid does not take */
#define PL111		"/sys/bus/amba/drivers/drm-clcd-pl111"

/* Common part of the fixtures: the process is in a. */
struct world {
	struct dmem_test t;
	struct coherent_pool pool;
	const char *region;		/* of the pool */
	char *a, *b;
	long long len, charge;		/* of a buffer: in whole pages, and as the pool has it */
};

static void world_begin(struct __test_metadata *_metadata, struct world *w)
{
	begin_or_skip(_metadata, &w->t, DMEM_NO_HEAP);
	if (!coherent_pool_find(&w->pool)) {
		dmem_end(&w->t);
		SKIP(_exit(KSFT_SKIP), "no coherent pool in the device tree");
	}
	w->region = w->pool.region;
	w->a = new_cgroup(_metadata, cg_create, w->t.cg, "a");
	w->b = new_cgroup(_metadata, cg_create, w->t.cg, "b");
	ASSERT_EQ(0, cg_enter_current(w->a));
}

static void expect_held(struct __test_metadata *_metadata, struct world *w, long long in_a,
			long long in_b)
{
	EXPECT_EQ(in_a, dmem_current(w->a, w->region));
	EXPECT_EQ(in_b, dmem_current(w->b, w->region));
	EXPECT_EQ(in_a + in_b, dmem_current(w->t.cg, w->region));
}

#define EXPECT_HELD(...)	expect_held(_metadata, &self->w, __VA_ARGS__)

FIXTURE(camera) {
	struct world w;
	char path[32];
	int fd, frame;
};

FIXTURE_SETUP(camera)
{
	struct world *w = &self->w;

	world_begin(_metadata, w);
	self->fd = vivid_open(self->path, sizeof(self->path));
	if (self->fd < 0) {
		dmem_end(&w->t);
		SKIP(_exit(KSFT_SKIP), "no vivid with allocators=1, and cannot load it");
	}
	ASSERT_EQ(0, coherent_pool_give(&w->pool, "device", "vivid.0"));
	self->frame = vivid_set_format(self->fd, WIDTH, HEIGHT);
	ASSERT_LT(0, self->frame);
	w->len = (self->frame + w->t.page - 1) & -w->t.page;
	w->charge = coherent_pool_rounded(self->frame);
	/* The rest of the last page, and the pages that fill up a power of two, are seen. */
	ASSERT_GT(w->len, self->frame);
	ASSERT_GT(w->charge, w->len);
}

FIXTURE_TEARDOWN(camera)
{
	close(self->fd);
	EXPECT_EQ(0, coherent_pool_take(&self->w.pool));
	EXPECT_EQ(0, dmem_current(self->w.t.cg, self->w.region));
	dmem_end(&self->w.t);
}

static int reqbufs(FIXTURE_DATA(camera) *self, int n)
{
	return vivid_reqbufs(self->fd, V4L2_MEMORY_MMAP, 0, n, NULL);
}

TEST_F(camera, requested)
{
	struct world *w = &self->w;

	ASSERT_EQ(4, reqbufs(self, 4));
	EXPECT_HELD(4 * w->charge, 0);
	ASSERT_EQ(0, cg_enter_current(w->b));
	EXPECT_EQ(0, reqbufs(self, 0));
	EXPECT_HELD(0, 0);
	EXPECT_EQ(4 * w->charge, dmem_peak(w->a, w->region));
	ASSERT_EQ(MIN_BUFS, reqbufs(self, MIN_BUFS));
	EXPECT_HELD(0, MIN_BUFS * w->charge);
}

/* Non-coherent buffers are not from the pool. */
TEST_F(camera, non_coherent)
{
	ASSERT_EQ(MIN_BUFS, vivid_reqbufs(self->fd, V4L2_MEMORY_MMAP,
					  V4L2_MEMORY_FLAG_NON_COHERENT, MIN_BUFS, NULL));
	EXPECT_HELD(0, 0);
}

/* Fewer buffers, as when memory is short; below the driver's minimum, ENOMEM. */
TEST_F(camera, limit)
{
	struct world *w = &self->w;

	ASSERT_EQ(0, dmem_set_max(w->a, w->region, 4 * w->charge - w->t.page));
	EXPECT_EQ(3, reqbufs(self, 4));
	EXPECT_HELD(3 * w->charge, 0);
	expect_events(_metadata, w->region, w->a, 1, 1, 0);
	EXPECT_EQ(0, reqbufs(self, 0));
	ASSERT_EQ(0, dmem_set_max(w->a, w->region, 4 * w->charge));
	EXPECT_EQ(4, reqbufs(self, 4));
	EXPECT_HELD(4 * w->charge, 0);
	EXPECT_EQ(0, reqbufs(self, 0));
	ASSERT_EQ(0, dmem_set_max(w->t.cg, w->region, w->charge));
	EXPECT_EQ(-ENOMEM, reqbufs(self, 4));
	EXPECT_HELD(0, 0);
}

TEST_F(camera, streamed)
{
	char *map[4];
	int i, n;

	ASSERT_EQ(4, reqbufs(self, 4));
	for (i = 0; i < 4; i++) {
		map[i] = vivid_map(self->fd, i, self->w.len);
		ASSERT_TRUE(map[i] != MAP_FAILED);
		ASSERT_EQ(0, vivid_queue(self->fd, i, -1));
	}
	ASSERT_EQ(0, vivid_stream(self->fd, true));
	for (n = 0; n < 10; n++) {
		i = vivid_dequeue(self->fd, V4L2_MEMORY_MMAP, self->frame);
		ASSERT_LE(0, i);
		/* A picture, from the first byte to the last */
		EXPECT_NE(0, map[i][0]);
		EXPECT_NE(0, map[i][self->frame - 1]);
		map[i][0] = map[i][self->frame - 1] = 0;
		ASSERT_EQ(0, vivid_queue(self->fd, i, -1));
	}
	EXPECT_EQ(0, vivid_stream(self->fd, false));
	EXPECT_HELD(4 * self->w.charge, 0);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, munmap(map[i], self->w.len));
}

/*
 * fdinfo of an exported buffer shows its charge, also when the device has no pool any more.
 * 32-bit ARM cannot export memory that the kernel has no struct page for.
 */
TEST_F(camera, exported)
{
	struct world *w = &self->w;
	unsigned long long id = cg_id(w->a);
	int fd;

	if (!kernel_is_64bit())
		SKIP(return, "a buffer without struct page cannot be exported");
	ASSERT_EQ(MIN_BUFS, reqbufs(self, MIN_BUFS));
	fd = vivid_export(self->fd, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_enter_current(w->b));
	expect_owner(_metadata, w->region, 0, fd, id);
	close(self->fd);
	EXPECT_HELD(w->charge, 0);
	ASSERT_EQ(0, coherent_pool_take(&w->pool));
	expect_owner(_metadata, w->region, 0, fd, id);
	EXPECT_HELD(w->charge, 0);
	close(fd);
	EXPECT_HELD(0, 0);
	self->fd = open(self->path, O_RDWR | O_CLOEXEC);
}

/* The device loses the pool while its buffers are in use. */
TEST_F(camera, pool_is_gone)
{
	struct world *w = &self->w;
	char *map, *again;

	ASSERT_EQ(MIN_BUFS, reqbufs(self, MIN_BUFS));
	map = vivid_map(self->fd, 1, w->len);
	ASSERT_TRUE(map != MAP_FAILED);
	ASSERT_EQ(0, coherent_pool_take(&w->pool));
	EXPECT_HELD(MIN_BUFS * w->charge, 0);

	/* It can still be mapped, and it is the same memory. */
	again = vivid_map(self->fd, 1, w->len);
	ASSERT_TRUE(again != MAP_FAILED);
	memset(map, 0x5a, w->len);
	EXPECT_EQ(0x5a, again[w->len - 1]);
	again[0] = 1;
	EXPECT_EQ(1, map[0]);
	EXPECT_EQ(0, munmap(again, w->len));

	/* A mapping keeps the buffer. */
	EXPECT_EQ(0, reqbufs(self, 0));
	EXPECT_HELD(w->charge, 0);
	memset(map, 0xa5, w->len);
	EXPECT_EQ(0, munmap(map, w->len));
	EXPECT_HELD(0, 0);

	/* No page of the pool is lost. */
	ASSERT_EQ(0, coherent_pool_give(&w->pool, "device", "vivid.0"));
	EXPECT_EQ(1, vivid_create_bufs(self->fd, 0, 1, w->pool.size, NULL));
	EXPECT_HELD(w->pool.size, 0);
}

/* A display whose device-tree node names the pool */
FIXTURE(display) {
	struct world w;
	char path[32], name[64];
	struct screen screen;
	int fd;
};

/* The name of the display's device, and the path of its device-tree node; false if none */
static bool find_pl111(const char *card, char *name, size_t size, char *node)
{
	static const char base[] = "/sys/firmware/devicetree/base";
	char path[PATH_MAX], device[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/class/drm/%s/device", strrchr(card, '/') + 1);
	if (!realpath(path, device))
		return false;
	snprintf(name, size, "%s", strrchr(device, '/') + 1);
	snprintf(path, sizeof(path), PL111 "/%s", name);
	if (access(path, F_OK))
		return false;
	snprintf(path, sizeof(path), "/sys/bus/amba/devices/%s/of_node", name);
	if (!realpath(path, device) || strncmp(device, base, strlen(base)))
		return false;
	strcpy(node, device + strlen(base));
	return true;
}

/* Binds the driver again, and finds the display. */
static void bind_display(struct __test_metadata *_metadata, FIXTURE_DATA(display) *self)
{
	ASSERT_EQ(0, cg_write(PL111, "bind", self->name));
	self->fd = display_open(self->path, sizeof(self->path));
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, display_find(self->fd, &self->screen));
}

FIXTURE_SETUP(display)
{
	struct world *w = &self->w;
	char node[PATH_MAX];

	world_begin(_metadata, w);
	self->fd = display_open(self->path, sizeof(self->path));
	if (self->fd < 0 || !find_pl111(self->path, self->name, sizeof(self->name), node)) {
		dmem_end(&w->t);
		SKIP(_exit(KSFT_SKIP), "no display with pl111");
	}
	close(self->fd);
	ASSERT_EQ(0, cg_write(PL111, "unbind", self->name));
	ASSERT_EQ(0, coherent_pool_give(&w->pool, "node", node));
	bind_display(_metadata, self);
	w->len = (WIDTH * HEIGHT * 4 + w->t.page - 1) & -w->t.page;
	w->charge = coherent_pool_rounded(w->len);
	ASSERT_GT(w->charge, w->len);
}

FIXTURE_TEARDOWN(display)
{
	close(self->fd);
	EXPECT_EQ(0, dmem_current(self->w.t.cg, self->w.region));
	/* With the pool that the board of these tests has */
	cg_write(PL111, "unbind", self->name);
	EXPECT_EQ(0, coherent_pool_take(&self->w.pool));
	EXPECT_EQ(0, cg_write(PL111, "bind", self->name));
	dmem_end(&self->w.t);
}

static int create(FIXTURE_DATA(display) *self, struct dumb *dumb)
{
	return dumb_create(self->fd, WIDTH, HEIGHT, dumb);
}

TEST_F(display, created)
{
	struct world *w = &self->w;
	struct dumb dumbs[4];
	char *map;
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, create(self, &dumbs[i]));
		EXPECT_HELD((i + 1) * w->charge, 0);
	}
	map = dumb_map(self->fd, &dumbs[3]);
	ASSERT_TRUE(map != MAP_FAILED);
	memset(map, 0x5a, w->len);
	EXPECT_EQ(0x5a, map[w->len - 1]);
	EXPECT_EQ(0, munmap(map, w->len));
	while (i--) {
		ASSERT_EQ(0, dumb_destroy(self->fd, dumbs[i].handle));
		EXPECT_HELD(i * w->charge, 0);
	}
	EXPECT_EQ(4 * w->charge, dmem_peak(w->a, w->region));
}

TEST_F(display, limit)
{
	struct world *w = &self->w;
	struct dumb dumbs[2];
	int i;

	ASSERT_EQ(0, dmem_set_max(w->a, w->region, 2 * w->charge - w->t.page));
	ASSERT_EQ(0, create(self, &dumbs[0]));
	for (i = 0; i < 50; i++)
		EXPECT_EQ(-ENOMEM, create(self, &dumbs[1]));
	EXPECT_HELD(w->charge, 0);
	expect_events(_metadata, w->region, w->a, 50, 50, 0);
	ASSERT_EQ(0, dmem_set_max(w->a, w->region, 2 * w->charge));
	EXPECT_EQ(0, create(self, &dumbs[1]));
	EXPECT_HELD(2 * w->charge, 0);
}

/* The pool is full: there is no other memory for the display. */
TEST_F_TIMEOUT(display, full, 60)
{
	struct world *w = &self->w;
	struct dumb dumb;

	while (!create(self, &dumb))
		;
	EXPECT_LT(0, dmem_current(w->a, w->region));
	expect_events(_metadata, w->region, w->a, 0, 0, 1);
}

TEST_F(display, shown)
{
	struct world *w = &self->w;
	struct screen *screen = &self->screen;
	struct dumb dumb;
	long long charge;
	__u32 fb;

	ASSERT_EQ(0, dumb_create(self->fd, screen->width, screen->height, &dumb));
	charge = coherent_pool_rounded(dumb.size);
	EXPECT_HELD(charge, 0);
	ASSERT_EQ(0, display_add_fb(self->fd, screen->width, screen->height, dumb.pitch,
				    dumb.handle, &fb));
	ASSERT_EQ(0, display_show(self->fd, screen, fb));
	EXPECT_EQ(0, dumb_destroy(self->fd, dumb.handle));
	EXPECT_HELD(charge, 0);
	EXPECT_EQ(0, display_rm_fb(self->fd, fb));
	EXPECT_HELD(0, 0);
	EXPECT_EQ(charge, dmem_peak(w->a, w->region));
}

/*
 * The driver is unbound while its buffers are mapped and exported: the pages return to the
 * pool, and the charge ends, with the last reference.
 */
TEST_F(display, unbound)
{
	struct world *w = &self->w;
	unsigned long long id = cg_id(w->a);
	struct dumb mapped, exported, whole;
	long long most = 0, now;
	char *map;
	int fd, i;

	for (i = 0; i < 3; i++) {
		/* Each time, as many buffers fit beside that of the kernel's console. */
		while (!dumb_create(self->fd, WIDTH, HEIGHT, &whole))
			;
		now = dmem_current(w->a, w->region);
		EXPECT_LT(0, now);
		if (i)
			EXPECT_EQ(most, now);
		most = now;
		close(self->fd);
		self->fd = display_open(self->path, sizeof(self->path));
		ASSERT_LE(0, self->fd);
		EXPECT_HELD(0, 0);

		ASSERT_EQ(0, create(self, &mapped));
		ASSERT_EQ(0, create(self, &exported));
		map = dumb_map(self->fd, &mapped);
		ASSERT_TRUE(map != MAP_FAILED);
		fd = prime_export(self->fd, exported.handle);
		ASSERT_LE(0, fd);
		expect_owner(_metadata, w->region, 0, fd, id);
		ASSERT_EQ(0, cg_write(PL111, "unbind", self->name));
		EXPECT_HELD(2 * w->charge, 0);
		close(self->fd);
		expect_owner(_metadata, w->region, 0, fd, id);
		EXPECT_HELD(2 * w->charge, 0);
		EXPECT_EQ(0, munmap(map, w->len));
		EXPECT_HELD(w->charge, 0);
		close(fd);
		EXPECT_HELD(0, 0);
		bind_display(_metadata, self);
	}
}

static void unload(void)
{
	modules_unload(&vivid_modules);
	modules_unload(&display_modules);
}

int main(int argc, char **argv)
{
	/* Once for all tests, as it is slow. */
	if (dmem_is_on() && !geteuid()) {
		atexit(unload);
		modules_load(&vivid_modules);
		if (access("/dev/dri/card0", F_OK))
			modules_load(&display_modules);
	}
	return test_harness_run(argc, argv);
}
