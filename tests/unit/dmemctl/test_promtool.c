// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * promtool, of Prometheus itself, checks the metrics, the rules, and the expressions of the
 * dashboard.
 *
 * test_promtool DMEMCTL DIRECTORY JQ PROMTOOL RULES RULE-TESTS DASHBOARD HISTORY
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docs.h"
#include "machine.h"
#include "tap.h"
#include "tool.h"

static struct tool t;
static const char *promtool;
static char rules[DOCS_TEXT];

static int check_rules(const char *rel)
{
	return run((const char *[]){ promtool, "check", "rules", tap_path(rel), NULL });
}

static void test_metrics(void)
{
	const char *argv[] = { promtool, "check", "metrics", NULL };
	struct fake f;

	tap_dir(t.dir);
	machine(&f, "ours");
	check(!tool(&t, "metrics --all --buffers"), "the machine has metrics", "%s", get("err"));
	put("in", "%s", get("out"));
	check(!run(argv) && !*get("out") && !*get("err"), "promtool has nothing to say about them", "%s%s", get("out"),
	      get("err"));
	put("in", "%s", "# HELP dmem_total Total.\n# TYPE dmem_total gauge\ndmem_total 1\n");
	check(run(argv) && *get("err"), "it does about a gauge that is named like a counter", "%s%s", get("out"), get("err"));
	put("in", "%s", "");
}

/* Runs the tests on these rules. */
static int run_rules(const char *text, const char *tests)
{
	put("dmem.rules.yml", "%s", text);
	put("dmem.test.yml", "%s", tests);
	return run((const char *[]){ promtool, "test", "rules", tap_path("dmem.test.yml"), NULL });
}

/* The rules with a change, which the caller frees; "" if @from is not there. */
static char *changed(const char *from, const char *to)
{
	const char *at = strstr(rules, from);
	char *text;

	if (!at)
		return strdup("");
	if (asprintf(&text, "%.*s%s%s", (int)(at - rules), rules, to, at + strlen(from)) < 0)
		exit(2);
	return text;
}

static void test_rules(const char *path)
{
	static char tests[DOCS_TEXT];
	char count[50], *broken;
	size_t n = 0;
	const char *p;

	tap_dir(t.dir);
	docs_read(path, tests);
	check(!run_rules(rules, tests) && strstr(get("out"), "SUCCESS"), "the rules pass their tests", "%s%s", get("out"),
	      get("err"));
	check(!check_rules("dmem.rules.yml"), "the rules are valid", "%s%s", get("out"), get("err"));
	for (p = rules; (p = strstr(p, "\n    expr: ")); p++)
		n++;
	snprintf(count, sizeof(count), "SUCCESS: %zu rules found", n);
	check(n > 10 && strstr(get("out"), count), "promtool reads all of them", "%s", get("out"));
	/* Each alert has a test in which it fires, with its texts. */
	for (p = rules, n = 0; (p = strstr(p, "\n  - alert: "));) {
		char fires[200];

		p += strlen("\n  - alert: ");
		snprintf(fires, sizeof(fires), "    alertname: %.*s\n    exp_alerts:\n    - ", (int)strcspn(p, "\n"), p);
		n += !strstr(tests, fires);
	}
	check(!n, "each alert fires in a test", "%zu do not", n);

	broken = changed("ratio > 0.9\n", "ratio > 0.99\n");
	check(run_rules(broken, tests) && strstr(get("err"), "FAILED"), "the tests fail with another threshold", "%s%s",
	      get("out"), get("err"));
	free(broken);
	broken = changed("ratio > 0.9\n", "ratio >\n");
	put("broken.yml", "%s", broken);
	check(check_rules("broken.yml") && strstr(get("err"), "could not parse expression"),
	      "a rule without its end is not valid", "%s%s", get("out"), get("err"));
	free(broken);
}

/* As recorded rules, in JSON, which is YAML as well. */
static void test_expressions(const char *dashboard)
{
	static const char filter[] =
		"{ groups: [{ name: \"g\", rules: ([.panels[].targets[].expr] | to_entries | "
		"map({ record: \"x:\\(.key)\", expr: (.value | gsub(\"\\\\$__rate_interval\"; \"5m\")) })) }] }";

	tap_dir(t.dir);
	check(!run((const char *[]){ t.jq, filter, dashboard, NULL }), "the dashboard has expressions", "%s", get("err"));
	put("d.yml", "%s", get("out"));
	check(!check_rules("d.yml") && strstr(get("out"), "SUCCESS: 1"), "the expressions of the dashboard are valid", "%s%s",
	      get("out"), get("err"));
}

/* Those of a plan. */
static void test_plan(const char *history)
{
	tap_dir(t.dir);
	check(!run((const char *[]){ t.program, "plan", "--alerts=-", history, NULL }), "a plan has rules", "%s", get("err"));
	put("plan.yml", "%s", get("out"));
	check(!check_rules("plan.yml") && strstr(get("out"), "SUCCESS: "), "the rules of a plan are valid", "%s%s", get("out"),
	      get("err"));
}

int main(int argc, char **argv)
{
	if (argc != 9)
		return 2;
	promtool = argv[4];
	if (!*promtool) {
		printf("1..0 # SKIP promtool is not installed\n");
		return 0;
	}
	t = (struct tool){ .program = argv[1], .dir = argv[2], .jq = argv[3] };
	tap_start();
	docs_read(argv[5], rules);
	RUN(test_metrics);
	RUN(test_rules, argv[6]);
	RUN(test_expressions, argv[7]);
	RUN(test_plan, argv[8]);
	return tap_end();
}
