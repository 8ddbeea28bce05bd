/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of dmem-generator share: what to write, and writing it. */
#ifndef GENERATOR_H
#define GENERATOR_H

#include "units/units.h"
#include "base/log.h"

struct generator {
	struct dmem_units units;
	struct log log;
	const char *out;	/* where to write */
	const char *helper;	/* dmem-apply */
	int mistakes;
	bool failed;		/* to write something */
};

/* Each writes one level's drop-in, and what that needs. 0 or a negative errno. */
int write_service(struct generator *g, const char *level, enum dmem_effect e,
		  const struct dmem_caps *caps);
int write_slice(struct generator *g, const char *level, enum dmem_effect e,
		const struct dmem_caps *caps);

/* system.slice is there before anything could be ordered before it: its caps
 * are set early at boot. */
int write_system_slice(struct generator *g, const struct dmem_caps *caps);

#endif
