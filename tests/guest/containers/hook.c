// SPDX-License-Identifier: GPL-2.0-or-later
/* Containers of runc and crun with dmem-hook. */
#include <stdio.h>

#include "unit.h"
#include "hook.h"

int hook_run(const struct way *w)
{
	return shell_out("%s run --detach --bundle %s camera", w->engine, bundle("camera"));
}

int hook_end(const struct way *w)
{
	if (shell_out("%s delete --force camera", w->engine) || !wait_gone(w->cgroup, 10))
		return -1;
	out_clear();
	return 0;
}

int hook_run_asking(const struct way *w, const char *in_front, const char *megabytes)
{
	char asks[200];

	snprintf(asks, sizeof(asks), ANNOTATIONS MESSAGES " \"dmem.pool/max\": \"" CAMERA " %s\",", megabytes);
	if (file_from(bundle_config("camera"), OCI_CONFIG, OCI_WORDS, OCI_GREEDY, WITH_HOOK(""),
		      ANNOTATIONS, asks, CONTAINER_PATH, w->path, NULL))
		return -1;
	return shell_out("%s%s run --detach --bundle %s camera", in_front, w->engine, bundle("camera"));
}

void hook_clean(void)
{
	shell_out("runc delete --force camera; crun delete --force camera");
	run("systemctl", "stop", "machine.slice", NULL);
	run("systemctl", "reset-failed", NULL);
}
