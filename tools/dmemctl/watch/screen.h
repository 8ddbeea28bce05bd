/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A terminal as a whole: its other screen, without the cursor and without echo. Only
 * what every terminal of the last thirty years does, which needs no library.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct screen {
	int in, out;		/* @in is -1 where there are no keys */
	struct termios saved;
	bool entered;
	unsigned int rows, columns;
};

/* Is standard output such a terminal? Nothing is changed yet. */
bool screen_find(struct screen *s);

/* Takes the terminal, or takes it again. Returns 0 or a negative errno. */
int screen_enter(struct screen *s);

/* As it was before. Does nothing if it is so already. */
void screen_leave(struct screen *s);

/* Sets @rows and @columns. */
void screen_measure(struct screen *s);

/* Bytes at the start of @text, which can be printed, that take at most @columns. */
size_t screen_fit(const char *text, unsigned int columns);

/* All of the text, or a negative errno. */
int screen_write(const struct screen *s, const char *text, size_t len);

#endif
