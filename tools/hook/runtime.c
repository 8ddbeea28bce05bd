// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the files that OCI runtimes keep of their containers. */
#include <string.h>

#include "document.h"
#include "runtime.h"

/* More than any engine has. */
#define MAX_WORDS	1000
#define MAX_HOOKS	256
/* Where runtimes mount the tree, as the paths in their files have it. */
#define TREE		"/sys/fs/cgroup"

static const char no_memory[] = "out of memory";

/* The member of an object, or NULL: there is none of this type. */
static struct json_object *member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *m;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &m) ||
	    !json_object_is_type(m, type))
		return NULL;
	return m;
}

static size_t length(struct json_object *array)
{
	return array ? json_object_array_length(array) : 0;
}

/* The time is later than 2^53 ticks on no machine. */
static void take_start(struct json_object *top, const char *key, struct hook_runtime *r)
{
	struct json_object *o = member(top, key, json_type_int);
	int64_t ticks = o ? json_object_get_int64(o) : 0;

	r->started = ticks > 0 ? (uint64_t)ticks : 0;
}

static const char *take_pid(struct json_object *top, const char *key, struct hook_runtime *r)
{
	return hook_json_pid(top, key, &r->state) ? "it has no pid of a container's process" : NULL;
}

static bool is_dmem_hook(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return path && !strcmp(slash ? slash + 1 : path, HOOK_PROGRAM);
}

/* Without args, the program has only its name. */
static const char *take_words(struct dmem_arena *a, struct json_object *args, struct hook_command *c)
{
	size_t n = length(args);

	if (n > MAX_WORDS)
		return "a hook has too many arguments";
	c->arg = dmem_alloc(a, (n + 2) * sizeof(*c->arg));
	if (!c->arg)
		return no_memory;
	c->n = n ? n : 1;
	c->arg[0] = dmem_strdup(a, HOOK_PROGRAM);
	for (size_t i = 0; i < n; i++) {
		const char *word = hook_json_text(json_object_array_get_idx(args, i));

		c->arg[i] = dmem_strdup(a, word ? word : "");
		if (!c->arg[i])
			return no_memory;
	}
	return c->arg[0] ? NULL : no_memory;
}

static const char *take_list(struct dmem_arena *a, struct json_object *list, struct hook_runtime *r)
{
	const char *problem = NULL;

	for (size_t i = 0; i < length(list) && !problem; i++) {
		struct json_object *hook = json_object_array_get_idx(list, i);
		struct json_object *path = member(hook, "path", json_type_string);
		struct hook_command *all;

		if (!is_dmem_hook(path ? hook_json_text(path) : NULL))
			continue;
		if (r->n == MAX_HOOKS)
			return "it has too many hooks";
		all = dmem_grow(a, r->command, r->n, sizeof(*all));
		if (!all)
			return no_memory;
		r->command = all;
		all[r->n] = (struct hook_command){ 0 };
		problem = take_words(a, member(hook, "args", json_type_array), &all[r->n]);
		r->n += !problem;
	}
	return problem;
}

/* @hooks: the lists of hooks by stage. Runtimes run those of these two at the same point. Other
 * stages do not set limits in time. */
static const char *take_hooks(struct dmem_arena *a, struct json_object *hooks, struct hook_runtime *r)
{
	const char *problem = take_list(a, member(hooks, "prestart", json_type_array), r);

	return problem ? problem : take_list(a, member(hooks, "createRuntime", json_type_array), r);
}

/* Without the slashes around it. */
static const char *take_cgroup(struct dmem_arena *a, struct json_object *path, const char *above,
			       struct hook_runtime *r)
{
	const char *text = path ? hook_json_text(path) : NULL;
	size_t len = strlen(above);

	if (!text || strncmp(text, above, len))
		return NULL;
	text += len + strspn(text + len, "/");
	len = strlen(text);
	while (len && text[len - 1] == '/')
		len--;
	if (!len)
		return NULL;
	r->cgroup = dmem_strndup(a, text, len);
	return r->cgroup ? NULL : no_memory;
}

/* One label that may be ours. A value of ours has no "=", so a second one may be in the key: a user
 * could write another annotation in the key of one. */
static const char *take_label(struct dmem_arena *a, struct json_object *o, struct hook_runtime *r)
{
	const char *label = json_object_get_string(o), *whole = hook_json_text(o);
	size_t len = strcspn(label, "=");
	char *key = dmem_strndup(a, label, len);
	struct json_object *value;
	const char *problem;

	if (!key)
		return no_memory;
	if (!hook_json_counts(key) || (whole && !whole[len]))
		return NULL;
	if (whole && strchr(whole + len + 1, '=')) {
		r->unclear = dmem_strdup(a, whole);
		return r->unclear ? NULL : no_memory;
	}
	/* NULL: a text with a zero in it. */
	value = whole ? json_object_new_string(whole + len + 1) : NULL;
	problem = whole && !value ? no_memory : hook_json_annotation(a, key, value, &r->state);
	json_object_put(value);
	return problem;
}

/* runc keeps the annotations as "KEY=VALUE". */
static const char *take_labels(struct dmem_arena *a, struct json_object *labels, struct hook_runtime *r)
{
	const char *problem = NULL;

	for (size_t i = 0; i < length(labels) && !problem; i++) {
		struct json_object *label = json_object_array_get_idx(labels, i);

		if (json_object_is_type(label, json_type_string))
			problem = take_label(a, label, r);
	}
	return problem;
}

const char *hook_runtime_runc(struct dmem_arena *a, const char *text, size_t len, struct hook_runtime *r)
{
	const char *problem;
	struct json_object *top = hook_json_object(text, len, &problem), *config;

	if (problem)
		return problem;
	config = member(top, "config", json_type_object);
	take_start(top, "init_process_start", r);
	problem = take_pid(top, "init_process_pid", r);
	/* By controllers; the tree of cgroup v2 has none. */
	if (!problem)
		problem = take_cgroup(a, member(member(top, "cgroup_paths", json_type_object), "",
						json_type_string), TREE "/", r);
	if (!problem)
		problem = take_labels(a, member(config, "labels", json_type_array), r);
	if (!problem)
		problem = take_hooks(a, member(config, "Hooks", json_type_object), r);
	json_object_put(top);
	return problem;
}

const char *hook_runtime_crun_status(struct dmem_arena *a, const char *text, size_t len,
				     struct hook_runtime *r)
{
	const char *problem;
	struct json_object *top = hook_json_object(text, len, &problem);

	if (problem)
		return problem;
	take_start(top, "process-start-time", r);
	problem = take_pid(top, "pid", r);
	if (!problem)
		problem = take_cgroup(a, member(top, "cgroup-path", json_type_string), "", r);
	json_object_put(top);
	return problem;
}

const char *hook_runtime_crun_config(struct dmem_arena *a, const char *text, size_t len,
				     struct hook_runtime *r)
{
	const char *problem;
	struct json_object *top = hook_json_object(text, len, &problem);

	if (problem)
		return problem;
	problem = hook_json_annotations(a, top, &r->state);
	if (!problem)
		problem = take_hooks(a, member(top, "hooks", json_type_object), r);
	json_object_put(top);
	return problem;
}
