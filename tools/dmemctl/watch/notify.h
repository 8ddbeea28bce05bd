/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "dmem/look.h"

/* Waits for refusals, of all cgroups there are. */
struct notify {
	int fd;			/* readable after a refusal; -1: cannot tell */
	uint64_t *id;		/* the cgroups whose files are watched */
	size_t n;
};

void notify_begin(struct notify *n);

/* Finds the files to be watched. What is refused after this is told; what was refused
 * before may be, too. 0 or -ENOMEM. */
int notify_update(struct notify *n, const struct dmem_sys *s);

/* Forgets what was told so far. */
void notify_clear(struct notify *n);

void notify_end(struct notify *n);

#endif
