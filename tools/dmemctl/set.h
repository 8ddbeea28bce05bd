/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets limits of one unit or cgroup: in a drop-in, and now. The steps are separate, so that the
 * limits of several units can be set together. Functions return 0 or a negative errno, and have
 * printed a message then, except for -ENOMEM.
 */
#ifndef SET_H
#define SET_H

#include "change.h"
#include "dropin.h"
#include "options.h"
#include "propagate.h"
#include "section.h"
#include "target.h"

struct set {
	struct dmem_arena arena;
	struct options opt;
	struct manager manager;
	struct target target;
	struct change change;
	struct propagate propagate;	/* belongs to the arena */
	struct dropin dropin;
	struct dmem_units units;
	struct section after;	/* limits in all files of the unit, with the new drop-in */
	bool units_loaded, changed, reloaded;
	bool no_warnings;	/* the caller calls set_warn() when other limits are set as well */
};

/* All zero except for the descriptors. */
#define SET_INIT { .change.root = -1, .change.sys.root = -1, .dropin.lock = -1, .dropin.sys.root = -1 }

/* Finds the target, and checks whether it can have limits. @s->opt and @s->manager are set. */
int set_find(struct ctl *c, struct set *s, const char *word);

/* Opens the cgroup tree, and the drop-in if there can be one: unless @s->opt.dry_run, it is locked
 * until set_close(). Two sets of one unit would wait for each other. */
int set_open(struct ctl *c, struct set *s);

/* All steps that can fail without a change. */
int set_check(struct ctl *c, struct set *s);

/* Warns of limits without the intended effect. */
void set_warn(struct ctl *c, struct set *s);

/* True if the limits last longer than the cgroup: they have a drop-in. */
bool set_persists(const struct set *s);

/* Sets the limits of the running unit, after the drop-in was written and systemd has read it. Can
 * be repeated with a larger @s->change.last. */
int set_running(struct ctl *c, struct set *s);

/* Does not close @s->manager. */
void set_close(struct set *s);

#endif
