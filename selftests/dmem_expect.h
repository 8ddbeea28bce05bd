/* SPDX-License-Identifier: GPL-2.0 */
/* Checks of several tests. Include this header after kselftest_harness.h. */
#ifndef SELFTESTS_DMEM_EXPECT_H
#define SELFTESTS_DMEM_EXPECT_H

#include "dmem_util.h"

/*
 * dmem_begin() in the setup of a fixture or at the beginning of a test. Ends the process of
 * the test, as skipped, if the running kernel lacks a feature.
 */
static inline void begin_or_skip(struct __test_metadata *_metadata, struct dmem_test *t,
				 enum dmem_kind kind)
{
	int ret = dmem_begin(t, kind);

	if (ret == KSFT_SKIP)
		SKIP(_exit(KSFT_SKIP), "%s", t->reason);
	ASSERT_EQ(0, ret)
		TH_LOG("%s", t->reason);
}

/* The path of a new cgroup, that cg_create() or cg_create_parent() creates */
static inline char *new_cgroup(struct __test_metadata *_metadata, int (*create)(const char *),
			       const char *parent, const char *name)
{
	char *cg = cg_name(parent, name);

	ASSERT_EQ(0, create(cg));
	return cg;
}

/* The root's usage has grown by these bytes, if that depends on the test only. */
static inline void expect_root(struct __test_metadata *_metadata,
			       const struct dmem_test *t, const char *region,
			       long long before, long long bytes)
{
	if (region_is_private(region))
		EXPECT_EQ(before + bytes, dmem_current(t->root, region));
}

#endif /* SELFTESTS_DMEM_EXPECT_H */
