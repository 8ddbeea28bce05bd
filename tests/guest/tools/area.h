/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CMA areas of other sizes: the test occupies the rest of a real one. All sizes are in pages.
 * Functions return 0 or a negative errno.
 */
#ifndef AREA_H
#define AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define AREA_FILL	12000

/* All zero is closed. */
struct area {
	const char *name;		/* of the area and of its heap */
	int heap;
	long long page;			/* bytes */
	long long total, used;		/* pages that were in use at area_open(): the first ones */
	bool begins_aligned;		/* at a multiple of the largest alignment of a buffer */
	/* The first page at such a multiple that is not in use: there begins an area that is like
	 * an empty one. */
	long long aligned;
	int fill[AREA_FILL], n_fill;
};

/* -EBUSY: pages are in use, and not the first ones. */
int area_open(struct area *a, const char *name);
void area_close(struct area *a);

/* Occupies all pages but those of @from up to @to. Those in use at area_open() stay so. */
int area_window(struct area *a, long long from, long long to);
void area_drop(struct area *a);

/* If all pages before @from are occupied, and none from @from up to @to: the largest buffer that
 * begins at @from, because its alignment has it begin there. */
long long area_next(const struct area *a, long long from, long long to);

/* Pages, or a negative errno. */
long long area_free(const struct area *a);
long long area_largest_run(const struct area *a);

/* Movable pages in areas. */
struct hog {
	pid_t pid;
	int stop;	/* the hog ends when this is closed */
};

/* Occupies most of the memory with pages that are in use, so that at most half of @pages remain
 * free in all areas together. The caller has occupied the areas that it does not want to be used.
 * Returns the least number of @pages that must be migrated, or -1. */
long long hog_start(struct hog *h, long long pages, long long page);

/* The exit status, which is 0, also if there is no hog. */
int hog_end(struct hog *h);

#endif
