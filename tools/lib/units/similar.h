/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Similar names: for proposals after a typing error. */
#ifndef DMEM_SIMILAR_H
#define DMEM_SIMILAR_H

#include "dmem/look.h"

/* All zero: none yet. */
struct dmem_nearest {
	const char *name;
	size_t distance;
};

/* Compares @word and @part, and keeps @name in @best if they are similar, and more so than those
 * before. @worse: added to the distance. */
void dmem_similar(struct dmem_nearest *best, const char *word, const char *part, const char *name,
		  size_t worse);

/* The same with the names of all regions and of their heaps. @r may be NULL. */
void dmem_similar_regions(struct dmem_nearest *best, const struct dmem_regions *r,
			  const char *word);

/* Returns the name of the region most similar to @word, or NULL: there is none. */
const char *dmem_region_like(const struct dmem_regions *r, const char *word);

#endif
