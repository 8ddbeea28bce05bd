/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of the tests of fdinfo: two cgroups, in the first of which the test begins,
 * and their ids. Include this header after kselftest_harness.h.
 */
#ifndef SELFTESTS_DMEM_FDINFO_FIXTURE_H
#define SELFTESTS_DMEM_FDINFO_FIXTURE_H

#include "dmem_expect.h"

FIXTURE(fdinfo) {
	struct dmem_test t;
	char *a, *b;
	unsigned long long id_a, id_b;
};

FIXTURE_VARIANT(fdinfo) { enum dmem_kind kind; };
FIXTURE_VARIANT_ADD(fdinfo, cma) { .kind = DMEM_CMA };
FIXTURE_VARIANT_ADD(fdinfo, system) { .kind = DMEM_SYSTEM };

#define FDINFO	FIXTURE_DATA(fdinfo)

static inline void fdinfo_begin(struct __test_metadata *_metadata, FDINFO *self,
				enum dmem_kind kind)
{
	begin_or_skip(_metadata, &self->t, kind);
	self->a = new_cgroup(_metadata, cg_create, self->t.cg, "a");
	self->b = new_cgroup(_metadata, cg_create, self->t.cg, "b");
	ASSERT_EQ(0, cg_enter_current(self->a));
	self->id_a = cg_id(self->a);
	self->id_b = cg_id(self->b);
	if (!self->id_a || !self->id_b) {
		dmem_end(&self->t);
		SKIP(_exit(KSFT_SKIP), "cannot tell a cgroup's id (CONFIG_FHANDLE)");
	}
	EXPECT_NE(self->id_a, self->id_b);
}

FIXTURE_TEARDOWN(fdinfo)
{
	dmem_end(&self->t);
}

#endif /* SELFTESTS_DMEM_FDINFO_FIXTURE_H */
