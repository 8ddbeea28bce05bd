// SPDX-License-Identifier: GPL-2.0-or-later
/* First fit, as mm/cma.c does it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "firstfit.h"

uint64_t firstfit_alignment(uint64_t pages, unsigned int align_order)
{
	unsigned int order = 0;

	while (order < align_order && 1ull << order < pages)
		order++;
	return 1ull << order;
}

static int insert(struct firstfit *f, size_t at, const struct firstfit_buffer *b)
{
	if (f->n == f->room) {
		size_t room = f->room ? 2 * f->room : 64;
		struct firstfit_buffer *more = realloc(f->buffer, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		f->buffer = more;
		f->room = room;
	}
	memmove(f->buffer + at + 1, f->buffer + at, (f->n - at) * sizeof(*b));
	f->buffer[at] = *b;
	f->n++;
	return 0;
}

int firstfit_alloc(struct firstfit *f, uint64_t owner, uint64_t id, uint64_t pages)
{
	uint64_t align = firstfit_alignment(pages, f->align_order), start = 0;
	size_t at;
	int ret;

	if (!pages)
		return 0;
	for (at = 0; at < f->n; at++) {
		const struct firstfit_buffer *b = &f->buffer[at];

		if (start + pages <= b->start)
			break;
		start = (b->start + b->pages + align - 1) & ~(align - 1);
	}
	ret = insert(f, at, &(struct firstfit_buffer){ start, pages, owner, id });
	if (ret)
		return ret;
	if (start + pages > f->high)
		f->high = start + pages;
	if (align > f->unit)
		f->unit = align;
	return 0;
}

static void drop(struct firstfit *f, size_t at)
{
	f->n--;
	memmove(f->buffer + at, f->buffer + at + 1, (f->n - at) * sizeof(*f->buffer));
}

static size_t find(const struct firstfit *f, uint64_t owner, uint64_t id)
{
	size_t i = 0;

	while (i < f->n && (f->buffer[i].owner != owner || f->buffer[i].id != id))
		i++;
	return i;
}

bool firstfit_has(const struct firstfit *f, uint64_t owner, uint64_t id)
{
	return find(f, owner, id) < f->n;
}

bool firstfit_free(struct firstfit *f, uint64_t owner, uint64_t id)
{
	size_t at = find(f, owner, id);

	if (at == f->n)
		return false;
	drop(f, at);
	return true;
}

/* The last one of that owner that was made, or @n: of just so many pages, if not 0. */
static size_t last_of(const struct firstfit *f, uint64_t owner, uint64_t pages)
{
	size_t found = f->n;

	for (size_t i = 0; i < f->n; i++) {
		const struct firstfit_buffer *b = &f->buffer[i];

		if (b->owner != owner || (pages && b->pages != pages))
			continue;
		if (found == f->n || b->id > f->buffer[found].id)
			found = i;
	}
	return found;
}

bool firstfit_rename(struct firstfit *f, uint64_t owner, uint64_t pages, uint64_t new_owner,
		     uint64_t new_id)
{
	size_t at = last_of(f, owner, pages);

	if (!pages || at == f->n)
		return false;
	f->buffer[at].owner = new_owner;
	f->buffer[at].id = new_id;
	return true;
}

void firstfit_give_back(struct firstfit *f, uint64_t owner, uint64_t pages)
{
	while (pages) {
		size_t at = last_of(f, owner, pages);

		if (at == f->n)
			at = last_of(f, owner, 0);
		if (at == f->n)
			return;
		if (f->buffer[at].pages > pages) {
			f->buffer[at].pages -= pages;
			return;
		}
		pages -= f->buffer[at].pages;
		drop(f, at);
	}
}

void firstfit_end(struct firstfit *f)
{
	free(f->buffer);
	f->buffer = NULL;
	f->n = f->room = 0;
}
