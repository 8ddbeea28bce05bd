// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What happened in each region, as a chart: who had how much and when, on top of each
 * other, against what the region has and what is planned.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../cli/cli.h"
#include "../../cli/text.h"
#include "report.h"

/* Pixels */
#define WIDTH		1000
#define PLOT_X		76
#define PLOT_W		580
#define PLOT_H		252
#define PANEL_TOP	44	/* from the panel's top to the plot's */
#define PANEL_H		(PANEL_TOP + PLOT_H + 64)
#define LEGEND_X	(PLOT_X + PLOT_W + 32)
#define PEAK_X		912
#define MAX_X		(WIDTH - 16)
#define ROW_H		18
#define NAME_BYTES	24
#define REGION_BYTES	64

#define SHOWN		8	/* services with a colour of their own */
#define LAYERS		(SHOWN + 3)
/* Behind the services */
#define MORE		SHOWN
#define OTHERS		(SHOWN + 1)
#define KERNEL		(SHOWN + 2)

/* To be told apart by everybody, and the last three are greys. */
static const char * const colours[LAYERS] = {
	"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7a5195",
	"#8c8c8c", "#b5b5b5", "#5a5a5a",
};

struct column {
	uint64_t v[LAYERS], total;
	bool known;
};

struct panel {
	const struct model *m;
	const struct needs_region *g;
	size_t boot;
	int top;
	struct column column[PLOT_W];
	uint64_t from, to;	/* ms since boot */
	uint64_t high;		/* bytes at the upper edge */
	uint64_t limits;	/* all that are planned together */
	bool others;
};

/* ---- figures ---- */

static size_t layer_of(const struct panel *p, uint32_t taker)
{
	if (taker == MODEL_OTHERS(p->m))
		return OTHERS;
	if (taker == MODEL_KERNEL(p->m))
		return KERNEL;
	for (size_t i = 0; i < p->g->n && i < SHOWN; i++) {
		if (p->g->service[i].service == taker)
			return i;
	}
	/* A slice that has something beside what is in it */
	return p->m->service[taker].has_children ? OTHERS : MORE;
}

static size_t column_of(const struct panel *p, uint64_t t)
{
	uint64_t length = p->to - p->from;
	double at = length ? (double)(t - p->from) / (double)length * PLOT_W : 0;

	return at >= PLOT_W ? PLOT_W - 1 : (size_t)at;
}

static void find_time(struct panel *p)
{
	const struct model_boot *b = &p->m->boot[p->boot];

	p->from = b->n ? b->event[0].t : 0;
	p->to = b->n ? b->event[b->n - 1].t : 0;
}

/* In each column, the look that saw most. */
static int find_columns(struct panel *p)
{
	struct model_replay r;
	int ret = model_replay_start(&r, p->m, p->boot, (size_t)(p->g->region - p->m->region));

	while (!ret && model_replay_next(&r)) {
		size_t first = column_of(p, r.t), last = column_of(p, r.t + r.dt);
		struct column c = { .known = true, .total = r.total };

		/* Nobody looked. */
		if (!r.dt && r.t != p->to)
			continue;
		for (uint32_t i = 0; i < MODEL_TAKERS(p->m); i++)
			c.v[layer_of(p, i)] += r.own[i];
		p->others |= c.v[OTHERS];
		for (size_t x = first; x <= last; x++) {
			if (!p->column[x].known || p->column[x].total < c.total)
				p->column[x] = c;
		}
	}
	model_replay_end(&r);
	return ret;
}

/* What is needed must be seen, and what there is if it is not far above. */
static void find_scale(struct panel *p)
{
	uint64_t capacity = p->g->region->capacity;

	for (size_t i = 0; i < p->g->n; i++)
		p->limits += p->g->service[i].cap;
	p->high = p->g->size;
	for (size_t x = 0; x < PLOT_W; x++)
		p->high = p->column[x].total > p->high ? p->column[x].total : p->high;
	if (capacity != DMEM_UNKNOWN && capacity > p->high && capacity / 4 <= p->high)
		p->high = capacity;
	p->high += p->high / 20 + 1;
}

/* ---- drawing ---- */

static void put(FILE *f, const char *s, size_t len)
{
	for (; *s && len; s++, len--) {
		if (strchr("&<>\"'", *s))
			fprintf(f, "&#%d;", *s);
		else
			fputc(*s, f);
	}
}

/* A name, which may be no text at all: its first characters, at most so many bytes. */
static void name(FILE *f, const char *s, size_t max)
{
	char *valid = text_harmless(s, TEXT_UTF8);
	size_t len = valid ? strlen(valid) : 0, cut = len < max ? len : max;

	/* Not in the middle of a character */
	while (cut < len && cut && (valid[cut] & 0xc0) == 0x80)
		cut--;
	if (valid)
		put(f, valid, cut);
	if (cut < len)
		fprintf(f, "\u2026");
	free(valid);
}

static double y_of(const struct panel *p, uint64_t v)
{
	double part = p->high ? (double)v / (double)p->high : 0;

	return p->top + PANEL_TOP + PLOT_H * (1 - (part > 1 ? 1 : part));
}

static uint64_t below(const struct column *c, size_t layer)
{
	static const size_t order[LAYERS] = { KERNEL, 0, 1, 2, 3, 4, 5, 6, 7, MORE, OTHERS };
	uint64_t sum = 0;

	for (size_t i = 0; order[i] != layer; i++)
		sum += c->v[order[i]];
	return sum;
}

/* The upper edge from @x to before @end, then the lower edge back. */
static void draw_part(FILE *f, const struct panel *p, size_t layer, size_t x, size_t end)
{
	double last = -1;

	for (size_t i = x; i < end; i++) {
		const struct column *c = &p->column[i];
		double y = y_of(p, below(c, layer) + c->v[layer]);

		if (i == x)
			fprintf(f, "M%zu %.2f", PLOT_X + i, y);
		else if (y != last)
			fprintf(f, "H%zuV%.2f", PLOT_X + i, y);
		last = y;
	}
	fprintf(f, "H%zu", PLOT_X + end);
	for (size_t i = end; i-- > x; ) {
		double y = y_of(p, below(&p->column[i], layer));

		if (i == end - 1)
			fprintf(f, "V%.2f", y);
		else if (y != last)
			fprintf(f, "H%zuV%.2f", PLOT_X + i + 1, y);
		last = y;
	}
	fprintf(f, "H%zuZ", PLOT_X + x);
}

static void draw_layer(FILE *f, const struct panel *p, size_t layer)
{
	bool any = false;

	for (size_t x = 0; x < PLOT_W; ) {
		size_t end = x;

		while (end < PLOT_W && p->column[end].known && p->column[end].v[layer])
			end++;
		if (end == x) {
			x++;
			continue;
		}
		if (!any)
			fprintf(f, "<path fill=\"%s\" d=\"", colours[layer]);
		any = true;
		draw_part(f, p, layer, x, end);
		x = end;
	}
	if (any)
		fprintf(f, "\"/>\n");
}

static void draw_sizes(FILE *f, const struct panel *p)
{
	uint64_t step = 4096;
	char buf[CLI_SIZE];

	while (p->high / step > 6)
		step *= 2;
	for (uint64_t v = 0; v <= p->high; v += step) {
		double y = y_of(p, v);

		fprintf(f, "<path stroke=\"#ddd\" d=\"M%d %.1fH%d\"/>\n"
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", PLOT_X, y,
			PLOT_X + PLOT_W, PLOT_X - 8, y + 4, v ? cli_size(buf, v, false) : "0");
	}
	fprintf(f, "<text transform=\"translate(20 %d) rotate(-90)\" text-anchor=\"middle\">bytes</text>\n",
		p->top + PANEL_TOP + PLOT_H / 2);
}

static void draw_times(FILE *f, const struct panel *p)
{
	static const struct {
		uint64_t ms, unit;
		const char *name;
	} steps[] = {
		{ 10, 1, "ms" }, { 20, 1, "ms" }, { 50, 1, "ms" }, { 100, 1, "ms" }, { 200, 1, "ms" },
		{ 500, 1, "ms" }, { 1000, 1000, "s" }, { 2000, 1000, "s" }, { 5000, 1000, "s" },
		{ 10000, 1000, "s" }, { 20000, 1000, "s" }, { 60000, 60000, "min" },
		{ 120000, 60000, "min" }, { 300000, 60000, "min" }, { 600000, 60000, "min" },
		{ 1200000, 60000, "min" }, { 3600000, 3600000, "h" }, { 7200000, 3600000, "h" },
		{ 14400000, 3600000, "h" }, { 28800000, 3600000, "h" }, { 86400000, 86400000, "d" },
		{ 172800000, 86400000, "d" }, { 604800000, 86400000, "d" },
		{ 2592000000, 86400000, "d" }, { 31536000000, 86400000, "d" },
	};
	const struct model_boot *b = &p->m->boot[p->boot];
	uint64_t length = p->to - p->from;
	int bottom = p->top + PANEL_TOP + PLOT_H;
	time_t begin = (time_t)((uint64_t)(b->epoch + (int64_t)p->from) / 1000);
	char when[64] = "?";
	struct tm tm;
	size_t i = 0;

	while (i < sizeof(steps) / sizeof(*steps) - 1 && length / steps[i].ms > 8)
		i++;
	for (uint64_t t = 0; t <= length && t / steps[i].ms <= 8; t += steps[i].ms) {
		double x = PLOT_X + (length ? (double)t / (double)length * PLOT_W : 0);

		fprintf(f, "<path stroke=\"#333\" d=\"M%.1f %dv5\"/>\n"
			"<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%" PRIu64 "</text>\n", x, bottom, x,
			bottom + 20, t / steps[i].unit);
	}
	if (gmtime_r(&begin, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s since %s</text>\n",
		PLOT_X + PLOT_W / 2, bottom + 40, steps[i].name, when);
}

/* A line across the plot. */
static void draw_line(FILE *f, const struct panel *p, uint64_t v, const char *style)
{
	if (v <= p->high)
		fprintf(f, "<path fill=\"none\" %s d=\"M%d %.2fH%d\"/>\n", style, PLOT_X, y_of(p, v),
			PLOT_X + PLOT_W);
}

#define LIMITS	"stroke=\"#555\" stroke-width=\"2\" stroke-dasharray=\"2 4\""
#define HAS	"stroke=\"#000\" stroke-width=\"2\""
#define PLANNED	"stroke=\"#c00\" stroke-width=\"2\" stroke-dasharray=\"8 4\""

static void figure(FILE *f, int x, int y, uint64_t v)
{
	char buf[CLI_SIZE];

	if (v != DMEM_UNKNOWN)
		fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", x, y,
			cli_size(buf, v, false));
}

/* The start of a row: what it is, with its colour or line. */
static void row(FILE *f, int y, size_t layer, const char *line, const char *what)
{
	if (line)
		fprintf(f, "<path fill=\"none\" %s d=\"M%d %dh14\"/>\n", line, LEGEND_X - 1, y - 4);
	else
		fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/>\n", LEGEND_X,
			y - 10, colours[layer]);
	fprintf(f, "<text x=\"%d\" y=\"%d\">", LEGEND_X + 20, y);
	name(f, what, NAME_BYTES);
	fprintf(f, "</text>\n");
}

static void draw_legend(FILE *f, const struct panel *p)
{
	int y = p->top + PANEL_TOP + 4;
	const struct needs_region *g = p->g;
	char more[64];

	fprintf(f, "<g fill=\"#555\"><text x=\"%d\" y=\"%d\" text-anchor=\"end\">peak</text>"
		"<text x=\"%d\" y=\"%d\" text-anchor=\"end\">max</text></g>\n", PEAK_X, y, MAX_X, y);
	for (size_t i = 0; i < g->n && i < SHOWN; i++) {
		y += ROW_H;
		row(f, y, i, NULL, model_name(p->m, g->service[i].service));
		figure(f, PEAK_X, y, g->service[i].peak);
		figure(f, MAX_X, y, g->service[i].cap);
	}
	if (g->n > SHOWN) {
		snprintf(more, sizeof(more), "%zu more", g->n - SHOWN);
		row(f, y += ROW_H, MORE, NULL, more);
	}
	if (p->others)
		row(f, y += ROW_H, OTHERS, NULL, "others");
	if (g->unaccounted) {
		row(f, y += ROW_H, KERNEL, NULL, "not accounted");
		figure(f, PEAK_X, y, g->unaccounted);
	}
	y += ROW_H / 2;
	if (g->region->capacity != DMEM_UNKNOWN) {
		row(f, y += ROW_H, 0, HAS, g->region->capacity > p->high ? "has (above)" : "has");
		figure(f, MAX_X, y, g->region->capacity);
	}
	row(f, y += ROW_H, 0, PLANNED, "planned");
	figure(f, MAX_X, y, g->size);
	row(f, y += ROW_H, 0, LIMITS, p->limits > p->high ? "all max (above)" : "all max");
	figure(f, MAX_X, y, p->limits);
}

static void draw_panel(FILE *f, const struct panel *p)
{
	fprintf(f, "<text x=\"%d\" y=\"%d\" font-size=\"15\" font-weight=\"bold\">", PLOT_X,
		p->top + PANEL_TOP - 14);
	name(f, p->g->region->name, REGION_BYTES);
	fprintf(f, "</text>\n");
	draw_sizes(f, p);
	for (size_t i = 0; i < LAYERS; i++)
		draw_layer(f, p, i);
	draw_line(f, p, p->limits, LIMITS);
	draw_line(f, p, p->g->region->capacity, HAS);
	draw_line(f, p, p->g->size, PLANNED);
	fprintf(f, "<path fill=\"none\" stroke=\"#333\" d=\"M%d %dv%dh%d\"/>\n", PLOT_X,
		p->top + PANEL_TOP, PLOT_H, PLOT_W);
	draw_times(f, p);
	draw_legend(f, p);
}

int report_svg(FILE *f, const struct model *m, const struct needs *n,
	       const struct needs_options *o)
{
	struct panel *p = malloc(sizeof(*p));
	int ret = p ? 0 : -ENOMEM;
	size_t height = n->n * PANEL_H + 40;

	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" "
		"viewBox=\"0 0 %d %zu\" font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", WIDTH, height, WIDTH, height);
	for (size_t i = 0; i < n->n && !ret; i++) {
		*p = (struct panel){
			.m = m, .g = &n->region[i], .boot = n->region[i].worst, .top = (int)i * PANEL_H,
		};
		find_time(p);
		ret = find_columns(p);
		if (ret)
			break;
		find_scale(p);
		draw_panel(f, p);
	}
	fprintf(f, "<text x=\"%d\" y=\"%zu\" fill=\"#555\">Each region in the boot of %zu that needed most. "
		"planned: with %.4g%% headroom, in whole blocks. max: the limit that is planned for "
		"the service.</text>\n</svg>\n", PLOT_X, height - 16, m->n_boots, o->headroom * 100);
	free(p);
	return ret;
}
