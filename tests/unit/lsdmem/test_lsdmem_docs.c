// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compares the manual of lsdmem and its completions with its help.
 *
 * test_lsdmem_docs LSDMEM DIR MANUAL BASH-COMPLETION ZSH-COMPLETION
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tap.h"
#include "docs.h"
#include "machine.h"
#include "tool.h"

#define TEXT	DOCS_TEXT

static char *read_file(const char *path)
{
	static char text[3][TEXT];
	static int n;
	char *s = text[n++ % 3];

	docs_read(path, s);
	return s;
}

/* Calls @fn for each long option, and for each column, that the help text has. */
static int each(const char *help, bool columns, bool (*fn)(const char *word, const char *text),
		const char *text, char *missing, size_t size)
{
	char copy[TEXT], word[64], *save;
	bool in_columns = false;
	int n = 0;

	*missing = 0;
	snprintf(copy, sizeof(copy), "%s", help);
	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *option = strstr(l, " --");

		if (*l != ' ') {
			in_columns = !strncmp(l, "Available", 9);
			continue;
		}
		if (columns ? !in_columns || sscanf(l, "%63s", word) != 1 :
			      in_columns || !option || sscanf(option, " %63s", word) != 1)
			continue;
		n++;
		if (!fn(word, text))
			snprintf(missing + strlen(missing), size - strlen(missing), "%s ", word);
	}
	return n;
}

static bool in_bold(const char *word, const char *text)
{
	char bold[80];

	snprintf(bold, sizeof(bold), "*%s*", word);
	return strstr(text, bold) != NULL;
}

static bool inside(const char *word, const char *text)
{
	return strstr(text, word) != NULL;
}

static void test_manual(const char *help, const char *manual)
{
	char missing[1024];
	int n = each(help, false, in_bold, manual, missing, sizeof(missing));

	check(n == 12 && !*missing, "the manual has every option", "of %d: %s", n, missing);
	n = each(help, true, in_bold, manual, missing, sizeof(missing));
	check(n > 40 && !*missing, "the manual has every column", "of %d: %s", n, missing);
}

/* Each command in the manual, as it stands there. */
static void test_examples(const struct tool *t, const char *manual)
{
	char copy[TEXT], command[1024], path[4096], root[4096], name[256], *save;
	int n = 0;
	struct fake f;

	tap_dir(t->dir);
	machine(&f, "ours");
	snprintf(root, sizeof(root), "%s", tap_path("root"));
	put("bin/lsdmem", "#!/bin/sh\nexec '%s' --sysroot '%s' \"$@\"\n", t->program, root);
	chmod(tap_path("bin/lsdmem"), 0755);
	snprintf(path, sizeof(path), "%s", tap_path("bin"));
	snprintf(copy, sizeof(copy), "%s", manual);
	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		const char *argv[] = { "/bin/sh", "-euc", command, NULL };
		char *to;
		int rc;

		if (strncmp(l, "\tlsdmem ", 8))
			continue;
		to = command + snprintf(command, 512, "PATH='%s':$PATH\n", path);
		/* Without the page's own escapes. */
		for (const char *c = l + 1; *c && to < command + sizeof(command) - 1; c++) {
			if (*c == '\\' && c[1])
				c++;
			*to++ = *c;
		}
		*to = 0;
		rc = run(argv);
		snprintf(name, sizeof(name), "of the manual: %s", l + 1);
		check(!rc && *get("out") && !*get("err"), name, "status %d: %s", rc, get("err"));
		n++;
	}
	check(n >= 4, "the manual has examples", "%d", n);
}

static void complete(const char *file, const char *words, const char *want)
{
	char program[4096];

	snprintf(program, sizeof(program), "%s", tap_path("bin/lsdmem"));
	docs_complete(file, "lsdmem", program, words, want);
}

static void test_completions(const char *help, const char *bash, const char *zsh)
{
	char missing[1024];
	int n = each(help, false, inside, read_file(zsh), missing, sizeof(missing));

	check(n == 12 && !*missing, "zsh completes every option", "of %d: %s", n, missing);
	run((const char *[]){ "/usr/bin/zsh", "-n", zsh, NULL });
	check(!*get("err"), "zsh understands its completion", "%s", get("err"));
	complete(bash, "--o", "--output --output-all ");
	complete(bash, "--no", "--noheadings ");
	complete(bash, "-o CA", "CAPACITY ");
	complete(bash, "-o NAME,ca", "NAME,CAPACITY ");
	complete(bash, "--output = +com", "+COMMITTED ");
	complete(bash, "--tree -o EV_", "EV_ALLOC_FAIL EV_EXHAUSTED EV_MAX EV_RESERVED ");
	complete(bash, "-nBo k", "KERNEL ");
	complete(bash, "-o NAME,FREE,F", " ");
	complete(bash, "cma/ca", "cma/camera@64000000 ");
	complete(bash, "--tree heap", "heap/system ");
}

int main(int argc, char **argv)
{
	struct tool t = { .program = argc > 5 ? argv[1] : "", .dir = argc > 5 ? argv[2] : "" };
	char help[TEXT], *manual;

	if (argc < 6)
		return 2;
	setenv("LC_ALL", "C.UTF-8", 1);
	tap_start();
	tap_dir(t.dir);
	tool(&t, "--help");
	snprintf(help, sizeof(help), "%s", get("out"));
	manual = read_file(argv[3]);
	RUN(test_manual, help, manual);
	RUN(test_examples, &t, manual);
	RUN(test_completions, help, argv[4], argv[5]);
	return tap_end();
}
