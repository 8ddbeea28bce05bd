// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl plan - from histories to sizes, limits and reservations */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../cli/replace.h"
#include "../dmemctl.h"
#include "board.h"
#include "report.h"

#define MAX_DEPTH	8

struct plan {
	struct ctl *c;
	struct needs_options o;
	bool json, force;
	const char *svg, *units, *dts;
	struct board_options board;
	struct dmem_text dtb;	/* what is in the file of --dtb= */
	struct model m;
	struct needs n;
};

static void help(void)
{
	printf("Usage: dmemctl plan [OPTION]... HISTORY|DIR...\n\n"
	       "From what \"dmemctl record\" has written: how large the regions must be, and which\n"
	       "limit and reservation each service needs.\n\n"
	       "      --headroom=PCT        more than what was seen, default: 10\n"
	       "      --quantile=Q          of boots and runs, 0 to 1; default: 1, the largest\n"
	       "      --json                all figures, in bytes\n"
	       "      --units=DIR           write drop-ins: DIR/UNIT.d/50-dmem-plan.conf\n"
	       "      --dts=FILE            write a device tree overlay, to be merged before boot\n"
	       "      --dtb=FILE            the board's tree, if the histories do not note it\n"
	       "      --move                let an area with an address get another one\n"
	       "      --shrink              let a region become smaller than it is\n"
	       "      --svg=FILE            write a chart\n"
	       "      --force               over files that are there\n"
	       "      --block=SIZE          what regions are aligned to, if no history knows\n"
	       "      --cma-alignment=N     CONFIG_CMA_ALIGNMENT of the kernel, default: 8\n"
	       "  -h, --help                this text\n\n"
	       "See dmemctl-plan(8).\n");
}

/* ---- options ---- */

static bool parse_number(const char *s, double low, double high, double *v)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	*v = strtod(s, &end);
	return !*end && *v >= low && *v <= high;
}

static int parse_block(struct plan *p, const char *s)
{
	struct dmem_value v;

	if (dmem_parse_value(s, &v) || v.percent || v.n == DMEM_NO_LIMIT || v.n < 4096 ||
	    (v.n & (v.n - 1)))
		return cli_usage(&p->c->cli, "'%s' is no power of two of at least 4K", s);
	p->o.block = v.n;
	return 0;
}

static int parse_option(struct plan *p, int opt)
{
	double v;

	switch (opt) {
	case 'r':
		if (!parse_number(optarg, 0, 1000, &v))
			return cli_usage(&p->c->cli, "'%s' is no percentage of 0 to 1000", optarg);
		p->o.headroom = v / 100;
		return 0;
	case 'q':
		if (!parse_number(optarg, 0, 1, &p->o.quantile))
			return cli_usage(&p->c->cli, "'%s' is no number from 0 to 1", optarg);
		return 0;
	case 'b':
		return parse_block(p, optarg);
	case 'a':
		if (!parse_number(optarg, 0, 20, &v) || v != floor(v))
			return cli_usage(&p->c->cli, "'%s' is no order of pages", optarg);
		p->o.align_order = (unsigned int)v;
		return 0;
	case 'c':
		if (!parse_number(optarg, 1, 2, &v) || v != floor(v))
			return cli_usage(&p->c->cli, "there are 1 or 2 cells, not '%s'", optarg);
		cli_error(&p->c->cli, "--cells= has no effect any more: the board's tree has them");
		return 0;
	case 'j':
		p->json = true;
		return 0;
	case 'f':
		p->force = true;
		return 0;
	case 'k':
		p->o.shrink = true;
		return 0;
	case 's':
		p->svg = optarg;
		return 0;
	case 'u':
		p->units = optarg;
		return 0;
	case 'd':
		p->dts = optarg;
		return 0;
	case 't':
		p->board.dtb = optarg;
		return 0;
	case 'm':
		p->board.move = true;
		return 0;
	default:
		return CLI_USAGE;
	}
}

/* -1: go on. */
static int parse(struct plan *p, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", 0, NULL, 'h' }, { "headroom", 1, NULL, 'r' }, { "quantile", 1, NULL, 'q' },
		{ "json", 0, NULL, 'j' }, { "svg", 1, NULL, 's' }, { "units", 1, NULL, 'u' },
		{ "dts", 1, NULL, 'd' }, { "force", 0, NULL, 'f' }, { "block", 1, NULL, 'b' },
		{ "cma-alignment", 1, NULL, 'a' }, { "cells", 1, NULL, 'c' },
		{ "shrink", 0, NULL, 'k' }, { "dtb", 1, NULL, 't' }, { "move", 0, NULL, 'm' },
		{ 0 },
	};
	int opt, ret = 0;

	while (!ret && (opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h') {
			help();
			return CLI_OK;
		}
		if (opt == '?')
			return cli_usage(&p->c->cli, "there is no option '%s', or it lacks its value",
					 argv[optind - 1]);
		ret = parse_option(p, opt);
	}
	if (!ret && optind == argc)
		return cli_usage(&p->c->cli, "a history is missing");
	return ret ? ret : -1;
}

/* ---- reading ---- */

/* Adds what is in a file to @text. 0 or a negative errno. */
static int read_more(const char *path, struct dmem_text *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), ret = 0;
	struct stat st;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		ret = -errno;
	else if (!S_ISREG(st.st_mode))
		ret = -EBADMSG;
	while (!ret && n > 0) {
		if (text->size - text->len < 65536) {
			char *more = realloc(text->s, 2 * text->size + 131072);

			if (!more) {
				ret = -ENOMEM;
				break;
			}
			text->s = more;
			text->size = 2 * text->size + 131072;
		}
		n = read(fd, text->s + text->len, text->size - text->len);
		if (n < 0)
			ret = -errno;
		else
			text->len += (size_t)n;
	}
	close(fd);
	return ret;
}

/* FILE.1 is what was in FILE before, and comes first. */
static int read_history(struct plan *p, const char *path, bool asked)
{
	struct dmem_text text = { 0 };
	char *older = dmem_printf(&p->m.arena, "%s.1", path);
	size_t start;
	int ret;

	if (!older)
		return -ENOMEM;
	ret = read_more(older, &text);
	if (ret == -ENOMEM)
		goto out;
	if (ret || !hist_is(text.s, text.len))
		text.len = 0;
	text.len = hist_whole(text.s, text.len);
	start = text.len;
	ret = read_more(path, &text);
	if (!ret && (!hist_is(text.s + start, text.len - start) || text.len == start))
		ret = -EBADMSG;
	if (!ret)
		ret = model_add(&p->m, text.s, text.len);
out:
	dmem_text_free(&text);
	if (ret == -EBADMSG && !asked)
		return 0;
	if (ret == -EBADMSG)
		cli_error(&p->c->cli, "%s is no history", path);
	else if (ret)
		cli_error(&p->c->cli, "%s: %s", path, strerror(-ret));
	return ret;
}

static int read_path(struct plan *p, const char *path, unsigned int depth);

static int not_dots(const struct dirent *de)
{
	return *de->d_name != '.';
}

/* Whether "NAME.1" is read with NAME. */
static bool is_older(struct dirent **de, int n, const char *name)
{
	size_t len = strlen(name);

	if (len < 3 || strcmp(name + len - 2, ".1"))
		return false;
	for (int i = 0; i < n; i++) {
		if (strlen(de[i]->d_name) == len - 2 && !strncmp(de[i]->d_name, name, len - 2))
			return true;
	}
	return false;
}

static int read_dir(struct plan *p, const char *path, unsigned int depth)
{
	struct dirent **de;
	int n = scandir(path, &de, not_dots, alphasort), ret = 0;

	if (n < 0) {
		ret = -errno;
		cli_error(&p->c->cli, "%s: %s", path, strerror(-ret));
		return ret;
	}
	for (int i = 0; i < n; i++) {
		char *sub = dmem_printf(&p->m.arena, "%s/%s", path, de[i]->d_name);

		if (!ret && !sub)
			ret = -ENOMEM;
		if (!ret && !is_older(de, n, de[i]->d_name))
			ret = read_path(p, sub, depth + 1);
	}
	for (int i = 0; i < n; i++)
		free(de[i]);
	free(de);
	return ret;
}

static int read_path(struct plan *p, const char *path, unsigned int depth)
{
	struct stat st;

	if (stat(path, &st)) {
		int err = errno;

		cli_error(&p->c->cli, "%s: %s", path, strerror(err));
		return -err;
	}
	if (!S_ISDIR(st.st_mode))
		return S_ISREG(st.st_mode) || !depth ? read_history(p, path, !depth) : 0;
	return depth < MAX_DEPTH ? read_dir(p, path, depth) : 0;
}

/* ---- writing ---- */

struct output {
	char *path, *dir;	/* @dir: to be made, or NULL */
	char *text;
	size_t len;
};

struct outputs {
	struct output *o;
	size_t n;
};

/* 0 or -ENOMEM. @text is taken over. */
static int add_output(struct plan *p, struct outputs *all, char *path, char *dir, char *text,
		      size_t len)
{
	struct output *more = NULL;

	if (path && text)
		more = dmem_grow(&p->m.arena, all->o, all->n, sizeof(*more));
	if (!more) {
		free(text);
		return -ENOMEM;
	}
	all->o = more;
	more[all->n++] = (struct output){ path, dir, text, len };
	return 0;
}

static int make_svg(struct plan *p, struct outputs *all)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int ret;

	if (!f)
		return -ENOMEM;
	ret = report_svg(f, &p->m, &p->n, &p->o);
	if (fclose(f) || ret) {
		free(text);
		return -ENOMEM;
	}
	return add_output(p, all, dmem_strdup(&p->m.arena, p->svg), NULL, text, len);
}

static int make_dts(struct plan *p, struct outputs *all)
{
	char *text = NULL;
	size_t len = 0;
	int ret = 0;

	if (p->board.dtb)
		ret = read_more(p->board.dtb, &p->dtb);
	if (ret) {
		cli_error(&p->c->cli, "%s: %s", p->board.dtb,
			  ret == -EBADMSG ? "this is no regular file" : strerror(-ret));
		return ret == -ENOMEM ? ret : -EINVAL;
	}
	p->board.blob = p->dtb.s;
	p->board.len = p->dtb.len;
	ret = board_overlay(&p->c->cli, &p->m.notes, &p->n, &p->o, &p->board, &text, &len);
	return ret ? ret : add_output(p, all, dmem_strdup(&p->m.arena, p->dts), NULL, text, len);
}

static int make_unit(struct plan *p, struct outputs *all, uint32_t service)
{
	const char *unit = p->m.service[service].unit;
	char *text = NULL, *dir, *path;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool any;

	if (!f)
		return -ENOMEM;
	any = report_unit(f, &p->m, &p->n, service);
	if (fclose(f)) {
		free(text);
		return -ENOMEM;
	}
	if (!any) {
		free(text);
		return 0;
	}
	dir = dmem_printf(&p->m.arena, "%s/%s.d", p->units, unit);
	path = dmem_printf(&p->m.arena, "%s/%s.d/50-dmem-plan.conf", p->units, unit);
	return add_output(p, all, path, dir, text, len);
}

/* All of them can be written, or none is. */
static int check_outputs(struct plan *p, const struct outputs *all)
{
	struct stat st;

	for (size_t i = 0; i < all->n && !p->force; i++) {
		if (lstat(all->o[i].path, &st))
			continue;
		cli_error(&p->c->cli, "%s is there already: nothing was written; --force writes over it",
			  all->o[i].path);
		return -EEXIST;
	}
	return 0;
}

static int write_output(struct plan *p, const struct output *o)
{
	int ret;

	if (o->dir)
		mkdir(o->dir, 0755);
	ret = p->force ? cli_replace(o->path, 0644, o->text, o->len) :
			 cli_create(o->path, 0644, o->text, o->len);
	if (ret)
		cli_error(&p->c->cli, "%s: %s", o->path, strerror(-ret));
	return ret;
}

static int write_outputs(struct plan *p)
{
	struct outputs all = { 0 };
	int ret = 0;

	if (p->dts)
		ret = make_dts(p, &all);
	if (!ret && p->svg)
		ret = make_svg(p, &all);
	for (uint32_t s = 0; p->units && s < p->m.n_services && !ret; s++)
		ret = make_unit(p, &all, s);
	if (ret == -ENOMEM)
		cli_error(&p->c->cli, "%s", strerror(ENOMEM));
	if (!ret)
		ret = check_outputs(p, &all);
	if (!ret && p->units && mkdir(p->units, 0755) && errno != EEXIST) {
		ret = -errno;
		cli_error(&p->c->cli, "%s: %s", p->units, strerror(-ret));
	}
	for (size_t i = 0; i < all.n; i++) {
		if (!ret)
			ret = write_output(p, &all.o[i]);
		free(all.o[i].text);
	}
	return ret;
}

/* ---- all of it ---- */

static int make_plan(struct plan *p, char **paths)
{
	int ret = 0;

	for (; *paths && !ret; paths++)
		ret = read_path(p, *paths, 0);
	if (ret)
		return CLI_FAILED;
	if (p->m.bad)
		cli_error(&p->c->cli, "%zu lines are damaged, or need one that is: they are left out",
			  p->m.bad);
	if (p->m.newer)
		cli_error(&p->c->cli, "%zu records are of a later version: they are left out", p->m.newer);
	ret = model_sort(&p->m);
	if (!ret)
		ret = needs_find(&p->n, &p->m, &p->o);
	if (ret) {
		cli_error(&p->c->cli, "%s", strerror(-ret));
		return CLI_FAILED;
	}
	if (!p->n.n) {
		cli_error(&p->c->cli, "nobody has used anything in these histories");
		return CLI_FAILED;
	}
	if (p->json)
		report_json(stdout, &p->m, &p->n, &p->o);
	else
		report_text(stdout, &p->m, &p->n, &p->o);
	return write_outputs(p) ? CLI_FAILED : CLI_OK;
}

int verb_plan(struct ctl *c, int argc, char **argv)
{
	struct plan p = {
		.c = c,
		.o = { .headroom = 0.1, .quantile = 1, .block = DMEM_UNKNOWN, .align_order = 8 },
	};
	int ret = parse(&p, argc, argv);

	if (ret < 0)
		ret = make_plan(&p, argv + optind);
	dmem_text_free(&p.dtb);
	needs_free(&p.n);
	model_free(&p.m);
	return ret;
}
