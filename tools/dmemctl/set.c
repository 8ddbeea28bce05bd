// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl set - set limits now, and for each later start */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "set.h"

#define NAP_MS		100
/* dmem-apply waits 5 s for a region, and this is longer. */
#define MAX_NAPS	150
/* How often a limit is set again after another program has changed it. */
#define MAX_FOREIGN	3

static void help(void)
{
	printf("Usage: dmemctl set [options] UNIT|CGROUP --max=REGION=SIZE ...\n"
	       "       dmemctl set --revert [--runtime] UNIT\n\n"
	       "Set limits of a running unit or cgroup. Those of a unit are also written to a\n"
	       "drop-in, so that they hold at each later start. All are set, or none.\n\n"
	       "      --max=REGION=SIZE   limit: refuse requests above it\n"
	       "      --min=REGION=SIZE   reservation: keep memory free, if the kernel can\n"
	       "      --low=REGION=SIZE   like --min, but only if possible\n"
	       "      --propagate         with --min: raise the reservations of the cgroups above\n"
	       "      --runtime           until the next boot; a cgroup has no drop-in\n"
	       "      --revert            remove the limits that were set for the unit\n"
	       "  -n, --dry-run           do all possible checks, and change nothing\n"
	       "  -h, --help              print this help\n\n"
	       "REGION is a name that lsdmem prints, or dma_heap/NAME. SIZE is a number of\n"
	       "bytes, a number with K, M, G or T (1K, 1KB and 1KiB are 1024 bytes), a\n"
	       "percentage of the region such as 12.5%%, or max.\n");
}

/* Checks whether a drop-in would have an effect for this unit. */
static int check_unit(struct ctl *c, const struct target *t, bool runtime)
{
	if (!t->unit)
		return 0;
	if (!strcmp(t->unit, "-.slice")) {
		cli_error(&c->cli,
			  "-.slice: the root slice cannot have limits: name a slice below it");
		return -EINVAL;
	}
	if (t->type == DMEM_SERVICE || t->type == DMEM_SLICE)
		return 0;
	if (t->type == DMEM_SCOPE && runtime)
		return 0;
	cli_error(&c->cli, "%s: only services and slices have permanent limits: %s", t->unit,
		  t->type == DMEM_SCOPE ? "use --runtime" : "limit its slice");
	return -EINVAL;
}

/* Limits of a scope or a cgroup last until it is removed. */
bool set_persists(const struct set *s)
{
	return s->target.unit && s->target.type != DMEM_SCOPE;
}

static int load(struct ctl *c, struct set *s)
{
	if (s->units_loaded)
		dmem_units_free(&s->units);
	s->units_loaded = true;
	return section_load(c, &s->units, true);
}

/* The last limit of the region in a section. Compares the regions, not the names, since a section
 * may use another name for it. NULL: there is none. */
static const struct dmem_limit *find_last(struct set *s, const struct section *section,
					  const struct change_item *it, uint64_t *value)
{
	const struct dmem_limit *last = NULL;

	for (size_t i = 0; i < section->n; i++) {
		const struct dmem_limit *l = &section->limit[i];
		struct change_item found;

		if (l->kind != it->kind || change_find(&s->change, l, &found) != DMEM_OK ||
		    strcmp(found.region, it->region))
			continue;
		last = l;
		*value = found.value;
	}
	return last;
}

/* Checks that the unit's files together have the requested limits: a drop-in with a later name may
 * replace ours, and the next start would use its limit. */
static int check_effect(struct ctl *c, struct set *s)
{
	const struct dmem_obstacle *o;
	struct dmem_unit_file file;
	int ret = load(c, s);

	if (!ret)
		ret = dropin_plan(c, &s->dropin, &file);
	if (!ret)
		ret = section_plan(c, &s->units, s->target.unit, &file, &s->after);
	if (ret)
		return ret;
	o = s->target.type == DMEM_SERVICE ? dmem_unit_limits_obstacle(&s->after.merged) : NULL;
	if (o) {
		cli_error(&c->cli,
			  "%s:%u: %s= keeps limits from being set inside %s: limit its slice",
			  o->file, o->line, o->key, s->target.unit);
		return -EINVAL;
	}
	for (size_t i = 0; i < s->change.n; i++) {
		const struct change_item *want = &s->change.item[i];
		uint64_t value;
		const struct dmem_limit *is = find_last(s, &s->after, want, &value);

		if (is && value == want->value)
			continue;
		if (is && is->kind == DMEM_MIN && s->after.merged.propagate && value > want->value) {
			cli_error(&c->cli, "%s: the units in %s reserve %s, which " DMEM_PROPAGATE_KEY
				  "=yes makes its smallest reservation: set more, or lower theirs",
				  want->text, s->target.unit, is->text);
			return -EEXIST;
		}
		cli_error(&c->cli,
			  "%s: another file of %s is read later and sets %s: see systemctl cat %s",
			  want->text, s->target.unit, is ? is->text : "nothing", s->target.unit);
		return -EEXIST;
	}
	return 0;
}

void set_warn(struct ctl *c, struct set *s)
{
	change_warn(c, &s->change, s->target.cgroup ? s->target.cgroup : "",
		    set_persists(s) ? &s->after : NULL);
}

/* Finds the limit of a region without the drop-in: that of the other files, or none. A region that
 * was removed has no limit to take back. */
static int revert_one(struct ctl *c, struct set *s, const struct section *after,
		      const struct dmem_section_limit *limit)
{
	const char *region = section_region(&s->arena, s->target.unit, limit->region);
	const char *text = region ? dmem_printf(&s->arena, "%s=%s", region,
						limit->kind == DMEM_MAX ? "max" : "0") : NULL;
	const struct dmem_limit *is;
	struct change_item it;
	struct dmem_limit l;
	uint64_t value;

	if (!region)
		return 0;
	if (!text || dmem_limit_parse(&s->arena, limit->kind, text, &l) != DMEM_OK)
		return -ENOMEM;
	if (change_find(&s->change, &l, &it) != DMEM_OK)
		return 0;
	is = find_last(s, after, &it, &value);
	return change_add(c, &s->change, is ? is : &l);
}

static int revert(struct ctl *c, struct set *s)
{
	struct dmem_unit_limits was = s->dropin.limits;
	struct section after;
	int ret;

	s->dropin.limits.n = 0;
	if (s->opt.dry_run)
		return 0;
	ret = dropin_write(c, &s->dropin);
	if (!ret)
		ret = load(c, s);
	if (!ret)
		ret = section_read(c, &s->units, s->target.unit, &after);
	for (size_t i = 0; i < was.n && !ret; i++)
		ret = revert_one(c, s, &after, &was.limit[i]);
	return ret;
}

int set_check(struct ctl *c, struct set *s)
{
	int ret = 0;

	for (size_t i = 0; i < s->opt.n && !ret; i++) {
		ret = change_add(c, &s->change, &s->opt.limit[i]);
		if (!ret && set_persists(s) && dropin_add(&s->dropin, &s->opt.limit[i]))
			ret = -ENOMEM;
	}
	if (!ret && set_persists(s))
		ret = check_effect(c, s);
	if (!ret && !s->no_warnings)
		set_warn(c, s);
	if (!ret && s->target.cgroup)
		ret = change_check(c, &s->change, s->target.cgroup);
	return ret;
}

/* Raises the cgroups above, or with --dry-run finds out how far. */
static int propagate(struct ctl *c, struct set *s, bool last)
{
	if (!s->opt.propagate)
		return 0;
	return propagate_raise(c, &s->change, s->target.cgroup, last, &s->propagate);
}

/* All steps that can fail without a change come first, then the file. */
static int prepare(struct ctl *c, struct set *s)
{
	int ret = set_check(c, s);

	if (!ret && s->opt.dry_run)
		ret = propagate(c, s, true);
	if (ret || s->opt.dry_run)
		return ret;
	return set_persists(s) ? dropin_write(c, &s->dropin) : 0;
}

/* True while the unit runs a command that sets its limits: it was started with the limits that
 * systemd knew at that time. */
static bool is_being_set(const struct unit_state *unit, int type)
{
	return !strcmp(unit->sub, type == DMEM_SLICE ? "start" : "condition");
}

/* Reads the unit's state again: it may have been started, stopped, or restarted. Sets *@busy.
 * Without systemd, the state counts as unchanged. */
static int look_again(struct ctl *c, struct set *s, bool *busy)
{
	struct unit_state now;
	int ret;

	*busy = false;
	if (!s->manager.bus || !set_persists(s) || dmem_unit_is_template(s->target.unit))
		return 0;
	ret = manager_unit(c, &s->manager, &s->arena, s->target.unit, &now);
	if (ret)
		return ret;
	s->target.cgroup = now.cgroup;
	if (s->target.type == DMEM_SLICE) {
		const char *setter = dmem_printf(&s->arena, "dmem-slice@%.*s.service",
						 (int)(strrchr(s->target.unit, '.') - s->target.unit),
						 s->target.unit);

		ret = setter ? manager_unit(c, &s->manager, &s->arena, setter, &now) : -ENOMEM;
		if (ret)
			return ret;
	}
	*busy = is_being_set(&now, s->target.type);
	return 0;
}

static int not_settled(struct ctl *c, const struct set *s, const struct change_item *other)
{
	const char *name = s->target.unit ? s->target.unit : s->target.cgroup;

	if (other)
		cli_error(&c->cli, "%s: %s: another program sets this limit at the same time: "
			  "nothing was set, try again",
			  name, other->text);
	else
		cli_error(&c->cli, "%s: a start of the unit is still setting the old limits: "
			  "nothing was set, try again",
			  name);
	return -EAGAIN;
}

/*
 * Sets the limits of the running unit. systemd has read the new file, so each later start uses the
 * new limits. But a start from before may still be under way and set the former limits after us.
 * The loop ends when no such start is left and the limits are still in force.
 */
int set_running(struct ctl *c, struct set *s)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000L };
	const struct change_item *other = NULL;
	unsigned int naps = 0, foreign = 0;
	bool busy;
	int ret;

	s->change.may_vanish = s->manager.bus && set_persists(s);
	for (;;) {
		ret = look_again(c, s, &busy);
		if (ret)
			return ret;
		if (!busy && !s->target.cgroup)
			return 0;
		ret = s->target.cgroup ? change_apply(c, &s->change, s->target.cgroup) : 0;
		s->changed = !ret && s->target.cgroup;
		if (ret && ret != -ENOENT)
			return ret;
		if (ret && !s->change.may_vanish)
			return ret;
		if (!ret && !busy) {
			ret = look_again(c, s, &busy);
			if (ret)
				return ret;
			ret = s->target.cgroup && !strcmp(s->target.cgroup, s->change.cgroup) ?
			      change_verify(&s->change, &other) : -ENOENT;
			if (!busy && !ret)
				return 0;
			if (ret == -ENOMEM)
				return ret;
			foreign += ret == -EAGAIN;
		}
		if (foreign > MAX_FOREIGN || ++naps > MAX_NAPS)
			return not_settled(c, s, foreign > MAX_FOREIGN ? other : NULL);
		nanosleep(&nap, NULL);
	}
}

/* Writes the file, reloads systemd, and sets the limits of the running unit last: a restart before
 * the reload would bring back the former limits. */
static int change_all(struct ctl *c, struct set *s)
{
	int ret = s->opt.revert ? revert(c, s) : prepare(c, s);

	if (ret || s->opt.dry_run)
		return ret;
	if (set_persists(s) && s->manager.bus) {
		ret = manager_reload(c, &s->manager);
		/* If systemd refused the reload, it still has the former file. */
		s->reloaded = ret != -EACCES && ret != -EPERM;
	}
	if (ret || !s->change.n)
		return ret;
	ret = propagate(c, s, false);
	if (!ret)
		ret = set_running(c, s);
	/* Another program may have set a reservation beside this one since the first call. */
	if (!ret && s->target.cgroup)
		ret = propagate(c, s, true);
	return ret;
}

/* Restores the file and the limits. */
static void undo(struct ctl *c, struct set *s)
{
	bool written = s->dropin.written;

	if (s->changed)
		change_undo(c, &s->change);
	propagate_undo(c, &s->change, &s->propagate);
	dropin_undo(c, &s->dropin);
	/* systemd may have read the file that has just been removed. */
	if (written && s->reloaded && manager_reload(c, &s->manager))
		cli_error(&c->cli, "%s: the old limits are in the files again, but systemd could "
			  "not reload them: run systemctl daemon-reload",
			  s->target.unit);
}

static void say(const struct set *s, const char *word)
{
	const char *name = s->target.unit ? s->target.unit : word;

	propagate_say(&s->change, &s->propagate);
	if (s->opt.revert && !s->dropin.old)
		printf("%s: no limits were set: nothing to revert\n", name);
	else if (s->opt.dry_run)
		printf("%s: all checks passed: nothing was changed\n", name);
	else if (!s->target.cgroup && !s->opt.revert)
		printf("%s: not running: the limits take effect at the next start\n", name);
	else if (!s->target.cgroup)
		printf("%s: not running: the limits are removed at the next start\n", name);
}

/* Checks whether the target can have these limits. */
static int check_target(struct ctl *c, const struct set *s, const char *word)
{
	int ret = check_unit(c, &s->target, s->opt.runtime);

	if (!ret && s->opt.propagate && !s->target.cgroup) {
		cli_error(&c->cli, "%s: not running, so --propagate finds no cgroups above it: start "
			  "it first, or set the slices that contain it", word);
		return -ENOENT;
	}
	if (ret || set_persists(s))
		return ret;
	if (s->opt.revert) {
		cli_error(&c->cli, "%s: no drop-in to revert: set max instead", word);
		return -EINVAL;
	}
	if (!s->target.cgroup) {
		cli_error(&c->cli, "%s: no cgroup: start the unit first", word);
		return -ENOENT;
	}
	return 0;
}

int set_find(struct ctl *c, struct set *s, const char *word)
{
	int ret = target_find(c, &s->manager, &s->arena, word, &s->target);

	return ret ? ret : check_target(c, s, word);
}

int set_open(struct ctl *c, struct set *s)
{
	int ret = change_open(c, &s->arena, &s->change);

	s->change.dry = s->opt.dry_run;
	s->change.propagate = s->opt.propagate;
	if (!ret && set_persists(s))
		ret = dropin_open(c, &s->arena, s->target.unit, s->opt.runtime, !s->opt.dry_run,
				  &s->dropin);
	return ret;
}

static int run(struct ctl *c, struct set *s, const char *word)
{
	int ret = 0;

	if (target_any_unit((char **)&word, 1))
		ret = manager_open(c, &s->manager);
	if (!ret)
		ret = set_find(c, s, word);
	if (!ret)
		ret = set_open(c, s);
	/* Only limits that were set can be taken back. */
	if (!ret && (!s->opt.revert || s->dropin.old))
		ret = change_all(c, s);
	if (ret == -ENOMEM)
		cli_error(&c->cli, "out of memory");
	if (!ret) {
		say(s, word);
		return CLI_OK;
	}
	undo(c, s);
	return CLI_FAILED;
}

static int check_options(struct ctl *c, const struct options *opt, int names)
{
	if (names != 1)
		return cli_usage(&c->cli, "wrong number of arguments: name one unit or cgroup");
	if (opt->revert && opt->n)
		return cli_usage(&c->cli, "--revert cannot be combined with limits");
	if (!opt->revert && !opt->n)
		return cli_usage(&c->cli, "no limits: add --max=, --min= or --low=");
	for (size_t i = 0; i < opt->n; i++) {
		if (opt->limit[i].kind == DMEM_MIN)
			return CLI_OK;
	}
	return opt->propagate ? cli_usage(&c->cli, "--propagate raises reservations: add --min=") : CLI_OK;
}

void set_close(struct set *s)
{
	propagate_unlock(&s->propagate);
	dropin_close(&s->dropin);
	change_close(&s->change);
	if (s->units_loaded)
		dmem_units_free(&s->units);
	dmem_arena_free(&s->arena);
}

int verb_set(struct ctl *c, int argc, char **argv)
{
	struct set s = SET_INIT;
	int ret = options_limits(c, &s.arena, argc, argv, OPTIONS_SET, &s.opt);

	if (s.opt.help) {
		help();
		ret = CLI_OK;
	} else {
		if (ret == CLI_OK)
			ret = check_options(c, &s.opt, argc - optind);
		if (ret == CLI_OK)
			ret = run(c, &s, argv[optind]);
	}
	manager_close(&s.manager);
	set_close(&s);
	return ret;
}
