/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a sampler, and the interface between its parts. */
#ifndef SAMPLING_H
#define SAMPLING_H

#include <sys/resource.h>

#include "sampler.h"

#define CGROUP		"sys/fs/cgroup"
#define RARELY		10	/* samples */
#define MAX_PATH	4096	/* of a cgroup; its files need a few bytes more */

/* Each file of a cgroup; dmem.current is first. */
enum { FILE_CURRENT, FILE_PEAK, FILE_EVENTS, FILE_MAX, FILE_MIN, FILES };

/* Values in place of a file descriptor. */
enum { FILE_ABSENT = -1, FILE_CLOSED = -2 };

struct watched {
	struct watched *next;
	char *path;
	uint64_t life;
	int fd[FILES];
	bool gone;
	bool unread;		/* counted in @lost_read */
	bool seen;		/* by the scan */
	bool top;		/* no watched cgroup is above it */
	int number;		/* in the segment, or -1 */
	int pending;		/* @number after the next segment is stored */
	uint64_t *now, *told;	/* by region, then figure; @told: last recorded */
	struct dmem_text current;	/* text of dmem.current */
};

/* The watched cgroup that is charged for the cgroup with this id, itself or as a part. */
struct owner {
	uint64_t id;
	struct watched *w;
	bool sure;		/* the cgroup cannot become a watched one itself */
};

struct held {
	uint64_t ino, size;
	struct watched *w;	/* the owner, or NULL */
	unsigned int region;
};

struct held_list {
	struct held *held;	/* sorted by inode */
	size_t n;
};

struct sampler {
	const struct sampler_options *o;
	struct dmem_arena arena;	/* of the last scan */
	struct dmem_regions regions;
	uint64_t (*r_now)[HIST_R_FIGURES], (*r_told)[HIST_R_FIGURES];
	struct watched *watched, **end;
	void *by_life;			/* cgroups that still exist, of tsearch() */
	struct dmem_lines lines;
	rlim_t max_files;		/* limit on files to keep open */
	struct sampler_lost lost_scan, lost_read;
	void *lost_paths;		/* paths that the last scan could not read, of tsearch() */
	struct owner *owner;
	size_t n_owners, n_watched;
	bool *found;			/* for each wanted unit or cgroup */
	int notify, root_current, notify_error;
	struct held_list now, told;
	bool scan, segment;
	bool changed;			/* some charge changed in the last sample */
	unsigned int samples, guess_sample;
	unsigned int scans;		/* number of next samples that need a scan */
	int numbers, pending_numbers;
	uint64_t mono, wall, scanned;
	/* By region: the root's charge without those of watched cgroups, at the last scan and in
	 * the last sample. */
	uint64_t *unexplained, *last_rest;
	size_t root_lines;
	/* Buffers whose owner is not recorded, or only as a part of a slice: now and at the last
	 * scan. */
	size_t unowned, scanned_unowned;
	struct hist_head head;
	struct dmem_text text;
};

/* ---- watched.c ---- */

/* Adds a cgroup. Its files are not open yet. NULL: out of memory. */
struct watched *watched_new(struct sampler *s, const char *path, uint64_t life);

/* Opens files that are not open yet: when a controller is enabled, its files appear one by one. An
 * error is found again when the file is read. */
void watched_open(struct sampler *s, struct watched *w);

/* NULL: it is not watched. */
struct watched *watched_find(const struct sampler *s, const char *path, uint64_t life);

/* Reads a cgroup's figures. 0, -ENODEV or -ENOENT: it is gone, or another negative errno. */
int watched_read(struct sampler *s, struct watched *w, bool all);

/* True if the error means that the cgroup or its controller was removed. */
bool watched_is_gone(int err);

/* Reads an open file from its start. 0, -ENODEV: the cgroup is gone, or a negative errno. */
int watched_read_again(int fd, struct dmem_text *t);

/* Marks a cgroup as removed. It stays until the removal is recorded. */
void watched_lose(struct sampler *s, struct watched *w);
void watched_free(struct watched *w);
void watched_forget_all(struct sampler *s);

/* ---- scan.c ---- */

/* Reads the regions and searches for cgroups to watch. 0 or a negative errno. */
int scan_cgroups(struct sampler *s);

/* True if a cgroup was made or removed. */
bool scan_notified(struct sampler *s);

/* Marks the figures of the cgroup as unknown until the next sample. */
void scan_unread(struct sampler *s, struct watched *w, int err);

/* The owner of the cgroup's charges as of the last scan, or NULL. */
const struct owner *scan_owner(const struct sampler *s, uint64_t cgroup);

#endif
