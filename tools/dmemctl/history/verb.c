// SPDX-License-Identifier: GPL-2.0-or-later
/* dmemctl history - show, cut, merge and convert histories */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/replace.h"
#include "dmemctl/dmemctl.h"
#include "copy.h"
#include "export.h"
#include "inputs.h"
#include "summary.h"

enum mode { MODE_SUMMARY, MODE_COPY, MODE_JSON, MODE_CSV };

struct history {
	struct ctl *c;
	enum mode mode;
	const char *output;
	struct walk_filter filter;
	struct inputs in;
	struct walk w;
	struct copy copy;
	struct export export;
	struct summary summary;
};

static void help(void)
{
	printf("Usage: dmemctl history [OPTION]... HISTORY|DIR...\n\n"
	       "Print a summary of histories of \"dmemctl record\", or write parts of them.\n\n"
	       "      --copy            write the selected samples as one history\n"
	       "      --json            print them as lines of JSON\n"
	       "      --csv             print them as CSV\n"
	       "      --since=TIME      select samples from this time on\n"
	       "      --until=TIME      select samples before this time\n"
	       "      --unit=NAME       select a unit or cgroup, and all cgroups below it\n"
	       "      --region=NAME     select a region\n"
	       "  -o, --output=FILE     write to FILE, which is replaced\n"
	       "  -h, --help            display this help\n\n"
	       "TIME is in UTC, \"2026-11-29\", \"2026-11-29 14:30\" or \"2026-11-29 14:30:05\", or\n"
	       "@SECONDS since 1970. --unit and --region can be repeated.\n"
	       "See dmemctl-history(8).\n");
}

/* ---- options ---- */

/* A time in UTC, or "@" and seconds since 1970, which may have a fraction. False: it is neither. */
static bool parse_time(const char *s, uint64_t *ms)
{
	static const char * const formats[] = {
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
		"%Y-%m-%d",
	};
	char *end;

	if (*s == '@') {
		double v = s[1] >= '0' && s[1] <= '9' ? strtod(s + 1, &end) : -1;

		if (v < 0 || *end || v > 1e15)
			return false;
		*ms = (uint64_t)(v * 1000 + 0.5);
		return true;
	}
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		struct tm tm = { 0 };
		const char *rest = strptime(s, formats[i], &tm);
		time_t t = rest && !*rest ? timegm(&tm) : -1;

		if (t < 0)
			continue;
		*ms = (uint64_t)t * 1000;
		return true;
	}
	return false;
}

static int add_word(struct history *h, const char **words, size_t *n, const char *option)
{
	if (!*optarg)
		return cli_usage(&h->c->cli, "%s= needs a name", option);
	if (*n == WALK_WORDS)
		return cli_usage(&h->c->cli, "more than %d times %s", WALK_WORDS, option);
	words[(*n)++] = optarg;
	return 0;
}

static int choose_mode(struct history *h, enum mode mode)
{
	if (h->mode && h->mode != mode)
		return cli_usage(&h->c->cli, "only one of --copy, --json and --csv is possible");
	h->mode = mode;
	return 0;
}

enum { COPY = 256, JSON, CSV, SINCE, UNTIL, UNIT, REGION };

static int parse_option(struct history *h, int opt)
{
	struct walk_filter *f = &h->filter;

	switch (opt) {
	case COPY:
		return choose_mode(h, MODE_COPY);
	case JSON:
		return choose_mode(h, MODE_JSON);
	case CSV:
		return choose_mode(h, MODE_CSV);
	case SINCE:
	case UNTIL:
		if (parse_time(optarg, opt == SINCE ? &f->since : &f->until))
			return 0;
		return cli_usage(&h->c->cli, "invalid time '%s': write a time in UTC such as "
				 "'2026-11-29 14:30', or @SECONDS", optarg);
	case UNIT:
		return add_word(h, f->unit, &f->n_units, "--unit");
	case REGION:
		return add_word(h, f->region, &f->n_regions, "--region");
	case 'o':
		h->output = optarg;
		return *optarg ? 0 : cli_usage(&h->c->cli, "--output= needs a file");
	default:
		return CLI_USAGE;
	}
}

/* An exit code, or -1: continue. */
static int parse(struct history *h, int argc, char **argv)
{
	static const struct option options[] = {
		{ "copy", no_argument, NULL, COPY },
		{ "csv", no_argument, NULL, CSV },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, JSON },
		{ "output", required_argument, NULL, 'o' },
		{ "region", required_argument, NULL, REGION },
		{ "since", required_argument, NULL, SINCE },
		{ "unit", required_argument, NULL, UNIT },
		{ "until", required_argument, NULL, UNTIL },
		{ 0 },
	};
	static const char letters[] = ":ho:";
	int opt, ret = 0;

	opterr = 0;
	while (!ret && (opt = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (opt == 'h') {
			help();
			return CLI_OK;
		}
		if (opt == '?' || opt == ':')
			return cli_bad_option(&h->c->cli, opt, letters, argv);
		ret = parse_option(h, opt);
	}
	if (!ret && h->filter.since >= h->filter.until)
		return cli_usage(&h->c->cli, "no time is selected: --until= must be later than --since=");
	if (!ret && optind == argc)
		return cli_usage(&h->c->cli, "missing history: name a file or directory");
	return ret ? ret : -1;
}

/* ---- reading ---- */

static int walk_inputs(struct history *h, FILE *f)
{
	struct walk *w = &h->w;

	h->copy.f = h->export.f = f;
	h->export.csv = h->mode == MODE_CSV;
	w->filter = &h->filter;
	if (h->mode == MODE_COPY)
		w->sample = copy_sample, w->end = copy_end, w->data = &h->copy;
	else if (h->mode)
		w->sample = export_sample, w->end = export_end, w->data = &h->export;
	else
		w->sample = summary_sample, w->end = summary_end, w->data = &h->summary;
	return inputs_walk(&h->in, w);
}

/* ---- output ---- */

/* A history has at least one sample. */
static int say_nothing_selected(struct history *h)
{
	uint64_t from = UINT64_MAX, to = 0;
	char first[CLI_DATE], last[CLI_DATE];

	for (size_t i = 0; i < h->in.m.n_boots; i++) {
		const struct model_boot *b = &h->in.m.boot[i];
		uint64_t wall[2] = { model_wall(b, b->from), model_wall(b, b->to) };

		if (!b->samples)
			continue;
		from = wall[0] < from ? wall[0] : from;
		to = wall[1] > to ? wall[1] : to;
	}
	if (from > to)
		cli_error(&h->c->cli, "no sample is selected: there is none");
	else
		cli_error(&h->c->cli, "no sample is selected: the first is of %s, and the last of %s "
			  "UTC", cli_date(first, from), cli_date(last, to));
	return CLI_FAILED;
}

static int check_selection(struct history *h)
{
	const struct walk_filter *f = &h->filter;

	if (f->n_units && !h->w.any_cgroup) {
		cli_error(&h->c->cli, "%s%s: no such unit or cgroup in %s", f->unit[0],
			  f->n_units > 1 ? " and the others" : "",
			  inputs_count(&h->in) == 1 ? "this history" : "these histories");
		return CLI_FAILED;
	}
	if (f->n_regions && !h->w.any_region) {
		cli_error(&h->c->cli, "%s%s: no such region in %s", f->region[0],
			  f->n_regions > 1 ? " and the others" : "",
			  inputs_count(&h->in) == 1 ? "this history" : "these histories");
		return CLI_FAILED;
	}
	if (h->mode == MODE_COPY && !h->w.selected)
		return say_nothing_selected(h);
	return CLI_OK;
}

static int write_all(struct history *h, FILE *f)
{
	int ret = walk_inputs(h, f);

	/* Errors of standard output are reported when it is closed. */
	if (ret && ferror(f) && f != stdout)
		cli_error(&h->c->cli, "%s: cannot write all of its text to a temporary file: set "
			  "TMPDIR to a directory with more space", h->output);
	if (!ret)
		ret = check_selection(h);
	if (ret)
		return ret;
	if (h->mode == MODE_CSV)
		export_finish(&h->export);
	if (h->mode)
		return CLI_OK;
	ret = summary_print(f, &h->summary, &h->w, inputs_count(&h->in), inputs_bytes(&h->in));
	if (ret)
		cli_error(&h->c->cli, "%s", strerror(-ret));
	return ret ? CLI_FAILED : CLI_OK;
}

/* Replaces the file by the text of the stream. */
static int replace_output(struct history *h, FILE *f)
{
	struct stat st;
	void *text = NULL;
	int ret = 0;

	if (fflush(f) || fstat(fileno(f), &st))
		ret = -errno;
	else if ((uint64_t)st.st_size > SIZE_MAX)
		ret = -EFBIG;
	if (!ret && st.st_size) {
		text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fileno(f), 0);
		ret = text == MAP_FAILED ? -errno : 0;
	}
	if (ret) {
		cli_error(&h->c->cli, "%s: %s", h->output, strerror(-ret));
		return CLI_FAILED;
	}
	ret = cli_replace(h->output, 0644, text ? text : "", (size_t)st.st_size);
	if (text)
		munmap(text, (size_t)st.st_size);
	if (ret)
		cli_error(&h->c->cli, "%s: %s", h->output, cli_replace_error(ret));
	return ret ? CLI_FAILED : CLI_OK;
}

/* The whole text is written first, so that a failure leaves the old file, and a history can be
 * replaced by a part of itself. */
static int write_output(struct history *h)
{
	const char *dir;
	FILE *f = NULL;
	int fd, ret;

	if (!h->output || !strcmp(h->output, "-"))
		return write_all(h, stdout);
	fd = files_temporary(&dir);
	if (fd >= 0)
		f = fdopen(fd, "w+");
	if (!f) {
		cli_error(&h->c->cli, "cannot make a temporary file in %s: %s: set TMPDIR to another "
			  "directory", dir, strerror(fd < 0 ? -fd : errno));
		if (fd >= 0)
			close(fd);
		return CLI_FAILED;
	}
	ret = write_all(h, f);
	if (!ret)
		ret = replace_output(h, f);
	fclose(f);
	return ret;
}

static void report_losses(struct history *h)
{
	/* The summary has a line about them. */
	if (!h->mode)
		return;
	if (h->w.found.bad)
		cli_error(&h->c->cli, "%zu line%s skipped: damaged, or dependent on a damaged line",
			  h->w.found.bad, h->w.found.bad == 1 ? "" : "s");
	if (h->w.found.newer)
		cli_error(&h->c->cli, "%zu record%s skipped: written by a later version",
			  h->w.found.newer, h->w.found.newer == 1 ? "" : "s");
}

int verb_history(struct ctl *c, int argc, char **argv)
{
	struct history h = { .c = c, .filter.until = UINT64_MAX };
	int ret = parse(&h, argc, argv);

	if (ret < 0) {
		ret = inputs_read(&h.in, &c->cli, argv + optind);
		if (!ret) {
			ret = write_output(&h);
			report_losses(&h);
		}
	}
	walk_free(&h.w);
	copy_free(&h.copy);
	summary_free(&h.summary);
	inputs_free(&h.in);
	return ret;
}
