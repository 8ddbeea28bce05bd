/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running containers, from the files of their OCI runtimes. */
#ifndef DOCTOR_CONTAINERS_H
#define DOCTOR_CONTAINERS_H

#include "hook/policy.h"
#include "hook/runtime.h"
#include "doctor.h"

#define DOCTOR_POLICY	"/etc/dmem/hook.conf"
#define DOCTOR_OUTSIDE	"run dmemctl doctor on the host, outside of any container"

struct doctor_container {
	const char *dir;		/* of its runtime's files, such as "/run/crun/ID" */
	const char *name;		/* "container ID", the ID cut as engines cut it. Of a user: @dir, since its
					 * files can have any ID, and name any process */
	bool of_user;			/* a user's own runtime has written the files */
	struct hook_runtime files;
	/* Without the first slash: of its first process, and of the container, which is the same one
	 * or one above it. systemd inside is in a cgroup of its own. */
	const char *cgroup, *own;
	/* What its user may still cause: findings, and steps, each a thread or cgroup that is read. NULL: any
	 * number. */
	size_t *left, *steps;
};

/* runtimes.c: calls @check for each container whose first process lives and has a known cgroup, and
 * reports the others. The arena of @d has all of its texts. */
void doctor_each_container(struct doctor *d, uid_t owner,
			   void (*check)(void *data, const struct doctor_container *c), void *data);

/* False if nothing is left. Otherwise takes one. NULL: any number is left. */
bool doctor_take_one(size_t *left);

/* process.c: false if the process has ended, if another one has its pid, or if no step is left. Sets
 * *@cgroup to a text in @a; NULL: it cannot be determined. */
bool doctor_process_lives(const struct doctor *d, struct dmem_arena *a, const struct hook_runtime *r,
			  size_t *steps, const char **cgroup);

/* The same for a container that was found. */
bool doctor_container_lives(const struct doctor *d, const struct doctor_container *c);

/* trusted.c: opens a directory by any path, for reading. Sets *@of_user if others than root and @owner can
 * put another one in its place, or, if it is missing, could have removed it. Returns a descriptor that the
 * caller closes, or a negative errno. */
int doctor_open_trusted(struct dmem_arena *a, const char *path, uid_t owner, bool *of_user);

/* True if only root and @owner can rename or remove what is theirs in the directory. */
bool doctor_keeps_names(int dir, uid_t owner);

/* policy.c: reads the policy of dmem-hook, and reports a mistake in it, with which @p has no rule.
 * @owner: of the cgroup tree. */
void doctor_hook_policy(struct doctor *d, uid_t owner, struct hook_policy *p);

#endif
