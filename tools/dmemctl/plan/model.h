/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What histories contain, as a plan needs it: boots, services, regions, and where in which
 * file the samples of each boot are. Samples are not kept: a caller that needs them
 * replays the boot, which reads the files again. Does no I/O of its own.
 */
#ifndef MODEL_H
#define MODEL_H

#include "base/map.h"
#include "dmemctl/history/history.h"
#include "lines.h"
#include "notes.h"

/* Something that happened in a sample. */
enum model_kind {
	MODEL_BUFFER,		/* a buffer of @v bytes is there */
	MODEL_OWNER,		/* it is charged to @service, not to @was: as was thought, or any
				 * more */
	MODEL_FREED,
	MODEL_REFUSED,		/* @v more requests of the service and those below it, since the
				 * sample before */
};

struct model_event {
	uint64_t v, ino;
	uint32_t service, was;	/* or that of the others */
	uint32_t region;
	enum model_kind kind;
};

/* A part of a file that has segments of one boot, the earlier ones first. */
struct model_extent {
	uint64_t start;		/* ms since boot; UINT64_MAX: single samples alone */
	struct lines_range range;
	bool whole;		/* each line is known to be */
};

/* From @t on, the wall clock was so many ms ahead of the time since boot. */
struct model_clock {
	uint64_t t;
	int64_t offset;
};

/* A buffer of @v bytes that existed from @t on, before it was told to be the service's. */
struct model_late {
	uint64_t t, v, ino;
	uint32_t service, region;
};

struct model_boot {
	char id[HIST_BOOT + 1];
	uint64_t page, block;	/* bytes; @block may be DMEM_UNKNOWN */
	uint64_t interval;	/* ms, the longest */
	uint64_t from, to;	/* ms since boot, of the first and the last sample */
	uint64_t samples;
	struct model_clock *clock;	/* by time */
	size_t n_clocks;
	struct model_extent *extent;	/* by start */
	size_t n_extents;
	struct model_late *late;	/* by time */
	size_t n_late;
	bool buffers;
};

struct model_service {
	const char *path;
	const char *shown;	/* the same, without what a terminal would obey */
	const char *unit;	/* its name, if it is one, or NULL */
	uint32_t parent;	/* the next one above it, or MODEL_NONE */
	bool has_children;
};

#define MODEL_NONE	UINT32_MAX

struct model_region {
	const char *name;	/* can be printed, too */
	uint64_t capacity;	/* the last one, or DMEM_UNKNOWN */
};

struct model {
	struct dmem_arena arena;
	struct lines_input in;
	struct model_boot *boot;
	size_t n_boots;
	struct model_service *service;
	size_t n_services;
	struct model_region *region;
	size_t n_regions;
	size_t files, bad, newer;
	struct notes notes;	/* of the machines */
	uint64_t samples;
	/* Its own: bytes of each file up to the end of its last line, and where names are. */
	uint64_t *size;
	size_t n_sizes;
	struct dmem_map services, regions, boots;
};

/* All zero but @in is empty. Adds a history, of files @first to @last of @in, which has
 * @size bytes each: those before the last are older. Several histories may have samples of
 * one boot. 0 or a negative errno. */
int model_add(struct model *m, size_t first, size_t last, const uint64_t *size);

/* After the last one. 0 or a negative errno; -EMLINK: too many recordings of one boot
 * overlap. */
int model_sort(struct model *m);

/* What to call a service: its unit, or its path. It can be printed. */
const char *model_name(const struct model *m, uint32_t service);

/* ms since 1970. A clock that had not been set yet is corrected by what it was set to. */
uint64_t model_wall(const struct model_boot *b, uint64_t t);

/* The number of the service or region, or a negative errno. @add: if there is none. */
int64_t model_find_service(struct model *m, const char *path, bool add);
int64_t model_find_region(struct model *m, const char *name, bool add);

void model_free(struct model *m);

/* ---- one boot, from sample to sample ---- */

/* Those who take memory: the services, and behind them these two. */
#define MODEL_OTHERS(m)		((uint32_t)(m)->n_services)
#define MODEL_KERNEL(m)		((uint32_t)(m)->n_services + 1)
#define MODEL_TAKERS(m)		((m)->n_services + 2)

/* One of them in one region and boot. */
struct model_taker {
	uint32_t service;	/* or one of those two */
	uint32_t region;
	uint64_t own;		/* bytes, without those below it */
	void *data;		/* the caller's */
	/* Its own */
	struct model_taker *up, *next, *prev;
	uint64_t current, below, implied, life, segment;
	uint32_t teller;
	bool told, changed;
};

/* A region in one boot. */
struct model_area {
	uint32_t region;
	uint64_t total;		/* bytes of all */
	uint64_t capacity;	/* of the last record that has it, or DMEM_UNKNOWN */
	uint64_t largest;	/* the largest free run, as measured now, or DMEM_UNKNOWN */
	struct model_taker others, kernel;
	/* Those whose @own may have changed with this sample. */
	struct model_taker **changed;
	size_t n_changed;
	void *data;		/* the caller's */
	/* Its own */
	size_t room;
	uint64_t root, top;
	bool active;
};

/* One life of a service in one region. */
struct model_run {
	uint32_t service, region;
	uint64_t life;
	uint64_t peak;		/* of the kernel's counter, or of the samples */
	uint64_t seen;		/* the most in a sample */
	uint64_t refused, max;
	bool counted;		/* the kernel counts refusals */
};

struct model_cursor;
struct model_live;

struct model_replay {
	const struct model *m;
	const struct model_boot *boot;
	uint32_t region;	/* the only one of interest, or MODEL_NONE: all are */
	uint64_t t;		/* now */
	uint64_t dt;		/* ms until the next sample, or 0: nothing was recorded then */
	/* The events of this sample, in the order of the file. */
	const struct model_event *from, *to;
	/* The areas that have changes or events now. */
	struct model_area **active;
	size_t n_active;
	/* With one region: bytes of each taker, without those below it, and of all. */
	uint64_t *own;
	uint64_t total;
	/* Of the samples that were read so far: complete at the end. */
	struct model_run *run;
	size_t n_runs;
	struct hist_found found;
	/* Its own */
	struct dmem_arena arena;
	struct model *learn;
	struct model_area **area;
	struct dmem_map takers, runs, buffers, owners;
	struct model_taker *present;
	struct model_live *live;
	struct model_event *event;
	struct model_cursor *cursor[16];
	size_t n_live, live_room, n_events, event_room, active_room, runs_room;
	size_t next_extent, next_late;
	uint64_t segment;
	uint32_t tellers;
	bool gap;
	int err;
};

/* 0 or a negative errno. To be ended in both cases. @region: its number, or MODEL_NONE. */
int model_replay_start(struct model_replay *r, const struct model *m, size_t boot, size_t region);
/* False: at the end, or an error, which model_replay_end() returns. */
bool model_replay_next(struct model_replay *r);
int model_replay_end(struct model_replay *r);

#endif
