/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares a plan with the present sizes and limits. Does no I/O of its own, except to print. */
#ifndef DIFF_H
#define DIFF_H

#include "report.h"

enum diff_key { DIFF_SIZE, DIFF_MAX, DIFF_MIN };

enum diff_change {
	DIFF_SAME,
	DIFF_NEW,		/* there was no size or limit */
	DIFF_GROWS,
	DIFF_SHRINKS,
	DIFF_KEPT,		/* the plan has no value, and leaves the present one */
	DIFF_UNKNOWN,		/* the present value is not known */
};

/* One size, limit or reservation, in bytes. */
struct diff_row {
	enum diff_key key;
	size_t region;		/* its index in struct needs */
	uint32_t service;	/* MODEL_NONE: the region itself */
	uint64_t now;		/* DMEM_NO_LIMIT, or DMEM_UNKNOWN */
	uint64_t proposed;	/* DMEM_UNKNOWN: none */
	const char *note;	/* why the value is not in the drop-ins of a plan, or NULL */
};

struct diff {
	struct dmem_arena arena;
	const struct model *m;
	const struct needs *n;
	struct diff_row *row;	/* by region: its size, its services, its slices */
	size_t n_rows;
};

/* Compares with the capacities and limits that were recorded last. The proposed limits are those of
 * report_unit(). 0 or -ENOMEM. Release @d in both cases. */
int diff_find(struct diff *d, const struct model *m, const struct needs *n,
	      const struct needs_options *o);
void diff_free(struct diff *d);

enum diff_change diff_change(const struct diff_row *r);

/* True if the row is a limit or reservation that a drop-in of the plan has. */
bool diff_is_limit(const struct diff_row *r);

/* Prints a table on stdout. 0 or a negative errno. */
int diff_print(const struct diff *d, bool json);

#endif
