// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Overlays for random boards, against the kernel's rules of rmem.c: a board with an
 * overlay that is made boots with each area as planned and no other lost; and damaged
 * trees do no harm.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmemctl/plan/overlay.h"
#include "tap.h"
#include "rmem.h"

#define MIB	(1024 * 1024ul)
#define BLOCK	(4 * MIB)
#define BOARDS	3000
#define DAMAGED	10000
#define NODES	6
#define SIZE	16384

static uint64_t state;

static unsigned int pick(unsigned int n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(state >> 33) % n;
}

/* ---- a random board ---- */

struct board {
	unsigned char fdt[SIZE];
	unsigned int address, size;	/* cells */
	struct model_region region[NODES];
	struct needs_region need[NODES];
	struct needs needs;
	char name[NODES][32];
};

static void put_cells(fdt32_t *cell, unsigned int *n, unsigned int cells, unsigned long v)
{
	while (cells--)
		cell[(*n)++] = cpu_to_fdt32((uint32_t)(v >> 32 * cells));
}

static void put_ranges(struct board *b, const char *name, const unsigned long *v, unsigned int n)
{
	fdt32_t cell[32];
	unsigned int len = 0;

	for (unsigned int i = 0; i < n; i += 2) {
		put_cells(cell, &len, b->address, v[i]);
		put_cells(cell, &len, b->size, v[i + 1]);
	}
	fdt_property(b->fdt, name, cell, (int)(4 * len));
}

static void put_parent(struct board *b)
{
	fdt_property_u32(b->fdt, "#address-cells", b->address);
	fdt_property_u32(b->fdt, "#size-cells", b->size);
}

static unsigned long blocks(unsigned int most)
{
	return (1 + pick(most)) * BLOCK;
}

/* In memory of 256M from 1G on, mostly. */
static unsigned long address(void)
{
	return 0x40000000ul + pick(68) * BLOCK;
}

static void put_dynamic(struct board *b, unsigned long size)
{
	fdt32_t cell[4];
	unsigned int len = 0;
	unsigned long range[4] = { address(), size + pick(3) * BLOCK, address(), size };

	put_cells(cell, &len, b->size, size);
	fdt_property(b->fdt, "size", cell, (int)(4 * len));
	len = 0;
	put_cells(cell, &len, b->address, (64 * 1024ul) << pick(10));
	if (pick(2))
		fdt_property(b->fdt, "alignment", cell, (int)(4 * len));
	if (pick(3))
		put_ranges(b, "alloc-ranges", range, pick(3) ? 2 : 4);
}

static void put_node(struct board *b, unsigned int i)
{
	static const char * const forms[] = { "n%u@%lx", "n%u", "n%u@0x%lx", "linux,n%u@80000000" };
	unsigned long base = address(), size = blocks(8), reg[4] = { base, size, address(), BLOCK };
	bool area = pick(3);

	snprintf(b->name[i], sizeof(b->name[i]), forms[pick(4)], i, base);
	fdt_begin_node(b->fdt, b->name[i]);
	if (area) {
		fdt_property_string(b->fdt, "compatible", "shared-dma-pool");
		fdt_property(b->fdt, "reusable", NULL, 0);
	} else if (pick(2)) {
		fdt_property(b->fdt, "no-map", NULL, 0);
	}
	if (pick(2))
		put_ranges(b, "reg", reg, pick(4) ? 2 : 4);
	else
		put_dynamic(b, size);
	if (!pick(8))
		fdt_property_string(b->fdt, "status", "disabled");
	else if (area && pick(3)) {
		struct needs_region *g = &b->need[b->needs.n];
		char *name = malloc(64);

		snprintf(name, 64, "cma/%s", b->name[i]);
		b->region[b->needs.n] = (struct model_region){ .name = name, .capacity = size };
		*g = (struct needs_region){ .region = &b->region[b->needs.n], .cma = true, .size = blocks(12),
					    .block = BLOCK };
		b->needs.n++;
	}
	fdt_end_node(b->fdt);
}

static void make_board(struct board *b)
{
	const unsigned long memory[] = { 0x40000000, 0x4000000, 0x44000000 + pick(2) * BLOCK, 0xc000000 };

	*b = (struct board){ .address = 1 + pick(2), .size = 1 + pick(2) };
	b->needs.region = b->need;
	fdt_create(b->fdt, SIZE);
	if (!pick(4))
		fdt_add_reservemap_entry(b->fdt, address(), BLOCK);
	fdt_finish_reservemap(b->fdt);
	fdt_begin_node(b->fdt, "");
	put_parent(b);
	fdt_begin_node(b->fdt, "memory@40000000");
	fdt_property_string(b->fdt, "device_type", "memory");
	put_ranges(b, "reg", memory, 4);
	fdt_end_node(b->fdt);
	fdt_begin_node(b->fdt, "reserved-memory");
	put_parent(b);
	fdt_property(b->fdt, "ranges", NULL, 0);
	for (unsigned int i = 0, n = 1 + pick(NODES); i < n; i++)
		put_node(b, i);
	fdt_end_node(b->fdt);
	fdt_end_node(b->fdt);
	fdt_finish(b->fdt);
}

static void drop_board(struct board *b)
{
	for (size_t i = 0; i < b->needs.n; i++)
		free((char *)b->region[i].name);
}

/* ---- the judge ---- */

static bool has_line(const char *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool has_line(const char *log, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return strstr(log, line);
}

/* The fault of the board after the overlay, or NULL. */
static const char *judge(struct board *b, const struct overlay *o, bool move)
{
	static char before[RMEM_LOG], after[RMEM_LOG], why[2 * RMEM_LOG + 32];
	static unsigned char merged[4 * SIZE], copy[2 * SIZE];
	char *line, *save;

	rmem_boot(b->fdt, BLOCK, 0, before);
	memcpy(copy, o->fdt, fdt_totalsize(o->fdt));
	if (fdt_open_into(b->fdt, merged, sizeof(merged)) || fdt_overlay_apply(merged, copy))
		return "it cannot be merged";
	rmem_boot(merged, BLOCK, 0, after);
	snprintf(why, sizeof(why), "before:\n%safter:\n%s", before, after);
	for (size_t i = 0; i < o->n; i++) {
		const struct devtree_node *n = &o->tree.node[o->area[i].node];

		if (o->area[i].size < o->area[i].before || o->area[i].size < o->area[i].g->size)
			return "an area is too small";
		if (o->area[i].size == o->area[i].before && has_line(before, "refused %s:", n->name))
			continue;
		if (n->n_reg && !move && !has_line(after, "area %s 0x%lx 0x%lx", n->name, n->reg->base, o->area[i].size))
			return why;
		if (!has_line(after, "area %s 0x", n->name) || has_line(after, "refused %s:", n->name))
			return why;
	}
	for (line = strtok_r(after, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if ((!strncmp(line, "overlap", 7) || !strncmp(line, "refused", 7)) && !has_line(before, "%s\n", line))
			return why;
	}
	return NULL;
}

static void random_boards(void)
{
	size_t made = 0, moved = 0, refused = 0, wrong = 0;

	for (state = 1; made + refused < BOARDS; state++) {
		uint64_t seed = state;
		struct overlay o;
		struct board b;
		struct needs_options no = { 0 };
		struct overlay_options oo = { .from = "a board", .move = seed % 2 };
		const char *why = NULL;
		int ret;

		make_board(&b);
		ret = overlay_make(&o, b.fdt, &b.needs, &no, &oo);
		if (!ret) {
			why = judge(&b, &o, oo.move);
			made++;
			for (size_t i = 0; i < o.n; i++)
				moved += o.area[i].remark && strstr(o.area[i].remark, "moved");
		} else if (ret != -EINVAL || !o.why) {
			why = "there is no reason";
		}
		refused += ret == -EINVAL;
		if (why && !wrong++)
			printf("# board %llu: %s\n", (unsigned long long)seed, why);
		overlay_free(&o);
		drop_board(&b);
		state = seed;
	}
	check(!wrong, "an overlay that is made boots", "%zu of %zu do not", wrong, made);
	check(made > BOARDS / 5 && refused > BOARDS / 5 && moved > 20, "there are boards of both kinds",
	      "%zu made, %zu moved, %zu refused", made, moved, refused);
	printf("# %zu made, %zu areas moved, %zu refused\n", made, moved, refused);
}

/* ---- damage ---- */

static void damaged_boards(void)
{
	size_t taken = 0;
	FILE *null = fopen("/dev/null", "w");

	for (uint64_t seed = 1; seed <= DAMAGED; seed++) {
		struct needs_options no = { .shrink = true };
		struct overlay_options oo = { .from = "a board", .move = true };
		struct overlay o;
		struct board b;
		unsigned char *exact;
		size_t size;

		state = seed;
		make_board(&b);
		size = fdt_totalsize(b.fdt);
		exact = malloc(size);
		memcpy(exact, b.fdt, size);
		for (unsigned int n = 1 + pick(8); n; n--)
			exact[pick((unsigned int)size)] = (unsigned char)pick(256);
		if (!fdt_check_full(exact, size)) {
			taken++;
			if (!overlay_make(&o, exact, &b.needs, &no, &oo))
				overlay_print(null, &o);
			overlay_free(&o);
		}
		free(exact);
		drop_board(&b);
	}
	fclose(null);
	check(taken > DAMAGED / 10, "damaged trees do no harm", "only %zu are trees", taken);
}

int main(void)
{
	tap_start();
	RUN(random_boards);
	RUN(damaged_boards);
	return tap_end();
}
