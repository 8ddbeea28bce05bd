// SPDX-License-Identifier: GPL-2.0-or-later
/* The policy of dmem-hook. A mistake there keeps all containers with the hook from starting. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hook/absent.h"
#include "hook/policy_file.h"
#include "containers.h"

#define DIRECTORY	"/etc/dmem"
#define NAME		"hook.conf"

/* root, or the user that made a copy of the tree. */
static bool may_own(void *data, uid_t uid)
{
	return uid == *(const uid_t *)data;
}

static const char *load(struct doctor *d, uid_t owner, struct hook_policy *p, int *err)
{
	int dir = dmem_sys_openat(&d->sys, &DIRECTORY[1], O_PATH | O_DIRECTORY);
	const char *problem;

	*p = (struct hook_policy){ 0 };
	if (dir < 0) {
		*err = -dir;
		problem = strerror(*err);
	} else {
		problem = hook_policy_read(d->arena, dir, NAME, may_own, &owner, p, err);
		close(dir);
	}
	return *err == ENOENT ? hook_absent_here(d->arena, d->sys.root, DOCTOR_POLICY) : problem;
}

void doctor_hook_policy(struct doctor *d, uid_t owner, struct hook_policy *p)
{
	int err;
	const char *problem = load(d, owner, p, &err);

	if (problem && err == EACCES)
		doctor_say(d, NOTE, DOCTOR_POLICY, "run as root", "cannot be read: %s", problem);
	else if (problem)
		doctor_say(d, PROBLEM, DOCTOR_POLICY, "correct it, see dmem-hook(8)",
			   "%s, so no container with dmem-hook starts", problem);
}
