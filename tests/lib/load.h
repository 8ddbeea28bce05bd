/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads for a region: buffers of several services that come and go, from a seed. The
 * tests of plans use them here and in the guest.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_OPS	120
#define LOAD_SERVICES	3

struct load_op {
	unsigned int service;
	bool free;
	size_t buffer;		/* of those of the load, by its first op */
	uint64_t pages;
};

struct load {
	struct load_op op[LOAD_OPS];
	size_t n;
};

/* Never more than @budget pages at once. Each op is one buffer that comes or goes. */
void load_make(struct load *l, uint64_t seed, uint64_t budget);

#endif
