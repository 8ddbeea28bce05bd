// SPDX-License-Identifier: GPL-2.0
/*
 * Modules that a test loads, and the area that a device's buffers come from.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "media.h"

/* Of the test's own modules, or -1 */
static int open_own(const char *name)
{
	static const char * const subdirs[] = { "test_modules/", "" };
	char *dir = exe_dir(), path[PATH_MAX];
	int fd = -1, i;

	for (i = 0; i < 2 && fd < 0; i++) {
		snprintf(path, sizeof(path), "%s/%s%s.ko", dir, subdirs[i], name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	free(dir);
	return fd;
}

static bool is_loaded(const char *name)
{
	char path[64], *c;

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	for (c = path; *c; c++) {
		if (*c == '-')
			*c = '_';
	}
	return !access(path, F_OK);
}

static int run_modprobe(const char *options, const char *name, const char *params)
{
	char command[1280];

	snprintf(command, sizeof(command), "modprobe %s %s %s 2>/dev/null", options, name,
		 params);
	return system(command) ? -ENOENT : 0;
}

int module_load(const char *name, const char *params)
{
	int fd, ret;

	if (is_loaded(name))
		return -EEXIST;
	fd = open_own(name);
	if (fd < 0)
		return run_modprobe("-q", name, params);
	ret = syscall(__NR_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return ret;
}

int module_unload(const char *name)
{
	return syscall(__NR_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

int modules_load(struct modules *mods)
{
	int i, ret = -ENOENT;

	for (i = 0; mods->names[i]; i++) {
		bool last = !mods->names[i + 1];

		ret = module_load(mods->names[i], last ? mods->params : "");
		mods->loaded[i] = !ret;
	}
	return ret;
}

void modules_unload(struct modules *mods)
{
	int i;

	for (i = MODULES - 1; i >= 0; i--) {
		if (mods->loaded[i])
			run_modprobe("-r", mods->names[i], "");
		mods->loaded[i] = false;
	}
}

void areas_now(struct areas *areas)
{
	DIR *dir = opendir("/sys/kernel/mm/cma");
	struct dirent *ent;

	areas->n = 0;
	while (dir && areas->n < AREAS && (ent = readdir(dir))) {
		if (ent->d_name[0] == '.')
			continue;
		snprintf(areas->area[areas->n].name, DMEM_NAME_LEN, "%s",
			 ent->d_name);
		areas->area[areas->n].pages = cma_read(ent->d_name,
						       "available_pages");
		areas->n++;
	}
	if (dir)
		closedir(dir);
}

bool areas_find_heap(const struct areas *before, long long pages,
		     struct dmem_heap *heap)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	const char *area = NULL;
	int i, n;

	for (i = 0; i < before->n; i++) {
		if (before->area[i].pages - pages !=
		    cma_read(before->area[i].name, "available_pages"))
			continue;
		if (area)
			return false;
		area = before->area[i].name;
	}
	n = area ? heap_list(heaps, DMEM_HEAPS) : 0;
	for (i = 0; i < n; i++) {
		const char *of_heap = region_area(heaps[i].region);

		if (!of_heap || !heaps[i].usable || strcmp(of_heap, area))
			continue;
		*heap = heaps[i];
		return true;
	}
	return false;
}

bool areas_returned(const struct areas *before, const struct dmem_heap *heap)
{
	const char *area = region_area(heap->region);
	int i;

	for (i = 0; i < before->n; i++) {
		if (!strcmp(before->area[i].name, area))
			return before->area[i].pages == cma_read(area, "available_pages");
	}
	return false;
}

void pool_end(struct media_pool *pool)
{
	if (pool->heap_fd >= 0)
		close(pool->heap_fd);
	dmem_end(&pool->t);
}
