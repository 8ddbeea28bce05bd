// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest.h"

#include "dmem_dma_driver.h"

#define MODULE	"dmem_dma_test"
#define DEV	"/dev/" DMEM_DMA_TEST_DEV

bool default_area_region(char *region)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	int i, n = heap_list(heaps, DMEM_HEAPS);

	for (i = 0; i < n; i++) {
		if (strcmp(heaps[i].name, "default_cma_region") || !heaps[i].usable ||
		    !region_area(heaps[i].region))
			continue;
		memcpy(region, heaps[i].region, DMEM_NAME_LEN);
		return true;
	}
	return false;
}

static void load_module(const char *area)
{
	static const char * const subdirs[] = { "test_modules/", "" };
	char *dir = exe_dir(), path[PATH_MAX], param[DMEM_NAME_LEN];
	int fd, ret = -1, wait;
	unsigned int i;

	undo_add("/sys/module/" MODULE, "unload");
	snprintf(param, sizeof(param), "area=%s", area);
	for (i = 0; i < ARRAY_SIZE(subdirs) && ret; i++) {
		snprintf(path, sizeof(path), "%s/%s" MODULE ".ko", dir, subdirs[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		ret = syscall(__NR_finit_module, fd, param, 0);
		close(fd);
	}
	free(dir);
	/* udev may be slow */
	for (wait = 0; !ret && wait < 100 && access(DEV, F_OK); wait++)
		sleep_ms(20);
}

int dma_driver_open_area(const char *area)
{
	char now[DMEM_NAME_LEN];
	int dev = module_unload_unused(MODULE);

	/* A killed test may have left it, with another area. */
	if (dev)
		return dev;
	load_module(area);
	if (read_text("/sys/module/" MODULE "/parameters/area", now, sizeof(now)) < 0)
		return -ENOENT;
	now[strcspn(now, "\n")] = '\0';
	dev = strcmp(area, now) ? -EBUSY : open(DEV, O_RDWR | O_CLOEXEC);
	if (dev < 0)
		module_unload_unused(MODULE);
	return dev;
}

/* Does the method allocate from the area? */
static bool uses_area(int dev, int method, const char *area)
{
	long long before = cma_read(area, "available_pages");
	int id = dma_alloc(dev, method, 1, 0);
	bool used = id > 0 && cma_read(area, "available_pages") < before;

	dma_free(dev, id);
	return used;
}

int dma_driver_open(struct dmem_test *t, int method)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	int i, n = heap_list(heaps, DMEM_HEAPS), dev;

	snprintf(t->reason, sizeof(t->reason),
		 "dmem_dma_test.ko cannot use an area that " DMEM_TEST_HEAP " names");
	if (!region_is_private(t->heap.region))
		return -ENODEV;
	dev = dma_driver_open_area(t->area);
	if (kernel_is_64bit())
		return dev;
	for (i = 0; dev >= 0 && !uses_area(dev, method, t->area); i++) {
		dma_driver_close(dev);
		while (i < n && !(heaps[i].usable && region_is_private(heaps[i].region)))
			i++;
		if (i == n)
			return -ENODEV;
		close(t->heap_fd);
		t->heap = heaps[i];
		t->area = region_area(t->heap.region);
		t->heap_fd = heap_open(t->heap.name);
		dev = dma_driver_open_area(t->area);
	}
	return dev;
}

int dma_driver_close(int dev)
{
	close(dev);
	return module_unload_unused(MODULE);
}

int dma_alloc(int dev, int method, long long len, int flags)
{
	struct dmem_dma_alloc req = {
		.len = len,
		.method = method,
		.flags = flags,
	};

	return ioctl(dev, DMEM_DMA_ALLOC, &req) ? -errno : (int)req.id;
}

int dma_free(int dev, int id)
{
	__u32 arg = id;

	return ioctl(dev, DMEM_DMA_FREE, &arg) ? -errno : 0;
}

long long area_fill(const struct dmem_test *t, long long room, int *fds, int *n, int max)
{
	long long end = now_ms() + 10000, left = cma_read(t->area, "available_pages");

	while (left >= room && now_ms() < end) {
		*n += heap_fill(t->heap_fd, (left + 3) / 4 * t->page, fds + *n, max - *n);
		left = cma_read(t->area, "available_pages");
	}
	return left;
}
