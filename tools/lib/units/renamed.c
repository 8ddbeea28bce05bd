// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the probable region for a name in a section that the machine does not have. */
#include <errno.h>
#include <string.h>

#include "similar.h"
#include "word.h"

/* Names of default areas: from "cma=" on the kernel's command line, and from the device tree. */
#define BY_COMMAND_LINE	"reserved"
#define BY_DEVICE_TREE	"linux,cma"
/* The heap of the default area, independent of the area's name. */
#define DEFAULT_HEAP	"default_cma_region"

bool dmem_cmdline_has_cma(const char *cmdline)
{
	bool has = false;

	/* The last one counts. "cma=0" makes no area. */
	for (const char *w = cmdline; w && *w; w += strcspn(w, " \n")) {
		w += strspn(w, " \n");
		if (!strncmp(w, "cma=", 4))
			has = strncmp(w, "cma=0", 5) || !strchr(" \n@", w[5]);
	}
	return has;
}

/* The region of the default area by its heap, if that is accounted. */
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

/* The present region of the default area. NULL: there is none. */
static const char *default_now(const struct dmem_regions *r, bool cma)
{
	const char *now = default_region(r);

	if (now)
		return now;
	now = cma ? "cma/" BY_COMMAND_LINE : "cma/" BY_DEVICE_TREE;
	return dmem_regions_find(r, now) ? now : NULL;
}

/* The area in the name of a region or heap; "" for a region of another allocator. */
static const char *area_of(const char *name)
{
	const char *heap = dmem_region_heap(name), *area = heap ? heap : name;

	if (starts_with(area, "cma/"))
		return area + strlen("cma/");
	return heap ? area : "";
}

int dmem_region_default_renamed(struct dmem_arena *a, const struct dmem_regions *r, const char *cmdline,
				const char *name, const char **why)
{
	bool cma = dmem_cmdline_has_cma(cmdline);
	const char *now = default_now(r, cma), *area = area_of(name);

	*why = NULL;
	if (now && cma && starts_with(area, BY_DEVICE_TREE))
		*why = dmem_printf(a, "write %s: cma= in /proc/cmdline replaces the default area of the device "
				   "tree; dma_heap/" DEFAULT_HEAP " is the default area in both cases", now);
	else if (now && !cma && !strcmp(area, BY_COMMAND_LINE))
		*why = dmem_printf(a, "write %s: the default area has the other name with cma= in "
				   "/proc/cmdline only; dma_heap/" DEFAULT_HEAP " is the default area in both "
				   "cases", now);
	else
		return 0;
	return *why ? 0 : -ENOMEM;
}

int dmem_region_renamed(struct dmem_arena *a, const struct dmem_regions *r, const char *cmdline,
			const char *name, const char **why)
{
	bool cma = dmem_cmdline_has_cma(cmdline);
	const char *now = default_now(r, cma), *like = dmem_region_like(r, name);
	int ret = dmem_region_default_renamed(a, r, cmdline, name, why);

	if (ret || *why)
		return ret;
	if (like)
		*why = dmem_printf(a, "write %s, if that is meant", like);
	else if (now && cma && *area_of(name))
		*why = dmem_printf(a, "if the default area is meant, write %s: cma= in /proc/cmdline replaces "
				   "that of the device tree", now);
	else
		return 0;
	return *why ? 0 : -ENOMEM;
}
