// SPDX-License-Identifier: GPL-2.0-or-later
/* Turns sizes of regions into an overlay that the kernel accepts. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "overlay.h"
#include "withfdt.h"

#ifdef HAVE_LIBFDT

#define FOUR_GIB	(1ull << 32)
/* Bytes of a fragment: names and two paths. Cells are counted separately. */
#define FRAGMENT	1024
#define KERNEL_ROOM	(128ull << 20)
#define LINE		76		/* characters of a comment */

static int refuse(struct overlay *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct overlay *o, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (len < 0)
		return -ENOMEM;
	o->why = dmem_strdup(&o->arena, s);
	free(s);
	return o->why ? -EINVAL : -ENOMEM;
}

static int remark(struct overlay *o, struct overlay_area *a, const char *s)
{
	if (!s)
		return -ENOMEM;
	a->remark = a->remark ? dmem_printf(&o->arena, "%s; %s", a->remark, s) : s;
	return a->remark ? 0 : -ENOMEM;
}

static const char *area_name(const struct needs_region *g)
{
	return g->region->name + strlen("cma/");
}

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return v > UINT64_MAX - (to - 1) ? v : (v + to - 1) / to * to;
}

/* The first address that does not fit in the tree's cells. */
static uint64_t limit(const struct devtree *t)
{
	return t->address_cells == 1 ? FOUR_GIB : UINT64_MAX;
}

/* ---- areas that are not nodes ---- */

static uint64_t parse_memory(const char **s)
{
	static const char units[] = "KMGT";
	char *end;
	uint64_t v = strtoull(*s, &end, 0);
	const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;

	*s = unit ? end + 1 : end;
	return unit ? v << 10 * (unit - units + 1) : v;
}

/* The place in "64M@0x10000000-1G", as words for an area of another size. */
static const char *place_of(struct overlay *o, struct overlay_area *a, const char *words)
{
	const char *at = words ? strchr(words, '@') : NULL, *s = at ? at + 1 : NULL;
	uint64_t base, end;
	size_t len;

	if (!at)
		return "";
	base = parse_memory(&s);
	if (s == at + 1)
		return "";
	len = (size_t)(s - at);
	if (*s == '-') {
		s++;
		end = parse_memory(&s);
		if (end > base && end - base >= a->size)
			len = (size_t)(s - at);
		else if (remark(o, a, "its limit on the command line is too low and was left out"))
			return NULL;
	}
	return dmem_strndup(&o->arena, at, len);
}

static bool is_numa(const char *name)
{
	return !strncmp(name, "numa", 4) && name[4] && !name[4 + strspn(name + 4, "0123456789")];
}

/* Handles an area of the command line or of the kernel's configuration. */
static int add_words(struct overlay *o, struct overlay_area *a)
{
	const char *name = area_name(a->g), *place;
	uint64_t mib;

	a->before = a->g->region->capacity == DMEM_UNKNOWN ? 0 : a->g->region->capacity;
	if (a->size < a->before && !o->o.shrink)
		a->size = a->before;
	mib = a->size / 1048576 + !!(a->size % 1048576);
	if (is_numa(name)) {
		a->words = dmem_printf(&o->arena, "numa_cma=%s:%" PRIu64 "M", name + 4, mib);
		return a->words ? 0 : -ENOMEM;
	}
	place = place_of(o, a, o->tree.cma);
	a->words = place ? dmem_printf(&o->arena, "cma=%" PRIu64 "M%s", mib, place) : NULL;
	return a->words ? 0 : -ENOMEM;
}

/* ---- nodes and sizes ---- */

/* True if dtc accepts the text as a node's name. */
static bool is_node_name(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,._+-@";
	const char *at = strchr(s, '@');

	return *s && *s != '@' && strspn(s, letters) == strlen(s) &&
		(!at || (at[1] && !strchr(at + 1, '@')));
}

static int check_node(struct overlay *o, const struct overlay_area *a)
{
	const struct devtree_node *n = &o->tree.node[a->node];
	const char *region = a->g->region->name;

	if (!devtree_is_area(n))
		return refuse(o, "%s: in %s, its node %s, so the kernel creates no area", region,
			      o->o.from,
			      !n->available ? "is disabled" : n->no_map ? "has no-map" :
			      !n->reusable ? "is not reusable" : "is not a shared-dma-pool");
	if (!n->n_reg && (n->mistake || !n->has_size))
		return refuse(o, "%s: in %s, %s", region, o->o.from,
			      n->mistake ? n->mistake : "its node has neither reg nor size");
	if (!is_node_name(n->name))
		return refuse(o, "%s: dtc does not accept the name of its node", region);
	for (size_t i = 0; i < o->tree.n; i++) {
		if (i != a->node && !strcmp(o->tree.node[i].name, n->name))
			return refuse(o, "%s: %s has two nodes of this name", region, o->o.from);
	}
	return 0;
}

static int fits_cells(struct overlay *o, const struct overlay_area *a, uint64_t size)
{
	if (o->tree.size_cells == 1 && size > UINT32_MAX)
		return refuse(o, "%s: a size of 0x%" PRIx64 " does not fit in the one cell of %s",
			      a->g->region->name, size, o->o.from);
	return 0;
}

static int add_node(struct overlay *o, struct overlay_area *a)
{
	const struct devtree_node *n = &o->tree.node[a->node];
	struct devtree_node *p = &o->planned.node[a->node];
	int ret = check_node(o, a);

	if (ret)
		return ret;
	a->before = n->n_reg ? n->reg->size : n->size;
	if (a->size < a->before && !o->o.shrink)
		a->size = a->before;
	if (a->size != a->before)
		a->size = round_up(a->size, o->block);
	if (n->n_reg)
		p->reg->size = a->size;
	else
		p->size = a->size;
	if (!n->n_reg && n->has_alignment && n->alignment < o->block)
		p->alignment = o->block;
	if (n->n_reg && n->has_size)
		ret = remark(o, a, "its node has reg and size: the kernel uses reg");
	if (!ret && n->is_default && o->tree.cma)
		ret = remark(o, a, "the kernel ignores it while cma= is on the command line");
	return ret ? ret : fits_cells(o, a, a->size);
}

static int add_area(struct overlay *o, const struct needs_region *g, const struct needs_options *no)
{
	struct overlay_area *more = dmem_grow(&o->arena, o->area, o->n, sizeof(*more)), *a;
	size_t node = devtree_find(&o->tree, area_name(g));
	struct needs_region known = *g;

	if (!more)
		return -ENOMEM;
	o->area = more;
	/* The default area, also under another name. */
	known.is_default |= node != DEVTREE_NONE && o->tree.node[node].is_default;
	a = &more[o->n];
	*a = (struct overlay_area){ .g = g, .node = node, .size = needs_propose(&known, no).size };
	if (a->size == DMEM_UNKNOWN)
		return 0;
	o->n++;
	if (a->node != DEVTREE_NONE)
		return add_node(o, a);
	if (!strcmp(area_name(g), "reserved") || is_numa(area_name(g)))
		return add_words(o, a);
	return refuse(o, "%s: no such node below /reserved-memory of %s: check that this is the "
		      "tree of the board",
		      g->region->name, o->o.from);
}

static int by_node(const void *a, const void *b)
{
	const struct overlay_area *x = a, *y = b;

	return (x->node > y->node) - (x->node < y->node);
}

/* Copies the nodes, to change their figures. */
static int copy_tree(struct overlay *o)
{
	struct devtree *p = &o->planned;

	*p = o->tree;
	p->node = dmem_alloc(&o->arena, (p->n + 1) * sizeof(*p->node));
	if (!p->node)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++) {
		struct devtree_node *n = &p->node[i];

		*n = o->tree.node[i];
		n->reg = dmem_alloc(&o->arena, (n->n_reg + 1) * sizeof(*n->reg));
		n->range = dmem_alloc(&o->arena, (n->n_ranges + 1) * sizeof(*n->range));
		if (!n->reg || !n->range)
			return -ENOMEM;
		for (size_t k = 0; k < n->n_reg; k++)
			n->reg[k] = o->tree.node[i].reg[k];
		for (size_t k = 0; k < n->n_ranges; k++)
			n->range[k] = o->tree.node[i].range[k];
	}
	return 0;
}

static int add_areas(struct overlay *o, const struct needs_options *no)
{
	int ret = copy_tree(o);
	bool nodes = false;

	for (size_t i = 0; i < o->needs->n && !ret; i++) {
		if (o->needs->region[i].cma)
			ret = add_area(o, &o->needs->region[i], no);
	}
	if (ret)
		return ret;
	for (size_t i = 0; i < o->n; i++)
		nodes |= o->area[i].node != DEVTREE_NONE;
	if (!o->n)
		return refuse(o, "no region of these histories is a CMA area");
	if (!nodes)
		return refuse(o, "%s: not a node of a device tree: add %s to the kernel's command "
			      "line",
			      o->area->g->region->name, o->area->words);
	qsort(o->area, o->n, sizeof(*o->area), by_node);
	return 0;
}

/* ---- areas with an address ---- */

/* The reason why a range is not in one piece of memory. */
static const char *not_memory(struct overlay *o, const struct devtree_range *r)
{
	const struct devtree *t = &o->planned;

	for (size_t i = 0; i < t->n_memory; i++) {
		if (r->base >= t->memory[i].base && r->base < devtree_end(&t->memory[i]))
			return dmem_printf(&o->arena, "%smemory ends at 0x%" PRIx64,
					   i + 1 < t->n_memory ? "a piece of " : "",
					   devtree_end(&t->memory[i]) - 1);
	}
	return dmem_printf(&o->arena, "there is no memory at 0x%" PRIx64, r->base);
}

/* The obstacle in a range that node @i is to have, or NULL. */
static const char *obstacle(struct overlay *o, size_t i, const struct devtree_range *r, int *err)
{
	const struct devtree *t = &o->planned;
	size_t other = devtree_in_the_way(t, r, i);
	struct devtree_search s = { .size = r->size, .align = 1, .low = r->base,
				    .high = devtree_end(r),
				    .top_down = true, .but = i };
	uint64_t base;
	char size[CLI_SIZE];

	*err = 0;
	if (r->base % o->block) {
		char *s = dmem_printf(&o->arena, "that is not a multiple of a block of 0x%" PRIx64,
				      o->block);

		*err = s ? 0 : -ENOMEM;
		return s;
	}
	if (other != DEVTREE_NONE) {
		const struct devtree_node *n = &t->node[other];
		const struct devtree_range *by = n->reg;
		char *s;

		while (by->base >= devtree_end(r) || r->base >= devtree_end(by))
			by++;
		s = dmem_printf(&o->arena, "%s (0x%" PRIx64 ", %s) is in the way", n->name,
				by->base,
				cli_size(size, by->size, false));
		*err = s ? 0 : -ENOMEM;
		return s;
	}
	if (r->base > limit(t) || r->size > limit(t) - r->base)
		return "its end does not fit into the address cells of the tree";
	if (!devtree_is_memory(t, r)) {
		const char *s = not_memory(o, r);

		*err = s ? 0 : -ENOMEM;
		return s;
	}
	if (r->base < FOUR_GIB && devtree_end(r) > FOUR_GIB)
		return "the kernel rejects areas that cross 4 GiB";
	return devtree_search(t, &s, &base) ? NULL : "memory there is reserved";
}

static int move(struct overlay *o, struct overlay_area *a, const char *why)
{
	struct devtree_range *r = o->planned.node[a->node].reg, old = o->tree.node[a->node].reg[0];
	struct devtree_search s = { .size = r->size, .align = o->block, .high = limit(&o->tree),
				    .near = old,
				    .but = a->node };
	const char *name = a->g->region->name, *above;
	char size[CLI_SIZE];
	bool found = false;
	uint64_t base;

	cli_size(size, r->size, false);
	/* Many devices cannot address memory above 4 GiB. */
	if (old.base < FOUR_GIB && s.high > FOUR_GIB) {
		s.high = FOUR_GIB;
		found = devtree_search(&o->planned, &s, &base);
		s.high = limit(&o->tree);
	}
	if (!found && !devtree_search(&o->planned, &s, &base))
		return refuse(o,
			      "%s needs %s from 0x%" PRIx64 ", but %s, and no other place is free",
			      name, size, old.base, why);
	above = old.base < FOUR_GIB && base >= FOUR_GIB ? ", above 4 GiB" : "";
	if (!o->o.move)
		return refuse(o, "%s needs %s from 0x%" PRIx64 ", but %s; --move moves %s to 0x%" PRIx64 "%s",
			      name, size, old.base, why, name, base, above);
	r->base = o->planned.node[a->node].base = base;
	return remark(o, a, dmem_printf(&o->arena, "moved from 0x%" PRIx64 " to 0x%" PRIx64 " (%s): firmware and "
					"drivers must not rely on the address, and each device that uses it must "
					"reach 0x%" PRIx64 "..0x%" PRIx64 "%s",
					old.base, base, why, base, devtree_end(r) - 1, above));
}

static int disabled_neighbours(struct overlay *o, struct overlay_area *a)
{
	const struct devtree_range *r = o->planned.node[a->node].reg;
	int ret = 0;

	for (size_t i = 0; i < o->tree.n && !ret; i++) {
		const struct devtree_node *n = &o->tree.node[i];

		if (n->available || !n->n_reg || n->reg->base >= devtree_end(r) ||
		    r->base >= devtree_end(n->reg))
			continue;
		ret = remark(o, a, dmem_printf(&o->arena, "it overlaps with %s, which is disabled "
					       "and must stay disabled",
					       n->name));
	}
	return ret;
}

static int fit_static(struct overlay *o, struct overlay_area *a)
{
	const struct devtree_range *r = o->planned.node[a->node].reg;
	const char *why;
	int ret;

	if (a->size == a->before)
		return 0;
	why = obstacle(o, a->node, r, &ret);
	if (!ret && why)
		ret = move(o, a, why);
	else if (!ret && a->size > a->before)
		ret = remark(o, a, "the boot loader must put the kernel, the initrd and the device tree elsewhere");
	return ret ? ret : disabled_neighbours(o, a);
}

/* ---- areas without an address ---- */

static uint64_t sum(const struct devtree_range *r, size_t n)
{
	uint64_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += devtree_end(&r[i]) - r[i].base;
	return all;
}

/* The end of the lowest memory, which the kernel's image uses before areas are placed; or 0: the
 * memory is not known. */
static uint64_t kernel_end(const struct devtree *t)
{
	uint64_t quarter = sum(t->memory, t->n_memory) / 4;

	return t->n_memory ? t->memory->base + (quarter < KERNEL_ROOM ? quarter : KERNEL_ROOM) : 0;
}

static bool has_start(const struct devtree *t, const struct devtree_range *r)
{
	return t->n_memory && r->base <= t->memory->base && devtree_end(r) > t->memory->base;
}

/* Extends @r, which includes the start of memory, by the room that the kernel's image needs there,
 * or by the rest of that piece of memory. */
static void leave_room(struct overlay *o, const struct devtree_search *s, struct devtree_range *r)
{
	struct devtree_search above = *s;
	uint64_t base;

	above.low = kernel_end(&o->tree);
	above.near = *r;
	above.high = devtree_end(o->tree.memory);
	if (above.high > FOUR_GIB && devtree_end(r) <= FOUR_GIB)
		above.high = FOUR_GIB;
	if (!devtree_search(&o->planned, &above, &base)) {
		above.low = 0;
		above.top_down = true;
		if (!devtree_search(&o->planned, &above, &base))
			return;
	}
	if (base + s->size <= devtree_end(r))
		return;
	r->size = base + s->size - r->base;
	o->roomy = true;
}

static int grow_range(struct overlay *o, struct overlay_area *a)
{
	struct devtree_node *n = &o->planned.node[a->node];
	struct devtree_range best = { 0 }, old = { 0 };
	uint64_t base, more = UINT64_MAX;
	size_t which = 0;
	int ret;

	for (size_t k = 0; k < n->n_ranges; k++) {
		struct devtree_range r = n->range[k];
		struct devtree_search s = {
			.size = n->size, .align = n->alignment > o->block ? n->alignment : o->block,
			.high = limit(&o->tree), .near = r, .but = DEVTREE_NONE, .nodes = a->node,
		};
		uint64_t end = devtree_end(&r);

		if (!devtree_search(&o->planned, &s, &base))
			continue;
		r.base = base < r.base ? base : r.base;
		r.size = (base + n->size > end ? base + n->size : end) - r.base;
		if (has_start(&o->tree, &r) && !o->tight)
			leave_room(o, &s, &r);
		if (r.size - n->range[k].size >= more)
			continue;
		more = r.size - n->range[k].size;
		best = r;
		old = n->range[k];
		which = k;
	}
	if (more == UINT64_MAX)
		return refuse(o, "%s: no free piece of memory has the 0x%" PRIx64 " bytes that it needs",
			      a->g->region->name, n->size);
	n->range[which] = best;
	ret = fits_cells(o, a, best.size);
	if (ret)
		return ret;
	return remark(o, a, dmem_printf(&o->arena, "alloc-ranges were 0x%" PRIx64 "..0x%" PRIx64 ", too small for it: "
					"check that each device that uses it reaches 0x%" PRIx64 "..0x%" PRIx64,
					old.base, devtree_end(&old) - 1, best.base,
					devtree_end(&best) - 1));
}

/* Adds a remark to an area in the same range as the kernel's image. */
static int note_kernel(struct overlay *o, struct overlay_area *a)
{
	const struct devtree *t = &o->planned;
	const struct devtree_node *n = &t->node[a->node];
	char left[CLI_SIZE], room[CLI_SIZE];
	const char *at = "at";
	bool may = !n->n_ranges;

	devtree_place(&o->planned, o->block, DEVTREE_OLDER);
	for (size_t k = 0; k < n->n_ranges; k++)
		may |= has_start(t, &n->range[k]) && n->base < devtree_end(&n->range[k]);
	if (a->size <= a->before || !may || n->base < t->memory->base || n->base >= kernel_end(t))
		return 0;
	if (n->base > t->memory->base)
		at = dmem_printf(&o->arena, "%s above",
				 cli_size(left, n->base - t->memory->base, false));
	if (!at)
		return -ENOMEM;
	cli_size(room, kernel_end(t) - t->memory->base, false);
	return remark(o, a, dmem_printf(&o->arena, "it can start only %s the start of memory, where the kernel's image "
					"is: if these overlap, the area is missing after boot. "
					"Leave %s there: use a smaller area, or larger "
					"alloc-ranges", at, room));
}

static int fit_dynamic(struct overlay *o, struct overlay_area *a)
{
	struct devtree_node *n = &o->planned.node[a->node];
	char size[CLI_SIZE];
	int ret = 0;

	for (int k = 0; k < DEVTREE_KERNELS && !ret; k++) {
		devtree_place(&o->planned, o->block, k);
		if (n->placed)
			continue;
		if (!n->n_ranges)
			return refuse(o, "%s needs %s, but no free piece of memory is large enough",
				      a->g->region->name, cli_size(size, n->size, false));
		ret = grow_range(o, a);
	}
	return ret || !o->tree.n_memory ? ret : note_kernel(o, a);
}

/* Warns if areas and other reserved memory leave little for the kernel itself. */
static int note_share(struct overlay *o)
{
	const struct devtree *t = &o->planned;
	uint64_t memory = sum(t->memory, t->n_memory), all = 0;
	char size[CLI_SIZE], of[CLI_SIZE];
	struct overlay_area *last = NULL;

	for (size_t i = 0; i < t->n; i++) {
		if (t->node[i].available)
			all += t->node[i].n_reg ?
				sum(t->node[i].reg, t->node[i].n_reg) : t->node[i].size;
	}
	for (size_t i = 0; i < o->n; i++) {
		if (o->area[i].node != DEVTREE_NONE && o->area[i].size > o->area[i].before)
			last = &o->area[i];
	}
	if (last && !memory)
		return remark(o, last, "the tree does not contain the size of the memory, so the "
			      "room for the areas cannot be checked: use --dtb= with "
			      "/sys/firmware/fdt of the running board");
	if (!last || all / 3 < memory / 4)
		return 0;
	return remark(o, last, dmem_printf(&o->arena, "areas and reserved memory are now %s of %s of memory, and the "
					   "kernel itself needs the rest",
					   cli_size(size, all, false),
					   cli_size(of, memory, false)));
}

static int fit_areas(struct overlay *o)
{
	int ret = 0;

	for (size_t i = 0; i < o->n && !ret; i++) {
		if (o->area[i].node != DEVTREE_NONE && o->tree.node[o->area[i].node].n_reg)
			ret = fit_static(o, &o->area[i]);
	}
	for (size_t i = 0; i < o->n && !ret; i++) {
		if (o->area[i].node != DEVTREE_NONE && !o->tree.node[o->area[i].node].n_reg)
			ret = fit_dynamic(o, &o->area[i]);
	}
	return ret ? ret : note_share(o);
}

/* ---- the overlay, flattened ---- */

static unsigned int put_number(fdt32_t *cell, unsigned int n, uint64_t v)
{
	for (unsigned int i = 0; i < n; i++)
		cell[i] = cpu_to_fdt32(v >> 32 * (n - 1 - i) & UINT32_MAX);
	return n;
}

static int put_ranges(struct overlay *o, const char *name, const struct devtree_range *r, size_t n)
{
	const struct devtree *t = &o->tree;
	fdt32_t *cell = dmem_alloc(&o->arena, n * 4 * sizeof(*cell));
	size_t len = 0;

	if (!cell)
		return -FDT_ERR_NOSPACE;
	for (size_t i = 0; i < n; i++) {
		len += put_number(cell + len, t->address_cells, r[i].base);
		len += put_number(cell + len, t->size_cells, r[i].size);
	}
	return fdt_property(o->fdt, name, cell, (int)(len * sizeof(*cell)));
}

static int put_value(struct overlay *o, const char *name, unsigned int cells, uint64_t v)
{
	fdt32_t cell[2];

	return fdt_property(o->fdt, name, cell, (int)(put_number(cell, cells, v) * sizeof(*cell)));
}

static int put_cells(struct overlay *o)
{
	int ret = fdt_property_u32(o->fdt, "#address-cells", o->tree.address_cells);

	return ret ? ret : fdt_property_u32(o->fdt, "#size-cells", o->tree.size_cells);
}

/* True if the name has a unit address in the form that dtc accepts. */
static bool has_unit_address(const char *name)
{
	const char *at = strchr(name, '@');

	return at && !(at[1] == '0' && at[2]);
}

/* The usual form of a fragment: the target is the parent, with the node in it. */
static int put_in_parent(struct overlay *o, const struct devtree_node *n, const char *fragment)
{
	int ret = fdt_begin_node(o->fdt, fragment);

	if (!ret)
		ret = fdt_property_string(o->fdt, "target-path", "/reserved-memory");
	if (!ret)
		ret = fdt_begin_node(o->fdt, "__overlay__");
	if (!ret)
		ret = put_cells(o);
	if (!ret)
		ret = fdt_begin_node(o->fdt, n->name);
	if (!ret)
		ret = put_ranges(o, "reg", n->reg, n->n_reg);
	for (int i = 0; i < 3 && !ret; i++)
		ret = fdt_end_node(o->fdt);
	return ret;
}

/* The node itself is the target. If dtc does not accept its name for a node with an address,
 * "__overlay__" gets that address: libfdt compares only the part before the "@". */
static int put_in_node(struct overlay *o, const struct devtree_node *n, const char *fragment,
		       const char *path)
{
	char overlay[64] = "__overlay__";
	int ret = fdt_begin_node(o->fdt, fragment);

	if (n->n_reg)
		snprintf(overlay, sizeof(overlay), "__overlay__@%" PRIx64, n->reg->base);
	if (!ret)
		ret = fdt_property_string(o->fdt, "target-path", path);
	if (!ret && n->n_reg)
		ret = put_cells(o);
	if (!ret)
		ret = fdt_begin_node(o->fdt, overlay);
	if (!ret && n->n_reg)
		ret = put_ranges(o, "reg", n->reg, n->n_reg);
	if (!ret && !n->n_reg)
		ret = put_value(o, "size", o->tree.size_cells, n->size);
	if (!ret && !n->n_reg && n->has_alignment)
		ret = put_value(o, "alignment", o->tree.address_cells, n->alignment);
	if (!ret && !n->n_reg && n->n_ranges)
		ret = put_ranges(o, "alloc-ranges", n->range, n->n_ranges);
	for (int i = 0; i < 2 && !ret; i++)
		ret = fdt_end_node(o->fdt);
	return ret;
}

static int put_fragment(struct overlay *o, const struct overlay_area *a, size_t number)
{
	const struct devtree_node *n = &o->planned.node[a->node];
	bool parent = n->n_reg && has_unit_address(n->name);
	char *fragment, *path;

	/* dtc expects an "__overlay__" without an address in a fragment with one. */
	fragment = dmem_printf(&o->arena, n->n_reg && !parent ? "fragment%zu" : "fragment@%zx",
			       number);
	path = dmem_printf(&o->arena, "/reserved-memory/%s", n->name);
	if (!fragment || !path)
		return -FDT_ERR_NOSPACE;
	return parent ? put_in_parent(o, n, fragment) : put_in_node(o, n, fragment, path);
}

static int flatten(struct overlay *o)
{
	size_t size = FRAGMENT;
	int ret;

	for (size_t i = 0; i < o->n; i++) {
		const struct devtree_node *n;

		if (o->area[i].node == DEVTREE_NONE)
			continue;
		n = &o->planned.node[o->area[i].node];
		size += FRAGMENT + 2 * strlen(n->name) + 16 * (n->n_reg + n->n_ranges);
	}
	if (size > INT32_MAX / 4)
		return refuse(o, "%s has too many nodes", o->o.from);
	o->fdt = malloc(size);
	if (!o->fdt)
		return -ENOMEM;
	ret = fdt_create(o->fdt, (int)size);
	if (!ret)
		ret = fdt_finish_reservemap(o->fdt);
	if (!ret)
		ret = fdt_begin_node(o->fdt, "");
	for (size_t i = 0; i < o->n && !ret; i++) {
		if (o->area[i].node != DEVTREE_NONE)
			ret = put_fragment(o, &o->area[i], i);
	}
	if (!ret)
		ret = fdt_end_node(o->fdt);
	if (!ret)
		ret = fdt_finish(o->fdt);
	return ret ? -ENOMEM : 0;
}

/* ---- the check ---- */

static bool same_ranges(const struct devtree_range *a, size_t n, const struct devtree_range *b,
			size_t m)
{
	for (size_t i = 0; i < n && i < m; i++) {
		if (a[i].base != b[i].base || a[i].size != b[i].size)
			return false;
	}
	return n == m;
}

static bool same_node(const struct devtree_node *a, const struct devtree_node *b)
{
	return !strcmp(a->name, b->name) && a->available == b->available && a->pool == b->pool &&
	       a->reusable == b->reusable && a->no_map == b->no_map &&
	       a->is_default == b->is_default &&
	       a->size == b->size && a->alignment == b->alignment &&
	       same_ranges(a->reg, a->n_reg, b->reg, b->n_reg) &&
	       same_ranges(a->range, a->n_ranges, b->range, b->n_ranges);
}

/* Merges the overlay into a copy of @fdt, which the caller frees. */
static void *merge(struct overlay *o, const void *fdt, int *ret)
{
	size_t more = fdt_totalsize(o->fdt), size = fdt_totalsize(fdt) + 2 * more + 4096;
	void *merged = malloc(size), *copy = malloc(more);

	*ret = -ENOMEM;
	if (merged && copy) {
		memcpy(copy, o->fdt, more);
		*ret = fdt_open_into(fdt, merged, (int)size);
		if (!*ret)
			*ret = fdt_overlay_apply(merged, copy);
		if (*ret)
			*ret = refuse(o, "libfdt cannot merge the overlay into %s: %s", o->o.from,
				      fdt_strerror(*ret));
	}
	free(copy);
	if (*ret) {
		free(merged);
		return NULL;
	}
	return merged;
}

static bool is_changed(const struct overlay *o, size_t node)
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->area[i].node == node)
			return o->area[i].size != o->area[i].before;
	}
	return false;
}

/* Fails if a node has an objection that it did not have before. */
static int check_objections(struct overlay *o, struct devtree *before, struct devtree *after,
			    enum devtree_kernel kernel)
{
	int ret = 0;

	devtree_place(before, o->block, kernel);
	devtree_place(after, o->block, kernel);
	for (size_t i = 0; i < after->n && i < before->n && !ret; i++) {
		const char *now, *then;

		now = devtree_objection(after, i, o->block, &o->arena, &ret);
		if (!now)
			continue;
		then = devtree_objection(before, i, o->block, &o->arena, &ret);
		if (!ret && (!then || is_changed(o, i)))
			ret = refuse(o, "merged into %s, %s %s", o->o.from, after->node[i].name,
				     now);
	}
	return ret;
}

/* @expected: the merged tree, or NULL: not known completely. */
static int check_merged(struct overlay *o, const void *fdt, const struct devtree *expected)
{
	struct devtree before, after;
	void *merged;
	int ret;

	merged = merge(o, fdt, &ret);
	if (!merged)
		return ret;
	ret = devtree_read(&before, &o->arena, fdt);
	if (!ret)
		ret = devtree_read(&after, &o->arena, merged);
	if (!ret && (after.mistake || after.n != before.n))
		ret = refuse(o, "merged into %s, it breaks /reserved-memory: %s", o->o.from,
			     after.mistake ? after.mistake : "a node is new");
	for (size_t i = 0; expected && i < expected->n && !ret; i++) {
		if (!same_node(&expected->node[i], &after.node[i]))
			ret = refuse(o, "%s: libfdt finds another node under the name %s",
				     o->o.from, expected->node[i].name);
	}
	for (int k = 0; k < DEVTREE_KERNELS && !ret; k++)
		ret = check_objections(o, &before, &after, k);
	free(merged);
	return ret;
}

static int make(struct overlay *o, const void *fdt, const struct needs_options *no)
{
	int ret = devtree_read(&o->tree, &o->arena, fdt);

	if (ret == -EBADMSG)
		return refuse(o, "the root of %s is not the root of a board's tree", o->o.from);
	if (!ret && o->tree.mistake)
		ret = refuse(o, "the kernel ignores /reserved-memory of %s: %s", o->o.from,
			     o->tree.mistake);
	if (!ret)
		ret = add_areas(o, no);
	if (!ret)
		ret = fit_areas(o);
	if (!ret)
		ret = flatten(o);
	return ret ? ret : check_merged(o, fdt, &o->planned);
}

int overlay_make(struct overlay *o, const void *fdt, const struct needs *n,
		 const struct needs_options *no, const struct overlay_options *oo)
{
	int ret;

	*o = (struct overlay){ .o = *oo, .needs = n, .block = 4096 };
	for (size_t i = 0; i < n->n; i++) {
		if (n->region[i].cma && n->region[i].block > o->block)
			o->block = n->region[i].block;
	}
	ret = make(o, fdt, no);
	if (ret != -EINVAL || !o->roomy)
		return ret;
	/* Memory left for the kernel's image may be needed by another area: try without. */
	free(o->fdt);
	*o = (struct overlay){ .arena = o->arena, .o = *oo, .needs = n, .block = o->block, .tight = true };
	return make(o, fdt, no);
}

int overlay_check(struct overlay *o, const void *fdt)
{
	struct devtree t;
	int ret = devtree_read(&t, &o->arena, fdt);

	if (!ret &&
	    (t.address_cells != o->tree.address_cells || t.size_cells != o->tree.size_cells))
		ret = -EBADMSG;
	for (size_t i = 0; i < o->n && !ret; i++) {
		const struct overlay_area *a = &o->area[i];
		size_t node;

		if (a->node == DEVTREE_NONE)
			continue;
		node = devtree_find(&t, o->tree.node[a->node].name);
		if (node == DEVTREE_NONE || !t.node[node].n_reg != !o->tree.node[a->node].n_reg)
			ret = -EBADMSG;
	}
	if (ret == -EBADMSG)
		return refuse(o, "the histories contain trees of one board with different areas: "
			      "use --dtb=FILE");
	return ret ? ret : check_merged(o, fdt, NULL);
}

bool overlay_changes(const struct overlay *o)
{
	for (size_t i = 0; i < o->tree.n; i++) {
		if (!same_node(&o->tree.node[i], &o->planned.node[i]))
			return true;
	}
	return false;
}

void overlay_free(struct overlay *o)
{
	free(o->fdt);
	dmem_arena_free(&o->arena);
}

/* ---- printing ---- */

/* Writes text into a comment. The text cannot end the comment. */
static void put_part(FILE *f, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool ends = s[i] == '/' && i && s[i - 1] == '*';

		putc(s[i] < ' ' || s[i] > '~' || ends ? '?' : s[i], f);
	}
}

static void put_text(FILE *f, const char *s)
{
	put_part(f, s, strlen(s));
}

/* The same, with line breaks. */
static void put_lines(FILE *f, const char *s)
{
	size_t column = LINE;

	for (size_t n; *s; s += n + strspn(s + n, " ")) {
		n = strcspn(s, " ");
		if (column + n >= LINE) {
			fprintf(f, "\n\t *");
			column = 0;
		}
		column += n + 1;
		fprintf(f, " ");
		put_part(f, s, n);
	}
}

static void indent(FILE *f, int depth)
{
	while (depth--)
		putc('\t', f);
}

static void print_property(FILE *f, const void *fdt, int property, int depth)
{
	const char *name;
	int len;
	const fdt32_t *v = fdt_getprop_by_offset(fdt, property, &name, &len);

	indent(f, depth);
	if (!strcmp(name, "target-path")) {
		fprintf(f, "%s = \"%s\";\n", name, (const char *)v);
		return;
	}
	fprintf(f, "%s = <", name);
	for (int i = 0; i < len / 4; i++)
		fprintf(f, *name == '#' ? "%s%u" : "%s0x%x", i ? " " : "", fdt32_to_cpu(v[i]));
	fprintf(f, ">;\n");
}

static void print_node(FILE *f, const void *fdt, int node, int depth)
{
	int at;

	indent(f, depth);
	fprintf(f, "%s {\n", fdt_get_name(fdt, node, NULL));
	fdt_for_each_property_offset(at, fdt, node)
		print_property(f, fdt, at, depth + 1);
	fdt_for_each_subnode(at, fdt, node) {
		putc('\n', f);
		print_node(f, fdt, at, depth + 1);
	}
	indent(f, depth);
	fprintf(f, "};\n");
}

static void print_comment(FILE *f, const struct overlay_area *a)
{
	char size[CLI_SIZE], before[CLI_SIZE];

	fprintf(f, "\n\t/*\n\t * ");
	put_text(f, a->g->region->name);
	if (a->words) {
		fprintf(f, ": no node. On the kernel's command line: ");
		put_text(f, a->words);
	} else {
		fprintf(f, ": %s, and %s before.", cli_size(size, a->size, false),
			cli_size(before, a->before, false));
	}
	if (a->remark) {
		put_lines(f, a->remark);
		putc('.', f);
	}
	fprintf(f, "\n\t */\n");
}

static void print_head(FILE *f, const struct overlay *o)
{
	fprintf(f, "/*\n * Written by dmemctl plan from recorded histories, for ");
	put_text(f, *o->tree.compatible ? o->tree.compatible : "a board without a name");
	fprintf(f, ",\n * and checked against ");
	put_text(f, o->o.from);
	fprintf(f, ".\n");
	if (!overlay_changes(o))
		fprintf(f, " * It changes nothing: each area has what it needs.\n");
	fprintf(f, " *\n"
		" * The kernel reads /reserved-memory before it can apply an overlay: this one must be\n"
		" * merged before boot. By the boot loader, or with\n"
		" *\n"
		" *	dtc -@ -I dts -O dtb -o plan.dtbo THIS-FILE\n"
		" *	fdtoverlay -i BOARD.dtb -o NEW.dtb plan.dtbo\n"
		" */\n"
		"/dts-v1/;\n/plugin/;\n\n/ {");
}

void overlay_print(FILE *f, const struct overlay *o)
{
	int node = fdt_first_subnode(o->fdt, 0);

	print_head(f, o);
	for (size_t i = 0; i < o->n; i++) {
		print_comment(f, &o->area[i]);
		if (o->area[i].node == DEVTREE_NONE)
			continue;
		print_node(f, o->fdt, node, 1);
		node = fdt_next_subnode(o->fdt, node);
	}
	fprintf(f, "};\n");
}

#endif /* HAVE_LIBFDT */
