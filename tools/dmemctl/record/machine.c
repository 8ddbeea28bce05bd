// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes notes about the reserved memory in the device tree, which a plan needs. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

/* Bytes. Even the smallest file must have room for a segment of samples after them. */
#define MAX_NOTES	(32 * 1024)

/* Location and use of reserved memory, and the board's name. Other properties are not noted: they
 * may contain keys and serial numbers. */
static const char * const properties[] = {
	"#address-cells", "#size-cells", "ranges", "compatible", "model", "device_type", "status",
	"reg", "size", "alignment", "alloc-ranges", "no-map", "reusable", "linux,cma-default",
	"linux,usable-memory",
};

struct notes {
	const struct dmem_sys *s;
	struct dmem_arena a;
	struct dmem_text *t, file;
	const char *top;	/* directory of the device tree */
	size_t start;		/* offset of the segment in @t */
	unsigned int nodes;
};

static int tell_node(struct notes *n, const char *path)
{
	const char *dir = dmem_printf(&n->a, "%s%s", n->top, strcmp(path, "/") ? path : "");
	int fd = dir ? dmem_sys_openat(n->s, dir, O_RDONLY | O_DIRECTORY) : -ENOMEM, ret = 0;
	struct hist_line l;

	if (fd < 0)
		return fd;
	if (n->nodes++ == HIST_NODES)
		ret = -E2BIG;
	hist_begin(&l, n->t, 'D');
	hist_add_name(&l, path);
	for (size_t i = 0; i < sizeof(properties) / sizeof(*properties) && !ret; i++) {
		ret = dmem_read_at(fd, properties[i], &n->file);
		if (ret == -ENOENT) {
			ret = 0;
			continue;
		}
		if (!ret && n->file.len > HIST_PROPERTY)
			ret = -E2BIG;
		if (!ret)
			hist_add_property(&l, properties[i], n->file.s, n->file.len);
	}
	close(fd);
	return ret ? ret : hist_end(&l);
}

static int is_node(struct notes *n, const char *dir)
{
	int fd = dmem_sys_openat(n->s, dir, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fd == -ENOTDIR ? 0 : fd;
	close(fd);
	return 1;
}

/* Notes the children of a node whose names start with @prefix. */
static int tell_children(struct notes *n, const char *parent, const char *prefix)
{
	const char *dir = dmem_printf(&n->a, "%s%s", n->top, parent), **name;
	size_t count;
	int ret = dir ? dmem_sys_list(n->s, dir, &n->a, &name, &count) : -ENOMEM;

	/* There is no such node. */
	if (ret == -ENOENT)
		return 0;
	for (size_t i = 0; i < count && !ret; i++) {
		const char *path = dmem_printf(&n->a, "%s/%s", parent, name[i]);
		const char *file = dmem_printf(&n->a, "%s/%s", dir, name[i]);

		if (!path || !file)
			return -ENOMEM;
		if (strncmp(name[i], prefix, strlen(prefix)))
			continue;
		ret = is_node(n, file);
		if (ret > 0)
			ret = tell_node(n, path);
		if (!ret && n->t->len - n->start > MAX_NOTES)
			ret = -E2BIG;
	}
	return ret;
}

/* Notes only the words about CMA, and about the pools that the kernel has there: other words may be
 * secrets. */
static int tell_command_line(struct notes *n)
{
	static const char * const keys[] = {
		"cma=", "numa_cma=", "cma_pernuma=", "coherent_pool=",
	};
	struct hist_line l;
	char *s, *word;
	int ret = dmem_sys_read(n->s, "proc/cmdline", &n->file);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	for (word = strtok_r(n->file.s, " \t\n", &s); word && !ret;
	     word = strtok_r(NULL, " \t\n", &s)) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) && !ret; i++) {
			if (strncmp(word, keys[i], strlen(keys[i])) || strlen(word) > 256)
				continue;
			hist_begin(&l, n->t, 'K');
			hist_add_name(&l, word);
			ret = hist_end(&l);
		}
	}
	return ret;
}

static int tell_tree(struct notes *n, uint64_t wall)
{
	struct hist_line l;
	int ret = hist_put_notes_head(n->t, wall);

	if (!ret)
		ret = tell_node(n, "/");
	if (!ret)
		ret = tell_children(n, "", "memory");
	if (!ret)
		ret = tell_children(n, "", "reserved-memory");
	if (!ret)
		ret = tell_children(n, "/reserved-memory", "");
	if (!ret)
		ret = tell_command_line(n);
	hist_begin(&l, n->t, 'N');
	hist_add(&l, " %u", n->nodes);
	return ret ? ret : hist_end(&l);
}

int machine_tell(const struct dmem_sys *s, uint64_t wall, struct dmem_text *t)
{
	static const char * const tops[] = { "sys/firmware/devicetree/base", "proc/device-tree" };
	struct notes n = { .s = s, .t = t, .start = t->len };
	int ret = -ENOENT;

	for (size_t i = 0; i < sizeof(tops) / sizeof(*tops) && ret == -ENOENT; i++) {
		n.top = tops[i];
		t->len = n.start;
		n.nodes = 0;
		ret = is_node(&n, tops[i]);
		if (ret > 0)
			ret = tell_tree(&n, wall);
	}
	dmem_text_free(&n.file);
	dmem_arena_free(&n.a);
	if (ret)
		t->len = n.start;
	return ret == -ENOENT ? 0 : ret;
}
