/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures as Prometheus and OpenMetrics write them. */
#ifndef METRICS_H
#define METRICS_H

#include <stdio.h>

#include "dmem/look.h"

/* The figures of a cgroup that are told. */
#define METRICS_FIGURES	(DMEM_BIT(DMEM_F_CURRENT) | DMEM_BIT(DMEM_F_PEAK) | DMEM_BIT(DMEM_F_MIN) | \
			 DMEM_BIT(DMEM_F_LOW) | DMEM_BIT(DMEM_F_MAX) | DMEM_BIT(DMEM_F_EV_MAX) | \
			 DMEM_REFUSALS)

/* A label's value, without the quotes around it: text_put() for TEXT_UTF8, with the
 * escapes of the format. */
void metrics_label(FILE *f, const char *s, size_t len);

/* @all: cgroups that use and limit nothing, too. @open: OpenMetrics, which names the
 * counters in another way. @success: the regions and cgroups were read. Two series never
 * have the same labels. 0 or -ENOMEM; whether @f has taken it is for the caller
 * to find out. */
int metrics_print(FILE *f, const struct dmem_regions *r, const struct dmem_tree *t,
		  struct dmem_arena *a, bool all, bool open, bool success);

#endif
