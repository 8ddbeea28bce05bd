// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Draws the chart of a plan: for each region a stack of the services' charges over time, with the
 * capacity and the planned size.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "chart.h"
#include "report.h"

/* All in pixels. */
#define WIDTH		1060
#define PLOT_X		76
#define PLOT_W		CHART_COLUMNS
#define PLOT_H		252
#define PANEL_TOP	44	/* from the top of the panel to the plot */
#define PANEL_END	64	/* below the plot, for the axis */
#define LEGEND_X	(PLOT_X + PLOT_W + 32)
#define NAME_X		(LEGEND_X + 20)
#define PEAK_X		(WIDTH - 104)
#define MAX_X		(WIDTH - 16)
#define ROW_H		18
#define FOOT_H		60
#define NAME_W		(PEAK_X - 48 - NAME_X)
#define TITLE_W		(WIDTH - 2 * PLOT_X)
#define MARK_W		8
#define HAIRLINE_MIN	2.0	/* thinner layers get no line between them */

/* Of the wall clock: larger than drift, so it gets a mark. */
#define CLOCK_SET_MS	60000
#define DAY_MS		86400000

/*
 * Colours that differ also for readers with a colour vision deficiency (the smallest distance is 15
 * in CIELAB), and in lightness: printed in grey, neighbours differ by a fifth.
 */
static const char * const colours[] = {
	"#332288", "#882255", "#117733", "#cc6677", "#44aa99", "#ddaa33", "#88ccee", "#eedd88",
};

#define COLOURS		(sizeof(colours) / sizeof(*colours))
#define DARK_COLOURS	4	/* the first ones, whose patterns are white */

#define CAPACITY	"stroke=\"#000\" stroke-width=\"2\""
#define PLANNED		"stroke=\"#c00\" stroke-width=\"2\" stroke-dasharray=\"8 4\""
#define LIMITS		"stroke=\"#555\" stroke-width=\"2\" stroke-dasharray=\"2 4\""
#define TRIED		"stroke=\"#909\" stroke-width=\"2\" stroke-dasharray=\"8 3 2 3\""
#define RECORDED	"stroke=\"#000\" stroke-width=\"1.5\" stroke-dasharray=\"4 3\""
#define REFUSED		"fill=\"#c00\" stroke=\"#fff\" stroke-width=\"0.5\""
#define DECIDED		"fill=\"#fff\" stroke=\"#000\" stroke-width=\"1.5\""

/* ---- text ---- */

/* Width of a character at 12 pixels, as in the widest common fonts without serifs. */
static int width_of(uint32_t c)
{
	if (c >= 0x1100)
		return 13;
	if (c >= 0x80)
		return 9;
	if (strchr("ijltfr.,:;'|!()[]/ ", (int)c))
		return 5;
	if (strchr("mwMW@%", (int)c))
		return 12;
	return c >= 'A' && c <= 'Z' ? 9 : 8;
}

/* Decodes the UTF-8 character at @s, and sets its length. */
static uint32_t decode(const char *s, size_t *len)
{
	unsigned char c = (unsigned char)*s;
	uint32_t v = c;

	*len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (*len > 1)
		v = c & (0xffu >> (*len + 1));
	for (size_t i = 1; i < *len; i++)
		v = v << 6 | ((unsigned char)s[i] & 0x3f);
	return v;
}

/* XML excludes two UTF-8 characters: they become U+FFFD. */
static void put(FILE *f, const char *s, size_t size)
{
	for (size_t len; size; s += len, size -= len) {
		uint32_t c = decode(s, &len);

		if (c == 0xfffe || c == 0xffff)
			fprintf(f, "\ufffd");
		else if (strchr("&<>\"'", (int)c))
			fprintf(f, "&#%u;", c);
		else
			fwrite(s, 1, len, f);
	}
}

/* The number of bytes at the start of @s that fit in @most pixels. Sets @width to theirs. */
static size_t bytes_within(const char *s, int most, int *width)
{
	size_t at = 0, len;

	for (*width = 0; s[at]; at += len) {
		int w = width_of(decode(s + at, &len));

		if (*width + w > most)
			break;
		*width += w;
	}
	return at;
}

/* Writes a name, which may be invalid UTF-8. The middle of a long one is left out: names of units
 * often differ only at their ends. */
static void name(FILE *f, const char *s, int most)
{
	char *valid = text_harmless(s, TEXT_UTF8);
	size_t head, tail, len;
	int width, rest;

	if (!valid)
		return;
	head = bytes_within(valid, most, &width);
	if (!valid[head]) {
		put(f, valid, head);
		free(valid);
		return;
	}
	head = bytes_within(valid, most / 2 - 6, &width);
	bytes_within(valid, INT32_MAX, &rest);
	for (tail = 0; rest > most / 2 - 6; tail += len)
		rest -= width_of(decode(valid + tail, &len));
	put(f, valid, head);
	fprintf(f, "\u2026");
	put(f, valid + tail, strlen(valid + tail));
	free(valid);
}

static void whole_name(FILE *f, const char *s)
{
	name(f, s, INT32_MAX);
}

static const char *time_text(char buf[64], int64_t wall, const char *format)
{
	time_t t = (time_t)(wall / 1000);
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, 64, format, &tm))
		snprintf(buf, 64, "?");
	return buf;
}

static const char *full_time(char buf[64], int64_t wall)
{
	return time_text(buf, wall, "%Y-%m-%d %H:%M:%S UTC");
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* ---- the plot ---- */

struct drawing {
	FILE *f;
	const struct chart *c;
	const struct chart_panel *p;
	const struct needs_options *o;
	int top;
	const char *decided;	/* text of the mark */
};

/* The label of the size line: the planned size, or the need of a region that is kept larger. NULL:
 * the size cannot be chosen. */
static const char *size_label(const struct needs_region *g, const struct needs_options *o,
			      uint64_t *size)
{
	struct needs_proposal p = needs_propose(g, o);

	*size = p.reason == NEEDS_KEPT ? g->size : p.size;
	if (p.reason == NEEDS_NOT_SIZED)
		return NULL;
	return p.reason == NEEDS_KEPT ? "needed size" : "planned size";
}

static double y_of(const struct drawing *d, uint64_t v)
{
	double part = (double)v / (double)d->p->high;

	return d->top + PANEL_TOP + PLOT_H * (1 - (part > 1 ? 1 : part));
}

static int bottom_of(const struct drawing *d)
{
	return d->top + PANEL_TOP + PLOT_H;
}

static void fill_of(char buf[32], size_t layer)
{
	if (layer < COLOURS)
		snprintf(buf, 32, "%s", colours[layer]);
	else
		snprintf(buf, 32, "url(#p%zu)", layer);
}

static void draw_pattern(FILE *f, size_t layer, const char *ground, const char *line, const char *d)
{
	fprintf(f, "<pattern id=\"p%zu\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
		"<rect width=\"6\" height=\"6\" fill=\"%s\"/>"
		"<path stroke=\"%s\" stroke-width=\"1.5\" d=\"%s\"/></pattern>\n", layer, ground,
		line, d);
}

/* Stripes mark the second use of a colour; memory without a service is grey. */
static void draw_patterns(FILE *f)
{
	static const char up[] = "M-1 7L7 -1M-1 1L1 -1M5 7L7 5";
	static const char down[] = "M-1 -1L7 7M5 -1L7 1M-1 5L1 7";

	fprintf(f, "<defs>\n");
	for (size_t i = COLOURS; i < CHART_STYLES; i++)
		draw_pattern(f, i, colours[i - COLOURS],
			     i - COLOURS < DARK_COLOURS ? "#fff" : "#333", up);
	draw_pattern(f, CHART_MORE, "#ddd", "#777", "M3 2v2");
	draw_pattern(f, CHART_OTHERS, "#bbb", "#fff", down);
	draw_pattern(f, CHART_UNACCOUNTED, "#666", "#ccc", "M0 3h6M3 0v6");
	fprintf(f, "</defs>\n");
}

/* Bytes of the layers below this one. */
static uint64_t below(const struct drawing *d, const struct chart_column *c, size_t at)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < at; i++)
		sum += c->v[d->p->layer[i]];
	return sum;
}

/* Draws the upper edge from @x to before @end, then the lower edge backwards. */
static void draw_part(const struct drawing *d, size_t at, size_t x, size_t end)
{
	double last = -1;

	for (size_t i = x; i < end; i++) {
		double y = y_of(d, below(d, &d->p->column[i], at + 1));

		if (i == x)
			fprintf(d->f, "M%zu %.1f", PLOT_X + i, y);
		else if (y != last)
			fprintf(d->f, "H%zuV%.1f", PLOT_X + i, y);
		last = y;
	}
	fprintf(d->f, "H%zu", PLOT_X + end);
	for (size_t i = end; i-- > x; ) {
		double y = y_of(d, below(d, &d->p->column[i], at));

		if (i == end - 1)
			fprintf(d->f, "V%.1f", y);
		else if (y != last)
			fprintf(d->f, "H%zuV%.1f", PLOT_X + i + 1, y);
		last = y;
	}
	fprintf(d->f, "H%zuZ", PLOT_X + x);
}

static const char *layer_name(const struct drawing *d, size_t layer, char buf[64])
{
	if (layer == CHART_OTHERS)
		return "others";
	if (layer == CHART_UNACCOUNTED)
		return "unaccounted";
	if (layer < CHART_STYLES)
		return model_name(d->c->m, d->p->service[layer]->service);
	snprintf(buf, 64, "%zu more service%s", d->p->more, plural(d->p->more));
	return buf;
}

static void draw_layer(const struct drawing *d, size_t at)
{
	size_t layer = d->p->layer[at];
	char fill[32], more[64];

	fill_of(fill, layer);
	fprintf(d->f, "<path class=\"layer\" fill=\"%s\" d=\"", fill);
	for (size_t x = 0; x < PLOT_W; ) {
		size_t end = x;

		while (end < PLOT_W && d->p->column[end].known && d->p->column[end].v[layer])
			end++;
		if (end > x)
			draw_part(d, at, x, end);
		x = end > x ? end : x + 1;
	}
	fprintf(d->f, "\"><title>");
	whole_name(d->f, layer_name(d, layer, more));
	fprintf(d->f, "</title></path>\n");
}

/* Draws a white line between a layer and the next one. Vertical edges have none: a short peak is
 * one pixel wide, and would disappear. */
static void draw_hairline(const struct drawing *d, size_t at)
{
	size_t layer = d->p->layer[at];
	bool any = false;

	for (size_t x = 0, end; x < PLOT_W; x = end) {
		const struct chart_column *c = &d->p->column[x];
		uint64_t lower = below(d, c, at), upper = lower + c->v[layer];
		double y = y_of(d, upper);

		for (end = x + 1; end < PLOT_W; end++) {
			if (y_of(d, below(d, &d->p->column[end], at + 1)) != y ||
			    !d->p->column[end].v[layer] != !c->v[layer])
				break;
		}
		if (!c->v[layer] || c->total == upper || y_of(d, lower) - y < HAIRLINE_MIN)
			continue;
		if (!any)
			fprintf(d->f,
				"<path class=\"hairline\" fill=\"none\" stroke=\"#fff\" d=\"");
		any = true;
		fprintf(d->f, "M%zu %.1fH%zu", PLOT_X + x, y, PLOT_X + end);
	}
	if (any)
		fprintf(d->f, "\"/>\n");
}

/* Draws the outline of the stack, so that light layers have an edge. */
static void draw_outline(const struct drawing *d)
{
	bool known = false;
	double last = -1;

	fprintf(d->f, "<path fill=\"none\" stroke=\"#333\" d=\"");
	for (size_t x = 0; x < PLOT_W; x++) {
		const struct chart_column *c = &d->p->column[x];
		double y = y_of(d, c->total);

		if (c->known && !known)
			fprintf(d->f, "M%zu %.1f", PLOT_X + x, y);
		else if (c->known && y != last)
			fprintf(d->f, "H%zuV%.1f", PLOT_X + x, y);
		else if (!c->known && known)
			fprintf(d->f, "H%zu", PLOT_X + x);
		known = c->known;
		last = y;
	}
	if (known)
		fprintf(d->f, "H%d", PLOT_X + PLOT_W);
	fprintf(d->f, "\"/>\n");
}

/* The edge of the recorded load. */
static void draw_edge(const struct drawing *d, const char *style)
{
	bool known = false;
	double last = -1;

	fprintf(d->f, "<path class=\"recorded\" fill=\"none\" %s d=\"", style);
	for (size_t x = 0; x < PLOT_W; x++) {
		double y = y_of(d, d->p->recorded[x]);

		if (d->p->column[x].known && !known)
			fprintf(d->f, "M%zu %.1f", PLOT_X + x, y);
		else if (d->p->column[x].known && y != last)
			fprintf(d->f, "H%zuV%.1f", PLOT_X + x, y);
		else if (!d->p->column[x].known && known)
			fprintf(d->f, "H%zu", PLOT_X + x);
		known = d->p->column[x].known;
		last = y;
	}
	if (known)
		fprintf(d->f, "H%d", PLOT_X + PLOT_W);
	fprintf(d->f, "\"><title>as recorded</title></path>\n");
}

/* A dashed line with a white ground, so that it can be seen on each layer. */
static void draw_recorded(const struct drawing *d)
{
	if (!d->p->changed || !d->p->recorded_most)
		return;
	draw_edge(d, "stroke=\"#fff\" stroke-width=\"3.5\"");
	draw_edge(d, RECORDED);
}

static void draw_sizes(const struct drawing *d)
{
	uint64_t step = 4096;
	char buf[CLI_SIZE];

	while (d->p->high / step > 6)
		step *= 2;
	for (uint64_t v = 0; v <= d->p->high; v += step) {
		double y = y_of(d, v);

		fprintf(d->f, "<path stroke=\"#ddd\" d=\"M%d %.1fH%d\"/>\n"
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", PLOT_X, y,
			PLOT_X + PLOT_W, PLOT_X - 8, y + 4, v ? cli_size(buf, v, false) : "0");
	}
	fprintf(d->f,
		"<text transform=\"translate(20 %d) rotate(-90)\" text-anchor=\"middle\">charged"
		"</text>\n", d->top + PANEL_TOP + PLOT_H / 2);
}

/* ---- the axis of time ---- */

static const char *tick_text(const struct chart_panel *p, char buf[64], int64_t wall)
{
	if (p->step >= DAY_MS)
		return time_text(buf, wall, "%m-%d");
	if (p->step >= 60000)
		return time_text(buf, wall, "%H:%M");
	time_text(buf, wall, "%H:%M:%S");
	if (p->step < 1000)
		snprintf(buf + strlen(buf), 64 - strlen(buf), ".%02d", (int)(wall % 1000 / 10));
	return buf;
}

static void draw_time(const struct drawing *d, const char *class, double x, int y, const char *text)
{
	fprintf(d->f, "<text class=\"%s\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
		class, x,
		y, text);
}

/* Writes times, and the date below the first one of a day. */
static void draw_ticks(const struct drawing *d)
{
	const char *format = d->p->step < DAY_MS ? "%Y-%m-%d" : "%Y";
	double time_end = 0, date_end = 0;
	char text[64], date[64], before[64] = "";
	int y = bottom_of(d);

	for (size_t i = 0; i < d->p->n_ticks; i++) {
		const struct chart_tick *t = &d->p->tick[i];
		double x = PLOT_X + t->column;
		int width;

		fprintf(d->f, "<path stroke=\"#333\" d=\"M%.1f %dv5\"/>\n", x, y);
		bytes_within(tick_text(d->p, text, t->wall), INT32_MAX, &width);
		if (x - width / 2.0 >= time_end) {
			draw_time(d, "time", x, y + 20, text);
			time_end = x + width / 2.0 + 4;
		}
		if (!strcmp(time_text(date, t->wall, format), before))
			continue;
		memcpy(before, date, sizeof(date));
		bytes_within(date, INT32_MAX, &width);
		if (x - width / 2.0 < date_end)
			x = date_end + width / 2.0;
		draw_time(d, "date", x, y + 36, date);
		date_end = x + width / 2.0 + 8;
	}
	fprintf(d->f, "<text x=\"4\" y=\"%d\" fill=\"#555\">UTC</text>\n", y + 20);
}

static void draw_clocks(const struct drawing *d)
{
	char before[64], after[64];

	for (size_t i = 1; i < d->p->n_clocks; i++) {
		const struct model_clock *k = &d->p->clock[i];
		double x = PLOT_X + chart_place(d->p, k->t);

		if (llabs(k->offset - k[-1].offset) < CLOCK_SET_MS)
			continue;
		fprintf(d->f, "<path class=\"clock\" stroke=\"#999\" stroke-dasharray=\"1 3\" "
			"d=\"M%.1f %dV%d\"><title>The clock was set: %s became %s</title></path>\n",
			x,
			d->top + PANEL_TOP, bottom_of(d),
			full_time(before, (int64_t)k->t + k[-1].offset),
			full_time(after, (int64_t)k->t + k->offset));
	}
}

/* ---- lines and marks ---- */

/* A line across the plot. */
static void draw_line(const struct drawing *d, uint64_t v, const char *style)
{
	if (v && v <= d->p->high)
		fprintf(d->f, "<path fill=\"none\" %s d=\"M%d %.1fH%d\"/>\n", style, PLOT_X,
			y_of(d, v),
			PLOT_X + PLOT_W);
}

static void put_refused(FILE *f, double x, double y)
{
	fprintf(f, "<path class=\"refused\" " REFUSED " d=\"M%.1f %.1fh%dl-%d %dz\">",
		x - MARK_W / 2.0, y,
		MARK_W, MARK_W / 2, MARK_W - 1);
}

static void put_decided(FILE *f, double x, double y)
{
	fprintf(f, "<path class=\"decided\" " DECIDED " d=\"M%.1f %.1fl5 5l-5 5l-5 -5z\">", x,
		y - 5);
}

/* Draws one mark for several refusals that are close to each other. */
static void draw_refusals(const struct drawing *d)
{
	const struct chart_panel *p = d->p;
	char when[64];

	for (size_t i = 0, next; i < p->n_refusals; i = next) {
		const struct chart_refusal *r = &p->refusal[i];
		uint32_t service = r->service;
		bool alone = r->alone;
		uint64_t n = 0;

		for (next = i; next < p->n_refusals && p->refusal[next].column < r->column + MARK_W;
		     next++) {
			n += p->refusal[next].n;
			alone &= p->refusal[next].alone && p->refusal[next].service == service;
		}
		put_refused(d->f, PLOT_X + r->column + 0.5, d->top + PANEL_TOP - MARK_W);
		fprintf(d->f, "<title>%" PRIu64 " request%s refused, %s: ", n, plural(n),
			full_time(when, chart_wall(p, r->t)));
		whole_name(d->f, service == MODEL_NONE ? "others" : model_name(d->c->m, service));
		fprintf(d->f, "%s</title></path>\n", alone ? "" : " and others");
	}
}

static void draw_decided(const struct drawing *d)
{
	const struct chart_panel *p = d->p;
	char when[64];
	double x = PLOT_X + p->decided + 0.5;

	if (p->decided == CHART_COLUMNS)
		return;
	put_decided(d->f, x, y_of(d, p->decided_total));
	fprintf(d->f, "<title>%s: %s</title></path>\n", d->decided,
		full_time(when, chart_wall(p, p->g->decided)));
}

/* ---- the legend ---- */

static void figure(FILE *f, int x, int y, uint64_t v)
{
	char buf[CLI_SIZE];

	if (v != DMEM_UNKNOWN)
		fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", x, y,
			cli_size(buf, v, false));
}

static void row_name(FILE *f, int y, const char *text)
{
	fprintf(f, "<text class=\"name\" x=\"%d\" y=\"%d\">", NAME_X, y);
	name(f, text, NAME_W);
	fprintf(f, "<title>");
	whole_name(f, text);
	fprintf(f, "</title></text>\n");
}

static void layer_row(const struct drawing *d, int y, size_t layer)
{
	char fill[32], more[64];

	fill_of(fill, layer);
	fprintf(d->f,
		"<rect class=\"key\" x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/>\n",
		LEGEND_X,
		y - 10, fill);
	row_name(d->f, y, layer_name(d, layer, more));
	if (layer == CHART_UNACCOUNTED)
		figure(d->f, PEAK_X, y, d->p->g->unaccounted);
	if (layer >= CHART_STYLES)
		return;
	figure(d->f, PEAK_X, y, d->p->service[layer]->peak);
	figure(d->f, MAX_X, y, d->p->service[layer]->limit);
}

static void line_row(const struct drawing *d, int y, const char *style, const char *text,
		     uint64_t v)
{
	char buf[64];

	snprintf(buf, sizeof(buf), "%s%s", text, v > d->p->high ? " (above)" : "");
	fprintf(d->f, "<path fill=\"none\" %s d=\"M%d %dh14\"/>\n", style, LEGEND_X - 1, y - 4);
	row_name(d->f, y, buf);
	figure(d->f, MAX_X, y, v);
}

static void mark_rows(const struct drawing *d, int y)
{
	const struct chart_panel *p = d->p;
	char when[64];

	if (p->refused) {
		y += ROW_H;
		put_refused(d->f, LEGEND_X + 6, y - MARK_W);
		fprintf(d->f, "</path>\n");
		row_name(d->f, y, "refused");
		fprintf(d->f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%" PRIu64 "</text>\n",
			MAX_X, y,
			p->refused);
	}
	if (p->decided == CHART_COLUMNS)
		return;
	y += ROW_H;
	put_decided(d->f, LEGEND_X + 6, y - 4);
	fprintf(d->f, "</path>\n");
	row_name(d->f, y, d->decided);
	fprintf(d->f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", MAX_X, y,
		time_text(when, chart_wall(p, p->g->decided), "%H:%M:%S"));
}

/* Lists the layers as they are stacked: the upper one first. */
static void draw_legend(const struct drawing *d)
{
	const struct chart_panel *p = d->p;
	int y = d->top + PANEL_TOP + 4;
	const char *label;
	uint64_t size;

	fprintf(d->f, "<g fill=\"#555\"><text x=\"%d\" y=\"%d\" text-anchor=\"end\">peak</text>"
		"<text x=\"%d\" y=\"%d\" text-anchor=\"end\">planned max</text></g>\n", PEAK_X, y,
		MAX_X, y);
	for (size_t i = p->n_layers; i--; )
		layer_row(d, y += ROW_H, p->layer[i]);
	y += ROW_H / 2;
	if (p->g->region->capacity != DMEM_UNKNOWN)
		line_row(d, y += ROW_H, CAPACITY, "capacity", p->g->region->capacity);
	label = size_label(p->g, d->o, &size);
	if (label)
		line_row(d, y += ROW_H, PLANNED, label, size);
	if (p->limits)
		line_row(d, y += ROW_H, LIMITS, "sum of limits", p->limits);
	if (p->g->trial.size != DMEM_UNKNOWN)
		line_row(d, y += ROW_H, TRIED, "tried size", p->g->trial.size);
	if (p->changed && p->recorded_most)
		line_row(d, y += ROW_H, RECORDED, "as recorded", p->recorded_most);
	mark_rows(d, y);
}

static int panel_height(const struct chart_panel *p)
{
	/* The heading, the layers, half a row, and at most five lines and marks; two more for
	 * changes. */
	int more = p->changed + (p->g->trial.size != DMEM_UNKNOWN);
	int legend = PANEL_TOP + 4 + ((int)p->n_layers + 6 + more) * ROW_H + ROW_H;
	int plot = PANEL_TOP + PLOT_H + PANEL_END;

	return legend > plot ? legend : plot;
}

static void draw_panel(const struct drawing *d)
{
	const struct chart_panel *p = d->p;
	uint64_t size;

	fprintf(d->f, "<g class=\"panel\">\n<text x=\"%d\" y=\"%d\" font-size=\"15\" font-weight=\"bold\">",
		PLOT_X, d->top + PANEL_TOP - 16);
	name(d->f, p->g->region->name, TITLE_W * 3 / 4);
	fprintf(d->f, "</text>\n");
	draw_sizes(d);
	for (size_t i = 0; i < p->n_layers; i++)
		draw_layer(d, i);
	for (size_t i = 0; i < p->n_layers; i++)
		draw_hairline(d, i);
	draw_outline(d);
	draw_recorded(d);
	draw_clocks(d);
	draw_line(d, p->limits, LIMITS);
	draw_line(d, p->g->region->capacity, CAPACITY);
	if (size_label(p->g, d->o, &size))
		draw_line(d, size, PLANNED);
	if (p->g->trial.size != DMEM_UNKNOWN)
		draw_line(d, p->g->trial.size, TRIED);
	fprintf(d->f, "<path fill=\"none\" stroke=\"#333\" d=\"M%d %dv%dh%d\"/>\n", PLOT_X,
		d->top + PANEL_TOP, PLOT_H, PLOT_W);
	draw_ticks(d);
	draw_refusals(d);
	draw_decided(d);
	draw_legend(d);
	fprintf(d->f, "</g>\n");
}

/* ---- the whole chart ---- */

/* Writes one sentence for each panel, for readers that cannot see the chart. */
static void describe(FILE *f, const struct chart_panel *p, const struct needs_options *o)
{
	char size[CLI_SIZE], when[64];
	const char *label;
	uint64_t bytes;

	whole_name(f, p->g->region->name);
	fprintf(f, ": at most %s in use", cli_size(size, p->g->together_most, false));
	if (p->g->region->capacity != DMEM_UNKNOWN)
		fprintf(f, ", capacity %s", cli_size(size, p->g->region->capacity, false));
	label = size_label(p->g, o, &bytes);
	if (label)
		fprintf(f, ", %s %s", label, cli_size(size, bytes, false));
	if (p->decided < CHART_COLUMNS)
		fprintf(f, ", needed at %s", full_time(when, chart_wall(p, p->g->decided)));
	if (p->refused)
		fprintf(f, ", %" PRIu64 " request%s refused", p->refused, plural(p->refused));
	if (p->changed)
		fprintf(f, ", recorded were at most %s", cli_size(size, p->recorded_most, false));
	if (p->g->trial.size != DMEM_UNKNOWN)
		fprintf(f, ", %" PRIu64 " request%s refused in the tried size %s",
			p->g->trial.refused, plural(p->g->trial.refused),
			cli_size(size, p->g->trial.size, false));
	fprintf(f, ".\n");
}

static void draw_head(FILE *f, const struct chart *c, const struct needs_options *o, int height)
{
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"title desc\" "
		"width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" "
		"font-size=\"12\">\n<title id=\"title\">Device memory by service over time, with capacity "
		"and plan</title>\n<desc id=\"desc\">", WIDTH, height, WIDTH, height);
	for (size_t i = 0; i < c->n; i++)
		describe(f, &c->panel[i], o);
	fprintf(f, "%s</desc>\n", c->n ? "" : "No cgroup was charged.");
	if (c->n)
		draw_patterns(f);
	fprintf(f, "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n");
}

/* 0 or -ENOMEM. */
static int draw_changes(FILE *f, const struct model *m, int y)
{
	char *text = NULL;
	size_t len = 0;
	FILE *t;

	if (!m->whatif)
		return 0;
	t = open_memstream(&text, &len);
	if (!t)
		return -ENOMEM;
	report_changes(t, m, "The load was changed: ", "");
	if (fclose(t)) {
		free(text);
		return -ENOMEM;
	}
	fprintf(f, "<text class=\"changes\" fill=\"#555\" x=\"%d\" y=\"%d\">", PLOT_X, y);
	name(f, text, TITLE_W);
	fprintf(f, "</text>\n");
	free(text);
	return 0;
}

static void draw_foot(FILE *f, const struct model *m, const struct needs_options *o, int y)
{
	fprintf(f, "<g fill=\"#555\"><text x=\"%d\" y=\"%d\">Each region in the boot, of %zu, that needed "
		"most. peak: the highest of all boots. planned max: the planned limit of the service.</text>"
		"<text x=\"%d\" y=\"%d\">planned and needed size: with %.4g%% headroom, in whole blocks. Regions that "
		"no cgroup was charged for are left out.</text></g>\n", PLOT_X, y, m->n_boots,
		PLOT_X,
		y + ROW_H, o->headroom * 100);
}

int report_svg(FILE *f, const struct model *m, const struct needs *n,
	       const struct needs_options *o)
{
	/* With a quantile, the boot that counts may not be the largest one. */
	struct drawing d = { .f = f, .o = o,
			     .decided = o->quantile < 1 ? "needed most" : "decided the size" };
	struct chart c;
	int ret = chart_make(&c, m, n), height = 0;

	for (size_t i = 0; i < c.n && !ret; i++)
		height += panel_height(&c.panel[i]);
	if (!ret)
		draw_head(f, &c, o, height + FOOT_H);
	for (size_t i = 0; i < c.n && !ret; i++) {
		d.c = &c;
		d.p = &c.panel[i];
		draw_panel(&d);
		d.top += panel_height(d.p);
	}
	if (!ret && !c.n)
		fprintf(f, "<text x=\"%d\" y=\"30\">No cgroup was charged while it was recorded.</text>\n", PLOT_X);
	else if (!ret)
		draw_foot(f, m, o, d.top + ROW_H);
	if (!ret && c.n)
		ret = draw_changes(f, m, d.top + 3 * ROW_H);
	fprintf(f, "</svg>\n");
	chart_free(&c);
	return ret;
}
