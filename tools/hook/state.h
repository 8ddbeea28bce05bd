/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state document that an OCI runtime writes to the standard input of its hooks. The runtime
 * makes the document; the values of its annotations belong to the user of the container.
 */
#ifndef HOOK_STATE_H
#define HOOK_STATE_H

#include "dmem/dmem.h"

/* Kubernetes allows 256 KiB of annotations, which JSON's escapes make six times as long. */
#define HOOK_STATE_MAX	(4u << 20)

#define HOOK_PREFIX	"dmem.pool/"

/* An annotation that starts with HOOK_PREFIX. */
struct hook_annotation {
	const char *key;
	const char *value;	/* NULL: not a text, or one with a zero in it */
};

struct hook_state {
	int pid;			/* of the container's first process, as seen by the runtime */
	const char *id;			/* one printable line; "" if the document has none */
	const char *container;		/* name of the container in its pod, or NULL */
	struct hook_annotation *annotation;
	size_t n;
};

/* Parses the document. No I/O. Returns NULL, or the problem with the document; @s is then empty. */
const char *hook_state_parse(struct dmem_arena *a, const char *text, size_t len,
			     struct hook_state *s);

/* The value of HOOK_PREFIX @name, or NULL: there is none. */
const struct hook_annotation *hook_state_find(const struct hook_state *s, const char *name);

#endif
