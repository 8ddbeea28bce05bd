/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of systemd's unit search path: finds the files that make up a unit.
 *
 * It follows "System Unit Search Path" in systemd.unit(5) and the behaviour of systemd. Files of
 * generators are left out, since all generators run at the same time.
 */
#ifndef DMEM_UNITS_H
#define DMEM_UNITS_H

#include <sys/types.h>

#include "dmem/look.h"

struct dmem_unit_file {
	const char *name, *path;
	enum { UNREAD, WITHOUT_SECTION, PARSED } state;
	bool masks;		/* as a unit file: an empty file or a device */
	bool unreadable;	/* its content is not known */
	bool told;		/* for the caller's use */
	bool told_propagate;	/* that a service cannot have this setting */
	struct dmem_section section;
};

struct dmem_list {
	const char **s;
	size_t n;
};

struct dmem_dropin_dir {
	struct dmem_unit_file *file;
	size_t n;
};

/* A name with a unit file, an alias or drop-ins, or the name of a type ("service"). */
struct dmem_unit {
	struct dmem_unit *next;		/* in the same hash bucket */
	const char *name;
	int type;
	bool type_level;
	bool masked;
	struct dmem_unit_file *fragment;
	const char *alias_of;
	struct dmem_unit **alias;	/* names that are links to this unit */
	size_t n_alias;
	struct dmem_dropin_dir **dir;	/* by directory of the search path; entries may be NULL */
	void *user;			/* for the caller's use */
	struct dmem_slice *slice;	/* for reserving.c */
};

struct dmem_units {
	struct dmem_arena arena;
	struct dmem_sys sys;	/* the tree that the files are in */
	/* The existing directories, in systemd's order, without the root. */
	const char **dir;
	struct { uint64_t dev, ino; } *id;
	int n_dirs;
	struct dmem_list search;	/* all of systemd's, with those not read */
	struct dmem_unit **bucket;
	size_t n_buckets;
	struct dmem_unit **unit;	/* all units, unsorted */
	size_t n_units;
	/* Called for mistakes in files. NULL: mistakes are not reported. */
	dmem_report_fn report;
	void *report_data;
	/* The services with a reservation, see reserving.c. */
	struct dmem_reserving *reserving;
	size_t n_reserving;
	struct dmem_slice_pattern *pattern;
	size_t n_patterns;
	bool reserving_known;
};

/* Reads the directories, but no files. @root: "" or the tree's path; @path: directories separated
 * by colons, or NULL for systemd's own. Call dmem_units_free() even after an error. */
int dmem_units_load(struct dmem_units *u, const char *root, const char *path,
		    dmem_report_fn report, void *data);
void dmem_units_free(struct dmem_units *u);

/* NULL: the name is not in the search path. */
struct dmem_unit *dmem_units_find(const struct dmem_units *u, const char *name);

/* The same, but adds a missing name. 0, -EINVAL: no valid name, or -ENOMEM. */
int dmem_units_add(struct dmem_units *u, const char *name, struct dmem_unit **unit);

/* Lists the names whose drop-ins apply to unit @name, the most specific first: its own, its
 * template, its prefixes, its aliases' names, and its type. */
int dmem_units_levels(struct dmem_units *u, const char *name, struct dmem_list *l);

/* Lists the files of @name in the order in which they apply: the unit file, then the drop-ins
 * sorted by name. For a template: the files of any instance. For a prefix ("foo-.service") or a
 * type: the files of any unit with it. */
int dmem_units_files(struct dmem_units *u, const char *name, struct dmem_unit_file ***files,
		     size_t *n);

/* The unit with the unit file of @name, or with the link that masks it: itself or, for an instance,
 * its template. NULL: there is none. */
struct dmem_unit *dmem_units_holder(struct dmem_units *u, const char *name);

/* Sets *@masked if systemd cannot start the unit: the unit file, which may be that of its template,
 * is a link to /dev/null, another device, or empty. May read the file. 0 or -ENOMEM. */
int dmem_units_masked(struct dmem_units *u, const char *name, bool *masked);

/* True if systemd removes the unit's file when it stops. */
bool dmem_unit_is_transient(const struct dmem_unit *unit);

/* Merges the content of these files. @all as in dmem_units_parse(), @hidden as in
 * dmem_unit_limits_add(). */
int dmem_units_merge(struct dmem_units *u, struct dmem_unit_file **f, size_t n, bool all,
		     const char *hidden, struct dmem_unit_limits *limits);

/* Adds an obstacle for each mount in @limits that may reach @program by links, and finds a start
 * path that may not be root's. Reads the tree below the directory @root, -1 for "/". In doubt, a
 * mount is an obstacle. 0 or -ENOMEM. */
int dmem_unit_limits_check_mounts(struct dmem_arena *a, int root, struct dmem_unit_limits *limits,
				  const char *program);

/* The same for all files of a unit. @name may be an alias. */
int dmem_units_limits_of(struct dmem_units *u, const char *name, const char *hidden,
			 struct dmem_unit_limits *limits);

/* The name of all drop-ins that dmem-generator writes. It sorts after nearly all others. */
#define DMEM_DROPIN	"zz-dmem.conf"

/* The output of dmem-generator for a level ("a.service", "a-.service", "a@.service", "service"). */
enum dmem_effect {
	DMEM_NOTHING,	/* an empty drop-in, which hides a more general one */
	DMEM_LIMITS,
	DMEM_REFUSAL,	/* the unit must not start */
};

/* Calculates the effect of all files of a unit, and their merged limits. Reports mistakes in each
 * file and in their combination. @program: @hidden of dmem_unit_limits_add(). */
int dmem_units_effect(struct dmem_units *u, struct dmem_unit *unit, const char *program,
		      struct dmem_unit_limits *limits, enum dmem_effect *effect);

/* True if a region's name depends on the unit. "%%" is a per cent sign. */
bool dmem_has_specifier(const char *region);

/* Adds names without files that need a level of their own. @program: @hidden of
 * dmem_unit_limits_add(). 0 or -ENOMEM. */
int dmem_units_add_unnamed(struct dmem_units *u, const char *program);

/* ---- propagated.c ---- */

/* If the slice @name has DeviceMemoryMinPropagate=yes, raises each reservation in its @limits to the
 * sum of those of the services and slices directly in it, and adds those that it has not, with @sum.
 * These are those of their files, whether they run or not. With @report, reports those that do not
 * count; for a prefix of slices, that is all. 0 or -ENOMEM. */
int dmem_units_propagate(struct dmem_units *u, const char *name, const char *program, bool report,
			 struct dmem_unit_limits *limits);

/* If any slice has the setting, adds the slices of services with a reservation, and those above
 * them. 0 or -ENOMEM. */
int dmem_units_add_slices(struct dmem_units *u, const char *program);

/* True for the services of this project. They set limits, and must not wait for limits
 * themselves. */
bool dmem_unit_is_ours(const char *name);

/* True for the name of a prefix ("foo-.slice") or a type ("slice"), which is no unit. */
bool dmem_unit_is_level(struct dmem_units *u, const struct dmem_unit *unit);

/* Opens a path of the tree for reading. Links stay inside the root. Returns a descriptor that the
 * caller closes, or a negative errno. */
int dmem_units_open(const struct dmem_units *u, const char *path, int flags);

/* The type in a stat()'s st_mode as a word: "directory", "FIFO", ... */
const char *dmem_file_type(mode_t mode);

/* Reports a mistake. If @remedy or the reason is NULL (out of memory), nothing is reported. */
void dmem_units_report(struct dmem_units *u, const char *file, const char *word, const char *what,
		       const char *remedy);

/* Resolves an absolute path of the tree to one without links, "." and "..", as systemd does for a
 * link's target. The last name may be a link, and need not exist. NULL: it leads nowhere, or out of
 * memory. */
const char *dmem_units_chase(struct dmem_units *u, const char *path);

/* Reads a file into a text that the caller frees. NULL without an error: it masks the unit, or it
 * cannot be read. The latter is reported, unless the file does not exist. */
int dmem_units_read(struct dmem_units *u, struct dmem_unit_file *f, char **text, size_t *len);

/* Parses the file. Without @all, a file without our section may be skipped, which is faster. A file
 * that cannot be read counts as empty. */
int dmem_units_parse(struct dmem_units *u, struct dmem_unit_file *f, bool all);

#endif
