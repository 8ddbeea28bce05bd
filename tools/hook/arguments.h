/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of dmem-hook: its options, and the limits that they ask for. A CDI device is such
 * a command line, which the engine copies to the container's configuration.
 */
#ifndef HOOK_ARGUMENTS_H
#define HOOK_ARGUMENTS_H

#include <getopt.h>

#include "policy.h"

/* The values of the options. Those below are kinds of limits, and the last ones are for tests. */
enum {
	HOOK_STRICT = DMEM_KINDS, HOOK_TIMEOUT, HOOK_CGROUP_ROOT, HOOK_PROC, HOOK_HEAPS, HOOK_POLICY_FILE,
	HOOK_LOG
};

#define HOOK_SHORT_OPTIONS	":hV"

extern const struct option hook_options[];

/* Appends the limits of a command line whose first word is the program. Other options have no effect.
 * Returns NULL, or the first word that is wrong. */
const char *hook_arguments_asks(struct dmem_arena *a, char **args, size_t n, struct hook_asks *asks);

#endif
