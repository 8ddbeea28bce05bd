/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to systemd over the system bus. */
#ifndef MANAGER_H
#define MANAGER_H

#include <errno.h>

#include "dmemctl.h"

struct sd_bus;

struct manager {
	struct sd_bus *bus;	/* NULL with --sysroot: only files are read */
};

/* State of a unit in systemd. */
struct unit_state {
	const char *id;		/* its main name, if the given one is an alias */
	const char *load;	/* "loaded", "not-found", "masked", ... */
	const char *sub;	/* "running", "dead", "condition", ... */
	const char *cgroup;	/* without a leading slash; NULL: not running */
};

#ifndef NO_LIBSYSTEMD

/* Connects to systemd. With --sysroot there is no bus, which is no error. All functions return 0 or
 * a negative errno, and have printed a message then. */
int manager_open(struct ctl *c, struct manager *m);
void manager_close(struct manager *m);

/* Loads the unit and reads its state. Strings live as long as the arena. */
int manager_unit(struct ctl *c, struct manager *m, struct dmem_arena *a, const char *name,
		 struct unit_state *s);

/* Like systemctl daemon-reload: runs dmem-generator, so that new sections take effect. */
int manager_reload(struct ctl *c, struct manager *m);

/* Moves this process into a new scope and waits until the scope is active. @slice: NULL is
 * systemd's default. */
int manager_scope(struct ctl *c, struct manager *m, const char *name, const char *slice,
		  const char *description);

#else

/* Without libsystemd there is no bus: units are looked up below --sysroot only. */
static inline int manager_open(struct ctl *c, struct manager *m)
{
	m->bus = NULL;
	if (c->sysroot)
		return 0;
	cli_error(&c->cli, "this dmemctl was built without libsystemd: name a cgroup by its path, "
		  "as in dmemctl set /sys/fs/cgroup/NAME");
	return -EOPNOTSUPP;
}

static inline void manager_close(struct manager *m)
{
	(void)m;
}

static inline int manager_unit(struct ctl *c, struct manager *m, struct dmem_arena *a,
			       const char *name, struct unit_state *s)
{
	(void)c, (void)m, (void)a, (void)name, (void)s;
	return -EOPNOTSUPP;
}

static inline int manager_reload(struct ctl *c, struct manager *m)
{
	(void)c, (void)m;
	return -EOPNOTSUPP;
}

static inline int manager_scope(struct ctl *c, struct manager *m, const char *name,
				const char *slice, const char *description)
{
	(void)c, (void)m, (void)name, (void)slice, (void)description;
	return -EOPNOTSUPP;
}

#endif

#endif
