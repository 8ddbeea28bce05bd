// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the largest use without a charge. */
#include "kernel_use.h"

void kernel_use_add(struct kernel_use *k, uint64_t bytes, uint64_t t)
{
	if (!k->known)
		*k = (struct kernel_use){
			.known = true, .first = bytes, .first_t = t, .most = bytes,
			.most_t = t,
		};
	if (bytes <= k->most)
		return;
	k->most = bytes;
	k->most_t = t;
	k->grown = bytes - k->first;
}

void kernel_use_merge(struct kernel_use *all, const struct kernel_use *k, size_t boot)
{
	struct kernel_use was = *all;

	if (!k->known)
		return;
	if (!was.known) {
		*all = *k;
		all->first_boot = all->most_boot = boot;
		return;
	}
	if (k->first > was.first) {
		all->first = k->first;
		all->first_t = k->first_t;
		all->first_boot = boot;
	}
	if (k->most > was.most) {
		all->most = k->most;
		all->most_t = k->most_t;
		all->most_boot = boot;
	}
	if (k->grown > was.grown)
		all->grown = k->grown;
}
