/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vivid's capture device, with buffers of one format, and the CMA area that they
 * come from.
 */
#ifndef SELFTESTS_DMEM_CAMERA_H
#define SELFTESTS_DMEM_CAMERA_H

#include "media.h"

#define MIN_BUFS	2	/* fewer vivid does not take */

struct camera {
	struct media_pool pool;
	char path[32];
	int fd, flags;
	bool has_area;
	char area[DMEM_NAME_LEN];	/* the device's own, while has_area */
	long long len;			/* of a buffer, in whole pages */
	int frame;			/* bytes of the buffer that a frame fills */
};

/*
 * Opens the device for buffers with these flags. It has the first area that
 * DMEM_TEST_HEAP names, if this area can serve such buffers, or the default area.
 * Finds the heap on the area by its free pages, not by the charged region. Returns 0,
 * or KSFT_SKIP or a negative errno after a reason in cam->pool.t.reason.
 */
int camera_open(struct camera *cam, int flags, bool default_area, struct dmem_heap *heap);
void camera_close(struct camera *cam);

/* Gives the device the area cam->area, or the default area. */
int camera_set_area(struct camera *cam, bool own);

/* Returns as many buffers as it got, or a negative errno. */
int camera_reqbufs(struct camera *cam, int n);
/* Also returns the index of the first; sizeimage 0 is that of the format. */
int camera_create_bufs(struct camera *cam, int n, __u32 sizeimage, int *first);
/*
 * Buffers 0 to n-1 go in, and some frames through them; STREAMON is left on. Returns 0
 * or a negative errno, as processes of their own call it.
 */
int camera_stream(struct camera *cam, int fd, int n, const int *dmabufs, int frames);

#endif /* SELFTESTS_DMEM_CAMERA_H */
