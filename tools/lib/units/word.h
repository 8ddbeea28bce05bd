/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words of a command line: one meaning for all verbs.
 *
 *	camera				the unit camera.service
 *	camera.slice			a unit
 *	machine-qemu\x2d1.scope		a unit, as systemd writes its name
 *	/system.slice/camera.service	a cgroup, by its path
 *	/sys/fs/cgroup/system.slice	the same, with the mount point
 *	system.slice/camera.service	the same, without the first slash
 *	/lxc/a\x1bb			the same, with a byte that was printed as "\xNN"
 *	docker				the cgroup /docker, if there is no docker.service
 *	cma/camera@64000000		a region, as in dmem.capacity
 *	dma_heap/NAME			the region of a heap
 *	/dev/dma_heap/NAME		the same
 *
 * A region comes first where a verb takes all three.
 */
#ifndef DMEM_WORD_H
#define DMEM_WORD_H

#include "dmem/look.h"
#include "units.h"

enum dmem_word_kind {
	DMEM_WORD_UNIT		= 1 << 0,
	DMEM_WORD_CGROUP	= 1 << 1,
	DMEM_WORD_REGION	= 1 << 2,
};

struct dmem_word {
	enum dmem_word_kind kind;
	/* "camera.service"; "system.slice/camera.service", the root is ""; the region's name in the
	 * kernel. */
	const char *name;
	int type;		/* of a unit: enum dmem_type */
	/* The path of the cgroup, as in @name. NULL: a region, or a unit that does not run. */
	const char *cgroup;
	bool has_file;		/* of a unit */
	/* After a failure: a sentence for the user, which starts with the word. */
	const char *problem;
};

/* State for looking up words. Unit files and cgroups are read when they are first needed. */
struct dmem_words {
	const struct dmem_sys *sys;
	struct dmem_arena *arena;		/* owns all strings */
	const struct dmem_regions *regions;	/* with DMEM_READ_HEAPS; NULL: read when needed */
	unsigned int kinds;			/* set of dmem_word_kind that the verb accepts */
	bool regions_read, units_read, tree_read;
	struct dmem_regions own_regions;
	struct dmem_units units;
	struct dmem_tree tree;
};

/* Sets @w->kind, name and type by the form of the word and the names of the regions. Does not check
 * that the unit or cgroup exists. Returns 0, -EINVAL or -ENOENT with @w->problem set, or
 * -ENOMEM. */
int dmem_word_parse(struct dmem_words *all, const char *word, struct dmem_word *w);

/* The same, and checks that it exists: a cgroup is there; a unit has a file or a cgroup, or it is a
 * slice or scope, which need none if no other cgroup has the name. Replaces an alias by the unit's
 * own name. Returns 0, -EINVAL or -ENOENT with @w->problem set, or another negative errno. */
int dmem_word_find(struct dmem_words *all, const char *word, struct dmem_word *w);

/* Sets @w->problem for a parsed word that names nothing; for callers that ask another program, such
 * as systemd. Returns -ENOENT or -ENOMEM. */
int dmem_word_not_found(struct dmem_words *all, const char *word, struct dmem_word *w);

/* The same for a slice or scope, which needs no file, if it has neither a file, a drop-in nor a
 * cgroup, and its name is that of a cgroup which is no unit of the system manager. Otherwise 0, or
 * another negative errno: unknown. */
int dmem_word_not_elsewhere(struct dmem_words *all, const char *word, struct dmem_word *w);

/* The same for a masked unit. */
int dmem_word_masked(struct dmem_words *all, struct dmem_word *w);

/* Makes @w the cgroup of this name directly below the root, if no unit has the name. 0 or a
 * negative errno; then @w is unchanged. */
int dmem_word_top_cgroup(struct dmem_words *all, const char *word, struct dmem_word *w);

/* Returns a name similar to @word, among the kinds that the verb accepts. NULL: there is none. */
const char *dmem_word_like(struct dmem_words *all, const char *word);

/* ---- renamed.c ---- */

/* True if the kernel's command line makes the default CMA area. NULL is an empty one. */
bool dmem_cmdline_has_cma(const char *cmdline);

/* Finds the remedy for a region or heap that the machine does not have, as an instruction, or NULL:
 * see the list of regions. @cmdline: content of /proc/cmdline, or NULL. @r with DMEM_READ_HEAPS. 0
 * or -ENOMEM. */
int dmem_region_renamed(struct dmem_arena *a, const struct dmem_regions *r, const char *cmdline,
			const char *name, const char **why);

/* The same, only if @name is the default area's other name, so that no other region can be
 * meant. */
int dmem_region_default_renamed(struct dmem_arena *a, const struct dmem_regions *r, const char *cmdline,
				const char *name, const char **why);

void dmem_words_free(struct dmem_words *all);

#endif
