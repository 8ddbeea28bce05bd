/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of dmem-generator share: what to write, and writing it. */
#ifndef GENERATOR_H
#define GENERATOR_H

#include "../tools/lib/units.h"
#include "log.h"

/* The one name that nobody else may use. It sorts last, almost. */
#define DROPIN	"zz-dmem.conf"

struct generator {
	struct dmem_units units;
	struct log log;
	const char *out;	/* where to write */
	const char *helper;	/* dmem-apply */
	int mistakes;
};

/* What a level ("a.service", "a-.service", "a@.service", "service") gets. */
enum effect {
	NOTHING,	/* a drop-in that says nothing hides a more general one */
	CAPS,
	REFUSAL,	/* the unit must not start */
};

/* Each writes one level's drop-in, and what that needs. 0 or a negative errno. */
int write_service(struct generator *g, const char *level, enum effect e,
		  const struct dmem_caps *caps);
int write_slice(struct generator *g, const char *level, enum effect e,
		const struct dmem_caps *caps);

/* system.slice is there before anything could be ordered before it: its caps
 * are set early at boot. */
int write_system_slice(struct generator *g, const struct dmem_caps *caps);

#endif
