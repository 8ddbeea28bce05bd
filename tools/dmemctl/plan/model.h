/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What histories tell, as a plan needs it: for each boot what happened when, and for
 * each life of a service how much it took at most. Does no I/O.
 */
#ifndef MODEL_H
#define MODEL_H

#include "../record/history.h"
#include "notes.h"

enum model_kind {
	MODEL_LOOK,		/* nothing but that time has passed; @v: wall clock, ms since 1970 */
	MODEL_USE,		/* of a service */
	MODEL_ROOT,		/* of all cgroups */
	MODEL_UNACCOUNTED,
	MODEL_BUFFER,		/* of so many bytes is there */
	MODEL_FREED,
	MODEL_REFUSED,		/* @v more requests of the service and those below it, since the
				 * sample before */
	MODEL_GAP,		/* nobody looks any more */
};

struct model_event {
	uint64_t t;		/* ms since boot */
	uint64_t v;		/* bytes */
	uint64_t ino;
	uint32_t service;	/* or that of the others */
	uint16_t region;
	uint16_t kind;
	size_t order;		/* in the file, for those of one time */
};

struct model_boot {
	char id[HIST_BOOT + 1];
	uint64_t page, block;	/* bytes; @block may be DMEM_UNKNOWN */
	uint64_t interval;	/* ms, the longest */
	int64_t epoch;		/* ms since 1970 of the boot */
	struct model_event *event;	/* by time */
	size_t n;
	bool buffers;
};

/* One life of a service in one region. */
struct model_run {
	uint32_t service, boot;
	uint16_t region;
	uint64_t life;
	uint64_t peak;		/* as the kernel tells, or as was seen */
	uint64_t seen;		/* at most, when somebody looked */
	uint64_t refused, max;
};

struct model_service {
	const char *path;
	const char *shown;	/* the same, without what a terminal would obey */
	const char *unit;	/* its name, if it is one, or NULL */
	uint32_t parent;	/* the next one above it, or MODEL_NONE */
	size_t depth;		/* how many are above it */
	bool has_children;
};

#define MODEL_NONE	UINT32_MAX

struct model_region {
	const char *name;	/* can be printed, too */
	uint64_t capacity;	/* the last one, or DMEM_UNKNOWN */
};

struct model {
	struct dmem_arena arena;
	struct model_boot *boot;
	size_t n_boots;
	struct model_service *service;
	size_t n_services;
	uint32_t *deepest;	/* the services, those with most above them first */
	struct model_region *region;
	size_t n_regions;
	struct model_run *run;
	size_t n_runs;
	size_t files, bad, newer;
	struct notes notes;	/* of the machines */
};

/* All zero is empty. Adds the text of one file; several files may tell of one boot.
 * 0 or -ENOMEM. */
int model_add(struct model *m, const char *text, size_t len);

/* After the last file. 0 or -ENOMEM. */
int model_sort(struct model *m);

/* What to call a service: its unit, or its path. It can be printed. */
const char *model_name(const struct model *m, uint32_t service);

void model_free(struct model *m);

/* ---- one boot and region, from look to look ---- */

/* Those who take memory: the services, and behind them these two. */
#define MODEL_OTHERS(m)		((uint32_t)(m)->n_services)
#define MODEL_KERNEL(m)		((uint32_t)(m)->n_services + 1)
#define MODEL_TAKERS(m)		((m)->n_services + 2)

struct model_replay {
	const struct model *m;
	const struct model_boot *boot;
	uint16_t region;
	uint64_t t;		/* now */
	uint64_t dt;		/* ms until the next look, or 0: nobody looked */
	uint64_t *own;		/* bytes of each taker, without those below it */
	uint64_t total;		/* of all */
	/* The events of this time, of all regions. */
	const struct model_event *from, *to;
	/* Its own */
	uint64_t *current, *below, root, unaccounted;
};

/* 0 or -ENOMEM. To be ended in both cases. */
int model_replay_start(struct model_replay *r, const struct model *m, size_t boot, size_t region);
bool model_replay_next(struct model_replay *r);
void model_replay_end(struct model_replay *r);

#endif
