/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a history says, as text. */
#ifndef HISTLOG_H
#define HISTLOG_H

#include "dmemctl/history/history.h"

extern const struct hist_ops histlog_ops;	/* with what histlog() makes as data */

/* One line for each thing that is told. Good until the next but one call. */
const char *histlog(const char *text, size_t len, struct hist_found *found);

#endif
