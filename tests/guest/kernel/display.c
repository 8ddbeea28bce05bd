// SPDX-License-Identifier: GPL-2.0
/*
 * The DRM calls of the tests: dumb buffers, PRIME, and a picture on a screen.
 */
#include <assert.h>
#include <drm/drm.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_mode.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "media.h"

#define CARDS		16
#define MAX_MODES	64
#define MAX_IDS		16

static_assert(sizeof(struct drm_mode_modeinfo) <=
	       sizeof(((struct screen *)0)->mode), "a mode does not fit");

struct modules display_modules = {
	/* With the bridge to the screen */
	.names = { "sii902x", "pl111_drm" },
	.params = "",
};

/* Loaded after, and unloaded before, the display's modules that they need. */
struct modules importer_modules = {
	.names = { "drm_shmem_helper", "vgem" },
	.params = "",
};

/*
 * Unlike libdrm's drmIoctl() this does not retry on EAGAIN: a test must see a
 * driver that returns EAGAIN for lack of memory.
 */
static int drm_call(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) ? -errno : 0;
}

/* The first card that supports dumb buffers and has a screen. */
int display_open(char *path, size_t size)
{
	int i;

	for (i = 0; i < CARDS; i++) {
		struct drm_get_cap cap = { .capability = DRM_CAP_DUMB_BUFFER };
		struct screen screen;
		int fd;

		snprintf(path, size, "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!drm_call(fd, DRM_IOCTL_GET_CAP, &cap) && cap.value &&
		    !display_find(fd, &screen))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

int dumb_create(int fd, int width, int height, struct dumb *dumb)
{
	struct drm_mode_create_dumb req = {
		.width = width,
		.height = height,
		.bpp = 32,
	};
	int ret = drm_call(fd, DRM_IOCTL_MODE_CREATE_DUMB, &req);

	if (ret)
		return ret;
	dumb->handle = req.handle;
	dumb->pitch = req.pitch;
	dumb->size = req.size;
	return 0;
}

int dumb_destroy(int fd, __u32 handle)
{
	struct drm_mode_destroy_dumb req = { .handle = handle };

	return drm_call(fd, DRM_IOCTL_MODE_DESTROY_DUMB, &req);
}

void *dumb_map(int fd, const struct dumb *dumb)
{
	struct drm_mode_map_dumb req = { .handle = dumb->handle };

	if (drm_call(fd, DRM_IOCTL_MODE_MAP_DUMB, &req))
		return MAP_FAILED;
	return mmap64(NULL, dumb->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      req.offset);
}

bool dumb_find_heap(int fd, int width, int height, struct dmem_heap *heap,
		    struct dumb *dumb)
{
	static struct areas areas;
	bool found = false;
	int tries;

	for (tries = 0; tries < FIND_TRIES && !found; tries++) {
		areas_now(&areas);
		if (dumb_create(fd, width, height, dumb))
			return false;
		found = areas_find_heap(&areas, (long long)dumb->size /
					sysconf(_SC_PAGESIZE), heap);
		dumb_destroy(fd, dumb->handle);
		found = found && areas_returned(&areas, heap);
	}
	return found;
}

int prime_export(int fd, __u32 handle)
{
	struct drm_prime_handle req = {
		.handle = handle,
		.flags = DRM_CLOEXEC | DRM_RDWR,
	};
	int ret = drm_call(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &req);

	return ret ? ret : req.fd;
}

int prime_import(int fd, int dmabuf, __u32 *handle)
{
	struct drm_prime_handle req = { .fd = dmabuf };
	int ret = drm_call(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &req);

	if (!ret)
		*handle = req.handle;
	return ret;
}

int importer_open(void)
{
	char path[32];
	int i;

	for (i = 0; i < CARDS; i++) {
		char name[8] = "";
		struct drm_version version = {
			.name = name,
			.name_len = sizeof(name) - 1,
		};
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!drm_call(fd, DRM_IOCTL_VERSION, &version) &&
		    !strcmp(name, "vgem"))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

/* The connector's preferred mode, or its first. */
static int connector_mode(int fd, __u32 id, struct drm_mode_modeinfo *mode)
{
	static struct drm_mode_modeinfo modes[MAX_MODES];
	struct drm_mode_get_connector conn = { .connector_id = id };
	__u32 i, best = 0;
	int ret;

	ret = drm_call(fd, DRM_IOCTL_MODE_GETCONNECTOR, &conn);
	if (ret)
		return ret;
	if (conn.connection != 1 || !conn.count_modes ||
	    conn.count_modes > MAX_MODES)
		return -ENODEV;
	i = conn.count_modes;
	memset(&conn, 0, sizeof(conn));
	conn.connector_id = id;
	conn.count_modes = i;
	conn.modes_ptr = (uintptr_t)modes;
	ret = drm_call(fd, DRM_IOCTL_MODE_GETCONNECTOR, &conn);
	if (ret)
		return ret;
	for (i = 0; i < conn.count_modes && i < MAX_MODES; i++) {
		if (modes[i].type & DRM_MODE_TYPE_PREFERRED)
			best = i;
	}
	*mode = modes[best];
	return 0;
}

int display_find(int fd, struct screen *screen)
{
	__u32 crtcs[MAX_IDS], connectors[MAX_IDS], i;
	struct drm_mode_card_res res = {};
	struct drm_mode_modeinfo mode;
	int ret;

	res.count_crtcs = MAX_IDS;
	res.count_connectors = MAX_IDS;
	res.crtc_id_ptr = (uintptr_t)crtcs;
	res.connector_id_ptr = (uintptr_t)connectors;
	ret = drm_call(fd, DRM_IOCTL_MODE_GETRESOURCES, &res);
	if (ret)
		return ret;
	if (!res.count_crtcs || res.count_crtcs > MAX_IDS ||
	    res.count_connectors > MAX_IDS)
		return -ENODEV;
	for (i = 0; i < res.count_connectors; i++) {
		if (connector_mode(fd, connectors[i], &mode))
			continue;
		screen->connector = connectors[i];
		screen->crtc = crtcs[0];
		screen->width = mode.hdisplay;
		screen->height = mode.vdisplay;
		memcpy(screen->mode, &mode, sizeof(mode));
		return 0;
	}
	return -ENODEV;
}

int display_add_fb(int fd, int width, int height, __u32 pitch, __u32 handle,
		   __u32 *fb)
{
	struct drm_mode_fb_cmd2 req = {
		.width = width,
		.height = height,
		.pixel_format = DRM_FORMAT_XRGB8888,
		.handles = { handle },
		.pitches = { pitch },
	};
	int ret = drm_call(fd, DRM_IOCTL_MODE_ADDFB2, &req);

	if (!ret)
		*fb = req.fb_id;
	return ret;
}

int display_rm_fb(int fd, __u32 fb)
{
	return drm_call(fd, DRM_IOCTL_MODE_RMFB, &fb);
}

int display_show(int fd, const struct screen *screen, __u32 fb)
{
	__u32 connector = screen->connector;
	struct drm_mode_crtc req = {
		.set_connectors_ptr = (uintptr_t)&connector,
		.count_connectors = 1,
		.crtc_id = screen->crtc,
		.fb_id = fb,
		.mode_valid = 1,
	};

	memcpy(&req.mode, screen->mode, sizeof(req.mode));
	return drm_call(fd, DRM_IOCTL_MODE_SETCRTC, &req);
}

int display_flip(int fd, const struct screen *screen, __u32 fb)
{
	struct drm_mode_crtc_page_flip req = {
		.crtc_id = screen->crtc,
		.fb_id = fb,
		.flags = DRM_MODE_PAGE_FLIP_EVENT,
	};
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct drm_event_vblank event;
	int ret;

	ret = drm_call(fd, DRM_IOCTL_MODE_PAGE_FLIP, &req);
	if (ret)
		return ret;
	if (poll(&p, 1, 5000) != 1)
		return -ETIMEDOUT;
	if (read(fd, &event, sizeof(event)) != sizeof(event) ||
	    event.base.type != DRM_EVENT_FLIP_COMPLETE)
		return -EIO;
	return 0;
}
