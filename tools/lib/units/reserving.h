/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The services with a reservation by their slice, and the slices by the slice above. The index is
 * made once, and only if a slice has DeviceMemoryMinPropagate=yes. All memory belongs to the arena
 * of struct dmem_units.
 */
#ifndef DMEM_RESERVING_H
#define DMEM_RESERVING_H

#include "units.h"

/* The last reservation and the last limit of a unit for one region. */
struct dmem_reserved {
	const char *region;		/* without specifiers */
	struct dmem_value min, max;	/* DMEM_NO_LIMIT: the unit has no limit */
	bool has_min;
	size_t at;			/* of the reservation in the unit's limits */
};

struct dmem_reserved_list {
	struct dmem_reserved *of;	/* sorted by region, each region once */
	size_t n;
	/* The reservations by the name of a heap. It may be another name of a region that counts
	 * already: they cannot be told apart before the driver is loaded. */
	const struct dmem_section_limit **heap;
	size_t n_heaps;
};

/* A service, or a template of services. */
struct dmem_reserving {
	struct dmem_reserving *next;	/* in the same slice */
	const char *unit, *slice;
	bool template;
	struct dmem_reserved_list own;
};

/* A template whose slice depends on the instance: "media-%i.slice". */
struct dmem_slice_pattern {
	const char *unit, *prefix, *suffix;
	/* Where its warning was reported last, so that a prefix of slices reports it once. */
	const char *told_file;
	unsigned int told_line;
};

/* The sum for one region. */
struct dmem_sum {
	const char *region;
	struct dmem_value value;
	bool mixed;		/* of sizes and percentages: @value has no meaning */
};

struct dmem_sums {
	struct dmem_sum *of;	/* sorted by region, each region once */
	size_t n;
};

struct dmem_slice {
	struct dmem_slice *child, *next;	/* @next: below the same slice */
	struct dmem_reserving *service;
	const char *name;
	bool left_out;			/* masked or transient: it does not count above */
	/* Calculated once, when they are first needed. */
	bool below_known, counts_known;
	struct dmem_sums below;		/* of all units directly in it */
	struct dmem_sums counts;	/* of the slice in the one above it */
	struct dmem_reserved_list own;	/* known with @counts */
};

/* Makes the index. With @report, reports services whose slice is not known. 0 or -ENOMEM. */
int dmem_reserving_find(struct dmem_units *u, const char *program, bool report);

/* Lists the reservations in the merged files of a unit. 0 or -ENOMEM. */
int dmem_reserving_own(struct dmem_units *u, const char *unit, const struct dmem_unit_limits *limits,
		       struct dmem_reserved_list *own);

/* Merges the files of a slice. 0 or -ENOMEM. */
int dmem_reserving_merge(struct dmem_units *u, const char *slice, const char *program,
			 struct dmem_unit_limits *limits);

/* Returns the next one, from *@at on, whose instances may be in the slice of this name, or in one
 * with this prefix if @level. Start with *@at = 0 and *@len = 0. NULL: there is none. */
struct dmem_slice_pattern *dmem_reserving_pattern(struct dmem_units *u, const char *slice, bool level,
						  size_t *at, size_t *len);

#endif
