// SPDX-License-Identifier: GPL-2.0-or-later
/* Merges the files of a unit for dmemctl. */
#include <errno.h>

#include "units.h"

int dmem_units_merge(struct dmem_units *u, struct dmem_unit_file **f, size_t n, bool all,
		     const char *hidden, struct dmem_unit_limits *limits)
{
	*limits = (struct dmem_unit_limits){ 0 };
	for (size_t i = 0; i < n; i++) {
		if (dmem_units_parse(u, f[i], all))
			return -ENOMEM;
		if (f[i]->state == PARSED &&
		    dmem_unit_limits_add(&u->arena, limits, &f[i]->section, hidden))
			return -ENOMEM;
	}
	return dmem_unit_limits_check_mounts(&u->arena, u->sys.root, limits, hidden);
}

int dmem_units_limits_of(struct dmem_units *u, const char *name, const char *hidden,
			 struct dmem_unit_limits *limits)
{
	struct dmem_unit *unit = dmem_units_find(u, name);
	struct dmem_unit_file **f;
	size_t n;
	int ret;

	for (int hop = 0; unit && unit->alias_of && hop < 8; hop++) {
		name = unit->alias_of;
		unit = dmem_units_find(u, name);
	}
	ret = dmem_units_files(u, name, &f, &n);
	if (!ret)
		ret = dmem_units_merge(u, f, n, true, hidden, limits);
	return ret ? ret : dmem_units_propagate(u, name, hidden, false, limits);
}
