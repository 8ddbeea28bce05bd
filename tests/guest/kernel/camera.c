// SPDX-License-Identifier: GPL-2.0
/* The camera of the V4L2 tests: vivid with allocators=1. */
#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"

#include "camera.h"

#define AREA_MODULE	"dmem_vivid_area"

int camera_reqbufs(struct camera *cam, int n)
{
	return vivid_reqbufs(cam->fd, V4L2_MEMORY_MMAP, cam->flags, n, NULL);
}

int camera_create_bufs(struct camera *cam, int n, __u32 sizeimage, int *first)
{
	return vivid_create_bufs(cam->fd, cam->flags, n, sizeimage, first);
}

int camera_stream(struct camera *cam, int fd, int n, const int *dmabufs, int frames)
{
	int memory = dmabufs ? V4L2_MEMORY_DMABUF : V4L2_MEMORY_MMAP;
	int i, ret = 0;

	for (i = 0; i < n && !ret; i++)
		ret = vivid_queue(fd, i, dmabufs ? dmabufs[i] : -1);
	if (!ret)
		ret = vivid_stream(fd, true);
	while (!ret && frames--) {
		i = vivid_dequeue(fd, memory, cam->frame);
		ret = i < 0 ? i : vivid_queue(fd, i, dmabufs ? dmabufs[i] : -1);
	}
	return ret;
}

int camera_set_area(struct camera *cam, bool own)
{
	char params[DMEM_NAME_LEN + 8];
	int ret;

	snprintf(params, sizeof(params), "area=%s", cam->area);
	ret = own ? module_load(AREA_MODULE, params) : module_unload(AREA_MODULE);
	if (!ret)
		cam->has_area = own;
	return ret;
}

/* The heap on the area that two buffers of the device make smaller. */
static bool find_heap(struct camera *cam, struct dmem_heap *heap)
{
	long long pages = MIN_BUFS * cam->len / cam->pool.t.page;
	static struct areas areas;
	bool found = false;
	int tries;

	for (tries = 0; tries < FIND_TRIES && !found; tries++) {
		areas_now(&areas);
		if (camera_reqbufs(cam, MIN_BUFS) != MIN_BUFS)
			return false;
		found = areas_find_heap(&areas, pages, heap);
		camera_reqbufs(cam, 0);
		found = found && areas_returned(&areas, heap);
	}
	return found;
}

static bool try_area(struct camera *cam, const char *area, struct dmem_heap *heap)
{
	int ret;

	snprintf(cam->area, sizeof(cam->area), "%s", area);
	ret = camera_set_area(cam, true);
	if (ret) {
		snprintf(cam->pool.t.reason, DMEM_NAME_LEN, "cannot give vivid the area %.99s: %s",
			 area, strerror(-ret));
		return false;
	}
	if (find_heap(cam, heap) && !strcmp(region_area(heap->region), area))
		return true;
	camera_set_area(cam, false);
	snprintf(cam->pool.t.reason, DMEM_NAME_LEN,
		 "the buffers are from no area that " DMEM_TEST_HEAP " names");
	return false;
}

/*
 * A 32-bit kernel does not map high memory, and the DMA API returns no such memory for
 * non-coherent buffers. User space does not see which area lies there, so the next
 * ones are tried. All other buffers have to come from the first area.
 */
static bool find_area(struct camera *cam, struct dmem_heap *heap)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	int i, n;

	if (try_area(cam, cam->pool.t.area, heap))
		return true;
	if (!cam->flags || kernel_is_64bit())
		return false;
	n = heap_list(heaps, DMEM_HEAPS);
	for (i = 0; i < n; i++) {
		if (heaps[i].usable && region_is_private(heaps[i].region) &&
		    try_area(cam, region_area(heaps[i].region), heap))
			return true;
	}
	return false;
}

static int fail(struct camera *cam, int ret, const char *reason)
{
	snprintf(cam->pool.t.reason, DMEM_NAME_LEN, "%s", reason);
	camera_close(cam);
	return ret;
}

int camera_open(struct camera *cam, int flags, bool default_area, struct dmem_heap *heap)
{
	int ret = dmem_begin(&cam->pool.t, DMEM_CMA);
	__u32 caps = 0;

	if (ret)
		return ret;
	cam->flags = flags;
	cam->pool.heap_fd = -1;
	/* A device without an area may get this one later. */
	snprintf(cam->area, sizeof(cam->area), "%s", cam->pool.t.area);
	cam->fd = vivid_open(cam->path, sizeof(cam->path));
	if (cam->fd < 0)
		return fail(cam, KSFT_SKIP, "no vivid with allocators=1, and cannot load it");
	vivid_reqbufs(cam->fd, V4L2_MEMORY_MMAP, 0, 0, &caps);
	if (flags && !(caps & V4L2_BUF_CAP_SUPPORTS_MMAP_CACHE_HINTS))
		return fail(cam, KSFT_SKIP, "vivid has no cache_hints=1");
	cam->frame = vivid_set_format(cam->fd, 320, 180);
	if (cam->frame <= 0)
		return fail(cam, -EINVAL, "vivid has no format of 320 x 180");
	cam->len = (cam->frame + cam->pool.t.page - 1) & -cam->pool.t.page;
	/* The rest of the last page would not be seen. */
	if (cam->frame == cam->len)
		return fail(cam, -EINVAL, "a frame is in whole pages");
	if (default_area && !find_heap(cam, heap))
		return fail(cam, KSFT_SKIP, "the buffers are from no area that " DMEM_TEST_HEAP
			    " names");
	if (!default_area && !find_area(cam, heap)) {
		camera_close(cam);
		return KSFT_SKIP;
	}
	return 0;
}

void camera_close(struct camera *cam)
{
	if (cam->fd >= 0)
		close(cam->fd);
	if (cam->has_area)
		camera_set_area(cam, false);
	pool_end(&cam->pool);
}
