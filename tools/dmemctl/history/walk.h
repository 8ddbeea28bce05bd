/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads histories from their start to their end, keeps the state of the current segment, and calls
 * a function for each selected sample.
 */
#ifndef WALK_H
#define WALK_H

#include "dmemctl/plan/model.h"

#define WALK_WORDS	64

/* The selection. All zero except @until selects everything. */
struct walk_filter {
	uint64_t since, until;		/* ms since 1970: from @since on, and before @until */
	const char *unit[WALK_WORDS], *region[WALK_WORDS];
	size_t n_units, n_regions;	/* 0: all */
};

struct walk_region {
	const char *name;
	bool kept;
	uint64_t v[HIST_R_FIGURES];
	size_t n;			/* figures that were ever written */
	int out;			/* for the caller's use: -1 at first */
};

struct walk_cgroup {
	const char *path;
	uint64_t life;
	bool kept, gone;
	int out;			/* for the caller's use: -1 at first */
};

/* Figures of a cgroup in a region. */
struct walk_figures {
	unsigned int cgroup, region;
	uint64_t v[HIST_FIGURES];
	size_t n;
};

struct walk_buffer {
	uint64_t ino, size;
	int cgroup;			/* -1: the owner is not recorded, or not selected */
	unsigned int region;
};

/* A change in a sample, in the order of the file. */
struct walk_change {
	enum walk_kind {
		WALK_REGION,		/* the first @n figures of region @at */
		WALK_CGROUP,		/* the first @n of the figures with index @at */
		WALK_GONE,		/* of cgroup @at */
		WALK_BUFFER,		/* @buffer */
		WALK_FREED,		/* @buffer, whose size may be DMEM_UNKNOWN */
	} kind;
	size_t at, n;
	struct walk_buffer buffer;
};

struct walk {
	const struct model *m;
	const struct walk_filter *filter;
	/* The next functions return 0, or an error that ends the walk. @sample: all of the state
	 * belongs to it. @end: the recorder has ended behind a selected sample. */
	int (*sample)(void *data, struct walk *w);
	int (*end)(void *data, struct walk *w, uint64_t mono);
	void *data;
	struct hist_found found;
	bool any_cgroup, any_region;	/* something matched the filter */
	uint64_t selected;		/* number of samples */
	/* State */
	const struct model_boot *boot;
	struct hist_head head;
	const struct hist_identity *id;	/* of this boot, or NULL */
	uint64_t id_wall;		/* ms since 1970, when it was written */
	struct dmem_text notes;		/* lines of the last notes, or nothing */
	size_t noted, identified;	/* number of the last notes, and of the last identity */
	size_t stretch;			/* changes with each segment, and behind samples left out */
	size_t segment;
	size_t history;			/* number of the history */
	bool first;			/* the first sample of its segment */
	struct walk_region *region;
	size_t n_regions;
	struct walk_cgroup *cgroup;
	size_t n_cgroups;
	struct walk_figures *figures;
	size_t n_figures;
	struct walk_buffer *buffer;
	size_t n_buffers;
	uint64_t mono, wall;		/* as in the sample */
	uint64_t time;			/* ms since 1970, with the clock set */
	struct walk_change *change;
	size_t n_changes;
	/* Private */
	struct dmem_arena arena, identity;
	struct dmem_map by_name, by_ino;
	struct hist_identity last_id;
	struct dmem_text making;
	size_t change_room, buffer_room;
	bool in_notes, pending, chosen;
	struct hist_reader *reader;
};

/* True if the path is that of a unit or cgroup, or below it. A word with a slash is a cgroup. */
bool walk_is_in(const char *path, const char *word);

/* Reads files @first to @last as one history. 0 or a negative errno, or the result of a function
 * above. */
int walk_history(struct walk *w, size_t first, size_t last, const uint64_t *size);
void walk_free(struct walk *w);

#endif
