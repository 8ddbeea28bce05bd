// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Refused requests in dmem.events: their number, their reasons, and remedies.
 *
 * The counters start with the cgroup and never decrease. So each finding is about the past, and is
 * printed beside the present figures. All findings are notes: a script that checks the exit status
 * must not fail until the next start of a unit because of an old request, which a limit is meant to
 * refuse.
 */
#include <errno.h>
#include <string.h>

#include "doctor.h"

/* Free memory below this size, or below this part of a region, counts as none. */
#define MUCH	(1 << 20)
#define PART	8

/* Refused requests, each counted under one reason. */
struct refusals {
	uint64_t by_limit;	/* by this cgroup's dmem.max, also of its descendants */
	uint64_t of_mine;	/* of this cgroup itself, by the dmem.max of any cgroup */
	uint64_t no_room, reserved;
};

static const struct {
	enum dmem_figure figure;
	size_t at;
} kinds[] = {
	{ DMEM_F_EV_MAX, offsetof(struct refusals, by_limit) },
	{ DMEM_F_EV_ALLOC_FAIL, offsetof(struct refusals, of_mine) },
	{ DMEM_F_EV_EXHAUSTED, offsetof(struct refusals, no_room) },
	{ DMEM_F_EV_RESERVED, offsetof(struct refusals, reserved) },
};

#define N_KINDS		(sizeof(kinds) / sizeof(*kinds))

static uint64_t *count(struct refusals *r, size_t kind)
{
	return (uint64_t *)((char *)r + kinds[kind].at);
}

/* dmem.events also counts the requests of all cgroups below. */
static bool any_refusal(const struct doctor *d, const struct dmem_node *n, size_t r)
{
	for (size_t k = 0; k < N_KINDS; k++) {
		uint64_t v = dmem_tree_figure(&d->tree, n, r, kinds[k].figure);

		if (v && v != DMEM_UNKNOWN)
			return true;
	}
	return false;
}

static uint64_t or_zero(uint64_t v)
{
	return v == DMEM_UNKNOWN ? 0 : v;
}

/* Without dmem.events.local: subtracts the counts of the cgroups below. Those of removed cgroups
 * remain in this one's. */
static void subtract(const struct doctor *d, const struct dmem_node *n, size_t r,
		     struct refusals *own)
{
	for (size_t k = 0; k < N_KINDS; k++) {
		uint64_t all = or_zero(dmem_tree_figure(&d->tree, n, r, kinds[k].figure)),
			below = 0;

		for (const struct dmem_node *c = n->child; c; c = c->next)
			below += or_zero(dmem_tree_figure(&d->tree, c, r, kinds[k].figure));
		*count(own, k) = all > below ? all - below : 0;
	}
}

/* The line of a region in the text of a file, without the region's name, or NULL. */
static char *line_of(struct doctor *d, char *text, size_t region)
{
	char *name, *rest;

	dmem_lines_start(&d->lines);
	while (dmem_next_line(&text, &name, &rest)) {
		if (dmem_lines_next(&d->lines, name) == region)
			return rest;
	}
	return NULL;
}

/* The refused requests of one cgroup without those below it. */
static void own_refusals(struct doctor *d, const struct dmem_node *n, size_t r,
			 struct refusals *own)
{
	char path[4096], *rest = NULL;
	struct dmem_text t = { 0 };
	const char *file;

	*own = (struct refusals){ 0 };
	if (!any_refusal(d, n, r))
		return;
	dmem_node_path(n, path, sizeof(path));
	file = dmem_printf(d->arena, "sys/fs/cgroup/%s/dmem.events.local", path);
	if (!file)
		d->err = -ENOMEM;
	else if (!dmem_sys_read(&d->sys, file, &t))
		rest = line_of(d, t.s, r);
	for (size_t k = 0; rest && k < N_KINDS; k++)
		*count(own, k) = or_zero(dmem_keyed_number(rest, dmem_figure_key(kinds[k].figure)));
	if (!rest)
		subtract(d, n, r, own);
	dmem_text_free(&t);
}

/* "@n requests", as the object of a sentence. */
static const char *requests(struct doctor *d, uint64_t n, size_t r)
{
	const char *name = d->regions.region[r].name;
	/* Memory of a GPU can be reclaimed: the kernel tries that before it refuses. */
	bool again = !strncmp(name, "drm/", 4);

	return dmem_printf(d->arena, "%llu request%s for %s%s", (unsigned long long)n,
			   n == 1 ? "" : "s", name,
			   again ? " (the driver evicts and tries again, so some may have "
				   "succeeded)" :
				   "");
}

/* "8M of 24M are charged now", for the cgroup with the limit. */
static const char *now(struct doctor *d, const struct dmem_node *n, size_t r)
{
	uint64_t max = dmem_tree_figure(&d->tree, n, r, DMEM_F_MAX);
	uint64_t used = dmem_tree_figure(&d->tree, n, r, DMEM_F_CURRENT);

	if (max == DMEM_NO_LIMIT)
		return "the cgroup has no limit now";
	if (max == DMEM_UNKNOWN || used == DMEM_UNKNOWN)
		return "the present limit cannot be read";
	return dmem_printf(d->arena, "now %s of %s are charged", doctor_size(used),
			   doctor_size(max));
}

/* True if dmemctl plan proposes a size for the region: the builder of the board chooses it. */
static bool has_size(const char *region)
{
	return !strncmp(region, "cma/", 4) || !strncmp(region, "dma/coherent/", 13) || !strncmp(region, "tee/", 4);
}

static void say_own_limit(struct doctor *d, const struct dmem_node *n, size_t r, const char *path,
			  uint64_t times)
{
	const char *what = requests(d, times, r), *state = now(d, n, r);
	const char *remedy = doctor_limit(d, n, r);

	if (dmem_tree_figure(&d->tree, n, r, DMEM_F_MAX) == DMEM_NO_LIMIT)
		remedy = "set a limit again, unless it was removed on purpose";
	else if (remedy && !doctor_is_later(d, r))
		remedy = dmem_printf(d->arena, "if the cgroup needs more: %s%s", remedy,
				     has_size(d->regions.region[r].name) ?
				     ", and dmemctl plan proposes a size" : "");
	if (!what || !state || !remedy)
		d->err = -ENOMEM;
	else
		doctor_say(d, NOTE, path, remedy,
			   "its own limit refused %s since the cgroup was created; %s", what,
			   state);
}

/* The ancestors whose limits have refused requests, or the one with the smallest limit. */
static const char *limits_above(struct doctor *d, const struct dmem_node *n, size_t r,
				const struct dmem_node **one)
{
	const struct dmem_node *tightest = NULL;
	const char *list = "";
	uint64_t least = DMEM_NO_LIMIT;
	char path[4096];

	*one = NULL;
	for (n = n->parent; n && n->parent && list; n = n->parent) {
		uint64_t max = dmem_tree_figure(&d->tree, n, r, DMEM_F_MAX);
		struct refusals own;

		if (max != DMEM_UNKNOWN && max < least) {
			least = max;
			tightest = n;
		}
		own_refusals(d, n, r, &own);
		if (!own.by_limit)
			continue;
		dmem_node_path(n, path, sizeof(path));
		*one = *list ? NULL : n;
		list = dmem_printf(d->arena, "%s%s%s", list, *list ? " or " : "", path);
	}
	if (!list || *list)
		return list;
	if (!tightest)
		return "a cgroup above";
	*one = tightest;
	dmem_node_path(tightest, path, sizeof(path));
	return dmem_strdup(d->arena, path);
}

static void say_limit_above(struct doctor *d, const struct dmem_node *n, size_t r, const char *path,
			    uint64_t times)
{
	const struct dmem_node *one;
	const char *above = limits_above(d, n, r, &one), *what = requests(d, times, r);
	const char *state = one ? now(d, one, r) : "";

	if (!above || !what || !state) {
		d->err = -ENOMEM;
		return;
	}
	doctor_say(d, NOTE, path,
		   "raise that limit, or lower the limits of the other cgroups in it",
		   "the limit of %s refused %s since the cgroup was created%s%s", above, what,
		   *state ? "; there, " : "", state);
}

static bool is_used_up(const struct dmem_region *g)
{
	return g->available < MUCH ||
	       (g->capacity < DMEM_UNKNOWN && g->available < g->capacity / PART);
}

/* The counters are about the past: the region may have been full at that time. */
static bool was_used_up(const struct dmem_region *g)
{
	uint64_t used = g->peak;

	if (g->capacity >= DMEM_UNKNOWN || used >= DMEM_UNKNOWN)
		return false;
	if (g->unaccounted < DMEM_UNKNOWN)
		used += g->unaccounted;
	return used > g->capacity - g->capacity / PART;
}

/* Reports why a request found no room. */
static void say_no_room(struct doctor *d, size_t r, const char *path, uint64_t times)
{
	const struct dmem_region *g = &d->regions.region[r];
	static const char larger[] = "limit the cgroups that use the region, or make it larger: "
		"run dmemctl record, then dmemctl plan";
	const char *what = requests(d, times, r), *found, *remedy;

	if (g->available == DMEM_UNKNOWN) {
		found = "";
		remedy = "limit the cgroups that use the region: run dmemctl record, then dmemctl "
			"plan";
	} else if (is_used_up(g)) {
		bool uncharged = g->unaccounted != DMEM_UNKNOWN && g->unaccounted >= MUCH;

		found = dmem_printf(d->arena, "; now %s of the region are free%s%s%s",
				    doctor_size(g->available),
				    uncharged ? ", and " : "",
				    uncharged ? doctor_size(g->unaccounted) : "",
				    uncharged ? " are in use without a charge" : "");
		remedy = larger;
	} else if (was_used_up(g)) {
		found = dmem_printf(d->arena, "; now %s of the region are free, but its peak was "
				    "%s, so it may have been "
				    "full", doctor_size(g->available), doctor_size(g->peak));
		remedy = larger;
	} else if (g->largest == DMEM_UNKNOWN) {
		found = dmem_printf(d->arena, "; now %s of the region are free, so it may be "
				    "fragmented, or have pages that could not be moved, which this "
				    "kernel does not show",
				    doctor_size(g->available));
		remedy = "to see fragmentation, build the kernel with CONFIG_CMA_DEBUGFS, mount "
			"debugfs, and see the column LARGEST of lsdmem as root";
	} else if (g->largest < g->available / 2) {
		found = dmem_printf(d->arena,
				    "; now %s of the region are free, in pieces of %s at most",
				    doctor_size(g->available), doctor_size(g->largest));
		remedy = "the region is fragmented: restart the processes that hold small buffers, "
			"see lsdmem --buffers";
	} else {
		found = dmem_printf(d->arena, "; now %s of the region are free, the largest piece "
				    "is %s, so pages that could not be moved may be the reason",
				    doctor_size(g->available),
				    doctor_size(g->largest));
		remedy = "allocate early and keep the buffers, or make the region larger: busy page cache and "
			 "pinned pages can be in a CMA area";
	}
	if (!what || !found)
		d->err = -ENOMEM;
	else
		doctor_say(d, NOTE, path, remedy, "no room for %s since the cgroup was created%s",
			   what, found);
}

static bool is_above(const struct dmem_node *n, const struct dmem_node *of)
{
	while (of && of != n)
		of = of->parent;
	return of;
}

/* The cgroup with the largest unused reservation, or NULL. */
static const struct dmem_node *reserver(const struct doctor *d, const struct dmem_node *n, size_t r)
{
	const struct dmem_node *most = NULL;
	uint64_t unused = 0;

	for (const struct dmem_node *o = d->tree.root->child; o; o = dmem_tree_next(o)) {
		uint64_t min = dmem_tree_figure(&d->tree, o, r, DMEM_F_MIN);
		uint64_t used = dmem_tree_figure(&d->tree, o, r, DMEM_F_CURRENT);

		if (is_above(o, n) || min == DMEM_UNKNOWN || min == DMEM_NO_LIMIT ||
		    used == DMEM_UNKNOWN || min <= used || min - used <= unused)
			continue;
		unused = min - used;
		most = o;
	}
	return most;
}

static void say_reserved(struct doctor *d, const struct dmem_node *n, size_t r, const char *path,
			 uint64_t times)
{
	const struct dmem_node *o = reserver(d, n, r);
	const char *what = requests(d, times, r), *by = "";
	char other[4096];

	if (o) {
		dmem_node_path(o, other, sizeof(other));
		by = dmem_printf(d->arena, "; now %s has reserved %s and uses %s", other,
				 doctor_size(dmem_tree_figure(&d->tree, o, r, DMEM_F_MIN)),
				 doctor_size(dmem_tree_figure(&d->tree, o, r, DMEM_F_CURRENT)));
	}
	if (!what || !by)
		d->err = -ENOMEM;
	else
		doctor_say(d, NOTE, path, "lower dmem.min of the other cgroups, or set dmem.min of "
			   "this cgroup as well",
			   "reservations of other cgroups refused %s since the cgroup was "
			   "created%s", what, by);
}

static void check_refusals(struct doctor *d, const struct dmem_node *n, size_t r)
{
	struct refusals own;
	char path[4096];

	own_refusals(d, n, r, &own);
	dmem_node_path(n, path, sizeof(path));
	if (own.by_limit)
		say_own_limit(d, n, r, path, own.by_limit);
	/* Requests of this cgroup that another limit refused. If it has children, some of those
	 * that its own limit refused may have been theirs, so this number is the least possible
	 * one. */
	if (own.of_mine > own.by_limit)
		say_limit_above(d, n, r, path, own.of_mine - own.by_limit);
	if (own.no_room)
		say_no_room(d, r, path, own.no_room);
	if (own.reserved)
		say_reserved(d, n, r, path, own.reserved);
}

void doctor_events(struct doctor *d)
{
	d->lines.r = &d->regions;
	d->lines.read_in = dmem_alloc(d->arena, (d->regions.n + 1) * sizeof(*d->lines.read_in));
	if (!d->lines.read_in)
		d->err = -ENOMEM;
	for (const struct dmem_node *n = d->tree.root; n && !d->err; n = dmem_tree_next(n)) {
		for (size_t r = 0; n->parent && n->figure && r < d->regions.n && !d->err; r++)
			check_refusals(d, n, r);
	}
}
