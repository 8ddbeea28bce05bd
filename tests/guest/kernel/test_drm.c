// SPDX-License-Identifier: GPL-2.0
/*
 * Dumb buffers of a display whose driver uses the GEM DMA helpers: charged to
 * the process that creates them, in the region of their CMA area; refused above
 * the limit; not charged again when imported; and the buffers of the kernel's
 * own clients are not charged.
 *
 * The display is pl111, on QEMU's "vexpress-a15" for one, with a reusable region
 * of the device tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect.h"
#include "dmem_expect_events.h"
#include "dmem_expect_owner.h"
#include "dmem_unaccounted.h"
#include "media_pool.h"

#define DRIVER		"/sys/bus/amba/drivers/drm-clcd-pl111"
#define DRIVER_MODULE	"pl111_drm"
#define WIDTH		320
#define HEIGHT		180
#define REFUSALS	50

FIXTURE(drm) {
	struct media_pool pool;
	char path[32];
	int fd;
	long long len;			/* of a buffer, in whole pages */
};

static int create(int fd, struct dumb *dumb)
{
	return dumb_create(fd, WIDTH, HEIGHT, dumb);
}

FIXTURE_SETUP(drm)
{
	struct media_pool *pool = &self->pool;
	struct dmem_heap heap = {};
	struct dumb dumb;

	begin_or_skip(_metadata, &pool->t, DMEM_NO_HEAP);
	pool->heap_fd = -1;
	self->fd = display_open(self->path, sizeof(self->path));
	if (self->fd < 0) {
		pool_end(pool);
		SKIP(return, "no display, and cannot load pl111");
	}
	if (!dumb_find_heap(self->fd, WIDTH, HEIGHT, &heap, &dumb)) {
		pool_end(pool);
		SKIP(return, "dumb buffers are from no area with a region");
	}
	pool_begin(_metadata, pool, &heap);
	self->len = dumb.size;
	ASSERT_EQ(0, self->len % pool->t.page);
}

FIXTURE_TEARDOWN(drm)
{
	close(self->fd);
	pool_end(&self->pool);
}

TEST_F(drm, created)
{
	struct media_pool *pool = &self->pool;
	struct dumb dumbs[4];
	char *map;
	int i;

	expect_held(_metadata, pool, 0, 0);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, create(self->fd, &dumbs[i]));
		expect_held(_metadata, pool, (i + 1) * self->len, 0);
	}
	map = dumb_map(self->fd, &dumbs[3]);
	ASSERT_TRUE(map != MAP_FAILED);
	memset(map, 0x5a, self->len);
	EXPECT_EQ(0x5a, map[self->len - 1]);
	EXPECT_EQ(0, munmap(map, self->len));
	expect_held(_metadata, pool, 4 * self->len, 0);
	while (i--) {
		ASSERT_EQ(0, dumb_destroy(self->fd, dumbs[i].handle));
		expect_held(_metadata, pool, i * self->len, 0);
	}
	EXPECT_EQ(-EINVAL, dumb_destroy(self->fd, dumbs[0].handle));
	EXPECT_EQ(4 * self->len, dmem_peak(pool->a, pool->region));
	EXPECT_EQ(4 * self->len, dmem_peak(pool->t.cg, pool->region));
}

/* A buffer whose size is no multiple of a page is charged whole pages. */
TEST_F(drm, odd_size)
{
	struct media_pool *pool = &self->pool;
	long long page = pool->t.page;
	struct dumb dumb;

	ASSERT_EQ(0, dumb_create(self->fd, 33, 33, &dumb));
	ASSERT_LT(page, 33 * 33 * 4);
	expect_held(_metadata, pool, (33 * 33 * 4 + page - 1) & -page, 0);
	EXPECT_EQ(0, dumb_destroy(self->fd, dumb.handle));
	expect_held(_metadata, pool, 0, 0);
}

/* The charge goes to the caller, not to the process that opened the device. */
TEST_F(drm, asked_in_another_cgroup)
{
	struct media_pool *pool = &self->pool;
	struct dumb dumb;

	ASSERT_EQ(0, cg_enter_current(pool->b));
	ASSERT_EQ(0, create(self->fd, &dumb));
	expect_held(_metadata, pool, 0, self->len);
	ASSERT_EQ(0, cg_enter_current(pool->a));
	expect_held(_metadata, pool, 0, self->len);
	EXPECT_EQ(0, dumb_destroy(self->fd, dumb.handle));
	expect_held(_metadata, pool, 0, 0);
}

/* A mapping keeps the buffer, and so the charge. */
TEST_F(drm, mapped)
{
	struct media_pool *pool = &self->pool;
	struct dumb dumb;
	char *map;

	ASSERT_EQ(0, create(self->fd, &dumb));
	map = dumb_map(self->fd, &dumb);
	ASSERT_TRUE(map != MAP_FAILED);
	EXPECT_EQ(0, dumb_destroy(self->fd, dumb.handle));
	expect_held(_metadata, pool, self->len, 0);
	memset(map, 1, self->len);
	EXPECT_EQ(0, munmap(map, self->len));
	expect_held(_metadata, pool, 0, 0);
}

/* The last close frees all. */
TEST_F(drm, closed)
{
	struct media_pool *pool = &self->pool;
	int fd = open(self->path, O_RDWR | O_CLOEXEC), other = dup(fd), i;
	struct dumb dumb;

	ASSERT_LE(0, fd);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, create(fd, &dumb));
	close(fd);
	expect_held(_metadata, pool, 3 * self->len, 0);
	close(other);
	expect_held(_metadata, pool, 0, 0);
}

TEST_F(drm, killed)
{
	struct media_pool *pool = &self->pool;
	int ready[2], fd;
	struct dumb dumb;
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	pid = cg_fork(pool->a);
	ASSERT_LE(0, pid);
	if (!pid) {
		fd = open(self->path, O_RDWR | O_CLOEXEC);
		if (create(fd, &dumb) || dumb_map(fd, &dumb) == MAP_FAILED ||
		    prime_export(fd, dumb.handle) < 0)
			_exit(1);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	expect_held(_metadata, pool, self->len, 0);
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, wait_exit(pid));
	dmem_wait_current(pool->a, pool->region, 0, 5000);
	expect_held(_metadata, pool, 0, 0);
}

/* The limit holds to the byte, here and above; the only error is ENOMEM. */
TEST_F(drm, limit)
{
	struct media_pool *pool = &self->pool;
	struct dumb dumbs[3];
	int i, n;

	for (i = 0; i < 2; i++) {
		const char *level = i ? pool->t.cg : pool->a;

		ASSERT_EQ(0, dmem_set_max(level, pool->region,
					  2 * self->len - pool->t.page));
		ASSERT_EQ(0, create(self->fd, &dumbs[0]));
		EXPECT_EQ(-ENOMEM, create(self->fd, &dumbs[1]));
		expect_held(_metadata, pool, self->len, 0);
		ASSERT_EQ(0, dmem_set_max(level, pool->region, 2 * self->len));
		ASSERT_EQ(0, create(self->fd, &dumbs[1]));
		for (n = 0; n < REFUSALS; n++)
			EXPECT_EQ(-ENOMEM, create(self->fd, &dumbs[2]));
		/* The number of all refusals so far, in a and then above it. */
		n = (i + 1) * (REFUSALS + 1);
		expect_events(_metadata, pool->region, pool->t.cg, n, n, 0);
		expect_local(_metadata, pool->region, pool->a, REFUSALS + 1, n,
			     0);
		expect_held(_metadata, pool, 2 * self->len, 0);
		EXPECT_EQ(0, dumb_destroy(self->fd, dumbs[0].handle));
		EXPECT_EQ(0, dumb_destroy(self->fd, dumbs[1].handle));
		expect_held(_metadata, pool, 0, 0);
		ASSERT_EQ(0, dmem_set_max(level, pool->region, DMEM_MAX));
	}
}

/* A refused buffer is not made of other memory, and the kernel logs nothing. */
TEST_F(drm, limit_zero)
{
	struct media_pool *pool = &self->pool;
	char full[DMEM_NAME_LEN + 16];
	/* Other drivers may log failures of their own meanwhile. */
	const char * const words[] = { "failed to allocate buffer", "page allocation failure",
				       full };
	int kmsg[ARRAY_SIZE(words)], n;
	struct dumb dumb;
	unsigned int i;

	snprintf(full, sizeof(full), "%s: alloc failed", pool->area);
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		kmsg[i] = kmsg_open();
		ASSERT_LE(0, kmsg[i])
			TH_LOG("cannot read /dev/kmsg");
	}
	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, 0));
	for (n = 0; n < REFUSALS; n++)
		EXPECT_EQ(-ENOMEM, dumb_create(self->fd, 1024, 768, &dumb));
	expect_held(_metadata, pool, 0, 0);
	EXPECT_EQ(0, dmem_peak(pool->a, pool->region));
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		EXPECT_EQ(0, kmsg_count(kmsg[i], words[i]))
			TH_LOG("lines with \"%s\"", words[i]);
		close(kmsg[i]);
	}

	/* Requests of a neighbour are still served. */
	ASSERT_EQ(0, cg_enter_current(pool->b));
	EXPECT_EQ(0, create(self->fd, &dumb));
	expect_held(_metadata, pool, 0, self->len);
	EXPECT_EQ(0, dumb_destroy(self->fd, dumb.handle));
}

/* One limit covers all buffers of a service, from the display and from the heap. */
TEST_F(drm, one_limit_with_the_heap)
{
	struct media_pool *pool = &self->pool;
	struct dumb dumb, more;
	int fd;

	ASSERT_EQ(0, dmem_set_max(pool->t.cg, pool->region, 2 * self->len));
	ASSERT_EQ(0, create(self->fd, &dumb));
	ASSERT_EQ(0, cg_enter_current(pool->b));
	fd = heap_alloc(pool->heap_fd, self->len);
	ASSERT_LE(0, fd);
	expect_held(_metadata, pool, self->len, self->len);
	EXPECT_EQ(-ENOMEM, create(self->fd, &more));
	EXPECT_EQ(-ENOMEM, heap_alloc(pool->heap_fd, pool->t.page));
	EXPECT_EQ(0, dumb_destroy(self->fd, dumb.handle));
	EXPECT_EQ(0, create(self->fd, &more));
	expect_held(_metadata, pool, 0, 2 * self->len);
	close(fd);
	EXPECT_EQ(0, dumb_destroy(self->fd, more.handle));
	expect_held(_metadata, pool, 0, 0);
}

/* An exported buffer is charged until its last reference is gone. */
TEST_F(drm, exported)
{
	struct media_pool *pool = &self->pool;
	struct dumb dumb;
	char *map;
	int fd;

	ASSERT_EQ(0, create(self->fd, &dumb));
	fd = prime_export(self->fd, dumb.handle);
	ASSERT_LE(0, fd);
	expect_held(_metadata, pool, self->len, 0);
	EXPECT_EQ(0, dumb_destroy(self->fd, dumb.handle));
	expect_held(_metadata, pool, self->len, 0);
	map = mmap(NULL, self->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_TRUE(map != MAP_FAILED);
	close(fd);
	memset(map, 1, self->len);
	expect_held(_metadata, pool, self->len, 0);
	EXPECT_EQ(0, munmap(map, self->len));
	expect_held(_metadata, pool, 0, 0);
}

/* fdinfo of an exported buffer shows its charge, as long as the buffer exists. */
TEST_F(drm, fdinfo)
{
	struct media_pool *pool = &self->pool;
	unsigned long long id = cg_id(pool->a);
	int fd, heap_buf, again, importer;
	struct dumb dumb;
	__u32 handle;

	if (!id)
		SKIP(return, "cannot tell a cgroup's id (CONFIG_FHANDLE)");
	importer = importer_open();
	if (importer < 0)
		SKIP(return, "no vgem");
	ASSERT_EQ(0, create(self->fd, &dumb));
	fd = prime_export(self->fd, dumb.handle);
	ASSERT_LE(0, fd);
	expect_owner(_metadata, pool->region, 0, fd, id);

	/* Exporting an imported buffer again does not move its charge. */
	ASSERT_EQ(0, cg_enter_current(pool->b));
	expect_owner(_metadata, pool->region, 0, fd, id);
	heap_buf = heap_alloc(pool->heap_fd, self->len);
	ASSERT_LE(0, heap_buf);
	ASSERT_EQ(0, prime_import(importer, heap_buf, &handle));
	again = prime_export(importer, handle);
	ASSERT_LE(0, again);
	expect_owner(_metadata, pool->region, 0, again, cg_id(pool->b));
	close(importer);
	close(again);
	close(heap_buf);

	EXPECT_EQ(0, dumb_destroy(self->fd, dumb.handle));
	expect_owner(_metadata, pool->region, 0, fd, id);
	expect_held(_metadata, pool, self->len, 0);
	ASSERT_EQ(0, cg_destroy(pool->a));
	expect_owner(_metadata, pool->region, 0, fd, id);
	EXPECT_EQ(self->len, dmem_nested(pool->t.cg, "dmem.stat", pool->region,
					 "dying"));
	close(fd);
	EXPECT_EQ(0, dmem_nested(pool->t.cg, "dmem.stat", pool->region,
				 "dying"));
	EXPECT_EQ(0, dmem_current(pool->t.cg, pool->region));
}

/*
 * A buffer that is imported stays charged to its owner, and the importer needs no
 * room in its own limit: when the display's buffer comes back to it in another
 * file, and when another driver imports it.
 */
TEST_F(drm, imported)
{
	struct media_pool *pool = &self->pool;
	int other = open(self->path, O_RDWR | O_CLOEXEC), fd;
	__u32 again, handle;
	struct dumb dumb;
	int importer;

	importer = importer_open();
	if (importer < 0)
		SKIP(return, "no vgem");
	ASSERT_LE(0, other);
	ASSERT_EQ(0, dmem_set_max(pool->b, pool->region, 0));
	ASSERT_EQ(0, create(self->fd, &dumb));
	fd = prime_export(self->fd, dumb.handle);
	ASSERT_LE(0, fd);
	expect_held(_metadata, pool, self->len, 0);

	ASSERT_EQ(0, cg_enter_current(pool->b));
	ASSERT_EQ(0, prime_import(other, fd, &again));
	ASSERT_EQ(0, prime_import(importer, fd, &handle));
	expect_held(_metadata, pool, self->len, 0);

	/* Each importer holds a reference, and either keeps the charge. */
	close(fd);
	EXPECT_EQ(0, dumb_destroy(self->fd, dumb.handle));
	expect_held(_metadata, pool, self->len, 0);
	EXPECT_EQ(0, dumb_destroy(other, again));
	expect_held(_metadata, pool, self->len, 0);
	close(importer);
	expect_held(_metadata, pool, 0, 0);
	close(other);
}

/* The other way round: another driver imports a buffer of the area's heap. */
TEST_F(drm, imported_from_heap)
{
	struct media_pool *pool = &self->pool;
	int importer = importer_open(), heap_buf;
	__u32 handle;

	if (importer < 0)
		SKIP(return, "no vgem");
	ASSERT_EQ(0, dmem_set_max(pool->b, pool->region, 0));
	heap_buf = heap_alloc(pool->heap_fd, self->len);
	ASSERT_LE(0, heap_buf);
	ASSERT_EQ(0, cg_enter_current(pool->b));
	ASSERT_EQ(0, prime_import(importer, heap_buf, &handle));
	expect_held(_metadata, pool, self->len, 0);
	close(heap_buf);
	expect_held(_metadata, pool, self->len, 0);
	close(importer);
	expect_held(_metadata, pool, 0, 0);
}

/* Buffers shown one after the other; a framebuffer holds a reference. */
TEST_F(drm, shown)
{
	struct media_pool *pool = &self->pool;
	struct screen screen;
	struct dumb dumbs[2];
	long long len;
	__u32 fbs[2];
	int i;

	ASSERT_EQ(0, display_find(self->fd, &screen));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, dumb_create(self->fd, screen.width, screen.height,
					 &dumbs[i]));
		ASSERT_EQ(0, display_add_fb(self->fd, screen.width,
					    screen.height, dumbs[i].pitch,
					    dumbs[i].handle, &fbs[i]));
	}
	len = dumbs[0].size;
	expect_held(_metadata, pool, 2 * len, 0);
	ASSERT_EQ(0, display_show(self->fd, &screen, fbs[0]));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, display_flip(self->fd, &screen, fbs[!(i & 1)]));
	expect_held(_metadata, pool, 2 * len, 0);
	EXPECT_EQ(0, dumb_destroy(self->fd, dumbs[0].handle));
	EXPECT_EQ(0, dumb_destroy(self->fd, dumbs[1].handle));
	expect_held(_metadata, pool, 2 * len, 0);
	EXPECT_EQ(0, display_rm_fb(self->fd, fbs[1]));
	expect_held(_metadata, pool, len, 0);
	/* This removes it from the screen. */
	EXPECT_EQ(0, display_rm_fb(self->fd, fbs[0]));
	expect_held(_metadata, pool, 0, 0);
}

/*
 * If the area is full, a buffer comes from elsewhere, without a charge, or it fails and is
 * counted: 32-bit ARM's allocator has no other memory for a device with its own area. The
 * pages are taken without a charge, so that the peaks of the region stay low.
 */
TEST_F_TIMEOUT(drm, full_area, 60)
{
	struct media_pool *pool = &self->pool;
	bool served = kernel_is_64bit();
	struct dmem_owner owner;
	struct dumb dumb;
	int fd;

	if (unaccounted_leave(pool->area, 0)) {
		unaccounted_return_all();
		SKIP(return, "cannot take the area's pages by /sys/kernel/debug/cma");
	}
	pool_rebase(pool);
	EXPECT_EQ(0, pool->available);
	EXPECT_EQ(served ? 0 : -ENOMEM, create(self->fd, &dumb));
	expect_held(_metadata, pool, 0, 0);
	expect_events(_metadata, pool->region, pool->a, 0, 0, !served);
	if (served) {
		/* Of other memory: it has no region. */
		fd = prime_export(self->fd, dumb.handle);
		EXPECT_LE(0, fd);
		EXPECT_EQ(-ENODATA, fd_owner(0, fd, &owner));
		close(fd);
		EXPECT_EQ(0, dumb_destroy(self->fd, dumb.handle));
	}
	unaccounted_return_all();
	pool_rebase(pool);
	ASSERT_EQ(0, create(self->fd, &dumb));
	expect_held(_metadata, pool, self->len, 0);
	EXPECT_EQ(0, dumb_destroy(self->fd, dumb.handle));
	expect_held(_metadata, pool, 0, 0);
}

/* The name of the display's device below DRIVER, unless it has another driver */
static bool bound_device(const char *card, char *name, size_t size)
{
	char path[PATH_MAX], device[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/class/drm/%s/device", strrchr(card, '/') + 1);
	if (!realpath(path, device))
		return false;
	snprintf(name, size, "%s", strrchr(device, '/') + 1);
	snprintf(path, sizeof(path), DRIVER "/%s", name);
	return !access(path, F_OK);
}

/* The exit status of a process that writes to the mapping */
static int write_status(char *map)
{
	pid_t pid = fork();

	if (!pid) {
		*map = 1;
		_exit(0);
	}
	return pid < 0 ? -errno : wait_exit(pid);
}

/*
 * No call reaches a driver that is unbound. If one does, the others are not tried:
 * they would write to registers that the kernel has unmapped.
 */
static void expect_unplugged(struct __test_metadata *_metadata, int fd,
			     const struct screen *screen, __u32 fb, __u32 handle)
{
	struct screen found;
	struct dumb dumb = { .handle = handle };
	__u32 id;

	ASSERT_EQ(-ENODEV, create(fd, &dumb));
	EXPECT_TRUE(dumb_map(fd, &dumb) == MAP_FAILED);
	EXPECT_EQ(-ENODEV, prime_export(fd, handle));
	EXPECT_EQ(-ENODEV, display_add_fb(fd, WIDTH, HEIGHT, WIDTH * 4, handle,
					  &id));
	EXPECT_EQ(-ENODEV, display_show(fd, screen, fb));
	EXPECT_EQ(-ENODEV, display_flip(fd, screen, fb));
	EXPECT_EQ(-ENODEV, display_rm_fb(fd, fb));
	EXPECT_EQ(-ENODEV, display_find(fd, &found));
	EXPECT_EQ(-ENODEV, dumb_destroy(fd, handle));
}

/*
 * The driver is unbound while its buffers are in use: the pages return to the
 * area, and the charge ends, with the last reference. The file that is still open
 * can neither show a buffer nor request one, which would come from another area.
 */
TEST_F(drm, unbound)
{
	struct media_pool *pool = &self->pool;
	struct dumb dumb, mapped, shown;
	struct screen screen;
	char name[64], *map, *shared;
	long long all;
	__u32 fb;
	int fd, i;

	if (!bound_device(self->path, name, sizeof(name)))
		SKIP(return, "not pl111: no device in " DRIVER);
	if (!cg_id(pool->a))
		SKIP(return, "cannot tell a cgroup's id (CONFIG_FHANDLE)");
	for (i = 0; i < 3; i++) {
		/*
		 * The buffers of the kernel's own clients are freed with the
		 * driver.
		 */
		close(self->fd);
		ASSERT_EQ(0, cg_write(DRIVER, "unbind", name));
		pool_rebase(pool);
		ASSERT_EQ(0, cg_write(DRIVER, "bind", name));
		self->fd = display_open(self->path, sizeof(self->path));
		ASSERT_LE(0, self->fd);
		ASSERT_EQ(0, display_find(self->fd, &screen));
		ASSERT_EQ(0, create(self->fd, &dumb));
		ASSERT_EQ(0, create(self->fd, &mapped));
		ASSERT_EQ(0, dumb_create(self->fd, screen.width, screen.height,
					 &shown));
		all = 2 * self->len + shown.size;
		ASSERT_EQ(0, display_add_fb(self->fd, screen.width,
					    screen.height, shown.pitch,
					    shown.handle, &fb));
		ASSERT_EQ(0, display_show(self->fd, &screen, fb));
		map = dumb_map(self->fd, &mapped);
		ASSERT_TRUE(map != MAP_FAILED);
		fd = prime_export(self->fd, dumb.handle);
		ASSERT_LE(0, fd);
		shared = mmap(NULL, self->len, PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);
		ASSERT_TRUE(shared != MAP_FAILED);

		ASSERT_EQ(0, cg_write(DRIVER, "unbind", name));
		expect_held(_metadata, pool, all, 0);
		expect_unplugged(_metadata, self->fd, &screen, fb, dumb.handle);
		expect_held(_metadata, pool, all, 0);
		/* The mapping of the file is gone, and still has a reference. */
		EXPECT_EQ(128 + SIGBUS, write_status(map));
		close(self->fd);
		expect_held(_metadata, pool, all, 0);
		EXPECT_EQ(0, munmap(map, self->len));
		expect_held(_metadata, pool, self->len, 0);

		/* The mapping of the exported buffer is gone, too, but not the buffer. */
		expect_owner(_metadata, pool->region, 0, fd, cg_id(pool->a));
		EXPECT_EQ(128 + SIGBUS, write_status(shared));
		close(fd);
		expect_held(_metadata, pool, self->len, 0);
		EXPECT_EQ(0, munmap(shared, self->len));
		expect_held(_metadata, pool, 0, 0);
		ASSERT_EQ(0, cg_write(DRIVER, "bind", name));
		self->fd = display_open(self->path, sizeof(self->path));
		ASSERT_LE(0, self->fd);
	}
}

/*
 * Loading the driver allocates fbdev emulation's framebuffer. The loading
 * process is not charged for it, and succeeds even with a limit of 0.
 */
TEST_F(drm, modprobe)
{
	struct media_pool *pool = &self->pool;
	long long taken;
	int ret;

	/* Checked before: a missing file afterwards would look like a refusal. */
	if (access("/dev/fb0", F_OK))
		SKIP(return, "no fbdev emulation");
	close(self->fd);
	self->fd = -1;
	if (module_unload(DRIVER_MODULE))
		SKIP(return, "cannot unload " DRIVER_MODULE);
	pool_rebase(pool);
	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, 0));
	ret = module_load(DRIVER_MODULE, "");
	ASSERT_EQ(0, ret);
	taken = pool->available - cma_read(pool->area, "available_pages");
	EXPECT_EQ(0, access("/dev/fb0", F_OK));
	EXPECT_LT(0, taken);
	EXPECT_EQ(pool->unaccounted + taken,
		  cma_read(pool->area, "unaccounted_pages"));
	EXPECT_EQ(0, dmem_current(pool->a, pool->region));
	EXPECT_EQ(0, dmem_peak(pool->a, pool->region));
	EXPECT_EQ(pool->root, dmem_current(pool->t.root, pool->region));
	self->fd = display_open(self->path, sizeof(self->path));
	EXPECT_LE(0, self->fd);
}

static void unload_display(void)
{
	modules_unload(&importer_modules);
	modules_unload(&display_modules);
}

int main(int argc, char **argv)
{
	/* Once for all tests, as it is slow. */
	if (dmem_is_on() && !geteuid() && access("/dev/dri/card0", F_OK)) {
		atexit(unload_display);
		modules_load(&display_modules);
		modules_load(&importer_modules);
	}
	return test_harness_run(argc, argv);
}
