/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the contents of histories in a few lines. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include <stdio.h>

#include "walk.h"

struct summary_machine {
	const char *machine, *host, *model, *release;	/* the last ones, or NULL */
	size_t boots;
	uint64_t samples, from, to, time;	/* ms: since 1970, since 1970, recorded */
};

struct summary_region {
	const char *name;
	uint64_t least, most;		/* capacities, in bytes; DMEM_UNKNOWN: none */
	uint64_t charged, unaccounted;	/* the highest of all samples */
};

struct summary {
	/* Private */
	struct dmem_arena arena;
	struct summary_machine *machine;
	size_t n_machines, at;
	struct summary_region *region;
	size_t n_regions;
	struct dmem_map cgroups, boots;
	size_t segment, history;
	uint64_t last, interval;
	bool ended, buffers, sizes_unknown;
};

/* Functions of a walk. */
int summary_sample(void *data, struct walk *w);
int summary_end(void *data, struct walk *w, uint64_t mono);

/* @bytes: of all text. @histories: their number. 0 or -ENOMEM. */
int summary_print(FILE *f, const struct summary *s, const struct walk *w, size_t histories,
		  uint64_t bytes);
void summary_free(struct summary *s);

#endif
