// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The dashboard of Grafana, and the names of metrics: those in the dashboard, in the rules of
 * Prometheus and in the manual are the ones that dmemctl metrics prints.
 *
 * test_dashboard DMEMCTL DIRECTORY JQ DASHBOARD FILTER RULES MANUAL
 *
 * FILTER prints mistakes in a dashboard.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docs.h"
#include "machine.h"
#include "tap.h"
#include "tool.h"

static struct tool t;
static char metrics[DOCS_TEXT], rules[DOCS_TEXT];

/* Reads what a machine with all figures prints. */
static void read_metrics(void)
{
	struct fake f;

	tap_dir(t.dir);
	machine(&f, "ours");
	check(!tool(&t, "metrics --all --buffers"), "the machine has metrics", "%s", get("err"));
	snprintf(metrics, sizeof(metrics), "%s", get("out"));
}

/* Is this a metric, or a sample of a histogram? */
static bool is_printed(const char *name)
{
	static const char * const of_histogram[] = { "_bucket", "_count", "_sum" };
	char head[200];

	snprintf(head, sizeof(head), "\n# TYPE %s ", name);
	if (strstr(metrics, head))
		return true;
	for (size_t i = 0; i < 3; i++) {
		size_t len = strlen(name), end = strlen(of_histogram[i]);

		if (len <= end || strcmp(name + len - end, of_histogram[i]))
			continue;
		snprintf(head, sizeof(head), "\n# TYPE %.*s histogram\n", (int)(len - end), name);
		if (strstr(metrics, head))
			return true;
	}
	return false;
}

static bool is_recorded(const char *name)
{
	char line[200];

	snprintf(line, sizeof(line), "  - record: %s\n", name);
	return strstr(rules, line);
}

/* Returns the words of @text that can only be metrics, and are none. @n: the number of those that
 * are metrics. */
static const char *unknown_names(const char *text, size_t *n)
{
	static char wrong[1000];

	*wrong = 0;
	*n = 0;
	for (const char *p = text; *p;) {
		size_t len = 0;
		char name[100];

		while (isalnum((unsigned char)p[len]) || (p[len] && strchr("_:", p[len])))
			len++;
		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		p += len ? len : 1;
		if (strncmp(name, "dmem_", 5) && !strstr(name, ":dmem_"))
			continue;
		if (is_printed(name) || is_recorded(name))
			++*n;
		else
			snprintf(wrong + strlen(wrong), sizeof(wrong) - strlen(wrong), "%s ", name);
	}
	return wrong;
}

static void test_names(const char *dashboard)
{
	const char *argv[] = { t.jq, "-r", ".panels[].targets[].expr", dashboard, NULL };
	const char *wrong;
	size_t n;

	read_metrics();
	check(!run(argv), "the dashboard has expressions", "%s", get("err"));
	wrong = unknown_names(get("out"), &n);
	check(n >= 15 && !*wrong, "each metric in the dashboard exists", "%zu do, and not %s", n, wrong);
	wrong = unknown_names(rules, &n);
	check(n >= 20 && !*wrong, "each metric in the rules exists", "%zu do, and not %s", n, wrong);
	check(!strstr(get("out"), ":dmem"), "the dashboard needs no rules", "%s", get("out"));
	wrong = unknown_names("dmem_region_free dmem_region_free_bytes_count region:dmem_x dmem_region_free_bytes", &n);
	check_text(wrong, "dmem_region_free dmem_region_free_bytes_count region:dmem_x ", "a wrong name is found");
}

/* Each metric and each rule has its paragraph. */
static void test_manual(const char *path)
{
	static char manual[DOCS_TEXT];
	static const char * const heads[] = { "\n# TYPE ", "\n  - alert: ", "\n  - record: " };
	char missing[1000] = "";
	size_t n = 0;

	read_metrics();
	docs_read(path, manual);
	for (size_t i = 0; i < 3; i++) {
		for (const char *p = i ? rules : metrics; (p = strstr(p, heads[i]));) {
			char bold[200];

			p += strlen(heads[i]);
			snprintf(bold, sizeof(bold), "*%.*s*", (int)strcspn(p, " \n"), p);
			n++;
			if (!strstr(manual, bold))
				snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing), "%s ", bold);
		}
	}
	check(n > 28 && !*missing, "the manual has each metric, alert and recorded name", "%zu, but not %s", n, missing);
}

/* The filter finds no mistake in the dashboard, and each one that is made. */
static void test_panels(const char *dashboard, const char *filter)
{
	static const char * const mistakes[] = {
		"del(.uid)", ".uid = \"a b\"", "del(.title)", "del(.schemaVersion)", ".schemaVersion = 16", ".id = 7",
		".templating.list[0].name = \"other\"", ".panels[1].id = 1", ".panels[1].title = .panels[0].title",
		".panels[1].gridPos.x = 11", ".panels[1].gridPos.w = 13", ".panels[0].targets = []", "del(.panels[0].datasource)",
		".panels[0].type = \"graph\"", ".panels[0].fieldConfig.defaults.unit = \"decbytes\"",
		".panels[1].targets[1].refId = \"A\"", ".panels[0].targets[0].expr = \"\"",
		".panels[0].targets[0].expr = \"dmem_region_free_bytes\"", ".panels[0].targets[0].expr |= . + \" + $other\"",
	};
	const char *good[] = { t.jq, "-r", "-f", filter, dashboard, NULL };
	char path[4200];
	const char *broken[] = { t.jq, "-r", "-f", filter, path, NULL };

	tap_dir(t.dir);
	snprintf(path, sizeof(path), "%s", tap_path("broken.json"));
	check(!run(good), "the dashboard is JSON", "%s", get("err"));
	check_text(get("out"), "", "it has no mistake");
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		const char *change[] = { t.jq, mistakes[i], dashboard, NULL };

		tap_case("%s", mistakes[i]);
		if (run(change)) {
			check(false, "the mistake is made", "%s", get("err"));
			continue;
		}
		put("broken.json", "%s", get("out"));
		check(!run(broken) && *get("out"), "the mistake is found", "%s%s", get("out"), get("err"));
	}
	tap_case("%s", "");
}

int main(int argc, char **argv)
{
	if (argc != 8)
		return 2;
	t = (struct tool){ .program = argv[1], .dir = argv[2], .jq = argv[3] };
	tap_start();
	tap_dir(t.dir);
	docs_read(argv[6], rules);
	RUN(test_names, argv[4]);
	RUN(test_manual, argv[7]);
	RUN(test_panels, argv[4], argv[5]);
	return tap_end();
}
