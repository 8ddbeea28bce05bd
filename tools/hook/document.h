/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts of JSON documents of OCI runtimes, for the readers of dmem-hook and of dmemctl doctor. No
 * I/O. A result that is a text is NULL, or the problem with the document, as in "it is empty".
 */
#ifndef HOOK_DOCUMENT_H
#define HOOK_DOCUMENT_H

#include <json-c/json.h>

#include "state.h"

/* Returns the object that is the whole document, which the caller puts. NULL: *@problem is set. */
struct json_object *hook_json_object(const char *text, size_t len, const char **problem);

/* A text without zeros, or NULL. Lives as long as the object. */
const char *hook_json_text(struct json_object *o);

/* Sets the pid from this key of the document. */
const char *hook_json_pid(struct json_object *top, const char *key, struct hook_state *s);

/* True if an annotation of this key is one of ours, or names the container of a pod. */
bool hook_json_counts(const char *key);

/* Adds one annotation if it counts. @o: NULL is no text. */
const char *hook_json_annotation(struct dmem_arena *a, const char *key, struct json_object *o,
				 struct hook_state *s);

/* The same for all annotations of the document. */
const char *hook_json_annotations(struct dmem_arena *a, struct json_object *top, struct hook_state *s);

#endif
