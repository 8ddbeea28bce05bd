/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of Debian's V4L2 programs share. Functions that return int
 * give a negative errno on failure.
 */
#ifndef TESTS_MEDIA_UTIL_H
#define TESTS_MEDIA_UTIL_H

#include <stdbool.h>
#include <stddef.h>

/* vivid with these parameters, as after a boot. */
int load_vivid(const char *params);
void unload_vivid(void);

/* The region of the default CMA area, where vivid gets its buffers. */
bool default_region(char *region, size_t size);

#endif
