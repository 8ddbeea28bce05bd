/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running containers, from the files of their OCI runtimes. */
#ifndef DOCTOR_CONTAINERS_H
#define DOCTOR_CONTAINERS_H

#include "hook/runtime.h"
#include "doctor.h"

struct doctor_container {
	const char *dir;		/* of its runtime's files, such as "/run/crun/ID" */
	const char *name;		/* "container ID", the ID cut as engines cut it */
	bool of_user;			/* a user's own runtime has written the files */
	struct hook_runtime files;
	const char *cgroup;		/* of its first process, without the first slash */
};

/* runtimes.c: calls @check for each container whose first process runs. The arena of @d has all of
 * its texts. */
void doctor_each_container(struct doctor *d,
			   void (*check)(void *data, const struct doctor_container *c), void *data);

/* True if the first process still runs, in the same cgroup. */
bool doctor_container_runs(struct doctor *d, const struct doctor_container *c);

#endif
