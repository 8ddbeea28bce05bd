/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arithmetic on numbers of bytes and pages. */
#ifndef NUM_H
#define NUM_H

#include <stdint.h>

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
