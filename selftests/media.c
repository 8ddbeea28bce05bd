// SPDX-License-Identifier: GPL-2.0
/*
 * Modules that a test loads, and the area that a device's buffers come from.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "media.h"

static const char *wanted_file;
static char found_file[PATH_MAX];

static int is_wanted(const char *path, const struct stat *st, int type,
		     struct FTW *at)
{
	(void)st;
	if (type != FTW_F || strcmp(path + at->base, wanted_file))
		return 0;
	snprintf(found_file, sizeof(found_file), "%s", path);
	return 1;
}

static bool find_module(const char *name)
{
	char *dir = exe_dir(), file[64], installed[PATH_MAX];
	struct utsname u;
	int ret;

	uname(&u);
	snprintf(file, sizeof(file), "%s.ko", name);
	snprintf(installed, sizeof(installed), "/lib/modules/%s", u.release);
	wanted_file = file;
	ret = nftw(dir, is_wanted, 16, FTW_PHYS);
	if (ret != 1)
		ret = nftw(installed, is_wanted, 16, FTW_PHYS);
	free(dir);
	return ret == 1;
}

int module_load(const char *name, const char *params)
{
	int fd, ret;

	if (!find_module(name))
		return -ENOENT;
	fd = open(found_file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = syscall(__NR_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);
	return ret;
}

int module_unload(const char *name)
{
	char buf[64], *c;

	snprintf(buf, sizeof(buf), "%s", name);
	for (c = buf; *c; c++) {
		if (*c == '-')
			*c = '_';
	}
	return syscall(__NR_delete_module, buf, O_NONBLOCK) ? -errno : 0;
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
			module_unload(mods->names[i]);
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
		if (before->area[i].pages - pages ==
		    cma_read(before->area[i].name, "available_pages"))
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
