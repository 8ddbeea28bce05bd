// SPDX-License-Identifier: GPL-2.0-or-later
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "boards.h"
#include "die.h"

struct line {
	const struct boards *b;
	const struct places *p;
	int number;
};

/* The place of PATH[:FUNCTION], or of a word of "through"; NULL if no place serves the word */
static const struct place *resolve(const struct line *l, const char *name)
{
	const struct place_through *x = places_through(l->p, name, strlen(name));
	const struct place *a;

	if (x)
		return places_find(l->p, x->path, x->function);
	a = places_named(l->p, name);
	if (!a)
		die("%s:%d: %s is no place of %s", l->b->file, l->number, name, l->p->file);
	return a;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Sets whether all places of PLACE[+PLACE] are charged, and the file of the last that is not. */
static void charge(const struct line *l, struct board_use *u, char *names)
{
	const struct place *a;
	char *name;

	u->charged = true;
	while ((name = strsep(&names, "+"))) {
		a = resolve(l, name);
		if (!a)
			die("%s:%d: %s is served by no place of %s", l->b->file, l->number, name, l->p->file);
		if (a->class != PLACE_CHARGED && a->class != PLACE_OPEN)
			die("%s:%d: %s is \"%s\": only \"charged\" and \"open\" count", l->b->file, l->number, name,
			    place_class_names[a->class]);
		if (a->class == PLACE_CHARGED)
			continue;
		u->charged = false;
		free(u->file);
		u->file = copy(base_name(a->path));
	}
}

static unsigned long number(const struct line *l, const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (*s < '0' || *s > '9' || *end || !n || n > INT_MAX)
		die("%s:%d: no number: %s", l->b->file, l->number, s);
	return n;
}

static void read_use(const struct line *l, struct board *b, char *text)
{
	struct board_use *u;
	char *words[3];
	int i;

	for (i = 0; i < 3; i++) {
		text = trim(text);
		words[i] = strsep(&text, " \t");
		if (!text)
			die("%s:%d: expected: use COUNT SIZE PLACE TEXT", l->b->file, l->number);
	}
	b->uses = check(realloc(b->uses, (b->n + 1) * sizeof(*b->uses)));
	u = &b->uses[b->n++];
	*u = (struct board_use){.text = copy(trim(text)), .kib = number(l, words[0]) * number(l, words[1])};
	charge(l, u, words[2]);
}

static void read_line(struct boards *b, const struct line *l, char *text)
{
	text = trim(text);
	if (!*text || *text == '#')
		return;
	if (!strncmp(text, "board ", 6)) {
		b->list = check(realloc(b->list, (b->n + 1) * sizeof(*b->list)));
		b->list[b->n++] = (struct board){.name = copy(trim(text + 6))};
		return;
	}
	if (strncmp(text, "use ", 4) || !b->n)
		die("%s:%d: expected \"board\", or \"use\" after it: %s", b->file, l->number, text);
	read_use(l, &b->list[b->n - 1], text + 4);
}

void boards_read(struct boards *b, const char *file, const struct places *p)
{
	FILE *f = open_or_die(file);
	struct line l = {b, p, 0};
	char *text = NULL;
	size_t size = 0;
	int i;

	*b = (struct boards){.file = file};
	while (next_line(f, &text, &size)) {
		l.number++;
		read_line(b, &l, text);
	}
	free(text);
	fclose(f);
	for (i = 0; i < b->n; i++) {
		if (!b->list[i].n)
			die("%s: board %s has no \"use\"", file, b->list[i].name);
	}
	if (!b->n)
		die("%s has no boards", file);
}

void boards_free(struct boards *b)
{
	struct board *board;

	while (b->n) {
		board = &b->list[--b->n];
		while (board->n) {
			free(board->uses[--board->n].text);
			free(board->uses[board->n].file);
		}
		free(board->uses);
		free(board->name);
	}
	free(b->list);
}

unsigned long board_total(const struct board *b)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < b->n; i++)
		sum += b->uses[i].kib;
	return sum;
}

unsigned long board_charged(const struct board *b)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < b->n; i++)
		sum += b->uses[i].charged ? b->uses[i].kib : 0;
	return sum;
}
