// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl plan - calculate sizes, limits and reservations from histories */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/replace.h"
#include "dmemctl/dmemctl.h"
#include "dmemctl/history/files.h"
#include "dmemctl/prometheus/convert.h"
#include "alerts.h"
#include "apply_plan.h"
#include "board.h"
#include "check.h"
#include "fleet.h"
#include "pairs.h"
#include "report.h"
#include "whatif.h"

struct plan {
	struct ctl *c;
	struct needs_options o;
	struct whatif whatif;
	struct sets sets;
	bool json, force, pairs;
	enum fleet_by by;
	const char *svg, *units, *dts, *alerts;
	bool diff, apply, check;
	bool verdict;		/* the exit code of --check is a result */
	struct apply_options applied;
	struct check_options checked;
	struct board_options board;
	struct dmem_text dtb;	/* content of --dtb=FILE */
	struct files files;
	bool prometheus;	/* @answers instead of @files */
	struct answers answers;
	struct convert converted;
	char **paths;
	struct model m;
	struct needs n;
	struct pairs found;	/* with --pairs */
};

/* Reports a failure that does not concern a single file. */
static int failed(struct plan *p, int err)
{
	if (err == -ESTALE)
		cli_error(&p->c->cli, "%s: the file changed while it was read: run dmemctl plan "
			  "again", p->files.wrong);
	else if (err == -EMLINK)
		cli_error(&p->c->cli,
			  "more than 16 recordings of one boot overlap: plan with fewer files");
	else if (err == -ENOMEM || !p->files.wrong)
		cli_error(&p->c->cli, "%s", strerror(-err));
	else
		cli_error(&p->c->cli, "%s: %s", p->files.wrong, strerror(-err));
	return CLI_FAILED;
}

static void help(void)
{
	fputs("Usage: dmemctl plan [OPTION]... HISTORY|DIR...\n"
	      "       dmemctl plan --from=prometheus [OPTION]... ANSWER|-...\n\n"
	       "Print the size that each region needs, and a limit and a reservation for each\n"
	       "service, from histories of \"dmemctl record\".\n\n"
	       "      --from=prometheus     read answers of Prometheus, instead of histories\n"
	       "      --size=REGION=SIZE    print the requests that would not fit in this size\n"
	       "      --scale=UNIT=FACTOR   change the size of all buffers of this unit\n"
	       "      --without=UNIT        leave this unit out\n"
	       "      --add=NAME:REGION=COUNTxSIZE[:with=UNIT]\n"
	       "                            add a service; with UNIT: while that has memory\n"
	       "      --merge=REGION,REGION[,NAME]\n"
	       "                            make one region of two\n"
	       "      --split=REGION:UNIT[,UNIT]...\n"
	       "                            give these units a region of their own\n"
	       "      --reserve-first=UNIT[,UNIT]...\n"
	       "                            reserve whole sets of buffers, these units first\n"
	       "      --set=UNIT=COUNT[xSIZE]\n"
	       "                            state the buffers of a set; default: as recorded\n"
	       "      --headroom=PCT        add this percentage, default: 10\n"
	       "      --quantile=Q          quantile of boots and runs, 0 to 1; default: 1\n"
	       "      --by=machine|model    compare the needs of machines, instead of a plan\n"
	       "      --diff                compare with the present sizes and limits\n"
	       "      --apply               set the limits of the plan on this machine\n"
	       "      --dry-run             do all checks of --apply, and change nothing\n"
	       "      --runtime             set limits until the next boot\n"
	       "      --accept=LIST         of machine, quantile, changes: see dmemctl-plan(8)\n"
	       "      --check               fail if the load does not fit the device tree\n"
	       "      --check-units=DIR     compare with limits in unit files as well\n"
	       "      --alerts=FILE         write rules of Prometheus\n"
	       "      --pairs               print services that fit together, instead of a plan\n"
	       "      --confidence          print how certain the figures are\n"
	       "      --json                print all figures, in bytes\n"
	       "      --units=DIR           write drop-ins: DIR/UNIT.d/50-dmem-plan.conf\n"
	       "      --dts=FILE            write a device tree overlay, to merge before boot\n"
	       "      --dtb=FILE            board's device tree; default: from the histories\n"
	       "      --move                allow a new address for an area that cannot grow\n"
	       "      --shrink              allow regions to become smaller\n"
	       "      --svg=FILE            write a chart\n"
	       "      --force               replace drop-ins and overlays\n"
	       "      --block=SIZE          align regions to SIZE; default: from the histories\n"
	       "      --cma-alignment=N     CONFIG_CMA_ALIGNMENT of the kernel, default: 8\n"
	       "  -h, --help                display this help\n\n"
	       "FILE can be \"-\" for --dts, --svg and --alerts: standard output.\n"
	       "See dmemctl-plan(8).\n", stdout);
}

/* ---- options ---- */

enum { DIFF = 256, APPLY, DRY_RUN, RUNTIME, ACCEPT, CHECK, CHECK_UNITS, ALERTS, FROM };

static bool is_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

static bool parse_number(const char *s, double low, double high, double *v)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	*v = strtod(s, &end);
	return !*end && *v >= low && *v <= high;
}

/* "12.5", or "12.5%". */
static bool parse_percent(const char *s, double high, double *v)
{
	size_t len = strlen(s);
	char number[32];

	if (len >= sizeof(number))
		return false;
	strcpy(number, s);
	if (len && number[len - 1] == '%')
		number[len - 1] = 0;
	return parse_number(number, 0, high, v);
}

/* "0.95", or "95%". */
static bool parse_quantile(const char *s, double *v)
{
	if (!strchr(s, '%'))
		return parse_number(s, 0, 1, v);
	if (!parse_percent(s, 100, v))
		return false;
	*v /= 100;
	return true;
}

static int parse_block(struct plan *p, const char *s)
{
	struct dmem_value v;

	if (dmem_parse_value(s, &v) || v.percent || v.n == DMEM_NO_LIMIT || v.n < 4096 ||
	    (v.n & (v.n - 1)))
		return cli_usage(&p->c->cli,
				 "invalid block '%s': write a power of two of at least 4K", s);
	p->o.block = v.n;
	return 0;
}

static int parse_by(struct plan *p, const char *s)
{
	p->by = !strcmp(s, "machine") ? FLEET_MACHINE : !strcmp(s, "model") ? FLEET_MODEL :
		FLEET_NONE;
	if (p->by)
		return 0;
	return cli_usage(&p->c->cli, "invalid value '%s' of --by: write 'machine' or 'model'", s);
}

static int parse_from(struct plan *p, const char *s)
{
	p->prometheus = !strcmp(s, "prometheus");
	if (p->prometheus)
		return 0;
	return cli_usage(&p->c->cli, "invalid value '%s' of --from: write 'prometheus', or leave the option out "
			 "for histories", s);
}

static int parse_accept(struct plan *p, const char *s)
{
	if (apply_parse_accept(s, &p->applied.accept))
		return 0;
	return cli_usage(&p->c->cli, "invalid value '%s' of --accept: write one or more of machine, "
			 "quantile and changes, with commas", s);
}

static int parse_change(struct plan *p, enum whatif_kind kind)
{
	int ret = whatif_parse(&p->whatif, kind, optarg);

	if (ret == -EINVAL)
		return cli_usage(&p->c->cli, "%s", p->whatif.problem);
	return ret ? failed(p, ret) : 0;
}

static int parse_sets(struct plan *p, int (*parse_text)(struct sets *s, const char *text))
{
	int ret = parse_text(&p->sets, optarg);

	p->o.sets = &p->sets;
	if (ret == -EINVAL)
		return cli_usage(&p->c->cli, "%s", p->sets.problem);
	return ret ? failed(p, ret) : 0;
}

static int parse_option(struct plan *p, int opt)
{
	double v;

	switch (opt) {
	case 'r':
		if (!parse_percent(optarg, 1000, &v))
			return cli_usage(&p->c->cli, "invalid percentage '%s': write a number from "
					 "0 to 1000", optarg);
		p->o.headroom = v / 100;
		return 0;
	case 'q':
		if (!parse_quantile(optarg, &p->o.quantile))
			return cli_usage(&p->c->cli, "invalid quantile '%s': write a number from 0 "
					 "to 1 such as 0.95, or a percentage such as 95%%", optarg);
		return 0;
	case 'b':
		return parse_block(p, optarg);
	case 'a':
		if (!parse_number(optarg, 0, 20, &v) || v != floor(v))
			return cli_usage(&p->c->cli, "invalid alignment '%s': write an order of "
					 "pages from 0 to 20", optarg);
		p->o.align_order = (unsigned int)v;
		return 0;
	case 'c':
		if (!parse_number(optarg, 1, 2, &v) || v != floor(v))
			return cli_usage(&p->c->cli, "invalid cells '%s': write 1 or 2", optarg);
		cli_error(&p->c->cli,
			  "--cells= has no effect: the board's tree contains the number of cells");
		return 0;
	case 'j':
		p->json = true;
		return 0;
	case 'P':
		p->pairs = true;
		return 0;
	case 'y':
		return parse_by(p, optarg);
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
	case 'C':
		p->o.confidence = true;
		return 0;
	case 'z':
		return parse_change(p, WHATIF_SIZE);
	case 'l':
		return parse_change(p, WHATIF_SCALE);
	case 'w':
		return parse_change(p, WHATIF_WITHOUT);
	case 'n':
		return parse_change(p, WHATIF_ADD);
	case 'e':
		return parse_change(p, WHATIF_MERGE);
	case 'p':
		return parse_change(p, WHATIF_SPLIT);
	case DIFF:
		p->diff = true;
		return 0;
	case APPLY:
		p->apply = true;
		return 0;
	case DRY_RUN:
		p->applied.dry_run = true;
		return 0;
	case RUNTIME:
		p->applied.runtime = true;
		return 0;
	case ACCEPT:
		return parse_accept(p, optarg);
	case CHECK:
		p->check = true;
		return 0;
	case CHECK_UNITS:
		p->checked.units = optarg;
		return 0;
	case ALERTS:
		p->alerts = optarg;
		return 0;
	case FROM:
		return parse_from(p, optarg);
	case 'R':
		return parse_sets(p, sets_parse_first);
	case 'S':
		return parse_sets(p, sets_parse_set);
	default:
		return CLI_USAGE;
	}
}

/* Only one thing is done with a plan, and the options of another one have no effect. */
static bool is_text(const struct plan *p)
{
	return !is_stdout(p->svg) && !is_stdout(p->dts) && !is_stdout(p->alerts);
}

static int check_modes(const struct plan *p)
{
	const struct cli *c = &p->c->cli;

	if (!!p->by + p->diff + p->apply + p->check > 1)
		return cli_usage(c, "only one of --by, --diff, --apply and --check can be used");
	if (p->pairs && (p->diff || p->apply || p->check))
		return cli_usage(c, "--pairs is printed instead of a plan: leave --diff, --apply and --check out");
	if (!p->apply && (p->applied.dry_run || p->applied.runtime || p->applied.accept))
		return cli_usage(c, "--dry-run, --runtime and --accept need --apply");
	if (!p->check && p->checked.units)
		return cli_usage(c, "--check-units needs --check");
	if ((p->apply || p->check) && (p->svg || p->units || p->dts || p->alerts))
		return cli_usage(c, "--apply and --check write no files: leave --svg, --units, --dts and --alerts out");
	if (p->by && p->alerts)
		return cli_usage(c, "--by compares machines: --alerts needs a plan");
	if ((p->diff || p->apply) && whatif_moves_regions(&p->whatif))
		return cli_usage(c, "--diff and --apply compare regions that exist: leave --merge and --split out");
	return 0;
}

/* An exit code, or -1: continue. */
static int parse(struct plan *p, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", 0, NULL, 'h' }, { "headroom", 1, NULL, 'r' },
		{ "quantile", 1, NULL, 'q' }, { "by", 1, NULL, 'y' },
		{ "json", 0, NULL, 'j' }, { "svg", 1, NULL, 's' }, { "units", 1, NULL, 'u' },
		{ "dts", 1, NULL, 'd' }, { "force", 0, NULL, 'f' }, { "block", 1, NULL, 'b' },
		{ "cma-alignment", 1, NULL, 'a' }, { "cells", 1, NULL, 'c' },
		{ "shrink", 0, NULL, 'k' }, { "dtb", 1, NULL, 't' }, { "move", 0, NULL, 'm' },
		{ "size", 1, NULL, 'z' }, { "scale", 1, NULL, 'l' }, { "without", 1, NULL, 'w' },
		{ "add", 1, NULL, 'n' }, { "merge", 1, NULL, 'e' }, { "split", 1, NULL, 'p' },
		{ "diff", 0, NULL, DIFF }, { "apply", 0, NULL, APPLY },
		{ "dry-run", 0, NULL, DRY_RUN }, { "runtime", 0, NULL, RUNTIME },
		{ "accept", 1, NULL, ACCEPT }, { "check", 0, NULL, CHECK },
		{ "check-units", 1, NULL, CHECK_UNITS }, { "alerts", 1, NULL, ALERTS },
		{ "pairs", 0, NULL, 'P' }, { "from", 1, NULL, FROM },
		{ "confidence", 0, NULL, 'C' },
		{ "reserve-first", 1, NULL, 'R' }, { "set", 1, NULL, 'S' },
		{ 0 },
	};
	int opt, ret = 0;

	while (!ret && (opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h') {
			help();
			return CLI_OK;
		}
		if (opt == '?')
			return cli_usage(&p->c->cli,
					 "unknown option, or an option without its value: %s",
					 argv[optind - 1]);
		ret = parse_option(p, opt);
	}
	if (!ret && is_stdout(p->svg) + is_stdout(p->dts) + is_stdout(p->alerts) + p->json > 1)
		return cli_usage(&p->c->cli,
				 "only one of --json, --svg=-, --dts=- and --alerts=- can be printed");
	if (!ret)
		ret = check_modes(p);
	if (!ret && p->pairs && !is_text(p))
		return cli_usage(&p->c->cli,
				 "--pairs prints to standard output: write --svg, --dts and --alerts to files");
	if (!ret && p->by && p->pairs)
		return cli_usage(&p->c->cli, "--by compares machines: it cannot be used with --pairs");
	if (!ret && p->by && (p->svg || p->units || p->dts))
		return cli_usage(&p->c->cli,
				 "--by compares machines: --svg, --units and --dts need a plan");
	if (!ret && p->by && p->o.confidence)
		return cli_usage(&p->c->cli, "--by compares machines: --confidence needs a plan, leave one of them out");
	if (!ret && p->by && p->whatif.n)
		return cli_usage(&p->c->cli, "--by compares recorded needs: it cannot be used with --%s",
				 whatif_name(p->whatif.option->kind));
	if (!ret && p->by && p->o.sets)
		return cli_usage(&p->c->cli,
				 "--by compares recorded needs: it cannot be used with --reserve-first or --set");
	if (!ret && p->dts && whatif_moves_regions(&p->whatif))
		return cli_usage(&p->c->cli, "--dts adds and removes no nodes: it cannot be used with --merge or --split");
	if (!ret && p->units && whatif_moves_regions(&p->whatif))
		return cli_usage(&p->c->cli, "--units writes limits of regions that exist: it cannot be used with "
				 "--merge or --split: use --json, and write the limits when the regions exist");
	if (!ret && p->units && is_stdout(p->units))
		return cli_usage(&p->c->cli, "--units needs a directory, not '-'");
	if (!ret && optind == argc)
		return cli_usage(&p->c->cli, p->prometheus ?
				 "missing answer of Prometheus: name a file, or '-' for standard input" :
				 "missing history: name a file or directory");
	return ret ? ret : -1;
}

/* ---- reading ---- */

/* Appends the rest of a file to @text, which gets at most @max bytes. 0, -EFBIG, or another negative
 * errno. */
static int read_rest(int fd, size_t max, struct dmem_text *text)
{
	ssize_t n = 1;
	int ret = 0;

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
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			ret = -errno;
		else
			text->len += (size_t)n;
		if (text->len > max)
			ret = -EFBIG;
	}
	return ret;
}

/* The same with a regular file. -EBADMSG: it is none. */
static int read_more(const char *path, struct dmem_text *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), ret = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		ret = -errno;
	else if (!S_ISREG(st.st_mode))
		ret = -EBADMSG;
	else
		ret = read_rest(fd, SIZE_MAX, text);
	close(fd);
	return ret;
}

/* Reads one text with answers, which may come from a pipe. @left: bytes that it may have. */
static int add_answers(struct plan *p, const char *path, size_t *left)
{
	int fd = is_stdout(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct dmem_text text = { 0 };
	int ret = fd < 0 ? -errno : read_rest(fd, *left, &text);

	if (fd > STDIN_FILENO)
		close(fd);
	if (!ret) {
		*left -= text.len;
		ret = answers_add(&p->answers, text.s ? text.s : "", text.len);
	}
	dmem_text_free(&text);
	if (ret == -EFBIG)
		cli_error(&p->c->cli, "%s: all answers together have more than 64M of text: query fewer metrics, "
			  "or with a larger step", path);
	else if (ret)
		cli_error(&p->c->cli, "%s: %s", path, ret == -EINVAL ? p->answers.problem : strerror(-ret));
	return ret;
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* Reports all that was left out of the answers. */
static void report_left_out(struct plan *p)
{
	const struct answers *a = &p->answers;
	const struct convert_facts *f = &p->converted.facts;
	const struct cli *c = &p->c->cli;

	if (a->warning)
		cli_error(c, "warning of Prometheus: %s", a->warning);
	for (size_t i = 0; i < sizeof(a->unknown) / sizeof(*a->unknown) && a->unknown[i]; i++)
		cli_error(c, "%s: left out: it is no metric of dmemctl metrics", a->unknown[i]);
	if (a->n_unknown > sizeof(a->unknown) / sizeof(*a->unknown))
		cli_error(c, "series of further metrics were left out as well");
	if (a->nameless)
		cli_error(c, "%zu series without the name of a metric left out: query the metrics themselves, "
			  "without functions", a->nameless);
	if (a->native)
		cli_error(c, "%zu series without values left out: native histograms are not supported",
			  a->native);
	if (a->ambiguous)
		cli_error(c, "%zu series left out: labels are missing, too long, or belong to two cgroups",
			  a->ambiguous);
	if (a->no_value)
		cli_error(c, "%zu value%s left out: no number, negative, or too large", a->no_value,
			  plural(a->no_value));
	if (a->contradictions)
		cli_error(c, "%zu value%s with another one at the same time: the larger one is used",
			  a->contradictions, plural(a->contradictions));
	if (f->any_sizes && p->whatif.load)
		cli_error(c, "the histograms of buffers are not used: the load is changed, and they have no owners");
	else if (f->any_sizes && f->sizeless)
		cli_error(c, "the histograms of buffers are not used: there is none for %s", f->sizeless);
}

/* Reads answers of Prometheus in place of histories. 0 or a negative errno: it was reported. */
static int read_prometheus(struct plan *p, char **paths)
{
	size_t left = ANSWER_TEXT;
	int ret = 0;

	p->paths = paths;
	for (char **path = paths; *path && !ret; path++)
		ret = add_answers(p, *path, &left);
	if (ret)
		return ret;
	answers_sort(&p->answers);
	ret = convert_answers(&p->converted, &p->answers, !p->whatif.load);
	report_left_out(p);
	if (ret == -EFBIG)
		cli_error(&p->c->cli, "the answers have too many changes: query fewer machines, or with a larger step");
	else if (ret)
		failed(p, ret);
	if (!ret && !p->converted.n) {
		cli_error(&p->c->cli, "the answers have no values of dmemctl metrics: query '{__name__=~\"dmem_.+\"}'");
		ret = -ENODATA;
	}
	p->m.prometheus = &p->converted.facts;
	p->m.in = (struct lines_input){ convert_read, &p->converted };
	for (size_t i = 0; i < p->converted.n && !ret; i++) {
		uint64_t size = p->converted.machine[i].text.len;

		ret = model_add(&p->m, i, i, &size);
		if (ret)
			failed(p, ret);
	}
	return ret;
}

static int add_history(void *data, size_t first, size_t last, const uint64_t *size)
{
	return model_add(&((struct plan *)data)->m, first, last, size);
}

/* ---- writing ---- */

struct output {
	char *path, *dir;	/* @dir: the directory to make, or NULL */
	char *text;
	size_t len;
	bool anew;		/* an existing file may be replaced */
};

struct outputs {
	struct output *o;
	size_t n;
};

/* 0 or -ENOMEM. @all owns @text afterwards. */
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
	more[all->n++] = (struct output){ path, dir, text, len, false };
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
	if (fclose(f) && !ret)
		ret = -ENOMEM;
	if (ret) {
		free(text);
		if (ret != -ENOMEM)
			failed(p, ret);
		return ret;
	}
	ret = add_output(p, all, dmem_strdup(&p->m.arena, p->svg), NULL, text, len);
	if (!ret)
		all->o[all->n - 1].anew = true;
	return ret;
}

static int make_alerts(struct plan *p, struct outputs *all)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int ret;

	if (!f)
		return -ENOMEM;
	ret = alerts_print(f, &p->m, &p->n, &p->o);
	if (fclose(f))
		ret = -ENOMEM;
	if (ret) {
		free(text);
		return ret;
	}
	return add_output(p, all, dmem_strdup(&p->m.arena, p->alerts), NULL, text, len);
}

/* Reads --dtb=FILE, if there is one. */
static int read_tree(struct plan *p)
{
	int ret = 0;

	if (p->board.dtb)
		ret = read_more(p->board.dtb, &p->dtb);
	if (ret) {
		cli_error(&p->c->cli, "%s: %s", p->board.dtb,
			  ret == -EBADMSG ? "not a regular file" : strerror(-ret));
		return ret == -ENOMEM ? ret : -EINVAL;
	}
	p->board.blob = p->dtb.s;
	p->board.len = p->dtb.len;
	return 0;
}

static int make_dts(struct plan *p, struct outputs *all)
{
	char *text = NULL;
	size_t len = 0;
	int ret = read_tree(p);

	if (ret)
		return ret;
	ret = board_overlay(&p->c->cli, &p->m.notes, &p->n, &p->o, &p->board, &text, &len);
	return ret ? ret : add_output(p, all, dmem_strdup(&p->m.arena, p->dts), NULL, text, len);
}

static int make_unit(struct plan *p, struct outputs *all, const struct report_units *u,
		     uint32_t service)
{
	const char *unit = p->m.service[service].unit;
	char *text = NULL, *dir, *path;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool any;

	if (!f)
		return -ENOMEM;
	any = report_unit(f, u, service);
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

static int make_units(struct plan *p, struct outputs *all)
{
	struct report_units u;
	int ret = report_units_find(&u, &p->m, &p->n);

	for (uint32_t s = 0; s < p->m.n_services && !ret; s++)
		ret = make_unit(p, all, &u, s);
	report_units_free(&u);
	return ret;
}

/* Checks all outputs before the first one is written. Charts replace existing ones. */
static int check_outputs(struct plan *p, const struct outputs *all)
{
	struct stat st;

	for (size_t i = 0; i < all->n && !p->force; i++) {
		if (all->o[i].anew || is_stdout(all->o[i].path) || lstat(all->o[i].path, &st))
			continue;
		cli_error(&p->c->cli,
			  "%s: file exists, nothing was written: use --force to replace it",
			  all->o[i].path);
		return -EEXIST;
	}
	return 0;
}

/* Writes to a pipe or device. */
static int write_into(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY), ret = 0;

	if (fd < 0)
		return -errno;
	while (len && !ret) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			ret = -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	close(fd);
	return ret;
}

static int write_output(struct plan *p, const struct output *o)
{
	struct stat st;
	int ret;

	if (is_stdout(o->path))
		return fwrite(o->text, 1, o->len, stdout) == o->len ? 0 : -EIO;
	if (o->dir)
		mkdir(o->dir, 0755);
	if (o->anew && !stat(o->path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		ret = write_into(o->path, o->text, o->len);
	else if (p->force || o->anew)
		ret = cli_replace(o->path, 0644, o->text, o->len);
	else
		ret = cli_create(o->path, 0644, o->text, o->len);
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
	if (!ret && p->units)
		ret = make_units(p, &all);
	if (!ret && p->alerts)
		ret = make_alerts(p, &all);
	if (ret == -ENOMEM)
		failed(p, ret);
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

/* ---- the verb ---- */

static void report_losses(struct plan *p)
{
	if (p->m.bad)
		cli_error(&p->c->cli, "%zu line%s skipped: damaged, or dependent on a damaged line",
			  p->m.bad, p->m.bad == 1 ? "" : "s");
	if (p->m.newer)
		cli_error(&p->c->cli, "%zu record%s skipped: written by a later version",
			  p->m.newer,
			  p->m.newer == 1 ? "" : "s");
}

static const char *file_name(const void *data, size_t file)
{
	const struct plan *p = data;

	return p->prometheus ? p->paths[p->converted.machine[file].file] : p->files.file[file].path;
}

static int say_unused(struct plan *p)
{
	cli_error(&p->c->cli, "no cgroup was charged for anything in %s of %zu sample%s",
		  p->prometheus ? "these answers" : p->m.files == 1 ? "this history" : "these histories", (size_t)p->m.samples,
		  p->m.samples == 1 ? "" : "s");
	return CLI_FAILED;
}

/* Compares machines, instead of a plan for all of them. */
static int compare_machines(struct plan *p)
{
	struct fleet f;
	int ret = fleet_find(&f, &p->m, &p->o, p->by);

	if (ret)
		ret = failed(p, ret);
	else if (!f.n)
		ret = say_unused(p);
	else if (p->json)
		fleet_json(stdout, &f, &p->m, file_name, p);
	else
		fleet_text(stdout, &f, &p->m, file_name, p);
	fleet_free(&f);
	return ret;
}

static int check(struct plan *p)
{
	int ret = read_tree(p);

	if (ret == -ENOMEM)
		failed(p, ret);
	if (ret)
		return CHECK_ERROR;
	p->checked.board = p->board;
	p->checked.json = p->json;
	p->verdict = true;
	ret = check_plan(p->c, &p->m, &p->n, &p->o, &p->checked);
	/* The lost part may have had a larger need. */
	return ret == CHECK_FITS && (p->m.bad || p->files.damaged) ? CHECK_ERROR : ret;
}

/* Compares with the recorded limits, or sets those of the plan. */
static int compare(struct plan *p)
{
	struct diff d;
	int ret = diff_find(&d, &p->m, &p->n, &p->o);

	p->applied.json = p->json;
	if (!ret && p->apply)
		ret = apply_plan(p->c, &d, &p->o, &p->applied);
	else if (!ret)
		ret = diff_print(&d, p->json);
	diff_free(&d);
	return ret < 0 ? failed(p, ret) : ret;
}

static int make_plan(struct plan *p, char **paths)
{
	int ret = 0;

	if (p->prometheus)
		ret = read_prometheus(p, paths);
	for (; *paths && !p->prometheus && !ret; paths++)
		ret = files_add(&p->files, *paths);
	if (ret)
		return CLI_FAILED;
	if (!p->m.files) {
		cli_error(&p->c->cli, "no history found: %zu other file%s skipped", p->files.skipped,
			  p->files.skipped == 1 ? "" : "s");
		return CLI_FAILED;
	}
	ret = model_sort(&p->m);
	report_losses(p);
	if (!ret && p->by)
		return compare_machines(p);
	if (!ret)
		ret = whatif_resolve(&p->whatif, &p->m);
	if (ret == -EINVAL && p->whatif.problem) {
		cli_error(&p->c->cli, "%s", p->whatif.problem);
		return CLI_FAILED;
	}
	p->o.size = p->whatif.size;
	if (!ret)
		ret = sets_resolve(&p->sets, &p->m);
	if (!ret)
		ret = needs_find(&p->n, &p->m, &p->o);
	if (!ret)
		ret = sets_check(&p->sets);
	if (ret == -EINVAL && p->sets.problem) {
		cli_error(&p->c->cli, "%s", p->sets.problem);
		return CLI_FAILED;
	}
	if (ret)
		return failed(p, ret);
	if (!p->n.n && p->m.whatif) {
		cli_error(&p->c->cli, "after these changes, no cgroup is charged for anything");
		return CLI_FAILED;
	}
	if (!p->n.n)
		return say_unused(p);
	if (p->check)
		return check(p);
	if (p->pairs)
		ret = pairs_find(&p->found, &p->m, &p->n, &p->o, p->json ? SIZE_MAX : REPORT_PAIRS);
	if (ret)
		return failed(p, ret);
	/* Standard output has nothing but the requested output. */
	if ((p->diff && is_text(p)) || p->apply)
		ret = compare(p);
	else if (p->json)
		report_json(stdout, &p->m, &p->n, &p->o);
	else if (p->pairs)
		report_pairs(stdout, &p->m, &p->n);
	else if (is_text(p))
		report_text(stdout, &p->m, &p->n, &p->o);
	if (ret || p->apply)
		return ret;
	return write_outputs(p) ? CLI_FAILED : CLI_OK;
}

int verb_plan(struct ctl *c, int argc, char **argv)
{
	struct plan p = {
		.c = c,
		.o = { .headroom = 0.1, .quantile = 1, .block = DMEM_UNKNOWN, .align_order = 8 },
	};
	int ret = parse(&p, argc, argv);

	p.files = (struct files){ .cli = &c->cli, .add = add_history, .data = &p };
	p.m.in = (struct lines_input){ files_read, &p.files };
	if (ret < 0)
		ret = make_plan(&p, argv + optind);
	else
		p.check = false;
	/* An error must not count as a load that does not fit. */
	if (p.check && ret == CLI_FAILED && !p.verdict)
		ret = CHECK_ERROR;
	dmem_text_free(&p.dtb);
	files_free(&p.files);
	pairs_free(&p.found);
	needs_free(&p.n);
	whatif_free(&p.whatif);
	sets_free(&p.sets);
	model_free(&p.m);
	convert_free(&p.converted);
	answers_free(&p.answers);
	return ret;
}
