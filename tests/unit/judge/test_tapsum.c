// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_tapsum TAPSUM DIRECTORY - tests that tapsum fails for each flaw of a run
 *
 * Every case is a stream with one flaw or none, the expected totals, and a part of the
 * expected output. If tapsum lets a flaw pass, no other test can be trusted.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "judge_test.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

struct test {
	const char *name, *stream, *expect, *skips, *log;
	int passed, failed, skipped;
	const char *says;
	const char *base;	/* log of a kernel to compare with */
	const char *options;
};

#define BOOT	"[    0.000000] Linux version 7.3\n"
#define DOWN	"[    9.000000] reboot: Power down\n"
#define GOOD	"# run a\nTAP version 13\n1..2\nok 1 x\nok 2 y\n# exit a 0\n# end\n"
#define REPORT(what) \
	"[ 1.0] ------------[ cut here ]------------\n" \
	"[ 1.0] WARNING: CPU: 0 PID: 1 at mm/cma.c:1 " what "\n" \
	"[ 1.0] ---[ end trace 0000000000000000 ]---\n"
#define TRACE(of, number) \
	"[ 1.0] " of ": wrong value " number "\n" \
	"[ 1.0] CPU: " number " UID: 0 PID: " number " Comm: a Not tainted\n" \
	"[ 1.0] Hardware name: b (DT)\n[ 1.0] Call trace:\n[ 1.0]  c+0x1c/0x44\n"
#define TWICE(name, second) \
	"# run a\n1..2\nok 1 " name "\n" second "\n# exit a 0\n# end\n"
#define TEN(s)	s s s s s s s s s s
#define OOPS	"[ 1.0] Oops\n"
#define BEGIN	"[ 1.0] dmem-selftest: expect WARNING begin cma_release\n"
#define END	"[ 1.0] dmem-selftest: expect WARNING end\n"
#define KUNIT(plan, two, summary) \
	"# run kunit/s\nKTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: s\n" \
	"    # module: m\n    1.." plan "\n    ok 1 one\n        KTAP version 1\n" \
	"        # Subtest: two\n        ok 1 small\n        " two " 2 large\n" \
	"    # two: pass:1 fail:1 skip:0 total:2\n    " two " 2 two\n" summary " 1 s\n" \
	"# exit kunit/s 0\n# end\n"

static const struct test tests[] = {
	{ "a good run", GOOD, "a\n", NULL, BOOT DOWN, 2, 0, 0, .says = "" },
	{ "a failed test",
	  "# run a\n1..2\nok 1 x\n# why\nnot ok 2 y\n# exit a 1\n# end\n",
	  "a\n", NULL, NULL, 1, 1, 0, .says = "a: y\n     | # why" },
	{ "an empty stream", "", NULL, NULL, NULL, 0, 1, 0, .says = "no end mark" },
	{ "no test at all", "# end\n", NULL, NULL, NULL, 0, 1, 0, .says = "no test ran" },
	{ "no end mark", "# run a\n1..1\nok 1 x\n# exit a 0\n", "a\n", NULL, NULL, 1, 1, 0,
	  .says = "no end mark" },
	{ "cut off in a program", "# run a\n1..2\nok 1 x\n", "a\n", NULL, NULL, 1, 3, 0,
	  .says = "did not end" },
	{ "cut off in the exit line", "# run a\n1..1\nok 1 x\n# exit a ", "a\n", NULL, NULL,
	  1, 2, 0, .says = "did not end" },
	{ "no plan", "# run a\nok 1 x\n# exit a 0\n# end\n", "a\n", NULL, NULL, 1, 1, 0,
	  .says = "no plan" },
	{ "fewer tests than planned", "# run a\n1..3\nok 1 x\nok 2 y\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 2, 1, 0, .says = "3 tests planned, 2 ran" },
	{ "more tests than planned", "# run a\n1..1\nok 1 x\nok 2 y\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 2, 1, 0, .says = "1 tests planned, 2 ran" },
	{ "two plans", "# run a\n1..1\n1..1\nok 1 x\n# exit a 0\n# end\n", "a\n", NULL, NULL,
	  1, 1, 0, .says = "second plan" },
	{ "a number out of order", "# run a\n1..2\nok 1 x\nok 1 x\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 1, 2, 0, .says = "has number 1 instead of 2" },
	{ "no test planned, no result", "# run a\n1..0\n# exit a 0\n# end\n", "a\n", NULL,
	  NULL, 0, 1, 0, .says = "ran no test" },
	{ "good tests, bad exit", "# run a\n1..1\nok 1 x\n# exit a 3\n# end\n", "a\n", NULL,
	  NULL, 1, 1, 0, .says = "status 3" },
	{ "killed", "# run a\n1..1\nok 1 x\n# exit a 137\n# end\n", "a\n", NULL, NULL, 1, 1, 0,
	  .says = "killed" },
	{ "bail out", "# run a\n1..1\nok 1 x\nBail out! no heap\n# exit a 1\n# end\n", "a\n",
	  NULL, NULL, 1, 1, 0, .says = "no heap" },
	{ "an expected program is missing", GOOD, "a\nb\n", NULL, NULL, 2, 1, 0,
	  .says = "b did not run" },
	{ "an unexpected program", GOOD, "b\n", NULL, NULL, 2, 2, 0,
	  .says = "not in the list of expected programs" },
	{ "a program that ran twice",
	  "# run a\n1..1\nok 1 x\n# exit a 0\n# run a\n1..1\nok 1 x\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 2, 1, 0, .says = "ran 2 times" },
	{ "output outside of a program", "hello\n" GOOD, "a\n", NULL, NULL, 2, 1, 0, .says = "outside" },
	{ "an expected skip", "# run a\n1..2\nok 1 x\nok 2 y # SKIP no heap here\n# exit a 0\n# end\n",
	  "a\n", "a: y  # no heap\n", NULL, 1, 0, 1, .says = "" },
	{ "an unexpected skip", "# run a\n1..2\nok 1 x\nok 2 y # SKIP no heap\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 1, 1, 0, .says = "not in the allow list" },
	{ "a skip for another reason",
	  "# run a\n1..2\nok 1 x\nok 2 y # SKIP not root\n# exit a 0\n# end\n",
	  "a\n", "a: y  # no heap\n", NULL, 1, 2, 0, .says = "not root" },
	{ "a stale skip", GOOD, "a\n", "a: y  # no heap\n", NULL, 2, 1, 0, .says = "remove the line" },
	{ "all of a program skipped", "# run a\n1..0 # SKIP no heap\n# exit a 4\n# end\n",
	  "a\n", "a: -  # no heap\n", NULL, 0, 0, 1, .says = "" },
	{ "all skipped, not expected", "# run a\n1..0 # SKIP no heap\n# exit a 4\n# end\n",
	  "a\n", NULL, NULL, 0, 1, 0, .says = "not in the allow list" },
	{ "every test of a program skipped",
	  "# run a\n1..2\nok 1 x # SKIP no heap\nok 2 y # SKIP no heap\n# exit a 0\n# end\n",
	  "a\n", "a: *  # no heap\n", NULL, 0, 0, 2, .says = "" },
	{ "a test passes where all may be skipped",
	  "# run a\n1..2\nok 1 x # SKIP no heap\nok 2 y\n# exit a 0\n# end\n",
	  "a\n", "a: *  # no heap\n", NULL, 1, 1, 1, .says = "name the tests" },
	{ "every test of a group skipped",
	  "# run a\n1..3\nok 1 x.x # SKIP no heap\nok 2 x.y # SKIP no heap\nok 3 xx\n# exit a 0\n# end\n",
	  "a\n", "a: x.*  # no heap\n", NULL, 1, 0, 2, .says = "" },
	{ "a test of a group passes where all may be skipped",
	  "# run a\n1..2\nok 1 x.x # SKIP no heap\nok 2 x.y\n# exit a 0\n# end\n",
	  "a\n", "a: x.*  # no heap\n", NULL, 1, 1, 1, .says = "'a: x.*', but 1 of its tests passed" },
	{ "a skip outside of the group",
	  "# run a\n1..2\nok 1 x.x # SKIP no heap\nok 2 y.x # SKIP no heap\n# exit a 0\n# end\n",
	  "a\n", "a: x.*  # no heap\n", NULL, 0, 1, 1, .says = "y.x: skipped, and not" },
	{ "killed by TERM", "# run a\n1..1\nok 1 x\n# exit a 143\n# end\n", "a\n", NULL, NULL, 1, 1, 0,
	  .says = "a: was killed" },
	{ "ended by timeout", "# run a\n1..1\nok 1 x\n# exit a 124\n# end\n", "a\n", NULL, NULL, 1, 1, 0,
	  .says = "a: was killed" },
	{ "a failed program before one with a bad exit",
	  "# run a\n1..1\nnot ok 1 x\n# exit a 1\n# run b\n1..1\nok 1 x\n# exit b 3\n# end\n", "a\nb\n", NULL,
	  NULL, 1, 2, 0, .says = "FAIL t: b: no test failed" },
	{ "a result without a number and a name", "# run a\n1..1\nok\n# exit a 0\n# end\n", "a\n", NULL, NULL,
	  1, 0, 0, .says = "" },
	{ "only the last lines before a failure are printed",
	  "# run a\n1..1\n# first\n" TEN(TEN("# l\n")) "not ok 1 x\n# exit a 1\n# end\n", "a\n", NULL, NULL,
	  0, 1, 0, .says = "FAIL t: a: x\n     | # l\n" },
	{ "much output outside of a program", "hello\nhello\n" GOOD, "a\n", NULL, NULL, 2, 1, 0, .says = "" },
	{ "a name after a dash", "# run a\n1..2\nok 1 x\nok 2 - y # SKIP no heap\n# exit a 0\n# end\n", "a\n",
	  "a: y  # no heap\n", NULL, 1, 0, 1, .says = "" },
	{ "a plan of tests with the word SKIP", "# run a\n1..1 # SKIP no heap\nok 1 x\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 1, 0, 0, .says = "" },
	{ "all of a program skipped, only its tests may be",
	  "# run a\n1..0 # SKIP no heap\n# exit a 4\n# end\n",
	  "a\n", "a: *  # no heap\n", NULL, 0, 2, 0, .says = "a: -: skipped, and not" },
	{ "no test after a program that is skipped",
	  "# run a\n1..0 # SKIP no heap\n# exit a 4\n# run b\n1..0\n# exit b 0\n# end\n", "a\nb\n",
	  "a: -  # no heap\n", NULL, 0, 1, 1, .says = "FAIL t: b: ran no test" },
	{ "subtests, and no test", "# run a\n1..0\n    ok 1 x\n# exit a 0\n# end\n", "a\n", NULL, NULL, 1, 1, 0,
	  .says = "a: ran no test" },
	{ "a test without its subtests", "# run a\n1..1\n    # Subtest: x\nok 1 x\n# exit a 0\n# end\n", "a\n",
	  NULL, NULL, 1, 0, 0, .says = "" },
	{ "a test whose subtests are all skipped",
	  "# run a\n1..2\n    1..0 # SKIP no heap\nok 1 x\nok 2 y\n# exit a 0\n# end\n", "a\n", NULL, NULL,
	  1, 0, 0, .says = "" },
	{ "a failed test with good subtests",
	  "# run a\n1..1\n    1..1\n    ok 1 x\nnot ok 1 y\n# exit a 1\n# end\n",
	  "a\n", NULL, NULL, 1, 1, 0, .says = "FAIL t: a: y\n" },
	{ "a subtest with a number out of order", "# run a\n1..1\n    ok 2 x\nok 1 y\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 0, 2, 0, .says = "y: reports ok, but a subtest failed" },
	{ "a failed subtest of a subtest",
	  "# run a\n1..1\n    1..1\n        1..1\n        not ok 1 x\n    ok 1 y\nok 1 z\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 0, 3, 0, .says = "z: reports ok, but a subtest failed" },
	{ "a failed subtest without a result for it",
	  "# run a\n1..1\n    ok 1 w\n        not ok 1 x\n    1..2\n    ok 2 y\nok 1 z\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 2, 2, 0, .says = "z: reports ok, but a subtest failed" },
	{ "KUnit, good", KUNIT("2", "ok", "ok"), "kunit/s\n", NULL, NULL, 3, 0, 0, .says = "" },
	{ "KUnit, a parameter fails", KUNIT("2", "not ok", "not ok"), "kunit/s\n", NULL, NULL,
	  2, 1, 0, .says = "large" },
	{ "KUnit, failure below an ok", KUNIT("2", "not ok", "ok"), "kunit/s\n", NULL, NULL,
	  2, 2, 0, .says = "a subtest failed" },
	{ "KUnit, a test is missing", KUNIT("3", "ok", "ok"), "kunit/s\n", NULL, NULL,
	  3, 2, 0, .says = "3 tests planned, 2 ran" },
	{ "a WARN in the log", GOOD, "a\n", NULL, BOOT REPORT("cma_release") DOWN, 2, 1, 0,
	  .says = "FAIL t: kernel log: ------------[ cut here ]" },
	{ "lockdep in the log", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] WARNING: possible recursive locking detected\n" DOWN, 2, 1, 0,
	  .says = "recursive" },
	{ "suspicious RCU in the log", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] WARNING: suspicious RCU usage\n" DOWN, 2, 1, 0, .says = "RCU" },
	{ "kmemleak is on, and finds nothing", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] kmemleak: Kernel memory leak detector initialized\n" DOWN, 2, 0, 0, .says = "" },
	{ "kmemleak finds something", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] kmemleak: 1 new suspected memory leaks\n" DOWN, 2, 1, 0, .says = "suspected" },
	{ "kmemleak is disabled", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] kmemleak: Kernel memory leak detector disabled\n" DOWN, 2, 1, 0,
	  .says = "disabled" },
	{ "an underflow in the log", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] page_counter underflow: -1 nr_pages=1\n" DOWN, 2, 1, 0, .says = "underflow" },
	{ "a hung task in the log", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] INFO: task a:1 blocked for more than 120 seconds.\n" DOWN, 2, 1, 0,
	  .says = "blocked" },
	{ "an oops in the log", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] Internal error: Oops: 0000000096000004 [#1] SMP\n" DOWN, 2, 1, 0, .says = "Oops" },
	{ "a log without a boot", GOOD, "a\n", NULL, "", 2, 1, 0, .says = "no boot" },
	{ "a log without an end", GOOD, "a\n", NULL, BOOT, 2, 1, 0, .says = "no power down" },
	{ "a warning that a test provokes", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] dmem-selftest: expect WARNING begin cma_release\n" REPORT("cma_release")
	  "[ 1.0] dmem-selftest: expect WARNING end\n" DOWN, 2, 0, 0, .says = "" },
	{ "another warning than expected", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] dmem-selftest: expect WARNING begin cma_release\n" REPORT("cma_alloc")
	  "[ 1.0] dmem-selftest: expect WARNING end\n" DOWN, 2, 2, 0, .says = "not the expected warning" },
	{ "an expected warning that stays out", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] dmem-selftest: expect WARNING begin cma_release\n"
	  "[ 1.0] dmem-selftest: expect WARNING end\n" DOWN, 2, 1, 0, .says = "expected warning is missing" },
	{ "an oops while a warning is expected", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] dmem-selftest: expect WARNING begin cma_release\n" REPORT("cma_release")
	  "[ 1.0] Oops\n[ 1.0] dmem-selftest: expect WARNING end\n" DOWN, 2, 1, 0, .says = "Oops" },
	{ "an expectation without an end", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] dmem-selftest: expect WARNING begin cma_release\n" REPORT("cma_release")
	  DOWN, 2, 1, 0, .says = "without an end" },

	{ "an expectation of a second warning", GOOD, "a\n", NULL,
	  BOOT BEGIN REPORT("cma_release") END BEGIN END DOWN, 2, 1, 0,
	  .says = "expected warning is missing: cma" },
	{ "an expected warning that does not end", GOOD, "a\n", NULL,
	  BOOT BEGIN "[ 1.0] ------------[ cut here ]------------\n[ 1.0] last\n" DOWN, 2, 2, 0,
	  .says = "the report does not end\n" },
	{ "the lines of a report that does not end", GOOD, "a\n", NULL,
	  BOOT BEGIN "[ 1.0] ------------[ cut here ]------------\n[ 1.0] last\n" DOWN, 2, 2, 0,
	  .says = "     | [ 1.0] last\n" },
	{ "a mark of another form", GOOD, "a\n", NULL, BOOT "[ 1.0] dmem-selftest: expect WARNING x\n" DOWN,
	  2, 1, 0, .says = "neither 'begin TEXT' nor 'end': x" },
	{ "complaints in the lines after a complaint", GOOD, "a\n", NULL,
	  BOOT OOPS TEN("[ 1.0] l\n") OOPS OOPS DOWN, 2, 1, 0, .says = "" },
	{ "a complaint far after another", GOOD, "a\n", NULL,
	  BOOT OOPS TEN("[ 1.0] l\n" "[ 1.0] l\n" "[ 1.0] l\n" "[ 1.0] l\n") OOPS DOWN, 2, 2, 0, .says = "" },
	{ "a complaint in the lines after the second of two", GOOD, "a\n", NULL,
	  BOOT OOPS TEN("[ 1.0] l\n" "[ 1.0] l\n" "[ 1.0] l\n") OOPS TEN("[ 1.0] l\n" "[ 1.0] l\n") OOPS DOWN,
	  2, 1, 0, .says = "" },
	{ "a complaint after the end of a report", GOOD, "a\n", NULL, BOOT REPORT("cma_release") OOPS DOWN,
	  2, 2, 0, .says = "" },
	{ "an expected warning in the lines after a complaint", GOOD, "a\n", NULL,
	  BOOT OOPS BEGIN REPORT("cma_release") END OOPS DOWN, 2, 1, 0, .says = "" },

	{ "a trace in both logs", GOOD, "a\n", NULL, BOOT TRACE("late", "12") DOWN, 2, 0, 0,
	  .says = "also without the series: Call trace: after 'late: wrong value #'\n",
	  .base = BOOT TRACE("late", "fff7") },
	{ "a trace with another number, which has letters only", GOOD, "a\n", NULL,
	  BOOT TRACE("late", "fffffffffffffffe") DOWN, 2, 0, 0,
	  .says = "also without the series: Call trace: after 'late: wrong value #'\n",
	  .base = BOOT TRACE("late", "ffffffffffffffff") },
	{ "a trace with another word of hexadecimal digits", GOOD, "a\n", NULL,
	  BOOT TRACE("late", "decade") DOWN, 2, 1, 0, .says = "Call trace:",
	  .base = BOOT TRACE("late", "facade") },
	{ "another trace than in the other log", GOOD, "a\n", NULL, BOOT TRACE("late", "12") DOWN, 2, 1, 0,
	  .says = "Call trace:", .base = BOOT TRACE("early", "12") },
	{ "a WARN beside a trace in both logs", GOOD, "a\n", NULL,
	  BOOT TRACE("late", "12") REPORT("cma_release") DOWN, 2, 1, 0, .says = "cut here",
	  .base = BOOT TRACE("late", "12") },
	{ "no complaint in the log to compare with", GOOD, "a\n", NULL, BOOT REPORT("cma_release") DOWN,
	  2, 1, 0, .says = "cut here", .base = BOOT DOWN },

	{ "two tests of the same name", TWICE("x", "ok 2 x"), "a\n", NULL, NULL, 2, 0, 0, .says = "" },
	{ "-d: two tests of the same name", TWICE("x", "ok 2 x"), "a\n", NULL, NULL, 2, 1, 0,
	  .says = "FAIL t: a: x: duplicate test name\n", .options = "-d" },
	{ "-d: a failed test has the name of another", TWICE("x", "# why\nnot ok 2 x"), "a\n", NULL, NULL,
	  1, 2, 0, .says = "FAIL t: a: x\n     | # why\nFAIL t: a: x: duplicate test name\n", .options = "-d" },
	{ "-d: a skipped test has the name of another", TWICE("x", "ok 2 x # SKIP no heap"), "a\n",
	  "a: x  # no heap\n", NULL, 1, 1, 1, .says = "a: x: duplicate", .options = "-d" },
	{ "-d: a name is the beginning of another", TWICE("x", "ok 2 x y"), "a\n", NULL, NULL, 2, 0, 0,
	  .says = "", .options = "-d" },
	{ "-d: tests without a name", TWICE("", "ok 2"), "a\n", NULL, NULL, 2, 0, 0,
	  .says = "", .options = "-d" },
	{ "-d: two programs have tests of the same name",
	  "# run a\n1..1\nok 1 x\n# exit a 0\n# run b\n1..1\nok 1 x\n# exit b 0\n# end\n", "a\nb\n", NULL, NULL,
	  2, 0, 0, .says = "", .options = "-d" },
	{ "-d: two subtests of a test have the same name", 
	  "# run kunit/s\n1..1\n    # Subtest: s\n    1..1\n        # Subtest: two\n        ok 1 small\n"
	  "        ok 2 small\n    ok 1 two\nok 1 s\n# exit kunit/s 0\n# end\n",
	  "kunit/s\n", NULL, NULL, 2, 1, 0, .says = "kunit/s: two: small: duplicate test name",
	  .options = "-d" },
	{ "-d: subtests of two tests have the same name",
	  "# run s\n1..1\n    # Subtest: s\n    1..2\n        ok 1 small\n    ok 1 one\n        ok 1 small\n"
	  "    ok 2 two\nok 1 s\n# exit s 0\n# end\n", "s\n", NULL, NULL, 2, 0, 0,
	  .says = "", .options = "-d" },
};

static const struct totals_test {
	const char *name, *totals, *streams[2];
	int status;
	const char *prints;
} totals_tests[] = {
	{ "-S: totals of good runs", "1 0 2\n3 0 4\n", {}, 0, "4 passed, 0 failed, 6 skipped\n" },
	{ "-S: totals of a bad run", "1 0 2\n3 5 4\n", {}, 1, "4 passed, 5 failed, 6 skipped\n" },
	{ "-S: totals of runs in which nothing passed", "0 0 2\n", {}, 1, "0 passed, 0 failed, 2 skipped\n" },
	{ "-S: no totals", "", {}, 1, "0 passed, 0 failed, 0 skipped\n" },
	{ "-S: a file of another form", "1 0 2\nhello\n", {}, 2, "error: totals: not a file of totals\n" },
	{ "-S: a missing file", NULL, {}, 2, "error: totals: No such file or directory\n" },
	{ "-t: totals are added", "1 0 2\n", { GOOD, "# run a\n1..1\nnot ok 1 x\n# exit a 1\n# end\n" }, 1,
	  "3 passed, 1 failed, 2 skipped\n" },
};

/* Writes a file for an option of tapsum. Returns where @cmd goes on. */
static int add_file(const struct place *place, char *cmd, size_t size, const char *option, const char *text)
{
	put_file(place->dir, option + 1, text);
	return text ? snprintf(cmd, size, " %s '%s/%s'", option, place->dir, option + 1) : 0;
}

static bool run(const struct place *place, const struct test *t)
{
	char cmd[4096], out[16384], totals[128];
	int n, status;

	n = snprintf(cmd, sizeof(cmd), "'%s' -n t %s", place->program, t->options ? t->options : "");
	n += add_file(place, cmd + n, sizeof(cmd) - n, "-e", t->expect);
	n += add_file(place, cmd + n, sizeof(cmd) - n, "-s", t->skips);
	n += add_file(place, cmd + n, sizeof(cmd) - n, "-k", t->log);
	n += add_file(place, cmd + n, sizeof(cmd) - n, "-b", t->base);
	put_file(place->dir, "stream", t->stream);
	snprintf(cmd + n, sizeof(cmd) - n, " '%s/stream' 2>&1", place->dir);

	status = output_of(cmd, out, sizeof(out));
	snprintf(totals, sizeof(totals), "t: %d passed, %d failed, %d skipped\n",
		 t->passed, t->failed, t->skipped);
	if (status == !!t->failed && strstr(out, totals) && strstr(out, t->says))
		return true;
	printf("# expected: %s# and: %s\n", totals, t->says);
	show_output(status, out);
	return false;
}

/* The program is run with "-t" for each stream. Then its output with "-S" is compared. */
static bool run_totals(const struct place *place, const struct totals_test *t)
{
	char cmd[4096];

	put_file(place->dir, "totals", t->totals);
	for (int i = 0; i < 2 && t->streams[i]; i++) {
		put_file(place->dir, "stream", t->streams[i]);
		snprintf(cmd, sizeof(cmd), "cd '%s' && '%s' -t totals stream", place->dir, place->program);
		if (!prints(cmd, !!strstr(t->streams[i], "not ok"), "run: ", false))
			return false;
	}
	snprintf(cmd, sizeof(cmd), "cd '%s' && '%s' -S totals 2>&1", place->dir, place->program);
	return prints(cmd, t->status, t->prints, true);
}

static bool one(const struct place *place, size_t i, const char **name)
{
	size_t n = ARRAY_SIZE(tests);

	*name = i < n ? tests[i].name : totals_tests[i - n].name;
	return i < n ? run(place, &tests[i]) : run_totals(place, &totals_tests[i - n]);
}

int main(int argc, char **argv)
{
	return run_cases(argc, argv, ARRAY_SIZE(tests) + ARRAY_SIZE(totals_tests), NULL, one);
}
