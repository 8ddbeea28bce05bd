// SPDX-License-Identifier: GPL-2.0
/* Unaccounted pages of a CMA area, see the header. */
#include <errno.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "dmem_util.h"
#include "unaccounted.h"

#define DEBUGFS	"/sys/kernel/debug/cma"

/* Shared with the processes that run the tests. */
static struct taken {
	char area[DMEM_NAME_LEN];
	long long pages;
} *taken;

static pid_t main_pid;

static void __attribute__((constructor)) taken_init(void)
{
	main_pid = getpid();
	taken = shared_alloc(sizeof(*taken));
}

static void __attribute__((destructor)) taken_exit(void)
{
	if (getpid() == main_pid)
		unaccounted_return_all();
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
			taken->pages += chunk;
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
		taken->pages -= pages;
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
