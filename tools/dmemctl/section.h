/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sections of a unit as limits that can be set. */
#ifndef SECTION_H
#define SECTION_H

#include "units/units.h"
#include "dmemctl.h"

struct section {
	struct dmem_limit *limit;	/* specifiers replaced; a later one counts */
	size_t n;
	size_t unusable;		/* number of limits left out because of a mistake */
	struct dmem_unit_limits merged;	/* as in the files */
};

/* Reads the unit search path of this machine, or of --sysroot. With @quiet, mistakes in files are
 * left out without a message. Call dmem_units_free() also after a failure. */
int section_load(struct ctl *c, struct dmem_units *u, bool quiet);

/* Reads the sections of one unit. A limit that cannot be used, such as one with a specifier in a
 * slice, is reported and left out. Returns 0 or a negative errno. */
int section_read(struct ctl *c, struct dmem_units *u, const char *unit, struct section *s);

/* Like section_read(), with @dropin in the place of the unit's present drop-in. */
int section_plan(struct ctl *c, struct dmem_units *u, const char *unit,
		 struct dmem_unit_file *dropin, struct section *s);

/* Returns the services and slices that have files, sorted by name, without aliases, masked units
 * and those whose @user is set. NULL: out of memory. */
struct dmem_unit **section_units(struct dmem_units *u, size_t *n);

/* Replaces the specifiers in a region name of a unit's section. NULL: their value is not known, or
 * out of memory. */
const char *section_region(struct dmem_arena *a, const char *unit, const char *region);

/* False if a later limit is of the same region, even by another name. */
bool section_counts(const struct section *s, size_t i, const struct dmem_regions *r);

#endif
