// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_mutmap MUTMAP DIRECTORY - tests that mutmap reports each function without a mutant
 *
 * All cases have the same source file, to which the series adds some lines.
 */
#include <stdbool.h>
#include <stdio.h>
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
#define WHOLE		FILES "@@ -0,0 +1,7 @@ x\n+/* one( */\n+static int one(int a,\n" \
		"+	       int b)\n+{\n" \
		"+	a++;\n+	return a;\n+}\n"
#define ONE_COMMENT	FILES "@@ -17,0 +19 @@ x\n+\t/* more */\n"
#define ONE_TWO		ONE "@@ -18,0 +19,2 @@ x\n+\t/* more */\n+\tc--;\n"
#define THREE		FILES "@@ -22,0 +23 @@ x\n+static inline int three(void) { return 3; }\n"
#define OUTSIDE		FILES "@@ -9,0 +10 @@ x\n+\tint (*call)(void);\n@@ -23,0 +24 @@ x\n+static int data;\n"
#define IN_ONE		FILES "@@ -3,4 +3,5 @@ y\n \t       int b)\n {\n+\tif (!mutant(1))\n" \
		" \ta++;\n \treturn a;\n"
#define IN_TWO		FILES "@@ -19,3 +19,3 @@ y\n \t/* more */\n-\tc--;\n+\tc -= !mutant(2);\n }\n"
#define NOT_IN_ONE	FILES "@@ -6,3 +6,4 @@ y\n \treturn a;\n }\n+extern int mutants;\n \n"

static const struct test {
	const char *name, *series, *mutants, *none;
	int status;
	const char *says;	/* with "=" in front, all of the output */
} tests[] = {
	{ "a function has a mutant", ONE, IN_ONE, "", 0,
	  "=      the series changes 1 functions: 1 have mutants, 0 are listed as having none\n" },
	{ "a function has none", ONE, "", "", 1, "d/a.c: one: 1 lines\n" },
	{ "a mutant is behind it", ONE, NOT_IN_ONE, "", 1, "d/a.c: one: 1 lines\n" },
	{ "only another has a mutant", ONE_TWO, IN_ONE, "", 1, "d/a.c: two: 1 lines\n" },
	{ "a line that is replaced", ONE_TWO, IN_ONE IN_TWO, "", 0, "2 have mutants" },
	{ "all in one line", THREE, "", "", 1, "d/a.c: three: 1 lines\n" },
	{ "a whole function is new", WHOLE, "", "", 1, "d/a.c: one: 4 lines\n" },
	{ "only a comment is new", ONE_COMMENT, "", "", 2, "changes no function" },
	{ "only data is new", OUTSIDE, "", "", 2, "changes no function" },
	{ "a function is listed as having none", ONE, "", "# why\n\nd/a.c one is not reached\n", 0,
	  "0 have mutants, 1 are listed" },
	{ "all of a file is listed", ONE_TWO, "", "d/a.c * is only compiled\n", 0, "2 are listed" },
	{ "another file is listed", ONE, "", "d/b.c one is not reached\n", 1,
	  "d/a.c: one: 1 lines\nnone:1: one of d/b.c" },
	{ "a listed function has a mutant", ONE, IN_ONE, "\nd/a.c one is not reached\n", 1,
	  "none:2: one of d/a.c has a mutant" },
	{ "a listed function has no reason", ONE, "", "d/a.c one\n", 2,
	  "none:1: write 'FILE FUNCTION REASON'" },
	{ "a file is not there", "+++ b/d/b.c\n", "", "", 2, "./d/b.c: No such file" },
	{ "nothing is there", "", "", "", 2, "changes no function" },
};

static void prepare(const struct place *place)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/d", place->dir);
	mkdir(path, 0755);
	put_file(path, "a.c", SOURCE);
}

static bool one(const struct place *place, size_t i, const char **name)
{
	const struct test *t = &tests[i];
	bool all = *t->says == '=';
	char cmd[4096];

	*name = t->name;
	put_file(place->dir, "series", t->series);
	put_file(place->dir, "mutants", t->mutants);
	put_file(place->dir, "none", t->none);
	snprintf(cmd, sizeof(cmd), "cd '%s' && '%s' . series mutants none 2>&1", place->dir, place->program);
	return prints(cmd, t->status, t->says + all, all);
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, sizeof(tests) / sizeof(tests[0]), prepare, one);
}
