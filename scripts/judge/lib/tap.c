// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "die.h"
#include "tap.h"
#include "text.h"

#define MAX_LEVELS	8

struct level {
	int indent;
	char *name;		/* from "# Subtest: ", or NULL */
	bool used;		/* has a plan or a result, not only a name */
	long plan;		/* -1 if there is none */
	long seen;		/* number of the last result */
	long failed;
	struct strings names;	/* of its results */
};

struct stream {
	const struct tap_reader *to;
	char *program;		/* NULL between two programs */
	bool is_tap;
	long results;		/* that are not indented */
	struct level levels[MAX_LEVELS];
	int depth;
	bool complete;
};

/* Closes levels until @to are left. Returns how many of their results failed. */
static long close_levels(struct stream *st, int to)
{
	long failed = 0;

	while (st->depth > to) {
		struct level *l = &st->levels[--st->depth];

		if (l->plan >= 0 && l->plan != l->seen) {
			if (st->to->plan_missed)
				st->to->plan_missed(st->to->ctx, l->plan, l->seen);
			l->failed++;
		}
		failed += l->failed;
		free(l->name);
		strings_clear(&l->names);
	}
	return failed;
}

/* How many levels are indented by @indent at most. */
static int levels_within(const struct stream *st, int indent)
{
	int n = st->depth;

	while (n && st->levels[n - 1].indent > indent)
		n--;
	return n;
}

static struct level *open_level(struct stream *st, int indent)
{
	if (st->depth == MAX_LEVELS)
		die("%s: more than %d levels of subtests", st->program, MAX_LEVELS);
	st->levels[st->depth] = (struct level){ .indent = indent, .plan = -1 };
	return &st->levels[st->depth++];
}

/* The innermost level, if it is indented by @indent, or a new one. */
static struct level *level_at(struct stream *st, int indent)
{
	if (st->depth && st->levels[st->depth - 1].indent == indent)
		return &st->levels[st->depth - 1];
	return open_level(st, indent);
}

/* Whether a level inside the first @n has more than a name. */
static bool are_used(const struct stream *st, int n)
{
	for (; n < st->depth; n++) {
		if (st->levels[n].used)
			return true;
	}
	return false;
}

/* "NAME # SKIP REASON": cuts the directive off. Returns its reason, or "". */
static const char *cut_directive(char *text, enum tap_directive *directive)
{
	static const struct {
		const char *word;
		enum tap_directive directive;
	} words[] = {
		{ "SKIP", TAP_SKIP }, { "XFAIL", TAP_XFAIL }, { "XPASS", TAP_XPASS },
	};
	char *hash, *word;
	size_t i;

	for (hash = strchr(text, '#'); hash; hash = strchr(hash + 1, '#')) {
		word = hash + 1 + strspn(hash + 1, " ");
		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			if (strncasecmp(word, words[i].word, strlen(words[i].word)))
				continue;
			*directive = words[i].directive;
			*hash = 0;
			return trim(word + strlen(words[i].word));
		}
	}
	return "";
}

/* The names of the open levels. The first has none, the second is the suite's. */
static void join_parents(const struct stream *st, char *text, size_t size)
{
	const char *name;
	size_t n = 0;
	int i;

	*text = 0;
	for (i = 2; i < st->depth && n < size; i++) {
		name = st->levels[i].name;
		n += snprintf(text + n, size - n, "%s: ", name ? name : "");
	}
}

/* Counts @r at the level that it belongs to. */
static void count_result(struct level *l, struct tap_result *r)
{
	l->used = true;
	r->due = ++l->seen;
	if (r->number >= 0)
		l->seen = r->number;
	if (!r->ok || r->failed_subtests || l->seen != r->due)
		l->failed++;
	if (!*r->name)
		return;
	r->repeated = strings_have(&l->names, r->name);
	if (!r->repeated)
		strings_add(&l->names, r->name);
}

/* "ok NUMBER - NAME # SKIP REASON"; @text begins with the number. */
static void on_result(struct stream *st, int indent, bool ok, char *text)
{
	struct tap_result r = { .ok = ok, .indent = indent, .number = -1 };
	int outer = levels_within(st, indent);
	char parents[1024];
	struct level *l;

	r.has_subtests = are_used(st, outer);
	r.failed_subtests = close_levels(st, outer);
	l = level_at(st, indent);
	st->results += !indent;
	if (isdigit((unsigned char)*text))
		r.number = strtol(text, &text, 10);
	text = trim(text);
	if (!strncmp(text, "- ", 2))
		text += 2;
	r.reason = cut_directive(text, &r.directive);
	r.name = trim(text);
	count_result(l, &r);
	join_parents(st, parents, sizeof(parents));
	r.parents = parents;
	if (st->to->result)
		st->to->result(st->to->ctx, &r);
}

/*
 * Closes the levels inside @outer ones that no result sums up. Their failures count as
 * failures of the level around them.
 */
static void close_orphans(struct stream *st, int outer)
{
	long failed;

	while (st->depth > outer) {
		failed = close_levels(st, st->depth - 1);
		if (st->depth)
			st->levels[st->depth - 1].failed += failed;
	}
}

/* "1..NUMBER" or "1..0 # SKIP REASON" */
static void on_plan(struct stream *st, int indent, char *line)
{
	struct tap_plan p = { .line = line, .indent = indent };
	enum tap_directive directive = TAP_NONE;
	const char *reason;
	char text[512], *end;
	struct level *l;

	close_orphans(st, levels_within(st, indent));
	l = level_at(st, indent);
	l->used = true;
	p.n = strtol(line + 3, &end, 10);
	p.second = l->plan >= 0;
	if (!p.second)
		l->plan = p.n;
	snprintf(text, sizeof(text), "%s", end);
	reason = cut_directive(text, &directive);
	if (!p.n && directive == TAP_SKIP)
		p.skip = reason;
	if (st->to->plan)
		st->to->plan(st->to->ctx, &p);
}

/* Names the level of results that are indented as much as "# Subtest: " is. */
static void on_subtest(struct stream *st, int indent, char *name)
{
	int n = levels_within(st, indent);
	struct level *l;

	if (n && st->levels[n - 1].indent == indent)
		l = &st->levels[n - 1];
	else if (n == st->depth)
		l = open_level(st, indent);
	else
		return;
	free(l->name);
	l->name = copy(name);
}

/* Returns the text after the word and a blank, or NULL for another word. */
static char *after_word(char *line, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(line, word, len) || (line[len] && line[len] != ' '))
		return NULL;
	return line + len + !!line[len];
}

static void tap_line(struct stream *st, char *line)
{
	int indent = strspn(line, " ");
	char *s = line + indent, *rest;

	rest = after_word(s, "ok");
	if (rest) {
		on_result(st, indent, true, rest);
		return;
	}
	rest = after_word(s, "not ok");
	if (rest) {
		on_result(st, indent, false, rest);
		return;
	}
	if (!strncmp(s, "1..", 3) && isdigit((unsigned char)s[3])) {
		on_plan(st, indent, s);
		return;
	}
	if (st->to->text)
		st->to->text(st->to->ctx, line);
	rest = after_word(s, "# Subtest:");
	if (rest)
		on_subtest(st, indent, trim(rest));
}

static void begin(struct stream *st, const char *name)
{
	st->program = copy(name);
	st->results = 0;
	st->is_tap = st->to->begin(st->to->ctx, name);
}

static void end(struct stream *st, bool ended, int status)
{
	struct tap_exit e = { .ended = ended, .status = status, .results = st->results };

	e.planned = st->depth && !st->levels[0].indent && st->levels[0].plan >= 0;
	close_levels(st, 0);
	if (st->to->end)
		st->to->end(st->to->ctx, &e);
	free(st->program);
	st->program = NULL;
}

/* "# exit PROGRAM STATUS" of the program that runs; returns false for another line. */
static bool on_exit_line(struct stream *st, const char *line)
{
	size_t len = strlen(st->program);
	char *tail;
	long status;

	if (strncmp(line, "# exit ", 7) || strncmp(line + 7, st->program, len) ||
	    line[7 + len] != ' ')
		return false;
	line += 8 + len;
	status = strtol(line, &tail, 10);
	end(st, tail != line && !*tail, (int)status);
	return true;
}

static void stream_line(struct stream *st, char *line)
{
	if (!strncmp(line, "# run ", 6)) {
		if (st->program)
			end(st, false, 0);
		begin(st, trim(line + 6));
		return;
	}
	if (st->program) {
		if (!on_exit_line(st, line) && st->is_tap)
			tap_line(st, line);
		return;
	}
	if (!strcmp(line, "# end"))
		st->complete = true;
	else if (*line && st->to->outside)
		st->to->outside(st->to->ctx, line);
}

bool tap_read(const char *path, const struct tap_reader *reader)
{
	struct stream st = { .to = reader };
	FILE *f = open_or_die(path);
	char *line = NULL;
	size_t size = 0;

	while (next_line(f, &line, &size))
		stream_line(&st, line);
	if (st.program)
		end(&st, false, 0);
	free(line);
	fclose(f);
	return st.complete;
}
