/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "dmemctl record" writes: lines, each with its checksum, see
 * dmem-history(5). Nothing here does I/O.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "dmem/look.h"

#define HIST_VERSION	1
/* Of a segment of notes about the machine, which changes nothing else. Readers of version 1
 * leave it out. */
#define HIST_NOTES	2
#define HIST_NODES	4096	/* at most, in such a segment */
#define HIST_PROPERTY	4096	/* bytes of a property, at most */
#define HIST_BOOT	36	/* characters of a boot id */
#define HIST_NAME	4096	/* bytes of a name, with a zero, at most */

/* Of a cgroup and region, those that change most come first. Bytes, or requests. */
enum hist_figure {
	HIST_CURRENT, HIST_PEAK,
	HIST_EV_MAX, HIST_EV_ALLOC_FAIL, HIST_EV_EXHAUSTED, HIST_EV_RESERVED,
	HIST_MAX, HIST_MIN,
	HIST_FIGURES
};

/* Of a region, in bytes. */
enum hist_region_figure {
	HIST_R_CURRENT, HIST_R_UNACCOUNTED, HIST_R_LARGEST, HIST_R_CAPACITY,
	HIST_R_FIGURES
};

/* Starts a segment, which stands alone: numbers of cgroups and regions are its own. */
struct hist_head {
	char boot[HIST_BOOT + 1];
	uint64_t wall, mono;	/* ms since 1970, and since that boot */
	uint64_t interval;	/* ms between two samples */
	uint64_t page;		/* bytes */
	uint64_t block;		/* what a CMA area is aligned to, or DMEM_UNKNOWN */
	bool buffers;		/* each buffer is told of */
};

/* ---- writing ---- */

/* A record: its name, and what hist_add() puts behind it until hist_end(). An
 * error, which can only be -ENOMEM, is told by hist_end(). */
struct hist_line {
	struct dmem_text *t;
	size_t start;
	int err;
};

void hist_begin(struct hist_line *l, struct dmem_text *t, char record);
void hist_add(struct hist_line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A blank, and a name in which nothing is left that has a meaning here. */
void hist_add_name(struct hist_line *l, const char *name);
/* "=" and figures, of which DMEM_UNKNOWN and DMEM_NO_LIMIT are words. */
void hist_add_figures(struct hist_line *l, const uint64_t *v, size_t n);
/* After an error the text is as it was before hist_begin(). */
int hist_end(struct hist_line *l);

int hist_put_head(struct dmem_text *t, const struct hist_head *h);

/* Starts a segment of notes, as of @wall ms since 1970. */
int hist_put_notes_head(struct dmem_text *t, uint64_t wall);
/* A blank, and a property of a device tree's node. @name has small letters, digits and ",#_-" only. */
void hist_add_property(struct hist_line *l, const char *name, const void *value, size_t len);

/* ---- reading ---- */

/* Called in the order of the file. Not 0 ends the reader, which returns it. Numbers
 * of regions and cgroups count from 0 in each segment. Of figures, the first @n are
 * told, and the others are what they were. Strings live until the call returns. */
struct hist_ops {
	int (*head)(void *data, const struct hist_head *h);
	int (*region)(void *data, unsigned int region, const char *name);
	/* @life: the inode number of its directory */
	int (*cgroup)(void *data, unsigned int cgroup, uint64_t life, const char *path);
	/* What follows is of this time, until the next one. */
	int (*sample)(void *data, uint64_t mono, uint64_t wall);
	int (*region_figures)(void *data, unsigned int region, const uint64_t *v, size_t n);
	int (*figures)(void *data, unsigned int cgroup, unsigned int region, const uint64_t *v,
		       size_t n);
	int (*gone)(void *data, unsigned int cgroup);
	/* @cgroup is -1: somebody who is not recorded. */
	int (*buffer)(void *data, uint64_t ino, int cgroup, unsigned int region, uint64_t size);
	int (*freed)(void *data, uint64_t ino);
	/* The recorder has ended, and knows nothing of what comes. */
	int (*end)(void *data, uint64_t mono);
	/* A segment of notes: nodes of the device tree ("/", "/a/b") with their properties,
	 * and words of the kernel's command line. Nothing of it counts unless noted() is
	 * called behind the last one. */
	int (*notes)(void *data, uint64_t wall);
	int (*node)(void *data, const char *path);
	int (*property)(void *data, const char *name, const void *value, size_t len);
	int (*word)(void *data, const char *word);
	int (*noted)(void *data);
};

struct hist_found {
	size_t records;
	/* Lines that are not whole, and those after them that cannot be understood
	 * without; records of a later version. The last line may be cut off at any time. */
	size_t bad, newer;
	bool torn;
};

/* Is this how such a file begins? It may be shorter than a record. */
bool hist_is(const char *text, size_t len);

/* Bytes up to the end of the last line. */
size_t hist_whole(const char *text, size_t len);

/* A reader to which lines are given one by one, for files that are larger than memory. */
struct hist_reader;

/* To be freed by free(). @ops and @data live as long. NULL: no memory. */
struct hist_reader *hist_reader_new(const struct hist_ops *ops, void *data);

/* The lines that follow are known to be whole: only their text is read. */
void hist_reader_trust(struct hist_reader *r, bool trusted);

/* Is the line (without its end, with a zero there) a sample or an end that can be read? Of
 * which time? It is not read yet: that is for hist_reader_line(), next. */
bool hist_reader_time(struct hist_reader *r, const char *line, size_t len, uint64_t *mono);

/* Reads the next line, and counts in @found what hist_read() counts. 0, or what an op has
 * returned. */
int hist_reader_line(struct hist_reader *r, const char *line, size_t len,
		     struct hist_found *found);

/* Any of @ops may be NULL. 0, or what an op has returned. */
int hist_read(const char *text, size_t len, const struct hist_ops *ops, void *data,
	      struct hist_found *found);

#endif
