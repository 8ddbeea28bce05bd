// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the unit, cgroup or region that a word of a command line means. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "similar.h"
#include "word.h"

#define CGROUP		"sys/fs/cgroup"
#define MOUNT		"/" CGROUP
#define MAX_HOPS	8
#define PATH_LEN	4096

/* ---- similar names ---- */

static bool ends_in_slash(const char *word)
{
	return *word && word[strlen(word) - 1] == '/';
}

/* Compares the last part of the word with a unit's name, with and without its type. */
static void consider_unit(struct dmem_words *all, struct dmem_nearest *best, const char *word,
			  const char *unit)
{
	const char *slash = strrchr(word, '/'), *last = slash ? slash + 1 : word;
	const char *dot = strrchr(unit, '.');
	const char *stem = dot ? dmem_strndup(all->arena, unit, (size_t)(dot - unit)) : NULL;

	dmem_similar(best, last, unit, unit, 0);
	if (!stem)
		return;
	dmem_similar(best, last, stem, unit, 1);
	dot = strrchr(last, '.');
	last = dot && dmem_unit_type(last) >= 0 ?
	       dmem_strndup(all->arena, last, (size_t)(dot - last)) : NULL;
	/* camera.service may have been typed for camera.slice. */
	if (last)
		dmem_similar(best, last, stem, unit, 1);
}

static const struct dmem_regions *regions_of(struct dmem_words *all);
static int read_units(struct dmem_words *all);
static int read_tree(struct dmem_words *all);

static void consider_units(struct dmem_words *all, struct dmem_nearest *best, const char *word)
{
	if (!read_tree(all)) {
		for (struct dmem_node *n = all->tree.root; n; n = dmem_tree_next(n)) {
			if (dmem_unit_type(n->name) >= 0)
				consider_unit(all, best, word, n->name);
		}
	}
	if (read_units(all))
		return;
	for (size_t i = 0; i < all->units.n_units; i++) {
		const struct dmem_unit *u = all->units.unit[i];

		if (u->fragment && (u->type == DMEM_SERVICE || u->type == DMEM_SLICE))
			consider_unit(all, best, word, u->name);
	}
}

const char *dmem_word_like(struct dmem_words *all, const char *word)
{
	struct dmem_nearest best = { 0 };
	char *bare = dmem_strdup(all->arena, word);

	if (!bare)
		return NULL;
	while (ends_in_slash(bare))
		bare[strlen(bare) - 1] = 0;
	/* Of two equal distances the first one wins: a unit. */
	if (all->kinds & ~(unsigned int)DMEM_WORD_REGION)
		consider_units(all, &best, bare);
	if (all->kinds & DMEM_WORD_REGION)
		dmem_similar_regions(&best, regions_of(all), bare);
	return best.name;
}

/* ---- possible meanings ---- */

static bool takes(const struct dmem_words *all, enum dmem_word_kind kind)
{
	return all->kinds & kind;
}

static int problem(struct dmem_word *w, const char *text, int err)
{
	w->problem = text;
	return text ? err : -ENOMEM;
}

static bool is_never(const struct dmem_words *all, const char *region)
{
	int root = dmem_sys_cgroup(all->sys);
	bool never = root >= 0 && dmem_region_never(root, region);

	if (root >= 0)
		close(root);
	return never;
}

static int parse_region(struct dmem_words *all, const char *word, struct dmem_word *w)
{
	const struct dmem_regions *r = regions_of(all);
	const char *heap = dmem_region_heap(word);

	w->kind = DMEM_WORD_REGION;
	w->name = dmem_regions_meant(r, word);
	if (dmem_regions_find(r, w->name))
		return 0;
	for (size_t i = 0; heap && i < r->n_heaps; i++) {
		if (!strcmp(r->heap[i].name, heap))
			return problem(w, dmem_printf(all->arena,
				       "%s: the heap has no region and cannot be limited: %s", word,
				       is_never(all, word) ? DMEM_PLAIN_KERNEL ": " DMEM_PLAIN_REMEDY :
				       "see dmemctl doctor"), -ENOENT);
	}
	return dmem_word_not_found(all, word, w);
}

/* Removes the mount point, and all slashes except one between two parts. NULL: the path has "." or
 * "..". */
static char *cgroup_path(const char *word, char *buf)
{
	char *out = buf;

	if (!strncmp(word, MOUNT, strlen(MOUNT)) &&
	    (word[strlen(MOUNT)] == '/' || !word[strlen(MOUNT)]))
		word += strlen(MOUNT);
	while (*(word += strspn(word, "/"))) {
		size_t len = strcspn(word, "/");

		if (!strncmp(word, "..", len) && len <= 2)
			return NULL;
		if (out > buf)
			*out++ = '/';
		memcpy(out, word, len);
		out += len;
		word += len;
	}
	*out = 0;
	return buf;
}

static int parse_cgroup(struct dmem_words *all, const char *word, struct dmem_word *w)
{
	char *buf = dmem_alloc(all->arena, strlen(word) + 1);

	w->kind = DMEM_WORD_CGROUP;
	w->name = buf ? cgroup_path(word, buf) : NULL;
	w->cgroup = w->name;
	if (w->name)
		return 0;
	return problem(w, !buf ? NULL :
		       dmem_printf(all->arena, "%s: not the name of a cgroup: write its path below "
				   MOUNT ", without '..'", word), -EINVAL);
}

static int parse_unit(struct dmem_words *all, const char *word, struct dmem_word *w)
{
	w->kind = DMEM_WORD_UNIT;
	w->name = dmem_unit_type(word) < 0 ? dmem_printf(all->arena, "%s.service", word) :
					     dmem_strdup(all->arena, word);
	if (!w->name)
		return -ENOMEM;
	w->type = dmem_unit_type(w->name);
	if (w->type >= 0)
		return 0;
	/* A cgroup directly below the root may have any name. */
	if (takes(all, DMEM_WORD_CGROUP) && *word)
		return parse_cgroup(all, word, w);
	return problem(w, dmem_printf(all->arena,
		       "%s: not the name of a unit: write NAME.service or NAME.slice", word),
		       -EINVAL);
}

int dmem_word_parse(struct dmem_words *all, const char *word, struct dmem_word *w)
{
	*w = (struct dmem_word){ .type = -1 };
	if (!*word)
		return problem(w, "empty name: see --help", -EINVAL);
	if (takes(all, DMEM_WORD_REGION) &&
	    (!(all->kinds & ~(unsigned int)DMEM_WORD_REGION) || dmem_region_heap(word) ||
	     dmem_regions_find(regions_of(all), word)))
		return parse_region(all, word, w);
	if (strchr(word, '/') && takes(all, DMEM_WORD_CGROUP))
		return parse_cgroup(all, word, w);
	return parse_unit(all, word, w);
}

/* ---- existing names ---- */

static void ignore(void *data, const struct dmem_report *r)
{
	(void)data;
	(void)r;
}

static const struct dmem_regions *regions_of(struct dmem_words *all)
{
	if (all->regions)
		return all->regions;
	/* If the regions cannot be read, none is known. */
	if (!all->regions_read &&
	    dmem_regions_read_some(all->sys, all->arena, DMEM_READ_CAPACITY | DMEM_READ_HEAPS, NULL, NULL,
				   &all->own_regions))
		all->own_regions = (struct dmem_regions){ 0 };
	all->regions_read = true;
	return &all->own_regions;
}

static int read_units(struct dmem_words *all)
{
	const char *root = all->sys->other ? all->sys->path : "";

	if (all->units_read)
		return 0;
	all->units_read = true;
	return dmem_units_load(&all->units, root, all->sys->other ? NULL : getenv("SYSTEMD_UNIT_PATH"),
			       ignore, NULL);
}

static int read_tree(struct dmem_words *all)
{
	static const struct dmem_regions none;
	int ret;

	if (all->tree_read)
		return 0;
	all->tree_read = true;
	ret = dmem_tree_read(all->sys, all->arena, &none, "", 0, UINT32_MAX, NULL, NULL, &all->tree);
	if (ret)
		all->tree.root = NULL;
	return ret == -ENOENT ? 0 : ret;
}

/* Replaces an alias by the unit's own name. 1: the unit has no file. */
static int find_file(struct dmem_words *all, struct dmem_word *w)
{
	const char *instance = dmem_unit_instance(w->name), *template = NULL;
	struct dmem_units *u = &all->units;
	struct dmem_unit *unit;
	int ret = read_units(all);

	if (ret)
		return ret;
	unit = dmem_units_find(u, w->name);
	for (int hop = 0; unit && unit->alias_of && hop < MAX_HOPS; hop++) {
		w->name = dmem_strdup(all->arena, unit->alias_of);
		unit = w->name ? dmem_units_find(u, w->name) : NULL;
	}
	if (!w->name)
		return -ENOMEM;
	if (unit && unit->masked)
		return dmem_word_masked(all, w);
	if (unit && unit->fragment)
		return 0;
	if (dmem_unit_is_instance(w->name)) {
		template = dmem_unit_with_instance(all->arena, w->name, "", 0);
		if (!template)
			return -ENOMEM;
	}
	unit = template ? dmem_units_find(u, template) : NULL;
	for (int hop = 0; unit && unit->alias_of && hop < MAX_HOPS; hop++) {
		w->name = dmem_unit_with_instance(all->arena, unit->alias_of, instance,
						  (size_t)(strrchr(instance, '.') - instance));
		if (!w->name)
			return -ENOMEM;
		unit = dmem_units_find(u, unit->alias_of);
	}
	return unit && unit->fragment ? 0 : 1;
}

/* Searches the tree for the cgroup of the unit. */
static int find_cgroup_of(struct dmem_words *all, struct dmem_word *w)
{
	char path[PATH_LEN];
	const char *found;
	size_t len;
	int ret = read_tree(all);

	for (struct dmem_node *n = ret ? NULL : all->tree.root; n; n = dmem_tree_next(n)) {
		if (dmem_node_path(n, path, sizeof(path)) >= sizeof(path))
			continue;
		found = dmem_cgroup_unit(path, &len);
		if (!found || found[len] || strlen(w->name) != len || strncmp(found, w->name, len))
			continue;
		w->cgroup = dmem_strdup(all->arena, path);
		return w->cgroup ? 0 : -ENOMEM;
	}
	return ret;
}

static int cgroup_is_there(struct dmem_words *all, const char *path)
{
	const char *full = dmem_printf(all->arena, CGROUP "/%s", path);
	int fd = full ? dmem_sys_openat(all->sys, full, O_PATH | O_DIRECTORY) : -ENOMEM;

	if (fd < 0)
		return fd == -ENOTDIR || fd == -ENAMETOOLONG ? -ENOENT : fd;
	close(fd);
	return 0;
}

/* The description of the missing thing, depending on the verb. */
static const char *nothing(struct dmem_words *all, const char *word, const struct dmem_word *w)
{
	const char *or_region = takes(all, DMEM_WORD_REGION) ? " or region" : "";
	const char *heap = dmem_region_heap(word);

	switch (w->kind) {
	case DMEM_WORD_CGROUP:
		return dmem_printf(all->arena, "%s: no such cgroup%s", word, or_region);
	case DMEM_WORD_REGION:
		return dmem_printf(all->arena, "%s: no such %s", word, heap ? "heap" : "region");
	default:
		return dmem_printf(all->arena, "%s: no unit %s%s", word, w->name,
				   takes(all,
					 DMEM_WORD_REGION) ? ", and no region of this name" : "");
	}
}

static const char *remedy(struct dmem_words *all, const struct dmem_word *w, const char *word)
{
	switch (w->kind) {
	case DMEM_WORD_CGROUP:
		return "see systemd-cgls";
	case DMEM_WORD_REGION:
		if (dmem_region_heap(word))
			return "see ls /dev/dma_heap";
		return is_never(all, word) ? DMEM_PLAIN_KERNEL ": " DMEM_PLAIN_REMEDY : "see lsdmem";
	default:
		return dmem_printf(all->arena, "see systemctl status %s", w->name);
	}
}

/* The default area has another name with "cma=" on the kernel's command line. @sure: the word
 * certainly is that name. */
static const char *renamed(struct dmem_words *all, const char *word, bool sure)
{
	struct dmem_text t = { 0 };
	const char *cmdline = dmem_sys_read(all->sys, "proc/cmdline", &t) ? NULL : t.s, *why = NULL;
	int ret = (sure ? dmem_region_default_renamed : dmem_region_renamed)(all->arena, regions_of(all),
									    cmdline, word, &why);

	dmem_text_free(&t);
	return ret ? NULL : why;
}

/* Finds cgroups whose path ends with the name. Returns the first one's path, or NULL. */
static const char *named_like(struct dmem_words *all, const char *word, const struct dmem_word *w,
			      size_t *n_found)
{
	const char *decoded = dmem_name_decode(all->arena, word);
	char path[PATH_LEN];
	const char *first = NULL;

	*n_found = 0;
	for (struct dmem_node *n = read_tree(all) ? NULL : all->tree.root; n; n = dmem_tree_next(n)) {
		if (strcmp(n->name, word) && strcmp(n->name, w->name) &&
		    (!decoded || strcmp(n->name, decoded)))
			continue;
		if (dmem_node_path(n, path, sizeof(path)) >= sizeof(path))
			continue;
		if (!first)
			first = dmem_strdup(all->arena, path);
		++*n_found;
	}
	return first;
}

/* Handles names that views show for units of a user's or a container's manager, or for cgroups made
 * by programs. 0: there is no such cgroup. */
static int below_another_manager(struct dmem_words *all, const char *word, struct dmem_word *w)
{
	size_t n;
	const char *path;

	if (w->kind != DMEM_WORD_UNIT || !takes(all, DMEM_WORD_CGROUP))
		return 0;
	path = named_like(all, word, w, &n);
	if (!path)
		return 0;
	if (n > 1)
		return problem(w, dmem_printf(all->arena, "%s: the system manager has no unit %s, and %zu cgroups "
					      "have this name: write the path of one, such as /%s", word,
					      w->name, n, path), -ENOENT);
	return problem(w, dmem_printf(all->arena, "%s: the system manager has no unit %s: did you mean /%s?",
				      word, w->name, path), -ENOENT);
}

int dmem_word_not_found(struct dmem_words *all, const char *word, struct dmem_word *w)
{
	const char *none = nothing(all, word, w), *like;
	const struct dmem_regions *r = regions_of(all);
	const struct dmem_region *g = dmem_regions_find(r, dmem_regions_meant(r, word));
	int ret;

	if (!none)
		return -ENOMEM;
	if (g)
		return problem(w, dmem_printf(all->arena, "%s: a region, not a unit or cgroup: see "
					      "lsdmem --tree %s",
						   word, g->name), -ENOENT);
	ret = below_another_manager(all, word, w);
	if (ret)
		return ret;
	like = takes(all, DMEM_WORD_REGION) ? renamed(all, word, true) : NULL;
	if (like)
		return problem(w, dmem_printf(all->arena, "%s: %s", none, like), -ENOENT);
	like = dmem_word_like(all, word);
	if (like)
		return problem(w, dmem_printf(all->arena, "%s: did you mean %s?", none, like), -ENOENT);
	/* The path of a cgroup may end in a slash, a region's name does not. */
	like = takes(all, DMEM_WORD_REGION) || ends_in_slash(word) ? NULL : dmem_region_like(r, word);
	if (like)
		return problem(w, dmem_printf(all->arena, "%s: did you mean the region %s? See lsdmem --tree %s",
					      none, like, like), -ENOENT);
	like = w->kind == DMEM_WORD_REGION ? renamed(all, word, false) : NULL;
	if (like)
		return problem(w, dmem_printf(all->arena, "%s: %s", none, like), -ENOENT);
	return problem(w, dmem_printf(all->arena, "%s: %s", none, remedy(all, w, word)), -ENOENT);
}

int dmem_word_not_elsewhere(struct dmem_words *all, const char *word, struct dmem_word *w)
{
	int ret = w->cgroup ? 0 : read_units(all);

	if (ret || w->cgroup || dmem_units_find(&all->units, w->name))
		return ret;
	return below_another_manager(all, word, w);
}

int dmem_word_top_cgroup(struct dmem_words *all, const char *word, struct dmem_word *w)
{
	if (strchr(word, '/') || dmem_unit_type(word) >= 0 || !takes(all, DMEM_WORD_CGROUP))
		return -ENOENT;
	return cgroup_is_there(all, word) ? -ENOENT : parse_cgroup(all, word, w);
}

int dmem_word_masked(struct dmem_words *all, struct dmem_word *w)
{
	return problem(w, dmem_printf(all->arena, "%s: the unit is masked: see systemctl status %s", w->name,
				      w->name), -ENOENT);
}

static int find_unit(struct dmem_words *all, const char *word, struct dmem_word *w)
{
	int file = find_file(all, w), ret = 0;

	if (file < 0)
		return file;
	w->has_file = !file;
	/* A template has no cgroup, but its instances have. */
	if (!dmem_unit_is_template(w->name))
		ret = find_cgroup_of(all, w);
	if (ret)
		return ret;
	/* A slice or scope needs no file, and the file of a running unit may have been removed. */
	if (w->has_file || w->cgroup)
		return 0;
	if (!dmem_word_top_cgroup(all, word, w))
		return 0;
	if (w->type == DMEM_SLICE || w->type == DMEM_SCOPE)
		return dmem_word_not_elsewhere(all, word, w);
	return dmem_word_not_found(all, word, w);
}

/* Finds the cgroup whose path is printed like this. */
static int find_printed(struct dmem_words *all, struct dmem_word *w)
{
	const char *name = dmem_name_decode(all->arena, w->name);
	int ret = name ? cgroup_is_there(all, name) : -ENOMEM;

	if (!ret)
		w->name = w->cgroup = name;
	return ret;
}

int dmem_word_find(struct dmem_words *all, const char *word, struct dmem_word *w)
{
	int ret = dmem_word_parse(all, word, w);

	if (ret || w->kind == DMEM_WORD_REGION)
		return ret;
	if (w->kind == DMEM_WORD_UNIT)
		return find_unit(all, word, w);
	ret = cgroup_is_there(all, w->name);
	if (ret == -ENOENT)
		ret = find_printed(all, w);
	return ret == -ENOENT ? dmem_word_not_found(all, word, w) : ret;
}

void dmem_words_free(struct dmem_words *all)
{
	if (all->units_read)
		dmem_units_free(&all->units);
	all->units_read = all->tree_read = false;
}
