/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers of Prometheus to range queries: the series of "dmemctl metrics" in their JSON. Does no I/O.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include "base/map.h"
#include "dmemctl/history/history.h"

/* Bytes of all answers together, at most: a plan needs 15 times as much memory. */
#define ANSWER_TEXT	(64 << 20)
/* Above any real size, and floating-point numbers are still whole. */
#define ANSWER_VALUE	(UINT64_C(1) << 60)
/* Buffers of a region, at most. */
#define ANSWER_BUFFERS	100000

/* First the figures of regions, then those of cgroups in regions, as in histories. */
enum answer_metric {
	ANSWER_REGION = 0,			/* + a figure of enum hist_region_figure */
	ANSWER_CGROUP = HIST_R_FIGURES,		/* + a figure of enum hist_figure */
	ANSWER_REGION_PEAK = HIST_R_FIGURES + HIST_FIGURES,
	ANSWER_BUCKET,				/* buffers of up to @end bytes in a region */
	ANSWER_COMPLETE,			/* 1: all buffers are counted */
	ANSWER_SUCCESS,				/* 1: the cgroups could be read */
	ANSWER_BOOT,				/* time of boot, in s since 1970 */
	ANSWER_METRICS
};

struct answer_value {
	uint64_t t, v;			/* ms since 1970; bytes, requests or buffers */
};

/* A value is valid for less than @interval ms. */
struct answer_series {
	enum answer_metric metric;
	const char *target;		/* all labels of the machine */
	const char *instance;		/* one of them, or "" */
	const char *region, *cgroup;	/* or ""; @cgroup without its first slash */
	uint64_t end;			/* of a bucket, or DMEM_UNKNOWN: all further sizes */
	uint64_t interval;
	size_t file;			/* number of the text with its first answer */
	struct answer_value *value;	/* by time, after answers_sort() */
	size_t n, room;
	size_t at;			/* for the caller's use: 0 at first */
};

/* All zero is empty. */
struct answers {
	struct dmem_arena arena;
	struct answer_series *series;
	size_t n, room;
	size_t answers, files;
	/* Values that were left out: no numbers, negative or too large. And values that contradict
	 * another one of the same time: the larger one counts. */
	size_t no_value, contradictions;
	/* Series that were left out: without a metric's name, native histograms, or with labels that
	 * are missing or belong to two cgroups. */
	size_t nameless, native, ambiguous;
	/* Metrics that are not of dmemctl metrics: the first ones, and the number of all. */
	const char *unknown[4];
	size_t n_unknown;
	const char *warning;		/* the first warning of Prometheus, or NULL */
	/* The reason of -EINVAL: one line, with a remedy. It can contain any character. */
	const char *problem;
	/* Private */
	struct dmem_map keys;
};

/* Adds all answers in a text, one behind the other. 0, -ENOMEM, or -EINVAL: see a->problem. */
int answers_add(struct answers *a, const char *text, size_t len);

/* Sorts all values by time, each time once. */
void answers_sort(struct answers *a);

void answers_free(struct answers *a);

#endif
