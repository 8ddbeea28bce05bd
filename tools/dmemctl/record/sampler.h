/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the figures of the cgroups again and again, and tells the changes since they
 * were last told.
 */
#ifndef SAMPLER_H
#define SAMPLER_H

#include "dmemctl/history/history.h"

struct sampler;

struct sampler_options {
	const struct dmem_sys *sys;
	/* Units and cgroups, or none: all that use or limit something. */
	char * const *wanted;
	size_t n_wanted;
	/* The path of the only cgroup to read, or NULL: then @wanted is empty. */
	const char *only;
	uint64_t interval;	/* ms */
	bool buffers;
	dmem_note_fn note;
	void *data;
};

/* NULL: no memory. @o is kept. */
struct sampler *sampler_new(const struct sampler_options *o);
void sampler_free(struct sampler *s);

/* Reads the figures. @mono and @wall are ms. 0 or a negative errno. */
int sampler_read(struct sampler *s, uint64_t mono, uint64_t wall);

enum sampler_how {
	TELL_CHANGES,		/* nothing, where all is as it was told */
	TELL_TIME,		/* at least that it is so */
	TELL_ALL,		/* a segment, which stands alone */
};

/* Adds the records that tell of it to @t. 0 or a negative errno. */
int sampler_tell(struct sampler *s, enum sampler_how how, struct dmem_text *t);

/* What the last call has told has been kept. */
void sampler_told(struct sampler *s);

/* Only a segment can tell it: there are other regions, or no segment yet. */
bool sampler_needs_segment(const struct sampler *s);

/* How many regions there are, how many cgroups are read, and of @wanted, is this
 * one there? */
size_t sampler_regions(const struct sampler *s);
size_t sampler_count(const struct sampler *s);
bool sampler_has(const struct sampler *s, size_t wanted);

/* Cgroups whose figures could not be read in the last sample, but not those that were
 * removed. Where a directory cannot be read, those below it are not known. */
struct sampler_lost {
	size_t cgroups;
	int err;		/* of the first one, an errno */
	char first[512];	/* its path, without a slash before it */
};

struct sampler_lost sampler_lost(const struct sampler *s);

/* An errno: new cgroups are found late, because not all directories can be watched. Or 0. */
int sampler_notify_error(const struct sampler *s);

#endif
