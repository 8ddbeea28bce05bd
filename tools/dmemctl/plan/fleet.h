/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares the needs of machines. Does no I/O of its own. */
#ifndef FLEET_H
#define FLEET_H

#include <stdio.h>

#include "machines.h"
#include "needs.h"

enum fleet_by { FLEET_NONE, FLEET_MACHINE, FLEET_MODEL };

/* The need of one machine in one region, in bytes. */
struct fleet_need {
	size_t machine;
	uint64_t need;		/* the largest of its boots */
	size_t boots, boot;	/* number of boots with the region in use, and the deciding one */
	uint64_t when;		/* ms since 1970, when that was needed */
	/* Smallest and largest capacity of its boots, or DMEM_UNKNOWN */
	uint64_t least, most;
	bool outlier;
};

/* One region in machines that are compared: all, or those of one model. */
struct fleet_group {
	const char *region, *model;	/* @model: NULL: unknown, or not by model */
	struct fleet_need *need;	/* the smallest first */
	size_t n;
	uint64_t min, p50, p95, max;
	uint64_t least, most;		/* capacities, or DMEM_UNKNOWN */
	size_t outliers;
};

struct fleet {
	struct dmem_arena arena;
	enum fleet_by by;
	struct machines machines;
	struct fleet_group *group;	/* by region, and then by model */
	size_t n;
};

/* 0 or a negative errno. Release the fleet in both cases. */
int fleet_find(struct fleet *f, const struct model *m, const struct needs_options *o,
	       enum fleet_by by);
void fleet_free(struct fleet *f);

/* Returns the name of a file, by its number. */
typedef const char *(*fleet_file_fn)(const void *data, size_t file);

/* Print the groups. */
void fleet_text(FILE *out, const struct fleet *f, const struct model *m, fleet_file_fn name,
		const void *data);
void fleet_json(FILE *out, const struct fleet *f, const struct model *m, fleet_file_fn name,
		const void *data);

#endif
