// SPDX-License-Identifier: GPL-2.0-or-later
/* lsdmem - list regions of device memory and their users */
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "lsdmem.h"

enum {
	OPT_SYSROOT = 1,
};

struct request {
	const struct view *view;
	const char *output, *sysroot;
	bool output_all;
};

static void help(void)
{
	printf("\nUsage:\n"
	       " lsdmem [options] [REGION...]\n\n"
	       "List regions of device memory and their users.\n\n"
	       "Options:\n"
	       " -t, --tree           print the cgroups that use or limit each region\n"
	       " -a, --all            with --tree: print all cgroups\n"
	       " -B, --buffers        print the dma-bufs, their processes and their cgroups\n"
	       " -J, --json           use JSON output format\n"
	       " -b, --bytes          print sizes in bytes rather than in human readable format\n"
	       " -n, --noheadings     don't print headings\n"
	       " -o, --output <list>  output columns; +<list> adds them to the default ones\n"
	       " -O, --output-all     output all columns\n"
	       " -r, --raw            use raw output format\n"
	       "     --sysroot <dir>  use the specified directory as system root\n\n"
	       " -h, --help           display this help\n"
	       " -V, --version        display version\n\n"
	       "Available output columns:\n");
	table_help(stdout, view_regions.columns, view_regions.n_columns);
	printf("\nAvailable output columns for --tree:\n");
	table_help(stdout, view_tree.columns, view_tree.n_columns);
	printf("\nAvailable output columns for --buffers:\n");
	table_help(stdout, view_buffers.columns, view_buffers.n_columns);
	printf("\nFor more details see lsdmem(8).\n");
}

/* Sets @ids. Returns the number of columns, or -CLI_USAGE. */
static int choose(const struct lsdmem *l, const struct request *q, int ids[TABLE_MAX])
{
	const struct view *v = q->view;
	bool inner = l->inner && v->inner;
	const int *defaults = inner ? v->inner : v->defaults;
	size_t n_defaults = inner ? v->n_inner : v->n_defaults;
	char *wrong;
	int n;

	if (q->output) {
		n = table_columns(v->columns, v->n_columns, q->output, defaults, n_defaults, ids,
				  &wrong);
		if (n < 0)
			cli_usage(&l->cli, "unknown column: %s", wrong ? wrong : "");
		free(wrong);
		return n < 0 ? -CLI_USAGE : n;
	}
	for (size_t i = 0; q->output_all && i < v->n_columns; i++)
		ids[i] = (int)i;
	if (q->output_all)
		return (int)v->n_columns;
	memcpy(ids, defaults, n_defaults * sizeof(*ids));
	if (inner && l->options.json)
		ids[n_defaults++] = v->partial;
	return (int)n_defaults;
}

static int show(struct lsdmem *l, const struct request *q)
{
	const struct view *v = q->view;
	int ids[TABLE_MAX], n, ret;
	struct table *t;

	l->options.tree = v == &view_tree;
	ret = dmem_sys_open(&l->sys, q->sysroot);
	if (ret) {
		cli_error(&l->cli, "cannot open '%s': %s", q->sysroot ? q->sysroot : "/",
			  strerror(-ret));
		return CLI_FAILED;
	}
	l->inner = dmem_is_inner_tree(&l->sys);
	n = choose(l, q, ids);
	if (n < 0) {
		dmem_sys_close(&l->sys);
		return -n;
	}
	t = table_new(v->name, v->columns, ids, (size_t)n, &l->options);
	ret = t ? v->fill(l, t) : CLI_FAILED;
	if (!t || (!ret && table_print(t))) {
		cli_error(&l->cli, "cannot print the table: out of memory");
		ret = CLI_FAILED;
	}
	if (!ret) {
		unread_say(l);
		unseen_say(l);
	}
	table_free(t);
	dmem_sys_close(&l->sys);
	dmem_arena_free(&l->arena);
	return ret;
}

/* Rejects options that exclude each other. Returns CLI_OK or CLI_USAGE. */
static int check(const struct lsdmem *l, const struct request *q, bool tree, bool buffers)
{
	if (tree && buffers)
		return cli_usage(&l->cli, "--tree and --buffers cannot be combined");
	if (l->all && q->view != &view_tree)
		return cli_usage(&l->cli, "--all needs --tree");
	if (l->options.json && l->options.raw)
		return cli_usage(&l->cli, "--json and --raw cannot be combined");
	if (q->output && q->output_all)
		return cli_usage(&l->cli, "--output and --output-all cannot be combined");
	return CLI_OK;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "buffers", no_argument, NULL, 'B' },
		{ "bytes", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'J' },
		{ "noheadings", no_argument, NULL, 'n' },
		{ "output", required_argument, NULL, 'o' },
		{ "output-all", no_argument, NULL, 'O' },
		{ "raw", no_argument, NULL, 'r' },
		{ "sysroot", required_argument, NULL, OPT_SYSROOT },
		{ "tree", no_argument, NULL, 't' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct lsdmem l = { .cli.program = "lsdmem" };
	struct request q = { .view = &view_regions };
	bool tree = false, buffers = false;
	int opt, ret;

	setlocale(LC_ALL, "");
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":taBJbno:OrhV", options, NULL)) != -1) {
		switch (opt) {
		case 't':
			tree = true;
			q.view = &view_tree;
			break;
		case 'a':
			l.all = true;
			break;
		case 'B':
			buffers = true;
			q.view = &view_buffers;
			break;
		case 'J':
			l.options.json = true;
			break;
		case 'b':
			l.options.bytes = true;
			break;
		case 'n':
			l.options.no_headings = true;
			break;
		case 'o':
			q.output = optarg;
			break;
		case 'O':
			q.output_all = true;
			break;
		case 'r':
			l.options.raw = true;
			break;
		case OPT_SYSROOT:
			if (!*optarg)
				return cli_usage(&l.cli, "--sysroot= needs a directory");
			q.sysroot = optarg;
			break;
		case 'h':
			help();
			return cli_close_stdout(&l.cli, CLI_OK);
		case 'V':
			printf("lsdmem %s\n", CLI_VERSION);
			return cli_close_stdout(&l.cli, CLI_OK);
		case ':':
			return cli_usage(&l.cli, "option needs a value: %s", argv[optind - 1]);
		default:
			/* For a long option, optopt is not the written text. */
			if (optopt && strncmp(argv[optind - 1], "--", 2))
				return cli_usage(&l.cli, "unknown option: -%c", optopt);
			return cli_usage(&l.cli, "unknown option, or an option without a value: %s",
					 argv[optind - 1]);
		}
	}
	l.wanted = argv + optind;
	l.n_wanted = (size_t)(argc - optind);
	ret = check(&l, &q, tree, buffers);
	if (!ret)
		ret = show(&l, &q);
	return cli_close_stdout(&l.cli, ret);
}
