/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The figures of a chart: for each region one boot, divided into columns, with the charge of each
 * service. No drawing, no I/O.
 */
#ifndef CHART_H
#define CHART_H

#include "needs.h"

#define CHART_COLUMNS	580
/* Services with a style of their own, which is the same in all panels. */
#define CHART_STYLES	16

/* Layers of the stack: one for each style, and these. */
enum {
	CHART_MORE = CHART_STYLES,	/* services without a style */
	CHART_OTHERS,			/* charges of no recorded service */
	CHART_UNACCOUNTED,
	CHART_LAYERS
};

struct chart_column {
	uint64_t v[CHART_LAYERS], total;	/* bytes, of the sample with the highest total */
	bool known;
};

/* Requests refused since the sample before. */
struct chart_refusal {
	size_t column;
	uint64_t t;		/* ms since boot */
	uint64_t n;		/* in the whole region */
	uint32_t service;	/* a service with refused requests, or MODEL_NONE */
	bool alone;		/* the only such service */
};

struct chart_tick {
	double column;
	int64_t wall;		/* ms since 1970 */
};

struct chart_panel {
	const struct needs_region *g;
	size_t boot;
	/* Layers that are not empty, from the bottom to the top. */
	size_t layer[CHART_LAYERS], n_layers;
	const struct needs_service *service[CHART_STYLES];
	size_t more;			/* number of services in CHART_MORE */
	struct chart_column column[CHART_COLUMNS];
	/* With a changed load: the total as recorded, for columns that are known. */
	bool changed;
	uint64_t recorded[CHART_COLUMNS], recorded_most;
	uint64_t from, to;		/* ms since boot */
	uint64_t limits;		/* bytes: sum of the planned limits */
	uint64_t high;			/* bytes at the upper edge of the panel */
	size_t decided;			/* column of the need, or CHART_COLUMNS: in another boot */
	uint64_t decided_total;		/* bytes */
	struct chart_refusal *refusal;
	size_t n_refusals;
	uint64_t refused;		/* sum of all refused requests */
	const struct model_clock *clock;	/* by time; one entry per change of the clock */
	size_t n_clocks;
	struct chart_tick *tick;
	size_t n_ticks;
	uint64_t step;			/* ms between two ticks */
};

struct chart {
	struct dmem_arena arena;
	const struct model *m;
	size_t *style;			/* by service; CHART_MORE: none */
	struct chart_panel *panel;
	size_t n;			/* number of panels: regions with charges */
};

/* 0 or a negative errno. Release the chart in both cases. @m and @n must live as long. */
int chart_make(struct chart *c, const struct model *m, const struct needs *n);
void chart_free(struct chart *c);

/* Returns the wall clock at @t ms since boot, as ms since 1970. */
int64_t chart_wall(const struct chart_panel *p, uint64_t t);

/* Returns the horizontal place of a time, from 0 to CHART_COLUMNS. */
double chart_place(const struct chart_panel *p, uint64_t t);

#endif
