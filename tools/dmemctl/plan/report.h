/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plan looks like: texts, written to a stream that may be memory. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "needs.h"

void report_text(FILE *f, const struct model *m, const struct needs *n,
		 const struct needs_options *o);
void report_json(FILE *f, const struct model *m, const struct needs *n,
		 const struct needs_options *o);

/* Limits and reservations by service and region, of slices as well. */
struct report_units {
	const struct model *m;
	const struct needs *n;
	struct dmem_map cap, min;	/* bytes; of limits 1 more */
};

/* 0 or -ENOMEM. To be freed in both cases. */
int report_units_find(struct report_units *u, const struct model *m, const struct needs *n);
void report_units_free(struct report_units *u);

/* The drop-in of one unit, or nothing, if the plan has nothing for it. True: it has. */
bool report_unit(FILE *f, const struct report_units *u, uint32_t service);

/* A chart, each region's worst boot. 0 or -ENOMEM. */
int report_svg(FILE *f, const struct model *m, const struct needs *n,
	       const struct needs_options *o);

#endif
