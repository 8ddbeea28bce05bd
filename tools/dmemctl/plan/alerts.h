/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of Prometheus for the metrics of "dmemctl metrics". */
#ifndef ALERTS_H
#define ALERTS_H

#include "report.h"

/* Prints a file of rules, in YAML and ASCII only. Thresholds are bytes. The caller checks @f for
 * write errors. 0 or -ENOMEM. */
int alerts_print(FILE *f, const struct model *m, const struct needs *n,
		 const struct needs_options *o);

#endif
