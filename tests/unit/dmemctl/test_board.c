// SPDX-License-Identifier: GPL-2.0-or-later
/* "dmemctl plan --dts" for boards of many shapes: the overlay is compiled by dtc without a
 * warning, merged by fdtoverlay, and booted by rules that are not those of dmemctl. */
#include <fcntl.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"
#include "fake.h"
#include "past.h"
#include "rmem.h"

#define BLOCK	(4 * MIB)
#define MORE(...)	((const char * const []){ __VA_ARGS__, NULL })

static const char *dmemctl;

/* A tree with one piece of memory and these nodes in /reserved-memory. */
#define TREE(A, S, MEMORY, NODES) \
	"/dts-v1/;\n/ {\n#address-cells = <" #A ">;\n#size-cells = <" #S ">;\ncompatible = \"test,board\", \"test\";\n" \
	MEMORY "reserved-memory {\n#address-cells = <" #A ">;\n#size-cells = <" #S ">;\nranges;\n" NODES "};\n};\n"
#define RAM22	"memory@80000000 { device_type = \"memory\"; reg = <0x0 0x80000000 0x0 0x40000000>; };\n"
#define RAM21	"memory@0 { device_type = \"memory\"; reg = <0x0 0x0 0x3b400000>; };\n"
#define RAM11	"memory@80000000 { device_type = \"memory\"; reg = <0x80000000 0x40000000>; };\n"
#define POOL	"compatible = \"shared-dma-pool\"; reusable; "

/* ---- programs ---- */

/* Compiles @source. False: dtc has printed something, which is in "err". */
static bool compile(const char *source, const char *blob)
{
	return !run(MORE("/usr/bin/dtc", "-@", "-I", "dts", "-O", "dtb", "-o", tap_path(blob), tap_path(source))) &&
	       !*get("err");
}

static void board(const char *text)
{
	put("board.dts", "%s", text);
	if (run(MORE("/usr/bin/dtc", "-q", "-@", "-I", "dts", "-O", "dtb", "-o", tap_path("board.dtb"), tap_path("board.dts"))))
		printf("# %s\n", get("err"));
}

/* A blob, to be freed, or NULL. */
static void *blob(const char *rel)
{
	int fd = open(tap_path(rel), O_RDONLY);
	struct stat st;
	void *p = NULL;

	if (fd >= 0 && !fstat(fd, &st)) {
		p = malloc((size_t)st.st_size + 1);
		if (read(fd, p, (size_t)st.st_size) != st.st_size || fdt_check_full(p, (size_t)st.st_size)) {
			free(p);
			p = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	return p;
}

struct use {
	const char *region;
	unsigned long long used, capacity;
};

static void begin(struct dmem_text *t, const struct use *use, size_t n)
{
	past_head(t, "aaaaaaaa", 1000, 1000, false);
	for (unsigned int i = 0; i < n; i++)
		past_region(t, i, use[i].region);
	past_cgroup(t, 0, 1, "system.slice/a.service");
	for (unsigned int i = 0; i < n; i++)
		past_look(t, 1000 + i, "r%u=%llu,0,-,%llu c0.%u=%llu", i, use[i].used, use[i].capacity, i,
			  use[i].used);
	past_end(t, 60000);
}

static void history(const struct use *use, size_t n)
{
	struct dmem_text t = { 0 };

	begin(&t, use, n);
	past_write(&t, "history");
}

#define HISTORY(...) do { \
		const struct use uses_[] = { __VA_ARGS__ }; \
		history(uses_, sizeof(uses_) / sizeof(*uses_)); \
	} while (0)

/* Without headroom, so that each figure is known. */
static int plan(const char * const *more)
{
	static char dts[4096], dtb[4096];
	const char *argv[24] = { dmemctl, "plan", "--headroom=0", "--force" };
	size_t n = 4;

	unlink(tap_path("plan.dtso"));
	snprintf(dts, sizeof(dts), "--dts=%s", tap_path("plan.dtso"));
	snprintf(dtb, sizeof(dtb), "--dtb=%s", tap_path("board.dtb"));
	argv[n++] = dts;
	if (!*more || strcmp(*more, "--notes"))
		argv[n++] = dtb;
	else
		more++;
	for (; *more && n < 22; more++)
		argv[n++] = *more;
	argv[n++] = tap_path("history");
	return run(argv);
}

static char booted[RMEM_LOG];

/* Plans, compiles, merges and boots. False: one of these did not work, and "err" has why. */
static bool boot(const char * const *more)
{
	void *fdt;
	int cma;

	strcpy(booted, "not booted\n");
	if (plan(more))
		return false;
	if (!compile("plan.dtso", "plan.dtbo") ||
	    run(MORE("/usr/bin/fdtoverlay", "-i", tap_path("board.dtb"), "-o", tap_path("merged.dtb"), tap_path("plan.dtbo"))))
		return false;
	fdt = blob("merged.dtb");
	if (!fdt)
		return false;
	cma = fdt_path_offset(fdt, "/chosen") >= 0;
	rmem_boot(fdt, BLOCK, cma, booted);
	free(fdt);
	return true;
}

static bool is_booted(const char *want, const char *name)
{
	return check_text(booted, want, name);
}

/* Nothing is written, and the reason is given. */
static void refused(const char * const *more, const char *why, const char *name)
{
	int ret = plan(more);

	check(ret == 1 && strstr(get("err"), why) && !*get("plan.dtso"), name, "%d, %s", ret, get("err"));
}

/* ---- cells ---- */

static void cells(void)
{
	static const struct {
		const char *tree, *booted, *text;
	} boards[] = {
		{ TREE(2, 2, RAM22, "linux,cma { " POOL "linux,cma-default; size = <0x0 0x4000000>; alignment = <0x0 0x400000>; };"),
		  "area linux,cma 0xbb000000 0x5000000 default\n", "size = <0x0 0x5000000>;" },
		{ TREE(2, 1, RAM21, "linux,cma { " POOL "linux,cma-default; size = <0x4000000>; alignment = <0x0 0x400000>;"
		       "alloc-ranges = <0x0 0x0 0x30000000>; };"
		       "nvram@0 { reg = <0x0 0x3ef64f20 0x400>; no-map; };"),
		  "reserved nvram@0 0x3ef64f20 0x400\narea linux,cma 0x2b000000 0x5000000 default\n",
		  "alignment = <0x0 0x400000>;" },
		{ TREE(1, 1, RAM11, "linux,cma { " POOL "linux,cma-default; size = <0x4000000>; };"),
		  "area linux,cma 0xbb000000 0x5000000 default\n", "size = <0x5000000>;" },
		{ TREE(1, 2, "memory@80000000 { device_type = \"memory\"; reg = <0x80000000 0x0 0x40000000>; };",
		       "linux,cma { " POOL "linux,cma-default; size = <0x0 0x4000000>; };"),
		  "area linux,cma 0xbb000000 0x5000000 default\n", "size = <0x0 0x5000000>;" },
	};

	HISTORY({ "cma/linux,cma", 80 * MIB, 80 * MIB });
	for (size_t i = 0; i < sizeof(boards) / sizeof(*boards); i++) {
		tap_case("board %zu", i);
		board(boards[i].tree);
		check(boot(MORE("--block=4M")), "there is an overlay", "%zu: %s", i, get("err"));
		is_booted(boards[i].booted, "the kernel accepts the overlay");
		check(strstr(get("plan.dtso"), boards[i].text), "the cells are those of the root",
		      "%s", get("plan.dtso"));
	}
	tap_case("%s", "");

	board(boards[1].tree);
	check(boot(MORE("--cells=1")) && strstr(booted, "0x2b000000"),
	      "there is an overlay with --cells=, too", "%s", booted);
	plan(MORE("--cells=1"));
	check(strstr(get("err"), "no effect"), "a message says that --cells= has no effect", "%s",
	      get("err"));
}

/* Trees that the kernel ignores, and others that are none for this history. */
static void no_tree(void)
{
	static const struct {
		const char *tree, *why;
	} boards[] = {
		{ "/dts-v1/;\n/ { #address-cells = <2>; #size-cells = <1>; reserved-memory { #address-cells = <2>;"
		  "#size-cells = <2>; ranges; linux,cma { " POOL "size = <0x0 0x4000000>; }; }; };",
		  "differ from those of the root" },
		{ "/dts-v1/;\n/ { #address-cells = <1>; #size-cells = <1>; reserved-memory { #address-cells = <1>;"
		  "#size-cells = <1>; linux,cma { " POOL "size = <0x4000000>; }; }; };", "no ranges property" },
		{ TREE(2, 2, RAM22, ""), "cma/linux,cma: no such node below /reserved-memory" },
		{ "/dts-v1/;\n/ { #address-cells = <1>; #size-cells = <1>; };", "cma/linux,cma: no such node" },
		{ TREE(2, 2, RAM22, "linux,cma { " POOL "status = \"disabled\"; size = <0x0 0x4000000>; };"),
		  "is disabled" },
		{ TREE(2, 2, RAM22, "linux,cma { " POOL "no-map; size = <0x0 0x4000000>; };"), "has no-map" },
		{ TREE(2, 2, RAM22, "linux,cma { compatible = \"shared-dma-pool\"; size = <0x0 0x4000000>; };"),
		  "is not reusable" },
		{ TREE(2, 2, RAM22, "linux,cma { reusable; size = <0x0 0x4000000>; };"),
		  "is not a shared-dma-pool" },
		{ TREE(2, 2, RAM22, "linux,cma { " POOL "size = <0x4000000>; };"), "as many cells as the root's sizes" },
		{ TREE(2, 2, RAM22, "linux,cma { " POOL "size = <0x0 0x4000000>; alignment = <0x400000>; };"),
		  "as many cells as an address" },
		{ TREE(2, 2, RAM22, "linux,cma { " POOL "size = <0x0 0x4000000>; alignment = <0x0 0x300000>; };"),
		  "not a power of two" },
		{ TREE(2, 2, RAM22, "linux,cma { " POOL "};"), "neither reg nor size" },
		{ "/dts-v1/;\n/plugin/;\n/ { fragment@0 { target-path = \"/\"; __overlay__ { }; }; };",
		  ": an overlay" },
	};
	char name[200];
	void *p;
	FILE *f;

	HISTORY({ "cma/linux,cma", 80 * MIB, 80 * MIB });
	for (size_t i = 0; i < sizeof(boards) / sizeof(*boards); i++) {
		snprintf(name, sizeof(name), "tree %zu is refused: %s", i, boards[i].why);
		board(boards[i].tree);
		refused(MORE(NULL), boards[i].why, name);
	}
	put("board.dtb", "%s", boards[2].tree);
	refused(MORE(NULL), ": a source", "so is a source");
	put("board.dtb", "%s", "hello, this is no tree, but it is long enough to be one");
	refused(MORE(NULL), "not a flattened device tree", "and a text");
	put("board.dtb", "%s", "");
	refused(MORE(NULL), "not a flattened device tree", "and an empty file");
	unlink(tap_path("board.dtb"));
	refused(MORE(NULL), "No such file", "and no file");
	board(TREE(2, 2, RAM22, "linux,cma { " POOL "size = <0x0 0x4000000>; };"));
	p = blob("board.dtb");
	f = fopen(tap_path("board.dtb"), "w");
	if (p && f) {
		fwrite(p, 1, fdt_totalsize(p) - 8, f);
		fclose(f);
	}
	free(p);
	refused(MORE(NULL), "a damaged device tree", "and half of a tree");
	refused(MORE("--notes"), "use --dtb=FILE", "without a tree nothing is written");
	check(strstr(get("err"), "record again"), "and both ways to one are named", "%s", get("err"));
}

/* ---- areas without an address ---- */

static void dynamic(void)
{
	HISTORY({ "cma/linux,cma", 600 * MIB, 576 * MIB });
	board(TREE(2, 2, "memory@80000000 { device_type = \"memory\"; reg = <0x0 0x80000000 0x0 0x80000000>; };",
		   "linux,cma { " POOL "linux,cma-default; size = <0x0 0x24000000>; "
		   "alloc-ranges = <0x0 0xc0000000 0x0 0x24000000>; };"));
	check(boot(MORE(NULL)), "alloc-ranges that end with the area", "%s", get("err"));
	is_booted("area linux,cma 0xc0000000 0x25800000 default\n", "grow with it");
	plan(MORE(NULL));
	check(strstr(get("err"), "alloc-ranges were 0xc0000000..0xe3ffffff, too small for it: check that each device "
		     "that uses it reaches 0xc0000000..0xe57fffff"), "and the range is named, to be checked", "%s",
	      get("err"));
	check(strstr(get("plan.dtso"), "\t * alloc-ranges were 0xc0000000..0xe3ffffff, too small for it: check that each\n"
		     "\t * device"), "in the text, too", "%s", get("plan.dtso"));
	board(TREE(2, 2, "memory@80000000 { device_type = \"memory\"; reg = <0x0 0x80000000 0x0 0x80000000>; };",
		   "linux,cma { " POOL "linux,cma-default; size = <0x0 0x24000000>; "
		   "alloc-ranges = <0x0 0xdc000000 0x0 0x24000000>; };"
		   "optee@da000000 { no-map; reg = <0x0 0xda000000 0x0 0x800000>; };"));
	check(boot(MORE(NULL)), "at the end of memory they grow down", "%s", get("err"));
	is_booted("reserved optee@da000000 0xda000000 0x800000\narea linux,cma 0xda800000 0x25800000 default\n",
		  "next to their neighbour");
	board(TREE(2, 2, "memory@80000000 { device_type = \"memory\"; reg = <0x0 0x80000000 0x0 0x80000000>; };",
		   "linux,cma { " POOL "linux,cma-default; size = <0x0 0x24000000>; "
		   "alloc-ranges = <0x0 0x90000000 0x0 0x24000000>, <0x0 0xc0000000 0x0 0x25000000>; };"
		   "vpu@b5000000 { no-map; reg = <0x0 0xb5000000 0x0 0x800000>; };"));
	check(boot(MORE(NULL)), "of several ranges", "%s", get("err"));
	is_booted("reserved vpu@b5000000 0xb5000000 0x800000\narea linux,cma 0xc0000000 0x25800000 default\n",
		  "the one grows that need not grow far");
	check(strstr(get("plan.dtso"), "alloc-ranges = <0x0 0x90000000 0x0 0x24000000 0x0 0xc0000000 0x0 0x25800000>;"),
	      "and the others stay", "%s", get("plan.dtso"));

	HISTORY({ "cma/linux,cma@80000000", 260 * MIB, 256 * MIB });
	board(TREE(1, 1, RAM11, "linux,cma@80000000 { " POOL "size = <0x10000000>; linux,cma-default;"
		   "alloc-ranges = <0x80000000 0x30000000>; };"));
	check(boot(MORE(NULL)), "a unit address that means nothing", "%s", get("err"));
	is_booted("area linux,cma@80000000 0x9fc00000 0x10400000 default\n", "makes no reg of a size");

	HISTORY({ "cma/linux,cma", 1100 * MIB, 64 * MIB });
	board(TREE(1, 1, RAM11, "linux,cma { " POOL "size = <0x4000000>; };"));
	refused(MORE(NULL), "no free piece of memory", "no area is larger than memory");
	board(TREE(1, 1, RAM11, "linux,cma { " POOL "size = <0x4000000>; alloc-ranges = <0x80000000 0x4000000>; };"));
	refused(MORE(NULL), "no free piece of memory", "nor with alloc-ranges");

	HISTORY({ "cma/linux,cma", 800 * MIB, 64 * MIB });
	board(TREE(1, 1, RAM11, "linux,cma { " POOL "size = <0x4000000>; };"));
	check(!plan(MORE(NULL)) && strstr(get("err"), "are now 800M of 1G of memory"), "a plan of nearly all memory gets a remark",
	      "%s", get("err"));
	HISTORY({ "cma/linux,cma", 700 * MIB, 64 * MIB }, { "dma/coherent/dsp", MIB, 2 * MIB });
	check(!plan(MORE(NULL)) && !strstr(get("err"), "of memory"), "and one of less gets none", "%s", get("err"));
	check(strstr(get("err"), "dma/coherent/dsp: not a CMA area"), "a region that is no area gets a remark",
	      "%s", get("err"));

	HISTORY({ "cma/vpu", 80 * MIB, 64 * MIB });
	board(TREE(2, 2, RAM22, "vpu { " POOL "size = <0x0 0x4000000>; alignment = <0x0 0x10000>; };"));
	check(boot(MORE("--block=4M")) && strstr(get("plan.dtso"), "alignment = <0x0 0x400000>;"),
	      "an alignment is raised to that of CMA", "%s", get("plan.dtso"));
	board(TREE(2, 2, RAM22, "vpu { " POOL "size = <0x0 0x4000000>; alignment = <0x0 0x2000000>; };"));
	check(boot(MORE("--block=4M")) && strstr(get("plan.dtso"), "alignment = <0x0 0x2000000>;"), "or kept", "%s",
	      get("plan.dtso"));
	is_booted("area vpu 0xba000000 0x5000000\n", "and obeyed");
}

/* The kernel's image is at the start of memory before areas are placed. */
static void beside_the_kernel(void)
{
#define POOL11(SIZE, RANGE) \
	TREE(1, 1, "memory@40000000 { device_type = \"memory\"; reg = <0x40000000 0x40000000>; };\n", \
	     "default-pool { " POOL "size = <" SIZE ">; " RANGE "linux,cma-default; };")
#define RANGE	"alloc-ranges = <0x40000000 0x10000000>; "

	HISTORY({ "cma/default-pool", 300 * MIB, 96 * MIB });
	board(POOL11("0x6000000", RANGE));
	check(boot(MORE(NULL)) && strstr(get("plan.dtso"), "alloc-ranges = <0x40000000 0x1ac00000>;"),
	      "a range that grows leaves the kernel 128M", "%s%s", get("err"), get("plan.dtso"));
	check(plan(MORE(NULL)) == 0 && !strstr(get("err"), "image"), "which needs no remark", "%s", get("err"));
	HISTORY({ "cma/default-pool", 940 * MIB, 96 * MIB });
	check(!plan(MORE(NULL)) && strstr(get("err"), "start only 84M above the start of memory"),
	      "memory that has no more gets one", "%s", get("err"));
	HISTORY({ "cma/default-pool", 256 * MIB, 96 * MIB });
	board(POOL11("0x6000000", RANGE));
	check(!plan(MORE(NULL)) && strstr(get("err"), "start only at the start of memory"),
	      "and so does an area that fills its range", "%s", get("err"));
	board(POOL11("0x10000000", RANGE));
	check(!plan(MORE(NULL)) && !strstr(get("err"), "start of memory"), "but not one that stays as it is", "%s",
	      get("err"));
	HISTORY({ "cma/default-pool", 128 * MIB, 96 * MIB });
	board(POOL11("0x6000000", RANGE));
	check(!plan(MORE(NULL)) && !strstr(get("err"), "start of memory"), "nor one that leaves enough", "%s", get("err"));
	HISTORY({ "cma/default-pool", 1000 * MIB, 96 * MIB });
	board(POOL11("0x6000000", ""));
	check(!plan(MORE(NULL)) && strstr(get("err"), "start only 24M above"), "one without a range may have one, too", "%s",
	      get("err"));
	/* The room is that of an area that is placed later. */
	HISTORY({ "cma/default-pool", 260 * MIB, 96 * MIB });
	board(TREE(1, 1, "memory@40000000 { device_type = \"memory\"; reg = <0x40000000 0x40000000>; };\n",
		   "default-pool { " POOL "size = <0x6000000>; " RANGE "};"
		   "vpu { no-map; size = <0x8000000>; alloc-ranges = <0x50400000 0x8000000>; };"));
	check(boot(MORE(NULL)) && strstr(get("plan.dtso"), "alloc-ranges = <0x40000000 0x10400000>;"),
	      "room is not taken from another area", "%s%s", get("err"), get("plan.dtso"));
	check(!plan(MORE(NULL)) && strstr(get("err"), "start only at the start"), "and the remark remains", "%s", get("err"));
#undef RANGE
#undef POOL11
}

/* The boot loader fills in the size of memory. */
static void unknown_memory(void)
{
	static const char tree[] = TREE(1, 1, "memory { device_type = \"memory\"; reg = <0x40000000 0x0>; };\n",
		"pool { " POOL "size = <0x4000000>; alloc-ranges = <0xe0000000 0x20000000>; };");

	HISTORY({ "cma/pool", 2900 * MIB, 64 * MIB });
	board(tree);
	check(!plan(MORE(NULL)) && strstr(get("plan.dtso"), "alloc-ranges = <0x4ac00000 0xb5400000>;"),
	      "an area grows in memory of a size that is not known", "%s%s", get("err"), get("plan.dtso"));
	check(strstr(get("err"), "does not contain the size of the memory"), "with a remark", "%s", get("err"));
	HISTORY({ "cma/pool", 3300 * MIB, 64 * MIB });
	refused(MORE(NULL), "no free piece of memory", "but not below the start of memory");
	HISTORY({ "cma/pool", 64 * MIB, 64 * MIB });
	check(!plan(MORE(NULL)) && !strstr(get("err"), "how much memory"), "and without a change there is no remark", "%s",
	      get("err"));
}

/* ---- areas with an address ---- */

#define CAMERA	"camera@90000000 { " POOL "reg = <0x0 0x90000000 0x0 0x1000000>; };"

static void addressed(void)
{
	HISTORY({ "cma/camera@90000000", 20 * MIB, 16 * MIB });
	board(TREE(2, 2, RAM22, CAMERA));
	check(boot(MORE(NULL)), "an area with an address", "%s", get("err"));
	is_booted("area camera@90000000 0x90000000 0x1400000\n", "grows where it is");
	board(TREE(2, 2, RAM22, CAMERA "tz@91400000 { no-map; reg = <0x0 0x91400000 0x0 0x100000>; };"));
	check(boot(MORE(NULL)), "up to its neighbour", "%s", get("err"));
	board(TREE(2, 2, RAM22, CAMERA "tz@91300000 { no-map; reg = <0x0 0x91300000 0x0 0x100000>; };"));
	refused(MORE(NULL), "tz@91300000 (0x91300000, 1M) is in the way; --move moves cma/camera@90000000 to 0x8fc00000",
		"a neighbour in the way");
	check(boot(MORE("--move")), "is passed by if it may move", "%s", get("err"));
	is_booted("area camera@90000000 0x8fc00000 0x1400000\nreserved tz@91300000 0x91300000 0x100000\n",
		  "to where it is free");
	check(strstr(get("plan.dtso"), "moved from 0x90000000 to 0x8fc00000 (tz@91300000"), "and the text has it", "%s",
	      get("plan.dtso"));
	board(TREE(2, 2, RAM22, CAMERA "a@91000000 { no-map; status = \"disabled\"; reg = <0x0 0x91000000 0x0 0x100000>; };"));
	check(boot(MORE(NULL)) && strstr(get("plan.dtso"), "a@91000000, which is disabled"),
	      "a disabled node is not in the way", "%s%s", get("err"), get("plan.dtso"));
	board(TREE(2, 2, RAM22, CAMERA "b { reg = <0x0 0xa0000000 0x0 0x1000>, <0x0 0x91000000 0x0 0x1000>; };"));
	refused(MORE(NULL), "b (0x91000000, 4K) is in the way", "the second entry of a reg is");
	board("/dts-v1/;\n/memreserve/ 0x91000000 0x1000;\n/ { #address-cells = <1>; #size-cells = <1>; " RAM11
	      "reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges;"
	      "camera@90000000 { " POOL "reg = <0x90000000 0x1000000>; }; }; };");
	refused(MORE(NULL), "memory there is reserved", "and so is a /memreserve/");
	board(TREE(2, 2, "memory@80000000 { device_type = \"memory\"; reg = <0x0 0x80000000 0x0 0x11000000>; };", CAMERA));
	refused(MORE(NULL), "but memory ends at 0x90ffffff", "memory ends");
	board(TREE(2, 2, "memory@80000000 { device_type = \"memory\"; reg = <0x0 0x80000000 0x0 0x10000000>; };"
		   "memory@90000000 { device_type = \"memory\"; reg = <0x0 0x90000000 0x0 0x1200000>, "
		   "<0x0 0x91200000 0x0 0x1000000>; };", CAMERA));
	check(boot(MORE(NULL)), "pieces that touch are one", "%s", get("err"));
	board(TREE(2, 2, "memory@80000000 { device_type = \"memory\"; reg = <0x0 0x80000000 0x0 0x40000000>; "
		   "linux,usable-memory = <0x0 0x80000000 0x0 0x11000000>; };", CAMERA));
	refused(MORE(NULL), "but memory ends at 0x90ffffff", "or what is usable of it");
	board(TREE(2, 2, "memory@80000000 { device_type = \"memory\"; status = \"disabled\"; "
		   "reg = <0x0 0x80000000 0x0 0x11000000>; };" "memory@90000000 { device_type = \"memory\"; status = \"ok\"; "
		   "reg = <0x0 0x90000000 0x0 0x1400000>; };", CAMERA));
	check(!plan(MORE(NULL)), "a node of memory may be disabled", "%s", get("err"));
	board(TREE(2, 2, "memory@90000000 { device_type = \"memory\"; status = \"ok\"; "
		   "reg = <0x0 0x90000000 0x0 0x1200000>; };", CAMERA));
	refused(MORE(NULL), "but memory ends at 0x911fffff", "but not with the status ok");
	board(TREE(2, 2, "memory@80000000 { device_type = \"memory\"; reg = <0x0 0x80000000 0x0 0x11000000>, "
		   "<0x0 0xa0000000 0x0 0x1000000>; };", CAMERA));
	refused(MORE(NULL), "but a piece of memory ends at 0x90ffffff", "nor with a gap");
	board(TREE(2, 2, "memory@a0000000 { device_type = \"memory\"; reg = <0x0 0xa0000000 0x0 0x10000000>; };", CAMERA));
	refused(MORE(NULL), "but there is no memory at 0x90000000", "nor where there is none");
	board(TREE(2, 2, "", CAMERA));
	check(!plan(MORE(NULL)) && compile("plan.dtso", "plan.dtbo"), "memory that the boot loader adds is not checked",
	      "%s", get("err"));

	HISTORY({ "cma/x@ff000000", 20 * MIB, 16 * MIB });
	board(TREE(2, 2, "memory@80000000 { device_type = \"memory\"; reg = <0x0 0x80000000 0x2 0x0>; };",
		   "x@ff000000 { " POOL "reg = <0x0 0xff000000 0x0 0x1000000>; };"));
	refused(MORE(NULL), "areas that cross 4 GiB", "an area is in one zone");
	board(TREE(1, 1, RAM11, "x@ff000000 { " POOL "reg = <0xff000000 0x1000000>; };"));
	refused(MORE(NULL), "does not fit into the address cells", "and ends where its cells end");

	HISTORY({ "cma/odd@90100000", 20 * MIB, 16 * MIB });
	board(TREE(2, 2, RAM22, "odd@90100000 { " POOL "reg = <0x0 0x90100000 0x0 0x1000000>; };"));
	refused(MORE(NULL),
		"not a multiple of a block of 0x400000; --move moves cma/odd@90100000 to 0x90000000",
		"an area starts at a block");
	check(boot(MORE("--move")), "and moves to one", "%s", get("err"));
	is_booted("area odd@90100000 0x90000000 0x1400000\n", "that is near");
	check(!plan(MORE("--move")) && strstr(get("err"), "must reach 0x90000000..0x913fffff"),
	      "which its devices must reach", "%s", get("err"));

	/* An address that many devices cannot reach. */
	HISTORY({ "cma/x@ff000000", 20 * MIB, 16 * MIB });
	board(TREE(2, 2, "memory@80000000 { device_type = \"memory\"; reg = <0x0 0x80000000 0x2 0x0>; };",
		   "x@ff000000 { " POOL "reg = <0x0 0xff000000 0x0 0x1000000>; };"
		   "y@80000000 { no-map; reg = <0x0 0x82000000 0x0 0x7d000000>; };"));
	check(!plan(MORE("--move")) && strstr(get("plan.dtso"), "reg = <0x0 0x80c00000 0x0 0x1400000>;") &&
	      !strstr(get("err"), ", above"), "a place below 4 GiB is better than one that is near", "%s%s", get("err"),
	      get("plan.dtso"));
	board(TREE(2, 2, "memory@80000000 { device_type = \"memory\"; reg = <0x0 0x80000000 0x2 0x0>; };",
		   "x@ff000000 { " POOL "reg = <0x0 0xff000000 0x0 0x1000000>; };"
		   "y@80000000 { no-map; reg = <0x0 0x80000000 0x0 0x7f000000>; };"));
	refused(MORE(NULL), "to 0x100000000, above 4 GiB", "one above is named");
	check(!plan(MORE("--move")) && strstr(get("err"), "must reach 0x100000000..0x1013fffff, above 4 GiB"),
	      "and what that means", "%s", get("err"));

	HISTORY({ "cma/camera@90000000", 16 * MIB, 16 * MIB });
	board(TREE(2, 2, RAM22, CAMERA));
	check(!plan(MORE(NULL)) && strstr(get("err"), "the overlay changes nothing and need not be merged") &&
	      strstr(get("plan.dtso"), " * It changes nothing: "), "an overlay without a change says so", "%s%s",
	      get("err"), get("plan.dtso"));
	HISTORY({ "cma/camera@90000000", 20 * MIB, 16 * MIB });
	check(!plan(MORE(NULL)) && !strstr(get("err"), "changes nothing") &&
	      !strstr(get("plan.dtso"), "changes nothing"), "and one with a change does not", "%s%s", get("err"),
	      get("plan.dtso"));
}

/* Names that are no addresses, or too many of them. */
static void names(void)
{
	HISTORY({ "cma/linux,mmp", 20 * MIB, 16 * MIB }, { "cma/linux,cma@0x1C000000", 68 * MIB, 64 * MIB },
		{ "cma/pool@0a", 8 * MIB, 4 * MIB });
	board(TREE(1, 1, "memory@0 { device_type = \"memory\"; reg = <0x0 0x40000000>; };",
		   "linux,mmp { " POOL "reg = <0x30000000 0x1000000>; };"
		   "linux,cma@0x1C000000 { " POOL "reg = <0x1c000000 0x4000000>; linux,cma-default; };"
		   "pool@0a { " POOL "reg = <0xa000000 0x400000>; };"));
	check(boot(MORE(NULL)), "a reg without an address in the name, with 0x, with a zero before it", "%s", get("err"));
	is_booted("area linux,mmp 0x30000000 0x1400000\narea linux,cma@0x1C000000 0x1c000000 0x4400000 default\n"
		  "area pool@0a 0xa000000 0x800000\n", "stay reg");

	HISTORY({ "cma/pool@90000000", 20 * MIB, 16 * MIB });
	board(TREE(2, 2, RAM22, "pool@88000000 { " POOL "reg = <0x0 0x88000000 0x0 0x1000000>; };"
		   "first: pool@90000000 { " POOL "reg = <0x0 0x90000000 0x0 0x1000000>; };"
		   "pool { " POOL "size = <0x0 0x1000000>; };"));
	check(boot(MORE(NULL)), "of nodes alike", "%s", get("err"));
	is_booted("area pool@88000000 0x88000000 0x1000000\narea pool@90000000 0x90000000 0x1400000\n"
		  "area pool 0xbf000000 0x1000000\n", "the one grows");
	HISTORY({ "cma/pool", 20 * MIB, 16 * MIB });
	refused(MORE(NULL), "libfdt finds another node", "and one that libfdt takes for another is left alone");

	/* The kernel keeps 63 characters. */
	HISTORY({ "cma/a23456789b123456789c123456789d123456789e123456789f123456789g123", 20 * MIB, 16 * MIB });
	board(TREE(2, 2, RAM22, "a23456789b123456789c123456789d123456789e123456789f123456789g12345 { " POOL
		   "size = <0x0 0x1000000>; };"));
	check(boot(MORE(NULL)) && strstr(booted, "0x1400000"), "a name that is too long for an area", "%s%s", booted,
	      get("err"));
}

static void both(void)
{
	HISTORY({ "cma/cma", 44 * MIB, 40 * MIB }, { "cma/adsp-heap", 12 * MIB, 8 * MIB });
	board(TREE(2, 2, RAM22, "cma { " POOL "reg = <0x0 0x88000000 0x0 0x2800000>; size = <0x0 0x800000>; };"
		   "adsp-heap { " POOL "size = <0x0 0x800000>; alignment = <0x0 0x400000>; "
		   "alloc-ranges = <0x0 0x80000000 0x0 0x40000000>; };"));
	check(boot(MORE(NULL)), "reg and size", "%s", get("err"));
	is_booted("area cma 0x88000000 0x2c00000\narea adsp-heap 0xbf400000 0xc00000\n", "the kernel takes reg");
	check(strstr(get("plan.dtso"), "has reg and size") && !strstr(get("plan.dtso"), "\tsize = <0x0 0x800000>"),
	      "and the text has it", "%s", get("plan.dtso"));
}

/* ---- sizes that are not written ---- */

static void never_smaller(void)
{
	HISTORY({ "cma/linux,cma", 4096, 64 * MIB }, { "cma/camera@90000000", 8 * MIB, 16 * MIB },
		{ "heap/system", 100 * MIB, 1000 * MIB });
	board(TREE(2, 2, RAM22, "linux,cma { " POOL "linux,cma-default; size = <0x0 0x4000000>; };" CAMERA));
	check(boot(MORE(NULL)), "less is used", "%s", get("err"));
	is_booted("area camera@90000000 0x90000000 0x1000000\narea linux,cma 0xbc000000 0x4000000 default\n",
		  "and nothing gets smaller");
	check(!strstr(get("plan.dtso"), "system"), "heaps have no node", "%s", get("plan.dtso"));
	check(boot(MORE("--shrink")), "with --shrink", "%s", get("err"));
	check(strstr(booted, "area camera@90000000 0x90000000 0x800000\n") && !strstr(booted, "0x400000 default"),
	      "but not below the floor of the default area", "%s", booted);
	/* Under any name. */
	HISTORY({ "cma/main", 4096, 64 * MIB });
	board(TREE(2, 2, RAM22, "main { " POOL "linux,cma-default; size = <0x0 0x4000000>; };"));
	check(boot(MORE("--shrink")) && !strstr(booted, "0x400000 "), "nor under another name", "%s%s", booted,
	      get("err"));
	/* With a size that only a kernel with smaller blocks accepts. */
	HISTORY({ "cma/main", 20 * MIB, 65 * MIB });
	board(TREE(1, 1, RAM11, "main { " POOL "size = <0x4100000>; };"));
	check(!plan(MORE(NULL)) && strstr(get("plan.dtso"), "size = <0x4100000>;"), "a size that is kept is not rounded",
	      "%s%s", get("err"), get("plan.dtso"));
	board(TREE(2, 2, RAM22, "main { " POOL "linux,cma-default; size = <0x0 0x4000000>; };"));
	/* The tree has more than the history: it is newer. */
	HISTORY({ "cma/main", 20 * MIB, 16 * MIB });
	check(boot(MORE(NULL)) && strstr(booted, "0x4000000 default"), "nor than the tree has", "%s", booted);
}

static void command_line(void)
{
	HISTORY({ "cma/reserved", 80 * MIB, 64 * MIB });
	board(TREE(2, 2, RAM22, ""));
	refused(MORE(NULL), "add cma=80M to the kernel's command line", "an area of the command line");
	board(TREE(2, 2, RAM22 "chosen { bootargs = \"quiet cma=64M@0x90000000 secret=1\"; };\n", ""));
	refused(MORE(NULL), "cma=80M@0x90000000", "keeps its place");
	board(TREE(2, 2, RAM22 "chosen { bootargs = \"cma=64M@2G-3G\"; };\n", ""));
	refused(MORE(NULL), "cma=80M@2G-3G", "and its limit");
	board(TREE(2, 2, RAM22 "chosen { bootargs = \"cma=64M@0x80000000-0x84000000\"; };\n", ""));
	refused(MORE(NULL), "cma=80M@0x80000000 ", "unless that is too low");
	board(TREE(2, 2, RAM22 "chosen { bootargs = \"cma=64M@;reboot\"; };\n", ""));
	refused(MORE(NULL), "add cma=80M to", "and is one");
	HISTORY({ "cma/numa1", 80 * MIB, 64 * MIB });
	refused(MORE(NULL), "numa_cma=1:80M", "or one of a NUMA node");
	HISTORY({ "cma/reserved", 80 * MIB, 64 * MIB }, { "cma/camera@90000000", 20 * MIB, 16 * MIB });
	board(TREE(2, 2, RAM22 "chosen { bootargs = \"cma=64M\"; };\n",
		   CAMERA "linux,cma { " POOL "linux,cma-default; size = <0x0 0x4000000>; };"));
	check(boot(MORE(NULL)), "beside a node", "%s", get("err"));
	check(strstr(get("plan.dtso"), "no node. On the kernel's command line: cma=80M"), "it is a comment", "%s",
	      get("plan.dtso"));
	plan(MORE(NULL));
	check(strstr(get("err"), "add cma=80M to"), "and a message", "%s", get("err"));
	/* A node may be called so, too. */
	HISTORY({ "cma/reserved", 80 * MIB, 64 * MIB });
	board(TREE(2, 2, RAM22, "reserved { " POOL "size = <0x0 0x4000000>; };"));
	check(boot(MORE(NULL)), "a node of that name", "%s", get("err"));
	is_booted("area reserved 0xbb000000 0x5000000\n", "is a node");
}

/* Nothing of a tree ends a comment or a string. */
static void hostile(void)
{
	char *text;

	HISTORY({ "cma/linux,cma", 80 * MIB, 64 * MIB });
	board("/dts-v1/;\n/ { #address-cells = <1>; #size-cells = <1>; compatible = \"*/ }; evil\\033[31m\"; " RAM11
	      "reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges;"
	      "linux,cma { " POOL "size = <0x4000000>; }; }; };");
	check(boot(MORE(NULL)), "a board whose name ends comments", "%s", get("err"));
	text = get("plan.dtso");
	check(!strchr(text, 27) && !strstr(text, "*/ }; evil"), "does not", "%s", text);
}

/* ---- notes ---- */

/* A node and its children, as files. */
static void unpack(const void *fdt, int node, const char *dir)
{
	int at, len;

	mkdir(tap_path(dir), 0755);
	fdt_for_each_property_offset(at, fdt, node) {
		const char *name;
		const void *v = fdt_getprop_by_offset(fdt, at, &name, &len);
		char rel[1024];
		FILE *f;

		snprintf(rel, sizeof(rel), "%s/%s", dir, name);
		put(rel, "%s", "");
		f = fopen(tap_path(rel), "w");
		if (f) {
			fwrite(v, 1, (size_t)len, f);
			fclose(f);
		}
	}
	fdt_for_each_subnode(at, fdt, node) {
		char rel[1024];

		snprintf(rel, sizeof(rel), "%s/%s", dir, fdt_get_name(fdt, at, NULL));
		unpack(fdt, at, rel);
	}
}

/* A machine with the tree of board(), whose only area is in use to the last byte. */
static void machine(const char *area, uint64_t size)
{
	char region[128];
	struct fake f;
	void *fdt = blob("board.dtb");

	snprintf(region, sizeof(region), "cma/%s", area);
	run(MORE("/bin/rm", "-rf", tap_path("root")));
	fake_start(&f, FAKE_OURS);
	fake_region(&f, region, size);
	fake_area(&f, area, size, 0, 0, 0);
	fake_cgroup(&f, "", &(struct fake_use){ .region = region, .current = size }, 1);
	fake_cgroup(&f, "a.slice", &(struct fake_use){ .region = region, .current = size, .peak = size }, 1);
	put("root/proc/pagetypeinfo", "Page block order: 9\nPages per block:  512\n");
	put("root/proc/cmdline", "quiet password=secret cma=64M%%32 cmafoo=1 coherent_pool=2M\n");
	put("root/sys/firmware/devicetree/base/name", "%s", "");
	unpack(fdt, 0, "root/sys/firmware/devicetree/base");
	free(fdt);
}

static int record(const char *output, const char *how)
{
	static char sysroot[4096], out[4096];

	snprintf(sysroot, sizeof(sysroot), "--sysroot=%s", tap_path("root"));
	snprintf(out, sizeof(out), "--output=%s", tap_path(output));
	return run(MORE(dmemctl, sysroot, "record", how, out));
}

/* How often it is in the history. */
static size_t count(const char *part)
{
	size_t n = 0;

	for (const char *at = get("history"); (at = strstr(at, part)); at += strlen(part))
		n++;
	return n;
}

static int plan_notes(const char *more)
{
	return more ? plan(MORE("--notes", "--headroom=25", more)) : plan(MORE("--notes", "--headroom=25"));
}

static void noted(void)
{
	static const char * const trees[] = {
		TREE(2, 2, RAM22, "linux,cma { " POOL "size = <0x0 0x4000000>; };"
		     "fb@84000000 { no-map; reg = <0x0 0x84000000 0x0 0x1000>; status = \"disabled\"; };"),
		TREE(2, 1, RAM21, "linux,cma { " POOL "size = <0x4000000>; alloc-ranges = <0x0 0x0 0x4000000>; };"
		     "nvram@0 { compatible = \"nvmem-rmem\"; reg = <0x0 0x3ef64f20 0x400>; no-map; };"
		     "a { reg = <0x0 0x3efff000 0x400>; };"),
		TREE(1, 1, RAM11, "linux,cma { " POOL "reg = <0x90000000 0x4000000>; };"),
	};
	char *with_tree;

	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++) {
		tap_case("tree %zu", i);
		board(trees[i]);
		machine("linux,cma", 64 * MIB);
		unlink(tap_path("history"));
		check(!record("history", "--count=1") && !*get("err"), "a recorder notes the tree", "%s", get("err"));
		check(!plan(MORE("--headroom=25")), "a plan uses the file of the tree", "%s",
		      get("err"));
		with_tree = strdup(strstr(get("plan.dtso"), "/dts-v1/"));
		check(!plan_notes(NULL), "a plan needs no file but the history", "%s", get("err"));
		check(strstr(get("plan.dtso"), "the tree in the histories"),
		      "the text names the histories as the source of the tree", "%s",
		      get("plan.dtso"));
		check_text(strstr(get("plan.dtso"), "/dts-v1/"), with_tree,
			   "both plans are the same");
		free(with_tree);
	}
	tap_case("%s", "");
	check(!strstr(get("history"), "secret") && strstr(get("history"), " K cma=64M%2532\n") &&
	      strstr(get("history"), " K coherent_pool=2M\n"),
	      "of the command line only words about CMA are noted", "%s", get("history"));
	check(strstr(get("history"), " D /reserved-memory/linux,cma "), "a node is a line", "%s", get("history"));
}

/* Cut off anywhere or damaged, a tree is one with all of its nodes, or none. */
static void half_noted(void)
{
	char *text, *at, *end;
	size_t wrong = 0;

	board(TREE(2, 2, RAM22, "linux,cma { " POOL "reg = <0x0 0x90000000 0x0 0x4000000>; };"
		   "tz@94000000 { no-map; reg = <0x0 0x94000000 0x0 0x100000>; };"));
	machine("linux,cma", 64 * MIB);
	unlink(tap_path("history"));
	record("history", "--count=1");
	refused(MORE("--notes", "--headroom=25"), "tz@94000000", "a neighbour that is noted");
	text = strdup(get("history"));
	at = strstr(text, " D /reserved-memory/tz");
	at[1] = 'X';
	put("history", "%s", text);
	wrong += plan_notes(NULL) != 1 || !strstr(get("err"), "do not contain");
	/* The line, as if it had never been there. */
	end = strchr(at, '\n');
	at -= 8;
	memmove(at, end + 1, strlen(end + 1) + 1);
	put("history", "%s", text);
	wrong += plan_notes(NULL) != 1 || !strstr(get("err"), "do not contain");
	check(!wrong, "is not lost with a damaged line", "%zu, %s", wrong, get("err"));
	free(text);
}

static void several(void)
{
	board(TREE(2, 2, RAM22, "linux,cma { " POOL "size = <0x0 0x4000000>; };"));
	machine("linux,cma", 64 * MIB);
	unlink(tap_path("history"));
	check(!record("history", "--count=1") && !record("history", "--count=1") && !plan_notes(NULL), "a tree that is noted twice is one", "%s",
	      get("err"));
	/* Another one of the same board. */
	board(TREE(2, 2, "memory@80000000 { device_type = \"memory\"; reg = <0x0 0x80000000 0x0 0x80000000>; };",
		   "linux,cma { " POOL "size = <0x0 0x4000000>; };"));
	machine("linux,cma", 64 * MIB);
	check(!record("history", "--count=1") && !plan_notes(NULL), "one with more memory", "%s", get("err"));
	check(plan(MORE("--notes", "--headroom=1000")) == 0, "has room for more", "%s", get("err"));
	board(TREE(2, 2, "memory@80000000 { device_type = \"memory\"; reg = <0x0 0x80000000 0x0 0x8000000>; };",
		   "linux,cma { " POOL "size = <0x0 0x4000000>; };"));
	machine("linux,cma", 64 * MIB);
	record("history", "--count=1");
	refused(MORE("--notes", "--headroom=1000"), "no free piece of memory", "but one with less has not");
	board(TREE(2, 2, RAM22, "linux,cma { " POOL "reg = <0x0 0x90000000 0x0 0x4000000>; };"));
	machine("linux,cma", 64 * MIB);
	record("history", "--count=1");
	refused(MORE("--notes"), "with different areas", "trees that are not alike are not mixed");
	check(!plan(MORE(NULL)), "unless one is given", "%s", get("err"));
	/* Another board. */
	board("/dts-v1/;\n/ { #address-cells = <1>; #size-cells = <1>; compatible = \"other,board\"; " RAM11
	      "reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges; linux,cma { " POOL
	      "size = <0x4000000>; }; }; };");
	refused(MORE(NULL), "a history is for board 'test,board'", "nor is a tree of another board taken");
	machine("linux,cma", 64 * MIB);
	record("history", "--count=1");
	refused(MORE("--notes"), "for board 'test,board' and for board 'other,board'", "nor are boards mixed");
	refused(MORE(NULL), "plan each board by itself", "and the remedy is named");
}

static void not_noted(void)
{
	char *nodes;

	board(TREE(2, 2, RAM22, "linux,cma { " POOL "size = <0x0 0x4000000>; };"));
	machine("linux,cma", 64 * MIB);
	nodes = malloc(100000);
	memset(nodes, 'x', 99999);
	nodes[99999] = 0;
	put("root/sys/firmware/devicetree/base/reserved-memory/linux,cma/reg", "%s", nodes);
	unlink(tap_path("history"));
	check(!record("history", "--count=1") && strstr(get("err"), "the device tree is not "
							"recorded") && strstr(get("history"), " S "),
	      "a tree that is too large is not noted, and samples are", "%s", get("err"));
	free(nodes);
	refused(MORE("--notes"), "do not contain", "and a plan has none");
	machine("linux,cma", 64 * MIB);
	nodes = malloc(5000);
	memset(nodes, 'x', 4999);
	nodes[4999] = 0;
	put("root/sys/firmware/devicetree/base/model", "%s", nodes);
	free(nodes);
	unlink(tap_path("history"));
	check(!record("history", "--count=1") && strstr(get("err"), "the device tree is not recorded"),
	      "nor is one with a property that is too large", "%s", get("err"));
	/* ExecStopPost= of a service that stops often. */
	machine("linux,cma", 64 * MIB);
	unlink(tap_path("history"));
	check(!record("history", "--once") && count(" N ") == 1 && !record("history", "--once") && count(" N ") == 1,
	      "a file of single samples has it once", "%zu, %s", count(" N "), get("err"));
	check(!record("history", "--count=1") && count(" N ") == 2, "and each start of a recorder notes it", "%zu",
	      count(" N "));
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: test_board DMEMCTL DIR\n");
		return 2;
	}
	dmemctl = argv[1];
	tap_start();
	tap_dir(argv[2]);
	RUN(cells);
	RUN(no_tree);
	RUN(dynamic);
	RUN(beside_the_kernel);
	RUN(unknown_memory);
	RUN(addressed);
	RUN(names);
	RUN(both);
	RUN(never_smaller);
	RUN(command_line);
	RUN(hostile);
	RUN(noted);
	RUN(half_noted);
	RUN(several);
	RUN(not_noted);
	return tap_end();
}
