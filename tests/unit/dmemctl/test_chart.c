// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The chart of dmemctl plan as a document: its elements, colours, marks, and labels. test_plan.c
 * checks its pixels.
 *
 * test_chart DMEMCTL DIRECTORY
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "fake.h"
#include "past.h"

#define CAM		"cma/camera@64000000"
#define ELEMENTS	20000
#define PLOT_X		76.0
#define PLOT_W		580.0

typedef unsigned long long ull;

static const char *dmemctl, *dir;

/* ---- a document ---- */

struct element {
	const char *name, *attributes;	/* as they stand */
	char *text;			/* directly in it, entities resolved */
	int parent;
};

struct document {
	char *s;
	struct element e[ELEMENTS];
	int n;
	const char *wrong;		/* NULL: it is well formed */
};

static struct document doc;

static char *unescape(char *s)
{
	char *to = s;

	for (const char *from = s; *from; ) {
		char *end;
		long c = strncmp(from, "&#", 2) ? 0 : strtol(from + 2, &end, 10);

		if (c > 0 && c < 128 && *end == ';') {
			*to++ = (char)c;
			from = end + 1;
			continue;
		}
		/* Nothing else is written */
		if (*from == '&')
			doc.wrong = "an entity";
		*to++ = *from++;
	}
	*to = 0;
	return s;
}

static void add_text(struct element *e, const char *from, const char *to)
{
	size_t len = e->text ? strlen(e->text) : 0;

	e->text = realloc(e->text, len + (size_t)(to - from) + 1);
	memcpy(e->text + len, from, (size_t)(to - from));
	e->text[len + (size_t)(to - from)] = 0;
}

/* name="value" name="value", each once */
static bool attributes_are_right(const char *s)
{
	while (*s) {
		size_t n = strcspn(s, "=");

		if (*s++ != ' ' || !n || s[n - 1] != '=' || s[n] != '"')
			return false;
		s += n + 1;
		n = strcspn(s, "\"<");
		if (s[n] != '"')
			return false;
		s += n + 1;
	}
	return true;
}

static void parse(char *s)
{
	int open = -1;

	for (int i = 0; i < doc.n; i++)
		free(doc.e[i].text);
	doc.n = 0;
	doc.wrong = NULL;
	while (*s && !doc.wrong) {
		char *tag = strchr(s, '<'), *end = tag ? strchr(tag, '>') : NULL;
		struct element *e = &doc.e[doc.n];
		bool empty;

		if (!end)
			break;
		if (open >= 0)
			add_text(&doc.e[open], s, tag);
		s = end + 1;
		*end = 0;
		if (tag[1] == '/') {
			if (open < 0 || strcmp(doc.e[open].name, tag + 2))
				doc.wrong = "an end of another element";
			else
				open = doc.e[open].parent;
			continue;
		}
		empty = end[-1] == '/';
		if (empty)
			end[-1] = 0;
		*e = (struct element){ .name = tag + 1, .parent = open };
		tag += strcspn(tag, " ");
		e->attributes = *tag ? tag + 1 : tag;
		if (*tag && !attributes_are_right(tag))
			doc.wrong = "attributes";
		*tag = 0;
		if (!empty)
			open = doc.n;
		if (++doc.n == ELEMENTS)
			doc.wrong = "too much of it";
	}
	if (open >= 0)
		doc.wrong = "no end";
	for (int i = 0; i < doc.n; i++) {
		if (!doc.e[i].text)
			doc.e[i].text = calloc(1, 1);
		unescape(doc.e[i].text);
	}
}

/* An attribute's value, or "". Good until four calls later. */
static const char *attribute(int i, const char *name)
{
	static char values[4][200];
	static unsigned int turn;
	char key[64];
	const char *at;

	if (i < 0)
		return "";
	snprintf(key, sizeof(key), " %s=\"", name);
	/* The first one has no blank before it. */
	at = strncmp(doc.e[i].attributes, key + 1, strlen(key + 1)) ? strstr(doc.e[i].attributes, key) :
								     doc.e[i].attributes - 1;
	turn = (turn + 1) % 4;
	*values[turn] = 0;
	if (at)
		snprintf(values[turn], sizeof(values[turn]), "%.*s", (int)strcspn(at + strlen(key), "\""),
			 at + strlen(key));
	return values[turn];
}

static double number(int i, const char *name)
{
	return atof(attribute(i, name));
}

/* The next element at or after @i that is one and has that class ("": any). -1: none. */
static int next(int i, const char *name, const char *class)
{
	for (; i >= 0 && i < doc.n; i++) {
		if (!strcmp(doc.e[i].name, name) && (!*class || !strcmp(attribute(i, "class"), class)))
			return i;
	}
	return -1;
}

static int count(const char *name, const char *class)
{
	int n = 0;

	for (int i = next(0, name, class); i >= 0; i = next(i + 1, name, class))
		n++;
	return n;
}

static bool is_in(int i, int parent)
{
	while (i >= 0 && i != parent)
		i = doc.e[i].parent;
	return i == parent;
}

/* The title in an element, or "". */
static const char *title_of(int i)
{
	int t = next(i, "title", "");

	return i >= 0 && t >= 0 && is_in(t, i) ? doc.e[t].text : "";
}

static int panel(int nth)
{
	int i = next(0, "g", "panel");

	while (nth-- && i >= 0)
		i = next(i + 1, "g", "panel");
	return i;
}

/* How the layer of that name is filled in a panel, or "". */
static const char *fill_in(int panel, const char *name)
{
	for (int i = next(panel, "path", "layer"); i >= 0 && is_in(i, panel); i = next(i + 1, "path", "layer")) {
		if (!strcmp(title_of(i), name))
			return attribute(i, "fill");
	}
	return "";
}

static bool any_text(const char *s)
{
	for (int i = 0; i < doc.n; i++) {
		if (strstr(doc.e[i].text, s))
			return true;
	}
	return false;
}

/* ---- histories ---- */

/* A sample at another wall clock. */
static void look_at(struct dmem_text *t, uint64_t mono, uint64_t wall, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void look_at(struct dmem_text *t, uint64_t mono, uint64_t wall, const char *fmt, ...)
{
	struct hist_line l;
	char items[65536];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(items, sizeof(items), fmt, ap);
	va_end(ap);
	hist_begin(&l, t, 'S');
	hist_add(&l, " %llu %llu %s", (ull)mono, (ull)wall, items);
	hist_end(&l);
}

static bool draw(const char *rel)
{
	char svg[4096], path[4096], name[100];
	const char *argv[] = { dmemctl, "plan", "--force", svg, path, NULL };

	snprintf(svg, sizeof(svg), "--svg=%s", tap_path("chart.svg"));
	snprintf(path, sizeof(path), "%s", tap_path(rel));
	snprintf(name, sizeof(name), "the history '%s' has a chart", rel);
	if (!check(!run(argv) && !*get("err"), name, "%s", get("err")))
		return false;
	free(doc.s);
	doc.s = strdup(get("chart.svg"));
	parse(doc.s);
	snprintf(name, sizeof(name), "the chart of '%s' is XML", rel);
	return check(!doc.wrong, name, "%s", doc.wrong);
}

/* Some services in some regions: as many MiB each as @use gives, for a second. */
static void steady(const char *rel, int regions, int services, ull (*use)(int service, int region))
{
	struct dmem_text t = { 0 };
	char name[100], items[60000];

	past_head(&t, "aaaaaaaa", 1000, 1000, false);
	for (int g = 0; g < regions; g++) {
		snprintf(name, sizeof(name), "cma/area%d", g);
		past_region(&t, (unsigned int)g, name);
	}
	for (int s = 0; s < services; s++) {
		snprintf(name, sizeof(name), "system.slice/svc%02d.service", s);
		past_cgroup(&t, (unsigned int)s, (uint64_t)s + 1, name);
	}
	for (ull k = 1; k <= 10; k++) {
		size_t len = 0;

		*items = 0;
		for (int g = 0; g < regions; g++)
			len += (size_t)snprintf(items + len, sizeof(items) - len, "r%d=0,0,-,%llu ", g,
						512 * MIB);
		for (int i = 0; i < regions * services; i++)
			len += (size_t)snprintf(items + len, sizeof(items) - len, "c%d.%d=%llu ", i / regions,
						i % regions, use(i / regions, i % regions) * MIB);
		past_look(&t, 1000 * k, "%.*s", (int)len - 1, items);
	}
	past_end(&t, 11000);
	past_write(&t, rel);
}

/* ---- content ---- */

static ull stairs(int service, int region)
{
	return (ull)(region ? 20 - service : service + 1);
}

static ull alike(int service, int region)
{
	(void)service;
	(void)region;
	return 8;
}

static ull second_unused(int service, int region)
{
	return region == 1 ? 0 : (ull)service + 1;
}

static ull nothing(int service, int region)
{
	(void)service;
	(void)region;
	return 0;
}

/* The legend is the stack from its top to its bottom: the same fills, the other way round. */
static bool legend_is_stack(int p)
{
	const char *stack[64];
	int n = 0, at = 0;
	bool ok = true;

	for (int i = next(p, "path", "layer"); i >= 0 && is_in(i, p) && n < 64; i = next(i + 1, "path", "layer"))
		stack[n++] = strdup(attribute(i, "fill"));
	for (int i = next(p, "rect", "key"); i >= 0 && is_in(i, p); i = next(i + 1, "rect", "key")) {
		ok &= at < n && !strcmp(stack[n - 1 - at], attribute(i, "fill"));
		at++;
	}
	for (int i = 0; i < n; i++)
		free((void *)stack[i]);
	return ok && at == n && n;
}

static void accessible(void)
{
	int svg = next(0, "svg", ""), title = next(0, "title", ""), desc = next(0, "desc", "");

	check(!strcmp(attribute(svg, "role"), "img"), "role is img", "%s", doc.e[svg].attributes);
	check(title >= 0 && doc.e[title].parent == svg && *doc.e[title].text &&
	      desc >= 0 && doc.e[desc].parent == svg, "a title and a description", "none");
	check(strstr(attribute(svg, "aria-labelledby"), attribute(title, "id")) &&
	      strstr(attribute(svg, "aria-labelledby"), attribute(desc, "id")), "which name it", "%s",
	      doc.e[svg].attributes);
	check(strstr(doc.e[desc].text, "cma/area0: at most 36M in use, capacity 512M, needed size 40M") != NULL,
	      "the description has the figures", "%s", doc.e[desc].text);
}

/* Relative luminance of "#rrggbb". */
static double luminance(const char *fill)
{
	long rgb = strtol(fill + 1, NULL, 16);
	static const double part[] = { 0.0722, 0.7152, 0.2126 };
	double sum = 0;

	for (int i = 0; i < 3; i++) {
		double c = (double)(rgb >> 8 * i & 255) / 255;

		sum += part[i] * (c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
	}
	return sum;
}

static void colours(void)
{
	char first[10][64], name[64];
	double lowest = 100;

	steady("stairs", 2, 8, stairs);
	draw("stairs");
	accessible();
	check(count("g", "panel") == 2, "two panels", "%d", count("g", "panel"));
	check(legend_is_stack(panel(0)) && legend_is_stack(panel(1)), "the legend has the order of the stack", "no");
	check(!strcmp(title_of(next(0, "path", "layer")), "svc07.service"), "most is at the bottom", "%s",
	      title_of(next(0, "path", "layer")));
	for (int s = 0; s < 8; s++) {
		snprintf(name, sizeof(name), "svc%02d.service", s);
		snprintf(first[s], sizeof(first[s]), "%s", fill_in(panel(0), name));
		tap_case("%s", name);
		check(*first[s] && !strcmp(first[s], fill_in(panel(1), name)), "one colour in all panels", "%s, %s",
		      first[s], fill_in(panel(1), name));
		for (int k = 0; k < s; k++) {
			double a = luminance(first[s]) + 0.05, b = luminance(first[k]) + 0.05;

			lowest = fmin(lowest, a > b ? a / b : b / a);
		}
	}
	tap_case("%s", "");
	check(lowest >= 1.15, "colours differ in lightness, too", "%f", lowest);
	check(count("path", "hairline") >= 8, "a line between layers", "%d", count("path", "hairline"));
	/* Another day: other figures, and the first one is alone. */
	steady("alike", 1, 8, alike);
	draw("alike");
	for (int s = 0; s < 8; s++) {
		snprintf(name, sizeof(name), "svc%02d.service", s);
		tap_case("%s", name);
		check(!strcmp(first[s], fill_in(panel(0), name)),
		      "the same colour in another chart", "%s, %s", first[s],
		      fill_in(panel(0), name));
	}
	tap_case("%s", "");
	check(any_text("capacity") && any_text("needed size") && any_text("sum of limits") && !any_text("all max") &&
	      !any_text("not accounted"), "its words", "are others");
}

static void many(void)
{
	bool ok = true;

	steady("fourteen", 1, 14, alike);
	draw("fourteen");
	check(count("rect", "key") == 14 && count("path", "layer") == 14 && !any_text("more service"),
	      "14 services have a colour each", "%d", count("rect", "key"));
	for (int i = next(0, "rect", "key"); i >= 0; i = next(i + 1, "rect", "key")) {
		for (int k = next(i + 1, "rect", "key"); k >= 0; k = next(k + 1, "rect", "key"))
			ok &= strcmp(attribute(i, "fill"), attribute(k, "fill")) != 0;
	}
	check(ok, "each another one", "no");
	steady("forty", 1, 40, alike);
	draw("forty");
	check(count("rect", "key") == 17 && any_text("24 more services"), "of 40, the others are one layer", "%d",
	      count("rect", "key"));
}

static void empty(void)
{
	struct dmem_text t = { 0 };

	steady("second", 3, 3, second_unused);
	draw("second");
	check(count("g", "panel") == 2 && !any_text("cma/area1"), "a region without charges has no panel", "%d",
	      count("g", "panel"));
	check(!any_text("0B"), "nothing is 0B", "but it is");
	/* A region without charges has no panel. */
	past_head(&t, "aaaaaaaa", 1000, 1000, false);
	past_region(&t, 0, CAM);
	past_look(&t, 1000, "r0=0,%llu,-,%llu", 8 * MIB, 40 * MIB);
	past_end(&t, 3000);
	past_write(&t, "nobody");
	draw("nobody");
	check(!count("g", "panel") && count("text", "") == 1 && any_text("No cgroup was charged"),
	      "an empty chart is one line of text", "%d", count("text", ""));
	steady("nothing", 1, 2, nothing);
}

static void one_sample(void)
{
	struct dmem_text t = { 0 };
	char want[64];

	past_head(&t, "aaaaaaaa", 1000, 1000, false);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "system.slice/camera.service");
	past_look(&t, 1000, "r0=%llu,0,-,%llu c0.0=%llu", 8 * MIB, 40 * MIB, 8 * MIB);
	past_write(&t, "sample");
	draw("sample");
	snprintf(want, sizeof(want), "M76 ");
	check(!strncmp(attribute(next(0, "path", "layer"), "d"), want, 4) &&
	      strstr(attribute(next(0, "path", "layer"), "d"), "H656") != NULL, "one sample is all of it", "%s",
	      attribute(next(0, "path", "layer"), "d"));
	check(count("text", "time") == 1 && !strcmp(doc.e[next(0, "text", "time")].text, "16:00:01"), "at its time",
	      "%s", doc.e[next(0, "text", "time")].text);
}

/* ---- time and marks ---- */

/* Whether texts of that class are apart, at 6 pixels for each character. */
static bool are_apart(const char *class)
{
	double end = -100;
	bool ok = true;

	for (int i = next(0, "text", class); i >= 0; i = next(i + 1, "text", class)) {
		double half = 3 * (double)strlen(doc.e[i].text);

		ok &= number(i, "x") - half >= end;
		end = number(i, "x") + half;
	}
	return ok;
}

static bool has_time(const char *class, const char *text, double x)
{
	for (int i = next(0, "text", class); i >= 0; i = next(i + 1, "text", class)) {
		if (!strcmp(doc.e[i].text, text) && fabs(number(i, "x") - x) < 1.5)
			return true;
	}
	return false;
}

/* The day of PAST_WALL begins at 16:00. */
static void wall_clock(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 0, 60000, false);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "system.slice/camera.service");
	for (ull k = 0; k <= 24 * 60; k++)
		past_look(&t, k * 60000, "r0=%llu,0,-,%llu c0.0=%llu", (1 + k % 4) * MIB, 40 * MIB,
			  (1 + k % 4) * MIB);
	past_write(&t, "day");
	draw("day");
	check(has_time("time", "18:00", PLOT_X + PLOT_W * 2 / 24) && has_time("time", "06:00", PLOT_X + PLOT_W * 14 / 24),
	      "round times of the wall clock", "are elsewhere");
	check(has_time("time", "00:00", PLOT_X + PLOT_W * 8 / 24) &&
	      has_time("date", "2025-11-25", PLOT_X + PLOT_W * 8 / 24) && any_text("2025-11-24"),
	      "dates where they change", "no");
	check(any_text("UTC"), "in UTC", "no");
	check(are_apart("time") && are_apart("date"), "labels are apart", "no");

	/* A board without a clock of its own gets the time when it has a network. */
	past_head(&t, "aaaaaaaa", 0, 60000, false);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "system.slice/camera.service");
	for (ull k = 0; k <= 60; k++)
		look_at(&t, k * 60000, k * 60000 + (k < 30 ? 0 : PAST_WALL), "r0=%llu,0,-,%llu c0.0=%llu",
			(k == 45 ? 9 : 1) * MIB, 40 * MIB, (k == 45 ? 9 : 1) * MIB);
	past_write(&t, "clock");
	draw("clock");
	check(has_time("time", "00:20", PLOT_X + PLOT_W / 3) && any_text("1970-01-01"), "times before it was set",
	      "no");
	check(has_time("time", "16:50", PLOT_X + PLOT_W * 5 / 6) && any_text("2025-11-24"), "and after that", "no");
	check(count("path", "clock") == 1 && strstr(title_of(next(0, "path", "clock")),
	      "1970-01-01 00:30:00 UTC became 2025-11-24 16:30:00 UTC"), "a mark where it was", "%s",
	      title_of(next(0, "path", "clock")));
	check(strstr(title_of(next(0, "path", "decided")), "2025-11-24 16:45:00 UTC") != NULL,
	      "the time of what decided is right", "%s", title_of(next(0, "path", "decided")));
}

static void marks(void)
{
	struct dmem_text t = { 0 };
	int i;

	past_head(&t, "aaaaaaaa", 0, 1000, false);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "system.slice");
	past_cgroup(&t, 1, 2, "system.slice/camera.service");
	past_cgroup(&t, 2, 3, "system.slice/codec.service");
	for (ull k = 0; k <= 100; k++) {
		/* Three of before, which have no time; one at 20; two and one at 50. */
		ull camera = 3 + (k >= 20) + 2 * (k >= 50), codec = k >= 50, use = k == 70 ? 20 : 4;

		past_look(&t, k * 1000, "r0=%llu,0,-,%llu c0.0=%llu,0,0,%llu c1.0=%llu,0,0,%llu c2.0=%llu,0,0,%llu",
			  (use + 2) * MIB, 40 * MIB, (use + 2) * MIB, camera + codec, use * MIB, camera, 2 * MIB,
			  codec);
	}
	past_write(&t, "refused");
	draw("refused");
	/* One of them is in the legend. */
	check(count("path", "refused") == 3, "two marks", "%d", count("path", "refused"));
	i = next(0, "path", "refused");
	check(fabs(atof(attribute(i, "d") + 1) + 4 - PLOT_X - PLOT_W / 5) < 1.5 &&
	      !strcmp(title_of(i), "1 request refused, 2025-11-24 16:00:20 UTC: camera.service"), "one", "%s: %s",
	      attribute(i, "d"), title_of(i));
	i = next(i + 1, "path", "refused");
	check(fabs(atof(attribute(i, "d") + 1) + 4 - PLOT_X - PLOT_W / 2) < 1.5 &&
	      !strncmp(title_of(i), "3 requests refused, 2025-11-24 16:00:50 UTC: ", 45) &&
	      strstr(title_of(i), " and others"), "several", "%s: %s", attribute(i, "d"), title_of(i));
	check(any_text("4") && any_text("refused"), "the legend has them", "no");
	i = next(0, "path", "decided");
	check(fabs(atof(attribute(i, "d") + 1) - PLOT_X - PLOT_W * 0.7) < 1.5 &&
	      !strcmp(title_of(i), "decided the size: 2025-11-24 16:01:10 UTC"), "what decided the size", "%s: %s",
	      attribute(i, "d"), title_of(i));
	steady("none", 1, 1, alike);
	draw("none");
	check(!count("path", "refused") && !any_text("refused"), "nothing refused, no mark", "%d",
	      count("path", "refused"));
}

/* ---- names ---- */

static void names(void)
{
	static const char * const bad[] = {
		"a.slice/<script>alert(1)</script>&amp;\"'.x", "a.slice/\xff\xfe\x80.x", "a.slice/\xef\xbf\xbf.x",
		"a.slice/\xe2\x80\xae" "gnp.x", "a.slice/\xc2\x9b" "31m.x", "a.slice/\x1b[31m.x",
	};
	struct dmem_text t = { 0 };
	char name[300], items[4000];
	size_t len = 0;
	double widest = 0;

	past_head(&t, "aaaaaaaa", 1000, 1000, false);
	past_region(&t, 0, "cma/<b>&");
	for (unsigned int i = 0; i < 6; i++)
		past_cgroup(&t, i, i + 1, bad[i]);
	for (unsigned int i = 6; i < 8; i++) {
		memset(name, 'W', 250);
		snprintf(name + 240, sizeof(name) - 240, "-%u.service", i);
		past_cgroup(&t, i, i + 1, name);
	}
	for (int i = 0; i < 8; i++)
		len += (size_t)snprintf(items + len, sizeof(items) - len, " c%d.0=%llu", i, (9 - (ull)i) * MIB);
	past_look(&t, 1000, "r0=%llu,0,-,%llu%s", 44 * MIB, 64 * MIB, items);
	past_end(&t, 9000);
	past_write(&t, "names");
	if (!draw("names"))
		return;
	check(any_text("a.slice/<script>alert(1)</script>&amp;\"'.x"), "a name is its text", "no");
	check(next(0, "script", "") < 0, "and no element", "it is one");
	check(!strstr(get("chart.svg"), "\xe2\x80\xae") && !strstr(get("chart.svg"), "\xef\xbf\xbf") &&
	      !strchr(get("chart.svg"), 27) && !strstr(get("chart.svg"), "\xc2\x9b"), "nothing in it has an effect", "no");
	for (int i = next(0, "text", "name"); i >= 0; i = next(i + 1, "text", "name")) {
		/* A W has 12 pixels. */
		double w = 0;

		for (const char *s = doc.e[i].text; *s; s++)
			w += (*s & 0xc0) == 0x80 ? 0 : *s == 'W' ? 12 : 6;
		widest = fmax(widest, number(i, "x") + w);
	}
	check(widest < 925, "names do not reach the figures", "%f", widest);
	check(any_text("W\xe2\x80\xa6") && any_text("-6.service") && any_text("-7.service"),
	      "of long ones both ends are shown", "no");
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: test_chart DMEMCTL DIR\n");
		return 2;
	}
	dmemctl = argv[1];
	dir = argv[2];
	tap_start();
	tap_dir(dir);
	RUN(colours);
	RUN(many);
	RUN(empty);
	RUN(one_sample);
	RUN(wall_clock);
	RUN(marks);
	RUN(names);
	return tap_end();
}
