/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads root's policy file, and refuses one that others could have written. */
#ifndef HOOK_POLICY_FILE_H
#define HOOK_POLICY_FILE_H

#include <sys/types.h>

#include "policy.h"

/* True if the file and its directory may belong to this user. */
typedef bool (*hook_owner_fn)(void *data, uid_t uid);

/* Reads the file @name in the open directory @dir. Returns NULL, or the problem; @p has then no rule,
 * and *@err is the errno if the file cannot be opened, otherwise 0. */
const char *hook_policy_read(struct dmem_arena *a, int dir, const char *name, hook_owner_fn may_own,
			     void *data, struct hook_policy *p, int *err);

#endif
