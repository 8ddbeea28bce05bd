// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The library's readers of a machine and of names.
 *
 * test_look DIRECTORY
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmem/look.h"
#include "units/units.h"
#include "board.h"

#define SERVICE		"system.slice/camera.service"

static struct tool t;
static struct dmem_arena arena;
static char notes[4096];

static void take_note(void *data, const char *path, int err)
{
	(void)data;
	snprintf(notes + strlen(notes), sizeof(notes) - strlen(notes), "%s %d\n", path, err);
}

static void numbers(void)
{
	static const struct { const char *s; uint64_t n; } one[] = {
		{ "0", 0 }, { "4096", 4096 }, { "4096\n", 4096 }, { "4096 x", 4096 }, { "max", DMEM_NO_LIMIT },
		{ "max\n", DMEM_NO_LIMIT }, { "maximum", DMEM_UNKNOWN }, { "", DMEM_UNKNOWN },
		{ "-1", DMEM_UNKNOWN }, { " 1", DMEM_UNKNOWN }, { "1k", DMEM_UNKNOWN }, { "0x1", DMEM_UNKNOWN },
		{ "18446744073709551613", UINT64_MAX - 2 }, { "18446744073709551616", DMEM_UNKNOWN },
		{ "99999999999999999999", DMEM_UNKNOWN },
	}, keyed[] = {
		{ "a=1 b=2", 2 }, { "ab=1 b=2", 2 }, { "b=2", 2 }, { "b=x", DMEM_UNKNOWN }, { "ab=1", DMEM_UNKNOWN },
		{ "", DMEM_UNKNOWN }, { "b 2", DMEM_UNKNOWN }, { "b=max", DMEM_UNKNOWN }, { "a=b=2", DMEM_UNKNOWN },
		{ "a=1  b=2 b=3", 2 },
	};
	char text[] = "a 1\n\nb\n 2\nc d e\nlast 3", *at = text, *region, *rest, all[100] = "";
	char name[100];

	for (size_t i = 0; i < sizeof(one) / sizeof(*one); i++) {
		snprintf(name, sizeof(name), "number %zu, '%.*s', is read", i,
			 (int)strcspn(one[i].s, "\n"), one[i].s);
		check(dmem_number(one[i].s) == one[i].n, name, "'%s'", one[i].s);
	}
	for (size_t i = 0; i < sizeof(keyed) / sizeof(*keyed); i++) {
		snprintf(name, sizeof(name), "the value of key b in '%s'", keyed[i].s);
		check(dmem_keyed_number(keyed[i].s, "b") == keyed[i].n, name, "'%s'", keyed[i].s);
	}
	while (dmem_next_line(&at, &region, &rest))
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s:%s|", region, rest);
	check_text(all, "a:1|c:d e|last:3|", "lines without a region are left out");
}

static void files(void)
{
	struct dmem_text text = { 0 };
	struct dmem_sys sys;
	const char **names;
	char *line, name[100];
	size_t n;

	tap_dir(t.dir);
	put("root/dir/b", "%s", "");
	put("root/dir/c", "x");
	put("root/dir/a", "first\nsecond\n");
	put("root/dir/.hidden", "x");
	put("secret", "outside");
	link_to("root/out", "/../secret");
	link_to("root/abs", "/dir/a");
	link_to("root/rel", "dir/a");
	check(dmem_sys_open(&sys, tap_path("none")) == -ENOENT, "opening a missing tree fails",
	      "there is");
	check(!dmem_sys_open(&sys, tap_path("root")), "a tree can be opened",
	      "it cannot be opened");
	check(dmem_sys_read(&sys, "out", &text) == -ENOENT, "a link does not lead out", "%s",
	      text.s);
	check(!dmem_sys_read(&sys, "abs", &text) && !strcmp(text.s, "first\nsecond\n"),
	      "a link stays in the tree", "%s", text.s);
	check(!dmem_sys_read(&sys, "dir/b", &text) && !text.len && !*text.s, "an empty file", "%zu",
	      text.len);
	check(dmem_sys_read(&sys, "dir", &text) == -EISDIR, "reading a directory fails", "is read");
	/* Below a directory that is open, too; an image may have anything. */
	put("root/odd/sparse", "x");
	check(!mkfifo(tap_path("root/odd/fifo"), 0644) && dmem_read_at(sys.root, "odd/fifo", &text) == -EPERM,
	      "a FIFO in the place of a file is not opened", "it is");
	check(dmem_read_at(sys.root, "rel", &text) == -ELOOP, "a link is not followed", "it is");
	check(!truncate(tap_path("root/odd/sparse"), 1ll << 40) &&
	      dmem_read_at(sys.root, "odd/sparse", &text) == -EFBIG && text.size <= 128 << 20,
	      "a file of a terabyte is not read", "%zu", text.size);
	for (size_t len = 4094; len <= 4098; len++) {
		char *big = malloc(len + 1);

		memset(big, 'x', len);
		big[len] = 0;
		put("root/big", "%s", big);
		snprintf(name, sizeof(name),
			 "a file about as large as the first buffer, %zu bytes, is read", len);
		check(!dmem_sys_read(&sys, "big", &text) && text.len == len &&
			      strlen(text.s) == len,
		      name, "%zu of %zu", text.len, len);
		free(big);
	}
	put("root/big", "%0300000d", 1);
	check(!dmem_sys_read(&sys, "big", &text) && text.len == 300000, "a large file", "%zu",
	      text.len);
	check(!dmem_sys_list(&sys, "dir", &arena, &names, &n) && n == 4 && !strcmp(names[0], ".hidden") &&
	      !strcmp(names[1], "a") && !strcmp(names[2], "b") && !strcmp(names[3], "c"),
	      "a list is sorted, and has names with a dot in front", "%zu", n);
	check(dmem_sys_list(&sys, "none", &arena, &names, &n) == -ENOENT && !n, "no such directory",
	      "%zu", n);
	line = dmem_first_line(&arena, AT_FDCWD, tap_path("root/dir/a"));
	check_text(line ? line : "(null)", "first", "the first line of a file is read");
	check(!dmem_first_line(&arena, AT_FDCWD, tap_path("root/none")),
	      "a missing file has no first line",
	      "there is one");
	check(!dmem_first_line(&arena, AT_FDCWD, tap_path("root/rel")),
	      "no first line is read through a link",
	      "there is one");
	dmem_text_free(&text);
	dmem_sys_close(&sys);
	check(sys.root == -1 && !text.s, "closing the tree frees the text", "no");
}

static const struct dmem_region *find(const struct dmem_regions *r, const char *name)
{
	static const struct dmem_region none;
	const struct dmem_region *g = dmem_regions_find(r, name);

	return g ? g : &none;
}

static void regions(void)
{
	struct dmem_regions r;
	struct dmem_sys sys;
	struct fake f;

	board(&t);
	fake_start(&f, FAKE_OURS);
	fake_area(&f, "hugetlb", 1 * MIB, 0, 0, 0);
	put(CG "dmem.capacity", SYSTEM " 1048576000\n" DISPLAY " 50331648\n" CAMERA " 41943040\n");
	fake_heap(&f, "odd", NULL);
	/* As a program leaves it in a copy; the kernel has no such heap. */
	put("root/sys/class/dma_heap/.odd.swp", "%s", "");
	dmem_sys_open(&sys, tap_path("root"));
	check(!dmem_regions_read(&sys, &arena, take_note, NULL, &r) && r.n == 3 && r.complete &&
		      r.n_heaps == 4 && !*notes,
	      "all regions and heaps are read", "%zu, %zu heaps; %s", r.n, r.n_heaps, notes);
	check(!strcmp(r.region[0].name, CAMERA) && !strcmp(r.region[2].name, SYSTEM),
	      "regions are sorted by name",
	      "%s", r.region[0].name);
	check(r.region[0].capacity == 40 * MIB && r.region[0].current == 8 * MIB &&
		      r.region[0].available == 32 * MIB && r.region[0].largest == 32 * MIB &&
		      !r.region[0].unaccounted,
	      "a region of a CMA area has the figures of the area", "%llu", (unsigned long long)r.region[0].available);
	check(r.region[2].available == DMEM_UNKNOWN && r.region[2].capacity == 1000 * MIB,
	      "a region without a CMA area has no free memory", "%llu", (unsigned long long)r.region[2].available);
	check(r.region[0].n_heaps == 1 && !strcmp(r.region[0].heap[0], "camera@64000000"),
	      "a region has the heap that names it", "%zu", r.region[0].n_heaps);
	check(!strcmp(dmem_regions_meant(&r, "dma_heap/camera@64000000"), CAMERA) &&
	      !strcmp(dmem_regions_meant(&r, "dma_heap/odd"), "dma_heap/odd") &&
	      !strcmp(dmem_regions_meant(&r, "dma_heap/none"), "dma_heap/none") &&
	      !strcmp(dmem_regions_meant(&r, "x"), "x"), "the name of a heap means its region", "another one");
	check(!dmem_regions_read_some(&sys, &arena, DMEM_READ_CAPACITY, take_note, NULL, &r) &&
		      r.n == 3 && !r.n_heaps && r.region[0].current == DMEM_UNKNOWN &&
		      r.region[0].largest == DMEM_UNKNOWN,
	      "only the figures that are asked for are read", "%zu heaps", r.n_heaps);

	/* In a namespace, heaps and the cgroup's own files name the regions. */
	unlink(tap_path(CG "dmem.capacity"));
	put(CG "dmem.current", CAMERA " 4096\nother 1\n");
	check(!dmem_regions_read(&sys, &arena, take_note, NULL, &r) && !r.complete && r.n == 4 &&
	      find(&r, CAMERA)->current == DMEM_UNKNOWN && find(&r, CAMERA)->capacity == 40 * MIB &&
	      find(&r, "other")->capacity == DMEM_UNKNOWN, "in a namespace, heaps and the files of the cgroup name the regions", "%zu regions", r.n);
	unlink(tap_path(CG "dmem.current"));
	check(!dmem_regions_read_some(&sys, &arena, DMEM_READ_CAPACITY, take_note, NULL, &r) &&
		      r.n == 3,
	      "heaps alone name the regions", "%zu regions", r.n);
	mkdir(tap_path(CG "dmem.capacity"), 0755);
	check(!dmem_regions_read(&sys, &arena, take_note, NULL, &r) &&
		      strstr(notes, "sys/fs/cgroup/dmem.capacity 21\n"),
	      "a capacity that cannot be read is noted", "%s", notes);
	*notes = 0;
	dmem_sys_close(&sys);
}

static struct dmem_node *node(struct dmem_tree *tree, const char *path)
{
	char buf[300];

	for (struct dmem_node *n = tree->root; n; n = dmem_tree_next(n)) {
		dmem_node_path(n, buf, sizeof(buf));
		if (!strcmp(buf, path))
			return n;
	}
	return NULL;
}

static void trees(void)
{
	unsigned int figures = DMEM_BIT(DMEM_F_CURRENT) | DMEM_BIT(DMEM_F_MAX) | DMEM_REFUSALS |
			       DMEM_BIT(DMEM_F_LOCAL);
	struct dmem_regions r;
	struct dmem_tree tree;
	struct dmem_sys sys;
	struct dmem_node *n;
	char path[40], all[400] = "";

	board(&t);
	put(CG SERVICE "/dmem.events", DISPLAY " max=9 alloc_fail=1 exhausted=2 reserved=3\n" SYSTEM
	    " max=1 alloc_fail=4 exhausted=5\n");
	dmem_sys_open(&sys, tap_path("root"));
	dmem_regions_read(&sys, &arena, NULL, NULL, &r);
	check(!dmem_tree_read(&sys, &arena, &r, "", figures, UINT32_MAX, take_note, NULL, &tree) &&
		      tree.n == 9 && !*notes,
	      "the whole tree is read", "%zu cgroups; %s", tree.n, notes);
	for (n = tree.root; n; n = dmem_tree_next(n))
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s ", n->name);
	check_text(all,
		   " media.slice system.slice box.service payload camera.service eye@left.service "
		   "lone.scope "
		   "other.service ",
		   "parents are first, children sorted by name");
	n = node(&tree, SERVICE);
	check(dmem_tree_figure(&tree, n, 0, DMEM_F_CURRENT) == 8 * MIB &&
		      dmem_tree_figure(&tree, n, 0, DMEM_F_MAX) == 24 * MIB &&
		      dmem_tree_figure(&tree, n, 1, DMEM_F_MAX) == DMEM_NO_LIMIT &&
		      dmem_tree_figure(&tree, n, 0, DMEM_F_LOCAL) == 8 * MIB,
	      "a cgroup has its figures", "%llu", (unsigned long long)dmem_tree_figure(&tree, n, 0, DMEM_F_MAX));
	check(dmem_tree_figure(&tree, n, 0, DMEM_F_PEAK) == DMEM_UNKNOWN,
	      "a figure that was not asked for is unknown",
	      "is there");
	check(dmem_tree_refused(&tree, n, 0) == DMEM_UNKNOWN &&
		      dmem_tree_refused(&tree, n, 1) == 6 && dmem_tree_refused(&tree, n, 2) == 9,
	      "refusals are the sum of the events", "%llu", (unsigned long long)dmem_tree_refused(&tree, n, 1));
	check(!node(&tree, "system.slice/box.service/payload")->figure,
	      "a cgroup without the controller has no figures", "figures");
	check(n->id == fake_cgroup_id(SERVICE), "a cgroup has its id", "%llu",
	      (unsigned long long)n->id);
	check(dmem_node_path(n, path, 10) == strlen(SERVICE) && !strcmp(path, "system.sl"),
	      "a path is cut to the buffer, and its length returned", "%s", path);
	check(!dmem_node_path(tree.root, path, sizeof(path)) && !*path,
	      "the path of the root is empty", "%s",
	      path);

	put(CG "system.slice/dmem.max", CAMERA " 1048576\n" SYSTEM " 0\n");
	put(CG SERVICE "/.hidden/dmem.max", CAMERA " 4096\n");
	check(!dmem_tree_read(&sys, &arena, &r, "", figures, UINT32_MAX, NULL, NULL, &tree),
	      "a tree can be read again", "no");
	n = node(&tree, SERVICE);
	check(dmem_tree_limit(&tree, n, 0) == MIB &&
		      dmem_tree_limit(&tree, n, 1) == r.region[1].capacity &&
		      !dmem_tree_limit(&tree, n, 2),
	      "the effective limit, up to the capacity", "%llu", (unsigned long long)dmem_tree_limit(&tree, n, 0));
	check(node(&tree, SERVICE "/.hidden") != NULL,
	      "a cgroup whose name begins with a dot is read", "is left out");
	check(!dmem_tree_read(&sys, &arena, &r, "system.slice", figures, 1, NULL, NULL, &tree) &&
		      tree.n == 6 && node(&tree, SERVICE) && !node(&tree, SERVICE "/.hidden"),
	      "a part of the tree is read to a depth", "%zu", tree.n);
	check(!dmem_tree_read(&sys, &arena, &r, SERVICE, figures, 0, NULL, NULL, &tree) &&
		      tree.n == 1,
	      "depth 0 is one cgroup", "%zu", tree.n);
	check(dmem_tree_read(&sys, &arena, &r, "none", figures, 0, NULL, NULL, &tree) == -ENOENT,
	      "a missing cgroup is an error", "one");
	unlink(tap_path(CG SERVICE "/dmem.max"));
	mkdir(tap_path(CG SERVICE "/dmem.max"), 0755);
	unlink(tap_path(CG SERVICE "/dmem.current"));
	dmem_tree_read(&sys, &arena, &r, SERVICE, figures, 0, take_note, NULL, &tree);
	check(!tree.root->figure && !*notes, "a cgroup without dmem.current has no figures", "%s",
	      notes);
	put(CG SERVICE "/dmem.current", DISPLAY " 1\n" CAMERA " 2\n");
	dmem_tree_read(&sys, &arena, &r, SERVICE, figures, 0, take_note, NULL, &tree);
	check_text(notes, "sys/fs/cgroup/" SERVICE "/dmem.max 21\n",
		   "a file that cannot be read is noted");
	check(dmem_tree_figure(&tree, tree.root, 0, DMEM_F_CURRENT) == 2 &&
		      dmem_tree_figure(&tree, tree.root, 1, DMEM_F_CURRENT) == 1 &&
		      dmem_tree_figure(&tree, tree.root, 0, DMEM_F_MAX) == DMEM_UNKNOWN,
	      "the other files are read, in any order", "no");
	dmem_sys_close(&sys);
}

static void names(void)
{
	static const struct { const char *path, *unit; } cgroups[] = {
		{ "system.slice/camera.service", "camera.service" },
		{ "system.slice/camera.service/x", "camera.service" },
		{ "a.slice/a-b.slice", "a-b.slice" },
		{ "a.slice/x/b.service", "a.slice" },
		{ "", NULL },
		{ "x", NULL },
		{ "system.slice/_memory.service", "memory.service" },
		{ "init.scope", "init.scope" },
		{ "user.slice/user-1.slice/user@1.service/app.slice/x.service", "user@1.service" },
		{ "x/camera.service", NULL },
		{ "a.timer", NULL },
	};
	static const struct { const char *unit, *text, *want; } expanded[] = {
		{ "a-b@c-d.service", "%n|%N|%p|%P|%i|%I|%j|%J|%%",
		  "a-b@c-d.service|a-b@c-d|a-b|a/b|c-d|c/d|b|b|%" },
		{ "a.service", "%i%I|%p|%j", "|a|a" },
		{ "a@.service", "x%iy", "xy" },
		{ "x\\x2dy\\x2F@z\\x2.service", "%P|%I|%p", "x-y/|z\\x2|x\\x2dy\\x2F" },
		{ "a.service", "%", NULL },
		{ "a.service", "%z", NULL },
		{ "a.service", "", "" },
		{ "a.service", "x%%", "x%" },
	};
	char name[200];

	for (size_t i = 0; i < sizeof(cgroups) / sizeof(*cgroups); i++) {
		size_t len = 0;
		const char *unit = dmem_cgroup_unit(cgroups[i].path, &len);
		char got[100] = "";

		snprintf(got, sizeof(got), "%.*s", (int)len, unit ? unit : "");
		snprintf(name, sizeof(name), "the unit of cgroup '%s'", cgroups[i].path);
		check_text(unit ? got : "(none)", cgroups[i].unit ? cgroups[i].unit : "(none)",
			   name);
	}
	for (size_t i = 0; i < sizeof(expanded) / sizeof(*expanded); i++) {
		const char *got = dmem_expand(&arena, expanded[i].unit, expanded[i].text);

		snprintf(name, sizeof(name), "'%s' is expanded for %s", expanded[i].text,
			 expanded[i].unit);
		check_text(got ? got : "(none)", expanded[i].want ? expanded[i].want : "(none)",
			   name);
	}
}

static enum dmem_status find_limit(int root, const struct dmem_sys *sys, const char *heaps,
				   const char *arg, const char **name, uint64_t *capacity)
{
	struct dmem_limit l;
	enum dmem_status s = dmem_limit_parse(&arena, DMEM_MAX, arg, &l);

	return s == DMEM_OK ? dmem_limit_find(&arena, root, sys, heaps, &l, name, capacity) : s;
}

static void limits(void)
{
	static const struct { const char *arg; enum dmem_status s; const char *region; } args[] = {
		{ "cma/a=24M", DMEM_OK, "cma/a" },
		{ "a=b=max", DMEM_OK, "a=b" },
		{ "a=12.5%", DMEM_OK, "a" },
		{ "a", DMEM_USAGE, NULL },
		{ "=1", DMEM_BAD_NAME, NULL },
		{ "a b=1", DMEM_BAD_NAME, NULL },
		{ "a=", DMEM_BAD_VALUE, NULL },
		{ "a=1=x", DMEM_BAD_VALUE, NULL },
		{ "dma_heap/=1", DMEM_BAD_NAME, NULL },
	};
	char heaps[4096], title[100];
	const char *name;
	uint64_t capacity = 0;
	int root;

	for (size_t i = 0; i < sizeof(args) / sizeof(*args); i++) {
		struct dmem_limit l = { 0 };
		enum dmem_status s = dmem_limit_parse(&arena, DMEM_LOW, args[i].arg, &l);

		snprintf(title, sizeof(title), "limit '%s' is %s", args[i].arg,
			 args[i].s ? "refused" : "accepted");
		check(s == args[i].s &&
			      (s || (!strcmp(l.region, args[i].region) && l.kind == DMEM_LOW)),
		      title, "%s: %d", args[i].arg, s);
	}
	board(&t);
	put("root/sys/class/dma_heap/odd/dmem_region", "\n");
	put("root/sys/class/dma_heap/wrong/dmem_region", "a b\n");
	put("root/sys/class/dma_heap/loop/dmem_region", "dma_heap/loop\n");
	put("root/sys/class/dma_heap/gone/dmem_region", "cma/gone\n");
	snprintf(heaps, sizeof(heaps), "%s", tap_path("root/sys/class/dma_heap"));
	dmem_cgroup_open(tap_path("root/sys/fs/cgroup"), true, &root);
#define FIND(region)	find_limit(root, NULL, heaps, region "=1M", &name, &capacity)
	check(FIND(DISPLAY) == DMEM_OK && capacity == 48 * MIB && !strcmp(name, DISPLAY),
	      "a region is found by its name", "no");
	check(FIND("dma_heap/camera@64000000") == DMEM_OK && capacity == 40 * MIB &&
		      !strcmp(name, CAMERA),
	      "a region is found by its heap", "no");
	check(FIND("cma/none") == DMEM_NO_REGION, "a missing region is reported", "one");
	check(FIND("dma_heap/none") == DMEM_NO_HEAP_REGION &&
		      FIND("dma_heap/odd") == DMEM_NO_HEAP_REGION,
	      "a heap without a region is reported", "one");
	check(FIND("dma_heap/wrong") == DMEM_BAD_NAME && FIND("dma_heap/loop") == DMEM_BAD_NAME,
	      "a heap with an invalid region name is reported", "is one");
	check(FIND("dma_heap/gone") == DMEM_NO_REGION, "a heap of a missing region is reported",
	      "it is");
	check(FIND("/dev/dma_heap/camera@64000000") == DMEM_OK && !strcmp(name, CAMERA),
	      "a region is found by the device of its heap", "no");
	/* A container: the root is a cgroup like others, and has no dmem.capacity. */
	unlink(tap_path(CG "dmem.capacity"));
	put(CG "dmem.current", CAMERA " 0\n");
	check(FIND(CAMERA) == DMEM_OK && capacity == DMEM_UNKNOWN,
	      "a limit in bytes needs no capacity", "they do");
	check(find_limit(root, NULL, heaps, CAMERA "=50%", &name, &capacity) == DMEM_NO_CAPACITY,
	      "a percentage needs the capacity", "it does not");
	check(FIND("cma/none") == DMEM_NO_REGION,
	      "a region that a container does not have is missing", "it has");
	close(root);
}

static void effective(void)
{
	struct dmem_units u;
	struct dmem_unit_limits limits;

	board(&t);
	put(LIB "camera.service.d/b.conf", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 2M\nDeviceMemoryMi"
									       "n=x 1\n");
	put(ETC "cam.service.d/a.conf", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 1M\n");
	check(!dmem_units_load(&u, tap_path("root"), NULL, NULL, NULL), "the unit files are loaded",
	      "no");
	check(!dmem_units_limits_of(&u, "cam.service", "/x", &limits) && limits.n == 2 &&
		      !strcmp(limits.limit[0].value, "2M") && limits.limit[1].kind == DMEM_MIN,
	      "an alias has the limits of all files of the unit", "%zu", limits.n);
	check(!dmem_units_limits_of(&u, "none.service", "/x", &limits) && !limits.n && !limits.file,
	      "a missing unit has no limits", "%zu", limits.n);
	dmem_units_free(&u);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	t.dir = argv[1];
	/* An endless file is an error, too. */
	alarm(120);
	tap_start();
	RUN(numbers);
	RUN(files);
	RUN(regions);
	RUN(trees);
	RUN(names);
	RUN(limits);
	RUN(effective);
	dmem_arena_free(&arena);
	return tap_end();
}
