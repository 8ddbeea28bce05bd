// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "dmemctl plan --from=prometheus": the plan of answers must be that of a history with the same
 * figures.
 *
 * test_prometheus DMEMCTL DIRECTORY JQ EXAMPLE MONITORING.md MANUAL
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docs.h"
#include "past.h"
#include "tap.h"

#define CAM		"cma/camera@64000000"
#define SYS		"heap/system"
#define MIB		(1024 * 1024ull)
#define STEP_MS		60000
#define START_MS	600000
#define ROUNDS		30

typedef unsigned long long ull;

static const char *dmemctl, *top, *jq_program, *example;

static int plan(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int plan(const char *fmt, ...)
{
	char words[4000], script[12000];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	snprintf(script, sizeof(script), "cd '%s' && exec '%s' plan %s", tap_path(""), dmemctl, words);
	return run(argv);
}

/* The result of a filter for the last output. Both that and the messages stay. */
static const char *jq(const char *filter)
{
	const char *argv[] = { jq_program, "-cS", filter, NULL };

	rename(tap_path("out"), tap_path("in"));
	rename(tap_path("err"), tap_path("messages"));
	run(argv);
	rename(tap_path("messages"), tap_path("err"));
	rename(tap_path("out"), tap_path("filtered"));
	rename(tap_path("in"), tap_path("out"));
	return get("filtered");
}

static bool is(const char *filter)
{
	return !strcmp(jq(filter), "true\n");
}

/* ---- answers ---- */

/* The text of one answer in the making. */
struct answer {
	char *text;
	size_t len;
	FILE *f;
	bool any;
};

static void answer_start(struct answer *a)
{
	*a = (struct answer){ 0 };
	a->f = open_memstream(&a->text, &a->len);
	fprintf(a->f, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[");
}

static void answer_end(struct answer *a, const char *name)
{
	fprintf(a->f, "]}}\n");
	fclose(a->f);
	put(name, "%s", a->text);
	free(a->text);
}

/* Starts a series; @labels: such as ,"region":"a". */
static void series(struct answer *a, const char *metric, const char *labels)
{
	fprintf(a->f, "%s\n{\"metric\":{\"__name__\":\"%s\",\"instance\":\"board-1:9100\",\"job\":\"node\"%s},\"values\":[",
		a->any ? "," : "", metric, labels);
	a->any = true;
}

/* A file with one series of these labels and values, as they stand in JSON. */
static void one(const char *name, const char *labels, const char *values)
{
	put(name, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
	    "{\"metric\":{%s},\"values\":[%s]}]}}", labels, values);
}

#define CHARGED	"\"__name__\":\"dmem_cgroup_charged_bytes\",\"region\":\"" CAM "\",\"cgroup\":\"/system.slice/a.service\""

/* ---- a machine whose history and answer have the same figures ---- */

#define SERVICES	4
#define REGIONS		2
#define SAMPLES		40

static const char * const paths[SERVICES] = {
	"system.slice", "system.slice/a.service", "system.slice/b\\x2dc.service", "user.slice/d.scope",
};
static const char * const regions[REGIONS] = { CAM, SYS };

struct figures {
	ull v[8];		/* as in histories */
	bool here;
};

/* One sample. */
struct state {
	struct figures f[SERVICES][REGIONS];
	unsigned int life[SERVICES];	/* 0: there is no such cgroup */
	unsigned int boot;
	int first;			/* number of the boot's first sample */
	bool missing;
	ull charged[REGIONS], peak[REGIONS], unaccounted[REGIONS];
};

static unsigned long seed;

static unsigned int pick(unsigned int n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned int)(seed >> 33) % n;
}

/* A charge changes, and is refused or was higher in between now and then. */
static void change(struct figures *f)
{
	if (!pick(3))
		f->v[0] = pick(6) * 3 * MIB + pick(3) * 4096;
	if (!pick(6))
		f->v[3 + pick(3)] += 1 + pick(4);
	if (!pick(5))
		f->v[6] = (20 + pick(10)) * MIB;
	if (f->v[0] + (pick(4) ? 0 : 4096) > f->v[1])
		f->v[1] = f->v[0] + (pick(4) ? 0 : 4096);
}

static void sum_up(struct state *s)
{
	for (int r = 0; r < REGIONS; r++) {
		struct figures *slice = &s->f[0][r];

		slice->v[0] = 0;
		for (int i = 1; i < SERVICES; i++)
			slice->v[0] += i < 3 && s->life[i] ? s->f[i][r].v[0] : 0;
		if (slice->v[0] > slice->v[1])
			slice->v[1] = slice->v[0];
		s->charged[r] = slice->v[0] + (s->life[3] ? s->f[3][r].v[0] : 0) + (pick(4) ? 0 : 8192);
		if (s->charged[r] > s->peak[r])
			s->peak[r] = s->charged[r];
	}
}

static void reset(struct state *s, int i)
{
	for (int r = 0; r < REGIONS; r++) {
		memset(&s->f[i][r], 0, sizeof(s->f[i][r]));
		s->f[i][r].v[6] = 30 * MIB;
	}
}

/* The slice exists from the start of a boot. A cgroup ends for a sample at least. */
static void next(struct state *s, int k, unsigned int *lives)
{
	bool booted = !s->boot || !pick(15);

	s->boot += booted;
	s->first = booted ? k : s->first;
	s->missing = !booted && !pick(10);
	for (int r = 0; r < REGIONS; r++) {
		s->unaccounted[r] = pick(4) ? s->unaccounted[r] : pick(3) * MIB;
		s->peak[r] = booted ? 0 : s->peak[r];
	}
	for (int i = 0; i < SERVICES; i++) {
		bool end = booted || (i && s->life[i] && !s->missing && !pick(8));

		if (end)
			s->life[i] = 0;
		if ((booted && !i) || (!end && !s->life[i] && !pick(3) && !s->missing)) {
			s->life[i] = ++*lives;
			reset(s, i);
		}
		for (int r = 0; r < REGIONS && i && s->life[i]; r++)
			change(&s->f[i][r]);
	}
	sum_up(s);
}

/* ---- the history ---- */

static void put_look(struct dmem_text *t, const struct state *s, int k, ull mono, const int *number, const int *gone)
{
	char items[20000];
	size_t n = 0;

	for (int r = 0; r < REGIONS; r++)
		n += (size_t)snprintf(items + n, sizeof(items) - n, "r%d=%llu,%llu,-,%llu ", r, s->charged[r],
				      s->unaccounted[r], 64 * MIB);
	for (int i = 0; i < SERVICES; i++) {
		if (gone[i] >= 0)
			n += (size_t)snprintf(items + n, sizeof(items) - n, "x%d ", gone[i]);
	}
	for (int i = 0; i < SERVICES * REGIONS; i++) {
		const ull *v = s->f[i / REGIONS][i % REGIONS].v;

		if (s->life[i / REGIONS])
			n += (size_t)snprintf(items + n, sizeof(items) - n,
					      "c%d.%d=%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu ", number[i / REGIONS],
					      i % REGIONS, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]);
	}
	items[n - 1] = 0;
	past_look_at(t, mono, PAST_WALL + START_MS + (ull)k * STEP_MS, "%s", items);
}

static void put_history(const struct state *s, const char *name)
{
	int number[SERVICES], numbers = 0, gone[SERVICES];
	struct dmem_text t = { 0 };
	bool open = false;

	for (int k = 0; k < SAMPLES; k++, s++) {
		ull mono = START_MS + (ull)(k - s->first) * STEP_MS;
		char boot[16];

		if (open && (s->missing || s->boot != s[-1].boot)) {
			past_end(&t, START_MS + (ull)(k - 1 - s[-1].first) * STEP_MS);
			open = false;
		}
		if (s->missing)
			continue;
		memset(gone, -1, sizeof(gone));
		for (int i = 0; i < SERVICES && open; i++)
			gone[i] = s[-1].life[i] && s[-1].life[i] != s->life[i] ? number[i] : -1;
		if (!open) {
			struct hist_identity id = { .host = "board-1:9100" };

			snprintf(boot, sizeof(boot), "%08x", s->boot);
			snprintf(id.boot, sizeof(id.boot), "%.8s-0000-0000-0000-000000000000", boot);
			hist_put_identity(&t, PAST_WALL + mono, &id);
			past_head(&t, boot, mono, STEP_MS, false);
			for (unsigned int r = 0; r < REGIONS; r++)
				past_region(&t, r, regions[r]);
			numbers = 0;
		}
		for (int i = 0; i < SERVICES; i++) {
			if (!s->life[i] || (open && s[-1].life[i] == s->life[i]))
				continue;
			number[i] = numbers++;
			past_cgroup(&t, (unsigned int)number[i], s->life[i], paths[i]);
		}
		put_look(&t, s, k, mono, number, gone);
		open = true;
	}
	past_write(&t, name);
}

/* ---- the answer ---- */

static void put_value(struct answer *a, int k, ull v, bool *any)
{
	fprintf(a->f, "%s[%llu%s,\"%llu\"]", *any ? "," : "", (PAST_WALL + START_MS) / 1000 + (ull)k * STEP_MS / 1000,
		k % 3 ? "" : ".000", v);
	*any = true;
}

static void put_of_region(struct answer *a, const struct state *s, const char *metric, size_t offset, int r)
{
	char labels[200];
	bool any = false;

	snprintf(labels, sizeof(labels), ",\"region\":\"%s\"", regions[r]);
	series(a, metric, labels);
	for (int k = 0; k < SAMPLES; k++) {
		if (!s[k].missing)
			put_value(a, k, offset ? ((const ull *)((const char *)&s[k] + offset))[r] : 64 * MIB, &any);
	}
	fprintf(a->f, "]}");
}

static void put_of_cgroup(struct answer *a, const struct state *s, const char *metric, const char *reason, int figure,
			  int i, int r)
{
	const char *path = i == 2 ? "system.slice/b\\\\x2dc.service" : paths[i];
	char labels[400];
	bool any = false;

	snprintf(labels, sizeof(labels), ",\"unit\":\"x\",\"cgroup\":\"/%s\",\"region\":\"%s\"%s", path, regions[r], reason);
	series(a, metric, labels);
	for (int k = 0; k < SAMPLES; k++) {
		if (!s[k].missing && s[k].life[i])
			put_value(a, k, s[k].f[i][r].v[figure], &any);
	}
	fprintf(a->f, "]}");
}

static void put_cell(struct answer *a, const struct state *s, int i, int r)
{
	put_of_cgroup(a, s, "dmem_cgroup_charged_bytes", "", 0, i, r);
	put_of_cgroup(a, s, "dmem_cgroup_peak_bytes", "", 1, i, r);
	put_of_cgroup(a, s, "dmem_cgroup_limit_hits_total", "", 2, i, r);
	put_of_cgroup(a, s, "dmem_cgroup_refused_total", ",\"reason\":\"limit\"", 3, i, r);
	put_of_cgroup(a, s, "dmem_cgroup_refused_total", ",\"reason\":\"exhausted\"", 4, i, r);
	put_of_cgroup(a, s, "dmem_cgroup_refused_total", ",\"reason\":\"reserved\"", 5, i, r);
	put_of_cgroup(a, s, "dmem_cgroup_max_bytes", "", 6, i, r);
	put_of_cgroup(a, s, "dmem_cgroup_min_bytes", "", 7, i, r);
}

/* In two files: figures of regions, and of cgroups. */
static void put_answers(const struct state *s)
{
	struct answer a;
	bool any = false;

	answer_start(&a);
	for (int r = 0; r < REGIONS; r++) {
		put_of_region(&a, s, "dmem_region_capacity_bytes", 0, r);
		put_of_region(&a, s, "dmem_region_charged_bytes", offsetof(struct state, charged), r);
		put_of_region(&a, s, "dmem_region_unaccounted_bytes", offsetof(struct state, unaccounted), r);
		put_of_region(&a, s, "dmem_region_peak_bytes", offsetof(struct state, peak), r);
	}
	series(&a, "node_boot_time_seconds", "");
	for (int k = 0; k < SAMPLES; k++)
		put_value(&a, k, PAST_WALL / 1000 + (ull)s[k].first * STEP_MS / 1000, &any);
	fprintf(a.f, "]}");
	answer_end(&a, "regions.json");
	answer_start(&a);
	for (int i = 0; i < SERVICES * REGIONS; i++)
		put_cell(&a, s, i / REGIONS, i % REGIONS);
	answer_end(&a, "cgroups.json");
}

/* Boots have other ids. */
static const char same[] = "[.boots, .samples, (.regions | walk(if type == \"object\" then del(.boot) else . end))]";

/*
 * 40 samples of four cgroups that come and go, in two regions, with gaps and restarts of the machine.
 * Answers have all figures, so the plans are equal, figure by figure.
 */
static void test_random(void)
{
	static struct state s[SAMPLES];
	size_t wrong = 0, boots = 0, gaps = 0;

	tap_dir(top);
	for (unsigned int round = 1; round <= ROUNDS; round++) {
		struct state now = { 0 };
		unsigned int lives = 0;
		char want[60000];

		seed = round;
		for (int k = 0; k < SAMPLES; k++) {
			next(&now, k, &lives);
			s[k] = now;
			gaps += now.missing;
		}
		boots += now.boot;
		put_history(s, "h.history");
		put_answers(s);
		if (plan("--json --block=4M h.history"))
			wrong++;
		snprintf(want, sizeof(want), "%s", jq(same));
		if (plan("--json --block=4M --from=prometheus regions.json cgroups.json") || *get("err") ||
		    strcmp(jq(same), want) || strlen(want) < 1000) {
			wrong++;
			printf("# round %u: %s\n", round, get("err"));
			printf("# have %s", jq(same));
			printf("# want %s", want);
		}
	}
	check(!wrong, "answers and histories of the same figures have the same plans", "%zu of %d", wrong, ROUNDS);
	check(boots > 2 * ROUNDS && gaps > 2 * ROUNDS, "with gaps and restarts", "%zu boots, %zu gaps", boots, gaps);
}

/* ---- histograms ---- */

#define BUFFERS		12

/* The size of each buffer: a power of two, the end of a bucket. */
struct stack {
	unsigned int power[BUFFERS];
	size_t n;
};

static void put_histogram(struct answer *a, const struct stack *s)
{
	for (unsigned int p = 12; p <= 25; p++) {
		char labels[200];
		bool any = false;

		if (p == 25)
			snprintf(labels, sizeof(labels), ",\"region\":\"" CAM "\",\"le\":\"+Inf\"");
		else if (p < 20)
			snprintf(labels, sizeof(labels), ",\"region\":\"" CAM "\",\"le\":\"%u\"", 1u << p);
		else
			snprintf(labels, sizeof(labels), ",\"region\":\"" CAM "\",\"le\":\"%.9e\"", (double)(1u << p));
		series(a, "dmem_region_buffer_size_bytes_bucket", labels);
		for (int k = 0; k < SAMPLES; k++) {
			ull n = 0;

			for (size_t b = 0; b < s[k].n; b++)
				n += s[k].power[b] <= p;
			put_value(a, k, n, &any);
		}
		fprintf(a->f, "]}");
	}
}

static ull stack_sum(const struct stack *s)
{
	ull sum = 0;

	for (size_t b = 0; b < s->n; b++)
		sum += 1ull << s->power[b];
	return sum;
}

static void put_charges(struct answer *a, const struct stack *s)
{
	static const char * const metrics[] = { "dmem_region_charged_bytes", "dmem_cgroup_charged_bytes" };

	for (int i = 0; i < 2; i++) {
		bool any = false;

		series(a, metrics[i], i ? ",\"region\":\"" CAM "\",\"cgroup\":\"/system.slice/a.service\"" :
		       ",\"region\":\"" CAM "\"");
		for (int k = 0; k < SAMPLES; k++)
			put_value(a, k, stack_sum(&s[k]), &any);
		fprintf(a->f, "]}");
	}
}

/* The same as a history: each buffer is recorded, and belongs to the service. */
static void put_buffers(const struct stack *s, const char *name)
{
	struct dmem_text t = { 0 };
	unsigned int ino[BUFFERS] = { 0 }, inos = 0;

	past_head(&t, "aa000000", START_MS, STEP_MS, true);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 7, "system.slice/a.service");
	for (int k = 0; k < SAMPLES; k++) {
		size_t before = k ? s[k - 1].n : 0;
		char item[100] = "";

		if (s[k].n < before)
			snprintf(item, sizeof(item), " f%u", ino[s[k].n]);
		if (s[k].n > before) {
			ino[before] = ++inos;
			snprintf(item, sizeof(item), " b%u=0.0,%u", inos, 1u << s[k].power[before]);
		}
		past_look(&t, START_MS + (ull)k * STEP_MS, "r0=%llu c0.0=%llu,%llu%s", stack_sum(&s[k]), stack_sum(&s[k]),
			  stack_sum(&s[k]), item);
	}
	past_end(&t, START_MS + (SAMPLES - 1) * STEP_MS);
	past_write(&t, name);
}

/*
 * In each sample one buffer comes, or the newest one goes, and all sizes are ends of buckets: the
 * histogram has all that counts, and first fit gives the same size.
 */
static void test_histogram(void)
{
	size_t wrong = 0, above = 0;

	tap_dir(top);
	for (unsigned int round = 1; round <= 20; round++) {
		static struct stack s[SAMPLES];
		struct stack now = { .n = 0 };
		struct answer a;
		char want[200];

		seed = round;
		for (int k = 0; k < SAMPLES; k++) {
			if (now.n == BUFFERS || (now.n && !pick(3)))
				now.n--;
			else
				now.power[now.n++] = 12 + pick(13);
			s[k] = now;
		}
		put_buffers(s, "h.history");
		answer_start(&a);
		put_charges(&a, s);
		put_histogram(&a, s);
		answer_end(&a, "a.json");
		if (plan("--json h.history"))
			wrong++;
		above += is(".regions[0] | .placed > .together");
		snprintf(want, sizeof(want), "%s", jq(".regions[0] | [.placed, .placed_least, .need, .together]"));
		if (plan("--json --from=prometheus a.json") ||
		    strcmp(jq(".regions[0] | [.placed, .placed_least, .need, .together]"), want) ||
		    !is(".prometheus.sizes == \"upper bounds\" and .regions[0].sizes_known == false")) {
			wrong++;
			printf("# round %u: %s%s# want %s", round, get("err"), jq(".regions[0].placed"), want);
		}
	}
	check(!wrong, "sizes at the ends of buckets give the size of recorded buffers", "%zu of 20", wrong);
	check(above > 10, "which is more than their sum", "%zu of 20", above);
}

/* Five buffers of 3M are at most 4M each. A gap changes nothing, and a restart of the machine ends
 * all. Without all buffers, the rest of the charge is one piece. */
static void test_bounds(void)
{
	static const char form[] =
		"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
		"{\"metric\":{\"__name__\":\"dmem_region_charged_bytes\",\"region\":\"" CAM "\"},\"values\":[[60,\"%llu\"],[120,\"%llu\"],[300,\"%llu\"]]},"
		"{\"metric\":{" CHARGED "},\"values\":[[60,\"%llu\"],[120,\"%llu\"],[300,\"%llu\"]]},"
		"{\"metric\":{\"__name__\":\"dmem_buffers_complete\"},\"values\":[[60,\"%d\"]]},"
		"{\"metric\":{\"__name__\":\"dmem_region_buffer_size_bytes_bucket\",\"region\":\"" CAM "\",\"le\":\"2.097152e+06\"},\"values\":[[60,\"0\"],[120,\"0\"],[300,\"0\"]]},"
		"{\"metric\":{\"__name__\":\"dmem_region_buffer_size_bytes_bucket\",\"region\":\"" CAM "\",\"le\":\"4.194304e+06\"},\"values\":[[60,\"4\"],[120,\"5\"],[300,\"5\"]]},"
		"{\"metric\":{\"__name__\":\"dmem_region_buffer_size_bytes_bucket\",\"region\":\"" CAM "\",\"le\":\"+Inf\"},\"values\":[[60,\"4\"],[120,\"%d\"],[300,\"%d\"]]}"
		"%s]}}";
	ull v[3] = { 12 * MIB, 15 * MIB, 15 * MIB };

	tap_dir(top);
	put("a.json", form, v[0], v[1], v[2], v[0], v[1], v[2], 1, 5, 5, "");
	check(!plan("--json --from=prometheus a.json") && is(".regions[0] | .placed == 20971520 and .together == 15728640") &&
	      is(".prometheus == {answers: 1, machines: 1, interval_ms: 60000, gaps: 1, reboots: 0, peaks: false, "
		 "sizes: \"upper bounds\", buffers_complete: true}"),
	      "a buffer has the size of its bucket", "%s%s", get("out"), get("err"));
	check(is(".regions[0].services[0] | .buffer == null and .max == 17301504"), "and no owner", "%s", get("out"));
	put("a.json", form, 22 * MIB, v[1], v[2], 22 * MIB, v[1], v[2], 0, 5, 5, "");
	check(!plan("--json --from=prometheus a.json") && is(".prometheus.buffers_complete == false and "
	      "(.regions[0] | .placed_least == 23068672 and .placed == 27262976)"), "charges without a buffer are one more", "%s%s", get("out"), get("err"));
	put("a.json", form, v[0], v[1], v[2], v[0], v[1], v[2], 1, 6, 5,
	    ",{\"metric\":{\"__name__\":\"dmem_region_capacity_bytes\",\"region\":\"" CAM "\"},\"values\":[[60,\"50331648\"]]}");
	check(!plan("--json --from=prometheus a.json") && is("(.regions[0].placed == 71303168)"),
	      "a buffer above all buckets is at most as large as the region", "%s%s", jq(".regions[0].placed"), get("err"));
	check(!plan("--from=prometheus --scale=a=2 a.json") && strstr(get("err"), "the load is changed") &&
	      strstr(get("out"), "with sizes estimated from counters"), "a changed load has no such sizes", "%s%s", get("out"),
	      get("err"));
	put("b.json", "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
	    "{\"metric\":{\"instance\":\"b\",%s},\"values\":[[60,\"4096\"]]}]}}", CHARGED);
	check(!plan("--json --from=prometheus a.json b.json") && is(".prometheus.sizes == \"unknown\"") &&
	      strstr(get("err"), "there is none for " CAM " of instance=\"b\""), "a machine without a histogram is named",
	      "%s%s", get("out"), get("err"));
}

/* ---- times and machines ---- */

/* Metrics that were queried one after the other have values at different times. */
static void test_shifted(void)
{
	tap_dir(top);
	one("a.json", CHARGED, "[1000,\"4096\"],[1060,\"8192\"],[1120,\"8192\"]");
	one("b.json", "\"__name__\":\"dmem_cgroup_peak_bytes\",\"region\":\"" CAM "\",\"cgroup\":\"/system.slice/a.service\"",
	    "[1007.25,\"12288\"],[1067.25,\"16384\"],[1127.25,\"16384\"]");
	check(!plan("--json --from=prometheus a.json b.json") && is(".samples == 6 and .prometheus.gaps == 0 and "
	      "(.regions[0].services[0] | .runs == 1 and .peak == 16384)"), "a value is valid until the next one", "%s%s",
	      get("out"), get("err"));
	/* The same cgroup, until it misses a value. */
	one("a.json", CHARGED ",\"x\":\"1\"", "[1000,\"4096\"],[1060,\"4096\"],[1180,\"4096\"]");
	one("b.json", "\"__name__\":\"dmem_region_charged_bytes\",\"region\":\"" CAM "\",\"x\":\"1\"",
	    "[1000,\"4096\"],[1060,\"4096\"],[1120,\"0\"],[1180,\"4096\"]");
	check(!plan("--json --from=prometheus a.json b.json") && is("(.regions[0].services[0].runs == 2)"),
	      "a cgroup without a value was removed", "%s%s", get("out"), get("err"));
	one("b.json", "\"__name__\":\"dmem_scrape_success\",\"x\":\"1\"", "[1000,\"1\"],[1060,\"1\"],[1120,\"0\"],[1180,\"1\"]");
	put("c.json", "%s", "");
	one("c.json", "\"__name__\":\"dmem_region_charged_bytes\",\"region\":\"" CAM "\",\"x\":\"1\"",
	    "[1000,\"4096\"],[1060,\"4096\"],[1120,\"0\"],[1180,\"4096\"]");
	check(!plan("--json --from=prometheus a.json b.json c.json") && is("(.regions[0].services[0].runs == 1) and "
	      ".prometheus.gaps == 1"), "but not if the cgroups could not be read", "%s%s", get("out"), get("err"));
	/* Counters that start again. */
	one("a.json", "\"__name__\":\"dmem_cgroup_refused_total\",\"reason\":\"limit\",\"region\":\"" CAM "\",\"cgroup\":\"/system.slice/a.service\"",
	    "[1000,\"3\"],[1060,\"5\"],[1120,\"2\"]");
	one("b.json", CHARGED, "[1000,\"4096\"],[1060,\"4096\"],[1120,\"4096\"]");
	check(!plan("--json --from=prometheus a.json b.json") && is(".regions[0].services[0] | .runs == 2 and .refused == 7"),
	      "a counter that falls is that of a new cgroup", "%s%s", get("out"), get("err"));
	/* The peak of a region falls only when the machine starts. */
	one("a.json", "\"__name__\":\"dmem_region_peak_bytes\",\"region\":\"" CAM "\"", "[1000,\"9\"],[1060,\"9\"],[1120,\"8\"]");
	check(!plan("--json --from=prometheus a.json b.json") && is(".boots == 2 and .prometheus.reboots == 1"),
	      "a peak of a region that falls is a boot", "%s%s", get("out"), get("err"));
	one("a.json", "\"__name__\":\"node_boot_time_seconds\"", "[1000,\"500\"],[1060,\"501.5\"],[1120,\"900\"]");
	check(!plan("--json --from=prometheus a.json b.json") && is(".boots == 2 and .prometheus.reboots == 1"),
	      "so is another time of boot, and not a correction of the clock", "%s%s", get("out"), get("err"));
}

static void test_fleet(void)
{
	tap_dir(top);
	one("a.json", CHARGED ",\"instance\":\"x:9100\",\"job\":\"node\"", "[1000,\"4096\"],[1060,\"8192\"]");
	one("b.json", CHARGED ",\"job\":\"node\",\"instance\":\"y:9100\"", "[1000,\"4096\"],[1060,\"12288\"]");
	check(!plan("--json --by=machine --from=prometheus a.json b.json") && is(".machines == 2 and ([.groups[0].needs[] | "
	      "[.host, .need, .file]] == [[\"x:9100\", 8192, \"a.json\"], [\"y:9100\", 16384, \"b.json\"]])"),
	      "each instance is a machine", "%s%s", get("out"), get("err"));
	one("b.json", CHARGED ",\"job\":\"other\",\"instance\":\"x:9100\"", "[1000,\"4096\"],[1060,\"12288\"]");
	check(!plan("--json --by=machine --from=prometheus a.json b.json") && is("[.groups[0].needs[].host] == "
	      "[\"instance=\\\"x:9100\\\",job=\\\"node\\\"\", \"instance=\\\"x:9100\\\",job=\\\"other\\\"\"]"),
	      "two jobs of one name are told apart by all labels", "%s%s", get("out"), get("err"));
	check(!plan("--json --from=prometheus a.json b.json") && is(".boots == 2 and .prometheus.machines == 2"),
	      "a plan is for all of them", "%s%s", get("out"), get("err"));
}

/* Values that repeat, and two answers one behind the other. */
static void test_twice(void)
{
	tap_dir(top);
	one("a.json", CHARGED, "[1060,\"8192\"],[1000,\"4096\"],[1120,\"4096\"],[1060,\"8192\"]");
	put("b.json", "%s", get("a.json"));
	one("c.json", CHARGED, "[1120,\"12288\"],[1180,\"4096\"]");
	check(!plan("--json --from=prometheus a.json b.json") && !*get("err") && is(".samples == 3 and (.regions[0].together == 8192)"),
	      "a value that repeats counts once", "%s%s", get("out"), get("err"));
	check(!plan("--json --from=prometheus a.json c.json") && is(".samples == 4 and (.regions[0].together == 12288)") &&
	      strstr(get("err"), "1 value with another one at the same time: the larger one is used"),
	      "of two values, the larger one counts", "%s%s", get("out"), get("err"));
	check(!run((const char *[]){ "/bin/sh", "-c", "cd \"$1\" && cat a.json c.json | \"$2\" plan --json --from=prometheus -",
				     "sh", tap_path(""), dmemctl, NULL }) && is(".samples == 4 and .prometheus.answers == 2"),
	      "standard input can have several answers", "%s%s", get("out"), get("err"));
}

/* ---- values and names ---- */

static void test_values(void)
{
	tap_dir(top);
	one("a.json", CHARGED, "[1000,\"NaN\"],[1060,\"4096.5\"],[1120,\"+Inf\"],[1180,\"-4096\"],[1240,\"9007199254740993\"],"
	    "[1300,\"2e18\"],[1360,5],[1420],\"x\",[\"1480\",\"1\"],[-5,\"1\"],[1e300,\"1\"],[1540,\"0x10\"],[1600,\"\"],[1660,\"1e3\"],[1720,\"1e30\"]");
	check(!plan("--json --from=prometheus a.json") && is(".samples == 3 and (.regions[0].together == 9007199254740993)") &&
	      strstr(get("err"), "13 values left out: no number, negative, or too large"),
	      "values that are no sizes are left out", "%s%s", get("out"), get("err"));
	one("a.json", CHARGED, "[1000,\"4096.5\"],[1060,\"-0\"]");
	check(!plan("--json --from=prometheus a.json") && is("(.regions[0].together == 4097)") && !*get("err"),
	      "a part of a byte counts as one", "%s%s", get("out"), get("err"));
	one("a.json", CHARGED, "[1000,\"NaN\"]");
	check(plan("--from=prometheus a.json") == 1 && strstr(get("err"), "the answers have no values of dmemctl metrics: query "),
	      "without a value there is no plan", "%s%s", get("out"), get("err"));
	one("a.json", CHARGED, "[1000,\"0\"]");
	check(plan("--from=prometheus a.json") == 1 && strstr(get("err"), "no cgroup was charged for anything in these answers of "
	      "1 sample"), "without a charge there is none", "%s%s", get("out"), get("err"));
}

static void test_left_out(void)
{
	tap_dir(top);
	put("a.json", "{\"status\":\"success\",\"warnings\":[\"a\\u001b[1m part\",\"b\"],\"data\":{\"resultType\":\"matrix\",\"result\":["
	    "{\"metric\":{" CHARGED "},\"values\":[[1000,\"4096\"]]},"
	    "{\"metric\":{" CHARGED ",\"duplicate\":\"2\"},\"values\":[[1000,\"8192\"]]},"
	    "{\"metric\":{\"__name__\":\"dmem_cgroup_charged_bytes\",\"region\":\"r\"},\"values\":[[1000,\"8192\"]]},"
	    "{\"metric\":{\"__name__\":\"dmem_cgroup_charged_bytes\",\"region\":\"a\\u0000b\",\"cgroup\":\"/x\"},\"values\":[[1000,\"8192\"]]},"
	    "{\"metric\":{\"__name__\":\"dmem_cgroup_charged_bytes\",\"region\":\"" CAM "\",\"cgroup\":\"/\"},\"values\":[[1000,\"9000\"]]},"
	    "{\"metric\":{\"__name__\":\"dmem_cgroup_charged_bytes\",\"region\":\"" CAM "\",\"cgroup\":\"/system.slice/a.service/in\"},\"values\":[[1000,\"2000\"]]},"
	    "{\"metric\":{\"region\":\"r\",\"cgroup\":\"/a.service\"},\"values\":[[1000,\"8192\"]]},"
	    "{\"metric\":{\"__name__\":\"node\\u001b_load1\"},\"values\":[[1000,\"1\"]]},"
	    "{\"metric\":{\"__name__\":\"node\\u001b_load1\"},\"values\":[[1000,\"1\"]]},"
	    "{\"metric\":{\"__name__\":\"dmem_heap_accounted\",\"heap\":\"x\"},\"values\":[[1000,\"1\"]]},"
	    "{\"metric\":{\"__name__\":\"dmem_region_buffer_size_bytes_bucket\",\"region\":\"" CAM "\",\"le\":\"x\"},\"values\":[[1000,\"1\"]]},"
	    "{\"metric\":{\"__name__\":\"dmem_region_charged_bytes\",\"region\":\"" CAM "\"},\"histograms\":[]}]}}");
	check(!plan("--json --from=prometheus a.json") && is(".samples == 1 and ([.regions[0].services[] | [.cgroup, .peak]] == "
	      "[[\"system.slice/a.service\", 4096]])"), "only series that can be used count", "%s%s", get("out"), get("err"));
	check_text(get("err"),
		   "dmemctl plan: warning of Prometheus: a\\x1b[1m part\n"
		   "dmemctl plan: node\\x1b_load1: left out: it is no metric of dmemctl metrics\n"
		   "dmemctl plan: 1 series without the name of a metric left out: query the metrics themselves, without functions\n"
		   "dmemctl plan: 1 series without values left out: native histograms are not supported\n"
		   "dmemctl plan: 4 series left out: labels are missing, too long, or belong to two cgroups\n",
		   "all others are named");
}

/* ---- answers that are none ---- */

static void test_wrong(void)
{
	static const struct {
		const char *text, *error;
	} wrong[] = {
		{ "", "it is empty: write the answer of /api/v1/query_range to a file" },
		{ " \n", "it is empty: write the answer of /api/v1/query_range to a file" },
		{ "<html>", "it is not JSON: write the answer of /api/v1/query_range to a file" },
		{ "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[", "it ends too early: the transfer was cut "
		  "off, query again" },
		{ "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"exceeded \\u001b[31m11,000 points\"}",
		  "Prometheus refused the query: bad_data: exceeded \\x1b[31m11,000 points" },
		{ "{\"status\":\"error\"}", "Prometheus refused the query: " },
		{ "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}",
		  "its result is a vector, at one time: use /api/v1/query_range in place of /api/v1/query" },
		{ "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"2\"]}}",
		  "its result is a scalar, at one time: use /api/v1/query_range in place of /api/v1/query" },
		{ "{\"status\":\"success\"}", "it has no result: it is no answer of Prometheus' HTTP API" },
		{ "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":{}}}",
		  "it has no result: it is no answer of Prometheus' HTTP API" },
		{ "[]", "it has no status: it is no answer of Prometheus' HTTP API" },
		{ "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[5]}}",
		  "an element of the result has no labels: query the metrics of dmemctl metrics with /api/v1/query_range, without "
		  "functions" },
	};
	char want[400];

	tap_dir(top);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		tap_case("%zu", i);
		put("a.json", "%s", wrong[i].text);
		snprintf(want, sizeof(want), "dmemctl plan: a.json: %s\n", wrong[i].error);
		check(plan("--from=prometheus a.json") == 1 && !*get("out"), "there is no plan", "%s", get("out"));
		check_text(get("err"), want, "the message has the reason");
	}
	tap_case("%s", "");
	check(plan("--from=prometheus") == 2 && strstr(get("err"), "missing answer of Prometheus"), "a file must be named", "%s",
	      get("err"));
	check(plan("--from=influx a.json") == 2 && strstr(get("err"), "invalid value 'influx' of --from: write 'prometheus'"),
	      "there is no other origin", "%s", get("err"));
	check(plan("--from=prometheus missing.json") == 1 && strstr(get("err"), "missing.json: No such file"), "a file that is missing",
	      "%s", get("err"));
	check(plan("--from=prometheus .") == 1 && strstr(get("err"), "Is a directory"), "a directory is no answer", "%s", get("err"));
	check(run((const char *[]){ "/bin/sh", "-c", "head -c 70000000 /dev/zero | tr '\\0' ' ' | \"$1\" plan --from=prometheus -",
				    "sh", dmemctl, NULL }) == 1 && strstr(get("err"), "-: all answers together have more than 64M"),
	      "the size of the text is bounded", "%s", get("err"));
}

/* ---- documents ---- */

/* The output in the documents is that of the example. */
static void test_documents(const char *monitoring, const char *manual)
{
	static char text[DOCS_TEXT];
	char *block, *end;

	tap_dir(top);
	check(!run((const char *[]){ "/bin/sh", "-c", "cd \"$1\" && cp \"$2\" camera.json && \"$3\" plan --from=prometheus camera.json",
				     "sh", tap_path(""), example, dmemctl, NULL }), "the example has a plan", "%s", get("err"));
	docs_read(monitoring, text);
	block = strstr(text, "$ dmemctl plan --from=prometheus camera.json\n");
	block = block ? strchr(block, '\n') + 1 : text;
	end = strstr(block, "\n...\n");
	if (end)
		end[1] = 0;
	check(end && end - block > 500 && !strncmp(get("out"), block, strlen(block)), "monitoring.md shows its first lines", "%s",
	      get("out"));
	check(!run((const char *[]){ dmemctl, "plan", "--from=prometheus", "--units", tap_path("units"), tap_path("camera.json"),
				     NULL }) && strstr(get("units/camera.service.d/50-dmem-plan.conf"),
	      "# Written by dmemctl plan from answers of Prometheus."), "drop-ins name their origin", "%s", get("err"));
	docs_read(manual, text);
	check(strstr(text, "\n*--from*=_prometheus_\n") && strstr(text, "\n# PROMETHEUS\n"), "the manual has the option", "no");
	check(!plan("--help") && strstr(get("out"), "\n      --from=prometheus "), "so has --help", "%s", get("out"));
}

int main(int argc, char **argv)
{
	if (argc != 7)
		return 2;
	dmemctl = argv[1];
	top = argv[2];
	jq_program = argv[3];
	example = argv[4];
	tap_start();
	RUN(test_random);
	RUN(test_histogram);
	RUN(test_bounds);
	RUN(test_shifted);
	RUN(test_fleet);
	RUN(test_twice);
	RUN(test_values);
	RUN(test_left_out);
	RUN(test_wrong);
	RUN(test_documents, argv[5], argv[6]);
	return tap_end();
}
