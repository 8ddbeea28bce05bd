// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debian's v4l2-ctl in a cgroup with a limit: only its streaming buffers are charged, it accepts
 * fewer buffers if the limit is small, and ends if no buffer is allowed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "dmem_util.h"
#include "media_util.h"
#include "program.h"

#define DEVICE		"/dev/video0"
#define FORMAT		"width=640,height=360,pixelformat=YUYV"
#define FRAMES		50
#define LOOK_AT		10	/* the frame at which the counters are read */
#define MIN_BUFS	2	/* the least number for vivid */
#define SECONDS		30

FIXTURE(v4l2_ctl) {
	struct dmem_test t;
	char region[DMEM_NAME_LEN];
	const char *area;
	char *a, *b;
	long long len;		/* bytes of a buffer, in whole pages */
	long long root, available;
};

/* Results of a run of v4l2-ctl. */
struct outcome {
	int frames, code;
	int bufs;		/* highest index of a buffer, plus one */
	bool no_memory, again, late;
};

static long long buffer_len(long long page)
{
	struct v4l2_format fmt = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	fmt.fmt.pix.width = 640;
	fmt.fmt.pix.height = 360;
	fmt.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
	fmt.fmt.pix.field = V4L2_FIELD_ANY;
	ret = ioctl(fd, VIDIOC_S_FMT, &fmt);
	close(fd);
	if (ret)
		return -EINVAL;
	return (fmt.fmt.pix.sizeimage + page - 1) & -page;
}

FIXTURE_SETUP(v4l2_ctl)
{
	int ret = dmem_begin(&self->t, DMEM_NO_HEAP);

	if (ret == KSFT_SKIP)
		SKIP(return, "%s", self->t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", self->t.reason);
	if (!default_region(self->region, sizeof(self->region))) {
		dmem_end(&self->t);
		SKIP(return, "the default CMA area has no dmem region");
	}
	self->area = region_area(self->region);
	self->len = buffer_len(self->t.page);
	ASSERT_LT(0, self->len)
		TH_LOG(DEVICE " is not there");
	self->a = cg_name(self->t.cg, "a");
	self->b = cg_name(self->t.cg, "b");
	ASSERT_EQ(0, cg_create(self->a));
	ASSERT_EQ(0, cg_create(self->b));
	self->root = dmem_current(self->t.root, self->region);
	self->available = cma_read(self->area, "available_pages");
}

FIXTURE_TEARDOWN(v4l2_ctl)
{
	dmem_end(&self->t);
}

/* Checks the charges of cgroup a and its ancestors, and the use of the area. */
static void expect_held(struct __test_metadata *_metadata,
			FIXTURE_DATA(v4l2_ctl) *self, long long bytes)
{
	EXPECT_EQ(bytes, dmem_current(self->a, self->region));
	EXPECT_EQ(bytes, dmem_current(self->t.cg, self->region));
	EXPECT_EQ(self->root + bytes,
		  dmem_current(self->t.root, self->region));
	EXPECT_EQ(self->available - bytes / self->t.page,
		  cma_read(self->area, "available_pages"));
}

static int start(struct program *p, const char *cg, int bufs)
{
	char mmap[32], count[32];
	char *argv[] = {
		"v4l2-ctl", "-d", DEVICE, "-v", FORMAT, "-p", "30",
		mmap, count, "--verbose", NULL,
	};

	snprintf(mmap, sizeof(mmap), "--stream-mmap=%d", bufs);
	snprintf(count, sizeof(count), "--stream-count=%d", FRAMES);
	return program_start(p, cg, argv, SECONDS);
}

/* Reads output until a number of frames; true if they have arrived. */
static bool watch(struct program *p, struct outcome *o, int frames)
{
	char *line;
	int buf;

	while (o->frames < frames && (line = program_line(p))) {
		if (sscanf(line, "cap dqbuf: %d", &buf) == 1) {
			o->frames++;
			if (buf >= o->bufs)
				o->bufs = buf + 1;
		}
		if (strstr(line, strerror(ENOMEM)))
			o->no_memory = true;
		if (strstr(line, strerror(EAGAIN)))
			o->again = true;
	}
	return o->frames == frames;
}

static void finish(struct program *p, struct outcome *o)
{
	watch(p, o, FRAMES + 1);
	o->code = program_end(p);
	o->late = p->late;
}

/* Requests @ask buffers, must get @get and stream all frames through them. */
static void expect_stream(struct __test_metadata *_metadata,
			  FIXTURE_DATA(v4l2_ctl) *self, int ask, int get)
{
	struct outcome o = {};
	struct program p;

	ASSERT_EQ(0, start(&p, self->a, ask));
	EXPECT_TRUE(watch(&p, &o, LOOK_AT));
	expect_held(_metadata, self, get * self->len);
	finish(&p, &o);
	EXPECT_EQ(0, o.code);
	EXPECT_FALSE(o.late);
	EXPECT_FALSE(o.no_memory);
	EXPECT_EQ(FRAMES, o.frames);
	EXPECT_EQ(get, o.bufs);
	expect_held(_metadata, self, 0);
}

/*
 * v4l2-ctl reports the failure and ends without a frame. Its exit code is 0 even then.
 */
static void expect_refused(struct __test_metadata *_metadata,
			   FIXTURE_DATA(v4l2_ctl) *self, int ask)
{
	struct outcome o = {};
	struct program p;

	ASSERT_EQ(0, start(&p, self->a, ask));
	finish(&p, &o);
	EXPECT_FALSE(o.late);
	EXPECT_GT(128, o.code);
	EXPECT_TRUE(o.no_memory);
	EXPECT_FALSE(o.again);
	EXPECT_EQ(0, o.frames);
	expect_held(_metadata, self, 0);
}

TEST_F_TIMEOUT(v4l2_ctl, fits, 60)
{
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, 4 * self->len));
	expect_stream(_metadata, self, 4, 4);
	EXPECT_EQ(4 * self->len, dmem_peak(self->a, self->region));
}

TEST_F_TIMEOUT(v4l2_ctl, fewer, 60)
{
	ASSERT_EQ(0, dmem_set_max(self->a, self->region,
				  4 * self->len - self->t.page));
	expect_stream(_metadata, self, 8, 3);
	EXPECT_EQ(3 * self->len, dmem_peak(self->a, self->region));
}

/* A limit of one cgroup does not apply to another. */
TEST_F_TIMEOUT(v4l2_ctl, neighbour_has_no_limit, 60)
{
	ASSERT_EQ(0, dmem_set_max(self->b, self->region, 0));
	expect_stream(_metadata, self, 8, 8);
}

TEST_F_TIMEOUT(v4l2_ctl, below_minimum, 60)
{
	ASSERT_EQ(0, dmem_set_max(self->a, self->region,
				  MIN_BUFS * self->len - self->t.page));
	expect_refused(_metadata, self, 4);
	EXPECT_EQ((MIN_BUFS - 1) * self->len,
		  dmem_peak(self->a, self->region));
}

TEST_F_TIMEOUT(v4l2_ctl, none, 60)
{
	ASSERT_EQ(0, dmem_set_max(self->a, self->region, 0));
	expect_refused(_metadata, self, 4);
	EXPECT_EQ(0, dmem_peak(self->a, self->region));
}

/* Killed in the middle of the stream. */
TEST_F_TIMEOUT(v4l2_ctl, killed, 60)
{
	struct outcome o = {};
	struct program p;

	ASSERT_EQ(0, start(&p, self->a, 4));
	EXPECT_TRUE(watch(&p, &o, LOOK_AT));
	expect_held(_metadata, self, 4 * self->len);
	kill(p.pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, program_end(&p));
	expect_held(_metadata, self, 0);
}

int main(int argc, char **argv)
{
	if (load_vivid("n_devs=1 node_types=0x1 num_inputs=1 input_types=0 allocators=1"))
		fprintf(stderr, "cannot load vivid\n");
	atexit(unload_vivid);
	return test_harness_run(argc, argv);
}
