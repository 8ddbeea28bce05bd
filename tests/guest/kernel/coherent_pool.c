// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "coherent_pool.h"
#include "media.h"

#define MODULE		"dmem_coherent_pool"
#define RESERVED	"/proc/device-tree/reserved-memory"

static int read_property(const char *node, const char *name, void *value, size_t size)
{
	char path[PATH_MAX];
	int fd, len;

	snprintf(path, sizeof(path), RESERVED "/%s/%s", node, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -errno : (int)read(fd, value, size);
	if (fd >= 0)
		close(fd);
	return len;
}

static bool has_property(const char *node, const char *name)
{
	char byte;

	return read_property(node, name, &byte, 1) >= 0;
}

bool coherent_pool_find(struct coherent_pool *pool)
{
	DIR *dir = opendir(RESERVED);
	struct dirent *ent;
	char text[32];
	__be32 reg[4];		/* two cells each for the address and the size */

	memset(pool, 0, sizeof(*pool));
	while (dir && !pool->size && (ent = readdir(dir))) {
		if (read_property(ent->d_name, "compatible", text, sizeof(text)) < 0 ||
		    strcmp(text, "shared-dma-pool") || has_property(ent->d_name, "reusable") ||
		    read_property(ent->d_name, "reg", reg, sizeof(reg)) != sizeof(reg))
			continue;
		snprintf(pool->name, sizeof(pool->name), "%s", ent->d_name);
		snprintf(pool->region, sizeof(pool->region), "dma/coherent/%s", pool->name);
		pool->size = be32toh(reg[3]);
	}
	if (dir)
		closedir(dir);
	return pool->size;
}

int coherent_pool_give(struct coherent_pool *pool, const char *what, const char *name)
{
	char params[PATH_MAX];
	int ret = module_unload_unused(MODULE);

	/* A killed test may have left it. */
	if (ret)
		return ret;
	undo_add("/sys/module/" MODULE, "unload");
	snprintf(params, sizeof(params), "pool=%s %s=%s", pool->name, what, name);
	ret = module_load(MODULE, params);
	pool->given = !ret;
	return ret;
}

int coherent_pool_take(struct coherent_pool *pool)
{
	if (!pool->given)
		return 0;
	pool->given = false;
	return module_unload(MODULE);
}

int coherent_pool_request(long long len)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", len);
	return cg_write("/sys/module/" MODULE "/parameters", "request", text);
}

long long coherent_pool_rounded(long long len)
{
	long long bytes = sysconf(_SC_PAGESIZE);

	while (bytes < len)
		bytes *= 2;
	return bytes;
}
