// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "dmemctl plan" with --check and --alerts. Rules are decoded as YAML and PromQL do, by code of this
 * test.
 *
 * test_plan_check DMEMCTL JQ DIRECTORY
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "docs.h"
#include "past.h"

#define A		"system.slice/a.service"
#define B		"system.slice/b.service"
#define TEXT		16384

typedef unsigned long long ull;

static struct tool t;

/* Runs "plan --headroom=0 @options" in the directory, by a shell. */
static int plan(const char *options)
{
	char script[9000];
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	snprintf(script, sizeof(script), "cd '%s' && exec '%s' plan --headroom=0 %s", tap_path(""), t.program, options);
	return run(argv);
}

/* The exit code, and texts that must be in stdout and stderr; "" in stderr: nothing. */
static void checked(const char *name, const char *options, int want, const char *out, const char *err)
{
	int got = plan(options);

	check(got == want && strstr(get("out"), out) && (*err ? strstr(get("err"), err) != NULL : !*get("err")), name,
	      "%d, not %d: %s", got, want, *err || *get("err") ? get("err") : get("out"));
}

/* ---- histories and trees ---- */

struct load {
	const char *region;
	uint64_t a, b;		/* bytes of both services */
	uint64_t refused;	/* requests of b */
	bool buffers;
};

static void write_load(const char *file, const struct load *l)
{
	struct dmem_text text = { 0 };

	past_head(&text, "aaaaaaaa", 1000, 1000, l->buffers);
	past_region(&text, 0, l->region);
	past_cgroup(&text, 0, 1, "system.slice");
	past_cgroup(&text, 1, 2, A);
	past_cgroup(&text, 2, 3, B);
	past_look(&text, 1000, "r0=0,0,-,%llu c0.0=0 c1.0=0,0,0,0,0,0 c2.0=0,0,0,0,0,0", 40 * MIB);
	past_look(&text, 2000, "r0=%llu c0.0=%llu,%llu c1.0=%llu,%llu c2.0=%llu,%llu,0,%llu%s", (ull)(l->a + l->b),
		  (ull)(l->a + l->b), (ull)(l->a + l->b), (ull)l->a, (ull)l->a, (ull)l->b, (ull)l->b, (ull)l->refused,
		  l->buffers ? " b1=1.0,4194304 b2=1.0,8388608" : "");
	past_look(&text, 62000, "%s", "");
	past_end(&text, 63000);
	past_write(&text, file);
}

/* a has 12M, b has 4M. */
static const struct load usual_load = { CAMERA, 12 * MIB, 4 * MIB, 0, false };

static void usual(void)
{
	tap_dir(t.dir);
	write_load("h", &usual_load);
}

/* Makes "FILE" of a tree with these nodes in /reserved-memory. */
static void tree(const char *file, const char *compatible, const char *args, const char *nodes)
{
	char source[5000], blob[5000];
	const char *argv[] = { "/usr/bin/dtc", "-q", "-I", "dts", "-O", "dtb", "-o", blob, source, NULL };

	put("tree.dts",
	    "/dts-v1/;\n/ {\n#address-cells = <1>;\n#size-cells = <1>;\ncompatible = \"%s\";\n"
	    "memory@0 { device_type = \"memory\"; reg = <0x0 0x80000000>; };\nchosen { bootargs = \"%s\"; };\n"
	    "reserved-memory {\n#address-cells = <1>;\n#size-cells = <1>;\nranges;\n%s};\n};\n", compatible, args, nodes);
	snprintf(blob, sizeof(blob), "%s", tap_path(file));
	snprintf(source, sizeof(source), "%s", tap_path("tree.dts"));
	if (run(argv))
		printf("# %s\n", get("err"));
}

#define POOL	"compatible = \"shared-dma-pool\"; reusable; "
#define AREA(size) "camera@64000000 { " POOL "reg = <0x64000000 " size ">; };\n"

/* ---- sizes ---- */

static void test_sizes(void)
{
	usual();
	tree("b.dtb", "test,board", "", AREA("0x1000000"));
	checked("a load fits exactly", "--check --dtb=b.dtb h", 0, "16M  16M       0 fits", "");
	tree("b.dtb", "test,board", "", AREA("0xc00000"));
	checked("an area is too small", "--check --dtb=b.dtb h", 1, "16M  12M       0 too small by 4M", "");
	check(plan("--check --dtb=b.dtb --json h") == 1 &&
	      !jq(&t, ".check == [{region: \"" CAMERA "\", unit: null, need: 16777216, size: 12582912, refused: 0, "
		      "result: \"too small\", short: 4194304}]"), "the same as JSON", "%s", get("json"));
	checked("a size of the command line counts", "--check --dtb=b.dtb --size=" CAMERA "=16M h", 0, "fits", "");
	checked("and needs no tree", "--check --size=" CAMERA "=15M h", 1, "too small by 1M", "");
	tree("b.dtb", "test,board", "", AREA("0x1000000"));
	checked("the headroom counts", "--check --headroom=25 --dtb=b.dtb h", 1, "20M  16M       0 too small by 4M", "");
	tree("b.dtb", "test,board", "", "camera@64000000 { " POOL "size = <0x1400000>; };\n");
	checked("an area that the kernel places", "--check --dtb=b.dtb h", 0, "16M  20M       0 fits", "");
	tree("b.dtb", "test,board", "", "camera@64000000 { " POOL "reg = <0x64000000 0x1000000>; status = \"disabled\"; };\n");
	checked("a disabled node is no area", "--check --dtb=b.dtb h", 3, "unknown", CAMERA ": its size is unknown");
	tree("b.dtb", "test,board", "", "display@60000000 { " POOL "reg = <0x60000000 0x1000000>; };\n");
	checked("an area that the tree does not have", "--check --dtb=b.dtb h", 3, "unknown", "add --size=" CAMERA "=SIZE");
}

static void test_default_area(void)
{
	const struct load l = { "cma/linux,cma", 12 * MIB, 4 * MIB, 0, false };

	tap_dir(t.dir);
	write_load("h", &l);
	tree("b.dtb", "test,board", "quiet cma=16M@0-1G", "");
	checked("the area of the command line", "--check --dtb=b.dtb h", 0, "16M  16M", "");
	tree("b.dtb", "test,board", "cma=8M", "");
	checked("it is too small", "--check --dtb=b.dtb h", 1, "too small by 8M", "");
	tree("b.dtb", "test,board", "quiet", "");
	checked("it is unknown", "--check --dtb=b.dtb h", 3, "unknown", "its size is unknown");
}

/* Memory without a size to choose needs no tree, but must refuse nothing. */
static void test_others(void)
{
	struct load l = { "heap/system", 12 * MIB, 4 * MIB, 0, false };

	tap_dir(t.dir);
	write_load("h", &l);
	checked("system memory has no size", "--check h", 0, "not sized", "");
	l.refused = 1;
	unlink(tap_path("h"));
	write_load("h", &l);
	checked("but it has refused requests", "--check h", 1, "1 refused", "");
}

static void test_refused(void)
{
	struct load l = usual_load;

	l.refused = 3;
	tap_dir(t.dir);
	write_load("h", &l);
	checked("refused requests are a failure", "--check --size=" CAMERA "=40M h", 1, "16M  40M       3 refused", "");
	checked("also without a size", "--check h", 1, "3 refused", "no sizes: the histories do not contain");
}

/* ---- errors are neither ---- */

static void test_errors(void)
{
	usual();
	checked("no tree", "--check h", 3, "unknown", "no sizes: the histories do not contain the board's device tree");
	checked("no such tree", "--check --dtb=none h", 3, "", "none: No such file or directory");
	put("bad", "not a tree");
	checked("a damaged tree", "--check --dtb=bad h", 3, "", "bad: not a flattened device tree");
	checked("no such history", "--check --size=" CAMERA "=40M none", 3, "", "none: No such file or directory");
	checked("no history", "--check --size=" CAMERA "=40M bad", 3, "", "bad: not a history");
	checked("a full disk", "--check --size=" CAMERA "=40M h >/dev/full", 3, "", "cannot write");
	checked("no such region", "--check --size=cma/none=40M h", 3, "", "cma/none");
	checked("a wrong command line", "--check --units=x h", 2, "", "--help");
	checked("another wrong one", "--check-units=x h", 2, "", "--check-units needs --check");
	checked("--help is no check", "--check --help", 0, "Usage: dmemctl plan", "");
	checked("a plan without --check", "none", 1, "", "none: No such file or directory");
}

/* A part of the recording is lost. */
static void test_damage(void)
{
	static char text[TEXT];

	usual();
	snprintf(text, sizeof(text), "%s", get("h"));
	put("h", "%s", text);
	strstr(text, " S 62000 ")[-1] ^= 1;
	put("damaged", "%s", text);
	checked("a damaged line may have had more", "--check --size=" CAMERA "=40M damaged", 3, "fits", "skipped: damaged");
	checked("what is left does not fit", "--check --size=" CAMERA "=8M damaged", 1, "too small", "skipped: damaged");
	snprintf(text, sizeof(text), "%s", get("h"));
	text[strlen(text) - 3] = 0;
	put("torn", "%s", text);
	checked("the end of a file may be cut off", "--check --size=" CAMERA "=40M torn", 0, "fits", "");
	snprintf(text, sizeof(text), "%s", get("h"));
	put("empty.1", "%s", text);
	put("empty", "%s", "");
	checked("an empty file may have had more", "--check --size=" CAMERA "=40M empty", 3, "fits", "only its older part");
}

/* ---- limits ---- */

#define LIMITS	"--check --size=" CAMERA "=40M --check-units=u h"

static void test_limits(void)
{
	usual();
	put("u/a.service.d/50-x.conf", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 12M\n");
	checked("a limit of the peak", LIMITS, 0, "a.service  12M  12M       - fits", "");
	put("u/a.service.d/50-x.conf", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 11M\n");
	checked("a limit below the peak", LIMITS, 1, "a.service  12M  11M       - too small by 1M", "");
	put("u/a.service.d/60-x.conf", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " max\n");
	checked("the last file counts", LIMITS, 0, "a.service  12M  max       - fits", "");
	put("u/a.service.d/60-x.conf", "[X-Dmem]\nDeviceMemoryMax=dma_heap/camera@64000000 10M\n");
	checked("a limit by the name of the heap", LIMITS, 1, "too small by 2M", "");
	put("u/a.service.d/60-x.conf", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 25%%\n");
	checked("a part of the size", LIMITS, 1, "a.service  12M  10M", "");
	put("u/a.service.d/60-x.conf", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 12M\n");
	put("u/system.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 14M\n");
	checked("a limit of a slice", LIMITS, 1, "system.slice  16M  14M       - too small by 2M", "");
	put("u/system.slice", "[X-Dmem]\nDeviceMemoryMax=" CAMERA " 16M\nDeviceMemoryMax=" CAMERA " lots\n");
	checked("a mistake in a file", LIMITS, 3, "fits", "system.slice:3: 'lots'");
	put("u/system.slice", "%s", "");
	put("u/a.service.d/50-x.conf", "%s", "");
	put("u/a.service.d/60-x.conf", "[X-Dmem]\nDeviceMemoryMax=" DISPLAY " 1M\n");
	checked("no limit of a recorded unit", LIMITS, 3, "fits", "u: no file there limits a recorded unit");
	checked("no directory", "--check --size=" CAMERA "=40M --check-units=none h", 3, "fits", "none: No such file");
	checked("a file in its place", "--check --size=" CAMERA "=40M --check-units=h h", 3, "fits", "h: Not a directory");
}

/* ---- rules ---- */

/* Decodes the YAML string in double quotes at *@s, as YAML folds and unescapes it, to @out. False: it
 * is none, or has characters beyond ASCII. */
static bool decode(const char **s, char *out)
{
	const char *p = *s;

	if (*p++ != '"')
		return false;
	while (*p && *p != '"') {
		unsigned int c;

		if (*p == '\n') {
			while (out[-1] == ' ')
				out--;
			p += strspn(p, "\n ");
			*out++ = ' ';
		} else if (*p != '\\') {
			if (*p < ' ' || *p > '~')
				return false;
			*out++ = *p++;
		} else if (p[1] == '"' || p[1] == '\\') {
			*out++ = p[1];
			p += 2;
		} else if (sscanf(p, "\\u%4x", &c) == 1 && c >= 0x80 && c < 0x10000) {
			out += c < 0x800 ? sprintf(out, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 63)) :
				sprintf(out, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 63), 0x80 | (c & 63));
			p += 6;
		} else {
			return false;
		}
	}
	*out = 0;
	*s = p + 1;
	return *p == '"';
}

/* The decoded expression of a rule, or "". Each rule has the same lines in this order. */
static const char *expression(const char *alert)
{
	static char promql[TEXT];
	static const char * const lines[] = { "\n    for: ", "\n    labels:\n      severity: ", "\n    annotations:\n      summary: \"" };
	char head[100];
	const char *p;

	snprintf(head, sizeof(head), "\n  - alert: %s\n    expr: ", alert);
	p = strstr(get("out"), head);
	if (!p)
		return "";
	p += strlen(head);
	if (!decode(&p, promql))
		return "not a string";
	for (size_t i = 0; i < 3; i++) {
		if (strncmp(p, lines[i], strlen(lines[i])))
			return "not these lines";
		p += strlen(lines[i]);
		p += strcspn(p, "\n");
	}
	return p[-1] == '"' ? promql : "no end";
}

#define CHARGED(region) "dmem_region_charged_bytes{region=\"" region "\"}"
#define FULL(region, n) CHARGED(region) " + (dmem_region_unaccounted_bytes{region=\"" region "\"} or " CHARGED(region) " * 0) > " n
#define NEAR(region, cgroup, n) "dmem_cgroup_charged_bytes{region=\"" region "\",cgroup=\"/" cgroup "\"} > " n

static void test_alerts(void)
{
	struct load l = usual_load;

	l.buffers = true;
	tap_dir(t.dir);
	write_load("h", &l);
	check(!plan("--headroom=50 --alerts=- h") && !*get("err"), "rules are printed", "%s", get("err"));
	/* The need is 16M, the size is kept at 40M. */
	check_text(expression("DmemRegionNearlyFull"), FULL(CAMERA, "29360128"), "a region between need and size");
	/* Peaks of 12M and 4M, limits of 20M (one more buffer of 8M) and 6M. */
	check_text(expression("DmemNearLimit"), NEAR(CAMERA, A, "15728640") " or " NEAR(CAMERA, B, "5242880"),
		   "services between peak and limit");
	check_text(expression("DmemRegionFragmented"),
		   "dmem_region_largest_free_bytes{region=\"" CAMERA "\"} < 8388608 and "
		   "dmem_region_free_bytes{region=\"" CAMERA "\"} >= 8388608", "the largest buffer");
	check_text(expression("DmemRequestsRefused"),
		   "max by (job, instance, region, reason) (increase(dmem_cgroup_refused_total[10m])) > 0 or "
		   "max by (job, instance, region, reason) (dmem_cgroup_refused_total unless dmem_cgroup_refused_total "
		   "offset 10m) > 0", "any refused request");
	check(!plan("--alerts=- h"), "rules without headroom", "%s", get("err"));
	check_text(expression("DmemNearLimit"), NEAR(CAMERA, A, "12582911") " or " NEAR(CAMERA, B, "4194303"),
		   "a limit of the peak is reached");
	unlink(tap_path("h"));
	write_load("h", &usual_load);
	check(!plan("--alerts=- h") && !strstr(get("out"), "DmemRegionFragmented"),
	      "without sizes of buffers there is no rule for them", "%s", get("out"));
	check(!plan("--without=a --alerts=- h") && strstr(get("out"), "# The load of the plan is not the recorded one.\n"),
	      "a changed load is mentioned", "%s", get("out"));
}

static void test_file(void)
{
	usual();
	checked("rules go to a file", "--alerts=r.yml h", 0, "16M", "");
	check(strstr(get("r.yml"), "\ngroups:\n- name: dmem\n  rules:\n  - alert: ") != NULL, "it has rules", "%s", get("r.yml"));
	put("r.yml", "mine\n");
	checked("an existing file is kept", "--alerts=r.yml h", 1, "", "file exists, nothing was written: use --force");
	check_text(get("r.yml"), "mine\n", "it is the same");
	checked("and replaced with --force", "--force --alerts=r.yml h", 0, "", "");
	check(strstr(get("r.yml"), "groups:") != NULL, "it has the rules", "%s", get("r.yml"));
	checked("two outputs are too many", "--json --alerts=- h", 2, "", "can be printed");
}

/* The names of metrics and the values of labels are those of "dmemctl metrics". */
static void test_metrics(void)
{
	static const char * const names[] = {
		"dmem_region_charged_bytes", "dmem_region_unaccounted_bytes", "dmem_region_largest_free_bytes",
		"dmem_region_free_bytes", "dmem_cgroup_charged_bytes",
	};
	static char rules[TEXT];
	const struct load l = { CAMERA, 12 * MIB, 0, 0, true };
	size_t n = 0;

	board(&t);
	write_load("h", &l);
	check(!plan("--alerts=- h"), "the rules of a machine", "%s", get("err"));
	for (size_t i = 0; i < 5; i++) {
		snprintf(rules, sizeof(rules), "%s%s%s", expression("DmemRegionNearlyFull"), "", "");
		strncat(rules, expression("DmemRegionFragmented"), sizeof(rules) - strlen(rules) - 1);
		strncat(rules, expression("DmemNearLimit"), sizeof(rules) - strlen(rules) - 1);
		n += strstr(rules, names[i]) != NULL;
	}
	check(n == 5, "they use these metrics", "%zu", n);
	check(!tool(&t, "metrics --all"), "the machine has metrics", "%s", get("err"));
	for (size_t i = n = 0; i < 5; i++) {
		char head[100];

		snprintf(head, sizeof(head), "# TYPE %s gauge\n", names[i]);
		n += strstr(get("out"), head) != NULL;
	}
	check(n == 5, "metrics have these names", "%zu: %s", n, get("out"));
	check(strstr(get("out"), "dmem_region_charged_bytes{region=\"" CAMERA "\"}") &&
	      strstr(get("out"), "{cgroup=\"/system.slice/camera.service\",region=\"" CAMERA "\",") &&
	      strstr(get("out"), "dmem_cgroup_refused_total{"), "metrics have these labels", "%s", get("out"));
}

/* The value of the next @key of the rule in a file of rules that are written by hand. */
static const char *shipped(const char *rules, const char *alert, const char *key)
{
	static char value[TEXT];
	char head[100];
	const char *p, *end;

	snprintf(head, sizeof(head), "\n  - alert: %s\n", alert);
	p = strstr(rules, head);
	end = p ? strstr(p + 1, "\n  - ") : NULL;
	snprintf(head, sizeof(head), "\n%s: ", key);
	p = p ? strstr(p, head) : NULL;
	if (!p || (end && p > end))
		return "";
	p += strlen(head);
	/* A value ends at the next line that is not further inside. */
	end = strstr(p, "\n    labels:");
	if (strncmp(key, "    expr", 8) || !end)
		end = p + strcspn(p, "\n");
	snprintf(value, sizeof(value), "%.*s", (int)(end - p), p);
	for (char *at; (at = strstr(value, "\n      "));)
		memmove(at + 1, at + 7, strlen(at + 7) + 1), *at = ' ';
	return value;
}

/* A rule of a plan and the general one of the same name are the same alert, so their labels are
 * equal; for refused requests, no figure is needed, and all is equal. */
static void test_shipped(const char *path)
{
	static const char * const names[] = { "DmemRegionNearlyFull", "DmemRegionFragmented", "DmemRequestsRefused" };
	struct load l = usual_load;
	static char rules[DOCS_TEXT], plans[TEXT];

	l.buffers = true;
	docs_read(path, rules);
	tap_dir(t.dir);
	write_load("h", &l);
	check(!plan("--alerts=- h"), "a plan has rules", "%s", get("err"));
	snprintf(plans, sizeof(plans), "%s", get("out"));
	for (size_t i = 0; i < 3; i++) {
		char severity[100];

		tap_case("%s", names[i]);
		snprintf(severity, sizeof(severity), "%s", shipped(plans, names[i], "      severity"));
		check_text(shipped(rules, names[i], "      severity"), severity, "it has one severity");
		check(*severity, "it has a severity", "%s", plans);
	}
	tap_case("%s", "");
	check_text(shipped(rules, names[2], "    expr"), expression(names[2]), "refused requests have one expression");
}

/* Names that could end a string of YAML or PromQL, begin a template, or break a line. */
static void test_hostile_names(void)
{
	static const struct { const char *name, *label; } names[] = {
		{ "cma/a\"b", "cma/a\\\"b" }, { "cma/a\\", "cma/a\\\\" }, { "cma/'{{ $labels }}'", "cma/'{{ $labels }}'" },
		{ "cma/a\nb", "cma/a\\\\x0ab" }, { "cma/\xc3\xa4", "cma/\xc3\xa4" }, { "cma/\xe2\x82\xac", "cma/\xe2\x82\xac" },
		{ "cma/\xff", "cma/\\\\xff" }, { "cma/# x: |", "cma/# x: |" }, { "cma/} or vector(1)", "cma/} or vector(1)" },
		{ "cma/a\xe2\x80\xa8" "b", NULL },
	};
	char want[1000], label[200];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct load l = { names[i].name, 12 * MIB, 4 * MIB, 0, false };
		const char *got;
		size_t templates = 0;

		tap_case("name %zu", i);
		tap_dir(t.dir);
		write_load("h", &l);
		check(!plan("--alerts=- h"), "the rules are printed", "%s", get("err"));
		got = expression("DmemRegionNearlyFull");
		snprintf(label, sizeof(label), "%s", names[i].label ? names[i].label : "");
		snprintf(want, sizeof(want), "dmem_region_charged_bytes{region=\"%s\"} + (dmem_region_unaccounted_bytes{region=\"%s\"}"
			 " or dmem_region_charged_bytes{region=\"%s\"} * 0) > ", label, label, label);
		check(names[i].label ? !strncmp(got, want, strlen(want)) : !strncmp(got, "dmem_region_charged_bytes{", 26),
		      "the expression has the name", "%s, not %s", got, want);
		for (const char *p = get("out"); (p = strstr(p, "summary:")); p++)
			templates += strstr(p, "{{ $labels") != NULL && !memmem(p, strcspn(p, "\n"), "cma/", 4);
		check(templates == 3, "no summary has the name", "%zu: %s", templates, get("out"));
	}
	tap_case("%s", "");
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	t = (struct tool){ .program = argv[1], .jq = argv[2], .dir = argv[3] };
	tap_start();
	RUN(test_sizes);
	RUN(test_default_area);
	RUN(test_others);
	RUN(test_refused);
	RUN(test_errors);
	RUN(test_damage);
	RUN(test_limits);
	RUN(test_alerts);
	RUN(test_file);
	RUN(test_metrics);
	RUN(test_shipped, argv[4]);
	RUN(test_hostile_names);
	return tap_end();
}
