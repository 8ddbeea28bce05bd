/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machines that histories are of. No I/O. */
#ifndef MACHINES_H
#define MACHINES_H

#include <string.h>

#include "model.h"

struct machine {
	/* From the histories, without control characters, or NULL */
	const char *machine, *host, *model;
	size_t history, file;	/* numbers of its first history and file */
	const struct hist_identity *id;	/* private */
};

/* All zero is empty. */
struct machines {
	struct dmem_arena arena;
	struct machine *machine;
	size_t n;
};

/* True if two texts, which may be NULL, are the same. */
static inline bool same_fact(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* The identity of a boot. Earlier recorders wrote none: then that of another boot in the same
 * history, or NULL. */
const struct hist_identity *machines_identity(const struct model *m,
					      const struct model_boot *b);

/* Returns the index of the boot's machine, which is added if it is new, or -ENOMEM. */
int64_t machines_find(struct machines *all, const struct model *m, const struct model_boot *b);

void machines_free(struct machines *all);

#endif
