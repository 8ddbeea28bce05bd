/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services whose containers or machines are in cgroups of their own, so that a limit of the
 * service does not hold them. */
#ifndef DMEM_PAYLOAD_H
#define DMEM_PAYLOAD_H

#include "units.h"

struct dmem_payload {
	/* To be read after "the limit does not hold its", or NULL: nothing is known against
	 * the service. */
	const char *what;
	const char *remedy;
};

/* Judges a service by its commands, the values of ExecStart=, or by its name where it has
 * none. No I/O. 0 or -ENOMEM. */
int dmem_payload(struct dmem_arena *a, const char *unit, const struct dmem_list *commands,
		 struct dmem_payload *p);

/* The same with the commands that the unit's files have, also those of generators. */
int dmem_units_payload(struct dmem_units *u, const char *unit, struct dmem_payload *p);

#endif
