// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mutmap - which functions that the series changes does no mutant break?
 *
 *   mutmap TREE SERIES MUTANTS NONE
 *
 * TREE has the files of the series, SERIES is its diff without context (or with:
 * only what is added counts), MUTANTS the patch that puts the mutants on top of it.
 * NONE names the functions for which there is no mutant, and why: "FILE FUNCTION
 * REASON", FUNCTION "*" for all of a file.
 *
 * Prints "FILE: FUNCTION: N lines" for each function with lines of the series that
 * has neither a mutant nor a line in NONE, and each line of NONE that is not needed;
 * on stderr, how many functions there are. Ends with 0 if nothing is printed, with 1
 * if something is, and with 2 if a file cannot be read or nothing is there to look at.
 *
 * A function begins, as the kernel's are written, with a line that has a "(" and
 * whose first character is part of a name; its body is between lines that begin with
 * "{" and "}". One whose body is in its first line counts as well.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"

struct function {
	char *file, *name;
	int first, last;	/* lines */
	int added, mutants;
};

struct exempt {
	char *file, *name;
	int line, used;
};

static struct function *functions;
static int n_functions;
static struct exempt *exempts;
static int n_exempts;

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The name before the first "(". */
static char *name_of(const char *line)
{
	const char *end = strchr(line, '('), *start;

	if (!end)
		return NULL;
	for (start = end; start > line && in_name(start[-1]); start--)
		;
	return start == end ? NULL : check(strndup(start, end - start));
}

static bool may_begin(const char *line)
{
	static const char * const no[] = { "typedef ", "EXPORT_", "MODULE_", "__setup", "extern " };
	size_t i;

	if (!isalpha((unsigned char)*line) && *line != '_')
		return false;
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (!strncmp(line, no[i], strlen(no[i])))
			return false;
	}
	return strchr(line, '(');
}

static void add_function(const char *file, char *name, int first, int last)
{
	functions = check(realloc(functions, (n_functions + 1) * sizeof(*functions)));
	functions[n_functions++] = (struct function){
		.file = check(strdup(file)), .name = name, .first = first, .last = last,
	};
}

static void read_functions(const char *tree, const char *file)
{
	char path[4096], *line = NULL, *name = NULL;
	int n = 0, first = 0;
	bool body = false;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", tree, file);
	f = open_or_die(path);
	while (getline(&line, &size, f) > 0) {
		n++;
		if (body) {
			if (*line != '}')
				continue;
			add_function(file, name, first, n);
			name = NULL;
			body = false;
		} else if (*line == '{' && name) {
			body = true;
		} else if (may_begin(line)) {
			free(name);
			name = name_of(line);
			first = n;
			if (name && strstr(line, ") {") && strchr(line, '}')) {
				add_function(file, name, n, n);
				name = NULL;
			}
		} else if (!isspace((unsigned char)*line) || strchr(line, ';')) {
			/* A prototype, a structure: no function any more. */
			free(name);
			name = NULL;
		}
	}
	free(name);
	free(line);
	fclose(f);
}

static struct function *function_at(const char *file, int line)
{
	int i;

	for (i = 0; i < n_functions; i++) {
		struct function *fn = &functions[i];

		if (line >= fn->first && line <= fn->last && !strcmp(fn->file, file))
			return fn;
	}
	return NULL;
}

/* Neither blank, nor a brace, nor (by how it begins) a comment: something is done. */
static bool does(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	if (*s == '*')
		return in_name(s[1]) || s[1] == '(';
	return *s && !strchr("{}#", *s) && strncmp(s, "/*", 2);
}

static bool is_source(const char *file)
{
	const char *dot = strrchr(file, '.');

	return dot && (!strcmp(dot, ".c") || !strcmp(dot, ".h"));
}

/*
 * Notes the lines that are added. By the series, they are lines of @tree's files. By
 * the mutants, they are not: what counts is the line of the series before which they
 * come, or in whose place.
 */
static void read_diff(const char *tree, const char *path, bool mutants)
{
	FILE *f = open_or_die(path);
	char *line = NULL, *file = NULL;
	int old = 0, new = 0;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, f)) > 0) {
		struct function *fn;

		if (line[len - 1] == '\n')
			line[len - 1] = 0;
		if (!strncmp(line, "+++ ", 4)) {
			free(file);
			file = strncmp(line, "+++ b/", 6) || !is_source(line) ? NULL : check(strdup(line + 6));
			if (file && !mutants)
				read_functions(tree, file);
		} else if (sscanf(line, "@@ -%d", &old) == 1) {
			new = strchr(line, '+') ? atoi(strchr(line, '+')) : 0;
		} else if (*line == '+' && file) {
			fn = function_at(file, mutants ? old : new++);
			if (!fn)
				continue;
			if (mutants)
				fn->mutants++;
			else
				fn->added += does(line + 1);
		} else if (*line == '-' && strncmp(line, "--- ", 4)) {
			old++;
		} else if (*line == ' ' || !*line) {
			old++;
			new++;
		}
	}
	free(file);
	free(line);
	fclose(f);
}

static void read_exempts(const char *path)
{
	char *line = NULL, file[512], name[256];
	FILE *f = open_or_die(path);
	int n = 0, end;
	size_t size = 0;

	while (getline(&line, &size, f) > 0) {
		n++;
		if (*line == '#' || *line == '\n')
			continue;
		end = 0;
		if (sscanf(line, "%511s %255s %n", file, name, &end) != 2 || !line[end])
			die("%s:%d: must be FILE FUNCTION REASON", path, n);
		exempts = check(realloc(exempts, (n_exempts + 1) * sizeof(*exempts)));
		exempts[n_exempts++] = (struct exempt){
			.file = check(strdup(file)), .name = check(strdup(name)), .line = n,
		};
	}
	free(line);
	fclose(f);
}

static bool is_exempt(const struct function *fn)
{
	int i;

	for (i = 0; i < n_exempts; i++) {
		if (strcmp(exempts[i].file, fn->file))
			continue;
		if (strcmp(exempts[i].name, "*") && strcmp(exempts[i].name, fn->name))
			continue;
		exempts[i].used++;
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	int i, changed = 0, with = 0, without = 0, bad = 0;

	if (argc != 5)
		die("usage: mutmap tree series.diff mutants.patch none");
	read_diff(argv[1], argv[2], false);
	read_diff(argv[1], argv[3], true);
	read_exempts(argv[4]);
	for (i = 0; i < n_functions; i++) {
		struct function *fn = &functions[i];

		if (!fn->added)
			continue;
		changed++;
		if (fn->mutants) {
			with++;
		} else if (is_exempt(fn)) {
			without++;
		} else {
			printf("%s: %s: %d lines\n", fn->file, fn->name, fn->added);
			bad = 1;
		}
	}
	for (i = 0; i < n_exempts; i++) {
		if (!exempts[i].used) {
			printf("%s:%d: %s of %s has a mutant, or no line of the series\n", argv[4],
			       exempts[i].line, exempts[i].name, exempts[i].file);
			bad = 1;
		}
	}
	if (!changed)
		die("%s changes no function", argv[2]);
	fprintf(stderr, "      %d functions have lines of the series: %d have mutants, for %d it is told why not\n",
		changed, with, without);
	for (i = 0; i < n_functions; i++) {
		free(functions[i].file);
		free(functions[i].name);
	}
	for (i = 0; i < n_exempts; i++) {
		free(exempts[i].file);
		free(exempts[i].name);
	}
	free(functions);
	free(exempts);
	return bad;
}
