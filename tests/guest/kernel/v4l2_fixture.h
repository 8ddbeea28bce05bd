/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of the tests of V4L2 buffers: a camera, and the cgroups a and b. The
 * test runs in a. Include this header after kselftest_harness.h.
 */
#ifndef SELFTESTS_DMEM_V4L2_FIXTURE_H
#define SELFTESTS_DMEM_V4L2_FIXTURE_H

#include <linux/videodev2.h>
#include <stdlib.h>
#include <unistd.h>

#include "camera.h"
#include "guest_util.h"
#include "media_pool.h"

FIXTURE(v4l2) {
	struct camera cam;
};

FIXTURE_VARIANT(v4l2) {
	int flags;
	bool default_area;
};

/* In an area of the device's own */
FIXTURE_VARIANT_ADD(v4l2, coherent) {
};

FIXTURE_VARIANT_ADD(v4l2, non_coherent) {
	.flags = V4L2_MEMORY_FLAG_NON_COHERENT,
};

FIXTURE_VARIANT_ADD(v4l2, default_area) {
	.default_area = true,
};

FIXTURE_SETUP(v4l2)
{
	struct camera *cam = &self->cam;
	struct dmem_heap heap = {};
	int ret;

	ret = camera_open(cam, variant->flags, variant->default_area, &heap);
	if (ret == KSFT_SKIP)
		SKIP(return, "%s", cam->pool.t.reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", cam->pool.t.reason);
	pool_begin(_metadata, &cam->pool, &heap);
}

FIXTURE_TEARDOWN(v4l2)
{
	camera_close(&self->cam);
}

static void v4l2_unload(void)
{
	modules_unload(&vivid_modules);
}

/* Loads vivid once for all tests, because that takes a while. */
static int v4l2_run(int argc, char **argv)
{
	if (dmem_is_on() && !geteuid()) {
		atexit(v4l2_unload);
		modules_load(&vivid_modules);
	}
	return test_harness_run(argc, argv);
}

#endif /* SELFTESTS_DMEM_V4L2_FIXTURE_H */
