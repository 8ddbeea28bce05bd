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
#include "dmem_util.h"

#define MODULE	"dmem_dma_test"
#define DEV	"/dev/" DMEM_DMA_TEST_DEV

/* Finds the default area through the heap on it. */
bool dma_driver_region(char *region)
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

static bool load_module(void)
{
	static const char * const subdirs[] = { "test_modules/", "" };
	char *dir = exe_dir();
	unsigned int i;
	int fd, ret = -1, wait;

	for (i = 0; i < ARRAY_SIZE(subdirs) && ret; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s" MODULE ".ko", dir,
			 subdirs[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		ret = syscall(__NR_finit_module, fd, "", 0);
		close(fd);
	}
	free(dir);
	/* udev may be slow */
	for (wait = 0; !ret && wait < 100 && access(DEV, F_OK); wait++)
		sleep_ms(20);
	return !ret;
}

int dma_driver_open(bool *loaded)
{
	*loaded = access(DEV, F_OK) && load_module();
	return open(DEV, O_RDWR | O_CLOEXEC);
}

void dma_driver_close(int dev, bool loaded)
{
	close(dev);
	if (loaded)
		syscall(__NR_delete_module, MODULE, O_NONBLOCK);
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

long long dma_pages(int dev)
{
	struct dmem_dma_stat stat;

	return ioctl(dev, DMEM_DMA_STAT, &stat) ? -errno :
						  (long long)stat.pages;
}
