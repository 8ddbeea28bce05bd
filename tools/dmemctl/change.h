/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of one running cgroup: all of them, or none. */
#ifndef CHANGE_H
#define CHANGE_H

#include "dmemctl.h"

struct change_item {
	enum dmem_kind kind;
	const char *region;		/* its name in the kernel */
	const char *text;		/* as it was asked for */
	uint64_t value, old;		/* bytes or DMEM_NO_LIMIT */
	uint64_t capacity;		/* of the region, or DMEM_UNKNOWN */
	bool done;
};

struct change {
	struct dmem_arena *arena;
	int root;			/* of the cgroup tree */
	struct dmem_sys sys;		/* what the tree is in */
	const char *cgroup;
	bool dry;			/* nothing is to be changed, not even what is harmless */
	bool may_vanish;		/* the caller knows what to do if the cgroup is gone */
	struct change_item *item;
	size_t n;
};

/* Opens the cgroup tree. Like the others here, 0 or a negative errno, and what is wrong
 * has been said. */
int change_open(struct ctl *c, struct dmem_arena *a, struct change *ch);
void change_close(struct change *ch);

/* The region as the kernel knows it and the bytes, without a word. It enables the
 * controller in the root if that is not in use at all, and leaves it so. */
enum dmem_status change_find(struct change *ch, const struct dmem_limit *l,
			     struct change_item *it);

/* Does the kernel reserve nothing of the region, whatever dmem.min says? */
bool region_is_unreserved(const char *region);

/* To be read after the reservation and its size; and what to do. */
#define UNRESERVED		"the kernel has no reservations for this region"
#define UNRESERVED_REMEDY	"set it to 0, and limit the other cgroups"

/* Warns of limits that can be set, and cannot mean what they say. @cgroup: "" if it has none
 * now. @files: what all files of the unit will say, or NULL. */
struct section;
void change_warn(struct ctl *c, struct change *ch, const char *cgroup, const struct section *files);

/* Looks the region up and adds one limit; the last one for a region counts. */
int change_add(struct ctl *c, struct change *ch, const struct dmem_limit *l);

/* Could they be set? As far as that can be known without trying. */
int change_check(struct ctl *c, struct change *ch, const char *cgroup);

/* Sets them, each read back. After a failure, those that were set are as before. It can be
 * repeated, for the same cgroup or where that was made anew. -ENOENT: the cgroup is gone, and
 * with it what was set; without a message if it may vanish. */
int change_apply(struct ctl *c, struct change *ch, const char *cgroup);

/* Are all in force? -EAGAIN: something else has changed one of them, which is *@other. Without
 * a message. */
int change_verify(struct change *ch, const struct change_item **other);

/* Takes back what change_apply() has done. */
void change_undo(struct ctl *c, struct change *ch);

#endif
