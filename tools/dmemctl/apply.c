// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl apply - set the limits in a unit's sections now */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "change.h"
#include "section.h"
#include "target.h"

static void help(void)
{
	printf("Usage: dmemctl apply UNIT ...\n\n"
	       "Set the limits of running units to those in their files, without a restart:\n"
	       "after you have edited a section, or another program has written to the cgroup.\n"
	       "A limit that is no longer in any file is not changed. All limits of a unit are\n"
	       "set, or none.\n\n"
	       "  -h, --help   print this help\n");
}

/* True if the slice has no line for this region: a unit in it may name one that is not there. */
static bool only_below(struct change *ch, const struct dmem_limit *l)
{
	struct change_item found;

	return l->sum && change_find(ch, l, &found) == DMEM_NO_REGION;
}

static int apply_unit(struct ctl *c, struct dmem_units *u, const struct target *t)
{
	struct change ch = { .root = -1, .sys.root = -1 };
	struct section s;
	int ret = section_read(c, u, t->unit, &s);

	if (ret)
		return ret;
	if (s.merged.mistake_file) {
		cli_error(&c->cli,
			  "%s: %s:%u: mistake in the section: correct it first, see dmemctl verify",
			  t->unit, s.merged.mistake_file, s.merged.mistake_line);
		return -EINVAL;
	}
	/* All or none. section_read() has reported the limit that cannot be used. */
	if (s.unusable)
		return -EINVAL;
	if (!s.n) {
		cli_error(&c->cli, "%s: no file of it has a section [" DMEM_SECTION "] with a limit",
			  t->unit);
		return -ENOENT;
	}
	ret = change_open(c, &u->arena, &ch);
	for (size_t i = 0; i < s.n && !ret; i++) {
		if (only_below(&ch, &s.limit[i]))
			cli_error(&c->cli, "%s: the sum of the units in it, %s: %s", t->unit, s.limit[i].text,
				  dmem_region_status_text(ch.root, s.limit[i].region, DMEM_NO_REGION));
		else
			ret = change_add(c, &ch, &s.limit[i]);
	}
	if (!ret)
		ret = change_apply(c, &ch, t->cgroup);
	change_close(&ch);
	return ret;
}

static int apply(struct ctl *c, struct manager *m, struct dmem_units *u, const char *word)
{
	struct target t;
	int ret = target_find(c, m, &u->arena, word, &t);

	if (ret)
		return ret;
	if (!t.unit) {
		cli_error(&c->cli, "%s: a cgroup has no unit files: name a unit", word);
		return -EINVAL;
	}
	if (!t.cgroup) {
		cli_error(&c->cli, "%s: not running: the limits are set when the unit starts",
			  t.unit);
		return -ENOENT;
	}
	return apply_unit(c, u, &t);
}

int verb_apply(struct ctl *c, int argc, char **argv)
{
	static const struct option options[] = { { "help", 0, NULL, 'h' }, { 0 } };
	struct dmem_units u = { .sys.root = -1 };
	struct manager m = { 0 };
	int opt, ret = CLI_OK;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt != 'h')
			return cli_bad_option(&c->cli, opt, "h", argv);
		help();
		return CLI_OK;
	}
	if (optind == argc)
		return cli_usage(&c->cli, "missing unit: name one or more");
	if (target_any_unit(argv + optind, argc - optind))
		ret = manager_open(c, &m);
	if (ret || section_load(c, &u, false)) {
		ret = CLI_FAILED;
		optind = argc;
	}
	for (; optind < argc; optind++) {
		int err = apply(c, &m, &u, argv[optind]);

		if (err == -ENOMEM)
			cli_error(&c->cli, "out of memory");
		if (err)
			ret = CLI_FAILED;
	}
	manager_close(&m);
	dmem_units_free(&u);
	return ret;
}
