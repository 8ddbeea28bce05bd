// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits on a command line: "REGION=SIZE". */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "look.h"

enum dmem_status dmem_limit_parse(struct dmem_arena *a, enum dmem_kind kind, const char *arg,
				  struct dmem_limit *l)
{
	/* A region's name may contain "=", a size does not. */
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

/* The name of a heap's region, or NULL. */
static char *heap_region(struct dmem_arena *a, const struct dmem_sys *sys, const char *heaps,
			 const char *heap)
{
	const char *path = dmem_printf(a, "%s/%s/dmem_region", heaps, heap);
	struct dmem_text t = { 0 };
	char *name = NULL;

	if (!path)
		return NULL;
	if (!sys)
		return dmem_first_line(a, AT_FDCWD, path);
	if (!dmem_sys_read(sys, path, &t))
		name = dmem_strndup(a, t.s, strcspn(t.s, "\n"));
	dmem_text_free(&t);
	return name;
}

enum dmem_status dmem_limit_find(struct dmem_arena *a, int root, const struct dmem_sys *sys,
				 const char *heaps, const struct dmem_limit *l, const char **name,
				 uint64_t *capacity)
{
	const char *heap = dmem_region_heap(l->region);
	enum dmem_status s;
	uint64_t used;

	*name = l->region;
	*capacity = DMEM_UNKNOWN;
	if (heap) {
		*name = heap_region(a, sys, heaps, heap);
		if (!*name || !**name)
			return DMEM_NO_HEAP_REGION;
		if (dmem_region_problem(*name) || dmem_region_heap(*name))
			return DMEM_BAD_NAME;
	}
	s = dmem_cgroup_get(root, "", "dmem.capacity", *name, capacity);
	if (s != DMEM_NO_CGROUP)
		return s;
	/* In a cgroup namespace the root is an ordinary cgroup: it has no dmem.capacity, but
	 * dmem.current has a line for each region. */
	s = dmem_cgroup_get(root, "", "dmem.current", *name, &used);
	if (s == DMEM_OK && l->value.percent)
		return DMEM_NO_CAPACITY;
	return s;
}
