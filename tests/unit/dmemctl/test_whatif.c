// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "dmemctl plan" with changes: histories whose answer can be calculated by hand, and random loads
 * compared with a bitmap.
 *
 * test_whatif DMEMCTL DIR dmemctl-plan.8.scd
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dmemctl/plan/firstfit.h"
#include "dmemctl/plan/needs.h"
#include "dmemctl/plan/whatif.h"
#include "load.h"
#include "past.h"
#include "tap.h"

#define KIB		1024ull
#define MIB		(1024 * KIB)
#define PAGE		4096ull
#define CAM		"cma/camera@64000000"
#define VRAM		"drm/0000:03:00.0/vram0"
#define A		"system.slice/a.service"
#define B		"system.slice/b.service"
#define C		"system.slice/c.service"
#define ORDER		8
#define BUDGET		3000
#define BITS		10000

typedef unsigned long long ull;

static const char *dmemctl;

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

/* The number that follows @key, after the first @from and then the first @after. */
static ull number(const char *from, const char *after, const char *key)
{
	const char *at = strstr(get("out"), from);
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = at ? strstr(at, after) : NULL;
	at = at ? strstr(at, quoted) : NULL;
	return at ? strtoull(at + strlen(quoted), NULL, 10) : 0xdeadbeef;
}

/* A number of the region. */
static ull of_region(const char *region, const char *key)
{
	char quoted[200];

	snprintf(quoted, sizeof(quoted), "\"region\":\"%s\"", region);
	return number("\"regions\"", quoted, key);
}

/* A number of the first trial. */
static ull of_trial(const char *key)
{
	return number("\"regions\"", "\"trial\":{", key);
}

/* A number of a service in the trial. */
static ull of_refused(const char *service, const char *key)
{
	const char *at = strstr(get("out"), "\"trial\":{");
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"service\":\"%s\"", service);
	at = at ? strstr(at, quoted) : NULL;
	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = at ? strstr(at, quoted) : NULL;
	return at ? strtoull(at + strlen(quoted), NULL, 10) : 0xdeadbeef;
}

static void start(struct dmem_text *t, const char *boot, const char *region, bool buffers)
{
	past_head(t, boot, 1000, 1000, buffers);
	past_region(t, 0, region);
	past_cgroup(t, 0, 1, A);
	past_cgroup(t, 1, 2, B);
	past_cgroup(t, 2, 3, C);
	past_look(t, 1000, "r0=0,0,-,%llu c0.0=0 c1.0=0 c2.0=0", 40 * MIB);
}

static void finish(struct dmem_text *t, uint64_t mono)
{
	past_end(t, mono);
	past_write(t, "h");
}

/* Runs a trial in an area of @size bytes, and compares the number of refused requests. */
static bool refuses(const char *region, ull size, ull n, ull least)
{
	char option[128];

	snprintf(option, sizeof(option), "--size=%s=%llu", region, size);
	return !plan(MORE("--json", option)) && of_trial("size") == size && of_trial("refused") == n &&
	       of_trial("refused_least") == least;
}

/* ---- the area with an end ---- */

/* 100 pages. 60 are used; 60 more are refused, and freeing these has no effect on the others. */
static void test_refused_buffer(void)
{
	struct firstfit f = { .align_order = ORDER, .ends = true, .size = 100 };

	check(!firstfit_alloc(&f, 1, 1, 60) && firstfit_alloc(&f, 1, 2, 60) == 1, "a buffer without a place is refused",
	      "%zu buffers", f.n);
	check(f.n == 1 && f.pages == 60 && f.high == 60 && firstfit_largest(&f, 100) == 40,
	      "the refused buffer takes no pages", "%zu buffers, %llu pages", f.n, (ull)f.pages);
	check(firstfit_has(&f, 1, 2) && !firstfit_free(&f, 1, 2) && f.n == 1 && f.pages == 60 &&
	      firstfit_free(&f, 1, 2) == -ENOENT, "its free changes nothing", "%zu buffers, %llu pages", f.n,
	      (ull)f.pages);
	/* 33 pages start at a multiple of 64, as 32 pages can. */
	check(firstfit_alloc(&f, 1, 3, 37) == 1 && !firstfit_alloc(&f, 1, 4, 36), "the last page can be used, and no more",
	      "%llu", (ull)f.high);
	check(f.high == 100, "the end is the end of the area", "%llu", (ull)f.high);
	firstfit_end(&f);
}

/* The newest of the owner's buffers are given back: here the refused one. */
static void test_refused_pages(void)
{
	struct firstfit f = { .align_order = ORDER, .ends = true, .size = 16 };

	firstfit_alloc(&f, 1, 1, 8);
	check(firstfit_alloc(&f, 1, 2, 16) == 1 && !firstfit_give_back(&f, 1, 6) && f.pages == 8 && f.n == 1,
	      "a part of refused pages is given back", "%llu pages", (ull)f.pages);
	check(!firstfit_give_back(&f, 1, 10) && f.pages == 8 && f.n == 1, "and then the rest of them", "%llu pages",
	      (ull)f.pages);
	check(!firstfit_give_back(&f, 1, 3) && f.pages == 5, "before those that exist", "%llu pages", (ull)f.pages);
	firstfit_alloc(&f, 1, 3, 16);
	check(!firstfit_rename(&f, 1, 16, 2, 7) && firstfit_has(&f, 2, 7) && !firstfit_free(&f, 2, 7) && f.pages == 5,
	      "refused pages that become a buffer are none", "%llu pages", (ull)f.pages);
	firstfit_end(&f);
}

/* No contiguous memory: 60 and 40 of 100 bytes, then one more. */
static void test_scattered(void)
{
	struct firstfit f = { .ends = true, .scattered = true, .size = 100 };

	check(!firstfit_alloc(&f, 1, 1, 60) && !firstfit_alloc(&f, 2, 1, 40) && firstfit_alloc(&f, 2, 2, 1) == 1 &&
	      f.pages == 100, "the sum is limited", "%llu", (ull)f.pages);
	check(!firstfit_give_back(&f, 1, 30) && !firstfit_alloc(&f, 2, 3, 30) && f.pages == 100 && !firstfit_from(&f, 0),
	      "and parts of it have no places", "%llu", (ull)f.pages);
	check(firstfit_alloc(&f, 3, 1, UINT64_MAX) == 1, "without an overflow", "%llu", (ull)f.pages);
	firstfit_end(&f);
}

/* ---- histories whose answer can be calculated by hand ---- */

/*
 * Of 20M, a has four times 4M from the start on, and frees the first and the third. 12M are free,
 * in runs of 4M, so b's 8M are refused. Where they were not, they end at 24M.
 */
static void write_fragments(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", CAM, true);
	past_look(&t, 2000, "r0=%llu c0.0=%llu b1=0.0,4194304 b2=0.0,4194304 b3=0.0,4194304 b4=0.0,4194304", 16 * MIB,
		  16 * MIB);
	past_look(&t, 3000, "r0=%llu c0.0=%llu f1 f3", 8 * MIB, 8 * MIB);
	past_look(&t, 4000, "r0=%llu c1.0=%llu b5=1.0,8388608", 16 * MIB, 8 * MIB);
	past_look(&t, 5000, "r0=%llu c1.0=0 f5", 8 * MIB);
	past_look(&t, 6000, "r0=%llu c2.0=%llu b6=2.0,4194304", 12 * MIB, 4 * MIB);
	finish(&t, 7000);
}

static void test_fragments(void)
{
	write_fragments();
	check(refuses(CAM, 20 * MIB, 1, 1), "a sum that fits is refused without a run", "%s%s", get("out"), get("err"));
	check(of_refused("b.service", "refused") == 1 && of_refused("b.service", "asked") == 8 * MIB &&
	      of_refused("b.service", "largest_run") == 4 * MIB && of_refused("b.service", "free") == 12 * MIB,
	      "the request, the run and the free memory are those of the moment", "%s", get("out"));
	check(of_refused("b.service", "first_time") == PAST_WALL + 4000, "and the time is that of the wall clock", "%s",
	      get("out"));
	check(of_trial("smallest") == 24 * MIB && of_region(CAM, "placed") == 24 * MIB,
	      "the smallest size is that of the placement", "%s", get("out"));
	check(refuses(CAM, 24 * MIB, 0, 0), "which refuses nothing", "%s", get("out"));
	/* b's 8M do not exist, and c's 4M go to where a freed. 16M are full with a alone. */
	check(refuses(CAM, 16 * MIB, 1, 1), "a smaller one refuses no more", "%s", get("out"));
	/* The fourth buffer of a is refused, so one of 8M finds no run either. Its free is ignored. */
	check(refuses(CAM, 12 * MIB, 2, 2) && of_refused("a.service", "refused") == 1 &&
	      of_refused("a.service", "largest_run") == 0, "each service has its own count", "%s", get("out"));
}

/* 1020K are free below 1M, but a buffer of 1020K starts at a multiple of 1M. */
static void test_alignment(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", CAM, true);
	past_look(&t, 2000, "r0=4096 c0.0=4096 b1=0.0,4096");
	past_look(&t, 3000, "r0=%llu c0.0=%llu b2=0.0,1048576", MIB + PAGE, MIB + PAGE);
	past_look(&t, 4000, "r0=%llu c1.0=%llu b3=1.0,1044480", 2 * MIB, MIB - PAGE);
	finish(&t, 5000);
	check(refuses(CAM, 2 * MIB, 1, 1) && of_refused("b.service", "asked") == 1020 * KIB &&
	      of_refused("b.service", "largest_run") == 1020 * KIB, "a run at no multiple of the alignment is not used",
	      "%s%s", get("out"), get("err"));
	check(refuses(CAM, 3 * MIB - PAGE, 0, 0) && refuses(CAM, 3 * MIB - 2 * PAGE, 1, 1),
	      "the last page of the area is used", "%s", get("out"));
	check(!plan(MORE("--size=" CAM "=2M")) && strstr(get("out"), "no free part at a multiple of up to 1M"),
	      "the text explains the run", "%s", get("out"));
}

/* Three buffers of 1M: each needs a multiple of 1M. */
static void test_boundary(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", CAM, true);
	for (ull i = 1; i <= 3; i++)
		past_look(&t, 1000 + i * 1000, "r0=%llu c0.0=%llu b%llu=0.0,1048576", i * MIB, i * MIB, i);
	finish(&t, 5000);
	check(refuses(CAM, 3 * MIB, 0, 0), "a size that is just enough refuses nothing", "%s%s", get("out"), get("err"));
	check(refuses(CAM, 2 * MIB, 1, 1), "one alignment less refuses one", "%s", get("out"));
	check(refuses(CAM, 3 * MIB - 1, 1, 1), "as does one byte less", "%s", get("out"));
	check(refuses(CAM, PAGE, 3, 3) && refuses(CAM, 1, 3, 3), "a page or less refuses all", "%s", get("out"));
	check(of_trial("smallest") == 4 * MIB, "the smallest size is in whole blocks", "%s", get("out"));
	check(refuses(CAM, 1ull << 63, 0, 0), "a size of any number is one", "%s", get("out"));
}

/* Between two samples, one buffer replaces another of the same size. */
static void test_order(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", CAM, true);
	past_look(&t, 2000, "r0=%llu c0.0=%llu b1=0.0,8388608", 8 * MIB, 8 * MIB);
	past_look(&t, 3000, "r0=%llu c0.0=0 c1.0=%llu f1 b2=1.0,8388608", 8 * MIB, 8 * MIB);
	finish(&t, 5000);
	check(refuses(CAM, 8 * MIB, 1, 0), "the order between two samples is unknown", "%s%s", get("out"), get("err"));
	check(refuses(CAM, 16 * MIB, 0, 0), "and does not matter in an area for both", "%s", get("out"));
	check(!plan(MORE("--size=" CAM "=8M")) && strstr(get("out"), "It is 0 if buffers freed"), "the text has both numbers",
	      "%s", get("out"));
}

/*
 * A GPU's memory: a and b have 10M each. One byte less refuses b's. b's next 8M fit beside a; the
 * fall by 10M is that of the refused request.
 */
static void test_sums(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", VRAM, false);
	past_look(&t, 2000, "r0=%llu c0.0=%llu c1.0=%llu", 20 * MIB, 10 * MIB, 10 * MIB);
	past_look(&t, 3000, "r0=%llu c0.0=0 c1.0=%llu", 18 * MIB, 18 * MIB);
	past_look(&t, 4000, "r0=%llu c1.0=%llu", 8 * MIB, 8 * MIB);
	past_look(&t, 5000, "r0=%llu c0.0=%llu", 18 * MIB, 10 * MIB);
	finish(&t, 6000);
	check(refuses(VRAM, 20 * MIB, 0, 0), "the sum is enough without CMA", "%s%s", get("out"), get("err"));
	check(refuses(VRAM, 20 * MIB - 1, 1, 1), "one byte less is not", "%s", get("out"));
	check(of_refused("b.service", "asked") == 10 * MIB && of_refused("b.service", "free") == 10 * MIB - 1 &&
	      strstr(get("out"), "\"sum_only\":true"), "the later request is refused", "%s", get("out"));
	check(of_trial("smallest") == 20 * MIB, "the smallest size is the highest sum", "%s", get("out"));
	check(!plan(MORE("--size=" VRAM "=18M")) && strstr(get("out"), "Only sums are compared"), "the text says so", "%s",
	      get("out"));
	check(!plan(MORE("--size=" VRAM "=20971519")) &&
	      strstr(get("out"), "\n  In 20971519: 1 recorded request would have been refused.\n") &&
	      strstr(get("out"), "\n    20M is the smallest size without a refused request"), "and does not round sizes", "%s",
	      get("out"));
}

/* Without records of buffers, each rise is one. */
static void test_estimates(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", CAM, false);
	past_look(&t, 2000, "r0=%llu c0.0=%llu", 6 * MIB, 6 * MIB);
	past_look(&t, 3000, "r0=%llu c1.0=%llu", 8 * MIB, 2 * MIB);
	past_look(&t, 4000, "r0=%llu c0.0=0", 2 * MIB);
	past_look(&t, 5000, "r0=%llu c2.0=%llu", 9 * MIB, 7 * MIB);
	finish(&t, 6000);
	check(refuses(CAM, 10 * MIB, 1, 1) && of_refused("c.service", "largest_run") == 6 * MIB, "rises are placed as buffers",
	      "%s%s", get("out"), get("err"));
	check(!plan(MORE("--size=" CAM "=10M")) && strstr(get("out"), "Sizes of buffers are estimates. The sum, at most 9M at "
							    "once, fits.") &&
	      !plan(MORE("--size=" CAM "=8M")) && strstr(get("out"), "at most 9M at once, does not fit."),
	      "the text compares the sum", "%s", get("out"));
}

/* Charges of cgroups that are not recorded, and memory without a charge. */
static void test_others(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", CAM, true);
	past_look(&t, 2000, "r0=0,%llu", 4 * MIB);
	past_look(&t, 3000, "r0=%llu,%llu b1=-.0,4194304", 4 * MIB, 4 * MIB);
	finish(&t, 6000);
	check(refuses(CAM, 3 * MIB, 2, 2) && of_refused("(others)", "asked") == 4 * MIB &&
	      of_refused("(not accounted)", "asked") == 4 * MIB && strstr(get("out"), "\"cgroup\":null"),
	      "memory without a service is refused, too", "%s%s", get("out"), get("err"));
}

/* The counts of boots are added, and the first refusal is the earliest on the wall clock. */
static void test_boots(void)
{
	struct dmem_text t = { 0 };

	for (int boot = 0; boot < 2; boot++) {
		past_head(&t, boot ? "bbbbbbbb" : "aaaaaaaa", 1000, 1000, true);
		past_region(&t, 0, CAM);
		past_cgroup(&t, 0, 1, A);
		past_look_at(&t, 1000, PAST_WALL + (boot ? 1000 : 900000), "r0=0,0,-,%llu c0.0=0", 40 * MIB);
		past_look_at(&t, 2000, PAST_WALL + (boot ? 2000 : 901000), "r0=%llu c0.0=%llu b1=0.0,%llu",
			     (ull)(8 + boot) * MIB, (ull)(8 + boot) * MIB, (ull)(8 + boot) * MIB);
		past_end(&t, 3000);
	}
	past_write(&t, "h");
	check(refuses(CAM, 4 * MIB, 2, 2) && of_refused("a.service", "refused") == 2 &&
	      of_refused("a.service", "first_time") == PAST_WALL + 2000 && of_refused("a.service", "asked") == 9 * MIB,
	      "boots add up", "%s%s", get("out"), get("err"));
	check(refuses(CAM, 8 * MIB, 1, 1) && refuses(CAM, 9 * MIB, 0, 0), "the largest boot decides", "%s", get("out"));
	check(!plan(MORE("--json", "--quantile=0.5", "--size=" CAM "=8M")) && of_trial("refused") == 1,
	      "whatever the quantile of the plan is", "%s", get("out"));
}

static void test_text(void)
{
	static const char want[] =
		"\n  In 20M: 1 recorded request would have been refused.\n"
		"    SERVICE    REFUSED    ASKED      RUN     FREE  FIRST (UTC)\n"
		"    b.service        1       8M       4M      12M  2025-11-24 16:00:04\n"
		"    24M is the smallest size without a refused request, without headroom.\n\n";

	write_fragments();
	check(!plan(MORE("--size=" CAM "=20M")) && strstr(get("out"), want), "the text has a table", "%s%s", get("out"),
	      get("err"));
	check(strstr(get("out"), "the service might have acted differently"), "and the limits of a trial", "%s", get("out"));
	check(!plan(MORE("--size=" CAM "=24M")) && strstr(get("out"), "In 24M: no recorded request would have been refused.\n"),
	      "or a sentence", "%s", get("out"));
	check(!plan(MORE("--size=" CAM "=25M")) && strstr(get("out"), "25M is not a multiple of the block, 4M"),
	      "a size that CMA cannot have is marked", "%s", get("out"));
	check(!plan(MORE("--size=" CAM "=24575K")) && strstr(get("out"), "24575K is not a multiple of the block, 4M"),
	      "even if it rounds to one that it can", "%s", get("out"));
	check(!plan(MORE("--json")) && strstr(get("out"), "\"trial\":null"), "a plan without a trial has none", "%s",
	      get("out"));
	check(!plan(MORE("--headroom=10")) && !strstr(get("out"), "--size") && !strstr(get("out"), "would have been"),
	      "and its text does not mention any", "%s", get("out"));
}

/* One region of two has a trial, and one that nothing was charged for. */
static void test_regions(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 1000, 1000, true);
	past_region(&t, 0, CAM);
	past_region(&t, 1, "cma/other=1");
	past_region(&t, 2, "cma/unused");
	past_cgroup(&t, 0, 1, A);
	past_look(&t, 1000, "r0=0,0,-,%llu r1=0,0,-,%llu c0.0=0 c0.1=0", 40 * MIB, 40 * MIB);
	past_look(&t, 2000, "r0=%llu r1=%llu c0.0=%llu c0.1=%llu b1=0.0,8388608 b2=0.1,8388608", 8 * MIB, 8 * MIB, 8 * MIB,
		  8 * MIB);
	finish(&t, 3000);
	check(!plan(MORE("--json", "--size=cma/other=1=4M")) && number("cma/other", "\"trial\":{", "refused") == 1 &&
	      strstr(get("out"), "\"trial\":null"), "a region has a trial of its own", "%s%s", get("out"), get("err"));
	check(!plan(MORE("--json", "--size=cma/other=1=4M", "--size=" CAM "=8M")) &&
	      number("cma/other", "\"trial\":{", "refused") == 1 && number(CAM, "\"trial\":{", "refused") == 0,
	      "or each has one", "%s%s", get("out"), get("err"));
	check(!plan(MORE("--size=cma/unused=4K")) && strstr(get("out"), "\ncma/unused: no cgroup was charged, so nothing"),
	      "an unused region refuses nothing", "%s%s", get("out"), get("err"));
}

/* ---- wrong options ---- */

static void is_wrong(const char *option, int status, const char *text)
{
	char name[200];

	snprintf(name, sizeof(name), "%s: %s", option, text);
	check(plan(MORE(option)) == status && strstr(get("err"), text) && strstr(get("err"), option + 2), name, "%s%s",
	      get("out"), get("err"));
}

static void test_wrong_size(void)
{
	static const char remedy[] = "write REGION=SIZE, such as cma/camera=48M";

	write_fragments();
	is_wrong("--size=" CAM, 2, remedy);
	is_wrong("--size==48M", 2, remedy);
	is_wrong("--size=" CAM "=", 2, remedy);
	is_wrong("--size=" CAM "=0", 2, remedy);
	is_wrong("--size=" CAM "=max", 2, remedy);
	is_wrong("--size=" CAM "=50%", 2, remedy);
	is_wrong("--size=" CAM "=-1", 2, remedy);
	is_wrong("--size=" CAM "=18446744073709551614", 2, remedy);
	is_wrong("--size=" CAM "=99999999999999999999", 2, remedy);
	is_wrong("--size=cma/camra=48M", 1, "no region 'cma/camra' is recorded: did you mean " CAM "?");
	is_wrong("--size=nothing=48M", 1, "no region 'nothing' is recorded: recorded are " CAM);
	check(plan(MORE("--size=" CAM "=4M", "--size=" CAM "=8M")) == 1 && strstr(get("err"), "once for each size"),
	      "two sizes of a region are an error", "%s", get("err"));
	check(plan(MORE("--size")) == 2, "no value is an error", "%s", get("err"));
}

/* ---- changes whose answer can be calculated by hand ---- */

/* a has two buffers of 3M, and b has one of 4M until a fourth sample. */
static void write_changes(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", CAM, true);
	past_look(&t, 2000, "r0=%llu c0.0=%llu b1=0.0,3145728 b2=0.0,3145728", 6 * MIB, 6 * MIB);
	past_look(&t, 3000, "r0=%llu c1.0=%llu b3=1.0,4194304", 10 * MIB, 4 * MIB);
	past_look(&t, 6000, "r0=%llu c1.0=0 f3", 6 * MIB);
	finish(&t, 9000);
}

static bool changed(const char *o1, const char *o2)
{
	return !plan(o2 ? MORE("--json", "--headroom=0", o1, o2) : MORE("--json", "--headroom=0", o1));
}

/* The figures of the region: charged at once, and up to the end of the highest buffer. */
static bool needs(const char *region, ull together, ull placed)
{
	return of_region(region, "together") == together && of_region(region, "placed") == placed;
}

static ull of_service(const char *service, const char *key)
{
	char quoted[80];

	snprintf(quoted, sizeof(quoted), "\"service\":\"%s\"", service);
	return number("\"services\":[", quoted, key);
}

static void test_scale(void)
{
	write_changes();
	check(changed("--scale=a.service=2", NULL) && needs(CAM, 16 * MIB, 16 * MIB) &&
	      of_service("a.service", "peak") == 12 * MIB && of_service("b.service", "peak") == 4 * MIB,
	      "buffers of a service are twice as large", "%s%s", get("out"), get("err"));
	check(of_service("a.service", "usual") == 12 * MIB && of_service("a.service", "max") == 12 * MIB &&
	      of_service("a.service", "min") == 12 * MIB && of_service("a.service", "buffer") == 6 * MIB,
	      "limits and reservations are those of the changed load", "%s", get("out"));
	check(strstr(get("out"), "\"changes\":[\"--scale=a.service=2\"],"), "JSON has the changes", "%s", get("out"));
	check(changed("--scale=a=0.5", NULL) && needs(CAM, 7 * MIB, 8 * MIB), "or half as large, with a gap for b", "%s",
	      get("out"));
	check(changed("--scale=/" A "=2", "--scale=a=0.5") && needs(CAM, 10 * MIB, 10 * MIB), "factors are multiplied", "%s",
	      get("out"));
	check(changed("--scale=a.service=2", "--size=" CAM "=12M") && of_trial("refused") == 1 &&
	      of_refused("b.service", "asked") == 4 * MIB && of_trial("smallest") == 16 * MIB,
	      "a trial is one of the changed load", "%s", get("out"));
	check(changed("--scale=a.service=1000", NULL) && of_service("a.service", "peak") == 6000 * MIB, "a large factor", "%s",
	      get("out"));
	check(!plan(MORE("--scale=a.service=2", "--without=b")) &&
	      strstr(get("out"), "\nThe load was changed, these are not the recorded figures: --scale=a.service=2 "
		     "--without=b\n"), "the text has the changes in one line", "%s", get("out"));
	check(!plan(MORE("--scale=a.service=2", "--size=" CAM "=12M")) &&
	      strstr(get("out"), "In 12M: 1 request of this load would have been refused.\n"),
	      "and does not call its requests recorded", "%s", get("out"));
}

/* Buffers of 1 and 3 pages, of which a and its slice are charged for half a page more. */
static void test_pages(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 1000, 1000, true);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "system.slice");
	past_cgroup(&t, 1, 2, A);
	past_look(&t, 1000, "r0=0,0,-,%llu c0.0=0 c1.0=0", 40 * MIB);
	past_look(&t, 2000, "r0=16384 c0.0=16384 c1.0=16384 b1=1.0,4096 b2=1.0,12288");
	finish(&t, 4000);
	/* 2 pages at 0, and 5 pages at a multiple of 8. */
	check(changed("--scale=a=1.5", NULL) && needs(CAM, 7 * PAGE, 13 * PAGE) && of_service("a.service", "peak") == 7 * PAGE,
	      "buffers have whole pages", "%s%s", get("out"), get("err"));
	check(changed("--scale=system.slice=1.5", NULL) && needs(CAM, 7 * PAGE, 13 * PAGE), "a slice stands for its services",
	      "%s", get("out"));
	check(changed("--scale=a=0.0001", NULL) && needs(CAM, 2 * PAGE, 2 * PAGE), "and at least one page", "%s", get("out"));
	/* A frame of 1280 x 720 pixels of 4 bytes. No binary number is 1.1. */
	t = (struct dmem_text){ 0 };
	start(&t, "aaaaaaaa", CAM, true);
	past_look(&t, 2000, "r0=3686400 c0.0=3686400 b1=0.0,3686400");
	finish(&t, 4000);
	check(changed("--scale=a=1.1", NULL) && needs(CAM, 990 * PAGE, 990 * PAGE), "but no page for an error of rounding",
	      "%s", get("out"));
}

/* Any number of factors has a product, and 0 stays 0. */
static void test_product(void)
{
	struct whatif w = { 0 };
	struct model m = { 0 };
	int64_t a = model_find_service(&m, A, true);
	bool parsed = a >= 0;

	for (int i = 0; i < 120 && parsed; i++)
		parsed = !whatif_parse(&w, WHATIF_SCALE, "a=1000");
	parsed = parsed && !whatif_parse(&w, WHATIF_WITHOUT, "a");
	check(parsed && !whatif_resolve(&w, &m) && whatif_factor(&w, (uint32_t)a) == 0,
	      "a service is left out, whatever its factors are", "%g", whatif_factor(&w, 0));
	whatif_free(&w);
	model_free(&m);
}

/* A history with pages of a size that no machine has, and a buffer of 2^60 bytes. */
static void test_huge(void)
{
	static const char * const page[] = { "9223372036854775808", "18446744073709551613", "3", "1" };

	for (size_t i = 0; i < sizeof(page) / sizeof(*page); i++) {
		struct dmem_text t = { 0 };
		struct hist_line l;

		hist_begin(&l, &t, 'H');
		hist_add(&l, " 1 aaaaaaaa-0000-0000-0000-000000000000 1000 1000 1000 %s 4194304 1", page[i]);
		hist_end(&l);
		past_region(&t, 0, CAM);
		past_cgroup(&t, 0, 1, A);
		past_look(&t, 1000, "r0=1152921504606846976 c0.0=1152921504606846976 b1=0.0,1152921504606846976");
		finish(&t, 2000);
		tap_case("pages of %s", page[i]);
		check(changed("--scale=a=1000", "--add=npu:" CAM "=65536x16G") &&
		      of_service("a.service", "peak") <= 1ull << 60 && of_service("npu.service", "peak") <= 1ull << 60,
		      "sums have an end", "%s%s", get("out"), get("err"));
	}
	tap_case("%s", "");
}

/* A buffer that outlives its service keeps its new size, in the slice that is charged for it. */
static void test_outlived(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 1000, 1000, true);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "system.slice");
	past_cgroup(&t, 1, 2, A);
	past_cgroup(&t, 2, 3, B);
	past_look(&t, 1000, "r0=0,0,-,%llu c0.0=0 c1.0=0 c2.0=0", 40 * MIB);
	past_look(&t, 2000, "r0=%llu c0.0=%llu c1.0=%llu b1=1.0,8388608", 8 * MIB, 8 * MIB, 8 * MIB);
	past_look(&t, 3000, "x1");
	past_look(&t, 4000, "r0=%llu c0.0=%llu c2.0=%llu b2=2.0,1048576", 9 * MIB, 9 * MIB, MIB);
	past_look(&t, 5000, "r0=%llu c0.0=%llu f1", MIB, MIB);
	past_look(&t, 6000, "r0=%llu c0.0=%llu c2.0=%llu b3=2.0,16777216", 17 * MIB, 17 * MIB, 17 * MIB);
	finish(&t, 7000);
	/* b1 leaves a gap of 16M below b2, in which b3 fits. */
	check(changed("--scale=a=2", NULL) && needs(CAM, 17 * MIB, 17 * MIB), "twice as large until it is freed", "%s%s",
	      get("out"), get("err"));
	check(changed("--scale=a=1.5", NULL) && needs(CAM, 17 * MIB, 29 * MIB), "a smaller gap is not enough", "%s", get("out"));
	check(changed("--without=a", NULL) && needs(CAM, 17 * MIB, 17 * MIB) && !strstr(get("out"), "a.service\","),
	      "or it never exists", "%s", get("out"));
}

/* A buffer is recorded one sample before the counters that include it. */
static void test_late_counters(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", CAM, true);
	past_look(&t, 2000, "b1=0.0,8388608");
	past_look(&t, 3000, "r0=%llu c0.0=%llu", 8 * MIB, 8 * MIB);
	finish(&t, 4000);
	check(changed("--scale=a=2", NULL) && needs(CAM, 16 * MIB, 16 * MIB), "a buffer counts once, whenever it is charged",
	      "%s%s", get("out"), get("err"));
}

/* b is recorded later than its buffer: its charge does not change then. */
static void test_late_owner(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 1000, 1000, true);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, A);
	past_look(&t, 1000, "r0=%llu,0,-,%llu c0.0=0 b1=-.0,4194304 b2=-.0,4194304", 8 * MIB, 40 * MIB);
	past_cgroup(&t, 1, 2, B);
	past_look(&t, 5000, "c1.0=%llu b2=1.0,4194304", 4 * MIB);
	finish(&t, 9000);
	check(changed("--scale=b=3", NULL) && needs(CAM, 16 * MIB, 16 * MIB) && of_service("b.service", "runs") == 1 &&
	      of_service("b.service", "peak") == 12 * MIB && of_service("b.service", "max") == 12 * MIB,
	      "a service that is recorded late has a limit", "%s%s", get("out"), get("err"));
	check(changed("--split=" CAM ":b", NULL) && needs(CAM ":b", 4 * MIB, 4 * MIB) &&
	      of_service("b.service", "peak") == 4 * MIB, "in each changed load", "%s", get("out"));
}

/* The next cgroup of a has the same charge. */
static void test_next_run(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", CAM, true);
	past_look(&t, 2000, "r0=%llu c0.0=%llu b1=0.0,4194304", 4 * MIB, 4 * MIB);
	past_head(&t, "aaaaaaaa", 3000, 1000, true);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 7, A);
	past_look(&t, 3000, "r0=%llu,0,-,%llu c0.0=%llu b1=0.0,4194304", 4 * MIB, 40 * MIB, 4 * MIB);
	finish(&t, 4000);
	check(changed("--scale=a=2", NULL) && of_service("a.service", "runs") == 2 &&
	      of_service("a.service", "peak") == 8 * MIB, "it is a run, too", "%s%s", get("out"), get("err"));
}

/* Nothing was refused in 40M, but nobody had 60M. */
static void test_sufficed(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", CAM, false);
	past_look(&t, 2000, "r0=%llu c0.0=%llu,%llu,0,0,0,0", 30 * MIB, 30 * MIB, 30 * MIB);
	finish(&t, 4000);
	check(changed("--scale=a=2", NULL) && needs(CAM, 60 * MIB, 60 * MIB) && strstr(get("out"), "\"sufficed\":null"),
	      "the recorded capacity was not enough for a changed load", "%s%s", get("out"), get("err"));
}

static void test_without(void)
{
	struct dmem_text t = { 0 };

	/* The inode number of a buffer of b is that of a's, later. */
	start(&t, "aaaaaaaa", CAM, true);
	past_look(&t, 2000, "r0=%llu c1.0=%llu b1=1.0,8388608", 8 * MIB, 8 * MIB);
	past_look(&t, 3000, "r0=0 c1.0=0 f1");
	past_look(&t, 4000, "r0=%llu c0.0=%llu b1=0.0,16777216", 16 * MIB, 16 * MIB);
	past_look(&t, 5000, "r0=%llu c0.0=0 c1.0=%llu b1=1.0,16777216 c2.0=%llu", 20 * MIB, 16 * MIB, 4 * MIB);
	finish(&t, 6000);
	check(changed("--without=a", NULL) && needs(CAM, 8 * MIB, 8 * MIB), "a buffer is left out, whoever gets it", "%s%s",
	      get("out"), get("err"));
	write_changes();
	check(changed("--without=b.service", NULL) && needs(CAM, 6 * MIB, 6 * MIB) && !strstr(get("out"), "\"b.service\""),
	      "a service is left out", "%s%s", get("out"), get("err"));
	check(changed("--without=a.service", NULL) && needs(CAM, 4 * MIB, 4 * MIB) && of_service("b.service", "runs") == 1,
	      "as is the other", "%s", get("out"));
	check(plan(MORE("--without=a", "--without=b")) == 1 && strstr(get("err"), "after these changes, no cgroup is charged"),
	      "without any there is no plan", "%s", get("err"));
}

static void test_add(void)
{
	struct dmem_text t = { 0 };

	/* First a and npu, and then b alone. */
	start(&t, "aaaaaaaa", CAM, true);
	past_look(&t, 2000, "r0=%llu c0.0=%llu", 4 * MIB, 4 * MIB);
	past_look(&t, 4000, "r0=0 c0.0=0");
	past_look(&t, 6000, "r0=%llu c1.0=%llu b1=1.0,20971520", 20 * MIB, 20 * MIB);
	past_look(&t, 8000, "r0=%llu c0.0=%llu c1.0=%llu", 8 * MIB, 4 * MIB, 4 * MIB);
	finish(&t, 9000);
	check(changed("--add=npu:" CAM "=1x7M:with=a", NULL) && of_region(CAM, "together") == 20 * MIB &&
	      of_service("npu.service", "peak") == 7 * MIB, "an added service comes and goes", "%s%s", get("out"),
	      get("err"));
	check(changed("--add=npu:" CAM "=1x7M:with=a", "--without=b") && of_region(CAM, "together") == 11 * MIB,
	      "with the one that it runs with", "%s", get("out"));
	write_changes();
	/* npu's are there first: 16M, 6M of a, 4M of b. */
	check(changed("--add=npu:" CAM "=2x8M", NULL) && needs(CAM, 26 * MIB, 26 * MIB) &&
	      of_service("npu.service", "peak") == 16 * MIB && of_service("npu.service", "usual") == 16 * MIB &&
	      of_service("npu.service", "runs") == 1 && of_service("npu.service", "buffer") == 8 * MIB,
	      "a new service has its buffers always", "%s%s", get("out"), get("err"));
	check(of_service("npu.service", "max") == 16 * MIB && strstr(get("out"), "\"cgroup\":\"npu.service\""),
	      "and gets a limit", "%s", get("out"));
	check(changed("--add=npu.slice:" CAM "=1x1", NULL) && of_service("npu.slice", "peak") == PAGE, "in whole pages", "%s",
	      get("out"));
	/* While b has charges: behind 6M of a and 4M of b. */
	check(changed("--add=npu:" CAM "=2x8M:with=b", "--size=" CAM "=16M") && needs(CAM, 26 * MIB, 26 * MIB) &&
	      of_trial("refused") == 2 && of_refused("npu.service", "refused") == 2 &&
	      of_refused("npu.service", "first_time") == PAST_WALL + 3000 && of_refused("npu.service", "free") == 6 * MIB,
	      "or only while another one has charges", "%s%s", get("out"), get("err"));
	check(changed("--add=npu:" CAM "=2x8M:with=c", NULL) && needs(CAM, 10 * MIB, 10 * MIB) &&
	      !strstr(get("out"), "\"npu.service\""), "which may never be", "%s", get("out"));
	/* Instead of b. */
	check(changed("--without=b", "--add=npu:" CAM "=1x1M:with=b.service") && needs(CAM, 7 * MIB, 7 * MIB),
	      "it can replace one that is left out", "%s", get("out"));
	check(changed("--add=x:" CAM "=1x1M", "--add=y:" CAM "=2x1M") && needs(CAM, 13 * MIB, 13 * MIB), "two can be added",
	      "%s", get("out"));
	check(changed("--add=x:" CAM "=2x8M", "--add=x:" CAM "=1x4M") && of_region(CAM, "together") == 30 * MIB &&
	      of_service("x.service", "runs") == 1 && of_service("x.service", "peak") == 20 * MIB &&
	      of_service("x.service", "max") == 20 * MIB, "or one with buffers of two sizes", "%s", get("out"));
	check(changed("--add=x:" CAM "=2x8M", "--add=x:" CAM "=1x4M:with=c") && of_service("x.service", "peak") == 16 * MIB,
	      "of which some may never be", "%s", get("out"));
	check(plan(MORE("--add=x:" CAM "=1x1M", "--add=y:" CAM "=1x1M:with=x")) == 1 &&
	      strstr(get("err"), "no unit 'x' is recorded: recorded are a.service, b.service, c.service"),
	      "none runs with another one that is added", "%s", get("err"));
}

/* The slice of the services is recorded, too: its reservation includes that of an added one. */
static void test_added_below(void)
{
	struct dmem_text t = { 0 };
	char dir[4096];

	past_head(&t, "aaaaaaaa", 1000, 1000, true);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "system.slice");
	past_cgroup(&t, 1, 2, A);
	past_look(&t, 1000, "r0=0,0,-,%llu c0.0=0 c1.0=0", 40 * MIB);
	past_look(&t, 2000, "r0=%llu c0.0=%llu c1.0=%llu b1=1.0,4194304", 4 * MIB, 4 * MIB, 4 * MIB);
	finish(&t, 9000);
	check(changed("--add=npu:" CAM "=1x2M", NULL) && needs(CAM, 6 * MIB, 6 * MIB) &&
	      strstr(get("out"), "\"cgroup\":\"system.slice/npu.service\""), "an added service is in the recorded slice",
	      "%s%s", get("out"), get("err"));
	snprintf(dir, sizeof(dir), "--units=%s", tap_path("service"));
	check(!plan(MORE(dir, "--headroom=0", "--add=npu.service:" CAM "=1x1M", "--add=npu:" CAM "=1x1M")) &&
	      strstr(get("service/npu.service.d/50-dmem-plan.conf"), "DeviceMemoryMin=" CAM " 2M\n") &&
	      strstr(get("service/system.slice.d/50-dmem-plan.conf"), "DeviceMemoryMin=" CAM " 6M\n"),
	      "whose reservation includes it", "%s", get_tree("service"));
	snprintf(dir, sizeof(dir), "--units=%s", tap_path("slice"));
	check(!plan(MORE(dir, "--headroom=0", "--add=npu.slice:" CAM "=1x2M")) &&
	      strstr(get("slice/npu.slice.d/50-dmem-plan.conf"), "DeviceMemoryMax=" CAM " 2M\n") &&
	      strstr(get("slice/system.slice.d/50-dmem-plan.conf"), "DeviceMemoryMin=" CAM " 4M\n"),
	      "a slice is not", "%s", get_tree("slice"));
	check(changed("--without=system.slice", "--add=npu:" CAM "=1x2M") && needs(CAM, 2 * MIB, 2 * MIB),
	      "without the slice, the recorded services are left out", "%s%s", get("out"), get("err"));
}

/* Two areas and a GPU's memory: a and b have 3M in each of the areas, and c has 5M of the GPU's. */
static void write_regions(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 1000, 1000, true);
	past_region(&t, 0, CAM);
	past_region(&t, 1, "cma/linux,cma");
	past_region(&t, 2, VRAM);
	past_cgroup(&t, 0, 1, A);
	past_cgroup(&t, 1, 2, B);
	past_cgroup(&t, 2, 3, C);
	past_look(&t, 1000, "r0=0,0,%llu,%llu r1=0,0,%llu,%llu c0.0=0 c1.0=0 c0.1=0 c1.1=0 c2.2=0", 40 * MIB, 40 * MIB,
		  64 * MIB, 64 * MIB);
	past_look(&t, 2000, "r0=%llu c0.0=%llu b1=0.0,3145728", 3 * MIB, 3 * MIB);
	past_look(&t, 3000, "r0=%llu c1.0=%llu b2=1.0,3145728", 6 * MIB, 3 * MIB);
	past_look(&t, 4000, "r1=%llu c0.1=%llu b3=0.1,3145728 r2=%llu c2.2=%llu", 3 * MIB, 3 * MIB, 5 * MIB, 5 * MIB);
	past_look(&t, 5000, "r0=%llu c0.0=0 f1 r1=%llu c1.1=%llu b4=1.1,3145728", 3 * MIB, 6 * MIB, 3 * MIB);
	finish(&t, 9000);
}

static const char no_units[] = "--units writes limits of regions that exist: it cannot be used with --merge or --split: "
	"use --json, and write the limits when the regions exist";

static void test_merge(void)
{
	char dir[4096];

	write_regions();
	/* 3M of b, 3M of a, and at last 3M of b in the place of a's first buffer, or behind all. */
	check(changed("--merge=" CAM ",cma/linux,cma", NULL) && needs(CAM, 9 * MIB, 12 * MIB) &&
	      of_region(CAM, "placed_least") == 9 * MIB && of_region(CAM, "capacity") == 104 * MIB &&
	      !strstr(get("out"), "\"region\":\"cma/linux,cma\""), "two regions are one", "%s%s", get("out"), get("err"));
	check(of_service("a.service", "peak") == 6 * MIB && of_service("b.service", "peak") == 6 * MIB &&
	      of_service("a.service", "runs") == 1, "a cgroup in both has one run, with its largest charge", "%s",
	      get("out"));
	check(changed("--merge=cma/linux,cma," CAM ",cma/both", "--size=cma/both=9M") && needs("cma/both", 9 * MIB, 12 * MIB) &&
	      !strstr(get("out"), "\"region\":\"" CAM) && of_trial("refused") == 1, "the merged region can have a new name",
	      "%s%s", get("out"), get("err"));
	check(changed("--merge=cma/linux,cma," CAM, NULL) && needs("cma/linux,cma", 9 * MIB, 12 * MIB) &&
	      !strstr(get("out"), "\"region\":\"" CAM), "or the name of the first", "%s", get("out"));
	is_wrong("--merge=" CAM ",cma/linux", 1, "no region 'cma/linux' is recorded");
	is_wrong("--merge=cma/camra," CAM, 1, "no region 'cma/camra' is recorded: did you mean " CAM "?");
	is_wrong("--merge=" CAM, 2, "write REGION,REGION or REGION,REGION,NAME");
	is_wrong("--merge=" CAM ",", 2, "write REGION,REGION");
	is_wrong("--merge=" CAM "," CAM, 1, "these are one region");
	is_wrong("--merge=" CAM "," VRAM, 1, "a CMA area cannot be merged with another kind of region");
	is_wrong("--merge=" CAM ",cma/linux,cma,both", 1, "names of CMA areas start with cma/");
	is_wrong("--merge=" CAM ",cma/linux,cma," VRAM, 1, "there is a region '" VRAM "' already");
	is_wrong("--merge=" CAM ",cma/linux,cma,cma/a b", 1, "has a character that is invalid in a region name");
	check(plan(MORE("--merge=" CAM ",cma/linux,cma", "--size=cma/linux,cma=4M")) == 1 &&
	      strstr(get("err"), "cma/linux,cma is merged into " CAM ": write that name"), "a merged region has no size", "%s",
	      get("err"));
	check(plan(MORE("--merge=" CAM ",cma/linux,cma", "--merge=" CAM ",cma/linux,cma")) == 1 &&
	      strstr(get("err"), "merged already"), "or another merger", "%s", get("err"));
	check(plan(MORE("--merge=" CAM ",cma/linux,cma", "--dts=-")) == 2 && strstr(get("err"), "--merge or --split"),
	      "and no overlay", "%s", get("err"));
	snprintf(dir, sizeof(dir), "--units=%s", tap_path("merged"));
	check(plan(MORE("--merge=" CAM ",cma/linux,cma", dir)) == 2 && strstr(get("err"), no_units) &&
	      access(tap_path("merged"), F_OK), "or drop-ins", "%s", get("err"));
}

static void test_split(void)
{
	static const char mine[] = CAM ":b.service";
	char dir[4096];

	write_regions();
	check(changed("--split=" CAM ":b.service", NULL) && needs(mine, 3 * MIB, 3 * MIB) && needs(CAM, 3 * MIB, 3 * MIB) &&
	      needs("cma/linux,cma", 6 * MIB, 6 * MIB) && of_region(CAM, "capacity") == 40 * MIB,
	      "a unit has a region of its own", "%s%s", get("out"), get("err"));
	check(strstr(get("out"), "\"region\":\"" CAM ":b.service\",\"capacity\":null"), "without a capacity", "%s", get("out"));
	check(changed("--split=" VRAM ":c", "--size=" VRAM ":c=4M") && needs(VRAM ":c", 5 * MIB, 5 * MIB) &&
	      of_trial("refused") == 1, "a region's name may have colons", "%s%s", get("out"), get("err"));
	check(changed("--split=" CAM ":a,b", NULL) && needs(CAM ":a,b", 6 * MIB, 6 * MIB) &&
	      !strstr(get("out"), "\"region\":\"" CAM "\""), "several units share one", "%s", get("out"));
	check(changed("--merge=" CAM ",cma/linux,cma,cma/x", "--split=cma/x:b") && needs("cma/x:b", 6 * MIB, 6 * MIB) &&
	      needs("cma/x", 6 * MIB, 6 * MIB), "a merged region can be split", "%s%s", get("out"), get("err"));
	check(changed("--split=" CAM ":b", "--add=npu:" CAM ":b=1x1M") && needs(CAM ":b", 4 * MIB, 4 * MIB),
	      "and a service can be added there", "%s%s", get("out"), get("err"));
	check(changed("--split=" CAM ":a,b", "--split=" CAM ":a,b:b") && needs(CAM ":a,b", 3 * MIB, 3 * MIB) &&
	      needs(CAM ":a,b:b", 3 * MIB, 3 * MIB), "a region that was split off can be split", "%s%s", get("out"), get("err"));
	check(!plan(MORE("--json", "--split=" CAM ":a,b", "--split=" CAM ":a,b:b", "--add=npu:" CAM ":a,b:b=1x1M")) &&
	      needs(CAM ":a,b:b", 4 * MIB, 4 * MIB), "and a service can be added to that, too", "%s%s", get("out"),
	      get("err"));
	is_wrong("--split=" CAM, 2, "write REGION:UNIT or REGION:UNIT,UNIT");
	is_wrong("--split=cma/camra:b", 1, "no region 'cma/camra' is recorded: did you mean " CAM "?");
	is_wrong("--split=" CAM ":camera", 1, "no unit 'camera' is recorded: recorded are a.service, b.service, c.service");
	is_wrong("--split=" CAM ":", 2, "write REGION:UNIT or REGION:UNIT,UNIT");
	is_wrong("--split=" CAM ":b,b", 1, "'b' is split off already");
	check(plan(MORE("--split=" CAM ":b", "--split=" CAM ":b.service")) == 1 && strstr(get("err"), "is split off already"),
	      "a unit is split off once", "%s", get("err"));
	snprintf(dir, sizeof(dir), "--units=%s", tap_path("split"));
	check(plan(MORE(dir, "--split=" CAM ":b")) == 2 && strstr(get("err"), no_units) && access(tap_path("split"), F_OK),
	      "its region has no drop-ins before it exists", "%s", get("err"));
}

static void test_changed_units(void)
{
	char dir[4096];

	write_changes();
	snprintf(dir, sizeof(dir), "--units=%s", tap_path("units"));
	check(!plan(MORE(dir, "--headroom=0", "--scale=a=2", "--add=npu:" CAM "=1x2M")), "units of a changed load are written",
	      "%s", get("err"));
	check(strstr(get("units/a.service.d/50-dmem-plan.conf"),
		     "\n# The recorded load was changed: --scale=a=2 --add=npu:" CAM "=1x2M\n[X-Dmem]\n"
		     "DeviceMemoryMax=" CAM " 12M\n"), "with the changes in a comment", "%s",
	      get("units/a.service.d/50-dmem-plan.conf"));
	check(strstr(get("units/npu.service.d/50-dmem-plan.conf"), "DeviceMemoryMax=" CAM " 2M\n"), "as are those of a new one",
	      "%s", get_tree("units"));
}

static void test_wrong_changes(void)
{
	static const char factor[] = "write UNIT=FACTOR, such as camera.service=2";
	static const char add[] = "write NAME:REGION=COUNTxSIZE, such as npu.service:cma/camera=6x8M";

	write_changes();
	is_wrong("--scale=a", 2, factor);
	is_wrong("--scale==2", 2, factor);
	is_wrong("--scale=a=", 2, factor);
	is_wrong("--scale=a=x", 2, factor);
	is_wrong("--scale=a=-1", 2, factor);
	is_wrong("--scale=a=1001", 2, factor);
	is_wrong("--scale=a=2x", 2, factor);
	is_wrong("--scale=a=nan", 2, factor);
	is_wrong("--scale=a=0", 2, "use --without=UNIT");
	is_wrong("--scale=aa.service=2", 1, "no unit 'aa.service' is recorded: did you mean a.service?");
	is_wrong("--scale=camera=2", 1, "no unit 'camera' is recorded: recorded are a.service, b.service, c.service");
	is_wrong("--without=", 2, "write the name of a unit");
	is_wrong("--without=camera", 1, "recorded are a.service");
	is_wrong("--add=npu", 2, add);
	is_wrong("--add=npu:" CAM, 2, add);
	is_wrong("--add=npu:=6x8M", 2, add);
	is_wrong("--add=:" CAM "=6x8M", 2, add);
	is_wrong("--add=a/b:" CAM "=6x8M", 2, add);
	is_wrong("--add=npu:" CAM "=0x8M", 2, add);
	is_wrong("--add=npu:" CAM "=8M", 2, add);
	is_wrong("--add=npu:" CAM "=6x", 2, add);
	is_wrong("--add=npu:" CAM "=6x0", 2, add);
	is_wrong("--add=npu:" CAM "=65537x1", 2, add);
	is_wrong("--add=npu:" CAM "=65536x1T", 2, add);
	is_wrong("--add=npu:" CAM "=99999999999999999999x1", 2, add);
	is_wrong("--add=npu:" CAM "=6x8M:with=", 2, add);
	is_wrong("--add=npu:" CAM "=6x8M:with=camera", 1, "no unit 'camera' is recorded");
	is_wrong("--add=npu:cma/cam=6x8M", 1, "no region 'cma/cam' is recorded");
	is_wrong("--add=a.service:" CAM "=6x8M", 1, "this unit is recorded: choose another name, or use --scale");
}

/* ---- the chart ---- */

/* Copies the shape of the first path that starts like this in the last chart. */
static const char *shape(const char *path, char buf[4096])
{
	const char *at = strstr(get("chart.svg"), path);

	at = at ? strstr(at, " d=\"") : NULL;
	snprintf(buf, 4096, "%.*s", at ? (int)strcspn(at + 4, "\"") : 0, at ? at + 4 : "");
	return buf;
}

/* The height of each level of a shape, in pixels above the axis, up to @n. Returns their number. */
static size_t levels(const char *d, double *level, size_t n)
{
	size_t count = 0;

	for (; *d && count < n; d++) {
		if (*d == 'V')
			level[count++] = 296 - strtod(d + 1, NULL);
		else if (*d == 'M')
			level[count++] = 296 - strtod(strchr(d, ' '), NULL);
	}
	return count;
}

static bool chart(const char *change)
{
	char svg[4096];

	snprintf(svg, sizeof(svg), "--svg=%s", tap_path("chart.svg"));
	return !plan(MORE(svg, "--headroom=0", change));
}

static void test_chart(void)
{
	static const char outline[] = "<path fill=\"none\" stroke=\"#333\"", line[] = "<path class=\"recorded\"";
	char mine[4096], recorded[4096], before[4096];
	double level[5] = { 0 };

	write_changes();
	check(chart("--headroom=0") && !strstr(get("chart.svg"), line) && !strstr(get("chart.svg"), "The load was changed"),
	      "a chart of the recorded load has no second line", "%s", get("err"));
	shape(outline, before);
	check(chart("--scale=a=1") && *before && !strcmp(shape(outline, mine), before) &&
	      !strcmp(shape(line, recorded), before), "without a difference, the lines are one", "%s\n%s\n%s", before,
	      mine, recorded);
	check(chart("--scale=a=2") && levels(shape(line, recorded), level, 5) == 4 && level[0] == 0 &&
	      level[1] == level[3] && level[1] / level[2] > 0.59 && level[1] / level[2] < 0.61,
	      "the second line has the recorded 0, 6M, 10M, 6M", "%s: %f %f %f", recorded, level[1], level[2], level[3]);
	check(levels(shape(outline, mine), level + 2, 3) == 3 && level[3] / level[1] > 1.98 && level[3] / level[1] < 2.02,
	      "the load is that of the change, with 12M", "%s", mine);
	check(strstr(get("chart.svg"), ">as recorded<title>") && strstr(get("chart.svg"), ">The load was changed: --scale=a=2<") &&
	      strstr(get("chart.svg"), ", recorded were at most 10M"), "the chart says so", "%s", get("chart.svg"));
	check(chart("--size=" CAM "=8M") && strstr(get("chart.svg"), ">tried size<title>") &&
	      strstr(get("chart.svg"), "1 request refused in the tried size 8M"), "a trial has a line", "%s", get("chart.svg"));
	check(chart("--scale=a=2<&>") == false && chart("--add=<&>:" CAM "=1x1M") &&
	      strstr(get("chart.svg"), "--add=&#60;&#38;&#62;:"), "names are escaped", "%s", get("chart.svg"));
	write_regions();
	check(chart("--merge=" CAM ",cma/linux,cma") && strstr(get("chart.svg"), ", recorded were at most 9M"),
	      "the line of merged regions is their sum", "%s", get("chart.svg"));
	check(levels(shape(outline, mine), level, 5) == 4 && level[3] / level[1] > 2.98 && level[3] / level[1] < 3.02,
	      "as are the layers, with 3M, 6M and 9M", "%s", mine);
	check(chart("--split=" CAM ":b") && strstr(get("chart.svg"), CAM ":b: at most 3M in use, planned size 4M, needed at "
						   "2025-11-24 16:00:03 UTC, recorded were at most 0B"),
	      "a new region was not recorded", "%s", get("chart.svg"));
}

/* ---- random loads ---- */

struct planned {
	struct whatif w;
	struct model m;
	struct needs n;
	uint64_t sizes[8];
};

/* Plans a history with changes such as "scale=a=2", with trials of @size for all regions. */
static bool plan_changed(struct planned *p, struct dmem_text *t, uint64_t size, const char * const *change)
{
	const struct needs_options options = {
		.quantile = 1, .block = DMEM_UNKNOWN, .align_order = ORDER, .size = p->sizes,
	};
	uint64_t length = t->len;
	bool ok = true;

	*p = (struct planned){ .m = { .in = { past_read, t } } };
	for (size_t i = 0; i < 8; i++)
		p->sizes[i] = size;
	for (; *change; change++) {
		enum whatif_kind kind = WHATIF_SIZE;

		while (kind < WHATIF_KINDS && strncmp(*change, whatif_name(kind), strcspn(*change, "=")))
			kind++;
		ok &= kind < WHATIF_KINDS && !whatif_parse(&p->w, kind, strchr(*change, '=') + 1);
	}
	return ok && !model_add(&p->m, 0, 0, &length) && !model_sort(&p->m) && !whatif_resolve(&p->w, &p->m) &&
	       p->m.n_regions <= 8 && !needs_find(&p->n, &p->m, &options) && p->n.n > 0;
}

static bool plan_text(struct planned *p, struct dmem_text *t, uint64_t size)
{
	return plan_changed(p, t, size, MORE(NULL));
}

static void plan_end(struct planned *p)
{
	needs_free(&p->n);
	whatif_free(&p->w);
	model_free(&p->m);
}

/* How a load is written. All zero: as it is, in one region, without buffers. */
struct writing {
	const char *region, *second;	/* CAM, none */
	bool buffers;
	size_t each;			/* ops for each sample: 1 */
	/* The second region has: every other buffer, or the services from this one on. */
	bool alternate;
	unsigned int own;		/* 0: none */
	unsigned int times[LOAD_SERVICES];	/* size of buffers: 1 */
	bool left_out[LOAD_SERVICES];
	bool added;			/* two buffers of 75 pages of a further service */
};

#define WRITING(...)	(&(struct writing){ __VA_ARGS__ })

static unsigned int region_of(const struct writing *w, const struct load_op *op)
{
	return w->alternate ? op->buffer & 1 : w->own && op->service >= w->own;
}

static void write_start(struct dmem_text *t, const struct writing *w)
{
	past_head(t, "aaaaaaaa", 1000, 1000, w->buffers);
	past_region(t, 0, w->region ? w->region : CAM);
	if (w->second)
		past_region(t, 1, w->second);
	past_cgroup(t, 0, 1, A);
	past_cgroup(t, 1, 2, B);
	past_cgroup(t, 2, 3, C);
	if (w->added)
		past_cgroup(t, 3, 4, "npu.service");
	past_look(t, 1000, "%s%s%s", w->added ? "r0=614400 c3.0=614400" : "r0=0", w->second ? " r1=0" : "",
		  w->added && w->buffers ? " b9=3.0,307200 b10=3.0,307200" : "");
}

static void write_sample(struct dmem_text *t, const struct writing *w, uint64_t at,
			 uint64_t use[LOAD_SERVICES][2], const char *items)
{
	char line[512] = "";

	for (unsigned int r = 0; r < (w->second ? 2 : 1); r++) {
		uint64_t all = !r && w->added ? 614400 : 0;

		for (unsigned int s = 0; s < LOAD_SERVICES; s++) {
			all += use[s][r];
			snprintf(line + strlen(line), sizeof(line) - strlen(line), " c%u.%u=%llu", s, r, (ull)use[s][r]);
		}
		snprintf(line + strlen(line), sizeof(line) - strlen(line), " r%u=%llu", r, (ull)all);
	}
	past_look(t, at, "%s%s", line + 1, items);
}

static void write_load(struct dmem_text *t, const struct load *l, const struct writing *w)
{
	uint64_t use[LOAD_SERVICES][2] = { 0 };
	char items[16384] = "";
	int at = 0;

	write_start(t, w);
	for (size_t i = 0; i < l->n; i++) {
		const struct load_op *op = &l->op[i];
		uint64_t bytes = op->pages * PAGE * (w->times[op->service] ? w->times[op->service] : 1);
		unsigned int r = region_of(w, op);

		bytes = w->left_out[op->service] ? 0 : bytes;
		use[op->service][r] += op->free ? -bytes : bytes;
		if (w->buffers && op->free && bytes)
			at += snprintf(items + at, sizeof(items) - (size_t)at, " f%zu", 100 + op->buffer);
		else if (w->buffers && bytes)
			at += snprintf(items + at, sizeof(items) - (size_t)at, " b%zu=%u.%u,%llu", 100 + i, op->service, r,
				       (ull)bytes);
		if (w->each && (i + 1) % w->each && i + 1 < l->n)
			continue;
		items[at] = 0;
		write_sample(t, w, 2000 + i * 1000, use, items);
		at = 0;
	}
	past_end(t, 2000 + l->n * 1000);
}

/* Requests refused by an area of @n pages, bit by bit as in mm/cma.c. */
static uint64_t refused_by_bits(const struct load *l, size_t n)
{
	static bool set[BITS];
	size_t at[LOAD_OPS];
	uint64_t refused = 0;

	memset(set, 0, sizeof(set));
	for (size_t i = 0; i < l->n; i++) {
		const struct load_op *op = &l->op[i];
		size_t align = 1, start = 0, k = 0;

		if (op->free) {
			if (at[op->buffer] < BITS)
				memset(set + at[op->buffer], 0, op->pages);
			continue;
		}
		while (align < op->pages && align < 1 << ORDER)
			align *= 2;
		for (; start + op->pages <= n; start += align) {
			for (k = 0; k < op->pages && !set[start + k]; k++)
				;
			if (k == op->pages)
				break;
		}
		at[i] = start + op->pages <= n ? start : BITS;
		refused += at[i] == BITS;
		if (at[i] < BITS)
			memset(set + start, 1, op->pages);
	}
	return refused;
}

/* A sample after each op: the counts are those of the bitmap, in an area of any size. */
static void test_bits(void)
{
	size_t wrong = 0, some = 0, tried = 0;
	struct load l;

	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct dmem_text t = { 0 };

		load_make(&l, seed, BUDGET);
		write_load(&t, &l, WRITING(.buffers = true));
		for (uint64_t pages = 300; pages < 5000; pages += 391 + seed) {
			uint64_t want = refused_by_bits(&l, pages);
			struct planned p;

			tried++;
			some += want > 0;
			if (!plan_text(&p, &t, pages * PAGE + seed) || p.n.region[0].trial.refused != want ||
			    p.n.region[0].trial.refused_least != want)
				wrong++;
			plan_end(&p);
		}
		dmem_text_free(&t);
	}
	check(!wrong && some > 100 && some < tried, "the same requests are refused as by a bitmap",
	      "%zu of %zu differ, %zu have refused requests", wrong, tried, some);
}

/* The size that the plan calls placed refuses nothing, and one unit less refuses something. */
static void check_placed(const char *region, bool buffers, uint64_t unit)
{
	size_t wrong = 0, tried = 0;
	char name[128];
	struct load l;

	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct dmem_text t = { 0 };
		uint64_t placed = 0;

		load_make(&l, seed, BUDGET);
		write_load(&t, &l, WRITING(.region = region, .buffers = buffers, .each = 1 + seed % 7));
		for (int less = -1; less < 2; less++) {
			const struct needs_region *g;
			struct planned p;

			wrong += !plan_text(&p, &t, less < 0 ? DMEM_UNKNOWN : placed - (uint64_t)less * unit);
			g = p.n.region;
			if (less < 0)
				placed = g->placed;
			else
				wrong += !g->trial.refused != !less || g->placed != placed || g->trial.smallest < placed;
			plan_end(&p);
		}
		tried++;
		dmem_text_free(&t);
	}
	snprintf(name, sizeof(name), "%s, %s buffers: the placed size is just enough", region, buffers ? "with" : "without");
	check(!wrong && tried == 30, name, "%zu of %zu", wrong, tried);
}

static void test_placed(void)
{
	check_placed(CAM, true, PAGE);
	check_placed(CAM, false, PAGE);
	check_placed(VRAM, true, 1);
	check_placed(VRAM, false, 1);
}

/* ---- a changed load against one that was recorded like this ---- */

/* Differences between the plans of a service, by its name. */
static size_t compare_services(const struct planned *a, const struct needs_region *x, const struct planned *b,
			       const struct needs_region *y)
{
	size_t wrong = x->n != y->n;

	for (size_t i = 0; i < x->n; i++) {
		const struct needs_service *s = &x->service[i], *other = NULL;

		for (size_t k = 0; k < y->n; k++) {
			if (!strcmp(model_name(&a->m, s->service), model_name(&b->m, y->service[k].service)))
				other = &y->service[k];
		}
		wrong += !other || s->peak != other->peak || s->usual != other->usual || s->limit != other->limit ||
			 s->reservation != other->reservation || s->unseen != other->unseen || s->runs != other->runs ||
			 s->buffer * s->buffers != other->buffer * other->buffers;
	}
	return wrong;
}

static size_t compare_regions(const struct planned *a, const struct needs_region *x, const struct planned *b,
			      const struct needs_region *y)
{
	size_t wrong = x->together != y->together || x->placed != y->placed || x->placed_least != y->placed_least ||
		       x->unseen != y->unseen || x->all_peaks != y->all_peaks || x->size != y->size ||
		       x->unit != y->unit || x->reserved != y->reserved || x->trial.refused != y->trial.refused ||
		       x->trial.refused_least != y->trial.refused_least || x->conflicts.n != y->conflicts.n;

	return wrong + compare_services(a, x, b, y);
}

/* Regions are compared in the order of the model. */
static size_t compare_plans(const struct planned *a, const struct planned *b)
{
	size_t wrong = a->n.n != b->n.n;

	for (size_t i = 0; i < a->n.n && !wrong; i++)
		wrong += compare_regions(a, &a->n.region[i], b, &b->n.region[i]);
	return wrong;
}

/* The load as written in one way, with changes, has the plan of the load as written in another way. */
static void same_plan(const char *name, const struct writing *from, const struct writing *to,
		      const char * const *change)
{
	size_t wrong = 0;
	struct load l;

	for (uint64_t seed = 1; seed <= 16; seed++) {
		uint64_t size = (500 + 100 * seed) * PAGE;
		struct dmem_text t[2] = { 0 };
		struct writing w[2] = { *from, *to };
		struct planned p[2];

		load_make(&l, seed, BUDGET);
		for (int i = 0; i < 2; i++) {
			w[i].each = 1 + seed % 5;
			w[i].buffers = from->buffers || seed % 4;
			write_load(&t[i], &l, &w[i]);
			wrong += !plan_changed(&p[i], &t[i], size, i ? MORE(NULL) : change);
		}
		wrong += compare_plans(&p[0], &p[1]);
		for (int i = 0; i < 2; i++) {
			plan_end(&p[i]);
			dmem_text_free(&t[i]);
		}
	}
	check(!wrong, name, "%zu differences", wrong);
}

static void test_same_plan(void)
{
	same_plan("a factor of 1 changes nothing", WRITING(0), WRITING(0), MORE("scale=a=1"));
	same_plan("a service with twice the size", WRITING(0), WRITING(.times = { 2 }), MORE("scale=a.service=2"));
	same_plan("services with several factors", WRITING(0), WRITING(.times = { 2, 1, 3 }), MORE("scale=a=2", "scale=c=3"));
	same_plan("a service left out", WRITING(0), WRITING(.left_out = { false, true }), MORE("without=b"));
	/* Its buffers are known in any case. */
	same_plan("two regions merged", WRITING(.second = "cma/second", .alternate = true), WRITING(0),
		  MORE("merge=" CAM ",cma/second"));
	same_plan("two regions merged into a new one", WRITING(.second = "cma/second", .own = 2), WRITING(0),
		  MORE("merge=" CAM ",cma/second,cma/both"));
	same_plan("a service split off", WRITING(0), WRITING(.second = "cma/second", .own = 2), MORE("split=" CAM ":c"));
	same_plan("two services split off, one with twice the size", WRITING(0),
		  WRITING(.second = "cma/second", .own = 1, .times = { 1, 2 }), MORE("split=" CAM ":b,c", "scale=b=2"));
	same_plan("a service split off from merged regions", WRITING(.second = "cma/second", .alternate = true),
		  WRITING(.second = "cma/third", .own = 2), MORE("merge=" CAM ",cma/second", "split=" CAM ":c"));
	same_plan("regions without CMA merged", WRITING(.region = VRAM, .second = "drm/second", .alternate = true),
		  WRITING(.region = VRAM), MORE("merge=" VRAM ",drm/second"));
	same_plan("an added service", WRITING(.buffers = true), WRITING(.added = true), MORE("add=npu:" CAM "=2x300K"));
}

/* Each change is in the help and has a heading in the manual. */
static void test_documented(const char *path)
{
	char *manual = NULL, line[80], heading[80];
	size_t len = 0;
	FILE *f = fopen(path, "r");

	if (f && getdelim(&manual, &len, 0, f) < 0)
		manual = NULL;
	for (int kind = 0; kind < WHATIF_KINDS; kind++) {
		const char *name = whatif_name((enum whatif_kind)kind);

		snprintf(line, sizeof(line), "\n      --%s=", name);
		snprintf(heading, sizeof(heading), "\n*--%s*=", name);
		check(!plan(MORE("--help")) && strstr(get("out"), line) && manual && strstr(manual, heading), name,
		      "it has no documentation");
	}
	free(manual);
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: test_whatif DMEMCTL DIR dmemctl-plan.8.scd\n");
		return 2;
	}
	dmemctl = argv[1];
	tap_start();
	tap_dir(argv[2]);
	RUN(test_refused_buffer);
	RUN(test_refused_pages);
	RUN(test_scattered);
	RUN(test_fragments);
	RUN(test_alignment);
	RUN(test_boundary);
	RUN(test_order);
	RUN(test_sums);
	RUN(test_estimates);
	RUN(test_others);
	RUN(test_boots);
	RUN(test_text);
	RUN(test_regions);
	RUN(test_wrong_size);
	RUN(test_scale);
	RUN(test_pages);
	RUN(test_product);
	RUN(test_huge);
	RUN(test_outlived);
	RUN(test_late_counters);
	RUN(test_late_owner);
	RUN(test_next_run);
	RUN(test_sufficed);
	RUN(test_without);
	RUN(test_add);
	RUN(test_added_below);
	RUN(test_merge);
	RUN(test_split);
	RUN(test_changed_units);
	RUN(test_wrong_changes);
	RUN(test_chart);
	RUN(test_bits);
	RUN(test_placed);
	RUN(test_same_plan);
	RUN(test_documented, argv[3]);
	tap_dir(argv[2]);
	return tap_end();
}
