// SPDX-License-Identifier: GPL-2.0
/*
 * The helpers of selftests/: a mistake of the person who runs the tests is a failure, as
 * nobody reads the reason of a skip; that person says which areas others use; and cgroups
 * beside those of the test are removed.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "guest_util.h"
#include "dmem_expect.h"

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

TEST(shared_area)
{
	char names[DMEM_NAME_LEN + 16];
	struct dmem_test t;

	begin_or_skip(_metadata, &t, DMEM_CMA);
	EXPECT_TRUE(region_is_private(t.heap.region));
	snprintf(names, sizeof(names), "%s:%s", MISTYPED, t.heap.name);
	ASSERT_EQ(0, setenv(DMEM_TEST_SHARED, names, 1));
	EXPECT_FALSE(region_is_private(t.heap.region));
	ASSERT_EQ(0, setenv(DMEM_TEST_SHARED, MISTYPED, 1));
	EXPECT_TRUE(region_is_private(t.heap.region));
	dmem_end(&t);
}

/* With its children, and a process in one of them */
TEST(undo_cgroup)
{
	char *top, *cg, *child;
	struct dmem_test t;
	pid_t pid;

	begin_or_skip(_metadata, &t, DMEM_NO_HEAP);
	top = strdup(t.cg);
	*strrchr(top, '/') = '\0';
	cg = cg_outside(top);
	ASSERT_TRUE(!!cg);
	child = new_cgroup(_metadata, cg_create, cg, "child");
	pid = cg_fork(child);
	ASSERT_LE(0, pid);
	if (!pid) {
		for (;;)
			pause();
	}
	undo_run(cg);
	EXPECT_EQ(-1, access(cg, F_OK));
	EXPECT_EQ(128 + SIGKILL, wait_exit(pid));
	EXPECT_FALSE(undo_forget(cg));
	dmem_end(&t);
	free(child);
	free(cg);
	free(top);
}

TEST_HARNESS_MAIN
