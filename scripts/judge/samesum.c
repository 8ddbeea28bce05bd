// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * samesum - have test programs the same results on two kernels?
 *
 *   samesum [-p|-f] EXPECT DIRECTORY... -- DIRECTORY...
 *
 * Each directory is that of one boot, with the "results" that the guest wrote
 * (tapsum.c tells of their form) and its "kernel.log": first those of the kernel
 * without the series, then those of the kernel with it. What is written is a
 * stream of the same form, in which each program has a result for each test:
 *
 *	ok		it passed on both, or it failed on both
 *	ok # SKIP	it ran on neither, so nothing was compared
 *	not ok		it is not the same
 *
 * Of several runs on a kernel the best result of a test counts, and how many
 * fail. So what the unpatched kernel passes once, and the patched one never, is a
 * difference, and so is a test that fails more often with the series than chance
 * makes likely. One that fails now and then on both is said to be so. A test that
 * only the patched kernel passes is said to be so, and no fault.
 *
 * No comparison is of nothing: each program of EXPECT (one a line) must have
 * reported from both kernels, so must the KUnit suites, each boot must have come
 * to its end, and a test that only one kernel knows of is a difference. So is
 * what only the patched kernel has to complain about in its log.
 *
 * With -p, only the names of the programs that should run again as they may differ,
 * and with -f of those, too, that fail on both.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "die.h"
#include "judge.h"

#define MAX_LEVELS	8

/* What chance makes less often than that is a difference, or is to be looked at. */
#define CHANCE	0.001
#define SUSPECT	0.05

/* In the order of what is better. */
enum state { NONE, SKIP, FAIL, PASS };
enum kernel { WITHOUT, WITH, KERNELS };

static const char * const states[] = { "is not there", "is skipped", "fails", "passes" };

struct test {
	char *name, *reason;
	enum state best[KERNELS];
	int told[KERNELS], failed[KERNELS];	/* by how many runs */
	int run;		/* the last one that told of it */
	bool whole;		/* sums up others, and counts for itself only if it fails */
};

struct program {
	char *name;
	struct test *tests;
	int n_tests;
	bool reported[KERNELS];
};

struct level {
	int indent;
	char *name;
	long plan, seen;
};

static struct program *programs;
static int n_programs;
static struct program *now;
static enum kernel kernel;
static int run;

static struct level levels[MAX_LEVELS];
static int depth;

static struct {
	long pass, fail, none, better, unsteady, differ;
} sums;

/* A line without its end. */
static bool next_line(FILE *f, char **line, size_t *size)
{
	ssize_t n = getline(line, size, f);

	if (n < 0)
		return false;
	while (n && ((*line)[n - 1] == '\n' || (*line)[n - 1] == '\r'))
		(*line)[--n] = 0;
	return true;
}

static FILE *open_in(const char *dir, const char *file)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return open_or_die(path);
}

static struct program *program(const char *name)
{
	struct program *p;
	int i;

	for (i = 0; i < n_programs; i++) {
		if (!strcmp(programs[i].name, name))
			return &programs[i];
	}
	programs = check(realloc(programs, (n_programs + 1) * sizeof(*programs)));
	p = &programs[n_programs++];
	memset(p, 0, sizeof(*p));
	p->name = check(strdup(name));
	return p;
}

static struct test *test(const char *name)
{
	struct test *t;
	int i;

	for (i = 0; i < now->n_tests; i++) {
		if (!strcmp(now->tests[i].name, name))
			return &now->tests[i];
	}
	now->tests = check(realloc(now->tests, (now->n_tests + 1) * sizeof(*now->tests)));
	t = &now->tests[now->n_tests++];
	memset(t, 0, sizeof(*t));
	t->name = check(strdup(name));
	return t;
}

/* Notes a result of the program that runs now. Names need not be unique. */
static void note(const char *name, bool whole, enum state state, const char *reason)
{
	struct test *t = test(name);
	char numbered[1024];
	int n;

	for (n = 2; t->run == run; n++) {
		snprintf(numbered, sizeof(numbered), "%s (%d)", name, n);
		t = test(numbered);
	}
	t->run = run;
	t->whole = whole;
	if (state > t->best[kernel])
		t->best[kernel] = state;
	t->told[kernel]++;
	t->failed[kernel] += state == FAIL;
	if (state == SKIP && !t->reason)
		t->reason = check(strdup(*reason ? reason : "no reason is given"));
}

static void drop_levels(int to)
{
	while (depth > to)
		free(levels[--depth].name);
}

static struct level *level_at(int indent)
{
	while (depth && levels[depth - 1].indent > indent)
		drop_levels(depth - 1);
	if (!depth || levels[depth - 1].indent < indent) {
		if (depth == MAX_LEVELS)
			die("%s: more than %d levels of subtests", now->name, MAX_LEVELS);
		levels[depth++] = (struct level){ .indent = indent, .plan = -1 };
	}
	return &levels[depth - 1];
}

/* Below the names of the parts that it belongs to; the outermost is the suite. */
static void note_below(const char *name, bool whole, enum state state, const char *reason)
{
	char path[1024];
	int i, n = 0;

	for (i = 2; i < depth && n < (int)sizeof(path); i++)
		n += snprintf(path + n, sizeof(path) - n, "%s: ", levels[i].name ? levels[i].name : "");
	if (n < (int)sizeof(path))
		snprintf(path + n, sizeof(path) - n, "%s", name);
	note(path, whole, state, reason);
}

/* "- name # SKIP reason", "# SKIP name", "name" */
static void result(int indent, bool ok, char *rest)
{
	bool whole = depth && levels[depth - 1].indent > indent;
	enum state state = ok ? PASS : FAIL;
	char *hash, *name, *reason = "";

	level_at(indent)->seen++;
	while (isdigit((unsigned char)*rest))
		rest++;
	rest = trim(rest);
	if (!strncmp(rest, "- ", 2))
		rest += 2;
	for (hash = strchr(rest, '#'); hash; hash = strchr(hash + 1, '#')) {
		char *word = hash + 1 + strspn(hash + 1, " ");
		bool skip = !strncasecmp(word, "SKIP", 4);

		if (!skip && strncmp(word, "XFAIL", 5) && strncmp(word, "XPASS", 5))
			continue;
		if (skip)
			state = SKIP;
		*hash = 0;
		reason = trim(word + 4 + !skip);
		break;
	}
	name = trim(rest);
	if (!*name) {
		name = *reason ? reason : "(no name)";
		reason = "";
	}
	note_below(name, whole, state, reason);
}

static void tap_line(char *line)
{
	int indent = strspn(line, " ");
	char *s = line + indent;
	struct level *l;

	if (!strncmp(s, "ok ", 3)) {
		result(indent, true, s + 3);
	} else if (!strncmp(s, "not ok ", 7)) {
		result(indent, false, s + 7);
	} else if (!strncmp(s, "1..", 3) && isdigit((unsigned char)s[3])) {
		l = level_at(indent);
		l->plan = strtol(s + 3, &s, 10);
		s += strspn(s, " ");
		if (!l->plan && *s == '#' && !strncasecmp(s + 1 + strspn(s + 1, " "), "SKIP", 4)) {
			l->seen = -1;
			note("the program", false, SKIP, trim(s + 5 + strspn(s + 1, " ")));
		}
	} else if (indent && !strncmp(s, "# Subtest: ", 11)) {
		/* It has a level of its own as soon as the one above is left. */
		drop_levels(depth && levels[depth - 1].indent >= indent ? depth - 1 : depth);
		l = level_at(indent);
		free(l->name);
		l->name = check(strdup(trim(s + 11)));
	}
}

static void begin(const char *name)
{
	run++;
	now = program(name);
	now->reported[kernel] = true;
}

/*
 * A script is one test, as for kselftest's own runner: what it ended with is its
 * result. It may have run a program that writes TAP, and more than once.
 */
static bool is_script(void)
{
	const char *dot = strrchr(now->name, '.');

	return dot && !strcmp(dot, ".sh");
}

/* Any other program must have come to its end, after as many tests as it planned. */
static void end(bool ended, long code)
{
	bool killed = !ended || code >= 124;
	bool said = depth && !levels[0].indent;

	if (is_script() && !killed)
		note("the program", false, !code ? PASS : code == 4 ? SKIP : FAIL, "its status says so");
	else
		note("the end", true, killed || !said ||
		     (levels[0].seen >= 0 && levels[0].plan != levels[0].seen) ? FAIL : PASS, "");
	drop_levels(0);
	now = NULL;
}

/* "# exit PROGRAM CODE", of the program that runs */
static bool exit_line(const char *line, long *code)
{
	size_t len = strlen(now->name);
	char *tail;

	if (strncmp(line, "# exit ", 7) || strncmp(line + 7, now->name, len) || line[7 + len] != ' ')
		return false;
	*code = strtol(line + 8 + len, &tail, 10);
	return tail != line + 8 + len && !*tail;
}

static bool read_results(const char *dir)
{
	FILE *f = open_in(dir, "results");
	bool complete = false;
	char *line = NULL;
	size_t size = 0;
	long code;

	while (next_line(f, &line, &size)) {
		if (!strncmp(line, "# run ", 6)) {
			if (now)
				end(false, 0);
			begin(trim(line + 6));
		} else if (!now) {
			complete = complete || !strcmp(line, "# end");
		} else if (exit_line(line, &code)) {
			end(true, code);
		} else if (!is_script()) {
			tap_line(line);
		}
	}
	if (now)
		end(false, 0);
	free(line);
	fclose(f);
	return complete;
}

/*
 * What the kernel complained of, each once, whether it booted and ended as it
 * should, and that all KUnit suites it has run are among the results.
 */
static bool read_log(const char *dir, long *suites)
{
	FILE *f = open_in(dir, "kernel.log");
	bool booted = false, down = false, ktap = false;
	struct complaint c = {};
	char *line = NULL, *s;
	size_t size = 0;

	now = program("kernel.log");
	*suites = 0;
	while (next_line(f, &line, &size)) {
		booted = booted || strstr(line, "Linux version ");
		down = down || strstr(line, "reboot: Power down");
		/* How many suites, which is not indented as the plan of a suite is. */
		s = strstr(line, "] 1..");
		if (ktap && s)
			*suites += atol(s + 5);
		ktap = strstr(line, "] KTAP version");
		if (!complaint(&c, message(line)))
			continue;
		run++;
		note(c.text, false, PASS, "");
	}
	now = NULL;
	free(line);
	fclose(f);
	return booted && down;
}

/* How many of the KUnit suites have been among the results since @run was @since. */
static long suites_since(int since)
{
	long n = 0;
	int i, j;

	for (i = 0; i < n_programs; i++) {
		if (strncmp(programs[i].name, "kunit/", 6))
			continue;
		for (j = 0; j < programs[i].n_tests; j++) {
			if (programs[i].tests[j].run > since)
				break;
		}
		n += j < programs[i].n_tests;
	}
	return n;
}

static void read_boot(const char *dir)
{
	const char *base = strrchr(dir, '/');
	int before = run;
	bool complete, good;
	long logged, found;
	char name[4096];

	complete = read_results(dir);
	found = suites_since(before);
	good = read_log(dir, &logged);

	/* Not the same, but right: what is wrong here is so for each kernel. */
	now = program("boots");
	now->reported[WITHOUT] = now->reported[WITH] = true;
	run++;
	snprintf(name, sizeof(name), "%s came to its end", base ? base + 1 : dir);
	test(name)->best[WITHOUT] = PASS;
	test(name)->best[WITH] = complete && good ? PASS : FAIL;
	snprintf(name, sizeof(name), "%s has run %ld KUnit suites and tells of %ld",
		 base ? base + 1 : dir, logged, found);
	test(name)->best[WITHOUT] = PASS;
	test(name)->best[WITH] = logged && logged == found ? PASS : FAIL;
	now = NULL;
}

/* How many ways there are to choose @k of @n. */
static double choose(int n, int k)
{
	double ways = 1;
	int i;

	for (i = 1; i <= k; i++)
		ways = ways * (n - k + i) / i;
	return ways;
}

/*
 * Fisher's exact test, to one side: had the series nothing to do with it, how
 * likely would it be that at least as many of the runs that failed are with it?
 */
static double chance(const struct test *t)
{
	int without = t->told[WITHOUT], with = t->told[WITH];
	int failed = t->failed[WITHOUT] + t->failed[WITH], i;
	double ways = 0;

	for (i = t->failed[WITH]; i <= with && i <= failed; i++)
		ways += failed - i <= without ? choose(with, i) * choose(without, failed - i) : 0;
	return ways / choose(with + without, failed);
}

static bool differs(const struct test *t, double likely)
{
	return t->best[WITHOUT] != t->best[WITH] || chance(t) < likely;
}

static bool again(const struct program *p, bool failed)
{
	int i;

	for (i = 0; i < p->n_tests; i++) {
		if (differs(&p->tests[i], SUSPECT) || (failed && p->tests[i].best[WITH] == FAIL))
			return true;
	}
	return p->reported[WITHOUT] != p->reported[WITH];
}

static long number;

static bool say(bool ok, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %ld ", ok ? "" : "not ", ++number);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	return !ok;
}

/* What a log has is not a result: less of it is no fault. */
static bool say_complaint(const struct test *t)
{
	if (t->best[WITH] == NONE)
		return say(true, "only without the series: %s", t->name);
	if (t->best[WITHOUT] == NONE)
		return say(false, "only with the series: %s", t->name);
	return say(true, "on both: %s", t->name);
}

static bool say_runs(bool ok, const struct test *t)
{
	return say(ok, "%s: fails in %d of %d runs without the series, in %d of %d with it",
		   t->name, t->failed[WITHOUT], t->told[WITHOUT], t->failed[WITH], t->told[WITH]);
}

static bool say_test(const struct test *t)
{
	enum state without = t->best[WITHOUT], with = t->best[WITH];

	if (!differs(t, CHANCE)) {
		if (with == SKIP || (with == FAIL && t->whole && !strcmp(t->name, "the end"))) {
			sums.none++;
			return say(true, "%s # SKIP on neither kernel: %s", t->name,
				   with == SKIP ? t->reason : "not all of its tests have run");
		}
		if (with == PASS && t->whole)
			return false;
		if (with == PASS && t->failed[WITHOUT] + t->failed[WITH]) {
			sums.unsteady++;
			return say_runs(true, t);
		}
		*(with == PASS ? &sums.pass : &sums.fail) += 1;
		return say(true, "%s: %s on both", t->name, states[with]);
	}
	if (without == FAIL && with == PASS) {
		sums.better++;
		return say(true, "%s: fails without the series, passes with it", t->name);
	}
	sums.differ++;
	if (without == with || (without == PASS && with == FAIL && t->failed[WITHOUT]))
		return say_runs(false, t);
	return say(false, "%s: %s without the series, %s with it", t->name, states[without], states[with]);
}

static bool say_program(struct program *p)
{
	bool log = !strcmp(p->name, "kernel.log"), bad = false, any = log;
	int i;

	printf("# run %s\nTAP version 13\n", p->name);
	number = 0;
	for (i = 0; i < p->n_tests; i++) {
		any = any || strcmp(p->tests[i].name, "the end");
		if (!strcmp(p->name, "boots"))
			bad |= say(p->tests[i].best[WITH] == PASS, "%s", p->tests[i].name);
		else
			bad |= log ? say_complaint(&p->tests[i]) : say_test(&p->tests[i]);
	}
	for (i = 0; i < KERNELS && !log; i++) {
		if (!p->reported[i])
			bad |= say(false, "there is no report of the kernel %s the series",
				   i == WITH ? "with" : "without");
	}
	if (log)
		say(true, "%d kinds of complaints were looked at", p->n_tests);
	if (!any)
		bad |= say(false, "no test was compared");
	printf("1..%ld\n\n# exit %s %d\n", number, p->name, bad);
	return bad;
}

static int say_all(void)
{
	int i, bad = 0, suites = 0;

	for (i = 0; i < n_programs; i++) {
		bad |= say_program(&programs[i]);
		suites += !strncmp(programs[i].name, "kunit/", 6);
	}
	printf("# end\n");
	fprintf(stderr,
		"      %ld tests of %d programs and %d KUnit suites: %ld pass on both kernels, %ld fail on both,\n"
		"      %ld ran on neither, %ld pass with the series only, %ld fail now and then, %ld differ\n",
		sums.pass + sums.fail + sums.none + sums.better + sums.unsteady + sums.differ,
		n_programs - suites - 2, suites, sums.pass, sums.fail, sums.none, sums.better,
		sums.unsteady, sums.differ);
	return bad;
}

static void say_again(bool failed)
{
	int i;

	for (i = 0; i < n_programs; i++) {
		if (strcmp(programs[i].name, "boots") && strcmp(programs[i].name, "kernel.log") &&
		    again(&programs[i], failed))
			printf("%s\n", programs[i].name);
	}
}

static void read_expects(const char *path)
{
	FILE *f = open_or_die(path);
	char *line = NULL, *s;
	size_t size = 0;

	while (next_line(f, &line, &size)) {
		s = trim(line);
		if (*s && *s != '#')
			program(s);
	}
	free(line);
	fclose(f);
	if (!n_programs)
		die("%s names no program", path);
}

static void drop_all(void)
{
	int i, j;

	for (i = 0; i < n_programs; i++) {
		for (j = 0; j < programs[i].n_tests; j++) {
			free(programs[i].tests[j].name);
			free(programs[i].tests[j].reason);
		}
		free(programs[i].tests);
		free(programs[i].name);
	}
	free(programs);
}

int main(int argc, char **argv)
{
	bool failed = argc > 1 && !strcmp(argv[1], "-f");
	bool only_names = failed || (argc > 1 && !strcmp(argv[1], "-p"));
	int i, boots[KERNELS] = { 0 }, bad = 0;

	argc -= only_names;
	argv += only_names;
	for (i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--"))
			boots[kernel]++;
		else if (kernel++ == WITH)
			break;
	}
	if (!boots[WITHOUT] || !boots[WITH] || kernel != WITH)
		die("usage: samesum [-p|-f] expect directory... -- directory...");
	read_expects(argv[1]);
	kernel = WITHOUT;
	for (i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--"))
			read_boot(argv[i]);
		else
			kernel = WITH;
	}
	if (only_names)
		say_again(failed);
	else
		bad = say_all();
	drop_all();
	return bad;
}
