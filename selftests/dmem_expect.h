/* SPDX-License-Identifier: GPL-2.0 */
/* Checks of several tests. Include this header after kselftest_harness.h. */
#ifndef SELFTESTS_DMEM_EXPECT_H
#define SELFTESTS_DMEM_EXPECT_H

#include "dmem_util.h"

/* The root's usage has grown by these bytes, if that depends on the test only. */
static inline void expect_root(struct __test_metadata *_metadata,
			       const struct dmem_test *t, const char *region,
			       long long before, long long bytes)
{
	if (region_is_private(region))
		EXPECT_EQ(before + bytes, dmem_current(t->root, region));
}

#endif /* SELFTESTS_DMEM_EXPECT_H */
