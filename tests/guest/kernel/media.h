/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Common parts of the tests of V4L2 and DRM devices: drivers that are loaded for a
 * test, vivid's buffers, dumb buffers, and the CMA area they come from.
 *
 * Functions that return int return a negative errno on failure.
 */
#ifndef SELFTESTS_DMEM_MEDIA_H
#define SELFTESTS_DMEM_MEDIA_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "dmem_util.h"

#define MODULES		2
#define FIND_TRIES	10
#define AREAS		32

/*
 * Modules that are loaded by modprobe, in this order, with all that they need. One that
 * is built in or already loaded is left alone.
 */
struct modules {
	const char *names[MODULES + 1];	/* ends with NULL */
	const char *params;		/* of the last one */
	bool loaded[MODULES];
};

/*
 * One beside the program or in test_modules/ there, or by modprobe. Returns -EEXIST if
 * it is loaded.
 */
int module_load(const char *name, const char *params);
int module_unload(const char *name);

/* Returns the result of loading the last module. */
int modules_load(struct modules *mods);
void modules_unload(struct modules *mods);

/*
 * A device's area is found by the decrease of its free pages. Other users may allocate
 * in between, so a search is made FIND_TRIES times, and its result counts only if the
 * pages return when the device's buffer is freed.
 */
struct areas {
	int n;
	struct {
		char name[DMEM_NAME_LEN];
		long long pages;
	} area[AREAS];
};

void areas_now(struct areas *areas);

/*
 * Finds a heap on the area whose free pages have decreased by the given number, and
 * the region of both. Returns false if there is none that tests may use.
 */
bool areas_find_heap(const struct areas *before, long long pages,
		     struct dmem_heap *heap);
/* The area of the heap has as many free pages as before. */
bool areas_returned(const struct areas *before, const struct dmem_heap *heap);

/* Two cgroups, and the heap on the area that a device's buffers come from */
struct media_pool {
	struct dmem_test t;
	char region[DMEM_NAME_LEN];
	const char *area;
	int heap_fd;
	char *top;			/* above the test's cgroup */
	char *a, *b;			/* below it */
	bool private;			/* see region_is_private() */
	long long root, available, unaccounted;
};

void pool_end(struct media_pool *pool);

/* vivid, with allocators=1 */
extern struct modules vivid_modules;

/*
 * Loads vivid with n devices, for formats from 16x16 on; returns as modules_load()
 * does.
 */
int vivid_load_many(int n);

int vivid_open(char *path, size_t size);
/* nth is 0 for the first one. */
int vivid_open_nth(int nth, char *path, size_t size);
/* Bytes of a frame, which is the size of a buffer but for the rounding. */
int vivid_set_format(int fd, int width, int height);
/* Returns the number of buffers granted. caps may be NULL. */
int vivid_reqbufs(int fd, int memory, int flags, int n, __u32 *caps);
/*
 * The same, and the index of the first, if first is not NULL. sizeimage 0 is that of
 * the format.
 */
int vivid_create_bufs(int fd, int flags, int n, __u32 sizeimage, int *first);
int vivid_remove_bufs(int fd, int first, int n);
void *vivid_map(int fd, int index, long long len);
int vivid_export(int fd, int index);
/* dmabuf is -1 for a buffer of the device. */
int vivid_queue(int fd, int index, int dmabuf);
/* Waits for a frame of the given size in bytes; returns the buffer's index. */
int vivid_dequeue(int fd, int memory, int frame);
int vivid_stream(int fd, bool on);

/* A display whose dumb buffers come from a CMA area: pl111 */
extern struct modules display_modules;

struct dumb {
	__u32 handle, pitch;
	__u64 size;
};

struct screen {
	__u32 connector, crtc;
	int width, height;
	char mode[80];			/* a struct drm_mode_modeinfo */
};

int display_open(char *path, size_t size);
int dumb_create(int fd, int width, int height, struct dumb *dumb);
int dumb_destroy(int fd, __u32 handle);
void *dumb_map(int fd, const struct dumb *dumb);
/*
 * Finds the heap on the area that such a buffer comes from. The buffer is freed
 * again; *dumb has its size.
 */
bool dumb_find_heap(int fd, int width, int height, struct dmem_heap *heap,
		    struct dumb *dumb);
int prime_export(int fd, __u32 handle);
int prime_import(int fd, int dmabuf, __u32 *handle);
/*
 * vgem, which imports the buffers of any device. A display with an area of its own
 * imports only those that it has exported.
 */
extern struct modules importer_modules;
int importer_open(void);
int display_find(int fd, struct screen *screen);
/* Framebuffers of 32 bits per pixel; returns 0 and sets *fb. */
int display_add_fb(int fd, int width, int height, __u32 pitch, __u32 handle,
		   __u32 *fb);
int display_rm_fb(int fd, __u32 fb);
int display_show(int fd, const struct screen *screen, __u32 fb);
/* Flips and waits until the picture has changed. */
int display_flip(int fd, const struct screen *screen, __u32 fb);

#endif /* SELFTESTS_DMEM_MEDIA_H */
