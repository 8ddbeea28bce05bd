/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of a recorded load: the "what if" of a plan. They are parsed before histories are read,
 * resolved against the names in these, and applied to each sample of a replay, so that all that
 * reads a replay gets the changed load. Does no I/O.
 */
#ifndef WHATIF_H
#define WHATIF_H

#include "model.h"

enum whatif_kind {
	WHATIF_SIZE,		/* REGION=SIZE */
	WHATIF_SCALE,		/* UNIT=FACTOR */
	WHATIF_WITHOUT,		/* UNIT */
	WHATIF_ADD,		/* NAME:REGION=COUNTxSIZE[:with=UNIT] */
	WHATIF_MERGE,		/* REGION,REGION[,NAME] */
	WHATIF_SPLIT,		/* REGION:UNIT[,UNIT]... */
	WHATIF_KINDS
};

/* One option of the command line. */
struct whatif_option {
	enum whatif_kind kind;
	const char *text;	/* its value */
	const char *region, *unit, *name;	/* names in the value, or NULL */
	uint64_t bytes, count;
	double factor;
	/* Resolved: the region and the service, and for a split region where it comes from. */
	uint32_t at, service, from;
	/* By service: an added service exists while one of these has charges. NULL: always. */
	const bool *with;
};

/* All zero: no change. */
struct whatif {
	struct dmem_arena arena;
	struct whatif_option *option;
	size_t n;
	bool load;		/* the load changes, not only the size of regions */
	/* By region: the size of a trial in bytes, or DMEM_UNKNOWN. NULL: no trial. */
	uint64_t *size;
	/* The reason of -EINVAL: one line, with the value and a remedy. */
	const char *problem;
	/* Private: resolved. */
	size_t n_services, n_regions;
	double *factor;		/* by service */
	uint32_t *into;		/* by recorded region: its region */
	bool *touched, *merged;	/* by region: other use than recorded; several regions */
	struct dmem_map split;	/* by service and region: its region plus 1 */
};

/* Adds an option: "REGION=48M". 0, -ENOMEM, or -EINVAL: see w->problem. */
int whatif_parse(struct whatif *w, enum whatif_kind kind, const char *text);

/* Finds the regions and services of all options in @m, after model_sort(), and adds new ones to
 * it. As above. */
int whatif_resolve(struct whatif *w, struct model *m);

void whatif_free(struct whatif *w);

/* True if regions come or go. */
bool whatif_moves_regions(const struct whatif *w);

/* The option's name, without dashes. */
const char *whatif_name(enum whatif_kind kind);

/* The factor for sizes of a service, which may be MODEL_OTHERS or MODEL_KERNEL. 0: it is left
 * out. */
double whatif_factor(const struct whatif *w, uint32_t service);

/* The region in which the service has what it was recorded with in @region. */
uint32_t whatif_region(const struct whatif *w, uint32_t service, uint32_t region);

/* ---- for replays ---- */

struct whatif_replay;

/* NULL: out of memory. */
struct whatif_replay *whatif_start(const struct whatif *w);

/* Replaces the sample of a replay by the changed one. 0 or a negative errno. */
int whatif_step(struct whatif_replay *w, struct model_replay *r);

/* The cgroups of a whole boot with their changed figures, as an array to free(). As above. */
int whatif_runs(const struct whatif_replay *w, const struct model_replay *r,
		struct model_run **run, size_t *n);

void whatif_end(struct whatif_replay *w);

#endif
