// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_coverage COVERAGE DIRECTORY - tests that coverage finds each call in C code, and each
 * difference to the list of places
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "judge_test.h"

#define CALLS \
	"call get\n" \
	"call get_attrs ACCOUNT\n" \
	"call get_charged *\n" \
	"call get_file !NULL\n" \
	"hand drivers/hand/\n"
/* mm/t.c calls each function once, so that no name is unused. */
#define ALL_CALLS \
	"void t(void) { get(); get_attrs(1); get_charged(); get_file(NULL); }\n"
#define MM		"test 4 mm/ t\n"

static const struct test {
	const char *name, *source, *places, *mode;
	int status;
	const char *says;	/* with "=" in front, all of the output */
} tests[] = {
	/* ---- the list ---- */
	{ "a call has a line", "int f(void)\n{\n\treturn get(1);\n}\n", "fixed 1 drivers/a.c ring\n", "", 0, "=" },
	{ "a call has no line", "int f(void)\n{\n\treturn get(1);\n}\n", "", "", 1,
	  "=drivers/a.c:3: f() calls get(), and has no line\n" },
	{ "a new call in a file", "void f(void) { get(1);\nget(2); }\n", "fixed 1 drivers/a.c ring\n", "", 1,
	  "=line 6: drivers/a.c has 2 calls, not 1: look at the new ones, and correct the number\n" },
	{ "a call is gone", "void f(void) { }\n", "fixed 1 drivers/a.c:f ring\n", "", 1,
	  "=line 6: drivers/a.c:f takes no memory any more: remove the line\n" },
	{ "a function has its own line", "void f(void) { get(1); }\nvoid g(void) { get(2); }\n",
	  "fixed 1 drivers/a.c ring\nopen 1 drivers/a.c:g user\n", "", 0, "=" },
	{ "a directory has a line", "void f(void) { get(1); }\n", "fixed 1 drivers/ rings\n", "", 0, "=" },
	{ "the longest directory counts", "void f(void) { get(1); }\n", "fixed 1 drivers/ x\nopen 1 drivers/sub/ x\n", "", 0, "=" },
	{ "the longest directory comes first", "void f(void) { get(1); }\n", "open 1 drivers/sub/ x\nfixed 1 drivers/ x\n", "", 0, "=" },
	{ "a directory by hand has no rule", "", "fixed 1 drivers/hand/sub/ rings\n", "", 2,
	  "places:6: drivers/hand/ needs a line for each file, not for drivers/hand/sub/" },
	{ "a rule above does not cover it", "@hand void f(void) { get(1); }\n", "fixed 0 drivers/ rings\n", "", 1,
	  "drivers/hand/a.c:1: f() calls get(), and has no line\n" },
	{ "a file by hand has a line", "@hand void f(void) { get(1); }\n", "open 1 drivers/hand/a.c user\n", "", 0, "=" },
	{ "nothing calls a name", "", "call gone\n", "", 1, "=nothing calls gone()\n" },

	/* ---- charges ---- */
	{ "a charge in the arguments", "void f(void) { get_attrs(x | ACCOUNT); }\n", "charged 1 drivers/a.c user\n", "", 0, "=" },
	{ "a charge in a variable", "void f(void) { a = ACCOUNT; get_attrs(a); }\n", "charged 1 drivers/a.c user\n", "", 0, "=" },
	{ "a charge in another function", "void f(void) { get_attrs(a); }\nvoid g(void) { a = ACCOUNT; }\n",
	  "charged 1 drivers/a.c user\n", "", 1,
	  "=drivers/a.c:1: f() calls get_attrs() without a charge, but line 6 says \"charged\"\n" },
	{ "a word of another call is no charge", "void f(void) { a = ACCOUNT; get(a); }\n", "charged 1 drivers/a.c user\n", "", 1,
	  "f() calls get() without a charge" },
	{ "a charge in a comment", "void f(void) { get_attrs(1); /* ACCOUNT */ }\n", "charged 1 drivers/a.c user\n", "", 1,
	  "without a charge" },
	{ "a charge with each call", "void f(void) { get_charged(); }\n", "charged 1 drivers/a.c user\n", "", 0, "=" },
	{ "a charge without a word", "void f(void) { get_file(file, 1); x(NULL); }\n", "charged 1 drivers/a.c user\n", "", 0, "=" },
	{ "no charge with that word", "void f(void) { get_file(NULL, 1); }\n", "charged 1 drivers/a.c user\n", "", 1,
	  "without a charge" },
	{ "a new charge", "void f(void) { get_attrs(ACCOUNT); }\n", "open 1 drivers/a.c user\n", "", 1,
	  "=drivers/a.c:1: f() charges what it takes from get_attrs(), but line 6 says \"open\"\n" },

	{ "a charge by the caller", "void f(int a) { get_attrs(a); }\nvoid g(void) { f(ACCOUNT); }\n",
	  "charged 1 drivers/a.c:f by g user\n", "", 0, "=" },
	{ "a charge by the caller that is gone", "void f(int a) { get_attrs(a); }\nvoid g(void) { f(0); }\nvoid h(void) { f(ACCOUNT); }\n",
	  "charged 1 drivers/a.c:f by g user\n", "", 1, "f() calls get_attrs() without a charge" },
	{ "a charge by a caller in a later file", "void f(int a) { get_attrs(a); }\n",
	  "charged 1 drivers/a.c:f by drivers/sub/c.c:c user\nopen 1 drivers/sub/ x\n", "", 0, "=" },
	{ "a charge by a caller without a reason", "", "charged 1 drivers/a.c:f by g\n", "", 2, "places:6: no reason" },
	{ "a charge by a helper", "int acc(int a) { return ACCOUNT; }\nvoid f(void) { get_attrs(acc(1)); }\n",
	  "mark acc ACCOUNT\ncharged 1 drivers/a.c user\n", "", 0, "=" },
	{ "a helper without a charge", "int acc(int a) { return 0; }\nvoid f(void) { a = ACCOUNT; acc(a); }\n", "mark acc ACCOUNT\n", "", 1,
	  "=line 6: no function acc has the word ACCOUNT\n" },
	{ "a helper has no mark", "", "mark acc\n", "", 2, "places:6: expected: mark NAME MARK" },

	/* ---- C ---- */
	{ "a declaration is no call", "int get(int a);\nextern int get(int a);\nint get(int a)\n{\n\treturn 0;\n}\n", "", "", 0, "=" },
	{ "a comment is no call", "void f(void) { /* get(1); */\n// get(2);\n}\n", "", "", 0, "=" },
	{ "a string is no call", "void f(void) { x(\"get(1) \\\" get(2)\", '\"'); }\n", "", "", 0, "=" },
	{ "#if 0 is no call", "void f(void) {\n#if 0\n#if X\nget(1);\n#endif\nget(2);\n#else\nget(3);\n#endif\n}\n",
	  "open 1 drivers/a.c:f user\n", "", 0, "=" },
	{ "both branches of #if", "#if X\nvoid f(int a) {\n#else\nvoid f(void) {\n#endif\n\tget(1);\n}\nvoid g(void) { get(2); }\n",
	  "open 1 drivers/a.c:f user\nopen 1 drivers/a.c:g user\n", "", 0, "=" },
	{ "braces in both branches", "void f(void) {\n#if X\n\tif (a) {\n#else\n\tif (b) {\n#endif\n\tget(1); } }\nvoid g(void) { get(2); }\n",
	  "open 1 drivers/a.c:f user\nopen 1 drivers/a.c:g user\n", "", 0, "=" },
	{ "a brace in the first column ends a function", "void f(void)\n{\n\tM {\n\tget(1);\n}\nvoid g(void) { get(2); }\n",
	  "open 1 drivers/a.c:f user\nopen 1 drivers/a.c:g user\n", "", 0, "=" },
	{ "a macro calls", "#define M(a) \\\n\tget(a)\nvoid f(void) { M(1); }\n", "open 1 drivers/a.c:M user\n", "", 0, "=" },
	{ "an open bracket in a macro", "#define M (\nvoid f(void) { get(1); }\n", "open 1 drivers/a.c:f user\n", "", 0, "=" },
	{ "a name in two lines", "static int __init\nf(int a,\n  int (*b)(int))\n\t__releases(x)\n{\n\tget\n\t(1);\n}\n",
	  "open 1 drivers/a.c:f user\n", "", 0, "=" },
	{ "a macro in front of a function", "MODULE_X(a)\nint f(void)\n{\n\tget(1);\n}\n", "open 1 drivers/a.c:f user\n", "", 0, "=" },
	{ "a variable calls", "struct s v[] = {\n\t{ .a = get(1) },\n};\nvoid f(void) { get(2); }\n",
	  "open 1 drivers/a.c:v user\nopen 1 drivers/a.c:f user\n", "", 0, "=" },
	{ "a part of a word is no call", "void f(void) { get_other(1); xget(1); }\n", "", "", 0, "=" },
	{ "a word without a call", "void f(void) { a = get; }\n", "", "", 0, "=" },
	{ "a string without an end", "void f(void) { x(\"a\nget(1); }\n", "open 1 drivers/a.c:f user\n", "", 0, "=" },
	{ "a comment without an end", "void f(void) { get(1); } /*", "open 1 drivers/a.c:f user\n", "", 0, "=" },
	{ "#if without an end", "void f(void) { get(1); }\n#if 0\nget(2);\n", "open 1 drivers/a.c:f user\n", "", 0, "=" },

	/* ---- Rust ---- */
	{ "a call in Rust", "@rust impl<'a> X<'a> {\n fn f(a: &'a str) { get(1, '\\''); }\n}\n", "fixed 1 rust/a.rs:rust user\n", "", 0, "=" },
	{ "a string in Rust", "@rust fn f<'a>() { x(\"get(1)\"); } // get(2)\n", "", "", 0, "=" },
	{ "a character in Rust", "@rust fn f() { x('\"'); get(1); x('\"'); }\n", "fixed 1 rust/a.rs user\n", "", 0, "=" },
	{ "a driver in Rust uses another place", "@rust use kernel::ops;\n", "open 1 drivers/b.c user\nthrough 1 ops drivers/b.c\n", "", 0, "=" },

	/* ---- words of other places ---- */
	{ "a driver uses another place", "void f(void) { a = ops; get(1); }\n",
	  "open 1 drivers/a.c user\nopen 1 drivers/b.c user\nthrough 1 ops drivers/b.c\n", "", 0, "=" },
	{ "a new driver uses it", "void f(void) { a = ops; get(1); }\n",
	  "open 1 drivers/a.c user\nopen 1 drivers/b.c user\nthrough 0 ops drivers/b.c\n", "", 1,
	  "=line 8: 1 files use ops, not 0: look at the new ones, and correct the number\n" },
	{ "its place has no line", "void f(void) { a = ops; get(1); }\n", "open 1 drivers/a.c user\nthrough 1 ops drivers/c.c\n", "", 1,
	  "ops is served by drivers/c.c, which has no line" },

	/* ---- drivers ---- */
	{ "a driver", "char *n = \"a-drv\"; void f(void) { get(1); }\n", "open 1 drivers/a.c user\ndriver a-drv@x,y cma drivers/a.c\n", "", 0, "=" },
	{ "a driver of a function", "char *n = \"a-drv\"; void f(void) { get(1); }\n",
	  "open 1 drivers/a.c:f user\ndriver a-drv device drivers/a.c:f\n", "", 0, "=" },
	{ "a driver in another file", "void f(void) { get(1); }\n",
	  "open 1 drivers/a.c user\nopen 1 drivers/b.c user\ndriver b-drv cma drivers/a.c\n", "", 0, "=" },
	{ "a driver in another directory", "char *n = \"a-drv\";\n", "test 1 drivers/sub/ t\ndriver a-drv cma drivers/sub/\n", "", 1,
	  "=line 7: no file beside drivers/sub/ has the string \"a-drv\"\n" },
	{ "a part of a string is no driver", "char *n = \"xa-drv a-drv\"; void f(void) { get(1); }\n",
	  "open 1 drivers/a.c user\ndriver a-drv cma drivers/a.c\n", "", 1,
	  "=line 7: no file beside drivers/a.c has the string \"a-drv\"\n" },
	{ "a driver without a place", "", "driver a-drv cma drivers/a.c\n", "", 1,
	  "=line 6: driver a-drv is of drivers/a.c, which has no line\n" },
	{ "protected heaps are no driver", "void f(void) { get(1); }\n", "open 1 drivers/a.c user\ndriver /protected cma drivers/a.c\n", "", 0, "=" },
	{ "a driver of no pool", "", "driver a-drv dma drivers/a.c\n", "", 2, "places:6: no pool: dma" },
	{ "a driver without words", "", "driver a-drv cma\n", "", 2, "places:6: expected: driver NAME POOL PLACE" },

	/* ---- other output ---- */
	{ "all calls", "void f(void) { get_attrs(ACCOUNT);\nget(1); a = ops; }\n",
	  "open 1 drivers/a.c user\nopen 1 drivers/b.c user\nthrough 0 ops drivers/b.c\n", "-l", 0,
	  "=drivers/a.c f get_attrs open charged\ndrivers/a.c f get open -\n"
	  "drivers/b.c b get open -\n"
	  "mm/t.c t get test -\nmm/t.c t get_attrs test -\nmm/t.c t get_charged test charged\nmm/t.c t get_file test -\n"
	  "drivers/a.c ops\n" },
	{ "the numbers of the tree", "void f(void) { get(1); get(2); a = ops; }\n",
	  "# text\nopen\t 0   drivers/a.c  a  user\nthrough 7 ops drivers/b.c\n", "-u", 0,
	  "=" CALLS "# text\nopen 2   drivers/a.c  a  user\nthrough 1 ops drivers/b.c\n" MM },

	/* ---- mistakes ---- */
	{ "an unknown class", "", "opened 1 drivers/a.c user\n", "", 2, "places:6: unknown word: opened" },
	{ "no number", "", "open drivers/a.c user\n", "", 2, "places:6: expected: open COUNT PATH REASON" },
	{ "a negative number", "", "open -1 drivers/a.c user\n", "", 2, "places:6: expected: open COUNT PATH REASON" },
	{ "no reason", "", "open 1 drivers/a.c\n", "", 2, "places:6: expected: open COUNT PATH REASON" },
	{ "a place has two lines", "", "open 1 drivers/a.c x\nfixed 1 drivers/a.c y\n", "", 2,
	  "places:7: drivers/a.c is in line 6, too" },
	{ "a word has no place", "", "through 1 ops\n", "", 2, "places:6: expected: through COUNT NAME PLACE" },
	{ "an unknown option", "", "", "-x", 2, "usage: coverage" },
};

static void make_dir(const char *dir, const char *name)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	mkdir(path, 0755);
}

static void prepare(const struct place *place)
{
	make_dir(place->dir, "tree");
	make_dir(place->dir, "tree/mm");
	make_dir(place->dir, "tree/rust");
	make_dir(place->dir, "tree/drivers");
	make_dir(place->dir, "tree/drivers/hand");
	make_dir(place->dir, "tree/drivers/sub");
	put_file(place->dir, "tree/mm/t.c", ALL_CALLS);
}

static bool one(const struct place *place, size_t i, const char **name)
{
	const struct test *t = &tests[i];
	bool all = *t->says == '=', hand = !strncmp(t->source, "@hand", 5), rust = !strncmp(t->source, "@rust", 5), has_b;
	char cmd[4096], places[2048];

	*name = t->name;
	has_b = strstr(t->places, "drivers/b.c user");
	put_file(place->dir, "tree/drivers/a.c", hand || rust ? NULL : t->source);
	put_file(place->dir, "tree/rust/a.rs", rust ? t->source + 6 : NULL);
	put_file(place->dir, "tree/drivers/hand/a.c", hand ? t->source + 6 : NULL);
	put_file(place->dir, "tree/drivers/sub/c.c",
		 strstr(t->places, "drivers/sub/") ? "void c(void) { get(1); f(ACCOUNT); }\n" : NULL);
	put_file(place->dir, "tree/drivers/b.c", has_b ? "char *n = \"b-drv\"; void b(void) { get(1); x = ops; }\n" : NULL);
	snprintf(places, sizeof(places), CALLS "%s" MM, t->places);
	put_file(place->dir, "places", places);
	snprintf(cmd, sizeof(cmd), "cd '%s' && '%s' %s tree places 2>&1", place->dir, place->program, t->mode);
	return prints(cmd, t->status, t->says + all, all);
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, sizeof(tests) / sizeof(tests[0]), prepare, one);
}
