/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libdmem - functions shared by the programs for dmem limits
 *
 * No global state. The parsers do no I/O. All memory comes from an arena that the caller owns and
 * frees once; nothing else needs to be freed, unless a comment says so. Functions that return int
 * return 0, or a count or descriptor, or a negative errno; errno itself carries nothing to the
 * caller. Functions about limits return enum dmem_status instead, which has a sentence and a remedy
 * for the administrator: cgroup.c makes it of an errno, in one place.
 */
#ifndef DMEM_H
#define DMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DMEM_SECTION	"X-Dmem"
#define DMEM_NO_LIMIT	UINT64_MAX
/* The kernel prints at most one page per line, so longer names do not exist. */
#define DMEM_REGION_LEN	255

/* ---- arena.c ---- */

struct dmem_block;

/* All zero is an empty arena. */
struct dmem_arena {
	struct dmem_block *last;
};

/* Zeroed memory for any type, or NULL: out of memory. Lives until dmem_arena_free(). */
void *dmem_alloc(struct dmem_arena *a, size_t size);

/* A copy of the first @len bytes, with a zero after it. NULL: out of memory. */
char *dmem_strndup(struct dmem_arena *a, const char *s, size_t len);
char *dmem_strdup(struct dmem_arena *a, const char *s);
char *dmem_printf(struct dmem_arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Makes room for one more element in an array of @n elements of @size bytes, which was grown only
 * by this function. Returns the array, which may have moved, or NULL. */
void *dmem_grow(struct dmem_arena *a, void *array, size_t n, size_t size);

/* The same for an array to free(), with room for *@room elements. After NULL, the caller still has
 * the old array. */
void *dmem_room(void *array, size_t n, size_t *room, size_t size);

void dmem_arena_free(struct dmem_arena *a);

/* ---- value.c ---- */

/* The files dmem.max, dmem.min and dmem.low. */
enum dmem_kind { DMEM_MAX, DMEM_MIN, DMEM_LOW, DMEM_KINDS };

extern const char * const dmem_kind_names[DMEM_KINDS];

struct dmem_value {
	bool percent;
	/* Bytes or DMEM_NO_LIMIT; for a percentage, hundredths of a per cent of the capacity. */
	uint64_t n;
};

/* Parses "24M", "1.5G", "max", "12.5%". -EINVAL: malformed, -ERANGE: too large. */
int dmem_parse_value(const char *s, struct dmem_value *v);

/* Returns the value in bytes for a region of @capacity bytes, rounded down. */
uint64_t dmem_resolve_value(const struct dmem_value *v, uint64_t capacity);

/* Parses a switch like systemd: 1, 0 or -EINVAL. */
int dmem_parse_bool(const char *v);

/* The problem with this region's name, to be printed after the name, or NULL. */
const char *dmem_region_problem(const char *region);

/* The heap in "dma_heap/NAME" or "/dev/dma_heap/NAME"; NULL: the text is a region's name. */
const char *dmem_region_heap(const char *region);

/* ---- cgroup.c: results ---- */

/* Results of setting a limit. The numbers are the exit codes of dmem-apply. */
enum dmem_status {
	DMEM_OK			= 0,
	DMEM_USAGE		= 2,	/* invalid command line */
	DMEM_NO_CGROUP2		= 3,	/* no cgroup v2 tree */
	DMEM_NO_OWN_CGROUP	= 4,	/* the process is not in a unit's cgroup */
	DMEM_NO_CONTROLLER	= 5,	/* the kernel has no dmem controller */
	DMEM_CANNOT_ENABLE	= 6,	/* +dmem was refused */
	DMEM_NO_REGION		= 7,	/* no such region, even after waiting */
	DMEM_NO_HEAP_REGION	= 8,	/* the heap is not accounted */
	DMEM_READ_ONLY		= 9,	/* cgroupfs is read-only */
	DMEM_PERMISSION		= 10,
	DMEM_BELOW_USAGE	= 11,	/* more is in use than the limit allows */
	DMEM_NO_EFFECT		= 12,	/* written without an effect */
	DMEM_DELEGATED		= 13,	/* in a delegated unit */
	DMEM_MISTAKE		= 14,	/* the section has a mistake */
	DMEM_WRITE_FAILED	= 15,
	DMEM_BAD_VALUE		= 16,
	DMEM_BAD_NAME		= 17,	/* the path leaves the tree */
	DMEM_NO_CGROUP		= 18,	/* the cgroup does not exist */
	DMEM_NO_MEMORY		= 19,
	DMEM_FOREIGN_MOUNT	= 20,	/* a mount hides the kernel's files */
	DMEM_NO_CAPACITY	= 21,	/* a percentage needs dmem.capacity */
	DMEM_NOT_ENABLED	= 22,	/* no cgroup has the controller enabled */
	DMEM_NO_REGIONS		= 23,	/* the controller is enabled, and there is no region */
	DMEM_STATUSES
};

/* A sentence for the administrator: the problem and a remedy. */
const char *dmem_status_text(enum dmem_status s);

/* A kernel without the series. */
#define DMEM_PLAIN_KERNEL	"this kernel has no regions for CMA areas and heaps"
#define DMEM_PLAIN_REMEDY	"use a kernel with the patches for dmem regions of CMA areas and heaps"

/* True if the region, or that of the heap "dma_heap/NAME", cannot appear, whichever drivers are
 * loaded: it would be one of a CMA area, of a heap or of a coherent pool, and the kernel has none.
 * @root: of the cgroup tree. False while the controller is not enabled. */
bool dmem_region_never(int root, const char *region);

/* The same sentence, or a better one if dmem_region_never() is the reason. */
const char *dmem_region_status_text(int root, const char *region, enum dmem_status s);

/* ---- limit.c ---- */

/* A limit with the name of its region, which is looked up later. */
struct dmem_limit {
	enum dmem_kind kind;
	const char *region;
	struct dmem_value value;
	const char *text;	/* as written; not copied */
	bool sum;		/* set by the caller: of the units in a slice */
};

enum dmem_status dmem_limit_parse(struct dmem_arena *a, enum dmem_kind kind, const char *arg,
				  struct dmem_limit *l);

struct dmem_sys;

/* Finds the region's name in the kernel and its capacity in bytes. In a cgroup namespace the
 * capacity is DMEM_UNKNOWN, since there is no dmem.capacity: a percentage then fails with
 * DMEM_NO_CAPACITY. @root: of the cgroup tree; @heaps: the directory of the heaps' class, below
 * @sys, or a path of this machine if @sys is NULL. */
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

/* Points to the instance after the "@", or NULL. For a template it is empty, and points to the last
 * dot. */
const char *dmem_unit_instance(const char *name);
bool dmem_unit_is_template(const char *name);
bool dmem_unit_is_instance(const char *name);

/* "a@b.service" with another instance: "" makes the template. NULL: out of memory, or @name has no
 * "@". */
char *dmem_unit_with_instance(struct dmem_arena *a, const char *name, const char *instance,
			      size_t len);

/* Escapes like systemd-escape: "a b/c" is "a\x20b-c". NULL: out of memory. */
char *dmem_escape(struct dmem_arena *a, const char *s);

/* Replaces %i, %I, %j, %J, %n, %N, %p, %P and %% like systemd for a unit of this name. NULL:
 * another specifier, or out of memory. */
char *dmem_expand(struct dmem_arena *a, const char *unit, const char *text);

/* Decodes a name that a user copied from the output of our programs: there "\xNN" stands for a byte
 * that cannot be printed, and with --raw for a blank. All other backslashes stay. A real name may
 * contain such text, so look for the word itself first. NULL: out of memory. */
char *dmem_name_decode(struct dmem_arena *a, const char *s);

/* The cgroup of a slice: "a-b.slice" is "a.slice/a-b.slice", "-.slice" is "", and "memory.slice" is
 * "_memory.slice". Releases of systemd differ in a few names, such as "devices.slice": sets *@other
 * to the second possible path, or NULL. NULL: not a slice's name, or out of memory. */
char *dmem_slice_path(struct dmem_arena *a, const char *slice, char **other);

/* ---- conf.c ---- */

/* A mistake in a file. All parts except @line are set; line 0 is the whole file. */
struct dmem_report {
	const char *file;
	unsigned int line;
	/* The text in the file, the problem with it, and the remedy. */
	const char *word, *what, *remedy;
	/* Only a warning: the text is used all the same. */
	bool warning;
};

typedef void (*dmem_report_fn)(void *data, const struct dmem_report *r);

/* Called for each "[section]" (@key is NULL) and for each "key=value"; @section is "" before the
 * first section. For a line without "=", @key is the line and @value is NULL. For a line at which
 * systemd stops reading, @key is the line, @section is NULL and @value is the reason, to be printed
 * after the line: the parser stops there, too. Strings live until the call returns. A result other
 * than 0 ends the parser, which returns it. */
typedef int (*dmem_conf_fn)(void *data, unsigned int line, const char *section,
			    const char *key, const char *value);

/* Parses a unit file like systemd: comments, continued lines, blanks. Reports no syntax errors,
 * since systemd does. */
int dmem_conf_parse(const char *text, size_t len, dmem_conf_fn fn, void *data);

/* The same. Sets *@read to the number of bytes before the place where it stopped. */
int dmem_conf_parse_part(const char *text, size_t len, dmem_conf_fn fn, void *data, size_t *read);

/* Replaces control characters and invalid UTF-8 by "?" in place, so that @s is one line and does
 * not change a terminal. */
void dmem_make_printable(char *s);

/* Cuts the next word off *@s, and resolves quotes and escapes in place, like systemd. NULL at the
 * end; *@err is -EINVAL for a quote that is not closed. */
char *dmem_conf_word(char **s, int *err);

/* The value of the escape @s (without its backslash), as in C. Sets *@taken to the length of the
 * escape. -EINVAL: not an escape. */
int dmem_conf_escape(const char *s, size_t *taken);

/* Appends @text to a command line of a unit file so that systemd passes it to the program
 * unchanged. With @specifiers, "%i" and the like keep their meaning. The caller writes the quotes
 * around it. Returns the length, like snprintf(). */
size_t dmem_quote(char *buf, size_t size, const char *text, bool specifiers);

/* ---- section.c ---- */

/* A limit as a section has it. */
struct dmem_section_limit {
	enum dmem_kind kind;
	const char *region;	/* may contain specifiers such as %i */
	const char *value;	/* as written, and valid */
	const char *file;	/* where it was written */
	unsigned int line;
	bool sum;		/* of the units in a slice, which has no line for the region */
};

struct dmem_obstacle {
	const char *key;		/* NULL: no obstacle */
	const char *file;
	unsigned int line;
};

/* A mount of a service, see obstacle.c. */
struct dmem_mount {
	struct dmem_obstacle o;
	int list;		/* the key whose empty value resets the list */
	const char *path;	/* where it is mounted; "" is the root */
	bool open;		/* the rest of @path is not known */
	bool same;		/* it only mounts a directory at its own place */
	bool empty;		/* a new, empty file system */
	bool unsure;		/* not all releases of systemd mount it */
	bool anywhere;		/* users other than root decide where it leads */
};

/* A path that systemd uses before it runs dmem-apply, see obstacle.c. */
struct dmem_start_path {
	struct dmem_obstacle o;
	const char *path;
	bool open;		/* the rest of @path is not known */
	bool home;		/* the user's home directory */
};

/* Settings that are obstacles by themselves. */
#define DMEM_OBSTACLES	5

/* The merged content of the sections of a unit. */
struct dmem_unit_limits {
	struct dmem_section_limit *limit;
	size_t n;
	bool strict;
	/* DeviceMemoryMinPropagate=, and where it was last set. */
	bool propagate;
	const char *propagate_file;
	unsigned int propagate_line;
	/* The last Slice= of a service, with its specifiers, or NULL. */
	const char *slice, *slice_file;
	unsigned int slice_line;
	/* The first mistake, or NULL. */
	const char *mistake_file;
	unsigned int mistake_line;
	/* Settings that may make it impossible to set limits from inside the unit: another root
	 * directory or an extension of it, by key, or a mount over dmem-apply. */
	struct dmem_obstacle obstacle[DMEM_OBSTACLES];
	bool root_start_only;
	struct dmem_mount *mount;
	size_t n_mounts;
	const char *program;
	/* Environment files, the working directory, and whether the unit has another user than
	 * root. Of the paths, the first one that may not be root's. */
	struct dmem_start_path *start_path, working_directory;
	size_t n_start_paths;
	bool dynamic_user, other_user;
	struct dmem_obstacle shaped;
	/* The last file with a section, or NULL. */
	const char *file;
};

struct dmem_entry;

/* The content of one unit file or drop-in. All zero is an empty file. */
struct dmem_section {
	const char *file;
	struct dmem_entry *entry;
	size_t n;
	bool present;			/* the file has a section */
	unsigned int line;		/* where the section starts */
	unsigned int clears_line;	/* of an empty ExecCondition=, or 0 */
	unsigned int propagate_line;	/* of the last DeviceMemoryMinPropagate=, or 0 */
	unsigned int mistakes, mistake_line;
};

/* True if the name of a section is ours, or probably a misspelling of ours. */
bool dmem_section_meant(const char *section);

/* Names of the keys by kind, and of the two switches. */
extern const char * const dmem_limit_keys[DMEM_KINDS];
#define DMEM_STRICT_KEY	"DeviceMemoryStrict"
#define DMEM_PROPAGATE_KEY	"DeviceMemoryMinPropagate"

/* Checks whether dmem_section_parse() may find something in the text. Fast; may return false
 * positives, never false negatives. */
bool dmem_section_hint(const char *text, size_t len);

/* Reads one file. Mistakes are reported, counted, and left out. @file is not copied. */
int dmem_section_parse(struct dmem_arena *a, const char *file, const char *text, size_t len,
		       dmem_report_fn report, void *data, struct dmem_section *s);

/* Adds the content of a later file. All zero is the start. @hidden: the path of dmem-apply, which
 * must be visible inside the unit. */
int dmem_unit_limits_add(struct dmem_arena *a, struct dmem_unit_limits *limits,
			 const struct dmem_section *s, const char *hidden);

/* True if the unit has any limit, switch or mistake to handle. */
bool dmem_unit_limits_any(const struct dmem_unit_limits *limits);

/* The obstacle that keeps dmem-apply from running inside the unit, or NULL. */
const struct dmem_obstacle *dmem_unit_limits_obstacle(const struct dmem_unit_limits *limits);

/* The setting by which the unit's user may keep dmem-apply from running, while the unit starts
 * without it. NULL: there is none, or the unit would not start. */
const struct dmem_obstacle *dmem_unit_limits_shaped(const struct dmem_unit_limits *limits);

/* True if both lead to the same limits. */
bool dmem_unit_limits_equal(const struct dmem_unit_limits *x, const struct dmem_unit_limits *y);

/* ---- obstacle.c ---- */

/* True if dmem_unit_limits_obstacle() or dmem_unit_limits_shaped() depends on this key of
 * [Service]. */
bool dmem_obstacle_key(const char *key);

/* True if systemd treats this path as a fatal mistake: it reads no more of the file. */
bool dmem_obstacle_ends_file(struct dmem_arena *a, const char *key, const char *value);

/* Adds an assignment to such a key. @key and @value are copied. 0 or -ENOMEM. */
int dmem_obstacle_add(struct dmem_arena *a, struct dmem_unit_limits *limits, const char *key,
		      const char *value, const char *file, unsigned int line);

/* ---- cgroup.c ---- */

/* Opens the root of a cgroup2 tree; @any: any directory, for tests. Sets *@fd, which the caller
 * closes. */
enum dmem_status dmem_cgroup_open(const char *root, bool any, int *fd);

/* Checks that @fd is the root of a cgroup2 tree; @any: any directory, as above. */
enum dmem_status dmem_cgroup_check(int fd, bool any);

/* Makes the cgroup and its parents. Existing ones are no error. */
enum dmem_status dmem_cgroup_make(int root, const char *path);

/* Make the cgroup @name below @parent (-EEXIST: it was there), remove it (-EBUSY: a process is in
 * it), and move this process to a cgroup. 0 or a negative errno. */
int dmem_cgroup_new(int root, const char *parent, const char *name);
int dmem_cgroup_remove(int root, const char *parent, const char *name);
int dmem_cgroup_enter(int root, const char *path);

/* Enables the controller in the root, which has no dmem.capacity before. */
enum dmem_status dmem_cgroup_use(int root);

/* Enables the controller for @path: in each cgroup above it, but neither in itself nor in a
 * delegated unit. Nothing is enabled for "", the root. */
enum dmem_status dmem_cgroup_enable(int root, const char *path);

/* The same, starting at the cgroup @base above @path: nothing is written above @base. */
enum dmem_status dmem_cgroup_enable_below(int root, const char *base, const char *path);

/* The same as dmem_cgroup_enable(), but also in delegated units: for a program that a container
 * engine runs, since engines manage the cgroups below their units. */
enum dmem_status dmem_cgroup_enable_delegated(int root, const char *path);

/* Reads the value of @region in a file of the cgroup, such as "dmem.capacity": bytes or
 * DMEM_NO_LIMIT. */
enum dmem_status dmem_cgroup_get(int root, const char *path, const char *file,
				 const char *region, uint64_t *value);

struct stat;

/* The same. @st becomes that of the file that was read, unless NULL: one descriptor, so that no other
 * user can change the value between a check of the owner and its use. Unset if there is no file. */
enum dmem_status dmem_cgroup_get_owned(int root, const char *path, const char *file, const char *region,
				       uint64_t *value, struct stat *st);

/*
 * Waits until no other program has locked the cgroup, and locks it. The lock is one on cgroup.kill:
 * flock() works with any descriptor, and of the files of each cgroup, this is the one that only its
 * owner can open (mode 0200), so that no other user can hold the lock. Nothing is written. Returns a
 * descriptor, which the caller closes to unlock, or a negative errno. -ENOENT: there is no such
 * cgroup, or a copy of one without this file.
 */
int dmem_cgroup_lock(int root, const char *path);

/* The same, but does not wait. -EWOULDBLOCK: it is locked. -ENOENT also if the cgroup was removed
 * meanwhile. */
int dmem_cgroup_try_lock(int root, const char *path);

/* The number of lines of @region in a file of the root: two regions may have the same name. */
size_t dmem_cgroup_lines(int root, const char *file, const char *region);

/* Checks that this value is in force. DMEM_NO_EFFECT: another one is. */
enum dmem_status dmem_cgroup_is(int root, const char *path, enum dmem_kind kind, const char *region,
				uint64_t value);

/* Sets all limits of this kind to 0, but for those of the @n regions in @keep. */
enum dmem_status dmem_cgroup_clear(int root, const char *path, enum dmem_kind kind,
				   const char * const *keep, size_t n);

/* Writes one limit, reads it back and compares. */
enum dmem_status dmem_cgroup_set(int root, const char *path, enum dmem_kind kind,
				 const char *region, uint64_t value);

#endif
