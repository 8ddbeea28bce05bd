/* SPDX-License-Identifier: GPL-2.0 */
/* Include this header after kselftest_harness.h. */
#ifndef SELFTESTS_DMEM_EXPECT_OWNER_H
#define SELFTESTS_DMEM_EXPECT_OWNER_H

#include "dmem_fd_owner.h"

static inline void expect_owner(struct __test_metadata *_metadata,
				const char *region, pid_t pid, int fd,
				unsigned long long id)
{
	struct dmem_owner owner;

	ASSERT_EQ(0, fd_owner(pid, fd, &owner));
	EXPECT_STREQ(region, owner.region);
	EXPECT_EQ(id, owner.cgroup);
}

#endif /* SELFTESTS_DMEM_EXPECT_OWNER_H */
