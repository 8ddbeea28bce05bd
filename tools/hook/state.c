// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the state document of an OCI runtime. */
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include "document.h"
#include "state.h"

/* The document has three levels; runtimes may add more. */
#define MAX_DEPTH	32

static const char no_memory[] = "out of memory";

const char *hook_json_text(struct json_object *o)
{
	const char *s;

	if (!json_object_is_type(o, json_type_string))
		return NULL;
	s = json_object_get_string(o);
	return strlen(s) == (size_t)json_object_get_string_len(o) ? s : NULL;
}

/* containerd and CRI-O name the container of a pod in an annotation of their own. */
static bool names_container(const char *key)
{
	return !strcmp(key, "io.kubernetes.cri.container-name") ||
	       !strcmp(key, "io.kubernetes.container.name");
}

static bool is_ours(const char *key)
{
	return !strncmp(key, HOOK_PREFIX, strlen(HOOK_PREFIX));
}

bool hook_json_counts(const char *key)
{
	return is_ours(key) || names_container(key);
}

const char *hook_json_annotation(struct dmem_arena *a, const char *key, struct json_object *o,
				 struct hook_state *s)
{
	const char *text = hook_json_text(o);
	struct hook_annotation *all;

	if (names_container(key) && text) {
		s->container = dmem_strdup(a, text);
		return s->container ? NULL : no_memory;
	}
	if (!is_ours(key))
		return NULL;
	all = dmem_grow(a, s->annotation, s->n, sizeof(*all));
	if (!all)
		return no_memory;
	s->annotation = all;
	all[s->n].key = dmem_strdup(a, key);
	all[s->n].value = text ? dmem_strdup(a, text) : NULL;
	if (!all[s->n].key || (text && !all[s->n].value))
		return no_memory;
	s->n++;
	return NULL;
}

const char *hook_json_annotations(struct dmem_arena *a, struct json_object *top, struct hook_state *s)
{
	struct json_object *all;
	const char *problem = NULL;

	if (!json_object_object_get_ex(top, "annotations", &all) ||
	    json_object_is_type(all, json_type_null))
		return NULL;
	if (!json_object_is_type(all, json_type_object))
		return "annotations is not an object";
	json_object_object_foreach(all, key, value) {
		problem = hook_json_annotation(a, key, value, s);
		if (problem)
			break;
	}
	return problem;
}

static const char *take_id(struct dmem_arena *a, struct json_object *top, struct hook_state *s)
{
	struct json_object *o;
	const char *text = json_object_object_get_ex(top, "id", &o) ? hook_json_text(o) : NULL;
	char *id = dmem_strdup(a, text ? text : "");

	if (!id)
		return no_memory;
	dmem_make_printable(id);
	s->id = id;
	return NULL;
}

const char *hook_json_pid(struct json_object *top, const char *key, struct hook_state *s)
{
	struct json_object *o;
	int64_t pid;

	if (!json_object_object_get_ex(top, key, &o) || !json_object_is_type(o, json_type_int))
		return "it has no pid: run the hook at createRuntime";
	pid = json_object_get_int64(o);
	/* 0 and 1 are no container's: 0 is sent when there is no process yet, or any more. */
	if (pid <= 1 || pid > INT_MAX)
		return "its pid is not that of a container's process: run the hook at createRuntime";
	s->pid = (int)pid;
	return NULL;
}

/* True if a key has an escaped zero: json-c cuts the key there, and it would be another one. The text
 * is valid JSON. */
static bool has_cut_key(const char *text, size_t len)
{
	bool string = false, zero = false;

	for (size_t i = 0; i < len; i++) {
		if (string && text[i] == '\\') {
			zero = zero || (len - i > 6 && !memcmp(text + i, "\\u0000", 6));
			i++;
		} else if (text[i] == '"') {
			string = !string;
		} else if (!string && zero && !memchr(" \t\r\n", text[i], 4)) {
			/* The first character after a string with a zero. */
			if (text[i] == ':')
				return true;
			zero = false;
		}
	}
	return false;
}

static struct json_object *one_value(const char *text, size_t len, const char **problem)
{
	struct json_tokener *t = json_tokener_new_ex(MAX_DEPTH);
	struct json_object *o;

	*problem = no_memory;
	if (!t)
		return NULL;
	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(t, text, (int)len);
	*problem = NULL;
	if (json_tokener_get_error(t) != json_tokener_success)
		*problem = json_tokener_get_error(t) == json_tokener_continue ?
			   "it ends too early" : "it is not JSON";
	else if (json_tokener_get_parse_end(t) != len)
		*problem = "more text follows it";
	else if (has_cut_key(text, len))
		*problem = "a key has a zero in it";
	json_tokener_free(t);
	if (!*problem)
		return o;
	json_object_put(o);
	return NULL;
}

struct json_object *hook_json_object(const char *text, size_t len, const char **problem)
{
	struct json_object *top;

	while (len && memchr(" \t\r\n", text[len - 1], 4))
		len--;
	*problem = !len ? "it is empty" : NULL;
	if (len > HOOK_STATE_MAX)
		*problem = "it is too long";
	if (*problem)
		return NULL;
	top = one_value(text, len, problem);
	if (*problem || json_object_is_type(top, json_type_object))
		return top;
	json_object_put(top);
	*problem = "it is not an object";
	return NULL;
}

const char *hook_state_parse(struct dmem_arena *a, const char *text, size_t len,
			     struct hook_state *s)
{
	const char *problem;
	struct json_object *top = hook_json_object(text, len, &problem);

	*s = (struct hook_state){ .id = "" };
	if (!problem)
		problem = take_id(a, top, s);
	if (!problem)
		problem = hook_json_pid(top, "pid", s);
	if (!problem)
		problem = hook_json_annotations(a, top, s);
	json_object_put(top);
	if (problem)
		*s = (struct hook_state){ .id = "" };
	return problem;
}

const struct hook_annotation *hook_state_find(const struct hook_state *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!strcmp(s->annotation[i].key + strlen(HOOK_PREFIX), name))
			return &s->annotation[i];
	}
	return NULL;
}
