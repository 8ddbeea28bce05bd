// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl watch and metrics on real cgroups: a refused request is shown at once. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "program.h"
#include "unit.h"

#define DMEMCTL	"/usr/sbin/dmemctl"
#define SECONDS	30
/* Switch to the alternate screen and hide the cursor, and back. */
#define ENTER	"\033[?1049h\033[?25l"
#define LEAVE	"\033[?25h\033[?1049l"

FIXTURE(watch) {
	struct dmem_test t;
	char *cg;
};

FIXTURE_SETUP(watch)
{
	int ret = dmem_begin(&self->t, DMEM_CMA);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	self->cg = cg_name(self->t.cg, "watched");
	ASSERT_EQ(0, cg_create(self->cg));
}

FIXTURE_TEARDOWN(watch)
{
	dmem_end(&self->t);
	free(self->cg);
}

/* The next line with both texts, or NULL. */
static const char *line_with(struct program *p, const char *a, const char *b)
{
	const char *line;

	while ((line = program_line(p)) && !(strstr(line, a) && strstr(line, b)))
		;
	return line;
}

static int modes(const struct program *p)
{
	struct termios t;

	return tcgetattr(p->tty, &t) ? -1 : (int)(t.c_lflag & (ICANON | ECHO));
}

static void begin(struct __test_metadata *_metadata, struct program *p, struct dmem_test *t)
{
	/* An interval so long that only an event can show the refusal. */
	char *argv[] = {
		DMEMCTL, "watch", "--interval=600", t->heap.region, NULL,
	};

	setenv("TERM", "xterm", 1);
	ASSERT_EQ(0, program_start(p, NULL, argv, SECONDS));
	ASSERT_NE(NULL, line_with(p, ENTER, "refused since"));
	ASSERT_NE(NULL, line_with(p, t->heap.region, "["));
	/* The last line has no end, and comes next; it is complete soon. */
	EXPECT_EQ(0, modes(p));
}

static void expect_left(struct __test_metadata *_metadata, struct program *p)
{
	const char *line;
	bool left = false;

	while ((line = program_line(p)))
		left |= strstr(line, LEAVE) != NULL;
	/* Text without a line end. */
	p->buf[p->len < sizeof(p->buf) ? p->len : sizeof(p->buf) - 1] = 0;
	left |= strstr(p->buf, LEAVE) != NULL;
	EXPECT_TRUE(left);
	EXPECT_EQ(ICANON | ECHO, modes(p));
}

TEST_F_TIMEOUT(watch, refusal_at_once, 60)
{
	struct dmem_test *t = &self->t;
	struct program p;
	long long from;
	const char *line;

	ASSERT_EQ(0, dmem_set_max(self->cg, t->heap.region, t->page));
	begin(_metadata, &p, t);
	from = now_ms();
	EXPECT_EQ(-ENOMEM, cg_alloc(self->cg, t->heap_fd, 2 * t->page));
	/* A number of refusals, all of them new. Branches precede the names. */
	line = line_with(&p, "watched ", " 1  +1 ");
	EXPECT_NE(NULL, line);
	TH_LOG("seen after %lld ms", now_ms() - from);
	EXPECT_GT(5000, now_ms() - from);
	EXPECT_EQ(1, write(p.tty, "q", 1));
	expect_left(_metadata, &p);
	EXPECT_EQ(0, program_end(&p));
	EXPECT_FALSE(p.late);
}

TEST_F_TIMEOUT(watch, killed, 60)
{
	struct program p;

	begin(_metadata, &p, &self->t);
	ASSERT_EQ(0, kill(p.pid, SIGTERM));
	expect_left(_metadata, &p);
	EXPECT_EQ(128 + SIGTERM, program_end(&p));
	EXPECT_FALSE(p.late);
}

/* The value for a cgroup, given without a leading "/", or -1. */
static long long metric(const char *text, const char *name, const char *cg, const char *region)
{
	char key[2 * DMEM_NAME_LEN + 100];
	const char *at;

	snprintf(key, sizeof(key), "\n%s{cgroup=\"/%s\",region=\"%s\"", name, cg, region);
	at = strstr(text, key);
	at = at ? strstr(at, "} ") : NULL;
	return at ? atoll(at + 2) : -1;
}

TEST_F_TIMEOUT(watch, metrics, 60)
{
	static const char out[] = "/run/dmem-test.prom";
	struct dmem_test *t = &self->t;
	const char *cg, *text, *region = t->heap.region;
	int fd;

	ASSERT_EQ(0, dmem_set_max(self->cg, region, 2 * t->page));
	fd = cg_alloc(self->cg, t->heap_fd, t->page);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOMEM, cg_alloc(self->cg, t->heap_fd, 2 * t->page));
	ASSERT_EQ(0, run(DMEMCTL, "metrics", "--output=/run/dmem-test.prom", NULL))
		TH_LOG("%s", output());
	text = text_of(out);
	cg = self->cg + strlen(t->root);
	cg += strspn(cg, "/");
	EXPECT_EQ(t->page, metric(text, "dmem_cgroup_charged_bytes", cg, region));
	EXPECT_EQ(t->page, metric(text, "dmem_cgroup_peak_bytes", cg, region));
	EXPECT_EQ(2 * t->page, metric(text, "dmem_cgroup_max_bytes", cg, region));
	EXPECT_EQ(1, metric(text, "dmem_cgroup_limit_hits_total", cg, region));
	EXPECT_EQ(1, metric(text, "dmem_cgroup_refused_total", cg, region));
	EXPECT_NE(NULL, strstr(text, "\ndmem_region_capacity_bytes{region=\"" CAMERA "\"} "));
	EXPECT_STREQ("# EOF\n", text + strlen(text) - 6);
	close(fd);
	unlink(out);
}

TEST_HARNESS_MAIN
