// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tapsum - judge one run of test programs
 *
 *   tapsum [-n NAME] [-e EXPECT] [-s SKIPS] [-k KERNELLOG] [-b KERNELLOG] [-t TOTALS]
 *          STREAM
 *   tapsum -S TOTALS
 *
 * STREAM is what the runner wrote:
 *
 *	# run PROGRAM
 *	TAP version 13
 *	...
 *	# exit PROGRAM CODE
 *	...
 *	# end
 *
 * A run is good only if every program of EXPECT (one a line) ran once, ended
 * with a complete plan and a matching exit code, no test failed, each skip
 * stands in SKIPS, each line of SKIPS was needed, the end mark came, and the
 * kernel's log holds no complaint. Whatever is missing counts as a failure of
 * its own, so that no run can be green for having run nothing. What a log of -b, of
 * a kernel to compare with, complains of as well is told, and is no failure.
 *
 * SKIPS holds lines "PROGRAM: TEST  # REASON". TEST "*" stands for every test
 * of the program, which then must all be skipped; "-" for the program as a
 * whole ("1..0 # SKIP"). REASON must be part of the reason that the test gives.
 *
 * One line of totals is added to TOTALS; -S adds them up and ends with
 * "N passed, N failed, N skipped".
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "judge.h"

#define MAX_LEVELS	8
#define MAX_DIAG	60
#define LOG_CONTEXT	40

struct expect {
	char *program;
	int runs;
};

struct skip {
	char *program, *test, *reason;
	int used, violated;
};

struct level {
	int indent;
	long plan;		/* -1: none seen */
	long seen;
	long failed;		/* children that failed, for the summary result */
};

static const char *run_name = "run";
static struct expect *expects;
static int n_expects;
static struct skip *skips;
static int n_skips;
static char **known;		/* complaints */
static int n_known;
static long passed, failed, skipped;

static char *program;		/* the one that runs now */
static struct level levels[MAX_LEVELS];
static int depth;
static long prog_results, prog_failed;
static bool prog_skipped_all;
static char *diag[MAX_DIAG];
static int n_diag;

static char *dup_or_die(const char *s)
{
	return check(strdup(s));
}

static void *grow(void *p, size_t n, size_t size)
{
	return check(realloc(p, n * size));
}

static void drop_diag(void)
{
	while (n_diag)
		free(diag[--n_diag]);
}

static void keep_diag(const char *line)
{
	int i;

	if (n_diag == MAX_DIAG) {
		free(diag[0]);
		for (i = 1; i < MAX_DIAG; i++)
			diag[i - 1] = diag[i];
		n_diag--;
	}
	diag[n_diag++] = dup_or_die(line);
}

static void fail(const char *fmt, ...)
{
	va_list ap;
	int i;

	failed++;
	prog_failed++;
	printf("FAIL %s: ", run_name);
	if (program)
		printf("%s: ", program);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	for (i = 0; i < n_diag; i++)
		printf("     | %s\n", diag[i]);
	drop_diag();
}

static void read_expects(const char *path)
{
	FILE *f = open_or_die(path);
	char buf[512], *s;

	while (fgets(buf, sizeof(buf), f)) {
		s = trim(buf);
		if (!*s || *s == '#')
			continue;
		expects = grow(expects, n_expects + 1, sizeof(*expects));
		expects[n_expects].program = dup_or_die(s);
		expects[n_expects++].runs = 0;
	}
	fclose(f);
}

static void read_skips(const char *path)
{
	FILE *f = open_or_die(path);
	char buf[1024], *s, *colon, *hash;
	int line = 0;

	while (fgets(buf, sizeof(buf), f)) {
		line++;
		s = trim(buf);
		if (!*s || *s == '#')
			continue;
		colon = strstr(s, ": ");
		hash = colon ? strstr(colon, "  # ") : NULL;
		if (!hash || !*trim(hash + 4))
			die("%s:%d: write 'program: test  # reason'", path, line);
		*colon = 0;
		*hash = 0;
		skips = grow(skips, n_skips + 1, sizeof(*skips));
		skips[n_skips].program = dup_or_die(trim(s));
		skips[n_skips].test = dup_or_die(trim(colon + 2));
		skips[n_skips].reason = dup_or_die(trim(hash + 4));
		skips[n_skips].used = 0;
		skips[n_skips++].violated = 0;
	}
	fclose(f);
}

static void read_known(const char *path)
{
	FILE *f = open_or_die(path);
	struct complaint c = {};
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, f) >= 0) {
		if (!complaint(&c, message(trim(line))))
			continue;
		known = grow(known, n_known + 1, sizeof(*known));
		known[n_known++] = dup_or_die(c.text);
	}
	free(line);
	fclose(f);
}

static bool is_known(const char *text)
{
	int i;

	for (i = 0; i < n_known; i++) {
		if (!strcmp(known[i], text))
			return true;
	}
	return false;
}

static void one_skip(const char *test, const char *reason)
{
	int i;

	for (i = 0; i < n_skips; i++) {
		if (strcmp(skips[i].program, program))
			continue;
		if (strcmp(skips[i].test, test) &&
		    (strcmp(skips[i].test, "*") || !strcmp(test, "-")))
			continue;
		if (!strstr(reason, skips[i].reason))
			continue;
		skips[i].used++;
		skipped++;
		drop_diag();
		return;
	}
	fail("%s: skipped, and nothing says that it may be (reason: %s)",
	     test, *reason ? reason : "none");
}

static void one_pass(void)
{
	int i;

	for (i = 0; i < n_skips; i++) {
		if (!strcmp(skips[i].program, program) && !strcmp(skips[i].test, "*"))
			skips[i].violated++;
	}
	passed++;
	drop_diag();
}

/* Close levels down to @to, whose plans must have been kept. */
static long pop_levels(int to)
{
	long bad = 0;

	while (depth > to) {
		struct level *l = &levels[--depth];

		if (l->plan >= 0 && l->plan != l->seen) {
			fail("%ld tests planned, %ld ran", l->plan, l->seen);
			l->failed++;
		}
		bad += l->failed;
	}
	return bad;
}

static struct level *level_at(int indent)
{
	while (depth && levels[depth - 1].indent > indent) {
		long bad = pop_levels(depth - 1);

		if (depth)
			levels[depth - 1].failed += bad;
	}
	if (!depth || levels[depth - 1].indent < indent) {
		if (depth == MAX_LEVELS)
			die("%s: more than %d levels of subtests", program, MAX_LEVELS);
		levels[depth].indent = indent;
		levels[depth].plan = -1;
		levels[depth].seen = 0;
		levels[depth].failed = 0;
		depth++;
	}
	return &levels[depth - 1];
}

static void result(int indent, bool ok, char *rest)
{
	bool parent = false;
	long number = -1, below = 0;
	struct level *l;
	char *hash, *name, *reason = NULL;

	/* Deeper levels that end here were the parts of this result. */
	if (depth && levels[depth - 1].indent > indent) {
		int to = depth;

		while (to && levels[to - 1].indent > indent)
			to--;
		below = pop_levels(to);
		parent = true;
	}
	l = level_at(indent);
	l->seen++;
	if (indent == 0)
		prog_results++;

	if (isdigit((unsigned char)*rest))
		number = strtol(rest, &rest, 10);
	rest = trim(rest);
	if (!strncmp(rest, "- ", 2))
		rest += 2;
	for (hash = strchr(rest, '#'); hash; hash = strchr(hash + 1, '#')) {
		char *word = hash + 1 + strspn(hash + 1, " ");

		if (strncasecmp(word, "SKIP", 4))
			continue;
		*hash = 0;
		reason = trim(word + 4);
		break;
	}
	name = trim(rest);
	if (!*name)
		name = "(no name)";

	if (number >= 0 && number != l->seen) {
		fail("%s: has number %ld where %ld was due", name, number, l->seen);
		l->failed++;
		l->seen = number;
		return;
	}
	if (parent) {
		if (below && ok)
			fail("%s: says ok, but a part of it failed", name);
		if (!below && !ok)
			fail("%s", name);
		if (below || !ok)
			l->failed++;
		else
			drop_diag();
		return;
	}
	if (!ok) {
		fail("%s", name);
		l->failed++;
		return;
	}
	if (reason) {
		one_skip(name, reason);
		return;
	}
	one_pass();
}

static void tap_line(char *line)
{
	int indent = strspn(line, " ");
	char *s = line + indent, *end;
	struct level *l;
	long n;

	if (!strncmp(s, "ok ", 3) || !strcmp(s, "ok")) {
		result(indent, true, s + 2 + (s[2] == ' '));
		return;
	}
	if (!strncmp(s, "not ok ", 7) || !strcmp(s, "not ok")) {
		result(indent, false, s + 6 + (s[6] == ' '));
		return;
	}
	if (!strncmp(s, "1..", 3) && isdigit((unsigned char)s[3])) {
		n = strtol(s + 3, &end, 10);
		l = level_at(indent);
		if (l->plan >= 0) {
			fail("a second plan: %s", s);
			return;
		}
		l->plan = n;
		end = strchr(end, '#');
		if (!n && indent == 0) {
			char *word = end ? end + 1 + strspn(end + 1, " ") : "";

			if (!strncasecmp(word, "SKIP", 4)) {
				prog_skipped_all = true;
				one_skip("-", trim(word + 4));
			}
		}
		return;
	}
	if (!strncmp(s, "Bail out!", 9)) {
		fail("%s", s);
		return;
	}
	if (*s && strncmp(s, "TAP version", 11) && strncmp(s, "KTAP version", 12))
		keep_diag(line);
}

static void begin_program(const char *name)
{
	int i;

	drop_diag();
	program = dup_or_die(name);
	depth = 0;
	prog_results = 0;
	prog_failed = 0;
	prog_skipped_all = false;
	for (i = 0; i < n_expects; i++) {
		if (!strcmp(expects[i].program, name))
			break;
	}
	if (i < n_expects)
		expects[i].runs++;
	else if (n_expects)
		fail("ran, but is not one of the expected programs");
}

static void end_program(bool ended, int code)
{
	bool plan = depth && levels[0].indent == 0 && levels[0].plan >= 0;

	pop_levels(0);
	if (!ended)
		fail("did not end");
	else if (code == 137 || code == 143 || code == 124)
		fail("was killed, as happens when its time is over (status %d)", code);
	else if (!plan)
		fail("wrote no plan: it did not run to where it counts its tests (status %d)", code);
	else if (!prog_results && !prog_skipped_all)
		fail("ran no test");
	else if (code && !prog_failed && !(code == 4 && prog_skipped_all))
		fail("no test failed, but the program ended with status %d", code);
	drop_diag();
	free(program);
	program = NULL;
}

static void read_stream(const char *path)
{
	FILE *f = open_or_die(path);
	bool end = false, outside = false;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, f)) >= 0) {
		while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = 0;
		if (!strncmp(line, "# run ", 6)) {
			if (program)
				end_program(false, 0);
			begin_program(trim(line + 6));
			continue;
		}
		if (!strncmp(line, "# exit ", 7) && program) {
			size_t len = strlen(program);
			char *tail;
			long code;

			if (strncmp(line + 7, program, len) || line[7 + len] != ' ') {
				keep_diag(line);
				continue;
			}
			code = strtol(line + 8 + len, &tail, 10);
			if (tail == line + 8 + len || *tail)
				end_program(false, 0);
			else
				end_program(true, (int)code);
			continue;
		}
		if (!program && !strcmp(line, "# end")) {
			end = true;
			continue;
		}
		if (program) {
			tap_line(line);
			continue;
		}
		if (*line && !outside) {
			keep_diag(line);
			fail("output outside of any program");
			outside = true;
		}
	}
	free(line);
	fclose(f);
	if (program)
		end_program(false, 0);
	if (!end)
		fail("the end mark did not come: the guest hung, crashed or ran out of time");
}

static void check_expects(void)
{
	int i;

	for (i = 0; i < n_expects; i++) {
		if (!expects[i].runs)
			fail("%s did not run", expects[i].program);
		if (expects[i].runs > 1)
			fail("%s ran %d times", expects[i].program, expects[i].runs);
	}
	for (i = 0; i < n_skips; i++) {
		if (!skips[i].used)
			fail("the skip of '%s: %s' is expected and did not happen: remove the line",
			     skips[i].program, skips[i].test);
		else if (skips[i].violated)
			fail("every test of %s is expected to be skipped, and %d passed: name the tests",
			     skips[i].program, skips[i].violated);
	}
}

#define EXPECT_MARK	"dmem-selftest: expect WARNING "

/*
 * A test that provokes a warning on purpose writes to /dev/kmsg
 * "dmem-selftest: expect WARNING begin TEXT" before and
 * "dmem-selftest: expect WARNING end" after it. In between exactly the report
 * (from "cut here" to "end trace") that contains TEXT is allowed, and must come.
 */
static void read_log(const char *path)
{
	FILE *f = open_or_die(path);
	char *line = NULL, *want = NULL, *s;
	char *block[256];
	int n_block = 0, i, show = 0, wanted = 0;
	bool booted = false, down = false, in_block = false;
	struct complaint c = {};
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, f)) >= 0) {
		while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			line[--n] = 0;
		if (strstr(line, "Linux version "))
			booted = true;
		if (strstr(line, "reboot: Power down"))
			down = true;
		s = message(line);
		if (!strncmp(s, EXPECT_MARK, strlen(EXPECT_MARK))) {
			s += strlen(EXPECT_MARK);
			if (want && !wanted)
				fail("kernel log: the warning '%s' was expected and did not come", want);
			free(want);
			want = NULL;
			wanted = 0;
			if (!strncmp(s, "begin ", 6) && *trim(s + 6))
				want = dup_or_die(trim(s + 6));
			else if (strcmp(s, "end"))
				fail("kernel log: a mark that is neither begin TEXT nor end: %s", s);
			continue;
		}
		/* A whole report is judged at its end, while one is expected. */
		if (want && strstr(s, "[ cut here ]"))
			in_block = true;
		if (in_block) {
			if (n_block < 256)
				block[n_block++] = dup_or_die(line);
			if (!strstr(s, "end trace"))
				continue;
			in_block = false;
			for (i = 0; i < n_block; i++) {
				if (want && strstr(block[i], want))
					break;
			}
			if (i < n_block) {
				wanted++;
			} else {
				for (i = 0; i < n_block; i++)
					keep_diag(block[i]);
				fail("kernel log: a warning, and not the one that was expected");
			}
			while (n_block)
				free(block[--n_block]);
			continue;
		}
		if (show) {
			printf("     | %s\n", line);
			show--;
			if (complains(s))
				show = LOG_CONTEXT;
			if (strstr(s, "end trace"))
				show = 0;
			continue;
		}
		if (!complaint(&c, s))
			continue;
		if (is_known(c.text)) {
			printf("     on both kernels: %s\n", c.text);
			continue;
		}
		fail("kernel log: %s", s);
		show = LOG_CONTEXT;
	}
	if (in_block) {
		for (i = 0; i < n_block; i++)
			keep_diag(block[i]);
		fail("kernel log: a report that does not end");
		while (n_block)
			free(block[--n_block]);
	}
	if (want)
		fail("kernel log: 'expect WARNING begin %s' without an end", want);
	free(want);
	free(line);
	fclose(f);
	if (!booted)
		fail("kernel log: there is no boot in it");
	else if (!down)
		fail("kernel log: it does not end with the power going down");
}

static int sum_totals(const char *path)
{
	FILE *f = open_or_die(path);
	long p, e, s;

	while (fscanf(f, "%ld %ld %ld", &p, &e, &s) == 3) {
		passed += p;
		failed += e;
		skipped += s;
	}
	if (!feof(f))
		die("%s: not a file of totals", path);
	fclose(f);
	printf("%ld passed, %ld failed, %ld skipped\n", passed, failed, skipped);
	return failed || !passed;
}

int main(int argc, char **argv)
{
	const char *log = NULL, *totals = NULL;
	FILE *f;
	int c, i;

	while ((c = getopt(argc, argv, "n:e:s:k:b:t:S:")) != -1) {
		switch (c) {
		case 'n':
			run_name = optarg;
			break;
		case 'e':
			read_expects(optarg);
			break;
		case 's':
			read_skips(optarg);
			break;
		case 'k':
			log = optarg;
			break;
		case 'b':
			read_known(optarg);
			break;
		case 't':
			totals = optarg;
			break;
		case 'S':
			return sum_totals(optarg);
		default:
			return 2;
		}
	}
	if (optind != argc - 1)
		die("usage: tapsum [-n name] [-e expect] [-s skips] [-k kernellog] [-b kernellog] [-t totals] stream");

	read_stream(argv[optind]);
	check_expects();
	if (log)
		read_log(log);
	if (!passed && !failed && !skipped)
		fail("no test ran");

	printf("%s: %ld passed, %ld failed, %ld skipped\n", run_name, passed, failed, skipped);
	if (totals) {
		f = fopen(totals, "a");
		if (!f || fprintf(f, "%ld %ld %ld\n", passed, failed, skipped) < 0 || fclose(f))
			die("%s: %s", totals, strerror(errno));
	}
	drop_diag();
	for (i = 0; i < n_expects; i++)
		free(expects[i].program);
	free(expects);
	for (i = 0; i < n_skips; i++) {
		free(skips[i].program);
		free(skips[i].test);
		free(skips[i].reason);
	}
	free(skips);
	while (n_known)
		free(known[--n_known]);
	free(known);
	return failed ? 1 : 0;
}
