// SPDX-License-Identifier: GPL-2.0-or-later
/* A region that a section names and the machine does not have: the likely one. */
#include <errno.h>
#include <string.h>

#include "word.h"

/* The areas' names in the kernel: of "cma=" on its command line, and of the device tree. */
#define BY_COMMAND_LINE	"reserved"
#define BY_DEVICE_TREE	"linux,cma"
/* The heap of the default area, which has this name whatever the area's is. */
#define DEFAULT_HEAP	"default_cma_region"

bool dmem_cmdline_has_cma(const char *cmdline)
{
	bool has = false;

	/* The last one counts. "cma=0" is no area. */
	for (const char *w = cmdline; w && *w; w += strcspn(w, " \n")) {
		w += strspn(w, " \n");
		if (!strncmp(w, "cma=", 4))
			has = strncmp(w, "cma=0", 5) || !strchr(" \n@", w[5]);
	}
	return has;
}

/* The default area by its heap, where that is accounted. */
static const char *default_region(const struct dmem_regions *r)
{
	for (size_t i = 0; i < r->n_heaps; i++) {
		if (!strcmp(r->heap[i].name, DEFAULT_HEAP))
			return r->heap[i].region;
	}
	return NULL;
}

static bool starts_with(const char *s, const char *start)
{
	return !strncmp(s, start, strlen(start));
}

int dmem_region_renamed(struct dmem_arena *a, const struct dmem_regions *r, const char *cmdline,
			const char *name, const char **why)
{
	const char *heap = dmem_region_heap(name), *area = heap ? heap : name;
	const char *now = default_region(r), *like;
	bool cma = dmem_cmdline_has_cma(cmdline);

	*why = NULL;
	if (starts_with(area, "cma/"))
		area += strlen("cma/");
	else if (!heap)
		area = "";
	if (cma && !now && dmem_regions_find(r, "cma/" BY_COMMAND_LINE))
		now = "cma/" BY_COMMAND_LINE;
	if (!cma && !now && dmem_regions_find(r, "cma/" BY_DEVICE_TREE))
		now = "cma/" BY_DEVICE_TREE;
	like = dmem_region_like(r, name);
	if (now && cma && starts_with(area, BY_DEVICE_TREE))
		*why = dmem_printf(a, "write %s: cma= in /proc/cmdline replaces the default area of the device "
				   "tree; dma_heap/" DEFAULT_HEAP " is the default area in both cases", now);
	else if (now && !cma && !strcmp(area, BY_COMMAND_LINE))
		*why = dmem_printf(a, "write %s: the default area has the other name with cma= in "
				   "/proc/cmdline only; dma_heap/" DEFAULT_HEAP " is the default area in both "
				   "cases", now);
	else if (like)
		*why = dmem_printf(a, "write %s, if that is meant", like);
	else if (now && cma && *area)
		*why = dmem_printf(a, "if the default area is meant, write %s: cma= in /proc/cmdline replaces "
				   "that of the device tree", now);
	else
		return 0;
	return *why ? 0 : -ENOMEM;
}
