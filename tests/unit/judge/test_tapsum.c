// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tapsum_test TAPSUM DIRECTORY - does the judge see what is wrong?
 *
 * Every case is a stream with one flaw (or none), the totals that must come
 * out, and a piece of what must be said. A judge that lets a flaw pass makes
 * every other test worthless.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge_test.h"

struct test {
	const char *name, *stream, *expect, *skips, *log;
	int passed, failed, skipped;
	const char *says;
};

/* With the log of a kernel to compare with */
struct compared {
	struct test test;
	const char *base;
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
#define KUNIT(plan, two, summary) \
	"# run kunit/s\nKTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: s\n" \
	"    # module: m\n    1.." plan "\n    ok 1 one\n        KTAP version 1\n" \
	"        # Subtest: two\n        ok 1 small\n        " two " 2 large\n" \
	"    # two: pass:1 fail:1 skip:0 total:2\n    " two " 2 two\n" summary " 1 s\n" \
	"# exit kunit/s 0\n# end\n"

static const struct test tests[] = {
	{ "a good run", GOOD, "a\n", NULL, BOOT DOWN, 2, 0, 0, NULL },
	{ "a failed test",
	  "# run a\n1..2\nok 1 x\n# why\nnot ok 2 y\n# exit a 1\n# end\n",
	  "a\n", NULL, NULL, 1, 1, 0, "a: y\n     | # why" },
	{ "an empty stream", "", NULL, NULL, NULL, 0, 1, 0, "end mark" },
	{ "no test at all", "# end\n", NULL, NULL, NULL, 0, 1, 0, "no test ran" },
	{ "no end mark", "# run a\n1..1\nok 1 x\n# exit a 0\n", "a\n", NULL, NULL, 1, 1, 0,
	  "end mark" },
	{ "cut off in a program", "# run a\n1..2\nok 1 x\n", "a\n", NULL, NULL, 1, 3, 0,
	  "did not end" },
	{ "cut off in the exit line", "# run a\n1..1\nok 1 x\n# exit a ", "a\n", NULL, NULL,
	  1, 2, 0, "did not end" },
	{ "no plan", "# run a\nok 1 x\n# exit a 0\n# end\n", "a\n", NULL, NULL, 1, 1, 0,
	  "no plan" },
	{ "fewer tests than planned", "# run a\n1..3\nok 1 x\nok 2 y\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 2, 1, 0, "3 tests planned, 2 ran" },
	{ "more tests than planned", "# run a\n1..1\nok 1 x\nok 2 y\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 2, 1, 0, "1 tests planned, 2 ran" },
	{ "two plans", "# run a\n1..1\n1..1\nok 1 x\n# exit a 0\n# end\n", "a\n", NULL, NULL,
	  1, 1, 0, "second plan" },
	{ "a number out of order", "# run a\n1..2\nok 1 x\nok 1 x\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 1, 2, 0, "has number 1 where 2" },
	{ "nothing planned, nothing said", "# run a\n1..0\n# exit a 0\n# end\n", "a\n", NULL,
	  NULL, 0, 1, 0, "ran no test" },
	{ "good tests, bad exit", "# run a\n1..1\nok 1 x\n# exit a 3\n# end\n", "a\n", NULL,
	  NULL, 1, 1, 0, "status 3" },
	{ "killed", "# run a\n1..1\nok 1 x\n# exit a 137\n# end\n", "a\n", NULL, NULL, 1, 1, 0,
	  "killed" },
	{ "bail out", "# run a\n1..1\nok 1 x\nBail out! no heap\n# exit a 1\n# end\n", "a\n",
	  NULL, NULL, 1, 1, 0, "no heap" },
	{ "an expected program is missing", GOOD, "a\nb\n", NULL, NULL, 2, 1, 0,
	  "b did not run" },
	{ "a program that nobody expects", GOOD, "b\n", NULL, NULL, 2, 2, 0,
	  "not one of the expected" },
	{ "a program that ran twice",
	  "# run a\n1..1\nok 1 x\n# exit a 0\n# run a\n1..1\nok 1 x\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 2, 1, 0, "ran 2 times" },
	{ "output outside of a program", "hello\n" GOOD, "a\n", NULL, NULL, 2, 1, 0, "outside" },
	{ "an expected skip", "# run a\n1..2\nok 1 x\nok 2 y # SKIP no heap here\n# exit a 0\n# end\n",
	  "a\n", "a: y  # no heap\n", NULL, 1, 0, 1, NULL },
	{ "an unexpected skip", "# run a\n1..2\nok 1 x\nok 2 y # SKIP no heap\n# exit a 0\n# end\n",
	  "a\n", NULL, NULL, 1, 1, 0, "skipped, and nothing says" },
	{ "a skip for another reason",
	  "# run a\n1..2\nok 1 x\nok 2 y # SKIP not root\n# exit a 0\n# end\n",
	  "a\n", "a: y  # no heap\n", NULL, 1, 2, 0, "not root" },
	{ "a stale skip", GOOD, "a\n", "a: y  # no heap\n", NULL, 2, 1, 0, "remove the line" },
	{ "all of a program skipped", "# run a\n1..0 # SKIP no heap\n# exit a 4\n# end\n",
	  "a\n", "a: -  # no heap\n", NULL, 0, 0, 1, NULL },
	{ "all skipped, not expected", "# run a\n1..0 # SKIP no heap\n# exit a 4\n# end\n",
	  "a\n", NULL, NULL, 0, 1, 0, "skipped, and nothing says" },
	{ "every test of a program skipped",
	  "# run a\n1..2\nok 1 x # SKIP no heap\nok 2 y # SKIP no heap\n# exit a 0\n# end\n",
	  "a\n", "a: *  # no heap\n", NULL, 0, 0, 2, NULL },
	{ "one that should be skipped passed",
	  "# run a\n1..2\nok 1 x # SKIP no heap\nok 2 y\n# exit a 0\n# end\n",
	  "a\n", "a: *  # no heap\n", NULL, 1, 1, 1, "name the tests" },
	{ "KUnit, good", KUNIT("2", "ok", "ok"), "kunit/s\n", NULL, NULL, 3, 0, 0, NULL },
	{ "KUnit, a parameter fails", KUNIT("2", "not ok", "not ok"), "kunit/s\n", NULL, NULL,
	  2, 1, 0, "large" },
	{ "KUnit, failure below an ok", KUNIT("2", "not ok", "ok"), "kunit/s\n", NULL, NULL,
	  2, 2, 0, "a part of it failed" },
	{ "KUnit, a test is missing", KUNIT("3", "ok", "ok"), "kunit/s\n", NULL, NULL,
	  3, 2, 0, "3 tests planned, 2 ran" },
	{ "a WARN in the log", GOOD, "a\n", NULL, BOOT REPORT("cma_release") DOWN, 2, 1, 0,
	  "cut here" },
	{ "lockdep in the log", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] WARNING: possible recursive locking detected\n" DOWN, 2, 1, 0,
	  "recursive" },
	{ "suspicious RCU in the log", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] WARNING: suspicious RCU usage\n" DOWN, 2, 1, 0, "RCU" },
	{ "kmemleak is on, and finds nothing", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] kmemleak: Kernel memory leak detector initialized\n" DOWN, 2, 0, 0, NULL },
	{ "kmemleak finds something", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] kmemleak: 1 new suspected memory leaks\n" DOWN, 2, 1, 0, "suspected" },
	{ "kmemleak gives up", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] kmemleak: Kernel memory leak detector disabled\n" DOWN, 2, 1, 0,
	  "disabled" },
	{ "an underflow in the log", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] page_counter underflow: -1 nr_pages=1\n" DOWN, 2, 1, 0, "underflow" },
	{ "a hung task in the log", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] INFO: task a:1 blocked for more than 120 seconds.\n" DOWN, 2, 1, 0,
	  "blocked" },
	{ "an oops in the log", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] Internal error: Oops: 0000000096000004 [#1] SMP\n" DOWN, 2, 1, 0, "Oops" },
	{ "a log without a boot", GOOD, "a\n", NULL, "", 2, 1, 0, "no boot" },
	{ "a log without an end", GOOD, "a\n", NULL, BOOT, 2, 1, 0, "power going down" },
	{ "a warning that a test provokes", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] dmem-selftest: expect WARNING begin cma_release\n" REPORT("cma_release")
	  "[ 1.0] dmem-selftest: expect WARNING end\n" DOWN, 2, 0, 0, NULL },
	{ "another warning than expected", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] dmem-selftest: expect WARNING begin cma_release\n" REPORT("cma_alloc")
	  "[ 1.0] dmem-selftest: expect WARNING end\n" DOWN, 2, 2, 0, "not the one" },
	{ "an expected warning that stays out", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] dmem-selftest: expect WARNING begin cma_release\n"
	  "[ 1.0] dmem-selftest: expect WARNING end\n" DOWN, 2, 1, 0, "did not come" },
	{ "an oops while a warning is expected", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] dmem-selftest: expect WARNING begin cma_release\n" REPORT("cma_release")
	  "[ 1.0] Oops\n[ 1.0] dmem-selftest: expect WARNING end\n" DOWN, 2, 1, 0, "Oops" },
	{ "an expectation without an end", GOOD, "a\n", NULL,
	  BOOT "[ 1.0] dmem-selftest: expect WARNING begin cma_release\n" REPORT("cma_release")
	  DOWN, 2, 1, 0, "without an end" },
};

static const struct compared compared[] = {
	{ { "a trace in both logs", GOOD, "a\n", NULL, BOOT TRACE("late", "12") DOWN, 2, 0, 0,
	    "on both kernels: Call trace: after 'late: wrong value #'\n" },
	  BOOT TRACE("late", "fff7") },
	{ { "another trace than in the other log", GOOD, "a\n", NULL,
	    BOOT TRACE("late", "12") DOWN, 2, 1, 0, "Call trace:" },
	  BOOT TRACE("early", "12") },
	{ { "a WARN beside what is in both logs", GOOD, "a\n", NULL,
	    BOOT TRACE("late", "12") REPORT("cma_release") DOWN, 2, 1, 0, "cut here" },
	  BOOT TRACE("late", "12") },
	{ { "a log to compare with that has nothing", GOOD, "a\n", NULL,
	    BOOT REPORT("cma_release") DOWN, 2, 1, 0, "cut here" },
	  BOOT DOWN },
};

static const char *tapsum, *dir;

static const char *put(const char *name, const char *text)
{
	static char paths[5][512];
	static int next;
	char *path = paths[next++ % 5];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	put_file(path, text);
	return path;
}

static bool run(const struct test *t, const char *base)
{
	char cmd[4096], out[16384], want[128];
	int n = 0, status;

	n += snprintf(cmd + n, sizeof(cmd) - n, "'%s' -n t", tapsum);
	if (t->expect)
		n += snprintf(cmd + n, sizeof(cmd) - n, " -e '%s'", put("expect", t->expect));
	if (t->skips)
		n += snprintf(cmd + n, sizeof(cmd) - n, " -s '%s'", put("skips", t->skips));
	if (t->log)
		n += snprintf(cmd + n, sizeof(cmd) - n, " -k '%s'", put("log", t->log));
	if (base)
		n += snprintf(cmd + n, sizeof(cmd) - n, " -b '%s'", put("base", base));
	snprintf(cmd + n, sizeof(cmd) - n, " '%s' 2>&1", put("stream", t->stream));

	status = output_of(cmd, out, sizeof(out));
	snprintf(want, sizeof(want), "t: %d passed, %d failed, %d skipped\n", t->passed,
		 t->failed, t->skipped);
	if (status == (t->failed ? 1 : 0) &&
	    strstr(out, want) && (!t->says || strstr(out, t->says)))
		return true;
	printf("# wanted: %s", want);
	if (t->says)
		printf("# and: %s\n", t->says);
	show_output(status, out);
	return false;
}

int main(int argc, char **argv)
{
	size_t i, n = sizeof(tests) / sizeof(tests[0]);
	size_t more = sizeof(compared) / sizeof(compared[0]);
	int bad = 0;

	begin_tests(argc, argv, n + more);
	tapsum = argv[1];
	dir = argv[2];
	for (i = 0; i < n + more; i++) {
		const struct test *t = i < n ? &tests[i] : &compared[i - n].test;

		bad += end_test(run(t, i < n ? NULL : compared[i - n].base), i + 1, t->name);
	}
	return bad ? 1 : 0;
}
