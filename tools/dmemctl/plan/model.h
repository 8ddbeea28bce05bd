/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content of histories as a plan needs it: boots, services, regions, and the place of each
 * boot's samples in the files. Samples are not kept: a replay reads them from the files again. Does
 * no I/O of its own.
 */
#ifndef MODEL_H
#define MODEL_H

#include "base/map.h"
#include "dmemctl/history/history.h"
#include "lines.h"
#include "notes.h"

/* An event in a sample. */
enum model_kind {
	MODEL_BUFFER,		/* a buffer of @v bytes was found */
	MODEL_OWNER,		/* its owner is @service now, and was @was before */
	MODEL_FREED,
	MODEL_REFUSED,		/* @v requests of @service and below were refused */
};

struct model_event {
	uint64_t v, ino;
	uint32_t service, was;	/* @was: the former one; each may be MODEL_OTHERS */
	uint32_t region;
	enum model_kind kind;
};

/* A part of a file with segments of one boot, sorted by time. */
struct model_extent {
	uint64_t start;		/* ms since boot; UINT64_MAX: only single samples */
	struct lines_range range;
	bool whole;		/* all lines are known to be valid */
};

/* From @t on, the difference between wall clock and time since boot, in ms. */
struct model_clock {
	uint64_t t;
	int64_t offset;
};

/* A buffer of @v bytes existed from @t on, and its service was recorded later. */
struct model_late {
	uint64_t t, v, ino;
	uint32_t service, region;
};

struct model_boot {
	char id[HIST_BOOT + 1];
	uint64_t page, block;	/* bytes; @block may be DMEM_UNKNOWN */
	uint64_t interval;	/* the longest one, in ms */
	uint64_t from, to;	/* ms since boot, of the first and the last sample */
	uint64_t samples;
	struct model_clock *clock;	/* by time */
	size_t n_clocks;
	struct model_extent *extent;	/* by start */
	size_t n_extents;
	struct model_late *late;	/* by time */
	size_t n_late;
	bool buffers;
	const struct hist_identity *machine;	/* the last one, or NULL */
	size_t history, file;		/* numbers of the first history and file with it */
};

struct model_service {
	const char *path;
	const char *shown;	/* @path without control characters */
	const char *unit;	/* unit name, or NULL */
	uint32_t parent;	/* nearest recorded ancestor, or MODEL_NONE */
	bool has_children;
};

#define MODEL_NONE	UINT32_MAX

struct model_region {
	const char *name;	/* without control characters */
	uint64_t capacity;	/* the last one, or DMEM_UNKNOWN */
};

struct whatif;
struct convert_facts;

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
	struct notes notes;	/* device trees of the machines */
	uint64_t samples;
	const struct whatif *whatif;	/* changes that replays apply, or NULL */
	/* The histories were made of answers of Prometheus; NULL: they were recorded. */
	const struct convert_facts *prometheus;
	/* Private: bytes of each file up to the end of its last line, and maps of names. */
	uint64_t *size;
	size_t n_sizes;
	struct dmem_map services, regions, boots;
};

/* Adds a history: files @first to @last of @in, the oldest first, with @size bytes each. All zero
 * except @in is an empty model. Several histories may have samples of one boot. 0 or a negative
 * errno. */
int model_add(struct model *m, size_t first, size_t last, const uint64_t *size);

/* Call it after the last model_add(). 0 or a negative errno; -EMLINK: too many recordings of one
 * boot overlap. */
int model_sort(struct model *m);

/* The printable name of a service: its unit, or its path. */
const char *model_name(const struct model *m, uint32_t service);

/* True for "camera.service", "camera", and the path of the cgroup. */
bool model_is_unit(const struct model_service *s, const char *word);

/* Returns ms since 1970. Times before the clock was set are corrected. */
uint64_t model_wall(const struct model_boot *b, uint64_t t);

/* Returns the index of the service or region, or a negative errno. @add: make a new one if there is
 * none. */
int64_t model_find_service(struct model *m, const char *path, bool add);
int64_t model_find_region(struct model *m, const char *name, bool add);

/* Adds a service after model_sort(), below its nearest ancestor. As above. */
int64_t model_add_service(struct model *m, const char *path);

void model_free(struct model *m);

/* ---- replay of a boot, sample by sample ---- */

/* Consumers of memory: the services, and these two. */
#define MODEL_OTHERS(m)		((uint32_t)(m)->n_services)
#define MODEL_KERNEL(m)		((uint32_t)(m)->n_services + 1)
#define MODEL_TAKERS(m)		((m)->n_services + 2)

/* A consumer in one region and boot. */
struct model_consumer {
	uint32_t service;	/* or MODEL_OTHERS, MODEL_KERNEL */
	uint32_t region;
	uint64_t own;		/* bytes, without those of its descendants */
	bool gone;		/* its cgroup was removed, and the charge moved up */
	void *data;		/* for the caller's use */
	/* Private */
	struct model_consumer *up, *next, *prev;
	uint64_t current, below, implied, life, segment;
	uint32_t teller;
	bool told, changed;
};

/* A region in one boot. */
struct model_area {
	uint32_t region;
	uint64_t total;		/* bytes of all consumers */
	uint64_t capacity;	/* last recorded capacity, or DMEM_UNKNOWN */
	uint64_t largest;	/* measured size of the largest free run, or DMEM_UNKNOWN */
	struct model_consumer others, kernel;
	bool kernel_known;	/* @kernel was recorded */
	/* Consumers whose @own may have changed with this sample. */
	struct model_consumer **changed;
	size_t n_changed;
	void *data;		/* for the caller's use */
	/* Private */
	size_t room;
	uint64_t root, top;
	bool active;
};

/* One cgroup of a service in one region, from its start to its removal. */
struct model_run {
	uint32_t service, region;
	uint64_t life;
	uint64_t peak;		/* the kernel's counter, or the largest sample */
	uint64_t seen;		/* the largest sample */
	uint64_t peaked;	/* ms since boot, of the first sample after @peak */
	uint64_t refused, max, min;
	bool counted;		/* the kernel counts refusals */
	/* Private: the last value of each counter of these. */
	uint64_t refusals[HIST_EV_RESERVED - HIST_EV_ALLOC_FAIL + 1];
};

/* The time in which a service had a cgroup. */
struct model_uptime {
	uint32_t service;
	uint64_t ms;		/* recorded */
	/* Private */
	uint64_t since;
	size_t cgroups, leaving;
	uint32_t next;
};

struct model_cursor;
struct model_live;
struct whatif_replay;

struct model_replay {
	const struct model *m;
	const struct model_boot *boot;
	uint32_t region;	/* the only region to replay, or MODEL_NONE: all */
	uint64_t t;		/* time of the sample, ms since boot */
	uint64_t dt;		/* ms until the next sample; 0: a gap follows */
	uint64_t clock;		/* ms recorded before this sample, without gaps */
	/* Events of this sample, in the order of the file. */
	const struct model_event *from, *to;
	/* Areas with changes or events in this sample. Valid until the next one. */
	struct model_area **active;
	size_t n_active;
	/* With one region only: bytes of each consumer without its descendants, and of all. */
	uint64_t *own;
	uint64_t total;
	/* Cgroups found so far. */
	struct model_run *run;
	size_t n_runs;
	/* Services with a cgroup so far. */
	struct model_uptime *uptime;
	size_t n_uptimes;
	struct hist_found found;
	/* Private */
	struct dmem_arena arena;
	struct model *learn;
	struct model_area **area;
	struct dmem_map consumers, runs, buffers, owners, uptimes;
	struct model_consumer *present;
	size_t uptimes_room;
	uint32_t leaving;		/* list of uptimes with cgroups that the next sample ends */
	struct model_live *live;
	struct model_event *event;
	struct model_cursor *cursor[16];
	size_t n_live, live_room, n_events, event_room, runs_room;
	size_t next_extent, next_late;
	struct model_area **busy;	/* areas with changes or events, as recorded */
	size_t n_busy, busy_room;
	struct whatif_replay *whatif;
	uint64_t segment;
	uint32_t tellers;
	bool gap;
	int err;
};

/* 0 or a negative errno. Call model_replay_end() in both cases. @region: its index, or
 * MODEL_NONE. */
int model_replay_start(struct model_replay *r, const struct model *m, size_t boot, size_t region);
/* Goes to the next sample. False: the boot ends, or there is an error, which model_replay_end()
 * returns. */
bool model_replay_next(struct model_replay *r);
/* Hands over the cgroups found, as an array to free(). 0 or a negative errno. */
int model_replay_runs(struct model_replay *r, struct model_run **run, size_t *n);
/* Hands over the time of services without those of a changed load, as an array to free(). Call it
 * after the last sample. */
void model_replay_uptimes(struct model_replay *r, struct model_uptime **uptime, size_t *n);
int model_replay_end(struct model_replay *r);

#endif
