/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits of a container from its three sources, strongest first: arguments of the hook, which are
 * root's; annotations, which are the user's; and root's policy file, which has a limit for
 * containers that ask for none, and a ceiling for those that ask. No I/O.
 */
#ifndef HOOK_POLICY_H
#define HOOK_POLICY_H

#include "dmem/dmem.h"
#include "state.h"

enum hook_rule_kind {
	HOOK_DEFAULT,		/* DeviceMemoryMax=: for containers that ask for none */
	HOOK_CEILING,		/* DeviceMemoryMaxCeiling=: the largest limit by annotation */
	HOOK_MIN_CEILING,	/* DeviceMemoryMinCeiling=: the largest reservation by annotation */
	HOOK_RULE_KINDS
};

struct hook_rule {
	enum hook_rule_kind kind;
	struct dmem_limit limit;	/* its region may be "*": every other region */
	const char *region;		/* set by the caller: the kernel's name, or NULL */
};

struct hook_policy {
	struct hook_rule *rule;
	size_t n;
	bool strict;
};

/* Parses the file's text. Returns NULL, or the first mistake as "line 3: ..."; an unusable file
 * must not count as an empty one. */
const char *hook_policy_parse(struct dmem_arena *a, const char *text, size_t len,
			      struct hook_policy *p);

/* A limit that one source asks for. */
struct hook_ask {
	struct dmem_limit limit;
	bool root;		/* from an argument */
	const char *region;	/* set by the caller: the kernel's name, or NULL */
	uint64_t capacity;	/* set by the caller: of the region */
};

struct hook_asks {
	struct hook_ask *ask;
	size_t n;
};

/* Appends the limits of an annotation such as "cma/camera@64000000 8M; heap/system 64M". Returns
 * NULL, or the problem; @asks has then no more than before. */
const char *hook_asks_parse(struct dmem_arena *a, enum dmem_kind kind, const char *value,
			    struct hook_asks *asks);

/* Appends the limit of an argument such as "cma/camera@64000000=8M". Returns as above. */
const char *hook_asks_argument(struct dmem_arena *a, enum dmem_kind kind, const char *arg,
			       struct hook_asks *asks);

/* The first annotation that is not one of dmem-hook, or NULL. Sets *@n to the number of all such. */
const struct hook_annotation *hook_annotation_unknown(const struct hook_state *s, size_t *n);

/* The annotation "dmem.pool/max.container.NAME" of this container, or NULL. */
const struct hook_annotation *hook_annotation_own(const struct hook_state *s, enum dmem_kind kind);

/* Sets @of to the annotations whose limits of this kind apply to this container. Returns their
 * number. */
#define HOOK_MAX_COUNTING	2
size_t hook_annotations_counting(const struct hook_state *s, enum dmem_kind kind,
				 const struct hook_annotation *of[HOOK_MAX_COUNTING]);

enum hook_source { HOOK_NOBODY, HOOK_ARGUMENT, HOOK_ANNOTATION, HOOK_POLICY };

struct hook_choice {
	enum hook_source source;
	uint64_t value;		/* in bytes, or DMEM_NO_LIMIT */
	uint64_t asked;		/* differs from @value if a ceiling lowered it */
	uint64_t most;		/* the ceiling, or DMEM_NO_LIMIT */
	uint64_t unasked;	/* the limit of the policy if no annotation asks, or DMEM_NO_LIMIT */
};

/* The limit of one region. @capacity: in bytes, or DMEM_UNKNOWN, with which percentages of the
 * policy are 0. */
struct hook_choice hook_choose(const struct hook_policy *p, const struct hook_asks *asks,
			       enum dmem_kind kind, const char *region, uint64_t capacity);

/* The value that the region is to have, @now being in force: the runtime or another hook of the same
 * container may have set it. Of two limits the lower one counts, whichever hook is first; the
 * default of the policy is none of them. */
uint64_t hook_new_value(const struct hook_choice *c, enum dmem_kind kind, uint64_t now);

/* True if the new value is a ceiling that lowers one which this hook has not set. */
bool hook_lowers(const struct hook_choice *c, uint64_t now, uint64_t value);

/* True if the policy has rules that a user could escape from by a failure of this hook. */
bool hook_policy_binds(const struct hook_policy *p);

/* True if it has a rule for this value of the region. */
bool hook_policy_limits(const struct hook_policy *p, enum dmem_kind kind, const char *region);

#endif
