/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes the limits of one running cgroup: all of them, or none. */
#ifndef CHANGE_H
#define CHANGE_H

#include "dmemctl.h"

struct change_item {
	enum dmem_kind kind;
	const char *region;		/* its name in the kernel */
	const char *text;		/* as the user wrote it */
	uint64_t value, old;		/* bytes or DMEM_NO_LIMIT */
	uint64_t capacity;		/* of the region, or DMEM_UNKNOWN */
	unsigned int step;		/* see struct change */
	bool done;
};

struct change {
	struct dmem_arena *arena;
	int root;			/* directory of the cgroup tree */
	struct dmem_sys sys;		/* the machine that has the tree */
	const char *cgroup;
	bool dry;			/* change nothing, not even the root's subtree_control */
	bool propagate;			/* the caller raises the cgroups above: no warning */
	bool may_vanish;		/* the caller handles a removed cgroup: no message */
	/* Several cgroups can change together, step by step: only limits up to step @last are
	 * applied and verified, and only those from step @first on are undone. */
	unsigned int first, last;
	struct change_item *item;
	size_t n;
};

/* Opens the cgroup tree of this machine, or the one below --sysroot. Functions with @c return 0 or
 * a negative errno, and have printed a message then. */
int change_open(struct ctl *c, struct dmem_arena *a, struct change *ch);
void change_close(struct change *ch);

/* Finds the region of a limit, and its size in bytes. Enables the controller in the root if no
 * cgroup uses it yet (not if @ch->dry), and leaves it enabled. Prints nothing. */
enum dmem_status change_find(struct change *ch, const struct dmem_limit *l,
			     struct change_item *it);

/* True if the kernel ignores dmem.min of the region. */
bool region_is_unreserved(const char *region);

/* Text for messages, to follow the reservation and its size; and the remedy. */
#define UNRESERVED		"the kernel has no reservations for this region"
#define UNRESERVED_REMEDY	"set it to 0, and limit the other cgroups"

/* Warns of limits that can be set but have no effect, or not the intended one. @cgroup: "" if the
 * unit has none now. @files: the limits in all files of the unit after the change, or NULL. */
struct section;
void change_warn(struct ctl *c, struct change *ch, const char *cgroup, const struct section *files);

/* Finds the region and adds one limit. A later limit of the same region replaces it. */
int change_add(struct ctl *c, struct change *ch, const struct dmem_limit *l);

/* Checks whether the limits could be set, as far as possible without a write. */
int change_check(struct ctl *c, struct change *ch, const char *cgroup);

/* Sets the limits and reads each one back. After a failure, all limits have their old values. Can
 * be repeated for the same cgroup, also after it was made anew. -ENOENT: the cgroup was removed,
 * and the limits with it; without a message if @ch->may_vanish. */
int change_apply(struct ctl *c, struct change *ch, const char *cgroup);

/* Checks whether all limits are in force. -EAGAIN: another program has changed *@other. Prints
 * nothing. */
int change_verify(struct change *ch, const struct change_item **other);

/* Restores the limits from before change_apply(). */
void change_undo(struct ctl *c, struct change *ch);

#endif
