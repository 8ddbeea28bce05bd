// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the cgroups that a sampler reads, and the owner of each cgroup's charges. */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "sampling.h"

#define MAX_DEPTH	64

/* ---- selection of cgroups ---- */

/* True for cgroups inside a service: the service's own figures contain theirs. */
static bool is_inside(const char *path)
{
	size_t len;
	const char *unit = dmem_cgroup_unit(path, &len);

	return unit && unit[len] && (len < 6 || strncmp(unit + len - 6, ".slice", 6));
}

/* True if a cgroup to record may be made in this one. A user often owns the cgroups inside a
 * service or scope, and could use up root's inotify watches by mkdir. */
static bool may_gain_cgroups(const struct sampler *s, const char *path)
{
	size_t unit_len, len = strlen(path);
	const char *unit = dmem_cgroup_unit(path, &unit_len);

	if (!unit || (!unit[unit_len] && unit_len >= 6 && !strcmp(unit + unit_len - 6, ".slice")))
		return true;
	for (size_t i = 0; i < s->o->n_wanted; i++) {
		if (!strncmp(s->o->wanted[i], path, len) && s->o->wanted[i][len] == '/')
			return true;
	}
	return false;
}

static bool is_wanted(struct sampler *s, const char *path)
{
	size_t len = 0;
	const char *unit = dmem_cgroup_unit(path, &len);
	bool own = unit && !unit[len], any = false;

	for (size_t i = 0; i < s->o->n_wanted; i++) {
		const char *w = s->o->wanted[i];

		if (strcmp(w, path) && !(own && !strcmp(w, unit)))
			continue;
		any = s->found[i] = true;
	}
	return any;
}

static bool does_something(const struct dmem_tree *t, const struct dmem_node *n)
{
	static const enum dmem_figure used[] = { DMEM_F_CURRENT, DMEM_F_PEAK, DMEM_F_MIN };

	for (size_t i = 0; i < t->regions->n; i++) {
		uint64_t v = dmem_tree_figure(t, n, i, DMEM_F_MAX);

		if (v != DMEM_NO_LIMIT && v != DMEM_UNKNOWN)
			return true;
		for (size_t f = 0; f < sizeof(used) / sizeof(*used); f++) {
			v = dmem_tree_figure(t, n, i, used[f]);
			if (v && v != DMEM_UNKNOWN)
				return true;
		}
	}
	return false;
}

static bool is_chosen(struct sampler *s, const struct dmem_tree *t, const struct dmem_node *n,
		      const char *path)
{
	if (!*path || !n->figure)
		return false;
	if (s->o->only)
		return true;
	if (s->o->n_wanted)
		return is_wanted(s, path);
	return !is_inside(path) && does_something(t, n);
}

/* ---- cgroups whose figures cannot be read ---- */

/* Counts each cgroup once: it has several files. */
static void count_lost(struct sampler_lost *lost, const char *dir, int err)
{
	if (lost->cgroups++)
		return;
	lost->err = err;
	snprintf(lost->first, sizeof(lost->first), "%.*s", (int)sizeof(lost->first) - 1, dir);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* A callback for dmem_tree_read(). @path: a cgroup or one of its files. */
static void note_lost(void *data, const char *path, int err)
{
	struct sampler *s = data;
	char *dir = strdup(path), *file = dir ? strrchr(dir, '/') : NULL;
	void *found;

	if (file && !strncmp(file, "/dmem.", 6))
		*file = 0;
	found = dir ? tsearch(dir, &s->lost_paths, compare_paths) : NULL;
	if (!found || *(char **)found == dir)
		count_lost(&s->lost_scan, dir ? dir : path, err);
	if (!found || *(char **)found != dir)
		free(dir);
}

void scan_unread(struct sampler *s, struct watched *w, int err)
{
	char dir[MAX_PATH + 64];

	snprintf(dir, sizeof(dir), CGROUP "/%s", w->path);
	if (!tfind(dir, &s->lost_paths, compare_paths))
		count_lost(&s->lost_read, dir, err);
	for (size_t i = 0; i < s->regions.n * HIST_FIGURES; i++)
		w->now[i] = DMEM_UNKNOWN;
	w->unread = true;
}

/* ---- a scan of all cgroups ---- */

static void notify_of(struct sampler *s, const char *path)
{
	char dir[MAX_PATH + 64];
	int fd;

	if (s->notify < 0)
		return;
	snprintf(dir, sizeof(dir), CGROUP "/%s", path);
	fd = dmem_sys_openat(s->o->sys, dir, O_PATH | O_DIRECTORY);
	if (fd < 0) {
		s->notify_error = watched_is_gone(fd) ? s->notify_error : -fd;
		return;
	}
	snprintf(dir, sizeof(dir), "/proc/self/fd/%d", fd);
	if (inotify_add_watch(s->notify, dir, IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR) < 0 &&
	    !watched_is_gone(-errno))
		s->notify_error = errno;
	close(fd);
}

static int by_id(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int add_owner(struct sampler *s, size_t *room, struct owner o)
{
	if (s->n_owners == *room) {
		struct owner *more = realloc(s->owner, (*room + 64) * 2 * sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->owner = more;
		*room = (*room + 64) * 2;
	}
	s->owner[s->n_owners++] = o;
	return 0;
}

/* @above: the owner of all charges that no cgroup below owns. */
static int scan_node(struct sampler *s, const struct dmem_tree *t, const struct dmem_node *n,
		     struct watched *above, size_t *room)
{
	struct watched *w = NULL;
	char path[MAX_PATH];
	int ret;

	if (dmem_node_path(n, path, sizeof(path)) >= sizeof(path))
		return 0;
	if (!s->o->only && may_gain_cgroups(s, path))
		notify_of(s, path);
	if (*path)
		w = watched_find(s, path, n->id);
	if (w && s->o->n_wanted)
		is_wanted(s, path);
	if (!w && is_chosen(s, t, n, path)) {
		w = watched_new(s, path, n->id);
		if (!w)
			return -ENOMEM;
	}
	if (w) {
		watched_open(s, w);
		w->seen = true;
		w->top = !above;
	}
	ret = add_owner(s, room, (struct owner){ n->id, w ? w : above, w || is_inside(path) });
	for (const struct dmem_node *c = n->child; c && !ret; c = c->next)
		ret = scan_node(s, t, c, w ? w : above, room);
	return ret;
}

static bool same_regions(const struct dmem_regions *a, const struct dmem_regions *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		if (strcmp(a->region[i].name, b->region[i].name))
			return false;
	}
	return a->n == b->n;
}

/* The set of regions has changed, so all numbers are invalid. */
static int start_again(struct sampler *s)
{
	size_t n = s->regions.n + 1;

	watched_forget_all(s);
	s->segment = true;
	free(s->r_now);
	free(s->r_told);
	free(s->unexplained);
	free(s->last_rest);
	free(s->lines.read_in);
	s->r_now = calloc(n, sizeof(*s->r_now));
	s->r_told = calloc(n, sizeof(*s->r_told));
	s->unexplained = calloc(n, sizeof(*s->unexplained));
	s->last_rest = calloc(n, sizeof(*s->last_rest));
	s->lines = (struct dmem_lines){
		.r = &s->regions, .read_in = calloc(n, sizeof(*s->lines.read_in)),
	};
	return s->r_now && s->r_told && s->unexplained && s->last_rest && s->lines.read_in ? 0 :
	       -ENOMEM;
}

static int read_regions(struct sampler *s)
{
	struct dmem_arena arena = { 0 };
	struct dmem_regions regions;
	bool same;
	int ret;

	ret = dmem_regions_read(s->o->sys, &arena, s->o->note, s->o->data, &regions);
	if (ret) {
		dmem_arena_free(&arena);
		return ret;
	}
	same = s->r_now && same_regions(&s->regions, &regions);
	dmem_arena_free(&s->arena);
	s->arena = arena;
	s->regions = regions;
	ret = same ? 0 : start_again(s);
	for (size_t i = 0; i < regions.n && !ret; i++) {
		s->r_now[i][HIST_R_CURRENT] = regions.region[i].current;
		s->r_now[i][HIST_R_UNACCOUNTED] = regions.region[i].unaccounted;
		s->r_now[i][HIST_R_LARGEST] = regions.region[i].largest;
		s->r_now[i][HIST_R_CAPACITY] = regions.region[i].capacity;
	}
	if (s->root_current < 0)
		s->root_current = dmem_sys_openat(s->o->sys, CGROUP "/dmem.current", O_RDONLY);
	return ret;
}

int scan_cgroups(struct sampler *s)
{
	struct dmem_arena arena = { 0 };
	struct dmem_tree t;
	size_t room = 0;
	int ret = read_regions(s);

	if (ret)
		return ret;
	s->lost_scan = (struct sampler_lost){ 0 };
	tdestroy(s->lost_paths, free);
	s->lost_paths = NULL;
	ret = dmem_tree_read(s->o->sys, &arena, &s->regions, s->o->only ? s->o->only : "",
			     DMEM_BIT(DMEM_F_CURRENT) | DMEM_BIT(DMEM_F_PEAK) |
			     DMEM_BIT(DMEM_F_MIN) | DMEM_BIT(DMEM_F_MAX),
			     s->o->only ? 0 : MAX_DEPTH, note_lost, s, &t);
	if (!ret) {
		for (struct watched *w = s->watched; w; w = w->next)
			w->seen = false;
		free(s->owner);
		s->owner = NULL;
		s->n_owners = 0;
		memset(s->found, 0, s->o->n_wanted * sizeof(*s->found));
		ret = scan_node(s, &t, t.root, NULL, &room);
	}
	if (!ret) {
		s->n_watched = 0;
		for (struct watched *w = s->watched; w; w = w->next) {
			/* The scan did not find it: it was removed, and perhaps made again. */
			if (!w->seen && !w->gone)
				watched_lose(s, w);
			s->n_watched += !w->gone;
		}
		qsort(s->owner, s->n_owners, sizeof(*s->owner), by_id);
		s->scan = false;
		s->scanned = s->mono;
	}
	dmem_arena_free(&arena);
	return ret;
}

bool scan_notified(struct sampler *s)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	/* Some directories are not watched: assume a change now and then. */
	bool any = s->notify_error && s->samples % RARELY == 0;

	if (s->notify < 0)
		return any;
	for (;;) {
		ssize_t n = read(s->notify, buf, sizeof(buf));

		if (n <= 0)
			return any;
		for (char *p = buf; p < buf + n; ) {
			const struct inotify_event *e = (const struct inotify_event *)p;

			/* IN_IGNORED follows a removal that was reported already. */
			any |= !(e->mask & IN_IGNORED);
			p += sizeof(*e) + e->len;
		}
	}
}

const struct owner *scan_owner(const struct sampler *s, uint64_t cgroup)
{
	struct owner key = { .id = cgroup }, *o;

	if (!s->n_owners || cgroup == DMEM_UNKNOWN)
		return NULL;
	o = bsearch(&key, s->owner, s->n_owners, sizeof(*s->owner), by_id);
	return o && o->w && !o->w->gone ? o : NULL;
}
