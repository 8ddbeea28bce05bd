// SPDX-License-Identifier: GPL-2.0-or-later
/* "dmemctl plan" on histories whose answer is known. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmemctl/plan/firstfit.h"
#include "dmemctl/plan/needs.h"
#include "dmem/dmem.h"
#include "tap.h"
#include "load.h"
#include "past.h"

#define MIB		(1024 * 1024ull)
#define CAM		"cma/camera@64000000"
#define A		"system.slice/a.service"
#define B		"system.slice/b.service"
#define C		"system.slice/c.service"
#define BUDGET		6000
#define BITS		20000
#define ORDER		8

typedef unsigned long long ull;

static const char *dmemctl, *top;

/* ---- where buffers go: as mm/cma.c does it, bit by bit ---- */

struct bits {
	bool set[BITS];
	size_t n;		/* pages of the area */
};

static size_t align_mask(uint64_t pages)
{
	size_t align = 1;

	while (align < pages && align < 1 << ORDER)
		align *= 2;
	return align - 1;
}

/* The page, or BITS: there is no room. */
static size_t take_bits(struct bits *b, uint64_t pages)
{
	size_t mask = align_mask(pages), start = 0, i;

	for (;;) {
		while (start < b->n && b->set[start])
			start++;
		start = (start + mask) & ~mask;
		if (start + pages > b->n)
			return BITS;
		for (i = start; i < start + pages && !b->set[i]; i++)
			;
		if (i == start + pages)
			break;
		start = i + 1;
	}
	for (i = start; i < start + pages; i++)
		b->set[i] = true;
	return start;
}

/* Does the load fit in an area of @n pages? *@high: up to where it went. */
static bool fits(const struct load *l, size_t n, uint64_t *high)
{
	static struct bits b;
	size_t at[LOAD_OPS];

	memset(&b, 0, sizeof(b));
	b.n = n;
	*high = 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct load_op *op = &l->op[i];

		if (op->free) {
			memset(b.set + at[op->buffer], 0, op->pages);
			continue;
		}
		at[i] = take_bits(&b, op->pages);
		if (at[i] == BITS)
			return false;
		if (at[i] + op->pages > *high)
			*high = at[i] + op->pages;
	}
	return true;
}

static uint64_t first_fit(const struct load *l)
{
	struct firstfit f = { .align_order = ORDER };
	uint64_t high;

	for (size_t i = 0; i < l->n; i++) {
		if (l->op[i].free)
			firstfit_free(&f, 1, l->op[i].buffer);
		else
			firstfit_alloc(&f, 1, i, l->op[i].pages);
	}
	high = f.high;
	firstfit_end(&f);
	return high;
}

static void placing(void)
{
	size_t wrong = 0, above = 0;
	struct load l;

	for (uint64_t seed = 1; seed <= 300; seed++) {
		uint64_t high, less, peak = 0, now = 0;

		load_make(&l, seed, BUDGET);
		for (size_t i = 0; i < l.n; i++) {
			now += l.op[i].free ? -l.op[i].pages : l.op[i].pages;
			peak = now > peak ? now : peak;
		}
		if (!fits(&l, BITS, &high) || first_fit(&l) != high) {
			wrong++;
			continue;
		}
		/* And so no other size needs to be tried. */
		wrong += !fits(&l, high, &less) || fits(&l, high - 1, &less);
		above += high > peak;
	}
	check(!wrong, "buffers go where a bitmap has them, and fit in no smaller area", "%zu of 300", wrong);
	check(above > 200, "which is more than their sum", "%zu of 300", above);
	check(firstfit_alignment(1, 8) == 1 && firstfit_alignment(3, 8) == 4 &&
	      firstfit_alignment(256, 8) == 256 && firstfit_alignment(257, 8) == 256 &&
	      firstfit_alignment(257, 9) == 512, "alignment ends at the order of the configuration", "no");
}

/* Errors in a load of that shape: each op must be possible, and regions must not exceed the budget. */
static size_t shape_errors(const struct load *l, const struct load_shape *s)
{
	bool exists[LOAD_OPS] = { false };
	size_t wrong = l->n != LOAD_OPS;

	for (size_t i = 0; i < l->n; i++) {
		const struct load_op *op = &l->op[i], *made = &l->op[op->buffer];

		wrong += op->service >= s->services || op->region >= s->regions || !op->pages ||
			 op->pages > (1791 + s->per_page - 1) / s->per_page;
		if (!op->free)
			wrong += op->buffer != i;
		else
			wrong += !exists[op->buffer] || made->pages != op->pages || made->service != op->service ||
				 made->region != op->region;
		exists[op->buffer] = !op->free;
	}
	for (unsigned int r = 0; r < s->regions; r++)
		wrong += load_peak(l, r, LOAD_ALL) > s->budget || !load_peak(l, r, LOAD_ALL);
	return wrong;
}

/* The loads that the guest compares with the kernel. */
static void shapes(void)
{
	size_t wrong = 0, services[LOAD_MOST_SERVICES + 1] = { 0 }, regions[LOAD_REGIONS + 1] = { 0 };
	struct load_shape s;
	struct load l;

	for (size_t n = 0; n < LOADS; n++) {
		for (uint64_t page = 4096; page <= 65536; page *= 4) {
			load_shape(&s, n, page);
			load_make_shape(&l, 20261100 + n, &s);
			wrong += shape_errors(&l, &s);
		}
		services[s.services]++;
		regions[s.regions]++;
	}
	check(!wrong, "each op of a load with a shape is possible", "%zu are not", wrong);
	wrong = 0;
	for (size_t i = 1; i <= LOAD_MOST_SERVICES; i++)
		wrong += services[i] < 3;
	for (size_t i = 1; i <= LOAD_REGIONS; i++)
		wrong += regions[i] < 13;
	check(!wrong, "there are loads of each number of services and regions", "%zu numbers lack some", wrong);
}

static void shape_places(void)
{
	size_t wrong = 0, above = 0;
	struct load_shape s;
	struct load l;

	for (size_t n = 0; n < LOADS; n++) {
		uint64_t high;

		load_shape(&s, n, 4096);
		load_make_shape(&l, 20261100 + n, &s);
		load_keep_region(&l, 0);
		if (!fits(&l, BITS, &high) || first_fit(&l) != high)
			wrong++;
		above += high > load_peak(&l, 0, LOAD_ALL);
	}
	check(!wrong && above > LOADS / 2, "buffers of all sizes go where a bitmap has them",
	      "%zu do not, %zu need more than their sum", wrong, above);
}

/* a has 3 pages in region 0 and 4 in region 1, b has 5 in region 0. */
static void changed_loads(void)
{
	struct load all = { .n = 4, .op = {
		{ .service = 0, .buffer = 0, .pages = 3 }, { .service = 0, .buffer = 1, .pages = 4, .region = 1 },
		{ .service = 0, .buffer = 0, .pages = 3, .free = true }, { .service = 1, .buffer = 3, .pages = 5 },
	} }, l = all;

	check(load_peak(&l, 0, LOAD_ALL) == 5 && load_peak(&l, 0, 0) == 3 && load_peak(&l, 1, LOAD_ALL) == 4,
	      "the peak of a load is the most at once", "%llu", (ull)load_peak(&l, 0, LOAD_ALL));
	check(load_same_kind(&l, 0) == 2 && load_same_kind(&l, 2) == 3 && load_same_kind(&l, 3) == 4,
	      "ops of one kind end where the other kind begins", "%zu", load_same_kind(&l, 0));
	load_scale(&l, 0, 3);
	check(l.op[0].pages == 5 && l.op[1].pages == 6 && l.op[2].pages == 5 && l.op[3].pages == 5,
	      "a scaled load has whole pages", "%llu", (ull)l.op[0].pages);
	load_move(&l, 0, 2, 1);
	check(l.op[3].region == 2 && !l.op[0].region, "buffers of one service move to another region", "%u",
	      l.op[3].region);
	l = all;
	load_leave_out(&l, 0);
	check(load_peak(&l, 0, LOAD_ALL) == 5 && !load_peak(&l, 1, LOAD_ALL) && load_same_kind(&l, 0) == 4,
	      "a service can be left out of a load", "%llu", (ull)load_peak(&l, 1, LOAD_ALL));
	l = all;
	load_keep_region(&l, 1);
	check(!load_peak(&l, 0, LOAD_ALL) && load_peak(&l, 1, LOAD_ALL) == 4, "one region of a load can be kept",
	      "%llu", (ull)load_peak(&l, 0, LOAD_ALL));
}

static void giving_back(void)
{
	struct firstfit f = { .align_order = ORDER };

	firstfit_alloc(&f, 1, 1, 4);
	firstfit_alloc(&f, 1, 2, 8);
	firstfit_alloc(&f, 2, 3, 8);
	firstfit_alloc(&f, 1, 4, 2);
	firstfit_give_back(&f, 1, 8);
	check(f.n == 3 && firstfit_from(&f, 0)->id == 1, "what is given back is a buffer of that size", "%zu", f.n);
	firstfit_give_back(&f, 1, 3);
	check(f.n == 2 && firstfit_from(&f, 0)->id == 1 && firstfit_from(&f, 0)->pages == 3, "or the last ones, in part", "%zu",
	      f.n);
	firstfit_give_back(&f, 1, 100);
	check(f.n == 1 && firstfit_from(&f, 0)->owner == 2 && firstfit_free(&f, 1, 1) == -ENOENT, "and no more than there is",
	      "%zu", f.n);
	firstfit_end(&f);
}

/* ---- running it ---- */

#define MORE(...)	((const char * const []){ __VA_ARGS__, NULL })

static int plan(const char * const *more)
{
	const char *argv[24] = { dmemctl, "plan" };
	size_t n = 2;

	for (; *more && n < 23; more++)
		argv[n++] = *more;
	return run(argv);
}

static int plan_of(const char *rel, const char *o1, const char *o2)
{
	return plan(o2 ? MORE(o1, o2, tap_path(rel)) : o1 ? MORE(o1, tap_path(rel)) : MORE(tap_path(rel)));
}

/* A number of the last plan's JSON: the first after @after. */
static ull json(const char *after, const char *key)
{
	const char *at = strstr(get("out"), after);
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = at ? strstr(at, quoted) : NULL;
	return at ? strtoull(at + strlen(quoted), NULL, 10) : 0xdeadbeef;
}

static void start(struct dmem_text *t, const char *boot, bool buffers)
{
	past_head(t, boot, 1000, 1000, buffers);
	past_region(t, 0, CAM);
	past_cgroup(t, 0, 1, A);
	past_cgroup(t, 1, 2, B);
	past_cgroup(t, 2, 3, C);
	past_look(t, 1000, "r0=0,0,-,%llu c0.0=0 c1.0=0 c2.0=0", 40 * MIB);
}

/* The load as a recorder would see it that takes a sample after each op. */
static void write_load(const struct load *l, const char *rel, const char *boot, bool buffers)
{
	uint64_t use[LOAD_SERVICES] = { 0 }, all = 0;
	struct dmem_text t = { 0 };

	start(&t, boot, buffers);
	for (size_t i = 0; i < l->n; i++) {
		const struct load_op *op = &l->op[i];
		uint64_t change = op->free ? -op->pages * 4096 : op->pages * 4096;
		char buffer[64] = "";

		use[op->service] += change;
		all += change;
		if (buffers && op->free)
			snprintf(buffer, sizeof(buffer), " f%zu", 100 + op->buffer);
		else if (buffers)
			snprintf(buffer, sizeof(buffer), " b%zu=%u.0,%llu", 100 + i, op->service,
				 (ull)op->pages * 4096);
		past_look(&t, 2000 + i * 1000, "r0=%llu c%u.0=%llu%s", (ull)all, op->service,
			  (ull)use[op->service], buffer);
	}
	past_write(&t, rel);
}

static void loads(void)
{
	size_t wrong = 0, low = 0, tried = 0;
	struct load l;

	for (uint64_t seed = 1000; seed < 1040; seed++) {
		uint64_t high;
		ull size;

		load_make(&l, seed, BUDGET);
		fits(&l, BITS, &high);
		write_load(&l, "load", "aaaaaaaa", true);
		if (plan_of("load", "--json", "--headroom=0")) {
			wrong++;
			continue;
		}
		size = json(CAM, "size");
		wrong += json(CAM, "need") != high * 4096 || json(CAM, "placed_least") != high * 4096 ||
			 size < high * 4096 || size >= high * 4096 + 4 * MIB || size % (4 * MIB);
		write_load(&l, "load", "aaaaaaaa", false);
		wrong += plan_of("load", "--json", "--headroom=0");
		low += json(CAM, "need") < high * 4096;
		wrong += json(CAM, "need") < json(CAM, "together");
		tried++;
	}
	check(tried == 40 && !wrong, "of recorded buffers, what is needed is what a bitmap needs, and the "
	      "size is that in whole blocks", "%zu of %zu", wrong, tried);
	printf("# by counters alone, %zu of %zu needs are too low\n", low, tried);
	check(low < tried / 2, "by counters alone, it is near", "%zu of %zu are too low", low, tried);
}

/* ---- histories whose answer one can see ---- */

static void turns(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", false);
	for (ull s = 0; s < 10; s++)
		past_look(&t, 2000 + s * 1000, "r0=%llu c0.0=%llu c1.0=%llu", 16 * MIB, s % 2 ? 0 : 16 * MIB,
			  s % 2 ? 16 * MIB : 0);
	past_end(&t, 12000);
	past_write(&t, "turns");
	check(!plan_of("turns", "--json", "--headroom=0"), "two that take turns", "%s", get("err"));
	check(json(CAM, "together") == 16 * MIB && json(CAM, "all_peaks") == 32 * MIB &&
	      json(CAM, "placed_least") == 16 * MIB, "need what one of them needs", "%s", get("out"));
	/* The order is not known, so both may exist at the same time. */
	check(json(CAM, "size") == 32 * MIB, "but both, if one comes before the other goes", "%s", get("out"));
	check(!plan_of("turns", "--headroom=0", NULL) && strstr(get("out"),
								"if buffers freed between two samples"),
	      "of which the text tells", "%s", get("out"));

	start(&t, "aaaaaaaa", false);
	past_look(&t, 2000, "c0.0=%llu", 16 * MIB);
	past_look(&t, 3000, "c0.0=0");
	past_look(&t, 4000, "c1.0=%llu", 12 * MIB);
	past_look(&t, 5000, "c1.0=0 c2.0=%llu", 2 * MIB);
	past_end(&t, 6000);
	past_write(&t, "turns");
	plan_of("turns", "--json", "--headroom=0");
	check(json(CAM, "size") == 16 * MIB && strstr(get("out"), "\"conflicts\":[{\"services\":[\"a.service\","
	      "\"b.service\"],\"peaks\":29360128,") &&
	      strstr(get("out"), ",{\"services\":[\"a.service\",\"c.service\"],\"peaks\":18874368,"),
	      "those that do not fit together are named", "%s", get("out"));
	check(json("a.service", "min") == 16 * MIB && json("b.service", "min") == 12 * MIB,
	      "a region that keeps its size has room for all reservations", "%s", get("out"));
	plan(MORE("--json", "--headroom=0", "--shrink", tap_path("turns")));
	check(json("a.service", "min") == 0 && strstr(get("out"), "\"reserved_part\":0.0000"),
	      "and nothing can be kept free for them in a smaller one", "%s", get("out"));
	plan_of("turns", "--headroom=0", "--shrink");
	check(strstr(get("out"), "    28M  a.service + b.service\n") && strstr(get("out"), "services take turns"),
	      "the text says so", "%s", get("out"));
}

/* Counters are read before buffers are searched: each sample has the charge of a buffer that the next
 * one sees. Buffers of 1M, 2M, 1M and 3M need 7M. */
static void seen_later(void)
{
	static const ull size[] = { 1 * MIB, 2 * MIB, 1 * MIB, 3 * MIB };
	struct dmem_text t = { 0 };
	ull charge = 0;

	start(&t, "aaaaaaaa", true);
	for (ull i = 0; i < 4; i++) {
		char buffer[64] = "";

		charge += size[i];
		if (i)
			snprintf(buffer, sizeof(buffer), " b%llu=0.0,%llu", 100 + i, size[i - 1]);
		past_look(&t, 2000 + i * 1000, "r0=%llu c0.0=%llu%s", charge, charge, buffer);
	}
	past_look(&t, 6000, "b104=0.0,%llu", size[3]);
	past_end(&t, 8000);
	past_write(&t, "later");
	plan_of("later", "--json", "--headroom=0");
	check(json(CAM, "placed") == 7 * MIB &&
	      json(CAM, "placed_least") == 7 * MIB, "a buffer that is seen after its charge has one place",
	      "%llu of 7340032", json(CAM, "placed"));

	/* Two buffers of one charge: the one that is seen first was first, so it leaves a gap of 1M at
	 * the start, in which 2M have no place. */
	start(&t, "aaaaaaaa", true);
	past_look(&t, 2000, "r0=%llu c0.0=%llu", 2 * MIB, 2 * MIB);
	past_look(&t, 3000, "b101=0.0,%llu", 1 * MIB);
	past_look(&t, 4000, "b102=0.0,%llu", 1 * MIB);
	past_look(&t, 5000, "f101 r0=%llu c0.0=%llu", 1 * MIB, 1 * MIB);
	past_look(&t, 6000, "r0=%llu c0.0=%llu b103=0.0,%llu", 3 * MIB, 3 * MIB, 2 * MIB);
	past_end(&t, 8000);
	past_write(&t, "later");
	plan_of("later", "--json", "--headroom=0");
	check(json(CAM, "placed") == 4 * MIB && json(CAM, "placed_least") == 4 * MIB,
	      "of buffers that are seen after their charge, the first one was first", "%llu of 4194304",
	      json(CAM, "placed"));

	/* Memory without buffers was there for two samples, so a buffer of the same size is another. */
	start(&t, "aaaaaaaa", true);
	past_look(&t, 2000, "r0=%llu c0.0=%llu", 1 * MIB, 1 * MIB);
	past_look(&t, 3000, "c1.0=0,1");
	past_look(&t, 4000, "r0=%llu c0.0=%llu b101=0.0,%llu", 2 * MIB, 2 * MIB, 1 * MIB);
	past_look(&t, 5000, "f101 r0=%llu c0.0=%llu", 1 * MIB, 1 * MIB);
	past_look(&t, 6000, "r0=%llu c0.0=%llu b102=0.0,%llu", 3 * MIB, 3 * MIB, 2 * MIB);
	past_end(&t, 8000);
	past_write(&t, "later");
	plan_of("later", "--json", "--headroom=0");
	check(json(CAM, "placed") == 3 * MIB,
	      "memory without buffers keeps its place when a buffer comes", "%llu of 3145728", json(CAM, "placed"));

	/* A buffer explains no charge of later samples, and none after it is freed. */
	start(&t, "aaaaaaaa", true);
	past_look(&t, 2000, "r0=%llu c0.0=%llu b101=0.0,%llu", 1 * MIB, 1 * MIB, 1 * MIB);
	past_look(&t, 3000, "r0=%llu c0.0=%llu", 2 * MIB, 2 * MIB);
	past_look(&t, 4000, "f101 r0=%llu c0.0=%llu", 1 * MIB, 1 * MIB);
	past_look(&t, 5000, "r0=%llu c0.0=%llu b102=0.0,%llu", 4 * MIB, 4 * MIB, 3 * MIB);
	past_end(&t, 8000);
	past_write(&t, "later");
	plan_of("later", "--json", "--headroom=0");
	check(json(CAM, "placed") == 5 * MIB &&
	      json(CAM, "placed_least") == 4 * MIB, "memory without buffers comes after a buffer, and is not that",
	      "%s", get("out"));
}

/* Each two fit, and all three do not. */
static void three(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", false);
	past_look(&t, 2000, "c0.0=%llu c1.0=%llu", 3 * MIB, 4 * MIB);
	past_look(&t, 3000, "c0.0=0");
	past_look(&t, 4000, "c2.0=%llu", 2 * MIB);
	past_end(&t, 5000);
	past_write(&t, "three");
	check(!plan_of("three", "--json", "--headroom=0") && json(CAM, "size") == 8 * MIB &&
	      strstr(get("out"), "\"conflicts\":[{\"services\":[\"b.service\",\"a.service\",\"c.service\"],"
		     "\"peaks\":9437184,"), "three of which each two fit", "%s", get("out"));
}

/* a has 8M mostly, and 12M for a while; b has 4M. Several tests read it. */
static void write_usual(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", false);
	past_look(&t, 2000, "c0.0=%llu c1.0=%llu", 8 * MIB, 4 * MIB);
	past_look(&t, 12000, "c0.0=%llu", 12 * MIB);
	past_look(&t, 15000, "c0.0=%llu", 8 * MIB);
	past_look(&t, 16000, "c0.0=0");
	past_look(&t, 56000, "c1.0=0");
	past_end(&t, 60000);
	past_write(&t, "usual");
}

static void reservations(void)
{
	check(!plan_of("usual", "--json", "--headroom=25"), "usage that is usual", "%s", get("err"));
	check(json("a.service", "usual") == 8 * MIB && json("a.service", "peak") == 12 * MIB &&
	      json("a.service", "max") == 15 * MIB && json("a.service", "min") == 8 * MIB,
	      "half of the time in which there was any", "%s", get("out"));
	check(json(CAM, "need") == 16 * MIB && json(CAM, "size") == 20 * MIB, "and the region",
	      "%s", get("out"));
}

/* Of one sample it is not known how long it stayed so. */
static void one_sample(void)
{
	struct dmem_text t = { 0 };

	for (ull end = 0; end < 3; end++) {
		start(&t, "aaaaaaaa", false);
		past_look(&t, 2000, "c0.0=%llu c1.0=%llu", 8 * MIB, 4 * MIB);
		if (end)
			past_end(&t, 1999 + end);
		past_write(&t, "one");
		check(!plan_of("one", "--json", "--headroom=0") && json("a.service", "usual") == 8 * MIB &&
		      json("a.service", "min") == 8 * MIB && json("b.service", "usual") == 4 * MIB,
		      end == 2 ? "the usual amount of a sample that stayed for 1 ms" :
		      end ? "is that of a sample at whose time the recording ended" : "and of one without an end",
		      "%s%s", get("out"), get("err"));
	}
	/* A time that is known counts, and one that is not counts for nothing. */
	start(&t, "aaaaaaaa", false);
	past_look(&t, 2000, "c0.0=%llu", 4 * MIB);
	past_look(&t, 9000, "c0.0=%llu", 8 * MIB);
	past_end(&t, 9000);
	past_write(&t, "one");
	check(!plan_of("one", "--json", "--headroom=0") && json("a.service", "usual") == 4 * MIB,
	      "the last sample does not outweigh those that stayed", "%s", get("out"));
}

/* A region whose buffers are placed by no CMA. */
static void method(void)
{
	static const char * const regions[] = { "drm/0000:03:00.0/vram0", "heap/system", CAM };
	static const char busy[] = "CMA moves a buffer";
	struct dmem_text t = { 0 };

	for (int i = 0; i < 3; i++) {
		tap_case("%s", regions[i]);
		past_head(&t, "aaaaaaaa", 1000, 1000, false);
		past_region(&t, 0, regions[i]);
		past_region(&t, 1, "cma/unused");
		past_cgroup(&t, 0, 1, A);
		past_look(&t, 1000, "r0=%llu,0,-,%llu c0.0=%llu", MIB, 40 * MIB, MIB);
		past_end(&t, 2000);
		past_write(&t, "method");
		check(!plan_of("method", NULL, NULL) && strstr(get("out"),
							       "How these figures are calculated") &&
		      !strstr(get("out"), busy) == (i < 2), i < 2 ? "no remark about CMA without an area of CMA" :
		      "a remark about busy pages of CMA", "%s", get("out"));
	}
}

static void boots(void)
{
	struct dmem_text t = { 0 };
	char name[32];

	for (ull i = 1; i <= 10; i++) {
		snprintf(name, sizeof(name), "many/m%llu/record", i);
		start(&t, (char [9]){ 'b', (char)('0' + i % 10), 'a', 'a', 'a', 'a', 'a', 'a', 0 }, false);
		past_look(&t, 2000, "c0.0=%llu", i * MIB);
		past_end(&t, 3000);
		past_write(&t, name);
	}
	put("many/README", "This is no history.\n");
	link_to("many/link", "/dev/null");
	check(!plan(MORE("--json", "--headroom=0", "--block=1M", tap_path("many"))) && !*get("err"),
	      "a directory of many machines", "%s", get("err"));
	check(json("", "histories") == 10 && json("", "boots") == 10 && json(CAM, "need") == 10 * MIB &&
	      json("a.service", "runs") == 10 && json("a.service", "max") == 10 * MIB, "the largest counts",
	      "%s", get("out"));
	check(!plan(MORE("--json", "--headroom=0", "--block=1M", "--quantile=0.5", tap_path("many"))) &&
	      json(CAM, "need") == 5 * MIB && json("a.service", "max") == 5 * MIB, "or a quantile", "%s",
	      get("out"));
}

static void peaks(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", false);
	past_look(&t, 2000, "c0.0=%llu,%llu,0,2,1,4 c1.0=%llu", 4 * MIB, 7 * MIB, MIB);
	/* Without the counters behind the last one that has changed. */
	past_look(&t, 2500, "c0.0=%llu,%llu,0,3", 4 * MIB, 7 * MIB);
	past_end(&t, 3000);
	/* Its last peak, when it stopped. */
	past_head(&t, "aaaaaaaa", 3000, 0, false);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 2, B);
	past_look(&t, 3000, "c0.0=%llu,%llu", 9 * MIB, 3 * MIB);
	past_end(&t, 3000);
	past_write(&t, "peaks");
	check(!plan_of("peaks", "--json", "--headroom=0"), "peaks", "%s", get("err"));
	check(json("a.service", "peak") == 7 * MIB && json(CAM, "together") == 5 * MIB,
	      "the kernel's peak, and what was seen", "%s", get("out"));
	check(json("b.service", "runs") == 1 && json("b.service", "peak") == 9 * MIB,
	      "the record at its stop is of the same life", "%s", get("out"));
	check(json(CAM, "never_seen") == 11 * MIB && json(CAM, "need") == 16 * MIB, "what was not seen is added",
	      "%s", get("out"));
	check(json("a.service", "refused") == 8 && !plan_of("peaks", NULL, NULL) &&
	      strstr(get("out"), "8 requests were refused"), "refusals are told of", "%s", get("out"));
}

/* Only the peak of a service at its stop was recorded. */
static void only_stops(void)
{
	struct dmem_text t = { 0 };

	for (ull i = 0; i < 2; i++) {
		past_head(&t, "aaaaaaaa", 3000 + i, 0, false);
		past_region(&t, 0, CAM);
		past_cgroup(&t, 0, 2 + i, A);
		past_look(&t, 3000 + i, "c0.0=0,%llu", (5 + i) * MIB);
		past_end(&t, 3000 + i);
	}
	past_write(&t, "stops");
	check(!plan_of("stops", "--json", "--headroom=0") && json("a.service", "peak") == 6 * MIB &&
	      json("a.service", "runs") == 2 && json(CAM, "together") == 0 && json(CAM, "size") == 8 * MIB,
	      "records at stops alone", "%s%s", get("out"), get("err"));
}

/* The slice is charged for its services; only its own charge counts in addition. */
static void slices(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 1000, 1000, false);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "system.slice");
	past_cgroup(&t, 1, 2, A);
	past_cgroup(&t, 2, 3, B);
	past_look(&t, 1000, "r0=%llu,%llu,-,%llu c0.0=%llu c1.0=%llu c2.0=%llu", 9 * MIB, 2 * MIB, 40 * MIB,
		  8 * MIB, 4 * MIB, 3 * MIB);
	past_look(&t, 9000, "r0=%llu", 9 * MIB);
	past_write(&t, "slices");
	check(!plan_of("slices", "--json", "--headroom=0") && json(CAM, "together") == 11 * MIB &&
	      json(CAM, "unaccounted") == 2 * MIB && !strstr(get("out"), "\"system.slice\""),
	      "what is in a slice counts once, with the others' and the kernel's", "%s", get("out"));
}

/* A buffer is there before its cgroup is watched: it is one all the same. */
static void late_payer(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", true);
	past_look(&t, 2000, "r0=%llu b7=-.0,8388608", 8 * MIB);
	past_look(&t, 3000, "c0.0=%llu b7=0.0,8388608", 8 * MIB);
	past_look(&t, 4000, "r0=%llu c1.0=%llu b9=1.0,4194304", 12 * MIB, 4 * MIB);
	past_look(&t, 5000, "r0=0 c0.0=0 c1.0=0 f7 f9");
	past_end(&t, 6000);
	past_write(&t, "late");
	check(!plan_of("late", "--json", "--headroom=0") && json(CAM, "need") == 12 * MIB,
	      "a buffer whose payer is known later counts once", "%s%s", get("out"), get("err"));
}

/* A segment names all existing cgroups and buffers: others were removed meanwhile. */
static void segments(void)
{
	struct dmem_text t = { 0 };

	for (int buffers = 0; buffers < 2; buffers++) {
		tap_case("%s buffers", buffers ? "with" : "without");
		start(&t, "aaaaaaaa", buffers);
		past_look(&t, 2000, buffers ? "c0.0=%llu b7=0.0,8388608" : "c0.0=%llu", 8 * MIB);
		past_write(&t, "segments.1");
		past_head(&t, "aaaaaaaa", 3000, 1000, buffers);
		past_region(&t, 0, CAM);
		past_cgroup(&t, 0, 2, B);
		past_look(&t, 3000, "r0=0,0,-,%llu c0.0=0", 40 * MIB);
		past_look(&t, 4000, buffers ? "c0.0=%llu b9=0.0,8388608" : "c0.0=%llu", 8 * MIB);
		past_end(&t, 5000);
		past_write(&t, "segments");
		check(!plan_of("segments", "--json", "--headroom=0") && json(CAM, "need") == 8 * MIB &&
		      json("a.service", "peak") == 8 * MIB && json("b.service", "peak") == 8 * MIB,
		      "a cgroup that a segment does not name is gone", "%s%s", get("out"), get("err"));
	}
	tap_case("%s", "");
	check(!plan_of("segments.1", "--json", NULL) && !strstr(get("out"), "b.service"),
	      "the older segment alone has a plan",
	      "%s", get("err"));
}

/* Counters and buffers are not read at one moment. */
static void between(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", true);
	past_look(&t, 2000, "c0.0=%llu b7=0.0,4194304", 4 * MIB);
	past_look(&t, 3000, "f7");
	past_look(&t, 4000, "c0.0=0");
	past_look(&t, 5000, "c1.0=%llu", 4 * MIB);
	past_look(&t, 6000, "b8=1.0,4194304");
	past_end(&t, 7000);
	past_write(&t, "between");
	check(!plan_of("between", "--json", "--headroom=0") && json(CAM, "need") == 4 * MIB,
	      "a buffer whose counter is late is no second one", "%s", get("out"));
	/* It is charged, filled with zeros for three looks, and only then a buffer. */
	start(&t, "aaaaaaaa", true);
	past_look(&t, 2000, "c0.0=%llu", 4 * MIB);
	past_look(&t, 3000, "c1.0=4096 b6=1.0,4096");
	past_look(&t, 4000, "c1.0=8192 b7=1.0,4096");
	past_look(&t, 5000, "b8=0.0,4194304");
	past_look(&t, 6000, "c0.0=0 f8");
	past_end(&t, 7000);
	past_write(&t, "between");
	check(!plan_of("between", "--json", "--headroom=0") && json(CAM, "need") == 4 * MIB + 8192,
	      "nor is one that was charged before", "%s", get("out"));
	start(&t, "aaaaaaaa", true);
	past_look(&t, 2000, "c0.0=%llu b7=0.0,4194304", 6 * MIB);
	past_look(&t, 3000, "c1.0=4096");
	past_end(&t, 7000);
	past_write(&t, "between");
	check(!plan_of("between", "--json", "--headroom=0") && json(CAM, "need") == 6 * MIB + 4096,
	      "what no buffer explains is there all the same", "%s", get("out"));
}

/* ---- whose memory it is, and when ---- */

/* Nobody has told of the service when its buffers are there. */
static void late_service(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 1000, 1000, true);
	past_region(&t, 0, CAM);
	past_look(&t, 1000, "r0=0,0,-,%llu", 40 * MIB);
	past_look(&t, 2000, "r0=%llu b1=-.0,4194304 b2=-.0,4194304", 8 * MIB);
	past_cgroup(&t, 0, 1, A);
	past_look(&t, 42000, "r0=%llu c0.0=%llu b1=0.0,4194304 b2=0.0,4194304", 8 * MIB, 8 * MIB);
	past_cgroup(&t, 1, 2, B);
	past_look(&t, 43000, "r0=%llu c1.0=%llu b3=1.0,12582912", 20 * MIB, 12 * MIB);
	past_end(&t, 50000);
	past_write(&t, "late");
	check(!plan_of("late", "--json", "--headroom=0") && json(CAM, "size") == 20 * MIB &&
	      json("a.service", "min") == 8 * MIB && json("b.service", "min") == 12 * MIB &&
	      strstr(get("out"), "\"reserved_part\":1.0000") && json(CAM, "all_peaks") == 20 * MIB,
	      "a buffer that is told to belong to a service later always did", "%s%s", get("out"), get("err"));
	plan_of("late", "--headroom=0", NULL);
	check(!strstr(get("out"), "can be reserved"), "and all can be reserved", "%s", get("out"));
}

/* The plan's figures for the history: all in use at once, and all ways to place it. */
static void outlived(struct dmem_text *t, ull want, const char *name)
{
	past_end(t, 60000);
	past_write(t, "outlived");
	check(!plan_of("outlived", "--json", "--headroom=0") && !*get("err") &&
	      json(CAM, "together") == want * MIB && json(CAM, "placed") == want * MIB &&
	      json(CAM, "placed_least") == want * MIB && json(CAM, "need") == want * MIB, name, "%s%s",
	      get("out"), get("err"));
}

/* The cgroup goes, and its buffer stays: it is one buffer all the time. */
static void outlived_service(void)
{
	static const char * const gone[][3] = {
		{ "x0", "", "a buffer that outlives its service counts once" },
		{ "b1=-.0,33554432 x0", "", "and where no owner is named any more" },
		{ "x0", "b1=-.0,33554432", "and where none is named later" },
		{ "c0.0=0 b1=-.0,33554432", "", "and where its service stays, and is not charged for it" },
		{ "c0.0=4194304", "", "and where its service is charged for a part of it" },
	};
	static const char * const again[][4] = {
		{ "x0", "c3.0=29360128 b2=3.0,29360128", "", "the buffers of a service that starts again are others" },
		{ "c3.0=29360128 b2=3.0,29360128 x0", "", "", "and in the sample in which the old cgroup goes" },
		{ "x0", "c3.0=29360128", "b2=3.0,29360128", "and where they are charged before" },
		{ "x0", "c3.0=29360128", "", "and where no buffer explains the charge" },
	};
	struct dmem_text t = { 0 };

	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++) {
		start(&t, "aaaaaaaa", true);
		past_look(&t, 2000, "r0=%llu c0.0=%llu b1=0.0,33554432", 32 * MIB, 32 * MIB);
		past_look(&t, 3000, "r0=%llu %s", 32 * MIB, gone[i][0]);
		for (ull s = 4; s < 8; s++)
			past_look(&t, s * 1000, *gone[i][1] ? "r0=%llu %s" : "r0=%llu", 32 * MIB, gone[i][1]);
		past_look(&t, 8000, "r0=0 f1");
		past_look(&t, 9000, "r0=%llu c1.0=%llu b3=1.0,20971520", 20 * MIB, 20 * MIB);
		outlived(&t, 32, gone[i][2]);
	}
	for (size_t i = 0; i < sizeof(again) / sizeof(*again); i++) {
		bool same = strchr(again[i][0], 'c');

		start(&t, "aaaaaaaa", true);
		past_look(&t, 2000, "r0=%llu c0.0=%llu b1=0.0,33554432", 32 * MIB, 32 * MIB);
		past_cgroup(&t, 3, 9, A);
		past_look(&t, 3000, "r0=%llu %s", (same ? 60 : 32) * MIB, again[i][0]);
		past_look(&t, 4000, same ? "r0=%llu" : "r0=%llu %s", 60 * MIB, again[i][1]);
		past_look(&t, 5000, "r0=%llu", 60 * MIB);
		past_look(&t, 6000, *again[i][2] ? "r0=%llu %s" : "r0=%llu", 60 * MIB, again[i][2]);
		past_look(&t, 7000, "r0=%llu f1", 28 * MIB);
		past_look(&t, 8000, "r0=%llu", 28 * MIB);
		outlived(&t, 60, again[i][3]);
	}
}

/* Its buffer is there for several samples before it is told to be the service's. */
static void late_owner(void)
{
	struct dmem_text t = { 0 };

	for (int known = 0; known < 2; known++) {
		past_head(&t, "aaaaaaaa", 1000, 1000, true);
		past_region(&t, 0, CAM);
		if (known)
			past_cgroup(&t, 0, 1, A);
		past_look(&t, 1000, "r0=0,0,-,%llu", 40 * MIB);
		for (ull s = 2; s < 6; s++)
			past_look(&t, s * 1000, known ? "r0=%llu c0.0=33554432 b1=-.0,33554432" :
				  "r0=%llu b1=-.0,33554432", 32 * MIB);
		if (!known)
			past_cgroup(&t, 0, 1, A);
		past_look(&t, 6000, "c0.0=%llu b1=0.0,33554432", 32 * MIB);
		past_look(&t, 7000, "x0");
		past_look(&t, 8000, "r0=%llu", 32 * MIB);
		past_look(&t, 9000, "r0=%llu", 32 * MIB);
		outlived(&t, 32, known ? "a buffer whose charge is recorded long before its owner counts once" :
			 "a buffer whose service is recorded long after it counts once");
	}
}

/* The slice is charged for the buffers of a removed service, until it is removed, too. */
static void outlived_slice(void)
{
	struct dmem_text t = { 0 };

	for (int both = 0; both < 2; both++) {
		past_head(&t, "aaaaaaaa", 1000, 1000, true);
		past_region(&t, 0, CAM);
		past_cgroup(&t, 0, 1, "a.slice");
		past_cgroup(&t, 1, 2, "a.slice/a.service");
		past_look(&t, 1000, "r0=0,0,-,%llu c0.0=0 c1.0=0", 40 * MIB);
		past_look(&t, 2000, "r0=%llu c0.0=%llu c1.0=%llu b1=1.0,33554432", 32 * MIB, 32 * MIB, 32 * MIB);
		past_look(&t, 3000, both ? "x1 x0" : "x1");
		past_look(&t, 4000, "r0=%llu", 32 * MIB);
		past_look(&t, 5000, "r0=%llu", 32 * MIB);
		if (!both)
			past_look(&t, 6000, "x0");
		past_look(&t, 7000, "r0=%llu", 32 * MIB);
		past_look(&t, 8000, "r0=%llu", 32 * MIB);
		outlived(&t, 32, both ? "a buffer that outlives its slice as well counts once" :
			 "a buffer that its slice is charged for counts once");
	}
}

/* Two recorders of one boot, each with its own cgroups; and one of them twice. */
static void overlaps(void)
{
	static const char * const paths[] = { A, B };
	struct dmem_text t = { 0 };
	char name[32];

	for (unsigned int i = 0; i < 2; i++) {
		past_head(&t, "aaaaaaaa", 1000 + i * 500, 1000, false);
		past_region(&t, 0, CAM);
		past_cgroup(&t, 0, 1 + i, paths[i]);
		past_look(&t, 1000 + i * 500, "r0=%llu,0,-,%llu c0.0=%llu", (4 + 2 * i) * MIB, 40 * MIB, (4 - 2 * i) * MIB);
		past_look(&t, 4000 + i * 500, "c0.0=0");
		/* A new segment of one has nothing of the other. */
		past_head(&t, "aaaaaaaa", 5000 + i * 500, 1000, false);
		past_region(&t, 0, CAM);
		past_cgroup(&t, 0, 1 + i, paths[i]);
		past_look(&t, 5000 + i * 500, "r0=%llu c0.0=%llu", 8 * MIB, 3 * MIB);
		past_end(&t, 9000);
		snprintf(name, sizeof(name), "two/%u", i);
		past_write(&t, name);
	}
	check(!plan(MORE("--json", "--headroom=0", tap_path("two"))) && json(CAM, "together") == 8 * MIB &&
	      json("a.service", "peak") == 4 * MIB && json("b.service", "peak") == 3 * MIB &&
	      json(CAM, "boots") == 1, "two recorders of one boot are one boot", "%s%s", get("out"), get("err"));
	check(json("a.service", "usual") == 3 * MIB && json("b.service", "usual") == 3 * MIB,
	      "and each has what it is told to have", "%s", get("out"));
	check(!plan(MORE("--json", "--headroom=0", tap_path("two"), tap_path("two/1"))) &&
	      json(CAM, "together") == 8 * MIB && json("b.service", "runs") == 1, "a history twice counts once", "%s",
	      get("out"));
}

/* A board without a clock of its own. */
static void clocks(void)
{
	struct dmem_text t = { 0 };

	for (int early = 0; early < 2; early++) {
		start(&t, "aaaaaaaa", false);
		past_look_at(&t, 2000, 5000, "c0.0=%llu", (early ? 30 : 4) * MIB);
		past_look_at(&t, 30000, 1795600030000, "c0.0=%llu", (early ? 4 : 30) * MIB);
		past_end(&t, 31000);
		past_write(&t, "clock");
		check(!plan_of("clock", "--json", NULL) &&
		      json(CAM, "worst_time") == (early ? 1795600002000 : 1795600030000),
		      early ? "the time of a sample before the clock was set" : "the time of a sample is its own",
		      "%s", get("out"));
	}
	/* Set once more, after the sample that counts */
	start(&t, "aaaaaaaa", false);
	past_look_at(&t, 2000, 1795600002000, "c0.0=%llu", 30 * MIB);
	past_look_at(&t, 30000, 1795700030000, "c0.0=0");
	past_end(&t, 31000);
	past_write(&t, "set");
	check(!plan_of("set", "--json", NULL) && json(CAM, "worst_time") == 1795600002000,
	      "a clock that is set later changes no time before", "%s", get("out"));
	check(!plan_of("clock", NULL, NULL) && strstr(get("out"), "(2026-11-25 09:46:42 UTC)"), "in the text as well",
	      "%s", get("out"));
}

/* It has asked, and never got any. */
static void refused_only(void)
{
	struct dmem_text t = { 0 };
	char dir[4096];

	start(&t, "aaaaaaaa", false);
	past_look(&t, 2000, "c0.0=%llu c1.0=0,0,3,3,0,0,4194304", MIB);
	past_end(&t, 3000);
	past_write(&t, "refused");
	check(!plan_of("refused", "--json", NULL) && json("b.service", "refused") == 3 &&
	      json("b.service", "current_max") == 4 * MIB && json("a.service", "refused") == 0 &&
	      strstr(get("out"), "\"max\":null"), "a service that was refused all it asked for", "%s", get("out"));
	snprintf(dir, sizeof(dir), "--units=%s", tap_path("refused-units"));
	check(!plan(MORE(dir, tap_path("refused"))) && *get("refused-units/a.service.d/50-dmem-plan.conf") &&
	      !*get("refused-units/b.service.d/50-dmem-plan.conf"), "gets no limit of 0", "%s",
	      get_tree("refused-units"));
}

/* It is stopped and started between two samples. */
static void restart(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", false);
	past_look(&t, 2000, "r0=%llu c0.0=%llu", 8 * MIB, 8 * MIB);
	past_cgroup(&t, 3, 9, A);
	past_look(&t, 3000, "r0=%llu c3.0=%llu x0", 6 * MIB, 6 * MIB);
	past_end(&t, 30000);
	past_write(&t, "restart");
	check(!plan_of("restart", "--json", NULL) && json("a.service", "runs") == 2 &&
	      json("a.service", "usual") == 6 * MIB, "the end of one run does not end the next one", "%s", get("out"));
}

/* ---- peaks together ---- */

static void equal_services(void)
{
	struct dmem_text t = { 0 };
	char items[4096] = "", path[64];
	size_t len = 0;

	past_head(&t, "aaaaaaaa", 1000, 1000, false);
	past_region(&t, 0, CAM);
	for (unsigned int i = 0; i < 14; i++) {
		snprintf(path, sizeof(path), "system.slice/s%02u.service", i);
		past_cgroup(&t, i, 1 + i, path);
		len += (size_t)snprintf(items + len, sizeof(items) - len, " c%u.0=%llu", i, i < 13 ? 8 * MIB : 0);
	}
	past_look(&t, 1000, "r0=0,0,-,%llu%s", 40 * MIB, items);
	past_look(&t, 2000, "c0.0=0");
	past_look(&t, 3000, "c13.0=%llu", 8 * MIB);
	past_end(&t, 4000);
	past_write(&t, "equal");
	check(!plan_of("equal", "--json", "--headroom=0") && json(CAM, "size") == 104 * MIB &&
	      strstr(get("out"), "\"any\":[{\"count\":14,\"of\":[\"s00.service\""),
	      "a conflict has as many services as it takes", "%s", get("out"));
	check(json("\"conflicts_in_capacity\"", "count") == 6 && json("\"conflicts_in_capacity\"", "peaks") == 48 * MIB,
	      "and is looked for in the region that exists", "%s", get("out"));
	plan_of("equal", "--headroom=0", NULL);
	check(strstr(get("out"), "in 104M (needed):\n        112M  all of s00.service, s01.service, s02.service, "
		     "s03.service\n              and 10 more\n"), "services with equal peaks are one line", "%s", get("out"));
	check(strstr(get("out"), "in 40M (capacity):\n         48M  any 6 of s00.service, s01.service, s02.service, "
		     "s03.service\n              and 10 more\n    Any 5 of the 14 services fit, and no more than 5.\n"),
	      "with the number that fit", "%s", get("out"));
}

/* All sets of services that do not fit and of which each part does, by trying all. */
static void all_conflicts(void)
{
	size_t wrong = 0, sets = 0;

	for (unsigned int seed = 1; seed <= 60; seed++) {
		struct model_region region = { "cma/x", DMEM_UNKNOWN };
		struct needs_service s[10] = { 0 };
		struct needs_region g = { .region = &region, .service = s, .n = 2 + seed % 9 };
		struct needs_conflicts c = { .size = 10 + seed % 17 };
		struct dmem_arena a = { 0 };
		size_t minimal = 0, found = 0;

		for (size_t i = 0; i < g.n; i++)
			s[i].peak = 1 + (g.n - i) * (seed % 5) / 2;
		for (unsigned int set = 1; set < 1u << g.n; set++) {
			uint64_t sum = 0, least = UINT64_MAX;

			for (size_t i = 0; i < g.n; i++) {
				sum += set >> i & 1 ? s[i].peak : 0;
				least = set >> i & 1 && s[i].peak < least ? s[i].peak : least;
			}
			minimal += sum > c.size && sum - least <= c.size;
		}
		wrong += needs_find_conflicts(&a, &g, &c) != 0;
		for (size_t i = 0; i < c.n; i++) {
			size_t ways = 1;

			for (size_t k = 0; k < c.conflict[i].n; k++) {
				const struct needs_part *p = &c.conflict[i].part[k];

				for (size_t j = 0; j < p->count; j++)
					ways = ways * (p->n - j) / (j + 1);
			}
			found += ways;
		}
		wrong += c.more ? found >= minimal : found != minimal;
		sets += found;
		dmem_arena_free(&a);
	}
	check(!wrong && sets > 100, "conflicts are those that trying all sets finds", "%zu wrong, %zu sets", wrong, sets);
}

/* heap/system is all of the RAM: nobody chooses its size, in no view. */
static void unsized(void)
{
	struct dmem_text t = { 0 };
	char svg[4096];

	past_head(&t, "aaaaaaaa", 1000, 1000, false);
	past_region(&t, 0, "heap/system");
	past_cgroup(&t, 0, 1, A);
	past_cgroup(&t, 1, 2, B);
	past_look(&t, 1000, "r0=%llu,-,-,%llu c0.0=%llu", 30 * MIB, 40 * MIB, 30 * MIB);
	past_look(&t, 2000, "c0.0=0 c1.0=%llu", 20 * MIB);
	past_end(&t, 3000);
	past_write(&t, "unsized");
	snprintf(svg, sizeof(svg), "--svg=%s", tap_path("unsized.svg"));
	check(!plan(MORE(svg, "--headroom=0", tap_path("unsized"))) &&
	      strstr(get("out"), "heap/system: no size is planned, capacity 40M\n") && !strstr(get("out"), "blocks of") &&
	      strstr(get("out"), "in 40M (capacity):\n         50M  a.service + b.service\n"),
	      "a region without a size to choose", "%s%s", get("out"), get("err"));
	check(*get("unsized.svg") && !strstr(get("unsized.svg"), ", planned size") &&
	      !strstr(get("unsized.svg"), ">planned size<") && !strstr(get("unsized.svg"), ">needed size<"),
	      "nor has the chart one", "%s", get("unsized.svg"));
}

static void slices_own(void)
{
	struct dmem_text t = { 0 };

	past_head(&t, "aaaaaaaa", 1000, 1000, false);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, "system.slice");
	past_cgroup(&t, 1, 2, A);
	past_look(&t, 1000, "r0=%llu,0,-,%llu c0.0=%llu c1.0=%llu", 23 * MIB, 40 * MIB, 20 * MIB, 12 * MIB);
	past_end(&t, 2000);
	past_write(&t, "own");
	check(!plan_of("own", "--json", NULL) && json(CAM, "all_peaks") == 23 * MIB,
	      "all peaks have what a slice has beside its services, and others", "%s", get("out"));
}

/* ---- buffers ---- */

/* Camera 4 x 3M, codec 6 x 2M, ai 1 x 6M: not all at once. */
static void whole_buffers(void)
{
	struct dmem_text t = { 0 };

	start(&t, "aaaaaaaa", true);
	past_look(&t, 2000, "c0.0=12582912 b1=0.0,3145728 b2=0.0,3145728 b3=0.0,3145728 b4=0.0,3145728 "
		  "c2.0=6291456 b5=2.0,6291456");
	past_look(&t, 20000, "c0.0=0 f1 f2 f3 f4");
	past_look(&t, 21000, "c1.0=12582912 b11=1.0,2097152 b12=1.0,2097152 b13=1.0,2097152 b14=1.0,2097152 "
		  "b15=1.0,2097152 b16=1.0,2097152");
	past_end(&t, 40000);
	past_write(&t, "whole");
	check(!plan_of("whole", "--json", "--headroom=10") && json("a.service", "max") == 15 * MIB &&
	      json("b.service", "max") == 14 * MIB && json("c.service", "max") == 6922240,
	      "headroom of a limit is in whole buffers, where there were several", "%s", get("out"));
	check(json("a.service", "buffer") == 3 * MIB && json("c.service", "buffer") == 6 * MIB, "of the size they had",
	      "%s", get("out"));
	/* Two thirds of 12M, 12M and 6M */
	check(!plan(MORE("--json", "--headroom=40", "--block=1M", "--shrink", tap_path("whole"))) &&
	      json(CAM, "size") == 26 * MIB && strstr(get("out"), "\"reserved_part\":0.666") &&
	      json("a.service", "min") == 6 * MIB && json("b.service", "min") == 6 * MIB && json("c.service", "min") == 0,
	      "a reservation of a part is one of whole buffers", "%s", get("out"));
	check(!plan_of("whole", "--json", "--headroom=0") && json("a.service", "max") == 12 * MIB,
	      "without headroom there is none", "%s", get("out"));
}

/* One rise of a counter is taken for one buffer: more than there was room for. */
static void guesses(void)
{
	/* Refused requests, the largest free run, and by how much it differs. */
	static const ull cases[][4] = {
		{ 0, 12 * MIB, 0, 0 }, { 1, 4 * MIB, 8 * MIB, 0 }, { 0, 14 * MIB, 0, 2 * MIB },
	};
	struct dmem_text t = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ull sufficed;

		tap_case("%llu requests refused, %lluM in one piece", cases[i][0],
			 cases[i][1] / MIB);
		start(&t, "aaaaaaaa", false);
		past_look(&t, 2000, "r0=%llu c0.0=%llu,%llu,0,0,0,0", 12 * MIB, 12 * MIB, 12 * MIB);
		past_look(&t, 3000, "r0=%llu c1.0=%llu,%llu,0,0,0,0", 24 * MIB, 12 * MIB, 12 * MIB);
		past_look(&t, 4000, "r0=%llu c0.0=0", 12 * MIB);
		past_look(&t, 5000, "r0=%llu c2.0=%llu,%llu,0,0,%llu,0", 36 * MIB, 24 * MIB, 24 * MIB, cases[i][0]);
		/* Not at the same moment */
		past_look(&t, 6000, "r0=%llu,0,%llu", 36 * MIB, cases[i][1]);
		past_end(&t, 9000);
		past_write(&t, "guess");
		check(!plan_of("guess", "--json", "--headroom=0") && json(CAM, "placed") == 48 * MIB &&
		      json(CAM, "run_smaller") == cases[i][2] && json(CAM, "run_larger") == cases[i][3],
		      "the largest free run is compared", "%s", get("out"));
		sufficed = strstr(get("out"), "\"sufficed\":null") ? 0 : json(CAM, "sufficed");
		check(sufficed == (cases[i][0] ? 0 : 40 * MIB),
		      "a capacity that was enough is reported", "%s", get("out"));
		plan_of("guess", "--headroom=0", NULL);
		check(!strstr(get("out"), "40M were enough") == !!cases[i][0] &&
		      !strstr(get("out"), "8M  less was free") == !cases[i][2] &&
		      !strstr(get("out"), "2M  more was free") == !cases[i][3], "the text has the same guesses", "%s", get("out"));
	}
	/* While buffers come and go, the run is one of before or after. */
	for (int buffers = 0; buffers < 2; buffers++) {
		tap_case("%s buffers", buffers ? "with" : "without");
		start(&t, "aaaaaaaa", buffers);
		past_look(&t, 2000, "r0=%llu,0,%llu c0.0=%llu%s", 12 * MIB, 40 * MIB, 12 * MIB,
			  buffers ? " b1=0.0,12582912" : "");
		past_look(&t, 5000, "r0=0,0,%llu c0.0=0%s", 28 * MIB, buffers ? " f1" : "");
		past_end(&t, 9000);
		past_write(&t, "guess");
		check(!plan_of("guess", "--json", NULL) && strstr(get("out"), "\"run_smaller\":null"),
		      "a run that is measured while buffers change is no evidence", "%s", get("out"));
	}
}

/* Machines with pages of 4K and of 16K. */
static void page_sizes(void)
{
	static const ull pages[] = { 4096, 16384 };
	char name[100];

	for (unsigned int first = 0; first < 2; first++) {
		for (unsigned int i = 0; i < 2; i++) {
			struct hist_head h = { "", PAST_WALL, 1000, 1000, pages[i ^ first], DMEM_UNKNOWN, false };
			struct dmem_text t = { 0 };

			snprintf(h.boot, sizeof(h.boot), "%08u-0000-0000-0000-000000000000", i);
			hist_put_head(&t, &h);
			past_region(&t, 0, CAM);
			past_cgroup(&t, 0, 1, A);
			past_look(&t, 1000, "c0.0=%llu", 5 * 16384ull);
			past_end(&t, 2000);
			snprintf(name, sizeof(name), "pages/%u", i);
			past_write(&t, name);
		}
		snprintf(name, sizeof(name), "pages of %llu bytes first: the largest page fits all",
			 pages[first]);
		check(!plan(MORE("--json", "--headroom=1", tap_path("pages"))) && json("a.service", "max") == 6 * 16384 &&
		      json(CAM, "page") == 16384 && json(CAM, "block") == 32 * MIB, name, "%s",
		      get("out"));
	}
}

/* ---- text ---- */

static size_t widest(const char *s)
{
	size_t most = 0;

	for (; *s; s += strcspn(s, "\n"), s += *s == '\n')
		most = strcspn(s, "\n") > most ? strcspn(s, "\n") : most;
	return most;
}

static void widths(void)
{
	static const char * const files[] = { "turns", "equal", "whole", "guess", "refused", "late", "clock", "peaks" };
	char name[100];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		plan_of(files[i], "--quantile=0.5", "--shrink");
		snprintf(name, sizeof(name), "no line of the plan of '%s' is wider than 80 columns",
			 files[i]);
		check(*get("out") && widest(get("out")) <= 80, name, "%zu of %s: %s",
		      widest(get("out")), files[i], get("out"));
	}
	plan(MORE("--help"));
	check(widest(get("out")) <= 80, "no line of the help is wider than 80 columns", "%zu",
	      widest(get("out")));
}

static void quantiles(void)
{
	static const char * const same[] = { "--quantile=0.5", "--quantile=50%" };

	for (size_t i = 0; i < 2; i++) {
		tap_case("%s", same[i]);
		check(!plan(MORE(same[i], "--headroom=0", tap_path("many"))) &&
		      strstr(get("out"), "      5M  in use at once, in 50% of the boots at most\n") &&
		      strstr(get("out"), "     10M  in use at once, in all boots (2025-"),
			      "a quantile is below the maximum",
		      "%s%s", get("out"), get("err"));
		check(strstr(get("out"), "     10M  a.service alone\n"),
		      "one service alone needs as much", "%s", get("out"));
	}
	tap_case("%s", "");
	check(!plan(MORE("--headroom=25%", "--json", tap_path("usual"))) && json("a.service", "max") == 15 * MIB,
	      "headroom in per cent", "%s", get("err"));
}

/* Three boots of eight hours are enough, and two are not. */
static void confidence(void)
{
	struct dmem_text t = { 0 };
	char name[32];

	for (unsigned int b = 0; b < 3; b++) {
		snprintf(name, sizeof(name), "%08u", b);
		start(&t, name, false);
		for (ull minute = 1; minute <= 480; minute++)
			past_look(&t, 1000 + minute * 60000, "c0.0=%llu", MIB * (1 + minute % 2));
		past_end(&t, 1000 + 480 * 60000);
		snprintf(name, sizeof(name), "hours/%u", b);
		past_write(&t, name);
	}
	check(!plan_of("hours", NULL, NULL) && strstr(get("out"), "recorded: 3 boots, 24h 0min, 1443 samples\n") &&
	      !strstr(get("out"), "too little"), "a day of three boots", "%s", get("out"));
	unlink(tap_path("hours/2"));
	check(!plan_of("hours", NULL, NULL) && strstr(get("out"), "2 boots, 16h 0min, 962 samples: too little to shrink"),
	      "less is too little", "%s", get("out"));
	check(strstr(get("out"), "2 histories of 2 boots: 16h 0min, 962 samples, one every 1s.\n"),
	      "the first line",
	      "%s", get("out"));
	past_head(&t, "aaaaaaaa", 1000, 250, false);
	past_region(&t, 0, CAM);
	past_cgroup(&t, 0, 1, A);
	past_look(&t, 1000, "c0.0=4096");
	past_end(&t, 2000);
	past_write(&t, "quarter");
	check(!plan_of("quarter", NULL, NULL) && strstr(get("out"), "one every 250 ms.\n"),
	      "an interval is not cut off",
	      "%s", get("out"));
}

static void outputs(void)
{
	char svg[4096], *first;

	snprintf(svg, sizeof(svg), "--svg=%s", tap_path("again.svg"));
	check(!plan(MORE(svg, tap_path("usual"))) && *get("again.svg"), "a chart", "%s", get("err"));
	put("again.svg", "old");
	check(!plan(MORE(svg, tap_path("usual"))) && !strncmp(get("again.svg"), "<svg", 4) && !*get("err"),
	      "replaces the one before", "%s", get("err"));
	check(!strstr(get_tree(""), "again.svg."), "and leaves nothing beside it", "%s", get_tree(""));
	check(!plan(MORE("--svg=-", tap_path("usual"))), "a chart on standard output", "%s", get("err"));
	first = strdup(get("out"));
	check_text(first, get("again.svg"), "is the same, and all there is");
	free(first);
	check(access("-", F_OK), "and no file", "there is one");
	check(plan(MORE("--svg=-", "--json", tap_path("usual"))) == 2 && strstr(get("err"), "only one of"),
	      "two outputs do not mix", "%s", get("err"));
	check(plan(MORE("--units=-", tap_path("usual"))) == 2, "drop-ins are no output", "%s", get("err"));
	if (!symlink("/dev/full", tap_path("full.svg"))) {
		snprintf(svg, sizeof(svg), "--svg=%s", tap_path("full.svg"));
		check(plan(MORE(svg, tap_path("usual"))) == 1 && strstr(get("err"), "No space left"), "a device is written into",
		      "%s", get("err"));
	}
}

static void nothing_found(void)
{
	struct dmem_text t = { 0 };

	put("none/README", "This is no history.\n");
	put("none/other", "Nor is this.\n");
	check(plan_of("none", NULL, NULL) == 1 && strstr(get("err"),
							 "no history found: 2 other files skipped"),
	      "a directory without a history", "%s", get("err"));
	start(&t, "aaaaaaaa", false);
	past_end(&t, 2000);
	past_write(&t, "unused");
	check(plan_of("unused", NULL, NULL) == 1 && strstr(get("err"), "no cgroup was charged for anything in this history of 1 sample"),
	      "a history without charges", "%s", get("err"));
}

/* ---- hostile histories ---- */

static void hostile(void)
{
	struct dmem_text t = { 0 };

	/* A clock that goes back, and sizes near 2^63 */
	for (unsigned int i = 0; i < 40; i++) {
		past_head(&t, "aaaaaaaa", 400000 - i * 10000, 1000, i % 2);
		past_region(&t, 0, CAM);
		past_cgroup(&t, 0, i, A);
		past_look(&t, 400000 - i * 10000, "r0=9223372036854775808,9223372036854775807 c0.0=9223372036854775808,"
			  "18446744073709551613 b%u=0.0,9223372036854775808", i);
		past_look(&t, 390000 - i * 20000, "r0=18446744073709551613 c0.0=18446744073709551613");
	}
	past_write(&t, "hostile");
	check(plan_of("hostile", "--json", NULL) == 1 && strstr(get("err"), "more than 16 recordings of one boot overlap"),
	      "too many clocks that go back", "%s", get("err"));
	for (unsigned int i = 0; i < 10; i++) {
		past_head(&t, "aaaaaaaa", 400000 - i * 10000, 1000, i % 2);
		past_region(&t, 0, CAM);
		past_cgroup(&t, 0, i, A);
		past_look(&t, 400000 - i * 10000, "r0=9223372036854775808,9223372036854775807 c0.0=9223372036854775808,"
			  "18446744073709551613 b%u=0.0,9223372036854775808", i);
		past_look(&t, 390000 - i * 20000, "r0=18446744073709551613 c0.0=18446744073709551613");
	}
	past_write(&t, "hostile");
	check(!plan_of("hostile", "--json", NULL) && !plan_of("hostile", NULL, NULL), "sizes and clocks of anybody", "%s",
	      get("err"));
}

/* ---- output files ---- */

static void collect(void *data, const struct dmem_report *r)
{
	printf("# %s %s\n", r->word, r->what);
	(*(int *)data)++;
}

static void units(void)
{
	static const char head[] = "# Written by dmemctl plan from recorded histories. Check the limits: see "
		"dmemctl-plan(8).\n[X-Dmem]\n";
	char dir[4096], want[512];
	struct dmem_arena a = { 0 };
	struct dmem_section s;
	int mistakes = 0;
	char *text;

	reservations();
	snprintf(dir, sizeof(dir), "--units=%s", tap_path("units"));
	check(!plan(MORE(dir, "--headroom=25", tap_path("usual"))), "drop-ins", "%s", get("err"));
	snprintf(want, sizeof(want), "%sDeviceMemoryMax=" CAM " 15M\nDeviceMemoryMin=" CAM " 8M\n", head);
	check_text(get("units/a.service.d/50-dmem-plan.conf"), want, "of a service");
	text = get("units/b.service.d/50-dmem-plan.conf");
	check(!dmem_section_parse(&a, "x", text, strlen(text), collect, &mistakes, &s) && !mistakes && s.n == 2,
	      "which its section's reader takes", "%d mistakes, %zu", mistakes, s.n);
	dmem_arena_free(&a);
	check(!*get("units/c.service.d/50-dmem-plan.conf"), "none of one that has used nothing", "there is one");
	put("units/a.service.d/50-dmem-plan.conf", "precious");
	unlink(tap_path("units/b.service.d/50-dmem-plan.conf"));
	check(plan(MORE(dir, tap_path("usual"))) == 1 && strstr(get("err"),
								"a.service.d/50-dmem-plan.conf: file exists"),
	      "a file that is there is not written over", "%s", get("err"));
	check(!strcmp(get("units/a.service.d/50-dmem-plan.conf"), "precious") &&
	      !*get("units/b.service.d/50-dmem-plan.conf"), "and then nothing is", "%s", get_tree("units"));
	check(!plan(MORE(dir, "--headroom=25", "--force", tap_path("usual"))), "but for --force", "%s", get("err"));
	check_text(get("units/a.service.d/50-dmem-plan.conf"), want, "which writes all");

	/* The slice must have the sum of its services. */
	slices();
	snprintf(dir, sizeof(dir), "--units=%s", tap_path("units2"));
	check(!plan(MORE(dir, "--headroom=0", "--block=16M", tap_path("slices"))), "slices", "%s", get("err"));
	snprintf(want, sizeof(want), "%sDeviceMemoryMin=" CAM " 7M\n", head);
	check_text(get("units2/system.slice.d/50-dmem-plan.conf"), want, "have what is reserved in them");
}

/* Sizes that may be proposed: of a region with @capacity that was used up to @peak. */
static void proposed(const char *region, ull capacity, ull peak, ull unaccounted, const char *option, ull size,
		     const char *reason)
{
	struct dmem_text t = { 0 };
	char want[64], name[128];
	bool right;

	past_head(&t, "aaaaaaaa", 1000, 1000, false);
	past_region(&t, 0, region);
	past_cgroup(&t, 0, 1, A);
	past_look(&t, 1000, "r0=%llu,%llu,-,%llu c0.0=%llu", peak, unaccounted, capacity, peak);
	past_end(&t, 2000);
	past_write(&t, "proposed");
	snprintf(want, sizeof(want), "\"reason\":\"%s\"", reason);
	snprintf(name, sizeof(name), "%s of %lluM with a peak of %lluK, %s: %s", region, capacity / MIB, peak / 1024,
		 option, reason);
	right = !plan_of("proposed", "--json", option) && strstr(get("out"), want);
	right &= size ? json("", "proposed") == size : !!strstr(get("out"), "\"proposed\":null");
	check(right, name, "%s%s", get("out"), get("err"));
}

static void shrinking(void)
{
	static const char keep[] = "--headroom=10", shrink[] = "--shrink";

	proposed("cma/linux,cma", 64 * MIB, MIB / 8, 0, keep, 64 * MIB, "kept");
	proposed("cma/linux,cma", 64 * MIB, MIB / 8, 0, shrink, 16 * MIB, "floor");
	proposed("cma/linux,cma@20000000", 64 * MIB, MIB / 8, 0, shrink, 16 * MIB, "floor");
	proposed("cma/reserved", 64 * MIB, MIB / 8, 0, shrink, 16 * MIB, "floor");
	proposed("cma/linux,cma", 64 * MIB, 30 * MIB, 0, shrink, 36 * MIB, "planned");
	/* One that is smaller than the floor may stay so. */
	proposed("cma/linux,cma", 8 * MIB, MIB, 0, shrink, 8 * MIB, "floor");
	proposed("cma/linux,cma", 8 * MIB, 10 * MIB, 0, keep, 12 * MIB, "planned");
	proposed(CAM, 40 * MIB, 10 * MIB, 0, keep, 40 * MIB, "kept");
	proposed(CAM, 40 * MIB, 10 * MIB, 0, shrink, 12 * MIB, "planned");
	proposed(CAM, 40 * MIB, 39 * MIB, 0, keep, 44 * MIB, "planned");
	/* 10M were accounted and 6M were not: the kernel keeps no peak of these. */
	proposed(CAM, 40 * MIB, 10 * MIB, 6 * MIB, shrink, 24 * MIB, "floor");
	proposed("heap/system", 1000 * MIB, 10 * MIB, 0, keep, 0, "none");
	proposed("heap/system", 1000 * MIB, 10 * MIB, 0, shrink, 0, "none");
	proposed("drm/0000:03:00.0/vram0", 1000 * MIB, 10 * MIB, 0, shrink, 0, "none");
	proposed("dma/coherent/dsp", MIB, 10 * MIB, 0, keep, 11 * MIB, "planned");
}

/* ---- the chart ---- */

struct pixels {
	png_image image;
	unsigned char *rgb;
};

static bool is_colour(const struct pixels *p, unsigned int x, unsigned int y, unsigned int rgb)
{
	const unsigned char *at = p->rgb + 3 * (y * p->image.width + x);

	return at[0] == rgb >> 16 && at[1] == (rgb >> 8 & 255) && at[2] == (rgb & 255);
}

/* How many pixels of that colour are in this column of the plot. */
static unsigned int height_of(const struct pixels *p, unsigned int x, unsigned int rgb)
{
	unsigned int n = 0;

	for (unsigned int y = 0; y < p->image.height; y++)
		n += is_colour(p, x, y, rgb);
	return n;
}

/* The colour that the legend has for a service. 0: none. */
static unsigned int colour_of(const char *svg, const char *service)
{
	const char *key = svg, *row;
	char name[100];

	snprintf(name, sizeof(name), ">%s<title>", service);
	row = strstr(svg, name);
	for (const char *s = svg; row && (s = strstr(s, "class=\"key\"")) && s < row; s++)
		key = s;
	key = row ? strstr(key, "fill=\"#") : NULL;
	return key ? (unsigned int)strtoul(key + 7, NULL, 16) : 0;
}

static bool rasterise(struct pixels *p)
{
	const char *argv[] = { "/usr/bin/rsvg-convert", "-o", tap_path("chart.png"), tap_path("chart.svg"), NULL };

	memset(p, 0, sizeof(*p));
	p->image.version = PNG_IMAGE_VERSION;
	if (run(argv) || !png_image_begin_read_from_file(&p->image, tap_path("chart.png")))
		return false;
	p->image.format = PNG_FORMAT_RGB;
	p->rgb = malloc(PNG_IMAGE_SIZE(p->image));
	return p->rgb && png_image_finish_read(&p->image, NULL, p->rgb, 0, NULL);
}

/* Pixels of the plot's height, within one at each edge. */
static bool is_high(unsigned int got, double mib, double scale)
{
	double want = mib / scale * 252;

	return got + 2.5 > want && got < want + 2.5;
}

static void chart(void)
{
	unsigned int colours[3];
	/* Of a, b, c in MiB, for a quarter of the time each. */
	static const unsigned int use[4][3] = { { 12, 0, 2 }, { 12, 6, 2 }, { 0, 6, 0 }, { 4, 3, 2 } };
	struct dmem_text t = { 0 };
	double scale = 0, step = 580 / 4.0;
	unsigned int wrong = 0;
	struct pixels p;
	char arg[4096];

	start(&t, "aaaaaaaa", false);
	for (ull i = 0; i < 4; i++)
		past_look(&t, 1000 + i * 15000, "r0=%llu,%llu c0.0=%llu c1.0=%llu c2.0=%llu",
			  (use[i][0] + use[i][1] + use[i][2]) * MIB, MIB, use[i][0] * MIB, use[i][1] * MIB,
			  use[i][2] * MIB);
	past_end(&t, 61000);
	past_write(&t, "chart");
	snprintf(arg, sizeof(arg), "--svg=%s", tap_path("chart.svg"));
	check(!plan(MORE(arg, "--headroom=0", tap_path("chart"))), "a chart", "%s", get("err"));
	if (!check(rasterise(&p), "which can be drawn", "%s", get("err")))
		return;
	check(p.image.width == 1060 && p.image.height == 420, "of one panel", "%u x %u", p.image.width,
	      p.image.height);
	for (int s = 0; s < 3; s++) {
		char name[] = { (char)('a' + s), '.', 's', 'e', 'r', 'v', 'i', 'c', 'e', 0 };

		colours[s] = colour_of(get("chart.svg"), name);
	}
	/* 40M, and a twentieth above it. */
	scale = 40 * 1.05;
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int x = 76 + (unsigned int)((i + 0.5) * step);
		double y = 296 - 252 / scale;

		/* Between two dots of the sum of limits */
		x += 3 - (x - 76) % 6;
		for (unsigned int s = 0; s < 3; s++) {
			unsigned int got = height_of(&p, x, colours[s]);

			if (is_high(got, use[i][s], scale))
				continue;
			printf("# %u MiB of %u at %u: %u pixels\n", use[i][s], s, i, got);
			wrong++;
		}
		/* On top of each other, from the bottom on: the kernel, a, b, c. */
		for (unsigned int s = 0; s < 3; s++) {
			double h = use[i][s] * 252 / scale;

			wrong += use[i][s] && !is_colour(&p, x, (unsigned int)(y - h / 2), colours[s]);
			y -= h;
		}
	}
	check(!wrong, "the stacks are as high as the figures, in their order", "%u are not", wrong);
	check(is_colour(&p, 300, 296 - (unsigned int)(40 / scale * 252), 0), "the capacity is a black line", "no");
	check(!plan(MORE("--json", "--headroom=0", tap_path("chart"))), "the same in numbers", "%s", get("err"));
	wrong = 0;
	for (unsigned int x = 76; x < 656; x++)
		wrong += is_colour(&p, x, 296 - (unsigned int)((double)json(CAM, "size") / MIB / scale * 252),
				   0xcc0000);
	check(wrong > 300 && wrong < 450, "what is planned is a dashed red one", "%u pixels", wrong);
	free(p.rgb);
}

/* Names that mean something elsewhere. */
static void odd_names(void)
{
	static const char * const jq[] = { "/usr/bin/jq", "-e", NULL, NULL, NULL };
	const char *argv[5];
	struct dmem_text t = { 0 };
	struct pixels p;
	char arg[4096];

	past_head(&t, "aaaaaaaa", 1000, 1000, false);
	past_region(&t, 0, "cma/<b>&\"'\\");
	past_cgroup(&t, 0, 1, "a\"b\\c\n\x1b[31m<&>.x");
	past_cgroup(&t, 1, 2, "\xff\xfe-\xe2\x82\xac");
	past_look(&t, 1000, "c0.0=%llu c1.0=%llu", MIB, MIB);
	past_look(&t, 2000, "c0.0=%llu", 2 * MIB);
	past_write(&t, "odd");
	snprintf(arg, sizeof(arg), "--svg=%s", tap_path("chart.svg"));
	check(!plan(MORE(arg, "--force", "--json", tap_path("odd"))), "odd names", "%s", get("err"));
	rename(tap_path("out"), tap_path("json"));
	memcpy(argv, jq, sizeof(jq));
	argv[2] = ".regions[0].services[0].cgroup == \"a\\\"b\\\\c\\n\\u001b[31m<&>.x\"";
	argv[3] = tap_path("json");
	check(!run(argv), "JSON has them as they are", "%s%s", get("json"), get("err"));
	check(rasterise(&p), "a chart can be drawn", "%s", get("err"));
	free(p.rgb);
	check(!plan_of("odd", NULL, NULL) && !strchr(get("out"), 27), "a terminal obeys none", "%s", get("out"));
}

static void mistakes(void)
{
	static const char * const wrong[] = {
		"--headroom=-1", "--headroom=x", "--quantile=2", "--quantile=", "--block=3M", "--block=1", "--cells=3",
		"--cma-alignment=x", "--no",
	};
	size_t taken = 0;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		taken += plan(MORE(wrong[i], tap_path("usual"))) != 2;
	check(!taken, "what is no command line is refused", "%zu were taken", taken);
	check(plan(MORE("--json")) == 2, "nor is one without a history", "%s", get("err"));
	check(!plan(MORE("--help")) && strstr(get("out"), "Usage: dmemctl plan"), "help", "%s", get("out"));
	put("text", "hello\n");
	check(plan_of("text", NULL, NULL) == 1 && strstr(get("err"), "not a history"), "a file that is none",
	      "%s", get("err"));
	put("text", "%s", "");
	check(plan_of("text", NULL, NULL) == 1, "nor is an empty one", "%s", get("err"));
	check(plan_of("not-there", NULL, NULL) == 1, "nor one that is not there", "%s", get("err"));
}

static void damaged(void)
{
	size_t len;
	char *copy;

	copy = strdup(get("usual"));
	len = strlen(copy);
	put("usual", "%.*s", (int)len - 9, copy);
	check(!plan_of("usual", "--json", NULL) && !*get("err") && json("a.service", "peak") == 12 * MIB,
	      "a last line that is cut off", "%s", get("err"));
	copy[len - 60] ^= 1;
	put("usual", "%s", copy);
	check(!plan_of("usual", "--json", NULL) && strstr(get("err"), "skipped: damaged"), "damage is told of",
	      "%s", get("err"));
	free(copy);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: test_plan DMEMCTL DIR\n");
		return 2;
	}
	dmemctl = argv[1];
	top = argv[2];
	tap_start();
	tap_dir(top);
	write_usual();
	RUN(placing);
	RUN(shapes);
	RUN(shape_places);
	RUN(changed_loads);
	RUN(giving_back);
	RUN(loads);
	RUN(turns);
	RUN(seen_later);
	RUN(three);
	RUN(one_sample);
	RUN(method);
	RUN(boots);
	RUN(peaks);
	RUN(only_stops);
	RUN(late_payer);
	RUN(segments);
	RUN(between);
	RUN(units);
	RUN(shrinking);
	RUN(chart);
	RUN(odd_names);
	RUN(late_service);
	RUN(outlived_service);
	RUN(outlived_slice);
	RUN(late_owner);
	RUN(overlaps);
	RUN(clocks);
	RUN(refused_only);
	RUN(restart);
	RUN(equal_services);
	RUN(all_conflicts);
	RUN(slices_own);
	RUN(unsized);
	RUN(whole_buffers);
	RUN(guesses);
	RUN(page_sizes);
	RUN(quantiles);
	RUN(widths);
	RUN(confidence);
	RUN(outputs);
	RUN(nothing_found);
	RUN(hostile);
	RUN(mistakes);
	RUN(damaged);
	return tap_end();
}
