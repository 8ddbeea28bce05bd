/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers of runc and crun with dmem-hook, without an engine above. Include unit.h first. */
#ifndef HOOK_H
#define HOOK_H

#include "container.h"

#define ABOVE		CGROUPS "/containers"
#define SLICE		CGROUPS "/machine.slice"
#define TELLS		"cgroup /\nmax " CAMERA " 8388608\n"
#define HOOK		"/usr/libexec/dmem-hook"
/* Changes of config.json: no limit of the engine's own, and the hook with more arguments. */
#define UNIFIED		",\n\t\t\t\"unified\": {\n\t\t\t\t\"dmem.max\": \"" CAMERA " 8M\"\n\t\t\t}"
#define VERSION		"\"ociVersion\": \"1.0.2\","
#define WITH_HOOK(more)	UNIFIED, "", VERSION, VERSION " \"hooks\": { \"createRuntime\": [ { " \
			"\"path\": \"" HOOK "\", \"args\": [ \"dmem-hook\"" more " ] } ] },"
/* crun writes the messages of its hooks only to this file. */
#define ANNOTATIONS	"\"annotations\": {"
#define MESSAGES	" \"run.oci.hooks.stderr\": \"" OUT "\","
#define ASKS(value)	ANNOTATIONS, ANNOTATIONS MESSAGES " \"dmem.pool/max\": \"" value "\","
#define CONTAINER_PATH	"/containers/camera"

/* An engine with a driver of cgroups, and the container's own cgroup there. */
struct way {
	const char *engine, *path, *cgroup;
};

/* Starts the container of bundle("camera"), and returns the exit code. */
int hook_run(const struct way *w);
/* Removes the container and its cgroup, and forgets the output. 0, or -1 with the output kept. */
int hook_end(const struct way *w);
/* Makes the bundle of a container with an annotation, and starts it; words in front of the engine are
 * added. */
int hook_run_asking(const struct way *w, const char *in_front, const char *megabytes);
/* Removes all that tests of a container may have left, but for the cgroup of an engine. */
void hook_clean(void);

#endif
