// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl metrics - charges, limits and refusals for Prometheus */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/replace.h"
#include "dmemctl/dmemctl.h"
#include "metrics.h"

enum {
	OPT_OPENMETRICS = 256,
	OPT_BUFFERS,
};

struct options {
	const char *output;
	bool all, open, buffers;
};

static void help(void)
{
	printf("Usage: dmemctl metrics [--output=FILE] [--all] [--buffers]\n"
	       "                       [--openmetrics]\n\n"
	       "Print charges, limits and refused requests for Prometheus.\n\n"
	       "  -o, --output=FILE   replace FILE as a whole, instead of stdout\n"
	       "  -a, --all           include cgroups that use and limit nothing\n"
	       "      --buffers       include sizes of buffers: reads files of each process\n"
	       "      --openmetrics   print OpenMetrics, which node_exporter does not read\n"
	       "  -h, --help          print this help\n\n"
	       "See dmemctl-metrics(8).\n");
}

static void note(void *data, const char *path, int err)
{
	cli_error(data, "cannot read /%s: %s", path, strerror(err));
}

/* Makes the whole text, which the caller frees. Sets *@success. */
static int make(struct ctl *c, const struct options *o, const struct dmem_sys *sys,
		struct dmem_arena *a, char **text, size_t *len, bool *success)
{
	enum dmem_status status;
	struct dmem_regions r;
	struct dmem_buffers b;
	struct dmem_tree t;
	struct metrics m = { .regions = &r, .tree = &t, .all = o->all, .open = o->open };
	FILE *f;
	int ret = dmem_regions_read(sys, a, note, &c->cli, &r);

	if (ret)
		return ret;
	status = dmem_regions_status(sys, &r);
	if (status != DMEM_OK)
		cli_error(&c->cli, "%s", dmem_status_text(status));
	/* A machine without a cgroup tree still has heaps and areas. */
	ret = dmem_tree_read(sys, a, &r, "", METRICS_FIGURES, UINT_MAX, note, &c->cli, &t);
	if (ret == -ENOMEM)
		return ret;
	if (ret && status != DMEM_NO_CGROUP2)
		cli_error(&c->cli, "cannot read /sys/fs/cgroup: %s", strerror(-ret));
	*success = m.success = status == DMEM_OK && !ret;
	/* Processes that cannot be read are reported in the text. */
	if (o->buffers && dmem_buffers_read(sys, a, note, &c->cli, &b))
		return -ENOMEM;
	m.buffers = o->buffers ? &b : NULL;
	f = open_memstream(text, len);
	if (!f)
		return -ENOMEM;
	ret = metrics_print(f, &m, a);
	if (ferror(f))
		ret = -ENOMEM;
	return fclose(f) ? -ENOMEM : ret;
}

static int write_out(struct ctl *c, const struct options *o, const char *text, size_t len)
{
	int ret;

	if (!o->output || !strcmp(o->output, "-")) {
		/* Unbuffered, so that one write shows the error, with its errno. */
		setvbuf(stdout, NULL, _IONBF, 0);
		if (fwrite(text, 1, len, stdout) == len || errno == EPIPE)
			return CLI_OK;
		cli_error(&c->cli, "cannot write: %s", strerror(errno));
		clearerr(stdout);
		return CLI_FAILED;
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
	bool success = false;
	int ret = dmem_sys_open(&sys, c->sysroot);

	if (ret) {
		cli_error(&c->cli, "cannot open %s: %s", c->sysroot ? c->sysroot : "/",
			  strerror(-ret));
		return CLI_FAILED;
	}
	ret = make(c, o, &sys, &a, &text, &len, &success);
	if (ret)
		cli_error(&c->cli, "cannot print the figures: %s", strerror(-ret));
	ret = ret ? CLI_FAILED : write_out(c, o, text, len);
	/* The text reports the failure as well, for users that see nothing else. */
	if (!success)
		ret = CLI_FAILED;
	free(text);
	dmem_arena_free(&a);
	dmem_sys_close(&sys);
	return ret;
}

int verb_metrics(struct ctl *c, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "buffers", no_argument, NULL, OPT_BUFFERS },
		{ "help", no_argument, NULL, 'h' },
		{ "openmetrics", no_argument, NULL, OPT_OPENMETRICS },
		{ "output", required_argument, NULL, 'o' },
		{ 0 },
	};
	static const char letters[] = ":ho:a";
	struct options o = { 0 };
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, letters, options, NULL)) != -1) {
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
		case OPT_BUFFERS:
			o.buffers = true;
			break;
		case OPT_OPENMETRICS:
			o.open = true;
			break;
		default:
			return cli_bad_option(&c->cli, opt, letters, argv);
		}
	}
	if (optind < argc)
		return cli_usage(&c->cli, "unexpected argument: %s", argv[optind]);
	return print(c, &o);
}
