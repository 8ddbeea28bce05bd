/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of a history: written by one process, and bounded in size. */
#ifndef HISTFILE_H
#define HISTFILE_H

#include <stddef.h>
#include <stdint.h>

#define HISTFILE_MIN	(64 * 1024)	/* bytes: the smallest useful bound */

/* FILE, and FILE.1 with the older part: each may have half of the bound. The recorder locks
 * FILE.lock, which is never removed. */
struct histfile {
	const char *path;
	int fd, lock;
	uint64_t size, half;	/* bytes */
};

/* Opens or makes the file; new lines follow the last complete one. @max: bytes. @wait: ms to wait
 * until another writer ends. 0, -EBUSY: another writer has the file; -EBADMSG: the file is no
 * history; or a negative errno. Call histfile_close() also after an error. @path is not copied. */
int histfile_open(struct histfile *f, const char *path, uint64_t max, unsigned int wait);

/* 1: the last 64K of the file contain the text; 0: they do not, or a negative errno. */
int histfile_recent(const struct histfile *f, const char *text);

/* Appends all of @text or nothing. 0, -EFBIG: rotate the file first, or a negative errno. */
int histfile_append(struct histfile *f, const char *text, size_t len);

/* Renames FILE to FILE.1, and makes a new FILE, which must start with a segment. */
int histfile_rotate(struct histfile *f);

/* 0, or the errno (negative) of a write that failed late. */
int histfile_close(struct histfile *f);

#endif
