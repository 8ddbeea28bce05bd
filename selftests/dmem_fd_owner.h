/* SPDX-License-Identifier: GPL-2.0 */
/* The charge of a DMA-BUF. */
#ifndef SELFTESTS_DMEM_FD_OWNER_H
#define SELFTESTS_DMEM_FD_OWNER_H

#include "dmem_util.h"

/* The charge of a buffer, from /proc/<pid>/fdinfo/<fd>; pid 0 is the caller. */
struct dmem_owner {
	char region[DMEM_NAME_LEN];
	unsigned long long cgroup;
};

/*
 * Returns -ENODATA if fdinfo has neither line, and -EBADMSG if it does not have
 * each line once, as documented.
 */
int fd_owner(pid_t pid, int fd, struct dmem_owner *owner);

#endif /* SELFTESTS_DMEM_FD_OWNER_H */
