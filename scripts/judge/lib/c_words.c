// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <string.h>

#include "c_words.h"

enum { NAME_SIZE = 128, MAX_IFS = 64 };

struct branch {
	int depth, round;
};

struct reader {
	const char *s, *start, *end;
	int line;
	bool rust;
	bool macro;		/* in the body of a #define */
	int outside;		/* open ( in front of the #define */
	int depth, round, square;	/* open {, ( and [ */
	bool value;		/* behind a "=" outside of functions */
	char function[NAME_SIZE], variable[NAME_SIZE], name[NAME_SIZE], defined[NAME_SIZE];
	struct branch ifs[MAX_IFS];
	int n_ifs;
	void (*f)(void *arg, const struct c_word *w);
	void *arg;
};

static bool begins_word(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void set_name(char *to, const char *s, size_t len)
{
	if (len >= NAME_SIZE)
		len = NAME_SIZE - 1;
	memcpy(to, s, len);
	to[len] = 0;
}

static bool at(const struct reader *r, const char *what)
{
	size_t n = strlen(what);

	return (size_t)(r->end - r->s) >= n && !memcmp(r->s, what, n);
}

static void step(struct reader *r)
{
	if (r->s < r->end && *r->s++ == '\n')
		r->line++;
}

static void skip_comment(struct reader *r)
{
	bool block = r->s[1] == '*';

	r->s += 2;
	while (r->s < r->end) {
		if (block && at(r, "*/")) {
			r->s += 2;
			return;
		}
		if (!block && *r->s == '\n')
			return;
		step(r);
	}
}

/* A string or character that is not closed ends with its line. */
static void skip_string(struct reader *r)
{
	char quote = *r->s++;

	while (r->s < r->end && *r->s != quote && *r->s != '\n') {
		if (*r->s == '\\')
			step(r);
		step(r);
	}
	if (r->s < r->end && *r->s == quote)
		r->s++;
}

/* Skips a continued line, a comment or a blank; false if there is none of them. */
static bool skip_blank(struct reader *r)
{
	if (at(r, "/*") || at(r, "//")) {
		skip_comment(r);
		return true;
	}
	if (at(r, "\\\n")) {
		r->s++;
		step(r);
		return true;
	}
	if (r->s >= r->end || !isspace((unsigned char)*r->s))
		return false;
	if (*r->s == '\n' && r->macro)
		return false;
	step(r);
	return true;
}

static void skip_line(struct reader *r)
{
	while (r->s < r->end && *r->s != '\n') {
		if (at(r, "/*") || at(r, "\\\n"))
			skip_blank(r);
		else
			r->s++;
	}
}

/* Reads the name of a directive behind "#". */
static void directive(struct reader *r, char *name)
{
	const char *start;

	r->s++;
	while (r->s < r->end && (*r->s == ' ' || *r->s == '\t'))
		r->s++;
	for (start = r->s; r->s < r->end && in_word(*r->s); r->s++)
		;
	set_name(name, start, r->s - start);
	while (r->s < r->end && (*r->s == ' ' || *r->s == '\t'))
		r->s++;
}

static bool opens(const char *name)
{
	return !strcmp(name, "if") || !strcmp(name, "ifdef") || !strcmp(name, "ifndef");
}

/* Skips "#if 0" up to its #else, #elif or #endif, and sets the name of that. */
static void skip_disabled(struct reader *r, char *name)
{
	int inside = 0;

	while (r->s < r->end) {
		skip_line(r);
		step(r);
		while (r->s < r->end && (*r->s == ' ' || *r->s == '\t'))
			r->s++;
		if (r->s >= r->end || *r->s != '#')
			continue;
		directive(r, name);
		if (opens(name))
			inside++;
		else if (!strcmp(name, "endif") && inside-- == 0)
			break;
		else if (!inside && !strncmp(name, "el", 2))
			break;
	}
	skip_line(r);
}

static bool is_zero(const struct reader *r)
{
	return r->s < r->end && *r->s == '0' && (r->s + 1 == r->end || isspace((unsigned char)r->s[1]));
}

static void branch_in(struct reader *r)
{
	if (r->n_ifs < MAX_IFS)
		r->ifs[r->n_ifs] = (struct branch){r->depth, r->round};
	r->n_ifs++;
}

static void branch_back(struct reader *r)
{
	if (!r->n_ifs || r->n_ifs > MAX_IFS)
		return;
	r->depth = r->ifs[r->n_ifs - 1].depth;
	r->round = r->ifs[r->n_ifs - 1].round;
}

static void read_directive(struct reader *r)
{
	char name[NAME_SIZE];
	const char *start;

	directive(r, name);
	if (!strcmp(name, "if") && is_zero(r)) {
		branch_in(r);
		skip_disabled(r, name);
		r->n_ifs -= !strcmp(name, "endif");
		return;
	}
	if (!strcmp(name, "define")) {
		for (start = r->s; r->s < r->end && in_word(*r->s); r->s++)
			;
		set_name(r->defined, start, r->s - start);
		r->macro = true;
		r->outside = r->round;
		return;
	}
	if (opens(name))
		branch_in(r);
	else if (!strncmp(name, "el", 2))
		branch_back(r);
	else if (!strcmp(name, "endif") && r->n_ifs)
		r->n_ifs--;
	skip_line(r);
}

/* Annotations behind the parameters of a function, which look like its name. */
static bool is_annotation(const char *s, size_t len)
{
	static const char * const names[] = {
		"__attribute__", "__acquires", "__releases", "__must_hold", "__printf", "__aligned", "__section",
		"__cond_acquires", "__no_sanitize", "__diag_ignore_all", "__nonnull", "__alloc_size",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == len && !memcmp(names[i], s, len))
			return true;
	}
	return false;
}

static const char *current(const struct reader *r)
{
	if (r->rust)
		return "rust";
	if (r->macro)
		return r->defined;
	return r->depth || r->value ? r->function : "";
}

static void read_word(struct reader *r)
{
	struct c_word w = {.s = r->s, .line = r->line, .round = r->round};

	while (r->s < r->end && in_word(*r->s))
		r->s++;
	w.len = r->s - w.s;
	while (skip_blank(r))
		;
	w.called = r->s < r->end && *r->s == '(';
	w.function = current(r);
	r->f(r->arg, &w);
	if (r->macro || r->depth || r->round || r->square || r->value)
		return;
	if (!w.called)
		set_name(r->variable, w.s, w.len);
	else if (!is_annotation(w.s, w.len))
		set_name(r->name, w.s, w.len);
}

static void declaration_ends(struct reader *r)
{
	r->value = false;
	r->square = 0;
	*r->name = *r->variable = *r->function = 0;
}

static void open_brace(struct reader *r)
{
	if (!r->depth && !r->value)
		set_name(r->function, r->name, strlen(r->name));
	r->depth++;
}

/* In the first column ends a function, also where macros hide some braces. */
static void close_brace(struct reader *r, bool first)
{
	if (first)
		r->depth = r->round = 0;
	else if (r->depth)
		r->depth--;
	if (!r->depth)
		declaration_ends(r);
}

static void read_sign(struct reader *r)
{
	bool first = r->s == r->start || r->s[-1] == '\n';
	char c = *r->s++;

	r->round += c == '(';
	if (c == ')' && r->round)
		r->round--;
	if (r->macro)
		return;
	if (c == '{')
		open_brace(r);
	if (c == '}')
		close_brace(r, first);
	if (r->depth || r->round)
		return;
	r->square += c == '[';
	if (c == ']' && r->square)
		r->square--;
	if (c == ';')
		declaration_ends(r);
	if (c == '=' && !r->value) {
		r->value = true;
		set_name(r->function, r->variable, strlen(r->variable));
	}
}

static void skip_number(struct reader *r)
{
	while (r->s < r->end && in_word(*r->s))
		r->s++;
}

static bool line_begins(const struct reader *r)
{
	const char *p;

	for (p = r->s; p > r->start && p[-1] != '\n'; p--) {
		if (p[-1] != ' ' && p[-1] != '\t')
			return false;
	}
	return true;
}

/* A character, and not the lifetime 'a */
static bool is_character(const struct reader *r)
{
	return r->end - r->s > 2 && (r->s[1] == '\\' || r->s[2] == '\'');
}

static void read_one(struct reader *r)
{
	if (r->macro && *r->s == '\n') {
		r->macro = false;
		r->round = r->outside;
	} else if (*r->s == '"' || (*r->s == '\'' && (!r->rust || is_character(r))))
		skip_string(r);
	else if (*r->s == '#' && !r->macro && !r->rust && line_begins(r))
		read_directive(r);
	else if (begins_word(*r->s))
		read_word(r);
	else if (isdigit((unsigned char)*r->s))
		skip_number(r);
	else
		read_sign(r);
}

static void read_all(struct reader *r, const char *text, size_t len)
{
	r->s = r->start = text;
	r->end = text + len;
	r->line = 1;
	while (r->s < r->end) {
		if (!skip_blank(r))
			read_one(r);
	}
}

void c_words(const char *text, size_t len, void (*f)(void *arg, const struct c_word *w), void *arg)
{
	struct reader r = {.f = f, .arg = arg};

	read_all(&r, text, len);
}

void rust_words(const char *text, size_t len, void (*f)(void *arg, const struct c_word *w), void *arg)
{
	struct reader r = {.f = f, .arg = arg, .rust = true};

	read_all(&r, text, len);
}
