/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the machine that a history is of. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "dmemctl/history/history.h"

/* The strings of @id live here. */
struct identity {
	struct hist_identity id;
	struct dmem_arena arena;
};

/* Unknown facts are NULL. 0 or -ENOMEM. Release in both cases. */
int identity_read(struct identity *i, const struct dmem_sys *s);
void identity_free(struct identity *i);

#endif
