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

/* The drop-in of one unit, or nothing, if the plan has nothing for it. True: it has. */
bool report_unit(FILE *f, const struct model *m, const struct needs *n, uint32_t service);

/* A chart, each region's worst boot. 0 or -ENOMEM. */
int report_svg(FILE *f, const struct model *m, const struct needs *n,
	       const struct needs_options *o);

#endif
