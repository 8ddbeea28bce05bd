/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures in the formats of Prometheus and OpenMetrics. */
#ifndef METRICS_H
#define METRICS_H

#include <stdio.h>

#include "dmem/look.h"

/* Figures of a cgroup to read for the output. */
#define METRICS_FIGURES	(DMEM_BIT(DMEM_F_CURRENT) | DMEM_BIT(DMEM_F_PEAK) | DMEM_BIT(DMEM_F_MIN) | \
			 DMEM_BIT(DMEM_F_LOW) | DMEM_BIT(DMEM_F_MAX) | DMEM_BIT(DMEM_F_EV_MAX) | \
			 DMEM_REFUSALS)

/* Writes a label's value without its quotes, with the escapes of the format. */
void metrics_label(FILE *f, const char *s, size_t len);

struct metrics {
	const struct dmem_regions *regions;
	const struct dmem_tree *tree;
	const struct dmem_buffers *buffers;	/* NULL: not requested */
	bool all;		/* also cgroups without charges and limits */
	bool open;		/* OpenMetrics, which names some families and samples differently */
	bool success;		/* the regions and cgroups were read completely */
};

/* All label sets of a family are distinct. 0 or -ENOMEM; the caller checks @f for write errors. */
int metrics_print(FILE *f, const struct metrics *m, struct dmem_arena *a);

/* ---- sizes.c ---- */

/* Buckets end at these powers of two: 4 KiB to 1 GiB. They are the same on all machines, so that
 * histograms can be added up. */
#define SIZES_FIRST	12
#define SIZES_LAST	30

/* The buffers of one region. */
struct sizes {
	uint64_t upto[SIZES_LAST - SIZES_FIRST + 1];	/* number of at most 2^(SIZES_FIRST + i) bytes */
	uint64_t n, sum;				/* of all, and their bytes */
};

/* Counts the buffers of @region with a known size. */
void sizes_count(const struct dmem_regions *r, const struct dmem_buffers *b, size_t region,
		 struct sizes *s);

/* Writes the end of a bucket as Prometheus itself does: "4096", "1.048576e+06". @open: a whole
 * number gets ".0", as OpenMetrics wants it. */
void sizes_print_end(FILE *f, unsigned int power, bool open);

#endif
