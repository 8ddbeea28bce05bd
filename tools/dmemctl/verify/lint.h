/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a unit file, beyond what is said when it is used: systemd ignores
 * the sections and keys that it does not know, and so does dmem-generator. No I/O.
 */
#ifndef LINT_H
#define LINT_H

#include "dmem/look.h"

struct lint {
	struct dmem_arena *arena;
	/* The machine that the file is for, or NULL: not known. */
	const struct dmem_regions *regions;
	const char *cmdline;	/* of its kernel, or NULL */
	dmem_report_fn mistake, warning;
	void *data;
};

/* Reports all that is wrong with the text of @file, which is kept. @unit is the name of
 * the unit that it is for, or of a type, such as "service", or NULL. Sets *@present if
 * it has our section. 0 or -ENOMEM. */
int lint_file(struct lint *l, const char *file, const char *unit, const char *text, size_t len,
	      bool *present);

/* Which of our keys @key was meant to be, "" if it is only clear that it was one of
 * them, or NULL. */
const char *lint_meant(const char *key);

#endif
