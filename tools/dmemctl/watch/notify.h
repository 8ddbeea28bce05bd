/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "dmem/look.h"

/* Waits for refused requests in all cgroups. */
struct notify {
	int fd;			/* readable after a refusal; -1: not supported */
	uint64_t *id;		/* cgroups whose files are watched */
	size_t n;
};

void notify_begin(struct notify *n);

/* Adds watches for new cgroups. A request that is refused after the call makes @fd readable; an
 * earlier one may do so, too. 0 or -ENOMEM. */
int notify_update(struct notify *n, const struct dmem_sys *s);

/* Discards the events so far. */
void notify_clear(struct notify *n);

void notify_end(struct notify *n);

#endif
