/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads lines of files piece by piece. */
#ifndef LINES_H
#define LINES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Access to the text of numbered files. */
struct lines_input {
	/* Returns the number of bytes, 0 at the end, or a negative errno. */
	ssize_t (*read)(void *data, size_t file, uint64_t offset, void *buf, size_t len);
	void *data;
};

/* A range of text. Each file continues in the next one, up to @last. */
struct lines_range {
	size_t file, last;
	uint64_t from, to;	/* from @from in file @file to @to in file @last */
};

struct lines {
	const struct lines_input *in;
	const uint64_t *size;		/* of each file */
	struct lines_range range;	/* the rest of the range */
	char *buf;
	size_t pos, end, room;
};

/* @size: bytes to read of each file, at most. @in and @size must live as long. */
void lines_start(struct lines *l, const struct lines_input *in, const uint64_t *size,
		 const struct lines_range *range);

/* Reads the next line, and replaces its end by a zero; valid until the next call. An incomplete
 * last line is left out. 1: there was a line; 0: the range ends, or a negative errno. */
int lines_next(struct lines *l, char **line, size_t *len);

void lines_end(struct lines *l);

#endif
