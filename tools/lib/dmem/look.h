/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the state of a machine's regions, cgroups and buffers. Changes nothing and needs no
 * privilege: figures without access are DMEM_UNKNOWN, and reported to a callback.
 */
#ifndef DMEM_LOOK_H
#define DMEM_LOOK_H

#include "dmem.h"

/* A figure that could not be read. No region is that large. */
#define DMEM_UNKNOWN	(UINT64_MAX - 1)

/* ---- sys.c ---- */

/* The machine: "/", or a copy of its tree. */
struct dmem_sys {
	int root;
	bool other;		/* not this machine */
	const char *path;	/* as given, not copied; NULL: this machine */
};

/* Called for each file that could not be read, but not for missing files. @err: a positive
 * errno. */
typedef void (*dmem_note_fn)(void *data, const char *path, int err);

/* The text of a file. All zero is empty; readers make room as needed. */
struct dmem_text {
	char *s;
	size_t len, size;
};

/* @sysroot: NULL is "/". 0 or a negative errno. */
int dmem_sys_open(struct dmem_sys *s, const char *sysroot);
void dmem_sys_close(struct dmem_sys *s);

/* Opens a path without a leading slash. In another tree than "/", links stay in it, and anything
 * except files and directories is -EPERM. No O_CREAT in @flags. Returns a descriptor that the
 * caller closes, or a negative errno. */
int dmem_sys_openat(const struct dmem_sys *s, const char *path, int flags);

/* Opens a file of any type, also a device, by a path with or without a leading slash. As above. */
int dmem_sys_open_any(const struct dmem_sys *s, const char *path, int flags);

/* Makes the missing directories of a path, and opens it with O_PATH. As above. */
int dmem_sys_make_dirs(const struct dmem_sys *s, const char *path);

/* Opens the root of the cgroup tree with O_PATH. As above, but -ELOOP if a link leads to it in
 * another tree: writes must not reach another machine's tree. */
int dmem_sys_cgroup(const struct dmem_sys *s);

/* Reads a file: in a directory, or by its path in the tree. The text ends with a zero, and lives
 * until @t is read into again or freed. Only regular files are opened; -EFBIG: larger than any file
 * of the kernel. */
int dmem_read_at(int dir, const char *name, struct dmem_text *t);
int dmem_sys_read(const struct dmem_sys *s, const char *path, struct dmem_text *t);

/* Reads an open file and closes it. A negative @fd is an errno, and returned as it is. */
int dmem_read_fd(int fd, struct dmem_text *t);
void dmem_text_free(struct dmem_text *t);

/* The first line of a file, or NULL if it cannot be read. */
char *dmem_first_line(struct dmem_arena *a, int dir, const char *name);

/* Lists the names in a directory, sorted, without "." and "..". -ENOENT: no such
 * directory. */
int dmem_sys_list(const struct dmem_sys *s, const char *path, struct dmem_arena *a,
		  const char ***names, size_t *n);

/* ---- figures.c ---- */

/* Figures of one cgroup in one region, in bytes or number of requests. */
enum dmem_figure {
	DMEM_F_CURRENT, DMEM_F_PEAK, DMEM_F_MIN, DMEM_F_LOW, DMEM_F_MAX,
	/* dmem.events, with the cgroups below */
	DMEM_F_EV_MAX, DMEM_F_EV_ALLOC_FAIL, DMEM_F_EV_EXHAUSTED, DMEM_F_EV_RESERVED,
	/* dmem.stat */
	DMEM_F_LOCAL, DMEM_F_DYING, DMEM_F_RESERVED, DMEM_F_COMMITTED,
	DMEM_FIGURES
};

#define DMEM_BIT(figure)	(1u << (figure))
#define DMEM_REFUSALS		(DMEM_BIT(DMEM_F_EV_ALLOC_FAIL) | DMEM_BIT(DMEM_F_EV_EXHAUSTED) | \
				 DMEM_BIT(DMEM_F_EV_RESERVED))

/* The file of a figure ("dmem.events"), and its key there, or NULL. */
const char *dmem_figure_file(enum dmem_figure f);
const char *dmem_figure_key(enum dmem_figure f);

/* Cuts the next line off *@text: a region, and the rest of the line. False at the end. Lines
 * without a blank are skipped, since they do not belong to these files. */
bool dmem_next_line(char **text, char **region, char **rest);

/* Parses "4096" or "max". DMEM_UNKNOWN: malformed. */
uint64_t dmem_number(const char *s);

/* The number after "key=" in "a=1 b=2", or DMEM_UNKNOWN. */
uint64_t dmem_keyed_number(const char *rest, const char *key);

/* ---- regions.c ---- */

struct dmem_region {
	const char *name;
	const char **heap;		/* heaps that use this region */
	size_t n_heaps;
	/* Bytes, or DMEM_UNKNOWN. */
	uint64_t capacity;
	uint64_t current;		/* charge of all cgroups */
	uint64_t peak;			/* largest charge since boot */
	uint64_t unaccounted;		/* in use without a charge */
	uint64_t available;		/* free, in any number of pieces */
	uint64_t largest;		/* largest free run */
	unsigned int read_in;		/* private to regions.c: the file read last */
	const char *listed;		/* name in files of the controller */
	size_t line;			/* line number there, or SIZE_MAX */
};

struct dmem_heap {
	const char *name;
	const char *region;		/* NULL: not accounted */
	bool told;			/* the kernel reports regions of heaps */
};

struct dmem_regions {
	struct dmem_region *region;	/* sorted by name */
	size_t n;
	struct dmem_heap *heap;
	size_t n_heaps;
	size_t *by_line, n_lines;	/* indexes of the regions, in the order of the files */
	/* The names are from dmem.capacity: the controller is in use, and this is not a cgroup
	 * namespace. */
	bool complete;
};

/* Figures of regions to read: files without one of these are not opened. */
enum {
	DMEM_READ_CAPACITY	= 1 << 0,
	DMEM_READ_CURRENT	= 1 << 1,
	DMEM_READ_PEAK		= 1 << 2,
	DMEM_READ_HEAPS		= 1 << 3,
	DMEM_READ_UNACCOUNTED	= 1 << 4,
	DMEM_READ_AVAILABLE	= 1 << 5,
	DMEM_READ_LARGEST	= 1 << 6,
};

/* Reads the regions' names and the figures in @what. Other figures may be unknown. */
int dmem_regions_read_some(const struct dmem_sys *s, struct dmem_arena *a, unsigned int what,
			   dmem_note_fn note, void *data, struct dmem_regions *r);

/* Reads all figures of regions. */
int dmem_regions_read(const struct dmem_sys *s, struct dmem_arena *a, dmem_note_fn note,
		      void *data, struct dmem_regions *r);

/* The region for a name in a section: the heap's region for "dma_heap/NAME". Returns the name
 * itself if it is not known. */
const char *dmem_regions_meant(const struct dmem_regions *r, const char *name);

/* The index of a region, or r->n. @guess: the index to try first, since most files have the same
 * order. */
size_t dmem_regions_index(const struct dmem_regions *r, const char *name, size_t guess);

/* The state for reading files of the controller line by line, and finding their regions. @read_in
 * must be zero for each region at first. */
struct dmem_lines {
	const struct dmem_regions *r;
	unsigned int *read_in, file;	/* by region: number of the file with its last line */
	size_t line;
};

/* The next line is the first of a file. */
void dmem_lines_start(struct dmem_lines *l);

/* Returns the index of the region of the next line, which starts with @name, or l->r->n: an unknown
 * region. Each region has one line in a file: the second one with the same name belongs to the
 * region "NAME#2". All files have the same order, so no search is needed. */
size_t dmem_lines_next(struct dmem_lines *l, const char *name);

/* Writes the name for the @nth region (from 2 on) that the kernel lists with the same name to @buf,
 * cut to its @size, and returns it. */
char *dmem_region_numbered(char *buf, size_t size, const char *name, unsigned int nth);

/* DMEM_OK: the controller is in use, and there are regions. Otherwise the reason, whose text names
 * the remedy; all programs then end with exit status 1. */
enum dmem_status dmem_regions_status(const struct dmem_sys *s, const struct dmem_regions *r);

/* True if the tree of cgroups starts with an ordinary cgroup, as in a container: cgroups above it,
 * and their limits, cannot be seen here. */
bool dmem_is_inner_tree(const struct dmem_sys *s);

/* NULL: there is no such region. */
struct dmem_region *dmem_regions_find(const struct dmem_regions *r, const char *name);

/* ---- tree.c ---- */

struct dmem_node {
	struct dmem_node *parent, *child, *next;	/* children are sorted by name */
	const char *name;		/* of the directory; "" is the root */
	uint64_t id;			/* inode number of the directory */
	size_t at;			/* number in the order of a listing, from 0 */
	uint64_t *figure;		/* NULL: the controller is not enabled */
};

struct dmem_tree {
	struct dmem_node *root;
	size_t n;			/* number of cgroups */
	const struct dmem_regions *regions;
	signed char slot[DMEM_FIGURES];	/* index of a figure in a node, or -1 */
	unsigned int slots;
	unsigned int counting;		/* bit per slot in which only 0 means unused */
};

/* Begins a tree without nodes, for @figures (DMEM_BIT()s) that are not read from files. */
void dmem_tree_begin(struct dmem_tree *t, const struct dmem_regions *regions, unsigned int figures);

/* Reads @figures (DMEM_BIT()s) of the cgroup at @path ("" is the root) and of its descendants, down
 * to a depth. Each file is opened and read once, and only if one of its figures is requested.
 * Cgroups that are removed meanwhile are left out. -ENOENT: no such cgroup. */
int dmem_tree_read(const struct dmem_sys *s, struct dmem_arena *a,
		   const struct dmem_regions *regions, const char *path, unsigned int figures,
		   unsigned int depth, dmem_note_fn note, void *data, struct dmem_tree *t);

/* Returns one figure of one region, or DMEM_UNKNOWN. @region: index in t->regions. */
uint64_t dmem_tree_figure(const struct dmem_tree *t, const struct dmem_node *n, size_t region,
			  enum dmem_figure f);

/* The number of refused requests of the cgroup and its descendants for all reasons, or DMEM_UNKNOWN
 * if the kernel does not count them. */
uint64_t dmem_tree_refused(const struct dmem_tree *t, const struct dmem_node *n, size_t region);

/*
 * The number of refused requests for memory of the region in all existing cgroups, or DMEM_UNKNOWN.
 * Needs a @t with a depth of at least 1.
 */
uint64_t dmem_region_refused(const struct dmem_tree *t, size_t region);

/* True if one of the figures that were read shows a use of the region: a charge, a peak, a limit, a
 * reservation, or a refused request. */
bool dmem_tree_matters(const struct dmem_tree *t, const struct dmem_node *n, size_t region);

/* The effective limit: the smallest dmem.max of the cgroup and its ancestors in the tree, at most
 * the capacity, if that was read. */
uint64_t dmem_tree_limit(const struct dmem_tree *t, const struct dmem_node *n, size_t region);

/* The next cgroup in the order of a listing: parents come first. NULL at the end. */
struct dmem_node *dmem_tree_next(const struct dmem_node *n);

/* Writes the path from the root of the tree, without a leading slash. Returns its length, like
 * snprintf(). */
size_t dmem_node_path(const struct dmem_node *n, char *buf, size_t size);

/* The unit that a cgroup belongs to, by systemd's naming of cgroups, or NULL. Points into @path;
 * its length is *@len. */
const char *dmem_cgroup_unit(const char *path, size_t *len);

/* ---- dmabuf.c ---- */

/* The description of a dma-buf from one source. Missing values are DMEM_UNKNOWN or NULL. */
struct dmem_dmabuf {
	uint64_t ino, size, cgroup;
	const char *exporter, *name, *region;
};

/* True if a link or map has the name that the kernel gives to dma-bufs. A user's file may have such
 * a name, too, so it proves nothing. */
bool dmem_is_dmabuf(const char *file);

/* Parses a file fdinfo/N. Changes the text: the strings point into it. False: not a dma-buf. */
bool dmem_dmabuf_fdinfo(char *text, struct dmem_dmabuf *d);

/* Parses a line of maps. Sets *@ino and *@dev, the minor number of a device without a disk. False:
 * no dma-buf is mapped there. True: perhaps one is. A file on a detached mount may have such a
 * name, so compare the device. */
bool dmem_dmabuf_map(const char *line, uint64_t *ino, uint64_t *dev);

/* Cuts lines off *@text, of debugfs' bufinfo, up to those of a dma-buf and its owner. False at the
 * end. */
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
	const char *exporter;		/* name of the heap, if a heap made it; or NULL */
	const char *name;		/* or NULL */
	const char *region;		/* NULL: not charged, or not reported by the kernel */
	uint64_t cgroup;		/* id of the owner, or DMEM_UNKNOWN */
	struct dmem_holder *holder;
	size_t n_holders;		/* 0: held by the kernel, or by a process without access */
};

struct dmem_buffers {
	struct dmem_buffer *buffer;	/* sorted by inode */
	size_t n;
	bool all_processes;		/* access to all processes */
	bool all_buffers;		/* the list includes buffers held by the kernel only */
};

/* Lists each dma-buf once, with its holders. Processes without access are not reported one by
 * one. */
int dmem_buffers_read(const struct dmem_sys *s, struct dmem_arena *a, dmem_note_fn note,
		      void *data, struct dmem_buffers *b);

/* The region of a buffer, or of its heap if the kernel reports no region; or NULL. */
const char *dmem_buffer_region(const struct dmem_regions *r, const struct dmem_buffer *b);

#endif
