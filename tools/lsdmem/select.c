// SPDX-License-Identifier: GPL-2.0-or-later
/* The regions that a view shows, and the two cells that name a cgroup in every view. */
#include <string.h>

#include "lsdmem.h"

int out_of_memory(const struct lsdmem *l)
{
	cli_error(&l->cli, "out of memory");
	return CLI_FAILED;
}

/*
 * Replaces the words on the command line by names of regions. Returns an exit code; the message
 * about a word that names no region has been printed.
 */
static int resolve_wanted(struct lsdmem *l, const struct dmem_regions *r)
{
	struct dmem_words all = {
		.sys = &l->sys, .arena = &l->arena, .regions = r, .kinds = DMEM_WORD_REGION,
	};
	int ret = 0;

	for (size_t i = 0; i < l->n_wanted && !ret; i++) {
		struct dmem_word w;

		ret = dmem_word_find(&all, l->wanted[i], &w);
		if (ret)
			cli_error(&l->cli, "%s", w.problem ? w.problem : strerror(-ret));
		else
			l->wanted[i] = (char *)w.name;
	}
	dmem_words_free(&all);
	return ret ? CLI_FAILED : CLI_OK;
}

int find_regions(struct lsdmem *l, const struct view *view, unsigned int fields,
		 struct dmem_regions *r)
{
	enum dmem_status status;

	if (dmem_regions_read_some(&l->sys, &l->arena, fields, unread_note, l, r))
		return out_of_memory(l);
	status = dmem_regions_status(&l->sys, r);
	/* Memory of a dma-buf may belong to no region: this view works without regions. */
	if (status == DMEM_NO_REGIONS && view == &view_buffers)
		status = DMEM_OK;
	if (status == DMEM_OK)
		return resolve_wanted(l, r);
	if (l->inner && (status == DMEM_NO_CONTROLLER || status == DMEM_NOT_ENABLED))
		cli_error(&l->cli, "the cgroup of this container has no dmem files: either the kernel has no dmem "
			  "controller, or it is not enabled for this cgroup, and only a cgroup above can have a limit, "
			  "which cannot be seen here: run lsdmem outside of the container");
	else
		cli_error(&l->cli, "%s", dmem_status_text(status));
	return CLI_FAILED;
}

bool region_wanted(const struct lsdmem *l, const struct dmem_region *g)
{
	for (size_t i = 0; i < l->n_wanted; i++) {
		if (!strcmp(l->wanted[i], g->name))
			return true;
	}
	return !l->n_wanted;
}

void add_cgroup(struct table *t, struct table_line *line, int path_column, int unit_column,
		const struct dmem_node *n)
{
	char path[4096] = "/", name[256];
	const char *unit;
	size_t len;

	if (!table_wants(t, path_column) && !table_wants(t, unit_column))
		return;
	dmem_node_path(n, path + 1, sizeof(path) - 1);
	table_text(t, line, path_column, path);
	unit = dmem_cgroup_unit(path + 1, &len);
	if (!unit || len >= sizeof(name))
		return;
	memcpy(name, unit, len);
	name[len] = 0;
	table_text(t, line, unit_column, name);
}
