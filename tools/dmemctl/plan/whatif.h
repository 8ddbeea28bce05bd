/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of a recorded load: the "what if" of a plan. They are parsed before histories are read,
 * and resolved against the names in these. Does no I/O.
 */
#ifndef WHATIF_H
#define WHATIF_H

#include "model.h"

enum whatif_kind {
	WHATIF_SIZE,		/* REGION=SIZE */
	WHATIF_KINDS
};

/* One option of the command line. */
struct whatif_option {
	enum whatif_kind kind;
	const char *text;	/* its value */
	const char *region;
	uint64_t bytes;
};

/* All zero: no change. */
struct whatif {
	struct dmem_arena arena;
	struct whatif_option *option;
	size_t n;
	/* By region: the size of a trial in bytes, or DMEM_UNKNOWN. NULL: no trial. */
	uint64_t *size;
	/* The reason of -EINVAL: one line, with the value and a remedy. */
	const char *problem;
};

/* Adds an option: "REGION=48M". 0, -ENOMEM, or -EINVAL: see w->problem. */
int whatif_parse(struct whatif *w, enum whatif_kind kind, const char *text);

/* Finds the regions and services of all options in @m, after model_sort(). As above. */
int whatif_resolve(struct whatif *w, struct model *m);

void whatif_free(struct whatif *w);

#endif
