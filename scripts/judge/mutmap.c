// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mutmap - list the functions that the series changes and no mutant does
 *
 *   mutmap TREE SERIES MUTANTS NONE
 *
 * TREE has the files of the series. SERIES is its diff, with or without context: only
 * added lines count. MUTANTS is the patch that adds the mutants to TREE. NONE lists the
 * functions without a mutant: "FILE FUNCTION REASON", with FUNCTION "*" for all of a
 * file.
 *
 * Prints "FILE: FUNCTION: N lines" for each function with lines of the series that has
 * neither a mutant nor a line in NONE, and each line of NONE that is not needed. Prints
 * the number of functions on stderr. The status is 0 if no line was printed, 1 if there
 * was one, and 2 if a file cannot be read or the series changes no function.
 *
 * As in kernel code, a function begins with a line that has a "(" and whose first
 * character is part of a name. Its body is between lines that begin with "{" and "}",
 * or in its first line.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/text.h"

struct function {
	char *file, *name;
	int first, last;	/* lines */
	int added, mutants;
};

struct exempt {
	char *file, *name;
	int line, used;
};

struct map {
	const char *tree;
	struct function *functions;
	int n_functions;
	struct exempt *exempts;
	int n_exempts;
};

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

static void add_function(struct map *m, const char *file, char *name, int first, int last)
{
	m->functions = check(realloc(m->functions, (m->n_functions + 1) * sizeof(*m->functions)));
	m->functions[m->n_functions++] = (struct function){
		.file = copy(file), .name = name, .first = first, .last = last,
	};
}

static void read_functions(struct map *m, const char *file)
{
	char path[4096], *line = NULL, *name = NULL;
	int n = 0, first = 0;
	bool body = false;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", m->tree, file);
	f = open_or_die(path);
	while (getline(&line, &size, f) > 0) {
		n++;
		if (body) {
			if (*line != '}')
				continue;
			add_function(m, file, name, first, n);
			name = NULL;
			body = false;
		} else if (*line == '{' && name) {
			body = true;
		} else if (may_begin(line)) {
			free(name);
			name = name_of(line);
			first = n;
			if (name && strstr(line, ") {") && strchr(line, '}')) {
				add_function(m, file, name, n, n);
				name = NULL;
			}
		} else if (!isspace((unsigned char)*line) || strchr(line, ';')) {
			/* The end of a prototype, or a structure. */
			free(name);
			name = NULL;
		}
	}
	free(name);
	free(line);
	fclose(f);
}

static struct function *function_at(const struct map *m, const char *file, int line)
{
	struct function *fn;

	for (fn = m->functions; fn < m->functions + m->n_functions; fn++) {
		if (line >= fn->first && line <= fn->last && !strcmp(fn->file, file))
			return fn;
	}
	return NULL;
}

/* Not blank, a brace, a directive or, by its first characters, a comment. */
static bool has_code(const char *s)
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

/* A place in a diff. */
struct hunk {
	char *file;		/* NULL if it is no source */
	int old, new;		/* lines */
};

/* "+++ b/FILE" */
static void begin_file(struct map *m, struct hunk *h, const char *line, bool mutants)
{
	free(h->file);
	h->file = NULL;
	if (strncmp(line, "+++ b/", 6) || !is_source(line))
		return;
	h->file = copy(line + 6);
	if (!mutants)
		read_functions(m, h->file);
}

/*
 * An added line of the series is a line of the tree. One of a mutant is not: it counts
 * for the line of the tree that follows it, or that it replaces.
 */
static void count_added(struct map *m, struct hunk *h, const char *line, bool mutants)
{
	struct function *fn = function_at(m, h->file, mutants ? h->old : h->new++);

	if (!fn)
		return;
	if (mutants)
		fn->mutants++;
	else
		fn->added += has_code(line);
}

static void diff_line(struct map *m, struct hunk *h, const char *line, bool mutants)
{
	const char *plus;

	if (!strncmp(line, "+++ ", 4)) {
		begin_file(m, h, line, mutants);
	} else if (sscanf(line, "@@ -%d", &h->old) == 1) {
		plus = strchr(line, '+');
		h->new = plus ? atoi(plus) : 0;
	} else if (*line == '+' && h->file) {
		count_added(m, h, line + 1, mutants);
	} else if (*line == '-') {
		h->old++;
	} else if (*line == ' ' || !*line) {
		h->old++;
		h->new++;
	}
}

static void read_diff(struct map *m, const char *path, bool mutants)
{
	FILE *f = open_or_die(path);
	struct hunk h = {};
	char *line = NULL;
	size_t size = 0;

	while (next_line(f, &line, &size))
		diff_line(m, &h, line, mutants);
	free(h.file);
	free(line);
	fclose(f);
}

static void read_exempts(struct map *m, const char *path)
{
	char *line = NULL, file[512], name[256];
	FILE *f = open_or_die(path);
	int n = 0, end;
	size_t size = 0;

	while (next_line(f, &line, &size)) {
		n++;
		if (*line == '#' || !*line)
			continue;
		end = 0;
		if (sscanf(line, "%511s %255s %n", file, name, &end) != 2 || !line[end])
			die("%s:%d: write 'FILE FUNCTION REASON'", path, n);
		m->exempts = check(realloc(m->exempts, (m->n_exempts + 1) * sizeof(*m->exempts)));
		m->exempts[m->n_exempts++] = (struct exempt){
			.file = copy(file), .name = copy(name), .line = n,
		};
	}
	free(line);
	fclose(f);
}

static bool is_exempt(struct map *m, const struct function *fn)
{
	struct exempt *e;

	for (e = m->exempts; e < m->exempts + m->n_exempts; e++) {
		if (strcmp(e->file, fn->file))
			continue;
		if (strcmp(e->name, "*") && strcmp(e->name, fn->name))
			continue;
		e->used++;
		return true;
	}
	return false;
}

/* Returns whether a function has neither a mutant nor a line in the list. */
static bool print_functions(struct map *m, const char *series)
{
	int changed = 0, with = 0, exempt = 0;
	const struct function *fn;
	bool bad = false;

	for (fn = m->functions; fn < m->functions + m->n_functions; fn++) {
		if (!fn->added)
			continue;
		changed++;
		if (fn->mutants) {
			with++;
		} else if (is_exempt(m, fn)) {
			exempt++;
		} else {
			printf("%s: %s: %d lines\n", fn->file, fn->name, fn->added);
			bad = true;
		}
	}
	if (!changed)
		die("%s changes no function", series);
	fprintf(stderr,
		"      the series changes %d functions: %d have mutants, %d are listed as having none\n",
		changed, with, exempt);
	return bad;
}

/* Returns whether there is one. */
static bool print_unused(const struct map *m, const char *path)
{
	const struct exempt *e;
	bool bad = false;

	for (e = m->exempts; e < m->exempts + m->n_exempts; e++) {
		if (e->used)
			continue;
		printf("%s:%d: %s of %s has a mutant, or no line of the series\n",
		       path, e->line, e->name, e->file);
		bad = true;
	}
	return bad;
}

static void drop(struct map *m)
{
	int i;

	for (i = 0; i < m->n_functions; i++) {
		free(m->functions[i].file);
		free(m->functions[i].name);
	}
	for (i = 0; i < m->n_exempts; i++) {
		free(m->exempts[i].file);
		free(m->exempts[i].name);
	}
	free(m->functions);
	free(m->exempts);
}

int main(int argc, char **argv)
{
	struct map m = {};
	bool bad;

	if (argc != 5)
		die("usage: mutmap tree series.diff mutants.patch none");
	m.tree = argv[1];
	read_diff(&m, argv[2], false);
	read_diff(&m, argv[3], true);
	read_exempts(&m, argv[4]);
	bad = print_functions(&m, argv[2]);
	bad |= print_unused(&m, argv[4]);
	drop(&m);
	return bad;
}
