// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "dmemctl plan" with changes: histories whose answer can be calculated by hand, and random loads
 * compared with a bitmap.
 *
 * test_whatif DMEMCTL DIR
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* A number of the region, or of its trial. */
static ull of_region(const char *region, const char *key)
{
	return number(region, "", key);
}

static ull of_trial(const char *key)
{
	return number("\"region\"", "\"trial\":{", key);
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

/* ---- random loads ---- */

/* A history in memory. */
static ssize_t read_text(void *data, size_t file, uint64_t offset, void *buf, size_t len)
{
	const struct dmem_text *t = data;
	size_t n = offset < t->len ? t->len - (size_t)offset : 0;

	(void)file;
	n = n < len ? n : len;
	memcpy(buf, t->s + offset, n);
	return (ssize_t)n;
}

/* The plan of a history, with trials of @size for all regions. */
static bool plan_text(struct dmem_text *t, uint64_t size, struct model *m, struct needs *n)
{
	uint64_t sizes[8];
	const struct needs_options o = {
		.quantile = 1, .block = DMEM_UNKNOWN, .align_order = ORDER, .size = sizes,
	};
	uint64_t length = t->len;

	for (size_t i = 0; i < 8; i++)
		sizes[i] = size;
	*m = (struct model){ .in = { read_text, t } };
	*n = (struct needs){ 0 };
	return !model_add(m, 0, 0, &length) && !model_sort(m) && m->n_regions <= 8 && !needs_find(n, m, &o) && n->n == 1;
}

/* The load, with a sample after every @each ops. */
static void write_load(struct dmem_text *t, const struct load *l, const char *region, bool buffers, size_t each)
{
	uint64_t use[LOAD_SERVICES] = { 0 }, all = 0;
	char items[16384];
	int at = 0;

	start(t, "aaaaaaaa", region, buffers);
	for (size_t i = 0; i < l->n; i++) {
		const struct load_op *op = &l->op[i];

		use[op->service] += op->free ? -op->pages * PAGE : op->pages * PAGE;
		all += op->free ? -op->pages * PAGE : op->pages * PAGE;
		if (buffers && op->free)
			at += snprintf(items + at, sizeof(items) - (size_t)at, " f%zu", 100 + op->buffer);
		else if (buffers)
			at += snprintf(items + at, sizeof(items) - (size_t)at, " b%zu=%u.0,%llu", 100 + i, op->service,
				       (ull)op->pages * PAGE);
		if ((i + 1) % each && i + 1 < l->n)
			continue;
		items[at] = 0;
		past_look(t, 2000 + i * 1000, "r0=%llu c0.0=%llu c1.0=%llu c2.0=%llu%s", (ull)all, (ull)use[0],
			  (ull)use[1], (ull)use[2], items);
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

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct dmem_text t = { 0 };

		load_make(&l, seed, BUDGET);
		write_load(&t, &l, CAM, true, 1);
		for (uint64_t pages = 300; pages < 5000; pages += 391 + seed) {
			uint64_t want = refused_by_bits(&l, pages);
			struct model m;
			struct needs n;

			tried++;
			some += want > 0;
			if (!plan_text(&t, pages * PAGE + seed, &m, &n) || n.region[0].trial.refused != want ||
			    n.region[0].trial.refused_least != want)
				wrong++;
			needs_free(&n);
			model_free(&m);
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

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct dmem_text t = { 0 };
		uint64_t placed = 0;

		load_make(&l, seed, BUDGET);
		write_load(&t, &l, region, buffers, 1 + seed % 7);
		for (int less = -1; less < 2; less++) {
			struct model m;
			struct needs n;

			wrong += !plan_text(&t, less < 0 ? DMEM_UNKNOWN : placed - (uint64_t)less * unit, &m, &n);
			if (less < 0)
				placed = n.region[0].placed;
			else
				wrong += !n.region[0].trial.refused != !less || n.region[0].placed != placed ||
					 n.region[0].trial.smallest < placed;
			needs_free(&n);
			model_free(&m);
		}
		tried++;
		dmem_text_free(&t);
	}
	snprintf(name, sizeof(name), "%s, %s buffers: the placed size is just enough", region, buffers ? "with" : "without");
	check(!wrong && tried == 60, name, "%zu of %zu", wrong, tried);
}

static void test_placed(void)
{
	check_placed(CAM, true, PAGE);
	check_placed(CAM, false, PAGE);
	check_placed(VRAM, true, 1);
	check_placed(VRAM, false, 1);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: test_whatif DMEMCTL DIR\n");
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
	RUN(test_bits);
	RUN(test_placed);
	tap_dir(argv[2]);
	return tap_end();
}
