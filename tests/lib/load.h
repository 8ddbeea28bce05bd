/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workloads for a region, made from a seed: services allocate and free buffers. Tests of plans use
 * them on the host and in the guest.
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
	size_t buffer;		/* number of the buffer, by its first op */
	uint64_t pages;
};

struct load {
	struct load_op op[LOAD_OPS];
	size_t n;
};

/* Uses at most @budget pages at once. Each op allocates or frees one buffer. */
void load_make(struct load *l, uint64_t seed, uint64_t budget);

#endif
