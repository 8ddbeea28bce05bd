// SPDX-License-Identifier: GPL-2.0-or-later
/* Parses the limits on the command lines of set and run. */
#include <getopt.h>

#include "options.h"

enum { RUNTIME = 256, REVERT, PROPAGATE, UNIT, SLICE };

static int add(struct ctl *c, struct dmem_arena *a, struct options *o, enum dmem_kind kind,
	       const char *arg)
{
	struct dmem_limit *l = dmem_grow(a, o->limit, o->n, sizeof(*l));
	enum dmem_status s;

	if (!l) {
		cli_error(&c->cli, "out of memory");
		return CLI_FAILED;
	}
	o->limit = l;
	s = dmem_limit_parse(a, kind, arg, &l[o->n]);
	if (s == DMEM_USAGE)
		return cli_usage(&c->cli, "--%s=%s: write REGION=SIZE", dmem_kind_names[kind], arg);
	if (s != DMEM_OK)
		return cli_usage(&c->cli, "--%s=%s: %s", dmem_kind_names[kind], arg,
				 dmem_status_text(s));
	o->n++;
	return CLI_OK;
}

static int take(struct ctl *c, struct dmem_arena *a, struct options *o, int opt)
{
	switch (opt) {
	case DMEM_MAX:
	case DMEM_MIN:
	case DMEM_LOW:
		return add(c, a, o, (enum dmem_kind)opt, optarg);
	case RUNTIME:
		o->runtime = true;
		break;
	case REVERT:
		o->revert = true;
		break;
	case PROPAGATE:
		o->propagate = true;
		break;
	case UNIT:
		o->unit = optarg;
		break;
	case SLICE:
		o->slice = optarg;
		break;
	case 'n':
		o->dry_run = true;
		break;
	case 'h':
		o->help = true;
		break;
	}
	return CLI_OK;
}

int options_limits(struct ctl *c, struct dmem_arena *a, int argc, char **argv,
		   enum options_verb verb, struct options *o)
{
	static const struct option options[][10] = {
		[OPTIONS_SET] = {
			{ "max", 1, NULL, DMEM_MAX }, { "min", 1, NULL, DMEM_MIN },
			{ "low", 1, NULL, DMEM_LOW }, { "runtime", 0, NULL, RUNTIME },
			{ "revert", 0, NULL, REVERT }, { "propagate", 0, NULL, PROPAGATE },
			{ "dry-run", 0, NULL, 'n' }, { "help", 0, NULL, 'h' }, { 0 },
		},
		[OPTIONS_RUN] = {
			{ "max", 1, NULL, DMEM_MAX }, { "min", 1, NULL, DMEM_MIN },
			{ "low", 1, NULL, DMEM_LOW }, { "unit", 1, NULL, UNIT },
			{ "slice", 1, NULL, SLICE }, { "help", 0, NULL, 'h' }, { 0 },
		},
	};
	/* "+": stop at the command, which has its own options. */
	const char *letters = verb == OPTIONS_RUN ? "+:h" : ":hn";
	int opt, ret = CLI_OK;

	opterr = 0;
	while (ret == CLI_OK && !o->help &&
	       (opt = getopt_long(argc, argv, letters, options[verb], NULL)) != -1) {
		if (opt == ':' || opt == '?')
			ret = cli_bad_option(&c->cli, opt, letters, argv);
		else
			ret = take(c, a, o, opt);
	}
	return ret;
}
