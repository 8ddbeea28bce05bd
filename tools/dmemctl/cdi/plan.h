/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes of devices from the output of "dmemctl plan --json". */
#ifndef CDI_PLAN_H
#define CDI_PLAN_H

#include "dmem/dmem.h"

/* One limit of a plan. */
struct cdi_planned {
	const char *region;
	uint64_t bytes;
};

/* Reads the limits of all services in the plan, in the order of the file. Returns NULL, or the
 * problem with the text. */
const char *cdi_plan_parse(struct dmem_arena *a, const char *text, size_t len,
			   struct cdi_planned **all, size_t *n);

#endif
