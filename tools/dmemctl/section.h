/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sections of a unit say, as limits that can be set. */
#ifndef SECTION_H
#define SECTION_H

#include "units/units.h"
#include "dmemctl.h"

struct section {
	struct dmem_limit *limit;	/* specifiers replaced; the later one counts */
	size_t n;
	size_t unusable;		/* how many are not there, since they mean nothing */
	struct dmem_caps caps;		/* as written */
};

/* The unit search path of this machine, or of --sysroot. With @quiet, mistakes in files are
 * not reported, only left out. To be freed with dmem_units_free(), after a failure too. */
int section_load(struct ctl *c, struct dmem_units *u, bool quiet);

/* The sections of one unit. A limit that cannot be used, such as one with a specifier in
 * a slice, is reported and left out. */
int section_read(struct ctl *c, struct dmem_units *u, const char *unit, struct section *s);

/* The same as it will be with @dropin, of the unit's own, in the place of what is there. */
int section_plan(struct ctl *c, struct dmem_units *u, const char *unit,
		 struct dmem_unit_file *dropin, struct section *s);

/* Services and slices that have files of their own, by name, but those whose @user is set,
 * aliases and masked ones. NULL: no memory. */
struct dmem_unit **section_units(struct dmem_units *u, size_t *n);

/* What a word of a unit's section names, specifiers replaced. NULL: it cannot be known, or
 * there is no memory. */
const char *section_region(struct dmem_arena *a, const char *unit, const char *region);

/* Does this one count? Not if a later one is of the same region, by whatever name. */
bool section_counts(const struct section *s, size_t i, const struct dmem_regions *r);

#endif
