/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of files that are read piece by piece. */
#ifndef LINES_H
#define LINES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How to get at the text of files, which have numbers. */
struct lines_input {
	/* The number of bytes, 0 at the end, or a negative errno. */
	ssize_t (*read)(void *data, size_t file, uint64_t offset, void *buf, size_t len);
	void *data;
};

/* From one place to another. A file goes on in the next one, up to the last. */
struct lines_range {
	size_t file, last;
	uint64_t from, to;	/* @from in @file, @to in @last */
};

struct lines {
	const struct lines_input *in;
	const uint64_t *size;		/* of each file */
	struct lines_range range;	/* what is to be read yet */
	char *buf;
	size_t pos, end, room;
};

/* @size: bytes of each file that are of interest. Both live as long. */
void lines_start(struct lines *l, const struct lines_input *in, const uint64_t *size,
		 const struct lines_range *range);

/* The next line, with a zero instead of its end; good until the next call. A last one
 * without an end is left out. 1: there was one, 0: at the end, or a negative errno. */
int lines_next(struct lines *l, char **line, size_t *len);

void lines_end(struct lines *l);

#endif
