/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the figures of cgroups repeatedly, and writes the changes since the last record.
 */
#ifndef SAMPLER_H
#define SAMPLER_H

#include "dmemctl/history/history.h"

struct sampler;

struct sampler_options {
	const struct dmem_sys *sys;
	/* Units and cgroups to record. None: all that have charges or limits. */
	char * const *wanted;
	size_t n_wanted;
	/* The path of the only cgroup to read, or NULL. @wanted is empty then. */
	const char *only;
	uint64_t interval;	/* ms */
	bool buffers;
	dmem_note_fn note;
	void *data;
};

/* NULL: out of memory. @o is not copied. */
struct sampler *sampler_new(const struct sampler_options *o);
void sampler_free(struct sampler *s);

/* Takes a sample. @mono and @wall: ms since boot and since 1970. 0 or a negative errno. */
int sampler_read(struct sampler *s, uint64_t mono, uint64_t wall);

enum sampler_how {
	TELL_CHANGES,		/* nothing, if there is no change */
	TELL_TIME,		/* at least a record of the time */
	TELL_ALL,		/* a segment, which is readable on its own */
};

/* Appends records of the last sample to @t. 0 or a negative errno. */
int sampler_tell(struct sampler *s, enum sampler_how how, struct dmem_text *t);

/* Marks the records returned by the last sampler_tell() as stored. */
void sampler_told(struct sampler *s);

/* True if only a segment can describe the sample: the regions have changed, or there is no segment
 * yet. */
bool sampler_needs_segment(const struct sampler *s);

/* The number of regions and of cgroups read, and whether @wanted number @i was found. */
size_t sampler_regions(const struct sampler *s);
size_t sampler_count(const struct sampler *s);
bool sampler_has(const struct sampler *s, size_t wanted);

/* Cgroups whose figures could not be read in the last sample, without removed ones. If a directory
 * cannot be read, the cgroups below it are not counted. */
struct sampler_lost {
	size_t cgroups;
	int err;		/* of the first one: a positive errno */
	char first[512];	/* its path, without a leading slash */
};

struct sampler_lost sampler_lost(const struct sampler *s);

/* A positive errno if new cgroups are found late, because some directories cannot be watched; or
 * 0. */
int sampler_notify_error(const struct sampler *s);

#endif
