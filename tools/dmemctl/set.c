// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl set - limits for now, and for each start to come */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "change.h"
#include "dropin.h"
#include "options.h"
#include "section.h"
#include "target.h"

struct set {
	struct dmem_arena arena;
	struct options opt;
	struct manager manager;
	struct target target;
	struct change change;
	struct dropin dropin;
	/* The unit's files as they were, for --revert, and as they are. */
	struct dmem_units units_before, units;
	struct section before;
	bool changed;
};

static void help(void)
{
	printf("Usage: dmemctl set [options] UNIT|CGROUP --max=REGION=SIZE ...\n"
	       "       dmemctl set --revert [--runtime] UNIT\n\n"
	       "Sets limits of a running unit or cgroup, and writes a drop-in so that a unit has\n"
	       "them at each start to come. All are set, or none.\n\n"
	       "      --max=REGION=SIZE   not more than that\n"
	       "      --min=REGION=SIZE   that much is kept free for it, where the kernel can\n"
	       "      --low=REGION=SIZE   the same, if possible\n"
	       "      --runtime           until the next boot; for a cgroup, nothing is written\n"
	       "      --revert            take back what was set for the unit\n"
	       "  -n, --dry-run           check all that can be checked, and change nothing\n"
	       "  -h, --help              this text\n\n"
	       "REGION is a name of dmem.capacity, or dma_heap/NAME. SIZE is bytes with K, M, G or\n"
	       "T, a percentage of the region such as 12.5%%, or max.\n");
}

/* What a drop-in for this unit would do. */
static int check_unit(struct ctl *c, const struct target *t, bool runtime)
{
	if (!t->unit)
		return 0;
	if (!strcmp(t->unit, "-.slice")) {
		cli_error(&c->cli, "-.slice is the root, which has no limits: name a slice below it");
		return -EINVAL;
	}
	if (t->type == DMEM_SERVICE || t->type == DMEM_SLICE)
		return 0;
	if (t->type == DMEM_SCOPE && runtime)
		return 0;
	cli_error(&c->cli, "%s: only services and slices have limits that last: %s", t->unit,
		  t->type == DMEM_SCOPE ? "use --runtime" : "set those of its slice");
	return -EINVAL;
}

/* A scope and a cgroup have what they have until they are gone. */
static bool persists(const struct set *s)
{
	return s->target.unit && s->target.type != DMEM_SCOPE;
}

/* What holds for a region when the drop-in has no word on it any more. */
static int add_default(struct ctl *c, struct set *s, const struct dmem_limit *was)
{
	const char *text = dmem_printf(&s->arena, "%s=%s", was->region,
				       was->kind == DMEM_MAX ? "max" : "0");
	struct dmem_limit l;

	if (!text || dmem_limit_parse(&s->arena, was->kind, text, &l) != DMEM_OK)
		return -ENOMEM;
	return change_add(c, &s->change, &l);
}

static int load(struct ctl *c, struct set *s, struct dmem_units *u, struct section *section)
{
	int ret = section_load(c, u, true);

	return ret ? ret : section_read(c, u, s->target.unit, section);
}

/* The section must say now what was asked for: a file with a later name could have the
 * last word, and then the next start would bring a surprise. */
static int check_effect(struct ctl *c, struct set *s)
{
	const struct dmem_obstacle *o;
	struct section after;
	int ret = load(c, s, &s->units, &after);

	if (ret)
		return ret;
	o = s->target.type == DMEM_SERVICE ? dmem_caps_obstacle(&after.caps) : NULL;
	if (o) {
		cli_error(&c->cli, "%s:%u: %s= keeps limits from being set inside %s: set those of its slice",
			  o->file, o->line, o->key, s->target.unit);
		return -EINVAL;
	}
	for (size_t i = 0; i < s->opt.n; i++) {
		const struct dmem_limit *want = &s->opt.limit[i];
		const struct dmem_limit *is = section_find(&after, want->kind, want->region);

		if (is && is->value.percent == want->value.percent && is->value.n == want->value.n)
			continue;
		cli_error(&c->cli, "%s: another file of %s comes later and says %s: see systemctl cat %s",
			  want->text, s->target.unit, is ? is->text : "nothing", s->target.unit);
		return -EEXIST;
	}
	return 0;
}

/* After --revert, what is left of the unit's own sections holds. */
static int add_reverted(struct ctl *c, struct set *s)
{
	struct section after;
	int ret = load(c, s, &s->units, &after);

	for (size_t i = 0; i < s->before.n && !ret; i++) {
		const struct dmem_limit *was = &s->before.limit[i];
		const struct dmem_limit *is = section_find(&after, was->kind, was->region);
		const char *region;
		uint64_t capacity;

		/* A region that is gone has no limit to take back. */
		if (dmem_limit_find(&s->arena, s->change.root, s->change.heaps, was->region,
				    &region, &capacity) != DMEM_OK)
			continue;
		ret = is ? change_add(c, &s->change, is) : add_default(c, s, was);
	}
	return ret;
}

static int add_all(struct ctl *c, struct set *s)
{
	int ret = 0;

	for (size_t i = 0; i < s->opt.n && !ret; i++) {
		ret = change_add(c, &s->change, &s->opt.limit[i]);
		if (!ret && persists(s) && dropin_add(&s->dropin, &s->opt.limit[i]))
			ret = -ENOMEM;
	}
	return ret;
}

/* First what can fail without a trace, then the file, then the cgroup, and last the
 * reload, which makes it known. */
static int change_all(struct ctl *c, struct set *s)
{
	int ret;

	if (s->opt.revert && !s->dropin.caps.n)
		return 0;
	if (s->opt.revert) {
		ret = load(c, s, &s->units_before, &s->before);
		s->dropin.caps.n = 0;
	} else {
		ret = add_all(c, s);
	}
	if (ret || s->opt.dry_run)
		return ret;
	if (persists(s)) {
		ret = dropin_write(c, &s->dropin);
		if (!ret)
			ret = s->opt.revert ? add_reverted(c, s) : check_effect(c, s);
	}
	if (!ret && s->target.cgroup)
		ret = change_apply(c, &s->change, s->target.cgroup);
	s->changed = !ret && s->target.cgroup;
	if (!ret && persists(s) && s->manager.bus)
		ret = manager_reload(c, &s->manager);
	return ret;
}

static void say(const struct set *s)
{
	const char *name = s->target.unit ? s->target.unit : s->target.cgroup;

	if (s->opt.dry_run)
		printf("%s: nothing is in the way, and nothing was changed\n", name);
	else if (!s->target.cgroup)
		printf("%s: does not run: the limits hold from its next start on\n", name);
}

static int run(struct ctl *c, struct set *s, const char *word)
{
	int ret = 0;

	if (target_any_unit((char **)&word, 1))
		ret = manager_open(c, &s->manager);
	if (!ret)
		ret = target_find(c, &s->manager, &s->arena, word, &s->target);
	if (!ret)
		ret = check_unit(c, &s->target, s->opt.runtime);
	if (!ret && !persists(s) && s->opt.revert) {
		cli_error(&c->cli, "%s: nothing is kept for it: set max", word);
		ret = -EINVAL;
	}
	if (!ret && !s->target.cgroup && !persists(s)) {
		cli_error(&c->cli, "%s: it has no cgroup", word);
		ret = -ENOENT;
	}
	if (!ret)
		ret = change_open(c, &s->arena, &s->change);
	if (!ret && persists(s))
		ret = dropin_open(c, &s->arena, s->target.unit, s->opt.runtime, &s->dropin);
	if (!ret)
		ret = change_all(c, s);
	if (ret == -ENOMEM)
		cli_error(&c->cli, "no memory");
	if (!ret) {
		say(s);
		return CLI_OK;
	}
	if (s->changed)
		change_undo(c, &s->change);
	dropin_undo(c, &s->dropin);
	return CLI_FAILED;
}

int verb_set(struct ctl *c, int argc, char **argv)
{
	struct set s = {
		.change.root = -1, .dropin.lock = -1, .units.root_fd = -1, .units_before.root_fd = -1,
	};
	int ret = options_limits(c, &s.arena, argc, argv, OPTIONS_SET, &s.opt);

	if (s.opt.help) {
		help();
		ret = CLI_OK;
	} else if (ret == CLI_OK && argc - optind != 1) {
		ret = cli_usage(&c->cli, "name one unit or cgroup");
	} else if (ret == CLI_OK && s.opt.revert ? s.opt.n : ret == CLI_OK && !s.opt.n) {
		ret = cli_usage(&c->cli, s.opt.revert ? "--revert takes back all: no limits with it" :
				"there is nothing to set: give --max=, --min= or --low=");
	} else if (ret == CLI_OK) {
		ret = run(c, &s, argv[optind]);
	}
	dropin_close(&s.dropin);
	change_close(&s.change);
	manager_close(&s.manager);
	dmem_units_free(&s.units_before);
	dmem_units_free(&s.units);
	dmem_arena_free(&s.arena);
	return ret;
}
