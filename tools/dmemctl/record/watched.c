// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cgroups that a sampler reads.
 *
 * The files of a cgroup stay open as long as there are file descriptors, so that a sample costs one
 * system call per file. Other files are opened for each sample. Figures that change rarely are read
 * rarely, or after the charge has changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampling.h"

static const enum dmem_figure kernels[HIST_FIGURES] = {
	[HIST_CURRENT] = DMEM_F_CURRENT, [HIST_PEAK] = DMEM_F_PEAK,
	[HIST_EV_MAX] = DMEM_F_EV_MAX, [HIST_EV_ALLOC_FAIL] = DMEM_F_EV_ALLOC_FAIL,
	[HIST_EV_EXHAUSTED] = DMEM_F_EV_EXHAUSTED, [HIST_EV_RESERVED] = DMEM_F_EV_RESERVED,
	[HIST_MAX] = DMEM_F_MAX, [HIST_MIN] = DMEM_F_MIN,
};

static const enum hist_figure first_of[FILES] = {
	[FILE_CURRENT] = HIST_CURRENT, [FILE_PEAK] = HIST_PEAK, [FILE_EVENTS] = HIST_EV_MAX,
	[FILE_MAX] = HIST_MAX, [FILE_MIN] = HIST_MIN,
};

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

void watched_free(struct watched *w)
{
	close_files(w);
	dmem_text_free(&w->current);
	free(w->path);
	free(w->now);
	free(w->told);
	free(w);
}

void watched_forget_all(struct sampler *s)
{
	while (s->watched) {
		struct watched *w = s->watched;

		if (!w->gone)
			tdelete(w, &s->by_life, compare_lives);
		s->watched = w->next;
		watched_free(w);
	}
	s->end = &s->watched;
	s->n_owners = s->n_watched = s->now.n = s->told.n = 0;
}

static uint64_t *new_figures(const struct sampler *s)
{
	size_t n = s->regions.n * HIST_FIGURES;
	uint64_t *v = malloc((n + 1) * sizeof(*v));

	for (size_t i = 0; v && i < n; i++)
		v[i] = DMEM_UNKNOWN;
	return v;
}

void watched_open(struct sampler *s, struct watched *w)
{
	char file[MAX_PATH + 64];

	for (int i = 0; i < FILES; i++) {
		int fd;

		if (w->fd[i] >= 0)
			continue;
		snprintf(file, sizeof(file), CGROUP "/%s/%s", w->path,
			 dmem_figure_file(kernels[first_of[i]]));
		fd = dmem_sys_openat(s->o->sys, file, O_RDONLY);
		w->fd[i] = fd >= 0 ? fd : watched_is_gone(fd) ? FILE_ABSENT : FILE_CLOSED;
		if (fd < 0 || (rlim_t)fd < s->max_files)
			continue;
		close(fd);
		w->fd[i] = FILE_CLOSED;
	}
}

struct watched *watched_new(struct sampler *s, const char *path, uint64_t life)
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
		watched_free(w);
		return NULL;
	}
	*s->end = w;
	s->end = &w->next;
	return w;
}

struct watched *watched_find(const struct sampler *s, const char *path, uint64_t life)
{
	struct watched key = { .life = life, .path = (char *)path };
	void *found = tfind(&key, &s->by_life, compare_lives);

	return found ? *(struct watched **)found : NULL;
}

void watched_lose(struct sampler *s, struct watched *w)
{
	tdelete(w, &s->by_life, compare_lives);
	w->gone = true;
	close_files(w);
}

/* ---- reading one file again ---- */

bool watched_is_gone(int err)
{
	return err == -ENOENT || err == -ENODEV;
}

int watched_read_again(int fd, struct dmem_text *t)
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
		ret = watched_read_again(w->fd[file], &s->text);
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

int watched_read(struct sampler *s, struct watched *w, bool all)
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
