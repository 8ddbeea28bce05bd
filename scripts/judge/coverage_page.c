// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * coverage_page - print a table of docs/coverage.md
 *
 *   coverage_page SECTION PLACES BOARDS
 *
 * PLACES and BOARDS are the files in kernel/coverage. SECTION is one of
 *
 *   classes  the number of places and calls of each class
 *   charged  the places that are charged
 *   open     the places that a user reaches and that are not charged
 *   through  the words for which other places take memory
 *   rest     all other places
 *   boards   the share of memory that is charged, for each load
 *   drivers  tools/dmemctl/doctor/uncharged.h: the drivers whose place is open
 *
 * The status is 2 if a file has a mistake, with a message that names its line.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/boards.h"
#include "lib/die.h"
#include "lib/places.h"

static void print_place(const struct place *a)
{
	printf("| `%s`", a->path);
	if (a->function)
		printf(", `%s()`", a->function);
	printf(" | %d | %s |\n", a->count, a->reason);
}

static void print_class(const struct places *p, enum place_class class)
{
	int i;

	puts("| place | calls | memory |\n|---|---|---|");
	for (i = 0; i < p->n; i++) {
		if (p->list[i].class == class)
			print_place(&p->list[i]);
	}
}

static void print_classes(const struct places *p)
{
	int class, lines, calls, i;

	puts("| class | lines | calls |\n|---|---|---|");
	for (class = 0; class < PLACE_CLASSES; class++) {
		lines = calls = 0;
		for (i = 0; i < p->n; i++) {
			if ((int)p->list[i].class != class)
				continue;
			lines++;
			calls += p->list[i].count;
		}
		printf("| %s | %d | %d |\n", place_class_names[class], lines, calls);
	}
}

static void print_throughs(const struct places *p)
{
	const struct place *a;
	int i;

	puts("| word | files | place | charged |\n|---|---|---|---|");
	for (i = 0; i < p->n_throughs; i++) {
		a = places_find(p, p->throughs[i].path, p->throughs[i].function);
		printf("| `%s` | %d | `%s` | %s |\n", p->throughs[i].name, p->throughs[i].count, p->throughs[i].path,
		       a && a->class == PLACE_CHARGED ? "yes" : "no");
	}
}

static void print_rest(const struct places *p)
{
	int i;

	puts("| place | calls | class | reason |\n|---|---|---|---|");
	for (i = 0; i < p->n; i++) {
		const struct place *a = &p->list[i];

		if (a->class == PLACE_CHARGED || a->class == PLACE_OPEN)
			continue;
		printf("| `%s`", a->path);
		if (a->function)
			printf(", `%s()`", a->function);
		printf(" | %d | %s | %s |\n", a->count, place_class_names[a->class], a->reason);
	}
}

static void print_size(unsigned long kib)
{
	if (kib < 1024)
		printf("%lu KiB", kib);
	else
		printf("%.1f MiB", kib / 1024.0);
}

static void print_board(const struct board *b)
{
	unsigned long total = board_total(b), charged = board_charged(b);
	const char *comma = "";
	int i;

	/* Rounded down: 94.9 % is not 95 %. */
	printf("| %s | %.1f | %lu %% |", b->name, total / 1024.0, charged * 100 / total);
	for (i = 0; i < b->n; i++) {
		if (b->uses[i].charged)
			continue;
		printf("%s %s (`%s`), ", comma, b->uses[i].text, b->uses[i].file);
		print_size(b->uses[i].kib);
		comma = ";";
	}
	puts(charged == total ? " – |" : " |");
}

static bool is_covered(const struct board *b)
{
	return board_charged(b) * 100 >= board_total(b) * 95;
}

static void print_boards(const struct boards *b)
{
	int i, covered = 0;

	puts("| load | MiB | charged | not charged |\n|---|---|---|---|");
	for (i = 0; i < b->n; i++) {
		print_board(&b->list[i]);
		covered += is_covered(&b->list[i]);
	}
	printf("\nLoads of which at least 95 %% are charged: %d of %d.\n", covered, b->n);
}

static void print_drivers(const struct places *p)
{
	const struct place_driver *d;
	const struct place *a;
	int i;

	puts("/* SPDX-License-Identifier: GPL-2.0-or-later */\n"
	     "/* Written by \"make coverage UPDATE=1\" from kernel/coverage/places: drivers that do not charge some of\n"
	     " * the memory that they take for users. */\n"
	     "static const struct uncharged uncharged[] = {");
	for (i = 0; i < p->n_drivers; i++) {
		d = &p->drivers[i];
		a = places_named(p, d->place);
		if (!a)
			die("%s:%d: %s is no place", p->file, d->line, d->place);
		if (a->class != PLACE_OPEN)
			continue;
		printf("\t{ \"%s\", ", d->name);
		if (d->compatible)
			printf("\"%s\", ", d->compatible);
		else
			printf("NULL, ");
		printf("%s,\n\t  \"%s\" },\n", d->pool == PLACE_CMA ? "true" : "false", a->reason);
	}
	puts("};");
}

int main(int argc, char **argv)
{
	struct places p;
	struct boards b;

	if (argc != 4)
		die("usage: coverage_page section places boards");
	places_read(&p, argv[2]);
	boards_read(&b, argv[3], &p);
	if (!strcmp(argv[1], "classes"))
		print_classes(&p);
	else if (!strcmp(argv[1], "charged"))
		print_class(&p, PLACE_CHARGED);
	else if (!strcmp(argv[1], "open"))
		print_class(&p, PLACE_OPEN);
	else if (!strcmp(argv[1], "through"))
		print_throughs(&p);
	else if (!strcmp(argv[1], "rest"))
		print_rest(&p);
	else if (!strcmp(argv[1], "boards"))
		print_boards(&b);
	else if (!strcmp(argv[1], "drivers"))
		print_drivers(&p);
	else
		die("no section %s", argv[1]);
	boards_free(&b);
	places_free(&p);
	return 0;
}
