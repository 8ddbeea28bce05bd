// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the figures of cgroups. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "look.h"

#define CGROUP	"sys/fs/cgroup"

/* Files with figures; there are at most as many as figures. */
struct wanted {
	const char *file;
	unsigned int n;
	struct {
		const char *key;	/* NULL: the file has one number per region */
		size_t len;
		signed char slot;
	} figure[DMEM_FIGURES];
};

struct reading {
	struct dmem_arena *arena;
	struct dmem_tree *t;
	struct wanted wanted[DMEM_FIGURES];
	unsigned int n_wanted;
	dmem_note_fn note;
	void *data;
	struct dmem_text text;
	struct dmem_lines lines;
};

static void want(struct reading *rd, enum dmem_figure f)
{
	const char *file = dmem_figure_file(f), *key = dmem_figure_key(f);
	struct wanted *w;
	unsigned int i = 0;

	while (i < rd->n_wanted && strcmp(rd->wanted[i].file, file))
		i++;
	w = &rd->wanted[i];
	w->file = file;
	w->figure[w->n].key = key;
	w->figure[w->n].len = key ? strlen(key) : 0;
	w->figure[w->n++].slot = rd->t->slot[f];
	rd->n_wanted += i == rd->n_wanted;
}

/* A cgroup that was just removed has no files, or they return ENODEV. */
static void note(struct reading *rd, const struct dmem_node *n, const char *file, int err)
{
	char path[4096];
	size_t len;

	if (!rd->note || err == ENOENT || err == ENODEV)
		return;
	len = (size_t)snprintf(path, sizeof(path), CGROUP "/");
	len += dmem_node_path(n, path + len, sizeof(path) - len);
	if (file && len < sizeof(path))
		snprintf(path + len, sizeof(path) - len, "/%s", file);
	rd->note(rd->data, path, err);
}

/* Finds the first value of each key in "low=0 max=1" in one pass: with many regions and cgroups,
 * most of the time is spent here. */
static void take_keyed(const struct wanted *w, const char *rest, uint64_t *figure)
{
	unsigned int found = 0;

	while (*rest) {
		const char *end = strchrnul(rest, ' ');

		for (unsigned int i = 0; i < w->n; i++) {
			size_t len = w->figure[i].len;

			if (found & 1u << i || (size_t)(end - rest) <= len || rest[len] != '=' ||
			    memcmp(rest, w->figure[i].key, len))
				continue;
			figure[w->figure[i].slot] = dmem_keyed_number(rest, w->figure[i].key);
			found |= 1u << i;
			break;
		}
		rest = *end ? end + 1 : end;
	}
}

static void take(struct reading *rd, struct dmem_node *n, const struct wanted *w)
{
	char *text = rd->text.s, *name, *rest;

	dmem_lines_start(&rd->lines);
	while (dmem_next_line(&text, &name, &rest)) {
		size_t i = dmem_lines_next(&rd->lines, name);
		uint64_t *figure;

		if (i == rd->t->regions->n)
			continue;
		figure = n->figure + i * rd->t->slots;
		if (w->figure[0].key)
			take_keyed(w, rest, figure);
		else
			figure[w->figure[0].slot] = dmem_number(rest);
	}
}

/* Peaks are at least the charge, even if a peak was read earlier. */
static void raise_peaks(struct reading *rd, struct dmem_node *n)
{
	const signed char *slot = rd->t->slot;

	for (size_t i = 0; n->figure && slot[DMEM_F_CURRENT] >= 0 && slot[DMEM_F_PEAK] >= 0 &&
	     i < rd->t->regions->n; i++) {
		uint64_t *v = n->figure + i * rd->t->slots;
		uint64_t current = v[slot[DMEM_F_CURRENT]], *peak = &v[slot[DMEM_F_PEAK]];

		if (current < DMEM_UNKNOWN && *peak < current)
			*peak = current;
	}
}

/* The controller is enabled if any of its files exists. */
static int read_figures(struct reading *rd, int dir, struct dmem_node *n)
{
	size_t all = rd->t->regions->n * rd->t->slots;

	for (unsigned int i = 0; i < rd->n_wanted; i++) {
		int ret = dmem_read_at(dir, rd->wanted[i].file, &rd->text);

		if (ret == -ENOMEM)
			return ret;
		if (ret)
			note(rd, n, rd->wanted[i].file, -ret);
		/* Older kernels lack some of the files; all files are missing if it is not
		 * enabled. */
		if (ret == -ENOENT && !i && rd->n_wanted > 1 &&
		    faccessat(dir, "dmem.current", F_OK, 0))
			return 0;
		if (ret)
			continue;
		if (!n->figure) {
			n->figure = dmem_alloc(rd->arena, (all + 1) * sizeof(*n->figure));
			if (!n->figure)
				return -ENOMEM;
			for (size_t k = 0; k < all; k++)
				n->figure[k] = DMEM_UNKNOWN;
		}
		take(rd, n, &rd->wanted[i]);
	}
	raise_peaks(rd, n);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp((*(const struct dmem_node * const *)a)->name,
		      (*(const struct dmem_node * const *)b)->name);
}

static struct dmem_node *new_node(struct reading *rd, struct dmem_node *parent, const char *name)
{
	struct dmem_node *n = dmem_alloc(rd->arena, sizeof(*n));

	if (!n)
		return NULL;
	n->parent = parent;
	n->name = dmem_strdup(rd->arena, name);
	return n->name ? n : NULL;
}

/* Lists the children as nodes. Sets *@child, which the caller frees. */
static int list(struct reading *rd, int dir, struct dmem_node *n, struct dmem_node ***child,
		size_t *n_children)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	size_t room = 0;

	if (!d) {
		ret = errno;
		if (fd >= 0)
			close(fd);
		note(rd, n, NULL, ret);
		return ret == ENOMEM ? -ENOMEM : 0;
	}
	while (!ret && (de = readdir(d))) {
		/* cgroupfs reports types, but the file system of a copy may not. */
		if ((de->d_type != DT_DIR && de->d_type != DT_UNKNOWN) ||
		    !strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (*n_children == room) {
			struct dmem_node **more = realloc(*child, (room + 64) * 2 * sizeof(*more));

			if (!more) {
				ret = -ENOMEM;
				break;
			}
			*child = more;
			room = (room + 64) * 2;
		}
		(*child)[*n_children] = new_node(rd, n, de->d_name);
		ret = (*child)[*n_children] ? 0 : -ENOMEM;
		*n_children += !ret;
	}
	closedir(d);
	if (*n_children)
		qsort(*child, *n_children, sizeof(**child), compare);
	return ret;
}

static int read_node(struct reading *rd, int dir, struct dmem_node *n, unsigned int depth);

/* Reads one child. Its node is left out if it was removed, or is not a directory. */
static int read_child(struct reading *rd, int dir, struct dmem_node *c, unsigned int depth,
		      bool *there)
{
	int fd = openat(dir, c->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), ret;

	*there = fd >= 0;
	if (fd < 0) {
		if (errno != ENOTDIR)
			note(rd, c, NULL, errno);
		return 0;
	}
	ret = read_node(rd, fd, c, depth);
	close(fd);
	return ret;
}

static int read_children(struct reading *rd, int dir, struct dmem_node *n, unsigned int depth)
{
	struct dmem_node **child = NULL, **last = &n->child;
	size_t n_children = 0;
	int ret = list(rd, dir, n, &child, &n_children);

	for (size_t i = 0; i < n_children && !ret; i++) {
		bool there;

		ret = read_child(rd, dir, child[i], depth - 1, &there);
		if (!there)
			continue;
		*last = child[i];
		last = &child[i]->next;
	}
	free(child);
	return ret;
}

static int read_node(struct reading *rd, int dir, struct dmem_node *n, unsigned int depth)
{
	struct stat st;
	int ret;

	n->id = fstat(dir, &st) ? DMEM_UNKNOWN : st.st_ino;
	n->at = rd->t->n++;
	ret = read_figures(rd, dir, n);
	return ret || !depth ? ret : read_children(rd, dir, n, depth);
}

/* The slots of figures for which only 0 means unused. */
static unsigned int counting_slots(const struct dmem_tree *t)
{
	static const enum dmem_figure counts[] = {
		DMEM_F_CURRENT, DMEM_F_PEAK, DMEM_F_MIN, DMEM_F_LOW, DMEM_F_EV_MAX,
		DMEM_F_EV_ALLOC_FAIL, DMEM_F_EV_EXHAUSTED, DMEM_F_EV_RESERVED,
	};
	unsigned int slots = 0;

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		if (t->slot[counts[i]] >= 0)
			slots |= 1u << t->slot[counts[i]];
	}
	return slots;
}

void dmem_tree_begin(struct dmem_tree *t, const struct dmem_regions *regions, unsigned int figures)
{
	*t = (struct dmem_tree){ .regions = regions };
	for (int f = 0; f < DMEM_FIGURES; f++)
		t->slot[f] = figures & DMEM_BIT(f) ? (signed char)t->slots++ : -1;
	t->counting = counting_slots(t);
}

int dmem_tree_read(const struct dmem_sys *s, struct dmem_arena *a,
		   const struct dmem_regions *regions, const char *path, unsigned int figures,
		   unsigned int depth, dmem_note_fn note_fn, void *data, struct dmem_tree *t)
{
	struct reading rd = { .arena = a, .t = t, .note = note_fn, .data = data };
	char *full = dmem_printf(a, CGROUP "%s%s", *path ? "/" : "", path);
	int dir, ret;

	dmem_tree_begin(t, regions, figures);
	for (int f = 0; f < DMEM_FIGURES; f++) {
		if (figures & DMEM_BIT(f))
			want(&rd, f);
	}
	t->root = full ? new_node(&rd, NULL, path) : NULL;
	rd.lines.r = regions;
	rd.lines.read_in = dmem_alloc(a, (regions->n + 1) * sizeof(*rd.lines.read_in));
	if (!t->root || !rd.lines.read_in)
		return -ENOMEM;
	dir = dmem_sys_openat(s, full, O_RDONLY | O_DIRECTORY);
	if (dir < 0)
		return dir;
	ret = read_node(&rd, dir, t->root, depth);
	close(dir);
	dmem_text_free(&rd.text);
	return ret;
}

uint64_t dmem_tree_figure(const struct dmem_tree *t, const struct dmem_node *n, size_t region,
			  enum dmem_figure f)
{
	if (!n->figure || t->slot[f] < 0)
		return DMEM_UNKNOWN;
	return n->figure[region * t->slots + (size_t)t->slot[f]];
}

uint64_t dmem_tree_refused(const struct dmem_tree *t, const struct dmem_node *n, size_t region)
{
	static const enum dmem_figure kinds[] = {
		DMEM_F_EV_ALLOC_FAIL, DMEM_F_EV_EXHAUSTED, DMEM_F_EV_RESERVED,
	};
	uint64_t sum = DMEM_UNKNOWN;

	for (size_t i = 0; n->figure && i < sizeof(kinds) / sizeof(*kinds); i++) {
		uint64_t v = dmem_tree_figure(t, n, region, kinds[i]);

		if (v != DMEM_UNKNOWN)
			sum = sum == DMEM_UNKNOWN ? v : sum + v;
	}
	return sum;
}

uint64_t dmem_region_refused(const struct dmem_tree *t, size_t region)
{
	uint64_t sum = dmem_tree_refused(t, t->root, region);

	/* In a cgroup namespace the root is an ordinary cgroup with files of its own. */
	if (sum != DMEM_UNKNOWN)
		return sum;
	for (const struct dmem_node *n = t->root->child; n; n = n->next) {
		uint64_t v = dmem_tree_refused(t, n, region);

		if (v != DMEM_UNKNOWN)
			sum = sum == DMEM_UNKNOWN ? v : sum + v;
	}
	return sum;
}

bool dmem_tree_matters(const struct dmem_tree *t, const struct dmem_node *n, size_t region)
{
	const uint64_t *v = n->figure ? n->figure + region * t->slots : NULL;
	uint64_t max = dmem_tree_figure(t, n, region, DMEM_F_MAX);

	for (unsigned int i = 0; v && i < t->slots; i++) {
		if (v[i] && v[i] != DMEM_UNKNOWN && t->counting & 1u << i)
			return true;
	}
	return max != DMEM_NO_LIMIT && max != DMEM_UNKNOWN;
}

uint64_t dmem_tree_limit(const struct dmem_tree *t, const struct dmem_node *n, size_t region)
{
	uint64_t capacity = t->regions->region[region].capacity;
	uint64_t limit = capacity == DMEM_UNKNOWN ? DMEM_NO_LIMIT : capacity;

	for (; n; n = n->parent) {
		uint64_t v = dmem_tree_figure(t, n, region, DMEM_F_MAX);

		if (v != DMEM_UNKNOWN && v < limit)
			limit = v;
	}
	return limit;
}

struct dmem_node *dmem_tree_next(const struct dmem_node *n)
{
	if (n->child)
		return n->child;
	while (n && !n->next)
		n = n->parent;
	return n ? n->next : NULL;
}

size_t dmem_node_path(const struct dmem_node *n, char *buf, size_t size)
{
	size_t len = 0;

	if (n->parent) {
		len = dmem_node_path(n->parent, buf, size);
		if (len)
			len += (size_t)snprintf(buf + (len < size ? len : size),
						len < size ? size - len : 0, "/");
	}
	return len + (size_t)snprintf(buf + (len < size ? len : size), len < size ? size - len : 0,
				      "%s", n->name);
}

/* systemd puts a "_" before names that the kernel may use for files. */
static bool is_unit(const char *s, size_t len)
{
	char name[256];
	int type;

	if (!len || len >= sizeof(name))
		return false;
	memcpy(name, s, len);
	name[len] = 0;
	type = dmem_unit_type(*name == '_' ? name + 1 : name);
	/* Units of other types have no cgroup. */
	return type == DMEM_SERVICE || type == DMEM_SLICE || type == DMEM_SCOPE ||
	       type == DMEM_SOCKET || type == DMEM_MOUNT || type == DMEM_SWAP;
}

const char *dmem_cgroup_unit(const char *path, size_t *len)
{
	const char *found = NULL;

	/* Slices contain slices, and the last of them contains the unit. Cgroups below belong to
	 * the unit. */
	while (*path) {
		size_t n = strcspn(path, "/");

		if (!is_unit(path, n))
			break;
		found = *path == '_' ? path + 1 : path;
		*len = n - (*path == '_');
		if (n < 6 || strncmp(path + n - 6, ".slice", 6))
			break;
		path += n + (path[n] == '/');
	}
	return found;
}
