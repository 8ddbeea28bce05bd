// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes invented histories. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "past.h"

static void finish(struct hist_line *l)
{
	if (hist_end(l)) {
		printf("Bail out! no memory\n");
		exit(2);
	}
}

void past_head(struct dmem_text *t, const char *boot, uint64_t mono, uint64_t interval, bool buffers)
{
	struct hist_head h = { "", PAST_WALL + mono, mono, interval, 4096, 4 << 20, buffers };

	snprintf(h.boot, sizeof(h.boot), "%.8s-0000-0000-0000-000000000000", boot);
	hist_put_head(t, &h);
}

static void named(struct dmem_text *t, char record, const char *number, const char *name)
{
	struct hist_line l;

	hist_begin(&l, t, record);
	hist_add(&l, "%s", number);
	hist_add_name(&l, name);
	finish(&l);
}

void past_region(struct dmem_text *t, unsigned int number, const char *name)
{
	char s[32];

	snprintf(s, sizeof(s), " %u", number);
	named(t, 'R', s, name);
}

void past_cgroup(struct dmem_text *t, unsigned int number, uint64_t life, const char *path)
{
	char s[64];

	snprintf(s, sizeof(s), " %u %llu", number, (unsigned long long)life);
	named(t, 'C', s, path);
}

static void put_sample(struct dmem_text *t, uint64_t mono, uint64_t wall, const char *fmt, va_list ap)
{
	struct hist_line l;
	char items[65536];

	vsnprintf(items, sizeof(items), fmt, ap);
	hist_begin(&l, t, 'S');
	hist_add(&l, " %llu %llu%s%s", (unsigned long long)mono, (unsigned long long)wall,
		 *items ? " " : "", items);
	finish(&l);
}

void past_look(struct dmem_text *t, uint64_t mono, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_sample(t, mono, PAST_WALL + mono, fmt, ap);
	va_end(ap);
}

void past_look_at(struct dmem_text *t, uint64_t mono, uint64_t wall, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_sample(t, mono, wall, fmt, ap);
	va_end(ap);
}

void past_end(struct dmem_text *t, uint64_t mono)
{
	struct hist_line l;

	hist_begin(&l, t, 'E');
	hist_add(&l, " %llu", (unsigned long long)mono);
	finish(&l);
}

void past_write(struct dmem_text *t, const char *rel)
{
	put(rel, "%.*s", (int)t->len, t->s);
	dmem_text_free(t);
}

ssize_t past_read(void *data, size_t file, uint64_t offset, void *buf, size_t len)
{
	const struct dmem_text *t = data;
	size_t n = offset < t->len ? t->len - (size_t)offset : 0;

	(void)file;
	n = n < len ? n : len;
	memcpy(buf, t->s + offset, n);
	return (ssize_t)n;
}
