// SPDX-License-Identifier: GPL-2.0-or-later
/* Implements first fit like mm/cma.c. */
#include <errno.h>
#include <stdlib.h>

#include "firstfit.h"
#include "num.h"

/* In pages: above any real size, and sums of it cannot overflow. */
#define MAX_PAGES	(UINT64_C(1) << 52)
#define MAX_START	(UINT64_C(1) << 62)

/* Links the buffers of an owner, or those of an owner and size, the newest first. */
struct firstfit_link {
	uint32_t newer, older;
};

struct firstfit_node {
	struct firstfit_buffer b;
	bool refused;
	uint32_t left, right, priority;
	struct firstfit_link owner, size;
	/* For the subtree: start of the first buffer, end of the last one, and the largest gap
	 * between two. */
	uint64_t first, last, gap;
};

static struct firstfit_node *node_of(const struct firstfit *f, uint32_t i)
{
	return &f->node[i - 1];
}

uint64_t firstfit_alignment(uint64_t pages, unsigned int align_order)
{
	unsigned int order = 0;

	while (order < align_order && 1ull << order < pages)
		order++;
	return 1ull << order;
}

/* ---- the treap ---- */

static void sum_up_node(struct firstfit *f, uint32_t i)
{
	struct firstfit_node *n = node_of(f, i), *side;
	uint64_t end = n->b.start + n->b.pages;

	n->first = n->b.start;
	n->last = end;
	n->gap = 0;
	if (n->left) {
		side = node_of(f, n->left);
		n->first = side->first;
		n->gap = max_u64(side->gap, n->b.start - side->last);
	}
	if (n->right) {
		side = node_of(f, n->right);
		n->last = side->last;
		n->gap = max_u64(n->gap, max_u64(side->gap, side->first - end));
	}
}

/* Moves the buffers that start before @start to *@left. */
static void split_nodes(struct firstfit *f, uint32_t i, uint64_t start, uint32_t *left,
			uint32_t *right)
{
	struct firstfit_node *n;

	if (!i) {
		*left = *right = 0;
		return;
	}
	n = node_of(f, i);
	if (n->b.start < start) {
		*left = i;
		split_nodes(f, n->right, start, &n->right, right);
	} else {
		*right = i;
		split_nodes(f, n->left, start, left, &n->left);
	}
	sum_up_node(f, i);
}

/* All buffers of @left start before those of @right. */
static uint32_t join_nodes(struct firstfit *f, uint32_t left, uint32_t right)
{
	uint32_t i;

	if (!left || !right)
		return left ? left : right;
	if (node_of(f, left)->priority > node_of(f, right)->priority) {
		i = left;
		node_of(f, i)->right = join_nodes(f, node_of(f, i)->right, right);
	} else {
		i = right;
		node_of(f, i)->left = join_nodes(f, left, node_of(f, i)->left);
	}
	sum_up_node(f, i);
	return i;
}

static uint32_t insert_node(struct firstfit *f, uint32_t at, uint32_t i)
{
	struct firstfit_node *n = node_of(f, i), *top;

	if (!at || node_of(f, at)->priority < n->priority) {
		split_nodes(f, at, n->b.start, &n->left, &n->right);
		sum_up_node(f, i);
		return i;
	}
	top = node_of(f, at);
	if (n->b.start < top->b.start)
		top->left = insert_node(f, top->left, i);
	else
		top->right = insert_node(f, top->right, i);
	sum_up_node(f, at);
	return at;
}

/* Returns the subtree @at without @i (@drop), or updates it after @i has become smaller. */
static uint32_t change_node(struct firstfit *f, uint32_t at, uint32_t i, bool drop)
{
	struct firstfit_node *top;

	if (!at)
		return 0;
	top = node_of(f, at);
	if (at == i && drop)
		return join_nodes(f, top->left, top->right);
	if (node_of(f, i)->b.start < top->b.start)
		top->left = change_node(f, top->left, i, drop);
	else if (at != i)
		top->right = change_node(f, top->right, i, drop);
	sum_up_node(f, at);
	return at;
}

static uint64_t align_up(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

/* Searches the subtree @i for a gap, from *@end on. True: *@end is its aligned start. False: *@end
 * is the end of the last buffer. */
static bool find_gap(const struct firstfit *f, uint32_t i, uint64_t pages, uint64_t align,
		     uint64_t *end)
{
	const struct firstfit_node *n;
	uint64_t start;

	if (!i)
		return false;
	n = node_of(f, i);
	if (n->gap < pages && n->first - *end < pages) {
		*end = n->last;
		return false;
	}
	if (find_gap(f, n->left, pages, align, end))
		return true;
	start = align_up(*end, align);
	if (start + pages <= n->b.start) {
		*end = start;
		return true;
	}
	*end = n->b.start + n->b.pages;
	return find_gap(f, n->right, pages, align, end);
}

/* ---- the lists ---- */

static struct firstfit_link *link_of(struct firstfit *f, uint32_t i, bool size)
{
	return size ? &node_of(f, i)->size : &node_of(f, i)->owner;
}

/* Makes it the newest buffer of its owner, or of its owner and size. */
static int link_node(struct firstfit *f, uint32_t i, bool size)
{
	const struct firstfit_buffer *b = &node_of(f, i)->b;
	struct dmem_map *m = size ? &f->by_size : &f->by_owner;
	uint64_t key = size ? b->pages : 0;
	uint32_t older = (uint32_t)dmem_map_get(m, b->owner, key);

	*link_of(f, i, size) = (struct firstfit_link){ .older = older };
	if (older)
		link_of(f, older, size)->newer = i;
	return dmem_map_put(m, b->owner, key, i);
}

static int unlink_node(struct firstfit *f, uint32_t i, bool size)
{
	const struct firstfit_buffer *b = &node_of(f, i)->b;
	struct dmem_map *m = size ? &f->by_size : &f->by_owner;
	struct firstfit_link *l = link_of(f, i, size);

	if (l->older)
		link_of(f, l->older, size)->newer = l->newer;
	if (l->newer) {
		link_of(f, l->newer, size)->older = l->older;
		return 0;
	}
	if (l->older)
		return dmem_map_put(m, b->owner, size ? b->pages : 0, l->older);
	dmem_map_take(m, b->owner, size ? b->pages : 0);
	return 0;
}

/* ---- buffers ---- */

static uint32_t new_node(struct firstfit *f)
{
	uint32_t i = f->free;

	if (i) {
		f->free = node_of(f, i)->left;
		return i;
	}
	if (f->used == f->room) {
		uint32_t room = f->room ? 2 * f->room : 16;
		struct firstfit_node *more = NULL;

		if (room > f->room)
			more = realloc(f->node, room * sizeof(*more));
		if (!more)
			return 0;
		f->node = more;
		f->room = room;
	}
	return ++f->used;
}

/* False: there is no place. */
static bool find_place(const struct firstfit *f, uint64_t pages, uint64_t align, uint64_t *start)
{
	*start = FIRSTFIT_NOWHERE;
	if (f->scattered)
		return pages <= f->size - f->pages;
	*start = 0;
	if (!find_gap(f, f->root, pages, align, start))
		*start = align_up(*start, align);
	return !f->ends || (*start <= f->size && pages <= f->size - *start);
}

static void put_into_place(struct firstfit *f, uint32_t i, uint64_t align)
{
	const struct firstfit_buffer *b = &node_of(f, i)->b;

	f->n++;
	f->pages += b->pages;
	if (f->scattered)
		return;
	f->high = max_u64(f->high, b->start + b->pages);
	f->unit = max_u64(f->unit, align);
	f->root = insert_node(f, f->root, i);
}

int firstfit_alloc(struct firstfit *f, uint64_t owner, uint64_t id, uint64_t pages)
{
	uint64_t align, start;
	bool placed;
	uint32_t i;

	if (pages > MAX_PAGES && !f->scattered)
		pages = MAX_PAGES;
	align = firstfit_alignment(pages, f->align_order);
	placed = find_place(f, pages, align, &start);
	if (!pages || (placed && !f->scattered && start > MAX_START))
		return 0;
	i = new_node(f);
	if (!i)
		return -ENOMEM;
	f->random = f->random * 1664525 + 1013904223;
	*node_of(f, i) = (struct firstfit_node){
		.b = { placed ? start : FIRSTFIT_NOWHERE, pages, owner, id }, .refused = !placed,
		.priority = f->random,
	};
	if (placed)
		put_into_place(f, i, align);
	if (link_node(f, i, false) || link_node(f, i, true) ||
	    dmem_map_put(&f->by_id, owner, id, i))
		return -ENOMEM;
	return !placed;
}

static int drop_node(struct firstfit *f, uint32_t i)
{
	struct firstfit_node *n = node_of(f, i);
	int ret = unlink_node(f, i, false);

	if (unlink_node(f, i, true))
		ret = -ENOMEM;
	dmem_map_take(&f->by_id, n->b.owner, n->b.id);
	if (n->b.start != FIRSTFIT_NOWHERE)
		f->root = change_node(f, f->root, i, true);
	if (!n->refused) {
		f->pages -= n->b.pages;
		f->n--;
	}
	n->left = f->free;
	f->free = i;
	return ret;
}

bool firstfit_has(const struct firstfit *f, uint64_t owner, uint64_t id)
{
	return dmem_map_get(&f->by_id, owner, id);
}

const struct firstfit_buffer *firstfit_from(const struct firstfit *f, uint64_t page)
{
	uint32_t best = 0;

	for (uint32_t i = f->root; i; ) {
		if (node_of(f, i)->b.start >= page)
			best = i;
		i = node_of(f, i)->b.start >= page ? node_of(f, i)->left : node_of(f, i)->right;
	}
	return best ? &node_of(f, best)->b : NULL;
}

uint64_t firstfit_largest(const struct firstfit *f, uint64_t size)
{
	const struct firstfit_node *top = f->root ? node_of(f, f->root) : NULL;
	uint64_t behind;

	if (!top)
		return size;
	behind = size > top->last ? size - top->last : 0;
	return max_u64(behind, max_u64(top->first, top->gap));
}

void firstfit_restart(struct firstfit *f)
{
	f->high = f->root ? node_of(f, f->root)->last : 0;
}

int firstfit_free(struct firstfit *f, uint64_t owner, uint64_t id)
{
	uint32_t i = (uint32_t)dmem_map_get(&f->by_id, owner, id);

	return i ? drop_node(f, i) : -ENOENT;
}

int firstfit_rename(struct firstfit *f, uint64_t owner, uint64_t pages, uint64_t new_owner,
		    uint64_t new_id)
{
	uint32_t i = (uint32_t)dmem_map_get(&f->by_size, owner, pages);
	struct firstfit_buffer *b;

	if (!i)
		return -ENOENT;
	b = &node_of(f, i)->b;
	dmem_map_take(&f->by_id, b->owner, b->id);
	if (unlink_node(f, i, false) || unlink_node(f, i, true))
		return -ENOMEM;
	b->owner = new_owner;
	b->id = new_id;
	if (link_node(f, i, false) || link_node(f, i, true))
		return -ENOMEM;
	return dmem_map_put(&f->by_id, new_owner, new_id, i);
}

static int make_smaller(struct firstfit *f, uint32_t i, uint64_t pages)
{
	struct firstfit_node *n = node_of(f, i);

	if (unlink_node(f, i, true))
		return -ENOMEM;
	if (!n->refused)
		f->pages -= n->b.pages - pages;
	n->b.pages = pages;
	if (n->b.start != FIRSTFIT_NOWHERE)
		f->root = change_node(f, f->root, i, false);
	return link_node(f, i, true);
}

int firstfit_give_back(struct firstfit *f, uint64_t owner, uint64_t pages)
{
	int ret = 0;

	while (pages && !ret) {
		uint32_t i = (uint32_t)dmem_map_get(&f->by_size, owner, pages);
		uint64_t has;

		if (!i)
			i = (uint32_t)dmem_map_get(&f->by_owner, owner, 0);
		if (!i)
			return 0;
		has = node_of(f, i)->b.pages;
		if (has > pages)
			return make_smaller(f, i, has - pages);
		pages -= has;
		ret = drop_node(f, i);
	}
	return ret;
}

void firstfit_end(struct firstfit *f)
{
	free(f->node);
	dmem_map_free(&f->by_id);
	dmem_map_free(&f->by_owner);
	dmem_map_free(&f->by_size);
	*f = (struct firstfit){ .align_order = f->align_order, .high = f->high, .unit = f->unit };
}
