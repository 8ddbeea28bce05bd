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

/* @all: also cgroups without charges and limits. @open: the OpenMetrics format, which names
 * counters differently. @success: the regions and cgroups were read completely. All label sets of a
 * family are distinct. 0 or -ENOMEM; the caller checks @f for write errors. */
int metrics_print(FILE *f, const struct dmem_regions *r, const struct dmem_tree *t,
		  struct dmem_arena *a, bool all, bool open, bool success);

#endif
