// SPDX-License-Identifier: GPL-2.0-or-later
/* The view of buffers: one line for each dma-buf. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lsdmem.h"

enum {
	COL_INODE, COL_SIZE, COL_REGION, COL_EXPORTER, COL_CGROUP, COL_PROCESSES,
	COL_HEAP, COL_NAME, COL_UNIT, COL_ID, COL_FDS, COL_MAPS, COL_KERNEL,
	COLUMNS
};

static const struct table_column columns[COLUMNS] = {
	[COL_INODE] = { "INODE", "inode number of the dma-buf", TABLE_COUNT, 0 },
	[COL_SIZE] = { "SIZE", "size of the buffer", TABLE_SIZE, 0 },
	[COL_REGION] = { "REGION", "region of the buffer", TABLE_TEXT, 0 },
	[COL_EXPORTER] = { "EXPORTER", "heap or driver that the buffer comes from", TABLE_TEXT,
			   TABLE_CUT },
	[COL_CGROUP] = { "CGROUP", "cgroup that the buffer is charged to", TABLE_TEXT, 0 },
	[COL_PROCESSES] = { "PROCESSES", "processes that hold the buffer: NAME[PID], or [kernel]",
			    TABLE_LIST, TABLE_CUT },
	[COL_HEAP] = { "HEAP", "heap that the buffer comes from, if any", TABLE_TEXT, 0 },
	[COL_NAME] = { "NAME", "name that a program has given to the buffer", TABLE_TEXT, 0 },
	[COL_UNIT] = { "UNIT", "systemd unit of the cgroup", TABLE_TEXT, 0 },
	[COL_ID] = { "ID", "id of the cgroup", TABLE_COUNT, 0 },
	[COL_FDS] = { "FDS", "number of file descriptors", TABLE_COUNT, 0 },
	[COL_MAPS] = { "MAPS", "number of mappings", TABLE_COUNT, 0 },
	[COL_KERNEL] = { "KERNEL", "whether only the kernel holds the buffer", TABLE_BOOL, 0 },
};

static const int defaults[] = {
	COL_INODE, COL_SIZE, COL_REGION, COL_EXPORTER, COL_CGROUP, COL_PROCESSES,
};

struct list {
	struct lsdmem *l;
	struct table *t;
	const struct dmem_buffers *b;
	const struct dmem_regions *r;
	/* All cgroups, sorted by id. */
	const struct dmem_node **node;
	size_t n;
};

static int by_id(const void *a, const void *b)
{
	uint64_t x = (*(const struct dmem_node * const *)a)->id;
	uint64_t y = (*(const struct dmem_node * const *)b)->id;

	return (x > y) - (x < y);
}

static int index_cgroups(struct list *s, const struct dmem_tree *tree)
{
	s->node = calloc(tree->n + 1, sizeof(*s->node));
	if (!s->node)
		return -ENOMEM;
	for (const struct dmem_node *n = tree->root; n; n = dmem_tree_next(n))
		s->node[s->n++] = n;
	qsort(s->node, s->n, sizeof(*s->node), by_id);
	return 0;
}

static const struct dmem_node *find_cgroup(const struct list *s, uint64_t id)
{
	struct dmem_node key = { .id = id };
	const struct dmem_node *k = &key, **found;

	found = bsearch(&k, s->node, s->n, sizeof(*s->node), by_id);
	return found ? *found : NULL;
}

static const struct dmem_heap *find_heap(const struct list *s, const char *name)
{
	for (size_t i = 0; name && i < s->r->n_heaps; i++) {
		if (!strcmp(s->r->heap[i].name, name))
			return &s->r->heap[i];
	}
	return NULL;
}

static void add_payer(struct list *s, struct table_line *line, uint64_t id)
{
	const struct dmem_node *n = id == DMEM_UNKNOWN ? NULL : find_cgroup(s, id);

	table_number(s->t, line, COL_ID, id);
	if (n)
		add_cgroup(s->t, line, COL_CGROUP, COL_UNIT, n);
	else if (id != DMEM_UNKNOWN)
		/* In a cgroup namespace, the owner may be outside instead. */
		table_text(s->t, line, COL_CGROUP, s->r->complete ? "[removed]" : "[not here]");
}

/* Returns 0 or -ENOMEM. */
static int add_holders(struct list *s, struct table_line *line, const struct dmem_buffer *f)
{
	const char **words = dmem_alloc(&s->l->arena, (f->n_holders + 1) * sizeof(*words));
	uint64_t fds = 0, maps = 0;

	if (!words)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_holders; i++) {
		const struct dmem_holder *h = &f->holder[i];

		words[i] = dmem_printf(&s->l->arena, "%s[%d]", h->comm, h->pid);
		if (!words[i])
			return -ENOMEM;
		fds += h->fds;
		maps += h->maps;
	}
	table_number(s->t, line, COL_FDS, fds);
	table_number(s->t, line, COL_MAPS, maps);
	if (f->n_holders) {
		table_list(s->t, line, COL_PROCESSES, words, f->n_holders);
		table_bool(s->t, line, COL_KERNEL, false);
	} else if (s->b->all_processes) {
		*words = "[kernel]";
		table_list(s->t, line, COL_PROCESSES, words, 1);
		table_bool(s->t, line, COL_KERNEL, true);
	}
	return 0;
}

static int add(struct list *s, const struct dmem_buffer *f)
{
	const struct dmem_heap *h = find_heap(s, f->exporter);
	/* A heap has one region for all buffers, even if fdinfo cannot be read. */
	const char *region = !f->region && h ? h->region : f->region;
	const struct dmem_region *g = region ? dmem_regions_find(s->r, region) : NULL;
	struct table_line *line;

	if (s->l->n_wanted && !(g && region_wanted(s->l, g)))
		return 0;
	line = table_line(s->t, NULL);
	table_number(s->t, line, COL_INODE, f->ino);
	table_number(s->t, line, COL_SIZE, f->size);
	table_text(s->t, line, COL_REGION, region);
	table_text(s->t, line, COL_EXPORTER, f->exporter);
	table_text(s->t, line, COL_HEAP, h ? h->name : NULL);
	table_text(s->t, line, COL_NAME, f->name);
	add_payer(s, line, f->cgroup);
	return add_holders(s, line, f);
}

static int fill(struct lsdmem *l, struct table *t)
{
	struct dmem_regions r;
	struct dmem_buffers b;
	struct dmem_tree tree = { 0 };
	struct list s = { .l = l, .t = t, .b = &b, .r = &r };
	int ret = find_regions(l, &view_buffers, DMEM_READ_HEAPS, &r);

	if (ret)
		return ret;
	ret = dmem_buffers_read(&l->sys, &l->arena, unread_note, l, &b);
	/* Read after the buffers: so the tree contains their cgroups, unless removed. */
	if (!ret && (table_wants(t, COL_CGROUP) || table_wants(t, COL_UNIT)))
		ret = dmem_tree_read(&l->sys, &l->arena, &r, "", 0, UINT_MAX, unread_note, l,
				     &tree);
	if (!ret)
		ret = index_cgroups(&s, &tree);
	for (size_t i = 0; i < b.n && !ret; i++)
		ret = add(&s, &b.buffer[i]);
	free(s.node);
	if (ret) {
		cli_error(&l->cli, "cannot read the buffers: %s", strerror(-ret));
		return CLI_FAILED;
	}
	l->unread.processes = !b.all_processes;
	return CLI_OK;
}

const struct view view_buffers = {
	.name = "buffers",
	.columns = columns,
	.n_columns = COLUMNS,
	.defaults = defaults,
	.n_defaults = sizeof(defaults) / sizeof(*defaults),
	.fill = fill,
};
