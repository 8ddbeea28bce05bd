// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of V4L2 devices: charged to the process that requests them, in the
 * region of their CMA area, as the buffers of that area's heap are, for as long as
 * they exist; and not charged again when imported. For limits see
 * test_v4l2_limit.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect_owner.h"
#include "v4l2_fixture.h"

#define DRIVER		"/sys/bus/platform/drivers/vivid"
#define DEVICE		"vivid.0"

TEST_F(v4l2, reqbufs)
{
	struct camera *cam = &self->cam;
	static const int counts[] = { 4, 2, 6, 0, 3, 0 };
	unsigned int i;

	expect_held(_metadata, &cam->pool, 0, 0);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		/* REQBUFS frees the old buffers first. */
		ASSERT_EQ(counts[i], camera_reqbufs(cam, counts[i]));
		expect_held(_metadata, &cam->pool, counts[i] * cam->len, 0);
	}
	EXPECT_EQ(6 * cam->len, dmem_peak(cam->pool.a, cam->pool.region));
	EXPECT_EQ(6 * cam->len, dmem_peak(cam->pool.t.cg, cam->pool.region));
}

/* The charge goes to the caller, not to the process that opened the device. */
TEST_F(v4l2, asked_in_another_cgroup)
{
	struct camera *cam = &self->cam;

	ASSERT_EQ(0, cg_enter_current(cam->pool.b));
	ASSERT_EQ(2, camera_reqbufs(cam, 2));
	expect_held(_metadata, &cam->pool, 0, 2 * cam->len);
	ASSERT_EQ(0, cg_enter_current(cam->pool.a));
	ASSERT_EQ(1, camera_create_bufs(cam, 1, 0, NULL));
	expect_held(_metadata, &cam->pool, cam->len, 2 * cam->len);
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
}

TEST_F(v4l2, create_and_remove)
{
	struct camera *cam = &self->cam;
	long long len = cam->len, odd = 2 * len - cam->pool.t.page + 1;
	int first, bufs;

	ASSERT_EQ(2, camera_reqbufs(cam, 2));
	ASSERT_EQ(3, camera_create_bufs(cam, 3, 0, &first));
	ASSERT_EQ(2, first);
	expect_held(_metadata, &cam->pool, 5 * len, 0);

	ASSERT_EQ(0, vivid_remove_bufs(cam->fd, 1, 2));
	expect_held(_metadata, &cam->pool, 3 * len, 0);
	/* Larger buffers, which use one byte of their last page. */
	ASSERT_EQ(2, camera_create_bufs(cam, 2, odd, &first));
	ASSERT_EQ(1, first);
	expect_held(_metadata, &cam->pool, 3 * len + 2 * 2 * len, 0);
	ASSERT_EQ(0, vivid_remove_bufs(cam->fd, 0, 2));
	expect_held(_metadata, &cam->pool, 2 * len + 2 * len, 0);
	EXPECT_EQ(-EINVAL, vivid_remove_bufs(cam->fd, 0, 2));
	expect_held(_metadata, &cam->pool, 4 * len, 0);

	/* There is room for two more, and then for none. */
	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region,
				  7 * len - cam->pool.t.page));
	bufs = camera_create_bufs(cam, 8, 0, &first);
	EXPECT_EQ(2, bufs);
	expect_held(_metadata, &cam->pool, 6 * len, 0);
	EXPECT_EQ(-ENOMEM, camera_create_bufs(cam, 1, 0, NULL));
	expect_held(_metadata, &cam->pool, 6 * len, 0);
	EXPECT_EQ(0, vivid_remove_bufs(cam->fd, 2, 1));
	expect_held(_metadata, &cam->pool, 4 * len, 0);
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
}

TEST_F(v4l2, streaming)
{
	struct camera *cam = &self->cam;
	int i;

	ASSERT_EQ(4, camera_reqbufs(cam, 4));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, camera_stream(cam, cam->fd, 4, NULL, 5));
		expect_held(_metadata, &cam->pool, 4 * cam->len, 0);
		EXPECT_EQ(-EBUSY, camera_reqbufs(cam, 0));
		EXPECT_EQ(-EBUSY, camera_reqbufs(cam, 2));
		expect_held(_metadata, &cam->pool, 4 * cam->len, 0);
		ASSERT_EQ(0, vivid_stream(cam->fd, false));
		expect_held(_metadata, &cam->pool, 4 * cam->len, 0);
	}
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
}

/* Buffers are added and removed while others are in use by the stream. */
TEST_F(v4l2, create_while_streaming)
{
	struct camera *cam = &self->cam;
	int first;

	ASSERT_EQ(3, camera_reqbufs(cam, 3));
	ASSERT_EQ(0, camera_stream(cam, cam->fd, 3, NULL, 1));
	ASSERT_EQ(2, camera_create_bufs(cam, 2, 0, &first));
	expect_held(_metadata, &cam->pool, 5 * cam->len, 0);
	EXPECT_EQ(-EBUSY, vivid_remove_bufs(cam->fd, 0, 1));
	EXPECT_EQ(0, vivid_remove_bufs(cam->fd, first, 2));
	expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
	ASSERT_EQ(0, vivid_stream(cam->fd, false));
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
}

/* The last close frees all, streaming or not. */
TEST_F(v4l2, closed)
{
	struct camera *cam = &self->cam;
	int fd, other, streams;

	for (streams = 0; streams < 2; streams++) {
		fd = open(cam->path, O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, fd);
		other = dup(fd);
		ASSERT_LE(0, other);
		ASSERT_EQ(3, vivid_reqbufs(fd, V4L2_MEMORY_MMAP, cam->flags, 3,
					   NULL));
		if (streams)
			ASSERT_EQ(0, camera_stream(cam, fd, 3, NULL, 1));
		close(fd);
		expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
		close(other);
		expect_held(_metadata, &cam->pool, 0, 0);
	}
}

TEST_F(v4l2, killed_while_streaming)
{
	struct camera *cam = &self->cam;
	int ready[2], fd;
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	pid = cg_fork(cam->pool.a);
	ASSERT_LE(0, pid);
	if (!pid) {
		fd = open(cam->path, O_RDWR | O_CLOEXEC);
		if (vivid_reqbufs(fd, V4L2_MEMORY_MMAP, cam->flags, 3,
				  NULL) != 3)
			_exit(1);
		if (camera_stream(cam, fd, 3, NULL, 2))
			_exit(2);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		ASSERT_EQ(0, wait_exit(pid));
	expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
	/* V4L2 refuses the request of another file, without a charge. */
	ASSERT_EQ(0, cg_enter_current(cam->pool.b));
	EXPECT_EQ(-EBUSY, camera_reqbufs(cam, 2));
	expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, wait_exit(pid));
	dmem_wait_current(cam->pool.a, cam->pool.region, 0, 5000);
	expect_held(_metadata, &cam->pool, 0, 0);
	EXPECT_EQ(2, camera_reqbufs(cam, 2));
	expect_held(_metadata, &cam->pool, 0, 2 * cam->len);
}

/* A mapped buffer outlives REQBUFS(0), as does its charge. */
TEST_F(v4l2, mapped)
{
	struct camera *cam = &self->cam;
	char *map;

	ASSERT_EQ(3, camera_reqbufs(cam, 3));
	map = vivid_map(cam->fd, 1, cam->len);
	ASSERT_TRUE(map != MAP_FAILED);
	memset(map, 0x5a, cam->len);
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, cam->len, 0);
	ASSERT_EQ(2, camera_reqbufs(cam, 2));
	expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
	EXPECT_EQ(0x5a, map[cam->len - 1]);
	EXPECT_EQ(0, munmap(map, cam->len));
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
}

/* An exported buffer is charged until its last reference is gone. */
TEST_F(v4l2, exported)
{
	struct camera *cam = &self->cam;
	int fd, other, closes;
	char *map;

	for (closes = 0; closes < 2; closes++) {
		ASSERT_EQ(3, camera_reqbufs(cam, 3));
		fd = vivid_export(cam->fd, 2);
		ASSERT_LE(0, fd);
		other = dup(fd);
		ASSERT_LE(0, other);
		/* An export is not another buffer. */
		expect_held(_metadata, &cam->pool, 3 * cam->len, 0);
		if (closes) {
			close(cam->fd);
			cam->fd = open(cam->path, O_RDWR | O_CLOEXEC);
			ASSERT_LE(0, cam->fd);
		} else {
			ASSERT_EQ(0, camera_reqbufs(cam, 0));
		}
		expect_held(_metadata, &cam->pool, cam->len, 0);
		close(fd);
		expect_held(_metadata, &cam->pool, cam->len, 0);
		map = mmap(NULL, cam->len, PROT_READ | PROT_WRITE, MAP_SHARED,
			   other, 0);
		ASSERT_TRUE(map != MAP_FAILED);
		close(other);
		expect_held(_metadata, &cam->pool, cam->len, 0);
		EXPECT_EQ(0, munmap(map, cam->len));
		expect_held(_metadata, &cam->pool, 0, 0);
	}
}

/* fdinfo of an exported buffer shows its charge, as long as the buffer exists. */
TEST_F(v4l2, fdinfo)
{
	struct camera *cam = &self->cam;
	const char *region = cam->pool.region;
	unsigned long long id = cg_id(cam->pool.a);
	int fd, other, first;

	if (!id)
		SKIP(return, "cannot tell a cgroup's id (CONFIG_FHANDLE)");
	ASSERT_EQ(2, camera_reqbufs(cam, 2));
	fd = vivid_export(cam->fd, 1);
	ASSERT_LE(0, fd);
	expect_owner(_metadata, region, 0, fd, id);

	/* A queue may have buffers of several cgroups. */
	ASSERT_EQ(0, cg_enter_current(cam->pool.b));
	ASSERT_EQ(1, camera_create_bufs(cam, 1, 0, &first));
	other = vivid_export(cam->fd, first);
	ASSERT_LE(0, other);
	expect_owner(_metadata, region, 0, other, cg_id(cam->pool.b));
	expect_owner(_metadata, region, 0, fd, id);
	close(other);
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
	expect_owner(_metadata, region, 0, fd, id);
	expect_held(_metadata, &cam->pool, cam->len, 0);

	ASSERT_EQ(0, cg_destroy(cam->pool.a));
	expect_owner(_metadata, region, 0, fd, id);
	EXPECT_EQ(cam->len, dmem_nested(cam->pool.t.cg, "dmem.stat", region,
					"dying"));
	close(fd);
	EXPECT_EQ(0, dmem_nested(cam->pool.t.cg, "dmem.stat", region,
				 "dying"));
	EXPECT_EQ(0, dmem_current(cam->pool.t.cg, region));
}

/*
 * The driver is unbound while its buffers are in use. Buffers without other
 * references are freed with it, the others with their last reference.
 */
TEST_F(v4l2, unbound)
{
	struct camera *cam = &self->cam;
	char *map;
	int fd;

	if (access(DRIVER "/" DEVICE, F_OK))
		SKIP(return, "no " DEVICE " in " DRIVER);
	ASSERT_EQ(4, camera_reqbufs(cam, 4));
	map = vivid_map(cam->fd, 1, cam->len);
	ASSERT_TRUE(map != MAP_FAILED);
	fd = vivid_export(cam->fd, 2);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, camera_stream(cam, cam->fd, 4, NULL, 2));
	expect_held(_metadata, &cam->pool, 4 * cam->len, 0);

	undo_add(DRIVER "/bind", DEVICE);
	ASSERT_EQ(0, cg_write(DRIVER, "unbind", DEVICE));
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	close(cam->fd);
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	close(fd);
	expect_held(_metadata, &cam->pool, cam->len, 0);
	memset(map, 1, cam->len);
	EXPECT_EQ(0, munmap(map, cam->len));
	expect_held(_metadata, &cam->pool, 0, 0);

	ASSERT_EQ(0, cg_write(DRIVER, "bind", DEVICE));
	undo_forget(DRIVER "/bind");
	cam->fd = vivid_open(cam->path, sizeof(cam->path));
	ASSERT_LE(0, cam->fd);
	EXPECT_EQ(4, camera_reqbufs(cam, 4));
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, 0, 0);
}

/*
 * The device has another area when the buffers come back: it has lost its own,
 * as happens to drivers that release it in their remove(), or has been given
 * one.
 */
TEST_F(v4l2, another_area)
{
	struct camera *cam = &self->cam;
	int fds[2], ret;
	bool own;

	ASSERT_EQ(2, camera_reqbufs(cam, 2));
	fds[0] = vivid_export(cam->fd, 0);
	ASSERT_LE(0, fds[0]);
	fds[1] = vivid_export(cam->fd, 1);
	ASSERT_LE(0, fds[1]);
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
	own = !cam->has_area;
	ret = camera_set_area(cam, own);
	/* A skip would hide a failed expectation. */
	if (ret && own && __test_passed(_metadata))
		SKIP(return, "cannot give vivid the area %s: %s", cam->area,
		     strerror(-ret));
	ASSERT_EQ(0, ret);
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	close(fds[0]);
	expect_held(_metadata, &cam->pool, cam->len, 0);
	close(fds[1]);
	expect_held(_metadata, &cam->pool, 0, 0);
}

/* The receiver of an exported buffer keeps it, even with a limit of 0. */
TEST_F(v4l2, export_receiver)
{
	struct camera *cam = &self->cam;
	int sv[2], fd;
	pid_t pid;
	char byte;

	ASSERT_EQ(0, dmem_set_max(cam->pool.b, cam->pool.region, 0));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv));
	pid = cg_fork(cam->pool.b);
	ASSERT_LE(0, pid);
	if (!pid) {
		close(cam->fd);
		close(sv[0]);
		fd = recv_fd(sv[1]);
		if (fd < 0 || mmap(NULL, cam->len, PROT_READ, MAP_SHARED, fd,
				   0) == MAP_FAILED)
			_exit(1);
		if (write(sv[1], "x", 1) != 1 || read(sv[1], &byte, 1) < 0)
			_exit(1);
		_exit(0);
	}
	close(sv[1]);
	ASSERT_EQ(2, camera_reqbufs(cam, 2));
	fd = vivid_export(cam->fd, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, send_fd(sv[0], fd));
	close(fd);
	ASSERT_EQ(1, read(sv[0], &byte, 1));
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	EXPECT_EQ(0, camera_reqbufs(cam, 0));
	expect_held(_metadata, &cam->pool, cam->len, 0);
	close(sv[0]);
	EXPECT_EQ(0, wait_exit(pid));
	dmem_wait_current(cam->pool.a, cam->pool.region, 0, 5000);
	expect_held(_metadata, &cam->pool, 0, 0);
}

/*
 * Buffers of a's heap in the device's queue: b, which runs the device, may have
 * nothing, and a no more than it has.
 */
TEST_F(v4l2, imported)
{
	struct camera *cam = &self->cam;
	int fds[2], i;

	ASSERT_EQ(0, dmem_set_max(cam->pool.a, cam->pool.region, 2 * cam->len));
	ASSERT_EQ(0, dmem_set_max(cam->pool.b, cam->pool.region, 0));
	for (i = 0; i < 2; i++) {
		fds[i] = heap_alloc(cam->pool.heap_fd, cam->len);
		ASSERT_LE(0, fds[i]);
	}
	ASSERT_EQ(0, cg_enter_current(cam->pool.b));
	ASSERT_EQ(2, vivid_reqbufs(cam->fd, V4L2_MEMORY_DMABUF, 0, 2, NULL));
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	ASSERT_EQ(0, camera_stream(cam, cam->fd, 2, fds, 4));
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	ASSERT_EQ(0, vivid_stream(cam->fd, false));
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);

	/* The queue holds references to both. */
	close(fds[0]);
	close(fds[1]);
	expect_held(_metadata, &cam->pool, 2 * cam->len, 0);
	EXPECT_EQ(0, vivid_reqbufs(cam->fd, V4L2_MEMORY_DMABUF, 0, 0, NULL));
	expect_held(_metadata, &cam->pool, 0, 0);
}

int main(int argc, char **argv)
{
	return v4l2_run(argc, argv);
}
