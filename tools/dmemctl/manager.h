/* SPDX-License-Identifier: GPL-2.0-or-later */
/* systemd, over the system bus. */
#ifndef MANAGER_H
#define MANAGER_H

#include "dmemctl.h"

struct sd_bus;

struct manager {
	struct sd_bus *bus;	/* NULL: there is none to ask, only files */
};

/* What systemd knows of a unit. */
struct unit_state {
	const char *id;		/* its own name, where the given one is an alias */
	const char *load;	/* "loaded", "not-found", "masked", ... */
	const char *sub;	/* "running", "dead", "condition", ... */
	const char *cgroup;	/* without a slash before it; NULL: it has none now */
};

/* With --sysroot there is nobody to ask, which is no error. Functions return 0 or a
 * negative errno, and have said then what is wrong. */
int manager_open(struct ctl *c, struct manager *m);
void manager_close(struct manager *m);

/* Strings live as long as the arena. */
int manager_unit(struct ctl *c, struct manager *m, struct dmem_arena *a, const char *name,
		 struct unit_state *s);

/* systemctl daemon-reload: the generator runs, and its drop-ins count. */
int manager_reload(struct ctl *c, struct manager *m);

/* Moves this process into a new scope, and waits until it is there. @slice: NULL is
 * systemd's own choice. */
int manager_scope(struct ctl *c, struct manager *m, const char *name, const char *slice,
		  const char *description);

#endif
