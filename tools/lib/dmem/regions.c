// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the regions from the controller, the heaps and CMA. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "look.h"

#define CGROUP	"sys/fs/cgroup"
#define HEAPS	"sys/class/dma_heap"
#define CMA	"sys/kernel/mm/cma"
#define DEBUG	"sys/kernel/debug/cma"
#define PREFIX	"cma/"

struct reading {
	const struct dmem_sys *sys;
	struct dmem_arena *arena;
	unsigned int what;
	dmem_note_fn note;
	void *data;
	struct dmem_regions *r;
	struct dmem_text text;
	unsigned int file;	/* number of files read so far */
};

static void note(struct reading *rd, const char *path, int err)
{
	if (rd->note && err != -ENOENT)
		rd->note(rd->data, path, -err);
}

size_t dmem_regions_index(const struct dmem_regions *r, const char *name, size_t guess)
{
	if (guess < r->n && !strcmp(r->region[guess].name, name))
		return guess;
	for (size_t i = 0; i < r->n; i++) {
		if (!strcmp(r->region[i].name, name))
			return i;
	}
	return r->n;
}

struct dmem_region *dmem_regions_find(const struct dmem_regions *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++) {
		if (!strcmp(r->region[i].name, name))
			return &r->region[i];
	}
	return NULL;
}

char *dmem_region_numbered(char *buf, size_t size, const char *name, unsigned int nth)
{
	snprintf(buf, size, "%s#%u", name, nth);
	return buf;
}

void dmem_lines_start(struct dmem_lines *l)
{
	l->file++;
	l->line = 0;
}

/* Searches for a line whose region was added or removed after the regions were read. */
static size_t search_line(struct dmem_lines *l, const char *name)
{
	size_t i = dmem_regions_index(l->r, name, 0);
	char numbered[DMEM_REGION_LEN + 16];

	for (unsigned int nth = 2; i < l->r->n && l->read_in[i] == l->file; nth++)
		i = dmem_regions_index(l->r, dmem_region_numbered(numbered, sizeof(numbered), name, nth),
				       i + 1);
	return i;
}

size_t dmem_lines_next(struct dmem_lines *l, const char *name)
{
	size_t i = l->line < l->r->n_lines ? l->r->by_line[l->line] : l->r->n;

	l->line++;
	if (i == l->r->n || l->read_in[i] == l->file || strcmp(l->r->region[i].listed, name))
		i = search_line(l, name);
	if (i < l->r->n)
		l->read_in[i] = l->file;
	return i;
}

const char *dmem_regions_meant(const struct dmem_regions *r, const char *name)
{
	const char *heap = dmem_region_heap(name);

	for (size_t i = 0; heap && i < r->n_heaps; i++) {
		if (!strcmp(r->heap[i].name, heap))
			return r->heap[i].region ? r->heap[i].region : name;
	}
	return name;
}

/* Returns the region of that name, and adds it if it is new. NULL: out of memory. */
static struct dmem_region *region(struct reading *rd, const char *name)
{
	struct dmem_region *g = dmem_regions_find(rd->r, name);

	if (g)
		return g;
	g = dmem_grow(rd->arena, rd->r->region, rd->r->n, sizeof(*g));
	if (!g)
		return NULL;
	rd->r->region = g;
	g += rd->r->n;
	*g = (struct dmem_region){
		.name = dmem_strdup(rd->arena, name), .line = SIZE_MAX, .capacity = DMEM_UNKNOWN,
		.current = DMEM_UNKNOWN, .peak = DMEM_UNKNOWN, .unaccounted = DMEM_UNKNOWN,
		.available = DMEM_UNKNOWN, .largest = DMEM_UNKNOWN,
	};
	rd->r->n += g->name != NULL;
	return g->name ? g : NULL;
}

/*
 * The region of a line. A driver that was bound again while a file of its old device is open has
 * two regions of one name, in the same order in each file. The kernel cannot tell them apart in
 * what is written: writes apply to the first. The later ones are named "NAME#2" and so on, so that
 * their figures are not taken for those of the first.
 */
static struct dmem_region *region_of_line(struct reading *rd, const char *name)
{
	struct dmem_region *g = region(rd, name);
	char numbered[DMEM_REGION_LEN + 16];

	for (unsigned int nth = 2; g && g->read_in == rd->file; nth++)
		g = region(rd, dmem_region_numbered(numbered, sizeof(numbered), name, nth));
	if (!g)
		return NULL;
	g->read_in = rd->file;
	if (g->line == SIZE_MAX) {
		g->listed = dmem_strdup(rd->arena, name);
		g->line = rd->r->n_lines++;
	}
	return g->listed ? g : NULL;
}

/* Reads one file of the root cgroup. @at: offset of the figure in struct dmem_region. */
static int read_figure(struct reading *rd, const char *path, size_t at)
{
	int ret = dmem_sys_read(rd->sys, path, &rd->text);
	char *text = rd->text.s, *name, *rest;

	rd->file++;
	if (ret) {
		note(rd, path, ret);
		return ret == -ENOMEM ? ret : 0;
	}
	while (dmem_next_line(&text, &name, &rest)) {
		struct dmem_region *g;

		/* A region that was added or removed after dmem.capacity was read. */
		if (rd->r->complete && !dmem_regions_find(rd->r, name))
			continue;
		g = region_of_line(rd, name);
		if (!g)
			return -ENOMEM;
		*(uint64_t *)((char *)g + at) = dmem_number(rest);
	}
	return 0;
}

/* In a cgroup namespace there is no list of regions: dmem.current names them, but its charges are
 * those of the namespace only. */
static int read_cgroup(struct reading *rd)
{
	int ret = read_figure(rd, CGROUP "/dmem.capacity", offsetof(struct dmem_region, capacity));

	rd->r->complete = rd->r->n;
	if (ret)
		return ret;
	if (!rd->r->complete || rd->what & DMEM_READ_CURRENT)
		ret = read_figure(rd, CGROUP "/dmem.current", offsetof(struct dmem_region, current));
	if (!ret && rd->r->complete && rd->what & DMEM_READ_PEAK)
		ret = read_figure(rd, CGROUP "/dmem.peak", offsetof(struct dmem_region, peak));
	for (size_t i = 0; i < rd->r->n; i++) {
		struct dmem_region *g = &rd->r->region[i];

		/* The peak was read earlier than the charge: it is at least the charge. */
		if (rd->r->complete && g->current < DMEM_UNKNOWN && g->peak < g->current)
			g->peak = g->current;
		if (!rd->r->complete)
			g->current = DMEM_UNKNOWN;
	}
	return ret;
}

static int add_heap_of(struct reading *rd, struct dmem_region *g, const char *heap)
{
	const char **more = dmem_grow(rd->arena, g->heap, g->n_heaps, sizeof(*more));

	if (!more)
		return -ENOMEM;
	g->heap = more;
	more[g->n_heaps++] = heap;
	return 0;
}

static int read_heap(struct reading *rd, struct dmem_heap *h)
{
	char *path = dmem_printf(rd->arena, HEAPS "/%s/dmem_region", h->name), *name;
	struct dmem_region *g;
	int ret;

	if (!path)
		return -ENOMEM;
	ret = dmem_sys_read(rd->sys, path, &rd->text);
	if (ret) {
		note(rd, path, ret);
		return ret == -ENOMEM ? ret : 0;
	}
	h->told = true;
	name = rd->text.s;
	name[strcspn(name, "\n")] = 0;
	if (!*name)
		return 0;
	g = region(rd, name);
	if (!g)
		return -ENOMEM;
	h->region = g->name;
	return add_heap_of(rd, g, h->name);
}

static int read_heaps(struct reading *rd)
{
	const char **names;
	size_t n;
	int ret = dmem_sys_list(rd->sys, HEAPS, rd->arena, &names, &n);

	if (ret) {
		note(rd, HEAPS, ret);
		return ret == -ENOMEM ? ret : 0;
	}
	rd->r->heap = dmem_alloc(rd->arena, (n + 1) * sizeof(*rd->r->heap));
	if (!rd->r->heap)
		return -ENOMEM;
	for (size_t i = 0; i < n && !ret; i++) {
		struct dmem_heap *h = &rd->r->heap[rd->r->n_heaps];

		/* A program may have left one in a copy of the directory. */
		if (*names[i] == '.')
			continue;
		h->name = names[i];
		rd->r->n_heaps++;
		ret = read_heap(rd, h);
	}
	return ret;
}

/* Reads a number of pages, and converts it to bytes. */
static int read_pages(struct reading *rd, const char *dir, const char *area, const char *file,
		      uint64_t *bytes)
{
	char *path = dmem_printf(rd->arena, "%s/%s/%s", dir, area, file);
	int ret;

	if (!path)
		return -ENOMEM;
	ret = dmem_sys_read(rd->sys, path, &rd->text);
	if (ret) {
		note(rd, path, ret);
		return ret == -ENOMEM ? ret : 0;
	}
	*bytes = dmem_number(rd->text.s);
	if (*bytes == DMEM_NO_LIMIT ||
	    (*bytes != DMEM_UNKNOWN && __builtin_mul_overflow(*bytes, (uint64_t)sysconf(_SC_PAGESIZE), bytes)))
		*bytes = DMEM_UNKNOWN;
	return 0;
}

/* Most users have no access to debugfs: it is reported once, as a whole. */
static bool has_debug(struct reading *rd)
{
	int fd = dmem_sys_openat(rd->sys, DEBUG, O_PATH | O_DIRECTORY);

	if (fd < 0) {
		note(rd, DEBUG, fd);
		return false;
	}
	close(fd);
	return true;
}

/* Reads the requested figures of a CMA area. */
static int read_area(struct reading *rd, struct dmem_region *g, const char *area, bool debug)
{
	int ret = 0;

	if (rd->what & DMEM_READ_UNACCOUNTED)
		ret = read_pages(rd, CMA, area, "unaccounted_pages", &g->unaccounted);
	if (!ret && rd->what & DMEM_READ_AVAILABLE)
		ret = read_pages(rd, CMA, area, "available_pages", &g->available);
	/* In a cgroup namespace the controller does not show the capacity. */
	if (!ret && g->capacity == DMEM_UNKNOWN && rd->what & DMEM_READ_CAPACITY)
		ret = read_pages(rd, CMA, area, "total_pages", &g->capacity);
	if (!ret && debug)
		ret = read_pages(rd, DEBUG, area, "maxchunk", &g->largest);
	return ret;
}

/* Areas without a region, such as those for huge pages, are left out. */
static int read_cma(struct reading *rd)
{
	bool debug = rd->what & DMEM_READ_LARGEST && has_debug(rd);
	int ret = 0;

	for (size_t i = 0; i < rd->r->n && !ret; i++) {
		const char *name = rd->r->region[i].name, *area = name + strlen(PREFIX);

		if (!strncmp(name, PREFIX, strlen(PREFIX)) && !strchr(area, '/'))
			ret = read_area(rd, &rd->r->region[i], area, debug);
	}
	return ret;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct dmem_region *)a)->name, ((const struct dmem_region *)b)->name);
}

static int index_lines(struct reading *rd)
{
	struct dmem_regions *r = rd->r;

	r->by_line = dmem_alloc(rd->arena, (r->n_lines + 1) * sizeof(*r->by_line));
	for (size_t i = 0; r->by_line && i < r->n; i++) {
		if (r->region[i].line != SIZE_MAX)
			r->by_line[r->region[i].line] = i;
	}
	return r->by_line ? 0 : -ENOMEM;
}

int dmem_regions_read_some(const struct dmem_sys *s, struct dmem_arena *a, unsigned int what,
			   dmem_note_fn note_fn, void *data, struct dmem_regions *r)
{
	struct reading rd = {
		.sys = s, .arena = a, .what = what, .note = note_fn, .data = data, .r = r,
	};
	int ret;

	*r = (struct dmem_regions){ 0 };
	ret = read_cgroup(&rd);
	/* Heaps name further regions if the controller does not list all. */
	if (!ret && (!r->complete || what & DMEM_READ_HEAPS))
		ret = read_heaps(&rd);
	if (!ret)
		ret = read_cma(&rd);
	if (r->n)
		qsort(r->region, r->n, sizeof(*r->region), by_name);
	if (!ret)
		ret = index_lines(&rd);
	dmem_text_free(&rd.text);
	return ret;
}

/* True if the file lists the controller. Or a negative errno. */
static int names_dmem(const struct dmem_sys *s, const char *path)
{
	struct dmem_text text = { 0 };
	int ret = dmem_sys_read(s, path, &text);
	char *save, *w;

	if (!ret) {
		for (w = strtok_r(text.s, " \n", &save); w && strcmp(w, "dmem"); )
			w = strtok_r(NULL, " \n", &save);
		ret = w != NULL;
	}
	dmem_text_free(&text);
	return ret;
}

bool dmem_is_inner_tree(const struct dmem_sys *s)
{
	/* The root of a machine has no type. */
	int fd = dmem_sys_openat(s, CGROUP "/cgroup.type", O_PATH);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

enum dmem_status dmem_regions_status(const struct dmem_sys *s, const struct dmem_regions *r)
{
	int has = names_dmem(s, CGROUP "/cgroup.controllers"), fd;

	if (!has)
		return DMEM_NO_CONTROLLER;
	if (r->n && r->complete)
		return DMEM_OK;
	/* In a cgroup namespace the root is an ordinary cgroup. Heaps name regions even before the
	 * controller is enabled. */
	fd = dmem_sys_openat(s, CGROUP "/dmem.current", O_PATH);
	if (fd >= 0)
		close(fd);
	if (r->n && fd >= 0)
		return DMEM_OK;
	if (has < 0)
		return DMEM_NO_CGROUP2;
	if (!r->complete && fd < 0 && names_dmem(s, CGROUP "/cgroup.subtree_control") != 1)
		return DMEM_NOT_ENABLED;
	return r->n ? DMEM_OK : DMEM_NO_REGIONS;
}

int dmem_regions_read(const struct dmem_sys *s, struct dmem_arena *a, dmem_note_fn note_fn,
		      void *data, struct dmem_regions *r)
{
	return dmem_regions_read_some(s, a, ~0u, note_fn, data, r);
}
