/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files in which an OCI runtime keeps a container's process, its annotations, and the hooks
 * that it has run: runc's state.json, and crun's status and config.json. No I/O. The runtime writes
 * these files; the values of the annotations belong to the user of the container.
 */
#ifndef HOOK_RUNTIME_H
#define HOOK_RUNTIME_H

#include "dmem/dmem.h"
#include "state.h"

#define HOOK_PROGRAM	"dmem-hook"

/* A command line of dmem-hook; @arg[n] is NULL. */
struct hook_command {
	char **arg;
	size_t n;
};

/* All zero: nothing is known. */
struct hook_runtime {
	struct hook_state state;	/* pid, annotations, and container; no id */
	uint64_t started;		/* of the process, in ticks since boot; 0: unknown */
	const char *cgroup;		/* of the container, without the first slash; NULL: unknown */
	const char *unclear;		/* a label whose key may end elsewhere; NULL: there is none */
	struct hook_command *command;	/* of dmem-hook, at the stage in which limits hold */
	size_t n;
};

/* Each adds the content of one file to @r, and returns NULL, or the problem with the file. */
const char *hook_runtime_runc(struct dmem_arena *a, const char *text, size_t len, struct hook_runtime *r);
const char *hook_runtime_crun_status(struct dmem_arena *a, const char *text, size_t len,
				     struct hook_runtime *r);
const char *hook_runtime_crun_config(struct dmem_arena *a, const char *text, size_t len,
				     struct hook_runtime *r);

#endif
