// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tapsum - judge one run of test programs
 *
 *   tapsum [-d] [-n NAME] [-e EXPECT] [-s SKIPS] [-k KERNELLOG] [-b KERNELLOG]
 *          [-t TOTALS] STREAM
 *   tapsum -S TOTALS
 *
 * The form of STREAM is described in lib/tap.h. A run passes only if
 *
 *   - every program of EXPECT (one a line) ran once and no other program did,
 *   - every program ended with a complete plan and a matching exit status,
 *   - no test failed,
 *   - every skip is in the allow list SKIPS, and every line of SKIPS was needed,
 *   - the stream has its end mark,
 *   - the kernel's log of -k has no complaint (lib/log_reader.h), except those that
 *     the log of -b, of a kernel to compare with, has too,
 *   - with -d, no two tests of a program have the same name.
 *
 * Each violation counts as a failure of its own, so a run in which nothing ran fails.
 *
 * SKIPS has lines "PROGRAM: TEST  # REASON". TEST "*" stands for every test of the
 * program, "x.*" for every one whose name begins with "x.", which must then all be
 * skipped, and "-" for the program as a whole ("1..0 # SKIP"). REASON must be a part
 * of the reason that the test gives.
 *
 * One line of totals is appended to TOTALS; -S adds up its lines and prints
 * "N passed, N failed, N skipped".
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/die.h"
#include "lib/log_reader.h"
#include "lib/tap.h"
#include "lib/text.h"
#include "lib/verdict.h"

struct expect {
	char *program;
	int runs;
};

struct skip {
	char *program, *test, *reason;
	int used, violated;
};

struct judge {
	struct verdict v;
	struct expect *expects;
	int n_expects;
	struct skip *skips;
	int n_skips;
	struct strings known;	/* complaints of the kernel to compare with */
	const char *log, *totals;
	bool no_duplicates;
	bool all_skipped;	/* the program that runs */
	bool outside;		/* output between programs has been reported */
};

static void read_expects(struct judge *j, const char *path)
{
	FILE *f = open_or_die(path);
	char *line = NULL, *s;
	size_t size = 0;

	while (next_line(f, &line, &size)) {
		s = trim(line);
		if (!*s || *s == '#')
			continue;
		j->expects = check(realloc(j->expects, (j->n_expects + 1) * sizeof(*j->expects)));
		j->expects[j->n_expects++] = (struct expect){ .program = copy(s) };
	}
	free(line);
	fclose(f);
}

/* "PROGRAM: TEST  # REASON"; returns false for another form. */
static bool add_skip(struct judge *j, char *s)
{
	char *colon = strstr(s, ": "), *hash = colon ? strstr(colon, "  # ") : NULL;

	if (!hash || !*trim(hash + 4))
		return false;
	*colon = 0;
	*hash = 0;
	j->skips = check(realloc(j->skips, (j->n_skips + 1) * sizeof(*j->skips)));
	j->skips[j->n_skips++] = (struct skip){
		.program = copy(trim(s)), .test = copy(trim(colon + 2)),
		.reason = copy(trim(hash + 4)),
	};
	return true;
}

static void read_skips(struct judge *j, const char *path)
{
	FILE *f = open_or_die(path);
	char *line = NULL, *s;
	size_t size = 0;
	int n = 0;

	while (next_line(f, &line, &size)) {
		n++;
		s = trim(line);
		if (*s && *s != '#' && !add_skip(j, s))
			die("%s:%d: write 'program: test  # reason'", path, n);
	}
	free(line);
	fclose(f);
}

/* The line stands for several tests, and this is one of them. */
static bool covers(const struct skip *s, const char *program, const char *test)
{
	size_t len = strlen(s->test);

	return !strcmp(s->program, program) && len && s->test[len - 1] == '*' && strcmp(test, "-") &&
	       !strncmp(s->test, test, len - 1);
}

static bool allows(const struct skip *s, const char *program, const char *test, const char *reason)
{
	bool named = !strcmp(s->program, program) && !strcmp(s->test, test);

	return (named || covers(s, program, test)) && strstr(reason, s->reason);
}

static void one_skip(struct judge *j, const char *test, const char *reason)
{
	int i;

	for (i = 0; i < j->n_skips; i++) {
		if (!allows(&j->skips[i], j->v.program, test, reason))
			continue;
		j->skips[i].used++;
		j->v.skipped++;
		verdict_drop(&j->v);
		return;
	}
	verdict_fail(&j->v, "%s: skipped, and not in the allow list of skips (reason: %s)",
		     test, *reason ? reason : "none");
}

static void one_pass(struct judge *j, const char *test)
{
	int i;

	for (i = 0; i < j->n_skips; i++) {
		if (covers(&j->skips[i], j->v.program, test))
			j->skips[i].violated++;
	}
	j->v.passed++;
	verdict_drop(&j->v);
}

/* A result that sums up subtests, which have been counted. */
static void one_sum(struct judge *j, const struct tap_result *r, const char *name)
{
	if (r->failed_subtests && r->ok)
		verdict_fail(&j->v, "%s: reports ok, but a subtest failed", name);
	if (!r->failed_subtests && !r->ok)
		verdict_fail(&j->v, "%s", name);
	if (!r->failed_subtests && r->ok)
		verdict_drop(&j->v);
}

static void judge_result(struct judge *j, const struct tap_result *r)
{
	const char *name = *r->name ? r->name : "(no name)";

	if (r->number >= 0 && r->number != r->due)
		verdict_fail(&j->v, "%s: has number %ld instead of %ld", name, r->number, r->due);
	else if (r->has_subtests)
		one_sum(j, r, name);
	else if (!r->ok)
		verdict_fail(&j->v, "%s", name);
	else if (r->directive == TAP_SKIP)
		one_skip(j, name, r->reason);
	else
		one_pass(j, name);
}

static void on_result(void *ctx, const struct tap_result *r)
{
	struct judge *j = ctx;

	judge_result(j, r);
	if (j->no_duplicates && r->repeated)
		verdict_fail(&j->v, "%s%s: duplicate test name", r->parents, r->name);
}

static void on_plan(void *ctx, const struct tap_plan *p)
{
	struct judge *j = ctx;

	if (p->second) {
		verdict_fail(&j->v, "second plan: %s", p->line);
		return;
	}
	if (p->skip && !p->indent) {
		j->all_skipped = true;
		one_skip(j, "-", p->skip);
	}
}

static void on_plan_missed(void *ctx, long planned, long ran)
{
	struct judge *j = ctx;

	verdict_fail(&j->v, "%ld tests planned, %ld ran", planned, ran);
}

static void on_text(void *ctx, const char *line)
{
	const char *s = line + strspn(line, " ");
	struct judge *j = ctx;

	if (!strncmp(s, "Bail out!", 9))
		verdict_fail(&j->v, "%s", s);
	else if (*s && strncmp(s, "TAP version", 11) && strncmp(s, "KTAP version", 12))
		verdict_keep(&j->v, line);
}

static bool on_begin(void *ctx, const char *program)
{
	struct judge *j = ctx;
	int i;

	verdict_begin(&j->v, program);
	j->all_skipped = false;
	for (i = 0; i < j->n_expects; i++) {
		if (!strcmp(j->expects[i].program, program))
			break;
	}
	if (i < j->n_expects)
		j->expects[i].runs++;
	else if (j->n_expects)
		verdict_fail(&j->v, "not in the list of expected programs");
	return true;
}

static void on_end(void *ctx, const struct tap_exit *e)
{
	struct judge *j = ctx;
	int status = e->status;

	if (!e->ended)
		verdict_fail(&j->v, "did not end");
	else if (status == 137 || status == 143 || status == 124)
		verdict_fail(&j->v, "was killed, as after its time limit (status %d)", status);
	else if (!e->planned)
		verdict_fail(&j->v, "printed no plan (status %d)", status);
	else if (!e->results && !j->all_skipped)
		verdict_fail(&j->v, "ran no test");
	else if (status && !j->v.program_failed && !(status == 4 && j->all_skipped))
		verdict_fail(&j->v, "no test failed, but the program ended with status %d", status);
	verdict_end(&j->v);
}

static void on_outside(void *ctx, const char *line)
{
	struct judge *j = ctx;

	if (j->outside)
		return;
	verdict_keep(&j->v, line);
	verdict_fail(&j->v, "output outside of any program");
	j->outside = true;
}

static void read_stream(struct judge *j, const char *path)
{
	const struct tap_reader reader = {
		.ctx = j, .begin = on_begin, .result = on_result, .plan = on_plan,
		.plan_missed = on_plan_missed, .text = on_text, .end = on_end,
		.outside = on_outside,
	};

	if (!tap_read(path, &reader))
		verdict_fail(&j->v, "no end mark: the guest hung, crashed or ran out of time");
}

static void check_expects(struct judge *j)
{
	int i;

	for (i = 0; i < j->n_expects; i++) {
		if (!j->expects[i].runs)
			verdict_fail(&j->v, "%s did not run", j->expects[i].program);
		if (j->expects[i].runs > 1)
			verdict_fail(&j->v, "%s ran %d times", j->expects[i].program,
				     j->expects[i].runs);
	}
}

static void check_skips(struct judge *j)
{
	const struct skip *s;

	for (s = j->skips; s < j->skips + j->n_skips; s++) {
		if (!s->used)
			verdict_fail(&j->v,
				     "allow list of skips: '%s: %s' was not skipped: remove the line",
				     s->program, s->test);
		else if (s->violated)
			verdict_fail(&j->v,
				     "allow list of skips: '%s: %s', but %d of its tests passed: "
				     "name the tests",
				     s->program, s->test, s->violated);
	}
}

static void write_totals(const struct judge *j)
{
	FILE *f = fopen(j->totals, "a");

	if (!f || fprintf(f, "%ld %ld %ld\n", j->v.passed, j->v.failed, j->v.skipped) < 0 ||
	    fclose(f))
		die("%s: %s", j->totals, strerror(errno));
}

static int sum_totals(const char *path)
{
	long passed = 0, failed = 0, skipped = 0, p, e, s;
	FILE *f = open_or_die(path);

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

static void drop(struct judge *j)
{
	int i;

	verdict_drop(&j->v);
	for (i = 0; i < j->n_expects; i++)
		free(j->expects[i].program);
	free(j->expects);
	for (i = 0; i < j->n_skips; i++) {
		free(j->skips[i].program);
		free(j->skips[i].test);
		free(j->skips[i].reason);
	}
	free(j->skips);
	strings_clear(&j->known);
}

static int judge(struct judge *j, const char *stream)
{
	struct verdict *v = &j->v;

	read_stream(j, stream);
	check_expects(j);
	check_skips(j);
	if (j->log)
		log_judge(j->log, &j->known, v);
	if (!v->passed && !v->failed && !v->skipped)
		verdict_fail(v, "no test ran");
	printf("%s: %ld passed, %ld failed, %ld skipped\n",
	       v->run, v->passed, v->failed, v->skipped);
	if (j->totals)
		write_totals(j);
	return v->failed ? 1 : 0;
}

static void usage(void)
{
	die("usage: tapsum [-d] [-n name] [-e expect] [-s skips] [-k kernellog] [-b kernellog] "
	    "[-t totals] stream");
}

int main(int argc, char **argv)
{
	struct judge j = { .v.run = "run" };
	int c, ret;

	while ((c = getopt(argc, argv, "dn:e:s:k:b:t:S:")) != -1) {
		switch (c) {
		case 'd':
			j.no_duplicates = true;
			break;
		case 'n':
			j.v.run = optarg;
			break;
		case 'e':
			read_expects(&j, optarg);
			break;
		case 's':
			read_skips(&j, optarg);
			break;
		case 'k':
			j.log = optarg;
			break;
		case 'b':
			log_read_known(optarg, &j.known);
			break;
		case 't':
			j.totals = optarg;
			break;
		case 'S':
			return sum_totals(optarg);
		default:
			usage();
		}
	}
	if (optind != argc - 1)
		usage();
	ret = judge(&j, argv[optind]);
	drop(&j);
	return ret;
}
