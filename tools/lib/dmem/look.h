/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a machine's pools look like. Reads only, and needs no privilege: what may
 * not be read is unknown, and reported.
 */
#ifndef DMEM_LOOK_H
#define DMEM_LOOK_H

#include "dmem.h"

/* A figure that could not be read. No region has that many bytes. */
#define DMEM_UNKNOWN	(UINT64_MAX - 1)

/* ---- sys.c ---- */

/* Where everything is found: "/", or a tree that looks like it. */
struct dmem_sys {
	int root;
	bool other;		/* not this machine's */
	const char *path;	/* as it was given, not copied; NULL: this machine */
};

/* What could not be read, and why. Not called for what is not there. */
typedef void (*dmem_note_fn)(void *data, const char *path, int err);

/* Text of a file. All zero is empty; reading makes room as needed. */
struct dmem_text {
	char *s;
	size_t len, size;
};

/* @sysroot: NULL is "/". */
int dmem_sys_open(struct dmem_sys *s, const char *sysroot);
void dmem_sys_close(struct dmem_sys *s);

/* Opens a path without a slash before it; in another tree than "/", links stay in it, and
 * what is neither a file nor a directory is -EPERM. No O_CREAT in @flags. Returns a file
 * descriptor that the caller closes, or a negative errno. */
int dmem_sys_openat(const struct dmem_sys *s, const char *path, int flags);

/* Opens a file of any type, also a device, by a path with or without a leading slash. As above. */
int dmem_sys_open_any(const struct dmem_sys *s, const char *path, int flags);

/* Makes what is missing of a directory, and opens it with O_PATH. As above. */
int dmem_sys_make_dirs(const struct dmem_sys *s, const char *path);

/* Opens the root of the cgroup tree with O_PATH. As above, but -ELOOP where a link leads to
 * it in another tree: what is written there must be of that tree. */
int dmem_sys_cgroup(const struct dmem_sys *s);

/* Reads a file: below a directory, or by its path in the tree. The text ends with
 * a zero, and lives until @t is read into again or freed. Only regular files are opened;
 * -EFBIG: one is larger than any of the kernel. */
int dmem_read_at(int dir, const char *name, struct dmem_text *t);
int dmem_sys_read(const struct dmem_sys *s, const char *path, struct dmem_text *t);

/* Reads an open file and closes it. A negative @fd is an errno, and returned as it is. */
int dmem_read_fd(int fd, struct dmem_text *t);
void dmem_text_free(struct dmem_text *t);

/* The first line of a file, or NULL if it cannot be read. */
char *dmem_first_line(struct dmem_arena *a, int dir, const char *name);

/* The names in a directory, sorted, without those that start with a dot. -ENOENT
 * where there is none. */
int dmem_sys_list(const struct dmem_sys *s, const char *path, struct dmem_arena *a,
		  const char ***names, size_t *n);

/* ---- figures.c ---- */

/* What the kernel tells of one cgroup and region, in bytes or number of requests. */
enum dmem_figure {
	DMEM_F_CURRENT, DMEM_F_PEAK, DMEM_F_MIN, DMEM_F_LOW, DMEM_F_MAX,
	/* dmem.events, of the cgroup and all below it */
	DMEM_F_EV_MAX, DMEM_F_EV_ALLOC_FAIL, DMEM_F_EV_EXHAUSTED, DMEM_F_EV_RESERVED,
	/* dmem.stat */
	DMEM_F_LOCAL, DMEM_F_DYING, DMEM_F_RESERVED, DMEM_F_COMMITTED,
	DMEM_FIGURES
};

#define DMEM_BIT(figure)	(1u << (figure))
#define DMEM_REFUSALS		(DMEM_BIT(DMEM_F_EV_ALLOC_FAIL) | DMEM_BIT(DMEM_F_EV_EXHAUSTED) | \
				 DMEM_BIT(DMEM_F_EV_RESERVED))

/* The file that has a figure ("dmem.events"), and its key there, or NULL. */
const char *dmem_figure_file(enum dmem_figure f);
const char *dmem_figure_key(enum dmem_figure f);

/* Cuts the next line off *@text: a region, and what follows it. False at the end.
 * A line without a blank is no line of these files, and left out. */
bool dmem_next_line(char **text, char **region, char **rest);

/* "4096" or "max", or DMEM_UNKNOWN. */
uint64_t dmem_number(const char *s);

/* The number after "key=" in "a=1 b=2", or DMEM_UNKNOWN. */
uint64_t dmem_keyed_number(const char *rest, const char *key);

/* ---- regions.c ---- */

struct dmem_region {
	const char *name;
	const char **heap;		/* the heaps that stand on it */
	size_t n_heaps;
	/* Bytes, or DMEM_UNKNOWN. */
	uint64_t capacity;
	uint64_t current;		/* what all cgroups are charged for */
	uint64_t peak;			/* of that, since boot */
	uint64_t unaccounted;		/* in use, and no cgroup is charged */
	uint64_t available;		/* free, in any order */
	uint64_t largest;		/* the largest free run */
	unsigned int read_in;		/* for regions.c: the file that was read last */
	const char *listed;		/* its name in the files of the controller */
	size_t line;			/* its place there, or SIZE_MAX */
};

struct dmem_heap {
	const char *name;
	const char *region;		/* NULL: not accounted */
	bool told;			/* the kernel can tell heaps' regions */
};

struct dmem_regions {
	struct dmem_region *region;	/* sorted by name */
	size_t n;
	struct dmem_heap *heap;
	size_t n_heaps;
	size_t *by_line, n_lines;	/* indexes of the regions, in the order of the files */
	/* The names are those of dmem.capacity: the controller is in use, and this
	 * is not a cgroup namespace. */
	bool complete;
};

/* What to read of the regions: only the files that have it are opened. */
enum {
	DMEM_READ_CAPACITY	= 1 << 0,
	DMEM_READ_CURRENT	= 1 << 1,
	DMEM_READ_PEAK		= 1 << 2,
	DMEM_READ_HEAPS		= 1 << 3,
	DMEM_READ_UNACCOUNTED	= 1 << 4,
	DMEM_READ_AVAILABLE	= 1 << 5,
	DMEM_READ_LARGEST	= 1 << 6,
};

/* The regions' names, and of the rest what is asked for: the others may be unknown. */
int dmem_regions_read_some(const struct dmem_sys *s, struct dmem_arena *a, unsigned int what,
			   dmem_note_fn note, void *data, struct dmem_regions *r);

/* Everything about the pools but what cgroups do with them. */
int dmem_regions_read(const struct dmem_sys *s, struct dmem_arena *a, dmem_note_fn note,
		      void *data, struct dmem_regions *r);

/* The region that a name in a section means: the heap's, for "dma_heap/NAME". The name
 * itself where that is not known. */
const char *dmem_regions_meant(const struct dmem_regions *r, const char *name);

/* The index of a region in them, or r->n. Most files have their lines in one order: @guess
 * is where to look first. */
size_t dmem_regions_index(const struct dmem_regions *r, const char *name, size_t guess);

/* The lines of a file of the controller, one after the other, and the regions that they
 * are of. @read_in has a zero for each region at first. */
struct dmem_lines {
	const struct dmem_regions *r;
	unsigned int *read_in, file;	/* the file in which a region had its last line */
	size_t line;
};

/* The next line is the first of a file. */
void dmem_lines_start(struct dmem_lines *l);

/* The index of the region of the next line, which starts with @name, or l->r->n: it is none
 * of them. Each region has one line in a file: the second one of a name is that of the
 * region "NAME#2". All files have one order, so this takes no search. */
size_t dmem_lines_next(struct dmem_lines *l, const char *name);

/* Writes the name here of the @nth region (from 2 on) that the kernel lists with the same
 * name to @buf, cut to its @size, and returns it. */
char *dmem_region_numbered(char *buf, size_t size, const char *name, unsigned int nth);

/* DMEM_OK: the controller is in use, and there are regions. If not, the reason, whose text
 * names the remedy: for all programs the same, which end with exit status 1. */
enum dmem_status dmem_regions_status(const struct dmem_sys *s, const struct dmem_regions *r);

/* NULL: there is none of that name. */
struct dmem_region *dmem_regions_find(const struct dmem_regions *r, const char *name);

/* ---- tree.c ---- */

struct dmem_node {
	struct dmem_node *parent, *child, *next;	/* children by name */
	const char *name;		/* of the directory; "" is the root */
	uint64_t id;			/* its inode number */
	size_t at;			/* its number in the order of a listing, from 0 */
	uint64_t *figure;		/* NULL: the controller is not enabled for it */
};

struct dmem_tree {
	struct dmem_node *root;
	size_t n;			/* cgroups */
	const struct dmem_regions *regions;
	signed char slot[DMEM_FIGURES];	/* of a figure in a node, or -1 */
	unsigned int slots;
	unsigned int counting;		/* a bit for each slot in which any number but 0 matters */
};

/* Reads @figures (DMEM_BIT()s) of the cgroup at @path ("" is the root) and, to that
 * depth, of those below it. Each file is opened and read once, and only if one of
 * its figures is asked for. Cgroups that vanish meanwhile are left out. -ENOENT: no
 * such cgroup. */
int dmem_tree_read(const struct dmem_sys *s, struct dmem_arena *a,
		   const struct dmem_regions *regions, const char *path, unsigned int figures,
		   unsigned int depth, dmem_note_fn note, void *data, struct dmem_tree *t);

/* One figure of one region, or DMEM_UNKNOWN. @region is the index in t->regions. */
uint64_t dmem_tree_figure(const struct dmem_tree *t, const struct dmem_node *n, size_t region,
			  enum dmem_figure f);

/* The sum of what refused requests of the cgroup and those below it, or
 * DMEM_UNKNOWN if the kernel does not tell. */
uint64_t dmem_tree_refused(const struct dmem_tree *t, const struct dmem_node *n, size_t region);

/*
 * The requests for memory of the region that were refused to the existing cgroups, or
 * DMEM_UNKNOWN. @t was read to a depth of 1 at least.
 */
uint64_t dmem_region_refused(const struct dmem_tree *t, size_t region);

/* Does the cgroup use, limit or reserve anything of the region, or has it ever, or
 * has it been refused? Of the figures that were read. */
bool dmem_tree_matters(const struct dmem_tree *t, const struct dmem_node *n, size_t region);

/* The limit that is effective: the smallest dmem.max of the cgroup and those above it in
 * the tree, and never above the capacity where the regions were read with it. */
uint64_t dmem_tree_limit(const struct dmem_tree *t, const struct dmem_node *n, size_t region);

/* The next one in the order of a listing: parents first. NULL at the end. */
struct dmem_node *dmem_tree_next(const struct dmem_node *n);

/* From the root of the tree, without a slash before it. Returns what snprintf() would. */
size_t dmem_node_path(const struct dmem_node *n, char *buf, size_t size);

/* The unit that a cgroup belongs to, as systemd names cgroups, or NULL. Points into
 * @path, whose length is *@len. */
const char *dmem_cgroup_unit(const char *path, size_t *len);

/* ---- dmabuf.c ---- */

/* What one place tells of a dma-buf. What it does not tell is DMEM_UNKNOWN or NULL. */
struct dmem_dmabuf {
	uint64_t ino, size, cgroup;
	const char *exporter, *name, *region;
};

/* How the kernel names the file of a dma-buf, in links and maps. It can name a file of
 * a user so too: the name proves nothing. */
bool dmem_is_dmabuf(const char *file);

/* A file fdinfo/N, which is cut in pieces: the strings point into it. False: it is not
 * about a dma-buf. */
bool dmem_dmabuf_fdinfo(char *text, struct dmem_dmabuf *d);

/* A line of maps. Sets *@ino and *@dev, the minor number of a device that is no disk.
 * False: nothing of a dma-buf is mapped there. True: perhaps. The name can be that of a
 * file on a detached mount; the device tells. */
bool dmem_dmabuf_map(const char *line, uint64_t *ino, uint64_t *dev);

/* Cuts lines off *@text, of debugfs' bufinfo, up to one that is about a dma-buf. False
 * at the end. */
bool dmem_dmabuf_next(char **text, struct dmem_dmabuf *d);

/* ---- buffers.c ---- */

struct dmem_holder {
	int pid;
	const char *comm;
	unsigned int fds, maps;
};

struct dmem_buffer {
	uint64_t ino;
	uint64_t size;			/* bytes, or DMEM_UNKNOWN */
	const char *exporter;		/* of a heap: the heap's name; or NULL */
	const char *name;		/* or NULL */
	const char *region;		/* or NULL: nobody is charged, or the kernel does not tell */
	uint64_t cgroup;		/* the id of who pays, or DMEM_UNKNOWN */
	struct dmem_holder *holder;
	size_t n_holders;		/* 0: only the kernel holds it, or a process out of bounds */
};

struct dmem_buffers {
	struct dmem_buffer *buffer;	/* sorted by inode */
	size_t n;
	bool all_processes;		/* none was out of bounds */
	bool all_buffers;		/* those that only the kernel holds, too */
};

/* Each dma-buf once, with who holds it. Processes out of bounds are not noted one by one. */
int dmem_buffers_read(const struct dmem_sys *s, struct dmem_arena *a, dmem_note_fn note,
		      void *data, struct dmem_buffers *b);

#endif
