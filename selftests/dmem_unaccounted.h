/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Takes pages of a CMA area without a charge, through debugfs, so that a handful
 * is left and every single page counts. They are returned when the program exits
 * at the latest, also after a killed test.
 */
#ifndef SELFTESTS_UNACCOUNTED_H
#define SELFTESTS_UNACCOUNTED_H

/*
 * Returns 0 or a negative errno: -ENOENT without CONFIG_CMA_DEBUGFS, -EBUSY if
 * the pages are not available. A program uses one area.
 */
int unaccounted_take(const char *area, long long pages);
int unaccounted_return(long long pages);

/* Takes all free pages but the given number. */
int unaccounted_leave(const char *area, long long pages);
void unaccounted_return_all(void);

#endif
