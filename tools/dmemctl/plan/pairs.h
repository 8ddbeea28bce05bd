/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services of a region that were up together, and that fit into it together. A service is up while
 * a sample has a charge of it in the region. Slices and services with recorded cgroups below them
 * are left out: the cgroups below are compared. No I/O.
 */
#ifndef PAIRS_H
#define PAIRS_H

#include "needs.h"

/* Pairs of at most this number of services, those with the largest peaks: memory grows with its
 * square. */
#define PAIRS_SERVICES	512

/* One service, with the index that it has in struct needs_region. */
struct pairs_service {
	uint64_t time;			/* ms up */
	/* Bytes of its buffers when a sample had its largest charge, the oldest first. None: they
	 * are not known. */
	uint64_t *buffer;
	size_t n_buffers;
	uint64_t known;			/* sum of these */
	size_t alike;			/* the first one with the same peak and buffers */
};

struct pairs_pair {
	uint64_t time;			/* ms up together */
	uint64_t most;			/* bytes of both in one sample; 0: never up together */
	uint64_t when;			/* ms since boot @boot, of that sample */
	size_t boot;
	/* End of the highest buffer, in bytes, if CMA placed the peaks of both, in the less
	 * favourable order. DMEM_UNKNOWN: no area, not asked for, or unknown buffers. */
	uint64_t placed;
};

/* Two or more services with equal peaks, which follow each other. */
struct pairs_group {
	size_t first, n;
	size_t fit;			/* any number up to this fits by its sum */
	size_t placed;			/* and as CMA places them; SIZE_MAX: unknown */
	size_t most;			/* most of them up in one sample */
};

/* A set of services that does not fit, see struct needs_conflict. */
struct pairs_set {
	uint64_t time;			/* ms with all of a set up */
	bool seen;			/* all of a set were up in a sample */
};

struct pairs_region {
	uint64_t size;			/* bytes: of --size, or the capacity; unknown: no pairs */
	bool tried;			/* it is that of --size */
	size_t n, left_out;		/* services with pairs, and further ones with a peak */
	struct pairs_service *service;
	struct pairs_pair *pair;
	struct pairs_group *group;
	size_t n_groups;
	uint64_t placed;		/* as in struct pairs_pair, of all services */
	struct needs_conflicts sets;
	struct pairs_set set[NEEDS_CONFLICTS];	/* those of @sets */
};

struct pairs {
	struct dmem_arena arena;
	struct pairs_region *region;	/* in the order of struct needs */
	size_t n;
};

/* Finds the pairs in all regions of @n with a size, and sets the @pairs of all regions. @placed:
 * number of services of a region whose pairs are placed, those with the largest peaks. 0 or a
 * negative errno. Release the pairs in both cases, after the last use of @n. */
int pairs_find(struct pairs *p, const struct model *m, struct needs *n,
	       const struct needs_options *o, size_t placed);
void pairs_free(struct pairs *p);

/* The pair of two different services below p->n, in any order. */
struct pairs_pair *pairs_of(const struct pairs_region *p, size_t a, size_t b);

/* The sum of the peaks of two services of the region. */
uint64_t pairs_peaks(const struct needs_region *g, size_t a, size_t b);

/* True if this many bytes fit beside the largest unaccounted use. */
bool pairs_fit(const struct needs_region *g, uint64_t bytes);

/* The bytes of a peak without a recorded buffer, which are placed as one. */
uint64_t pairs_rest(const struct needs_region *g, size_t service);

#endif
