// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists dma-bufs with their holders and owners. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "look.h"

#define BUFINFO	"sys/kernel/debug/dma_buf/bufinfo"
/* Longer than any line of maps: a path has at most 4096 bytes, each printed as \ooo. */
#define CHUNK	65536

/* Adjacent mappings of a process that may be of the same buffer. */
struct map {
	uint64_t ino, dev;
	const char *comm;
	int pid;
	unsigned int n;
};

struct reading {
	const struct dmem_sys *sys;
	struct dmem_arena *arena;
	dmem_note_fn note;
	void *data;
	struct dmem_buffers *b;
	struct dmem_text text;
	char *chunk;
	struct map *map;
	size_t n_maps;
	/* The current process. */
	int pid;
	const char *comm;		/* NULL: not read yet */
};

static void note(struct reading *rd, const char *path, int err)
{
	if (rd->note && err != -ENOENT)
		rd->note(rd->data, path, -err);
}

/* The index of the buffer with this inode number, or the index to insert it at. */
static size_t find(const struct dmem_buffers *b, uint64_t ino)
{
	size_t from = 0, to = b->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (b->buffer[mid].ino < ino)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* Returns the buffer with this inode number, and adds it if it is new. NULL: out of memory. */
static struct dmem_buffer *buffer(struct reading *rd, uint64_t ino)
{
	struct dmem_buffers *b = rd->b;
	size_t at = find(b, ino);
	struct dmem_buffer *more;

	if (at < b->n && b->buffer[at].ino == ino)
		return &b->buffer[at];
	more = dmem_grow(rd->arena, b->buffer, b->n, sizeof(*more));
	if (!more)
		return NULL;
	b->buffer = more;
	more += at;
	memmove(more + 1, more, (b->n - at) * sizeof(*more));
	b->n++;
	*more = (struct dmem_buffer){ .ino = ino, .size = DMEM_UNKNOWN, .cgroup = DMEM_UNKNOWN };
	return more;
}

static int learn_text(struct reading *rd, const char **to, const char *s)
{
	if (*to || !s)
		return 0;
	*to = dmem_strdup(rd->arena, s);
	return *to ? 0 : -ENOMEM;
}

/* Keeps known values: all sources have the same ones. */
static int learn(struct reading *rd, struct dmem_buffer *f, const struct dmem_dmabuf *d)
{
	int ret = learn_text(rd, &f->exporter, d->exporter);

	if (!ret)
		ret = learn_text(rd, &f->name, d->name);
	if (f->size == DMEM_UNKNOWN)
		f->size = d->size;
	return ret;
}

/* Replaces the owner: a buffer can move to other memory. */
static int learn_owner(struct reading *rd, struct dmem_buffer *f, const struct dmem_dmabuf *d)
{
	f->cgroup = d->cgroup;
	if (f->region && d->region && !strcmp(f->region, d->region))
		return 0;
	f->region = NULL;
	return learn_text(rd, &f->region, d->region);
}

/* Reads the name of the process, without its line feed. */
static int read_comm(struct reading *rd)
{
	char *path = dmem_printf(rd->arena, "proc/%d/comm", rd->pid);
	struct dmem_text t = { 0 };
	int ret;

	if (rd->comm)
		return 0;
	if (!path)
		return -ENOMEM;
	ret = dmem_sys_read(rd->sys, path, &t);
	if (!ret && t.len && t.s[t.len - 1] == '\n')
		t.s[t.len - 1] = 0;
	rd->comm = dmem_strdup(rd->arena, ret ? "" : t.s);
	dmem_text_free(&t);
	return rd->comm ? 0 : -ENOMEM;
}

/* Returns this process's entry among the holders: the last one, or a new one. It may have two, for
 * fds and for maps, until they are merged. */
static struct dmem_holder *holder(struct reading *rd, struct dmem_buffer *f)
{
	struct dmem_holder *more;

	if (f->n_holders && f->holder[f->n_holders - 1].pid == rd->pid)
		return &f->holder[f->n_holders - 1];
	if (read_comm(rd))
		return NULL;
	more = dmem_grow(rd->arena, f->holder, f->n_holders, sizeof(*more));
	if (!more)
		return NULL;
	f->holder = more;
	more += f->n_holders++;
	*more = (struct dmem_holder){ .pid = rd->pid, .comm = rd->comm };
	return more;
}

/* A process that has ended does not count; one without access is noted in the result. */
static int out_of_bounds(struct reading *rd, int err)
{
	if (err == -ENOMEM)
		return err;
	if (err != -ENOENT && err != -ESRCH)
		rd->b->all_processes = false;
	return 0;
}

/* Handles an fd whose link names a dma-buf. */
static int see_fd(struct reading *rd, int fdinfo, const char *fd)
{
	struct dmem_dmabuf d;
	struct dmem_buffer *f;
	struct dmem_holder *h;
	int ret = dmem_read_at(fdinfo, fd, &rd->text);

	if (ret)
		return out_of_bounds(rd, ret);
	if (!dmem_dmabuf_fdinfo(rd->text.s, &d))
		return 0;
	f = buffer(rd, d.ino);
	if (!f)
		return -ENOMEM;
	ret = learn(rd, f, &d);
	if (!ret)
		ret = learn_owner(rd, f, &d);
	h = ret ? NULL : holder(rd, f);
	if (!h)
		return -ENOMEM;
	h->fds++;
	return 0;
}

static int see_fds(struct reading *rd, DIR *fds, int fdinfo)
{
	struct dirent *de;
	int ret = 0;

	while (!ret && (de = readdir(fds))) {
		char to[16];
		ssize_t len = readlinkat(dirfd(fds), de->d_name, to, sizeof(to) - 1);

		if (len < 0)
			continue;
		to[len] = 0;
		if (dmem_is_dmabuf(to))
			ret = see_fd(rd, fdinfo, de->d_name);
	}
	return ret;
}

/* Opens a directory of the process. Returns a descriptor or a negative errno. */
static int open_dir(struct reading *rd, const char *name)
{
	char *path = dmem_printf(rd->arena, "proc/%d/%s", rd->pid, name);

	return path ? dmem_sys_openat(rd->sys, path, O_RDONLY | O_DIRECTORY) : -ENOMEM;
}

static int scan_fds(struct reading *rd)
{
	int fd = open_dir(rd, "fd"), fdinfo, ret;
	DIR *d;

	if (fd < 0)
		return out_of_bounds(rd, fd);
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	fdinfo = open_dir(rd, "fdinfo");
	if (fdinfo < 0) {
		ret = out_of_bounds(rd, fdinfo);
	} else {
		ret = see_fds(rd, d, fdinfo);
		close(fdinfo);
	}
	closedir(d);
	return ret;
}

/* Maps come after fds, since the device of dma-bufs is found by known buffers. Links in map_files
 * are never followed: a mapping may be of a user's file that has the name of a dma-buf, if its
 * mount is detached, and stat() would wait for that user's file system. */
static int see_map(struct reading *rd, const char *line)
{
	uint64_t ino, dev;
	struct map *more;

	if (!dmem_dmabuf_map(line, &ino, &dev))
		return 0;
	if (rd->n_maps) {
		struct map *last = &rd->map[rd->n_maps - 1];

		if (last->pid == rd->pid && last->ino == ino && last->dev == dev) {
			last->n++;
			return 0;
		}
	}
	if (read_comm(rd))
		return -ENOMEM;
	more = dmem_grow(rd->arena, rd->map, rd->n_maps, sizeof(*more));
	if (!more)
		return -ENOMEM;
	rd->map = more;
	more[rd->n_maps++] = (struct map){ ino, dev, rd->comm, rd->pid, 1 };
	return 0;
}

static bool known(const struct dmem_buffers *b, uint64_t ino)
{
	size_t at = find(b, ino);

	return at < b->n && b->buffer[at].ino == ino;
}

/* The device of dma-bufs, or DMEM_UNKNOWN: the lowest device with a mapping of a buffer that
 * debugfs or fdinfo has named. A user's file may have such an inode number, too, but the kernel
 * numbers these devices upwards, and makes that of dma-bufs before any program runs. */
static uint64_t device(const struct reading *rd)
{
	uint64_t dev = DMEM_UNKNOWN;

	for (size_t i = 0; i < rd->n_maps; i++) {
		if (rd->map[i].dev < dev && known(rd->b, rd->map[i].ino))
			dev = rd->map[i].dev;
	}
	return dev;
}

/* A complete list in debugfs leaves no buffer to find in maps. */
static int see_maps(struct reading *rd)
{
	uint64_t dev = device(rd);

	for (size_t i = 0; i < rd->n_maps && dev != DMEM_UNKNOWN; i++) {
		const struct map *m = &rd->map[i];
		struct dmem_buffer *f;
		struct dmem_holder *h;

		if (m->dev != dev || (rd->b->all_buffers && !known(rd->b, m->ino)))
			continue;
		rd->pid = m->pid;
		rd->comm = m->comm;
		f = buffer(rd, m->ino);
		h = f ? holder(rd, f) : NULL;
		if (!h)
			return -ENOMEM;
		h->maps += m->n;
	}
	return 0;
}

/* Handles the lines in the first @len bytes of the chunk. The incomplete last line moves to the
 * front: *@len bytes. */
static int see_lines(struct reading *rd, size_t *len)
{
	char *s = rd->chunk, *end;
	int ret = 0;

	rd->chunk[*len] = 0;
	while (!ret && (end = memchr(s, '\n', *len - (size_t)(s - rd->chunk)))) {
		*end = 0;
		ret = see_map(rd, s);
		s = end + 1;
	}
	*len -= (size_t)(s - rd->chunk);
	/* Not a line of this file. */
	if (*len == CHUNK)
		*len = 0;
	memmove(rd->chunk, s, *len);
	return ret;
}

/* The kernel returns this file in pieces, mostly of whole lines. */
static int scan_maps(struct reading *rd)
{
	char *path = dmem_printf(rd->arena, "proc/%d/maps", rd->pid);
	size_t len = 0;
	ssize_t n;
	int fd, ret = 0;

	if (!path)
		return -ENOMEM;
	fd = dmem_sys_openat(rd->sys, path, O_RDONLY | O_NOCTTY);
	if (fd < 0)
		return out_of_bounds(rd, fd);
	while ((n = read(fd, rd->chunk + len, CHUNK - len)) > 0 && !ret) {
		len += (size_t)n;
		ret = see_lines(rd, &len);
	}
	if (n < 0)
		ret = out_of_bounds(rd, -errno);
	close(fd);
	return ret;
}

static int scan_processes(struct reading *rd)
{
	const char **names;
	bool first = false;
	size_t n;
	int ret = dmem_sys_list(rd->sys, "proc", rd->arena, &names, &n);

	if (ret) {
		rd->b->all_processes = false;
		note(rd, "proc", ret);
		return ret == -ENOMEM ? ret : 0;
	}
	for (size_t i = 0; i < n && !ret; i++) {
		rd->pid = atoi(names[i]);
		rd->comm = NULL;
		if (rd->pid <= 0)
			continue;
		first |= rd->pid == 1;
		ret = scan_fds(rd);
		if (!ret)
			ret = scan_maps(rd);
	}
	/* PID 1 always exists: a reader that cannot see it cannot see other processes. */
	rd->b->all_processes &= first;
	return ret;
}

/* Handles a buffer of the kernel's list. This owner counts only if no fd is found that tells it: a
 * buffer can be mapped only, or on its way from one process to another in a message. Two lines with
 * the same buffer: one is text of a name, and the owner is unknown. */
static int see_listed(struct reading *rd, struct dmem_dmabuf *d)
{
	bool again = known(rd->b, d->ino);
	struct dmem_buffer *f = buffer(rd, d->ino);
	int ret = f ? learn(rd, f, d) : -ENOMEM;

	if (again) {
		d->cgroup = DMEM_UNKNOWN;
		d->region = NULL;
	}
	return ret ? ret : learn_owner(rd, f, d);
}

static int scan_kernel(struct reading *rd)
{
	int ret = dmem_sys_read(rd->sys, BUFINFO, &rd->text);
	struct dmem_dmabuf d;
	char *s = rd->text.s;

	rd->b->all_buffers = !ret;
	if (ret) {
		note(rd, BUFINFO, ret);
		return ret == -ENOMEM ? ret : 0;
	}
	while (!ret && dmem_dmabuf_next(&s, &d))
		ret = see_listed(rd, &d);
	return ret;
}

/* Buffers without a holder may have been freed during the search: they count only if the kernel
 * still lists them. */
static int forget_freed(struct reading *rd)
{
	struct dmem_buffers *b = rd->b;
	bool *there = calloc(b->n + 1, sizeof(*there));
	struct dmem_dmabuf d;
	size_t kept = 0;
	char *s;
	int ret = there ? dmem_sys_read(rd->sys, BUFINFO, &rd->text) : -ENOMEM;

	if (!ret) {
		s = rd->text.s;
		while (dmem_dmabuf_next(&s, &d)) {
			size_t at = find(b, d.ino);

			there[at] |= at < b->n && b->buffer[at].ino == d.ino;
		}
		for (size_t i = 0; i < b->n; i++) {
			if (b->buffer[i].n_holders || there[i])
				b->buffer[kept++] = b->buffer[i];
		}
		b->n = kept;
	}
	free(there);
	return ret == -ENOMEM ? ret : 0;
}

static int by_pid(const void *a, const void *b)
{
	int x = ((const struct dmem_holder *)a)->pid, y = ((const struct dmem_holder *)b)->pid;

	return (x > y) - (x < y);
}

/* Sorts the holders, and merges those of the same process. */
static void merge_holders(struct dmem_buffer *f)
{
	size_t n = 0;

	if (!f->n_holders)
		return;
	qsort(f->holder, f->n_holders, sizeof(*f->holder), by_pid);
	for (size_t i = 1; i < f->n_holders; i++) {
		if (f->holder[i].pid == f->holder[n].pid) {
			f->holder[n].fds += f->holder[i].fds;
			f->holder[n].maps += f->holder[i].maps;
		} else {
			f->holder[++n] = f->holder[i];
		}
	}
	f->n_holders = n + 1;
}

int dmem_buffers_read(const struct dmem_sys *s, struct dmem_arena *a, dmem_note_fn note_fn,
		      void *data, struct dmem_buffers *b)
{
	struct reading rd = { .sys = s, .arena = a, .note = note_fn, .data = data, .b = b };
	bool orphans = false;
	int ret;

	*b = (struct dmem_buffers){ .all_processes = true };
	rd.chunk = malloc(CHUNK + 1);
	if (!rd.chunk)
		return -ENOMEM;
	ret = scan_kernel(&rd);
	if (!ret)
		ret = scan_processes(&rd);
	if (!ret)
		ret = see_maps(&rd);
	for (size_t i = 0; i < b->n; i++) {
		merge_holders(&b->buffer[i]);
		orphans |= !b->buffer[i].n_holders;
	}
	if (!ret && orphans)
		ret = forget_freed(&rd);
	free(rd.chunk);
	dmem_text_free(&rd.text);
	return ret;
}

const char *dmem_buffer_region(const struct dmem_regions *r, const struct dmem_buffer *b)
{
	for (size_t i = 0; !b->region && b->exporter && i < r->n_heaps; i++) {
		if (!strcmp(r->heap[i].name, b->exporter))
			return r->heap[i].region;
	}
	return b->region;
}
