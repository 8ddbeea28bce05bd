/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A coherent pool of the device tree, and the module that gives it to a device. */
#ifndef DMEM_COHERENT_POOL_H
#define DMEM_COHERENT_POOL_H

#include "dmem_util.h"

struct coherent_pool {
	char name[DMEM_NAME_LEN / 2];	/* of the node in /reserved-memory */
	char region[DMEM_NAME_LEN];
	long long size;
	bool given;
};

/* The first node that is a shared-dma-pool and no CMA area; returns whether there is one. */
bool coherent_pool_find(struct coherent_pool *pool);
/* what is "device" or "node", see the module. Returns 0 or a negative errno. */
int coherent_pool_give(struct coherent_pool *pool, const char *what, const char *name);
int coherent_pool_take(struct coherent_pool *pool);
/*
 * The first device requests this memory, with a charge to this process and without one. Returns 0
 * if it got any, which it has freed again.
 */
int coherent_pool_request(long long len);
/* The bytes that the pool uses for this length: 2^order pages */
long long coherent_pool_rounded(long long len);

#endif /* DMEM_COHERENT_POOL_H */
