/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sections of a unit say, as limits that can be set. */
#ifndef SECTION_H
#define SECTION_H

#include "../lib/units.h"
#include "dmemctl.h"

struct section {
	struct dmem_limit *limit;	/* specifiers replaced */
	size_t n;
	struct dmem_caps caps;		/* as written */
};

/* The unit search path of this machine, or of --sysroot. With @quiet, mistakes in files are
 * not reported, only left out. To be freed with dmem_units_free(), after a failure too. */
int section_load(struct ctl *c, struct dmem_units *u, bool quiet);

/* The sections of one unit. A limit that cannot be used, such as one with a specifier in
 * a slice, is reported and left out. */
int section_read(struct ctl *c, struct dmem_units *u, const char *unit, struct section *s);

/* The limit for a region as it is named there, or NULL. */
const struct dmem_limit *section_find(const struct section *s, enum dmem_kind kind,
				      const char *region);

#endif
