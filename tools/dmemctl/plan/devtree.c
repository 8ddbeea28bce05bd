// SPDX-License-Identifier: GPL-2.0-or-later
/* Applies the kernel's rules for /reserved-memory. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "devtree.h"
#include "withfdt.h"

#ifdef HAVE_LIBFDT

#define AREA_NAME	63		/* CMA_MAX_NAME without the zero */
#define FOUR_GIB	(1ull << 32)
#define FIRST_PAGE	4096		/* memblock never allocates the page at 0 */

uint64_t devtree_end(const struct devtree_range *r)
{
	return r->size > UINT64_MAX - r->base ? UINT64_MAX : r->base + r->size;
}

static bool overlaps(const struct devtree_range *a, const struct devtree_range *b)
{
	return a->size && b->size && a->base < devtree_end(b) && b->base < devtree_end(a);
}

static bool contains(const struct devtree_range *outer, const struct devtree_range *inner)
{
	return outer->base <= inner->base && devtree_end(inner) <= devtree_end(outer);
}

/* ---- properties ---- */

static bool has(const void *fdt, int node, const char *name)
{
	return fdt_getprop(fdt, node, name, NULL);
}

/* Like of_read_number(): bits above 64 are lost. */
static uint64_t number(const fdt32_t *cell, unsigned int n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 32 | fdt32_to_cpu(*cell++);
	return v;
}

/* A string property of a node, or @none. NULL: it is not terminated. */
static const char *word(const void *fdt, int node, const char *name, const char *none)
{
	int len;
	const char *s = fdt_getprop(fdt, node, name, &len);

	if (!s || len <= 0)
		return none;
	return memchr(s, 0, (size_t)len) ? s : NULL;
}

static bool is_available(const void *fdt, int node)
{
	const char *s = word(fdt, node, "status", "okay");

	return s && (!strcmp(s, "okay") || !strcmp(s, "ok"));
}

/* A property of one cell. @none: the kernel's default for a missing property. */
static uint32_t cell(const void *fdt, int node, const char *name, uint32_t none)
{
	int len;
	const fdt32_t *v = fdt_getprop(fdt, node, name, &len);

	return v && len >= 4 ? fdt32_to_cpu(*v) : none;
}

/* Reads entries of address and size. A property of a wrong length has no entries. */
static int ranges(const struct devtree *t, struct dmem_arena *a, const void *fdt, int node,
		  const char *name, struct devtree_range **r, size_t *n)
{
	unsigned int cells = t->address_cells + t->size_cells;
	int len;
	const fdt32_t *v = fdt_getprop(fdt, node, name, &len);

	*r = NULL;
	*n = 0;
	if (!v || len <= 0 || (unsigned int)len % (4 * cells))
		return 0;
	*n = (unsigned int)len / (4 * cells);
	*r = dmem_alloc(a, *n * sizeof(**r));
	if (!*r)
		return -ENOMEM;
	for (size_t i = 0; i < *n; i++, v += cells) {
		(*r)[i].base = number(v, t->address_cells);
		(*r)[i].size = number(v + t->address_cells, t->size_cells);
	}
	return 0;
}

/* ---- reading ---- */

static int by_base(const void *a, const void *b)
{
	const struct devtree_range *x = a, *y = b;

	return (x->base > y->base) - (x->base < y->base);
}

/* Joins adjacent ranges: some boards describe one piece of memory by several nodes. */
static size_t merge(struct devtree_range *r, size_t n)
{
	size_t out = 0;

	if (n)
		qsort(r, n, sizeof(*r), by_base);
	for (size_t i = 0; i < n; i++) {
		uint64_t end = devtree_end(&r[i]);

		if (!r[i].size)
			continue;
		if (!out || r[i].base > devtree_end(&r[out - 1]))
			r[out++] = r[i];
		else if (end > devtree_end(&r[out - 1]))
			r[out - 1].size = end - r[out - 1].base;
	}
	return out;
}

static int read_memory(struct devtree *t, struct dmem_arena *a, const void *fdt)
{
	int node, ret = 0;
	size_t n_all;

	fdt_for_each_subnode(node, fdt, 0) {
		const char *type = word(fdt, node, "device_type", "");
		struct devtree_range *r;
		size_t n;

		if (!type || strcmp(type, "memory") || !is_available(fdt, node))
			continue;
		ret = ranges(t, a, fdt, node, has(fdt, node, "linux,usable-memory") ?
			     "linux,usable-memory" : "reg", &r, &n);
		for (size_t i = 0; i < n && !ret; i++) {
			struct devtree_range *more = dmem_grow(a, t->memory, t->n_memory,
							       sizeof(*r));

			if (!more)
				return -ENOMEM;
			t->memory = more;
			more[t->n_memory++] = r[i];
		}
		if (ret)
			return ret;
	}
	n_all = t->n_memory;
	t->memory_from = n_all ? UINT64_MAX : 0;
	for (size_t i = 0; i < n_all; i++)
		t->memory_from = t->memory[i].base < t->memory_from ?
			t->memory[i].base : t->memory_from;
	t->n_memory = merge(t->memory, n_all);
	return 0;
}

static int read_dynamic(struct devtree *t, struct dmem_arena *a, const void *fdt, int at,
			struct devtree_node *n)
{
	const fdt32_t *v;
	int len, ret;

	v = fdt_getprop(fdt, at, "size", &len);
	n->has_size = v;
	if (v && (unsigned int)len == 4 * t->size_cells)
		n->size = number(v, t->size_cells);
	else if (v && !n->n_reg)
		n->mistake = "its size does not have as many cells as the root's sizes";
	v = fdt_getprop(fdt, at, "alignment", &len);
	n->has_alignment = v;
	/* "alignment" has as many cells as an address. */
	if (v && (unsigned int)len == 4 * t->address_cells)
		n->alignment = number(v, t->address_cells);
	else if (v && !n->n_reg)
		n->mistake = "its alignment does not have as many cells as an address";
	if ((n->alignment & (n->alignment - 1)) && !n->n_reg)
		n->mistake = "its alignment is not a power of two";
	ret = ranges(t, a, fdt, at, "alloc-ranges", &n->range, &n->n_ranges);
	return ret;
}

static int read_node(struct devtree *t, struct dmem_arena *a, const void *fdt, int at)
{
	struct devtree_node *more = dmem_grow(a, t->node, t->n, sizeof(*more)), *n;
	int ret;

	if (!more)
		return -ENOMEM;
	t->node = more;
	n = &more[t->n];
	*n = (struct devtree_node){
		.name = fdt_get_name(fdt, at, NULL),
		.available = is_available(fdt, at),
		.pool = !fdt_node_check_compatible(fdt, at, "shared-dma-pool"),
		.reusable = has(fdt, at, "reusable"),
		.no_map = has(fdt, at, "no-map"),
		.is_default = has(fdt, at, "linux,cma-default"),
	};
	if (!n->name)
		return -EBADMSG;
	ret = ranges(t, a, fdt, at, "reg", &n->reg, &n->n_reg);
	if (!ret)
		ret = read_dynamic(t, a, fdt, at, n);
	if (n->n_reg) {
		n->placed = true;
		n->base = n->reg->base;
	}
	t->n += !ret;
	return ret;
}

static void check_parent(struct devtree *t, const void *fdt, int at)
{
	/* The kernel has defaults for the root only. */
	if (!has(fdt, at, "#address-cells") || !has(fdt, at, "#size-cells") ||
	    cell(fdt, at, "#address-cells", 0) != t->address_cells ||
	    cell(fdt, at, "#size-cells", 0) != t->size_cells)
		t->mistake = "its #address-cells and #size-cells differ from those of the root";
	else if (!has(fdt, at, "ranges"))
		t->mistake = "it has no ranges property";
}

static int read_reserved(struct devtree *t, struct dmem_arena *a, const void *fdt)
{
	int at = -1, child, ret = 0;

	/* fdt_subnode_offset() would also match a node with a unit address. */
	fdt_for_each_subnode(child, fdt, 0) {
		const char *name = fdt_get_name(fdt, child, NULL);

		if (name && !strcmp(name, "reserved-memory"))
			at = child;
	}
	if (at < 0)
		return 0;
	t->has_reserved_memory = true;
	check_parent(t, fdt, at);
	fdt_for_each_subnode(child, fdt, at) {
		ret = read_node(t, a, fdt, child);
		if (ret)
			break;
	}
	return ret;
}

static bool is_covered(const struct devtree *t, const struct devtree_range *r)
{
	for (size_t i = 0; i < t->n; i++) {
		for (size_t k = 0; k < t->node[i].n_reg; k++) {
			if (t->node[i].available && contains(&t->node[i].reg[k], r))
				return true;
		}
	}
	return false;
}

static int read_reserve(struct devtree *t, struct dmem_arena *a, const void *fdt)
{
	for (int i = 0; i < fdt_num_mem_rsv(fdt); i++) {
		struct devtree_range r, *more;

		if (fdt_get_mem_rsv(fdt, i, &r.base, &r.size) || is_covered(t, &r))
			continue;
		more = dmem_grow(a, t->reserve, t->n_reserve, sizeof(*more));
		if (!more)
			return -ENOMEM;
		t->reserve = more;
		more[t->n_reserve++] = r;
	}
	return 0;
}

/* The last "cma=" of the command line is valid. */
static int read_bootargs(struct devtree *t, struct dmem_arena *a, const void *fdt)
{
	int at = fdt_path_offset(fdt, "/chosen");
	const char *s = at < 0 ? NULL : word(fdt, at, "bootargs", NULL);

	while (s && *s) {
		size_t len;

		s += strspn(s, " \t\n");
		len = strcspn(s, " \t\n");
		if (len > 4 && !strncmp(s, "cma=", 4)) {
			t->cma = dmem_strndup(a, s + 4, len - 4);
			if (!t->cma)
				return -ENOMEM;
		}
		s += len;
	}
	return 0;
}

int devtree_read(struct devtree *t, struct dmem_arena *a, const void *fdt)
{
	int ret;

	*t = (struct devtree){ .address_cells = cell(fdt, 0, "#address-cells", 1),
			       .size_cells = cell(fdt, 0, "#size-cells", 1) };
	t->compatible = word(fdt, 0, "compatible", "");
	t->model = word(fdt, 0, "model", "");
	if (!t->compatible || !t->model || t->address_cells < 1 || t->address_cells > 2 ||
	    t->size_cells < 1 || t->size_cells > 2)
		return -EBADMSG;
	ret = read_memory(t, a, fdt);
	if (!ret)
		ret = read_reserved(t, a, fdt);
	if (!ret)
		ret = read_reserve(t, a, fdt);
	return ret ? ret : read_bootargs(t, a, fdt);
}

bool devtree_is_area(const struct devtree_node *n)
{
	return n->available && n->pool && n->reusable && !n->no_map;
}

size_t devtree_find(const struct devtree *t, const char *area)
{
	size_t found = DEVTREE_NONE;

	for (size_t i = 0; i < t->n; i++) {
		const char *name = t->node[i].name;

		if (strncmp(name, area, AREA_NAME) ||
		    (strlen(area) > AREA_NAME && strcmp(name, area)))
			continue;
		if (devtree_is_area(&t->node[i]))
			return i;
		found = i;
	}
	return found;
}

/* ---- free memory ---- */

/* The memory of @n that overlaps @r, or NULL. */
static const struct devtree_range *memory_of(const struct devtree_node *n,
					     const struct devtree_range *r,
					     enum devtree_kernel kernel)
{
	size_t entries = kernel == DEVTREE_NEWER && n->n_reg ? 1 : n->n_reg;

	for (size_t i = 0; i < entries && n->available; i++) {
		if (overlaps(&n->reg[i], r))
			return &n->reg[i];
	}
	return NULL;
}

size_t devtree_in_the_way(const struct devtree *t, const struct devtree_range *r, size_t but)
{
	for (size_t i = 0; i < t->n; i++) {
		if (i != but && memory_of(&t->node[i], r, DEVTREE_OLDER))
			return i;
	}
	return DEVTREE_NONE;
}

bool devtree_is_memory(const struct devtree *t, const struct devtree_range *r)
{
	for (size_t i = 0; i < t->n_memory; i++) {
		if (contains(&t->memory[i], r))
			return true;
	}
	return !t->n_memory && r->base >= t->memory_from;
}

/* A reserved range that overlaps @r, or NULL. May use *@own for the result. */
static const struct devtree_range *taken(const struct devtree *t, const struct devtree_search *s,
					 const struct devtree_range *r, struct devtree_range *own)
{
	const struct devtree_range *by;

	for (size_t i = 0; i < t->n; i++) {
		const struct devtree_node *n = &t->node[i];

		by = i == s->but ? NULL : memory_of(n, r, s->kernel);
		if (by)
			return by;
		*own = (struct devtree_range){ n->base, n->size };
		if (i != s->but && i < s->nodes && n->available && !n->n_reg && n->placed &&
		    overlaps(own, r))
			return own;
	}
	/* Only the first entry of the node may move. */
	for (size_t i = 1; s->but < t->n && i < t->node[s->but].n_reg; i++) {
		if (overlaps(&t->node[s->but].reg[i], r))
			return &t->node[s->but].reg[i];
	}
	for (size_t i = 0; i < t->n_reserve && s->kernel == DEVTREE_OLDER; i++) {
		if (overlaps(&t->reserve[i], r))
			return &t->reserve[i];
	}
	return NULL;
}

static uint64_t beyond(const struct devtree_range *near, uint64_t base, uint64_t size)
{
	uint64_t more = 0, end = base + size;

	if (base < near->base)
		more = near->base - base;
	return end > devtree_end(near) ? more + (end - devtree_end(near)) : more;
}

/* Tries @base, and then the next place beside each obstacle: below it with @down. */
static bool slide(const struct devtree *t, const struct devtree_search *s, uint64_t base,
		  const struct devtree_range *within, bool down, uint64_t *found)
{
	uint64_t mask = s->align - 1, end = devtree_end(within);

	for (;;) {
		struct devtree_range r = { base, s->size }, own;
		const struct devtree_range *by;

		if (base < within->base || base > end || end - base < s->size)
			return false;
		by = taken(t, s, &r, &own);
		if (!by) {
			*found = base;
			return true;
		}
		if (down && by->base < s->size)
			return false;
		if (!down && devtree_end(by) > UINT64_MAX - mask)
			return false;
		base = (down ? by->base - s->size : devtree_end(by) + mask) & ~mask;
	}
}

struct best {
	uint64_t base, more;
};

static void try_from(const struct devtree *t, const struct devtree_search *s, uint64_t base,
		     const struct devtree_range *within, bool down, struct best *best)
{
	uint64_t low = within->base, high = (devtree_end(within) - s->size) & ~(s->align - 1);
	uint64_t found, more;

	base = base < low ? low : base > high ? high : base;
	if (!slide(t, s, base, within, down, &found))
		return;
	more = s->top_down ? 0 : beyond(&s->near, found, s->size);
	if (more < best->more)
		*best = (struct best){ found, more };
}

/* Searches one zone of one piece of memory. */
static void search_in(const struct devtree *t, const struct devtree_search *s, uint64_t low,
		      uint64_t high, struct best *best)
{
	uint64_t mask = s->align - 1, end = devtree_end(&s->near);
	struct devtree_range within;

	if (low < FIRST_PAGE)
		low = FIRST_PAGE;
	if (low > UINT64_MAX - mask)
		return;
	low = (low + mask) & ~mask;
	if (high < low || high - low < s->size)
		return;
	within = (struct devtree_range){ low, high - low };
	if (s->top_down) {
		try_from(t, s, high, &within, true, best);
		return;
	}
	/* Try the same start, the same end, and places between these or outside. */
	end = end < s->size ? 0 : (end - s->size) & ~mask;
	try_from(t, s, s->near.base & ~mask, &within, false, best);
	try_from(t, s, end, &within, false, best);
	try_from(t, s, end, &within, true, best);
}

bool devtree_search(const struct devtree *t, const struct devtree_search *s, uint64_t *base)
{
	const struct devtree_range all = { t->memory_from, UINT64_MAX - t->memory_from };
	struct best best = { 0, UINT64_MAX };

	for (size_t i = t->n_memory ? t->n_memory : 1; i--; ) {
		const struct devtree_range *m = t->n_memory ? &t->memory[i] : &all;
		uint64_t low = m->base > s->low ? m->base : s->low;
		uint64_t high = devtree_end(m) < s->high ? devtree_end(m) : s->high;

		if (low >= high)
			continue;
		/* A CMA area must lie in one zone, and zones end at 4 GiB. */
		if (high > FOUR_GIB)
			search_in(t, s, low > FOUR_GIB ? low : FOUR_GIB, high, &best);
		if (low < FOUR_GIB)
			search_in(t, s, low, high < FOUR_GIB ? high : FOUR_GIB, &best);
	}
	*base = best.base;
	return best.more < UINT64_MAX;
}

static void place(struct devtree *t, size_t i, uint64_t block, enum devtree_kernel kernel)
{
	struct devtree_node *n = &t->node[i];
	struct devtree_search s = {
		.size = n->size, .align = n->alignment ? n->alignment : 64, .top_down = true,
		.high = t->address_cells == 1 ? FOUR_GIB : UINT64_MAX, .but = DEVTREE_NONE,
		.nodes = i,
		.kernel = kernel,
	};

	n->placed = false;
	if (n->mistake || !n->size)
		return;
	if (devtree_is_area(n) && s.align < block)
		s.align = block;
	/* The tree does not contain its memory: the area may be anywhere. */
	n->placed = !n->n_ranges && !t->n_memory;
	if (n->placed)
		return;
	for (size_t k = 0; k < (n->n_ranges ? n->n_ranges : 1) && !n->placed; k++) {
		if (n->n_ranges) {
			s.low = n->range[k].base;
			s.high = devtree_end(&n->range[k]);
		}
		n->placed = devtree_search(t, &s, &n->base);
	}
}

void devtree_place(struct devtree *t, uint64_t block, enum devtree_kernel kernel)
{
	for (size_t i = 0; i < t->n; i++) {
		struct devtree_node *n = &t->node[i];

		if (!n->n_reg && n->has_size && n->available)
			place(t, i, block, kernel);
	}
}

/* ---- objections ---- */

static const char *object(int *err, const char *s)
{
	if (!s)
		*err = -ENOMEM;
	return s;
}

static const char *static_objection(const struct devtree *t, size_t i, uint64_t block,
				    struct dmem_arena *a, int *err)
{
	const struct devtree_node *n = &t->node[i];
	struct devtree_search none = { .but = i, .nodes = 0 };
	struct devtree_range own;
	const struct devtree_range *by;

	for (size_t k = 0; k < n->n_reg; k++) {
		size_t other = devtree_in_the_way(t, &n->reg[k], i);

		if (other != DEVTREE_NONE)
			return object(err, dmem_printf(a, "overlaps with %s", t->node[other].name));
	}
	by = taken(t, &none, n->reg, &own);
	if (by)
		return object(err,
			      dmem_printf(a, "overlaps with memory that is reserved at 0x%" PRIx64,
						  by->base));
	if (!devtree_is_area(n))
		return NULL;
	if (n->reg->base % block || n->reg->size % block || !n->reg->size)
		return object(err,
			      dmem_printf(a, "does not start and end at a multiple of 0x%" PRIx64,
						  block));
	if (!devtree_is_memory(t, n->reg))
		return "is not in one piece of memory";
	if (n->reg->base < FOUR_GIB && devtree_end(n->reg) > FOUR_GIB)
		return "crosses 4 GiB, into another zone";
	return NULL;
}

const char *devtree_objection(const struct devtree *t, size_t node, uint64_t block,
			      struct dmem_arena *a, int *err)
{
	const struct devtree_node *n = &t->node[node];

	*err = 0;
	if (!n->available)
		return NULL;
	if (n->n_reg)
		return static_objection(t, node, block, a, err);
	if (!n->has_size)
		return NULL;
	if (n->mistake)
		return n->mistake;
	if (devtree_is_area(n) && (n->size % block || !n->size))
		return object(err, dmem_printf(a, "has a size that is not a multiple of "
					       "0x%" PRIx64, block));
	return n->placed ? NULL : "has no room";
}

#endif /* HAVE_LIBFDT */
