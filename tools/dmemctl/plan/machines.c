// SPDX-License-Identifier: GPL-2.0-or-later
/* Distinguishes machines by their identities in histories. */
#include <errno.h>
#include <string.h>

#include "cli/text.h"
#include "machines.h"

const struct hist_identity *machines_identity(const struct model *m,
						const struct model_boot *b)
{
	if (b->machine)
		return b->machine;
	for (size_t i = 0; i < m->n_boots; i++) {
		if (m->boot[i].history == b->history && m->boot[i].machine)
			return m->boot[i].machine;
	}
	return NULL;
}

/* Machines with copies of one image may have one id: the host name belongs to it. A boot without
 * both belongs to the machine of its history. */
static bool is_machine(const struct machine *a, const struct hist_identity *id, size_t history)
{
	bool known = id && (id->machine || id->host);

	if (!known)
		return !(a->id && (a->id->machine || a->id->host)) && a->history == history;
	return a->id && same_fact(a->id->machine, id->machine) && same_fact(a->id->host, id->host);
}

static int copy_fact(struct machines *all, const char **to, const char *from)
{
	char *copy;

	if (!from)
		return 0;
	copy = dmem_alloc(&all->arena, TEXT_ROOM(strlen(from)));
	if (!copy)
		return -ENOMEM;
	text_put(copy, from, strlen(from), TEXT_UTF8);
	*to = copy;
	return 0;
}

int64_t machines_find(struct machines *all, const struct model *m, const struct model_boot *b)
{
	const struct hist_identity *id = machines_identity(m, b);
	struct machine *more;

	for (size_t i = 0; i < all->n; i++) {
		if (is_machine(&all->machine[i], id, b->history))
			return (int64_t)i;
	}
	more = dmem_grow(&all->arena, all->machine, all->n, sizeof(*more));
	if (!more)
		return -ENOMEM;
	all->machine = more;
	more += all->n;
	*more = (struct machine){ .history = b->history, .file = b->file, .id = id };
	if (id && (copy_fact(all, &more->machine, id->machine) ||
		   copy_fact(all, &more->host, id->host) || copy_fact(all, &more->model, id->model)))
		return -ENOMEM;
	return (int64_t)all->n++;
}

void machines_free(struct machines *all)
{
	dmem_arena_free(&all->arena);
}
