/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interface between the merging of sections and the output of dmem-generator. */
#ifndef GENERATOR_H
#define GENERATOR_H

#include "units/units.h"
#include "base/log.h"

struct generator {
	struct dmem_units units;
	struct log log;
	const char *out;	/* output directory */
	const char *helper;	/* path of dmem-apply */
	int mistakes;
	bool failed;		/* some file could not be written */
};

/* Each writes the drop-in of one level, and the units that it needs. 0 or a negative errno. */
int write_service(struct generator *g, const char *level, enum dmem_effect e,
		  const struct dmem_unit_limits *limits);
int write_slice(struct generator *g, const char *level, enum dmem_effect e,
		const struct dmem_unit_limits *limits);

/* system.slice exists before a unit could be ordered before it: its limits are set early at
 * boot. */
int write_system_slice(struct generator *g, const struct dmem_unit_limits *limits);

#endif
