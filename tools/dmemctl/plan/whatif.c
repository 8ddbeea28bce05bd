// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses changes of a recorded load, and finds their regions and services. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "units/similar.h"
#include "place.h"
#include "whatif.h"

/* Names that an error lists, at most. */
#define MAX_NAMES	8
#define MAX_FACTOR	1000
/* Of all factors of a service: above any real one, and not infinite. */
#define MAX_PRODUCT	1e30
#define MAX_COUNT	65536
/* Bytes of an added service: above any real size, and sums do not overflow. */
#define MAX_ADDED	(UINT64_C(1) << 50)

const char *whatif_name(enum whatif_kind kind)
{
	static const char * const names[WHATIF_KINDS] = {
		[WHATIF_SIZE] = "size", [WHATIF_SCALE] = "scale", [WHATIF_WITHOUT] = "without",
		[WHATIF_ADD] = "add", [WHATIF_MERGE] = "merge", [WHATIF_SPLIT] = "split",
	};

	return names[kind];
}

static int problem(struct whatif *w, const char *text)
{
	w->problem = text;
	return text ? -EINVAL : -ENOMEM;
}

/* ---- parsing ---- */

/* A value that is malformed. */
static int invalid(struct whatif *w, const struct whatif_option *o, const char *remedy)
{
	return problem(w, dmem_printf(&w->arena, "invalid --%s=%s: %s", whatif_name(o->kind),
				      o->text, remedy));
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
	const char *size = strrchr(o->text, '=');

	if (!size || size == o->text || !parse_size(size + 1, &o->bytes))
		return invalid(w, o, "write REGION=SIZE, such as cma/camera=48M");
	o->region = dmem_strndup(&w->arena, o->text, (size_t)(size - o->text));
	return o->region ? 0 : -ENOMEM;
}

/* "UNIT=2" */
static int parse_scale(struct whatif *w, struct whatif_option *o)
{
	static const char remedy[] = "write UNIT=FACTOR, such as camera.service=2, with a factor "
		"above 0 and up to 1000";
	const char *factor = strrchr(o->text, '=');
	char *end;

	if (!factor || factor == o->text || factor[1] < '0' || factor[1] > '9')
		return invalid(w, o, remedy);
	o->factor = strtod(factor + 1, &end);
	if (*end || !(o->factor <= MAX_FACTOR))
		return invalid(w, o, remedy);
	if (!(o->factor > 0))
		return invalid(w, o, "use --without=UNIT to leave a service out");
	o->unit = dmem_strndup(&w->arena, o->text, (size_t)(factor - o->text));
	return o->unit ? 0 : -ENOMEM;
}

static int parse_without(struct whatif *w, struct whatif_option *o)
{
	o->unit = o->text;
	return *o->text ? 0 : invalid(w, o, "write the name of a unit");
}

/* "6x8M" */
static bool parse_buffers(const char *s, struct whatif_option *o)
{
	char *end;

	if (*s < '1' || *s > '9')
		return false;
	o->count = strtoull(s, &end, 10);
	return *end == 'x' && o->count <= MAX_COUNT && parse_size(end + 1, &o->bytes) &&
	       o->bytes <= MAX_ADDED / o->count;
}

/* Fills in the parts of "NAME:REGION=6x8M:with=UNIT". A region's name may contain ":" and "=". */
static int cut_add(struct whatif *w, struct whatif_option *o, const char **name, char **buffers)
{
	static const char with[] = ":with=";
	char *copy = dmem_strdup(&w->arena, o->text), *colon, *at;

	if (!copy)
		return -ENOMEM;
	at = strstr(copy, with);
	if (at) {
		*at = 0;
		o->unit = at + sizeof(with) - 1;
	}
	colon = strchr(copy, ':');
	at = colon ? strrchr(colon, '=') : NULL;
	if (!at || colon == copy || at == colon + 1 || (o->unit && !*o->unit))
		return -EINVAL;
	*colon = *at = 0;
	*name = copy;
	o->region = colon + 1;
	*buffers = at + 1;
	return 0;
}

static int parse_add(struct whatif *w, struct whatif_option *o)
{
	const char *name;
	char *buffers;
	int ret = cut_add(w, o, &name, &buffers);

	if (ret == -EINVAL || (!ret && (!parse_buffers(buffers, o) || strchr(name, '/'))))
		return invalid(w, o, "write NAME:REGION=COUNTxSIZE, such as "
			       "npu.service:cma/camera=6x8M, with :with=UNIT behind it if it runs "
			       "only with that unit");
	if (!ret)
		o->name = dmem_printf(&w->arena, strchr(name, '.') ? "%s" : "%s.service", name);
	return ret ? ret : o->name ? 0 : -ENOMEM;
}

static int parse_merge(struct whatif *w, struct whatif_option *o)
{
	const char *comma = strchr(o->text, ',');

	if (!comma || comma == o->text || !comma[1])
		return invalid(w, o, "write REGION,REGION or REGION,REGION,NAME");
	return 0;
}

static int parse_split(struct whatif *w, struct whatif_option *o)
{
	const char *colon = strrchr(o->text, ':');

	if (!colon || colon == o->text || !colon[1])
		return invalid(w, o, "write REGION:UNIT or REGION:UNIT,UNIT");
	return 0;
}

int whatif_parse(struct whatif *w, enum whatif_kind kind, const char *text)
{
	static int (* const parsers[WHATIF_KINDS])(struct whatif *w, struct whatif_option *o) = {
		[WHATIF_SIZE] = parse_region_size, [WHATIF_SCALE] = parse_scale,
		[WHATIF_WITHOUT] = parse_without, [WHATIF_ADD] = parse_add,
		[WHATIF_MERGE] = parse_merge, [WHATIF_SPLIT] = parse_split,
	};
	struct whatif_option *more = dmem_grow(&w->arena, w->option, w->n, sizeof(*more));

	if (!more)
		return -ENOMEM;
	w->option = more;
	more += w->n++;
	*more = (struct whatif_option){ .kind = kind, .text = dmem_strdup(&w->arena, text) };
	w->load |= kind != WHATIF_SIZE;
	return more->text ? parsers[kind](w, more) : -ENOMEM;
}

bool whatif_moves_regions(const struct whatif *w)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->option[i].kind == WHATIF_MERGE || w->option[i].kind == WHATIF_SPLIT)
			return true;
	}
	return false;
}

/* ---- names ---- */

/* An option that does not suit the histories. */
static int unfit(struct whatif *w, const struct whatif_option *o, const char *reason)
{
	if (!reason)
		return -ENOMEM;
	return problem(w, dmem_printf(&w->arena, "--%s=%s: %s", whatif_name(o->kind), o->text,
				      reason));
}

/* No name is @word: "did you mean cma/camera", or "recorded are cma/camera, heap/system". */
static int unknown(struct whatif *w, const struct whatif_option *o, const char *type,
		   const char *word, const char *like, const char **name, size_t n)
{
	char *list;

	if (like)
		return unfit(w, o, dmem_printf(&w->arena, "no %s '%s' is recorded: did you mean %s?",
					       type, word, like));
	list = dmem_printf(&w->arena, "no %s '%s' is recorded: recorded are", type, word);
	for (size_t i = 0; i < n && i < MAX_NAMES && list; i++)
		list = dmem_printf(&w->arena, "%s%s %s", list, i ? "," : "", name[i]);
	if (list && n > MAX_NAMES)
		list = dmem_printf(&w->arena, "%s and %zu more", list, n - MAX_NAMES);
	return unfit(w, o, list);
}

static int no_region(struct whatif *w, const struct model *m, const struct whatif_option *o,
		     const char *region)
{
	struct dmem_region *g = dmem_alloc(&w->arena, (m->n_regions + 1) * sizeof(*g));
	const char **name = dmem_alloc(&w->arena, (m->n_regions + 1) * sizeof(*name));
	struct dmem_regions all = { .region = g, .n = m->n_regions };

	if (!g || !name)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_regions; i++)
		g[i].name = name[i] = m->region[i].name;
	return unknown(w, o, "region", region, dmem_region_like(&all, region), name, m->n_regions);
}

/* Returns the index of a region or a negative errno. */
static int64_t find_region(struct whatif *w, struct model *m, const struct whatif_option *o,
			   const char *region)
{
	int64_t at = model_find_region(m, region, false);

	if (at == -ENOENT)
		return no_region(w, m, o, region);
	if (at >= 0 && w->into && w->into[at] != at)
		return unfit(w, o, dmem_printf(&w->arena, "%s is merged into %s: write that name",
					       region, m->region[w->into[at]].name));
	return at;
}

static int no_unit(struct whatif *w, const struct model *m, const struct whatif_option *o,
		   const char *word)
{
	const char **name = dmem_alloc(&w->arena, (w->n_services + 1) * sizeof(*name));
	struct dmem_nearest best = { 0 };

	if (!name)
		return -ENOMEM;
	for (uint32_t i = 0; i < w->n_services; i++) {
		char part[256];

		name[i] = model_name(m, i);
		dmem_similar(&best, word, name[i], name[i], 0);
		snprintf(part, sizeof(part), "%s", name[i]);
		if (strrchr(part, '.'))
			*strrchr(part, '.') = 0;
		dmem_similar(&best, word, part, name[i], 1);
	}
	return unknown(w, o, "unit", word, best.name, name, w->n_services);
}

/* Finds the recorded services of a unit, with all below it: sets *@in, by service. */
static int find_unit(struct whatif *w, const struct model *m, const struct whatif_option *o,
		     const char *word, const bool **in)
{
	bool *is = dmem_alloc(&w->arena, w->n_services + 1), any = false;

	if (!is)
		return -ENOMEM;
	for (uint32_t i = 0; i < w->n_services; i++) {
		for (uint32_t s = i; s != MODEL_NONE && !is[i]; s = m->service[s].parent)
			is[i] = model_is_unit(&m->service[s], word);
		any |= is[i];
	}
	*in = is;
	return any ? 0 : no_unit(w, m, o, word);
}

/* ---- resolving ---- */

static int resolve_size(struct whatif *w, struct model *m, struct whatif_option *o)
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
		return unfit(w, o, "the region has a size already: run dmemctl plan once for each "
			     "size");
	w->size[at] = o->bytes;
	return 0;
}

/* Of one service, factors are multiplied. */
static int resolve_factor(struct whatif *w, struct model *m, struct whatif_option *o)
{
	const bool *in;
	int ret = find_unit(w, m, o, o->unit, &in);

	for (size_t i = 0; i < w->n_services && !ret; i++) {
		if (!in[i])
			continue;
		w->factor[i] *= o->factor;
		w->factor[i] = fmin(w->factor[i], MAX_PRODUCT);
	}
	memset(w->touched, true, w->n_regions);
	return ret;
}

/* The cgroup that systemd makes for an added unit. NULL: out of memory. */
static const char *added_path(struct whatif *w, struct model *m, const char *name)
{
	static const char slice[] = "system.slice";

	if (dmem_unit_type(name) != DMEM_SERVICE || model_find_service(m, slice, false) < 0)
		return name;
	return dmem_printf(&w->arena, "%s/%s", slice, name);
}

static int resolve_add(struct whatif *w, struct model *m, struct whatif_option *o)
{
	int64_t at = find_region(w, m, o, o->region), service;
	const char *path;
	int ret = at < 0 ? (int)at : 0;

	if (!ret && o->unit)
		ret = find_unit(w, m, o, o->unit, &o->with);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < w->n_services; i++) {
		if (!strcmp(model_name(m, i), o->name))
			return unfit(w, o, "this unit is recorded: choose another name, or use "
				     "--scale");
	}
	path = added_path(w, m, o->name);
	service = path ? model_add_service(m, path) : -ENOMEM;
	if (service < 0)
		return (int)service;
	o->service = (uint32_t)service;
	o->at = (uint32_t)at;
	w->touched[at] = true;
	return 0;
}

/* Adds a region to the model. Returns its index or a negative errno. */
static int64_t new_region(struct whatif *w, struct model *m, const struct whatif_option *o,
			  const char *name)
{
	const char *wrong = dmem_region_problem(name);

	if (wrong)
		return unfit(w, o, dmem_printf(&w->arena, "the new region's name '%s' %s", name,
					       wrong));
	if (model_find_region(m, name, false) >= 0)
		return unfit(w, o, dmem_printf(&w->arena, "there is a region '%s' already: choose "
					       "another name", name));
	return model_find_region(m, name, true);
}

/* Cuts the region off that a text starts with, and the character @end behind it: the longest name
 * that is recorded. Returns its index, or -ENOENT. */
static int64_t cut_region(struct whatif *w, struct model *m, const char **text, char end)
{
	int64_t found = -ENOENT;
	const char *rest = *text;

	for (const char *p = *text; *p; p++) {
		const char *name;
		int64_t at;

		if (p[1] != end && p[1])
			continue;
		name = dmem_strndup(&w->arena, *text, (size_t)(p + 1 - *text));
		at = name ? model_find_region(m, name, false) : -ENOMEM;
		if (at == -ENOENT)
			continue;
		if (at < 0)
			return at;
		found = at;
		rest = p + 1 + (p[1] == end);
	}
	*text = rest;
	return found;
}

/* Reports the text up to the next @end as an unknown region. */
static int no_region_in(struct whatif *w, const struct model *m, const struct whatif_option *o,
			const char *text, char end)
{
	const char *at = strchr(text, end);
	char *name = dmem_strndup(&w->arena, text, at ? (size_t)(at - text) : strlen(text));

	return name ? no_region(w, m, o, name) : -ENOMEM;
}

static uint64_t sum_of(uint64_t a, uint64_t b)
{
	uint64_t sum;

	if (a == DMEM_UNKNOWN || b == DMEM_UNKNOWN || __builtin_add_overflow(a, b, &sum))
		return DMEM_UNKNOWN;
	return sum;
}

/* @a and @b become @to, which may be @a. */
static int merge(struct whatif *w, struct model *m, const struct whatif_option *o, uint32_t a,
		 uint32_t b, uint32_t to)
{
	uint64_t sum = sum_of(m->region[a].capacity, m->region[b].capacity);

	if (place_is_cma(m->region[a].name) != place_is_cma(m->region[b].name) ||
	    place_is_cma(m->region[a].name) != place_is_cma(m->region[to].name))
		return unfit(w, o, "a CMA area cannot be merged with another kind of region, or get "
			     "its name: names of CMA areas start with cma/");
	m->region[to].capacity = sum;
	for (size_t i = 0; i < w->n_regions; i++) {
		if (w->into[i] == a || w->into[i] == b)
			w->into[i] = to;
	}
	w->touched[to] = w->merged[to] = true;
	return 0;
}

static int resolve_merge(struct whatif *w, struct model *m, struct whatif_option *o)
{
	const char *second = o->text, *name;
	int64_t a = cut_region(w, m, &second, ','), b, to;

	if (a == -ENOENT)
		return no_region_in(w, m, o, o->text, ',');
	name = second;
	b = cut_region(w, m, &name, ',');
	if (b == -ENOENT)
		return no_region_in(w, m, o, second, ',');
	if (a < 0 || b < 0)
		return -ENOMEM;
	if (a == b)
		return unfit(w, o, "these are one region: name two");
	if (w->into[a] != a || w->into[b] != b)
		return unfit(w, o, "one of these is merged already: use the name of the merged "
			     "region");
	to = *name && strcmp(name, m->region[a].name) ? new_region(w, m, o, name) : a;
	return to < 0 ? (int)to : merge(w, m, o, (uint32_t)a, (uint32_t)b, (uint32_t)to);
}

/* Gives the new region to the services of a unit. */
static int split_unit(struct whatif *w, const struct model *m, const struct whatif_option *o,
		      const char *unit)
{
	const bool *in;
	int ret = find_unit(w, m, o, unit, &in);

	for (uint32_t i = 0; i < w->n_services && !ret; i++) {
		if (!in[i])
			continue;
		if (dmem_map_get(&w->split, i, o->from))
			return unfit(w, o, dmem_printf(&w->arena, "'%s' is split off already: name "
						       "each unit once", unit));
		ret = dmem_map_put(&w->split, i, o->from, (uint64_t)o->at + 1);
	}
	return ret;
}

static int resolve_split(struct whatif *w, struct model *m, struct whatif_option *o)
{
	const char *units = o->text;
	int64_t from = cut_region(w, m, &units, ':'), at;
	char *copy, *unit, *rest;
	int ret = 0;

	if (from == -ENOENT)
		return no_region_in(w, m, o, o->text, ':');
	if (from < 0)
		return (int)from;
	if (!*units)
		return unfit(w, o, "write REGION:UNIT or REGION:UNIT,UNIT");
	if (w->into[from] != from)
		return unfit(w, o, "this region is merged: use the name of the merged region");
	at = new_region(w, m, o, o->text);
	copy = dmem_strdup(&w->arena, units);
	if (at < 0 || !copy)
		return at < 0 ? (int)at : -ENOMEM;
	o->from = (uint32_t)from;
	o->at = (uint32_t)at;
	w->touched[from] = w->touched[at] = true;
	for (unit = strtok_r(copy, ",", &rest); unit && !ret; unit = strtok_r(NULL, ",", &rest))
		ret = split_unit(w, m, o, unit);
	return ret;
}

/* Each change may add a region. */
static int start_resolving(struct whatif *w, const struct model *m)
{
	size_t room = m->n_regions + w->n + 1;

	w->n_services = m->n_services;
	w->n_regions = m->n_regions + w->n;
	w->factor = dmem_alloc(&w->arena, (m->n_services + 1) * sizeof(*w->factor));
	w->into = dmem_alloc(&w->arena, room * sizeof(*w->into));
	w->touched = dmem_alloc(&w->arena, room * sizeof(*w->touched));
	w->merged = dmem_alloc(&w->arena, room * sizeof(*w->merged));
	if (!w->factor || !w->into || !w->touched || !w->merged)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_services; i++)
		w->factor[i] = 1;
	for (uint32_t i = 0; i < w->n_regions; i++)
		w->into[i] = i;
	return 0;
}

int whatif_resolve(struct whatif *w, struct model *m)
{
	static int (* const resolvers[WHATIF_KINDS])(struct whatif *w, struct model *m,
						     struct whatif_option *o) = {
		[WHATIF_SIZE] = resolve_size, [WHATIF_SCALE] = resolve_factor,
		[WHATIF_WITHOUT] = resolve_factor, [WHATIF_ADD] = resolve_add,
		[WHATIF_MERGE] = resolve_merge, [WHATIF_SPLIT] = resolve_split,
	};
	/* Options may name regions that others make. */
	static const enum whatif_kind order[WHATIF_KINDS] = {
		WHATIF_MERGE, WHATIF_SPLIT, WHATIF_SCALE, WHATIF_WITHOUT, WHATIF_ADD, WHATIF_SIZE,
	};
	int ret = start_resolving(w, m);

	for (size_t k = 0; k < WHATIF_KINDS; k++) {
		for (size_t i = 0; i < w->n && !ret; i++) {
			if (w->option[i].kind == order[k])
				ret = resolvers[order[k]](w, m, &w->option[i]);
		}
	}
	w->n_regions = m->n_regions;
	if (!ret && w->load)
		m->whatif = w;
	return ret;
}

double whatif_factor(const struct whatif *w, uint32_t service)
{
	return service < w->n_services ? w->factor[service] : 1;
}

uint32_t whatif_region(const struct whatif *w, uint32_t service, uint32_t region)
{
	uint32_t to = w->into[region];
	uint64_t split;

	if (service >= w->n_services)
		return to;
	/* A region that was split off may be split again. */
	while ((split = dmem_map_get(&w->split, service, to)))
		to = (uint32_t)split - 1;
	return to;
}

void whatif_free(struct whatif *w)
{
	dmem_map_free(&w->split);
	dmem_arena_free(&w->arena);
	*w = (struct whatif){ 0 };
}
