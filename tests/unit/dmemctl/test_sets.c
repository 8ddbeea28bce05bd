// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reservations of "dmemctl plan": whole sets of buffers, in an order, which the kernel's rule admits. The
 * rule is that of tests/guest/kernel/reserve_model.c: random trees and requests have the same answers
 * there, and random histories are replayed in it with the limits and reservations of their plan.
 *
 * test_sets DMEMCTL DIR dmemctl-plan.8.scd
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../guest/kernel/reserve_model.h"
#include "dmemctl/plan/admit.h"
#include "dmemctl/plan/kernel_use.h"
#include "dmemctl/plan/needs.h"
#include "dmemctl/plan/sets.h"
#include "past.h"
#include "tap.h"

#define MIB		(1024 * 1024ull)
#define PAGE		4096ull
#define CAM		"cma/camera@64000000"
#define NPU		"cma/npu"
#define A		"media.slice/a.service"
#define B		"media.slice/b.service"
#define C		"system.slice/c.service"
#define D		"system.slice/d.service"
#define E		"e.service"
#define SERVICES	5
#define SLICES		2

typedef unsigned long long ull;

static const char *dmemctl;

static const char * const paths[SERVICES] = { A, B, C, D, E };

/* The slice of a service, or SLICES: none. */
static const unsigned int slice_of[SERVICES] = { 0, 0, 1, 1, SLICES };

static uint64_t pick(uint64_t *seed, uint64_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (*seed >> 33) % n;
}

/* ---- the rule ---- */

struct pair {
	struct reserve_model m;
	struct admit a;
	uint32_t at[RM_NODES];		/* nodes of the model in @a */
};

static enum rm_verdict verdict_of(enum admit_verdict v)
{
	return v == ADMIT_LIMIT ? RM_LIMIT : v == ADMIT_FULL ? RM_FULL : v == ADMIT_RESERVED ? RM_RESERVED : RM_GRANTED;
}

static bool same_state(const struct pair *p)
{
	for (int i = 0; i < p->m.nodes; i++) {
		const struct admit_node *n = &p->a.node[p->at[i]];

		if (n->usage != (uint64_t)rm_usage(&p->m, i) || n->commit != (uint64_t)rm_commit(&p->m, i) ||
		    (i && n->reserved != (uint64_t)p->m.node[i].reserved))
			return false;
	}
	return true;
}

static void configure(struct pair *p, uint64_t *seed)
{
	int i = 1 + (int)pick(seed, (uint64_t)p->m.nodes - 1);

	if (pick(seed, 3))
		p->m.node[i].min = (int)pick(seed, 120);
	else
		p->m.node[i].max = pick(seed, 3) ? (int)pick(seed, 200) : RM_UNLIMITED;
	p->a.node[p->at[i]].min = (uint64_t)p->m.node[i].min;
	p->a.node[p->at[i]].max = p->m.node[i].max == RM_UNLIMITED ? ADMIT_UNLIMITED : (uint64_t)p->m.node[i].max;
	rm_configure(&p->m, RM_ROOT);
	admit_configure(&p->a);
}

static void make_pair(struct pair *p, uint64_t *seed)
{
	int capacity = 20 + (int)pick(seed, 400);

	rm_init(&p->m, capacity, 0);
	admit_start(&p->a, (uint64_t)capacity);
	p->at[0] = ADMIT_ROOT;
	for (int n = 2 + (int)pick(seed, RM_NODES - 2); n--; ) {
		int parent = (int)pick(seed, (uint64_t)p->m.nodes), i = rm_create(&p->m, parent);

		p->at[i] = (uint32_t)admit_add(&p->a, p->at[parent]);
	}
	for (int n = (int)pick(seed, 20); n--; )
		configure(p, seed);
}

/* A request with each outcome. Returns the outcome, or -1: both differ. */
static int request(struct pair *p, uint64_t *seed)
{
	int i = (int)pick(seed, (uint64_t)p->m.nodes), n = (int)pick(seed, 60), take;
	enum admit_verdict got = admit_ask(&p->a, p->at[i], (uint64_t)n);
	enum rm_verdict want = rm_charge(&p->m, i, n).verdict;

	if (verdict_of(got) != want)
		return -1;
	if (want == RM_GRANTED)
		admit_charge(&p->a, p->at[i], (uint64_t)n);
	i = (int)pick(seed, (uint64_t)p->m.nodes);
	take = pick(seed, 3) ? 0 : p->m.node[i].own;
	rm_uncharge(&p->m, i, take);
	admit_uncharge(&p->a, p->at[i], (uint64_t)take);
	return same_state(p) ? (int)want : -1;
}

static void test_rule(void)
{
	size_t wrong = 0, got[4] = { 0 };

	for (uint64_t s = 1; s <= 2000; s++) {
		uint64_t seed = s;
		struct pair p;

		make_pair(&p, &seed);
		wrong += !same_state(&p);
		for (int i = 0; i < 60; i++) {
			int v = request(&p, &seed);

			if (!pick(&seed, 10)) {
				p.m.unaccounted = (int)pick(&seed, (uint64_t)p.m.capacity + 10);
				p.a.unaccounted = (uint64_t)p.m.unaccounted;
				if (p.m.unaccounted > p.m.capacity)
					p.m.unaccounted = p.m.capacity;
			}
			if (!pick(&seed, 8))
				configure(&p, &seed);
			wrong += v < 0;
			got[v < 0 ? 0 : v]++;
		}
		admit_end(&p.a);
	}
	check(!wrong, "requests in random trees have the answers of the model", "%zu differ", wrong);
	check(got[RM_GRANTED] > 1000 && got[RM_LIMIT] > 1000 && got[RM_FULL] > 1000 && got[RM_RESERVED] > 1000,
	      "of each kind", "%zu %zu %zu %zu", got[0], got[1], got[2], got[3]);
}

/* ---- sets ---- */

/* Buffers of these sizes, the number of which is a digit, exist from one time to the next. */
static void hold(struct holdings *h, const char *digits, const char *before, uint64_t clock)
{
	static const uint64_t sizes[] = { 8, 2, 5 };

	for (size_t i = 0; i < 3; i++) {
		for (int n = before[i] - digits[i]; n > 0; n--)
			holdings_change(h, sizes[i], false, clock);
		for (int n = digits[i] - before[i]; n > 0; n--)
			holdings_change(h, sizes[i], true, clock);
	}
}

static void test_holding(void)
{
	struct holdings h = { 0 }, all = { 0 };
	const struct holding *u;
	struct buffer_set s;

	/* For 10 ms one buffer, for 30 ms three of two sizes, for 20 ms one more, then none. */
	hold(&h, "100", "000", 100);
	hold(&h, "120", "100", 110);
	hold(&h, "121", "120", 140);
	hold(&h, "000", "121", 160);
	holdings_count(&h, 500);
	u = holdings_usual(&h);
	check(u && u->n == 2 && u->of[0].size == 8 && u->of[0].count == 1 && u->of[1].size == 2 && u->of[1].count == 2,
	      "a set is the buffers of half of the time with any", "%zu sizes", u ? u->n : 0);
	set_derive(&s, u, 8, 12);
	check(s.from == SET_HELD && s.bytes == 12 && !s.rest && set_pieces(&s) == 3, "of several sizes", "%llu", (ull)s.bytes);
	check(set_part(&s, 11) == 10 && set_part(&s, 9) == 8 && set_part(&s, 7) == 0 && set_part(&s, 12) == 12,
	      "a part of it has whole buffers, the largest first", "%llu", (ull)set_part(&s, 11));
	check(set_pieces_in(&s, 10) == 2 && set_pieces_in(&s, 12) == 3 && !set_pieces_in(&s, 7), "and a number of them", "%llu",
	      (ull)set_pieces_in(&s, 10));
	set_derive(&s, u, 8, 15);
	check(s.bytes == 15 && s.rest == 3 && set_pieces(&s) == 4 && set_part(&s, 14) == 12,
	      "memory without a known buffer is a piece of its own", "%llu", (ull)s.rest);
	hold(&h, "100", "000", 500);
	holdings_count(&h, 502);
	check(!holdings_usual(&h), "less than half of the time is no set", "a set");
	set_derive(&s, NULL, 4, 13);
	check(s.from == SET_SIZE && s.h.of[0].count == 3 && s.rest == 1, "then it is the usual charge in whole buffers", "%llu",
	      (ull)s.rest);
	holdings_merge(&all, &h);
	holdings_merge(&all, &h);
	check(all.time == 2 * h.time && all.n == h.n, "boots add up", "%llu", (ull)all.time);
	holdings_free(&all);
	holdings_free(&h);
}

/* A ninth size has no place: the set is unknown while such a buffer exists. */
static void test_many_sizes(void)
{
	struct holdings h = { 0 };

	for (uint64_t i = 1; i <= HOLDING_SIZES + 1; i++)
		holdings_change(&h, i, true, 0);
	holdings_count(&h, 10);
	check(!holdings_usual(&h) && h.time == 10, "a set has a bounded number of sizes", "%zu", h.n);
	holdings_change(&h, HOLDING_SIZES + 1, false, 10);
	holdings_count(&h, 100);
	check(holdings_usual(&h) && holdings_usual(&h)->n == HOLDING_SIZES, "and is known again afterwards", "%zu", h.n);
	holdings_free(&h);
}

/* ---- running it ---- */

#define MORE(...)	((const char * const []){ __VA_ARGS__, NULL })

/* Runs "plan" with these options, of the history "h". */
static int plan(const char * const *more)
{
	const char *argv[24] = { dmemctl, "plan" };
	size_t n = 2;

	for (; *more && n < 22; more++)
		argv[n++] = *more;
	argv[n] = tap_path("h");
	return run(argv);
}

/* The number that follows @key behind the first @after. */
static ull number(const char *after, const char *key)
{
	const char *at = strstr(get("out"), after);
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = at ? strstr(at, quoted) : NULL;
	return at ? strtoull(at + strlen(quoted), NULL, 10) : 0xdeadbeef;
}

static ull of(const char *service, const char *key)
{
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"service\":\"%s\",\"cgroup\"", service);
	return number(quoted, key);
}

static bool says(const char *text)
{
	return strstr(get("out"), text) != NULL;
}

/* No line is longer than a terminal. */
static bool is_narrow(void)
{
	for (const char *s = get("out"), *end; *s; s = end + (*end == '\n')) {
		end = s + strcspn(s, "\n");
		if (end - s > 80)
			return false;
	}
	return true;
}

static void start(struct dmem_text *t, bool buffers)
{
	past_head(t, "aaaaaaaa", 1000, 1000, buffers);
	past_region(t, 0, CAM);
	past_region(t, 1, NPU);
	past_cgroup(t, 0, 1, "media.slice");
	past_cgroup(t, 1, 2, A);
	past_cgroup(t, 2, 3, B);
	past_cgroup(t, 3, 4, C);
	past_look(t, 1000, "r0=0,0,-,%llu r1=0 c0.0=0 c1.0=0 c2.0=0 c3.0=0", 64 * MIB);
}

static void finish(struct dmem_text *t, uint64_t mono)
{
	past_end(t, mono);
	past_write(t, "h");
}

/*
 * a has 4 x 3M. Later, b has 6 x 2M, and one of 1M. At last, cgroups that are not recorded have 5 x 4M. c
 * has 1 x 6M at all times. So 26M are needed at once, and 50M with the sets of a and b.
 */
static void write_turns(void)
{
	struct dmem_text t = { 0 };

	start(&t, true);
	past_look(&t, 2000, "r0=%llu c3.0=6291456 b5=3.0,6291456", 6 * MIB);
	past_look(&t, 3000, "r0=%llu c0.0=%llu c1.0=%llu b1=1.0,3145728 b2=1.0,3145728 b3=1.0,3145728 b4=1.0,3145728", 18 * MIB,
		  12 * MIB, 12 * MIB);
	past_look(&t, 20000, "r0=%llu c0.0=0 c1.0=0 f1 f2 f3 f4", 6 * MIB);
	past_look(&t, 21000, "r0=%llu c0.0=%llu c2.0=%llu b11=2.0,2097152 b12=2.0,2097152 b13=2.0,2097152 "
		  "b14=2.0,2097152 b15=2.0,2097152 b16=2.0,2097152", 18 * MIB, 12 * MIB, 12 * MIB);
	past_look(&t, 40000, "r0=%llu c0.0=%llu c2.0=%llu b17=2.0,1048576", 19 * MIB, 13 * MIB, 13 * MIB);
	past_look(&t, 45000, "r0=%llu c0.0=0 c2.0=0 f11 f12 f13 f14 f15 f16 f17", 6 * MIB);
	past_look(&t, 50000, "r0=%llu b21=-.0,4194304 b22=-.0,4194304 b23=-.0,4194304 b24=-.0,4194304 b25=-.0,4194304", 26 * MIB);
	finish(&t, 51000);
}

/* 26M with headroom. */
#define SIZED(headroom)	"--block=1M", "--shrink", "--headroom=" headroom
#define SIZE_38M	SIZED("46")
#define SIZE_45M	SIZED("73")
#define SIZE_50M	SIZED("92")

/* There is room for one set beside the 26M. */
static void test_order(void)
{
	write_turns();
	check(!plan(MORE("--json", SIZE_38M, "--reserve-first=a")) && number(CAM, "need") == 26 * MIB &&
	      number(CAM, "size") == 38 * MIB, "services take turns", "%s%s", get("out"), get("err"));
	check(of("a.service", "min") == 12 * MIB && of("a.service", "sets") == 1 && of("b.service", "min") == 0 &&
	      of("b.service", "sets") == 0, "the first one has its whole set", "%s", get("out"));
	check(!plan(MORE("--json", SIZE_38M, "--reserve-first=b")) && of("b.service", "min") == 12 * MIB &&
	      of("a.service", "min") == 0, "whichever it is", "%s", get("out"));
	check(!plan(MORE("--json", SIZE_38M, "--reserve-first=c", "--reserve-first=b,a")) &&
	      of("b.service", "min") == 12 * MIB && of("a.service", "min") == 0, "the option can be repeated", "%s", get("out"));
	check(!plan(MORE(SIZE_38M, "--reserve-first=b,c")) &&
	      says("    SERVICE        SET      MIN  BUFFERS OF THE SET\n"
		   "    b.service      12M      12M  6 x 2M (derived)\n"
		   "    c.service       6M       6M  1 x 6M (derived)\n"
		   "    a.service      12M       0B  4 x 3M (derived)\n"
		   "    a.service: nothing is reserved.\n"
		   "      With its whole set, a request of cgroups that are not recorded for 20M\n"
		   "      would have been refused (2025-11-24 16:00:50 UTC, boot aaaaaaaa).\n"),
	      "the text has the order, the sets and the request that decided", "%s", get("out"));
	check(is_narrow() && says("\n  Sets: "), "and explains them", "%s", get("out"));
}

/* Without options, all get the same part, and the text names the request. */
static void test_part(void)
{
	write_turns();
	check(!plan(MORE(SIZE_38M)) && says("reserve-first=UNIT") &&
	      says("      With more, a request of cgroups that are not recorded for 20M\n"
		   "      would have been refused (2025-11-24 16:00:50 UTC, boot aaaaaaaa).\n") && is_narrow(),
	      "a part is decided by a request", "%s", get("out"));
	check(!plan(MORE("--json", SIZE_38M)) && says("\"whole_sets\":false") &&
	      number("\"reserved_part_cut\"", "asked") == 20 * MIB && number(CAM, "reserved_part") == 0 &&
	      of("a.service", "min") == 6 * MIB && of("b.service", "min") == 6 * MIB, "JSON has it, too", "%s", get("out"));
}

/* The rest of the region is too small for a set of a. */
static void test_rest(void)
{
	write_turns();
	/* 45M - 26M - 12M are left. */
	check(!plan(MORE("--json", SIZE_45M, "--reserve-first=c,b")) && number(CAM, "size") == 45 * MIB &&
	      of("b.service", "min") == 12 * MIB && of("c.service", "min") == 6 * MIB && of("a.service", "min") == 6 * MIB &&
	      of("a.service", "sets") == 0, "whole buffers use the rest", "%s", get("out"));
	check(!plan(MORE(SIZE_45M, "--reserve-first=c,b")) &&
	      says("    a.service: only 2 of 4 buffers, which complete no other set.\n"), "the text says so", "%s", get("out"));
	check(!plan(MORE("--json", SIZE_50M, "--reserve-first=c")) && number(CAM, "size") == 50 * MIB &&
	      of("a.service", "min") == 12 * MIB && of("b.service", "sets") == 1 && says("\"reserved_part\":1.0000") &&
	      !says("\"cut\":{"), "a larger region has no rest", "%s", get("out"));
	check(!plan(MORE("--json", "--headroom=0", "--reserve-first=c")) && number(CAM, "reserved_in") == 64 * MIB &&
	      of("a.service", "sets") == 1 && of("b.service", "sets") == 1, "as has one that keeps its size", "%s", get("out"));
}

static void test_given(void)
{
	write_turns();
	check(!plan(MORE("--json", "--set=a=5")) && of("a.service", "min") == 15 * MIB && of("a.service", "max") == 15 * MIB &&
	      says("{\"from\":\"given\",\"bytes\":15728640,\"buffers\":[{\"count\":5,\"size\":3145728}],\"rest\":0}"),
	      "a number of buffers has their recorded size", "%s%s", get("out"), get("err"));
	check(!plan(MORE("--json", "--set=b.service=1x1M+7x2M")) && of("b.service", "min") == 15 * MIB &&
	      of("b.service", "max") >= 15 * MIB && says("[{\"count\":7,\"size\":2097152},{\"count\":1,\"size\":1048576}]"),
	      "sizes can be mixed", "%s%s", get("out"), get("err"));
	check(!plan(MORE("--json", "--set=a=3x1000000")) && of("a.service", "min") == 3 * 245 * PAGE, "a buffer has whole pages",
	      "%s", get("out"));
	/* Services that --add adds have buffers, too. */
	check(!plan(MORE("--json", "--add=npu:" CAM "=3x2M", "--reserve-first=npu")) && of("npu.service", "min") == 6 * MIB &&
	      says("{\"from\":\"held\",\"bytes\":6291456,\"buffers\":[{\"count\":3,\"size\":2097152}],\"rest\":0}"),
	      "an added service has a set", "%s%s", get("out"), get("err"));
	check(!plan(MORE("--json", "--set=b:" CAM "=20x2M")) && of("b.service", "max") == 40 * MIB &&
	      of("b.service", "sets") == 0 && of("a.service", "sets") == 1 && of("b.service", "min") == 26 * MIB,
	      "a set that is larger than the rest is none", "%s%s", get("out"), get("err"));
}

/* Without records of buffers, the usual charge is the set. Memory of two areas is not mixed. */
static void test_counters(void)
{
	struct dmem_text t = { 0 };

	start(&t, false);
	past_look(&t, 2000, "r0=%llu r1=%llu c0.0=%llu c1.0=%llu c1.1=%llu", 9 * MIB, 2 * MIB, 9 * MIB, 9 * MIB, 2 * MIB);
	finish(&t, 9000);
	check(!plan(MORE("--reserve-first=a")) && says("9M       9M  9M (usual charge)\n"), "a charge without buffers", "%s",
	      get("out"));
	check(plan(MORE("--set=a:" CAM "=3")) == 1 && strstr(get("err"), "--set=a:" CAM "=3: the size of its buffers was not "
							     "recorded: write COUNTxSIZE"), "has no size", "%s", get("err"));
	check(plan(MORE("--set=a=3x3M")) == 1 && strstr(get("err"), "several areas: write --set=a:"), "two areas need a name",
	      "%s", get("err"));
	check(plan(MORE("--reserve-first=b")) == 1 && !*get("out") &&
	      strstr(get("err"), "--reserve-first=b: it has no memory in a CMA area, so nothing can be reserved"),
	      "a unit without memory has no set", "%s", get("err"));
	check(!plan(MORE("--json", "--set=a:" NPU "=4x1M")) && number(NPU, "min") == 4 * MIB && number(CAM, "min") == 9 * MIB,
	      "which chooses one", "%s%s", get("out"), get("err"));
}

static void is_wrong(const char *option, int status, const char *text)
{
	int got = plan(MORE(option));

	check(got == status && strstr(get("err"), text) && !*get("out"), option, "%d: %s", got, get("err"));
}

static void test_wrong_options(void)
{
	static const char set[] = "write UNIT=COUNT, UNIT=COUNTxSIZE or UNIT:REGION=COUNTxSIZE";

	write_turns();
	is_wrong("--set=a", 2, set);
	is_wrong("--set==3", 2, set);
	is_wrong("--set=a=", 2, set);
	is_wrong("--set=a=0", 2, set);
	is_wrong("--set=a=3x", 2, set);
	is_wrong("--set=a=3x0", 2, set);
	is_wrong("--set=a=3xmax", 2, set);
	is_wrong("--set=a=-3x1M", 2, set);
	is_wrong("--set=a=65537x1", 2, set);
	is_wrong("--set=a=65536x1T", 2, set);
	is_wrong("--set=a=3x1M+", 2, set);
	is_wrong("--set=a=3x1M+2", 2, set);
	is_wrong("--set=a=3x1M+2x1M", 2, set);
	is_wrong("--set=a=1x1+1x2+1x3+1x4+1x5+1x6+1x7+1x8+1x9", 2, set);
	is_wrong("--reserve-first=", 2, "write UNIT or UNIT,UNIT");
	is_wrong("--reserve-first=a,", 2, "invalid --reserve-first=a,: write");
	is_wrong("--reserve-first=camera", 1, "no unit 'camera' is recorded: recorded are media.slice, a.service");
	is_wrong("--reserve-first=aa.service", 1, "did you mean a.service?");
	is_wrong("--reserve-first=a,b,a", 1, "a.service has one already: --reserve-first=a: name it once");
	is_wrong("--reserve-first=media.slice,a", 1, "name it once");
	is_wrong("--set=media.slice=4", 1, "b.service are two services: write --set for each");
	is_wrong("--set=aa.service=4", 1, "no unit 'aa.service' is recorded: did you mean a.service?");
	is_wrong("--set=a:cma/none=4", 1, "no unit 'a:cma/none' is recorded");
	is_wrong("--set=a:" NPU "=4x1M", 1, "--set=a:" NPU "=4x1M: it has no memory in " NPU ", so nothing can be reserved");
	check(plan(MORE("--set=a=2", "--set=a.service=3")) == 1 && strstr(get("err"), "a.service has one already: --set=a=2"),
	      "two sets of one service", "%s", get("err"));
	check(plan(MORE("--by=machine", "--set=a=2")) == 2 && strstr(get("err"), "cannot be used with --reserve-first or --set"),
	      "machines have no sets", "%s", get("err"));
}

/* The drop-in of a slice has the sum of the sets in it. */
static void test_units(void)
{
	write_turns();
	plan(MORE(SIZE_45M, "--reserve-first=c,b", "--units", tap_path("units")));
	check(strstr(get("units/a.service.d/50-dmem-plan.conf"), "DeviceMemoryMin=" CAM " 6M\n") &&
	      strstr(get("units/b.service.d/50-dmem-plan.conf"), "DeviceMemoryMin=" CAM " 12M\n") &&
	      strstr(get("units/media.slice.d/50-dmem-plan.conf"), "DeviceMemoryMin=" CAM " 18M\n"),
	      "drop-ins have the sets", "%s%s", get_tree("units"), get("err"));
}

/* Ten boots. In nine, a has 4M, and c 1M. In one of them, a has 36M at first, or others have it. */
static void write_outlier(bool others)
{
	struct dmem_text t = { 0 };

	for (unsigned int boot = 0; boot < 10; boot++) {
		ull more = boot == 4 ? 32 * MIB : 0;
		char id[9];

		snprintf(id, sizeof(id), "%08x", boot + 1);
		past_head(&t, id, 1000, 1000, false);
		past_region(&t, 0, CAM);
		past_cgroup(&t, 0, boot + 1, A);
		past_cgroup(&t, 1, boot + 100, C);
		past_look(&t, 1000, "r0=0,0,-,%llu c0.0=0 c1.0=0", 40 * MIB);
		past_look(&t, 2000, "r0=%llu c0.0=%llu", 4 * MIB + more, 4 * MIB + (others ? 0 : more));
		past_look(&t, 3000, "r0=%llu c1.0=%llu", 5 * MIB + more, MIB);
		past_look(&t, 4000, "r0=%llu c0.0=0", MIB);
		past_look(&t, 5000, "r0=%llu c0.0=%llu", 5 * MIB, 4 * MIB);
		past_end(&t, 9000);
	}
	past_write(&t, "h");
}

/* The plan for nine boots refuses a request of the tenth. When that memory is freed, there is no change. */
static void test_quantile(void)
{
	write_outlier(true);
	check(!plan(MORE("--json", "--quantile=0.9", "--shrink", "--reserve-first=c")) && number(CAM, "no_room") == 1 &&
	      number(CAM, "above_limit") == 0 && of("a.service", "min") == 4 * MIB && of("c.service", "sets") == 1,
	      "a request without room leaves reservations alone", "%s", get("out"));
	check(!plan(MORE("--quantile=0.9", "--shrink")) && says("  the planned size has no room. The first is 32M of cgroups"),
	      "and is a warning", "%s", get("out"));
	write_outlier(false);
	check(!plan(MORE("--json", "--quantile=0.9")) && number(CAM, "above_limit") == 1 && number(CAM, "no_room") == 0 &&
	      of("a.service", "min") == 4 * MIB && of("c.service", "min") == MIB,
	      "as does one above the limit", "%s", get("out"));
	check(!plan(MORE("--quantile=0.9")) && says("\n  Warning: this plan refuses 1 recorded request, whatever is reserved:\n"
						   "  MAX is smaller. The first is 36M of a.service\n"
						   "  (2025-11-24 16:00:02 UTC, boot 00000005).\n"),
	      "with a warning", "%s", get("out"));
	check(!plan(MORE("--json")) && number(CAM, "above_limit") == 0, "which a plan for all boots has not", "%s", get("out"));
}

/* ---- memory without a charge ---- */

static void test_kernel_use(void)
{
	struct dmem_text t = { 0 };

	check(hist_put_notes_head(&t, PAST_WALL) == 0, "notes", "no");
	for (int i = 0; i < 4; i++) {
		static const char * const record[] = { "D", "K", "K", "N" };
		static const char * const text[] = { " /", " coherent_pool=2M", " cma=64M", " 1" };
		struct hist_line l;

		hist_begin(&l, &t, *record[i]);
		hist_add(&l, "%s", text[i]);
		hist_end(&l);
	}
	past_head(&t, "aaaaaaaa", 1000, 1000, false);
	past_region(&t, 0, "cma/reserved");
	past_cgroup(&t, 0, 1, A);
	past_look(&t, 7000, "r0=0,%llu,-,%llu c0.0=0", 2 * MIB, 64 * MIB);
	past_look(&t, 8000, "r0=%llu c0.0=%llu,%llu,0,0,0,0,max,%llu", 4 * MIB, 4 * MIB, 4 * MIB, 3 * MIB);
	past_look(&t, 9000, "r0=%llu,%llu", 4 * MIB, 5 * MIB);
	past_look(&t, 10000, "r0=%llu,%llu", 4 * MIB, 3 * MIB);
	finish(&t, 11000);
	check(!plan(MORE(NULL)) && says("\n  Not charged to a cgroup:\n"
					"          2M  at the first sample, 7s after the start of boot aaaaaaaa\n"
					"          5M  later, at most (2025-11-24 16:00:09 UTC, boot aaaaaaaa)\n"
					"              coherent_pool=2M: pools of the kernel can be here\n"
					"          3M  reserved (dmem.min) when it was recorded, in sum\n"
					"    Pages that others borrowed from the area are not in a history.\n") && is_narrow(),
	      "the text has the use at boot and later", "%s%s", get("out"), get("err"));
	check(!plan(MORE("--json")) && says("\"kernel_use\":{\"at_first_sample\":2097152,\"first_sample_ms\":7000,"
					    "\"most\":5242880,\"most_time\":1764000009000,\"grown\":3145728,\"gaps\":0,"
					    "\"reserved\":3145728,\"movable\":null,\"coherent_pool\":\"coherent_pool=2M\"}") &&
	      of("a.service", "current_min") == 3 * MIB, "as has JSON", "%s", get("out"));
}

/* Unknown is not 0. */
static void test_unknown_use(void)
{
	struct dmem_text t = { 0 };
	struct kernel_use all = { 0 }, none = { 0 }, one = { 0 }, two = { 0 };

	past_head(&t, "bbbbbbbb", 1000, 1000, false);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, A);
	past_look(&t, 1000, "r0=%llu c0.0=%llu", MIB, MIB);
	past_write(&t, "h");
	check(!plan(MORE("--json")) && says("\"at_first_sample\":null"), "it may be unknown", "%s", get("out"));
	kernel_use_add(&one, 5, 1);
	kernel_use_add(&one, 4, 2);
	kernel_use_add(&two, 1, 3);
	kernel_use_add(&two, 5, 4);
	kernel_use_merge(&all, &none, 0);
	check(!all.known, "a boot without figures adds none", "known");
	kernel_use_merge(&all, &one, 1);
	kernel_use_merge(&all, &two, 2);
	check(all.first == 5 && all.first_boot == 1 && all.most == 5 && all.most_boot == 1 && all.grown == 4,
	      "the largest of all boots", "%llu %llu %llu", (ull)all.first, (ull)all.most, (ull)all.grown);
}

/* ---- random histories ---- */

#define LOOKS		60
#define MAX_DYING	6

/* All charges at one time, in pages. */
struct look {
	uint64_t use[SERVICES], dying[SLICES + 1], others, unaccounted;
	bool alive[SERVICES];
};

struct world {
	struct look look[LOOKS];
	bool lives;		/* services end and start again, and others have memory, too */
	bool single;		/* one change in each sample */
};

static uint64_t sum_of(const struct look *l)
{
	uint64_t sum = l->others;

	for (unsigned int i = 0; i < SERVICES; i++)
		sum += l->use[i];
	for (unsigned int i = 0; i <= SLICES; i++)
		sum += l->dying[i];
	return sum;
}

static void change_look(struct look *l, bool lives, uint64_t *seed)
{
	static const uint64_t sizes[] = { 1, 16, 75, 225, 256, 300 };
	unsigned int s = (unsigned int)pick(seed, SERVICES);
	uint64_t size = sizes[pick(seed, 6)], what = pick(seed, lives ? 10 : 5);

	if (what == 9)
		l->dying[slice_of[s]] -= pick(seed, l->dying[slice_of[s]] + 1);
	else if (what == 8)
		l->others = pick(seed, 200);
	else if (what == 7 && l->alive[s]) {
		l->dying[slice_of[s]] += l->use[s];
		l->use[s] = 0;
		l->alive[s] = false;
	} else if (what == 4)
		l->unaccounted = pick(seed, 100);
	else if (!l->alive[s])
		l->alive[s] = true;
	else if (what % 2 && sum_of(l) + l->unaccounted < 3000)
		l->use[s] += size * (1 + pick(seed, 3));
	else
		l->use[s] -= pick(seed, 2) ? l->use[s] : pick(seed, l->use[s] + 1);
}

static void make_world(struct world *w, uint64_t seed)
{
	struct look now = { 0 };

	pick(&seed, 1);
	for (unsigned int i = 0; i < SERVICES; i++)
		now.alive[i] = true;
	for (size_t i = 0; i < LOOKS; i++) {
		for (uint64_t n = w->single ? 1 : 1 + pick(&seed, 3); n--; )
			change_look(&now, w->lives, &seed);
		w->look[i] = now;
	}
}

/* Numbers of the services' cgroups, each with a new one after its end. */
struct numbers {
	unsigned int at[SERVICES], next;
};

static void write_look(struct dmem_text *t, const struct look *l, const struct look *was, struct numbers *n, uint64_t at)
{
	char items[1024] = "";
	uint64_t slice[SLICES + 1];
	int len;

	memcpy(slice, l->dying, sizeof(slice));
	for (unsigned int i = 0; i < SERVICES; i++) {
		if (l->alive[i] && !was->alive[i]) {
			n->at[i] = n->next++;
			past_cgroup(t, n->at[i], 10 + n->at[i], paths[i]);
		}
		slice[slice_of[i]] += l->use[i];
	}
	len = snprintf(items, sizeof(items), "r0=%llu,%llu,-,%llu c0.0=%llu c1.0=%llu", (ull)(sum_of(l) * PAGE),
		       (ull)(l->unaccounted * PAGE), 80 * MIB, (ull)(slice[0] * PAGE), (ull)(slice[1] * PAGE));
	for (unsigned int i = 0; i < SERVICES; i++) {
		if (l->alive[i])
			len += snprintf(items + len, sizeof(items) - (size_t)len, " c%u.0=%llu", n->at[i], (ull)(l->use[i] * PAGE));
		else if (was->alive[i])
			len += snprintf(items + len, sizeof(items) - (size_t)len, " x%u", n->at[i]);
	}
	past_look(t, at, "%s", items);
}

static void write_world(struct dmem_text *t, const struct world *w)
{
	struct numbers n = { .next = 2 };

	past_head(t, "aaaaaaaa", 1000, 1000, false);
	past_region(t, 0, CAM);
	past_cgroup(t, 0, 1, "media.slice");
	past_cgroup(t, 1, 2, "system.slice");
	for (size_t i = 0; i < LOOKS; i++)
		write_look(t, &w->look[i], i ? &w->look[i - 1] : &(struct look){ 0 }, &n, 1000 + 1000 * i);
	past_end(t, 1000 + 1000 * LOOKS);
}

struct planned {
	struct sets s;
	struct model m;
	struct needs n;
	const struct needs_service *of[SERVICES];	/* NULL: it was never charged */
};

/* @sets: reservations in sets of random sizes, and in a random order. */
static bool plan_world(struct planned *p, struct dmem_text *t, bool sets, double headroom, uint64_t seed)
{
	struct needs_options o = {
		.headroom = headroom, .quantile = 1, .block = PAGE, .align_order = 0, .shrink = true,
		.sets = sets ? &p->s : NULL,
	};
	uint64_t length = t->len;
	bool ok;

	*p = (struct planned){ .m = { .in = { past_read, t } } };
	ok = !model_add(&p->m, 0, 0, &length) && !model_sort(&p->m);
	for (unsigned int i = 0; i < SERVICES && sets; i++) {
		char text[64];

		if (model_find_service(&p->m, paths[i], false) < 0)
			continue;
		if (!pick(&seed, 3))
			ok &= !sets_parse_first(&p->s, paths[i]);
		snprintf(text, sizeof(text), "%s=%llux%llu", paths[i], (ull)(1 + pick(&seed, 4)), (ull)(PAGE * (20 + pick(&seed, 200))));
		ok &= !sets_parse_set(&p->s, text);
	}
	ok = ok && !sets_resolve(&p->s, &p->m) && !needs_find(&p->n, &p->m, &o) && p->n.n == 1;
	for (size_t i = 0; ok && i < p->n.region->n; i++) {
		for (unsigned int s = 0; s < SERVICES; s++) {
			if (!strcmp(p->m.service[p->n.region->service[i].service].path, paths[s]))
				p->of[s] = &p->n.region->service[i];
		}
	}
	return ok;
}

static void plan_end(struct planned *p)
{
	needs_free(&p->n);
	sets_free(&p->s);
	model_free(&p->m);
}

/* The kernel with the plan. */
struct kernel {
	struct reserve_model m;
	int slice[SLICES + 1], node[SERVICES];
	struct {
		int node;
		unsigned int slice;
		uint64_t pages;
	} dying[MAX_DYING + 1];
	size_t n_dying;
	uint64_t min[SERVICES];		/* bytes */
	uint64_t size;
	size_t refused[4];
	bool full;			/* more dying cgroups than the model has room for */
	bool overcommitted;
};

static void kernel_add(struct kernel *k, const struct planned *p, unsigned int s)
{
	uint64_t limit = p->of[s] ? p->of[s]->limit : DMEM_UNKNOWN;

	k->node[s] = rm_create(&k->m, k->slice[slice_of[s]]);
	if (limit != DMEM_UNKNOWN)
		rm_set_max(&k->m, k->node[s], (int)(limit / PAGE));
	rm_set_min(&k->m, k->node[s], (int)(k->min[s] / PAGE));
}

static void kernel_start(struct kernel *k, const struct planned *p)
{
	rm_init(&k->m, (int)(k->size / PAGE), 0);
	for (unsigned int i = 0; i <= SLICES; i++) {
		uint64_t sum = 0;

		k->slice[i] = i < SLICES ? rm_create(&k->m, RM_ROOT) : RM_ROOT;
		for (unsigned int s = 0; s < SERVICES; s++)
			sum += slice_of[s] == i ? k->min[s] / PAGE : 0;
		if (i < SLICES)
			rm_set_min(&k->m, k->slice[i], (int)sum);
	}
	for (unsigned int s = 0; s < SERVICES; s++)
		kernel_add(k, p, s);
}

static void kernel_charge(struct kernel *k, int node, uint64_t pages)
{
	if (pages)
		k->refused[rm_charge(&k->m, node, (int)pages).verdict]++;
}

static void kernel_remove(struct kernel *k, unsigned int s, uint64_t pages)
{
	int node = k->node[s];

	rm_remove(&k->m, node);
	if (!pages)
		return;
	k->dying[k->n_dying].node = node;
	k->dying[k->n_dying].slice = slice_of[s];
	k->dying[k->n_dying++].pages = pages;
	k->full |= k->n_dying > MAX_DYING;
}

static void kernel_free_dying(struct kernel *k, unsigned int slice, uint64_t pages)
{
	for (size_t i = 0; i < k->n_dying && pages; i++) {
		uint64_t n = k->dying[i].slice != slice ? 0 : k->dying[i].pages < pages ? k->dying[i].pages : pages;

		if (!n)
			continue;
		rm_uncharge(&k->m, k->dying[i].node, (int)n);
		k->dying[i].pages -= n;
		pages -= n;
		if (!k->dying[i].pages)
			k->dying[i--] = k->dying[--k->n_dying];
	}
}

static void kernel_grow(struct kernel *k, const struct look *l, const struct look *was, uint64_t *seed)
{
	unsigned int first = (unsigned int)pick(seed, SERVICES);

	for (unsigned int i = 0; i < SERVICES; i++) {
		unsigned int s = (first + i) % SERVICES;

		if (l->alive[s] && l->use[s] > was->use[s])
			kernel_charge(k, k->node[s], l->use[s] - was->use[s]);
	}
	if (l->others > was->others)
		kernel_charge(k, RM_ROOT, l->others - was->others);
}

static void kernel_shrink(struct kernel *k, const struct look *l, const struct look *was)
{
	for (unsigned int s = 0; s < SERVICES; s++) {
		if (l->alive[s] && l->use[s] < was->use[s])
			rm_uncharge(&k->m, k->node[s], (int)(was->use[s] - l->use[s]));
	}
	if (l->others < was->others)
		rm_uncharge(&k->m, RM_ROOT, (int)(was->others - l->others));
}

/* Removes cgroups, with their charges, and frees buffers of removed ones. */
static void kernel_lives(struct kernel *k, const struct planned *p, const struct look *l, const struct look *was)
{
	uint64_t dying[SLICES + 1];

	memcpy(dying, was->dying, sizeof(dying));
	for (unsigned int s = 0; s < SERVICES && !k->full; s++) {
		/* Some of it may be gone by now. */
		if (was->alive[s] && !l->alive[s]) {
			dying[slice_of[s]] += was->use[s];
			kernel_remove(k, s, was->use[s]);
		}
	}
	for (unsigned int i = 0; i <= SLICES && !k->full; i++) {
		if (dying[i] > l->dying[i])
			kernel_free_dying(k, i, dying[i] - l->dying[i]);
	}
	for (unsigned int s = 0; s < SERVICES && !k->full; s++) {
		if (!was->alive[s] && l->alive[s])
			kernel_add(k, p, s);
	}
}

static void kernel_look(struct kernel *k, const struct planned *p, const struct look *l, const struct look *was, uint64_t *seed)
{
	uint64_t all = sum_of(was);
	bool early;

	for (unsigned int s = 0; s < SERVICES; s++)
		all += l->alive[s] && l->use[s] > was->use[s] ? l->use[s] - was->use[s] : 0;
	all += l->others > was->others ? l->others - was->others : 0;
	/* The order in a sample is unknown. */
	early = all + (l->unaccounted > was->unaccounted ? l->unaccounted : was->unaccounted) <= k->size / PAGE && pick(seed, 2);
	if (l->unaccounted > was->unaccounted)
		rm_unaccounted(&k->m, (int)(l->unaccounted - was->unaccounted));
	kernel_lives(k, p, l, was);
	if (k->full)
		return;
	if (early)
		kernel_grow(k, l, was, seed);
	kernel_shrink(k, l, was);
	if (!early)
		kernel_grow(k, l, was, seed);
	if (l->unaccounted < was->unaccounted)
		rm_unaccounted(&k->m, -(int)(was->unaccounted - l->unaccounted));
	k->overcommitted |= rm_commit(&k->m, RM_ROOT) > rm_bound(&k->m, RM_ROOT);
}

/* Replays a history with the reservations in k->min. */
static void replay(struct kernel *k, const struct planned *p, const struct world *w, uint64_t seed)
{
	static const struct look nothing = { .alive = { true, true, true, true, true } };

	k->size = p->n.region->reserve.size;
	k->n_dying = 0;
	memset(k->refused, 0, sizeof(k->refused));
	k->full = k->overcommitted = false;
	kernel_start(k, p);
	k->overcommitted = rm_commit(&k->m, RM_ROOT) > rm_bound(&k->m, RM_ROOT);
	for (size_t i = 0; i < LOOKS && !k->full; i++)
		kernel_look(k, p, &w->look[i], i ? &w->look[i - 1] : &nothing, &seed);
}

static void take_minimums(struct kernel *k, const struct planned *p)
{
	for (unsigned int s = 0; s < SERVICES; s++)
		k->min[s] = p->of[s] ? p->of[s]->reservation : 0;
}

static void check_admitted(const char *name, bool sets)
{
	size_t wrong = 0, refused = 0, some = 0, tried = 0;

	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct world w = { .lives = seed % 3 != 0 };
		struct dmem_text t = { 0 };
		struct planned p;
		struct kernel k;

		make_world(&w, seed);
		write_world(&t, &w);
		if (!plan_world(&p, &t, sets, 0.04 * (double)(seed % 5), seed)) {
			wrong++;
		} else {
			take_minimums(&k, &p);
			replay(&k, &p, &w, seed);
			tried += !k.full;
			some += p.n.region->reserved < 1 && p.n.region->reserved > 0;
			if (!k.full && k.refused[RM_LIMIT] + k.refused[RM_FULL] + k.refused[RM_RESERVED] > 0) {
				printf("# seed %llu: %zu above limits, %zu without room, %zu reserved\n", (ull)seed,
				       k.refused[RM_LIMIT], k.refused[RM_FULL], k.refused[RM_RESERVED]);
				refused++;
			}
			wrong += p.n.region->reserve.limit.n || p.n.region->reserve.full.n;
		}
		plan_end(&p);
		dmem_text_free(&t);
	}
	tap_case("%s", name);
	check(!wrong && tried > 200, "random histories have a plan", "%zu wrong, %zu tried", wrong, tried);
	check(!refused, "whose reservations refuse no recorded request", "%zu of %zu", refused, tried);
	check(some > 30, "and some of which are lowered", "%zu", some);
	tap_case("%s", "");
}

static void test_admitted(void)
{
	check_admitted("the same part", false);
	check_admitted("whole sets", true);
}

/* True if the kernel refuses nothing, and all reservations can be met at any time. */
static bool admitted(struct kernel *k, const struct planned *p, const struct world *w)
{
	replay(k, p, w, 1);
	return !k->overcommitted && !k->refused[RM_RESERVED];
}

static int by_order(const struct planned *p, unsigned int a, unsigned int b)
{
	const struct needs_service *x = p->of[a], *y = p->of[b];

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->set.bytes != y->set.bytes ? (x->set.bytes < y->set.bytes ? -1 : 1) : x < y ? -1 : 1;
}

/* Services with memory, in the order in which they get sets. */
static size_t sort_services(const struct planned *p, unsigned int order[SERVICES])
{
	size_t n = 0;

	for (unsigned int s = 0; s < SERVICES; s++) {
		size_t at = n;

		if (!p->of[s])
			continue;
		for (; at && by_order(p, s, order[at - 1]) < 0; at--)
			order[at] = order[at - 1];
		order[at] = s;
		n++;
	}
	return n;
}

/* Tries each set in the order, with those before it: what the plan should find with fewer replays. */
static bool is_best(const struct planned *p, const struct world *w, size_t *left_out)
{
	unsigned int order[SERVICES], first = SERVICES;
	size_t n = sort_services(p, order);
	struct kernel k = { 0 };
	uint64_t unit;

	for (size_t i = 0; i < n; i++) {
		unsigned int s = order[i];

		k.min[s] = p->of[s]->set.bytes;
		if (admitted(&k, p, w)) {
			if (p->of[s]->reservation != p->of[s]->set.bytes || p->of[s]->cut.any)
				return false;
			continue;
		}
		k.min[s] = 0;
		first = first == SERVICES ? s : first;
		if (p->of[s]->reservation >= p->of[s]->set.bytes || !p->of[s]->cut.any)
			return false;
		++*left_out;
	}
	if (first == SERVICES)
		return true;
	/* The first set that is left out has as many buffers as there is room for. */
	unit = p->of[first]->set.h.of[0].size;
	k.min[first] = p->of[first]->reservation;
	if (k.min[first] % unit || !admitted(&k, p, w))
		return false;
	k.min[first] += unit;
	return k.min[first] == p->of[first]->set.bytes || !admitted(&k, p, w);
}

static void test_best(void)
{
	size_t wrong = 0, left_out = 0;

	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct world w = { .single = true };
		struct dmem_text t = { 0 };
		struct planned p;

		make_world(&w, seed);
		write_world(&t, &w);
		if (!plan_world(&p, &t, true, 0.04 * (double)(seed % 5), seed) || !is_best(&p, &w, &left_out))
			wrong++;
		plan_end(&p);
		dmem_text_free(&t);
	}
	check(!wrong, "sets are reserved in their order, if they can be", "%zu of 300", wrong);
	check(left_out > 100, "and some cannot", "%zu", left_out);
}

/* ---- documents ---- */

static void test_documented(const char *path)
{
	static const char * const names[] = { "reserve-first", "set" };
	FILE *f = fopen(path, "r");
	char *manual = NULL, line[64], heading[64];
	size_t size = 0;

	if (!f || getdelim(&manual, &size, 0, f) < 0)
		manual = NULL;
	for (size_t i = 0; i < 2; i++) {
		snprintf(line, sizeof(line), "\n      --%s=", names[i]);
		snprintf(heading, sizeof(heading), "\n*--%s*=", names[i]);
		check(!plan(MORE("--help")) && says(line) && manual && strstr(manual, heading), names[i], "it has no documentation");
	}
	free(manual);
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: test_sets DMEMCTL DIR dmemctl-plan.8.scd\n");
		return 2;
	}
	dmemctl = argv[1];
	tap_start();
	tap_dir(argv[2]);
	RUN(test_rule);
	RUN(test_holding);
	RUN(test_many_sizes);
	RUN(test_order);
	RUN(test_part);
	RUN(test_rest);
	RUN(test_given);
	RUN(test_counters);
	RUN(test_wrong_options);
	RUN(test_units);
	RUN(test_quantile);
	RUN(test_kernel_use);
	RUN(test_unknown_use);
	RUN(test_admitted);
	RUN(test_best);
	RUN(test_documented, argv[3]);
	tap_dir(argv[2]);
	return tap_end();
}
