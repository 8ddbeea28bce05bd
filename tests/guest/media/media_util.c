// SPDX-License-Identifier: GPL-2.0-or-later
/* Helpers of the tests with Debian's V4L2 programs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dmem_util.h"
#include "media_util.h"

static int run(const char *command)
{
	int ret = system(command);

	return ret ? -ENOEXEC : 0;
}

int load_vivid(const char *params)
{
	char command[300];
	int ret;

	ret = snprintf(command, sizeof(command),
		       "depmod && modprobe vivid %s", params);
	if (ret >= (int)sizeof(command))
		return -ENAMETOOLONG;
	unload_vivid();
	return run(command);
}

void unload_vivid(void)
{
	if (!access("/sys/module/vivid", F_OK))
		run("modprobe -r vivid");
}

bool default_region(char *region, size_t size)
{
	struct dmem_heap heaps[DMEM_HEAPS];
	int i, n = heap_list(heaps, DMEM_HEAPS);

	for (i = 0; i < n; i++) {
		if (strcmp(heaps[i].name, "default_cma_region"))
			continue;
		snprintf(region, size, "%s", heaps[i].region);
		return heaps[i].region[0];
	}
	return false;
}
