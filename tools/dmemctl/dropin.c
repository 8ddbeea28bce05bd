// SPDX-License-Identifier: GPL-2.0-or-later
/* The drop-in that "dmemctl set" keeps for a unit. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dropin.h"

/* After what an administrator is likely to write, and before what dmem-generator does.
 * What holds until the next boot comes after what holds for good, and has a name of
 * its own, since files of one name hide each other. */
#define NAME		"90-dmemctl.conf"
#define NAME_RUNTIME	"91-dmemctl-runtime.conf"
#define DIR		"/etc/systemd/system.control"
#define DIR_RUNTIME	"/run/systemd/system.control"

#define HEAD	"# Written by dmemctl set, which will write it again.\n[" DMEM_SECTION "]\n"

static const char * const keys[DMEM_KINDS] = {
	"DeviceMemoryMax", "DeviceMemoryMin", "DeviceMemoryLow",
};

static int failed(struct ctl *c, const char *path, int err)
{
	cli_error(&c->cli, "%s: %s", path, strerror(err));
	return -err;
}

/* Makes the directory and those above it. Sets *@made if the last one is new. */
static int make_dirs(const char *path, bool *made)
{
	char part[4096];

	*made = false;
	for (const char *p = path; *p; p += *p == '/') {
		size_t len;

		p += strcspn(p, "/");
		len = (size_t)(p - path);
		if (!len)
			continue;
		if (len >= sizeof(part))
			return -ENAMETOOLONG;
		memcpy(part, path, len);
		part[len] = 0;
		*made = !mkdir(part, 0755);
		if (!*made && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static void report(void *data, const struct dmem_report *r)
{
	struct ctl *c = data;

	cli_error(&c->cli, "%s:%u: '%s' %s: %s", r->file, r->line, r->word, r->what, r->remedy);
}

static int read_old(struct ctl *c, struct dropin *d)
{
	struct dmem_section s = { 0 };
	struct dmem_text t = { 0 };
	int ret = dmem_read_at(AT_FDCWD, d->real, &t);

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return failed(c, d->path, -ret);
	d->old = dmem_strndup(d->arena, t.s, t.len);
	dmem_text_free(&t);
	if (!d->old || dmem_section_parse(d->arena, d->path, d->old, strlen(d->old), report, c, &s))
		return -ENOMEM;
	/* Somebody has changed it: what cannot be understood must not be lost. */
	if (s.mistakes) {
		cli_error(&c->cli, "%s: correct or remove this file first", d->path);
		return -EINVAL;
	}
	return dmem_caps_add(d->arena, &d->caps, &s, "/");
}

/* The directory, with nobody else at work in it. Who was before us may have removed it
 * while we waited: then it is made once more. */
static int lock_dir(struct dropin *d)
{
	for (;;) {
		struct stat mine, there;
		int ret = make_dirs(d->real_dir, &d->made_dir);

		if (ret)
			return ret;
		d->lock = open(d->real_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (d->lock < 0 && errno != ENOENT)
			return -errno;
		if (d->lock < 0)
			continue;
		if (flock(d->lock, LOCK_EX) || fstat(d->lock, &mine))
			return -errno;
		if (!stat(d->real_dir, &there) && there.st_ino == mine.st_ino &&
		    there.st_dev == mine.st_dev)
			return 0;
		close(d->lock);
	}
}

int dropin_open(struct ctl *c, struct dmem_arena *a, const char *unit, bool runtime,
		struct dropin *d)
{
	const char *sys = c->sysroot ? c->sysroot : "";
	int ret;

	*d = (struct dropin){ .arena = a, .runtime = runtime, .lock = -1 };
	d->dir = dmem_printf(a, "%s/%s.d", runtime ? DIR_RUNTIME : DIR, unit);
	d->path = d->dir ? dmem_printf(a, "%s/%s", d->dir, runtime ? NAME_RUNTIME : NAME) : NULL;
	d->real_dir = d->dir ? dmem_printf(a, "%s%s", sys, d->dir) : NULL;
	d->real = d->path ? dmem_printf(a, "%s%s", sys, d->path) : NULL;
	if (!d->real || !d->real_dir)
		return -ENOMEM;
	ret = lock_dir(d);
	return ret ? failed(c, d->dir, -ret) : read_old(c, d);
}

void dropin_close(struct dropin *d)
{
	/* Only if it is empty, and while it is ours. */
	if (d->lock >= 0 && d->made_dir)
		rmdir(d->real_dir);
	if (d->lock >= 0)
		close(d->lock);
	d->lock = -1;
}

/* A per cent sign is no specifier here. */
static const char *escaped(struct dmem_arena *a, const char *s)
{
	size_t n = 0;
	char *buf = dmem_alloc(a, 2 * strlen(s) + 1);

	for (; buf && *s; s++) {
		if (*s == '%')
			buf[n++] = '%';
		buf[n++] = *s;
	}
	return buf;
}

int dropin_add(struct dropin *d, const struct dmem_limit *l)
{
	const char *region = escaped(d->arena, l->region);
	size_t kept = 0;
	struct dmem_cap *cap;

	if (!region)
		return -ENOMEM;
	cap = dmem_alloc(d->arena, (d->caps.n + 1) * sizeof(*cap));
	if (!cap)
		return -ENOMEM;
	for (size_t i = 0; i < d->caps.n; i++) {
		const struct dmem_cap *old = &d->caps.cap[i];

		if (old->kind != l->kind || strcmp(old->region, region))
			cap[kept++] = *old;
	}
	cap[kept++] = (struct dmem_cap){ l->kind, region, strrchr(l->text, '=') + 1 };
	d->caps.cap = cap;
	d->caps.n = kept;
	return 0;
}

/* One word, as dmem_conf_word() reads it. */
static const char *word(struct dmem_arena *a, const char *s)
{
	size_t n = 0;
	char *buf;

	if (!strpbrk(s, "\"'\\"))
		return s;
	buf = dmem_alloc(a, 2 * strlen(s) + 3);
	if (!buf)
		return NULL;
	buf[n++] = '"';
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf[n++] = '\\';
		buf[n++] = *s;
	}
	buf[n] = '"';
	return buf;
}

const char *dropin_text(struct dropin *d)
{
	const char *text = dmem_strdup(d->arena, HEAD);

	for (size_t i = 0; text && i < d->caps.n; i++) {
		const struct dmem_cap *cap = &d->caps.cap[i];
		const char *region = word(d->arena, cap->region);

		text = region ? dmem_printf(d->arena, "%s%s=%s %s\n", text, keys[cap->kind], region,
					    cap->value) : NULL;
	}
	return text;
}

static int write_whole(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) ? -errno : 0;
}

static int put(struct dropin *d, const char *text)
{
	const char *tmp = dmem_printf(d->arena, "%s.new", d->real);
	int fd, ret;

	if (!tmp)
		return -ENOMEM;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	ret = write_whole(fd, text);
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(tmp, d->real))
		ret = -errno;
	if (ret)
		unlink(tmp);
	else
		fsync(d->lock);
	return ret;
}

int dropin_write(struct ctl *c, struct dropin *d)
{
	const char *text = d->caps.n ? dropin_text(d) : NULL;
	int ret;

	if (d->caps.n)
		ret = text ? put(d, text) : -ENOMEM;
	else
		ret = unlink(d->real) && errno != ENOENT ? -errno : 0;
	if (ret)
		return failed(c, d->path, -ret);
	d->written = true;
	d->made_dir = d->made_dir || !d->caps.n;
	return 0;
}

void dropin_undo(struct ctl *c, struct dropin *d)
{
	int ret;

	if (!d->written)
		return;
	d->written = false;
	if (d->old)
		ret = put(d, d->old);
	else
		ret = unlink(d->real) && errno != ENOENT ? -errno : 0;
	if (ret)
		failed(c, d->path, -ret);
}
