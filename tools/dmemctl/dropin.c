// SPDX-License-Identifier: GPL-2.0-or-later
/* The drop-in that "dmemctl set" writes for a unit. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/replace.h"
#include "dropin.h"

/* systemd reads drop-ins in the order of their names. Ours come after those that an administrator
 * is likely to write, and before those of dmem-generator. The runtime file comes after the
 * permanent one. Their names differ, since files of the same name hide each other. */
#define NAME		"90-dmemctl.conf"
#define NAME_RUNTIME	"91-dmemctl-runtime.conf"
#define DIR		"/etc/systemd/system.control"
#define DIR_RUNTIME	"/run/systemd/system.control"

#define HEAD	"# Written by dmemctl set, which overwrites this file.\n[" DMEM_SECTION "]\n"

static int failed(struct ctl *c, const char *path, int err)
{
	cli_error(&c->cli, "%s: %s", path, strerror(err));
	return -err;
}

/* Length of the first @n parts of a path. */
static size_t part_len(const char *path, unsigned int n)
{
	size_t len = 0;

	while (n--)
		len += strcspn(path + len, "/") + (n ? 1 : 0);
	return len;
}

static unsigned int parts(const char *path)
{
	unsigned int n = 1;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* Opens the directory made of the first @n parts of the path. Returns a negative errno on
 * failure. */
static int open_part(struct dropin *d, unsigned int n, int flags)
{
	const char *rel = d->dir + 1, *part = dmem_strndup(d->arena, rel, part_len(rel, n));

	return part ? dmem_sys_openat(&d->sys, part, flags | O_DIRECTORY) : -ENOMEM;
}

/* The name of the @n-th part of the path. */
static const char *part_name(struct dropin *d, unsigned int n)
{
	const char *rel = d->dir + 1;
	size_t from = n > 1 ? part_len(rel, n - 1) + 1 : 0;

	return dmem_strndup(d->arena, rel + from, part_len(rel, n) - from);
}

/* Makes the @n-th directory of the path. Its mode does not depend on the umask. */
static int make_part(struct dropin *d, unsigned int n)
{
	const char *name = part_name(d, n);
	int above = open_part(d, n - 1, O_PATH), ret = 0, made;

	if (above < 0 || !name) {
		if (above >= 0)
			close(above);
		return above < 0 ? above : -ENOMEM;
	}
	if (!mkdirat(above, name, 0755)) {
		made = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (made < 0 || fchmod(made, 0755))
			ret = -errno;
		if (made >= 0)
			close(made);
		d->made++;
	} else if (errno != EEXIST) {
		ret = -errno;
	}
	close(above);
	return ret;
}

/* Makes all directories of the path that do not exist. */
static int make_dirs(struct dropin *d)
{
	unsigned int n = parts(d->dir + 1);

	d->made = 0;
	for (unsigned int i = 1; i <= n; i++) {
		int fd = open_part(d, i, O_PATH), ret;

		if (fd >= 0) {
			close(fd);
			continue;
		}
		ret = fd == -ENOENT ? make_part(d, i) : fd;
		if (ret)
			return ret;
	}
	return 0;
}

static void remove_dirs(struct dropin *d)
{
	unsigned int n = parts(d->dir + 1);

	for (; d->made; d->made--, n--) {
		const char *name = part_name(d, n);
		int above = open_part(d, n - 1, O_PATH), ret;

		if (above < 0)
			return;
		/* Fails if another program has put a file there. */
		ret = name ? unlinkat(above, name, AT_REMOVEDIR) : -1;
		close(above);
		if (ret)
			return;
	}
}

/* Checks whether the drop-in, or its missing directories, could be made. */
static int check_writable(struct dropin *d)
{
	int fd = -ENOENT, ret;

	for (unsigned int n = parts(d->dir + 1); fd == -ENOENT; n--) {
		fd = n ? open_part(d, n, O_PATH)
		       : dmem_sys_openat(&d->sys, "", O_PATH | O_DIRECTORY);
		if (!n)
			break;
	}
	if (fd < 0)
		return fd;
	ret = faccessat(fd, ".", W_OK, AT_EACCESS) ? -errno : 0;
	close(fd);
	return ret;
}

static void report(void *data, const struct dmem_report *r)
{
	struct ctl *c = data;

	cli_error(&c->cli, "%s:%u: '%s' %s: %s", r->file, r->line, r->word, r->what, r->remedy);
}

/* Returns the first line that dmemctl does not write itself: another author's line would be lost
 * when the file is replaced. */
static int find_foreign(void *data, unsigned int line, const char *section, const char *key,
			const char *value)
{
	(void)data;
	if (!key)
		return 0;
	if (!section || strcmp(section, DMEM_SECTION))
		return (int)line;
	return *value || !strcmp(key, DMEM_STRICT_KEY) || !strcmp(key, DMEM_PROPAGATE_KEY) ? 0 : (int)line;
}

static int read_old(struct ctl *c, struct dropin *d)
{
	struct dmem_section s = { 0 };
	struct dmem_text t = { 0 };
	int ret = dmem_read_at(d->lock, d->name, &t);

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return failed(c, d->path, -ret);
	d->old = dmem_strndup(d->arena, t.s, t.len);
	d->old_len = t.len;
	dmem_text_free(&t);
	if (!d->old || dmem_section_parse(d->arena, d->path, d->old, d->old_len, report, c, &s))
		return -ENOMEM;
	/* Another author has changed the file: a line with a mistake must not be lost. */
	if (s.mistakes) {
		cli_error(&c->cli, "%s: the file has mistakes: correct or remove it first",
			  d->path);
		return -EINVAL;
	}
	ret = dmem_conf_parse(d->old, d->old_len, find_foreign, NULL);
	if (ret > 0) {
		cli_error(&c->cli, "%s:%d: line not written by dmemctl set would be lost: move it "
			  "to another file",
			  d->path, ret);
		return -EINVAL;
	}
	return ret ? ret : dmem_unit_limits_add(d->arena, &d->limits, &s, "/");
}

/* Opens and locks the directory. Another process may have removed the directory while this one
 * waited for the lock: then it is made again. */
static int lock_dir(struct dropin *d)
{
	unsigned int n = parts(d->dir + 1);

	for (int tries = 0; tries < 100; tries++) {
		struct stat mine, there;
		int ret = make_dirs(d), fd;

		if (!ret)
			d->lock = open_part(d, n, O_RDONLY);
		if (ret == -ENOENT || d->lock == -ENOENT)
			continue;
		if (ret || d->lock < 0)
			return ret ? ret : d->lock;
		if (flock(d->lock, LOCK_EX) || fstat(d->lock, &mine))
			return -errno;
		fd = open_part(d, n, O_PATH);
		ret = fd < 0 ? -1 : fstat(fd, &there);
		if (fd >= 0)
			close(fd);
		if (!ret && there.st_ino == mine.st_ino && there.st_dev == mine.st_dev)
			return 0;
		close(d->lock);
		d->lock = -1;
	}
	return -ENOENT;
}

int dropin_open(struct ctl *c, struct dmem_arena *a, const char *unit, bool runtime, bool change,
		struct dropin *d)
{
	int ret;

	*d = (struct dropin){
		.arena = a, .sys.root = -1, .lock = -1, .name = runtime ? NAME_RUNTIME : NAME,
		.dir = dmem_printf(a, "%s/%s.d", runtime ? DIR_RUNTIME : DIR, unit),
	};
	d->path = d->dir ? dmem_printf(a, "%s/%s", d->dir, d->name) : NULL;
	if (!d->path)
		return -ENOMEM;
	ret = dmem_sys_open(&d->sys, c->sysroot);
	if (!ret && change) {
		ret = lock_dir(d);
	} else if (!ret) {
		ret = check_writable(d);
		d->lock = ret ? -1 : open_part(d, parts(d->dir + 1), O_RDONLY);
		if (d->lock == -ENOENT)
			return 0;
		ret = d->lock < 0 && !ret ? d->lock : ret;
	}
	return ret ? failed(c, d->dir, -ret) : read_old(c, d);
}

void dropin_close(struct dropin *d)
{
	/* Only the directories that this process made. */
	if (d->made)
		remove_dirs(d);
	if (d->lock >= 0)
		close(d->lock);
	d->lock = -1;
	dmem_sys_close(&d->sys);
}

/* Doubles each per cent sign, so that it does not start a specifier. */
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
	struct dmem_section_limit *limit;

	if (!region)
		return -ENOMEM;
	limit = dmem_alloc(d->arena, (d->limits.n + 1) * sizeof(*limit));
	if (!limit)
		return -ENOMEM;
	for (size_t i = 0; i < d->limits.n; i++) {
		const struct dmem_section_limit *old = &d->limits.limit[i];

		if (old->kind != l->kind || strcmp(old->region, region))
			limit[kept++] = *old;
	}
	limit[kept++] = (struct dmem_section_limit){
		.kind = l->kind, .region = region, .value = strrchr(l->text, '=') + 1,
	};
	d->limits.limit = limit;
	d->limits.n = kept;
	return 0;
}

/* Quotes a word for dmem_conf_word(), if it needs quotes. */
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

static const char *text_of(struct dropin *d)
{
	const char *text =
		dmem_printf(d->arena, "%s%s%s", HEAD, d->limits.strict ? DMEM_STRICT_KEY "=yes\n" : "",
			    d->limits.propagate ? DMEM_PROPAGATE_KEY "=yes\n" : "");

	for (size_t i = 0; text && i < d->limits.n; i++) {
		const struct dmem_section_limit *limit = &d->limits.limit[i];
		const char *region = word(d->arena, limit->region);

		text = region ? dmem_printf(d->arena, "%s%s=%s %s\n", text,
					    dmem_limit_keys[limit->kind], region,
					    limit->value) : NULL;
	}
	return text;
}

int dropin_plan(struct ctl *c, struct dropin *d, struct dmem_unit_file *f)
{
	const char *text = text_of(d);

	*f = (struct dmem_unit_file){ .name = d->name, .path = d->path, .state = PARSED };
	if (!text ||
	    dmem_section_parse(d->arena, d->path, text, strlen(text), report, c, &f->section))
		return -ENOMEM;
	return f->section.mistakes ? -EINVAL : 0;
}

/* Replaces the file by this text, or removes it if there is none. systemd and other users can read
 * the file: its mode does not depend on the umask. */
static int put(struct dropin *d, const char *text, size_t len)
{
	/* The directory is locked, so a temporary file there was left by a killed process. */
	cli_replace_clean(d->lock, d->name);
	if (text)
		return cli_replace_at(d->lock, d->name, 0644, text, len);
	return unlinkat(d->lock, d->name, 0) && errno != ENOENT ? -errno : 0;
}

int dropin_write(struct ctl *c, struct dropin *d)
{
	const char *text = d->limits.n ? text_of(d) : NULL;
	int ret = d->limits.n && !text ? -ENOMEM : put(d, text, text ? strlen(text) : 0);

	if (ret)
		return failed(c, d->path, -ret);
	d->written = true;
	/* The last file of a directory takes the directory with it, whichever program made it. */
	if (!d->limits.n && !d->made)
		d->made = 1;
	return 0;
}

void dropin_undo(struct ctl *c, struct dropin *d)
{
	int ret;

	if (!d->written)
		return;
	d->written = false;
	ret = put(d, d->old, d->old_len);
	if (ret)
		failed(c, d->path, -ret);
}
