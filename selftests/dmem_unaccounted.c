// SPDX-License-Identifier: GPL-2.0
/* Unaccounted pages of a CMA area, see the header. */
#include <errno.h>
#include <stdio.h>

#include "dmem_util.h"
#include "dmem_unaccounted.h"

#define DEBUGFS	"/sys/kernel/debug/cma"

/* Shared with the processes that run the tests. */
static struct taken {
	char area[DMEM_NAME_LEN];
	long long pages;
} *taken;

static void __attribute__((constructor)) taken_init(void)
{
	taken = shared_alloc(sizeof(*taken));
}

/* The pages are returned, also if the program is killed. */
static void note_taken(long long pages)
{
	char path[DMEM_NAME_LEN + sizeof(DEBUGFS) + 8], text[32];

	snprintf(path, sizeof(path), DEBUGFS "/%s/free", taken->area);
	/* After a killed test the pages may have been returned. */
	if (!undo_forget(path))
		taken->pages = 0;
	taken->pages += pages;
	snprintf(text, sizeof(text), "%lld", taken->pages);
	if (taken->pages)
		undo_add(path, text);
}

static int write_number(const char *file, long long number)
{
	char dir[DMEM_NAME_LEN + sizeof(DEBUGFS)], text[32];

	snprintf(dir, sizeof(dir), DEBUGFS "/%s", taken->area);
	snprintf(text, sizeof(text), "%lld", number);
	return cg_write(dir, file, text);
}

int unaccounted_take(const char *area, long long pages)
{
	long long end = now_ms() + 5000, chunk = pages;
	int ret = 0;

	snprintf(taken->area, sizeof(taken->area), "%s", area);
	while (pages) {
		if (chunk > pages)
			chunk = pages;
		ret = write_number("alloc", chunk);
		if (!ret) {
			note_taken(chunk);
			pages -= chunk;
			continue;
		}
		if (ret != -ENOMEM)
			return ret;
		/* There is no such run of pages, or one is busy for a moment. */
		if (chunk > 1) {
			chunk /= 2;
			continue;
		}
		if (now_ms() > end)
			return -EBUSY;
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
	if (taken->pages)
		unaccounted_return(taken->pages);
}
