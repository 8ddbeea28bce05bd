/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The figures of a chart: for each region one boot, cut into columns, and who had how
 * much in each. No drawing, no I/O.
 */
#ifndef CHART_H
#define CHART_H

#include "needs.h"

#define CHART_COLUMNS	580
/* Services that have a colour of their own, in all panels the same. */
#define CHART_STYLES	16

/* Layers: one for each style, and these. */
enum {
	CHART_MORE = CHART_STYLES,	/* services without a style */
	CHART_OTHERS,			/* charged, and to no service */
	CHART_UNACCOUNTED,
	CHART_LAYERS
};

struct chart_column {
	uint64_t v[CHART_LAYERS], total;	/* bytes, of the sample with the highest total */
	bool known;
};

/* Requests that were refused since the sample before. */
struct chart_refusal {
	size_t column;
	uint64_t t;		/* ms since boot */
	uint64_t n;		/* in the whole region */
	uint32_t service;	/* one of those refused, or MODEL_NONE */
	bool alone;		/* nobody else was */
};

struct chart_tick {
	double column;
	int64_t wall;		/* ms since 1970 */
};

struct chart_panel {
	const struct needs_region *g;
	size_t boot;
	/* Those that have anything, from the bottom of the stack to its top. */
	size_t layer[CHART_LAYERS], n_layers;
	const struct needs_service *service[CHART_STYLES];
	size_t more;			/* services in CHART_MORE */
	struct chart_column column[CHART_COLUMNS];
	uint64_t from, to;		/* ms since boot */
	uint64_t limits;		/* bytes: the sum of those planned */
	uint64_t high;			/* bytes at the upper edge */
	size_t decided;			/* column, or CHART_COLUMNS: not in this boot */
	uint64_t decided_total;		/* bytes */
	struct chart_refusal *refusal;
	size_t n_refusals;
	uint64_t refused;		/* the sum of them */
	const struct model_clock *clock;	/* by time; a new one where the clock was set */
	size_t n_clocks;
	struct chart_tick *tick;
	size_t n_ticks;
	uint64_t step;			/* ms between two ticks */
};

struct chart {
	struct dmem_arena arena;
	const struct model *m;
	size_t *style;			/* by service, CHART_MORE: none */
	struct chart_panel *panel;
	size_t n;			/* panels: regions that somebody was charged for */
};

/* 0 or a negative errno. To be freed in both cases. @m and @n are used until then. */
int chart_make(struct chart *c, const struct model *m, const struct needs *n);
void chart_free(struct chart *c);

/* The wall clock at @t ms since boot, in ms since 1970. */
int64_t chart_wall(const struct chart_panel *p, uint64_t t);

/* The place of a time between 0 and CHART_COLUMNS. */
double chart_place(const struct chart_panel *p, uint64_t t);

#endif
