// SPDX-License-Identifier: GPL-2.0-or-later
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "places.h"

const char * const place_class_names[PLACE_CLASSES] = {
	"charged", "open", "fixed", "admin", "pages", "space", "api", "test",
};

/* The next word of a line, in place; "" at its end. */
static char *word(char **line)
{
	char *s = *line + strspn(*line, " \t");
	size_t n = strcspn(s, " \t");

	*line = s + n;
	if (**line)
		*(*line)++ = 0;
	return s;
}

static bool same(const char *a, const char *b, size_t len)
{
	return strlen(a) == len && !memcmp(a, b, len);
}

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static bool is_directory(const char *path)
{
	return path[strlen(path) - 1] == '/';
}

/* Splits PATH:FUNCTION in place. */
static char *function_of(char *path)
{
	char *colon = strchr(path, ':');

	if (!colon)
		return NULL;
	*colon = 0;
	return copy(colon + 1);
}

/* The number that the word is, or -1. */
static int number_of(const char *s)
{
	char *end;
	long n = strtol(s, &end, 10);

	return *s < '0' || *s > '9' || *end || n > INT_MAX ? -1 : (int)n;
}

static void read_call(struct places *p, char *line, int n)
{
	struct place_call *c;
	char *name = word(&line), *at = strchr(name, '@'), *mark;

	if (!*name)
		die("%s:%d: a call has no name", p->file, n);
	p->calls = check(realloc(p->calls, (p->n_calls + 1) * sizeof(*p->calls)));
	c = &p->calls[p->n_calls++];
	*c = (struct place_call){0};
	if (at) {
		*at = 0;
		c->below = copy(at + 1);
	}
	c->name = copy(name);
	while (*(mark = word(&line)))
		strings_add(&c->marks, mark);
}

static void read_alias(struct places *p, char *line, int n)
{
	char *name = word(&line), *mark = word(&line);

	if (!*mark || *word(&line))
		die("%s:%d: expected: mark NAME MARK", p->file, n);
	p->aliases = check(realloc(p->aliases, (p->n_aliases + 1) * sizeof(*p->aliases)));
	p->aliases[p->n_aliases++] = (struct place_alias){copy(name), copy(mark), n, false};
}

static void read_through(struct places *p, char *line, int n)
{
	struct place_through *t;
	char *count = word(&line), *name = word(&line), *path = word(&line);
	int number = number_of(count);

	if (number < 0 || !*path || *word(&line))
		die("%s:%d: expected: through COUNT NAME PLACE", p->file, n);
	p->throughs = check(realloc(p->throughs, (p->n_throughs + 1) * sizeof(*p->throughs)));
	t = &p->throughs[p->n_throughs++];
	*t = (struct place_through){.line = n, .count = number};
	t->name = copy(name);
	t->function = function_of(path);
	t->path = copy(path);
}

static enum place_pool read_pool(const struct places *p, const char *s, int n)
{
	if (strcmp(s, "cma") && strcmp(s, "device"))
		die("%s:%d: no pool: %s", p->file, n, s);
	return strcmp(s, "cma") ? PLACE_DEVICE : PLACE_CMA;
}

static void read_driver(struct places *p, char *line, int n)
{
	struct place_driver *d;
	char *name = word(&line), *pool = word(&line), *place = word(&line), *at = strchr(name, '@');

	if (!*place || *word(&line))
		die("%s:%d: expected: driver NAME POOL PLACE", p->file, n);
	p->drivers = check(realloc(p->drivers, (p->n_drivers + 1) * sizeof(*p->drivers)));
	d = &p->drivers[p->n_drivers++];
	*d = (struct place_driver){.line = n, .pool = read_pool(p, pool, n), .place = copy(place)};
	if (at) {
		*at = 0;
		d->compatible = copy(at + 1);
	}
	d->name = copy(name);
}

static int class_of(const char *name)
{
	int i;

	for (i = 0; i < PLACE_CLASSES && strcmp(name, place_class_names[i]); i++)
		;
	return i;
}

static bool is_same_place(const struct place *a, const char *path, const char *function)
{
	return !strcmp(a->path, path) && !a->function == !function &&
	       (!function || !strcmp(a->function, function));
}

/* The directory above that has a line for each file, or NULL. */
static const char *hand_above(const struct places *p, const char *path)
{
	int i;

	for (i = 0; i < p->hand.n; i++) {
		if (begins(path, p->hand.s[i]))
			return p->hand.s[i];
	}
	return NULL;
}

/* Takes "by [PATH:]FUNCTION" from the beginning of a reason. */
static char *read_by(struct place *a, char *reason)
{
	char *by, *function;

	if (strncmp(reason, "by ", 3) || a->class != PLACE_CHARGED)
		return reason;
	reason += 3;
	by = word(&reason);
	function = function_of(by);
	a->by_path = copy(function ? by : a->path);
	a->by_function = function ? function : copy(by);
	return trim(reason);
}

static void read_place(struct places *p, const char *first, char *line, int n)
{
	struct place new = {.class = class_of(first), .line = n};
	char *path;
	int i;

	if (new.class == PLACE_CLASSES)
		die("%s:%d: unknown word: %s", p->file, n, first);
	new.count = number_of(word(&line));
	path = word(&line);
	if (new.count < 0 || !*path || !*trim(line))
		die("%s:%d: expected: %s COUNT PATH REASON", p->file, n, first);
	new.function = function_of(path);
	if (is_directory(path) && hand_above(p, path))
		die("%s:%d: %s needs a line for each file, not for %s", p->file, n, hand_above(p, path), path);
	for (i = 0; i < p->n; i++) {
		if (is_same_place(&p->list[i], path, new.function))
			die("%s:%d: %s is in line %d, too", p->file, n, path, p->list[i].line);
	}
	new.path = copy(path);
	new.reason = copy(read_by(&new, trim(line)));
	if (!*new.reason)
		die("%s:%d: no reason", p->file, n);
	p->list = check(realloc(p->list, (p->n + 1) * sizeof(*p->list)));
	p->list[p->n++] = new;
}

static void read_line(struct places *p, char *line, int n)
{
	char *first = word(&line);

	if (!*first || *first == '#')
		return;
	if (!strcmp(first, "call"))
		read_call(p, line, n);
	else if (!strcmp(first, "driver"))
		read_driver(p, line, n);
	else if (!strcmp(first, "through"))
		read_through(p, line, n);
	else if (!strcmp(first, "mark"))
		read_alias(p, line, n);
	else if (!strcmp(first, "hand"))
		strings_add(&p->hand, word(&line));
	else
		read_place(p, first, line, n);
}

void places_read(struct places *p, const char *file)
{
	FILE *f = open_or_die(file);
	char *line = NULL;
	size_t size = 0;
	int n = 0;

	*p = (struct places){.file = file};
	while (next_line(f, &line, &size))
		read_line(p, line, ++n);
	free(line);
	fclose(f);
	if (!p->n_calls || !p->n)
		die("%s has no calls or no places", file);
}

void places_free(struct places *p)
{
	int i;

	for (i = 0; i < p->n_calls; i++) {
		free(p->calls[i].name);
		free(p->calls[i].below);
		strings_clear(&p->calls[i].marks);
	}
	for (i = 0; i < p->n_throughs; i++) {
		free(p->throughs[i].name);
		free(p->throughs[i].path);
		free(p->throughs[i].function);
	}
	for (i = 0; i < p->n_drivers; i++) {
		free(p->drivers[i].name);
		free(p->drivers[i].compatible);
		free(p->drivers[i].place);
	}
	for (i = 0; i < p->n; i++) {
		free(p->list[i].path);
		free(p->list[i].function);
		free(p->list[i].reason);
		free(p->list[i].by_path);
		free(p->list[i].by_function);
	}
	for (i = 0; i < p->n_aliases; i++) {
		free(p->aliases[i].name);
		free(p->aliases[i].mark);
	}
	free(p->aliases);
	free(p->calls);
	free(p->throughs);
	free(p->drivers);
	free(p->list);
	strings_clear(&p->hand);
}

/* How well a line fits; 0: not at all. */
static size_t fits(const struct place *a, const char *path, const char *function)
{
	size_t n = strlen(a->path);

	if (is_directory(a->path))
		return begins(path, a->path) && !a->function ? n : 0;
	if (strcmp(a->path, path))
		return 0;
	if (!a->function)
		return n + 1;
	return function && !strcmp(a->function, function) ? n + 2 : 0;
}

struct place *places_find(const struct places *p, const char *path, const char *function)
{
	struct place *best = NULL;
	size_t most = 0, n;
	bool hand = hand_above(p, path);
	int i;

	for (i = 0; i < p->n; i++) {
		if (hand && is_directory(p->list[i].path))
			continue;
		n = fits(&p->list[i], path, function);
		if (n <= most)
			continue;
		most = n;
		best = &p->list[i];
	}
	return best;
}

const struct place *places_named(const struct places *p, const char *name)
{
	const char *colon = strchr(name, ':');
	size_t len = colon ? (size_t)(colon - name) : strlen(name);
	int i;

	for (i = 0; i < p->n; i++) {
		const struct place *a = &p->list[i];

		if (same(a->path, name, len) && !a->function == !colon && (!colon || !strcmp(a->function, colon + 1)))
			return a;
	}
	return NULL;
}

const struct place_call *places_call(const struct places *p, const char *name, size_t len, const char *path)
{
	int i;

	for (i = 0; i < p->n_calls; i++) {
		if (same(p->calls[i].name, name, len) && (!p->calls[i].below || begins(path, p->calls[i].below)))
			return &p->calls[i];
	}
	return NULL;
}

struct place_through *places_through(const struct places *p, const char *name, size_t len)
{
	int i;

	for (i = 0; i < p->n_throughs; i++) {
		if (same(p->throughs[i].name, name, len))
			return &p->throughs[i];
	}
	return NULL;
}
