// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * samesum - compare the results of test programs on two kernels
 *
 *   samesum [-p|-f] EXPECT DIRECTORY... -- DIRECTORY...
 *
 * Each directory is that of one boot, with the "results" that the guest wrote (see
 * lib/tap.h) and its "kernel.log": first the boots of the kernel without the series,
 * then those of the kernel with it. The output has the same form as "results". In it,
 * each program has a result for each test:
 *
 *	ok		passed on both kernels, or failed on both
 *	ok # SKIP	ran on neither kernel, so nothing was compared
 *	not ok		the results differ
 *
 * Of several runs on a kernel, the best result of a test counts, and so does the number
 * of runs that failed. A test that passes at least once without the series and never
 * with it is a difference. So is a test that fails more often with the series than
 * chance makes likely. A test that fails now and then on both kernels, and a test that
 * passes with the series only, is reported as such and is no failure.
 *
 * A comparison of nothing fails: each program of EXPECT (one a line) and the KUnit
 * suites must have reported from both kernels, and each boot must be complete. A test
 * that only one kernel reports is a difference, and so is a complaint that only the
 * patched kernel has in its log.
 *
 * -p prints only the names of the programs that should run again because their results
 * may differ. -f adds the programs that fail on both kernels.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/complaint.h"
#include "lib/die.h"
#include "lib/tap.h"
#include "lib/text.h"

/* A result that chance gives less often is a difference, or a reason to run again. */
#define CHANCE	0.001
#define SUSPECT	0.05

/* The better one is the larger one. */
enum state { NONE, SKIP, FAIL, PASS };
enum kernel { WITHOUT, WITH, KERNELS };

static const char * const states[] = { "is missing", "is skipped", "fails", "passes" };

struct test {
	char *name, *reason;
	enum state best[KERNELS];
	int runs[KERNELS], failed[KERNELS];
	int last_run;
	bool whole;		/* sums up others, and is reported only if it does not pass */
};

struct program {
	char *name;
	struct test *tests;
	int n_tests;
	bool reported[KERNELS];
};

struct sums {
	long pass, fail, none, better, unsteady, differ;
};

struct comparison {
	struct program *programs;
	int n_programs;
	enum kernel kernel;
	int run;		/* counts the runs of programs */

	/* The program that runs, and the plan and results of it that are not indented. */
	struct program *now;
	bool said;
	long plan, seen;

	long number;		/* of the last result that was printed */
	struct sums sums;
};

static struct program *program(struct comparison *c, const char *name)
{
	struct program *p;
	int i;

	for (i = 0; i < c->n_programs; i++) {
		if (!strcmp(c->programs[i].name, name))
			return &c->programs[i];
	}
	c->programs = check(realloc(c->programs, (c->n_programs + 1) * sizeof(*c->programs)));
	p = &c->programs[c->n_programs++];
	*p = (struct program){ .name = copy(name) };
	return p;
}

static struct test *test(struct program *p, const char *name)
{
	struct test *t;
	int i;

	for (i = 0; i < p->n_tests; i++) {
		if (!strcmp(p->tests[i].name, name))
			return &p->tests[i];
	}
	p->tests = check(realloc(p->tests, (p->n_tests + 1) * sizeof(*p->tests)));
	t = &p->tests[p->n_tests++];
	*t = (struct test){ .name = copy(name) };
	return t;
}

/* Adds a result of the program that runs. A name that it has had gets a number. */
static void note(struct comparison *c, const char *name, bool whole, enum state state,
		 const char *reason)
{
	struct test *t = test(c->now, name);
	char numbered[1024];
	int n;

	for (n = 2; t->last_run == c->run; n++) {
		snprintf(numbered, sizeof(numbered), "%s (%d)", name, n);
		t = test(c->now, numbered);
	}
	t->last_run = c->run;
	t->whole = whole;
	if (state > t->best[c->kernel])
		t->best[c->kernel] = state;
	t->runs[c->kernel]++;
	t->failed[c->kernel] += state == FAIL;
	if (state == SKIP && !t->reason)
		t->reason = copy(*reason ? reason : "no reason is given");
}

static void on_result(void *ctx, const struct tap_result *r)
{
	enum state state = r->directive == TAP_SKIP ? SKIP : r->ok ? PASS : FAIL;
	const char *name = r->name, *reason = r->reason;
	struct comparison *c = ctx;
	char path[1024];

	if (!r->indent) {
		c->said = true;
		c->seen++;
	}
	/* kselftest.h writes "# SKIP NAME". */
	if (!*name) {
		name = *reason ? reason : "(no name)";
		reason = "";
	}
	snprintf(path, sizeof(path), "%s%s", r->parents, name);
	note(c, path, r->has_subtests, state, reason);
}

static void on_plan(void *ctx, const struct tap_plan *p)
{
	struct comparison *c = ctx;

	if (!p->indent) {
		c->said = true;
		c->plan = p->n;
	}
	if (p->skip)
		note(c, "the program", false, SKIP, p->skip);
}

/*
 * A script is one test, as it is for kselftest's own runner: its exit status is its
 * result. It may run a program that writes TAP, even more than once.
 */
static bool is_script(const struct program *p)
{
	const char *dot = strrchr(p->name, '.');

	return dot && !strcmp(dot, ".sh");
}

static bool on_begin(void *ctx, const char *name)
{
	struct comparison *c = ctx;

	c->run++;
	c->now = program(c, name);
	c->now->reported[c->kernel] = true;
	c->said = false;
	c->plan = -1;
	c->seen = 0;
	return !is_script(c->now);
}

/* Any program but a script must have ended after as many tests as it planned. */
static void on_end(void *ctx, const struct tap_exit *e)
{
	struct comparison *c = ctx;
	bool killed = !e->ended || e->status >= 124;
	bool complete = !killed && c->said && c->plan == c->seen;
	enum state state;

	if (is_script(c->now) && !killed) {
		state = !e->status ? PASS : e->status == 4 ? SKIP : FAIL;
		note(c, "the program", false, state, "its status says so");
	} else {
		note(c, "the end", true, complete ? PASS : FAIL, "");
	}
	c->now = NULL;
}

/* Returns whether the results are complete. */
static bool read_results(struct comparison *c, const char *dir)
{
	const struct tap_reader reader = {
		.ctx = c, .begin = on_begin, .result = on_result, .plan = on_plan, .end = on_end,
	};
	char path[4096];

	snprintf(path, sizeof(path), "%s/results", dir);
	return tap_read(path, &reader);
}

/*
 * Adds each complaint of a kernel's log once, and counts the KUnit suites that ran.
 * Returns whether the log goes from boot to power down.
 */
static bool read_log(struct comparison *c, const char *dir, long *suites)
{
	bool booted = false, down = false, ktap = false;
	struct complaint complaint = {};
	char path[4096], *line = NULL, *s;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/kernel.log", dir);
	f = open_or_die(path);
	c->now = program(c, "kernel.log");
	*suites = 0;
	while (next_line(f, &line, &size)) {
		booted = booted || strstr(line, "Linux version ");
		down = down || strstr(line, "reboot: Power down");
		/* The number of suites is not indented, unlike the plan of a suite. */
		s = strstr(line, "] 1..");
		if (ktap && s)
			*suites += atol(s + 5);
		ktap = strstr(line, "] KTAP version");
		if (!complaint_next(&complaint, message(line)))
			continue;
		c->run++;
		note(c, complaint.text, false, PASS, "");
	}
	c->now = NULL;
	free(line);
	fclose(f);
	return booted && down;
}

static bool ran_since(const struct program *p, int run)
{
	int i;

	for (i = 0; i < p->n_tests; i++) {
		if (p->tests[i].last_run > run)
			return true;
	}
	return false;
}

/* How many KUnit suites have had results after that run. */
static long suites_since(const struct comparison *c, int run)
{
	long n = 0;
	int i;

	for (i = 0; i < c->n_programs; i++) {
		if (!strncmp(c->programs[i].name, "kunit/", 6))
			n += ran_since(&c->programs[i], run);
	}
	return n;
}

/* A check of the boots, not a comparison: it must pass for each kernel. */
static void note_boot(struct program *boots, const char *name, bool ok)
{
	struct test *t = test(boots, name);

	t->best[WITHOUT] = PASS;
	t->best[WITH] = ok ? PASS : FAIL;
}

static void read_boot(struct comparison *c, const char *dir)
{
	const char *base = strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir;
	struct program *boots;
	int before = c->run;
	bool complete, good;
	long logged, found;
	char name[4096];

	complete = read_results(c, dir);
	found = suites_since(c, before);
	good = read_log(c, dir, &logged);

	boots = program(c, "boots");
	boots->reported[WITHOUT] = boots->reported[WITH] = true;
	snprintf(name, sizeof(name), "%s is complete", base);
	note_boot(boots, name, complete && good);
	snprintf(name, sizeof(name), "%s: %ld KUnit suites in the log, %ld in the results",
		 base, logged, found);
	note_boot(boots, name, logged && logged == found);
}

/* In how many ways @k of @n can be chosen: 0 if @k is larger than @n. */
static double choose(int n, int k)
{
	double ways = 1;
	int i;

	for (i = 1; i <= k; i++)
		ways = ways * (n - k + i) / i;
	return ways;
}

/*
 * Fisher's exact test, one-sided: if the series had no influence, how likely would it be
 * that at least as many of the failed runs are runs with the series?
 */
static double chance(const struct test *t)
{
	int without = t->runs[WITHOUT], with = t->runs[WITH];
	int failed = t->failed[WITHOUT] + t->failed[WITH], i;
	double ways = 0;

	for (i = t->failed[WITH]; i <= with && i <= failed; i++)
		ways += choose(with, i) * choose(without, failed - i);
	return ways / choose(with + without, failed);
}

static bool differs(const struct test *t, double likely)
{
	return t->best[WITHOUT] != t->best[WITH] || chance(t) < likely;
}

/* A program without a report from one kernel differs, as no result of it is the same. */
static bool again(const struct program *p, bool failed)
{
	int i;

	for (i = 0; i < p->n_tests; i++) {
		if (differs(&p->tests[i], SUSPECT) || (failed && p->tests[i].best[WITH] == FAIL))
			return true;
	}
	return false;
}

/* Prints one result. Returns whether it is a failure. */
static bool print(struct comparison *c, bool ok, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool print(struct comparison *c, bool ok, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %ld ", ok ? "" : "not ", ++c->number);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	return !ok;
}

/* A complaint is not a result: fewer of them are no failure. */
static bool print_complaint(struct comparison *c, const struct test *t)
{
	if (t->best[WITH] == NONE)
		return print(c, true, "only without the series: %s", t->name);
	if (t->best[WITHOUT] == NONE)
		return print(c, false, "only with the series: %s", t->name);
	return print(c, true, "on both: %s", t->name);
}

static bool print_runs(struct comparison *c, bool ok, const struct test *t)
{
	return print(c, ok, "%s: fails in %d of %d runs without the series, in %d of %d with it",
		     t->name, t->failed[WITHOUT], t->runs[WITHOUT], t->failed[WITH], t->runs[WITH]);
}

static bool print_same(struct comparison *c, const struct test *t)
{
	enum state state = t->best[WITH];

	if (state == SKIP) {
		c->sums.none++;
		return print(c, true, "%s # SKIP on neither kernel: %s", t->name, t->reason);
	}
	if (state == FAIL && t->whole && !strcmp(t->name, "the end")) {
		c->sums.none++;
		return print(c, true, "%s # SKIP on neither kernel: not all of its tests have run",
			     t->name);
	}
	if (state == PASS && t->whole)
		return false;
	if (state == PASS && t->failed[WITHOUT] + t->failed[WITH]) {
		c->sums.unsteady++;
		return print_runs(c, true, t);
	}
	if (state == PASS)
		c->sums.pass++;
	else
		c->sums.fail++;
	return print(c, true, "%s: %s on both", t->name, states[state]);
}

static bool print_difference(struct comparison *c, const struct test *t)
{
	enum state without = t->best[WITHOUT], with = t->best[WITH];

	if (without == FAIL && with == PASS) {
		c->sums.better++;
		return print(c, true, "%s: fails without the series, passes with it", t->name);
	}
	c->sums.differ++;
	if (without == with || (without == PASS && with == FAIL && t->failed[WITHOUT]))
		return print_runs(c, false, t);
	return print(c, false, "%s: %s without the series, %s with it",
		     t->name, states[without], states[with]);
}

static bool print_test(struct comparison *c, const struct program *p, const struct test *t)
{
	if (!strcmp(p->name, "boots"))
		return print(c, t->best[WITH] == PASS, "%s", t->name);
	if (!strcmp(p->name, "kernel.log"))
		return print_complaint(c, t);
	return differs(t, CHANCE) ? print_difference(c, t) : print_same(c, t);
}

static bool print_program(struct comparison *c, const struct program *p)
{
	bool log = !strcmp(p->name, "kernel.log"), bad = false, any = log;
	int i;

	printf("# run %s\nTAP version 13\n", p->name);
	c->number = 0;
	for (i = 0; i < p->n_tests; i++) {
		any = any || strcmp(p->tests[i].name, "the end");
		bad |= print_test(c, p, &p->tests[i]);
	}
	for (i = 0; i < KERNELS && !log; i++) {
		if (!p->reported[i])
			bad |= print(c, false, "no report of the kernel %s the series",
				     i == WITH ? "with" : "without");
	}
	if (log)
		print(c, true, "%d kinds of complaints were compared", p->n_tests);
	if (!any)
		bad |= print(c, false, "no test was compared");
	printf("1..%ld\n\n# exit %s %d\n", c->number, p->name, bad);
	return bad;
}

static int print_all(struct comparison *c)
{
	const struct sums *s = &c->sums;
	int i, bad = 0, suites = 0;

	for (i = 0; i < c->n_programs; i++) {
		bad |= print_program(c, &c->programs[i]);
		suites += !strncmp(c->programs[i].name, "kunit/", 6);
	}
	printf("# end\n");
	fprintf(stderr,
		"      %ld tests of %d programs and %d KUnit suites: "
		"%ld pass on both kernels, %ld fail on both,\n"
		"      %ld ran on neither, %ld pass with the series only, %ld fail now and then, "
		"%ld differ\n",
		s->pass + s->fail + s->none + s->better + s->unsteady + s->differ,
		c->n_programs - suites - 2, suites, s->pass, s->fail, s->none, s->better,
		s->unsteady, s->differ);
	return bad;
}

static void print_again(const struct comparison *c, bool failed)
{
	const struct program *p;

	for (p = c->programs; p < c->programs + c->n_programs; p++) {
		if (strcmp(p->name, "boots") && strcmp(p->name, "kernel.log") && again(p, failed))
			printf("%s\n", p->name);
	}
}

static void read_expects(struct comparison *c, const char *path)
{
	FILE *f = open_or_die(path);
	char *line = NULL, *s;
	size_t size = 0;

	while (next_line(f, &line, &size)) {
		s = trim(line);
		if (*s && *s != '#')
			program(c, s);
	}
	free(line);
	fclose(f);
	if (!c->n_programs)
		die("%s names no program", path);
}

static void drop(struct comparison *c)
{
	int i, j;

	for (i = 0; i < c->n_programs; i++) {
		for (j = 0; j < c->programs[i].n_tests; j++) {
			free(c->programs[i].tests[j].name);
			free(c->programs[i].tests[j].reason);
		}
		free(c->programs[i].tests);
		free(c->programs[i].name);
	}
	free(c->programs);
}

/* Directories on both sides of a single "--". */
static bool are_boots(int argc, char **argv)
{
	int i, sides = 0, boots[KERNELS] = { 0 };

	for (i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--"))
			boots[sides]++;
		else if (++sides == KERNELS)
			return false;
	}
	return boots[WITHOUT] && boots[WITH];
}

int main(int argc, char **argv)
{
	bool failed = argc > 1 && !strcmp(argv[1], "-f");
	bool only_names = failed || (argc > 1 && !strcmp(argv[1], "-p"));
	struct comparison c = { .kernel = WITHOUT };
	int i, bad = 0;

	argc -= only_names;
	argv += only_names;
	if (argc < 2 || !are_boots(argc - 2, argv + 2))
		die("usage: samesum [-p|-f] expect directory... -- directory...");
	read_expects(&c, argv[1]);
	for (i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--"))
			read_boot(&c, argv[i]);
		else
			c.kernel = WITH;
	}
	if (only_names)
		print_again(&c, failed);
	else
		bad = print_all(&c);
	drop(&c);
	return bad;
}
