// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the name that is most similar to a word. */
#include <string.h>
#include <strings.h>

#include "similar.h"

/* Longer names are compared without typing errors. */
#define TYPED_LEN	64

/* The number of letters that are different, missing or superfluous; large for long names. */
static size_t typing_errors(const char *a, const char *b)
{
	size_t row[TYPED_LEN + 1], m = strlen(a), n = strlen(b);

	if (m > TYPED_LEN || n > TYPED_LEN)
		return TYPED_LEN;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; i <= m; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

/* 0: not similar; otherwise smaller is more similar. */
static size_t distance(const char *word, const char *name)
{
	size_t errors;

	if (!strcasecmp(word, name))
		return 1;
	errors = typing_errors(word, name);
	return errors <= 2 && 3 * errors < strlen(word) ? 2 + errors : 0;
}

void dmem_similar(struct dmem_nearest *best, const char *word, const char *part, const char *name,
		  size_t worse)
{
	size_t d = distance(word, part);

	if (d && (!best->name || d + worse < best->distance))
		*best = (struct dmem_nearest){ name, d + worse };
}

/* "cma/camera@64000000": the part before the slash or behind the "@" may be missing. */
static void similar_region(struct dmem_nearest *best, const char *word, const struct dmem_region *g)
{
	const char *slash = strrchr(g->name, '/'), *last = slash ? slash + 1 : g->name;
	char part[DMEM_REGION_LEN + 1];

	dmem_similar(best, word, g->name, g->name, 0);
	dmem_similar(best, word, last, g->name, 0);
	for (size_t i = 0; i < g->n_heaps; i++)
		dmem_similar(best, word, g->heap[i], g->name, 0);
	if (strlen(g->name) > DMEM_REGION_LEN)
		return;
	strcpy(part, g->name);
	part[strcspn(part, "@")] = 0;
	dmem_similar(best, word, part, g->name, 1);
	strcpy(part, last);
	part[strcspn(part, "@")] = 0;
	dmem_similar(best, word, part, g->name, 1);
}

void dmem_similar_regions(struct dmem_nearest *best, const struct dmem_regions *r, const char *word)
{
	const char *heap = dmem_region_heap(word);

	for (size_t i = 0; r && i < r->n; i++)
		similar_region(best, heap ? heap : word, &r->region[i]);
}

const char *dmem_region_like(const struct dmem_regions *r, const char *word)
{
	struct dmem_nearest best = { 0 };

	dmem_similar_regions(&best, r, word);
	return best.name;
}
