// SPDX-License-Identifier: GPL-2.0
/*
 * The V4L2 calls of the tests, on the capture device of vivid.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest.h"

#include "media.h"

#ifndef VIDIOC_REMOVE_BUFS
struct v4l2_remove_buffers {
	__u32 index;
	__u32 count;
	__u32 type;
	__u32 reserved[13];
};

#define VIDIOC_REMOVE_BUFS _IOWR('V', 104, struct v4l2_remove_buffers)
#endif

#define CAPTURE		V4L2_BUF_TYPE_VIDEO_CAPTURE

struct modules vivid_modules = {
	.names = { "vivid" },
	.params = "n_devs=1 node_types=0x1 num_inputs=1 input_types=0 allocators=1 cache_hints=1",
};

int vivid_load_many(int n)
{
	static const struct {
		const char *name, *value;
	} lists[] = {
		{ "node_types", "0x1" },
		{ "num_inputs", "1" },
		/* HDMI, which has formats of all sizes */
		{ "input_types", "3" },
		{ "allocators", "1" },
		{ "cache_hints", "1" },
	};
	struct modules *mods = &vivid_modules;
	const char *one = mods->params;
	char text[1024];
	unsigned int i;
	int j, len, ret;

	len = snprintf(text, sizeof(text), "n_devs=%d", n);
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		len += snprintf(text + len, sizeof(text) - len, " %s=", lists[i].name);
		for (j = 0; j < n; j++)
			len += snprintf(text + len, sizeof(text) - len, "%s%s", j ? "," : "",
					lists[i].value);
	}
	mods->params = text;
	ret = modules_load(mods);
	mods->params = one;
	return ret;
}

/* Of the instance: vivid has a list of them. */
static bool uses_contig(unsigned int instance)
{
	FILE *f = fopen("/sys/module/vivid/parameters/allocators", "re");
	char line[1024] = "", *tok, *save = NULL;

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	tok = strtok_r(line, ",\n", &save);
	while (tok && instance--)
		tok = strtok_r(NULL, ",\n", &save);
	return tok && atoi(tok) == 1;
}

int vivid_open_nth(int nth, char *path, size_t size)
{
	int i, wait, left;

	/* udev may take its time. */
	for (wait = 0; wait < 50; wait++) {
		for (i = 0, left = nth; i < 64; i++) {
			struct v4l2_capability cap = {};
			unsigned int n;
			int fd;

			snprintf(path, size, "/dev/video%d", i);
			fd = open(path, O_RDWR | O_CLOEXEC);
			if (fd < 0)
				continue;
			if (!ioctl(fd, VIDIOC_QUERYCAP, &cap) &&
			    cap.device_caps & V4L2_CAP_VIDEO_CAPTURE &&
			    cap.device_caps & V4L2_CAP_STREAMING &&
			    sscanf((char *)cap.bus_info, "platform:vivid-%u",
				   &n) == 1 && uses_contig(n) && !left--)
				return fd;
			close(fd);
		}
		if (access("/sys/module/vivid", F_OK))
			break;
		sleep_ms(20);
	}
	return -ENODEV;
}

int vivid_open(char *path, size_t size)
{
	return vivid_open_nth(0, path, size);
}

int vivid_set_format(int fd, int width, int height)
{
	struct v4l2_format fmt = { .type = CAPTURE };
	struct v4l2_streamparm parm = { .type = CAPTURE };

	fmt.fmt.pix.width = width;
	fmt.fmt.pix.height = height;
	fmt.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
	fmt.fmt.pix.field = V4L2_FIELD_ANY;
	if (ioctl(fd, VIDIOC_S_FMT, &fmt))
		return -errno;
	parm.parm.capture.timeperframe.numerator = 1;
	parm.parm.capture.timeperframe.denominator = 50;
	ioctl(fd, VIDIOC_S_PARM, &parm);
	return fmt.fmt.pix.sizeimage;
}

int vivid_reqbufs(int fd, int memory, int flags, int n, __u32 *caps)
{
	struct v4l2_requestbuffers req = {
		.count = n,
		.type = CAPTURE,
		.memory = memory,
		.flags = flags,
	};

	if (ioctl(fd, VIDIOC_REQBUFS, &req))
		return -errno;
	if (caps)
		*caps = req.capabilities;
	return req.count;
}

int vivid_create_bufs(int fd, int flags, int n, __u32 sizeimage, int *first)
{
	struct v4l2_create_buffers req = {
		.count = n,
		.memory = V4L2_MEMORY_MMAP,
		.flags = flags,
		.format = { .type = CAPTURE },
	};

	if (ioctl(fd, VIDIOC_G_FMT, &req.format))
		return -errno;
	if (sizeimage)
		req.format.fmt.pix.sizeimage = sizeimage;
	if (ioctl(fd, VIDIOC_CREATE_BUFS, &req))
		return -errno;
	if (first)
		*first = req.index;
	return req.count;
}

int vivid_remove_bufs(int fd, int first, int n)
{
	struct v4l2_remove_buffers req = {
		.index = first,
		.count = n,
		.type = CAPTURE,
	};

	return ioctl(fd, VIDIOC_REMOVE_BUFS, &req) ? -errno : 0;
}

void *vivid_map(int fd, int index, long long len)
{
	struct v4l2_buffer buf = {
		.type = CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
		.index = index,
	};

	if (ioctl(fd, VIDIOC_QUERYBUF, &buf))
		return MAP_FAILED;
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    buf.m.offset);
}

int vivid_export(int fd, int index)
{
	struct v4l2_exportbuffer exp = {
		.type = CAPTURE,
		.index = index,
		.flags = O_RDWR | O_CLOEXEC,
	};

	return ioctl(fd, VIDIOC_EXPBUF, &exp) ? -errno : exp.fd;
}

int vivid_queue(int fd, int index, int dmabuf)
{
	struct v4l2_buffer buf = {
		.type = CAPTURE,
		.memory = dmabuf < 0 ? V4L2_MEMORY_MMAP : V4L2_MEMORY_DMABUF,
		.index = index,
	};

	if (dmabuf >= 0)
		buf.m.fd = dmabuf;
	return ioctl(fd, VIDIOC_QBUF, &buf) ? -errno : 0;
}

int vivid_dequeue(int fd, int memory, int frame)
{
	struct v4l2_buffer buf = { .type = CAPTURE, .memory = memory };
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, 10000) != 1)
		return -ETIMEDOUT;
	if (ioctl(fd, VIDIOC_DQBUF, &buf))
		return -errno;
	if (buf.flags & V4L2_BUF_FLAG_ERROR || (int)buf.bytesused != frame)
		return -EIO;
	return buf.index;
}

int vivid_stream(int fd, bool on)
{
	int type = CAPTURE;

	return ioctl(fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type) ?
	       -errno : 0;
}
