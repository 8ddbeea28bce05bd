// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest.h"

#include "hold.h"
#include "m2m.h"

#define MODULE	"dmem_m2m_test"
#define PARAMS	"/sys/module/" MODULE "/parameters"

struct modules m2m_modules = { .names = { "vim2m" }, .params = "" };

int m2m_load(struct dmem_test *t)
{
	char param[2 * DMEM_NAME_LEN];
	int ret;

	snprintf(param, sizeof(param), "area=%s", t->area);
	ret = module_load(MODULE, param);
	if (!ret || ret == -EEXIST)
		return 0;
	snprintf(t->reason, sizeof(t->reason), "cannot load " MODULE ": %s", strerror(-ret));
	return ret;
}

int m2m_unload(void)
{
	return module_unload(MODULE);
}

int m2m_use_worker(bool on)
{
	return cg_write(PARAMS, "worker", on ? "1" : "0") ? -EIO : 0;
}

int m2m_open(void)
{
	char path[32];
	int i, wait;

	/* udev may take its time. */
	for (wait = 0; wait < 50; wait++) {
		for (i = 0; i < 64; i++) {
			struct v4l2_capability cap = {};
			int fd;

			snprintf(path, sizeof(path), "/dev/video%d", i);
			fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
			if (fd < 0)
				continue;
			if (!ioctl(fd, VIDIOC_QUERYCAP, &cap) &&
			    !strcmp((char *)cap.driver, MODULE))
				return fd;
			close(fd);
		}
		sleep_ms(20);
	}
	return -ENODEV;
}

int m2m_reqbufs(int fd, int type, int n)
{
	struct v4l2_requestbuffers req = {
		.count = n,
		.type = type,
		.memory = V4L2_MEMORY_MMAP,
	};

	return ioctl(fd, VIDIOC_REQBUFS, &req) ? -errno : (int)req.count;
}

int m2m_create_bufs(int fd, int type, int n)
{
	struct v4l2_create_buffers req = {
		.count = n,
		.memory = V4L2_MEMORY_MMAP,
		.format.type = type,
		.format.fmt.pix.sizeimage = getpagesize(),
	};

	return ioctl(fd, VIDIOC_CREATE_BUFS, &req) ? -errno : (int)req.count;
}

int m2m_stream(int fd, bool on)
{
	int type = M2M_OUTPUT, ret;

	ret = ioctl(fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
	type = M2M_CAPTURE;
	if (!ret)
		ret = ioctl(fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
	return ret ? -errno : 0;
}

int m2m_begin(int fd, long long len)
{
	struct v4l2_format fmt = {
		.type = M2M_OUTPUT,
		.fmt.pix.sizeimage = len,
	};

	if (ioctl(fd, VIDIOC_S_FMT, &fmt))
		return -errno;
	if (m2m_reqbufs(fd, M2M_OUTPUT, M2M_BUFS) != M2M_BUFS ||
	    m2m_reqbufs(fd, M2M_CAPTURE, M2M_BUFS) != M2M_BUFS)
		return -ENOBUFS;
	return m2m_stream(fd, true);
}

int m2m_end(int fd)
{
	int ret = m2m_stream(fd, false);

	if (!ret)
		ret = m2m_reqbufs(fd, M2M_OUTPUT, 0);
	return ret ? ret : m2m_reqbufs(fd, M2M_CAPTURE, 0);
}

int m2m_queue_one(int fd, int type, int index)
{
	struct v4l2_buffer buf = {
		.type = type,
		.memory = V4L2_MEMORY_MMAP,
		.index = index,
		.bytesused = 1,
	};

	return ioctl(fd, VIDIOC_QBUF, &buf) ? -errno : 0;
}

int m2m_queue(int fd, int index)
{
	int ret = m2m_queue_one(fd, M2M_CAPTURE, index);

	return ret ? ret : m2m_queue_one(fd, M2M_OUTPUT, index);
}

int m2m_dequeue(int fd)
{
	struct v4l2_buffer buf = { .type = M2M_OUTPUT, .memory = V4L2_MEMORY_MMAP };
	__u32 flags;

	if (ioctl(fd, VIDIOC_DQBUF, &buf))
		return -errno;
	flags = buf.flags;
	buf.type = M2M_CAPTURE;
	if (ioctl(fd, VIDIOC_DQBUF, &buf))
		return -errno;
	if ((flags ^ buf.flags) & V4L2_BUF_FLAG_ERROR)
		return -EBADMSG;
	return flags & V4L2_BUF_FLAG_ERROR ? -EIO : 0;
}

static void queue_and_pass(int fd, long long len, int sock)
{
	if (fd < 0)
		fd = m2m_open();
	_exit(fd < 0 || m2m_begin(fd, len) || m2m_queue(fd, 0) || send_fd(sock, fd));
}

int m2m_job_of(const char *cg, int fd, long long len)
{
	int sock[2], ret;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sock))
		return -errno;
	pid = cg_fork(cg);
	if (!pid)
		queue_and_pass(fd, len, sock[1]);
	ret = pid < 0 ? (int)pid : wait_exit(pid);
	if (!ret)
		ret = recv_fd(sock[0]);
	else if (ret > 0)
		ret = -EPROTO;
	close(sock[0]);
	close(sock[1]);
	return ret;
}

int m2m_job_of_held(const char *cg, long long len, pid_t *pid)
{
	int sock[2], ret = -EPROTO;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sock))
		return -errno;
	*pid = cg_fork(cg);
	if (!*pid) {
		if (hold_open() < 0)
			_exit(1);
		queue_and_pass(-1, len, sock[1]);
	}
	close(sock[1]);
	if (*pid > 0 && hold_wait() == *pid)
		ret = recv_fd(sock[0]);
	close(sock[0]);
	return ret;
}

pid_t m2m_ran(void)
{
	int wait;

	for (wait = 0; wait < 500; wait++) {
		char text[32];

		if (read_text(PARAMS "/ran", text, sizeof(text)) > 0 && atoi(text))
			return atoi(text);
		sleep_ms(10);
	}
	return 0;
}

int m2m_finish(void)
{
	return cg_write(PARAMS, "finish", "1") ? -EAGAIN : 0;
}
