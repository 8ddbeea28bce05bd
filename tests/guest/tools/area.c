// SPDX-License-Identifier: GPL-2.0-or-later
/* Occupies a part of CMA areas, with buffers or with movable pages. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dmem_util.h"
#include "area.h"
#include "unit.h"

#define ALIGNED		256		/* pages: CONFIG_CMA_ALIGNMENT is 8 */
#define HOG_STEP	(4 * MIB)
#define HOG_MAX		(2048 * MIB)
#define HOG_LEAVE	(20 * MIB)	/* more would cause the OOM killer to run */

long long area_free(const struct area *a)
{
	return cma_read(a->name, "available_pages");
}

static long long debug_value(const struct area *a, const char *file)
{
	char path[512], *end;
	const char *text;
	long long v;

	/* Its directory has the name without a colon. */
	snprintf(path, sizeof(path), CMA_DEBUGFS "/%s/%s", a->name, file);
	text = text_of(path);
	v = strtoll(text, &end, 10);
	return end == text ? -ENOENT : v;
}

long long area_largest_run(const struct area *a)
{
	return debug_value(a, "maxchunk");
}

int area_open(struct area *a, const char *name)
{
	long long first, before;

	*a = (struct area){ .name = name, .page = sysconf(_SC_PAGESIZE) };
	a->heap = heap_open(name);
	if (a->heap < 0)
		return a->heap;
	a->total = cma_read(name, "total_pages");
	a->used = a->total - area_free(a);
	first = debug_value(a, "base_pfn");
	if (first < 0)
		return (int)first;
	before = first % ALIGNED;
	a->begins_aligned = !before;
	a->aligned = (before + a->used + ALIGNED - 1) / ALIGNED * ALIGNED - before;
	return area_largest_run(a) == a->total - a->used ? 0 : -EBUSY;
}

void area_close(struct area *a)
{
	area_drop(a);
	if (a->heap > 0)
		close(a->heap);
	a->heap = 0;
}

void area_drop(struct area *a)
{
	while (a->n_fill)
		close(a->fill[--a->n_fill]);
}

long long area_next(const struct area *a, long long from, long long to)
{
	long long at = from - a->aligned, n = to - from;

	return at % ALIGNED && n > (at & -at) ? at & -at : n;
}

/* Occupies the pages from @from up to @to, if all before are occupied. */
static int occupy(struct area *a, long long from, long long to)
{
	while (from < to) {
		long long n = area_next(a, from, to);
		int fd = a->n_fill < AREA_FILL ? heap_alloc(a->heap, n * a->page) : -ENOSPC;

		if (fd < 0)
			return fd;
		a->fill[a->n_fill++] = fd;
		from += n;
	}
	return 0;
}

int area_window(struct area *a, long long from, long long to)
{
	int kept, front, ret;

	area_drop(a);
	if (from < a->used)
		from = a->used;
	ret = occupy(a, a->used, from);
	kept = a->n_fill;
	if (!ret)
		ret = occupy(a, from, to);
	front = a->n_fill;
	if (ret)
		return ret;
	a->n_fill += heap_fill(a->heap, (a->total - to) * a->page, a->fill + front, AREA_FILL - front);
	for (int i = kept; i < front; i++)
		close(a->fill[i]);
	memmove(a->fill + kept, a->fill + front, (size_t)(a->n_fill - front) * sizeof(*a->fill));
	a->n_fill -= front - kept;
	return area_free(a) == to - from && area_largest_run(a) == to - from ? 0 : -EBADMSG;
}

/* ---- movable pages ---- */

static long long cma_free(long long page)
{
	return cg_read_key_long("/proc", "meminfo", "CmaFree:") * 1024LL / page;
}

/* The kernel uses areas for movable pages if they have more than half of the free memory. So this
 * allocates memory until the areas have no more than @leave pages free, frees the first half, which
 * lies elsewhere, and writes to the other half repeatedly: those pages are in use when they must be
 * migrated for a buffer. */
static void hog(long long leave, long long page, int ready, int stop)
{
	char *p = mmap(NULL, HOG_MAX, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	long long len = 0, left;
	char c;

	if (p == MAP_FAILED)
		_exit(1);
	while (cma_free(page) > leave && len < HOG_MAX &&
	       cg_read_key_long("/proc", "meminfo", "MemFree:") > HOG_LEAVE / 1024) {
		memset(p + len, 1, HOG_STEP);
		len += HOG_STEP;
	}
	madvise(p, (size_t)len / 2, MADV_DONTNEED);
	left = cma_free(page);
	if (write(ready, &left, sizeof(left)) != sizeof(left))
		_exit(2);
	fcntl(stop, F_SETFL, O_NONBLOCK);
	while (read(stop, &c, 1) < 0 && errno == EAGAIN) {
		for (long long at = len / 2; at < len; at += page)
			p[at]++;
	}
	_exit(0);
}

long long hog_start(struct hog *h, long long pages, long long page)
{
	int ready[2], stop[2];
	long long left = -1;

	if (pipe2(ready, O_CLOEXEC) || pipe2(stop, O_CLOEXEC))
		return -1;
	h->pid = fork();
	if (!h->pid) {
		close(stop[1]);
		hog(pages / 2, page, ready[1], stop[0]);
	}
	close(ready[1]);
	close(stop[0]);
	h->stop = stop[1];
	if (read(ready[0], &left, sizeof(left)) != sizeof(left))
		left = pages + 1;
	close(ready[0]);
	return pages - left;
}

int hog_end(struct hog *h)
{
	int ret = 0;

	if (h->pid > 0) {
		close(h->stop);
		ret = wait_exit(h->pid);
	}
	h->pid = 0;
	return ret;
}
