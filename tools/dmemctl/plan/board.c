// SPDX-License-Identifier: GPL-2.0-or-later
/* Chooses the device tree that an overlay is made and checked for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "withfdt.h"

#ifdef HAVE_LIBFDT

#define COHERENT	"dma/coherent/"

struct boards {
	const struct cli *c;
	const struct board_options *o;
	void **noted;		/* flattened trees from notes */
	size_t n, newest;
};

static bool is_source(const struct board_options *o)
{
	static const char start[] = "/dts-v1/";

	return o->len > sizeof(start) &&
		memmem(o->blob, o->len < 4096 ? o->len : 4096, start, sizeof(start) - 1);
}

static bool is_overlay(const void *fdt)
{
	int node;

	fdt_for_each_subnode(node, fdt, 0) {
		if (fdt_subnode_offset(fdt, node, "__overlay__") >= 0)
			return true;
	}
	return false;
}

static int check_blob(const struct boards *b)
{
	const struct board_options *o = b->o;
	const char *problem = NULL;

	if (o->len < sizeof(struct fdt_header) || fdt_magic(o->blob) != FDT_MAGIC)
		problem = is_source(o) ? "a source: compile it with \"dtc -I dts -O dtb\" first" :
			  "not a flattened device tree";
	else if (fdt_check_full(o->blob, o->len))
		problem = "a damaged device tree";
	else if (is_overlay(o->blob))
		problem = "an overlay: use the tree of its board";
	if (!problem)
		return 0;
	cli_error(b->c, "%s: %s", o->dtb, problem);
	return -EINVAL;
}

static const char *compatible(const void *fdt)
{
	int len;
	const char *s = fdt_getprop(fdt, 0, "compatible", &len);

	return s && len > 0 && memchr(s, 0, (size_t)len) ? s : "";
}

static int flatten(struct boards *b, const struct notes *notes)
{
	int ret;

	b->noted = calloc(notes->n + 1, sizeof(*b->noted));
	if (!b->noted)
		return -ENOMEM;
	for (; b->n < notes->n; b->n++) {
		b->noted[b->n] = notes_flatten(&notes->tree[b->n], &ret);
		if (!b->noted[b->n] && ret == -ENOMEM)
			return ret;
		if (!b->noted[b->n]) {
			cli_error(b->c,
				  "the histories contain an invalid device tree: use --dtb=FILE");
			return -EINVAL;
		}
		if (notes->tree[b->n].wall > notes->tree[b->newest].wall)
			b->newest = b->n;
	}
	return 0;
}

/* The plan is made from all histories, so an overlay needs all of them to be of one board. */
static int check_boards(const struct boards *b)
{
	const char *first = b->o->dtb ?
		compatible(b->o->blob) : b->n ? compatible(b->noted[0]) : "";

	for (size_t i = 0; i < b->n; i++) {
		const char *other = compatible(b->noted[i]);

		if (!strcmp(first, other))
			continue;
		cli_error(b->c,
			  b->o->dtb ? "%s: for board '%s', but a history is for board '%s'%s" :
			  "%s are for board '%s' and for board '%s': plan each board by itself%s",
			  b->o->dtb ? b->o->dtb : "these histories", first, other,
			  b->o->dtb ? ": plan each board by itself" : "");
		return -EINVAL;
	}
	return 0;
}

static int print(const struct overlay *o, char **text, size_t *len)
{
	FILE *f = open_memstream(text, len);

	if (!f)
		return -ENOMEM;
	overlay_print(f, o);
	if (!fclose(f))
		return 0;
	free(*text);
	*text = NULL;
	return -ENOMEM;
}

static void say_remarks(const struct cli *c, const struct overlay *o)
{
	for (size_t i = 0; i < o->needs->n; i++) {
		const char *name = o->needs->region[i].region->name;

		if (!strncmp(name, COHERENT, strlen(COHERENT)))
			cli_error(c, "%s: not a CMA area: change the size of its node by hand",
				  name);
	}
	if (!overlay_changes(o))
		cli_error(c, "the overlay changes nothing and need not be merged: each area is "
			  "large enough");
	for (size_t i = 0; i < o->n; i++) {
		const struct overlay_area *a = &o->area[i];

		if (a->words)
			cli_error(c, "%s: not a node of the device tree: add %s to the kernel's "
				  "command line",
				  a->g->region->name, a->words);
		if (a->remark)
			cli_error(c, "%s: %s", a->g->region->name, a->remark);
	}
}

static int make(const struct boards *b, const struct needs *n, const struct needs_options *no,
		struct overlay *o)
{
	struct overlay_options oo = {
		.from = b->o->dtb ? b->o->dtb : "the tree in the histories",
		.shrink = no->shrink, .move = b->o->move,
	};
	int ret = overlay_make(o, b->o->dtb ? b->o->blob : b->noted[b->newest], n, no, &oo);

	/* Other notes may be of a board with more memory, or of an older tree: the overlay must be
	 * right for all. */
	for (size_t i = 0; i < b->n && !b->o->dtb && !ret; i++)
		ret = overlay_check(o, b->noted[i]);
	return ret;
}

/* @lost: the output that is not possible without a tree. */
static int choose(const struct boards *b, const struct notes *notes, const char *lost)
{
	if (b->o->dtb)
		return check_blob(b);
	if (notes->too_many) {
		cli_error(b->c, "the histories contain too many device trees: use --dtb=FILE");
		return -EINVAL;
	}
	if (notes->n)
		return 0;
	cli_error(b->c, "%s: the histories do not contain the board's device tree: use "
		  "--dtb=FILE (on the board, /sys/firmware/fdt), or record again", lost);
	return -EINVAL;
}

static void free_boards(struct boards *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->noted[i]);
	free(b->noted);
}

/* "128M" of cma=128M@0-1G, or DMEM_UNKNOWN. */
static uint64_t size_of_word(const char *cma)
{
	struct dmem_value v;
	char size[32];
	size_t len = strcspn(cma, "@");

	if (len >= sizeof(size))
		return DMEM_UNKNOWN;
	memcpy(size, cma, len);
	size[len] = 0;
	return dmem_parse_value(size, &v) || v.percent || v.n == DMEM_NO_LIMIT ? DMEM_UNKNOWN : v.n;
}

static uint64_t size_in(const struct devtree *t, const struct needs_region *g)
{
	const char *name = strchr(g->region->name, '/');
	size_t at = g->cma ? devtree_find(t, name + 1) : DEVTREE_NONE;
	const struct devtree_node *node = at == DEVTREE_NONE ? NULL : &t->node[at];

	if (node && devtree_is_area(node))
		return node->n_reg ? node->reg->size : node->size;
	return g->is_default && t->cma ? size_of_word(t->cma) : DMEM_UNKNOWN;
}

static int read_sizes(const struct boards *b, const struct needs *n, uint64_t *size)
{
	struct dmem_arena a = { 0 };
	struct devtree t;
	int ret = devtree_read(&t, &a, b->o->dtb ? b->o->blob : b->noted[b->newest]);

	for (size_t i = 0; i < n->n && !ret; i++)
		size[i] = size_in(&t, &n->region[i]);
	if (ret == -EBADMSG)
		cli_error(b->c, "%s: a damaged device tree",
			  b->o->dtb ? b->o->dtb : "the tree in the histories");
	dmem_arena_free(&a);
	return ret == -EBADMSG ? -EINVAL : ret;
}

int board_sizes(const struct cli *c, const struct notes *notes, const struct needs *n,
		const struct board_options *bo, uint64_t *size)
{
	struct boards b = { .c = c, .o = bo };
	int ret = choose(&b, notes, "no sizes");

	for (size_t i = 0; i < n->n; i++)
		size[i] = DMEM_UNKNOWN;
	if (!ret)
		ret = flatten(&b, notes);
	if (!ret)
		ret = check_boards(&b);
	if (!ret)
		ret = read_sizes(&b, n, size);
	free_boards(&b);
	return ret;
}

int board_overlay(const struct cli *c, const struct notes *notes, const struct needs *n,
		  const struct needs_options *no, const struct board_options *bo, char **text,
		  size_t *len)
{
	struct boards b = { .c = c, .o = bo };
	struct overlay o = { 0 };
	int ret = choose(&b, notes, "no overlay");

	if (!ret)
		ret = flatten(&b, notes);
	if (!ret)
		ret = check_boards(&b);
	if (!ret) {
		ret = make(&b, n, no, &o);
		if (ret == -EINVAL && o.why)
			cli_error(c, "no overlay: %s", o.why);
	}
	if (!ret)
		ret = print(&o, text, len);
	if (!ret)
		say_remarks(c, &o);
	free_boards(&b);
	overlay_free(&o);
	return ret;
}

#else

int board_overlay(const struct cli *c, const struct notes *notes, const struct needs *n,
		  const struct needs_options *no, const struct board_options *bo, char **text,
		  size_t *len)
{
	(void)notes;
	(void)n;
	(void)no;
	(void)bo;
	(void)text;
	(void)len;
	cli_error(c, "no overlay: this program was built without libfdt");
	return -EINVAL;
}

int board_sizes(const struct cli *c, const struct notes *notes, const struct needs *n,
		const struct board_options *bo, uint64_t *size)
{
	(void)notes;
	(void)bo;
	for (size_t i = 0; i < n->n; i++)
		size[i] = DMEM_UNKNOWN;
	cli_error(c, "no sizes: this program was built without libfdt: add --size=REGION=SIZE");
	return -EINVAL;
}

#endif /* HAVE_LIBFDT */
