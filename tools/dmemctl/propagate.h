/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set --propagate: raises dmem.min of the cgroups above one, so that its reservation holds. The kernel
 * gives a cgroup a part of its parent's reservation only, and the whole request if those of all
 * children add up to no more (docs/reservations.md).
 *
 * A cgroup above gets the larger one of its present dmem.min and that sum. Nothing is added to a
 * present value, so that a second run, also after one that was killed, raises nothing further.
 */
#ifndef PROPAGATE_H
#define PROPAGATE_H

#include "change.h"

/* One write. */
struct raised {
	const char *cgroup;
	struct change_item item;
	uint64_t below;		/* sum of the requests of its children before */
};

/* All zero: nothing was raised or locked. */
struct propagate {
	struct raised *up;	/* in the order of the writes */
	size_t n;
	const char *locked;	/* cgroup with the lock, or NULL */
	int lock;		/* its descriptor, if any */
};

/* Raises the cgroups above @cgroup for the reservations of @ch, those next to the root first, and locks
 * out other runs until propagate_unlock(). With @ch->dry, only finds the values. Call it before @ch is applied, and again afterwards for
 * reservations that another program has set meanwhile. Warns if @last. 0 or a negative errno, and has
 * printed a message then, except for -ENOMEM. */
int propagate_raise(struct ctl *c, const struct change *ch, const char *cgroup, bool last,
		    struct propagate *p);

/* Restores the values from before, after @ch was undone: not those that another program has changed,
 * and no less than the cgroups below reserve by now. */
void propagate_undo(struct ctl *c, const struct change *ch, struct propagate *p);

void propagate_unlock(struct propagate *p);

/* Prints one line for each cgroup and region. */
void propagate_say(const struct change *ch, const struct propagate *p);

#endif
