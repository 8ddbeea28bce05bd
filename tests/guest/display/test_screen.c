// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulated display shows the content of charged buffers in a cgroup with a limit. The guest
 * cannot see its own screen: scripts/judge/screen.c reads it on the host and compares it with the
 * picture, pixel by pixel.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "media_pool.h"
#include "pattern.h"

struct buffer {
	__u32 handle, pitch, fb;
	char *map;
};

FIXTURE(screen) {
	struct media_pool pool;
	struct screen screen;
	long long len;
	int fd, port;
};

static int open_port(void)
{
	DIR *dir = opendir("/sys/class/virtio-ports");
	char path[512], name[64];
	struct dirent *ent;
	int fd = -1;

	while (dir && fd < 0 && (ent = readdir(dir))) {
		FILE *f;

		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name",
			 ent->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f) &&
		    !strcmp(name, SCREEN_PORT "\n")) {
			snprintf(path, sizeof(path), "/dev/%s", ent->d_name);
			fd = open(path, O_RDWR | O_CLOEXEC);
		}
		fclose(f);
	}
	if (dir)
		closedir(dir);
	return fd;
}

FIXTURE_SETUP(screen)
{
	struct media_pool *pool = &self->pool;
	struct dmem_heap heap = {};
	struct dumb dumb;
	char path[32];

	ASSERT_EQ(0, dmem_begin(&pool->t, DMEM_NO_HEAP))
		TH_LOG("%s", pool->t.reason);
	pool->heap_fd = -1;
	self->port = open_port();
	ASSERT_LE(0, self->port)
		TH_LOG("no virtio port " SCREEN_PORT);
	self->fd = display_open(path, sizeof(path));
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, display_find(self->fd, &self->screen));
	ASSERT_TRUE(dumb_find_heap(self->fd, self->screen.width,
				   self->screen.height, &heap, &dumb));
	self->len = dumb.size;
	pool_begin(_metadata, pool, &heap);
}

FIXTURE_TEARDOWN(screen)
{
	close(self->fd);
	close(self->port);
	pool_end(&self->pool);
}

static void paint(const struct screen *screen, const struct buffer *buf,
		  int seed)
{
	int x, y;

	for (y = 0; y < screen->height; y++) {
		uint32_t *line = (uint32_t *)(buf->map + y * buf->pitch);

		for (x = 0; x < screen->width; x++)
			line[x] = pattern_pixel(x, y, seed);
	}
}

/* The number of pixels of the screen that differ from the picture. */
static long look(int port, const struct screen *screen, int seed)
{
	char text[128];
	ssize_t len;
	long wrong;

	len = snprintf(text, sizeof(text), "look %d %d %d\n", screen->width,
		       screen->height, seed);
	if (write(port, text, len) != len)
		return -EIO;
	len = read(port, text, sizeof(text) - 1);
	if (len <= 0)
		return -EPIPE;
	text[len] = '\0';
	return sscanf(text, "wrong %ld", &wrong) == 1 ? wrong : -EBADMSG;
}

static void own_buffer(struct __test_metadata *_metadata, int fd,
		       const struct screen *screen, struct buffer *buf)
{
	struct dumb dumb;

	ASSERT_EQ(0, dumb_create(fd, screen->width, screen->height, &dumb));
	buf->handle = dumb.handle;
	buf->pitch = dumb.pitch;
	buf->map = dumb_map(fd, &dumb);
	ASSERT_TRUE(buf->map != MAP_FAILED);
	ASSERT_EQ(0, display_add_fb(fd, screen->width, screen->height,
				    buf->pitch, buf->handle, &buf->fb));
}

/* The limit allows two buffers, and the screen shows both. */
TEST_F(screen, own_buffers)
{
	struct media_pool *pool = &self->pool;
	const struct screen *screen = &self->screen;
	long all = (long)screen->width * screen->height;
	struct buffer bufs[2];
	struct dumb third;
	int i;

	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, 2 * self->len));
	for (i = 0; i < 2; i++) {
		own_buffer(_metadata, self->fd, screen, &bufs[i]);
		paint(screen, &bufs[i], i + 1);
	}
	EXPECT_EQ(-ENOMEM, dumb_create(self->fd, screen->width, screen->height,
				       &third));
	expect_held(_metadata, pool, 2 * self->len, 0);

	ASSERT_EQ(0, display_show(self->fd, screen, bufs[0].fb));
	EXPECT_EQ(0, look(self->port, screen, 1));
	/* The comparison finds a different picture. */
	EXPECT_LT(all / 2, look(self->port, screen, 2));
	ASSERT_EQ(0, display_flip(self->fd, screen, bufs[1].fb));
	EXPECT_EQ(0, look(self->port, screen, 2));

	/* One pixel, in the last line. */
	bufs[1].map[(screen->height - 1) * bufs[1].pitch] ^= 0x80;
	EXPECT_EQ(1, look(self->port, screen, 2));
	expect_held(_metadata, pool, 2 * self->len, 0);
}

/* A buffer that was painted in another cgroup, which it is charged to. */
TEST_F(screen, imported_buffer)
{
	struct media_pool *pool = &self->pool;
	const struct screen *screen = &self->screen;
	struct buffer buf;
	struct dumb dumb;
	char path[32];
	int painter, fd;

	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, self->len));
	ASSERT_EQ(0, dmem_set_max(pool->b, pool->region, 0));
	painter = display_open(path, sizeof(path));
	ASSERT_LE(0, painter);
	ASSERT_EQ(0, dumb_create(painter, screen->width, screen->height, &dumb));
	fd = prime_export(painter, dumb.handle);
	ASSERT_LE(0, fd);
	close(painter);
	buf.pitch = dumb.pitch;
	buf.map = mmap(NULL, self->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		       0);
	ASSERT_TRUE(buf.map != MAP_FAILED);
	paint(screen, &buf, 3);
	ASSERT_EQ(0, munmap(buf.map, self->len));

	ASSERT_EQ(0, cg_enter_current(pool->b));
	ASSERT_EQ(0, prime_import(self->fd, fd, &buf.handle));
	close(fd);
	ASSERT_EQ(0, display_add_fb(self->fd, screen->width, screen->height,
				    buf.pitch, buf.handle, &buf.fb));
	ASSERT_EQ(0, display_show(self->fd, screen, buf.fb));
	EXPECT_EQ(0, look(self->port, screen, 3));
	expect_held(_metadata, pool, self->len, 0);
}

static void unload_display(void)
{
	modules_unload(&display_modules);
}

int main(int argc, char **argv)
{
	atexit(unload_display);
	modules_load(&display_modules);
	return test_harness_run(argc, argv);
}
