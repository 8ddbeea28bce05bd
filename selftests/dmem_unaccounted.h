/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Takes pages of a CMA area without a charge, through debugfs, so that a handful is
 * left and every single page counts. They are returned when the next test begins or
 * the program ends, also if the test is killed.
 */
#ifndef SELFTESTS_DMEM_UNACCOUNTED_H
#define SELFTESTS_DMEM_UNACCOUNTED_H

/*
 * Returns 0 or a negative errno: -ENOENT without CONFIG_CMA_DEBUGFS, -EBUSY if the
 * pages are not available. A test uses one area.
 */
int unaccounted_take(const char *area, long long pages);
int unaccounted_return(long long pages);
/* Takes all free pages but the given number. */
int unaccounted_leave(const char *area, long long pages);
void unaccounted_return_all(void);

#endif /* SELFTESTS_DMEM_UNACCOUNTED_H */
