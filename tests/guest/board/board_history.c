// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * board_history: prints the boards, one per line: the name, the option of plan, and the words for
 * the command line; "-" is none.
 * board_history NAME: prints its history.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmemctl/history/history.h"
#include "boards.h"

#define WALL	1764000000000ull
#define MIB	(1024 * 1024ull)

static void finish(struct hist_line *l)
{
	if (!hist_end(l))
		return;
	fprintf(stderr, "board_history: no memory\n");
	exit(1);
}

static void sample(struct dmem_text *t, const struct board *b)
{
	struct hist_line l;

	hist_begin(&l, t, 'S');
	hist_add(&l, " 1000 %llu", WALL + 1000);
	for (int i = 0; b->area[i].name; i++)
		hist_add(&l, " r%d=%llu,0,-,%llu", i, b->area[i].needs * MIB, b->area[i].has * MIB);
	for (int i = 0; b->area[i].name; i++)
		hist_add(&l, " c0.%d=%llu", i, b->area[i].needs * MIB);
	finish(&l);
	hist_begin(&l, t, 'E');
	hist_add(&l, " 61000");
	finish(&l);
}

static int print_history(const struct board *b)
{
	struct hist_head h = { "00000000-0000-0000-0000-000000000000", WALL, 1000, 1000, 4096, 4 * MIB, false };
	struct dmem_text t = { 0 };
	struct hist_line l;

	hist_put_head(&t, &h);
	for (int i = 0; b->area[i].name; i++) {
		hist_begin(&l, &t, 'R');
		hist_add(&l, " %d", i);
		hist_add(&l, " cma/%s", b->area[i].name);
		finish(&l);
	}
	hist_begin(&l, &t, 'C');
	hist_add(&l, " 0 1");
	hist_add_name(&l, "a.slice");
	finish(&l);
	sample(&t, b);
	fwrite(t.s, 1, t.len, stdout);
	dmem_text_free(&t);
	return fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
	const struct board *b = argc == 2 ? board_find(argv[1]) : NULL;

	if (b)
		return print_history(b);
	if (argc != 1) {
		fprintf(stderr, "usage: board_history [NAME]\n");
		return 2;
	}
	for (b = boards; b->name; b++)
		printf("%s %s %s\n", b->name, b->move ? "--move" : "-", b->words ? b->words : "-");
	return 0;
}
