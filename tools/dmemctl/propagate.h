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

/* All zero: nothing was raised. */
struct propagate {
	struct change *up;	/* one for each write to a cgroup, in the order of the writes */
	size_t n;
};

/* Raises the cgroups above @cgroup for the reservations of @ch, those next to the root first. With
 * @ch->dry, only finds the values. Call it before @ch is applied, and again afterwards for
 * reservations that another program has set meanwhile. 0 or a negative errno, and has printed a
 * message then, except for -ENOMEM. */
int propagate_raise(struct ctl *c, const struct change *ch, const char *cgroup, struct propagate *p);

/* Restores the values from before. */
void propagate_undo(struct ctl *c, struct propagate *p);

/* Prints one line for each cgroup and region. */
void propagate_say(const struct propagate *p);

#endif
