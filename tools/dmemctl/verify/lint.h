/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds mistakes in a unit file that cause no message otherwise: systemd and dmem-generator both
 * ignore unknown sections and keys. Does no I/O.
 */
#ifndef LINT_H
#define LINT_H

#include "dmem/look.h"

struct lint {
	struct dmem_arena *arena;
	/* Regions of the machine that the file is for, or NULL: not known. */
	const struct dmem_regions *regions;
	const char *cmdline;	/* of the machine's kernel, or NULL */
	dmem_report_fn mistake, warning;
	void *data;
};

/* Reports all mistakes in the text of @file, which is not copied. @unit: the unit that the file is
 * for, or a type such as "service", or NULL. Sets *@present if the file has a section for dmem. 0
 * or -ENOMEM. */
int lint_file(struct lint *l, const char *file, const char *unit, const char *text, size_t len,
	      bool *present);

/* The key that @key was probably meant to be; "": one of our keys, but it is not clear which; NULL:
 * none. */
const char *lint_meant(const char *key);

#endif
