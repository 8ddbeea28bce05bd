// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of DRM drivers with an allocator of their own, and BOs of vc4: charged to the
 * process that creates them, refused above the limit without a message, and freed with the
 * last reference. Buffers of clients in the kernel, and the memory of vc4's binner, are not
 * charged.
 *
 * The hardware of these drivers is on no emulated board. dmem_gem_*.ko are devices without
 * hardware that have the drivers' own code for buffers.
 */
#include <drm/drm.h>
#include <drm/exynos_drm.h>
#include <drm/vc4_drm.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_expect.h"
#include "dmem_expect_events.h"
#include "dmem_expect_owner.h"
#include "dmem_unaccounted.h"
#include "guest_util.h"
#include "media_pool.h"

#define PAGES		16
#define REFUSALS	10
#define CACHE_MS	5000	/* vc4 frees cached BOs after 1 to 2 s */

/* With the GEM helpers that the modules need */
static struct modules gem_modules = { .names = { "drm_dma_helper" }, .params = "" };

FIXTURE(gem) {
	struct media_pool pool;
	char params[64];
	int fd;
	long long len;
};

FIXTURE_VARIANT(gem) {
	const char *module;
	bool fbdev;		/* has a buffer of its own, not a dumb one */
	bool gem_create;	/* an ioctl of its own */
};
FIXTURE_VARIANT_ADD(gem, vc4) { .module = "dmem_gem_vc4" };
FIXTURE_VARIANT_ADD(gem, exynos) {
	.module = "dmem_gem_exynos",
	.fbdev = true,
	.gem_create = true,
};
FIXTURE_VARIANT_ADD(gem, tegra) { .module = "dmem_gem_tegra", .fbdev = true };
FIXTURE_VARIANT_ADD(gem, omap) { .module = "dmem_gem_omap", .fbdev = true };
FIXTURE_VARIANT_ADD(gem, rockchip) { .module = "dmem_gem_rockchip" };

static int drm_call(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) ? -errno : 0;
}

/* The card whose driver has the name */
static int card_open(const char *driver)
{
	char path[32];
	int i, wait;

	for (wait = 0; wait < 50; wait++) {
		for (i = 0; i < 16; i++) {
			char name[32] = "";
			struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };
			int fd;

			snprintf(path, sizeof(path), "/dev/dri/card%d", i);
			fd = open(path, O_RDWR | O_CLOEXEC);
			if (fd < 0)
				continue;
			if (!drm_call(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, driver))
				return fd;
			close(fd);
		}
		sleep_ms(20);
	}
	return -ENODEV;
}

/* Loads the module for the area of the test, and opens its card. */
static int gem_open(struct media_pool *pool, const char *module, char *params, size_t size)
{
	char area[DMEM_NAME_LEN + 8];
	int ret;

	snprintf(params, size, "/sys/module/%s/parameters", module);
	snprintf(area, sizeof(area), "area=%s", pool->t.area);
	modules_load(&gem_modules);
	ret = module_load(module, area);
	if (ret && ret != -EEXIST)
		return ret;
	return card_open(module);
}

static void gem_begin(struct __test_metadata *_metadata, struct media_pool *pool,
		      const char *module, char *params, size_t size, int *fd)
{
	begin_or_skip(_metadata, &pool->t, DMEM_CMA);
	pool->heap_fd = -1;
	*fd = gem_open(pool, module, params, size);
	if (*fd < 0) {
		pool_end(pool);
		SKIP(_exit(KSFT_SKIP), "cannot load %s", module);
	}
	pool_begin(_metadata, pool, &pool->t.heap);
}

static void gem_end(struct media_pool *pool, const char *module, int fd)
{
	close(fd);
	pool_end(pool);
	module_unload(module);
}

FIXTURE_SETUP(gem)
{
	gem_begin(_metadata, &self->pool, variant->module, self->params, sizeof(self->params),
		  &self->fd);
	self->len = PAGES * self->pool.t.page;
}

FIXTURE_TEARDOWN(gem)
{
	gem_end(&self->pool, variant->module, self->fd);
}

/* A dumb buffer of this size, with 8 bits per pixel and lines of one page */
static int create(int fd, long long len, __u32 *handle)
{
	struct drm_mode_create_dumb req = {
		.width = getpagesize(),
		.height = len / getpagesize(),
		.bpp = 8,
	};
	int ret = drm_call(fd, DRM_IOCTL_MODE_CREATE_DUMB, &req);

	*handle = req.handle;
	return ret;
}

static int in_kernel(const char *params, const char *file, long long len)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", len);
	return cg_write(params, (char *)file, text) ? -EIO : 0;
}

/* The area has these bytes in use that no cgroup is charged for. */
static void expect_unaccounted(struct __test_metadata *_metadata, struct media_pool *pool,
			       long long bytes)
{
	EXPECT_EQ(0, dmem_current(pool->a, pool->region));
	EXPECT_EQ(0, dmem_current(pool->t.cg, pool->region));
	if (!pool->private)
		return;
	EXPECT_EQ(pool->available - bytes / pool->t.page,
		  cma_read(pool->area, "available_pages"));
	EXPECT_EQ(pool->unaccounted + bytes / pool->t.page,
		  cma_read(pool->area, "unaccounted_pages"));
}

TEST_F(gem, created)
{
	struct media_pool *pool = &self->pool;
	struct drm_exynos_gem_create req = { .size = self->len, .flags = EXYNOS_BO_CACHABLE };
	__u32 handles[3];
	int i;

	expect_held(_metadata, pool, 0, 0);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, create(self->fd, self->len, &handles[i]));
		expect_held(_metadata, pool, (i + 1) * self->len, 0);
	}
	while (i--) {
		ASSERT_EQ(0, dumb_destroy(self->fd, handles[i]));
		expect_held(_metadata, pool, i * self->len, 0);
	}
	if (!variant->gem_create)
		return;
	ASSERT_EQ(0, drm_call(self->fd, DRM_IOCTL_EXYNOS_GEM_CREATE, &req));
	expect_held(_metadata, pool, self->len, 0);
	EXPECT_EQ(0, dumb_destroy(self->fd, req.handle));
	expect_held(_metadata, pool, 0, 0);
}

/* The process that calls is charged, and the last close frees all. */
TEST_F(gem, closed)
{
	struct media_pool *pool = &self->pool;
	int fd = card_open(variant->module);
	__u32 handle;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, create(fd, self->len, &handle));
	ASSERT_EQ(0, cg_enter_current(pool->b));
	ASSERT_EQ(0, create(fd, 2 * self->len, &handle));
	expect_held(_metadata, pool, self->len, 2 * self->len);
	close(fd);
	expect_held(_metadata, pool, 0, 0);
}

/* The limit holds to the page; each refusal is one ENOMEM, one event, and no message. */
TEST_F(gem, limit)
{
	struct media_pool *pool = &self->pool;
	const char * const words[] = { "allocate", "allocation", "alloc failed" };
	__u32 handle, other;
	int kmsg[ARRAY_SIZE(words)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		kmsg[i] = kmsg_open();
		ASSERT_LE(0, kmsg[i]);
	}
	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, 2 * self->len - pool->t.page));
	ASSERT_EQ(0, create(self->fd, self->len, &handle));
	for (i = 0; i < REFUSALS; i++)
		EXPECT_EQ(-ENOMEM, create(self->fd, self->len, &other));
	expect_held(_metadata, pool, self->len, 0);
	expect_events(_metadata, pool->region, pool->a, REFUSALS, REFUSALS, 0);
	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, 2 * self->len));
	ASSERT_EQ(0, create(self->fd, self->len, &other));
	expect_held(_metadata, pool, 2 * self->len, 0);
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		EXPECT_EQ(0, kmsg_count(kmsg[i], words[i]))
			TH_LOG("lines with \"%s\"", words[i]);
		close(kmsg[i]);
	}
}

/* fdinfo shows the cgroup; the importer is not charged, and needs no room in its limit. */
TEST_F(gem, exported)
{
	struct media_pool *pool = &self->pool;
	int other = card_open(variant->module), fd;
	__u32 handle, again;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, dmem_set_max(pool->b, pool->region, 0));
	ASSERT_EQ(0, create(self->fd, self->len, &handle));
	fd = prime_export(self->fd, handle);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, cg_enter_current(pool->b));
	ASSERT_EQ(0, prime_import(other, fd, &again));
	expect_owner(_metadata, pool->region, 0, fd, cg_id(pool->a));
	expect_held(_metadata, pool, self->len, 0);
	EXPECT_EQ(0, dumb_destroy(self->fd, handle));
	close(fd);
	expect_held(_metadata, pool, self->len, 0);
	EXPECT_EQ(0, dumb_destroy(other, again));
	expect_held(_metadata, pool, 0, 0);
	close(other);
}

/* A buffer of the heap stays charged to its owner. */
TEST_F(gem, imported)
{
	struct media_pool *pool = &self->pool;
	int buf = cg_alloc(pool->b, pool->heap_fd, self->len), again;
	__u32 handle;

	ASSERT_LE(0, buf);
	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, 0));
	ASSERT_EQ(0, prime_import(self->fd, buf, &handle));
	expect_held(_metadata, pool, 0, self->len);
	again = prime_export(self->fd, handle);
	ASSERT_LE(0, again);
	expect_owner(_metadata, pool->region, 0, again, cg_id(pool->b));
	close(again);
	close(buf);
	expect_held(_metadata, pool, 0, self->len);
	EXPECT_EQ(0, dumb_destroy(self->fd, handle));
	expect_held(_metadata, pool, 0, 0);
}

/* The process that loads a driver is not charged for the console. */
TEST_F(gem, kernel_client)
{
	struct media_pool *pool = &self->pool;

	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, 0));
	ASSERT_EQ(0, in_kernel(self->params, "client", self->len));
	expect_unaccounted(_metadata, pool, self->len);
	ASSERT_EQ(0, in_kernel(self->params, "client", 0));
	if (variant->fbdev) {
		ASSERT_EQ(0, in_kernel(self->params, "fbdev", self->len));
		expect_unaccounted(_metadata, pool, self->len);
		ASSERT_EQ(0, in_kernel(self->params, "fbdev", 0));
		expect_held(_metadata, pool, 0, 0);
	}
}

FIXTURE(vc4) {
	struct media_pool pool;
	char params[64];
	int fd;
	long long len;
};

FIXTURE_SETUP(vc4)
{
	gem_begin(_metadata, &self->pool, "dmem_gem_vc4", self->params, sizeof(self->params),
		  &self->fd);
	self->len = PAGES * self->pool.t.page;
}

FIXTURE_TEARDOWN(vc4)
{
	gem_end(&self->pool, "dmem_gem_vc4", self->fd);
}

static int bo_create(int fd, long long len, __u32 *handle)
{
	struct drm_vc4_create_bo req = { .size = len };
	int ret = drm_call(fd, DRM_IOCTL_VC4_CREATE_BO, &req);

	*handle = req.handle;
	return ret;
}

/* Returns whether the contents were retained, or a negative errno. */
static int bo_dont_need(int fd, __u32 handle)
{
	struct drm_vc4_gem_madvise req = { .handle = handle, .madv = VC4_MADV_DONTNEED };
	int ret = drm_call(fd, DRM_IOCTL_VC4_GEM_MADVISE, &req);

	return ret ? ret : (int)req.retained;
}

/* A cached BO is freed within two seconds. */
static void wait_cache(struct __test_metadata *_metadata, struct media_pool *pool)
{
	int ms;

	for (ms = 0; ms < CACHE_MS; ms += 50) {
		if (cma_read(pool->area, "available_pages") == pool->available)
			break;
		sleep_ms(50);
	}
	expect_held(_metadata, pool, 0, 0);
}

/* BOs of a process are freed at once, and not from the cache of those of the kernel. */
TEST_F(vc4, not_cached)
{
	struct media_pool *pool = &self->pool;
	struct drm_vc4_create_shader_bo shader = { .size = self->len };
	__u32 handle;
	char *code;

	ASSERT_EQ(0, bo_create(self->fd, self->len, &handle));
	expect_held(_metadata, pool, self->len, 0);
	EXPECT_EQ(0, dumb_destroy(self->fd, handle));
	expect_held(_metadata, pool, 0, 0);

	code = calloc(1, self->len);
	ASSERT_TRUE(!!code);
	shader.data = (uintptr_t)code;
	ASSERT_EQ(0, drm_call(self->fd, DRM_IOCTL_VC4_CREATE_SHADER_BO, &shader));
	expect_held(_metadata, pool, self->len, 0);
	EXPECT_EQ(0, dumb_destroy(self->fd, shader.handle));
	expect_held(_metadata, pool, 0, 0);
	free(code);
}

static int submit(int fd, long long len)
{
	struct drm_vc4_submit_cl req = { .bin_cl_size = len };

	return drm_call(fd, DRM_IOCTL_VC4_SUBMIT_CL, &req);
}

/* The cached memory of a job serves the next one of the same file only. */
TEST_F(vc4, job_of_file)
{
	struct media_pool *pool = &self->pool;
	int other = card_open("dmem_gem_vc4");

	ASSERT_LE(0, other);
	ASSERT_EQ(0, submit(self->fd, self->len));
	EXPECT_EQ(self->len, dmem_current(pool->a, pool->region));
	ASSERT_EQ(0, cg_enter_current(pool->b));
	ASSERT_EQ(0, submit(other, self->len));
	EXPECT_EQ(self->len, dmem_current(pool->a, pool->region));
	EXPECT_EQ(self->len, dmem_current(pool->b, pool->region));
	ASSERT_EQ(0, submit(other, self->len));
	EXPECT_EQ(self->len, dmem_current(pool->b, pool->region));
	close(other);
	wait_cache(_metadata, pool);
}

/* A job beyond the limit is refused, and leaves nothing. */
TEST_F(vc4, job_limit)
{
	struct media_pool *pool = &self->pool;

	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, self->len - pool->t.page));
	EXPECT_EQ(-ENOMEM, submit(self->fd, self->len));
	expect_events(_metadata, pool->region, pool->a, 1, 1, 0);
	expect_held(_metadata, pool, 0, 0);
	EXPECT_EQ(0, submit(self->fd, self->len - pool->t.page));
	wait_cache(_metadata, pool);
}

/* Memory of the driver is cached, not charged, and not given to a process. */
TEST_F(vc4, job)
{
	struct media_pool *pool = &self->pool;
	__u32 handle;

	ASSERT_EQ(0, in_kernel(self->params, "job", self->len));
	expect_unaccounted(_metadata, pool, self->len);
	ASSERT_EQ(0, bo_create(self->fd, self->len, &handle));
	EXPECT_EQ(self->len, dmem_current(pool->a, pool->region));
	EXPECT_EQ(0, dumb_destroy(self->fd, handle));
	wait_cache(_metadata, pool);
}

/* At its limit, a process gets the memory of its own purgeable BO. */
TEST_F(vc4, purged_at_limit)
{
	struct media_pool *pool = &self->pool;
	__u32 first, second;

	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, self->len));
	ASSERT_EQ(0, bo_create(self->fd, self->len, &first));
	EXPECT_EQ(1, bo_dont_need(self->fd, first));
	expect_held(_metadata, pool, self->len, 0);
	ASSERT_EQ(0, bo_create(self->fd, self->len, &second));
	EXPECT_EQ(0, bo_dont_need(self->fd, first));
	expect_held(_metadata, pool, self->len, 0);
	expect_events(_metadata, pool->region, pool->a, 1, 1, 0);
	EXPECT_EQ(0, dumb_destroy(self->fd, first));
	EXPECT_EQ(0, dumb_destroy(self->fd, second));
	expect_held(_metadata, pool, 0, 0);
}

/* A request with something to purge is refused twice, the next one once. */
TEST_F(vc4, refused_after_purge)
{
	struct media_pool *pool = &self->pool;
	int other = card_open("dmem_gem_vc4");
	__u32 handle, more;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, 0));
	ASSERT_EQ(0, cg_enter_current(pool->b));
	ASSERT_EQ(0, bo_create(other, self->len, &handle));
	EXPECT_EQ(1, bo_dont_need(other, handle));
	ASSERT_EQ(0, cg_enter_current(pool->a));
	EXPECT_EQ(-ENOMEM, bo_create(self->fd, self->len, &more));
	expect_events(_metadata, pool->region, pool->a, 2, 2, 0);
	expect_held(_metadata, pool, 0, 0);
	EXPECT_EQ(-ENOMEM, bo_create(self->fd, self->len, &more));
	expect_events(_metadata, pool->region, pool->a, 3, 3, 0);
	close(other);
}

/* If the area is full, the caches are emptied for a process. */
TEST_F_TIMEOUT(vc4, full_area, 60)
{
	struct media_pool *pool = &self->pool;
	__u32 first, second;

	if (kernel_is_64bit())
		SKIP(return, "the page allocator serves the request");
	ASSERT_EQ(0, bo_create(self->fd, self->len, &first));
	EXPECT_EQ(1, bo_dont_need(self->fd, first));
	if (unaccounted_leave(pool->area, 0)) {
		unaccounted_return_all();
		SKIP(return, "cannot take the area's pages by /sys/kernel/debug/cma");
	}
	ASSERT_EQ(0, cg_enter_current(pool->b));
	ASSERT_EQ(0, bo_create(self->fd, self->len, &second));
	EXPECT_EQ(0, dmem_current(pool->a, pool->region));
	EXPECT_EQ(self->len, dmem_current(pool->b, pool->region));
	EXPECT_EQ(0, bo_dont_need(self->fd, first));
	unaccounted_return_all();
	EXPECT_EQ(0, dumb_destroy(self->fd, first));
	EXPECT_EQ(0, dumb_destroy(self->fd, second));
	expect_held(_metadata, pool, 0, 0);
}

TEST_HARNESS_MAIN
