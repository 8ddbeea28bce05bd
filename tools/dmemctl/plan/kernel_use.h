/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of a region that is in use without a charge: at the first sample of a boot, and later. No I/O. */
#ifndef KERNEL_USE_H
#define KERNEL_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes, and ms since the boot. All zero: unknown. */
struct kernel_use {
	bool known;
	uint64_t first, first_t;	/* at the first sample of a boot: the largest of all boots */
	size_t first_boot;
	uint64_t most, most_t;		/* at any sample */
	size_t most_boot;
	uint64_t grown;			/* the most after the first sample, less that: the largest */
};

/* Adds a sample of one boot. */
void kernel_use_add(struct kernel_use *k, uint64_t bytes, uint64_t t);

/* Adds the figures of one boot to those of all. */
void kernel_use_merge(struct kernel_use *all, const struct kernel_use *k, size_t boot);

#endif
