// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>

#include "dmem_util.h"
#include "dmem_unaccounted.h"

static char dir[DMEM_NAME_LEN + sizeof(CMA_DEBUGFS)];	/* of the area */
static long long taken;

/* The pages are returned when the next test begins, also if this one is killed. */
static void note_taken(long long pages)
{
	char path[sizeof(dir) + 8], text[32];

	snprintf(path, sizeof(path), "%s/free", dir);
	if (!undo_forget(path))
		taken = 0;
	taken += pages;
	snprintf(text, sizeof(text), "%lld", taken);
	if (taken)
		undo_add(path, text);
}

static int write_number(const char *file, long long number)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", number);
	return cg_write(dir, file, text);
}

int unaccounted_take(const char *area, long long pages)
{
	long long end = now_ms() + 5000, chunk = pages;
	int ret;

	snprintf(dir, sizeof(dir), CMA_DEBUGFS "/%s", area);
	while (pages) {
		chunk = chunk < pages ? chunk : pages;
		ret = write_number("alloc", chunk);
		if (!ret) {
			note_taken(chunk);
			pages -= chunk;
			continue;
		}
		if (ret != -ENOMEM)
			return ret;
		if (chunk == 1 && now_ms() > end)
			return -EBUSY;
		/* There is no such run of pages, or one is busy for a moment. */
		if (chunk > 1)
			chunk /= 2;
		else
			sleep_ms(1);
	}
	return 0;
}

int unaccounted_return(long long pages)
{
	int ret = write_number("free", pages);

	if (!ret)
		note_taken(-pages);
	return ret;
}

int unaccounted_leave(const char *area, long long pages)
{
	long long available = cma_read(area, "available_pages");

	if (available < 0)
		return available;
	return available > pages ? unaccounted_take(area, available - pages) : 0;
}

void unaccounted_return_all(void)
{
	if (taken)
		unaccounted_return(taken);
}
