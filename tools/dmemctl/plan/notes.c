// SPDX-License-Identifier: GPL-2.0-or-later
/* Builds a device tree from the notes of a history. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "notes.h"
#include "withfdt.h"

#define MAX_TREES	64	/* bound, since each tree is compared with all others */

int notes_begin(struct notes *n, uint64_t wall)
{
	dmem_arena_free(&n->now.arena);
	n->now = (struct notes_tree){ .wall = wall };
	return 0;
}

int notes_node(struct notes *n, const char *path)
{
	struct notes_node *more = dmem_grow(&n->now.arena, n->now.node, n->now.n, sizeof(*more));

	if (!more)
		return -ENOMEM;
	n->now.node = more;
	more[n->now.n] = (struct notes_node){ .path = dmem_strdup(&n->now.arena, path) };
	return more[n->now.n++].path ? 0 : -ENOMEM;
}

int notes_property(struct notes *n, const char *name, const void *value, size_t len)
{
	struct notes_node *node = &n->now.node[n->now.n - 1];
	struct notes_property *more, *p;

	more = dmem_grow(&n->now.arena, node->property, node->n, sizeof(*more));
	if (!more)
		return -ENOMEM;
	node->property = more;
	p = &more[node->n++];
	*p = (struct notes_property){ .name = dmem_strdup(&n->now.arena, name),
				      .value = dmem_strndup(&n->now.arena, value, len),
				      .len = len };
	return p->name && p->value ? 0 : -ENOMEM;
}

int notes_word(struct notes *n, const char *word)
{
	const char **to = !strncmp(word, "cma=", 4) ? &n->now.cma :
			  !strncmp(word, "coherent_pool=", 14) ? &n->now.coherent : NULL;

	if (!to)
		return 0;
	*to = dmem_strdup(&n->now.arena, word);
	return *to ? 0 : -ENOMEM;
}

static bool same_node(const struct notes_node *a, const struct notes_node *b)
{
	if (a->n != b->n || strcmp(a->path, b->path))
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct notes_property *x = &a->property[i], *y = &b->property[i];

		if (x->len != y->len || strcmp(x->name, y->name) ||
		    memcmp(x->value, y->value, x->len))
			return false;
	}
	return true;
}

static bool same_word(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static bool same_tree(const struct notes_tree *a, const struct notes_tree *b)
{
	if (a->n != b->n || !same_word(a->cma, b->cma) || !same_word(a->coherent, b->coherent))
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!same_node(&a->node[i], &b->node[i]))
			return false;
	}
	return true;
}

int notes_end(struct notes *n)
{
	struct notes_tree *more;

	/* Each start of a recorder notes the same tree. */
	for (size_t i = 0; i < n->n; i++) {
		if (!same_tree(&n->tree[i], &n->now))
			continue;
		if (n->now.wall > n->tree[i].wall)
			n->tree[i].wall = n->now.wall;
		return 0;
	}
	n->too_many |= n->n == MAX_TREES;
	if (n->too_many)
		return 0;
	more = dmem_grow(&n->arena, n->tree, n->n, sizeof(*more));
	if (!more)
		return -ENOMEM;
	n->tree = more;
	more[n->n++] = n->now;
	n->now = (struct notes_tree){ 0 };
	return 0;
}

/* ---- the tree ---- */

#ifdef HAVE_LIBFDT

/* The name of a node that is a child of @parent, or NULL. "/" is no child. */
static const char *child_name(const char *path, const char *parent)
{
	size_t len = strcmp(parent, "/") ? strlen(parent) : 0;

	if (strncmp(path, parent, len) || path[len] != '/' || !path[len + 1] ||
	    strchr(path + len + 1, '/'))
		return NULL;
	return path + len + 1;
}

static int add_properties(void *fdt, const struct notes_node *n)
{
	int ret = 0;

	for (size_t i = 0; i < n->n && !ret; i++)
		ret = fdt_property(fdt, n->property[i].name, n->property[i].value,
				   (int)n->property[i].len);
	return ret;
}

/* Nodes of depth 2 and more are added with their parents. */
static int add_children(void *fdt, const struct notes_tree *t, const char *parent, bool deeper)
{
	int ret = 0;

	for (size_t i = 0; i < t->n && !ret; i++) {
		const char *name = child_name(t->node[i].path, parent);

		if (!name)
			continue;
		ret = fdt_begin_node(fdt, name);
		if (!ret)
			ret = add_properties(fdt, &t->node[i]);
		if (!ret && deeper)
			ret = add_children(fdt, t, t->node[i].path, false);
		if (!ret)
			ret = fdt_end_node(fdt);
	}
	return ret;
}

static int add_command_line(void *fdt, const struct notes_tree *t)
{
	int ret;

	if (!t->cma)
		return 0;
	ret = fdt_begin_node(fdt, "chosen");
	if (!ret)
		ret = fdt_property_string(fdt, "bootargs", t->cma);
	return ret ? ret : fdt_end_node(fdt);
}

static int fill(void *fdt, int size, const struct notes_tree *t)
{
	int ret = fdt_create(fdt, size);

	if (!ret)
		ret = fdt_finish_reservemap(fdt);
	if (!ret)
		ret = fdt_begin_node(fdt, "");
	for (size_t i = 0; i < t->n && !ret; i++) {
		if (!strcmp(t->node[i].path, "/"))
			ret = add_properties(fdt, &t->node[i]);
	}
	if (!ret)
		ret = add_children(fdt, t, "/", true);
	if (!ret)
		ret = add_command_line(fdt, t);
	if (!ret)
		ret = fdt_end_node(fdt);
	return ret ? ret : fdt_finish(fdt);
}

void *notes_flatten(const struct notes_tree *t, int *err)
{
	size_t size = 4096;
	void *fdt;
	int ret;

	/* Room for each node's tags in the structure block, and its name in the strings block. */
	for (size_t i = 0; i < t->n; i++) {
		size += strlen(t->node[i].path) + 64;
		for (size_t k = 0; k < t->node[i].n; k++)
			size += t->node[i].property[k].len + strlen(t->node[i].property[k].name) + 64;
	}
	size += t->cma ? strlen(t->cma) : 0;
	*err = -EBADMSG;
	if (size > INT32_MAX / 2)
		return NULL;
	*err = -ENOMEM;
	fdt = malloc(size);
	if (!fdt)
		return NULL;
	ret = fill(fdt, (int)size, t);
	*err = 0;
	if (!ret && !fdt_check_full(fdt, size))
		return fdt;
	free(fdt);
	*err = -EBADMSG;
	return NULL;
}

#endif /* HAVE_LIBFDT */

void notes_free(struct notes *n)
{
	for (size_t i = 0; i < n->n; i++)
		dmem_arena_free(&n->tree[i].arena);
	dmem_arena_free(&n->now.arena);
	dmem_arena_free(&n->arena);
}
