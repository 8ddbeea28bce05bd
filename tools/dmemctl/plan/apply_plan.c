// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets the limits of a plan on this machine. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "dmemctl/record/identity.h"
#include "dmemctl/set.h"
#include "apply_plan.h"
#include "machines.h"

/* One limit after the other, those that take nothing from anybody first: at no moment is a service
 * refused memory that it had before and has afterwards. */
enum step {
	STEP_MIN_SHRINKS, STEP_MAX_GROWS, STEP_MAX_SHRINKS, STEP_MIN_GROWS, STEPS
};

struct apply_unit {
	const char *name, *path;	/* @path: its recorded cgroup */
	uint32_t service;
	struct set s;
};

struct apply {
	struct ctl *c;
	struct diff *d;
	const struct apply_options *o;
	struct manager manager;
	struct change probe;		/* the cgroup tree, to read it */
	struct apply_unit *unit;	/* by path: a slice comes before the cgroups in it */
	size_t n;
	bool begun;			/* the check found nothing: limits change */
};

bool apply_parse_accept(const char *words, unsigned int *accept)
{
	static const char * const names[] = { "machine", "quantile", "changes" };

	for (;;) {
		size_t len = strcspn(words, ","), i = 0;

		while (i < 3 && (strlen(names[i]) != len || strncmp(names[i], words, len)))
			i++;
		if (i == 3)
			return false;
		*accept |= 1u << i;
		if (!words[len])
			return true;
		words += len + 1;
	}
}

/* ---- is the plan for this machine? ---- */

static int check_load(const struct apply *a, const struct needs_options *o)
{
	if (o->quantile < 1 && !(a->o->accept & APPLY_QUANTILE)) {
		cli_error(&a->c->cli, "a plan with --quantile=%.4g refuses requests that were "
			  "recorded: use --accept=quantile to set its limits", o->quantile);
		return -EINVAL;
	}
	if (a->d->m->whatif && !(a->o->accept & APPLY_CHANGES)) {
		cli_error(&a->c->cli, "the load of this plan is not the recorded one: use "
			  "--accept=changes to set its limits");
		return -EINVAL;
	}
	return 0;
}

static bool same(const char *a, const char *b)
{
	return !a || !b || !strcmp(a, b);
}

static int check_boot(const struct apply *a, const struct model_boot *b,
		      const struct hist_identity *here)
{
	const struct hist_identity *id = machines_identity(a->d->m, b);

	if (!id || !id->machine) {
		cli_error(&a->c->cli, "boot %s: the history does not name its machine: record again, "
			  "or use --accept=machine if it is this one", b->id);
		return -EINVAL;
	}
	if (!here->machine) {
		cli_error(&a->c->cli, "this machine has no id in /etc/machine-id: use "
			  "--accept=machine if the histories are of this one");
		return -EINVAL;
	}
	/* Copies of a disk image have the same id. */
	if (!strcmp(id->machine, here->machine) && same(id->host, here->host))
		return 0;
	cli_error(&a->c->cli, "boot %s: recorded on another machine (%s, %s), this one is %s, %s: "
		  "plan from histories of this machine, or use --accept=machine", b->id,
		  id->host ? id->host : "no host name", id->machine,
		  here->host ? here->host : "no host name", here->machine);
	return -EINVAL;
}

static int check_machine(const struct apply *a)
{
	struct identity here = { 0 };
	int ret = 0;

	if (a->o->accept & APPLY_MACHINE)
		return 0;
	ret = identity_read(&here, &a->probe.sys);
	for (size_t i = 0; i < a->d->m->n_boots && !ret; i++)
		ret = check_boot(a, &a->d->m->boot[i], &here.id);
	identity_free(&here);
	return ret;
}

/* ---- units ---- */

static struct apply_unit *find_unit(const struct apply *a, uint32_t service)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->unit[i].service == service)
			return &a->unit[i];
	}
	return NULL;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct apply_unit *)a)->path, ((const struct apply_unit *)b)->path);
}

static int list_units(struct apply *a)
{
	const struct model *m = a->d->m;

	for (size_t i = 0; i < a->d->n_rows; i++) {
		const struct diff_row *r = &a->d->row[i];
		struct apply_unit *more;

		if (!diff_is_limit(r) || find_unit(a, r->service))
			continue;
		more = dmem_grow(&a->d->arena, a->unit, a->n, sizeof(*more));
		if (!more)
			return -ENOMEM;
		a->unit = more;
		more[a->n++] = (struct apply_unit){
			.name = m->service[r->service].unit, .path = m->service[r->service].path,
			.service = r->service, .s = SET_INIT,
		};
	}
	if (a->n)
		qsort(a->unit, a->n, sizeof(*a->unit), by_path);
	return 0;
}

/* A unit of one name in two recorded cgroups was moved, or one of them is another machine's. Both
 * would have the same drop-in. */
static int check_names(const struct apply *a)
{
	for (size_t i = 0; i < a->n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(a->unit[i].name, a->unit[k].name))
				continue;
			cli_error(&a->c->cli, "%s: recorded as /%s and as /%s: plan from histories "
				  "in which it has one of them", a->unit[i].name, a->unit[k].path,
				  a->unit[i].path);
			return -EINVAL;
		}
	}
	return 0;
}

/* The slice is where its name says, or would be. */
static bool is_slice_at(struct dmem_arena *arena, const char *name, const char *path)
{
	char *other, *at = dmem_slice_path(arena, name, &other);

	return at && (!strcmp(at, path) || (other && !strcmp(other, path)));
}

/* Finds the unit on this machine. Its name and its cgroup are those of the history. */
static int find_here(struct apply *a, struct apply_unit *u)
{
	int ret;

	if (dmem_unit_is_template(u->name) ||
	    (dmem_unit_type(u->name) == DMEM_SLICE && !is_slice_at(&u->s.arena, u->name, u->path))) {
		cli_error(&a->c->cli, "/%s: no cgroup of a unit %s: the history is wrong", u->path,
			  u->name);
		return -EINVAL;
	}
	u->s.opt.runtime = a->o->runtime;
	u->s.opt.dry_run = a->o->dry_run;
	u->s.no_warnings = true;
	u->s.manager = a->manager;
	ret = set_find(a->c, &u->s, u->name);
	if (ret)
		return ret;
	if (!u->s.target.unit || strcmp(u->s.target.unit, u->name)) {
		cli_error(&a->c->cli, "%s: another name of %s on this machine, but it was recorded "
			  "as a unit", u->name, u->s.target.unit ? u->s.target.unit : "a cgroup");
		return -EINVAL;
	}
	if (u->s.target.cgroup && strcmp(u->s.target.cgroup, u->path)) {
		cli_error(&a->c->cli, "%s: recorded as /%s, but is /%s on this machine: record "
			  "again", u->name, u->path, u->s.target.cgroup);
		return -EINVAL;
	}
	return 0;
}

/* Reports all units that are not there, not only the first one. */
static int find_all(struct apply *a)
{
	int ret = check_names(a);

	for (size_t i = 0; i < a->n && ret != -ENOMEM; i++) {
		int one = find_here(a, &a->unit[i]);

		ret = one ? one : ret;
	}
	return ret;
}

/* ---- present values ---- */

static uint64_t read_limit(struct apply *a, const struct diff_row *r)
{
	const struct apply_unit *u = find_unit(a, r->service);
	const char *cgroup = u ? u->s.target.cgroup : a->d->m->service[r->service].path;
	const char *region = a->d->n->region[r->region].region->name;
	enum dmem_status s;
	uint64_t v;

	if (!cgroup)
		return DMEM_UNKNOWN;
	s = dmem_cgroup_get(a->probe.root, cgroup, r->key == DIFF_MAX ? "dmem.max" : "dmem.min",
			    region, &v);
	if (s == DMEM_OK)
		return v;
	if (s == DMEM_NO_REGION)
		return r->key == DIFF_MAX ? DMEM_NO_LIMIT : 0;
	return DMEM_UNKNOWN;
}

static void read_present(struct apply *a)
{
	for (size_t i = 0; i < a->d->n_rows; i++) {
		struct diff_row *r = &a->d->row[i];

		if (r->key != DIFF_SIZE)
			r->now = read_limit(a, r);
		else if (dmem_cgroup_get(a->probe.root, "", "dmem.capacity",
					 a->d->n->region[r->region].region->name, &r->now) != DMEM_OK)
			r->now = DMEM_UNKNOWN;
	}
}

/* ---- checks ---- */

static int add_limit(struct apply *a, struct apply_unit *u, const struct diff_row *r)
{
	struct dmem_limit *l = dmem_grow(&u->s.arena, u->s.opt.limit, u->s.opt.n, sizeof(*l));
	const char *region = a->d->n->region[r->region].region->name, *text;
	char size[REPORT_EXACT];

	text = dmem_printf(&u->s.arena, "%s=%s", region, report_exact(size, r->proposed));
	if (!l || !text)
		return -ENOMEM;
	u->s.opt.limit = l;
	/* The kernel has no region of such a name: it would be looked up as that of a heap. */
	if (dmem_region_heap(region) ||
	    dmem_limit_parse(&u->s.arena, r->key == DIFF_MAX ? DMEM_MAX : DMEM_MIN, text,
			     &l[u->s.opt.n]) != DMEM_OK) {
		cli_error(&a->c->cli, "%s: not the name of a region: the history is wrong", region);
		return -EINVAL;
	}
	u->s.opt.n++;
	return 0;
}

/* A slice is there if it has a cgroup or a file. systemd would make any other one. */
static int check_slice(const struct apply *a, const struct apply_unit *u)
{
	const struct dmem_unit *file = dmem_units_find(&u->s.units, u->name);

	if (u->s.target.type != DMEM_SLICE || u->s.target.cgroup || (file && file->fragment))
		return 0;
	cli_error(&a->c->cli, "%s: no such slice on this machine: start a unit in it first",
		  u->name);
	return -ENOENT;
}

/* The limits of a change are looked up in the kernel's files, and belong to a step each. */
static void set_steps(struct apply_unit *u)
{
	for (size_t i = 0; i < u->s.change.n; i++) {
		struct change_item *it = &u->s.change.item[i];
		bool max = it->kind == DMEM_MAX, grows;
		uint64_t now = max ? DMEM_NO_LIMIT : 0;

		if (u->s.target.cgroup &&
		    dmem_cgroup_get(u->s.change.root, u->s.target.cgroup,
				    max ? "dmem.max" : "dmem.min", it->region, &now) != DMEM_OK)
			now = max ? DMEM_NO_LIMIT : 0;
		grows = it->value > now;
		it->step = max ? (grows ? STEP_MAX_GROWS : STEP_MAX_SHRINKS) :
			grows ? STEP_MIN_GROWS : STEP_MIN_SHRINKS;
	}
}

static int check_unit(struct apply *a, struct apply_unit *u)
{
	int ret = 0;

	for (size_t i = 0; i < a->d->n_rows && !ret; i++) {
		if (a->d->row[i].service == u->service && diff_is_limit(&a->d->row[i]))
			ret = add_limit(a, u, &a->d->row[i]);
	}
	if (!ret)
		ret = set_open(a->c, &u->s);
	if (!ret)
		ret = set_check(a->c, &u->s);
	if (!ret)
		ret = check_slice(a, u);
	if (!ret)
		set_steps(u);
	return ret;
}

static int check_all(struct apply *a)
{
	int ret = 0;

	for (size_t i = 0; i < a->n && ret != -ENOMEM; i++) {
		int one = check_unit(a, &a->unit[i]);

		ret = one ? one : ret;
	}
	return ret;
}

/* ---- the change ---- */

/* A slice bounds the cgroups in it: it grows before them, and shrinks after them. */
static struct apply_unit *in_order(struct apply *a, size_t i, unsigned int step, bool back)
{
	bool grows = step == STEP_MAX_GROWS || step == STEP_MIN_GROWS;

	return &a->unit[grows != back ? i : a->n - 1 - i];
}

static bool has_step(const struct apply_unit *u, unsigned int step)
{
	for (size_t i = 0; i < u->s.change.n; i++) {
		if (u->s.change.item[i].step == step)
			return true;
	}
	return false;
}

static int run_step(struct apply *a, unsigned int step)
{
	int ret = 0;

	for (size_t i = 0; i < a->n && !ret; i++) {
		struct apply_unit *u = in_order(a, i, step, false);

		u->s.change.last = step;
		/* The last step verifies the limits of all steps. */
		if (has_step(u, step) || step == STEPS - 1)
			ret = set_running(a->c, &u->s);
	}
	return ret;
}

static int change_all(struct apply *a, bool *reloaded)
{
	int ret = 0;

	for (size_t i = 0; i < a->n && !ret; i++)
		ret = dropin_write(a->c, &a->unit[i].s.dropin);
	if (!ret && a->manager.bus) {
		ret = manager_reload(a->c, &a->manager);
		/* If systemd refused the reload, it still has the former files. */
		*reloaded = ret != -EACCES && ret != -EPERM;
	}
	for (unsigned int step = 0; step < STEPS && !ret; step++)
		ret = run_step(a, step);
	return ret;
}

static void undo(struct apply *a, bool reloaded)
{
	for (unsigned int step = STEPS; step-- > 0;) {
		for (size_t i = 0; i < a->n; i++) {
			struct apply_unit *u = in_order(a, i, step, true);

			u->s.change.first = step;
			if (u->s.changed)
				change_undo(a->c, &u->s.change);
		}
	}
	for (size_t i = a->n; i-- > 0;)
		dropin_undo(a->c, &a->unit[i].s.dropin);
	if (reloaded && manager_reload(a->c, &a->manager))
		cli_error(&a->c->cli, "the old limits are in the files again, but systemd could not "
			  "reload them: run systemctl daemon-reload");
}

/* A signal, also one of a closed terminal or pipe, waits until all limits are set, or none. */
static int change(struct apply *a)
{
	bool reloaded = false;
	sigset_t all, old;
	int ret;

	/* A program that reads the table gets it also if a signal ends this one. */
	fflush(stdout);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	ret = change_all(a, &reloaded);
	if (ret)
		undo(a, reloaded);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return ret;
}

/* ---- the whole ---- */

static void say(struct apply *a)
{
	size_t limits = 0;

	for (size_t i = 0; i < a->n; i++)
		limits += a->unit[i].s.change.n;
	for (size_t i = 0; i < a->n && !a->o->dry_run; i++)
		set_warn(a->c, &a->unit[i].s);
	if (a->o->json)
		return;
	printf("\n");
	if (a->o->dry_run)
		printf("all checks passed: nothing was changed\n");
	else
		printf("%zu limit%s of %zu unit%s set\n", limits, limits == 1 ? "" : "s", a->n,
		       a->n == 1 ? "" : "s");
	for (size_t i = 0; i < a->n; i++) {
		if (!a->unit[i].s.target.cgroup)
			printf("%s: not running: the limits take effect at the next start\n",
			       a->unit[i].name);
	}
}

static int run(struct apply *a, const struct needs_options *o)
{
	int ret = check_load(a, o);

	if (!ret)
		ret = change_open(a->c, &a->d->arena, &a->probe);
	if (!ret)
		ret = check_machine(a);
	if (!ret)
		ret = list_units(a);
	if (!ret && !a->n) {
		cli_error(&a->c->cli, "the plan has no limit of a service or slice");
		ret = -ENOENT;
	}
	if (!ret)
		ret = manager_open(a->c, &a->manager);
	if (!ret)
		ret = find_all(a);
	if (ret)
		return ret;
	read_present(a);
	ret = diff_print(a->d, a->o->json);
	if (!ret)
		ret = check_all(a);
	if (ret || a->o->dry_run)
		return ret;
	a->begun = true;
	return change(a);
}

int apply_plan(struct ctl *c, struct diff *d, const struct needs_options *o,
	       const struct apply_options *options)
{
	struct apply a = { .c = c, .d = d, .o = options };
	int ret;

	a.probe.root = a.probe.sys.root = -1;
	ret = run(&a, o);
	if (!ret)
		say(&a);
	else if (ret == -ENOMEM)
		cli_error(&c->cli, "out of memory");
	if (ret && !a.begun)
		cli_error(&c->cli, "nothing was changed");
	/* The first one may have made a directory for all, and removes it last. */
	for (size_t i = a.n; i-- > 0;)
		set_close(&a.unit[i].s);
	manager_close(&a.manager);
	change_close(&a.probe);
	return ret ? CLI_FAILED : CLI_OK;
}
