// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * coverage - check kernel/coverage/places against a kernel tree
 *
 *   coverage [-l | -u] TREE PLACES
 *
 * Reads the C and Rust code of TREE, and finds the calls and words that PLACES names. Prints a line
 *
 * - for each call that has no line in PLACES;
 * - for each line whose number of calls or files is not that of the tree;
 * - for each line "charged" with a call that does not ask for a charge, and for each call
 *   that asks for one and whose line says something else;
 * - for each function that nothing calls, and each word whose place has no line;
 * - for each "mark" whose function does not have the word;
 * - for each driver whose name is no string in the directory of its place.
 *
 * With -l it prints each call instead: FILE FUNCTION CALL CLASS, and "charged" or "-",
 * sorted, and each use of a word: FILE WORD. With -u it prints PLACES with the numbers of
 * the tree. The status is 0 if no line was printed or with -l and -u, 1 if there was one,
 * and 2 if a file cannot be read.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/c_words.h"
#include "lib/die.h"
#include "lib/places.h"
#include "lib/text.h"

enum { SLOTS = 4096 };

struct site {
	char *path, *function;
	const struct place_call *call;
	int line;
	int round;		/* parentheses around the call */
	bool charged, excluded;
	struct place *place;
};

/* A word in a function that shows a charge */
struct seen_mark {
	char *path, *function;
	const char *word;
};

struct use {
	char *path;
	const struct place_through *through;
};

struct tree {
	struct places places;
	const char *path;	/* of the file being read, from the top of the tree */
	struct site *sites;
	int n_sites;
	bool inside;		/* in the arguments of the last call */
	struct seen_mark *marks;	/* of all files, in their order */
	int n_marks;
	struct use *uses;
	int n_uses;
	bool slots[SLOTS];	/* by hash: may be a word that matters */
	bool shown;		/* a problem was printed */
};

static unsigned int slot_of(const char *s, size_t len)
{
	uint32_t h = 2166136261u;

	while (len--)
		h = (h ^ (unsigned char)*s++) * 16777619u;
	return h % SLOTS;
}

static void mark_slot(struct tree *t, const char *s)
{
	t->slots[slot_of(s, strlen(s))] = true;
}

static void mark_slots(struct tree *t)
{
	const struct places *p = &t->places;
	int i, j;

	for (i = 0; i < p->n_throughs; i++)
		mark_slot(t, p->throughs[i].name);
	for (i = 0; i < p->n_aliases; i++)
		mark_slot(t, p->aliases[i].name);
	for (i = 0; i < p->n_calls; i++) {
		mark_slot(t, p->calls[i].name);
		for (j = 0; j < p->calls[i].marks.n; j++) {
			const char *mark = p->calls[i].marks.s[j];

			mark_slot(t, mark + (*mark == '!'));
		}
	}
}

static bool is_word(const struct c_word *w, const char *s)
{
	return strlen(s) == w->len && !memcmp(s, w->s, w->len);
}

/* A word in the arguments of a call that shows that it is not charged */
static void exclude(struct tree *t, const struct c_word *w)
{
	struct site *s = &t->sites[t->n_sites - 1];
	int i;

	if (!t->inside)
		return;
	if (w->round <= s->round) {
		t->inside = false;
		return;
	}
	for (i = 0; i < s->call->marks.n; i++) {
		if (s->call->marks.s[i][0] == '!' && is_word(w, s->call->marks.s[i] + 1))
			s->excluded = true;
	}
}

static void add_mark(struct tree *t, const struct c_word *w, const char *mark)
{
	t->marks = check(realloc(t->marks, (t->n_marks + 1) * sizeof(*t->marks)));
	t->marks[t->n_marks++] = (struct seen_mark){copy(t->path), copy(w->function), mark};
}

/* The mark that is the word, or for which it stands; or NULL */
static const char *mark_of(const struct places *p, const struct c_word *w)
{
	int i, j;

	for (i = 0; i < p->n_aliases; i++) {
		if (is_word(w, p->aliases[i].name))
			return p->aliases[i].mark;
	}
	for (i = 0; i < p->n_calls; i++) {
		for (j = 0; j < p->calls[i].marks.n; j++) {
			if (is_word(w, p->calls[i].marks.s[j]))
				return p->calls[i].marks.s[j];
		}
	}
	return NULL;
}

static void see_mark(struct tree *t, const struct c_word *w)
{
	struct places *p = &t->places;
	const char *mark = mark_of(p, w);
	int i;

	if (!mark)
		return;
	add_mark(t, w, mark);
	for (i = 0; i < p->n_aliases; i++) {
		if (!strcmp(p->aliases[i].name, w->function) && !strcmp(p->aliases[i].mark, mark) &&
		    !is_word(w, p->aliases[i].name))
			p->aliases[i].proved = true;
	}
}

static void see_call(struct tree *t, const struct c_word *w)
{
	const struct place_call *c = places_call(&t->places, w->s, w->len, t->path);

	/* Outside of functions is its declaration; a macro of that name is its definition. */
	if (!c || !w->called || !*w->function || !strcmp(w->function, c->name))
		return;
	t->sites = check(realloc(t->sites, (t->n_sites + 1) * sizeof(*t->sites)));
	t->sites[t->n_sites++] = (struct site){
		.path = copy(t->path), .function = copy(w->function), .call = c, .line = w->line, .round = w->round,
	};
	t->inside = true;
}

static void see_use(struct tree *t, const struct c_word *w)
{
	struct place_through *x = places_through(&t->places, w->s, w->len);
	int i;

	if (!x || !*w->function || !strcmp(t->path, x->path))
		return;
	for (i = t->n_uses - 1; i >= 0 && !strcmp(t->uses[i].path, t->path); i--) {
		if (t->uses[i].through == x)
			return;
	}
	t->uses = check(realloc(t->uses, (t->n_uses + 1) * sizeof(*t->uses)));
	t->uses[t->n_uses++] = (struct use){copy(t->path), x};
	x->found++;
}

static void see(void *arg, const struct c_word *w)
{
	struct tree *t = arg;

	if (t->inside)
		exclude(t, w);
	if (!t->slots[slot_of(w->s, w->len)])
		return;
	see_mark(t, w);
	see_use(t, w);
	see_call(t, w);
}

static bool is_marked(const struct tree *t, const char *path, const char *function, const char *mark)
{
	int i;

	for (i = 0; i < t->n_marks; i++) {
		if (!strcmp(t->marks[i].word, mark) && !strcmp(t->marks[i].function, function) &&
		    !strcmp(t->marks[i].path, path))
			return true;
	}
	return false;
}

static bool has_mark(const struct tree *t, const struct site *s)
{
	const struct place *a = s->place;
	int i;

	for (i = 0; i < s->call->marks.n; i++) {
		const char *mark = s->call->marks.s[i];

		if (!strcmp(mark, "*") || (*mark == '!' && !s->excluded))
			return true;
		if (is_marked(t, s->path, s->function, mark))
			return true;
		if (a && a->by_path && is_marked(t, a->by_path, a->by_function, mark))
			return true;
	}
	return false;
}

/* After the last file: the mark of a call can be in another one. */
static void judge_sites(struct tree *t)
{
	int i;

	for (i = 0; i < t->n_sites; i++) {
		struct site *s = &t->sites[i];

		s->place = places_find(&t->places, s->path, s->function);
		s->charged = has_mark(t, s);
		if (s->place)
			s->place->found++;
	}
}

static bool has_string(const char *text, size_t len, const char *s)
{
	size_t n = strlen(s);
	const char *at;

	for (; (at = memmem(text, len, s, n)); len -= at + 1 - text, text = at + 1) {
		if (at > text && at[-1] == '"' && at + n < text + len && at[n] == '"')
			return true;
	}
	return false;
}

/* Looks for the names of drivers whose place is in the same directory. */
static void see_drivers(struct tree *t, const char *text, size_t len)
{
	size_t dir = strrchr(t->path, '/') - t->path + 1;
	int i;

	for (i = 0; i < t->places.n_drivers; i++) {
		struct place_driver *d = &t->places.drivers[i];
		const char *slash = strrchr(d->place, '/');

		if (slash && (size_t)(slash + 1 - d->place) == dir && !memcmp(d->place, t->path, dir))
			d->found = d->found || has_string(text, len, d->name);
	}
}

static char *read_all(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	char *text;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st))
		die("%s: %s", path, strerror(errno));
	text = check(malloc(st.st_size + 1));
	for (*len = 0; *len < (size_t)st.st_size; *len += n) {
		n = read(fd, text + *len, st.st_size - *len);
		if (n < 0)
			die("%s: %s", path, strerror(errno));
		if (!n)
			break;
	}
	close(fd);
	return text;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

static void read_source(struct tree *t, const char *path)
{
	size_t len;
	char *text = read_all(path, &len);

	t->path = path;
	(ends_with(path, ".rs") ? rust_words : c_words)(text, len, see, t);
	see_drivers(t, text, len);
	t->inside = false;
	free(text);
}

/* nftw() takes no argument for its function. */
static struct strings found_sources;

static int find_source(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_DNR || type == FTW_NS)
		die("%s: %s", path, strerror(errno));
	if (type == FTW_F && (ends_with(path, ".c") || ends_with(path, ".h") || ends_with(path, ".rs")))
		strings_add(&found_sources, path);
	return 0;
}

/* The directories with code that runs in a kernel. */
static void read_tree(struct tree *t, const char *top)
{
	static const char * const dirs[] = {
		"arch", "block", "crypto", "drivers", "fs", "include", "init", "io_uring", "ipc", "kernel", "lib", "mm",
		"net", "rust", "security", "sound", "virt",
	};
	size_t i;
	int j;

	if (chdir(top))
		die("%s: %s", top, strerror(errno));
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (!access(dirs[i], F_OK) && nftw(dirs[i], find_source, 32, FTW_PHYS))
			die("%s/%s: %s", top, dirs[i], strerror(errno));
	}
	if (!found_sources.n)
		die("%s is not a kernel tree: it has no source files", top);
	for (j = 0; j < found_sources.n; j++)
		read_source(t, found_sources.s[j]);
	strings_clear(&found_sources);
	judge_sites(t);
}

static void problem(struct tree *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void problem(struct tree *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	t->shown = true;
}

static void check_sites(struct tree *t)
{
	int i;

	for (i = 0; i < t->n_sites; i++) {
		const struct site *s = &t->sites[i];
		enum place_class class = s->place ? s->place->class : PLACE_CLASSES;

		if (class == PLACE_CLASSES)
			problem(t, "%s:%d: %s() calls %s(), and has no line", s->path, s->line, s->function, s->call->name);
		else if (class == PLACE_CHARGED && !s->charged)
			problem(t, "%s:%d: %s() calls %s() without a charge, but line %d says \"charged\"", s->path,
				s->line, s->function, s->call->name, s->place->line);
		else if (s->charged && class != PLACE_CHARGED && class != PLACE_API && class != PLACE_TEST)
			problem(t, "%s:%d: %s() charges what it takes from %s(), but line %d says \"%s\"", s->path,
				s->line, s->function, s->call->name, s->place->line, place_class_names[class]);
	}
}

static void check_counts(struct tree *t)
{
	const struct places *p = &t->places;
	int i;

	for (i = 0; i < p->n; i++) {
		const struct place *a = &p->list[i];
		const char *colon = a->function ? ":" : "", *function = a->function ? a->function : "";

		if (!a->found)
			problem(t, "line %d: %s%s%s takes no memory any more: remove the line", a->line, a->path, colon, function);
		else if (a->found != a->count)
			problem(t, "line %d: %s%s%s has %d calls, not %d: look at the new ones, and correct the number",
				a->line, a->path, colon, function, a->found, a->count);
	}
}

static bool is_called(const struct tree *t, const struct place_call *c)
{
	int i;

	for (i = 0; i < t->n_sites && t->sites[i].call != c; i++)
		;
	return i < t->n_sites;
}

static void check_names(struct tree *t)
{
	const struct places *p = &t->places;
	int i;

	for (i = 0; i < p->n_calls; i++) {
		if (!is_called(t, &p->calls[i]))
			problem(t, "nothing calls %s()", p->calls[i].name);
	}
	for (i = 0; i < p->n_throughs; i++) {
		const struct place_through *x = &p->throughs[i];
		const struct place *a = places_find(p, x->path, x->function);

		if (x->found != x->count)
			problem(t, "line %d: %d files use %s, not %d: look at the new ones, and correct the number",
				x->line, x->found, x->name, x->count);
		if (!a || !a->found || strcmp(a->path, x->path))
			problem(t, "%s is served by %s, which has no line", x->name, x->path);
	}
}

static void check_aliases(struct tree *t)
{
	int i;

	for (i = 0; i < t->places.n_aliases; i++) {
		const struct place_alias *a = &t->places.aliases[i];

		if (!a->proved)
			problem(t, "line %d: no function %s has the word %s", a->line, a->name, a->mark);
	}
}

static void check_drivers(struct tree *t)
{
	const struct places *p = &t->places;
	int i;

	for (i = 0; i < p->n_drivers; i++) {
		const struct place_driver *d = &p->drivers[i];

		if (!places_named(p, d->place))
			problem(t, "line %d: driver %s is of %s, which has no line", d->line, d->name, d->place);
		else if (*d->name != '/' && !d->found)
			problem(t, "line %d: no file beside %s has the string \"%s\"", d->line, d->place, d->name);
	}
}

static int compare_sites(const void *x, const void *y)
{
	const struct site *a = x, *b = y;
	int c = strcmp(a->path, b->path);

	return c ? c : a->line - b->line;
}

static int compare_uses(const void *x, const void *y)
{
	const struct use *a = x, *b = y;
	int c = strcmp(a->path, b->path);

	return c ? c : strcmp(a->through->name, b->through->name);
}

static void list(struct tree *t)
{
	int i;

	qsort(t->sites, t->n_sites, sizeof(*t->sites), compare_sites);
	for (i = 0; i < t->n_sites; i++) {
		const struct site *s = &t->sites[i];

		printf("%s %s %s %s %s\n", s->path, s->function, s->call->name,
		       s->place ? place_class_names[s->place->class] : "?", s->charged ? "charged" : "-");
	}
	qsort(t->uses, t->n_uses, sizeof(*t->uses), compare_uses);
	for (i = 0; i < t->n_uses; i++)
		printf("%s %s\n", t->uses[i].path, t->uses[i].through->name);
}

/* The number that belongs into a line, or -1. */
static int found_of(const struct places *p, int line)
{
	int i;

	for (i = 0; i < p->n; i++) {
		if (p->list[i].line == line)
			return p->list[i].found;
	}
	for (i = 0; i < p->n_throughs; i++) {
		if (p->throughs[i].line == line)
			return p->throughs[i].found;
	}
	return -1;
}

/* Prints the file with the numbers of the tree. */
static void update(const struct places *p, FILE *f)
{
	char *line = NULL, *rest;
	size_t size = 0, len;
	int n = 0, found;

	while (next_line(f, &line, &size)) {
		found = found_of(p, ++n);
		if (found < 0) {
			puts(line);
			continue;
		}
		len = strcspn(line, " \t");
		rest = line + len + strspn(line + len, " \t");
		rest += strcspn(rest, " \t");
		printf("%.*s %d%s\n", (int)len, line, found, rest);
	}
	free(line);
}

static void tree_free(struct tree *t)
{
	while (t->n_sites) {
		free(t->sites[--t->n_sites].path);
		free(t->sites[t->n_sites].function);
	}
	while (t->n_uses)
		free(t->uses[--t->n_uses].path);
	while (t->n_marks) {
		free(t->marks[--t->n_marks].path);
		free(t->marks[t->n_marks].function);
	}
	free(t->sites);
	free(t->marks);
	free(t->uses);
	places_free(&t->places);
}

int main(int argc, char **argv)
{
	struct tree t = {0};
	char mode = 0;
	FILE *f;
	int c;

	while ((c = getopt(argc, argv, "lu")) != -1)
		mode = c;
	if (mode == '?' || argc - optind != 2)
		die("usage: coverage [-l | -u] tree places");
	places_read(&t.places, argv[optind + 1]);
	f = open_or_die(argv[optind + 1]);
	mark_slots(&t);
	read_tree(&t, argv[optind]);
	if (mode == 'l') {
		list(&t);
	} else if (mode == 'u') {
		update(&t.places, f);
	} else {
		check_sites(&t);
		check_counts(&t);
		check_names(&t);
		check_aliases(&t);
		check_drivers(&t);
	}
	fclose(f);
	c = t.shown;
	tree_free(&t);
	return c;
}
