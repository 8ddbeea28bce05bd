// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files of a cgroup stay open as long as there are file descriptors, so that a sample costs one
 * system call per file. Other files are opened for each sample. Figures that change rarely are read
 * rarely, or after the charge has changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler.h"

#define CGROUP		"sys/fs/cgroup"
#define RARELY		10	/* samples */
#define FREE_FILES	128	/* descriptors left for nested directories and other files */
#define SCAN_MS		30000	/* a controller may be enabled without an event */
#define GUESS_SAMPLES	5	/* samples between two scans for a difference that found nothing */
#define NEW_SAMPLES	3	/* a new cgroup is empty at first, and gets its limits later */
#define BUFFER_SAMPLES	4	/* attempts to read figures that match the buffers */
#define MAX_DEPTH	64
#define MAX_PATH	4096	/* of a cgroup; its files need a few bytes more */

static const enum dmem_figure kernels[HIST_FIGURES] = {
	[HIST_CURRENT] = DMEM_F_CURRENT, [HIST_PEAK] = DMEM_F_PEAK,
	[HIST_EV_MAX] = DMEM_F_EV_MAX, [HIST_EV_ALLOC_FAIL] = DMEM_F_EV_ALLOC_FAIL,
	[HIST_EV_EXHAUSTED] = DMEM_F_EV_EXHAUSTED, [HIST_EV_RESERVED] = DMEM_F_EV_RESERVED,
	[HIST_MAX] = DMEM_F_MAX, [HIST_MIN] = DMEM_F_MIN,
};

/* Each file of a cgroup; dmem.current is first. */
enum { FILE_CURRENT, FILE_PEAK, FILE_EVENTS, FILE_MAX, FILE_MIN, FILES };

static const enum hist_figure first_of[FILES] = {
	[FILE_CURRENT] = HIST_CURRENT, [FILE_PEAK] = HIST_PEAK, [FILE_EVENTS] = HIST_EV_MAX,
	[FILE_MAX] = HIST_MAX, [FILE_MIN] = HIST_MIN,
};

/* Values in place of a file descriptor. */
enum { FILE_ABSENT = -1, FILE_CLOSED = -2 };

struct watched {
	struct watched *next;
	char *path;
	uint64_t life;
	int fd[FILES];
	bool gone;
	bool unread;		/* counted in @lost_read */
	bool seen;		/* by the scan */
	bool top;		/* no watched cgroup is above it */
	int number;		/* in the segment, or -1 */
	int pending;		/* @number after the next segment is stored */
	uint64_t *now, *told;	/* by region, then figure; @told: last recorded */
	struct dmem_text current;	/* text of dmem.current */
};

/* The watched cgroup that is charged for the cgroup with this id, itself or as a part. */
struct owner {
	uint64_t id;
	struct watched *w;
	bool sure;		/* the cgroup cannot become a watched one itself */
};

struct held {
	uint64_t ino, size;
	struct watched *w;	/* the owner, or NULL */
	unsigned int region;
};

struct held_list {
	struct held *held;	/* sorted by inode */
	size_t n;
};

struct sampler {
	const struct sampler_options *o;
	struct dmem_arena arena;	/* of the last scan */
	struct dmem_regions regions;
	uint64_t (*r_now)[HIST_R_FIGURES], (*r_told)[HIST_R_FIGURES];
	struct watched *watched, **end;
	void *by_life;			/* cgroups that still exist, of tsearch() */
	struct dmem_lines lines;
	rlim_t max_files;		/* limit on files to keep open */
	struct sampler_lost lost_scan, lost_read;
	void *lost_paths;		/* paths that the last scan could not read, of tsearch() */
	struct owner *owner;
	size_t n_owners, n_watched;
	bool *found;			/* for each wanted unit or cgroup */
	int notify, root_current, notify_error;
	struct held_list now, told;
	bool scan, segment;
	bool changed;			/* some charge changed in the last sample */
	unsigned int samples, guess_sample;
	unsigned int scans;		/* number of next samples that need a scan */
	int numbers, pending_numbers;
	uint64_t mono, wall, scanned;
	/* By region: the root's charge without those of watched cgroups, at the last scan and in
	 * the last sample. */
	uint64_t *unexplained, *last_rest;
	size_t root_lines;
	/* Buffers whose owner is not recorded, or only as a part of a slice: now and at the last
	 * scan. */
	size_t unowned, scanned_unowned;
	struct hist_head head;
	struct dmem_text text;
};

/* ---- constants of the machine ---- */

static void read_boot(struct sampler *s)
{
	struct hist_head *h = &s->head;
	const char *at;

	memset(h->boot, '0', HIST_BOOT);
	for (int i = 8; i < 24; i += 5)
		h->boot[i] = '-';
	if (!dmem_sys_read(s->o->sys, "proc/sys/kernel/random/boot_id", &s->text) &&
	    strspn(s->text.s, "0123456789abcdef-") == HIST_BOOT)
		memcpy(h->boot, s->text.s, HIST_BOOT);
	h->page = (uint64_t)sysconf(_SC_PAGESIZE);
	h->block = DMEM_UNKNOWN;
	if (dmem_sys_read(s->o->sys, "proc/pagetypeinfo", &s->text))
		return;
	at = strstr(s->text.s, "Page block order: ");
	if (at && strtoul(at + 18, NULL, 10) < 32)
		h->block = h->page << strtoul(at + 18, NULL, 10);
}

static rlim_t files_to_keep(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur <= FREE_FILES)
		return 0;
	return l.rlim_cur - FREE_FILES;
}

struct sampler *sampler_new(const struct sampler_options *o)
{
	struct sampler *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->o = o;
	s->root_current = -1;
	s->end = &s->watched;
	s->max_files = files_to_keep();
	s->scan = s->segment = true;
	s->head.interval = o->interval;
	s->head.buffers = o->buffers;
	s->found = calloc(o->n_wanted + 1, sizeof(*s->found));
	/* Without inotify, new cgroups are found later. */
	s->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	s->notify_error = s->notify < 0 ? errno : 0;
	if (!s->found) {
		sampler_free(s);
		return NULL;
	}
	read_boot(s);
	return s;
}

static void close_files(struct watched *w)
{
	for (int i = 0; i < FILES; i++) {
		if (w->fd[i] >= 0)
			close(w->fd[i]);
		w->fd[i] = FILE_ABSENT;
	}
}

/* cgroupfs never reuses an inode number: a cgroup that is made again gets another one. */
static int compare_lives(const void *x, const void *y)
{
	const struct watched *a = x, *b = y;

	if (a->life != b->life)
		return a->life < b->life ? -1 : 1;
	return strcmp(a->path, b->path);
}

static void free_watched(struct watched *w)
{
	close_files(w);
	dmem_text_free(&w->current);
	free(w->path);
	free(w->now);
	free(w->told);
	free(w);
}

static void forget_all(struct sampler *s)
{
	while (s->watched) {
		struct watched *w = s->watched;

		if (!w->gone)
			tdelete(w, &s->by_life, compare_lives);
		s->watched = w->next;
		free_watched(w);
	}
	s->end = &s->watched;
	s->n_owners = s->n_watched = s->now.n = s->told.n = 0;
}

void sampler_free(struct sampler *s)
{
	if (!s)
		return;
	forget_all(s);
	if (s->notify >= 0)
		close(s->notify);
	if (s->root_current >= 0)
		close(s->root_current);
	tdestroy(s->lost_paths, free);
	free(s->owner);
	free(s->found);
	free(s->now.held);
	free(s->told.held);
	free(s->r_now);
	free(s->r_told);
	free(s->unexplained);
	free(s->last_rest);
	free(s->lines.read_in);
	dmem_text_free(&s->text);
	dmem_arena_free(&s->arena);
	free(s);
}

/* ---- reading one file again ---- */

/* True if the error means that the cgroup or its controller was removed. */
static bool is_gone(int err)
{
	return err == -ENOENT || err == -ENODEV;
}

/* Reads an open file from its start. 0, -ENODEV: the cgroup is gone, or a negative errno. */
static int read_again(int fd, struct dmem_text *t)
{
	t->len = 0;
	for (;;) {
		ssize_t n;

		if (t->size - t->len < 2048) {
			char *more = realloc(t->s, 2 * t->size + 4096);

			if (!more)
				return -ENOMEM;
			t->s = more;
			t->size = 2 * t->size + 4096;
		}
		n = pread(fd, t->s + t->len, t->size - t->len - 1, (off_t)t->len);
		if (n < 0)
			return -errno;
		t->len += (size_t)n;
		t->s[t->len] = 0;
		/* The kernel returns up to a page at once: a short read is the end. */
		if (n < 1024)
			return 0;
	}
}

/* Parses the text of @file, and changes the text. */
static void take(struct sampler *s, uint64_t *v, int file)
{
	const char *wanted = dmem_figure_file(kernels[first_of[file]]);
	char *text = s->text.s, *name, *rest;

	dmem_lines_start(&s->lines);
	while (dmem_next_line(&text, &name, &rest)) {
		size_t i = dmem_lines_next(&s->lines, name);

		if (i == s->regions.n)
			continue;
		for (int f = first_of[file]; f < HIST_FIGURES; f++) {
			const char *key = dmem_figure_key(kernels[f]);

			if (strcmp(dmem_figure_file(kernels[f]), wanted))
				break;
			v[i * HIST_FIGURES + (size_t)f] =
				key ? dmem_keyed_number(rest, key) : dmem_number(rest);
		}
	}
}

static bool has_closed_files(const struct watched *w)
{
	for (int i = 0; i < FILES; i++) {
		if (w->fd[i] == FILE_CLOSED)
			return true;
	}
	return false;
}

/* Opens the cgroup's directory. A cgroup that was made again with the same name is another one. */
static int open_directory(const struct sampler *s, const struct watched *w)
{
	char dir[MAX_PATH + 64];
	struct stat st;
	int fd;

	snprintf(dir, sizeof(dir), CGROUP "/%s", w->path);
	fd = dmem_sys_openat(s->o->sys, dir, O_PATH | O_DIRECTORY);
	if (fd < 0 || (!fstat(fd, &st) && st.st_ino == w->life))
		return fd;
	close(fd);
	return -ENODEV;
}

/* 1: the text of the file was read; 0: there is no such file. */
static int read_text(struct sampler *s, const struct watched *w, int dir, int file)
{
	int ret;

	if (w->fd[file] >= 0)
		ret = read_again(w->fd[file], &s->text);
	else if (w->fd[file] == FILE_CLOSED)
		ret = dmem_read_at(dir, dmem_figure_file(kernels[first_of[file]]), &s->text);
	else
		return 0;
	return ret ? ret : 1;
}

/* True if the text of dmem.current has changed. Compares the texts, which is faster than to parse
 * them. */
static bool usage_changed(struct watched *w, struct dmem_text *t)
{
	if (w->current.s && w->current.len == t->len && !memcmp(w->current.s, t->s, t->len))
		return false;
	if (w->current.size < t->size) {
		char *more = realloc(w->current.s, t->size);

		if (!more)
			return true;
		w->current.s = more;
		w->current.size = t->size;
	}
	memcpy(w->current.s, t->s, t->len);
	w->current.len = t->len;
	return true;
}

/* Reads a cgroup's figures. 0, -ENODEV or -ENOENT: it is gone, or another negative errno. */
static int read_watched(struct sampler *s, struct watched *w, bool all)
{
	int dir = -1, ret;

	if (has_closed_files(w)) {
		dir = open_directory(s, w);
		if (dir < 0)
			return dir;
	}
	ret = read_text(s, w, dir, FILE_CURRENT);
	if (ret > 0 && (usage_changed(w, &s->text) || w->unread)) {
		take(s, w->now, FILE_CURRENT);
		s->changed = all = true;
	}
	for (int i = FILE_PEAK; i < FILES && all && ret >= 0; i++) {
		ret = read_text(s, w, dir, i);
		if (ret > 0)
			take(s, w->now, i);
	}
	if (dir >= 0)
		close(dir);
	return ret < 0 ? ret : 0;
}

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

static uint64_t *new_figures(const struct sampler *s)
{
	size_t n = s->regions.n * HIST_FIGURES;
	uint64_t *v = malloc((n + 1) * sizeof(*v));

	for (size_t i = 0; v && i < n; i++)
		v[i] = DMEM_UNKNOWN;
	return v;
}

/* Opens files that are not open yet: when a controller is enabled, its files appear one by one. An
 * error is found again when the file is read. */
static void open_files(struct sampler *s, struct watched *w)
{
	char file[MAX_PATH + 64];

	for (int i = 0; i < FILES; i++) {
		int fd;

		if (w->fd[i] >= 0)
			continue;
		snprintf(file, sizeof(file), CGROUP "/%s/%s", w->path,
			 dmem_figure_file(kernels[first_of[i]]));
		fd = dmem_sys_openat(s->o->sys, file, O_RDONLY);
		w->fd[i] = fd >= 0 ? fd : is_gone(fd) ? FILE_ABSENT : FILE_CLOSED;
		if (fd < 0 || (rlim_t)fd < s->max_files)
			continue;
		close(fd);
		w->fd[i] = FILE_CLOSED;
	}
}

static struct watched *watch(struct sampler *s, const char *path, uint64_t life)
{
	struct watched *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->life = life;
	w->number = w->pending = -1;
	for (int i = 0; i < FILES; i++)
		w->fd[i] = FILE_ABSENT;
	w->path = strdup(path);
	w->now = new_figures(s);
	w->told = new_figures(s);
	if (!w->path || !w->now || !w->told || !tsearch(w, &s->by_life, compare_lives)) {
		free_watched(w);
		return NULL;
	}
	*s->end = w;
	s->end = &w->next;
	return w;
}

static struct watched *find_watched(const struct sampler *s, const char *path, uint64_t life)
{
	struct watched key = { .life = life, .path = (char *)path };
	void *found = tfind(&key, &s->by_life, compare_lives);

	return found ? *(struct watched **)found : NULL;
}

static void lose(struct sampler *s, struct watched *w)
{
	tdelete(w, &s->by_life, compare_lives);
	w->gone = true;
	close_files(w);
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

/* Marks the figures of the cgroup as unknown until the next sample. */
static void note_unread(struct sampler *s, struct watched *w, int err)
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
		s->notify_error = is_gone(fd) ? s->notify_error : -fd;
		return;
	}
	snprintf(dir, sizeof(dir), "/proc/self/fd/%d", fd);
	if (inotify_add_watch(s->notify, dir, IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR) < 0 &&
	    !is_gone(-errno))
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
		w = find_watched(s, path, n->id);
	if (w && s->o->n_wanted)
		is_wanted(s, path);
	if (!w && is_chosen(s, t, n, path)) {
		w = watch(s, path, n->id);
		if (!w)
			return -ENOMEM;
	}
	if (w) {
		open_files(s, w);
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

	forget_all(s);
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

static int scan(struct sampler *s)
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
				lose(s, w);
			s->n_watched += !w->gone;
		}
		qsort(s->owner, s->n_owners, sizeof(*s->owner), by_id);
		s->scan = false;
		s->scanned = s->mono;
	}
	dmem_arena_free(&arena);
	return ret;
}

/* True if a cgroup was made or removed. */
static bool notified(struct sampler *s)
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

/* ---- buffers ---- */

static const struct owner *find_owner(const struct sampler *s, uint64_t cgroup)
{
	struct owner key = { .id = cgroup }, *o;

	if (!s->n_owners || cgroup == DMEM_UNKNOWN)
		return NULL;
	o = bsearch(&key, s->owner, s->n_owners, sizeof(*s->owner), by_id);
	return o && o->w && !o->w->gone ? o : NULL;
}

static const char *region_of(const struct sampler *s, const struct dmem_buffer *b)
{
	for (size_t i = 0; !b->region && b->exporter && i < s->regions.n_heaps; i++) {
		if (!strcmp(s->regions.heap[i].name, b->exporter))
			return s->regions.heap[i].region;
	}
	return b->region;
}

static int read_buffers(struct sampler *s)
{
	struct dmem_arena arena = { 0 };
	struct dmem_buffers b;
	struct held *held;
	int ret = dmem_buffers_read(s->o->sys, &arena, NULL, NULL, &b);

	if (!ret) {
		held = realloc(s->now.held, (b.n + 1) * sizeof(*held));
		ret = held ? 0 : -ENOMEM;
	}
	if (ret) {
		dmem_arena_free(&arena);
		return ret;
	}
	s->now.held = held;
	s->now.n = s->unowned = 0;
	for (size_t i = 0; i < b.n; i++) {
		const struct owner *o = find_owner(s, b.buffer[i].cgroup);
		const char *region = region_of(s, &b.buffer[i]);
		size_t at = region ? dmem_regions_index(&s->regions, region, 0) : s->regions.n;

		if (at == s->regions.n || b.buffer[i].size == DMEM_UNKNOWN)
			continue;
		held[s->now.n++] = (struct held){
			.ino = b.buffer[i].ino, .size = b.buffer[i].size,
			.region = (unsigned int)at,
			.w = o ? o->w : NULL,
		};
		s->unowned += b.buffer[i].cgroup != DMEM_UNKNOWN && !(o && o->sure);
	}
	dmem_arena_free(&arena);
	return 0;
}

/* ---- a sample ---- */

static int read_root(struct sampler *s)
{
	char *text, *name, *rest;
	size_t lines = 0;
	int ret;

	if (s->root_current < 0 || !s->regions.complete)
		return 0;
	ret = read_again(s->root_current, &s->text);
	if (ret)
		return ret;
	text = s->text.s;
	dmem_lines_start(&s->lines);
	for (; dmem_next_line(&text, &name, &rest); lines++) {
		uint64_t v = dmem_number(rest);
		size_t i = dmem_lines_next(&s->lines, name);

		if (i == s->regions.n) {
			s->scan = true;
			continue;
		}
		s->changed |= v != s->r_now[i][HIST_R_CURRENT];
		s->r_now[i][HIST_R_CURRENT] = v;
	}
	/* A region was removed. */
	s->scan |= lines < s->root_lines;
	s->root_lines = lines;
	return 0;
}

/* True if the charge that no watched cgroup explains has changed. @since: remember this sample's
 * value for later comparisons. *@again: the value is the same as in the last sample. */
static bool unexplained(struct sampler *s, bool since, bool *again)
{
	bool changed = false;

	*again = true;

	for (size_t i = 0; i < s->regions.n; i++) {
		uint64_t rest = s->r_now[i][HIST_R_CURRENT];

		if (rest == DMEM_UNKNOWN)
			continue;
		for (const struct watched *w = s->watched; w; w = w->next) {
			uint64_t v = w->now[i * HIST_FIGURES + HIST_CURRENT];

			if (w->top && !w->gone && v != DMEM_UNKNOWN)
				rest -= v;
		}
		changed |= rest != s->unexplained[i];
		*again &= rest == s->last_rest[i];
		s->last_rest[i] = rest;
		if (since)
			s->unexplained[i] = rest;
	}
	return changed;
}

static int read_cgroups(struct sampler *s, bool all)
{
	unsigned int i = 0;
	int ret;

	for (struct watched *w = s->watched; w; w = w->next, i++) {
		if (w->gone)
			continue;
		/* Rare figures of different cgroups are read in different samples. */
		ret = read_watched(s, w, all || (s->samples + i) % RARELY == 0);
		if (ret == -ENOMEM)
			return ret;
		if (is_gone(ret)) {
			lose(s, w);
			s->scan = true;
		} else if (ret) {
			note_unread(s, w, -ret);
		} else {
			w->unread = false;
		}
	}
	return read_root(s);
}

/* The root's figures and the cgroups' are read at different moments, and may not match. So after a
 * scan that found nothing, the next one needs a lasting difference, or some samples' time. */
static bool asks_for_scan(struct sampler *s, bool scanned)
{
	bool again, changed;

	if (s->o->only || s->o->n_wanted)
		return false;
	changed = unexplained(s, scanned, &again);
	return changed && !scanned && (again || s->samples >= s->guess_sample);
}

/* Scans again if buffers belong to a cgroup that is not recorded yet. */
static int find_owners(struct sampler *s)
{
	int ret = 0;

	if (s->unowned > s->scanned_unowned) {
		ret = scan(s);
		if (!ret)
			ret = read_cgroups(s, true);
		if (!ret)
			ret = read_buffers(s);
	}
	s->scanned_unowned = s->unowned;
	return ret;
}

int sampler_read(struct sampler *s, uint64_t mono, uint64_t wall)
{
	bool all = false, guess = false;
	size_t before = s->n_watched;
	int ret = 0;

	s->mono = mono;
	s->wall = wall;
	s->lost_read = (struct sampler_lost){ 0 };
	if (notified(s))
		s->scans = NEW_SAMPLES;
	if (s->scans || mono - s->scanned >= SCAN_MS)
		s->scan = true;
	s->scans -= s->scans > 0;
	/* The figures may show that a scan is needed: then read them once more. */
	for (int i = 0; i < 2 && !ret; i++) {
		if (s->scan) {
			ret = scan(s);
			all = true;
		}
		if (!ret)
			ret = read_cgroups(s, all);
		if (!ret && asks_for_scan(s, all))
			s->scan = guess = true;
		if (!s->scan)
			break;
	}
	if (guess && s->n_watched <= before)
		s->guess_sample = s->samples + GUESS_SAMPLES;
	/* A search for buffers takes time: the figures must be the same afterwards. */
	for (int i = 0; i < BUFFER_SAMPLES && s->o->buffers && !ret; i++) {
		ret = read_buffers(s);
		if (!ret && !s->o->only && !s->o->n_wanted)
			ret = find_owners(s);
		s->changed = false;
		if (!ret)
			ret = read_cgroups(s, false);
		if (!s->changed)
			break;
	}
	s->samples++;
	return ret;
}

/* ---- records ---- */

/* The number of figures to write: up to the last one that differs. */
static size_t changed(const uint64_t *now, const uint64_t *told, size_t n)
{
	while (n && now[n - 1] == told[n - 1])
		n--;
	return n;
}

static bool known(const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i] != DMEM_UNKNOWN)
			return true;
	}
	return false;
}

static int tell_names(struct sampler *s, bool all, struct dmem_text *t)
{
	struct hist_line l;
	int ret = 0;

	if (all) {
		s->head.wall = s->wall;
		s->head.mono = s->mono;
		s->pending_numbers = 0;
		ret = hist_put_head(t, &s->head);
	} else {
		s->pending_numbers = s->numbers;
	}
	for (size_t i = 0; all && i < s->regions.n && !ret; i++) {
		hist_begin(&l, t, 'R');
		hist_add(&l, " %zu", i);
		hist_add_name(&l, s->regions.region[i].name);
		ret = hist_end(&l);
	}
	for (struct watched *w = s->watched; w && !ret; w = w->next) {
		w->pending = all ? -1 : w->number;
		if (w->gone || w->pending >= 0)
			continue;
		w->pending = s->pending_numbers++;
		hist_begin(&l, t, 'C');
		hist_add(&l, " %d %" PRIu64, w->pending, w->life);
		hist_add_name(&l, w->path);
		ret = hist_end(&l);
	}
	return ret;
}

static void tell_regions(struct sampler *s, bool all, struct hist_line *l)
{
	for (size_t i = 0; i < s->regions.n; i++) {
		size_t n = all ? HIST_R_FIGURES :
			   changed(s->r_now[i], s->r_told[i], HIST_R_FIGURES);

		if (!n)
			continue;
		hist_add(l, " r%zu", i);
		hist_add_figures(l, s->r_now[i], n);
	}
}

static void tell_watched(struct sampler *s, const struct watched *w, bool all, struct hist_line *l)
{
	/* A cgroup that was made and removed between two records is not written. */
	if (w->gone) {
		if (!all && w->number >= 0)
			hist_add(l, " x%d", w->number);
		return;
	}
	for (size_t i = 0; i < s->regions.n; i++) {
		const uint64_t *now = w->now + i * HIST_FIGURES, *told = w->told + i * HIST_FIGURES;
		size_t n;

		if (all)
			n = known(now, HIST_FIGURES) ? HIST_FIGURES : 0;
		else
			n = changed(now, told, HIST_FIGURES);
		if (!n)
			continue;
		hist_add(l, " c%d.%zu", w->pending, i);
		hist_add_figures(l, now, n);
	}
}

static void tell_buffer(const struct held *h, struct hist_line *l)
{
	hist_add(l, " b%" PRIu64 "=", h->ino);
	if (h->w)
		hist_add(l, "%d", h->w->pending);
	else
		hist_add(l, "-");
	hist_add(l, ".%u,%" PRIu64, h->region, h->size);
}

static void tell_buffers(struct sampler *s, bool all, struct hist_line *l)
{
	const struct held_list none = { 0 }, *told = all ? &none : &s->told;
	size_t i = 0, k = 0;

	/* Freed buffers come first, so that readers have room for new ones. */
	for (; i < told->n; i++) {
		while (k < s->now.n && s->now.held[k].ino < told->held[i].ino)
			k++;
		if (k == s->now.n || s->now.held[k].ino != told->held[i].ino)
			hist_add(l, " f%" PRIu64, told->held[i].ino);
	}
	for (i = k = 0; k < s->now.n; k++) {
		while (i < told->n && told->held[i].ino < s->now.held[k].ino)
			i++;
		/* The buffer's owner may have been found later than the buffer. */
		if (i == told->n || told->held[i].ino != s->now.held[k].ino ||
		    (s->now.held[k].w && told->held[i].w != s->now.held[k].w))
			tell_buffer(&s->now.held[k], l);
	}
}

int sampler_tell(struct sampler *s, enum sampler_how how, struct dmem_text *t)
{
	bool all = how == TELL_ALL;
	struct hist_line l;
	size_t empty;
	int ret = tell_names(s, all, t);

	if (ret)
		return ret;
	hist_begin(&l, t, 'S');
	hist_add(&l, " %" PRIu64 " %" PRIu64, s->mono, s->wall);
	empty = t->len;
	tell_regions(s, all, &l);
	for (const struct watched *w = s->watched; w; w = w->next)
		tell_watched(s, w, all, &l);
	tell_buffers(s, all, &l);
	if (!l.err && t->len == empty && how == TELL_CHANGES) {
		t->len = l.start;
		return 0;
	}
	return hist_end(&l);
}

/* Stores the buffers of this sample as recorded. Buffers refer to their cgroups, so the entry of a
 * removed cgroup can only be freed after this. */
static int keep_buffers(struct sampler *s)
{
	struct held *h = realloc(s->told.held, (s->now.n + 1) * sizeof(*h));

	if (!h)
		return -ENOMEM;
	s->told.held = h;
	s->told.n = s->now.n;
	if (s->now.n)
		memcpy(h, s->now.held, s->now.n * sizeof(*h));
	return 0;
}

void sampler_told(struct sampler *s)
{
	/* After a failure, the next record must be a segment, which has all buffers. */
	s->segment = keep_buffers(s) != 0;
	s->numbers = s->pending_numbers;
	memcpy(s->r_told, s->r_now, s->regions.n * sizeof(*s->r_told));
	s->end = &s->watched;
	while (*s->end) {
		struct watched *w = *s->end;

		if (w->gone) {
			*s->end = w->next;
			free_watched(w);
			continue;
		}
		w->number = w->pending;
		memcpy(w->told, w->now, s->regions.n * HIST_FIGURES * sizeof(*w->told));
		s->end = &w->next;
	}
}

bool sampler_needs_segment(const struct sampler *s)
{
	return s->segment;
}

size_t sampler_regions(const struct sampler *s)
{
	return s->regions.n;
}

size_t sampler_count(const struct sampler *s)
{
	return s->n_watched;
}

struct sampler_lost sampler_lost(const struct sampler *s)
{
	struct sampler_lost lost = s->lost_scan.cgroups ? s->lost_scan : s->lost_read;

	lost.cgroups = s->lost_scan.cgroups + s->lost_read.cgroups;
	return lost;
}

int sampler_notify_error(const struct sampler *s)
{
	return s->notify_error;
}

bool sampler_has(const struct sampler *s, size_t wanted)
{
	return s->found[wanted];
}
