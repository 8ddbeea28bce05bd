// SPDX-License-Identifier: GPL-2.0-or-later
/* An independent version of drivers/of/of_reserved_mem.c and kernel/dma/contiguous.c of Linux
 * 7.3. */
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rmem.h"

#define PAGE	4096ul
#define PAGES	(1ul << 20)
#define MEMORY	1
#define TAKEN	2
#define NODES	64

struct boot {
	const void *fdt;
	unsigned char page[PAGES];
	int root_address, root_size;
	unsigned long block;
	int cma;
	char *log;
	size_t len;
	struct {
		const char *name;
		unsigned long base, size;
	} done[NODES];
	size_t n;
};

static void say(struct boot *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct boot *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	b->len += (size_t)vsnprintf(b->log + b->len, RMEM_LOG - b->len, fmt, ap);
	va_end(ap);
}

static int one_cell(const void *fdt, int node, const char *name, int none)
{
	const fdt32_t *v = fdt_getprop(fdt, node, name, NULL);

	return v ? (int)fdt32_to_cpu(*v) : none;
}

static unsigned long next_cell(int n, const fdt32_t **at)
{
	unsigned long v = 0;

	while (n--)
		v = v << 32 | fdt32_to_cpu(*(*at)++);
	return v;
}

/* The number of complete entries, or 0. */
static int entries(struct boot *b, int node, const char *name, const fdt32_t **v)
{
	int len, each = 4 * (b->root_address + b->root_size);

	*v = fdt_getprop(b->fdt, node, name, &len);
	return *v && len % each == 0 ? len / each : 0;
}

static int is_there(struct boot *b, int node, const char *name)
{
	return fdt_getprop(b->fdt, node, name, NULL) != NULL;
}

static int is_on(struct boot *b, int node)
{
	const char *s = fdt_getprop(b->fdt, node, "status", NULL);

	return !s || !strcmp(s, "okay") || !strcmp(s, "ok");
}

static void mark(struct boot *b, unsigned long base, unsigned long size, unsigned char bit)
{
	for (unsigned long i = base / PAGE; i < (base + size + PAGE - 1) / PAGE && i < PAGES; i++)
		b->page[i] |= bit;
}

/* -EBUSY for an area that the command line replaces; 1 for a CMA area. */
static int is_area(struct boot *b, int node)
{
	if (fdt_node_check_compatible(b->fdt, node, "shared-dma-pool") || !is_there(b, node, "reusable") ||
	    is_there(b, node, "no-map"))
		return 0;
	return b->cma && is_there(b, node, "linux,cma-default") ? -1 : 1;
}

static void set_up(struct boot *b, int node, unsigned long base, unsigned long size)
{
	const char *name = fdt_get_name(b->fdt, node, NULL);
	int area = is_area(b, node);

	if (area < 0) {
		say(b, "refused %s: cma= is on the command line\n", name);
		return;
	}
	if (area && (base % b->block || size % b->block)) {
		say(b, "refused %s: incorrect alignment of CMA region\n", name);
		return;
	}
	for (unsigned long i = base / PAGE; area && i < (base + size) / PAGE; i++) {
		if (i < PAGES && b->page[i] & MEMORY)
			continue;
		say(b, "refused %s: not in memory\n", name);
		return;
	}
	say(b, "%s %s 0x%lx 0x%lx%s\n", area ? "area" : "reserved", name, base, size,
	    area && is_there(b, node, "linux,cma-default") ? " default" : "");
	for (size_t i = 0; i < b->n; i++) {
		if (base < b->done[i].base + b->done[i].size && b->done[i].base < base + size)
			say(b, "overlap %s %s\n", b->done[i].name, name);
	}
	if (b->n == NODES)
		return;
	b->done[b->n].name = name;
	b->done[b->n].base = base;
	b->done[b->n++].size = size;
}

/* Searches from the top, like memblock. 0: there is no room. */
static unsigned long find(struct boot *b, unsigned long size, unsigned long align, unsigned long start,
			  unsigned long end)
{
	unsigned long base;

	if (end > PAGES * PAGE)
		end = PAGES * PAGE;
	if (start < PAGE)
		start = PAGE;
	if (!size || end < size)
		return 0;
	for (base = (end - size) / align * align; base >= start && base; base -= align) {
		unsigned long i = base / PAGE;

		while (i < (base + size + PAGE - 1) / PAGE && b->page[i] == MEMORY)
			i++;
		if (i >= (base + size + PAGE - 1) / PAGE)
			return base;
	}
	return 0;
}

static void dynamic(struct boot *b, int node)
{
	const char *name = fdt_get_name(b->fdt, node, NULL);
	unsigned long size, align = 0, base = 0;
	const fdt32_t *v;
	int len, n;

	v = fdt_getprop(b->fdt, node, "size", &len);
	if (len != 4 * b->root_size) {
		say(b, "refused %s: invalid size property\n", name);
		return;
	}
	size = next_cell(b->root_size, &v);
	v = fdt_getprop(b->fdt, node, "alignment", &len);
	if (v && len != 4 * b->root_address) {
		say(b, "refused %s: invalid alignment property\n", name);
		return;
	}
	if (v)
		align = next_cell(b->root_address, &v);
	if (is_area(b, node) > 0 && align < b->block)
		align = b->block;
	if (align < PAGE)
		align = PAGE;
	n = entries(b, node, "alloc-ranges", &v);
	if (!n)
		base = find(b, size, align, 0, PAGES * PAGE);
	for (; n && !base; n--) {
		unsigned long start = next_cell(b->root_address, &v), more = next_cell(b->root_size, &v);

		base = find(b, size, align, start, start + more);
	}
	if (!base) {
		say(b, "refused %s: failed to allocate memory\n", name);
		return;
	}
	mark(b, base, size, TAKEN);
	set_up(b, node, base, size);
}

static void scan_memory(struct boot *b)
{
	int node;

	fdt_for_each_subnode(node, b->fdt, 0) {
		const char *type = fdt_getprop(b->fdt, node, "device_type", NULL);
		const fdt32_t *v;

		if (!type || strcmp(type, "memory"))
			continue;
		for (int n = entries(b, node, "reg", &v); n; n--) {
			unsigned long base = next_cell(b->root_address, &v);

			mark(b, base, next_cell(b->root_size, &v), MEMORY);
		}
	}
}

void rmem_boot(const void *fdt, unsigned long block, int cma, char log[RMEM_LOG])
{
	static struct boot b;
	const fdt32_t *v;
	int parent = fdt_path_offset(fdt, "/reserved-memory"), node;

	memset(&b, 0, sizeof(b));
	b.fdt = fdt;
	b.block = block;
	b.cma = cma;
	b.log = log;
	b.root_address = one_cell(fdt, 0, "#address-cells", 1);
	b.root_size = one_cell(fdt, 0, "#size-cells", 1);
	*log = 0;
	scan_memory(&b);
	if (one_cell(fdt, parent, "#address-cells", -1) != b.root_address ||
	    one_cell(fdt, parent, "#size-cells", -1) != b.root_size || !is_there(&b, parent, "ranges")) {
		say(&b, "unsupported node format\n");
		return;
	}
	fdt_for_each_subnode(node, fdt, parent) {
		if (!is_on(&b, node)) {
			say(&b, "disabled %s\n", fdt_get_name(fdt, node, NULL));
		} else if (entries(&b, node, "reg", &v)) {
			unsigned long base = next_cell(b.root_address, &v), size = next_cell(b.root_size, &v);

			mark(&b, base, size, TAKEN);
			set_up(&b, node, base, size);
		}
	}
	fdt_for_each_subnode(node, fdt, parent) {
		if (is_on(&b, node) && !entries(&b, node, "reg", &v) && is_there(&b, node, "size"))
			dynamic(&b, node);
	}
}
