// SPDX-License-Identifier: GPL-2.0
/*
 * The helpers of selftests/: a mistake of the person who runs the tests is a failure, as
 * nobody reads the reason of a skip.
 */
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"

#include "guest_util.h"

#define MISTYPED	"no_such_heap"
#define MISTYPED_FIRST	MISTYPED ":system"
#define MISTYPED_LAST	"system:" MISTYPED

/* Each name has to be that of a heap. The message has the one that is wrong. */
TEST(mistyped_heap)
{
	static const char *names[] = { MISTYPED, MISTYPED_FIRST, MISTYPED_LAST };
	struct dmem_test t;
	unsigned int i;

	if (!dmem_is_on())
		SKIP(return, "no dmem controller in cgroup2");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		ASSERT_EQ(0, setenv(DMEM_TEST_HEAP, names[i], 1));
		EXPECT_GT(0, dmem_begin(&t, DMEM_CMA))
			TH_LOG("with %s: %s", names[i], t.reason);
		EXPECT_TRUE(!!strstr(t.reason, "\"" MISTYPED "\""))
			TH_LOG("with %s: %s", names[i], t.reason);
		EXPECT_FALSE(!!t.cg);
	}
}

/* Without the variable, no heap may be used. */
TEST(no_heap)
{
	struct dmem_test t;

	if (!dmem_is_on())
		SKIP(return, "no dmem controller in cgroup2");
	ASSERT_EQ(0, unsetenv(DMEM_TEST_HEAP));
	EXPECT_EQ(KSFT_SKIP, dmem_begin(&t, DMEM_CMA));
	EXPECT_TRUE(!!strstr(t.reason, DMEM_TEST_HEAP));
	EXPECT_FALSE(!!t.cg);
}

TEST_HARNESS_MAIN
