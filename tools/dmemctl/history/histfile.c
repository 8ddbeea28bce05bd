// SPDX-License-Identifier: GPL-2.0-or-later
/* The file of a history. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "histfile.h"
#include "history.h"

#define STEP_MS		20
#define RECENT		65536

static int with_suffix(const struct histfile *f, const char *suffix, char buf[PATH_MAX])
{
	int len = snprintf(buf, PATH_MAX, "%s%s", f->path, suffix);

	return len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* The lock has a file of its own, since the history is renamed while it is written. An open file is
 * enough to take a lock, so other users must not be able to open this one: they could stop the
 * recorder. */
static int take_lock(struct histfile *f, unsigned int wait)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	char path[PATH_MAX];
	struct stat st;
	int err = with_suffix(f, ".lock", path);

	if (err)
		return err;
	f->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (f->lock < 0)
		return -errno;
	/* An earlier version made it with a wider mode. */
	if (!fstat(f->lock, &st) && st.st_uid == geteuid() && (st.st_mode & 077) &&
	    fchmod(f->lock, 0600))
		return -errno;
	for (;;) {
		if (!flock(f->lock, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (wait < STEP_MS)
			return -EBUSY;
		nanosleep(&step, NULL);
		wait -= STEP_MS;
	}
}

static int cut(struct histfile *f, uint64_t size)
{
	return ftruncate(f->fd, (off_t)size) ? -errno : 0;
}

/* A crash may have left half of a line, or zeros: the next line must not become a part of it. */
static int find_end(struct histfile *f)
{
	char head[16], buf[4096];
	uint64_t at;
	ssize_t n = pread(f->fd, head, sizeof(head), 0);

	if (n < 0)
		return -errno;
	if (!hist_is(head, (size_t)n))
		return -EBADMSG;
	for (at = f->size; at; ) {
		size_t len = at < sizeof(buf) ? (size_t)at : sizeof(buf);

		n = pread(f->fd, buf, len, (off_t)(at - len));
		if (n != (ssize_t)len)
			return n < 0 ? -errno : -EIO;
		len = hist_whole(buf, len);
		at -= (uint64_t)n - len;
		if (len)
			break;
	}
	if (at == f->size)
		return 0;
	f->size = at;
	return cut(f, at);
}

static int open_file(struct histfile *f)
{
	struct stat st;

	f->fd = open(f->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (f->fd < 0 || fstat(f->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	f->size = (uint64_t)st.st_size;
	return find_end(f);
}

/* An earlier writer may have had a larger bound. */
static int drop_if_large(struct histfile *f)
{
	char old[PATH_MAX];
	struct stat st;
	int err = with_suffix(f, ".1", old);

	if (err || lstat(old, &st) || (uint64_t)st.st_size <= f->half)
		return err;
	return unlink(old) ? -errno : 0;
}

int histfile_open(struct histfile *f, const char *path, uint64_t max, unsigned int wait)
{
	int err;

	*f = (struct histfile){ .path = path, .fd = -1, .lock = -1, .half = max / 2 };
	err = take_lock(f, wait);
	if (!err)
		err = open_file(f);
	if (!err)
		err = drop_if_large(f);
	if (!err && f->size > f->half)
		err = histfile_rotate(f);
	return err;
}

int histfile_recent(const struct histfile *f, const char *text)
{
	size_t len = f->size < RECENT ? (size_t)f->size : RECENT;
	char *buf = malloc(len + 1);
	ssize_t n;
	int ret;

	if (!buf)
		return -ENOMEM;
	n = f->fd < 0 ? 0 : pread(f->fd, buf, len, (off_t)(f->size - len));
	ret = n < 0 ? -errno : memmem(buf, (size_t)n, text, strlen(text)) != NULL;
	free(buf);
	return ret;
}

int histfile_append(struct histfile *f, const char *text, size_t len)
{
	size_t done = 0;
	struct stat st;
	int err;

	/* The file could not be opened after it was renamed: try again. */
	err = f->fd < 0 ? open_file(f) : 0;
	if (err)
		return err;
	if (fstat(f->fd, &st))
		return -errno;
	/* The file was removed, and the next lines refer to earlier ones in it. */
	if (!st.st_nlink || f->size + len > f->half)
		return -EFBIG;
	if ((uint64_t)st.st_size != f->size) {
		err = cut(f, f->size);
		if (err)
			return err;
	}
	while (done < len) {
		ssize_t n = write(f->fd, text + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			/* EFBIG: a limit of the process; the other file would not help. */
			err = !n ? -EIO : errno == EFBIG ? -ENOSPC : -errno;
			cut(f, f->size);
			return err;
		}
		done += (size_t)n;
	}
	f->size += len;
	return 0;
}

int histfile_rotate(struct histfile *f)
{
	char old[PATH_MAX];
	int err = with_suffix(f, ".1", old);

	if (err)
		return err;
	/* After a crash, the older file must be complete. */
	if (f->fd >= 0) {
		fdatasync(f->fd);
		close(f->fd);
		f->fd = -1;
	}
	if (rename(f->path, old) && errno != ENOENT)
		return -errno;
	f->size = 0;
	err = drop_if_large(f);
	return err ? err : open_file(f);
}

int histfile_close(struct histfile *f)
{
	int err = 0;

	if (f->fd >= 0 && fdatasync(f->fd) && errno != EINVAL && errno != EROFS)
		err = -errno;
	if (f->fd >= 0 && close(f->fd) && !err)
		err = -errno;
	if (f->lock >= 0)
		close(f->lock);
	f->fd = f->lock = -1;
	return err;
}
