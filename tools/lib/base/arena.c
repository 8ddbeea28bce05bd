// SPDX-License-Identifier: GPL-2.0-or-later
/* An arena: memory that is freed all at once. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmem/dmem.h"

#define BLOCK	16384

struct dmem_block {
	struct dmem_block *prev;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

void *dmem_alloc(struct dmem_arena *a, size_t size)
{
	struct dmem_block *b = a->last;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (!b || b->size - b->used < size) {
		size_t room = size > BLOCK ? size : BLOCK;

		b = calloc(1, sizeof(*b) + room);
		if (!b)
			return NULL;
		b->size = room;
		b->prev = a->last;
		a->last = b;
	}
	p = b->data + b->used;
	b->used += size;
	return p;
}

char *dmem_strndup(struct dmem_arena *a, const char *s, size_t len)
{
	char *p = dmem_alloc(a, len + 1);

	return p ? memcpy(p, s, len) : NULL;
}

char *dmem_strdup(struct dmem_arena *a, const char *s)
{
	return dmem_strndup(a, s, strlen(s));
}

char *dmem_printf(struct dmem_arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p = NULL;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	if (len >= 0)
		p = dmem_alloc(a, (size_t)len + 1);
	if (p)
		vsnprintf(p, (size_t)len + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return p;
}

void *dmem_grow(struct dmem_arena *a, void *array, size_t n, size_t size)
{
	void *more;

	/* The array is full when it has 0, 4, 8, 16, ... elements. */
	if (n && (n < 4 || (n & (n - 1))))
		return array;
	more = dmem_alloc(a, size * (n ? 2 * n : 4));
	if (more && n)
		memcpy(more, array, n * size);
	return more;
}

void *dmem_room(void *array, size_t n, size_t *room, size_t size)
{
	void *more;

	if (n < *room)
		return array;
	more = realloc(array, (2 * *room + 16) * size);
	if (more)
		*room = 2 * *room + 16;
	return more;
}

void dmem_arena_free(struct dmem_arena *a)
{
	struct dmem_block *b = a->last, *prev;

	for (; b; b = prev) {
		prev = b->prev;
		free(b);
	}
	a->last = NULL;
}
