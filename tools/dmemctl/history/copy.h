/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the selected samples of histories as one history. */
#ifndef COPY_H
#define COPY_H

#include <stdio.h>

#include "walk.h"

struct copy {
	FILE *f;
	/* Private: the segment that is being written */
	size_t stretch, noted, identified, history;
	int n_regions, n_cgroups;	/* numbers that it has used */
	size_t told, named;		/* regions and cgroups of the input that were looked at */
	char boot[HIST_BOOT + 1];	/* the boot and time of the last segment */
	uint64_t last, to;
	struct dmem_text text;
};

/* Functions of a walk. -EDOM: this history and the one before it overlap. -EIO: a write error. */
int copy_sample(void *data, struct walk *w);
int copy_end(void *data, struct walk *w, uint64_t mono);
void copy_free(struct copy *c);

#endif
