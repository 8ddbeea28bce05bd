/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drivers that do not charge some of the memory that users make them take. */
#ifndef DOCTOR_DRIVERS_H
#define DOCTOR_DRIVERS_H

#include <stdbool.h>

struct uncharged {
	/* In /sys/bus/<bus>/drivers; "/card": of sound cards; "/protected": of protected heaps */
	const char *driver;
	const char *with;		/* only for compatible devices; "/NAME": for those with the property; or NULL */
	bool cma;			/* of CMA areas; otherwise of the device or a carve-out */
	const char *memory;
};

#endif
