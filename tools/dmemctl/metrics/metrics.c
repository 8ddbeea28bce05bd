// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl metrics - what is used, limited and refused, for Prometheus */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../../cli/replace.h"
#include "../dmemctl.h"
#include "metrics.h"

struct options {
	const char *output;
	bool all, open;
};

static void help(void)
{
	printf("Usage: dmemctl metrics [--output=FILE] [--all] [--openmetrics]\n\n"
	       "Prints what is used, limited and refused, for Prometheus.\n\n"
	       "  -o, --output=FILE   replace FILE as a whole, instead of stdout\n"
	       "  -a, --all           cgroups that use and limit nothing, too\n"
	       "      --openmetrics   OpenMetrics, and not what node_exporter reads\n"
	       "  -h, --help          this text\n\n"
	       "See dmemctl-metrics(8).\n");
}

static void note(void *data, const char *path, int err)
{
	cli_error(data, "cannot read /%s: %s", path, strerror(err));
}

/* The whole text, which the caller frees. */
static int make(struct ctl *c, const struct options *o, const struct dmem_sys *sys,
		struct dmem_arena *a, char **text, size_t *len)
{
	struct dmem_regions r;
	struct dmem_tree t;
	FILE *f;
	int ret = dmem_regions_read(sys, a, note, &c->cli, &r);

	if (ret)
		return ret;
	if (!r.n)
		cli_error(&c->cli, "there is no region: does the kernel have the dmem controller?");
	/* Without cgroups, there are still the pools. */
	ret = dmem_tree_read(sys, a, &r, "", METRICS_FIGURES, UINT_MAX, note, &c->cli, &t);
	if (ret == -ENOMEM)
		return ret;
	if (ret)
		cli_error(&c->cli, "cannot read /sys/fs/cgroup: %s", strerror(-ret));
	f = open_memstream(text, len);
	if (!f)
		return -ENOMEM;
	ret = metrics_print(f, &r, &t, a, o->all, o->open);
	if (ferror(f))
		ret = -ENOMEM;
	return fclose(f) ? -ENOMEM : ret;
}

static int write_out(struct ctl *c, const struct options *o, const char *text, size_t len)
{
	int ret;

	if (!o->output || !strcmp(o->output, "-")) {
		/* That it got there is for cli_close_stdout() to see. */
		fwrite(text, 1, len, stdout);
		return CLI_OK;
	}
	ret = cli_replace(o->output, 0644, text, len);
	if (!ret)
		return CLI_OK;
	cli_error(&c->cli, "cannot write %s: %s", o->output, cli_replace_error(ret));
	return CLI_FAILED;
}

static int print(struct ctl *c, const struct options *o)
{
	struct dmem_arena a = { 0 };
	struct dmem_sys sys;
	char *text = NULL;
	size_t len = 0;
	int ret = dmem_sys_open(&sys, c->sysroot);

	if (ret) {
		cli_error(&c->cli, "cannot open %s: %s", c->sysroot ? c->sysroot : "/",
			  strerror(-ret));
		return CLI_FAILED;
	}
	ret = make(c, o, &sys, &a, &text, &len);
	if (ret)
		cli_error(&c->cli, "cannot tell the figures: %s", strerror(-ret));
	ret = ret ? CLI_FAILED : write_out(c, o, text, len);
	free(text);
	dmem_arena_free(&a);
	dmem_sys_close(&sys);
	return ret;
}

int verb_metrics(struct ctl *c, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", 1, NULL, 'o' }, { "all", 0, NULL, 'a' }, { "openmetrics", 0, NULL, 'O' },
		{ "help", 0, NULL, 'h' }, { 0 },
	};
	struct options o = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "ho:a", options, NULL)) != -1) {
		switch (opt) {
		case 'h':
			help();
			return CLI_OK;
		case 'o':
			o.output = optarg;
			break;
		case 'a':
			o.all = true;
			break;
		case 'O':
			o.open = true;
			break;
		default:
			return cli_usage(&c->cli, "there is no option '%s'", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return cli_usage(&c->cli, "'%s' is one word too many", argv[optind]);
	return print(c, &o);
}
