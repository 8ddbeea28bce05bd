// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits as they are given on a command line: "REGION=SIZE". */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "look.h"

enum dmem_status dmem_limit_parse(struct dmem_arena *a, enum dmem_kind kind, const char *arg,
				  struct dmem_limit *l)
{
	/* A region may have a "=", a size has none. */
	const char *eq = strrchr(arg, '=');

	if (!eq)
		return DMEM_USAGE;
	*l = (struct dmem_limit){ .kind = kind, .text = arg };
	l->region = dmem_strndup(a, arg, (size_t)(eq - arg));
	if (!l->region)
		return DMEM_NO_MEMORY;
	if (dmem_region_problem(l->region))
		return DMEM_BAD_NAME;
	return dmem_parse_value(eq + 1, &l->value) ? DMEM_BAD_VALUE : DMEM_OK;
}

enum dmem_status dmem_limit_find(struct dmem_arena *a, int root, const char *heaps,
				 const char *region, const char **name, uint64_t *capacity)
{
	const char *heap = dmem_region_heap(region), *path;

	*name = region;
	if (heap) {
		path = dmem_printf(a, "%s/%s/dmem_region", heaps, heap);
		*name = path ? dmem_first_line(a, AT_FDCWD, path) : NULL;
		if (!*name || !**name)
			return DMEM_NO_HEAP_REGION;
		if (dmem_region_problem(*name) || dmem_region_heap(*name))
			return DMEM_BAD_NAME;
	}
	return dmem_cgroup_get(root, "", "dmem.capacity", *name, capacity);
}
