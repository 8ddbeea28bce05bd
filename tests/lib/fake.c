// SPDX-License-Identifier: GPL-2.0-or-later
/* A machine made of plain files, in the formats of the kernel's own files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"
#include "fake.h"

#define CGROUP	"root/sys/fs/cgroup"

typedef unsigned long long ull;

static void die(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(2);
}

void fake_start(struct fake *f, enum fake_kernel kernel)
{
	*f = (struct fake){ .kernel = kernel };
	put(CGROUP "/cgroup.controllers", "cpuset cpu io memory pids dmem\n");
	put(CGROUP "/cgroup.subtree_control", "cpu io memory pids dmem\n");
	put(CGROUP "/cgroup.procs", "1\n");
}

void fake_region(struct fake *f, const char *name, uint64_t capacity)
{
	if (f->n == sizeof(f->region) / sizeof(*f->region))
		die("too many regions");
	f->region[f->n].name = name;
	f->region[f->n++].capacity = capacity;
}

void fake_heap(const struct fake *f, const char *heap, const char *region)
{
	char path[512];

	snprintf(path, sizeof(path), "root/sys/class/dma_heap/%s/dev", heap);
	put(path, "251:0\n");
	if (f->kernel < FAKE_OURS)
		return;
	snprintf(path, sizeof(path), "root/sys/class/dma_heap/%s/dmem_region", heap);
	put(path, "%s%s", region ? region : "", region ? "\n" : "");
}

static void put_pages(const char *dir, const char *area, const char *file, uint64_t bytes)
{
	char path[512];

	snprintf(path, sizeof(path), "root/sys/kernel/%s/%s/%s", dir, area, file);
	put(path, "%llu\n", (ull)(bytes / (uint64_t)sysconf(_SC_PAGESIZE)));
}

void fake_area(const struct fake *f, const char *area, uint64_t total, uint64_t available,
	       uint64_t unaccounted, uint64_t largest)
{
	put_pages("mm/cma", area, "total_pages", total);
	put_pages("mm/cma", area, "available_pages", available);
	if (f->kernel == FAKE_OURS)
		put_pages("mm/cma", area, "unaccounted_pages", unaccounted);
	put_pages("debug/cma", area, "count", total);
	put_pages("debug/cma", area, "maxchunk", largest);
}

/* The files, with the first kernel that has them. */
static const struct {
	const char *name;
	enum fake_kernel since;
	bool on_root, only_on_root;
	enum fake_kernel root_since;
} files[] = {
	{ "dmem.capacity", FAKE_6_14, true, true, FAKE_6_14 },
	{ "dmem.current", FAKE_6_14, true, false, FAKE_6_14 },
	{ "dmem.min", FAKE_6_14, false, false, FAKE_6_14 },
	{ "dmem.low", FAKE_6_14, false, false, FAKE_6_14 },
	{ "dmem.max", FAKE_6_14, false, false, FAKE_6_14 },
	{ "dmem.peak", FAKE_7_3, true, false, FAKE_OURS },
	{ "dmem.events", FAKE_OURS, false, false, FAKE_OURS },
	{ "dmem.stat", FAKE_OURS, true, false, FAKE_OURS },
};

static void print_limit(FILE *o, uint64_t max)
{
	if (!max)
		fprintf(o, "max\n");
	else
		fprintf(o, "%llu\n", max == FAKE_NOTHING ? 0ull : (ull)max);
}

/* Prints one line of a file. Only CMA areas have reservations. */
static void print_line(FILE *o, const char *file, const char *region, uint64_t capacity,
		       const struct fake_use *u)
{
	bool cma = !strncmp(region, "cma/", 4);

	fprintf(o, "%s ", region);
	if (!strcmp(file, "dmem.capacity"))
		fprintf(o, "%llu\n", (ull)capacity);
	else if (!strcmp(file, "dmem.current"))
		fprintf(o, "%llu\n", (ull)u->current);
	else if (!strcmp(file, "dmem.peak"))
		fprintf(o, "%llu\n", (ull)u->peak);
	else if (!strcmp(file, "dmem.min"))
		fprintf(o, "%llu\n", (ull)u->min);
	else if (!strcmp(file, "dmem.low"))
		fprintf(o, "%llu\n", (ull)u->low);
	else if (!strcmp(file, "dmem.max"))
		print_limit(o, u->max);
	else if (!strcmp(file, "dmem.events") && cma)
		fprintf(o, "max=%llu alloc_fail=%llu exhausted=%llu reserved=%llu\n", (ull)u->ev_max,
			(ull)u->alloc_fail, (ull)u->exhausted, (ull)u->reserved);
	else if (!strcmp(file, "dmem.events"))
		fprintf(o, "max=%llu alloc_fail=%llu exhausted=%llu\n", (ull)u->ev_max,
			(ull)u->alloc_fail, (ull)u->exhausted);
	else if (cma)
		fprintf(o, "local=%llu dying=%llu reserved=%llu committed=%llu\n", (ull)u->local,
			(ull)u->dying, (ull)u->min, (ull)(u->current > u->min ? u->current : u->min));
	else
		fprintf(o, "local=%llu dying=%llu\n", (ull)u->local, (ull)u->dying);
}

static const struct fake_use *find(const struct fake_use *use, size_t n, const char *region)
{
	static const struct fake_use nothing;

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(use[i].region, region))
			return &use[i];
	}
	return &nothing;
}

/* Writes the files of a cgroup in the directory @dir. */
static void put_files(const struct fake *f, const char *dir, bool root, const struct fake_use *use, size_t n)
{
	char name[4096], *text;
	size_t len;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		FILE *o;

		if (files[i].since > f->kernel || (root && (!files[i].on_root || files[i].root_since > f->kernel)) ||
		    (!root && files[i].only_on_root))
			continue;
		o = open_memstream(&text, &len);
		if (!o)
			die("no memory");
		for (size_t r = 0; r < f->n; r++)
			print_line(o, files[i].name, f->region[r].name, f->region[r].capacity,
				   find(use, n, f->region[r].name));
		fclose(o);
		snprintf(name, sizeof(name), "%s/%s", dir, files[i].name);
		put(name, "%s", text);
		free(text);
	}
}

/* Makes the parents of @path, which is below the root cgroup. */
static void make_parents(const char *path)
{
	char dir[4096];

	for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		snprintf(dir, sizeof(dir), CGROUP "/%.*s", (int)(p - path), path);
		if (mkdir(tap_path(dir), 0755) && errno != EEXIST)
			die(dir);
	}
}

/*
 * A new cgroup appears with all of its files, like with the kernel's cgroup_mkdir(): a program that
 * reads at the same time must not find only some of them.
 */
void fake_cgroup(const struct fake *f, const char *path, const struct fake_use *use, size_t n)
{
	bool root = !*path && !f->namespaced;
	char dir[4096];

	snprintf(dir, sizeof(dir), CGROUP "%s%s", *path ? "/" : "", path);
	if (!*path && f->namespaced)
		put(CGROUP "/cgroup.type", "domain\n");
	if (!*path || !access(tap_path(dir), F_OK)) {
		if (*path)
			fake_bare_cgroup(path);
		put_files(f, dir, root, use, n);
		return;
	}
	put("new-cgroup/cgroup.procs", "%s", "");
	put_files(f, "new-cgroup", root, use, n);
	make_parents(path);
	if (rename(tap_path("new-cgroup"), tap_path(dir)))
		die(dir);
}

void fake_bare_cgroup(const char *path)
{
	char name[4096];

	snprintf(name, sizeof(name), CGROUP "/%s/cgroup.procs", path);
	put(name, "%s", "");
}

uint64_t fake_cgroup_id(const char *path)
{
	char name[4096];
	struct stat st;

	snprintf(name, sizeof(name), CGROUP "/%s", path);
	if (stat(tap_path(name), &st))
		die(name);
	return st.st_ino;
}

void fake_process(int pid, const char *comm)
{
	char path[128];

	snprintf(path, sizeof(path), "root/proc/%d/comm", pid);
	put(path, "%s\n", comm);
	snprintf(path, sizeof(path), "root/proc/%d/fd/0", pid);
	link_to(path, "/dev/null");
	snprintf(path, sizeof(path), "root/proc/%d/fdinfo/0", pid);
	put(path, "pos:\t0\nflags:\t0100000\nmnt_id:\t5\nino:\t4\n");
	snprintf(path, sizeof(path), "root/proc/%d/maps", pid);
	put(path, "55d0c0000000-55d0c0002000 r--p 00000000 fe:00 247134                     /usr/bin/x\n");
}

void fake_fd(const struct fake *f, int pid, int fd, const struct fake_buffer *b)
{
	char path[128], to[64], name[64] = "", pays[256] = "";

	snprintf(path, sizeof(path), "root/proc/%d/fd/%d", pid, fd);
	snprintf(to, sizeof(to), "/dmabuf:%s", b->name ? b->name : "");
	link_to(path, to);
	if (b->name)
		snprintf(name, sizeof(name), "name:\t%s\n", b->name);
	if (b->region && f->kernel == FAKE_OURS)
		snprintf(pays, sizeof(pays), "dmem_region:\t%s\ndmem_cgroup:\t%llu\n", b->region,
			 (ull)b->cgroup);
	snprintf(path, sizeof(path), "root/proc/%d/fdinfo/%d", pid, fd);
	put(path, "pos:\t0\nflags:\t02000002\nmnt_id:\t11\nino:\t%lu\nsize:\t%llu\ncount:\t2\n"
	    "exp_name:\t%s\n%s%s", b->ino, (ull)b->size, b->exporter, pays, name);
}

void fake_other_fd(int pid, int fd, const char *target)
{
	char path[128];

	snprintf(path, sizeof(path), "root/proc/%d/fd/%d", pid, fd);
	link_to(path, target);
	snprintf(path, sizeof(path), "root/proc/%d/fdinfo/%d", pid, fd);
	put(path, "pos:\t0\nflags:\t02\nmnt_id:\t9\nino:\t77\n");
}

void fake_maps(int pid, const struct fake_buffer *b, size_t n, bool sizes)
{
	char path[128], *text;
	unsigned long from = 0x7f0000000000;
	size_t len;
	FILE *o = open_memstream(&text, &len);

	if (!o)
		die("no memory");
	fprintf(o, "55d0c0000000-55d0c0002000 r--p 00000000 fe:00 247134                     /usr/bin/x\n");
	for (size_t i = 0; i < n; i++, from += 0x10000000) {
		fprintf(o, "%lx-%lx rw-s 00000000 00:0b %lu                          /dmabuf:%s\n", from,
			from + (unsigned long)b[i].size, b[i].ino, b[i].name ? b[i].name : "");
		if (!sizes)
			continue;
		snprintf(path, sizeof(path), "root/proc/%d/map_files/%lx-%lx", pid, from,
			 from + (unsigned long)b[i].size);
		put(path, "%s", "");
		if (truncate(tap_path(path), (off_t)b[i].size))
			die(path);
	}
	fprintf(o, "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]\n");
	fclose(o);
	snprintf(path, sizeof(path), "root/proc/%d/maps", pid);
	put(path, "%s", text);
	free(text);
}

void fake_bufinfo(const struct fake *f, const struct fake_buffer *b, size_t n)
{
	uint64_t sum = 0;
	size_t len;
	char *text;
	FILE *o = open_memstream(&text, &len);

	if (!o)
		die("no memory");
	fprintf(o, "\nDma-buf Objects:\n%-8s\t%-8s\t%-8s\t%-8s\texp_name\t%-8s\tname\n", "size", "flags",
		"mode", "count", "ino");
	for (size_t i = 0; i < n; i++) {
		fprintf(o, "%08llu\t%08x\t%08x\t%08ld\t%s\t%08lu\t%s\n", (ull)b[i].size, 02000002, 7, 2l,
			b[i].exporter, b[i].ino, b[i].name ? b[i].name : "<none>");
		if (b[i].region && f->kernel == FAKE_OURS)
			fprintf(o, "dmem_region:\t%s\ndmem_cgroup:\t%llu\n", b[i].region,
				(ull)b[i].cgroup);
		fprintf(o, "\tAttached Devices:\n\tvivid-000\nTotal 1 devices attached\n\n");
		sum += b[i].size;
	}
	fprintf(o, "\nTotal %d objects, %llu bytes\n", (int)n, (ull)sum);
	fclose(o);
	put("root/sys/kernel/debug/dma_buf/bufinfo", "%s", text);
	free(text);
}
