// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debian's modetest in a cgroup with a limit: it shows its picture in charged buffers, and ends
 * with ENOMEM if the limit is too small.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "media_pool.h"
#include "program.h"

#define SECONDS		60

FIXTURE(modetest) {
	struct media_pool pool;
	struct screen screen;
	long long len;
};

FIXTURE_SETUP(modetest)
{
	struct media_pool *pool = &self->pool;
	struct dmem_heap heap = {};
	struct dumb dumb;
	char path[32];
	int fd;

	ASSERT_EQ(0, dmem_begin(&pool->t, DMEM_NO_HEAP))
		TH_LOG("%s", pool->t.reason);
	pool->heap_fd = -1;
	fd = display_open(path, sizeof(path));
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, display_find(fd, &self->screen));
	ASSERT_TRUE(dumb_find_heap(fd, self->screen.width, self->screen.height,
				   &heap, &dumb));
	self->len = dumb.size;
	close(fd);
	pool_begin(_metadata, pool, &heap);
}

FIXTURE_TEARDOWN(modetest)
{
	pool_end(&self->pool);
}

static int start(struct program *p, const char *cg,
		 const struct screen *screen, char *flip)
{
	char mode[64];
	char *argv[] = { "modetest", "-M", "pl111", "-s", mode, flip, NULL };

	snprintf(mode, sizeof(mode), "%u:%dx%d", screen->connector,
		 screen->width, screen->height);
	return program_start(p, cg, argv, SECONDS);
}

static bool read_up_to(struct program *p, const char *text)
{
	char *line;

	while ((line = program_line(p))) {
		if (strstr(line, text))
			return true;
	}
	return false;
}

/* modetest ends when a key is pressed. */
static int press_key(struct program *p)
{
	if (write(p->tty, "\n", 1) != 1)
		return -EIO;
	return program_end(p);
}

TEST_F_TIMEOUT(modetest, picture, 90)
{
	struct media_pool *pool = &self->pool;
	struct program p;

	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, self->len));
	ASSERT_EQ(0, start(&p, pool->a, &self->screen, NULL));
	EXPECT_TRUE(read_up_to(&p, "setting mode"));
	EXPECT_EQ(self->len, dmem_wait_current(pool->a, pool->region,
					       self->len, 5000));
	expect_held(_metadata, pool, self->len, 0);
	EXPECT_EQ(0, press_key(&p));
	expect_held(_metadata, pool, 0, 0);
	EXPECT_EQ(self->len, dmem_peak(pool->a, pool->region));
}

/* modetest counts its page flips between two buffers. */
TEST_F_TIMEOUT(modetest, flips, 90)
{
	struct media_pool *pool = &self->pool;
	struct program p;

	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region, 2 * self->len));
	ASSERT_EQ(0, start(&p, pool->a, &self->screen, "-v"));
	EXPECT_TRUE(read_up_to(&p, "freq:"));
	expect_held(_metadata, pool, 2 * self->len, 0);
	EXPECT_EQ(0, press_key(&p));
	expect_held(_metadata, pool, 0, 0);
}

TEST_F_TIMEOUT(modetest, refused, 90)
{
	struct media_pool *pool = &self->pool;
	struct program p;
	int code;

	ASSERT_EQ(0, dmem_set_max(pool->a, pool->region,
				  self->len - pool->t.page));
	ASSERT_EQ(0, start(&p, pool->a, &self->screen, NULL));
	EXPECT_TRUE(read_up_to(&p, strerror(ENOMEM)));
	expect_held(_metadata, pool, 0, 0);
	/* modetest does not retry, but waits for a key. */
	code = press_key(&p);
	EXPECT_LE(0, code);
	EXPECT_GT(128, code);
	EXPECT_FALSE(p.late);
	expect_held(_metadata, pool, 0, 0);
	EXPECT_EQ(0, dmem_peak(pool->a, pool->region));
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
