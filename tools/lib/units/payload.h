/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services that run containers or machines in other cgroups, so that a limit of the service does
 * not apply to them. */
#ifndef DMEM_PAYLOAD_H
#define DMEM_PAYLOAD_H

#include "units.h"

struct dmem_payload {
	/* To be printed after "the limit does not apply to its", or NULL: not such a service. */
	const char *what;
	const char *remedy;
};

/* Judges a service by its commands, the values of ExecStart=, or without any by its name. No I/O. 0
 * or -ENOMEM. */
int dmem_payload(struct dmem_arena *a, const char *unit, const struct dmem_list *commands,
		 struct dmem_payload *p);

/* The same with the commands in the unit's files, including generated ones. */
int dmem_units_payload(struct dmem_units *u, const char *unit, struct dmem_payload *p);

#endif
