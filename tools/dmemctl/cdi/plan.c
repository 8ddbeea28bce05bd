// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the JSON of a plan. */
#include "plan.h"

#ifdef NO_JSONC

const char *cdi_plan_parse(struct dmem_arena *a, const char *text, size_t len,
			   struct cdi_planned **all, size_t *n)
{
	(void)a;
	(void)text;
	(void)len;
	(void)all;
	(void)n;
	return "this dmemctl was built without json-c: name the sizes on the command line";
}

#else

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#define MAX_DEPTH	32

static const char no_memory[] = "out of memory";
static const char no_plan[] = "it is not the output of dmemctl plan --json";

static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *m;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &m) ||
	    !json_object_is_type(m, type))
		return NULL;
	return m;
}

/* A service without a number has no limit in the plan. */
static const char *take_service(struct dmem_arena *a, const char *region, struct json_object *service,
				struct cdi_planned **all, size_t *n)
{
	struct json_object *max = member(service, "max", json_type_int);
	struct cdi_planned *more;
	int64_t bytes;

	if (!max)
		return json_object_is_type(service, json_type_object) ? NULL : no_plan;
	bytes = json_object_get_int64(max);
	if (bytes <= 0)
		return NULL;
	more = dmem_grow(a, *all, *n, sizeof(*more));
	if (!more)
		return no_memory;
	*all = more;
	more[(*n)++] = (struct cdi_planned){ region, (uint64_t)bytes };
	return NULL;
}

static const char *take_region(struct dmem_arena *a, struct json_object *o, struct cdi_planned **all,
			       size_t *n)
{
	struct json_object *name = member(o, "region", json_type_string);
	struct json_object *services = member(o, "services", json_type_array);
	const char *region, *problem = NULL;

	if (!name || !services)
		return no_plan;
	/* No name of a region contains a zero. */
	if (strlen(json_object_get_string(name)) != (size_t)json_object_get_string_len(name))
		return no_plan;
	region = dmem_strdup(a, json_object_get_string(name));
	if (!region)
		return no_memory;
	if (dmem_region_problem(region))
		return no_plan;
	for (size_t i = 0; i < json_object_array_length(services) && !problem; i++)
		problem = take_service(a, region, json_object_array_get_idx(services, i), all, n);
	return problem;
}

const char *cdi_plan_parse(struct dmem_arena *a, const char *text, size_t len,
			   struct cdi_planned **all, size_t *n)
{
	struct json_tokener *t = len < INT_MAX ? json_tokener_new_ex(MAX_DEPTH) : NULL;
	struct json_object *top, *regions;
	const char *problem = NULL;

	*all = NULL;
	*n = 0;
	if (!t)
		return no_memory;
	/* Text behind the plan is an error. */
	json_tokener_set_flags(t, JSON_TOKENER_STRICT);
	top = json_tokener_parse_ex(t, text, (int)len);
	if (json_tokener_get_error(t) != json_tokener_success)
		problem = "it is not JSON";
	json_tokener_free(t);
	regions = problem ? NULL : member(top, "regions", json_type_array);
	if (!problem && !regions)
		problem = no_plan;
	for (size_t i = 0; !problem && i < json_object_array_length(regions); i++)
		problem = take_region(a, json_object_array_get_idx(regions, i), all, n);
	json_object_put(top);
	return problem;
}

#endif
