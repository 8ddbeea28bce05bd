// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The second act of dmem-demo: a camera streams while another program allocates as much as it can
 * from the same region.
 *
 * The camera is vivid, the kernel's virtual one. It has no memory of its own; the module
 * dmem_vivid_area assigns it the area that the guest's kernel command line names for tests.
 */
#include <linux/videodev2.h>
#include <poll.h>
#include <sys/mman.h>

#include "demo.h"

#define DEVICE		"/dev/video0"
#define LOAD_VIVID	"depmod && modprobe vivid n_devs=1 node_types=0x1 "	\
			"num_inputs=1 input_types=1 allocators=1 && "		\
			"modprobe dmem_vivid_area area=\"${DMEM_TEST_HEAP%%:*}\""
/* XRGB frames, which are whole MiB. */
#define WIDTH		1024
#define HEIGHT		768
#define BUFFER_MIB	3
#define SOME_FRAMES	25
#define MAX_SECONDS	60

static int camera_format(int dev)
{
	struct v4l2_format fmt = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };

	fmt.fmt.pix.width = WIDTH;
	fmt.fmt.pix.height = HEIGHT;
	fmt.fmt.pix.pixelformat = V4L2_PIX_FMT_XBGR32;
	fmt.fmt.pix.field = V4L2_FIELD_ANY;
	if (ioctl(dev, VIDIOC_S_FMT, &fmt))
		return -1;
	return fmt.fmt.pix.sizeimage == BUFFER_MIB * MIB ? 0 : -1;
}

static int queue_buffer(int dev, int index)
{
	struct v4l2_buffer buf = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
		.index = index,
	};

	return ioctl(dev, VIDIOC_QBUF, &buf);
}

/* Requests buffers and reports their number. */
static struct taken start_stream(int dev, unsigned int want)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct v4l2_requestbuffers req = {
		.type = type,
		.memory = V4L2_MEMORY_MMAP,
	};
	struct taken got = { 0 };
	unsigned int i;

	ioctl(dev, VIDIOC_STREAMOFF, &type);
	ioctl(dev, VIDIOC_REQBUFS, &req);
	req.count = want;
	if (ioctl(dev, VIDIOC_REQBUFS, &req)) {
		got.err = errno;
		got.refused = 1;
		return got;
	}
	got.buffers = req.count;
	for (i = 0; i < req.count; i++) {
		if (queue_buffer(dev, i))
			got.err = errno;
	}
	if (ioctl(dev, VIDIOC_STREAMON, &type))
		got.err = errno;
	return got;
}

/* Requests more buffers while the others are in use. */
static struct taken more_buffers(int dev, unsigned int want)
{
	struct v4l2_create_buffers req = {
		.count = want,
		.memory = V4L2_MEMORY_MMAP,
		.format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE },
	};
	struct taken got = { 0 };

	if (ioctl(dev, VIDIOC_G_FMT, &req.format) ||
	    ioctl(dev, VIDIOC_CREATE_BUFS, &req)) {
		got.err = errno;
		got.refused = 1;
		return got;
	}
	got.buffers = req.count;
	return got;
}

/* Waits for a complete frame. */
static void next_frame(int dev, volatile unsigned int *frames)
{
	struct v4l2_buffer buf = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};

	if (ioctl(dev, VIDIOC_DQBUF, &buf))
		return;
	if (!(buf.flags & V4L2_BUF_FLAG_ERROR) && buf.bytesused == BUFFER_MIB * MIB)
		(*frames)++;
	queue_buffer(dev, buf.index);
}

/* Orders are "stream <buffers>" and "more <buffers>"; frames are captured in between. */
static void run_camera(int ask, int answer, void *frames)
{
	struct pollfd fds[] = {
		{ .fd = ask, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};
	char order[64], verb[16];
	unsigned int want;
	struct taken got;
	ssize_t n;
	int dev;

	dev = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (dev < 0 || camera_format(dev))
		return;
	while (poll(fds, 2, -1) > 0) {
		if (fds[1].revents)
			next_frame(dev, frames);
		if (!fds[0].revents)
			continue;
		n = read(ask, order, sizeof(order) - 1);
		if (n <= 0)
			return;
		order[n] = 0;
		if (sscanf(order, "%15s %u", verb, &want) != 2)
			return;
		if (!strcmp(verb, "stream"))
			got = start_stream(dev, want);
		else
			got = more_buffers(dev, want);
		fds[1].fd = dev;
		if (write(answer, &got, sizeof(got)) != sizeof(got))
			return;
	}
}

/* Waits until the camera has captured so many more frames. */
static void expect_frames(volatile unsigned int *frames, unsigned int more)
{
	unsigned int end = *frames + more, tries;

	for (tries = 0; *frames < end && tries < MAX_SECONDS * 100; tries++)
		usleep(10000);
	if (*frames < end)
		wrong("the camera delivered %u frames less than %u in %u seconds",
		      end - *frames, more, MAX_SECONDS);
}

static void expect_buffers(struct taken *got, unsigned long buffers, int err)
{
	if (got->buffers != buffers)
		wrong("the camera got %lu buffers instead of %lu", got->buffers, buffers);
	if (got->err != err)
		wrong("the camera got '%s' instead of '%s'", strerror(got->err), strerror(err));
}

void camera_act(void)
{
	char *region = heap_region(CAMERA_HEAP);
	struct worker camera, neighbour;
	struct taken got, more, greedy;
	unsigned int *frames;

	if (system(LOAD_VIVID))
		wrong("cannot load vivid, the virtual camera, with buffers from the region");
	frames = mmap(NULL, sizeof(*frames), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (frames == MAP_FAILED)
		wrong("mmap: %s", strerror(errno));

	printf("\nAct 2: a camera driver allocates its buffers from the same region. The limits:\n");
	make_group(CAMERA);
	make_group(DISPLAY);
	set_max(CAMERA, region, 16);
	set_max(DISPLAY, region, 20);

	printf("\nA program in %s streams from the camera with 4 buffers of %d MiB.\n",
	       CAMERA, BUFFER_MIB);
	camera = start_worker(CAMERA, run_camera, frames);
	got = tell(&camera, "stream 4");
	expect_buffers(&got, 4, 0);
	expect_frames(frames, SOME_FRAMES);
	expect_current(CAMERA, region, 4 * BUFFER_MIB);
	printf("  Received: %d frames. Charged: %d MiB.\n", SOME_FRAMES, 4 * BUFFER_MIB);

	printf("\nIts neighbour %s allocates 1 MiB buffers from heap %s until that fails.\n",
	       DISPLAY, CAMERA_HEAP);
	neighbour = start_taker(DISPLAY);
	greedy = take(&neighbour, CAMERA_HEAP, 1000);
	expect_taken(DISPLAY, CAMERA_HEAP, &greedy, 20, 1);
	expect_current(DISPLAY, region, 20);
	expect_frames(frames, SOME_FRAMES);
	expect_current(CAMERA, region, 4 * BUFFER_MIB);
	printf("  Allocated: %lu buffers. The next %lu requests failed: %s.\n", greedy.buffers,
	       greedy.refused, strerror(greedy.err));
	printf("  The camera continues: %d more frames.\n", SOME_FRAMES);

	printf("\nThe camera program starts again and requests 8 buffers, %d MiB in all.\n",
	       8 * BUFFER_MIB);
	got = tell(&camera, "stream 8");
	expect_buffers(&got, 5, 0);
	expect_current(CAMERA, region, 5 * BUFFER_MIB);
	more = tell(&camera, "more 1");
	expect_buffers(&more, 0, ENOMEM);
	expect_frames(frames, SOME_FRAMES);
	expect_current(CAMERA, region, 5 * BUFFER_MIB);
	printf("  Allocated: %lu buffers. A request for one more failed: %s.\n", got.buffers,
	       strerror(more.err));
	printf("  The camera continues: %d more frames.\n", SOME_FRAMES);
	/* REQBUFS accepts fewer buffers, but the kernel counts the refused one. */
	add_row(CAMERA, region, more.refused + 1);
	add_row(DISPLAY, region, greedy.refused);

	print_table();
	stop_worker(&camera);
	stop_worker(&neighbour);
	expect_nothing_left();
	printf("Both programs were killed. Every counter is back to zero.\n");
	remove_group(CAMERA);
	remove_group(DISPLAY);
}
