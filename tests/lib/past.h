/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes invented histories, record by record. */
#ifndef PAST_H
#define PAST_H

#include "dmemctl/history/history.h"

#define PAST_WALL	1764000000000	/* of boot */

/* Starts a segment at @mono ms. @buffers: buffers are recorded. */
void past_head(struct dmem_text *t, const char *boot, uint64_t mono, uint64_t interval, bool buffers);
void past_region(struct dmem_text *t, unsigned int number, const char *name);
void past_cgroup(struct dmem_text *t, unsigned int number, uint64_t life, const char *path);

/* Writes a record with these items, such as "c0.0=4096 f7". */
void past_look(struct dmem_text *t, uint64_t mono, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, with the clock at @wall ms since 1970. */
void past_look_at(struct dmem_text *t, uint64_t mono, uint64_t wall, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void past_end(struct dmem_text *t, uint64_t mono);

/* Writes the text to the file of that name, which it replaces, and frees the text. */
void past_write(struct dmem_text *t, const char *rel);

/* Reads a history in memory, for struct lines_input. @data: a struct dmem_text, the only file. */
ssize_t past_read(void *data, size_t file, uint64_t offset, void *buf, size_t len);

#endif
