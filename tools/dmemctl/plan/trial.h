/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that a region of another size would have refused, from all boots. No I/O. */
#ifndef TRIAL_H
#define TRIAL_H

#include "place.h"

/* One service. */
struct trial_service {
	uint32_t service;	/* or MODEL_OTHERS, MODEL_KERNEL */
	uint64_t refused;	/* requests */
	/* The first of them: ms since 1970, and bytes: of the request, of the largest free run,
	 * and of all free memory. */
	uint64_t time, asked, run, free;
};

/* One region. The order of events between two samples is unknown: @refused and @service are of the
 * order with more refused requests. */
struct trial {
	uint64_t size;		/* bytes, or DMEM_UNKNOWN: no trial */
	uint64_t smallest;	/* bytes: the size without a refused request, in whole blocks */
	uint64_t refused, refused_least;
	struct trial_service *service;	/* the one with most refused requests first */
	size_t n;
};

struct trial_entry {
	struct trial_service s;
	uint32_t region;
	unsigned int order;
};

/* All boots so far. All zero is empty. */
struct trials {
	struct dmem_arena arena;
	struct dmem_map entries;	/* by service, and by region and order: index plus 1 */
	struct trial_entry *entry;
	size_t n;
};

/* 0 or -ENOMEM. */
int trials_add(struct trials *t, const struct model_boot *boot, const struct place *p);

/* Fills in @trial for a region, with memory of @a. Does not set the sizes. 0 or -ENOMEM. */
int trials_find(const struct trials *t, struct dmem_arena *a, uint32_t region, struct trial *trial);

void trials_free(struct trials *t);

#endif
