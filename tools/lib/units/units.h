/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of systemd's unit search path: which files make up which unit.
 *
 * It follows "System Unit Search Path" in systemd.unit(5) and what systemd does.
 * What generators write is left out: they all run at the same time.
 */
#ifndef DMEM_UNITS_H
#define DMEM_UNITS_H

#include <sys/types.h>

#include "dmem/dmem.h"

struct dmem_unit_file {
	const char *name, *path;
	enum { UNREAD, WITHOUT_SECTION, PARSED } state;
	bool masks;		/* as a unit file: an empty file or a device */
	bool unreadable;	/* nobody knows what it says */
	bool told;		/* for the caller's use */
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

/* A name that has a unit file, an alias or drop-ins, or of a type ("service"). */
struct dmem_unit {
	struct dmem_unit *next;		/* in its hash bucket */
	const char *name;
	int type;
	bool type_level;
	bool masked;
	struct dmem_unit_file *fragment;
	const char *alias_of;
	struct dmem_unit **alias;	/* names that lead to this one */
	size_t n_alias;
	struct dmem_dropin_dir **dir;	/* by directory of the search path, or NULL */
	void *user;			/* for the caller's use */
};

struct dmem_units {
	struct dmem_arena arena;
	const char *root;
	int root_fd;
	/* The directories that are there, in systemd's order, without the root. */
	const char **dir;
	struct { uint64_t dev, ino; } *id;
	int n_dirs;
	struct dmem_list search;	/* all of systemd's, also those that are not read */
	struct dmem_unit **bucket;
	size_t n_buckets;
	struct dmem_unit **unit;	/* all, in no order that means anything */
	size_t n_units;
	/* For mistakes in the files. NULL: nobody is told. */
	dmem_report_fn report;
	void *report_data;
};

/* Reads the directories, but no file. @root: "" or where the tree is; @path:
 * directories with colons, or NULL for systemd's own. @u is set up by this
 * function, and to be freed even after an error. */
int dmem_units_load(struct dmem_units *u, const char *root, const char *path,
		    dmem_report_fn report, void *data);
void dmem_units_free(struct dmem_units *u);

/* NULL: nothing in the search path has this name. */
struct dmem_unit *dmem_units_find(const struct dmem_units *u, const char *name);

/* The same, and adds the name. NULL: no memory, or errno is EINVAL: no name. */
struct dmem_unit *dmem_units_add(struct dmem_units *u, const char *name);

/* The names whose drop-ins count for unit @name, the most specific first: its
 * own, its template, its prefixes, then its aliases' and last its type. */
int dmem_units_levels(struct dmem_units *u, const char *name, struct dmem_list *l);

/* The files that make up @name, in the order in which they count: the unit file,
 * then the drop-ins by name. For a template: what any of its instances has. For
 * a prefix ("foo-.service") or a type: what any unit below has. */
int dmem_units_files(struct dmem_units *u, const char *name, struct dmem_unit_file ***files,
		     size_t *n);

/* What these files say together. @all as in dmem_units_parse(), @hidden as in
 * dmem_caps_add(). */
int dmem_units_merge(struct dmem_units *u, struct dmem_unit_file **f, size_t n, bool all,
		     const char *hidden, struct dmem_caps *caps);

/* Makes obstacles of those mounts in @caps that links, of root's or of others, may lead
 * to @program, and finds a start path that is not root's. Reads the tree below the directory @root, -1 for "/". Not sure is yes. */
void dmem_caps_check_mounts(struct dmem_arena *a, int root, struct dmem_caps *caps,
			    const char *program);

/* The same for all files of a unit, which may be given by an alias. */
int dmem_units_caps(struct dmem_units *u, const char *name, const char *hidden,
		    struct dmem_caps *caps);

/* The name of all drop-ins that dmem-generator writes. It sorts last, almost. */
#define DMEM_DROPIN	"zz-dmem.conf"

/* What dmem-generator makes of a level ("a.service", "a-.service", "a@.service", "service"). */
enum dmem_effect {
	DMEM_NOTHING,	/* a drop-in that says nothing hides a more general one */
	DMEM_CAPS,
	DMEM_REFUSAL,	/* the unit must not start */
};

/* The effect of all files of a unit, and what they say together. Reports what is wrong with
 * them, alone and together. @program as @hidden in dmem_caps_add(). */
int dmem_units_effect(struct dmem_units *u, struct dmem_unit *unit, const char *program,
		      struct dmem_caps *caps, enum dmem_effect *effect);

/* Does a region's name depend on the unit? "%%" is a per cent sign. */
bool dmem_has_specifier(const char *region);

/* Adds what differs from other levels although no file has its name, and what must. */
int dmem_units_add_unnamed(struct dmem_units *u);

/* Opens a path of the tree, for reading. A link stays inside of the root. Returns
 * a file descriptor, or -1 and errno. */
int dmem_units_open(const struct dmem_units *u, const char *path, int flags);

/* "directory", "FIFO", ...: a type as in stat()'s st_mode, in words. */
const char *dmem_file_type(mode_t mode);

/* Reports a mistake. A remedy or reason that could not be made is left out with it. */
void dmem_units_report(struct dmem_units *u, const char *file, const char *word, const char *what,
		       const char *remedy);

/* An absolute path of the tree without links, "." and "..", as systemd makes it of a link's
 * target: the last name may be a link, and what is not there needs none. NULL: it leads
 * nowhere, or there is no memory. */
const char *dmem_units_chase(struct dmem_units *u, const char *path);

/* The text of a file, which the caller frees. NULL, without an error: it masks the unit,
 * or cannot be read, which is reported unless it is not there. */
int dmem_units_read(struct dmem_units *u, struct dmem_unit_file *f, char **text, size_t *len);

/* What the file says. Without @all, a file without our section may stay unparsed,
 * which is fast. A file that cannot be read says nothing. */
int dmem_units_parse(struct dmem_units *u, struct dmem_unit_file *f, bool all);

#endif
