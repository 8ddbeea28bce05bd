/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the records of a history as text. */
#ifndef HISTLOG_H
#define HISTLOG_H

#include "dmemctl/history/history.h"

extern const struct hist_ops histlog_ops;	/* with a @data made by histlog() */

/* One line per record. Valid until the second call after this one. */
const char *histlog(const char *text, size_t len, struct hist_found *found);

#endif
