// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lsdmem on fake machines: what it prints, to the letter, and that its JSON is some.
 *
 *   test_lsdmem LSDMEM DIR EXPECTED JQ
 *
 * With UPDATE in the environment, the files in EXPECTED are written anew: read the changes.
 */
#include <dirent.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmem/dmem.h"
#include "docs.h"
#include "tap.h"
#include "machine.h"
#include "tool.h"

#define TEXT	(1 << 20)

#define COMMAND	"$ lsdmem"

/* The message in a container. */
#define UNSEEN	"lsdmem: in a cgroup namespace, as in a container: LIMIT is the lowest limit that is seen here; " \
		"cgroups above may have a lower one, which cannot be seen\n"

/*
 * A file MACHINE-CASE: an SPDX line, the command, and its output. With UPDATE, the output is
 * written anew.
 */
static void expected_case(const struct tool *t, const char *path, const char *file)
{
	static char text[TEXT];
	char args[256], name[64];
	char *command, *want;
	struct fake f;
	FILE *o;

	docs_read(path, text);
	command = strstr(text, "\n" COMMAND);
	want = command ? strchr(command + 1, '\n') : NULL;
	tap_case("%s", file);
	if (!check(want != NULL, "the file has a command", "%s", text))
		return;
	command += strlen("\n" COMMAND);
	snprintf(args, sizeof(args), "%.*s", (int)(want - command), command);
	want++;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(file, "-"), file);
	tap_dir(t->dir);
	if (!check(machine(&f, name), "the machine exists", "there is no machine '%s'", name))
		return;
	/* LIMIT is in all of these cases but the list of buffers. */
	check(!tool(t, args) && !strcmp(get("err"), f.namespaced && !strstr(args, "-B") && !strstr(args, "--buffers") ?
					UNSEEN : ""), "lsdmem succeeds without another message", "%s",
	      get("err"));
	if (getenv("UPDATE")) {
		o = fopen(path, "w");
		if (!check(o != NULL, "the file is written", "%s", path))
			return;
		fprintf(o, "%.*s%s", (int)(want - text), text, get("out"));
		fclose(o);
	} else {
		check_text(get("out"), want, "the output is as expected");
	}
}

static void test_expected(const struct tool *t, const char *dir)
{
	struct dirent **de;
	int n = scandir(dir, &de, NULL, alphasort), cases = 0;
	char path[4096];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, de[i]->d_name);
		if (*de[i]->d_name != '.') {
			expected_case(t, path, de[i]->d_name);
			cases++;
		}
		free(de[i]);
	}
	if (n >= 0)
		free(de);
	tap_case("%s", "");
	check(cases >= 36, "all files are there", "%d in %s", cases, dir);
}

static const char * const views[] = { "", "--tree ", "--tree --all ", "--buffers " };
static const char * const machines[] = { "6.14", "7.2", "7.3", "ours", "container", "empty" };

#define N(array)	(sizeof(array) / sizeof(*(array)))

/* For JSON: sizes and counts are numbers or null, and none is negative; a limit may be "max". All
 * other values are strings, arrays of strings, true, false, or null. */
#define RIGHT \
	"([.. | objects | to_entries[] | " \
	"  select(.key | IN(\"name\", \"heaps\", \"unit\", \"region\", \"path\", \"children\", \"exporter\"," \
	"   \"cgroup\", \"processes\", \"heap\", \"kernel\", \"regions\", \"buffers\"," \
	"   \"limit_partial\") | not) | " \
	"  select((.key | IN(\"max\", \"limit\") | not) or .value != \"max\") | .value | " \
	"  select(type != \"null\" and (type != \"number\" or . < 0))] == []) and " \
	"([.. | .heaps?, .processes? | values | select(type != \"array\" or any(.[]; type != \"string\"))] " \
	" == []) and " \
	"([.. | .name?, .unit?, .path?, .cgroup? | values | select(type != \"string\")] == []) and " \
	"([.. | objects | .kernel?, .limit_partial? | values | select(type != \"boolean\")] == [])"

static void test_json(const struct tool *t)
{
	static const char * const formats[] = { "-J", "-J -b", "-J -n", "-J -b -n" };
	static const char * const columns[] = { "", " -O", " -o +name", " -o name" };
	char args[256], name[512], *texts;
	int bad = 0, n = 0;
	struct fake f;
	size_t len;

	for (size_t m = 0; m < N(machines); m++) {
		FILE *all = open_memstream(&texts, &len);

		tap_dir(t->dir);
		machine(&f, machines[m]);
		for (size_t i = 0; i < N(views) * N(formats) * N(columns); i++, n++) {
			/* Without regions, only buffers can be shown. */
			bool none = !strcmp(machines[m], "empty") && i % N(views) != N(views) - 1;

			snprintf(args, sizeof(args), "%s%s%s", views[i % N(views)],
				 formats[i / N(views) % N(formats)], columns[i / N(views) / N(formats)]);

			if (none ? tool(t, args) == 1 && !*get("out") : !tool(t, args) && *get("out")) {
				fputs(get("out"), all);
				continue;
			}
			bad++;
			snprintf(name, sizeof(name), "JSON: %s %s", machines[m], args);
			check(false, name, "%s%s", get("err"), get("out"));
		}
		fclose(all);
		put("out", "%s", texts);
		if (jq(t, "[., inputs] | all(.[]; " RIGHT ")")) {
			bad++;
			put("out", "%s", texts);
			jq(t, "[., inputs] | map(select(" RIGHT " | not))[0]");
			snprintf(name, sizeof(name), "JSON: %s", machines[m]);
			check(false, name, "%s%s", get("err"), get("out"));
		}
		free(texts);
	}
	snprintf(name, sizeof(name), "JSON of all sets of options has numbers only");
	check(!bad && n == 384, name, "%d of %d", bad, n);
}

/* The sums that must hold between the views. */
static void test_sums(const struct tool *t)
{
	struct fake f;
	char *bytes;

	tap_dir(t->dir);
	machine(&f, "ours");
	tool(t, "-J");
	check(!jq(t, ".regions | length == 4 and all(.[]; .name == \"heap/system\" or "
		  ".charged + .unaccounted + .free == .capacity)"),
	      "charged, unaccounted and free are the capacity", "%s", get("json"));
	tool(t, "-J");
	check(!jq(t, ".regions[] | select(.name == \"cma/camera@64000000\") | .refused == 12"),
	      "refusals of a region are those of its top-level cgroups", "%s", get("json"));
	tool(t, "-J --tree --all -O");
	check(!jq(t, "[.regions[] | recurse(.children[]?)] | length == 4 * 11"),
	      "--all has each cgroup once in each region", "%s", get("json"));
	tool(t, "-J --tree");
	check(!jq(t, "[.regions[] | recurse(.children[]?) | select(.charged == 0 and .min == 0 and "
		  ".low == 0 and .max == \"max\" and (.children | not) and .unit)] == []"),
	      "without --all, no cgroup that does nothing", "%s", get("json"));
	tool(t, "-J --tree");
	check(!jq(t, "[.regions[] | recurse(.children[]?) as $p | $p.children[]? | "
		  "select(.limit > $p.limit)] == []"),
	      "no limit is above that of the parent", "%s", get("json"));
	tool(t, "-J -b");
	bytes = strdup(get("out"));
	tool(t, "-J");
	check_text(get("out"), bytes, "JSON has bytes whatever -b says");
	free(bytes);
}

static void test_regions(const struct tool *t)
{
	struct fake f;

	tap_dir(t->dir);
	machine(&f, "ours");
	check(tool(t, "-rn -o name dma_heap/default_cma_region drm/none") == 1 && !*get("out"),
	      "a name of no region is an error", "%s", get("out"));
	check_text(get("err"), "lsdmem: drm/none: no such region: see lsdmem\n",
		   "the message has the name of the missing region");
	check(!tool(t, "-rn -o name dma_heap/default_cma_region heap/system"),
	      "the name of a heap is accepted for its region",
	      "%s", get("err"));
	check_text(get("out"), "cma/linux,cma\nheap/system\n",
		   "the name of a heap selects its region");
	check(!tool(t, "-rn --tree -o path,region heap/system"),
	      "the tree of one region can be shown", "%s", get("err"));
	check_text(get("out"), "/ heap/system\n/machine.slice heap/system\n"
		   "/machine.slice/c1.scope heap/system\n/machine.slice/c1.scope/payload heap/system\n"
		   "/system.slice heap/system\n/system.slice/late.service heap/system\n",
		   "the tree of one region has no other region");
	tool(t, "-rn --tree -o path,charged heap/system");
	put("charged", "%s", get("out"));
	check(!tool(t, "-rn --tree -o path,current heap/system"), "a column has another name", "%s",
	      get("err"));
	check_text(get("out"), get("charged"), "both names are the same column");
	check(!tool(t, "-rn --buffers -o inode cma/display@60000000"),
	      "the buffers of one region can be shown",
	      "%s", get("err"));
	check_text(get("out"), "102\n103\n", "the buffers of one region are those known to be in it");
}

static void test_usage(const struct tool *t)
{
	static const struct {
		const char *args, *says;
	} wrong[] = {
		{ "--tree --buffers", "--tree and --buffers cannot be combined" },
		{ "--all", "--all needs --tree" },
		{ "-J -r", "--json and --raw cannot be combined" },
		{ "-O -o NAME", "--output and --output-all cannot be combined" },
		{ "-o NAME,NOSUCH", "unknown column: NOSUCH" },
		{ "-o NAME,", "unknown column: " },
		{ "-o +", "unknown column: " },
		{ "--tree -o CAPACITY", "unknown column: CAPACITY" },
		{ "-x", "unknown option: -x" },
		{ "-o", "option needs a value: -o" },
		{ "--nonsense", "unknown option, or an option without a value: --nonsense" },
		{ "--json=x", "unknown option, or an option without a value: --json=x" },
	};
	char want[256];
	struct fake f;

	tap_dir(t->dir);
	machine(&f, "ours");
	for (size_t i = 0; i < N(wrong); i++) {
		int rc = tool(t, wrong[i].args);

		tap_case("%s", wrong[i].args);
		snprintf(want, sizeof(want), "lsdmem: %s\nTry 'lsdmem --help' for more information.\n",
			 wrong[i].says);
		check(rc == 2 && !*get("out"), "the status is 2, without output", "status %d, %s",
		      rc, get("out"));
		check_text(get("err"), want, "the message on stderr");
	}
	tap_case("%s", "");
	check(!tool(t, "--version") && !strncmp(get("out"), "lsdmem ", 7), "--version", "%s", get("out"));
	check(!tool(t, "--help") && strstr(get("out"), "--sysroot") && strstr(get("out"), "UNACCOUNTED") &&
	      strstr(get("out"), "EV_EXHAUSTED") && strstr(get("out"), "PROCESSES"), "--help", "%s", get("out"));
}

/* Each byte that a cgroup's name can have, and a region with special characters of JSON and
 * terminals. */
static void test_names(const struct tool *t)
{
	static const char region[] = "cma/\"a\\b\"%s,\xc3\xa4@1";
	const struct fake_use use[] = { { region, .current = 4096 } };
	char name[512], path[1024];
	struct fake f;
	size_t len = 0;

	tap_dir(t->dir);
	fake_start(&f, FAKE_OURS);
	fake_region(&f, region, 8192);
	fake_cgroup(&f, "", use, 1);
	for (int c = 1; c < 256; c++) {
		if (c != '/' && c != '\n')
			name[len++] = (char)c;
		if (len == 120 || c == 255) {
			name[len] = 0;
			fake_cgroup(&f, name, use, 1);
			len = 0;
		}
	}
	fake_cgroup(&f, ".control", use, 1);
	snprintf(path, sizeof(path), "%s", "a b");
	for (int i = 0; i < 20; i++)
		strcat(path, "/a b");
	fake_cgroup(&f, path, use, 1);
	check(!tool(t, "--tree"), "every character: text", "%s", get("err"));
	for (const char *c = get("out"); *c; c++)
		len += (unsigned char)*c < 0x20 && *c != '\n';
	check(!len, "no control character reaches a terminal", "%zu of them: %s", len, get("out"));
	check(!tool(t, "--tree -r"), "every character: raw", "%s", get("err"));
	len = 0;
	for (char *l = strtok(get("out"), "\n"); l; l = strtok(NULL, "\n")) {
		size_t blanks = 0;

		for (; *l; l++)
			blanks += *l == ' ';
		len += blanks != 8;
	}
	check(!len, "raw lines have as many blanks as columns", "%zu lines do not", len);
	check(!tool(t, "--tree -J -o name"), "every character: JSON", "%s", get("err"));
	check(mbstowcs(NULL, get("out"), 0) != (size_t)-1, "JSON is UTF-8", "%s", get("out"));
	check(!jq(t, "[.regions[].children[].name] | length == 5 and any(.[]; . == \".control\") and "
		  "any(.[]; contains(\"\\u0001\\u0002\\u0003\") and contains(\"\\b\\t\\u000b\") and contains(\"\\\"#\") and contains(\"[\\\\]\"))"),
	      "JSON gives the names as they are", "%s", get("json"));
	tool(t, "\x1b[31m\xff");
	check_text(get("err"), "lsdmem: \\x1b[31m\\xff: no such region: see lsdmem\n",
		   "no control character of a message reaches a terminal");
	tool(t, "--tree -J -o name");
	check(!jq(t, ".regions[0].name == \"cma/\\\"a\\\\b\\\"%s,\\u00e4@1\""),
	      "JSON gives the name of the region as it is", "%s",
	      get("json"));
}

/* All formats print a name in the same spelling, which can be decoded. */
static void test_spelling(const struct tool *t)
{
	static const char region[] = "cma/a";
	static const struct fake_use use[] = { { region, .current = 4096 } };
	static const struct {
		const char *name, *printed;
	} names[] = {
		{ "app-foo\\x2dbar.scope", "app-foo\\x2dbar.scope" },
		{ "mnt-a\\x20b.mount", "mnt-a\\x20b.mount" },
		{ "gr\xc3\xb6\xc3\x9f" "e.slice", "gr\xc3\xb6\xc3\x9f" "e.slice" },
		{ "c1\xc2\x9b", "c1\\xc2\\x9b" },
		{ "esc\x1b[31m", "esc\\x1b[31m" },
		{ "odd\xff", "odd\\xff" },
		{ "rtl\xe2\x80\xaegpj", "rtl\\xe2\\x80\\xaegpj" },
	};
	size_t wrong;
	struct fake f;

	tap_dir(t->dir);
	fake_start(&f, FAKE_OURS);
	fake_region(&f, region, 8192);
	fake_cgroup(&f, "", use, 1);
	for (size_t i = 0; i < N(names); i++)
		fake_cgroup(&f, names[i].name, use, 1);
	tool(t, "--tree -n -o PATH");
	put("text", "%s", get("out"));
	tool(t, "--tree -rn -o PATH");
	put("raw", "%s", get("out"));
	for (size_t i = 0; i < N(names); i++) {
		struct dmem_arena a = { 0 };
		char line[64];

		tap_case("%s", names[i].printed);
		snprintf(line, sizeof(line), "/%s\n", names[i].printed);
		check(strstr(get("text"), line) && strstr(get("raw"), line),
		      "all formats have one spelling", "%s",
		      get("text"));
		check_text(dmem_name_decode(&a, names[i].printed),
			   strchr(names[i].name, '\\') && strstr(names[i].name, "x20") ? "mnt-a b.mount" :
			   names[i].name, "the spelling leads back to the name");
		dmem_arena_free(&a);
	}
	tap_case("%s", "");
	setenv("LC_ALL", "C", 1);
	tool(t, "--tree -rn -o PATH");
	setenv("LC_ALL", "C.UTF-8", 1);
	check(strstr(get("out"), "/gr\\xc3\\xb6\\xc3\\x9fe.slice\n") &&
	      strstr(get("out"), "/app-foo\\x2dbar.scope\n"), "characters that the locale lacks are escaped", "%s",
	      get("out"));
	tool(t, "--tree -J -o path");
	check(!jq(t, "[.regions[].path] as $p | all((\"/app-foo\\\\x2dbar.scope\", "
		  "\"/gr\\u00f6\\u00dfe.slice\", \"/esc\\u001b[31m\", \"/c1\\u009b\", \"/odd\\\\xff\"); "
		  "[.] - $p == [])"), "JSON has the names as they are, except for bytes that are no text", "%s",
	      get("json"));
	wrong = 0;
	tool(t, "--tree -r -O");
	for (char *l = strtok(get("out"), "\n"), *head = l; l; l = strtok(NULL, "\n")) {
		size_t words = 1, blanks = 0;

		for (char *c = l; *c; c++) {
			blanks += *c == ' ';
			words += *c == ' ' && c[1] && c[1] != ' ';
		}
		if (blanks + 1 != words || words != 21) {
			printf("# %s: %s\n", head, l);
			wrong++;
		}
	}
	check(!wrong, "each raw line has a word for each column", "%zu lines do not", wrong);
}

int main(int argc, char **argv)
{
	struct tool t = { .program = argc > 4 ? argv[1] : "", .jq = argc > 4 ? argv[4] : "",
			  .dir = argc > 4 ? argv[2] : "" };

	if (argc < 5)
		return 2;
	/* For the branches of trees; nothing of the caller's terminal. */
	setenv("LC_ALL", "C.UTF-8", 1);
	setlocale(LC_ALL, "");
	unsetenv("COLUMNS");
	tap_start();
	tap_dir(argv[2]);
	RUN(test_expected, &t, argv[3]);
	RUN(test_json, &t);
	RUN(test_sums, &t);
	RUN(test_regions, &t);
	RUN(test_usage, &t);
	RUN(test_names, &t);
	RUN(test_spelling, &t);
	return tap_end();
}
