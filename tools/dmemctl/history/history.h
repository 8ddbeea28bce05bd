/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records that "dmemctl record" writes: lines, each with a checksum. See dmem-history(5). Does
 * no I/O.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "dmem/look.h"

#define HIST_VERSION	1
/* Version of a segment with notes about the machine. Readers of version 1 skip it. */
#define HIST_NOTES	2
/* Version of a line with the identity of the machine. Earlier readers skip it. */
#define HIST_IDENTITY	3
#define HIST_FACT	512	/* bytes of a name in it with its zero, at most */
#define HIST_NODES	4096	/* nodes in such a segment, at most */
#define HIST_PROPERTY	4096	/* bytes of a property, at most */
#define HIST_BOOT	36	/* characters of a boot id */
#define HIST_NAME	4096	/* bytes of a name with its zero, at most */

/* Figures of a cgroup in a region, sorted by how often they change. Bytes, or requests. */
enum hist_figure {
	HIST_CURRENT, HIST_PEAK,
	HIST_EV_MAX, HIST_EV_ALLOC_FAIL, HIST_EV_EXHAUSTED, HIST_EV_RESERVED,
	HIST_MAX, HIST_MIN,
	HIST_FIGURES
};

/* Figures of a region, in bytes. */
enum hist_region_figure {
	HIST_R_CURRENT, HIST_R_UNACCOUNTED, HIST_R_LARGEST, HIST_R_CAPACITY,
	HIST_R_FIGURES
};

/* Start of a segment. Numbers of cgroups and regions are valid in one segment only. */
struct hist_head {
	char boot[HIST_BOOT + 1];
	uint64_t wall, mono;	/* ms since 1970, and since that boot */
	uint64_t interval;	/* ms between two samples */
	uint64_t page;		/* bytes */
	uint64_t block;		/* alignment of CMA areas, or DMEM_UNKNOWN */
	bool buffers;		/* the segment has records of buffers */
};

/* The machine of a boot. NULL: unknown. */
struct hist_identity {
	char boot[HIST_BOOT + 1];
	const char *machine;	/* hashed id, see dmem-history(5) */
	const char *host, *model, *release;
};

/* ---- writing ---- */

/* A record in the making: hist_begin() writes its name, hist_add...() append fields, hist_end()
 * adds the checksum. An error, which can only be -ENOMEM, is returned by hist_end(). */
struct hist_line {
	struct dmem_text *t;
	size_t start;
	int err;
};

void hist_begin(struct hist_line *l, struct dmem_text *t, char record);
void hist_add(struct hist_line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends a blank and a name. Characters with a meaning in the file are replaced. */
void hist_add_name(struct hist_line *l, const char *name);
/* Appends "=" and figures. DMEM_UNKNOWN and DMEM_NO_LIMIT are written as words. */
void hist_add_figures(struct hist_line *l, const uint64_t *v, size_t n);
/* 0 or -ENOMEM; then the text is as it was before hist_begin(). */
int hist_end(struct hist_line *l);

int hist_put_head(struct dmem_text *t, const struct hist_head *h);

/* Writes the machine of the segments with its boot that follow, at @wall ms since 1970. 0 or
 * -ENOMEM. */
int hist_put_identity(struct dmem_text *t, uint64_t wall, const struct hist_identity *id);
/* The name of the first known fact in that line, or NULL: nothing is known. */
const char *hist_identity_first(const struct hist_identity *id);

/* Starts a segment of notes, written at @wall ms since 1970. 0 or -ENOMEM. */
int hist_put_notes_head(struct dmem_text *t, uint64_t wall);
/* Appends a blank and a property of a device tree node. @name consists of small letters, digits and
 * ",#_-". */
void hist_add_property(struct hist_line *l, const char *name, const void *value, size_t len);

/* True if both are the same machine, with the same names, in the same boot. */
bool hist_identity_same(const struct hist_identity *a, const struct hist_identity *b);
/* Copies the strings, too. 0 or -ENOMEM. */
int hist_identity_copy(struct hist_identity *to, struct dmem_arena *a,
		       const struct hist_identity *from);

/* ---- reading ---- */

/* Called in the order of the file. A result other than 0 ends the reader, which returns it. Numbers
 * of regions and cgroups start from 0 in each segment. Of the figures, the first @n have new
 * values, and the others keep theirs. Strings are valid until the call returns. */
struct hist_ops {
	int (*head)(void *data, const struct hist_head *h);
	int (*region)(void *data, unsigned int region, const char *name);
	/* @life: the inode number of its directory */
	int (*cgroup)(void *data, unsigned int cgroup, uint64_t life, const char *path);
	/* The following calls belong to this time, until the next sample. */
	int (*sample)(void *data, uint64_t mono, uint64_t wall);
	int (*region_figures)(void *data, unsigned int region, const uint64_t *v, size_t n);
	int (*figures)(void *data, unsigned int cgroup, unsigned int region, const uint64_t *v,
		       size_t n);
	int (*gone)(void *data, unsigned int cgroup);
	/* @cgroup is -1: the owner is not recorded. */
	int (*buffer)(void *data, uint64_t ino, int cgroup, unsigned int region, uint64_t size);
	int (*freed)(void *data, uint64_t ino);
	/* The recorder has ended: nothing is known until the next segment. */
	int (*end)(void *data, uint64_t mono);
	/* A segment of notes: nodes of the device tree ("/", "/a/b") with their properties, and
	 * words of the kernel's command line. The notes are valid only if noted() is called after
	 * the last one. */
	int (*notes)(void *data, uint64_t wall);
	int (*node)(void *data, const char *path);
	int (*property)(void *data, const char *name, const void *value, size_t len);
	int (*word)(void *data, const char *word);
	int (*noted)(void *data);
	/* The machine of later segments of this boot. */
	int (*identity)(void *data, uint64_t wall, const struct hist_identity *id);
};

struct hist_found {
	size_t records;
	/* @bad: broken lines, and lines that depend on them. @newer: records of a later version.
	 * The last line of a history may always be incomplete. */
	size_t bad, newer;
	bool torn;
};

/* True if the text is the start of a history. It may be shorter than a record. */
bool hist_is(const char *text, size_t len);

/* Length of all complete lines, in bytes. */
size_t hist_whole(const char *text, size_t len);

/* Reads lines one by one, for files that do not fit in memory. */
struct hist_reader;

/* Release with free(). @ops and @data must live as long. NULL: out of memory. */
struct hist_reader *hist_reader_new(const struct hist_ops *ops, void *data);

/* With @trusted, the next lines are known to be valid: their checksums are not verified. */
void hist_reader_trust(struct hist_reader *r, bool trusted);

/* Returns true, and the time, if the line is a valid sample or end. @line has no line end, but a
 * zero there. Only looks ahead: pass the line to hist_reader_line() next. */
bool hist_reader_time(struct hist_reader *r, const char *line, size_t len, uint64_t *mono);

/* Reads the next line, and adds to the counters in @found. 0, or the result of an op. */
int hist_reader_line(struct hist_reader *r, const char *line, size_t len,
		     struct hist_found *found);

/* Reads all lines. Each of @ops may be NULL. 0, or the result of an op. */
int hist_read(const char *text, size_t len, const struct hist_ops *ops, void *data,
	      struct hist_found *found);

#endif
