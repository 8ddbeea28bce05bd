// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mutmap_test MUTMAP DIRECTORY - is every function without a mutant found?
 *
 * All cases are about one file, of which the series has added some lines.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "judge_test.h"

/* Its lines are 1 to 24; the hunks below have these numbers. */
#define SOURCE \
	"/* one( */\n" \
	"static int one(int a,\n" \
	"	       int b)\n" \
	"{\n" \
	"	a++;\n" \
	"	return a;\n" \
	"}\n" \
	"\n" \
	"struct s {\n" \
	"	int (*call)(void);\n" \
	"};\n" \
	"\n" \
	"int proto(void);\n" \
	"EXPORT_SYMBOL(proto);\n" \
	"\n" \
	"struct s *\n" \
	"two(int c)\n" \
	"{\n" \
	"	/* more */\n" \
	"	c--;\n" \
	"}\n" \
	"\n" \
	"static inline int three(void) { return 3; }\n" \
	"static int data;\n"

#define FILES		"--- a/d/a.c\n+++ b/d/a.c\n"
#define ONE		FILES "@@ -4,0 +5 @@ x\n+\ta++;\n"
#define ONE_COMMENT	FILES "@@ -17,0 +19 @@ x\n+\t/* more */\n"
#define ONE_TWO		ONE "@@ -18,0 +19,2 @@ x\n+\t/* more */\n+\tc--;\n"
#define THREE		FILES "@@ -22,0 +23 @@ x\n+static inline int three(void) { return 3; }\n"
#define OUTSIDE		FILES "@@ -9,0 +10 @@ x\n+\tint (*call)(void);\n@@ -23,0 +24 @@ x\n+static int data;\n"
#define IN_ONE		FILES "@@ -3,4 +3,5 @@ y\n \t       int b)\n {\n+\tif (!mutant(1))\n \ta++;\n \treturn a;\n"
#define IN_TWO		FILES "@@ -19,3 +19,3 @@ y\n \t/* more */\n-\tc--;\n+\tc -= !mutant(2);\n }\n"
#define NOT_IN_ONE	FILES "@@ -6,3 +6,4 @@ y\n \treturn a;\n }\n+extern int mutants;\n \n"

static const struct test {
	const char *name, *series, *mutants, *none;
	int status;
	const char *says;	/* "=" in front: and no more */
} tests[] = {
	{ "a function has a mutant", ONE, IN_ONE, "", 0,
	  "=      1 functions have lines of the series: 1 have mutants, for 0 it is told why not\n" },
	{ "a function has none", ONE, "", "", 1, "d/a.c: one: 1 lines\n" },
	{ "a mutant is behind it", ONE, NOT_IN_ONE, "", 1, "d/a.c: one: 1 lines\n" },
	{ "only another has a mutant", ONE_TWO, IN_ONE, "", 1, "d/a.c: two: 1 lines\n" },
	{ "a line that is replaced", ONE_TWO, IN_ONE IN_TWO, "", 0, "2 have mutants" },
	{ "all in one line", THREE, "", "", 1, "d/a.c: three: 1 lines\n" },
	{ "only a comment is new", ONE_COMMENT, "", "", 2, "changes no function" },
	{ "only data is new", OUTSIDE, "", "", 2, "changes no function" },
	{ "it is told why", ONE, "", "# why\n\nd/a.c one is not reached\n", 0, "0 have mutants, for 1 it is told" },
	{ "it is told of all of a file", ONE_TWO, "", "d/a.c * is only compiled\n", 0, "for 2 it is told" },
	{ "it is told of another file", ONE, "", "d/b.c one is not reached\n", 1, "d/a.c: one: 1 lines\nnone:1: one of d/b.c" },
	{ "what is told is not needed", ONE, IN_ONE, "\nd/a.c one is not reached\n", 1, "none:2: one of d/a.c has a mutant" },
	{ "no reason is told", ONE, "", "d/a.c one\n", 2, "none:1: must be FILE FUNCTION REASON" },
	{ "a file is not there", "+++ b/d/b.c\n", "", "", 2, "./d/b.c: No such file" },
	{ "nothing is there", "", "", "", 2, "changes no function" },
};

static void put(const char *dir, const char *name, const char *text)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	put_file(path, text);
}

static bool run(const struct test *t, const char *mutmap, const char *dir)
{
	bool all = *t->says == '=';
	char cmd[4096];

	put(dir, "series", t->series);
	put(dir, "mutants", t->mutants);
	put(dir, "none", t->none);
	snprintf(cmd, sizeof(cmd), "cd '%s' && '%s' . series mutants none 2>&1", dir, mutmap);
	return as_wanted(cmd, t->status, t->says + all, all);
}

int main(int argc, char **argv)
{
	size_t i, n = sizeof(tests) / sizeof(tests[0]);
	char path[1024];
	int bad = 0;

	begin_tests(argc, argv, n);
	snprintf(path, sizeof(path), "%s/d", argv[2]);
	mkdir(argv[2], 0755);
	mkdir(path, 0755);
	put(path, "a.c", SOURCE);
	for (i = 0; i < n; i++)
		bad += end_test(run(&tests[i], argv[1], argv[2]), i + 1, tests[i].name);
	return bad ? 1 : 0;
}
