// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "dmemctl plan --confidence": histories whose answer can be calculated by hand, and random ones
 * against a model that keeps all values and places buffers in a bitmap.
 *
 * test_confidence DMEMCTL DIR JQ dmemctl-plan.8.scd
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmemctl/plan/needs.h"
#include "past.h"
#include "tap.h"

#define CAM	"cma/camera@64000000"
#define VRAM	"drm/0000:03:00.0/vram0"
#define KIB	1024ull
#define MIB	(1024 * KIB)
#define PAGE	4096ull
#define DAY	86400000ull
#define HOUR	3600000ull
#define MIN	60000ull
#define BLOCK	65536ull
#define HEADROOM	0.1
#define ORDER	8

typedef unsigned long long ull;

static const char *dmemctl, *top, *jq_program;

static int plan(const char *words)
{
	char script[12000];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	snprintf(script, sizeof(script), "cd '%s' && exec '%s' plan %s", tap_path(""), dmemctl, words);
	return run(argv);
}

/* Is the filter true for the last output? The output stays. */
static bool is(const char *filter)
{
	const char *argv[] = { jq_program, "-e", filter, NULL };
	bool ok;

	rename(tap_path("out"), tap_path("in"));
	ok = !run(argv);
	rename(tap_path("in"), tap_path("out"));
	return ok;
}

/* ---- histories by hand ---- */

static void start(struct dmem_text *t, const char *boot, uint64_t mono, uint64_t interval)
{
	past_head(t, boot, mono, interval, false);
	past_region(t, 0, CAM);
	past_cgroup(t, 0, 7, "system.slice/cam.service");
	past_look(t, mono, "r0=0,0,-,%llu c0.0=0,0", 64 * MIB);
}

/* @use bytes from @mono on. */
static void use(struct dmem_text *t, uint64_t mono, ull use)
{
	past_look(t, mono, "r0=%llu c0.0=%llu,%llu", use, use, use);
}

/* 1000 minutes: 950 with 1M, 40 with 2M, 9 with 3M, and one with 4M. */
static void write_percentiles(const char *name, uint64_t base, uint64_t minute)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", base, 1000 * minute);
	use(&t, base, MIB);
	use(&t, base + 950 * minute, 2 * MIB);
	use(&t, base + 990 * minute, 3 * MIB);
	use(&t, base + 999 * minute, 4 * MIB);
	past_end(&t, base + 1000 * minute);
	past_write(&t, name);
}

/* Each percentile is the largest value such that the rest of the time has as much or more. */
static void percentiles(void)
{
	tap_dir(top);
	write_percentiles("h", 5000, MIN);
	check(!plan("--json h") && is(".regions[0].confidence | .recorded_ms == 60000000 and .charged_ms == 60000000 and "
	      ".p50 == 1048576 and .p95 == 2097152 and .p99 == 3145728 and .max == 4194304 and .too_short == null"),
	      "percentiles of a region over time", "%s", get("out"));
	check(is(".regions[0].services[0] | .p50 == 1048576 and .p95 == 2097152 and .p99 == 3145728 and .peak_ms == 60000 and "
	      ".peak_times == 1 and .up_ms == 60000000 and .charged_ms == 60000000"), "percentiles of a service", "%s", get("out"));
	check(!plan("--confidence h") && strstr(get("out"), "\n    Recorded: 16.7h in 1 boot of 1 machine. With a certainty of 95%,\n"
	      "    more than the peak is in use in less than 0.3% of the time.\n"
	      "    SERVICE          UP CHARGED     P50     P95     P99 AT PEAK TIMES\n"
	      "    (all)         16.7h   16.7h      1M      2M      3M     60s     1\n"
	      "    cam.service   16.7h   16.7h      1M      2M      3M     60s     1\n"
	      "    Largest free run: not measured while nothing changed.\n"), "as text", "%s", get("out"));
	check(!plan("h") && strstr(get("out"), "\n            99% of it or more for 60s of 16.7h, once, in 1 of 1 boot\n") &&
	      !strstr(get("out"), "Confidence"), "the default output has the duration of the peak only", "%s", get("out"));
}

/* A percentile needs 3 / (1 - p) minutes. One ms less is too little. */
static void too_short(void)
{
	static const struct { ull ms; const char *filter; } cases[] = {
		{ 6 * MIN - 1, "[.p50, .p95, .p99] == [null, null, null] and .too_short == "
			       "\"p50 needs 360000 ms, p95 needs 3600000 ms, p99 needs 18000000 ms\"" },
		{ 6 * MIN, "[.p50, .p95, .p99] == [1048576, null, null] and .too_short == "
			   "\"p95 needs 3600000 ms, p99 needs 18000000 ms\"" },
		{ 60 * MIN - 1, "[.p50, .p95, .p99] == [1048576, null, null]" },
		{ 60 * MIN, "[.p50, .p95, .p99] == [1048576, 1048576, null] and .too_short == \"p99 needs 18000000 ms\"" },
		{ 300 * MIN - 1, "[.p50, .p95, .p99] == [1048576, 1048576, null]" },
		{ 300 * MIN, "[.p50, .p95, .p99] == [1048576, 1048576, 1048576] and .too_short == null" },
	};
	char name[64], filter[400];

	tap_dir(top);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct dmem_text t = { 0 };

		start(&t, "aaaaaaaa", 1000, DAY);
		use(&t, 1000, MIB);
		past_end(&t, 1000 + cases[i].ms);
		past_write(&t, "h");
		snprintf(name, sizeof(name), "percentiles of %llu ms", cases[i].ms);
		snprintf(filter, sizeof(filter), "(.regions[0].confidence, .regions[0].services[0]) | %s", cases[i].filter);
		check(!plan("--json h") && is(filter), name, "%s", get("out"));
		remove(tap_path("h"));
	}
	write_percentiles("h", 5000, 20);
	check(!plan("--json h") && is(".regions[0].confidence | .above_peak_part == null and .p50 == null"),
	      "20 s say nothing about more than the peak", "%s", get("out"));
	check(!plan("--confidence h") && strstr(get("out"), "\n    Recorded: 20s in 1 boot of 1 machine.\n") && strstr(get("out"),
	      "\n    cam.service     20s     20s       -       -       -    20ms     1\n"
	      "    -: too short: P50 needs 6min, P95 60min, P99 5h.\n"), "a remark instead of numbers", "%s", get("out"));
}

/* The peak of three boots, which is reached three times in two of them, once after a gap without
 * another rise. */
static void peaks(void)
{
	struct dmem_text t = { 0 };

	tap_dir(top);
	for (unsigned int i = 0; i < 3; i++) {
		const char id[] = { 'a', 'a', 'a', 'a', 'a', 'a', 'a', (char)('0' + i), 0 };
		ull most = i ? 100 * MIB : 50 * MIB;

		start(&t, id, 1000, 10000);
		use(&t, 2000, most);
		use(&t, 3000, i == 1 ? 99 * MIB : 98 * MIB / 2);
		use(&t, 4000, i == 1 ? 99 * MIB - 1 : MIB);
		if (i == 2)
			use(&t, 5000, 99 * MIB + PAGE);
		past_end(&t, 7000);
		start(&t, id, 10000, 10000);
		if (i == 2)
			use(&t, 10000, 100 * MIB - PAGE);
		past_end(&t, 10500);
	}
	past_write(&t, "h");
	/* Boot 1: 2 s. Boot 2: 1 s, 2 s, and 0.5 s after the gap, for which the use was zero. */
	check(!plan("--json h") && is(".regions[0].confidence | .peak_ms == 5500 and .peak_times == 3 and .peak_boots == 2 and "
	      ".boots == 3 and .recorded_ms == 19500 and .machines == 1"), "at most 1 % below the peak", "%s", get("out"));
	check(!plan("h") && strstr(get("out"), "\n            99% of it or more for 5.5s of 19.5s, 3 times, in 2 of 3 boots\n"),
	      "as text", "%s", get("out"));
}

/* A peak that the kernel counted between two samples has no duration. */
static void between_samples(void)
{
	struct dmem_text t = { 0 };

	tap_dir(top);
	start(&t, "aaaaaaaa", 1000, 1000);
	past_look(&t, 2000, "r0=%llu c0.0=%llu,%llu", MIB, MIB, 2 * MIB);
	past_end(&t, 5000);
	past_write(&t, "h");
	check(!plan("--json h") && is("(.regions[0].services[0] | .peak == 2097152 and .peak_ms == 0 and .peak_times == 0 and "
	      ".charged_ms == 3000 and .up_ms == 4000) and .regions[0].confidence.peak_ms == 3000"),
	      "a peak between samples lasts 0 ms", "%s", get("out"));
}

/* A service with two cgroups at a time is up while it has any. */
static void uptimes(void)
{
	struct dmem_text t = { 0 };

	tap_dir(top);
	start(&t, "aaaaaaaa", 1000, 1000);
	use(&t, 2000, MIB);
	past_cgroup(&t, 1, 8, "system.slice/cam.service");
	past_look(&t, 3000, "c1.0=4096,4096");
	past_look(&t, 5000, "x0");
	past_look(&t, 8000, "x1 r0=0");
	past_cgroup(&t, 2, 9, "system.slice/cam.service");
	past_look(&t, 10000, "c2.0=0,0");
	/* The next part of the file names it again, without a gap. */
	start(&t, "aaaaaaaa", 11000, 1000);
	past_end(&t, 12000);
	start(&t, "aaaaaaaa", 90000, 1000);
	past_look(&t, 91000, "x0");
	past_end(&t, 92000);
	past_write(&t, "h");
	check(!plan("--json h") && is(".regions[0].services[0].up_ms == 7000 + 2000 + 1000"), "time with a cgroup", "%s",
	      get("out"));
}

static void machines(void)
{
	static const char id[] = "0123456789abcdef0123456789abcdef";
	struct dmem_text t = { 0 };

	tap_dir(top);
	for (unsigned int i = 0; i < 5; i++) {
		struct hist_identity who = { "", id, i < 3 ? "one" : i < 4 ? "two" : "three", NULL, "7.3.4" };

		snprintf(who.boot, sizeof(who.boot), "aaaaaaa%u-0000-0000-0000-000000000000", i);
		hist_put_identity(&t, PAST_WALL + 1000, &who);
		start(&t, who.boot, 1000, 1000);
		/* The last one does not use the region. */
		use(&t, 2000, i < 4 ? MIB : 0);
		past_end(&t, 3000);
	}
	past_write(&t, "h");
	check(!plan("--json h") && is(".regions[0].confidence | .machines == 2 and .boots == 4"),
	      "machines and boots that used the region", "%s", get("out"));
}

/* ---- free runs ---- */

static void free_runs(void)
{
	struct dmem_text t = { 0 };

	tap_dir(top);
	past_head(&t, "aaaaaaaa", 1000, 1000, true);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 7, "system.slice/cam.service");
	past_look(&t, 1000, "r0=0,0,-,%llu c0.0=0,0", 64 * MIB);
	past_look(&t, 2000, "r0=%llu,0,1 c0.0=%llu,%llu b1=0.0,%llu", 8 * MIB, 8 * MIB, 8 * MIB, 8 * MIB);
	for (unsigned int i = 0; i < 70; i++)
		past_look(&t, 3000 + i * 1000, "r0=%llu,0,%llu", 8 * MIB, (ull)(56 * MIB - i % 10 * PAGE + (i % 10 == 9 ? MIB : 0)));
	past_look(&t, 90000, "r0=%llu,0,%llu", 8 * MIB, 56 * MIB - MIB);
	past_end(&t, 91000);
	past_write(&t, "h");
	check(!plan("--json h") && is(".regions[0] | .run_smaller == 1048576 and (.confidence.free_runs | .n == 71 and .equal == 7 and "
	      "(.less | .n == 57 and .p50 == 5 * 4096 and .p95 == null and .max == 1048576 and .time == 1764000090000) and "
	      "(.more | .n == 7 and .p50 == 1048576 - 9 * 4096 and .p95 == null and .time == 1764000012000))"),
	      "measured free runs against those of the model", "%s", get("out"));
	check(!plan("--confidence h") && strstr(get("out"), "\n    Largest free run: measured 71 times, as calculated 7 times.\n"
	      "    DIFFERENCE       TIMES     P50     P95     MAX  LARGEST (UTC)\n"
	      "    less was free       57     20K       -      1M  2025-11-24 16:01:30\n"
	      "    more was free        7    988K       -    988K  2025-11-24 16:00:12\n"), "as text", "%s", get("out"));
	check(!plan("--scale=cam=2 --json h") && is(".regions[0].confidence | .free_runs == null and .p50 == null and "
	      ".peak_ms == 89000 and .held_out.parts == 1"), "a changed load was never measured", "%s", get("out"));
	check(!plan("--scale=cam=2 --confidence h") && strstr(get("out"), "  Confidence\n") && !strstr(get("out"), "free run"),
	      "no line about free runs", "%s", get("out"));
}

/* ---- parts held out ---- */

/* Boots that need 10M, 20M and 30M: planned from the others with 10 % of headroom, in blocks of 4M. */
static void boots_held_out(void)
{
	struct dmem_text t = { 0 };

	tap_dir(top);
	for (unsigned int i = 1; i < 4; i++) {
		const char id[] = { 'a', 'a', 'a', 'a', 'a', 'a', 'a', (char)('0' + i), 0 };

		start(&t, id, 1000, 1000);
		use(&t, 2000, i * 10 * MIB);
		past_end(&t, 3000);
		if (i == 2) {
			past_write(&t, "two");
			check(!plan("--json two") && is(".regions[0].confidence.held_out | .by == \"day\" and .parts == 1 and "
			      ".too_small == null and .short_most == null and .over_median == null and .too_short == "
			      "\"needs 3 boots or 3 days\""), "two boots of one day are too little", "%s", get("out"));
			check(!plan("--confidence two") && strstr(get("out"),
			      "\n    Held out: not possible with fewer than 3 boots or 3 days.\n"), "a remark instead of numbers", "%s", get("out"));
		}
	}
	past_write(&t, "three");
	check(!plan("--json two three") && is(".regions[0].confidence.held_out | .by == \"boot\" and .parts == 3 and .too_small == 1 "
	      "and .short_most == 6 * 1048576 and .over_median == 16 * 1048576 and .too_short == null"),
	      "each boot planned from the others", "%s", get("out"));
	check(!plan("--confidence two three") && strstr(get("out"), "\n    Held out: planned from the others, 1 of 3 boots would "
	      "lack up to 6M.\n    A boot that fits leaves 16M free (median).\n"), "as text", "%s", get("out"));
	check(!plan("--headroom=50 --json two three") && is(".regions[0].confidence.held_out | .too_small == 0 and .short_most == 0 and "
	      ".over_median == 28 * 1048576"), "with the headroom in force", "%s", get("out"));
	check(!plan("--headroom=50 --confidence two three") && strstr(get("out"),
	      "\n    Held out: planned from the others, each of 3 boots fits.\n"), "all boots fit", "%s", get("out"));
}

/* One boot of three days. Buffers of the first day are there on the others, at their places. */
static void days_held_out(void)
{
	struct dmem_text t = { 0 };
	uint64_t midnight = DAY - PAST_WALL % DAY;

	tap_dir(top);
	past_head(&t, "aaaaaaaa", midnight - HOUR, HOUR, true);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 7, "system.slice/cam.service");
	/* Day 1: 32M, of which the last 8M stay. */
	past_look(&t, midnight - HOUR, "r0=%llu,0,-,%llu c0.0=%llu b1=0.0,%llu b2=0.0,%llu", 32 * MIB, 64 * MIB, 32 * MIB, 24 * MIB,
		  8 * MIB);
	past_look(&t, midnight - 1, "r0=%llu c0.0=%llu f1", 8 * MIB, 8 * MIB);
	/* Day 2: they end at 32M. Day 3: they are freed, and 4M are new. */
	past_look(&t, midnight + 1, "r0=%llu", 8 * MIB);
	for (uint64_t h = 1; h < 24; h++)
		past_look(&t, midnight + h * HOUR, "r0=%llu", 8 * MIB);
	past_look(&t, midnight + DAY - 1, "r0=0 c0.0=0 f2");
	past_look(&t, midnight + DAY, "r0=0");
	past_look(&t, midnight + DAY + HOUR, "r0=%llu c0.0=%llu b3=0.0,%llu", 4 * MIB, 4 * MIB, 4 * MIB);
	past_end(&t, midnight + DAY + 2 * HOUR);
	past_write(&t, "h");
	/* Without one of the first two days, 36M are planned, as for all: 4M and 32M more than needed. */
	check(!plan("--json h") && is(".regions[0] | .need == 32 * 1048576 and (.confidence.held_out | .by == \"day\" and .parts == 3 "
	      "and .too_small == 0 and .over_median == 4 * 1048576)"), "each day planned from the others", "%s", get("out"));
	check(!plan("--confidence h") && strstr(get("out"), "\n    Held out: planned from the others, each of 3 days fits.\n"
	      "    A day that fits leaves 4M free (median).\n"), "as text", "%s", get("out"));
}

/* ---- random histories ---- */

#define SERVICES	3
#define MAX_POINTS	2000
#define MAX_PARTS	400
#define MAX_BUFFERS	64
#define BITS		12000

struct point {
	uint64_t v, ms;
	unsigned int boot;
};

/* All samples of a series. */
struct series {
	struct point p[MAX_POINTS];
	size_t n;
};

struct part {
	uint64_t which, placed, unseen[SERVICES];
	bool used;
};

struct parts {
	struct part p[MAX_PARTS];
	size_t n;
};

struct error {
	uint64_t by, time;
	bool less;
};

/* All that happened, as it is compared with the plan. */
struct truth {
	struct series all, of[SERVICES];
	uint64_t up[SERVICES];
	struct parts boots, days;
	struct error error[MAX_POINTS];
	size_t n_errors, n_equal;
	size_t n_boots;
	bool machine[4];
	bool sums;			/* the region is no CMA area: only sums count */
};

struct buffer {
	uint64_t ino;
	size_t start, pages;
	unsigned int service;
};

struct random_boot {
	struct truth *truth;
	struct dmem_text *t;
	uint64_t random, now, ino, lives, interval;
	unsigned int boot, numbers;
	uint64_t use[SERVICES], peak[SERVICES], seen[SERVICES], peaked[SERVICES], life[SERVICES];
	unsigned int number[SERVICES];	/* of its cgroup in the segment, or 99: it has none */
	struct buffer b[MAX_BUFFERS];
	size_t n;
	bool set[BITS];
	uint64_t total, before;		/* charges in this sample, and in the last one */
	bool moved, first;
	char items[16384];
};

static uint64_t pick(struct random_boot *b, uint64_t n)
{
	b->random = b->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (b->random >> 33) % n;
}

static void item(struct random_boot *b, const char *fmt, ull x, ull y, ull z)
{
	size_t at = strlen(b->items);

	snprintf(b->items + at, sizeof(b->items) - at, fmt, x, y, z);
}

static struct part *part_of(struct parts *all, uint64_t which)
{
	size_t i = 0;

	while (i < all->n && all->p[i].which != which)
		i++;
	if (i == all->n)
		all->p[all->n++] = (struct part){ .which = which };
	return &all->p[i];
}

static uint64_t day_of(uint64_t mono)
{
	return (PAST_WALL + mono) / DAY;
}

/* The end of the highest buffer counts for the boot and the day. */
static void note_places(struct random_boot *b)
{
	struct part *p[] = { part_of(&b->truth->boots, b->boot), part_of(&b->truth->days, day_of(b->now)) };

	for (size_t i = 0; i < b->n; i++) {
		uint64_t end = b->truth->sums ? b->total : (b->b[i].start + b->b[i].pages) * PAGE;

		for (int k = 0; k < 2; k++) {
			p[k]->placed = end > p[k]->placed ? end : p[k]->placed;
			p[k]->used = true;
		}
	}
}

static void alloc(struct random_boot *b, unsigned int service)
{
	size_t pages = 1 + pick(b, pick(b, 3) ? 40 : 600), align = 1, start = 0, k = 0;

	if (b->n == MAX_BUFFERS || b->use[service] > 2000 * PAGE)
		return;
	while (align < pages && align < 1 << ORDER)
		align *= 2;
	for (; start + pages <= BITS; start += align) {
		for (k = 0; k < pages && !b->set[start + k]; k++)
			;
		if (k == pages)
			break;
	}
	memset(b->set + start, 1, pages);
	b->b[b->n++] = (struct buffer){ ++b->ino, start, pages, service };
	b->use[service] += pages * PAGE;
	b->moved = true;
	item(b, " b%llu=%llu.0,%llu", b->ino, b->number[service], pages * PAGE);
}

static void drop(struct random_boot *b, size_t i)
{
	memset(b->set + b->b[i].start, 0, b->b[i].pages);
	b->use[b->b[i].service] -= b->b[i].pages * PAGE;
	item(b, " f%llu", b->b[i].ino, 0, 0);
	b->b[i] = b->b[--b->n];
	b->moved = true;
}

/* The largest free run. */
static uint64_t run_of(const struct random_boot *b)
{
	size_t most = 0, n = 0;

	for (size_t i = 0; i < BITS; i++) {
		n = b->set[i] ? 0 : n + 1;
		most = n > most ? n : most;
	}
	return most * PAGE;
}

static void end_run(struct random_boot *b, unsigned int s)
{
	struct part *p[] = { part_of(&b->truth->boots, b->boot), part_of(&b->truth->days, day_of(b->peaked[s])) };
	uint64_t unseen = b->peak[s] - b->seen[s];

	for (int k = 0; k < 2; k++)
		p[k]->unseen[s] = unseen > p[k]->unseen[s] ? unseen : p[k]->unseen[s];
}

static void end_service(struct random_boot *b, unsigned int s)
{
	for (size_t i = b->n; i--; ) {
		if (b->b[i].service == s)
			drop(b, i);
	}
	item(b, " x%llu", b->number[s], 0, 0);
	end_run(b, s);
	b->number[s] = 99;
}

static void name_service(struct random_boot *b, unsigned int s, bool anew)
{
	static const char * const paths[SERVICES] = { "system.slice/a.service", "system.slice/b.service", "c.service" };

	if (anew) {
		b->life[s] = ++b->lives;
		b->peak[s] = b->seen[s] = b->peaked[s] = 0;
	}
	b->number[s] = b->numbers++;
	past_cgroup(b->t, b->number[s], b->life[s], paths[s]);
}

/* Also raises the kernel's peaks, sometimes above the use. */
static void put_figures(struct random_boot *b)
{
	b->total = 0;
	for (unsigned int s = 0; s < SERVICES; s++) {
		uint64_t peak = b->use[s] + (pick(b, 12) ? 0 : pick(b, 200) * PAGE);

		b->total += b->use[s];
		if (b->number[s] == 99)
			continue;
		if (peak > b->peak[s]) {
			b->peak[s] = peak;
			b->peaked[s] = b->now;
		}
		b->seen[s] = b->use[s] > b->seen[s] ? b->use[s] : b->seen[s];
		item(b, " c%llu.0=%llu,%llu", b->number[s], b->use[s], b->peak[s]);
	}
}

static void put_run(struct random_boot *b)
{
	uint64_t real = run_of(b), told = real;

	if (!pick(b, 2))
		told = pick(b, 2) ? real - pick(b, 30) * PAGE : real + pick(b, 30) * PAGE;
	item(b, " r0=%llu,0,%llu", b->total, told, 0);
	item(b, ",%llu", BITS * PAGE, 0, 0);
	if (b->moved || b->total != b->before || b->truth->sums)
		return;
	b->truth->n_equal += told == real;
	if (told != real)
		b->truth->error[b->truth->n_errors++] = (struct error){
			told < real ? real - told : told - real, PAST_WALL + b->now, told < real };
}

/* Writes the sample, which lasts @ms. */
static void put_sample(struct random_boot *b, uint64_t ms)
{
	struct truth *t = b->truth;

	put_figures(b);
	if (b->first || pick(b, 2))
		put_run(b);
	else
		item(b, " r0=%llu", b->total, 0, 0);
	past_look(b->t, b->now, "%s", b->items + 1);
	*b->items = 0;
	note_places(b);
	t->all.p[t->all.n++] = (struct point){ b->total, ms, b->boot };
	for (unsigned int s = 0; s < SERVICES; s++) {
		t->of[s].p[t->of[s].n++] = (struct point){ b->use[s], ms, b->boot };
		t->up[s] += b->number[s] == 99 ? 0 : ms;
	}
	b->before = b->total;
	b->moved = b->first = false;
	b->now += ms;
}

/* A segment names all that exists. */
static void put_head(struct random_boot *b)
{
	char id[16];

	snprintf(id, sizeof(id), "aaaaaa%02u", b->boot);
	past_head(b->t, id, b->now, b->interval, true);
	past_region(b->t, 0, b->truth->sums ? VRAM : CAM);
	b->numbers = 0;
	for (unsigned int s = 0; s < SERVICES; s++) {
		if (b->number[s] != 99)
			name_service(b, s, false);
	}
	for (size_t i = 0; i < b->n; i++)
		item(b, " b%llu=%llu.0,%llu", b->b[i].ino, b->number[b->b[i].service], b->b[i].pages * PAGE);
	b->first = true;
}

static void step(struct random_boot *b)
{
	unsigned int s = (unsigned int)pick(b, SERVICES);
	uint64_t what = pick(b, 10);

	if (b->number[s] == 99) {
		if (what < 5)
			name_service(b, s, true);
	} else if (what < 4) {
		for (uint64_t n = 1 + pick(b, 4); n--; )
			alloc(b, s);
	} else if (what < 7) {
		for (uint64_t n = 1 + pick(b, 4); n-- && b->n; )
			drop(b, (size_t)pick(b, b->n));
	} else if (what == 7 && !pick(b, 3)) {
		end_service(b, s);
	}
}

static void write_boot(struct random_boot *b, size_t steps)
{
	part_of(&b->truth->boots, b->boot);
	for (unsigned int s = 0; s < SERVICES; s++)
		b->number[s] = 99;
	put_head(b);
	for (size_t i = 0; i < steps; i++) {
		bool last = i + 1 == steps || !pick(b, 25);

		put_sample(b, b->interval / 60 * (1 + pick(b, 100)));
		if (last) {
			/* The end of a segment is a moment, too. */
			note_places(b);
			past_end(b->t, b->now);
			b->now += b->interval * (5 + pick(b, 40));
		}
		if (last && i + 1 < steps)
			put_head(b);
		else if (i + 1 < steps)
			step(b);
	}
	for (unsigned int s = 0; s < SERVICES; s++) {
		if (b->number[s] != 99)
			end_run(b, s);
	}
}

static void put_identity(struct dmem_text *t, unsigned int boot, unsigned int machine)
{
	char host[16], id[40];
	struct hist_identity who = { "", id, host, NULL, "7.3.4" };

	snprintf(host, sizeof(host), "m%u", machine);
	snprintf(id, sizeof(id), "%032u", machine);
	snprintf(who.boot, sizeof(who.boot), "aaaaaa%02u-0000-0000-0000-000000000000", boot);
	hist_put_identity(t, PAST_WALL, &who);
}

static void write_random(struct truth *truth, struct dmem_text *t, uint64_t seed)
{
	static struct random_boot b;

	b.random = seed;
	truth->n_boots = 1 + seed % 7;
	truth->sums = seed % 5 == 0;
	for (unsigned int i = 0; i < truth->n_boots; i++) {
		unsigned int machine = (unsigned int)pick(&b, 4);

		b = (struct random_boot){
			.truth = truth, .t = t, .random = b.random, .boot = i, .now = (1 + pick(&b, 30)) * HOUR,
			.interval = seed % 3 ? HOUR : 6000,
		};
		put_identity(t, i, machine);
		write_boot(&b, 20 + pick(&b, 100));
		if (part_of(&truth->boots, i)->used)
			truth->machine[machine] = true;
	}
}

/* ---- the model ---- */

/* Time in which the series had @v or more. @zero: zero counts. */
static uint64_t time_from(const struct series *s, uint64_t v, const struct parts *boots)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->p[i].v >= v && (!boots || boots->p[s->p[i].boot].used))
			sum += s->p[i].ms;
	}
	return sum;
}

/* The largest value that 1000 - @permille of a thousand of the time have or exceed. @boots: time
 * without use counts, in boots with any use. */
static uint64_t percentile(const struct series *s, unsigned int permille, const struct parts *boots)
{
	uint64_t all = time_from(s, boots ? 0 : 1, boots), best = 0;

	if (all < 3000ull * MIN / (1000 - permille))
		return DMEM_UNKNOWN;
	for (size_t i = 0; i < s->n; i++) {
		uint64_t v = s->p[i].v;

		if (v > best && 1000 * time_from(s, v, boots) >= (1000 - permille) * all)
			best = v;
	}
	return best;
}

static bool is_series(const struct confidence_time *t, const struct series *s, uint64_t peak, const struct parts *boots)
{
	uint64_t near = peak - peak / 100, times = 0;
	bool inside = false;

	for (size_t i = 0; i < s->n; i++) {
		bool now = s->p[i].v >= near;

		inside = inside && i && s->p[i].boot == s->p[i - 1].boot;
		times += now && !inside;
		inside = now;
	}
	return t->time == time_from(s, boots ? 0 : 1, boots) && t->charged == time_from(s, 1, NULL) &&
	       t->p50 == percentile(s, 500, boots) && t->p95 == percentile(s, 950, boots) &&
	       t->p99 == percentile(s, 990, boots) && t->peak_ms == time_from(s, near, NULL) && t->peak_times == times;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The smallest of @n values such that at least the part @q of all are as small. */
static uint64_t quantile(uint64_t *v, size_t n, double q)
{
	qsort(v, n, sizeof(*v), by_number);
	for (size_t i = 0; i < n; i++) {
		if ((double)(i + 1) >= q * (double)n)
			return v[i];
	}
	return n ? v[n - 1] : 0;
}

/* The size from all parts but @out, as planned anew. */
static uint64_t size_without(const struct parts *all, size_t out, double q, uint64_t block)
{
	uint64_t placed[MAX_PARTS], need;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		if (i != out && all->p[i].used)
			placed[n++] = all->p[i].placed;
	}
	need = quantile(placed, n, q);
	for (unsigned int s = 0; s < SERVICES; s++) {
		uint64_t most = 0;

		for (size_t i = 0; i < all->n; i++)
			most = i != out && all->p[i].unseen[s] > most ? all->p[i].unseen[s] : most;
		need += most;
	}
	need += (uint64_t)ceil((double)need * HEADROOM);
	return (need + block - 1) / block * block;
}

static size_t used_parts(const struct parts *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += all->p[i].used;
	return n;
}

static bool is_holdout(const struct holdout *h, const struct truth *t, double q)
{
	const struct parts *all = used_parts(&t->boots) >= 3 ? &t->boots : &t->days;
	uint64_t over[MAX_PARTS], most = 0;
	size_t n = 0, small = 0;

	if (h->parts != used_parts(all) || h->tested != (h->parts >= 3) || (h->by == HOLDOUT_BOOTS) != (all == &t->boots))
		return false;
	for (size_t i = 0; i < all->n && h->tested; i++) {
		uint64_t size = size_without(all, i, q, t->sums ? PAGE : BLOCK), need = all->p[i].placed;

		for (unsigned int s = 0; s < SERVICES; s++)
			need += all->p[i].unseen[s];
		if (all->p[i].used && size >= need)
			over[n++] = size - need;
		else if (all->p[i].used && ++small && need - size > most)
			most = need - size;
	}
	return h->too_small == small && h->short_most == most && h->over_median == quantile(over, n, 0.5);
}

static bool is_error(const struct confidence_error *e, const struct truth *t, bool less)
{
	uint64_t by[MAX_POINTS], most = 0, p50, p95;
	size_t n = 0;
	bool dated = false;

	for (size_t i = 0; i < t->n_errors; i++) {
		if (t->error[i].less == less)
			by[n++] = t->error[i].by;
	}
	qsort(by, n, sizeof(*by), by_number);
	most = n ? by[n - 1] : 0;
	for (size_t i = 0; i < t->n_errors; i++)
		dated |= t->error[i].less == less && t->error[i].by == most && t->error[i].time == e->time;
	/* The element at the place that as many as the rest are behind. */
	p50 = n >= 6 ? by[n * 500 / 1000] : DMEM_UNKNOWN;
	p95 = n >= 60 ? by[n * 950 / 1000] : DMEM_UNKNOWN;
	return e->n == n && e->max == most && e->p50 == p50 && e->p95 == p95 && (dated || !n);
}

/* Numbers of differences from the model. */
struct differences {
	size_t plans, region, services, runs, holdouts;
	size_t tested, days, small, unseen;	/* what the seeds contain */
};

static void compare(struct differences *d, const struct needs *n, const struct model *m, const struct truth *t, double q)
{
	static const char * const names[SERVICES] = { "a.service", "b.service", "c.service" };
	const struct needs_region *g = &n->region[0];
	const struct needs_confidence *c = &g->confidence;
	size_t near = 0, machines = 0;

	for (size_t i = 0; i < t->n_boots; i++) {
		uint64_t most = 0;

		for (size_t k = 0; k < t->all.n; k++)
			most = t->all.p[k].boot == i && t->all.p[k].v > most ? t->all.p[k].v : most;
		near += most >= g->together_most - g->together_most / 100;
	}
	for (size_t i = 0; i < 4; i++)
		machines += t->machine[i];
	d->region += !is_series(&c->use, &t->all, g->together_most, &t->boots) || c->peak_boots != near || c->machines != machines ||
		     g->boots != used_parts(&t->boots);
	for (size_t i = 0; i < g->n; i++) {
		const struct needs_service *s = &g->service[i];
		size_t at = 0;

		while (strcmp(names[at], model_name(m, s->service)))
			at++;
		d->services += !is_series(&s->use, &t->of[at], s->peak, NULL) || s->up != t->up[at];
		d->unseen += s->unseen > 0;
	}
	d->runs += c->runs != t->n_errors + t->n_equal || c->runs_equal != t->n_equal || !is_error(&c->less, t, true) ||
		   !is_error(&c->more, t, false);
	d->holdouts += !is_holdout(&c->holdout, t, q);
	d->tested += c->holdout.tested;
	d->days += c->holdout.tested && c->holdout.by == HOLDOUT_DAYS;
	d->small += c->holdout.too_small > 0;
}

static void compare_seed(struct differences *d, uint64_t seed)
{
	struct needs_options o = {
		.headroom = HEADROOM, .quantile = seed % 2 ? 1 : 0.7, .block = BLOCK, .align_order = ORDER,
	};
	struct truth *truth = calloc(1, sizeof(*truth));
	struct dmem_text t = { 0 };
	struct model m = { .in = { past_read, &t } };
	struct needs n = { 0 };
	uint64_t length;

	write_random(truth, &t, seed);
	length = t.len;
	if (model_add(&m, 0, 0, &length) || model_sort(&m) || needs_find(&n, &m, &o) || n.n != 1)
		d->plans++;
	else
		compare(d, &n, &m, truth, o.quantile);
	needs_free(&n);
	model_free(&m);
	dmem_text_free(&t);
	free(truth);
}

static void random_histories(void)
{
	struct differences d = { 0 };

	for (uint64_t seed = 1; seed <= 120; seed++)
		compare_seed(&d, seed);
	check(!d.plans && !d.region, "percentiles, durations and numbers of peaks of regions", "%zu and %zu of 120", d.plans,
	      d.region);
	check(!d.services && d.unseen > 50, "those of services, and their time", "%zu, %zu unseen", d.services, d.unseen);
	check(!d.runs, "free runs", "%zu of 120", d.runs);
	check(!d.holdouts && d.tested > 60 && d.days > 10 && d.small > 10 && d.small < d.tested, "parts held out",
	      "%zu of 120; %zu tested, %zu with days, %zu too small", d.holdouts, d.tested, d.days, d.small);
}

/* ---- options ---- */

static void options(const char *path)
{
	const char *argv[] = { "/bin/grep", "-c", "^\\*--confidence\\*$", path, NULL };

	tap_dir(top);
	write_percentiles("h", 5000, MIN);
	check(plan("--by=machine --confidence h") == 2 && strstr(get("err"), "--confidence needs a plan"), "machines have no plan",
	      "%s", get("err"));
	check(!plan("--help") && strstr(get("out"), "\n      --confidence  "), "the help contains the option", "%s", get("out"));
	check(!run(argv) && !strcmp(get("out"), "1\n"), "the manual contains the option", "%s", get("out"));
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: test_confidence DMEMCTL DIR JQ dmemctl-plan.8.scd\n");
		return 2;
	}
	dmemctl = argv[1];
	top = argv[2];
	jq_program = argv[3];
	tap_start();
	RUN(percentiles);
	RUN(too_short);
	RUN(peaks);
	RUN(between_samples);
	RUN(uptimes);
	RUN(machines);
	RUN(free_runs);
	RUN(boots_held_out);
	RUN(days_held_out);
	RUN(random_histories);
	RUN(options, argv[4]);
	return tap_end();
}
