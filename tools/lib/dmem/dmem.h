/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libdmem - what the programs for dmem caps share
 *
 * No global state. The parsers do no I/O. Whatever is allocated comes from an
 * arena that the caller owns and frees once; nothing else is to be freed,
 * unless a comment says so. Functions that return int return 0 or a negative
 * errno, unless a comment says otherwise.
 */
#ifndef DMEM_H
#define DMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DMEM_SECTION	"X-Dmem"
#define DMEM_NO_LIMIT	UINT64_MAX
/* One page of the longest line the kernel prints: more is no region. */
#define DMEM_REGION_LEN	255

/* ---- arena.c ---- */

struct dmem_block;

/* All zero is an empty arena. */
struct dmem_arena {
	struct dmem_block *last;
};

/* Zeroed memory for any type, or NULL. Lives until dmem_arena_free(). */
void *dmem_alloc(struct dmem_arena *a, size_t size);

/* A copy of the first @len bytes, with a zero after it, or NULL. */
char *dmem_strndup(struct dmem_arena *a, const char *s, size_t len);
char *dmem_strdup(struct dmem_arena *a, const char *s);
char *dmem_printf(struct dmem_arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Room for one element more in an array of @n elements of @size bytes, which
 * has grown by this function only. Returns the array, moved perhaps, or NULL. */
void *dmem_grow(struct dmem_arena *a, void *array, size_t n, size_t size);

void dmem_arena_free(struct dmem_arena *a);

/* ---- value.c ---- */

/* The files dmem.max, dmem.min and dmem.low. */
enum dmem_kind { DMEM_MAX, DMEM_MIN, DMEM_LOW, DMEM_KINDS };

extern const char * const dmem_kind_names[DMEM_KINDS];

struct dmem_value {
	bool percent;
	/* Bytes or DMEM_NO_LIMIT; hundredths of a per cent of the capacity. */
	uint64_t n;
};

/* "24M", "1.5G", "max", "12.5%". -EINVAL: no such value, -ERANGE: too large. */
int dmem_parse_value(const char *s, struct dmem_value *v);

/* Bytes for a region of @capacity bytes, rounded down. */
uint64_t dmem_resolve_value(const struct dmem_value *v, uint64_t capacity);

/* 1, 0 or -EINVAL: a switch, as systemd takes it. */
int dmem_parse_bool(const char *v);

/* What is wrong with this region's name, to be read after the name, or NULL. */
const char *dmem_region_problem(const char *region);

/* The heap's name in "dma_heap/NAME" or "/dev/dma_heap/NAME", or NULL: a region named
 * directly. */
const char *dmem_region_heap(const char *region);

/* ---- cgroup.c: what can go wrong ---- */

/* What can go wrong with a cap. The numbers are the exit codes of dmem-apply. */
enum dmem_status {
	DMEM_OK			= 0,
	DMEM_USAGE		= 2,	/* not a command line of ours */
	DMEM_NO_CGROUP2		= 3,	/* no cgroup v2 there */
	DMEM_NO_OWN_CGROUP	= 4,	/* not in a unit's cgroup */
	DMEM_NO_CONTROLLER	= 5,	/* the kernel has no dmem */
	DMEM_CANNOT_ENABLE	= 6,	/* +dmem was refused */
	DMEM_NO_REGION		= 7,	/* no such region, after waiting */
	DMEM_NO_HEAP_REGION	= 8,	/* the heap is not accounted */
	DMEM_READ_ONLY		= 9,	/* cgroupfs is read-only */
	DMEM_PERMISSION		= 10,
	DMEM_BELOW_USAGE	= 11,	/* more is in use than the cap allows */
	DMEM_NO_EFFECT		= 12,	/* written, and nothing has changed */
	DMEM_DELEGATED		= 13,	/* below a delegated unit */
	DMEM_MISTAKE		= 14,	/* the section has a mistake */
	DMEM_WRITE_FAILED	= 15,
	DMEM_BAD_VALUE		= 16,
	DMEM_BAD_NAME		= 17,	/* a path that leaves the tree */
	DMEM_NO_CGROUP		= 18,	/* the cgroup is not there */
	DMEM_NO_MEMORY		= 19,
	DMEM_FOREIGN_MOUNT	= 20,	/* a mount hides the kernel's files */
	DMEM_NO_CAPACITY	= 21,	/* a percentage, and no dmem.capacity */
	DMEM_NOT_ENABLED	= 22,	/* dmem is there, and in use nowhere */
	DMEM_NO_REGIONS		= 23,	/* dmem is in use, and there is no region at all */
	DMEM_STATUSES
};

/* What to say to the administrator: a sentence and a remedy. */
const char *dmem_status_text(enum dmem_status s);

/* ---- limit.c ---- */

/* What somebody wants of a region that is found later. */
struct dmem_limit {
	enum dmem_kind kind;
	const char *region;
	struct dmem_value value;
	const char *text;	/* as it was given; not copied */
};

enum dmem_status dmem_limit_parse(struct dmem_arena *a, enum dmem_kind kind, const char *arg,
				  struct dmem_limit *l);

struct dmem_sys;

/* The region's name in the kernel and its capacity in bytes, as they are now. The capacity is
 * DMEM_UNKNOWN in a cgroup namespace, which has none: then a percentage is DMEM_NO_CAPACITY.
 * @root: of the cgroup tree; @heaps: the directory of the heaps' class, below @sys, or a path
 * of this machine if @sys is NULL. */
enum dmem_status dmem_limit_find(struct dmem_arena *a, int root, const struct dmem_sys *sys,
				 const char *heaps, const struct dmem_limit *l, const char **name,
				 uint64_t *capacity);

/* ---- name.c ---- */

enum dmem_type {
	DMEM_SERVICE, DMEM_SLICE, DMEM_SOCKET, DMEM_MOUNT, DMEM_SWAP, DMEM_SCOPE,
	DMEM_TARGET, DMEM_TIMER, DMEM_PATH, DMEM_DEVICE, DMEM_AUTOMOUNT,
	DMEM_TYPES
};

extern const char * const dmem_type_names[DMEM_TYPES];

/* The type of a valid unit name ("a.service", "a@.service", "a@b.service"),
 * or -EINVAL. */
int dmem_unit_type(const char *name);

/* Where the instance starts, after the "@", or NULL. Empty for a template:
 * then it points to the last dot. */
const char *dmem_unit_instance(const char *name);
bool dmem_unit_is_template(const char *name);
bool dmem_unit_is_instance(const char *name);

/* "a@b.service" with another instance: "" makes the template. NULL: no memory,
 * or no template. */
char *dmem_unit_with_instance(struct dmem_arena *a, const char *name, const char *instance,
			      size_t len);

/* Escapes as systemd-escape does: "a b/c" is "a\x20b-c". NULL: no memory. */
char *dmem_escape(struct dmem_arena *a, const char *s);

/* Replaces %i, %I, %j, %J, %n, %N, %p, %P and %% as systemd does for a unit of this
 * name. NULL: there is another specifier, or no memory. */
char *dmem_expand(struct dmem_arena *a, const char *unit, const char *text);

/* A name as it is, of one that was copied from the output of our programs: there "\xNN"
 * stands for a byte that cannot be printed, and with --raw for a blank. All other
 * backslashes stay. A name may have those characters itself, so look for the word as it
 * was given first. NULL: no memory. */
char *dmem_name_decode(struct dmem_arena *a, const char *s);

/* The cgroup of a slice: "a-b.slice" is "a.slice/a-b.slice", "-.slice" is "", and
 * "memory.slice" is "_memory.slice". Releases of systemd differ in a few names, such as
 * "devices.slice": sets *@other to the second path that may be meant, or NULL. NULL: not a
 * slice's name, or no memory. */
char *dmem_slice_path(struct dmem_arena *a, const char *slice, char **other);

/* ---- conf.c ---- */

/* A mistake in a file. Every part but @line is set; line 0 is the whole file. */
struct dmem_report {
	const char *file;
	unsigned int line;
	/* What was found there, what is wrong with it, and what to do. */
	const char *word, *what, *remedy;
	/* Nothing is left out because of it. */
	bool warning;
};

typedef void (*dmem_report_fn)(void *data, const struct dmem_report *r);

/* Called for each "[section]" (@key is NULL) and for each "key=value"; @section is ""
 * before the first. A line without "=" comes as @key, with no @value. A line at which
 * systemd stops reading the file comes as @key, with no @section, and @value is the
 * reason, to be read after the line: the parser stops there, too. Strings live until
 * the call returns. Not 0 ends the parser, which returns it. */
typedef int (*dmem_conf_fn)(void *data, unsigned int line, const char *section,
			    const char *key, const char *value);

/* The syntax of unit files, as systemd reads it: comments, continued lines,
 * blanks. What is no syntax at all is left to systemd to complain about. */
int dmem_conf_parse(const char *text, size_t len, dmem_conf_fn fn, void *data);

/* The same. Sets *@read to the number of bytes before the place where it stopped. */
int dmem_conf_parse_part(const char *text, size_t len, dmem_conf_fn fn, void *data, size_t *read);

/* Makes "?" of control characters and of bytes that are no UTF-8, in place, so that
 * @s is one line and does nothing to a terminal. */
void dmem_make_printable(char *s);

/* Cuts the next word off *@s, quotes and escapes resolved in place, as systemd
 * does. NULL at the end; *@err is -EINVAL for a quote that is not closed. */
char *dmem_conf_word(char **s, int *err);

/* What the letters @s after a backslash stand for, as in C. Sets *@taken to how many there
 * are. -EINVAL: for nothing. */
int dmem_conf_escape(const char *s, size_t *taken);

/* Adds @text to the line of a command so that systemd hands it to the program
 * as it is. With @specifiers, "%i" and the like keep their meaning. No quotes
 * around it: the caller writes those. Returns what snprintf() would. */
size_t dmem_quote(char *buf, size_t size, const char *text, bool specifiers);

/* ---- section.c ---- */

struct dmem_cap {
	enum dmem_kind kind;
	const char *region;	/* may hold specifiers such as %i */
	const char *value;	/* as written, checked */
	const char *file;	/* where it is written */
	unsigned int line;
};

struct dmem_obstacle {
	const char *key;		/* NULL if there is none */
	const char *file;
	unsigned int line;
};

/* Something that a service has mounted, see obstacle.c. */
struct dmem_mount {
	struct dmem_obstacle o;
	int list;		/* the key that an empty value of empties */
	const char *path;	/* where; "" is the root */
	bool open;		/* nobody knows how @path goes on */
	bool same;		/* it was there before */
	bool empty;		/* a new file system */
	bool unsure;		/* not all releases of systemd mount it */
	bool anywhere;		/* somebody else than root decides where it leads */
};

/* A path that systemd uses before it runs our program, see obstacle.c. */
struct dmem_start_path {
	struct dmem_obstacle o;
	const char *path;
	bool open;		/* nobody knows how @path goes on */
	bool home;		/* it is the user's home directory */
};

/* Settings that are obstacles by themselves. */
#define DMEM_OBSTACLES	5

struct dmem_caps {
	struct dmem_cap *cap;
	size_t n;
	bool strict;
	/* The first mistake, or NULL. */
	const char *mistake_file;
	unsigned int mistake_line;
	/* What can make a cap from inside the unit impossible: another root directory or
	 * an extension of it, by key, or a mount over the program of this path. */
	struct dmem_obstacle obstacle[DMEM_OBSTACLES];
	bool root_start_only;
	struct dmem_mount *mount;
	size_t n_mounts;
	const char *program;
	/* Files of the environment, the working directory, and whether the unit has
	 * another user than root. Of the paths, the first that may not be root's. */
	struct dmem_start_path *start_path, working_directory;
	size_t n_start_paths;
	bool dynamic_user, other_user;
	struct dmem_obstacle shaped;
	/* The last file that has a section, or NULL. */
	const char *file;
};

struct dmem_entry;

/* What one unit file or drop-in says. All zero is a file that says nothing. */
struct dmem_section {
	const char *file;
	struct dmem_entry *entry;
	size_t n;
	bool present;			/* it has the section */
	unsigned int line;		/* where the section starts */
	unsigned int clears_line;	/* of an empty ExecCondition=, or 0 */
	unsigned int mistakes, mistake_line;
};

/* Could this name of a section be meant for ours? True for ours, too. */
bool dmem_section_meant(const char *section);

/* The names of the keys, by kind, and of the one that is not a list. */
extern const char * const dmem_cap_keys[DMEM_KINDS];
#define DMEM_STRICT_KEY	"DeviceMemoryStrict"

/* May this text matter to dmem_section_parse()? Fast, and never wrongly no. */
bool dmem_section_hint(const char *text, size_t len);

/* Reads one file. Mistakes are reported, counted, and left out. @file is kept,
 * not copied. */
int dmem_section_parse(struct dmem_arena *a, const char *file, const char *text, size_t len,
		       dmem_report_fn report, void *data, struct dmem_section *s);

/* Adds what a later file says. All zero is the start. @hidden: the path of the
 * program that must be seen from inside the unit. */
int dmem_caps_add(struct dmem_arena *a, struct dmem_caps *caps, const struct dmem_section *s,
		  const char *hidden);

/* Is there anything to do for the unit? */
bool dmem_caps_any(const struct dmem_caps *caps);

/* What keeps our program from running inside the unit, or NULL. */
const struct dmem_obstacle *dmem_caps_obstacle(const struct dmem_caps *caps);

/* The setting by which the unit's user may keep our program from being run, while the
 * unit starts without it. NULL: there is none, or the unit would not start. */
const struct dmem_obstacle *dmem_caps_shaped(const struct dmem_caps *caps);

/* Do both lead to the same caps? */
bool dmem_caps_equal(const struct dmem_caps *x, const struct dmem_caps *y);

/* ---- obstacle.c ---- */

/* Is this one of the keys of [Service] that matter to dmem_caps_obstacle() or
 * dmem_caps_shaped()? */
bool dmem_obstacle_key(const char *key);

/* Is this a path that systemd takes for a fatal mistake? It reads no more of the file. */
bool dmem_obstacle_ends_file(struct dmem_arena *a, const char *key, const char *value);

/* Adds an assignment to such a key. @key and @value are not kept. 0 or -ENOMEM. */
int dmem_obstacle_add(struct dmem_arena *a, struct dmem_caps *caps, const char *key, const char *value,
		      const char *file, unsigned int line);

/* ---- cgroup.c ---- */

/* Opens the root of a cgroup2 tree; @any: of any tree, for tests. Sets *@fd,
 * which the caller closes. */
enum dmem_status dmem_cgroup_open(const char *root, bool any, int *fd);

/* Is this the root of a cgroup2 tree? @any: of any tree, as above. */
enum dmem_status dmem_cgroup_check(int fd, bool any);

/* Makes the cgroup and those above it. No error if they are there. */
enum dmem_status dmem_cgroup_make(int root, const char *path);

/* Enables the controller in the root, whose dmem.capacity is not there before. */
enum dmem_status dmem_cgroup_use(int root);

/* Enables the controller for @path: in each cgroup above it, never in itself,
 * and never in what a delegated unit manages. "" is the root, for which there
 * is nothing to enable. */
enum dmem_status dmem_cgroup_enable(int root, const char *path);

/* The same from the cgroup @base on, above @path: nothing is written above it. */
enum dmem_status dmem_cgroup_enable_below(int root, const char *base, const char *path);

/* The line of @region in a file of the cgroup, such as "dmem.capacity". Sets
 * bytes or DMEM_NO_LIMIT. */
enum dmem_status dmem_cgroup_get(int root, const char *path, const char *file,
				 const char *region, uint64_t *value);

/* How many lines of @region a file of the root has. Two regions can have one name. */
size_t dmem_cgroup_lines(int root, const char *file, const char *region);

/* Is this value in force? DMEM_NO_EFFECT: another one is. */
enum dmem_status dmem_cgroup_is(int root, const char *path, enum dmem_kind kind, const char *region,
				uint64_t value);

/* Writes one limit, reads it back and compares. */
enum dmem_status dmem_cgroup_set(int root, const char *path, enum dmem_kind kind,
				 const char *region, uint64_t value);

#endif
