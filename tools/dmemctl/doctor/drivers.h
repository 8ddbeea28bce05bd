/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drivers that do not charge some of the memory that users make them take. */
#ifndef DOCTOR_DRIVERS_H
#define DOCTOR_DRIVERS_H

#include <stdbool.h>

struct uncharged {
	const char *driver;		/* in /sys/bus/<bus>/drivers */
	const char *with;		/* only for compatible devices; or NULL */
	bool cma;			/* of CMA areas; otherwise of the device or a carve-out */
	const char *memory;
};

#endif
