/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/coverage/boards: the finite memory that loads of boards take, and from which place.
 * The head of that file describes its lines.
 */
#ifndef JUDGE_BOARDS_H
#define JUDGE_BOARDS_H

#include <stdbool.h>

#include "places.h"

struct board_use {
	char *text, *file;	/* the memory, and the name of the driver's file */
	unsigned long kib;
	bool charged;
};

struct board {
	char *name;
	struct board_use *uses;
	int n;
};

struct boards {
	const char *file;
	struct board *list;
	int n;
};

/* Reads a file. Ends the program with a message if it has a mistake or names no place of p. */
void boards_read(struct boards *b, const char *file, const struct places *p);
void boards_free(struct boards *b);

/* Sums of a board, in KiB */
unsigned long board_total(const struct board *b);
unsigned long board_charged(const struct board *b);

#endif
