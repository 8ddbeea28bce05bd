/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers of the tests with Debian's V4L2 programs. Functions that return int give a negative errno
 * on failure.
 */
#ifndef TESTS_MEDIA_UTIL_H
#define TESTS_MEDIA_UTIL_H

#include <stdbool.h>
#include <stddef.h>

/* Loads vivid with these parameters, in its state after a boot. */
int load_vivid(const char *params);
void unload_vivid(void);

/* Finds the region of the default CMA area, which vivid's buffers are charged to. */
bool default_region(char *region, size_t size);

#endif
