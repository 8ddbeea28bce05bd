// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "dmemctl plan --pairs": histories whose answer can be calculated by hand, and random ones compared
 * with a table of all samples and a bitmap of pages.
 *
 * test_pairs DMEMCTL DIR JQ dmemctl-plan.8.scd
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmemctl/plan/pairs.h"
#include "past.h"
#include "tap.h"

#define KIB		1024ull
#define MIB		(1024 * KIB)
#define PAGE		4096ull
#define CAM		"cma/camera@64000000"
#define OTHER		"cma/other"
#define VRAM		"drm/0000:03:00.0/vram0"
#define ORDER		8

typedef unsigned long long ull;

static const char *dmemctl, *jq;

/* ---- running it ---- */

#define MORE(...)	((const char * const []){ __VA_ARGS__, NULL })

/* Runs "plan --pairs" with these options, of the history "h". */
static int pairs(const char * const *more)
{
	const char *argv[24] = { dmemctl, "plan", "--pairs" };
	size_t n = 3;

	for (; *more && n < 22; more++)
		argv[n++] = *more;
	argv[n] = tap_path("h");
	return run(argv);
}

/* The value of a jq expression for the JSON of the last command, in one line. */
static const char *ask(const char *expression)
{
	static char value[4096];
	const char *argv[] = { jq, "-c", expression, tap_path("json"), NULL };

	if (rename(tap_path("out"), argv[3]) || run(argv))
		return get("err");
	snprintf(value, sizeof(value), "%s", get("out"));
	value[strcspn(value, "\n")] = 0;
	return value;
}

/* True if the expression has this value, for JSON of the plan with these options. */
static bool answers(const char * const *more, const char *expression, const char *want)
{
	const char *argv[8] = { "--json" };
	const char *got;

	for (size_t i = 0; more[i] && i < 6; i++)
		argv[i + 1] = more[i];
	if (pairs(argv))
		return false;
	got = ask(expression);
	if (strcmp(got, want))
		printf("# %s: %s\n", expression, got);
	return !strcmp(got, want);
}

#define NOTHING		MORE(NULL)
#define FIRST		".regions[0]"

static void start(struct dmem_text *t, const char *boot, uint64_t mono, const char *region, ull capacity)
{
	char path[64];

	past_head(t, boot, mono, 1000, true);
	past_region(t, 0, region);
	for (unsigned int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "system.slice/%c.service", 'a' + i);
		past_cgroup(t, i, 1 + i, path);
	}
	past_look(t, mono, "r0=0,0,-,%llu c0.0=0 c1.0=0 c2.0=0", capacity);
}

static void finish(struct dmem_text *t, uint64_t mono)
{
	past_end(t, mono);
	past_write(t, "h");
}

/* ---- times ---- */

/* a from 2 s to 8 s, b from 5 s to 11 s, c only after both; b has 2M more from 6 s to 7 s. */
static void test_times(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", 1000, CAM, 40 * MIB);
	past_look(&t, 2000, "c0.0=8388608");
	past_look(&t, 5000, "c1.0=4194304");
	past_look(&t, 6000, "c1.0=6291456");
	past_look(&t, 7000, "c1.0=4194304");
	past_look(&t, 8000, "c0.0=0");
	past_look(&t, 11000, "c1.0=0 c2.0=1048576");
	finish(&t, 21000);
	check(answers(NOTHING, "[" FIRST ".up_ms, (" FIRST ".pairs[] | [.together_ms, (.together_part * 1000 | round), .most])]",
		      "[[6000,6000,10000],[3000,150,14680064],[0,0,null],[0,0,null]]"),
	      "two services were up together from the start of the later one to the end of the other", "%s%s", get("out"),
	      get("err"));
	check(answers(NOTHING, FIRST ".pairs[0] | [.services, .cgroups, .most_time - 1764000000000, .boot[0:8]]",
		      "[[\"a.service\",\"b.service\"],[\"system.slice/a.service\",\"system.slice/b.service\"],6000,\"aaaaaaaa\"]"),
	      "the most of both has a time and a boot", "%s%s", get("out"), get("err"));
	check(answers(NOTHING, FIRST ".pairs[2] | [.services, .most, .most_time, .boot]",
		      "[[\"b.service\",\"c.service\"],null,null,null]"),
	      "one that stops when another one starts was never up with it", "%s%s", get("out"), get("err"));
}

/* Both are up in one sample, after which the recorder stops. */
static void test_moment(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", 1000, CAM, 40 * MIB);
	past_look(&t, 2000, "c0.0=8388608");
	past_look(&t, 5000, "c1.0=4194304");
	finish(&t, 5000);
	check(answers(NOTHING, FIRST ".pairs[0] | [.together_ms, .most]", "[0,12582912]"), "a moment without a duration is one",
	      "%s%s", get("out"), get("err"));
	check(!pairs(NOTHING) && strstr(get("out"), "\n     1  <1%?\n"), "the text does not call it never", "%s", get("out"));
}

/*
 * a and b are up from 2 s on. The recorder stops at 4 s and runs again from 100 s to 103 s, in which
 * time a is up, and then in another boot of another machine for 5 s.
 */
static void test_gaps(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", 1000, CAM, 40 * MIB);
	past_look(&t, 2000, "c0.0=8388608 c1.0=4194304");
	past_end(&t, 4000);
	past_head(&t, "aaaaaaaa", 100000, 1000, true);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "system.slice/a.service");
	past_look(&t, 100000, "r0=8388608 c0.0=8388608");
	past_end(&t, 103000);
	start(&t, "bbbbbbbb", 1000, CAM, 40 * MIB);
	past_look(&t, 3000, "c0.0=8388608 c1.0=5242880");
	finish(&t, 8000);
	check(answers(NOTHING, "[" FIRST ".observed_ms, " FIRST ".up_ms, (" FIRST ".pairs[] | [.together_ms, (.together_part * 1000 | round),"
		      " .most, .boot[0:8]])]", "[13000,[10000,7000],[7000,538,13631488,\"bbbbbbbb\"]]"),
	      "time without a recorder does not count, and boots add up", "%s%s", get("out"), get("err"));
	past_write(&t, "none");
}

/* No sample for 20 minutes: as for the plan's times, that is one interval. */
static void test_silence(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", 1000, CAM, 40 * MIB);
	past_look(&t, 2000, "c0.0=8388608 c1.0=4194304");
	past_look(&t, 1202000, "c1.0=0");
	finish(&t, 1203000);
	check(answers(NOTHING, "[" FIRST ".observed_ms, " FIRST ".pairs[0].together_ms]", "[3000,1000]"),
	      "a silence is a gap", "%s%s", get("out"), get("err"));
}

/* ---- slices ---- */

/* A slice has 1M beside its services a and b; d.service has a cgroup below it. */
static void test_slices(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 1000, 1000, true);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "media.slice");
	past_cgroup(&t, 1, 2, "media.slice/a.service");
	past_cgroup(&t, 2, 3, "media.slice/b.service");
	past_cgroup(&t, 3, 4, "d.service");
	past_cgroup(&t, 4, 5, "d.service/inner");
	past_look(&t, 1000, "r0=0,0,-,%llu c0.0=0 c1.0=0 c2.0=0 c3.0=0 c4.0=0", 40 * MIB);
	past_look(&t, 2000, "r0=%llu c0.0=%llu c1.0=%llu c2.0=%llu c3.0=%llu c4.0=%llu", 14 * MIB, 9 * MIB, 5 * MIB, 3 * MIB,
		  5 * MIB, 4 * MIB);
	finish(&t, 5000);
	check(answers(NOTHING, "[" FIRST ".pairs[].cgroups]",
		      "[[\"media.slice/a.service\",\"d.service/inner\"],[\"media.slice/a.service\",\"media.slice/b.service\"],"
		      "[\"d.service/inner\",\"media.slice/b.service\"]]"),
	      "no service is paired with its own ancestor", "%s%s", get("out"), get("err"));
	check(answers(NOTHING, "[" FIRST ".pairs[].most / 1048576]", "[9,8,7]"), "nor has another one's charge", "%s%s",
	      get("out"), get("err"));
}

/* ---- what fits ---- */

/* Peaks of 16M, 12M and 8M in 26M, of which 2M were used without a charge: a fits with c only. */
static void test_sum(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", 1000, VRAM, 26 * MIB);
	past_look(&t, 2000, "r0=%llu,%llu c0.0=%llu", 18 * MIB, 2 * MIB, 16 * MIB);
	past_look(&t, 3000, "r0=%llu,0 c0.0=0 c1.0=%llu c2.0=%llu", 20 * MIB, 12 * MIB, 8 * MIB);
	finish(&t, 5000);
	check(answers(NOTHING, "[" FIRST ".pairs[] | [.services[0][0:1] + .services[1][0:1], .peaks / 1048576, .fits_sum, "
		      ".placed, .fits_placed]]",
		      "[[\"ab\",28,false,null,null],[\"ac\",24,true,null,null],[\"bc\",20,true,null,null]]"),
	      "a sum that is just enough fits beside the unaccounted use", "%s%s", get("out"), get("err"));
	check(answers(MORE("--size=" VRAM "=27262975"), "[" FIRST ".pairs_in, [" FIRST ".pairs[].fits_sum]]",
		      "[27262975,[false,false,true]]"), "one byte less is not", "%s%s", get("out"), get("err"));
	check(answers(MORE("--size=" VRAM "=30M"), "[" FIRST ".pairs[].fits_sum]", "[true,true,true]"),
	      "and 2M more are enough for the largest two", "%s%s", get("out"), get("err"));
	check(answers(NOTHING, "[" FIRST ".pair_sets[] | [.services, .peaks / 1048576, .together_ms, .together]]",
		      "[[[\"a.service\",\"b.service\"],28,0,false]]"), "the set is one that never was", "%s%s", get("out"),
	      get("err"));
	check(answers(NOTHING, "[" FIRST ".pair_sets[] | del(.together, .together_ms)] == " FIRST ".conflicts_in_capacity",
		      "true"), "the sets are the plan's", "%s%s", get("out"), get("err"));
}

/*
 * In 16M, a has 6M in one buffer, b 1M + 4K and then 6M. By sum 14M are free for both. After a, b's
 * buffers end at 14M + 1M, its 6M at a multiple of 1M; before a, they end at 8M, and a's at 14M.
 */
static void write_places(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", 1000, CAM, 14 * MIB);
	past_look(&t, 2000, "r0=%llu c0.0=%llu b1=0.0,6291456", 6 * MIB, 6 * MIB);
	past_look(&t, 3000, "r0=0 c0.0=0 f1");
	past_look(&t, 4000, "r0=%llu c1.0=%llu b2=1.0,1052672", MIB + PAGE, MIB + PAGE);
	past_look(&t, 5000, "r0=%llu c1.0=%llu b3=1.0,6291456", 7 * MIB + PAGE, 7 * MIB + PAGE);
	past_look(&t, 6000, "r0=%llu c1.0=%llu f2", 6 * MIB, 6 * MIB);
	past_look(&t, 7000, "r0=0 c1.0=0 f3");
	finish(&t, 9000);
}

static void test_places(void)
{
	struct dmem_text t = { 0 };

	write_places();
	check(answers(NOTHING, FIRST ".pairs[0] | [.peaks, .placed / 1048576, .fits_sum, .fits_placed, .estimated]",
		      "[13635584,14,true,true,0]"), "the buffers of both peaks have a place", "%s%s", get("out"), get("err"));
	check(answers(NOTHING, FIRST ".all_placed", "14680064"), "as are those of all", "%s%s", get("out"), get("err"));
	check(answers(MORE("--size=" CAM "=13M"), FIRST ".pairs[0] | [.fits_sum, .fits_placed]", "[false,false]"),
	      "or their sum is too large", "%s%s", get("out"), get("err"));
	check(answers(MORE("--size=" CAM "=14335K"), FIRST ".pairs[0] | [.fits_sum, .fits_placed]", "[true,false]"),
	      "or only their sum fits", "%s%s", get("out"), get("err"));
	check(!pairs(MORE("--size=" CAM "=14335K")) && strstr(get("out"), "\n     1    -~\n") &&
	      strstr(get("out"), "\n       ~  their peaks fit in sum, but not as CMA places the buffers\n") &&
	      strstr(get("out"), "\n      1 + 2      13M      14M        -       never\n") &&
	      strstr(get("out"), "\n  All 2 can be at their peaks at once in 14335K by sum,\n"
		     "  but not as CMA places the buffers: these would end at 14M.\n"), "the text has a mark for it", "%s%s",
	      get("out"), get("err"));
	/* Another order has another end: 4K, then 1M, 5M and 1020K. */
	start(&t, "aaaaaaaa", 1000, CAM, 14 * MIB);
	past_look(&t, 2000, "r0=4096 c0.0=4096 b1=0.0,4096");
	past_look(&t, 3000, "r0=0 c0.0=0 f1");
	past_look(&t, 4000, "r0=%llu c1.0=%llu b2=1.0,1048576 b3=1.0,1044480", 2 * MIB - PAGE, 2 * MIB - PAGE);
	finish(&t, 9000);
	check(answers(NOTHING, FIRST ".pairs[0] | [.peaks, .placed]", "[2097152,3141632]"),
	      "the less favourable order counts", "%s%s", get("out"), get("err"));
}

/* b's peak between two samples is 2M larger than its buffers; 1M was used without a charge. */
static void test_rest(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", 1000, CAM, 16 * MIB);
	past_look(&t, 2000, "r0=%llu,%llu c0.0=%llu b1=0.0,6291456", 7 * MIB, MIB, 6 * MIB);
	past_look(&t, 3000, "r0=%llu,0 c1.0=%llu,%llu b2=1.0,4194304", 10 * MIB, 4 * MIB, 6 * MIB);
	finish(&t, 9000);
	check(answers(NOTHING, FIRST ".pairs[0] | [.peaks / 1048576, .placed / 1048576, .estimated / 1048576]", "[12,13,2]"),
	      "a part without buffers is placed as one", "%s%s", get("out"), get("err"));
	check(!pairs(NOTHING) && strstr(get("out"), "\n        1M  of it must stay free: the most that was used without a charge\n"),
	      "the text names the unaccounted use", "%s", get("out"));
}

/* The buffers are recorded one sample after the charge, and freed one before it ends. */
static void test_late_buffers(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", 1000, CAM, 16 * MIB);
	past_look(&t, 2000, "r0=%llu c0.0=%llu c1.0=%llu b1=1.0,1048576", 5 * MIB, 4 * MIB, MIB);
	past_look(&t, 3000, "b2=0.0,2097152");
	past_look(&t, 4000, "b3=0.0,2097152");
	past_look(&t, 5000, "b4=0.0,1048576");
	past_look(&t, 6000, "f2 f4");
	past_look(&t, 7000, "c0.0=%llu", 2 * MIB);
	finish(&t, 9000);
	check(answers(NOTHING, FIRST ".pairs[0] | [.placed / 1048576, .estimated]", "[5,0]"),
	      "of the samples with the peak, the one with most of its buffers counts", "%s%s", get("out"), get("err"));
}

/* b is recorded later than its buffer; a buffer of c belongs to a later. */
static void test_owners(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 1000, 1000, true);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "a.service");
	past_look(&t, 1000, "r0=%llu,0,-,%llu c0.0=0 b1=-.0,4194304", 4 * MIB, 40 * MIB);
	past_cgroup(&t, 1, 2, "b.service");
	past_look(&t, 5000, "r0=%llu c1.0=%llu b1=1.0,4194304 c0.0=%llu b2=0.0,2097152", 6 * MIB, 4 * MIB, 2 * MIB);
	finish(&t, 9000);
	check(answers(NOTHING, "[" FIRST ".up_ms, " FIRST ".pairs[0].together_ms, " FIRST ".pairs[0].placed / 1048576]",
		      "[[8000,4000],4000,6]"), "a buffer belongs to its service from the start", "%s%s", get("out"), get("err"));
}

/* Without records of buffers, nothing is placed. */
static void test_unknown_buffers(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 1000, 1000, false);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "a.service");
	past_cgroup(&t, 1, 2, "b.service");
	past_look(&t, 1000, "r0=0,0,-,%llu c0.0=4096 c1.0=4096", 40 * MIB);
	finish(&t, 9000);
	check(answers(NOTHING, FIRST ".pairs[0] | [.fits_sum, .placed, .fits_placed, .estimated]", "[true,null,null,null]") &&
	      answers(NOTHING, FIRST ".all_placed", "null"), "sums are compared without buffers", "%s%s", get("out"), get("err"));
	check(!pairs(NOTHING) && strstr(get("out"), "\n     1 100%?\n") &&
	      strstr(get("out"), "\n       ?  their peaks fit in sum; buffers are not recorded\n") &&
	      strstr(get("out"), "by sum; buffers are not recorded.\n"), "and the text says so", "%s", get("out"));
}

/* ---- alike services ---- */

/*
 * Six services with 8M in 24M, of which three are up at once: three fit by sum. Each has a buffer of
 * 4K and one of 8M less 4K, which starts at a multiple of 1M: two have places.
 */
static void write_alike(void)
{
	struct dmem_text t = { 0 };
	char path[64];

	past_head(&t, "aaaaaaaa", 1000, 1000, true);
	past_region(&t, 0, CAM);
	for (unsigned int i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "enc@%u.service", i);
		past_cgroup(&t, i, 1 + i, path);
	}
	past_look(&t, 1000, "r0=0,0,-,%llu c0.0=0 c1.0=0 c2.0=0 c3.0=0 c4.0=0 c5.0=0", 24 * MIB);
	past_look(&t, 2000, "c0.0=8388608 b1=0.0,4096 b2=0.0,8384512");
	past_look(&t, 3000, "c1.0=8388608 b3=1.0,4096 b4=1.0,8384512");
	past_look(&t, 4000, "c2.0=8388608 b5=2.0,4096 b6=2.0,8384512");
	past_look(&t, 5000, "c0.0=0 c1.0=0 c2.0=0 f1 f2 f3 f4 f5 f6 c3.0=8388608 b7=3.0,4096 b8=3.0,8384512");
	past_look(&t, 6000, "c3.0=0 f7 f8 c4.0=8388608 b9=4.0,4096 b10=4.0,8384512");
	past_look(&t, 7000, "c4.0=0 f9 f10 c5.0=8388608 b11=5.0,4096 b12=5.0,8384512");
	finish(&t, 9000);
}

static void test_alike(void)
{
	write_alike();
	check(answers(NOTHING, "[" FIRST ".pair_groups[] | [(.services | length), .peak / 1048576, .fits_sum, .fits_placed, "
		      ".together]]", "[[6,8,3,2,3]]"), "of alike services, a number fits", "%s%s", get("out"), get("err"));
	check(answers(NOTHING, "[" FIRST ".pair_sets[] | [(.services | length), (.any[0].of | length)]]", "[[4,6]]"),
	      "one more of them is the set that does not", "%s%s", get("out"), get("err"));
	check(answers(NOTHING, "[" FIRST ".pairs | length, ([.[].placed] | unique)]", "[15,[17821696]]"),
	      "their pairs have the same places", "%s%s", get("out"), get("err"));
	check(!pairs(NOTHING) && strstr(get("out"), "\n  Of services with equal peaks, these fit at once:\n"
			"         24M  any 3 of enc@0.service, enc@1.service, enc@2.service,\n"
			"              enc@3.service and 2 more (as CMA places them: 2; up: at most 3)\n"), "the text has both numbers", "%s", get("out"));
}

/* ---- sets ---- */

/* a, b and c with 4M each in 10M, and d with 3M: two of a, b and c with d, or all three. */
static void test_sets(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 1000, 1000, false);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "a.service");
	past_cgroup(&t, 1, 2, "b.service");
	past_cgroup(&t, 2, 3, "c.service");
	past_cgroup(&t, 3, 4, "d.service");
	past_look(&t, 1000, "r0=0,0,-,%llu c0.0=4194304 c1.0=0 c2.0=0 c3.0=0", 10 * MIB);
	past_look(&t, 2000, "c1.0=4096 c3.0=3145728");
	past_look(&t, 3000, "c0.0=0 c2.0=4194304");
	past_look(&t, 5000, "c3.0=0 c0.0=4096 c1.0=0");
	past_look(&t, 6000, "c1.0=4194304 c2.0=0 c3.0=4096");
	past_look(&t, 6500, "c1.0=0");
	finish(&t, 9000);
	/* a b d, b c d for 2 s, a c, a b d for 0.5 s, a d: never a b c. */
	check(answers(NOTHING, "[" FIRST ".pair_sets[] | [(.services | length), (.any | map(.count)), .together_ms, .together]]",
		      "[[3,[3],0,false],[3,[2,1],3500,true]]"), "a set was up while enough of each of its groups were",
	      "%s%s", get("out"), get("err"));
	check(!pairs(NOTHING) && strstr(get("out"), "         12M  a.service + b.service + c.service (never up)\n"
			"         11M  any 2 of a.service, b.service, c.service + d.service (up: 3.5s)\n"
			"    In sum, any 2 of the 4 services fit, and no more than 2.\n"), "the text has the times", "%s", get("out"));
}

/* ---- regions ---- */

static void test_regions(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 1000, 1000, true);
	past_region(&t, 0, CAM);
	past_region(&t, 1, OTHER);
	past_region(&t, 2, VRAM);
	past_cgroup(&t, 0, 1, "a.service");
	past_cgroup(&t, 1, 2, "b.service");
	past_look(&t, 1000, "r0=0,0,-,%llu r1=0,0,-,%llu c0.0=4096 c1.0=0 c0.1=0 c1.1=0 c0.2=4096 c1.2=4096", 40 * MIB, 8 * MIB);
	past_look(&t, 2000, "c0.0=0 c1.1=4096 c0.1=4096");
	finish(&t, 3000);
	check(answers(NOTHING, "[.regions[] | [.region, .pairs_in, (.pairs | length)]]",
		      "[[\"" CAM "\",41943040,0],[\"" OTHER "\",8388608,1],[\"" VRAM "\",null,0]]"),
	      "only services of one region are paired", "%s%s", get("out"), get("err"));
	check(answers(NOTHING, "[.regions[] | .pairs == null]", "[false,false,true]"), "a region without a capacity has none",
	      "%s%s", get("out"), get("err"));
	check(!pairs(NOTHING) && strstr(get("out"), "\n" CAM ": no pairs: fewer than two services were charged\n") &&
	      strstr(get("out"), "\n" VRAM ": no pairs: its capacity is not known, use --size\n"), "the text has the reasons",
	      "%s%s", get("out"), get("err"));
	check(answers(MORE("--size=" VRAM "=5000"), "[.regions[2] | .pairs_in, .pairs[0].fits_sum]", "[5000,false]"),
	      "unless it is given", "%s%s", get("out"), get("err"));
	check(!pairs(MORE("--size=" OTHER "=4K")) && strstr(get("out"), "\n" OTHER ": 2 services in 4K (--size)\n"),
	      "the text names a size that is given", "%s%s", get("out"), get("err"));
}

/* A changed load: a's buffers are twice as large, and npu runs with b. */
static void test_changes(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", 1000, CAM, 20 * MIB);
	past_look(&t, 2000, "c0.0=6291456 b1=0.0,6291456");
	past_look(&t, 3000, "c1.0=4194304 b2=1.0,4194304");
	past_look(&t, 5000, "c0.0=0 f1");
	finish(&t, 9000);
	check(answers(MORE("--scale=a=2", "--add=npu:" CAM "=2x3M:with=b"), "[" FIRST ".pairs[] | "
		      "[.services[0][0:1] + .services[1][0:1], .peaks / 1048576, .placed / 1048576, .together_ms, .most / 1048576]]",
		      "[[\"an\",18,18,2000,18],[\"ab\",16,16,2000,16],[\"nb\",10,10,6000,10]]"),
	      "pairs are those of the changed load", "%s%s", get("out"), get("err"));
	check(!pairs(MORE("--without=b", "--add=npu:" CAM "=1x1M")) && !strstr(get("out"), "b.service\n") &&
	      strstr(get("out"), "\nThe load was changed, these are not the recorded figures: --without=b --add=npu:" CAM "=1x1M\n"),
	      "and the text has the changes", "%s%s", get("out"), get("err"));
}

/* ---- the text ---- */

/* Characters in the longest line. */
static size_t width(const char *s)
{
	size_t most = 0, now = 0;

	for (; *s; s++) {
		now = *s == '\n' ? 0 : now + ((*s & 0xc0) != 0x80);
		most = now > most ? now : most;
	}
	return most;
}

/* Services with 1M more each, and long names with letters of two bytes. All up at once. */
static void write_many(unsigned int n)
{
	static char line[1 << 16];
	struct dmem_text t = { 0 };
	char path[160];
	int at = 0;

	past_head(&t, "aaaaaaaa", 1000, 1000, true);
	past_region(&t, 0, CAM);
	for (unsigned int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "docker-0123456789abcdef0123456789\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
			 "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4%04u.scope", i);
		past_cgroup(&t, i, 1 + i, path);
		at += snprintf(line + at, sizeof(line) - (size_t)at, " c%u.0=%llu b%u=%u.0,4096", i, (i + 1) * MIB, i + 1, i);
	}
	past_look(&t, 1000, "r0=0,0,-,%llu%s", 20 * MIB, line);
	finish(&t, 9000);
}

static void test_text(void)
{
	write_many(14);
	check(!pairs(NOTHING) && strstr(get("out"), "1 history of 1 boot: 8s, 1 sample, one every 1s.\n\n"
					CAM ": 14 services in 20M\n\n") == strstr(get("out"), "1"), "the first line is the plan's", "%s%s", get("out"),
	      get("err"));
	check(strstr(get("out"), "\n          2     3     4     5     6     7     8     9    10    11    12\n"
		     "     1 100%! 100%! 100%! 100%! 100%! 100%! 100%! 100%~ 100%  100%  100%\n"
		     "     2       100%!") &&
	      strstr(get("out"), "\n    11                                                             100%"),
	      "a matrix has the pairs of the largest", "%s", get("out"));
	check(strstr(get("out"), "\n       and 2 more: see --json\n") && strstr(get("out"), "\n    and "),
	      "further services and pairs are counted", "%s", get("out"));
	check(width(get("out")) <= 80, "no line is longer than 80 columns", "%zu: %s", width(get("out")), get("out"));
	check(strstr(get("out"), "docker-0123456789abcdef01234..") != NULL && !strstr(get("out"), "\xa4\xa4") &&
	      !strstr(get("out"), " \n"), "a long name has dots in it, and whole letters", "%s", get("out"));
	check(strstr(get("out"), "0013.scope\n              + docker-0123"), "a plus is not lost at the end of a line", "%s",
	      get("out"));
	check(!strstr(get("out"), "planned") && !strstr(get("out"), "headroom"), "and there is no plan", "%s", get("out"));
	check(answers(NOTHING, "[" FIRST ".pairs | length, (.[0] | .peaks / 1048576), (map(select(.placed)) | length)]",
		      "[91,27,91]"), "JSON has all of them", "%s", get("err"));
}

/* More services than have pairs. */
static void test_many(void)
{
	write_many(PAIRS_SERVICES + 3);
	check(answers(NOTHING, FIRST " | [.pairs_left_out, (.pairs | length), (.up_ms | length), (.services | length)]",
		      "[3,130816,512,515]"), "services with small peaks are left out", "%s", get("err"));
	check(!pairs(NOTHING) && strstr(get("out"), ": 515 services in 20M\n") &&
	      strstr(get("out"), "\n       and 503 more: see --json\n"), "and counted", "%s", get("err"));
}

/* ---- options ---- */

static void test_options(void)
{
	write_places();
	check(pairs(MORE("--by=machine")) == 2 && strstr(get("err"), "--by compares machines: it cannot be used with --pairs"),
	      "machines have no pairs", "%s", get("err"));
	check(pairs(MORE("--svg=-")) == 2 && strstr(get("err"), "--pairs prints to standard output: write --svg, --dts and --alerts to files"),
	      "one output is printed", "%s", get("err"));
	check(pairs(MORE("--pairs=yes")) == 2, "it has no value", "%s", get("err"));
}

static void test_plan_unchanged(void)
{
	const char *text[] = { dmemctl, "plan", NULL, NULL };
	const char *json[] = { dmemctl, "plan", "--json", NULL, NULL };

	write_places();
	text[2] = tap_path("h");
	check(!run(text) && !strstr(get("out"), "Up together"), "a plan has no pairs", "%s", get("out"));
	json[3] = tap_path("h");
	check(!run(json) && !strstr(get("out"), "pair"), "nor has its JSON", "%s", get("out"));
}

static void test_manual(const char *path)
{
	FILE *f = fopen(path, "r");
	static char text[100000];
	static const char * const keys[] = {
		"*--pairs*", "_pairs_", "_pairs_in_", "_pairs_left_out_", "_up_ms_", "_all_placed_", "_pair_sets_",
		"_pair_groups_", "_peaks_", "_fits_sum_", "_placed_", "_fits_placed_", "_estimated_", "_together_ms_",
		"_together_part_", "_most_", "_most_time_", "# PAIRS",
	};
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		char name[80];

		snprintf(name, sizeof(name), "the manual has %s", keys[i]);
		check(strstr(text, keys[i]) != NULL, name, "%zu bytes", n);
	}
}

/* ---- random histories against a table of all samples ---- */

#define SERVICES	7
#define SAMPLES		60
#define BOOTS		3
#define LIVES		12

struct buffer {
	uint64_t ino, size;
	unsigned int order;
};

/* One service in the current sample. */
struct state {
	uint64_t own;
	struct buffer buffer[LIVES];
	size_t n;
};

struct moment {
	size_t boot;
	uint64_t t, dt;
	uint64_t own[SERVICES];
};

/* All samples of all boots, and the buffers at the largest charge. */
struct past {
	uint64_t random;
	struct dmem_text text;
	struct moment moment[BOOTS * SAMPLES];
	size_t n;
	struct state most[SERVICES];
	uint64_t peak[SERVICES];
	uint64_t unaccounted, capacity;
	uint64_t ino;
};

static uint64_t pick(struct past *p, uint64_t n)
{
	p->random = p->random * 6364136223846793005u + 1442695040888963407u;
	return (p->random >> 33) % n;
}

static uint64_t pick_size(struct past *p)
{
	static const uint64_t pages[] = { 1, 75, 256, 257, 300, 512, 760 };

	return pages[pick(p, sizeof(pages) / sizeof(*pages))] * PAGE;
}

/* Frees or allocates some buffers, or all, of a service. */
static void change(struct past *p, struct state *s, unsigned int i, char *line, int *at)
{
	bool rare = i % 2 == 0;
	size_t frees = pick(p, 3) && !rare ? pick(p, 3) : s->n, allocs = pick(p, 3);

	if (!s->n && rare && pick(p, 8))
		return;

	for (; frees && s->n; frees--) {
		size_t k = pick(p, s->n);

		*at += sprintf(line + *at, " f%llu", (ull)s->buffer[k].ino);
		s->own -= s->buffer[k].size;
		memmove(s->buffer + k, s->buffer + k + 1, (s->n - k - 1) * sizeof(*s->buffer));
		s->n--;
	}
	for (; allocs && s->n < LIVES; allocs--) {
		struct buffer b = { ++p->ino, pick_size(p), 0 };

		*at += sprintf(line + *at, " b%llu=%u.0,%llu", (ull)b.ino, i, (ull)b.size);
		s->own += b.size;
		s->buffer[s->n++] = b;
	}
	*at += sprintf(line + *at, " c%u.0=%llu", i, (ull)s->own);
	/* Sometimes the kernel's counter has seen more. */
	if (pick(p, 6))
		return;
	p->peak[i] = p->peak[i] > s->own + PAGE ? p->peak[i] : s->own + PAGE;
	*at += sprintf(line + *at, ",%llu", (ull)(s->own + PAGE));
}

static void note(struct past *p, size_t boot, uint64_t t, const struct state *s)
{
	struct moment *m = &p->moment[p->n++];

	*m = (struct moment){ .boot = boot, .t = t };
	for (size_t i = 0; i < SERVICES; i++) {
		m->own[i] = s[i].own;
		p->peak[i] = p->peak[i] > s[i].own ? p->peak[i] : s[i].own;
		if (s[i].own > p->most[i].own)
			p->most[i] = s[i];
	}
}

/* The first sample of a segment has all that exists. A slice has a page more than its services. */
static void write_segment(struct past *p, size_t boot, uint64_t t, const struct state *s)
{
	char name[64], line[16384];
	uint64_t sum = 0;
	int at = 0;

	snprintf(name, sizeof(name), "%08zu", boot);
	past_head(&p->text, name, t, 1000, true);
	past_region(&p->text, 0, CAM);
	past_region(&p->text, 1, OTHER);
	for (unsigned int i = 0; i < SERVICES; i++) {
		snprintf(name, sizeof(name), "media.slice/s%u.service", i);
		past_cgroup(&p->text, i, 10 + i, name);
		at += sprintf(line + at, " c%u.0=%llu c%u.1=%u", i, (ull)s[i].own, i, 4096 * (i % 3));
		for (size_t k = 0; k < s[i].n; k++)
			at += sprintf(line + at, " b%llu=%u.0,%llu", (ull)s[i].buffer[k].ino, i, (ull)s[i].buffer[k].size);
		sum += s[i].own;
	}
	past_cgroup(&p->text, SERVICES, 99, "media.slice");
	past_look(&p->text, t, "r0=%llu,%llu,-,%llu r1=0,0,-,%llu%s c%u.0=%llu", (ull)(sum + PAGE), (ull)p->unaccounted,
		  (ull)p->capacity, 64 * MIB, line, SERVICES, (ull)(sum + PAGE));
	note(p, boot, t, s);
}

static void write_boot(struct past *p, size_t boot)
{
	struct state s[SERVICES] = { 0 };
	uint64_t t = 1000 + pick(p, 5) * 1000;

	write_segment(p, boot, t, s);
	for (size_t n = 1; n < SAMPLES; n++) {
		char line[16384] = "";
		int at = 0;

		if (!pick(p, 12)) {
			uint64_t dt = pick(p, 3000);

			past_end(&p->text, t + dt);
			p->moment[p->n - 1].dt = dt;
			t += dt + 5000 + pick(p, 200000);
			write_segment(p, boot, t, s);
			continue;
		}
		p->moment[p->n - 1].dt = 1 + pick(p, 4000);
		t += p->moment[p->n - 1].dt;
		for (unsigned int i = 0; i < SERVICES; i++) {
			if (!pick(p, 4))
				change(p, &s[i], i, line, &at);
		}
		past_look(&p->text, t, "%s", at ? line + 1 : "");
		note(p, boot, t, s);
	}
	p->moment[p->n - 1].dt = pick(p, 2) * 1500;
	past_end(&p->text, t + p->moment[p->n - 1].dt);
}

static void make_past(struct past *p, uint64_t seed)
{
	*p = (struct past){ .random = seed };
	pick(p, 1);
	p->unaccounted = pick(p, 3) * 3 * PAGE;
	p->capacity = (4 + pick(p, 16)) * MIB;
	for (size_t b = 0; b < BOOTS; b++)
		write_boot(p, b);
}

/* ---- the answer from the table ---- */

static void count_pair(const struct past *p, size_t a, size_t b, struct pairs_pair *want)
{
	*want = (struct pairs_pair){ 0 };
	for (size_t i = 0; i < p->n; i++) {
		const struct moment *m = &p->moment[i];

		if (!m->own[a] || !m->own[b])
			continue;
		want->time += m->dt;
		if (m->own[a] + m->own[b] <= want->most)
			continue;
		want->most = m->own[a] + m->own[b];
		want->when = m->t;
		want->boot = m->boot;
	}
}

#define BITS	40000

/* Places a buffer at the first free multiple of its alignment. */
static void set_bits(bool *set, uint64_t bytes, uint64_t *end)
{
	uint64_t pages = (bytes + PAGE - 1) / PAGE, align = 1, start = 0, k = 0;

	while (align < pages && align < 1 << ORDER)
		align *= 2;
	for (; pages && start + pages <= BITS; start += align) {
		for (k = 0; k < pages && !set[start + k]; k++)
			;
		if (k == pages)
			break;
	}
	/* The load is smaller than the table, unless the history is wrong. */
	if (!pages || start + pages > BITS)
		return;
	memset(set + start, 1, pages);
	*end = start + pages > *end ? start + pages : *end;
}

static void set_service(const struct past *p, bool *set, size_t i, uint64_t *end)
{
	const struct state *s = &p->most[i];

	for (size_t k = 0; k < s->n; k++)
		set_bits(set, s->buffer[k].size, end);
	set_bits(set, p->peak[i] - s->own, end);
}

static uint64_t place(const struct past *p, size_t a, size_t b)
{
	static bool set[BITS];
	uint64_t end[2] = { 0 };

	/* Only the kernel's peak is known. */
	if (!p->most[a].own || !p->most[b].own)
		return DMEM_UNKNOWN;
	for (int order = 0; order < 2; order++) {
		memset(set, 0, sizeof(set));
		set_bits(set, p->unaccounted, &end[order]);
		set_service(p, set, order ? b : a, &end[order]);
		set_service(p, set, order ? a : b, &end[order]);
	}
	return (end[0] > end[1] ? end[0] : end[1]) * PAGE;
}

/* ---- comparing ---- */

struct found {
	struct model m;
	struct needs n;
	struct pairs p;
	size_t number[SERVICES];	/* of the service of each index */
};

static bool find(struct found *f, struct past *p)
{
	const struct needs_options o = { .quantile = 1, .block = DMEM_UNKNOWN, .align_order = ORDER };
	uint64_t length = p->text.len;
	bool ok;

	*f = (struct found){ .m = { .in = { past_read, &p->text } } };
	ok = !model_add(&f->m, 0, 0, &length) && !model_sort(&f->m) && !needs_find(&f->n, &f->m, &o) &&
	     !pairs_find(&f->p, &f->m, &f->n, &o, SIZE_MAX) && f->n.n && f->n.region[0].n <= SERVICES;
	for (size_t i = 0; ok && i < f->n.region[0].n; i++)
		f->number[i] = (size_t)(model_name(&f->m, f->n.region[0].service[i].service)[1] - '0');
	return ok;
}

static void end_found(struct found *f)
{
	pairs_free(&f->p);
	needs_free(&f->n);
	model_free(&f->m);
}

/* What the random histories have tried. */
struct tried {
	size_t pairs, never, sums, places, sets, seen, groups;
};

static size_t compare_pairs(const struct past *p, const struct found *f, struct tried *tried)
{
	const struct needs_region *g = &f->n.region[0];
	size_t wrong = g->pairs->size != p->capacity || g->unaccounted != p->unaccounted, n = 0;

	for (size_t i = 0; i < SERVICES; i++)
		n += p->peak[i] > 0;
	wrong += n != g->pairs->n;
	for (size_t b = 1; b < n && !wrong; b++) {
		for (size_t a = 0; a < b; a++) {
			const struct pairs_pair *got = pairs_of(g->pairs, b, a);
			size_t x = f->number[a], y = f->number[b];
			struct pairs_pair want;

			count_pair(p, x, y, &want);
			want.placed = place(p, x, y);
			wrong += got->time != want.time || got->most != want.most || got->when != want.when ||
				 got->boot != want.boot || got->placed != want.placed;
			wrong += pairs_peaks(g, a, b) != p->peak[x] + p->peak[y];
			wrong += pairs_fit(g, pairs_peaks(g, a, b)) !=
				 (p->peak[x] + p->peak[y] + p->unaccounted <= p->capacity);
			tried->pairs++;
			tried->never += !want.most;
			tried->sums += pairs_fit(g, pairs_peaks(g, a, b));
			tried->places += want.placed <= p->capacity;
		}
	}
	return wrong;
}

/* Enough services of each part are up. */
static bool is_up(const struct moment *m, const struct found *f, const struct needs_conflict *c)
{
	for (size_t k = 0; k < c->n; k++) {
		size_t up = 0;

		for (size_t i = 0; i < c->part[k].n; i++)
			up += m->own[f->number[c->part[k].first + i]] > 0;
		if (up < c->part[k].count)
			return false;
	}
	return true;
}

static size_t compare_sets(const struct past *p, const struct found *f, struct tried *tried)
{
	const struct pairs_region *r = f->n.region[0].pairs;
	size_t wrong = 0;

	for (size_t k = 0; k < r->sets.n; k++) {
		uint64_t time = 0;
		bool seen = false;

		for (size_t i = 0; i < p->n; i++) {
			if (!is_up(&p->moment[i], f, &r->sets.conflict[k]))
				continue;
			seen = true;
			time += p->moment[i].dt;
		}
		wrong += r->set[k].time != time || r->set[k].seen != seen;
		tried->sets++;
		tried->seen += seen;
	}
	return wrong;
}

/* A group is one of the plan's conflicts if and only if not all of it fit. */
static size_t compare_groups(const struct past *p, const struct found *f, struct tried *tried)
{
	const struct needs_region *g = &f->n.region[0];
	size_t wrong = 0;

	for (size_t k = 0; k < g->pairs->n_groups; k++) {
		const struct pairs_group *h = &g->pairs->group[k];
		size_t most = 0, alone = 0;

		for (size_t i = 0; i < p->n; i++) {
			size_t up = 0;

			for (size_t s = 0; s < h->n; s++)
				up += p->moment[i].own[f->number[h->first + s]] > 0;
			most = up > most ? up : most;
		}
		for (size_t i = 0; i < g->pairs->sets.n; i++) {
			const struct needs_conflict *c = &g->pairs->sets.conflict[i];

			if (c->n == 1 && c->part->first == h->first)
				alone = c->part->count;
		}
		wrong += h->most != most || (!g->pairs->sets.more && alone != (h->fit < h->n ? h->fit + 1 : 0));
		tried->groups++;
	}
	return wrong;
}

static void test_random(void)
{
	static struct past p;
	struct tried tried = { 0 };
	size_t wrong[4] = { 0 };

	for (uint64_t seed = 1; seed <= 120; seed++) {
		struct found f;

		make_past(&p, seed);
		if (!find(&f, &p)) {
			wrong[0]++;
		} else {
			wrong[1] += compare_pairs(&p, &f, &tried) > 0;
			wrong[2] += compare_sets(&p, &f, &tried) > 0;
			wrong[3] += compare_groups(&p, &f, &tried) > 0;
		}
		end_found(&f);
		dmem_text_free(&p.text);
	}
	check(!wrong[0] && !wrong[1], "times, charges and places of pairs are those of the table", "%zu, %zu", wrong[0],
	      wrong[1]);
	check(!wrong[2], "times of sets are those of the table", "%zu", wrong[2]);
	check(!wrong[3], "groups are those of the table", "%zu", wrong[3]);
	check(tried.pairs > 2000 && tried.sums > 200 && tried.places > 200 && tried.places + 50 < tried.sums &&
	      tried.sums + 200 < tried.pairs && tried.sets > 200 && tried.seen > 50 && tried.seen + 50 < tried.sets,
	      "and of all kinds", "%zu pairs, %zu never, %zu fit, %zu have places, %zu sets, %zu seen, %zu groups", tried.pairs,
	      tried.never, tried.sums, tried.places, tried.sets, tried.seen, tried.groups);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: test_pairs DMEMCTL DIR JQ dmemctl-plan.8.scd\n");
		return 2;
	}
	dmemctl = argv[1];
	jq = argv[3];
	tap_start();
	tap_dir(argv[2]);
	RUN(test_times);
	RUN(test_moment);
	RUN(test_gaps);
	RUN(test_silence);
	RUN(test_slices);
	RUN(test_sum);
	RUN(test_places);
	RUN(test_rest);
	RUN(test_late_buffers);
	RUN(test_owners);
	RUN(test_unknown_buffers);
	RUN(test_alike);
	RUN(test_sets);
	RUN(test_regions);
	RUN(test_changes);
	RUN(test_text);
	RUN(test_many);
	RUN(test_options);
	RUN(test_plan_unchanged);
	RUN(test_manual, argv[4]);
	RUN(test_random);
	tap_dir(argv[2]);
	return tap_end();
}
