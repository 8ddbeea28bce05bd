/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of a history: one writer, and never larger than allowed. */
#ifndef HISTFILE_H
#define HISTFILE_H

#include <stddef.h>
#include <stdint.h>

#define HISTFILE_MIN	(64 * 1024)	/* the least that makes sense as a bound */

/* FILE, and FILE.1 with what came before. Each has half of the room. FILE.lock says
 * that somebody writes, and stays. */
struct histfile {
	const char *path;
	int fd, lock;
	uint64_t size, half;	/* bytes */
};

/* Makes the file, or goes on behind its last whole line. @wait: how many ms for
 * another writer to end. 0, -EBUSY: there is another writer, -EBADMSG: the file is
 * something else, or a negative errno. To be closed even after an error. @path is
 * kept. */
int histfile_open(struct histfile *f, const char *path, uint64_t max, unsigned int wait);

/* All of it or nothing. 0, -EFBIG: it has no room there any more, or a negative errno. */
int histfile_append(struct histfile *f, const char *text, size_t len);

/* What is in FILE becomes FILE.1, and FILE is empty. What is appended next must stand
 * alone. */
int histfile_rotate(struct histfile *f);

/* Returns what could not be written after all, or 0. */
int histfile_close(struct histfile *f);

#endif
