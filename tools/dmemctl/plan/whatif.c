// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses changes of a recorded load, and finds their regions and services. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "units/similar.h"
#include "whatif.h"

/* Names that an error lists, at most. */
#define MAX_NAMES	8

static const char * const names[WHATIF_KINDS] = {
	[WHATIF_SIZE] = "size",
};

static int problem(struct whatif *w, const char *text)
{
	w->problem = text;
	return text ? -EINVAL : -ENOMEM;
}

/* ---- parsing ---- */

static int wrong(struct whatif *w, const struct whatif_option *o, const char *remedy)
{
	return problem(w, dmem_printf(&w->arena, "invalid --%s=%s: %s", names[o->kind], o->text,
				      remedy));
}

/* Parses a size in bytes, which is not 0. False: it is none. */
static bool parse_size(const char *s, uint64_t *bytes)
{
	struct dmem_value v;

	if (dmem_parse_value(s, &v) || v.percent || v.n == DMEM_NO_LIMIT || !v.n ||
	    v.n == DMEM_UNKNOWN)
		return false;
	*bytes = v.n;
	return true;
}

/* "REGION=48M". A region's name may contain "=". */
static int parse_region_size(struct whatif *w, struct whatif_option *o)
{
	static const char remedy[] = "write REGION=SIZE, such as cma/camera=48M";
	const char *size = strrchr(o->text, '=');

	if (!size || size == o->text || !parse_size(size + 1, &o->bytes))
		return wrong(w, o, remedy);
	o->region = dmem_strndup(&w->arena, o->text, (size_t)(size - o->text));
	return o->region ? 0 : -ENOMEM;
}

int whatif_parse(struct whatif *w, enum whatif_kind kind, const char *text)
{
	static int (* const parsers[WHATIF_KINDS])(struct whatif *w, struct whatif_option *o) = {
		[WHATIF_SIZE] = parse_region_size,
	};
	struct whatif_option *more = dmem_grow(&w->arena, w->option, w->n, sizeof(*more));

	if (!more)
		return -ENOMEM;
	w->option = more;
	more += w->n++;
	*more = (struct whatif_option){ .kind = kind, .text = dmem_strdup(&w->arena, text) };
	return more->text ? parsers[kind](w, more) : -ENOMEM;
}

/* ---- names ---- */

/* "did you mean cma/camera", or "recorded are cma/camera, heap/system". NULL: out of memory. */
static char *propose(struct whatif *w, const char *like, const char **name, size_t n)
{
	char *list;

	if (like)
		return dmem_printf(&w->arena, "did you mean %s?", like);
	list = dmem_printf(&w->arena, n ? "recorded are %s" : "none is recorded", n ? name[0] : "");
	for (size_t i = 1; i < n && i < MAX_NAMES && list; i++)
		list = dmem_printf(&w->arena, "%s, %s", list, name[i]);
	if (list && n > MAX_NAMES)
		list = dmem_printf(&w->arena, "%s and %zu more", list, n - MAX_NAMES);
	return list;
}

static int no_region(struct whatif *w, const struct model *m, const struct whatif_option *o,
		     const char *region)
{
	struct dmem_region *g = dmem_alloc(&w->arena, (m->n_regions + 1) * sizeof(*g));
	const char **name = dmem_alloc(&w->arena, (m->n_regions + 1) * sizeof(*name));
	struct dmem_regions all = { .region = g, .n = m->n_regions };
	char *remedy;

	if (!g || !name)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_regions; i++)
		g[i].name = name[i] = m->region[i].name;
	remedy = propose(w, dmem_region_like(&all, region), name, m->n_regions);
	if (!remedy)
		return -ENOMEM;
	return problem(w, dmem_printf(&w->arena, "--%s=%s: no region '%s' is recorded: %s",
				      names[o->kind], o->text, region, remedy));
}

/* Returns the index of a region or a negative errno. */
static int64_t find_region(struct whatif *w, struct model *m, const struct whatif_option *o,
			   const char *region)
{
	int64_t at = model_find_region(m, region, false);

	return at == -ENOENT ? no_region(w, m, o, region) : at;
}

/* ---- resolving ---- */

static int resolve_size(struct whatif *w, struct model *m, const struct whatif_option *o)
{
	int64_t at = find_region(w, m, o, o->region);

	if (at < 0)
		return (int)at;
	if (!w->size) {
		w->size = dmem_alloc(&w->arena, (m->n_regions + 1) * sizeof(*w->size));
		if (!w->size)
			return -ENOMEM;
		for (size_t i = 0; i < m->n_regions; i++)
			w->size[i] = DMEM_UNKNOWN;
	}
	if (w->size[at] != DMEM_UNKNOWN)
		return problem(w, dmem_printf(&w->arena, "--size=%s: the region has a size already: "
					      "run dmemctl plan once for each size", o->text));
	w->size[at] = o->bytes;
	return 0;
}

int whatif_resolve(struct whatif *w, struct model *m)
{
	int ret = 0;

	for (size_t i = 0; i < w->n && !ret; i++) {
		if (w->option[i].kind == WHATIF_SIZE)
			ret = resolve_size(w, m, &w->option[i]);
	}
	return ret;
}

void whatif_free(struct whatif *w)
{
	dmem_arena_free(&w->arena);
	*w = (struct whatif){ 0 };
}
