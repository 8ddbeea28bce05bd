// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads lines through a buffer that moves over files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"

#define PIECE	65536
/* Far above any line of a valid file, which has 32M by default. A small compressed file, or one with
 * holes, can have any amount of text without a line end. */
#define LONGEST	(128 * 1024 * 1024)

void lines_start(struct lines *l, const struct lines_input *in, const uint64_t *size,
		 const struct lines_range *range)
{
	*l = (struct lines){ .in = in, .size = size, .range = *range };
}

/* Makes room behind the text that is not read yet. */
static int make_lines_room(struct lines *l)
{
	size_t left = l->end - l->pos, room = l->room ? l->room : PIECE;
	char *more = l->buf;

	if (l->pos)
		memmove(l->buf, l->buf + l->pos, left);
	l->pos = 0;
	l->end = left;
	if (left >= LONGEST)
		return -EMSGSIZE;
	if (left == l->room) {
		room = l->room ? 2 * room : room;
		more = realloc(l->buf, room);
	}
	if (!more)
		return -ENOMEM;
	l->buf = more;
	l->room = room;
	return 0;
}

/* 1: more text was read; 0: the range ends, or a negative errno. */
static int read_piece(struct lines *l)
{
	struct lines_range *r = &l->range;
	uint64_t to = r->file == r->last ? r->to : l->size[r->file];
	ssize_t n;
	int ret;

	if (r->from >= to && r->file == r->last)
		return 0;
	if (r->from >= to) {
		r->file++;
		r->from = 0;
		return read_piece(l);
	}
	ret = make_lines_room(l);
	if (ret)
		return ret;
	n = (ssize_t)(l->room - l->end);
	if ((uint64_t)n > to - r->from)
		n = (ssize_t)(to - r->from);
	n = l->in->read(l->in->data, r->file, r->from, l->buf + l->end, (size_t)n);
	/* The file was truncated. */
	if (!n)
		return -ESTALE;
	if (n < 0)
		return (int)n;
	l->end += (size_t)n;
	r->from += (uint64_t)n;
	return 1;
}

int lines_next(struct lines *l, char **line, size_t *len)
{
	size_t seen = 0;
	char *end;
	int ret;

	for (;;) {
		end = l->end - l->pos > seen ?
			memchr(l->buf + l->pos + seen, '\n', l->end - l->pos - seen) : NULL;
		if (end)
			break;
		seen = l->end - l->pos;
		ret = read_piece(l);
		if (ret <= 0)
			return ret;
	}
	*line = l->buf + l->pos;
	*len = (size_t)(end - *line);
	*end = 0;
	l->pos += *len + 1;
	return 1;
}

void lines_end(struct lines *l)
{
	free(l->buf);
	l->buf = NULL;
}
