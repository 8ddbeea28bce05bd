// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_samesum SAMESUM DIRECTORY - tests that samesum reports each difference
 *
 * Every case has the results of a kernel without and of one with the series, and a part
 * of the expected output. A third and a fourth boot repeat these programs.
 */
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "judge_test.h"

#define BOOT	"[    0.000000] Linux version 7.3\n"
#define DOWN	"[    9.000000] reboot: Power down\n"
#define SUITES(n) \
	"[    1.000000] KTAP version 1\n[    1.000000] 1.." n "\n" \
	"[    1.000000]     KTAP version 1\n[    1.000000]     # Subtest: s\n[    1.000000]     1..2\n"
#define LOG	BOOT SUITES("1") DOWN
#define REPORT(where) \
	"[ 1.0] ------------[ cut here ]------------\n" \
	"[ 1.0] WARNING: " where " at cma_release+0x1c/0x44, CPU#1: a/123\n"

#define KUNIT_PARTS(parts, summary) \
	"# run kunit/s\nKTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: s\n" \
	"    # module: m\n    1..2\n    ok 1 one\n        KTAP version 1\n" \
	"        # Subtest: two\n" parts "    # two: pass:1 fail:1 skip:0 total:2\n" \
	"    " summary " 2 two\n" summary " 1 s\n# exit kunit/s 0\n"
#define KUNIT	KUNIT_PARTS("        ok 1 small\n        ok 2 large\n", "ok")
#define END	"# end\n"

#define RUN(results, code)	"# run d/a\nTAP version 13\n" results "\n# exit d/a " code "\n"
#define PASSES	RUN("1..2\nok 1 x\nok 2 y\n", "0")
#define FAILS	RUN("1..2\nok 1 x\nnot ok 2 y\n", "1")
#define GOOD	KUNIT PASSES END
#define BAD	KUNIT FAILS END
#define EIGHT(four, last)	KUNIT four four four four last last last last END
#define SCRIPT(code)	KUNIT "# run d/a.sh\nhello\n1..1\nnot ok 1 x\n\n# exit d/a.sh " code "\n" END

struct test {
	const char *name, *expect, *results[4], *log[2];
	int status;
	/*
	 * A part of the output. With "-p" or "-f" in front: that option, and all of its output.
	 * With "!" in front: wrong arguments.
	 */
	const char *says;
};

static const struct test tests[] = {
	{ "the same", "d/a", { GOOD, GOOD }, { LOG, LOG }, 0, "ok 2 y: passes on both\n1..2\n" },
	{ "the same parts of a KUnit test", "d/a", { GOOD, GOOD }, { LOG, LOG }, 0,
	  "# run kunit/s\nTAP version 13\nok 1 one: passes on both\n"
	  "ok 2 two: small: passes on both\nok 3 two: large: passes on both\n1..3\n" },
	{ "tests and programs are counted", "d/a", { GOOD, GOOD }, { LOG, LOG }, 0,
	  "5 tests of 1 programs and 1 KUnit suites: 5 pass on both kernels, 0 fail" },
	{ "a test fails on both", "d/a", { BAD, BAD }, { LOG, LOG }, 0,
	  "ok 2 y: fails on both" },
	{ "a test fails with the series", "d/a", { GOOD, BAD }, { LOG, LOG }, 1,
	  "\nnot ok 2 y: passes without the series, fails with it\n" },
	{ "a test fails without the series only", "d/a", { BAD, GOOD }, { LOG, LOG }, 0,
	  "\nok 2 y: fails without the series, passes with it\n" },
	{ "a test is missing with the series", "d/a",
	  { GOOD, KUNIT RUN("1..1\nok 1 x\n", "0") END }, { LOG, LOG }, 1,
	  "not ok 2 y: passes without the series, is missing with it" },
	{ "a test is there with the series only", "d/a",
	  { KUNIT RUN("1..1\nok 1 x\n", "0") END, GOOD }, { LOG, LOG }, 1,
	  "not ok 2 y: is missing without the series, passes with it" },
	{ "a test that fails is missing with the series", "d/a",
	  { BAD, KUNIT RUN("1..1\nok 1 x\n", "0") END }, { LOG, LOG }, 1,
	  "not ok 2 y: fails without the series, is missing with it" },
	{ "a test is skipped with the series", "d/a",
	  { GOOD, KUNIT RUN("1..2\nok 1 x\nok 2 # SKIP y\n", "0") END }, { LOG, LOG }, 1,
	  "not ok 2 y: passes without the series, is skipped with it" },
	{ "a test is skipped without the series", "d/a",
	  { KUNIT RUN("1..2\nok 1 x\nok 2 y # SKIP no heap\n", "0") END, GOOD }, { LOG, LOG }, 1,
	  "not ok 2 y: is skipped without the series, passes with it" },
	{ "a test is skipped on both", "d/a",
	  { KUNIT RUN("1..2\nok 1 x\nok 2 y # SKIP no heap\n", "0") END,
	    KUNIT RUN("1..2\nok 1 x\nok 2 y # SKIP no heap\n", "0") END }, { LOG, LOG }, 0,
	  "ok 2 y # SKIP on neither kernel: no heap" },
	{ "all of a program is skipped on both", "d/a",
	  { KUNIT RUN("1..0 # SKIP no heap\n", "4") END, KUNIT RUN("1..0 # SKIP no heap\n", "4") END },
	  { LOG, LOG }, 0, "ok 1 the program # SKIP on neither kernel: no heap" },
	{ "all of a program is skipped with the series", "d/a",
	  { GOOD, KUNIT RUN("1..0 # SKIP no heap\n", "4") END }, { LOG, LOG }, 1,
	  "not ok 1 x: passes without the series, is missing with it" },
	{ "tests of the same name", "d/a",
	  { KUNIT RUN("1..2\nok 1 x\nok 2 x\n", "0") END, KUNIT RUN("1..2\nok 1 x\nnot ok 2 x\n", "1") END },
	  { LOG, LOG }, 1, "not ok 2 x (2): passes without the series, fails with it" },
	{ "a test that is expected to fail", "d/a",
	  { KUNIT RUN("1..2\nok 1 x\nnot ok 2 y # XFAIL why\n", "1") END,
	    KUNIT RUN("1..2\nok 1 x\nnot ok 2 y # XFAIL because\n", "1") END }, { LOG, LOG }, 0,
	  "ok 2 y: fails on both\n" },
	{ "a part of a KUnit test fails with the series", "d/a",
	  { GOOD, KUNIT_PARTS("        ok 1 small\n        not ok 2 large\n", "not ok")
		  RUN("1..2\nok 1 x\nok 2 y\n", "0") END }, { LOG, LOG }, 1,
	  "not ok 3 two: large: passes without the series, fails with it" },
	{ "a KUnit test fails with the series, and none of its parts", "d/a",
	  { GOOD, KUNIT_PARTS("        ok 1 small\n        ok 2 large\n", "not ok")
		  RUN("1..2\nok 1 x\nok 2 y\n", "0") END }, { LOG, LOG }, 1,
	  "not ok 4 two: passes without the series, fails with it" },

	{ "no report without the series", "d/a", { KUNIT END, GOOD }, { LOG, LOG }, 1,
	  "no report of the kernel without the series" },
	{ "no report with the series", "d/a", { GOOD, KUNIT END }, { LOG, LOG }, 1,
	  "no report of the kernel with the series" },
	{ "no report at all", "d/a", { KUNIT END, KUNIT END }, { LOG, LOG }, 1,
	  "# run d/a\nTAP version 13\nnot ok 1 no report of the kernel without the series\n"
	  "not ok 2 no report of the kernel with the series\n" },
	{ "an empty report of a program", "d/a", { KUNIT RUN("", "0") END, KUNIT RUN("", "0") END },
	  { LOG, LOG }, 1, "not ok 2 no test was compared" },
	{ "nothing at all", "d/a", { "", "" }, { "", "" }, 1, "not ok 1 unpatched-1 is complete" },
	{ "no KUnit", "d/a", { RUN("1..1\nok 1 x\n", "0") END, RUN("1..1\nok 1 x\n", "0") END },
	  { BOOT DOWN, BOOT DOWN }, 1, "unpatched-1: 0 KUnit suites in the log, 0 in the results" },
	{ "a KUnit suite without results", "d/a", { GOOD, GOOD },
	  { BOOT SUITES("2") DOWN, BOOT SUITES("2") DOWN }, 1,
	  "not ok 2 unpatched-1: 2 KUnit suites in the log, 1 in the results" },
	{ "other numbers in the log", "d/a", { GOOD, GOOD }, { BOOT "[    1.000000] 1..9\n" SUITES("1") DOWN,
	  LOG }, 0,
	  "ok 2 unpatched-1: 1 KUnit suites in the log, 1 in the results\n" },
	{ "a KUnit suite with results in the first boot only", "d/a", { GOOD, GOOD, PASSES END, GOOD }, { LOG,
	  LOG }, 1,
	  "not ok 4 unpatched-2: 1 KUnit suites in the log, 0 in the results\n" },
	{ "a KUnit suite is missing with the series", "d/a",
	  { GOOD, RUN("1..2\nok 1 x\nok 2 y\n", "0") END }, { LOG, BOOT DOWN }, 1,
	  "not ok 1 one: passes without the series, is missing with it" },

	{ "killed with the series", "d/a", { GOOD, KUNIT RUN("1..2\nok 1 x\n", "137") END },
	  { LOG, LOG }, 1, "the end: passes without the series, fails with it" },
	{ "killed with the series, after the last test", "d/a",
	  { GOOD, KUNIT RUN("1..2\nok 1 x\nok 2 y\n", "139") END }, { LOG, LOG }, 1,
	  "the end: passes without the series, fails with it" },
	{ "killed on both", "d/a",
	  { KUNIT RUN("1..2\nok 1 x\n", "137") END, KUNIT RUN("1..2\nok 1 x\n", "137") END },
	  { LOG, LOG }, 0, "the end # SKIP on neither kernel: not all of its tests have run" },
	{ "bails out with the series", "d/a",
	  { GOOD, KUNIT RUN("1..2\nok 1 x\nBail out! no heap\n", "1") END }, { LOG, LOG }, 1,
	  "the end: passes without the series, fails with it" },
	{ "the guest hangs with the series", "d/a",
	  { GOOD, KUNIT "# run d/a\n1..2\nok 1 x\n" }, { LOG, BOOT SUITES("1") }, 1,
	  "not ok 3 patched-1 is complete" },
	{ "the guest hangs on both", "d/a",
	  { KUNIT "# run d/a\n1..2\nok 1 x\n", KUNIT "# run d/a\n1..2\nok 1 x\n" },
	  { BOOT SUITES("1"), BOOT SUITES("1") }, 1, "not ok 1 unpatched-1 is complete" },
	{ "the power does not go down", "d/a", { GOOD, GOOD }, { LOG, BOOT SUITES("1") }, 1,
	  "not ok 3 patched-1 is complete" },

	{ "a script", "d/a.sh", { SCRIPT("0"), SCRIPT("0") }, { LOG, LOG }, 0,
	  "ok 1 the program: passes on both" },
	{ "a script that fails with the series", "d/a.sh", { SCRIPT("0"), SCRIPT("1") }, { LOG, LOG }, 1,
	  "not ok 1 the program: passes without the series, fails with it" },
	{ "a script that skips", "d/a.sh", { SCRIPT("4"), SCRIPT("4") }, { LOG, LOG }, 0,
	  "ok 1 the program # SKIP on neither kernel" },
	{ "a script that is killed", "d/a.sh", { SCRIPT("0"), SCRIPT("137") }, { LOG, LOG }, 1,
	  "not ok 2 the end: is missing without the series, fails with it" },

	{ "it passes the second time", "d/a", { GOOD, BAD, GOOD, GOOD }, { LOG, LOG }, 0,
	  "\nok 2 y: fails in 0 of 2 runs without the series, in 1 of 2 with it\n" },
	{ "unsteady tests are counted", "d/a", { GOOD, BAD, GOOD, GOOD }, { LOG, LOG }, 0,
	  "4 pass on both kernels, 0 fail on both,\n"
	  "      0 ran on neither, 0 pass with the series only, 1 fail now and then, 0 differ" },
	{ "it passes now and then without the series", "d/a", { BAD, BAD, GOOD, BAD }, { LOG, LOG }, 1,
	  "\nnot ok 2 y: fails in 1 of 2 runs without the series, in 2 of 2 with it" },
	{ "it fails more often with the series", "d/a",
	  { GOOD, GOOD, EIGHT(PASSES, PASSES), EIGHT(FAILS, FAILS) }, { LOG, LOG }, 1,
	  "\nnot ok 2 y: fails in 0 of 9 runs without the series, in 8 of 9 with it\n" },
	{ "it fails as often as chance may have it", "d/a",
	  { GOOD, GOOD, EIGHT(PASSES, PASSES), EIGHT(FAILS, PASSES) }, { LOG, LOG }, 0,
	  "\nok 2 y: fails in 0 of 9 runs without the series, in 4 of 9 with it\n" },
	{ "it fails less often with the series", "d/a",
	  { GOOD, GOOD, EIGHT(FAILS, FAILS), EIGHT(PASSES, PASSES) }, { LOG, LOG }, 0,
	  "\nok 2 y: fails in 8 of 9 runs without the series, in 0 of 9 with it\n" },
	{ "-p: it may fail more often", "d/a",
	  { GOOD, GOOD, EIGHT(PASSES, PASSES), EIGHT(FAILS, PASSES) }, { LOG, LOG }, 0, "-pd/a\n" },
	{ "-p: it fails once", "d/a", { GOOD, BAD, GOOD, GOOD }, { LOG, LOG }, 0, "-p" },
	{ "it fails the second time as well", "d/a", { GOOD, BAD, GOOD, BAD }, { LOG, LOG }, 1,
	  "not ok 2 y: passes without the series, fails with it" },
	{ "it fails now and then, and is then not there", "d/a",
	  { BAD, KUNIT RUN("1..1\nok 1 x\n", "0") END, GOOD, KUNIT RUN("1..1\nok 1 x\n", "0") END },
	  { LOG, LOG }, 1, "not ok 2 y: passes without the series, is missing with it" },
	{ "it is not there the second time", "d/a", { GOOD, GOOD, KUNIT END, KUNIT END }, { LOG, LOG }, 0,
	  "\nok 2 y: passes on both\n" },
	{ "the second time the guest hangs", "d/a", { GOOD, BAD, GOOD, KUNIT }, { LOG, LOG }, 1,
	  "patched-2 is complete" },

	{ "a warning with the series", "d/a", { GOOD, GOOD },
	  { LOG, BOOT SUITES("1") REPORT("mm/cma.c:12") DOWN }, 1,
	  "not ok 2 only with the series: WARNING: mm/cma.c:# at cma_release+#/#, CPU##: a/#\n" },
	{ "the same warning elsewhere", "d/a", { GOOD, GOOD },
	  { BOOT SUITES("1") REPORT("mm/cma.c:34") DOWN, BOOT SUITES("1") REPORT("mm/cma.c:12") DOWN }, 0,
	  "ok 2 on both: WARNING: mm/cma.c:# at cma_release" },
	{ "another warning", "d/a", { GOOD, GOOD },
	  { BOOT SUITES("1") REPORT("mm/gup.c:12") DOWN, BOOT SUITES("1") REPORT("mm/cma.c:12") DOWN }, 1,
	  "only with the series: WARNING: mm/cma.c" },
	{ "a warning without the series", "d/a", { GOOD, GOOD },
	  { BOOT SUITES("1") REPORT("mm/cma.c:12") DOWN, LOG }, 0, "only without the series: WARNING" },

	{ "-p: all passes", "d/a", { GOOD, GOOD }, { LOG, LOG }, 0, "-p" },
	{ "-p: a difference", "d/a", { GOOD, BAD }, { LOG, LOG }, 0, "-pd/a\n" },
	{ "-p: it passes with the series only", "d/a", { BAD, GOOD }, { LOG, LOG }, 0, "-pd/a\n" },
	{ "-p: no report", "d/a", { GOOD, KUNIT END }, { LOG, LOG }, 0, "-pd/a\n" },
	{ "-p: a KUnit suite", "d/a",
	  { GOOD, KUNIT_PARTS("        ok 1 small\n        not ok 2 large\n", "not ok")
		  RUN("1..2\nok 1 x\nok 2 y\n", "0") END }, { LOG, LOG }, 0, "-pkunit/s\n" },
	{ "-p: it fails on both", "d/a", { BAD, BAD }, { LOG, LOG }, 0, "-p" },
	{ "-f: it fails on both", "d/a", { BAD, BAD }, { LOG, LOG }, 0, "-fd/a\n" },
	{ "-f: it passes on both", "d/a", { GOOD, GOOD }, { LOG, LOG }, 0, "-f" },
	{ "-f: a difference", "d/a", { GOOD, BAD }, { LOG, LOG }, 0, "-fd/a\n" },
	{ "no boot with the series", "d/a", { GOOD, GOOD }, { LOG, LOG }, 2, "!expect unpatched-1 --" },
	{ "no boot without the series", "d/a", { GOOD, GOOD }, { LOG, LOG }, 2, "!expect -- patched-1" },
	{ "a third kernel", "d/a", { GOOD, GOOD }, { LOG, LOG }, 2,
	  "!expect unpatched-1 -- patched-1 -- patched-1" },
	{ "no arguments", "d/a", { GOOD, GOOD }, { LOG, LOG }, 2, "!" },
	{ "no program is named", "# none", { GOOD, GOOD }, { LOG, LOG }, 2, "names no program" },
	{ "a boot that left nothing", "d/a", { GOOD, NULL }, { LOG, LOG }, 2, "No such file" },
};

static const char * const boots[] = { "unpatched-1", "patched-1", "unpatched-2", "patched-2" };

static void prepare(const struct place *place)
{
	char path[1024];

	for (size_t i = 0; i < sizeof(boots) / sizeof(boots[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", place->dir, boots[i]);
		mkdir(path, 0755);
	}
}

static bool one(const struct place *place, size_t i, const char **name)
{
	const struct test *t = &tests[i];
	bool names = *t->says == '-', again = t->results[2];
	char cmd[4096], path[1024];

	*name = t->name;
	put_file(place->dir, "expect", t->expect);
	for (int b = 0; b < 4; b++) {
		snprintf(path, sizeof(path), "%s/%s", place->dir, boots[b]);
		put_file(path, "results", t->results[b]);
		put_file(path, "kernel.log", t->log[b % 2]);
	}
	if (*t->says == '!') {
		snprintf(cmd, sizeof(cmd), "cd '%s' && '%s' %s 2>&1", place->dir, place->program, t->says + 1);
		return prints(cmd, t->status, "error: usage: samesum ", false);
	}
	snprintf(cmd, sizeof(cmd), "cd '%s' && '%s' %.*s expect unpatched-1 %s -- patched-1 %s 2>&1",
		 place->dir, place->program, names ? 2 : 0, t->says, again ? "unpatched-2" : "",
		 again ? "patched-2" : "");
	return prints(cmd, t->status, t->says + (names ? 2 : 0), names);
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, sizeof(tests) / sizeof(tests[0]), prepare, one);
}
